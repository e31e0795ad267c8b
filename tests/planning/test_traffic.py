"""Which requests get through, where they go, and from where callers reach the models."""

import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from catalog import load
from neuron_ecs.overview.endpoints import render
from planning.alarms import Metric, NameOf
from planning.document import endpoints, global_endpoints
from planning.plan import LoadBalancer, ModelPlan, Plan, RegionPlan
from planning.watching_price import watching_costs
from tests.planning.fixtures_authentication import TOKEN
from tests.planning.fixtures_served import NXDI, TINY
from tests.planning.fixtures_traffic import DOMAIN, called
from tests.planning.fixtures_traffic import over_all as two_regions
from tests.planning.stacks import certificates, decide_on, finding, groups, stack, work

OPERATORS = ("/pause", "/sleep", "/collective_rpc", "/invocations", "/metrics", "/v1", "")


def model(**entry: Any) -> ModelPlan:
    models = {"m": work(1, port=8080, **entry)}
    return decide_on(stack(capacity={"pool": groups()}, models=models)).regions[0].models[0]


def serving(*options: str, **entry: Any) -> ModelPlan:
    """A model that a vLLM server of AWS's own serves."""
    command = ["vllm", "serve", TINY, "--port=8080", *options]
    return model(image=NXDI, command=command, **entry)


def passes(made: ModelPlan, path: str) -> bool:
    rules = [rule for group in made.target_groups for rule in group.rules]
    return any(fnmatchcase(path, pattern) for rule in rules for pattern in rule.paths)


def test_only_what_a_known_server_has_for_callers_gets_through() -> None:
    made = serving()
    for path in ("/v1/chat/completions", "/v1/models", "/health"):
        assert passes(made, f"/m{path}")
    for path in OPERATORS:
        assert not passes(made, f"/m{path}")
    assert not passes(made, "/v1/models"), "without a domain the model is known by its path"


def test_every_path_of_a_server_that_no_table_knows_gets_through() -> None:
    for made in (model(), model(image=NXDI, command=["python", "app.py"])):
        assert passes(made, "/m")
        assert all(passes(made, f"/m{path}") for path in OPERATORS)


def test_written_paths_are_those_that_get_through() -> None:
    made = serving(paths=["/tokenize"])
    assert passes(made, "/m/tokenize")
    assert passes(made, "/m/health"), "the path of the health check is always called"
    assert not passes(made, "/m/v1/models")
    assert passes(serving(paths=["/v1/*", "/*"]), "/m/pause")


@pytest.mark.parametrize(
    "check", ["/health", "/v1/health", "/other?deep=1", "/a%20b", "/" + "x" * 500]
)
def test_the_health_check_gets_through_whatever_its_path(check: str) -> None:
    made = serving(health_check={"path": check})
    assert passes(made, f"/m{check.partition('?')[0]}")
    assert not passes(made, "/m/pause")
    assert all(len(p) <= 128 for g in made.target_groups for r in g.rules for p in r.paths)


def test_a_rule_takes_three_paths_and_each_has_a_key_of_its_own() -> None:
    made = serving(paths=[f"/v{n}/*" for n in range(6)])
    rules = made.target_groups[0].rules
    assert [len(rule.paths) for rule in rules] == [3, 3, 1]
    assert rules[0].key == serving().target_groups[0].rules[0].key, "no rule moves"
    assert len({rule.key for rule in rules}) == 3


def named(region: str = "us-west-2", **traffic: Any) -> RegionPlan:
    """A model and its sidecar in a domain."""
    sidecars = {"s": {"image": "r.io/s:1", "port": 9000}}
    models = {"m": work(1, port=8080, sidecars=sidecars)}
    regions: dict[str, Any] = {region: {}, "us-east-2": {}}
    plan = decide_on(
        stack(capacity={"pool": groups()}, models=models, regions=regions, traffic=traffic)
    )
    return next(found for found in plan.regions if found.name == region)


def balancer(**traffic: Any) -> LoadBalancer:
    found = named(**traffic).load_balancer
    assert found is not None
    return found


def test_each_container_has_a_name_in_the_domain_and_every_path_of_it() -> None:
    groups_of = named(domain=DOMAIN).models[0].target_groups
    hosts = ["m.us-west-2.models.example.com", "m-s.us-west-2.models.example.com"]
    assert [group.host for group in groups_of] == hosts
    for group in groups_of:
        (rule,) = group.rules
        assert (rule.hosts, rule.paths, rule.prefix) == ((group.host,), ("/*",), "")


def test_a_public_zone_validates_the_certificate_and_a_private_one_does_not() -> None:
    shut = {**DOMAIN, "private": True}
    made, plain = balancer(domain=DOMAIN), balancer(domain=shut)
    assert made.names is not None
    assert (made.secure, made.names.validation_zone_id, made.names.associated) == (
        True,
        "Z0AAA",
        False,
    )
    assert plain.names is not None
    assert (plain.secure, plain.port, plain.names.associated) == (False, 80, True)
    elsewhere = balancer(domain=shut | {"validation_zone_id": "Z0BBB"})
    assert elsewhere.secure
    assert elsewhere.makes_certificate


