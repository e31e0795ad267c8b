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
    published,
    tag,
)
from planning.entries import RegionalWorkload
from planning.proposals import image_fix
from planning.regional import in_region
from planning.rules.rule import Report, rule
from planning.situation import Situation


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
        suffix = ".cn" if registry.region.startswith("cn-") else ""
        yield Report(
            path,
            f"is {shown(image, limit=120)}, pulled in {listed(dict.fromkeys(regions))}",
            f"write {images.DLC}{registry.rest}"
            if registry.account in accounts
            else f"write {own}.amazonaws.com{suffix}/{registry.rest}, and replicate the repository "
            f"to {listed(dict.fromkeys(regions))}",
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
    for work in s.distinct_work:
        for path, container in containers(work):
            image, name = container.image, tag(container.image)
            moves = not name or "latest" in re.split(r"[-_.]", name)
            if "@" not in image and moves:
                yield Report(
                    f"{path}.image",
                    f"is {shown(image, limit=120)}, {'without a tag' if not name else 'latest'}",
                    f"{_tagged(s, work, path, image)}name the version that you tested, by its tag "
                    "or digest",
                )


def _tagged(s: Situation, work: RegionalWorkload, path: str, image: str) -> str:
    """`write <image>, or `: the newest of AWS's repository that runs on the pool's chips."""
    found = aws_repository(image, s.catalog)
    best = _best(s, work, found[0], found[1]) if found else None
    return f"{image_fix(s, work, f'{path}.image', best)}, or " if best else ""


def _aws_images(
    s: Situation,
) -> Iterator[tuple[RegionalWorkload, str, str, tuple[str, str]]]:
    """Path and name of every image of AWS, with its workload, registry and repository."""
    for work in s.distinct_work:
        for path, container in containers(work):
            found = aws_repository(container.image, s.catalog)
            if found is not None:
                yield work, f"{path}.image", container.image, found


@rule(
    "NE422",
    "Image is not in the table of images that AWS publishes",
    Severity.WARNING,
    "The pull of an image that AWS does not publish fails. AWS may have published it after the "
    "date of the table.",
    do="Use an image of the table, or check the name in the registry.",
)
def unlisted_image(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/deep-learning-containers (README and its history) and
    https://github.com/aws/deep-learning-containers (docs/src/data)."""
    for work, path, image, (registry, name) in _aws_images(s):
        tags, written = s.catalog.containers.tags.get((registry, name), ()), tag(image)
        if (registry, name) not in s.catalog.containers.repositories:
            near = _nearest_repository(s, work, registry, name)
            date = s.catalog.dated("image_repositories")
            yield Report(
                path,
                f"is {shown(image, limit=120)}; the table of {date} has no repository "
                f"{shown(name)}",
                (f"{image_fix(s, work, path, near)}, or " if near else "")
                + "run `neuron-ecs catalog refresh`",
            )
        elif registry == "neuron" and tags and written and written not in tags:
            best = _best(s, work, registry, name, written)
            if _as_aws_writes(written) and not _never_paired(written, tags) and "@" not in image:
                yield Report(
                    path,
                    f"is {shown(image, limit=120)}, which is not in the table of "
                    f"{s.catalog.dated('image_tags')}",
                    (f"{image_fix(s, work, path, best)}, or " if best else "")
                    + "run `neuron-ecs catalog refresh`",
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
    for work, path, image, (registry, name) in _aws_images(s):
        tags, written = s.catalog.containers.tags.get((registry, name), ()), tag(image)
        if registry != "neuron" or not tags or not written or "@" in image or written in tags:
            continue
        if "latest" in written or _sdk(tags[0]) is None:
            continue
        malformed = not _as_aws_writes(written)
        if malformed or _never_paired(written, tags):
            date = s.catalog.dated("image_tags")
            best = _best(s, work, registry, name, written)
            yield Report(
                path,
                f"is {shown(image, limit=120)}"
                + (", without the Neuron SDK in its tag" if malformed else "")
                + f"; the table of {date} has no such tag",
                image_fix(s, work, path, best) if best else "take another image",
            )


def _nearest_repository(
    s: Situation, work: RegionalWorkload, registry: str, name: str
) -> str | None:
    """The image that runs on the pool's chips in the repository whose name is nearest."""
    known = [r for where, r in s.catalog.containers.tags if where == registry]
    near = [r for r in known if name in r] or get_close_matches(name, known)
    return next((best for r in near if (best := _best(s, work, registry, r))), None)


def _best(
    s: Situation, work: RegionalWorkload, registry: str, name: str, written: str = ""
) -> str | None:
    """The image of AWS's repository that runs on the pool's chips: of the tag's version, nearest to
    the tag, or the newest. None if no image does."""
    prefix = PUBLIC_NEURON if registry == "neuron" else images.DLC
    tags = s.catalog.containers.tags.get((registry, name), ())
    family = work.smallest.neuron.family if work.smallest and work.smallest.neuron else None
    running = [
        t
        for t in tags
        if family is None
        or not work.device_count
        or (known := published(f"{prefix}{name}:{t}", s.catalog)) is None
        or (family in known.families and family not in known.contested and not known.ended)
    ]
    return f"{prefix}{name}:{_closest(written, running)}" if running else None


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
    if not written:
        return _newest(tags)
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
    for work in s.distinct_work:
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
                image_fix(s, work, f"{work.path}.image", ours)
                if ours
                else "take an image with the Neuron SDK",
            )


RULES = (
    image_of_another_region,
    wrong_registry_account,
    moving_tag,
    unlisted_image,
    impossible_tag,
    image_without_neuron,
)
