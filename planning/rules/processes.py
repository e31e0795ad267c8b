"""Processes on NeuronCores: tensor parallel sizes, and what torchrun starts."""

from collections.abc import Iterator, Mapping

from messages.finding import Severity
from messages.phrases import counted, flow
from planning.cores import (
    NUMBER,
    CoreClaim,
    Workers,
    core_claims,
    fewer_devices,
    more_devices,
    processes,
    runs,
    statement,
    types_with,
    workers,
)
from planning.rules.rule import Report, rule
from planning.situation import Situation


@rule(
    "NE229",
    "Tensor parallel size exceeds the cores of the task",
    Severity.ERROR,
    "Each rank of a tensor parallel model needs its own NeuronCore.",
    do="Write a tensor parallel size of at most the cores of the task's devices.",
)
def degree_above_the_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/v2.32.0/libraries/nxd-inference/developer_guides/vllm-user-guide-v1.html:
    tensor_parallel_size is the number of NeuronCores."""
    for claim in core_claims(s):
        found = processes(s, claim)
        if found is not None and found.cores > claim.cores:
            yield Report(
                f"{claim.path}.command",
                f"gives {found.text}: {counted(found.cores, 'core')}; ",
                _choices(s, claim, found.cores, f"--{found.option}={_fitting(s, claim)}")
                or f"write --{found.option}={_fitting(s, claim)}"
                + more_devices(s, claim, found.cores),
                case=f"{claim.hardware} {claim.have} {claim.cores}",
            )


def _degrees(s: Situation, claim: CoreClaim) -> Mapping[int, str]:
    """The documented degrees; they count the logical cores of the chip's default."""
    if not claim.default_grouping:
        return {}
    return s.catalog.neuron.tensor_parallel_degrees(claim.kind.name)


def _fitting(s: Situation, claim: CoreClaim) -> int:
    """The largest documented degree that the cores allow; all cores if none is documented."""
    degrees = _degrees(s, claim)
    return max((d for d in degrees if d <= claim.cores), default=claim.cores)


@rule(
    "NE230",
    "Tensor parallel size leaves cores idle",
    Severity.WARNING,
    "A rank uses one core. The remaining cores stay idle, and no other task can use their devices.",
    do="Raise the tensor parallel size to the cores of the devices, or request fewer devices.",
)
def degree_below_the_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/v2.32.0/libraries/nxd-inference/developer_guides/vllm-user-guide-v1.html:
    tensor_parallel_size is the number of NeuronCores, 1 where it is not given."""
    for claim in core_claims(s):
        found = processes(s, claim)
        if found is not None and found.cores < claim.cores and not claim.shared:
            lead = "gives" if found.given else "runs vllm serve with its default,"
            yield Report(
                f"{claim.path}.command",
                f"{lead} {found.text}: {found.cores} of the ",
                _choices(s, claim, found.cores, f"--{found.option}={_fitting(s, claim)}")
                or f"write --{found.option}={_fitting(s, claim)}"
                + fewer_devices(s, claim, found.cores),
                case=f"{claim.cores} cores of {claim.hardware}",
            )


@rule(
    "NE231",
    "Tensor parallel size is not documented for the type",
    Severity.WARNING,
    "Collective operations are built for certain numbers of cores. AWS does not document others.",
    do="Choose a documented tensor parallel size of the instance type.",
    table="tensor_parallel",
)
def undocumented_degree(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/v2.32.0/about-neuron/transformers/generative-llm-inference-with-neuron.html;
    the table of degrees holds the source of each."""
    for claim in core_claims(s):
        found = processes(s, claim)
        degrees = _degrees(s, claim)
        if found is None or not found.given or not degrees or found.cores > claim.cores:
            continue
        if found.degree not in degrees:
            yield Report(
                f"{claim.path}.command",
                f"gives {found.text}, not documented for ",
                _choices(s, claim, 0, f"--{found.option}={_fitting(s, claim)}")
                or f"write --{found.option}={_fitting(s, claim)}"
                + _same_cores(s, claim, _fitting(s, claim)),
                case=claim.kind.name,
            )


def _choices(s: Situation, claim: CoreClaim, cores: int, option: str) -> str:
    """The types with so many cores, or the option that suits one type; empty where all are alike.

    An option that suits one type does not suit the others that ECS may choose.
    """
    field, types = (
        f"capacity.{claim.work.pool.name}.allowed_instance_types",
        types_with(s, claim, cores),
    )
    if types:
        return f"write {field}: {flow(sorted(types))}"
    alone = types is not None and claim.kind.name in (types_with(s, claim, claim.cores) or ())
    return f"write {option} and {field}: [{claim.kind.name}]" if alone else ""


