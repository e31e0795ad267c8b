"""Changes that fail half-way although both stack files can be built, and the steps instead.

Each is what a real engine did against a stand-in for AWS; the plan of one stack file alone cannot
see it, since it is about the way from one to the other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from cli.comparison.plans import Model, Plan, Pool
from cli.plan import spans
from planning.rules.wording import counted, listed

Code = Literal["ND001", "ND002", "ND003"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What cannot be done in one update, why, and the two that do it."""

    code: Code
    region: str
    path: str
    what: str
    why: str
    steps: tuple[str, ...]


_IN_USE = (
    "AWS does not let go of a capacity provider while a service uses it, and the engine deletes "
    "last: the update fails half-way (ResourceInUseException)."
)


def refusals(base: Plan, head: Plan) -> tuple[Refusal, ...]:
    """All of them, by code and place."""
    found = [*_pools(base, head), *_stuck(base, head)]
    return tuple(sorted(found, key=lambda r: (r.code, r.path, r.region)))


def users(plan: Plan, pool: Pool) -> tuple[str, ...]:
    """The models with a service on the pool."""
    return tuple(
        sorted(
            m.name
            for m in plan.models.values()
            if m.region == pool.region and any(s.pool == pool.key for s in m.services)
        )
    )


def _pools(base: Plan, head: Plan) -> Iterator[Refusal]:
    for key, pool in sorted(base.pools.items()):
        used = users(base, pool)
        stays = head.pools.get(key)
        # With the last pool of its kind the cluster goes as well, and everything on it before it.
        if not used or (pool.region, pool.kind) not in head.clusters:
            continue
        path = f"capacity.{pool.name}"
        if stays is None:
            yield Refusal(
                "ND001",
                pool.region,
                path,
                f"leaves {pool.region} in one update while {listed(used)} "
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
                pool.region,
                path,
                f"changes its {what} in {pool.region} under {listed(used)}",
                _IN_USE + " A live service never changes its capacity provider.",
                (
                    f"leave {path} as it is, add a pool with the new {what.split(' ')[0]} beside "
                    f"it, point {listed(used)} to that one, write `retired: true` in {path}, and "
                    "run the update",
                    f"remove {path} in the next change",
                ),
            )


def _what_changed(old: Pool, new: Pool) -> str:
    if old.kind != new.kind:
        return f"kind ({old.kind} → {new.kind})"
    if old.purchase != new.purchase:
        return f"purchase ({old.purchase} → {new.purchase})"
    return f"instance_type ({listed(old.types, most=2)} → {listed(new.types, most=2)})"


# ---- new services that wait for devices that old ones hold ---------------------------------------


def _stuck(base: Plan, head: Plan) -> Iterator[Refusal]:
    if not head.wait_for_steady_state:
        return
    for key, pool in sorted(head.pools.items()):
        old = base.pools.get(key)
        if old is None or old.key != pool.key or pool.max_size is None or not pool.devices:
            continue
        held = during(base, head, pool)
        worst = max(held.values(), default=0)
        if worst <= pool.max_size:
            continue
        devices = [d for d, number in held.items() if number > pool.max_size]
        names = sorted({m.name for m, _ in arriving(base, head, pool)})
        yield Refusal(
            "ND003",
            pool.region,
            f"capacity.{pool.name}.max_size",
            f"is {pool.max_size}; while {listed(names)} come in {pool.region}, devices "
            f"{spans(devices)} are wanted on {counted(worst, 'instance')}: the old services still "
            "hold them",
            "A new service must be steady before the engine deletes the one that goes: without a "
            "free device the update waits until it fails.",
            (
                f"write max_size: {worst} for this update (or wait_for_steady_state: false, which "
                "gives up the check that the new ones run)",
                f"put max_size: {pool.max_size} back in the next change",
            ),
        )


def arriving(base: Plan, head: Plan, pool: Pool) -> Iterator[tuple[Model, str]]:
    """The services on the pool that the base does not have."""
    there = {s.key for m in base.models.values() for s in m.services}
    for model in head.models.values():
        for service in model.services:
            if service.pool == pool.key and service.key not in there and service.desired:
                yield model, service.key


def during(base: Plan, head: Plan, pool: Pool) -> Mapping[int, int]:
    """For each device, the instances on which it is wanted at minimum size during the update.

    The head's services run, and those of the base that go still do.
    """
    wanted = dict.fromkeys(range(pool.devices), 0)
    coming = [s for m in head.models.values() for s in m.services if s.pool == pool.key]
    stay = {s.key for s in coming}
    leaving = [
        s
        for m in base.models.values()
        for s in m.services
        if s.pool == pool.key and s.key not in stay
    ]
    if not any(True for _ in arriving(base, head, pool)):
        return wanted
    for service in (*coming, *leaving):
        taken = range(pool.devices) if service.devices == "all" else service.devices
        for device in taken:
            wanted[device] += service.desired
    return wanted
