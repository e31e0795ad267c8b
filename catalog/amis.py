"""ECS-optimized AMIs: their Systems Manager parameters, versions and Neuron drivers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import Final

from catalog.tables import Tables
from catalog.types import AmiDriver, AmiFamily, AmiVersion

EVERYWHERE: Final = "all"
"""The word in ``ami_versions.csv`` for every Region whose AMI parameters were captured."""


_IMAGE_DAY: Final = re.compile(r"\.(20\d{2})(\d{2})(\d{2})(?=-)")


def image_day(image_name: str) -> date | None:
    """The day in an image's name, such as 2026-09-22 in ``…-2023.0.20260922-kernel-6.1-x86_64``."""
    found = _IMAGE_DAY.search(image_name)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


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

    def captured_on(self, region: str) -> date | None:
        """The day on which the Region's AMI parameters were captured; None if they never were."""
        return self._captures.get(region)

    @cached_property
    def _captures(self) -> Mapping[str, date]:
        rows = self._tables.rows("captures")
        return {row["region"]: row.day("date") for row in rows if row["table"] == "ami_versions"}

    def kept_from(self, parameter_path: str) -> date | None:
        """The day from which the table has the AMIs of a path; None if it has all.

        Of families without Neuron it keeps only the newest.
        """
        versions = self.versions(parameter_path)
        return versions[0].date if versions and parameter_path in self._plain_paths else None

    @cached_property
    def _plain_paths(self) -> frozenset[str]:
        rows = self._tables.rows("ami_families")
        return frozenset(row["parameter_path"] for row in rows if row["variant"] == "plain")

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
