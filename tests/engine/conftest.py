"""Leaves out what needs the Pulumi CLI where there is none."""

from pathlib import Path

import pytest

from tests.engine.harness import pulumi_is_here
from tests.engine.landscape import Landscape
from tests.engine.provider.rows import KINDS
from tests.engine.provider.shapes import Shapes


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One reason for all of them, in one line of the summary."""
    if pulumi_is_here():
        return
    skip = pytest.mark.skip(reason="engine: not run (pulumi is not on PATH)")
    for item in items:
        if item.get_closest_marker("engine"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def shapes_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the SDK's properties are kept: reading them takes a second."""
    return tmp_path_factory.mktemp("shapes") / "shapes.json"


@pytest.fixture
def land(tmp_path: Path) -> Landscape:
    return Landscape(tmp_path)


@pytest.fixture(scope="module")
def shapes() -> Shapes:
    return Shapes.read(KINDS)
