"""NeuronCores: which containers open them, and the processes that a command starts on them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

from catalog import InstanceType
from config import Container, Sidecar, Workload
from messages.phrases import counted
from planning.command_line import (
    containers,
    number,
    opens_no_core,
    server_of,
    values,
    words,
    written,
)
from planning.entries import RegionalWorkload
from planning.once import once
from planning.serving.servers import (
    SERVERS,
    TENSOR_PARALLEL,
    VISIBLE_CORES,
    VISIBLE_DEVICES,
    gives_options,
    parallelism,
    starts_vllm,
)
from planning.situation import Situation

NUMBER = "NEURON_RT_NUM_CORES"
LOGICAL = "NEURON_LOGICAL_NC_CONFIG"


@dataclass(frozen=True, slots=True)
class CoreClaim:
    """A container that opens Neuron devices: where its tasks can sit, and on how many cores."""

    work: RegionalWorkload
    path: str
    container: Container
    kind: InstanceType
    devices: tuple[tuple[int, ...], ...]  # of each slot that its tasks can have
    shared: bool  # another container of the task takes cores as well

    @property
    def per_device(self) -> int:
        """Cores of a device as the container counts them: logical ones."""
        hardware = self.kind.neuron
        assert hardware is not None
        grouped = self.container.environment.get(LOGICAL, "")
        if takes_groups(self.kind) and grouped in ("1", "2"):
            return hardware.cores_per_device // int(grouped)
        return hardware.logical_cores_per_device

    @property
    def physical(self) -> int:
        """Physical cores of one of its cores."""
        hardware = self.kind.neuron
        return hardware.cores_per_device // self.per_device if hardware else 1

    @property
    def default_grouping(self) -> bool:
        """Whether its cores are those that the tables count: the default of the chip."""
        hardware = self.kind.neuron
        return hardware is not None and self.per_device == hardware.logical_cores_per_device

    @property
    def first(self) -> tuple[int, ...]:
        """The devices in the first of the slots."""
        return next(iter(self.devices))

    @property
    def count(self) -> int:
        return len(self.first)

    @property
    def cores(self) -> int:
        return self.per_device * self.count

    @property
    def hardware(self) -> str:
        """`4 devices of inf2.24xlarge`."""
        return f"{counted(self.count, 'device')} of {self.kind.name}"

    @property
    def variables(self) -> str:
        return f"{self.path}.environment"

    @property
    def have(self) -> str:
        return "has" if self.count == 1 else "have"

    def range_of(self, devices: tuple[int, ...]) -> tuple[int, int]:
        """First and last core of the devices, counted over the host."""
        return devices[0] * self.per_device, (devices[-1] + 1) * self.per_device - 1


def takes_groups(kind: InstanceType) -> bool:
    """Whether several physical cores of the chip make a logical one."""
    hardware = kind.neuron
    return hardware is not None and hardware.cores_per_device != hardware.logical_cores_per_device


@once
def core_claims(s: Situation) -> Iterator[CoreClaim]:
    """Every container that opens devices, once for each set of slots and instance type that its
    tasks can have."""
    seen: set[tuple[str, str, tuple[tuple[int, ...], ...]]] = set()
    for claim in (claim for task in task_claims(s) for claim in task):
        key = (claim.path, claim.kind.name, claim.devices)
        if key not in seen:
            seen.add(key)
            yield claim


@once
def task_claims(s: Situation) -> Iterator[tuple[CoreClaim, ...]]:
    """The containers of each task that open devices, for each type on which the task fits."""
    for work, kind in ((w, k) for w in s.work for k in w.types or w.pool.types[:1]):
        if kind.neuron is None or not work.device_count:
            continue
        if work.device_count > kind.neuron.devices or not s.legal(kind, work):
            continue
        devices = slots(s, work)
        if work.managed_devices:
            devices = (tuple(range(kind.neuron.devices)),)
        opening = [
            (path, container)
            for path, container in containers(work)
            if not isinstance(container, Sidecar) or container.neuron_devices
        ]
        first = {f"{work.path}.sidecars.{name}" for name in ended_first(work.spec)}
        users = [p for p, c in opening if p not in first and not opens_no_core(c.image, s.catalog)]
        shared = len(users) > 1
        found: list[CoreClaim] = []
        for path, container in opening:
            mine = devices
            if isinstance(container, Sidecar) and isinstance(container.neuron_devices, tuple):
                mine = (tuple(sorted(container.neuron_devices)),)
            if mine:
                found.append(CoreClaim(work, path, container, kind, mine, shared and path in users))
        yield tuple(found)


def ended_first(spec: Workload) -> frozenset[str]:
    """The sidecars that have ended before the model starts, so that their cores and ports are free.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html
    """
    ended: set[str] = set()
    seen: set[str] = set()
    todo = [*spec.starts_after.items()]
    while todo:
        name, condition = todo.pop()
        if condition in ("complete", "success"):
            ended.add(name)
        if name in spec.sidecars and name not in seen:
            seen.add(name)
            todo += spec.sidecars[name].starts_after.items()
    return frozenset(ended)


def slots(s: Situation, work: RegionalWorkload) -> tuple[tuple[int, ...], ...]:
    """The devices of a task in each slot that it can have; empty if the pool has no layout."""
    if work.ids is not None:
        return (work.ids,)
    if work.managed_devices or work.spec.neuron_devices == "all":
        return (tuple(range(work.device_count)),)
    placed = s.layout(work.pool)
    if placed is None:
        return ()
    if work.is_job:
        return (placed.job_devices(work.name),)
    taken = (a for slot in placed.slots for a in slot.assignments)
    return tuple(sorted({a.devices for a in taken if a.workload == work.name and not a.is_job}))


def core_ids(text: str) -> tuple[int, ...] | None:
    """The cores of `3`, `0-3` or `0,1,4-7`; None for anything else."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part)
        if match is None:
            return None
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            return None
        found.extend(range(first, last + 1))
    return tuple(found) if len(set(found)) == len(found) else None


