"""Where a job would wait for devices that models hold, and whether it could wait for ever."""

from collections.abc import Iterator
from dataclasses import dataclass

from planning import layout
from planning.situation import RegionalWorkload, Situation


@dataclass(frozen=True, slots=True)
class Wait:
    """What a job meets on its pool."""

    never: bool  # models hold its devices on every instance even at their minimum
    words: str  # where it would wait; empty where an instance always has room
    instances: int  # size of the pool at which it always finds room


def jobs(situation: Situation) -> Iterator[tuple[RegionalWorkload, Wait]]:
    """Every job on devices that the planner tracks, with what it meets."""
    for job in situation.work:
        kind = job.pool.type
        if not job.is_job or not job.device_count or job.managed_devices or kind is None:
            continue
        cut = situation.cut(job.pool)
        if cut is not None and kind.neuron is not None:
            yield job, of(situation, job, cut)


def of(situation: Situation, job: RegionalWorkload, cut: layout.Cut) -> Wait:
    """What the job meets: instances on which models hold any of its devices, at their most and at
    their least."""
    wanted = set(job_devices(job, cut))
    minimum = {w.name: w.replicas.min for w in situation.work_on(job.pool) if not w.is_job}
    most, least = 0, 0
    for devices, deals in zip(cut.slots, cut.deals, strict=True):
        if wanted & set(devices):
            most = max(most, sum(d.tasks for d in deals))
            least = max(least, sum(_at_least(cut, d, minimum) for d in deals))
    size = job.pool.max_size
    if size is None:
        return Wait(False, "", most + 1)
    if least + 1 > size:
        return Wait(True, "waits for ever", least + 1)
    if most + 1 > size:
        return Wait(False, "waits while its pool runs all its replicas", most + 1)
    return Wait(False, "", most + 1)


def job_devices(job: RegionalWorkload, cut: layout.Cut) -> tuple[int, ...]:
    """The devices of a job's task: its ids, those of its slot, or all."""
    if job.ids is not None:
        return job.ids
    for deals in cut.deals:
        for deal in deals:
            if deal.name == f"j:{job.name}":
                return deal.devices
    return tuple(range(job.device_count))


def _at_least(cut: layout.Cut, deal: layout.Deal, minimum: dict[str, int]) -> int:
    """Tasks of the deal while its workload runs its minimum."""
    limits = [d.tasks for deals in cut.deals for d in deals if d.name == deal.name]
    order = [d.devices for deals in cut.deals for d in deals if d.name == deal.name]
    if not deal.name.startswith("m:"):
        return 0
    shares = layout.share_evenly(minimum.get(deal.name[2:], 0), limits)
    return shares[order.index(deal.devices)]
