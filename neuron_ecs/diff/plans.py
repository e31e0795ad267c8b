"""The pools, models and jobs in the JSON of `neuron-ecs plan`, Region by Region."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from planning.document import Json

Devices = tuple[int, ...] | Literal["all"]

_DEFAULT_STOP_SECONDS = 30
"""How long ECS waits between SIGTERM and SIGKILL where a container does not say
(https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html)."""


class UnreadableError(Exception):
    """The JSON of a plan lacks what its version promises."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Devices of every instance that a workload's tasks take, and how many tasks do."""

    workload: str
    devices: tuple[int, ...]
    least: int
    most: int
    is_job: bool


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool in a Region."""

    region: str
    name: str
    key: str
    kind: Literal["auto_scaling", "managed_instances"]
    types: tuple[str, ...]
    purchase: str
    max_size: int | None
    devices: int
    instances_min: int
    instances_max: int
    retired: bool
    seats: tuple[Seat, ...]
    instances: Mapping[str, Json]  # what new instances are launched with

    @property
    def managed(self) -> bool:
        return self.kind == "managed_instances"


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a model."""

    key: str
    pool: str
    devices: Devices
    image: str
    desired: int
    most: int
    minimum_percent: int
    maximum_percent: int
    grace_seconds: int | None
    stop_seconds: int
    waits_for: tuple[str, ...]
    task: Mapping[str, Json]  # the task definition, whole


@dataclass(frozen=True, slots=True)
class Model:
    """A model in a Region."""

    region: str
    name: str
    pool: str
    network_mode: str
    least: int
    most: int
    services: tuple[Service, ...]
    path: str  # under which the load balancer serves it; empty without one
    deregistration_seconds: int
    health_interval_seconds: int

    @property
    def images(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(s.image for s in self.services))

    @property
    def spots(self) -> tuple[Devices, ...]:
        """The devices of its services, in their order."""
        return tuple(sorted((s.devices for s in self.services), key=str))

    @property
    def devices_each(self) -> int | Literal["all"]:
        """Devices of one task."""
        first = self.services[0].devices if self.services else ()
        return "all" if first == "all" else len(first)


