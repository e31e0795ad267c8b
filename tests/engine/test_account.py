"""Every refusal of the stand-in fires, and a landscape that works is not refused."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.harness import restarted
from tests.engine.landscape import Landscape, containers, token_of, trust
from tests.engine.provider.account import Account, Habits, Refused
from tests.engine.provider.checks import checked, strategy_is_refused
from tests.engine.provider.diffs import change
from tests.engine.provider.operations import DEPLOYED, REPLACED, Interrupted, Operations
from tests.engine.provider.rows import KINDS
from tests.engine.provider.shapes import Shapes
from tests.engine.provider.wire import DEFAULTS, UNKNOWN, Json, Props, from_struct, to_struct


@pytest.fixture
def land(tmp_path: Path) -> Landscape:
    return Landscape(tmp_path)


@pytest.fixture(scope="module")
def shapes() -> Shapes:
    return Shapes.read(KINDS)


@contextmanager
def refused(code: str) -> Generator[None]:
    """Expects AWS's error of that name, and no other."""
    with pytest.raises(Refused) as caught:
        yield
    assert str(caught.value).partition(":")[0] == code, str(caught.value)


# ---- order of creation and deletion --------------------------------------------------------


def test_a_whole_landscape_is_built_and_taken_down_in_reverse(land: Landscape) -> None:
    land.ready().balancer().service(loadBalancers=_balanced(land)).managed()
    for logical in reversed(list(land.made)):
        land.remove(logical)
    with land.account.open() as holdings:
        assert holdings.records == []
        assert holdings.kept, "skip_destroy leaves task definitions ACTIVE"


def _balanced(land: Landscape) -> Json:
    block: Props = {
        "targetGroupArn": land.arn("targets"),
        "containerName": "main",
        "containerPort": 8080,
    }
    return [block]


IN_USE: dict[str, tuple[str, str]] = {
    "a VPC with subnets": ("vpc", "DependencyViolation"),
    "a subnet with a NAT gateway": ("public0", "DependencyViolation"),
    "a subnet with a load balancer": ("public1", "DependencyViolation"),
    "a subnet with instances": ("private", "DependencyViolation"),
    "an internet gateway while public addresses are mapped": ("gateway", "DependencyViolation"),
    "an address that a NAT gateway uses": ("address", "InvalidIPAddress.InUse"),
    "a route table with associations": ("table", "DependencyViolation"),
    "a security group that a launch template uses": ("group", "DependencyViolation"),
    "a role with an instance profile": ("ecsInstanceRole", "DeleteConflict"),
    "a role with attached policies": ("execution", "DeleteConflict"),
    "an instance profile that launches": ("profile", "StandIn.InUse"),
    "a launch template that a group launches from": ("pool-template", "StandIn.InUse"),
    "a group that belongs to a provider": ("pool-group", "StandIn.InUse"),
    "a cluster with instances": ("cluster", "ClusterContainsContainerInstancesException"),
    "a provider that a service uses": ("pool", "ResourceInUseException"),
    "the list of providers while a service runs": ("listed", "ResourceInUseException"),
    "a task definition that a service runs": ("task", "StandIn.InUse"),
    "a target group of a listener": ("targets", "ResourceInUse"),
    "the route that instances leave by": ("route", "StandIn.Breaks"),
    "the association that instances leave by": ("association", "StandIn.Breaks"),
    "the NAT gateway that instances leave by": ("nat", "StandIn.Breaks"),
    "the rule that lets instances out": ("egress", "StandIn.Breaks"),
    "the policy of the instance role": ("ecsInstanceRole-policy", "StandIn.Breaks"),
    "the policy of the execution role": ("execution-policy", "StandIn.Breaks"),
    "the policy of the infrastructure role": ("infrastructure-policy", "StandIn.Breaks"),
    "the log group of a service": ("logs", "StandIn.Breaks"),
}


@pytest.mark.parametrize(("logical", "code"), IN_USE.values(), ids=IN_USE.keys())
def test_what_is_in_use_is_not_deleted(land: Landscape, logical: str, code: str) -> None:
    land.ready().balancer().service(loadBalancers=_balanced(land)).managed()
    with refused(code):
        land.remove(logical)


def test_a_cluster_with_services_is_not_deleted(land: Landscape) -> None:
    land.network().roles().cluster().managed().task()
    _activate(land)
    land.service("service", "managed")
    with refused("ClusterContainsCapacityProviderException"):
        land.remove("cluster")


def test_a_security_group_that_another_ones_rule_names_is_not_deleted(land: Landscape) -> None:
    land.network()
    land.make("SecurityGroup", "other", vpcId=land.id("vpc"))
    land.make(
        "SecurityGroupIngressRule",
        "ingress",
        securityGroupId=land.id("group"),
        referencedSecurityGroupId=land.id("other"),
        ipProtocol="tcp",
        fromPort=80,
        toPort=80,
    )
    with refused("DependencyViolation"):
        land.remove("other")


