"""What the diff tells callers in words."""

from neuron_ecs.diff.traffic import traffic_lines
from tests.neuron_ecs.diff.pairs import compared
from tests.planning.fixtures_authentication import KEY, OTHER_KEY, keyed
from tests.planning.stacks import Config

OPEN = keyed(api_key={})


def told(before: Config, after: Config) -> list[str]:
    return list(traffic_lines(compared(before, after)))


def test_a_key_that_comes_changes_or_goes_is_told() -> None:
    assert told(OPEN, keyed()) == [f"m in us-west-2 answers only with a key, that of {KEY}"]
    assert told(keyed(), OPEN) == ["m in us-west-2 answers without a key"]
    (line,) = told(keyed(), keyed(api_key=OTHER_KEY))
    assert line == f"m in us-west-2 takes the key of {OTHER_KEY}, and that of {KEY} no longer"
