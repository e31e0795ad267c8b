"""The recorded resources as text: the chips, the tree, the counts, the endpoints."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from messages.phrases import low_to_high
from neuron_ecs.recording.graph import Recording, Resource, children_of, short_type
from neuron_ecs.terminal import joined, spans, table, wrapped
from planning.document import Json

_TWINS = 8
"""A component with so many resources, of the same types as one before it, is one line."""

_SUBORDINATE = frozenset(
    {
        "aws:ec2/eip:Eip",
        "aws:ec2/route:Route",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/securityGroupRule:SecurityGroupRule",
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        "aws:iam/instanceProfile:InstanceProfile",
        "aws:iam/policyAttachment:PolicyAttachment",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:lb/listenerCertificate:ListenerCertificate",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    }
)
"""What says little beside the resource that it belongs to: counted, not listed."""

_NAMED = frozenset({"aws:ec2/routeTable:RouteTable", "aws:iam/role:Role"})
"""What its name tells best."""

_TELLING: Mapping[str, tuple[tuple[str, str], ...]] = {
    "aws:appautoscaling/policy:Policy": (("", "policyType"), ("on", "resourceId")),
    "aws:appautoscaling/scheduledAction:ScheduledAction": (("", "schedule"), ("", "timezone")),
    "aws:appautoscaling/target:Target": (("min", "minCapacity"), ("max", "maxCapacity")),
    "aws:autoscaling/group:Group": (("min", "minSize"), ("max", "maxSize")),
    "aws:cloudwatch/logGroup:LogGroup": (("", "name"), ("days", "retentionInDays")),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (("", "metricName"), ("over", "threshold")),
    "aws:ec2/launchTemplate:LaunchTemplate": (("", "instanceType"), ("", "imageId")),
    "aws:ec2/natGateway:NatGateway": (("in", "subnetId"),),
    "aws:ec2/securityGroup:SecurityGroup": (("", "description"),),
    "aws:ec2/subnet:Subnet": (
        ("", "cidrBlock"),
        ("in", "availabilityZoneId"),
        ("in", "availabilityZone"),
    ),
    "aws:ec2/vpc:Vpc": (("", "cidrBlock"),),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (("", "serviceName"),),
    "aws:ecs/capacityProvider:CapacityProvider": (
        ("group", "autoScalingGroupProvider.autoScalingGroupArn"),
        (
            "types",
            "managedInstancesProvider.instanceLaunchTemplate.instanceRequirements"
            ".allowedInstanceTypes",
        ),
    ),
    "aws:ecs/cluster:Cluster": (("", "name"),),
    "aws:ecs/service:Service": (
        ("tasks", "desiredCount"),
        ("of", "taskDefinition"),
        ("minimum %", "deploymentMinimumHealthyPercent"),
        ("maximum %", "deploymentMaximumPercent"),
    ),
    "aws:ecs/taskDefinition:TaskDefinition": (
        ("", "family"),
        ("", "networkMode"),
        ("cpu", "cpu"),
        ("memory", "memory"),
    ),
    "aws:iam/role:Role": (("", "description"),),
    "aws:lb/listener:Listener": (("", "protocol"), ("port", "port")),
    "aws:lb/loadBalancer:LoadBalancer": (("", "loadBalancerType"), ("internal", "internal")),
    "aws:lb/targetGroup:TargetGroup": (("", "protocol"), ("port", "port"), ("to", "targetType")),
    "aws:scheduler/schedule:Schedule": (("", "scheduleExpression"),),
    "pulumi:providers:aws": (("", "region"),),
}
"""The few inputs that tell one resource of a type from another, each with the word before it."""


def render(recording: Recording, *, width: int, show_all: bool = False) -> Iterator[str]:
    """The lines of the text form: the chips, the tree, the counts, the endpoints."""
    resources = recording.resources
    custom = sum(r.custom for r in resources)
    yield (
        f"{recording.project}/{recording.stack}: {custom} resources in "
        f"{len(resources) - custom} components"
    )
    chips = list(_chips(recording.outputs.get("chips", {})))
    if chips:
        yield ""
        yield from table([("Region", "pool", "instances", "devices"), *chips], width=width)
    yield ""
    yield from table(list(_tree(recording, show_all=show_all)), width=width)
    if show_all:
        yield ""
        yield from _counts(resources, width)
    if recording.messages:
        yield ""
    for message in recording.messages:
        yield f"{message.severity}: {message.text}"
    urls = [(*path, url) for path, url in _leaves(recording.outputs.get("urls", {}))]
    if urls:
        yield ""
        yield "Endpoints"
        yield from table(urls, indent="  ")


def _chips(value: Json) -> Iterator[tuple[str, str, str, str]]:
    """The devices of each workload, from the stack's own output."""
    for region, pools in _items(value):
        for pool, chips in _items(pools):
            facts = dict(_items(chips))
            low, high = facts.get("instances_min"), facts.get("instances_max")
            devices_of: dict[str, list[str]] = {}
            for slot in cast(list[Json], facts.get("slots") or []):
                held = dict(_items(slot))
                who = ", ".join(str(w) for w in cast(list[Json], held.get("workloads") or []))
                if who:
                    devices_of.setdefault(who, []).append(_span(held.get("devices")))
            for job, wanted in _items(facts.get("jobs")):
                devices_of.setdefault(f"job {job}", []).append(_span(wanted))
            if facts.get("free"):
                devices_of["free"] = [_span(facts["free"])]
            size = joined(f"{low_to_high(low, high)} {facts.get('instance_type')}")
            text = "; ".join(f"{who} {' '.join(devices)}" for who, devices in devices_of.items())
            yield region, pool, size, text


