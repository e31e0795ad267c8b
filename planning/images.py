"""Container images: registries of Deep Learning Containers, Neuron SDKs and drivers."""

import re
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache

from catalog import Catalog
from planning.regional import in_region

DLC = "dlc/"


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version as numbers: 2.31.1 is (2, 31, 1)."""

    parts: tuple[int, ...]

    @staticmethod
    @cache
    def of(text: str) -> "Version":
        return Version(tuple(int(p) for p in re.findall(r"\d+", text)))

    def __str__(self) -> str:
        return ".".join(str(p) for p in self.parts)


def resolved(image: str, region: str, catalog: Catalog) -> str:
    """The full name of the image in the Region.

    Replaces `dlc/` by the Region's registry of Deep Learning Containers, and `{region}` by the
    Region.
    """
    image = in_region(image, region)
    if not image.startswith(DLC):
        return image
    here = catalog.places.regions[region]
    registry = f"{here.dlc_account}.dkr.ecr.{region}.{here.dns_suffix}"
    return f"{registry}/{image[len(DLC) :]}"


def registry(image: str) -> str:
    """The host that an image is pulled from; Docker Hub where none is named."""
    first, slash, _ = image.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    return first.partition(":")[0].lower() if named else "docker.io"


def public_registry(image: str, catalog: Catalog) -> str | None:
    """The name of the public registry of an image, which no VPC endpoint reaches; else None."""
    if image.startswith(DLC):
        return None
    return catalog.containers.public_registries.get(registry(image))


@lru_cache(maxsize=4096)
def neuron_sdk(image: str) -> Version | None:
    """The Neuron SDK in the tag, such as 2.28.0 in `…-sdk2.28.0-ubuntu24.04`."""
    found = re.search(r"[:\-_]sdk(\d+(?:\.\d+){1,2})(?=[-_]|$)", image)
    return Version.of(found.group(1)) if found else None


@lru_cache(maxsize=4096)
def driver_at(catalog: Catalog, day: date) -> Version | None:
    """The Neuron driver of an AMI built on that day: the pinned one, or the newest release.

    https://github.com/aws/amazon-ecs-ami
    """
    for pinned in catalog.amis.pinned_drivers:
        if pinned.first <= day < pinned.until:
            return Version.of(pinned.driver)
    released = [v for v in catalog.neuron.sdks.values() if v.date <= day]
    newest = max(released, key=lambda v: v.date, default=None)
    return Version.of(newest.driver) if newest else None


def bad_pair(catalog: Catalog, driver: Version, sdk: Version) -> str | None:
    """AWS's sentence about a driver and an SDK that cannot work together; else None."""
    for conflict in catalog.neuron.driver_conflicts:
        if (
            conflict.driver_from <= driver.parts < conflict.driver_until
            and conflict.sdk_from <= sdk.parts < conflict.sdk_until
        ):
            return conflict.says
    return None
