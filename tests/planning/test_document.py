"""What the plan's JSON says, read back: the same plan, or an error that names the path."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import load
from planning import Plan, Refused, decide
from planning.document import UnreadableError, document, read_plan
from tests.planning.stacks import PROJECT, STACK, decide_on, groups, work
from tests.planning.test_examples import EXAMPLES, ROOT, STACKS, plan_of
from tests.wishes.judging import config_of
from tests.wishes.runs import valid_stacks
from tests.wishes.stacks import Wish

FEW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def written(plan: Plan) -> Any:
    """The document as another process receives it."""
    return json.loads(json.dumps(document(plan)))


@pytest.mark.parametrize(
    "file", [*EXAMPLES, *STACKS, ROOT / "tests/contract/corners.yaml"], ids=lambda f: f.stem
)
def test_reading_back_the_plan_of_a_shipped_stack_gives_it_again(file: Any) -> None:
    plan = plan_of(str(file.relative_to(ROOT)))
    assert read_plan(written(plan)) == plan


@FEW
@given(valid_stacks())
def test_reading_back_any_plan_gives_it_again(wish: Wish) -> None:
    try:
        plan = decide(config_of(wish), load(), project=PROJECT, stack=STACK)
    except Refused:
        return
    assert read_plan(written(plan)) == plan


def small() -> Any:
    return written(
        decide_on(
            capacity={"pool": groups("inf2.24xlarge", 3)},
            models={"a": work(1, port=8080), "b": work(2)},
            jobs={"j": work(1, schedule={"expression": "rate(1 hour)"})},
        )
    )


def test_the_longest_grace_period_is_read_back() -> None:
    check = {"path": "/health", "grace_seconds": 2_147_483_647}
    replicas = {"min": 1, "max": 2}
    model = work(1, port=8080, health_check=check, replicas=replicas, scaling={"external": True})
    plan = decide_on(capacity={"pool": groups("inf2.24xlarge", 3)}, models={"a": model})
    assert read_plan(written(plan)) == plan


def test_keys_that_are_not_known_are_ignored() -> None:
    later = small()
    later["later"] = later["regions"][0]["later"] = {"kind": "later"}
    assert read_plan(later) == read_plan(small())


def test_a_missing_key_takes_its_default_or_is_named() -> None:
    older = small()
    del older["silenced"]
    assert read_plan(older) == read_plan(small())
    del older["regions"][0]["models"][1]["services"][0]["desired_count"]
    with pytest.raises(UnreadableError, match=r"models\[1\].services\[0\] has no desired_count"):
        read_plan(older)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("project", None),
        ("wait_for_steady_state", 1),
        ("regions", {}),
        ("regions.0.network.kind", "rented"),
        ("regions.0.network", []),
        ("regions.0.models.0.replicas_min", "1"),
        ("regions.0.models.0.replicas_min", True),
        ("regions.0.models.0.network_mode", "none"),
        ("regions.0.models.0.pool", "elsewhere"),
        ("regions.0.models.0.services", []),
        ("regions.0.models.0.name", "other"),
        ("regions.0.models.0.services.0.task_definition.devices", "some"),
        ("regions.0.models.0.services.0.task_definition.container_definitions", "{"),
        ("regions.0.models.0.services.0.task_definition.container_definitions", "[1]"),
        ("regions.0.jobs.0.schedule.timezone", 1.5),
        ("roles.0.inline_policies", [{"name": "x", "statements": [7]}]),
        ("tags", [["one"]]),
        ("findings", [{"code": "NE501", "severity": "loud"}]),
    ],
)
def test_a_value_of_another_type_is_named_and_never_a_traceback(path: str, value: Any) -> None:
    broken = small()
    place = broken
    *parts, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    for part in parts:
        place = place[part]
    place[last] = value
    with pytest.raises(UnreadableError):
        read_plan(broken)


@FEW
@given(st.none() | st.integers() | st.text() | st.lists(st.integers()))
def test_what_is_no_plan_at_all_is_unreadable(value: Any) -> None:
    with pytest.raises(UnreadableError):
        read_plan(value)
