"""One profile of hypothesis for everyone, and an account on loopback.

The profile has the same examples in every run, and no deadline.
"""

import os
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


@pytest.fixture
def dev(running_dev: "Sandbox") -> "Sandbox":
    """The stack of Pulumi.dev.yaml in an account on loopback, all of it running."""
    running_dev.restore()
    return running_dev
