"""Whether a stack file with other values has an error that it does not have now.

A finding proposes values. An error can hide others of the same entry, so a proposal is tried before
it is printed: all rules judge the stack file with it.
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

    def __init__(self, settings: Settings, errors: Callable[[Settings], Errors]) -> None:
        self._settings = settings
        self._errors = errors
        self._known: Errors | None = None
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
            if self._known is None:
                self._known = self._errors(self._settings)
            changed = self._settings
            for path, value in edits.items():
                changed = cast("Settings", _with(changed, path.split("."), value))
            self._tried[key] = self._errors(changed) <= self._known
        return self._tried[key]


def _with(old: Any, steps: list[str], value: object) -> Any:
    """An entry or a map with another value below it."""
    if not steps:
        return value
    name, *rest = steps
    if isinstance(old, dict):
        entries = cast("dict[str, Any]", old)
        return {**entries, name: _with(entries.get(name), rest, value)}
    return old.model_copy(update={name: _with(getattr(old, name), rest, value)})
