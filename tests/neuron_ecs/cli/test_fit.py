"""The command that names instances for a model: its usage, its text, its JSON, its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest

import catalog
from messages.finding import Severity
from neuron_ecs.cli import main as command_line
from neuron_ecs.fit import text as fit_text
from neuron_ecs.stackfile.yaml_values import load
from tests.neuron_ecs import running
from tests.planning.stacks import findings_of

EIGHT = "meta-llama/Llama-3.1-8B-Instruct"


def said(*arguments: str) -> tuple[int, str]:
    return running.printed("fit", "--width", "120", *arguments)


def document(*arguments: str) -> dict[str, Any]:
    code, text = said(*arguments, "--json")
    assert code == 0
    return json.loads(text)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    code, text = running.refused("fit", *arguments)
    assert (code, capsys.readouterr().out) == (2, ""), "wrong usage"
    return text


def test_a_model_is_answered_with_the_cheapest_instance_and_its_stack_file() -> None:
    code, text = said("--model", EIGHT, "--max-model-len", "8192")
    assert code == 0
    first = next(x for x in text.splitlines() if x.startswith("  inf2"))
    assert first.split()[:3] == ["inf2.8xlarge", "1", "2"]
    assert "NxD Inference" in first
    assert "      instance_type: inf2.8xlarge" in text
    assert "        tensor_parallel: 2" in text
    assert "HF_TOKEN" in text, "Llama is gated"
    assert "assumes  --max-num-seqs 4, which was not given" in text
    assert "--max-model-len 8192, which" not in text
    assert text.splitlines()[-1].startswith(("prices   of 2", "         "))


def test_no_line_of_prose_is_wider_than_asked() -> None:
    _, text = said("--model", EIGHT, "--regions", "us-west-2,us-east-2")
    prose = [x for x in text.splitlines() if "://" not in x and "image:" not in x]
    assert all(len(line) <= 120 for line in prose)


def test_the_last_line_says_how_old_prices_are_and_what_is_not_in_them() -> None:
    _, text = said("--devices", "1", "--kind", "managed_instances", "--types", "inf2.*")
    assert "prices   of 2026-06-03; not in them: the management fee of ECS Managed" in text
    assert "load balancers" in text


def test_what_nothing_can_run_says_why_and_what_would() -> None:
    code, text = said("--model", "Llama-3.1-405B-Instruct")
    assert code == 1
    assert "--purchase capacity_block" in text
    assert "inf2.48xlarge: a core of 16 GiB would need" in text
    assert "config:" not in text
    code, text = said("--devices", "17")
    assert code == 1, "a type has 17 devices now: ask for more than any type has in this test"
    assert text.count("Nothing can run it on demand on Auto Scaling capacity.\n") == 1


def test_spot_is_a_span_of_prices() -> None:
    code, text = said("--devices", "6", "--purchase", "spot", "--regions", "us-west-2")
    assert code == 0
    assert " to " in next(x for x in text.splitlines() if x.startswith("  inf2.24xlarge"))
    assert "purchase: spot" in text
    assert "Spot prices of that moment" in text


def test_the_rows_are_as_many_as_asked_for() -> None:
    _, text = said("--devices", "1", "--top", "2")
    rows = [x for x in text.splitlines() if x.startswith(("  inf", "  trn")) and " us-" in x]
    assert len(rows) == 2
    assert "more (--top " in text


def test_the_json_holds_what_the_text_says() -> None:
    answer = document("--model", EIGHT, "--regions", "us-west-2", "--tasks", "3")
    assert answer["version"] == fit_text.VERSION
    assert (answer["model"], answer["sequences"], answer["length"]) == (EIGHT, 4, 8192)
    options = answer["options"]
    costs = [float(o["usd_per_hour"]) for o in options if o["usd_per_hour"]]
    assert costs == sorted(costs)
    first = options[0]
    assert first["serving"]["verdict"] == "fits"
    assert first["price_date"] == "2026-06-03"
    assert first["instances"] * first["tasks_per_instance"] >= 3
    assert first["stack_file"].startswith("config:\n")
    assert "replicas: {min: 3}" in first["stack_file"]
    assert answer["price_source"] == catalog.load().prices.source
    assert {s["works"] for s in answer["seen"]} == {True, False}


def test_a_wish_for_devices_has_no_serving() -> None:
    answer = document("--devices", "4", "--memory-gib", "100", "--vcpus", "8", "--top", "1")
    assert answer["model"] is None
    assert all("serving" not in o for o in answer["options"])
    assert all(o["memory_mib"] >= 100 * 1024 and o["cpu_units"] >= 8192 for o in answer["options"])


def test_the_lines_are_in_the_namespace_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: my-models\nruntime: python\n")
    monkeypatch.chdir(tmp_path)
    assert "  my-models:capacity:" in said("--devices", "1")[1]
    (tmp_path / "Pulumi.yaml").unlink()
    assert "  neuron-ecs:capacity:" in said("--devices", "1")[1]


def test_an_unknown_model_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    err = refused(capsys, "--model", "meta-llama/Llama-3.1-8B")
    assert f"nearest are {EIGHT}" in err
    assert "catalog show language_models" in refused(capsys, "--model", "zzz")


CONFIG = {
    "model_type": "llama",
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
}


def written(folder: Path, **more: object) -> str:
    path = folder / "config.json"
    path.write_text(json.dumps(CONFIG | more))
    return str(path)


def test_a_configuration_file_is_answered_like_a_row_and_its_shape_is_in_the_stack_file(
    tmp_path: Path,
) -> None:
    options = document("--config", written(tmp_path), "--model", "acme/tuned", "--max-num-seqs=4")
    row = document("--model", EIGHT, "--max-num-seqs", "4")
    first, same = options["options"][0], row["options"][0]
    assert (first["instance_type"], first["serving"]) == (same["instance_type"], same["serving"])
    text = options["options"][0]["stack_file"]
    shapes = load(text).value["config"]["neuron-ecs:shapes"]
    assert shapes["acme/tuned"]["layers"] == 32
    assert "tied" not in shapes["acme/tuned"], "what is the default is not written"
    texts = {k: json.dumps(v) for k, v in load(text).value["config"].items()}
    judged = findings_of({**texts, "aws:region": "us-east-1"})
    assert [f for f in judged if f.severity is Severity.ERROR] == []


def test_the_id_in_the_file_is_used_and_what_is_not_counted_is_assumed(tmp_path: Path) -> None:
    path = written(tmp_path, _name_or_path="acme/tuned", quantization_config={"bits": 4})
    answer = document("--config", path, "--max-model-len", "2048")
    assert answer["model"] == "acme/tuned"
    assert "its checkpoint is quantized; bf16 is counted" in answer["assumes"]


def test_a_file_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(text: str, *more: str) -> str:
        (tmp_path / "x.json").write_text(text)
        return refused(capsys, "--config", str(tmp_path / "x.json"), *more)

    assert "is no JSON; give the config.json" in told("[")
    assert "whisper, which is not known here" in told('{"model_type": "whisper"}')
    assert "does not say num_hidden_layers" in told('{"model_type": "llama"}')
    uneven = json.dumps(CONFIG | {"num_key_value_heads": 5})
    assert "32 heads, which cannot share 5 KV heads" in told(uneven, "--model", "a/b")
    assert "give it with --model" in told(json.dumps(CONFIG))
    assert "is no id such as" in told(json.dumps(CONFIG), "--model", "a b")
    assert "is longer than 1,000,000 bytes" in told(" " * 1_000_001)
    assert "8192 positions" in told(json.dumps(CONFIG), "--model=a/b", "--max-model-len=9000")
    assert "does not exist" in refused(capsys, "--config", str(tmp_path / "absent.json"))


def test_what_is_no_language_model_is_asked_for_by_the_memory_of_a_core(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "--core-memory-gib" in refused(capsys, "--model", "stabilityai/sdxl")
    types = {o["instance_type"] for o in document("--core-memory-gib", "17")["options"]}
    assert types and not any(t.startswith(("inf", "trn1")) for t in types), "16 GiB for each core"
    code, text = said("--device-memory-gib", "33", "--types", "inf2.*")
    assert code == 1
    assert "a device has 32 GiB of memory, of 33 needed" in text, "chips share no memory"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "name a --model"),
        (("--devices", "0"), "whole number"),
        (("--devices", "1", "--width", "-1"), "--width"),
        (("--devices", "1", "--regions", "us-west-3"), "did you mean us-west-"),
        (("--devices", "1", "--types", "m7i.large"), "no instance type with Neuron devices"),
        (("--devices", "1", "--regions", ","), "separated by commas"),
        (("--devices", "1", "--max-num-seqs", "4"), "need a --model"),
        (("--devices", "1", "--purchase", "gift"), "invalid choice"),
        (("--model", "TinyLlama-1.1B-Chat-v1.0", "--max-model-len", "4096"), "2048 positions"),
        (
            ("--devices", "1", "--kind", "managed_instances", "--purchase", "capacity_block"),
            "no Capacity Blocks",
        ),
    ],
)
def test_wrong_usage_is_told(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], complaint: str
) -> None:
    assert complaint in refused(capsys, *arguments)


def test_the_command_is_one_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["fit", "--devices", "1", "--top", "1"]) == 0
    assert "inf1.xlarge" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command_line.main(["--help"])
    assert "fit" in capsys.readouterr().out
