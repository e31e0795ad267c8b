"""Parts of fixes: instance types that suit a pool, and images with all that they need."""

from collections.abc import Mapping
from typing import cast

from catalog import InstanceType
from config import AutoScalingCapacity, JobEntry, ModelEntry, RegionEntry
from messages.phrases import flow
from planning import choices, images
from planning.amis import ami_driver, common_amis
from planning.command_line import published, words
from planning.entries import RegionalPool, RegionalWorkload
from planning.managed_types import proven
from planning.reached import opened
from planning.serving.options import DEFAULT_LENGTH, DEFAULT_SEQUENCES
from planning.serving.servers import (
    SERVERS,
    TENSOR_PARALLEL,
    LanguageModelServer,
    lacks_program,
    served_model,
    without_prefix_caching,
)
from planning.situation import Situation

ALLOWED = "allowed_instance_types"


def image_fix(s: Situation, work: RegionalWorkload, path: str, image: str) -> str:
    """`write <image>`, or `write image: <image>` with the other fields that the image needs."""
    fields: dict[str, str] = {}
    if ami := ami_for(s, work, image):
        fields[f"capacity.{work.pool.name}.ami.version"] = ami
    if path == f"{work.path}.image":
        if command := missing_command(s, work, image):
            fields["command"] = flow(command)
        if variables := missing_variables(s, work, image):
            fields["environment"] = f"{{{', '.join(variables)}}}"
    if not fields:
        return f"write {image}"
    return "write " + " and ".join(
        f"{key}: {value}" for key, value in {"image": image, **fields}.items()
    )


def ami_for(s: Situation, work: RegionalWorkload, image: str) -> str:
    """The newest AMI whose driver suits the image and the pool's others.

    Empty if the pool's own AMI does, or none.
    """
    pool, sdk = work.pool, images.neuron_sdk(image)
    driver = ami_driver(s, pool)
    if driver is None or sdk is None or images.bad_pair(s.catalog, driver, sdk) is None:
        return ""
    return next(reversed(common_amis(s, pool, (work, sdk))), "")


def missing_command(s: Situation, work: RegionalWorkload, image: str) -> list[str]:
    """The command that the image's server needs, if the workload has none or not all of it."""
    known, given = published(image, s.catalog), words(work.spec)
    server = s.catalog.containers.servers.get(known.server) if known else None
    if server is None or server.entry != "command" or work.spec.entry_point:
        return []
    if given and not lacks_program(given):
        return []
    port = work.spec.served_ports[0] if work.spec.served_ports else server.port
    command = ["vllm", "serve", served_model(given) or "<model>", f"--port={port}"]
    command += [f"--{TENSOR_PARALLEL}={_degree(s, work)}"]
    command += [
        f"--{server.sequences_option}={DEFAULT_SEQUENCES}",
        f"--{server.length_option}={DEFAULT_LENGTH}",
    ]
    needed = SERVERS[server.name].cache_blocks(
        command, sequences=DEFAULT_SEQUENCES, length=DEFAULT_LENGTH
    )
    return command + (without_prefix_caching(DEFAULT_SEQUENCES) if needed else [])


def _degree(s: Situation, work: RegionalWorkload) -> int:
    """The largest documented tensor parallel size on the devices of a task; else all cores."""
    kind = work.smallest
    if kind is None or kind.neuron is None:
        return 1
    cores = work.device_count * kind.neuron.logical_cores_per_device
    degrees = s.catalog.neuron.tensor_parallel_degrees(kind.name)
    return max((d for d in degrees if d <= cores), default=cores)


def missing_variables(s: Situation, work: RegionalWorkload, image: str) -> list[str]:
    """`NAME: "value"` of each variable that the image's server needs on a host without EFA."""
    known = published(image, s.catalog)
    server = SERVERS.get(known.server) if known else None
    if not isinstance(server, LanguageModelServer) or getattr(work.pool.spec, "efa", False):
        return []
    given = work.spec.environment
    return [f'{k}: "{v}"' for k, v in server.environment.items() if given.get(k) != v]


def fitting_types(s: Situation, pool: str) -> list[str]:
    """Returns the Neuron types that the pool could have instead, in the order of `neuron_types_in`.

    Each Region of the pool offers and sells them in a zone of the pool, the kind of pool supports
    them, each task fits with its number of devices, and no rule refuses them there.
    """
    works = [w for _, w in s.named_workloads() if w.capacity == pool]
    spec = s.settings.capacity[pool]
    regions = [r for r in s.pool_regions(pool) if r in s.regions]

    def suits(kind: InstanceType, entry: ModelEntry | JobEntry) -> bool:
        wanted, counts = entry.neuron_devices, s.catalog.neuron.legal_counts(kind.name)
        known = published(entry.image, s.catalog)
        if known is not None and kind.neuron and kind.neuron.family not in known.families:
            return False
        if isinstance(wanted, tuple):
            return max(wanted, default=0) < max(counts) and len(wanted) in counts
        return s.holds(kind, entry) and (not isinstance(wanted, int) or wanted in counts)

    def sold(kind: InstanceType, region: str) -> bool:
        offering = set(s.catalog.places.zones_offering(kind.name, region))
        zones = {z for z in s.network_zones(region) if not spec.zone_ids or z in spec.zone_ids}
        way = "spot" if spec.purchase == "spot" else "on_demand"
        return bool(zones & offering) and not unpriced(s, kind.name, region, way)

    return [
        t
        for t in s.neuron_types_in(regions)
        if (kind := s.catalog.instances.neuron_types[t]).neuron
        and (isinstance(spec, AutoScalingCapacity) or proven(t, s.catalog))
        and all(sold(kind, r) for r in regions)
        and all(suits(kind, w) for w in works)
        and passes_with(s, pool, t)
    ]


