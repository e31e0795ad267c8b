"""Changes that fail half-way although both stack files can be built, and the steps instead.

Each is what a real engine did against a stand-in for AWS; the plan of one stack file alone cannot
see it, since it is about the way from one to the other.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from messages.phrases import counted, listed
from neuron_ecs.diff.deadlocks import Waiting, stuck, waiting
from neuron_ecs.diff.plans import PlanIndex, max_size, network, services_on
from neuron_ecs.terminal import spans
from planning.choices import SESSION_MANAGER_ROLE
from planning.plan import AutoScalingPool, Network, OwnNetwork, Pool

Code = Literal["ND001", "ND002", "ND003", "ND004", "ND005", "ND006", "ND007", "ND008", "ND009"]
WayCode = Literal["ND020", "ND021", "ND022"]

MEANINGS: Mapping[Code, str] = {
    "ND001": "a pool leaves in one update while models use it",
    "ND002": "a pool changes its purchase, type or kind in place",
    "ND003": "services wait for devices that others hold until they are steady",
    "ND004": "a Region changes its VPC in place",
    "ND005": "a scaled model gets a new task and a higher minimum at once, and no task may stop",
    "ND006": "a pool leaves a zone that its Region's network loses",
    "ND007": "a load balancer leaves while it is protected from deletion",
    "ND008": "a file system leaves, or gets another key, while it is protected from deletion",
    "ND009": "a load balancer changes between private and public addresses under its models",
}

INTERRUPTIONS: Mapping[WayCode, str] = {
    "ND020": "a model moves to a target group of another type",
    "ND021": "a model gets requests under a shared name before it serves",
    "ND022": "names of a model in the network get records of another type",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What cannot be done in one update, in these Regions, why, and the two that do it.

    With a `WayCode` the update succeeds, but callers notice it.
    """

    code: Code | WayCode
    regions: tuple[str, ...]
    path: str
    what: str
    why: str
    steps: tuple[str, ...]


_IN_USE = (
    "AWS does not let go of a capacity provider while a service uses it, and the engine deletes "
    "last: the update fails half-way (ResourceInUseException)."
)


def refusals(
    base: PlanIndex, head: PlanIndex, config: Mapping[str, str] | None = None
) -> tuple[Refusal, ...]:
    """All of them, by code and place; `config` holds the texts of the head's stack file."""
    kinds = (_pools(base, head), _waiting(base, head, config or {}), _networks(base, head))
    protected = (*_protected(base, head), *_protected_files(base, head))
    others = (*_zones(base, head), *_schemes(base, head), *protected)
    return by_place((*chain.from_iterable(kinds), *others))


def by_place(refusals: Iterable[Refusal]) -> tuple[Refusal, ...]:
    """The refusals by code and place; alike ones of several Regions are one."""
    alike: dict[Refusal, list[str]] = {}
    for found in refusals:
        alike.setdefault(replace(found, regions=()), []).extend(found.regions)
    lines = [replace(found, regions=tuple(sorted(where))) for found, where in alike.items()]
    return tuple(sorted(lines, key=lambda r: (r.code, r.path, r.regions)))


def users(index: PlanIndex, region: str, pool: Pool) -> tuple[str, ...]:
    """The models with a service on the pool."""
    return tuple(sorted({model.name for model, _ in services_on(index, region, pool)}))


def _pools(base: PlanIndex, head: PlanIndex) -> Iterator[Refusal]:
    for (region, name), pool in sorted(base.pools.items()):
        used = users(base, region, pool)
        stays = head.pools.get((region, name))
        # With the last pool of its kind the cluster goes as well, and everything on it before it.
        if not used or (region, pool.kind) not in head.clusters:
            continue
        path = f"capacity.{name}"
        if stays is None:
            yield Refusal(
                "ND001",
                (region,),
                path,
                f"leaves in one update while {listed(used)} "
                f"{'uses' if len(used) == 1 else 'use'} it",
                _IN_USE,
                (
                    f"keep {path} with `retired: true`, move or remove "
                    f"{listed(used)}, and run the update",
                    f"remove {path} in the next change",
                ),
            )
        elif stays.key != pool.key:
            what = _what_changed(pool, stays)
            yield Refusal(
                "ND002",
                (region,),
                path,
                f"changes its {what} under {listed(used)}",
                _IN_USE + " A live service never changes its capacity provider.",
                _second_pool(path, what.split(" ")[0], used),
            )


def _second_pool(path: str, field: str, used: Sequence[str]) -> tuple[str, str]:
    """The two updates of a pool that cannot change this field under its workloads."""
    return (
        f"leave {path} as it is, add a pool with the new {field} beside it, point {listed(used)} "
        f"to that one, write `retired: true` in {path}, and run the update",
        f"remove {path} in the next change",
    )


