"""What another program wrote is compared, or it is said that it cannot be read: never a traceback.

Each number, text, list and map of a plan, of its containers and of a graph is replaced by what does
not belong there.
"""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from neuron_ecs.chipmap.page import page
from neuron_ecs.diff import markdown, text
from neuron_ecs.diff.difference import put_together
from neuron_ecs.diff.document import document as difference_document
from neuron_ecs.diff.json_form import VERSION
from neuron_ecs.diff.sides import Side, Sides
from neuron_ecs.diff.written import Resource, UnfitError, fitting
from neuron_ecs.files import parse_json
from neuron_ecs.terminal import UsageError
from neuron_ecs.workflows.comment import agreement, agreement_text, drift_text
from neuron_ecs.workflows.engine_preview import Preview, read_preview
from planning.document import UnreadableError, document, read_plan
from tests.neuron_ecs.diff.pairs import side
from tests.planning.stacks import groups, managed, stack, work

Json = Any
Place = tuple[str | int, ...]

GOOD = side(
    stack(
        capacity={"pool": groups("inf2.24xlarge", 2), "own": managed("inf2.xlarge")},
        models={
            "ant": work(2, port=8080, health_check={"path": "/"}, replicas={"min": 1, "max": 2}),
            "bee": work("all", "own"),
        },
        jobs={"cut": work(1, schedule={"expression": "rate(1 day)"})},
    ),
    graph=True,
)
MISFITS: tuple[Json, ...] = (
    *(None, True, "x", -1, 0, 1.5, 300, 2**31 - 1, 10**9, 10**18),
    *([], {}, [1], ["x"], [{}], {"a": 1}),
)


def places(value: Json, at: Place = ()) -> Iterator[Place]:
    """The places of all values; of those that differ in an index alone, the first."""
    seen: set[Place] = set()

    def found(value: Json, at: Place) -> Iterator[Place]:
        plain = tuple(0 if isinstance(step, int) else step for step in at)
        if at and plain not in seen:
            seen.add(plain)
            yield at
        if isinstance(value, dict):
            for step, member in cast("dict[str, Json]", value).items():
                yield from found(member, (*at, step))
        elif isinstance(value, list):
            for index, member in enumerate(cast("list[Json]", value)):
                yield from found(member, (*at, index))

    return found(value, at)


def with_misfit(value: Json, place: Place, misfit: Json) -> Json:
    """A copy with another value at the place; what is beside the way there is shared."""
    step, *rest = place
    made = copy.copy(value)
    made[step] = with_misfit(value[step], tuple(rest), misfit) if rest else misfit
    return made


def shown(base: Side, head: Side) -> None:
    """All that `neuron-ecs diff` writes of the two."""
    whole = put_together(Sides("p", base, head))
    assert list(text.render(whole, width=100, bold=False))
    assert markdown.render(whole)
    assert json.dumps(difference_document(whole), allow_nan=False)
    if head.plan:
        page(base.plan, head.plan)


def compared(make: Callable[[], Side]) -> None:
    """Compares what was read with what is planned here, whichever of them is the base."""
    with suppress(UnreadableError, UnfitError):
        read = make()
        shown(read, GOOD)
        shown(GOOD, read)


PLAN: Json = json.loads(json.dumps(document(GOOD.plan))) if GOOD.plan else None
GRAPH: Json = json.loads(json.dumps(GOOD.graph))


def of_plan(plan: Json) -> Side:
    return replace(GOOD, label="read", plan=read_plan(plan), graph=None, no_graph="not asked for")


@pytest.mark.parametrize("misfit", MISFITS, ids=str)
def test_a_plan_with_what_does_not_belong_there_is_unreadable_or_compared(misfit: Json) -> None:
    for place in places(PLAN):
        compared(lambda place=place: of_plan(with_misfit(PLAN, place, misfit)))


