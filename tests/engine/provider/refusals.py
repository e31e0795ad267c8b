"""What AWS refuses for one resource type, beyond references, names and uses (see ``rows``).

Every rule's docstring is the fact and where it is written. Errors that begin with ``StandIn.`` are
not AWS's: AWS would accept the call, and then something breaks that the program's order is meant
to prevent (an instance that cannot reach ECS any more, a service whose tasks cannot start).
"""

import base64
import binascii
import ipaddress
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tests.engine.provider.account import Holdings, Record, Refused
from tests.engine.provider.wire import Json, Props, blocks, flag, number, text, texts

Rule = Callable[[Holdings, Record, Props | None], None]
"""Judges a resource that is about to exist, or to change; the third argument is what it said
before, and None when it is new."""

Parting = Callable[[Holdings, Record], None]
"""Judges a deletion."""

ROLE = "aws:iam/role:Role"
PROFILE = "aws:iam/instanceProfile:InstanceProfile"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
INLINE = "aws:iam/rolePolicy:RolePolicy"
SUBNET = "aws:ec2/subnet:Subnet"
VPC = "aws:ec2/vpc:Vpc"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
NAT = "aws:ec2/natGateway:NatGateway"
ROUTES = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
PLACEMENT = "aws:ec2/placementGroup:PlacementGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
SCALING = "aws:autoscaling/group:Group"
CLUSTER = "aws:ecs/cluster:Cluster"
PROVIDER = "aws:ecs/capacityProvider:CapacityProvider"
LISTED = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
SERVICE = "aws:ecs/service:Service"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
LISTENER = "aws:lb/listener:Listener"
LISTENER_RULE = "aws:lb/listenerRule:ListenerRule"
TARGETS = "aws:lb/targetGroup:TargetGroup"
SCALABLE = "aws:appautoscaling/target:Target"
SCHEDULE = "aws:scheduler/schedule:Schedule"

_MANAGED = "managedInstancesProvider.instanceLaunchTemplate"


# ---- networks ------------------------------------------------------------------------------


def subnets_do_not_overlap(holdings: Holdings, record: Record, before: Props | None) -> None:
    """A subnet lies inside its VPC and apart from the others.

    Source: EC2 CreateSubnet; error codes InvalidSubnet.Range and InvalidSubnet.Conflict.
    """
    cidr, vpc_id = text(record.inputs, "cidrBlock"), text(record.inputs, "vpcId")
    if before is not None or cidr is None or vpc_id is None:
        return
    block = ipaddress.ip_network(cidr)
    vpc = holdings.find(VPC, record.region, vpc_id)
    whole = ipaddress.ip_network(text(vpc.inputs, "cidrBlock") or "0.0.0.0/0") if vpc else None
    if whole is not None and not _inside(block, whole):
        raise Refused(f"InvalidSubnet.Range: The CIDR '{cidr}' is invalid.")
    for other in holdings.where(SUBNET, record.region, "vpcId", vpc_id):
        other_cidr = text(other.inputs, "cidrBlock")
        if other_cidr and block.overlaps(ipaddress.ip_network(other_cidr)):
            raise Refused(
                f"InvalidSubnet.Conflict: The CIDR '{cidr}' conflicts with another subnet"
            )


