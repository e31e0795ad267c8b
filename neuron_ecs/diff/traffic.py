"""What callers notice: URLs that go away, come or change, and who may call."""

from collections.abc import Iterator

from messages.phrases import listed
from neuron_ecs.diff.difference import Difference
from planning.document import Endpoint, endpoints
from planning.plan import Plan


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


def _by_name(plan: Plan) -> dict[tuple[str, str], Endpoint]:
    return {(found.model, found.region): found for found in endpoints(plan)}
