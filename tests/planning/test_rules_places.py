"""Purchases, networks, rollouts, limits and training: what a finding proposes works."""

import json
import re
from typing import Any

import pytest

from planning import Severity
from planning.rules import schedules
from tests.planning.fixing import faults
from tests.planning.fixtures_places import FIXTURES
from tests.planning.stacks import (
    IMAGE,
    Config,
    Entry,
    codes,
    finding,
    findings_of,
    groups,
    managed,
    stack,
    work,
)


def gone(config: Config, code: str) -> None:
    """The finding has gone, and no error has come."""
    found = findings_of(config)
    assert code not in {f.code for f in found}
    assert not [f for f in found if f.severity is Severity.ERROR]


def written(code: str) -> str:
    """What the fix of the failing fixture says to write, up to the first comma or semicolon."""
    found = re.search(r"write (.+?)(?:[,;]| \(|$)", finding(FIXTURES[code].failing, code).fix)
    assert found
    return found.group(1).strip()


def put(code: str, value: object, path: str | None = None) -> Config:
    """The failing stack with another value at the finding's path."""
    config = FIXTURES[code].failing
    top, *parts = re.findall(r"[^.\[\]]+", path or FIXTURES[code].path)
    whole: Any = json.loads(config[f"neuron-ecs:{top}"])
    place = whole
    for part in parts[:-1]:
        place = place[int(part) if isinstance(place, list) else part]
    place[int(parts[-1]) if isinstance(place, list) else parts[-1]] = value
    return {**config, f"neuron-ecs:{top}": json.dumps(whole)}


@pytest.mark.parametrize(
    "code",
    [
        "NE505",
        "NE506",
        "NE507",
        "NE508",
        "NE509",
        "NE516",
        "NE521",
        "NE718",
        "NE720",
    ],
)
def test_the_text_proposed_is_accepted(code: str) -> None:
    gone(put(code, written(code)), code)


@pytest.mark.parametrize("code", ["NE117", "NE130", "NE131", "NE132", "NE601", "NE602", "NE713"])
def test_the_number_proposed_is_accepted_and_the_next_is_not(code: str) -> None:
    number = int(re.findall(r"\d+", written(code))[0])
    gone(put(code, number), code)
    beyond = number - 1 if code == "NE601" else number + 1
    if beyond > 0:
        assert code in codes(put(code, beyond))


RESERVED: Entry = {
    "purchase": "capacity_reservation",
    "reservation_ids": {"us-west-2": "cr-0a"},
    "max_size": 3,
}


def test_an_update_wants_one_instance_more_of_the_reservation_that_is_named() -> None:
    config = stack(capacity={"pool": groups(**RESERVED)}, models={"m": work(1)})
    assert "one instance more of cr-0a" in finding(config, "NE602").what


@pytest.mark.parametrize(
    "config",
    [
        stack(capacity={"pool": groups(**RESERVED)}, jobs={"j": work(1)}),
        stack(
            capacity={"pool": groups("c7g.xlarge", **RESERVED)},
            models={"m": work(cpu_units=1024, memory_mib=2048)},
        ),
    ],
    ids=["job", "without chips"],
)
def test_only_an_update_of_models_on_chips_wants_more_of_a_reservation(config: Config) -> None:
    assert "NE602" not in codes(config)


@pytest.mark.parametrize("code", ["NE127", "NE717"])
def test_the_longest_time_proposed_is_accepted(code: str) -> None:
    number = int(written(code).removeprefix("at most "))
    gone(put(code, number), code)
    assert code in codes(put(code, number + 1))


def test_the_usage_classes_proposed_are_sold() -> None:
    ways = written("NE114").removeprefix("purchase: ").split(" or ")
    assert ways
    for way in ways:
        gone(put("NE114", way), "NE114")


def test_the_regions_of_capacity_blocks_proposed_sell_them() -> None:
    found = finding(FIXTURES["NE115"].failing, "NE115")
    assert "sold in us-east-2" in found.fix
    config = FIXTURES["NE115"].failing
    pools: Any = json.loads(config["neuron-ecs:capacity"])
    pools["pool"] |= {"reservation_ids": {"us-east-2": "cr-0a"}, "zone_ids": ["use2-az1"]}
    moved = {
        **config,
        "neuron-ecs:capacity": json.dumps(pools),
        "neuron-ecs:regions": json.dumps({"us-east-2": {}}),
    }
    gone(moved, "NE115")


