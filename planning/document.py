"""The plan as JSON: written here, and read back here."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin

from messages.finding import Finding
from planning import plan as types
from planning.everywhere import admitted_in_all
from planning.plan import Plan

VERSION = 3
"""The version of this form. It rises when a field is renamed, removed or changes its meaning."""

_LARGEST = 2**31 - 1
_MOST: Mapping[str, int] = {
    "devices": 1_000,
    **dict.fromkeys(("instances_min", "instances_max", "min_size", "max_size"), 10_000),
    **dict.fromkeys(("tasks_min", "tasks_max"), 10_000),  # of a slot, one an instance
    **dict.fromkeys(("desired_count", "maximum_percent"), 100_000),
}
"""The largest number of a field that is counted through; other numbers have 32 bits."""

Json = Any
"""A JSON value. Recursive aliases make every reader of an input narrow it at each level, which
hides the tables that read them; so the values of inputs are deliberately unchecked here."""


class UnreadableError(Exception):
    """The JSON is not a plan of this version; the text names the path and what is wrong there."""


# ---- writing -----------------------------------------------------------------------------------


def document(plan: Plan) -> dict[str, Json]:
    """Returns the plan as JSON: its types with their field names, and the version of this form.

    `endpoints` and `global_endpoints` follow from the rest and are not read back.
    """
    return {
        "version": VERSION,
        **as_json(plan),
        "endpoints": as_json(list(endpoints(plan))),
        "global_endpoints": as_json(list(global_endpoints(plan))),
    }


def as_json(value: object) -> Json:
    """Returns the plan, or a part of it, as JSON; members of unions carry their `kind`."""
    if is_dataclass(value) and not isinstance(value, type):
        kind = getattr(value, "kind", None)
        data: dict[str, Json] = {"kind": kind} if isinstance(kind, str) else {}
        for entry in fields(value):
            data[entry.name] = as_json(getattr(value, entry.name))
        return data
    if isinstance(value, (tuple, list)):
        return [as_json(v) for v in cast("tuple[object, ...]", value)]
    if isinstance(value, Mapping):
        return {str(k): as_json(v) for k, v in cast("Mapping[str, object]", value).items()}
    return value.name.lower() if isinstance(value, Enum) else value


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A container behind a load balancer, and who may call it.

    `model` is followed by a slash and the sidecar's name if a sidecar answers. `url` has the load
    balancer's logical name in angle brackets: AWS gives it another one. `health` is a URL that
    answers while a task is healthy. `callers` are CIDR blocks and security groups. `check` is a URL
    that answers a GET, the health check's where no key is asked for; `key` is the secret with the
    key that callers send, empty without one. `public` says whether the load balancer has public
    addresses. `issuer` is that of the tokens that callers send, empty without; `certificate` says
    whether callers must show one. `own_name` says whether the URL has the load balancer's own name,
    which no certificate has.
    """

    model: str
    region: str
    url: str
    health: str
    callers: tuple[str, ...]
    check: str = ""
    key: str = ""
    public: bool = False
    issuer: str = ""
    certificate: bool = False
    own_name: bool = False


def endpoints(plan: Plan) -> Iterator[Endpoint]:
    """Yields every container behind a load balancer, by Region and model."""
    for region in plan.regions:
        balancer = region.load_balancer
        for model in region.models:
            for group in model.target_groups:
                if balancer is None:
                    break
                scheme = "https" if balancer.secure else "http"
                own = f"<{balancer.name_key}>.{region.name}.elb.{region.dns_suffix}"
                for name, one in group.names(model.called(group)).items():
                    url = f"{scheme}://{one.host or own}{one.path_prefix}"
                    health, check = _checked(url, group)
                    yield Endpoint(
                        model=name,
                        region=region.name,
                        url=url,
                        health=health,
                        callers=balancer.callers,
                        check=check,
                        key=group.caller_key.secret if group.caller_key else "",
                        public=balancer.public,
                        issuer=group.issuer,
                        certificate=bool(balancer.trust_store_arn),
                        own_name=not one.host,
                    )


