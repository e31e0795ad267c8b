"""From one stack file to the next: never a collision, and when the new wish is reached.

A change settles where `room_needed` instances are there. Where they are not, the new service of a
moved model and the surge of an updated one wait for chips that a service holds which the engine
deletes last; it deletes nothing until they are steady. Each kind of change that waits for ever has
its smallest example here, stuck on one instance fewer than it settles on.
"""

import itertools
import random
from collections.abc import Iterator

import pytest

from tests.planning.stacks import Entry, groups, work
from tests.simulation.changing import cannot_roll, change, random_change, room_needed
from tests.simulation.proving import GUARDS
from tests.simulation.worlds import Case, config_of, only_case

Models = dict[str, Entry]
SEEDS = range(6)


def on(kind: str, size: int, models: Models) -> Case:
    found = only_case(config_of(groups(kind, size), models, {}))
    assert found is not None, "the planner accepts it"
    return found


def model(
    devices: object = 1, least: int = 1, most: int | None = None, image: str = "a:1"
) -> Entry:
    replicas = {"min": least} if most is None else {"min": least, "max": most}
    return work(devices, replicas=replicas, image=image)


def settles(before: Case, after: Case, *, at_most: bool = False, wait: bool = True) -> set[bool]:
    """How the change ends in several orders of events, without disturbances."""
    ends = [change(before, after, random.Random(s), wait=wait, at_most=at_most) for s in SEEDS]
    assert not any(e.collided for e in ends)
    return {e.settled for e in ends}


def spans(case: Case) -> list[str]:
    """`a 1 d0-1`: the services with the devices of their tasks."""
    return [
        f"{' '.join(s.key.split('_')[1:3])} d{'-'.join(str(d) for d in s.task.devices)}"
        for s in case.services
    ]


# ---- laws ------------------------------------------------------------------------------------


def test_no_change_ever_brings_two_processes_together() -> None:
    rng = random.Random(1)
    for number in range(120):
        before, after, at_most = random_change(rng)
        end = change(
            before,
            after,
            rng,
            rules=GUARDS[number % len(GUARDS)],
            noise=rng.choice((0, 40, 150)),
            at_most=at_most,
        )
        assert not end.collided, (before.services, after.services)


def test_a_change_settles_where_it_has_the_room_that_it_needs() -> None:
    rng = random.Random(2)
    seen = 0
    for _ in range(160):
        before, after, at_most = random_change(rng)
        if room_needed(before, after, at_most=at_most) > after.pool.max_size:
            continue
        if cannot_roll(before, after, at_most=at_most):
            continue
        seen += 1
        end = change(before, after, rng, at_most=at_most, noise=rng.choice((0, 0, 60)))
        assert end.settled, (before.services, after.services, end.waiting_for)
    assert seen > 80


def fixed_counts(size: int) -> Iterator[tuple[tuple[int, int, int, int], Case]]:
    """Every stack file of one or two models with fixed replicas on a pool of so many chips."""
    for a, b in itertools.product(range(size + 1), repeat=2):
        for image_a, image_b in itertools.product((1, 2), repeat=2):
            models: Models = {}
            if a:
                models["a"] = model(least=a, image=f"a:{image_a}")
            if b:
                models["b"] = model(least=b, image=f"b:{image_b}")
            if models and 0 < a + b <= size:
                yield (a, image_a, b, image_b), on("inf2.xlarge", size, models)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_on_one_chip_instances_the_room_needed_is_exact(size: int) -> None:
    stacks = dict(fixed_counts(size))
    for (first, before), (_, after) in itertools.product(stacks.items(), repeat=2):
        if first[1] == 2 or first[3] == 2 or before.services == after.services:
            continue
        enough = room_needed(before, after) <= size
        end = change(before, after, random.Random(1))
        assert end.settled is enough, (before.services, after.services, end)


def test_without_waiting_for_a_steady_state_every_change_settles() -> None:
    """`wait_for_steady_state: false`: the old services are deleted at once, whatever the new ones
    wait for. It settles, and the model may be away until it has."""
    rng = random.Random(3)
    for _ in range(60):
        before, after, at_most = random_change(rng)
        assert change(before, after, rng, at_most=at_most, wait=False).settled


def test_in_two_updates_every_change_settles() -> None:
    """First what goes, then what comes: a stack file without the models that change, then with."""
    rng = random.Random(4)
    for _ in range(60):
        before, after, at_most = random_change(rng)
        kept = tuple(s for s in before.services if s in after.services)
        between = Case("between", after.pool, kept, after.jobs, after.layout)
        first = change(before, between, rng, at_most=at_most)
        second = change(between, after, rng, at_most=at_most)
        assert first.settled and second.settled


