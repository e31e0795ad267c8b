"""Names of container images: registry, repository and tag."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from config import ExistingNetworkEntry
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import listed
from planning import images
from planning.command_line import (
    PUBLIC_NEURON,
    aws_repository,
    containers,
    private_registry,
    repository,
    tag,
)
from planning.regional import in_region
from planning.rules.rule import Report, rule
from planning.situation import Situation, each_workload


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
            registry = private_registry(in_region(container.image, work.region))
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
    table="regions",
)
def wrong_registry_account(s: Situation) -> Iterator[Report]:
    """https://github.com/aws/deep-learning-containers, docs/reference/region_availability.md: the
    account by Region."""
    for work in s.work:
        for path, container in containers(work):
            image = in_region(container.image, work.region)
            registry = private_registry(image)
            if registry is None or not _wrong_account(s, registry.account, registry.region):
                continue
            right = s.catalog.places.regions[registry.region].dlc_account
            yield Report(
                f"{path}.image",
                f"is {shown(container.image, limit=120)}: account {registry.account} has none in "
                f"{registry.region}",
                f"write {images.DLC}{registry.rest} (account {right})",
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
            moves = not name or "latest" in re.split(r"[-_.]", name)
            if "@" not in image and moves:
                yield Report(
                    f"{path}.image",
                    f"is {shown(image, limit=120)}, {'without a tag' if not name else 'latest'}",
                    f"write {_tagged(s, image)}, or its digest",
                )


def _tagged(s: Situation, image: str) -> str:
    rows = [k for k in s.catalog.containers.images if k.repository == repository(image)]
    return rows[-1].newest if rows else "the tag of the version that you tested"


def _aws_images(s: Situation) -> Iterator[tuple[str, str, tuple[str, str]]]:
    """Path and name of every image of AWS, with its registry and repository."""
    for work in each_workload(s):
        for path, container in containers(work):
            found = aws_repository(container.image, s.catalog)
            if found is not None:
                yield f"{path}.image", container.image, found


@rule(
    "NE422",
    "Image is not in the table of images that AWS publishes",
    Severity.WARNING,
    "If AWS publishes no such image, the pull fails with CannotPullContainerError. AWS may have "
    "published it after the date of the table.",
    do="Use an image of the table, or check the name in the registry.",
)
def unlisted_image(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/deep-learning-containers (README and its history) and
    https://github.com/aws/deep-learning-containers (docs/src/data)."""
    for path, image, (registry, name) in _aws_images(s):
        prefix = PUBLIC_NEURON if registry == "neuron" else images.DLC
        tags, written = s.catalog.containers.tags.get((registry, name), ()), tag(image)
        if (registry, name) not in s.catalog.containers.repositories:
            near = _nearest_repository(s, registry, name)
            date = s.catalog.dated("image_repositories")
            yield Report(
                path,
                f"is {shown(image, limit=120)}; the table of {date} has no repository "
                f"{shown(name)}",
                (f"write {prefix}{near}, or " if near else "")
                + "check the name; `neuron-ecs catalog refresh` says which tables to renew by hand",
            )
        elif registry == "neuron" and tags and written and written not in tags:
            if _as_aws_writes(written) and not _never_paired(written, tags) and "@" not in image:
                yield Report(
                    path,
                    f"is {shown(image, limit=120)}, which is not in the table of "
                    f"{s.catalog.dated('image_tags')}",
                    f"write {prefix}{name}:{_closest(written, tags)}, or check the tag; "
                    "`neuron-ecs catalog refresh` says which tables to renew by hand",
                )


