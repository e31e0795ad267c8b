"""Daemons of a Region: what watches the chips of its Auto Scaling capacity, on each instance."""

from collections.abc import Mapping, Sequence
from functools import partial

from catalog import Catalog, NeuronMetric
from config import NeuronMetrics
from planning import agent, audit, choices, identity, images, names, neuron_metrics, plan
from planning.canonical import canonical
from planning.daemon_kinds import DETECTOR, METRICS, DaemonKind, daemon_images, daemon_kinds
from planning.price import HOURS
from planning.situation import Situation

Container = dict[str, object]


def daemons(s: Situation, region: plan.RegionPlan) -> tuple[plan.Daemon, ...]:
    """Returns the daemons that the stack file switches on in a Region, by name."""
    return tuple(_daemon(s, region, kind) for kind in kinds_in(s, region.name))


def kinds_in(s: Situation, region: str) -> list[DaemonKind]:
    """Returns which daemons a pool of the Region has, by name."""
    here = (pool for (name, _), pool in s.pools.items() if name == region)
    kinds = {kind for pool in here for kind in daemon_kinds(s.settings, pool)}
    return sorted(kinds, key=lambda kind: kind.name)


def _daemon(s: Situation, region: plan.RegionPlan, kind: DaemonKind) -> plan.Daemon:
    cluster = region.auto_scaling
    assert cluster is not None  # a daemon has a pool
    pools = [pool for pool in cluster.pools if pool.layout.devices]
    key = names.key(region.short, "daemon", kind.name)
    logs = plan.LogGroup(
        names.key(key, "logs"),
        identity.daemon_logs(s, kind),
        choices.DAEMON_LOG_DAYS,
        audit.kms_key(s, region.name),
    )
    given = s.settings.neuron_metrics
    assert given is not None  # a daemon is switched on there
    make = _metrics if kind == METRICS else _detector
    containers = make(s, given, region.name, logs.name)
    return plan.Daemon(
        key=key,
        name=kind.name,
        cluster=cluster.key,
        task_definition=plan.TaskDefinition(
            key=key,
            family=names.key(s.project, s.stack, "daemon", kind.name),
            compatibility="EC2",
            # Its own metadata service is one hop away from the instance: bridge does not reach it.
            network_mode="host",
            cpu=kind.room.cpu_units,
            memory=kind.room.memory_mib,
            member_of=(_on_types(sorted({pool.instance_type for pool in pools})),),
            container_definitions=canonical(containers),
            task_role=identity.logical_name(s, identity.daemon_role(kind)),
            execution_role=identity.logical_name(s, choices.EXECUTION_ROLE),
            devices=(),
            image=str(containers[0]["image"]),
        ),
        log_group=logs,
        metrics=_series(s, region) if kind == METRICS else 0,
        log_mib=sum(_log_mib(s, pool) for pool in pools) if kind == METRICS else 0,
    )