def _inside(
    block: ipaddress.IPv4Network | ipaddress.IPv6Network,
    whole: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> bool:
    return (
        block.version == whole.version
        and block.network_address in whole
        and block.broadcast_address in whole
    )


def nat_gateways_need_a_way_out(holdings: Holdings, record: Record, before: Props | None) -> None:
    """A public NAT gateway needs an attached internet gateway and an address of its own.

    Source: VPC user guide, "Troubleshoot NAT gateways": "Network vpc-… has no Internet gateway
    attached"; Resource.AlreadyAssociated for an address in use.
    """
    if before is not None or text(record.inputs, "connectivityType") == "private":
        return
    subnet = holdings.find(SUBNET, record.region, text(record.inputs, "subnetId") or "")
    vpc_id = text(subnet.inputs, "vpcId") if subnet else None
    if vpc_id and not _internet_gateway_of(holdings, record.region, vpc_id):
        raise Refused(f"Gateway.NotAttached: Network {vpc_id} has no Internet gateway attached")
    address = text(record.inputs, "allocationId")
    if address and any(holdings.where(NAT, record.region, "allocationId", address)):
        raise Refused(
            f"Resource.AlreadyAssociated: resource {address} is already associated with another "
            "resource"
        )


def _internet_gateway_of(holdings: Holdings, region: str, vpc_id: str) -> bool:
    return any(holdings.where(GATEWAY, region, "vpcId", vpc_id))


def internet_gateways_outlive_public_addresses(holdings: Holdings, record: Record) -> None:
    """An internet gateway cannot be detached while its VPC has mapped public addresses.

    Source: EC2 DetachInternetGateway: "the VPC must not contain any running instances with Elastic
    IP addresses or public IPv4 addresses"; DependencyViolation.
    """
    vpc_id = text(record.inputs, "vpcId")
    if vpc_id is None:
        return
    inside = {item.id for item in holdings.where(SUBNET, record.region, "vpcId", vpc_id)}
    mapped = [
        item.id
        for item in holdings.of(NAT, record.region)
        if text(item.inputs, "subnetId") in inside and text(item.inputs, "allocationId")
    ]
    mapped += [
        item.id
        for item in holdings.of(BALANCER, record.region)
        if not flag(item.inputs, "internal") and inside & set(texts(item.inputs, "subnets"))
    ]
    if mapped:
        raise Refused(
            f"DependencyViolation: Network {vpc_id} has some mapped public address(es). Please "
            f"unmap those public address(es) before detaching the gateway. ({mapped[0]})"
        )


def private_names_need_dns(holdings: Holdings, record: Record, before: Props | None) -> None:
    """Private DNS of an endpoint needs both DNS attributes, and one endpoint for each service.

    Source: EC2 CreateVpcEndpoint: "Enabling private DNS requires both enableDnsSupport and
    enableDnsHostnames VPC attributes set to true"; "conflicting DNS domain".
    """
    if not flag(record.inputs, "privateDnsEnabled"):
        return
    vpc_id = text(record.inputs, "vpcId") or ""
    vpc = holdings.find(VPC, record.region, vpc_id)
    if vpc is not None and not (
        flag(vpc.inputs, "enableDnsHostnames") and flag(vpc.inputs, "enableDnsSupport") is not False
    ):
        raise Refused(
            "InvalidParameter: Enabling private DNS requires both enableDnsSupport and "
            f"enableDnsHostnames VPC attributes set to true for {vpc_id}"
        )
    service = text(record.inputs, "serviceName")
    for other in holdings.where(ENDPOINT, record.region, "vpcId", vpc_id):
        same = text(other.inputs, "serviceName") == service
        if same and other.serial != record.serial and flag(other.inputs, "privateDnsEnabled"):
            raise Refused(
                "InvalidParameter: private-dns-enabled cannot be set because there is already a "
                f"conflicting DNS domain for {service} in the VPC {vpc_id}"
            )


# ---- load balancers ------------------------------------------------------------------------


def balancers_stay_in_their_vpc(holdings: Holdings, record: Record, before: Props | None) -> None:
    """A load balancer cannot move to another VPC, nor can its security groups be of one.

    Source: ELB SetSubnets ("the subnets must be in the same VPC") and SetSecurityGroups
    (InvalidSecurityGroup).
    """
    named = texts(record.inputs, "subnets") + texts(before or {}, "subnets")
    found = [holdings.find(SUBNET, record.region, value) for value in named]
    networks = {text(item.inputs, "vpcId") for item in found if item is not None}
    if len(networks) > 1:
        raise Refused("InvalidSubnet: The subnets of a load balancer must be in one VPC")
    for value in texts(record.inputs, "securityGroups"):
        group = holdings.find(GROUP, record.region, value)
        if networks and group is not None and text(group.inputs, "vpcId") not in networks:
            raise Refused(
                f"InvalidSecurityGroup: security group {value} is not in the load balancer's VPC"
            )


def balancers_span_zones(holdings: Holdings, record: Record, before: Props | None) -> None:
    """An application load balancer has subnets in two zones, and a public one an internet gateway.

    Source: ELB CreateLoadBalancer: "At least two subnets in two different Availability Zones must
    be specified"; InvalidSubnet.
    """
    named = texts(record.inputs, "subnets") + texts(record.inputs, "subnetMappings.subnetId")
    found = [holdings.find(SUBNET, record.region, value) for value in named]
    ours = [item for item in found if item is not None]
    if (text(record.inputs, "loadBalancerType") or "application") == "application":
        zones = {text(item.outputs, "availabilityZone") for item in ours}
        if len(named) < 2 or (len(ours) == len(named) and len(zones) < 2):
            raise Refused(
                "ValidationError: At least two subnets in two different Availability Zones must "
                "be specified"
            )
        if len(ours) == len(named) and len(zones) < len(ours):
            raise Refused(
                "InvalidConfigurationRequest: A load balancer cannot be attached to multiple "
                "subnets in the same Availability Zone"
            )
    for vpc_id in {text(item.inputs, "vpcId") for item in ours}:
        if vpc_id and not flag(record.inputs, "internal"):
            if not _internet_gateway_of(holdings, record.region, vpc_id):
                raise Refused(f"InvalidSubnet: VPC {vpc_id} has no internet gateway")


def target_groups_serve_one_balancer(
    holdings: Holdings, record: Record, before: Props | None
) -> None:
    """A target group is used by one load balancer at most.

    Source: ELB TargetGroupAssociationLimit: "cannot be associated with more than one load
    balancer".
    """
    mine = _balancer_of(holdings, record)
    for arn in _targets_named_by(record):
        for other in [
            *holdings.of(LISTENER, record.region),
            *holdings.of(LISTENER_RULE, record.region),
        ]:
            if other.serial == record.serial or arn not in _targets_named_by(other):
                continue
            if _balancer_of(holdings, other) != mine:
                raise Refused(
                    f"TargetGroupAssociationLimit: The following target groups cannot be "
                    f"associated with more than one load balancer: {arn}"
                )


def _targets_named_by(record: Record) -> set[str]:
    actions = "defaultActions" if record.type == LISTENER else "actions"
    return {
        *texts(record.inputs, f"{actions}.targetGroupArn"),
        *texts(record.inputs, f"{actions}.forward.targetGroups.arn"),
    }


def _balancer_of(holdings: Holdings, record: Record) -> str | None:
    if record.type == LISTENER:
        return text(record.inputs, "loadBalancerArn")
    listener = holdings.find(LISTENER, record.region, text(record.inputs, "listenerArn") or "")
    return text(listener.inputs, "loadBalancerArn") if listener else None


def _has_balancer(holdings: Holdings, region: str, target_group: str) -> bool:
    return any(
        target_group in _targets_named_by(item)
        for token in (LISTENER, LISTENER_RULE)
        for item in holdings.of(token, region)
    )


# ---- roles ---------------------------------------------------------------------------------


def trusts(role: Record, principal: str) -> bool:
    """Whether a service may assume a role, by the text of its trust policy."""
    policy = role.inputs.get("assumeRolePolicy")
    return principal in (policy if isinstance(policy, str) else json.dumps(policy))


def policies_of(holdings: Holdings, role: Record) -> list[Record]:
    """What gives a role its permissions: attachments, inline policies, or the role itself."""
    return [
        item
        for token in (ATTACHMENT, INLINE)
        for item in holdings.of(token)
        if text(item.inputs, "role") in (role.name, role.id)
    ] + (
        [role] if role.inputs.get("managedPolicyArns") or role.inputs.get("inlinePolicies") else []
    )


def role_of_profile(holdings: Holdings, profile: Record | None) -> Record | None:
    """The role in an instance profile."""
    return holdings.find(ROLE, "", text(profile.inputs, "role") or "") if profile else None


# ---- instances, and what keeps them connected -----------------------------------------------


@dataclass(frozen=True)
class Hosts:
    """What launches instances: an Auto Scaling group, or a Managed Instances provider."""

    record: Record
    subnets: tuple[str, ...]
    groups: tuple[str, ...]
    profile: Record | None
    infrastructure: Record | None


def hosts(holdings: Holdings) -> Iterator[Hosts]:
    """Everything in the account that launches instances."""
    for record in holdings.of(SCALING):
        template = _template_of(holdings, record)
        inputs = template.inputs if template else {}
        named = text(inputs, "iamInstanceProfile.name") or text(inputs, "iamInstanceProfile.arn")
        yield Hosts(
            record=record,
            subnets=tuple(texts(record.inputs, "vpcZoneIdentifiers")),
            groups=tuple(
                texts(inputs, "vpcSecurityGroupIds")
                + texts(inputs, "networkInterfaces.securityGroups")
            ),
            profile=holdings.find(PROFILE, "", named) if named else None,
            infrastructure=None,
        )
    for record in holdings.of(PROVIDER):
        if record.inputs.get("managedInstancesProvider") is not None:
            yield managed_hosts(holdings, record)


def managed_hosts(holdings: Holdings, record: Record) -> Hosts:
    """What a Managed Instances provider launches instances with."""
    network = f"{_MANAGED}.networkConfiguration"
    role = text(record.inputs, "managedInstancesProvider.infrastructureRoleArn") or ""
    profile = text(record.inputs, f"{_MANAGED}.ec2InstanceProfileArn") or ""
    return Hosts(
        record=record,
        subnets=tuple(texts(record.inputs, f"{network}.subnets")),
        groups=tuple(texts(record.inputs, f"{network}.securityGroups")),
        profile=holdings.find(PROFILE, "", profile),
        infrastructure=holdings.find(ROLE, "", role),
    )


def _template_of(holdings: Holdings, group: Record) -> Record | None:
    mixed = "mixedInstancesPolicy.launchTemplate.launchTemplateSpecification"
    for path in ("launchTemplate.id", "launchTemplate.name", f"{mixed}.launchTemplateId"):
        value = text(group.inputs, path)
        if value:
            return holdings.find(TEMPLATE, group.region, value)
    return None


def cut_off(holdings: Holdings, item: Hosts) -> Iterator[str]:
    """Why instances could not register with ECS, or drain and leave it.

    An agent needs a way to ECS's endpoints, security groups that let it out, and an instance role
    with a policy; Managed Instances also need an infrastructure role with one. Source: ECS
    developer guide, "Container agent configuration" and "Troubleshoot Managed Instances"; module
    terraform-aws-ecs: at destroy "agent is unable to connect and therefore unable to drain".
    """
    region = item.record.region
    for subnet_id in item.subnets:
        if not _reaches_out(holdings, region, subnet_id):
            yield f"subnet {subnet_id} has no way to ECS"
    for group_id in item.groups:
        group = holdings.find(GROUP, region, group_id)
        if group is not None and not group.inputs.get("egress"):
            if not any(holdings.where(EGRESS, region, "securityGroupId", group.id)):
                yield f"security group {group.logical} lets nothing out"
    role = role_of_profile(holdings, item.profile)
    if item.profile is not None and role is None:
        yield f"instance profile {item.profile.logical} has no role"
    if role is not None and not policies_of(holdings, role):
        yield f"instance role {role.logical} has no policy"
    if item.infrastructure is not None and not policies_of(holdings, item.infrastructure):
        yield f"infrastructure role {item.infrastructure.logical} has no policy"


def _reaches_out(holdings: Holdings, region: str, subnet_id: str) -> bool:
    subnet = holdings.find(SUBNET, region, subnet_id)
    if subnet is None:
        return True
    for endpoint in holdings.where(ENDPOINT, region, "vpcId", text(subnet.inputs, "vpcId") or ""):
        if (text(endpoint.inputs, "serviceName") or "").endswith(".ecs-agent"):
            return True
    for association in holdings.where(ASSOCIATION, region, "subnetId", subnet.id):
        table_id = text(association.inputs, "routeTableId") or ""
        table = holdings.find(ROUTES, region, table_id)
        routes: list[Json] = [
            item.inputs for item in holdings.where(ROUTE, region, "routeTableId", table_id)
        ]
        routes += blocks(table.inputs, "routes") if table else []
        for route in routes:
            everywhere = "0.0.0.0/0" in (
                text(route, "destinationCidrBlock"),
                text(route, "cidrBlock"),
            )
            nat, gateway = text(route, "natGatewayId"), text(route, "gatewayId")
            alive = (nat and holdings.find(NAT, region, nat)) or (
                gateway and holdings.find(GATEWAY, region, gateway)
            )
            if everywhere and (alive or not (nat or gateway)):
                return True
    return False


KEEPS_CONNECTED = frozenset(
    (ATTACHMENT, INLINE, ROUTE, ASSOCIATION, NAT, GATEWAY, ENDPOINT, EGRESS, LOGS)
)
"""Types whose deletion can cut off instances or stop tasks from starting."""


def broken(holdings: Holdings, region: str) -> dict[str, str]:
    """Everything that could not work as the account stands: by a key, what would go wrong.

    In one Region, or in all of them where what changes is global (``""``).
    """
    found: dict[str, str] = {}
    for item in hosts(holdings):
        if region not in ("", item.record.region):
            continue
        for reason in cut_off(holdings, item):
            found[f"{item.record.arn} {reason}"] = (
                f"the instances of {item.record.logical} could not drain: {reason}"
            )
    for service in holdings.of(SERVICE, region or None):
        for reason in _start_failures(holdings, service):
            found[f"{service.arn} {reason}"] = (
                f"the tasks of service {service.logical} could not start: {reason}"
            )
    return found


RUNNING = "running with"
"""Fact of an Auto Scaling group: what its instances were launched with (ids and names)."""


def launch(holdings: Holdings, group: Record) -> None:
    """Notes what instances hold that are launched now, besides those that run already."""
    template = _template_of(holdings, group)
    if template is None:
        return
    with_now = (
        texts(template.inputs, "vpcSecurityGroupIds")
        + texts(template.inputs, "networkInterfaces.securityGroups")
        + texts(template.inputs, "placement.groupName")
    )
    known = texts(group.facts, RUNNING)
    group.facts[RUNNING] = [*known, *(item for item in with_now if item not in known)]


def instances_keep_what_they_were_launched_with(holdings: Holdings, record: Record) -> None:
    """A security group or placement group of running instances cannot be deleted.

    A new version of a launch template changes nothing about instances that run. Source: EC2
    DeleteSecurityGroup (DependencyViolation) and DeletePlacementGroup
    (InvalidPlacementGroup.InUse).
    """
    for group in holdings.of(SCALING, record.region):
        if {record.id, record.name} & set(texts(group.facts, RUNNING)):
            code = (
                f"DependencyViolation: resource {record.id} has a dependent object"
                if record.type == GROUP
                else f"InvalidPlacementGroup.InUse: The placement group {record.id} is in use"
            )
            raise Refused(f"{code} (running instances of {group.logical})")


# ---- ECS -----------------------------------------------------------------------------------


def clusters_are_empty_before_they_go(holdings: Holdings, record: Record) -> None:
    """A cluster with registered instances cannot be deleted.

    Source: ECS DeleteCluster, ClusterContainsContainerInstancesException. An Auto Scaling group's
    instances register in the cluster that its launch template's user data names.
    """
    for group in holdings.of(SCALING, record.region):
        template = _template_of(holdings, group)
        if template is not None and record.name in _clusters_joined(template):
            raise Refused(
                "ClusterContainsContainerInstancesException: The Cluster cannot be deleted while "
                f"Container Instances are active or draining. ({group.name})"
            )


def _clusters_joined(template: Record) -> set[str]:
    raw = text(template.inputs, "userData")
    if raw is None:
        return set()
    try:
        script = base64.b64decode(raw, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        script = raw
    return set(re.findall(r"ECS_CLUSTER=[\"']?([\w-]+)", script))


def providers_are_well_formed(holdings: Holdings, record: Record, before: Props | None) -> None:
    """Names do not begin with a word of AWS; one Auto Scaling group has one provider.

    Source: ECS CreateCapacityProvider; aws/containers-roadmap#632 (an ARN already used); managed
    termination protection needs instances protected from scale-in and managed scaling.
    """
    if re.match(r"(aws|ecs|fargate)", record.name, re.IGNORECASE):
        raise Refused(
            "ClientException: The specified capacity provider name is invalid. The name cannot be "
            f'prefixed with "aws", "ecs", or "fargate": {record.name}'
        )
    group_arn = text(record.inputs, "autoScalingGroupProvider.autoScalingGroupArn")
    if group_arn is None:
        return
    path = "autoScalingGroupProvider.autoScalingGroupArn"
    for other in holdings.where(PROVIDER, record.region, path, group_arn):
        if other.serial != record.serial:
            raise Refused(
                "InvalidParameterException: The specified Auto Scaling group ARN is already being "
                "used by another capacity provider. Specify a unique Auto Scaling group ARN and "
                "try again."
            )
    protected = text(record.inputs, "autoScalingGroupProvider.managedTerminationProtection")
    group = holdings.find(SCALING, record.region, group_arn)
    if protected == "ENABLED" and group is not None:
        if not flag(group.inputs, "protectFromScaleIn"):
            raise Refused(
                "InvalidParameterException: The managed termination protection setting for the "
                "capacity provider is invalid. To enable managed termination protection for a "
                "capacity provider, the Auto Scaling group must have instance protection from "
                "scale in enabled."
            )
        if text(record.inputs, "autoScalingGroupProvider.managedScaling.status") != "ENABLED":
            raise Refused(
                "InvalidParameterException: To enable managed termination protection for a "
                "capacity provider, managed scaling must be enabled."
            )


def managed_instances_are_ready(holdings: Holdings, record: Record, before: Props | None) -> None:
    """A Managed Instances provider needs its roles, their policies and a way to ECS.

    Source: ECS developer guide, "Troubleshoot Managed Instances": "Caught
    ServiceAccessDeniedException for ECSInfrastructureRole"; the subnets are of one VPC; roles trust
    ecs.amazonaws.com and ec2.amazonaws.com.
    """
    if record.inputs.get("managedInstancesProvider") is None:
        return
    item = managed_hosts(holdings, record)
    if item.infrastructure is not None and not trusts(item.infrastructure, "ecs.amazonaws.com"):
        raise Refused(
            f"ClientException: ECS was unable to assume the role {item.infrastructure.name}"
        )
    role = role_of_profile(holdings, item.profile)
    if role is not None and not trusts(role, "ec2.amazonaws.com"):
        raise Refused(f"ClientException: EC2 may not assume the instance role {role.name}")
    if not item.subnets:
        raise Refused("InvalidParameterException: Subnets cannot be empty")
    networks = {
        text(found.inputs, "vpcId")
        for value in item.subnets
        if (found := holdings.find(SUBNET, record.region, value))
    }
    if len(networks) > 1:
        raise Refused("InvalidParameterException: Subnets must belong to one VPC")
    for reason in cut_off(holdings, item):
        raise Refused(
            "ClientException: Caught ServiceAccessDeniedException for ECSInfrastructureRole["
            f"{item.infrastructure.name if item.infrastructure else ''}]: {reason}"
        )


def listed_providers_are_of_groups(
    holdings: Holdings, record: Record, before: Props | None
) -> None:
    """Managed Instances providers are not listed; one that a service uses is not taken off.

    Source: ECS PutClusterCapacityProviders: "Cannot associate Managed Instances capacity provider
    to clusters using this API", and ResourceInUseException.
    """
    listed = _listed_in(holdings, record)
    for provider in listed:
        if provider.inputs.get("managedInstancesProvider") is not None:
            raise Refused(
                "InvalidParameterException: Cannot associate Managed Instances capacity provider "
                "to clusters using this API. Managed Instances capacity providers are already "
                f"associated with their cluster. ({provider.name})"
            )
    names = {provider.name for provider in listed}
    strategy = texts(record.inputs, "defaultCapacityProviderStrategies.capacityProvider")
    for name in strategy:
        if name not in names:
            raise Refused(
                f"InvalidParameterException: The specified capacity provider {name} of the "
                "default strategy is not associated with the cluster"
            )
    _refuse_detaching(holdings, record, names)


def listed_providers_stay_while_used(holdings: Holdings, record: Record) -> None:
    """Deleting the list takes every provider off the cluster.

    Source: terraform-provider-aws cluster_capacity_providers.go (delete puts empty lists); ECS
    PutClusterCapacityProviders, ResourceInUseException.
    """
    _refuse_detaching(holdings, record, set())


def _listed_in(holdings: Holdings, record: Record) -> list[Record]:
    found = [
        holdings.find(PROVIDER, record.region, value)
        for value in texts(record.inputs, "capacityProviders")
    ]
    return [item for item in found if item is not None]


def _refuse_detaching(holdings: Holdings, record: Record, stay: set[str]) -> None:
    cluster = text(record.inputs, "clusterName") or ""
    for service in _services_in(holdings, record.region, cluster):
        for provider in _providers_used(holdings, service):
            managed = provider.inputs.get("managedInstancesProvider") is not None
            if not managed and provider.name not in stay:
                raise Refused(
                    "ResourceInUseException: The specified capacity provider is in use and cannot "
                    f"be removed. ({provider.name}, used by service {service.name})"
                )


def _services_in(holdings: Holdings, region: str, cluster: str) -> Iterator[Record]:
    for service in holdings.of(SERVICE, region):
        if (text(service.inputs, "cluster") or "").rpartition("/")[2] == cluster:
            yield service


def _providers_used(holdings: Holdings, service: Record) -> list[Record]:
    path = "capacityProviderStrategies.capacityProvider"
    found = [
        holdings.find(PROVIDER, service.region, value) for value in texts(service.inputs, path)
    ]
    return [item for item in found if item is not None]


def task_definitions_register(holdings: Holdings, record: Record, before: Props | None) -> None:
    """What RegisterTaskDefinition refuses in containers, ports, volumes and devices.

    Source: ECS API reference, RegisterTaskDefinition and ContainerDefinition; the texts are those
    of its ClientException.
    """
    if before is not None:
        return
    containers = task_containers(record)
    if not containers:
        raise Refused("ClientException: Container list cannot be empty.")
    names = [text(item, "name") or "" for item in containers]
    if not all(names):
        raise Refused("ClientException: Container.name should not be null or empty.")
    if len(set(names)) < len(names):
        raise Refused("ClientException: The container names must be unique.")
    if not any(item.get("essential") is not False for item in containers):
        raise Refused("ClientException: At least one essential container is required.")
    if not record.inputs.get("memory"):
        for item in containers:
            if not (item.get("memory") or item.get("memoryReservation")):
                raise Refused(
                    "ClientException: Invalid setting for container "
                    f"'{item.get('name')}'. At least one of 'memory' or 'memoryReservation' must "
                    "be specified."
                )
    _ports_register(record, containers)
    _devices_register(record, containers)
    volumes = set(texts(record.inputs, "volumes.name"))
    for item in containers:
        if not item.get("image"):
            raise Refused("ClientException: Container.image should not be null or empty.")
        for volume in texts(item, "mountPoints.sourceVolume"):
            if volume not in volumes:
                raise Refused(f"ClientException: Unknown volume '{volume}'.")
        for name in texts(item, "dependsOn.containerName"):
            if name not in names:
                raise Refused(f"ClientException: Unknown container '{name}' in dependsOn.")
        if item.get("secrets") and not record.inputs.get("executionRoleArn"):
            raise Refused(
                "ClientException: When you are specifying container secrets, you must also specify "
                "a value for 'executionRoleArn'."
            )
        soft = number(item, "memoryReservation")
        hard = number(item, "memory")
        if soft is not None and hard is not None and soft > hard:
            raise Refused(
                "ClientException: Invalid setting for container. The memory must be greater than "
                "the memoryReservation."
            )


def _network_mode(record: Record) -> str:
    return text(record.inputs, "networkMode") or "bridge"


def _ports_register(record: Record, containers: list[Props]) -> None:
    mode = _network_mode(record)
    taken: set[tuple[int | float, str]] = set()
    for item in containers:
        if item.get("links") and mode != "bridge":
            raise Refused(f"ClientException: Links are not supported when networkMode={mode}.")
        if item.get("hostname") and mode == "awsvpc":
            raise Refused(
                "ClientException: Hostname is not supported on container when networkMode=awsvpc."
            )
        for port in blocks(item, "portMappings"):
            inner, outer = number(port, "containerPort"), number(port, "hostPort")
            if mode in ("awsvpc", "host") and outer not in (None, 0, inner):
                raise Refused(
                    f"ClientException: When networkMode={mode}, the host ports and container ports "
                    "in port mappings must match."
                )
            lock = inner if mode == "host" else outer
            if lock:
                if lock > 65535 or lock in (22, 2375, 2376) or 51678 <= lock <= 51680:
                    raise Refused(f"ClientException: The host port {lock} is reserved.")
                key = (lock, text(port, "protocol") or "tcp")
                if key in taken:
                    raise Refused(
                        f"ClientException: The host port {lock} is mapped twice in one task."
                    )
                taken.add(key)
    if len(taken) > 100:
        raise Refused("ClientException: At most 100 host ports can be reserved by one task.")


def _devices_register(record: Record, containers: list[Props]) -> None:
    managed = "MANAGED_INSTANCES" in texts(record.inputs, "requiresCompatibilities")
    asking = [
        item for item in containers if "NeuronDevice" in texts(item, "resourceRequirements.type")
    ]
    for item in asking:
        for block in blocks(item, "resourceRequirements"):
            kind, value = text(block, "type"), text(block, "value")
            if kind not in ("GPU", "InferenceAccelerator", "NeuronDevice"):
                raise Refused(f"ClientException: Unknown resource type {kind}.")
            if kind == "NeuronDevice" and value != "ALL":
                raise Refused("ClientException: The value of NeuronDevice must be ALL.")
    if len(asking) > 1:
        raise Refused("ClientException: Only one container can ask for NeuronDevice.")
    if asking and not managed:
        raise Refused("ClientException: NeuronDevice is supported on Managed Instances only.")
    if managed and _network_mode(record) not in ("awsvpc", "host"):
        raise Refused(
            f"ClientException: Network mode {_network_mode(record)} is not supported on Managed "
            "Instances."
        )
    if managed:
        for item in containers:
            for key in ("sharedMemorySize", "tmpfs", "maxSwap", "swappiness"):
                if (
                    text(item, f"linuxParameters.{key}")
                    or blocks(item, f"linuxParameters.{key}")
                    or (number(item, f"linuxParameters.{key}") is not None)
                ):
                    raise Refused(f"ClientException: {key} is not supported on Managed Instances.")


def task_containers(record: Record) -> list[Props]:
    """The containers of a task definition."""
    raw = text(record.inputs, "containerDefinitions") or "[]"
    decoded: Json = json.loads(raw)
    return [item for item in decoded if isinstance(item, dict)] if isinstance(decoded, list) else []


def services_find_their_capacity(holdings: Holdings, record: Record, before: Props | None) -> None:
    """A strategy names providers of the service's cluster, of one kind, that are ACTIVE.

    Source: ECS CreateService and UpdateService; hashicorp/terraform-provider-aws#45693 for the
    text about a provider that is not ACTIVE, #47935 for several Managed Instances providers.
    """
    used = _providers_used(holdings, record)
    strategies = blocks(record.inputs, "capacityProviderStrategies")
    if strategies and record.inputs.get("launchType"):
        raise Refused(
            "InvalidParameterException: Specifying both a launch type and capacity provider "
            "strategy is not supported. Remove one and try again."
        )
    if record.inputs.get("schedulingStrategy") == "DAEMON" and not strategies:
        return  # AWS gives daemons no provider; a launch type keeps the cluster's default away
    if not strategies:
        raise Refused(
            "StandIn.DefaultStrategy: the service names no capacity provider; the cluster's "
            "default would be written back and break the next refresh (pulumi-aws#5903)"
        )
    cluster = (text(record.inputs, "cluster") or "").rpartition("/")[2]
    managed = [item for item in used if item.inputs.get("managedInstancesProvider") is not None]
    if managed and len(managed) < len(used):
        raise Refused(
            "InvalidParameterException: A capacity provider strategy cannot contain a mix of "
            "capacity provider types."
        )
    if len(managed) > 1:
        raise Refused(
            "InvalidParameterException: Specifying multiple capacity providers is not supported "
            "when using a MANAGED_INSTANCES capacity provider"
        )
    for provider in used:
        if provider in managed:
            attached = text(provider.inputs, "cluster") == cluster
        else:
            attached = any(
                provider in _listed_in(holdings, listed)
                for listed in holdings.where(LISTED, record.region, "clusterName", cluster)
            )
        if not attached:
            raise Refused(
                f"InvalidParameterException: The specified capacity provider {provider.name} is "
                f"not associated with cluster {cluster}."
            )
    for provider in managed:
        left = number(provider.facts, "refusals_left") or 0
        if left > 0:
            provider.facts["refusals_left"] = left - 1
            raise Refused(
                f"InvalidParameterException: The specified capacity provider {provider.name} is "
                "not in an ACTIVE state. Specify a valid capacity provider and try again."
            )
    if managed and record.inputs.get("orderedPlacementStrategies"):
        raise Refused(
            "InvalidParameterException: Placement strategies are not supported on Managed "
            "Instances."
        )


def services_fit_their_tasks(holdings: Holdings, record: Record, before: Props | None) -> None:
    """Networks, load balancers and percentages go with the task definition.

    Source: ECS CreateService and UpdateService (InvalidParameterException), developer guide
    "service load balancing".
    """
    task = holdings.find(TASK, record.region, text(record.inputs, "taskDefinition") or "")
    if task is None:
        raise Refused("ClientException: TaskDefinition not found.")
    mode = _network_mode(task)
    network = record.inputs.get("networkConfiguration") is not None
    if mode == "awsvpc" and not network:
        raise Refused(
            "InvalidParameterException: Network Configuration must be provided when networkMode "
            "'awsvpc' is specified."
        )
    if mode != "awsvpc" and network:
        raise Refused(
            "InvalidParameterException: Network Configuration is not valid for the given "
            "networkMode of this task definition."
        )
    balancers = blocks(record.inputs, "loadBalancers")
    for block in balancers:
        _balanced(holdings, record, task, block)
    grace = number(record.inputs, "healthCheckGracePeriodSeconds")
    if grace and not balancers:
        raise Refused(
            "InvalidParameterException: Health check grace period is only valid for services "
            "configured to use load balancers"
        )
    least = number(record.inputs, "deploymentMinimumHealthyPercent")
    most = number(record.inputs, "deploymentMaximumPercent")
    if least is not None and most is not None:
        if least == most == 100:
            raise Refused(
                "InvalidParameterException: Both maximumPercent and minimumHealthyPercent cannot "
                "be 100 as this will block deployments."
            )
        if most < least:
            raise Refused(
                "InvalidParameterException: maximumPercent must be greater than or equal to "
                "minimumHealthyPercent."
            )
    if most is not None and most <= 100:
        if text(record.inputs, "availabilityZoneRebalancing") == "ENABLED":
            raise Refused(
                "InvalidParameterException: The maximumPercent of the deployment configuration "
                "must be greater than 100 to use Availability Zone rebalancing."
            )


def _balanced(holdings: Holdings, record: Record, task: Record, block: Props) -> None:
    arn = text(block, "targetGroupArn") or ""
    group = holdings.find(TARGETS, record.region, arn)
    if group is None:
        return
    name, port = text(block, "containerName"), number(block, "containerPort")
    container = next((item for item in task_containers(task) if item.get("name") == name), None)
    if container is None:
        raise Refused(
            f"InvalidParameterException: The container {name} does not exist in the task "
            "definition."
        )
    if port not in [number(item, "containerPort") for item in blocks(container, "portMappings")]:
        raise Refused(
            f"InvalidParameterException: The container {name} did not have a container port "
            f"{port} defined."
        )
    kind = text(group.inputs, "targetType") or "instance"
    mode = _network_mode(task)
    managed = "MANAGED_INSTANCES" in texts(task.inputs, "requiresCompatibilities")
    if (mode == "awsvpc" or managed) != (kind == "ip"):
        raise Refused(
            f"InvalidParameterException: The provided target group {arn} has target type {kind}, "
            f"which is incompatible with the {mode} network mode specified in the task definition."
        )
    if not _has_balancer(holdings, record.region, arn):
        raise Refused(
            f"InvalidParameterException: The target group with targetGroupArn {arn} does not have "
            "an associated load balancer."
        )


MOVES_TO = "movesTo"
"""The task definition to which a service goes that has stopped its tasks and waits for room."""

STUCK = "StandIn.Stuck"
"""What is refused now may go through while another service is updated and stops its tasks."""


def may_stop_all(record: Record) -> bool:
    """Whether a deployment may stop every task before it starts the new ones."""
    return number(record.inputs, "deploymentMinimumHealthyPercent") == 0


def services_become_steady(holdings: Holdings, record: Record, before: Props | None) -> None:
    """Tasks that reserve one host port run on different instances, and a pool has so many of them.

    Source: ECS API reference, PortMapping (a host port is reserved while its task runs) and
    Auto Scaling groups (maximum size). The engine deletes last, so a service that needs what an
    older one holds never gets it: the wait for a steady state ends with the timeout. Managed
    Instances have no maximum here.
    """
    if not flag(record.inputs, "waitForSteadyState"):
        return
    task = holdings.find(TASK, record.region, text(record.inputs, "taskDefinition") or "")
    deploys = before is not None and text(before, "taskDefinition") != text(
        record.inputs, "taskDefinition"
    )
    mine = _reserved(task) if task else set[int]()
    old = (
        holdings.find(TASK, record.region, text(before, "taskDefinition") or "") if before else None
    )
    held = _reserved(old) if old else set[int]()
    wanted = _desired(record.inputs)
    if before is not None and not deploys and wanted <= _desired(before):
        return
    for provider in _providers_used(holdings, record):
        arn = text(provider.inputs, "autoScalingGroupProvider.autoScalingGroupArn")
        group = holdings.find(SCALING, record.region, arn) if arn else None
        if group is None:
            continue
        most = number(group.inputs, "maxSize") or 0
        others = [
            service
            for service in holdings.of(SERVICE, record.region)
            if service.serial != record.serial and provider in _providers_used(holdings, service)
        ]
        starts_first = deploys and not _may_stop_one(record.inputs, wanted)
        for port in sorted(mine):
            holders = [item for item in others if port in _reserved_by(holdings, item)]
            needed = wanted + sum(_desired(item.inputs) for item in holders)
            needed += 1 if starts_first and port in held else 0
            if needed > most:
                by = ", ".join(item.logical for item in holders) or "its own old tasks"
                raise Refused(
                    f"{STUCK}: timeout while waiting for state to become 'STEADY': host port "
                    f"{port} is needed {needed} times, and {group.logical} has at most {most} "
                    f"instances (held by {by})"
                )


def _desired(inputs: Props) -> int:
    return int(number(inputs, "desiredCount") or 0)


def _may_stop_one(inputs: Props, desired: int) -> bool:
    """ECS keeps the minimum, rounded up; the default is 100 percent."""
    least = number(inputs, "deploymentMinimumHealthyPercent")
    return desired - math.ceil(desired * (100 if least is None else least) / 100) >= 1


def _reserved(task: Record) -> set[int]:
    """Host ports that a task reserves on its instance; awsvpc reserves none."""
    mode = _network_mode(task)
    if mode == "awsvpc":
        return set()
    key = "containerPort" if mode == "host" else "hostPort"
    ports = [
        number(port, key)
        for container in task_containers(task)
        for port in blocks(container, "portMappings")
    ]
    return {int(port) for port in ports if port}


def _reserved_by(holdings: Holdings, service: Record) -> set[int]:
    """Of a service that has stopped its tasks and waits for room, what its new tasks reserve."""
    named = text(service.facts, MOVES_TO) or text(service.inputs, "taskDefinition") or ""
    task = holdings.find(TASK, service.region, named)
    return _reserved(task) if task else set()


def services_can_start(holdings: Holdings, record: Record, before: Props | None) -> None:
    """A service reaches a steady state only if its tasks can start and its instances can join.

    Source: ECS developer guide, "Stopped tasks error messages": ResourceInitializationError for a
    log group that does not exist, "ECS was unable to assume the role"; the instance role's name
    begins with ecsInstanceRole when the managed infrastructure policy passes it ("a mismatched
    name causes an authorization error at task launch").
    """
    for reason in _start_failures(holdings, record):
        raise Refused(f"ResourceInitializationError: unable to start a task: {reason}")
    if before is not None:
        return
    used = {item.serial for item in _providers_used(holdings, record)}
    groups = {
        text(item.inputs, "autoScalingGroupProvider.autoScalingGroupArn")
        for item in _providers_used(holdings, record)
    }
    for item in hosts(holdings):
        if item.record.serial in used or item.record.arn in groups:
            for reason in cut_off(holdings, item):
                raise Refused(
                    f"ResourceInitializationError: no instance of {item.record.logical} can join "
                    f"the cluster: {reason}"
                )
            role = role_of_profile(holdings, item.profile)
            if item.infrastructure is not None and role is not None:
                own = any(
                    "iam:PassRole" in (text(policy.inputs, "policy") or "")
                    for policy in policies_of(holdings, item.infrastructure)
                )
                path = text(role.inputs, "path") or "/"
                if not own and (not role.name.startswith("ecsInstanceRole") or path != "/"):
                    raise Refused(
                        "AccessDenied: the infrastructure role may pass arn:aws:iam::*:role/"
                        f"ecsInstanceRole* only, not {role.name}"
                    )


def _start_failures(holdings: Holdings, service: Record) -> Iterator[str]:
    task = holdings.find(TASK, service.region, text(service.inputs, "taskDefinition") or "")
    if task is None:
        return
    for key in ("executionRoleArn", "taskRoleArn"):
        role = holdings.find(ROLE, "", text(task.inputs, key) or "")
        if role is None:
            continue
        if not trusts(role, "ecs-tasks.amazonaws.com"):
            yield f"ECS was unable to assume the role {role.logical}"
        if key == "executionRoleArn" and not policies_of(holdings, role):
            yield f"the execution role {role.logical} has no policy"
    for container in task_containers(task):
        options = container.get("logConfiguration")
        if text(options, "logDriver") != "awslogs" or text(options, "options.awslogs-create-group"):
            continue
        region = text(options, "options.awslogs-region")
        group = text(options, "options.awslogs-group")
        if region != service.region:
            yield f"awslogs-region is {region} in {service.region}"
        elif group is not None and not any(
            item.name == group for item in holdings.of(LOGS, service.region)
        ):
            yield f"The specified log group does not exist: {group}"


# ---- scaling and schedules -----------------------------------------------------------------


def scalable_services_exist(holdings: Holdings, record: Record, before: Props | None) -> None:
    """Only a service that exists can be registered.

    Source: Application Auto Scaling RegisterScalableTarget: "ECS service doesn't exist".
    """
    if scaled_service(holdings, record) is None:
        resource = text(record.inputs, "resourceId")
        raise Refused(f"ValidationException: ECS service doesn't exist: {resource}")


def scaled_service(holdings: Holdings, target: Record) -> Record | None:
    """The service that a scalable target is about."""
    resource = text(target.inputs, "resourceId") or ""
    for service in holdings.of(SERVICE, target.region):
        if service.arn.partition(":service/")[2] == resource.removeprefix("service/"):
            return service
    return None


def actions_of_a_group_have_times_of_their_own(
    holdings: Holdings, record: Record, before: Props | None
) -> None:
    """Two scheduled actions of an Auto Scaling group do not start at the same time.

    Source: https://github.com/TerraConstructs/base/issues/127 has the error of AWS.
    """
    group = text(record.inputs, "autoscalingGroupName") or ""
    mine = text(record.inputs, "recurrence")
    for other in holdings.where(record.type, record.region, "autoscalingGroupName", group):
        if other.serial != record.serial and text(other.inputs, "recurrence") == mine:
            raise Refused(
                "AlreadyExists: Scheduled action with this scheduled start time already exists"
            )


def policies_have_a_target(holdings: Holdings, record: Record, before: Props | None) -> None:
    """A scaling policy is for a registered target.

    Source: Application Auto Scaling PutScalingPolicy, ObjectNotFoundException.
    """
    resource = text(record.inputs, "resourceId") or ""
    if not any(holdings.where(SCALABLE, record.region, "resourceId", resource)):
        raise Refused(
            f"ObjectNotFoundException: No scalable target found for resource ID: {resource}"
        )


def schedules_can_run(holdings: Holdings, record: Record, before: Props | None) -> None:
    """The scheduler may assume the target's role; a network goes with awsvpc only.

    Source: EventBridge Scheduler CreateSchedule: "The execution role you provide must allow AWS
    EventBridge Scheduler to assume the role"; ECS RunTask for the network.
    """
    role = holdings.find(ROLE, "", text(record.inputs, "target.roleArn") or "")
    if role is not None and not trusts(role, "scheduler.amazonaws.com"):
        raise Refused(
            "ValidationException: The execution role you provide must allow AWS EventBridge "
            f"Scheduler to assume the role. ({role.name})"
        )
    target = text(record.inputs, "target.arn") or ""
    if ":cluster/" in target and holdings.find(CLUSTER, record.region, target) is None:
        raise Refused(f"ClusterNotFoundException: {target} does not exist in {record.region}")
    parameters = "target.ecsParameters"
    task_arn = text(record.inputs, f"{parameters}.taskDefinitionArn")
    task = holdings.find(TASK, record.region, task_arn or "")
    if task is not None:
        network = bool(blocks(record.inputs, f"{parameters}.networkConfiguration"))
        if network != (_network_mode(task) == "awsvpc"):
            raise Refused(
                "ValidationException: Network Configuration is valid if and only if the task "
                "definition's networkMode is awsvpc."
            )


ADMISSIONS: Mapping[str, tuple[Rule, ...]] = {
    SUBNET: (subnets_do_not_overlap,),
    NAT: (nat_gateways_need_a_way_out,),
    ENDPOINT: (private_names_need_dns,),
    BALANCER: (balancers_stay_in_their_vpc, balancers_span_zones),
    LISTENER: (target_groups_serve_one_balancer,),
    LISTENER_RULE: (target_groups_serve_one_balancer,),
    PROVIDER: (providers_are_well_formed, managed_instances_are_ready),
    LISTED: (listed_providers_are_of_groups,),
    TASK: (task_definitions_register,),
    SERVICE: (
        services_fit_their_tasks,
        services_find_their_capacity,
        services_can_start,
        services_become_steady,
    ),
    SCALABLE: (scalable_services_exist,),
    "aws:appautoscaling/policy:Policy": (policies_have_a_target,),
    "aws:appautoscaling/scheduledAction:ScheduledAction": (policies_have_a_target,),
    SCHEDULE: (schedules_can_run,),
    "aws:autoscaling/schedule:Schedule": (actions_of_a_group_have_times_of_their_own,),
}

PARTINGS: Mapping[str, tuple[Parting, ...]] = {
    GROUP: (instances_keep_what_they_were_launched_with,),
    PLACEMENT: (instances_keep_what_they_were_launched_with,),
    GATEWAY: (internet_gateways_outlive_public_addresses,),
    CLUSTER: (clusters_are_empty_before_they_go,),
    LISTED: (listed_providers_stay_while_used,),
}
