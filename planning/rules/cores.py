"""NeuronCores: the variables that choose them."""

from collections.abc import Iterator

from config import AutoScalingCapacity, Sidecar
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import counted, ids, listed
from planning.command_line import containers, number, repository, server_of, words
from planning.cores import (
    LOGICAL,
    NUMBER,
    CoreClaim,
    Statement,
    core_claims,
    core_ids,
    core_number,
    core_ranges,
    fewer_devices,
    more_devices,
    processes,
    span,
    statement,
    takes_groups,
    task_claims,
    users_of_cores,
    workers,
)
from planning.rules.rule import Report, rule
from planning.serving.servers import SERVERS, TENSOR_PARALLEL, VISIBLE_CORES, VISIBLE_DEVICES
from planning.situation import Situation

HOOK = "AWS_NEURON_VISIBLE_DEVICES"


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
        for name in (VISIBLE_CORES, VISIBLE_DEVICES):
            if name in given and core_ids(given[name]) is None:
                yield Report(
                    f"{claim.variables}.{name}",
                    f"is {shown(given[name])}, no core, range or list of cores",
                    f"leave it out: the task has its devices' cores, or write {span(first, last)}"
                    if len(claim.devices) == 1
                    else "leave it out: the task has its devices' cores",
                )
        if NUMBER in given and core_number(given[NUMBER]) is None:
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
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/tutorials/build-run-container.html:
    devices 12 and 13 of an inf1.24xlarge come with NEURON_RT_VISIBLE_CORES=51,52; logical cores on
    Trn2 (.../arch/neuron-features/logical-neuroncore-config.html)."""
    for claim in core_claims(s):
        wanted = core_ids(claim.container.environment.get(VISIBLE_CORES, ""))
        if wanted is None or len(claim.devices) > 1:
            continue
        devices = claim.first
        first, last = claim.range_of(devices)
        if min(wanted) < first or max(wanted) > last:
            right = span(first, last)
            yield Report(
                f"{claim.variables}.{VISIBLE_CORES}",
                f"is {shown(claim.container.environment[VISIBLE_CORES])}; the cores of "
                f"{counted(len(devices), 'device')} {ids(devices)} of {claim.kind.name} are "
                f"{right}",
                f"name cores out of {right}"
                if claim.shared
                else f'leave it out, or write "{right}"',
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
        value = claim.container.environment.get(VISIBLE_CORES, "")
        if core_ids(value) is None or len(claim.devices) < 2:
            continue
        ranges = [span(*claim.range_of(d)) for d in claim.devices]
        most = claim.work.pool.max_size
        named = most is None or claim.work.tasks_max <= most  # one task on an instance
        yield Report(
            f"{claim.variables}.{VISIBLE_CORES}",
            f"is {shown(value)}, while tasks sit on the devices "
            f"{listed([ids(d) for d in claim.devices])} of {claim.kind.name}, with cores "
            f"{listed(ranges)}",
            f'leave it out, or leave it out and write {NUMBER}: "{claim.cores}"'
            + f', or write neuron_devices: {ids(claim.first)} and write "{ranges[0]}"' * named,
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
        cores = core_number(value) or 0
        if cores > claim.cores:
            yield Report(
                f"{claim.variables}.{NUMBER}",
                f"is {value}; {claim.hardware} {claim.have} {counted(claim.cores, 'core')}",
                (
                    f"write at most {claim.cores} over all containers of the task"
                    if claim.shared
                    else f'leave it out, or write "{claim.cores}"'
                )
                + more_devices(s, claim, cores),
            )


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
        found = statement(s, claim)
        started = workers(s, claim)
        count = started.count if started is not None else 1
        if found is None or claim.shared or found.variable == VISIBLE_DEVICES:
            continue
        if (count > 1 and found.exact is not None) or found.cores * count >= claim.cores:
            continue  # Each worker has cores of its own, or NE238 reports them.
        processes = f" in each of {count} processes" if count > 1 else ""
        yield Report(
            f"{claim.variables}.{found.variable}",
            f"is {shown(claim.container.environment[found.variable])}{processes}: "
            f"{found.cores * count} of the {claim.cores} cores of {claim.hardware}",
            (f'write "{claim.cores // count}"' if count > 1 else "leave it out")
            + fewer_devices(s, claim, found.cores * count),
        )


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
        if VISIBLE_CORES in given and NUMBER in given:
            yield Report(
                f"{claim.variables}.{NUMBER}",
                f"is {shown(given[NUMBER])} beside {VISIBLE_CORES}, and is not read",
                f"leave {NUMBER} out",
            )


@rule(
    "NE225",
    "Visible cores differ from the tensor parallel size",
    Severity.ERROR,
    "The vLLM plugin requires as many visible cores as the tensor parallel size.",
    do="Name as many cores as --tensor-parallel-size says, or leave the variable out.",
    table="servers",
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
        first, _ = claim.range_of(claim.first)
        fits, whole = degree <= claim.cores, len(cores) == claim.cores
        if len(cores) != degree:
            yield Report(
                f"{claim.variables}.{VISIBLE_DEVICES}",
                f"is {shown(value)}, {counted(len(cores), 'core')}, beside a tensor parallel size "
                f"of {degree}",
                "leave it out"
                + (f', or write "{span(first, first + degree - 1)}"' if fits else "")
                + (f", or write --{TENSOR_PARALLEL}={len(cores)}" if whole else ""),
            )


@rule(
    "NE226",
    "Variable is read by the vLLM plugin only",
    Severity.WARNING,
    "Only the vLLM plugin reads NEURON_VISIBLE_DEVICES.",
    do="Leave the variable out; the task gets the devices of neuron_devices.",
    table="servers",
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
                "leave it out",
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
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/tutorials/oci-hook.html;
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
                    else "leave it out"
                    + (" and write neuron_devices: 1" if work.pool.neuron else ""),
                )


@rule(
    "NE235",
    "Two containers name the same NeuronCore",
    Severity.ERROR,
    "A core that one process has reserved cannot be used by another until that process ends.",
    do="Name other cores in each container of the task.",
)
def overlapping_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/guides/configuration-guide.html:
    a reserved NeuronCore cannot be used by another process."""
    for task in task_claims(s):
        seen: dict[int, str] = {}
        for claim in users_of_cores(s, task):
            found = statement(s, claim)
            if found is None or found.exact is None or len(claim.devices) > 1:
                continue
            common = sorted(found.exact & seen.keys())
            if common:
                first, last = claim.range_of(claim.first)
                free = [c for c in range(first, last + 1) if c not in seen]
                yield Report(
                    f"{claim.variables}.{found.variable}",
                    f"is {shown(claim.container.environment[found.variable])}; "
                    f"{seen[common[0]]} has {counted(len(common), 'core')} of them: "
                    f"{listed(map(str, common))}",
                    f'write "{core_ranges(free[: found.cores])}"'
                    if free
                    else "leave neuron_devices out of one of the two",
                )
            seen |= {core: claim.path for core in found.exact if core not in seen}


