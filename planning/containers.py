"""Container definitions as canonical JSON, so that the text differs only where a value differs.

Keys, containers, variables and devices are sorted. There are no empty values, and all numbers are
integers. AWS returns definitions in normalised form, and any difference of the text would be a new
revision, which restarts the tasks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from catalog import Catalog
from config import Container, HealthCheck, Sidecar, Ulimit, Workload
from planning import choices, images, names, queue, volumes
from planning.canonical import canonical
from planning.entries import NetworkMode, RegionalWorkload
from planning.regional import in_region
from planning.rooms import Room

Definition = dict[str, Any]


def definitions(
    work: RegionalWorkload,
    catalog: Catalog,
    *,
    size: Room,
    devices: tuple[int, ...],
    log_group: str,
    efa_devices: int,
    stack: str = "",
    slot: str = "",
) -> str:
    """Returns the canonical JSON of a task's containers, its sidecars among them, by name.

    `size` is of the whole task: the workload's container gets what the sidecars leave. `devices`
    are the Neuron devices that the task names; empty if ECS assigns them. `efa_devices` is the
    number of EFA interfaces. `stack` names project and stack, `slot` is the number of the service.
    """
    sidecars = work.spec.sidecars
    cpu = size.cpu_units - sum(c.cpu_units for c in sidecars.values())
    memory = size.memory_mib - sum(c.memory_mib for c in sidecars.values())
    tag = process_tag(work, slot, catalog)
    tagged = {choices.PROCESS_TAG: tag} if tag else {}
    main = _container(work.name, work.spec, work, catalog, log_group, slot, tagged)
    main |= {
        "cpu": cpu,
        "memory": memory,
        "essential": True,
        "portMappings": _ports(work.spec.served_ports, work.network_mode) + _locks(devices, work),
        "linuxParameters": _linux(work.spec)
        | {
            "devices": [_device(f"{choices.EC2_EFA_DEVICES}{n}") for n in range(efa_devices)]
            + _devices(devices),
            "sharedMemorySize": work.spec.shared_memory_mib,
        },
        "ulimits": _ulimits(work.spec, _EFA if efa_devices else {}),
        "resourceRequirements": [{"type": "NeuronDevice", "value": "ALL"}]
        if work.managed_devices
        else [],
        "stopTimeout": work.stop_seconds,
        "healthCheck": _health(work.spec.health_check, work.region),
    }
    if choices.QUEUE_AGENT in sidecars and queue.is_measured(work.spec):
        own = queue.environment(work, catalog, stack=stack, log_group=log_group)
        agent = sidecars[choices.QUEUE_AGENT]
        agent = agent.model_copy(update={"environment": {**own, **agent.environment}})
        sidecars = {**sidecars, choices.QUEUE_AGENT: agent}
    rest = [
        _sidecar(name, sidecar, work, catalog, devices, log_group, slot)
        for name, sidecar in sidecars.items()
    ]
    ordered = sorted([main, *rest], key=lambda c: c["name"])
    return canonical([_pruned(c) for c in ordered])


def _sidecar(
    name: str,
    sidecar: Sidecar,
    work: RegionalWorkload,
    catalog: Catalog,
    devices: tuple[int, ...],
    log_group: str,
    slot: str,
) -> Definition:
    wanted = sidecar.neuron_devices
    opened = devices if wanted == "all" else wanted if isinstance(wanted, tuple) else ()
    return _container(f"{work.name}-{name}", sidecar, work, catalog, log_group, slot) | {
        "portMappings": _ports([sidecar.port] if sidecar.port else [], work.network_mode),
        "ulimits": _ulimits(sidecar, {}),
        "restartPolicy": {"enabled": True} if sidecar.restart else {},
        "healthCheck": {
            "command": [in_region(text, work.region) for text in sidecar.health_command or ()]
        },
        "cpu": sidecar.cpu_units,
        "memory": sidecar.memory_mib,
        "essential": sidecar.essential,
        # in bridge mode containers reach each other by name only through a link
        "links": [work.name] if work.network_mode == "bridge" and not _before(name, work) else [],
        "linuxParameters": _linux(sidecar) | {"devices": _devices(tuple(sorted(opened)))},
    }


def _before(name: str, work: RegionalWorkload) -> bool:
    """Whether the main container starts after the sidecar; a link is an order as well."""
    found: set[str] = set()
    todo = list(work.spec.starts_after)
    while todo:
        earlier = todo.pop()
        if earlier not in found and earlier in work.spec.sidecars:
            found.add(earlier)
            todo.extend(work.spec.sidecars[earlier].starts_after)
    return name in found


def _container(
    name: str,
    spec: Container,
    work: RegionalWorkload,
    catalog: Catalog,
    log_group: str,
    slot: str,
    own: Mapping[str, str] | None = None,
) -> Definition:
    region = work.region
    return {
        "name": name,
        "image": images.resolved(spec.image, region, catalog),
        "command": [in_region(text, region) for text in spec.command],
        "entryPoint": [in_region(text, region) for text in spec.entry_point],
        "environment": [
            {"name": n, "value": v}
            for n, v in sorted(_environment(spec, region, own or {}).items())
        ],
        "secrets": [
            {"name": n, "valueFrom": in_region(v, region)} for n, v in sorted(spec.secrets.items())
        ],
        "user": spec.user,
        "readonlyRootFilesystem": spec.read_only_root,
        "mountPoints": [
            {"sourceVolume": volume, "containerPath": path}
            for volume, path in (
                *sorted(volumes.empty_volumes(name, spec, catalog).items()),
                *sorted(volumes.shared_volumes(work.spec).items()),
            )
        ]
        + [
            {"sourceVolume": m.volume, "containerPath": m.path}
            | ({"readOnly": True} if m.read_only else {})
            for m in volumes.mounts(work, slot)
            if m.container == name
        ],
        "workingDirectory": spec.working_directory,
        "repositoryCredentials": {
            "credentialsParameter": spec.registry_login and in_region(spec.registry_login, region)
        },
        "dependsOn": [
            {"containerName": full, "condition": _CONDITIONS[condition]}
            for full, condition in sorted(
                (f"{work.name}-{n}" if n in work.spec.sidecars else n, c)
                for n, c in spec.starts_after.items()
            )
        ],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": log_group,
                "awslogs-region": region,
                "awslogs-stream-prefix": name,
            }
            | _log_options(work.spec),
        },
    }


# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html
_CONDITIONS = {
    "started": "START",
    "complete": "COMPLETE",
    "success": "SUCCESS",
    "healthy": "HEALTHY",
}


def _log_options(spec: Workload) -> dict[str, str]:
    """Says what AWS's default says since 2025-06-25, non-blocking, with a larger buffer.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html
    (defaultLogDriverMode)
    """
    if spec.log_mode == "blocking":
        return {"mode": "blocking"}
    return {"mode": "non-blocking", "max-buffer-size": f"{spec.log_buffer_mib}m"}


_EFA = {"memlock": Ulimit(soft=-1, hard=-1)}


def _ulimits(spec: Container, own: Mapping[str, Ulimit]) -> list[Definition]:
    return [
        {"name": name, "softLimit": limit.soft, "hardLimit": limit.hard}
        for name, limit in sorted({**own, **spec.ulimits}.items())
    ]


def process_tag(work: RegionalWorkload, slot: str, catalog: Catalog) -> str:
    """Returns how neuron-monitor calls the processes of a task: `model/number of the service`, or
    `job/name`, unless the stack file says otherwise; empty without devices, or if it is a secret.

    It is set whether something reads it or not: a variable that comes later restarts the tasks.
    https://awsdocs-neuron.readthedocs-hosted.com/en/latest/tools/neuron-sys-tools/neuron-monitor-user-guide.html
    """
    if not work.device_count or choices.PROCESS_TAG in work.spec.secrets:
        return ""
    written = work.spec.environment.get(choices.PROCESS_TAG)
    if written is not None:
        return in_region(written, work.region)
    tag = f"job/{work.name}" if work.is_job else f"{work.name}/{slot}"
    return names.fitted(tag, catalog.limits.value("process_tag_max"))


def _environment(spec: Container, region: str, more: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables of a container: those of the stack file, the Region's own and `more`.

    The agent sets AWS_REGION only since 2026, so that SDKs and the CLI would not find the Region
    (https://github.com/aws/amazon-ecs-agent/pull/4946).
    """
    own = {**dict.fromkeys(choices.REGION_VARIABLES, region), **more}
    written = {name: in_region(value, region) for name, value in spec.environment.items()}
    return {name: v for name, v in (own | written).items() if name not in spec.secrets}