def _span(devices: Json) -> str:
    return spans([int(cast(int, d)) for d in cast(list[Json], devices or [])])


def _items(value: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping):
        yield from sorted(cast(Mapping[str, Json], value).items())


def _tree(recording: Recording, *, show_all: bool) -> Iterator[tuple[str, str]]:
    """A row for each resource, or for several that are folded: its type, and what tells it."""
    children = children_of(recording.resources)

    def shape(urn: str) -> Counter[str]:
        """How many resources of each type are below a component."""
        below: Counter[str] = Counter()
        for child in children.get(urn, ()):
            below[child.type] += 1
            below.update(shape(child.urn))
        return below

    def level(urn: str, depth: int) -> Iterator[tuple[str, str]]:
        indent = "  " * depth
        by_type: dict[str, list[Resource]] = {}
        for child in sorted(children.get(urn, ()), key=lambda c: not c.custom):
            by_type.setdefault(child.type, []).append(child)
        counted: list[str] = []
        for token, siblings in by_type.items():
            siblings.sort(key=lambda c: c.created)
            leaves = not any(children.get(c.urn) for c in siblings)
            fold = not show_all and leaves and (token in _SUBORDINATE or len(siblings) > 2)
            if fold and token in _SUBORDINATE:
                counted.append(_times(token, len(siblings)))
            elif fold:
                told = [c.name if token in _NAMED else _detail(c) or c.name for c in siblings]
                yield indent + _times(token, len(siblings)), ", ".join(told)
            else:
                twins: dict[frozenset[tuple[str, int]], str] = {}
                for child in siblings:
                    below = shape(child.urn)
                    same = frozenset(below.items())
                    if not show_all and below.total() >= _TWINS and same in twins:
                        detail = f"{child.name}: {below.total()} resources, as in {twins[same]}"
                        yield indent + _label(token), detail
                        continue
                    twins[same] = child.name
                    yield indent + _label(token), _named(child, always=show_all)
                    yield from level(child.urn, depth + 1)
        if counted:
            yield f"{indent}and", ", ".join(counted)

    yield from level(recording.stack_urn, 0)


def _label(token: str) -> str:
    """`ecs.Service`; of our own components the last word alone."""
    ours = not token.startswith(("aws:", "pulumi:"))
    return token.rsplit(":", 1)[-1] if ours else short_type(token)


def _times(token: str, number: int) -> str:
    return _label(token) if number == 1 else f"{number} {_label(token)}"


def _named(resource: Resource, *, always: bool) -> str:
    """What tells a resource, and its name where nothing does, or `always`."""
    detail = _detail(resource) if resource.custom else resource.name
    if not always or f"{detail}:".startswith(f"{resource.name}:"):
        return detail or resource.name
    return f"{resource.name}  {detail}".rstrip()


def _detail(resource: Resource) -> str:
    words: list[str] = []
    for label, path in _TELLING.get(resource.type, ()):
        value: Json = resource.inputs
        for key in path.split("."):
            value = cast(Mapping[str, Json], value).get(key) if isinstance(value, Mapping) else None
        text = _brief(value)
        if text:
            words.append(f"{label} {text}" if label else text)
    return " ".join(words)


def _brief(value: Json) -> str:
    match value:
        case None | False | "":
            return ""
        case True:
            return "yes"
        case str():
            return (
                value.rsplit("/", 1)[-1] if value.startswith("arn:") else value.removesuffix("_id")
            )
        case list():
            return ",".join(_brief(item) for item in cast(list[Json], value))
        case {"secret": True}:
            return "(secret)"
        case Mapping():
            return ""
        case _:
            return str(value)


def _counts(resources: Sequence[Resource], width: int) -> Iterator[str]:
    """One paragraph for each Region: how many resources of which types."""
    by_region: dict[str, Counter[str]] = {}
    for resource in resources:
        if resource.custom:
            region = resource.inputs.get("region")
            provider = resource.type.startswith("pulumi:")
            place = region if isinstance(region, str) and not provider else "global"
            by_region.setdefault(place, Counter())[short_type(resource.type)] += 1
    label_width = max((len(region) for region in by_region), default=0)
    for region in sorted(by_region, key=lambda r: (r == "global", r)):
        types = by_region[region]
        text = ", ".join(f"{count} {token}" for token, count in sorted(types.items()))
        lead = f"{region:{label_width}}  {types.total():4}  "
        yield from wrapped(text, width, lead, " " * len(lead))


def _leaves(value: Json, *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, Mapping):
        for key, item in _items(value):
            yield from _leaves(item, *path, key)
    elif value is not None:
        yield path, str(value)
