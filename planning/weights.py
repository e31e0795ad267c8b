"""Models that answer under one name, and the share of its requests that each gets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from planning.entries import RegionalWorkload
from planning.once import once
from planning.reached import Reached, called_as
from planning.situation import Situation, serving_regions


@dataclass(frozen=True, slots=True)
class SharedName:
    """A name of `traffic.weights` in a Region, and the models that answer there.

    The owner's rule sends its requests on: the model of that name, or else the one with the
    largest weight. ``reached`` is the owner, as it is called under the name; its patterns are those
    that all of the models let through.
    """

    name: str
    owner: RegionalWorkload
    reached: Reached
    weights: tuple[tuple[RegionalWorkload, int], ...]

    @property
    def is_model(self) -> bool:
        """Whether a model of the Region has the name."""
        return self.owner.name == self.name

    @property
    def region(self) -> str:
        """The Region of its load balancer."""
        return self.owner.region


@once
def shared_names(s: Situation) -> Iterator[SharedName]:
    """Yields the names under which models with a port answer together, Region by Region.

    A model whose name it is has a weight of 0 if none is written. A name is left out that gives a
    weight to what is no such model.
    """
    called = [w for w in s.work if not w.is_job and w.spec.served_ports]
    known = {work.name for work in called}
    shared = {n: w for n, w in sorted(s.settings.traffic.weights.items()) if w.keys() <= known}
    for region in serving_regions(s):
        yield from _of_region(s, shared, {w.name: w for w in called if w.region == region})


def _of_region(
    s: Situation,
    shared: Mapping[str, Mapping[str, int]],
    here: Mapping[str, RegionalWorkload],
) -> Iterator[SharedName]:
    for name, written in shared.items():
        weights = {model: weight for model, weight in sorted(written.items()) if model in here}
        if name in here:
            weights.setdefault(name, 0)
        if not weights:
            continue
        owner = here[name if name in here else max(weights, key=lambda model: weights[model])]
        members = tuple((here[model], weight) for model, weight in weights.items())
        each = [called_as(s, work, name) for work, _ in members]
        own = called_as(s, owner, name)
        yield SharedName(name, owner, replace(own, patterns=_common(each)), members)


def _common(each: Sequence[Reached]) -> tuple[str, ...]:
    """The patterns of any of them whose paths all of them let through."""
    patterns = dict.fromkeys(p for one in each for p in one.patterns)
    return tuple(p for p in patterns if all(_passes(p, one) for one in each))


def _passes(pattern: str, one: Reached) -> bool:
    return any(fnmatchcase(pattern, wider) for wider in one.patterns)