@pytest.mark.parametrize(
    ("kind", "region"),
    [
        ("trn1.32xlarge", "ap-south-1"),
        ("trn1.32xlarge", "ap-southeast-2"),
        ("trn1.32xlarge", "ap-southeast-4"),
        ("trn2.3xlarge", "ap-southeast-4"),
        ("trn2.48xlarge", "us-east-2"),
    ],
)
def test_what_has_no_on_demand_price_is_told_the_capacity_block(kind: str, region: str) -> None:
    def bought(**pool: Any) -> Config:
        regions = {region: {"accept_undocumented_ami": True}}
        return stack(capacity={"pool": groups(kind, **pool)}, regions=regions)

    found = finding(bought(), "NE116")
    assert f"no on-demand price in {region}" in found.what
    assert "capacity_block" in found.fix
    block = bought(purchase="capacity_block", reservation_ids={region: "cr-0a"})
    gone(block, "NE116")
    for other in re.findall(r"[a-z]+-[a-z]+-\d", found.fix.partition("has a price in")[2]):
        gone(stack(capacity={"pool": groups(kind)}, regions={other: {}}), "NE116")


def test_a_type_with_a_price_is_not_told_of_blocks() -> None:
    for region in ("us-east-1", "us-east-2", "us-west-2"):
        gone(stack(capacity={"pool": groups("trn1.32xlarge")}, regions={region: {}}), "NE116")


def test_the_zone_proposed_for_a_reservation_is_one_of_the_pool() -> None:
    zones = re.findall(r"\w+-az\d", finding(FIXTURES["NE125"].failing, "NE125").fix)
    assert zones
    for zone in zones:
        gone(put("NE125", [zone]), "NE125")


def test_a_group_of_the_right_region_is_proposed() -> None:
    arn = re.findall(r"arn:\S+", finding(FIXTURES["NE122"].failing, "NE122").fix)[0]
    gone(put("NE122", arn), "NE122")


def test_the_largest_prefix_proposed_is_the_first_that_is_enough() -> None:
    config = put("NE509", "10.0.0.0/20")
    proposed = re.findall(r"10\.0\.0\.0/(\d+)", finding(config, "NE509").fix)[0]
    assert "NE509" in codes(put("NE509", f"10.0.0.0/{int(proposed) + 1}"))


def test_efa_interfaces_take_an_address_each_in_their_one_zone() -> None:
    def pool(size: int, *, efa: bool) -> Config:
        return stack(
            regions={"us-west-2": {"network": {"cidr": "10.0.0.0/20"}}},
            capacity={"pool": groups("trn1.32xlarge", size, efa=efa, zone_ids=["usw2-az4"])},
        )

    assert finding(pool(64, efa=True), "NE509").what.endswith("pool can take 512")
    gone(pool(63, efa=True), "NE509")
    gone(pool(64, efa=False), "NE509")


IMAGES = {
    "nginx:1.29": "Docker Hub",
    "library/nginx:1.29": "Docker Hub",
    "docker.io/library/nginx:1.29": "Docker Hub",
    "ghcr.io/org/server:1": "GitHub Container Registry",
    "quay.io/org/server@sha256:0a": "Quay",
    "nvcr.io/nvidia/server:1": "NVIDIA NGC",
    "registry.k8s.io/pause:3.10": "the Kubernetes project's registry",
    "public.ecr.aws/neuron/server:1": "Amazon ECR Public",
}


@pytest.mark.parametrize("image", IMAGES)
def test_a_public_image_without_nat_is_copied_or_the_network_opened(image: str) -> None:
    config = put("NE512", image)
    found = finding(config, "NE512")
    assert IMAGES[image] in found.what
    copy = found.fix.removeprefix("copy it to ").partition(", or")[0]
    gone(put("NE512", copy), "NE512")
    regions = json.dumps({"us-west-2": {"network": {"nat": "one"}}})
    gone({**config, "neuron-ecs:regions": regions}, "NE512")


@pytest.mark.parametrize(
    "image",
    [
        "dlc/pytorch-inference-neuronx:2.9.0-neuronx-py312-sdk2.31.1-ubuntu24.04",
        "111122223333.dkr.ecr.us-west-2.amazonaws.com/server:1",
        "registry.example.internal:5000/server:1",
    ],
)
def test_a_private_image_without_nat_is_nobodys_business(image: str) -> None:
    gone(put("NE512", image), "NE512")


def test_a_deep_learning_container_of_another_region_is_written_without_its_account() -> None:
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference-neuronx:2.9.0"
    config = put("NE513", image)
    proposed = finding(config, "NE513").fix.removeprefix("write ")
    assert proposed == "dlc/pytorch-inference-neuronx:2.9.0"
    gone(put("NE513", proposed), "NE513")


