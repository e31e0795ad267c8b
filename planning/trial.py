"""Whether a stack file with other values has an error that it does not have now.

A finding proposes values. An error can hide others of the same entry, so a proposal is tried before
it is printed: all rules judge the stack file with it. Models of `serve` are written out anew, as
the planner does.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from config import Settings

Errors = frozenset[tuple[str, str]]
"""Code and path of each error."""

MOST_ENTRIES = 2000
"""Entries that the trials of one stack file judge together: it bounds the time for large files."""


class Trials:
    """Tries proposals on one stack file."""

    def __init__(
        self, settings: Settings, written_out: Settings, errors: Callable[[Settings, bool], Errors]
    ) -> None:
        """`settings` are as the stack file has them; `written_out` have also what the planner adds.
        `errors` is told whether it judges the latter."""
        self._settings = settings
        self._written_out = written_out
        self._errors = errors
        self._known: dict[bool, Errors] = {}
        self._tried: dict[str, bool] = {}
        self._entries = len(settings.regions) + sum(
            len(group) for group in (settings.capacity, settings.models, settings.jobs)
        )

    def passes(self, edits: Mapping[str, object]) -> bool:
        """Whether the stack file with the values at these paths has no further error.

        True without a trial, once the trials have judged as many entries as they may.
        """
        key = repr(sorted(edits.items()))
        if key not in self._tried:
            if (len(self._tried) + 2) * self._entries > MOST_ENTRIES:
                return True
            added = not all(_reaches(self._settings, path.split(".")) for path in edits)
            changed = before = self._written_out if added else self._settings
            if added not in self._known:
                self._known[added] = self._errors(before, added)
            for path, value in edits.items():
                changed = cast("Settings", _with(changed, path.split("."), value))
            self._tried[key] = self._errors(changed, added) <= self._known[added]
        return self._tried[key]


def _reaches(old: Any, steps: list[str]) -> bool:
    """Whether an entry has the place of a value: a new key of a map is one."""
    name, *rest = steps
    if old is None or not rest:
        return old is not None
    if isinstance(old, dict):
        entries = cast("dict[str, Any]", old)
        return _reaches(entries.get(name), rest)
    return _reaches(getattr(old, name, None), rest)


def _with(old: Any, steps: list[str], value: object) -> Any:
    """An entry or a map with another value below it."""
    if not steps:
        return value
    name, *rest = steps
    if isinstance(old, dict):
        entries = cast("dict[str, Any]", old)
        return {**entries, name: _with(entries.get(name), rest, value)}
    return old.model_copy(update={name: _with(getattr(old, name), rest, value)})