def _what_changed(old: Pool, new: Pool) -> str:
    if old.kind != new.kind:
        return f"kind ({old.kind} → {new.kind})"
    if old.purchase.kind != new.purchase.kind:
        return f"purchase ({old.purchase.kind} → {new.purchase.kind})"
    efa = [
        str(isinstance(p, AutoScalingPool) and bool(p.network_interfaces)).lower()
        for p in (old, new)
    ]
    if efa[0] != efa[1]:
        return f"efa ({' → '.join(efa)})"
    roles = [p.instance_role if isinstance(p, AutoScalingPool) else "" for p in (old, new)]
    if roles[0] != roles[1]:
        shell = [str(role.startswith(SESSION_MANAGER_ROLE)).lower() for role in roles]
        return f"session_manager ({' → '.join(shell)})"
    types = (listed(pool.instance_types, most=2) for pool in (old, new))
    return f"instance_type ({' → '.join(types)})"


# ---- what waits for ever ------------------------------------------------------------------------


def _waiting(base: PlanIndex, head: PlanIndex, config: Mapping[str, str]) -> Iterator[Refusal]:
    if not head.plan.wait_for_steady_state:
        return
    for (region, name), pool in sorted(head.pools.items()):
        old = base.pools.get((region, name))
        if old is None or old.key != pool.key:
            continue
        found = waiting(base, head, region, pool)
        if found is not None:
            path = _of_size(region, name, config)
            held = (
                f"{listed(found.leaving)} {'holds' if len(found.leaving) == 1 else 'hold'} them "
                "to the end"
                if found.leaving
                else "old tasks hold them until new ones run"
            )
            yield Refusal(
                "ND003",
                (region,),
                path,
                f"is {max_size(pool)}; while {listed(found.models)} "
                f"{'changes' if len(found.models) == 1 else 'change'}, devices "
                f"{spans(found.devices)} are wanted on {counted(found.instances, 'instance')}: "
                f"{held}",
                "A service must be steady before the engine deletes the one that goes: without a "
                "free device the update waits until it fails.",
                _steps(found, pool, path),
            )
        for one in stuck(base, head, region, pool):
            yield Refusal(
                "ND005",
                (region,),
                f"models.{one.model}",
                f"changes its task and its minimum of replicas at once: a service has "
                f"{counted(one.tasks, 'task')}, keeps {one.service.minimum_healthy_percent} % of "
                "them and starts none beside them",
                "The count of a scaled service moves after its task definition is in use: until "
                "then ECS may neither stop a task nor start one, and the update waits until it "
                "fails.",
                (
                    f"change replicas of models.{one.model} alone, and run the update",
                    "change the rest in the next one",
                ),
            )


def _of_size(region: str, name: str, config: Mapping[str, str]) -> str:
    """Where the stack file says how large the pool may be in its Region."""
    text = next((t for key, t in config.items() if key.endswith(":capacity")), "{}")
    with suppress(ValueError, KeyError, TypeError):
        if "max_size" in json.loads(text)[name]["regions"][region]:
            return f"capacity.{name}.regions.{region}.max_size"
    return f"capacity.{name}.max_size"


def _steps(found: Waiting, pool: Pool, path: str) -> tuple[str, str]:
    """Two updates that always end; more room may be enough, unless the plan with it is another."""
    room = f"{path}: {found.enough} for this update; this command says whether it is enough"
    if not found.leaving:
        return f"write {room}", f"write {path}: {max_size(pool)} again in the next change"
    return (
        f"remove {listed(found.leaving)}, leave {listed(found.models)} as before, and run the "
        f"update (or write {room})",
        f"change {listed(found.models)} in the next one",
    )


# ---- networks --------------------------------------------------------------------------------


def _networks(base: PlanIndex, head: PlanIndex) -> Iterator[Refusal]:
    networks = {name: network(region) for name, region in head.regions.items()}
    for region, before in sorted((name, network(r)) for name, r in base.regions.items()):
        after = networks.get(region)
        runs = any(where == region for where, _ in base.clusters)
        if after is None or after == before or not runs:
            continue
        yield Refusal(
            "ND004",
            (region,),
            f"regions.{region}.network",
            f"changes the VPC under what runs there ({before} → {after})",
            "A load balancer, a security group and an instance stay in the VPC in which they were "
            "made: the update would fail with instances in both "
            "(https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/"
            "API_SetSubnets.html).",
            (
                f"take {region} out of regions, and out of what names it, and run the update: what "
                "serves there ends",
                f"write {region} again with its new network in the next change",
            ),
        )


