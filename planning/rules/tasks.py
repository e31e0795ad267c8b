"""Tasks on instances: sizes, network modes, ports, replicas."""

from collections.abc import Iterator

from catalog import InstanceType
from config import AutoScalingCapacity, ManagedInstancesCapacity, ModelEntry, Scaling
from messages.finding import Severity
from messages.phrases import listed
from planning import choices
from planning.entries import RegionalPool, RegionalWorkload
from planning.proposals import as_group, fitting_types, other_port, passes_with, size_path
from planning.reached import opened, running_server
from planning.rooms import NOTHING, Room
from planning.rules.rule import Report, rule
from planning.situation import Situation, written_replicas


def _bigger(s: Situation, work: RegionalWorkload, *, cpu: int, memory: int) -> str:
    """`, or use inf2.8xlarge`: types of the Region with as many devices and enough room."""
    kind = work.smallest
    family = kind.neuron.family if kind and kind.neuron else None
    fitting = [
        t.name
        for t in s.catalog.instances.neuron_types.values()
        if t.neuron
        and family
        and t.neuron.devices >= work.device_count
        and s.counted_on(t, work.pool).cpu_units >= cpu
        and s.counted_on(t, work.pool).memory_mib >= memory
        and s.catalog.places.zones_offering(t.name, work.region)
        and not (work.pool.managed and t.neuron.managed_instances != "yes")
        and passes_with(s, work.pool.name, t.name)
    ]
    return f", or use {listed(fitting, most=3)}" if fitting else ""


