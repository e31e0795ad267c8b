"""A job is started with what its schedule would give it."""

from pathlib import Path
from typing import Any

import pytest

from neuron_ecs.operations.aws import Account
from neuron_ecs.operations.reading import Reader
from neuron_ecs.operations.run import NotStarted, Override, request_for, start
from neuron_ecs.terminal import UsageError
from planning import plan
from planning.run_task import Request
from tests.neuron_ecs.operations.world import STACK, World, planned, stack_file


def described(folder: Path, **job: str) -> plan.Plan:
    more = "".join(f", {key}: {value}" for key, value in job.items())
    ours = "capacity: shared, neuron_devices: 1}\n"
    at = STACK.rindex(ours)
    text = STACK[:at] + ours.replace("}", more + "}") + STACK[at + len(ours) :]
    return planned(stack_file(folder, text))


def asked_for(world: World, whole: plan.Plan, override: Override | None = None) -> Request:
    region = world.region
    return Account(world.connect).must(
        region.name,
        lambda aws: request_for(
            Reader(region, None, aws), region.jobs[0], whole.tags, override or Override()
        ),
    )


def test_a_task_with_an_interface_of_its_own_gets_the_networks_of_its_pool(tmp_path: Path) -> None:
    whole = described(tmp_path, network_mode="awsvpc")
    (region,) = whole.regions
    asked = asked_for(World(region), whole)
    network = asked["networkConfiguration"]["awsvpcConfiguration"]
    zones = region.pool(region.jobs[0].pool).zone_ids
    assert network["subnets"] == sorted(
        f"subnet-{region.network.key}_private_{zone}" for zone in zones
    )
    assert network["securityGroups"] == ["sg-us-west-2_tasks"]
    assert network["assignPublicIp"] == "DISABLED"
    world = World(region)
    world.stacks = 2
    with pytest.raises(UsageError, match="pulumi stack output run_commands"):
        asked_for(world, whole)


def test_any_other_task_gets_none_and_its_overrides(tmp_path: Path) -> None:
    whole = described(tmp_path)
    (region,) = whole.regions
    override = Override(("train.py",), (("A", "1"),))
    asked = asked_for(World(region), whole, override)
    assert "networkConfiguration" not in asked
    (changed,) = asked["overrides"]["containerOverrides"]
    assert changed == {
        "name": "dog",
        "command": ["train.py"],
        "environment": [{"name": "A", "value": "1"}],
    }
    provider = asked["capacityProviderStrategy"][0]["capacityProvider"]
    assert provider == World(region).suffix(region.jobs[0].pool)


def test_a_cluster_that_is_not_there_is_said(tmp_path: Path) -> None:
    whole = described(tmp_path)
    world = World(whole.regions[0])
    world.shared["status"] = "INACTIVE"
    with pytest.raises(UsageError, match="the stack is not up there"):
        asked_for(world, whole)
    world.refusing = frozenset({"list_clusters"})
    with pytest.raises(UsageError, match="not allowed: list_clusters"):
        asked_for(world, whole)


def test_what_aws_does_not_start_is_told_with_its_reason() -> None:
    class Ecs:
        def run_task(self, **_: Any) -> Any:
            return {"tasks": [], "failures": [{"reason": "RESOURCE:PORTS", "detail": "20002"}]}

    def connect(service: str, region_name: str, config: object) -> Any:
        return Ecs()

    with pytest.raises(NotStarted, match="RESOURCE:PORTS 20002"):
        Account(connect).must("us-west-2", lambda aws: start(aws, {}))
