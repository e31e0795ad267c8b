"""What particular rules propose works. tests/planning/test_fixes.py holds it for every rule."""

import re

import pytest

from catalog import load
from planning import Severity
from tests.planning.every_fixture import FIXTURES
from tests.planning.fixing import faults
from tests.planning.fixtures import GOV, PINNED, VLLM
from tests.planning.fixtures_served import TINY
from tests.planning.stacks import (
    Config,
    Entry,
    certificates,
    changed,
    codes,
    decide_on,
    existing,
    finding,
    findings_of,
    groups,
    managed,
    situation_of,
    stack,
    work,
)


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found, text
    return int(found.group(1))


@pytest.mark.parametrize("replicas", [7, 9, 17])
@pytest.mark.parametrize("sizes", [(1,), (4, 1), (6, 3), (2, 3, 4)])
def test_the_max_size_proposed_is_enough_and_the_least(
    sizes: tuple[int, ...], replicas: int
) -> None:
    models = {f"m{n}": work(n, replicas={"min": replicas}) for n in sizes}
    config = stack(capacity={"pool": groups("inf2.24xlarge", 1)}, models=models)
    needed = _number(r"max_size: (\d+)", finding(config, "NE206").fix)
    assert "NE206" not in codes(changed(config, "capacity.pool", max_size=needed))
    assert "NE206" in codes(changed(config, "capacity.pool", max_size=needed - 1))


def test_the_fewer_replicas_proposed_fit() -> None:
    models = {
        "m": work(2, replicas={"min": 1, "max": 20}),
        "n": work(2, replicas={"min": 1, "max": 3}),
    }
    config = stack(capacity={"pool": groups("inf2.24xlarge", 3)}, models=models)
    found = finding(config, "NE206")
    most = _number(r"models.m.replicas: {min: 1, max: (\d+)}", found.fix)
    fitting = changed(config, "models.m", replicas={"min": 1, "max": most})
    assert "NE206" not in codes(fitting)
    assert "NE206" in codes(changed(config, "models.m", replicas={"min": 1, "max": most + 1}))


def test_a_model_by_its_id_is_proposed_as_no_sidecar() -> None:
    by_id = {"capacity": "pool", "serve": {"model": TINY, "max_model_len": 512}}
    pool = groups("inf2.xlarge", 1)
    found = finding(stack(capacity={"pool": pool}, models={"a": by_id, "b": by_id}), "NE206")
    assert "sidecar" not in found.fix


def test_the_sidecar_proposed_shares_the_device() -> None:
    config = stack(capacity={"pool": groups("inf2.xlarge", 1)}, models={"a": work(1), "b": work(1)})
    found = finding(config, "NE206").fix
    assert "make b a sidecar of a with neuron_devices: all" in found
    given: Entry = {"environment": {"NEURON_RT_NUM_CORES": str(_number(r'CORES: "(\d+)"', found))}}
    sidecar = {"image": work(1)["image"], "neuron_devices": "all", **given}
    one_task = work(1, sidecars={"b": sidecar}, **given)
    alone = stack(capacity={"pool": groups("inf2.xlarge", 1)}, models={"b": one_task})
    assert codes(alone) <= codes(
        stack(capacity={"pool": groups("inf2.xlarge", 1)}, models={"b": work(1)})
    )


@pytest.mark.parametrize(
    ("kind", "region", "wanted"),
    [
        ("inf2.24xlarge", "us-west-2", [0, 2]),
        ("inf1.6xlarge", "us-west-2", [0, 3]),
        ("inf2.48xlarge", "us-west-2", [11, 0]),
        ("trn1.32xlarge", "us-west-2", [1, 2, 3, 4]),
        ("trn1.32xlarge", "us-west-2", list(range(4, 12))),
        ("trn1.32xlarge", "us-west-2", [1, 2]),
        ("trn2.48xlarge", "us-east-2", [2, 3, 4, 5]),
    ],
)
def test_the_sets_proposed_are_legal(kind: str, region: str, wanted: list[int]) -> None:
    config = stack(
        home=region,
        regions={region: {}},
        capacity={"pool": groups(kind)},
        models={"m": work(wanted)},
    )
    assert "NE204" in codes(config)
    assert faults(config, "NE204") == []


