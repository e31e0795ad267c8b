"""Daemons watch the chips of every Neuron instance, and leave the models what they have."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from catalog import load
from messages.finding import Severity
from planning import choices, plan
from planning.alarms import Metric
from planning.price import HOURS, stack_price
from planning.rooms import DAEMONS
from tests.planning.stacks import Config, codes, decide_on, finding, groups, managed, stack, work

CATALOG = load()
POOLS: dict[str, Any] = {
    "pool": groups("inf2.24xlarge"),
    "other": groups("trn1.32xlarge"),
    "cpu": groups("c7g.large"),
    "managed": managed("trn1.2xlarge"),
}
MODELS: dict[str, Any] = {
    "a": work(2, port=8080),
    "b": work(16, "other"),
    "proxy": work(0, "cpu", memory_mib=256),
    "m": work("all", "managed"),
}


def config(**keys: Any) -> Config:
    entries: Any = {"capacity": POOLS, "models": MODELS, **keys}
    return stack(**entries)


@pytest.fixture(scope="module")
def region() -> plan.RegionPlan:
    return decide_on(config(neuron_metrics={})).regions[0]


def containers(region: plan.RegionPlan, name: str = "neuron-metrics") -> dict[str, Any]:
    daemon = region.daemon(name)
    assert daemon is not None
    read = json.loads(daemon.task_definition.container_definitions)
    return {container["name"]: container for container in read}


def test_it_runs_on_neuron_instances_alone(region: plan.RegionPlan) -> None:
    (daemon,) = region.daemons
    assert daemon.cluster == "usw2_auto-scaling"
    (expression,) = daemon.task_definition.member_of
    assert expression == "attribute:ecs.instance-type in [inf2.24xlarge, trn1.32xlarge]"
    assert decide_on(config()).regions[0].daemons == ()
    capacity = {name: POOLS[name] for name in ("cpu", "managed")}
    left = {"proxy": MODELS["proxy"], "m": MODELS["m"]}
    nowhere = config(neuron_metrics={}, capacity=capacity, models=left)
    assert decide_on(nowhere).regions[0].daemons == (), "no device of these is to be seen"


def test_switching_it_on_changes_no_task(region: plan.RegionPlan) -> None:
    assert decide_on(config()).regions[0].models == region.models


def test_default_sizes_leave_the_daemons_their_room() -> None:
    """Together with the tasks of all devices they fit what the plan counts on."""
    for kind in ("inf2.xlarge", "inf1.24xlarge", "trn1.32xlarge"):
        made = decide_on(stack(capacity={"pool": groups(kind)}, models={"m": work("all")}))
        task = made.regions[0].models[0].services[0].task_definition
        known = CATALOG.instances.types[kind]
        assert task.cpu is not None
        assert task.memory is not None
        assert task.cpu + DAEMONS.cpu_units <= known.vcpus * 1024
        assert task.memory + DAEMONS.memory_mib < known.memory_mib


def test_neuron_monitor_sees_every_device_and_takes_no_lock(region: plan.RegionPlan) -> None:
    """https://github.com/aws-neuron/aws-neuron-sdk (src/k8/k8s-neuron-monitor-daemonset.yml)"""
    monitor = containers(region)["neuron-monitor"]
    assert monitor["privileged"] is True
    assert monitor["entryPoint"] == ["/opt/bin/entrypoint.sh"]
    assert monitor["command"][:2] == ["--port", "19800"]
    assert [mapped["hostPort"] for mapped in monitor["portMappings"]] == [19800]
    assert region.daemons[0].task_definition.network_mode == "host"
    assert "linuxParameters" not in monitor