def test_a_certificate_that_is_given_wins() -> None:
    given = balancer(domain=DOMAIN, **certificates("us-west-2"))
    assert given.secure
    assert not given.makes_certificate


def test_a_network_that_is_associated_is_left_alone() -> None:
    there = balancer(domain={**DOMAIN, "private": True, "associated": ["us-west-2"]})
    assert there.names is not None
    assert not there.names.associated


def over_all(**traffic: Any) -> Plan:
    """A model and its sidecar in two Regions whose networks reach each other."""
    sidecars = {"s": {"image": "r.io/s:1", "port": 9000}}
    models = {"m": work(1, port=8080, sidecars=sidecars), "only": work(1, port=8080)}
    models["only"]["regions"] = ["us-east-2"]
    regions: dict[str, Any] = {"us-west-2": {}, "us-east-2": {}}
    given: dict[str, Any] = {"domain": DOMAIN, "connected": True, **traffic}
    return decide_on(
        stack(capacity={"pool": groups()}, models=models, regions=regions, traffic=given)
    )


def test_connected_networks_give_each_container_a_name_over_its_regions() -> None:
    plan = over_all()
    found = {one.model: one for one in global_endpoints(plan)}
    assert {name: one.url for name, one in found.items()} == {
        "m": "https://m.models.example.com",
        "m/s": "https://m-s.models.example.com",
        "only": "https://only.models.example.com",
    }
    assert found["m"].regions == ("us-east-2", "us-west-2")
    assert found["only"].regions == ("us-east-2",)
    for region in plan.regions:
        for group in (g for m in region.models for g in m.target_groups):
            assert group.everywhere is not None
            (rule,) = group.rules
            assert rule.hosts == (group.host, group.everywhere.host)
            measured = group.everywhere.alarm.measured
            assert isinstance(measured, Metric), "Route 53 reads the data of one metric"
            keys = {d.value for d in measured.dimensions}
            assert NameOf("target_group", group.key) in keys, "health is that of one model"
    groups_of = [g for r in plan.regions for m in r.models for g in m.target_groups]
    alarms = [g.everywhere.alarm for g in groups_of if g.everywhere]
    assert len({a.key for a in alarms}) == len({a.name for a in alarms}) == len(alarms)


def test_a_second_load_balancer_has_no_names_over_all_regions_and_no_alarms_of_them() -> None:
    alone, both = watched(over_all()), watched(over_all(both_schemes=True))
    assert both == alone, "what is not built costs nothing"


def watched(plan: Plan) -> list[tuple[str, int, int]]:
    found = watching_costs(plan, load())
    return [(cost.region, cost.alarm_metrics, cost.health_checks) for cost in found]


def test_names_over_all_regions_need_networks_that_reach_each_other() -> None:
    plan = over_all(connected=False)
    assert not list(global_endpoints(plan))
    assert plan.certificate is None
    assert all(g.everywhere is None for m in plan.regions[0].models for g in m.target_groups)


def test_a_stack_that_is_public_in_all_its_regions_has_names_over_them() -> None:
    found = over_all(connected=False, public=True, allow_from=["203.0.113.0/24"])
    assert {one.callers for one in global_endpoints(found)} == {("203.0.113.0/24",)}
    assert found.certificate is not None
    asked = {"jwt": TOKEN}
    (one, *_) = global_endpoints(
        over_all(connected=False, public={"anyone": True}, authentication=asked)
    )
    assert one.callers == ("0.0.0.0/0",)
    named = {"us-west-2": ["203.0.113.0/24"]}
    part = over_all(connected=False, public={"regions": ["us-west-2"]}, allow_from=named)
    assert not list(global_endpoints(part)), "callers reach one load balancer of two"


def test_by_default_all_networks_of_the_stack_call_a_name_over_all_regions() -> None:
    alone, together = over_all(connected=False), over_all()
    own = {r.load_balancer.allow_cidrs for r in alone.regions if r.load_balancer}
    assert {len(blocks) for blocks in own} == {1}
    for region in together.regions:
        assert region.load_balancer is not None
        assert region.load_balancer.allow_cidrs == tuple(sorted(b for some in own for b in some))
    assert {one.callers for one in global_endpoints(together)} == {
        tuple(sorted(b for some in own for b in some))
    }


def test_only_callers_of_every_region_call_a_name_over_all_of_them() -> None:
    plan = over_all(
        allow_from={"us-west-2": ["10.0.0.0/8", "192.168.0.0/16"], "us-east-2": ["10.1.0.0/16"]}
    )
    found = next(one for one in global_endpoints(plan) if one.model == "m")
    assert found.callers == ("10.1.0.0/16",)


def test_one_record_validates_the_certificates_of_all_regions() -> None:
    shared = over_all().certificate
    assert shared is not None
    assert (shared.name, shared.first) == ("*.models.example.com", "us-west-2"), "the home Region"
    assert [region for region, _ in shared.certificates] == ["us-east-2", "us-west-2"]
    given = over_all(**certificates("us-west-2")).certificate
    assert given is not None
    assert [region for region, _ in given.certificates] == ["us-east-2"], "one that is given wins"
    assert given.first == "us-east-2"
    assert over_all(domain={**DOMAIN, "private": True}).certificate is None


