"""The shortest sequence of events that leads to a collision: found at random, then cut down.

An event that is not possible any more once others are left out is skipped, so any part of a trace
is a trace. Cutting goes on until no single event can be left out (Zeller's ddmin).
"""

import random
import re
from collections.abc import Iterator, Sequence

from tests.simulation.driving import Driver, Weather
from tests.simulation.model import World
from tests.simulation.states import Collision, Event, Rules
from tests.simulation.worlds import Case

WORDS = {
    "launch": "the Auto Scaling group launches an instance",
    "register": "instance {0} registers",
    "start": "service {0} starts a task (PROVISIONING)",
    "stop": "the service scheduler stops {0}: STOPPING, its process lives on",
    "place": "{0} is placed on {1} (PENDING)",
    "run": "the agent starts {0}: its process opens its devices",
    "ready": "{0} is healthy",
    "crash": "{0} ends by itself",
    "exit": "the process of {0} ends",
    "stopped": "{0} is reported STOPPED",
    "scale": "the desired count of {0} becomes {1}",
    "deploy": "service {0} is updated: a new deployment",
    "run_job": "somebody starts {0} (PROVISIONING)",
    "drain": "{0} drains",
    "lose": "{0} is lost",
    "terminate": "{0} is terminated",
    "stall": "the agent on {0} is slow",
    "resume": "the agent on {0} answers again",
    "cancel": "{0} is cancelled",
    "create": "the engine creates service {0}",
    "update": "the engine updates service {0}",
    "delete": "the engine deletes service {0}",
    "tick": "a point of the metric moves the group",
}


def replay(case: Case, rules: Rules, events: Sequence[Event]) -> tuple[list[Event], World]:
    """What of the events is possible, up to the first collision."""
    world, happened = case.world(rules), list[Event]()
    world.desired_instances = case.pool.max_size
    for event in events:
        if world.apply(event):
            happened.append(event)
        if world.collision is not None:
            break
    return happened, world


def shortest(case: Case, rules: Rules, events: Sequence[Event]) -> list[Event]:
    """A part of the events that still collides, and of which each is needed."""
    current, size = list(events), max(1, len(events) // 2)
    while True:
        cut = False
        at = len(current)
        while at > 0:
            candidate = current[: max(0, at - size)] + current[at:]
            happened, world = replay(case, rules, candidate)
            if world.collision is not None:
                current, cut = happened, True
            at = min(at - size, len(current))
        if size == 1 and not cut:
            return current
        size = max(1, size // 2)


def collisions(
    case: Case,
    rules: Rules,
    *,
    seeds: Sequence[int],
    events: int,
    weather: Weather | None = None,
) -> Iterator[Driver]:
    """The runs that end in a collision, each with its trace."""
    for seed in seeds:
        world = case.world(rules)
        world.desired_instances = case.pool.max_size
        driver = Driver(world, random.Random(seed), weather=weather or Weather(disturbance=0.1))
        driver.trace = []
        driver.run(events)
        if world.collision is not None:
            yield driver


def counterexample(
    case: Case, rules: Rules, *, seeds: Sequence[int], events: int
) -> tuple[list[Event], Collision, int] | None:
    """The shortest collision that these runs lead to, and how many events the first one took."""
    best: tuple[list[Event], Collision] | None = None
    first = 0
    for driver in collisions(case, rules, seeds=seeds, events=events):
        first = first or driver.count
        trace = shortest(case, rules, driver.trace or [])
        collided = replay(case, rules, trace)[1].collision
        assert collided is not None
        if best is None or len(trace) < len(best[0]):
            best = trace, collided
    return (*best, first) if best else None


def told(events: Sequence[Event], collision: Collision) -> str:
    """The events in words, one to a line."""
    lines = [WORDS[e[0]].format(*(_short(name) for name in e[1:])) for e in events]
    numbered = [f"{n:3}  {line}" for n, line in enumerate(lines, 1)]
    return "\n".join([*numbered, f"     => {_short(str(collision))}"])


def _short(name: str) -> str:
    """Services without their Region and pool: `usw2_chat_1_pool_…` is `chat 1`."""
    return re.sub(r"\b[a-z]+\d_([a-z0-9-]+)_(\d+)_[\w-]+", r"\1 \2", name)
