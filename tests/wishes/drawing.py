"""How choices are drawn: few draws each, borders often, and the plainest choice first, so that a
failing stack file shrinks to one that people can read.
"""

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

T = TypeVar("T")


@cache
def _up_to(most: int) -> SearchStrategy[int]:
    return st.integers(0, most)


class Hand:
    """Draws from hypothesis."""

    def __init__(self, draw: DrawFn) -> None:
        self._draw = draw

    def index(self, length: int) -> int:
        """0 to length - 1, shrinking to 0."""
        return self._draw(_up_to(length - 1)) if length > 1 else 0

    def one(self, choices: Sequence[T]) -> T:
        """One of the choices, shrinking to the first."""
        return choices[self.index(len(choices))]

    def chance(self, percent: int) -> bool:
        """True in about so many of a hundred draws, shrinking to False."""
        return self.index(100) >= 100 - percent

    def some(self, choices: Sequence[T], *, least: int = 0, most: int | None = None) -> list[T]:
        """Some of the choices, each at most once, in an order that is drawn as well."""
        left = list(choices)
        top = len(left) if most is None else min(most, len(left))
        count = least + self.index(top - least + 1) if top > least else top
        return [left.pop(self.index(len(left))) for _ in range(count)]

    def number(self, low: int, high: int) -> int:
        """Between the two, both included: each border in a quarter of the draws."""
        match self.index(4):
            case 0:
                return low
            case 1:
                return high
            case _:
                return low + self.index(high - low + 1)

    def near(self, low: int, high: int, *, spread: int = 4) -> int:
        """As `number`, but never far above the lower border."""
        return self.number(low, min(high, low + spread))


class Names:
    """Names that differ, of every length that a name can have."""

    _STEMS = (
        "a",
        "llama-3-8b",
        "m",
        "qwen",
        "x1-2",
        f"{'p' * 20}-{'q' * 19}",
        "pool-of-" + "z" * 30,
        "whisper-0",
    )

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self._taken: set[str] = set()

    def new(self) -> str:
        """A name that was not drawn before."""
        stem = self._hand.one(self._STEMS)
        name, number = stem, 1
        while name in self._taken:
            number += 1
            name = f"{stem[:37]}{number}"
        self._taken.add(name)
        return name
