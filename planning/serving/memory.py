"""Does a language model fit the cores that it is given: arithmetic on its shape.

Memory is not pooled: each logical NeuronCore holds its part of the weights and of the KV cache, and
the fullest core decides. The padding of heads is that of NxD Inference
(https://github.com/aws-neuron/neuronx-distributed-inference, modules/attention/gqa.py), which
optimum-neuron copies. What a core holds besides is measured, not documented: the constants are
chosen with the deployments in `model_deployments.csv` in view, so the verdict is an estimate.
"""

from dataclasses import dataclass
from enum import IntEnum
from math import ceil
from typing import Literal

from catalog import LanguageModel

Rule = Literal["nxdi", "optimum", "plugin"]

GIB = 2**30
ACTIVATION_BYTES = 2  # bf16, as the caches and the embeddings
FITS_UP_TO = 0.85  # of a core's memory; above it nothing but the hardware proves it
OVERHEAD_GIB = 2.0  # code, scratchpad, DMA rings, collectives; 1.6 to 2.2 were measured
PLUGIN_SHARE = 0.9  # gpu_memory_utilization of the vLLM plugin
PLUGIN_CACHE_SHARE = 0.30  # of that, for the cache at most
PLUGIN_CACHE_LEAST_GIB = 1.0  # below it the plugin does not start
COMPILE_MEMORY = 2.5  # host memory to compile and load, in sizes of the checkpoint
LOAD_MEMORY = 0.8  # host memory to load what is compiled and sharded, in sizes of the checkpoint


class Verdict(IntEnum):
    """How sure it is that the model fits; the lower the better."""

    FITS = 0
    TIGHT = 1
    NO = 2

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one logical NeuronCore would hold, in GiB, of the memory that it has."""

    weights_gib: float
    cache_gib: float
    other_gib: float
    core_gib: float
    verdict: Verdict

    @property
    def need_gib(self) -> float:
        return self.weights_gib + self.cache_gib + self.other_gib

    @property
    def share(self) -> float:
        """The part of the core's memory that is needed; above 1 it cannot work."""
        return self.need_gib / self.core_gib


def parameters(model: LanguageModel) -> int:
    """The number of parameters, computed from the shape; norms and biases are left out."""
    embeddings = (1 if model.tied else 2) * model.vocabulary * model.hidden
    return embeddings + model.layers * (_mlp(model) + _attention(model))


def checkpoint_gib(model: LanguageModel, weight_bytes: int = 2) -> float:
    """The size of the checkpoint on disk."""
    return parameters(model) * weight_bytes / GIB


def padded_heads(heads: int, degree: int) -> int:
    """The query heads after padding to a multiple of the degree: padded, not refused."""
    return ceil(heads / degree) * degree


def padded_kv_heads(heads: int, kv_heads: int, degree: int) -> int:
    """The KV heads over all cores, each of which holds an equal part.

    Where they do not divide, every query head gets a KV head of its own, which is expensive.
    """
    if heads == kv_heads:
        return padded_heads(heads, degree)
    if kv_heads >= degree and kv_heads % degree == 0:
        return kv_heads
    if degree % kv_heads == 0:
        return degree
    return padded_heads(heads, degree)


def weights_gib(model: LanguageModel, degree: int, weight_bytes: int = 2) -> float:
    """The weights on each of `degree` cores.

    Embedding and output are two matrices even where the checkpoint ties them; every core holds a
    slice of every expert.
    """
    heads = padded_heads(model.heads, degree)
    kv = padded_kv_heads(model.heads, model.kv_heads, degree)
    attention = 2 * model.hidden * model.head_dim * (heads + kv)
    layers = model.layers * (_mlp(model) + attention)
    return weight_bytes / degree * (2 * model.vocabulary * model.hidden + layers) / GIB