@rule(
    "NE424",
    "Tag is none that AWS publishes",
    Severity.ERROR,
    "AWS's tags contain version, Python, Neuron SDK and operating system, and each version comes "
    "with certain SDKs. The pull of another tag fails with CannotPullContainerError.",
    do="Write a whole tag that AWS published.",
)
def impossible_tag(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/deep-learning-containers (README and its history): every tag of
    the public registry."""
    for path, image, (registry, name) in _aws_images(s):
        tags, written = s.catalog.containers.tags.get((registry, name), ()), tag(image)
        if registry != "neuron" or not tags or not written or "@" in image or written in tags:
            continue
        if "latest" in written or _sdk(tags[0]) is None:
            continue
        malformed = not _as_aws_writes(written)
        if malformed or _never_paired(written, tags):
            date = s.catalog.dated("image_tags")
            yield Report(
                path,
                f"is {shown(image, limit=120)}"
                + (", without the Neuron SDK in its tag" if malformed else "")
                + f"; the table of {date} has no such tag",
                f"write {PUBLIC_NEURON}{name}:{_closest(written, tags)}",
            )


def _nearest_repository(s: Situation, registry: str, name: str) -> str | None:
    """The repository of the registry whose name is nearest, with its newest tag."""
    tags = s.catalog.containers.tags
    known = [r for where, r in tags if where == registry]
    near = [r for r in known if name in r] or get_close_matches(name, known, n=1)
    return f"{near[0]}:{_newest(tags[registry, near[0]])}" if near else None


def _as_aws_writes(written: str) -> bool:
    """Whether a tag has version, Python, Neuron SDK and operating system."""
    pattern = r"\d+(\.\d+)+-neuronx?-py\d+-sdk\d+\.\d+\.\d+-ubuntu\d+\.\d+"
    return re.fullmatch(pattern, written) is not None


def _pair(written: str) -> tuple[str, images.Version | None]:
    return written.partition("-")[0], _sdk(written)


def _sdk(written: str) -> images.Version | None:
    """The SDK of a tag."""
    return images.neuron_sdk(f":{written}")


def _never_paired(written: str, tags: Sequence[str]) -> bool:
    """Whether AWS released that SDK of the repository, but not with this version."""
    version, sdk = _pair(written)
    with_sdk = {v for v, other in map(_pair, tags) if other == sdk}
    return bool(with_sdk) and version not in with_sdk


def _newest(tags: Sequence[str]) -> str:
    """The tag with the newest version, then the newest SDK."""
    return max(tags, key=lambda t: (images.Version.of(t.partition("-")[0]), str(_sdk(t) or "")))


def _closest(written: str, tags: Sequence[str]) -> str:
    """The newest tag of the same version; else the nearest text, else the newest tag."""
    same = [t for t in tags if t.startswith(written.partition("-")[0])]
    return same[-1] if same else next(iter(get_close_matches(written, tags, n=1)), _newest(tags))


@rule(
    "NE426",
    "Image is not built for Neuron",
    Severity.WARNING,
    "Software for CUDA, ROCm or CPU does not use Neuron devices: it ends without a GPU, or runs on "
    "the CPU while the chips are idle.",
    do="Use an image with the Neuron SDK.",
    table="other_images",
)
def image_without_neuron(s: Situation) -> Iterator[Report]:
    """The pages in other_images.csv;
    https://awsdocs-neuron.readthedocs-hosted.com/en/v2.29.0/containers/index.html: an application
    needs the Neuron libraries in its image."""
    for work in each_workload(s):
        kind, image = work.smallest, work.spec.image
        if kind is None or kind.neuron is None or not work.device_count or "neuron" in tag(image):
            continue
        hardware = s.catalog.containers.other_hardware(image)
        known = s.catalog.containers.repositories.get(aws_repository(image, s.catalog) or ("", ""))
        if known is not None and known.use == "other":
            hardware = "CUDA or CPU"
        if hardware is not None:
            family = kind.neuron.family
            ours = next((i.image for i in s.catalog.serving.images if family in i.families), None)
            yield Report(
                f"{work.path}.image",
                f"is {shown(image, limit=120)}, built for {hardware}, on {kind.name}",
                "use an image with the Neuron SDK" + (f", such as {ours}" if ours else ""),
            )


RULES = (
    image_of_another_region,
    wrong_registry_account,
    moving_tag,
    unlisted_image,
    impossible_tag,
    image_without_neuron,
)