@rule(
    "NE236",
    "Containers of a task request more NeuronCores than it has",
    Severity.ERROR,
    "All containers of a task take their cores from the same devices. A process that finds too few "
    "free cores fails in nrt_init.",
    do="Request no more cores over all containers than the devices have.",
)
def summed_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/guides/configuration-guide.html:
    a process that requests more cores than are free fails."""
    for task in task_claims(s):
        users = [(c, f) for c in users_of_cores(s, task) if (f := statement(s, c)) is not None]
        if any(found.cores > claim.cores for claim, found in users):
            continue  # NE220 or NE222 reports it.
        everything = {d for claim, _ in users for d in claim.first}
        for devices in ({*claim.first} for claim, _ in users):
            devices = devices if any({*c.first} < devices for c, _ in users) else everything
            inside = [(c, f) for c, f in users if devices >= {*c.first}]
            if _too_many(inside, len(devices)):
                yield _summed(s, inside, len(devices))
                break


def _too_many(inside: list[tuple[CoreClaim, Statement]], devices: int) -> bool:
    """Whether the containers request more cores than the devices have; exact ones count once."""
    exact = {core for _, found in inside for core in found.exact or ()}
    claims = [claim for claim, _ in inside]
    counted_cores = sum(f.cores * c.physical for c, f in inside if f.exact is None)
    if not counted_cores:
        return False  # NE235 reports those that overlap.
    named = len(exact) * max(c.physical for c in claims)
    return named + counted_cores > devices * claims[0].per_device * claims[0].physical


def _summed(s: Situation, inside: list[tuple[CoreClaim, Statement]], devices: int) -> Report:
    claim, found = next((c, f) for c, f in reversed(inside) if f.exact is None)
    total, most = sum(f.cores for _, f in inside), devices * claim.per_device
    others = listed([c.path for c, _ in inside if c is not claim])
    each = most // len(inside)
    sharing = [c.variables for c, f in inside if f.exact is None]
    fix = " and ".join(f'{where}.{NUMBER}: "{each}"' for where in sharing)
    return Report(
        f"{claim.variables}.{found.variable}",
        f"is {claim.container.environment[found.variable]}, beside {others}: "
        f"{counted(total, 'core')} together; {counted(devices, 'device')} of {claim.kind.name} "
        f"{'has' if devices == 1 else 'have'} {most}",
        f"write {fix}" if each else f"keep at most {most} of the containers",
    )


@rule(
    "NE237",
    "Containers open the same NeuronCores without stating how many",
    Severity.WARNING,
    "Without a variable the Neuron runtime reserves every core of the container's devices for one "
    "process. The second process that starts fails in nrt_init.",
    do="State the cores of each container, or open the devices in one container only.",
    table="image_repositories",
)
def unstated_cores(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/guides/configuration-guide.html:
    by default a process reserves all cores. A container that only monitors takes none."""
    for task in task_claims(s):
        users = users_of_cores(s, task)
        for claim in reversed(users):
            others = [o for o in users if o is not claim and {*o.first} & {*claim.first}]
            counts = isinstance(claim.container, Sidecar) and isinstance(
                claim.container.neuron_devices, int
            )  # NE213 reports it
            if not others or counts or claim.work.managed_devices:
                continue
            if statement(s, claim) is None:
                each = claim.cores // (len(others) + 1)
                also = listed([o.path for o in others])
                yield Report(
                    f"{claim.path}.neuron_devices",
                    f"opens {counted(claim.count, 'device')} that {also} "
                    f"{'open' if len(others) > 1 else 'opens'} as well, without stating its cores",
                    "write "
                    + " and ".join(f'{o.variables}.{NUMBER}: "{each}"' for o in (claim, *others))
                    if each
                    else "leave neuron_devices out of all but one container",
                )
                break


