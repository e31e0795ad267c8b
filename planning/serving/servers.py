"""The servers: memory, command line, environment and caveats of each.

A server is a row of `servers.csv` and a class in this file with the same key. All differences
between servers belong to these classes; rules and `fit` never compare the name of a server.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import ClassVar, Final

from catalog import LanguageModel
from planning.command_line import number, option, written
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
from planning.serving.served import Served
from planning.serving.shapes import on_hub

SKIP_EFA: Final = "NEURON_SKIP_EFA_AFFINITY"
"""The environment variable that keeps the vLLM plugin from looking for EFA."""

VISIBLE_CORES: Final = "NEURON_RT_VISIBLE_CORES"
"""The environment variable by which the Neuron runtime takes NeuronCores of the instance."""

VISIBLE_DEVICES: Final = "NEURON_VISIBLE_DEVICES"
"""The environment variable by which the vLLM plugin chooses NeuronCores."""

TENSOR_PARALLEL: Final = "tensor-parallel-size"
CACHE_BLOCKS: Final = "num-gpu-blocks-override"
"""Options of vLLM."""


def starts_vllm(words: list[str]) -> bool:
    """Whether a command starts a vLLM server, with `vllm serve` or its module."""
    return any(
        (first.rpartition("/")[2] == "vllm" and second == "serve")
        or (first == "-m" and second == "vllm.entrypoints.openai.api_server")
        for first, second in pairwise(words)
    )


def lacks_program(words: list[str]) -> bool:
    """Whether a command is that of vLLM without its first word: options, or `serve` and a model."""
    return bool(words) and (words[0].startswith("-") or words[0] == "serve")


def gives_options(words: list[str]) -> bool:
    """Whether the words have options of vLLM, even if the program before them is missing."""
    return starts_vllm(words) or lacks_program(words)


def served_model(words: list[str]) -> str | None:
    """The model of a vLLM command: the word after `vllm serve`, or the value of --model."""
    words = ["vllm", *words] if words[:1] == ["serve"] else words
    for index, word in enumerate(words[:-2]):
        if word.rpartition("/")[2] == "vllm" and words[index + 1] == "serve":
            if not words[index + 2].startswith("-"):
                return words[index + 2]
    return option(words, "model")


def has_config_file(words: list[str]) -> bool:
    """Whether a command names a configuration file, which may set any option."""
    return option(words, "config") is not None


@dataclass(frozen=True, slots=True)
class Parallelism:
    """The NeuronCores that a vLLM command uses.

    ``degree`` is the tensor parallel size, ``cores`` the total over all copies and stages.
    ``text`` quotes the command; ``given``: the command states the tensor parallel size.
    """

    degree: int
    cores: int
    text: str
    given: bool


def parallelism(words: list[str]) -> Parallelism | None:
    """The NeuronCores that a vLLM command uses.

    ``None`` with a configuration file, or if the tensor parallel size is not a positive number.
    """
    quoted = written(words, TENSOR_PARALLEL, "tp")
    degree = number(words, TENSOR_PARALLEL, "tp") if quoted is not None else 1
    if has_config_file(words) or not degree:
        return None
    copies = number(words, "data-parallel-size", "dp") or 1
    stages = number(words, "pipeline-parallel-size", "pp") or 1
    text = quoted or f"--{TENSOR_PARALLEL}=1"
    if copies > 1:
        text += f", in {copies} copies"
    if stages > 1:
        text += f", in {stages} stages"
    return Parallelism(degree, degree * copies * stages, text, quoted is not None)


@dataclass(frozen=True, slots=True)
class CacheBlocks:
    """How many KV cache blocks a server must be given: at least, or exactly, ``number``."""

    number: int
    exact: bool

    def suits(self, blocks: int) -> bool:
        """Whether the server works with that many blocks."""
        return blocks == self.number if self.exact else blocks >= self.number


def without_prefix_caching(sequences: int) -> list[str]:
    """Options that give each sequence one KV cache block of full length.

    NxD Inference compiles the number of blocks into the model, and breaks on prefix caching.
    """
    return ["--no-enable-prefix-caching", f"--{CACHE_BLOCKS}={sequences}"]


class Strategy:
    """One server.

    ``title`` is its name in messages. ``replacement_rank`` sorts the images suggested as a
    replacement, the lowest first. ``first_port_only``: it takes requests only on its first port.
    ``underscores``: its options have underscores instead of hyphens. A command that contains one
    of ``marks`` starts it.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    replacement_rank: ClassVar[int] = 1
    first_port_only: ClassVar[bool] = False
    underscores: ClassVar[bool] = False
    marks: ClassVar[tuple[str, ...]] = ()
    looks_for_efa: ClassVar[bool] = False
    """Whether it fails to start on a host without EFA unless ``SKIP_EFA`` is set."""
    reads_visible_devices: ClassVar[bool] = False
    """Whether it reads ``VISIBLE_DEVICES``, one core for each rank."""
    ports: ClassVar[tuple[int, ...]] = (8080,)
    """The ports that it is told to listen on, or its own; the first one serves."""
    reads_s3: ClassVar[bool] = False
    """Whether it loads a model from a prefix of S3 by itself."""
    environment: ClassVar[Mapping[str, str]] = {}
    """The environment variables of its containers on a host without EFA."""
    ignores: ClassVar[tuple[str, ...]] = (
        *("max_model_len", "max_num_seqs", "tensor_parallel", "data_type", "cache"),
    )
    """The fields of `serve` that change nothing: the model was compiled before."""

    def option(self, name: str) -> str:
        """An option as the server's command line spells it."""
        return f"--{name.replace('-', '_') if self.underscores else name}"

    def listened(self, served: Served) -> tuple[int, ...]:
        """The ports: those that the entry writes, and the server's own for the others."""
        own = tuple(p for p in self.ports if p not in served.ports)
        return (served.ports + own)[: len(self.ports)]

    def entry_point(self, served: Served) -> tuple[str, ...]:
        """The entry point of a container, empty where that of the image is right."""
        del served
        return ()

    def command(self, served: Served) -> tuple[str, ...]:
        """The command of a container."""
        del served
        return ()

    def started_by(self, words: list[str]) -> bool:
        """Whether a container with this command runs the server."""
        text = " ".join(words).lower()
        return not text or any(mark in text for mark in self.marks)

    def cache_blocks(
        self, words: list[str], *, sequences: int, length: int | None
    ) -> CacheBlocks | None:
        """The KV cache blocks to state on the command line; None if the server chooses them."""
        del words, sequences, length
        return None


