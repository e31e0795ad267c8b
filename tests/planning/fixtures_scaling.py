"""Fixtures of the rules about what moves the number of replicas."""

from typing import Any

from tests.planning.fixtures import Fixture
from tests.planning.fixtures_workloads import HERE, INF2_6, on
from tests.planning.stacks import Config, groups, managed, stack, work

MOVED = {"min": 1, "max": 2}


def scaled(replicas: Any = MOVED, **scaling: Any) -> Config:
    """A model with a port whose replicas something moves."""
    model = work(1, port=8080, replicas=replicas, scaling=scaling)
    return on(groups("inf2.24xlarge"), model, traffic=HERE)


def _two(model: dict[str, Any]) -> Config:
    """The model beside one behind the load balancer."""
    models = {"m": model, "n": work(1, port=9000)}
    return stack(capacity={"pool": INF2_6}, models=models, traffic=HERE)


def _torchserve(**scaling: Any) -> Config:
    model = work(1, port=8080, image="dlc/pytorch-inference-neuronx:2.9.0", replicas=MOVED)
    model |= {"health_check": {"path": "/ping"}, "scaling": scaling}
    return on(groups("inf2.24xlarge"), model, traffic=HERE)


RESERVED: dict[str, Any] = {
    "purchase": "capacity_reservation",
    "reservation_ids": {"us-west-2": "cr-0a"},
    "zone_ids": ["usw2-az1"],
}


GROUPED: dict[str, Any] = {
    "purchase": "reserved",
    "reservation_group_arns": {
        "us-west-2": "arn:aws:resource-groups:us-west-2:111122223333:group/mine"
    },
}
FIXTURES: dict[str, Fixture] = {
    "NE609": Fixture(
        "models.m.scaling.requests_per_minute",
        _two(work(1, replicas=MOVED, scaling={"requests_per_minute": 60})),
        _two(work(1, replicas=MOVED, scaling={"external": True})),
    ),
    "NE610": Fixture(
        "models.m.scaling.external",
        scaled(requests_per_minute=60, external=True),
        scaled(requests_per_minute=60, external=False),
    ),
    "NE611": Fixture(
        "models.m.scaling.cooldown_out_seconds",
        scaled(requests_per_minute=60, cooldown_out_seconds=300),
        scaled(requests_per_minute=60, cooldown_out_seconds=3000),
    ),
    "NE612": Fixture(
        "models.m.replicas.min",
        scaled({"min": 0, "max": 2}, requests_per_minute=60),
        scaled({"min": 1, "max": 2}, requests_per_minute=60),
    ),
    "NE613": Fixture(
        "models.m.replicas",
        scaled({"min": 2, "max": 2}, requests_per_minute=60),
        scaled({"min": 1, "max": 2}, requests_per_minute=60),
    ),
    "NE614": Fixture(
        "models.m.scaling.requests_per_minute",
        on(
            groups("c7g.4xlarge"),
            work(0, memory_mib=512, port=8080, replicas={"min": 1, "max": 22})
            | {"scaling": {"requests_per_minute": 60}},
            traffic=HERE,
        ),
        on(
            groups("c7g.4xlarge"),
            work(0, memory_mib=512, port=8080, replicas={"min": 1, "max": 21})
            | {"scaling": {"requests_per_minute": 60}},
            traffic=HERE,
        ),
    ),
    "NE615": Fixture(
        "models.m.scaling.schedule[0].max",
        scaled(schedule=[{"expression": "cron(0 7 * * ? *)", "min": 1, "max": 3}]),
        scaled(schedule=[{"expression": "cron(0 7 * * ? *)", "min": 1, "max": 2}]),
    ),
    "NE616": Fixture(
        "models.m.scaling.schedule[1].expression",
        scaled(
            schedule=[
                {"expression": "cron(0 7 * * ? *)", "min": 2},
                {"expression": "cron(0 7 * * ? *)", "max": 1},
            ]
        ),
        scaled(
            schedule=[
                {"expression": "cron(0 7 * * ? *)", "min": 2},
                {"expression": "cron(0 19 * * ? *)", "max": 1},
            ]
        ),
    ),
    "NE620": Fixture(
        "models.m.scaling.queue",
        _torchserve(queue=8),
        _torchserve(requests_per_minute=60),
    ),
    "NE621": Fixture("models.m.scaling.queue", scaled(queue=8), scaled(requests_per_minute=60)),
    "NE622": Fixture(
        "models.m.scaling.queue",
        _two(work(1, replicas=MOVED, scaling={"queue": 8})),
        _two(work(1, replicas=MOVED, scaling={"external": True})),
    ),
    "NE623": Fixture(
        "models.m.scaling.requests_per_minute",
        scaled(queue=8, requests_per_minute=60),
        scaled(queue=8),
        beside=frozenset({"NE621"}),
    ),
    "NE617": Fixture(
        "capacity.pool.headroom",
        on(groups("inf2.24xlarge", 1, headroom=1), work(1)),
        on(groups("inf2.24xlarge", 2, headroom=1), work(1)),
    ),
    "NE618": Fixture(
        "capacity.pool.on_demand_fallback",
        on(groups(on_demand_fallback=True), work(1)),
        on(groups(on_demand_fallback=True, **RESERVED), work(1)),
    ),
    "NE619": Fixture(
        "capacity.pool.on_demand_fallback",
        on(managed("inf2.xlarge", on_demand_fallback=True, **GROUPED), work("all")),
        on(managed("inf2.xlarge", on_demand_fallback=True, purchase="reserved"), work("all")),
    ),
}
