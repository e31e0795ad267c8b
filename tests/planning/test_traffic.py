"""Which requests get through, where they go, and from where callers reach the models."""

from fnmatch import fnmatchcase
from typing import Any

import pytest

from planning.plan import ModelPlan
from tests.planning.fixtures_served import NXDI, TINY
from tests.planning.stacks import decide_on, groups, stack, work

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


def test_times_follow_from_the_server() -> None:
    known, unknown = serving(), model()
    assert (known.services[0].grace_seconds, unknown.services[0].grace_seconds) == (3600, 1800)
    assert serving(health_check={"grace_seconds": 60}).services[0].grace_seconds == 60
    torch = model(image="dlc/pytorch-inference-neuronx:2.9.0-neuronx-py312-sdk2.28.0-ubuntu24.04")
    assert torch.target_groups[0].deregistration_delay_seconds == 120
