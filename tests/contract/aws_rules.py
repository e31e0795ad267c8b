"""What AWS demands beyond its service models: rules between members, and between requests.

Each rule is a generator over the requests of a whole graph; its docstring is AWS's rule and where
it stands. `API_<Name>` is a page below https://docs.aws.amazon.com/AmazonECS/latest/APIReference/.
"""

import base64
import binascii
import ipaddress
import json
import re
import zoneinfo
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

from planning.document import Json
from tests.contract import aws_model
from tests.contract.aws_requests import Request

Rule = Callable[["Requests"], Iterator[str]]


class Requests:
    """The requests of one graph, and questions about them."""

    def __init__(self, requests: Sequence[Request]) -> None:
        self._by_operation: dict[str, list[Request]] = defaultdict(list)
        for request in requests:
            # Cloud Map has an operation of the name of one of ECS
            of = "servicediscovery:" if request.service == "servicediscovery" else ""
            self._by_operation[of + request.operation].append(request)

    def of(self, operation: str) -> list[Request]:
        """All requests of an operation."""
        return self._by_operation[operation]

    @cached_property
    def _definitions(self) -> Mapping[tuple[str, str], Request]:
        return {(r.region, r.params["family"]): r for r in self.of("RegisterTaskDefinition")}

    def definition(self, region: str, arn: str) -> Request:
        """The task definition of an ARN."""
        return self._definitions[region, arn.rpartition("/")[2].rpartition(":")[0]]

    def runs(self) -> Iterator[tuple[Request, Mapping[str, Json], Request]]:
        """What starts tasks: services and schedules, their ECS part, their task definition.

        The scheduler's members begin with a capital where ECS's do not; here they are ECS's.
        """
        for service in self.of("CreateService"):
            definition = self.definition(service.region, service.params["taskDefinition"])
            yield service, service.params, definition
        for schedule in self.of("CreateSchedule"):
            ecs = schedule.params["Target"]["EcsParameters"]
            lowered = {k[:1].lower() + k[1:]: v for k, v in ecs.items()}
            yield schedule, lowered, self.definition(schedule.region, ecs["TaskDefinitionArn"])

    @cached_property
    def managed_instances_providers(self) -> frozenset[str]:
        """Logical names of the capacity providers that are Managed Instances."""
        return frozenset(
            r.resource.name
            for r in self.of("CreateCapacityProvider")
            if "managedInstancesProvider" in r.params
        )


def _at(request: Request) -> str:
    return f"{request.operation} {request.resource.name}"


def _logical(physical: str) -> str:
    """The logical name that a made-up physical one begins with."""
    return physical.rpartition("-")[0]


def _containers(definition: Request) -> list[dict[str, Any]]:
    return definition.params["containerDefinitions"]


# ---- ECS: task definitions -----------------------------------------------------------------


def host_ports_follow_from_the_network_mode(requests: Requests) -> Iterator[str]:
    """In awsvpc a host port is left out or equal to the container's, in host mode it is equal; 22,
    2375, 2376 and 51678 to 51680 are the agent's, and 100 host ports can be reserved at a time.
    API_PortMapping."""
    for definition in requests.of("RegisterTaskDefinition"):
        mode = definition.params["networkMode"]
        ports = [p for c in _containers(definition) for p in c.get("portMappings", ())]
        for port in ports:
            inside, outside = port["containerPort"], port.get("hostPort")
            if mode == "host" and outside != inside:
                yield f"{_at(definition)}: host mode maps {inside} to {outside}, not to itself"
            if mode == "awsvpc" and outside not in {None, inside}:
                yield f"{_at(definition)}: awsvpc maps {inside} to {outside}, not to itself"
            if outside in {22, 2375, 2376, 51678, 51679, 51680}:
                yield f"{_at(definition)}: host port {outside} belongs to the agent"
        fixed = [p["hostPort"] for p in ports if p.get("hostPort")]
        for port, times in Counter(fixed).items():
            if times > 1:
                yield f"{_at(definition)}: host port {port} is mapped {times} times"
        if len(fixed) > 100:
            yield f"{_at(definition)}: {len(fixed)} host ports; an instance reserves 100"


def links_stand_in_bridge_mode_only(requests: Requests) -> Iterator[str]:
    """Links are for the bridge, and name other containers of the task. API_ContainerDefinition."""
    for definition in requests.of("RegisterTaskDefinition"):
        names = {c["name"] for c in _containers(definition)}
        for container in _containers(definition):
            for link in container.get("links", ()):
                if definition.params["networkMode"] != "bridge":
                    yield f"{_at(definition)}: links in {definition.params['networkMode']} mode"
                if link.partition(":")[0] not in names - {container["name"]}:
                    yield f"{_at(definition)}: {container['name']} links to {link}, not there"


def neuron_devices_are_handed_out_by_managed_instances_only(requests: Requests) -> Iterator[str]:
    """NeuronDevice is for Managed Instances, has the value ALL and stands on one container of the
    task; on EC2 devices are mapped by path. API_ResourceRequirement."""
    for definition in requests.of("RegisterTaskDefinition"):
        asked = [
            requirement
            for container in _containers(definition)
            for requirement in container.get("resourceRequirements", ())
            if requirement["type"] == "NeuronDevice"
        ]
        if not asked:
            continue
        if definition.params["requiresCompatibilities"] != ["MANAGED_INSTANCES"]:
            yield f"{_at(definition)}: NeuronDevice outside Managed Instances"
        if len(asked) > 1:
            yield f"{_at(definition)}: NeuronDevice on {len(asked)} containers"
        for requirement in asked:
            if requirement["value"] != "ALL":
                yield f"{_at(definition)}: NeuronDevice {requirement['value']}, not ALL"


