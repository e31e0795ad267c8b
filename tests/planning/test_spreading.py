"""Law of the price of `spread: instances`: that of the plan with it, or no plan has it."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import load
from planning import Refused
from planning.price import stack_price
from planning.spreading import spreading_costs
from tests.planning.stacks import PROJECT, Config, Entry, changed, decide_on, groups, stack, work

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


@given(models(), st.integers(1, 6), st.integers(0, 1))
@settings(max_examples=25)
def test_the_price_is_the_difference_of_the_plans(made: Entry, most: int, headroom: int) -> None:
    pool = groups("inf2.24xlarge", most, **({"headroom": headroom} if headroom else {}))
    regions: Entry = {"us-west-2": {}, "us-east-1": {}}
    config = stack(regions=regions, capacity={"pool": pool}, models=made)
    try:
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
