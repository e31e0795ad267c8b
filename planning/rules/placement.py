"""Placement: whether the instances of a pool have room for all tasks, whatever ECS does first."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from catalog import NeuronHardware
from config import AutoScalingCapacity, ModelEntry
from messages.finding import Severity
from messages.phrases import counted, id_sets, ids, listed
from planning import layout, waiting
from planning.cores import NUMBER
from planning.entries import RegionalPool, RegionalWorkload
from planning.proposals import other_port, size_path
from planning.reached import opened
from planning.rules.rule import Report, rule
from planning.situation import Situation, written_replicas


@rule(
    "NE205",
    "Device ids of two models overlap in part",
    Severity.ERROR,
    "Two tasks whose devices overlap in part cannot run on one instance and block each other's "
    "updates.",
    do="Name disjoint ids or equal ids, or write counts.",
)
def overlap(s: Situation) -> Iterator[Report]:
    """Only one task per chip
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html)."""
    seen: set[tuple[str, str]] = set()
    for (_, name), pool in s.pools.items():
        for first, second, needed in _blocking_ids(s, pool):
            if (first.path, second.path) in seen:
                continue
            seen.add((first.path, second.path))
            a, b = first.ids or (), second.ids or ()
            kind = pool.type
            named = [w for w in s.work_on(pool) if w.ids is not None and not w.is_job]
            taken = {d for w in named if w is not second for d in w.ids or ()}
            free = [
                (f, n)
                for f, n in s.catalog.neuron.device_sets(kind.name if kind else "")
                if n == len(b) and not taken & set(range(f, f + n))
            ]
            counts = (replace(d, ids=None) if d.name == second.name else d for d in s.demands(pool))
            cut = s.arranged(pool, tuple(counts))
            fits = cut is not None and cut.instances <= (pool.max_size or 0)
            yield Report(
                f"{second.path}.neuron_devices",
                f"is {ids(b)}, which shares {ids(sorted(set(a) & set(b)))} with {first.path} on "
                f"the pool {name}, of at most {counted(pool.max_size or 0, 'instance')}",
                (f"write {id_sets(free)}, or " if free else "")
                + (f"write the count {len(b)}, and the planner places it, or " if fits else "")
                + f"write {size_path(s, pool)}: {needed}",
            )


def _blocking_ids(
    s: Situation, pool: RegionalPool
) -> Iterator[tuple[RegionalWorkload, RegionalWorkload, int]]:
    """Models whose ids overlap in part and whose tasks can need one instance at maximum replicas,
    with the instances on which they never do: as many as tasks that meet theirs, theirs included.
    """
    uses = s.uses(pool) if pool.max_size is not None and s.legal_everywhere(pool) else ()
    named = [w for w in s.work_on(pool) if w.ids is not None and not w.is_job]
    for first, second in combinations(named if uses else (), 2):
        a, b = set(first.ids or ()), set(second.ids or ())
        if a == b or not a & b:
            continue
        most = max(s.blocked(pool, s.use(w, w.ids or ()), uses) for w in (first, second))
        if most > (pool.max_size or 0):
            yield first, second, most


@rule(
    "NE206",
    "Replicas do not fit the pool",
    Severity.ERROR,
    "Only one task at a time can use a device or a host port of an instance, and an instance "
    "reserves at most 100 host ports, the locks of devices among them.",
    do="Raise max_size, lower the replicas, or let the planner place counts instead of ids.",
)
def does_not_fit(s: Situation) -> Iterator[Report]:
    """AWS: only one task per chip
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html)."""
    for (region, name), pool in s.pools.items():
        kind, cut = pool.type, s.cut(pool)
        if kind is None or kind.neuron is None or cut is None or pool.max_size is None:
            continue
        works = [w for w in s.work_on(pool) if w.device_count]
        if cut.fewest > pool.max_size and not any(_blocking_ids(s, pool)):
            models = listed([w.name for w in works if not w.is_job])
            yield Report(
                f"capacity.{name}.max_size",
                f"is {pool.max_size}; the replicas of {models} need "
                f"{counted(cut.instances, 'instance')} of {kind.name} in {region}"
                + _by_port(s, pool, cut),
                f"write {size_path(s, pool)}: {cut.instances}"
                + _fewer_replicas(s, pool, works)
                + _one_task(kind.neuron, works),
            )


def _one_task(hardware: NeuronHardware, works: list[RegionalWorkload]) -> str:
    """`, or make b a sidecar of a …`: two models of one device each can share it in one task."""
    small = [w for w in works if w.device_count == 1 and w.ids is None and _written(w)]
    each = hardware.logical_cores_per_device // 2
    if len(small) < 2 or not each:
        return ""
    second = min(reversed(small), key=lambda w: bool(w.spec.served_ports))
    first = next(w for w in small if w is not second)
    return (
        f", or make {second.name} a sidecar of {first.name} with neuron_devices: all"
        + (f" (requests reach it through {first.name})" if second.spec.served_ports else "")
        + f', and write environment: {{{NUMBER}: "{each}"}} in both'
    )


def _written(work: RegionalWorkload) -> bool:
    """Whether it is a model with an image and a command of its own: a sidecar has no `serve`."""
    return isinstance(work.spec, ModelEntry) and work.spec.serve is None


def _by_port(s: Situation, pool: RegionalPool, cut: layout.Cut) -> str:
    """`, one for each task with host port 8080`: what needs more instances than the pool has."""
    tasks: Counter[int] = Counter()
    for use in cut.uses:
        tasks.update(dict.fromkeys(use.host_ports, use.tasks))
    port, most = max(tasks.items(), key=lambda p: (p[1], -p[0]), default=(0, 0))
    if most > (pool.max_size or 0):
        return f", one for each task with host port {port}"
    reserved = sum(use.tasks * use.reserved for use in cut.uses)
    free = s.ports(pool)
    if reserved > free * (pool.max_size or 0):
        return f": they reserve {reserved} host ports, and an instance has {free} for tasks"
    return ""


def _fewer_replicas(s: Situation, pool: RegionalPool, works: list[RegionalWorkload]) -> str:
    """`, or write models.m.replicas: {min: 1, max: 2}`: the most replicas of the largest model that
    fit the pool. Empty if not even its minimum fits."""
    models = sorted((w for w in works if not w.is_job), key=lambda w: (-w.tasks_max, w.name))
    if not models:
        return ""
    chosen = models[0]
    for most in range(chosen.tasks_max - 1, max(chosen.replicas.min, 1) - 1, -1):
        demands = tuple(
            replace(d, tasks=most) if d.name == chosen.name and not d.is_job else d
            for d in s.demands(pool)
        )
        cut = replace(s.keeping(pool), demands=demands).around
        if cut is not None and cut.instances <= (pool.max_size or 0):
            here = f"{chosen.path}.regions.{chosen.region}.replicas"
            written = {path for path, _, _ in written_replicas(s)}
            field = here if here in written else f"{chosen.path}.replicas"
            return f", or write {field}: {{min: {chosen.replicas.min}, max: {most}}}"
    return ""


@rule(
    "NE214",
    "Job can never start",
    Severity.ERROR,
    "A job starts when its devices, CPU and memory are free on an instance.",
    do="Give the pool one more instance, lower the models' minimum, or make a pool for the job.",
)
def job_never_starts(s: Situation) -> Iterator[Report]:
    """ECS does not place a task while another one reserves its host port (API_PortMapping); models
    reserve the ports of their devices as long as they run."""
    for job, wait in waiting.jobs(s):
        if wait.blocked:
            kind = job.pool.type
            size = wait.crowded and job.spec.memory_mib is not None
            used = "use its devices" if not wait.crowded else "leave it too little CPU or memory"
            yield Report(
                f"{job.path}.{'memory_mib' if size else 'neuron_devices'}",
                f"can never start in {job.region}: models {used} on all "
                f"{counted(job.pool.max_size or 0, 'instance')} of {kind.name if kind else ''}, "
                "even at their minimum of replicas",
                f"write {size_path(s, job.pool)}: {wait.max_size}, or move it to a pool of its own",
            )


@rule(
    "NE215",
    "Job may have to wait for devices",
    Severity.NOTE,
    "A job waits while models use the devices that it needs.",
    do="Give the pool one more instance if the job must not wait.",
)
def job_waits(s: Situation) -> Iterator[Report]:
    """The task stays in PROVISIONING until a model scales in, its update ends or an instance is
    added."""
    for job, wait in waiting.jobs(s):
        if wait.text and not wait.blocked and not wait.lost:
            yield Report(
                job.path,
                f"{wait.text} in {job.region}",
                f"write {size_path(s, job.pool)}: {wait.max_size}, with which it always finds room",
            )


@rule(
    "NE216",
    "Two pools would need fewer instances",
    Severity.NOTE,
    "Tasks of different sizes share an instance only on disjoint slots.",
    do="Split the pool if the saving is worth a second one.",
)
def two_pools_need_fewer(s: Situation) -> Iterator[Report]:
    """The slots are the same on every instance of a pool, so models of different sizes can cost
    each other room."""
    reported: set[tuple[str, int, int]] = set()
    for (region, name), pool in s.pools.items():
        kind = pool.type
        if kind is None or kind.neuron is None:
            continue
        whole, demands = s.cut(pool) and s.keeping(pool).fresh, s.demands(pool)
        sizes = sorted({d.size for d in demands if d.tasks})
        if whole is None or len(sizes) < 2 or len(demands) > 12:
            continue
        for limit in sizes[1:]:
            parts = (
                s.arranged(pool, tuple(d for d in demands if (d.size >= limit) == big))
                for big in (True, False)
            )
            needed = sum(p.instances if p else whole.instances for p in parts)
            if needed < whole.instances and (name, limit, needed) not in reported:
                reported.add((name, limit, needed))
                large = [d.name for d in demands if d.size >= limit and d.tasks]
                yield Report(
                    f"capacity.{name}",
                    f"needs {counted(whole.instances, 'instance')} of {kind.name} at most in "
                    f"{region}; with {listed(large)} in a pool of their own it would be {needed} "
                    "in all",
                    f"move {listed(large)} to a pool of their own, of the same type",
                )
                break


@rule(
    "NE218",
    "Network mode awsvpc removes the device lock",
    Severity.WARNING,
    "In awsvpc mode a task reserves no host port, so nothing locks its devices.",
    do="Leave network_mode out, unless nothing else uses these devices.",
)
def lock_given_up(s: Situation) -> Iterator[Report]:
    """API_PortMapping: in awsvpc a host port equals the container port of the task's own interface,
    so two services, or a new task and one that is still stopping, can use one device."""
    for work in s.distinct_work:
        if not work.locked:
            yield Report(
                f"{work.path}.network_mode",
                "is awsvpc, which removes the device lock",
                "leave network_mode out, unless a new task may start on the devices of one that "
                "still stops",
            )


@rule(
    "NE240",
    "Two workloads can use devices that no lock protects",
    Severity.ERROR,
    "In awsvpc mode a task reserves no host port, so ECS can place a task of another workload on "
    "its devices: its devices must be no other workload's.",
    do="Leave network_mode out, or give the workload a pool of its own.",
)
def devices_without_a_lock(s: Situation) -> Iterator[Report]:
    """API_PortMapping: in awsvpc a host port equals the container port of the task's own interface,
    and reserves nothing on the instance."""
    reported: set[tuple[str, str]] = set()
    for (region, name), pool in s.pools.items():
        if s.cut(pool) is not None or not s.legal_everywhere(pool):
            continue
        works = [w for w in s.work_on(pool) if w.device_count]
        each = [*zip(works, s.demands(pool), strict=True)]
        open_ = [
            ((work, other), (its, others))
            for work, its in each
            for other, others in each
            if not work.locked and other is not work
        ]
        pairs = [pair for pair, both in open_ if s.arranged(pool, both) is None]
        pairs = pairs or [pair for pair, _ in open_][:1]
        for work, other in pairs:
            if (other.path, work.path) not in reported and (work.path, other.path) not in reported:
                reported.add((work.path, other.path))
                yield Report(
                    f"{work.path}.network_mode",
                    f"is awsvpc, without a lock; {other.path} on the pool {name} in {region} would "
                    f"use some of its {counted(work.device_count, 'device')}",
                    "leave network_mode out"
                    + ("" if other.locked else f" and leave {other.path}.network_mode out")
                    + ", or move it to a pool of its own",
                )


def _bridged(work: RegionalWorkload) -> bool:
    """Whether the task could be in bridge mode, where Docker chooses its host ports."""
    spec = work.pool.spec
    return isinstance(spec, AutoScalingCapacity) and not spec.efa


@rule(
    "NE241",
    "Job may never start again after an update",
    Severity.WARNING,
    "An update starts new tasks on any instance with room, and ECS never moves a task. The models "
    "can so come to use the job's devices on every instance, and stay there.",
    do="Give the pool more instances, or make a pool for the job.",
)
def job_lost_by_an_update(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-strategies.html:
    a strategy chooses where a task starts; it is best effort."""
    for job, wait in waiting.jobs(s):
        if wait.lost:
            wanted = ids(job.ids) if job.ids else job.spec.neuron_devices
            yield Report(
                f"{job.path}.neuron_devices",
                f"is {wanted}; none of the {counted(job.pool.max_size or 0, 'instance')} in "
                f"{job.region} has room for that once tasks of models are on each, even at their "
                "minimum of replicas",
                f"write {size_path(s, job.pool)}: {wait.max_size}, or move it to a pool of its own",
            )