@pytest.mark.parametrize("count", [3, 5, 7, 9, 12, 15])
def test_the_counts_proposed_are_legal_and_the_nearest(count: int) -> None:
    config = stack(capacity={"pool": groups("trn1.32xlarge")}, models={"m": work(count)})
    proposed = [int(n) for n in re.findall(r"\d+", finding(config, "NE204").fix)]
    assert len(proposed) == 2
    assert proposed[0] < count < proposed[1]
    for number in proposed:
        assert not {"NE204", "NE242"} & codes(changed(config, "models.m", neuron_devices=number))


@pytest.mark.parametrize("wanted", [2, [0, 1], [14, 15]])
@pytest.mark.parametrize("kind", ["trn1.32xlarge", "trn2.48xlarge"])
def test_two_devices_of_a_torus_are_accepted_and_unproven(
    kind: str, wanted: int | list[int]
) -> None:
    home = "us-east-2"
    config = stack(
        home=home,
        regions={home: {}},
        capacity={"pool": groups(kind)},
        models={"m": work(wanted)},
    )
    found = finding(config, "NE242")
    assert "tutorial" in found.why
    for number in re.findall(r"\d+", found.fix):
        proven = codes(changed(config, "models.m", neuron_devices=int(number)))
        assert not {"NE204", "NE242"} & proven, number
    assert "NE204" in codes(changed(config, "models.m", neuron_devices=[1, 2]))


def test_more_devices_than_there_are_names_a_type_of_the_region_that_has_them() -> None:
    config = stack(capacity={"pool": groups("inf2.24xlarge")}, models={"m": work(12)})
    fix = finding(config, "NE203").fix
    assert "at most 6" in fix
    assert "inf2.48xlarge" in fix
    assert "NE203" not in codes(changed(config, "models.m", neuron_devices=6))
    assert "NE203" not in codes(changed(config, "capacity.pool", instance_type="inf2.48xlarge"))


def test_the_free_devices_proposed_are_free() -> None:
    models = {"a": work([0, 1]), "b": work([1, 2]), "c": work([4, 5])}
    config = stack(capacity={"pool": groups("inf2.24xlarge", 1)}, models=models)
    assert finding(config, "NE205").fix.startswith("write [2, 3], or")
    assert faults(config, "NE205") == []


@pytest.mark.parametrize(
    ("kind", "region"), [("trn1.2xlarge", "us-east-2"), ("trn1.32xlarge", "us-west-2")]
)
def test_the_zones_proposed_offer_the_type(kind: str, region: str) -> None:
    short = {"us-east-2": "use2", "us-west-2": "usw2"}[region]
    config = stack(
        regions={region: existing(**{f"{short}_az2": "subnet-0a"})},
        capacity={"pool": groups(kind)},
    )
    zones = re.findall(r"\w+-az\d", finding(config, "NE106").fix)
    assert zones
    for zone in zones:
        subnets = {zone: "subnet-0b"}
        fixed = changed(config, f"regions.{region}.network", private_subnets=subnets)
        assert "NE106" not in codes(fixed), zone


def test_the_zone_ids_proposed_offer_the_type() -> None:
    config = stack(capacity={"pool": groups("trn1.2xlarge", zone_ids=["usw2-az2"])})
    found = finding(config, "NE106")
    assert found.path == "capacity.pool.zone_ids"
    for zone in re.findall(r"\w+-az\d", found.fix):
        assert "NE106" not in codes(changed(config, "capacity.pool", zone_ids=[zone]))


@pytest.mark.parametrize("zone", ["usw2-az9", "usw2-lax1-az1"])
def test_a_zone_that_an_own_network_has_no_block_for_is_not_said_to_lack_the_type(
    zone: str,
) -> None:
    """Nobody knows what a zone offers that no table has; an existing network may have it."""

    def told(zones: list[str], **regions: Entry) -> tuple[Severity, str] | None:
        pool = groups("inf2.xlarge", zone_ids=zones)
        config = stack(capacity={"pool": pool}, regions={"us-west-2": {}} | regions)
        found = [f for f in findings_of(config) if f.code == "NE106"]
        return (found[0].severity, found[0].what) if found else None

    what = f"has {zone} for us-west-2, where the stack's own network has no subnet"
    assert told([zone]) == (Severity.ERROR, what)
    assert told([zone, "usw2-az1"]) == (Severity.WARNING, what)
    home = {"network": {"vpc_id": "vpc-0a", "private_subnets": {zone: "subnet-0a"}}}
    assert told([zone], **{"us-west-2": home}) is None
    assert told(["use1-az1"]) == (Severity.ERROR, "has no zone of us-west-2")


