"""Resources of the AWS provider, and the AWS managed policies that they attach."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from catalog.tables import Tables
from catalog.types import Replacement


class Resources:
    """Effects of changed properties, and managed policies."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def managed_policy(self, key: str) -> str:
        """The path and name of an AWS managed policy, after ``arn:<partition>:iam::aws:policy/``.

        Raises KeyError, naming the keys that exist.
        """
        policies = self._managed_policies
        try:
            return policies[key]
        except KeyError:
            raise KeyError(f"no managed policy {key!r}; known: {', '.join(policies)}") from None

    @cached_property
    def aws_policies(self) -> frozenset[str]:
        """Paths and names of the AWS managed policies, as in ``managed_policy``."""
        return frozenset(row["arn_path"] for row in self._tables.rows("aws_policies"))

    @cached_property
    def administrator_policies(self) -> Mapping[str, str]:
        """AWS managed policies that no task needs, by path and name: what each one allows."""
        rows = self._tables.rows("administrator_policies")
        return {row["arn_path"]: row["allows"] for row in rows}

    @cached_property
    def security_controls(self) -> tuple[Mapping[str, str], ...]:
        """Controls of AWS Security Hub that concern a stack: `control`, `requires`, `state`, `how`
        and `source`. A state is `default`, `setting` or `exception`."""
        return tuple(MappingProxyType(row) for row in self._tables.rows("security_controls"))

    def replacements(self, resource_type: str) -> Mapping[str, Replacement]:
        """The changes that replace a resource of this type, by dotted property.

        A property without a row is unknown.
        """
        return self._replacements.get(resource_type, {})

    @cached_property
    def _managed_policies(self) -> Mapping[str, str]:
        return {row["key"]: row["arn_path"] for row in self._tables.rows("managed_policies")}

    @cached_property
    def _replacements(self) -> Mapping[str, Mapping[str, Replacement]]:
        found: dict[str, dict[str, Replacement]] = {}
        for row in self._tables.typed("replacements", Replacement):
            found.setdefault(row.resource_type, {})[row.property] = row
        return found
