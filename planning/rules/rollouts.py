"""Updates: room to start a task before an old one stops, waiting, pools that are retired."""

from collections.abc import Iterator

from config import AutoScalingCapacity, ManagedInstancesCapacity, ModelEntry
from messages.finding import Severity
from messages.phrases import counted, listed
from planning.entries import RegionalPool, RegionalWorkload
from planning.proposals import size_path
from planning.reached import grace_seconds, leaving_seconds
from planning.rules.rule import Report, rule
from planning.service_tasks import services
from planning.situation import Situation, written_replicas


def _down(s: Situation, pool: RegionalPool) -> list[tuple[RegionalWorkload, int]]:
    """Models of one replica whose update stops it first, and the `max_size` that prevents that.

    The size is 0 where the pool has none. A pool that its replicas do not fit is refused elsewhere.
    """
    found: list[tuple[RegionalWorkload, int]] = []
    for work in (w for w in s.work_on(pool) if not w.is_job and w.replicas.min == 1):
        for tasks in services(s, work):
            busy = tasks.busy_instances or 0
            refused = pool.neuron and pool.max_size is not None and busy > pool.max_size
            if tasks.tasks_min and not tasks.surges and not refused:
                found.append((work, 0 if pool.max_size is None else busy + 1))
    return found


def _outage(s: Situation, work: RegionalWorkload) -> str:
    """How long the model is unavailable when its only task stops before the new one starts."""
    grace, leave = grace_seconds(work, s.catalog), leaving_seconds(s, work)
    parts = [f"up to {leave} s to leave the load balancer"] if leave else []
    return listed(
        [*parts, f"up to {work.stop_seconds} s to stop", f"then the load (up to {grace} s)"]
    )


