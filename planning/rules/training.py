"""Training: EFA, several nodes, shared memory."""

from collections.abc import Iterator

from config import AutoScalingCapacity
from messages.finding import Severity
from messages.phrases import listed
from planning.command_line import option, words, written
from planning.entries import RegionalWorkload
from planning.rules.rule import Report, rule
from planning.situation import Situation

_HERE = ("localhost", "127.0.0.1", "0.0.0.0", "::1", "$(hostname)", "$HOSTNAME", "${HOSTNAME}")
_GANG_SCHEDULERS = "AWS Batch multi-node parallel jobs, AWS ParallelCluster or Amazon EKS"


def _trains(work: RegionalWorkload) -> bool:
    """Whether a training framework's launcher or image is named."""
    image = work.spec.image.rpartition("/")[2]
    return work.is_job and ("training" in image or "torchrun" in words(work.spec))


def _number(text: str | None) -> int | None:
    """2 for `2` and for `2:4`, which starts with two nodes; None if it is not a number."""
    least = (text or "").partition(":")[0]
    return int(least) if least.isdecimal() else None


def _nodes(work: RegionalWorkload) -> int | None:
    return _number(option(words(work.spec), "nnodes", "num-machines"))


@rule(
    "NE801",
    "Task does not get the EFA interfaces",
    Severity.NOTE,
    "A task gets the EFA interfaces of its instance only together with all its Neuron devices.",
    do="Write neuron_devices: all if the task needs EFA, or use a pool without efa.",
)
def efa_for_the_whole_instance(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/v2.32.0/frameworks/torch/torch-neuronx/setup-trn1-multi-node-execution.html:
    all interfaces of an instance belong to the job that has its devices."""
    for work in s.distinct_work:
        spec, kind = work.pool.spec, work.pool.type
        if not isinstance(spec, AutoScalingCapacity) or not spec.efa:
            continue
        if kind and kind.neuron and 0 < work.device_count < kind.neuron.devices:
            yield Report(
                f"{work.path}.neuron_devices",
                f"takes {work.device_count} of {kind.neuron.devices} devices: the task gets "
                "no EFA interface",
                "write neuron_devices: all, if it needs EFA",
            )


@rule(
    "NE802",
    "Job runs on several nodes",
    Severity.ERROR,
    "A job is one task, and ECS does not start several tasks together. Without a rendezvous on "
    "another host the other nodes never join.",
    do="Train on one instance, or use a service that starts nodes together.",
)
def several_nodes(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/standalone-tasks.html; nodes that
    start together:
    https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html"""
    for work in s.distinct_work:
        nodes = _nodes(work)
        if nodes is not None and nodes > 1 and _elsewhere(work) is None:  # else NE803
            field = "command" if _nodes_in(work.spec.command) else "entry_point"
            yield Report(
                f"{work.path}.{field}",
                f"asks for {nodes} nodes ({_said_nodes(work)})",
                f"write {_said_nodes(work).partition('=')[0]}=1, for one node, or use "
                + _GANG_SCHEDULERS,
            )


def _said_nodes(work: RegionalWorkload) -> str:
    return next(w for w in words(work.spec) if _nodes_in((w,)))


def _nodes_in(command: tuple[str, ...]) -> bool:
    return any("nnodes" in c or "num_machines" in c or "num-machines" in c for c in command)


@rule(
    "NE803",
    "Processes rendezvous on another host",
    Severity.WARNING,
    "ECS does not start the tasks of a training job at the same time, so a rendezvous of several "
    "tasks can wait forever.",
    do="Let the processes of one task use localhost.",
)
def meeting_elsewhere(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/standalone-tasks.html and
    https://docs.pytorch.org/docs/stable/elastic/run.html (--rdzv-endpoint)"""
    for work in s.distinct_work:
        found = _elsewhere(work)
        if found is not None:
            where, host = found
            home = _at_home(where, words(work.spec), host)
            if (_nodes(work) or 1) > 1:
                home += f" and write {_said_nodes(work).partition('=')[0]}=1"
            yield Report(
                f"{work.path}.{where}",
                f"names the host {host} for the rendezvous of processes",
                f"write {home}, or use {_GANG_SCHEDULERS}",
            )


def _elsewhere(work: RegionalWorkload) -> tuple[str, str] | None:
    """Where a job names another host for the rendezvous of its processes, and that host."""
    given, variables = words(work.spec), work.spec.environment
    places = [
        ("command", option(given, "rdzv-endpoint")),
        ("command", option(given, "master-addr", "main-process-ip")),
        ("environment.MASTER_ADDR", variables.get("MASTER_ADDR")),
        ("environment.NEURON_RT_ROOT_COMM_ID", variables.get("NEURON_RT_ROOT_COMM_ID")),
    ]
    for where, endpoint in places:
        host = (endpoint or "").rsplit(":", 1)[0]
        if host and host not in _HERE:
            return where, host
    return None


def _at_home(where: str, given: list[str], host: str) -> str:
    """`localhost`, or the option of the command with it."""
    if where != "command":
        return "localhost"
    names = ("rdzv-endpoint", "master-addr", "main-process-ip")
    text = next((w for n in names if (w := written(given, n)) and host in w), "")
    return text.replace(" ", "=", 1).replace(host, "localhost")


@rule(
    "NE804",
    "Shared memory is fixed at 64 MiB on Managed Instances",
    Severity.WARNING,
    "Data loaders pass batches through /dev/shm. A container has 64 MiB of it, and Managed "
    "Instances support no other size.",
    do="Load data in the main process (num_workers=0), or use kind: auto_scaling.",
    table="limits",
)
def fixed_shared_memory(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters-managed-instances.html:
    linuxParameters.sharedMemorySize is not supported;
    https://docs.pytorch.org/docs/stable/multiprocessing.html"""
    for work in s.distinct_work:
        if work.pool.managed and _trains(work) and work.spec.shared_memory_mib is None:
            yield Report(
                work.path,
                f"trains on the Managed Instances pool {work.pool.name}, with "
                f"{s.catalog.limits.value('shared_memory_default_mib')} MiB of /dev/shm",
                "load data in the main process, or move it to a pool of kind: auto_scaling",
            )


@rule(
    "NE805",
    "Shared memory is 64 MiB by default",
    Severity.NOTE,
    "Data loaders pass batches through /dev/shm. A container has 64 MiB of it by default; when it "
    "is full, workers fail with a bus error.",
    do="Write shared_memory_mib.",
    table="limits",
)
def little_shared_memory(s: Situation) -> Iterator[Report]:
    """API_LinuxParameters, sharedMemorySize, and
    https://docs.pytorch.org/docs/stable/multiprocessing.html"""
    for work in s.distinct_work:
        size = s.task_size(work)
        if work.pool.managed or not _trains(work) or size is None:
            continue
        if work.spec.shared_memory_mib is None and work.device_count:
            yield Report(
                work.path,
                f"trains on the pool {work.pool.name} without shared_memory_mib: "
                f"{s.catalog.limits.value('shared_memory_default_mib')} MiB of /dev/shm",
                f"write shared_memory_mib: {size.memory_mib // 8}, an eighth of the task's memory",
            )


@rule(
    "NE806",
    "EFA on a pool of one instance",
    Severity.NOTE,
    "EFA connects instances with each other. A single instance does not need it.",
    do="Leave efa out, or give the pool a second instance.",
)
def efa_on_one_instance(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa.html"""
    for (region, name), pool in s.pools.items():
        spec = pool.spec
        if isinstance(spec, AutoScalingCapacity) and spec.efa and pool.max_size == 1:
            works = [w.name for w in s.work_on(pool)]
            yield Report(
                f"capacity.{name}.efa",
                f"is true; the pool has one instance at most in {region}"
                + (f" for {listed(works, most=3)}" if works else ""),
                "leave it out (tasks then use bridge mode), or write max_size: 2",
            )


RULES = (
    efa_for_the_whole_instance,
    several_nodes,
    meeting_elsewhere,
    fixed_shared_memory,
    little_shared_memory,
    efa_on_one_instance,
)
