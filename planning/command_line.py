"""What a container's command line says: its words, and the values of its options."""

import shlex
from collections.abc import Iterator

from config import Sidecar
from config.settings import Container
from planning.situation import RegionalWorkload


def containers(work: RegionalWorkload) -> Iterator[tuple[str, Container | Sidecar]]:
    """Path and container of the workload itself, then of each of its sidecars."""
    yield work.path, work.spec
    for name, sidecar in sorted(work.spec.sidecars.items()):
        yield f"{work.path}.sidecars.{name}", sidecar


def words(container: Container) -> list[str]:
    """Entry point and command, word by word; a shell's one long argument is taken apart."""
    found: list[str] = []
    for text in (*container.entry_point, *container.command):
        try:
            found.extend(shlex.split(text) if " " in text or "\n" in text else [text])
        except ValueError:  # a lone quote: not a shell's argument
            found.extend(text.split())
    return found


def option(given: list[str], *names: str) -> str | None:
    """The last value of `--name value` or `--name=value`, None where no name is given.

    Hyphens and underscores are alike, as torchrun and vLLM take them.
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
