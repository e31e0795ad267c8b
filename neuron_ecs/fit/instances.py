"""The search for instance types and Regions that can run a task, and their prices.

Plans do not depend on it. Prices only sort the options; unknown prices and costs are listed as
missing, never guessed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Literal

from catalog import Catalog, InstanceType, Region
from messages.phrases import counted, listed
from planning.price import MANAGEMENT_FEE, Rate, hourly_rate
from planning.rooms import Room, room_of, share_of

Purchase = Literal["on_demand", "spot", "capacity_block"]
Kind = Literal["auto_scaling", "managed_instances"]
PURCHASES: tuple[Purchase, ...] = ("on_demand", "spot", "capacity_block")
KINDS: tuple[Kind, ...] = ("auto_scaling", "managed_instances")


@dataclass(frozen=True, slots=True)
class TaskRequirements:
    """The minimum that each task needs, and where and how its instances are bought.

    `device_memory_gib` is the memory of one device, `core_memory_gib` that of one logical
    NeuronCore: a model without tensor parallelism lies on one core, and cores share no memory.

    Without `regions`: every Region of the partition `aws` in which AWS documents support for the
    kind of capacity. Without `types`: every type with Neuron devices; a type may contain *.
    """

    devices: int = 1
    device_memory_gib: int = 0
    core_memory_gib: int = 0
    memory_mib: int = 0
    cpu_units: int = 0
    regions: tuple[str, ...] = ()
    purchase: Purchase = "on_demand"
    kind: Kind = "auto_scaling"
    types: tuple[str, ...] = ()
    tasks: int = 1


@dataclass(frozen=True, slots=True)
class Option:
    """An instance type in a Region that can run the tasks.

    `sets` are disjoint legal sets of devices as (first, number), one for each task on an instance.
    `share` is the CPU and memory that belong to these devices, `task` what a task needs; the stack
    file must state what exceeds the share. `missing` are costs that are not in `price`, or the
    price itself.
    """

    instance_type: str
    region: str
    zone_ids: tuple[str, ...]
    devices: int
    sets: tuple[tuple[int, int], ...]
    task: Room
    share: Room
    tasks: int
    price: Rate | None
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def tasks_per_instance(self) -> int:
        return len(self.sets)

    @property
    def instances(self) -> int:
        """The number of instances for all required tasks."""
        return ceil(self.tasks / self.tasks_per_instance)

    @property
    def per_hour(self) -> Decimal | None:
        """USD an hour for all required tasks if the instances run nothing else."""
        return None if self.price is None else self.price.high * self.instances

    @property
    def per_task(self) -> Decimal | None:
        """USD an hour for one task on a full instance."""
        return None if self.price is None else self.price.high / self.tasks_per_instance


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why a type cannot run the tasks in these Regions; no Regions means anywhere."""

    instance_type: str
    regions: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Fit:
    """Options, the cheapest first, and the reasons against all other types."""

    options: tuple[Option, ...]
    refusals: tuple[Refusal, ...]


def fit(required: TaskRequirements, catalog: Catalog) -> Fit:
    """Finds the instance types and Regions that can run the tasks; ties are sorted by name."""
    options: list[Option] = []
    refusals: list[Refusal] = []
    for kind in types_of(required, catalog):
        found, refused = options_on(kind, required, catalog)
        options += found
        refusals += refused
    return Fit(tuple(sorted(options, key=order)), tuple(refusals))


