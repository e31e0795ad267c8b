"""The stack file for an option of the search."""

import re
from collections.abc import Iterator
from dataclasses import replace

from catalog import Catalog, LanguageModel
from messages.phrases import flow
from neuron_ecs.fit.instances import Option, Purchase, TaskRequirements
from planning import images
from planning.choices import ROOT_VOLUME_GIB, STORAGE_GIB
from planning.rooms import share_of
from planning.serving.options import ModelRequirements, ServingOption
from planning.serving.shapes import entry_of

DISK_FIXED_GIB = 100  # the image and the host's own files
COMPILED = "compiled"  # the volume for what is compiled ahead
COMPILE_POOL = "compile"  # the pool on which it is


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
    region = catalog.places.regions[option.region]
    disk = 0 if model is None else model.disk_gib + DISK_FIXED_GIB
    ami = serving and fitting_ami(serving.image.image, option.region, catalog)
    compile_type = _compile_type(option, model, serving, catalog)
    undocumented = required.kind == "auto_scaling" and region.neuron_ami == "undocumented"
    ahead = model is not None and model.precompiled
    lines = [
        "config:",
        f"  aws:region: {option.region}",
        *([f"  {project}:stage: production  # no task compiles at its start"] if ahead else []),
        f"  {project}:regions:",
        f"    {option.region}: {'{accept_undocumented_ami: true}' if undocumented else '{}'}",
        f"  {project}:capacity:",
        f"    {pool_name(option)}:",
        *(f"      {line}" for line in _pool_lines(option, required, ami, disk)),
        *_compiling(compile_type, ami),
        *([f"  {project}:volumes:", f"    {COMPILED}: {{kind: efs}}"] if ahead else []),
        f"  {project}:models:",
        f"    {'model' if model is None else model_name(model.model.id)}:",
        *(f"      {line}" for line in _model_lines(option, catalog, model, serving, compile_type)),
    ]
    if model is not None and catalog.serving.models.get(model.model.id) != model.model:
        lines += [f"  {project}:shapes:", *(f"    {line}" for line in shape_lines(model.model))]
    return tuple(lines)


def shape_lines(model: LanguageModel) -> Iterator[str]:
    """The entry of `shapes` of a model that the tables do not have."""
    yield f"{flow(model.id)}:"
    yield from (f"  {name}: {flow(value)}" for name, value in entry_of(model).items())


def serve_entry(model: ModelRequirements, serving: ServingOption) -> dict[str, object]:
    """What `serve` says of a model in the stack file."""
    return {
        "model": model.model.id,
        "server": serving.image.server,
        "tensor_parallel": serving.degree,
        "max_model_len": model.length,
        "max_num_seqs": model.sequences,
        **({"cache": COMPILED, "compile": "ahead"} if model.precompiled else {}),
    }


def _compiling(compile_type: str | None, ami: str | None) -> Iterator[str]:
    """The lines of a pool to compile on, where the host of the option has too little memory."""
    if compile_type is not None:
        yield f"    {COMPILE_POOL}:  # has an instance only while the job runs"
        yield "      kind: auto_scaling"
        yield f"      instance_type: {compile_type}"
        yield "      max_size: 1"
        if ami:
            yield f"      ami: {{version: {ami}}}"


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


def token_arn(partition: str, region: str) -> str:
    """The ARN of an example's token in a Region, or in `{region}`."""
    return f"arn:{partition}:secretsmanager:{region}:111122223333:secret:your-token"


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


def _pool_lines(
    option: Option, required: TaskRequirements, ami: str | None, disk_gib: int
) -> Iterator[str]:
    kind, purchase = option.instance_type, required.purchase
    if required.kind == "managed_instances":
        yield f"kind: {required.kind}"
        yield f"allowed_instance_types: [{kind}]"
        if purchase == "spot":
            yield "purchase: spot"
        if disk_gib > STORAGE_GIB:
            yield f"storage_gib: {disk_gib}"
        return
    entry = auto_scaling_entry(kind, option.instances, purchase, ami, disk_gib)
    for field, value in entry.items():
        yield f"{field}: {flow(value)}"
        if (field, value) == ("purchase", "capacity_block"):
            reservation = f"{{{option.region}: cr-0123456789abcdef0}}"
            yield f"reservation_ids: {reservation}  # your Capacity Block"
            yield f"zone_ids: [{option.zone_ids[0]}]  # the block's zone"


def _model_lines(
    option: Option,
    catalog: Catalog,
    model: ModelRequirements | None,
    serving: ServingOption | None,
    compile_type: str | None,
) -> Iterator[str]:
    if model is None or serving is None:
        yield "image: your-image:its-tag"
    else:
        yield "serve:"
        yield from (f"  {k}: {flow(v)}" for k, v in serve_entry(model, serving).items())
        if compile_type:
            yield f"  compile_on: {COMPILE_POOL}"
        if model.model.needs_token:
            partition = catalog.places.regions[option.region].partition
            yield f'secrets: {{HF_TOKEN: "{token_arn(partition, option.region)}"}}'
    yield f"capacity: {pool_name(option)}"
    needed = model.host_memory_mib(serving.server) if model and serving else 0
    if model is None:
        kind = catalog.instances.neuron_types[option.instance_type]
        whole = kind.neuron is not None and option.devices == kind.neuron.devices
        yield f"neuron_devices: {'all' if whole else option.devices}"
    if option.task.cpu_units > option.share.cpu_units:
        yield f"cpu_units: {option.task.cpu_units}"
    if option.task.memory_mib > max(option.share.memory_mib, needed):
        yield f"memory_mib: {option.task.memory_mib}"
    if option.tasks > 1:
        yield f"replicas: {{min: {option.tasks}}}"


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
