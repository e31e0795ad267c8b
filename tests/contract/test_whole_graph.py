"""Laws over the whole graph of every stack file: one law, one test.

They hold what no component can see alone: Regions, tags, names, who waits for whom, and what the
stack says about itself.
"""

import functools
import ipaddress
import json
import shlex
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from neuron_ecs.recording.graph import UNKNOWN, Recording, Resource, short_type
from neuron_ecs.recording.placeholders import ACCOUNT
from tests.contract import aws_model
from tests.contract.graphs import CORNERS, EVERY_FILE, ROOT, aws_resources, graph, texts
from tests.recorder import of_type, output_names, record_program

COMPONENT = "neuron-ecs:components:"
LOCKS = range(20_000, 20_064)
"""Host ports that stand for Neuron devices; no instance type has more than 64."""

every_file = pytest.mark.parametrize("file", EVERY_FILE)


class Graph:
    """A recording, and who needs whom in it."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.by_urn = {r.urn: r for r in self.recording.resources}
        self.aws = aws_resources(self.recording)
        self._closure: dict[str, frozenset[str]] = {}

    def of(self, type_: str) -> list[Resource]:
        """All resources of a type such as `ecs.Service`."""
        return of_type(self.recording, type_)

    def refers(self, resource: Resource, *path: str) -> list[Resource]:
        """The resources that an input refers to; of all inputs where none is named."""
        dependencies = resource.property_dependencies
        return [self.by_urn[u] for p in path or dependencies for u in dependencies.get(p, ())]

    def needs(self, resource: Resource) -> frozenset[str]:
        """URNs of what stands before the resource is made and until it is gone."""
        found = self._closure.get(resource.urn)
        if found is None:
            direct = {
                *resource.dependencies,
                *(u for urns in resource.property_dependencies.values() for u in urns),
            }
            found = frozenset(direct).union(*(self.needs(self.by_urn[u]) for u in direct))
            self._closure[resource.urn] = found
        return found

    def ancestors(self, resource: Resource) -> Iterator[Resource]:
        """The components above a resource, nearest first."""
        while resource.parent in self.by_urn:
            resource = self.by_urn[resource.parent]
            yield resource

    def region(self, resource: Resource) -> str | None:
        """The Region of the component that the resource stands in."""
        above = (c.name for c in self.ancestors(resource) if c.type == f"{COMPONENT}Region")
        return next(above, None)

    def cluster(self, provider: Resource) -> Resource:
        """The cluster of a capacity provider: named, or joined by its instances' user data."""
        if "managedInstancesProvider" in provider.inputs:
            (cluster,) = self.refers(provider, "cluster")
            return cluster
        (group,) = self.refers(provider, "autoScalingGroupProvider")
        (template,) = self.refers(group, "launchTemplate")
        (cluster,) = [r for r in self.refers(template, "userData") if "Cluster" in r.type]
        return cluster

    def policies(self, user: Resource, *roles: Resource) -> list[Resource]:
        """What makes roles usable for a user and no ARN of a role refers to.

        A policy that is about a cluster concerns who refers to that cluster as well.
        """
        urns = {role.urn for role in roles}
        kinds = ("iam.RolePolicy", "iam.RolePolicyAttachment")
        return [
            r
            for k in kinds
            for r in self.of(k)
            if urns & _urns(self.refers(r, "role"))
            and _clusters(self.refers(r)) <= _urns(self.refers(user))
        ]

    def statements(self, role: Resource) -> list[dict[str, Any]]:
        """Everything that the inline policies of a role allow, in all Regions."""
        return [
            statement
            for r in self.of("iam.RolePolicy")
            if role in self.refers(r, "role")
            for statement in json.loads(r.inputs["policy"])["Statement"]
        ]

    def ways_out(self, region: str | None) -> list[Resource]:
        """What a Region's instances and tasks need to reach ECS, and who may reach them."""
        kinds = (
            "ec2.Route",
            "ec2.RouteTableAssociation",
            "ec2.NatGateway",
            "ec2.InternetGateway",
            "ec2.VpcEndpoint",
            "vpc.SecurityGroupEgressRule",
            "vpc.SecurityGroupIngressRule",
        )
        return [r for k in kinds for r in self.of(k) if r.inputs.get("region", region) == region]

    def missing(self, resource: Resource, needed: Iterable[Resource]) -> list[str]:
        """What the resource should wait for and does not, as readable lines."""
        waits = self.needs(resource)
        return [
            f"{short_type(resource.type)} {resource.name} does not wait for "
            f"{short_type(n.type)} {n.name}"
            for n in needed
            if n.urn not in waits
        ]


@functools.cache
def _of(file: str) -> Graph:
    return Graph(graph(file))


def _settings(file: str, key: str) -> Any:
    return json.loads(texts(file).config.get(f"{texts(file).project}:{key}", "{}"))


def _is_service(resource: Resource) -> bool:
    return resource.type == "aws:ecs/service:Service"


def _urns(resources: Iterable[Resource]) -> set[str]:
    return {r.urn for r in resources}


def _clusters(resources: Iterable[Resource]) -> set[str]:
    return _urns(r for r in resources if r.type.endswith(":Cluster"))


def _is_managed(provider: Resource) -> bool:
    return "managedInstancesProvider" in provider.inputs


def _of_all_regions(resource: Resource) -> bool:
    """The Slack channel, which has one configuration for the topics of every Region, and the
    certificates that one record validates."""
    return resource.type.startswith("aws:chatbot/") or "SharedCertificate" in resource.urn


# ---- where things are ----------------------------------------------------------------------


@every_file
def test_every_regional_resource_states_the_region_of_its_component(file: str) -> None:
    built = _of(file)
    wrong = [
        f"{short_type(r.type)} {r.name}: {r.inputs.get('region')}, in {built.region(r)}"
        for r in built.aws
        if r.inputs.get("region") != (built.region(r) if "region" in output_names(r.type) else None)
        and not _of_all_regions(r)
    ]
    assert wrong == [], "a Region is not inherited: what states none lands in the provider's own"


@every_file
def test_what_stands_in_no_region_is_global(file: str) -> None:
    built = _of(file)
    alone = (r for r in built.aws if built.region(r) is None and not _of_all_regions(r))
    assert {r.type.split(":")[1].split("/")[0] for r in alone} == {"iam"}, (
        "IAM is global and is built once; everything else is in a Region"
    )


