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

from catalog import LanguageModel

GIB = 2**30
ACTIVATION_BYTES = 2  # bf16, as the caches and the embeddings
FITS_UP_TO = 0.85  # of a core's memory; above it nothing but the hardware proves it
OVERHEAD_GIB = 2.0  # code, scratchpad, DMA rings, collectives; 1.6 to 2.2 were measured
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


def verdict(share: float) -> Verdict:
    """How sure it is that a core holds what takes this share of its memory."""
    if share <= FITS_UP_TO:
        return Verdict.FITS
    return Verdict.TIGHT if share <= 1 else Verdict.NO


def _mlp(model: LanguageModel) -> int:
    """The feed-forward parameters of a layer: gate, up and down of each expert, and the router."""
    experts = model.experts * 3 * model.hidden * model.mlp
    return experts + (model.experts * model.hidden if model.experts > 1 else 0)


def _attention(model: LanguageModel) -> int:
    return 2 * model.hidden * model.head_dim * (model.heads + model.kv_heads)
