"""The services of a model scale as one, at every load, in every dealing."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

import catalog
from config import Replicas
from planning import plan, scaling
from planning.alarms import Math
from planning.dealing import share_evenly
from planning.following import ScalingPolicy
from planning.make_capacity import target_capacity
from planning.price import stack_price
from tests.planning import fixing
from tests.planning.fixtures_scaling import HERE, MOVED, on, scaled
from tests.planning.stacks import (
    Entry,
    decide_on,
    findings_of,
    groups,
    managed,
    situation_of,
    stack,
    work,
)

Json = dict[str, Any]
HALF = 0.5  # loads are whole numbers, and thresholds lie between them


def tasks_set(policies: tuple[ScalingPolicy, ...], load: int) -> set[int]:
    """The tasks that the policies of a service set at a load: those whose alarm rings.

    An alarm rings beyond its threshold. The last step applies above whose load the load is.
    """
    ringing = [p for p in policies if (load > p.alarm.threshold) == (p.direction == "out")]
    steps = [[s for s in p.steps if s.above is None or load > s.above + HALF] for p in ringing]
    return {fitting[-1].tasks for fitting in steps}


LOAD = scaling.requests("balancer", "group")
LIMITS = [limits for slots in range(1, 5) for limits in product(range(1, 4), repeat=slots)]


@pytest.mark.parametrize(
    ("field", "target"),
    [*(("requests_per_minute", target) for target in (1, 2, 3)), ("queue", 2)],
)
def test_at_rest_the_services_run_what_the_load_needs_rounded_up_once(
    field: str, target: int
) -> None:
    """Exhaustively for up to four slots of up to three tasks: what the alarms set is the dealing of
    ceil(load / target) replicas, between minimum and maximum."""
    s = situation_of(scaled(**{field: target}))
    [moved] = s.work
    for limits in LIMITS:
        numbers = scaling.numbers_of_replicas(limits)
        for least in range(sum(limits) + 1):
            fewest = share_evenly(least, limits)
            work = replace(moved, replicas=Replicas(min=least, max=sum(limits)))
            policies = [
                scaling.policies(s, work, "s", rises, LOAD) if low < high else ()
                for rises, low, high in zip(numbers, fewest, limits, strict=True)
            ]
            for load in range(target * (sum(limits) + 1) + 2):
                wanted = max(least, min(sum(limits), -(-load // target)))
                dealt = share_evenly(wanted, limits)
                for of_service, low, tasks in zip(policies, fewest, dealt, strict=True):
                    told = tasks_set(of_service, load) if of_service else {low}
                    assert told == {tasks}, (limits, least, load)


def test_the_services_of_a_plan_get_their_minimum_in_the_order_in_which_replicas_are_dealt() -> (
    None
):
    """The thresholds follow from the order of the services; the plan's own minimum must agree."""
    for most in range(2, 8):
        for least in range(most):
            decided = decide_on(scaled({"min": least, "max": most}, requests_per_minute=60))
            services = decided.regions[0].models[0].services
            limits = [service.tasks_max for service in services]
            assert tuple(s.desired_count for s in services) == share_evenly(least, limits)
            moving = [s for s in services if s.desired_count < s.tasks_max]
            assert all(len(s.scaling.policies) == 2 for s in moving if s.scaling)


def test_nothing_moves_what_is_fixed_or_what_somebody_else_moves() -> None:
    for replicas, wanted in (({"min": 2}, {"requests_per_minute": 60}), (None, {"external": True})):
        config = scaled(replicas or {"min": 1, "max": 2}, **wanted)
        services = decide_on(config).regions[0].models[0].services
        assert not any(s.scaling and s.scaling.policies for s in services)


def test_a_queue_that_nobody_reports_moves_nothing() -> None:
    """No data is no load of zero: while no replica reports, none is taken away."""
    for field, silent in (("queue", "notBreaching"), ("requests_per_minute", "breaching")):
        model = decide_on(scaled(**{field: 8})).regions[0].models[0]
        found = {
            policy.direction: policy.alarm
            for service in model.services
            for policy in (service.scaling.policies if service.scaling else ())
        }
        assert (found["out"].missing_data, found["in"].missing_data) == ("notBreaching", silent)
        measured = found["in"].measured
        assert isinstance(measured, Math)
        assert ("FILL" in measured.expression) is (silent == "breaching")