def test_a_subnet_with_an_endpoint_is_not_deleted(land: Landscape) -> None:
    land.network()
    land.make(
        "VpcEndpoint",
        "endpoint",
        vpcId=land.id("vpc"),
        vpcEndpointType="Interface",
        serviceName="com.amazonaws.us-west-2.ecs",
        subnetIds=[land.id("public1")],
        securityGroupIds=[land.id("group")],
    )
    with refused("DependencyViolation"):
        land.remove("public1")
    with refused("DependencyViolation"):
        land.remove("group")


# ---- names, references, Regions ------------------------------------------------------------


def test_names_are_unique_within_their_scope_only(land: Landscape) -> None:
    land.ready().balancer().service()
    twice: list[tuple[str, str, Props]] = [
        ("Role", "EntityAlreadyExists", {"name": land.name("execution")}),
        ("Cluster", "StandIn.Duplicate", {"name": land.name("cluster")}),
        ("LogGroup", "ResourceAlreadyExistsException", {"name": "/neuron/logs"}),
        ("LaunchTemplate", "InvalidLaunchTemplateName.AlreadyExistsException", {
            "name": land.name("pool-template"),
        }),
        ("SecurityGroup", "InvalidGroup.Duplicate", {
            "name": land.name("group"),
            "vpcId": land.id("vpc"),
        }),
        ("TargetGroup", "DuplicateTargetGroupName", {
            "name": land.name("targets"),
            "port": 1,
            "protocol": "HTTP",
            "vpcId": land.id("vpc"),
        }),
        ("LoadBalancer", "DuplicateLoadBalancerName", {
            "name": land.name("balancer"),
            "subnets": [land.id("public0"), land.id("public1")],
        }),
        ("Group", "AlreadyExists", {"name": land.name("pool-group"), "minSize": 0, "maxSize": 1}),
        ("CapacityProvider", "InvalidParameterException", {"name": land.name("pool")}),
        ("Service", "InvalidParameterException", {
            "name": land.name("service"),
            "cluster": land.arn("cluster"),
            "taskDefinition": land.arn("task"),
        }),
        ("Listener", "DuplicateListener", {
            "loadBalancerArn": land.arn("balancer"),
            "port": 80,
            "defaultActions": [],
        }),
    ]  # fmt: skip
    for type_name, code, inputs in twice:
        with refused(code):
            land.make(type_name, "again", **inputs)
    land.make("LogGroup", "elsewhere", name="/neuron/logs", region="us-east-2")


def test_two_rules_of_a_listener_do_not_share_a_priority(land: Landscape) -> None:
    land.network().balancer()
    for logical, priority in (("first", 1), ("second", 2)):
        land.make(
            "ListenerRule",
            logical,
            listenerArn=land.arn("listener"),
            priority=priority,
            conditions=[{"pathPattern": {"values": ["/"]}}],
            actions=[{"type": "forward", "targetGroupArn": land.arn("targets")}],
        )
    with refused("PriorityInUse"):
        land.change("second", priority=1)


def test_a_target_group_serves_one_load_balancer(land: Landscape) -> None:
    land.network().balancer()
    land.make("LoadBalancer", "other", subnets=[land.id("public0"), land.id("public1")])
    with refused("TargetGroupAssociationLimit"):
        land.make(
            "Listener",
            "other-listener",
            loadBalancerArn=land.arn("other"),
            port=80,
            defaultActions=[{"type": "forward", "targetGroupArn": land.arn("targets")}],
        )


def test_what_another_region_has_is_not_found(land: Landscape) -> None:
    land.ready()
    with refused("ClusterNotFoundException"):
        land.service(region="us-east-2")
    with refused("InvalidVpcID.NotFound"):
        land.make("SecurityGroup", "far", vpcId=land.id("vpc"), region="us-east-2")


def test_a_subnet_that_was_deleted_is_not_found_but_a_strangers_is(land: Landscape) -> None:
    land.network().roles()
    land.make("Subnet", "short", vpcId=land.id("vpc"), cidrBlock="10.0.77.0/24")
    land.remove("short")
    shape: Props = {
        "minSize": 0,
        "maxSize": 1,
        "launchTemplate": {"id": land.make("LaunchTemplate", "template").id},
    }
    with refused("InvalidSubnetID.NotFound"):
        land.make("Group", "gone", vpcZoneIdentifiers=[land.id("short")], **shape)
    land.make("Group", "stranger", vpcZoneIdentifiers=["subnet-0a"], **shape)