# ---- what waits for ever, by the smallest example ----------------------------------------------


def test_one_model_in_place_of_another_on_a_full_pool() -> None:
    """b is created and waits for a's chip; a is deleted after b is steady."""
    for size, ends in ((1, {False}), (2, {True})):
        before = on("inf2.xlarge", size, {"a": model()})
        after = on("inf2.xlarge", size, {"b": model()})
        assert settles(before, after) == ends
        assert room_needed(before, after) == 2


def test_a_renewed_model_beside_one_that_goes() -> None:
    """The new plan has room for one more, so a starts first; b holds that room until it is deleted,
    which is after a is steady."""
    for size, ends in ((2, {False}), (3, {True})):
        before = on("inf2.xlarge", size, {"a": model(), "b": model()})
        after = on("inf2.xlarge", size, {"a": model(image="a:2")})
        assert settles(before, after) == ends
        assert room_needed(before, after) == 3


def test_a_model_that_grows_into_one_that_goes() -> None:
    for size, ends in ((2, {False}), (3, {True})):
        before = on("inf2.xlarge", size, {"a": model(), "b": model()})
        after = on("inf2.xlarge", size, {"a": model(least=2)})
        assert settles(before, after) == ends
        assert room_needed(before, after) == 3


def test_a_model_that_comes_can_move_another_which_then_rolls_in_place() -> None:
    """The cut starts with the larger, so a goes from device 0 to device 2. Its service stays, stops
    its task and starts it on the new device; a service named by its devices would be a new one,
    and b would wait until the end of the update for the old one to go."""
    for size in (1, 2):
        before = on("inf2.24xlarge", size, {"a": model()})
        after = on("inf2.24xlarge", size, {"a": model(), "b": model(devices=2)})
        assert spans(before) == ["a 1 d0"]
        assert spans(after) == ["a 1 d2", "b 1 d0-1"]
        assert settles(before, after) == {True}


def test_ids_in_the_stack_file_keep_a_model_where_it_is() -> None:
    before = on("inf2.24xlarge", 1, {"a": model()})
    after = on("inf2.24xlarge", 1, {"a": model(devices=[0]), "b": model(devices=2)})
    assert spans(after)[0] == "a 1 d0"
    assert settles(before, after) == {True}


def test_models_trade_devices_in_a_full_pool() -> None:
    before = on("inf2.24xlarge", 1, {"a": model(devices=[0, 1]), "b": model(devices=[2, 3])})
    after = on("inf2.24xlarge", 1, {"a": model(devices=[2, 3]), "b": model(devices=[0, 1])})
    assert settles(before, after) == {True}


def test_a_third_model_moves_two_others() -> None:
    """c comes; of a and b, which nobody has touched, both change their chips."""
    for size in (1, 2):
        before = on("inf2.24xlarge", size, {"a": model(), "b": model()})
        after = on("inf2.24xlarge", size, {"a": model(), "b": model(), "c": model(least=2)})
        assert spans(before) == ["a 1 d0", "b 1 d1"]
        if size == 1:
            assert spans(after) == ["a 1 d2", "b 1 d3", "c 1 d0", "c 2 d1"]
        assert settles(before, after) == {True}


def test_a_scaled_model_that_shrinks_and_is_renewed() -> None:
    """Two replicas become none to one: the engine leaves the count of a scaled service alone, so
    two tasks are to be renewed with the percents of a pool that has room for a second one."""
    for size, ends in ((2, {False}), (3, {True})):
        before = on("inf2.xlarge", size, {"a": model(least=2)})
        after = on("inf2.xlarge", size, {"a": model(least=0, most=1, image="a:2")})
        assert settles(before, after) == ends
        assert room_needed(before, after) == 3


def test_a_higher_minimum_and_a_new_image_at_once_never_roll() -> None:
    """No room is missing: the percents are those of two tasks (50 and 100), and the service has one
    until its limits move, after it is steady. Half of one, rounded up, is one."""
    before = on("inf2.xlarge", 3, {"a": model(least=1, most=3)})
    after = on("inf2.xlarge", 3, {"a": model(least=2, most=3, image="a:2")})
    assert settles(before, after) == {False}
    assert cannot_roll(before, after, at_most=False) == (after.services[0].key,)
    assert settles(before, on("inf2.xlarge", 3, {"a": model(least=2, most=3)})) == {True}
    assert settles(before, on("inf2.xlarge", 4, {"a": model(least=2, most=3, image="a:2")})) == {
        True
    }
