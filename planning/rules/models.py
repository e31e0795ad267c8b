"""What is known of a served model on its instances: memory, positions, token, server, start.

Models of `serve` and commands that people write are judged alike.
"""

from collections.abc import Iterator
from math import ceil

from config import ManagedInstancesCapacity
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import counted, listed
from planning.command_line import option, server_of
from planning.cores import fewer_devices
from planning.reached import grace_seconds, running_server
from planning.rules.rule import Report, Rule, rule
from planning.serving.memory import Verdict
from planning.serving.options import ModelRequirements, fewer
from planning.serving.running import MIRROR_VARIABLES, TOKEN_VARIABLES, Running, running, weights
from planning.serving.servers import SERVERS
from planning.serving.shapes import alike, how_to_fit, on_hub, shape_of
from planning.situation import Situation
from planning.volumes import base_gib, disk, host_sizes


def _of_serve(one: Running, s: Situation) -> bool:
    """Whether the planner wrote the command, from `serve`."""
    return one.path.removeprefix("models.") in s.written


def _field(one: Running, s: Situation, name: str) -> str:
    """The path of what decides: the field of `serve`, or the command."""
    return f"{one.path}.serve.{name}" if _of_serve(one, s) else f"{one.path}.command"


def _fit(one: Running, s: Situation) -> str:
    return how_to_fit(one.model_id, s.settings, s.catalog)


def _estimated(s: Situation) -> Iterator[tuple[Running, ModelRequirements]]:
    """Every running model whose memory the arithmetic tells."""
    for one in running(s):
        required = one.required(s)
        if required is not None and not one.otherwise and one.claim.cores >= one.degree:
            yield one, required


def _said(one: Running, required: ModelRequirements) -> str:
    found = one.estimate(required)
    return (
        f"serves {required.sequences} x {required.length} tokens of {one.model_id}: a core of "
        f"{found.core_gib:.0f} GiB needs {found.need_gib:.1f} with "
        f"tensor parallelism of {one.degree}"
    )


def _shorter(one: Running, s: Situation, required: ModelRequirements) -> str:
    """What to write so that it fits, or which command lists the types that serve the model."""
    elsewhere = f"run `{_fit(one, s)}`, which lists the types that serve it"
    found = fewer(required, one.estimate)
    if found is None:
        return elsewhere
    if _of_serve(one, s):
        fields = [("max_model_len", found.length, required.length)]
        fields.append(("max_num_seqs", found.sequences, required.sequences))
        new = [f"{one.path}.serve.{name}: {value}" for name, value, old in fields if value != old]
        return f"write {' and '.join(new)}, or {elsewhere}"
    names = (
        (one.sequences_option, found.sequences, required.sequences),
        (one.length_option, found.length, required.length),
    )
    new = [f"--{name}={value}" for name, value, old in names if value != old]
    blocks = option(one.given, "num-gpu-blocks-override") is not None
    if blocks and found.sequences != required.sequences:
        new.append(f"--num-gpu-blocks-override={found.sequences}")
    return f"write {' '.join(new)}, or {elsewhere}"


