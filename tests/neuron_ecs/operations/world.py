"""A Region as AWS would describe it, of which tests spoil a part, and clients that answer so."""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, cast

import boto3
from botocore.exceptions import ClientError

# botocore has no annotations
from botocore.validate import validate_parameters  # pyright: ignore[reportUnknownVariableType]

import catalog
from neuron_ecs.operations import aws
from neuron_ecs.operations.observed import Names
from neuron_ecs.stackfile.reading import read
from planning import decide, plan
from planning.blocks import BlockHours

ROOT = Path(__file__).parents[3]
ACCOUNT = "111122223333"
NOW = datetime(2026, 11, 29, 3, 12, tzinfo=UTC)
BLOCKS = (
    BlockHours("cr-0a", "2026-12-01T11:30Z", "2026-12-02T10:45Z", "2026-12-02T11:30Z"),
    BlockHours("cr-0b", "2026-12-04T11:30Z", "2026-12-05T10:45Z", "2026-12-05T11:30Z"),
)


def in_blocks(region: plan.RegionPlan) -> plan.RegionPlan:
    """The Region with the hours of two Capacity Blocks on its pools of Auto Scaling."""
    cluster = region.auto_scaling
    assert cluster is not None
    pools = tuple(replace(pool, blocks=BLOCKS) for pool in cluster.pools)
    return replace(region, auto_scaling=replace(cluster, pools=pools))


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


Asked = Mapping[str, Any]
Answer = dict[str, Any]


class World:
    """What AWS would answer about a Region in which all is as planned; tests then spoil it."""

    def __init__(self, region: plan.RegionPlan, *, suffix: Callable[[str], str] = named) -> None:
        self.region = region
        self.suffix = suffix
        self.lock = Lock()
        self.asked: list[tuple[str, str, Asked]] = []
        self.refusing: frozenset[str] = frozenset()
        self.other_clusters: list[str] = []
        self.stacks = 1  # with such a network in the account
        self.machines: list[dict[str, Any]] = []
        self.definitions: dict[str, list[dict[str, Any]]] = {}
        self.targets: dict[str, list[dict[str, Any]]] = {}
        self.activities: dict[str, list[dict[str, Any]]] = {}  # by service or provider
        self.history: dict[str, list[str]] = {}  # task definitions of a service, newest first
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

    def connect(self, service: str, region_name: str = "", config: object = None) -> Any:
        """A client that answers for this world, in any order, to several threads."""
        return Client(self, service)

    def cluster_named(self, name: str) -> dict[str, Any]:
        return next(c for c in self.clusters.values() if c["name"] == name)

    def list_clusters(self, asked: Asked) -> Answer:
        everything = [c["name"] for c in self.clusters.values()] + self.other_clusters
        return {"clusterArns": [self.arn(f"cluster/{n}") for n in everything]}

    def describe_clusters(self, asked: Asked) -> Answer:
        there = [c for c in self.clusters.values() if c["name"] in asked["clusters"]]
        return {"clusters": [{"clusterName": c["name"], "status": c["status"]} for c in there]}

    def describe_capacity_providers(self, asked: Asked) -> Answer:
        return {"capacityProviders": self.cluster_named(asked["cluster"])["providers"]}

    def list_services(self, asked: Asked) -> Answer:
        """Two pages where there is more than one service."""
        arns = [s["serviceArn"] for s in self.cluster_named(asked["cluster"])["services"]]
        if "nextToken" in asked:
            return {"serviceArns": arns[1:]}
        return {"serviceArns": arns[:1]} | ({"nextToken": "more"} if arns[1:] else {})

    def describe_services(self, asked: Asked) -> Answer:
        there = self.cluster_named(asked["cluster"])["services"]
        return {
            "services": [
                s
                for s in there
                if s["serviceArn"] in asked["services"] or s["serviceName"] in asked["services"]
            ]
        }

    def list_tasks(self, asked: Asked) -> Answer:
        tasks = [
            t
            for t in self.cluster_named(asked["cluster"])["tasks"]
            if t["desiredStatus"] == asked["desiredStatus"]
        ]
        return paged("taskArns", [t["taskArn"] for t in tasks], asked)

    def describe_tasks(self, asked: Asked) -> Answer:
        there = self.cluster_named(asked["cluster"])["tasks"]
        return {"tasks": [t for t in there if t["taskArn"] in asked["tasks"]]}

    def list_container_instances(self, asked: Asked) -> Answer:
        hosts = self.cluster_named(asked["cluster"])["instances"]
        arns = [h["containerInstanceArn"] for h in hosts]
        return paged("containerInstanceArns", arns, asked)

    def describe_container_instances(self, asked: Asked) -> Answer:
        hosts = self.cluster_named(asked["cluster"])["instances"]
        wanted = asked["containerInstances"]
        return {"containerInstances": [h for h in hosts if h["containerInstanceArn"] in wanted]}

    def describe_instances(self, asked: Asked) -> Answer:
        wanted = asked["Filters"][0]["Values"]
        there = [m for m in self.machines if m["InstanceId"] in wanted]
        return {"Reservations": [{"Instances": there}]}

    def describe_subnets(self, asked: Asked) -> Answer:
        """A subnet for each name that is asked for, in the network of the security group."""
        assert {"Name": "vpc-id", "Values": ["vpc-1"]} in asked["Filters"], "of this stack alone"
        return {"Subnets": [{"SubnetId": f"subnet-{name}"} for name in named_in(asked)]}

    def describe_security_groups(self, asked: Asked) -> Answer:
        groups = [{"GroupId": f"sg-{n}", "VpcId": "vpc-1"} for n in named_in(asked)]
        return {"SecurityGroups": groups * self.stacks}

    def describe_task_definition(self, asked: Asked) -> Answer:
        containers = self.definitions[asked["taskDefinition"]]
        return {"taskDefinition": {"containerDefinitions": containers}}

    def list_service_deployments(self, asked: Asked) -> Answer:
        """Deployments that completed: one for each task definition of `history`, newest first."""
        arns = self.history.get(asked["service"], [])
        return {
            "serviceDeployments": [
                {
                    "serviceDeploymentArn": f"{asked['service']}/{n}",
                    "targetServiceRevisionArn": arn,
                    "createdAt": NOW - timedelta(days=n),
                    "status": "SUCCESSFUL",
                }
                for n, arn in enumerate(arns)
            ]
        }

    def describe_service_revisions(self, asked: Asked) -> Answer:
        """The ARN of a revision is here that of its task definition."""
        arns = asked["serviceRevisionArns"]
        return {"serviceRevisions": [{"serviceRevisionArn": a, "taskDefinition": a} for a in arns]}

    def list_task_definitions(self, asked: Asked) -> Answer:
        prefix = f"task-definition/{asked['familyPrefix']}:"
        arns = [a for a in self.definitions if prefix in a]
        return {"taskDefinitionArns": sorted(arns, reverse=True)}

    def update_service(self, asked: Asked) -> Answer:
        there = self.cluster_named(asked["cluster"])["services"]
        service = next(s for s in there if s["serviceName"] == asked["service"])
        service["taskDefinition"] = asked.get("taskDefinition", service["taskDefinition"])
        service["desiredCount"] = asked.get("desiredCount", service["desiredCount"])
        service["runningCount"] = service["desiredCount"]
        return {"service": {k: v for k, v in service.items() if k != "deployments"}}

    def get_parameters(self, asked: Asked) -> Answer:
        return {"Parameters": [{"Name": path, "Value": IMAGE} for path in asked["Names"]]}

    def describe_target_health(self, asked: Asked) -> Answer:
        return {"TargetHealthDescriptions": self.targets[asked["TargetGroupArn"]]}

    def describe_target_groups(self, asked: Asked) -> Answer:
        kind = f"arn:aws:elasticloadbalancing:{self.region.name}:{ACCOUNT}:loadbalancer"
        balancer = f"{kind}/app/all/0123456789abcdef"
        return {
            "TargetGroups": [
                {"TargetGroupArn": group, "LoadBalancerArns": [balancer]}
                for group in asked["TargetGroupArns"]
            ]
        }

    def get_metric_data(self, asked: Asked) -> Answer:
        """How many targets of each group are healthy, as the load balancer counts them."""
        found: list[dict[str, Any]] = []
        for query in asked["MetricDataQueries"]:
            named = {d["Name"]: d["Value"] for d in query["MetricStat"]["Metric"]["Dimensions"]}
            groups = [arn for arn in self.targets if arn.endswith(named["TargetGroup"])]
            values = [
                float(sum(t["TargetHealth"]["State"] == "healthy" for t in self.targets[group]))
                for group in groups
            ]
            found.append({"Id": query["Id"], "Values": values})
        return {"MetricDataResults": found}

    def describe_scaling_activities(self, asked: Asked) -> Answer:
        """Of a service (Application Auto Scaling), or of a group (EC2 Auto Scaling)."""
        if "ResourceId" in asked:
            name = asked["ResourceId"].rpartition("/")[2]
            return {"ScalingActivities": self.activities.get(name, [])}
        name = asked["AutoScalingGroupName"].removeprefix("group-of-")
        pool = next(p for p in self.region.pools if p.name == name)
        return {"Activities": self.activities.get(self.suffix(pool.key), [])}


