"""Neuron devices: which exist, which sets a task may use, and whether the pool has enough."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from config import ManagedInstancesCapacity
from messages.finding import Severity
from messages.phrases import counted, ids, listed, spans
from planning import layout, waiting
from planning.rules.rule import Report, rule
from planning.situation import RegionalPool, RegionalWorkload, Situation, each_workload


def _written(devices: int | tuple[int, ...] | str) -> str:
    return ids(devices) if isinstance(devices, tuple) else str(devices)


@rule(
    "NE201",
    "Devices requested from instances without Neuron devices",
    Severity.ERROR,
    "Only instances of the inf and trn families have Neuron devices.",
    do="Leave neuron_devices out, or move the workload to a Neuron pool.",
)
def devices_without_chips(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html"""
    for work in each_workload(s):
        if work.pool.neuron or not work.pool.types:
            continue
        others = [p.name for (r, _), p in s.pools.items() if p.neuron and r == work.region]
        types = listed([t.name for t in work.pool.types], most=3)
        sidecars = [(f"{work.path}.sidecars.{n}", c) for n, c in work.spec.sidecars.items()]
        for path, container in ((work.path, work.spec), *sidecars):
            if container.neuron_devices:
                yield Report(
                    f"{path}.neuron_devices",
                    f"is {_written(container.neuron_devices)}; {types} has no Neuron device",
                    "leave it out"
                    + (f", or move {work.name} to {listed(others)}" if others else ""),
                )


