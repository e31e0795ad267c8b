"""What changes one thing in a stack file: a mistake that refuses it, or something to be warned of.

A mistake says what stack it needs (`Want`), changes one thing there, and returns where the finding
must stand: a path, or the paths of the two entries that cannot both be. Nothing here asks the
planner; what each change breaks follows from the tables.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from dataclasses import field as field_of
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from catalog import InstanceType
from tests.wishes import facts
from tests.wishes.drawing import Hand
from tests.wishes.pools import CPU, MANAGED_CPU, MANAGED_NEURON, NEURON, Pool, Want
from tests.wishes.stacks import Wish, stacks
from tests.wishes.tasks import Entry, overrides

Change = Callable[[Hand, Wish], str | tuple[str, ...]]


@dataclass(frozen=True)
class Mistake:
    """A way to break one rule."""

    code: str
    name: str
    want: Want = field_of(repr=False)
    change: Change = field_of(repr=False)


@dataclass(repr=False)
class Broken:
    """A stack file with one mistake, and where it is."""

    wish: Wish
    paths: tuple[str, ...]


MISTAKES: dict[str, list[Mistake]] = {}
"""The ways to break each rule that refuses."""
ODDITIES: dict[str, list[Mistake]] = {}
"""The ways to meet each rule that warns: the stacks stay valid."""


def mistake(code: str, want: Want) -> Callable[[Change], Change]:
    """Registers a way to break the rule of that code."""
    return _into(MISTAKES, code, want)


def oddity(code: str, want: Want) -> Callable[[Change], Change]:
    """Registers a way to meet the warning or note of that code."""
    return _into(ODDITIES, code, want)


def _into(registry: dict[str, list[Mistake]], code: str, want: Want) -> Callable[[Change], Change]:
    def register(change: Change) -> Change:
        name = getattr(change, "__name__", "").lstrip("_")
        registry.setdefault(code, []).append(Mistake(code, name, want, change))
        return change

    return register


def broken(chosen: Mistake) -> SearchStrategy[Broken]:
    """Stack files with that mistake and no other."""
    return _broken(chosen)


@st.composite
def _broken(draw: DrawFn, chosen: Mistake) -> Broken:
    wish = draw(stacks(chosen.want))
    paths = chosen.change(Hand(draw), wish)
    return Broken(wish, (paths,) if isinstance(paths, str) else paths)


# -- what is wanted --------------------------------------------------------------------------------


def several(kind: InstanceType) -> bool:
    return facts.devices_of(kind) > 1


def family(*names: str) -> Callable[[InstanceType], bool]:
    return lambda kind: bool(kind.neuron and kind.neuron.family in names)


def not_inf1(kind: InstanceType) -> bool:
    return not family("inf1")(kind)


def with_efa(kind: InstanceType) -> bool:
    return bool(kind.neuron and kind.neuron.efa_interfaces)


def without_efa(kind: InstanceType) -> bool:
    return not with_efa(kind)


def stored(kind: InstanceType) -> bool:
    return bool(kind.neuron and kind.neuron.local_storage_gb)


def not_stored(kind: InstanceType) -> bool:
    return bool(kind.neuron) and not stored(kind)


ANY = Want()
GROUPS = Want(sorts=(NEURON, CPU))
BLOCKED = Want(sorts=(NEURON,), purchases=("capacity_block",), single=True, overridden=False)
MANAGED = Want(sorts=(MANAGED_NEURON, MANAGED_CPU))
OPEN = ("one", "per_zone")
WORK = Want(work=("models", "jobs"), bare=True)
MODEL = replace(WORK, work=("models",))
JOB = replace(WORK, work=("jobs",))
SILENT = replace(WORK, port=False)
ON_DEVICES = replace(SILENT, sorts=(NEURON,), ami=False)
BY_NAME = replace(ON_DEVICES, devices=("count", "ids"))
PULLS = replace(SILENT, nat=OPEN)
CALLED = replace(MODEL, port=True)
SHUT = replace(SILENT, networks=("own",), nat=("none",))
EMPTY = Want(alone=True)
ALONE = replace(MODEL, alone=True, single=True, overridden=False)
LATER = ("inf2", "trn1", "trn1n")
PUBLISHED = "public.ecr.aws/neuron/pytorch-inference-vllm-neuronx"
TORCHSERVE = (
    "public.ecr.aws/neuron/pytorch-inference-neuronx:2.9.0-neuronx-py312-sdk2.31.1-ubuntu24.04"
)
TINY = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
NXDI = f"{PUBLISHED}:0.13.0-neuronx-py312-sdk2.28.0-ubuntu24.04"
PLUGIN = f"{PUBLISHED}:0.24.0.1.1.0-neuronx-py313-sdk2.32.0-ubuntu24.04"
OPTIMUM = (
    "dlc/huggingface-vllm-inference-neuronx:0.11.0-optimum0.4.5-neuronx-py310-sdk2.26.1-ubuntu22.04"
)


# -- changes that several need ---------------------------------------------------------------------


def written_regions(wish: Wish) -> None:
    """Every pool names its Regions, so that a new one changes none of the others."""
    for name, entry in wish.keys["capacity"].items():
        if not entry.get("regions"):
            pool = next(p for p in wish.pools if p.name == name)
            entry["regions"] = list(pool.regions)


def further_region(wish: Wish, region: str, entry: Entry) -> None:
    """A Region more, in which the wanted pool is as well."""
    written_regions(wish)
    wish.keys["regions"][region] = entry
    in_region(wish.pool.entry, region)
    traffic: Entry = wish.keys.get("traffic", {})
    stores = traffic.get("authentication", {}).get("mutual_tls")
    for arns in (traffic.get("certificate_arns"), stores):
        if arns:
            known, value = next(iter(arns.items()))
            arns[region] = value.replace(known, region)
    callers: Any = traffic.get("allow_from")
    if isinstance(callers, list):
        wish.keys["traffic"]["allow_from"] = ["10.0.0.0/8"]
    for volume in wish.keys.get("volumes", {}).values():
        for given in (volume.get("file_systems"), volume.get("snapshot_ids")):
            if given:
                known, value = next(iter(given.items()))
                given[region] = value.replace(known, region)  # in an ARN


def in_region(entry: Entry, region: str) -> None:
    """A Region more for a pool that names its Regions."""
    if overrides(entry):
        entry["regions"][region] = {}
    else:
        entry["regions"].append(region)


def as_map(pool: Pool) -> Entry:
    """The pool's Regions as a map."""
    if not overrides(pool.entry):
        pool.entry["regions"] = {r: {} for r in pool.regions}
    return overrides(pool.entry)


