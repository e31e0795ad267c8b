"""Which ways to serve a model are proposed on an instance type."""

import pytest

from catalog import load
from config import Serve
from planning.serving.memory import Verdict
from planning.serving.options import all_options, preference, serving_options
from planning.serving.written import required_of

KNOWN = load()
MODELS = [
    "Qwen/Qwen3-0.6B",
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.1-70B-Instruct",
]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", sorted(KNOWN.instances.neuron_types))
def test_at_most_three_options_with_ever_more_devices(kind: str, model: str) -> None:
    required = required_of(Serve(model=model), KNOWN.serving.models[model])
    found = serving_options(KNOWN.instances.types[kind], required, KNOWN)
    if isinstance(found, str):
        return
    assert len(found) <= 3
    assert len({o.devices for o in found}) == len(found)
    every = all_options(KNOWN.instances.types[kind], required, KNOWN)
    assert not isinstance(every, str)
    ranked = sorted(every, key=lambda o: preference(o, o.devices))
    fits = [o for o in ranked if o.estimate.verdict is Verdict.FITS]
    best = [*sorted(fits, key=lambda o: o.devices)[:1], *fits[:1]]
    shown = [o for o in found if o.estimate.verdict is Verdict.FITS]
    assert {o.devices for o in shown} == {o.devices for o in best}, "the fewest, and what serve has"