@pytest.mark.parametrize("tag", ["sdk2.26.1", "sdk2.28.0", "sdk2.29.0", "sdk2.30.0"])
def test_the_ami_proposed_suits_the_image(tag: str) -> None:
    image = VLLM.replace("sdk2.28.0", tag)
    config = stack(capacity={"pool": groups()}, models={"m": work(1, image=image)})
    version = finding(config, "NE404").fix.rpartition(" ")[2]
    fixed = changed(config, "capacity.pool", ami={"version": version})
    assert not codes(fixed) & {"NE402", "NE404"}


def test_an_image_older_than_the_driver_is_told_of_the_pinned_version_too() -> None:
    versions = situation_of(stack(capacity={"pool": groups()})).catalog.amis.versions(
        "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron"
    )
    newest = [v for v in versions if v.regions is None or "us-west-2" in v.regions][-1]
    config = stack(
        capacity={"pool": groups(ami={"version": newest.image_name})},
        models={"m": work(1, image=VLLM)},
    )
    assert newest.image_name in finding(config, "NE408").what
    assert PINNED in finding(config, "NE408").fix
    assert "NE404" not in codes(config), "one finding for one pair"


@pytest.mark.parametrize("field", ["memory_mib", "cpu_units"])
@pytest.mark.parametrize("kind", ["inf2.xlarge", "inf1.2xlarge", "trn1.32xlarge", "c7g.xlarge"])
def test_the_most_that_a_task_can_have_passes(field: str, kind: str) -> None:
    devices = None if kind.startswith("c") else 1
    sizes: Entry = {"cpu_units": 512, "memory_mib": 512, field: 9_000_000}
    if field == "cpu_units":
        sizes[field] = 900_000
    config = stack(capacity={"pool": groups(kind)}, models={"m": work(devices, **sizes)})
    found = finding(config, "NE301")
    fitting, most = (_number(r"at most (\d+)", text) for text in (found.fix, found.what))
    assert codes(changed(config, "models.m", **{field: fitting})) == codes(
        changed(config, "models.m", **{field: 512})
    ), "a fix brings no other finding"
    assert "NE301" not in codes(changed(config, "models.m", **{field: most}))
    assert "NE301" in codes(changed(config, "models.m", **{field: most + 1}))


@pytest.mark.parametrize(
    "config",
    [
        FIXTURES["NE351"].failing,
        stack(
            capacity={"pool": groups("inf2.24xlarge")},
            models={"m": work(1, memory_mib=65_000, replicas={"min": 6})},
        ),
        stack(
            capacity={"pool": groups("c7g.xlarge", 1)},
            models={"m": work(cpu_units=1024, memory_mib=4096, replicas={"min": 2})},
        ),
    ],
    ids=["one task", "an instance", "a pool"],
)
def test_memory_above_the_estimate_is_a_warning_with_a_size_within_it(config: Config) -> None:
    found = finding(config, "NE351")
    assert codes(config, Severity.ERROR) == set(), "it may be registered"
    if "max_size" in found.fix:
        fixed = changed(config, "capacity.pool", max_size=_number(r"max_size: (\d+)", found.fix))
    else:
        size = _number(r"(?:at most|share is) (\d+)", found.fix)
        fixed = changed(config, "models.m", memory_mib=size)
    assert codes(fixed) == codes(config) - {"NE351"}


def test_a_recorded_reading_needs_no_estimate() -> None:
    most = load().instances.registered_memory["inf1.2xlarge"]
    config = stack(
        capacity={"pool": groups("inf1.2xlarge")}, models={"m": work(1, memory_mib=most)}
    )
    assert not codes(config) & {"NE301", "NE351"}
    assert "NE301" in codes(changed(config, "models.m", memory_mib=most + 1))