@pytest.mark.parametrize(
    ("command", "fetched"),
    [
        (["vllm", "serve", "Qwen/Qwen3-8B"], True),
        (["vllm", "serve", "--port=1", "--model", "Qwen/Qwen3-8B"], True),
        (["--model=Qwen/Qwen3-8B"], True),
        (["sh", "-c", "exec vllm serve Qwen/Qwen3-8B --port 8080"], True),
        (["python", "-m", "vllm.entrypoints.openai.api_server", "--model", "a/b"], True),
        (["vllm", "serve", "/models/Qwen3-8B"], False),
        (["vllm", "serve", "./models/Qwen3-8B"], False),
        (["/opt/serve.sh", "s3://my-models/qwen/"], False),
        (["--model", "s3://my-models/qwen/"], False),
        (["torchrun", "train.py"], False),
        (["/opt/serve.sh", "Qwen/Qwen3-8B"], False),
    ],
)
def test_a_model_of_the_hub_is_told_from_a_path(command: list[str], fetched: bool) -> None:
    found = codes(put("NE514", command))
    assert ("NE514" in found) is fetched


def test_a_model_that_is_never_fetched_needs_no_way_out() -> None:
    for given in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://mirror.internal:8080"}):
        gone(put("NE514", given, "models.m.environment"), "NE514")
    hub = {"HF_ENDPOINT": "https://huggingface.co"}
    assert "NE514" in codes(put("NE514", hub, "models.m.environment"))


def test_a_token_for_a_mirror_inside_the_network_is_used() -> None:
    mirror = {"HF_ENDPOINT": "https://mirror.internal"}
    assert "NE515" not in codes(put("NE515", mirror, "models.m.environment"))


@pytest.mark.parametrize(
    "bucket",
    ["weights-", "192.168.1.1", "xn--weights", "weights-s3alias", "w{regoin}s"],
)
def test_a_bucket_that_cannot_be(bucket: str) -> None:
    if re.fullmatch(r"[a-z0-9{][a-z0-9.{}-]{2,70}", bucket):  # the rest is a mistake of shape
        assert finding(put("NE518", f"s3://{bucket}/x/"), "NE518").path == "models.m.s3_read[0]"


@pytest.mark.parametrize("caller", ["300.1.2.3/16", "10.0.0.0/33", "10.1.2.3/8", "10.0.0.1/31"])
def test_the_block_proposed_for_a_caller_is_one(caller: str) -> None:
    config = put("NE521", caller)
    proposed = re.findall(r"\d+\.\d+\.\d+\.\d+/\d+", finding(config, "NE521").fix)
    assert proposed
    for block in proposed:
        gone(put("NE521", block), "NE521")


def test_a_model_that_can_fill_its_pool_is_down_until_its_stop_and_load_are_over() -> None:
    found = finding(FIXTURES["NE601"].failing, "NE601")
    assert "up to 120 s to stop" in found.what
    assert "up to 1800 s" in found.what
    models = {"m": work(3), "n": work(3, replicas={"min": 2})}
    full = stack(capacity={"pool": groups("inf2.24xlarge", 1)}, models={"m": work(3)})
    assert "NE601" in codes(full)
    shared = stack(capacity={"pool": groups("inf2.24xlarge", 2)}, models=models)
    held = [f for f in findings_of(shared) if f.code == "NE601"]
    assert all("takes n" not in f.what for f in held), "n has a second replica"


def test_the_doubled_quota_counts_every_instance() -> None:
    models = {"a": work("all", replicas={"min": 3}), "b": work("all")}
    config = stack(capacity={"pool": managed("inf2.8xlarge")}, models=models)
    found = finding(config, "NE603")
    assert "4 instances of inf2.8xlarge in us-west-2" in found.what
    assert f"{8 * 32} vCPU of inf2.8xlarge" in found.fix


@pytest.mark.parametrize(
    ("count", "pool", "fits"),
    [
        (48, groups(), True),
        (49, groups(), False),
        (44, managed("inf2.xlarge"), True),
        (45, managed("inf2.xlarge"), False),
    ],
)
def test_tags_leave_room_for_the_programs_own(count: int, pool: dict[str, Any], fits: bool) -> None:
    tags = {f"key-{n}": "" for n in range(count)}
    found = codes(stack(capacity={"pool": pool}, tags=tags))
    assert ("NE703" not in found) is fits


def test_a_name_in_other_letters_meets_the_programs_own_on_a_role() -> None:
    found = finding(stack(capacity={"pool": groups()}, tags={"name": "x"}), "NE705")
    assert "Name" in found.what