ECR_VLLM = (
    "111122223333.dkr.ecr.{region}.amazonaws.com/pytorch-inference-vllm-neuronx"
    ":0.13.0-neuronx-py312-sdk2.28.0-ubuntu24.04"
)
SERVE: dict[str, Any] = {"serve": {"model": "Qwen/Qwen3-0.6B", "max_model_len": 2048}}


@pytest.mark.parametrize("pool", [groups("inf2.24xlarge"), managed("inf2.xlarge")])
@pytest.mark.parametrize("mode", ["bridge", "host", "awsvpc"])
def test_the_agent_asks_the_server_in_every_network_and_names_what_the_alarm_reads(
    pool: Entry, mode: str
) -> None:
    if pool["kind"] == "managed_instances" and mode == "bridge":
        return  # it has no such mode
    model = SERVE | {"capacity": "pool", "replicas": {"min": 1, "max": 2}, "scaling": {"queue": 8}}
    decided = decide_on(on(pool, model | {"network_mode": mode, "port": 8100}, traffic=HERE))
    [found] = decided.regions[0].models
    for service in found.services:
        containers = json.loads(service.task_definition.container_definitions)
        main, agent = sorted(containers, key=lambda c: c["name"])
        assert agent["name"] == "m-queue-metrics"
        assert agent.get("links", []) == (["m"] if mode == "bridge" else [])
        assert not agent["essential"], "a model goes on without its metrics"
        assert main["memory"] > agent["memory"], "the task's memory holds both"
        given = {v["name"]: v["value"] for v in agent["environment"]}
        scraped = json.loads(given["PROMETHEUS_CONFIG_CONTENT"])["scrape_configs"][0]
        [asked] = scraped["static_configs"]
        assert asked["targets"] == [f"{'m' if mode == 'bridge' else 'localhost'}:8100"]
        written = json.loads(given["CW_CONFIG_CONTENT"])
        prometheus = written["logs"]["metrics_collected"]["prometheus"]
        assert prometheus["log_group_name"] == found.log_group.name
        [declared] = prometheus["emf_processor"]["metric_declaration"]
        told(json.loads(given["CW_OTEL_CONFIG_CONTENT"]), found, asked)
        for policy in service.scaling.policies if service.scaling else ():
            assert isinstance(policy.alarm.measured, Math)
            for query in policy.alarm.measured.queries:
                metric = query.metric
                assert metric.namespace == prometheus["emf_processor"]["metric_namespace"]
                assert f"^{metric.name}$" in declared["metric_selectors"]
                assert re.fullmatch(scraped["metric_relabel_configs"][0]["regex"], metric.name)
                dimensions = {d.name: d.value for d in metric.dimensions}
                assert dimensions == asked["labels"]
                assert [sorted(dimensions)] == declared["dimensions"]
                assert metric.period_seconds == 60
                assert metric.statistic == "Sum", "each replica reports once a minute"
    role = next(r for r in decided.roles if r.key == found.services[0].task_definition.task_role)
    assert f"log-group:{found.log_group.name}:*" in str(role.inline_policies)


def told(collector: Json, found: plan.ModelPlan, asked: Json) -> None:
    """The agent drops histograms on its own way: they have a pipeline of OpenTelemetry, in which
    every component is configured, and no other is."""
    assert found.server_metrics is not None
    metric = found.server_metrics.first_token
    assert metric is not None
    assert metric.statistic == "Average", "a histogram comes without its percentiles"
    [pipeline] = collector["service"]["pipelines"].values()
    for kind, names in pipeline.items():
        assert sorted(names) == sorted(collector[kind]), "each has a suffix of its own"
        assert all(name.endswith("/histogram") for name in names)
    [reading] = collector["receivers"].values()
    [scraped] = reading["config"]["scrape_configs"]
    assert scraped["static_configs"] == [asked]
    kept = re.compile(scraped["metric_relabel_configs"][0]["regex"])
    for part in ("bucket", "count", "sum"):
        assert kept.fullmatch(f"{metric.name}_{part}"), "it takes all parts to be a histogram"
    assert not kept.fullmatch(f"{metric.name}_created")
    delta, dropped = (collector["processors"][name] for name in pipeline["processors"])
    assert delta["include"]["metrics"] == [metric.name]
    assert dropped["metrics"] == {
        "metric": [f'name != "{metric.name}"'],
        "datapoint": ["count == 0"],
    }
    [written] = collector["exporters"].values()
    assert (written["namespace"], written["log_group_name"]) == (
        metric.namespace,
        found.log_group.name,
    )
    [declared] = written["metric_declarations"]
    assert declared["metric_name_selectors"] == [metric.name]
    assert [sorted(d.name for d in metric.dimensions)] == declared["dimensions"]
    assert "$" not in json.dumps(collector), "OpenTelemetry puts variables in place of it"