def device_paths_stand_where_the_host_is_ours(requests: Requests) -> Iterator[str]:
    """A device is mapped to one path in a container, by an absolute path. API_Device."""
    for definition in requests.of("RegisterTaskDefinition"):
        for container in _containers(definition):
            devices = container.get("linuxParameters", {}).get("devices", ())
            for path, times in Counter(d["hostPath"] for d in devices).items():
                if times > 1:
                    yield f"{_at(definition)}: {container['name']} maps {path} {times} times"
                if not path.startswith("/dev/"):
                    yield f"{_at(definition)}: {path} is no device"


def constraints_say_what_their_place_allows(requests: Requests) -> Iterator[str]:
    """A task definition takes memberOf alone; distinctInstance is for services and has no
    expression, memberOf has one; 10 at most. API_TaskDefinitionPlacementConstraint,
    API_PlacementConstraint."""
    placed = [
        *((r, r.params) for r in requests.of("RegisterTaskDefinition")),
        *((r, given) for r, given, _ in requests.runs()),
    ]
    for request, given in placed:
        constraints: list[dict[str, str]] = given.get("placementConstraints", [])
        for constraint in constraints:
            member_of = constraint["type"] == "memberOf"
            if request.operation == "RegisterTaskDefinition" and not member_of:
                yield f"{_at(request)}: {constraint['type']} in a task definition"
            if member_of != bool(constraint.get("expression")):
                yield f"{_at(request)}: {constraint['type']} with{'out' * member_of} an expression"
        if len(constraints) > 10:
            yield f"{_at(request)}: {len(constraints)} placement constraints"


def containers_fit_into_their_task(requests: Requests) -> Iterator[str]:
    """The task's size is at least the sum of its containers'; CPU lies between 128 and 196608
    units, a container has 6 MiB at least and, without a task size, a limit of its own.
    API_RegisterTaskDefinition (cpu, memory), API_ContainerDefinition (cpu, memory)."""
    for definition in requests.of("RegisterTaskDefinition"):
        containers = _containers(definition)
        for member in ("cpu", "memory"):
            size = definition.params.get(member)
            if size is not None and not size.isdigit():
                yield f"{_at(definition)}: {member} {size!r} is no number of units"
                continue
            total = sum(c.get(member, 0) for c in containers)
            if size is not None and total > int(size):
                yield f"{_at(definition)}: containers take {total} of {size} ({member})"
        cpu = definition.params.get("cpu")
        if cpu is not None and cpu.isdigit() and not 128 <= int(cpu) <= 196_608:
            yield f"{_at(definition)}: {cpu} CPU units; 128 to 196608 are allowed"
        for container in containers:
            limit = container.get("memory", container.get("memoryReservation"))
            if limit is None and "memory" not in definition.params:
                yield f"{_at(definition)}: {container['name']} has no memory limit"
            if limit is not None and limit < 6:
                yield f"{_at(definition)}: {container['name']} has less than 6 MiB"


def containers_are_told_apart(requests: Requests) -> Iterator[str]:
    """Names are unique, one container is essential, a variable is set once and in one way.
    API_ContainerDefinition."""
    for definition in requests.of("RegisterTaskDefinition"):
        containers = _containers(definition)
        if not containers or not all(c.get("name") for c in containers):
            yield f"{_at(definition)}: no container, or one without a name"
        for name, times in Counter(c.get("name") for c in containers).items():
            if times > 1:
                yield f"{_at(definition)}: {times} containers are called {name}"
        if not any(c.get("essential", True) for c in containers):
            yield f"{_at(definition)}: no container is essential"
        for container in containers:
            variables = [
                v["name"]
                for v in (*container.get("environment", ()), *container.get("secrets", ()))
            ]
            for name, times in Counter(variables).items():
                if times > 1:
                    yield f"{_at(definition)}: {container['name']} sets {name} {times} times"


def health_checks_of_containers_stay_in_their_ranges(requests: Requests) -> Iterator[str]:
    """Interval 5 to 300 s, timeout 2 to 60 s, 1 to 10 retries, start period at most 300 s; the
    command begins with CMD or CMD-SHELL. API_HealthCheck."""
    ranges = {"interval": (5, 300), "timeout": (2, 60), "retries": (1, 10), "startPeriod": (0, 300)}
    for definition in requests.of("RegisterTaskDefinition"):
        for container in _containers(definition):
            check = container.get("healthCheck")
            if check is None:
                continue
            if check["command"][0] not in {"CMD", "CMD-SHELL", "NONE"}:
                yield f"{_at(definition)}: health check {check['command'][0]!r}"
            for member, (low, high) in ranges.items():
                if not low <= check.get(member, low) <= high:
                    yield f"{_at(definition)}: {member} {check[member]} outside {low} to {high}"


def logs_go_to_the_region_of_the_task(requests: Requests) -> Iterator[str]:
    """awslogs needs its group to exist, in the Region it names.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html"""
    groups = {(r.region, r.params["logGroupName"]) for r in requests.of("CreateLogGroup")}
    for definition in requests.of("RegisterTaskDefinition"):
        for container in _containers(definition):
            options = container["logConfiguration"]["options"]
            place = options.get("awslogs-region"), options.get("awslogs-group")
            if place not in groups or place[0] != definition.region:
                yield f"{_at(definition)}: {container['name']} logs to {place}, not in the stack"


