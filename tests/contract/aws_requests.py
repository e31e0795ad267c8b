"""What AWS is asked for: each recorded resource as the API requests that the provider makes of it.

A table holds one row for each resource type. An input goes to the member of the request that has
its name, whatever the case; everything else is said in the row: another place, another form, or
the reason why AWS never sees it. An input that no row and no member takes is an error, so that
nothing travels unchecked.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from neuron_ecs.recording.graph import Recording, Resource
from planning.document import Json
from tests.contract import aws_model

ACCOUNT = "123456789012"


class NotTranslatedError(Exception):
    """An input that no request takes: the provider would drop it, or the table lacks a row."""


@dataclass(frozen=True, slots=True)
class To:
    """Where an input goes: a path below its parent's place, such as `A.B`, `A[0].B` or `A[+]`.

    An empty path is the parent's own place. A value in another form is taken as it is.
    """

    path: str
    form: Callable[[Json], Json] | None = None
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Engine:
    """An input that stays with the engine or the provider."""

    why: str


Row = To | Engine | Callable[[Mapping[str, Json]], To]


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource type: the operation that creates it, and where its inputs go."""

    service: str
    operation: str
    rows: Mapping[str, Row] = field(default_factory=dict[str, Row])
    name: str = ""  # member that takes the name that Pulumi chooses
    root: str = ""  # member below which inputs go that have no row
    implied: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """Paths that the provider fills by itself, `Operation:path` for an operation after the first;
    `{name}` stands for the resource's name."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, and the resource that it comes from."""

    resource: Resource
    service: str
    operation: str
    params: Mapping[str, Json]

    @property
    def region(self) -> str:
        return self.resource.inputs.get("region", "")

    def problems(self) -> list[str]:
        """What the service model says is wrong with the request."""
        shape = aws_model.input_shape(self.service, self.operation)
        return [
            f"{self.resource.type} {self.resource.name}: {self.operation}{p}"
            for p in aws_model.problems(self.params, shape)
        ]


# ---- forms ---------------------------------------------------------------------------------


def _pair(key: str) -> Callable[[Json], Json]:
    """An attribute of a load balancer or target group: both are texts."""

    def form(value: Json) -> Json:
        return {"Key": key, "Value": json.dumps(value) if type(value) is not str else value}

    return form


def _enabled(value: Json) -> Json:
    return {True: "ENABLED", False: "DISABLED"}[value]


def _tags(value: Json) -> Json:
    return [{"Key": k, "Value": v} for k, v in value.items()]


def _dimensions(value: Json) -> Json:
    return [{"Name": k, "Value": v} for k, v in value.items()]


def _conditions(value: Json) -> Json:
    """The provider names the field of each condition."""
    fields = {
        "pathPattern": ("path-pattern", "PathPatternConfig"),
        "hostHeader": ("host-header", "HostHeaderConfig"),
    }
    return [
        {"Field": fields[key][0], fields[key][1]: {k.capitalize(): v for k, v in config.items()}}
        for condition in value
        for key, config in condition.items()
    ]


_RECORD = "ChangeBatch.Changes[0].ResourceRecordSet"


def _values(value: Json) -> Json:
    return [{"Value": text} for text in value]


def _alias(value: Json) -> Json:
    """The one alias of a record."""
    (alias,) = value
    return {
        "DNSName": alias["name"],
        "HostedZoneId": alias["zoneId"],
        "EvaluateTargetHealth": alias["evaluateTargetHealth"],
    }


def _chat_tags(value: Json) -> Json:
    return [{"TagKey": k, "TagValue": v} for k, v in value.items()]


def _tagged(resource_type: str) -> To:
    """EC2 takes tags together with the type of what they are for."""
    return To(
        "TagSpecifications[+]",
        lambda value: {"ResourceType": resource_type, "Tags": _tags(value)},
    )


def _attribute(key: str, operation: str) -> To:
    return To("Attributes[+]", _pair(key), operation)


def _id(prefix: str) -> Callable[[Json], Json]:
    """An id that EFS checks by its form, in place of the recording's own."""
    return lambda value: f"{prefix}-0123456789abcdef0" if value.endswith("_id") else value