def passes_with(s: Situation, pool: str, *types: str) -> bool:
    """Whether the stack file has no further error with the types, or patterns, in the pool.

    An Auto Scaling pool has one type; its Regions accept an undocumented AMI.
    """
    if not isinstance(s.settings.capacity[pool], AutoScalingCapacity):
        return s.passes({f"capacity.{pool}.allowed_instance_types": types})
    accepted = {f"regions.{r}.accept_undocumented_ami": True for r in _undocumented(s, pool)}
    return s.passes({f"capacity.{pool}.instance_type": types[0], **accepted})


def moved(s: Situation, old: str, new: str) -> dict[str, object]:
    """The edits that move everything of a Region to another one, with a network of ours there."""
    settings = s.settings
    kept = {r: entry for r, entry in settings.regions.items() if r != old}
    edits: dict[str, object] = {"regions": {new: RegionEntry(), **kept}}
    groups = {"capacity": settings.capacity, "models": settings.models, "jobs": settings.jobs}
    for group, entries in groups.items():
        for name, entry in entries.items():
            if entry.regions is not None:
                edits[f"{group}.{name}.regions"] = in_place(entry.regions, old, new)
    for field in ("certificate_arns", "allow_from", "hosts"):
        given = getattr(settings.traffic, field)
        if isinstance(given, dict):
            edits[f"traffic.{field}"] = in_place(cast("dict[str, object]", given), old, "")
    return edits


def in_place(
    given: Mapping[str, object] | tuple[str, ...], old: str, new: str
) -> dict[str, object] | tuple[str, ...]:
    """Regions, or what belongs to each, with another in place of one; without it if empty."""
    pairs = [(r, new if r == old else r) for r in given]
    if isinstance(given, Mapping):
        return {name: given[r] for r, name in pairs if name}
    return tuple(name for _, name in pairs if name)


def with_zone(s: Situation, pool: RegionalPool) -> str:
    """Returns ` and zone_ids: [usw2-az1]`, the zone of a reservation that the pool is to use.

    Empty if the pool has one zone. Its other Regions keep a zone, or all of them.
    """
    spec = pool.spec
    if len(pool.zone_ids) < 2 or (isinstance(spec, AutoScalingCapacity) and spec.efa):
        return ""
    here = [p for (_, name), p in s.pools.items() if name == pool.name]
    held = ("capacity_reservation", "capacity_block")
    zones = [
        zone
        for p in here
        for zone in (p.zone_ids[:1] if p is pool or p.purchase in held else p.zone_ids)
    ]
    return f" and zone_ids: [{', '.join(zones)}], its zone"


def unpriced(s: Situation, kind: str, region: str, purchase: str) -> bool:
    """Whether the Region sells Capacity Blocks of the type and has no price for the purchase."""
    if region not in s.catalog.places.capacity_block_regions(kind):
        return False
    if purchase == "spot":
        known, price = s.catalog.prices.known(region, "spot"), s.catalog.prices.spot(kind, region)
    else:
        known = s.catalog.prices.known(region, "on_demand")
        price = s.catalog.prices.on_demand(kind, region)
    return known and price is None


def other_port(work: RegionalWorkload, at: str, old: int, *taken: int) -> str:
    """`port: 8080`: the ports at that path with a free one in place of the old one."""
    used = {*taken, *(port for _, port in opened(work))}
    new = next(p for p in range(8080, choices.LOCK_PORT_BASE) if p not in used)
    if at.endswith(".port"):
        return f"port: {new}"
    return f"ports: {[new if p == old else p for p in work.spec.ports]}"


def size_path(s: Situation, pool: RegionalPool) -> str:
    """The path of the pool's size in its Region."""
    override = s.pool_regions(pool.name)[pool.region]
    region = f".regions.{pool.region}" if override.max_size is not None else ""
    return f"{pool.path}{region}.max_size"


def accepting(s: Situation, pool: str) -> str:
    """` and write regions.af-south-1.accept_undocumented_ami: true`: what a Neuron pool with
    kind: auto_scaling needs in its Regions; empty if all have a documented AMI."""
    return "".join(
        f" and write regions.{region}.accept_undocumented_ami: true"
        for region in _undocumented(s, pool)
    )


def _undocumented(s: Situation, pool: str) -> list[str]:
    """The Regions of the pool without a documented AMI that do not accept it."""
    return [
        region
        for region in s.pool_regions(pool)
        if region in s.regions
        and s.catalog.places.regions[region].neuron_ami != "documented"
        and not s.regions[region].accept_undocumented_ami
    ]


def as_group(s: Situation, pool: str, or_else: str = "") -> str:
    """`use kind: auto_scaling`, with what it needs in the Regions of a Managed Instances pool.

    `or_else` if the pool has reservations, which are of another kind, or several workloads, whose
    other settings may be of Managed Instances alone.
    """
    here = [p for (_, name), p in s.pools.items() if name == pool]
    works = {w.path for p in here for w in s.work_on(p)}
    if len(works) > 1 or any(p.reservation or p.purchase == "reserved" for p in here):
        return or_else
    neuron, of_type = any(p.neuron for p in here), ""
    if s.types_named(pool) != tuple(getattr(s.settings.capacity[pool], ALLOWED, ())):
        holders = (*here, *(w for p in here for w in s.work_on(p)))
        named = [{t.name for t in holder.types} for holder in holders]
        common = (t.name for p in here[:1] for t in p.types)
        fitting = [name for name in common if all(name in names for names in named)]
        if not fitting:
            return or_else
        of_type = f" with instance_type: {fitting[0]}"
    return f"use kind: auto_scaling{of_type}" + (accepting(s, pool) if neuron else "")
