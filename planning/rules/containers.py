"""Containers of a task: commands, permissions, and how they reach each other."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from config import (
    Container,
    ExistingNetworkEntry,
    ManagedInstancesCapacity,
)
from config.credentials import is_credential, shown
from messages.finding import Severity
from messages.phrases import counted, flow, listed
from planning import choices
from planning.command_line import containers, option, words, written_containers
from planning.cores import ended_first
from planning.entries import RegionalWorkload
from planning.proposals import other_port, size_path
from planning.rules.rule import Report, rule
from planning.situation import Situation
from planning.volumes import default_gib, disk, host_gib, shared_volumes, writable_paths

_LOCAL = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?", re.IGNORECASE)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?")
COMPILE_CACHE = "NEURON_COMPILE_CACHE_URL"


def each_container(s: Situation) -> Iterator[tuple[RegionalWorkload, str, Container]]:
    """Every container, once for each instance type that its workload meets."""
    for work in s.distinct_work:
        for path, container in containers(work):
            yield work, path, container


def _written(s: Situation) -> Iterator[tuple[str, Container]]:
    """Every container as the stack file writes it, whether its pool is known or not."""
    for path, spec in s.named_workloads():
        yield from written_containers(path, spec)


@rule(
    "NE317",
    "Stop timeout is too short for Neuron",
    Severity.WARNING,
    "A Neuron process that is killed does not release its cores, and the next task fails in "
    "nrt_init.",
    do="Leave the stop timeout out, or write a longer one.",
    table="limits",
)
def stopped_too_soon(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/aws-neuron-sdk/issues/1338: a new process fails in
    nrt_allocate_neuron_cores before the old one has exited; API_ContainerDefinition, stopTimeout:
    the agent's own default is 30 s."""
    least = s.catalog.limits.value("stop_timeout_default_seconds")
    for work in s.distinct_work:
        timeout = work.spec.stop_timeout_seconds
        if work.pool.neuron and work.device_count and timeout is not None and timeout < least:
            yield Report(
                f"{work.path}.stop_timeout_seconds",
                f"is {timeout}, for a task on Neuron devices",
                f"leave it out ({choices.STOP_TIMEOUT_SECONDS}), or write at least {least}",
            )