@pytest.mark.parametrize(
    ("kind", "units", "replicas"),
    [("inf2.48xlarge", 16_384, 12), ("inf2.8xlarge", 32_768, 1), ("inf2.xlarge", 4096, 1)],
)
def test_tasks_may_have_every_cpu_unit_of_an_instance(kind: str, units: int, replicas: int) -> None:
    model = work(1, cpu_units=units, replicas={"min": replicas})
    config = stack(capacity={"pool": groups(kind, 1)}, models={"m": model})
    assert not codes(config) & {"NE301", "NE314", "NE315", "NE350", "NE351"}
    larger = codes(changed(config, "models.m", cpu_units=units + 1))
    assert larger & {"NE301", "NE314", "NE315"}


def test_managed_instances_choose_an_allowed_type_on_which_the_task_fits() -> None:
    sizes: Entry = {"cpu_units": 8192, "memory_mib": 16_384}
    pool = managed("inf2.*", "trn1.*")
    config = stack(capacity={"pool": pool}, models={"m": work("all", **sizes)})
    assert codes(config, Severity.ERROR) == set()
    (made,) = (p for r in decide_on(config).regions for p in r.pools)
    assert "inf2.xlarge" not in made.instance_types, "it has 4 vCPU"
    assert {"inf2.8xlarge", "trn1.2xlarge"} <= set(made.instance_types)
    assert "NE301" in codes(
        changed(config, "capacity.pool", allowed_instance_types=["inf2.xlarge"])
    )
    apart = ["c7g.4xlarge", "r6g.2xlarge"]  # 16 vCPU with 32 GiB, 8 vCPU with 64 GiB
    both = work(cpu_units=16_384, memory_mib=60_000)
    config = stack(capacity={"pool": managed(*apart)}, models={"m": both})
    most = _number(r"at most (\d+)", finding(config, "NE301").fix)
    assert "NE301" not in codes(changed(config, "models.m", cpu_units=most))


def test_an_image_and_its_cores_must_suit_every_type_that_ecs_may_choose() -> None:
    later = "public.ecr.aws/neuron/pytorch-inference-vllm-neuronx"
    image = f"{later}:0.13.0-neuronx-py312-sdk2.28.0-ubuntu24.04"
    command = ["vllm", "serve", "Qwen/Qwen3-0.6B", "--tensor-parallel-size=12"]
    model = work("all", image=image, command=command)
    config = stack(capacity={"pool": managed("inf2.*")}, models={"m": model})
    told = [f.what for f in findings_of(config) if f.code == "NE229"]
    assert [w for w in told if "inf2.xlarge" in w], "two cores are not twelve"
    larger = changed(config, "models.m", cpu_units=65_536, memory_mib=131_072)
    assert "NE229" not in codes(larger), "only types with twelve cores and more have this size"


def test_a_larger_type_proposed_has_room_for_the_task() -> None:
    config = stack(capacity={"pool": groups()}, models={"m": work(1, memory_mib=100_000)})
    proposed = finding(config, "NE301").fix.partition("or use ")[2]
    for kind in re.findall(r"\w+\.\w+", proposed):
        larger = changed(config, "capacity.pool", instance_type=kind)
        assert "NE301" not in codes(larger), kind


def test_the_shares_proposed_let_the_tasks_meet_on_one_instance() -> None:
    config = FIXTURES["NE315"].failing
    share = _number(r"its share is (\d+)", finding(config, "NE315").fix)
    assert "NE315" not in codes(changed(config, "models.a", memory_mib=share))


def test_the_instances_proposed_have_the_memory() -> None:
    config = FIXTURES["NE314"].failing
    needed = _number(r"max_size: (\d+)", finding(config, "NE314").fix)
    assert "NE314" not in codes(changed(config, "capacity.pool", max_size=needed))


def test_devices_that_cannot_all_be_used_for_want_of_memory_need_more_instances() -> None:
    models = {"a": work(3, memory_mib=300_000), "b": work(3, memory_mib=300_000)}
    config = stack(capacity={"pool": groups("inf2.24xlarge", 1)}, models=models)
    assert "NE314" in codes(config)
    assert codes(changed(config, "capacity.pool", max_size=2), Severity.ERROR) == set()