def test_references_that_name_nothing_are_refused(land: Landscape) -> None:
    land.network()
    with refused("NoSuchEntity"):
        land.make("RolePolicyAttachment", "x", role="nobody", policyArn="arn:aws:iam::aws:policy/x")
    with refused("InvalidRouteTableID.NotFound"):
        land.remove("route")
        land.remove("association")
        land.remove("table")
        land.make(
            "Route",
            "late",
            routeTableId=land.id("table"),
            destinationCidrBlock="0.0.0.0/0",
            natGatewayId=land.id("nat"),
        )


# ---- networks ------------------------------------------------------------------------------


def test_subnets_lie_in_their_vpc_and_apart(land: Landscape) -> None:
    land.network()
    with refused("InvalidSubnet.Conflict"):
        land.make("Subnet", "x", vpcId=land.id("vpc"), cidrBlock="10.0.0.128/25")
    with refused("InvalidSubnet.Range"):
        land.make("Subnet", "x", vpcId=land.id("vpc"), cidrBlock="10.1.0.0/24")


def test_a_nat_gateway_comes_after_the_internet_gateway(land: Landscape) -> None:
    land.make("Vpc", "vpc", cidrBlock="10.0.0.0/16")
    land.make("Subnet", "subnet", vpcId=land.id("vpc"), cidrBlock="10.0.0.0/24")
    land.make("Eip", "address")
    inputs: Props = {"allocationId": land.id("address"), "subnetId": land.id("subnet")}
    with refused("Gateway.NotAttached"):
        land.make("NatGateway", "nat", **inputs)
    land.make("InternetGateway", "gateway", vpcId=land.id("vpc"))
    land.make("NatGateway", "nat", **inputs)
    with refused("Resource.AlreadyAssociated"):
        land.make("NatGateway", "again", **inputs)


def test_private_dns_needs_the_vpcs_consent_and_one_endpoint(land: Landscape) -> None:
    land.make("Vpc", "plain", cidrBlock="10.1.0.0/16")
    inputs: Props = {
        "vpcEndpointType": "Interface",
        "serviceName": "com.amazonaws.us-west-2.ecs",
        "privateDnsEnabled": True,
    }
    with refused("InvalidParameter"):
        land.make("VpcEndpoint", "x", vpcId=land.id("plain"), **inputs)
    land.network()
    land.make("VpcEndpoint", "first", vpcId=land.id("vpc"), **inputs)
    with refused("InvalidParameter"):
        land.make("VpcEndpoint", "second", vpcId=land.id("vpc"), **inputs)


def test_a_load_balancer_spans_zones_and_needs_an_internet_gateway(land: Landscape) -> None:
    land.network()
    with refused("ValidationError"):
        land.make("LoadBalancer", "x", subnets=[land.id("public0")])
    with refused("ValidationError"):
        land.make("LoadBalancer", "x", subnets=[land.id("public0"), land.id("private")])


def test_a_route_and_an_association_exist_once(land: Landscape) -> None:
    land.network()
    with refused("RouteAlreadyExists"):
        land.make("Route", "again", **land.made["route"].inputs)
    with refused("Resource.AlreadyAssociated"):
        land.make("RouteTableAssociation", "again", **land.made["association"].inputs)
    with refused("InvalidPermission.Duplicate"):
        land.make("SecurityGroupEgressRule", "again", **land.made["egress"].inputs)


# ---- capacity ------------------------------------------------------------------------------


def test_a_group_has_one_provider(land: Landscape) -> None:
    land.ready()
    with refused("InvalidParameterException"):
        land.make(
            "CapacityProvider",
            "other",
            autoScalingGroupProvider={"autoScalingGroupArn": land.arn("pool-group")},
        )


def test_a_providers_name_does_not_begin_with_a_word_of_aws(land: Landscape) -> None:
    land.ready()
    with refused("ClientException"):
        land.pool("ecs-pool")


def test_termination_protection_needs_a_protected_group(land: Landscape) -> None:
    land.ready()
    scaling: Props = {
        "autoScalingGroupArn": land.arn("pool-group"),
        "managedTerminationProtection": "ENABLED",
    }
    managed: Props = dict(scaling)
    managed["managedScaling"] = {"status": "ENABLED"}
    with refused("InvalidParameterException"):
        land.change("pool", autoScalingGroupProvider=scaling)
    land.change("pool-group", protectFromScaleIn=True)
    with refused("InvalidParameterException"):
        land.change("pool", autoScalingGroupProvider=scaling)
    land.change("pool", autoScalingGroupProvider=managed)