def size_in(pool: Pool, region: str) -> int:
    """Instances at most, in that Region."""
    return overrides(pool.entry).get(region, {}).get("max_size") or pool.entry["max_size"]


def one_size(pool: Pool, size: int) -> None:
    """Instances at most, in every Region."""
    pool.entry["max_size"] = size
    for name in ("min_size", "headroom"):
        pool.entry.pop(name, None)
    for override in overrides(pool.entry).values():
        override.pop("max_size", None)


def roomy(wish: Wish) -> None:
    """Networks of ours have their default blocks."""
    for region in wish.keys["regions"].values():
        region.get("network", {}).pop("cidr", None)


def another(wish: Wish, group: str = "models", **fields: Any) -> str:
    """A further workload beside the wanted one, with its name."""
    name = "second"
    wish.keys.setdefault(group, {})[name] = {
        "image": wish.entry["image"],
        "capacity": wish.pool.name,
        **fields,
    }
    return name


KEPT = replace(
    ALONE,
    sorts=(NEURON,),
    types=several,
    devices=("count",),
    modes=("bridge",),
    efa=False,
    bare=True,
)
"""A model alone on a pool of several devices, each of them with a lock."""


def lines_on(wish: Wish, name: str, *sets: list[int]) -> str:
    """Lines of the layout for a model on the pool: one of each set. The path of its lines."""
    lines = {str(number): devices for number, devices in enumerate(sets, start=1)}
    wish.keys["layout"] = {wish.region: {wish.pool.name: {name: lines}}}
    return f"layout.{wish.region}.{wish.pool.name}.{name}"


