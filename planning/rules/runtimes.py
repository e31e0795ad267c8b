"""Container images: the chip and driver they need, and what their entry points and servers want."""

from collections.abc import Iterator

from catalog import ContainerImage, Server
from config import AutoScalingCapacity, Container, ExistingNetworkEntry
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import counted, listed
from planning import images
from planning.amis import ami_family, fitting_amis, never_fits
from planning.command_line import (
    containers,
    from_aws,
    number,
    option,
    private_registry,
    published,
    repository,
    server_of,
    tag,
    version,
    words,
)
from planning.images import Version
from planning.rules.rule import Report, rule
from planning.serving.servers import (
    CACHE_BLOCKS,
    SERVERS,
    SKIP_EFA,
    has_config_file,
    replacement_rank,
    starts_vllm,
)
from planning.situation import RegionalWorkload, Situation, each_workload


def _on_chips(
    s: Situation,
) -> Iterator[tuple[RegionalWorkload, str, Container, str, ContainerImage]]:
    """Every container with an image that is known, on the chips of its pool's family."""
    for work in each_workload(s):
        kind = work.pool.smallest
        if kind is None or kind.neuron is None or not work.device_count:
            continue
        for path, container in containers(work):
            known = published(container.image, s.catalog)
            if known is not None:
                yield work, path, container, kind.neuron.family, known


def _others(s: Situation, family: str, purpose: str) -> list[str]:
    """The newest images of the purpose that run on the family, undisputed ones first."""
    rows = [k for k in s.catalog.containers.images if family in k.families and not k.ended]
    rows = [k for k in rows if k.purpose == purpose] or rows
    newest: dict[str, ContainerImage] = {}
    for row in sorted(rows, key=lambda k: (family not in k.contested, k.version_from)):
        newest[row.repository] = row
    ranked = sorted(
        newest.values(), key=lambda k: (family in k.contested, replacement_rank(k.server))
    )
    return [row.newest for row in ranked]


def _pools_for(s: Situation, work: RegionalWorkload, known: ContainerImage) -> list[str]:
    """The stack's pools of a family that the image runs on."""
    return [
        p.name
        for (region, _), p in s.pools.items()
        if region == work.region
        and p.types
        and all(t.neuron and t.neuron.family in known.families for t in p.types)
    ]