def test_a_server_is_measured_without_moving_its_replicas() -> None:
    model = SERVE | {"capacity": "pool", "server_metrics": True}
    decided = decide_on(on(groups("inf2.24xlarge"), model, traffic=HERE))
    [found] = decided.regions[0].models
    assert found.server_metrics is not None
    assert not any(service.scaling for service in found.services)
    role = next(r for r in decided.roles if r.key == found.services[0].task_definition.task_role)
    assert f"log-group:{found.log_group.name}:*" in str(role.inline_policies)
    [cost] = stack_price(decided, catalog.load()).watching
    assert (cost.custom_metrics, cost.alarm_metrics) == (3, 0)
    assert cost.log_gib == Decimal("0.1"), "two events a minute of each replica"


@pytest.mark.parametrize(
    ("code", "model"),
    [
        ("NE620", {"image": "dlc/pytorch-inference-neuronx:2.9.0", "port": 8080}),
        ("NE621", {"port": 8080}),
        ("NE622", {}),
    ],
)
def test_what_cannot_be_measured_is_refused_or_told(code: str, model: Entry) -> None:
    entry = work(1) | model | {"server_metrics": True}
    config = on(groups("inf2.24xlarge"), entry, traffic=HERE)
    [found] = [f for f in findings_of(config) if f.code.startswith("NE62")]
    assert (found.code, found.path) == (code, "models.m.server_metrics")
    assert fixing.faults(config, code) == []


def test_an_agent_of_the_stack_file_keeps_its_image_and_its_sizes() -> None:
    agent = {"image": "111122223333.dkr.ecr.{region}.amazonaws.com/agent:1", "memory_mib": 300}
    model = work(1, port=8080, replicas={"min": 1, "max": 2}, scaling={"queue": 8})
    model |= {"sidecars": {"queue-metrics": agent}}
    [found] = decide_on(on(groups("inf2.24xlarge"), model, traffic=HERE)).regions[0].models
    definitions = json.loads(found.services[0].task_definition.container_definitions)
    own = next(c for c in definitions if c["name"] == "m-queue-metrics")
    assert own["image"] == "111122223333.dkr.ecr.us-west-2.amazonaws.com/agent:1"
    assert own["memory"] == 300
    assert "CW_CONFIG_CONTENT" in {v["name"] for v in own["environment"]}


@pytest.mark.parametrize("nat", ["one", "none"])
def test_the_queue_is_among_the_choices_where_the_server_reports_it(nat: str) -> None:
    """Its image is in a public registry, which a network without a way out does not reach."""
    model = SERVE | {"capacity": "pool", "replicas": {"min": 1, "max": 2}}
    if nat == "none":
        model |= {"serve": {"model": "s3://models/tiny/", "max_model_len": 2048}}
        model |= {"image": ECR_VLLM}
    config = stack(
        regions={"us-west-2": {"network": {"nat": nat}}},
        shapes={"s3://models/tiny/": {"like": "TinyLlama/TinyLlama-1.1B-Chat-v1.0"}},
        capacity={"pool": groups("inf2.24xlarge")},
        models={"m": model},
        traffic=HERE,
    )
    [found] = [f for f in findings_of(config) if f.code == "NE304"]
    assert ("scaling.queue: 8" in found.fix) is (nat == "one")
    assert fixing.faults(config, "NE304") == []


