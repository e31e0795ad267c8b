"""Estimates of memory: their arithmetic, and documented deployments that they must explain."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import catalog
from catalog import LanguageModel, ModelDeployment
from planning.serving import memory as language_models
from planning.serving.memory import Verdict
from planning.serving.servers import LANGUAGE_MODEL_SERVERS

KNOWN = catalog.load()
MODELS = sorted(KNOWN.serving.models)
EIGHT, SEVENTY = "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.3-70B-Instruct"
BIGGEST = "meta-llama/Llama-3.1-405B-Instruct"


@given(
    st.sampled_from(MODELS),
    st.sampled_from(sorted(LANGUAGE_MODEL_SERVERS)),
    st.sampled_from([1, 2, 4, 8, 12, 16, 24, 32, 64]),
    st.integers(1, 200),
    st.integers(1, 200_000),
    st.integers(0, 200),
    st.integers(0, 200_000),
)
def test_more_or_longer_sequences_never_need_less(
    name: str, server: str, degree: int, sequences: int, length: int, more: int, longer: int
) -> None:
    model = KNOWN.serving.models[name]

    def needed(count: int, tokens: int) -> language_models.Estimate:
        return LANGUAGE_MODEL_SERVERS[server].estimate(
            model, degree=degree, sequences=count, length=tokens, core_gib=24
        )

    one, other = needed(sequences, length), needed(sequences + more, length + longer)
    assert one.need_gib <= other.need_gib
    assert one.verdict <= other.verdict, "a verdict never improves with larger requirements"


def test_the_parameters_follow_from_the_shape() -> None:
    published = {
        "TinyLlama/TinyLlama-1.1B-Chat-v1.0": 1.10,
        "meta-llama/Llama-3.2-1B-Instruct": 1.24,  # tied embeddings count once
        "Qwen/Qwen3-4B": 4.02,
        EIGHT: 8.03,
        SEVENTY: 70.55,
        BIGGEST: 405.9,
        "Qwen/Qwen3-30B-A3B-Instruct-2507": 30.53,
        "mistralai/Mixtral-8x7B-Instruct-v0.1": 46.70,
        "openai/gpt-oss-120b": 116.8,
    }
    for name, billions in published.items():
        counted = language_models.parameters(KNOWN.serving.models[name]) / 1e9
        assert counted == pytest.approx(billions, rel=0.01), name


def test_heads_are_padded_and_kv_heads_replicated() -> None:
    assert [language_models.padded_kv_heads(64, 8, tp) for tp in (2, 4, 8, 16, 24, 32, 64)] == [
        8, 8, 8, 16, 24, 32, 64,
    ]  # fmt: skip
    assert language_models.padded_kv_heads(64, 8, 12) == 72, "a head for each query: expensive"
    assert language_models.padded_heads(28, 8) == 32


def test_the_cache_is_as_large_as_the_server_logged() -> None:
    model = KNOWN.serving.models[EIGHT]
    cache = language_models.cache_gib(model, 8, sequences=32, length=4096)
    assert cache * 1024 == 2048, "optimum-neuron logs 2048 MB for 32 x 4096 tokens on 8 cores"


def test_the_first_rank_of_optimum_neuron_keeps_embedding_and_output_whole() -> None:
    model = KNOWN.serving.models[EIGHT]
    found = LANGUAGE_MODEL_SERVERS["optimum"].estimate(
        model, degree=8, sequences=32, length=4096, core_gib=16
    )
    scores = 4 * 4096**2 * 2 / 2**30
    whole = found.other_gib - language_models.OVERHEAD_GIB - scores
    assert whole * 2**30 / 1e9 == pytest.approx(1.8, abs=0.05), "1.8 GB more were measured"


def test_the_plugin_serves_more_sequences_than_its_cache_holds_at_once() -> None:
    model = KNOWN.serving.models[EIGHT]
    plugin = LANGUAGE_MODEL_SERVERS["plugin"]
    found = plugin.estimate(model, degree=4, sequences=64, length=8192, core_gib=24)
    assert found.verdict is Verdict.FITS
    one = plugin.estimate(model, degree=4, sequences=1, length=8192, core_gib=24)
    assert found == one, "the others wait"
    assert not plugin.splits(model, 12)


# -- the estimate against what others have run -------------------------------------------------

MISSES = {
    (EIGHT, "inf2.24xlarge", 8, 1, 16384): "Allocation Failure with nine prompt buckets, cause not"
    " stated: https://github.com/aws-neuron/aws-neuron-samples/issues/96",
}
"""Deployments of which the estimate says the wrong thing. Nothing may join them unseen."""

OPT = LanguageModel(
    id="facebook/opt-13b",
    model_type="opt",
    kind="decoder",
    layers=40,
    hidden=5120,
    heads=40,
    kv_heads=40,
    head_dim=128,
    mlp=20480,
    gated=False,
    experts=1,
    vocabulary=50272,
    max_positions=2048,
    windowed_layers=0,
    window=0,
    tied=True,
    needs_token=False,
    note="",
)
"""Of https://github.com/aws-neuron/aws-neuron-samples (opt-13b): 3 sequences "won't fit"."""