@dataclass(frozen=True, slots=True)
class Job:
    """A job in a Region."""

    region: str
    name: str
    pool: str
    devices: Devices
    image: str
    schedule: str
    task: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything decided that a comparison speaks of, by Region and name."""

    home_region: str
    wait_for_steady_state: bool
    pools: Mapping[tuple[str, str], Pool]
    models: Mapping[tuple[str, str], Model]
    jobs: Mapping[tuple[str, str], Job]
    regions: tuple[str, ...]
    clusters: frozenset[tuple[str, str]]  # Region and kind
    networks: Mapping[str, str]  # by Region: the VPC, in words


NOTHING = Plan("", True, {}, {}, {}, (), frozenset(), {})


def read_plan(document: Mapping[str, Json] | None) -> Plan:
    """The plan in the JSON of `neuron-ecs plan`; `NOTHING` for none. Raises `UnreadableError`."""
    if document is None:
        return NOTHING
    try:
        return _plan(document)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise UnreadableError(f"the plan's JSON cannot be read: {error!r}") from None


def _plan(document: Mapping[str, Json]) -> Plan:
    regions = cast("list[Json]", document["regions"])
    pools = [pool for region in regions for pool in _pools(region)]
    models = [_model(r["name"], m, pools) for r in regions for m in r["models"]]
    jobs = [_job(r["name"], j, pools) for r in regions for j in r["jobs"]]
    kinds = ("auto_scaling", "managed_instances")
    return Plan(
        home_region=document.get("home_region", ""),
        wait_for_steady_state=document.get("wait_for_steady_state", True),
        pools={(p.region, p.name): p for p in pools},
        models={(m.region, m.name): m for m in models},
        jobs={(j.region, j.name): j for j in jobs},
        regions=tuple(r["name"] for r in regions),
        clusters=frozenset((r["name"], kind) for r in regions for kind in kinds if r[kind]),
        networks={r["name"]: _network(r["network"]) for r in regions},
    )


def _network(network: Json) -> str:
    if network["kind"] == "given":
        return f"vpc_id {network['vpc_id']}"
    return f"our own, {network['cidr']}"


_LAUNCHED_WITH = (
    "image_id",
    "root_device",
    "root_volume_gib",
    "metadata_hop_limit",
    "agent_config",
    "network_interfaces",
    "placement_group",
    "storage_gib",
    "local_storage",
    "allowed_instance_types",
)


def _pools(region: Json) -> Iterator[Pool]:
    for cluster in (region["auto_scaling"], region["managed_instances"]):
        for pool in cluster["pools"] if cluster else ():
            layout = pool["layout"]
            least = pool.get("min_size", 0)
            yield Pool(
                region=region["name"],
                name=pool["name"],
                key=pool["key"],
                kind=pool["kind"],
                types=tuple(pool.get("instance_types") or [pool["instance_type"]]),
                purchase=pool["purchase"]["kind"],
                max_size=pool.get("max_size"),
                devices=layout["devices"],
                instances_min=max(layout["instances_min"], least),
                instances_max=max(layout["instances_max"], least),
                retired=pool["retired"],
                seats=tuple(_seats(layout)),
                instances={key: pool[key] for key in _LAUNCHED_WITH if key in pool},
            )


def _seats(layout: Json) -> Iterator[Seat]:
    for slot in layout["slots"]:
        for share in slot["shares"]:
            yield Seat(
                share["workload"],
                tuple(share["devices"]),
                share["tasks_min"],
                share["tasks_max"],
                share["is_job"],
            )


def _devices(value: Json) -> Devices:
    return "all" if value == "all" else tuple(value)


def _pool_name(pools: Sequence[Pool], region: str, key: str) -> str:
    return next(p.name for p in pools if p.region == region and p.key == key)


def _model(region: str, model: Json, pools: Sequence[Pool]) -> Model:
    group = cast("Mapping[str, Json]", model["target_group"] or {})
    return Model(
        region=region,
        name=model["name"],
        pool=_pool_name(pools, region, model["pool"]),
        network_mode=model["network_mode"],
        least=model["replicas_min"],
        most=model["replicas_max"],
        services=tuple(map(_service, model["services"])),
        path=group.get("path_prefix", ""),
        deregistration_seconds=group.get("deregistration_delay_seconds", 0),
        health_interval_seconds=group.get("health_interval_seconds", 0),
    )


def _service(service: Json) -> Service:
    task = service["task_definition"]
    containers = cast("list[Mapping[str, Json]]", json.loads(task["container_definitions"]))
    scaling = service["scaling"]
    return Service(
        key=service["key"],
        pool=service["pool"],
        devices=_devices(task["devices"]),
        image=task["image"],
        desired=service["desired_count"],
        most=scaling["max_capacity"] if scaling else service["desired_count"],
        minimum_percent=service["minimum_healthy_percent"],
        maximum_percent=service["maximum_percent"],
        grace_seconds=service["grace_seconds"],
        stop_seconds=max(
            (c.get("stopTimeout", _DEFAULT_STOP_SECONDS) for c in containers),
            default=_DEFAULT_STOP_SECONDS,
        ),
        waits_for=tuple(service["after"]),
        task=task,
    )


def _job(region: str, job: Json, pools: Sequence[Pool]) -> Job:
    task, schedule = job["task_definition"], job["schedule"]
    return Job(
        region=region,
        name=job["name"],
        pool=_pool_name(pools, region, job["pool"]),
        devices=_devices(task["devices"]),
        image=task["image"],
        schedule=f"{schedule['expression']} {schedule['timezone']}" if schedule else "",
        task=task,
    )
