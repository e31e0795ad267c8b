"""Replicas follow a load, minute by minute: alarms, policies, cooldowns, instances that start.

The rules of AWS that it plays:

- An alarm rings while enough of the last minutes are beyond its threshold, and invokes its policy
  each minute.
  https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
- A policy sets the tasks of the step in whose range the load is: more tasks at once, fewer only
  after the cooldown. API_StepScalingPolicyConfiguration
- Managed scaling starts a few instances at a time, with a warm-up in between.
  https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-auto-scaling.html

Pages leave two things open, so that both ways are played: whether the load of a step is the newest
or the highest of the alarm's minutes, and whether a cooldown after more tasks blocks fewer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import pytest

from planning import choices
from planning.following import ScalingPolicy
from planning.plan import AutoScalingPool, ModelPlan, RegionPlan, Service
from planning.scaling import numbers_of_replicas
from tests.planning.fixtures_scaling import HERE, on
from tests.planning.stacks import decide_on, groups, work

READY = choices.BOOT_MINUTES  # minutes until an instance takes tasks
STEP_WAIT = choices.INSTANCE_WARMUP_SECONDS // 60 + 1
TARGET = 60


@dataclass(frozen=True)
class Reading:
    """How AWS is read where its pages leave it open."""

    highest: bool  # the load of a step is the highest of the alarm's minutes, not the newest
    blocking: bool  # after more tasks the cooldown blocks fewer


@dataclass
class Scaled:
    """A service with its desired count, and the minutes of its last changes."""

    service: Service
    desired: int
    last: dict[str, int] = field(default_factory=dict[str, int])
    changes: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    ready: list[int] = field(default_factory=list[int])  # minute from which each task serves

    def minute(self, now: int, loads: Sequence[int], reading: Reading) -> None:
        scaling = self.service.scaling
        for policy in scaling.policies if scaling else ():
            wanted = _wanted(policy, loads, reading)
            if wanted is None or wanted == self.desired:
                continue
            sign = 1 if wanted > self.desired else -1
            blocking = ("in", "out") if reading.blocking else ("in",)
            cooling = any(now < self.last.get(direction, 0) for direction in blocking)
            if sign < 0 and (cooling or now < self.last.get(policy.direction, 0)):
                continue
            self.changes.append((now, wanted - self.desired))
            self.desired = wanted
            self.last[policy.direction] = now + policy.cooldown_seconds // 60


def _wanted(policy: ScalingPolicy, loads: Sequence[int], reading: Reading) -> int | None:
    seen = loads[-policy.alarm.periods :]
    beyond = [(load > policy.alarm.threshold) == (policy.direction == "out") for load in seen]
    if len(seen) < policy.alarm.periods or sum(beyond) < policy.alarm.datapoints:
        return None
    load = max(seen) if reading.highest else seen[-1]
    steps = [s for s in policy.steps if s.above is None or load > s.above]
    outside = (load > policy.alarm.threshold) != (policy.direction == "out")
    return None if outside or not steps else steps[-1].tasks


@dataclass
class Life:
    """A model on its pool, from minute to minute."""

    region: RegionPlan
    model: ModelPlan
    reading: Reading
    loads: list[int] = field(default_factory=list[int])
    services: list[Scaled] = field(default_factory=list[Scaled])
    instances: list[int] = field(default_factory=list[int])  # minute from which each takes tasks
    next_step: int = 0

    def __post_init__(self) -> None:
        self.services = [Scaled(s, s.desired_count) for s in self.model.services]
        self.instances = [0] * self.pool.layout.instances_min
        for one in self.services:
            one.ready = [0] * one.desired

    @property
    def pool(self) -> AutoScalingPool:
        pool = self.region.pool(self.model.pool)
        assert isinstance(pool, AutoScalingPool)
        return pool

    def minute(self, load: int) -> None:
        now = len(self.loads)
        self.loads.append(load)
        for one in self.services:
            one.minute(now, self.loads, self.reading)
            del one.ready[one.desired :]
        needed = max(one.desired for one in self.services)  # a slot takes a task an instance
        if needed > len(self.instances) and now >= self.next_step:
            step = min(self.pool.maximum_scaling_step, needed - len(self.instances))
            self.instances += [now + READY] * step
            self.next_step = now + STEP_WAIT
        del self.instances[max(needed, self.pool.layout.instances_min) :]
        load_minutes = self.model.serve_seconds // 60 - READY
        for one in self.services:
            room = sum(ready <= now for ready in self.instances)
            while len(one.ready) < min(one.desired, room):
                one.ready.append(now + load_minutes)

    @property
    def serving(self) -> int:
        now = len(self.loads) - 1
        return sum(ready <= now for one in self.services for ready in one.ready)


READINGS = [Reading(highest, blocking) for highest, blocking in product((True, False), repeat=2)]


def life(
    reading: Reading, instances: int, least: int, most: int, load: str = "requests_per_minute"
) -> Life:
    """Tasks of 3 of 6 devices: two slots on each instance."""
    model = work(3, port=8080, replicas={"min": least, "max": most})
    model["scaling"] = {load: TARGET}
    decided = decide_on(on(groups("inf2.24xlarge", instances), model, traffic=HERE))
    [region] = decided.regions
    return Life(region, region.models[0], reading)


SHAPES = [(1, 1, 2), (2, 1, 4), (4, 2, 8), (3, 0, 5)]


@pytest.mark.parametrize("reading", READINGS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_burst_reaches_the_maximum_in_time_and_falls_back(
    reading: Reading, shape: tuple[int, int, int]
) -> None:
    _burst(life(reading, *shape), shape)


def test_a_burst_of_queued_requests_does_the_same() -> None:
    _burst(life(READINGS[0], *SHAPES[2], load="queue"), SHAPES[2])


def _burst(run: Life, shape: tuple[int, int, int]) -> None:
    rise, (instances, least, most) = -(-run.model.rise_seconds // 60), shape
    cooling = run.model.mover.cooldown_in_seconds // 60 if run.model.mover else 0
    quiet = max(p.alarm.periods for one in run.services for p in _policies(one))
    for _ in range(quiet):
        run.minute(0)
    assert run.serving == least, "a quiet model runs its minimum"
    for _ in range(rise + 1):
        run.minute(TARGET * most)
        assert len(run.instances) <= instances, "more instances than the pool has"
        assert all(one.desired <= one.service.tasks_max for one in run.services)
    assert run.serving == most, "the maximum serves within the time that the plan computes"
    for _ in range(quiet + cooling + 1):
        run.minute(0)
    assert run.serving == least, "the model falls back to its minimum"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_a_load_that_swings_never_stops_what_a_cooldown_has_just_started(
    reading: Reading, shape: tuple[int, int, int]
) -> None:
    run = life(reading, *shape)
    wait = run.model.mover.cooldown_out_seconds // 60 if run.model.mover else 0
    for minute in range(6 * wait):
        run.minute(TARGET * (shape[2] if minute // 20 % 2 else shape[1]))
    for one in run.services:
        single = one.service.tasks_max - one.service.desired_count <= 1
        if not (single or reading.highest or reading.blocking):
            continue  # AWS's pages do not exclude that the newest load stops it
        for (before, first), (after, second) in zip(one.changes, one.changes[1:], strict=False):
            assert first < 0 or second > 0 or after - before >= wait, one.changes


def _policies(one: Scaled) -> tuple[ScalingPolicy, ...]:
    return one.service.scaling.policies if one.service.scaling else ()


def test_every_number_of_replicas_has_its_service() -> None:
    run = life(READINGS[0], 4, 2, 8)
    limits = [s.tasks_max for s in run.model.services]
    assert sorted(n for each in numbers_of_replicas(limits) for n in each) == list(range(1, 9))
