"""The Neuron SDK: releases, drivers, legal sets of devices and tensor parallel degrees."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from catalog.instances import Instances
from catalog.tables import Tables
from catalog.types import DriverConflict, NeuronMetric, NeuronSdk


class Neuron:
    """Neuron SDK releases, legal device sets and degrees of tensor parallelism."""

    def __init__(self, tables: Tables, instances: Instances) -> None:
        self._tables = tables
        self._instances = instances

    @cached_property
    def sdks(self) -> Mapping[str, NeuronSdk]:
        """The Neuron SDK releases by ``major.minor``, oldest first."""
        releases = sorted(self._tables.typed("neuron_sdks", NeuronSdk), key=lambda r: r.date)
        return MappingProxyType({release.sdk: release for release in releases})

    @cached_property
    def driver_conflicts(self) -> tuple[DriverConflict, ...]:
        """Pairs of Neuron driver (host) and SDK (image) that fail together, according to AWS."""
        return self._tables.typed("driver_conflicts", DriverConflict)

    @cached_property
    def metrics(self) -> tuple[NeuronMetric, ...]:
        """The metrics of neuron-monitor that CloudWatch gets, with the dimension of each."""
        return self._tables.typed("neuron_metrics", NeuronMetric)

    @cached_property
    def faults(self) -> tuple[str, ...]:
        """The errors that the driver writes to the kernel's log as ``NEURON_HW_ERR``."""
        return tuple(row["fault"] for row in self._tables.rows("neuron_faults"))

    @cached_property
    def daemon_images(self) -> Mapping[str, str]:
        """The image of each container that measures: the chips of an instance, or a queue."""
        return {row["container"]: row["image"] for row in self._tables.rows("daemon_images")}

    def device_sets(self, instance_type: str) -> tuple[tuple[int, int], ...]:
        """The sets of devices of one task that are accepted: (first device, number of devices).

        Sorted; includes the sets of ``unproven_sizes``.
        Empty for a type without Neuron devices or with an unknown topology.
        Source: https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/infrastructure/scheduler.html
        """
        known = self._instances.neuron_types.get(instance_type)
        if known is None or known.neuron is None:
            return ()
        return self._device_sets.get((known.neuron.topology, known.neuron.devices), ())

    def proven_sets(self, instance_type: str) -> tuple[tuple[int, int], ...]:
        """The sets of ``device_sets`` that AWS documents, or that follow from its documents."""
        known = self._instances.neuron_types.get(instance_type)
        unproven = known.neuron.unproven_sizes if known and known.neuron else ()
        return tuple(s for s in self.device_sets(instance_type) if s[1] not in unproven)

    def legal_counts(self, instance_type: str) -> tuple[int, ...]:
        """The numbers of devices to propose for one task, ascending: those of proven sets."""
        return tuple(sorted({size for _, size in self.proven_sets(instance_type)}))

    def legal_count(self, instance_type: str, *, at_least: int) -> int | None:
        """The lowest legal number of devices from ``at_least`` up; None if there is none."""
        return next((n for n in self.legal_counts(instance_type) if n >= at_least), None)

    def tensor_parallel_degrees(self, instance_type: str) -> Mapping[int, str]:
        """The degrees of tensor parallelism that are documented for the type, ascending.

        The value is the evidence: ``stated`` by AWS in a list or a tutorial, ``disputed`` if it is
        documented and was reported to fail, ``seen`` in a deployment, or ``assumed`` from a type
        with the same chip.
        A degree is a number of logical NeuronCores.
        """
        return self._degrees.get(instance_type, {})

    @cached_property
    def _device_sets(self) -> Mapping[tuple[str, int], tuple[tuple[int, int], ...]]:
        sets: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for row in self._tables.rows("device_sets"):
            key = (row["topology"], row.integer("devices"))
            sets.setdefault(key, []).append((row.integer("first"), row.integer("size")))
        return {key: tuple(sorted(found)) for key, found in sets.items()}

    @cached_property
    def _degrees(self) -> Mapping[str, Mapping[int, str]]:
        found: dict[str, dict[int, str]] = {}
        for row in self._tables.rows("tensor_parallel"):
            found.setdefault(row["instance_type"], {})[row.integer("degree")] = row["evidence"]
        return {
            name: MappingProxyType(dict(sorted(degrees.items()))) for name, degrees in found.items()
        }
