"""NeuronCores: the variables that choose them, and the processes that a command starts on them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from catalog import InstanceType
from config import AutoScalingCapacity, Container, Sidecar
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import counted, ids, listed
from planning import images
from planning.command_line import (
    containers,
    number,
    published,
    repository,
    server_of,
    words,
    written,
)
from planning.rules.rule import Report, rule
from planning.serving.servers import (
    SERVERS,
    TENSOR_PARALLEL,
    VISIBLE_DEVICES,
    parallelism,
    served_model,
    starts_vllm,
)
from planning.situation import RegionalWorkload, Situation

VISIBLE = "NEURON_RT_VISIBLE_CORES"
NUMBER = "NEURON_RT_NUM_CORES"
LOGICAL = "NEURON_LOGICAL_NC_CONFIG"
HOOK = "AWS_NEURON_VISIBLE_DEVICES"


@dataclass(frozen=True, slots=True)
class CoreClaim:
    """A container that opens Neuron devices: where its tasks can sit, and on how many cores."""

    work: RegionalWorkload
    path: str
    container: Container
    kind: InstanceType
    devices: tuple[tuple[int, ...], ...]  # of each slot that its tasks can have

    @property
    def shared(self) -> bool:
        """Whether another container of the task opens devices as well."""
        return any(c.neuron_devices is not None for c in self.work.spec.sidecars.values())

    @property
    def per_device(self) -> int:
        """Cores of a device as the container counts them: logical ones."""
        hardware = self.kind.neuron
        assert hardware is not None
        grouped = self.container.environment.get(LOGICAL, "")
        if takes_groups(self.kind) and grouped in ("1", "2"):
            return hardware.cores_per_device // int(grouped)
        return hardware.logical_cores_per_device

    @property
    def first(self) -> tuple[int, ...]:
        """The devices in the first of the slots."""
        return next(iter(self.devices))

    @property
    def count(self) -> int:
        return len(self.first)

    @property
    def cores(self) -> int:
        return self.per_device * self.count

    @property
    def hardware(self) -> str:
        """`4 devices of inf2.24xlarge`."""
        return f"{counted(self.count, 'device')} of {self.kind.name}"

    @property
    def variables(self) -> str:
        return f"{self.path}.environment"

    @property
    def have(self) -> str:
        return "has" if self.count == 1 else "have"

    def range_of(self, devices: tuple[int, ...]) -> tuple[int, int]:
        """First and last core of the devices, counted over the host."""
        return devices[0] * self.per_device, (devices[-1] + 1) * self.per_device - 1


def takes_groups(kind: InstanceType) -> bool:
    """Whether several physical cores of the chip make a logical one."""
    hardware = kind.neuron
    return hardware is not None and hardware.cores_per_device != hardware.logical_cores_per_device


def core_claims(s: Situation) -> Iterator[CoreClaim]:
    """Every container that opens devices, once for each set of slots that its tasks can have."""
    seen: set[tuple[str, str, tuple[tuple[int, ...], ...]]] = set()
    for work in s.work:
        kind = work.pool.smallest
        if kind is None or kind.neuron is None or not work.device_count:
            continue
        if work.device_count > kind.neuron.devices or not s.legal(kind, work):
            continue
        devices = slots(s, work)
        for path, container in containers(work):
            if isinstance(container, Sidecar) and container.neuron_devices is None:
                continue
            mine = devices
            if isinstance(container, Sidecar) and isinstance(container.neuron_devices, tuple):
                mine = (tuple(sorted(container.neuron_devices)),)
            key = (path, kind.name, mine)
            if mine and key not in seen:
                seen.add(key)
                yield CoreClaim(work, path, container, kind, mine)


def slots(s: Situation, work: RegionalWorkload) -> tuple[tuple[int, ...], ...]:
    """The devices of a task in each slot that it can have; empty if the pool has no layout."""
    if work.ids is not None:
        return (work.ids,)
    if work.managed_devices or work.spec.neuron_devices == "all":
        return (tuple(range(work.device_count)),)
    placed = s.layout(work.pool)
    if placed is None:
        return ()
    if work.is_job:
        return (placed.job_devices(work.name),)
    taken = (a for slot in placed.slots for a in slot.assignments)
    return tuple(sorted({a.devices for a in taken if a.workload == work.name and not a.is_job}))


def core_ids(text: str) -> tuple[int, ...] | None:
    """The cores of `3`, `0-3` or `0,1,4-7`; None for anything else."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part)
        if match is None:
            return None
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            return None
        found.extend(range(first, last + 1))
    return tuple(found) if len(set(found)) == len(found) else None


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


