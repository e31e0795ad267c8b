"""Every request that an update would make of AWS is one that AWS takes.

Mocks accept anything and the provider passes most of it on; what follows is found here or at the
first update. A mistake is seeded for each type and each rule, to prove that this would find it.
"""

import functools
import json
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from neuron_ecs.recording.graph import Recording, Resource, short_type
from tests.contract import aws_model, aws_rules
from tests.contract.aws_requests import KINDS, NotTranslatedError, Request, all_requests, requests
from tests.contract.graphs import CORNERS, EVERY_FILE, aws_resources, graph

every_file = pytest.mark.parametrize("file", EVERY_FILE)
every_rule = pytest.mark.parametrize("rule", aws_rules.RULES, ids=lambda rule: rule.__name__)


@functools.cache
def _requests(file: str) -> tuple[Request, ...]:
    return tuple(all_requests(graph(file)))


# ---- the graphs ----------------------------------------------------------------------------


@every_file
def test_every_request_is_what_the_service_model_says(file: str) -> None:
    problems = [p for request in _requests(file) for p in request.problems()]
    assert problems == []


@every_file
def test_every_request_keeps_the_rules_beyond_the_model(file: str) -> None:
    asked = aws_rules.Requests(_requests(file))
    problems = [f"{rule.__name__}: {p}" for rule in aws_rules.RULES for p in rule(asked)]
    assert problems == []


def test_the_table_of_types_and_the_graphs_have_the_same_types() -> None:
    registered = {r.type for file in EVERY_FILE for r in aws_resources(graph(file))}
    assert registered == set(KINDS), "a type without a row is not checked, a row without use is not"


def test_every_row_is_used() -> None:
    used: dict[str, set[str]] = {}
    for file in EVERY_FILE:
        for resource in aws_resources(graph(file)):
            used.setdefault(resource.type, set()).update(_paths(resource.inputs))
    unused = {
        (short_type(type_), path)
        for type_, kind in KINDS.items()
        for path in kind.rows
        if path not in used[type_]
    }
    # The program never sets them; what sets them one day finds its row.
    assert unused == {("ecs.ClusterCapacityProviders", "defaultCapacityProviderStrategies")}