# ---- ECS: services and schedules -----------------------------------------------------------


def launch_type_and_strategy_exclude_each_other(requests: Requests) -> Iterator[str]:
    """One of the two; Managed Instances need the strategy, which names one provider.
    API_CreateService (launchType, capacityProviderStrategy)."""
    for request, given, _ in requests.runs():
        strategy: list[Any] = given.get("capacityProviderStrategy", [])
        if given.get("schedulingStrategy") == "DAEMON":
            continue
        if bool(strategy) == ("launchType" in given):
            yield f"{_at(request)}: needs a launch type or a strategy, and not both"
        if len(strategy) > 1:
            yield f"{_at(request)}: {len(strategy)} capacity providers; a later update is refused"
        if not any(item.get("weight", 0) > 0 for item in strategy):
            yield f"{_at(request)}: no provider has a weight above 0, so nothing could be placed"


def daemons_run_where_instances_are(requests: Requests) -> Iterator[str]:
    """A daemon has the launch type EC2, and neither a count nor a strategy. API_CreateService
    (schedulingStrategy), https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service-options.html"""
    for service in requests.of("CreateService"):
        if service.params.get("schedulingStrategy") != "DAEMON":
            continue
        if service.params.get("launchType") != "EC2":
            yield f"{_at(service)}: a daemon without the launch type EC2"
        for member in ("capacityProviderStrategy", "desiredCount", "placementStrategy"):
            if member in service.params:
                yield f"{_at(service)}: a daemon with {member}"


def network_configuration_stands_with_awsvpc_alone(requests: Requests) -> Iterator[str]:
    """Required for awsvpc, refused for any other mode. API_CreateService (networkConfiguration)."""
    for request, given, definition in requests.runs():
        mode = definition.params["networkMode"]
        if ("networkConfiguration" in given) != (mode == "awsvpc"):
            yield f"{_at(request)}: networkConfiguration in {mode} mode, or awsvpc without"


def managed_instances_take_no_placement_strategy(requests: Requests) -> Iterator[str]:
    """Services on Managed Instances are refused with a placement strategy (aws/aws-cdk#35644), and
    their task definition names that compatibility. API_CreateService (placementStrategy)."""
    for request, given, definition in requests.runs():
        strategy: list[Any] = given.get("capacityProviderStrategy", [])
        (provider, *_) = [s["capacityProvider"] for s in strategy] or [""]
        managed = _logical(provider) in requests.managed_instances_providers
        if managed and "placementStrategy" in given:
            yield f"{_at(request)}: a placement strategy on Managed Instances"
        wanted = ["MANAGED_INSTANCES" if managed else "EC2"]
        if definition.params["requiresCompatibilities"] != wanted:
            yield f"{_at(request)}: needs a task definition compatible with {wanted[0]}"


def deployments_can_make_progress(requests: Requests) -> Iterator[str]:
    """The maximum is above the minimum, or nothing could ever be replaced; rebalancing between
    zones excludes a maximum of 100. API_DeploymentConfiguration,
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html"""
    for service in requests.of("CreateService"):
        deployment = service.params["deploymentConfiguration"]
        low, high = deployment["minimumHealthyPercent"], deployment["maximumPercent"]
        if not 0 <= low <= 100 <= high or low == high:
            yield f"{_at(service)}: {low} to {high} percent"
        if high == 100 and service.params.get("availabilityZoneRebalancing") != "DISABLED":
            yield f"{_at(service)}: rebalancing with a maximum of 100 percent"


def load_balancers_reach_a_port_of_the_container(requests: Requests) -> Iterator[str]:
    """The container and its port are in the task definition; a grace period needs a load balancer;
    targets are ip for awsvpc and on Managed Instances, and instance otherwise. API_LoadBalancer,
    API_CreateService (healthCheckGracePeriodSeconds, loadBalancers),
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ManagedInstances.html"""
    types = {
        (r.region, r.resource.name): r.params["TargetType"]
        for r in requests.of("CreateTargetGroup")
    }
    for service in requests.of("CreateService"):
        balancers: list[dict[str, Any]] = service.params.get("loadBalancers", [])
        if "healthCheckGracePeriodSeconds" in service.params and not balancers:
            yield f"{_at(service)}: a grace period without a load balancer"
        definition = requests.definition(service.region, service.params["taskDefinition"])
        if len(balancers) > 5:  # register-multiple-targetgroups.html
            yield f"{_at(service)}: {len(balancers)} target groups, of at most 5"
        on_ec2 = definition.params["requiresCompatibilities"] == ["EC2"]
        by_ip = definition.params["networkMode"] == "awsvpc" or not on_ec2
        wanted = "ip" if by_ip else "instance"
        for balancer in balancers:
            mapped = {
                p["containerPort"]
                for c in _containers(definition)
                if c["name"] == balancer["containerName"]
                for p in c.get("portMappings", ())
            }
            if balancer["containerPort"] not in mapped:
                yield f"{_at(service)}: nothing at {balancer['containerName']} serves that port"
            name = _logical(balancer["targetGroupArn"].split("/")[1])
            found = types.get((service.region, name))
            if found != wanted:
                yield f"{_at(service)}: targets of type {found}, not {wanted}"


