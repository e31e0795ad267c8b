"""What moves the number of replicas, as plain data: policies, their steps and their alarms."""

from dataclasses import dataclass
from typing import Literal

from planning.alarms import Alarm


@dataclass(frozen=True, slots=True)
class ScalingStep:
    """The tasks of a service above a load of its model, up to that of the next step."""

    above: int | None  # the load of the whole model; None: any load
    tasks: int


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """Sets the tasks of a service by the load of its whole model, while its alarm is on.

    The alarm of `out` is on above its threshold, that of `in` below it. The steps cover all loads
    at which it is on, in order.
    """

    key: str
    direction: Literal["out", "in"]
    alarm: Alarm
    steps: tuple[ScalingStep, ...]
    cooldown_seconds: int  # after it has moved the tasks

    @property
    def bounds(self) -> tuple[tuple[int | None, int | None], ...]:
        """Where each step begins and ends, as loads above the threshold of the alarm."""
        at = int(self.alarm.threshold)
        lower = [None if step.above is None else step.above - at for step in self.steps]
        return tuple(zip(lower, [*lower[1:], None if self.direction == "out" else 0], strict=True))


@dataclass(frozen=True, slots=True)
class ScheduledLimits:
    """New limits of a service's tasks from a time on; the time is an expression of AWS."""

    key: str
    expression: str
    timezone: str
    min_capacity: int
    max_capacity: int


@dataclass(frozen=True, slots=True)
class Scaling:
    """Application Auto Scaling target of a service whose minimum is below its maximum, or that is
    stopped."""

    key: str
    min_capacity: int
    max_capacity: int
    policies: tuple[ScalingPolicy, ...] = ()
    schedule: tuple[ScheduledLimits, ...] = ()


@dataclass(frozen=True, slots=True)
class Mover:
    """What moves the replicas of a model between minimum and maximum."""

    requests_per_minute: int | None  # of one replica
    queue: int | None  # requests that one replica has at once, running and waiting
    external: bool  # somebody else does
    cooldown_out_seconds: int
    cooldown_in_seconds: int
    scheduled: bool = False  # whether a schedule narrows the range at times

    @property
    def by_load(self) -> bool:
        """Whether a measured load moves them."""
        return self.target is not None

    @property
    def target(self) -> int | None:
        """The load of one replica: its queue, or else its requests a minute."""
        return self.requests_per_minute if self.queue is None else self.queue
