"""Reads from AWS what runs in a Region, and changes nothing.

Calls ECS (clusters, capacity providers, services, tasks, task definitions, container instances),
EC2 DescribeInstances, Elastic Load Balancing DescribeTargetHealth and Systems Manager
GetParameters.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

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
    families,
    family_of,
    names_of_key,
    parameter_paths,
)
from planning import plan

_T = TypeVar("_T")

_PORTS, _DEVICES = "PORTS", "NEURON_DEVICES"
# https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Activity.html
_FAILED_ACTIVITIES = frozenset({"Cancelled", "Failed", "Overridden", "Unfulfilled"})
# The limit of one call (the service models of ECS and Systems Manager).
_SERVICES, _TASKS, _INSTANCES, _PARAMETERS = 10, 100, 100, 10


class Reader:
    """Reads one Region. `None` marks what AWS refused to say; the call is then a failed one."""

    def __init__(self, region: plan.RegionPlan, names: Names | None, aws: Calls) -> None:
        self.region = region
        self.names = names
        self.aws = aws
        self.is_recent = False  # whether instances and task definitions are left out

    def with_activities(self, only: str | None = None) -> Observation:
        """Services with their messages, tasks, and what scaled: not what runs on which instance.

        `only` leaves out the scaling of other models.
        """
        self.is_recent = True
        observed = self.observation()
        activities: dict[str, tuple[ObservedEvent, ...] | None] = {}
        known = self.names.services if self.names else None
        for model in self.region.models:
            for service in model.services if only in (None, model.name) else ():
                for cluster in observed.clusters.values() if service.scaling else ():
                    there = [s.name for s in cluster.services or ()]
                    for name in names_of_key(service.key, there, known):
                        activities[name] = self.aws.tried(
                            "Application Auto Scaling DescribeScalingActivities",
                            lambda c=cluster.name, n=name: self._scaling(f"service/{c}/{n}"),
                        )
        for provider in (p for c in observed.clusters.values() for p in c.providers or ()):
            if provider.group:
                activities[provider.name] = self.aws.tried(
                    "EC2 Auto Scaling DescribeScalingActivities",
                    lambda g=provider.group: self._launches(g),
                )
        read = {name: found for name, found in activities.items() if found is not None}
        return replace(observed, activities=read, failed_calls=tuple(self.aws.failed))

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
        clusters: dict[str, ObservedCluster] = {}
        for cluster in (self.region.auto_scaling, self.region.managed_instances):
            if cluster is None:
                continue
            candidates = self.aws.tried("ECS ListClusters", lambda c=cluster: self._candidates(c))
            if candidates is not None:
                clusters[cluster.kind] = self._cluster(candidates)
        if self.is_recent:
            return Observation(clusters, failed_calls=tuple(self.aws.failed))
        containers = self._definitions(clusters.values())
        images = self.aws.tried("Systems Manager GetParameters", self._images) or {}
        return Observation(clusters, containers, images, tuple(self.aws.failed))

    def with_targets(self) -> Observation:
        """The observation and the health of the tasks behind the load balancer."""
        observed = self.observation()
        services = [s for c in observed.clusters.values() for s in c.services or ()]
        groups = dict.fromkeys(g for s in services for g in s.target_groups)
        read = {
            group: self.aws.tried(
                "Elastic Load Balancing DescribeTargetHealth", lambda g=group: self._targets(g)
            )
            for group in groups
        }
        targets = {group: found for group, found in read.items() if found is not None}
        return replace(observed, targets=targets, failed_calls=tuple(self.aws.failed))

    def _targets(self, group: str) -> tuple[ObservedTarget, ...]:
        answer = self.aws.elbv2.describe_target_health(TargetGroupArn=group)
        found = [d.get("TargetHealth", {}) for d in answer["TargetHealthDescriptions"]]
        return tuple(
            ObservedTarget(h.get("State", ""), h.get("Reason", ""), h.get("Description", ""))
            for h in found
        )

    # -- clusters ------------------------------------------------------------------------------

    def _candidates(self, cluster: plan.Cluster) -> list[str]:
        """Names of the clusters that may be the plan's."""
        if self.names is not None:
            name = self.names.clusters.get(cluster.kind)
            return [name] if name else []
        arns = pages(self.aws.ecs.list_clusters, "clusterArns")
        found = names_of_key(cluster.key, [_last(arn) for arn in arns], None)
        if len(found) > 1:
            # Stacks in one account and Region have the same keys; families contain the stack.
            ours = families(self.region)
            own = [name for name in found if self._has_services_of(name, ours)]
            return own if len(own) == 1 else list(found)
        return list(found)

    def _has_services_of(self, cluster: str, ours: frozenset[str]) -> bool:
        return any(family_of(s.task_definition) in ours for s in self._services(cluster))

    def _cluster(self, candidates: Sequence[str]) -> ObservedCluster:
        if len(candidates) != 1:
            return ObservedCluster(None, tuple(candidates))
        name = candidates[0]
        status = self.aws.tried("ECS DescribeClusters", lambda: self._status(name))
        if status in ("MISSING", "INACTIVE"):  # INACTIVE: deleted a short time ago
            return ObservedCluster(None)
        # Tasks before instances: what the tasks use is then also in use on the instances.
        tasks = self.aws.tried("ECS ListTasks and DescribeTasks", lambda: self._tasks(name))
        return ObservedCluster(
            name,
            (name,),
            status or "",
            providers=self.aws.tried(
                "ECS DescribeCapacityProviders", lambda: tuple(self._providers(name))
            ),
            services=self.aws.tried(
                "ECS ListServices and DescribeServices", lambda: tuple(self._services(name))
            ),
            tasks=tasks,
            instances=None if self.is_recent else self._instances(name),
        )

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
        arns = pages(self.aws.ecs.list_services, "serviceArns", cluster=cluster)
        for some in batches(arns, _SERVICES):
            answer = self.aws.ecs.describe_services(cluster=cluster, services=some)
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
        found: list[ObservedTask] = []
        for desired in ("RUNNING", "STOPPED"):
            arns = pages(
                self.aws.ecs.list_tasks, "taskArns", cluster=cluster, desiredStatus=desired
            )
            for some in batches(arns, _TASKS):
                answer = self.aws.ecs.describe_tasks(cluster=cluster, tasks=some)
                found += [_task(one) for one in answer["tasks"]]
        # A task that began to stop between the two lists is in both.
        return tuple({task.arn: task for task in found}.values())

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
        for some in batches(arns, _INSTANCES):
            answer = self.aws.ecs.describe_container_instances(
                cluster=cluster, containerInstances=some
            )
            yield from answer["containerInstances"]

    def _machines(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Instances by id, through a filter: `InstanceIds` fails if one instance is gone."""
        found: dict[str, Mapping[str, Any]] = {}
        for some in batches(ids, _INSTANCES):
            reservations = pages(
                self.aws.ec2.describe_instances,
                "Reservations",
                token="NextToken",
                Filters=[{"Name": "instance-id", "Values": some}],
            )
            found |= {m["InstanceId"]: m for r in reservations for m in r["Instances"]}
        return found

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
        found: dict[str, tuple[Mapping[str, Any], ...]] = {}
        for name in (w for w in wanted if w):
            answer = self.aws.tried(
                "ECS DescribeTaskDefinition", lambda n=name: self._definition(n)
            )
            if answer is not None:
                found[name] = answer
        return found

    def _definition(self, name: str) -> tuple[Mapping[str, Any], ...]:
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
        known = None if names is None else names.get(aws.region, Names({}, {}, {}, {}))
        return question(Reader(by_name[aws.region], known, aws))

    return account.ask_each(list(by_name), ask, lambda name, why: unread(by_name[name], why))


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def _task(one: Mapping[str, Any]) -> ObservedTask:
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
        containers=tuple(
            ObservedContainer(
                c.get("name", ""), c.get("image", ""), c.get("exitCode"), c.get("reason", "")
            )
            for c in one.get("containers", ())
        ),
    )


def _activity(one: Mapping[str, Any]) -> ObservedEvent:
    """An activity of either scaler; they name its fields alike."""
    parts = [one.get("Description", ""), one.get("StatusMessage", "")]
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
