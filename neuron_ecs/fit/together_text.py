"""Sets of pools for several models, as text and as JSON."""

from collections.abc import Iterator, Sequence

from messages.phrases import listed
from neuron_ecs.fit.together import NOT_TRIED, Choice, Together
from neuron_ecs.terminal import joined, table, wrapped
from planning.price import HOURS, span

_SHOWN = 5  # choices


def render(found: Together, regions: Sequence[str], *, is_spot: bool, width: int) -> Iterator[str]:
    """The choices, the best first, and what was not tried; why there is none."""
    if not found.choices:
        for reason in found.refused:
            yield from wrapped(reason, width)
        return
    how = "as Spot" if is_spot else "on demand"
    where = listed(list(regions), most=6)
    yield from wrapped(f"Choices {how} in {where}, USD a month of {HOURS} hours", width)
    rows = [("", "a month", "pools"), *map(_row, enumerate(found.choices[:_SHOWN], 1))]
    yield from table(rows, indent="  ", width=width)
    if len(found.choices) > _SHOWN:
        yield f"  and {len(found.choices) - _SHOWN} dearer"
    yield from wrapped(f"not tried: {NOT_TRIED}", width, "  ", "    ")


def _row(numbered: tuple[int, Choice]) -> tuple[str, ...]:
    number, choice = numbered
    month = span(choice.amount) if choice.amount else "unknown"
    pools = (
        joined(f"{pool.instance_type}:") + f" {listed(pool.models)}{' (tight)' * pool.tight}"
        for pool in choice.pools
    )
    return str(number), joined(month), "; ".join(pools)


def document(found: Together) -> dict[str, object]:
    """The choices as JSON. Amounts are strings, in USD a month."""
    return {
        "choices": [_choice(choice) for choice in found.choices],
        "refused": found.refused,
        "not_tried": NOT_TRIED,
    }


def _choice(choice: Choice) -> dict[str, object]:
    amount = choice.amount
    return {
        "usd_per_month": f"{amount.maximum:.2f}" if amount else None,
        "pools": [
            {"instance_type": p.instance_type, "models": p.models, "tight": p.tight}
            for p in choice.pools
        ],
    }
