"""Models are added, changed and removed in place, and nothing is written that does not plan."""

import io
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuron_ecs.cli import main as command_line
from neuron_ecs.cli import models
from neuron_ecs.edits import entries
from neuron_ecs.edits.writing import Compare, Comparison, compared
from neuron_ecs.stackfile.editing import drop, put
from neuron_ecs.stackfile.yaml_values import Value, load
from tests.neuron_ecs import running

ROOT = Path(__file__).parents[3]
SHIPPED = sorted([*ROOT.glob("Pulumi.*.yaml"), *ROOT.glob("examples/*.yaml")])
IMAGE = (
    "public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:"
    "0.13.0-neuronx-py312-sdk2.28.0-ubuntu24.04"
)
COMMAND = "vllm serve mistralai/Mistral-7B-v0.3 --port=8080 --tensor-parallel-size=2"
BARE = ["add", "mistral-7b", "--image", IMAGE, "--capacity", "inf2", "--devices", "1"]
NEW = [*BARE, "--port", "8080", "--command", COMMAND]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with room for one more model."""
    return running.with_room(tmp_path)


def unseen(*_: object) -> Comparison:
    """Stands for the comparison of the plans, which has tests of its own."""
    return Comparison(lambda width, bold: ["(the comparison)"], {"verdict": "changed"})


KINDS = {"add": models.AddArguments, "set": entries.SetArguments, "remove": entries.OfEntry}


def said(
    project: Path,
    *arguments: str,
    answer: str = "",
    compare: Compare = unseen,
) -> tuple[int, str]:
    argv = ["models", *arguments, "--width", "100", "--project", str(project)]
    kept, sys.stdin = sys.stdin, io.StringIO(answer)
    try:
        return running.run_with(KINDS[arguments[0]], entries.run, *argv, compare=compare)
    finally:
        sys.stdin = kept


def text_of(project: Path) -> str:
    return (project / "Pulumi.dev.yaml").read_text(encoding="utf-8")


def model_of(project: Path, name: str) -> dict[str, Value]:
    return load(text_of(project))[0]["config"]["neuron-ecs:models"][name]


def wrong_usage(project: Path, *arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as caught:
        sys.exit(said(project, *arguments)[0])
    return caught.value.code


def test_a_model_is_at_most_six_lines_and_nothing_else_changes(project: Path) -> None:
    before = text_of(project).splitlines()
    code, out = said(project, *NEW, "--yes")
    assert code == 0
    after = text_of(project).splitlines()
    start = after.index("    mistral-7b:")
    written = after[start : start + len(after) - len(before)]
    assert written == [
        "    mistral-7b:",
        f"      image: {IMAGE}",
        f"      command: [{COMMAND.replace(' ', ', ')}]",
        "      capacity: inf2",
        "      neuron_devices: 1",
        "      port: 8080",
    ]
    assert len(written) <= 6, "what a team adds by a pull request"
    assert after[:start] + after[start + len(written) :] == before
    assert [x[1:] for x in out.splitlines() if x.startswith("+") and x[1:2] != "+"] == written


def test_a_model_whose_image_knows_its_command_has_room_for_replicas(project: Path) -> None:
    before = text_of(project).splitlines()
    own = ["111122223333.dkr.ecr.us-west-2.amazonaws.com/mistral:1", "inf2", "1", "8080", "1..2"]
    options = ("--image", "--capacity", "--devices", "--port", "--replicas")
    arguments = [word for pair in zip(options, own, strict=True) for word in pair]
    assert said(project, "add", "mistral-7b", *arguments, "--yes")[0] == 0
    assert len(text_of(project).splitlines()) == len(before) + 6
    assert "      replicas: {min: 1, max: 2}\n" in text_of(project)


def test_every_field_has_its_place(project: Path) -> None:
    code, _ = said(
        project,
        *BARE,
        *("--port", "8080,9090", "--min", "1", "--max", "2", "--region", "us-west-2"),
        *("--command", "vllm serve 'a b' --port=8080", "--entry-point", "/run.sh"),
        *("--secret", "HF_TOKEN=/team/token", "--env", "PORT=8080", "--env", "A=b=c"),
        *("--set", "health_check.path=/live", "--set", 'environment["X.Y"]=1', "--yes"),
    )
    assert code == 0
    assert list(model_of(project, "mistral-7b").items()) == [
        ("image", IMAGE),
        ("entry_point", ["/run.sh"]),
        ("command", ["vllm", "serve", "a b", "--port=8080"]),
        ("secrets", {"HF_TOKEN": "/team/token"}),
        ("environment", {"PORT": "8080", "A": "b=c", "X.Y": "1"}),
        ("capacity", "inf2"),
        ("neuron_devices", 1),
        ("ports", [8080, 9090]),
        ("replicas", {"min": 1, "max": 2}),
        ("regions", ["us-west-2"]),
        ("health_check", {"path": "/live"}),
    ]


@pytest.mark.parametrize(
    ("written", "devices"), [("0,", [0]), ("[0]", [0]), ("all", "all"), ("1", 1)]
)
def test_devices_are_a_count_ids_or_all(project: Path, written: str, devices: Value) -> None:
    arguments = [written if a == "1" else a for a in NEW]
    assert said(project, *arguments, "--yes")[0] == 0
    assert model_of(project, "mistral-7b")["neuron_devices"] == devices


def test_added_and_removed_is_the_file_as_it_was(project: Path) -> None:
    before = (project / "Pulumi.dev.yaml").read_bytes()
    assert said(project, *NEW, "--yes")[0] == 0
    assert (project / "Pulumi.dev.yaml").read_bytes() != before
    assert said(project, "remove", "mistral-7b", "--yes")[0] == 0
    assert (project / "Pulumi.dev.yaml").read_bytes() == before


@pytest.mark.parametrize("file", SHIPPED, ids=lambda f: f.stem)
def test_every_shipped_file_can_be_edited_line_by_line(file: Path, tmp_path: Path) -> None:
    """A label that no plan feels: a line of the environment, in and out again."""
    (tmp_path / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
    copy = tmp_path / file.name
    copy.write_bytes(file.read_bytes())
    before = copy.read_text(encoding="utf-8")
    serving: dict[str, Value] = load(before)[0]["config"].get("neuron-ecs:models", {})
    for name in sorted(serving)[:1]:
        where = ("--file", str(copy), "--yes")
        assert said(tmp_path, "set", name, "stop_timeout_seconds=60", *where)[0] == 0
        old, new = before.splitlines(), copy.read_text(encoding="utf-8").splitlines()
        [added] = [line for line in new if line not in old]
        assert added == "      stop_timeout_seconds: 60"
        new.remove(added)
        assert new == old
        assert said(tmp_path, "set", name, "--unset", "stop_timeout_seconds", *where)[0] == 0
        assert copy.read_text(encoding="utf-8") == before


SETTINGS: dict[str, tuple[str, tuple[str, ...], Value]] = {
    "a number": ("stop_timeout_seconds=60", ("stop_timeout_seconds",), 60),
    "a new map": ("replicas.max=2", ("replicas", "max"), 2),
    "a span": ("replicas=1..2", ("replicas",), {"min": 1, "max": 2}),
    "a number of replicas": ("replicas=2", ("replicas",), 2),
    "a stopped model": ("replicas=0", ("replicas",), 0),
    "text that looks like a number": ("environment.PORT=8080", ("environment", "PORT"), "8080"),
    "text that looks like a word of YAML": ("environment.ON=yes", ("environment", "ON"), "yes"),
    "a key with a dot": ('environment["A.B"]=x=y', ("environment", "A.B"), "x=y"),
    "numbers in a map of text": ("environment={A: 5}", ("environment",), {"A": "5"}),
    "words": ("command=python3 'a b' -x", ("command",), ["python3", "a b", "-x"]),
    "a list of text": ("command=[python3, --n, 5]", ("command",), ["python3", "--n", "5"]),
    "a list of one": ("ports=9090", ("ports",), [9090]),
    "a list by commas": ("neuron_devices=0,", ("neuron_devices",), [0]),
    "a word": ("neuron_devices=all", ("neuron_devices",), "all"),
    "Regions": ("regions=us-west-2", ("regions",), ["us-west-2"]),
    "a switch": ("exec=true", ("exec",), True),
    "deep": ("regions.us-west-2.replicas.min=1", ("regions", "us-west-2", "replicas", "min"), 1),
}


@pytest.mark.parametrize("case", SETTINGS.values(), ids=SETTINGS.keys())
def test_a_field_takes_the_value_that_was_meant(
    project: Path, case: tuple[str, tuple[str, ...], Value]
) -> None:
    change, path, value = case
    assert said(project, "set", "tinyllama", change, "--yes")[0] == 0
    found: Any = model_of(project, "tinyllama")
    for step in path:
        found = found[step]
    assert found == value
    once = text_of(project)
    code, out = said(project, "set", "tinyllama", change, "--yes")
    assert (code, text_of(project)) == (0, once), "the same again changes nothing"
    assert "nothing is to be done" in out


comments = st.text("abc #:{}-", max_size=12)


@given(st.data())
def test_comments_anywhere_survive(data: st.DataObject) -> None:
    lines = (ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8").splitlines()
    for index in sorted(data.draw(st.sets(st.integers(1, len(lines)), max_size=6)), reverse=True):
        lines.insert(index, f"{' ' * data.draw(st.integers(0, 10))}# {data.draw(comments)}")
    before = "\n".join(lines) + "\n"
    path = ("config", "neuron-ecs:models", "new")
    after = put(before, path, {"image": IMAGE, "capacity": "inf2-shared"}, opened=1)
    assert [x for x in after.splitlines() if "#" in x] == [x for x in lines if "#" in x]
    assert drop(after, path) == before


def test_one_item_of_a_command_is_one_line(project: Path) -> None:
    before = text_of(project)
    assert said(project, "set", "tinyllama", "command[5]=--max-num-seqs=8", "--yes")[0] == 0
    assert text_of(project) == before.replace("--max-num-seqs=4", "--max-num-seqs=8", 1)


def test_the_last_model_goes_with_its_key(project: Path) -> None:
    for name in ("qwen3-0-6b", "tinyllama"):
        assert said(project, "remove", name, "--yes")[0] == 0
    assert "neuron-ecs:models" not in text_of(project)
    assert said(project, *NEW, "--yes")[0] == 0
    lines = text_of(project).splitlines()
    assert lines.index("  neuron-ecs:models:") < lines.index("  neuron-ecs:jobs:")


# What is shown, asked and written.


def test_nothing_is_written_before_a_yes(project: Path) -> None:
    before = text_of(project)
    for answer, ending in (("n\n", "nothing was written\n"), ("", "nothing was written\n")):
        code, out = said(project, *NEW, answer=answer)
        assert (code, text_of(project)) == (1, before)
        assert out.endswith(ending)
        assert "(the comparison)" in out
        assert "+    mistral-7b:" in out
    code, out = said(project, *NEW, answer="y\n")
    assert code == 0
    assert "mistral-7b" in text_of(project)
    assert out.endswith("Pulumi.dev.yaml is written\n")


def test_json_shows_and_writes_only_with_a_yes(project: Path) -> None:
    before = text_of(project)
    code, out = said(project, *NEW, "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["version"], found["changed"], found["written"]) == (1, True, False)
    assert found["diff"] == {"verdict": "changed"}
    assert text_of(project) == before
    assert json.loads(said(project, *NEW, "--json", "--yes")[1])["written"] is True
    assert text_of(project) != before


IMPOSSIBLE: dict[str, tuple[list[str], str]] = {
    "more devices than there are": (["set", "tinyllama", "neuron_devices=9"], "NE203"),
    "a field that does not exist": (["set", "tinyllama", "prot=9"], "did you mean port?"),
    "a pool that does not exist": (["set", "tinyllama", "capacity=inf99"], "inf2"),
    "a bad name": (["add", "My_Model", *NEW[2:]], "my-model"),
    "a bad value": (["set", "tinyllama", "port=70000"], "at most 65535"),
    "a credential": ([*NEW, "--env", "T=" + "hf_" + "a" * 34], "looks like a credential"),
    "no such item": (
        ["set", "tinyllama", "command[99]=x"],
        "models.tinyllama.command[99] is not there",
    ),
    "no such field to unset": (
        ["set", "tinyllama", "--unset", "replicas"],
        "models.tinyllama.replicas is not there",
    ),
    "one of a list to unset": (
        ["set", "tinyllama", "--unset", "command[0]"],
        "models.tinyllama.command[0] is one of a list",
    ),
}


@pytest.mark.parametrize("case", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_a_file_that_would_not_plan_is_not_written(
    project: Path, case: tuple[list[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, words = case
    before = text_of(project)
    code, out = said(project, *arguments, "--yes")
    told = capsys.readouterr().err
    assert (code, out, text_of(project)) == (1, "", before)
    assert words in " ".join(told.split())
    assert told.endswith("nothing was written\n")
    assert "\nnote NE" not in f"\n{told}", "what is wrong is not below pages of notes"
    code, out = said(project, *arguments, "--yes", "--json")
    assert code == 1
    assert any(f["severity"] == "error" for f in json.loads(out)["findings"])
    assert sorted(p.name for p in project.iterdir()) == ["Pulumi.dev.yaml", "Pulumi.yaml"]


USAGE: dict[str, tuple[list[str], str]] = {
    "an unknown model": (["remove", "tinylama"], "did you mean tinyllama?"),
    "an unknown model to set": (["set", "x", "port=1"], "choose one of"),
    "a model that exists": (["add", "tinyllama", *NEW[2:]], "models set tinyllama"),
    "nothing to set": (["set", "tinyllama"], "FIELD=VALUE"),
    "no equals sign": (["set", "tinyllama", "port"], "FIELD=VALUE"),
    "a field of dots": (["set", "tinyllama", "..=5"], "write the field as"),
    "a value that is no YAML": (["set", "tinyllama", "replicas={min"], "replicas"),
    "an open quotation": (["set", "tinyllama", "command=a 'b"], "quotation"),
    "bad devices": (["add", "m", "--image", "i", "--capacity", "c", "--devices", "x"], "0,1"),
    "bad replicas": ([*NEW, "--replicas", "1-4"], "1..4"),
    "replicas said twice": ([*NEW, "--replicas", "1..4", "--max", "4"], "--replicas"),
    "a secret without a place": ([*NEW, "--secret", "A"], "NAME=VALUE"),
    "a width that holds no words": (["remove", "tinyllama", "--width", "9"], "from 40 to 1000"),
    "no image": (["add", "m", "--capacity", "c"], "--image"),
}


@pytest.mark.parametrize("case", USAGE.values(), ids=USAGE.keys())
def test_wrong_usage_is_told_with_a_way_out(
    project: Path, case: tuple[list[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, words = case
    assert wrong_usage(project, *arguments) == 2
    assert words in capsys.readouterr().err


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project / "Pulumi.dev.yaml"

    def slow(*_: object) -> Comparison:
        file.write_text("# of somebody else\n" + text_of(project))
        return unseen()

    assert said(project, *NEW, "--yes", compare=slow)[0] == 1
    assert text_of(project).startswith("# of somebody else\n")
    assert "mistral-7b" not in text_of(project)
    assert "in the meantime" in capsys.readouterr().err


def test_permissions_stay_and_nothing_is_written_through_a_link(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, link = project / "Pulumi.dev.yaml", project / "Pulumi.other.yaml"
    file.chmod(0o640)
    link.symlink_to(file)
    before = text_of(project)
    assert said(project, *NEW, "--file", str(link), "--yes")[0] == 1
    assert "is a link" in " ".join(capsys.readouterr().err.split())
    assert link.is_symlink()
    assert text_of(project) == before
    assert said(project, *NEW, "--yes")[0] == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert "mistral-7b" in text_of(project)


def test_a_file_that_is_read_only_stays_as_it_is(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another file could take its place, as root or by the folder's permissions."""
    file, before = project / "Pulumi.dev.yaml", text_of(project)
    file.chmod(0o444)
    assert said(project, *NEW, "--yes")[0] == 1
    assert text_of(project) == before
    assert "is read-only" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("written", ["", " {}", " ~  # none yet", "\n    # put them here"])