@rule(
    "NE239",
    "Slice of NeuronCores is not aligned",
    Severity.ERROR,
    "On Trainium2 a slice of cores must start at a multiple of its tensor parallel size. Another "
    "slice loads and compiles, and fails when the server warms up.",
    do="Start the cores at a multiple of the tensor parallel size.",
    table="servers",
)
def unaligned_slice(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/aws-neuron-sdk,
    vllm-neuron/docs/tutorials/tutorial-epd-1e-1pd-xeypd.md: "each engine's core slice must start on
    a boundary that is a multiple of its own TP degree"."""
    for claim in core_claims(s):
        found, run, hardware = statement(s, claim), processes(s, claim), claim.kind.neuron
        if hardware is None or not hardware.aligned_slices or run is None or not run.degree:
            continue
        if found is None or found.exact is None or min(found.exact) % run.degree == 0:
            continue
        first, last = claim.range_of(claim.first)
        start = min(found.exact) // run.degree * run.degree
        start += run.degree if start < first else 0
        end = start + found.cores - 1
        yield Report(
            f"{claim.variables}.{found.variable}",
            f"is {shown(claim.container.environment[found.variable])}: it starts at core "
            f"{min(found.exact)}, no multiple of {run.degree} ({run.text})",
            f'write "{span(start, end)}"' if end <= last else f"start it at core {start}",
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
    overlapping_cores,
    summed_cores,
    unstated_cores,
    unaligned_slice,
)
