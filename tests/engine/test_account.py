"""Every refusal of the stand-in fires, and a landscape that works is not refused."""

import pytest

from tests.engine.landscape import Landscape, containers, refused, token_of, trust
from tests.engine.provider.account import Habits, Refused
from tests.engine.provider.wire import Json, Props

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
