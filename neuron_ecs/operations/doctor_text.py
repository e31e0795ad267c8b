"""The chain of a model as text: a line for each link, and what is broken below."""

from collections.abc import Iterator, Sequence

from messages.phrases import counted
from neuron_ecs.operations.doctor import Diagnosis
from neuron_ecs.operations.reasons import explained
from neuron_ecs.operations.status import of_wanted
from neuron_ecs.terminal import paint, wrapped

_WORDS = {"ok": "ok", "broken": "BROKEN", "waits": "waits", "unknown": "unknown"}
_COLOURS = {"ok": "32", "broken": "31", "waits": "33", "unknown": "35"}


def render(
    title: str,
    found: Sequence[Diagnosis],
    shown: Sequence[Diagnosis],
    width: int,
    *,
    coloured: bool,
) -> Iterator[str]:
    """How many of the models that were found are not well, and the chain of those to be shown."""
    bad = sum(not d.is_well for d in found)
    said = f"{bad} of {counted(len(found), 'model')} not well" if bad else "nothing is broken"
    yield f"{title}: {said}"
    for one in shown:
        yield ""
        yield from _chain(one, width, coloured=coloured)


def _chain(one: Diagnosis, width: int, *, coloured: bool) -> Iterator[str]:
    running = of_wanted(one.running, one.promised, "running")
    yield f"{one.model} in {one.region}: {one.state}, {running}"
    for text in one.unread:
        yield from wrapped(f"not read: {text}", width, "  ", "    ")
    for link in one.links:
        word = _WORDS[link.verdict]
        shown = paint(word, _COLOURS[link.verdict]) if coloured else word
        head = f"  {link.name:<12}{shown}{' ' * (8 - len(word))} "
        fact = "see below" if link.verdict == "broken" else link.fact
        yield (head + fact).rstrip()
    for link in one.broken:
        where = "first broken link" if link is one.broken[0] else "below it"
        yield from wrapped(f"{where}: {link.name}: {link.fact}", width, "  ", "    ")
        yield from explained(link.means, link.do, width, "    ")
