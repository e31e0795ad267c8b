"""Commands: their usage, their exit codes, and how findings are told."""

import io
import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pytest
from pulumi import RunError

from messages.finding import Finding, Refused, Severity, render
from neuron_ecs import terminal as report
from neuron_ecs.cli import main as command_line
from neuron_ecs.recording.engine import RecordingError
from neuron_ecs.stackfile.reading import StackFile

ROOT = Path(__file__).parents[3]
LONG = Finding(
    "NE999",
    Severity.ERROR,
    "models.llama-3-8b.capacity",
    "names a pool that does not exist, and goes on about it for more than one line of a terminal",
    "a model runs on the instances of a pool of its own stack file, whichever Region it serves",
    "write inf2, or arn:aws:resource-groups:us-east-2:111122223333:group/kept-whole",
)
HINT = Finding("NE998", Severity.NOTE, "", "has room", "", "")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: my-models\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {a: 1}\n")
    (tmp_path / "Pulumi.prod.yaml").write_text("config: {a: 2}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


Run = Callable[..., int]


def stand_in(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """Puts `run` in the place of the plan command's module."""
    module = types.ModuleType("neuron_ecs.cli.plan")
    module.run = run  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "neuron_ecs.cli.plan", module)
    monkeypatch.setattr("neuron_ecs.cli.plan", module, raising=False)


def says(text: str, code: int = 0) -> Run:
    def run(file: StackFile, *, as_json: bool, out: TextIO, width: int) -> int:
        out.write(f"{text} {file.stack} {file.config} {as_json} {width}\n")
        return code

    return run


def raises(error: BaseException) -> Run:
    def run(file: StackFile, *, as_json: bool, out: TextIO, width: int) -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["plam"], "invalid choice: 'plam'"),
        (["plan", "--stak", "dev"], "unrecognized arguments: --stak"),
        (["plan", "--sta", "dev"], "unrecognized arguments: --sta"),
        (["plan", "dev"], "unrecognized arguments: dev"),
        (["plan", "--width", "wide"], "write a number from 40 to 1000"),
        (["plan", "--width", "9" * 9], "write a number from 40 to 1000"),
        (["plan", "--stack"], "expected one argument"),
    ],
)
def test_wrong_usage_ends_with_two_and_the_usage(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(argv)
    assert ended.value.code == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("usage: neuron-ecs")
    assert said in error


def test_help_names_the_commands_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(["--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    for word in ("plan", "preview", "catalog", "0 fine, 1 the plan has errors, 2 wrong usage"):
        assert word in out


def test_a_command_gets_the_stack_and_returns_its_code(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, says("planned", code=0))
    assert command_line.main(["plan", "--width", "90"]) == 0
    assert command_line.main(["plan", "--stack", "prod", "--json", "--width", "0"]) == 0
    assert command_line.main(["plan", "--file", "Pulumi.prod.yaml", "--width", "90"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "planned dev {'my-models:a': '1'} False 90",
        "planned prod {'my-models:a': '2'} True 0",
        "planned prod {'my-models:a': '2'} False 90",
    ]
    stand_in(monkeypatch, says("planned", code=1))
    assert command_line.main(["plan"]) == 1


@pytest.mark.parametrize(("columns", "width"), [("20", 80), ("123", 123), ("999", 160)])
def test_the_terminal_decides_the_width_within_reason(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    columns: str,
    width: int,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    stand_in(monkeypatch, says("planned"))
    command_line.main(["plan"])
    assert capsys.readouterr().out.endswith(f" {width}\n")


def test_a_refused_plan_ends_with_one_and_every_finding(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, raises(Refused([HINT, LONG])))
    assert command_line.main(["plan", "--width", "0"]) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert error == render([LONG, HINT]) + "\n", "`pulumi up` prints the same text"
    assert error.endswith("1 error, 1 note\n")


def test_with_json_the_findings_are_objects_on_standard_output(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, raises(Refused([HINT, LONG])))
    assert command_line.main(["plan", "--json"]) == 1
    out, error = capsys.readouterr()
    assert error == ""
    first, second = json.loads(out)["findings"]
    assert first == {
        "code": "NE999",
        "severity": "error",
        "path": LONG.path,
        "what": LONG.what,
        "why": LONG.why,
        "fix": LONG.fix,
    }
    assert second["severity"] == "note"


def test_a_missing_stack_file_is_a_finding(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main(["plan", "--stack", "none", "--width", "0"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error NE002  the stack file Pulumi.none.yaml does not exist\n")
    assert "    fix:  the stacks with a file there are dev, prod\n" in error


def test_what_is_not_seen_offline_is_told_beside_the_answer(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "Pulumi.dev.yaml").write_text("config: {my-models:x: {secure: abc}}\n")
    stand_in(monkeypatch, says("planned"))
    assert command_line.main(["plan", "--json"]) == 0
    out, error = capsys.readouterr()
    assert out.startswith("planned")
    assert error.startswith("note NE002  x is encrypted\n")


def test_a_preview_that_fails_ends_in_findings(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ends(error: BaseException) -> str:
        def preview(*_: object, **__: object) -> int:
            raise error

        monkeypatch.setattr("neuron_ecs.cli.preview.preview", preview)
        assert command_line.main(["preview", "--width", "0"]) == 1
        return capsys.readouterr().err

    said = ends(RecordingError("a: no such input", "b: two of one name"))
    assert "error NE003  the program a: no such input" in said
    assert said.endswith("2 errors\n")
    assert "the program ended: no catalog" in ends(RunError("no catalog"))
    refusal = RunError("see above")
    refusal.__cause__ = Refused([LONG])
    assert ends(refusal) == render([LONG]) + "\n", "the findings say more than the error"


def test_an_interrupt_ends_with_130(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, raises(KeyboardInterrupt()))
    assert command_line.main(["plan"]) == 130


def test_a_reader_that_stops_early_is_no_error() -> None:
    run = subprocess.run(
        f"'{sys.executable}' -m neuron_ecs --help | true; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stdout.strip() in ("0", "141")
    assert run.stderr == ""


def test_the_catalog_has_a_command_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def run(argv: list[str]) -> int:
        seen.append(argv)
        return 0

    module = types.ModuleType("neuron_ecs.cli.catalog")
    module.run = run  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "neuron_ecs.cli.catalog", module)
    monkeypatch.setattr("neuron_ecs.cli.catalog", module, raising=False)
    assert command_line.main(["catalog", "show", "regions", "--json"]) == 0
    assert seen == [["show", "regions", "--json"]]


def test_lines_keep_to_the_width_and_what_is_copied_stays_whole() -> None:
    out = io.StringIO()
    report.write([LONG], out, width=80)
    lines = out.getvalue().splitlines()
    arn = LONG.fix.split()[-1]
    assert all(len(line) <= 80 for line in lines if arn not in line)
    assert sum(arn in line for line in lines) == 1, "an ARN in two lines cannot be copied"
    assert lines[0].startswith("error NE999  models.llama-3-8b.capacity names a pool")
    assert lines[1].startswith("    ")
    assert [line[:10] for line in lines if ":  " in line] == ["    why:  ", "    fix:  "]
    assert lines[-1] == "1 error"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_is_for_terminals_and_never_the_only_signal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal, pipe = _Terminal(), io.StringIO()
    report.write([LONG, HINT], terminal, width=100)
    report.write([LONG, HINT], pipe, width=100)
    assert "\033[31merror\033[0m NE999" in terminal.getvalue()
    assert "\033" not in pipe.getvalue()
    plain = terminal.getvalue()
    for colour in ("\033[31m", "\033[36m", "\033[0m"):
        plain = plain.replace(colour, "")
    assert plain == pipe.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    quiet = _Terminal()
    report.write([LONG], quiet, width=100)
    assert "\033" not in quiet.getvalue()


def test_usage_and_reading_need_neither_pulumi_nor_the_planner() -> None:
    program = (
        "import sys; sys.argv = ['neuron_ecs']\n"
        "import neuron_ecs.cli.main, neuron_ecs.stackfile.reading, neuron_ecs.terminal\n"
        "heavy = {'pulumi', 'boto3', 'grpc', 'components'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, ""), "a plan takes a second because it leaves these"
