"""What the account is now: plain data in the form of AWS's answers, and the time."""

import copy
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from tests.account.wire import Json, Refusal
from tests.contract.aws_requests import ACCOUNT


def _shelf() -> dict[str, Json]:
    return {}


@dataclass
class Place:
    """A Region. What ECS names by ARN is kept by ARN, everything else by its name or id."""

    name: str
    clusters: dict[str, Json] = field(default_factory=_shelf)
    providers: dict[str, Json] = field(default_factory=_shelf)
    definitions: dict[str, Json] = field(default_factory=_shelf)
    services: dict[str, Json] = field(default_factory=_shelf)
    deployments: dict[str, Json] = field(default_factory=_shelf)
    revisions: dict[str, Json] = field(default_factory=_shelf)
    tasks: dict[str, Json] = field(default_factory=_shelf)
    instances: dict[str, Json] = field(default_factory=_shelf)
    machines: dict[str, Json] = field(default_factory=_shelf)
    groups: dict[str, Json] = field(default_factory=_shelf)
    templates: dict[str, Json] = field(default_factory=_shelf)
    zones: dict[str, str] = field(default_factory=dict[str, str])
    """The zone of each subnet."""
    health_paths: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """The paths of the health checks of each target group: the one that the model answers, then
    those that it was changed to."""
    activities: list[Json] = field(default_factory=list[Json])
    """What Auto Scaling groups launched and ended, oldest first."""
    lines: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    """The lines of each log group, oldest first."""


@dataclass
class Trouble:
    """What goes wrong with the tasks of a family, or of one revision of it.

    `ends`: they stop some time after their start. `unhealthy`: they run, and the load balancer
    finds them unhealthy. `stays`: once asked to stop, they do not.
    """

    definition: str
    kind: Literal["ends", "unhealthy", "stays"]
    stop_code: str = "TaskFailedToStart"
    reason: str = ""
    container_reason: str = ""
    exit_code: int | None = None
    lines: tuple[str, ...] = ()
    after: timedelta = timedelta(seconds=20)
    times: int | None = None
    """How many tasks it meets; all of them without a number."""
    target: Json = field(default_factory=dict[str, object])
    """The health of the target that an unhealthy task is."""

    def meets(self, definition: str) -> bool:
        """Whether it meets tasks of a definition, given by ARN."""
        name = definition.rpartition("/")[2]
        return self.times != 0 and self.definition in (name, name.rpartition(":")[0])


@dataclass
class State:
    """All that a restoring brings back."""

    places: dict[str, Place] = field(default_factory=dict[str, Place])
    troubles: list[Trouble] = field(default_factory=list[Trouble])
    launches_refused: dict[str, str] = field(default_factory=dict[str, str])
    """Why a capacity provider launches nothing, by its name."""
    quotas: dict[str, float] = field(default_factory=dict[str, float])
    """Values of Service Quotas by their code; others are high enough."""
    refused: dict[tuple[str, str], Refusal] = field(default_factory=dict[tuple[str, str], Refusal])
    """Calls that AWS refuses, by Region and `service:Operation`."""
    records: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    """Of each hosted zone."""
    health_checks: dict[str, Json] = field(default_factory=_shelf)
    shift: timedelta = timedelta()
    random: Random = field(default_factory=lambda: Random(1))


class Account:
    """An account that is empty. `clock` tells the time; names and ids are always the same."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.state = State()
        self.calls: Counter[tuple[str, str]] = Counter()
        """How often each operation was called, by Region and `service:Operation`."""
        self.mistakes: list[str] = []
        """What the account itself did wrong: an answer without the form of AWS's, for example."""

    def now(self) -> datetime:
        """The time in the account."""
        return self.clock() + self.state.shift

    def later(self, by: timedelta) -> None:
        """Lets time pass."""
        self.state.shift += by

    def spend(self, by: timedelta) -> None:
        """Lets time pass that something takes, in the past alone: now stays now."""
        if self.state.shift < timedelta():
            self.state.shift = min(self.state.shift + by, timedelta())

    @contextmanager
    def earlier(self, by: timedelta) -> Generator[None]:
        """Goes back in time; at the end it is now again, whatever has passed."""
        before = self.state.shift
        self.state.shift = before - by
        yield
        self.state.shift = before

    def place(self, region: str) -> Place:
        """A Region."""
        return self.state.places.setdefault(region, Place(region))

    def hex(self, length: int) -> str:
        """The next identifier of hexadecimal digits."""
        return f"{self.state.random.getrandbits(4 * length):0{length}x}"

    def number(self) -> int:
        """The next identifier of nineteen digits."""
        return 10**18 + self.state.random.randrange(9 * 10**18)

    def saved(self) -> State:
        """What `restore` takes."""
        return copy.deepcopy(self.state)

    def restore(self, state: State) -> None:
        """Brings back what was saved, and forgets the calls."""
        self.state = copy.deepcopy(state)
        self.calls.clear()


def arn(service: str, region: str, rest: str) -> str:
    """An ARN in this account."""
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{rest}"


def last(text: str) -> str:
    """The name at the end of an ARN; a name is its own."""
    return text.rpartition("/")[2]
