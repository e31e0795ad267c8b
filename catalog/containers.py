"""Container images for Neuron, their servers, and settings of containers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from catalog.tables import Tables
from catalog.types import (
    ContainerImage,
    ImageRepository,
    ImageTag,
    LinuxCapability,
    Server,
    ServerCache,
    ServerOption,
    StopReason,
    UnreadVariable,
    WorkerOption,
)


class Containers:
    """Images, the servers inside them, and settings of containers."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @cached_property
    def images(self) -> tuple[ContainerImage, ...]:
        """The container images that AWS publishes for Neuron, by repository and version."""
        return self._tables.typed("container_images", ContainerImage)

    @cached_property
    def stop_reasons(self) -> tuple[StopReason, ...]:
        """What texts of AWS, exit codes and lines of logs mean."""
        return self._tables.typed("stop_reasons", StopReason)

    @cached_property
    def repositories(self) -> Mapping[tuple[str, str], ImageRepository]:
        """The repositories of AWS's registries of images, by registry and name."""
        rows = self._tables.typed("image_repositories", ImageRepository)
        return MappingProxyType({(row.registry, row.repository): row for row in rows})

    def other_hardware(self, image: str) -> str | None:
        """The hardware for which a well-known public image is built; None if no table knows it.

        Images of Docker Hub are in the table with their host, ``docker.io``.
        """
        first = image.partition("/")[0]
        full = image if "." in first else f"docker.io/{image}"
        name = full.partition("@")[0]
        name = name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
        for row in self._tables.kept("other_images"):
            whole = not row["image"].endswith("/")  # else every image below it
            if name == row["image"] if whole else name.startswith(row["image"]):
                return row["hardware"]
        return None

    @cached_property
    def writable_paths(self) -> tuple[str, ...]:
        """Paths to which the code of AWS's images writes: temporary files and caches."""
        return tuple(row["path"] for row in self._tables.rows("writable_paths"))

    @cached_property
    def system_directories(self) -> Mapping[str, str]:
        """What directories of a container hold that a mount there would hide, by path."""
        return self._directories("container")

    @cached_property
    def instance_directories(self) -> Mapping[str, str]:
        """What directories of an instance hold that no container should change, by path."""
        return self._directories("instance")

    def _directories(self, of: str) -> Mapping[str, str]:
        rows = self._tables.rows("system_directories")
        return MappingProxyType({row["path"]: row["what"] for row in rows if row["of"] == of})

    @cached_property
    def tags(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """The tags that AWS published for Neuron, by registry and repository."""
        found: dict[tuple[str, str], list[str]] = {}
        for row in self._tables.typed("image_tags", ImageTag):
            found.setdefault((row.registry, row.repository), []).append(row.tag)
        return MappingProxyType({key: tuple(tags) for key, tags in found.items()})

    @cached_property
    def worker_options(self) -> tuple[WorkerOption, ...]:
        """The programs that start several worker processes, and how each is told their number."""
        return self._tables.typed("worker_options", WorkerOption)

    @cached_property
    def servers(self) -> Mapping[str, Server]:
        """The servers inside those images, by name."""
        return MappingProxyType({s.name: s for s in self._tables.typed("servers", Server)})

    @cached_property
    def server_caches(self) -> tuple[ServerCache, ...]:
        """The variables that tell servers where their caches are."""
        return self._tables.typed("server_caches", ServerCache)

    @cached_property
    def server_options(self) -> tuple[ServerOption, ...]:
        """The options that some versions of servers do not accept."""
        return self._tables.typed("server_options", ServerOption)

    @cached_property
    def unread_variables(self) -> Mapping[str, UnreadVariable]:
        """Environment variables that nothing reads, by name."""
        rows = self._tables.typed("unread_variables", UnreadVariable)
        return MappingProxyType({row.name: row for row in rows})

    @cached_property
    def public_registries(self) -> Mapping[str, str]:
        """Container registries of the public internet: host to name."""
        rows = self._tables.rows("public_registries")
        return MappingProxyType({row["host"]: row["name"] for row in rows})

    @cached_property
    def linux_capabilities(self) -> Mapping[str, LinuxCapability]:
        """The Linux capabilities that ECS accepts, by name without ``CAP_``."""
        return MappingProxyType(
            {
                row["name"]: LinuxCapability(
                    managed_only=row["capacity"] == "managed_instances", gives=row["gives"]
                )
                for row in self._tables.rows("linux_capabilities")
            }
        )

    @cached_property
    def secret_names(self) -> tuple[str, ...]:
        """The endings, in upper case, of names of environment variables that hold secrets."""
        return tuple(row["ending"] for row in self._tables.rows("secret_names"))