def _checked(url: str, group: types.TargetGroup) -> tuple[str, str]:
    """The health check's URL, and one that callers may try."""
    health, asked = f"{url}{group.health_path}", group.caller_key is not None or group.issuer
    return health, f"{url}{group.check_path}" if asked and group.check_path else health


@dataclass(frozen=True, slots=True)
class GlobalEndpoint:
    """A container behind the load balancers of several Regions, under one name.

    `callers` are those that every one of these Regions admits; the rest is as in `Endpoint`.
    """

    model: str
    url: str
    health: str
    callers: tuple[str, ...]
    regions: tuple[str, ...]
    check: str
    key: str
    public: bool
    issuer: str
    certificate: bool


def global_endpoints(plan: Plan) -> Iterator[GlobalEndpoint]:
    """Yields every container that has a name over all Regions, by model."""
    found: dict[str, list[tuple[types.RegionPlan, types.TargetGroup, str]]] = {}
    for region in plan.regions:
        for model in region.models:
            for name, one, group in model.names_everywhere:
                found.setdefault(name, []).append((region, group, one.host))
    for name, places in sorted(found.items()):
        balancers = [region.load_balancer for region, *_ in places if region.load_balancer]
        _, group, host = places[0]
        secure = all(balancer.secure for balancer in balancers)
        url = f"{'https' if secure else 'http'}://{host}"
        health, check = _checked(url, group)
        yield GlobalEndpoint(
            model=name,
            url=url,
            health=health,
            callers=admitted_in_all([balancer.callers for balancer in balancers]),
            regions=tuple(region.name for region, *_ in places),
            check=check,
            key=group.caller_key.secret if group.caller_key else "",
            public=all(balancer.public for balancer in balancers),
            issuer=group.issuer,
            certificate=any(balancer.trust_store_arn for balancer in balancers),
        )


# ---- reading -----------------------------------------------------------------------------------


def read_plan(written: Json) -> Plan:
    """Returns the plan that `document` wrote. Raises `UnreadableError`.

    Unknown keys are ignored. A missing key takes the default of its field; without a default it is
    an error. `version` is not checked.
    """
    plan = cast(Plan, _read(Plan, written, "the plan"))
    for region in plan.regions:
        pools = {pool.key: pool for pool in region.pools}
        for pool in region.pools:
            _check_pool(pool, {job.name for job in region.jobs}, region.name)
        services = [service for model in region.models for service in model.services]
        for workload in (*region.models, *region.jobs, *services):
            if workload.pool not in pools:
                raise UnreadableError(f"{region.name} has no pool {workload.pool}")
        models = {model.name for model in region.models if model.services}
        taken = [one for pool in region.pools for one in pool.layout.assignments]
        if unknown := [t.workload for t in taken if not t.is_job and t.workload not in models]:
            raise UnreadableError(f"{region.name} has no services of {unknown[0]}")
        for one in (*services, *region.jobs):
            _check_task(one.task_definition, pools[one.pool])
    return plan


def read_findings(written: Json) -> tuple[Finding, ...]:
    """Returns the findings of a plan, or of a refused stack file. Raises `UnreadableError`."""
    return _read(tuple[Finding, ...], written, "findings")


def _check_pool(pool: types.Pool, jobs: Collection[str], region: str) -> None:
    """What the pool refers to exists: its instance types, its devices, its jobs."""
    if not pool.instance_types:
        raise UnreadableError(f"{region}: pool {pool.key} has no instance types")
    layout = pool.layout
    taken = {d for slot in layout.slots for d in slot.devices}
    if beyond := [d for d in taken if d >= layout.devices]:
        raise UnreadableError(f"{region}: pool {pool.key} has no device {beyond[0]}")
    if unknown := [one.workload for one in layout.jobs if one.workload not in jobs]:
        raise UnreadableError(f"{region} has no job {unknown[0]}")


