"""Laws of the plan: pure, total, within AWS's limits, and able to roll."""

import ipaddress
import json
import random
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import load
from neuron_ecs.stackfile import reading as stack_file
from planning import Plan, Refused, as_json, choices, decide, names, plan, run_task
from planning.addresses import default_cidr, zone_subnets
from planning.alarms import NameOf
from planning.rooms import registered_by, room_of, share_of
from tests.planning.drawn import (
    TWO,
    definitions_of,
    planned,
    stacks,
    tasks_of,
)
from tests.planning.stacks import (
    Config,
    Entry,
    certificates,
    changed,
    decide_on,
    groups,
    managed,
    situation_of,
    stack,
    work,
)

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("examples/*.yaml"), *ROOT.glob("Pulumi.*.yaml")])
CATALOG = load()


def of_file(file: Path) -> tuple[Config, Plan]:
    read = stack_file.read(stack=None, file=file, directory=ROOT)
    return read.config, decide(read.config, CATALOG, project=read.project, stack=read.stack)


each_file = pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)


# ---- a pure and total function ---------------------------------------------------------------


@given(stacks(wild=True))
@settings(max_examples=300)
def test_every_stack_file_has_a_plan_or_findings_and_no_exception(config: Config) -> None:
    planned(config)


@each_file
def test_the_same_file_gives_the_same_plan(file: Path) -> None:
    config, made = of_file(file)
    again = decide(config, load(), project=made.project, stack=made.stack)
    assert again == made
    assert json.dumps(as_json(again)) == json.dumps(as_json(made))


