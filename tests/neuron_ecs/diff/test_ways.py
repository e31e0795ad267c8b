"""Updates that interrupt a model, and those that do not: what `diff` says of both."""

import json
from typing import Any

import pytest

from neuron_ecs.diff.difference import Difference
from neuron_ecs.diff.document import document
from neuron_ecs.diff.markdown import render as markdown
from neuron_ecs.diff.summary import verdict
from neuron_ecs.diff.text import render
from neuron_ecs.diff.traffic import traffic_lines
from tests.neuron_ecs.diff.pairs import compared
from tests.planning.fixtures_authentication import keyed
from tests.planning.stacks import HOME, Config, Entry, changed, groups, managed, stack, work

POOLS: Entry = {"pool": groups("inf2.24xlarge", 3), "managed": managed("inf2.xlarge")}
BRIDGE, OWN, MANAGED = (
    work(2, port=8080),
    work(2, port=8080, network_mode="awsvpc"),
    work("all", "managed", port=8080),
)


def serving(weights: Entry | None = None, **models: Any) -> Config:
    return stack(capacity=POOLS, models=models, traffic={"weights": weights or {}})


def codes(found: Difference) -> list[str]:
    return [way.code for way in found.ways]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (BRIDGE, OWN, ["ND020"]),
        (OWN, BRIDGE, ["ND020"]),
        (BRIDGE, MANAGED, ["ND020"]),
        (MANAGED, BRIDGE, ["ND020"]),
        (MANAGED, OWN, []),  # both are registered by address
        (BRIDGE, BRIDGE | {"network_mode": "host"}, []),
        (BRIDGE, BRIDGE | {"port": 8081}, []),
        (BRIDGE, {k: v for k, v in BRIDGE.items() if k != "port"}, []),
        (BRIDGE | {"replicas": 0}, OWN | {"replicas": 0}, []),
    ],
)
def test_a_model_whose_target_group_is_replaced_gets_a_way_without_an_interruption(
    before: Entry, after: Entry, expected: list[str]
) -> None:
    found = compared(serving(a=before), serving(a=after))
    assert codes(found) == expected
    assert ("without a replica for" in verdict(found)) is bool(expected)
    assert not found.failed


@pytest.mark.parametrize("after", [OWN, MANAGED])
def test_the_steps_of_the_way_interrupt_nobody(after: Entry) -> None:
    """Both are what the steps say, word for word."""
    before = serving(a=BRIDGE)
    (way,) = compared(before, serving(a=after)).ways
    assert "add models.a-2" in way.steps[0]
    assert "traffic.weights.a: {a: 1, a-2: 0}" in way.steps[0]
    assert "traffic.weights.a: {a-2: 1}" in way.steps[1]
    both = serving({"a": {"a": 1, "a-2": 0}}, **{"a": BRIDGE, "a-2": after})
    left = serving({"a": {"a-2": 1}}, **{"a-2": after})
    for base, head in ((before, both), (both, left)):
        found = compared(base, head, graph=True)
        assert found.ways == ()
        assert "without a replica for" not in verdict(found)
        assert not any("goes away" in line for line in render(found, width=0))
        rules = [r.action for r in found.real if "listenerRule" in r.type and "_a_" in r.name]
        assert rules == ["update"], "one rule, at no time two or none"
    gone = found.impacts[HOME, "a"]
    assert gone.text == "its tasks stop, a-2 answers at its URL"
    assert "a is answered by a 100 → 0 % and a-2 0 → 100 % of the requests in us-west-2" in (
        line.strip() for line in render(found, width=0)
    )


def test_the_steps_keep_every_name_under_which_the_model_answers() -> None:
    weights: Entry = {"a": {"b": 3}}
    (way,) = compared(serving(weights, b=BRIDGE), serving(weights, b=OWN)).ways
    first, second = (step.partition("write ")[2] for step in way.steps)
    assert first.startswith("traffic.weights.b: {b: 1, b-2: 0} and traffic.weights.a: {b: 1, b-2")
    assert second.startswith("traffic.weights.b: {b-2: 1} and traffic.weights.a: {b-2: 1}")


def test_a_model_that_gets_requests_before_it_serves_is_told() -> None:
    both = {"a": BRIDGE, "b": OWN}
    early = compared(serving(a=BRIDGE), serving({"a": {"a": 1, "b": 3}}, **both))
    assert codes(early) == ["ND021"]
    assert "sends 75 % of the requests to b" in early.ways[0].what
    ready = compared(serving(**both), serving({"a": {"a": 1, "b": 3}}, **both))
    assert codes(ready) == []


def test_the_share_of_a_model_is_one_number_in_all_lines() -> None:
    both = {"a": BRIDGE, "b": OWN}
    early = compared(serving(a=BRIDGE), serving({"a": {"a": 1, "b": 2}}, **both))
    assert "sends 67 % of the requests to b before it serves" in early.ways[0].what
    assert any("b 0 → 67 %" in line for line in traffic_lines(early))
    three = compared(serving(a=BRIDGE), serving({"a": {"a": 1, "b": 1, "c": 1}}, c=OWN, **both))
    assert "sends 67 % of the requests to b and c before they serve" in three.ways[0].what


def test_a_second_model_of_serve_keeps_the_name_that_requests_have() -> None:
    def served(**more: Any) -> Config:
        entry = {"capacity": "pool", "serve": {"model": "Qwen/Qwen3-0.6B"}, **more}
        return stack(capacity=POOLS, models={"a": entry})

    (way,) = compared(served(), served(network_mode="awsvpc")).ways
    assert "with the change and serve.served_name: a, write" in way.steps[0]


def test_a_second_model_asks_for_the_key_that_callers_know() -> None:
    def asking(**more: Any) -> Config:
        return changed(keyed(), "models.m", **more)

    (way,) = compared(asking(), asking(network_mode="awsvpc")).ways
    assert "with the change and the key of m, write" in way.steps[0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"capacity": "twin"}, []),
        ({"network_mode": "host"}, []),  # SRV records in both modes
        ({"network_mode": "awsvpc"}, ["ND022"]),
        ({"network_mode": "awsvpc", "replicas": 0}, []),
        ({"capacity": "managed", "neuron_devices": "all"}, ["ND022"]),
        ({"discovery": None}, []),
    ],
)
def test_names_in_the_network_that_get_other_records_are_told(
    changes: Entry, expected: list[str]
) -> None:
    pools = POOLS | {"twin": groups("inf2.24xlarge", 3)}
    called = work(1, port=8080, discovery="cloud_map")

    def file(entry: Entry) -> Config:
        return stack(
            capacity=pools, models={"a": {k: v for k, v in entry.items() if v is not None}}
        )

    found = compared(file(called), file({**called, **changes}))
    assert [code for code in codes(found) if code != "ND020"] == expected
    for way in found.ways:
        assert "add models.a-2 with the change" in way.steps[0]


def test_the_ways_are_in_every_form() -> None:
    found = compared(serving(a=BRIDGE), serving(a=OWN))
    written = json.loads(json.dumps(document(found)))
    assert [way["code"] for way in written["ways"]] == ["ND020"]
    assert "**ND020** <code>models.a</code> gets another target group" in markdown(found)
    assert any(line.startswith("interrupts ND020") for line in render(found, width=80))
