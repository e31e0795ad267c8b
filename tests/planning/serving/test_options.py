"""Which ways to serve a model are proposed on an instance type."""

import pytest

from catalog import load
from config import Serve
from planning.serving.memory import Verdict
from planning.serving.options import serving_options
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
    fits = [o for o in found if o.estimate.verdict is Verdict.FITS]
    assert len(fits) <= 2 and found[-len(fits) :] == tuple(fits)