@given(stacks(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_order_of_keys_never_matters(config: Config, chance: random.Random) -> None:
    def mixed(value: Any) -> Any:
        if isinstance(value, dict):
            items = list(cast("dict[str, Any]", value).items())
            chance.shuffle(items)
            return {k: mixed(v) for k, v in items}
        return value

    home = {"aws:region": config["aws:region"]}
    texts = {k: v for k, v in config.items() if k not in home}
    shuffled = {**mixed({k: json.dumps(mixed(json.loads(v))) for k, v in texts.items()}), **home}
    assert planned(shuffled) == planned(config)


def test_one_run_reports_mistakes_of_shape_of_planning_and_a_missing_home() -> None:
    models = {"m": work(9), "n": work(1, replicas="two"), "o": {**work(1), "capacity": "pol"}}
    config = stack(capacity={"pool": groups("inf2.24xlarge")}, models=models)
    del config["aws:region"]
    with pytest.raises(Refused) as refused:
        decide_on(config)
    assert {(f.code, f.path) for f in refused.value.findings} == {
        ("NE101", "aws:region"),
        ("NE203", "models.m.neuron_devices"),
        ("NE001", "models.n.replicas"),
        ("NE108", "models.o.capacity"),
    }


@pytest.mark.parametrize(
    "wrong", [{"max_sizes": 2}, {"max_sise": 4, "max_size": 4}, {"max_size": "four"}, {"foo": 1}]
)
def test_what_runs_on_a_pool_with_a_mistake_of_shape_is_judged(wrong: dict[str, Any]) -> None:
    pool = {**groups("inf2.24xlarge"), **wrong}
    if "max_sizes" in wrong:
        del pool["max_size"]
    config = stack(capacity={"pool": pool}, models={"m": work(9)})
    with pytest.raises(Refused) as refused:
        decide_on(config)
    assert [(f.code, f.path) for f in refused.value.findings] == [
        ("NE001", f"capacity.pool.{next(iter(wrong))}"),
        ("NE203", "models.m.neuron_devices"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"environment": {"A": []}},
        {"health_check": {"path": "health"}},
        {"cpu_units": "many"},
        {"sidecars": {"s": {"image": "r.io/s:1", "port": "x"}}},
        {"cpu_units": "many", "health_check": {"path": "health"}},
    ],
)
def test_an_entry_with_a_mistake_of_shape_is_judged_without_the_wrong_value(
    wrong: dict[str, Any],
) -> None:
    model = work(9, port=8080, replicas={"min": 3, "max": 2}, **wrong)
    config = stack(
        regions={"us-west-2": {"network": {"cidr": "10.0.0.0/8", "nat": 5}}},
        capacity={"pool": groups("inf2.24xlarge", efa="yes please")},
        models={"m": model},
        traffic={"listener": 5, "allow_from": ["0.0.0.0/0"], "public": True},
    )
    with pytest.raises(Refused) as refused:
        decide_on(config)
    found = [(f.code, f.path) for f in refused.value.findings]
    assert [code for code, _ in found].count("NE001") == len(wrong) + 3
    assert {
        ("NE113", "regions.us-west-2.network.cidr"),
        ("NE203", "models.m.neuron_devices"),
        ("NE305", "models.m.replicas.max"),
        ("NE754", "traffic.allow_from"),
    } <= {*found}


def test_what_names_an_entry_with_a_mistake_of_shape_is_no_mistake_of_its_own() -> None:
    store = "arn:aws:elasticloadbalancing:us-east-1:111122223333:truststore/callers/0a1b"
    config = stack(
        regions={"us-west-2": {}, "us-east-1": {"network": 5}},
        capacity={"pool": groups("inf2.24xlarge"), "bad": {}},
        shapes={"acme/own": {"layers": "x"}},
        volumes={"files": {"kind": "nfs"}},
        models={
            "a": work(1, port=8080),
            "b": work(1, ports=80),
            "c": {"serve": {"model": "acme/own"}, "capacity": "pool"},
            "d": {"serve": {"model": "acme/other", "cache": "files"}, "capacity": "pool"},
            "e": {"serve": {"model": "acme/third", "compile_on": "bad"}, "capacity": "pool"},
        },
        traffic={
            **certificates("us-west-2", "us-east-1"),
            "public": {"regions": ["us-west-2", "us-east-1"]},
            "authentication": {"api_key": {"b": "/keys/b"}, "mutual_tls": {"us-east-1": store}},
            "weights": {"a": {"a": 9, "b": 1}},
        },
    )
    with pytest.raises(Refused) as refused:
        decide_on(config)
    assert {f.code for f in refused.value.findings} == {"NE001"}


def _parts(value: object) -> Iterator[object]:
    yield value
    if is_dataclass(value) and not isinstance(value, type):
        for entry in fields(value):
            yield from _parts(getattr(value, entry.name))
    elif isinstance(value, tuple):
        for inner in cast("tuple[object, ...]", value):
            yield from _parts(inner)


@each_file
def test_a_plan_is_frozen_plain_data(file: Path) -> None:
    _, made = of_file(file)
    json.dumps(as_json(made), allow_nan=False)
    for part in _parts(made):
        if is_dataclass(part) and not isinstance(part, type):
            params = getattr(type(part), "__dataclass_params__")  # noqa: B009
            assert params.frozen, f"{type(part).__name__} can be changed after it was decided"
        assert not isinstance(part, (list, set)), f"{part!r} can be changed"


# ---- sizes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CATALOG.instances.neuron_types)
def test_tasks_of_equal_share_always_fit_the_room(kind: str) -> None:
    situation = situation_of(stack(capacity={"pool": groups(kind)}))
    found = CATALOG.instances.neuron_types[kind]
    assert found.neuron is not None
    room = room_of(found, situation.catalog)
    for size in {n for _, n in CATALOG.neuron.device_sets(kind)}:
        share, tasks = share_of(found, size, CATALOG), found.neuron.devices // size
        assert tasks * share.cpu_units <= room.cpu_units
        assert tasks * share.memory_mib <= room.memory_mib
        assert share.cpu_units > 0
        assert share.memory_mib > 0


@pytest.mark.parametrize("kind", CATALOG.instances.neuron_types)
def test_every_neuron_type_leaves_something_for_the_host(kind: str) -> None:
    found = CATALOG.instances.neuron_types[kind]
    room, registered = room_of(found, CATALOG), registered_by(found, CATALOG)
    assert 0.5 * found.memory_mib < room.memory_mib < 0.975 * found.memory_mib
    assert room.memory_mib <= registered.memory_mib
    assert room.cpu_units < registered.cpu_units == 1024 * found.vcpus


@given(stacks())
@settings(max_examples=100)
def test_tasks_of_one_instance_fit_it_together(config: Config) -> None:
    made = planned(config)
    for region in made.regions if made else ():
        for pool in region.pools:
            if not isinstance(pool, plan.AutoScalingPool) or not pool.layout.slots:
                continue
            held: Counter[tuple[int, ...]] = Counter()
            for model in region.models:
                for service in model.services if model.pool == pool.key else ():
                    devices = service.task_definition.devices
                    slot = next(
                        s.devices for s in pool.layout.slots if set(devices) <= set(s.devices)
                    )
                    memory = service.task_definition.memory or 0
                    held[slot] = max(held[slot], memory)
            assert sum(held.values()) <= CATALOG.instances.types[pool.instance_type].memory_mib


# ---- networks --------------------------------------------------------------------------------

NETWORKS = st.tuples(st.integers(0, 255), st.integers(0, 15), st.integers(16, 20)).map(
    lambda n: str(ipaddress.ip_network(f"10.{n[0]}.{n[1] * 16}.0/{n[2]}", strict=False))
)


@given(NETWORKS)
@settings(max_examples=50)
def test_the_blocks_of_zones_never_overlap_and_stay_inside(cidr: str) -> None:
    blocks = [
        ipaddress.ip_network(block)
        for number in range(1, 8)
        for found in [zone_subnets(cidr, f"usw2-az{number}")]
        for block in (found.private_cidr, found.public_cidr)
    ]
    assert not any(a.overlaps(b) for a, b in combinations(blocks, 2))
    whole = ipaddress.ip_network(cidr)
    assert all(block.subnet_of(whole) for block in blocks)  # pyright: ignore[reportArgumentType] (both are IPv4)
    assert min(block.num_addresses for block in blocks) >= 16, "5 are AWS's, 8 the balancer's"


@given(st.sets(st.sampled_from(["trn1.2xlarge", "inf2.xlarge", "inf1.xlarge"]), min_size=1))
def test_a_zone_keeps_its_blocks_whichever_zones_join_it(kinds: set[str]) -> None:
    def zones(types: set[str]) -> dict[str, plan.ZoneSubnets]:
        pools = {t.replace(".", "-"): groups(t) for t in types}
        network = decide_on(regions={"us-east-2": {}}, capacity=pools).regions[0].network
        assert isinstance(network, plan.OwnNetwork)
        return {z.zone_id: z for z in network.zones}

    alone, joined = zones(kinds), zones({"trn1.2xlarge", "inf2.xlarge", "inf1.xlarge"})
    assert {z: b for z, b in joined.items() if z in alone} == alone
    assert len(alone) >= 2, "a load balancer needs two zones"


def test_networks_of_different_regions_never_overlap() -> None:
    cidrs = [default_cidr(CATALOG.networks.own_number(region)) for region in CATALOG.places.regions]
    found = [ipaddress.ip_network(cidr) for cidr in cidrs]
    assert not any(a.overlaps(b) for a, b in combinations(found, 2))


@each_file
def test_capacity_stands_in_zones_of_its_network_that_offer_its_type(file: Path) -> None:
    for region in of_file(file)[1].regions:
        match region.network:
            case plan.OwnNetwork(zones=zones):
                mine = {z.zone_id for z in zones}
            case plan.GivenNetwork(private_subnets=subnets):
                mine = {zone for zone, _ in subnets}
        for pool in region.pools:
            types = (
                (pool.instance_type,)
                if isinstance(pool, plan.AutoScalingPool)
                else pool.instance_types
            )
            offering = {z for t in types for z in CATALOG.places.zones_offering(t, region.name)}
            assert pool.zone_ids
            assert set(pool.zone_ids) <= mine & offering


# ---- names -----------------------------------------------------------------------------------

SUFFIX = 8  # a hyphen and seven digits, which the engine appends
LONG = ["a" * 39 + "b", "a" * 39 + "c", "a" * 38 + "-d", "a"]


def longest() -> Plan:
    """A plan of the longest names that the stack file allows."""
    pools = {name: groups("inf2.24xlarge", 9) for name in LONG}
    common: Entry = {"exec": True, "secrets": {"TOKEN": "/token"}}
    models = {
        name: work(2, name, port=8080, replicas={"min": 4, "max": 9}, **common) for name in LONG
    }
    schedule = {"expression": "rate(1 day)"}
    jobs = {name: work(1, name, schedule=schedule, **common) for name in LONG}
    config = stack(
        regions={"ap-northeast-1": {}, "us-west-2": {}},
        capacity=pools,
        models=models,
        jobs=jobs,
        traffic=certificates("ap-northeast-1", "us-west-2"),
    )
    renamed = {k.replace("neuron-ecs:", f"{'p' * 100}:"): v for k, v in config.items()}
    return decide(renamed, CATALOG, project="p" * 100, stack="s.t_" * 25)


def test_the_longest_names_keep_aws_limits_with_the_engines_suffix() -> None:
    made = longest()
    for region in made.regions:
        assert region.load_balancer is not None
        _fits(region.load_balancer.name_key, 32, r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
        for pool in region.pools:
            _fits(pool.key, 128, r"[A-Za-z0-9_-]+")  # a launch template's is the shortest limit
            assert not re.match("aws|ecs|fargate", pool.key, re.IGNORECASE)
        for model in region.models:
            assert model.target_group is not None
            _fits(model.target_group.key, 32, r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
            assert len(model.log_group.name) <= 512
            for service in model.services:
                _fits(service.key, 255, r"[A-Za-z0-9_-]+")
                assert len(service.container_name) <= 255
        for job in region.jobs:
            assert job.schedule is not None
            _fits(job.schedule.key, 64, r"[A-Za-z0-9_.-]+")
    for role in made.roles:
        _fits(role.key, 64, r"[A-Za-z0-9_+=,.@-]+")
    for _, _, task in tasks_of(made):
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,255}", task.family)


def _fits(key: str, limit: int, pattern: str) -> None:
    assert len(key) + SUFFIX <= limit, f"{key} has no room for the engine's suffix"
    assert re.fullmatch(pattern, key), key


@pytest.mark.parametrize("make", [longest, *[lambda f=f: of_file(f)[1] for f in FILES]])
def test_keys_are_unique_in_their_region_and_kind(make: Any) -> None:
    made: Plan = make()
    for region in [*made.regions, made.roles]:
        seen: Counter[tuple[str, str]] = Counter()
        for part in _parts(region):
            key = getattr(part, "key", None)
            if isinstance(key, str) and not isinstance(part, NameOf):  # which refers to a key
                seen[type(part).__name__, key] += 1
        assert [k for k, n in seen.items() if n > 1] == []


def test_keys_of_different_regions_differ() -> None:
    made = longest()
    keys = [
        {k for p in _parts(region) if isinstance(k := getattr(p, "key", None), str)}
        for region in made.regions
    ]
    assert not keys[0] & keys[1]


@given(st.lists(st.text("abc-", min_size=1, max_size=60), min_size=2, max_size=2, unique=True))
def test_different_long_names_stay_different(pair: list[str]) -> None:
    first, second = (names.fitted(name, 24) for name in pair)
    assert first != second
    assert len(first) <= 24


# ---- task definitions ------------------------------------------------------------------------


def _leaves(value: Any) -> Iterator[Any]:
    yield value
    inner: list[Any] = []
    if isinstance(value, dict):
        inner = list(cast("dict[str, Any]", value).values())
    elif isinstance(value, list):
        inner = cast("list[Any]", value)
    for each in inner:
        yield from _leaves(each)


def canonical(text: str) -> None:
    data = json.loads(text)
    assert json.dumps(data, sort_keys=True, separators=(",", ":")) == text
    for leaf in _leaves(data):
        assert leaf not in ("", [], {}), "AWS hands an empty leaf back as none: a diff for ever"
        assert leaf is not None
        assert not isinstance(leaf, float)
    assert [c["name"] for c in data] == sorted({c["name"] for c in data})
    for container in data:
        variables = [v["name"] for v in container.get("environment", [])]
        assert variables == sorted(variables)
        assert not {v["name"] for v in container.get("secrets", [])} & set(variables)


@given(stacks())
@settings(max_examples=150)
def test_container_definitions_are_canonical(config: Config) -> None:
    made = planned(config)
    for _, _, task in tasks_of(made) if made else ():
        canonical(task.container_definitions)


@each_file
def test_container_definitions_of_every_file_are_canonical(file: Path) -> None:
    for _, _, task in tasks_of(of_file(file)[1]):
        canonical(task.container_definitions)


def test_the_order_of_variables_and_capabilities_never_restarts_a_task() -> None:
    def made(**more: Any) -> str:
        config = stack(capacity={"pool": groups()}, models={"m": work(1, **more)})
        return (
            decide_on(config).regions[0].models[0].services[0].task_definition.container_definitions
        )

    sidecars = {"b": {"image": "b:1"}, "a": {"image": "a:1"}}
    one = made(
        environment={"B": "1", "A": "2"},
        linux_capabilities=["SYS_ADMIN", "IPC_LOCK"],
        sidecars=sidecars,
    )
    other = made(
        environment={"A": "2", "B": "1"},
        linux_capabilities=["IPC_LOCK", "SYS_ADMIN"],
        sidecars=dict(reversed(sidecars.items())),
    )
    assert one == other
    canonical(one)


@given(stacks())
@settings(max_examples=200)
def test_locks_are_the_devices_and_nothing_else(config: Config) -> None:
    made = planned(config)
    for _, pool, task in tasks_of(made) if made else ():
        every = definitions_of(task)
        mappings = [m for c in every for m in c.get("portMappings", [])]
        locks = [m for m in mappings if 20000 <= m["containerPort"] < 20064]
        opened = sorted(
            int(d["hostPath"].removeprefix("/dev/neuron"))
            for c in every
            for d in c.get("linuxParameters", {}).get("devices", [])
            if d["hostPath"].startswith("/dev/neuron")
        )
        asking = [r for c in every for r in c.get("resourceRequirements", [])]
        hosts = [m["hostPort"] for m in mappings if m["hostPort"]]
        assert len(hosts) == len(set(hosts))
        if task.devices == "all":
            assert asking == [{"type": "NeuronDevice", "value": "ALL"}]
            assert isinstance(pool, plan.ManagedInstancesPool)
            assert opened == []
            assert locks == []
            continue
        assert asking == []
        assert opened == sorted(task.devices)
        wanted = [] if task.network_mode == "awsvpc" else [20000 + d for d in opened]
        assert [m["hostPort"] for m in locks] == wanted
        assert [m["containerPort"] for m in locks] == wanted


@pytest.mark.parametrize("mode", ["bridge", "host", "awsvpc"])
def test_a_mode_without_host_ports_has_no_locks_and_keeps_tasks_apart(mode: str) -> None:
    made = decide_on(
        capacity={"pool": groups("inf2.24xlarge")},
        models={"m": work([2, 3], network_mode=mode, port=8080)},
        traffic=certificates("us-west-2"),
    )
    (service,) = made.regions[0].models[0].services
    ports = {
        m["containerPort"]: m["hostPort"]
        for m in definitions_of(service.task_definition)[0]["portMappings"]
    }
    locks = {} if mode == "awsvpc" else {20002: 20002, 20003: 20003}
    assert ports == {8080: 0 if mode == "bridge" else 8080, **locks}
    assert service.distinct_instance == (mode == "awsvpc")


@given(stacks())
@settings(max_examples=150)
def test_devices_stand_in_legal_sets_and_slots_of_the_pool(config: Config) -> None:
    made = planned(config)
    for _, pool, task in tasks_of(made) if made else ():
        if not isinstance(pool, plan.AutoScalingPool) or not task.devices:
            continue
        devices = task.devices
        assert devices != "all"
        assert (devices[0], len(devices)) in CATALOG.neuron.device_sets(pool.instance_type)
        assert f"attribute:ecs.instance-type == {pool.instance_type}" in task.member_of


# ---- jobs ------------------------------------------------------------------------------------


def test_a_job_has_its_roles_its_wait_and_no_service() -> None:
    made = decide_on(
        capacity={"pool": groups("inf2.24xlarge", 2)},
        models={"m": work(6, replicas={"min": 1, "max": 2})},
        jobs={
            "train": work("all", schedule={"expression": "rate(1 day)"}, exec=True),
            "check": work(1),
        },
    )
    check, train = made.regions[0].jobs
    roles = {role.key: role for role in made.roles}
    assert train.schedule is not None
    scheduler = roles[train.schedule.role]
    assert scheduler.service == "scheduler.amazonaws.com"
    text = json.dumps(as_json((*scheduler.inline_policies, train.schedule.start)))
    assert f"task-definition/{train.task_definition.family}:*" in text
    assert {train.task_definition.task_role, train.task_definition.execution_role} <= set(
        re.findall(r'"role": "([^"]+)"', text)
    ), "the scheduler passes both roles to ECS"
    assert "exec" in {p.name for p in roles[train.task_definition.task_role].inline_policies}
    assert train.task_definition.devices == (0, 1, 2, 3, 4, 5)
    assert train.waits == check.waits == "waits while its pool runs all its replicas"
    assert check.schedule is None


@pytest.mark.parametrize("mode", ["bridge", "host", "awsvpc"])
def test_the_command_that_starts_a_job_reads_back_word_by_word(mode: str) -> None:
    made = decide_on(
        capacity={"pool": groups("inf2.24xlarge")}, jobs={"train": work(2, network_mode=mode)}
    )
    (region,) = made.regions
    asked = run_task.request(
        region.jobs[0],
        cluster="it's a $cluster",
        capacity_provider="provider one",
        task_definition="family:7",
        subnets=["subnet-b", "subnet-a"],
        security_groups=["sg-a"],
    )
    line = run_task.render(asked, region.name)
    words = shlex.split(line)
    assert words[:3] == ["aws", "ecs", "run-task"]
    options = dict(pairwise(words))
    assert options["--region"] == "us-west-2"
    assert options["--cluster"] == "it's a $cluster"
    assert options["--task-definition"] == "family:7"
    strategy = "capacityProvider=provider one,weight=1"
    assert options["--capacity-provider-strategy"] == strategy
    assert ("--network-configuration" in options) == (mode == "awsvpc")
    if mode == "awsvpc":
        network = json.loads(options["--network-configuration"])["awsvpcConfiguration"]
        assert network["subnets"] == ["subnet-a", "subnet-b"]
    for constraint in json.loads(options["--placement-constraints"]):
        assert constraint["type"] == "memberOf"
    assert "\n" not in line


# ---- particular decisions --------------------------------------------------------------------


def test_roles_of_a_stack_are_built_once_however_many_regions_it_has() -> None:
    models = {"m": work(1, s3_read=["s3://weights-{region}/m/"])}
    one = decide_on(capacity={"pool": groups()}, models=models)
    two = decide_on(regions=TWO, capacity={"pool": groups()}, models=models)
    assert [r.key for r in one.roles] == [r.key for r in two.roles]
    text = json.dumps(as_json(two.roles))
    assert "weights-us-west-2" in text
    assert "weights-us-east-2" in text
    assert "{region}" not in text


@each_file
def test_every_role_that_is_used_is_built_and_every_role_built_is_used(file: Path) -> None:
    _, made = of_file(file)
    used: set[str] = set()
    for _, _, task in tasks_of(made):
        used |= {task.task_role, task.execution_role}
        used |= {task.ebs_volume.role} if task.ebs_volume else set()
    for region in made.regions:
        used |= {job.schedule.role for job in region.jobs if job.schedule}
        if region.auto_scaling:
            used |= set(region.auto_scaling.instance_roles)
        if region.managed_instances:
            used.add(region.managed_instances.instance_role)
            used.add(region.managed_instances.infrastructure_role)
    assert {role.key for role in made.roles} == used


def test_nothing_of_one_model_moves_when_another_pools_model_joins() -> None:
    pools = {"a": groups("inf2.24xlarge"), "b": groups("inf2.48xlarge")}
    before = stack(capacity=pools, models={"m": work(2, "a")})
    after = changed(before, "models", n=work(4, "b"))
    old, new = (decide_on(c).regions[0] for c in (before, after))
    assert old.models[0] == new.models[0]
    assert old.pools[0] == new.pools[0]


def test_a_region_with_both_kinds_of_capacity_has_a_cluster_for_each() -> None:
    region = decide_on(capacity={"a": groups(), "b": managed("trn1.2xlarge")}).regions[0]
    assert region.auto_scaling is not None
    assert region.managed_instances is not None
    assert region.auto_scaling.key != region.managed_instances.key


def test_the_pools_key_carries_what_a_live_service_can_never_change() -> None:
    def key(**more: Any) -> str:
        pool = {**groups(), **more}
        return decide_on(capacity={"pool": pool}).regions[0].pools[0].key

    kinds = [
        key(),
        key(instance_type="inf2.8xlarge"),
        key(purchase="spot"),
    ]
    assert len(set(kinds)) == 3
    assert key(max_size=9) == key()


def test_the_lock_ports_are_free_of_what_the_host_keeps() -> None:
    locks = range(choices.LOCK_PORT_BASE, choices.LOCK_PORT_BASE + 16)
    assert not set(locks) & set(CATALOG.networks.reserved_host_ports)
    assert locks[-1] < CATALOG.limits.value("ephemeral_port_first")
