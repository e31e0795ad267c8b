"""The normaliser: pure, order-free, and the same bytes for the same answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.refresh.rows import (
    PLAIN_VERSIONS_KEPT,
    ApiTables,
    DeviceKind,
    RegionAnswers,
    ami_agents,
    api_tables,
    api_texts,
    device_set_rows,
    image_date,
    instance_type_cells,
    neuron_type_cells,
    renewed,
)

NEURON_PATH = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron"
PLAIN_PATH = "/aws/service/ecs/optimized-ami/amazon-linux-2023"
DAY = date(2026, 10, 1)


def described(name: str, *, usage: tuple[str, ...] = ("on-demand",), **more: Any) -> dict[str, Any]:
    return {
        "InstanceType": name,
        "VCpuInfo": {"DefaultVCpus": 8},
        "MemoryInfo": {"SizeInMiB": 32768},
        "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]},
        "NetworkInfo": {"MaximumNetworkInterfaces": 4, "MaximumNetworkCards": 1},
        "SupportedUsageClasses": list(usage),
        **more,
    }


def neuron_info(count: int) -> dict[str, Any]:
    device = {"Count": count, "CoreInfo": {"Count": 2}, "MemoryInfo": {"SizeInMiB": 32768}}
    return {"NeuronInfo": {"NeuronDevices": [device]}}


def parameter(path: str, day: str, agent: str = "1.107.0") -> dict[str, str]:
    name = f"al2023-ami-ecs-hvm-2023.0.{day}-kernel-6.1-x86_64"
    value = json.dumps({"image_name": name, "ecs_agent_version": agent})
    return {"Name": f"{path}/{name}", "Value": value}


def answer(
    region: str, types: dict[str, tuple[str, ...]], days: tuple[str, ...] = ()
) -> RegionAnswers:
    return RegionAnswers(
        region=region,
        instance_types=[described(name, usage=usage) for name, usage in types.items()],
        offerings=[
            {"InstanceType": name, "Location": f"{region}-az{number}"}
            for name in types
            for number in (2, 1)
        ],
        parameters={NEURON_PATH: [parameter(NEURON_PATH, day) for day in days]},
    )


def renew(old: ApiTables, *answers: RegionAnswers) -> ApiTables:
    return renewed(old, answers, neuron_names=(), newest_only=(), day=DAY)


def test_a_mac_has_no_row() -> None:
    mac = described("mac2.metal", ProcessorInfo={"SupportedArchitectures": ["arm64_mac"]})
    assert instance_type_cells(mac, ()) is None, "ECS runs no tasks on macOS"


def test_a_type_of_two_architectures_counts_as_the_64_bit_one() -> None:
    old = described("t1.micro", ProcessorInfo={"SupportedArchitectures": ["i386", "x86_64"]})
    cells = instance_type_cells(old, ())
    assert cells is not None
    assert cells[3] == "x86_64"


@pytest.mark.parametrize(
    ("info", "kind"),
    [
        ({"GpuInfo": {}}, "gpu"),
        ({"FpgaInfo": {}}, "fpga"),
        ({"MediaAcceleratorInfo": {}}, "media"),
        ({"InferenceAcceleratorInfo": {}}, "other"),
        ({"InferenceAcceleratorInfo": {}, **neuron_info(1)}, "neuron"),
        ({}, "none"),
    ],
)
def test_the_kind_of_accelerator_comes_from_what_the_api_says(
    info: dict[str, Any], kind: str
) -> None:
    cells = instance_type_cells(described("x1.large", **info), ())
    assert cells is not None
    assert cells[4] == kind


def test_a_known_neuron_type_without_neuron_info_leaves_the_cells_to_the_overrides() -> None:
    bare = described("trn2u.48xlarge")
    assert neuron_type_cells(bare, ()) is None
    assert neuron_type_cells(bare, {"trn2u.48xlarge"}) == (
        ("trn2u.48xlarge", "", "", "", "1", "4", "0", "0")
    ), "what the API does not say is not guessed"


def test_neuron_devices_are_counted() -> None:
    cells = neuron_type_cells(described("inf2.24xlarge", **neuron_info(6)), ())
    assert cells == ("inf2.24xlarge", "6", "2", "32768", "1", "4", "0", "0")


def test_parameters_that_repeat_an_ami_are_left_out() -> None:
    version = parameter(NEURON_PATH, "20260922")
    items = [
        version,
        {"Name": f"{NEURON_PATH}/recommended", "Value": version["Value"]},
        {"Name": f"{NEURON_PATH}/ami-0abc", "Value": version["Value"]},
        {"Name": f"{version['Name']}/image_id", "Value": "ami-0abc"},
    ]
    assert len(ami_agents(items)) == 1


def test_a_parameter_without_json_is_named() -> None:
    version = parameter(NEURON_PATH, "20260922")
    with pytest.raises(ValueError, match=version["Name"]):
        ami_agents([{**version, "Value": "{'image_name': 1}"}])


def test_the_day_of_an_image_stands_in_its_name() -> None:
    assert image_date("al2023-ami-ecs-neuron-hvm-2023.0.20260922-kernel-6.1-x86_64") == "2026-09-22"
    assert image_date("amzn2-ami-ecs-kernel-5.10-inf-hvm-2.0.20260924-x86_64-ebs") == "2026-09-24"
    with pytest.raises(ValueError, match="no date"):
        image_date("recommended")


def test_a_region_that_did_not_answer_keeps_its_rows() -> None:
    both = renew(
        ApiTables(), answer("aa-1", {"m1.large": ("spot",)}), answer("bb-1", {"m2.large": ()})
    )
    after = renew(both, answer("bb-1", {"m2.large": ()}))
    assert after.offerings == both.offerings
    assert after.instance_types == both.instance_types


def test_a_type_leaves_with_the_last_region_that_offers_it() -> None:
    both = {"m1.large": (), "m2.large": ()}
    before = renew(ApiTables(), answer("aa-1", both), answer("bb-1", both))
    still = renew(before, answer("aa-1", {"m2.large": ()}))
    assert set(still.instance_types) == {"m1.large", "m2.large"}, "bb-1 still offers it"
    after = renew(still, answer("bb-1", {"m2.large": ()}))
    assert set(after.instance_types) == {"m2.large"}


def test_usage_classes_are_those_of_all_regions() -> None:
    before = renew(
        ApiTables(),
        answer("aa-1", {"m1.large": ("on-demand",)}),
        answer("bb-1", {"m1.large": ("capacity-block", "on-demand")}),
    )
    assert before.instance_types["m1.large"][-1] == "capacity-block on-demand"
    partly = renew(before, answer("aa-1", {"m1.large": ("on-demand",)}))
    assert partly.instance_types == before.instance_types, "bb-1 was not asked: its word stands"
    fully = renew(
        before,
        answer("aa-1", {"m1.large": ("on-demand",)}),
        answer("bb-1", {"m1.large": ("on-demand",)}),
    )
    assert fully.instance_types["m1.large"][-1] == "on-demand"


def test_a_question_that_was_not_asked_changes_nothing() -> None:
    before = renew(ApiTables(), answer("aa-1", {"m1.large": ()}, ("20260922",)))
    after = renew(before, RegionAnswers(region="aa-1"))
    assert after == before
    types = answer("aa-1", {"m1.large": ("spot",)}).instance_types
    after = renew(before, RegionAnswers(region="aa-1", instance_types=types))
    assert after.offerings == before.offerings
    assert after.ami_versions == before.ami_versions


def test_an_ami_leaves_a_region_and_then_the_table() -> None:
    before = renew(
        ApiTables(), answer("aa-1", {}, ("20260922",)), answer("bb-1", {}, ("20260922",))
    )
    (seen,) = before.ami_versions.values()
    assert seen.regions == {"aa-1", "bb-1"}
    assert api_texts(before)["ami_versions"].rstrip().endswith(",all")
    after = renew(before, answer("aa-1", {}, ("20261001",)))
    texts = api_texts(after)["ami_versions"].splitlines()[1:]
    assert [line.rpartition(",")[2] for line in texts] == ["bb-1", "aa-1"]
    gone = renew(after, answer("bb-1", {}, ("20261001",)))
    assert len(gone.ami_versions) == 1


def test_only_the_newest_plain_amis_are_kept() -> None:
    days = [f"202607{number:02}" for number in range(1, 31)]
    items = [parameter(PLAIN_PATH, day) for day in days]
    after = renewed(
        ApiTables(),
        [RegionAnswers(region="aa-1", parameters={PLAIN_PATH: items})],
        neuron_names=(),
        newest_only=(PLAIN_PATH,),
        day=DAY,
    )
    kept = sorted(image_date(name).replace("-", "") for _, name in after.ami_versions)
    assert kept == days[-PLAIN_VERSIONS_KEPT:]


NAMES = st.sampled_from(["m1.large", "m2.large", "inf2.xlarge", "x2.8xlarge"])
CLASSES = st.lists(st.sampled_from(["capacity-block", "on-demand", "spot"]), unique=True).map(tuple)
DAYS = st.lists(st.sampled_from(["20260901", "20260922", "20261001"]), unique=True).map(tuple)
ANSWERS = st.dictionaries(
    st.sampled_from(["aa-1", "bb-1", "cc-1"]),
    st.tuples(st.dictionaries(NAMES, CLASSES, min_size=1), DAYS),
    min_size=1,
).map(lambda found: [answer(region, *given) for region, given in found.items()])


@given(ANSWERS, st.randoms(use_true_random=False))
def test_the_order_of_answers_and_items_does_not_matter(
    answers: list[RegionAnswers], random: Any
) -> None:
    shuffled: list[RegionAnswers] = []
    for one in answers:
        items = list(one.offerings or ())
        random.shuffle(items)
        shuffled.append(replace(one, offerings=items))
    random.shuffle(shuffled)
    assert api_texts(renew(ApiTables(), *answers)) == api_texts(renew(ApiTables(), *shuffled))


@given(ANSWERS, ANSWERS)
def test_text_and_tables_are_two_forms_of_one_thing(
    first: list[RegionAnswers], second: list[RegionAnswers]
) -> None:
    tables = renew(renew(ApiTables(), *first), *second)
    assert api_tables(api_texts(tables)) == tables


@given(ANSWERS, ANSWERS)
def test_asking_again_changes_nothing(
    first: list[RegionAnswers], second: list[RegionAnswers]
) -> None:
    once = renew(renew(ApiTables(), *first), *second)
    assert renew(once, *second) == once


def test_a_table_with_other_columns_is_refused() -> None:
    texts = api_texts(ApiTables())
    with pytest.raises(ValueError, match=r"offerings\.csv: the columns"):
        api_tables({**texts, "offerings": "type,region\n"})


def test_a_topology_without_a_rule_is_refused() -> None:
    kind = DeviceKind(family="trn9", topology="dragonfly", devices=64, stated=False)
    with pytest.raises(ValueError, match="dragonfly with 64 devices"):
        device_set_rows([kind])