def options_on(
    kind: InstanceType, required: TaskRequirements, catalog: Catalog
) -> tuple[list[Option], list[Refusal]]:
    """The options on one type, one for each Region, and the reasons against other Regions."""
    sets = _sets(kind, required, catalog)
    if isinstance(sets, str):
        return [], [Refusal(kind.name, (), sets)]
    devices = sets[0][1]
    task, own = _task(kind, devices, required, catalog), share_of(kind, devices, catalog)
    room = room_of(kind, catalog)
    tasks = min(len(sets), room.cpu_units // task.cpu_units, room.memory_mib // task.memory_mib)
    if tasks < 1:
        return [], [Refusal(kind.name, (), _too_small(room, task))]
    options: list[Option] = []
    refused: dict[str, list[str]] = {}
    for region in regions_of(required, catalog):
        why = _refused_in(kind, region, required, catalog)
        if why is not None:
            refused.setdefault(why, []).append(region.name)
            continue
        price = hourly_rate(kind.name, region.name, required.purchase, catalog)
        options.append(
            Option(
                instance_type=kind.name,
                region=region.name,
                zone_ids=catalog.places.zones_offering(kind.name, region.name),
                devices=devices,
                sets=sets[:tasks],
                task=task,
                share=own,
                tasks=required.tasks,
                price=price,
                missing=tuple(_missing(region.name, price, required, catalog)),
                notes=tuple(_notes(kind, region, devices, required, catalog)),
            )
        )
    if not required.regions:
        # In a search of all Regions, those without the type are not worth a line.
        refused.pop(_NOT_OFFERED, None)
        if options:
            return options, []
        if not refused:
            here = catalog.places.regions_offering(kind.name)
            why = f"is offered in {listed(here)} alone: name it (--regions)" if here else _NOWHERE
            return [], [Refusal(kind.name, (), why)]
    return options, [Refusal(kind.name, tuple(r), why) for why, r in sorted(refused.items())]


def regions_of(required: TaskRequirements, catalog: Catalog) -> tuple[Region, ...]:
    """The required Regions that the catalog knows, or all with documented support."""
    if required.regions:
        return tuple(
            catalog.places.regions[r]
            for r in sorted(set(required.regions))
            if r in catalog.places.regions
        )
    return tuple(
        region
        for region in catalog.places.regions.values()
        if region.partition == "aws"
        and (
            region.managed_instances
            if required.kind == "managed_instances"
            else region.neuron_ami == "documented"
        )
    )


def types_of(required: TaskRequirements, catalog: Catalog) -> Iterator[InstanceType]:
    """The required types with Neuron devices, sorted by name."""
    wanted = {name for pattern in required.types for name in catalog.instances.matching(pattern)}
    for name, kind in sorted(catalog.instances.neuron_types.items()):
        if not required.types or name in wanted:
            yield kind


def _sets(
    kind: InstanceType, required: TaskRequirements, catalog: Catalog
) -> tuple[tuple[int, int], ...] | str:
    """Disjoint legal sets of the fewest devices that suffice, or the reason for none."""
    hardware = kind.neuron
    if hardware is None:
        return "has no Neuron devices"
    memory = hardware.device_memory_mib / 1024
    cores = hardware.logical_cores_per_device
    for wanted, has, what in (
        (required.device_memory_gib, memory, "a device"),
        (required.core_memory_gib, memory / cores, "a core"),
    ):
        if wanted > has:
            return f"{what} has {has:g} GiB of memory, of {wanted} needed"
    needed = max(required.devices, 1)
    devices = catalog.neuron.legal_count(kind.name, at_least=needed)
    if devices is None:
        return f"has {counted(hardware.devices, 'device')}, of {needed} needed"
    if required.kind == "managed_instances" and hardware.managed_instances == "no":
        return "ECS Managed Instances do not support its family"
    if required.purchase.replace("_", "-") not in kind.usage_classes:
        return f"is not sold as {required.purchase.replace('_', ' ')}"
    taken: list[tuple[int, int]] = []
    for first, size in catalog.neuron.proven_sets(kind.name):
        if size == devices and (not taken or first >= sum(taken[-1])):
            taken.append((first, size))
    return tuple(taken)


def _task(kind: InstanceType, devices: int, required: TaskRequirements, catalog: Catalog) -> Room:
    own = share_of(kind, devices, catalog)
    return Room(max(own.cpu_units, required.cpu_units), max(own.memory_mib, required.memory_mib))


def _too_small(room: Room, task: Room) -> str:
    if task.memory_mib > room.memory_mib:
        needed = task.memory_gib
        return f"has {room.memory_gib} GiB of memory for tasks, of {needed} needed"
    return f"has {room.cpu_units} CPU units for tasks, of {task.cpu_units} needed"


_NOT_OFFERED = "is not offered there"
_NOWHERE = "is offered in no Region that the tables know"


def _refused_in(
    kind: InstanceType, region: Region, required: TaskRequirements, catalog: Catalog
) -> str | None:
    if required.kind == "managed_instances" and not region.managed_instances:
        return "ECS Managed Instances are not there"
    if required.kind == "auto_scaling" and region.neuron_ami == "none":
        return "the ECS-optimized Neuron AMI is not there"
    if not catalog.places.offerings_known(region.name):
        return "what is offered there is not in the tables"
    if not catalog.places.zones_offering(kind.name, region.name):
        return _NOT_OFFERED
    blocks = region.name in catalog.places.capacity_block_regions(kind.name)
    if required.purchase == "capacity_block":
        return None if blocks else "EC2 sells no Capacity Blocks of it there"
    if (
        blocks
        and catalog.prices.known(region.name, required.purchase)
        and hourly_rate(kind.name, region.name, required.purchase, catalog) is None
    ):
        word = required.purchase.replace("_", "-")
        return f"has no {word} price there, and is sold in Capacity Blocks"
    return None


def _missing(
    region: str, price: Rate | None, required: TaskRequirements, catalog: Catalog
) -> Iterator[str]:
    if price is None:
        if required.purchase == "capacity_block":
            yield "the price of the Capacity Block, which EC2 quotes for its days"
        elif catalog.prices.known(region, required.purchase):
            yield "the price of the instance: the source has none, so it may not be sold"
        else:
            yield f"the price of the instance: the source does not cover {region}"
    if required.kind == "managed_instances":
        yield MANAGEMENT_FEE


def _notes(
    kind: InstanceType, region: Region, devices: int, required: TaskRequirements, catalog: Catalog
) -> Iterator[str]:
    hardware = kind.neuron
    assert hardware is not None
    if (
        devices > required.devices
        and catalog.neuron.legal_count(kind.name, at_least=required.devices) != required.devices
    ):
        yield f"AWS documents no tasks with {required.devices} of its devices, but with {devices}"
    if required.kind == "managed_instances":
        if hardware.managed_instances == "unverified":
            yield "AWS's pages contradict each other on Managed Instances with it"
        if devices < hardware.devices:
            yield "sharing an instance of Managed Instances by named devices is unproven"
    elif region.neuron_ami == "undocumented":
        yield f"AWS publishes the Neuron AMI in {region.name} without documenting it"
    if hardware.note:
        yield hardware.note
    if required.purchase == "spot" and region.name in catalog.places.capacity_block_regions(
        kind.name
    ):
        if catalog.prices.on_demand(kind.name, region.name) is None:
            yield "no on-demand price there: Spot capacity may be rare"


def order(option: Option) -> tuple[bool, Decimal, Decimal, int, str, str, int]:
    """Sorts by price; without a price by the size of the hardware; then by name."""
    hour, task = option.per_hour, option.per_task
    return (
        hour is None,
        hour or Decimal(0),
        task or Decimal(0),
        0 if hour is not None else option.instances * option.share.memory_mib,
        option.instance_type,
        option.region,
        option.devices,
    )
