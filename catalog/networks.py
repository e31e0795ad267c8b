"""Networks: endpoints, address blocks, and ports that hosts reserve."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from catalog.tables import Tables
from catalog.types import InterfaceEndpoint


class Networks:
    """Facts about VPCs, addresses and host ports."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @cached_property
    def interface_endpoints(self) -> tuple[InterfaceEndpoint, ...]:
        """The interface endpoints that hosts and tasks need without a route to the internet.

        The Amazon S3 gateway endpoint for image layers is not among them.
        """
        return self._tables.typed("interface_endpoints", InterfaceEndpoint)

    @cached_property
    def aws_buckets(self) -> tuple[str, ...]:
        """AWS's own buckets that tasks and instances read; `{region}` stands for the Region."""
        return tuple(row["bucket"] for row in self._tables.rows("aws_buckets"))

    @cached_property
    def reserved_host_ports(self) -> frozenset[int]:
        """The host ports that a container instance reserves for SSH, Docker and the ECS agent."""
        return frozenset(row.integer("port") for row in self._tables.rows("host_ports"))

    def own_number(self, region: str) -> int:
        """The second number of the /16 of the stack's own network; it never changes.

        Raises KeyError for an unknown Region.
        """
        return self._own_numbers[region]

    def ipv4_blocks(self, kind: str) -> tuple[str, ...]:
        """The special IPv4 blocks of a kind, sorted as text.

        ``private``: not routed on the internet. ``unusable``: not for addresses of hosts.
        ``docker``: Docker's own bridge.
        """
        rows = self._tables.kept("ipv4_blocks")
        return tuple(row["block"] for row in rows if row["kind"] == kind)

    @cached_property
    def _own_numbers(self) -> Mapping[str, int]:
        return {row["region"]: row.integer("number") for row in self._tables.rows("own_networks")}
