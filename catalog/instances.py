"""EC2 instance types and their Neuron hardware."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from catalog.tables import Row, Tables
from catalog.types import InstanceQuota, InstanceType, NeuronHardware


def generation(name: str) -> tuple[str, int]:
    """Series and generation of a family or type: trn and 2 of trn2u.48xlarge."""
    found = re.match(r"([a-z-]+)(\d+)", name)
    return (found[1], int(found[2])) if found else (name, 0)


class Instances:
    """Instance types by name, overrides applied; Mac types are left out."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._matching: dict[str, tuple[str, ...]] = {}

    @cached_property
    def types(self) -> Mapping[str, InstanceType]:
        """Every instance type by name."""
        neuron = self.neuron_types
        return MappingProxyType(
            {
                name: neuron[name] if name in neuron else _instance_type(row, None)
                for name, row in self._rows.items()
            }
        )

    @cached_property
    def neuron_types(self) -> Mapping[str, InstanceType]:
        """The instance types with Neuron devices by name."""
        families = {row["family"]: row for row in self._tables.rows("neuron_families")}
        topologies = {row["name"]: row for row in self._tables.rows("neuron_topologies")}
        types: dict[str, InstanceType] = {}
        for row in self._tables.corrected_rows("neuron_types"):
            topology = topologies.get(row["name"])
            type_row = self._rows.get(row["name"])
            if topology is None or type_row is None:
                continue
            family = families.get(topology["family"])
            if family is None:
                raise ValueError(
                    f"{topology['family']}, the family of {row['name']}, is no row of "
                    "neuron_families.csv in catalog/data: add it"
                )
            hardware = NeuronHardware(
                family=family["family"],
                devices=row.integer("devices"),
                cores_per_device=row.integer("cores_per_device"),
                logical_cores_per_device=topology.integer("logical_cores_per_device"),
                device_memory_mib=row.integer("device_memory_mib"),
                topology=topology["topology"],
                efa_interfaces=row.integer("efa_interfaces"),
                local_storage_gb=row.integer("local_storage_gb"),
                managed_instances=family["managed_instances"],
                frameworks=family["frameworks"],
                boot_changes_driver=family.flag("boot_changes_driver"),
                aligned_slices=family.flag("aligned_slices"),
                unproven_sizes=tuple(int(n) for n in topology.words("unproven_sizes")),
                unproven_says=topology["unproven_says"],
                note=family["note"],
            )
            types[row["name"]] = _instance_type(type_row, hardware)
        return MappingProxyType(types)

    def get(self, name: str) -> InstanceType | None:
        """The instance type of that exact name; None if it is in no table."""
        return self.types.get(name)

    def accelerator(self, name: str) -> str | None:
        """The accelerator of a type or pattern by its family; None if no table knows the family.

        The words are those of ``InstanceType.accelerator``, and ``mac``.
        """
        return self._accelerators.get(name.partition(".")[0])

    @cached_property
    def _accelerators(self) -> Mapping[str, str]:
        others = {r["family"]: r["accelerator"] for r in self._tables.rows("other_families")}
        listed = {n.partition(".")[0]: r["accelerator"] for n, r in self._rows.items()}
        return {**others, **listed}

    @cached_property
    def accelerators(self) -> tuple[str, ...]:
        """AWS's names of the chips that Managed Instances may run, such as ``trainium2``."""
        families = self._tables.rows("neuron_families")
        runs = (f["chip"].lower() for f in families if f["managed_instances"] != "no")
        return tuple(dict.fromkeys(runs))

    def with_accelerator(self, name: str) -> tuple[str, ...]:
        """The types with a chip of `accelerators`, sorted.

        Families of which AWS's pages do not agree that Managed Instances run them are left out,
        unless the chip is in no other.
        Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html
        """
        families = self._tables.rows("neuron_families")
        runs = {f["family"]: f["managed_instances"] for f in families if f["chip"].lower() == name}
        wanted = {f for f, run in runs.items() if run == "yes"} or {
            f for f, run in runs.items() if run != "no"
        }
        types = self.neuron_types.items()
        return tuple(sorted(n for n, t in types if t.neuron and t.neuron.family in wanted))

    @cached_property
    def unmanaged_sizes(self) -> frozenset[str]:
        """The sizes, such as ``micro``, that Managed Instances do not run."""
        return frozenset(row["size"] for row in self._tables.rows("unmanaged_sizes"))

    def matching(self, pattern: str) -> tuple[str, ...]:
        """The names that an ``allowedInstanceTypes`` entry of ECS matches, sorted.

        ``*`` matches any characters, as in ``inf2.*``; every other character matches itself.
        Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_InstanceRequirementsRequest.html
        """
        if "*" not in pattern:
            return (pattern,) if pattern in self._rows else ()
        if pattern not in self._matching:
            expression = re.compile(".*".join(re.escape(part) for part in pattern.split("*")))
            found = tuple(name for name in self._rows if expression.fullmatch(name))
            self._matching[pattern] = found
        return self._matching[pattern]

    def awsvpc_tasks(self, name: str) -> tuple[int | None, int | None]:
        """The number of awsvpc tasks on an instance, without and with ENI trunking.

        Without trunking each task needs a network interface, and the host needs one. None if the
        type is unknown; the second is None if AWS lists no trunking for the type.
        Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-eni.html
        """
        if name in self._trunking:
            return self._trunking[name]
        known = self.get(name)
        return (None, None) if known is None else (max(known.max_enis - 1, 0), None)

    @cached_property
    def registered_memory(self) -> Mapping[str, int]:
        """Memory in MiB that the ECS agent registers, by instance type; few readings are recorded.

        It is what the kernel leaves of the installed memory, and may differ a little by AMI.
        """
        rows = self._tables.rows("registered_memory")
        return MappingProxyType({r["instance_type"]: r.integer("memory_mib") for r in rows})

    def quota(self, name: str, purchase: str) -> InstanceQuota | None:
        """The quota that counts running instances of the type; None if no table knows it.

        ``purchase`` is ``on_demand`` or ``spot``. Source:
        https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
        """
        return self._quotas.get((generation(name)[0], purchase))

    @cached_property
    def _quotas(self) -> Mapping[tuple[str, str], InstanceQuota]:
        return {
            (row["series"], row["purchase"]): InstanceQuota(row["name"], row["code"])
            for row in self._tables.rows("instance_quotas")
        }

    @cached_property
    def _rows(self) -> Mapping[str, Row]:
        return {row["name"]: row for row in self._tables.corrected_rows("instance_types")}

    @cached_property
    def _trunking(self) -> Mapping[str, tuple[int, int | None]]:
        return {
            row["instance_type"]: (
                row.integer("tasks"),
                row.integer("tasks_trunking") if row["tasks_trunking"] else None,
            )
            for row in self._tables.rows("trunking")
        }


def _instance_type(row: Row, neuron: NeuronHardware | None) -> InstanceType:
    return InstanceType(
        name=row["name"],
        vcpus=row.integer("vcpus"),
        memory_mib=row.integer("memory_mib"),
        architecture=row["architecture"],
        accelerator=row["accelerator"],
        max_enis=row.integer("max_enis"),
        usage_classes=row.words("usage_classes"),
        neuron=neuron,
    )
