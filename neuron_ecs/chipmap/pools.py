"""What the map draws of a plan: its pools with their slots, and what takes the slots' devices."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

import catalog
from catalog import Catalog
from planning import Plan
from planning.placing import PlacedPool, placed
from planning.plan import Assignment, Pool, RegionPlan

Shape = Literal["single", "ring", "torus_4x4", "row", "unknown", "none"]
"""How the devices of an instance are linked. `row`: a topology that no table knows. `unknown`: the
pool admits types of different sizes. `none`: the type has no Neuron device."""


@dataclass(frozen=True, slots=True)
class DrawnPool(PlacedPool):
    """A pool without its Region, so that pools that look the same are equal."""

    name: str
    kind: str
    types: tuple[str, ...]
    purchase: str
    shape: Shape
    devices: int  # of one instance
    retired: bool
    slots: tuple[tuple[int, ...], ...]
    waits: tuple[tuple[str, str], ...]  # job, and where it would wait, in words

    def wait_of(self, job: Assignment) -> str:
        """Where the job would wait, in words; empty where an instance has room."""
        return dict(self.waits).get(job.workload, "")


@dataclass(frozen=True, slots=True)
class Stack:
    """All pools of a plan, Region by Region."""

    name: str  # project/stack
    regions: tuple[tuple[str, tuple[DrawnPool, ...]], ...]


def of_plan(plan: Plan, tables: Catalog | None = None) -> Stack:
    """The pools of a plan."""
    tables = tables or catalog.load()
    return Stack(
        f"{plan.project}/{plan.stack}",
        tuple(
            (region.name, tuple(_drawn(region, pool, tables) for pool in region.pools))
            for region in plan.regions
        ),
    )


def _drawn(region: RegionPlan, pool: Pool, tables: Catalog) -> DrawnPool:
    layout, here = pool.layout, placed(region, pool)
    jobs = {job.workload for job in layout.jobs}
    unknown = not layout.devices and any(not p.devices for p in here.placements)
    return DrawnPool(
        **{field.name: getattr(here, field.name) for field in fields(PlacedPool)},
        name=pool.name,
        kind=pool.kind,
        types=pool.instance_types,
        purchase=pool.purchase.kind,
        shape="unknown" if unknown else _shape(pool.instance_types, layout.devices, tables),
        devices=layout.devices,
        retired=pool.retired,
        slots=tuple(slot.devices for slot in layout.slots),
        waits=tuple((j.name, j.waits) for j in region.jobs if j.name in jobs and j.waits),
    )


def _shape(types: Sequence[str], devices: int, tables: Catalog) -> Shape:
    if not devices:
        return "none"
    if devices == 1:
        return "single"
    known = tables.instances.neuron_types.get(types[0]) if types else None
    topology = known.neuron.topology if known and known.neuron else ""
    if topology == "torus_4x4" and devices == 16:
        return "torus_4x4"
    return "ring" if topology == "ring" else "row"
