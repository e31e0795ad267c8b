"""How one language model can be served on one instance type: images, cores, memory, caveats."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from catalog import Catalog, InstanceType, LanguageModel, ServingImage
from messages.phrases import listed
from planning.rooms import room_of
from planning.serving.memory import (
    COMPILE_MEMORY,
    DISK_SHARES,
    LOAD_MEMORY,
    Estimate,
    Verdict,
    checkpoint_gib,
)
from planning.serving.servers import LANGUAGE_MODEL_SERVERS, SERVERS, LanguageModelServer
from planning.serving.shapes import alike

SHORTEST = 512  # tokens; shorter sequences are never suggested
DEFAULT_SEQUENCES, DEFAULT_LENGTH = 4, 8192
"""How many sequences of which length are served where nothing else is asked for."""


def default_length(model: LanguageModel) -> int:
    """The tokens of a sequence where nothing else is asked for: no more than its positions."""
    return min(DEFAULT_LENGTH, model.max_positions)


@dataclass(frozen=True, slots=True)
class ModelRequirements:
    """A language model, and the most sequences at once and tokens in a sequence that it serves.

    ``precompiled``: it is compiled and sharded before the task starts. ``weight_bytes`` is the
    size of a weight.
    """

    model: LanguageModel
    length: int
    sequences: int
    precompiled: bool
    weight_bytes: int = 2

    def host_memory_mib(self, server: LanguageModelServer) -> int:
        """The host memory that a task of the server needs, MiB, rounded up."""
        needed = server.host_memory_gib(
            self.model, precompiled=self.precompiled, weight_bytes=self.weight_bytes
        )
        return ceil(needed * 1024)

    @property
    def disk_gib(self) -> int:
        """The disk for the weights and what is made of them, GiB, rounded up."""
        return ceil(DISK_SHARES * checkpoint_gib(self.model, self.weight_bytes))


@dataclass(frozen=True, slots=True)
class ServingOption:
    """One way to serve a model on an instance type.

    ``devices`` is a legal number of Neuron devices, ``degree`` the number of their logical
    NeuronCores that share the model. ``troubles`` are reports that it fails so, ``caveats``
    other sentences to read before choosing it.
    """

    devices: int
    image: ServingImage
    degree: int
    estimate: Estimate
    troubles: tuple[str, ...]
    caveats: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """All that is to be known of it, that of its image as well."""
        image = (self.image.note,) if self.image.note else ()
        return (*self.troubles, *self.caveats, *image)

    @property
    def server(self) -> LanguageModelServer:
        """The server inside the image."""
        return LANGUAGE_MODEL_SERVERS[self.image.server]

    def estimate_for(self, required: ModelRequirements) -> Estimate:
        """The estimate for other sequences or lengths."""
        return self.server.estimate(
            required.model,
            degree=self.degree,
            sequences=required.sequences,
            length=required.length,
            core_gib=self.estimate.core_gib,
            weight_bytes=required.weight_bytes,
        )


def serving_options(
    kind: InstanceType, required: ModelRequirements, catalog: Catalog
) -> tuple[ServingOption, ...] | str:
    """The options worth proposing on a type with Neuron devices, or the reason for none.

    At most three, each the best for its number of devices: the fewest devices on which the model
    fits, what a model of `serve` gets, and before them fewer devices on which it is tight.
    """
    found = all_options(kind, required, catalog)
    if isinstance(found, str):
        return found
    found = sorted(found, key=lambda o: preference(o, o.devices))
    best: dict[int, ServingOption] = {}
    for option in found:
        best.setdefault(option.devices, option)
    ranked = [best[devices] for devices in sorted(best)]
    fits = [o for o in ranked if o.estimate.verdict is Verdict.FITS]
    chosen = list(dict.fromkeys([*fits[:1], *[o for o in found if o in fits][:1]]))
    tight = [
        o
        for o in ranked
        if o.estimate.verdict is Verdict.TIGHT and (not chosen or o.devices < chosen[0].devices)
    ]
    if not chosen and not tight:
        return does_not_fit(required, found)
    return (*tight[:1], *chosen)


def all_options(
    kind: InstanceType,
    required: ModelRequirements,
    catalog: Catalog,
    *,
    degree: int | None = None,
    images: Sequence[ServingImage] | None = None,
) -> list[ServingOption] | str:
    """Every option on a type with Neuron devices, whether the model fits or not, or why none.

    With one of ``images`` if they are given, else with those that serve the model; with that
    degree if it is given, else with each documented one.
    """
    hardware = kind.neuron
    assert hardware is not None
    usable = _images(hardware.family, required, catalog) if images is None else images
    if isinstance(usable, str):
        return usable
    degrees = catalog.neuron.tensor_parallel_degrees(kind.name)
    if degree is not None:
        degrees = {degree: degrees.get(degree, "unlisted")}
    found = [o for image in usable for o in _on_image(kind, image, degrees, required, catalog)]
    return found or "no degree of tensor parallelism is documented for it"


def preference(option: ServingOption, devices: int) -> tuple[float, ...]:
    """Sorts options, the best first: what fits, what is not reported to fail, the order of the
    table, what is documented, the fewest devices."""
    estimate = option.estimate
    return (
        estimate.verdict,
        len(option.troubles),
        option.image.order,
        len(option.caveats),
        devices,
        estimate.share,
        option.degree,
    )


def _on_image(
    kind: InstanceType,
    image: ServingImage,
    degrees: Mapping[int, str],
    required: ModelRequirements,
    catalog: Catalog,
) -> Iterator[ServingOption]:
    """Every option with this image and these degrees, whether the model fits or not."""
    hardware = kind.neuron
    assert hardware is not None
    server = LANGUAGE_MODEL_SERVERS[image.server]
    for degree, evidence in degrees.items():
        needed = ceil(degree / hardware.logical_cores_per_device)
        devices = catalog.neuron.legal_count(kind.name, at_least=needed)
        if devices is None or not server.splits(required.model, degree):
            continue
        estimate = server.estimate(
            required.model,
            degree=degree,
            sequences=required.sequences,
            length=required.length,
            core_gib=hardware.device_memory_mib / 1024 / hardware.logical_cores_per_device,
            weight_bytes=required.weight_bytes,
        )
        troubles = (
            *server.troubles(required.model),
            *_failures(kind, required, image, degree, catalog),
        )
        caveats = (
            *_caveats_of_name(required.model, image),
            *_caveats_of_degree(degree, evidence),
        )
        yield ServingOption(devices, image, degree, estimate, troubles, caveats)


def _images(family: str, required: ModelRequirements, catalog: Catalog) -> list[ServingImage] | str:
    """The images that serve the model on the family, the preferred one first, or why none does."""
    model = required.model
    own = (i for i in catalog.serving.images if i.server in LANGUAGE_MODEL_SERVERS)
    here = [i for i in own if family in i.families]
    if not here and model.kind == "decoder":
        return "no image of the tables serves language models on it"
    known = [i for i in here if model.model_type in _types(i, model) and _serves(i, model, catalog)]
    if not known:
        return _unserved(model, catalog)
    reasons = known_to_fail(family, required, catalog)
    usable = [i for i in known if i.name not in reasons]
    return usable or listed(sorted({reasons[i.name] for i in known}))


def known_to_fail(family: str, required: ModelRequirements, catalog: Catalog) -> dict[str, str]:
    """The rows of `serving_images` that are known to fail with the model on a family, and how."""
    ids = alike(required.model, catalog)
    return {
        r.serving_image: r.says
        for r in catalog.serving.refusals
        if r.family == family
        and any(r.concerns(model) for model in ids)
        and (r.sequences_below is None or required.sequences < r.sequences_below)
    }


def _types(image: ServingImage, model: LanguageModel) -> tuple[str, ...]:
    """The architectures that the image's server serves as such a model needs it."""
    return image.model_types if model.kind == "decoder" else image.embedding_types


