"""Servers inside containers: their command, options and ports, and models they fail on."""

from collections.abc import Iterator

from catalog import Server
from config import AutoScalingCapacity, ModelEntry
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import counted, flow, listed
from planning import images
from planning.command_line import (
    from_aws,
    number,
    option,
    published,
    repository,
    server_of,
    version,
    words,
)
from planning.cores import core_claims
from planning.entries import RegionalWorkload
from planning.images import Version
from planning.proposals import missing_command
from planning.rules.rule import Report, rule
from planning.serving.options import DEFAULT_LENGTH, DEFAULT_SEQUENCES, default_length
from planning.serving.servers import (
    CACHE_BLOCKS,
    SERVERS,
    SKIP_EFA,
    gives_options,
    has_config_file,
    lacks_program,
    served_model,
    without_prefix_caching,
)
from planning.serving.shapes import alike, shape_of
from planning.situation import Situation


@rule(
    "NE234",
    "Model is known to fail on this image and chip",
    Severity.WARNING,
    "The model is known to fail with this image on this chip.",
    do="Choose another size of the model, another image, or another chip.",
    table="model_refusals",
)
def model_known_to_fail(s: Situation) -> Iterator[Report]:
    """The table of refusals holds the source of each, such as
    https://github.com/aws-neuron/aws-neuron-sdk/issues/1303."""
    serving = {image.name: image for image in s.catalog.serving.images}
    for claim in core_claims(s):
        given, image = words(claim.container), claim.container.image
        model, sdk, known = (
            served_model(given),
            images.neuron_sdk(image),
            published(image, s.catalog),
        )
        if model is None or sdk is None or known is None or claim.kind.neuron is None:
            continue
        sequences = number(given, "max-num-seqs")
        shape = shape_of(model, s.settings, s.catalog)
        ids = {model, *(alike(shape, s.catalog) if shape else ())}
        for refusal in s.catalog.serving.refusals:
            tried = serving[refusal.serving_image].image
            same = repository(tried) == known.repository and images.neuron_sdk(tried) == sdk
            here = same and refusal.family == claim.kind.neuron.family
            if not (here and any(refusal.concerns(one) for one in ids)):
                continue
            least = refusal.sequences_below
            if least is not None and (sequences is None or sequences >= least):
                continue
            others = [
                p.name
                for (region, _), p in s.pools.items()
                if region == claim.work.region
                and p.neuron
                and not s.work_on(p)
                and all(
                    t.neuron
                    and t.neuron.family in known.families
                    and t.neuron.family != claim.kind.neuron.family
                    for t in p.types
                )
            ]
            yield Report(
                f"{claim.path}.command",
                f"serves {shown(model)} with SDK {sdk} on {claim.kind.name}",
                f"write --max-num-seqs={least}"
                if least is not None
                else "take another size of the model, or take an image of another SDK"
                + (f", or write {claim.work.path}.capacity: {others[0]}" if others else ""),
                refusal.says[0].upper() + refusal.says[1:].rstrip(".") + ".",
            )


def _serving(s: Situation) -> Iterator[tuple[RegionalWorkload, Server, Version, list[str]]]:
    """Every workload on a serving image of AWS's own, with the words that it runs.

    A model of `serve` has no words where nobody knows the types of its pool.
    """
    for work in s.distinct_work:
        if isinstance(work.spec, ModelEntry) and work.spec.serve and work.name not in s.written:
            continue
        server, this = server_of(work.spec, s.catalog), version(work.spec.image)
        if server is not None and this is not None and from_aws(work.spec.image, s.catalog):
            yield work, server, this, words(work.spec)