def cache_gib(model: LanguageModel, degree: int, *, sequences: int, length: int) -> float:
    """The KV cache on each core, allocated at start for every sequence at full length."""
    per_core = padded_kv_heads(model.heads, model.kv_heads, degree) / degree
    tokens = (model.layers - model.windowed_layers) * length + model.windowed_layers * min(
        length, model.window
    )
    return 2 * tokens * per_core * model.head_dim * ACTIVATION_BYTES * sequences / GIB


def estimate(
    model: LanguageModel,
    *,
    rule: Rule,
    degree: int,
    sequences: int,
    length: int,
    core_gib: float,
    weight_bytes: int = 2,
) -> Estimate:
    """What each core would hold, and whether it can.

    `nxdi`: weights, cache and a fixed rest. `optimum`: besides, the first rank keeps embedding and
    output whole, and the whole prompt is prefilled at once, so that attention scores grow with the
    square of the length (https://github.com/huggingface/optimum-neuron, 0.4.5). `plugin`: the cache
    is paged, so that one sequence must fit and the others wait
    (https://github.com/aws-neuron/aws-neuron-sdk, determine_available_memory_design.md).
    """
    weights = weights_gib(model, degree, weight_bytes)
    if rule == "plugin":
        one = cache_gib(model, degree, sequences=1, length=length)
        cache = max(one, PLUGIN_CACHE_LEAST_GIB)
        total = PLUGIN_SHARE * core_gib
        room = min(total - weights, PLUGIN_CACHE_SHARE * total)
        verdict = Verdict.NO if cache > room else _verdict((weights + cache) / core_gib)
        return Estimate(weights, cache, 0.0, core_gib, verdict)
    cache = cache_gib(model, degree, sequences=sequences, length=length)
    other = OVERHEAD_GIB
    if rule == "optimum":
        whole = 2 * model.vocabulary * model.hidden * weight_bytes * (1 - 1 / degree)
        scores = padded_heads(model.heads, degree) / degree * length**2 * ACTIVATION_BYTES
        other += (whole + scores) / GIB
    return Estimate(weights, cache, other, core_gib, _verdict((weights + cache + other) / core_gib))


def splits(model: LanguageModel, rule: Rule, degree: int) -> bool:
    """Whether the server cuts the model into so many parts.

    NxD Inference and optimum-neuron pad the heads. Of the plugin only degrees that divide the heads
    are documented; it is held to them.
    """
    return rule != "plugin" or model.heads % degree == 0


def paged_sequences(model: LanguageModel, found: Estimate, degree: int, length: int) -> int:
    """How many sequences of full length the plugin's cache holds at once; the others wait."""
    one = cache_gib(model, degree, sequences=1, length=length)
    total = PLUGIN_SHARE * found.core_gib
    return int(min(total - found.weights_gib, PLUGIN_CACHE_SHARE * total) / one)


def host_memory_gib(
    model: LanguageModel, *, rule: Rule, precompiled: bool, weight_bytes: int = 2
) -> float:
    """The host memory that a task needs to compile the model and load it, or to load it only.

    A rule of thumb that agrees with the few reports there are: 8B is killed while it is traced in
    32 GiB (https://github.com/aws-neuron/aws-neuron-sdk/issues/1222) and asks 96 GiB to compile and
    12 GiB to load (https://github.com/aws-samples/sample-genai-on-eks-starter-kit). The plugin
    reads the weights in slices.
    """
    factor = LOAD_MEMORY if precompiled or rule == "plugin" else COMPILE_MEMORY
    return factor * checkpoint_gib(model, weight_bytes)


def _verdict(share: float) -> Verdict:
    if share <= FITS_UP_TO:
        return Verdict.FITS
    return Verdict.TIGHT if share <= 1 else Verdict.NO


def _mlp(model: LanguageModel) -> int:
    """The feed-forward parameters of a layer: gate, up and down of each expert, and the router."""
    experts = model.experts * 3 * model.hidden * model.mlp
    return experts + (model.experts * model.hidden if model.experts > 1 else 0)


def _attention(model: LanguageModel) -> int:
    return 2 * model.hidden * model.head_dim * (model.heads + model.kv_heads)
