"""Pairs of stack files for tests of the comparison, and the comparison without a command line."""

import json
import pickle
from collections.abc import Sequence
from functools import lru_cache

from hypothesis import strategies as st

from neuron_ecs.diff.difference import Difference, put_together
from neuron_ecs.diff.sides import Side, Sides
from neuron_ecs.recording.plans import Graph, record_plan
from planning import Plan, Refused
from planning.document import Json
from tests.planning.stacks import (
    PROJECT,
    STACK,
    Config,
    Entry,
    decide_on,
    groups,
    managed,
    stack,
    work,
)

OTHER = "us-east-2"


def plan_of(config: Config) -> Plan:
    return decide_on(config)


def graph_of(plan: Plan) -> Graph:
    """The graph; one plan is recorded once for many comparisons in a row."""
    return _recorded(pickle.dumps(plan))


@lru_cache(maxsize=16)
def _recorded(plan: bytes) -> Graph:
    return record_plan(pickle.loads(plan))


def side(config: Config, *, graph: bool = False, label: str = "a.yaml") -> Side:
    """A side as the command reads it, in this process."""
    try:
        plan = plan_of(config)
    except Refused as refused:
        return Side(label, STACK, None, refused.findings, None, "the plan has errors", config)
    resources = graph_of(plan) if graph else None
    why = "" if graph else "not asked for"
    return Side(label, STACK, plan, plan.findings, resources, why, config)


def compared(before: Config, after: Config, *, graph: bool = False) -> Difference:
    """The whole difference."""
    sides = (side(before, graph=graph, label="before.yaml"), side(after, graph=graph))
    return put_together(Sides(PROJECT, *sides))


def shared(*models: tuple[str, object], max_size: int = 2, **more: Entry) -> Config:
    """Models on the six devices of one inf2.24xlarge pool."""
    pools = {"pool": groups("inf2.24xlarge", max_size)}
    return stack(capacity=pools, models={name: work(devices) for name, devices in models} | more)


# ---- random stack files and edits ----------------------------------------------------------------

_POOLS: Sequence[Entry] = (
    {"chips": groups("inf2.24xlarge", 3)},
    {"chips": groups("inf2.24xlarge", 3), "small": managed("inf2.xlarge")},
    {"chips": groups("inf2.48xlarge", 2, root_volume_gib=300)},
)


@st.composite
def _model(draw: st.DrawFn, pools: Entry) -> Entry:
    pool = draw(st.sampled_from(sorted(pools)))
    devices = "all" if pool == "small" else draw(st.sampled_from([1, 2, 3]))
    least = draw(st.integers(0, 2))
    replicas = {"min": least, "max": least + draw(st.integers(0, 1))}
    entry = work(devices, pool, replicas=replicas)
    entry["image"] = f"public.ecr.aws/neuron/serving:{draw(st.sampled_from(['1.0', '1.1']))}"
    if draw(st.booleans()):
        entry["port"] = 8080
    if draw(st.booleans()):
        entry["environment"] = {"LEVEL": draw(st.sampled_from(["info", "debug"]))}
    return entry


@st.composite
def stack_files(draw: st.DrawFn) -> Config:
    """A small stack file that can be built."""
    pools = draw(st.sampled_from(_POOLS))
    names = draw(st.lists(st.sampled_from(["ant", "bee", "cat"]), min_size=1, unique=True))
    models = {name: draw(_model(pools)) for name in names}
    regions: Entry = {"us-west-2": {}, **({OTHER: {}} if draw(st.booleans()) else {})}
    tags = draw(st.sampled_from([{}, {"team": "ml"}]))
    return stack(capacity=pools, models=models, regions=regions, tags=tags)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Config, Config]:
    """A stack file, and what a few edits make of it."""
    before = draw(stack_files())
    after = dict(before)
    models: dict[str, Entry] = json.loads(after[f"{PROJECT}:models"])
    pools: Entry = json.loads(after[f"{PROJECT}:capacity"])
    for _ in range(draw(st.integers(1, 2))):
        edit = draw(st.sampled_from(["add", "remove", "change", "tags", "disk"]))
        if edit == "add":
            models["dog"] = draw(_model(pools))
        elif edit == "remove" and len(models) > 1:
            models.pop(sorted(models)[0])
        elif edit == "change":
            models[sorted(models)[-1]] = draw(_model(pools))
        elif edit == "tags":
            after[f"{PROJECT}:tags"] = json.dumps({"team": "other"})
        elif edit == "disk":
            pools["chips"] = {**pools["chips"], "root_volume_gib": 400}
    after[f"{PROJECT}:models"] = json.dumps(models)
    after[f"{PROJECT}:capacity"] = json.dumps(pools)
    return before, after


def resource(
    name: str = "one",
    type_: str = "aws:ecs/cluster:Cluster",
    *,
    uses: dict[str, list[str]] | None = None,
    options: dict[str, Json] | None = None,
    **inputs: Json,
) -> dict[str, Json]:
    """A resource as the preview's JSON has it, directly under the stack."""
    return {
        "urn": f"urn:pulumi:{STACK}::{PROJECT}::{type_}::{name}",
        "type": type_,
        "name": name,
        "parent": f"urn:pulumi:{STACK}::{PROJECT}::pulumi:pulumi:Stack::{PROJECT}-{STACK}",
        "provider": None,
        "dependencies": sorted(u for urns in (uses or {}).values() for u in urns),
        "propertyDependencies": uses or {},
        "options": options or {},
        "inputs": {"region": "us-west-2", **inputs},
    }
