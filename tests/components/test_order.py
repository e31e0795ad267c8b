"""What waits for what: the order of creation, and in reverse that of destruction."""

from dataclasses import replace

import pytest

from neuron_ecs.recording.graph import Recording, Resource
from tests.components.graphs import depends_on, everything, get, graph_of
from tests.components.plans import (
    APS1,
    EFA,
    EVERYTHING,
    GIVEN_POOL,
    INF2,
    RESERVED,
    SPOT,
    TRN1,
    USE2,
)

SERVICE = "ecs/service:Service"
PROVIDER = "ecs/capacityProvider:CapacityProvider"
ATTACHMENT = "ecs/clusterCapacityProviders:ClusterCapacityProviders"
CLUSTER = "ecs/cluster:Cluster"
GROUP = "autoscaling/group:Group"
TEMPLATE = "ec2/launchTemplate:LaunchTemplate"
DEFINITION = "ecs/taskDefinition:TaskDefinition"
LOGS = "cloudwatch/logGroup:LogGroup"
RULE = "lb/listenerRule:ListenerRule"
ROUTE = "ec2/route:Route"
NAT = "ec2/natGateway:NatGateway"
POLICY = "iam/rolePolicyAttachment:RolePolicyAttachment"
INLINE = "iam/rolePolicy:RolePolicy"
PROFILE = "iam/instanceProfile:InstanceProfile"
EGRESS = "vpc/securityGroupEgressRule:SecurityGroupEgressRule"
INGRESS = "vpc/securityGroupIngressRule:SecurityGroupIngressRule"
TARGET = "appautoscaling/target:Target"
SCHEDULE = "scheduler/schedule:Schedule"

AUTO_SCALING = "usw2_auto-scaling"
MANAGED = "usw2_managed-instances"
INSTANCE_POLICY = "instance_AmazonEC2ContainerServiceforEC2Role"
MANAGED_POLICY = "ecsInstanceRole-managed_AmazonECSInstanceRolePolicyForManagedInstances"
INFRASTRUCTURE_POLICY = "infrastructure_AmazonECSInfrastructureRolePolicyForManagedInstances"

ARROWS = [
    (SERVICE, "usw2_llama_d0-1", DEFINITION, "usw2_llama_d0-1"),
    (SERVICE, "usw2_llama_d0-1", ATTACHMENT, AUTO_SCALING),
    (SERVICE, "usw2_llama_d0-1", PROVIDER, INF2.key),
    (SERVICE, "usw2_llama_d0-1", RULE, "usw2_llama"),
    (SERVICE, "usw2_llama_d0-1", LOGS, "usw2_llama"),
    (SERVICE, "usw2_llama_d0-1", POLICY, "execution_AmazonECSTaskExecutionRolePolicy"),
    (SERVICE, "usw2_llama_d0-1", INLINE, "llama-task_s3-read"),
    (SERVICE, "usw2_llama_d2-3", SERVICE, "usw2_llama_d0-1"),
    (SERVICE, "usw2_tuner_all", PROVIDER, TRN1.key),
    (SERVICE, "usw2_tuner_all", EGRESS, "us-west-2_tasks_to_anywhere"),
    (TARGET, "usw2_llama_d0-1", SERVICE, "usw2_llama_d0-1"),
    (SCHEDULE, "usw2_nightly", ATTACHMENT, AUTO_SCALING),
    (SCHEDULE, "usw2_nightly", INLINE, "scheduler_run-task"),
    (SCHEDULE, "usw2_nightly", LOGS, "usw2_nightly"),
    (ATTACHMENT, AUTO_SCALING, CLUSTER, AUTO_SCALING),
    *((ATTACHMENT, AUTO_SCALING, PROVIDER, pool.key) for pool in (INF2, EFA, SPOT, RESERVED)),
    (PROVIDER, INF2.key, GROUP, INF2.key),
    (GROUP, INF2.key, TEMPLATE, INF2.key),
    (GROUP, INF2.key, ROUTE, "usw2_network_private_usw2-az1"),
    (TEMPLATE, INF2.key, CLUSTER, AUTO_SCALING),
    (TEMPLATE, INF2.key, PROFILE, "instance"),
    (TEMPLATE, INF2.key, POLICY, INSTANCE_POLICY),
    (TEMPLATE, INF2.key, EGRESS, "usw2_auto-scaling_instances_to_anywhere"),
    (TEMPLATE, INF2.key, NAT, "usw2_network_nat_usw2-az1"),
    (TEMPLATE, EFA.key, INGRESS, "usw2_auto-scaling_efa"),
    (PROVIDER, TRN1.key, CLUSTER, MANAGED),
    (PROVIDER, TRN1.key, PROFILE, "ecsInstanceRole-managed"),
    (PROVIDER, TRN1.key, POLICY, MANAGED_POLICY),
    (PROVIDER, TRN1.key, POLICY, INFRASTRUCTURE_POLICY),
    (PROVIDER, TRN1.key, ROUTE, "usw2_network_private_usw2-az1"),
    (PROVIDER, TRN1.key, NAT, "usw2_network_nat_usw2-az1"),
    (PROVIDER, TRN1.key, EGRESS, "usw2_managed-instances_instances_to_anywhere"),
    (PROVIDER, GIVEN_POOL.key, POLICY, INFRASTRUCTURE_POLICY),
    (TEMPLATE, "aps1_inf2", "ec2/vpcEndpoint:VpcEndpoint", "aps1_network_ecs"),
    (TEMPLATE, "aps1_inf2", INGRESS, "aps1_network_endpoints"),
    (NAT, "usw2_network_nat_usw2-az1", ROUTE, "usw2_network_public"),
]


def _reaches(recording: Recording, later: Resource, earlier: Resource) -> bool:
    return earlier.urn in depends_on(recording, later)


@pytest.mark.parametrize(
    ("later", "later_name", "earlier", "earlier_name"),
    ARROWS,
    ids=[f"{a.rpartition(':')[2]}-{b}-{c.rpartition(':')[2]}-{d}" for a, b, c, d in ARROWS],
)
def test_later_waits_for_earlier_and_goes_before_it(
    later: str, later_name: str, earlier: str, earlier_name: str
) -> None:
    graph = everything()
    assert _reaches(graph, get(graph, later, later_name), get(graph, earlier, earlier_name))


def test_one_regions_resources_never_wait_for_anothers() -> None:
    graph = everything()
    regions = {r.urn: r.inputs.get("region") for r in graph.resources}
    for resource in graph.resources:
        own = regions[resource.urn]
        crossing = {regions[urn] for urn in depends_on(graph, resource) if own is not None} - {
            own,
            None,
        }
        assert not crossing, f"{resource.name} in {own} waits for {crossing}"


def test_a_pool_is_the_same_resource_whatever_stands_beside_it() -> None:
    alone = graph_of(replace(EVERYTHING, regions=(USE2,)))
    beside = graph_of(replace(EVERYTHING, regions=(APS1, USE2)))
    assert {r.urn for r in alone.resources} <= {r.urn for r in beside.resources}
