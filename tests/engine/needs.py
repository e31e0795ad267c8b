"""What must come first although no property names it, for every resource that exists.

The engine runs at once what does not wait for each other, so an update that works proves little:
a dependency which the program forgot may hold by luck. Here it is read from the account who needs
whom, and from the engine's state who waits for whom; the first must lie within the second. Destroy
goes the other way round, so the same relation keeps what is needed until its users are gone.

Sources: see ``provider.refusals``, whose rules refuse the same things when they happen.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.engine.provider.account import Holdings, Record
from tests.engine.provider.refusals import (
    ASSOCIATION,
    EGRESS,
    ENDPOINT,
    GATEWAY,
    GROUP,
    INGRESS,
    LISTED,
    LISTENER_RULE,
    LOGS,
    NAT,
    PROVIDER,
    ROLE,
    ROUTE,
    SCHEDULE,
    SERVICE,
    SUBNET,
    TASK,
    Hosts,
    hosts,
    policies_of,
    role_of_profile,
    task_containers,
)
from tests.engine.provider.wire import text, texts

_REGIONAL = re.compile(r"arn:[a-z-]+:[a-z0-9-]+:([a-z0-9-]+):")
"""The Region of an ARN."""


@dataclass(frozen=True)
class Need:
    """One resource cannot work without another."""

    who: Record
    what: Record
    why: str

    def __str__(self) -> str:
        return f"{_called(self.who)} needs {_called(self.what)}: {self.why}"


def forgotten(waits: Mapping[str, set[str]], holdings: Holdings) -> list[str]:
    """Needs of an account that the program does not state, however long the way.

    ``waits`` has, by URN, what is created before: parents and all that is waited for.
    """
    found = list(needs(holdings))
    assert found, "an account in which nothing needs anything proves nothing"
    return sorted({str(need) for need in found if not _reaches(waits, need)})


def _reaches(waits: Mapping[str, set[str]], need: Need) -> bool:
    seen: set[str] = set()
    waiting = [need.who.urn]
    while waiting:
        urn = waiting.pop()
        if urn == need.what.urn:
            return True
        if urn not in seen:
            seen.add(urn)
            waiting.extend(waits.get(urn, ()))
    return False


def needs(holdings: Holdings) -> Iterator[Need]:
    """Every need of what launches instances, of services, schedules and NAT gateways."""
    for nat in holdings.of(NAT):
        for way in _ways_out(holdings, nat.region, text(nat.inputs, "subnetId") or ""):
            yield Need(nat, way, "a NAT gateway without a way out fails, and maps an address")
    for item in hosts(holdings):
        for what, why in _of_hosts(holdings, item):
            yield Need(item.record, what, why)
    for service in holdings.of(SERVICE):
        strategy = "capacityProviderStrategies.capacityProvider"
        for what, why in _of_tasks(
            holdings, service, text(service.inputs, "taskDefinition"), strategy
        ):
            yield Need(service, what, why)
        for arn in texts(service.inputs, "loadBalancers.targetGroupArn"):
            for rule in holdings.where(
                LISTENER_RULE, service.region, "actions.targetGroupArn", arn
            ):
                yield Need(service, rule, "a target group without a load balancer is refused")
        groups = texts(service.inputs, "networkConfiguration.securityGroups")
        for what, why in _of_groups(holdings, service.region, groups):
            yield Need(service, what, why)
    for schedule in holdings.of(SCHEDULE):
        parameters = "target.ecsParameters"
        for what, why in _of_tasks(
            holdings,
            schedule,
            text(schedule.inputs, f"{parameters}.taskDefinitionArn"),
            f"{parameters}.capacityProviderStrategies.capacityProvider",
        ):
            yield Need(schedule, what, why)
        role = holdings.find(ROLE, "", text(schedule.inputs, "target.roleArn") or "")
        for policy in _policies(holdings, role, schedule.region):
            yield Need(schedule, policy, "a schedule that fires before may not start the task")


Reasoned = Iterator[tuple[Record, str]]


def _of_hosts(holdings: Holdings, item: Hosts) -> Reasoned:
    region = item.record.region
    for subnet_id in item.subnets:
        for what in _ways_out(holdings, region, subnet_id):
            yield what, "instances reach ECS by it, to register and to drain"
        subnet = holdings.find(SUBNET, region, subnet_id)
        for endpoint in (
            holdings.where(ENDPOINT, region, "vpcId", text(subnet.inputs, "vpcId") or "")
            if subnet
            else ()
        ):
            yield endpoint, "instances reach AWS by it, to register and to drain"
            inside = texts(endpoint.inputs, "securityGroupIds")
            for rule, why in _of_groups(holdings, region, inside, ways=(INGRESS,)):
                yield rule, f"endpoint {endpoint.logical}: {why}"
    yield from _of_groups(holdings, region, item.groups)
    roles = [role_of_profile(holdings, item.profile), item.infrastructure]
    for role in roles:
        for policy in _policies(holdings, role, region):
            yield policy, f"{role.logical if role else ''} may do nothing without it"


def _policies(holdings: Holdings, role: Record | None, region: str) -> Iterator[Record]:
    """The policies of a role, but for those that are about other Regions alone."""
    for policy in policies_of(holdings, role) if role else ():
        named = set(_REGIONAL.findall(text(policy.inputs, "policy") or ""))
        if not named or region in named:
            yield policy


def _of_groups(
    holdings: Holdings,
    region: str,
    groups: tuple[str, ...] | list[str],
    ways: tuple[str, ...] = (EGRESS, INGRESS),
) -> Reasoned:
    for group_id in groups:
        group = holdings.find(GROUP, region, group_id)
        for way in ways:
            for rule in holdings.where(way, region, "securityGroupId", group.id) if group else ():
                yield rule, f"nothing passes security group {group.logical if group else ''}"


def _of_tasks(holdings: Holdings, user: Record, task_arn: str | None, strategy: str) -> Reasoned:
    """What tasks need to start, whoever starts them."""
    region = user.region
    task = holdings.find(TASK, region, task_arn or "")
    if task is not None:
        for key in ("executionRoleArn", "taskRoleArn"):
            role = holdings.find(ROLE, "", text(task.inputs, key) or "")
            for policy in _policies(holdings, role, region):
                yield policy, f"tasks start with {role.logical if role else ''}"
        for container in task_containers(task):
            name = text(container, "logConfiguration.options.awslogs-group")
            for group in holdings.of(LOGS, region):
                if group.name == name:
                    yield group, "tasks do not start without their log group"
    for named in texts(user.inputs, strategy):
        provider = holdings.find(PROVIDER, region, named)
        if provider is None:
            continue
        yield provider, "it is where the tasks run"
        for listed in holdings.where(LISTED, region, "capacityProviders", provider.name):
            yield listed, "its provider is on no cluster without the list"
        arn = text(provider.inputs, "autoScalingGroupProvider.autoScalingGroupArn")
        for item in hosts(holdings):
            if item.record.serial == provider.serial or (arn and item.record.arn == arn):
                for what, why in _of_hosts(holdings, item):
                    yield what, f"its instances: {why}"


def _ways_out(holdings: Holdings, region: str, subnet_id: str) -> Iterator[Record]:
    """Associations, routes and gateways between a subnet and the internet."""
    for association in holdings.where(ASSOCIATION, region, "subnetId", subnet_id):
        yield association
        table = text(association.inputs, "routeTableId") or ""
        for route in holdings.where(ROUTE, region, "routeTableId", table):
            yield route
            for token, path in ((GATEWAY, "gatewayId"), (NAT, "natGatewayId")):
                gateway = holdings.find(token, region, text(route.inputs, path) or "")
                if gateway is not None:
                    yield gateway


def _called(record: Record) -> str:
    return f"{record.type.rpartition(':')[2]} {record.logical}"