def _same_cores(s: Situation, claim: CoreClaim, cores: int) -> str:
    """` and neuron_devices: 2`: the devices with exactly these cores; empty if there are none."""
    devices = cores // claim.per_device
    legal = devices in s.catalog.neuron.legal_counts(claim.kind.name)
    if claim.cores == cores or claim.work.pool.managed or cores % claim.per_device or not legal:
        return ""
    return f" and neuron_devices: {devices}"


@rule(
    "NE232",
    "More torchrun processes than cores",
    Severity.ERROR,
    "torchrun starts nproc_per_node processes, and each of them needs its own NeuronCore.",
    do="Write at most the cores of the task's devices.",
)
def more_processes_than_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/v2.28.0/frameworks/torch/torch-neuronx/programming-guide/training/pytorch-neuron-programming-guide.html:
    --nproc_per_node is the number of NeuronCores."""
    for claim in core_claims(s):
        found = runs(s, claim)
        if found is not None and found.cores > claim.cores:
            yield Report(
                f"{claim.path}.command",
                f"gives {found.text}; ",
                _choices(s, claim, found.cores, f"--nproc_per_node={claim.cores}")
                or f"write --nproc_per_node={claim.cores}" + more_devices(s, claim, found.cores),
                case=f"{claim.hardware} {claim.have} {counted(claim.cores, 'core')}",
            )


@rule(
    "NE233",
    "Fewer torchrun processes than cores",
    Severity.WARNING,
    "A process uses one core. The remaining cores stay idle.",
    do="Start a process for each core, or request fewer devices.",
)
def fewer_processes_than_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/v2.28.0/frameworks/torch/torch-neuronx/programming-guide/training/pytorch-neuron-programming-guide.html:
    --nproc_per_node is the number of NeuronCores."""
    for claim in core_claims(s):
        found = runs(s, claim)
        if found is not None and found.cores < claim.cores and not claim.shared:
            yield Report(
                f"{claim.path}.command",
                f"gives {found.text}: {found.cores} of the ",
                _choices(s, claim, found.cores, f"--nproc_per_node={claim.cores}")
                or f"write --nproc_per_node={claim.cores}" + fewer_devices(s, claim, found.cores),
                case=f"{claim.cores} cores of {claim.hardware}",
            )


@rule(
    "NE238",
    "Worker processes need more NeuronCores than there are",
    Severity.WARNING,
    "Each worker is a process and reserves cores of its own: those that a variable gives it, or "
    "every core that it sees. A worker that finds too few free cores fails in nrt_init.",
    do="Start fewer workers, or give each of them fewer cores.",
    table="worker_options",
)
def workers_above_the_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/guides/configuration-guide.html:
    by default a process reserves all cores; the table of worker options holds the page of each
    server."""
    for claim in core_claims(s):
        started, found = workers(s, claim), statement(s, claim)
        if started is None:
            continue
        exact = found.exact if found is not None else None
        seen = len(exact) if exact is not None else claim.cores
        least = seen if started.whole else 1
        each = found.cores if found is not None and exact is None else least
        if started.count < 2 or each * started.count <= seen:
            continue
        takes = "each takes" if started.models == 1 else "each takes at least"
        yield Report(
            started.path,
            f"gives {started.text}: {counted(started.count, 'worker')}, {takes} "
            f"{counted(each, 'core')}; {claim.hardware} {claim.have} {seen}",
            _fewer_workers(started, seen, each)
            + ("" if started.whole else more_devices(s, claim, each * started.count)),
        )


def _fewer_workers(started: Workers, seen: int, each: int) -> str:
    """The number of workers, and of cores for each, that share the cores without a rest."""
    quote = "" if started.setting.endswith("=") else '"'
    if not started.whole:
        most = seen // (each * started.models)
        if most:
            return f"write {started.setting}{quote}{most}{quote}"
        return f"serve at most {counted(seen // each, 'model')} in one task"
    count = max(n for n in range(1, started.count + 1) if seen % n == 0)
    fix = f"write {started.setting}{quote}{count}{quote}" if count < started.count else "write"
    cores = f'{NUMBER}: "{seen // count}"'
    return fix if count == 1 else f"{fix} {cores}" if fix == "write" else f"{fix} and {cores}"


RULES = (
    degree_above_the_cores,
    degree_below_the_cores,
    undocumented_degree,
    more_processes_than_cores,
    fewer_processes_than_cores,
    workers_above_the_cores,
)
