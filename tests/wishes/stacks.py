"""Random stack files that are valid: by the tables and by arithmetic of their own.

The planner is never asked.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.errors import StopTest
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.wishes import facts, networks, shapes, tasks
from tests.wishes.drawing import Hand, Names
from tests.wishes.layouts import Seat, seats
from tests.wishes.pools import (
    NEURON,
    Pool,
    Want,
    Work,
    first_pool,
    regional,
    sidecars,
    sizes,
    some_zones,
)
from tests.wishes.tasks import Entry, Scene

ANY = Want()
SMALL = 128, 1024  # CPU units and MiB of a task without devices on a pool of chips
COUNTS: Counter[str] = Counter()
"""Draws that were begun, that gave a stack, and that hypothesis cut short to try small ones."""


@dataclass(repr=False)
class Wish:
    """A stack file, and the pool and workload at its centre."""

    home: str
    keys: Entry
    pools: list[Pool]
    marks: set[str] = field(default_factory=set[str])

    @property
    def pool(self) -> Pool:
        """The pool that was wanted."""
        return self.pools[0]

    @property
    def work(self) -> Work:
        """The model or job that was wanted."""
        return self.pool.works[0]

    @property
    def entry(self) -> Entry:
        """The entry of that model or job."""
        return self.work.entry

    @property
    def path(self) -> str:
        """Where it stands: `models.m`."""
        return f"{self.work.group}.{self.work.name}"

    @property
    def region(self) -> str:
        """The first Region in which that workload runs."""
        return work_regions(self.work)[0]

    def network(self, region: str) -> Entry:
        """The network of a Region, written out."""
        return self.keys["regions"][region].setdefault("network", {})


def work_regions(work: Work) -> tuple[str, ...]:
    """The Regions in which a workload runs."""
    written = work.entry.get("regions")
    return tuple(sorted(written)) if written else work.pool.regions


def stacks(want: Want = ANY) -> SearchStrategy[Wish]:
    """Valid stack files whose first pool and its first workload are as wanted."""
    return _stacks(want)


@st.composite
def _stacks(draw: DrawFn, want: Want) -> Wish:
    COUNTS["begun"] += 1
    try:
        wish = _stack(Hand(draw), want)
    except StopTest:
        COUNTS["cut short"] += 1
        raise
    COUNTS["drawn"] += 1
    return wish


def _stack(hand: Hand, want: Want) -> Wish:
    names = Names(hand)
    elsewhere = bool(want.far) or (want is ANY and hand.chance(8))
    pools = networks.far_pools(hand, names, want) if elsewhere else _pools(hand, want, names)
    regions = {r for pool in pools for r in pool.regions}
    if not elsewhere and not want.single and hand.chance(15):
        regions.add(hand.one(facts.captured()))
    stack = tuple(sorted(regions))
    plans = {r: networks.begun(hand, want, r, far=elsewhere) for r in stack}
    keys: Entry = {"capacity": {}, "models": {}, "jobs": {}}
    wish = Wish(hand.one(stack), keys, pools)
    for index, pool in enumerate(pools):
        mine = want if index == 0 else ANY
        regional(hand, pool, stack, differs=mine.overridden)
        if not elsewhere:
            some_zones(hand, pool)
        _works(hand, wish, pool, mine, plans, names)
        sizes(hand, pool)
        if not pool.works and hand.chance(30):
            pool.entry["retired"] = True
        keys["capacity"][pool.name] = pool.entry
    _moved(hand, wish, names)
    serving = {
        r
        for p in pools
        for w in p.works
        if w.group == "models" and _called(w.entry)
        for r in work_regions(w)
    }
    keys["regions"] = networks.finished(hand, pools, plans, serving)
    _around(hand, wish, want, serving)
    _volumes(hand, wish)
    for model in keys["models"].values():
        if (name := model.get("serve", {}).get("model", "")).startswith(tasks.TUNED):
            like = tasks.SMALL_MODELS[name.removeprefix(tasks.TUNED)[:-1]]
            keys.setdefault("shapes", {})[name] = {"like": like}
    for group in ("models", "jobs"):
        if not keys[group] and hand.chance(90):
            del keys[group]
    return wish


def _pools(hand: Hand, want: Want, names: Names) -> list[Pool]:
    """The wanted pool, and up to two others in its Regions."""
    first = first_pool(hand, want, names.new())
    assert first is not None, "no type is as wanted"
    found = [first]
    for _ in range(0 if want.lone_pool else hand.index(3)):
        other = first_pool(hand, ANY, names.new(), first.regions)
        if other is not None:
            found.append(other)
    return found


# -- models and jobs -------------------------------------------------------------------------------


def _works(
    hand: Hand,
    wish: Wish,
    pool: Pool,
    want: Want,
    plans: dict[str, networks.Network],
    names: Names,
) -> None:
    places = seats(hand, pool, want)
    small = sum(seat.written == 0 for seat in places)
    others = small * SMALL[0], small * SMALL[1]
    held: list[tuple[frozenset[int], frozenset[int], int]] = []
    room = pool.room
    for index, seat in enumerate(places):
        mine = want if index == 0 else ANY
        name = names.new()
        mode, written = _mode(hand, pool, seat, mine)
        here = _regions(hand, pool, seat, mine)
        regions = tuple(sorted(here)) if here else pool.regions
        scene = _scene(pool, seat, mode, regions, plans, others, alone=len(places) == 1)
        scene.marks = wish.marks
        entry = tasks.bare(hand, scene) if mine.bare else tasks.workload(hand, scene, names)
        entry["capacity"] = pool.name
        if seat.written is not None:
            entry["neuron_devices"] = seat.written
        if written:
            entry["network_mode"] = mode
        if here is not None:
            entry["regions"] = here
        if seat.replicas != {}:
            entry["replicas"] = seat.replicas
        if mine.port or (mine.port is None and hand.chance(60 if seat.most else 20)):
            tasks.ports(hand, scene, entry)
        if seat.group == "models" and _called(entry):
            tasks.checked(entry)
            if hand.chance(10):
                entry["discovery"] = "cloud_map"
            if {"port", "ports"} & entry.keys() and hand.chance(20):
                entry["paths"] = hand.some(tasks.PATHS, least=1)
        if seat.group == "jobs" and not mine.bare and hand.chance(50):
            entry["schedule"] = tasks.schedule(hand)
        if seat.group == "jobs" and hand.chance(20):
            entry |= hand.one(({"timeout_minutes": 90}, {"attempts": 3}))
        if seat.group == "models" and len(places) == 1 and mine is ANY and hand.chance(70):
            tasks.serves(hand, scene, entry)
        reported = tasks.AGENT in entry.get("sidecars", {})
        if seat.group == "models" and not mine.bare and hand.chance(90 if reported else 30):
            entry["scaling"] = tasks.scaling(hand, entry, seat.least, seat.most)
        if seat.group == "models" and not mine.bare and tasks.reports(entry):
            if hand.chance(40):
                entry["server_metrics"] = True
        if "image" in entry:
            tasks.served(hand, scene, entry)
        sizes_ = seat.devices, seat.ids, seat.least, seat.most
        work = Work(seat.group, name, entry, pool, *sizes_, seat.spot)
        pool.works.append(work)
        wish.keys[seat.group][name] = entry
        if not pool.neuron and not pool.managed:
            pool.needed += _instances(work, mode, room)
        held.append((seat.spot, work.host_ports(mode), max(1, work.most)))
    if pool.sort == NEURON and pool.works:
        others_most = sum(w.most for w in pool.works if not w.devices)
        pool.needed = _on_slots(pool, held) + others_most  # whatever room the slots leave


def _on_slots(pool: Pool, held: list[tuple[frozenset[int], frozenset[int], int]]) -> int:
    """Instances on which each task finds one without another of its devices or host ports."""
    models = [h for w, h in zip(pool.works, held, strict=True) if w.group == "models"]
    needed = max(
        (sum(n for d, p, n in models if d & devices or p & ports) for devices, ports, _ in models),
        default=0,
    )
    if len(models) == len(held):
        return needed
    return max(needed, min(needed, sum(w.least for w in pool.works)) + 1)


def _mode(hand: Hand, pool: Pool, seat: Seat, want: Want) -> tuple[str, bool]:
    """The network mode of the tasks, and whether it is written."""
    if pool.managed:
        named = seat.written not in (None, 0, "all")
        allowed = ("host",) if named else ("awsvpc", "host")
    elif pool.efa and seat.written != 0:
        allowed = ("host", "awsvpc")
    else:
        allowed = ("bridge", "host", "awsvpc")
    default = allowed[0]
    allowed = tuple(m for m in allowed if m in want.modes and (m != "awsvpc" or seat.apart))
    chosen = hand.one(allowed) if default not in allowed or hand.chance(30) else default
    return chosen, chosen != default or hand.chance(20)


def _regions(hand: Hand, pool: Pool, seat: Seat, want: Want) -> Any:
    """Regions of the workload in one of their forms, None for those of the pool."""
    if want.regions > 1 or want.bare or not hand.chance(40):
        return None
    chosen = sorted(hand.some(pool.regions, least=1))
    if hand.chance(50):
        return chosen
    overrides: Entry = {r: {} for r in chosen}
    for region in hand.some(chosen):
        if seat.most:
            most = hand.number(1, seat.most)
            overrides[region]["replicas"] = {"min": hand.number(0, min(most, seat.least))}
            overrides[region]["replicas"]["max"] = most
    return overrides


def _scene(
    pool: Pool,
    seat: Seat,
    mode: str,
    regions: tuple[str, ...],
    plans: dict[str, networks.Network],
    others: tuple[int, int],
    *,
    alone: bool,
) -> Scene:
    share = facts.share(pool.kind, seat.devices, others) if seat.devices else None
    room = SMALL if seat.written == 0 else pool.room
    if share and seat.written == "all":
        share = min(share[0], room[0]), min(share[1], room[1])
    return Scene(
        partition=facts.partition(regions[0]),
        regions=regions,
        shut=any(plans[r].shut for r in regions),
        managed=pool.managed,
        families=facts.families(pool.kinds) if seat.written != 0 else (),
        held=pool.held,
        mode=mode,
        room=room if alone or share is None else share,
        share=share,
        cores=facts.cores_of(pool.kind) * seat.devices,
        grouped=(pool.kind.neuron.cores_per_device // facts.cores_of(pool.kind))
        if pool.kind.neuron
        else 1,
        ids=seat.ids,
        taken=pool.ports,
        locks=0
        if pool.managed and seat.written == "all"
        else max(facts.devices_of(kind) for kind in pool.kinds),
    )


def _called(entry: Entry) -> bool:
    """Whether a container of a model takes requests."""
    own = {"port", "ports", "serve"} & entry.keys()
    return bool(own) or any("port" in sidecar for sidecar in sidecars(entry))


def _instances(work: Work, mode: str, room: tuple[int, int]) -> int:
    """Instances for the tasks of a model without devices, if it had them for itself."""
    if not work.most:
        return 0
    each = min(room[0] // max(1, tasks.cpu_of(work.entry)), room[1] // work.entry["memory_mib"])
    if mode == "awsvpc" or work.host_ports(mode):
        each = 1
    return -(-work.most // each)


def _moved(hand: Hand, wish: Wish, names: Names) -> None:
    """Now and then a model runs on a pool of its own, of the same type, in one of its Regions."""
    for pool in list(wish.pools):
        work = pool.works[-1] if pool.works else None
        differing = tasks.overrides(work.entry) if work else {}
        if work is None or not differing or pool.sort != NEURON:
            continue
        if not hand.chance(90) or pool.held:
            continue
        region = hand.one(sorted(differing))
        if pool.purchases[region] in facts.RESERVED:
            continue
        name = names.new()
        kept = ("kind", "instance_type", "efa", "ami")
        entry: Entry = {k: v for k, v in pool.entry.items() if k in kept}
        entry |= {"regions": [region], "max_size": work.most + 1}
        twin = Pool(name, pool.sort, entry, pool.kinds, (region,), {region: "on_demand"})
        twin.needed = work.most + 1
        differing[region]["capacity"] = name
        wish.pools.append(twin)
        wish.keys["capacity"][name] = entry


_KEYS = (
    *("tags", "traffic", "silence", "wait", "security", "stage", "shapes"),
    *("alarms", "dashboards", "neuron_metrics"),
)

# -- around them -----------------------------------------------------------------------------------


def _around(hand: Hand, wish: Wish, want: Want, serving: set[str]) -> None:
    """Tags, traffic, what is not to be told."""
    keys, regions = wish.keys, sorted(wish.keys["regions"])
    for name in hand.some(_KEYS, most=4):
        match name:
            case "tags":
                keys["tags"] = _tags(hand)
            case "security":
                keys["security"] = {
                    name: value
                    for name, value in (
                        ("access_logs", "s3://logs-{region}/requests/"),
                        ("flow_logs", "s3://logs-{region}"),
                        ("deletion_protection", True),
                        ("exec_logs", True),
                        ("kms_keys", _keys(hand, regions)),
                        ("s3_accounts", hand.one(([], [facts.ACCOUNT]))),
                        ("web_acl_arns", {r: facts.arn(r, "wafv2", _WEB_ACL) for r in regions}),
                    )
                    if hand.chance(60)
                }
            case "dashboards":
                keys["dashboards"] = True
            case "neuron_metrics":
                _watch(hand, wish)
            case "alarms":
                keys["alarms"] = _alarms(hand, regions)
            case "shapes":
                keys["shapes"] = shapes.shapes(hand)
            case "stage":
                keys["stage"] = hand.one(("development", "production"))
            case "traffic":
                keys["traffic"] = networks.traffic(hand, regions, serving, sorted(keys["models"]))
                if want is ANY:  # weights would get in the way of what changes a model
                    keys["traffic"] |= _weights(hand, keys["models"])
                if not tasks.are_labels(keys["models"]):
                    keys["traffic"].pop("domain", None)
                if want is ANY and hand.chance(70):
                    networks.open_up(hand, keys)
            case "silence":
                keys["silence"] = dict.fromkeys(hand.some(facts.WARNINGS, least=1), "known")
            case _:
                keys["wait_for_steady_state"] = hand.chance(50)
    if want is ANY and hand.chance(60):  # lines would get in the way of what changes a model
        keys["layout"] = _layout(hand, wish)


def _watch(hand: Hand, wish: Wish) -> None:
    """Metrics of the chips, where no written size and no port needs what the daemon takes."""
    watched = [pool for pool in wish.pools if pool.sort == NEURON and not pool.managed]
    works = [work for pool in watched for work in pool.works]
    written = any({"memory_mib", "cpu_units"} & work.entry.keys() for work in works)
    if not watched or written:
        return
    fields = ("monitor_image", "agent_image")
    networks = [entry.get("network", {}) for entry in wish.keys["regions"].values()]
    shut = any(network.get("nat") == "none" for network in networks)
    given: Entry = {f: facts.WATCHING for f in fields if shut or hand.chance(50)}
    if hand.chance(60):
        fields = ("detector_image", "recovery_image")
        detector: Entry = {f: facts.WATCHING for f in fields if shut or hand.chance(50)}
        if hand.chance(50):
            detector["recovery"] = True
        given["problem_detector"] = detector
    wish.keys["neuron_metrics"] = given


def _layout(hand: Hand, wish: Wish) -> Entry:
    """Lines for some models, each on the first devices of the slot that it was drawn for."""
    layout: Entry = {}
    for pool in (p for p in wish.pools if p.sort == NEURON):
        for work in pool.works:
            for region in pool.regions if work.spot and hand.chance(70) else ():
                devices = sorted(work.spot)[: work.devices]
                line = {"devices": devices, "replicas": max(1, work.most)}
                lines = {str(1 + hand.index(3)): hand.one((devices, line))}
                layout.setdefault(region, {}).setdefault(pool.name, {})[work.name] = lines
    return layout


_WEB_ACL = "regional/webacl/models/0a1b"


def _alarms(hand: Hand, regions: list[str]) -> Entry:
    """Recipients: topics of each Region, mail, and Slack where there is any."""
    one = facts.arn(regions[0], "sns", "on-call").replace(regions[0], "{region}")
    each = {region: [facts.arn(region, "sns", "on-call")] for region in regions}
    found = {
        "topics": hand.one(([one], [one, f"{one}-2"], each)),
        "emails": ["on-call@example.com"],
        "slack": {"workspace": "T0123ABCD", "channel": "C0123ABCD"},
    }
    if any(facts.partition(region) != "aws" for region in regions):
        del found["slack"]
    chosen = {name: value for name, value in found.items() if hand.chance(60)}
    page = {"runbook": "https://example.com/docs/runbook.md"} if "emails" in chosen else {}
    return chosen | page


def _weights(hand: Hand, models: Entry) -> Entry:
    """Some requests for one name: all models under it have an image of the same paths."""
    fields = ("image", "command", "paths", "health_check", "serve")
    here = {n: m for n, m in models.items() if m.get("port") or m.get("ports")}
    if not here or hand.chance(60):
        return {}
    first = hand.one(sorted(here))
    alike = [n for n, m in here.items() if all(m.get(f) == here[first].get(f) for f in fields)]
    name = hand.one((first, "gone"))
    return {"weights": {name: {n: hand.number(0, 9) for n in {first, *hand.some(alike, most=4)}}}}


def _keys(hand: Hand, regions: list[str]) -> Entry | str:
    """A key of each Region, or one for all of a partition."""
    one = facts.arn(regions[0], "kms", "key/mrk-0a1b").replace(regions[0], "{region}")
    each = {region: facts.arn(region, "kms", "key/0a1b") for region in regions}
    return hand.one((one, each))


def _volumes(hand: Hand, wish: Wish) -> None:
    """An entry for each volume that a container mounts."""
    entries = [work.entry for pool in wish.pools for work in pool.works]
    containers = [c for entry in entries for c in _containers(entry)]
    names = sorted({name for c in containers for name in c.get("mounts", {})})
    ahead = [entry for entry in entries if entry.get("serve", {}).get("cache") == "compiled"]
    if ahead:
        wish.keys["volumes"] = {"compiled": {"kind": "efs"}}
    for entry in ahead:
        if "regions" not in entry and hand.chance(80):
            entry["serve"]["compile_on"] = entry["capacity"]
    if names:
        regions = sorted(wish.keys["regions"])
        wish.keys["volumes"] = wish.keys.get("volumes", {}) | {
            name: tasks.volume(
                hand,
                regions,
                of_tasks=_of_tasks(name, entries),
                managed=all(
                    pool.managed
                    for pool in wish.pools
                    for work in pool.works
                    if any(name in c.get("mounts", {}) for c in _containers(work.entry))
                ),
                directories=any("directory" in m for m in _mounts_of(name, containers)),
            )
            for name in names
        }


def _containers(entry: Entry) -> list[Entry]:
    return [entry, *entry.get("sidecars", {}).values()]


def _mounts_of(volume: str, containers: list[Entry]) -> list[Entry]:
    """The mounts of a volume that are maps."""
    found = [c.get("mounts", {}).get(volume) for c in containers]
    return [mount for mount in found if isinstance(mount, dict)]


def _of_tasks(volume: str, entries: list[Entry]) -> bool:
    """Whether the volume can be one of each task: no schedule, no other volume, no directory."""
    for entry in entries:
        mounts = [mount for c in _containers(entry) for mount in c.get("mounts", {}).items()]
        if volume in dict(mounts) and (
            "schedule" in entry
            or {name for name, _ in mounts} != {volume}
            or any("directory" in mount for _, mount in mounts if isinstance(mount, dict))
        ):
            return False
    return True


def _tags(hand: Hand) -> Entry:
    if hand.chance(30):
        return {f"key-{n}": "v" for n in range(hand.number(1, 30))}
    stems = ("team", "cost:centre", "a.b_c=d+e@f-g", "k" * 128)
    return {k: hand.one(("", "ml platform", "v" * 256)) for k in hand.some(stems, least=1)}
