"""What many rules ask of a situation."""

from collections.abc import Iterator

from planning.once import once
from planning.situation import Situation
from tests.planning.stacks import groups, situation_of, stack, work


def test_a_situation_is_asked_once_and_each_has_its_own_answer() -> None:
    asked: list[Situation] = []

    @once
    def names(s: Situation) -> Iterator[str]:
        asked.append(s)
        yield from s.settings.models

    first, second = (
        situation_of(stack(capacity={"pool": groups()}, models={name: work(1)}))
        for name in ("a", "b")
    )
    assert [names(s) for s in (first, second, first, second)] == [("a",), ("b",)] * 2
    assert asked == [first, second]
