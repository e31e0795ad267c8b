"""Container images: where a Deep Learning Container lives, and what a tag says of its SDK."""

import re
from dataclasses import dataclass

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
    here = catalog.regions[region]
    if here.dlc_account is None:
        raise KeyError(region)
    registry = f"{here.dlc_account}.dkr.ecr.{region}.{here.dns_suffix}"
    return f"{registry}/{image[len(DLC) :]}"


def neuron_sdk(image: str) -> Version | None:
    """The Neuron SDK that the tag names, such as 2.28.0 in `…-sdk2.28.0-ubuntu24.04`."""
    found = re.search(r"[:\-_]sdk(\d+(?:\.\d+){1,2})(?=[-_]|$)", image)
    return Version.of(found.group(1)) if found else None