def _ports(ports: Sequence[int], mode: NetworkMode) -> list[Definition]:
    """Port mappings of the server. In bridge mode Docker chooses the host port (0)."""
    return [
        {"containerPort": p, "hostPort": 0 if mode == "bridge" else p, "protocol": "tcp"}
        for p in ports
    ]


def _locks(devices: tuple[int, ...], work: RegionalWorkload) -> list[Definition]:
    """Reserves a host port for each device. An awsvpc task cannot reserve ports of the host."""
    if work.network_mode == "awsvpc":
        return []
    ports = [choices.LOCK_PORT_BASE + d for d in devices]
    return [{"containerPort": p, "hostPort": p, "protocol": "tcp"} for p in ports]


def _linux(spec: Container) -> Definition:
    return {
        "capabilities": {
            "add": sorted(spec.linux_capabilities),
            "drop": sorted(spec.drop_capabilities),
        },
        "initProcessEnabled": spec.init,
    }


def _devices(devices: tuple[int, ...]) -> list[Definition]:
    return [_device(f"/dev/neuron{d}") for d in devices]


def _device(path: str) -> Definition:
    return {"hostPath": path, "containerPath": path, "permissions": ["read", "write"]}


def _health(check: HealthCheck | None, region: str) -> Definition:
    if check is None or check.command is None:
        return {}
    start = check.start_period_seconds
    return {
        "command": [in_region(text, region) for text in check.command],
        "interval": check.interval_seconds,
        "timeout": check.timeout_seconds,
        "retries": check.retries,
        "startPeriod": choices.CONTAINER_START_PERIOD_SECONDS if start is None else start,
    }


_ZERO_BY_DEFAULT = frozenset({"cpu", "startPeriod", "readonlyRootFilesystem", "initProcessEnabled"})


def _pruned(value: Any) -> Any:
    """Returns the value without empty values, and without 0 and false where ECS takes them if
    nothing is said. 0 stays as a host port, where it means dynamic."""
    if isinstance(value, dict):
        pruned = {k: _pruned(v) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType] (JSON)
        return {
            k: v
            for k, v in pruned.items()  # pyright: ignore[reportUnknownVariableType] (JSON)
            if v or (v == 0 and k not in _ZERO_BY_DEFAULT)
        }
    if isinstance(value, list):
        return [_pruned(v) for v in value]  # pyright: ignore[reportUnknownVariableType] (JSON)
    return value
