"""What moves the number of replicas, and whether it can."""

from collections.abc import Iterator

from config import ModelEntry, Scaling
from messages.finding import Severity
from messages.phrases import listed
from planning import queue, scaling
from planning.command_line import server_of
from planning.entries import RegionalWorkload
from planning.proposals import size_path
from planning.reached import running_server
from planning.rules.rule import Report, rule
from planning.service_tasks import services
from planning.situation import Situation


def _scaled(s: Situation) -> Iterator[tuple[RegionalWorkload, Scaling]]:
    """Each model with `scaling`, in each of its Regions."""
    for work in s.work:
        if isinstance(work.spec, ModelEntry) and work.spec.scaling is not None:
            yield work, work.spec.scaling


def _has_no_port(work: RegionalWorkload) -> bool:
    """Of a model of `serve` that could not be written out the port is not known."""
    return not work.spec.served_ports and not (
        isinstance(work.spec, ModelEntry) and work.spec.serve is not None
    )


def _measured(s: Situation) -> Iterator[tuple[RegionalWorkload, str, str]]:
    """Each model whose server is measured: the path of what asks for it, and its value."""
    for work in s.work:
        if isinstance(work.spec, ModelEntry) and work.spec.server_metrics:
            yield work, f"{work.path}.server_metrics", "true"
    for work, wanted in _scaled(s):
        if wanted.queue is not None:
            yield work, f"{work.path}.scaling.queue", str(wanted.queue)


def _field(wanted: Scaling) -> str:
    """The load that counts."""
    return "requests_per_minute" if wanted.queue is None else "queue"