@rule(
    "NE910",
    "Command needs more memory than its devices have",
    Severity.ERROR,
    "NeuronCores share no memory: each stores its part of the weights and of the KV cache, and the "
    "server ends where one of them does not.",
    do="Serve fewer or shorter sequences, or use more devices.",
    table="language_models",
)
def beyond_device_memory(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/explore/device-memory.html;
    the estimate is that of planning/serving/memory.py."""
    for one, required in _estimated(s):
        if one.estimate(required).verdict is Verdict.NO:
            yield Report(
                _field(one, s, "model"),
                f"{_said(one, required)}, on ",
                _shorter(one, s, required),
                case=one.claim.kind.name,
            )


@rule(
    "NE911",
    "Model fits the memory of its devices tightly",
    Severity.WARNING,
    "Code, scratchpad and collectives need memory as well, as much as the buckets that are "
    "compiled; above 85 % of a core some deployments worked and some failed.",
    do="Prove it on the hardware, or serve fewer or shorter sequences.",
    table="language_models",
)
def tight_device_memory(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/explore/device-memory.html;
    the deployments of model_deployments.csv."""
    for one, required in _estimated(s):
        if one.estimate(required).verdict is Verdict.TIGHT:
            yield Report(
                _field(one, s, "model"),
                f"{_said(one, required)}, on ",
                f"test one task first; or {_shorter(one, s, required)}",
                case=one.claim.kind.name,
            )


@rule(
    "NE912",
    "Host memory is too small to compile the model",
    Severity.WARNING,
    "A server that compiles at its start needs about 2.5 checkpoints of host memory, and the task "
    "ends where its memory does.",
    do="Give the task more memory, or a type with more of it.",
    table="language_models",
)
def little_host_memory(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/aws-neuron-sdk/issues/1222 (8 billion parameters with 32 GiB)
    and https://github.com/aws-samples/sample-genai-on-eks-starter-kit (96 GiB)."""
    for one, required in _estimated(s):
        size, work = s.task_size(one.claim.work), one.claim.work
        if size is None:
            continue
        beside = sum(c.memory_mib for c in work.spec.sidecars.values())
        have = size.memory_mib - beside
        needed = required.host_memory_mib(one.server)
        if needed <= have:
            continue
        gib = f"{needed / 1024:.0f}"
        more = f"write memory_mib: {needed + beside}"
        room = s.counted_on(one.claim.kind, work.pool).memory_mib
        verb = "load" if one.compiled or not one.server.compiles else "compile and load"
        yield Report(
            f"{work.path}.memory_mib",
            f"is {size.memory_mib}{'' if work.spec.memory_mib else ', the part of its devices'}"
            f"{f', {beside} of them for sidecars' if beside else ''}; to {verb} {one.model_id} "
            f"takes about {gib} GiB",
            more
            if needed + beside <= room
            else f"run `{_fit(one, s)}`, which lists the types that suit",
        )


@rule(
    "NE913",
    "Sequences are longer than the model has positions",
    Severity.ERROR,
    "The server refuses a length above the positions of the model's configuration.",
    do="Write at most the positions of the model.",
    table="language_models",
)
def beyond_positions(s: Situation) -> Iterator[Report]:
    """https://docs.vllm.ai/en/latest/configuration/env_vars/ (VLLM_ALLOW_LONG_MAX_MODEL_LEN):
    without it a longer max_model_len than the model's configuration allows is an error."""
    for name, entry in s.source.models.items():  # what could serve it does not matter
        serve = entry.serve if name not in s.written else None
        model = shape_of(serve.model, s.settings, s.catalog) if serve else None
        if serve is None or model is None or serve.arguments:
            continue
        if serve.max_model_len and 0 < model.max_positions < serve.max_model_len:
            yield _beyond(
                f"models.{name}.serve.max_model_len",
                (serve.max_model_len, serve.model, model.max_positions),
            )
    for one in running(s):
        if one.model is None or one.rescaled or one.length is None:
            continue
        most = one.model.max_positions
        if one.length > most:
            written = "" if _of_serve(one, s) else f"--{one.length_option}="
            yield _beyond(
                _field(one, s, "max_model_len"), (one.length, one.model_id, most), written
            )


def _beyond(path: str, asked: tuple[int, str, int], written: str = "") -> Report:
    """Of the length that is asked for, the model and its positions."""
    length, model, most = asked
    what = f"asks for {length} tokens; {model} has {most} positions"
    return Report(path, what, f"write {written}{most}")


@rule(
    "NE914",
    "Gated model without a token",
    Severity.WARNING,
    "The hub gives the weights of a gated model only to an account that accepted its license.",
    do="Keep a token in AWS Secrets Manager and name its ARN under secrets as HF_TOKEN.",
    table="language_models",
)
def gated_without_token(s: Situation) -> Iterator[Report]:
    """https://huggingface.co/docs/hub/models-gated: a token is needed to download them."""
    for one in running(s):
        model = one.model
        if model is None or not model.needs_token or not on_hub(one.model_id):
            continue
        container, work = one.claim.container, one.claim.work
        if {*container.secrets, *container.environment} & set(TOKEN_VARIABLES):
            continue
        region = s.catalog.places.regions[work.region]
        arn = f"arn:{region.partition}:secretsmanager:{{region}}:111122223333:secret:hf-token"
        mirrored = bool(set(MIRROR_VARIABLES) & container.environment.keys())
        what, sure = f"{one.model_id} is gated", _of_serve(one, s) and not mirrored
        shape = s.settings.shapes.get(one.model_id)
        if shape is not None and shape.needs_token is None and shape.like not in (None, model.id):
            what = f"{shape.like}, which {one.model_id} is like, is gated: needs_token of its shape"
            what, sure = f"{what} does not say whether it is, too", False
        yield Report(
            f"{one.path}.secrets",
            f"has no {TOKEN_VARIABLES[0]}, and {what}",
            f'write secrets: {{{TOKEN_VARIABLES[0]}: "{arn}"}}, with the ARN of your token',
            severity=Severity.ERROR if sure else None,
        )


@rule(
    "NE915",
    "Server does not split the model so",
    Severity.WARNING,
    "The vLLM plugin documents only degrees that divide the heads of the model.",
    do="Choose a tensor parallel size that divides the heads.",
    table="language_models",
)
def degree_that_does_not_divide(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/vllm-neuron/docs/index.html: model
    recipes."""
    for one in running(s):
        if one.model is None or one.server.splits(one.model, one.degree):
            continue
        known = s.catalog.neuron.tensor_parallel_degrees(one.claim.kind.name)
        fitting = [d for d in known if d <= one.claim.cores and one.server.splits(one.model, d)]
        fitting = [d for d in fitting if _fills(s, one, d)] or fitting
        yield Report(
            f"{one.path}.command",
            f"splits the {one.model.heads} heads of {one.model_id} over {one.degree} cores",
            f"write --tensor-parallel-size={max(fitting)}"
            + fewer_devices(s, one.claim, max(fitting)).replace(", or", " and")
            if fitting
            else "take another size of the model",
        )


def _fills(s: Situation, one: Running, degree: int) -> bool:
    """Whether a legal number of devices has exactly so many cores."""
    each = one.claim.per_device
    return (
        s.catalog.neuron.legal_count(one.claim.kind.name, at_least=ceil(degree / each)) or 0
    ) * each == degree


@rule(
    "NE916",
    "Image does not serve the architecture",
    Severity.WARNING,
    "The image's server has code for certain architectures.",
    do="Choose an image that serves the architecture.",
    table="serving_images",
)
def architecture_of_another_image(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/neuronx-distributed-inference (utils/constants.py) and the
    sources of the table's rows."""
    for one in running(s):
        rows = [i for i in s.catalog.serving.images if i.server == one.row.name]
        if one.model is None or not rows:
            continue
        embeds = one.model.kind != "decoder"
        known = {t for i in rows for t in (i.embedding_types if embeds else i.model_types)}
        if one.model.model_type in known:
            continue
        what = "embeds with" if embeds else "serves"
        yield Report(
            _field(one, s, "model"),
            f"is {one.model_id}, of the architecture {one.model.model_type}; {one.server.title} "
            f"{what} {listed(sorted(known), most=20) or 'none'}",
            f"run `{_fit(one, s)}`, which lists what serves it",
        )


@rule(
    "NE917",
    "Deployment was seen to fail",
    Severity.WARNING,
    "Somebody ran the model so and reported that it failed.",
    do="Read the report, and test one task first.",
    table="model_deployments",
)
def seen_to_fail(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/aws-neuron-samples/issues/96 and the sources of the table's
    other rows."""
    for one, required in _estimated(s):
        for seen in s.catalog.serving.deployments:
            same = (seen.instance_type, seen.tensor_parallel, seen.server) == (
                one.claim.kind.name,
                one.degree,
                one.row.name,
            ) and seen.model in alike(required.model, s.catalog)
            asked = seen.sequences <= required.sequences and seen.length <= required.length
            if same and not seen.works and asked:
                yield Report(
                    _field(one, s, "model"),
                    f"is {one.model_id} with {required.sequences} x {required.length} tokens on "
                    f"{seen.instance_type}; {seen.sequences} x {seen.length} failed: {seen.source}",
                    "test one task first",
                )


@rule(
    "NE918",
    "Grace period is shorter than a start",
    Severity.WARNING,
    "ECS stops a task whose health check fails after the grace period, and starts the next one, "
    "which cannot be ready either.",
    do="Write the time that a start takes.",
    table="servers",
)
def short_grace(s: Situation) -> Iterator[Report]:
    """API_CreateService, healthCheckGracePeriodSeconds; the times of the table are those that were
    reported."""
    for work in s.distinct_work:
        row, grace = running_server(work.spec, s.catalog), grace_seconds(work, s.catalog)
        if row is None or work.is_job or not work.spec.called:
            continue
        if grace < row.warm_start_seconds:
            yield Report(
                f"{work.path}.health_check.grace_seconds",
                f"is {grace}; {SERVERS[row.name].title} takes about "
                f"{row.warm_start_seconds} s to load, and up to {row.cold_start_seconds} s where "
                "it compiles",
                f"write {row.cold_start_seconds}",
            )


@rule(
    "NE919",
    "Volume is too small for the weights",
    Severity.WARNING,
    "A server downloads the weights, and writes compiled and sharded copies of them, to the "
    "instance's volume.",
    do="Write a larger volume.",
    table="language_models",
)
def volume_below_weights(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-ami-storage-config.html: what
    containers write is on the instance's volume; three checkpoints is a rule of thumb."""
    for name in dict.fromkeys(pool for pool, _, _ in weights(s)):
        spec, models = s.settings.capacity[name], [m for pool, m, _ in weights(s) if pool == name]
        volume, others = disk(spec), _kept_beside(s, name)
        needed = base_gib(s, name) + others
        local = isinstance(spec, ManagedInstancesCapacity) and spec.local_storage
        if volume.written is not None and volume.written < needed and not local:
            yield Report(
                f"capacity.{name}.{volume.field}",
                f"is {volume.written}; {counted(len(models), 'model')} "
                f"({listed(models, most=4)}), images and system need about {needed}"
                + (f", with {others} of host volumes" if others else ""),
                f"write {needed}, or leave it out",
            )


def _kept_beside(s: Situation, pool: str) -> int:
    """The GiB of the host volumes of a pool that keep something else than weights and artefacts."""
    caches = {out.cache.place for out in s.written.values() if out.cache}
    return sum(gib for name, gib in host_sizes(s, pool).items() if name not in caches)


@rule(
    "NE920",
    "Memory of the model is not judged",
    Severity.NOTE,
    "The arithmetic needs the shape of the model, and counts what the server does by default.",
    do="Write its shape under shapes, and test one task first.",
    table="language_models",
)
def not_judged(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/explore/device-memory.html:
    what device memory stores."""
    for one in running(s):
        if one.model is None:
            yield Report(
                _field(one, s, "model"),
                f"serves {shown(one.model_id, limit=120)}, whose shape is not known",
                f'write shapes: {{"{one.model_id}": {{like: <model>}}}}; or test one task first',
            )
        elif one.otherwise:
            yield Report(
                _field(one, s, "arguments"),
                f"gives {one.otherwise}, with which the memory of {one.model_id} is another",
                "test one task first",
            )


@rule(
    "NE921",
    "Server of the model is not known",
    Severity.NOTE,
    "Nothing is known of what the container starts: its memory, its health check and its start are "
    "not judged.",
    do="Name the model under serve where a server of the tables serves it.",
    table="container_images",
)
def server_not_known(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/deep-learning-containers: the images of AWS and their
    servers."""
    for work in s.distinct_work:
        if work.is_job or not work.device_count or not work.spec.served_ports:
            continue
        if server_of(work.spec, s.catalog) is None:
            yield Report(
                f"{work.path}.image",
                f"is {shown(work.spec.image, limit=120)}, whose server no table has",
                "test one task first",
            )


@rule(
    "NE922",
    "Server may fail to load the model",
    Severity.WARNING,
    "The documentation of the server names models that it may fail to load so.",
    do="Serve a copy in a bucket or on a volume, or choose another server.",
    table="language_models",
)
def may_fail_to_load(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/v2.32.0/libraries/nxd-inference/developer_guides/vllm-user-guide-v1.html:
    known issues."""
    for one in running(s):
        for trouble in one.server.troubles(one.model) if one.model else ():
            yield Report(
                _field(one, s, "model"), f"is {one.model_id}: {trouble}", "test one task first"
            )


RULES: tuple[Rule, ...] = (
    beyond_device_memory,
    tight_device_memory,
    little_host_memory,
    beyond_positions,
    gated_without_token,
    degree_that_does_not_divide,
    architecture_of_another_image,
    seen_to_fail,
    short_grace,
    volume_below_weights,
    not_judged,
    server_not_known,
    may_fail_to_load,
)