def _serves(image: ServingImage, model: LanguageModel, catalog: Catalog) -> bool:
    """Whether the image serves this model of an architecture: all of it, or one of this shape."""
    return not image.models or not alike(model, catalog).isdisjoint(image.models)


def _unserved(model: LanguageModel, catalog: Catalog) -> str:
    """Why no image of a family serves the architecture."""
    if model.kind == "decoder":
        return f"no image of the tables serves {model.model_type} models on it"
    types = {t for i in catalog.serving.images for t in i.embedding_types}
    why = f"no image of the tables embeds with {model.model_type} models on it"
    if model.kind == "embedding" and model.model_type in types:
        return why
    return (
        f"{why}: their servers embed with {listed(sorted(types))}; traced with torch_neuronx it "
        f"runs in {SERVERS['torchserve'].title} (--core-memory-gib)"
    )


def _caveats_of_degree(degree: int, evidence: str) -> Iterator[str]:
    if evidence == "seen":
        yield f"tensor parallelism of {degree} was seen to run, and is not documented by AWS"
    if evidence == "disputed":
        yield f"tensor parallelism of {degree} is documented, and was seen to fail"
    if evidence == "assumed":
        yield "assumed to serve as the type of the same chip does"
    if evidence == "unlisted":
        yield f"no source has tensor parallelism of {degree} on it"


