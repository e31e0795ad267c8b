"""Worlds to simulate: pools of a plan, random stack files, layouts that are wrong on purpose.

A pool is taken from the plan as AWS would get it: ports, CPU, memory and devices come from the
container definitions, not from the planner's own layout.
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from catalog import Catalog, load
from neuron_ecs.stackfile.reading import read
from planning import Plan, Refused, decide
from planning.plan import (
    AutoScalingPool,
    Daemon,
    JobPlan,
    Layout,
    Pool,
    RegionPlan,
    Service,
    TaskDefinition,
)
from tests.planning.stacks import Config, Entry, decide_on, groups, managed, stack, work
from tests.simulation.model import World
from tests.simulation.states import NEURON_DEVICES, PoolSpec, Rules, ServiceSpec, TaskSpec

ROOT = Path(__file__).resolve().parents[2]

# An m4.large of 8192 MiB registers 7985 MiB
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/memory-management.html).
REGISTERED_OF, INSTALLED = 7985, 8192
CPU_UNITS_PER_VCPU = 1024
WITHOUT_MAXIMUM = 1000  # instances; no stack of these tests comes near
CRAMPED = ("NE315", "NE350")  # warnings that services may find no room
LOST = "NE241"


@dataclass(frozen=True)
class Case:
    """A pool with what runs on it, and what the plan claims of it."""

    name: str
    pool: PoolSpec
    services: tuple[ServiceSpec, ...]
    jobs: tuple[tuple[str, TaskSpec], ...]
    layout: Layout
    cramped: bool = False  # a finding says that services may find no room
    unlocked: frozenset[str] = frozenset()  # NE218: services and jobs that may meet themselves
    waiting: frozenset[str] = frozenset()  # jobs that may wait above the minimum of replicas
    lost: frozenset[str] = frozenset()  # jobs that may never start again
    stuck: str = ""  # what NE608 says of desired counts

    def rolls(self, service: ServiceSpec, desired: int) -> bool:
        """Whether no note says that an update of a service ends at no such desired count."""
        model = service.key.split("_")[1]
        ranges = re.search(rf"\b{model} \(([^)]*)\)", self.stuck)
        parts = re.split(r"; | and ", ranges[1]) if ranges else []
        for part in parts if desired else ():
            least, _, most = part.partition(" ")
            if int(least) <= desired <= int(most.removeprefix("to ") if "to" in most else least):
                return False
            if "or more" in part and desired >= int(least):
                return False
        return True

    def world(self, rules: Rules | None = None) -> World:
        """The pool with its services created and nothing started."""
        world = World(self.pool, self.services, dict(self.jobs), rules)
        world.unlocked = self.unlocked
        for service in self.services:
            world.apply(("create", service.key))
        return world


def task_spec(task: TaskDefinition, whole: int) -> TaskSpec:
    """What ECS and the host see of a task definition, on instances of so many devices."""
    containers: list[dict[str, Any]] = json.loads(task.container_definitions)
    ports = {m["hostPort"] for c in containers for m in c.get("portMappings", ())}
    paths = {
        d["hostPath"] for c in containers for d in c.get("linuxParameters", {}).get("devices", ())
    }
    devices = {int(p.removeprefix("/dev/neuron")) for p in paths if p.startswith("/dev/neuron")}
    if task.network_mode == "awsvpc":
        ports = set[int]()
    if task.devices == "all":
        devices, ports = set(range(whole)), ports | {NEURON_DEVICES}
    else:
        assert devices == set(task.devices), task.key
    kinds = [e.rpartition(" ")[2] for e in task.member_of if "instance-type" in e]
    return TaskSpec(
        devices=tuple(sorted(devices)),
        host_ports=frozenset(ports - {0}),
        cpu=task.cpu if task.cpu is not None else sum(c.get("cpu", 0) for c in containers),
        memory=task.memory if task.memory is not None else sum(c["memory"] for c in containers),
        instance_type=kinds[0] if kinds else None,
        definition=task.container_definitions,
    )


def service_spec(service: Service, whole: int) -> ServiceSpec:
    scaling = service.scaling
    return ServiceSpec(
        key=service.key,
        task=task_spec(service.task_definition, whole),
        least=scaling.min_capacity if scaling else service.desired_count,
        most=scaling.max_capacity if scaling else service.desired_count,
        minimum_healthy_percent=service.minimum_healthy_percent,
        maximum_percent=service.maximum_percent,
        distinct_instance=service.distinct_instance,
        after=service.after,
    )


def pool_spec(pool: Pool, catalog: Catalog, daemons: Sequence[Daemon] = ()) -> PoolSpec:
    """The pool's instances. Managed Instances have no maximum and launch what tasks wait for.

    A daemon is placed before other tasks, so its share of an instance is as good as the host's.
    """
    kind = catalog.instances.types[pool.instance_types[0]]
    grouped = isinstance(pool, AutoScalingPool)
    there = f"[{kind.name}]", f"[{kind.name},", f" {kind.name},", f" {kind.name}]"
    placed = [
        task_spec(daemon.task_definition, 0)
        for daemon in daemons
        if grouped and any(t in e for e in daemon.task_definition.member_of for t in there)
    ]
    return PoolSpec(
        instance_type=kind.name,
        devices=kind.neuron.devices if kind.neuron else 0,
        cpu=kind.vcpus * CPU_UNITS_PER_VCPU - sum(task.cpu for task in placed),
        memory=kind.memory_mib * REGISTERED_OF // INSTALLED - sum(task.memory for task in placed),
        max_size=pool.max_size if grouped else WITHOUT_MAXIMUM,
        min_size=pool.min_size if grouped else 0,
        maximum_step=pool.maximum_scaling_step if grouped else WITHOUT_MAXIMUM,
        first_step=2 if grouped else 1,
        reserved_ports=catalog.networks.reserved_host_ports.union(
            *(task.host_ports for task in placed)
        ),
        legal_sets=frozenset(catalog.neuron.device_sets(kind.name)) if kind.neuron else frozenset(),
    )


def cases(plan: Plan, name: str) -> Iterator[Case]:
    """Every pool of one instance type of the plan."""
    for region in plan.regions:
        for pool in region.pools:
            if len(pool.instance_types) == 1:
                yield case(plan, region, pool, f"{name}/{region.name}/{pool.name}")


def case(plan: Plan, region: RegionPlan, pool: Pool, name: str) -> Case:
    """The pool with its services and jobs, and what the findings of the plan say of them."""
    spec = pool_spec(pool, load(), region.daemons)
    services = [s for m in region.models for s in m.services if s.pool == pool.key]
    jobs: list[JobPlan] = [j for j in region.jobs if j.pool == pool.key]
    tasks = [(s.key, s.task_definition) for s in services]
    tasks += [(f"job-{j.name}", j.task_definition) for j in jobs]
    told = {(f.code, f.path) for f in plan.findings}
    return Case(
        name,
        spec,
        tuple(service_spec(s, spec.devices) for s in services),
        tuple((f"job-{j.name}", task_spec(j.task_definition, spec.devices)) for j in jobs),
        pool.layout,
        cramped=any(c in CRAMPED and p.startswith(f"capacity.{pool.name}") for c, p in told),
        unlocked=frozenset(
            key for key, t in tasks if t.network_mode == "awsvpc" and t.devices != "all"
        ),
        waiting=frozenset(f"job-{j.name}" for j in jobs if ("NE215", f"jobs.{j.name}") in told),
        stuck=next((f.what for f in plan.findings if f.code == "NE608"), ""),
        lost=frozenset(
            f"job-{j.name}" for j in jobs if (LOST, f"jobs.{j.name}.neuron_devices") in told
        ),
    )


@lru_cache
def written() -> tuple[Case, ...]:
    """The pools of the stack files that stand in the repository, one of each shape."""
    found: dict[object, Case] = {}
    for path in sorted([*ROOT.glob("Pulumi.*.yaml"), *ROOT.glob("examples/*.yaml")]):
        file = read(stack=None, file=path, directory=ROOT)
        plan = decide(file.config, load(), project=file.project, stack=file.stack)
        for one in cases(plan, path.stem):
            services = [replace(s, key="", after=(), task=_shape(s.task)) for s in one.services]
            jobs = [_shape(task) for _, task in one.jobs]
            if services or jobs:
                found.setdefault((one.pool, tuple(services), tuple(jobs)), one)
    return tuple(found.values())


def _shape(task: TaskSpec) -> TaskSpec:
    return replace(task, definition="")


# ---- random stack files ----------------------------------------------------------------------

# instance type, counts that are legal, most tasks of a model
KINDS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("inf2.xlarge", (1,)),
    ("trn1.2xlarge", (1,)),
    ("inf1.6xlarge", (1, 2, 4)),
    ("inf2.24xlarge", (1, 2, 3, 4, 6)),
    ("inf2.48xlarge", (1, 2, 4, 6, 8, 12)),
    ("trn1.32xlarge", (1, 2, 4, 8, 16)),
)
EFA = ("trn1.32xlarge", (1, 4, 8, 16))


# the network modes that a pool can have, the default first and most often
BRIDGED: tuple[str | None, ...] = (None, None, None, "host", "host", "awsvpc")
LOCKED: tuple[str | None, ...] = tuple(m for m in BRIDGED if m != "awsvpc")
HOSTED: tuple[str | None, ...] = (None, None, "host", "awsvpc")
PORTS = (8080, 8080, 8080, 8000, 9000)


def random_entries(
    rng: random.Random, *, of_groups: bool = False
) -> tuple[Entry, dict[str, Entry], dict[str, Entry]]:
    """Pool, models and jobs of one pool; nobody has asked whether they fit.

    `of_groups` keeps to Auto Scaling groups and to tasks that lock their devices.
    """
    kind, counts = rng.choice(KINDS)
    sort = "group" if of_groups else rng.choice(("group", "group", "group", "efa", "managed"))
    modes = LOCKED if of_groups else BRIDGED
    pool = groups(kind, 40, min_size=rng.choice((0, 0, 0, 1)))
    if sort == "managed" and not kind.startswith("inf1"):
        pool, modes = managed(kind), HOSTED
        if rng.random() < 0.2:
            counts = ("all",)
    elif sort == "efa":
        (kind, counts), modes = EFA, HOSTED
        pool = groups(kind, 40, efa=True)
    models: dict[str, Entry] = {}
    for number in range(rng.randint(1, 4)):
        models[f"m{number}"] = random_model(rng, counts, modes)
    for number in range(rng.choice((0, 0, 0, 1, 2))):  # proxies and the like
        size = rng.choice((64, 256, 1024))
        models[f"p{number}"] = random_model(rng, (0,), modes, memory_mib=size)
        if rng.random() < 0.3:
            models[f"p{number}"]["cpu_units"] = rng.choice((128, 512))
    jobs: dict[str, Entry] = {}
    for number in range(rng.choice((0, 0, 1, 2))):
        jobs[f"j{number}"] = work(rng.choice((*counts, "all")), **_network(rng, modes))
    for entry in (*models.values(), *jobs.values()):
        if rng.random() < 0.1 and "memory_mib" not in entry:
            entry["memory_mib"] = _memory(rng, kind, entry["neuron_devices"])
    return pool, models, jobs


def _memory(rng: random.Random, kind: str, devices: int | str | list[int]) -> int:
    """A size of its own for a task: from a small part of its share to more than that."""
    of = load().instances.types[kind]
    total = of.neuron.devices if of.neuron else 1
    number = len(devices) if isinstance(devices, list) else devices
    share = of.memory_mib * (number if isinstance(number, int) else total) // total
    return int(share * rng.choice((0.1, 0.5, 0.9, 1.2, 1.6)))


def random_model(
    rng: random.Random,
    counts: tuple[Any, ...],
    modes: tuple[str | None, ...] = LOCKED,
    **more: Any,
) -> Entry:
    """A model in one of the network modes, on a count of devices or on ids."""
    devices: object = rng.choice(counts)
    if devices and isinstance(devices, int) and rng.random() < 0.2:
        first = rng.randrange(0, max(counts), devices)
        if rng.random() < 0.3:
            first = rng.randint(0, max(counts) - devices)
        devices = list(range(first, first + devices))
    least = rng.choice((0, 1, 1, 1, 2, 2, 3, 4))
    more["replicas"] = {"min": least, "max": max(1, least + rng.choice((0, 0, 0, 1, 2, 4)))}
    return work(devices, **more, **_network(rng, modes))


def _network(rng: random.Random, modes: tuple[str | None, ...]) -> Entry:
    """Mode and ports of a task; now and then so many ports that few tasks share an instance."""
    entry: Entry = {}
    mode = rng.choice(modes)
    if mode is not None:
        entry["network_mode"] = mode
    if rng.random() < 0.6:
        entry["port"] = rng.choice(PORTS)
    if rng.random() < 0.03:
        first = rng.choice((10_000, 11_000))
        entry["ports"] = list(range(first, first + rng.randint(20, 60)))
    if rng.random() < 0.1:
        image = "public.ecr.aws/acme/proxy:1"
        small = {"image": image, "cpu_units": 0, "memory_mib": 6, "port": rng.choice((9000, 9001))}
        entry["sidecars"] = {"proxy": small}
    return entry


def config_of(pool: Entry, models: dict[str, Entry], jobs: dict[str, Entry], **keys: Any) -> Config:
    entries: Any = {"models": models} | ({"jobs": jobs} if jobs else {})
    return stack(capacity={"pool": pool}, **entries, **keys)


def only_case(config: Config, name: str = "pool") -> Case | None:
    """The one pool of a configuration; None where the planner refuses it."""
    try:
        plan = decide_on(config)
    except Refused:
        return None
    return next(cases(plan, name))


def random_case(rng: random.Random) -> Case:
    """A pool of a random stack file that the planner accepts, as small as it says or with room."""
    while True:
        pool, models, jobs = random_entries(rng)
        keys: dict[str, Entry] = {"neuron_metrics": {}} if rng.random() < 0.2 else {}
        roomy = only_case(config_of(pool, models, jobs, **keys))
        if roomy is None or not roomy.services:
            continue
        if "max_size" in pool:
            needed = max(1, roomy.layout.instances_max, pool.get("min_size", 0))
            pool["max_size"] = needed + rng.choice((0, 0, 0, 1, 1, 2))
        found = only_case(
            config_of(pool, models, jobs, **keys), f"random {roomy.pool.instance_type}"
        )
        if found is not None:
            return found


# ---- wrong on purpose ------------------------------------------------------------------------


def naive(case: Case) -> Case:
    """One task definition for all replicas of a model, all on the same devices, with ECS's default
    percents and nothing that keeps tasks apart: what a first attempt writes."""
    services: dict[str, ServiceSpec] = {}
    for service in case.services:
        model = service.key.split("_")[1]
        first = services.get(model)
        services[model] = ServiceSpec(
            model,
            unlocked(first.task if first else service.task),
            service.least + (first.least if first else 0),
            service.most + (first.most if first else 0),
        )
    return replace(
        case,
        services=tuple(services.values()),
        jobs=tuple((name, unlocked(task)) for name, task in case.jobs),
    )


def distinct_only(case: Case) -> Case:
    """The planner's services with `distinctInstance` in place of the locks."""
    return replace(
        case,
        services=tuple(
            replace(s, task=unlocked(s.task), distinct_instance=True) for s in case.services
        ),
        jobs=tuple((name, unlocked(task)) for name, task in case.jobs),
    )


def unlocked(task: TaskSpec) -> TaskSpec:
    return replace(task, host_ports=frozenset())
