"""Starts the task of a job, as its schedule would."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from messages.phrases import counted
from neuron_ecs.operations.aws import Calls, pages
from neuron_ecs.operations.observed import ObservedCluster, ObservedTask, by_key
from neuron_ecs.operations.reading import Reader, task_of
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import ERRORS, UsageError, spans
from planning import plan
from planning.run_task import Request, request

STARTED_BY = "neuron-ecs"


@dataclass(frozen=True, slots=True)
class Override:
    """What a run has in place of the job's own command, and beside its environment."""

    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()

    def on(self, container: str) -> dict[str, Any]:
        """The overrides of RunTask; empty without any."""
        changed: dict[str, Any] = {}
        if self.command:
            changed["command"] = list(self.command)
        if self.environment:
            changed["environment"] = [{"name": n, "value": v} for n, v in self.environment]
        if not changed:
            return {}
        return {"overrides": {"containerOverrides": [{"name": container, **changed}]}}


def announced(
    stack: Stack, region: plan.RegionPlan, job: plan.JobPlan, override: Override
) -> Iterator[tuple[str, str]]:
    """What would be started: labels and texts."""
    pool, devices = region.pool(job.pool), job.task_definition.devices
    chips = "all" if devices == "all" else spans(devices) or "none"
    yield "", f"{stack.title}: run {job.name} in {region.name}"
    yield "  pool     ", f"{pool.name} ({', '.join(pool.instance_types)}), chips {chips}"
    yield "  image    ", job.task_definition.image
    if override.command:
        yield "  command  ", shlex.join(override.command)
    for name, value in override.environment:
        yield "  with     ", f"{name}={value}"
    if job.timeout_minutes or job.attempts > 1:
        limit = f"{job.timeout_minutes} min" if job.timeout_minutes else "no limit of time"
        attempts = f"{counted(job.attempts, 'attempt')} at most, while this command follows it"
        yield "  limit    ", f"{limit}, {attempts}"


class NotStarted(Exception):
    """AWS did not start the task; the text is its reason."""


def request_for(reader: Reader, job: plan.JobPlan, tags: plan.Tags, override: Override) -> Request:
    """Returns the parameters of RunTask for a job in the reader's Region.

    Raises `UsageError` if something that it needs is not found in the account.
    """
    pool = reader.region.pool(job.pool)
    cluster = the_cluster(reader, pool.kind)
    known = reader.names
    names = [p.name for p in cluster.providers or ()]
    provider = by_key(names, known.capacity_providers if known else None).get(pool.key)
    if provider is None:
        raise _absent(reader, f"the capacity provider of pool {pool.name}")
    definition = known.task_definitions.get(job.task_definition.key) if known else None
    subnets, groups = (), ()
    if job.task_definition.network_mode == "awsvpc":
        subnets, groups = _network(reader, pool, tags)
    volume = job.task_definition.ebs_volume
    asked = request(
        job,
        cluster=cluster.name or "",
        capacity_provider=provider,
        task_definition=definition or job.task_definition.family,
        subnets=subnets,
        security_groups=groups,
        volumes_role=_role_arn(reader, volume.role, tags) if volume else "",
    )
    return asked | {"startedBy": STARTED_BY} | override.on(job.name)


def the_cluster(reader: Reader, kind: str) -> ObservedCluster:
    """Returns the cluster of a kind of capacity. Raises `UsageError` if it is not found."""
    observed = reader.recent()
    found = observed.clusters.get(kind)
    if found is None or found.name is None:
        why = "; ".join(map(str, observed.failed_calls))
        raise (
            UsageError(f"{reader.region.name}: {why}", ERRORS)
            if why
            else _absent(reader, "the cluster")
        )
    return found


def _absent(reader: Reader, what: str) -> UsageError:
    return UsageError(
        f"{reader.region.name}: {what} is not found; the stack is not up there, or name its "
        "resources with --outputs",
        ERRORS,
    )


def _ambiguous(reader: Reader, what: str) -> UsageError:
    return UsageError(
        f"{reader.region.name}: several stacks have {what} as this one; start the job with the "
        "command that `pulumi stack output run_commands` shows",
        ERRORS,
    )


def _network(
    reader: Reader, pool: plan.Pool, tags: plan.Tags
) -> tuple[Sequence[str], Sequence[str]]:
    """Subnets and security groups of a task with a network interface of its own, by their tags."""
    region, aws, network = reader.region, reader.aws, reader.region.network
    filters = _named([f"{region.name}_tasks"], tags)
    if isinstance(network, plan.GivenNetwork):
        filters.append({"Name": "vpc-id", "Values": [network.vpc_id]})
    groups = pages(
        aws.ec2.describe_security_groups, "SecurityGroups", token="NextToken", Filters=filters
    )
    if len(groups) != 1:
        if not groups:
            raise _absent(reader, "the security group of the job's tasks")
        raise _ambiguous(reader, "a network")
    if isinstance(network, plan.GivenNetwork):
        by_zone: Mapping[str, str] = dict(network.private_subnets)
        subnets = [by_zone[zone] for zone in pool.zone_ids]
    else:
        filters = _named([f"{network.key}_private_{zone}" for zone in pool.zone_ids], tags)
        filters.append({"Name": "vpc-id", "Values": [groups[0]["VpcId"]]})
        found = pages(aws.ec2.describe_subnets, "Subnets", token="NextToken", Filters=filters)
        subnets = [one["SubnetId"] for one in found]
    if not subnets:
        raise _absent(reader, "the network of the job's tasks")
    return subnets, [groups[0]["GroupId"]]


def _role_arn(reader: Reader, key: str, tags: plan.Tags) -> str:
    """The ARN of a role of the stack: Pulumi ends its name, and its tags say whose it is."""
    aws, wanted = reader.aws, dict([*tags, ("Name", key)]).items()
    found: list[str] = []
    for role in pages(aws.iam.list_roles, "Roles", token="Marker"):
        if role["RoleName"].startswith(f"{key}-"):
            name = role["RoleName"]
            there = pages(aws.iam.list_role_tags, "Tags", token="Marker", RoleName=name)
            if wanted <= {tag["Key"]: tag["Value"] for tag in there}.items():
                found.append(role["Arn"])
    if len(found) > 1:
        raise _ambiguous(reader, f"a role {key}")
    if not found:
        raise _absent(reader, f"the role {key} of the job's EBS volume")
    return found[0]


def _named(names: Sequence[str], tags: plan.Tags) -> list[dict[str, Any]]:
    """Filters of EC2 for resources of the stack with one of the names."""
    return [
        {"Name": "tag:Name", "Values": list(names)},
        *({"Name": f"tag:{name}", "Values": [value]} for name, value in tags),
    ]


def start(aws: Calls, asked: Request) -> ObservedTask:
    """Starts the task. Raises `NotStarted` with what AWS says, if it does not."""
    answer = aws.ecs.run_task(**asked)
    if answer["tasks"]:
        return task_of(answer["tasks"][0])
    said = [f"{f.get('reason', '')} {f.get('detail', '')}".strip() for f in answer["failures"]]
    raise NotStarted("; ".join(said) or "no reason given")