def schedules_are_expressions_that_the_scheduler_reads(requests: Requests) -> Iterator[str]:
    """cron has six fields, one of the two days is ?, rate a number and a unit, at a time without
    a zone. https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"""
    for schedule in requests.of("CreateSchedule"):
        expression: str = schedule.params["ScheduleExpression"]
        kind, _, rest = expression.rstrip(")").partition("(")
        fields = rest.split()
        well_formed = {
            "cron": len(fields) == 6 and "?" in {*fields[2:3], *fields[4:5]},
            "rate": bool(re.fullmatch(r"[1-9]\d* (minute|hour|day)s?", rest)),
            "at": bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", rest)),
        }
        if not well_formed.get(kind, False):
            yield f"{_at(schedule)}: {expression} is no schedule"
        zone = schedule.params.get("ScheduleExpressionTimezone", "UTC")
        if zone not in zoneinfo.available_timezones():
            yield f"{_at(schedule)}: no such time zone: {zone}"


def scalable_targets_are_services(requests: Requests) -> Iterator[str]:
    """The resource is service/<cluster>/<service>, and the minimum is at most the maximum.
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
    """
    services = {(r.region, r.resource.name) for r in requests.of("CreateService")}
    for target in requests.of("RegisterScalableTarget"):
        parts = target.params["ResourceId"].split("/")
        if len(parts) != 3 or (target.region, _logical(parts[2])) not in services:
            yield f"{_at(target)}: {target.params['ResourceId']} is no service of the stack"
        if target.params["MinCapacity"] > target.params["MaxCapacity"]:
            yield f"{_at(target)}: the minimum is above the maximum"


def steps_meet_without_gap_or_overlap(requests: Requests) -> Iterator[str]:
    """One step ends where the next begins, and one end is open: that beyond the threshold.
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_StepAdjustment.html
    """
    low, high = "MetricIntervalLowerBound", "MetricIntervalUpperBound"
    for policy in requests.of("PutScalingPolicy"):
        steps = policy.params["StepScalingPolicyConfiguration"]["StepAdjustments"]
        ends = [step.get(high) for step in steps[:-1]]
        if ends != [step.get(low) for step in steps[1:]] or ends != sorted(ends):
            yield f"{_at(policy)}: a gap or an overlap between steps"
        outer = steps[0].get(low), steps[-1].get(high)
        if outer.count(None) != 1 or 0 not in outer:
            yield f"{_at(policy)}: the steps reach from {outer[0]} to {outer[1]}"


def alarms_watch_one_series(requests: Requests) -> Iterator[str]:
    """One of the queries returns data, and names of queries begin with a small letter.
    API_PutMetricAlarm (Metrics) and API_MetricDataQuery (Id)."""
    for alarm in requests.of("PutMetricAlarm"):
        queries = alarm.params.get("Metrics", ())
        if queries and sum(query.get("ReturnData", False) for query in queries) != 1:
            yield f"{_at(alarm)}: not one of its queries returns data"
        for query in queries:
            if not re.fullmatch(r"[a-z]\w*", query["Id"]):
                yield f"{_at(alarm)}: {query['Id']} is no name of a query"


# ---- capacity ------------------------------------------------------------------------------


def capacity_providers_are_of_one_kind(requests: Requests) -> Iterator[str]:
    """Auto Scaling or Managed Instances; only the latter names its cluster.
    API_CreateCapacityProvider (cluster)."""
    for provider in requests.of("CreateCapacityProvider"):
        kinds = {"autoScalingGroupProvider", "managedInstancesProvider"} & provider.params.keys()
        if len(kinds) != 1:
            yield f"{_at(provider)}: of {len(kinds)} kinds"
        if ("cluster" in provider.params) != ("managedInstancesProvider" in provider.params):
            yield f"{_at(provider)}: the cluster goes with Managed Instances alone"
        if "cluster" in provider.params and "/" in provider.params["cluster"]:
            yield f"{_at(provider)}: the provider takes the cluster's name, not its ARN"


def managed_instances_ask_for_sizes_and_reservations_rightly(requests: Requests) -> Iterator[str]:
    """Both minimums are 1 at least; reservations and RESERVED need each other, and a group means
    RESERVATIONS_ONLY; data is on a volume or on the instance store.
    API_InstanceRequirementsRequest, API_CapacityReservationRequest."""
    for provider in requests.of("CreateCapacityProvider"):
        if "managedInstancesProvider" not in provider.params:
            continue
        template = provider.params["managedInstancesProvider"]["instanceLaunchTemplate"]
        needs = template["instanceRequirements"]
        for member in ("vCpuCount", "memoryMiB"):
            if needs.get(member, {}).get("min", 0) < 1:
                yield f"{_at(provider)}: {member} needs a minimum of 1"
        if {"allowedInstanceTypes", "excludedInstanceTypes"} <= needs.keys():
            yield f"{_at(provider)}: allowed and excluded instance types exclude each other"
        for kind in needs.get("allowedInstanceTypes", ()):
            if not re.fullmatch(r"[a-zA-Z0-9.*-]{1,30}", kind):
                yield f"{_at(provider)}: {kind!r} is no pattern of instance types"
        reserved = template.get("capacityOptionType") == "RESERVED"
        if reserved != ("capacityReservations" in template):
            yield f"{_at(provider)}: RESERVED and capacityReservations go together"
        asked = template.get("capacityReservations", {})
        if "reservationGroupArn" in asked:
            if asked.get("reservationPreference") != "RESERVATIONS_ONLY":
                yield f"{_at(provider)}: a reservation group needs RESERVATIONS_ONLY"
        if {"storageConfiguration", "localStorageConfiguration"} <= template.keys():
            yield f"{_at(provider)}: an EBS volume and the instance store at once"


