"""Laws of `layout`: what is legal in it stays exactly, the rest takes the fewest instances around
it, and the layout that a plan has gives the same plan."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning import Refused
from planning.dealing import Demand
from planning.layout import arrange
from planning.lines import Keeping, Line, layout_of, numbers
from planning.plan import Plan
from tests.planning.stacks import PROJECT, Config, Entry, decide_on, groups, stack, work
from tests.planning.test_layout import HOSTS, by_slot, exhaustive, on_any_host
from tests.wishes.judging import config_of
from tests.wishes.stacks import Wish, stacks


def keeping(devices: int, wanted: tuple[Demand, ...], lines: dict[str, list[Line]]) -> Keeping:
    """The lines about these models on a host."""
    legal = HOSTS[devices]
    return Keeping(lines, wanted, legal, lambda d: arrange(devices, legal, d), None)


@given(on_any_host(most=3, tasks=3), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_what_has_a_line_stays_and_the_rest_needs_no_more_instances_than_it_must(
    case: tuple[int, tuple[tuple[int, int], ...], tuple[Demand, ...]], chance: random.Random
) -> None:
    devices, legal, wanted = case
    models = tuple(d for d in wanted if d.tasks and d.ids is None)
    lines: dict[str, list[Line]] = {}
    for demand in models:
        sets = [tuple(range(f, f + n)) for f, n in legal if n == demand.size]
        free = chance.sample(sets, k=min(len(sets), chance.randint(0, 2)))
        apart = free[:1] + [s for s in free[1:] if not set(s) & set(free[0])]
        lines[demand.name] = [Line(i, s) for i, s in enumerate(apart, start=1)]
    made = keeping(devices, models, lines)
    cut = made.around
    assert cut is not None, "all devices are a legal set, which has room for every task"
    dealt = [deal for deals in cut.deals for deal in deals]
    kept = [(name, line) for name, stay in made.kept.items() for line in stay]
    for name, line in kept:
        (deal,) = [d for d in dealt if (d.name, d.devices) == (name, line.devices)]
        assert deal.tasks >= line.tasks
    for demand in models:
        assert sum(d.tasks for d in dealt if d.name == demand.name) == demand.tasks
    parts = [Demand(f"{name}-{x.number}", len(x.devices), x.tasks, x.devices) for name, x in kept]
    rest = [(d, sum(x.tasks for x in made.kept.get(d.name, ()))) for d in models]
    parts += [Demand(d.name, d.size, d.tasks - n) for d, n in rest if d.tasks > n]
    found = exhaustive(devices, legal, parts) if parts else (0, 0)
    assert found is not None
    assert (by_slot(cut) if parts else 0) == found[0], "a smaller layout keeps the same lines"


def test_a_model_with_host_ports_keeps_one_line_that_takes_all_its_tasks() -> None:
    model = Demand("m", 1, 2, host_ports=(8080,))
    kept = keeping(4, (model,), {"m": [Line(1, (0,)), Line(2, (1,))]}).kept
    assert kept == {"m": [Line(1, (0,), tasks=2)]}


@pytest.mark.parametrize("tasks", range(4, 9))
def test_tasks_without_locks_that_find_no_devices_are_given_to_the_lines(tasks: int) -> None:
    model = Demand("m", 1, tasks, locked=False)
    lines = [Line(n, (n - 1,)) for n in range(1, 5)]
    cut = keeping(4, (model,), {"m": lines}).around
    assert cut is not None
    dealt = [deal.tasks for deals in cut.deals for deal in deals]
    assert (sum(dealt), max(dealt) - min(dealt)) == (tasks, bool(tasks % 4))


@given(st.lists(st.integers(1, 9), unique=True, max_size=5), st.data())
def test_a_number_stays_with_its_devices_and_a_new_one_is_above_all_others(
    written: list[int], data: st.DataObject
) -> None:
    lines = [Line(n, (n,)) for n in sorted(written)]
    services = data.draw(st.lists(st.integers(0, 12), unique=True, max_size=6))
    found = numbers(lines, [(device,) for device in services])
    assert len(set(found)) == len(services)
    for device, number in zip(services, found, strict=True):
        if device in written:
            assert number == device, "the service of these devices would get another name"
        else:
            assert number not in set(services) & set(written), "a service that stays has it"
    if not written:
        assert found == tuple(range(1, len(services) + 1)), "without lines names are what they were"


def replanned(config: Config, made: Plan) -> Plan:
    """The plan of a stack file with the layout that its plan has."""
    models = json.loads(config.get(f"{PROJECT}:models", "{}"))
    named = [n for n, m in models.items() if isinstance(m.get("neuron_devices"), list)]
    return decide_on({**config, f"{PROJECT}:layout": json.dumps(layout_of(made, named))})


@given(stacks())
@settings(max_examples=25, deadline=None)
def test_the_layout_of_a_plan_gives_the_same_plan(wish: Wish) -> None:
    config = config_of(wish)
    try:
        made = decide_on(config)
    except Refused:
        pytest.fail("a valid stack file is refused")
    again = replanned(config, made)
    assert again.regions == made.regions
    codes = {f.code for f in again.findings}
    assert not codes & {"NE244", "NE245", "NE248"}, "the layout is not the plan's"


def on_rings(lines: Entry, size: int = 4, **models: object) -> Config:
    """Models on a pool of rings of six devices, with lines."""
    layout = {"us-west-2": {"pool": lines}} if lines else {}
    pool = groups("inf2.24xlarge", size)
    return stack(capacity={"pool": pool}, models=models, layout=layout)


def services(config: Config) -> dict[str, tuple[object, int]]:
    """Devices and tasks of each service, by its key's model and number."""
    (region,) = decide_on(config).regions
    return {
        "-".join(s.key.split("_")[1:3]): (s.task_definition.devices, s.tasks_max)
        for m in region.models
        for s in m.services
    }


