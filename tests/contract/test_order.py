"""Laws over who waits for whom, at creation and in reverse at destruction."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from neuron_ecs.recording.graph import Recording, Resource, short_type
from tests.contract.graphs import CORNERS, graph
from tests.contract.whole_graph import Graph, every_file, graph_of, is_managed, is_service, urns_of
from tests.recorder import of_type


def services_wait_for_all_that_their_tasks_need(built: Graph) -> Iterator[str]:
    """A service is created into a void, or at destruction loses what its tasks need to stop."""
    for service in built.of("ecs.Service"):
        clusters = built.refers(service, "cluster")
        definitions = built.refers(service, "taskDefinition")
        if len(clusters) != 1 or len(definitions) != 1:
            yield f"{service.name}: refers to no cluster or no task definition of the stack"
        groups = urns_of(built.refers(service, "loadBalancers"))
        rules = (r for r in built.of("lb.ListenerRule") if urns_of(built.refers(r)) & groups)
        yield from built.missing(
            service,
            [
                *clusters,
                *(r for d in definitions for r in _what_tasks_need(built, d)),
                *rules,
                *built.ways_out(service.inputs["region"]),
            ],
        )


def _what_tasks_need(built: Graph, definition: Resource) -> list[Resource]:
    roles = built.refers(definition, "taskRoleArn", "executionRoleArn")
    written_to = {
        c["logConfiguration"]["options"]["awslogs-group"]
        for c in json.loads(definition.inputs["containerDefinitions"])
    }
    logs = [
        r
        for r in built.of("cloudwatch.LogGroup")
        if r.inputs["name"] in written_to and r.inputs["region"] == definition.inputs["region"]
    ]
    return [definition, *roles, *built.policies(definition, *roles), *logs]


def users_of_a_provider_wait_for_its_attachment(built: Graph) -> Iterator[str]:
    """AWS refuses a provider that is not attached, and detaches none that is in use."""
    for user in (*built.of("ecs.Service"), *built.of("scheduler.Schedule")):
        path = "capacityProviderStrategies" if is_service(user) else "target"
        providers = [r for r in built.refers(user, path) if r.type.endswith(":CapacityProvider")]
        yield from built.missing(user, providers)
        for attachment in built.of("ecs.ClusterCapacityProviders"):
            if urns_of(providers) & urns_of(built.refers(attachment, "capacityProviders")):
                yield from built.missing(user, [attachment])


def schedules_wait_for_all_that_they_start(built: Graph) -> Iterator[str]:
    """A schedule that fires at once would be refused, and retries only for an hour."""
    for schedule in built.of("scheduler.Schedule"):
        target = built.refers(schedule, "target")
        for definition in (r for r in target if r.type.endswith(":TaskDefinition")):
            yield from built.missing(schedule, _what_tasks_need(built, definition))
        roles = [r for r in target if r.type.endswith(":Role")]
        ways = built.ways_out(schedule.inputs["region"])
        yield from built.missing(schedule, [*target, *built.policies(schedule, *roles), *ways])


def instances_of_ours_wait_for_what_they_join_and_leave_by(built: Graph) -> Iterator[str]:
    """An instance that cannot reach ECS, or may not, neither joins nor drains."""
    for template in built.of("ec2.LaunchTemplate"):
        profiles = built.refers(template, "iamInstanceProfile")
        roles = [r for p in profiles for r in built.refers(p, "role")]
        clusters = [r for r in built.refers(template, "userData") if r.type.endswith(":Cluster")]
        if len(profiles) != 1 or len(clusters) != 1:
            yield f"{template.name}: refers to {len(profiles)} profiles, {len(clusters)} clusters"
        yield from built.missing(
            template,
            [
                *clusters,
                *profiles,
                *built.policies(template, *roles),
                *built.ways_out(template.inputs["region"]),
            ],
        )
    for group in built.of("autoscaling.Group"):
        if not built.refers(group, "launchTemplate"):
            yield f"{group.name}: refers to no launch template"


def managed_instances_wait_for_what_aws_checks_at_creation(built: Graph) -> Iterator[str]:
    """No property refers to policies and routes; AWS refuses or hangs without them."""
    for provider in built.of("ecs.CapacityProvider"):
        if not is_managed(provider):
            continue
        used = built.refers(provider, "managedInstancesProvider")
        profiles = [r for r in used if r.type.endswith(":InstanceProfile")]
        roles = [r for r in used if r.type.endswith(":Role")]
        roles += [r for p in profiles for r in built.refers(p, "role")]
        if len(roles) != 2:
            yield f"{provider.name}: refers to {len(roles)} roles, not to two"
        yield from built.missing(
            provider,
            [*used, *built.policies(provider, *roles), *built.ways_out(provider.inputs["region"])],
        )


def clusters_outlive_everything_in_them(built: Graph) -> Iterator[str]:
    """A cluster with instances, services or providers cannot be deleted."""
    for user in (
        *built.of("ecs.CapacityProvider"),
        *built.of("ecs.ClusterCapacityProviders"),
        *built.of("ecs.Service"),
        *built.of("appautoscaling.Target"),
    ):
        if not any(built.by_urn[u].type == "aws:ecs/cluster:Cluster" for u in built.needs(user)):
            yield f"{short_type(user.type)} {user.name} waits for no cluster"


def providers_wait_for_their_group_and_attachments_for_their_providers(
    built: Graph,
) -> Iterator[str]:
    """The group must not go while a provider scales it, nor the provider while it is attached."""
    for provider in built.of("ecs.CapacityProvider"):
        if not is_managed(provider):
            groups = built.refers(provider, "autoScalingGroupProvider")
            if not any(g.type.endswith(":Group") for g in groups):
                yield f"{provider.name}: refers to no Auto Scaling group"
    for attachment in built.of("ecs.ClusterCapacityProviders"):
        attached = built.refers(attachment, "capacityProviders")
        if len(attached) != len(attachment.inputs["capacityProviders"]):
            yield f"{attachment.name}: waits for {len(attached)} of the providers that it lists"


def scaling_targets_wait_for_their_service(built: Graph) -> Iterator[str]:
    """Application Auto Scaling refuses a target that does not exist."""
    for target in built.of("appautoscaling.Target"):
        if not any(is_service(r) for r in built.refers(target, "resourceId")):
            yield f"{target.name}: refers to no service"


def what_maps_public_addresses_goes_before_its_gateway(built: Graph) -> Iterator[str]:
    """An internet gateway cannot be detached while addresses are mapped through it."""
    for user in (*built.of("ec2.NatGateway"), *built.of("ec2.Eip")):
        region = user.inputs["region"]
        gateways = [g for g in built.of("ec2.InternetGateway") if g.inputs["region"] == region]
        yield from built.missing(user, gateways)


ORDER_LAWS = {
    services_wait_for_all_that_their_tasks_need: (
        "ecs.TaskDefinition",
        "ecs.Cluster",
        "cloudwatch.LogGroup",
        "lb.ListenerRule",
        "iam.RolePolicy",
        "iam.RolePolicyAttachment",
        "ec2.Route",
        "ec2.NatGateway",
        "ec2.VpcEndpoint",
        "vpc.SecurityGroupEgressRule",
        "vpc.SecurityGroupIngressRule",
    ),
    users_of_a_provider_wait_for_its_attachment: ("ecs.ClusterCapacityProviders",),
    schedules_wait_for_all_that_they_start: (
        "cloudwatch.LogGroup",
        "iam.RolePolicy",
        "iam.RolePolicyAttachment",
        "ec2.Route",
    ),
    instances_of_ours_wait_for_what_they_join_and_leave_by: (
        "ecs.Cluster",
        "ec2.LaunchTemplate",
        "iam.InstanceProfile",
        "iam.RolePolicyAttachment",
        "ec2.Route",
        "ec2.VpcEndpoint",
        "vpc.SecurityGroupEgressRule",
    ),
    managed_instances_wait_for_what_aws_checks_at_creation: (
        "iam.Role",
        "iam.InstanceProfile",
        "iam.RolePolicyAttachment",
        "ec2.Route",
        "ec2.NatGateway",
        "vpc.SecurityGroupEgressRule",
    ),
    clusters_outlive_everything_in_them: ("ecs.Cluster",),
    providers_wait_for_their_group_and_attachments_for_their_providers: (
        "autoscaling.Group",
        "ecs.CapacityProvider",
    ),
    scaling_targets_wait_for_their_service: ("ecs.Service",),
    what_maps_public_addresses_goes_before_its_gateway: ("ec2.InternetGateway", "ec2.Route"),
}
"""Each law, and the types without whose edges it must complain: its proof that it looks."""


@every_file
@pytest.mark.parametrize("law", ORDER_LAWS, ids=lambda law: law.__name__)
def test_order(file: str, law: Callable[[Graph], Iterator[str]]) -> None:
    assert list(law(graph_of(file))) == [], law.__doc__


@pytest.mark.parametrize(
    ("law", "type_"),
    [(law, type_) for law, types in ORDER_LAWS.items() for type_ in types],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_law_of_order_complains_when_nobody_waits_for(
    law: Callable[[Graph], Iterator[str]], type_: str
) -> None:
    assert list(law(Graph(_without_edges_to(graph(CORNERS), type_)))) != []


def _without_edges_to(recording: Recording, type_: str) -> Recording:
    cut = urns_of(of_type(recording, type_))
    assert cut, f"{CORNERS} has no {type_}"
    return replace(
        recording,
        resources=tuple(
            replace(
                r,
                dependencies=tuple(u for u in r.dependencies if u not in cut),
                property_dependencies={
                    p: tuple(u for u in urns if u not in cut)
                    for p, urns in r.property_dependencies.items()
                },
            )
            for r in recording.resources
        ),
    )


@every_file
def test_load_balancers_listen_before_rules_and_rules_before_services(file: str) -> None:
    built = graph_of(file)
    for rule in built.of("lb.ListenerRule"):
        kinds = {short_type(r.type) for r in built.refers(rule)}
        assert kinds == {"lb.Listener", "lb.TargetGroup"}
    for service in built.of("ecs.Service"):
        for group in built.refers(service, "loadBalancers"):
            rules = [r for r in built.of("lb.ListenerRule") if group in built.refers(r)]
            assert rules, f"{group.name}: AWS refuses a target group that no load balancer has"
    used = {g.urn for s in built.of("ecs.Service") for g in built.refers(s, "loadBalancers")}
    for group in built.of("lb.TargetGroup"):
        assert group.urn in used, f"{group.name}: no service registers its tasks there"