@pytest.mark.parametrize("cidr", ["10.0.0.0/23", "10.0.9.0/24", "10.0.9.0/16", "10.3.0.0/12"])
def test_the_block_proposed_is_one(cidr: str) -> None:
    config = stack(regions={"us-west-2": {"network": {"cidr": cidr}}}, capacity={"pool": groups()})
    proposed = finding(config, "NE113").fix.removeprefix("write ")
    fixed = changed(config, "regions.us-west-2", network={"cidr": proposed})
    assert "NE113" not in codes(fixed), proposed


@pytest.mark.parametrize("wrong", ["inf2.xlrage", "inf2.25xlarge", "tnr1.2xlarge", "c7g.xxlarge"])
def test_the_type_proposed_exists(wrong: str) -> None:
    config = stack(capacity={"pool": groups(wrong)})
    nearest = re.search(r"did you mean (\S+)\?", finding(config, "NE104").fix)
    assert nearest
    fixed = changed(config, "capacity.pool", instance_type=nearest.group(1))
    assert "NE104" not in codes(fixed)


def test_a_misspelt_type_of_managed_instances_is_found_at_its_place_in_the_list() -> None:
    config = stack(capacity={"pool": managed("inf2.xlarge", "inf2.8xlrage")})
    assert finding(config, "NE104").path == "capacity.pool.allowed_instance_types[1]"


@pytest.mark.parametrize(
    ("code", "kind", "region", "says"),
    [
        ("NE135", "inf2.xlarge", "us-west-1", "use inf1.xlarge"),
        ("NE135", "inf2.xlarge", "ca-central-1", "use inf1.xlarge"),
        ("NE135", "inf2.xlarge", "ap-northeast-3", "ap-northeast-3 offers no such type"),
        ("NE135", "trn2.48xlarge", "us-west-2", "use inf2.xlarge"),
        ("NE105", "trn1.2xlarge", "sa-east-1", "use inf2.xlarge"),
        ("NE105", "trn1.2xlarge", "ap-south-1", "use inf2.xlarge"),
    ],
)
def test_a_region_without_the_type_says_what_it_has(
    code: str, kind: str, region: str, says: str
) -> None:
    """An older generation that is not there is an error, one that may have come a warning."""
    config = stack(regions={region: {}, "us-east-2": {}}, capacity={"pool": groups(kind)})
    found = finding(config, code)
    assert found.severity == (Severity.ERROR if code == "NE105" else Severity.WARNING)
    assert f"{region} (2026-09-24)" in found.what
    assert says in found.fix
    assert "write regions: [us-east-2]" in found.fix
    assert faults(config, code) == []


@pytest.mark.parametrize("days", [2, 31, 100, 5000])
def test_the_days_proposed_are_kept(days: int) -> None:
    config = stack(capacity={"pool": groups()}, models={"m": work(1, log_retention_days=days)})
    for near in re.findall(r"\d+", finding(config, "NE311").fix):
        assert "NE311" not in codes(changed(config, "models.m", log_retention_days=int(near)))


@pytest.mark.parametrize(
    "check",
    [
        {"interval_seconds": 400},
        {"interval_seconds": 4},
        {"interval_seconds": 2},
        {"timeout_seconds": 90, "interval_seconds": 100},
        {"timeout_seconds": 1},
        {"retries": 50},
        {"retries": 1},
        {"start_period_seconds": 301},
        {"timeout_seconds": 15},
    ],
)
def test_the_limits_proposed_for_a_health_check_hold(check: dict[str, int]) -> None:
    written = {"command": ["CMD", "true"], **check}
    model = work(1, port=8080, health_check=written)
    config = stack(capacity={"pool": groups()}, models={"m": model})
    found = next(f for f in findings_of(config) if f.code == "NE312")
    assert found.path.endswith(next(iter(check)))
    assert faults(config, "NE312") == []


@pytest.mark.parametrize(
    ("more", "check"),
    [
        ({}, {"command": ["CMD", "true"], "retries": 1}),
        ({}, {"command": ["CMD", "true"], "timeout_seconds": 60, "interval_seconds": 30}),
        ({"port": 8080}, {"timeout_seconds": 120, "interval_seconds": 121}),
        ({"port": 8080}, {"start_period_seconds": 3600}),
    ],
    ids=["one failure", "a long check", "a slow target", "no command"],
)
def test_a_health_check_has_the_limits_of_what_uses_it(more: Entry, check: Entry) -> None:
    config = stack(capacity={"pool": groups()}, models={"m": work(1, **more, health_check=check)})
    assert "NE312" not in codes(config)
    both = work(1, port=8080, health_check={"command": ["CMD", "true"], **check})
    assert "NE312" in codes(stack(capacity={"pool": groups()}, models={"m": both}))