def _on_types(types: Sequence[str]) -> str:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-query-language.html"""
    return f"attribute:ecs.instance-type in [{', '.join(types)}]"


# ---- neuron-monitor and the CloudWatch agent -------------------------------------------------


def _metrics(s: Situation, given: NeuronMetrics, region: str, logs: str) -> list[Container]:
    """neuron-monitor needs every device of the instance, which it opens without taking a core.

    https://github.com/aws-neuron/aws-neuron-sdk (src/k8/k8s-neuron-monitor-daemonset.yml)
    """
    pulled, rows, port = daemon_images(given, s.catalog), _published(s), choices.MONITOR_PORT
    detected = {"node-problem-detector": choices.DETECTOR_PORT} if given.problem_detector else {}
    configured = agent.variables(
        region=region,
        log_group=logs,
        jobs=neuron_metrics.scraping({neuron_metrics.JOB: port} | detected, rows),
        metrics=neuron_metrics.publishing(s.qualified_name, rows),
    )
    limited = {"GOMEMLIMIT": choices.MONITOR_MEMORY_LIMIT}
    container = partial(_container, s.catalog, region, logs)
    config = "/opt/aws/neuron/bin/neuron-monitor.conf"
    return [
        container("cloudwatch-agent", pulled["agent_image"], choices.AGENT_SIZE, configured)
        | {"dependsOn": [{"containerName": "neuron-monitor", "condition": "START"}]},
        container("neuron-monitor", pulled["monitor_image"], choices.MONITOR_SIZE, limited)
        | {
            "entryPoint": ["/opt/bin/entrypoint.sh"],
            "command": ["--port", str(port), "--neuron-monitor-config", config],
            "privileged": True,
            "portMappings": _ports(METRICS),
        },
    ]


def _published(s: Situation) -> list[NeuronMetric]:
    """The metrics of what is switched on."""
    given = s.settings.neuron_metrics
    detected = given is not None and given.problem_detector is not None
    rows = s.catalog.neuron.metrics
    return [row for row in rows if detected or row.metric != neuron_metrics.PROBLEM]


def _ports(kind: DaemonKind) -> list[Container]:
    return [{"containerPort": p, "hostPort": p, "protocol": "tcp"} for p in kind.ports]


# ---- the node problem detector and the recovery ------------------------------------------------


def _detector(s: Situation, given: NeuronMetrics, region: str, logs: str) -> list[Container]:
    """The detector reads the kernel's log, and the recovery the metrics of the detector.

    https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/ecs/npd.html
    """
    detector, pulled = given.problem_detector, daemon_images(given, s.catalog)
    assert detector is not None  # or the daemon is not switched on
    container = partial(_container, s.catalog, region, logs)
    reader = pulled["problem_detector.detector_image"]
    recovery = pulled["problem_detector.recovery_image"]
    recovers = {"ENABLE_RECOVERY": "true" if detector.recovery else "false"}
    config = "/config/kernel-monitor.json"
    started = (
        f"echo '{neuron_metrics.problems(s.catalog.neuron.faults)}' > {config} && "
        "exec /node-problem-detector --logtostderr --enable-k8s-exporter=false "
        f"--config.system-log-monitor={config}"
    )
    kmsg = "/dev/kmsg"
    device = {"hostPath": kmsg, "containerPath": kmsg, "permissions": ["read", "write"]}
    return [
        container("node-problem-detector", reader, choices.DETECTOR_SIZE, {})
        | {
            "entryPoint": ["/bin/sh", "-c"],
            "command": [started],
            "privileged": True,
            "linuxParameters": {"devices": [device]},
            "portMappings": _ports(DETECTOR),
        },
        container("recovery", recovery, choices.RECOVERY_SIZE, recovers)
        | {
            "entryPoint": ["/bin/sh", "-c"],
            "command": ["python scripts/check-health.py"],
            "readonlyRootFilesystem": True,
            "dependsOn": [{"containerName": "node-problem-detector", "condition": "START"}],
        },
    ]


def _container(
    catalog: Catalog,
    region: str,
    logs: str,
    name: str,
    image: str,
    size: tuple[int, int],
    environment: Mapping[str, str],
) -> Container:
    variables = {**dict.fromkeys(choices.REGION_VARIABLES, region), **environment}
    cpu, memory = size
    return {
        "name": name,
        "image": images.resolved(image, region, catalog),
        "cpu": cpu,
        "memory": memory,
        "essential": True,
        "environment": [{"name": n, "value": v} for n, v in sorted(variables.items())],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": logs,
                "awslogs-region": region,
                "awslogs-stream-prefix": name,
                "mode": "non-blocking",
                "max-buffer-size": choices.DAEMON_LOG_BUFFER,
            },
        },
    }


# ---- what it costs ---------------------------------------------------------------------------


def _series(s: Situation, region: plan.RegionPlan) -> int:
    """One of each metric for each tag; of the others one for each value that is let through."""
    rows = _published(s)
    each = [row for row in rows if row.dimension == neuron_metrics.TAG]
    rest = len(rows) - len(each)
    return (
        len(each) * len(neuron_metrics.tagged(region)) + rest + 1
    )  # uncorrected errors of two kinds of memory


def _log_mib(s: Situation, pool: plan.AutoScalingPool) -> int:
    """One event a minute for each series: of a core, of a task (memory, six kinds of errors), and
    of a chip (two kinds of memory)."""
    kind = s.catalog.instances.types[pool.instance_type]
    cores = kind.neuron.devices * kind.neuron.cores_per_device if kind.neuron else 0
    events = cores + 7 * len(pool.layout.slots) + 2 * pool.layout.devices
    minutes = HOURS * 60
    return pool.layout.instances_max * events * minutes * choices.METRIC_EVENT_BYTES // 2**20
