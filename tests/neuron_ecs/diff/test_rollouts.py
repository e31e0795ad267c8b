"""What a restart costs: `diff` says of a changed model what `plan` says of a new image."""

import json
from pathlib import Path
from typing import Any

import pytest

from catalog import load
from neuron_ecs.diff.difference import Difference
from neuron_ecs.diff.document import document
from neuron_ecs.diff.markdown import render as markdown
from neuron_ecs.diff.text import render
from planning.interruptions import document as written
from planning.interruptions import interruptions
from tests.neuron_ecs import running
from tests.neuron_ecs.diff.pairs import OTHER, compared
from tests.planning.stacks import (
    HOME,
    Config,
    Entry,
    changed,
    groups,
    managed,
    stack,
    work,
)
from tests.planning.test_examples import plan_of

IMAGE = {"image": "public.ecr.aws/neuron/serving:2.0"}


def one(pool: Entry, model: Entry, **more: Any) -> Config:
    pools = {"pool": pool, "second": groups("inf2.24xlarge", 3)}
    return stack(capacity=pools, models={"a": model}, **more)


def told(found: Difference) -> list[str]:
    return [line for line in render(found, width=0) if line.startswith("    rollout ")]


def planned(config: Config) -> list[dict[str, Any]]:
    """What the plan of the head says, under `interruptions`."""
    plan = compared(config, config).after.plan
    return [written(found) for found in interruptions(plan, load())]


def rollouts(found: Difference) -> list[dict[str, Any]]:
    return json.loads(json.dumps(document(found)))["rollouts"]


BIG, FULL = groups("inf2.24xlarge", 3), groups("inf2.24xlarge", 1)


@pytest.mark.parametrize(
    ("pool", "model", "edit", "text"),
    [
        (BIG, work([0, 1], replicas=2), IMAGE, "no replica away, 1 instance added, within "),
        (BIG, work(2), {"environment": {"LEVEL": "debug"}}, "no replica away, 1 instance added"),
        (BIG, work(2), {"replicas": 2, **IMAGE}, "no replica away, "),
        (BIG, work(2), {"memory_mib": 9000}, "no replica away, 1 instance added"),
        (BIG, work(1, port=8080), {"health_path": "/ready"}, None),
        (
            FULL,
            work(1, replicas=3),
            IMAGE,
            "2 of 3 replicas away at a time, in 2 waves, no instance added",
        ),
        (FULL, work(1), IMAGE, "1 of 1 replica away, no instance added"),
        (managed("inf2.xlarge"), work("all", replicas=2), IMAGE, "2 instances added"),
        (managed("inf2.xlarge", "inf2.8xlarge"), work("all"), IMAGE, "1 instance added"),
        (groups("c7g.xlarge", 4), work(memory_mib=512), IMAGE, "added by the size of its tasks"),
        (BIG, work(2, replicas={"min": 0, "max": 1}), IMAGE, None),
        (BIG, work(2), {"replicas": 2}, None),
        (BIG, work(2), {"capacity": "second"}, None),
    ],
)
def test_a_restart_costs_what_the_plan_says_of_a_new_image(
    pool: Entry, model: Entry, edit: Entry, text: str | None
) -> None:
    base = one(pool, model)
    head = changed(base, "models.a", **edit)
    found = compared(base, head)
    felt = found.impacts.get((HOME, "a"))
    assert rollouts(found) == (planned(head) if text else [])
    assert len(told(found)) == bool(text)
    restarts = felt is not None and felt.word in {"rolling", "replaced in place"}
    assert restarts is bool(text)
    if felt and text:
        assert text in told(found)[0]
        assert "<br>rollout: " in markdown(found)
        assert felt.extra_instances == (rollouts(found)[0]["instances"] or 0)


def test_no_replica_serves_while_a_new_target_group_is_empty() -> None:
    base = one(BIG, work([0, 1], replicas=2, port=8080))
    head = changed(base, "models.a", network_mode="awsvpc")
    (found,), (plan,) = rollouts(compared(base, head)), planned(head)
    assert (plan["away"], found) == (0, {**plan, "away": 2})


def test_the_one_service_that_restarts_is_what_counts() -> None:
    def held(devices: int) -> Config:
        lines = {HOME: {"pool": {"a": {"1": [0], "2": [1], "3": [devices]}}}}
        return one(FULL, work(1, replicas=3), layout=lines)

    found = compared(held(2), held(3))
    assert [(r["away"], r["replicas"]) for r in rollouts(found)] == [(1, 3)]


def test_regions_with_the_same_figures_are_a_line_and_others_their_own() -> None:
    pool = groups("inf2.24xlarge", 3)
    base = one(pool, work(2), regions={HOME: {}, OTHER: {}})
    assert len(told(compared(base, changed(base, "models.a", **IMAGE)))) == 1
    far = one(pool, work(2), regions={HOME: {}, "ap-northeast-1": {}})
    lines = told(compared(far, changed(far, "models.a", **IMAGE)))
    assert [line.rpartition(" in ")[2] for line in lines] == ["ap-northeast-1", HOME]


def test_the_json_of_a_plan_has_the_figures() -> None:
    file = Path(__file__).parents[3] / "Pulumi.dev.yaml"
    found = json.loads(running.printed("plan", "--file", str(file), "--json")[1])["interruptions"]
    assert [(f["model"], f["away"], f["instances"]) for f in found] == [
        ("qwen3-0-6b", 0, 1),
        ("tinyllama", 0, 1),
    ]
    plan = plan_of(file.name)
    assert found == [written(each) for each in interruptions(plan, load())]