@every_file
def test_only_the_top_components_have_the_stack_as_parent(file: str) -> None:
    built = _of(file)
    at_top = {r.type for r in built.recording.resources if r.parent == built.recording.stack_urn}
    at_top -= {f"{COMPONENT}SharedCertificate", f"{COMPONENT}SlackChannel"}
    assert at_top == {f"{COMPONENT}Roles", f"{COMPONENT}Region"}


@every_file
def test_there_is_a_component_for_each_region_of_the_stack_file(file: str) -> None:
    found = {r.name for r in _of(file).recording.resources if r.type == f"{COMPONENT}Region"}
    assert found == set(_settings(file, "regions"))


@every_file
def test_everything_is_under_the_one_default_provider(file: str) -> None:
    built = _of(file)
    assert [r.name for r in built.recording.resources if r.type.startswith("pulumi:")] == []
    assert {r.provider for r in built.aws} == {None}, (
        "a provider process costs hundreds of MB; region= on the resource costs nothing"
    )


@every_file
def test_regions_stand_alone(file: str) -> None:
    built = _of(file)
    crossing = [
        f"{r.name} in {built.region(r)} waits for {needed.name} in {built.region(needed)}"
        for r in built.aws
        for needed in (built.by_urn[u] for u in built.needs(r))
        if built.region(needed) not in {None, built.region(r)} and not _of_all_regions(r)
    ]
    assert crossing == [], "a Region that is out of order would hold up another one"


@every_file
def test_roles_wait_for_no_region(file: str) -> None:
    built = _of(file)
    inside = [
        r.name
        for r in built.aws
        if built.region(r) is None
        and not _of_all_regions(r)
        and any(built.region(built.by_urn[u]) for u in built.needs(r))
    ]
    assert inside == []


# ---- names and tags ------------------------------------------------------------------------


@every_file
def test_no_two_resources_have_one_name_in_its_scope(file: str) -> None:
    built = _of(file)
    seen: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for resource in built.aws:
        name = resource.inputs.get("family", resource.inputs.get("name", resource.name))
        scope = resource.inputs.get("region")
        within = [r.urn for r in built.refers(resource, "cluster")] if _is_service(resource) else []
        seen[resource.type, scope, *within, name].append(resource.urn)
    assert [urns for urns in seen.values() if len(urns) > 1] == []


@every_file
def test_only_what_people_or_policies_know_by_name_has_a_name_of_ours(file: str) -> None:
    named = {short_type(r.type) for r in _of(file).aws if {"name", "namePrefix"} & r.inputs.keys()}
    assert named <= {
        "cloudwatch.LogGroup",
        "cloudwatch.MetricAlarm",
        "route53.Record",
        "servicediscovery.PrivateDnsNamespace",
        "servicediscovery.Service",
        "sns.Topic",
    }, "with a fixed name a replacement deletes first, while others still use the old one"


@every_file
def test_fixed_names_carry_the_project_and_the_stack(file: str) -> None:
    built = _of(file)
    given = texts(file)
    names = [r.inputs["name"] for r in built.of("cloudwatch.LogGroup")]
    starts = (f"{given.project}-{given.stack} ", f"{given.project}_{given.stack}_")
    seen = [r.inputs["name"] for k in ("cloudwatch.MetricAlarm", "sns.Topic") for r in built.of(k)]
    assert [n for n in seen if not n.startswith(starts)] == []
    families = [r.inputs["family"] for r in built.of("ecs.TaskDefinition")]
    assert [n for n in names if not n.startswith(f"/{given.project}/{given.stack}/")] == []
    assert [f for f in families if not f.startswith(f"{given.project}_{given.stack}_")] == [], (
        "two stacks in one account would write to one family"
    )


@every_file
def test_everything_that_takes_tags_has_those_of_the_stack(file: str) -> None:
    tags: dict[str, str] = _settings(file, "tags")
    untagged: list[str] = []
    for resource in _of(file).aws:
        if "tags" not in output_names(resource.type):
            continue
        listed: Any = resource.inputs.get("tags", {})
        given: dict[str, str] = (
            {t["key"]: t["value"] for t in cast("list[Any]", listed)}
            if isinstance(listed, list)
            else listed
        )
        if not {*tags.items(), ("Name", given.get("Name"))} <= set(given.items()):
            untagged.append(f"{short_type(resource.type)} {resource.name}: {given}")
    assert untagged == [], "default tags of the provider do not reach all of these"


@every_file
def test_tags_reach_instances_volumes_and_tasks(file: str) -> None:
    built = _of(file)
    tags: dict[str, str] = _settings(file, "tags")
    for template in built.of("ec2.LaunchTemplate"):
        specified = {s["resourceType"]: s["tags"] for s in template.inputs["tagSpecifications"]}
        assert set(specified) == {"instance", "volume", "network-interface"}
        assert all(tags.items() <= s.items() for s in specified.values())
    for group in built.of("autoscaling.Group"):
        assert all(t["propagateAtLaunch"] is True for t in group.inputs["tags"])
    for service in built.of("ecs.Service"):
        assert (service.inputs["propagateTags"], service.inputs["enableEcsManagedTags"]) == (
            "SERVICE",
            True,
        )
    for schedule in built.of("scheduler.Schedule"):
        started = schedule.inputs["target"]["ecsParameters"]
        assert (started["propagateTags"], started["enableEcsManagedTags"]) == (
            "TASK_DEFINITION",
            True,
        )
    for provider in built.of("ecs.CapacityProvider"):
        if _is_managed(provider):
            managed = provider.inputs["managedInstancesProvider"]
            assert managed["propagateTags"] == "CAPACITY_PROVIDER"


@every_file
def test_groups_declare_the_tag_that_ecs_adds(file: str) -> None:
    for group in _of(file).of("autoscaling.Group"):
        assert {"key": "AmazonECSManaged", "value": "", "propagateAtLaunch": True} in group.inputs[
            "tags"
        ], "left undeclared, the next update would remove it, and managed scaling stops"


# ---- who waits for whom: creation, and in reverse destruction ------------------------------


