"""Fixtures of the rules about paths, domains, callers and their tokens."""

from tests.planning.fixtures import Fixture
from tests.planning.fixtures_places import many
from tests.planning.stacks import Config


def _paths(number: int) -> Config:
    """A hundred models with a rule each, the last with so many paths."""
    return many({"port": 8080, "paths": [f"/v{n}/*" for n in range(number)]}, others=99)


FIXTURES: dict[str, Fixture] = {
    "NE739": Fixture("models.last.paths", _paths(3), _paths(2)),
}