def _check_task(task: types.TaskDefinition, pool: types.Pool) -> None:
    """Container definitions are JSON within the JSON: a list of objects with a name each."""
    try:
        containers = json.loads(task.container_definitions)
    except (ValueError, RecursionError):
        containers = None
    if not isinstance(containers, list) or not all(
        isinstance(c, dict) and _is_container(cast("dict[str, Json]", c))
        for c in cast("list[Json]", containers)
    ):
        raise UnreadableError(f"{task.key}.container_definitions are no list of containers")
    if task.devices != "all" and any(d >= pool.layout.devices for d in task.devices):
        raise UnreadableError(f"{task.key} has devices that pool {pool.key} does not have")


def _is_container(members: Mapping[str, Json]) -> bool:
    numbers = (members.get(key, 0) for key in ("cpu", "memory", "memoryReservation", "stopTimeout"))
    return isinstance(members.get("name"), str) and all(
        type(n) is int and 0 <= n <= _LARGEST for n in numbers
    )


def _read(wanted: Any, value: Json, path: str) -> Any:
    """Returns the value as the type that an annotation of `planning.plan` asks for."""
    if isinstance(wanted, str):  # an alias that refers to itself
        wanted = getattr(types, wanted)
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin in (Union, UnionType):
        found = next((member for member in arguments if _admits(member, value)), None)
        if found is not None:
            return _read(found, value, path)
    elif _admits(wanted, value):
        if origin is tuple:
            members = cast("list[Json]", value)
            each = arguments[:1] * len(members) if arguments[-1] is ... else arguments
            if len(each) == len(members):
                pairs = enumerate(zip(each, members, strict=True))
                return tuple(_read(of, member, f"{path}[{at}]") for at, (of, member) in pairs)
        elif isinstance(value, dict):
            members = cast("dict[str, Json]", value)
            if is_dataclass(wanted):
                return _read_object(cast("type[Any]", wanted), members, path)
            return {key: _read(arguments[1], v, f"{path}.{key}") for key, v in members.items()}
        elif isinstance(wanted, type) and issubclass(wanted, Enum):
            return wanted[cast(str, value).upper()]
        elif wanted is not int or _is_counted(value, path.rpartition(".")[2]):
            return value
    raise UnreadableError(f"{path} is {json.dumps(value, default=str)[:60]}")


def _admits(wanted: Any, value: Json) -> bool:
    """Whether the value is of the type, as far as it can be seen without looking into it."""
    origin = get_origin(wanted)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in get_args(wanted))
    if origin is tuple:
        return isinstance(value, list)
    if is_dataclass(wanted):
        kind: object = getattr(wanted, "kind", None)  # a text where it says which member of a union
        named = isinstance(value, dict) and kind == cast(Json, value).get("kind")
        return named or (isinstance(value, dict) and not isinstance(kind, str))
    if origin is not None:
        return isinstance(value, dict)
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return isinstance(value, str) and value.upper() in wanted.__members__
    if wanted is float and type(value) is int:
        return True
    return type(value) is (NoneType if wanted is None else wanted)


def _is_counted(number: int, field: str) -> bool:
    least = -1 if field == "scale_in_after_seconds" else 0  # -1: never
    # a grace period has 31 bits itself, and other times are sums and multiples of it
    most = 16 * _LARGEST if field.endswith("_seconds") else _LARGEST
    return least <= number <= _MOST.get(field, most)


def _read_object(wanted: type[Any], members: Mapping[str, Json], path: str) -> Any:
    found: dict[str, object] = {}
    for field in fields(wanted):
        if field.name in members:
            found[field.name] = _read(field.type, members[field.name], f"{path}.{field.name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise UnreadableError(f"{path} has no {field.name}")
    return wanted(**found)
