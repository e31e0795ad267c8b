"""How many calls `status` makes, and how long it waits for them, at a simulated clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

import catalog
from neuron_ecs.operations.aws import Account
from neuron_ecs.operations.reading import Reader, read_each
from neuron_ecs.operations.reasons import Reasons
from neuron_ecs.operations.status import RegionStatus, status
from planning import plan
from tests.neuron_ecs.operations.test_permissions import PREFIXES
from tests.neuron_ecs.operations.world import NOW, World, planned, sdk_of, stack_file

_T = TypeVar("_T")

REGIONS, MODELS = 16, 100
SECONDS_OF_A_CALL = 0.05
LIMITS = catalog.load().limits


@dataclass
class Simulation:
    """Answers questions one after the other, and counts the seconds that threads would take."""

    now: float = 0.0
    asked: list[tuple[float, str, str]] = field(default_factory=list[tuple[float, str, str]])

    def at_once(self, number: int, questions: Sequence[Callable[[], _T]]) -> list[_T]:
        began, answers = self.now, list[_T]()
        free = [began] * max(min(number, len(questions)), 1)
        for question in questions:
            thread = free.index(min(free))
            self.now = free[thread]
            answers.append(question())
            free[thread] = self.now
        self.now = max(free)
        return answers

    def client(self, world: World, service: str, region: str) -> Any:
        simulation, sdk = self, sdk_of(service)
        signed = sdk.service_model.signing_name
        prefix = PREFIXES.get(signed, signed)

        class Slow:
            def __getattr__(self, call: str) -> Callable[..., Any]:
                def answer(**asked: Any) -> Any:
                    action = f"{prefix}:{sdk.method_to_api_mapping[call]}"
                    simulation.asked.append((simulation.now, region, action))
                    simulation.now += SECONDS_OF_A_CALL
                    return getattr(world, call)(asked)

                return answer

        return Slow()


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> plan.RegionPlan:
    """A Region with as many models as a load balancer has target groups, in five pools."""
    pools = [
        f"    p{n}: {{kind: auto_scaling, instance_type: inf2.48xlarge, max_size: 7}}"
        for n in range(5)
    ]
    models = [
        f"    m{n}: {{image: 'public.ecr.aws/neuron/serving:1.0', capacity: p{n % 5}, port: 8000,"
        " neuron_devices: 1, replicas: 3, health_check: {path: /health}}"
        for n in range(MODELS)
    ]
    text = "\n".join(
        [
            "config:",
            "  aws:region: us-west-2",
            "  neuron-ecs:regions: {us-west-2: {}}",
            "  neuron-ecs:traffic: {allow_from: [10.0.0.0/8]}",
            "  neuron-ecs:capacity:",
            *pools,
            "  neuron-ecs:models:",
            *models,
            "",
        ]
    )
    path: Path = stack_file(tmp_path_factory.mktemp("large"), text)
    return planned(path).regions[0]


@pytest.fixture(scope="module")
def looked(region: plan.RegionPlan) -> tuple[Simulation, list[RegionStatus]]:
    regions = [replace(region, name=f"us-west-{n}") for n in range(REGIONS)]
    world = World(region)  # the same in every Region
    simulation, reasons = Simulation(), Reasons(())

    def connect(service: str, region_name: str, config: object) -> Any:
        return simulation.client(world, service, region_name)

    def look(reader: Reader) -> RegionStatus:
        return status(reader.region, reader.overview(NOW, LIMITS), None, reasons, NOW)

    def unread(region: plan.RegionPlan, why: str) -> RegionStatus:
        pytest.fail(f"{region.name}: {why}")

    account = Account(connect, simulation.at_once)
    return simulation, read_each(account, regions, None, look, unread)


def test_of_sixteen_hundred_models_the_status_is_there_within_ten_seconds(
    looked: tuple[Simulation, list[RegionStatus]],
) -> None:
    simulation, found = looked
    assert [len(r.models) for r in found] == [MODELS] * REGIONS
    assert all(m.state == "runs" and m.healthy == 3 for r in found for m in r.models)
    assert simulation.now < 10, f"{simulation.now:.1f} s for {len(simulation.asked)} calls"


def test_no_call_is_throttled(looked: tuple[Simulation, list[RegionStatus]]) -> None:
    left: dict[tuple[str, str], tuple[float, float]] = {}  # tokens, and when they were counted
    for at, region, action in sorted(looked[0].asked):
        rate = LIMITS.api_rate(action)
        if rate is None:
            assert action.partition(":")[0] not in ("ecs", "elasticloadbalancing"), action
            continue
        key = (region, f"{rate.service} {rate.bucket}")
        tokens, since = left.get(key, (float(rate.tokens), at))
        tokens = min(tokens + (at - since) * rate.refill_per_second, rate.tokens) - 1
        assert tokens >= 0, f"{action} empties the bucket of {key[1]} in {region}"
        left[key] = (tokens, at)
    assert len(left) > REGIONS, "the buckets are known"


def test_targets_and_definitions_are_described_for_a_named_model_only(
    region: plan.RegionPlan, looked: tuple[Simulation, list[RegionStatus]]
) -> None:
    actions = {action for _, _, action in looked[0].asked}
    assert "elasticloadbalancing:DescribeTargetHealth" not in actions
    assert "ecs:DescribeTaskDefinition" not in actions
    world = World(region)
    (found,) = read_each(
        Account(world.connect),
        [region],
        None,
        lambda reader: reader.with_targets("m7"),
        lambda _, why: pytest.fail(why),
    )
    assert len(found.targets) == 1
    calls = [call for _, call, _ in world.asked]
    assert calls.count("describe_target_health") == 1
    model = next(m for m in region.models if m.name == "m7")
    assert calls.count("describe_task_definition") == len(model.services)