def span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def core_ranges(cores: list[int]) -> str:
    """`0-3,8`: ascending cores as the variable names them."""
    parts: list[tuple[int, int]] = []
    for core in cores:
        if parts and core == parts[-1][1] + 1:
            parts[-1] = parts[-1][0], core
        else:
            parts.append((core, core))
    return ",".join(span(first, last) for first, last in parts)


def core_number(text: str) -> int | None:
    """The cores of `4`, or of groups such as `2,2`; None for anything else."""
    if re.fullmatch(r"[0-9]{1,4}(,[0-9]{1,4})*", text) is None:
        return None
    return sum(int(part) for part in text.split(","))


@dataclass(frozen=True, slots=True)
class Statement:
    """The cores that a variable gives to each process of a container.

    ``exact`` are their ids, counted over the host; None for a number of free cores.
    """

    variable: str
    cores: int
    exact: frozenset[int] | None


def statement(s: Situation, claim: CoreClaim) -> Statement | None:
    """What the container's variables say; None if each process takes every core of its devices.

    https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/guides/configuration-guide.html
    """
    given, server = claim.container.environment, server_of(claim.container, s.catalog)
    names = [VISIBLE_CORES]
    if server is not None and SERVERS[server.name].reads_visible_devices:
        names.insert(0, VISIBLE_DEVICES)
    for name in names:
        exact = core_ids(given.get(name, ""))
        if exact is not None:
            return Statement(name, len(exact), frozenset(exact))
    cores = core_number(given.get(NUMBER, ""))
    return Statement(NUMBER, cores, None) if cores else None


def users_of_cores(s: Situation, task: Iterable[CoreClaim]) -> list[CoreClaim]:
    """The containers of a task that take cores at a time.

    All but those that only monitor the devices or have ended before the model starts.
    """
    return [
        c
        for c in task
        if c.path not in {f"{c.work.path}.sidecars.{name}" for name in ended_first(c.work.spec)}
        and not opens_no_core(c.container.image, s.catalog)
    ]


