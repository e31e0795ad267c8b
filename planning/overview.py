"""What the dashboard of a Region shows: decided from its plan."""

from collections.abc import Iterator

from planning import choices, names, neuron_metrics, plan
from planning.alarms import Dimension, Metric, NameOf
from planning.cores import core_ranges
from planning.daemon_kinds import METRICS
from planning.dashboards import Dashboard, Graph, Line, Section, fitted
from planning.situation import Situation


def dashboard(s: Situation, region: plan.RegionPlan) -> Dashboard | None:
    """Returns the dashboard of a Region; `None` where the stack file wants none."""
    if not s.settings.dashboards:
        return None
    namespace = s.qualified_name
    sections = [_models(region), _chips(region, namespace), _pools(region)]
    limits = s.catalog.limits
    return Dashboard(
        key=names.key(region.short, "dashboard"),
        name=names.key(s.project, s.stack, region.name),
        sections=fitted(
            sections, limits.value("dashboard_metrics_max"), limits.value("graph_metrics_max")
        ),
    )


# ---- models ----------------------------------------------------------------------------------


def _models(region: plan.RegionPlan) -> Section:
    of_balancer = (
        ("Requests", "Sum", "RequestCount"),
        ("Answers with 5XX", "Sum", "HTTPCode_Target_5XX_Count"),
        ("Seconds until a whole answer, p90", "p90", "TargetResponseTime"),
        ("Healthy replicas", "Minimum", "HealthyHostCount"),
    )
    of_tasks = (
        ("Tasks wanted", "Minimum", "DesiredTaskCount"),
        ("Tasks that run", "Maximum", "RunningTaskCount"),
    )
    graphs = [
        Graph(title, statistic, choices.METRIC_SECONDS, tuple(_called(region, metric)))
        for title, statistic, metric in of_balancer
    ] + [
        Graph(title, statistic, choices.METRIC_SECONDS, tuple(_counted(region, metric)))
        for title, statistic, metric in of_tasks
    ]
    of_servers = (
        ("Requests at once", "Sum", _queued(region)),
        ("Seconds until the first token, average", "Average", _first_tokens(region)),
    )
    graphs += [
        Graph(title, statistic, choices.METRIC_SECONDS, lines)
        for title, statistic, lines in of_servers
        if lines
    ]
    text = f"## Models in {region.name}\nBehind the load balancer: {_links(region)}"
    return Section(text, choices.HEADING_ROWS, tuple(graphs))


def _links(region: plan.RegionPlan) -> str:
    called = [model.called(group) for model in region.models for group in model.target_groups]
    return ", ".join(called) or "none"


def _called(region: plan.RegionPlan, metric: str) -> Iterator[Line]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html"""
    balancer = region.load_balancer
    if balancer is None:
        return
    for model in region.models:
        for group in model.target_groups:
            dimensions = (
                Dimension("TargetGroup", NameOf("target_group", group.key)),
                Dimension("LoadBalancer", NameOf("load_balancer", balancer.key)),
            )
            yield Line(model.called(group), "AWS/ApplicationELB", metric, dimensions)


def _queued(region: plan.RegionPlan) -> tuple[Line, ...]:
    """What the servers of models run and queue, as their sidecars measure it."""
    return tuple(
        _line(f"{model.name} {metric.name.rpartition('_')[2]}", metric)
        for model in region.models
        if model.server_metrics
        for metric in model.server_metrics.requests_at_once
    )


def _first_tokens(region: plan.RegionPlan) -> tuple[Line, ...]:
    """A whole answer of a stream takes as long as it has tokens; this says how it begins."""
    return tuple(
        _line(model.name, model.server_metrics.first_token)
        for model in region.models
        if model.server_metrics and model.server_metrics.first_token
    )


def _line(label: str, metric: Metric) -> Line:
    return Line(label, metric.namespace, metric.name, metric.dimensions)


def _counted(region: plan.RegionPlan, metric: str) -> Iterator[Line]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html"""
    for model in region.models:
        for service in model.services:
            dimensions = (
                Dimension("ClusterName", NameOf("cluster", region.cluster_of(service.pool))),
                Dimension("ServiceName", NameOf("service", service.key)),
            )
            label = f"{model.name} {_devices(service.task_definition.devices)}".rstrip()
            yield Line(label, "ECS/ContainerInsights", metric, dimensions)


def _devices(devices: tuple[int, ...] | str) -> str:
    if not devices:
        return ""
    return "all chips" if isinstance(devices, str) else f"chips {core_ranges(list(devices))}"


