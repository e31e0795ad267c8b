"""A Region as AWS would describe it, of which tests spoil a part, and clients that answer so."""

import copy
import json
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import boto3
from botocore.stub import Stubber

import catalog
from neuron_ecs.operations import aws
from neuron_ecs.operations.observed import Names
from neuron_ecs.stackfile.reading import read
from planning import decide, plan

ROOT = Path(__file__).parents[3]
ACCOUNT = "111122223333"
NOW = datetime(2026, 11, 29, 3, 12, tzinfo=UTC)
SERVICES = ("application-autoscaling", "autoscaling", "ec2", "ecs", "elbv2", "logs", "ssm")
IMAGE = "ami-0aaaaaaaaaaaaaaaa"

STACK = """\
config:
  aws:region: us-west-2
  neuron-ecs:regions: {us-west-2: {}}
  neuron-ecs:capacity:
    shared:
      kind: auto_scaling
      instance_type: inf2.24xlarge
      max_size: 2
      ami: {version: al2023-ami-ecs-neuron-hvm-2023.0.20260701-kernel-6.1-x86_64}
    small: {kind: managed_instances, allowed_instance_types: [inf2.8xlarge]}
  neuron-ecs:models:
    ant:
      image: public.ecr.aws/neuron/serving:1.0
      capacity: shared
      neuron_devices: 2
      environment: {MODE: fast, TOKEN_LIMIT: "10"}
    bee: {image: "public.ecr.aws/neuron/serving:1.0", capacity: shared, neuron_devices: 1}
    cat: {image: "public.ecr.aws/neuron/serving:1.0", capacity: small, neuron_devices: all}
  neuron-ecs:jobs:
    dog: {image: "public.ecr.aws/neuron/serving:1.0", capacity: shared, neuron_devices: 1}
"""

MOVING = """\
config:
  aws:region: us-west-2
  neuron-ecs:regions: {us-west-2: {}}
  neuron-ecs:capacity:
    shared: {kind: auto_scaling, instance_type: inf2.24xlarge, max_size: 2}
  neuron-ecs:models:
    ant: {image: "public.ecr.aws/neuron/serving:1.0", capacity: shared, neuron_devices: 2}
"""


def stack_file(folder: Path, text: str) -> Path:
    path = folder / "Pulumi.test.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def planned(path: Path) -> plan.Plan:
    file = read(stack=None, file=path, directory=ROOT)
    return decide(file.config, catalog.load(), project=file.project, stack=file.stack)


def client(service: str, region: str) -> Any:
    # boto3 has no annotations: botocore makes the clients from service models at run time
    make = cast(Callable[..., Any], boto3.client)  # pyright: ignore[reportUnknownMemberType]
    return make(service, region_name=region, aws_access_key_id="none", aws_secret_access_key="none")


def connecting(clients: Mapping[str, Any]) -> aws.Connect:
    def connect(service: str, region_name: str = "", config: object = None) -> Any:
        return clients[service]

    return connect


def named(key: str) -> str:
    """A physical name, as the engine makes it from a logical one."""
    return f"{key}-0a1b2c3"


