"""One profile of hypothesis, an account on loopback, the order of the files, where the time goes.

The profile gives the same examples in every run, and has no deadline.
"""

import gc
import os
from collections import defaultdict
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.account.running import Sandbox

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "search", settings.get_profile("repeatable"), derandomize=False, max_examples=5_000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(scope="session")
def running_dev() -> "Generator[Sandbox]":
    """The stack of Pulumi.dev.yaml in an account on loopback. Tests take `dev` instead."""
    from tests.account.running import sandbox

    with sandbox() as found:
        yield found


@pytest.fixture(scope="session")
def two_regions() -> "Generator[Sandbox]":
    """A model in two Regions, in an account on loopback. A test restores it first."""
    from tests.account.running import sandbox

    with sandbox("tests/account/two-regions.yaml") as found:
        yield found


@pytest.fixture
def dev(running_dev: "Sandbox") -> "Sandbox":
    """The stack of Pulumi.dev.yaml in an account on loopback, all of it running."""
    running_dev.restore()
    return running_dev


LONGEST = (
    "tests/wishes/test_wishes.py",
    "tests/neuron_ecs/cli/test_diff.py",
    "tests/neuron_ecs/diff/test_costs.py",
    "tests/neuron_ecs/diff/test_unchanged.py",
    "tests/planning/test_plan.py",
    "tests/neuron_ecs/diff/test_written.py",
    "tests/workflows/test_steps.py",
    "tests/simulation/test_changes.py",
)
"""The files that take longest, as the summary of a run names them; the longest first."""

_SHOWN = 8
_spent: dict[str, float] = defaultdict(float)
_before = 0.0


def _processor() -> float:
    """Seconds of the processor that this process and its finished children have used."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def pytest_configure(config: pytest.Config) -> None:
    """Refuses a list of the longest files that names one which is not there."""
    missing = [file for file in LONGEST if not (config.rootpath / file).exists()]
    if missing:
        raise pytest.UsageError(f"LONGEST in tests/conftest.py names {', '.join(missing)}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Lets workers begin with the longest files, so that at the end none waits for another.

    A file stays in one worker (`--dist loadfile`): what its tests share is computed once.
    """
    if hasattr(config, "workerinput"):
        rank = {file: number for number, file in enumerate(LONGEST)}
        items.sort(key=lambda item: rank.get(_file(item.nodeid), len(rank)))


def pytest_collection_finish() -> None:
    """Takes all that is loaded out of the collector's sight: it stays until the end.

    Otherwise millions of objects of the provider's types and of the catalog are looked at again and
    again: recording a graph takes 1.7 times as long.
    """
    global _before
    gc.collect()
    gc.freeze()
    _before = _processor()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Writes the processor time of each set-up, test and tear-down into its report."""
    global _before
    report = yield
    now = _processor()
    report.user_properties.append(("processor", now - _before))
    _before = now
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Adds up what the reports of all workers say."""
    for name, value in report.user_properties:
        if name == "processor" and isinstance(value, float):
            _spent[_file(report.nodeid)] += value


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says where the processor time went, if it was much."""
    total = sum(_spent.values())
    if total > 60:
        terminalreporter.section(f"{total:.0f} s of processor time, most of it here")
        for file, seconds in sorted(_spent.items(), key=lambda f: -f[1])[:_SHOWN]:
            terminalreporter.line(f"{seconds:7.1f} s  {100 * seconds / total:3.0f} %  {file}")


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
