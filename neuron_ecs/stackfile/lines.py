"""The lines of a stack file that findings are about."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from config.credentials import looks_like_credential
from config.explaining import Location, path_of
from messages.finding import Finding

# The last step of a path, as `path_of` writes it.
_LAST = re.compile(r'(?:\.[\w-]+|\[\d+\]|\["[^"]*"\])\Z|\A[^.\[]+\Z')


@dataclass(frozen=True)
class Lines:
    """Line of each key and item of a stack file, from 1; and the project of its keys."""

    project: str = ""
    locations: Mapping[Location, int] = field(default_factory=dict[Location, int])

    def locate(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Returns the findings with the line of their path, or of what is nearest above it."""
        return tuple(f if f.line else replace(f, line=self._nearest(f.path)) for f in findings)

    def _nearest(self, path: str) -> int | None:
        while path and path not in self._paths:
            path, cut = _LAST.subn("", path)
            if not cut:
                return None
        return self._paths.get(path)

    @cached_property
    def _paths(self) -> Mapping[str, int]:
        """Line of each path. Keys that a message hides share a path, which then has no line."""
        found: dict[str, int] = {}
        hidden: set[str] = set()
        for location, line in self.locations.items():
            for path in dict.fromkeys(self._names(location)):
                if path in found and path.endswith('["(not shown)"]'):
                    hidden.add(path)
                found[path] = line
        return {path: line for path, line in found.items() if path not in hidden}

    def _names(self, location: Location) -> Iterator[str]:
        """Yields the paths that messages have for it: with and without our namespace."""
        steps = location[1:] if location[0] == "config" else location
        if len(location) == 1 or len(steps) == 1:
            yield named(str(location[-1]))
        if steps:
            key = str(steps[0]).removeprefix(f"{self.project}:").removeprefix("config:")
            yield path_of((key, *steps[1:]))
            if len(steps) == 1:
                yield named(f"{self.project}:{key}")


def named(key: str) -> str:
    """A full key as a message prints it."""
    plain = re.fullmatch(r"[\w:.-]{1,100}", key) and not looks_like_credential(key)
    return key if plain else path_of([key])
