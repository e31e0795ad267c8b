"""Compares what runs in a Region with the plan. Calls nothing.

`operations.aws` calls AWS and returns an `Observation`. What could not be read is `None` there and
becomes a check without an answer, never a difference.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from messages.phrases import counted, listed
from neuron_ecs.operations.observed import (
    RESOLVE,
    Check,
    Kind,
    Names,
    Observation,
    ObservedCluster,
    ObservedInstance,
    ObservedService,
    ObservedTask,
    Verdict,
    family_of,
    in_order,
    names_of_key,
    revision_of,
)
from neuron_ecs.terminal import spans
from planning import blocks, choices, plan

_LOCK = choices.LOCK_PORT_BASE
_NEURON_DEVICE = re.compile(r"/dev/neuron(\d+)")
# States of an instance while its pool grows or shrinks.
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerInstance.html
_COMES_OR_GOES = {
    "REGISTERING": "it joins the cluster",
    "DEREGISTERING": "it leaves the cluster",
}
_PASSING = {**_COMES_OR_GOES, "DRAINING": "its tasks move elsewhere"}


def compare(
    region: plan.RegionPlan, observed: Observation, names: Names | None, now: datetime
) -> tuple[Check, ...]:
    """Every check of a Region: clusters with their capacity, services, instances, then jobs."""
    return tuple(_Comparison(region, observed, names, now).checks())


class _Comparison:
    def __init__(
        self,
        region: plan.RegionPlan,
        observed: Observation,
        names: Names | None,
        now: datetime,
    ) -> None:
        self.now = now
        self.region = region
        self.observed = observed
        self.names = names
        self.services = {s.key: s for m in region.models for s in m.services}

    def checks(self) -> Iterator[Check]:
        for failed in self.observed.failed_calls:
            yield self.check("Region", self.region.name, failed.asked, (), unknown=failed.reason)
        for cluster in (self.region.auto_scaling, self.region.managed_instances):
            if cluster is not None:
                yield from self.cluster(cluster)
        for job in self.region.jobs:
            yield self.job(job)

    def check(
        self,
        kind: Kind,
        name: str,
        found: str,
        problems: Sequence[str],
        *,
        notes: Sequence[str] = (),
        unknown: str = "",
    ) -> Check:
        verdict: Verdict = "ok"
        if problems:
            verdict = "differs"
        elif unknown:
            verdict = "unknown"
        elif notes:
            verdict = "note"
        texts = [*problems, *([unknown] if unknown else []), *notes]
        return Check(self.region.name, kind, name, verdict, found, tuple(texts))

    # -- clusters and capacity -----------------------------------------------------------------

    def cluster(self, cluster: plan.Cluster) -> Iterator[Check]:
        actual = self.observed.clusters.get(cluster.kind)
        if actual is None:
            unknown = "the clusters of the Region could not be listed"
            yield self.check("cluster", cluster.key, "not read", (), unknown=unknown)
            return
        if actual.name is None:
            yield self.check(
                "cluster", cluster.key, "not found", (self.no_cluster(cluster, actual),)
            )
            return
        if not actual.status:
            unknown = "the cluster could not be read"
            yield self.check("cluster", actual.name, "not read", (), unknown=unknown)
        else:
            wrong = () if actual.status == "ACTIVE" else (f"it is {actual.status}, not ACTIVE",)
            yield self.check("cluster", actual.name, actual.status, wrong)
        yield from self.providers(cluster, actual)
        yield from self.cluster_services(cluster, actual)
        yield from self.instances(cluster, actual)

    def no_cluster(self, cluster: plan.Cluster, actual: ObservedCluster) -> str:
        if len(actual.candidates) > 1:
            both = listed(list(actual.candidates))
            return f"several clusters may be it: {both}; name the right one with --outputs"
        if self.names is not None:
            name = self.names.clusters.get(cluster.kind)
            return f"{name} does not exist" if name else "the outputs do not name it"
        return f"no cluster is called {cluster.key} and a suffix; the stack is not up, or elsewhere"

    def providers(self, cluster: plan.Cluster, actual: ObservedCluster) -> Iterator[Check]:
        known = self.names.capacity_providers if self.names else None
        # ECS still lists a deleted one for some time, as INACTIVE.
        # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProvider.html
        there = [p for p in actual.providers or () if p.status != "INACTIVE"]
        ours: set[str] = set()
        for pool in cluster.pools:
            if actual.providers is None:
                unknown = "the capacity providers of the cluster could not be read"
                yield self.check("capacity", pool.key, "not read", (), unknown=unknown)
                continue
            found = names_of_key(pool.key, [p.name for p in there], known)
            ours.update(found)
            if not found:
                wrong = f"no capacity provider for it is attached to {actual.name}"
                yield self.check("capacity", pool.key, "not found", (wrong,))
            for provider in (p for p in there if p.name in found):
                wrong = [] if len(found) == 1 else [f"one of {len(found)} for the pool {pool.name}"]
                if provider.status != "ACTIVE":
                    wrong.append(f"it is {provider.status}, not ACTIVE")
                if provider.update_status.endswith("_FAILED"):
                    why = f": {provider.reason}" if provider.reason else ""
                    wrong.append(f"its last change is {provider.update_status}{why}")
                yield self.check("capacity", provider.name, provider.status, wrong)
        for provider in there:
            if provider.name not in ours and not provider.name.startswith("FARGATE"):
                wrong = "it is attached to the cluster and not in the plan"
                yield self.check("capacity", provider.name, provider.status, (wrong,))

    # -- services ------------------------------------------------------------------------------

    def cluster_services(self, cluster: plan.Cluster, actual: ObservedCluster) -> Iterator[Check]:
        known = self.names.services if self.names else None
        pools = {pool.key for pool in cluster.pools}
        ours: set[str] = set()
        daemons = [d for d in self.region.daemons if d.cluster == cluster.key]
        for service in (*(s for s in self.services.values() if s.pool in pools), *daemons):
            if actual.services is None:
                unknown = "the services of the cluster could not be read"
                yield self.check("service", service.key, "not read", (), unknown=unknown)
                continue
            found = names_of_key(service.key, [s.name for s in actual.services], known)
            ours.update(found)
            if not found:
                wrong = f"no service for it is in the cluster {actual.name}"
                yield self.check("service", service.key, "not found", (wrong,))
            for one in (s for s in actual.services if s.name in found):
                if isinstance(service, plan.Daemon):
                    yield self.daemon(service, one, alone=len(found) == 1)
                else:
                    yield self.service(service, one, actual, alone=len(found) == 1)
        for one in actual.services or ():
            if one.name not in ours:
                running = f"{one.running} of {one.desired} running"
                wrong = "it is in the cluster and not in the plan"
                yield self.check("service", one.name, running, (wrong,))

    def service(
        self, service: plan.Service, one: ObservedService, actual: ObservedCluster, *, alone: bool
    ) -> Check:
        wrong = self.state(one, alone=alone)
        notes: list[str] = []
        short = list(self.counts(service, one))
        rests, hours = blocks.at(plan.block_hours(self.region.pool(service.pool)), self.now)
        if rests:
            notes += [f"{text}: {hours}" for text in short]
        else:
            wrong += [f"{text}: {hours}" if hours else text for text in short]
        provider = self.names.capacity_providers if self.names else None
        if not names_of_key(service.pool, one.providers, provider):
            named = listed(list(one.providers)) or "none"
            wrong.append(f"its capacity provider is {named}, planned is that of {service.pool}")
        unknown, containers = "", self.observed.containers.get(one.task_definition)
        wrong += self.definition(service.task_definition, one.task_definition, containers)
        if containers is None:
            unknown = f"the task definition {one.task_definition} could not be read"
        tasks = [t for t in actual.tasks or () if t.group == f"service:{one.name}"]
        if actual.tasks is None:
            unknown = "the tasks of the cluster could not be read"
        for task in tasks:
            wrong += self.task(service, task, actual)
        found = f"{one.running} of {one.desired} running"
        return self.check("service", one.name, found, wrong, notes=notes, unknown=unknown)

    def state(self, one: ObservedService, *, alone: bool) -> list[str]:
        """What differs whatever the service is for."""
        wrong = [] if alone else ["another service of the cluster has the same key in its name"]
        if one.status != "ACTIVE":
            wrong.append(f"it is {one.status}, not ACTIVE")
        return wrong

    def daemon(self, daemon: plan.Daemon, one: ObservedService, *, alone: bool) -> Check:
        """A daemon has as many tasks as instances; its state, its progress and its revision are
        compared."""
        containers = self.observed.containers.get(one.task_definition)
        wrong = [*self.state(one, alone=alone), *self.progress(one)]
        wrong += self.definition(daemon.task_definition, one.task_definition, containers)
        unknown = f"the task definition {one.task_definition} could not be read"
        return self.check(
            "service",
            one.name,
            f"{one.running} of {one.desired} running",
            wrong,
            unknown=unknown if containers is None else "",
        )

    def counts(self, service: plan.Service, one: ObservedService) -> Iterator[str]:
        least, most = service.desired_count, service.tasks_max
        if not least <= one.desired <= most:
            planned = str(least) if least == most else f"{least} to {most}"
            yield f"{counted(one.desired, 'task')} desired, planned {planned}"
        yield from self.progress(one)

    def progress(self, one: ObservedService) -> Iterator[str]:
        """What keeps a service from being steady."""
        if one.running != one.desired:
            yield f"{one.running} of {counted(one.desired, 'task')} running, {one.pending} pending"
        if one.rollout == "FAILED":
            yield f"its rollout failed{_because(one.rollout_reason)}"
        elif one.deploys:
            yield f"it is still rolling out{_because(one.rollout_reason)}"

    def definition(
        self,
        planned: plan.TaskDefinition,
        arn: str,
        containers: tuple[Mapping[str, Any], ...] | None,
    ) -> Iterator[str]:
        """How the task definition that is in use differs from the planned one.

        This also finds a rollback by the circuit breaker: its deployment completes, with the
        previous revision.
        """
        if family_of(arn) != planned.family:
            yield f"its task definition is {family_of(arn)}, planned is {planned.family}"
            return
        if self.names is not None:
            last = self.names.task_definitions.get(planned.key)
            if last and last != arn:
                number, wanted = revision_of(arn), revision_of(last)
                yield (
                    f"it uses revision {number}, and the last update made {wanted}: "
                    "rolled back, or changed by hand"
                )
        if containers is not None:
            wanted = cast("list[dict[str, Any]]", json.loads(planned.container_definitions))
            yield from differences(wanted, [dict(c) for c in containers], "containers")

    def task(
        self, service: plan.Service, task: ObservedTask, actual: ObservedCluster
    ) -> Iterator[str]:
        if task.last_status != "RUNNING" or task.desired_status != "RUNNING":
            return
        if task.health == "UNHEALTHY":
            yield f"task {task.name} is UNHEALTHY"
        instance = next((i for i in actual.instances or () if i.arn == task.instance), None)
        if service.task_definition.devices == "all":
            yield from self.assigned(service, task, instance)
            return
        held = set(self.devices(task))
        wanted = {str(d) for d in service.task_definition.devices}
        if task.task_definition in self.observed.containers and held != wanted:
            yield f"task {task.name} has {_ids(held)}, planned {_ids(wanted)}"
        mode = service.task_definition.network_mode
        if instance is None or instance.ports is None or mode == "awsvpc":
            return
        named = devices_of(self.observed.containers.get(task.task_definition, ()))
        free = [d for d in sorted(named) if _LOCK + d not in instance.ports]
        if free:
            yield (
                f"task {task.name} has {_ids([str(d) for d in free])} on {instance.instance_id}, "
                f"and ECS does not reserve {listed([str(_LOCK + d) for d in free])}: "
                "another task could take them"
            )

    def assigned(
        self, service: plan.Service, task: ObservedTask, instance: ObservedInstance | None
    ) -> Iterator[str]:
        """The devices that ECS assigned are all of the instance.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html
        """
        planned = self.region.pool(service.pool).layout.devices
        wanted = instance.registered if instance else None
        if wanted is None:
            wanted = frozenset(str(d) for d in range(planned)) if planned else None
        if not task.devices:
            yield f"task {task.name} was assigned no Neuron device, planned all of its instance"
        elif wanted is not None and task.devices != wanted:
            yield f"task {task.name} was assigned {_ids(task.devices)}, planned {_ids(wanted)}"

    # -- instances -----------------------------------------------------------------------------

    def instances(self, cluster: plan.Cluster, actual: ObservedCluster) -> Iterator[Check]:
        if actual.instances is None:
            name = actual.name or cluster.key
            unknown = "the container instances of the cluster could not be read"
            yield self.check("instance", name, "not read", (), unknown=unknown)
            return
        known = self.names.capacity_providers if self.names else None
        for instance in actual.instances:
            pools = [p for p in cluster.pools if names_of_key(p.key, [instance.provider], known)]
            yield self.instance(pools[0] if pools else None, instance, actual)

    def instance(
        self, pool: plan.Pool | None, instance: ObservedInstance, actual: ObservedCluster
    ) -> Check:
        wrong: list[str] = []
        notes: list[str] = []
        unknown = ""
        if pool is None:
            provider = instance.provider or "no capacity provider"
            wrong.append(f"it is of {provider}, which is no pool of the plan")
        if passing := _PASSING.get(instance.status):
            notes.append(f"it is {instance.status}: {passing}")
        elif instance.status != "ACTIVE":
            wrong.append(f"it is {instance.status}, not ACTIVE")
        # Before and after its time in the cluster no agent is expected.
        if not instance.agent_connected and instance.status not in _COMES_OR_GOES:
            wrong.append("its agent is not connected: ECS neither starts nor stops tasks there")
        match pool:
            case plan.AutoScalingPool():
                if instance.instance_type and instance.instance_type != pool.instance_type:
                    wrong.append(f"it is {instance.instance_type}, planned {pool.instance_type}")
                problem, note, unknown = self.image(pool, instance)
                wrong += problem
                notes += note
            case plan.ManagedInstancesPool():
                wrong += self.type_of(pool, instance)
            case None:
                pass
        tasks = [t for t in actual.tasks or () if t.instance == instance.arn and t.on_instance]
        if actual.tasks is None:
            unknown = "the tasks of the cluster could not be read"
        unread_tasks = [t for t in tasks if not t.devices and not self.is_read(t)]
        if unread_tasks:
            some = listed([t.name for t in unread_tasks])
            unknown = f"the devices of {some} are not known: task definition not read"
        wrong += self.shared(tasks)
        wrong += self.registered(pool, instance, tasks)
        held = {d for t in tasks for d in self.devices(t)}
        type_ = instance.instance_type or "instance"
        image = f", {instance.image_id}" if instance.image_id else ""
        found = f"{type_}{image}, {counted(len(tasks), 'task')} on {_ids(held)}"
        name = instance.name
        return self.check("instance", name, found, wrong, notes=notes, unknown=unknown)

    def image(
        self, pool: plan.AutoScalingPool, instance: ObservedInstance
    ) -> tuple[list[str], list[str], str]:
        """Differences, notes, and why there is no answer, about the instance's image.

        A launch template resolves its parameter at each launch, and running instances are not
        replaced. So an older image of a parameter that moves is as planned; it becomes a note.
        """
        if not pool.image_id.startswith(RESOLVE):
            wanted: str | None = pool.image_id
        else:
            wanted = self.observed.images.get(pool.image_id.removeprefix(RESOLVE))
        if wanted is None:
            return [], [], "the parameter of its planned image could not be read"
        if instance.image_id is None:
            return [], [], "its image could not be read"
        if instance.image_id == wanted:
            return [], [], ""
        if pool.image_id.endswith("/recommended/image_id"):
            note = (
                f"it has {instance.image_id}, and {wanted} is recommended now; "
                "drain it for an instance of that image"
            )
            return [], [note], ""
        return [f"its image is {instance.image_id}, planned {wanted}"], [], ""

    def type_of(self, pool: plan.ManagedInstancesPool, instance: ObservedInstance) -> Iterator[str]:
        if instance.instance_type and instance.instance_type not in pool.instance_types:
            planned = listed(pool.instance_types, most=4)
            yield f"it is {instance.instance_type}, planned {planned}"

    def registered(
        self, pool: plan.Pool | None, instance: ObservedInstance, tasks: Sequence[ObservedTask]
    ) -> Iterator[str]:
        """How the devices that the instance registered differ from the plan and from its tasks."""
        if instance.registered is None:
            if isinstance(pool, plan.ManagedInstancesPool) and any(t.devices for t in tasks):
                yield "it registered no NEURON_DEVICES"
            return
        planned = pool.layout.devices if pool else 0
        if planned and len(instance.registered) != planned:
            yield f"it registered {_ids(instance.registered)}, planned {planned} of them"
        if instance.remaining is None:
            return
        given = {d for t in tasks for d in t.devices}
        if both := given & instance.remaining:
            yield f"{_ids(both)}: assigned to a task, and offered as free (NEURON_DEVICES)"

    def shared(self, tasks: Sequence[ObservedTask]) -> Iterator[str]:
        """The devices of an instance that several tasks use, whoever started them."""
        holders: dict[str, list[ObservedTask]] = {}
        for task in sorted(tasks, key=lambda t: t.arn):
            for device in self.devices(task):
                holders.setdefault(device, []).append(task)
        by_tasks: dict[tuple[str, ...], list[str]] = {}
        for device, several in holders.items():
            if len(several) > 1:
                users = tuple(f"{t.name} ({t.group}, {t.last_status})" for t in several)
                by_tasks.setdefault(users, []).append(device)
        for users, devices in sorted(by_tasks.items()):
            yield f"{_ids(devices)} used by {len(users)} tasks at once: {listed(list(users))}"

    def is_read(self, task: ObservedTask) -> bool:
        return task.task_definition in self.observed.containers

    def devices(self, task: ObservedTask) -> tuple[str, ...]:
        """Ids of the devices of a task: assigned by ECS, or named in its task definition."""
        if task.devices:
            return tuple(sorted(task.devices, key=in_order))
        named = devices_of(self.observed.containers.get(task.task_definition, ()))
        return tuple(str(d) for d in sorted(named))

    # -- jobs ----------------------------------------------------------------------------------

    def job(self, job: plan.JobPlan) -> Check:
        definition = job.task_definition
        arn = self.names.task_definitions.get(definition.key) if self.names else None
        containers = self.observed.containers.get(arn or definition.family)
        if containers is None:
            unknown = "its task definition could not be read"
            return self.check("job", definition.family, "not read", (), unknown=unknown)
        if not containers:
            wrong = "no task definition of this family is active"
            return self.check("job", definition.family, "not found", (wrong,))
        wrong = list(self.definition(definition, arn or f"/{definition.family}:", containers))
        running = sum(
            family_of(t.task_definition) == definition.family and t.on_instance
            for t in self.observed.tasks
        )
        return self.check("job", definition.family, f"{counted(running, 'task')} now", wrong)


def devices_of(containers: Sequence[Mapping[str, Any]]) -> frozenset[int]:
    """The Neuron devices that container definitions name."""
    parameters = [cast("dict[str, Any]", c.get("linuxParameters", {})) for c in containers]
    paths = [cast(str, d.get("hostPath", "")) for p in parameters for d in p.get("devices", ())]
    found = (_NEURON_DEVICE.fullmatch(path) for path in paths)
    return frozenset(int(match[1]) for match in found if match)


def differences(planned: Any, found: Any, path: str) -> Iterator[str]:
    """Yields where `found` differs from the planned value. Ignores keys that AWS adds.

    ECS returns definitions with defaults filled in and lists of maps in an order of its own, so
    lists of maps are compared in any order.
    """
    if isinstance(planned, dict):
        there = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
        for key, value in cast("dict[str, Any]", planned).items():
            if key in there:
                yield from differences(value, there[key], f"{path}.{key}")
            else:
                yield f"{path}.{key} is absent, planned {_short(value)}"
        return
    # A variable that was set by hand may contain a credential.
    is_printed = not (".environment." in path and path.endswith(".value"))
    if isinstance(planned, list) and isinstance(found, list):
        wanted, there = cast("list[Any]", planned), cast("list[Any]", found)
        if any(isinstance(item, dict) for item in [*wanted, *there]):
            yield from _unordered(wanted, there, path)
            return
    if planned != found:
        if not is_printed:
            yield f"{path} differs (not shown)"
            return
        yield f"{path} is {_short(found)}, planned {_short(planned)}"


def _unordered(
    wanted: list[dict[str, Any]], there: list[dict[str, Any]], path: str
) -> Iterator[str]:
    """Lists of maps; those with a name are compared by it."""
    if all("name" in item for item in [*wanted, *there]):
        by_name = {item["name"]: item for item in there}
        for item in wanted:
            name = cast(str, item["name"])
            if name in by_name:
                yield from differences(item, by_name.pop(name), f"{path}.{name}")
            else:
                yield f"{path}.{name} is absent"
        for name in by_name:
            yield f"{path}.{name} is there and not planned"
        return
    left = list(there)
    for item in wanted:
        same = next((i for i in left if not any(differences(item, i, ""))), None)
        if same is None:
            yield f"{path} lacks {_short(item)}"
        else:
            left.remove(same)
    for item in left:
        yield f"{path} has {_short(item)}, which is not planned"


def _short(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return text if len(text) <= 100 else text[:99] + "…"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _ids(devices: frozenset[str] | set[str] | Sequence[str]) -> str:
    ordered = sorted(devices, key=in_order)
    if not ordered:
        return "no device"
    if all(d.isdecimal() for d in ordered):
        text = spans([int(d) for d in ordered])
    else:
        text = ", ".join(ordered)
    return f"device {text}" if len(ordered) == 1 else f"devices {text}"