@rule(
    "NE202",
    "Neuron devices are not stated",
    Severity.ERROR,
    "ECS does not track Neuron devices on EC2 capacity: a task gets exactly the devices that its "
    "task definition names.",
    do="State how many devices a task needs: a count, ids, all, or 0.",
)
def devices_not_named(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference-task-def.html"""
    for work in each_workload(s):
        kind = work.smallest
        if work.pool.neuron and work.spec.neuron_devices is None and kind and kind.neuron:
            sizes = s.catalog.neuron.legal_counts(kind.name)
            yield Report(
                f"{work.path}.neuron_devices",
                f"is missing, on a pool of {kind.name}",
                f"write a count ({listed([str(n) for n in sizes], most=16)}), ids, or all; 0 for a "
                "task that needs none",
            )


@rule(
    "NE203",
    "Device does not exist",
    Severity.ERROR,
    "A device id is the N of /dev/neuronN, counted from 0.",
    do="Ask for devices that the instance type has, or use a larger type.",
)
def device_does_not_exist(s: Situation) -> Iterator[Report]:
    """EC2 DescribeInstanceTypes, NeuronInfo, as the catalog holds it."""
    for work in each_workload(s):
        kind = work.smallest
        if kind is None or kind.neuron is None or work.device_count == 0:
            continue
        total = kind.neuron.devices
        path = f"{work.path}.neuron_devices"
        if work.ids is None and work.device_count > total:
            bigger = [
                t.name
                for t in s.catalog.instances.neuron_types.values()
                if t.neuron
                and work.device_count in s.catalog.neuron.legal_counts(t.name)
                and t.neuron.frameworks == kind.neuron.frameworks
                and s.catalog.places.zones_offering(t.name, work.region)
            ]
            yield Report(
                path,
                f"is {work.device_count}; {kind.name} has {counted(total, 'device')}",
                f"ask for at most {total}"
                + (f", or use {listed(bigger)}, offered in {work.region}" if bigger else ""),
                "A task runs on one instance and gets only the devices of that instance.",
            )
        elif work.ids is not None and work.ids[-1] >= total:
            wrong = [d for d in work.ids if d >= total]
            yield Report(
                path,
                f"is {ids(work.ids)}; {kind.name} has no device {listed(map(str, wrong))}",
                f"its devices are 0 to {total - 1}" if total > 1 else "its only device is 0",
            )


@rule(
    "NE204",
    "Set of devices that the Neuron runtime cannot open",
    Severity.ERROR,
    "The Neuron runtime opens contiguous devices only. A ring has any run of them, a 4 by 4 torus "
    "aligned groups: 1, 4, 8 or 16 devices, and 2 unproven.",
    do="Ask for a legal number, or name contiguous (ring) or aligned (torus) ids.",
)
def illegal_set(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/infrastructure/scheduler.html"""
    for work in each_workload(s):
        kind = work.smallest
        if kind is None or kind.neuron is None or work.device_count == 0:
            continue
        total, wanted, path = kind.neuron.devices, work.ids, f"{work.path}.neuron_devices"
        if wanted is not None and len(set(wanted)) < len(wanted):
            twice = [str(d) for d, n in Counter(wanted).items() if n > 1]
            yield Report(
                path,
                f"is {ids(wanted)}, with {listed(twice)} more than once",
                f"write {ids(sorted(set(wanted)))}",
                "A task names each device once.",
            )
        elif work.device_count > total or (wanted is not None and wanted[-1] >= total):
            continue
        elif not s.legal(kind, work):
            sets = s.catalog.neuron.proven_sets(kind.name)
            if wanted is None:
                sizes = s.catalog.neuron.legal_counts(kind.name)
                up = [n for n in sizes if n > work.device_count][:1]
                down = [n for n in sizes if n < work.device_count][-1:]
                yield Report(
                    path,
                    f"is {work.device_count}, not a legal number of devices on {kind.name}",
                    f"ask for {' or '.join(map(str, down + up))}",
                )
            else:
                start = wanted[0]
                same = [(f, n) for f, n in sets if n == len(wanted)]
                near = sorted(same, key=lambda x: (abs(x[0] - start), x[0]))[:4]
                sizes = s.catalog.neuron.legal_counts(kind.name)
                fix = (
                    f"use {spans(sorted(near))}"
                    if near
                    else f"name {listed(map(str, sizes))} devices: {spans(sets)}"
                )
                yield Report(
                    path,
                    f"is {ids(wanted)}, which is not a legal set of devices on {kind.name}",
                    fix,
                )


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
        if not s.legal_everywhere(pool):
            continue
        named = [w for w in s.work_on(pool) if w.ids is not None and not w.is_job]
        for i, first in enumerate(named):
            for second in named[i + 1 :]:
                a, b = first.ids or (), second.ids or ()
                common = sorted(set(a) & set(b))
                if not common or a == b or (first.path, second.path) in seen:
                    continue
                seen.add((first.path, second.path))
                kind = pool.type
                taken = {d for w in named if w is not second for d in w.ids or ()}
                free = [
                    (f, n)
                    for f, n in s.catalog.neuron.device_sets(kind.name if kind else "")
                    if n == len(b) and not taken & set(range(f, f + n))
                ]
                yield Report(
                    f"{second.path}.neuron_devices",
                    f"is {ids(b)}, which shares {ids(common)} with {first.path} on the pool {name}",
                    (f"still free: {spans(free)}" if free else f"no legal set of {len(b)} is free")
                    + f"; or write the count {len(b)} and let the planner place it",
                )


@rule(
    "NE206",
    "Replicas do not fit the pool",
    Severity.ERROR,
    "Only one task at a time can use a device, so tasks on the same devices need one instance "
    "each.",
    do="Raise max_size, lower the replicas, or let the planner place counts instead of ids.",
)
def does_not_fit(s: Situation) -> Iterator[Report]:
    """AWS: only one task per chip
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html)."""
    for (region, name), pool in s.pools.items():
        kind = pool.type
        if kind is None or kind.neuron is None or not s.sound(pool):
            continue
        cut = s.cut(pool)
        works = [w for w in s.work_on(pool) if w.device_count]
        if cut is not None and pool.max_size is not None and cut.instances > pool.max_size:
            models = listed([w.name for w in works if not w.is_job])
            yield Report(
                f"capacity.{name}.max_size",
                f"is {pool.max_size}; the replicas of {models} need "
                f"{counted(cut.instances, 'instance')} of {kind.name} in {region}",
                f"write max_size: {cut.instances}" + _fewer_replicas(s, pool, works),
            )


def _fewer_replicas(s: Situation, pool: RegionalPool, works: list[RegionalWorkload]) -> str:
    """`, or at most 2 replicas of m`: how many replicas of the model with the most still fit the
    pool. Empty if not even its minimum fits."""
    kind = pool.type
    models = sorted((w for w in works if not w.is_job), key=lambda w: (-w.tasks_max, w.name))
    if kind is None or kind.neuron is None or not models:
        return ""
    chosen = models[0]
    for most in range(chosen.tasks_max - 1, max(chosen.replicas.min, 1) - 1, -1):
        demands = tuple(
            replace(d, tasks=most) if d.name == chosen.name and not d.is_job else d
            for d in s.demands(pool)
        )
        cut = layout.arrange(kind.neuron.devices, s.catalog.neuron.device_sets(kind.name), demands)
        if cut is not None and cut.instances <= (pool.max_size or 0):
            return f", or at most {counted(most, 'replica')} of {chosen.name}"
    return ""


@rule(
    "NE207",
    "Inf1 is not supported on Managed Instances",
    Severity.ERROR,
    "Amazon EC2 Inf1 instances are not supported on Managed Instances.",
    do="Use kind: auto_scaling for Inf1, and patterns that leave it out.",
)
def inf1_on_managed_instances(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html (the list
    of accelerated types of Managed Instances names Inf1; the Neuron page says EC2 only)."""
    for name, spec in s.settings.capacity.items():
        if not isinstance(spec, ManagedInstancesCapacity):
            continue
        for index, pattern in enumerate(spec.allowed_instance_types):
            allowed = s.catalog.instances.matching(pattern)
            refused = [t for t in allowed if _support(s, t) == "no"]
            if not refused:
                continue
            rest = [t for t in allowed if _support(s, t) == "yes"]
            if "*" in pattern:
                families = sorted({t.split(".")[0] + ".*" for t in rest})
                what = f'is "{pattern}", which allows {listed(refused)}'
                fix = f"write {listed(families)}" if families else "write inf2.* or trn1.*"
            else:
                what = f'is "{pattern}"'
                fix = f"make a pool of kind: auto_scaling with instance_type: {pattern}"
            yield Report(f"capacity.{name}.allowed_instance_types[{index}]", what, fix)


def _support(s: Situation, type_name: str) -> str:
    kind = s.catalog.instances.neuron_types.get(type_name)
    return kind.neuron.managed_instances if kind and kind.neuron else ""


@rule(
    "NE208",
    "Managed Instances with this family are unproven",
    Severity.WARNING,
    "AWS's pages contradict each other on Managed Instances with this family.",
    do="Use kind: auto_scaling for the family, or test it in an account first.",
)
def unproven_on_managed_instances(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html names Trn2;
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instances-instance-types.html
    lists neither Trn1n nor Trn2."""
    for name, spec in s.settings.capacity.items():
        if isinstance(spec, ManagedInstancesCapacity):
            doubtful = [t for t in s.types_named(name) if _support(s, t) == "unverified"]
            if doubtful:
                yield Report(
                    f"capacity.{name}.allowed_instance_types",
                    f"allows {listed(doubtful)}",
                    "use kind: auto_scaling for it, or test it in an account first",
                )


@rule(
    "NE209",
    "Named devices and NeuronDevice are mixed",
    Severity.ERROR,
    "All tasks of a pool must get their devices in the same way: from ECS (NeuronDevice) or by "
    "name. ECS does not count devices that a task definition names.",
    do="Use neuron_devices: all everywhere on the pool, or name devices everywhere.",
)
def both_approaches(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html: "use one
    approach consistently"."""
    for work in each_workload(s):
        if not work.pool.managed:
            continue
        for name, sidecar in work.spec.sidecars.items():
            if not sidecar.neuron_devices or not work.spec.neuron_devices:
                continue
            path = f"{work.path}.sidecars.{name}.neuron_devices"
            if (sidecar.neuron_devices == "all") != work.managed_devices:
                yield Report(
                    path,
                    "names devices, while the model asks ECS for all of them"
                    if work.managed_devices
                    else "is all, while the model names its devices",
                    "leave it out",
                )
    reported: set[str] = set()
    for (_, pool_name), pool in s.pools.items():
        works = [w for w in s.work_on(pool) if pool.neuron and _exact(pool) and w.device_count]
        whole = [w.name for w in works if w.managed_devices]
        for work in works:
            if whole and not work.managed_devices and work.path not in reported:
                reported.add(work.path)
                yield Report(
                    f"{work.path}.neuron_devices",
                    f"names devices on the pool {pool_name}, where {listed(whole)} asks ECS for "
                    "all of them",
                    "write all, or give it a pool of its own",
                )


def _exact(pool: RegionalPool) -> bool:
    """Whether a Managed Instances pool allows exactly one type, so that devices can be named."""
    spec = pool.spec
    if not isinstance(spec, ManagedInstancesCapacity):
        return False
    return len(spec.allowed_instance_types) == 1 and "*" not in spec.allowed_instance_types[0]


@rule(
    "NE210",
    "More than one container requests NeuronDevice",
    Severity.ERROR,
    "Only one container of a task can specify NeuronDevice.",
    do="Give neuron_devices to one container only.",
)
def several_neuron_device(s: Situation) -> Iterator[Report]:
    """API_ResourceRequirement of the Amazon ECS API Reference."""
    for work in each_workload(s):
        if not work.managed_devices:
            continue
        for name in (n for n, c in work.spec.sidecars.items() if c.neuron_devices == "all"):
            yield Report(
                f"{work.path}.sidecars.{name}.neuron_devices",
                "is all, as in another container of the task",
                "leave it out; one container of the task opens the devices",
            )


@rule(
    "NE211",
    "Named devices need exactly one instance type",
    Severity.ERROR,
    "Named devices depend on the instance type, so the Managed Instances pool must allow exactly "
    "one type.",
    do="Write neuron_devices: all, or allow exactly one instance type.",
)
def named_devices_need_one_type(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference-task-def.html: a
    task definition with named devices is specific to one instance type."""
    for work in each_workload(s):
        spec = work.pool.spec
        if not isinstance(spec, ManagedInstancesCapacity) or work.managed_devices:
            continue
        if work.spec.neuron_devices and work.pool.neuron:
            if not _exact(work.pool):
                yield Report(
                    f"{work.path}.neuron_devices",
                    f"names devices on a pool that allows {listed(spec.allowed_instance_types)}",
                    "write neuron_devices: all, or allow exactly one instance type",
                )


@rule(
    "NE212",
    "Device locks on Managed Instances are unproven",
    Severity.WARNING,
    "Host ports as device locks on Managed Instances follow from AWS's documentation, but have not "
    "been tested in an account.",
    do="Write neuron_devices: all, use kind: auto_scaling, or test it in an account first.",
)
def unproven_locks(s: Situation) -> Iterator[Report]:
    """API_PortMapping: a host port stays reserved until its task has stopped."""
    for work in each_workload(s):
        if work.pool.managed and work.device_count and not work.managed_devices:
            yield Report(
                f"{work.path}.neuron_devices",
                "names devices on a Managed Instances pool",
                "write neuron_devices: all, or use kind: auto_scaling",
            )


@rule(
    "NE213",
    "Sidecar requests devices outside its task",
    Severity.ERROR,
    "A sidecar can open only devices of its own task.",
    do="Write all, or ids of the task's devices.",
)
def sidecar_devices(s: Situation) -> Iterator[Report]:
    """API_LinuxParameters, devices: a container gets what its definition names."""
    for work in each_workload(s):
        for name, sidecar in work.spec.sidecars.items():
            wanted, path = sidecar.neuron_devices, f"{work.path}.sidecars.{name}.neuron_devices"
            without_chips = work.pool.types and not work.pool.neuron  # NE201
            if not wanted or work.managed_devices or without_chips:
                continue
            if work.spec.neuron_devices == 0:
                yield Report(
                    path,
                    f"is {_written(wanted)}; {work.name} takes no device",
                    f"leave it out, or write the devices of {work.name}",
                )
            elif isinstance(wanted, int):
                yield Report(
                    path, f"is the count {wanted}", "write all, or ids of the task's devices"
                )
            elif isinstance(wanted, tuple) and not set(wanted) <= set(work.ids or ()):
                yield Report(
                    path,
                    f"is {ids(wanted)}; the devices of {work.name} are "
                    + (ids(work.ids) if work.ids else "chosen by the planner"),
                    "write all: the task's devices, whichever they are",
                )


@rule(
    "NE214",
    "Job can never start",
    Severity.ERROR,
    "A job starts when its devices are free on an instance.",
    do="Give the pool one more instance, lower the models' minimum, or make a pool for the job.",
)
def job_never_starts(s: Situation) -> Iterator[Report]:
    """ECS does not place a task while another one reserves its host port (API_PortMapping); models
    reserve the ports of their devices as long as they run."""
    for job, wait in waiting.jobs(s):
        if wait.blocked:
            kind = job.pool.type
            yield Report(
                f"{job.path}.neuron_devices",
                f"can never start in {job.region}: models use its devices on all "
                f"{counted(job.pool.max_size or 0, 'instance')} of {kind.name if kind else ''}, "
                "even at their minimum of replicas",
                f"write capacity.{job.pool.name}.max_size: {wait.max_size}, lower replicas.min of "
                "the models, or give the job a pool of its own",
            )


@rule(
    "NE215",
    "Job may have to wait for devices",
    Severity.NOTE,
    "A job waits while models use the devices that it needs.",
    do="Give the pool one more instance if the job must not wait.",
)
def job_waits(s: Situation) -> Iterator[Report]:
    """The task stays in PROVISIONING until a model scales in or an instance is added."""
    for job, wait in waiting.jobs(s):
        if wait.text and not wait.blocked:
            yield Report(
                job.path,
                f"{wait.text} in {job.region}",
                f"with capacity.{job.pool.name}.max_size: {wait.max_size} it always finds room",
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
        if kind is None or kind.neuron is None or not s.sound(pool):
            continue
        whole, demands = s.cut(pool), s.demands(pool)
        sizes = sorted({d.size for d in demands if d.tasks})
        if whole is None or len(sizes) < 2 or len(demands) > 12:
            continue
        sets = s.catalog.neuron.device_sets(kind.name)
        for limit in sizes[1:]:
            parts = (
                layout.arrange(
                    kind.neuron.devices, sets, tuple(d for d in demands if (d.size >= limit) == big)
                )
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
                    "make a second pool of the same type for them",
                )
                break


@rule(
    "NE217",
    "Pool mixes types with and without Neuron devices",
    Severity.ERROR,
    "ECS may choose any type that a capacity provider allows.",
    do="Make one pool of Neuron types and one of other types.",
)
def mixed_with_other_types(s: Situation) -> Iterator[Report]:
    """A Managed Instances pool whose patterns mix types with and without Neuron devices could give
    a task an instance without chips."""
    for name in s.settings.capacity:
        types = s.types_named(name)
        neuron = [t for t in types if t in s.catalog.instances.neuron_types]
        if neuron and len(neuron) < len(types):
            others = [t for t in types if t not in s.catalog.instances.neuron_types]
            yield Report(
                f"capacity.{name}.allowed_instance_types",
                f"allows {listed(others, most=3)}, which have no Neuron devices, beside "
                f"{listed(neuron, most=3)}",
                "make one pool of Neuron types and one of the others",
            )


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
    for work in each_workload(s):
        if work.pool.locks and work.device_count and work.network_mode == "awsvpc":
            yield Report(
                f"{work.path}.network_mode",
                "is awsvpc, which removes the device lock",
                "leave network_mode out (bridge), unless nothing else uses these devices",
            )


@rule(
    "NE242",
    "Number of devices that no source has shown to work",
    Severity.WARNING,
    "No source has shown a container with this number of devices on the instance type.",
    do="Test it on one instance first, or ask for a number of devices that AWS documents.",
    table="neuron_topologies",
)
def unproven_number(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/aws-neuron-sdk: deploy/eks/dra.rst and
    deploy/infrastructure/scheduler.rst offer 1, 4, 8 and 16 devices of a torus;
    vllm-neuron/docs/tutorials/tutorial-epd-1e-1pd-xeypd.md and deploy/eks/training.rst use two."""
    for work in each_workload(s):
        kind = work.smallest
        if kind is None or kind.neuron is None or not s.legal(kind, work):
            continue
        if work.device_count in kind.neuron.unproven_sizes:
            sizes = s.catalog.neuron.legal_counts(kind.name)
            down = [n for n in sizes if n < work.device_count][-1:]
            up = [n for n in sizes if n > work.device_count][:1]
            yield Report(
                f"{work.path}.neuron_devices",
                f"is {_written(work.ids or work.device_count)}, on {kind.name}",
                f"test it on one instance first, or ask for {' or '.join(map(str, down + up))}",
                kind.neuron.unproven_says,
            )


RULES = (
    devices_without_chips,
    devices_not_named,
    device_does_not_exist,
    illegal_set,
    overlap,
    does_not_fit,
    inf1_on_managed_instances,
    unproven_on_managed_instances,
    both_approaches,
    several_neuron_device,
    named_devices_need_one_type,
    unproven_locks,
    sidecar_devices,
    job_never_starts,
    job_waits,
    two_pools_need_fewer,
    mixed_with_other_types,
    lock_given_up,
    unproven_number,
)
