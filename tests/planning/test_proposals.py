"""What findings propose in further stacks than those of their fixtures, and when they stay silent.

Each proposal is applied and planned again, as in `tests/planning/test_fixes.py`.
"""

from typing import Any

import pytest

from catalog import load
from planning.proposals import in_place
from planning.serving.servers import served_model
from tests.planning import fixing
from tests.planning.fixtures import PINNED
from tests.planning.fixtures_authentication import KEY, OTHER_KEY, serving, shared
from tests.planning.fixtures_workloads import OPTIMUM, TINY, nxdi, slice_of
from tests.planning.stacks import (
    HOME,
    Config,
    certificates,
    changed,
    codes,
    existing,
    finding,
    findings_of,
    groups,
    managed,
    situation_of,
    stack,
    work,
)

OWN = "111122223333.dkr.ecr.{region}.amazonaws.com/serving:1.0"
OTHER = OWN.replace("111122223333", "444455556666")
PUBLIC = "public.ecr.aws/acme/serving:1.0"
SECRET = "arn:aws:secretsmanager:us-west-2:111122223333:secret:key-AbCdEf"
CLOSED = {"network": {"nat": "none"}}
BOTH: dict[str, Any] = {"us-east-2": {}, "us-west-2": {}}
GROUP = "arn:aws:resource-groups:us-west-2:111122223333:group/mine"


def on(pool: dict[str, Any], *models: dict[str, Any], **keys: Any) -> Config:
    """A pool and its models, in the order of the alphabet."""
    named = {chr(ord("a") + n): model for n, model in enumerate(models)}
    return stack(capacity={"pool": pool}, models=named, **keys)


@pytest.mark.parametrize(
    ("code", "config", "proposed"),
    [
        pytest.param(
            "NE512",
            on(
                groups("inf2.24xlarge"),
                work(1, image=PUBLIC),
                work(1, image=OTHER),
                regions={HOME: CLOSED},
            ),
            "444455556666.dkr.ecr.{region}.amazonaws.com/",
            id="an-image-is-copied-to-the-account-of-the-others",
        ),
        pytest.param(
            "NE512",
            on(groups(), work(1, image=PUBLIC), regions=dict.fromkeys(BOTH, CLOSED)),
            "us-east-2.network.nat: one and write regions.us-west-2.network.nat: one",
            id="every-network-without-a-way-out-is-named",
        ),
        pytest.param(
            "NE712",
            on(groups(), work(1, secrets={"KEY": f"{SECRET}:key:AWSCURRENT"})),
            f'write "{SECRET}:key:AWSCURRENT:"',
            id="a-secret-with-two-parts",
        ),
        pytest.param(
            "NE243",
            on(
                groups("inf2.24xlarge"),
                *[work(1, port=8080, network_mode="host") for _ in range(2)],
                traffic=certificates(HOME),
            ),
            "port: 8081",
            id="one-of-two-models-gets-another-port",
        ),
        pytest.param(
            "NE107",
            on(groups(regions=[HOME]), work(1, regions=[HOME, "us-east-2"])),
            "leave us-east-2 out",
            id="a-region-that-the-pool-does-not-have-is-not-added-to-the-stack",
        ),
    ],
)
def test_what_is_proposed_in_further_stacks_works(code: str, config: Config, proposed: str) -> None:
    assert proposed in finding(config, code).fix
    assert fixing.faults(config, code) == []


def test_a_retired_pool_is_not_proposed() -> None:
    pools = {"old": groups(retired=True), "new": groups()}
    config = stack(capacity=pools, models={"m": work(1, capacity="olds")})
    assert "old" not in finding(config, "NE108").fix.replace("olds", "")


@pytest.mark.parametrize("types", [("inf2.xlarge",), ("inf2.xlarge", "inf2.8xlarge")])
def test_pools_of_managed_instances_share_a_group_of_reservations(types: tuple[str, ...]) -> None:
    pool = managed(*types, purchase="reserved", reservation_group_arns={HOME: GROUP})
    other = {**pool, "allowed_instance_types": ["trn1.2xlarge"]}
    config = stack(capacity={"one": pool, "two": other})
    assert "NE133" not in codes(config)


def test_only_what_managed_instances_can_buy_is_proposed_for_them() -> None:
    pool = managed("trn2u.48xlarge", purchase="spot", regions=["ap-south-2"])
    config = stack(home="ap-south-2", regions={"ap-south-2": {}}, capacity={"pool": pool})
    found = [f.fix for f in findings_of(config) if f.code == "NE114"]
    assert all("purchase: on_demand" in fix for fix in found) and found