def of_opt(sequences: int, *, works: bool) -> ModelDeployment:
    return ModelDeployment(
        OPT.id, "inf2.8xlarge", 2, sequences, 2048, "nxdi", 2, works, "aws-neuron-samples", ""
    )


DEPLOYMENTS = (*KNOWN.serving.deployments, of_opt(2, works=True), of_opt(3, works=False))


def verdict_on(deployment: ModelDeployment) -> Verdict:
    hardware = KNOWN.instances.neuron_types[deployment.instance_type].neuron
    assert hardware is not None
    shapes = {**KNOWN.serving.models, OPT.id: OPT}
    return (
        LANGUAGE_MODEL_SERVERS[deployment.server]
        .estimate(
            shapes[deployment.model],
            degree=deployment.tensor_parallel,
            sequences=deployment.sequences,
            length=deployment.length,
            core_gib=hardware.device_memory_mib / 1024 / hardware.logical_cores_per_device,
            weight_bytes=deployment.weight_bytes,
        )
        .verdict
    )


def key_of(d: ModelDeployment) -> tuple[str, str, int, int, int]:
    return d.model, d.instance_type, d.tensor_parallel, d.sequences, d.length


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: "-".join(map(str, key_of(d))))
def test_the_estimate_agrees_with_a_deployment(deployment: ModelDeployment) -> None:
    verdict = verdict_on(deployment)
    right = verdict is Verdict.TIGHT or (verdict is Verdict.FITS) == deployment.works
    assert right == (key_of(deployment) not in MISSES), (
        f"estimated {verdict.word}, and it {'ran' if deployment.works else 'failed'}: "
        f"{deployment.source}"
    )


def test_the_accuracy_of_the_estimate(record_property: Any) -> None:
    clear = [(d, v) for d in DEPLOYMENTS if (v := verdict_on(d)) is not Verdict.TIGHT]
    right = [d for d, v in clear if (v is Verdict.FITS) == d.works]
    tight = [d for d in DEPLOYMENTS if verdict_on(d) is Verdict.TIGHT]
    said = f"{len(right)} of {len(clear)} clear verdicts right, {len(tight)} tight"
    record_property("accuracy", said)
    assert (len(right), len(clear), len(tight)) == (27, 28, 4), said


def test_every_documented_deployment_uses_a_degree_that_is_known() -> None:
    for deployment in KNOWN.serving.deployments:
        degrees = KNOWN.neuron.tensor_parallel_degrees(deployment.instance_type)
        assert deployment.tensor_parallel in degrees, (
            f"{deployment}: tensor_parallel.csv lacks the degree for the instance type"
        )
        assert deployment.model in KNOWN.serving.models, (
            f"{deployment.model} of model_deployments.csv is not in language_models.csv"
        )
        assert deployment.source.startswith("https://"), deployment


def test_images_and_refusals_name_what_exists() -> None:
    families = {t.neuron.family for t in KNOWN.instances.neuron_types.values() if t.neuron}
    types = set(KNOWN.serving.model_types)
    names = {i.name for i in KNOWN.serving.images}
    for image in KNOWN.serving.images:
        assert set(image.families) <= families
        assert {*image.model_types, *image.embedding_types} <= types, (
            "a word that no configuration file has serves nothing"
        )
        assert set(image.models) <= set(KNOWN.serving.models)
    assert {m.model_type for m in KNOWN.serving.models.values()} <= types
    for refusal in KNOWN.serving.refusals:
        assert refusal.model == refusal.model.lower()
        assert refusal.serving_image in names
        assert refusal.family in families
