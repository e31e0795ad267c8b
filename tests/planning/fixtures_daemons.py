"""A failing and a passing stack for each rule about daemons."""

from typing import Any

from tests.planning.fixtures import Fixture
from tests.planning.stacks import Config, groups, managed, stack, work

PRIVATE = "111122223333.dkr.ecr.{region}.amazonaws.com/watching:1"
SHUT = {"us-west-2": {"network": {"nat": "none"}}}


def _watched(
    metrics: dict[str, Any] | None, model: dict[str, Any] | None = None, **keys: Any
) -> Config:
    given: Any = {} if metrics is None else {"neuron_metrics": metrics}
    stacked: Any = {"capacity": {"pool": groups()}, "models": {"m": model or work(1)}}
    return stack(**{**stacked, **given, **keys})


def _served(port: int) -> dict[str, Any]:
    return work(1, port=port, network_mode="host")


BOTH = {"pool": groups(), "managed": managed("inf2.xlarge")}
ONE_EACH = {"m": work(1), "n": work("all", "managed")}

FIXTURES: dict[str, Fixture] = {
    "NE840": Fixture("models.m.port", _watched({}, _served(19800)), _watched({}, _served(19801))),
    "NE841": Fixture(
        "capacity.managed",
        _watched({}, capacity=BOTH, models=ONE_EACH),
        _watched(None, capacity=BOTH, models=ONE_EACH),
        beside=frozenset({"NE403", "NE603"}),
    ),
    "NE842": Fixture(
        "neuron_metrics",
        _watched({}, work("all"), capacity={"pool": managed("inf2.xlarge")}),
        _watched(None, work("all"), capacity={"pool": managed("inf2.xlarge")}),
        beside=frozenset({"NE403"}),
    ),
    "NE767": Fixture(
        "neuron_metrics",
        _watched({}, work(1, s3_read=["s3://bucket/a/"])),
        _watched(None, work(1, s3_read=["s3://bucket/a/"])),
    ),
    "NE843": Fixture(
        "neuron_metrics.monitor_image",
        _watched({"agent_image": PRIVATE}, work(1, image=PRIVATE), regions=SHUT),
        _watched(
            {"agent_image": PRIVATE, "monitor_image": PRIVATE},
            work(1, image=PRIVATE),
            regions=SHUT,
        ),
    ),
}