def managed_instances_end_within_an_hour(requests: Requests) -> Iterator[str]:
    """An idle instance stays 0 to 3600 seconds, or for ever with -1.
    API_InfrastructureOptimization."""
    for provider in requests.of("CreateCapacityProvider"):
        optimization = provider.params.get("managedInstancesProvider", {}).get(
            "infrastructureOptimization", {}
        )
        seconds = optimization.get("scaleInAfter")
        if seconds is not None and not -1 <= seconds <= 3600:
            yield f"{_at(provider)}: scale in after {seconds} seconds"


_TAGGED_AT_LAUNCH = {
    "elastic-gpu",
    "instance",
    "network-interface",
    "spot-instances-request",
    "volume",
}


def launches_are_tagged_and_limited_as_ec2_allows(requests: Requests) -> Iterator[str]:
    """A launch tags instances, volumes, network interfaces and Spot requests; metadata answers
    travel 1 to 64 hops.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateTagSpecificationRequest.html
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateInstanceMetadataOptionsRequest.html
    """
    for template in requests.of("CreateLaunchTemplate"):
        data = template.params["LaunchTemplateData"]
        for specification in data.get("TagSpecifications", ()):
            if specification["ResourceType"] not in _TAGGED_AT_LAUNCH:
                yield f"{_at(template)}: {specification['ResourceType']} has no tags at launch"
        hops = data.get("MetadataOptions", {}).get("HttpPutResponseHopLimit", 1)
        if not 1 <= hops <= 64:
            yield f"{_at(template)}: a hop limit of {hops}"


def user_data_is_base64_and_small(requests: Requests) -> Iterator[str]:
    """At most 16 KB before it is encoded, and encoded.
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html"""
    for template in requests.of("CreateLaunchTemplate"):
        encoded = template.params["LaunchTemplateData"].get("UserData", "")
        try:
            script = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            yield f"{_at(template)}: user data is no base64"
            continue
        if len(script) > 16_384:
            yield f"{_at(template)}: {len(script)} bytes of user data"
        if not script.startswith(b"#!"):
            yield f"{_at(template)}: cloud-init runs nothing that does not begin with #!"


def interfaces_are_told_apart(requests: Requests) -> Iterator[str]:
    """Each (card, device) once, the primary one is card 0 and device 0 and carries IP traffic;
    groups stand on the interfaces, and public addresses on none of several.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateInstanceNetworkInterfaceSpecificationRequest.html
    """
    for template in requests.of("CreateLaunchTemplate"):
        data = template.params["LaunchTemplateData"]
        interfaces: list[dict[str, Any]] = data.get("NetworkInterfaces", [])
        if bool(interfaces) == ("SecurityGroupIds" in data):
            yield f"{_at(template)}: security groups stand on the interfaces, or without any"
        if not interfaces:
            continue
        places = [(i.get("NetworkCardIndex", 0), i["DeviceIndex"]) for i in interfaces]
        for place, times in Counter(places).items():
            if times > 1:
                yield f"{_at(template)}: card and device {place} {times} times"
        kinds = dict(zip(places, (i.get("InterfaceType") for i in interfaces), strict=True))
        if kinds.get((0, 0), "efa-only") == "efa-only":
            yield f"{_at(template)}: no interface for IP traffic at card 0, device 0"
        for interface in interfaces:
            if interface.get("InterfaceType", "interface") not in {"interface", "efa", "efa-only"}:
                yield f"{_at(template)}: an interface of type {interface['InterfaceType']}"
            if not interface.get("Groups"):
                yield f"{_at(template)}: an interface without security groups"
            if len(interfaces) > 1 and interface.get("AssociatePublicIpAddress"):
                yield f"{_at(template)}: a public address with several interfaces"


def markets_and_reservations_go_together(requests: Requests) -> Iterator[str]:
    """A Capacity Block is bought by market type and by reservation; Spot has none; a target and a
    preference exclude each other.
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-blocks-launch.html"""
    for template in requests.of("CreateLaunchTemplate"):
        data = template.params["LaunchTemplateData"]
        market = data.get("InstanceMarketOptions", {}).get("MarketType")
        asked = data.get("CapacityReservationSpecification", {})
        target = asked.get("CapacityReservationTarget", {})
        if market == "capacity-block" and not target.get("CapacityReservationId"):
            yield f"{_at(template)}: a Capacity Block needs its reservation"
        if market == "spot" and asked:
            yield f"{_at(template)}: Spot uses no reservation"
        if target and "CapacityReservationPreference" in asked:
            yield f"{_at(template)}: a target and a preference"


def groups_have_room_and_a_template(requests: Requests) -> Iterator[str]:
    """The minimum is at most the maximum, subnets are given, and a template by id and version.
    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html"""
    for group in requests.of("CreateAutoScalingGroup"):
        if group.params["MinSize"] > group.params["MaxSize"]:
            yield f"{_at(group)}: the minimum is above the maximum"
        if not {"LaunchTemplateId", "Version"} <= group.params.get("LaunchTemplate", {}).keys():
            yield f"{_at(group)}: no launch template by id and version"
        if not group.params.get("VPCZoneIdentifier"):
            yield f"{_at(group)}: no subnets"


# ---- identity ------------------------------------------------------------------------------


