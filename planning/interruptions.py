"""What a model's callers lose at its minimum of replicas: when an instance ends, and while a new
image rolls out.

ECS places tasks on any instance with room, so each number is that of the worst placement.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog import Catalog
from planning.duration import last_end, waves
from planning.placing import PlacedPool, Rollout, picture, placed
from planning.plan import ModelPlan, Plan, Pool, RegionPlan, Service
from planning.price import Amount, amount_document, pool_rates


@dataclass(frozen=True, slots=True)
class Interruption:
    """What a model in a Region loses; its minimum of replicas is 1 or more."""

    region: str
    model: str
    replicas: int  # at minimum
    left: int  # replicas that still serve when one instance ends
    away: int  # replicas that a new image takes away at a time
    instances: int | None  # that its rollout adds; None: ECS places the tasks by CPU and memory
    minutes: int  # within which the rollout ends, or is given up
    waves: int  # in which its services change: those of one wave at the same time
    cost: Amount | None  # USD of these instances for that time; None if either is unknown


def interruptions(plan: Plan, catalog: Catalog) -> Iterator[Interruption]:
    """Yields what each model loses, Region by Region."""
    for region in plan.regions:
        rollouts = Rollouts(region, catalog)
        for model in (m for m in region.models if m.replicas_min):
            yield rollouts.interruption(model, model.services)


class Rollouts:
    """What models of a Region lose. Its pools, at their minimum, are looked at once."""

    def __init__(self, region: RegionPlan, catalog: Catalog) -> None:
        self._region = region
        self._catalog = catalog
        self._found: dict[str, tuple[PlacedPool, tuple[Rollout, ...]]] = {}

    def interruption(self, model: ModelPlan, restarted: Sequence[Service]) -> Interruption:
        """Returns what a model loses that has a minimum of 1 or more; the rollout is that of the
        services that restart, which are all of them with a new image."""
        pool = self._region.pool(model.pool)
        added = _added(*self._of(pool), model, restarted)
        minutes = last_end(restarted, lambda service: service.timeouts.update_minutes)
        price = pool_rates(pool, self._region.name, self._catalog)
        cost = None
        if added is not None and price.rate is not None:
            hourly = price.hourly((added, added))
            cost = Amount(hourly.minimum * minutes / 60, hourly.maximum * minutes / 60)
        return Interruption(
            region=self._region.name,
            model=model.name,
            replicas=model.replicas_min,
            left=model.replicas_min - _on_one_instance(pool, model),
            away=_away(restarted),
            instances=added,
            minutes=minutes,
            waves=waves(restarted),
            cost=cost,
        )

    def _of(self, pool: Pool) -> tuple[PlacedPool, tuple[Rollout, ...]]:
        """The pool as placed, and the rollout of each placement."""
        if pool.name not in self._found:
            here = placed(self._region, pool)
            self._found[pool.name] = here, picture(here, full=False).rollouts
        return self._found[pool.name]


def document(found: Interruption) -> dict[str, object]:
    """Returns what a model loses as JSON; amounts are decimals as text."""
    return {
        "region": found.region,
        "model": found.model,
        "replicas": found.replicas,
        "left": found.left,
        "away": found.away,
        "instances": found.instances,
        "minutes": found.minutes,
        "waves": found.waves,
        "usd": found.cost and amount_document(found.cost),
    }


def _on_one_instance(pool: Pool, model: ModelPlan) -> int:
    """The most tasks of the model that one instance can run: one of each service with devices,
    whose devices are apart; one of a model with a host port or with all devices."""
    running = [s for s in model.services if s.desired_count]
    if any(a.host_ports for a in pool.layout.assignments if a.workload == model.name):
        return 1
    if any(s.task_definition.devices == "all" for s in running):
        return 1
    if not any(s.task_definition.devices for s in running):
        one = model.network_mode == "host" and any(s.container_port for s in running)
        return 1 if one else model.replicas_min
    return len(running)


def _away(services: Sequence[Service]) -> int:
    """Tasks that stop before new ones start: of the services that do not wait, or of the others."""
    waves = [0, 0]
    for service in services:
        if not service.surges:
            desired = service.desired_count
            stay = -(-desired * service.minimum_healthy_percent // 100)
            waves[bool(service.after)] += desired - stay
    return max(waves)


def _added(
    here: PlacedPool, found: Sequence[Rollout], model: ModelPlan, services: Sequence[Service]
) -> int | None:
    """Instances that the pool adds while these services of the model start new tasks first."""
    if any(a.workload == model.name for a in here.without_devices):
        return None
    held = {s.task_definition.devices for s in services}
    mine = [
        rollout.instances
        for rollout in found
        if rollout.placement.model == model.name
        and ("all" in held or rollout.placement.devices in held)
    ]
    added = max(mine, default=0)  # its services have devices apart
    return added if here.limit is None else min(added, max(0, here.limit - here.least))