def services_wait_for_all_that_their_tasks_need(built: Graph) -> Iterator[str]:
    """A service is created into a void, or at destruction loses what its tasks need to stop."""
    for service in built.of("ecs.Service"):
        clusters = built.refers(service, "cluster")
        definitions = built.refers(service, "taskDefinition")
        if len(clusters) != 1 or len(definitions) != 1:
            yield f"{service.name}: refers to no cluster or no task definition of the stack"
        groups = _urns(built.refers(service, "loadBalancers"))
        rules = (r for r in built.of("lb.ListenerRule") if _urns(built.refers(r)) & groups)
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
        path = "capacityProviderStrategies" if _is_service(user) else "target"
        providers = [r for r in built.refers(user, path) if r.type.endswith(":CapacityProvider")]
        yield from built.missing(user, providers)
        for attachment in built.of("ecs.ClusterCapacityProviders"):
            if _urns(providers) & _urns(built.refers(attachment, "capacityProviders")):
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
        if not _is_managed(provider):
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
        if not _is_managed(provider):
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
        if not any(_is_service(r) for r in built.refers(target, "resourceId")):
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
    assert list(law(_of(file))) == [], law.__doc__


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
    cut = _urns(of_type(recording, type_))
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
    built = _of(file)
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


# ---- capacity ------------------------------------------------------------------------------


@every_file
def test_attachments_list_the_auto_scaling_providers_of_their_cluster_and_no_others(
    file: str,
) -> None:
    built = _of(file)
    expected: dict[str, set[str]] = defaultdict(set)
    for provider in built.of("ecs.CapacityProvider"):
        if not _is_managed(provider):
            expected[built.cluster(provider).urn].add(provider.urn)
    found: dict[str, set[str]] = {}
    for attachment in built.of("ecs.ClusterCapacityProviders"):
        (cluster,) = built.refers(attachment, "clusterName")
        assert cluster.urn not in found, "the second attachment would detach what the first lists"
        found[cluster.urn] = _urns(built.refers(attachment, "capacityProviders"))
        assert len(attachment.inputs["capacityProviders"]) == len(found[cluster.urn])
    assert found == dict(expected), (
        "what the call leaves out is detached; Managed Instances providers attach themselves"
    )


@every_file
def test_a_cluster_has_one_kind_of_capacity(file: str) -> None:
    built = _of(file)
    kinds: dict[str, set[bool]] = defaultdict(set)
    for provider in built.of("ecs.CapacityProvider"):
        kinds[built.cluster(provider).urn].add(_is_managed(provider))
    assert all(len(k) == 1 for k in kinds.values())
    assert set(kinds) == _urns(built.of("ecs.Cluster")), "a cluster without capacity runs nothing"


@every_file
def test_attachments_alone_are_deleted_before_they_are_replaced(file: str) -> None:
    built = _of(file)
    first = {short_type(r.type) for r in built.aws if r.options.get("delete_before_replace")}
    assert first <= {
        "autoscaling.Schedule",  # no two actions of a group have one time
        "ecs.ClusterCapacityProviders",
        "servicediscovery.Service",  # one of another record type has the same name
        "wafv2.WebAclAssociation",
    }
    for association in built.of("wafv2.WebAclAssociation"):
        assert association.options.get("delete_before_replace") is True, (
            "its deletion takes whatever web ACL the load balancer has by then"
        )
    for attachment in built.of("ecs.ClusterCapacityProviders"):
        assert attachment.options.get("delete_before_replace") is True, (
            "its deletion empties the cluster's list, whoever wrote it last"
        )
        assert not attachment.inputs.get("defaultCapacityProviderStrategies"), (
            "a service without a strategy of its own would inherit it, and refresh fails on that"
        )


@every_file
def test_a_group_has_one_provider_and_protects_what_that_one_protects(file: str) -> None:
    built = _of(file)
    groups: list[str] = []
    for provider in built.of("ecs.CapacityProvider"):
        if _is_managed(provider):
            continue
        (group,) = built.refers(provider, "autoScalingGroupProvider")
        groups.append(group.urn)
        scaled = provider.inputs["autoScalingGroupProvider"]
        protects = scaled["managedTerminationProtection"] == "ENABLED"
        assert protects == group.inputs["protectFromScaleIn"], (
            "managed termination protection needs protection from scale-in, and its absence none"
        )
        assert not protects or scaled["managedScaling"]["status"] == "ENABLED"
        assert provider.name == group.name, "the key of a pool is one: what moves, moves whole"
    assert sorted(groups) == sorted(_urns(built.of("autoscaling.Group"))), (
        "AWS refuses a second provider for one group"
    )


@every_file
def test_groups_wait_for_no_capacity_and_state_no_desired_one(file: str) -> None:
    for group in _of(file).of("autoscaling.Group"):
        assert group.inputs["waitForCapacityTimeout"] == "0", (
            "Neuron capacity may take hours to come; the update would fail meanwhile"
        )
        assert "desiredCapacity" not in group.inputs, "ECS moves it; each update would move it back"


# ---- services ------------------------------------------------------------------------------


@every_file
def test_no_service_forces_deployments(file: str) -> None:
    for service in _of(file).of("ecs.Service"):
        assert not {"forceNewDeployment", "triggers", "forceDelete"} & service.inputs.keys(), (
            "every later update, of a tag even, would restart the tasks"
        )


def _is_daemon(service: Resource) -> bool:
    """Whether it runs one task on each instance, by launch type: AWS gives it no provider."""
    return service.inputs.get("schedulingStrategy") == "DAEMON"


@every_file
def test_the_desired_count_is_left_alone_where_something_scales_it(file: str) -> None:
    built = _of(file)
    scaled = {r.urn for t in built.of("appautoscaling.Target") for r in built.refers(t)}
    for service in built.of("ecs.Service"):
        ignored = service.options.get("ignore_changes", [])
        assert ignored == (["desiredCount"] if service.urn in scaled else [])
        if _is_daemon(service):
            continue
        assert "desiredCount" in service.inputs, "a service without one is scaled to zero"


@every_file
def test_whoever_names_a_provider_tries_again_until_it_is_active(file: str) -> None:
    built = _of(file)
    services = (s for s in built.of("ecs.Service") if not _is_daemon(s))
    for user in (*services, *built.of("ecs.ClusterCapacityProviders")):
        assert user.options.get("hooks", {}).get("on_error"), (
            "creating a provider answers before it is ACTIVE, and nothing in the engine waits"
        )


