"""Models of `serve`, jobs, pools and Regions are added, changed, removed, listed and shown."""

import json
from pathlib import Path

import pytest

from neuron_ecs.stackfile.yaml_values import load
from tests.neuron_ecs import running

SMALL = "Qwen/Qwen3-0.6B"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return running.with_room(tmp_path)


def entries(project: Path, key: str) -> dict[str, dict[str, object]]:
    text = (project / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    return load(text)[0]["config"][f"neuron-ecs:{key}"]


def edit(project: Path, *arguments: str) -> int:
    return running.printed(*arguments, "--project", str(project), "--yes")[0]


def test_a_model_by_its_id_is_an_entry_of_serve(project: Path) -> None:
    sizes = ("--max-model-len", "2048", "--max-num-seqs", "4")
    assert (
        edit(project, "models", "add", "small", "--model", SMALL, *sizes, "--capacity", "inf2") == 0
    )
    assert entries(project, "models")["small"] == {
        "serve": {"model": SMALL, "max_model_len": 2048, "max_num_seqs": 4},
        "capacity": "inf2",
    }


def test_the_pool_is_chosen_only_where_one_can_run_the_model(project: Path) -> None:
    add = ("models", "add", "small", "--model", SMALL, "--project", str(project))
    code, said = running.refused(*add, "--yes")
    assert code == 2
    assert "--capacity inf2 or trn1" in said
    code, said = running.refused(*add[:4], "meta-llama/Llama-3.1-8B-Instruct", *add[5:])
    assert code == 2
    assert "HF_TOKEN" in said, "the reason stands once where all pools have it"
    assert said.count("HF_TOKEN, and") == 1
    text = (project / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    lines = text[: text.index("    trn1:")] + text[text.index("  neuron-ecs:models:") :]
    without = lines[: lines.index("    qwen3-0-6b:")] + lines[lines.index("  neuron-ecs:jobs:") :]
    (project / "Pulumi.dev.yaml").write_text(without)
    assert running.printed(*add, "--yes")[0] == 0
    assert entries(project, "models")["small"] == {"serve": {"model": SMALL}, "capacity": "inf2"}


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        ("--model", SMALL, "--command", "vllm serve"),
        ("--image", "vllm:1", "--max-model-len", "2048"),
    ],
)
def test_serve_and_an_image_are_not_mixed(project: Path, wrong: tuple[str, ...]) -> None:
    add = ("models", "add", "small", "--capacity", "inf2", "--project", str(project))
    assert running.refused(*add, *wrong)[0] == 2


@pytest.mark.parametrize(
    ("command", "key", "name", "fields", "change"),
    [
        (
            "jobs",
            "jobs",
            "nightly",
            ["image=acme/train:1", "capacity=trn1", "neuron_devices=all", "command=run 'a b'"],
            ("log_retention_days=7", "log_retention_days", 7),
        ),
        (
            "pools",
            "capacity",
            "more",
            ["kind=auto_scaling", "instance_type=inf2.8xlarge", "max_size=1"],
            ("max_size=3", "max_size", 3),
        ),
        (
            "regions",
            "regions",
            "us-east-2",
            [],
            ("network.nat=per_zone", "network", {"nat": "per_zone"}),
        ),
    ],
)
def test_entries_are_added_changed_shown_and_removed(
    project: Path,
    command: str,
    key: str,
    name: str,
    fields: list[str],
    change: tuple[str, str, object],
) -> None:
    before = (project / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    assert edit(project, command, "add", name, *fields) == 0
    added = entries(project, key)[name]
    assert list(added) == [field.partition("=")[0] for field in fields]
    if command == "jobs":
        assert added["command"] == ["run", "a b"]
    said, field, value = change
    assert edit(project, command, "set", name, said) == 0
    of = ("--project", str(project))
    shown = running.printed(command, "show", name, "--json", *of)[1]
    assert json.loads(shown)[command] == {name: {**added, field: value}}
    assert f"  {field}: " in running.printed(command, "show", name, *of)[1]
    listed = json.loads(running.printed(command, "list", "--json", *of)[1])[command]
    assert listed == entries(project, key)
    assert name in running.printed(command, "list", *of)[1]
    assert edit(project, command, "remove", name) == 0
    assert (project / "Pulumi.dev.yaml").read_text(encoding="utf-8") == before
    assert running.refused(command, "show", name, *of)[0] == 2