def _paths(value: Any, path: str = "") -> set[str]:
    found: set[str] = {path} if path else set()
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            found |= _paths(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            found |= _paths(item, path)
    return found


# ---- seeded mistakes -----------------------------------------------------------------------

GONE = object()
"""Stands for an input that is taken away."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A change of one input, and what must be said about it.

    The path steps into texts that hold JSON. The first resource that has the value's parent and
    satisfies `where` is changed, in the file given.
    """

    type: str
    path: str
    value: Any
    said: str
    where: Callable[[Resource], bool] = lambda _: True
    file: str = CORNERS


def _host(resource: Resource) -> bool:
    return resource.inputs.get("networkMode") == "host" and "_daemon_" not in resource.name


def _awsvpc(resource: Resource) -> bool:
    return resource.inputs.get("networkMode") == "awsvpc"


def _handed_out(resource: Resource) -> bool:
    return "NeuronDevice" in resource.inputs["containerDefinitions"]


def _with_health_check(resource: Resource) -> bool:
    return "healthCheck" in resource.inputs["containerDefinitions"]


def _managed(resource: Resource) -> bool:
    return "managedInstancesProvider" in resource.inputs


def _out(resource: Resource) -> bool:
    return resource.name.endswith("_out")


def _two_steps(resource: Resource) -> bool:
    return len(resource.inputs["stepScalingPolicyConfiguration"]["stepAdjustments"]) > 1


def _on(words: str) -> Callable[[Resource], bool]:
    return lambda resource: words in resource.name


_daemon = _on("_daemon_")


def _replica(resource: Resource) -> bool:
    """Whether a service is of a model: those of daemons have no capacity provider."""
    return not _daemon(resource)


_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
_SERVICE = "aws:ecs/service:Service"
_PROVIDER = "aws:ecs/capacityProvider:CapacityProvider"
_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
_LISTENER = "aws:lb/listener:Listener"
_RULE = "aws:lb/listenerRule:ListenerRule"
_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_STEPS = "stepScalingPolicyConfiguration.stepAdjustments"
_AT = "aws:appautoscaling/scheduledAction:ScheduledAction"
_SIZE = "aws:autoscaling/schedule:Schedule"
_POLICY = "aws:appautoscaling/policy:Policy"
_SCHEDULE = "aws:scheduler/schedule:Schedule"
_ROLE = "aws:iam/role:Role"
_INLINE = "aws:iam/rolePolicy:RolePolicy"
_GROUP = "aws:autoscaling/group:Group"
_INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
_ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
_BY_PATH = "Pulumi.dev.yaml"  # its models have no names of their own
_RECORD = "aws:route53/record:Record"
_NAMESPACE = "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace"
_REGISTRY = "aws:servicediscovery/service:Service"
_SLACK = "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration"
_CONTAINERS = "containerDefinitions"
_MANAGED = "managedInstancesProvider.instanceLaunchTemplate"

MODEL_MISTAKES = [
    Mistake(_DEFINITION, "networkMode", "brige", "none of bridge"),
    Mistake(_DEFINITION, "requiresCompatibilities.0", "EC3", "none of EC2"),
    Mistake(_DEFINITION, "family", GONE, "family: required"),
    Mistake(_DEFINITION, "memory", 512, "512 is no string"),
    Mistake(_DEFINITION, f"{_CONTAINERS}.0.privilegedd", True, "no such member of Container"),
    Mistake(_DEFINITION, f"{_CONTAINERS}.0.Image", "x", "no such member of Container"),
    Mistake(_DEFINITION, f"{_CONTAINERS}.0.cpu", "256", "is no integer"),
    Mistake(_DEFINITION, f"{_CONTAINERS}.0.memory", 512.5, "is no integer"),
    Mistake(_DEFINITION, f"{_CONTAINERS}.0.essential", "true", "is no boolean"),
    Mistake(
        _DEFINITION,
        f"{_CONTAINERS}.0.environment.0.value",
        2,
        "is no string",
        lambda r: '"environment"' in r.inputs["containerDefinitions"],
    ),
    Mistake(_DEFINITION, f"{_CONTAINERS}.0.command", "serve", "is no list"),
    Mistake(_DEFINITION, f"{_CONTAINERS}.0.logConfiguration.logDriver", "awslog", "none of"),
    Mistake(_DEFINITION, f"{_CONTAINERS}.0.logConfiguration.options", [], "is no map"),
    Mistake(
        _DEFINITION,
        f"{_CONTAINERS}.0.resourceRequirements.0.type",
        "NeuronDevices",
        "none of",
        _handed_out,
    ),
    Mistake(_DEFINITION, f"{_CONTAINERS}.0.portMappings.0.protocol", "http", "none of"),
    Mistake(
        _DEFINITION,
        f"{_CONTAINERS}.0.linuxParameters.devices.0.permissions.0",
        "execute",
        "none of",
        lambda r: "devices" in r.inputs["containerDefinitions"],
    ),
    Mistake(_SERVICE, "availabilityZoneRebalancing", "OFF", "none of ENABLED"),
    Mistake(_SERVICE, "propagateTags", "service", "none of"),
    Mistake(_SERVICE, "orderedPlacementStrategies.0.type", "pack", "none of", _on("everything")),
    Mistake(_SERVICE, "capacityProviderStrategies.0.weight", 1001, "at most 1000"),
    Mistake(_SERVICE, "capacityProviderStrategies.0.capacityProvider", GONE, "required"),
    Mistake(_SERVICE, "deploymentCircuitBreaker.rollback", GONE, "rollback: required"),
    Mistake("aws:ecs/cluster:Cluster", "settings.0.name", "insights", "none of"),
    Mistake(_PROVIDER, "managedInstancesProvider.propagateTags", "YES", "none of", _managed),
    Mistake(_PROVIDER, f"{_MANAGED}.capacityOptionType", "FREE", "none of", _managed),
    Mistake(_PROVIDER, f"{_MANAGED}.ec2InstanceProfileArn", GONE, "required", _managed),
    Mistake(
        _PROVIDER,
        f"{_MANAGED}.instanceRequirements.acceleratorNames",
        ["trainium"],
        "'trainium' is none of",
        _managed,
    ),
    Mistake(_PROVIDER, "autoScalingGroupProvider.managedScaling.targetCapacity", 101, "at most"),
    Mistake(_PROVIDER, "autoScalingGroupProvider.autoScalingGroupArn", GONE, "required"),
    Mistake(_TEMPLATE, "metadataOptions.httpTokens", "needed", "none of"),
    Mistake(_TEMPLATE, "metadataOptions.httpPutResponseHopLimit", "1", "is no integer"),
    Mistake(_TEMPLATE, "tagSpecifications.0.resourceType", "instances", "none of"),
    Mistake(_TEMPLATE, "blockDeviceMappings.0.ebs.volumeType", "gp4", "none of"),
    Mistake(_TEMPLATE, "instanceType", "inf9.xlarge", "none of"),
    Mistake(_GROUP, "minSize", GONE, "MinSize: required"),
    Mistake(_GROUP, "suspendedProcesses", "AZRebalance", "is no list"),
    Mistake(_GROUP, "tags.0.key", "k" * 129, "at most 128"),
    Mistake(_ROLE, "description", "em dash —", "does not match"),
    Mistake(_ROLE, "tags.team", "v" * 257, "at most 256"),
    Mistake(_ROLE, "tags.team", "semi;colon", "does not match"),
    Mistake(_ROLE, "assumeRolePolicy", GONE, "required"),
    Mistake(_INLINE, "policy", GONE, "PolicyDocument: required"),
    Mistake("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "policyArn", "x", "at least 20"),
    Mistake("aws:iam/instanceProfile:InstanceProfile", "role", "a b", "does not match"),
    Mistake(_TARGET_GROUP, "targetType", "task", "none of"),
    Mistake(_TARGET_GROUP, "port", 70_000, "at most 65535"),
    Mistake(_TARGET_GROUP, "healthCheck.healthyThreshold", 1, "at least 2"),
    Mistake(_TARGET_GROUP, "healthCheck.interval", 301, "at most 300"),
    Mistake(_BALANCER, "loadBalancerType", "internal", "none of"),
    Mistake(_BALANCER, "subnets", "subnet", "is no list"),
    Mistake(_LISTENER, "protocol", "http", "none of"),
    Mistake(_LISTENER, "loadBalancerArn", GONE, "required"),
    Mistake(_LISTENER, "defaultActions.0.fixedResponse.statusCode", "304", "does not match"),
    Mistake(_RULE, "priority", 50_001, "at most 50000"),
    Mistake(_RULE, "transforms.0.type", "path-rewrite", "none of", file=_BY_PATH),
    Mistake("aws:cloudwatch/logGroup:LogGroup", "name", "/a b", "does not match"),
    Mistake("aws:appautoscaling/target:Target", "scalableDimension", "ecs:DesiredCount", "none"),
    Mistake("aws:appautoscaling/target:Target", "resourceId", GONE, "required"),
    Mistake(_POLICY, "stepScalingPolicyConfiguration.adjustmentType", "Exact", "none of"),
    Mistake(_POLICY, "policyType", "Steps", "none of"),
    Mistake(_AT, "resourceId", GONE, "required"),
    Mistake(_SIZE, "desiredCapacity", "2", "no integer"),
    Mistake(_SIZE, "autoscalingGroupName", GONE, "required"),
    Mistake(_AT, "scalableTargetAction.minCapacity", "2", "no integer"),
    Mistake(_ALARM, "comparisonOperator", "Above", "none of"),
    Mistake(_ALARM, "alarmActions", ["a"] * 6, "at most 5"),
    Mistake(_SCHEDULE, "flexibleTimeWindow.mode", "off", "none of"),
    Mistake(_SCHEDULE, "target.roleArn", "role", "does not match"),
    Mistake(_SCHEDULE, "target.ecsParameters.launchType", "MANAGED_INSTANCES", "none of EC2"),
    Mistake(_SCHEDULE, "target.retryPolicy.maximumRetryAttempts", 186, "at most 185"),
    Mistake(_SCHEDULE, "name", "n" * 65, "at most 64"),
    Mistake("aws:ec2/vpc:Vpc", "enableDnsSupport", "yes", "is no boolean"),
    Mistake("aws:ec2/subnet:Subnet", "vpcId", GONE, "VpcId: required"),
    Mistake("aws:ec2/eip:Eip", "domain", "VPC", "none of"),
    Mistake("aws:ec2/natGateway:NatGateway", "connectivityType", "hidden", "none of"),
    Mistake("aws:ec2/routeTable:RouteTable", "vpcId", GONE, "required"),
    Mistake("aws:ec2/route:Route", "routeTableId", GONE, "required"),
    Mistake("aws:ec2/routeTableAssociation:RouteTableAssociation", "routeTableId", GONE, "requi"),
    Mistake(_ENDPOINT, "vpcEndpointType", "gateway", "none of"),
    Mistake("aws:ec2/internetGateway:InternetGateway", "vpcId", 7, "is no string"),
    Mistake("aws:ec2/placementGroup:PlacementGroup", "strategy", "dense", "none of"),
    Mistake("aws:ec2/securityGroup:SecurityGroup", "description", GONE, "required"),
    Mistake("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "tags", GONE, "required"),
    Mistake("aws:efs/fileSystem:FileSystem", "throughputMode", "burst", "none of"),
    Mistake("aws:efs/fileSystemPolicy:FileSystemPolicy", "policy", GONE, "required"),
    Mistake("aws:efs/mountTarget:MountTarget", "subnetId", GONE, "required"),
    Mistake("aws:efs/accessPoint:AccessPoint", "posixUser.uid", GONE, "required"),
    Mistake("aws:ec2/flowLog:FlowLog", "trafficType", "BOTH", "none of"),
    Mistake("aws:wafv2/webAclAssociation:WebAclAssociation", "webAclArn", GONE, "required"),
    Mistake(_INGRESS, "fromPort", "443", "is no integer"),
    Mistake(_ALARM, "comparisonOperator", "LessThan", "none of"),
    Mistake(_ALARM, "metricQueries.1.metric.period", GONE, "Period: required"),
    Mistake(_ALARM, "alarmActions", ["a"] * 6, "at most 5"),
    Mistake("aws:cloudwatch/dashboard:Dashboard", "dashboardBody", GONE, "required"),
    Mistake("aws:cloudwatch/eventRule:EventRule", "eventPattern", {}, "is no string"),
    Mistake("aws:cloudwatch/eventTarget:EventTarget", "arn", GONE, "Arn: required"),
    Mistake("aws:acm/certificate:Certificate", "domainName", "a b", "does not match"),
    Mistake("aws:acm/certificateValidation:CertificateValidation", "certificateArn", GONE, "requ"),
    Mistake(_RECORD, "type", "ALIAS", "none of"),
    Mistake(_RECORD, "zoneId", GONE, "HostedZoneId: required"),
    Mistake(_RECORD, "latencyRoutingPolicies.0.region", "mars-1", "none of", _on("everywhere")),
    Mistake("aws:route53/healthCheck:HealthCheck", "type", "ALARM", "none of"),
    Mistake("aws:lb/listenerCertificate:ListenerCertificate", "listenerArn", GONE, "required"),
    Mistake("aws:route53/zoneAssociation:ZoneAssociation", "vpcRegion", "mars-1", "none of"),
    Mistake(_NAMESPACE, "vpc", GONE, "Vpc: required"),
    Mistake(_REGISTRY, "dnsConfig.dnsRecords.0.type", "MX", "none of"),
    Mistake(_REGISTRY, "name", "a b", "does not match"),
    Mistake("aws:sns/topic:Topic", "name", GONE, "Name: required"),
    Mistake("aws:sns/topicPolicy:TopicPolicy", "arn", GONE, "TopicArn: required"),
    Mistake("aws:sns/topicSubscription:TopicSubscription", "protocol", GONE, "required"),
    Mistake(_SLACK, "slackChannelId", "on-call", "does not match"),
    Mistake(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "securityGroupId", GONE, "requi"
    ),
    Mistake(
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        "capacityProviders",
        GONE,
        "required",
    ),
]

RULE_MISTAKES: list[tuple[aws_rules.Rule, Mistake]] = [
    (
        aws_rules.host_ports_follow_from_the_network_mode,
        Mistake(_DEFINITION, f"{_CONTAINERS}.0.portMappings.0.hostPort", 1, "host mode", _host),
    ),
    (
        aws_rules.host_ports_follow_from_the_network_mode,
        Mistake(_DEFINITION, f"{_CONTAINERS}.0.portMappings.0.hostPort", 1, "awsvpc", _awsvpc),
    ),
    (
        aws_rules.host_ports_follow_from_the_network_mode,
        Mistake(
            _DEFINITION,
            f"{_CONTAINERS}.0.portMappings.0.hostPort",
            20002,
            "2 times",
            _on("everything_1"),
        ),
    ),
    (
        aws_rules.host_ports_follow_from_the_network_mode,
        Mistake(
            _DEFINITION,
            f"{_CONTAINERS}.0.portMappings.0.hostPort",
            51678,
            "the agent",
            _on("everything_1"),
        ),
    ),
    (
        aws_rules.links_stand_in_bridge_mode_only,
        Mistake(_DEFINITION, f"{_CONTAINERS}.0.links", ["x"], "links in host", _host),
    ),
    (
        aws_rules.links_stand_in_bridge_mode_only,
        Mistake(_DEFINITION, f"{_CONTAINERS}.1.links.0", "nobody", "not there", _on("everything")),
    ),
    (
        aws_rules.neuron_devices_are_handed_out_by_managed_instances_only,
        Mistake(
            _DEFINITION,
            f"{_CONTAINERS}.0.resourceRequirements",
            [{"type": "NeuronDevice", "value": "ALL"}],
            "outside Managed",
            _on("everything"),
        ),
    ),
    (
        aws_rules.neuron_devices_are_handed_out_by_managed_instances_only,
        Mistake(
            _DEFINITION,
            f"{_CONTAINERS}.0.resourceRequirements.0.value",
            "1",
            "not ALL",
            _handed_out,
        ),
    ),
    (
        aws_rules.device_paths_stand_where_the_host_is_ours,
        Mistake(
            _DEFINITION,
            f"{_CONTAINERS}.0.linuxParameters.devices.0.hostPath",
            "neuron0",
            "no device",
            _on("everything"),
        ),
    ),
    (
        aws_rules.constraints_say_what_their_place_allows,
        Mistake(
            _DEFINITION,
            "placementConstraints",
            [{"type": "distinctInstance"}],
            "in a task definition",
        ),
    ),
    (
        aws_rules.constraints_say_what_their_place_allows,
        Mistake(_SERVICE, "placementConstraints", [{"type": "memberOf"}], "without an expression"),
    ),
    (
        aws_rules.containers_fit_into_their_task,
        Mistake(_DEFINITION, "memory", "64", "containers take"),
    ),
    (
        aws_rules.containers_fit_into_their_task,
        Mistake(_DEFINITION, "cpu", "1 vCPU", "number of units"),
    ),
    (
        aws_rules.containers_are_told_apart,
        Mistake(
            _DEFINITION, f"{_CONTAINERS}.1.name", "everything", "are called", _on("everything")
        ),
    ),
    (
        aws_rules.containers_are_told_apart,
        Mistake(_DEFINITION, f"{_CONTAINERS}.0.essential", False, "essential", _host),
    ),
    (
        aws_rules.containers_are_told_apart,
        Mistake(
            _DEFINITION,
            f"{_CONTAINERS}.0.environment.0.name",
            "TOKEN",
            "sets TOKEN",
            _on("everything"),
        ),
    ),
    (
        aws_rules.health_checks_of_containers_stay_in_their_ranges,
        Mistake(
            _DEFINITION,
            f"{_CONTAINERS}.0.healthCheck.startPeriod",
            301,
            "startPeriod",
            _with_health_check,
        ),
    ),
    (
        aws_rules.health_checks_of_containers_stay_in_their_ranges,
        Mistake(
            _DEFINITION,
            f"{_CONTAINERS}.0.healthCheck.command.0",
            "curl",
            "'curl'",
            _with_health_check,
        ),
    ),
    (
        aws_rules.logs_go_to_the_region_of_the_task,
        Mistake(
            _DEFINITION,
            f"{_CONTAINERS}.0.logConfiguration.options.awslogs-region",
            "eu-west-1",
            "not in the stack",
        ),
    ),
    (
        aws_rules.launch_type_and_strategy_exclude_each_other,
        Mistake(_SERVICE, "launchType", "EC2", "not both", _replica),
    ),
    (
        aws_rules.daemons_run_where_instances_are,
        Mistake(_SERVICE, "launchType", GONE, "launch type", _daemon),
    ),
    (
        aws_rules.daemons_run_where_instances_are,
        Mistake(_SERVICE, "desiredCount", 1, "desiredCount", _daemon),
    ),
    (
        aws_rules.launch_type_and_strategy_exclude_each_other,
        Mistake(_SERVICE, "capacityProviderStrategies.0.weight", 0, "above 0"),
    ),
    (
        aws_rules.network_configuration_stands_with_awsvpc_alone,
        Mistake(_SERVICE, "networkConfiguration", {"subnets": ["s"]}, "bridge", _on("everything")),
    ),
    (
        aws_rules.network_configuration_stands_with_awsvpc_alone,
        Mistake(_SERVICE, "networkConfiguration", GONE, "without", _on("own-interface")),
    ),
    (
        aws_rules.network_configuration_stands_with_awsvpc_alone,
        Mistake(
            _SCHEDULE, "target.ecsParameters.networkConfiguration", GONE, "without", _on("batch")
        ),
    ),
    (
        aws_rules.managed_instances_take_no_placement_strategy,
        Mistake(
            _SERVICE,
            "orderedPlacementStrategies",
            [{"type": "binpack", "field": "memory"}],
            "on Managed Instances",
            _on("handed-out"),
        ),
    ),
    (
        aws_rules.managed_instances_take_no_placement_strategy,
        Mistake(_DEFINITION, "requiresCompatibilities", ["EC2"], "MANAGED_INSTANCES", _handed_out),
    ),
    (
        aws_rules.deployments_can_make_progress,
        Mistake(_SERVICE, "deploymentMinimumHealthyPercent", 200, "percent"),
    ),
    (
        aws_rules.deployments_can_make_progress,
        Mistake(
            _SERVICE,
            "availabilityZoneRebalancing",
            "ENABLED",
            "rebalancing",
            lambda r: r.inputs["deploymentMaximumPercent"] == 100,
        ),
    ),
    (
        aws_rules.load_balancers_reach_a_port_of_the_container,
        Mistake(_SERVICE, "loadBalancers.0.containerPort", 1, "nothing at"),
    ),
    (
        aws_rules.load_balancers_reach_a_port_of_the_container,
        Mistake(_SERVICE, "loadBalancers", GONE, "grace period"),
    ),
    (
        aws_rules.load_balancers_reach_a_port_of_the_container,
        Mistake(_TARGET_GROUP, "targetType", "ip", "not instance", _on("everything")),
    ),
    (
        aws_rules.schedules_are_expressions_that_the_scheduler_reads,
        Mistake(_SCHEDULE, "scheduleExpression", "cron(0 3 * * *)", "no schedule"),
    ),
    (
        aws_rules.schedules_are_expressions_that_the_scheduler_reads,
        Mistake(_SCHEDULE, "scheduleExpressionTimezone", "Europe/Bern", "no such time zone"),
    ),
    (
        aws_rules.scalable_targets_are_services,
        Mistake("aws:appautoscaling/target:Target", "resourceId", "service/a", "no service"),
    ),
    (
        aws_rules.scalable_targets_are_services,
        Mistake("aws:appautoscaling/target:Target", "minCapacity", 99, "above the maximum"),
    ),
    (
        aws_rules.steps_meet_without_gap_or_overlap,
        Mistake(_POLICY, f"{_STEPS}.0.metricIntervalLowerBound", GONE, "the steps reach", _out),
    ),
    (
        aws_rules.steps_meet_without_gap_or_overlap,
        Mistake(_POLICY, f"{_STEPS}.0.metricIntervalUpperBound", "7", "overlap", _two_steps),
    ),
    (
        aws_rules.alarms_watch_one_series,
        Mistake(_ALARM, "metricQueries.1.returnData", True, "returns data"),
    ),
    (
        aws_rules.capacity_providers_are_of_one_kind,
        Mistake(_PROVIDER, "cluster", "arn:aws:ecs:…:cluster/a", "not its ARN", _managed),
    ),
    (
        aws_rules.capacity_providers_are_of_one_kind,
        Mistake(_PROVIDER, "cluster", "a", "alone", lambda r: not _managed(r)),
    ),
    (
        aws_rules.managed_instances_ask_for_sizes_and_reservations_rightly,
        Mistake(
            _PROVIDER,
            f"{_MANAGED}.instanceRequirements.vcpuCount.min",
            0,
            "vCpuCount",
            _managed,
        ),
    ),
    (
        aws_rules.managed_instances_ask_for_sizes_and_reservations_rightly,
        Mistake(
            _PROVIDER, f"{_MANAGED}.capacityOptionType", "RESERVED", "go together", _on("spot")
        ),
    ),
    (
        aws_rules.managed_instances_ask_for_sizes_and_reservations_rightly,
        Mistake(
            _PROVIDER,
            f"{_MANAGED}.storageConfiguration",
            {"storageSizeGib": 200},
            "at once",
            _on("grouped"),
        ),
    ),
    (
        aws_rules.user_data_is_base64_and_small,
        Mistake(_TEMPLATE, "userData", "#!/bin/bash", "no base64"),
    ),
    (
        aws_rules.user_data_is_base64_and_small,
        Mistake(_TEMPLATE, "userData", "IyEv" * 5_600, "bytes of user data"),
    ),
    (
        aws_rules.interfaces_are_told_apart,
        Mistake(_TEMPLATE, "networkInterfaces.1.networkCardIndex", 2, "2 times", _on("efa")),
    ),
    (
        aws_rules.interfaces_are_told_apart,
        Mistake(_TEMPLATE, "vpcSecurityGroupIds", ["sg"], "on the interfaces", _on("efa")),
    ),
    (
        aws_rules.interfaces_are_told_apart,
        Mistake(_TEMPLATE, "networkInterfaces.0.interfaceType", "efa-only", "IP", _on("efa")),
    ),
    (
        aws_rules.interfaces_are_told_apart,
        Mistake(
            _TEMPLATE, "networkInterfaces.0.associatePublicIpAddress", "true", "public", _on("efa")
        ),
    ),
    (
        aws_rules.markets_and_reservations_go_together,
        Mistake(
            _TEMPLATE,
            "capacityReservationSpecification",
            GONE,
            "its reservation",
            file="examples/trn2-capacity-block.yaml",
        ),
    ),
    (
        aws_rules.markets_and_reservations_go_together,
        Mistake(
            _TEMPLATE,
            "capacityReservationSpecification.capacityReservationPreference",
            "open",
            "a target and a preference",
            _on("reserved"),
        ),
    ),
    (aws_rules.groups_have_room_and_a_template, Mistake(_GROUP, "minSize", 99, "above")),
    (
        aws_rules.groups_have_room_and_a_template,
        Mistake(_GROUP, "vpcZoneIdentifiers", [], "no sub"),
    ),
    (
        aws_rules.groups_have_room_and_a_template,
        Mistake(_GROUP, "launchTemplate.version", GONE, "and version"),
    ),
    (
        aws_rules.policies_fit_into_their_role,
        Mistake(_ROLE, "assumeRolePolicy.Statement.0.Sid", "s" * 2_048, "a trust policy of"),
    ),
    (
        aws_rules.policies_fit_into_their_role,
        Mistake(_INLINE, "policy.Statement.0.Sid", "s" * 10_240, "of inline policies"),
    ),
    (
        aws_rules.policies_are_policies,
        Mistake(_INLINE, "policy.Version", "2012-10-07", "version 2012-10-17"),
    ),
    (
        aws_rules.policies_are_policies,
        Mistake(_INLINE, "policy.Statement.0.Resources", "*", "a statement with"),
    ),
    (
        aws_rules.policies_are_policies,
        Mistake(_INLINE, "policy.Statement.0.Action", "s3.GetObject", "no action"),
    ),
    (
        aws_rules.policies_are_policies,
        Mistake(_INLINE, "policy.Statement.0.Resource", "bucket", "no ARN"),
    ),
    (
        aws_rules.rules_stay_within_their_quotas,
        Mistake(_RULE, "conditions.0.pathPattern.values", ["/a"] * 6, "6 condition values"),
    ),
    (
        aws_rules.rules_stay_within_their_quotas,
        Mistake(_RULE, "conditions.1.hostHeader.values.0", "no-dot", "no host name"),
    ),
    (
        aws_rules.rules_stay_within_their_quotas,
        Mistake(_RULE, "conditions.0.pathPattern.values.0", "a b", "no path pattern"),
    ),
    (
        aws_rules.transforms_rewrite_every_path_that_their_rule_takes,
        Mistake(
            _RULE,
            "transforms.0.urlRewriteConfig.rewrite.regex",
            "^/x(",
            "unterminated",
            file=_BY_PATH,
        ),
    ),
    (
        aws_rules.transforms_rewrite_every_path_that_their_rule_takes,
        Mistake(
            _RULE,
            "transforms.0.urlRewriteConfig.rewrite.replace",
            "/$2",
            "invalid group",
            file=_BY_PATH,
        ),
    ),
    (
        aws_rules.transforms_rewrite_every_path_that_their_rule_takes,
        Mistake(
            _RULE,
            "transforms.0.urlRewriteConfig.rewrite.replace",
            "$1",
            "becomes no path",
            file=_BY_PATH,
        ),
    ),
    (
        aws_rules.listeners_have_what_their_protocol_needs,
        Mistake(_RULE, "actions.0.forward.targetGroups.0.weight", 1000, "beyond 0 to 999"),
    ),
    (
        aws_rules.listeners_have_what_their_protocol_needs,
        Mistake(_LISTENER, "certificateArn", GONE, "certificate goes with HTTPS"),
    ),
    (
        aws_rules.listeners_have_what_their_protocol_needs,
        Mistake(_LISTENER, "sslPolicy", GONE, "SSL policy goes with"),
    ),
    (
        aws_rules.listeners_have_what_their_protocol_needs,
        Mistake(_RULE, "actions.0.targetGroupArn", GONE, "without TargetGroupArn"),
    ),
    (
        aws_rules.health_checks_of_targets_end_before_the_next,
        Mistake(_TARGET_GROUP, "healthCheck.timeout", 15, "still run"),
    ),
    (
        aws_rules.attributes_are_those_that_the_api_documents,
        Mistake(_TARGET_GROUP, "deregistrationDelay", 3_601, "outside 0 to 3600"),
    ),
    (
        aws_rules.attributes_are_those_that_the_api_documents,
        Mistake(_TARGET_GROUP, "loadBalancingAlgorithmType", "least", "no such algorithm"),
    ),
    (
        aws_rules.attributes_are_those_that_the_api_documents,
        Mistake(_BALANCER, "idleTimeout", 4_001, "outside 1 to 4000"),
    ),
    (
        aws_rules.blocks_lie_in_their_network,
        Mistake("aws:ec2/subnet:Subnet", "cidrBlock", "10.0.0.0/24", "is not in"),
    ),
    (
        aws_rules.blocks_lie_in_their_network,
        Mistake("aws:ec2/vpc:Vpc", "cidrBlock", "10.0.0.0/8", "/8"),
    ),
    (
        aws_rules.routes_and_endpoints_lead_somewhere,
        Mistake("aws:ec2/route:Route", "natGatewayId", GONE, "0 targets", _on("private")),
    ),
    (
        aws_rules.routes_and_endpoints_lead_somewhere,
        Mistake(_ENDPOINT, "vpcEndpointType", "Interface", "endpoint has"),
    ),
    (
        aws_rules.routes_and_endpoints_lead_somewhere,
        Mistake(_ENDPOINT, "serviceName", "com.amazonaws.eu-west-1.s3", "another Region"),
    ),
    (
        aws_rules.security_group_rules_have_one_end,
        Mistake(_INGRESS, "cidrIpv4", "10.0.0.0/8", "2 ends", _on("load-balancer")),
    ),
    (
        aws_rules.security_group_rules_have_one_end,
        Mistake(_INGRESS, "toPort", 1, "ports", _on("load-balancer")),
    ),
    (
        aws_rules.names_have_the_letters_and_lengths_that_aws_takes,
        Mistake(_TARGET_GROUP, "name", "n" * 33, "Name"),
    ),
    (
        aws_rules.names_have_the_letters_and_lengths_that_aws_takes,
        Mistake(_PROVIDER, "name", "ecs-inf2", "name 'ecs-inf2'"),
    ),
    (
        aws_rules.descriptions_have_letters_that_ec2_takes,
        Mistake("aws:ec2/securityGroup:SecurityGroup", "description", "it's", "it's"),
    ),
    (
        aws_rules.log_groups_keep_for_days_that_cloudwatch_knows,
        Mistake("aws:cloudwatch/logGroup:LogGroup", "retentionInDays", 31, "31 days"),
    ),
    (
        aws_rules.containers_are_told_apart,
        Mistake(_DEFINITION, f"{_CONTAINERS}.0.name", GONE, "without a name", _host),
    ),
    (
        aws_rules.constraints_say_what_their_place_allows,
        Mistake(_SERVICE, "placementConstraints", [{"type": "distinctInstance"}] * 11, "11 plac"),
    ),
    (
        aws_rules.capacity_providers_are_of_one_kind,
        Mistake(_PROVIDER, "managedInstancesProvider", GONE, "of 0 kinds", _managed),
    ),
    (
        aws_rules.managed_instances_ask_for_sizes_and_reservations_rightly,
        Mistake(
            _PROVIDER,
            f"{_MANAGED}.instanceRequirements.excludedInstanceTypes",
            ["trn1.2xlarge"],
            "exclude each other",
            _managed,
        ),
    ),
    (
        aws_rules.managed_instances_end_within_an_hour,
        Mistake(
            _PROVIDER,
            "managedInstancesProvider.infrastructureOptimization",
            {"scaleInAfter": 3_601},
            "after 3601 seconds",
            _managed,
        ),
    ),
    (
        aws_rules.launches_are_tagged_and_limited_as_ec2_allows,
        Mistake(_TEMPLATE, "tagSpecifications.0.resourceType", "image", "at launch"),
    ),
    (
        aws_rules.launches_are_tagged_and_limited_as_ec2_allows,
        Mistake(_TEMPLATE, "metadataOptions.httpPutResponseHopLimit", 65, "hop limit of 65"),
    ),
    (
        aws_rules.interfaces_are_told_apart,
        Mistake(_TEMPLATE, "networkInterfaces.1.interfaceType", "ena", "of type ena", _on("efa")),
    ),
    (
        aws_rules.policies_are_policies,
        Mistake(_ROLE, "assumeRolePolicy", "{", "no JSON"),
    ),
    (
        aws_rules.targets_have_a_port_a_protocol_and_a_network,
        Mistake(_TARGET_GROUP, "vpcId", GONE, "without VpcId"),
    ),
    (
        aws_rules.security_group_rules_have_one_end,
        Mistake(_INGRESS, "referencedSecurityGroupId", GONE, "0 ends", _on("load-balancer")),
    ),
    (
        aws_rules.security_group_rules_have_one_end,
        Mistake(_INGRESS, "fromPort", GONE, "ports", _on("load-balancer")),
    ),
    (
        aws_rules.names_have_the_letters_and_lengths_that_aws_takes,
        Mistake(_DEFINITION, "family", "x.y", "family 'x.y'"),
    ),
    (
        aws_rules.names_have_the_letters_and_lengths_that_aws_takes,
        Mistake(_BALANCER, "name", "internal-x", "Name 'internal-x'"),
    ),
]


def _label(mistake: Mistake) -> str:
    return f"{short_type(mistake.type)} {mistake.path}"


def _mistaken(recording: Recording, mistake: Mistake) -> Resource:
    """The first fitting resource, with the mistake in it."""
    for resource in recording.resources:
        if resource.type == mistake.type and mistake.where(resource):
            inputs = deepcopy(dict(resource.inputs))
            if _put(inputs, mistake.path.split("."), mistake.value):
                return replace(resource, inputs=inputs)
    raise LookupError(f"nothing in {mistake.file} has room for {_label(mistake)}")


def _put(below: Any, steps: list[str], value: Any) -> bool:
    """Sets, or takes away, a value below a place; whether there is a place for it."""
    step: Any = int(steps[0]) if isinstance(below, list) else steps[0]
    place = cast("dict[str, Any]", below)
    if len(steps) == 1:
        if value is GONE:
            if step not in place:
                return False
            del place[step]
        else:
            place[step] = value
        return True
    try:
        inner = place[step]
    except (KeyError, IndexError):
        return False
    if isinstance(inner, str):
        decoded = json.loads(inner)
        done = _put(decoded, steps[1:], value)
        place[step] = json.dumps(decoded)
        return done
    return _put(inner, steps[1:], value)


@pytest.mark.parametrize("mistake", MODEL_MISTAKES, ids=_label)
def test_the_service_model_refuses(mistake: Mistake) -> None:
    wrong = _mistaken(graph(mistake.file), mistake)
    problems = "\n".join(p for request in requests(wrong) for p in request.problems())
    assert mistake.said in problems


@pytest.mark.parametrize(
    ("rule", "mistake"), RULE_MISTAKES, ids=[f"{r.__name__}-{_label(m)}" for r, m in RULE_MISTAKES]
)
def test_a_rule_refuses(rule: aws_rules.Rule, mistake: Mistake) -> None:
    wrong = _mistaken(graph(mistake.file), mistake)
    asked = [r for r in _requests(mistake.file) if r.resource.urn != wrong.urn]
    problems = "\n".join(rule(aws_rules.Requests([*asked, *requests(wrong)])))
    assert mistake.said in problems


@every_rule
def test_a_mistake_is_seeded_for_every_rule(rule: aws_rules.Rule) -> None:
    assert rule in {r for r, _ in RULE_MISTAKES}


@every_rule
def test_every_rule_says_where_it_stands(rule: aws_rules.Rule) -> None:
    assert re.search(r"https://|API_|#\d", rule.__doc__ or ""), "a rule without a source is a guess"


@pytest.mark.parametrize("type_", KINDS)
def test_a_mistake_is_seeded_for_every_type(type_: str) -> None:
    assert type_ in {m.type for m in MODEL_MISTAKES}


@pytest.mark.parametrize("type_", KINDS)
def test_an_input_that_goes_nowhere_is_refused(type_: str) -> None:
    known = next(r for file in EVERY_FILE for r in graph(file).resources if r.type == type_)
    with pytest.raises(NotTranslatedError, match="bogusInput goes nowhere"):
        requests(replace(known, inputs={**known.inputs, "bogusInput": 1}))


def test_an_input_that_goes_nowhere_is_refused_at_any_depth() -> None:
    mistake = Mistake(_PROVIDER, f"{_MANAGED}.networkConfiguration.vpc", "v", "", _managed)
    with pytest.raises(NotTranslatedError, match=r"networkConfiguration\.vpc goes nowhere"):
        requests(_mistaken(graph(CORNERS), mistake))


def test_a_type_without_a_row_is_refused() -> None:
    known = graph(CORNERS).resources[-1]
    with pytest.raises(NotTranslatedError, match="no row says"):
        requests(replace(known, type="aws:sqs/queue:Queue"))


def test_every_enumeration_that_a_graph_reaches_is_checked() -> None:
    """A word that is in no enumeration is found wherever an enumeration is."""
    seen: set[tuple[str, str]] = set()
    for request in _requests(CORNERS):
        shape = aws_model.input_shape(request.service, request.operation)
        for path in _enumerated(request.params, shape):
            if (request.operation, re.sub(r"\d+", "", path)) in seen:
                continue
            seen.add((request.operation, re.sub(r"\d+", "", path)))
            params = deepcopy(dict(request.params))
            assert _put(params, path.split("."), "NoSuchWord")
            assert any("'NoSuchWord' is none of" in p for p in aws_model.problems(params, shape))
    assert len(seen) > 40


def _enumerated(value: Any, shape: Any, path: str = "") -> list[str]:
    found: list[str] = []
    if shape.type_name == "structure":
        for key, item in value.items():
            found += _enumerated(item, shape.members[key], f"{path}.{key}" if path else key)
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            found += _enumerated(item, shape.member, f"{path}.{index}")
    elif shape.type_name == "string" and shape.enum:
        found.append(path)
    return found