@every_file
def test_services_that_are_waited_for_have_time_to_become_steady(file: str) -> None:
    wanted: bool = json.loads(
        texts(file).config.get(f"{texts(file).project}:wait_for_steady_state", "true")
    )
    for service in _of(file).of("ecs.Service"):
        if _is_daemon(service):
            assert service.inputs["waitForSteadyState"] is False, "no model waits for what watches"
            continue
        assert service.inputs["waitForSteadyState"] is wanted
        assert set(service.options["custom_timeouts"]) == {"create", "update", "delete"}, (
            "the provider's 20 minutes end before a cold instance has pulled its image"
        )


@every_file
def test_old_revisions_stay_for_the_rollback(file: str) -> None:
    built = _of(file)
    for definition in built.of("ecs.TaskDefinition"):
        assert definition.inputs["skipDestroy"] is True, "nothing starts from an inactive revision"
    for service in built.of("ecs.Service"):
        assert set(service.inputs["deploymentCircuitBreaker"]) == {"enable", "rollback"}


@every_file
def test_every_task_definition_is_started_by_something(file: str) -> None:
    built = _of(file)
    used = {r.urn for s in built.of("ecs.Service") for r in built.refers(s, "taskDefinition")}
    commands = json.dumps(built.recording.outputs["run_commands"])
    unused = [
        d.name
        for d in built.of("ecs.TaskDefinition")
        if d.urn not in used and f"task-definition/{d.inputs['family']}:" not in commands
    ]
    assert unused == []


@every_file
def test_every_rule_of_a_security_group_says_what_it_allows(file: str) -> None:
    kinds = ("vpc.SecurityGroupIngressRule", "vpc.SecurityGroupEgressRule")
    built = _of(file)
    assert [r.name for k in kinds for r in built.of(k) if not r.inputs.get("description")] == []


@every_file
def test_what_is_recorded_and_protected_is_so_in_every_region(file: str) -> None:
    asked = json.loads(texts(file).config.get("neuron-ecs:security", "{}"))
    built = _of(file)
    balancers, networks = built.of("lb.LoadBalancer"), built.of("ec2.Vpc")
    for balancer in balancers:
        logs = balancer.inputs.get("accessLogs")
        assert bool(logs) == ("access_logs" in asked)
        if logs:
            written: str = asked["access_logs"].removeprefix("s3://").partition("/")[0]
            assert logs["bucket"] == written.replace("{region}", balancer.inputs["region"])
        protected = balancer.inputs.get("enableDeletionProtection", False)
        assert protected == asked.get("deletion_protection", False)
    flowing = {u for log in built.of("ec2.FlowLog") for u in _urns(built.refers(log, "vpcId"))}
    assert flowing == (_urns(networks) if "flow_logs" in asked else set())


@every_file
def test_file_systems_are_reached_from_where_tasks_run_and_each_access_point_is_used(
    file: str,
) -> None:
    built = _of(file)
    zones: dict[tuple[str, str], list[str]] = defaultdict(list)
    for target in built.of("efs.MountTarget"):
        (subnet,) = built.refers(target, "subnetId")
        (system,) = built.refers(target, "fileSystemId")
        assert subnet.inputs["region"] == system.inputs["region"] == target.inputs["region"]
        zones[system.inputs["region"], system.name].append(subnet.inputs["availabilityZoneId"])
    assert all(len(found) == len(set(found)) for found in zones.values()), "EFS takes one a zone"
    used: set[str] = set()
    for task in built.of("ecs.TaskDefinition"):
        names = {v["name"] for v in task.inputs.get("volumes") or ()}
        containers = json.loads(task.inputs["containerDefinitions"])
        mounted = [m["sourceVolume"] for c in containers for m in c.get("mountPoints", ())]
        assert set(mounted) == names, f"{task.name}: each volume is mounted, and each mount has one"
        for volume in task.inputs.get("volumes") or ():
            efs = volume.get("efsVolumeConfiguration")
            if efs is not None:
                assert efs["transitEncryption"] == efs["authorizationConfig"]["iam"] == "ENABLED"
                assert efs.get("rootDirectory") is None, "AWS refuses it beside an access point"
                used.add(efs["authorizationConfig"]["accessPointId"])
            objects = volume.get("s3filesVolumeConfiguration")
            if objects is not None:
                assert not {"accessPointArn", "rootDirectory"} <= objects.keys(), "AWS refuses both"
                (role,) = built.refers(task, "taskRoleArn")
                allowed = [p.inputs["policy"] for p in built.policies(task, role)]
                assert any(objects["fileSystemArn"] in text for text in allowed)
    assert used == {f"{point.name}_id" for point in built.of("efs.AccessPoint")}
    for system in built.of("efs.FileSystem"):
        assert system.options.get("protect") == (
            _settings(file, "security").get("deletion_protection") or None
        )


@every_file
def test_whoever_starts_a_task_describes_its_ebs_volume(file: str) -> None:
    built = _of(file)
    deferred = {
        task.inputs["family"]: volume["name"]
        for task in built.of("ecs.TaskDefinition")
        for volume in task.inputs.get("volumes") or ()
        if volume.get("configureAtLaunch")
    }
    for service in built.of("ecs.Service"):
        (task,) = built.refers(service, "taskDefinition")
        given: dict[str, Any] = service.inputs.get("volumeConfiguration") or {}
        assert given.get("name") == deferred.get(task.inputs["family"])
        if given:
            (role,) = built.refers(service, "volumeConfiguration")
            assert given["managedEbsVolume"]["encrypted"] is True
            assert role.urn in built.needs(service)
            assert {r.urn for r in built.policies(service, role)} <= built.needs(service)
    for by_region in built.recording.outputs["run_commands"].values():
        for command in by_region.values():
            request, _ = _run_task(command)
            family = request["taskDefinition"].rpartition("/")[2].partition(":")[0]
            named = {v["name"] for v in request.get("volumeConfigurations", ())}
            assert named == {name for f, name in deferred.items() if f == family}


@every_file
def test_a_task_role_may_mount_through_its_own_access_point_alone(file: str) -> None:
    built = _of(file)
    points = {point.name: point for point in built.of("efs.AccessPoint")}
    for name, point in points.items():
        (policy,) = (p for p in built.of("iam.RolePolicy") if p.name == f"{name}_mount")
        (statement,) = json.loads(policy.inputs["policy"])["Statement"]
        own = {system.name for system in built.refers(point, "fileSystemId")}
        given: str = point.inputs["fileSystemId"]
        assert own <= {r.name for r in built.refers(policy, "policy")}
        assert own or statement["Resource"].endswith(f"file-system/{given}")
        through = statement["Condition"]["ArnEquals"]["elasticfilesystem:AccessPointArn"]
        assert ":access-point/" in through
        assert ":file-system/" in statement["Resource"]
        assert "elasticfilesystem:ClientRootAccess" not in statement["Action"]


