"""Daemons of a Region: what watches the chips of its Auto Scaling capacity, on each instance."""

import json
from collections.abc import Sequence

from planning import audit, choices, identity, images, names, neuron_metrics, plan
from planning.daemon_kinds import METRICS, DaemonKind, daemon_kinds
from planning.price import HOURS
from planning.situation import Situation

Container = dict[str, object]


def daemons(s: Situation, region: plan.RegionPlan) -> tuple[plan.Daemon, ...]:
    """Returns the daemons that the stack file switches on in a Region, by name."""
    here = [pool for (name, _), pool in s.pools.items() if name == region.name]
    kinds = dict.fromkeys(kind for pool in here for kind in daemon_kinds(s.settings, pool))
    return tuple(_daemon(s, region, kind) for kind in sorted(kinds, key=lambda kind: kind.name))


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
    containers = _metrics(s, region.name, logs.name)
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
            container_definitions=json.dumps(containers, sort_keys=True, separators=(",", ":")),
            task_role=identity.logical_name(s, identity.daemon_role(kind)),
            execution_role=identity.logical_name(s, choices.EXECUTION_ROLE),
            devices=(),
            image=str(containers[0]["image"]),
        ),
        log_group=logs,
        metrics=_series(s, region),
        log_mib=sum(_log_mib(s, pool) for pool in pools),
    )


def _on_types(types: Sequence[str]) -> str:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-query-language.html"""
    return f"attribute:ecs.instance-type in [{', '.join(types)}]"


# ---- neuron-monitor and the CloudWatch agent -------------------------------------------------


def _metrics(s: Situation, region: str, logs: str) -> list[Container]:
    """neuron-monitor needs every device of the instance, which it opens without taking a core.

    https://github.com/aws-neuron/aws-neuron-sdk (src/k8/k8s-neuron-monitor-daemonset.yml)
    """
    given, known = s.settings.neuron_metrics, s.catalog.neuron.daemon_images
    assert given is not None
    rows = s.catalog.neuron.metrics
    port = choices.MONITOR_PORT
    agent = _container(
        "cloudwatch-agent",
        images.resolved(given.agent_image or known["cloudwatch-agent"], region, s.catalog),
        choices.AGENT_SIZE,
        region,
        logs,
        {
            "CW_CONFIG_CONTENT": neuron_metrics.publishing(
                region=region,
                log_group=logs,
                namespace=neuron_metrics.namespace(s.project, s.stack),
                metrics=rows,
            ),
            "PROMETHEUS_CONFIG_CONTENT": neuron_metrics.scraping(port, rows),
        },
    )
    monitor = _container(
        "neuron-monitor",
        images.resolved(given.monitor_image or known["neuron-monitor"], region, s.catalog),
        choices.MONITOR_SIZE,
        region,
        logs,
        {"GOMEMLIMIT": choices.MONITOR_MEMORY_LIMIT},
    )
    config = "/opt/aws/neuron/bin/neuron-monitor.conf"
    return [
        agent | {"dependsOn": [{"containerName": "neuron-monitor", "condition": "START"}]},
        monitor
        | {
            "entryPoint": ["/opt/bin/entrypoint.sh"],
            "command": ["--port", str(port), "--neuron-monitor-config", config],
            "privileged": True,
            "portMappings": [
                {"containerPort": port, "hostPort": port, "protocol": "tcp"}
                for port in METRICS.ports
            ],
        },
    ]


def _container(
    name: str,
    image: str,
    size: tuple[int, int],
    region: str,
    logs: str,
    environment: dict[str, str],
) -> Container:
    variables = {**dict.fromkeys(choices.REGION_VARIABLES, region), **environment}
    cpu, memory = size
    return {
        "name": name,
        "image": image,
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
    each = [row for row in s.catalog.neuron.metrics if row.dimension == neuron_metrics.TAG]
    rest = len(s.catalog.neuron.metrics) - len(each)
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