@rule(
    "NE406",
    "Image is for another chip",
    Severity.ERROR,
    "An image contains the runtime and the compiled code for certain chips. On other chips it "
    "finds no device, or code that cannot run.",
    do="Use an image for the pool's chip, or a pool of a chip that the image supports.",
)
def image_of_another_chip(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/deep-learning-containers: the instance types that each image
    supports; vLLM from 0.21 on runs on Trn2 and Trn3 only."""
    for work, path, container, family, known in _on_chips(s):
        if family in known.families:
            continue
        others, pools = _others(s, family, known.purpose), _pools_for(s, work, known)
        kind = work.pool.smallest
        yield Report(
            f"{path}.image",
            f"is {shown(container.image, limit=120)}, which runs on {listed(known.families)}; "
            f"{work.pool.name} has {kind.name if kind else ''}",
            (f"write {others[0]}" if others else "take another image")
            + (f", or move it to {listed(pools)}" if pools else ""),
        )


@rule(
    "NE407",
    "AWS contradicts itself on this image and chip",
    Severity.WARNING,
    "AWS's pages contradict each other on this image and this chip.",
    do="Use a documented pair, or test this one first.",
)
def contested_pair(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/release-notes/index.html (2.29)
    against https://github.com/aws-neuron/deep-learning-containers and the quickstarts of later
    releases."""
    for work, path, container, family, known in _on_chips(s):
        if family not in known.contested:
            continue
        sure = [
            k.newest
            for k in s.catalog.containers.images
            if k.purpose == known.purpose and family in k.families and family not in k.contested
        ]
        yield Report(
            f"{path}.image",
            f"is {shown(container.image, limit=120)}, on {family} of the pool {work.pool.name}",
            f"write {sure[-1]}, with an AMI whose driver suits it"
            if sure
            else "test it with one task first",
            known.contested_says,
        )


@rule(
    "NE408",
    "Driver and Neuron SDK of the image never work together",
    Severity.ERROR,
    "The driver of the host does not work with the runtime of the image: every task fails in "
    "nrt_init.",
    do="Pin an AMI whose driver works with the image, or use an image for the driver of the AMI.",
)
def driver_never_fits(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/release-notes/components/runtime.html
    (known issues); an AMI keeps the driver of its day, that of Amazon Linux 2 an old one for ever
    (https://github.com/aws/amazon-ecs-ami)."""
    for work in each_workload(s):
        spec, kind = work.pool.spec, work.pool.type
        sdk = images.neuron_sdk(work.spec.image)
        if not isinstance(spec, AutoScalingCapacity) or sdk is None or not kind or not kind.neuron:
            continue
        found = never_fits(s, work.pool, sdk)
        if found is None:
            continue
        driver, says = found
        place = f"capacity.{work.pool.name}.ami"
        amis = fitting_amis(s, work.pool, sdk)
        held = (family := ami_family(s, work.pool)) is not None and family.held_driver is not None
        fixes = [f"write {place}.family: al2023"] if held else []
        fixes += [f"write {place}.version: {amis[-1]}"] if amis else []
        suiting = _suiting(s, kind.neuron.family, driver, published(work.spec.image, s.catalog))
        fixes += [f"take an image such as {suiting[0]}"] if suiting else []
        host = "Amazon Linux 2" if held else spec.ami.version
        yield Report(
            f"{work.path}.image",
            f"is {shown(work.spec.image, limit=120)}, of Neuron SDK {sdk}; {host} of the pool "
            f"{work.pool.name} has driver {driver}",
            ", or ".join(fixes) or "take an image of another SDK",
            says,
        )


def _suiting(s: Situation, family: str, driver: Version, like: ContainerImage | None) -> list[str]:
    """Images of the same purpose that run on the family and suit the driver."""
    return [
        k.newest
        for k in s.catalog.containers.images
        if like is not None
        and k.purpose == like.purpose
        and family in k.families
        and family not in k.contested
        and (sdk := images.neuron_sdk(k.newest)) is not None
        and images.bad_pair(s.catalog, driver, sdk) is None
    ]


@rule(
    "NE409",
    "Driver of the AMI is older than the SDK of the image",
    Severity.WARNING,
    "The driver of the AMI is older than the one that was released with the image's SDK. AWS tests "
    "an SDK with its own driver.",
    do="Use family: al2023, whose driver can be chosen by the version of the AMI.",
)
def driver_older_than_sdk(s: Situation) -> Iterator[Report]:
    """https://github.com/aws/amazon-ecs-ami (the recipe of Amazon Linux 2 holds the driver back);
    https://awsdocs-neuron.readthedocs-hosted.com/en/latest/release-notes/components/runtime.html"""
    for work in each_workload(s):
        family, sdk = ami_family(s, work.pool), images.neuron_sdk(work.spec.image)
        if family is None or family.held_driver is None or sdk is None:
            continue
        release = s.catalog.neuron.sdks.get(".".join(map(str, sdk.parts[:2])))
        newer = release and Version.of(release.driver) > Version.of(family.held_driver)
        if newer and release and never_fits(s, work.pool, sdk) is None:
            yield Report(
                f"{work.path}.image",
                f"has Neuron SDK {sdk}, released with driver {release.driver}; Amazon Linux 2 of "
                f"the pool {work.pool.name} stays at {family.held_driver}",
                f"write capacity.{work.pool.name}.ami.family: al2023",
            )


@rule(
    "NE410",
    "AWS never published this image",
    Severity.ERROR,
    "AWS publishes no such image: the pull fails with CannotPullContainerError.",
    do="Use a version that AWS published, or another image.",
)
def never_published(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/release-notes/components/containers.html:
    the last SDK with an image of the repository."""
    for _, path, container, family, known in _on_chips(s):
        sdk, last = images.neuron_sdk(container.image), known.published_until_sdk
        if sdk is None or last is None or sdk.parts[:2] <= last[:2]:
            continue
        if family in known.families and from_aws(container.image, s.catalog):
            yield Report(
                f"{path}.image",
                f"is {shown(container.image, limit=120)}; the last SDK with {known.repository} of "
                f"this version is {'.'.join(map(str, last))}",
                f"write {known.newest}",
            )


@rule(
    "NE411",
    "Framework of the image is no longer supported",
    Severity.WARNING,
    "AWS no longer fixes the framework in the image.",
    do="Move to a framework that AWS supports on the chip.",
)
def no_longer_supported(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/about-neuron/announcements/index.html"""
    for _, path, container, family, known in _on_chips(s):
        if known.ended and family in known.families:
            others = [i for i in _others(s, family, known.purpose) if i != known.newest]
            yield Report(
                f"{path}.image",
                f"is {shown(container.image, limit=120)}: {known.ended}",
                f"move to an image such as {others[0]}" if others else "build an image of your own",
            )


@rule(
    "NE412",
    "Image is pulled from another Region",
    Severity.WARNING,
    "Every instance pulls the image from the other Region over the internet. While that Region's "
    "registry is unavailable, no task starts.",
    do="Write {region} in the image, or dlc/ for a Deep Learning Container.",
)
def image_of_another_region(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html: a private registry is
    one of an account in a Region;
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html"""
    accounts = {r.dlc_account for r in s.catalog.places.regions.values()}
    reported: dict[str, list[str]] = {}
    for work in s.work:
        network = s.regions[work.region].network
        cut_off = not isinstance(network, ExistingNetworkEntry) and network.nat == "none"
        for path, container in containers(work):
            registry = private_registry(container.image.replace("{region}", work.region))
            if registry is None or registry.region == work.region or cut_off:
                continue
            if not _wrong_account(s, registry.account, registry.region):
                reported.setdefault(f"{path}.image", []).append(work.region)
    for path, regions in reported.items():
        image = _image_at(s, path)
        registry = private_registry(image)
        if registry is None:
            continue
        own = f"{registry.account}.dkr.ecr.{{region}}"
        yield Report(
            path,
            f"is {shown(image, limit=120)}, pulled in {listed(dict.fromkeys(regions))}",
            f"write {images.DLC}{registry.rest}"
            if registry.account in accounts
            else f"write {own}… and replicate the repository to {listed(dict.fromkeys(regions))}",
        )


def _wrong_account(s: Situation, account: str, region: str) -> bool:
    """Whether the account holds Deep Learning Containers, but not those of the Region."""
    accounts = {r.dlc_account for r in s.catalog.places.regions.values()}
    known = s.catalog.places.regions.get(region)
    return account in accounts and known is not None and known.dlc_account != account


def _image_at(s: Situation, path: str) -> str:
    for where, spec in s.named_workloads():
        if path == f"{where}.image":
            return spec.image
        for name, sidecar in spec.sidecars.items():
            if path == f"{where}.sidecars.{name}.image":
                return sidecar.image
    return ""


@rule(
    "NE413",
    "Wrong registry account of Deep Learning Containers",
    Severity.ERROR,
    "The registry of the Deep Learning Containers belongs to another account in this Region.",
    do="Write dlc/<repository>:<tag>, which names the Region's own registry.",
)
def wrong_registry_account(s: Situation) -> Iterator[Report]:
    """https://github.com/aws/deep-learning-containers, docs/reference/region_availability.md: the
    account by Region."""
    for work in s.work:
        for path, container in containers(work):
            image = container.image.replace("{region}", work.region)
            registry = private_registry(image)
            if registry is None or not _wrong_account(s, registry.account, registry.region):
                continue
            right = s.catalog.places.regions[registry.region].dlc_account
            yield Report(
                f"{path}.image",
                f"is {shown(container.image, limit=120)}: account {registry.account} has none in "
                f"{registry.region}",
                f"write {images.DLC}{registry.rest}" + (f" (account {right})" if right else ""),
            )


@rule(
    "NE414",
    "Image tag can move",
    Severity.WARNING,
    "A tag such as latest can name another image at the next start of a task, without a "
    "deployment.",
    do="Write a fixed tag, or the digest.",
)
def moving_tag(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-considerations.html: do
    not use the latest tag."""
    for work in each_workload(s):
        for path, container in containers(work):
            image, name = container.image, tag(container.image)
            if "@" not in image and name in ("", "latest"):
                yield Report(
                    f"{path}.image",
                    f"is {shown(image, limit=120)}, {'without a tag' if not name else 'latest'}",
                    f"write {_tagged(s, image)}, or its digest",
                )


def _tagged(s: Situation, image: str) -> str:
    rows = [k for k in s.catalog.containers.images if k.repository == repository(image)]
    return rows[-1].newest if rows else "the tag of the version that you tested"


def _serving(s: Situation) -> Iterator[tuple[RegionalWorkload, Server, Version, list[str]]]:
    """Every workload on a serving image of AWS's own, with the words that it runs."""
    for work in each_workload(s):
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
)
def server_without_a_command(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/deep-learning-containers (common/vllm_entrypoint.py, and CMD
    /bin/bash in the Dockerfiles)."""
    for work, server, _, given in _serving(s):
        if server.entry != "command":
            continue
        if not given or (given[0].startswith("-") and not work.spec.entry_point):
            port = work.spec.served_ports[0] if work.spec.served_ports else server.port
            yield Report(
                f"{work.path}.command",
                "is missing" if not given else f"begins with {shown(given[0])}, an option",
                f"write [vllm, serve, <model>, --port={port}]"
                if not given
                else "put vllm, serve and the model before it",
            )


@rule(
    "NE416",
    "Command given where the image expects arguments",
    Severity.ERROR,
    "The entry point of the image is the server itself; the command contains only its arguments.",
    do="Write only the arguments, such as --model and its value.",
)
def arguments_expected(s: Situation) -> Iterator[Report]:
    """https://github.com/huggingface/optimum-neuron: the entry point of the vLLM image is
    optimum-cli neuron serve."""
    for work, server, _, given in _serving(s):
        if server.entry == "arguments" and not work.spec.entry_point and given:
            if not given[0].startswith("-"):
                model = given[2] if given[:2] == ["vllm", "serve"] and len(given) > 2 else "…"
                yield Report(
                    f"{work.path}.command",
                    f"begins with {shown(given[0])}, which the server reads as an argument",
                    f"write --model={model} and the other options alone",
                )


@rule(
    "NE417",
    "Number and length of sequences are not set",
    Severity.WARNING,
    "Without these options the server uses its defaults: many sequences of the model's full "
    "length, with the KV cache for all of them from the start.",
    do="Write how many sequences are served at once, and how long they may be.",
)
def sequences_unset(s: Situation) -> Iterator[Report]:
    """https://github.com/vllm-project/vllm-neuron (platform.py): max_num_seqs becomes 32, and
    max_model_len the model's maximum."""
    for work, server, _, given in _serving(s):
        if not starts_vllm(given) or has_config_file(given):
            continue
        named = [o for o in (server.sequences_option, server.length_option) if o]
        missing = [f"--{o}" for o in named if option(given, o) is None]
        if missing:
            sequences = s.catalog.limits.value("sequences_default")
            some = f"--{server.sequences_option}=4 --{server.length_option}=8192"
            yield Report(
                f"{work.path}.command",
                f"runs vllm serve without {listed(missing)}; the defaults are "
                f"{sequences} sequences and the model's full length",
                f"write both, such as {some}",
            )


@rule(
    "NE418",
    "Number of KV cache blocks does not match the sequences",
    Severity.WARNING,
    "NxD Inference compiles a fixed number of KV cache blocks into the model. A scheduler with "
    "another number reads beyond them.",
    do="Write --num-gpu-blocks-override to match the sequences.",
)
def blocks_unset(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/libraries/nxd-inference/developer_guides/vllm-user-guide-v1.html
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
        blocks, fix = number(given, CACHE_BLOCKS), f"write --{CACHE_BLOCKS}={needed.number}"
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


@rule(
    "NE419",
    "Option belongs to another version of the server",
    Severity.WARNING,
    "The option belongs to other versions of the server.",
    do="Write the option that replaces it in this version.",
)
def option_of_another_version(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/vllm-neuron/docs/getting-started/migration-nxdi-to-vllm-neuron.html"""
    for work, server, this, given in _serving(s):
        for gone in s.catalog.containers.server_options:
            if gone.server != server.name or not starts_vllm(given):
                continue
            if gone.version_from <= this.parts < gone.version_until:
                if option(given, gone.option) is not None:
                    yield Report(
                        f"{work.path}.command",
                        f"gives --{gone.option} to vLLM {this}",
                        gone.instead,
                        f"{gone.says[0].upper()}{gone.says[1:]}.",
                    )


@rule(
    "NE420",
    "Server looks for EFA that the pool does not have",
    Severity.WARNING,
    "The vLLM plugin looks for EFA at start and fails on a host without it.",
    do='Write NEURON_SKIP_EFA_AFFINITY: "1" under environment.',
)
def efa_looked_for(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/environments/quickstart-deploy-dlc.html"""
    for work, server, _, given in _serving(s):
        spec = work.pool.spec
        efa = isinstance(spec, AutoScalingCapacity) and spec.efa
        kind = work.pool.smallest
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
)
def server_on_another_port(s: Situation) -> Iterator[Report]:
    """API_PortMapping, containerPort; the server's own port where its command gives none: 8000 for
    vLLM (https://docs.vllm.ai/en/latest/cli/serve/), 8501 for TensorFlow Serving
    (https://www.tensorflow.org/tfx/serving/docker)."""
    for work, server, _, given in _serving(s):
        ports = work.spec.served_ports
        written = option(given, server.port_option)
        own = bool(given) and not work.spec.entry_point  # the image's server, with its arguments
        runs = starts_vllm(given) if server.entry == "command" else own
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


RULES = (
    image_of_another_chip,
    contested_pair,
    driver_never_fits,
    driver_older_than_sdk,
    never_published,
    no_longer_supported,
    image_of_another_region,
    wrong_registry_account,
    moving_tag,
    server_without_a_command,
    arguments_expected,
    sequences_unset,
    blocks_unset,
    option_of_another_version,
    efa_looked_for,
    server_on_another_port,
)