@rule(
    "NE243",
    "Host port needs more instances than the devices",
    Severity.NOTE,
    "In host mode a task reserves its port on the instance, so each task with that port runs on an "
    "instance of its own.",
    do="Use bridge mode where it is possible, or give each model another port.",
)
def instances_for_ports(s: Situation) -> Iterator[Report]:
    """API_PortMapping of the Amazon ECS API Reference, hostPort: reserved until the task has
    stopped."""
    reported: set[tuple[str, int]] = set()
    for (region, name), pool in s.pools.items():
        cut = s.cut(pool)
        if pool.type is None or cut is None or not any(u.host_ports for u in cut.uses):
            continue
        if pool.max_size is not None and cut.fewest > pool.max_size:
            continue  # NE206
        keeping = s.keeping(pool)
        demands = tuple(replace(d, host_ports=()) for d in keeping.demands)
        free = replace(keeping, demands=demands).around
        if free is None or free.instances >= cut.instances or (name, cut.instances) in reported:
            continue
        reported.add((name, cut.instances))
        models = [w for w in s.work_on(pool) if not w.is_job and w.host_ports]
        groups = [[o for o in models if set(o.host_ports) & set(w.host_ports)] for w in models]
        same = max(groups, key=lambda g: sum(w.tasks_max for w in g))
        work, ports = same[-1], {p for w in models for p in w.host_ports}
        others = {p for w in models if w is not work for p in w.host_ports}
        mine = list(opened(work))
        at, port = next(((at, port) for at, port in mine if port in others), mine[0])
        other = other_port(work, at, port, *ports)
        fixes = ["write network_mode: bridge"] if _bridged(work) else []
        fixes += [f"write {other}, and let the server listen there"] if len(same) > 1 else []
        yield Report(
            at,
            f"is {port} in host mode, which the tasks of "
            f"{listed([w.name for w in same])} reserve on their instances: the pool {name} needs "
            f"{counted(cut.instances, 'instance')} in {region}, where {free.instances} would have "
            "the devices",
            ", or ".join(fixes) or "lower the number of replicas, with more devices each",
        )


RULES = (
    overlap,
    does_not_fit,
    job_never_starts,
    job_waits,
    two_pools_need_fewer,
    lock_given_up,
    devices_without_a_lock,
    job_lost_by_an_update,
    instances_for_ports,
)
