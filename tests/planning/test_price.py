"""Laws of the price: its parts add up, and what it adds for a while is what the map draws."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from catalog import load
from neuron_ecs.stackfile import reading
from planning.placing import picture, placed
from planning.price import HOURS, NOTHING, document, stack_price
from tests.planning.stacks import decide_on, groups, managed, stack, work

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("examples/*.yaml"), *ROOT.glob("Pulumi.*.yaml")])
CATALOG = load()


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_the_parts_of_a_price_add_up(file: Path) -> None:
    plan = reading.read(stack=None, file=file, directory=ROOT).plan(CATALOG)
    price = stack_price(plan, CATALOG)
    assert price.amount == sum(price.by_region().values(), NOTHING)
    pools = {
        (region.name, pool.name): (region, pool) for region in plan.regions for pool in region.pools
    }
    assert {(cost.region, cost.pool) for cost in price.costs} == pools.keys()
    for cost in price.costs:
        region, pool = pools[cost.region, cost.pool]
        assert (cost.rate is None) == bool(cost.unknown) == (not cost.source) == (not cost.date)
        if cost.unknown:
            assert cost.amount == NOTHING
            assert any(cost.unknown in line for line in price.not_included)
            continue
        parts = sum(cost.by_model.values(), NOTHING)
        assert abs(parts.minimum - cost.amount.minimum) < Decimal("0.01")
        assert abs(parts.maximum - cost.amount.maximum) < Decimal("0.01")
        seen = [picture(placed(region, pool), full=full) for full in (False, True)]
        assert cost.jobs == tuple(len(s.instances) - len(s.running) for s in seen)
        assert cost.rollout in (None, tuple(len(s.surge) for s in seen))
    written = json.loads(json.dumps(document(price)))
    assert written["usd_per_month"]["max"] == f"{price.amount.maximum:.2f}"
    assert len(written["pools"]) == len(price.costs)


def test_a_rollout_and_a_job_are_priced_for_the_instances_that_they_add() -> None:
    model = work("all", replicas={"min": 2, "max": 2})
    plan = decide_on(stack(capacity={"pool": managed("inf2.xlarge")}, models={"m": model}))
    (cost,) = stack_price(plan, CATALOG).costs
    assert cost.rate is not None
    assert cost.rollout == (2, 2)
    assert cost.hourly((2, 2)).maximum == 2 * cost.rate
    assert cost.amount.maximum == 2 * cost.rate * HOURS
    assert cost.jobs == (0, 0)
    assert cost.idle == NOTHING


def test_no_more_instances_are_paid_than_a_pool_may_have() -> None:
    """Where ECS may place tasks so that more instances would be needed, a task waits."""
    loose = work(0, cpu_units=1000, memory_mib=2000, replicas={"min": 2, "max": 3})
    pool = groups("inf2.24xlarge", 2)
    plan = decide_on(capacity={"pool": pool}, models={"a": work(3, replicas=2), "b": loose})
    assert "NE350" in {f.code for f in plan.findings}
    (cost,) = stack_price(plan, load()).costs
    assert cost.instances_max == 2


def test_alarms_are_paid_by_their_metrics_and_dashboards_each() -> None:
    pools, models = {"pool": groups()}, {"m": work(1, port=8080)}
    keys: dict[str, Any] = {"alarms": {}, "dashboards": True}
    plain, watched = (
        decide_on(stack(capacity=pools, models=models, **more)) for more in ({}, keys)
    )
    assert stack_price(plain, CATALOG).watching == ()
    price = stack_price(watched, CATALOG)
    assert price.amount == stack_price(plain, CATALOG).amount, "instances cost what they cost"
    (cost,) = price.watching
    # silence 1, errors 2, wanted and running 2, the load balancer 1
    assert (cost.alarm_metrics, cost.dashboards) == (6, 1)
    assert cost.amount == Decimal("3.60")
    assert document(price)["watching"] == [
        {
            "region": "us-west-2",
            "alarm_metrics": 6,
            "dashboards": 1,
            "custom_metrics": 0,
            "health_checks": 0,
            "log_gib": "0.0",
            "usd_per_month": "3.60",
            "date": cost.date,
        }
    ]
