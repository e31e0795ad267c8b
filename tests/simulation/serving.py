"""Load balancers of the simulation: which tasks serve, and the fewest that served.

Beside the world of `model` stands what the load balancer sees. ECS registers a task when it runs,
and deregisters it before it sends SIGTERM; the process ends after that
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html).
A target gets requests while it is healthy, and for some checks after its process has died. One
target group holds the tasks of all services of a model; the rule of the listener says which group
gets the requests for a name, by weight.

Left out: time, zones, the health of targets that live (a model that answers too slowly), and fail
open, by which a load balancer sends requests to targets that are all unhealthy.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.simulation.changing import Update
from tests.simulation.driving import Driver, Weather, rest
from tests.simulation.model import World
from tests.simulation.states import RUNNING, STOPPING, Event, Task

CALM = Weather(disturbance=0.0)


@dataclass
class Balancer:
    """The target groups of a pool's services, and the group behind each name."""

    groups: dict[str, str]  # service to target group
    weights: dict[str, dict[str, int]]  # name to the weights of its groups
    registered: dict[str, str] = field(default_factory=dict[str, str])  # task to group
    draining: set[str] = field(default_factory=set[str])

    def serving(self, name: str, worlds: Iterable["Balanced"]) -> int:
        """Healthy targets that get requests for the name."""
        groups = {group for group, weight in self.weights.get(name, {}).items() if weight}
        return sum(
            1
            for world in worlds
            for task in world.task_list
            if task.healthy and task.process and self.registered.get(task.id) in groups
        )


class Balanced(World):
    """A pool whose services stand behind a load balancer."""

    balancer: Balancer

    def group_of(self, task: Task) -> str | None:
        """The target group in which ECS registers the task."""
        return self.balancer.groups.get(task.owner.spec.key) if task.owner else None

    def _do_ready(self, identity: str) -> bool:
        """A target is healthy only where ECS has registered it."""
        task = self.tasks.get(identity)
        if task is not None and self.group_of(task) and identity not in self.balancer.registered:
            return False
        return super()._do_ready(identity)

    def _do_enlist(self, identity: str) -> bool:
        """ECS registers a task that runs."""
        task = self.tasks.get(identity)
        group = self.group_of(task) if task else None
        if task is None or group is None or task.state is not RUNNING:
            return False
        if identity in self.balancer.registered:
            return False
        self.balancer.registered[identity] = group
        return True

    def _do_delist(self, identity: str) -> bool:
        """The answers of a target that drains have ended, or its delay has."""
        task = self.tasks.get(identity)
        if task is None or task.state is not STOPPING:
            return False
        return self.balancer.registered.pop(identity, None) is not None

    def _do_exit(self, identity: str) -> bool:
        """SIGTERM comes after deregistration: no answer is cut."""
        if identity in self.balancer.registered:
            return False
        return super()._do_exit(identity)


class ServingDriver(Driver):
    """Draws events as `Driver` does, and notes the fewest tasks that served under each name."""

    def __init__(
        self,
        world: Balanced,
        rng: random.Random,
        *,
        others: Iterable[Balanced] = (),
        extra: Callable[[random.Random], Event | None] | None = None,
    ) -> None:
        super().__init__(world, rng, weather=CALM, extra=extra)
        self.balanced = world
        self.worlds = (world, *others)
        self.fewest: dict[str, int] = {}
        self.watching = False

    def watch(self) -> None:
        """From now on what serves is noted."""
        self.watching, self.fewest = True, {}
        self.look()

    def look(self) -> None:
        balancer = self.balanced.balancer
        for name in balancer.weights if self.watching else ():
            now = balancer.serving(name, self.worlds)
            self.fewest[name] = min(now, self.fewest.get(name, now))

    def happen(self, event: Event | None) -> bool:
        done = super().happen(event)
        if done and self.watching:
            self.look()
        return done

    def of_task(self, task: Task) -> Event | None:
        world = self.balanced
        listed = task.id in world.balancer.registered
        if task.state is RUNNING and not listed and world.group_of(task):
            return ("enlist", task.id)
        if task.state is STOPPING and listed:
            return ("delist", task.id)
        return super().of_task(task)


def model_of(key: str) -> str:
    """`chat` of `usw2_chat_1_pool_inf2-xlarge_on-demand`."""
    return key.split("_")[1]


def update(driver: ServingDriver, change: Update) -> bool:
    """One `pulumi up`; whether it ends."""
    driver.extra = change.next
    ended = rest(driver) and change.finished
    driver.extra = None
    return ended
