"""What the map draws of a plan: its pools with their slots, and what takes the slots' devices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import catalog
from catalog import Catalog
from planning import Plan
from planning.plan import Assignment, AutoScalingPool, ModelPlan, Pool, RegionPlan

Shape = Literal["single", "ring", "torus_4x4", "row", "unknown", "none"]
"""How the devices of an instance are linked. `row`: a topology that no table knows. `unknown`: the
pool admits types of different sizes. `none`: the type has no Neuron device."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A model's assignment with its slot, and how the service on it rolls out.

    The slot and the devices are empty where the pool admits types of different sizes.
    """

    slot: tuple[int, ...]
    assignment: Assignment
    minimum_percent: int  # of the tasks: how many stay healthy during a rollout
    maximum_percent: int  # and how many may run

    @property
    def model(self) -> str:
        return self.assignment.workload

    @property
    def devices(self) -> tuple[int, ...]:
        return self.assignment.devices

    @property
    def surges(self) -> bool:
        """Whether new tasks start before old ones stop."""
        return self.maximum_percent > 100

    def tasks(self, *, full: bool) -> int:
        """Tasks at the pool's maximum, or at its minimum."""
        return self.assignment.tasks_max if full else self.assignment.tasks_min


@dataclass(frozen=True, slots=True)
class DrawnPool:
    """A pool without its Region, so that pools that look the same are equal."""

    name: str
    kind: str
    types: tuple[str, ...]
    purchase: str
    shape: Shape
    devices: int  # of one instance
    least: int  # instances at minimum
    most: int  # instances at maximum
    limit: int | None  # the largest number of instances; None: no limit
    retired: bool
    slots: tuple[tuple[int, ...], ...]
    placements: tuple[Placement, ...]
    jobs: tuple[Assignment, ...]
    waits: tuple[tuple[str, str], ...]  # job, and where it would wait, in words
    without_devices: tuple[Assignment, ...]  # models that ECS places by CPU units and memory

    def instances(self, *, full: bool) -> int:
        """Instances at maximum, or at minimum."""
        return self.most if full else self.least

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
    layout = pool.layout
    models = {m.name: m for m in region.models if m.pool == pool.key}
    placements = [
        Placement(slot.devices, taken, *_percentages(models[taken.workload], taken.devices))
        for slot in layout.slots
        for taken in slot.assignments
        if not taken.is_job
    ]
    placed = {placement.model for placement in placements}
    without: list[Assignment] = []
    for name, model in models.items():
        if name in placed:
            continue
        whole = Assignment(name, (), model.replicas_min, model.replicas_max)
        if any(s.task_definition.devices == "all" for s in model.services):
            placements.append(Placement((), whole, *_percentages(model, ())))
        else:
            without.append(whole)
    least, most = pool.layout.instances
    jobs = {job.workload for job in layout.jobs}
    unknown = not layout.devices and any(not p.devices for p in placements)
    return DrawnPool(
        name=pool.name,
        kind=pool.kind,
        types=pool.instance_types,
        purchase=pool.purchase.kind,
        shape="unknown" if unknown else _shape(pool.instance_types, layout.devices, tables),
        devices=layout.devices,
        least=least,
        most=most,
        limit=pool.max_size if isinstance(pool, AutoScalingPool) else None,
        retired=pool.retired,
        slots=tuple(slot.devices for slot in layout.slots),
        placements=tuple(placements),
        jobs=layout.jobs,
        waits=tuple((j.name, j.waits) for j in region.jobs if j.name in jobs and j.waits),
        without_devices=tuple(without),
    )


def _percentages(model: ModelPlan, devices: tuple[int, ...]) -> tuple[int, int]:
    """Minimum and maximum percent of the model's service on these devices."""
    on = (s for s in model.services if s.task_definition.devices in (devices, "all"))
    service = next(on, model.services[0])
    return service.minimum_healthy_percent, service.maximum_percent


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