@rule(
    "NE609",
    "Nothing counts the requests of the model",
    Severity.ERROR,
    "The load balancer counts the requests of a model that has a port. No other metric of AWS has "
    "the requests of a model.",
    do="Give the model a port, or let something else move its replicas.",
)
def requests_without_a_port(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html:
    RequestCount, by TargetGroup and LoadBalancer."""
    for work, wanted in _scaled(s):
        if wanted.requests_per_minute is not None and _has_no_port(work):
            port = f"{work.path}.port"
            listening = f"write {port}: 8080, or " if s.passes({port: 8080}) else ""
            yield Report(
                f"{work.path}.scaling.requests_per_minute",
                f"is {wanted.requests_per_minute}, and the model has no port behind the load "
                "balancer",
                f"{listening}leave it out and write external: true",
            )


@rule(
    "NE610",
    "Two things move the replicas",
    Severity.WARNING,
    "Each sets the desired counts of the services, and each undoes what the other has set.",
    do="Write external, or the load of a replica, but not both.",
)
def moved_twice(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html:
    a policy sets the count while its alarm rings."""
    for work, wanted in _scaled(s):
        named = ["queue"] * (wanted.queue is not None)
        named += ["requests_per_minute"] * (wanted.requests_per_minute is not None)
        named += ["schedule"] * bool(wanted.schedule)
        if wanted.external and named:
            yield Report(
                f"{work.path}.scaling.external",
                f"is true, beside {listed(named)}",
                "leave it out",
            )


@rule(
    "NE611",
    "Cooldown ends before the new replica serves",
    Severity.WARNING,
    "Until the new replica serves, the load stays what it was. After the cooldown the same load "
    "asks for more replicas, or fewer, on figures that the last change has not reached.",
    do="Leave the cooldown out, or write the time until a further replica serves.",
    table="servers",
)
def cooldown_too_short(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/autoscaling/application/APIReference/API_StepScalingPolicyConfiguration.html:
    Cooldown, the time to wait for a previous scaling activity to take effect."""
    for work, wanted in _scaled(s):
        needed = scaling.serve_seconds(s, work)
        for name in ("cooldown_out_seconds", "cooldown_in_seconds"):
            given = getattr(wanted, name)
            if given is not None and given < needed and not wanted.external:
                yield Report(
                    f"{work.path}.scaling.{name}",
                    f"is {given}; a further replica serves after up to {needed} seconds (boot, "
                    "image, load)",
                    f"write {needed}, or leave it out",
                    dated=server_of(work.spec, s.catalog) is not None,
                )


@rule(
    "NE612",
    "No load wakes a model without replicas",
    Severity.WARNING,
    "The load balancer counts requests that reach a replica, and a replica reports its own queue. "
    "At 0 replicas callers get 503, which counts for no model: nothing raises the number again.",
    do="Write a minimum of 1, a schedule with one, or start it with neuron-ecs scale.",
)
def asleep_for_ever(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html:
    RequestCount counts where the load balancer was able to choose a target."""
    for work, wanted in _scaled(s):
        asleep = work.replicas.min == 0 < work.tasks_max and not wanted.wakes
        if asleep and wanted.by_load and work.spec.served_ports:
            path = f"{work.path}.replicas.min"
            overrides = work.spec.regions if isinstance(work.spec.regions, dict) else {}
            here = overrides.get(work.region)
            if getattr(here, "replicas", None) is not None:
                path = f"{work.path}.regions.{work.region}.replicas.min"
            yield Report(
                path,
                f"is 0, and {_field(wanted)} alone moves the replicas",
                f'write 1; or write {work.path}.scaling.schedule: [{{expression: "cron(0 7 ? * '
                'MON-FRI *)", min: 1}]; or run `neuron-ecs scale` before the first call',
            )


@rule(
    "NE613",
    "Replicas have no range to move in",
    Severity.NOTE,
    "With the same number for min and max the number of replicas never changes.",
    do="Write a higher max, or leave scaling out.",
)
def no_range(s: Situation) -> Iterator[Report]:
    """RegisterScalableTarget: MinCapacity and MaxCapacity."""
    ranges: dict[str, set[tuple[int, int]]] = {}
    for work, wanted in _scaled(s):
        if wanted.moves:
            ranges.setdefault(work.path, set()).add((work.replicas.min, work.tasks_max))
    for path, found in ranges.items():
        if all(least >= most for least, most in found):
            counts = [str(most) for _, most in sorted(found)]
            yield Report(
                f"{path}.replicas",
                f"is {listed(counts)} as min and as max: scaling moves nothing",
                f"leave {path}.scaling out",
            )


@rule(
    "NE614",
    "More scaling steps than the quota",
    Severity.WARNING,
    "A policy has a step for each number of tasks of a service. AWS refuses more than the quota, "
    "which it can raise.",
    do="Request a higher quota, or lower the maximum.",
    table="limits",
)
def too_many_steps(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-quotas.html:
    step adjustments per step scaling policy."""
    most = s.catalog.limits.value("scaling_steps_max")
    for work, wanted in _scaled(s):
        steps = max((t.tasks_max - t.tasks_min for t in services(s, work)), default=0)
        field = _field(wanted)
        if wanted.by_load and steps > most:
            yield Report(
                f"{work.path}.scaling.{field}",
                f"is {getattr(wanted, field)}, and a service in {work.region} needs {steps} "
                f"steps; the quota is {most}",
                f"request {steps} step adjustments per step scaling policy in Service Quotas",
            )


@rule(
    "NE615",
    "Schedule leaves the range of the replicas",
    Severity.ERROR,
    "Slots are cut for the maximum of the replicas, and their minimum always runs. A schedule "
    "narrows that range.",
    do="Write the widest range of the day as replicas, and narrower ones in the schedule.",
)
def beyond_the_range(s: Situation) -> Iterator[Report]:
    """API_ScalableTargetAction of the Application Auto Scaling API Reference."""
    for name, model in s.settings.models.items():
        replicas = model.replicas
        for at, entry in enumerate(model.scaling.schedule if model.scaling else ()):
            path = f"models.{name}.scaling.schedule[{at}]"
            least, most = entry.min, entry.max
            for field, value in (("min", least), ("max", most)):
                if value is not None and not replicas.min <= value <= replicas.most:
                    yield Report(
                        f"{path}.{field}",
                        f"is {value}; replicas has min {replicas.min} and max {replicas.most}",
                        f"write {replicas.min if value < replicas.min else replicas.most}",
                    )
            if least is not None and most is not None and most < least <= replicas.most:
                yield Report(f"{path}.max", f"is {most}, below min {least}", f"write {least}")


@rule(
    "NE616",
    "Two ranges at one time",
    Severity.WARNING,
    "Entries with the same times would run at the same moment. Only the last of them is built.",
    do="Leave all but one of the entries out.",
)
def two_ranges_at_once(s: Situation) -> Iterator[Report]:
    """API_PutScheduledAction of the Application Auto Scaling API Reference: Schedule, Timezone."""
    for name, model in s.settings.models.items():
        seen: dict[tuple[str, str], int] = {}
        for at, entry in enumerate(model.scaling.schedule if model.scaling else ()):
            first = seen.setdefault((entry.expression, entry.timezone), at)
            if first != at:
                yield Report(
                    f"models.{name}.scaling.schedule[{at}].expression",
                    f"is {entry.expression}, as in schedule[{first}]",
                    f"leave models.{name}.scaling.schedule[{at}] out",
                )


@rule(
    "NE617",
    "Pool has no room for headroom",
    Severity.ERROR,
    "An idle instance is one of max_size. Managed scaling takes a target capacity of 1 to 100 "
    "percent, and with one instance it would be 0.",
    do="Raise max_size, or leave headroom out.",
)
def headroom_without_room(s: Situation) -> Iterator[Report]:
    """API_ManagedScaling of the Amazon ECS API Reference: targetCapacity."""
    for pool in s.pools.values():
        headroom = getattr(pool.spec, "headroom", 0)
        if headroom and pool.max_size is not None and pool.max_size <= headroom:
            yield Report(
                f"{pool.path}.headroom",
                f"is {headroom}, and max_size in {pool.region} is {pool.max_size}",
                f"write {size_path(s, pool)}: {headroom + 1}, or leave it out",
            )


@rule(
    "NE618",
    "Nothing to fall back from",
    Severity.WARNING,
    "Only a pool of Capacity Reservations falls back on demand. A Capacity Block has a market of "
    "its own, and on demand nothing is reserved.",
    do="Buy the pool by capacity_reservation or reserved, or leave on_demand_fallback out.",
)
def nothing_to_fall_back_from(s: Situation) -> Iterator[Report]:
    """API_CapacityReservationSpecification of the EC2 Auto Scaling API Reference."""
    for name, spec in s.settings.capacity.items():
        here = [p for (_, n), p in s.pools.items() if n == name]
        if spec.on_demand_fallback and here and not any(p.falls_back for p in here):
            purchases = list(dict.fromkeys(p.purchase for p in here))
            yield Report(
                f"capacity.{name}.on_demand_fallback",
                f"is true, on a pool whose purchase is {listed(purchases)}",
                "leave it out",
            )


@rule(
    "NE619",
    "Reservation group excludes on demand",
    Severity.ERROR,
    "ECS takes a group of reservations only where nothing else may be used. Without a group it "
    "uses the open reservations that match, and on-demand instances beside them.",
    do="Leave the group out, or leave on_demand_fallback out.",
)
def group_beside_fallback(s: Situation) -> Iterator[Report]:
    """API_CapacityReservationRequest of the Amazon ECS API Reference: reservationGroupArn with
    RESERVATIONS_ONLY alone (https://github.com/hashicorp/terraform-provider-aws/pull/48816)."""
    for pool in s.pools.values():
        held = pool.purchase == "reserved" and pool.reservation is not None
        if pool.managed and pool.falls_back and held:
            yield Report(
                f"{pool.path}.on_demand_fallback",
                f"is true, beside the group {pool.reservation} in {pool.region}",
                "leave it out",
            )


@rule(
    "NE620",
    "Server has no metrics of its queue",
    Severity.ERROR,
    "A sidecar reads what the server says it runs and queues. This server says nothing of that, so "
    "that nothing is measured, and replicas that follow it never move.",
    do="Leave it out: scale by requests_per_minute, or let something else move the replicas.",
    table="servers",
)
def no_queue_metrics(s: Situation) -> Iterator[Report]:
    """https://docs.vllm.ai/en/latest/usage/metrics.html"""
    for work, path, value in _measured(s):
        row = running_server(work.spec, s.catalog)
        if row is not None and not row.queue_metrics:
            others = (
                " and write requests_per_minute: 60, or leave it out and write external: true"
                if path.endswith(".queue")
                else ""
            )
            what = f"is {value}, and the server is {row.name}"
            yield Report(path, what, f"leave it out{others}")


@rule(
    "NE621",
    "Metrics of the queue are not known",
    Severity.WARNING,
    "No table knows the server of this image. The sidecar asks it for the metrics of vLLM; while "
    "it has none, nothing is measured, and nothing moves replicas that follow it.",
    do="Make sure that the server has vLLM's metrics at /metrics.",
    table="servers",
)
def queue_of_an_unknown_server(s: Situation) -> Iterator[Report]:
    """https://docs.vllm.ai/en/latest/usage/metrics.html"""
    for work, path, value in _measured(s):
        unknown = running_server(work.spec, s.catalog) is None
        if unknown and work.spec.served_ports:
            named = listed(list(queue.metrics(work, s.catalog)))
            others = " and write requests_per_minute: 60" * path.endswith(".queue")
            yield Report(
                path,
                f"is {value}, and what runs in {work.spec.image} is not known",
                f"make sure that port {work.spec.served_ports[0]} has {named} at /metrics, or "
                f"leave it out{others}",
            )


@rule(
    "NE622",
    "Server of a model without a port is measured",
    Severity.ERROR,
    "The sidecar reads the metrics of the server from the model's port.",
    do="Give the model its server's port, or leave it out.",
)
def queue_without_a_port(s: Situation) -> Iterator[Report]:
    """https://docs.vllm.ai/en/latest/usage/metrics.html: /metrics of the API server."""
    for work, path, value in _measured(s):
        if _has_no_port(work):
            row = running_server(work.spec, s.catalog)
            port = f"write {work.path}.port: {row.port}, or " if row and row.queue_metrics else ""
            others = " and write external: true" * path.endswith(".queue")
            what = f"is {value}, and the model has no port"
            yield Report(path, what, f"{port}leave it out{others}")


@rule(
    "NE623",
    "Two loads move the replicas",
    Severity.WARNING,
    "Each would set the number of tasks, and undo what the other has set. Only queue is built.",
    do="Write one of queue and requests_per_minute.",
)
def two_loads(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html:
    a policy sets the count while its alarm rings."""
    for work, wanted in _scaled(s):
        if wanted.queue is not None and wanted.requests_per_minute is not None:
            yield Report(
                f"{work.path}.scaling.requests_per_minute",
                f"is {wanted.requests_per_minute}, beside queue: {wanted.queue}",
                "leave it out",
            )


RULES = (
    requests_without_a_port,
    moved_twice,
    cooldown_too_short,
    asleep_for_ever,
    no_range,
    too_many_steps,
    beyond_the_range,
    two_ranges_at_once,
    headroom_without_room,
    nothing_to_fall_back_from,
    group_beside_fallback,
    no_queue_metrics,
    queue_of_an_unknown_server,
    queue_without_a_port,
    two_loads,
)