class LanguageModelServer(Strategy):
    """A server of language models, by default one that compiles the model when it starts.

    Every core stores weights, KV cache and a fixed overhead.
    """

    compiles: ClassVar[bool] = True
    ignores: ClassVar[tuple[str, ...]] = ()

    def started_by(self, words: list[str]) -> bool:
        """Whether the command starts vLLM."""
        return starts_vllm(words)

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
        """The memory that each core needs, and the verdict."""
        weights = weights_gib(model, degree, weight_bytes)
        cache = cache_gib(model, degree, sequences=sequences, length=length)
        other = OVERHEAD_GIB + self.extra_gib(model, degree, length, weight_bytes)
        share = (weights + cache + other) / core_gib
        return Estimate(weights, cache, other, core_gib, verdict(share))

    def extra_gib(self, model: LanguageModel, degree: int, length: int, weight_bytes: int) -> float:
        """The memory of the fullest core beyond weights, cache and overhead, GiB."""
        del model, degree, length, weight_bytes
        return 0.0

    def splits(self, model: LanguageModel, degree: int) -> bool:
        """Whether the server supports the degree for this model; most servers pad the heads."""
        del model, degree
        return True

    def host_memory_gib(
        self, model: LanguageModel, *, precompiled: bool, weight_bytes: int = 2
    ) -> float:
        """The host memory that a task needs to compile and load the model, or only to load it.

        A rule of thumb from few reports: compiling an 8B model runs out of memory with 32 GiB
        (https://github.com/aws-neuron/aws-neuron-sdk/issues/1222); a sample requests 96 GiB to
        compile it and 12 GiB to load it
        (https://github.com/aws-samples/sample-genai-on-eks-starter-kit).
        """
        factor = COMPILE_MEMORY if self.compiles and not precompiled else LOAD_MEMORY
        return factor * checkpoint_gib(model, weight_bytes)

    def command(self, served: Served) -> tuple[str, ...]:
        """The command of a container.

        It always states the sequences and the length; the defaults are 32 and the model's maximum.
        """
        return (
            "vllm",
            "serve",
            served.source,
            f"--port={self.listened(served)[0]}",
            *(("--served-model-name", *served.names) if served.names else ()),
            *((f"--revision={served.revision}",) if served.revision else ()),
            *((f"--dtype={served.data_type}",) if served.data_type else ()),
            f"--{TENSOR_PARALLEL}={served.degree}",
            f"--max-num-seqs={served.sequences}",
            f"--max-model-len={served.length}",
        )

    def troubles(self, model: LanguageModel) -> Iterator[str]:
        """Why the server may fail to load the model, one sentence each."""
        del model
        yield from ()

    def assumptions(self) -> Iterator[str]:
        """The assumptions of the estimate."""
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

    def cache_blocks(
        self, words: list[str], *, sequences: int, length: int | None
    ) -> CacheBlocks | None:
        """The number of blocks is compiled into the model.

        Without prefix caching exactly one for each sequence, with it at least as many as all
        sequences of full length fill. Source:
        https://awsdocs-neuron.readthedocs-hosted.com/en/v2.32.0/libraries/nxd-inference/developer_guides/vllm-user-guide-v1.html
        (known issue 2).
        """
        if "--no-enable-prefix-caching" in [w.replace("_", "-") for w in words]:
            return CacheBlocks(sequences, exact=True)
        size = number(words, "block-size")
        per_sequence = ceil(length / size) if length and size else 1
        return CacheBlocks(per_sequence * sequences, exact=False)

    def command(self, served: Served) -> tuple[str, ...]:
        """Gives each sequence one KV cache block of full length."""
        return (*super().command(served), *without_prefix_caching(served.sequences))

    def troubles(self, model: LanguageModel) -> Iterator[str]:
        """Tied embeddings and shards made at the load, which are the default.

        Source:
        https://awsdocs-neuron.readthedocs-hosted.com/en/v2.32.0/libraries/nxd-inference/developer_guides/vllm-user-guide-v1.html
        (known issue 3).
        """
        if model.tied and on_hub(model.id):
            yield (
                "its embeddings are tied: NxD Inference may fail to load it by its id; "
                "serve a copy at a local path"
            )


