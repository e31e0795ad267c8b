"""What many rules ask of a situation, computed at the first question."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

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