def test_the_agent_gets_what_the_metrics_need(region: plan.RegionPlan) -> None:
    agent = containers(region)["cloudwatch-agent"]
    variables = {v["name"]: v["value"] for v in agent["environment"]}
    scraped = json.loads(variables["PROMETHEUS_CONFIG_CONTENT"])["scrape_configs"][0]
    assert scraped["static_configs"] == [{"targets": ["localhost:19800"]}]
    logs = json.loads(variables["CW_CONFIG_CONTENT"])["logs"]["metrics_collected"]["prometheus"]
    assert logs["log_group_name"] == region.daemons[0].log_group.name
    published = logs["emf_processor"]
    assert published["metric_namespace"] == "neuron-ecs/test"
    kept = scraped["metric_relabel_configs"][0]["regex"].split("|")
    for declared in published["metric_declaration"]:
        (selector,) = declared["metric_selectors"]
        assert selector.strip("^$") in kept, "what is dropped is no metric"
        assert len(declared["dimensions"]) == len(declared["dimensions"][0]) == 1


def test_series_without_a_tag_and_errors_that_were_corrected_are_dropped() -> None:
    """Prometheus matches a regular expression against all of the labels, joined by semicolons."""
    made = decide_on(config(neuron_metrics={})).regions[0]
    variables = containers(made)["cloudwatch-agent"]["environment"]
    text = next(v["value"] for v in variables if v["name"] == "PROMETHEUS_CONFIG_CONTENT")
    rules = json.loads(text)["scrape_configs"][0]["metric_relabel_configs"]

    def kept(name: str, **labels: str) -> bool:
        there = {"__name__": name, **labels}
        for rule in rules:
            joined = ";".join(there.get(label, "") for label in rule["source_labels"])
            found = re.fullmatch(rule["regex"], joined) is not None
            if found == (rule["action"] == "drop"):
                return False
        return True

    busy = "neuroncore_utilization_ratio"
    assert kept(busy, runtime_tag="a/1")
    assert not kept(busy, runtime_tag="367"), "each process would be a metric of its own"
    assert not kept("system_vcpu_count")
    used = "neuron_runtime_memory_used_bytes"
    assert kept(used, runtime_tag="a/1", memory_location="neuron_device")
    assert not kept(used, runtime_tag="a/1", memory_location="host")
    ecc = "hardware_ecc_events_total"
    assert kept(ecc, event_type="mem_ecc_uncorrected")
    assert not kept(ecc, event_type="mem_ecc_corrected")


@pytest.mark.parametrize("recovery", [False, True])
def test_the_kernel_is_asked_for_bad_chips_and_recovery_is_off(recovery: bool) -> None:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/ecs/npd.html"""
    given = {"problem_detector": {"recovery": True} if recovery else {}}
    made = decide_on(config(neuron_metrics=given, alarms={}))
    (here,) = made.regions
    found = containers(here, "problem-detector")
    reader, acting = found["node-problem-detector"], found["recovery"]
    (command,) = reader["command"]
    read = json.loads(command.partition("echo '")[2].partition("' >")[0])
    line = "nd0: NEURON_HW_ERR=HBM_UNCORRECTABLE_ERROR instance-id=i-0a"
    matched = [r["reason"] for r in read["rules"] if re.fullmatch(r["pattern"], line)]
    assert matched == ["NeuronHasError_HBM_UNCORRECTABLE_ERROR"]
    assert [m["hostPort"] for m in reader["portMappings"]] == [20256, 20257]
    variables = {v["name"]: v["value"] for v in acting["environment"]}
    assert variables["ENABLE_RECOVERY"] == ("true" if recovery else "false")
    assert acting["readonlyRootFilesystem"], "it only calls AWS"
    role = next(r for r in made.roles if r.key == "daemon_problem-detector_task")
    may = json.dumps([dict(s) for p in role.inline_policies for s in p.statements])
    assert ("SetInstanceHealth" in may) is recovery, "what is off may end no instance"
    (health,) = (alarm for alarm in here.alarms if "kernel" in alarm.name)
    assert isinstance(health.measured, Metric)
    published = {(r.metric, r.dimension, r.matches) for r in CATALOG.neuron.metrics}
    (dimension,) = health.measured.dimensions
    assert (health.measured.name, dimension.name, dimension.value) in published
    agent = {v["name"]: v["value"] for v in containers(here)["cloudwatch-agent"]["environment"]}
    jobs = json.loads(agent["PROMETHEUS_CONFIG_CONTENT"])["scrape_configs"]
    assert jobs[1]["static_configs"] == [{"targets": ["localhost:20257"]}]
    tasks = [daemon.task_definition for daemon in here.daemons]
    assert sum(task.cpu or 0 for task in tasks) == DAEMONS.cpu_units
    assert sum(task.memory or 0 for task in tasks) == DAEMONS.memory_mib


def test_tasks_beside_it_have_less_of_an_instance() -> None:
    """ECS places daemons first: a task that fits the instance alone would wait for ever."""
    whole = 16_384 - 256

    def one(**keys: Any) -> Config:
        model = work(1, memory_mib=whole)
        return stack(capacity={"pool": groups()}, models={"m": model}, **keys)

    assert "NE301" not in codes(one())
    assert finding(one(neuron_metrics={}), "NE301").what == (
        f"is {whole}; inf2.xlarge has 15872 MiB beside the daemons, and a task at most 15872"
    )


def test_its_port_is_no_other_tasks() -> None:
    """100 ports an instance: 6 of the host's own, and one that locks the device."""
    model = work(1, ports=list(range(8000, 8093)), network_mode="host")
    full: Any = {"capacity": {"pool": groups()}, "models": {"m": model}}
    assert "NE715" not in codes(stack(**full), Severity.ERROR)
    assert "NE715" in codes(stack(**full, neuron_metrics={}), Severity.ERROR)


