"""What is the same on both sides is not registered, and nobody can tell."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, assume, given, settings

import catalog
from neuron_ecs.diff.resources import ResourceChange, compare
from neuron_ecs.diff.unchanged import differing
from neuron_ecs.recording.plans import Graph, NotRecordedError, Recorder, record_plan
from neuron_ecs.stackfile.reading import read
from planning import Plan, Refused, decide
from planning.document import Json
from planning.plan import AutoScalingCluster, Layout, ManagedInstancesCluster
from tests.neuron_ecs.diff.pairs import OTHER, graph_of, pairs, plan_of
from tests.planning.stacks import PROJECT, STACK, Config, changed, groups, managed, stack, work

Cluster = TypeVar("Cluster", AutoScalingCluster, ManagedInstancesCluster)

ROOT = Path(__file__).resolve().parents[3]
LARGE = pytest.mark.parametrize("file", ["Pulumi.prod.yaml", "tests/contract/corners.yaml"])


def plan_in(file: str) -> Plan:
    found = read(stack="prod", file=ROOT / file, directory=ROOT)
    return decide(found.config, catalog.load(), project=found.project, stack="prod")


def graph(plan: Plan) -> dict[str, dict[str, Json]]:
    return {r["urn"]: r for r in graph_of(plan)}


def changes(base: Plan, head: Plan) -> tuple[ResourceChange, ...]:
    graphs = (graph_of(base), graph_of(head))
    return compare(*graphs, catalog.load(), project=PROJECT, stack=STACK)


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(pairs())
def test_the_parts_that_differ_give_the_changes_of_the_whole(pair: tuple[Config, Config]) -> None:
    try:
        base, head = map(plan_of, pair)
    except Refused:
        assume(False)
        return
    found = differing(base, head)
    assert changes(found.base, found.head) == changes(base, head)


def test_of_one_changed_model_nobody_beside_it_is_registered() -> None:
    models = {"a": work([0]), "b": work([1]), "c": work([2, 3])}
    pools = {"pool": groups("inf2.24xlarge", 2)}
    base = stack(capacity=pools, models=models, regions={"us-west-2": {}, OTHER: {}})
    head = changed(base, "models.a", image="public.ecr.aws/neuron/serving:2")
    found = differing(plan_of(base), plan_of(head))
    assert (found.regions, len(found.workloads)) == ((), 4), "b and c, in both Regions"
    only = changed(base, "models", d=work([4], regions=[OTHER]))
    found = differing(plan_of(base), plan_of(only))
    assert found.regions == ("us-west-2",)
    assert {path for _, path in found.workloads} == {"models.a", "models.b", "models.c"}
    assert [m.name for r in found.head.regions for m in r.models] == ["d"]


def test_workloads_on_ground_that_changes_are_all_registered() -> None:
    base = stack(
        capacity={"pool": groups("inf2.24xlarge", 2), "other": groups("inf2.xlarge", 2)},
        models={"a": work(1), "b": work(1, "other")},
    )
    head = changed(base, "capacity.pool", root_volume_gib=300)
    found = differing(plan_of(base), plan_of(head))
    assert (found.regions, found.workloads) == ((), ())


def test_a_role_that_changes_brings_those_along_who_name_it() -> None:
    base = stack(
        capacity={"pool": groups("inf2.24xlarge", 2)},
        models={"a": work(1, s3_read=["s3://one/"]), "b": work(1)},
    )
    head = changed(base, "models.a", s3_read=["s3://two/"])
    found = differing(plan_of(base), plan_of(head))
    assert [m.name for r in found.head.regions for m in r.models] == ["a"]
    assert changes(found.base, found.head) == changes(plan_of(base), plan_of(head))


ROLES = stack(
    capacity={"pool": groups("inf2.xlarge", 2), "owned": managed("trn1.2xlarge")},
    models={
        "a": work(1, port=8080, secrets={"TOKEN": "/a/token"}, s3_read=["s3://one/"]),
        "b": work("all", "owned"),
    },
    jobs={"j": work(1, schedule={"expression": "rate(1 hour)"})},
    traffic={"allow_from": ["10.0.0.0/8"]},
)


SLACK = {"workspace": "T0123ABCD", "channel": "C0123ABCD"}
WATCHED = stack(
    capacity={"pool": groups("inf2.24xlarge", 2)},
    models={
        "a": work(1, port=8080, replicas={"min": 1, "max": 2}),
        "b": work(1, port=8080),
        "c": work(1),
    },
    jobs={"j": work(1, schedule={"expression": "rate(1 hour)"})},
    regions={"us-west-2": {}, OTHER: {}},
    traffic={"allow_from": ["10.0.0.0/8"]},
    alarms={"emails": ["on-call@example.com"], "slack": SLACK},
)
SHOWN = WATCHED | {"neuron-ecs:dashboards": "true"}
WATCHED_EDITS: Mapping[str, tuple[Config, Config]] = {
    "an image": (WATCHED, changed(WATCHED, "models.a", image="r.io/a:2")),
    "an image on a dashboard": (SHOWN, changed(SHOWN, "models.a", image="r.io/a:2")),
    "a model that moves": (WATCHED, changed(WATCHED, "models.a", network_mode="awsvpc")),
    "a schedule": (WATCHED, changed(WATCHED, "jobs.j", schedule={"expression": "rate(2 hours)"})),
    "a model in one Region": (WATCHED, changed(WATCHED, "models.b", regions=[OTHER])),
    "a Region less": (WATCHED, WATCHED | {f"{PROJECT}:regions": '{"us-west-2": {}}'}),
    "a dashboard": (WATCHED, SHOWN),
    "weights that come": (WATCHED, changed(WATCHED, "traffic", weights={"a": {"b": 1}})),
    "weights that go": (changed(WATCHED, "traffic", weights={"a": {"b": 1}}), WATCHED),
}


@pytest.mark.parametrize("edit", WATCHED_EDITS)
def test_what_watches_is_compared_as_in_the_whole(edit: str) -> None:
    base, head = map(plan_of, WATCHED_EDITS[edit])
    found = differing(base, head)
    whole_changes = changes(base, head)
    assert whole_changes
    assert changes(found.base, found.head) == whole_changes


def test_alarms_of_other_models_do_not_bring_them_along() -> None:
    base, head = map(plan_of, WATCHED_EDITS["an image"])
    found = differing(base, head)
    assert len(found.workloads) == 6, "b, c and j, in both Regions"
    kept, every = ({w.key for r in p.regions for w in r.alarms} for p in (found.head, head))
    assert kept
    assert kept < every


EDITS: Mapping[str, Config] = {
    "callers": changed(ROLES, "traffic", allow_from=["10.1.0.0/16"]),
    "steady state": ROLES | {"neuron-ecs:wait_for_steady_state": "false"},
    "a schedule": changed(ROLES, "jobs.j", schedule={"expression": "rate(2 hours)"}),
    "secrets": changed(ROLES, "models.a", secrets={"OTHER": "/a/other"}),
    "policies": changed(ROLES, "models.b", task_policies=["arn:aws:iam::111122223333:policy/p"]),
    "a network mode": changed(ROLES, "models.a", network_mode="awsvpc"),
    "storage": changed(ROLES, "capacity.owned", storage_gib=555),
    "a port": changed(ROLES, "models.a", port=9090),
    "a job of the name of a model": changed(ROLES, "jobs", a=work(1)),
    "a model beside a job of its name": changed(ROLES, "models", j=work("all", "owned")),
}


@pytest.mark.parametrize("edit", EDITS)
def test_each_kind_of_edit_gives_the_changes_of_the_whole(edit: str) -> None:
    base, head = plan_of(ROLES), plan_of(EDITS[edit])
    found = differing(base, head)
    whole_changes = changes(base, head)
    assert whole_changes
    assert changes(found.base, found.head) == whole_changes


def test_a_model_is_not_taken_for_the_job_of_its_name() -> None:
    both = stack(
        capacity={"pool": groups("inf2.24xlarge", 3)}, models={"a": work(1)}, jobs={"a": work(1)}
    )
    for path, left in (("models.a", "jobs.a"), ("jobs.a", "models.a")):
        base, head = plan_of(both), plan_of(changed(both, path, image="r.io/a:2"))
        found = differing(base, head)
        assert found.workloads == (("us-west-2", left),)
        assert changes(found.base, found.head) == changes(base, head) != ()


@pytest.mark.parametrize("key", sorted(role.key for role in plan_of(ROLES).roles))
def test_whoever_names_a_role_is_registered_where_it_changes(key: str) -> None:
    base = plan_of(ROLES)
    more = ("arn:aws:iam::aws:policy/ReadOnlyAccess",)
    roles = tuple(
        replace(role, managed_policies=role.managed_policies + more) if role.key == key else role
        for role in base.roles
    )
    head = replace(base, roles=roles)
    found = differing(base, head)
    assert changes(found.base, found.head) == changes(base, head)


@pytest.mark.parametrize(
    "other",
    [
        {"project": "other"},
        {"stack": "other"},
        {"home_region": OTHER},
        {"tags": (("team", "other"),)},
        {"wait_for_steady_state": False},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_concerns_the_whole_stack_leaves_nothing_out(other: dict[str, Any]) -> None:
    base = plan_of(ROLES)
    head = replace(base, **other)
    found = differing(base, head)
    assert (found.base, found.head, found.regions, found.workloads) == (base, head, (), ())


# ---- what a part registers -----------------------------------------------------------------------


@LARGE
def test_a_part_of_a_plan_registers_exactly_its_part_of_the_graph(file: str) -> None:
    plan = replace(plan_in(file), slack=None, certificate=None)  # which are of all Regions
    full = graph(plan)
    first = plan.regions[0]
    part = graph(replace(plan, regions=(first,)))
    others = {r.name for r in plan.regions if r is not first}
    beyond = {u for u, r in full.items() if r["inputs"].get("region") in others}
    below = {u for u, r in full.items() if _under(r, full, ":Region", others)}
    assert part == {u: r for u, r in full.items() if u not in beyond | below}


@LARGE
def test_without_a_workload_everything_else_registers_as_with_it(file: str) -> None:
    plan = plan_in(file)
    region = max(plan.regions, key=lambda r: len(r.models) + len(r.jobs))
    region = replace(region, alarms=(), event_rules=(), dashboard=None)  # which name workloads
    alone = replace(plan, regions=(region,))
    full = graph(alone)
    for models, jobs in ((region.models[1:], region.jobs), (region.models, region.jobs[1:])):
        part = graph(replace(alone, regions=(replace(region, models=models, jobs=jobs),)))
        gone = {w.key for w in (*region.models, *region.jobs)} - {w.key for w in (*models, *jobs)}
        below = {
            u for u, r in full.items() if any(_under(r, full, t, gone) for t in (":Model", ":Job"))
        }
        assert below or not gone
        assert part == {u: r for u, r in full.items() if u not in below}


@LARGE
def test_who_sits_where_registers_nothing(file: str) -> None:
    plan = plan_in(file)

    def bare(cluster: Cluster | None) -> Cluster | None:
        if cluster is None:
            return None
        pools = tuple(replace(pool, layout=Layout(0, (), 0, 0)) for pool in cluster.pools)
        return replace(cluster, pools=pools)

    regions = tuple(
        replace(
            region,
            auto_scaling=bare(region.auto_scaling),
            managed_instances=bare(region.managed_instances),
        )
        for region in plan.regions
    )
    assert graph(replace(plan, regions=regions)) == graph(plan)


def _under(
    resource: dict[str, Json], graph: Mapping[str, dict[str, Json]], type_: str, names: set[str]
) -> bool:
    """Whether a resource is, or stands under, a component of that type with one of the names."""
    at: dict[str, Json] | None = resource
    while at is not None:
        if str(at["type"]).endswith(type_) and at["name"] in names:
            return True
        at = graph.get(str(at["parent"]))
    return False


# ---- the other process ---------------------------------------------------------------------------


def test_the_other_process_records_what_this_one_does_request_after_request() -> None:
    plans = [
        plan_of(stack(capacity={"pool": groups("inf2.xlarge", 2)}, models={name: work(1)}))
        for name in ("a", "b")
    ]
    here: list[Graph] = [record_plan(plan) for plan in plans]
    with Recorder() as recorder:
        for number in (2, 1, 0):
            recorder.ask(plans[:number])
            assert list(recorder.answer()) == here[:number]


@pytest.mark.parametrize("beside", [0, 1])
def test_what_cannot_be_registered_is_said_with_its_reason(beside: int) -> None:
    plan = plan_of(stack(capacity={"pool": groups("inf2.xlarge", 2)}, models={"a": work(1)}))
    (region,) = plan.regions
    twice = replace(plan, regions=(replace(region, models=region.models * 2),))
    with Recorder() as recorder:
        recorder.ask([plan] * beside + [twice])
        with pytest.raises(NotRecordedError, match="registered twice"):
            recorder.answer()


def test_after_a_mistake_and_after_its_end_it_answers_again() -> None:
    plan = plan_of(stack(capacity={"pool": groups("inf2.xlarge", 2)}, models={"a": work(1)}))
    (region,) = plan.regions
    twice = replace(plan, regions=(replace(region, models=region.models * 2),))
    here = record_plan(plan)
    with Recorder() as recorder:
        recorder.ask([twice, plan])
        with pytest.raises(NotRecordedError, match="registered twice"):
            recorder.answer()
        recorder.ask([plan])
        assert recorder.answer() == (here,)
        unpickled: Any = ["no plan"]
        recorder.ask(unpickled)
        with pytest.raises(NotRecordedError, match="AttributeError"):
            recorder.answer()
        recorder.ask([plan])
        assert recorder.answer() == (here,)
