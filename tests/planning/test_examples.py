"""The stack files that ship: each plans, and each shows what its first line says."""

import json
import re
from pathlib import Path

import pytest

from catalog import load
from neuron_ecs.stackfile import reading as stack_file
from planning import Plan, Severity, decide
from planning.plan import AutoScalingPool
from tests.neuron_ecs import running
from tests.planning.stacks import PROJECT, findings_of

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(ROOT.glob("examples/*.yaml"))
STACKS = sorted(ROOT.glob("Pulumi.*.yaml"))


def read(file: Path) -> dict[str, str]:
    return stack_file.read(stack=None, file=file, directory=ROOT).config


def plan_of(name: str) -> Plan:
    file = ROOT / name
    return decide(read(file), load(), project=PROJECT, stack=file.stem)


def test_there_are_examples_and_stacks() -> None:
    assert len(EXAMPLES) >= 10
    assert {s.name for s in STACKS} >= {"Pulumi.dev.yaml", "Pulumi.prod.yaml"}


@pytest.mark.parametrize("file", [*EXAMPLES, *STACKS], ids=lambda f: f.stem)
def test_every_stack_file_that_ships_plans(file: Path) -> None:
    made = decide(read(file), load(), project=PROJECT, stack=file.stem)
    assert all(f.severity < Severity.ERROR for f in made.findings)
    assert sum(len(r.models) + len(r.jobs) for r in made.regions) >= 1


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda f: f.stem)
def test_the_first_line_of_an_example_says_what_it_shows(file: Path) -> None:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# Shows: ")
    assert first.endswith(".")
    assert len(first) > len("# Shows: ") + 20


EXPECTED_WARNINGS = {
    "amazon-linux-2": {"NE401", "NE501"},
    "existing-network": set[str](),
    "resnet50-inf1": {"NE411", "NE501"},
    "trn1-training": {"NE726", "NE727"},
    "vllm-managed-instances": {"NE403", "NE501"},
}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda f: f.stem)
def test_examples_warn_of_what_they_show_and_of_nothing_else(file: Path) -> None:
    warned = {f.code for f in findings_of(read(file)) if f.severity is Severity.WARNING}
    assert warned <= EXPECTED_WARNINGS.get(file.stem, {"NE501"})
    if file.stem in EXPECTED_WARNINGS:
        assert warned >= EXPECTED_WARNINGS[file.stem] - {"NE501"}


ENTRY = re.compile(r"^    ([\w-]+):\n((?:      .*\n)+)", re.MULTILINE)
SIX = {
    ("models-by-id", "llama"): ("inf2.24xlarge", "meta-llama/Llama-3.1-8B-Instruct"),
    ("models-by-id", "qwen3-8b"): ("trn1.32xlarge", "--model=Qwen/Qwen3-8B"),
    ("models-by-id", "embedder"): ("inf2.24xlarge", "--task=embed"),
    ("models-by-id", "support-chat"): ("inf2.24xlarge", "/models/support-chat"),
    ("trn2-capacity-block", "gpt-oss-20b"): ("trn2.48xlarge", "openai/gpt-oss-20b"),
    ("resnet50-inf1", "resnet50"): ("inf1.xlarge", "--model_base_path=s3://"),
}
"""What `serve` is there for: the example, the model, its instance type, and a word of its tasks."""


@pytest.mark.parametrize("file", [*EXAMPLES, *STACKS], ids=lambda f: f.stem)
def test_a_model_of_serve_takes_at_most_six_lines(file: Path) -> None:
    _, _, models = file.read_text(encoding="utf-8").partition("\n  neuron-ecs:models:\n")
    for name, lines in ENTRY.findall(models):
        if "      serve:" in lines:
            assert 1 + lines.count("\n") <= 6, f"{name} of {file.stem}"


@pytest.mark.parametrize(("example", "model"), SIX)
def test_six_lines_say_a_service(example: str, model: str) -> None:
    kind, word = SIX[example, model]
    made = plan_of(f"examples/{example}.yaml")
    (written,) = (w for w in made.written if w.name == model)
    assert {"image", "neuron_devices"} <= {value.field for value in written.values}
    (planned,) = (m for m in made.regions[0].models if m.name == model)
    (service,) = planned.services[:1]
    assert word in service.task_definition.container_definitions
    assert planned.target_group is not None, "it is called through the load balancer"
    (pool,) = (p for p in made.regions[0].pools if p.key == service.pool)
    assert isinstance(pool, AutoScalingPool)
    assert pool.instance_type == kind


@pytest.mark.parametrize("example", sorted({example for example, _ in SIX}))
def test_six_lines_are_previewed(example: str) -> None:
    code, shown = running.printed("preview", "--file", str(ROOT / f"examples/{example}.yaml"))
    assert code == 0, shown
    for name in (model for file, model in SIX if file == example):
        assert re.search(rf"^  {name} .* http://", shown, re.MULTILINE), name


def test_amazon_linux_2_is_told_its_end_of_life() -> None:
    made = plan_of("examples/amazon-linux-2.yaml")
    (found,) = [f for f in made.findings if f.code == "NE401"]
    assert "2026-06-30" in found.what
    pool = made.regions[0].pools[0]
    assert isinstance(pool, AutoScalingPool)
    assert "/amazon-linux-2/kernel-5.10/inf/recommended/image_id" in pool.image_id


def test_one_model_in_fourteen_regions_and_in_three_more_that_may_not() -> None:
    config = read(ROOT / "examples/every-region.yaml")
    regions = json.loads(config[f"{PROJECT}:regions"])
    assert len(plan_of("examples/every-region.yaml").regions) == len(regions) == 14
    unseen = ("us-west-1", "ca-central-1", "ap-northeast-3")
    wider = {**config, f"{PROJECT}:regions": json.dumps(regions | {r: {} for r in unseen})}
    made = decide(wider, load(), project=PROJECT, stack="every-region")
    warned = " ".join(f.what + f.fix for f in made.findings if f.code == "NE135")
    for region in unseen:
        assert f"which {region} offers" in warned or f"{region} offers no" in warned, (
            f"nothing says what {region} has"
        )


def test_several_models_share_one_instance_and_leave_a_chip() -> None:
    made = plan_of("examples/many-models-one-instance.yaml")
    placed = made.regions[0].pools[0].layout
    assert placed.instances_max == 1
    covered = {d for slot in placed.slots for d in slot.devices}
    assert len(covered) == placed.devices - 1


def test_a_block_of_trn2_stands_in_its_zone() -> None:
    pool = plan_of("examples/trn2-capacity-block.yaml").regions[0].pools[0]
    assert pool.zone_ids == ("use2-az3",)
    assert pool.purchase.kind == "capacity_block"


def test_training_gets_every_efa_interface_with_the_whole_instance() -> None:
    made = plan_of("examples/trn1-training.yaml")
    pool = made.regions[0].pools[0]
    assert isinstance(pool, AutoScalingPool)
    assert len(pool.network_interfaces) == 8
    assert len(pool.zone_ids) == 1, "a cluster placement group is in one zone"
    whole = next(j for j in made.regions[0].jobs if j.name == "pretrain").task_definition
    (container,) = json.loads(whole.container_definitions)
    opened = [d["hostPath"] for d in container["linuxParameters"]["devices"]]
    assert len([d for d in opened if "infiniband" in d]) == 8
    assert len([d for d in opened if "neuron" in d]) == 16