@rule(
    "NE219",
    "Malformed NeuronCore variable",
    Severity.ERROR,
    "The Neuron runtime accepts one core, a range or a list of them, and a whole number as the "
    "number of cores.",
    do="Write ranges such as 0-3 and numbers such as 4, or leave the variable out.",
)
def malformed_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/guides/configuration-guide.html:
    NEURON_RT_VISIBLE_CORES is "a single NeuronCore index or an inclusive range value"."""
    for claim in core_claims(s):
        given = claim.container.environment
        first, last = claim.range_of(claim.first)
        for name in (VISIBLE, VISIBLE_DEVICES):
            if name in given and core_ids(given[name]) is None:
                yield Report(
                    f"{claim.variables}.{name}",
                    f"is {shown(given[name])}, no core, range or list of cores",
                    f"leave it out: the task has its devices' cores, or write {_span(first, last)}"
                    if len(claim.devices) == 1
                    else "leave it out: the task has its devices' cores",
                )
        if NUMBER in given and not re.fullmatch(r"[0-9]{1,4}", given[NUMBER]):
            yield Report(
                f"{claim.variables}.{NUMBER}",
                f"is {shown(given[NUMBER])}, no whole number",
                f'leave it out, or write "{claim.cores}"',
            )


@rule(
    "NE220",
    "NeuronCores belong to devices outside the task",
    Severity.ERROR,
    "The runtime numbers cores over the whole host: device d starts at d times the cores of a "
    "device. A container cannot open cores of devices that it does not have.",
    do="Name cores of the task's own devices, or leave the variable out.",
)
def cores_of_other_devices(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/containers/tutorials/build-run-neuron-container.html:
    devices 12 and 13 of an inf1.24xlarge come with NEURON_RT_VISIBLE_CORES=51,52; logical cores on
    Trn2 (.../arch/neuron-features/logical-neuroncore-config.html)."""
    for claim in core_claims(s):
        wanted = core_ids(claim.container.environment.get(VISIBLE, ""))
        if wanted is None or len(claim.devices) > 1:
            continue
        devices = claim.first
        first, last = claim.range_of(devices)
        if wanted[0] < first or max(wanted) > last:
            yield Report(
                f"{claim.variables}.{VISIBLE}",
                f"is {shown(claim.container.environment[VISIBLE])}; the cores of "
                f"{counted(len(devices), 'device')} {ids(devices)} of {claim.kind.name} are "
                f"{_span(first, last)}",
                f'leave it out, or write "{_span(first, last)}"',
            )


