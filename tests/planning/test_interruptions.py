"""What is left when an instance ends, and what a new image costs, in the worst placement."""

from decimal import Decimal

import pytest

from catalog import load
from planning.interruptions import Interruption, interruptions
from tests.planning.stacks import Entry, decide_on, groups, managed, stack, work


def lost(pool: Entry, **models: Entry) -> dict[str, Interruption]:
    made = decide_on(stack(capacity={"pool": pool}, models=models))
    return {found.model: found for found in interruptions(made, load())}


@pytest.mark.parametrize(
    ("pool", "model", "left"),
    [
        (groups("inf2.24xlarge", 4), work(2, replicas=3), 0),  # three slots of one instance
        (groups("inf2.24xlarge", 4), work([0, 1], replicas=3), 2),  # an instance each
        (groups("inf2.24xlarge", 4), work(4, replicas=3), 2),
        (groups("inf2.24xlarge", 4), work(1, replicas=3, network_mode="host", port=8080), 2),
        (groups("c7g.xlarge", 4), work(replicas=3, memory_mib=512), 0),  # ECS packs them
        (managed("inf2.xlarge"), work("all", replicas=3), 2),
    ],
)
def test_one_instance_takes_as_many_replicas_with_it_as_it_can_run(
    pool: Entry, model: Entry, left: int
) -> None:
    assert lost(pool, a=model)["a"].left == left


def test_a_full_pool_stops_tasks_first_and_a_larger_one_adds_instances_for_a_while() -> None:
    full = lost(groups("inf2.24xlarge", 2), a=work([0, 1], replicas=2))["a"]
    assert (full.away, full.instances, full.cost and full.cost.maximum) == (1, 0, Decimal(0))
    free = lost(groups("inf2.24xlarge", 3), a=work([0, 1], replicas=2))["a"]
    assert (free.away, free.instances) == (0, 1)
    assert free.cost is not None
    hourly = free.cost.maximum * 60 / free.minutes
    assert Decimal(6) < hourly < Decimal(7), "one inf2.24xlarge more"
    assert full.minutes >= free.minutes, "one task after the other takes longer"


def test_services_that_all_stop_first_do_so_in_two_waves() -> None:
    found = lost(groups("inf2.24xlarge", 1), a=work(1, replicas=3))["a"]
    assert (found.replicas, found.away) == (3, 2)


def test_a_model_with_a_minimum_of_0_promises_nothing() -> None:
    assert lost(groups("inf2.24xlarge", 1), a=work(1, replicas={"min": 0, "max": 2})) == {}


def test_replicas_that_spread_outlive_an_instance() -> None:
    pool = groups("inf2.24xlarge", 4)
    found = lost(pool, a=work(2, replicas={"min": 2, "max": 3, "spread": "instances"}))
    assert found["a"].left == 1
