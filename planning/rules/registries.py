"""Names of container images: registry, repository and tag."""

from collections.abc import Iterator

from config import ExistingNetworkEntry
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import listed
from planning import images
from planning.command_line import containers, private_registry, repository, tag
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


RULES = (
    image_of_another_region,
    wrong_registry_account,
    moving_tag,
)