@rule(
    "NE301",
    "Task is larger than the instance",
    Severity.ERROR,
    "A task that is larger than what an instance registers stays in PROVISIONING forever.",
    do="Request at most what the instance has for tasks, or use a larger type.",
    table="registered_memory",
)
def larger_than_the_instance(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/memory-management.html; every CPU
    unit is registered
    (https://github.com/aws/amazon-ecs-agent/blob/master/ecs-agent/api/ecs/client/ecs_client.go)."""
    for work in s.distinct_work:
        kind = max(work.pool.types, key=lambda t: (t.memory_mib, t.vcpus), default=None)
        if kind is None or work.types:
            continue  # ECS chooses a type on which the task fits
        has, most = s.registered(kind, work.pool), s.counted_on(kind, work.pool)
        beside = " beside the daemons" * (s.taken_by_daemons(work.pool) != NOTHING)
        cpu, memory = work.spec.cpu_units or 0, work.spec.memory_mib or 0
        fits = [
            t
            for t in work.pool.types
            if s.registered(t, work.pool).cpu_units >= cpu
            and s.registered(t, work.pool).memory_mib >= memory
        ]
        wrong = [
            (field, wanted, installed, limit, fix)
            for field, wanted, installed, limit, fix in (
                (
                    "memory_mib",
                    memory,
                    f"{has.memory_mib} MiB{beside}",
                    has.memory_mib,
                    most.memory_mib,
                ),
                ("cpu_units", cpu, f"{kind.vcpus} vCPU{beside}", has.cpu_units, most.cpu_units),
            )
            if wanted > limit
        ]
        for field, wanted, installed, limit, fix in wrong:
            while fix > 256 and not s.passes({f"{work.path}.{field}": fix}):
                fix //= 2
            yield Report(
                f"{work.path}.{field}",
                f"is {wanted}; {kind.name} has {installed}, and a task at most {limit}",
                f"write at most {fix}" + _bigger(s, work, cpu=cpu, memory=memory),
            )
        if not wrong and not fits:
            yield Report(
                f"{work.path}.cpu_units",
                f"is {cpu}, with {memory} MiB: no instance type that {work.pool.name} allows in "
                f"{work.region} has both",
                f"write at most {most.cpu_units}, which {kind.name} has"
                + _bigger(s, work, cpu=cpu, memory=memory),
            )


@rule(
    "NE302",
    "Memory of the task is missing",
    Severity.ERROR,
    "A task without devices has no share of the instance from which its memory could follow.",
    do="Write memory_mib.",
)
def no_size(s: Situation) -> Iterator[Report]:
    """RegisterTaskDefinition needs the memory of the task or of each container; CPU is optional on
    EC2 (API_ContainerDefinition)."""
    for work in s.distinct_work:
        kind = work.smallest
        stated = work.spec.neuron_devices is not None or not work.pool.neuron  # else NE202
        if kind is not None and stated and not work.device_count and s.task_size(work) is None:
            yield Report(
                f"{work.path}.memory_mib",
                "is missing, for a task without Neuron devices",
                f"write memory_mib: {s.counted_on(kind, work.pool).memory_mib // 4}, a quarter of "
                f"what tasks on {kind.name} can have together",
            )


@rule(
    "NE303",
    "Sidecars take more CPU or memory than the task has",
    Severity.ERROR,
    "The CPU and memory of the sidecars are part of the task's.",
    do="Give the sidecars less, or the task more.",
)
def sidecars_leave_nothing(s: Situation) -> Iterator[Report]:
    """API_ContainerDefinition, cpu and memory: the containers' sum must not exceed the task's."""
    for work in s.distinct_work:
        size = s.task_size(work)
        cpu = sum(c.cpu_units for c in work.spec.sidecars.values())
        memory = sum(c.memory_mib for c in work.spec.sidecars.values())
        if size is None or not work.spec.sidecars:
            continue
        for field, taken, have in (
            ("cpu_units", cpu, size.cpu_units),
            ("memory_mib", memory, size.memory_mib),
        ):
            if taken > have or (taken == have and field == "memory_mib"):
                yield Report(
                    f"{work.path}.sidecars",
                    f"take {taken} of the task's {have} {field}"
                    + (", which leaves the model nothing" if taken == have else ""),
                    f"lower the sidecars' {field}" + _twice(s, work, field, taken),
                )


def _twice(s: Situation, work: RegionalWorkload, field: str, taken: int) -> str:
    """`, or write cpu_units: 512`: twice what the sidecars take, if an instance has so much."""
    room = s.counted_on(work.smallest, work.pool) if work.smallest else Room(0, 0)
    return f", or write {work.path}.{field}: {taken * 2}" * (taken * 2 <= getattr(room, field))


@rule(
    "NE304",
    "Nothing moves the number of replicas",
    Severity.WARNING,
    "Without scaling the minimum runs, whatever the load is, and the chips of the other replicas "
    "stay idle.",
    do="Say what moves the replicas, or write the same number for min and max.",
)
def nothing_scales(s: Situation) -> Iterator[Report]:
    """Application Auto Scaling moves the desired count only by a scaling policy or by hand
    (https://docs.aws.amazon.com/autoscaling/application/userguide/what-is-application-auto-scaling.html)."""
    for path, model, replicas in written_replicas(s):
        moved = model.scaling is not None and model.scaling.moves
        if replicas.min < replicas.most and not moved:
            at = ".".join(path.split(".", 2)[:2])
            requests = f"write {at}.scaling.requests_per_minute: 60, or " * bool(model.served_ports)
            row = running_server(model, s.catalog)
            edits = {f"{at}.scaling": Scaling(queue=choices.QUEUE_PROPOSED)}
            if row and row.queue_metrics and s.passes(edits):
                requests += f"write {at}.scaling.queue: {choices.QUEUE_PROPOSED}, or "
            yield Report(
                path,
                f"has min {replicas.min} below max {replicas.most}, and no scaling moves it",
                f"{requests}write {at}.scaling.external: true, where somebody else does, or write "
                f"{replicas.most}",
            )


@rule(
    "NE305",
    "Maximum is below the minimum",
    Severity.ERROR,
    "The maximum must be at least the minimum.",
    do="Raise the maximum, or lower the minimum.",
)
def maximum_below_minimum(s: Situation) -> Iterator[Report]:
    """RegisterScalableTarget refuses a MinCapacity above the MaxCapacity; an Auto Scaling group
    likewise."""
    for path, _, replicas in written_replicas(s):
        if replicas.max is not None and replicas.max < replicas.min:
            raised = s.passes({f"{path}.max": replicas.min})
            yield Report(
                f"{path}.max",
                f"is {replicas.max}, below min {replicas.min}",
                f"write max: {replicas.min}" if raised else f"write min: {replicas.max}",
            )
    for name, spec in s.settings.capacity.items():
        if isinstance(spec, AutoScalingCapacity):
            sizes = {r: p.max_size for (r, n), p in s.pools.items() if n == name}
            low = [r for r, size in sizes.items() if size is not None and size < spec.min_size]
            if low:
                yield Report(
                    f"capacity.{name}.min_size",
                    f"is {spec.min_size}, above max_size in {listed(low)}",
                    f"write at most {min(size for size in sizes.values() if size is not None)}",
                )


@rule(
    "NE306",
    "Network mode does not work on Managed Instances",
    Severity.ERROR,
    "Managed Instances run tasks only in awsvpc or host mode.",
    do="Leave network_mode out.",
)
def bridge_on_managed_instances(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instance-networking.html"""
    for work in s.distinct_work:
        if work.pool.managed and work.network_mode == "bridge":
            yield Report(
                f"{work.path}.network_mode", "is bridge, on Managed Instances", "leave it out"
            )


@rule(
    "NE307",
    "Bridge mode on a pool with EFA",
    Severity.WARNING,
    "Tasks of other instances reach a task in bridge mode only at ports that Docker maps, so the "
    "processes that use EFA may not find each other.",
    do="Leave network_mode out on pools with efa.",
)
def efa_needs_host(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/eks/latest/userguide/device-management-efa.html: containers get
    EFA as devices, in a network of their own as well. No page of AWS shows EFA in bridge mode."""
    for work in s.distinct_work:
        spec = work.pool.spec
        efa = isinstance(spec, AutoScalingCapacity) and spec.efa
        if efa and work.network_mode == "bridge" and work.spec.neuron_devices != 0:
            yield Report(
                f"{work.path}.network_mode",
                "is bridge, on a pool with efa",
                f"leave capacity.{work.pool.name}.efa out, or leave it out and silence NE726 with "
                "the reason, if you trust the code",
            )


@rule(
    "NE308",
    "Instance type has no EFA interface",
    Severity.ERROR,
    "Only some instance types have EFA interfaces, and `efa` attaches those of Neuron types.",
    do="Leave efa out, or use a Neuron type with EFA interfaces.",
)
def no_efa(s: Situation) -> Iterator[Report]:
    """EC2 DescribeInstanceTypes, EfaInfo.MaximumEfaInterfaces."""
    known = s.catalog.instances
    for name, spec in s.settings.capacity.items():
        if not isinstance(spec, AutoScalingCapacity) or not spec.efa:
            continue
        kind = known.get(spec.instance_type)
        if kind is None or (kind.neuron is None and kind.accelerator != "none"):
            continue  # another rule refuses the type
        if kind.neuron is None:
            yield Report(
                f"capacity.{name}.efa",
                f"is true; {kind.name} has no Neuron devices",
                "leave it out",
            )
        elif not kind.neuron.efa_interfaces:
            having = [
                t
                for t in fitting_types(s, name)
                if (n := known.neuron_types[t].neuron) and n.efa_interfaces
            ]
            yield Report(
                f"capacity.{name}.efa",
                f"is true; {kind.name} has no EFA interface",
                "leave it out" + (f", or use {listed(having)}" if having else ""),
            )


@rule(
    "NE309",
    "Host port is reserved",
    Severity.ERROR,
    "Only one task at a time can use a host port of an instance.",
    do="Let each server on the host listen on its own free port below 20000.",
    table="host_ports",
)
def host_port_conflict(s: Situation) -> Iterator[Report]:
    """API_PortMapping: ports 22, 2375, 2376 and 51678 to 51680 are the host's; ports from 32768 up
    are ephemeral."""
    reserved = s.catalog.networks.reserved_host_ports
    ephemeral = s.catalog.limits.value("ephemeral_port_first")
    for work in s.distinct_work:
        if work.network_mode != "host":
            continue
        for at, port in opened(work):
            if port in reserved or port >= ephemeral:
                yield Report(
                    at,
                    f"is {port}, which the host reserves",
                    f"write {other_port(work, at, port)}, and let the server listen there",
                )
            elif port in _lock_ports(work):
                yield Report(
                    at,
                    f"is {port}, which locks a Neuron device",
                    f"write {other_port(work, at, port)}, and let the server listen there",
                    "In host mode the locks of a task's devices are ports 20000 and up.",
                )


def _lock_ports(work: RegionalWorkload) -> range:
    """The ports that lock devices on the workload's instances; ECS itself tracks `all`."""
    if work.managed_devices:
        return range(0)
    kind = work.smallest
    number = kind.neuron.devices if kind and kind.neuron else 0
    return range(choices.LOCK_PORT_BASE, choices.LOCK_PORT_BASE + number)


@rule(
    "NE310",
    "Shared memory cannot be set on Managed Instances",
    Severity.ERROR,
    "Managed Instances do not support a size for /dev/shm.",
    do="Leave shared_memory_mib out, or use kind: auto_scaling.",
)
def shared_memory_on_managed_instances(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters-managed-instances.html:
    linuxParameters.sharedMemorySize is not supported."""
    for work in s.distinct_work:
        if work.pool.managed and work.spec.shared_memory_mib is not None:
            yield Report(
                f"{work.path}.shared_memory_mib",
                f"is {work.spec.shared_memory_mib}, on Managed Instances",
                "leave it out"
                + (f", or {group}" if (group := as_group(s, work.pool.name)) else ""),
            )


@rule(
    "NE311",
    "Invalid log retention",
    Severity.ERROR,
    "CloudWatch Logs keeps events only for certain numbers of days.",
    do="Write one of the periods that CloudWatch Logs supports.",
    table="log_retention_days",
)
def log_retention(s: Situation) -> Iterator[Report]:
    """API_PutRetentionPolicy of the CloudWatch Logs API Reference."""
    allowed = s.catalog.limits.log_retention_days
    for path, spec in s.named_workloads():
        if spec.log_retention_days not in allowed:
            near = sorted(sorted(allowed, key=lambda d: abs(d - spec.log_retention_days))[:2])
            yield Report(
                f"{path}.log_retention_days",
                f"is {spec.log_retention_days}",
                f"write {' or '.join(str(d) for d in near)}",
            )


@rule(
    "NE312",
    "Health check is outside its limits",
    Severity.ERROR,
    "ECS and the load balancer limit the values of a health check.",
    do="Stay within the limits; grace_seconds covers a longer start.",
    table="limits",
)
def health_check_limits(s: Situation) -> Iterator[Report]:
    """API_HealthCheck of the Amazon ECS API Reference for a command: interval 5 to 300 s, timeout 2
    to 60 s, 1 to 10 retries, start period at most 300 s. CreateTargetGroup of the Elastic Load
    Balancing API for a model with a port: interval 5 to 300 s and above the timeout of 2 to 120 s,
    2 to 10 failures."""
    limit = s.catalog.limits.value
    for path, spec in s.named_workloads():
        check, outside = spec.health_check, False
        if check is None:
            continue
        balanced = isinstance(spec, ModelEntry) and spec.called
        users = ["health_check"] if check.command else []
        users += ["target_health_check"] if balanced else []
        for field, value in (
            ("interval_seconds", check.interval_seconds),
            ("timeout_seconds", check.timeout_seconds),
            ("retries", check.retries),
        ):
            stem, _, unit = field.partition("_")
            unit = f"_{unit}" if unit else ""
            low = max((limit(f"{user}_{stem}_min{unit}") for user in users), default=value)
            high = min((limit(f"{user}_{stem}_max{unit}") for user in users), default=value)
            first, last = low, high  # with the interval above the timeout
            if balanced and field == "timeout_seconds":
                last = min(high, max(low, check.interval_seconds - 1))
            if balanced and field == "interval_seconds":
                first = min(high, max(low, check.timeout_seconds + 1))
            if not low <= value <= high:
                outside = True
                yield Report(
                    f"{path}.health_check.{field}",
                    f"is {value}" + (", with a load balancer" if balanced else ""),
                    f"write {first} to {last}",
                )
        start, longest = check.start_period_seconds, limit("health_check_start_period_max_seconds")
        if check.command and start is not None and start > longest:
            yield Report(
                f"{path}.health_check.start_period_seconds",
                f"is {start}",
                f"write 0 to {longest}: grace_seconds covers a longer start",
            )
        if balanced and check.timeout_seconds >= check.interval_seconds and not outside:
            yield Report(
                f"{path}.health_check.timeout_seconds",
                f"is {check.timeout_seconds}, not below the interval of {check.interval_seconds}",
                f"write at most {check.interval_seconds - 1}",
                "A load balancer's health check must end before the next begins.",
            )


@rule(
    "NE313",
    "Setting is outside the limits of Managed Instances",
    Severity.ERROR,
    "ECS limits the storage and the scale-in delay of Managed Instances.",
    do="Stay within the limits of Managed Instances.",
    table="limits",
)
def managed_instances_limits(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ManagedInstances.html (storage);
    API_InfrastructureOptimization (scaleInAfter)."""
    limit = s.catalog.limits.value
    for name, spec in s.settings.capacity.items():
        if not isinstance(spec, ManagedInstancesCapacity):
            continue
        low = limit("managed_instances_storage_gib_min")
        high = limit("managed_instances_storage_gib_max")
        if spec.storage_gib is not None and not low <= spec.storage_gib <= high:
            yield Report(
                f"capacity.{name}.storage_gib", f"is {spec.storage_gib}", f"write {low} to {high}"
            )
        idle = limit("managed_instances_scale_in_after_max_seconds")
        if spec.scale_in_after_seconds is not None and spec.scale_in_after_seconds > idle:
            yield Report(
                f"capacity.{name}.scale_in_after_seconds",
                f"is {spec.scale_in_after_seconds}",
                f"write at most {idle}, or write -1, which keeps idle instances",
            )
        offered = {t.name: t for p in s.pools.values() if p.name == name for t in p.types}
        without = [
            t for t, k in sorted(offered.items()) if k.neuron and not k.neuron.local_storage_gb
        ]
        if spec.local_storage and without:
            yield Report(
                f"capacity.{name}.local_storage",
                f"is true; {listed(without)} has no instance store",
                "leave it out",
            )
        if spec.local_storage and spec.storage_gib is not None:
            yield Report(
                f"capacity.{name}.storage_gib",
                "is given beside local_storage: true",
                "leave it out, or leave local_storage out",
                "Local storage replaces the EBS data volume.",
            )


@rule(
    "NE314",
    "CPU and memory of the replicas exceed the pool",
    Severity.ERROR,
    "Tasks on one instance share its CPU and memory.",
    do="Raise max_size, write smaller sizes, or use a larger type.",
)
def pool_too_small(s: Situation) -> Iterator[Report]:
    """ECS places a task only where its CPU and memory are left
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/memory-management.html). Tasks with
    the share of their devices always fit; tasks with written sizes may not."""
    for pool, kind, works in _sized(s):
        needed = _instances(s, pool, works, s.registered(kind, pool))
        if pool.max_size is not None and needed > pool.max_size:
            enough = _instances(s, pool, works, s.counted_on(kind, pool))
            yield Report(
                f"capacity.{pool.name}.max_size",
                f"is {pool.max_size}; the CPU, memory and host ports of the replicas of "
                f"{listed([w.name for w in works])} need {needed} instances of {kind.name} in "
                f"{pool.region}",
                f"write {size_path(s, pool)}: {enough}, or lower cpu_units and memory_mib",
            )


def _sized(s: Situation) -> Iterator[tuple[RegionalPool, InstanceType, list[RegionalWorkload]]]:
    """Yields each pool whose models all fit an instance, with its smallest type and the models."""
    for pool in s.pools.values():
        works = [w for w in s.work_on(pool) if not w.is_job and s.task_size(w)]
        kind = s.instance_of(pool)
        if kind is not None and works and all(_fits_alone(s, w) for w in works):
            yield pool, kind, works


def _instances(s: Situation, pool: RegionalPool, works: list[RegionalWorkload], room: Room) -> int:
    """Returns how many instances with that room the CPU and memory of all replicas need."""
    if not pool.neuron:
        return s.packed(pool, s.others(pool), room)
    cut = s.cut(pool)
    if cut is None or (pool.max_size is not None and cut.fewest > pool.max_size):
        return 0
    sizes = [(w.tasks_max, size) for w in works if (size := s.task_size(w))]
    cpu = sum(n * size.cpu_units for n, size in sizes)
    memory = sum(n * size.memory_mib for n, size in sizes)
    return max(cut.fewest, -(-cpu // room.cpu_units), -(-memory // room.memory_mib))


@rule(
    "NE315",
    "Tasks of different slots do not fit an instance together",
    Severity.WARNING,
    "Tasks on one instance share its CPU and memory.",
    do="Write sizes that fit an instance together, or leave them out for the share of the devices.",
)
def slots_too_small(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/memory-management.html: if the
    written sizes together exceed an instance, some of its devices stay unused."""
    for pool, kind, works in _sized(s):
        has = s.registered(kind, pool)
        for field, have in (("memory_mib", has.memory_mib), ("cpu_units", has.cpu_units)):
            together, largest = _together(s, pool, works, field)
            if largest is not None and together > have:
                yield Report(
                    f"{largest.path}.{field}",
                    f"is {getattr(largest.spec, field)}; the tasks that share an instance of the "
                    f"pool {pool.name} in {pool.region} can request {together} together; it has "
                    f"{have}",
                    _smaller(s, largest, field, have - together),
                )


def _smaller(s: Situation, work: RegionalWorkload, field: str, by: int) -> str:
    """What to write for a size that is too large beside the others, by so much (negative)."""
    share = s.share(work)
    if share is not None:
        return f"leave it out: its share is {getattr(share, field)}"
    fits = getattr(work.spec, field) + by
    return (f"write {field}: {fits}, or " if fits > 0 else "") + "move it to a pool of its own"


def _together(
    s: Situation, pool: RegionalPool, works: list[RegionalWorkload], field: str
) -> tuple[int, RegionalWorkload | None]:
    """Returns the most of a size that tasks on all slots of an instance request together with one
    task without devices, and the model whose written size is the largest of them, one with devices
    first; 0 and `None` without a layout by slots."""
    cut = None if pool.managed or not pool.neuron else s.cut(pool)
    named = {w.name: w for w in works}
    held = [[named[d.name] for d in deals] for deals in cut.deals] if cut else []
    held += [[w for w in works if not w.device_count]] if held else []
    most = [max((getattr(s.task_size(w), field) for w in ws), default=0) for ws in held]
    written = [w for ws in held for w in ws if getattr(w.spec, field) is not None]
    return sum(most), max(
        written,
        key=lambda w: (w.device_count > 0, getattr(w.spec, field), w.name),
        default=None,
    )


def _fits_alone(s: Situation, work: RegionalWorkload) -> bool:
    kind, size = work.smallest, s.task_size(work)
    if kind is None or size is None:
        return False
    room = s.registered(kind, work.pool)
    return size.cpu_units <= room.cpu_units and size.memory_mib <= room.memory_mib


@rule(
    "NE350",
    "Tasks fit the pool only in some orders",
    Severity.WARNING,
    "ECS places tasks in the order in which they start and never moves them, so tasks of different "
    "sizes, devices or host ports can leave gaps that no other task fits.",
    do="Raise max_size, or give all tasks of the pool the same size and ports of their own.",
)
def order_can_leave_a_task_out(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-strategies.html:
    binpack chooses among the instances that have room, one task at a time."""
    for pool, kind, works in _sized(s):
        placed = s.layout(pool)
        if placed is None or pool.max_size is None:
            continue
        needed = placed.instances_max
        if 0 < _instances(s, pool, works, s.counted_on(kind, pool)) <= pool.max_size < needed:
            yield Report(
                f"capacity.{pool.name}.max_size",
                f"is {pool.max_size}; {listed([w.name for w in works])} fit in {pool.region} only "
                "if ECS places them in certain orders",
                f"write {size_path(s, pool)}: {needed}, which fits them in any order",
            )


@rule(
    "NE351",
    "Memory is above the estimate of what an instance registers",
    Severity.WARNING,
    "The kernel keeps a part of the installed memory, and how much an instance of this type "
    "registers is not recorded: the figure that the plan counts on is an estimate.",
    do="Write a size within the estimate, or start one task first and read what is registered.",
    table="registered_memory",
)
def memory_above_the_estimate(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/memory-management.html: less
    memory is registered than is installed; `aws ecs describe-container-instances` shows how
    much."""
    for work in s.distinct_work:
        kind, wanted = work.smallest, work.spec.memory_mib
        if kind is None or wanted is None:
            continue
        has = s.registered(kind, work.pool).memory_mib
        most = s.counted_on(kind, work.pool).memory_mib
        share = s.share(work) if s.others(work.pool) else None
        if most < wanted <= has:
            yield Report(
                f"{work.path}.memory_mib",
                f"is {wanted}; {kind.name} has {has} MiB, of which about {most} are registered",
                f"write at most {share.memory_mib if share else most}",
            )
    for pool, kind, works in _sized(s):
        has, most = s.registered(kind, pool), s.counted_on(kind, pool)
        if any((w.spec.memory_mib or 0) > most.memory_mib for w in works):
            continue
        together, largest = _together(s, pool, works, "memory_mib")
        if largest is not None and most.memory_mib < together <= has.memory_mib:
            yield Report(
                f"{largest.path}.memory_mib",
                f"is {largest.spec.memory_mib}; the tasks that share an instance of the pool "
                f"{pool.name} in {pool.region} can request {together} MiB together; "
                f"{kind.name} has {has.memory_mib}, of which about {most.memory_mib} are "
                "registered",
                _smaller(s, largest, "memory_mib", most.memory_mib - together),
            )
        needed = _instances(s, pool, works, most)
        if pool.max_size is not None and needed > pool.max_size >= _instances(s, pool, works, has):
            yield Report(
                f"capacity.{pool.name}.max_size",
                f"is {pool.max_size}; by the estimate of {most.memory_mib} MiB on {kind.name} the "
                f"replicas of {listed([w.name for w in works])} need {needed} instances in "
                f"{pool.region}",
                f"write {size_path(s, pool)}: {needed}, or lower memory_mib",
            )


RULES = (
    larger_than_the_instance,
    no_size,
    sidecars_leave_nothing,
    nothing_scales,
    maximum_below_minimum,
    bridge_on_managed_instances,
    efa_needs_host,
    no_efa,
    host_port_conflict,
    shared_memory_on_managed_instances,
    log_retention,
    health_check_limits,
    managed_instances_limits,
    pool_too_small,
    slots_too_small,
    order_can_leave_a_task_out,
    memory_above_the_estimate,
)
