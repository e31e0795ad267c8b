"""What is known of each server: its memory, command line, environment, caveats and habits.

A server is a row of the catalog's tables and one class here, under the same key. All that differs
between servers stands in these classes: rules and `fit` ask them and know no server by name.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from catalog import LanguageModel
from planning.serving.memory import (
    ACTIVATION_BYTES,
    COMPILE_MEMORY,
    FITS_UP_TO,
    GIB,
    LOAD_MEMORY,
    OVERHEAD_GIB,
    Estimate,
    Verdict,
    cache_gib,
    checkpoint_gib,
    padded_heads,
    verdict,
    weights_gib,
)

SKIP_EFA: Final = "NEURON_SKIP_EFA_AFFINITY"
"""The variable that keeps the vLLM plugin from looking for EFA."""


class Strategy:
    """What rules and `fit` need to know of one server.

    ``title`` is its name for people. ``replacement_rank``: which server is suggested first where an
    image must be replaced, the lowest first. ``first_port_only``: requests reach it on the first of
    its ports alone. ``underscores``: its options are written so. ``marks`` are words of a command
    line that start it; empty where any command does.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    replacement_rank: ClassVar[int] = 1
    first_port_only: ClassVar[bool] = False
    underscores: ClassVar[bool] = False
    marks: ClassVar[tuple[str, ...]] = ()
    fixed_cache_blocks: ClassVar[bool] = False
    """Whether the number of KV cache blocks is compiled into the model."""
    looks_for_efa: ClassVar[bool] = False
    """Whether it fails to start on a host without EFA unless its environment says otherwise."""
    reads_visible_devices: ClassVar[bool] = False
    """Whether it reads NEURON_VISIBLE_DEVICES, as many cores as its degree."""

    def option(self, name: str) -> str:
        """An option of the server as its command line spells it."""
        return f"--{name.replace('-', '_') if self.underscores else name}"

    def started_by(self, words: str) -> bool:
        """Whether a command line in lower case starts this server; an empty one does."""
        return not words or any(mark in words for mark in self.marks)


class LanguageModelServer(Strategy):
    """A server of language models that compiles the model when it starts.

    Weights, cache and a fixed rest stand on every core.
    """

    compiles: ClassVar[bool] = True
    environment: ClassVar[Mapping[str, str]] = {}
    """What its containers need in their environment on a host without EFA."""

    def estimate(
        self,
        model: LanguageModel,
        *,
        degree: int,
        sequences: int,
        length: int,
        core_gib: float,
        weight_bytes: int = 2,
    ) -> Estimate:
        """What each core would hold, in GiB, and whether it can."""
        weights = weights_gib(model, degree, weight_bytes)
        cache = cache_gib(model, degree, sequences=sequences, length=length)
        other = OVERHEAD_GIB + self.extra_gib(model, degree, length, weight_bytes)
        share = (weights + cache + other) / core_gib
        return Estimate(weights, cache, other, core_gib, verdict(share))

    def extra_gib(self, model: LanguageModel, degree: int, length: int, weight_bytes: int) -> float:
        """What the fullest core holds besides weights, cache and the fixed rest."""
        del model, degree, length, weight_bytes
        return 0.0

    def splits(self, model: LanguageModel, degree: int) -> bool:
        """Whether the server cuts the model into so many parts: most pad the heads."""
        del model, degree
        return True

    def host_memory_gib(
        self, model: LanguageModel, *, precompiled: bool, weight_bytes: int = 2
    ) -> float:
        """The host memory that a task needs to compile and load the model, or only to load it.

        A rule of thumb that agrees with the few reports there are: 8B is killed while it is traced
        in 32 GiB (https://github.com/aws-neuron/aws-neuron-sdk/issues/1222) and asks 96 GiB to
        compile and 12 GiB to load
        (https://github.com/aws-samples/sample-genai-on-eks-starter-kit).
        """
        factor = COMPILE_MEMORY if self.compiles and not precompiled else LOAD_MEMORY
        return factor * checkpoint_gib(model, weight_bytes)

    def command(
        self,
        model: LanguageModel,
        *,
        degree: int,
        sequences: int,
        length: int,
        precompiled: bool,
    ) -> tuple[str, ...]:
        """The command of a container; it states sequences and length, whose defaults are 32 and
        the model's maximum."""
        del precompiled
        return (
            "vllm",
            "serve",
            model.id,
            "--port=8080",
            f"--tensor-parallel-size={degree}",
            f"--max-num-seqs={sequences}",
            f"--max-model-len={length}",
        )

    def caveats(self, model: LanguageModel) -> Iterator[str]:
        """What to know before this server serves the model."""
        del model
        yield from ()

    def assumptions(self) -> Iterator[str]:
        """What the estimate assumes."""
        yield (
            f"{OVERHEAD_GIB:g} GiB of each core for code, scratchpad and "
            "collectives, which grow with the number of buckets; fits is up to "
            f"{FITS_UP_TO:.0%} of a core"
        )