@every_file
def test_keys_and_web_acls_are_those_of_the_stack_file_for_each_region(file: str) -> None:
    asked = _settings(file, "security")
    built = _of(file)

    def of(field: str, resource: Resource) -> str | None:
        given: dict[str, str] | str = asked.get(field, {})
        region: str = resource.inputs["region"]
        return given.get(region) if isinstance(given, dict) else given.replace("{region}", region)

    for group in built.of("cloudwatch.LogGroup"):
        assert group.inputs.get("kmsKeyId") == of("kms_keys", group)
    for template in built.of("ec2.LaunchTemplate"):
        for mapping in template.inputs["blockDeviceMappings"]:
            assert mapping["ebs"].get("kmsKeyId") == of("kms_keys", template)
    guarded = {
        u: association.inputs["webAclArn"]
        for association in built.of("wafv2.WebAclAssociation")
        for u in _urns(built.refers(association, "resourceArn"))
    }
    for balancer in built.of("lb.LoadBalancer"):
        assert guarded.get(balancer.urn) == of("web_acl_arns", balancer)


@every_file
def test_sessions_of_ecs_exec_are_recorded_where_they_are_and_roles_may_write(file: str) -> None:
    asked = _settings(file, "security").get("exec_logs", False)
    built = _of(file)
    recorded: set[str] = set()
    for cluster in built.of("ecs.Cluster"):
        given = cluster.inputs["configuration"]["executeCommandConfiguration"]
        assert given["logging"] == ("OVERRIDE" if "logConfiguration" in given else "DEFAULT")
        if "logConfiguration" not in given:
            continue
        (group,) = built.refers(cluster, "configuration")
        assert given["logConfiguration"]["cloudWatchLogGroupName"] == group.inputs["name"]
        key = group.inputs.get("kmsKeyId")
        assert given["logConfiguration"]["cloudWatchEncryptionEnabled"] == (key is not None)
        assert given.get("kmsKeyId") == key
        recorded.add(cluster.urn)
    executed = [s for s in built.of("ecs.Service") if s.inputs.get("enableExecuteCommand")]
    for service in executed:
        (cluster,) = built.refers(service, "cluster")
        assert (cluster.urn in recorded) == asked
        (task,) = built.refers(service, "taskDefinition")
        (role,) = built.refers(task, "taskRoleArn")
        found = {a for s in built.statements(role) for a in _actions(s)}
        assert ("logs:PutLogEvents" in found) == asked
    assert recorded == (_urns(built.of("ecs.Cluster")) if asked else set())


def _actions(statement: Mapping[str, Any]) -> list[str]:
    given: list[str] | str = statement["Action"]
    return [given] if isinstance(given, str) else given


@every_file
def test_the_endpoint_of_s3_lets_pass_what_the_stack_file_names_and_buckets_of_aws(
    file: str,
) -> None:
    """A policy of an endpoint allows nothing beyond: it stands in the way of all other rights."""
    accounts: list[str] | None = _settings(file, "security").get("s3_accounts")
    for endpoint in _of(file).of("ec2.VpcEndpoint"):
        if endpoint.inputs["vpcEndpointType"] != "Gateway":
            continue
        first, *rest = json.loads(endpoint.inputs["policy"])["Statement"]
        assert (first["Resource"], first["Principal"]) == ("*", "*")
        if accounts is None:
            assert (first["Action"], rest, "Condition" in first) == ("*", [], False)
            continue
        named = {"StringEquals": {"aws:ResourceAccount": [ACCOUNT, *accounts]}}
        assert first["Condition"] == named
        (read,) = rest
        assert read["Action"] == "s3:GetObject"
        region = endpoint.inputs["region"]
        assert f"arn:aws:s3:::prod-{region}-starport-layer-bucket/*" in read["Resource"]
        assert all(f"{region}" in arn and ":::*" not in arn for arn in read["Resource"])


# ---- identity and access -------------------------------------------------------------------


@every_file
def test_every_role_is_used(file: str) -> None:
    built = _of(file)
    own = {"iam.RolePolicy", "iam.RolePolicyAttachment"}
    used = {r.urn for x in built.aws if short_type(x.type) not in own for r in built.refers(x)}
    idle = [
        r.name
        for k in ("iam.Role", "iam.InstanceProfile")
        for r in built.of(k)
        if r.urn not in used
    ]
    assert idle == [], "a role that nothing uses is a door that nobody watches"


@every_file
def test_every_role_is_assumed_by_the_service_that_gets_it(file: str) -> None:
    built = _of(file)
    for role in built.of("iam.Role"):
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        users = {
            (short_type(x.type), path)
            for x in built.aws
            for path, urns in x.property_dependencies.items()
            if role.urn in urns and short_type(x.type).split(".")[0] != "iam"
        }
        of_profile = any(role in built.refers(p) for p in built.of("iam.InstanceProfile"))
        expected = {
            "ecs-tasks": {
                ("ecs.TaskDefinition", "taskRoleArn"),
                ("ecs.TaskDefinition", "executionRoleArn"),
            },
            "ecs": {
                ("ecs.CapacityProvider", "managedInstancesProvider"),
                ("ecs.Service", "volumeConfiguration"),
            },
            "scheduler": {("scheduler.Schedule", "target")},
            "chatbot": {("chatbot.SlackChannelConfiguration", "iamRoleArn")},
            "ec2": set[tuple[str, str]](),
        }[statement["Principal"]["Service"].split(".")[0]]
        assert users <= expected, f"{role.name} is given to what cannot assume it"
        assert of_profile == (statement["Principal"]["Service"].startswith("ec2."))