class Optimum(LanguageModelServer):
    """optimum-neuron 0.4.5 (https://github.com/huggingface/optimum-neuron)."""

    key = "optimum"
    title = "optimum-neuron"

    def extra_gib(self, model: LanguageModel, degree: int, length: int, weight_bytes: int) -> float:
        """Unsplit embedding and output on the first rank, and the attention scores.

        The whole prompt is prefilled at once, so the scores grow with the square of the length.
        """
        whole = 2 * model.vocabulary * model.hidden * weight_bytes * (1 - 1 / degree)
        scores = padded_heads(model.heads, degree) / degree * length**2 * ACTIVATION_BYTES
        return (whole + scores) / GIB

    def command(self, served: Served) -> tuple[str, ...]:
        """Returns only arguments: the entry point of the image is the server.

        It takes one name, and the data type of the checkpoint unless another is given: arguments
        that it does not know go to vLLM after its own (optimum/commands/neuron/serve.py).
        """
        return (
            f"--model={served.source}",
            f"--port={self.listened(served)[0]}",
            *(f"--served-model-name={name}" for name in served.names[:1]),
            *((f"--revision={served.revision}",) if served.revision else ()),
            *((f"--dtype={served.data_type}",) if served.data_type else ()),
            f"--{TENSOR_PARALLEL}={served.degree}",
            f"--batch-size={served.sequences}",
            f"--sequence-length={served.length}",
            *(("--task=embed",) if served.embeds else ()),
            "--allow-non-cached-model",  # that is on the public cache of the hub
        )


class Plugin(LanguageModelServer):
    """The vLLM plugin with a paged KV cache: one sequence must fit, further ones wait.

    Source: https://github.com/aws-neuron/aws-neuron-sdk, determine_available_memory_design.md.
    """

    key = "plugin"
    title = "vLLM plugin"
    compiles = False  # reads the weights in slices
    looks_for_efa = True
    reads_visible_devices = True
    environment: ClassVar[Mapping[str, str]] = {SKIP_EFA: "1"}

    MEMORY_SHARE: Final = 0.9  # gpu_memory_utilization
    CACHE_SHARE: Final = 0.30  # of that, the maximum for the cache
    CACHE_LEAST_GIB: Final = 1.0  # the plugin does not start with less

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

    def command(self, served: Served) -> tuple[str, ...]:
        model = served.model
        quantized = (
            ('--hf-overrides={"quantization_config": {}}',)
            if model is not None and model.model_type == "gpt_oss"
            else ()
        )
        return (
            *super().command(served),
            f"--max-num-batched-tokens={served.length}",
            *(("--runner=pooling",) if served.embeds else ()),
            *quantized,
        )

    def assumptions(self) -> Iterator[str]:
        yield "of the plugin's paged cache only that one sequence of full length fits"


class TensorFlowServing(Strategy):
    """TensorFlow Serving. Its first port is REST, its second gRPC."""

    key = "tf_serving"
    title = "TensorFlow Serving"
    first_port_only = True
    underscores = True
    marks = ("tensorflow_model_server", "model_base_path")
    ports = (8501, 8500)
    reads_s3 = True

    def entry_point(self, served: Served) -> tuple[str, ...]:
        """As in AWS's example.

        Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference-task-def.html
        """
        rest, grpc = self.listened(served)
        return (
            "/usr/local/bin/entrypoint.sh",
            f"--port={grpc}",
            f"--rest_api_port={rest}",
            f"--model_name={served.called}",
            f"--model_base_path={served.source}",
        )


class TorchServe(Strategy):
    """TorchServe."""

    key = "torchserve"
    title = "TorchServe"
    ignores = (*Strategy.ignores, "served_name")  # names are those of the archives
    marks = ("torchserve",)

    def command(self, served: Served) -> tuple[str, ...]:
        """Loads every archive of a directory, with the settings of AWS's image.

        Source: https://github.com/aws-neuron/deep-learning-containers (common/torchserve-neuron.sh,
        which starts the server in the background and so hides its end).
        """
        return (
            "torchserve",
            "--start",
            "--foreground",
            "--ts-config=/home/model-server/config.properties",
            f"--model-store={served.source}",
            "--models=all",
        )


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
    """The rank of an image with that server among suggested ones; 1 without a server."""
    return SERVERS[key].replacement_rank if key in SERVERS else Strategy.replacement_rank