@rule(
    "NE415",
    "Serving image has no command",
    Severity.ERROR,
    "The entry point of the image runs the given command, or without one a shell that ends at "
    "once.",
    do="Write the whole command: vllm serve and the model.",
    table="servers",
)
def server_without_a_command(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/deep-learning-containers (common/vllm_entrypoint.py, and CMD
    /bin/bash in the Dockerfiles)."""
    for work, server, _, given in _serving(s):
        if server.entry != "command":
            continue
        if not given or (lacks_program(given) and not work.spec.entry_point):
            command = missing_command(s, work, work.spec.image)
            first = ["vllm", "serve"] if served_model(given) else ["vllm", "serve", "<model>"]
            yield Report(
                f"{work.path}.command",
                "is missing" if not given else f"begins with {shown(given[0])}, no program",
                f"write {flow(command)}"
                if not given
                else f"write {flow(['vllm'] if given[0] == 'serve' else first)} before it",
            )


@rule(
    "NE416",
    "Command given where the image expects arguments",
    Severity.ERROR,
    "The entry point of the image is the server itself; the command contains only its arguments.",
    do="Write only the arguments, such as --model and its value.",
    table="servers",
)
def arguments_expected(s: Situation) -> Iterator[Report]:
    """https://github.com/huggingface/optimum-neuron: the entry point of the vLLM image is
    optimum-cli neuron serve."""
    for work, server, _, given in _serving(s):
        if server.entry == "arguments" and not work.spec.entry_point and given:
            if not given[0].startswith("-"):
                model = served_model(given)
                rest = _after_program(given)
                if model and option(rest, "model") is None:
                    rest = [f"--model={model}", *(word for word in rest if word != model)]
                yield Report(
                    f"{work.path}.command",
                    f"begins with {shown(given[0])}, which the server reads as an argument",
                    f"write {flow(rest)}",
                )


def _after_program(given: list[str]) -> list[str]:
    """The options of a command, without the words before the first of them."""
    first = next((i for i, word in enumerate(given) if word.startswith("--")), len(given))
    return given[first:]


@rule(
    "NE417",
    "Number and length of sequences are not set",
    Severity.WARNING,
    "Without these options the server uses its defaults: many sequences of the model's full "
    "length, with the KV cache for all of them from the start.",
    do="Write how many sequences are served at once, and how long they may be.",
    table="servers",
)
def sequences_unset(s: Situation) -> Iterator[Report]:
    """https://github.com/vllm-project/vllm-neuron (platform.py): max_num_seqs becomes 32, and
    max_model_len the model's maximum."""
    for work, server, _, given in _serving(s):
        if not gives_options(given) or has_config_file(given):
            continue
        named = [o for o in (server.sequences_option, server.length_option) if o]
        missing = [f"--{o}" for o in named if option(given, o) is None]
        if missing:
            sequences = s.catalog.limits.value("sequences_default")
            known = shape_of(served_model(given) or "", s.settings, s.catalog)
            length = default_length(known) if known else DEFAULT_LENGTH
            given_sequences = number(given, server.sequences_option) or DEFAULT_SEQUENCES
            some = [
                f"--{name}={value}"
                for name, value in (
                    (server.sequences_option, given_sequences),
                    (server.length_option, length),
                )
                if f"--{name}" in missing
            ]
            needed = SERVERS[server.name].cache_blocks(
                [*given, *some], sequences=given_sequences, length=length
            )
            lead, blocks = _without_prefix_caching(given, given_sequences)
            if needed is None or option(given, CACHE_BLOCKS) is not None:
                lead, blocks = "", []
            yield Report(
                f"{work.path}.command",
                f"runs vllm serve without {listed(missing)}; the defaults are "
                f"{sequences} sequences and the model's full length",
                f"{lead}write {' '.join([*some, *blocks])}",
            )


@rule(
    "NE418",
    "Number of KV cache blocks does not match the sequences",
    Severity.WARNING,
    "NxD Inference compiles a fixed number of KV cache blocks into the model. A scheduler with "
    "another number reads beyond them.",
    do="Write --num-gpu-blocks-override to match the sequences.",
    table="servers",
)
def blocks_unset(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/v2.32.0/libraries/nxd-inference/developer_guides/vllm-user-guide-v1.html
    (known issue 2): without prefix caching exactly max_num_seqs, with it at least
    ceil(max_model_len / block_size) * max_num_seqs."""
    for work, server, _, given in _serving(s):
        strategy, sequences = SERVERS[server.name], number(given, server.sequences_option)
        if sequences is None or not strategy.started_by(given) or has_config_file(given):
            continue
        length = number(given, server.length_option)
        needed = strategy.cache_blocks(given, sequences=sequences, length=length)
        if needed is None:
            continue
        lead, options = _without_prefix_caching(given, sequences)
        blocks, fix = number(given, CACHE_BLOCKS), f"{lead}write {' '.join(options)}"
        if blocks is None:
            yield Report(
                f"{work.path}.command",
                f"runs vllm serve for {counted(sequences, 'sequence')} without --{CACHE_BLOCKS}",
                fix,
            )
        elif not needed.suits(blocks):
            yield Report(
                f"{work.path}.command",
                f"runs vllm serve with {counted(blocks, 'block')} for "
                f"{counted(sequences, 'sequence')}",
                fix,
            )


def _without_prefix_caching(given: list[str], sequences: int) -> tuple[str, list[str]]:
    """What to leave out of a command, and the options to write instead, those that it lacks."""
    on = "--enable-prefix-caching"
    options = without_prefix_caching(sequences)
    return (f"leave {on} out and " if on in given else ""), [o for o in options if o not in given]


@rule(
    "NE419",
    "Option belongs to another version of the server",
    Severity.WARNING,
    "The option belongs to other versions of the server.",
    do="Write the option that replaces it in this version.",
    table="server_options",
)
def option_of_another_version(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/vllm-neuron/docs/getting-started/migration-nxdi-to-vllm-neuron.html"""
    for work, server, this, given in _serving(s):
        for gone in s.catalog.containers.server_options:
            if gone.server != server.name or not gives_options(given):
                continue
            if gone.version_from <= this.parts < gone.version_until:
                if option(given, gone.option) is not None:
                    yield Report(
                        f"{work.path}.command",
                        f"gives --{gone.option} to vLLM {this}",
                        _replaced(gone.option, gone.instead, option(given, gone.option) or ""),
                        f"{gone.says[0].upper()}{gone.says[1:]}.",
                    )


def _replaced(name: str, instead: str, value: str) -> str:
    """`leave --device out`, and where the option has a successor, its value there."""
    leave = f"leave --{name} out"
    if "{…}" not in instead or " " in value:
        return leave
    return f"{leave} and {instead.replace('{…}', value)}"


@rule(
    "NE420",
    "Server looks for EFA that the pool does not have",
    Severity.WARNING,
    "The vLLM plugin looks for EFA at start and fails on a host without it.",
    do='Write NEURON_SKIP_EFA_AFFINITY: "1" under environment.',
    table="servers",
)
def efa_looked_for(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/environments/quickstart-deploy-dlc.html"""
    for work, server, _, given in _serving(s):
        spec = work.pool.spec
        efa = isinstance(spec, AutoScalingCapacity) and spec.efa
        kind = work.smallest
        if not SERVERS[server.name].looks_for_efa or efa or not given or kind is None:
            continue
        value = work.spec.environment.get(SKIP_EFA)
        if value != "1":
            yield Report(
                f"{work.path}.environment",
                f"has {SKIP_EFA} {shown(value)}"
                if value is not None
                else f"lacks {SKIP_EFA}, on {kind.name} of the pool {work.pool.name} without efa",
                f'write environment: {{{SKIP_EFA}: "1"}}',
            )


@rule(
    "NE421",
    "Server listens on another port",
    Severity.ERROR,
    "The load balancer sends requests to the port of the model, but the server listens on another "
    "one.",
    do="Let the server listen on the model's port.",
    table="servers",
)
def server_on_another_port(s: Situation) -> Iterator[Report]:
    """API_PortMapping, containerPort; the server's own port where its command gives none: 8000 for
    vLLM (https://docs.vllm.ai/en/latest/cli/serve/), 8501 for TensorFlow Serving
    (https://www.tensorflow.org/tfx/serving/docker)."""
    for work, server, _, given in _serving(s):
        ports = work.spec.served_ports
        written = option(given, server.port_option)
        own = bool(given) and not work.spec.entry_point  # the image's server, with its arguments
        runs = gives_options(given) if server.entry == "command" else own
        if server.entry == "image":
            runs = written is not None
        if not ports or work.is_job or not server.port_option or not runs:
            continue
        if has_config_file(given) or option(given, "uds") is not None:
            continue
        port = number(given, server.port_option) if written is not None else server.port
        strategy = SERVERS[server.name]
        other = port in ports and not strategy.first_port_only
        if port is None or port == ports[0] or other:
            continue
        name = strategy.option(server.port_option)
        yield Report(
            f"{work.path}.port" if work.spec.port is not None else f"{work.path}.ports",
            f"is {ports[0]}; the server listens on {port}"
            + ("" if written is not None else f", its own where no {name} is given"),
            f"write {name}={ports[0]}, or port: {port}",
        )


@rule(
    "NE427",
    "Model path that nothing brings into the image",
    Severity.WARNING,
    "AWS's images contain the server and no model, and no mount and no shared path brings it: the "
    "path does not exist when the server starts.",
    do="Name the model by its id on the hub, mount a volume that contains it, or use an image of "
    "your own.",
)
def path_of_no_model(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/environments/dlc-images.html:
    what the images contain."""
    for work in s.distinct_work:
        image, given = work.spec.image, words(work.spec)
        model = served_model(given)
        by_itself = given and not {"sh", "bash"} & {w.rpartition("/")[2] for w in given[:1]}
        places = (*(m.path for m in work.spec.mounts.values()), *work.spec.shared_paths)
        brought = model and any(f"{model}/".startswith(f"{p.rstrip('/')}/") for p in places)
        if not model or not model.startswith("/") or brought:
            continue
        if by_itself and from_aws(image, s.catalog):
            yield Report(
                f"{work.path}.command",
                f"serves {shown(model)}, a path in {shown(image, limit=120)}",
                "name the model by its id on the hub, or mount a volume that contains "
                f"{model}, or build an image of your own that starts from this one and contains it",
            )


RULES = (
    model_known_to_fail,
    server_without_a_command,
    arguments_expected,
    sequences_unset,
    blocks_unset,
    option_of_another_version,
    efa_looked_for,
    server_on_another_port,
    path_of_no_model,
)
