"""The table of resource types: what they are called, what cannot change, and what they hold.

Sources: terraform-provider-aws (schemas and ids), pulumi-terraform-bridge (autonaming), the EC2,
ECS, IAM and ELB API references (errors). An unknown type is an error, so a new resource in the
program asks for a row here first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

By = Literal["id", "arn", "name"]

ACCOUNT_ID = "123456789012"


@dataclass(frozen=True)
class Ref:
    """One property that names another resource.

    ``by`` lists the forms that the API accepts. ``held`` is the error that AWS gives for deleting
    the resource named while this one exists; empty when AWS does not mind. ``owned_elsewhere``
    says that a resource which this account never made may stand there (a stack file can name
    networks that exist).
    """

    path: str
    to: str
    by: tuple[By, ...]
    held: str = ""
    owned_elsewhere: bool = False
    missing: str = ""
    any_region: bool = False  # whether it may stand in a Region other than the resource's


@dataclass(frozen=True)
class Kind:
    """One resource type.

    ``id``, ``arn`` and ``computed`` are templates: they may use the resource's own properties
    with a text value, ``{region}``, ``{account}``, ``{hex}`` (17 digits), and ``arn`` and
    ``computed`` also ``{id}``.
    """

    token: str
    id: str
    arn: str = ""
    computed: Mapping[str, str] = field(default_factory=dict[str, str])
    fixed: tuple[str, ...] = ()
    """Properties (dotted paths) whose change replaces the resource."""
    comes_or_goes: tuple[str, ...] = ()
    """Properties that change in place, and whose coming or going replaces the resource."""
    in_place: tuple[str, ...] | None = None
    """When given, every property that is not listed replaces the resource."""
    named: int | None = None
    """Longest physical name; the provider makes one up when none is given."""
    regional: bool = True
    unique: tuple[str, ...] = ()
    """Properties that two resources of the type may not share (within a Region)."""
    duplicate: str = ""
    not_found: str = "ResourceNotFoundException"
    refs: tuple[Ref, ...] = ()


_ROLE = "aws:iam/role:Role"
_PROFILE = "aws:iam/instanceProfile:InstanceProfile"
_VPC = "aws:ec2/vpc:Vpc"
_SUBNET = "aws:ec2/subnet:Subnet"
_GATEWAY = "aws:ec2/internetGateway:InternetGateway"
_EIP = "aws:ec2/eip:Eip"
_NAT = "aws:ec2/natGateway:NatGateway"
_ROUTES = "aws:ec2/routeTable:RouteTable"
_GROUP = "aws:ec2/securityGroup:SecurityGroup"
_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_PLACEMENT = "aws:ec2/placementGroup:PlacementGroup"
_SCALING = "aws:autoscaling/group:Group"
_CLUSTER = "aws:ecs/cluster:Cluster"
_PROVIDER = "aws:ecs/capacityProvider:CapacityProvider"
_TASK = "aws:ecs/taskDefinition:TaskDefinition"
_SERVICE = "aws:ecs/service:Service"
_FILES = "aws:efs/fileSystem:FileSystem"
_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_LISTENER = "aws:lb/listener:Listener"
_TARGETS = "aws:lb/targetGroup:TargetGroup"
_EVENTS = "aws:cloudwatch/eventRule:EventRule"
_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
_HEALTH = "aws:route53/healthCheck:HealthCheck"
_CERTIFICATE = "aws:acm/certificate:Certificate"
_NAMESPACE = "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace"
_REGISTRY = "aws:servicediscovery/service:Service"
_TOPIC = "aws:sns/topic:Topic"
_SCHEDULES = "aws:scheduler/scheduleGroup:ScheduleGroup"

_IN_VPC = "DependencyViolation: The vpc '{id}' has dependencies and cannot be deleted."
_IN_SUBNET = "DependencyViolation: The subnet '{id}' has dependencies and cannot be deleted."
_IN_GROUP = "DependencyViolation: resource {id} has a dependent object"
_IN_TARGETS = "ResourceInUse: Target group '{arn}' is currently in use by a listener or a rule"
_HAS_TARGETS = "FileSystemInUse: The file system {id} has mount targets"
_IN_EIP = "InvalidIPAddress.InUse: Address {id} is in use."
_IN_LISTENER = "ResourceInUseException: Certificate {arn} is in use"
_IN_PLACEMENT = (
    "InvalidPlacementGroup.InUse: The placement group {id} is in use and may not be deleted."
)
_IN_STRATEGY = (
    "ResourceInUseException: The specified capacity provider is in use and cannot be removed."
)
_ATTACHED = (
    "ResourceInUseException: The capacity provider {name} cannot be deleted because it is "
    "associated with cluster: {by}. Remove the capacity provider from the cluster and try again."
)

# What AWS lets go, and what then breaks: the stand-in refuses it with a name of its own, because
# the order that the program states is meant to prevent it.
_TEMPLATE_USED = (
    "StandIn.InUse: launch template {id} is what {by} launches from; AWS would delete it and the "
    "group could not launch any more."
)
_SCALING_USED = (
    "StandIn.InUse: Auto Scaling group {id} belongs to capacity provider {by}; without it the "
    "provider's deletion fails (DELETE_FAILED)."
)
_PROFILE_USED = "StandIn.InUse: instance profile {id} is what {by} launches its instances with."
_ROLE_USED = "StandIn.InUse: role {id} is what {by} works with."
_HEALTH_USED = (
    "StandIn.InUse: health check {id} is that of {by}; AWS would delete it, and the record would "
    "be an answer in any state of its Region."
)
_ALARM_USED = "StandIn.InUse: alarm {id} is what {by} watches; without it the health is unknown."
_TASK_USED = "StandIn.InUse: task definition {id} is what {by} starts its tasks from."


KINDS: Mapping[str, Kind] = {
    kind.token: kind
    for kind in (
        Kind(
            token=_ROLE,
            id="{name}",
            arn="arn:aws:iam::{account}:role{path}{name}",
            computed={"uniqueId": "AROA{hex}", "createDate": "2026-01-01T00:00:00Z"},
            fixed=("name", "namePrefix", "path"),
            named=64,
            regional=False,
            unique=("name",),
            duplicate="EntityAlreadyExists: Role with name {name} already exists.",
            not_found="NoSuchEntity: The role with name {value} cannot be found.",
        ),
        Kind(
            token="aws:iam/rolePolicy:RolePolicy",
            id="{role}:{name}",
            fixed=("name", "namePrefix", "role"),
            named=128,
            regional=False,
            refs=(
                Ref(
                    "role",
                    _ROLE,
                    ("name",),
                    "DeleteConflict: Cannot delete entity, must delete policies first.",
                ),
            ),
        ),
        Kind(
            token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            id="{role}/{policyArn}",
            fixed=("role", "policyArn"),
            regional=False,
            refs=(
                Ref(
                    "role",
                    _ROLE,
                    ("name",),
                    "DeleteConflict: Cannot delete entity, must detach all policies first.",
                ),
            ),
        ),
        Kind(
            token=_PROFILE,
            id="{name}",
            arn="arn:aws:iam::{account}:instance-profile{path}{name}",
            computed={"uniqueId": "AIPA{hex}", "createDate": "2026-01-01T00:00:00Z"},
            fixed=("name", "namePrefix", "path"),
            named=128,
            regional=False,
            unique=("name",),
            duplicate="EntityAlreadyExists: Instance Profile {name} already exists.",
            not_found="NoSuchEntity: Instance Profile {value} cannot be found.",
            refs=(
                Ref(
                    "role",
                    _ROLE,
                    ("name",),
                    "DeleteConflict: Cannot delete entity, must remove roles from instance "
                    "profile first.",
                ),
            ),
        ),
        Kind(
            token=_VPC,
            id="vpc-{hex}",
            arn="arn:aws:ec2:{region}:{account}:vpc/{id}",
            computed={
                "mainRouteTableId": "rtb-main-{id}",
                "defaultRouteTableId": "rtb-main-{id}",
                "defaultSecurityGroupId": "sg-default-{id}",
                "defaultNetworkAclId": "acl-{hex}",
                "dhcpOptionsId": "dopt-{hex}",
                "ownerId": "{account}",
            },
            fixed=("cidrBlock", "ipv4IpamPoolId", "ipv4NetmaskLength"),
            not_found="InvalidVpcID.NotFound: The vpc ID '{value}' does not exist",
        ),
        Kind(
            token=_SUBNET,
            id="subnet-{hex}",
            arn="arn:aws:ec2:{region}:{account}:subnet/{id}",
            computed={"ownerId": "{account}"},
            fixed=("vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId", "ipv6Native"),
            not_found="InvalidSubnetID.NotFound: The subnet ID '{value}' does not exist",
            refs=(Ref("vpcId", _VPC, ("id",), _IN_VPC),),
        ),
        Kind(
            token=_GATEWAY,
            id="igw-{hex}",
            arn="arn:aws:ec2:{region}:{account}:internet-gateway/{id}",
            computed={"ownerId": "{account}"},
            not_found="InvalidInternetGatewayID.NotFound: The internetGateway ID '{value}' does "
            "not exist",
            refs=(Ref("vpcId", _VPC, ("id",), _IN_VPC),),
        ),
        Kind(
            token=_EIP,
            id="eipalloc-{hex}",
            arn="arn:aws:ec2:{region}:{account}:elastic-ip/{id}",
            computed={"allocationId": "{id}", "publicIp": "192.0.2.1"},
            fixed=("domain", "networkBorderGroup", "publicIpv4Pool", "ipamPoolId", "address"),
            not_found="InvalidAllocationID.NotFound: The allocation ID '{value}' does not exist",
        ),
        Kind(
            token=_NAT,
            id="nat-{hex}",
            computed={
                "publicIp": "192.0.2.1",
                "privateIp": "10.0.0.9",
                "networkInterfaceId": "eni-{hex}",
            },
            fixed=("subnetId", "allocationId", "connectivityType", "privateIp", "vpcId"),
            not_found="InvalidNatGatewayID.NotFound: The natGateway ID '{value}' does not exist",
            refs=(
                Ref("subnetId", _SUBNET, ("id",), _IN_SUBNET, owned_elsewhere=True),
                Ref("allocationId", _EIP, ("id",), _IN_EIP),
                Ref("secondaryAllocationIds", _EIP, ("id",), _IN_EIP),
            ),
        ),
        Kind(
            token=_ROUTES,
            id="rtb-{hex}",
            arn="arn:aws:ec2:{region}:{account}:route-table/{id}",
            computed={"ownerId": "{account}"},
            fixed=("vpcId",),
            not_found="InvalidRouteTableID.NotFound: The routeTable ID '{value}' does not exist",
            refs=(Ref("vpcId", _VPC, ("id",), _IN_VPC),),
        ),
        Kind(
            token="aws:ec2/route:Route",
            id="r-{routeTableId}{hex}",
            computed={"origin": "CreateRoute", "state": "active"},
            fixed=(
                "routeTableId",
                "destinationCidrBlock",
                "destinationIpv6CidrBlock",
                "destinationPrefixListId",
            ),
            unique=(
                "routeTableId",
                "destinationCidrBlock",
                "destinationIpv6CidrBlock",
                "destinationPrefixListId",
            ),
            duplicate="RouteAlreadyExists: Route in Route Table ({routeTableId}) with destination "
            "({destinationCidrBlock}) already exists",
            refs=(
                Ref("routeTableId", _ROUTES, ("id",), owned_elsewhere=True),
                Ref("gatewayId", _GATEWAY, ("id",)),
                Ref("natGatewayId", _NAT, ("id",)),
            ),
        ),
        Kind(
            token="aws:ec2/routeTableAssociation:RouteTableAssociation",
            id="rtbassoc-{hex}",
            fixed=("subnetId", "gatewayId"),
            unique=("subnetId",),
            duplicate="Resource.AlreadyAssociated: the specified association for route table "
            "{routeTableId} conflicts with an existing association",
            refs=(
                Ref(
                    "routeTableId",
                    _ROUTES,
                    ("id",),
                    "DependencyViolation: The routeTable '{id}' has dependencies and cannot be "
                    "deleted.",
                ),
                Ref("subnetId", _SUBNET, ("id",)),
            ),
        ),
        Kind(
            token="aws:ec2/flowLog:FlowLog",
            id="fl-{hex}",
            arn="arn:aws:ec2:{region}:{account}:vpc-flow-log/{id}",
            fixed=("vpcId", "trafficType", "logDestination", "logDestinationType"),
            refs=(Ref("vpcId", _VPC, ("id",)),),
        ),
        Kind(
            token="aws:ec2/vpcEndpoint:VpcEndpoint",
            id="vpce-{hex}",
            arn="arn:aws:ec2:{region}:{account}:vpc-endpoint/{id}",
            computed={"state": "available", "ownerId": "{account}"},
            fixed=("serviceName", "vpcId", "vpcEndpointType", "serviceRegion"),
            refs=(
                Ref("vpcId", _VPC, ("id",), _IN_VPC, owned_elsewhere=True),
                Ref("subnetIds", _SUBNET, ("id",), _IN_SUBNET, owned_elsewhere=True),
                Ref("securityGroupIds", _GROUP, ("id",), _IN_GROUP),
                Ref("routeTableIds", _ROUTES, ("id",), owned_elsewhere=True),
            ),
        ),
        Kind(
            token=_GROUP,
            id="sg-{hex}",
            arn="arn:aws:ec2:{region}:{account}:security-group/{id}",
            computed={"ownerId": "{account}"},
            fixed=("name", "namePrefix", "description", "vpcId"),
            named=255,
            unique=("name", "vpcId"),
            duplicate="InvalidGroup.Duplicate: The security group '{name}' already exists for VPC "
            "'{vpcId}'",
            not_found="InvalidGroup.NotFound: The security group '{value}' does not exist",
            refs=(Ref("vpcId", _VPC, ("id",), _IN_VPC, owned_elsewhere=True),),
        ),
        Kind(
            # The provider adopts the group that came with the VPC; deleting only forgets it.
            token="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
            id="sg-default-{vpcId}",
            arn="arn:aws:ec2:{region}:{account}:security-group/{id}",
            computed={"ownerId": "{account}", "name": "default", "description": "default"},
            fixed=("vpcId",),
            unique=("vpcId",),
            duplicate="StandIn.Duplicate: another resource has adopted the default group of "
            "{vpcId}.",
            refs=(Ref("vpcId", _VPC, ("id",)),),
        ),
        *(
            Kind(
                token=f"aws:vpc/securityGroup{way}Rule:SecurityGroup{way}Rule",
                id="sgr-{hex}",
                arn="arn:aws:ec2:{region}:{account}:security-group-rule/{id}",
                computed={"securityGroupRuleId": "{id}"},
                fixed=("securityGroupId",),
                comes_or_goes=(
                    "cidrIpv4",
                    "cidrIpv6",
                    "prefixListId",
                    "referencedSecurityGroupId",
                ),
                unique=(
                    "securityGroupId",
                    "ipProtocol",
                    "fromPort",
                    "toPort",
                    "cidrIpv4",
                    "cidrIpv6",
                    "prefixListId",
                    "referencedSecurityGroupId",
                ),
                duplicate="InvalidPermission.Duplicate: the specified rule already exists in "
                "{securityGroupId}",
                refs=(
                    Ref("securityGroupId", _GROUP, ("id",)),
                    Ref(
                        "referencedSecurityGroupId",
                        _GROUP,
                        ("id",),
                        _IN_GROUP,
                        owned_elsewhere=True,
                    ),
                ),
            )
            for way in ("Ingress", "Egress")
        ),
        Kind(
            token=_TEMPLATE,
            id="lt-{hex}",
            arn="arn:aws:ec2:{region}:{account}:launch-template/{id}",
            fixed=("name", "namePrefix"),
            named=128,
            unique=("name",),
            duplicate="InvalidLaunchTemplateName.AlreadyExistsException: Launch template name "
            "already in use.",
            not_found="InvalidLaunchTemplateId.NotFound: The specified launch template, with "
            "template ID {value}, does not exist.",
            refs=(
                Ref("vpcSecurityGroupIds", _GROUP, ("id",), _IN_GROUP),
                Ref("networkInterfaces.securityGroups", _GROUP, ("id",), _IN_GROUP),
                Ref("iamInstanceProfile.name", _PROFILE, ("name",), _PROFILE_USED),
                Ref("iamInstanceProfile.arn", _PROFILE, ("arn",), _PROFILE_USED),
                Ref("placement.groupName", _PLACEMENT, ("name",), _IN_PLACEMENT),
            ),
        ),
        Kind(
            token=_PLACEMENT,
            id="{name}",
            arn="arn:aws:ec2:{region}:{account}:placement-group/{name}",
            computed={"placementGroupId": "pg-{hex}"},
            fixed=("name", "strategy", "partitionCount", "spreadLevel"),
            named=255,
            unique=("name",),
            duplicate="InvalidPlacementGroup.Duplicate: The Placement Group '{name}' already "
            "exists.",
            not_found="InvalidPlacementGroup.Unknown: The Placement Group '{value}' is unknown.",
        ),
        Kind(
            token=_SCALING,
            id="{name}",
            arn="arn:aws:autoscaling:{region}:{account}:autoScalingGroup:{hex}:"
            "autoScalingGroupName/{name}",
            fixed=("name", "namePrefix"),
            named=255,
            unique=("name",),
            duplicate="AlreadyExists: AutoScalingGroup by this name already exists - A group with "
            "the name {name} already exists",
            refs=(
                Ref("vpcZoneIdentifiers", _SUBNET, ("id",), _IN_SUBNET, owned_elsewhere=True),
                Ref("launchTemplate.id", _TEMPLATE, ("id",), _TEMPLATE_USED),
                Ref("launchTemplate.name", _TEMPLATE, ("name",), _TEMPLATE_USED),
                Ref(
                    "mixedInstancesPolicy.launchTemplate.launchTemplateSpecification"
                    ".launchTemplateId",
                    _TEMPLATE,
                    ("id",),
                    _TEMPLATE_USED,
                ),
                Ref("placementGroup", _PLACEMENT, ("name",), _IN_PLACEMENT),
                Ref("targetGroupArns", _TARGETS, ("arn",), _IN_TARGETS),
            ),
        ),
        Kind(
            token="aws:autoscaling/schedule:Schedule",
            id="{scheduledActionName}",
            arn="arn:aws:autoscaling:{region}:{account}:scheduledUpdateGroupAction:{hex}:"
            "autoScalingGroupName/{autoscalingGroupName}:scheduledActionName/{scheduledActionName}",
            fixed=("autoscalingGroupName", "scheduledActionName"),
            unique=("autoscalingGroupName", "scheduledActionName"),
            duplicate="AlreadyExists: A scheduled action with the name {scheduledActionName} "
            "exists.",
            refs=(Ref("autoscalingGroupName", _SCALING, ("name",)),),
        ),
        Kind(
            token=_CLUSTER,
            id="{arn}",
            arn="arn:aws:ecs:{region}:{account}:cluster/{name}",
            fixed=("name",),
            named=255,
            unique=("name",),
            duplicate="StandIn.Duplicate: cluster {name} exists; CreateCluster would hand back the "
            "one that another resource owns.",
            not_found="ClusterNotFoundException: Cluster not found.",
        ),
        Kind(
            token=_PROVIDER,
            id="{arn}",
            arn="arn:aws:ecs:{region}:{account}:capacity-provider/{name}",
            fixed=(
                "name",
                "cluster",
                "autoScalingGroupProvider.autoScalingGroupArn",
                "managedInstancesProvider.instanceLaunchTemplate.capacityOptionType",
            ),
            named=255,
            unique=("name",),
            duplicate="InvalidParameterException: A capacity provider with the specified name "
            "already exists.",
            not_found="InvalidParameterException: The specified capacity provider '{value}' was "
            "not found. Specify a valid name or ARN and try again.",
            refs=(
                Ref(
                    "cluster",
                    _CLUSTER,
                    ("name",),
                    "ClusterContainsCapacityProviderException: The Cluster cannot be deleted while "
                    "Cluster Scoped Capacity Providers are attached.",
                ),
                Ref(
                    "autoScalingGroupProvider.autoScalingGroupArn",
                    _SCALING,
                    ("arn",),
                    _SCALING_USED,
                    missing="ClientException: The specified Auto Scaling group ARN does not exist: "
                    "{value}",
                ),
                Ref("managedInstancesProvider.infrastructureRoleArn", _ROLE, ("arn",), _ROLE_USED),
                Ref(
                    "managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn",
                    _PROFILE,
                    ("arn",),
                    _PROFILE_USED,
                ),
                Ref(
                    "managedInstancesProvider.instanceLaunchTemplate.networkConfiguration.subnets",
                    _SUBNET,
                    ("id",),
                    _IN_SUBNET,
                    owned_elsewhere=True,
                ),
                Ref(
                    "managedInstancesProvider.instanceLaunchTemplate.networkConfiguration"
                    ".securityGroups",
                    _GROUP,
                    ("id",),
                    _IN_GROUP,
                ),
            ),
        ),
        Kind(
            token="aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
            id="{clusterName}",
            fixed=("clusterName",),
            unique=("clusterName",),
            duplicate="StandIn.Duplicate: another resource lists the capacity providers of cluster "
            "{clusterName}; the two would overwrite each other.",
            refs=(
                Ref(
                    "clusterName",
                    _CLUSTER,
                    ("name",),
                    "ClusterContainsCapacityProviderException: The cluster contains one or more "
                    "capacity providers that prevent the requested operation.",
                ),
                Ref("capacityProviders", _PROVIDER, ("name", "arn"), _ATTACHED),
            ),
        ),
        Kind(
            token=_TASK,
            id="{family}",
            in_place=("tags", "tagsAll", "skipDestroy", "trackLatest"),
            not_found="ClientException: Unable to describe task definition {value}.",
            refs=(
                Ref("executionRoleArn", _ROLE, ("arn",), _ROLE_USED),
                Ref("taskRoleArn", _ROLE, ("arn",), _ROLE_USED),
            ),
        ),
        Kind(
            token=_SERVICE,
            id="{arn}",
            fixed=("name", "cluster", "launchType", "schedulingStrategy", "iamRole"),
            named=255,
            unique=("name", "cluster"),
            duplicate="InvalidParameterException: Creation of service was not idempotent.",
            not_found="ServiceNotFoundException: Service not found.",
            refs=(
                Ref(
                    "cluster",
                    _CLUSTER,
                    ("arn", "name"),
                    "ClusterContainsServicesException: The Cluster cannot be deleted while "
                    "Services are active.",
                ),
                Ref("taskDefinition", _TASK, ("arn", "name"), _TASK_USED),
                Ref(
                    "capacityProviderStrategies.capacityProvider",
                    _PROVIDER,
                    ("name", "arn"),
                    _IN_STRATEGY,
                ),
                Ref(
                    "networkConfiguration.subnets",
                    _SUBNET,
                    ("id",),
                    _IN_SUBNET,
                    owned_elsewhere=True,
                ),
                Ref("networkConfiguration.securityGroups", _GROUP, ("id",), _IN_GROUP),
                Ref("loadBalancers.targetGroupArn", _TARGETS, ("arn",), _IN_TARGETS),
                Ref("serviceRegistries.registryArn", _REGISTRY, ("arn",)),
            ),
        ),
        Kind(
            token="aws:cloudwatch/logGroup:LogGroup",
            id="{name}",
            arn="arn:aws:logs:{region}:{account}:log-group:{name}",
            fixed=("name", "namePrefix", "logGroupClass"),
            named=512,
            unique=("name",),
            duplicate="ResourceAlreadyExistsException: The specified log group already exists",
        ),
        Kind(
            token=_FILES,
            id="fs-{hex}",
            arn="arn:aws:elasticfilesystem:{region}:{account}:file-system/{id}",
            computed={"ownerId": "{account}", "dnsName": "{id}.efs.{region}.amazonaws.com"},
            fixed=("encrypted", "kmsKeyId"),
        ),
        Kind(
            token="aws:efs/fileSystemPolicy:FileSystemPolicy",
            id="{fileSystemId}",
            fixed=("fileSystemId",),
            unique=("fileSystemId",),
            refs=(Ref("fileSystemId", _FILES, ("id",)),),
        ),
        Kind(
            token="aws:efs/mountTarget:MountTarget",
            id="fsmt-{hex}",
            fixed=("fileSystemId", "subnetId"),
            unique=("fileSystemId", "subnetId"),
            duplicate="MountTargetConflict: mount target already exists in this AZ",
            refs=(
                Ref("fileSystemId", _FILES, ("id",), held=_HAS_TARGETS),
                Ref("subnetId", _SUBNET, ("id",), held=_IN_SUBNET, owned_elsewhere=True),
                Ref("securityGroups", _GROUP, ("id",), held=_IN_GROUP),
            ),
        ),
        Kind(
            token="aws:efs/accessPoint:AccessPoint",
            id="fsap-{hex}",
            arn="arn:aws:elasticfilesystem:{region}:{account}:access-point/{id}",
            fixed=("fileSystemId", "posixUser", "rootDirectory"),
            refs=(Ref("fileSystemId", _FILES, ("id",), owned_elsewhere=True),),
        ),
        Kind(
            token=_BALANCER,
            id="{arn}",
            computed={"zoneId": "Z1H1FL5HABSF5"},
            fixed=("name", "namePrefix", "internal", "loadBalancerType"),
            named=32,
            unique=("name",),
            duplicate="DuplicateLoadBalancerName: A load balancer with the same name '{name}' "
            "exists, but with different settings",
            not_found="LoadBalancerNotFound: Load balancer '{value}' not found",
            refs=(
                Ref("subnets", _SUBNET, ("id",), _IN_SUBNET, owned_elsewhere=True),
                Ref("subnetMappings.subnetId", _SUBNET, ("id",), _IN_SUBNET, owned_elsewhere=True),
                Ref("securityGroups", _GROUP, ("id",), _IN_GROUP),
            ),
        ),
        Kind(
            token="aws:wafv2/webAclAssociation:WebAclAssociation",
            id="wafassoc-{hex}",
            fixed=("resourceArn", "webAclArn"),
            refs=(Ref("resourceArn", _BALANCER, ("arn",)),),
        ),
        Kind(
            token=_LISTENER,
            id="{arn}",
            fixed=("loadBalancerArn",),
            unique=("loadBalancerArn", "port"),
            duplicate="DuplicateListener: A listener already exists on this port for this load "
            "balancer '{loadBalancerArn}'",
            not_found="ListenerNotFound: One or more listeners not found",
            refs=(
                Ref("loadBalancerArn", _BALANCER, ("arn",)),
                Ref("certificateArn", _CERTIFICATE, ("arn",), _IN_LISTENER, owned_elsewhere=True),
                Ref("defaultActions.targetGroupArn", _TARGETS, ("arn",), _IN_TARGETS),
                Ref("defaultActions.forward.targetGroups.arn", _TARGETS, ("arn",), _IN_TARGETS),
            ),
        ),
        Kind(
            token="aws:lb/listenerRule:ListenerRule",
            id="{arn}",
            fixed=("listenerArn",),
            unique=("listenerArn", "priority"),
            duplicate="PriorityInUse: Priority '{priority}' is currently in use",
            refs=(
                Ref("listenerArn", _LISTENER, ("arn",)),
                Ref("actions.targetGroupArn", _TARGETS, ("arn",), _IN_TARGETS),
                Ref("actions.forward.targetGroups.arn", _TARGETS, ("arn",), _IN_TARGETS),
            ),
        ),
        Kind(
            token="aws:lb/listenerCertificate:ListenerCertificate",
            id="{listenerArn}_{certificateArn}",
            fixed=("listenerArn", "certificateArn"),
            refs=(
                Ref("listenerArn", _LISTENER, ("arn",)),
                Ref("certificateArn", _CERTIFICATE, ("arn",), _IN_LISTENER),
            ),
        ),
        Kind(
            token=_TARGETS,
            id="{arn}",
            fixed=(
                "name",
                "namePrefix",
                "port",
                "protocol",
                "protocolVersion",
                "targetType",
                "vpcId",
                "ipAddressType",
            ),
            named=32,
            unique=("name",),
            duplicate="DuplicateTargetGroupName: A target group with the same name '{name}' "
            "exists, but with different settings",
            not_found="TargetGroupNotFound: One or more target groups not found",
            refs=(Ref("vpcId", _VPC, ("id",), owned_elsewhere=True),),
        ),
        Kind(
            token="aws:appautoscaling/target:Target",
            id="{resourceId}",
            arn="arn:aws:application-autoscaling:{region}:{account}:scalable-target/{hex}",
            fixed=("resourceId", "scalableDimension", "serviceNamespace"),
            unique=("resourceId", "scalableDimension", "serviceNamespace"),
            duplicate="StandIn.Duplicate: {resourceId} is registered; RegisterScalableTarget would "
            "overwrite what another resource owns.",
        ),
        Kind(
            token="aws:appautoscaling/policy:Policy",
            id="{name}",
            arn="arn:aws:autoscaling:{region}:{account}:scalingPolicy:{hex}:resource/ecs/"
            "{resourceId}:policyName/{name}",
            fixed=("name", "resourceId", "scalableDimension", "serviceNamespace"),
            named=255,
            unique=("name", "resourceId", "scalableDimension"),
            duplicate="StandIn.Duplicate: scaling policy {name} exists on {resourceId}.",
        ),
        Kind(
            token="aws:appautoscaling/scheduledAction:ScheduledAction",
            id="{name}-{serviceNamespace}-{resourceId}",
            arn="arn:aws:autoscaling:{region}:{account}:scheduledAction:{hex}:resource/ecs/"
            "{resourceId}:scheduledActionName/{name}",
            fixed=("name", "resourceId", "scalableDimension", "serviceNamespace"),
            named=255,
            unique=("name", "resourceId", "scalableDimension"),
            duplicate="StandIn.Duplicate: scheduled action {name} exists on {resourceId}.",
        ),
        Kind(
            token=_ALARM,
            id="{name}",
            arn="arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
            fixed=("name",),
            named=255,
            unique=("name",),
            duplicate="StandIn.Duplicate: alarm {name} exists; PutMetricAlarm would overwrite it.",
            refs=(
                Ref("alarmActions", _TOPIC, ("arn",), owned_elsewhere=True),
                Ref("okActions", _TOPIC, ("arn",), owned_elsewhere=True),
            ),
        ),
        Kind(
            # Dashboards are global: two of one name in two Regions are one.
            token="aws:cloudwatch/dashboard:Dashboard",
            id="{dashboardName}",
            arn="arn:aws:cloudwatch::{account}:dashboard/{dashboardName}",
            fixed=("dashboardName",),
            unique=("dashboardName",),
            duplicate="StandIn.Duplicate: {dashboardName} exists; PutDashboard would overwrite it.",
        ),
        Kind(
            token=_EVENTS,
            id="{name}",
            arn="arn:aws:events:{region}:{account}:rule/{name}",
            fixed=("name", "namePrefix", "eventBusName"),
            named=64,
            unique=("name",),
            duplicate="StandIn.Duplicate: rule {name} exists; PutRule would overwrite it.",
            not_found="ResourceNotFoundException: Rule {value} does not exist on EventBus default.",
        ),
        Kind(
            token="aws:cloudwatch/eventTarget:EventTarget",
            id="{rule}-{hex}",
            fixed=("rule", "targetId", "eventBusName"),
            refs=(
                Ref(
                    "rule",
                    _EVENTS,
                    ("name",),
                    "ValidationException: Rule can't be deleted since it has targets.",
                ),
                Ref("arn", _TOPIC, ("arn",), owned_elsewhere=True),
            ),
        ),
        Kind(
            token=_CERTIFICATE,
            id="arn:aws:acm:{region}:{account}:certificate/{hex}",
            arn="{id}",
            computed={"status": "PENDING_VALIDATION", "domainValidationOptions": ""},
            fixed=("domainName", "subjectAlternativeNames", "validationMethod", "keyAlgorithm"),
        ),
        Kind(
            token="aws:acm/certificateValidation:CertificateValidation",
            id="{hex}",
            fixed=("certificateArn", "validationRecordFqdns"),
            refs=(Ref("certificateArn", _CERTIFICATE, ("arn",)),),
        ),
        Kind(
            token="aws:route53/record:Record",
            id="{zoneId}_{name}_{type}_{setIdentifier}",
            computed={"fqdn": "{name}"},
            fixed=("name", "zoneId"),
            regional=False,
            unique=("zoneId", "name", "type", "setIdentifier"),
            duplicate="InvalidChangeBatch: Tried to create resource record set [name='{name}', "
            "type='{type}'] but it already exists",
            refs=(Ref("healthCheckId", _HEALTH, ("id",), _HEALTH_USED),),
        ),
        Kind(
            token=_HEALTH,
            id="{hex}",
            arn="arn:aws:route53:::healthcheck/{id}",
            fixed=("type",),
            regional=False,
            refs=(Ref("cloudwatchAlarmName", _ALARM, ("name",), _ALARM_USED, any_region=True),),
        ),
        Kind(
            token="aws:route53/zoneAssociation:ZoneAssociation",
            id="{zoneId}:{vpcId}:{vpcRegion}",
            computed={"owningAccount": "{account}"},
            fixed=("zoneId", "vpcId", "vpcRegion"),
            regional=False,
            unique=("zoneId", "vpcId"),
            duplicate="ConflictingDomainExists: The VPC {vpcId} has already been associated with "
            "the hosted zone {zoneId}",
            # The VPC is in another Region than the zone, which is in none.
        ),
        Kind(
            token=_NAMESPACE,
            id="ns-{hex}",
            arn="arn:aws:servicediscovery:{region}:{account}:namespace/{id}",
            computed={"hostedZone": "Z{hex}"},
            fixed=("name", "vpc"),
            unique=("name", "vpc"),
            duplicate="ConflictingDomainExists: {vpc} has a hosted zone {name}",
            refs=(Ref("vpc", _VPC, ("id",), owned_elsewhere=True),),
        ),
        Kind(
            token=_REGISTRY,
            id="srv-{hex}",
            arn="arn:aws:servicediscovery:{region}:{account}:service/{id}",
            fixed=(
                "name",
                "dnsConfig.namespaceId",
                "dnsConfig.dnsRecords.type",
                "dnsConfig.routingPolicy",
                "healthCheckCustomConfig",
            ),
            unique=("name", "dnsConfig.namespaceId"),
            duplicate="ServiceAlreadyExists: service {name} already exists.",
            refs=(
                Ref(
                    "dnsConfig.namespaceId",
                    _NAMESPACE,
                    ("id",),
                    "ResourceInUse: Namespace has associated services",
                ),
            ),
        ),
        Kind(
            token=_TOPIC,
            id="arn:aws:sns:{region}:{account}:{name}",
            arn="{id}",
            computed={"owner": "{account}"},
            fixed=("name", "namePrefix", "fifoTopic"),
            named=256,
            unique=("name",),
            duplicate="StandIn.Duplicate: topic {name} exists; CreateTopic would return it.",
            not_found="NotFoundException: Topic does not exist",
        ),
        Kind(
            token="aws:sns/topicPolicy:TopicPolicy",
            id="{arn}",
            computed={"owner": "{account}"},
            fixed=("arn",),
            unique=("arn",),
            duplicate="StandIn.Duplicate: {arn} has a policy; another one would overwrite it.",
            refs=(Ref("arn", _TOPIC, ("arn",)),),
        ),
        Kind(
            token="aws:sns/topicSubscription:TopicSubscription",
            id="{topic}:{hex}",
            arn="{id}",
            computed={"ownerId": "{account}"},
            fixed=("endpoint", "protocol", "topic"),
            unique=("endpoint", "protocol", "topic"),
            duplicate="StandIn.Duplicate: {endpoint} is subscribed to {topic}; Subscribe would "
            "return that subscription.",
            refs=(Ref("topic", _TOPIC, ("arn",)),),
        ),
        Kind(
            token="aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration",
            id="arn:aws:chatbot::{account}:chat-configuration/slack-channel/{configurationName}",
            computed={"chatConfigurationArn": "{id}"},
            unique=("configurationName",),
            duplicate="ConflictException: configuration {configurationName} exists.",
            refs=(
                Ref("iamRoleArn", _ROLE, ("arn",), _ROLE_USED),
                Ref("snsTopicArns", _TOPIC, ("arn",), any_region=True),
            ),
        ),
        Kind(
            token="aws:scheduler/schedule:Schedule",
            id="{groupName}/{name}",
            arn="arn:aws:scheduler:{region}:{account}:schedule/{groupName}/{name}",
            fixed=("name", "namePrefix", "groupName"),
            named=64,
            unique=("name", "groupName"),
            duplicate="ConflictException: Schedule {name} already exists.",
            refs=(
                Ref("groupName", _SCHEDULES, ("name",)),
                Ref("target.roleArn", _ROLE, ("arn",), _ROLE_USED),
                Ref("target.ecsParameters.taskDefinitionArn", _TASK, ("arn",), _TASK_USED),
                Ref(
                    "target.ecsParameters.capacityProviderStrategies.capacityProvider",
                    _PROVIDER,
                    ("name", "arn"),
                ),
            ),
        ),
        Kind(
            token=_SCHEDULES,
            id="{name}",
            arn="arn:aws:scheduler:{region}:{account}:schedule-group/{name}",
            fixed=("name", "namePrefix"),
            named=64,
            unique=("name",),
            duplicate="ConflictException: Schedule group {name} already exists.",
            not_found="ResourceNotFoundException: Schedule group {value} does not exist.",
        ),
    )
}