def test_the_first_model_has_a_line_for_each_field(project: Path, written: str) -> None:
    file = project / "Pulumi.dev.yaml"
    kept, _, _ = text_of(project).partition("  neuron-ecs:models:")
    file.write_text(f"{kept}  neuron-ecs:models:{written}\n  neuron-ecs:silence: {{}}\n")
    assert said(project, *NEW, "--yes")[0] == 0
    lines = text_of(project).splitlines()
    start = lines.index("    mistral-7b:")
    assert lines[start + 5] == "      port: 8080"
    assert lines[start + 6] == "  neuron-ecs:silence: {}"
    assert ("#" in written) == ("#" in "".join(lines[start - 2 : start]))


@pytest.mark.parametrize("change", ["crlf", "mark", "no-end"])
def test_line_ends_and_marks_of_the_file_stay(project: Path, change: str) -> None:
    file = project / "Pulumi.dev.yaml"
    data = file.read_bytes()
    data = {
        "crlf": data.replace(b"\n", b"\r\n"),
        "mark": b"\xef\xbb\xbf" + data,
        "no-end": data.rstrip(b"\n"),
    }[change]
    file.write_bytes(data)
    assert said(project, *NEW, "--yes")[0] == 0
    added = file.read_bytes()
    assert added.count(b"\r\n") in (0, added.count(b"\n"))
    assert added.startswith(b"\xef\xbb\xbf") is (change == "mark")
    assert said(project, "remove", "mistral-7b", "--yes")[0] == 0
    assert file.read_bytes() == data