def test_the_instances_that_let_a_job_start_are_enough_and_the_least() -> None:
    config = stack(
        capacity={"pool": groups("inf2.24xlarge", 2)},
        models={"m": work(6, replicas={"min": 2})},
        jobs={"j": work(1)},
    )
    needed = _number(r"max_size: (\d+)", finding(config, "NE214").fix)
    assert needed == 3
    assert not codes(changed(config, "capacity.pool", max_size=needed)) & {"NE214", "NE241"}


def test_a_job_that_may_wait_always_finds_room_with_the_size_that_is_named() -> None:
    config = FIXTURES["NE215"].failing
    size = _number(r"max_size: (\d+)", finding(config, "NE215").fix)
    assert "NE215" not in codes(changed(config, "capacity.pool", max_size=size))
    assert "NE215" in codes(changed(config, "capacity.pool", max_size=size - 1))


def test_two_pools_need_as_few_instances_as_the_note_says() -> None:
    config = FIXTURES["NE216"].failing
    found = finding(config, "NE216")
    both = _number(r"needs (\d+)", found.what)
    apart = _number(r"would be (\d+) in all", found.what)
    assert decide_on(config).regions[0].pools[0].layout.instances_max == both
    pools = {"pool": groups("inf2.24xlarge", 9), "other": groups("inf2.24xlarge", 9)}
    models = {"a": work(6, "other"), "b": work(1, replicas={"min": 6})}
    split = decide_on(stack(capacity=pools, models=models))
    assert sum(p.layout.instances_max for p in split.regions[0].pools) == apart


def test_the_port_proposed_needs_no_further_instance() -> None:
    models = {name: work(3, network_mode="host", port=8080) for name in ("a", "b")}
    config = stack(
        capacity={"pool": groups("inf2.24xlarge", 2)},
        models=models,
        traffic=certificates("us-west-2"),
    )
    found = finding(config, "NE243")
    assert found.path == "models.b.port"
    assert faults(config, "NE243") == []


@pytest.mark.parametrize("port", [22, 2375, 2376, 51678, 51680, 40000, 20000, 20005])
def test_a_port_of_the_host_has_another_proposed(port: int) -> None:
    config = stack(
        capacity={"pool": groups("inf2.24xlarge")},
        models={"m": work(3, network_mode="host", port=port)},
        traffic=certificates("us-west-2"),
    )
    assert finding(config, "NE309").fix.startswith("write port: 8080")
    assert faults(config, "NE309") == []


def test_several_neuron_types_of_managed_instances_never_admit_inf1_unseen() -> None:
    config = stack(capacity={"pool": managed("inf*")})
    found = finding(config, "NE207")
    families = re.findall(r"\w+\.\*", found.fix)
    fixed = changed(config, "capacity.pool", allowed_instance_types=families)
    assert "NE207" not in codes(fixed)


def test_a_region_that_no_capture_holds_is_a_warning_where_all_else_is_known() -> None:
    config = stack(
        capacity={"pool": managed("inf2.xlarge")},
        models={"m": work("all", image="dlc/vllm:1")},
        **GOV,
    )
    plan = decide_on(config)
    assert "NE110" in {f.code for f in plan.findings}
    (region,) = plan.regions
    assert region.pools[0].zone_ids == ("usgw1-az1", "usgw1-az2")
    rendered = region.models[0].services[0].task_definition.container_definitions
    assert '"442386744353.dkr.ecr.us-gov-west-1.amazonaws.com/vllm:1"' in rendered


def test_a_network_of_ours_needs_zones_that_the_tables_know() -> None:
    config = stack(
        home="us-gov-west-1",
        regions={"us-gov-west-1": {}},
        capacity={"pool": managed("inf2.xlarge")},
    )
    assert finding(config, "NE106").path == "regions.us-gov-west-1.network"