def test_a_shared_name_is_as_healthy_as_the_model_with_the_most_weight() -> None:
    models = {name: work(1, port=8080) for name in ("a", "b")}
    given = {"domain": DOMAIN, "connected": True, "weights": {"a": {"b": 1}, "c": {"a": 2, "b": 1}}}
    plan = decide_on(stack(capacity={"pool": groups()}, models=models, traffic=given))
    named = {name: one for m in plan.regions[0].models for name, one, _ in m.names_everywhere}
    keys = {name: one.target_group for name, one in named.items()}
    assert keys == {"a": "usw2-b", "b": "usw2-b", "c": "usw2-a"}
    asked = {name: one.alarm.description.split()[-1] for name, one in named.items()}
    assert asked == {"a": "a", "b": "b", "c": "a"}, "doctor knows models alone"
    assert [one.url for one in global_endpoints(plan)][-1] == "https://c.models.example.com"


def test_two_containers_of_different_regions_share_no_name_over_all_of_them() -> None:
    side = {"c": {"image": "r.io/c:1", "port": 9000}}
    models = {"a-b": work(1, port=8080, sidecars=side), "a": work(1, port=8080)}
    models["a"]["sidecars"] = {"b-c": side["c"]}
    models["a"]["regions"], models["a-b"]["regions"] = ["us-west-2"], ["us-east-2"]
    regions: dict[str, Any] = {"us-west-2": {}, "us-east-2": {}}
    keys: dict[str, Any] = {"capacity": {"pool": groups()}, "models": models, "regions": regions}
    decide_on(stack(**keys, traffic={"domain": DOMAIN}))
    config = stack(**keys, traffic={"domain": DOMAIN, "connected": True})
    assert finding(config, "NE528").path == "models.a.sidecars.b-c"


@pytest.mark.parametrize(
    ("hosts", "url"),
    [
        (["*.m.example.com"], "https://m.m.example.com"),
        (["m.example.com", "*.m.example.com"], "https://m.example.com/m"),
    ],
)
def test_the_names_of_a_certificate_are_those_that_are_called(hosts: list[str], url: str) -> None:
    traffic = {**certificates("us-west-2"), "hosts": {"us-west-2": hosts}}
    models = {"m": work(1, port=8080)}
    plan = decide_on(stack(capacity={"pool": groups()}, models=models, traffic=traffic))
    assert [found.url for found in endpoints(plan)] == [url]
    assert [found.health for found in endpoints(plan)] == [f"{url}/health"]


def test_two_containers_with_one_name_are_refused() -> None:
    side = {"c": {"image": "r.io/c:1", "port": 9000}}
    models = {"a-b": work(1, port=8080, sidecars=side), "a": work(1, port=8080)}
    models["a"]["sidecars"] = {"b-c": side["c"]}
    for traffic in ({}, {"domain": DOMAIN}):
        config = stack(capacity={"pool": groups()}, models=models, traffic=traffic)
        assert finding(config, "NE528").path.startswith("models.a-b.sidecars.c")


def test_times_follow_from_the_server() -> None:
    known, unknown = serving(), model()
    assert (known.services[0].grace_seconds, unknown.services[0].grace_seconds) == (3600, 1800)
    assert serving(health_check={"grace_seconds": 60}).services[0].grace_seconds == 60
    torch = model(image="dlc/pytorch-inference-neuronx:2.9.0-neuronx-py312-sdk2.28.0-ubuntu24.04")
    assert torch.target_groups[0].deregistration_delay_seconds == 120


def test_the_line_to_try_has_a_name_that_the_certificate_can_have() -> None:
    """ACM issues none below amazonaws.com: a caller that checks the name would refuse."""
    text = " ".join(
        " ".join(render(decide_on(called(traffic=certificates("us-west-2"))), width=0)).split()
    )
    assert "HTTPS by a name of the certificate, with a record of yours" in text
    (url,) = re.findall(r"curl --connect-to ::<[a-z0-9-]+>[a-z0-9.-]+: (https://\$NAME/\S+)", text)
    assert url == "https://$NAME/model-of-24-characters-x/health"
    hosts = {"hosts": {"us-west-2": ["models.example.com"]}}
    named = " ".join(render(decide_on(called(traffic=certificates("us-west-2") | hosts)), width=0))
    assert "curl https://models.example.com/model-of-24-characters-x/health" in named


def test_a_certificate_of_callers_is_said_of_its_region_alone() -> None:
    store = "arn:aws:elasticloadbalancing:us-west-2:111122223333:truststore/callers/0a1b"
    both = two_regions(
        {
            "connected": False,
            **certificates("us-west-2", "us-east-2"),
            "authentication": {"mutual_tls": {"us-west-2": store}},
        }
    )
    text = "\n".join(render(decide_on(both), width=0))
    assert "with a certificate of the caller in us-west-2: a" in text
