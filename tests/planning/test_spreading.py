"""Law of the price of `spread: instances`: that of the plan with it, or no plan has it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import load
from planning import Refused
from planning.lines import layout_of
from planning.price import stack_price
from planning.spreading import spreading_costs
from tests.planning.stacks import (
    PROJECT,
    Config,
    Entry,
    changed,
    decide_on,
    groups,
    managed,
    stack,
    work,
)

_CPU: Entry = {"cpu_units": 1000, "memory_mib": 2000}


@st.composite
def models(draw: st.DrawFn) -> Entry:
    """Two models with several replicas, on devices or without, and one in two Regions."""
    found: Entry = {}
    for name in ("a", "b"):
        least = draw(st.integers(2, 4))
        replicas = {"min": least, "max": draw(st.integers(least, 5))}
        on_chips = draw(st.booleans())
        placed = work(draw(st.integers(1, 3))) if on_chips else work(0, **_CPU)
        found[name] = {**placed, "replicas": replicas}
    if draw(st.booleans()):
        found["a"]["regions"] = {
            "us-east-1": {"replicas": draw(st.integers(1, 3))},
            "us-west-2": {},
        }
    return found


@given(models(), st.integers(1, 6), st.integers(0, 1), st.booleans())
@settings(max_examples=25)
def test_the_price_is_the_difference_of_the_plans(
    made: Entry, most: int, headroom: int, keeps: bool
) -> None:
    """With a layout that keeps the models where they are as well."""
    pool = groups("inf2.24xlarge", most, **({"headroom": headroom} if headroom else {}))
    regions: Entry = {"us-west-2": {}, "us-east-1": {}}
    config = stack(regions=regions, capacity={"pool": pool}, models=made)
    try:
        plan = decide_on(config)
        if keeps:
            config = {**config, f"{PROJECT}:layout": json.dumps(layout_of(plan, []))}
            plan = decide_on(config)
    except Refused:
        return
    found = spreading_costs(config, plan, made, load())
    for name in made:
        try:
            after = stack_price(decide_on(spread(config, name)), load()).amount
        except Refused:
            assert found[name] is None
        else:
            assert found[name] == after - stack_price(plan, load()).amount


def spread(config: Config, name: str) -> Config:
    """The stack file with `spread: instances` wherever the minimum of the model is above 1."""
    model: Any = json.loads(config[f"{PROJECT}:models"])[name]
    places = {f"models.{name}": model}
    places |= {f"models.{name}.regions.{r}": o for r, o in model.get("regions", {}).items()}
    for path, place in places.items():
        written = place.get("replicas")
        span = {"min": written, "max": written} if isinstance(written, int) else written
        if span and span["min"] > 1:
            config = changed(config, path, replicas={**span, "spread": "instances"})
    return config


def test_what_the_lines_of_a_layout_leave_no_room_for_has_no_price() -> None:
    """The first model fills the instances on which the second one would spread."""
    lines = {"a": {"1": [0, 1, 2, 3]}, "b": {"1": [0, 1], "2": [2, 3]}}
    config = stack(
        capacity={"pool": groups("inf2.24xlarge", 4)},
        models={
            "a": work(4, replicas={"min": 1, "max": 3}),
            "b": work(2, replicas={"min": 2, "max": 2}),
        },
        layout={"us-west-2": {"pool": lines}},
    )
    found = spreading_costs(config, decide_on(config), ["b"], load())
    with pytest.raises(Refused, match="NE246"):
        decide_on(spread(config, "b"))
    assert found == {"b": None}


@pytest.mark.parametrize("pool", [groups("m7i.4xlarge", 2), managed("m7i.4xlarge")])
def test_a_pool_without_chips_has_a_price_too(pool: Entry) -> None:
    made = {"a": {**work(0, **_CPU), "replicas": 2}}
    config = stack(capacity={"pool": pool}, models=made)
    before = decide_on(config)
    after = stack_price(decide_on(spread(config, "a")), load()).amount
    found = spreading_costs(config, before, made, load())
    assert found == {"a": after - stack_price(before, load()).amount}
