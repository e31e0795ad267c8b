"""Which instances can serve a language model: images, cores and host memory that suffice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from catalog import Catalog, InstanceType, LanguageModel, ModelDeployment, ServingImage
from messages.phrases import listed
from neuron_ecs.fit.instances import (
    Option,
    Refusal,
    TaskRequirements,
    gib,
    legal_devices,
    options_on,
    order,
    types_of,
)
from planning import images
from planning.serving import memory as language_models
from planning.serving.memory import Estimate, Verdict
from planning.serving.servers import LANGUAGE_MODEL_SERVERS, LanguageModelServer
from planning.situation import room_of

SHORTEST = 512  # tokens; below it no advice is given


@dataclass(frozen=True, slots=True)
class ModelRequirements:
    """A language model to serve: so many sequences at once, each of so many tokens at most."""

    model: LanguageModel
    length: int
    sequences: int
    precompiled: bool
    where: TaskRequirements


@dataclass(frozen=True, slots=True)
class Serving:
    """How a model is served: the image, the cores that share it, and what each of them holds."""

    image: ServingImage
    degree: int
    estimate: Estimate
    caveats: tuple[str, ...]

    @property
    def server(self) -> LanguageModelServer:
        """What answers inside the image."""
        return LANGUAGE_MODEL_SERVERS[self.image.server]


@dataclass(frozen=True, slots=True)
class ModelOption:
    """An instance type in a Region that can serve a model."""

    option: Option
    serving: Serving


@dataclass(frozen=True, slots=True)
class ModelFit:
    """What can serve a model, what surely fits before what is tight, then the cheapest first."""

    options: tuple[ModelOption, ...]
    refusals: tuple[Refusal, ...]
    assumes: tuple[str, ...]
    reported: tuple[ModelDeployment, ...]


def fit_model(required: ModelRequirements, catalog: Catalog) -> ModelFit:
    """The instance types and Regions that can serve the model.

    Of each type the fewest devices on which it surely fits, with more where that takes a caveat
    away, and fewer on which it is tight.
    """
    options: list[ModelOption] = []
    refusals: list[Refusal] = []
    for kind in types_of(required.where, catalog):
        servings, why = _servings(kind, required, catalog)
        if not servings:
            refusals.append(Refusal(kind.name, (), why))
            continue
        for devices, serving in servings:
            needed = serving.server.host_memory_gib(
                required.model, precompiled=required.precompiled
            )
            where = replace(
                required.where,
                devices=max(required.where.devices, devices),
                memory_mib=max(required.where.memory_mib, ceil(needed * 1024)),
            )
            found, refused = options_on(kind, where, catalog)
            for option in found:
                if _registry(serving.image, option.region, catalog):
                    options.append(ModelOption(option, serving))
                else:
                    refusals.append(Refusal(kind.name, (option.region,), _NO_REGISTRY))
            refusals += [_with_memory(r, kind, required, serving, catalog) for r in refused]
    options.sort(key=_order)
    return ModelFit(
        tuple(options),
        tuple(dict.fromkeys(refusals)),
        tuple(_assumes(required, options)),
        tuple(d for d in catalog.serving.deployments if d.model == required.model.id),
    )


def _order(found: ModelOption) -> tuple[object, ...]:
    """What surely fits before what is tight; then the cheapest, with the fewest caveats."""
    unpriced, hour, *rest = order(found.option)
    return found.serving.estimate.verdict, unpriced, hour, len(found.serving.caveats), *rest


_NO_REGISTRY = "AWS has no registry of Deep Learning Containers there"


def _registry(image: ServingImage, region: str, catalog: Catalog) -> bool:
    """Whether the Region pulls the image: a Deep Learning Container needs a registry of its own."""
    ours = image.image.startswith(images.DLC)
    return not ours or catalog.places.regions[region].dlc_account is not None


def _with_memory(
    refusal: Refusal,
    kind: InstanceType,
    required: ModelRequirements,
    serving: Serving,
    catalog: Catalog,
) -> Refusal:
    """The refusal, with its reason where it is the host's memory."""
    memory = room_of(kind, catalog).memory_mib
    compiling, loading = (
        serving.server.host_memory_gib(required.model, precompiled=done)
        for done in (required.precompiled, True)
    )
    if refusal.regions or compiling * 1024 <= memory:
        return refusal
    verb = "load" if compiling == loading else "compile and load"
    why = f"has {gib(memory)} GiB of memory for tasks; to {verb} takes about {compiling:.0f}"
    if loading * 1024 <= memory < compiling * 1024:
        why += f"; compiled elsewhere (--precompiled) {loading:.0f} would do"
    return replace(refusal, why=why)