def _zones(base: PlanIndex, head: PlanIndex) -> Iterator[Refusal]:
    for (region, name), pool in sorted(base.pools.items()):
        stays = head.pools.get((region, name))
        if stays is None or stays.key != pool.key:
            continue
        networks = base.regions[region].network, head.regions[region].network
        before, after = map(_own_zones, networks)
        gone = sorted((before - after) & set(pool.zone_ids)) if after else []
        used = _workloads(base, region, pool)
        if not gone or not used:
            continue
        path = f"capacity.{name}"
        yield Refusal(
            "ND006",
            (region,),
            f"{path}.zone_ids",
            f"leaves {listed(gone)}, which no other pool uses",
            "The update deletes the subnets of a zone that no pool uses. Instances that run there "
            "stay, and AWS does not delete a subnet under an instance (DependencyViolation): the "
            "update waits until it fails (https://github.com/hashicorp/terraform/issues/7743).",
            _second_pool(path, "zone_ids", used),
        )


def _own_zones(network: Network) -> frozenset[str]:
    """The zones of a network of ours; none of an existing one, which the program never changes."""
    zones = network.zones if isinstance(network, OwnNetwork) else ()
    return frozenset(zone.zone_id for zone in zones)


def _workloads(index: PlanIndex, region: str, pool: Pool) -> tuple[str, ...]:
    """The models and jobs of the pool."""
    jobs = (j.name for (where, _), j in index.jobs.items() if (where, j.pool) == (region, pool.key))
    return tuple(sorted({*users(index, region, pool), *jobs}))


def _schemes(base: PlanIndex, head: PlanIndex) -> Iterator[Refusal]:
    """Load balancers of another scheme behind which no task is yet."""
    for region, before in sorted(base.regions.items()):
        after = head.regions.get(region)
        old, new = before.load_balancer, after.load_balancer if after else None
        there = {model.name for model in after.models} if after else set[str]()
        stay = {m.name for m in before.models if m.target_groups} & there
        if old is None or new is None or not stay or new.key in {b.key for b in before.balancers}:
            continue
        word = "public" if new.public else "private"
        yield Refusal(
            "ND009",
            (region,),
            "traffic.public",
            f"gives the load balancer {word} addresses while {listed(sorted(stay))} "
            f"{'serves' if len(stay) == 1 else 'serve'}",
            "AWS changes no scheme in place, and a target group belongs to one load balancer for "
            "its life: names would lead to the new one before a task is behind it.",
            (
                "leave traffic.public as it is, write traffic.both_schemes: true, and run the "
                "update: each task registers at both load balancers",
                "change traffic.public and leave both_schemes out in the next change",
            ),
        )


def _protected(base: PlanIndex, head: PlanIndex) -> Iterator[Refusal]:
    """Load balancers that go, or move to another VPC. What is deleted is not changed before, so
    that the protection which the base has decides."""
    pairs = [(r, b, x) for r, b in sorted(base.regions.items()) for x in b.balancers]
    for region, before, balancer in pairs:
        after = head.regions.get(region)
        if not balancer.deletion_protection:
            continue
        there = {b.key for b in after.balancers} if after is not None else set[str]()
        stays = after if balancer.key in there else None
        if stays is not None and network(stays) == network(before):
            continue
        yield Refusal(
            "ND007",
            (region,),
            "security.deletion_protection",
            f"keeps the load balancer {'in its VPC' if stays else 'from being deleted'}",
            "AWS deletes no load balancer under deletion protection, and the engine deletes last: "
            "the update fails half-way (OperationNotPermitted, "
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/"
            "API_DeleteLoadBalancer.html).",
            (
                "write security.deletion_protection: false alone, and run the update",
                "make the rest of the change in the next one, and write true again",
            ),
        )


def _protected_files(base: PlanIndex, head: PlanIndex) -> Iterator[Refusal]:
    """File systems that go with their files: nothing mounts them any longer, or their key changes,
    which AWS cannot do in place."""
    for region, before in sorted(base.regions.items()):
        after = head.regions.get(region)
        stay = {f.key: f for f in after.file_systems if not f.given_id} if after else {}
        for system in before.file_systems:
            kept = stay.get(system.key)
            if not system.protected or (kept and kept.kms_key == system.kms_key):
                continue
            yield Refusal(
                "ND008",
                (region,),
                f"volumes.{system.volume}",
                f"{'gets another key' if kept else 'leaves'}, and its files are protected by "
                "security.deletion_protection",
                "The engine deletes or replaces no file system that it protects, with its files: "
                "the update is refused (https://www.pulumi.com/docs/iac/concepts/resources/"
                "options/protect/).",
                (
                    "copy the files that you need, write security.deletion_protection: false "
                    "alone, and run the update",
                    "make the rest of the change in the next one, and write true again",
                ),
            )
