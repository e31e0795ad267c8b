"""The default alarms of a stack: what is measured of every model, and who receives them."""

from collections.abc import Iterator, Sequence

from planning import choices, names, plan
from planning.alarms import (
    Alarm,
    Comparison,
    Dimension,
    Math,
    Metric,
    MissingData,
    NameOf,
    Query,
    SlackChannel,
    Statistic,
)
from planning.identity import logical_name
from planning.regional import in_region
from planning.situation import Situation

# ---- recipients ------------------------------------------------------------------------------


def topics(s: Situation, region: str) -> tuple[str, ...]:
    """Returns the ARNs of the stack file's topics of a Region."""
    wanted = s.settings.alarms
    if wanted is None:
        return ()
    given = wanted.topics
    here = given.get(region, ()) if isinstance(given, dict) else given
    return tuple(dict.fromkeys(in_region(arn, region) for arn in here))


def topic(s: Situation, region: str) -> plan.Topic | None:
    """Returns the topic that the stack makes in a Region, for mail and Slack; `None` without."""
    wanted = s.settings.alarms
    if wanted is None or not (wanted.emails or wanted.slack):
        return None
    place = s.catalog.places.regions[region]
    most = s.catalog.limits.value("topic_name_max")
    name = names.fitted(names.key(s.project, s.stack, "alarms"), most)
    return plan.Topic(
        key=names.key(place.short, "alarms"),
        name=name,
        emails=tuple(sorted(set(wanted.emails))),
        policy=(
            {
                "Effect": "Allow",
                "Principal": {"Service": ("cloudwatch.amazonaws.com", "events.amazonaws.com")},
                "Action": "sns:Publish",
                "Resource": f"arn:{place.partition}:sns:{region}:{choices.ACCOUNT}:{name}",
                "Condition": {"StringEquals": {"aws:SourceAccount": choices.ACCOUNT}},
            },
        ),
    )


def slack(s: Situation) -> SlackChannel | None:
    """Returns the Slack channel of the stack; `None` without one."""
    channel = s.settings.alarms and s.settings.alarms.slack
    if not channel:
        return None
    policy = s.catalog.resources.managed_policy("read_cloudwatch")
    return SlackChannel(
        key="alarms",
        name=names.fitted(
            names.key(s.project, s.stack, "alarms"), s.catalog.limits.value("chat_name_max")
        ),
        region=choices.SLACK_REGION,
        workspace=channel.workspace,
        channel=channel.channel,
        role=logical_name(s, choices.SLACK_ROLE),
        guardrails=(f"arn:{s.partition}:iam::aws:policy/{policy}",),
    )


# ---- alarms ----------------------------------------------------------------------------------


def alarms(s: Situation, region: plan.RegionPlan) -> tuple[Alarm, ...]:
    """Returns the default alarms of a Region, model by model; none without `alarms`."""
    if s.settings.alarms is None:
        return ()
    made = _Alarms(s, region)
    return tuple(alarm for model in region.models for alarm in made.of_model(model))


_COUNTS: tuple[tuple[str, str, Statistic], ...] = (
    ("w", "DesiredTaskCount", "Minimum"),
    ("r", "RunningTaskCount", "Maximum"),
)