def test_running_instances_keep_what_they_were_launched_with(land: Landscape) -> None:
    land.ready()
    land.make("SecurityGroup", "old", vpcId=land.id("vpc"))
    land.make(
        "SecurityGroupEgressRule",
        "out",
        securityGroupId=land.id("old"),
        ipProtocol="-1",
        cidrIpv4="0.0.0.0/0",
    )
    land.make("PlacementGroup", "near", strategy="cluster")
    land.change(
        "pool-template",
        vpcSecurityGroupIds=[land.id("old")],
        placement={"groupName": land.name("near")},
    )
    land.service()
    land.change("pool-template", vpcSecurityGroupIds=[land.id("group")], placement=None)
    with refused("DependencyViolation"):
        land.remove("old")
    with refused("InvalidPlacementGroup.InUse"):
        land.remove("near")
    land.remove("service")
    land.remove("old")
    land.remove("near")


def test_a_load_balancer_stays_in_its_vpc(land: Landscape) -> None:
    land.network().balancer()
    land.make("Vpc", "other", cidrBlock="10.9.0.0/16")
    land.make("SecurityGroup", "far", vpcId=land.id("other"))
    with refused("InvalidSecurityGroup"):
        land.change("balancer", securityGroups=[land.id("far")])
    for index, zone in enumerate(("usw2-az1", "usw2-az2")):
        land.make(
            "Subnet",
            f"far{index}",
            vpcId=land.id("other"),
            cidrBlock=f"10.9.{index}.0/24",
            availabilityZoneId=zone,
        )
    with refused("InvalidSubnet"):
        land.change("balancer", subnets=[land.id("far0"), land.id("far1")])


def test_managed_instances_providers_are_not_listed(land: Landscape) -> None:
    land.ready().managed()
    with refused("InvalidParameterException"):
        land.change("listed", capacityProviders=[land.name("pool"), land.name("managed")])


def test_a_provider_in_use_is_not_taken_off_the_list(land: Landscape) -> None:
    land.ready().service()
    with refused("ResourceInUseException"):
        land.change("listed", capacityProviders=[])


UNREADY = ("infrastructure-policy", "ecsInstanceRole-policy", "route", "egress")


@pytest.mark.parametrize("missing", UNREADY)
def test_managed_instances_come_after_all_they_need(land: Landscape, missing: str) -> None:
    land.network().roles().cluster()
    land.remove(missing)
    with refused("ClientException"):
        land.managed()


def test_managed_instances_need_roles_that_trust_them(land: Landscape) -> None:
    land.network().roles().cluster()
    land.change("infrastructure", assumeRolePolicy=trust("ec2.amazonaws.com"))
    with refused("ClientException"):
        land.managed()


def _activate(land: Landscape) -> None:
    with land.account.open() as holdings:
        for record in holdings.records:
            record.facts.pop("refusals_left", None)


def test_a_service_waits_for_an_active_provider(land: Landscape) -> None:
    with land.account.open() as holdings:
        holdings.habits = Habits(refusals_until_active=2)
    land.network().roles().cluster().managed().task()
    for _ in range(2):
        with pytest.raises(Refused, match=r"capacity provider \S+ is not in an ACTIVE state"):
            land.service("service", "managed")
    land.service("service", "managed")


def test_the_group_of_a_provider_is_tagged_by_ecs(land: Landscape) -> None:
    land.ready()
    group = land.operations.read(token_of("Group"), land.id("pool-group"), {})
    assert group is not None
    assert "AmazonECSManaged" in str(group.inputs["tags"]), "an undeclared tag drifts"


# ---- task definitions ----------------------------------------------------------------------

BAD_TASKS: dict[str, Props] = {
    "no container": {"containerDefinitions": "[]"},
    "no memory": {"containerDefinitions": containers(memory=None)},
    "no image": {"containerDefinitions": containers(image=None)},
    "nothing essential": {"containerDefinitions": containers(essential=False)},
    "two containers of one name": {
        "containerDefinitions": containers()[:-1] + ", " + containers()[1:]
    },
    "a volume that is not there": {
        "containerDefinitions": containers(
            mountPoints=[{"sourceVolume": "x", "containerPath": "/x"}]
        )
    },
    "another host port in host mode": {
        "networkMode": "host",
        "containerDefinitions": containers(portMappings=[{"containerPort": 1, "hostPort": 2}]),
    },
    "one host port twice": {
        "containerDefinitions": containers(
            portMappings=[
                {"containerPort": 1, "hostPort": 20000},
                {"containerPort": 2, "hostPort": 20000},
            ]
        )
    },
    "a reserved host port": {
        "containerDefinitions": containers(portMappings=[{"containerPort": 1, "hostPort": 51678}])
    },
    "links outside bridge": {
        "networkMode": "host",
        "containerDefinitions": containers(links=["x"], portMappings=[]),
    },
    "a dependency on nobody": {
        "containerDefinitions": containers(dependsOn=[{"containerName": "x", "condition": "START"}])
    },
    "secrets without an execution role": {
        "executionRoleArn": None,
        "containerDefinitions": containers(secrets=[{"name": "A", "valueFrom": "arn:x"}]),
    },
    "devices on instances of one's own": {
        "containerDefinitions": containers(
            resourceRequirements=[{"type": "NeuronDevice", "value": "ALL"}]
        )
    },
    "a count of managed devices": {
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["MANAGED_INSTANCES"],
        "containerDefinitions": containers(
            resourceRequirements=[{"type": "NeuronDevice", "value": "2"}]
        ),
    },
    "bridge on Managed Instances": {"requiresCompatibilities": ["MANAGED_INSTANCES"]},
    "shared memory on Managed Instances": {
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["MANAGED_INSTANCES"],
        "containerDefinitions": containers(linuxParameters={"sharedMemorySize": 64}),
    },
    "more reserved than allowed": {"containerDefinitions": containers(memoryReservation=256)},
}


