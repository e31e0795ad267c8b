"""Containers that run a server with a language model: what they serve, and on which cores.

Of models of `serve` and of commands that people write alike.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from catalog import LanguageModel, Server
from planning.command_line import from_aws, number, option, server_of, words
from planning.cores import CoreClaim, core_claims
from planning.once import once
from planning.serving.memory import Estimate
from planning.serving.options import SHORTEST, ModelRequirements
from planning.serving.servers import (
    LANGUAGE_MODEL_SERVERS,
    TENSOR_PARALLEL,
    LanguageModelServer,
    gives_options,
    has_config_file,
    served_model,
)
from planning.serving.shapes import shape_of
from planning.situation import Situation

TOKEN_VARIABLES: Final = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""The variables from which the hub's client reads a token.
https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables"""
MIRROR_VARIABLES: Final = ("HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_HOME")
"""The variables with which weights come from elsewhere than the public hub, or are there already.
https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables"""
ARTIFACTS: Final = "NEURON_COMPILED_ARTIFACTS"
"""The variable that names the directory of compiled models, for NxD Inference."""
_OTHER_MEMORY = (
    "additional-config",
    "override-neuron-config",
    "quantization",
    "kv-cache-dtype",
    "speculative-config",
    "data-parallel-size",
    "dp",
    "pipeline-parallel-size",
    "pp",
    "enable-lora",
    "block-size",
)
"""Options with which the arithmetic of `memory.py` is not that of the server."""
_RESCALING = ("rope-scaling", "rope-theta", "hf-overrides")
"""Options that give a model more positions than its configuration says."""
_BYTES: Mapping[str, int] = {"float32": 4, "float": 4}


@dataclass(frozen=True)
class Running:
    """A container with a server of language models and the model that it serves.

    ``model_id`` is what its command names, or the prefix that is copied from S3. ``model`` is None
    if nobody knows its shape. ``ahead``: it starts only with what a job compiled.
    """

    claim: CoreClaim
    row: Server
    server: LanguageModelServer
    words: tuple[str, ...]
    model_id: str
    model: LanguageModel | None
    ahead: bool

    @property
    def path(self) -> str:
        return self.claim.path

    @property
    def given(self) -> list[str]:
        return list(self.words)

    @cached_property
    def degree(self) -> int:
        """The NeuronCores that share the model: the option's number, or 1."""
        return number(self.given, TENSOR_PARALLEL, "tp", "tensor_parallel_size") or 1

    @cached_property
    def length(self) -> int | None:
        """Tokens of a sequence, if the command says it."""
        names = (self.row.length_option, "sequence-length", "max-model-len")
        return number(self.given, *filter(None, names))

    @property
    def length_option(self) -> str:
        """The option for the tokens of a sequence; a row without one is of optimum-neuron's."""
        return self.row.length_option or "sequence-length"

    @property
    def sequences_option(self) -> str:
        """The option for the sequences at once; a row without one is of optimum-neuron's."""
        return self.row.sequences_option or "batch-size"

    @cached_property
    def otherwise(self) -> str:
        """The option that makes the estimate another one; empty without one."""
        found = (name for name in _OTHER_MEMORY if option(self.given, name) is not None)
        return next((f"--{name}" for name in found), "")

    @cached_property
    def rescaled(self) -> bool:
        """Whether an option or a variable lets the model serve more than its positions."""
        texts = [option(self.given, name) or "" for name in _RESCALING]
        rope = texts[0] or texts[1] or "rope" in texts[2]
        return bool(rope) or "VLLM_ALLOW_LONG_MAX_MODEL_LEN" in self.claim.container.environment

    @property
    def compiled(self) -> bool:
        """Whether the container is told where compiled artefacts are, and writes none there, or
        starts only with what a job has compiled."""
        place = self.claim.container.environment.get(ARTIFACTS)
        mounts = self.claim.container.mounts.values()
        written = [m.path.rstrip("/") for m in mounts if not m.read_only]
        outside = not any(f"{place}/".startswith(f"{w}/") for w in written)
        return self.ahead or (place is not None and outside)

    def required(self, s: Situation) -> ModelRequirements | None:
        """What the container serves at least: what it does not say is the server's default, or one
        short sequence where the server has none."""
        if self.model is None:
            return None
        names = (self.row.sequences_option, "batch-size", "max-num-seqs")
        sequences = number(self.given, *filter(None, names))
        length, default = self.length, bool(self.row.sequences_option)
        if sequences is None:
            sequences = s.catalog.limits.value("sequences_default") if default else 1
        if length is None:
            length = self.model.max_positions if default else SHORTEST
        weight_bytes = _BYTES.get(option(self.given, "dtype") or "", 2)
        return ModelRequirements(self.model, length, sequences, self.compiled, weight_bytes)

    def estimate(self, required: ModelRequirements) -> Estimate:
        """The memory that each core needs, and has."""
        hardware = self.claim.kind.neuron
        assert hardware is not None
        return self.server.estimate(
            required.model,
            degree=self.degree,
            sequences=required.sequences,
            length=required.length,
            core_gib=hardware.device_memory_mib / 1024 / self.claim.per_device,
            weight_bytes=required.weight_bytes,
        )


@once
def running(s: Situation) -> Iterator[Running]:
    """Every such container of the models, once for each instance type and set of slots."""
    for claim in core_claims(s):
        if claim.work.is_job:
            continue
        given, row = words(claim.container), server_of(claim.container, s.catalog)
        server = LANGUAGE_MODEL_SERVERS.get(row.name) if row else None
        if row is None or server is None or has_config_file(given):
            continue
        own = row.entry == "arguments" and from_aws(claim.container.image, s.catalog)
        model = served_model(given)
        if model is None or not (own or gives_options(given)):
            continue
        written = s.written.get(claim.work.name) if claim.path == claim.work.path else None
        serve = written.entry.serve if written else None
        if serve and serve.model.startswith("s3://"):
            model = serve.model  # the command names the directory that it is copied to
        found = shape_of(model, s.settings, s.catalog)
        ahead = written is not None and written.compiled
        yield Running(claim, row, server, tuple(given), model, found, ahead)


@once
def weights(s: Situation) -> Iterator[tuple[str, str, int]]:
    """Each pool and language model that it serves, with the GiB of an instance's disk for its
    weights and what is made of them."""
    found: dict[tuple[str, str], int] = {}
    for one in running(s):
        if (required := one.required(s)) is not None:
            where = one.claim.work.pool.name, one.model_id
            found[where] = max(required.disk_gib, found.get(where, 0))
    yield from ((*where, gib) for where, gib in sorted(found.items()))
