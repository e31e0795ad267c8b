"""Pools of every kind, and the layouts of tasks that they hold for certain."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from catalog import InstanceType
from tests.wishes import facts
from tests.wishes.drawing import Hand
from tests.wishes.tasks import Entry, overrides

NEURON, CPU, MANAGED_NEURON, MANAGED_CPU = "neuron", "cpu", "managed_neuron", "managed_cpu"
SORTS = (NEURON, MANAGED_NEURON, CPU, MANAGED_CPU)
REGIONS = ("us-west-2", "us-east-1", "us-east-2", "eu-west-1", "ap-south-1")


def anything(_: InstanceType) -> bool:
    """For a wish that any type does."""
    return True


@dataclass(frozen=True, repr=False)
class Want:
    """What the first pool of a stack must be, and one model or job on it; empty: anything.

    `alone` keeps other models and jobs from the pool. `mode` is the network mode of the workload,
    `devices` how it names its devices, `types` a test on the pool's types.
    """

    sorts: tuple[str, ...] = SORTS
    types: Callable[[InstanceType], bool] = anything
    exact: bool | None = None  # Managed Instances of exactly one type
    purchases: tuple[str, ...] | None = None
    overridden: bool = True  # whether a Region may differ
    regions: int = 1  # at least so many
    single: bool = False  # one Region
    where: tuple[str, ...] = ()  # Regions; empty: no matter
    far: str = ""  # a partition of whose Regions little is known
    lone_pool: bool = False  # no other pool
    networks: tuple[str, ...] = ("own", "existing")
    nat: tuple[str, ...] = ("one", "per_zone", "none")
    efa: bool | None = None
    ami: bool | None = None  # whether the machine image is chosen
    work: tuple[str, ...] = ()  # models, jobs; empty: no matter
    devices: tuple[str, ...] = ("count", "ids", "all", "none")
    modes: tuple[str, ...] = ("bridge", "host", "awsvpc")
    port: bool | None = None
    alone: bool = False
    bare: bool = False  # the workload has no field that it can do without
    tasks: int = 1  # at least so many


@dataclass
class Pool:
    """A pool while it is drawn."""

    name: str
    sort: str
    entry: Entry
    kinds: tuple[InstanceType, ...]
    regions: tuple[str, ...]
    purchases: dict[str, str]
    works: list["Work"] = field(default_factory=list["Work"])
    ports: set[int] = field(default_factory=set[int])
    needed: int = 0  # instances that hold all its tasks

    @property
    def managed(self) -> bool:
        return self.sort in (MANAGED_NEURON, MANAGED_CPU)

    @property
    def neuron(self) -> bool:
        return self.sort in (NEURON, MANAGED_NEURON)

    @property
    def efa(self) -> bool:
        return bool(self.entry.get("efa"))

    @property
    def kind(self) -> InstanceType:
        """The smallest type."""
        return min(self.kinds, key=lambda k: (k.memory_mib, k.vcpus, k.name))

    @property
    def held(self) -> bool:
        """Whether the driver of its instances does not move with the newest machine image."""
        ami = self.entry.get("ami", {})
        return bool(ami.get("family", "al2023") == "al2" or "version" in ami)

    @property
    def room(self) -> tuple[int, int]:
        """What an instance of the largest type has for tasks; ECS chooses a type that fits."""
        rooms = [facts.room(k) for k in self.kinds if self.everywhere(k)] or [facts.room(self.kind)]
        return max(rooms, key=lambda room: room[::-1])

    def everywhere(self, kind: InstanceType) -> bool:
        """Whether every Region of the pool offers the type."""
        return all(facts.offering(kind.name, region) for region in self.regions)

    def zones(self, region: str) -> tuple[str, ...]:
        """The zones of the Region in which its instances can be."""
        wanted = self.entry.get("zone_ids")
        found = {z for kind in self.kinds for z in facts.offering(kind.name, region)}
        return tuple(sorted(z for z in found if not wanted or z in wanted))


@dataclass
class Work:
    """A model or job while it is drawn."""

    group: str
    name: str
    entry: Entry
    pool: Pool
    devices: int
    ids: tuple[int, ...] | None
    least: int
    most: int  # 0 for a job
    spot: frozenset[int] = frozenset()  # devices of its slot, where it has one

    def host_ports(self, mode: str) -> frozenset[int]:
        """The ports of its instance that a task reserves in that mode."""
        found = [c["port"] for c in (self.entry, *sidecars(self.entry)) if "port" in c]
        return frozenset([*found, *self.entry.get("ports", ())] if mode == "host" else ())


def sidecars(entry: Entry) -> list[Entry]:
    """The sidecars of a model or job."""
    return list(entry.get("sidecars", {}).values())


# -- pools -----------------------------------------------------------------------------------------


def candidates(sort: str, want: Want) -> list[tuple[str, ...]]:
    """The types or patterns that a pool of the sort can have."""
    match sort:
        case "neuron":
            found = [(name,) for name in facts.neuron_types()]
        case "cpu":
            found = [(name,) for name in facts.CPU_TYPES]
        case "managed_neuron":
            single = [(n,) for n in facts.neuron_types() if facts.managed(facts.kind_of(n)) != "no"]
            found = single if want.exact else [*single, *facts.NEURON_PATTERNS]
            found = found if want.exact is not False else list(facts.NEURON_PATTERNS)
        case _:
            found = list(facts.CPU_PATTERNS)
    return [
        names
        for names in found
        if all(want.types(facts.kind_of(n)) for n in facts.admitted(names))
        and _homes(sort, names, want)
        and _sold(sort, names, want)
    ]


def _sold(sort: str, names: tuple[str, ...], want: Want) -> bool:
    """Whether the types are sold in one of the ways wanted."""
    kinds = tuple(facts.kind_of(t) for t in facts.admitted(names))
    return not want.purchases or bool(set(purchases(sort, kinds)) & set(want.purchases))


def _homes(sort: str, names: tuple[str, ...], want: Want) -> tuple[str, ...]:
    """The Regions where a pool of these types can be."""
    types = facts.admitted(names)
    found = {r for t in types for r in facts.regions_of(t)}
    if want.purchases == ("capacity_block",):
        found = set(facts.block_regions(types[0])) if sort == NEURON else set[str]()
    homes = [r for r in facts.captured() if r in found and (not want.where or r in want.where)]
    return tuple(homes) if len(homes) >= want.regions else ()


def purchases(sort: str, kinds: tuple[InstanceType, ...]) -> list[str]:
    """The ways in which the types are sold."""
    if sort in (MANAGED_NEURON, MANAGED_CPU):
        classes = {c for k in kinds for c in k.usage_classes}
        ways = [w for w in ("on_demand", "spot") if facts.PURCHASES[w] in classes]
        return [*ways, "reserved"]
    classes = set(kinds[0].usage_classes)
    return [w for w, needed in facts.PURCHASES.items() if needed in classes]


def first_pool(hand: Hand, want: Want, name: str, regions: tuple[str, ...] = ()) -> Pool | None:
    """A pool as wanted, in Regions of its own choice or among those given."""
    sorts = [s for s in want.sorts if candidates(s, want)]
    sort = hand.one(sorts)
    fitting = [
        c
        for c in candidates(sort, want)
        if not regions or set(_homes(sort, c, want)) & set(regions)
    ]
    if not fitting:
        return None
    names = hand.one(fitting)
    homes = _homes(sort, names, want)
    if regions:
        homes = tuple(r for r in regions if r in homes)
    else:
        homes = tuple(sorted(homes, key=lambda r: (r not in REGIONS, r)))
    least = 1 if regions else want.regions
    most = 1 if want.single else max(least, 3)
    chosen = tuple(sorted(hand.some(homes, least=least, most=most)))
    return make_pool(hand, want, name, sort, names, chosen)


def make_pool(
    hand: Hand,
    want: Want,
    name: str,
    sort: str,
    names: tuple[str, ...],
    regions: tuple[str, ...],
) -> Pool:
    """A pool of that sort in these Regions, without sizes, zones and networks."""
    kinds = tuple(
        facts.kind_of(t)
        for t in facts.admitted(names)
        if any(facts.offering(t, r) for r in regions)
    )
    entry: Entry
    if sort in (NEURON, CPU):
        entry = {"kind": "auto_scaling", "instance_type": names[0]}
    else:
        entry = {"kind": "managed_instances", **_choice(hand, names)}
    ways = [w for w in purchases(sort, kinds) if not want.purchases or w in want.purchases]
    if not set(regions) <= set(facts.block_regions(kinds[0].name)):
        ways = [w for w in ways if w != "capacity_block"]
    purchase = hand.one(ways)
    if purchase != "on_demand" or hand.chance(10):
        entry["purchase"] = purchase
    pool = Pool(name, sort, entry, kinds, regions, dict.fromkeys(regions, purchase))
    if sort in (NEURON, CPU):
        _of_auto_scaling(hand, want, pool)
    else:
        _of_managed_instances(hand, pool)
        if not want.purchases and hand.chance(20):
            entry["on_demand_fallback"] = True
    return pool


def _choice(hand: Hand, names: tuple[str, ...]) -> Entry:
    """The types by name, by the accelerators that they have, or by both."""
    chips = [chip for n in names if (chip := facts.ACCELERATORS.get(n))]
    by_name: Entry = {"allowed_instance_types": list(names)}
    if len(chips) < len(names) or hand.chance(50):
        return by_name
    found = {**by_name, "accelerators": chips} if hand.chance(30) else {"accelerators": chips}
    if hand.chance(30):
        found["accelerator_manufacturers"] = ["amazon-web-services"]
    return found


def written_types(pool: Pool) -> list[str]:
    """The types and patterns of a pool, which no longer names accelerators."""
    chips = pool.entry.pop("accelerators", ())
    pool.entry.pop("accelerator_manufacturers", None)
    patterns = [name for name, chip in facts.ACCELERATORS.items() if chip in chips]
    found: list[str] = pool.entry.setdefault("allowed_instance_types", patterns)
    return found


def _of_auto_scaling(hand: Hand, want: Want, pool: Pool) -> None:
    entry, kind = pool.entry, pool.kind
    possible = kind.neuron is not None and kind.neuron.efa_interfaces > 0
    if possible and want.efa is not False and (want.efa or hand.chance(25)):
        entry["efa"] = True
    if hand.chance(10):
        entry["session_manager"] = True
    if want.ami is not False and (want.ami or hand.chance(25)):
        family = hand.one(("al2023", "al2"))
        versions = [
            v.image_name
            for v in facts.ami_versions(family, pool.neuron, kind.architecture)
            if v.regions is None or set(pool.regions) <= v.regions
        ]
        ami = {"family": family} if family == "al2" or hand.chance(50) else {}
        if versions and (want.ami or hand.chance(60)):
            ami["version"] = hand.one(versions[::-1])
        elif hand.chance(20):
            ami["version"] = "recommended"
        if ami:
            entry["ami"] = ami


def _of_managed_instances(hand: Hand, pool: Pool) -> None:
    entry, limit = pool.entry, facts.catalog().limits.value
    stored = all(k.neuron and k.neuron.local_storage_gb for k in pool.kinds)
    if stored and hand.chance(30):
        entry["local_storage"] = True
    if hand.chance(30):
        most = limit("managed_instances_scale_in_after_max_seconds")
        entry["scale_in_after_seconds"] = hand.one((300, -1, 0, most))


def regional(hand: Hand, pool: Pool, stack: tuple[str, ...], *, differs: bool) -> None:
    """Regions in one of their forms, with what differs there, and every reservation."""
    entry = pool.entry
    differing: Entry = {r: {} for r in pool.regions}
    form = hand.one(("list", "map") if set(pool.regions) < set(stack) else ("none", "list", "map"))
    if form == "map" and differs:
        ways = purchases(pool.sort, pool.kinds)
        for region in hand.some(pool.regions):
            selling = region in facts.block_regions(pool.kind.name)
            here = [w for w in ways if w != "capacity_block" or selling]
            here += ["capacity_block"] * (2 * here.count("capacity_block"))
            differing[region]["purchase"] = pool.purchases[region] = hand.one(here)
    field, single = (
        ("reservation_group_arns", "reservation_group_arn")
        if pool.managed
        else ("reservation_ids", "reservation_id")
    )
    for region in pool.regions:
        falls = pool.managed and entry.get("on_demand_fallback")
        if pool.purchases[region] not in facts.RESERVED or falls:
            continue
        alone = form == "map" or len(pool.regions) == 1
        if pool.purchases[region] == "capacity_block" and alone and hand.chance(50):
            holder = differing[region] if form == "map" else entry
            holder["blocks"] = hours(hand, pool, region)
            continue
        value = reservation(pool, region)
        if form == "map" and hand.chance(50):
            differing[region][single] = value
        else:
            entry.setdefault(field, {})[region] = value
    if form == "list":
        entry["regions"] = list(pool.regions)
    elif form == "map":
        entry["regions"] = differing


def hours(hand: Hand, pool: Pool, region: str) -> list[Entry]:
    """The Capacity Block of the pool in the Region, and now and then the next one, in any order."""
    first = reservation(pool, region)
    found = [
        {"id": first, "start": "2026-12-01T11:30:00Z", "end": "2026-12-02T11:30:00Z"},
        {"id": f"{first}b", "start": "2026-12-02T12:30:00+01:00", "end": "2026-12-09T11:30Z"},
    ]
    return found[: 1 + hand.chance(30)][:: -1 if hand.chance(50) else 1]


def reservation(pool: Pool, region: str) -> str:
    """The reservation of the pool in the Region."""
    if pool.managed:
        return facts.arn(region, "resource-groups", f"group/{pool.name}")
    digest = hashlib.sha256(f"{pool.name} {region}".encode()).hexdigest()
    return f"cr-{digest[:17]}"


def some_zones(hand: Hand, pool: Pool) -> None:
    """Now and then only some of the zones that offer the type, in each Region."""
    if all(facts.offering(pool.kind.name, r) for r in pool.regions) and hand.chance(20):
        offered = [facts.offering(pool.kind.name, r) for r in pool.regions]
        pool.entry["zone_ids"] = [z for zones in offered for z in hand.some(zones, least=1)]


def sizes(hand: Hand, pool: Pool, *, exactly: bool = False) -> None:
    """Sizes with which the pool holds its tasks, mostly no more than that; volumes."""
    entry = pool.entry
    if pool.managed:
        limit = facts.catalog().limits.value
        if not entry.get("local_storage") and hand.chance(30):
            low = max(limit("managed_instances_storage_gib_min"), volume(pool))
            entry["storage_gib"] = hand.number(low, limit("managed_instances_storage_gib_max"))
        return
    least = max(1, pool.needed)
    most = least if exactly or hand.chance(60) else hand.number(least, least + 4)
    if "capacity_block" in pool.purchases.values():
        most = min(most, facts.catalog().limits.value("capacity_block_instances_max"))
    entry["max_size"] = most
    differing = overrides(entry)
    for region in hand.some(pool.regions) if differing else ():
        differing[region]["max_size"] = hand.number(least, most)
    smallest = min([most, *(o.get("max_size", most) for o in differing.values())])
    if hand.chance(20):
        entry["min_size"] = hand.number(0, smallest)
    if hand.chance(10):
        entry["on_demand_fallback"] = hand.chance(50)
    if smallest > 1 and hand.chance(20):
        entry["headroom"] = hand.number(0, 1)
    if hand.chance(25):
        entry["root_volume_gib"] = hand.number(volume(pool), 16_384)


def volume(pool: Pool) -> int:
    """GiB for the host and every image of the pool."""
    images = {w.entry.get("image", "") for w in pool.works}
    images |= {c["image"] for w in pool.works for c in w.entry.get("sidecars", {}).values()}
    limit = facts.catalog().limits.value
    return max(30, limit("host_system_gib") + limit("container_image_gib") * len(images))
