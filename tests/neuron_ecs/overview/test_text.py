"""What `plan` prints of the decisions of a plan."""

from neuron_ecs.overview.text import starts
from tests.planning.fixtures_served import TINY
from tests.planning.stacks import decide_on, groups, stack, work


def test_a_start_that_no_source_tells_is_said_not_to_be_known() -> None:
    named = {"known": {"capacity": "pool", "serve": {"model": TINY}}, "own": work(1)}
    plan = decide_on(stack(capacity={"pool": groups("inf2.24xlarge")}, models=named))
    rows = [line.split() for line in starts(plan)]
    assert ["known", "60", "min", "15", "min"] in rows
    assert ["own", "not", "known", "not", "known"] in rows
