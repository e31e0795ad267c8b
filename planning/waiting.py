"""Where a job has to wait for devices that models use, and whether it can ever start."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planning import service_tasks
from planning.entries import RegionalPool, RegionalWorkload
from planning.once import once_for_each
from planning.sharing import Use, fewest_instances
from planning.situation import Situation


@dataclass(frozen=True, slots=True)
class Wait:
    """Whether a job has to wait on its pool, and for how long."""

    blocked: bool  # even at minimum replicas no instance can ever have room
    crowded: bool  # then for want of CPU or memory, not of devices or host ports
    lost: bool  # at minimum replicas the models can be where no instance has room, and stay there
    text: str  # what it waits for; empty if an instance always has room
    max_size: int  # the pool's `max_size` with which the job never waits for ever


def jobs(s: Situation, *, compiling: bool = False) -> Iterator[tuple[RegionalWorkload, Wait]]:
    """Yields every job on devices that the planner tracks, with its wait.

    With those that compile models only if asked for: people start them when there is room.
    """
    for job in (w for w in s.work if w.is_job and (compiling or w.name not in s.compile_jobs)):
        kind = job.pool.type
        if not job.device_count or job.managed_devices or kind is None or kind.neuron is None:
            continue
        wait = _wait(s, job)
        if wait is not None:
            yield job, wait


@once_for_each
def _wait(s: Situation, job: RegionalWorkload) -> Wait | None:
    placed = s.layout(job.pool)
    if placed is None:
        return None
    task, minimum = s.use(job, placed.job_devices(job.name)), s.uses(job.pool, full=False)
    least, most, rolling, doubled = (
        s.blocked(job.pool, task, uses)
        for uses in (
            minimum,
            s.uses(job.pool),
            tuple(_rolling(s, job.pool, every=False)),
            tuple(_rolling(s, job.pool, every=True)),
        )
    )
    size = job.pool.max_size
    if size is None or rolling < size:
        return Wait(False, False, False, "", rolling + 1)
    if fewest_instances([u for u in minimum if u.meets(task)], s.ports(job.pool)) >= size:
        return Wait(True, False, False, "waits for ever", least + 1)
    if _exceeds(s, job.pool, [task, *minimum], size):
        return Wait(True, True, False, "waits for ever", least + 1)
    if least >= size:
        return Wait(False, False, True, "may wait for ever after an update", least + 1)
    if most >= size:
        return Wait(False, False, False, "waits while its pool runs all its replicas", doubled + 1)
    return Wait(False, False, False, "waits while models are updated", doubled + 1)


def _exceeds(s: Situation, pool: RegionalPool, uses: Sequence[Use], instances: int) -> bool:
    """Whether the tasks need more CPU or memory than so many instances register."""
    kind = pool.type
    assert kind is not None
    room = s.registered(kind, pool)
    cpu = sum(use.tasks * use.size.cpu_units for use in uses)
    memory = sum(use.tasks * use.size.memory_mib for use in uses)
    return cpu > instances * room.cpu_units or memory > instances * room.memory_mib


def _rolling(s: Situation, pool: RegionalPool, *, every: bool) -> Iterator[Use]:
    """The tasks of the models at maximum replicas while all are updated: a service that surges, or
    each if the pool had room, runs its old tasks beside as many new ones."""
    for work in (w for w in s.work_on(pool) if not w.is_job):
        for tasks in service_tasks.services(s, work):
            number = tasks.tasks_max * (2 if every or tasks.surges else 1)
            yield s.use(work, tasks.devices, number)
