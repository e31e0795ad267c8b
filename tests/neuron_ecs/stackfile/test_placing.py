"""Laws of the layout that commands write: edits move nobody whom they do not name."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import load
from neuron_ecs.stackfile.placing import (
    fresh_layout,
    kept_layout,
    placed_text,
    running_layout,
    with_layout,
)
from neuron_ecs.stackfile.reading import StackFile
from planning import Refused
from planning.lines import Layout
from tests.planning.stacks import PROJECT, STACK, Config, groups, stack, work

TYPES = ("inf2.24xlarge", "inf1.6xlarge", "trn1.32xlarge")
Entry = dict[str, Any]
# Why an edit cannot be: the replicas need more instances than there are, with or without moves.
NO_ROOM = {"NE206", "NE247", "NE350"}


def file_of(config: Config) -> StackFile:
    return StackFile(PROJECT, STACK, Path("Pulumi.test.yaml"), config)


def file_with(models: Entry, kind: str = TYPES[0], size: int = 4, **keys: Any) -> StackFile:
    return file_of(stack(capacity={"pool": groups(kind, size)}, models=models, **keys))


def services(file: StackFile) -> dict[str, dict[str, tuple[object, int]]]:
    """Devices and tasks of each service, by model and key."""
    (region,) = file.plan(load()).regions
    return {
        model.name: {s.key: (s.task_definition.devices, s.tasks_max) for s in model.services}
        for model in region.models
    }


def edits(sizes: tuple[int, ...]) -> st.SearchStrategy[tuple[str, Entry | None]]:
    """Adds, changes or removes one of a few models."""
    written = st.tuples(st.sampled_from(sizes), st.sampled_from((1, 1, 1, 2, 3, 0)))
    entry = written.map(lambda pair: work(pair[0], replicas=pair[1]))
    return st.tuples(st.sampled_from("abcd"), st.none() | entry | entry)


@pytest.mark.parametrize("kind", TYPES)
def test_no_sequence_of_edits_moves_a_model_that_the_edit_does_not_name(kind: str) -> None:
    sizes = tuple(sorted({n for _, n in load().neuron.device_sets(kind)}))

    @given(st.lists(edits(sizes), min_size=2, max_size=10))
    @settings(max_examples=15, deadline=None)
    def law(sequence: list[tuple[str, Entry | None]]) -> None:
        models: Entry = {}
        now: dict[str, dict[str, tuple[object, int]]] = {}
        layout: Layout = {}
        for name, entry in sequence:
            after = {k: v for k, v in {**models, name: entry}.items() if v is not None}
            file = file_with(after, kind, layout=layout)
            try:
                found = kept_layout(file, layout, load())
            except Refused as refused:
                errors = {f.code for f in refused.findings if f.severity.name == "ERROR"}
                assert errors <= NO_ROOM, "an edit is refused only for want of room"
                continue
            models, layout = after, found
            written = services(with_layout(file, layout))
            for other in now.keys() & written.keys() - {name}:
                assert written[other] == now[other], f"{name} was edited, and {other} moves"
            now = written

    law()


def test_after_a_merge_the_lines_of_the_base_stay() -> None:
    base: Layout = {"us-west-2": {"pool": {"big": {"1": [0, 1, 2]}, "new": {"1": [3, 4]}}}}
    models = {"big": work(3), "also": work(1), "new": work(2)}
    layout = json.loads(json.dumps(base))
    layout["us-west-2"]["pool"]["also"] = {"1": [3]}
    file = file_with(models, size=1, layout=layout)
    with pytest.raises(Refused) as refused:
        file.plan(load())
    assert [f.code for f in refused.value.findings if f.severity.name == "ERROR"] == ["NE246"]
    found = kept_layout(file, base, load())
    assert found == {"us-west-2": {"pool": {**base["us-west-2"]["pool"], "also": {"1": [5]}}}}


def test_a_fresh_layout_needs_the_fewest_instances_and_keeps_the_numbers_of_what_stays() -> None:
    models = {"a": work(1), "b": work(5), "c": work(1, replicas=0)}
    layout: Layout = {"us-west-2": {"pool": {"a": {"3": [3]}, "b": {"2": [1, 2, 3, 4, 5]}}}}
    file = file_with(models, layout=layout)
    assert file.plan(load()).regions[0].pools[0].layout.instances_max == 2
    fresh = fresh_layout(file, layout, load())
    placed = with_layout(file, fresh).plan(load())
    assert placed.regions[0].pools[0].layout.instances_max == 1
    assert {n: list(lines) for n, lines in fresh["us-west-2"]["pool"].items()} == {
        "a": ["3"],
        "b": ["2"],
        "c": ["1"],
    }


def test_the_layout_goes_into_the_file_as_the_engine_leaves_it() -> None:
    text = "config:\n  neuron-ecs:models: {}  # none\n"
    layout: Layout = {
        "us-west-2": {"inf2": {"a": {"1": [0], "2": {"devices": [1], "replicas": 2}}}}
    }
    file = file_with({"a": work(1)})
    written = placed_text(text, file, layout)
    assert written == (
        f"{text}  neuron-ecs:layout:\n    us-west-2:\n      inf2:\n"
        '        a: {"1": [0], "2": {devices: [1], replicas: 2}}\n'
    )
    assert placed_text(written, file, layout) == written
    assert placed_text(text, file, {}) == text, "a stack without chips gets no layout"


def test_models_that_name_their_devices_and_those_of_managed_instances_have_no_lines() -> None:
    models = {"a": work([2, 3]), "b": work(2)}
    assert running_layout(file_with(models), load()) == {
        "us-west-2": {"pool": {"b": {"1": [0, 1]}}}
    }
