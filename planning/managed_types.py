"""Which instance types a pool of Managed Instances names, by name or by accelerator."""

from functools import lru_cache

from catalog import Catalog
from config import ManagedInstancesCapacity


def accelerators(spec: ManagedInstancesCapacity, catalog: Catalog) -> tuple[str, ...]:
    """Returns the accelerators by which a pool names its types; none where it does not."""
    manufacturers = spec.accelerator_manufacturers
    return spec.accelerators or (catalog.instances.accelerators if manufacturers else ())


def named(spec: ManagedInstancesCapacity, catalog: Catalog) -> frozenset[str]:
    """Returns the types that a pool names; with names and accelerators those that have both."""
    known, chips = catalog.instances, accelerators(spec, catalog)
    having = frozenset(t for chip in chips for t in known.with_accelerator(chip))
    written = frozenset(t for p in spec.allowed_instance_types for t in known.matching(p))
    if chips and spec.allowed_instance_types:
        return having & written
    return having | written


def proven(name: str, catalog: Catalog) -> bool:
    """Whether AWS's pages agree that Managed Instances run the Neuron type."""
    neuron = catalog.instances.neuron_types[name].neuron
    return neuron is not None and neuron.managed_instances == "yes"


@lru_cache(maxsize=8)
def too_small(catalog: Catalog) -> frozenset[str]:
    """Returns the types that Managed Instances do not run, because of their vCPU or their size."""
    least = catalog.limits.value("managed_instances_vcpus_min")
    sizes, types = catalog.instances.unmanaged_sizes, catalog.instances.types
    return frozenset(n for n, t in types.items() if t.vcpus < least or n.partition(".")[2] in sizes)