@pytest.mark.parametrize("inputs", BAD_TASKS.values(), ids=BAD_TASKS.keys())
def test_a_task_definition_that_cannot_register_is_refused(land: Landscape, inputs: Props) -> None:
    land.roles()
    with refused("ClientException"):
        land.task(**inputs)


def test_revisions_count_up_and_stay_active(land: Landscape) -> None:
    land.roles().task()
    first = land.made["task"]
    land.task()
    assert (first.arn, land.arn("task")) == (
        "arn:aws:ecs:us-west-2:123456789012:task-definition/task:1",
        "arn:aws:ecs:us-west-2:123456789012:task-definition/task:2",
    )
    land.operations.delete(first.type, first.id, first.outputs)
    with land.account.open() as holdings:
        assert holdings.kept == [first.arn]
        assert [record.arn for record in holdings.records if record.type == first.type] == [
            land.arn("task")
        ], "the older revision goes, although the two share an id"


# ---- services ------------------------------------------------------------------------------


def test_a_service_needs_its_provider_on_the_cluster(land: Landscape) -> None:
    land.ready().pool("spare")
    with refused("InvalidParameterException"):
        land.service("service", "spare")


BAD_SERVICES: dict[str, Props] = {
    "a launch type beside the strategy": {"launchType": "EC2"},
    "a network without awsvpc": {"networkConfiguration": {"subnets": ["subnet-0a"]}},
    "no room to deploy": {
        "deploymentMinimumHealthyPercent": 100,
        "deploymentMaximumPercent": 100,
    },
    "percentages upside down": {
        "deploymentMinimumHealthyPercent": 100,
        "deploymentMaximumPercent": 50,
    },
    "rebalancing without room": {
        "deploymentMaximumPercent": 100,
        "deploymentMinimumHealthyPercent": 0,
        "availabilityZoneRebalancing": "ENABLED",
    },
    "a grace period without a load balancer": {"healthCheckGracePeriodSeconds": 60},
    "a provider that does not exist": {
        "capacityProviderStrategies": [{"capacityProvider": "nobody"}]
    },
}


@pytest.mark.parametrize("inputs", BAD_SERVICES.values(), ids=BAD_SERVICES.keys())
def test_a_service_that_does_not_fit_is_refused(land: Landscape, inputs: Props) -> None:
    land.ready()
    with refused("InvalidParameterException"):
        land.service(**inputs)


def test_a_service_states_its_own_strategy(land: Landscape) -> None:
    land.ready()
    with refused("StandIn.DefaultStrategy"):
        land.service(capacityProviderStrategies=[])


def test_a_task_in_awsvpc_needs_a_network(land: Landscape) -> None:
    land.ready()
    land.task(networkMode="awsvpc", containerDefinitions=containers(portMappings=[]))
    with refused("InvalidParameterException"):
        land.service()


def test_a_target_group_without_a_load_balancer_is_refused(land: Landscape) -> None:
    land.ready()
    land.make("TargetGroup", "targets", port=8080, protocol="HTTP", vpcId=land.id("vpc"))
    with pytest.raises(Refused, match="does not have an associated load balancer"):
        land.service(loadBalancers=_balanced(land))


def test_a_load_balancer_needs_a_container_a_port_and_the_right_target(land: Landscape) -> None:
    land.ready().balancer()
    arn = land.arn("targets")
    for name, port in (("nobody", 8080), ("main", 9)):
        block: Props = {"targetGroupArn": arn, "containerName": name, "containerPort": port}
        with refused("InvalidParameterException"):
            land.service(loadBalancers=[block])
    land.task(
        networkMode="awsvpc",
        containerDefinitions=containers(portMappings=[{"containerPort": 8080}]),
    )
    with pytest.raises(Refused, match="incompatible with the awsvpc network mode"):
        land.service(
            loadBalancers=_balanced(land),
            networkConfiguration={"subnets": [land.id("private")]},
        )


