"""Neuron devices: which exist, which sets a task may use, and whether the pool has enough."""

from collections import Counter
from collections.abc import Iterator

from catalog import InstanceType
from config import ManagedInstancesCapacity
from messages.finding import Severity
from messages.phrases import counted, flow, id_sets, ids, listed
from planning import managed_types
from planning.command_line import opens_no_core
from planning.entries import RegionalPool, RegionalWorkload
from planning.proposals import accepting, as_group, fitting_types, passes_with
from planning.rules.rule import Report, rule
from planning.situation import Situation


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
    for work in s.distinct_work:
        if work.pool.neuron or not work.pool.types:
            continue
        types = listed([t.name for t in work.pool.types], most=3)
        sidecars = [(f"{work.path}.sidecars.{n}", c) for n, c in work.spec.sidecars.items()]
        for path, container in ((work.path, work.spec), *sidecars):
            if container.neuron_devices:
                other = _pool_with_chips(s, work)
                yield Report(
                    f"{path}.neuron_devices",
                    f"is {_written(container.neuron_devices)}; {types} has no Neuron device",
                    "leave it out" + (f", or write {work.path}.capacity: {other}" if other else ""),
                )


def _pool_with_chips(s: Situation, work: RegionalWorkload) -> str:
    """The first pool of the Region with Neuron devices on which the workload passes."""
    here = (p for (r, _), p in s.pools.items() if r == work.region and p.neuron and not p.managed)
    return next((p.name for p in here if s.passes({f"{work.path}.capacity": p.name})), "")


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
    for work in s.distinct_work:
        kind = work.smallest
        if work.pool.neuron and work.spec.neuron_devices is None and kind and kind.neuron:
            sizes = s.catalog.neuron.legal_counts(kind.name)
            path = f"{work.path}.neuron_devices"
            whole = ", or write all" if s.passes({path: "all"}) else ""
            yield Report(
                path,
                f"is missing, on a pool of {kind.name}",
                "write all"
                if work.pool.managed
                else f"write {sizes[0]} "
                f"({listed([*map(str, sizes[1:]), '0 with memory_mib'], most=16)} are possible as "
                f"well){whole}",
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
    for work in s.distinct_work:
        kind = work.smallest
        if kind is None or kind.neuron is None or work.device_count == 0:
            continue
        total = kind.neuron.devices
        path = f"{work.path}.neuron_devices"
        if work.ids is None and work.device_count > total:
            types, known = fitting_types(s, work.pool.name), s.catalog.instances
            bigger = [
                t
                for t in types
                if (n := known.neuron_types[t].neuron) and n.frameworks == kind.neuron.frameworks
            ]
            yield Report(
                path,
                f"is {work.device_count}; {kind.name} has {counted(total, 'device')}",
                f"write at most {total}"
                + (f", or use {listed(bigger)}, offered in {work.region}" if bigger else ""),
                "A task runs on one instance and gets only the devices of that instance.",
            )
        elif work.ids is not None and work.ids[-1] >= total:
            wrong = [d for d in work.ids if d >= total]
            yield Report(
                path,
                f"is {ids(work.ids)}; {kind.name} has no device {listed(map(str, wrong))}",
                f"write {_near(s, kind, work.ids)}: its devices are 0 to {total - 1}"
                if total > 1
                else "write [0], its only device",
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
    for work in s.distinct_work:
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
            if wanted is None:
                sizes = s.catalog.neuron.legal_counts(kind.name)
                up = [n for n in sizes if n > work.device_count][:1]
                down = [n for n in sizes if n < work.device_count][-1:]
                yield Report(
                    path,
                    f"is {work.device_count}, not a legal number of devices on {kind.name}",
                    f"write {' or '.join(map(str, down + up))}",
                )
            else:
                yield Report(
                    path,
                    f"is {ids(wanted)}, which is not a legal set of devices on {kind.name}",
                    f"write {_near(s, kind, wanted)}",
                )


def _near(s: Situation, kind: InstanceType, wanted: tuple[int, ...]) -> str:
    """The four legal sets of ids nearest to those that are wanted, of their number if there are."""
    sets = s.catalog.neuron.proven_sets(kind.name)
    size = max((n for _, n in sets if n <= len(wanted)), default=1)
    near = sorted((abs(f - wanted[0]), f) for f, n in sets if n == size)
    return id_sets(sorted((f, size) for _, f in near[:4]))


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
            admitted = s.types_named(name)
            refused = [t for t in allowed if t in admitted and _support(s, t) == "no"]
            if not refused:
                continue
            rest = [t for t in allowed if _support(s, t) == "yes"]
            if "*" in pattern:
                families = sorted({t.split(".")[0] + ".*" for t in rest})
                what = f'is "{pattern}", which allows {listed(refused)}'
                fix = f"write {listed(families)}" if families else "write inf2.*, or write trn1.*"
            else:
                what = f'is "{pattern}"'
                fix = f"use kind: auto_scaling with instance_type: {pattern}{accepting(s, name)}"
                others = tuple(p for p in spec.allowed_instance_types if p != pattern)
                if not as_group(s, name):
                    fixes = ["leave it out"] if others and passes_with(s, name, *others) else []
                    fixes += [f"use {listed(types)}" for types in [fitting_types(s, name)] if types]
                    fix = ", or ".join(fixes) or fix
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
        if not isinstance(spec, ManagedInstancesCapacity):
            continue
        field, types, fix = "allowed_instance_types", s.types_named(name), as_group(s, name)
        if not spec.allowed_instance_types:
            field = "accelerators" if spec.accelerators else "accelerator_manufacturers"
            offered = {t.name for (_, n), pool in s.pools.items() if n == name for t in pool.types}
            types = tuple(t for t in types if t in offered)
        elif proven := _proven(s, spec.allowed_instance_types):
            fix = f"write {flow(proven)}"
        doubtful = [t for t in types if _support(s, t) == "unverified"]
        chips = managed_types.accelerators(spec, s.catalog)
        having = s.catalog.instances.with_accelerator
        if others := [a for a in chips if set(having(a)).isdisjoint(doubtful)]:
            fix = f"write capacity.{name}.accelerators: {flow(others)}"
        if doubtful:
            yield Report(
                f"capacity.{name}.{field}",
                f"allows {listed(doubtful)}",
                (f"{fix}, or " if fix else "") + "test it in an account first",
            )


def _proven(s: Situation, patterns: tuple[str, ...]) -> list[str]:
    """The patterns that allow nothing unproven, and the proven families of the others."""
    found: list[str] = []
    for pattern in patterns:
        types = s.catalog.instances.matching(pattern)
        if all(_support(s, t) != "unverified" for t in types):
            found.append(pattern)
        else:
            found += [t.split(".")[0] + ".*" for t in types if _support(s, t) == "yes"]
    return list(dict.fromkeys(found))


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
    for work in s.distinct_work:
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
                    "write all, or move it to a pool of its own",
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
    for work in s.distinct_work:
        if not work.managed_devices:
            continue
        for name in (n for n, c in work.spec.sidecars.items() if c.neuron_devices == "all"):
            yield Report(
                f"{work.path}.sidecars.{name}.neuron_devices",
                "is all, as in another container of the task",
                "leave it out: one container of the task opens the devices",
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
    for work in s.distinct_work:
        spec = work.pool.spec
        if not isinstance(spec, ManagedInstancesCapacity) or work.managed_devices:
            continue
        if work.spec.neuron_devices and work.pool.neuron:
            whole = [w for w in s.work if w.pool.name == work.pool.name and w.managed_devices]
            if not _exact(work.pool):
                yield Report(
                    f"{work.path}.neuron_devices",
                    "names devices on a pool that allows "
                    f"{listed(spec.allowed_instance_types or s.types_named(work.pool.name))}",
                    "write neuron_devices: all"
                    + (
                        f", or write capacity.{work.pool.name}.allowed_instance_types: "
                        f"[{work.smallest.name}]"
                        if work.smallest
                        and not whole
                        and passes_with(s, work.pool.name, work.smallest.name)
                        else ""
                    ),
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
    for work in s.distinct_work:
        if work.pool.managed and work.device_count and not work.managed_devices:
            yield Report(
                f"{work.path}.neuron_devices",
                "names devices on a Managed Instances pool",
                "write neuron_devices: all"
                + (f", or {group}" if (group := as_group(s, work.pool.name)) else ""),
            )


@rule(
    "NE213",
    "Sidecar requests devices outside its task",
    Severity.ERROR,
    "A sidecar can open only devices of its own task.",
    do="Leave neuron_devices out, or write all in a sidecar that watches the devices.",
)
def sidecar_devices(s: Situation) -> Iterator[Report]:
    """API_LinuxParameters, devices: a container gets what its definition names."""
    for work in s.distinct_work:
        for name, sidecar in work.spec.sidecars.items():
            wanted, path = sidecar.neuron_devices, f"{work.path}.sidecars.{name}.neuron_devices"
            without_chips = work.pool.types and not work.pool.neuron  # NE201
            if not wanted or work.managed_devices or without_chips:
                continue
            what = None
            if work.spec.neuron_devices == 0:
                what = f"is {_written(wanted)}; {work.name} takes no device"
            elif isinstance(wanted, int):
                what = f"is the count {wanted}"
            elif isinstance(wanted, tuple) and not set(wanted) <= set(work.ids or ()):
                what = f"is {ids(wanted)}; the devices of {work.name} are " + (
                    ids(work.ids) if work.ids else "chosen by the planner"
                )
            watches = work.device_count and opens_no_core(sidecar.image, s.catalog)
            fix = "write all, the devices of the task" if watches else "leave it out"
            if what is not None:
                yield Report(path, what, fix)


@rule(
    "NE217",
    "Pool mixes types with and without Neuron devices",
    Severity.WARNING,
    "ECS may choose any type that a capacity provider allows: tasks without devices can land "
    "on types with chips that nothing uses.",
    do="Make one pool of Neuron types and one of other types.",
)
def mixed_with_other_types(s: Situation) -> Iterator[Report]:
    """API_InstanceRequirementsRequest, allowedInstanceTypes; a task that asks for NeuronDevice gets
    an instance that registers it (API_ResourceRequirement)."""
    for name in s.settings.capacity:
        types = s.types_named(name)
        neuron = [t for t in types if t in s.catalog.instances.neuron_types]
        if neuron and len(neuron) < len(types):
            others = [t for t in types if t not in s.catalog.instances.neuron_types]
            known, matching = s.catalog.instances.neuron_types, s.catalog.instances.matching
            patterns = getattr(s.settings.capacity[name], "allowed_instance_types", ())
            kept = [p for p in patterns if matching(p) and all(t in known for t in matching(p))]
            yield Report(
                f"capacity.{name}.allowed_instance_types",
                f"allows {listed(others, most=3)}, which have no Neuron devices, beside "
                f"{listed(neuron, most=3)}",
                f"write {flow(kept or neuron[:5])}, and make a second pool of the others",
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
    for work in s.distinct_work:
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
                f"test it on one instance first, or write {' or '.join(map(str, down + up))}",
                kind.neuron.unproven_says,
            )


RULES = (
    devices_without_chips,
    devices_not_named,
    device_does_not_exist,
    illegal_set,
    inf1_on_managed_instances,
    unproven_on_managed_instances,
    both_approaches,
    several_neuron_device,
    named_devices_need_one_type,
    unproven_locks,
    sidecar_devices,
    mixed_with_other_types,
    unproven_number,
)