def test_a_public_load_balancer_asks_for_a_second_zone() -> None:
    network = existing(usw2_az1="subnet-1a")["network"] | {
        "public_subnets": {"usw2-az1": "subnet-0a"}
    }
    config = on(
        groups(),
        work(1, port=8080, image=OWN),
        regions={HOME: {"network": network}},
        traffic=certificates(HOME) | {"public": True, "allow_from": ["203.0.113.0/24"]},
    )
    assert finding(config, "NE758").path.endswith(".public_subnets.usw2-az2")


def test_a_model_that_nobody_calls_has_no_grace_period() -> None:
    called = nxdi(port=8080, health_check={"path": "/health", "grace_seconds": 1})
    assert "NE918" in codes(called)
    alone = changed(nxdi(), "models.m", health_check={"grace_seconds": 1})
    assert "NE918" not in codes(alone)


def test_models_that_have_a_key_in_their_command_are_not_told_to_write_one() -> None:
    command = serving("--api-key=$(KEY)")["command"]
    secrets = {"KEY": OTHER_KEY}
    config = changed(shared(KEY), "models.next", command=command, secrets=secrets)
    assert finding(config, "NE821").fix == "let all of them ask for one key"


def test_an_instance_with_one_efa_interface_takes_one_address() -> None:
    pool = groups("trn2.3xlarge", 100, efa=True)
    regions = {"sa-east-1": {"network": {"cidr": "10.0.0.0/22"}}}
    config = stack(home="sa-east-1", regions=regions, capacity={"pool": pool})
    assert "NE509" not in codes(config), "a zone has 123 addresses"


def test_an_ami_that_is_missing_between_others_does_not_exist() -> None:
    version = "al2023-ami-ecs-neuron-hvm-2023.0.20260815-kernel-6.1-x86_64"
    assert finding(on(groups(ami={"version": version}), work(1)), "NE402").severity.name == "ERROR"


def test_a_reservation_in_one_region_of_two_gets_a_zone_in_both() -> None:
    zones = ["use2-az1", "use2-az2", "usw2-az1", "usw2-az2"]
    given: dict[str, Any] = {"reservation_ids": {HOME: "cr-0a"}, "zone_ids": zones}
    pool = groups(purchase="capacity_reservation", **given)
    config = on(pool, work(1), regions=BOTH)
    assert "zone_ids: [use2-az1, usw2-az1]" in finding(config, "NE112").fix
    assert fixing.faults(config, "NE112") == []


def test_zones_that_offer_the_type_are_written_in_place_of_others() -> None:
    offering = load().places.zones_offering("trn1.32xlarge", HOME)
    lacking = next(z for z in load().places.zone_ids(HOME) if z not in offering)
    pool = groups("trn1.32xlarge", zone_ids=[lacking])
    found = next(f for f in findings_of(on(pool, work(1))) if f.path.endswith("zone_ids"))
    assert found.fix.startswith(f"write [{offering[0]}")


def test_of_tasks_that_fill_an_instance_the_one_with_devices_is_named() -> None:
    """Without devices the other one would take less of what is there in any case."""
    small, large = work(1, cpu_units=3000), work(cpu_units=3500, memory_mib=1024)
    assert finding(on(groups("inf2.xlarge"), small, large), "NE315").path == "models.a.cpu_units"


@pytest.mark.parametrize("named", [[TINY], [f"--model={TINY}"], ["--model", TINY]])
def test_arguments_name_the_model_once(named: list[str]) -> None:
    command = ["vllm", "serve", *named, "--tensor-parallel-size=2"]
    config = nxdi(image=OPTIMUM, command=command)
    assert finding(config, "NE416").fix.count(TINY) == 1
    assert fixing.faults(config, "NE416") == []


def test_a_reservation_of_one_region_is_used_there_alone() -> None:
    pool = groups(reservation_ids={HOME: "cr-0a"}, zone_ids=["usw2-az1", "use2-az1"])
    assert fixing.faults(on(pool, work(1), regions=BOTH), "NE120") == []


def test_a_misspelt_server_is_one_of_those_on_the_chips() -> None:
    serve = {"model": "s3://acme-models/resnet/", "server": "tf_servin"}
    config = on(groups("inf1.2xlarge"), {"serve": serve, "capacity": "pool", "port": 8501})
    assert "tf_serving" in finding(config, "NE903").fix


