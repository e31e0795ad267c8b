"""Models that answer with vectors: which servers embed, and what they need."""

from catalog import load
from planning.serving.memory import cache_gib, weights_gib
from planning.serving.options import ModelRequirements, ServingOption, serving_options
from planning.serving.served import Served

KNOWN = load()
QWEN, MINI = "Qwen/Qwen3-Embedding-8B", "sentence-transformers/all-MiniLM-L6-v2"


def options(name: str, kind: str) -> tuple[ServingOption, ...] | str:
    model = KNOWN.serving.models[name]
    required = ModelRequirements(model, 512, 4, precompiled=False)
    return serving_options(KNOWN.instances.neuron_types[kind], required, KNOWN)


def test_a_server_that_embeds_is_started_for_it() -> None:
    for kind, server, word in (
        ("inf2.xlarge", "optimum", "--task=embed"),
        ("trn2.48xlarge", "plugin", "--runner=pooling"),
    ):
        found = options(QWEN, kind)
        assert not isinstance(found, str)
        for option in found:
            assert option.image.server == server
            model = KNOWN.serving.models[QWEN]
            served = Served("m", QWEN, degree=option.degree, sequences=4, length=512, model=model)
            assert word in option.server.command(served)


def test_an_encoder_has_no_server_of_the_tables_and_is_told_what_runs_it() -> None:
    for kind in ("inf2.xlarge", "trn1.32xlarge", "trn2.48xlarge"):
        why = options(MINI, kind)
        assert isinstance(why, str)
        assert "embeds with bert models" in why and "embed with qwen3" in why
        assert "torch_neuronx it runs in TorchServe" in why


def test_an_encoder_has_no_cache_and_a_model_for_vectors_no_output() -> None:
    mini = KNOWN.serving.models[MINI]
    assert cache_gib(mini, 1, sequences=64, length=512) == 0
    assert weights_gib(mini, 1) < 0.05
    talks, embeds = (KNOWN.serving.models[n] for n in ("Qwen/Qwen3-8B", QWEN))
    assert weights_gib(talks, 2) - weights_gib(embeds, 2) > 0.5, "half of the output matrix"
    assert cache_gib(embeds, 2, sequences=1, length=512) > 0, "it stores keys and values"


def test_a_model_of_the_shape_of_a_documented_one_is_served_with_a_caveat() -> None:
    found = options("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "trn2.48xlarge")
    assert not isinstance(found, str)
    plugin = [o for o in found if o.image.server == "plugin"]
    assert all("its shape is that of" in " ".join(o.caveats) for o in plugin)
