"""What the generator knows of AWS by itself: rows of the catalog, and arithmetic of its own.

The planner is never asked, here or in anything that draws: a generator that shared its arithmetic
would share its mistakes.
"""

import re
from datetime import date, timedelta
from functools import cache
from itertools import groupby

from catalog import AmiVersion, Catalog, InstanceType, Server, load

ACCOUNT = "111122223333"
WATCHING = f"{ACCOUNT}.dkr.ecr.{{region}}.amazonaws.com/watching:1"  # an image of daemons
LOCK_PORTS = 20_000  # device d is locked by host port 20000 + d
RESERVED_PORTS = (22, 2375, 2376, 51678, 51679, 51680)
EPHEMERAL = 32_768
WARNINGS = ("NE212", "NE218", "NE304", "NE315", "NE401", "NE403", "NE404", "NE501", "NE502")
PURCHASES = {
    "on_demand": "on-demand",
    "spot": "spot",
    "capacity_reservation": "on-demand",
    "capacity_block": "capacity-block",
}
RESERVED = ("capacity_reservation", "capacity_block", "reserved")
CPU_TYPES = ("c7g.xlarge", "c7i.2xlarge", "m5.large", "m7i.4xlarge", "r6g.large", "t3.xlarge")
CPU_PATTERNS = (("c7g.xlarge",), ("m7i.2xlarge", "m7i.4xlarge"), ("c7i.*xlarge",), ("r6g.large",))
NEURON_PATTERNS = (
    ("inf2.*",),
    ("inf2.*xlarge",),
    ("trn1.*",),
    ("inf2.xlarge", "inf2.8xlarge"),
    ("inf2.8xlarge", "trn1.2xlarge"),
    ("inf2.24xlarge", "inf2.48xlarge"),
    ("trn1.2xlarge", "trn1.32xlarge"),
    ("inf2.*", "trn1.*"),
    ("trn2*",),
)
ACCELERATORS = {"inf2.*": "inferentia2", "trn1.*": "trainium", "trn2*": "trainium2"}
"""The accelerators whose types are those of a pattern."""


def catalog() -> Catalog:
    """The shipped tables."""
    return load()


def kind_of(name: str) -> InstanceType:
    """The type of that name, which exists."""
    return catalog().instances.types[name]


def devices_of(kind: InstanceType) -> int:
    """Neuron devices of the type, 0 without."""
    return kind.neuron.devices if kind.neuron else 0


def cores_of(kind: InstanceType) -> int:
    """Cores that a process sees on one device."""
    return kind.neuron.logical_cores_per_device if kind.neuron else 0


@cache
def neuron_types() -> tuple[str, ...]:
    """The types with Neuron devices."""
    return tuple(catalog().instances.neuron_types)


