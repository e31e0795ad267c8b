"""How the replicas of a model follow its load: the tasks of each service at each load.

Every service of a model watches the load of the whole model, with thresholds of its own. A replica
more is always a task more of one service, the one that is dealt the next replica. So the services
together run as many tasks as the load needs, rounded up once and not once for each service.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from config import AutoScalingCapacity, ModelEntry, RangeAt
from planning import choices, names, plan, queue
from planning.alarms import Alarm, Math, NameOf, Query, balancer_metric
from planning.command_line import server_of
from planning.dealing import share_evenly
from planning.entries import RegionalWorkload
from planning.following import Mover, ScalingPolicy, ScalingStep, ScheduledLimits
from planning.once import once_for_each
from planning.reached import grace_seconds
from planning.situation import Situation


def numbers_of_replicas(limits: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Returns for each service the numbers of replicas at which it gets its first task, its second,
    and so on up to its limit, where replicas are dealt as `dealing.share_evenly` does."""
    found: list[list[int]] = [[] for _ in limits]
    replicas = 0
    for tasks in range(1, max(limits, default=0) + 1):
        for numbers, limit in zip(found, limits, strict=True):
            if tasks <= limit:
                replicas += 1
                numbers.append(replicas)
    return tuple(map(tuple, found))


def serve_seconds(s: Situation, work: RegionalWorkload) -> int:
    """Returns how long it takes until a further replica serves, on an instance of its own, which
    runs already where the pool has headroom.

    The load takes what the table says of the server, with a download and a compilation; without a
    row it takes what the health check allows.
    """
    row = server_of(work.spec, s.catalog)
    load = (row.cold_start_seconds if row else 0) or grace_seconds(work, s.catalog)
    spec = work.pool.spec
    ready = bool(work.pool.blocks) or (isinstance(spec, AutoScalingCapacity) and spec.headroom)
    boot = 0 if ready else choices.BOOT_MINUTES
    return 60 * (boot + choices.PULL_MINUTES) + load


