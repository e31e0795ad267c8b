"""The service scheduler of ECS: it starts, places, replaces and stops tasks until all is steady."""

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta

from tests.account.hosts import Hosts
from tests.account.state import Account, Place, Trouble, arn, last
from tests.account.wire import Json

_SEE = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
_OF_REVISION = (
    "serviceArn",
    "clusterArn",
    "taskDefinition",
    "capacityProviderStrategy",
    "loadBalancers",
    "networkConfiguration",
)
_TRIES = 3
"""Tasks of a service without a circuit breaker that may fail before ECS waits longer."""


class Scheduler:
    """The tasks of a Region."""

    def __init__(self, account: Account, place: Place) -> None:
        self.account = account
        self.place = place
        self.hosts = Hosts(account, place)

    # -- what is there -------------------------------------------------------------------------

    def tasks_of(self, service: Json) -> list[Json]:
        """The tasks that a service counts: those that shall run."""
        group = f"service:{service['serviceName']}"
        return [
            t
            for t in self.place.tasks.values()
            if (t.get("group"), t["clusterArn"]) == (group, service["clusterArn"])
            and t["desiredStatus"] == "RUNNING"
        ]

    def tasks_on(self, instance: Json) -> list[Json]:
        """The tasks that hold something of an instance: all that have not stopped."""
        held = instance["containerInstanceArn"]
        return [
            t
            for t in self.place.tasks.values()
            if t.get("containerInstanceArn") == held and t["lastStatus"] != "STOPPED"
        ]

    def provider_of(self, name: str) -> Json:
        """A capacity provider by name or ARN."""
        return self.place.providers[last(name)]

    def remaining(self, instance: Json) -> dict[str, Json]:
        """The resources of an instance that no task holds, by their names."""
        left = {r["name"]: dict(r) for r in instance["registeredResources"]}
        for task in self.tasks_on(instance):
            definition = self.place.definitions[task["taskDefinitionArn"]]
            left["CPU"]["integerValue"] -= int(definition.get("cpu", 0))
            left["MEMORY"]["integerValue"] -= int(definition.get("memory", 0))
            # PORTS names what is taken, NEURON_DEVICES what is free.
            taken = [*left["PORTS"]["stringSetValue"], *map(str, _locks(definition))]
            left["PORTS"]["stringSetValue"] = taken
            held = {d for c in task["containers"] for d in c.get("neuronDeviceIds", ())}
            if held:
                free = left["NEURON_DEVICES"]["stringSetValue"]
                left["NEURON_DEVICES"]["stringSetValue"] = [d for d in free if d not in held]
        return left

    def troubles(self, definition: str, kind: str) -> Iterator[Trouble]:
        """What goes wrong with tasks of a definition."""
        return (t for t in self.account.state.troubles if t.kind == kind and t.meets(definition))

    # -- placement -----------------------------------------------------------------------------

    def _instances_for(self, provider: Json) -> list[Json]:
        named = provider["name"]
        there = [i for i in self.place.instances.values() if i["capacityProviderName"] == named]
        return [i for i in there if i["status"] == "ACTIVE" and i["agentConnected"]]

    def _lacks(self, instance: Json, definition: Json) -> str:
        """Why an instance has no room for a task; empty if it has."""
        left = self.remaining(instance)
        if any(str(port) in left["PORTS"]["stringSetValue"] for port in _locks(definition)):
            return "is already using a port required by your task"
        if _needs_devices(definition):
            free = left.get("NEURON_DEVICES", {}).get("stringSetValue", [])
            if not free or len(free) < len(self._devices(instance)):
                return "has insufficient Neuron devices available"
        if left["MEMORY"]["integerValue"] < int(definition.get("memory", 0)):
            return "has insufficient memory available"
        if left["CPU"]["integerValue"] < int(definition.get("cpu", 0)):
            return "has insufficient CPU units available"
        return ""

    def _devices(self, instance: Json) -> list[str]:
        found = {r["name"]: r for r in instance["registeredResources"]}
        return list(found.get("NEURON_DEVICES", {}).get("stringSetValue", ()))

    def instance_for(self, definition: Json, provider: Json) -> tuple[Json | None, str]:
        """An instance with room for a task, launched if need be, or why there is none."""
        lacks: list[str] = []
        for instance in self._instances_for(provider):
            why = self._lacks(instance, definition)
            if not why:
                return instance, ""
            name = last(instance["containerInstanceArn"])
            lacks.append(f"The closest matching (container-instance {name}) {why}.")
        launched = self.hosts.launch(provider)
        if launched is not None:
            return launched, ""
        return None, lacks[0] if lacks else (
            "Reason: No Container Instances were found in your cluster."
        )

    # -- tasks ---------------------------------------------------------------------------------

    def start(self, definition: Json, instance: Json, cluster: Json, **more: object) -> Json:
        """Starts a task on an instance. Unless something spoils it, it runs at once."""
        identity = self.account.hex(32)
        named = f"task/{cluster['clusterName']}/{identity}"
        now = self.account.now()
        task: Json = {
            "taskArn": arn("ecs", self.place.name, named),
            "clusterArn": cluster["clusterArn"],
            "taskDefinitionArn": definition["taskDefinitionArn"],
            "containerInstanceArn": instance["containerInstanceArn"],
            "capacityProviderName": instance["capacityProviderName"],
            "lastStatus": "RUNNING",
            "desiredStatus": "RUNNING",
            "healthStatus": "UNKNOWN",
            "connectivity": "CONNECTED",
            "createdAt": now,
            "startedAt": now,
            "version": 1,
            "containers": [self._container(c, named) for c in definition["containerDefinitions"]],
            **{key: definition[key] for key in ("cpu", "memory") if key in definition},
            **more,
        }
        if task.get("enableExecuteCommand"):
            agent = {"name": "ExecuteCommandAgent", "lastStatus": "RUNNING", "lastStartedAt": now}
            for container in task["containers"]:
                container["managedAgents"] = [agent]
        if _needs_devices(definition):
            task["containers"][0]["neuronDeviceIds"] = self._devices(instance)
        if definition.get("networkMode") == "awsvpc":
            number = 20 + len(self.place.tasks)
            address = {"privateIpv4Address": f"10.47.{32 + number // 250}.{number % 250}"}
            for container in task["containers"]:
                container["networkInterfaces"] = [address]
        self.place.tasks[task["taskArn"]] = task
        for trouble in list(self.troubles(definition["taskDefinitionArn"], "ends"))[:1]:
            self.end(task, trouble)
        return task

    def _container(self, definition: Json, task: str) -> Json:
        return {
            "containerArn": arn(
                "ecs", self.place.name, f"{task.replace('task', 'container', 1)}/0"
            ),
            "taskArn": arn("ecs", self.place.name, task),
            "name": definition["name"],
            "image": definition["image"],
            "lastStatus": "RUNNING",
        }

    def end(self, task: Json, trouble: Trouble) -> None:
        """Lets a task end as a trouble says."""
        if trouble.times is not None:
            trouble.times -= 1
        self.account.spend(trouble.after)
        self.write(task, *trouble.lines)
        if trouble.stop_code == "TaskFailedToStart":
            del task["startedAt"]
        task["stopCode"] = trouble.stop_code
        task["stoppedReason"] = trouble.reason
        container = task["containers"][0]
        if trouble.container_reason:
            container["reason"] = trouble.container_reason
        if trouble.exit_code is not None:
            container["exitCode"] = trouble.exit_code
        self._stopped(task)

    def stop(self, task: Json, code: str, reason: str, exit_code: int = 143) -> None:
        """Asks a task to stop, which it does unless a trouble lets it stay."""
        task["desiredStatus"] = "STOPPED"
        task["stopCode"], task["stoppedReason"] = code, reason
        task["stoppingAt"] = self.account.now()
        if any(self.troubles(task["taskDefinitionArn"], "stays")):
            task["lastStatus"] = "STOPPING"
            return
        task["containers"][0].setdefault("exitCode", exit_code)
        self._stopped(task)

    def _stopped(self, task: Json) -> None:
        now = self.account.now()
        task["desiredStatus"] = task["lastStatus"] = "STOPPED"
        task["stoppingAt"] = task.get("stoppingAt", now)
        task["executionStoppedAt"] = task["stoppedAt"] = now
        for container in task["containers"]:
            container["lastStatus"] = "STOPPED"
            container.pop("neuronDeviceIds", None)

    def write(self, task: Json, *lines: str) -> None:
        """Lines that a task logs, a second apart, the last one now."""
        definition = self.place.definitions[task["taskDefinitionArn"]]["containerDefinitions"][0]
        options = definition["logConfiguration"]["options"]
        stream = f"{options['awslogs-stream-prefix']}/{definition['name']}/{last(task['taskArn'])}"
        group = self.place.lines.setdefault(options["awslogs-group"], [])
        for number, line in enumerate(lines):
            at = self.account.now() - timedelta(seconds=len(lines) - 1 - number)
            group.append(
                {
                    "logStreamName": stream,
                    "timestamp": int(at.timestamp() * 1000),
                    "ingestionTime": int(at.timestamp() * 1000),
                    "message": line,
                    "eventId": f"{len(group):056d}",
                }
            )

    def lose(self, machine: Json) -> None:
        """Ends an EC2 instance, and with it its tasks and what ECS knows of it."""
        self.hosts.end(machine)
        identity = machine["InstanceId"]
        for instance in list(self.place.instances.values()):
            if instance["ec2InstanceId"] == identity:
                for task in self.tasks_on(instance):
                    task["stopCode"] = "TerminationNotice"
                    task["stoppedReason"] = f"Host EC2 (instance {identity}) terminated."
                    self._stopped(task)
                del self.place.instances[instance["containerInstanceArn"]]

    # -- services ------------------------------------------------------------------------------

    def settle(self) -> None:
        """Does what is to be done until nothing changes any more."""
        for _ in range(1000):
            if not any(self._step(s) for s in self.place.services.values()):
                break
        for service in self.place.services.values():
            self._count(service)

    def _step(self, service: Json) -> bool:
        """One change to a service; False if there is none to make."""
        if service["status"] != "ACTIVE":
            return False
        if service["schedulingStrategy"] == "DAEMON":
            return self._step_of_daemon(service)
        primary = service["deployments"][0]
        tasks = self.tasks_of(service)
        new = [t for t in tasks if t["startedBy"] == primary["id"] and not self._leaves(t)]
        old = [t for t in tasks if t not in new]
        desired = service["desiredCount"]
        limits = service["deploymentConfiguration"]
        least = math.ceil(desired * limits["minimumHealthyPercent"] / 100)
        most = math.floor(desired * limits["maximumPercent"] / 100)
        healthy = [t for t in tasks if not any(self.troubles(t["taskDefinitionArn"], "unhealthy"))]
        if len(new) > desired or (old and len(healthy) - (old[0] in healthy) >= least):
            going = new[-1] if len(new) > desired else old[0]
            self.stop(going, "ServiceSchedulerInitiated", _because(service, primary))
            self.say(service, f"has stopped 1 running tasks: (task {last(going['taskArn'])}).")
            return True
        if len(new) < desired and len(tasks) < most and self._may_try(service, primary):
            return self._try(service, primary)
        if len(new) == desired and not old and primary["rolloutState"] == "IN_PROGRESS":
            if not any(self.troubles(service["taskDefinition"], "unhealthy")):
                self._complete(service, primary)
                return True
        return False

    def _step_of_daemon(self, service: Json) -> bool:
        """One task on each instance that the constraints let in, the last to leave a draining one.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service-options.html
        """
        primary = service["deployments"][0]
        definition = self.place.definitions[primary["taskDefinition"]]
        tasks = {t["containerInstanceArn"]: t for t in self.tasks_of(service)}
        there = [i for i in self.place.instances.values() if _let_in(definition, i)]
        service["desiredCount"] = sum(i["status"] == "ACTIVE" for i in there)
        for instance in there:
            task = tasks.get(instance["containerInstanceArn"])
            if task is None and instance["status"] == "ACTIVE":
                cluster = self.place.clusters[last(service["clusterArn"])]
                group = f"service:{service['serviceName']}"
                self.start(definition, instance, cluster, group=group, startedBy=primary["id"])
                return True
            is_last = instance["status"] == "DRAINING" and len(self.tasks_on(instance)) == 1
            if task is not None and (is_last or task["startedBy"] != primary["id"]):
                self.stop(task, "ServiceSchedulerInitiated", _because(service, primary))
                return True
        if primary["rolloutState"] == "IN_PROGRESS":
            self._complete(service, primary)
            return True
        return False

    def _leaves(self, task: Json) -> bool:
        """Whether the instance of a task is draining, so that the task is to be replaced."""
        return self.place.instances[task["containerInstanceArn"]]["status"] == "DRAINING"

    def _may_try(self, service: Json, primary: Json) -> bool:
        return primary["rolloutState"] != "FAILED" and primary["failedTasks"] < max(
            _TRIES, _threshold(service)
        )

    def _try(self, service: Json, primary: Json) -> bool:
        definition = self.place.definitions[primary["taskDefinition"]]
        provider = self.provider_of(service["capacityProviderStrategy"][0]["capacityProvider"])
        instance, why = self.instance_for(definition, provider)
        if instance is None:
            said = "was unable to place a task because no container instance met all of its"
            return self.say(service, f"{said} requirements. {why} {_SEE}", once=True)
        cluster = self.place.clusters[last(service["clusterArn"])]
        task = self.start(
            definition,
            instance,
            cluster,
            group=f"service:{service['serviceName']}",
            startedBy=primary["id"],
            enableExecuteCommand=service.get("enableExecuteCommand", False),
        )
        self.say(service, f"has started 1 tasks: (task {last(task['taskArn'])}).")
        if task["lastStatus"] == "STOPPED":
            self._failed(service, primary)
        return True

    def _failed(self, service: Json, primary: Json) -> None:
        primary["failedTasks"] += 1
        breaker = service["deploymentConfiguration"].get("deploymentCircuitBreaker", {})
        is_over = primary["failedTasks"] >= max(_TRIES, _threshold(service))
        if not is_over:
            return
        if primary["rolloutState"] == "COMPLETED" or not breaker.get("enable"):
            self.say(service, f"is unable to consistently start tasks successfully. {_SEE}")
            return
        self.say(service, f"(deployment {primary['id']}) deployment failed: tasks failed to start.")
        self._fail(service, primary, "ECS deployment circuit breaker: tasks failed to start.")
        if breaker.get("rollback"):
            self._roll_back(service)

    def _fail(self, service: Json, primary: Json, reason: str) -> None:
        primary["rolloutState"], primary["rolloutStateReason"] = "FAILED", reason
        record = self._record(service, primary)
        record["status"], record["statusReason"] = "STOPPED", reason
        record["finishedAt"] = record["stoppedAt"] = self.account.now()

    def _roll_back(self, service: Json) -> None:
        """Goes back to the deployment that completed before, if there is one."""
        failed, *before = service["deployments"]
        good = next((d for d in before if d["rolloutState"] == "COMPLETED"), None)
        if good is None:
            return
        record = self._record(service, failed)
        record["status"] = "ROLLBACK_SUCCESSFUL"
        record["rollback"] = {
            "reason": failed.get("rolloutStateReason", "the deployment was stopped"),
            "startedAt": self.account.now(),
            "serviceRevisionArn": self._record(service, good)["targetServiceRevision"]["arn"],
        }
        self.say(service, f"rolling back to deployment {good['id']}.")
        service["deployments"] = [good, *(d for d in before if d is not good), failed]
        good["status"], failed["status"] = "PRIMARY", "ACTIVE"
        good["rolloutState"] = "IN_PROGRESS"
        good["rolloutStateReason"] = (
            f"ECS deployment circuit breaker: rolling back to deploymentId {good['id']}."
        )
        service["taskDefinition"] = good["taskDefinition"]
        service["currentServiceDeployment"] = self._record(service, good)["serviceDeploymentArn"]

    def _record(self, service: Json, deployment: Json) -> Json:
        """The service deployment that a deployment of a service belongs to."""
        return self.place.deployments[_part(service, "deployment", last(deployment["id"]))]

    def _complete(self, service: Json, primary: Json) -> None:
        primary["rolloutState"] = "COMPLETED"
        primary["rolloutStateReason"] = f"ECS deployment {primary['id']} completed."
        record = self._record(service, primary)
        if record["status"] == "IN_PROGRESS":
            record["status"] = "SUCCESSFUL"
            record["finishedAt"] = self.account.now()
        service["deployments"] = [primary]
        self.say(service, f"(deployment {primary['id']}) deployment completed.")
        self.say(service, "has reached a steady state.")

    def deploy(self, service: Json) -> None:
        """A new deployment of a service as it is now."""
        identity = f"ecs-svc/{self.account.number()}"
        now = self.account.now()
        deployment = {
            "id": identity,
            "status": "PRIMARY",
            "taskDefinition": service["taskDefinition"],
            "desiredCount": service["desiredCount"],
            "pendingCount": 0,
            "runningCount": 0,
            "failedTasks": 0,
            "createdAt": now,
            "updatedAt": now,
            "capacityProviderStrategy": service["capacityProviderStrategy"],
            "rolloutState": "IN_PROGRESS",
            "rolloutStateReason": f"ECS deployment {identity} in progress.",
        }
        for before in service["deployments"]:
            before["status"] = "ACTIVE"
        # ECS keeps the deployments whose tasks still run.
        held = {t["startedBy"] for t in self.tasks_of(service)}
        kept = [d for d in service["deployments"] if d["id"] in held]
        service["deployments"] = [deployment, *kept]
        revision = self._revision(service)
        named = _part(service, "deployment", last(identity))
        self.place.deployments[named] = {
            "serviceDeploymentArn": named,
            "serviceArn": service["serviceArn"],
            "clusterArn": service["clusterArn"],
            "createdAt": now,
            "startedAt": now,
            "updatedAt": now,
            "sourceServiceRevisions": [
                {"arn": r["arn"]} for r in service.get("currentServiceRevisions", ())
            ],
            "targetServiceRevision": {
                "arn": revision,
                "requestedTaskCount": service["desiredCount"],
            },
            "status": "IN_PROGRESS",
            "deploymentConfiguration": dict(service["deploymentConfiguration"]),
            "deploymentCircuitBreaker": {
                "status": "MONITORING",
                "failureCount": 0,
                "threshold": _threshold(service),
            },
        }
        service["currentServiceDeployment"] = named
        service["currentServiceRevisions"] = [{"arn": revision}]

    def _revision(self, service: Json) -> str:
        named = _part(service, "revision", str(self.account.number()))
        definition = self.place.definitions[service["taskDefinition"]]
        self.place.revisions[named] = {
            "serviceRevisionArn": named,
            **{key: service[key] for key in _OF_REVISION if key in service},
            "containerImages": [
                {"containerName": c["name"], "image": c["image"]}
                for c in definition["containerDefinitions"]
            ],
            "createdAt": self.account.now(),
        }
        return named

    def _count(self, service: Json) -> None:
        tasks = self.tasks_of(service)
        service["runningCount"], service["pendingCount"] = len(tasks), 0
        for deployment in service["deployments"]:
            ours = [t for t in tasks if t["startedBy"] == deployment["id"]]
            deployment["runningCount"] = len(ours)
            is_first = deployment["status"] == "PRIMARY"
            deployment["desiredCount"] = service["desiredCount"] if is_first else 0
            record = self._record(service, deployment)
            record["deploymentCircuitBreaker"]["failureCount"] = deployment["failedTasks"]

    def say(self, service: Json, message: str, *, once: bool = False) -> bool:
        """Adds a message of a service, the newest first; `once` if it is not the newest already."""
        told = f"(service {service['serviceName']}) {message}"
        events: list[Json] = service["events"]
        if once and events and events[0]["message"] == told:
            return False
        self.account.spend(timedelta(seconds=2))
        event = {"id": self.account.hex(32), "createdAt": self.account.now(), "message": told}
        service["events"] = [event, *events][:100]
        return True


