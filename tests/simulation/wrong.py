"""Layouts that are wrong on purpose, on pools as small as shows it."""

from collections.abc import Callable

from tests.planning.stacks import Entry, groups, work
from tests.simulation.worlds import Case, config_of, distinct_only, naive, only_case


def pool(size: int, models: dict[str, Entry], jobs: dict[str, Entry] | None = None) -> Case:
    """The planner's own case for a pool of inf2.24xlarge, six devices each."""
    found = only_case(config_of(groups("inf2.24xlarge", size), models, jobs or {}))
    assert found is not None
    return found


def naive_replicas() -> Case:
    return naive(pool(2, {"chat": work(2, replicas={"min": 2})}))


def naive_update() -> Case:
    """One replica is enough: the default percents start the new task first."""
    return naive(pool(1, {"chat": work(2)}))


def distinct_instance() -> Case:
    return distinct_only(pool(1, {"chat": work(2)}))


def distinct_instance_and_job() -> Case:
    return distinct_only(
        pool(2, {"chat": work(2, replicas={"min": 0, "max": 1})}, {"tune": work(2)})
    )


WRONG: dict[str, Callable[[], Case]] = {
    "one task definition for two replicas, default percents, no locks": naive_replicas,
    "one replica, default percents, no locks": naive_update,
    "slots with distinctInstance, no locks": distinct_instance,
    "slots with distinctInstance, no locks, a job": distinct_instance_and_job,
}