@pytest.mark.parametrize("missing", ["logs", "execution-policy", "route", "ecsInstanceRole-policy"])
def test_a_service_comes_after_what_its_tasks_need(land: Landscape, missing: str) -> None:
    land.network().roles().cluster()
    land.remove(missing)
    land.pool().listed("pool").task()
    with refused("ResourceInitializationError"):
        land.service()


def test_managed_instances_pass_only_a_role_with_aws_prefix(land: Landscape) -> None:
    land.network().roles()
    land.make("Role", "machine", assumeRolePolicy=trust("ec2.amazonaws.com"))
    land.make(
        "RolePolicyAttachment", "machine-policy", role=land.name("machine"), policyArn="arn:x"
    )
    land.change("profile", role=land.name("machine"))
    land.cluster().managed().task()
    _activate(land)
    with refused("AccessDenied"):
        land.service("service", "managed")


def _locked(port: int) -> str:
    return containers(portMappings=[{"containerPort": port, "hostPort": port}])


def test_tasks_that_lock_one_device_need_an_instance_each(land: Landscape) -> None:
    land.ready().task(containerDefinitions=_locked(20000))
    land.service("first", waitForSteadyState=True, desiredCount=1)
    land.service("second", waitForSteadyState=True, desiredCount=1)
    with refused("StandIn.Stuck"):
        land.service("third", waitForSteadyState=True, desiredCount=1)
    land.service("careless", waitForSteadyState=False, desiredCount=1)
    land.remove("careless")
    land.task("other", containerDefinitions=_locked(20001), family="other")
    land.service(
        "beside", waitForSteadyState=True, desiredCount=2, taskDefinition=land.arn("other")
    )


def test_a_full_pool_deploys_only_if_old_tasks_may_stop(land: Landscape) -> None:
    land.ready().task(containerDefinitions=_locked(20000))
    land.service("full", waitForSteadyState=True, desiredCount=2)
    land.task(containerDefinitions=_locked(20000))
    with refused("StandIn.Stuck"):
        land.change("full", taskDefinition=land.arn("task"))
    land.change(
        "full",
        taskDefinition=land.arn("task"),
        deploymentMinimumHealthyPercent=50,
        deploymentMaximumPercent=100,
    )
    with refused("StandIn.Stuck"):
        land.change("full", desiredCount=3)


def test_only_services_that_exist_scale(land: Landscape) -> None:
    land.ready().service()
    inputs: Props = {
        "scalableDimension": "ecs:service:DesiredCount",
        "serviceNamespace": "ecs",
        "minCapacity": 1,
        "maxCapacity": 2,
    }
    with refused("ValidationException"):
        land.make("Target", "x", resourceId="service/nowhere/nobody", **inputs)
    resource = f"service/{land.name('cluster')}/{land.name('service')}"
    with refused("ObjectNotFoundException"):
        land.make("Policy", "early", resourceId=resource, **inputs)
    land.make("Target", "target", resourceId=resource, **inputs)


def test_a_schedule_needs_a_group_a_cluster_and_a_role_that_trusts_it(land: Landscape) -> None:
    land.ready()

    def schedule(**changes: Json) -> None:
        target: Props = {
            "arn": land.arn("cluster"),
            "roleArn": land.arn("scheduling"),
            "ecsParameters": {"taskDefinitionArn": land.arn("task")},
        }
        land.make(
            "scheduler/schedule:Schedule",
            "schedule",
            groupName=changes.pop("groupName", "default"),
            scheduleExpression="rate(1 day)",
            flexibleTimeWindow={"mode": "OFF"},
            target=target | changes,
        )

    with refused("ResourceNotFoundException"):
        schedule(groupName="nobody")
    with refused("ValidationException"):
        schedule(roleArn=land.arn("execution"))
    with refused("ClusterNotFoundException"):
        schedule(arn="arn:aws:ecs:us-west-2:123456789012:cluster/nowhere")
    network: Props = {"subnets": [land.id("private")]}
    parameters: Props = {
        "taskDefinitionArn": land.arn("task"),
        "networkConfiguration": network,
    }
    with refused("ValidationException"):
        schedule(ecsParameters=parameters)
    schedule()
    with refused("ConflictException"):
        schedule()
    with refused("StandIn.InUse"):
        land.remove("task")


# ---- what an update does to running tasks ----------------------------------------------------


def test_the_journal_tells_which_tasks_restart(land: Landscape) -> None:
    land.ready().service().service("calm")
    start = len(land.account.journal())
    land.task()
    land.change("service", taskDefinition=land.arn("task"))
    land.change("calm", desiredCount=2, tags={"a": "b"})
    journal = land.account.journal(start)
    assert restarted(journal) == {("us-west-2", "service")}
    assert journal[-2].consequences == ((DEPLOYED, "service"),)


def test_a_forced_deployment_restarts_at_every_update(land: Landscape) -> None:
    land.ready().service(forceNewDeployment=True)
    start = len(land.account.journal())
    land.change("service", tags={"a": "b"})
    assert restarted(land.account.journal(start)) == {("us-west-2", "service")}


