"""Where a job has to wait for devices that models use, and whether it can ever start."""

from collections.abc import Iterator
from dataclasses import dataclass

from planning import plan
from planning.situation import RegionalPool, RegionalWorkload, Situation


@dataclass(frozen=True, slots=True)
class Wait:
    """Whether a job has to wait on its pool, and for how long."""

    blocked: bool  # models use its devices on every instance even at their minimum replicas
    text: str  # what it waits for; empty if an instance always has room
    max_size: int  # the pool's `max_size` with which the job never waits


def jobs(s: Situation) -> Iterator[tuple[RegionalWorkload, Wait]]:
    """Yields every job on devices that the planner tracks, with its wait."""
    for job in (w for w in s.work if w.is_job):
        kind = job.pool.type
        if not job.device_count or job.managed_devices or kind is None or kind.neuron is None:
            continue
        placed = s.layout(job.pool)
        if placed is not None:
            yield job, _wait(job.pool, placed, placed.job_devices(job.name))


def _wait(pool: RegionalPool, placed: plan.Layout, devices: tuple[int, ...]) -> Wait:
    least, most = placed.tasks_on(devices)
    if pool.max_size is None or most < pool.max_size:
        return Wait(False, "", most + 1)
    if least < pool.max_size:
        return Wait(False, "waits while its pool runs all its replicas", most + 1)
    return Wait(True, "waits for ever", least + 1)
