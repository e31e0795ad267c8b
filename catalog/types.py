"""The rows of the catalog's tables as frozen, typed data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class InstanceQuota:
    """A quota of running instances of some series, counted in vCPU in each Region."""

    name: str
    code: str  # of the service ec2 in Service Quotas


@dataclass(frozen=True, slots=True)
class NeuronHardware:
    """The Neuron devices of an instance type, and the network and disks of the host.

    ``devices`` are chips (``/dev/neuronN``). ``cores_per_device`` are physical NeuronCores,
    ``logical_cores_per_device`` those of the default logical NeuronCore configuration.
    ``device_memory_mib`` is HBM (DRAM on Inferentia 1) of one device. ``topology`` is ``single``,
    ``ring`` or ``torus_4x4``. ``local_storage_gb`` is NVMe instance store, 0 without.
    ``managed_instances``: whether Amazon ECS Managed Instances support the family, ``yes``, ``no``,
    or ``unverified`` if AWS's pages contradict each other. ``frameworks``: the framework packages
    of its images, ``neuron`` or ``neuronx``. ``boot_changes_driver``: the AMI installs
    another Neuron driver when such an instance boots. ``aligned_slices``: a slice of its cores
    starts at a multiple of its tensor parallel size, or collectives fail. ``unproven_sizes`` are
    numbers of devices of a task that may work and that no source has shown, ``unproven_says`` why.
    ``note`` is advice about the family in one sentence, mostly empty.
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
    aligned_slices: bool
    unproven_sizes: tuple[int, ...]
    unproven_says: str
    note: str