def test_a_line_says_number_devices_and_replicas_of_a_service() -> None:
    lines = {"a": {"1": [4, 5], "3": {"devices": [0, 1], "replicas": 2}}}
    found = services(on_rings(lines, a=work(2, replicas=3)))
    assert found == {"a-1": ((4, 5), 1), "a-3": ((0, 1), 2)}


def test_replicas_without_a_line_go_where_they_cost_no_instance_and_get_new_numbers() -> None:
    found = services(on_rings({"a": {"2": [4, 5]}}, a=work(2, replicas=3), b=work(2)))
    assert found == {"a-2": ((4, 5), 2), "a-3": ((0, 1), 1), "b-1": ((0, 1), 1)}


def test_replicas_that_the_service_of_a_line_takes_need_no_service_more() -> None:
    b, c = work(2, replicas=3), work(2, replicas=2)
    found = services(on_rings({"c": {"1": [3, 4]}}, a=work(3), b=b, c=c))
    assert found["c-1"] == ((3, 4), 2)
    assert len(found) == 3, "another cut needs a service less on as many instances"


def test_a_line_that_no_longer_fits_gives_its_number_to_the_service_that_moves() -> None:
    found = services(on_rings({"a": {"3": [0, 1]}}, a=work(3)))
    assert found == {"a-3": ((0, 1, 2), 1)}


def test_ids_that_the_model_names_win_over_its_lines() -> None:
    assert services(on_rings({"a": {"1": [4, 5]}}, a=work([0, 1]))) == {"a-1": ((0, 1), 1)}


def test_a_model_that_loses_replicas_keeps_its_other_services() -> None:
    lines = {"a": {"1": [0], "2": [1], "3": {"devices": [2], "replicas": 2}}}
    assert services(on_rings(lines, a=work(1, replicas=2))) == {
        "a-1": ((0,), 1),
        "a-2": ((1,), 1),
    }


def test_two_replicas_that_spread_have_the_same_devices_so_that_they_run_apart() -> None:
    apart = {"min": 2, "spread": "instances"}
    assert services(on_rings({}, a=work(2, replicas=apart))) == {"a-1": ((0, 1), 2)}
    assert services(on_rings({}, a=work(2, replicas={**apart, "max": 4}), b=work(2))) == {
        "a-1": ((0, 1), 2),
        "a-2": ((2, 3), 2),
        "b-1": ((4, 5), 1),
    }
    lines = {"a": {"1": [0, 1], "2": [2, 3]}}
    assert services(on_rings(lines, a=work(2, replicas=apart))) == {"a-1": ((0, 1), 2)}


@pytest.mark.parametrize(("least", "most"), [(2, 2), (2, 5), (3, 3), (4, 7)])
def test_the_minimum_of_a_model_that_spreads_is_on_two_instances(least: int, most: int) -> None:
    replicas = {"min": least, "max": most, "spread": "instances"}
    (region,) = decide_on(on_rings({}, 8, a=work(1, replicas=replicas), b=work(3))).regions
    (model,) = (m for m in region.models if m.name == "a")
    assert sum(s.desired_count for s in model.services) == least
    assert max(s.desired_count for s in model.services) >= 2, "all of it can be on one instance"
    assert all(s.spread_zones for s in model.services)
    assert region.pools[0].layout.instances_min >= 2
