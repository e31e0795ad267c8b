"""What callers notice: URLs that go away, come or change, and who may call."""

from collections.abc import Iterator

from messages.phrases import listed
from neuron_ecs.diff.difference import Difference
from neuron_ecs.diff.plans import shares
from planning.document import Endpoint, GlobalEndpoint, endpoints, global_endpoints
from planning.plan import Plan, RegionPlan

ALL_REGIONS = "all Regions"
Called = Endpoint | GlobalEndpoint


def gone_urls(difference: Difference) -> Iterator[tuple[Called, Called | None]]:
    """The endpoints whose URL goes away, with what takes its place; those over all Regions first.

    A model or a Region that goes leaves nothing in their place.
    """
    before, after = _by_name(difference.before.plan), _by_name(difference.after.plan)
    for key, old in sorted(before.items(), key=lambda item: item[0][1] != ALL_REGIONS):
        new = after.get(key)
        if new is None or new.url != old.url:
            yield old, new


def traffic_lines(difference: Difference) -> Iterator[str]:
    """Sentences about the load balancers, URLs that go away first; none without a change."""
    before, after = _by_name(difference.before.plan), _by_name(difference.after.plan)
    for old, new in gone_urls(difference):
        yield f"{old.url} goes away" + (f"; {new.model} is at {new.url}" if new else "")
    for key in sorted(after.keys() - before.keys()):
        yield f"{after[key].url} comes"
    yield from _shared(difference)
    both = [(key[1], before[key], after[key]) for key in sorted(before.keys() & after.keys())]
    schemes: dict[str, dict[str, None]] = {}
    for region, old, new in both:
        if region != ALL_REGIONS and old.public != new.public:
            schemes.setdefault("public" if new.public else "private", {})[region] = None
    for word, regions in schemes.items():
        one = len(regions) == 1
        balancers, get = ("load balancer", "gets") if one else ("load balancers", "get")
        yield f"the {balancers} of {listed(regions)} {get} {word} addresses"
    callers: dict[tuple[str, str], dict[str, None]] = {}
    for region, old, new in both:
        yield from _answering(old, new)
        for word, some, others in (
            ("may call", new.callers, old.callers),
            ("may no longer call", old.callers, new.callers),
        ):
            if more := [caller for caller in some if caller not in others]:
                callers.setdefault((listed(more), word), {})[region] = None
    for (who, word), regions in callers.items():
        yield f"{who} {word} in {listed(regions)}"
    for region, old, new in both:
        if region != ALL_REGIONS:
            yield from _keys(old, new, region)


def _keys(old: Called, new: Called, region: str) -> Iterator[str]:
    name = f"{new.model} in {region}"
    if not old.key and new.key:
        yield f"{name} answers only with a key, that of {new.key}"
    elif old.key and not new.key:
        yield f"{name} answers without a key"
    elif old.key != new.key:
        yield f"{name} takes the key of {new.key}, and that of {old.key} no longer"
    if new.issuer and old.issuer != new.issuer:
        yield f"{name} answers only with a token of {new.issuer}"
    elif old.issuer and not new.issuer:
        yield f"{name} answers without a token"
    if old.certificate != new.certificate:
        word = "only with" if new.certificate else "without"
        yield f"{name} answers {word} a certificate of the caller"


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


def _answering(old: Called, new: Called) -> Iterator[str]:
    """Regions that come to a name over all Regions, or go."""
    if isinstance(old, GlobalEndpoint) and isinstance(new, GlobalEndpoint):
        if gone := [region for region in old.regions if region not in new.regions]:
            yield f"{new.url} is no longer answered by {listed(gone)}"
        if come := [region for region in new.regions if region not in old.regions]:
            yield f"{new.url} is answered by {listed(come)} as well"


def _by_name(plan: Plan) -> dict[tuple[str, str], Called]:
    over_all: dict[tuple[str, str], Called] = {
        (found.model, ALL_REGIONS): found for found in global_endpoints(plan)
    }
    return over_all | {(found.model, found.region): found for found in endpoints(plan)}
