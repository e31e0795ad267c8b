"""What laws over a whole graph read: resources, who needs whom, commands."""

import functools
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from neuron_ecs.recording.graph import Recording, Resource, short_type
from tests.contract.graphs import EVERY_FILE, aws_resources, graph, texts
from tests.recorder import of_type

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
            if urns & urns_of(self.refers(r, "role"))
            and clusters_of(self.refers(r)) <= urns_of(self.refers(user))
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
def graph_of(file: str) -> Graph:
    return Graph(graph(file))


def settings_of(file: str, key: str) -> Any:
    return json.loads(texts(file).config.get(f"{texts(file).project}:{key}", "{}"))


def is_service(resource: Resource) -> bool:
    return resource.type == "aws:ecs/service:Service"


def urns_of(resources: Iterable[Resource]) -> set[str]:
    return {r.urn for r in resources}


def clusters_of(resources: Iterable[Resource]) -> set[str]:
    return urns_of(r for r in resources if r.type.endswith(":Cluster"))


def is_managed(provider: Resource) -> bool:
    return "managedInstancesProvider" in provider.inputs


def is_of_all_regions(resource: Resource) -> bool:
    """The Slack channel, which has one configuration for the topics of every Region, and the
    certificates that one record validates."""
    return resource.type.startswith("aws:chatbot/") or "SharedCertificate" in resource.urn


def run_task_of(command: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The RunTask request that an `aws ecs run-task` command line sends, and its options."""
    words = shlex.split(command)
    assert words[:3] == ["aws", "ecs", "run-task"]
    options: dict[str, str] = {}
    name = ""
    for word in words[3:]:
        if word.startswith("--"):
            name = word.removeprefix("--")
            options[name] = ""
        else:
            assert options[name] == ""
            options[name] = word
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


def actions_of(statement: Mapping[str, Any]) -> list[str]:
    given: list[str] | str = statement["Action"]
    return [given] if isinstance(given, str) else given
