"""Limits and closed lists of values of AWS services."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cached_property

from catalog.tables import Tables
from catalog.types import ApiRate


class Limits:
    """Documented limits and defaults, and closed lists of values."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def value(self, name: str) -> int:
        """A documented limit or default, in the unit at the end of its name.

        Raises KeyError, naming the nearest limits, for a name that the table does not have.
        """
        try:
            return self._values[name]
        except KeyError:
            near = difflib.get_close_matches(name, self._values, n=3, cutoff=0.4)
            rows = f"limits.csv in catalog/data has no row {name!r}"
            raise KeyError(f"{rows}; nearest: {', '.join(near) or 'none'}") from None

    def api_rate(self, call: str) -> ApiRate | None:
        """The bucket that a call such as ``ecs:ListTasks`` takes a token of; None if not known."""
        return self._api_rates.get(call)

    @cached_property
    def _api_rates(self) -> Mapping[str, ApiRate]:
        rows = self._tables.typed("api_rates", ApiRate)
        return {f"{row.service}:{call}": row for row in rows for call in row.calls}

    @cached_property
    def log_retention_days(self) -> tuple[int, ...]:
        """The retention periods that CloudWatch Logs accepts, days, ascending."""
        rows = self._tables.rows("log_retention_days")
        return tuple(sorted(row.integer("days") for row in rows))

    @cached_property
    def time_zones(self) -> frozenset[str]:
        """The names of the tz database, links included."""
        return frozenset(row["name"] for row in self._tables.rows("time_zones"))

    def bucket_affixes(self, place: str) -> tuple[str, ...]:
        """The prefixes or suffixes that a general purpose bucket's name must not have.

        ``place`` is ``prefix`` or ``suffix``.
        """
        rows = self._tables.kept("bucket_affixes")
        return tuple(row["affix"] for row in rows if row["place"] == place)

    @property
    def checked_claims(self) -> tuple[str, ...]:
        """The claims of a token that load balancers check in any case, and nobody may name."""
        return tuple(row["name"] for row in self._tables.rows("token_claims"))

    @cached_property
    def _values(self) -> Mapping[str, int]:
        return {row["name"]: row.integer("value") for row in self._tables.rows("limits")}
