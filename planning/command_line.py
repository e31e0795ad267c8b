"""The words of a container's command line, its options, and the image that it runs in."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from catalog import Catalog, ContainerImage, Server
from config import Container, Sidecar, Workload
from planning import images
from planning.entries import RegionalWorkload
from planning.images import Version

PUBLIC_NEURON = "public.ecr.aws/neuron/"
"""The public registry of the Neuron team."""


def containers(work: RegionalWorkload) -> Iterator[tuple[str, Container | Sidecar]]:
    """Path and settings of the workload's own container, then of each sidecar."""
    return written_containers(work.path, work.spec)


def written_containers(path: str, spec: Workload) -> Iterator[tuple[str, Container | Sidecar]]:
    """As `containers`, of a workload as the stack file writes it at that path."""
    yield path, spec
    for name, sidecar in sorted(spec.sidecars.items()):
        yield f"{path}.sidecars.{name}", sidecar


def words(container: Container) -> list[str]:
    """The words of entry point and command; arguments with spaces are split as a shell does."""
    return [word for text in (*container.entry_point, *container.command) for word in _split(text)]


@lru_cache(maxsize=4096)  # many rules read the same command
def _split(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text)) if " " in text or "\n" in text else (text,)
    except ValueError:  # an unclosed quote
        return tuple(text.split())


def option(given: list[str], *names: str) -> str | None:
    """The last value of `--name value` or `--name=value`; None if no name occurs.

    Hyphens and underscores are equal, as for torchrun and vLLM.
    """
    wanted = {n.replace("-", "_") for n in names}
    value: str | None = None
    for index, word in enumerate(given):
        name, equals, rest = word.partition("=")
        if not name.startswith("-") or name.lstrip("-").replace("-", "_") not in wanted:
            continue
        if equals:
            value = rest
        elif index + 1 < len(given):
            value = given[index + 1]
    return value


_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<rest>.+)"
)


@dataclass(frozen=True, slots=True)
class Registry:
    """A private ECR registry in the name of an image; ``rest`` is repository and tag."""

    account: str
    region: str
    rest: str


def number(given: list[str], *names: str) -> int | None:
    """The whole number of an option; None if it is missing or no number."""
    value = option(given, *names)
    return int(value) if value is not None and re.fullmatch(r"[0-9]{1,9}", value) else None


def values(given: list[str], name: str) -> list[str]:
    """All values after `--name`, up to the next option."""
    found: list[str] = []
    reading = False
    for word in given:
        option_name, equals, rest = word.partition("=")
        if word.startswith("-"):
            reading = option_name.lstrip("-").replace("_", "-") == name
            found += [rest] if reading and equals else []
        elif reading:
            found.append(word)
    return found


def written(given: list[str], *names: str) -> str | None:
    """The last such option as the command spells it: `--name=value` or `--name value`."""
    for word in reversed(given):
        name, equals, _ = word.partition("=")
        if name.startswith("-") and name.lstrip("-").replace("_", "-") in names:
            return word if equals else f"{word} {option(given, *names)}"
    return None


def tag(image: str) -> str:
    """The tag without the digest; empty if there is none."""
    name = image.partition("@")[0].rpartition("/")[2]
    return name.partition(":")[2]


def repository(image: str) -> str:
    """The last part of the image's name without tag and digest."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def version(image: str) -> Version | None:
    """The version at the start of the tag, such as 0.13.0."""
    found = re.match(r"\d+(\.\d+)+(?=[-_]|$)", tag(image))
    return Version.of(found.group(0)) if found else None


@lru_cache(maxsize=4096)
def published(image: str, catalog: Catalog) -> ContainerImage | None:
    """The row of AWS's image with the same repository and version.

    Outside of AWS's registries its tag must be one as AWS writes them.
    """
    this = version(image)
    like_aws = images.neuron_sdk(image) is not None or "-neuron" in tag(image)
    if this is None or not (like_aws or from_aws(image, catalog)):
        return None
    return next(
        (
            known
            for known in catalog.containers.images
            if known.repository == repository(image)
            and known.version_from <= this.parts < known.version_until
        ),
        None,
    )


def from_aws(image: str, catalog: Catalog) -> bool:
    """Whether the image is in a registry of AWS, so that its entry point is known."""
    registry = private_registry(image)
    if registry is not None:
        return registry.account in {r.dlc_account for r in catalog.places.regions.values()}
    return image.startswith((images.DLC, PUBLIC_NEURON))


def aws_repository(image: str, catalog: Catalog) -> tuple[str, str] | None:
    """Registry (`neuron` or `dlc`) and repository of an image of AWS; None for another image."""
    if not from_aws(image, catalog):
        return None
    registry = "neuron" if image.startswith(PUBLIC_NEURON) else "dlc"
    return registry, repository(image)


@lru_cache(maxsize=4096)
def opens_no_core(image: str, catalog: Catalog) -> bool:
    """Whether the image only watches or manages devices, such as neuron-monitor."""
    uses = {r.repository: r.use for r in catalog.containers.repositories.values()}
    return uses.get(repository(image)) == "operations"


def server_of(container: Container, catalog: Catalog) -> Server | None:
    """The server in the container; None if the image is unknown or has none."""
    known = published(container.image, catalog)
    return catalog.containers.servers.get(known.server) if known is not None else None


def private_registry(image: str) -> Registry | None:
    """The private ECR registry in the image's name; None without one."""
    found = _ECR.fullmatch(image)
    return Registry(found["account"], found["region"], found["rest"]) if found else None