_FILES = {"fileSystemId": To("FileSystemId", _id("fs"))}
_REGION = Engine("the Region of the endpoint that the requests go to")


def _end_of_rule(inputs: Mapping[str, Json]) -> str:
    return "IpRanges[0]" if "cidrIpv4" in inputs else "UserIdGroupPairs[0]"


def _security_group_rule(operation: str) -> Kind:
    return Kind(
        "ec2",
        operation,
        {
            "securityGroupId": To("GroupId"),
            "ipProtocol": To("IpPermissions[0].IpProtocol"),
            "fromPort": To("IpPermissions[0].FromPort"),
            "toPort": To("IpPermissions[0].ToPort"),
            "cidrIpv4": To("IpPermissions[0].IpRanges[0].CidrIp"),
            "referencedSecurityGroupId": To("IpPermissions[0].UserIdGroupPairs[0].GroupId"),
            "description": lambda inputs: To(
                f"IpPermissions[0].{_end_of_rule(inputs)}.Description"
            ),
            "tags": _tagged("security-group-rule"),
        },
    )


# ---- the table -----------------------------------------------------------------------------

_HEALTH_CHECK = {
    "healthCheck": To(""),
    "healthCheck.protocol": To("HealthCheckProtocol"),
    "healthCheck.port": To("HealthCheckPort"),
    "healthCheck.path": To("HealthCheckPath"),
    "healthCheck.matcher": To("Matcher.HttpCode"),
    "healthCheck.interval": To("HealthCheckIntervalSeconds"),
    "healthCheck.timeout": To("HealthCheckTimeoutSeconds"),
    "healthCheck.healthyThreshold": To("HealthyThresholdCount"),
    "healthCheck.unhealthyThreshold": To("UnhealthyThresholdCount"),
}

