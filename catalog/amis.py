"""ECS-optimized AMIs: their Systems Manager parameters, versions and Neuron drivers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final

from catalog.tables import Tables
from catalog.types import AmiDriver, AmiFamily, AmiVersion

EVERYWHERE: Final = "all"
"""The word in ``ami_versions.csv`` for every Region whose AMI parameters were captured."""


class Amis:
    """ECS-optimized AMIs by operating system and architecture."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def family(self, family: str, *, neuron: bool, architecture: str) -> AmiFamily | None:
        """The ECS-optimized AMI of an operating system (``al2023``, ``al2``); None without one."""
        return self._families.get((family, "neuron" if neuron else "plain", architecture))

    def versions(self, parameter_path: str) -> tuple[AmiVersion, ...]:
        """The AMIs under a parameter path, oldest first; of plain families only the newest ones."""
        return self._versions.get(parameter_path, ())

    @cached_property
    def pinned_drivers(self) -> tuple[AmiDriver, ...]:
        """Periods in which an AMI recipe was pinned to one Neuron driver."""
        return tuple(
            AmiDriver(
                first=row.day("from"),
                until=row.day("until"),
                driver=row["driver"],
            )
            for row in self._tables.rows("ami_drivers")
        )

    @cached_property
    def _families(self) -> Mapping[tuple[str, str, str], AmiFamily]:
        return {
            (row["family"], row["variant"], row["architecture"]): AmiFamily(
                parameter_path=row["parameter_path"],
                root_device=row["root_device"],
                end_of_life=row.day("end_of_life") if row["end_of_life"] else None,
                held_driver=(
                    row["default_driver"].removesuffix(".*")
                    if re.fullmatch(r"[\d.]+(\.\*)?", row["default_driver"])
                    else None
                ),
            )
            for row in self._tables.rows("ami_families")
        }

    @cached_property
    def _versions(self) -> Mapping[str, tuple[AmiVersion, ...]]:
        versions: dict[str, list[AmiVersion]] = {}
        for row in self._tables.rows("ami_versions"):
            everywhere = row["regions"] == EVERYWHERE
            versions.setdefault(row["parameter_path"], []).append(
                AmiVersion(
                    image_name=row["image_name"],
                    date=row.day("date"),
                    regions=None if everywhere else frozenset(row.words("regions")),
                )
            )
        return {
            path: tuple(sorted(found, key=lambda version: (version.date, version.image_name)))
            for path, found in versions.items()
        }
