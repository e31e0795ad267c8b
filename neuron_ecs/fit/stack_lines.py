"""The stack file for an option of the search, and how a stack file is written."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from catalog import Catalog
from messages.phrases import flow
from neuron_ecs.fit.instances import Option, Purchase, TaskRequirements
from planning import images
from planning.choices import ROOT_VOLUME_GIB, STORAGE_GIB
from planning.rooms import share_of
from planning.serving.options import ModelRequirements, ServingOption
from planning.serving.shapes import entry_of

DISK_FIXED_GIB = 100  # the image and the host's own files
COMPILED = "compiled"  # the volume for what is compiled ahead
COMPILE_POOL = "compile"  # the pool on which it is, where the host has too little memory
_COMMENTS = {
    ("", "stage"): "  # no task compiles at its start",
    ("capacity", COMPILE_POOL): "  # has an instance only while the job runs",
    ("capacity", "reservation_ids"): "  # your Capacity Block",
    ("capacity", "zone_ids"): "  # the block's zone",
}


def pool_name(option: Option) -> str:
    """The name of the pool: the family of the instance type."""
    return re.sub(r"[^a-z0-9-]", "-", option.instance_type.split(".")[0])


def model_name(model_id: str) -> str:
    """The model's name in the stack file: the last part of its id in lower case."""
    words = re.sub(r"[^a-z0-9]+", "-", model_id.rpartition("/")[2].lower()).strip("-")
    return (words if words[:1].isalpha() else f"m-{words}")[:40].rstrip("-")


def stack_lines(
    option: Option,
    required: TaskRequirements,
    catalog: Catalog,
    *,
    project: str,
    model: ModelRequirements | None = None,
    serving: ServingOption | None = None,
) -> tuple[str, ...]:
    """A complete stack file for the option, with examples where only the user knows the value."""
    disk = 0 if model is None else model.disk_gib + DISK_FIXED_GIB
    ami = serving and fitting_ami(serving.image.image, option.region, catalog)
    compile_type = _compile_type(option, model, serving, catalog)
    ahead = model is not None and model.precompiled
    region = region_entry(option.region, catalog) if required.kind == "auto_scaling" else {}
    capacity = {pool_name(option): _pool(option, required, ami, disk)}
    if compile_type is not None:
        capacity[COMPILE_POOL] = auto_scaling_entry(compile_type, 1, "on_demand", ami, 0)
    name = "model" if model is None else model_name(model.model.id)
    entry = _model(option, catalog, model, serving, compile_type)
    document: dict[str, object] = {
        "aws:region": option.region,
        **({f"{project}:stage": "production"} if ahead else {}),
        f"{project}:regions": {option.region: region},
        f"{project}:capacity": capacity,
        **({f"{project}:volumes": {COMPILED: {"kind": "efs"}}} if ahead else {}),
        f"{project}:models": {name: entry},
    }
    if model is not None and catalog.serving.models.get(model.model.id) != model.model:
        document[f"{project}:shapes"] = {model.model.id: dict(entry_of(model.model))}
    return tuple(yaml_lines(document))


def yaml_lines(document: Mapping[str, object]) -> Iterator[str]:
    """Yields the stack file: a line for each field of an entry, with a comment where one helps."""
    yield "config:"
    yield from _lines(document, "", 1)


def _lines(members: Mapping[str, object], below: str, depth: int) -> Iterator[str]:
    for key, value in members.items():
        own = key.rpartition(":")[2]
        name, comment = key if depth == 1 else flow(key), _COMMENTS.get((below, own), "")
        inner = _inner(value)
        if (depth == 1 and inner) or (depth == 2 and len(inner) > 1) or key == "serve":
            yield f"{'  ' * depth}{name}:{comment}"
            yield from _lines(inner, below or own, depth + 1)
        else:
            yield f"{'  ' * depth}{name}: {flow(value)}{comment}"


