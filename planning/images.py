"""Container images: where a Deep Learning Container lives, and what a tag says of its SDK."""

import re
from dataclasses import dataclass
from datetime import date

from catalog import Catalog

DLC = "dlc/"


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version as numbers: 2.31.1 is (2, 31, 1)."""

    parts: tuple[int, ...]

    @staticmethod
    def of(text: str) -> "Version":
        return Version(tuple(int(p) for p in re.findall(r"\d+", text)))

    def __str__(self) -> str:
        return ".".join(str(p) for p in self.parts)


def resolved(image: str, region: str, catalog: Catalog) -> str:
    """The image as ECS pulls it in the Region.

    `dlc/<repository>:<tag>` becomes the Region's Deep Learning Container registry, `{region}` the
    Region. Raises KeyError for a Deep Learning Container in a Region without a registry.
    """
    image = image.replace("{region}", region)
    if not image.startswith(DLC):
        return image
    here = catalog.places.regions[region]
    if here.dlc_account is None:
        raise KeyError(region)
    registry = f"{here.dlc_account}.dkr.ecr.{region}.{here.dns_suffix}"
    return f"{registry}/{image[len(DLC) :]}"


def neuron_sdk(image: str) -> Version | None:
    """The Neuron SDK that the tag names, such as 2.28.0 in `…-sdk2.28.0-ubuntu24.04`."""
    found = re.search(r"[:\-_]sdk(\d+(?:\.\d+){1,2})(?=[-_]|$)", image)
    return Version.of(found.group(1)) if found else None


def driver_at(catalog: Catalog, day: date) -> Version | None:
    """The Neuron driver of an AMI built on that day: held back, or the newest released by then.

    https://github.com/aws/amazon-ecs-ami
    """
    for held in catalog.amis.pinned_drivers:
        if held.first <= day < held.until:
            return Version.of(held.driver)
    released = [v for v in catalog.neuron.sdks.values() if v.date <= day]
    newest = max(released, key=lambda v: v.date, default=None)
    return Version.of(newest.driver) if newest else None


def bad_pair(catalog: Catalog, driver: Version, sdk: Version) -> str | None:
    """What AWS says of the pair where it cannot work."""
    for conflict in catalog.neuron.driver_conflicts:
        if (
            conflict.driver_from <= driver.parts < conflict.driver_until
            and conflict.sdk_from <= sdk.parts < conflict.sdk_until
        ):
            return conflict.says
    return None