def _let_in(definition: Json, instance: Json) -> bool:
    """Whether an instance has one of the types that the constraints of a task list."""
    kind = next(a["value"] for a in instance["attributes"] if a["name"] == "ecs.instance-type")
    listed = [c["expression"].partition("[")[2] for c in definition["placementConstraints"]]
    return all(kind in types.strip("]").split(", ") for types in listed)


def _part(service: Json, kind: str, number: str) -> str:
    """The ARN of a deployment or revision of a service."""
    return f"{service['serviceArn'].replace(':service/', f':service-{kind}/')}/{number}"


def _locks(definition: Json) -> Sequence[int]:
    """The host ports that a task reserves: the locks of its devices among them."""
    if definition.get("networkMode") == "awsvpc":
        return []
    ports = [p for c in definition["containerDefinitions"] for p in c.get("portMappings", ())]
    return [p["hostPort"] for p in ports if p.get("hostPort")]


def _needs_devices(definition: Json) -> bool:
    needs = [
        r for c in definition["containerDefinitions"] for r in c.get("resourceRequirements", ())
    ]
    return any(r["type"] == "NeuronDevice" for r in needs)


def _threshold(service: Json) -> int:
    """Failed tasks that end a deployment: half of the wish, at least 3 and at most 200."""
    return min(200, max(3, math.ceil(service["desiredCount"] / 2)))


def _because(service: Json, primary: Json) -> str:
    of = f"deployment {primary['id']}" if len(service["deployments"]) > 1 else "service"
    return f"Scaling activity initiated by ({of})"