def test_metrics_of_queues_are_paid_once_for_each_model() -> None:
    decided = decide_on(scaled({"min": 1, "max": 4}, queue=8))
    [cost] = stack_price(decided, catalog.load()).watching
    alarms = sum(
        len(service.scaling.policies)
        for service in decided.regions[0].models[0].services
        if service.scaling
    )
    assert (cost.custom_metrics, cost.alarm_metrics) == (3, 2 * alarms)
    metrics = Decimal("0.10") * cost.alarm_metrics + Decimal("0.30") * cost.custom_metrics
    assert cost.log_gib == Decimal("0.2"), "with four replicas"
    assert cost.amount == metrics + Decimal("0.50") * cost.log_gib


def test_in_is_slower_than_out_and_out_waits_until_a_replica_serves() -> None:
    model = decide_on(scaled(requests_per_minute=60)).regions[0].models[0]
    assert model.mover is not None
    assert model.mover.cooldown_out_seconds == model.serve_seconds
    assert model.mover.cooldown_in_seconds == 2 * model.serve_seconds


def test_a_schedule_gives_each_service_its_part_of_the_range() -> None:
    """The parts sum to the entry's range, stay in that of the service, and a missing side is that
    of the replicas."""
    for least, low, high in ((0, 0, 0), (0, 2, None), (1, None, 3), (2, 3, 4), (0, 5, 7)):
        entry: dict[str, object] = {"expression": "cron(0 7 * * ? *)", "timezone": "Europe/Berlin"}
        entry |= {k: v for k, v in (("min", low), ("max", high)) if v is not None}
        config = scaled({"min": least, "max": 7}, schedule=[entry])
        services = decide_on(config).regions[0].models[0].services
        scalings = [(s, s.scaling.schedule[0]) for s in services if s.scaling]
        fixed = sum(s.desired_count for s in services if not s.scaling)
        parts = [part for _, part in scalings]
        assert sum(p.min_capacity for p in parts) + fixed == (least if low is None else low)
        assert sum(p.max_capacity for p in parts) + fixed == (7 if high is None else high)
        for service, part in scalings:
            assert service.desired_count <= part.min_capacity <= part.max_capacity
            assert part.max_capacity <= service.tasks_max
            assert part.timezone == "Europe/Berlin"


def test_headroom_keeps_an_instance_idle_at_each_number_below_the_maximum() -> None:
    """Managed scaling runs N instances for M with tasks, where M is at most the target of N."""
    for size in range(2, 60):
        target = target_capacity(size, 1)
        assert 1 <= target < 100
        for busy in range(1, size):
            kept = min(size, -(-100 * busy // target))
            assert kept >= busy + 1, (size, busy)
        assert target_capacity(size, 0) == 100


def test_headroom_is_priced_and_saves_the_boot() -> None:
    model = work(3, port=8080, replicas={"min": 2, "max": 4}, scaling={"requests_per_minute": 60})
    prices: list[tuple[int, int]] = []
    seconds: list[int] = []
    for headroom in (0, 1):
        decided = decide_on(on(groups("inf2.24xlarge", 3, headroom=headroom), model, traffic=HERE))
        [cost] = stack_price(decided, catalog.load()).costs
        prices.append((cost.instances_min, cost.instances_max))
        seconds.append(decided.regions[0].models[0].serve_seconds)
    assert prices == [(1, 2), (2, 3)]
    assert seconds[0] - seconds[1] == 600


def test_the_port_of_a_model_that_could_not_be_written_out_is_not_missed() -> None:
    """Its server brings the port, once what keeps it from being served is mended."""
    model = {"serve": {"model": "TinyLlama/TinyLlama-1.1B-Chat-v1.0"}, "server_metrics": True}
    model |= {"capacity": "pool", "neuron_devices": 1, "replicas": MOVED, "scaling": {"queue": 8}}
    pool = {"kind": "managed_instances"}
    codes = {f.code for f in findings_of(stack(capacity={"pool": pool}, models={"m": model}))}
    assert codes & {"NE140"}, "the pool says no type"
    assert not codes & {"NE609", "NE622"}