@rule(
    "NE318",
    "Too few network interfaces for awsvpc tasks",
    Severity.WARNING,
    "A task in awsvpc mode needs a network interface of the instance. Without ENI trunking an "
    "instance has few.",
    do="Leave network_mode out, raise max_size, or turn on trunking where the type has it.",
)
def interfaces_run_out(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-eni.html: how
    many tasks an instance takes; trunking is an account setting, and not for Inf1."""
    for (region, _), pool in s.pools.items():
        kind = pool.type
        works = [w for w in s.work_on(pool) if w.network_mode == "awsvpc"]
        if kind is None or pool.max_size is None or not works:
            continue
        plain, trunked = s.catalog.instances.awsvpc_tasks(kind.name)
        tasks = sum(max(w.tasks_max, int(w.is_job)) for w in works)
        if plain is None or tasks <= plain * pool.max_size:
            continue
        needed = -(-tasks // max(plain, 1))
        trunking = f" (with awsvpcTrunking an instance takes {trunked})" if trunked else ""
        yield Report(
            f"{works[0].path}.network_mode",
            f"is awsvpc: {counted(tasks, 'task')} on at most {counted(pool.max_size, 'instance')} "
            f"of {kind.name} in {region}, which take {plain} each",
            f"leave it out (bridge), or write {size_path(s, pool)}: {needed}{trunking}",
        )


@rule(
    "NE320",
    "Serving port is the lock of a device",
    Severity.ERROR,
    "A port mapping locks each device of a task, and a container port can be mapped only once.",
    do="Let the server listen on a port below 20000.",
)
def port_of_a_lock(s: Situation) -> Iterator[Report]:
    """API_PortMapping: the load balancer finds a task's host port by its container port, which the
    lock of the device would have as well."""
    for work in s.distinct_work:
        if work.network_mode != "bridge" or not work.device_count:
            continue
        for port in work.spec.served_ports:
            if port in _lock_ports(work):
                at = f"{work.path}.{'port' if port == work.spec.port else 'ports'}"
                yield Report(
                    at,
                    f"is {port}, which locks the device {port - choices.LOCK_PORT_BASE}",
                    f"write {other_port(work, at, port)}, and let the server listen there",
                )


def _lock_ports(work: RegionalWorkload) -> range:
    """The host ports that lock the devices of the instance."""
    kind = work.smallest
    number = kind.neuron.devices if kind and kind.neuron else 0
    return range(choices.LOCK_PORT_BASE, choices.LOCK_PORT_BASE + number)


@rule(
    "NE321",
    "Health check ends before the model has loaded",
    Severity.WARNING,
    "Without a load balancer nothing waits for the model to load: ECS replaces a task whose health "
    "check still fails after the start period (at most 300 s) and all retries.",
    do="Check less often or allow more retries, or give the model a port.",
    table="limits",
)
def loads_longer_than_the_check(s: Situation) -> Iterator[Report]:
    """API_HealthCheck, startPeriod; vLLM on Neuron starts in 5 to 10 minutes
    (https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/environments/quickstart-deploy-dlc.html)."""
    start = s.catalog.limits.value("neuron_server_start_seconds")
    for work in s.distinct_work:
        check = work.spec.health_check
        if work.is_job or work.spec.called or check is None or check.command is None:
            continue
        period = check.start_period_seconds
        period = choices.CONTAINER_START_PERIOD_SECONDS if period is None else period
        waits = period + check.interval_seconds * check.retries
        if not work.device_count or waits >= start:
            continue
        retries = s.catalog.limits.value("health_check_retries_max")
        longest = s.catalog.limits.value("health_check_start_period_max_seconds")
        interval = max(check.interval_seconds, -(-(start - longest) // retries))
        yield Report(
            f"{work.path}.health_check",
            f"has a command that may fail for {waits} s; a model takes {start} s or more to load",
            f"write start_period_seconds: {longest}, retries: {retries} and interval_seconds: "
            f"{interval}",
        )


@rule(
    "NE322",
    "Health check calls a port that is not served",
    Severity.WARNING,
    "The check runs inside the container, where nothing listens on that port.",
    do="Check the port on which the server listens.",
)
def check_of_another_port(s: Situation) -> Iterator[Report]:
    """API_HealthCheck, command: what the container runs to find whether it is healthy."""
    for path, spec in s.named_workloads():
        check = spec.health_check
        ports = spec.served_ports
        if check is None or check.command is None or not ports:
            continue
        said = " ".join((*words(spec), *spec.environment.values()))
        for word in check.command:
            for port in _LOCAL.findall(word):
                if port and int(port) not in ports and not re.search(rf"\b{port}\b", said):
                    yield Report(
                        f"{path}.health_check.command",
                        f"calls {shown(word, limit=100)}; {path} listens on "
                        f"{listed(map(str, ports))}",
                        f"write {flow(_calling(check.command, port, ports[0]))}",
                    )


def _calling(command: tuple[str, ...], old: str, new: int) -> list[str]:
    return [re.sub(rf"(?<=:){old}\b", str(new), word) for word in command]


@rule(
    "NE323",
    "Secret in an environment variable",
    Severity.WARNING,
    "Everyone who can read the task definition can read its environment variables.",
    do="Store the value in Secrets Manager or Parameter Store, and name it under secrets.",
)
def secret_in_the_environment(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security-tasks-containers.html:
    no secrets in environment variables; Security Hub ECS.8."""
    for path, container in _written(s):
        for name, value in sorted(container.environment.items()):
            if _secret(name, s.catalog.containers.secret_names) and not _harmless(value):
                key = name.lower().replace("_", "-")
                yield Report(
                    f"{path}.environment.{name}",
                    "is a secret by its name, in clear text",
                    f"leave it out, and write secrets: {{{name}: /{s.project}/{key}}}, a parameter "
                    "with the value",
                )


def _secret(name: str, endings: tuple[str, ...]) -> bool:
    upper = name.upper()
    return any(upper == e or upper.endswith(e if e[0] == "_" else f"_{e}") for e in endings)


def _harmless(value: str) -> bool:
    """Whether the value is a number, a switch or a location, and so not a secret."""
    return not is_credential(value) and (
        not value
        or value.lower() in ("true", "false", "yes", "no", "none")
        or re.fullmatch(r"[0-9]{1,6}", value) is not None
        or value.startswith(("/", "./", "~", "s3://", "arn:", "http://", "https://", "file:"))
    )


@rule(
    "NE325",
    "Secret is read from another Region",
    Severity.WARNING,
    "A task reads its secrets at every start, from the Region in their ARN. While that Region is "
    "unavailable, no task starts.",
    do="Keep a copy of the secret in each Region, and write {region} in its ARN.",
)
def secret_of_another_region(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data-parameters.html:
    another Region's parameter needs its full ARN;
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html: replicas
    have the same ARN but for the Region."""
    reported: dict[tuple[str, str], list[str]] = {}
    for work in s.work:
        network = s.regions[work.region].network
        if not isinstance(network, ExistingNetworkEntry) and network.nat == "none":
            continue  # no route to it: NE516 reports it
        for path, container in containers(work):
            for field, reference in container.references.items():
                place = _region_of(reference)
                if place is not None and place not in (work.region, "{region}"):
                    if _partition_of(reference) == s.catalog.places.regions[work.region].partition:
                        where = (f"{path}.{field}", reference)
                        reported.setdefault(where, []).append(work.region)
    for (where, reference), regions in reported.items():
        place = _region_of(reference) or ""
        yield Report(
            where,
            f"is {shown(reference, limit=120)}, read in {listed(dict.fromkeys(regions))}",
            f"write {reference.replace(f':{place}:', ':{region}:', 1)}, and replicate it",
        )


def _region_of(reference: str) -> str | None:
    """The Region of an ARN; None for the name of a parameter."""
    return reference.split(":")[3] if reference.startswith("arn:") else None


def _partition_of(arn: str) -> str:
    return arn.split(":")[1]


@rule(
    "NE326",
    "ARN belongs to another partition",
    Severity.ERROR,
    "An ARN belongs to one AWS partition and cannot be used in another.",
    do="Write the ARN with the partition of the stack's Regions.",
)
def arn_of_another_partition(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html: aws, aws-cn and
    aws-us-gov."""
    reported: set[str] = set()
    for work in s.work:
        partition = s.catalog.places.regions[work.region].partition
        named = [
            (f"{path}.{field}", reference)
            for path, container in containers(work)
            for field, reference in container.references.items()
            if reference.startswith("arn:")
        ]
        for path, arn in named:
            if _partition_of(arn) != partition and path not in reported:
                reported.add(path)
                yield Report(
                    path,
                    f"is {shown(arn, limit=120)}; {work.region} is of the partition {partition}",
                    f"name a resource whose ARN begins with arn:{partition}:{arn.split(':')[2]}",
                )


@rule(
    "NE327",
    "Unknown Linux capability",
    Severity.ERROR,
    "ECS accepts Linux capabilities by their names without CAP_.",
    do="Write the name of a capability as ECS lists it.",
    table="linux_capabilities",
)
def unknown_capability(s: Situation) -> Iterator[Report]:
    """API_KernelCapabilities, add and drop: the valid values; Managed Instances take BPF and
    PERFMON as well
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ManagedInstances.html)."""
    known = s.catalog.containers.linux_capabilities
    for work, path, container in each_container(s):
        allowed = [n for n, c in known.items() if work.pool.managed or not c.managed_only]
        named = {
            "linux_capabilities": container.linux_capabilities,
            "drop_capabilities": container.drop_capabilities,
        }
        for field, name in ((f, n) for f, names in named.items() for n in names):
            if name not in allowed:
                near = get_close_matches(name.upper().removeprefix("CAP_"), allowed, n=1)
                kept = [n for n in named[field] if n in allowed]
                yield Report(
                    f"{path}.{field}",
                    f"names {shown(name)}",
                    f"write {flow(list(dict.fromkeys([*kept, *near])))}"
                    if near or kept
                    else "leave it out",
                )


@rule(
    "NE328",
    "Linux capability gives control over the host",
    Severity.WARNING,
    "The capability lets the container change the host, and so affect other tasks.",
    do="Leave it out unless the runtime needs it; AWS's own example adds only IPC_LOCK.",
    table="linux_capabilities",
)
def capability_over_the_host(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security-tasks-containers.html:
    remove unnecessary Linux capabilities;
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference-task-def.html adds
    IPC_LOCK."""
    for path, container in _written(s):
        for name in sorted(set(container.linux_capabilities)):
            known = s.catalog.containers.linux_capabilities.get(name)
            if known is not None and known.gives:
                yield Report(
                    f"{path}.linux_capabilities",
                    f"has {name}: {known.gives}",
                    f"leave {name} out",
                )


@rule(
    "NE329",
    "Volume is too small for the images",
    Severity.WARNING,
    "The images of all tasks of a pool are on the instance's volume, beside the system. When it is "
    "full, pulls fail.",
    do="Leave the size out, or write a larger one.",
)
def volume_too_small(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-ami-storage-config.html:
    images and what containers write are on the instance's volume."""
    for name, spec in s.settings.capacity.items():
        managed = isinstance(spec, ManagedInstancesCapacity)
        volume = disk(spec)
        size = volume.written
        kept = host_gib(s, name)
        neuron = any(p.neuron for (_, n), p in s.pools.items() if n == name)
        if size is None or not (neuron or kept):
            continue
        pulled = {w.spec.image for w in s.work if w.pool.name == name and w.device_count}
        host = 0 if managed else s.catalog.limits.value("host_system_gib")
        needed = host + len(pulled) * s.catalog.limits.value("container_image_gib") + kept
        if size < needed:
            yield Report(
                f"capacity.{name}.{volume.field}",
                f"is {size}; {counted(len(pulled), 'image')} of its tasks and the system need "
                + (
                    f"about {needed}, with {kept} for host volumes"
                    if kept
                    else f"about {needed}, without any weights"
                ),
                f"leave it out ({default_gib(s, name)}), or write at least {needed}",
            )


@rule(
    "NE330",
    "Shared memory exceeds the memory of the container",
    Severity.WARNING,
    "Data in /dev/shm counts as memory of the container, which is ended before /dev/shm is full.",
    do="Write less shared memory than the container has memory.",
)
def shared_memory_beyond_the_task(s: Situation) -> Iterator[Report]:
    """API_LinuxParameters, sharedMemorySize, is a tmpfs; the kernel charges its pages to the
    container (https://docs.kernel.org/admin-guide/cgroup-v2.html), whose memory is limited."""
    for work in s.distinct_work:
        size, wanted = s.task_size(work), work.spec.shared_memory_mib
        if size is None or wanted is None or work.pool.managed:
            continue
        have = size.memory_mib - sum(c.memory_mib for c in work.spec.sidecars.values())
        if wanted > have > 0:
            kind = work.smallest
            yield Report(
                f"{work.path}.shared_memory_mib",
                f"is {wanted}; the container has {have} MiB of {kind.name if kind else ''}",
                f"write at most {have}" + _larger_memory(s, work, wanted - have),
            )


def _larger_memory(s: Situation, work: RegionalWorkload, by: int) -> str:
    """`, or write memory_mib: 8192`, if the size is written and an instance has so much."""
    kind, needed = work.smallest, (work.spec.memory_mib or 0) + by
    if (
        work.spec.memory_mib is None
        or kind is None
        or needed > s.counted_on(kind, work.pool).memory_mib
    ):
        return ""
    return f", or write memory_mib: {needed}"


@rule(
    "NE331",
    "ECS Exec needs a writable root file system",
    Severity.WARNING,
    "ECS Exec starts an agent that writes to the container's root file system. Without it the task "
    "runs, and ExecuteCommand fails.",
    do="Choose one of exec and read_only_root.",
)
def exec_needs_a_writable_root(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html: the SSM agent
    needs a writable file system; https://github.com/aws/containers-roadmap/issues/1359: the agent
    ends, the container does not."""
    for path, spec in s.named_workloads():
        if spec.exec and spec.read_only_root:
            yield Report(
                f"{path}.read_only_root",
                "is true beside exec: true",
                "leave it out, or leave exec out",
            )


@rule(
    "NE332",
    "Compile cache is on a read-only file system",
    Severity.WARNING,
    "The Neuron compiler writes to its cache, which is on the root file system where no volume is.",
    do="Name the directory of the compile cache under writable_paths.",
    table="writable_paths",
)
def nowhere_to_compile(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/v2.28.0/frameworks/torch/torch-neuronx/programming-guide/training/pytorch-neuron-programming-guide.html:
    the cache is /var/tmp/neuron-compile-cache unless NEURON_COMPILE_CACHE_URL names another
    place."""
    for work in s.distinct_work:
        if not work.spec.read_only_root or not work.device_count:
            continue
        cache = work.spec.environment.get(COMPILE_CACHE, "/var/tmp/neuron-compile-cache")
        paths = writable_paths(work.spec, s.catalog)
        others = [m.path.rstrip("/") for m in work.spec.mounts.values() if not m.read_only]
        others += shared_volumes(work.spec).values()
        below = any(f"{cache.rstrip('/')}/".startswith(f"{path}/") for path in (*paths, *others))
        if not below and not cache.startswith(("s3://", "/dev/shm")):
            yield Report(
                f"{work.path}.read_only_root",
                f"is true; the compile cache {shown(cache)} cannot be written",
                f"write writable_paths: {flow(sorted({*paths, cache.rstrip('/') or '/tmp'}))}",
            )


@rule(
    "NE338",
    "Compile cache in S3 cannot be written",
    Severity.WARNING,
    "The compiler reads and writes its cache. Without s3_write a task may not write it, so what it "
    "compiles is not kept.",
    do="Name the prefix under s3_read and s3_write.",
)
def cache_without_a_right(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/v2.28.0/frameworks/torch/torch-neuronx/programming-guide/training/pytorch-neuron-programming-guide.html:
    NEURON_COMPILE_CACHE_URL may be a prefix in S3, with permissions to read and write it."""
    for path, spec in s.named_workloads():
        writing = [p for p in spec.task_policies if not p.endswith("ReadOnlyAccess")]
        for where, container in written_containers(path, spec):
            cache = container.environment.get(COMPILE_CACHE, "")
            below = f"{cache.rstrip('/')}/"
            named = any(below.startswith(f"{p.rstrip('/')}/") for p in spec.s3_write)
            if cache.startswith("s3://") and not writing and not named:
                fields = f"s3_write: {flow([*spec.s3_write, below])}"
                if not any(below.startswith(f"{p.rstrip('/')}/") for p in spec.s3_read):
                    fields += f" and s3_read: {flow([*spec.s3_read, below])}"
                yield Report(
                    f"{where}.environment.{COMPILE_CACHE}",
                    f"is {shown(cache)}, where {path} has no right to write",
                    f"write {fields}",
                )


@rule(
    "NE339",
    "Environment variable that nothing reads",
    Severity.WARNING,
    "The variable has no effect in this software.",
    do="Write the variable that the software reads.",
    table="unread_variables",
)
def variable_without_effect(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/aws-neuron-sdk/issues/1368"""
    unread = s.catalog.containers.unread_variables
    for path, container in _written(s):
        for name, value in container.environment.items():
            if name in unread:
                known = unread[name]
                yield Report(
                    f"{path}.environment.{name}",
                    f"is {shown(value)}, and nothing reads it",
                    f"name it {known.instead}",
                    why=f"{known.reason[:1].upper()}{known.reason[1:]} ({known.source}).",
                )


@rule(
    "NE333",
    "Sidecar calls localhost in bridge mode",
    Severity.WARNING,
    "In bridge mode each container has its own localhost. A sidecar reaches the model by its link "
    "name.",
    do="Write the model's name in place of localhost.",
)
def localhost_behind_the_bridge(s: Situation) -> Iterator[Report]:
    """API_ContainerDefinition, links: how containers of a task in bridge mode reach each other
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/networking-networkmode-bridge.html)."""
    for work in s.distinct_work:
        if work.network_mode != "bridge":
            continue
        for name, sidecar in sorted(work.spec.sidecars.items()):
            path = f"{work.path}.sidecars.{name}"
            for where, text in _texts(path, sidecar):
                for match in _LOCAL.finditer(text):
                    port = match.group(1)
                    if port and int(port) in work.spec.served_ports:
                        yield Report(
                            where,
                            f"is {shown(text)}: {match.group(0)} is the sidecar itself",
                            "write "
                            + shown(text.replace(match[0], f"{work.name}:{port}"), limit=300),
                        )


def _texts(path: str, container: Container) -> Iterator[tuple[str, str]]:
    """Path and text of the command, the entry point and each variable."""
    for field, given in (("command", container.command), ("entry_point", container.entry_point)):
        for index, text in enumerate(given):
            yield f"{path}.{field}[{index}]", text
    for name, value in sorted(container.environment.items()):
        yield f"{path}.environment.{name}", value


@rule(
    "NE334",
    "Link name works only in bridge mode",
    Severity.WARNING,
    "Link names exist only in bridge mode. In other modes the containers of a task share "
    "localhost, and only a name server could know the name.",
    do="Write localhost in place of the model's name.",
)
def link_name_without_a_bridge(s: Situation) -> Iterator[Report]:
    """API_ContainerDefinition, links: only with the network mode bridge
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html:
    containers of a task reach each other over localhost)."""
    for work in s.distinct_work:
        if work.network_mode == "bridge":
            continue
        for name, sidecar in sorted(work.spec.sidecars.items()):
            path = f"{work.path}.sidecars.{name}"
            for where, text in _texts(path, sidecar):
                for port in work.spec.served_ports:
                    if re.search(rf"(?<![\w.-]){re.escape(work.name)}:{port}\b", text):
                        yield Report(
                            where,
                            f"is {shown(text)}, in {work.network_mode} mode",
                            "write "
                            + shown(
                                text.replace(f"{work.name}:{port}", f"localhost:{port}"), limit=300
                            ),
                        )


@rule(
    "NE335",
    "Sidecar uses the port of the model",
    Severity.ERROR,
    "In host and awsvpc mode the containers of a task share one network, so only one of them can "
    "use a port.",
    do="Let the sidecar listen on another port.",
)
def sidecar_on_the_model_port(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html:
    containers of a task share the network interface; in host mode, the host's."""
    for work in s.distinct_work:
        if work.network_mode == "bridge":
            continue
        for name, sidecar in sorted(work.spec.sidecars.items()):
            port = option(words(sidecar), "port") or ""
            if name in ended_first(work.spec) or str(sidecar.port) == port:
                continue  # two that declare one port are NE391's
            if port.isdecimal() and int(port) in work.spec.served_ports:
                free = next(p for p in range(9000, 9100) if p not in work.spec.served_ports)
                yield Report(
                    f"{work.path}.sidecars.{name}.command",
                    f"gives --port={port}, the port of {work.name}, in {work.network_mode} mode",
                    f"write --port={free}",
                )


@rule(
    "NE336",
    "Malformed container user",
    Severity.ERROR,
    "A user is a name or a number, optionally with a colon and a group.",
    do="Write user, user:group, uid or uid:gid.",
)
def malformed_user(s: Situation) -> Iterator[Report]:
    """API_ContainerDefinition, user: the six forms."""
    for path, container in _written(s):
        if container.user is not None and not _USER.fullmatch(container.user):
            parts = [p for p in container.user.split(":") if re.fullmatch(r"\w[\w.-]*", p)]
            yield Report(
                f"{path}.user",
                f"is {shown(container.user)}",
                f'write "{":".join(parts[:2])}"' if parts else 'write "1000:1000"',
            )


@rule(
    "NE337",
    "Health command without CMD",
    Severity.ERROR,
    "A health command begins with CMD, which runs a program with its arguments, or with CMD-SHELL, "
    "which runs one text in the container's shell.",
    do="Write CMD or CMD-SHELL first, or leave the command out.",
)
def health_command(s: Situation) -> Iterator[Report]:
    """API_HealthCheck, command: the array must start with CMD or CMD-SHELL; required."""
    kinds = ("CMD", "CMD-SHELL")
    for path, spec in s.named_workloads():
        check = spec.health_check
        if check is None or check.command is None:
            continue
        kind, *rest = check.command or ("",)
        where = f"{path}.health_check.command"
        if kind not in kinds:
            first = kind.upper() if kind.upper() in kinds else "CMD" if rest else "CMD-SHELL"
            written = [first, *(rest if kind.upper() == first else check.command)]
            yield Report(
                where,
                f"begins with {shown(kind, limit=100)}" if kind else "is empty",
                f"write {flow(written)}" if kind else "leave it out",
            )
        elif not rest:
            yield Report(where, f"has nothing after {kind}", "leave it out")


RULES = (
    stopped_too_soon,
    interfaces_run_out,
    port_of_a_lock,
    loads_longer_than_the_check,
    check_of_another_port,
    secret_in_the_environment,
    secret_of_another_region,
    arn_of_another_partition,
    unknown_capability,
    capability_over_the_host,
    volume_too_small,
    shared_memory_beyond_the_task,
    exec_needs_a_writable_root,
    nowhere_to_compile,
    localhost_behind_the_bridge,
    link_name_without_a_bridge,
    sidecar_on_the_model_port,
    malformed_user,
    health_command,
    cache_without_a_right,
    variable_without_effect,
)
