"""The plan of the stack with which the account is compared."""

import pytest

from planning import plan
from tests.neuron_ecs.operations.world import STACK, planned, stack_file


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> plan.Plan:
    return planned(stack_file(tmp_path_factory.mktemp("stack"), STACK))


@pytest.fixture
def region(described: plan.Plan) -> plan.RegionPlan:
    return described.regions[0]