class Nxdi(LanguageModelServer):
    """vLLM with NxD Inference."""

    key = "nxdi"
    title = "NxD Inference"
    replacement_rank = 0
    fixed_cache_blocks = True

    def command(
        self,
        model: LanguageModel,
        *,
        degree: int,
        sequences: int,
        length: int,
        precompiled: bool,
    ) -> tuple[str, ...]:
        """One block of the cache for each sequence, of full length."""
        words = super().command(
            model, degree=degree, sequences=sequences, length=length, precompiled=precompiled
        )
        return (*words, "--no-enable-prefix-caching", f"--num-gpu-blocks-override={sequences}")

    def caveats(self, model: LanguageModel) -> Iterator[str]:
        if model.tied:
            yield (
                "its embeddings are tied: NxD Inference fails to load it by its id; "
                "serve a copy at a local path"
            )


class Optimum(LanguageModelServer):
    """optimum-neuron 0.4.5 (https://github.com/huggingface/optimum-neuron)."""

    key = "optimum"
    title = "optimum-neuron"

    def extra_gib(self, model: LanguageModel, degree: int, length: int, weight_bytes: int) -> float:
        """The first rank keeps embedding and output whole, and the whole prompt is prefilled at
        once, so that attention scores grow with the square of the length."""
        whole = 2 * model.vocabulary * model.hidden * weight_bytes * (1 - 1 / degree)
        scores = padded_heads(model.heads, degree) / degree * length**2 * ACTIVATION_BYTES
        return (whole + scores) / GIB

    def command(
        self,
        model: LanguageModel,
        *,
        degree: int,
        sequences: int,
        length: int,
        precompiled: bool,
    ) -> tuple[str, ...]:
        """Arguments only: the entry point of the image is the server."""
        compiling = () if precompiled else ("--allow-non-cached-model",)
        return (
            f"--model={model.id}",
            "--port=8080",
            f"--tensor-parallel-size={degree}",
            f"--batch-size={sequences}",
            f"--sequence-length={length}",
            *compiling,
        )


class Plugin(LanguageModelServer):
    """The vLLM plugin, whose KV cache is paged: one sequence must fit, and the others wait.

    Source: https://github.com/aws-neuron/aws-neuron-sdk, determine_available_memory_design.md.
    """

    key = "plugin"
    title = "vLLM plugin"
    compiles = False  # reads the weights in slices
    looks_for_efa = True
    reads_visible_devices = True
    environment: ClassVar[Mapping[str, str]] = {SKIP_EFA: "1"}

    MEMORY_SHARE: Final = 0.9  # gpu_memory_utilization
    CACHE_SHARE: Final = 0.30  # of that, for the cache at most
    CACHE_LEAST_GIB: Final = 1.0  # below it the plugin does not start

    def estimate(
        self,
        model: LanguageModel,
        *,
        degree: int,
        sequences: int,
        length: int,
        core_gib: float,
        weight_bytes: int = 2,
    ) -> Estimate:
        """Weights, and the cache of one sequence of full length."""
        weights = weights_gib(model, degree, weight_bytes)
        one = cache_gib(model, degree, sequences=1, length=length)
        cache = max(one, self.CACHE_LEAST_GIB)
        total = self.MEMORY_SHARE * core_gib
        fits = cache <= min(total - weights, self.CACHE_SHARE * total)
        found = verdict((weights + cache) / core_gib) if fits else Verdict.NO
        return Estimate(weights, cache, 0.0, core_gib, found)

    def splits(self, model: LanguageModel, degree: int) -> bool:
        """Only degrees that divide the heads are documented."""
        return model.heads % degree == 0

    def command(
        self,
        model: LanguageModel,
        *,
        degree: int,
        sequences: int,
        length: int,
        precompiled: bool,
    ) -> tuple[str, ...]:
        words = super().command(
            model, degree=degree, sequences=sequences, length=length, precompiled=precompiled
        )
        quantized = (
            ('--hf-overrides={"quantization_config": {}}',) if model.model_type == "gpt_oss" else ()
        )
        return (*words, f"--max-num-batched-tokens={length}", *quantized)

    def caveats(self, model: LanguageModel) -> Iterator[str]:
        del model
        yield "AWS calls the vLLM plugin of this image Beta"

    def assumptions(self) -> Iterator[str]:
        yield "of the plugin's paged cache only that one sequence of full length fits"


class TensorFlowServing(Strategy):
    """TensorFlow Serving, whose first port is REST and the second gRPC."""

    key = "tf_serving"
    title = "TensorFlow Serving"
    first_port_only = True
    underscores = True
    marks = ("tensorflow_model_server", "model_base_path")


class TorchServe(Strategy):
    """TorchServe."""

    key = "torchserve"
    title = "TorchServe"
    marks = ("torchserve",)


LANGUAGE_MODEL_SERVERS: Final[Mapping[str, LanguageModelServer]] = {
    server.key: server for server in (Nxdi(), Optimum(), Plugin())
}
"""The servers of language models, by the key of their row."""

SERVERS: Final[Mapping[str, Strategy]] = {
    **LANGUAGE_MODEL_SERVERS,
    **{server.key: server for server in (TensorFlowServing(), TorchServe())},
}
"""Every server, by the key of its row in ``servers.csv``."""


def replacement_rank(key: str) -> int:
    """Where an image with that server stands among suggested ones; 1 without a server."""
    return SERVERS[key].replacement_rank if key in SERVERS else Strategy.replacement_rank