@dataclass(frozen=True, slots=True)
class Workers:
    """The worker processes that a server starts: ``each`` for each of ``models``.

    ``path`` is the place in the stack file, ``text`` what stands there, and ``setting`` what comes
    before their number there. ``whole``: each takes every core that it sees.
    """

    each: int
    models: int
    path: str
    text: str
    setting: str
    whole: bool

    @property
    def count(self) -> int:
        return self.each * self.models


def workers(s: Situation, claim: CoreClaim) -> Workers | None:
    """The worker processes of a command; None without their number."""
    given, environment = words(claim.container), claim.container.environment
    programs = {w.rpartition("/")[2] for w in given}
    for row in s.catalog.containers.worker_options:
        models = len(values(given, row.models_option)) or 1
        each = number(given, *row.options)
        variable = environment.get(row.variable, "")
        command = f"{claim.path}.command"
        if row.program not in programs:
            continue
        if each is not None:
            text = written(given, *row.options) or ""
            return Workers(each, models, command, text, f"--{row.options[0]}=", row.whole)
        if re.fullmatch(r"[0-9]{1,4}", variable):
            text = f'{row.variable}: "{variable}"'
            where = f"{claim.variables}.{row.variable}"
            return Workers(int(variable), models, where, text, f"{row.variable}: ", row.whole)
        if models > 1:
            return Workers(1, models, command, f"--{row.models_option}", "", row.whole)
    return None


@dataclass(frozen=True, slots=True)
class Processes:
    """How many cores the processes of a command use, and the words of the command that say so."""

    cores: int
    degree: int | None  # of tensor parallelism; None for torchrun
    text: str
    option: str
    given: bool


def processes(s: Situation, claim: CoreClaim) -> Processes | None:
    """The cores that the server's command uses; None if it does not state them."""
    given = words(claim.container)
    server = server_of(claim.container, s.catalog)
    arguments_only = server is not None and server.entry == "arguments"
    of_vllm = starts_vllm(given) if server is None else gives_options(given)
    if not of_vllm and not arguments_only:
        return None
    found = parallelism(given)
    if found is None or (arguments_only and not found.given):
        return None
    return Processes(found.cores, found.degree, found.text, TENSOR_PARALLEL, found.given)


def runs(s: Situation, claim: CoreClaim) -> Processes | None:
    """The processes that torchrun starts, one for each core; None without torchrun or a number."""
    given = words(claim.container)
    if not any(w.rpartition("/")[2] in ("torchrun", "torch.distributed.run") for w in given):
        return None
    count = number(given, "nproc-per-node")
    if not count:
        return None
    return Processes(count, None, written(given, "nproc-per-node") or "", "nproc_per_node", True)


def more_devices(s: Situation, claim: CoreClaim, cores: int) -> str:
    """`, or write neuron_devices: 4`: the least legal number of devices with so many cores."""
    needed = ceil(cores / claim.per_device)
    enough = s.catalog.neuron.legal_count(claim.kind.name, at_least=needed)
    return f", or write neuron_devices: {enough}" if enough is not None else ""


def fewer_devices(s: Situation, claim: CoreClaim, cores: int) -> str:
    """`, or write neuron_devices: 1`: the least legal number of devices, if it is smaller."""
    needed = ceil(cores / claim.per_device)
    enough = s.catalog.neuron.legal_count(claim.kind.name, at_least=needed)
    if enough is None or enough >= claim.count or claim.work.pool.managed:
        return ""
    return f", or write neuron_devices: {enough}"


def types_with(s: Situation, claim: CoreClaim, cores: int) -> list[str] | None:
    """The pool's types that hold each of its tasks and give the container so many cores.

    `None` where the container has as many on each type that ECS may choose.
    """
    pool = claim.work.pool.name
    have = {c.kind.name: c.cores for c in core_claims(s) if c.path == claim.path}
    if len(set(have.values())) < 2:
        return None
    works = [w for w in s.work if w.pool.name == pool]
    held = [{t.name for t in w.types} for w in works]
    return [t for t, number in have.items() if number == cores and all(t in h for h in held)]
