"""Estimates the memory that a language model needs on each NeuronCore, from its shape.

NeuronCores do not share memory: each logical core stores its part of the weights and of the KV
cache, and the fullest core decides. Heads are padded as NxD Inference pads them
(https://github.com/aws-neuron/neuronx-distributed-inference, modules/attention/gqa.py);
optimum-neuron does the same. AWS does not document what else a core stores: these constants were
chosen so that the deployments in `model_deployments.csv` are explained.
"""

from dataclasses import dataclass
from enum import IntEnum
from math import ceil

from catalog import LanguageModel

GIB = 2**30
ACTIVATION_BYTES = 2  # bf16, also for caches and embeddings
FITS_UP_TO = 0.85  # of a core's memory; above it only a test on the hardware is proof
OVERHEAD_GIB = 2.0  # code, scratchpad, DMA rings, collectives; 1.6 to 2.2 were measured
COMPILE_MEMORY = 2.5  # host memory to compile and load, as a multiple of the checkpoint
DISK_SHARES = 3  # checkpoints on disk: downloaded, compiled, and sharded
LOAD_MEMORY = 0.8  # host memory to load a compiled, sharded model; same unit


class Verdict(IntEnum):
    """Whether the model fits. Lower values are better."""

    FITS = 0
    TIGHT = 1
    NO = 2

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Estimate:
    """The memory that each logical NeuronCore needs, and has (``core_gib``), in GiB."""

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
        """The needed part of the core's memory; above 1 the model cannot run."""
        return self.need_gib / self.core_gib


def parameters(model: LanguageModel) -> int:
    """The number of parameters, computed from the shape without norms and biases."""
    output = model.kind == "decoder" and not model.tied
    embeddings = _embeddings(model) + output * model.vocabulary * model.hidden
    return embeddings + model.layers * (_mlp(model) + _attention(model))


def checkpoint_gib(model: LanguageModel, weight_bytes: int = 2) -> float:
    """The size of the checkpoint on disk, GiB."""
    return parameters(model) * weight_bytes / GIB


def padded_heads(heads: int, degree: int) -> int:
    """The number of query heads after padding to a multiple of the degree."""
    return ceil(heads / degree) * degree


def padded_kv_heads(heads: int, kv_heads: int, degree: int) -> int:
    """The number of KV heads over all cores; every core stores the same number.

    If neither number divides the other, every query head gets its own KV head.
    """
    if heads == kv_heads:
        return padded_heads(heads, degree)
    if kv_heads >= degree and kv_heads % degree == 0:
        return kv_heads
    if degree % kv_heads == 0:
        return degree
    return padded_heads(heads, degree)


def weights_gib(model: LanguageModel, degree: int, weight_bytes: int = 2) -> float:
    """The weights on each of `degree` cores, GiB.

    Embedding and output are two matrices even if the checkpoint ties them; a model for embeddings
    has no output. Every core stores a slice of every expert.
    """
    heads = padded_heads(model.heads, degree)
    kv = padded_kv_heads(model.heads, model.kv_heads, degree)
    attention = 2 * model.hidden * model.head_dim * (heads + kv)
    layers = model.layers * (_mlp(model) + attention)
    output = (model.kind == "decoder") * model.vocabulary * model.hidden
    return weight_bytes / degree * (_embeddings(model) + output + layers) / GIB


def cache_gib(model: LanguageModel, degree: int, *, sequences: int, length: int) -> float:
    """The KV cache on each core, GiB, allocated at start for all sequences at full length.

    An encoder has none: it reads each text once.
    """
    if model.kind == "encoder":
        return 0.0
    per_core = padded_kv_heads(model.heads, model.kv_heads, degree) / degree
    tokens = (model.layers - model.windowed_layers) * length + model.windowed_layers * min(
        length, model.window
    )
    return 2 * tokens * per_core * model.head_dim * ACTIVATION_BYTES * sequences / GIB


def verdict(share: float) -> Verdict:
    """The verdict for a needed share of a core's memory."""
    if share <= FITS_UP_TO:
        return Verdict.FITS
    return Verdict.TIGHT if share <= 1 else Verdict.NO


def _mlp(model: LanguageModel) -> int:
    """The feed-forward parameters of a layer: the matrices of each expert, and the router."""
    experts = model.experts * (3 if model.gated else 2) * model.hidden * model.mlp
    return experts + (model.experts * model.hidden if model.experts > 1 else 0)


def _embeddings(model: LanguageModel) -> int:
    """The parameters of the embedding; an encoder learns a vector for each position as well."""
    positions = model.max_positions if model.kind == "encoder" else 0
    return (model.vocabulary + positions) * model.hidden


def _attention(model: LanguageModel) -> int:
    return 2 * model.hidden * model.head_dim * (model.heads + model.kv_heads)