KINDS: Mapping[str, Kind] = {
    "aws:ecs/taskDefinition:TaskDefinition": Kind(
        "ecs",
        "RegisterTaskDefinition",
        {
            "containerDefinitions": To("containerDefinitions", json.loads),
            "volumes.hostPath": To("host.sourcePath"),
            "volumes.configureAtLaunch": To("configuredAtLaunch"),
            "skipDestroy": Engine("whether destroying deregisters the revision"),
            "trackLatest": Engine("which revision a refresh reads"),
        },
    ),
    "aws:efs/fileSystem:FileSystem": Kind(
        "efs",
        "CreateFileSystem",
        {
            "lifecyclePolicies": To("LifecyclePolicies", operation="PutLifecycleConfiguration"),
            "lifecyclePolicies.transitionToIa": To("TransitionToIA"),
        },
        name="CreationToken",
        implied={"PutLifecycleConfiguration:FileSystemId": "fs-0123456789abcdef0"},
    ),
    "aws:efs/fileSystemPolicy:FileSystemPolicy": Kind("efs", "PutFileSystemPolicy", _FILES),
    "aws:efs/mountTarget:MountTarget": Kind(
        "efs",
        "CreateMountTarget",
        {
            **_FILES,
            "subnetId": To("SubnetId", _id("subnet")),
            "securityGroups": To("SecurityGroups", lambda ids: [_id("sg")(i) for i in ids]),
        },
    ),
    "aws:efs/accessPoint:AccessPoint": Kind("efs", "CreateAccessPoint", _FILES, name="ClientToken"),
    "aws:ecs/capacityProvider:CapacityProvider": Kind("ecs", "CreateCapacityProvider", name="name"),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": Kind(
        "ecs",
        "PutClusterCapacityProviders",
        {
            "clusterName": To("cluster"),
            "defaultCapacityProviderStrategies": To("defaultCapacityProviderStrategy"),
        },
        implied={"defaultCapacityProviderStrategy": []},  # an empty list where none is given
    ),
    "aws:ecs/cluster:Cluster": Kind("ecs", "CreateCluster", name="clusterName"),
    "aws:ecs/service:Service": Kind(
        "ecs",
        "CreateService",
        {
            "capacityProviderStrategies": To("capacityProviderStrategy"),
            "alarms": To("deploymentConfiguration.alarms"),
            "deploymentCircuitBreaker": To("deploymentConfiguration.deploymentCircuitBreaker"),
            "deploymentMaximumPercent": To("deploymentConfiguration.maximumPercent"),
            "deploymentMinimumHealthyPercent": To("deploymentConfiguration.minimumHealthyPercent"),
            "orderedPlacementStrategies": To("placementStrategy"),
            "networkConfiguration": To("networkConfiguration.awsvpcConfiguration"),
            "networkConfiguration.assignPublicIp": To("assignPublicIp", _enabled),
            "serviceRegistries": To("serviceRegistries[0]"),
            "volumeConfiguration": To("volumeConfigurations[0]"),
            "volumeConfiguration.managedEbsVolume": To("managedEBSVolume"),
            "volumeConfiguration.managedEbsVolume.sizeInGb": To("sizeInGiB"),
            "volumeConfiguration.managedEbsVolume.fileSystemType": To("filesystemType"),
            "waitForSteadyState": Engine("whether the provider waits for the deployment"),
        },
        name="serviceName",
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": Kind(
        "ec2",
        "CreateLaunchTemplate",
        {
            "networkInterfaces.securityGroups": To("Groups"),
            "vpcSecurityGroupIds": To("LaunchTemplateData.SecurityGroupIds"),
            "tags": _tagged("launch-template"),
            "updateDefaultVersion": Engine("which version later updates make the default one"),
        },
        name="LaunchTemplateName",
        root="LaunchTemplateData",
    ),
    "aws:ec2/placementGroup:PlacementGroup": Kind(
        "ec2", "CreatePlacementGroup", {"tags": _tagged("placement-group")}, name="GroupName"
    ),
    "aws:autoscaling/group:Group": Kind(
        "autoscaling",
        "CreateAutoScalingGroup",
        {
            "launchTemplate.id": To("LaunchTemplateId"),
            "vpcZoneIdentifiers": To("VPCZoneIdentifier", ",".join),
            "protectFromScaleIn": To("NewInstancesProtectedFromScaleIn"),
            "suspendedProcesses": To("ScalingProcesses", operation="SuspendProcesses"),
            "enabledMetrics": To("Metrics", operation="EnableMetricsCollection"),
            "waitForCapacityTimeout": Engine("how long the provider waits for instances"),
        },
        name="AutoScalingGroupName",
        implied={
            "SuspendProcesses:AutoScalingGroupName": "{name}",
            "EnableMetricsCollection:AutoScalingGroupName": "{name}",
            "EnableMetricsCollection:Granularity": "1Minute",  # the only one there is
        },
    ),
    "aws:autoscaling/schedule:Schedule": Kind(
        "autoscaling",
        "PutScheduledUpdateGroupAction",
        {
            "minSize": Engine("-1: the provider sends no minimum"),
            "maxSize": Engine("-1: the provider sends no maximum"),
        },
    ),
    "aws:iam/role:Role": Kind(
        "iam",
        "CreateRole",
        {"assumeRolePolicy": To("AssumeRolePolicyDocument")},
        name="RoleName",
    ),
    "aws:iam/rolePolicy:RolePolicy": Kind(
        "iam",
        "PutRolePolicy",
        {"policy": To("PolicyDocument"), "role": To("RoleName")},
        name="PolicyName",
    ),
    "aws:appautoscaling/scheduledAction:ScheduledAction": Kind(
        "application-autoscaling", "PutScheduledAction", name="ScheduledActionName"
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Kind(
        "iam", "AttachRolePolicy", {"role": To("RoleName")}
    ),
    "aws:iam/instanceProfile:InstanceProfile": Kind(
        "iam",
        "CreateInstanceProfile",
        {"role": To("RoleName", operation="AddRoleToInstanceProfile")},
        name="InstanceProfileName",
        implied={"AddRoleToInstanceProfile:InstanceProfileName": "{name}"},
    ),
    "aws:lb/targetGroup:TargetGroup": Kind(
        "elbv2",
        "CreateTargetGroup",
        {
            **_HEALTH_CHECK,
            "deregistrationDelay": _attribute(
                "deregistration_delay.timeout_seconds", "ModifyTargetGroupAttributes"
            ),
            "loadBalancingAlgorithmType": _attribute(
                "load_balancing.algorithm.type", "ModifyTargetGroupAttributes"
            ),
        },
        name="Name",
        implied={"ModifyTargetGroupAttributes:TargetGroupArn": "{name}"},
    ),
    "aws:lb/loadBalancer:LoadBalancer": Kind(
        "elbv2",
        "CreateLoadBalancer",
        {
            "internal": To("Scheme", lambda value: "internal" if value else "internet-facing"),
            "loadBalancerType": To("Type"),
            "idleTimeout": _attribute(
                "idle_timeout.timeout_seconds", "ModifyLoadBalancerAttributes"
            ),
            "dropInvalidHeaderFields": _attribute(
                "routing.http.drop_invalid_header_fields.enabled", "ModifyLoadBalancerAttributes"
            ),
            "enableDeletionProtection": _attribute(
                "deletion_protection.enabled", "ModifyLoadBalancerAttributes"
            ),
            "accessLogs": To("", None, "ModifyLoadBalancerAttributes"),
            "accessLogs.bucket": _attribute(
                "access_logs.s3.bucket", "ModifyLoadBalancerAttributes"
            ),
            "accessLogs.enabled": _attribute(
                "access_logs.s3.enabled", "ModifyLoadBalancerAttributes"
            ),
            "accessLogs.prefix": _attribute(
                "access_logs.s3.prefix", "ModifyLoadBalancerAttributes"
            ),
        },
        name="Name",
        implied={"ModifyLoadBalancerAttributes:LoadBalancerArn": "{name}"},
    ),
    "aws:lb/listenerCertificate:ListenerCertificate": Kind(
        "elbv2", "AddListenerCertificates", {"certificateArn": To("Certificates[0].CertificateArn")}
    ),
    "aws:wafv2/webAclAssociation:WebAclAssociation": Kind("wafv2", "AssociateWebACL"),
    "aws:lb/listener:Listener": Kind(
        "elbv2",
        "CreateListener",
        {
            "certificateArn": To("Certificates[0].CertificateArn"),
            "defaultActions.fixedResponse": To("FixedResponseConfig"),
        },
    ),
    "aws:lb/listenerRule:ListenerRule": Kind(
        "elbv2",
        "CreateRule",
        {
            "conditions": To("Conditions", _conditions),
            "actions.forward": To("ForwardConfig"),
            "actions.jwtValidation": To("JwtValidationConfig"),
            "actions.forward.targetGroups.arn": To("TargetGroupArn"),
            "transforms.urlRewriteConfig.rewrite": To("Rewrites[0]"),
        },
        implied={
            "Priority": 1,  # where none is given, the provider takes the listener's next free one
        },
    ),
    "aws:cloudwatch/logGroup:LogGroup": Kind(
        "logs",
        "CreateLogGroup",
        {
            "name": To("logGroupName"),
            "retentionInDays": To("retentionInDays", operation="PutRetentionPolicy"),
        },
        name="logGroupName",
        implied={"PutRetentionPolicy:logGroupName": "{name}"},
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Kind(
        "cloudwatch",
        "PutMetricAlarm",
        {
            "name": To("AlarmName"),
            "metricQueries": To("Metrics"),
            "metricQueries.metric": To("MetricStat"),
            "metricQueries.metric.namespace": To("Metric.Namespace"),
            "metricQueries.metric.metricName": To("Metric.MetricName"),
            "metricQueries.metric.dimensions": To("Metric.Dimensions", _dimensions),
            "dimensions": To("Dimensions", _dimensions),
        },
    ),
    "aws:cloudwatch/dashboard:Dashboard": Kind("cloudwatch", "PutDashboard"),
    "aws:cloudwatch/eventRule:EventRule": Kind("events", "PutRule", name="Name"),
    "aws:cloudwatch/eventTarget:EventTarget": Kind(
        "events",
        "PutTargets",
        {
            "rule": To("Rule"),
            "inputTransformer.inputPaths": To("InputPathsMap"),
        },
        root="Targets[0]",
        implied={"Targets[*].Id": "{name}"},
    ),
    "aws:acm/certificate:Certificate": Kind("acm", "RequestCertificate"),
    "aws:acm/certificateValidation:CertificateValidation": Kind(
        "acm",
        "DescribeCertificate",
        {"validationRecordFqdns": Engine("the provider compares them with what ACM asks for")},
    ),
    "aws:route53/record:Record": Kind(
        "route53",
        "ChangeResourceRecordSets",
        {
            "zoneId": To("HostedZoneId"),
            "records": To(f"{_RECORD}.ResourceRecords", _values),
            "ttl": To(f"{_RECORD}.TTL"),
            "name": To(f"{_RECORD}.Name"),
            "type": To(f"{_RECORD}.Type"),
            "aliases": To(f"{_RECORD}.AliasTarget", _alias),
            "setIdentifier": To(f"{_RECORD}.SetIdentifier"),
            "healthCheckId": To(f"{_RECORD}.HealthCheckId"),
            "latencyRoutingPolicies": To(f"{_RECORD}.Region", lambda value: value[0]["region"]),
        },
        implied={"ChangeBatch.Changes[0].Action": "CREATE"},
    ),
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": Kind(
        "servicediscovery", "CreatePrivateDnsNamespace"
    ),
    "aws:servicediscovery/service:Service": Kind(
        "servicediscovery",
        "CreateService",
        {
            "dnsConfig.dnsRecords.ttl": To("TTL"),
            "forceDestroy": Engine("whether the provider takes out what is registered first"),
        },
    ),
    "aws:route53/healthCheck:HealthCheck": Kind(
        "route53",
        "CreateHealthCheck",
        {
            "cloudwatchAlarmName": To("HealthCheckConfig.AlarmIdentifier.Name"),
            "cloudwatchAlarmRegion": To("HealthCheckConfig.AlarmIdentifier.Region"),
            "tags": To("AddTags", _tags, "ChangeTagsForResource"),
            "triggers": Engine("when to send the alarm's name again"),
        },
        name="CallerReference",
        root="HealthCheckConfig",
        implied={
            "ChangeTagsForResource:ResourceId": "{name}",
            "ChangeTagsForResource:ResourceType": "healthcheck",
        },
    ),
    "aws:route53/zoneAssociation:ZoneAssociation": Kind(
        "route53",
        "AssociateVPCWithHostedZone",
        {
            "zoneId": To("HostedZoneId"),
            "vpcId": To("VPC.VPCId"),
            "vpcRegion": To("VPC.VPCRegion"),
        },
    ),
    "aws:sns/topic:Topic": Kind("sns", "CreateTopic"),
    "aws:sns/topicPolicy:TopicPolicy": Kind(
        "sns",
        "SetTopicAttributes",
        {"arn": To("TopicArn"), "policy": To("AttributeValue")},
        implied={"AttributeName": "Policy"},
    ),
    "aws:sns/topicSubscription:TopicSubscription": Kind(
        "sns", "Subscribe", {"topic": To("TopicArn")}, implied={"ReturnSubscriptionArn": True}
    ),
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration": Kind(
        "chatbot", "CreateSlackChannelConfiguration", {"tags": To("Tags", _chat_tags)}
    ),
    "aws:appautoscaling/target:Target": Kind("application-autoscaling", "RegisterScalableTarget"),
    "aws:appautoscaling/policy:Policy": Kind(
        "application-autoscaling",
        "PutScalingPolicy",
        {
            "stepScalingPolicyConfiguration.stepAdjustments.metricIntervalLowerBound": To(
                "MetricIntervalLowerBound", float
            ),
            "stepScalingPolicyConfiguration.stepAdjustments.metricIntervalUpperBound": To(
                "MetricIntervalUpperBound", float
            ),
        },
        name="PolicyName",
    ),
    "aws:scheduler/schedule:Schedule": Kind(
        "scheduler",
        "CreateSchedule",
        {
            "target.ecsParameters.capacityProviderStrategies": To("CapacityProviderStrategy"),
            "target.ecsParameters.networkConfiguration": To(
                "NetworkConfiguration.awsvpcConfiguration"
            ),
            "target.ecsParameters.networkConfiguration.assignPublicIp": To(
                "AssignPublicIp", _enabled
            ),
        },
        name="Name",
    ),
    "aws:ec2/vpc:Vpc": Kind(
        "ec2",
        "CreateVpc",
        {
            # each attribute is a request of its own; they check alike
            "enableDnsHostnames": To("EnableDnsHostnames.Value", operation="ModifyVpcAttribute"),
            "enableDnsSupport": To("EnableDnsSupport.Value", operation="ModifyVpcAttribute"),
            "tags": _tagged("vpc"),
        },
        implied={"ModifyVpcAttribute:VpcId": "{name}"},
    ),
    "aws:ec2/subnet:Subnet": Kind(
        "ec2",
        "CreateSubnet",
        {
            "mapPublicIpOnLaunch": To(
                "MapPublicIpOnLaunch.Value", operation="ModifySubnetAttribute"
            ),
            "tags": _tagged("subnet"),
        },
        implied={"ModifySubnetAttribute:SubnetId": "{name}"},
    ),
    "aws:ec2/internetGateway:InternetGateway": Kind(
        "ec2",
        "CreateInternetGateway",
        {
            "vpcId": To("VpcId", operation="AttachInternetGateway"),
            "tags": _tagged("internet-gateway"),
        },
        implied={"AttachInternetGateway:InternetGatewayId": "{name}"},
    ),
    "aws:ec2/eip:Eip": Kind("ec2", "AllocateAddress", {"tags": _tagged("elastic-ip")}),
    "aws:ec2/natGateway:NatGateway": Kind(
        "ec2", "CreateNatGateway", {"tags": _tagged("natgateway")}
    ),
    "aws:ec2/routeTable:RouteTable": Kind(
        "ec2", "CreateRouteTable", {"tags": _tagged("route-table")}
    ),
    "aws:ec2/route:Route": Kind("ec2", "CreateRoute"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Kind("ec2", "AssociateRouteTable"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Kind(
        "ec2",
        "CreateVpcEndpoint",
        {"policy": To("PolicyDocument"), "tags": _tagged("vpc-endpoint")},
    ),
    "aws:ec2/flowLog:FlowLog": Kind(
        "ec2",
        "CreateFlowLogs",
        {"tags": _tagged("vpc-flow-log"), "vpcId": To("ResourceIds[+]")},
        implied={"ResourceType": "VPC"},
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Kind(
        "ec2",
        "CreateTags",
        {
            "tags": To("Tags", _tags),
            "vpcId": Engine("the provider finds the VPC's default group, and empties it"),
        },
        implied={"Resources": ["{name}"]},
    ),
    "aws:ec2/securityGroup:SecurityGroup": Kind(
        "ec2",
        "CreateSecurityGroup",
        {"tags": _tagged("security-group")},
        name="GroupName",
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _security_group_rule(
        "AuthorizeSecurityGroupIngress"
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _security_group_rule(
        "AuthorizeSecurityGroupEgress"
    ),
}
"""How each type becomes requests. Sources: the API references of the services, and the provider's
own code for what it fills in (terraform-provider-aws, internal/service)."""


# ---- translating ---------------------------------------------------------------------------


def requests(resource: Resource, name: str = "") -> list[Request]:
    """The requests that create a resource, the creating one first; `name` is what Pulumi chooses.

    Raises NotTranslatedError for a type without a row, or an input that goes nowhere.
    """
    kind = KINDS.get(resource.type)
    if kind is None:
        raise NotTranslatedError(f"{resource.type}: no row says how it becomes an API request")
    made = _Requests(kind, resource, name)
    made.place(resource.inputs, kind.operation, kind.root, "")
    return made.finished()


def all_requests(recording: Recording) -> list[Request]:
    """The requests of a whole graph."""
    return [
        request for r in recording.resources if r.type.startswith("aws:") for request in requests(r)
    ]


class _Requests:
    def __init__(self, kind: Kind, resource: Resource, name: str) -> None:
        self._kind = kind
        self._resource = resource
        # Pulumi appends a hyphen and seven digits to a logical name.
        self._name: str = resource.inputs.get("name", name or f"{resource.name}-0123abc")
        self._params: dict[str, dict[str, Json]] = {kind.operation: {}}
        if kind.name and "name" not in resource.inputs:
            self._params[kind.operation][kind.name] = self._name

    def place(self, given: Mapping[str, Json], operation: str, below: str, source: str) -> None:
        """Puts each value of a map of inputs into the request."""
        for key, value in given.items():
            path = f"{source}.{key}" if source else key
            row = self._kind.rows.get(path)
            if row is None and path == "region":
                row = _REGION
            if isinstance(row, Engine):
                continue
            if row is not None and not isinstance(row, To):
                row = row(given)
            if row is None:
                row = To(self._member(operation, below, key, path))
            # A row at the top says the whole place; below, it is relative to its parent's.
            start = below if source or path not in self._kind.rows else ""
            target = ".".join(part for part in (start, row.path) if part)
            self._put(value, row, row.operation or operation, target, path)

    def _put(self, value: Json, row: To, operation: str, target: str, path: str) -> None:
        if row.form is not None:
            self._set(operation, target, row.form(value))
            return
        shape = self._shape(operation, target, path)
        if isinstance(value, Mapping) and shape.type_name == "structure":
            if target:
                self._set(operation, target, {})
            self.place(cast("Mapping[str, Json]", value), operation, target, path)
        elif isinstance(value, Mapping) and shape.type_name == "list":
            keys = {m.lower(): m for m in shape.member.members}
            self._set(
                operation,
                target,
                [{keys["key"]: k, keys["value"]: v} for k, v in cast("Any", value).items()],
            )
        elif isinstance(value, list) and shape.type_name == "list":
            self._set(operation, target, [])
            for index, item in enumerate(cast("list[Json]", value)):
                self._put(item, To(""), operation, f"{target}[{index}]", path)
        elif shape.type_name == "boolean" and value in {"true", "false"}:
            # the provider has texts where it tells an absent boolean from a false one
            self._set(operation, target, value == "true")
        else:
            self._set(operation, target, value)

    def _member(self, operation: str, below: str, key: str, path: str) -> str:
        """The member that has the input's name."""
        shape = self._shape(operation, below, path)
        found = [m for m in getattr(shape, "members", ()) if m.lower() == key.lower()]
        if not found:
            raise NotTranslatedError(
                f"{self._resource.type} {self._resource.name}: {path} goes nowhere: {operation} "
                f"has no member of this name in {below or 'its input'}, and no row says where else"
            )
        return found[0]

    def _shape(self, operation: str, target: str, path: str) -> Any:
        shape = aws_model.input_shape(self._kind.service, operation)
        for name, _ in _steps(target):
            if name not in getattr(shape, "members", {}):
                raise NotTranslatedError(f"{self._resource.type}: {path} goes to {target}: no such")
            shape = shape.members[name]
            if _ is not None:
                shape = shape.member
        return shape

    def _set(self, operation: str, target: str, value: Json) -> None:
        place: Any = self._params.setdefault(operation, {})
        steps = list(_steps(target))
        for number, (name, index) in enumerate(steps):
            last = number == len(steps) - 1
            if index is None:
                if last:
                    place[name] = value
                else:
                    place = place.setdefault(name, {})
                continue
            items = place.setdefault(name, [])
            at = len(items) if index == "+" else int(index)
            while len(items) <= at:
                items.append({})
            if last:
                items[at] = value
            else:
                place = items[at]

    def finished(self) -> list[Request]:
        for target, value in self._kind.implied.items():
            operation, _, path = target.rpartition(":")
            params = self._params.get(operation or self._kind.operation)
            if params is not None and "[0]" in path:
                self._set(operation or self._kind.operation, path, value)
            elif params is not None:
                _imply(params, path, _named(value, self._name))
        return [
            Request(self._resource, self._kind.service, operation, params)
            for operation, params in self._params.items()
        ]


def _steps(path: str) -> Iterator[tuple[str, str | None]]:
    for step in path.split(".") if path else ():
        name, bracket, index = step.partition("[")
        yield name, index.rstrip("]") if bracket else None


def _imply(params: dict[str, Json], path: str, value: Json) -> None:
    whole, _, member = path.partition("[*].")
    if member:
        for item in params.get(whole, ()):
            item.setdefault(member, value)
    else:
        params.setdefault(path, value)


def _named(value: Json, name: str) -> Json:
    if isinstance(value, list):
        return [_named(item, name) for item in cast("list[Json]", value)]
    return name if value == "{name}" else value