def _caveats_of_name(model: LanguageModel, image: ServingImage) -> Iterator[str]:
    if image.models and model.id not in image.models:
        yield "its shape is that of a model that AWS documents with this image; it is not named"


def _failures(
    kind: InstanceType,
    required: ModelRequirements,
    image: ServingImage,
    degree: int,
    catalog: Catalog,
) -> Iterator[str]:
    """Reported failures of the model on the same cores with no more sequences or tokens."""
    for d in catalog.serving.deployments:
        if (
            not d.works
            and (d.instance_type, d.tensor_parallel, d.server) == (kind.name, degree, image.server)
            and d.model in alike(required.model, catalog)
            and d.sequences <= required.sequences
            and d.length <= required.length
        ):
            yield f"{d.sequences} x {d.length} tokens were seen to fail so: {d.source}"


def does_not_fit(required: ModelRequirements, options: Iterable[ServingOption]) -> str:
    """The memory that each core would need, and the sequences and tokens that would fit."""
    smallest = min(options, key=lambda o: o.estimate.share)
    found = smallest.estimate
    reason = (
        f"a core of {found.core_gib:.0f} GiB would need {found.need_gib:.1f} "
        f"(tensor parallelism {smallest.degree})"
    )
    fitting = fewer(required, smallest.estimate_for)
    if fitting is None:
        return reason
    return f"{reason}; {fitting.sequences} x {fitting.length} tokens would fit"


def fewer(
    required: ModelRequirements, estimate: Callable[[ModelRequirements], Estimate]
) -> ModelRequirements | None:
    """The same model with half the tokens, or a quarter, and so on, then fewer sequences, that
    fits; None if none does. No more tokens than the model has positions."""
    lengths = [min(required.length, required.model.max_positions)]
    while lengths[-1] > SHORTEST:
        lengths.append(max(lengths[-1] // 2, SHORTEST))
    counts = [required.sequences]
    while counts[-1] > 1:
        counts.append(counts[-1] // 2)
    for sequences in counts:
        for length in lengths:
            tried = replace(required, sequences=sequences, length=length)
            if estimate(tried).verdict is Verdict.FITS:
                return tried
    return None


def host_memory_shortfall(
    kind: InstanceType, required: ModelRequirements, option: ServingOption, catalog: Catalog
) -> str | None:
    """Why the host's memory is too small for a task; ``None`` if it is not."""
    room = room_of(kind, catalog)
    needed, loading = (
        option.server.host_memory_gib(required.model, precompiled=precompiled)
        for precompiled in (required.precompiled, True)
    )
    if needed * 1024 <= room.memory_mib:
        return None
    verb = "load" if needed == loading else "compile and load"
    why = f"has {room.memory_gib} GiB of memory for tasks; to {verb} takes about {needed:.0f}"
    if loading * 1024 <= room.memory_mib:
        why += f"; compiled elsewhere (--precompiled) {loading:.0f} would do"
    return why


def assumptions(required: ModelRequirements, options: Iterable[ServingOption]) -> Iterator[str]:
    """What the estimates of these options assume."""
    yield "weights and caches in bf16"
    used = {option.image.server for option in options}
    servers = [server for key, server in LANGUAGE_MODEL_SERVERS.items() if key in used]
    yield from dict.fromkeys(a for server in servers for a in server.assumptions())
    if required.precompiled:
        yield (
            f"a model compiled and sharded beforehand: {LOAD_MEMORY:g} checkpoints "
            "of host memory; NxD Inference reads it where NEURON_COMPILED_ARTIFACTS says"
        )
    elif any(server.compiles for server in servers):
        yield (
            "that each task compiles the model: "
            f"{COMPILE_MEMORY:g} checkpoints of host memory, a rule of thumb"
        )
    if required.model.note:
        yield required.model.note
