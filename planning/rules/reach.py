"""What tasks must reach: image registries, the Hugging Face hub, secrets and buckets."""

import re
from collections.abc import Iterator, Mapping

from config import OwnNetworkEntry, S3FilesVolumeEntry
from messages.finding import Severity
from messages.phrases import listed
from planning import images
from planning.addresses import parse_block
from planning.command_line import containers, option, words
from planning.entries import RegionalWorkload
from planning.regional import bucket_and_key, in_region
from planning.rules.rule import Report, rule
from planning.situation import Situation
from planning.volumes import mounted

_ECR = re.compile(
    r"^\d{12}\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$"
)
_HUB_MODEL = re.compile(r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")
_YES = ("1", "on", "true", "yes")
_SOME_ACCOUNT = "111122223333"


def _shut(s: Situation) -> Iterator[RegionalWorkload]:
    """Workloads in own networks without NAT, once for each Region."""
    for work in s.work:
        network = s.regions[work.region].network
        if isinstance(network, OwnNetworkEntry) and network.nat == "none":
            yield work


def _served(s: Situation, work: RegionalWorkload) -> bool:
    """Whether the workload is a model of `serve`, whose image and command are derived."""
    return not work.is_job and work.name in s.written


def _closed(s: Situation, work: RegionalWorkload) -> list[str]:
    """The Regions of the model or job whose own networks are without NAT."""
    return [w.region for w in _shut(s) if w.path == work.path]


def _without_nat(s: Situation, work: RegionalWorkload) -> str:
    names = _closed(s, work)
    many = len(names) > 1
    return f"the network{'s' * many} of {listed(names)} ha{'ve' if many else 's'} no NAT"


def _open_up(s: Situation, work: RegionalWorkload) -> str:
    return " and ".join(f"write regions.{name}.network.nat: one" for name in _closed(s, work))


def _own_account(s: Situation) -> str:
    """The account whose repositories other images of the stack are in; one that stands for it."""
    hosts = (
        images.registry(in_region(container.image, work.region))
        for work in s.work
        for _, container in containers(work)
    )
    return next((host[:12] for host in hosts if _ECR.match(host)), _SOME_ACCOUNT)


@rule(
    "NE512",
    "Public image without NAT",
    Severity.ERROR,
    "Without NAT a task reaches only what has a VPC endpoint: private ECR and S3 of its Region, "
    "but no public registry.",
    do="Copy the image to a private ECR repository of the Region, or write nat: one.",
    table="public_registries",
)
def public_image_without_a_way_out(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html: endpoints serve
    private repositories, not Amazon ECR Public."""
    reported: set[str] = set()
    for work in _shut(s):
        for path, container in containers(work):
            image = container.image
            registry = images.public_registry(image, s.catalog)
            if registry is None or path in reported:
                continue
            reported.add(path)
            suffix = s.catalog.places.regions[work.region].dns_suffix
            copy = f"{_own_account(s)}.dkr.ecr.{{region}}.{suffix}/{image.rpartition('/')[2]}"
            yield Report(
                f"{path}.image",
                f"is {image}, of {registry}; {_without_nat(s, work)}",
                f"copy it to {copy}"
                + (f" and write {path}.image: {copy}" if _served(s, work) else "")
                + f", or {_open_up(s, work)}",
            )


@rule(
    "NE513",
    "Image of another Region without NAT",
    Severity.ERROR,
    "The VPC endpoints of ECR serve only repositories of their own Region.",
    do="Write {region} in the image, and replicate the repository.",
)
def image_of_another_region(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html: "VPC endpoints
    currently don't support cross-Region requests"."""
    reported: set[str] = set()
    for work in _shut(s):
        for path, container in containers(work):
            host = images.registry(in_region(container.image, work.region))
            found = _ECR.match(host)
            if found is None or found[1] == work.region or path in reported:
                continue
            reported.add(path)
            dlc = {r.dlc_account for r in s.catalog.places.regions.values()}
            name = container.image.partition("/")[2]
            yield Report(
                f"{path}.image",
                f"is {container.image}, a registry of {found[1]}, for {work.region} without NAT",
                f"write dlc/{name}"
                if host[:12] in dlc
                else f"write {host.replace(found[1], '{region}')}/{name}, with the repository "
                "replicated",
            )


def _hub_model(container: object, given: list[str]) -> str | None:
    """The Hugging Face model that a server's command line fetches, None for a path or a bucket."""
    model = option(given, "model", "model-id", "model-name-or-path")
    for index, word in enumerate(given[:-1]):
        served = word == "serve" and not given[index + 1].startswith("-")
        if served and model is None:
            model = given[index + 1]
    environment: dict[str, str] = getattr(container, "environment", {})
    offline = [
        environment.get(k, "").lower() in _YES for k in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    ]
    if model is None:
        model = environment.get("HF_MODEL_ID")
    fetched = not any(offline) and not _mirrored(environment)
    return model if model and _HUB_MODEL.match(model) and fetched else None


def _mirrored(environment: Mapping[str, str]) -> bool:
    """Whether models come from a mirror of the hub, which may be inside the network.

    Source: https://github.com/huggingface/huggingface_hub, src/huggingface_hub/constants.py:
    HF_ENDPOINT replaces the hub's address.
    """
    endpoint = environment.get("HF_ENDPOINT", "")
    return bool(endpoint) and not re.match(r"(https?://)?([\w-]+\.)*huggingface\.co\b", endpoint)


@rule(
    "NE514",
    "Hugging Face model without NAT",
    Severity.ERROR,
    "Without NAT tasks cannot reach the Hugging Face hub.",
    do="Serve a path, with weights in the image or in a bucket of the Region, or write nat: one.",
)
def hub_model_without_a_way_out(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html: a route to S3 is
    all that leaves such a network; https://docs.vllm.ai/en/latest/cli/serve.html: a name that is no
    path is fetched from the hub."""
    reported: set[str] = set()
    for work in _shut(s):
        for path, container in containers(work):
            model = _hub_model(container, words(container))
            if model is not None and path not in reported:
                reported.add(path)
                where = (
                    "command" if model in " ".join(words(container)) else "environment.HF_MODEL_ID"
                )
                there = f"put the weights in a bucket of {work.region}"
                other = "(s3_read) or into the image and serve their path"
                if path == work.path and _served(s, work):
                    where, other = "serve.model", "and write serve.model: s3://…"
                yield Report(
                    f"{path}.{where}",
                    f"fetches {model} from the hub; {_without_nat(s, work)}",
                    f"{there} {other}, or {_open_up(s, work)}",
                )


@rule(
    "NE515",
    "Hugging Face token without NAT",
    Severity.WARNING,
    "A token of the Hugging Face hub is useful only where the hub can be reached.",
    do="Serve weights from the image or a bucket of the Region, or write nat: one.",
)
def hub_token_without_a_way_out(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html; without NAT the
    hub is out of reach."""
    tokens = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
    reported: set[str] = set()
    for work in _shut(s):
        for path, container in containers(work):
            found = [t for t in tokens if t in container.secrets or t in container.environment]
            used = _mirrored(container.environment) or _hub_model(container, words(container))
            if found and path not in reported and not used:
                reported.add(path)
                reference = container.secrets.get(found[0])
                where = "environment" if reference is None else "secrets"
                yield Report(
                    f"{path}.{where}.{found[0]}",
                    f"is {reference or 'given'}; {_without_nat(s, work)} to reach the hub",
                    f"remove it, or {_open_up(s, work)}",
                )


@rule(
    "NE516",
    "Secret of another Region without NAT",
    Severity.ERROR,
    "The VPC endpoints of Secrets Manager and Systems Manager serve only their own Region.",
    do="Write {region} in the ARN, and replicate the secret.",
)
def secret_of_another_region(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/secretsmanager/latest/userguide/vpc-endpoint-overview.html"""
    reported: set[str] = set()
    for work in _shut(s):
        for path, container in containers(work):
            for field, reference in container.references.items():
                where = f"{path}.{field}"
                if reference.startswith("/") or where in reported:
                    continue
                region = in_region(reference, work.region).split(":")[3]
                if region != work.region:
                    reported.add(where)
                    parts = reference.split(":")
                    fixed = ":".join([*parts[:3], "{region}", *parts[4:]])
                    yield Report(
                        where,
                        f"is {reference}, in {region}, for {work.region} without NAT",
                        f"write {fixed}, with the secret replicated",
                    )


@rule(
    "NE517",
    "Bucket of another Region without NAT",
    Severity.NOTE,
    "The S3 endpoint of a VPC leads only to buckets of its own Region.",
    do="Write {region} in the bucket's name, and keep a bucket in each Region.",
)
def bucket_of_another_region(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html: gateway endpoints
    do not support cross-Region requests; a name says a Region only by habit."""
    reported: set[str] = set()
    for work in _shut(s):
        for path, prefix in _prefixes(s, work):
            bucket = _bucket(prefix, work.region)
            named = [r for r in s.catalog.places.regions if r in bucket and r != work.region]
            if named and work.region not in bucket and path not in reported:
                reported.add(path)
                yield Report(
                    path,
                    f"is {prefix}; its name says {named[0]}, the network is in {work.region}, "
                    "without NAT",
                    f"write {prefix.replace(named[0], '{region}')}, with a bucket in each Region, "
                    f"or {_open_up(s, work)}",
                )


def _prefixes(s: Situation, work: RegionalWorkload) -> Iterator[tuple[str, str]]:
    """Each prefix of a workload as the stack file writes it, with its path there."""
    out = None if work.is_job else s.written.get(work.name)
    of_serve: dict[str, tuple[str, str]] = {}
    if out is not None and out.entry.serve is not None:
        of_serve[out.entry.serve.model] = "serve.model", out.entry.serve.model
        cached = out.cache.prefixes if out.cache else ()
        of_serve |= dict.fromkeys(cached, ("serve.cache", out.entry.serve.cache or ""))
    ours = s.compile_jobs if work.is_job else ()  # they have those of their models
    for field in ("s3_read", "s3_write") if work.name not in ours else ():
        for index, prefix in enumerate(getattr(work.spec, field)):
            at, said = of_serve.get(prefix, (f"{field}[{index}]", prefix))
            yield f"{work.path}.{at}", said
    for found in mounted(work.path, work.spec):
        entry = s.settings.volumes.get(found.volume)
        if isinstance(entry, S3FilesVolumeEntry):
            yield f"volumes.{found.volume}.bucket", entry.bucket


def _bucket(prefix: str, region: str) -> str:
    return bucket_and_key(in_region(prefix, region))[0]


@rule(
    "NE518",
    "Invalid bucket name",
    Severity.ERROR,
    "S3 does not allow such a bucket name.",
    do="Write the bucket's name as S3 shows it.",
    table="limits",
)
def impossible_bucket(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html: 3 to 63
    lower-case letters, digits, dots and hyphens, a letter or digit at both ends, no two dots in a
    row, no IP address, and affixes that AWS keeps for itself."""
    low, high = s.catalog.limits.value("bucket_name_min"), s.catalog.limits.value("bucket_name_max")
    reported: set[str] = set()
    for work in s.work:
        for path, prefix in _prefixes(s, work):
            bucket = _bucket(prefix, work.region)
            before = [a for a in s.catalog.limits.bucket_affixes("prefix") if bucket.startswith(a)]
            behind = [a for a in s.catalog.limits.bucket_affixes("suffix") if bucket.endswith(a)]
            fault = None
            if "{" in bucket or "}" in bucket:
                fault = "a placeholder other than {region}"
            elif not low <= len(bucket) <= high:
                fault = f"{len(bucket)} characters, not {low} to {high}"
            elif not (bucket[0].isalnum() and bucket[-1].isalnum()):
                fault = "no letter or digit at one end"
            elif ".." in bucket:
                fault = "two dots in a row"
            elif parse_block(f"{bucket}/32") is not None:
                fault = "the form of an IP address"
            elif before or behind:
                fault = f"{(before + behind)[0]}, which AWS keeps for itself"
            if fault is not None and path not in reported:
                reported.add(path)
                yield Report(
                    path,
                    f"is {prefix}, a bucket with {fault}",
                    "name the bucket as S3 shows it, with s3:// before it, and a slash and the "
                    "beginning of the keys behind it"
                    + (", with {region} as the one placeholder" if "{" in bucket else ""),
                )


RULES = (
    public_image_without_a_way_out,
    image_of_another_region,
    hub_model_without_a_way_out,
    hub_token_without_a_way_out,
    secret_of_another_region,
    bucket_of_another_region,
    impossible_bucket,
)
