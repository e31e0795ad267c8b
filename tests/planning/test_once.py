"""What many rules ask of a situation."""

from collections.abc import Iterator

from planning.entries import RegionalWorkload
from planning.once import once, once_for_each
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


def test_a_workload_is_asked_once_in_each_of_its_regions() -> None:
    asked: list[str] = []

    @once_for_each
    def called(s: Situation, work: RegionalWorkload) -> str:
        asked.append(f"{work.path} in {work.region}")
        return asked[-1]

    models = {"a": work(1), "b": work(1)}
    regions: dict[str, object] = {"us-east-2": {}, "us-west-2": {}}
    s = situation_of(stack(regions=regions, capacity={"pool": groups()}, models=models))
    found = [called(s, one) for one in (*s.work, *s.work)]
    assert found == asked * 2 and len(set(asked)) == 4