@pytest.mark.parametrize("misfit", MISFITS, ids=str)
def test_containers_with_what_does_not_belong_there_are_unreadable_or_compared(
    misfit: Json,
) -> None:
    for at in places(PLAN):
        if at[-1] != "container_definitions":
            continue
        task = PLAN
        for step in at:
            task = task[step]
        for place in places(json.loads(task)):
            changed = json.dumps(with_misfit(json.loads(task), place, misfit))
            compared(lambda at=at, changed=changed: of_plan(with_misfit(PLAN, at, changed)))


@pytest.mark.parametrize("key", ["cpu", "memory", "memoryReservation", "stopTimeout"])
@pytest.mark.parametrize("misfit", ["30", None, 1.5, True, -1, 2**31])
def test_a_number_of_a_container_is_a_number(key: str, misfit: Json) -> None:
    plan = copy.deepcopy(PLAN)
    task = plan["regions"][0]["models"][0]["services"][0]["task_definition"]
    containers = json.loads(task["container_definitions"])
    containers[0][key] = misfit
    task["container_definitions"] = json.dumps(containers)
    with pytest.raises(UnreadableError, match="container_definitions are no list of containers"):
        read_plan(plan)


@pytest.mark.parametrize("misfit", MISFITS, ids=str)
def test_a_graph_with_what_does_not_belong_there_is_unreadable_or_compared(misfit: Json) -> None:
    types = {resource["type"]: i for i, resource in enumerate(GRAPH)}
    for index in types.values():
        compared(lambda index=index: of_graph(with_misfit(GRAPH, (index,), misfit)))
        for key in GRAPH[index]:
            place = (index, key)
            compared(lambda place=place: of_graph(with_misfit(GRAPH, place, misfit)))


def of_graph(graph: Json) -> Side:
    return replace(GOOD, label="read", graph=tuple(fitting(list[Resource], graph)))


def test_the_json_of_this_version_is_read() -> None:
    shown(of_plan(PLAN), GOOD)
    shown(of_graph(GRAPH), GOOD)


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("NaN", "is not finite"),
        ("-Infinity", "is not finite"),
        ("1e999", "is not finite"),
        ("9223372036854775808", "more than 64 bits"),
        ("9" * 5_000, "more than 64 bits"),
        ("[" * 101 + "1" + "]" * 101, "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("{", "Expecting"),
    ],
    ids=lambda text: text[:20],
)
def test_json_that_others_do_not_write_is_refused(written: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        parse_json(written)
    assert parse_json("[" * 100 + "1" + "]" * 100)
    assert parse_json("[-9223372036854775808, 1e300]") == [-(2**63), 1e300]


# ---- what the workflows hand over ----------------------------------------------------------------

URN = "urn:pulumi:a::b::c:d/e:F::g"
STEP: Json = {"urn": URN, "op": "update", "detailedDiff": {"x": {}}}
DIAGNOSTIC = {"severity": "error", "message": "it failed"}
FILES: tuple[Json, ...] = (
    {"steps": [STEP], "diagnostics": [DIAGNOSTIC], "changeSummary": {"update": 1}},
    {"resourcePlans": {URN: {"steps": ["update"]}}},
)
DIFFERENCE: Json = {
    "version": VERSION,
    "stack": "dev",
    "verdict": "changes",
    "plan_only": None,
    "resources": [{"urn": URN, "action": "update"}],
}


@pytest.mark.parametrize("misfit", MISFITS, ids=str)
def test_a_preview_and_a_difference_are_read_or_wrong_usage(tmp_path: Path, misfit: Json) -> None:
    preview, difference = tmp_path / "preview.json", tmp_path / "diff.json"
    difference.write_text(json.dumps(DIFFERENCE))
    for whole in FILES:
        for place in places(whole):
            preview.write_text(json.dumps(with_misfit(whole, place, misfit)))
            with suppress(UsageError):
                found = read_preview(preview)
                assert drift_text({"dev": found})
                assert agreement_text(agreement(found, difference))
    for place in places(DIFFERENCE):
        difference.write_text(json.dumps(with_misfit(DIFFERENCE, place, misfit)))
        with suppress(UsageError):
            assert agreement_text(agreement(Preview({}, {}, ()), difference))