@pytest.mark.parametrize("key", ["cost centre", "kosten/stelle", "größe"])
def test_the_key_proposed_for_the_instance_metadata_is_accepted(key: str) -> None:
    config = stack(capacity={"pool": managed("inf2.xlarge")}, tags={key: "1"})
    assert "NE706" in codes(config)
    assert faults(config, "NE706") == []


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 3 * * ? *)",
        "cron(0 1 ? * SAT *)",
        "cron(0/15 8-18 ? * MON-FRI *)",
        "cron(0 9 L * ? *)",
        "cron(0 9 15W * ? 2027-2030)",
        "cron(30 6 ? JAN,jul 2#1 *)",
        "cron(*/5 * ? * 6L *)",
        "rate(1 hour)",
        "rate(5 minutes)",
        "rate(30 days)",
        "at(2027-01-31T18:00:00)",
    ],
)
def test_a_schedule_that_aws_takes(expression: str) -> None:
    assert schedules.fault(expression) is None


@pytest.mark.parametrize(
    ("expression", "proposed"),
    [
        ("cron(0 3 * * *)", "cron(0 3 * * ? *)"),
        ("cron(0 1 * * 6)", "cron(0 1 ? * SAT *)"),
        ("cron(*/10 8-18 * * 1-5)", "cron(*/10 8-18 ? * MON-FRI *)"),
        ("cron(0 0 1 * *)", "cron(0 0 1 * ? *)"),
        ("cron(0 4 * * 0,7)", "cron(0 4 ? * SUN,SUN *)"),
        ("cron(0 3 * * * *)", "cron(0 3 * * ? *)"),
        ("cron(0 3 * * MON *)", "cron(0 3 ? * MON *)"),
        ("cron(0 3 1 * MON *)", "cron(0 3 1 * ? *)"),
        ("cron(0 3 ? * ? *)", "cron(0 3 * * ? *)"),
        ("rate(1 week)", "rate(7 days)"),
        ("rate(120 seconds)", "rate(2 minutes)"),
        ("rate(12 hrs)", "rate(12 hours)"),
        ("rate(0 days)", "rate(1 days)"),
        ("at(2027-01-31)", "at(2027-01-31T00:00:00)"),
        ("at(2027-01-31T18:00:00+01:00)", "at(2027-01-31T18:00:00)"),
        ("at(2027-02-30T18:00:00)", "at(2027-01-31T18:00:00)"),
    ],
)
def test_a_schedule_that_aws_refuses_is_rewritten(expression: str, proposed: str) -> None:
    found = schedules.fault(expression)
    assert found is not None
    assert proposed in found[1]
    assert schedules.fault(proposed) is None


@pytest.mark.parametrize(
    "expression",
    ["cron(60 3 * * ? *)", "cron(0 24 * * ? *)", "cron(0 3 32 * ? *)", "cron(0 3 ? * 0 *)"],
)
def test_a_field_out_of_its_range_is_named(expression: str) -> None:
    found = schedules.fault(expression)
    assert found is not None
    assert found[0].startswith("has ")


@pytest.mark.parametrize(
    ("command", "nodes"),
    [
        (["torchrun", "--nnodes", "4", "t.py"], True),
        (["torchrun", "--nnodes=1:4", "t.py"], False),
        (["torchrun", "--nnodes=2:4", "t.py"], True),
        (["accelerate", "launch", "--num_machines=2", "t.py"], True),
        (["sh", "-c", "torchrun --nnodes=2 t.py"], True),
        (["torchrun", "--standalone", "--nproc_per_node=2", "t.py"], False),
        (["torchrun", "--nnodes=1", "--rdzv_endpoint=localhost:0", "t.py"], False),
    ],
)
def test_nodes_that_nobody_starts(command: list[str], nodes: bool) -> None:
    found = codes(put("NE802", command))
    assert ("NE802" in found) is nodes
    assert "NE803" not in found


@pytest.mark.parametrize("wild", ["*", "a?", "${aws:userid}"])
@pytest.mark.parametrize("field", ["secrets", "s3_read", "s3_write"])
def test_a_wildcard_names_no_secret_and_no_prefix(field: str, wild: str) -> None:
    arn = f"arn:aws:ssm:us-west-2:111122223333:parameter/hf-{wild}"
    given: Any = {"HF_TOKEN": arn} if field == "secrets" else [f"s3://models/llama/{wild}"]
    config = stack(capacity={"pool": groups()}, models={"m": work(1, **{field: given})})
    found = finding(config, "NE724")
    assert (found.severity, found.path.startswith(f"models.m.{field}")) == (Severity.ERROR, True)
    if field != "secrets":
        assert found.fix == "write s3://models/llama/"


