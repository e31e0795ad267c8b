"""Reads from AWS what runs, and changes nothing.

Calls ECS (clusters, capacity providers, services, tasks, task definitions, container instances),
EC2 DescribeInstances and Systems Manager GetParameters, Region by Region. A call that a Region
refuses becomes a check without an answer; the other Regions are still read.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from neuron_ecs.operations.compare import compare
from neuron_ecs.operations.seen import (
    Check,
    ClusterSeen,
    InstanceSeen,
    Names,
    ProviderSeen,
    Seen,
    ServiceSeen,
    TaskSeen,
    Trouble,
    called,
    families,
    family_of,
    parameter_paths,
    unread,
)
from neuron_ecs.terminal import UsageError
from planning import plan

_T = TypeVar("_T")

NEEDED = "boto3==1.44.5"

_PORTS, _DEVICES = "PORTS", "NEURON_DEVICES"
# After one of these errors no further call to the Region can succeed: the account has not enabled
# the Region, or the credentials are missing or expired.
_LOG_IN = "log in again"
_ENABLE = "enable the Region for the account, or see to the credentials"
_WHOLE_REGION = {
    "AuthFailure": _ENABLE,
    "ExpiredToken": _LOG_IN,
    "ExpiredTokenException": _LOG_IN,
    "InvalidClientTokenId": _ENABLE,
    "UnrecognizedClientException": _ENABLE,
}
# Most that one call describes (the service models of ECS and Systems Manager).
_SERVICES, _TASKS, _INSTANCES, _PARAMETERS = 10, 100, 100, 10

Connect = Callable[..., Any]
"""Makes clients, as `boto3.client` does: (service, region_name=, config=)."""


def asker(connect: Connect | None) -> Callable[[plan.RegionPlan, Names | None], Sequence[Check]]:
    """What asks a Region. The SDK is loaded here: no other command of the plan needs it."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConfigNotFound,
            ConfigParseError,
            CredentialRetrievalError,
            HTTPClientError,
            InvalidConfigError,
            LoginError,
            MissingDependencyException,
            NoCredentialsError,
            PartialCredentialsError,
            ProfileNotFound,
            RefreshWithMFAUnsupportedError,
            SSOError,
            TokenRetrievalError,
            UnknownCredentialError,
        )
        from botocore.exceptions import (
            ConnectionError as NoWayError,
        )
    except ImportError:
        raise UsageError(f"needs the AWS SDK: pip install {NEEDED}") from None
    make = connect or cast(Connect, boto3.client)  # pyright: ignore[reportUnknownMemberType]
    settings = Config(
        connect_timeout=10, read_timeout=30, retries={"mode": "standard", "max_attempts": 5}
    )
    without = (
        ConfigNotFound,
        ConfigParseError,
        CredentialRetrievalError,
        InvalidConfigError,
        LoginError,
        MissingDependencyException,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
        RefreshWithMFAUnsupportedError,
        SSOError,
        TokenRetrievalError,
        UnknownCredentialError,
    )

    def ask(region: plan.RegionPlan, names: Names | None) -> Sequence[Check]:
        try:
            clients = _Clients(
                *(
                    make(service, region_name=region.name, config=settings)
                    for service in ("ecs", "ec2", "ssm")
                )
            )
            refusals = (BotoCoreError, ClientError)
            reader = _Reader(
                region, names, clients, refusals, (*without, NoWayError, HTTPClientError)
            )
            return compare(region, reader.seen(), names)
        except without as error:
            raise UsageError(
                f"no AWS credentials ({_one_line(error)}); set AWS_PROFILE, or log in first"
            ) from None
        except (BotoCoreError, ClientError) as error:
            way_out = _WHOLE_REGION.get(_code(error))
            return unread(region, _one_line(error) + (f"; {way_out}" if way_out else ""))

    return ask


def _one_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error)).strip().rstrip(".")


def _code(error: Exception) -> str:
    """The error code of AWS; empty where the call did not come that far."""
    response = cast("dict[str, Any]", getattr(error, "response", {}))
    return cast(str, response.get("Error", {}).get("Code", ""))