class _Alarms:
    """Makes the alarms of a Region, all with the same recipients."""

    def __init__(self, s: Situation, region: plan.RegionPlan) -> None:
        self._stack = f"{s.project}-{s.stack}"
        self._limits = s.catalog.limits
        self._region = region
        own = (NameOf("topic", region.topic.key),) if region.topic else ()
        self._recipients: tuple[str | NameOf, ...] = (*topics(s, region.name), *own)

    def of_model(self, model: plan.ModelPlan) -> Iterator[Alarm]:
        """Yields the alarms of a model, whose `min` decides what must be there."""
        for group in model.target_groups:
            yield from self._answering(model, group)
        yield from self._wanted(model)

    def _answering(self, model: plan.ModelPlan, group: plan.TargetGroup) -> Iterator[Alarm]:
        """No healthy replica, and fewer than the minimum.

        A target group without targets reports nothing, and neither does one of a model at zero.
        https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
        """
        balancer = self._region.load_balancer
        called, least = model.called(group), model.replicas_min
        if balancer is None or not least:
            return
        levels = [(1, choices.SILENT_MINUTES, "silent", "no healthy replica")]
        if least > 1:
            few = f"fewer than {least} healthy replicas"
            levels.append((least, choices.FEWER_MINUTES, "fewer", few))
        for threshold, minutes, word, what in levels:
            yield self._alarm(
                names.key(model.key, group.sidecar, word),
                called,
                what,
                do=f"neuron-ecs status {model.name}",
                incident="a-model-does-not-answer",
                measured=Metric(
                    "AWS/ApplicationELB",
                    "HealthyHostCount",
                    (
                        Dimension("LoadBalancer", NameOf("load_balancer", balancer.key)),
                        Dimension("TargetGroup", NameOf("target_group", group.key)),
                    ),
                    "Minimum",
                    choices.METRIC_SECONDS,
                ),
                comparison="LessThanThreshold",
                threshold=threshold,
                periods=minutes * 60 // choices.METRIC_SECONDS,
                missing_data="breaching",
                model=model,
            )

    def _wanted(self, model: plan.ModelPlan) -> Iterator[Alarm]:
        """Tasks that are wanted and do not run; several alarms where one cannot hold them all."""
        each = self._limits.value("alarm_metrics_max") // 2
        parts = [model.services[at : at + each] for at in range(0, len(model.services), each)]
        for number, services in enumerate(parts, start=1):
            yield self._alarm(
                names.key(model.key, "wanted", str(number) if len(parts) > 1 else ""),
                model.name,
                "tasks are wanted and do not run"
                + (f" ({number} of {len(parts)})" if len(parts) > 1 else ""),
                do=f"neuron-ecs events {model.name}",
                incident="no-capacity-in-a-zone",
                measured=self._missing(services),
                comparison="GreaterThanThreshold",
                threshold=0,
                periods=choices.WANTED_PERIODS,
                missing_data="breaching" if model.replicas_min else "notBreaching",
                model=model,
            )

    def _missing(self, services: Sequence[plan.Service]) -> Math:
        """Wanted less running tasks of these services, one by one.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
        """
        queries: list[Query] = []
        terms: list[str] = []
        for at, service in enumerate(services):
            for letter, name, statistic in _COUNTS:
                metric = Metric(
                    "ECS/ContainerInsights",
                    name,
                    (
                        Dimension("ClusterName", NameOf("cluster", self._cluster(service))),
                        Dimension("ServiceName", NameOf("service", service.key)),
                    ),
                    statistic,
                    choices.WANTED_SECONDS,
                )
                queries.append(Query(f"{letter}{at}", metric))
            terms.append(f"IF(w{at} > r{at}, w{at} - r{at}, 0)")
        return Math(" + ".join(terms), "wanted and not running", tuple(queries))

    def _cluster(self, service: plan.Service) -> str:
        """The key of the cluster of a service's pool."""
        for cluster in (self._region.auto_scaling, self._region.managed_instances):
            if cluster and any(pool.key == service.pool for pool in cluster.pools):
                return cluster.key
        raise KeyError(service.pool)

    def _alarm(
        self,
        key: str,
        subject: str,
        what: str,
        *,
        do: str,
        incident: str,
        measured: Metric | Math,
        comparison: Comparison,
        threshold: float,
        periods: int,
        missing_data: MissingData,
        model: plan.ModelPlan,
    ) -> Alarm:
        seconds = (
            measured.period_seconds
            if isinstance(measured, Metric)
            else measured.queries[0].metric.period_seconds
        )
        return Alarm(
            key=key,
            name=names.fitted(
                f"{self._stack} {subject} in {self._region.name}: {what}, run {do}",
                self._limits.value("alarm_name_max"),
            ),
            description=(
                f"{subject} in {self._region.name}: {what} for {seconds * periods // 60} minutes. "
                f"Run {do}, then follow {choices.RUNBOOK}#{incident}"
            ),
            measured=measured,
            comparison=comparison,
            threshold=threshold,
            periods=periods,
            datapoints=periods,
            missing_data=missing_data,
            actions=self._recipients,
            ok_actions=self._recipients,
            after=tuple(service.key for service in model.services),
        )