@rule(
    "NE601",
    "Model is unavailable during an update",
    Severity.NOTE,
    "Without free room ECS must stop a task before it starts the new one: a model with one replica "
    "is unavailable in between.",
    do="Give the pool room for one more instance, or the model a second replica.",
)
def down_while_it_rolls(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html: minimum
    and maximum percent."""
    for (region, _), pool in s.pools.items():
        down = _down(s, pool)
        if not down:
            continue
        stopped = f"an update takes {listed([w.name for w, _ in down], most=4)} down, " + _outage(
            s, down[0][0]
        )
        if pool.max_size is None:
            here = s.pool_regions(pool.name)[region].purchase
            within = f".regions.{region}" if here else ""
            yield Report(
                f"{pool.path}{within}.purchase",
                f"is {pool.purchase}, which starts no instance beyond the reservation in {region}: "
                f"{stopped}",
                "write " + " and ".join(f"{w.path}.replicas: 2" for w, _ in down),
            )
        else:
            yield Report(
                size_path(s, pool),
                f"is {pool.max_size}, which the replicas in {region} can fill: {stopped}",
                f"write max_size: {max(size for _, size in down)}",
            )


@rule(
    "NE602",
    "Reservation has no room for an update",
    Severity.NOTE,
    "If the pool has room, an update starts a task before it stops one. Without that room in the "
    "reservation the new task stays in PROVISIONING.",
    do="Reserve one instance more than the replicas use, or lower max_size to what is reserved.",
)
def reservation_with_room_for_the_rollout(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservations-using.html: a
    targeted reservation that is full launches nothing more."""
    for (region, _), pool in s.pools.items():
        reserved = pool.purchase in ("capacity_reservation", "capacity_block")
        reserved = reserved and not pool.falls_back
        works = [w for w in s.work_on(pool) if not w.is_job and w.device_count]
        placed = s.layout(pool)
        if not reserved or pool.managed or not works or placed is None or pool.max_size is None:
            continue
        if placed.instances_max < pool.max_size:
            yield Report(
                size_path(s, pool),
                f"is {pool.max_size}; the replicas in {region} use {placed.instances_max}, and "
                f"an update wants one instance more of {pool.reservation or 'the reservation'}",
                f"reserve {counted(placed.instances_max + 1, 'instance')}, or write max_size: "
                f"{max(1, placed.instances_max)}",
            )


@rule(
    "NE603",
    "Updates need twice the instances",
    Severity.NOTE,
    "A task with NeuronDevice: ALL uses a whole instance, and an update starts new tasks before it "
    "stops the old ones.",
    do="Request a quota for twice the instances.",
)
def twice_the_instances(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html; the quotas of
    on-demand Inf and Trn instances count in vCPU
    (https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html)."""
    for name in s.settings.capacity:
        found: list[tuple[str, int, str, str]] = []
        for (region, pool_name), pool in s.pools.items():
            tasks = sum(w.tasks_max for w in s.work_on(pool) if w.managed_devices and not w.is_job)
            kinds = s.admitted(pool)
            held = pool.purchase == "reserved" and not pool.falls_back
            if pool_name == name and not held and tasks and len(kinds) > 0:
                vcpus = [f"{2 * tasks * k.vcpus} vCPU of {k.name}" for k in (kinds[0], kinds[-1])]
                larger = " or larger" if len(kinds) > 1 else ""
                need = " to ".join(dict.fromkeys(vcpus))
                found.append((region, tasks, need, kinds[0].name + larger))
        if found:
            runs = listed([f"{counted(n, 'instance')} of {k} in {r}" for r, n, _, k in found])
            twice = listed([f"{2 * n} in {r}" for r, n, _, _ in found])
            quota = listed([f"{need} in {r}" for r, _, need, _ in found])
            yield Report(
                f"capacity.{name}",
                f"runs up to {runs}; up to {twice} while its models are updated",
                f"request a quota for {quota}",
            )


def _told_elsewhere(model: ModelEntry) -> bool:
    """Whether a schedule starts the model, or NE612 says that nothing does."""
    wanted = model.scaling
    counted_by = wanted and wanted.by_load and model.served_ports
    return bool(wanted and (wanted.wakes or counted_by))


@rule(
    "NE604",
    "Model with a minimum of 0 does not start on demand",
    Severity.NOTE,
    "A model with min 0 starts without tasks, and a load balancer does not queue requests.",
    do="Write min: 1, or start it with neuron-ecs scale before it is called.",
)
def minimum_of_zero(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html:
    a target group without targets answers 503."""
    for path, model, replicas in written_replicas(s):
        if not model.called or replicas.min or _told_elsewhere(model):
            continue
        if replicas.most:
            yield Report(
                f"{path}.min",
                "is 0: callers get 503 until somebody starts the model",
                "write min: 1, or run `neuron-ecs scale` before the first call",
            )
        else:
            yield Report(
                path, "is 0: the model is stopped, and callers get 503", "write replicas: 1"
            )


@rule(
    "NE605",
    "Retired pool still runs instances",
    Severity.WARNING,
    "A retired pool runs no tasks, but its min_size instances keep running.",
    do="Remove min_size.",
)
def retired_pool_with_minimum(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-capacity-limits.html"""
    for name, spec in s.settings.capacity.items():
        if isinstance(spec, AutoScalingCapacity) and spec.retired and spec.min_size:
            yield Report(
                f"capacity.{name}.min_size",
                f"is {spec.min_size}, on a retired pool",
                "remove it",
            )


@rule(
    "NE606",
    "Services of a model are updated all at once",
    Severity.WARNING,
    "The services of such a model are updated in two waves. If the second wave does not wait for "
    "the first, all tasks stop at once.",
    do="Leave wait_for_steady_state at true.",
)
def waves_that_do_not_wait(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html: a
    service with a minimum of 0 percent stops its tasks first; services are updated side by side."""
    if s.settings.wait_for_steady_state:
        return
    together: list[str] = []
    for work in (w for w in s.work if not w.is_job):
        tasks = services(s, work)
        stopping = all(not t.surges and t.tasks_min <= 1 for t in tasks)
        if len(tasks) > 1 and stopping and work.name not in together:
            together.append(work.name)
    if together:
        yield Report(
            "wait_for_steady_state",
            f"is false; an update stops all tasks of {listed(together)} together",
            "remove it (the default is true)",
        )


@rule(
    "NE607",
    "Idle instances are never removed",
    Severity.NOTE,
    "With -1 ECS never removes an idle instance. It is paid for until ECS drains it, from its 14th "
    "day on.",
    do="Write the seconds after which ECS may remove an idle instance.",
    table="limits",
)
def idle_instances_stay(s: Situation) -> Iterator[Report]:
    """API_InfrastructureOptimization of the Amazon ECS API Reference, and
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instances-patching.html"""
    for name, spec in s.settings.capacity.items():
        if isinstance(spec, ManagedInstancesCapacity) and spec.scale_in_after_seconds == -1:
            most = s.catalog.limits.value("managed_instances_scale_in_after_max_seconds")
            yield Report(
                f"capacity.{name}.scale_in_after_seconds",
                "is -1: instances without tasks stay",
                f"write 0 to {most}, or leave it out",
            )


@rule(
    "NE608",
    "Update does not end at other desired counts",
    Severity.NOTE,
    "Without free room an update may stop one task of the minimum, as a percentage. ECS rounds the "
    "tasks that must stay up, so with fewer tasks it can stop none and start none; and with many "
    "more, all that find room must stay up.",
    do="Set no desired count outside minimum and maximum, except 0; or give the pool one more "
    "instance.",
)
def counts_that_cannot_roll(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html: minimum
    and maximum percent. UpdateService takes any desired count, also outside the scaling limits."""
    for (region, _), pool in s.pools.items():
        stuck: dict[str, list[str]] = {}
        needed = 0
        most = pool.max_size or 0
        for work in (w for w in s.work_on(pool) if not w.is_job and most):
            for tasks in services(s, work):
                counts, above = tasks.counts_that_cannot_roll, tasks.fewest_that_cannot_roll
                if above is None or (pool.neuron and (tasks.busy_instances or 0) > most):
                    continue
                below = [f"1 to {counts[-1]}" if len(counts) > 1 else "1"] if counts else []
                stuck.setdefault(work.name, []).append(listed([*below, f"{above} or more"]))
                needed = max(needed, (tasks.busy_instances or 0) + 1)
        if stuck:
            told = [f"{model} ({'; '.join(dict.fromkeys(n))})" for model, n in stuck.items()]
            yield Report(
                size_path(s, pool),
                f"is {pool.max_size}, which the replicas in {region} can fill: an update does not "
                f"end at these desired counts of a service: {listed(told, most=4)}",
                "set the desired count to 0 or to a number of replicas before the update, or "
                f"write max_size: {needed}",
            )


RULES = (
    down_while_it_rolls,
    reservation_with_room_for_the_rollout,
    twice_the_instances,
    minimum_of_zero,
    retired_pool_with_minimum,
    waves_that_do_not_wait,
    idle_instances_stay,
    counts_that_cannot_roll,
)