class Client:
    """A client whose calls a `World` answers; both are checked against the service's model."""

    def __init__(self, world: World, service: str) -> None:
        self._world = world
        self._service = service
        self._sdk = sdk_of(service)

    def __getattr__(self, call: str) -> Callable[..., Any]:
        operation = self._sdk.method_to_api_mapping[call]
        shapes = self._sdk.service_model.operation_model(operation)

        def answer(**asked: Any) -> Any:
            validate_parameters(asked, shapes.input_shape)
            world = self._world
            with world.lock:
                world.asked.append((self._service, call, asked))
                if call in world.refusing:
                    raise refusal("AccessDeniedException", f"not allowed: {call}", operation)
                found = getattr(world, call)(asked)
            validate_parameters(found, shapes.output_shape)
            return copy.deepcopy(found)

        return answer


@cache
def sdk_of(service: str) -> Any:
    return client(service, "us-west-2").meta


def refusal(code: str, message: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def named_in(asked: Asked) -> list[str]:
    """The names that filters ask for."""
    return next(f["Values"] for f in asked["Filters"] if f["Name"] == "tag:Name")


def paged(key: str, items: list[str], asked: Asked) -> Answer:
    """A page of at most 100 items, and the token of the next one."""
    start = int(asked.get("nextToken", 0))
    more = {"nextToken": f"{start + 100}"} if start + 100 < len(items) else {}
    return {key: items[start : start + 100]} | more


def resource(host: dict[str, Any], name: str) -> dict[str, Any]:
    return next(r for r in host["remainingResources"] if r["name"] == name)
