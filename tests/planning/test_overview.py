"""Dashboards show all of a Region, in a form that CloudWatch takes."""

import json
from itertools import combinations, pairwise
from typing import Any

import pytest

from catalog import load
from planning import plan
from planning.dashboards import Dashboard, Graph, Line, Section, body, fitted, names_in
from tests.planning.stacks import decide_on, groups, managed, stack, work


@pytest.fixture(scope="module")
def region() -> plan.RegionPlan:
    return decide_on(
        stack(
            capacity={
                "pool": groups("inf2.48xlarge", max_size=8),
                "managed": managed("trn1.2xlarge"),
            },
            models={
                "a": work(4, port=8080),
                "b": work(2, replicas={"min": 2, "max": 2}),
                "c": work("all", capacity="managed", port=8080),
            },
            alarms={"emails": ["on-call@example.com"]},
            dashboards=True,
        )
    ).regions[0]


def _of(region: plan.RegionPlan) -> Dashboard:
    assert region.dashboard is not None
    return region.dashboard


def _widgets(region: plan.RegionPlan) -> list[dict[str, Any]]:
    shown = _of(region)
    known = {name: f"{name.resource}/{name.key}" for name in names_in(shown)}
    text = body(shown, region.name, known, wide=8)
    read = json.loads(text)
    assert text == json.dumps(read, sort_keys=True, separators=(",", ":"))
    return read["widgets"]


def test_widgets_stand_beside_and_below_one_another(region: plan.RegionPlan) -> None:
    widgets = _widgets(region)
    assert all(w["x"] >= 0 and w["x"] + w["width"] <= 24 for w in widgets)
    for one, other in combinations(widgets, 2):
        apart = (
            one["x"] + one["width"] <= other["x"]
            or other["x"] + other["width"] <= one["x"]
            or one["y"] + one["height"] <= other["y"]
            or other["y"] + other["height"] <= one["y"]
        )
        assert apart, f"{one['properties']} is under {other['properties']}"
    assert all(a["y"] <= b["y"] for a, b in pairwise(widgets))


def test_every_model_pool_and_chip_is_there(region: plan.RegionPlan) -> None:
    graphs = {
        w["properties"]["title"]: w["properties"] for w in _widgets(region) if w["type"] == "metric"
    }
    assert all(graph["region"] == region.name for graph in graphs.values())
    labels = {t: [line[-1]["label"] for line in g["metrics"]] for t, g in graphs.items()}
    assert labels["Requests"] == ["a", "c"]
    services = [s.key for model in region.models for s in model.services]
    wanted = [line[5] for line in graphs["Tasks wanted"]["metrics"]]
    assert wanted == [f"service/{key}" for key in services]
    assert labels["Instances"][0] == "pool wanted"
    assert labels["Instances"][-1] == "Managed Instances in service"
    assert "an instance could not be launched" in labels["Launches refused and other events"]
    texts = [w["properties"]["markdown"] for w in _widgets(region) if w["type"] == "text"]
    rows = [row for row in texts[1].splitlines() if row.startswith("| pool | chips")]
    slots = next(p for p in region.pools if p.name == "pool").layout.slots
    assert len(rows) == len(slots)
    assert rows[0].split("|")[3].strip() in {"a", "b"}


def test_chips_are_shown_in_the_order_of_the_map() -> None:
    """Each line is a metric that the daemon publishes, of a task of the layout."""
    models: dict[str, Any] = {"a": work(4), "b": work(2, replicas={"min": 2, "max": 2})}
    pools = {"pool": groups("inf2.48xlarge", max_size=1)}
    keys: dict[str, Any] = {"capacity": pools, "models": models, "dashboards": True}
    shown = decide_on(stack(**keys, neuron_metrics={})).regions[0]
    graphs = {g.title: g for g in _of(shown).sections[1].graphs}
    assert _of(decide_on(stack(**keys)).regions[0]).sections[1].graphs == ()
    tasks = [s.task_definition for m in shown.models for s in m.services]
    busy = [line.dimensions[0].value for line in graphs["Busy cores, 0 to 1"].lines]
    assert busy == [t.process_tag for t in sorted(tasks, key=lambda t: t.devices)]
    published = {(row.metric, row.dimension) for row in load().neuron.metrics}
    for line in (line for graph in graphs.values() for line in graph.lines):
        assert (line.metric, line.dimensions[0].name) in published
        assert line.namespace == "neuron-ecs/test"
    first = graphs["Busy cores, 0 to 1"].lines[0].label
    assert first == "pool chips 0-3: a"


def test_groups_report_what_the_dashboard_shows(region: plan.RegionPlan) -> None:
    shown = {line.metric for s in _of(region).sections for g in s.graphs for line in g.lines}
    assert region.auto_scaling is not None
    for pool in region.auto_scaling.pools:
        assert set(pool.metrics) == {name for name in shown if name.startswith("Group")}


def test_without_the_key_there_is_none_and_groups_report_nothing() -> None:
    bare = decide_on(stack(capacity={"pool": groups()})).regions[0]
    assert bare.dashboard is None
    assert bare.auto_scaling is not None
    assert [pool.metrics for pool in bare.auto_scaling.pools] == [()]


def test_a_dashboard_keeps_the_limits_and_says_what_it_leaves_out() -> None:
    lines = tuple(Line(str(n), "N", "M", ()) for n in range(7))
    graphs = (Graph("a", "Sum", 60, lines), Graph("b", "Sum", 60, lines), Graph("c", "Sum", 60, ()))
    (kept,) = fitted([Section("text", 2, graphs)], most=8, most_of_graph=5)
    assert [len(graph.lines) for graph in kept.graphs] == [5, 3]
    assert [graph.title for graph in kept.graphs] == [
        "a (2 more not shown)",
        "b (4 more not shown)",
    ]


def test_the_queue_of_a_model_that_scales_by_it_is_shown() -> None:
    model = work(4, port=8080, replicas={"min": 1, "max": 2}, scaling={"queue": 8})
    pools = {"pool": groups("inf2.48xlarge")}
    shown = decide_on(stack(capacity=pools, models={"a": model}, dashboards=True)).regions[0]
    [graph] = [g for s in _of(shown).sections for g in s.graphs if g.title == "Requests at once"]
    assert [line.label for line in graph.lines] == ["a running", "a waiting"]
    assert graph.statistic == "Sum"


def test_the_time_to_the_first_token_is_shown_where_a_server_is_measured() -> None:
    pools = {"pool": groups("inf2.48xlarge")}
    models = {
        "a": work(4, port=8080, server_metrics=True),
        "b": work(4, port=8081),
    }
    shown = decide_on(stack(capacity=pools, models=models, dashboards=True)).regions[0]
    graphs = {g.title: g for s in _of(shown).sections for g in s.graphs}
    first = graphs["Seconds until the first token, average"]
    assert first.statistic == "Average", "of a histogram only number and sum reach CloudWatch"
    assert [line.label for line in first.lines] == ["a"]
    assert [line.label for line in graphs["Requests at once"].lines] == ["a running", "a waiting"]
    assert not [
        p for m in shown.models for s in m.services if s.scaling for p in s.scaling.policies
    ]