@cache
def admitted(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The types whose names a list of patterns admits."""
    found: set[str] = set()
    for pattern in patterns:
        expression = re.compile(".*".join(re.escape(p) for p in pattern.split("*")))
        found |= {name for name in catalog().instances.types if expression.fullmatch(name)}
    return tuple(sorted(found))


def room(kind: InstanceType) -> tuple[int, int]:
    """CPU units and MiB that tasks can have on an instance together: all that it registers."""
    return kind.vcpus * 1024, catalog().instances.registered_memory.get(kind.name, kind.memory_mib)


def estimate(kind: InstanceType) -> int:
    """MiB that the planner counts on where no reading is recorded."""
    limit = catalog().limits.value
    taken = kind.memory_mib * limit("host_memory_percent") // 100 + limit("host_memory_fixed_mib")
    return kind.memory_mib - taken


def share(kind: InstanceType, devices: int, others: tuple[int, int]) -> tuple[int, int]:
    """CPU units and MiB that go with so many of the type's devices beside tasks without any."""
    cpu = kind.vcpus * 1024 - catalog().limits.value("host_cpu_units") - others[0]
    memory = estimate(kind) - others[1]
    if devices_of(kind):
        cpu, memory = cpu - 512, memory - 832  # of the daemons that watch the chips
    return cpu * devices // devices_of(kind), memory * devices // devices_of(kind)


def sets(kind: InstanceType) -> tuple[tuple[int, int], ...]:
    """Legal device sets as (first device, number of devices)."""
    return catalog().neuron.device_sets(kind.name)


def sizes(kind: InstanceType) -> tuple[int, ...]:
    """Legal numbers of devices."""
    return tuple(sorted({size for _, size in sets(kind)}))


# -- Regions and zones -----------------------------------------------------------------------------


def partition(region: str) -> str:
    """`aws`, `aws-cn` or `aws-us-gov`."""
    return catalog().places.regions[region].partition


def arn(region: str, service: str, tail: str) -> str:
    """The ARN of something in a Region."""
    return f"arn:{partition(region)}:{service}:{region}:{ACCOUNT}:{tail}"


def certificate(region: str) -> str:
    """The ARN of a certificate."""
    return arn(region, "acm", "certificate/0a1b")


@cache
def captured() -> tuple[str, ...]:
    """The Regions whose offerings are known."""
    known = catalog()
    return tuple(r for r in known.places.regions if known.places.offerings_known(r))


@cache
def not_captured(home: str) -> tuple[str, ...]:
    """The Regions of a partition of which only the name is known."""
    return tuple(
        r for r in catalog().places.regions if partition(r) == home and r not in captured()
    )


@cache
def zones(region: str) -> tuple[str, ...]:
    """The zone ids of a Region; three by the rule of AWS where they are not known."""
    short = catalog().places.regions[region].short
    known = tuple(
        z for z in catalog().places.zone_ids(region) if re.fullmatch(rf"{short}-az[1-7]", z)
    )
    return known or tuple(f"{short}-az{n}" for n in (1, 2, 3))


def offering(kind: str, region: str) -> tuple[str, ...]:
    """The zones of the Region that offer the type; all where that is not known."""
    if region not in captured():
        return zones(region)
    return tuple(z for z in catalog().places.zones_offering(kind, region) if z in zones(region))


@cache
def regions_of(kind: str) -> tuple[str, ...]:
    """The Regions known to offer the type."""
    return tuple(r for r in captured() if offering(kind, r))


@cache
def lacking(kind: str, *, newer: bool) -> tuple[str, ...]:
    """The captured Regions without the type, where it is newer than all types of its series or not.

    Without Regions that sell Capacity Blocks of it.
    """
    series, number = _generation(kind)
    blocks = catalog().places.capacity_block_regions(kind)
    found: list[str] = []
    for region in captured():
        here = [_generation(t) for t in catalog().places.types_offered(region)]
        known = max((n for s, n in here if s == series), default=0)
        if region not in (*regions_of(kind), *blocks) and (number > known) == newer:
            found.append(region)
    return tuple(found)


def _generation(kind: str) -> tuple[str, int]:
    found = re.match(r"([a-z-]*)(\d*)", kind)
    assert found
    return found[1], int(found[2] or 0)


def block_regions(kind: str) -> tuple[str, ...]:
    """The Regions that offer the type and sell Capacity Blocks of it."""
    selling = catalog().places.capacity_block_regions(kind)
    return tuple(r for r in regions_of(kind) if r in selling)


def documented(region: str) -> bool:
    """Whether AWS documents the Neuron AMI for the Region."""
    return catalog().places.regions[region].neuron_ami == "documented"


def managed_here(region: str) -> bool:
    """Whether the Region has Managed Instances."""
    return catalog().places.regions[region].managed_instances


def managed(kind: InstanceType) -> str:
    """Whether Managed Instances take the type: yes, no or unverified."""
    return kind.neuron.managed_instances if kind.neuron else "yes"


# -- images ----------------------------------------------------------------------------------------


@cache
def ami_versions(family: str, neuron: bool, architecture: str) -> tuple[AmiVersion, ...]:
    """The machine images that a pool can stay on, oldest first."""
    found = catalog().amis.family(family, neuron=neuron, architecture=architecture)
    return catalog().amis.versions(found.parameter_path) if found else ()


@cache
def newest_images(families: tuple[str, ...]) -> tuple[str, ...]:
    """The newest of each published image that runs on all these families."""
    rows = catalog().containers.images
    fitting = [r for r in rows if set(families) <= set(r.families) and not r.ended]
    return tuple(dict.fromkeys(r.newest for r in fitting))


@cache
def server_of(image: str) -> Server | None:
    """The server inside one of the newest published images."""
    known = catalog()
    found = [row.server for row in known.containers.images if row.newest == image]
    return known.containers.servers.get(found[0]) if found else None


def sdk_of(image: str) -> tuple[int, ...] | None:
    """The Neuron SDK in an image's tag, (2, 28, 0)."""
    found = re.search(r"sdk(\d+)\.(\d+)\.(\d+)", image)
    return tuple(int(part) for part in found.groups()) if found else None


def driver_at(day: date) -> tuple[int, ...]:
    """The Neuron driver of a machine image of that day."""
    for held in catalog().amis.pinned_drivers:
        if held.first <= day < held.until:
            return _numbers(held.driver)
    released = [sdk for sdk in catalog().neuron.sdks.values() if sdk.date <= day]
    return _numbers(max(released, key=lambda sdk: sdk.date).driver) if released else ()


def at_odds(day: date, sdk: tuple[int, ...]) -> bool:
    """Whether no driver that a machine image of that day can have works with the SDK."""
    margin = timedelta(days=catalog().limits.value("ami_driver_margin_days"))
    return all(
        any(
            c.driver_from <= driver < c.driver_until and c.sdk_from <= sdk < c.sdk_until
            for c in catalog().neuron.driver_conflicts
        )
        for driver in (driver_at(day), driver_at(day - margin))
    )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


def families(kinds: tuple[InstanceType, ...]) -> tuple[str, ...]:
    """The Neuron families among the types."""
    found = sorted({k.neuron.family for k in kinds if k.neuron})
    return tuple(name for name, _ in groupby(found))