class World:
    """What AWS would answer about a Region in which all is as planned; tests then spoil it."""

    def __init__(self, region: plan.RegionPlan, *, suffix: Callable[[str], str] = named) -> None:
        self.region = region
        self.suffix = suffix
        self.refusing: frozenset[str] = frozenset()
        self.other_clusters: list[str] = []
        self.machines: list[dict[str, Any]] = []
        self.definitions: dict[str, list[dict[str, Any]]] = {}
        self.targets: dict[str, list[dict[str, Any]]] = {}
        self.activities: dict[str, list[dict[str, Any]]] = {}  # by service or provider
        self.clusters = {
            c.kind: self._cluster(c) for c in (region.auto_scaling, region.managed_instances) if c
        }
        for job in region.jobs:
            self._define(job.task_definition)

    def arn(self, what: str) -> str:
        return f"arn:aws:ecs:{self.region.name}:{ACCOUNT}:{what}"

    def _cluster(self, cluster: plan.Cluster) -> dict[str, Any]:
        name = self.suffix(cluster.key)
        made: dict[str, Any] = {
            "name": name,
            "status": "ACTIVE",
            "providers": [
                {"name": self.suffix(p.key), "status": "ACTIVE", "updateStatus": "UPDATE_COMPLETE"}
                | self._group(p)
                for p in cluster.pools
            ],
            "services": [],
            "tasks": [],
            "instances": [],
        }
        for pool in cluster.pools:
            hosts = [
                self._instance(name, pool, number) for number in range(pool.layout.instances_min)
            ]
            made["instances"] += hosts
            for service in self.planned_services(pool.key):
                definition = self._define(service.task_definition)
                made["services"].append(self._service(name, service, definition))
                for number in range(service.desired_count):
                    every = pool.layout.devices and service.task_definition.devices == "all"
                    free = [h for h in hosts if not every or not h["taken"]]
                    host = free[number % len(free)]
                    host["taken"] = every
                    made["tasks"].append(
                        self._task(name, pool, service, definition, host, str(number))
                    )
        for host in made["instances"]:
            del host["taken"]
        return made

    def _group(self, pool: plan.Pool) -> dict[str, Any]:
        if isinstance(pool, plan.ManagedInstancesPool):
            return {}
        arn = f"arn:aws:autoscaling:{self.region.name}:{ACCOUNT}:autoScalingGroup:0:"
        group = f"{arn}autoScalingGroupName/group-of-{pool.name}"
        return {"autoScalingGroupProvider": {"autoScalingGroupArn": group}}

    def planned_services(self, pool: str) -> list[plan.Service]:
        return [s for m in self.region.models for s in m.services if s.pool == pool]

    def _define(self, task: plan.TaskDefinition) -> str:
        arn = self.arn(f"task-definition/{task.family}:3")
        containers: list[dict[str, Any]] = json.loads(task.container_definitions)
        # as AWS hands them back: defaults filled in, maps of a list in another order
        for container in containers:
            container.setdefault("mountPoints", [])
            container.setdefault("volumesFrom", [])
            container["environment"] = list(reversed(container.get("environment", [])))
            container["portMappings"] = list(reversed(container.get("portMappings", [])))
        self.definitions[arn] = self.definitions[task.family] = containers
        return arn

    def _service(self, cluster: str, service: plan.Service, definition: str) -> dict[str, Any]:
        name = self.suffix(service.key)
        return {
            "serviceName": name,
            "serviceArn": self.arn(f"service/{cluster}/{name}"),
            "status": "ACTIVE",
            "desiredCount": service.desired_count,
            "runningCount": service.desired_count,
            "pendingCount": 0,
            "taskDefinition": definition,
            "capacityProviderStrategy": [
                {"capacityProvider": self.suffix(service.pool), "weight": 1, "base": 0}
            ],
            "deployments": [{"id": "d", "status": "PRIMARY", "rolloutState": "COMPLETED"}],
            "events": [],
            "loadBalancers": self._behind(service),
        }

    def _behind(self, service: plan.Service) -> list[dict[str, Any]]:
        """The load balancer of a service, with a healthy target for each of its tasks."""
        if service.container_port is None:
            return []
        model = next(m for m in self.region.models if service in m.services)
        kind = f"arn:aws:elasticloadbalancing:{self.region.name}:{ACCOUNT}:targetgroup"
        arn = f"{kind}/{model.name}/0123456789abcdef"
        targets = self.targets.setdefault(arn, [])
        targets += [{"TargetHealth": {"State": "healthy"}} for _ in range(service.desired_count)]
        return [{"targetGroupArn": arn, "containerName": service.container_name}]

    def _instance(self, cluster: str, pool: plan.Pool, number: int) -> dict[str, Any]:
        identity = f"i-{len(self.machines):017x}"
        match pool:
            case plan.AutoScalingPool():
                kind, devices = pool.instance_type, list[dict[str, Any]]()
            case plan.ManagedInstancesPool():
                kind = pool.instance_types[0]
                ids = [str(d) for d in range(pool.layout.devices)]
                devices = [{"name": "NEURON_DEVICES", "type": "STRINGSET", "stringSetValue": ids}]
        ports = {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "2376"]}
        self.machines.append(
            {
                "InstanceId": identity,
                "ImageId": IMAGE,
                "InstanceType": kind,
                "LaunchTime": NOW - timedelta(days=3),
                "Tags": [{"Key": "aws:ec2launchtemplate:version", "Value": "7"}],
            }
        )
        return {
            "containerInstanceArn": self.arn(f"container-instance/{cluster}/{identity}"),
            "ec2InstanceId": identity,
            "capacityProviderName": self.suffix(pool.key),
            "status": "ACTIVE",
            "agentConnected": True,
            "attributes": [{"name": "ecs.instance-type", "value": kind}],
            "registeredResources": copy.deepcopy([ports, *devices]),
            "remainingResources": copy.deepcopy([ports, *devices]),
            "taken": False,
        }

    def _task(
        self,
        cluster: str,
        pool: plan.Pool,
        service: plan.Service,
        definition: str,
        host: dict[str, Any],
        number: str,
    ) -> dict[str, Any]:
        devices = service.task_definition.devices
        image = service.task_definition.image
        container: dict[str, Any] = {"name": service.container_name, "image": image}
        if devices == "all":
            container["neuronDeviceIds"] = [str(d) for d in range(pool.layout.devices)]
            resource(host, "NEURON_DEVICES")["stringSetValue"] = []
        else:
            ports = [str(20000 + d) for d in devices]
            resource(host, "PORTS")["stringSetValue"] += ports
        return {
            "taskArn": self.arn(f"task/{cluster}/{self.suffix(service.key)}.{number}"),
            "group": f"service:{self.suffix(service.key)}",
            "taskDefinitionArn": definition,
            "containerInstanceArn": host["containerInstanceArn"],
            "lastStatus": "RUNNING",
            "desiredStatus": "RUNNING",
            "healthStatus": "UNKNOWN",
            "containers": [container],
        }

    # -- access for tests ----------------------------------------------------------------------

    @property
    def shared(self) -> dict[str, Any]:
        return self.clusters["auto_scaling"]

    @property
    def managed(self) -> dict[str, Any]:
        return self.clusters["managed_instances"]

    def task_of(self, model: str) -> dict[str, Any]:
        tasks = [t for c in self.clusters.values() for t in c["tasks"]]
        return next(t for t in tasks if f"_{model}_" in t["group"])

    def service_of(self, model: str) -> dict[str, Any]:
        services = [s for c in self.clusters.values() for s in c["services"]]
        return next(s for s in services if f"_{model}_" in s["serviceName"])

    def names(self) -> Names:
        """As the stack's outputs tell them."""
        definitions = [
            *(s.task_definition for m in self.region.models for s in m.services),
            *(j.task_definition for j in self.region.jobs),
        ]
        services = [s for m in self.region.models for s in m.services]
        return Names(
            {kind: c["name"] for kind, c in self.clusters.items()},
            {p.key: self.suffix(p.key) for p in self.region.pools},
            {s.key: self.suffix(s.key) for s in services},
            {d.key: self.arn(f"task-definition/{d.family}:3") for d in definitions},
        )

    # -- answering -----------------------------------------------------------------------------

    @contextmanager
    def answering(
        self, *, by_names: bool, targets: bool = False, recent: bool = False
    ) -> Generator[aws.Connect]:
        """Clients that expect exactly the calls that this world needs, in their order."""
        clients = {s: client(s, self.region.name) for s in SERVICES}
        with ExitStack() as stack:
            stubs = {s: stack.enter_context(Stubber(c)) for s, c in clients.items()}
            self._script(stubs, by_names=by_names, recent=recent)
            if recent:
                self._script_activities(stubs)
            for group, healths in self.targets.items() if targets else ():
                answer = {"TargetHealthDescriptions": healths}
                cast(Any, stubs["elbv2"]).add_response(
                    "describe_target_health", answer, {"TargetGroupArn": group}
                )
            yield connecting(clients)
            for stub in stubs.values():
                stub.assert_no_pending_responses()

    def _script_activities(self, stubs: Mapping[str, Stubber]) -> None:
        services = [s for m in self.region.models for s in m.services if s.scaling]
        for service in services:
            name = self.suffix(service.key)
            homes = [
                c
                for c in self.clusters.values()
                if any(s["serviceName"] == name for s in c["services"])
            ]
            cluster = homes[0]
            asked = {
                "ServiceNamespace": "ecs",
                "ResourceId": f"service/{cluster['name']}/{name}",
            }
            answer = {"ScalingActivities": self.activities.get(name, [])}
            cast(Any, stubs["application-autoscaling"]).add_response(
                "describe_scaling_activities", answer, asked
            )
        for pool in self.region.pools:
            if isinstance(pool, plan.AutoScalingPool):
                asked = {"AutoScalingGroupName": f"group-of-{pool.name}"}
                answer = {"Activities": self.activities.get(self.suffix(pool.key), [])}
                cast(Any, stubs["autoscaling"]).add_response(
                    "describe_scaling_activities", answer, asked
                )

    def _script(
        self, stubs: Mapping[str, Stubber], *, by_names: bool, recent: bool = False
    ) -> None:
        def says(service: str, call: str, answer: dict[str, Any], **asked: Any) -> bool:
            stub = stubs[service]
            if call in self.refusing:
                cast(Any, stub).add_client_error(
                    call, "AccessDeniedException", f"not allowed: {call}"
                )
                return False
            cast(Any, stub).add_response(call, answer, asked)
            return True

        used: dict[str, None] = {}
        in_use: dict[str, None] = {}
        for cluster in self.clusters.values():
            name = cluster["name"]
            if not by_names:
                everything = [c["name"] for c in self.clusters.values()] + self.other_clusters
                arns = [self.arn(f"cluster/{n}") for n in everything]
                if not says("ecs", "list_clusters", {"clusterArns": arns}):
                    continue
            told = {"clusterName": name, "status": cluster["status"]}
            says("ecs", "describe_clusters", {"clusters": [told]}, clusters=[name])
            for wished in ("RUNNING", "STOPPED"):
                tasks = [t for t in cluster["tasks"] if t["desiredStatus"] == wished]
                asked = {"cluster": name, "desiredStatus": wished}
                pages = paged([t["taskArn"] for t in tasks])
                if not all(
                    says("ecs", "list_tasks", {"taskArns": page} | token, **asked, **from_there)
                    for page, token, from_there in pages
                ):
                    break
                for start in range(0, len(tasks), 100):
                    some = tasks[start : start + 100]
                    arns = [t["taskArn"] for t in some]
                    says("ecs", "describe_tasks", {"tasks": some}, cluster=name, tasks=arns)
                on_instances = [t for t in tasks if t["lastStatus"] != "STOPPED"]
                used |= {t["taskDefinitionArn"]: None for t in on_instances}
            says(
                "ecs",
                "describe_capacity_providers",
                {"capacityProviders": cluster["providers"]},
                cluster=name,
            )
            arns = [s["serviceArn"] for s in cluster["services"]]
            first, rest = arns[:1], arns[1:]  # two pages where there is more than one
            page = {"serviceArns": first} | ({"nextToken": "more"} if rest else {})
            if says("ecs", "list_services", page, cluster=name):
                if rest:
                    page = {"serviceArns": rest}
                    says("ecs", "list_services", page, cluster=name, nextToken="more")
                for start in range(0, len(arns), 10):
                    says(
                        "ecs",
                        "describe_services",
                        {"services": cluster["services"][start : start + 10]},
                        cluster=name,
                        services=arns[start : start + 10],
                    )
                in_use |= {s["taskDefinition"]: None for s in cluster["services"]}
            in_use |= used
            used = {}
            if not recent:
                self._script_instances(cluster, says)
        if recent:
            return
        jobs = [j.task_definition.family for j in self.region.jobs]
        arns = [self.arn(f"task-definition/{j}:3") for j in jobs]
        for definition in {**in_use, **dict.fromkeys(arns if by_names else jobs)}:
            containers = self.definitions[definition]
            answer = {"taskDefinition": {"containerDefinitions": containers}}
            says("ecs", "describe_task_definition", answer, taskDefinition=definition)
        pools = [p for p in self.region.pools if isinstance(p, plan.AutoScalingPool)]
        paths = sorted({p.image_id.removeprefix("resolve:ssm:") for p in pools})
        if paths:
            told = {"Parameters": [{"Name": p, "Value": IMAGE} for p in paths]}
            says("ssm", "get_parameters", told, Names=paths)

    def _script_instances(self, cluster: dict[str, Any], says: Callable[..., bool]) -> None:
        name, hosts = cluster["name"], cluster["instances"]
        for page, token, from_there in paged([h["containerInstanceArn"] for h in hosts]):
            answer = {"containerInstanceArns": page} | token
            if not says("ecs", "list_container_instances", answer, cluster=name, **from_there):
                return
        for start in range(0, len(hosts), 100):
            some = hosts[start : start + 100]
            says(
                "ecs",
                "describe_container_instances",
                {"containerInstances": some},
                cluster=name,
                containerInstances=[h["containerInstanceArn"] for h in some],
            )
        for start in range(0, len(hosts), 100):
            ids = [h["ec2InstanceId"] for h in hosts[start : start + 100]]
            machines = [m for m in self.machines if m["InstanceId"] in ids]
            says(
                "ec2",
                "describe_instances",
                {"Reservations": [{"Instances": machines}]},
                Filters=[{"Name": "instance-id", "Values": ids}],
            )


def paged(items: list[str]) -> list[tuple[list[str], dict[str, str], dict[str, str]]]:
    """Pages of at most 100, with what each says about the next and what asks for it."""
    starts = range(0, max(len(items), 1), 100)
    return [
        (
            items[start : start + 100],
            {"nextToken": f"{start + 100}"} if start + 100 < len(items) else {},
            {"nextToken": f"{start}"} if start else {},
        )
        for start in starts
    ]


def resource(host: dict[str, Any], name: str) -> dict[str, Any]:
    return next(r for r in host["remainingResources"] if r["name"] == name)