@pytest.mark.parametrize("written", ["'{}'", "{secure: 'v1:a:b'}"])
def test_models_that_are_one_text_are_left_alone(
    project: Path, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project / "Pulumi.dev.yaml"
    kept, _, _ = text_of(project).partition("  neuron-ecs:models:")
    file.write_text(f"{kept}  neuron-ecs:models: {written}\n")
    assert said(project, *NEW, "--yes")[0] == 1
    assert "is one text" in capsys.readouterr().err


def test_the_comparison_is_that_of_the_diff_command(project: Path) -> None:
    code, told = said(project, *NEW, answer="n\n", compare=compared)
    assert code == 1
    assert "1 model added (mistral-7b)" in told
    assert f"head  {project / 'Pulumi.dev.yaml'} (new)" in told


def test_the_command_is_reached_from_the_command_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert command_line.main(["models", "remove", "x"]) == 2
    assert "no model of Pulumi.dev.yaml is called x" in capsys.readouterr().err


def test_a_configuration_file_becomes_an_entry_of_shapes(project: Path, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(
        json.dumps(
            {
                "_name_or_path": "acme/tuned",
                "model_type": "llama",
                "num_hidden_layers": 2,
                "hidden_size": 512,
                "num_attention_heads": 8,
                "intermediate_size": 1024,
                "vocab_size": 1000,
                "max_position_embeddings": 2048,
            }
        )
    )
    code, _ = said(project, *NEW, "--config", str(path), "--yes")
    assert code == 0
    shapes = load(text_of(project)).value["config"]["neuron-ecs:shapes"]
    assert list(shapes) == ["mistralai/Mistral-7B-v0.3"], "the model that the command serves"
    again = ["add", "second", *NEW[2:], "--config", str(path)]
    code, out = said(project, *again, "--model", "acme/tuned")
    assert "+    acme/tuned: " in out or "+    acme/tuned:" in out
    path.write_text(path.read_text().replace("1024", "2048"))
    assert wrong_usage(project, *again) == 2, "the stack file has another shape under that id"
