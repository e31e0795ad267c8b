"""What many rules ask of a situation or of its workloads, computed at the first question."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from planning.entries import RegionalWorkload
from planning.situation import Situation

T = TypeVar("T")


def once(compute: Callable[[Situation], Iterable[T]]) -> Callable[[Situation], tuple[T, ...]]:
    """Makes a generator over the situation a function that runs it once for each situation."""
    found: WeakKeyDictionary[Situation, tuple[T, ...]] = WeakKeyDictionary()

    @wraps(compute)
    def known(s: Situation) -> tuple[T, ...]:
        if s not in found:
            found[s] = tuple(compute(s))
        return found[s]

    return known


def once_for_each(
    compute: Callable[[Situation, RegionalWorkload], T],
) -> Callable[[Situation, RegionalWorkload], T]:
    """Makes a function of a workload one that runs once for each workload of a situation."""
    found: WeakKeyDictionary[Situation, dict[tuple[str, str], T]] = WeakKeyDictionary()

    @wraps(compute)
    def known(s: Situation, work: RegionalWorkload) -> T:
        mine, where = found.setdefault(s, {}), (work.region, work.path)
        if where not in mine:
            mine[where] = compute(s, work)
        return mine[where]

    return known