def rise_seconds(s: Situation, work: RegionalWorkload) -> int:
    """Returns the time from a burst of load until all replicas serve.

    Managed scaling starts a few instances at a time, and waits for their warm-up in between; ECS
    Managed Instances start all at once.
    """
    placed, rounds = s.layout(work.pool), 1
    if placed is not None and work.pool.max_size is not None and not work.pool.blocks:
        missing = placed.instances_max - placed.instances_min
        rounds = max(1, -(-missing // min(choices.SCALING_STEP, work.pool.max_size)))
    boots = isinstance(work.pool.spec, AutoScalingCapacity) and work.pool.spec.headroom
    waiting = (rounds - 1) * (choices.INSTANCE_WARMUP_SECONDS + choices.METRIC_SECONDS)
    waiting += 60 * choices.BOOT_MINUTES if boots else 0  # of those beside the idle one
    noticed = choices.SCALE_OUT_PERIODS * choices.METRIC_SECONDS
    return noticed + waiting + serve_seconds(s, work)


@once_for_each
def mover(s: Situation, work: RegionalWorkload) -> Mover | None:
    """Returns what moves the replicas of a model between minimum and maximum; `None` if nothing."""
    wanted = work.spec.scaling if isinstance(work.spec, ModelEntry) else None
    if wanted is None or not wanted.moves or work.replicas.min >= work.tasks_max:
        return None
    out, into = wanted.cooldown_out_seconds, wanted.cooldown_in_seconds
    out = serve_seconds(s, work) if out is None else out
    return Mover(
        requests_per_minute=wanted.requests_per_minute if wanted.queue is None else None,
        queue=wanted.queue,
        external=wanted.external,
        cooldown_out_seconds=out,
        cooldown_in_seconds=choices.COOLDOWN_IN_TIMES * out if into is None else into,
        scheduled=bool(wanted.schedule),
    )


def scaled(
    s: Situation, work: RegionalWorkload, services: Sequence[plan.Service], load: Math | None
) -> list[plan.Service]:
    """Returns the services of a model with what moves their tasks; `load` is that of the model."""
    if mover(s, work) is None:
        return list(services)
    limits = [service.tasks_max for service in services]
    times = scheduled_ranges(work, limits)
    found: list[plan.Service] = []
    for at, (service, numbers) in enumerate(
        zip(services, numbers_of_replicas(limits), strict=True)
    ):
        target = service.scaling
        if target is not None:
            target = replace(
                target,
                policies=policies(s, work, service.key, numbers, load) if load else (),
                schedule=tuple(
                    ScheduledLimits(
                        names.key(service.key, "at", names.digest(when.expression + when.timezone)),
                        when.expression,
                        when.timezone,
                        least[at],
                        most[at],
                    )
                    for when, least, most in times
                ),
            )
        found.append(replace(service, scaling=target))
    return found


def scheduled_ranges(
    work: RegionalWorkload, limits: Sequence[int]
) -> tuple[tuple[RangeAt, tuple[int, ...], tuple[int, ...]], ...]:
    """Returns each entry of the schedule with the minimum and the maximum of each service.

    The range of a Region's own replicas limits it. Of entries at one time the last one counts.
    """
    wanted = work.spec.scaling if isinstance(work.spec, ModelEntry) else None
    entries = {(e.expression, e.timezone): e for e in (wanted.schedule if wanted else ())}
    least, most = work.replicas.min, work.tasks_max

    def dealt(replicas: int | None, default: int) -> tuple[int, ...]:
        number = default if replicas is None else max(least, min(most, replicas))
        return share_evenly(number, limits)

    return tuple((when, dealt(when.min, least), dealt(when.max, most)) for when in entries.values())


def policies(
    s: Situation,
    work: RegionalWorkload,
    service: str,
    numbers: Sequence[int],
    load: Math,
) -> tuple[ScalingPolicy, ...]:
    """Returns the policies out and in of a service; none where nothing moves it.

    `numbers` are the numbers of replicas at which it gets each of its tasks. The model needs n
    replicas or more above a load of n - 1 times the target.
    """
    moved = mover(s, work)
    target = moved.target if moved else None
    rises = [(n, tasks) for tasks, n in enumerate(numbers, start=1) if n > work.replicas.min]
    if moved is None or target is None or not rises:
        return ()
    # No alarm asks for fewer replicas before the last one that was added has served a while.
    patience = max(choices.SCALE_IN_PERIODS, -(-moved.cooldown_out_seconds // 60))
    patience = min(patience, choices.LONGEST_PERIODS)
    out = tuple(ScalingStep((n - 1) * target, tasks) for n, tasks in rises)
    fewest = ScalingStep(None, rises[0][1] - 1)
    first, last = ((n - 1) * target for n in (rises[0][0], rises[-1][0]))
    most = s.catalog.limits.value("alarm_name_max")

    def policy(
        way: Literal["out", "in"], threshold: int, steps: tuple[ScalingStep, ...]
    ) -> ScalingPolicy:
        key = names.key(service, way)
        more = way == "out"
        name = f"{s.project}-{s.stack} {work.name} in {work.region}: scales {way} {service}"
        return ScalingPolicy(
            key,
            way,
            Alarm(
                key=key,
                name=names.fitted(name, most),
                description=f"Sets the tasks of a service of {work.name} by the load of the model. "
                f"Its state {'above' if more else 'below'} the threshold is no incident.",
                measured=load,
                comparison="GreaterThanThreshold" if more else "LessThanThreshold",
                threshold=threshold + choices.BETWEEN_LOADS,
                periods=choices.SCALE_OUT_PERIODS if more else patience,
                datapoints=choices.SCALE_OUT_DATAPOINTS if more else patience,
                # Requests that nobody counts are none; a queue that nobody reports is unknown.
                missing_data="breaching" if not more and moved.queue is None else "notBreaching",
                actions=(NameOf("scaling_policy", key),),
            ),
            steps,
            moved.cooldown_out_seconds if more else moved.cooldown_in_seconds,
        )

    return policy("out", first, out), policy("in", last, (fewest, *out[:-1]))


def measured(s: Situation, work: RegionalWorkload, balancer: str, group: str) -> Math | None:
    """Returns the load of a model that moves its replicas; `None` if nothing measures it.

    An empty `group` is that of a model that no load balancer reaches.
    """
    moved = mover(s, work)
    if moved is not None and moved.queue is not None:
        return queue.load(work, s.catalog, s.qualified_name)
    return requests(balancer, group) if group else None


def requests(balancer: str, group: str) -> Math:
    """Returns the requests a minute of a target group.

    Without requests the load balancer reports nothing
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html).
    """
    counted = balancer_metric("RequestCount", "Sum", choices.METRIC_SECONDS, balancer, group)
    return Math("FILL(requests, 0)", "requests a minute", (Query("requests", counted),))