# ---- chips -----------------------------------------------------------------------------------


def _chips(region: plan.RegionPlan, namespace: str) -> Section:
    """Which model has which chip of each pool's instances, in the order of `map`, and what the
    chips of each do."""
    rows = [
        f"| {pool.name} | {_devices(slot.devices) or '-'} | {', '.join(_runs(slot)) or 'free'} |"
        for pool in region.pools
        for slot in pool.layout.slots
    ]
    head = ["## Chips", "| pool | of each instance | runs |", "|---|---|---|"]
    height = min(choices.GRAPH_COLUMNS, choices.HEADING_ROWS + (len(rows) + 1) // 2)
    return Section("\n".join([*head, *rows]), height, tuple(_done(region, namespace)))


def _done(region: plan.RegionPlan, namespace: str) -> Iterator[Graph]:
    """A line for each task with a tag: of all its cores, on all instances that run it."""
    if not region.daemon(METRICS.name):
        return
    tagged = neuron_metrics.tagged(region)
    for title, statistic, name in (
        ("Busy cores, 0 to 1", "Average", neuron_metrics.BUSY),
        ("The idlest core, 0 to 1", "Minimum", neuron_metrics.BUSY),
        ("Memory of the chips, bytes", "Maximum", neuron_metrics.MEMORY),
        ("Executions that failed", "Sum", neuron_metrics.ERRORS),
    ):
        lines = (
            Line(
                f"{one.pool} {_devices(one.devices)}: {one.workload}",
                namespace,
                name,
                (Dimension(neuron_metrics.TAG, one.tag),),
            )
            for one in tagged
        )
        yield Graph(title, statistic, choices.METRIC_SECONDS, tuple(lines))
    yield Graph(
        "Hardware errors, of all chips",
        "Sum",
        choices.METRIC_SECONDS,
        tuple(
            Line(label, namespace, name, (Dimension(dimension, value),))
            for label, (name, dimension, value) in neuron_metrics.HARDWARE.items()
        ),
    )


def _runs(slot: plan.Slot) -> list[str]:
    return [f"{a.workload} (job)" if a.is_job else a.workload for a in slot.assignments]


# ---- pools -----------------------------------------------------------------------------------


def _pools(region: plan.RegionPlan) -> Section:
    graphs = (
        Graph("Instances", "Maximum", choices.METRIC_SECONDS, tuple(_instances(region))),
        Graph(
            "Wanted of what runs, %", "Maximum", choices.METRIC_SECONDS, tuple(_reserved(region))
        ),
        Graph(
            "Launches refused and other events",
            "Sum",
            choices.ERROR_SECONDS,
            tuple(
                Line(
                    rule.title.partition(": ")[2],
                    "AWS/Events",
                    "TriggeredRules",
                    (Dimension("RuleName", NameOf("event_rule", rule.key)),),
                )
                for rule in region.event_rules
            ),
        ),
    )
    text = f"## Pools\n{', '.join(pool.name for pool in region.pools)}"
    return Section(text, choices.HEADING_ROWS, graphs)


def _instances(region: plan.RegionPlan) -> Iterator[Line]:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-metrics.html: a group
    reports none of its metrics before it is asked to."""
    words = {
        "GroupDesiredCapacity": "wanted",
        "GroupInServiceInstances": "in service",
        "GroupMaxSize": "at most",
    }
    for pool in region.auto_scaling.pools if region.auto_scaling else ():
        for metric in choices.GROUP_METRICS:
            dimension = Dimension("AutoScalingGroupName", NameOf("auto_scaling_group", pool.key))
            yield Line(f"{pool.name} {words[metric]}", "AWS/AutoScaling", metric, (dimension,))
    if region.managed_instances:
        dimension = Dimension("ClusterName", NameOf("cluster", region.managed_instances.key))
        label = "Managed Instances in service"
        yield Line(label, "ECS/ContainerInsights", "ContainerInstanceCount", (dimension,))


def _reserved(region: plan.RegionPlan) -> Iterator[Line]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-auto-scaling.html: above
    100 instances are missing, below there are too many."""
    cluster = region.auto_scaling
    for pool in cluster.pools if cluster else ():
        if cluster and pool.managed_scaling:
            dimensions = (
                Dimension("CapacityProviderName", NameOf("capacity_provider", pool.key)),
                Dimension("ClusterName", NameOf("cluster", cluster.key)),
            )
            yield Line(
                pool.name, "AWS/ECS/ManagedScaling", "CapacityProviderReservation", dimensions
            )