def _servings(
    kind: InstanceType, required: ModelRequirements, catalog: Catalog
) -> tuple[list[tuple[int, Serving]], str]:
    """Numbers of devices with the best way to serve the model on them; else why there is none."""
    hardware = kind.neuron
    assert hardware is not None
    ways, why = _images(hardware.family, required, catalog)
    if not ways:
        return [], why
    found: list[tuple[int, Serving]] = []
    core_gib = hardware.device_memory_mib / 1024 / hardware.logical_cores_per_device
    for image in ways:
        server = LANGUAGE_MODEL_SERVERS[image.server]
        for degree, evidence in catalog.neuron.tensor_parallel_degrees(kind.name).items():
            needed = ceil(degree / hardware.logical_cores_per_device)
            devices = legal_devices(kind, needed, catalog)
            if devices is None or not server.splits(required.model, degree):
                continue
            estimate = server.estimate(
                required.model,
                degree=degree,
                sequences=required.sequences,
                length=required.length,
                core_gib=core_gib,
            )
            caveats = (
                *_caveats(kind, required, image, degree, evidence),
                *_failures(kind, required, image, degree, catalog),
            )
            found.append((devices, Serving(image, degree, estimate, caveats)))
    if not found:
        return [], "no degree of tensor parallelism is documented for it"

    def rank(serving: Serving) -> tuple[int, int, int, float, int]:
        e = serving.estimate
        return e.verdict, len(serving.caveats), serving.image.rank, e.share, serving.degree

    best: dict[int, Serving] = {}
    for devices, serving in found:
        if devices not in best or rank(serving) < rank(best[devices]):
            best[devices] = serving
    sure = [d for d, s in sorted(best.items()) if s.estimate.verdict is Verdict.FITS]
    # The fewest devices, and the fewest of which nothing need be said.
    fitting = sorted({*sure[:1], *[d for d in sure if not best[d].caveats][:1]})
    tight = [
        d
        for d, s in sorted(best.items())
        if s.estimate.verdict is Verdict.TIGHT and (not fitting or d < fitting[0])
    ][:1]
    if not fitting and not tight:
        least = min((s for _, s in found), key=lambda s: s.estimate.share)
        return [], _does_not_fit(required, least)
    return [(d, best[d]) for d in (*tight, *fitting)], ""


def _images(
    family: str, required: ModelRequirements, catalog: Catalog
) -> tuple[list[ServingImage], str]:
    """The images that serve the model on the family, the preferred one first; else why none."""
    model = required.model
    here = [i for i in catalog.serving.images if family in i.families]
    if not here:
        return [], "no image of the tables serves language models on it"
    known = [
        i
        for i in here
        if model.model_type in i.model_types and (not i.models or model.id in i.models)
    ]
    if not known:
        return [], f"no image of the tables serves {model.model_type} models on it"
    reasons = {
        r.serving_image: r.says
        for r in catalog.serving.refusals
        if (r.model, r.family) == (model.id, family)
        and (r.sequences_below is None or required.sequences < r.sequences_below)
    }
    ways = [i for i in known if i.name not in reasons]
    return ways, listed(sorted({reasons[i.name] for i in known if i.name in reasons}))


def _caveats(
    kind: InstanceType, required: ModelRequirements, image: ServingImage, degree: int, evidence: str
) -> Iterator[str]:
    yield from LANGUAGE_MODEL_SERVERS[image.server].caveats(required.model)
    if evidence == "seen":
        yield f"tensor parallelism of {degree} was seen to run, and is not documented by AWS"
    if evidence == "disputed":
        yield f"tensor parallelism of {degree} is documented, and was seen to fail"
    if evidence == "assumed":
        yield "assumed to serve as the type of the same chip does"


def _failures(
    kind: InstanceType,
    required: ModelRequirements,
    image: ServingImage,
    degree: int,
    catalog: Catalog,
) -> Iterator[str]:
    """What others report of the same model on the same cores, with no more sequences or tokens."""
    for d in catalog.serving.deployments:
        if (
            not d.works
            and (d.model, d.instance_type, d.tensor_parallel, d.server)
            == (required.model.id, kind.name, degree, image.server)
            and d.sequences <= required.sequences
            and d.length <= required.length
        ):
            yield f"{d.sequences} x {d.length} tokens were seen to fail so: {d.source}"


def _does_not_fit(required: ModelRequirements, least: Serving) -> str:
    """How far it is from fitting with the most cores, and what would make it fit."""
    found = least.estimate
    said = (
        f"a core of {found.core_gib:.0f} GiB would have to hold {found.need_gib:.1f} "
        f"(tensor parallelism {least.degree})"
    )
    length, sequences = required.length, required.sequences
    while length > SHORTEST or sequences > 1:
        if length > SHORTEST:
            length = max(length // 2, SHORTEST)
        else:
            length, sequences = required.length, max(sequences // 2, 1)
        tried = least.server.estimate(
            required.model,
            degree=least.degree,
            sequences=sequences,
            length=length,
            core_gib=found.core_gib,
        )
        if tried.verdict is Verdict.FITS:
            return f"{said}; {sequences} x {length} tokens would fit"
        if length == SHORTEST and sequences == 1:
            break
    return said


def _assumes(required: ModelRequirements, options: Sequence[ModelOption]) -> Iterator[str]:
    yield "weights and caches in bf16"
    used = {o.serving.image.server for o in options}
    servers = [server for key, server in LANGUAGE_MODEL_SERVERS.items() if key in used]
    yield from dict.fromkeys(said for server in servers for said in server.assumptions())
    if required.precompiled:
        yield (
            f"a model compiled and sharded beforehand: {language_models.LOAD_MEMORY:g} checkpoints "
            "of host memory; NxD Inference reads it where NEURON_COMPILED_ARTIFACTS says"
        )
    elif any(server.compiles for server in servers):
        yield (
            "that each task compiles the model: "
            f"{language_models.COMPILE_MEMORY:g} checkpoints of host memory, a rule of thumb"
        )
    if required.model.note:
        yield required.model.note