def test_the_shared_memory_proposed_is_accepted() -> None:
    number = int(re.findall(r"shared_memory_mib: (\d+)", finding(_shm(), "NE805").fix)[0])
    gone(put("NE805", number, "jobs.j.shared_memory_mib"), "NE805")


def _shm() -> Config:
    return FIXTURES["NE805"].failing


def test_rules_stand_what_other_rules_refuse() -> None:
    """A stack that is wrong in many places still gets its findings, and no exception."""
    config = stack(
        home="",
        regions={"us-wset-2": {}, "us-west-2": {}, "us-gov-west-1": {}},
        capacity={
            "a": groups("inf2.xlrage", 9000, zone_ids=["usw2-az9"], purchase="capacity_block"),
            "b": managed("nothing.*", regions=["eu-west-9"]),
            "c": groups("c7g.xlarge", regions={"us-west-2": {"purchase": "reserved"}}),
        },
        models={"m": work(99, "a"), "n": work("all", "z"), "o": work(None, "c", port=80)},
        jobs={"j": work([7, 3], "b", image="dlc/x:1", schedule={"expression": "cron(x)"})},
        traffic={"allow_from": {"us-wset-2": ["999.0.0.0/99"]}},
    )
    assert codes(config) >= {"NE101", "NE718", "NE521"}


def test_a_missing_home_region_is_no_unknown_one_of_the_stack_file() -> None:
    found = findings_of(
        stack(home="", regions={"us-wset-2": {}, "eu-west-1": {}}, capacity={"pool": groups()})
    )
    assert {f.path: f.fix for f in found if f.code == "NE101"} == {
        "regions.us-wset-2": "did you mean us-west-2?",
        "aws:region": "write eu-west-1",
    }


@pytest.mark.parametrize(
    ("kind", "code", "what"),
    [
        ("p5.48xlarge", "NE111", "is p5.48xlarge, with another accelerator (gpu)"),
        ("c7i.48xlarge", "NE308", "is true; c7i.48xlarge has no Neuron devices"),
        ("inf2.48xlarge", "NE308", "is true; inf2.48xlarge has no EFA interface"),
    ],
)
def test_efa_is_refused_for_what_is_known_of_the_type(kind: str, code: str, what: str) -> None:
    found = findings_of(stack(capacity={"pool": groups(kind, efa=True)}))
    assert [(f.code, f.what) for f in found if f.code in ("NE111", "NE308")] == [(code, what)]


def test_a_stopped_model_is_told_by_its_whole_entry_and_starts_as_proposed() -> None:
    stopped = put("NE604", 0, "models.m.replicas")
    found = finding(stopped, "NE604")
    assert found.path == "models.m.replicas"
    assert found.fix == "write replicas: 1"
    gone(put("NE604", 1, "models.m.replicas"), "NE604")


_REGIONS = """
af-south-1 ap-east-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2
ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-5 ca-central-1 ca-west-1 eu-central-1
eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1
me-south-1 sa-east-1 us-east-1 us-east-2 us-west-1
""".split()


def _everywhere(count: int, **more: Any) -> Config:
    """A scheduled job of the longest name in that many Regions."""
    job = work(cpu_units=128, memory_mib=256, schedule={"expression": "rate(1 day)"}, **more)
    return stack(
        volumes={"v": {"kind": "efs"}},
        regions={region: {} for region in _REGIONS[:count]},
        capacity={"p" * 40: groups("c7g.large", 1)},
        jobs={"j" * 40: {**job, "capacity": "p" * 40}},
    )


def test_the_policies_that_regions_add_to_a_role_count() -> None:
    """Each Region adds what agents may do in its cluster, and what a schedule may start there."""

    def found(count: int) -> list[str]:
        return [f.path for f in findings_of(_everywhere(count)) if f.severity is Severity.ERROR]

    assert found(23) == []
    assert found(27) == ["capacity", f"jobs.{'j' * 40}.schedule"]


def test_the_file_systems_of_each_region_count_in_the_role_of_a_task() -> None:
    def found(count: int) -> list[str]:
        mounts = {"v": {"path": "/v", "directory": "a"}}
        sidecar = {"image": IMAGE, "cpu_units": 32, "memory_mib": 64, "mounts": mounts}
        config = _everywhere(count, mounts={"v": "/v"}, sidecars={"s": sidecar})
        return [f.path for f in findings_of(config) if f.severity is Severity.ERROR]

    assert found(12) == []
    assert found(20) == [f"jobs.{'j' * 40}"]