def policies_fit_into_their_role(requests: Requests) -> Iterator[str]:
    """2,048 characters of trust, 10,240 of inline policies in all, without white space; 10 managed
    policies. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    for role in requests.of("CreateRole"):
        size = _size(role.params["AssumeRolePolicyDocument"])
        if size > 2_048:
            yield f"{_at(role)}: a trust policy of {size} characters"
    inline: Counter[str] = Counter()
    for policy in requests.of("PutRolePolicy"):
        inline[policy.params["RoleName"]] += _size(policy.params["PolicyDocument"])
    for name, size in inline.items():
        if size > 10_240:
            yield f"PutRolePolicy {name}: {size} characters of inline policies"
    attached = Counter(r.params["RoleName"] for r in requests.of("AttachRolePolicy"))
    for name, count in attached.items():
        if count > 10:
            yield f"AttachRolePolicy {name}: {count} managed policies"


def _size(document: str) -> int:
    return len(re.sub(r"\s", "", document))


def policies_are_policies(requests: Requests) -> Iterator[str]:
    """Version 2012-10-17; a statement has an effect, actions, and either resources or, in a trust
    policy, a principal.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""
    documents = [
        *(
            (r, "Principal", r.params["AssumeRolePolicyDocument"])
            for r in requests.of("CreateRole")
        ),
        *((r, "Resource", r.params["PolicyDocument"]) for r in requests.of("PutRolePolicy")),
    ]
    for request, about, text in documents:
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            yield f"{_at(request)}: no JSON: {error}"
            continue
        if document.get("Version") != "2012-10-17" or not document.get("Statement"):
            yield f"{_at(request)}: no policy of version 2012-10-17"
        for statement in document.get("Statement", ()):
            if statement.keys() - {"Condition", "Sid"} != {"Effect", "Action", about}:
                yield f"{_at(request)}: a statement with {sorted(statement)}"
            if statement.get("Effect") not in {"Allow", "Deny"}:
                yield f"{_at(request)}: effect {statement.get('Effect')}"
            for action in _several(statement.get("Action", ())):
                if not re.fullmatch(r"[a-z0-9-]+:[A-Za-z*]+", action):
                    yield f"{_at(request)}: {action} is no action"
            for resource in _several(statement.get("Resource", ())):
                if resource != "*" and len(resource.split(":", 5)) != 6:
                    yield f"{_at(request)}: {resource} is no ARN"


def _several(value: Json) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


# ---- load balancing ------------------------------------------------------------------------


def rules_stay_within_their_quotas(requests: Requests) -> Iterator[str]:
    """A rule has 5 values and 6 wildcards in all; a path has 128 characters.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
    """
    for rule in requests.of("CreateRule"):
        values = [
            value
            for condition in rule.params["Conditions"]
            for value in condition.get("PathPatternConfig", {}).get("Values", ())
        ]
        hosts = [
            value
            for condition in rule.params["Conditions"]
            for value in condition.get("HostHeaderConfig", {}).get("Values", ())
        ]
        if not 1 <= len(values) + len(hosts) <= 5 or max(len(values), len(hosts)) > 3:
            yield f"{_at(rule)}: {len(values)} condition values"
        for value in hosts:
            if not re.fullmatch(r"[A-Za-z0-9.*?_-]{1,128}", value) or "." not in value:
                yield f"{_at(rule)}: {value!r} is no host name"
        if sum(v.count("*") + v.count("?") for v in values) > 6:
            yield f"{_at(rule)}: too many wildcards"
        for value in values:
            if not re.fullmatch(r"/[A-Za-z0-9_\-.$/~\"'@:+&*?]{0,127}", value):
                yield f"{_at(rule)}: {value!r} is no path pattern"


def transforms_rewrite_every_path_that_their_rule_takes(requests: Requests) -> Iterator[str]:
    """The regular expression compiles, its groups are there, and a path begins with a slash
    afterwards. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-transforms.html
    """
    for rule in requests.of("CreateRule"):
        for transform in rule.params.get("Transforms", ()):
            for rewrite in transform.get("UrlRewriteConfig", {}).get("Rewrites", ()):
                try:
                    regex = re.compile(rewrite["Regex"])
                    template = re.sub(r"\$(\d)", r"\\\1", rewrite["Replace"])
                    for condition in rule.params["Conditions"]:
                        for value in condition.get("PathPatternConfig", {}).get("Values", ()):
                            asked = value.replace("*", "v1/models")
                            if not regex.sub(template, asked, count=1).startswith("/"):
                                yield f"{_at(rule)}: {asked} becomes no path"
                            if regex.search(asked) is None:
                                yield f"{_at(rule)}: {asked} is not rewritten"
                except re.error as error:
                    yield f"{_at(rule)}: {rewrite}: {error}"


def listeners_have_what_their_protocol_needs(requests: Requests) -> Iterator[str]:
    """HTTPS takes one certificate and a policy, HTTP neither.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html"""
    for listener in requests.of("CreateListener"):
        secure = listener.params["Protocol"] == "HTTPS"
        if secure != ("Certificates" in listener.params):
            yield f"{_at(listener)}: the certificate goes with HTTPS"
        if secure != ("SslPolicy" in listener.params):
            yield f"{_at(listener)}: the SSL policy goes with HTTPS"
    for action in (
        a
        for r in (*requests.of("CreateListener"), *requests.of("CreateRule"))
        for a in (*r.params.get("DefaultActions", ()), *r.params.get("Actions", ()))
    ):
        needed = {
            "forward": "TargetGroupArn",
            "fixed-response": "FixedResponseConfig",
            "jwt-validation": "JwtValidationConfig",
        }
        weighted = action.get("ForwardConfig", {}).get("TargetGroups", ())
        if needed[action["Type"]] not in action and not weighted:
            yield f"an action of type {action['Type']} without {needed[action['Type']]}"
        if len(weighted) > 5 or any(not 0 <= group["Weight"] <= 999 for group in weighted):
            yield f"an action has {len(weighted)} target groups, or a weight beyond 0 to 999"


