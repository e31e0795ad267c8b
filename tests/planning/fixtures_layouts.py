"""For each rule about `layout` a stack file that breaks it, and a neighbour that does not."""

from typing import Any

from tests.planning.fixtures import Fixture
from tests.planning.stacks import Config, groups, stack, work


def _on(size: int, lines: dict[str, Any], **models: Any) -> Config:
    """Models on a pool of rings of six devices, with lines."""
    layout = {"us-west-2": {"pool": lines}}
    return stack(capacity={"pool": groups("inf2.24xlarge", size)}, models=models, layout=layout)


def _twice(devices: list[int]) -> Config:
    """Two models that take all of an instance together, one of them on these devices."""
    big, small = work(4, replicas={"min": 1}), work(2)
    return _on(1, {"a": {"1": [0, 1, 2, 3]}, "b": {"1": devices}}, a=big, b=small)


def _gap(size: int, devices: list[int]) -> Config:
    """A model on a device, and one that needs five devices beside it."""
    return _on(size, {"a": {"1": devices}, "b": {"1": [1, 2, 3, 4, 5]}}, a=work(1), b=work(5))


def _spread(least: int, *zones: str) -> Config:
    """A model that spreads, on a pool in these zones."""
    pool = groups("inf2.24xlarge", 3, **({"zone_ids": list(zones)} if zones else {}))
    replicas = {"min": least, "spread": "instances"}
    return stack(capacity={"pool": pool}, models={"a": work(2, replicas=replicas)})


_TWO = {"1": [0, 1], "2": [2, 3]}

FIXTURES: dict[str, Fixture] = {
    "NE244": Fixture(
        "layout.us-west-2.pool.b",
        _on(2, {"a": {"1": [0, 1]}, "b": {"1": [2, 3]}}, a=work(2)),
        _on(2, {"a": {"1": [0, 1]}, "b": {"1": [2, 3]}}, a=work(2), b=work(2)),
    ),
    "NE245": Fixture(
        "layout.us-west-2.pool.a.2",
        _on(2, {"a": _TWO}, a=work(2)),
        _on(2, {"a": _TWO}, a=work(2, replicas={"min": 2})),
    ),
    "NE246": Fixture("layout.us-west-2.pool.b.1", _twice([3, 4]), _twice([4, 5])),
    "NE247": Fixture(
        "layout.us-west-2.pool",
        _on(1, {"a": {"1": [2]}, "b": {"1": [4]}}, a=work(1), b=work(1), c=work(4)),
        _on(1, {"a": {"1": [4]}, "b": {"1": [5]}}, a=work(1), b=work(1), c=work(4)),
        frozenset({"NE248"}),
    ),
    "NE248": Fixture(
        "models.b",
        _on(2, {"a": {"1": [0, 1]}}, a=work(2), b=work(2)),
        _on(2, {"a": {"1": [0, 1]}, "b": {"1": [2, 3]}}, a=work(2), b=work(2)),
    ),
    "NE250": Fixture("models.a.replicas.spread", _spread(1), _spread(2)),
    "NE251": Fixture("models.a.replicas", _spread(2, "usw2-az1"), _spread(2)),
    "NE249": Fixture("layout.us-west-2.pool", _gap(4, [3]), _gap(4, [0])),
}
