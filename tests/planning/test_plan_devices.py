"""Which Neuron devices and EFA interfaces the containers of a plan open."""

from typing import Any

import pytest
from hypothesis import given, settings

from catalog import load
from tests.planning.drawn import (
    definitions_of,
    planned,
    stacks,
)
from tests.planning.stacks import (
    Config,
    Entry,
    changed,
    decide_on,
    groups,
    stack,
    work,
)

CATALOG = load()


def neuron_devices(container: Entry) -> list[str]:
    devices = container.get("linuxParameters", {}).get("devices", ())
    return [d["hostPath"] for d in devices if "neuron" in d["hostPath"]]


@pytest.mark.parametrize("asked", [1, 2, [2, 3], "all"])
def test_a_sidecar_with_all_devices_has_those_of_its_task(asked: object) -> None:
    sidecars = {"watcher": {"image": "w:1", "neuron_devices": "all"}}
    made = decide_on(
        capacity={"pool": groups("inf2.24xlarge")},
        models={"m": work(asked, sidecars=sidecars)},
    )
    task = made.regions[0].models[0].services[0].task_definition
    main, sidecar = definitions_of(task)
    assert neuron_devices(sidecar) == [f"/dev/neuron{d}" for d in task.devices]
    assert neuron_devices(sidecar) == neuron_devices(main)
    assert "resourceRequirements" not in sidecar, "EC2 capacity knows no NeuronDevice"


def test_a_sidecar_opens_the_devices_that_it_names_and_none_by_default() -> None:
    sidecars = {
        "one": {"image": "w:1", "neuron_devices": [3]},
        "none": {"image": "w:1"},
    }
    made = decide_on(
        capacity={"pool": groups("inf2.24xlarge")},
        models={"m": work([2, 3], sidecars=sidecars)},
    )
    task = made.regions[0].models[0].services[0].task_definition
    found = {c["name"]: neuron_devices(c) for c in definitions_of(task)}
    assert found["m-one"] == ["/dev/neuron3"]
    assert found["m-none"] == []


@given(stacks())
@settings(max_examples=100)
def test_a_job_counts_no_task_of_a_slot(config: Config) -> None:
    """It starts when somebody or a schedule starts it: the instances of the plan run without it."""
    made = planned(config)
    for region in made.regions if made else ():
        for pool in region.pools:
            jobs = {job.name for job in region.jobs}
            models = {model.name for model in region.models}
            for taken in pool.layout.assignments:
                assert taken.workload in (jobs if taken.is_job else models)
                if taken.is_job:
                    assert (taken.tasks_min, taken.tasks_max) == (0, 0)


@given(stacks())
@settings(max_examples=100)
def test_managed_scaling_is_on_wherever_it_moves_the_size(config: Config) -> None:
    """The groups state no desired capacity: without managed scaling no instance is launched beyond
    the minimum size, which is 0 by default."""
    made = planned(config)
    for region in made.regions if made else ():
        for pool in region.auto_scaling.pools if region.auto_scaling else ():
            assert pool.managed_scaling


@pytest.mark.parametrize("kind", [t.name for t in CATALOG.instances.neuron_types.values()])
def test_a_pool_has_efa_interfaces_where_it_asks_for_them_and_as_many_as_its_type(
    kind: str,
) -> None:
    hardware = CATALOG.instances.neuron_types[kind].neuron
    assert hardware is not None
    for efa in (True, False):
        made = planned(stack(capacity={"pool": groups(kind, efa=efa)}))
        if made is None or made.regions[0].auto_scaling is None:
            continue
        (pool,) = made.regions[0].auto_scaling.pools
        cards = [i.network_card_index for i in pool.network_interfaces]
        assert cards == list(range(hardware.efa_interfaces if efa else 0))
        assert [i.device_index for i in pool.network_interfaces] == [min(c, 1) for c in cards]
        assert pool.placement_group is efa


@pytest.mark.parametrize("stopped", ["ant", "bee", "cat"])
@pytest.mark.parametrize("devices", [1, 2, [4, 5]])
def test_a_stopped_model_keeps_its_slot_and_moves_nobody(stopped: str, devices: Any) -> None:
    models = {"ant": work(2), "bee": work(devices), "cat": work(1)}
    running = stack(capacity={"pool": groups("inf2.24xlarge", 2)}, models=models)
    resting = changed(running, f"models.{stopped}", replicas=0)
    plans = [decide_on(c) for c in (running, resting)]
    before, after = (
        {a.workload: a.devices for p in made.regions[0].pools for a in p.layout.assignments}
        for made in plans
    )
    assert before == after
    model = next(m for m in plans[1].regions[0].models if m.name == stopped)
    [service] = model.services
    assert (service.desired_count, service.tasks_max, service.scaled) == (0, 0, False)
    assert service.scaling is not None, "tasks that somebody started end when the limits are 0"


def test_a_stopped_model_needs_no_instance() -> None:
    models = {"ant": work("all"), "bee": work("all", replicas=0)}
    made = stack(capacity={"pool": groups("inf2.24xlarge", 1)}, models=models)
    [pool] = decide_on(made).regions[0].pools
    assert pool.layout.instances == (1, 1)