def test_images_of_ones_own_are_pulled() -> None:
    own = "111122223333.dkr.ecr.{region}.amazonaws.com/watching:1"
    made = decide_on(config(neuron_metrics={"monitor_image": own, "agent_image": own}))
    images = {c["image"] for c in containers(made.regions[0]).values()}
    assert images == {own.replace("{region}", "us-west-2")}


@pytest.mark.parametrize("kind", ["c7g.large", "inf2.xlarge"])
def test_a_network_without_a_way_out_has_endpoints_for_daemons_that_run_there(kind: str) -> None:
    own = "111122223333.dkr.ecr.{region}.amazonaws.com/watching:1"
    images = {"detector_image": own, "recovery_image": own}
    given = {"monitor_image": own, "agent_image": own, "problem_detector": images}
    model = {**work(1 if kind == "inf2.xlarge" else 0, memory_mib=256), "image": own}
    made = decide_on(
        stack(
            capacity={"pool": groups(kind)},
            models={"m": model},
            regions={"us-west-2": {"network": {"nat": "none"}}},
            neuron_metrics=given,
        )
    )
    (region,) = made.regions
    assert isinstance(region.network, plan.OwnNetwork)
    calls = {f"com.amazonaws.us-west-2.{name}" for name in ("autoscaling", "ec2", "monitoring")}
    assert calls & set(region.network.interface_endpoints) == (calls if region.daemons else set())


def test_what_it_costs_is_reckoned(region: plan.RegionPlan) -> None:
    """Three metrics of each of two tags, and three of hardware errors."""
    made = decide_on(config(neuron_metrics={}))
    (cost,) = stack_price(made, CATALOG).watching
    assert cost.custom_metrics == 3 * 2 + 3
    assert cost.amount == cost.custom_metrics * Decimal("0.30") + cost.log_gib * Decimal("0.50")
    assert 0 < cost.log_gib < 10


def test_the_log_has_an_event_a_minute_for_each_core_seven_for_a_task_and_two_for_a_chip() -> None:
    pools = {"one": groups("inf2.24xlarge", 1)}
    made = decide_on(config(capacity=pools, models={"a": work(2, "one")}, neuron_metrics={}))
    daemon = made.regions[0].daemon("neuron-metrics")
    events = 12 + 7 * 1 + 2 * 6
    assert daemon is not None
    assert daemon.log_mib == events * 60 * HOURS * choices.METRIC_EVENT_BYTES // 2**20
