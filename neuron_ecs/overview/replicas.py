"""The replicas of a stack as `plan` prints them: what moves them, how fast, at what price."""

from collections.abc import Iterator, Mapping

import catalog
from messages.phrases import counted, low_to_high
from neuron_ecs.terminal import joined, table, wrapped
from planning import Plan
from planning import plan as planned
from planning.duration import creation
from planning.following import Mover
from planning.interruptions import interruptions
from planning.price import Amount, dollars, one_more, span
from planning.spreading import spreading_costs

_REPLICAS = ("model", "Region", "replicas", "moved by", "one more", "all", "costs")


def render(plan: Plan, *, width: int) -> Iterator[str]:
    """What moves the replicas of each model that has a range, how fast, and at which price."""
    rows: list[tuple[str, ...]] = []
    for region in plan.regions:
        for model in (m for m in region.models if m.replicas_min < m.replicas_max):
            cost = one_more(region, model, catalog.load())
            price = cost and low_to_high(*(f"${n:,.2f}" for n in (cost.minimum, cost.maximum)))
            rows.append(
                (
                    model.name,
                    joined(region.name),
                    joined(low_to_high(model.replicas_min, model.replicas_max)),
                    _moved_by(model),
                    joined(f"{-(-model.one_more_seconds // 60)} min"),
                    joined(f"{-(-model.rise_seconds // 60)} min") if model.rise_seconds else "-",
                    joined(f"{price}/h" if price else "unknown"),
                )
            )
    if rows:
        yield ""
        text = "Replicas: the load that one takes, when one more and all serve, what one more costs"
        yield from wrapped(text, width)
        yield from table([_REPLICAS, *rows], indent="  ", width=width)


def _moved_by(model: planned.ModelPlan) -> str:
    """`60 req/min`, the load of one replica, or who else moves the replicas."""
    match model.mover:
        case None:
            return "nothing"
        case Mover(requests_per_minute=int(requests), scheduled=scheduled):
            return joined(f"{requests} req/min") + (" and times" if scheduled else "")
        case Mover(queue=int(requests), scheduled=scheduled):
            return joined(f"{requests} at once") + (" and times" if scheduled else "")
        case Mover(scheduled=True):
            return "times"
        case _:
            return "others"


_INTERRUPTIONS = (
    "model",
    "Region",
    "replicas",
    "instance dies",
    "new image",
    "adds",
    "within",
    "costs",
)


def render_interruptions(plan: Plan, config: Mapping[str, str], *, width: int) -> Iterator[str]:
    """What is left of each model when an instance ends, what a new image costs it, and what it
    would cost to keep a replica. `config` is the configuration of the stack file."""
    rows: list[tuple[str, ...]] = []
    gone: dict[str, None] = {}  # models of several replicas that one instance takes with it
    for found in interruptions(plan, catalog.load()):
        if found.replicas > 1 and not found.left:
            gone[found.model] = None
        price = found.cost and span(found.cost)
        adds = "by size" if found.instances is None else str(found.instances)
        rows.append(
            (
                found.model,
                joined(found.region),
                str(found.replicas),
                joined(f"{found.left} left"),
                joined(f"{found.away} away" if found.away else "none away"),
                joined(adds),
                joined(f"{found.minutes} min") + (f", {found.waves} waves" * (found.waves > 1)),
                joined(price or "unknown"),
            )
        )
    if rows:
        yield ""
        text = "Interruptions at minimum replicas: what serves when one instance dies; what a new "
        text += "image takes away at a time, the instances that it adds, and the longest that takes"
        yield from wrapped(text, width)
        yield from table([_INTERRUPTIONS, *rows], indent="  ", width=width)
    costs = spreading_costs(config, plan, gone, catalog.load()) if gone else {}
    for name, cost in costs.items():
        yield from wrapped(f"{name}: {_spreading(cost)}", width, "  ", "    ")


def render_creation(plan: Plan, *, width: int) -> Iterator[str]:
    """In how many waves and minutes the first update makes the services."""
    found = creation(plan)
    if found.services:
        yield ""
        who = counted(found.services, "service")
        if found.waves > 1:
            who += f" in {found.waves} waves"
        elif found.services > 1:
            who += " at the same time"
        text = (
            f"First update: {who}, steady within {found.minutes} min; the rest of the stack takes "
        )
        text += f"up to {found.other_minutes} min"
        yield from wrapped(text, width)


def _spreading(cost: Amount | None) -> str:
    """What `spread: instances` adds to a model, for USD a month."""
    text = "write `replicas.spread: instances`, and one replica stays: "
    if cost is None:
        return f"{text}not on the instances that its pool may have, as it is laid out"
    low, high = (f"{'-' if n < 0 else '+'}{dollars(abs(n))}" for n in (cost.minimum, cost.maximum))
    return f"{text}{low} a month" + (f" at minimum, {high} at maximum" if low != high else "")
