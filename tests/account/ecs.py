"""The answers of Amazon ECS, one method for each operation, named as boto3 names it.

What a request says of a service, a task or a provider is kept as it came; an operation without a
method is refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.account.others import Service
from tests.account.state import arn, last
from tests.account.wire import Json, Refusal

_OF_SERVICE = (
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "launchType",
    "loadBalancers",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "propagateTags",
    "schedulingStrategy",
    "serviceRegistries",
    "tags",
)
_OF_DEPLOYMENT = frozenset({"forceNewDeployment", "loadBalancers", "networkConfiguration"})


class Ecs(Service):
    """ECS in one Region."""

    def arn(self, rest: str) -> str:
        return arn("ecs", self.place.name, rest)

    # -- clusters ------------------------------------------------------------------------------

    def create_cluster(self, clusterName: str, **given: Any) -> Json:
        """CreateCluster."""
        made: Json = {
            "clusterArn": self.arn(f"cluster/{clusterName}"),
            "clusterName": clusterName,
            "status": "ACTIVE",
            "capacityProviders": [],
            "defaultCapacityProviderStrategy": [],
            **given,
        }
        self.place.clusters[clusterName] = made
        return {"cluster": made}

    def put_cluster_capacity_providers(self, cluster: str, **given: Any) -> Json:
        """PutClusterCapacityProviders."""
        found = self._cluster(cluster)
        found |= given
        return {"cluster": found}

    def list_clusters(self, **page: Any) -> Json:
        """ListClusters."""
        arns = [c["clusterArn"] for c in self.place.clusters.values() if c["status"] == "ACTIVE"]
        return _page("clusterArns", arns, page)

    def describe_clusters(self, clusters: Sequence[str] = (), **_: Any) -> Json:
        """DescribeClusters."""
        found = [c for n in clusters if (c := self.place.clusters.get(last(n))) is not None]
        failures = [
            {"arn": self.arn(f"cluster/{last(n)}"), "reason": "MISSING"}
            for n in clusters
            if last(n) not in self.place.clusters
        ]
        return {"clusters": [self._counted(c) for c in found], "failures": failures}

    def _counted(self, cluster: Json) -> Json:
        services = _in(cluster, self.place.services).values()
        tasks = _in(cluster, self.place.tasks).values()
        return cluster | {
            "activeServicesCount": sum(s["status"] == "ACTIVE" for s in services),
            "registeredContainerInstancesCount": len(self._instances(cluster)),
            "runningTasksCount": sum(t["lastStatus"] == "RUNNING" for t in tasks),
            "pendingTasksCount": 0,
        }

    def delete_cluster(self, cluster: str) -> Json:
        """DeleteCluster, with all that it has: the account is left as if it had been emptied."""
        found = self._cluster(cluster)
        found["status"] = "INACTIVE"
        for shelf in (self.place.services, self.place.tasks):
            for key in _in(found, shelf):
                del shelf[key]
        for key in self._instances(found):
            del self.place.instances[key]
        return {"cluster": found}

    def _cluster(self, name: str) -> Json:
        found = self.place.clusters.get(last(name))
        if found is None or found["status"] != "ACTIVE":
            raise Refusal("ClusterNotFoundException", "Cluster not found.")
        return found

    # -- capacity providers --------------------------------------------------------------------

    def create_capacity_provider(self, name: str, **given: Any) -> Json:
        """CreateCapacityProvider. One of Managed Instances belongs to its cluster at once."""
        made = {
            "capacityProviderArn": self.arn(f"capacity-provider/{name}"),
            "name": name,
            "status": "ACTIVE",
            "updateStatus": "CREATE_COMPLETE",
            **given,
        }
        if "cluster" in given:
            self._cluster(given["cluster"])["capacityProviders"].append(name)
        self.place.providers[name] = made
        return {"capacityProvider": made}

    def describe_capacity_providers(
        self, cluster: str | None = None, capacityProviders: Sequence[str] = (), **page: Any
    ) -> Json:
        """DescribeCapacityProviders."""
        names = [last(n) for n in capacityProviders] or list(self.place.providers)
        if cluster is not None:
            names = [n for n in names if n in self._cluster(cluster)["capacityProviders"]]
        found = [self.place.providers[n] for n in names if n in self.place.providers]
        return _page("capacityProviders", found, page)

    # -- task definitions ----------------------------------------------------------------------

    def register_task_definition(self, family: str, tags: Any = (), **given: Any) -> Json:
        """RegisterTaskDefinition."""
        revision = 1 + len(self._revisions(family))
        named = self.arn(f"task-definition/{family}:{revision}")
        made = {
            "taskDefinitionArn": named,
            "family": family,
            "revision": revision,
            "status": "ACTIVE",
            "registeredAt": self.account.now(),
            **given,
        }
        self.place.definitions[named] = made
        return {"taskDefinition": made, "tags": list(tags)}

    def _revisions(self, family: str) -> list[Json]:
        return [d for d in self.place.definitions.values() if d["family"] == family]

    def _definition(self, name: str) -> Json:
        """A definition by ARN, by family and revision, or the newest of a family."""
        short = last(name)
        named = self.place.definitions.get(self.arn(f"task-definition/{short}"))
        newest = [d for d in self._revisions(short) if d["status"] == "ACTIVE"]
        if named is None and not newest:
            raise Refusal("ClientException", "Unable to describe task definition.")
        return named or newest[-1]

    def describe_task_definition(self, taskDefinition: str, **_: Any) -> Json:
        """DescribeTaskDefinition."""
        return {"taskDefinition": self._definition(taskDefinition)}

    def list_task_definitions(
        self, familyPrefix: str = "", status: str = "ACTIVE", sort: str = "ASC", **page: Any
    ) -> Json:
        """ListTaskDefinitions."""
        found = [
            d["taskDefinitionArn"]
            for d in self.place.definitions.values()
            if d["status"] == status and familyPrefix in ("", d["family"])
        ]
        return _page("taskDefinitionArns", found if sort == "ASC" else found[::-1], page)

    # -- services ------------------------------------------------------------------------------

    def create_service(
        self, cluster: str, serviceName: str, taskDefinition: str, **given: Any
    ) -> Json:
        """CreateService."""
        home = self._cluster(cluster)
        service: Json = {
            "serviceArn": self.arn(f"service/{home['clusterName']}/{serviceName}"),
            "serviceName": serviceName,
            "clusterArn": home["clusterArn"],
            "status": "ACTIVE",
            "desiredCount": given.get("desiredCount", 0),
            "runningCount": 0,
            "pendingCount": 0,
            "taskDefinition": self._definition(taskDefinition)["taskDefinitionArn"],
            "deploymentConfiguration": _LIMITS | given.get("deploymentConfiguration", {}),
            "deployments": [],
            "events": [],
            "createdAt": self.account.now(),
            "schedulingStrategy": "REPLICA",
            "capacityProviderStrategy": home["defaultCapacityProviderStrategy"],
            **{key: given[key] for key in _OF_SERVICE if key in given},
        }
        self.place.services[service["serviceArn"]] = service
        self.scheduler.deploy(service)
        self.scheduler.settle()
        return {"service": service}

    def update_service(self, service: str, cluster: str = "default", **given: Any) -> Json:
        """UpdateService: a change of more than the number of tasks is a new deployment."""
        found = self._service(cluster, service)
        before = found["taskDefinition"]
        if "taskDefinition" in given:
            found["taskDefinition"] = self._definition(given["taskDefinition"])["taskDefinitionArn"]
        if "desiredCount" in given:
            found["desiredCount"] = given["desiredCount"]
        found["deploymentConfiguration"] |= given.get("deploymentConfiguration", {})
        found |= {key: given[key] for key in _OF_SERVICE if key in given}
        if found["taskDefinition"] != before or _OF_DEPLOYMENT & given.keys():
            self.scheduler.deploy(found)
        self.scheduler.settle()
        return {"service": found}

    def list_services(self, cluster: str = "default", **page: Any) -> Json:
        """ListServices."""
        return _page("serviceArns", list(_in(self._cluster(cluster), self.place.services)), page)

    def describe_services(
        self, services: Sequence[str], cluster: str = "default", **_: Any
    ) -> Json:
        """DescribeServices."""
        return _found("services", services, _in(self._cluster(cluster), self.place.services))

    def _service(self, cluster: str, name: str) -> Json:
        found = self.describe_services([name], cluster)["services"]
        if not found:
            raise Refusal("ServiceNotFoundException", "Service not found.")
        return found[0]

    # -- deployments of services ---------------------------------------------------------------

    def list_service_deployments(
        self, service: str, cluster: str = "default", status: Sequence[str] = (), **page: Any
    ) -> Json:
        """ListServiceDeployments, the newest first."""
        named = self._service(cluster, service)["serviceArn"]
        found = [
            {key: d[key] for key in _BRIEF if key in d}
            | {"targetServiceRevisionArn": d["targetServiceRevision"]["arn"]}
            for d in reversed(self.place.deployments.values())
            if d["serviceArn"] == named and (not status or d["status"] in status)
        ]
        return _page("serviceDeployments", found, page)

    def describe_service_revisions(self, serviceRevisionArns: Sequence[str]) -> Json:
        """DescribeServiceRevisions."""
        return _found("serviceRevisions", serviceRevisionArns, self.place.revisions)

    # -- tasks ---------------------------------------------------------------------------------

    def list_tasks(
        self,
        cluster: str = "default",
        serviceName: str = "",
        family: str = "",
        containerInstance: str = "",
        desiredStatus: str = "RUNNING",
        startedBy: str = "",
        **page: Any,
    ) -> Json:
        """ListTasks."""
        wanted = {
            "desiredStatus": desiredStatus,
            "group": serviceName and f"service:{last(serviceName)}",
            "startedBy": startedBy,
            "family": family,
            "instance": last(containerInstance),
        }
        return _page(
            "taskArns",
            [
                key
                for key in _in(self._cluster(cluster), self.place.tasks)
                if all(self._said(key, name) == value for name, value in wanted.items() if value)
            ],
            page,
        )

    def _said(self, task: str, name: str) -> str:
        found = self.place.tasks[task]
        if name == "family":
            return last(found["taskDefinitionArn"]).rpartition(":")[0]
        return last(found["containerInstanceArn"]) if name == "instance" else found.get(name, "")

    def describe_tasks(self, tasks: Sequence[str], cluster: str = "default", **_: Any) -> Json:
        """DescribeTasks."""
        return _found("tasks", tasks, _in(self._cluster(cluster), self.place.tasks))

    def _task(self, cluster: str, name: str) -> Json:
        found = self.describe_tasks([name], cluster)["tasks"]
        if not found:
            raise Refusal("InvalidParameterException", "The referenced task was not found.")
        return found[0]

    def run_task(
        self, taskDefinition: str, cluster: str = "default", count: int = 1, **given: Any
    ) -> Json:
        """RunTask."""
        home, definition = self._cluster(cluster), self._definition(taskDefinition)
        strategy = given.get("capacityProviderStrategy") or home["defaultCapacityProviderStrategy"]
        provider = self.scheduler.provider_of(strategy[0]["capacityProvider"])
        _describe_volumes(definition, given.get("volumeConfigurations", ()))
        made: list[Json] = []
        kept = ("startedBy", "overrides", "enableExecuteCommand", "tags")
        more = {key: given[key] for key in kept if key in given}
        more["group"] = given.get("group", f"family:{definition['family']}")
        for _ in range(count):
            instance, why = self.scheduler.instance_for(definition, provider)
            if instance is None:
                reason = "RESOURCE:PORTS" if "port" in why else "No Container Instances were found"
                return {"tasks": made, "failures": [{"arn": home["clusterArn"], "reason": reason}]}
            made.append(self.scheduler.start(definition, instance, home, **more))
        return {"tasks": made, "failures": []}

    def stop_task(self, task: str, cluster: str = "default", reason: str = "") -> Json:
        """StopTask."""
        found = self._task(cluster, task)
        if found["desiredStatus"] == "RUNNING":
            self.scheduler.stop(found, "UserInitiated", reason or "Task stopped by user")
        self.scheduler.settle()
        return {"task": found}

    def execute_command(self, task: str, cluster: str = "default", **given: Any) -> Json:
        """ExecuteCommand."""
        found = self._task(cluster, task)
        if not found.get("enableExecuteCommand"):
            raise Refusal(
                "InvalidParameterException",
                "The execute command failed because execute command was not enabled when the task "
                "was run or the execute command agent isn't running. Wait and try again or run a "
                "new task with execute command enabled and try again.",
            )
        containers = {c["name"]: c for c in found["containers"]}
        container = containers.get(given.get("container", ""), found["containers"][0])
        return {
            "clusterArn": found["clusterArn"],
            "containerArn": container["containerArn"],
            "containerName": container["name"],
            "interactive": given["interactive"],
            "taskArn": found["taskArn"],
            "session": {
                "sessionId": f"ecs-execute-command-{self.account.hex(17)}",
                "streamUrl": "wss://127.0.0.1/no-session-is-opened",
                "tokenValue": "none",
            },
        }

    # -- container instances -------------------------------------------------------------------

    def _instances(self, cluster: Json) -> dict[str, Json]:
        names = cluster["capacityProviders"]
        there = self.place.instances.items()
        return {key: i for key, i in there if i["capacityProviderName"] in names}

    def list_container_instances(
        self, cluster: str = "default", status: str = "", **page: Any
    ) -> Json:
        """ListContainerInstances."""
        found = self._instances(self._cluster(cluster))
        arns = [key for key, i in found.items() if status in ("", i["status"])]
        return _page("containerInstanceArns", arns, page)

    def describe_container_instances(
        self, containerInstances: Sequence[str], cluster: str = "default", **_: Any
    ) -> Json:
        """DescribeContainerInstances."""
        there = self._instances(self._cluster(cluster))
        ours = {key: self._filled(i) for key, i in there.items()}
        return _found("containerInstances", containerInstances, ours)

    def _filled(self, instance: Json) -> Json:
        return instance | {
            "remainingResources": list(self.scheduler.remaining(instance).values()),
            "runningTasksCount": len(self.scheduler.tasks_on(instance)),
            "pendingTasksCount": 0,
        }

    def update_container_instances_state(
        self, containerInstances: Sequence[str], status: str, cluster: str = "default"
    ) -> Json:
        """UpdateContainerInstancesState: tasks of services leave one that drains."""
        there = self._instances(self._cluster(cluster))
        found = _found("containerInstances", containerInstances, there)["containerInstances"]
        for instance in found:
            instance["status"] = status
        self.scheduler.settle()
        return {"containerInstances": [self._filled(i) for i in found], "failures": []}


_LIMITS = {"maximumPercent": 200, "minimumHealthyPercent": 100}
_BRIEF = (
    "serviceDeploymentArn",
    "serviceArn",
    "clusterArn",
    "startedAt",
    "createdAt",
    "finishedAt",
    "status",
    "statusReason",
)


def _describe_volumes(definition: Json, given: Sequence[Json]) -> None:
    """Refuses a start that does not describe the volumes that are configured at launch.

    API_RunTask, volumeConfigurations.
    """
    deferred = {v["name"] for v in definition.get("volumes", ()) if v.get("configuredAtLaunch")}
    described = {v["name"] for v in given if v["managedEBSVolume"]["roleArn"].startswith("arn:")}
    if described != deferred:
        raise Refusal(
            "InvalidParameterException",
            f"The task definition has the volumes {sorted(deferred)} configured at launch, and the "
            f"request describes {sorted(described)}.",
        )


def _page(key: str, items: Sequence[object], page: Mapping[str, Any]) -> Json:
    """A page of a list, 100 items long unless less is asked for."""
    start, size = int(page.get("nextToken", 0)), page.get("maxResults", 100)
    more = {"nextToken": str(start + size)} if start + size < len(items) else {}
    return {key: list(items[start : start + size]), **more}


def _in(cluster: Json, shelf: Mapping[str, Json]) -> dict[str, Json]:
    """What a cluster has of a shelf."""
    return {key: one for key, one in shelf.items() if one["clusterArn"] == cluster["clusterArn"]}


def _found(key: str, names: Iterable[str], there: Mapping[str, Json]) -> Json:
    """What was asked for by name or ARN, and a failure for each that does not exist."""
    asked = [last(name) for name in names]
    ours = {last(arn): one for arn, one in there.items()}
    missing = [{"arn": n, "reason": "MISSING"} for n in asked if n not in ours]
    return {key: [ours[n] for n in asked if n in ours], "failures": missing}