@rule(
    "NE221",
    "One NeuronCore range for tasks on several slots",
    Severity.ERROR,
    "A variable has the same value in every task, but the planner spreads the tasks of a count "
    "over several slots with different cores.",
    do="Leave the variable out, or name the devices.",
)
def one_range_for_several_slots(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/guides/configuration-guide.html:
    NEURON_RT_VISIBLE_CORES names exact cores, NEURON_RT_NUM_CORES a number of free ones."""
    for claim in core_claims(s):
        value = claim.container.environment.get(VISIBLE, "")
        if core_ids(value) is None or len(claim.devices) < 2:
            continue
        ranges = [_span(*claim.range_of(d)) for d in claim.devices]
        yield Report(
            f"{claim.variables}.{VISIBLE}",
            f"is {shown(value)}, while tasks sit on the devices "
            f"{listed([ids(d) for d in claim.devices])} of {claim.kind.name}, with cores "
            f"{listed(ranges)}",
            f'leave it out, write {NUMBER}: "{claim.cores}", or name devices such as '
            f"{ids(claim.first)} and their cores {ranges[0]}",
        )


@rule(
    "NE222",
    "More NeuronCores requested than the task has",
    Severity.ERROR,
    "A process that requests more cores than its devices have fails in nrt_init.",
    do="Request at most the cores of the task's devices, or leave the variable out.",
)
def more_cores_than_there_are(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/guides/configuration-guide.html:
    the runtime reserves so many free cores, or fails."""
    for claim in core_claims(s):
        value = claim.container.environment.get(NUMBER, "")
        if re.fullmatch(r"[0-9]{1,4}", value) and int(value) > claim.cores:
            yield Report(
                f"{claim.variables}.{NUMBER}",
                f"is {value}; {claim.hardware} {claim.have} {counted(claim.cores, 'core')}",
                f'leave it out, or write "{claim.cores}"' + _more_devices(s, claim, int(value)),
            )


def _more_devices(s: Situation, claim: CoreClaim, cores: int) -> str:
    """`, or neuron_devices: 4`: the least legal number of the type's devices with so many cores."""
    needed = ceil(cores / claim.per_device)
    enough = s.catalog.neuron.legal_count(claim.kind.name, at_least=needed)
    return f", or neuron_devices: {enough}" if enough is not None else ""


@rule(
    "NE223",
    "NeuronCore variable leaves cores idle",
    Severity.WARNING,
    "A core that no process uses stays idle, and no other task can use its device.",
    do="Use all cores of the devices, or request fewer devices.",
)
def idle_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/guides/configuration-guide.html:
    without the variables a process has every core of its devices."""
    for claim in core_claims(s):
        given = claim.container.environment
        wanted = core_ids(given.get(VISIBLE, ""))
        name, used = VISIBLE, len(wanted) if wanted else 0
        if wanted is None and re.fullmatch(r"[0-9]{1,4}", given.get(NUMBER, "")):
            name, used = NUMBER, int(given[NUMBER])
        if 0 < used < claim.cores and not claim.shared:
            yield Report(
                f"{claim.variables}.{name}",
                f"is {shown(given[name])}: {used} of the {claim.cores} cores of {claim.hardware}",
                "leave it out" + _fewer_devices(s, claim, used),
            )


def _fewer_devices(s: Situation, claim: CoreClaim, cores: int) -> str:
    """`, or write neuron_devices: 1`: the least legal number of devices, if it is smaller."""
    needed = ceil(cores / claim.per_device)
    enough = s.catalog.neuron.legal_count(claim.kind.name, at_least=needed)
    if enough is None or enough >= claim.count or claim.work.pool.managed:
        return ""
    return f", or write neuron_devices: {enough}"


@rule(
    "NE224",
    "Two NeuronCore variables at once",
    Severity.NOTE,
    "NEURON_RT_VISIBLE_CORES takes precedence over NEURON_RT_NUM_CORES.",
    do="Keep one of the two.",
)
def both_core_variables(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/guides/configuration-guide.html"""
    for claim in core_claims(s):
        given = claim.container.environment
        if VISIBLE in given and NUMBER in given:
            yield Report(
                f"{claim.variables}.{NUMBER}",
                f"is {shown(given[NUMBER])} beside {VISIBLE}, and is not read",
                f"leave {NUMBER} out",
            )


@rule(
    "NE225",
    "Visible cores differ from the tensor parallel size",
    Severity.ERROR,
    "The vLLM plugin requires as many visible cores as the tensor parallel size.",
    do="Name as many cores as --tensor-parallel-size says, or leave the variable out.",
)
def plugin_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/vllm-neuron/docs/tutorials/tutorial-epd-1e-1pd-xeypd.html:
    the assertion TP != len(NEURON_VISIBLE_DEVICES)."""
    for claim in core_claims(s):
        server = server_of(claim.container, s.catalog)
        value = claim.container.environment.get(VISIBLE_DEVICES, "")
        cores, given = core_ids(value), words(claim.container)
        if server is None or not SERVERS[server.name].reads_visible_devices:
            continue
        if cores is None or not SERVERS[server.name].started_by(given):
            continue
        degree = number(given, TENSOR_PARALLEL, "tp") or 1
        if len(cores) != degree:
            yield Report(
                f"{claim.variables}.{VISIBLE_DEVICES}",
                f"is {shown(value)}, {counted(len(cores), 'core')}, beside a tensor parallel size "
                f"of {degree}",
                f"leave it out, write {counted(degree, 'core')} there, or write "
                f"--{TENSOR_PARALLEL}={len(cores)}",
            )


@rule(
    "NE226",
    "Variable is read by the vLLM plugin only",
    Severity.WARNING,
    "Only the vLLM plugin reads NEURON_VISIBLE_DEVICES.",
    do="Leave the variable out; the task gets the devices of neuron_devices.",
)
def plugin_variable_elsewhere(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/vllm-neuron/docs/guides/reference-configuration.html;
    NxD Inference and optimum-neuron read the variables of the Neuron runtime."""
    for claim in core_claims(s):
        server = server_of(claim.container, s.catalog)
        given = claim.container.environment
        if server is None or SERVERS[server.name].reads_visible_devices:
            continue
        if VISIBLE_DEVICES in given:
            yield Report(
                f"{claim.variables}.{VISIBLE_DEVICES}",
                f"is {shown(given[VISIBLE_DEVICES])}, which nothing in "
                f"{repository(claim.container.image)} reads",
                f'leave it out, or write {NUMBER}: "{claim.cores}"',
            )


@rule(
    "NE227",
    "Invalid number of physical cores in a logical core",
    Severity.ERROR,
    "Trainium2 combines one or two physical cores into a logical core. Other chips do not.",
    do="Write 1 or 2 on Trn2, and leave the variable out elsewhere.",
)
def logical_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/about-neuron/arch/neuron-features/logical-neuroncore-config.html"""
    for claim in core_claims(s):
        value = claim.container.environment.get(LOGICAL)
        if value is None:
            continue
        if not takes_groups(claim.kind):
            yield Report(
                f"{claim.variables}.{LOGICAL}",
                f"is {shown(value)}, on {claim.kind.name}, whose cores are not grouped",
                "leave it out",
            )
        elif value not in ("1", "2"):
            yield Report(
                f"{claim.variables}.{LOGICAL}",
                f"is {shown(value)}",
                'leave it out (2, the default), or write "1"',
            )


@rule(
    "NE228",
    "Variable of the unsupported Neuron OCI hook",
    Severity.ERROR,
    "The OCI hook that reads AWS_NEURON_VISIBLE_DEVICES is not supported on ECS with Amazon Linux "
    "2023, and containers fail to start.",
    do="Leave the variable out; neuron_devices names the devices.",
)
def oci_hook(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/containers/tutorials/tutorial-oci-hook.html;
    https://github.com/aws-neuron/aws-neuron-sdk/issues/911."""
    reported: set[str] = set()
    for work in s.work:
        pool = work.pool.spec
        if isinstance(pool, AutoScalingCapacity) and pool.ami.family == "al2":
            continue
        for path, container in containers(work):
            where = f"{path}.environment.{HOOK}"
            if HOOK in container.environment and where not in reported:
                reported.add(where)
                devices = work.spec.neuron_devices
                yield Report(
                    where,
                    f"is {shown(container.environment[HOOK])}",
                    "leave it out: the task definition names the devices of "
                    f"neuron_devices: {ids(devices) if isinstance(devices, tuple) else devices}"
                    if devices is not None
                    else "leave it out, and write neuron_devices: 1",
                )


@dataclass(frozen=True, slots=True)
class Processes:
    """How many cores the processes of a command use, and the words of the command that say so."""

    cores: int
    degree: int | None  # of tensor parallelism; None for torchrun
    text: str
    option: str
    given: bool


def processes(s: Situation, claim: CoreClaim) -> Processes | None:
    """The cores that the server's command uses; None if it does not state them."""
    given = words(claim.container)
    server = server_of(claim.container, s.catalog)
    arguments_only = server is not None and server.entry == "arguments"
    if not starts_vllm(given) and not arguments_only:
        return None
    found = parallelism(given)
    if found is None or (arguments_only and not found.given):
        return None
    return Processes(found.cores, found.degree, found.text, TENSOR_PARALLEL, found.given)


def runs(s: Situation, claim: CoreClaim) -> Processes | None:
    """The processes that torchrun starts, one for each core; None without torchrun or a number."""
    given = words(claim.container)
    if not any(w.rpartition("/")[2] in ("torchrun", "torch.distributed.run") for w in given):
        return None
    count = number(given, "nproc-per-node")
    if not count:
        return None
    return Processes(count, None, written(given, "nproc-per-node") or "", "nproc_per_node", True)


@rule(
    "NE229",
    "Tensor parallel size exceeds the cores of the task",
    Severity.ERROR,
    "Each rank of a tensor parallel model needs its own NeuronCore.",
    do="Write a tensor parallel size of at most the cores of the task's devices.",
)
def degree_above_the_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/libraries/nxd-inference/developer_guides/vllm-user-guide-v1.html:
    tensor_parallel_size is the number of NeuronCores."""
    for claim in core_claims(s):
        found = processes(s, claim)
        if found is not None and found.cores > claim.cores:
            yield Report(
                f"{claim.path}.command",
                f"gives {found.text}: {counted(found.cores, 'core')}; "
                f"{claim.hardware} {claim.have} "
                f"{claim.cores}",
                f"write --{found.option}={_fitting(s, claim)}"
                + _more_devices(s, claim, found.cores),
            )


def _fitting(s: Situation, claim: CoreClaim) -> int:
    """The largest documented degree that the cores allow; all cores if none is documented."""
    degrees = s.catalog.neuron.tensor_parallel_degrees(claim.kind.name)
    return max((d for d in degrees if d <= claim.cores), default=claim.cores)


@rule(
    "NE230",
    "Tensor parallel size leaves cores idle",
    Severity.WARNING,
    "A rank uses one core. The remaining cores stay idle, and no other task can use their devices.",
    do="Raise the tensor parallel size to the cores of the devices, or request fewer devices.",
)
def degree_below_the_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/libraries/nxd-inference/developer_guides/vllm-user-guide-v1.html:
    tensor_parallel_size is the number of NeuronCores, 1 where it is not given."""
    for claim in core_claims(s):
        found = processes(s, claim)
        if found is not None and found.cores < claim.cores and not claim.shared:
            lead = "gives" if found.given else "runs vllm serve with its default,"
            yield Report(
                f"{claim.path}.command",
                f"{lead} {found.text}: {found.cores} of the {claim.cores} cores of "
                f"{claim.hardware}",
                f"write --{found.option}={_fitting(s, claim)}"
                + _fewer_devices(s, claim, found.cores),
            )


@rule(
    "NE231",
    "Tensor parallel size is not documented for the type",
    Severity.WARNING,
    "Collective operations are built for certain numbers of cores. AWS does not document others.",
    do="Choose a documented tensor parallel size of the instance type.",
)
def undocumented_degree(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/libraries/nxd-inference/developer_guides/generative-llm-inference-with-neuron.html;
    the table of degrees holds the source of each."""
    for claim in core_claims(s):
        found = processes(s, claim)
        degrees = s.catalog.neuron.tensor_parallel_degrees(claim.kind.name)
        if found is None or not found.given or not degrees or found.cores > claim.cores:
            continue
        if found.degree not in degrees:
            near = [d for d in degrees if d <= claim.cores]
            yield Report(
                f"{claim.path}.command",
                f"gives {found.text}, not documented for {claim.kind.name}",
                f"write {listed(map(str, near))} with as many cores, such as "
                f"--{found.option}={max(near)}",
            )


@rule(
    "NE232",
    "More torchrun processes than cores",
    Severity.ERROR,
    "torchrun starts nproc_per_node processes, and each of them needs its own NeuronCore.",
    do="Write at most the cores of the task's devices.",
)
def more_processes_than_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/frameworks/torch/torch-neuronx/programming-guide/training/pytorch-neuron-programming-guide.html:
    --nproc_per_node is the number of NeuronCores."""
    for claim in core_claims(s):
        found = runs(s, claim)
        if found is not None and found.cores > claim.cores:
            yield Report(
                f"{claim.path}.command",
                f"gives {found.text}; {claim.hardware} {claim.have} {counted(claim.cores, 'core')}",
                f"write --nproc_per_node={claim.cores}" + _more_devices(s, claim, found.cores),
            )


@rule(
    "NE233",
    "Fewer torchrun processes than cores",
    Severity.WARNING,
    "A process uses one core. The remaining cores stay idle.",
    do="Start a process for each core, or request fewer devices.",
)
def fewer_processes_than_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/frameworks/torch/torch-neuronx/programming-guide/training/pytorch-neuron-programming-guide.html:
    --nproc_per_node is the number of NeuronCores."""
    for claim in core_claims(s):
        found = runs(s, claim)
        if found is not None and found.cores < claim.cores and not claim.shared:
            yield Report(
                f"{claim.path}.command",
                f"gives {found.text}: {found.cores} of the {claim.cores} cores of {claim.hardware}",
                f"write --nproc_per_node={claim.cores}" + _fewer_devices(s, claim, found.cores),
            )


@rule(
    "NE234",
    "Model is known to fail on this image and chip",
    Severity.WARNING,
    "The model is known to fail with this image on this chip.",
    do="Choose another size of the model, another image, or another chip.",
)
def model_known_to_fail(s: Situation) -> Iterator[Report]:
    """The table of refusals holds the source of each, such as
    https://github.com/aws-neuron/aws-neuron-sdk/issues/1303."""
    serving = {image.name: image for image in s.catalog.serving.images}
    for claim in core_claims(s):
        given, image = words(claim.container), claim.container.image
        model, sdk, known = (
            served_model(given),
            images.neuron_sdk(image),
            published(image, s.catalog),
        )
        if model is None or sdk is None or known is None or claim.kind.neuron is None:
            continue
        sequences = number(given, "max-num-seqs")
        for refusal in s.catalog.serving.refusals:
            tried = serving[refusal.serving_image].image
            same = repository(tried) == known.repository and images.neuron_sdk(tried) == sdk
            if not same or (refusal.model, refusal.family) != (model, claim.kind.neuron.family):
                continue
            least = refusal.sequences_below
            if least is not None and (sequences is None or sequences >= least):
                continue
            others = [
                p.name
                for (region, _), p in s.pools.items()
                if region == claim.work.region
                and p.neuron
                and not any(
                    t.neuron and t.neuron.family == claim.kind.neuron.family for t in p.types
                )
            ]
            yield Report(
                f"{claim.path}.command",
                f"serves {shown(model)} with SDK {sdk} on {claim.kind.name}",
                f"write --max-num-seqs={least}"
                if least is not None
                else "take another size of the model, or an image of another SDK"
                + (f", or move it to {listed(others)}" if others else ""),
                refusal.says[0].upper() + refusal.says[1:].rstrip(".") + ".",
            )


RULES = (
    malformed_cores,
    cores_of_other_devices,
    one_range_for_several_slots,
    more_cores_than_there_are,
    idle_cores,
    both_core_variables,
    plugin_cores,
    plugin_variable_elsewhere,
    logical_cores,
    oci_hook,
    degree_above_the_cores,
    degree_below_the_cores,
    undocumented_degree,
    more_processes_than_cores,
    fewer_processes_than_cores,
    model_known_to_fail,
)