@every_file
def test_services_act_for_this_account_alone_where_aws_documents_the_condition(file: str) -> None:
    built = _of(file)
    for role in built.of("iam.Role"):
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        service = statement["Principal"]["Service"].split(".")[0]
        source = {"ecs-tasks": ("ecs", ""), "scheduler": ("scheduler", "schedule-group/default")}
        if service not in source:
            assert "Condition" not in statement, "one that AWS does not send stops every instance"
            continue
        condition = statement["Condition"]
        assert condition["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
        _, _, owner, region, account, rest = condition["ArnLike"]["aws:SourceArn"].split(":", 5)
        name, group = source[service]
        assert (owner, region, account, rest) == (name, "*", ACCOUNT, group or "*")


@every_file
def test_alarms_of_this_account_and_all_rules_of_events_may_publish(file: str) -> None:
    """EventBridge sends SNS no key for a condition: with one no event arrives (EventBridge User
    Guide, "Amazon SNS permissions")."""
    built = _of(file)
    for policy in built.of("sns.TopicPolicy"):
        alarms, events = json.loads(policy.inputs["policy"])["Statement"]
        assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        assert events["Principal"] == {"Service": "events.amazonaws.com"}
        assert "Condition" not in events
        assert alarms["Action"] == events["Action"] == "sns:Publish"


_CONDITIONS = {
    "cloudwatch:PutMetricData": {"cloudwatch:namespace"},
    "ecs:RunTask": {"ecs:cluster"},
    "ecs:TagResource": {"ecs:CreateAction"},
    "elasticfilesystem:ClientMount": {"elasticfilesystem:AccessPointArn"},
    "elasticfilesystem:ClientWrite": {"elasticfilesystem:AccessPointArn"},
    "iam:PassRole": {"iam:PassedToService"},
    "kms:CreateGrant": {"kms:GrantIsForAWSResource", "kms:ViaService"},
    "s3:ListBucket": {"s3:prefix"},
    "s3files:ClientMount": {"s3files:AccessPointArn"},
    "s3files:ClientWrite": {"s3files:AccessPointArn"},
}
"""The keys of conditions that the Service Authorization Reference lists for an action."""


@every_file
def test_no_condition_has_a_key_that_aws_never_sends_for_the_action(file: str) -> None:
    """Such a statement allows nothing, and nobody says so."""
    built = _of(file)
    for role in built.of("iam.Role"):
        for statement in built.statements(role):
            keys = {key for of in statement.get("Condition", {}).values() for key in of}
            for action in _actions(statement):
                known = _CONDITIONS.get(action, set())
                if action.startswith("kms:"):
                    known = known | {k for k in keys if k.startswith("kms:EncryptionContext:")}
                    known = known | {"kms:ViaService"}
                assert keys <= known, f"{role.name}: {action} has no {keys - known}"


# What the ECS agent calls (amazon-ecs-agent, ecs-agent/api): register, listen, report.
_OF_AGENTS = {
    "ecs:DeregisterContainerInstance",
    "ecs:DiscoverPollEndpoint",
    "ecs:Poll",
    "ecs:RegisterContainerInstance",
    "ecs:StartTelemetrySession",
    "ecs:Submit*",
}


@every_file
def test_an_instance_may_do_what_its_agent_calls_in_clusters_of_the_stack_alone(file: str) -> None:
    """A task in host mode has the rights of its instance."""
    built = _of(file)
    for profile in built.of("iam.InstanceProfile"):
        (role,) = built.refers(profile, "role")
        attached = {
            r.inputs["policyArn"].rpartition("/")[2]
            for r in built.of("iam.RolePolicyAttachment")
            if role in built.refers(r, "role")
        }
        if role.name.startswith("ecsInstanceRole"):
            assert attached == {"AmazonECSInstanceRolePolicyForManagedInstances"}
            assert built.statements(role) == []
            continue
        asked = "session-manager" in role.name
        assert attached == ({"AmazonSSMManagedInstanceCore"} if asked else set())
        found: set[str] = set()
        for statement in built.statements(role):
            actions = statement["Action"]
            actions = {actions} if isinstance(actions, str) else set(actions)
            found |= actions
            named = statement["Resource"].split(":", 5)[-1].split("/")[0]
            assert named in {"cluster", "container-instance"} or actions == {
                "ecs:DiscoverPollEndpoint"
            }
        assert found == _OF_AGENTS


@every_file
def test_a_scheduler_starts_tasks_of_its_job_in_its_cluster_alone(file: str) -> None:
    built = _of(file)
    for schedule in built.of("scheduler.Schedule"):
        target = built.refers(schedule, "target")
        (role,) = [r for r in target if r.type.endswith(":Role")]
        (cluster,) = [r for r in target if r.type.endswith(":Cluster")]
        (policy,) = [
            r
            for r in built.of("iam.RolePolicy")
            if role in built.refers(r, "role") and built.region(r) == built.region(schedule)
        ]
        (statement,) = json.loads(policy.inputs["policy"])["Statement"]
        assert statement["Action"] == "ecs:RunTask"
        assert statement["Condition"] == {
            "ArnEquals": {"ecs:cluster": schedule.inputs["target"]["arn"]}
        }
        assert cluster in built.refers(policy)
        started = schedule.inputs["target"]["ecsParameters"]["taskDefinitionArn"]
        assert statement["Resource"] == started.rpartition(":")[0] + ":*"


@every_file
def test_managed_instances_get_a_role_that_the_managed_policy_may_pass(file: str) -> None:
    built = _of(file)
    for provider in built.of("ecs.CapacityProvider"):
        if not _is_managed(provider):
            continue
        for used in built.refers(provider, "managedInstancesProvider"):
            if used.type == "aws:iam/instanceProfile:InstanceProfile":
                (role,) = built.refers(used, "role")
                assert role.name.startswith("ecsInstanceRole"), (
                    "AmazonECSInfrastructureRolePolicyForManagedInstances passes no other name"
                )


@every_file
def test_no_rule_opens_the_ports_that_lock_devices(file: str) -> None:
    built = _of(file)
    opened: list[str] = []
    for rule in built.of("vpc.SecurityGroupIngressRule"):
        ports = range(rule.inputs.get("fromPort", 0), rule.inputs.get("toPort", 65_535) + 1)
        group = built.refers(rule, "securityGroupId")
        to_itself = bool(group) and built.refers(rule, "referencedSecurityGroupId") == group
        # EFA needs all traffic within its own group; nobody else is in it.
        if not to_itself and max(ports.start, LOCKS.start) < min(ports.stop, LOCKS.stop):
            opened.append(rule.name)
    assert opened == [], "nothing listens behind a lock, and nobody has business there"


@every_file
def test_groups_that_admit_all_of_their_members_are_for_efa_alone(file: str) -> None:
    built = _of(file)
    for rule in built.of("vpc.SecurityGroupIngressRule"):
        if rule.inputs["ipProtocol"] != "-1":
            continue
        (group,) = built.refers(rule, "securityGroupId")
        users = {
            x.urn
            for x in built.aws
            if group.urn in x.property_dependencies.get("networkInterfaces", ())
        }
        others = {
            short_type(x.type) for x in built.aws if group in built.refers(x) and x.urn not in users
        }
        assert users and others <= {
            "vpc.SecurityGroupIngressRule",
            "vpc.SecurityGroupEgressRule",
        }


@every_file
def test_callers_are_those_of_the_stack_file_and_never_everyone_by_chance(file: str) -> None:
    built = _of(file)
    allowed: dict[str, list[str]] | list[str] = _settings(file, "traffic").get("allow_from", [])
    for rule in built.of("vpc.SecurityGroupIngressRule"):
        block = rule.inputs.get("cidrIpv4")
        if block is None:
            continue
        region: str = rule.inputs["region"]
        of_region = allowed.get(region, []) if isinstance(allowed, dict) else allowed
        own = [v.inputs["cidrBlock"] for v in built.of("ec2.Vpc") if v.inputs["region"] == region]
        assert block in {*of_region, *own}, f"{rule.name} admits {block}, which nobody asked for"
        assert ipaddress.ip_network(block).prefixlen > 0 or block in of_region


@every_file
def test_only_load_balancers_that_the_stack_file_calls_public_have_public_addresses(
    file: str,
) -> None:
    built = _of(file)
    public: dict[str, list[str]] = _settings(file, "traffic").get("public", {"regions": []})
    for balancer in built.of("lb.LoadBalancer"):
        opened = balancer.inputs["region"] in public["regions"]
        assert balancer.inputs["internal"] is not opened
        subnets = {r.name.split("_")[2] for r in built.refers(balancer, "subnets")}
        assert subnets <= {"public" if opened else "private"}
        gateways = [
            g for g in built.of("ec2.InternetGateway") if built.region(g) == built.region(balancer)
        ]
        if opened and subnets:
            assert gateways
            assert built.missing(balancer, gateways) == [], "without one AWS refuses the subnets"
    assert all(not s.inputs["mapPublicIpOnLaunch"] for s in built.of("ec2.Subnet"))
    for service in built.of("ecs.Service"):
        assert service.inputs.get("networkConfiguration", {}).get("assignPublicIp", False) is False
    nats = {u for n in built.of("ec2.NatGateway") for u in n.property_dependencies["allocationId"]}
    assert _urns(built.of("ec2.Eip")) == nats


@every_file
def test_load_balancers_stand_in_two_zones(file: str) -> None:
    built = _of(file)
    for balancer in built.of("lb.LoadBalancer"):
        subnets = balancer.inputs["subnets"]
        zones = [s.inputs["availabilityZoneId"] for s in built.refers(balancer, "subnets")]
        assert len(set(subnets)) >= 2 and len(set(zones)) == len(zones), (
            "an Application Load Balancer needs subnets in at least two zones"
        )


# ---- preview -------------------------------------------------------------------------------


@every_file
def test_preview_and_update_register_the_same_resources_with_the_same_inputs(file: str) -> None:
    update = {r.urn: _keys(r.inputs) for r in graph(file).resources}
    preview = {r.urn: _keys(r.inputs) for r in graph(file, preview=True).resources}
    assert preview == update, "a resource or an input made inside apply is missing from previews"


def _keys(value: Any, path: str = "") -> frozenset[str]:
    """Paths of all keys; what is unknown has none, and neither has what stands for it."""
    if isinstance(value, Mapping) and value != UNKNOWN:
        given = cast("Mapping[str, Any]", value)
        return frozenset({path}).union(*(_keys(v, f"{path}.{k}") for k, v in given.items()))
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return frozenset({path}).union(*(_keys(v, f"{path}[]") for v in items))
    return frozenset({path})


@every_file
def test_previews_know_what_the_provider_checks_and_people_read(file: str) -> None:
    known = {
        "ecs.TaskDefinition": ["containerDefinitions", "family", "requiresCompatibilities"],
        "ecs.CapacityProvider": ["cluster"],
        "ecs.ClusterCapacityProviders": ["clusterName", "capacityProviders"],
        "ec2.LaunchTemplate": ["userData", "imageId", "instanceType"],
        "iam.Role": ["assumeRolePolicy"],
        "cloudwatch.LogGroup": ["name"],
    }
    unknown = [
        f"{type_} {r.name} {path}"
        for type_, paths in known.items()
        for r in of_type(graph(file, preview=True), type_)
        for path in paths
        if json.dumps(dict(UNKNOWN)) in json.dumps(r.inputs.get(path))
    ]
    assert unknown == [], (
        "an unknown block fails the provider's checks at preview, or hides what would change"
    )


def test_two_runs_register_the_same_graph() -> None:
    file = "Pulumi.prod.yaml"
    given = texts(file)
    again = record_program(ROOT, config=given.config, project=given.project, stack=given.stack)
    assert again.as_json() == graph(file).as_json()


# ---- what the stack says about itself ------------------------------------------------------


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        given = cast("Mapping[str, Any]", value)
        return [leaf for item in given.values() for leaf in _leaves(item)]
    return [value]


def _of_several(record: Resource) -> bool:
    return "setIdentifier" in record.inputs


def _named_like(logical: Iterable[str], physical: Iterable[str]) -> bool:
    return {p.rpartition("-")[0] for p in physical} == set(logical)


@every_file
def test_the_outputs_name_everything_that_people_ask_for(file: str) -> None:
    built = _of(file)
    outputs = built.recording.outputs
    named = {f"https://{r.inputs['name']}" for r in built.of("route53.Record") if _of_several(r)}
    assert set(outputs.get("global_urls", {}).values()) == named
    assert set(outputs) - {"global_urls"} == {"regions", "urls", "run_commands", "chips"}
    assert set(outputs["regions"]) == set(_settings(file, "regions"))
    for region, names in outputs["regions"].items():

        def here(type_: str, region: str = region) -> list[str]:
            return [r.name for r in built.of(type_) if r.inputs["region"] == region]

        assert set(names["clusters"]) <= {"auto_scaling", "managed_instances"}
        assert _named_like(here("ecs.Cluster"), names["clusters"].values())
        assert sorted(names["services"]) == sorted(here("ecs.Service"))
        assert _named_like(names["services"], names["services"].values())
        assert sorted(names["capacity_providers"]) == sorted(here("ecs.CapacityProvider"))
        assert _named_like(names["capacity_providers"], names["capacity_providers"].values())
        assert sorted(names["task_definitions"]) == sorted(here("ecs.TaskDefinition"))
        families = {
            d.inputs["family"]
            for d in built.of("ecs.TaskDefinition")
            if d.inputs["region"] == region
        }
        assert {a.split("/")[1].split(":")[0] for a in names["task_definitions"].values()} == (
            families
        )


@every_file
def test_rules_that_check_a_token_stand_behind_the_open_one_of_the_health_check(file: str) -> None:
    built = _of(file)
    jwt = _settings(file, "traffic").get("authentication", {}).get("jwt")
    for rule in built.of("lb.ListenerRule"):
        *checks, last = rule.inputs["actions"]
        assert last["type"] == "forward"
        opened = rule.name.endswith("_health")
        assert [check["type"] for check in checks] == ["jwt-validation"] * bool(jwt and not opened)
        if checks:
            (listener,) = built.refers(rule, "listenerArn")
            assert listener.inputs["protocol"] == "HTTPS"
            first = [r for r in built.of("lb.ListenerRule") if f"{r.name}".endswith("_health")]
            own = [r for r in first if rule.name.startswith(r.name.removesuffix("health"))]
            assert built.missing(rule, own) == [], "AWS numbers rules as they are made"


@every_file
def test_every_model_behind_a_load_balancer_has_a_url_with_its_path(file: str) -> None:
    built = _of(file)
    urls: Mapping[str, Mapping[str, str]] = built.recording.outputs["urls"]
    models = _settings(file, "models")
    sidecars = {model: entry.get("sidecars", {}) for model, entry in models.items()}
    own = {f"{model}/{s}": c for model, found in sidecars.items() for s, c in found.items()}
    assert (
        set(urls)
        <= models.keys() | own.keys() | _settings(file, "traffic").get("weights", {}).keys()
    )
    serving = [r for r in built.of("lb.ListenerRule") if not r.name.endswith("_health")]
    assert len(_leaves(urls)) == len(serving)
    for model, by_region in urls.items():
        for region, url in by_region.items():
            (listener,) = [x for x in built.of("lb.Listener") if x.inputs["region"] == region]
            assert url.startswith(listener.inputs["protocol"].lower() + "://")
            host, slash, rest = url.split("://")[1].partition("/")
            path = slash + rest
            rules = [
                {key: config["values"] for c in r.inputs["conditions"] for key, config in c.items()}
                for r in serving
                if r.inputs["region"] == region
            ]
            (rule,) = [
                rule
                for rule in rules
                if any(found.startswith(f"{path}/") for found in rule["pathPattern"])
                and host in rule.get("hostHeader", [host])
            ]
            called = model.replace("/", "-")
            if "hostHeader" in rule:
                assert (host.partition(".")[0], path) == (called, "")
            else:
                assert path == own.get(model, {}).get("path", f"/{called}")


@every_file
def test_every_job_has_a_command_that_ecs_takes(file: str) -> None:
    built = _of(file)
    commands: Mapping[str, Mapping[str, str]] = built.recording.outputs["run_commands"]
    assert set(commands) == set(_settings(file, "jobs"))
    shape = aws_model.input_shape("ecs", "RunTask")
    for by_region in commands.values():
        for region, command in by_region.items():
            request, options = _run_task(command)
            assert options["region"] == region
            assert list(aws_model.problems(request, shape)) == []
            (definition,) = [
                d
                for d in built.of("ecs.TaskDefinition")
                if d.inputs["region"] == region
                and f"/{d.inputs['family']}:" in request["taskDefinition"]
            ]
            awsvpc = definition.inputs["networkMode"] == "awsvpc"
            assert awsvpc == ("networkConfiguration" in request), (
                "RunTask takes a network configuration for awsvpc, and refuses it otherwise"
            )


def _run_task(command: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The RunTask request that an `aws ecs run-task` command line sends, and its options."""
    words = shlex.split(command)
    assert words[:3] == ["aws", "ecs", "run-task"]
    options: dict[str, str] = {}
    for word in words[3:]:
        if word.startswith("--"):
            name = word.removeprefix("--")
            options[name] = ""
        else:
            assert options[name] == ""  # pyright: ignore[reportPossiblyUnboundVariable]
            options[name] = word  # pyright: ignore[reportPossiblyUnboundVariable]
    strategy = dict(p.split("=") for p in options["capacity-provider-strategy"].split(","))
    request: dict[str, Any] = {
        "cluster": options["cluster"],
        "taskDefinition": options["task-definition"],
        "capacityProviderStrategy": [{**strategy, "weight": int(strategy["weight"])}],
        "propagateTags": options["propagate-tags"],
        "enableECSManagedTags": options["enable-ecs-managed-tags"] == "",
    }
    for option, member in (
        ("network-configuration", "networkConfiguration"),
        ("placement-constraints", "placementConstraints"),
        ("volume-configurations", "volumeConfigurations"),
    ):
        if option in options:
            request[member] = json.loads(options[option])
    known = {
        "region",
        "cluster",
        "task-definition",
        "capacity-provider-strategy",
        "propagate-tags",
        "enable-ecs-managed-tags",
        "network-configuration",
        "placement-constraints",
        "volume-configurations",
    }
    assert options.keys() <= known
    return request, options


@every_file
def test_chips_add_up_for_every_pool(file: str) -> None:
    chips: Mapping[str, Mapping[str, Any]] = _of(file).recording.outputs["chips"]
    assert set(chips) == set(_settings(file, "regions"))
    assert {name for pools in chips.values() for name in pools} == set(_settings(file, "capacity"))
    for pools in chips.values():
        for pool in pools.values():
            assert pool["used"] + len(pool["free"]) <= pool["devices_per_instance"]
            taken = [d for slot in pool["slots"] for d in slot["devices"]]
            assert len(taken) == len(set(taken)) <= pool["devices_per_instance"]
            assert pool["instances_min"] <= pool["instances_max"]


@every_file
def test_every_component_says_what_it_made(file: str) -> None:
    silent = [r.name for r in _of(file).recording.resources if not r.custom and r.outputs is None]
    assert silent == [], "without register_outputs the engine shows the component as unfinished"
