"""Pools to draw: of every shipped stack file, made up by hypothesis, and hostile ones."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

import catalog
from catalog import load
from neuron_ecs.chipmap.pools import DrawnPool, Shape, Stack, of_plan
from neuron_ecs.stackfile.reading import read
from planning import Plan, decide
from planning.dealing import Demand, share_evenly
from planning.layout import arrange
from planning.placing import Placement
from planning.plan import Assignment
from tests.bench import stack as bench

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted([*ROOT.glob("Pulumi.*.yaml"), *(ROOT / "examples").glob("*.yaml")])
TYPES: dict[str, Shape] = {
    "inf2.xlarge": "single",
    "inf1.6xlarge": "ring",
    "inf2.24xlarge": "ring",
    "inf2.48xlarge": "ring",
    "inf1.24xlarge": "ring",
    "trn1.32xlarge": "torus_4x4",
}
HOSTILE = (
    "</text></svg><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "]]><!-- & &amp; &#60;script&#62;",
    "javascript:alert(1)//https://example.org/x.js",
    "\x1b[2J\u202e\r\n\tname",
    "x" * 300,
    "url(https://example.org)};body{display:none",
    "{}%s{0}",
)


@cache
def plan_of(path: Path) -> Plan:
    file = read(stack=None, file=path, directory=ROOT)
    return decide(file.config, catalog.load(), project=file.project, stack=file.stack)


def shipped() -> list[DrawnPool]:
    """Every pool of every shipped stack file."""
    return [p for path in FILES for _, pools in of_plan(plan_of(path)).regions for p in pools]


@cache
def measured() -> Stack:
    """The stack that is measured: 16 Regions, each with 20 models of its own."""
    document = bench.document(distinct=True)["config"]
    config = {k: v if isinstance(v, str) else json.dumps(v) for k, v in document.items()}
    return of_plan(decide(config, catalog.load(), project=bench.PROJECT, stack="bench"))


@st.composite
def pools(draw: st.DrawFn) -> DrawnPool:
    """A pool as the planner cuts it, with room for more instances or without."""
    kind = draw(st.sampled_from(sorted(TYPES)))
    hardware = load().instances.neuron_types[kind].neuron
    assert hardware is not None
    legal = load().neuron.device_sets(kind)
    sizes = sorted({size for _, size in legal})
    demands = tuple(
        Demand(f"m{index}", draw(st.sampled_from(sizes[:6])), draw(st.integers(0, 5)))
        for index in range(draw(st.integers(0, 4)))
    )
    cut = arrange(hardware.devices, legal, demands)
    if cut is None:
        demands, cut = (), arrange(hardware.devices, legal, ())
    assert cut is not None
    placements: list[Placement] = []
    for demand in demands:
        spots = [
            (slot, deal)
            for slot, deals in zip(cut.slots, cut.deals, strict=True)
            for deal in deals
            if deal.name == demand.name
        ]
        limits = [deal.tasks for _, deal in spots]
        least = share_evenly(draw(st.integers(0, sum(limits))), limits)
        for (slot, deal), low in zip(spots, least, strict=True):
            percent = draw(st.sampled_from([(100, 200), (0, 100), (50, 100), (66, 100)]))
            placements.append(
                Placement(slot, Assignment(deal.name, deal.devices, low, deal.tasks), *percent)
            )
    low = max(
        (sum(p.tasks(full=False) for p in placements if p.slot == slot) for slot in cut.slots),
        default=0,
    )
    spare = draw(st.sampled_from([None, 0, 1, 5]))
    limit = None if spare is None else max(1, cut.instances + spare)
    smallest = draw(st.integers(0, limit or 2))
    jobs = [
        Assignment(f"j{index}", tuple(range(first, first + size)), 0, 1, is_job=True)
        for index, (first, size) in enumerate(draw(st.lists(st.sampled_from(legal), max_size=3)))
    ]
    return DrawnPool(
        name="pool",
        kind="auto_scaling",
        types=(kind,),
        purchase="on_demand",
        shape=TYPES[kind],
        devices=hardware.devices,
        least=max(low, smallest),
        most=max(cut.instances, smallest),
        limit=limit,
        retired=draw(st.booleans()),
        slots=cut.slots,
        placements=tuple(placements),
        jobs=tuple(jobs),
        waits=(),
        without_devices=(),
    )


def of_model(placement: Placement, name: str) -> Placement:
    """The placement as that of another model."""
    return replace(placement, assignment=replace(placement.assignment, workload=name))


def renamed(pool: DrawnPool, names: tuple[str, ...]) -> DrawnPool:
    """The pool with these names in turn for all that the stack file names."""

    def other(name: str) -> str:
        return names[sum(name.encode()) % len(names)] + name

    return replace(
        pool,
        name=other(pool.name),
        types=tuple(other(t) for t in pool.types),
        placements=tuple(of_model(p, other(p.model)) for p in pool.placements),
        jobs=tuple(replace(j, workload=other(j.workload)) for j in pool.jobs),
        waits=tuple((other(j.workload), other("waits")) for j in pool.jobs),
        without_devices=(Assignment(other("apart"), (), 1, 2),),
    )
