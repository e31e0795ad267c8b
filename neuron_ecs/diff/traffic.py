"""What callers notice: URLs that go away, come or change, and who may call."""

from collections.abc import Iterator

from messages.phrases import listed
from neuron_ecs.diff.difference import Difference
from neuron_ecs.diff.plans import shares
from planning.document import Endpoint, endpoints
from planning.plan import Plan, RegionPlan


def moved_urls(difference: Difference) -> Iterator[tuple[Endpoint, Endpoint]]:
    """The endpoints of both sides whose URL is another one on each."""
    before, after = _by_name(difference.before.plan), _by_name(difference.after.plan)
    for key in sorted(before.keys() & after.keys()):
        if before[key].url != after[key].url:
            yield before[key], after[key]


def traffic_lines(difference: Difference) -> Iterator[str]:
    """Sentences about the load balancers, URLs that go away first; none without a change."""
    before, after = _by_name(difference.before.plan), _by_name(difference.after.plan)
    for key in sorted(before.keys() - after.keys()):
        yield f"{before[key].url} goes away"
    for old, new in moved_urls(difference):
        yield f"{old.url} goes away; {new.model} is at {new.url}"
    for key in sorted(after.keys() - before.keys()):
        yield f"{after[key].url} comes"
    yield from _shared(difference)
    callers: dict[tuple[str, str], dict[str, None]] = {}
    for key in sorted(before.keys() & after.keys()):
        olds, news = before[key].callers, after[key].callers
        for word, some, others in (("may call", news, olds), ("may no longer call", olds, news)):
            if more := [caller for caller in some if caller not in others]:
                callers.setdefault((listed(more), word), {})[key[1]] = None
    for (who, word), regions in callers.items():
        yield f"{who} {word} in {listed(regions)}"
    for key in sorted(before.keys() & after.keys()):
        yield from _keys(before[key], after[key])


def _keys(old: Endpoint, new: Endpoint) -> Iterator[str]:
    name = f"{new.model} in {new.region}"
    if not old.key and new.key:
        yield f"{name} answers only with a key, that of {new.key}"
    elif old.key and not new.key:
        yield f"{name} answers without a key"
    elif old.key != new.key:
        yield f"{name} takes the key of {new.key}, and that of {old.key} no longer"


def _shared(difference: Difference) -> Iterator[str]:
    """`llama is answered by llama 100 → 90 % and llama-next 0 → 10 % of the requests in …`."""
    told: dict[str, list[str]] = {}
    for name, region in difference.after.regions.items():
        olds, news = (_percent(side) for side in (difference.before.regions.get(name), region))
        for called in sorted(olds.keys() & news.keys()):
            old, new = olds[called], news[called]
            models = [m for m in sorted(old.keys() | new.keys()) if old.get(m, 0) != new.get(m, 0)]
            parts = [f"{m} {old.get(m, 0)} → {new.get(m, 0)} %" for m in models]
            if parts:
                told.setdefault(f"{called} is answered by {listed(parts)}", []).append(name)
    for text, regions in told.items():
        yield f"{text} of the requests in {listed(regions)}"


def _percent(region: RegionPlan | None) -> dict[str, dict[str, int]]:
    """The share of each model in the requests for each name."""
    found: dict[str, dict[str, int]] = {}
    for name, weights in shares(region).items():
        total = sum(weights.values()) or 1
        found[name] = {model: round(100 * weight / total) for model, weight in weights.items()}
    return found


def _by_name(plan: Plan) -> dict[tuple[str, str], Endpoint]:
    return {(found.model, found.region): found for found in endpoints(plan)}
