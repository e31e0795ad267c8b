"""The rows of the catalog's tables as frozen, typed data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class NeuronHardware:
    """The Neuron devices of an instance type, and what the host has to feed them.

    ``devices`` are chips (``/dev/neuronN``). ``cores_per_device`` are physical NeuronCores;
    ``logical_cores_per_device`` is what a process sees at the default logical NeuronCore
    configuration. ``device_memory_mib`` is HBM (DRAM on Inferentia 1) of one device.
    ``topology`` is ``single``, ``ring`` or ``torus_4x4``. ``local_storage_gb`` is NVMe instance
    store, 0 without.
    ``managed_instances`` says whether Amazon ECS Managed Instances run the family:
    ``yes``, ``no``, or ``unverified`` where AWS's own pages disagree. ``frameworks`` is the family
    of framework packages in its images, ``neuron`` or ``neuronx``. ``boot_changes_driver``: the AMI
    installs another Neuron driver when such an instance boots. ``note`` is a sentence for people
    who choose the family, empty for most.
    """

    family: str
    devices: int
    cores_per_device: int
    logical_cores_per_device: int
    device_memory_mib: int
    topology: str
    efa_interfaces: int
    local_storage_gb: int
    managed_instances: str
    frameworks: str
    boot_changes_driver: bool
    note: str


@dataclass(frozen=True, slots=True)
class InstanceType:
    """An EC2 instance type, as DescribeInstanceTypes gives it, overrides applied.

    ``architecture`` is ``x86_64`` or ``arm64``. ``accelerator`` is ``none``, ``neuron``, ``gpu``,
    ``fpga``, ``media`` or ``other``. ``usage_classes`` are sorted (``capacity-block``,
    ``on-demand``, ``spot``). ``neuron`` is None without Neuron devices, and for a type so new
    that the hand-kept tables do not know its topology yet (``accelerator`` still says neuron).
    """

    name: str
    vcpus: int
    memory_mib: int
    architecture: str
    accelerator: str
    max_enis: int
    usage_classes: tuple[str, ...]
    neuron: NeuronHardware | None


@dataclass(frozen=True, slots=True)
class Region:
    """A Region that any table knows.

    ``short`` is the prefix of its zone ids (``usw2``). ``neuron_ami`` is ``documented`` where the
    developer guide lists the ECS-optimized Neuron AMI, ``undocumented`` where only the Systems
    Manager parameter exists, ``none`` where neither is known. ``dlc_account`` is the registry of
    the private AWS Deep Learning Containers; None where AWS lists none.
    """

    name: str
    partition: str
    dns_suffix: str
    short: str
    neuron_ami: str
    managed_instances: bool
    dlc_account: str | None


@dataclass(frozen=True, slots=True)
class AmiFamily:
    """A kind of ECS-optimized AMI and its Systems Manager parameter path.

    ``parameter_path`` has no trailing slash and no version. ``end_of_life`` is None while AWS has
    announced none. ``held_driver`` is the Neuron driver to which its recipe is pinned; None where
    the recipe installs the newest.
    """

    parameter_path: str
    root_device: str
    end_of_life: date | None
    held_driver: str | None


@dataclass(frozen=True, slots=True)
class AmiVersion:
    """One released AMI; ``<parameter_path>/<image_name>/image_id`` pins it in every Region.

    ``regions`` is where the parameter was
    seen; None means in every Region that was captured.
    """

    image_name: str
    date: date
    regions: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class NeuronSdk:
    """A release of the AWS Neuron SDK with its host driver; ``sdk`` is ``major.minor``."""

    sdk: str
    date: date
    driver: str


Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DriverConflict:
    """Drivers and Neuron SDKs that do not work together, as AWS says.

    Each range runs from its first version up to, but not including, its last.
    """

    driver_from: Version
    driver_until: Version
    sdk_from: Version
    sdk_until: Version
    says: str


@dataclass(frozen=True, slots=True)
class AmiDriver:
    """The Neuron driver to which AMIs were pinned, from a day up to but not including another."""

    first: date
    until: date
    driver: str


@dataclass(frozen=True, slots=True)
class InterfaceEndpoint:
    """A VPC interface endpoint that replaces a route to the internet.

    ``service`` is the part of the endpoint's name after ``com.amazonaws.<Region>.``.
    ``needed_for`` is ``instances`` (joining the cluster), ``images``, ``logs``, ``secrets``,
    ``parameters``, ``exec`` (ECS Exec), or ``host_access`` (the Systems Manager agent of a host:
    nothing that ECS itself needs).
    """

    service: str
    needed_for: str


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """The shape of a large language model, and what its server needs to know.

    ``mlp`` is the width of the feed-forward part, of one expert where ``experts`` is above 1.
    ``windowed_layers`` of the ``layers`` keep only the last ``window`` tokens in their cache.
    ``tied``: the checkpoint has one matrix for embedding and output. ``needs_token``: it is
    downloaded with a Hugging Face token only.
    """

    id: str
    model_type: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    mlp: int
    experts: int
    vocabulary: int
    max_positions: int
    windowed_layers: int
    window: int
    tied: bool
    needs_token: bool
    note: str


@dataclass(frozen=True, slots=True)
class ServingImage:
    """An image that serves language models on the chips of some families.

    ``server`` is the key of what answers inside it. ``rank`` 1 is taken first.
    ``models`` are the only ones that it serves; empty: every one of its ``model_types``.
    """

    name: str
    server: str
    rank: int
    image: str
    families: tuple[str, ...]
    model_types: tuple[str, ...]
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelRefusal:
    """A model that an image is known not to serve on a family.

    With ``sequences_below`` only when it serves fewer sequences at once.
    """

    model: str
    serving_image: str
    family: str
    sequences_below: int | None
    says: str


@dataclass(frozen=True, slots=True)
class ModelDeployment:
    """A deployment that somebody documented: it ran (``works``), or it did not fit.

    ``model`` is the model of the same shape in ``language_models``. ``sequences`` of ``length``
    tokens were served at once by ``tensor_parallel`` logical NeuronCores.
    """

    model: str
    instance_type: str
    tensor_parallel: int
    sequences: int
    length: int
    server: str
    weight_bytes: int
    works: bool
    source: str
    note: str


@dataclass(frozen=True, slots=True)
class HealthPath:
    """Where the server of a Deep Learning Container answers a health check.

    ``server`` is a key of ``servers``. ``path`` is the whole path, or its beginning where it ends
    with a slash and a name follows.
    """

    repository: str
    server: str
    path: str


@dataclass(frozen=True, slots=True)
class ContainerImage:
    """The versions of a Neuron container image that AWS publishes, from one up to another.

    ``families`` are those on which it runs, among them the ``contested`` ones, of which AWS's own
    pages disagree as ``contested_says`` tells. ``server`` is a key of ``servers``, empty where the
    image serves nothing by itself. ``newest`` names the newest of these versions.
    ``published_until_sdk`` is the last Neuron SDK with such an image, None while there are more;
    ``ended`` says what is no longer supported, empty while all is.
    """

    repository: str
    version_from: Version
    version_until: Version
    purpose: str
    families: tuple[str, ...]
    contested: tuple[str, ...]
    contested_says: str
    server: str
    newest: str
    published_until_sdk: Version | None
    ended: str


@dataclass(frozen=True, slots=True)
class Server:
    """What answers inside a container image.

    ``entry`` is what the image's entry point makes of a task's command: it runs it as given
    (``command``), hands it to the server (``arguments``), or starts the server by itself
    (``image``). ``port`` is the server's own where ``port_option`` gives none. The
    last two options name how many sequences are served at once, and how long; empty where the
    server knows by itself.
    """

    name: str
    entry: str
    port: int
    port_option: str
    sequences_option: str
    length_option: str


@dataclass(frozen=True, slots=True)
class ServerOption:
    """An option that versions of a server no longer take, and what to write instead."""

    server: str
    option: str
    version_from: Version
    version_until: Version
    says: str
    instead: str


@dataclass(frozen=True, slots=True)
class LinuxCapability:
    """A Linux capability that a container may add.

    ``managed_only`` where only Managed Instances take it. ``gives`` says what power over the host
    it gives, empty where it gives none worth a warning.
    """

    managed_only: bool
    gives: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a changed property does to a resource of the AWS provider.

    ``replaces`` is ``always``, ``never``, or ``added_or_removed`` where only its coming or going
    replaces the resource.
    """

    resource_type: str
    property: str
    replaces: str
    source: str


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table of the catalog: who filled it, from what, when.

    ``filled_by`` is ``api``, ``hand``, ``derived``, or ``prices`` for what is sold at which price:
    from price lists, on which no plan depends.
    """

    name: str
    filled_by: str
    source: str
    date: date
    rows: int