def test_an_instance_refresh_restarts_what_runs_on_the_group(land: Landscape) -> None:
    land.ready().service()
    start = len(land.account.journal())
    template = land.change("pool-template", instanceType="inf2.8xlarge")
    assert template.outputs["latestVersion"] == 2
    land.change("pool-group", launchTemplate={"id": template.id, "version": "2"})
    assert land.account.journal(start)[-1].consequences == ((REPLACED, "service"),)


def test_a_wait_that_is_cancelled_leaves_the_update_done(land: Landscape) -> None:
    land.ready().service(waitForSteadyState=True)
    with land.account.open() as holdings:
        holdings.habits = Habits(deployment_seconds=60)
    land.task()
    land.operations.cancelled.set()
    with pytest.raises(Interrupted):
        land.change("service", taskDefinition=land.arn("task"))
    found = land.operations.read(token_of("Service"), land.id("service"), {})
    assert found is not None
    assert found.inputs["taskDefinition"] == land.arn("task")


def test_refusals_are_in_the_journal(land: Landscape) -> None:
    land.network()
    with refused("DependencyViolation"):
        land.remove("vpc")
    last = land.account.journal()[-1]
    assert (last.op, last.error.partition(":")[0]) == ("delete refused", "DependencyViolation")


def test_nothing_answers_to_no_name(land: Landscape) -> None:
    land.network()
    with land.account.open() as holdings:
        assert holdings.find(token_of("NatGateway"), "us-west-2", "") is None


def test_two_processes_see_one_account(land: Landscape, tmp_path: Path) -> None:
    land.network()
    other = Operations(Account(tmp_path / "account.json"), "us-west-2")
    vpc = land.made["vpc"]
    assert other.read(vpc.type, vpc.id, vpc.outputs) == vpc


# ---- what the provider refuses before AWS ----------------------------------------------------

MANAGED: Props = {
    "cluster": "cluster",
    "managedInstancesProvider": {
        "infrastructureRoleArn": "arn:aws:iam::123456789012:role/a",
        "instanceLaunchTemplate": {
            "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/a",
            "networkConfiguration": {"subnets": ["subnet-0a"]},
            "instanceRequirements": {
                "memoryMib": {"min": 1},
                "vcpuCount": {"min": 1},
                "allowedInstanceTypes": ["trn1.2xlarge"],
            },
        },
    },
}
SCALING: Props = {
    "autoScalingGroupProvider": {
        "autoScalingGroupArn": "arn:aws:autoscaling:us-west-2:123456789012:autoScalingGroup:x"
    }
}


def _problems(shapes: Shapes, type_name: str, inputs: Props, name: str = "x") -> list[str]:
    token = token_of(type_name)
    checked_inputs, problems = checked(token, name, inputs, {}, b"seed")
    problems.extend(shapes.problems(token, checked_inputs))
    return [f"{problem.path}: {problem.reason}" for problem in problems]


def _managed(**template: Json) -> Props:
    provider = MANAGED["managedInstancesProvider"]
    assert isinstance(provider, dict)
    inner = provider["instanceLaunchTemplate"]
    assert isinstance(inner, dict)
    changed: Props = dict(provider)
    changed["instanceLaunchTemplate"] = inner | template
    whole: Props = dict(MANAGED)
    whole["managedInstancesProvider"] = changed
    return whole