def in_the_middle(wish: Wish) -> str:
    """The model's tasks stay on the two devices in the middle; another needs devices on both sides.

    Without these lines, one instance has room for all. The path of the lines.
    """
    total = facts.devices_of(wish.pool.kind)
    large = max(n for n in facts.sizes(wish.pool.kind) if n <= total - 2)
    another(wish, neuron_devices=large, replicas={"min": 1})
    wish.entry.update(neuron_devices=1, replicas={"min": 2})
    return lines_on(wish, wish.work.name, [total // 2 - 1], [total // 2])


def sidecar_with(wish: Wish, **fields: Any) -> str:
    """A sidecar of the wanted workload, with its path."""
    wish.entry["sidecars"] = {"watcher": {"image": wish.entry["image"], **fields}}
    return f"{wish.path}.sidecars.watcher"


def absent_region(wish: Wish) -> str:
    """A Region that the stack has not."""
    known = ("eu-west-3", "us-west-1", *facts.captured())
    return next(r for r in known if r not in wish.keys["regions"])


def per_instance(wish: Wish) -> int:
    """Tasks of the wanted workload that an instance has devices for."""
    return facts.devices_of(wish.pool.kind) // wish.work.devices


def cores_in(wish: Wish) -> int:
    return facts.cores_of(wish.pool.kind) * wish.work.devices


def command(wish: Wish, *words: str) -> str:
    wish.entry["command"] = list(words)
    return f"{wish.path}.command"


def runs(wish: Wish, model: str, *options: str, sequences: int = 1, length: int = 512) -> str:
    """Lets the wanted model run NxD Inference with a command."""
    wish.entry["image"] = NXDI
    size = (f"--max-num-seqs={sequences}", f"--max-model-len={length}")
    return command(wish, "vllm", "serve", model, "--no-enable-prefix-caching", *size, *options)


def variable(wish: Wish, name: str, value: str) -> str:
    wish.entry["environment"] = {name: value}
    return f"{wish.path}.environment.{name}"


def listens(wish: Wish, port: int) -> str:
    wish.entry.pop("ports", None)
    return field(wish, "port", port)


def listened(wish: Wish) -> int:
    """A port on which the wanted workload listens."""
    return wish.entry.get("port") or wish.entry["ports"][0]


def field(wish: Wish, name: str, value: object) -> str:
    wish.entry[name] = value
    if name in ("cpu_units", "memory_mib"):  # without daemons the size alone decides
        wish.keys.pop("neuron_metrics", None)
    return f"{wish.path}.{name}"


def of_pool(wish: Wish, name: str, value: object) -> str:
    wish.pool.entry[name] = value
    return f"capacity.{wish.pool.name}.{name}"


def block_hours(wish: Wish, *days: tuple[str, str]) -> str:
    """The pool with Capacity Blocks from day to day, and the path of them."""
    pool = wish.pool
    for holder in (pool.entry, *overrides(pool.entry).values()):
        for key in ("reservation_ids", "reservation_id", "blocks"):
            holder.pop(key, None)
    blocks = [
        {"id": f"cr-0{at}", "start": f"{start}:30:00Z", "end": f"{end}:30:00Z"}
        for at, (start, end) in enumerate(days)
    ]
    return of_pool(wish, "blocks", blocks)


def measured(hand: Hand, wish: Wish) -> str:
    """The wanted model's server is measured, by an agent that takes next to nothing: because the
    model scales by its queue, or says so. Returns the path of what asks for it."""
    agent = {"image": wish.entry["image"], "cpu_units": 0, "memory_mib": 6}
    wish.entry["sidecars"] = {"queue-metrics": agent}
    wish.entry.pop("server_metrics", None)
    if hand.chance(50):
        wish.entry["scaling"] = {"queue": hand.number(1, 600)}
        return f"{wish.path}.scaling.queue"
    if "queue" in wish.entry.get("scaling", {}):
        del wish.entry["scaling"]
    return field(wish, "server_metrics", True)


def adds_shapes(wish: Wish, entries: Entry) -> None:
    """Adds shapes beside those that the models have."""
    wish.keys["shapes"] = wish.keys.get("shapes", {}) | entries


def in_a_domain(wish: Wish, **domain: str | bool) -> None:
    """The stack with a domain, of which every name of a container is a label."""
    for entry in wish.keys["models"].values():
        entry.pop("sidecars", None)
        entry.pop("starts_after", None)
        entry.pop("server_metrics", None)
        if "queue" in entry.get("scaling", {}):
            del entry["scaling"]
    wish.keys["traffic"] = {"domain": {"name": "example.com", "zone_id": "Z0AAA", **domain}}
