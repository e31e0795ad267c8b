"""Tasks that take no device of their pool: proxies and the like beside the models."""

import json
from typing import Any

import pytest

from planning import Severity
from planning.plan import ModelPlan, Plan
from tests.planning.stacks import (
    Config,
    Entry,
    changed,
    codes,
    decide_on,
    finding,
    groups,
    managed,
    stack,
    work,
)

TRN1 = groups("trn1.32xlarge", 4, efa=True)


def proxy(**more: Any) -> Entry:
    return {**work(0, memory_mib=256), **more}


def beside(pool: Entry, model: Entry, other: Entry) -> Config:
    return stack(capacity={"pool": pool}, models={"m": model, "proxy": other})


def model_of(plan: Plan, name: str) -> ModelPlan:
    (found,) = (m for r in plan.regions for m in r.models if m.name == name)
    return found


def instances(plan: Plan) -> int:
    (pool,) = (p for r in plan.regions for p in r.pools)
    return pool.layout.instances_max


@pytest.mark.parametrize(
    ("pool", "devices"),
    [
        (groups("inf2.24xlarge"), 2),
        (TRN1, "all"),
        (managed("inf2.xlarge"), "all"),
        (managed("inf2.*"), "all"),
    ],
    ids=["slots", "efa", "managed", "several types"],
)
def test_a_task_without_devices_runs_beside_a_model(pool: Entry, devices: object) -> None:
    plan = decide_on(beside(pool, work(devices), proxy()))
    service = model_of(plan, "proxy").services[0]
    task = service.task_definition
    (container,) = json.loads(task.container_definitions)
    assert task.devices == ()
    assert container["linuxParameters"] == {"initProcessEnabled": True}
    assert "portMappings" not in container, "it holds no lock"
    assert "resourceRequirements" not in container
    assert (task.cpu, container.get("cpu")) == (None, None), "nothing is reserved, nor limited"
    assert container["memory"] == 256
    assert instances(plan) == 1, "the share of the model leaves its memory"
    assert all(
        a.workload == "m" for r in plan.regions for p in r.pools for a in p.layout.assignments
    )


def test_its_network_mode_is_the_one_of_a_pool_without_devices() -> None:
    plan = decide_on(beside(TRN1, work("all"), proxy()))
    assert model_of(plan, "proxy").network_mode == "bridge", "it needs no EFA"
    assert "NE307" not in codes(beside(TRN1, work("all"), proxy(network_mode="bridge")))
    plan = decide_on(beside(managed("inf2.xlarge"), work("all"), proxy()))
    assert model_of(plan, "proxy").network_mode == "awsvpc"


def test_a_pool_without_chips_takes_a_count_of_none() -> None:
    config = stack(capacity={"pool": groups("c7g.xlarge")}, models={"m": proxy()})
    assert codes(config, Severity.ERROR) == set()


def test_only_its_memory_is_required() -> None:
    config = beside(groups(), work(1), work(0, cpu_units=512))
    assert finding(config, "NE302").path == "models.proxy.memory_mib"
    assert codes(beside(groups(), work(1), proxy()), Severity.ERROR) == set()


def test_the_cpu_of_its_sidecars_is_counted() -> None:
    sidecar = {"image": "watcher:1", "cpu_units": 1024}
    config = beside(groups(), work(1), proxy(memory_mib=1024, sidecars={"s": sidecar}))
    share = model_of(decide_on(config), "m").services[0].task_definition.cpu
    assert share is not None
    assert share == 4096 - 128 - 512 - 1024, "less what the daemons of an instance take"


def test_a_sidecar_cannot_open_what_its_task_has_not() -> None:
    sidecar = {"image": "watcher:1", "neuron_devices": "all"}
    config = beside(groups(), work(1), proxy(memory_mib=1024, sidecars={"s": sidecar}))
    assert finding(config, "NE213").path == "models.proxy.sidecars.s.neuron_devices"


@pytest.mark.parametrize(
    ("model", "other", "code"),
    [(work(1, memory_mib=16_300), proxy(), "NE315"), (work(1), proxy(memory_mib=15_500), "NE315"),
     (work(1, memory_mib=15_400), proxy(), "NE351")],
    ids=["a large model", "a large proxy", "by the estimate"],
)  # fmt: skip
def test_sizes_that_do_not_fit_beside_a_model_are_told(
    model: Entry, other: Entry, code: str
) -> None:
    config = beside(groups(), model, other)
    found = finding(config, code)
    assert instances(decide_on(config)) == 2, "the other task needs an instance of its own"
    name = found.path.split(".")[1]
    entry = {"m": model, "proxy": other}[name]
    if "leave it out" in found.fix:
        entry = {k: v for k, v in entry.items() if k != "memory_mib"}
    else:
        entry = {**entry, "memory_mib": int(found.fix.split("memory_mib: ")[1].split(",")[0])}
    models = {"m": model, "proxy": other} | {name: entry}
    fixed = stack(capacity={"pool": groups()}, models=models)
    assert not codes(fixed) & {"NE301", "NE315", "NE351"}
    assert instances(decide_on(fixed)) == 1


def test_many_of_them_can_crowd_an_instance() -> None:
    other = proxy(replicas=4, memory_mib=1024)
    config = beside(groups(max_size=4), work(1, replicas=4), other)
    found = finding(config, "NE350")
    size = int(found.fix.split("max_size: ")[1].split(",")[0])
    assert "NE350" not in codes(changed(config, "capacity.pool", max_size=size))
    assert "NE350" in codes(changed(config, "capacity.pool", max_size=size - 1))


def test_an_update_starts_first_only_where_there_is_room() -> None:
    half = proxy(memory_mib=7000)
    for size, percent in ((1, 0), (2, 100)):
        plan = decide_on(beside(groups(max_size=size), work(1), half))
        low = model_of(plan, "proxy").services[0].minimum_healthy_percent
        assert low == percent, f"at most {size} instances"