BAD_INPUTS: dict[str, tuple[str, Props, str]] = {
    "requirements without vCPUs": (
        "CapacityProvider",
        _managed(instanceRequirements={"memoryMib": {"min": 1}}),
        "Missing required argument",
    ),
    "managed without a cluster": ("CapacityProvider", MANAGED | {"cluster": None}, "is required"),
    "managed with an unknown cluster": (
        "CapacityProvider",
        MANAGED | {"cluster": UNKNOWN},
        "is required",
    ),
    "a cluster's ARN where its name belongs": (
        "CapacityProvider",
        MANAGED | {"cluster": "arn:aws:ecs:us-west-2:123456789012:cluster/x"},
        "is an ARN",
    ),
    "a key that nested blocks do not have": (
        "CapacityProvider",
        _managed(bogus=1),
        "Invalid or unknown key",
    ),
    "a list's ARN": (
        "ClusterCapacityProviders",
        {"clusterName": "arn:aws:ecs:us-west-2:123456789012:cluster/x"},
        "is an ARN",
    ),
    "a service's target group by name": (
        "Service",
        {"loadBalancers": [{"targetGroupArn": "x", "containerName": "a", "containerPort": 1}]},
        "invalid ARN",
    ),
    "a Region that is none": ("LogGroup", {"region": "oregon"}, "not a valid AWS Region"),
    "a subnet with two zones": (
        "Subnet",
        {"vpcId": "vpc-1", "availabilityZone": "a", "availabilityZoneId": "b"},
        "conflicts",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("type_name", "inputs", "reason"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_the_check_refuses(type_name: str, inputs: Props, reason: str, shapes: Shapes) -> None:
    found = _problems(shapes, type_name, {k: v for k, v in inputs.items() if v is not None})
    assert any(reason in problem for problem in found), found


def test_the_check_lets_good_inputs_pass(shapes: Shapes) -> None:
    assert _problems(shapes, "CapacityProvider", MANAGED) == []
    assert _problems(shapes, "CapacityProvider", SCALING) == []


def test_a_type_without_a_row_is_refused(shapes: Shapes) -> None:
    _, problems = checked("aws:s3/bucket:Bucket", "x", {})
    assert "no row" in problems[0].reason


def test_names_are_made_up_once_and_never_cut(shapes: Shapes) -> None:
    token = token_of("Cluster")
    first, _ = checked(token, "inference", {}, {}, b"seed")
    again, _ = checked(token, "inference", {}, first, b"other")
    fresh, _ = checked(token, "inference", {}, {}, b"other")
    assert first == again
    assert first["name"] != fresh["name"]
    assert str(first["name"]).startswith("inference-")
    assert len(str(first["name"])) == len("inference-") + 7
    assert _problems(shapes, "TargetGroup", {}, name="a" * 25)[0].startswith("name: name")


# ---- what a change costs ---------------------------------------------------------------------

COSTS: dict[str, tuple[str, Props, Props, tuple[str, ...], bool]] = {
    "a tag": ("Cluster", {"tags": {"a": "b"}}, {"tags": {"a": "c"}}, (), False),
    "a Region": ("Cluster", {"region": "a"}, {"region": "b"}, ("region",), False),
    "the order of a set": ("Group", {"x": ["a", "b"]}, {"x": ["b", "a"]}, (), False),
    "a given name": ("Cluster", {"name": "a"}, {"name": "b"}, ("name",), True),
    "a made-up name's resource": (
        "SecurityGroup",
        {"name": "a", "description": "x", DEFAULTS: ["name"]},
        {"name": "a", "description": "y", DEFAULTS: ["name"]},
        ("description",),
        False,
    ),
    "another provider": (
        "CapacityProvider",
        {"managedInstancesProvider": {"instanceLaunchTemplate": {"capacityOptionType": "SPOT"}}},
        {"managedInstancesProvider": {"instanceLaunchTemplate": {}}},
        ("managedInstancesProvider",),
        False,
    ),
    "a provider's storage": (
        "CapacityProvider",
        {"managedInstancesProvider": {"instanceLaunchTemplate": {"monitoring": "BASIC"}}},
        {"managedInstancesProvider": {"instanceLaunchTemplate": {"monitoring": "DETAILED"}}},
        (),
        False,
    ),
    "an image": (
        "TaskDefinition",
        {"containerDefinitions": containers()},
        {"containerDefinitions": containers(image="example:2")},
        ("containerDefinitions",),
        False,
    ),
    "what ECS fills in": (
        "TaskDefinition",
        {"containerDefinitions": containers()},
        {"containerDefinitions": containers(essential=True, mountPoints=[], cpu=0)},
        (),
        False,
    ),
    "something not known yet": (
        "Subnet",
        {"vpcId": "vpc-1"},
        {"vpcId": UNKNOWN},
        ("vpcId",),
        False,
    ),
}


@pytest.mark.parametrize(
    ("type_name", "olds", "news", "replaces", "first"), COSTS.values(), ids=COSTS
)
def test_a_change_costs_what_the_provider_says(
    type_name: str, olds: Props, news: Props, replaces: tuple[str, ...], first: bool
) -> None:
    found = change(token_of(type_name), olds, news)
    assert (found.replaces, found.delete_first) == (replaces, first)


def test_a_services_strategy_does_not_change_without_force() -> None:
    olds: Props = {"capacityProviderStrategies": [{"capacityProvider": "a"}]}
    news: Props = {"capacityProviderStrategies": [{"capacityProvider": "b"}]}
    assert strategy_is_refused(olds, news)
    assert not strategy_is_refused(olds, news | {"forceNewDeployment": True})
    assert not strategy_is_refused(olds, olds)


def test_values_survive_the_wire() -> None:
    props: Props = {"a": [1, 2.5, "x", True, {"b": None}], "c": None}
    assert from_struct(to_struct(props)) == {"a": [1, 2.5, "x", True, {}]}


def test_every_row_says_its_errors_with_their_names() -> None:
    for kind in KINDS.values():
        for text in [kind.duplicate, *(ref.held for ref in kind.refs)]:
            assert text == "" or ": " in text, (kind.token, text)