@dataclass(frozen=True, slots=True)
class _Clients:
    ecs: Any
    ec2: Any
    ssm: Any


class _Reader:
    """Reads one Region; a question that is refused leaves None and a `Trouble`.

    `refusals` are what the SDK raises; those that are `final` end the Region: no credentials, no
    way to it.
    """

    def __init__(
        self,
        region: plan.RegionPlan,
        names: Names | None,
        clients: _Clients,
        refusals: tuple[type[Exception], ...],
        final: tuple[type[Exception], ...],
    ) -> None:
        self.region = region
        self.names = names
        self.clients = clients
        self.refusals = refusals
        self.final = final
        self.troubles: list[Trouble] = []

    def seen(self) -> Seen:
        clusters: dict[str, ClusterSeen] = {}
        for cluster in (self.region.auto_scaling, self.region.managed_instances):
            if cluster is None:
                continue
            candidates = self._tried("ECS ListClusters", lambda c=cluster: self._candidates(c))
            if candidates is not None:
                clusters[cluster.kind] = self._cluster(candidates)
        containers = self._definitions(clusters.values())
        images = self._tried("Systems Manager GetParameters", self._images) or {}
        return Seen(clusters, containers, images, tuple(self.troubles))

    def _tried(self, asked: str, question: Callable[[], _T]) -> _T | None:
        try:
            return question()
        except self.final:
            raise
        except self.refusals as error:
            if _code(error) in _WHOLE_REGION:
                raise
            trouble = Trouble(asked, _one_line(error))
            if trouble not in self.troubles:
                self.troubles.append(trouble)
            return None

    # -- clusters ------------------------------------------------------------------------------

    def _candidates(self, cluster: plan.Cluster) -> list[str]:
        """Names of the clusters that may be it."""
        if self.names is not None:
            told = self.names.clusters.get(cluster.kind)
            return [told] if told else []
        arns = _pages(self.clients.ecs.list_clusters, "clusterArns")
        found = called(cluster.key, [_last(arn) for arn in arns], None)
        if len(found) > 1:
            # Stacks that share an account and a Region have the same keys; families tell the stack.
            ours = families(self.region)
            own = [name for name in found if self._has_services_of(name, ours)]
            return own if len(own) == 1 else list(found)
        return list(found)

    def _has_services_of(self, cluster: str, ours: frozenset[str]) -> bool:
        return any(family_of(s.task_definition) in ours for s in self._services(cluster))

    def _cluster(self, candidates: Sequence[str]) -> ClusterSeen:
        if len(candidates) != 1:
            return ClusterSeen(None, tuple(candidates))
        name = candidates[0]
        status = self._tried("ECS DescribeClusters", lambda: self._status(name))
        if status in ("MISSING", "INACTIVE"):  # INACTIVE: deleted, and still told for a while
            return ClusterSeen(None)
        # Tasks before instances: a port or device of a task that ran then is held now.
        tasks = self._tried("ECS ListTasks and DescribeTasks", lambda: self._tasks(name))
        return ClusterSeen(
            name,
            (name,),
            status or "",
            providers=self._tried(
                "ECS DescribeCapacityProviders", lambda: tuple(self._providers(name))
            ),
            services=self._tried(
                "ECS ListServices and DescribeServices", lambda: tuple(self._services(name))
            ),
            tasks=tasks,
            instances=self._instances(name),
        )

    def _status(self, name: str) -> str:
        answer = self.clients.ecs.describe_clusters(clusters=[name])
        return next((cast(str, c["status"]) for c in answer["clusters"]), "MISSING")

    def _providers(self, cluster: str) -> Iterator[ProviderSeen]:
        """With a cluster ECS tells those that are attached to it, Managed Instances included."""
        told = _pages(
            self.clients.ecs.describe_capacity_providers, "capacityProviders", cluster=cluster
        )
        for one in told:
            yield ProviderSeen(
                one["name"],
                one.get("status", ""),
                one.get("updateStatus", ""),
                one.get("updateStatusReason", ""),
            )

    def _services(self, cluster: str) -> Iterator[ServiceSeen]:
        arns = _pages(self.clients.ecs.list_services, "serviceArns", cluster=cluster)
        for some in _batches(arns, _SERVICES):
            answer = self.clients.ecs.describe_services(cluster=cluster, services=some)
            for one in answer["services"]:
                deployments = cast("list[dict[str, Any]]", one.get("deployments", []))
                primary = [d for d in deployments if d.get("status") == "PRIMARY"]
                rollout = primary[0] if primary else dict[str, Any]()
                yield ServiceSeen(
                    name=one["serviceName"],
                    status=one.get("status", ""),
                    desired=one.get("desiredCount", 0),
                    running=one.get("runningCount", 0),
                    pending=one.get("pendingCount", 0),
                    task_definition=one.get("taskDefinition", ""),
                    providers=tuple(
                        _last(s["capacityProvider"])
                        for s in one.get("capacityProviderStrategy", ())
                    ),
                    deployments=len(deployments),
                    rollout=rollout.get("rolloutState", ""),
                    rollout_reason=rollout.get("rolloutStateReason", ""),
                )

    def _tasks(self, cluster: str) -> tuple[TaskSeen, ...]:
        """Also tasks that ECS wants stopped: until they are, their devices are not free."""
        found: list[TaskSeen] = []
        for wished in ("RUNNING", "STOPPED"):
            arns = _pages(
                self.clients.ecs.list_tasks, "taskArns", cluster=cluster, desiredStatus=wished
            )
            for some in _batches(arns, _TASKS):
                answer = self.clients.ecs.describe_tasks(cluster=cluster, tasks=some)
                found += [_task(one) for one in answer["tasks"]]
        # A task that began to stop between the two lists is in both.
        return tuple({task.arn: task for task in found}.values())

    # -- instances -----------------------------------------------------------------------------

    def _instances(self, cluster: str) -> tuple[InstanceSeen, ...] | None:
        told = self._tried(
            "ECS ListContainerInstances and DescribeContainerInstances",
            lambda: list(self._container_instances(cluster)),
        )
        if told is None:
            return None
        ids = [one["ec2InstanceId"] for one in told if one.get("ec2InstanceId")]
        machines = self._tried("EC2 DescribeInstances", lambda: self._machines(ids)) or {}
        return tuple(_instance(one, machines.get(one.get("ec2InstanceId", ""), {})) for one in told)

    def _container_instances(self, cluster: str) -> Iterator[Mapping[str, Any]]:
        arns = _pages(
            self.clients.ecs.list_container_instances, "containerInstanceArns", cluster=cluster
        )
        for some in _batches(arns, _INSTANCES):
            answer = self.clients.ecs.describe_container_instances(
                cluster=cluster, containerInstances=some
            )
            yield from answer["containerInstances"]

    def _machines(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """By a filter: ids as ids fail the whole call where one instance is gone already."""
        found: dict[str, Mapping[str, Any]] = {}
        for some in _batches(ids, _INSTANCES):
            reservations = _pages(
                self.clients.ec2.describe_instances,
                "Reservations",
                token="NextToken",
                Filters=[{"Name": "instance-id", "Values": some}],
            )
            found |= {m["InstanceId"]: m for r in reservations for m in r["Instances"]}
        return found

    def _images(self) -> dict[str, str]:
        found: dict[str, str] = {}
        missing: list[str] = []
        for some in _batches(parameter_paths(self.region), _PARAMETERS):
            answer = self.clients.ssm.get_parameters(Names=some)
            found |= {p["Name"]: p["Value"] for p in answer["Parameters"]}
            missing += answer.get("InvalidParameters", [])
        for path in missing:
            trouble = Trouble("Systems Manager GetParameters", f"{path} does not exist")
            self.troubles.append(trouble)
        return found

    # -- task definitions ----------------------------------------------------------------------

    def _definitions(
        self, clusters: Iterable[ClusterSeen]
    ) -> dict[str, tuple[Mapping[str, Any], ...]]:
        """Container definitions of all that is in use, and of the jobs, which nothing may use."""
        wanted: dict[str, None] = {}
        for cluster in clusters:
            wanted |= {s.task_definition: None for s in cluster.services or ()}
            wanted |= {t.task_definition: None for t in cluster.tasks or () if t.on_instance}
        jobs = [job.task_definition for job in self.region.jobs]
        told: Mapping[str, str] = self.names.task_definitions if self.names else {}
        wanted |= {told.get(job.key, job.family): None for job in jobs}
        found: dict[str, tuple[Mapping[str, Any], ...]] = {}
        for name in (w for w in wanted if w):
            answer = self._tried("ECS DescribeTaskDefinition", lambda n=name: self._definition(n))
            if answer is not None:
                found[name] = answer
        return found

    def _definition(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Its containers; none where there is no such task definition."""
        try:
            answer = self.clients.ecs.describe_task_definition(taskDefinition=name)
        except self.refusals as error:
            # ECS has no error of its own for it.
            # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskDefinition.html
            if _code(error) == "ClientException":
                return ()
            raise
        return tuple(answer["taskDefinition"]["containerDefinitions"])


def _pages(
    call: Callable[..., Any], key: str, *, token: str = "nextToken", **arguments: Any
) -> list[Any]:
    """All pages of a call under one key; `token` is what its request and answer call the next."""
    found: list[Any] = []
    more: dict[str, str] = {}
    while True:
        answer = cast("dict[str, Any]", call(**arguments, **more))
        found += answer.get(key, [])
        if not answer.get(token):
            return found
        more = {token: answer[token]}


def _batches(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def _task(one: Mapping[str, Any]) -> TaskSeen:
    devices = {d for c in one.get("containers", ()) for d in c.get("neuronDeviceIds", ())}
    return TaskSeen(
        arn=one["taskArn"],
        group=one.get("group", ""),
        task_definition=one.get("taskDefinitionArn", ""),
        instance=one.get("containerInstanceArn", ""),
        last_status=one.get("lastStatus", ""),
        desired_status=one.get("desiredStatus", ""),
        health=one.get("healthStatus", ""),
        devices=frozenset(devices),
    )


def _instance(one: Mapping[str, Any], machine: Mapping[str, Any]) -> InstanceSeen:
    registered = {r["name"]: r for r in one.get("registeredResources", ())}
    remaining = {r["name"]: r for r in one.get("remainingResources", ())}
    types = [
        a.get("value", "")
        for a in one.get("attributes", ())
        if a.get("name") == "ecs.instance-type"
    ]
    ports = remaining.get(_PORTS)
    return InstanceSeen(
        arn=one["containerInstanceArn"],
        instance_id=one.get("ec2InstanceId", ""),
        status=one.get("status", ""),
        agent_connected=bool(one.get("agentConnected", False)),
        provider=_last(one.get("capacityProviderName", "")),
        instance_type=machine.get("InstanceType", "") or next(iter(types), ""),
        registered=_device_ids(registered.get(_DEVICES)),
        remaining=_remaining_ids(remaining.get(_DEVICES)),
        ports=None if ports is None else frozenset(int(p) for p in ports.get("stringSetValue", ())),
        image_id=machine.get("ImageId"),
    )


def _device_ids(resource: Mapping[str, Any] | None) -> frozenset[str] | None:
    """The ids of a resource that is a set, or of as many devices as one that is a number says.

    Device 0 is /dev/neuron0, and so on.
    """
    if resource is None:
        return None
    if resource.get("type") == "STRINGSET" or resource.get("stringSetValue"):
        return frozenset(resource.get("stringSetValue", ()))
    return frozenset(str(d) for d in range(resource.get("integerValue", 0)))


def _remaining_ids(resource: Mapping[str, Any] | None) -> frozenset[str] | None:
    """The ids that are free; None where only their number is told, unless that is 0."""
    ids = _device_ids(resource)
    is_number = resource is not None and resource.get("type") != "STRINGSET"
    return None if is_number and ids and not (resource or {}).get("stringSetValue") else ids
