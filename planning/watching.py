"""The default alarms of a stack: what is measured of every model and load balancer."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from planning import choices, names, neuron_metrics, plan
from planning.alarms import (
    Alarm,
    Comparison,
    Dimension,
    Math,
    Metric,
    MissingData,
    NameOf,
    Query,
    Statistic,
    balancer_metric,
)
from planning.daemon_kinds import DETECTOR, METRICS
from planning.recipients import recipients, runbook
from planning.situation import Situation

_T = TypeVar("_T")


def alarms(s: Situation, region: plan.RegionPlan) -> tuple[Alarm, ...]:
    """Returns the default alarms of a Region, model by model; none without `alarms`."""
    if s.settings.alarms is None:
        return ()
    made = _Alarms(s, region)
    of_models = (alarm for model in region.models for alarm in made.of_model(model))
    return (*of_models, *made.of_region())


def judged(models: Sequence[plan.ModelPlan], alarms: Sequence[Alarm]) -> tuple[plan.ModelPlan, ...]:
    """Returns the models with the alarms that end their deployments: those of 5XX answers.

    ECS goes on watching after the new tasks run, for a time that follows from the alarms
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html). An
    alarm of missing replicas would end each deployment that stops a task before it starts one.
    """
    names_of = {alarm.key: alarm.name for alarm in alarms}
    found: list[plan.ModelPlan] = []
    for model in models:
        keys = (names.key(model.key, group.sidecar, "errors") for group in model.target_groups)
        mine = tuple(names_of[key] for key in keys if key in names_of)
        services = tuple(_judged(service, mine) for service in model.services)
        found.append(replace(model, services=services) if mine else model)
    return tuple(found)


def _judged(service: plan.Service, alarms: tuple[str, ...]) -> plan.Service:
    minutes, waits = choices.BAKE_MINUTES, service.timeouts
    longer = replace(
        waits,
        create_minutes=min(choices.MOST_MINUTES, waits.create_minutes + minutes),
        update_minutes=min(choices.MOST_MINUTES, waits.update_minutes + minutes),
    )
    return replace(service, alarms=alarms, timeouts=longer)


_COUNTS: tuple[tuple[str, str, Statistic], ...] = (
    ("w", "DesiredTaskCount", "Minimum"),
    ("r", "RunningTaskCount", "Maximum"),
)


class _Alarms:
    """Makes the alarms of a Region, all with the same recipients."""

    def __init__(self, s: Situation, region: plan.RegionPlan) -> None:
        self._situation = s
        self._stack = f"{s.project}-{s.stack}"
        self._limits = s.catalog.limits
        self._region = region
        self._recipients = recipients(s, region)
        self._namespace = s.qualified_name  # a dimension would need the cluster's name
        watched = neuron_metrics.tagged(region) if region.daemon(METRICS.name) else ()
        self._tagged = [one for one in watched if not one.is_job]

    def of_model(self, model: plan.ModelPlan) -> Iterator[Alarm]:
        """Yields the alarms of a model, whose `min` decides what must be there."""
        for group in model.target_groups:
            yield from self._answering(model, group)
            yield from self._failing(model, group)
        yield from self._wanted(model)
        yield from self._at_its_limit(model)
        yield from self._executing(model)

    def of_region(self) -> Iterator[Alarm]:
        """Yields the alarms of what the models of a Region share."""
        yield from self._unreachable()
        yield from self._dropped()
        yield from self._hardware()

    def _answering(self, model: plan.ModelPlan, group: plan.TargetGroup) -> Iterator[Alarm]:
        """No healthy replica, and fewer than the minimum for longer than a start takes.

        A target group without targets reports nothing. For a model that may be at zero it is a
        replica that stays unhealthy.
        https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
        """
        least, start = model.replicas_min, max(choices.FEWER_MINUTES, -(-model.serve_seconds // 60))
        if not least:
            yield from self._healthy(model, group, "unhealthy", 0, start, "an unhealthy replica")
            return
        yield from self._healthy(
            model, group, "silent", 1, choices.SILENT_MINUTES, "no healthy replica"
        )
        if least > 1:
            few = f"fewer than {least} healthy replicas"
            yield from self._healthy(model, group, "fewer", least, start, few)

    def _healthy(
        self,
        model: plan.ModelPlan,
        group: plan.TargetGroup,
        word: str,
        least: int,
        minutes: int,
        what: str,
    ) -> Iterator[Alarm]:
        """Fewer healthy targets than `least`; if it is 0, unhealthy ones."""
        balancer, seconds = self._region.load_balancer, choices.METRIC_SECONDS
        if balancer is None:
            return
        healthy = balancer_metric("HealthyHostCount", "Minimum", seconds, balancer.key, group.key)
        unhealthy = balancer_metric(
            "UnHealthyHostCount", "Maximum", seconds, balancer.key, group.key
        )
        measured: Metric | Math = healthy if least else unhealthy
        if least and (rests := self._rests(model, "healthy")):
            expression = f"IF({rests}, {least}, healthy)"
            measured = Math(expression, "healthy replicas", (Query("healthy", healthy),))
        yield self._alarm(
            names.key(model.key, group.sidecar, word),
            model.called(group),
            what,
            do=f"neuron-ecs status {model.name}",
            incident="a-model-does-not-answer-a-wrong-health-path",
            measured=measured,
            comparison="LessThanThreshold" if least else "GreaterThanThreshold",
            threshold=least,
            periods=min(choices.LONGEST_PERIODS, minutes * 60 // seconds),
            missing_data="breaching" if least else "notBreaching",
            model=model,
        )

    def _failing(self, model: plan.ModelPlan, group: plan.TargetGroup) -> Iterator[Alarm]:
        """The part of the answers of a model that are 5XX, where there are some."""
        balancer, seconds = self._region.load_balancer, choices.ERROR_SECONDS
        if balancer is None:
            return
        counts = {"errors": "HTTPCode_Target_5XX_Count", "requests": "RequestCount"}
        yield self._alarm(
            names.key(model.key, group.sidecar, "errors"),
            model.called(group),
            f"more than {choices.ERROR_PERCENT} % of its answers are 5XX",
            do=f"neuron-ecs logs {model.name}",
            incident="a-model-does-not-answer-a-wrong-health-path",
            measured=Math(
                f"IF(requests >= {choices.ERROR_REQUESTS}, 100 * FILL(errors, 0) / requests, 0)",
                "% of answers that are 5XX",
                tuple(
                    Query(
                        word,
                        balancer_metric(name, "Sum", seconds, balancer.key, group.key),
                    )
                    for word, name in counts.items()
                ),
            ),
            threshold=choices.ERROR_PERCENT,
            periods=choices.ERROR_PERIODS,
            model=model,
        )

    def _at_its_limit(self, model: plan.ModelPlan) -> Iterator[Alarm]:
        """More load than the maximum of replicas is for: what scales them can do no more."""
        target = model.mover.target if model.mover else None
        measured = model.load
        if not target or measured is None:
            return
        most = target * model.replicas_max
        yield self._alarm(
            names.key(model.key, "limit"),
            model.name,
            f"more than {most} {measured.label}, what its {model.replicas_max} replicas are for",
            do=f"neuron-ecs status {model.name}",
            incident="",
            measured=measured,
            threshold=most,
            periods=choices.LIMIT_MINUTES * 60 // choices.METRIC_SECONDS,
            model=model,
        )

    def _unreachable(self) -> Iterator[Alarm]:
        """Answers that the load balancer gives in place of a model."""
        balancer = self._region.load_balancer
        if balancer is None:
            return
        yield self._alarm(
            names.key(balancer.key, "errors"),
            "load balancer",
            f"{choices.BALANCER_ERRORS} or more requests reached no model",
            do="neuron-ecs status",
            incident="a-model-does-not-answer-a-wrong-health-path",
            measured=balancer_metric(
                "HTTPCode_ELB_5XX_Count", "Sum", choices.ERROR_SECONDS, balancer.key
            ),
            comparison="GreaterThanOrEqualToThreshold",
            threshold=choices.BALANCER_ERRORS,
            periods=choices.ERROR_PERIODS,
        )

    def _dropped(self) -> Iterator[Alarm]:
        """Starts of jobs that EventBridge Scheduler has given up.

        The metric is of a group of schedules; those of all stacks of the account share one.
        https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html
        """
        if not any(job.schedule for job in self._region.jobs):
            return
        yield self._alarm(
            names.key(self._region.short, "schedules", "dropped"),
            "schedules",
            "a job was not started for an hour after its time",
            do="neuron-ecs events",
            incident="a-zone-has-no-capacity",
            measured=Metric(
                "AWS/Scheduler",
                "InvocationDroppedCount",
                (Dimension("ScheduleGroup", "default"),),
                "Sum",
                choices.WANTED_SECONDS,
            ),
            periods=1,
        )

    def _executing(self, model: plan.ModelPlan) -> Iterator[Alarm]:
        """Executions on the chips of a model that fail, whatever the reason."""
        tags = [one.tag for one in self._tagged if one.workload == model.name]
        for number, of, part in _parts(tags, self._limits.value("alarm_metrics_max")):
            yield self._alarm(
                names.key(model.key, "executions", number),
                model.name,
                f"executions on its chips fail{of}",
                do=f"neuron-ecs logs {model.name}",
                incident="a-chip-is-bad",
                measured=self._chips(
                    "executions that failed",
                    [(neuron_metrics.ERRORS, neuron_metrics.TAG, tag) for tag in part],
                ),
                periods=choices.ERROR_PERIODS,
                model=model,
            )

    def _hardware(self) -> Iterator[Alarm]:
        """Errors that a chip cannot correct, of all instances that a daemon watches."""
        if not self._region.daemon(METRICS.name):
            return
        if self._region.daemon(DETECTOR.name):
            yield self._alarm(
                names.key(self._region.short, "chips", "health"),
                "chips",
                "the kernel of an instance reports a bad chip",
                do="neuron-ecs status",
                incident="a-chip-is-bad",
                measured=neuron_metrics.measured(
                    self._namespace,
                    neuron_metrics.PROBLEM,
                    "type",
                    neuron_metrics.HEALTH,
                    "Maximum",
                    choices.ERROR_SECONDS,
                ),
                periods=1,
            )
        yield self._alarm(
            names.key(self._region.short, "chips", "errors"),
            "chips",
            "a chip has a hardware error",
            do="neuron-ecs status",
            incident="a-chip-is-bad",
            measured=self._chips("hardware errors", tuple(neuron_metrics.HARDWARE.values())),
            periods=1,
        )

    def _chips(self, label: str, counted: Sequence[tuple[str, str, str]]) -> Math:
        """The sum of counts of neuron-monitor, by metric, dimension and its value. Without tasks
        there is none."""
        queries = [
            Query(
                f"e{at}",
                neuron_metrics.measured(
                    self._namespace, name, dimension, value, "Sum", choices.ERROR_SECONDS
                ),
            )
            for at, (name, dimension, value) in enumerate(counted)
        ]
        return Math(" + ".join(f"FILL({q.id}, 0)" for q in queries), label, tuple(queries))

    def _wanted(self, model: plan.ModelPlan) -> Iterator[Alarm]:
        """Tasks that are wanted and do not run; several alarms where one cannot hold them all."""
        each = self._limits.value("alarm_metrics_max") // 2
        for number, of, services in _parts(model.services, each):
            yield self._alarm(
                names.key(model.key, "wanted", number),
                model.name,
                f"tasks are wanted and do not run{of}",
                do=f"neuron-ecs events {model.name}",
                incident="a-zone-has-no-capacity",
                measured=self._missing(services, self._rests(model, "w0")),
                periods=choices.WANTED_PERIODS,
                missing_data="breaching" if model.replicas_min else "notBreaching",
                model=model,
            )

    def _missing(self, services: Sequence[plan.Service], rests: str) -> Math:
        """Wanted less running tasks of these services, one by one; 0 while it `rests`.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
        """
        queries: list[Query] = []
        terms: list[str] = []
        for at, service in enumerate(services):
            cluster = self._region.cluster_of(service.pool)
            for letter, name, statistic in _COUNTS:
                metric = Metric(
                    "ECS/ContainerInsights",
                    name,
                    (
                        Dimension("ClusterName", NameOf("cluster", cluster)),
                        Dimension("ServiceName", NameOf("service", service.key)),
                    ),
                    statistic,
                    choices.WANTED_SECONDS,
                )
                queries.append(Query(f"{letter}{at}", metric))
            terms.append(f"IF(w{at} > r{at}, w{at} - r{at}, 0)")
        expression = " + ".join(terms)
        if rests:
            expression = f"IF({rests}, 0, {expression})"
        return Math(expression, "wanted and not running", tuple(queries))

    def _rests(self, model: plan.ModelPlan, metric: str) -> str:
        """An expression that is true outside of the hours in which the Capacity Blocks of the pool
        let the model serve; empty for a pool without such hours.

        EPOCH has a value for every period, with or without data of its metric.
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
        """
        hours = plan.block_hours(self._region.pool(model.pool))
        serves = timedelta(minutes=choices.BOOT_MINUTES, seconds=model.serve_seconds)
        start = max(serves, timedelta(minutes=choices.FEWER_MINUTES))
        times = [
            (datetime.fromisoformat(one.start) + start, datetime.fromisoformat(one.drained))
            for one in hours[: choices.WATCHED_BLOCKS]
        ]
        return " AND ".join(
            f"(EPOCH({metric}) < {begin.timestamp():.0f} OR "
            f"EPOCH({metric}) >= {end.timestamp():.0f})"
            for begin, end in times
        )

    def _alarm(
        self,
        key: str,
        subject: str,
        what: str,
        *,
        do: str,
        incident: str,
        measured: Metric | Math,
        periods: int,
        comparison: Comparison = "GreaterThanThreshold",
        threshold: float = 0,
        missing_data: MissingData = "notBreaching",
        model: plan.ModelPlan | None = None,
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
                f"Run {do}, then follow {runbook(self._situation, incident)}"
            ),
            measured=measured,
            comparison=comparison,
            threshold=threshold,
            periods=periods,
            datapoints=periods,
            missing_data=missing_data,
            actions=self._recipients,
            ok_actions=self._recipients,
            after=tuple(service.key for service in (model.services if model else ())),
        )


def _parts(found: Sequence[_T], each: int) -> Iterator[tuple[str, str, Sequence[_T]]]:
    """Yields parts of so many, each with its number and ` (1 of 2)`; both are empty for one."""
    parts = [found[at : at + each] for at in range(0, len(found), each)]
    for number, part in enumerate(parts, start=1):
        several = len(parts) > 1
        yield str(number) * several, f" ({number} of {len(parts)})" * several, part