def targets_have_a_port_a_protocol_and_a_network(requests: Requests) -> Iterator[str]:
    """Required unless the target is a Lambda function.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
    """
    for group in requests.of("CreateTargetGroup"):
        missing = {"Port", "Protocol", "VpcId"} - group.params.keys()
        if missing and group.params.get("TargetType") != "lambda":
            yield f"{_at(group)}: without {', '.join(sorted(missing))}"


def health_checks_of_targets_end_before_the_next(requests: Requests) -> Iterator[str]:
    """The timeout is shorter than the interval.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
    """
    for group in requests.of("CreateTargetGroup"):
        if group.params["HealthCheckTimeoutSeconds"] >= group.params["HealthCheckIntervalSeconds"]:
            yield f"{_at(group)}: a check would still run when the next begins"
        if not re.fullmatch(r"\d{3}([,-]\d{3})*", group.params["Matcher"]["HttpCode"]):
            yield f"{_at(group)}: {group.params['Matcher']['HttpCode']} is no list of codes"


_ATTRIBUTE_RANGES = {
    "deregistration_delay.timeout_seconds": (0, 3600),
    "idle_timeout.timeout_seconds": (1, 4000),
}


def attributes_are_those_that_the_api_documents(requests: Requests) -> Iterator[str]:
    """Keys are texts to the model; its own documentation lists them, and the ranges of the times.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
    """
    for operation in ("ModifyTargetGroupAttributes", "ModifyLoadBalancerAttributes"):
        shape = aws_model.input_shape("elbv2", operation)
        known: str = shape.members["Attributes"].member.members["Key"].documentation
        for request in requests.of(operation):
            for attribute in request.params["Attributes"]:
                key, value = attribute["Key"], attribute["Value"]
                if f"<code>{key}</code>" not in known:
                    yield f"{_at(request)}: no such attribute: {key}"
                if key in _ATTRIBUTE_RANGES:
                    low, high = _ATTRIBUTE_RANGES[key]
                    if not (value.isdigit() and low <= int(value) <= high):
                        yield f"{_at(request)}: {key} is {value}, outside {low} to {high}"
                if key == "load_balancing.algorithm.type" and value not in {
                    "round_robin",
                    "least_outstanding_requests",
                    "weighted_random",
                }:
                    yield f"{_at(request)}: no such algorithm: {value}"


# ---- network -------------------------------------------------------------------------------


def blocks_lie_in_their_network(requests: Requests) -> Iterator[str]:
    """A VPC and its subnets are /16 to /28, the subnets inside, apart from each other.
    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"""
    networks = {(r.region, f"{r.resource.name}_id"): r for r in requests.of("CreateVpc")}
    subnets: dict[tuple[str, str], list[Request]] = defaultdict(list)
    for subnet in requests.of("CreateSubnet"):
        subnets[subnet.region, subnet.params["VpcId"]].append(subnet)
    for place, network in networks.items():
        whole = ipaddress.ip_network(network.params["CidrBlock"])
        if not 16 <= whole.prefixlen <= 28:
            yield f"{_at(network)}: /{whole.prefixlen}"
        taken: list[Any] = []
        for subnet in subnets[place]:
            block = ipaddress.ip_network(subnet.params["CidrBlock"])
            if block.version != whole.version or not block.subnet_of(cast("Any", whole)):
                yield f"{_at(subnet)}: {block} is not in {whole}"
            if block.prefixlen > 28:
                yield f"{_at(subnet)}: /{block.prefixlen}"
            if any(block.overlaps(other) for other in taken):
                yield f"{_at(subnet)}: {block} overlaps another subnet"
            taken.append(block)
    for place in subnets.keys() - networks.keys():
        yield f"subnets in {place}, which is no network of the stack"


def routes_and_endpoints_lead_somewhere(requests: Requests) -> Iterator[str]:
    """A route has one target; a gateway endpoint has route tables, an interface endpoint has
    subnets and security groups.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html,
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html"""
    for route in requests.of("CreateRoute"):
        targets = [k for k in route.params if k.endswith("Id") and k != "RouteTableId"]
        if len(targets) != 1:
            yield f"{_at(route)}: {len(targets)} targets"
    for endpoint in requests.of("CreateVpcEndpoint"):
        ways = {"RouteTableIds", "SubnetIds", "SecurityGroupIds", "PrivateDnsEnabled"}
        gateway = endpoint.params["VpcEndpointType"] == "Gateway"
        wanted = {"RouteTableIds"} if gateway else ways - {"RouteTableIds"}
        if ways & endpoint.params.keys() != wanted:
            yield f"{_at(endpoint)}: a {endpoint.params['VpcEndpointType']} endpoint has {wanted}"
        if f".{endpoint.region}." not in endpoint.params["ServiceName"]:
            yield f"{_at(endpoint)}: {endpoint.params['ServiceName']} is in another Region"


def security_group_rules_have_one_end(requests: Requests) -> Iterator[str]:
    """One source or destination; ports with TCP and UDP, none with all protocols.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html"""
    for operation in ("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"):
        for request in requests.of(operation):
            (permission,) = request.params["IpPermissions"]
            ends = [
                end
                for member in ("IpRanges", "UserIdGroupPairs")
                for item in permission.get(member, ())
                for end in item.keys() & {"CidrIp", "GroupId"}
            ]
            if len(ends) != 1:
                yield f"{_at(request)}: {len(ends)} ends"
            ports = permission.keys() & {"FromPort", "ToPort"}
            if permission["IpProtocol"] == "-1":
                if ports:
                    yield f"{_at(request)}: ports without a protocol"
            else:
                low: int = permission.get("FromPort", -1)
                high: int = permission.get("ToPort", -1)
                if not 0 <= low <= high <= 65535:
                    yield f"{_at(request)}: ports {low} to {high}"
            for item in permission.get("IpRanges", ()):
                if "CidrIp" in item:
                    ipaddress.ip_network(item["CidrIp"])


