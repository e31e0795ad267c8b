"""The replicas of a stack as `plan` prints them: what moves them, how fast, at what price."""

from collections.abc import Iterator

import catalog
from messages.phrases import low_to_high
from neuron_ecs.terminal import joined, table, wrapped
from planning import Plan
from planning import plan as planned
from planning.following import Mover
from planning.price import one_more

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
                    moved_by(model),
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


def moved_by(model: planned.ModelPlan) -> str:
    """`60 req/min`, the load of one replica, or who else moves the replicas."""
    match model.mover:
        case None:
            return "nothing"
        case Mover(requests_per_minute=int(requests), scheduled=scheduled):
            return joined(f"{requests} req/min") + (" and times" if scheduled else "")
        case Mover(scheduled=True):
            return "times"
        case _:
            return "others"
