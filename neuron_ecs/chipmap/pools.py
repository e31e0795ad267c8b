"""What the map needs of a plan: pools with their slots, and who takes what of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import catalog
from catalog import Catalog
from planning import Plan, as_json
from planning.document import Json

Shape = Literal["single", "ring", "torus_4x4", "row", "unknown", "none"]
"""How the devices of an instance are linked. `row`: a topology that no table knows. `unknown`: the
pool admits types of different sizes. `none`: the type has no Neuron device."""


class UnreadableError(Exception):
    """The JSON of a plan lacks what its version promises."""


@dataclass(frozen=True, slots=True)
class Seat:
    """What a model takes of a slot: so many tasks, each on the same devices of its instance."""

    model: str
    slot: tuple[int, ...]
    devices: tuple[int, ...]
    least: int
    most: int
    minimum_percent: int  # of the service: how many tasks stay healthy while it rolls out
    maximum_percent: int  # and how many may run

    @property
    def surges(self) -> bool:
        """Whether new tasks start before old ones stop."""
        return self.maximum_percent > 100

    def tasks(self, *, full: bool) -> int:
        """Tasks at the pool's maximum, or at its minimum."""
        return self.most if full else self.least


@dataclass(frozen=True, slots=True)
class JobSeat:
    """Devices that a job takes while it runs."""

    job: str
    devices: tuple[int, ...]
    waits: str  # where it would wait, in words; empty where an instance has room


@dataclass(frozen=True, slots=True)
class Apart:
    """A model without Neuron devices: ECS places it by CPU units and memory."""

    model: str
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool in a Region; the Region itself is not in it, so that pools alike are equal."""

    name: str
    kind: str
    types: tuple[str, ...]
    purchase: str
    shape: Shape
    devices: int  # of one instance
    least: int  # instances at minimum
    most: int  # instances at maximum
    limit: int | None  # instances that the stack file allows; None: no limit
    retired: bool
    slots: tuple[tuple[int, ...], ...]
    seats: tuple[Seat, ...]
    jobs: tuple[JobSeat, ...]
    apart: tuple[Apart, ...]

    def instances(self, *, full: bool) -> int:
        """Instances at maximum, or at minimum."""
        return self.most if full else self.least


@dataclass(frozen=True, slots=True)
class Stack:
    """All pools of a plan, Region by Region."""

    name: str  # project/stack
    regions: tuple[tuple[str, tuple[Pool, ...]], ...]


def of_plan(plan: Plan, tables: Catalog | None = None) -> Stack:
    """The pools of a plan."""
    document: dict[str, Json] = {
        "project": plan.project,
        "stack": plan.stack,
        "regions": as_json(plan.regions),
    }
    return of_document(document, tables)


def of_document(document: Mapping[str, Json], tables: Catalog | None = None) -> Stack:
    """The pools in the JSON of `neuron-ecs plan`. Raises `UnreadableError`."""
    tables = tables or catalog.load()
    try:
        regions = cast("Sequence[Json]", document["regions"])
        return Stack(
            f"{document['project']}/{document['stack']}",
            tuple((region["name"], tuple(_pools(region, tables))) for region in regions),
        )
    except (KeyError, TypeError, IndexError, ValueError, RuntimeError) as error:
        raise UnreadableError(f"the plan's JSON cannot be read: {error!r}") from None


def _pools(region: Json, tables: Catalog) -> Iterator[Pool]:
    for cluster in (region["auto_scaling"], region["managed_instances"]):
        for pool in cluster["pools"] if cluster else ():
            yield _pool(region, pool, tables)


def _pool(region: Json, pool: Json, tables: Catalog) -> Pool:
    layout = pool["layout"]
    types: tuple[str, ...] = tuple(pool.get("instance_types") or [pool["instance_type"]])
    models = [m for m in region["models"] if m["pool"] == pool["key"]]
    waits = {j["name"]: j["waits"] for j in region["jobs"] if j["pool"] == pool["key"]}
    slots = [_devices(slot["devices"]) for slot in layout["slots"]]
    seats = [
        _seat(share, devices, models)
        for slot, devices in zip(layout["slots"], slots, strict=True)
        for share in slot["shares"]
        if not share["is_job"]
    ]
    apart: list[Apart] = []
    for model in models:
        if any(seat.model == model["name"] for seat in seats):
            continue
        if any(s["task_definition"]["devices"] == "all" for s in model["services"]):
            most, least = model["replicas_max"], model["replicas_min"]
            seats.append(Seat(model["name"], (), (), least, most, *_percent(model, "all")))
        else:
            apart.append(Apart(model["name"], model["replicas_min"], model["replicas_max"]))
    smallest = pool.get("min_size", 0)
    count = int(layout["devices"])
    unknown = not count and any(not seat.devices for seat in seats)
    return Pool(
        name=pool["name"],
        kind=pool["kind"],
        types=types,
        purchase=pool["purchase"]["kind"],
        shape="unknown" if unknown else _shape(types, count, tables),
        devices=count,
        least=max(layout["instances_min"], smallest),
        most=max(layout["instances_max"], smallest),
        limit=pool.get("max_size"),
        retired=pool["retired"],
        slots=tuple(slots),
        seats=tuple(seats),
        jobs=tuple(
            JobSeat(j["workload"], _devices(j["devices"]), waits.get(j["workload"], ""))
            for j in layout.get("jobs", ())
        ),
        apart=tuple(apart),
    )


def _seat(share: Json, slot: tuple[int, ...], models: Sequence[Json]) -> Seat:
    name, devices = share["workload"], _devices(share["devices"])
    model = next(m for m in models if m["name"] == name)
    percent = _percent(model, list(devices))
    return Seat(name, slot, devices, share["tasks_min"], share["tasks_max"], *percent)


def _devices(value: Json) -> tuple[int, ...]:
    return tuple(int(device) for device in value)


def _percent(model: Json, devices: Json) -> tuple[int, int]:
    """Minimum and maximum percent of the model's service on these devices."""
    services = cast("Sequence[Json]", model["services"])
    here = (s for s in services if s["task_definition"]["devices"] in (devices, "all"))
    service = next(here, services[0])
    return service["minimum_healthy_percent"], service["maximum_percent"]


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
