"""A model goes back to what ran on its chips, and replicas are dealt as the plan does."""

import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuron_ecs.cli import rollback as command
from neuron_ecs.operations.aws import Account
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.reading import Reader
from neuron_ecs.operations.revisions import Rollback, Step
from neuron_ecs.operations.scale import dealt
from neuron_ecs.terminal import UsageError
from planning import plan
from planning.dealing import share_evenly
from tests.neuron_ecs import running
from tests.neuron_ecs.operations.world import (
    NOW,
    ROOT,
    STACK,
    Answer,
    Asked,
    World,
    planned,
    stack_file,
)

SPLIT = """\
config:
  aws:region: us-west-2
  neuron-ecs:regions: {us-west-2: {}}
  neuron-ecs:capacity:
    shared: {kind: auto_scaling, instance_type: inf2.24xlarge, max_size: 1}
  neuron-ecs:models:
    ant:
      image: public.ecr.aws/neuron/serving:1.0
      capacity: shared
      neuron_devices: 2
      replicas: 3
"""


def file_of(folder: Path, text: str) -> Path:
    (folder / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
    return stack_file(folder, text)


def revision(world: World, service: dict[str, Any], number: int, **changed: Any) -> str:
    """A further revision of a service's task definition, with a changed container."""
    now = service["taskDefinition"]
    arn = f"{now.rpartition(':')[0]}:{number}"
    containers = copy.deepcopy(world.definitions[now])
    containers[0] |= changed
    world.definitions[arn] = containers
    return arn


def on(*devices: int) -> dict[str, Any]:
    """The devices of a container."""
    paths = [f"/dev/neuron{d}" for d in devices]
    return {"devices": [{"hostPath": p, "containerPath": p} for p in paths]}


def way(world: World, model: str, to: str | None = None) -> list[list[Step]]:
    region = world.region
    found = next(m for m in region.models if m.name == model)

    def ask(aws: Any) -> list[list[Step]]:
        reader = Reader(region, None, aws)
        rollback = Rollback(reader, reader.recent(), found)
        return rollback.waves(rollback.steps(to))

    return Account(world.connect).must(region.name, ask)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(planned(file_of(tmp_path, STACK)).regions[0])


def test_the_newest_revision_that_differs_on_the_present_chips_is_taken(world: World) -> None:
    service = world.service_of("ant")
    now = service["taskDefinition"]
    same = revision(world, service, 2)
    moved = revision(world, service, 1, image="old:1", linuxParameters=on(3, 4))
    older = revision(world, service, 7, image="older:1")
    oldest = revision(world, service, 6, image="oldest:1")
    world.history[service["serviceName"]] = [now, same, moved, older, oldest]
    [[step]] = way(world, "ant")
    assert (step.target, step.image) == (older, "older:1")
    assert any("older:1" in text for text in step.changes)


def test_without_one_on_the_present_chips_it_says_that_older_ones_had_others(world: World) -> None:
    service = world.service_of("ant")
    moved = revision(world, service, 1, image="old:1", linuxParameters=on(3, 4))
    world.history[service["serviceName"]] = [service["taskDefinition"], moved]
    with pytest.raises(UsageError, match=r"on chips 0-1; older ones had other chips"):
        way(world, "ant")


def test_chips_that_another_model_has_are_refused_with_its_name(world: World) -> None:
    service = world.service_of("ant")
    revision(world, service, 1, linuxParameters=on(2, 3))
    with pytest.raises(UsageError, match=r"bee has chip 2, which that revision of ant takes"):
        way(world, "ant", "1")
    world.service_of("bee")["desiredCount"] = 0
    [[step]] = way(world, "ant", "1")
    assert step.target.endswith(":1"), "nobody has them any more"


def test_all_services_of_a_model_go_back_in_waves_to_the_same_program(tmp_path: Path) -> None:
    path = file_of(tmp_path, SPLIT)
    world = World(planned(path).regions[0])
    (model,) = world.region.models
    services = world.shared["services"]
    assert len(services) == len(model.services) > 1
    for number, service in enumerate(services):
        other = revision(world, service, 9, image="between:1")
        good = revision(world, service, 2, image="good:1")
        skips = [other] if number else []  # the first slot never ran it
        world.history[service["serviceName"]] = [service["taskDefinition"], *skips, good]
    waves = way(world, "ant")
    assert {s.image for wave in waves for s in wave} == {"good:1"}
    firsts = {s.key for s in model.services if not s.after}
    assert {s.slot.planned.key for s in waves[0]} == firsts
    still = Clock(lambda: NOW, lambda _: None)
    argv = ["rollback", "ant", "--yes", "--file", str(path), "--width", "80"]
    code, text = running.run_with(
        command.Arguments, command.run, *argv, connect=world.connect, clock=still
    )
    assert code == 0, text
    assert f"wave {len(waves)} of {len(waves)}" in text
    assert {s["taskDefinition"].rpartition(":")[2] for s in services} == {"2"}
    updates = [asked["service"] for _, call, asked in world.asked if call == "update_service"]
    assert {*updates[: len(firsts)]} == {s.slot.service.name for s in waves[0]}


def test_services_that_cannot_be_read_any_more_are_not_steady(tmp_path: Path) -> None:
    class Refusing(World):
        def update_service(self, asked: Asked) -> Answer:
            self.refusing = frozenset({"list_services"})
            return super().update_service(asked)

    path = file_of(tmp_path, STACK)
    world = Refusing(planned(path).regions[0])
    service = world.service_of("ant")
    world.history[service["serviceName"]] = [revision(world, service, 1, image="old:1")]
    slept: list[float] = []
    late = Clock(lambda: NOW + timedelta(seconds=sum(slept)), slept.append)
    argv = ["rollback", "ant", "--yes", "--timeout", "1m", "--file", str(path), "--width", "80"]
    code, text = running.run_with(
        command.Arguments, command.run, *argv, connect=world.connect, clock=late
    )
    assert (code, "could not be read" in text) == (1, True), text
    assert (sum(slept), "steady, 0 of 0" in text) == (60, False)


# ---- dealing ---------------------------------------------------------------------------------

LIMITS = st.lists(st.integers(0, 5), min_size=1, max_size=6)


@given(LIMITS, st.integers(0, 40))
def test_replicas_are_dealt_as_the_plan_does_and_all_of_them(limits: list[int], n: int) -> None:
    counts = dealt(limits, n)
    assert sum(counts) == n
    if n <= sum(limits):
        assert counts == share_evenly(n, limits)
    assert all(a <= b for a, b in zip(dealt(limits, n), dealt(limits, n + 1), strict=True))


def test_a_plan_minimum_is_what_its_services_want() -> None:
    for path in sorted(ROOT.glob("Pulumi.*.yaml")):
        for region in planned(path).regions:
            assert all(agrees(model) for model in region.models)


def agrees(model: plan.ModelPlan) -> bool:
    counts = dealt([s.tasks_max for s in model.services], model.replicas_min)
    return counts == tuple(s.desired_count for s in model.services)
