"""Reads from AWS what runs in a Region, and changes nothing.

Calls ECS (clusters, capacity providers, services, tasks, task definitions, container instances),
EC2 DescribeInstances, Systems Manager GetParameters, and for the health of targets CloudWatch
GetMetricData or Elastic Load Balancing DescribeTargetHealth. Calls that do not need each other's
answers are made at once.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar, cast

from catalog.limits import Limits
from neuron_ecs.operations.aws import Account, Calls, batches, code_of, pages
from neuron_ecs.operations.observed import (
    Names,
    Observation,
    ObservedCluster,
    ObservedContainer,
    ObservedDeployment,
    ObservedEvent,
    ObservedInstance,
    ObservedProvider,
    ObservedService,
    ObservedTarget,
    ObservedTask,
    by_family,
    by_key,
    family_of,
    names_of_key,
    parameter_paths,
)
from planning import plan

_T = TypeVar("_T")

_WISHED = ("RUNNING", "STOPPED")

_PORTS, _DEVICES = "PORTS", "NEURON_DEVICES"
# https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Activity.html
_FAILED_ACTIVITIES = frozenset({"Cancelled", "Failed", "Overridden", "Unfulfilled"})
# The limit of one call (the service models of ECS, Systems Manager and CloudWatch).
_SERVICES, _TASKS, _INSTANCES, _PARAMETERS, _METRICS = 10, 100, 100, 10, 500
_PAGE = 100  # items of a page of ListServices, which has 10 by itself
# A load balancer states a metric each minute, and CloudWatch has it a few minutes later.
_METRIC_SECONDS, _METRIC_AGE = 60, timedelta(minutes=6)


class Reader:
    """Reads one Region. `None` marks what AWS refused to say; the call is then a failed one."""

    def __init__(self, region: plan.RegionPlan, names: Names | None, aws: Calls) -> None:
        self.region = region
        self.names = names
        self.aws = aws
        self.is_recent = False  # whether instances and task definitions are left out
        self.most_definitions: int | None = None  # if there are more, none is read; None: all are
        self.only: frozenset[str] | None = None  # families of which definitions are read

    def recent(self) -> Observation:
        """Clusters, services and tasks alone."""
        self.is_recent = True
        return self.observation()

    def with_definitions(self) -> Observation:
        """Clusters, services and tasks, with the task definitions of the Region's models."""
        observed = self.recent()
        there = observed.by_service_key(self.names)
        keys = [s.key for m in self.region.models for s in m.services]
        self.only = frozenset(family_of(there[k].task_definition) for k in keys if k in there)
        containers = self._definitions(observed.clusters.values())
        return replace(observed, containers=containers, failed_calls=self.aws.failed)

    def with_activities(self, only: str | None = None) -> Observation:
        """Services with their messages, tasks, and what scaled: not what runs on which instance.

        `only` leaves out the scaling of other models.
        """
        return self._with_activities(self.recent(), only)

    def examined(self, model: plan.ModelPlan) -> Observation:
        """Everything about one model: with definitions, targets and what scaled."""
        return self._with_activities(self.with_targets(model.name), model.name)

    def _with_activities(self, observed: Observation, only: str | None) -> Observation:
        asked: dict[str, Callable[[], tuple[ObservedEvent, ...]]] = {}
        known = self.names.services if self.names else None
        scaled = {
            s.key
            for m in self.region.models
            for s in m.services
            if s.scaling and only in (None, m.name)
        }
        for cluster in observed.clusters.values():
            for key, name in by_key([s.name for s in cluster.services or ()], known).items():
                if key in scaled:
                    asked[name] = partial(self._scaling, f"service/{cluster.name}/{name}")
            for provider in cluster.providers or ():
                if provider.group:
                    asked[provider.name] = partial(self._launches, provider.group)
        answers = self.aws.each(
            asked.values(),
            lambda call: self.aws.tried("Auto Scaling DescribeScalingActivities", call),
        )
        read = {
            name: found for name, found in zip(asked, answers, strict=True) if found is not None
        }
        return replace(observed, activities=read, failed_calls=self.aws.failed)

    def _scaling(self, service: str) -> tuple[ObservedEvent, ...]:
        """The newest activities of a service's scaling: one page."""
        answer = self.aws.scaling.describe_scaling_activities(
            ServiceNamespace="ecs", ResourceId=service
        )
        return tuple(map(_activity, answer["ScalingActivities"]))

    def _launches(self, group: str) -> tuple[ObservedEvent, ...]:
        """The newest activities of an Auto Scaling group: one page."""
        answer = self.aws.autoscaling.describe_scaling_activities(AutoScalingGroupName=group)
        return tuple(map(_activity, answer["Activities"]))

    def observation(self) -> Observation:
        """What runs; `images` and task definitions stay empty for what is recent."""
        ours = [c for c in (self.region.auto_scaling, self.region.managed_instances) if c]
        found = self.aws.tried("ECS ListClusters", lambda: self._candidates(ours)) or {}
        read = self.aws.each(found.values(), self._cluster)
        clusters = dict(zip(found, read, strict=True))
        if self.is_recent:
            return Observation(clusters, failed_calls=self.aws.failed)
        containers, images = self.aws.both(
            lambda: self._definitions(clusters.values()),
            lambda: self.aws.tried("Systems Manager GetParameters", self._images) or {},
        )
        return Observation(clusters, containers, images, self.aws.failed)

    def overview(self, now: datetime, limits: Limits) -> Observation:
        """The observation, with calls that stay few however many models there are.

        The load balancer's metric says how many targets are healthy. Task definitions, and the
        targets of a new group without the metric, are read up to half of what AWS answers at once.
        """

        def few(call: str) -> int:
            rate = limits.api_rate(call)
            return rate.tokens // 2 if rate else 0

        self.most_definitions = few("ecs:DescribeTaskDefinition")
        observed = self.observation()
        groups = sorted({g for s in observed.services for g in s.target_groups})
        counts = self.aws.tried(
            "CloudWatch GetMetricData", lambda: self._counts(groups, now) if groups else {}
        )
        healthy = counts or {}
        new = [group for group in groups if group not in healthy]
        described = self._targets(new[: few("elasticloadbalancing:DescribeTargetHealth")])
        return replace(observed, healthy=healthy, targets=described, failed_calls=self.aws.failed)

    def _counts(self, groups: Sequence[str], now: datetime) -> dict[str, int]:
        """How many targets of each group are healthy; a group without the metric is absent.

        https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
        """
        answer = self.aws.elbv2.describe_target_groups(TargetGroupArns=groups[:1])
        balancers = [b for g in answer["TargetGroups"] for b in g.get("LoadBalancerArns", ())]
        if not balancers:
            return {}
        balancer = balancers[0].partition(":loadbalancer/")[2]  # the Region has one

        def read(some: Sequence[str]) -> dict[str, int]:
            asked = [
                {
                    "Id": f"g{number}",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "AWS/ApplicationELB",
                            "MetricName": "HealthyHostCount",
                            "Dimensions": [
                                {"Name": "LoadBalancer", "Value": balancer},
                                {"Name": "TargetGroup", "Value": group.rpartition(":")[2]},
                            ],
                        },
                        "Period": _METRIC_SECONDS,
                        "Stat": "Minimum",
                    },
                }
                for number, group in enumerate(some)
            ]
            results = pages(
                self.aws.cloudwatch.get_metric_data,
                "MetricDataResults",
                token="NextToken",
                MetricDataQueries=asked,
                StartTime=now - _METRIC_AGE,
                EndTime=now,
                ScanBy="TimestampDescending",
            )
            return {some[int(r["Id"][1:])]: int(r["Values"][0]) for r in results if r["Values"]}

        found: dict[str, int] = {}
        for part in self.aws.each(batches(groups, _METRICS), read):
            found |= part
        return found

    def with_targets(self, only: str | None = None) -> Observation:
        """The observation, with definitions and the health of each task behind the load balancer
        of one model, or of all."""
        services = [s for m in self.region.models if only in (None, m.name) for s in m.services]
        if only is not None:
            self.only = frozenset(s.task_definition.family for s in services)
        observed = self.observation()
        known = observed.by_service_key(self.names)
        there = [known[s.key] for s in services if s.key in known]
        groups = list(dict.fromkeys(g for s in there for g in s.target_groups))
        described = self._targets(groups)
        return replace(observed, targets=described, failed_calls=self.aws.failed)

    def _targets(self, groups: Sequence[str]) -> dict[str, tuple[ObservedTarget, ...]]:
        """The targets of each group that could be read."""
        read = self.aws.each(
            groups,
            lambda group: self.aws.tried(
                "Elastic Load Balancing DescribeTargetHealth", lambda: self._target_group(group)
            ),
        )
        return {g: found for g, found in zip(groups, read, strict=True) if found is not None}

    def _target_group(self, group: str) -> tuple[ObservedTarget, ...]:
        answer = self.aws.elbv2.describe_target_health(TargetGroupArn=group)
        found = [d.get("TargetHealth", {}) for d in answer["TargetHealthDescriptions"]]
        return tuple(
            ObservedTarget(h.get("State", ""), h.get("Reason", ""), h.get("Description", ""))
            for h in found
        )

    # -- clusters ------------------------------------------------------------------------------

    def _candidates(self, clusters: Sequence[plan.Cluster]) -> dict[str, list[str]]:
        """Names of the clusters that may be the plan's, by kind."""
        if self.names is not None:
            known = self.names.clusters
            return {c.kind: [known[c.kind]] if c.kind in known else [] for c in clusters}
        there = [_last(arn) for arn in pages(self.aws.ecs.list_clusters, "clusterArns")]
        return {c.kind: self._own(names_of_key(c.key, there, None)) for c in clusters}

    def _own(self, found: Sequence[str]) -> list[str]:
        """Stacks in one account and Region have the same keys; families contain the stack."""
        if len(found) > 1:
            ours = by_family(self.region)
            own = [name for name in found if self._has_services_of(name, ours)]
            found = own if len(own) == 1 else found
        return list(found)

    def _has_services_of(self, cluster: str, ours: Collection[str]) -> bool:
        return any(family_of(s.task_definition) in ours for s in self._services(cluster))

    def _cluster(self, candidates: Sequence[str]) -> ObservedCluster:
        if len(candidates) != 1:
            return ObservedCluster(None, tuple(candidates))
        name = candidates[0]
        status = self.aws.tried("ECS DescribeClusters", lambda: self._status(name))
        if status in ("MISSING", "INACTIVE"):  # INACTIVE: deleted a short time ago
            return ObservedCluster(None)
        (providers, services), (tasks, instances) = self.aws.both(
            lambda: self.aws.both(
                lambda: self.aws.tried(
                    "ECS DescribeCapacityProviders", lambda: tuple(self._providers(name))
                ),
                lambda: self.aws.tried(
                    "ECS ListServices and DescribeServices", lambda: tuple(self._services(name))
                ),
            ),
            lambda: self._tasks_and_instances(name),
        )
        return ObservedCluster(
            name,
            (name,),
            status or "",
            providers=providers,
            services=services,
            tasks=tasks,
            instances=instances,
        )

    def _tasks_and_instances(
        self, cluster: str
    ) -> tuple[tuple[ObservedTask, ...] | None, tuple[ObservedInstance, ...] | None]:
        """Tasks before instances: what the tasks use is then also in use on the instances."""
        tasks = self.aws.tried("ECS ListTasks and DescribeTasks", lambda: self._tasks(cluster))
        return tasks, None if self.is_recent else self._instances(cluster)

    def _status(self, name: str) -> str:
        answer = self.aws.ecs.describe_clusters(clusters=[name])
        return next((cast(str, c["status"]) for c in answer["clusters"]), "MISSING")

    def _providers(self, cluster: str) -> Iterator[ObservedProvider]:
        """The providers attached to the cluster, Managed Instances included."""
        answers = pages(
            self.aws.ecs.describe_capacity_providers, "capacityProviders", cluster=cluster
        )
        for one in answers:
            yield ObservedProvider(
                one["name"],
                one.get("status", ""),
                one.get("updateStatus", ""),
                one.get("updateStatusReason", ""),
                _last(one.get("autoScalingGroupProvider", {}).get("autoScalingGroupArn", "")),
            )

    def _services(self, cluster: str) -> Iterator[ObservedService]:
        arns = pages(self.aws.ecs.list_services, "serviceArns", cluster=cluster, maxResults=_PAGE)
        answers = self.aws.each(
            batches(arns, _SERVICES),
            lambda some: self.aws.ecs.describe_services(cluster=cluster, services=some),
        )
        for answer in answers:
            for one in answer["services"]:
                deployments = cast("list[dict[str, Any]]", one.get("deployments", []))
                primary = [d for d in deployments if d.get("status") == "PRIMARY"]
                rollout = primary[0] if primary else dict[str, Any]()
                yield ObservedService(
                    name=one["serviceName"],
                    status=one.get("status", ""),
                    desired=one.get("desiredCount", 0),
                    running=one.get("runningCount", 0),
                    pending=one.get("pendingCount", 0),
                    task_definition=one.get("taskDefinition", ""),
                    providers=tuple(
                        _last(s["capacityProvider"])
                        for s in one.get("capacityProviderStrategy", ())
                    ),
                    deployments=len(deployments),
                    rollout=rollout.get("rolloutState", ""),
                    rollout_reason=rollout.get("rolloutStateReason", ""),
                    rollouts=tuple(_deployment(d) for d in deployments),
                    events=tuple(
                        ObservedEvent(e["createdAt"], e.get("message", ""))
                        for e in one.get("events", ())
                    ),
                    target_groups=tuple(
                        b["targetGroupArn"]
                        for b in one.get("loadBalancers", ())
                        if b.get("targetGroupArn")
                    ),
                )

    def _tasks(self, cluster: str) -> tuple[ObservedTask, ...]:
        """Includes tasks that are stopping: until they have stopped, their devices are in use."""

        def listed(desired: str) -> list[Any]:
            return pages(
                self.aws.ecs.list_tasks, "taskArns", cluster=cluster, desiredStatus=desired
            )

        # A task that begins to stop between the two lists is in both.
        arns = dict.fromkeys(a for arns in self.aws.each(_WISHED, listed) for a in arns)
        answers = self.aws.each(
            batches(list(arns), _TASKS),
            lambda some: self.aws.ecs.describe_tasks(cluster=cluster, tasks=some),
        )
        return tuple(task_of(one) for answer in answers for one in answer["tasks"])

    # -- instances -----------------------------------------------------------------------------

    def _instances(self, cluster: str) -> tuple[ObservedInstance, ...] | None:
        found = self.aws.tried(
            "ECS ListContainerInstances and DescribeContainerInstances",
            lambda: list(self._container_instances(cluster)),
        )
        if found is None:
            return None
        ids = [one["ec2InstanceId"] for one in found if one.get("ec2InstanceId")]
        machines = self.aws.tried("EC2 DescribeInstances", lambda: self._machines(ids)) or {}
        return tuple(
            _instance(one, machines.get(one.get("ec2InstanceId", ""), {})) for one in found
        )

    def _container_instances(self, cluster: str) -> Iterator[Mapping[str, Any]]:
        arns = pages(
            self.aws.ecs.list_container_instances, "containerInstanceArns", cluster=cluster
        )
        answers = self.aws.each(
            batches(arns, _INSTANCES),
            lambda some: self.aws.ecs.describe_container_instances(
                cluster=cluster, containerInstances=some
            ),
        )
        for answer in answers:
            yield from answer["containerInstances"]

    def _machines(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Instances by id, through a filter: `InstanceIds` fails if one instance is gone."""
        answers = self.aws.each(
            batches(ids, _INSTANCES),
            lambda some: pages(
                self.aws.ec2.describe_instances,
                "Reservations",
                token="NextToken",
                Filters=[{"Name": "instance-id", "Values": some}],
            ),
        )
        return {m["InstanceId"]: m for answer in answers for r in answer for m in r["Instances"]}

    def _images(self) -> dict[str, str]:
        found: dict[str, str] = {}
        missing: list[str] = []
        for some in batches(parameter_paths(self.region), _PARAMETERS):
            answer = self.aws.ssm.get_parameters(Names=some)
            found |= {p["Name"]: p["Value"] for p in answer["Parameters"]}
            missing += answer.get("InvalidParameters", [])
        for path in missing:
            self.aws.fail("Systems Manager GetParameters", f"{path} does not exist")
        return found

    # -- task definitions ----------------------------------------------------------------------

    def _definitions(
        self, clusters: Iterable[ObservedCluster]
    ) -> dict[str, tuple[Mapping[str, Any], ...]]:
        """Container definitions of services, of tasks on instances and of all jobs."""
        wanted: dict[str, None] = {}
        for cluster in clusters:
            wanted |= {s.task_definition: None for s in cluster.services or ()}
            wanted |= {t.task_definition: None for t in cluster.tasks or () if t.on_instance}
        jobs = [job.task_definition for job in self.region.jobs]
        arns: Mapping[str, str] = self.names.task_definitions if self.names else {}
        wanted |= {arns.get(job.key, job.family): None for job in jobs}
        names = [w for w in wanted if w and (self.only is None or family_of(w) in self.only)]
        if self.most_definitions is not None and len(names) > self.most_definitions:
            names = []
        answers = self.aws.each(
            names,
            lambda name: self.aws.tried(
                "ECS DescribeTaskDefinition", lambda: self.definition(name)
            ),
        )
        return {n: found for n, found in zip(names, answers, strict=True) if found is not None}

    def definition(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """The containers of a task definition; empty if it does not exist."""
        try:
            answer = self.aws.ecs.describe_task_definition(taskDefinition=name)
        except self.aws.account.refusals as error:
            # ECS has no specific error for a missing task definition.
            # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskDefinition.html
            if code_of(error) == "ClientException":
                return ()
            raise
        return tuple(answer["taskDefinition"]["containerDefinitions"])


def _reader(region: plan.RegionPlan, names: Mapping[str, Names] | None, aws: Calls) -> Reader:
    """The reader of a Region, with its part of the stack's outputs if there are any."""
    known = None if names is None else names.get(region.name, Names({}, {}, {}, {}))
    return Reader(region, known, aws)


def read_one(
    account: Account,
    region: plan.RegionPlan,
    names: Mapping[str, Names] | None,
    question: Callable[[Reader], _T],
) -> _T:
    """Returns the answer about one Region. Raises `UsageError` if AWS refuses it."""
    return account.must(region.name, lambda aws: question(_reader(region, names, aws)))


def read_each(
    account: Account,
    regions: Sequence[plan.RegionPlan],
    names: Mapping[str, Names] | None,
    question: Callable[[Reader], _T],
    unread: Callable[[plan.RegionPlan, str], _T],
) -> list[_T]:
    """Returns the answers about several Regions, read at once; `unread(region, why)` where nothing
    could be read. Raises `UsageError` without credentials."""
    by_name = {r.name: r for r in regions}

    def ask(aws: Calls) -> _T:
        return question(_reader(by_name[aws.region], names, aws))

    return account.ask_each(list(by_name), ask, lambda name, why: unread(by_name[name], why))


def read_all(
    account: Account,
    regions: Sequence[plan.RegionPlan],
    names: Mapping[str, Names] | None,
    question: Callable[[Reader], tuple[Iterable[_T], Iterable[str]]],
) -> tuple[list[_T], list[str]]:
    """Returns what several Regions have, in their order, and what could not be read, each with its
    Region. `question` answers with both. Raises `UsageError` without credentials."""

    def ask(reader: Reader) -> tuple[list[_T], list[str]]:
        found, unread = question(reader)
        return list(found), [f"{reader.region.name}: {text}" for text in unread]

    answers = read_each(
        account, regions, names, ask, lambda region, why: ([], [f"{region.name}: {why}"])
    )
    return [one for found, _ in answers for one in found], [t for _, more in answers for t in more]


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def task_of(one: Mapping[str, Any]) -> ObservedTask:
    """A task as DescribeTasks returns it."""
    devices = {d for c in one.get("containers", ()) for d in c.get("neuronDeviceIds", ())}
    return ObservedTask(
        arn=one["taskArn"],
        group=one.get("group", ""),
        task_definition=one.get("taskDefinitionArn", ""),
        instance=one.get("containerInstanceArn", ""),
        last_status=one.get("lastStatus", ""),
        desired_status=one.get("desiredStatus", ""),
        health=one.get("healthStatus", ""),
        devices=frozenset(devices),
        started=one.get("startedAt"),
        stopped=one.get("stoppedAt"),
        stop_code=one.get("stopCode", ""),
        stop_reason=one.get("stoppedReason", ""),
        started_by=one.get("startedBy", ""),
        containers=tuple(
            ObservedContainer(
                c.get("name", ""), c.get("image", ""), c.get("exitCode"), c.get("reason", "")
            )
            for c in one.get("containers", ())
        ),
    )


def _activity(one: Mapping[str, Any]) -> ObservedEvent:
    """An activity of either scaler; they name its fields alike.

    The description of a failed launch ends with the message already.
    """
    said, message = one.get("Description", ""), one.get("StatusMessage", "")
    parts = [said, "" if message in said else message]
    state = one.get("StatusCode", "")
    return ObservedEvent(
        one["StartTime"], ": ".join(filter(None, parts)) or state, state in _FAILED_ACTIVITIES
    )


def _deployment(one: Mapping[str, Any]) -> ObservedDeployment:
    return ObservedDeployment(
        status=one.get("status", ""),
        task_definition=one.get("taskDefinition", ""),
        desired=one.get("desiredCount", 0),
        running=one.get("runningCount", 0),
        failed=one.get("failedTasks", 0),
        rollout=one.get("rolloutState", ""),
    )


def _instance(one: Mapping[str, Any], machine: Mapping[str, Any]) -> ObservedInstance:
    registered = {r["name"]: r for r in one.get("registeredResources", ())}
    remaining = {r["name"]: r for r in one.get("remainingResources", ())}
    types = [
        a.get("value", "")
        for a in one.get("attributes", ())
        if a.get("name") == "ecs.instance-type"
    ]
    ports = remaining.get(_PORTS)
    tags: dict[str, str] = {t["Key"]: t["Value"] for t in machine.get("Tags", ())}
    return ObservedInstance(
        arn=one["containerInstanceArn"],
        instance_id=one.get("ec2InstanceId", ""),
        status=one.get("status", ""),
        agent_connected=bool(one.get("agentConnected", False)),
        provider=_last(one.get("capacityProviderName", "")),
        instance_type=machine.get("InstanceType", "") or next(iter(types), ""),
        registered=_device_ids(registered.get(_DEVICES)),
        remaining=_remaining_ids(remaining.get(_DEVICES)),
        ports=None if ports is None else frozenset(int(p) for p in ports.get("stringSetValue", ())),
        image_id=machine.get("ImageId"),
        launched=machine.get("LaunchTime") or one.get("registeredAt"),
        # EC2 adds this tag to each instance that a launch template starts.
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
        template_version=tags.get("aws:ec2launchtemplate:version", ""),
    )


def _device_ids(resource: Mapping[str, Any] | None) -> frozenset[str] | None:
    """The device ids of a resource: its set, or 0 to n - 1 for a number n.

    Device 0 is /dev/neuron0, and so on.
    """
    if resource is None:
        return None
    if resource.get("type") == "STRINGSET" or resource.get("stringSetValue"):
        return frozenset(resource.get("stringSetValue", ()))
    return frozenset(str(d) for d in range(resource.get("integerValue", 0)))


def _remaining_ids(resource: Mapping[str, Any] | None) -> frozenset[str] | None:
    """The ids that are free; `None` if only their number is known and it is not 0."""
    ids = _device_ids(resource)
    is_number = resource is not None and resource.get("type") != "STRINGSET"
    return None if is_number and ids and not (resource or {}).get("stringSetValue") else ids
