"""What happens in a Region without a metric, and is told to the recipients of its alarms."""

from collections.abc import Iterator

from planning import names, plan
from planning.alarms import EventRule, Match, NameOf, Target
from planning.recipients import recipients, runbook
from planning.situation import Situation

_EVENTS = "neuron-ecs events"


def event_rules(s: Situation, region: plan.RegionPlan) -> tuple[EventRule, ...]:
    """Returns the rules of a Region, for each kind of event that can occur; none without topics."""
    if s.settings.alarms is None or not recipients(s, region):
        return ()
    return tuple(_Rules(s, region).made())


class _Rules:
    def __init__(self, s: Situation, region: plan.RegionPlan) -> None:
        self._situation = s
        self._stack = f"{s.project}-{s.stack}"
        self._topics = recipients(s, region)
        self._region = region
        clusters = [c.key for c in (region.auto_scaling, region.managed_instances) if c]
        arns = tuple(NameOf("cluster_arn", key) for key in clusters)
        self._here = Match("detail.clusterArn", arns)
        services = tuple(NameOf("cluster_services", key) for key in clusters)
        self._services = Match("resources", services, "prefix")

    def made(self) -> Iterator[EventRule]:
        if self._region.models:
            yield self._of_services()
            yield self._of_models()
        if self._region.jobs:
            yield self._of_jobs_at_start()
            yield self._of_jobs()
        if self._region.auto_scaling:
            yield self._of_launches(self._region.auto_scaling)
        if any(pool.purchase.kind == "spot" for pool in self._region.pools):
            yield self._of_spot()

    def _of_services(self) -> EventRule:
        """Outside of the hours of Capacity Blocks no task has an instance, and ECS says so of each
        try: of services there the alarms tell in these hours.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html and
        ecs_service_deployment_events.html
        """
        pools = self._region.auto_scaling.pools if self._region.auto_scaling else ()
        blocks = tuple(NameOf("capacity_provider_arn", pool.key) for pool in pools if pool.blocks)
        without = Match("detail.capacityProviderArns", blocks, "absent_or_other")
        kinds = Match("detail.eventType", ("ERROR", "WARN"))
        return self._rule(
            "services",
            "a service cannot place or deploy its tasks",
            "aws.ecs",
            ("ECS Service Action", "ECS Deployment State Change"),
            (kinds, self._services, *((without,) if blocks else ())),
            said="detail.eventName",
            named=("detail.reason", "resources[0]"),
            incident="a-rollout-cannot-finish",
        )

    def _of_models(self) -> EventRule:
        """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html"""
        codes = ("EssentialContainerExited", "TaskFailedToStart")
        return self._of_tasks("models", "a task of a model ended by itself", codes, "service:")

    def _of_jobs_at_start(self) -> EventRule:
        title = "a job did not start"
        return self._of_tasks("jobs-start", title, ("TaskFailedToStart",), "family:")

    def _of_jobs(self) -> EventRule:
        """Its own container decides: what runs beside it is stopped when that one ends."""
        return self._of_tasks(
            "jobs",
            "a job failed",
            ("EssentialContainerExited",),
            "family:",
            (
                Match("detail.containers.name", tuple(j.name for j in self._region.jobs)),
                Match("detail.containers.exitCode", (), "anything_but_0"),
            ),
        )

    def _of_tasks(
        self,
        key: str,
        title: str,
        codes: tuple[str, ...],
        group: str,
        more: tuple[Match, ...] = (),
    ) -> EventRule:
        return self._rule(
            key,
            title,
            "aws.ecs",
            ("ECS Task State Change",),
            (
                self._here,
                Match("detail.lastStatus", ("STOPPED",)),
                Match("detail.stopCode", codes),
                Match("detail.group", (group,), "prefix"),
                *more,
            ),
            said="detail.stoppedReason",
            named=("detail.group", "detail.taskArn"),
            incident="a-task-is-killed-for-memory",
        )

    def _of_launches(self, cluster: plan.AutoScalingCluster) -> EventRule:
        """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html"""
        groups = tuple(NameOf("auto_scaling_group", pool.key) for pool in cluster.pools)
        return self._rule(
            "launches",
            "an instance could not be launched",
            "aws.autoscaling",
            ("EC2 Instance Launch Unsuccessful",),
            (Match("detail.AutoScalingGroupName", groups),),
            said="detail.StatusMessage",
            named=("detail.AutoScalingGroupName",),
            incident="a-zone-has-no-capacity",
        )

    def _of_spot(self) -> EventRule:
        """The event names an instance and no stack: it is of any of the account.

        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
        """
        return self._rule(
            "spot",
            "a Spot instance of the account ends in two minutes",
            "aws.ec2",
            ("EC2 Spot Instance Interruption Warning",),
            (),
            said="detail.instance-id",
            named=("detail.instance-action",),
            incident="an-instance-died",
        )

    def _rule(
        self,
        key: str,
        title: str,
        source: str,
        detail_types: tuple[str, ...],
        matches: tuple[Match, ...],
        *,
        said: str,
        named: tuple[str, ...],
        incident: str,
    ) -> EventRule:
        whole = names.key(self._region.short, "events", key)
        return EventRule(
            key=whole,
            title=f"{self._stack} in {self._region.name}: {title}",
            source=source,
            detail_types=detail_types,
            matches=matches,
            said=said,
            named=named,
            steps=(f"Run {_EVENTS}", f"Follow {runbook(self._situation, incident)}"),
            targets=tuple(Target(names.key(whole, _short(t)), t) for t in self._topics),
        )


def _short(topic: str | NameOf) -> str:
    """The account and the name of a topic that exists; that of the stack has neither."""
    return "" if isinstance(topic, NameOf) else "-".join(topic.split(":")[4:])