def _inner(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def served_entry(
    model: ModelRequirements,
    serving: ServingOption,
    catalog: Catalog,
    regions: Sequence[str],
    *,
    elsewhere: bool = False,
) -> dict[str, object]:
    """What the stack file says of the model in these Regions, compiled on its own pool or not."""
    entry: dict[str, object] = {
        "serve": {
            "model": model.model.id,
            "server": serving.image.server,
            "tensor_parallel": serving.degree,
            "max_model_len": model.length,
            "max_num_seqs": model.sequences,
            **({"cache": COMPILED, "compile": "ahead"} if model.precompiled else {}),
            **({"compile_on": COMPILE_POOL} if elsewhere else {}),
        }
    }
    if model.model.needs_token:
        partition = catalog.places.regions[regions[0]].partition
        where = regions[0] if len(regions) == 1 else "{region}"
        token = f"arn:{partition}:secretsmanager:{where}:111122223333:secret:your-token"
        entry["secrets"] = {"HF_TOKEN": token}
    return entry


def _compile_type(
    option: Option,
    model: ModelRequirements | None,
    serving: ServingOption | None,
    catalog: Catalog,
) -> str | None:
    """The smallest type of the same chips that has the memory to compile, if that of the option has
    too little."""
    if model is None or serving is None or not model.precompiled:
        return None
    needed = replace(model, precompiled=False).host_memory_mib(serving.server)
    types = catalog.instances.neuron_types
    kind = types[option.instance_type]
    if needed <= option.share.memory_mib or kind.neuron is None:
        return None
    found = [
        other
        for other in types.values()
        if other.neuron is not None
        and other.neuron.family == kind.neuron.family
        and other.neuron.devices >= serving.devices
        and share_of(other, serving.devices, catalog).memory_mib >= needed
        and catalog.places.zones_offering(other.name, option.region)
    ]
    return min(found, key=lambda k: (k.memory_mib, k.name)).name if found else None


def auto_scaling_entry(
    instance_type: str, max_size: int, purchase: Purchase, ami: str | None, disk_gib: int
) -> dict[str, object]:
    """The entry of an Auto Scaling pool whose instances need a disk of that size."""
    entry: dict[str, object] = {"kind": "auto_scaling", "instance_type": instance_type}
    entry["max_size"] = max_size
    if purchase != "on_demand":
        entry["purchase"] = purchase
    if ami:
        entry["ami"] = {"version": ami}
    if disk_gib > ROOT_VOLUME_GIB:
        entry["root_volume_gib"] = disk_gib
    return entry


def region_entry(name: str, catalog: Catalog) -> dict[str, object]:
    """The entry of a Region with Auto Scaling pools."""
    undocumented = catalog.places.regions[name].neuron_ami == "undocumented"
    return {"accept_undocumented_ami": True} if undocumented else {}


def _pool(
    option: Option, required: TaskRequirements, ami: str | None, disk_gib: int
) -> dict[str, object]:
    kind, purchase = option.instance_type, required.purchase
    if required.kind == "managed_instances":
        return {
            "kind": required.kind,
            "allowed_instance_types": [kind],
            **({"purchase": purchase} if purchase == "spot" else {}),
            **({"storage_gib": disk_gib} if disk_gib > STORAGE_GIB else {}),
        }
    entry = auto_scaling_entry(kind, option.instances, purchase, ami, disk_gib)
    if purchase == "capacity_block":
        entry["reservation_ids"] = {option.region: "cr-0123456789abcdef0"}
        entry["zone_ids"] = [option.zone_ids[0]]
    return entry


def _model(
    option: Option,
    catalog: Catalog,
    model: ModelRequirements | None,
    serving: ServingOption | None,
    compile_type: str | None,
) -> dict[str, object]:
    entry: dict[str, object] = {}
    needed = option.share.memory_mib
    if model is None or serving is None:
        entry["image"] = "your-image:its-tag"
    else:
        needed = max(needed, model.host_memory_mib(serving.server))
        entry = served_entry(model, serving, catalog, [option.region], elsewhere=bool(compile_type))
    entry["capacity"] = pool_name(option)
    if model is None:
        kind = catalog.instances.neuron_types[option.instance_type]
        whole = kind.neuron is not None and option.devices == kind.neuron.devices
        entry["neuron_devices"] = "all" if whole else option.devices
    if option.task.cpu_units > option.share.cpu_units:
        entry["cpu_units"] = option.task.cpu_units
    if option.task.memory_mib > needed:
        entry["memory_mib"] = option.task.memory_mib
    if option.tasks > 1:
        entry["replicas"] = {"min": option.tasks}
    return entry


def fitting_ami(image: str, region: str, catalog: Catalog) -> str | None:
    """The newest Neuron AMI with a driver for the image; None if the default AMI works."""
    sdk = images.neuron_sdk(image)
    family = catalog.amis.family("al2023", neuron=True, architecture="x86_64")
    if sdk is None or family is None:
        return None
    here = [
        v
        for v in catalog.amis.versions(family.parameter_path)
        if v.regions is None or region in v.regions
    ]
    for version in reversed(here):
        driver = images.driver_at(catalog, version.date)
        if driver is None:
            return None
        if images.bad_pair(catalog, driver, sdk) is None:
            return None if version is here[-1] else version.image_name
    return None
