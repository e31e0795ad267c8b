"""Models under one name: who answers, at which paths, and by which rule."""

import json

from messages.finding import Severity
from planning.document import endpoints
from planning.plan import ModelPlan, Plan
from tests.planning.fixtures_authentication import KEY, OTHER_KEY, shared
from tests.planning.fixtures_traffic import weighted
from tests.planning.stacks import Entry, changed, codes, decide_on, finding, findings_of


def planned(weights: Entry, **models: Entry) -> Plan:
    return decide_on(weighted(weights, **models))


def weights_of(model: ModelPlan) -> dict[str, dict[str, int]]:
    """Weights by target group, of each rule of the model."""
    assert model.target_group is not None
    rules = [r for o in (model.target_group, *model.target_group.other_names) for r in o.rules]
    return {r.key: {s.target_group: s.weight for s in r.shares} for r in rules}


def test_the_model_of_the_name_sends_requests_on() -> None:
    a, b = planned({"a": {"a": 9, "b": 1}}).regions[0].models
    assert weights_of(a) == {"usw2_a_path": {"usw2-a": 9, "usw2-b": 1}}
    assert weights_of(b) == {"usw2_b_path": {}}, "it is called under its own name as well"


def test_a_model_without_a_weight_under_its_own_name_gets_no_request() -> None:
    a, _ = planned({"a": {"b": 1}}).regions[0].models
    assert weights_of(a) == {"usw2_a_path": {"usw2-a": 0, "usw2-b": 1}}


def test_a_name_without_a_model_is_answered_by_the_same_rule_as_before() -> None:
    """The engine then changes the rule in place: no request meets none, or two."""
    plan = planned({"a": {"b": 1}}, b={})
    (b,) = plan.regions[0].models
    assert weights_of(b) == {"usw2_b_path": {}, "usw2_a_path": {}}
    assert [e.model for e in endpoints(plan)] == ["b", "a"]
    before = {e.model: e.url for e in endpoints(planned({}))}
    assert {e.model: e.url for e in endpoints(plan)} == before


def test_the_largest_weight_owns_a_name_without_a_model() -> None:
    a, b = planned({"all": {"a": 1, "b": 2}}).regions[0].models
    assert weights_of(b)["usw2_all_path"] == {"usw2-a": 1, "usw2-b": 2}
    assert "usw2_all_path" not in weights_of(a)


def test_paths_under_the_name_are_those_that_all_let_through() -> None:
    a, _ = (
        planned({"a": {"a": 1, "b": 1}}, a={"paths": ["/v1/*", "/own"]}, b={"paths": ["/*"]})
        .regions[0]
        .models
    )
    assert a.target_group is not None
    (rule,) = a.target_group.rules
    assert rule.paths == ("/a/v1/*", "/a/own", "/a/health")
    narrow = (
        planned({"b": {"a": 1, "b": 1}}, a={"paths": ["/v1/*", "/own"]}, b={"paths": ["/*"]})
        .regions[0]
        .models[1]
    )
    assert narrow.target_group is not None
    assert narrow.target_group.rules[0].paths == ("/b/v1/*", "/b/own", "/b/health")


def test_a_model_that_cannot_be_served_is_the_only_mistake() -> None:
    """Weights, keys and lines of the layout may name it."""
    config = weighted({"a": {"m": 1}}, a={})
    config = changed(config, "models", m={"serve": {"model": "acme/chat"}, "capacity": "pool"})
    config = changed(config, "traffic", authentication={"api_key": {"m": "/keys/m"}})
    lines = {"a": {"1": [1]}, "m": {"1": [0]}}
    config["neuron-ecs:layout"] = json.dumps({"us-west-2": {"pool": lines}})
    assert codes(config, Severity.WARNING) == {"NE902"}


def test_the_path_of_a_health_check_alone_is_no_common_path() -> None:
    """With a query as well, which is no part of a pattern."""
    models = {
        name: {"paths": [f"/{name}/*"], "health_check": {"path": "/health?full=1"}}
        for name in ("a", "b")
    }
    found = finding(weighted({"a": {"b": 1}}, **models), "NE820")
    assert found.what.endswith("no path in common but /a/health")


def test_a_name_says_which_of_its_models_ask_for_which_key() -> None:
    told = {f.what: f.fix for f in findings_of(shared(KEY)) if f.code == "NE821"}
    (what,) = told
    assert what.endswith("next, which asks for no key")
    assert told[what] == f"write traffic.authentication.api_key.next: {KEY}"
    quiet = findings_of(shared(KEY, OTHER_KEY, weights=(1, 0)))
    assert not [f for f in quiet if f.code == "NE821"], "a model without a weight refuses nobody"
