"""Callers: what the plan promises serves through updates, moves, drains and a lost instance."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from catalog import load
from planning.interruptions import Interruption, Rollouts
from planning.plan import ModelPlan, Plan
from tests.planning.stacks import Config, Entry, changed, decide_on, groups, stack, work
from tests.simulation.changing import Update
from tests.simulation.driving import rest
from tests.simulation.serving import Balanced, Balancer, ServingDriver, model_of, update
from tests.simulation.worlds import Case, cases, config_of, only_case, random_entries

SEEDS = range(8)


@dataclass(frozen=True)
class Running:
    """A stack file, its plan and the only pool of it that has services."""

    config: Config
    plan: Plan
    case: Case

    @property
    def models(self) -> Sequence[ModelPlan]:
        return self.plan.regions[0].models

    def promised(self, model: ModelPlan) -> int:
        """Replicas that a new image leaves, by the plan."""
        return model.replicas_min - self._lost(model).away

    def left(self, model: ModelPlan) -> int:
        """Replicas that a lost instance leaves, by the plan."""
        return self._lost(model).left

    def _lost(self, model: ModelPlan) -> Interruption:
        region = self.plan.regions[0]
        return Rollouts(region, load()).interruption(model, model.services)

    @property
    def sufficient(self) -> bool:
        """Whether the plan says that every service starts a new task before an old one stops."""
        return all(s.surges for m in self.models for s in m.services)


def running(config: Config, pool: str = "pool") -> Running:
    plan = decide_on(config)
    found = next(c for c in cases(plan, "a") if c.name.endswith(f"/{pool}"))
    return Running(config, plan, found)


def world_of(of: Running) -> Balanced:
    """The pool with its services created behind the load balancer."""
    case = of.case
    world = Balanced(case.pool, case.services, dict(case.jobs))
    names = {model.name: {model.name: 1} for model in of.models}
    world.balancer = Balancer({s.key: model_of(s.key) for s in case.services}, names)
    for service in case.services:
        world.apply(("create", service.key))
    return world


def at_minimum(of: Running, seed: int) -> ServingDriver:
    """Everything serves at the minimum of replicas."""
    driver = ServingDriver(world_of(of), random.Random(seed))
    assert rest(driver)
    driver.watch()
    assert driver.fewest == {m.name: m.replicas_min for m in of.models}
    return driver


def pool_of(size: int, **models: Entry) -> Config:
    served = {name: {"port": 8080, **entry} for name, entry in models.items()}
    return stack(capacity={"pool": groups("inf2.24xlarge", size)}, models=served)


def replicas(least: int, devices: int = 1) -> Entry:
    return work(devices, replicas={"min": least, "max": least})


STACKS: dict[str, Config] = {
    "slots on one instance, with room": pool_of(2, a=replicas(2, 2), b=replicas(2)),
    "slots on one full instance": pool_of(1, a=replicas(3), b=replicas(2)),
    "twelve slots in two waves": stack(
        capacity={"pool": groups("inf2.48xlarge", 1)}, models={"a": {**replicas(12), "port": 8080}}
    ),
    "whole instances, with room": stack(
        capacity={"pool": groups("inf2.xlarge", 4)}, models={"a": {**replicas(3), "port": 8080}}
    ),
    "whole instances, full": stack(
        capacity={"pool": groups("inf2.xlarge", 3)}, models={"a": {**replicas(3), "port": 8080}}
    ),
    "spread over two instances": pool_of(
        3, a=work(2, replicas={"min": 2, "max": 2, "spread": "instances"})
    ),
}
ENOUGH = [name for name, config in STACKS.items() if running(config).sufficient]


def test_some_of_the_pools_are_sufficient_and_some_are_not() -> None:
    assert 2 <= len(ENOUGH) < len(STACKS)


@pytest.mark.parametrize("name", STACKS)
def test_through_a_new_image_serves_what_the_plan_promises(name: str) -> None:
    of = running(STACKS[name])
    head = STACKS[name]
    for model in of.models:
        head = changed(head, f"models.{model.name}", image="new:2")
    for seed in SEEDS:
        driver = at_minimum(of, seed)
        assert update(driver, Update(driver.balanced, running(head).case))
        for model in of.models:
            assert driver.fewest[model.name] >= of.promised(model), (seed, model.name)
            if name in ENOUGH:
                assert driver.fewest[model.name] == model.replicas_min


def test_the_promise_through_a_new_image_is_exact() -> None:
    """Where the plan says that replicas are away, some order of events takes them all."""
    of = running(STACKS["slots on one full instance"])
    head = running(changed(of.config, "models.a", image="new:2"))
    fewest = set[int]()
    for seed in SEEDS:
        driver = at_minimum(of, seed)
        assert update(driver, Update(driver.balanced, head.case))
        fewest.add(driver.fewest["a"])
    assert min(fewest) == of.promised(of.models[0]) == 1


@pytest.mark.parametrize("name", ENOUGH)
def test_through_drains_one_after_the_other_the_minimum_serves(name: str) -> None:
    """As `neuron-ecs replace` does it: the next instance when the last one is empty."""
    of = running(STACKS[name])
    for seed in SEEDS:
        driver = at_minimum(of, seed)
        for instance in [i.id for i in driver.world.instance_list]:
            driver.happen(("drain", instance))
            assert rest(driver)
            assert instance not in driver.world.instances, f"{instance} is not empty, seed {seed}"
        assert driver.fewest == {m.name: m.replicas_min for m in of.models}


@pytest.mark.parametrize("name", STACKS)
def test_through_one_lost_instance_serves_the_minimum_less_what_was_on_it(name: str) -> None:
    of = running(STACKS[name])
    for seed in SEEDS:
        driver = at_minimum(of, seed)
        world = driver.balanced
        gone = driver.rng.choice([i for i in world.instance_list if i.tasks])
        on_it = {m.name: 0 for m in of.models}
        for task in gone.tasks.values():
            assert task.owner is not None
            on_it[model_of(task.owner.spec.key)] += 1
        driver.happen(("lose", gone.id))
        assert rest(driver)
        for model in of.models:
            assert driver.fewest[model.name] == model.replicas_min - on_it[model.name]
            assert driver.fewest[model.name] >= of.left(model), "the plan promises as much"
            assert world.balancer.serving(model.name, [world]) == model.replicas_min


def test_without_its_waves_more_of_a_model_of_many_slots_is_away() -> None:
    """The order that the plan makes is what keeps half of it."""
    name = "twelve slots in two waves"
    of, head = running(STACKS[name]), running(changed(STACKS[name], "models.a", image="new:2"))
    assert of.promised(of.models[0]) == 6
    together = replace(head.case, services=tuple(replace(s, after=()) for s in head.case.services))
    driver = at_minimum(of, 1)
    assert update(driver, Update(driver.balanced, together))
    assert driver.fewest["a"] < 6


# ---- random pools ----------------------------------------------------------------------------


def random_pool(rng: random.Random) -> Running:
    """A pool that the planner accepts, just as large as its replicas need or larger."""
    while True:
        pool, models, _ = random_entries(rng, of_groups=True)
        models = {name: entry for name, entry in models.items() if name.startswith("m")}
        for entry in models.values():
            entry.setdefault("port", 8080)
            entry.pop("sidecars", None)
        roomy = only_case(config_of(pool, models, {}))
        if roomy is None:
            continue
        pool["max_size"] = max(1, roomy.layout.instances_max, pool["min_size"])
        pool["max_size"] += rng.choice((0, 0, 1, 2))
        if only_case(config_of(pool, models, {})) is not None:
            return running(config_of(pool, models, {}))


@pytest.mark.parametrize("seed", range(12))
def test_on_random_pools_serves_what_the_plan_promises(seed: int) -> None:
    rng = random.Random(seed)
    for number in range(2):
        of = random_pool(rng)
        head = of.config
        for model in of.models:
            head = changed(head, f"models.{model.name}", image="new:2")
        least = {m.name: m.replicas_min for m in of.models}
        promised = {m.name: of.promised(m) if m.replicas_min else 0 for m in of.models}
        driver = at_minimum(of, number)
        assert update(driver, Update(driver.balanced, running(head).case)), of.config
        assert all(driver.fewest[name] >= promised[name] for name in least), of.config
        driver = at_minimum(of, number)
        used = [i for i in driver.world.instance_list if i.tasks]
        driver.happen(("lose", rng.choice(used).id) if used else None)
        assert rest(driver)
        left = {m.name: of.left(m) if m.replicas_min else 0 for m in of.models}
        assert all(driver.fewest[name] >= left[name] for name in least), of.config
        if of.sufficient:
            driver = at_minimum(of, number)
            for instance in [i.id for i in driver.world.instance_list]:
                driver.happen(("drain", instance))
                assert rest(driver)
                assert instance not in driver.world.instances, of.config
            assert driver.fewest == least, of.config


# ---- moves -----------------------------------------------------------------------------------

BRIDGE: Entry = {**replicas(2, 2), "port": 8080}
POOLS: Entry = {"pool": groups("inf2.24xlarge", 3), "second": groups("inf2.24xlarge", 3)}


def moved(weights: dict[str, Entry] | None = None, **models: Entry) -> Config:
    return stack(capacity=POOLS, models=models, traffic={"weights": weights or {}})


def fewest_through_a_move(mode: str, seed: int, *, by_weights: bool) -> int:
    """The fewest replicas of `a` that serve while it goes to another pool, in that network mode.

    A rule of the load balancer changes before the services that wait for it.
    """
    there: Entry = {**BRIDGE, "capacity": "second", "network_mode": mode}
    name = "a-2" if by_weights else "a"
    before, after = running(moved(a=BRIDGE)), running(moved(**{name: there}), "second")
    rng = random.Random(seed)
    new = Balanced(after.case.pool, after.case.services)
    first = ServingDriver(world_of(before), rng, others=[new])
    old = first.balanced
    balancer = new.balancer = old.balancer
    kept = after.models[0].target_group == before.models[0].target_group
    group = "a" if kept else "a of the other type"
    balancer.groups |= dict.fromkeys((s.key for s in after.case.services), group)
    second = ServingDriver(new, rng, others=[old])
    assert rest(first)
    first.watch()
    second.watch()
    if not by_weights:
        balancer.weights["a"] = {group: 1}
        second.look()
    assert update(second, Update(new, after.case))
    balancer.weights["a"] = {group: 1}
    second.look()
    nothing = Case("nothing", old.pool, (), (), before.case.layout)
    assert update(first, Update(old, nothing))
    assert balancer.serving("a", [old, new]) == 2
    return min(first.fewest["a"], second.fewest["a"])


@pytest.mark.parametrize("seed", range(4))
def test_a_model_that_moves_serves_from_its_group_and_by_weights_from_another(seed: int) -> None:
    assert fewest_through_a_move("bridge", seed, by_weights=False) == 2
    assert fewest_through_a_move("awsvpc", seed, by_weights=False) == 0, "the new group is empty"
    assert fewest_through_a_move("awsvpc", seed, by_weights=True) == 2


def test_a_task_leaves_the_load_balancer_before_its_process_ends() -> None:
    of = running(STACKS["slots on one full instance"])
    driver = at_minimum(of, 1)
    driver.trace = []
    head = running(changed(of.config, "models.a", image="new:2"))
    assert update(driver, Update(driver.balanced, head.case))
    order = {event: number for number, event in enumerate(driver.trace)}
    ended = [event[1] for event in order if event[0] == "exit"]
    assert len(ended) == 3
    assert all(order["stop", t] < order["delist", t] < order["exit", t] for t in ended)