# ---- names and tags ------------------------------------------------------------------------

_NAMES: Mapping[str, tuple[str, str]] = {
    # operation: member, what the documentation of the member says
    "RegisterTaskDefinition": ("family", r"[A-Za-z0-9_-]{1,255}"),
    "CreateCluster": ("clusterName", r"[A-Za-z0-9_-]{1,255}"),
    "CreateService": ("serviceName", r"[A-Za-z0-9_-]{1,255}"),
    "CreateCapacityProvider": ("name", r"(?!aws|ecs|fargate)[A-Za-z0-9_-]{1,255}"),
    "CreateLaunchTemplate": ("LaunchTemplateName", r"[A-Za-z0-9().\-/_]{3,128}"),
    "CreatePlacementGroup": ("GroupName", r"[\x21-\x7e]{1,255}"),
    "CreateSecurityGroup": ("GroupName", r"(?!sg-)[A-Za-z0-9 ._\-:/()#,@[\]+=&;{}!$*]{1,255}"),
    "CreateTargetGroup": ("Name", r"(?!-)[A-Za-z0-9-]{1,32}(?<!-)"),
    "CreateLoadBalancer": ("Name", r"(?!-|internal-)[A-Za-z0-9-]{1,32}(?<!-)"),
}


def names_have_the_letters_and_lengths_that_aws_takes(requests: Requests) -> Iterator[str]:
    """The service models leave these to the documentation of each member: see API_CreateCluster,
    API_CreateCapacityProvider (no `aws`, `ecs` or `fargate` at the beginning) and their like. The
    name is the one that Pulumi makes of the logical name: 8 characters longer."""
    for operation, (member, pattern) in _NAMES.items():
        for request in requests.of(operation):
            if not re.fullmatch(pattern, request.params[member]):
                yield f"{_at(request)}: {member} {request.params[member]!r}"


def descriptions_have_letters_that_ec2_takes(requests: Requests) -> Iterator[str]:
    """Up to 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$* in security groups and rules.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html"""
    taken = re.compile(r"[A-Za-z0-9 ._\-:/()#,@[\]+=&;{}!$*]{0,255}")
    for group in requests.of("CreateSecurityGroup"):
        if not taken.fullmatch(group.params["Description"]):
            yield f"{_at(group)}: {group.params['Description']!r}"
    for operation in ("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"):
        for request in requests.of(operation):
            for permission in request.params["IpPermissions"]:
                for member in ("IpRanges", "UserIdGroupPairs"):
                    for item in permission.get(member, ()):
                        if not taken.fullmatch(item.get("Description", "")):
                            yield f"{_at(request)}: {item['Description']!r}"


def log_groups_keep_for_days_that_cloudwatch_knows(requests: Requests) -> Iterator[str]:
    """The allowed days stand in the text of the member.
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
    """
    shape = aws_model.input_shape("logs", "PutRetentionPolicy")
    known = {int(n) for n in re.findall(r"\d+", shape.members["retentionInDays"].documentation)}
    for policy in requests.of("PutRetentionPolicy"):
        if policy.params["retentionInDays"] not in known:
            yield f"{_at(policy)}: {policy.params['retentionInDays']} days"


RULES: tuple[Rule, ...] = (
    host_ports_follow_from_the_network_mode,
    links_stand_in_bridge_mode_only,
    neuron_devices_are_handed_out_by_managed_instances_only,
    device_paths_stand_where_the_host_is_ours,
    constraints_say_what_their_place_allows,
    containers_fit_into_their_task,
    containers_are_told_apart,
    health_checks_of_containers_stay_in_their_ranges,
    logs_go_to_the_region_of_the_task,
    launch_type_and_strategy_exclude_each_other,
    daemons_run_where_instances_are,
    network_configuration_stands_with_awsvpc_alone,
    managed_instances_take_no_placement_strategy,
    deployments_can_make_progress,
    load_balancers_reach_a_port_of_the_container,
    schedules_are_expressions_that_the_scheduler_reads,
    scalable_targets_are_services,
    steps_meet_without_gap_or_overlap,
    alarms_watch_one_series,
    capacity_providers_are_of_one_kind,
    managed_instances_ask_for_sizes_and_reservations_rightly,
    managed_instances_end_within_an_hour,
    launches_are_tagged_and_limited_as_ec2_allows,
    user_data_is_base64_and_small,
    interfaces_are_told_apart,
    markets_and_reservations_go_together,
    groups_have_room_and_a_template,
    policies_fit_into_their_role,
    policies_are_policies,
    rules_stay_within_their_quotas,
    transforms_rewrite_every_path_that_their_rule_takes,
    listeners_have_what_their_protocol_needs,
    targets_have_a_port_a_protocol_and_a_network,
    health_checks_of_targets_end_before_the_next,
    attributes_are_those_that_the_api_documents,
    blocks_lie_in_their_network,
    routes_and_endpoints_lead_somewhere,
    security_group_rules_have_one_end,
    names_have_the_letters_and_lengths_that_aws_takes,
    descriptions_have_letters_that_ec2_takes,
    log_groups_keep_for_days_that_cloudwatch_knows,
)