def test_a_topic_of_another_region_is_told_once_for_all_regions() -> None:
    topic = "arn:aws:sns:eu-west-1:111122223333:alarms"
    listed = on(groups(), work(1), regions=BOTH, alarms={"topics": [topic]})
    assert finding(listed, "NE807").path == "alarms.topics[0]"
    unknown = on(groups(), work(1), alarms={"topics": {"eu-south-9": [topic]}})
    assert "NE107" in codes(unknown)


def test_a_server_with_a_file_of_options_is_not_judged_by_its_command() -> None:
    command = ["vllm", "serve", TINY, "--tensor-parallel-size=2", "--max-model-len=1000000"]
    assert "NE913" in codes(nxdi(command=command))
    assert "NE913" not in codes(nxdi(command=[*command, "--config=/etc/vllm.yaml"]))


def test_the_port_that_two_models_reserve_is_named() -> None:
    one = work(1, ports=[8081, 9000], network_mode="host")
    other = work(1, port=9000, network_mode="host")
    config = on(groups("inf2.24xlarge"), other, one, traffic=certificates(HOME))
    assert finding(config, "NE243").what.startswith("is 9000")


def test_of_two_pools_the_unused_one_can_go() -> None:
    config = stack(capacity={"pool": groups(), "spare": groups()}, models={"m": work(1)})
    (found,) = [f for f in findings_of(config) if f.path == "capacity.spare" and "remove" in f.fix]
    assert found.fix.startswith("remove it")


def test_a_pool_with_chips_is_proposed_for_a_model_on_chips() -> None:
    pools = {"serving": groups("c7g.xlarge"), "service": groups()}
    config = stack(capacity=pools, models={"m": work(1, capacity="servin")})
    assert finding(config, "NE108").fix == "did you mean service?"


def test_words_of_a_command_end_with_the_model() -> None:
    assert served_model(["vllm", "serve", TINY]) == TINY
    assert served_model(["serve", TINY]) == TINY


def test_a_pool_of_two_architectures_keeps_those_of_its_first_type() -> None:
    config = on(managed("c7i.large", "c7g.large"), work(cpu_units=512, memory_mib=512))
    kinds = load().instances.types
    (kept,) = set(finding(config, "NE139").fix.removeprefix("write [").rstrip("]").split(", "))
    first = next(t.name for t in situation_of(config).pools[HOME, "pool"].types)
    assert kinds[kept].architecture == kinds[first].architecture


@pytest.mark.parametrize("cores", ["1-8", "4-11", "7-14"])
def test_a_slice_moves_down_to_the_first_core_of_its_devices(cores: str) -> None:
    assert finding(slice_of(cores), "NE239").fix == 'write "0-7"'


def test_several_workloads_keep_their_managed_pool() -> None:
    """Another kind is proposed for the one workload of a pool, whatever other pools have."""
    pools = {"one": managed("inf1.xlarge"), "two": managed("inf2.*")}
    models = {n: work(1, capacity="two") for n in "ab"} | {"c": work(1, capacity="one")}
    assert "kind: auto_scaling" in finding(stack(capacity=pools, models=models), "NE207").fix


def test_an_override_names_the_pool_of_its_region() -> None:
    pools = {"here": groups(regions=[HOME]), "there": groups(regions=["us-east-2"])}
    model = work(1, capacity="here", regions={HOME: {}, "us-east-2": {"capacity": "there"}})
    config = stack(regions=BOTH, capacity=pools, models={"m": model})
    assert "NE107" not in codes(config)


def test_one_region_takes_the_place_of_another() -> None:
    assert in_place(("a", "b"), "a", "c") == ("c", "b")
    assert in_place({"a": 1, "b": 2}, "a", "c") == {"c": 1, "b": 2}
    assert in_place({"a": 1, "b": 2}, "a", "") == {"b": 2}


def test_an_image_of_ones_own_that_names_an_sdk_is_judged_without_a_row_of_its_repository() -> None:
    image = "r.io/own-server:0.16.0-neuronx-py312-sdk2.28.0-ubuntu24.04"
    assert "NE418" not in codes(nxdi(image=image))


def test_types_are_proposed_on_whose_chips_the_image_runs() -> None:
    pool = groups("g5.xlarge", ami={"version": PINNED})
    config = nxdi(pool)
    assert "trn2" not in finding(config, "NE111").fix
    assert fixing.faults(config, "NE111") == []