@dataclass(frozen=True, slots=True)
class InstanceType:
    """An EC2 instance type from DescribeInstanceTypes, with overrides.

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
    """A Region that occurs in any table.

    ``short`` is the prefix of its zone ids (``usw2``). ``neuron_ami`` is ``documented`` where the
    developer guide lists the ECS-optimized Neuron AMI, ``undocumented`` where only the Systems
    Manager parameter exists, ``none`` without both. ``dlc_account`` is the registry of
    the private AWS Deep Learning Containers.
    """

    name: str
    partition: str
    dns_suffix: str
    short: str
    neuron_ami: str
    managed_instances: bool
    dlc_account: str


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

    ``regions`` are those
    with the parameter; None means every Region that was captured.
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
    """Drivers and Neuron SDKs that do not work together, according to AWS.

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
    ``parameters``, ``exec`` (ECS Exec), ``exec_key`` (its sessions under a key), or ``host_access``
    (the Systems Manager agent of a host: nothing that ECS itself needs).
    """

    service: str
    needed_for: str


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """The shape of a language model.

    ``kind`` is "decoder" (generates text), "embedding" (a decoder whose last states are the
    answer) or "encoder" (such as BERT: every token sees all others, positions are learned).
    ``mlp`` is the width of the feed-forward part, of one expert where ``experts`` is above 1;
    ``gated``: it has three matrices instead of two.
    ``windowed_layers`` of the ``layers`` keep only the last ``window`` tokens in their cache.
    ``tied``: the checkpoint has one matrix for embedding and output. ``needs_token``: it is
    downloaded with a Hugging Face token only.
    """

    id: str
    model_type: str
    kind: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    mlp: int
    gated: bool
    experts: int
    vocabulary: int
    max_positions: int
    windowed_layers: int
    window: int
    tied: bool
    needs_token: bool
    note: str


@dataclass(frozen=True, slots=True)
class ModelType:
    """An architecture, as `model_type` in a configuration file of Hugging Face names it.

    ``kind`` is that of its models, ``mlp`` and ``experts`` are the keys of these numbers, and
    ``tied`` and ``head_dim`` stand for keys that a file leaves out. ``window`` says which layers
    have one where the file has: "none", "every", "second", "all_but_sixth", or "flagged", which is
    every one with `use_sliding_window`. Of the positions some may be unusable.
    """

    model_type: str
    kind: str
    gated: bool
    tied: bool
    head_dim: int | None
    mlp: str
    experts: str
    window: str
    unusable_positions: int


@dataclass(frozen=True, slots=True)
class ServingImage:
    """An image that serves models on the chips of some families.

    ``server`` is a key of ``servers``. The lowest ``order`` is preferred, for the reason
    ``because``. It generates text with ``model_types`` and embeds with ``embedding_types``;
    without either it serves no language models. ``models`` are the only ones that it serves; empty
    means all of these types. ``note`` says what AWS still supports, mostly empty.
    """

    name: str
    server: str
    order: int
    because: str
    image: str
    families: tuple[str, ...]
    model_types: tuple[str, ...]
    embedding_types: tuple[str, ...]
    models: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class ModelLoader:
    """An image that copies a model from S3 with `aws s3 sync`, for servers that do not read S3.

    It is used on instances of these ``types``; empty means all others. ``memory_mib`` is what the
    copy needs.
    """

    name: str
    image: str
    types: tuple[str, ...]
    memory_mib: int


@dataclass(frozen=True, slots=True)
class ModelRefusal:
    """Models that are known to fail with an image on a family.

    ``model`` is architecture and size in lower case, such as ``qwen3-8b``: fine-tuned models carry
    it in their names. With ``sequences_below``: only with fewer sequences at once.
    """

    model: str
    serving_image: str
    family: str
    sequences_below: int | None
    says: str

    def concerns(self, model: str) -> bool:
        """Whether the name of a model says that it has this architecture and size."""
        words = rf"(?:^|[/_-]){re.escape(self.model)}(?:$|[_.-])"
        return re.search(words, model.lower()) is not None


@dataclass(frozen=True, slots=True)
class ModelDeployment:
    """A documented deployment: it ran (``works``), or it failed.

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
class ContainerImage:
    """Versions of a Neuron container image of AWS, from one up to but not including another.

    It runs on ``families``. For the ``contested`` ones among them AWS's pages contradict each
    other; ``contested_says`` says how. ``server`` is a key of ``servers``, empty without one.
    ``newest`` names the newest of these versions.
    ``published_until_sdk`` is the last Neuron SDK with such an image, None if images still appear;
    ``ended`` says what is no longer supported, empty if all is.
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
class ImageRepository:
    """A repository of AWS's registries of images.

    ``registry`` is ``neuron`` (public.ecr.aws/neuron) or ``dlc`` (Deep Learning Containers).
    ``use`` is ``models`` (images with the Neuron runtime), ``operations`` (they watch or manage
    devices and take no NeuronCore) or ``other`` (images for CPU and GPU).
    """

    registry: str
    repository: str
    use: str


@dataclass(frozen=True, slots=True)
class ImageTag:
    """A tag that AWS published in a repository of its registries."""

    registry: str
    repository: str
    tag: str


@dataclass(frozen=True, slots=True)
class NeuronMetric:
    """A metric of neuron-monitor, by one of its labels as the dimension.

    It is of the series whose ``label`` is all of ``matches``, a regular expression. ``unit`` is
    CloudWatch's.
    """

    metric: str
    dimension: str
    label: str
    matches: str
    unit: str


@dataclass(frozen=True, slots=True)
class WorkerOption:
    """How a program that serves is told its number of worker processes.

    ``options`` are options of its command and ``variable`` an environment variable, empty without
    one. With ``models_option`` each model that the option names gets so many workers. ``whole``:
    each worker takes every core that it sees.
    """

    program: str
    options: tuple[str, ...]
    variable: str
    models_option: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Server:
    """The server in a container image.

    ``entry`` is how the image's entry point uses a task's command: it runs the command
    (``command``), passes it to the server (``arguments``), or starts the server itself
    (``image``). ``port`` is the server's default, ``port_option`` the option that changes it.
    ``sequences_option`` and ``length_option`` set the number of sequences at once and their
    length; empty if the server does not need them. ``health_path`` is the path of its health
    check, or the part before the model's name if it ends with a slash. A start takes about
    ``cold_start_seconds`` with the download and the compilation of a large model, and
    ``warm_start_seconds`` where both are at hand; ``starting`` says what is known of it.
    ``shared_memory_mib`` is the size of /dev/shm with which AWS starts it, 0 if it names none;
    ``capabilities`` are Linux capabilities that it needs. Up to
    ``silent_seconds`` pass in a request without a byte, and an answer takes up to
    ``answer_seconds`` of those that a stopping task waits for. ``paths`` are patterns of the paths
    that are for callers; its other paths are for operators. The metrics ``queue_metrics`` add up
    to the requests that it runs and queues, and the histogram ``first_token_metric`` has the
    seconds until the first token of each; it may have none. A server that can ask callers for a
    key takes it from the environment variable ``key_variable``, unless ``key_option`` gives it, and
    asks for it at the paths ``key_paths``; ``key_check`` is one of them that answers a GET. All are
    empty for one that cannot.
    ``compile_command`` compiles and then answers, with the server's own command in the place of
    ``{command}``; empty for a server that only loads what was compiled before.
    """

    name: str
    entry: str
    port: int
    port_option: str
    sequences_option: str
    length_option: str
    health_path: str
    cold_start_seconds: int
    warm_start_seconds: int
    shared_memory_mib: int
    capabilities: tuple[str, ...]
    compile_command: tuple[str, ...]
    starting: str
    silent_seconds: int
    answer_seconds: int
    paths: tuple[str, ...]
    queue_metrics: tuple[str, ...]
    first_token_metric: str
    key_variable: str
    key_option: str
    key_paths: tuple[str, ...]
    key_check: str

    def health_path_of(self, name: str) -> str:
        """The path of the health check, for a model that the server calls so."""
        return self.health_path + (name if self.health_path.endswith("/") else "")


@dataclass(frozen=True, slots=True)
class ServerCache:
    """An environment variable that tells a server where something stays that it makes or loads.

    ``holds`` is ``artifacts`` (the compiled model), ``compiler`` (the compiler's cache),
    ``weights``, or ``remote``: a copy that a program of its own fills, so models of `serve` have
    none. ``directory`` is its place below the directory of a model's cache. ``takes_s3``: it may be
    a prefix of S3. ``keeps_failures``: a compilation that failed is not tried again, unless
    the variable of ``retried_by`` has its value.
    """

    server: str
    variable: str
    holds: str
    directory: str
    takes_s3: bool
    keeps_failures: bool
    retried_by: str


@dataclass(frozen=True, slots=True)
class UnreadVariable:
    """An environment variable that people set and the software does not read."""

    name: str
    instead: str
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class ServerOption:
    """An option that some versions of a server do not accept, and its replacement."""

    server: str
    option: str
    version_from: Version
    version_until: Version
    says: str
    instead: str


@dataclass(frozen=True, slots=True)
class LinuxCapability:
    """A Linux capability that a container may add.

    ``managed_only``: only on Managed Instances. ``gives`` is the power over the host that it
    gives, empty if it needs no warning.
    """

    managed_only: bool
    gives: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """The effect of a changed property on a resource of the AWS provider.

    ``replaces`` is ``always``, ``never``, or ``added_or_removed`` if only adding or removing it
    replaces the resource.
    """

    resource_type: str
    property: str
    replaces: str
    source: str


@dataclass(frozen=True, slots=True)
class ApiRate:
    """How many calls AWS answers in a Region and account: a token bucket that several calls share.

    ``tokens`` is its capacity, the calls of one second; ``refill_per_second`` are the tokens that
    come back each second. ``service`` is the prefix of the calls' IAM actions.
    """

    service: str
    bucket: str
    calls: tuple[str, ...]
    tokens: int
    refill_per_second: int
    source: str


@dataclass(frozen=True, slots=True)
class StopReason:
    """What a text of AWS, an exit code or a line of a log means, and what to do.

    ``kind`` is ``message``, ``exit_code`` or ``log``; ``text`` is a part of it. ``is_error`` is
    false for what happens in ordinary operation. ``link`` of an error is what it speaks of, from
    the load balancer's ``targets`` down to the ``capacity`` of EC2; ``placement`` is the lack of a
    place, whose cause is another link.
    """

    kind: str
    text: str
    is_error: bool
    meaning: str
    action: str
    link: str
    source: str


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table of the catalog with its source and date.

    ``filled_by`` is ``api``, ``hand``, ``derived``, or ``prices``: from price
    lists, on which no plan depends.
    """

    name: str
    filled_by: str
    source: str
    date: date
    rows: int
