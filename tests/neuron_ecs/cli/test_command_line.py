"""Commands: their usage, their exit codes, and how findings are told."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import catalog
from messages.finding import Finding, Refused, Severity, as_object, render
from neuron_ecs import terminal
from neuron_ecs.cli import main as command_line
from neuron_ecs.recording.program import recorded
from neuron_ecs.stackfile.reading import read
from planning import decide
from tests.neuron_ecs import running

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


STACK = """\
config:
  aws:region: us-west-2
  my-models:regions: {us-west-2: {}}
  my-models:capacity:
    pool: {kind: auto_scaling, instance_type: inf2.xlarge, max_size: 4}
  my-models:models:
    m: {image: "public.ecr.aws/neuron/serving:1.0", capacity: pool, neuron_devices: 1}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: my-models\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(STACK)
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["paln"], "invalid choice: 'paln'; did you mean plan?"),
        (["catalog", "refesh"], "invalid choice: 'refesh'; did you mean refresh?"),
        (["nothing-like-it"], "choose from init, plan, preview, map"),
        (["plan", "--stak", "dev"], "unrecognized argument: --stak; did you mean --stack?"),
        (["plan", "--sta", "dev"], "unrecognized argument: --sta; did you mean --stack?"),
        (["fit", "--region=us-west-2"], "did you mean --regions?"),
        (["models", "add", "x", "--imagee", "y"], "did you mean --image?"),
        (["plan", "--color", "sometimes"], "choose from auto, always, never"),
        (["plan", "dev"], "unrecognized arguments: dev"),
        (["plan", "--width", "wide"], "write a number from 40 to 1000"),
        (["plan", "--width", "9" * 9], "write a number from 40 to 1000"),
        (["plan", "--stack"], "expected one argument"),
    ],
)
def test_wrong_usage_ends_with_two_and_the_usage(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, error = running.refused(*argv)
    assert (code, capsys.readouterr().out) == (2, "")
    assert error.startswith("usage: neuron-ecs")
    assert said in error


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_the_help_of_every_command_has_an_example_and_its_exit_codes(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    for argv in ([name, "--help"], ["help", name]):
        with pytest.raises(SystemExit) as ended:
            command_line.main(argv)
        assert ended.value.code == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert re.search(rf"^examples?:\n  .*neuron-ecs {name}\b", said[0], re.MULTILINE)
    assert "exit codes: 0 " in said[0]


def test_the_version_is_that_of_the_installation(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(["--version"])
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert (ended.value.code, capsys.readouterr().out) == (0, f"neuron-ecs {stated}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_every_shell(shell: str) -> None:
    code, out = running.printed("completion", shell)
    assert code == 0
    assert "neuron-ecs" in out and "_ARGCOMPLETE" in out


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("neuron-ecs pl", {"plan"}),
        ("neuron-ecs plan --st", {"--stack"}),
        ("neuron-ecs models ", {"add", "remove", "set"}),
        ("neuron-ecs fit --purchase ", {"on_demand", "spot", "capacity_block"}),
    ],
)
def test_a_shell_completes_commands_options_and_values(
    tmp_path: Path, line: str, found: set[str]
) -> None:
    answer = tmp_path / "answer"
    run = subprocess.run(
        [sys.executable, "-m", "neuron_ecs"],
        cwd=ROOT,
        env={
            **os.environ,
            "_ARGCOMPLETE": "1",
            "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
            "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
            "COMP_LINE": line,
            "COMP_POINT": str(len(line)),
        },
        timeout=60,
        check=False,
    )
    assert run.returncode == 0
    words = {word.strip() for word in answer.read_text().replace("\x0b", "\n").splitlines()}
    assert {w for w in words if not w.startswith("-h")} >= found
    assert not {"verify", "--stak"} & words


def test_help_names_the_commands_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(["--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    for word in ("plan", "preview", "catalog", "0 fine, 1 the plan has errors, 2 wrong usage"):
        assert word in out


def test_a_command_gets_the_stack_and_how_to_print_it(project: Path) -> None:
    for argv, stack in (([], "dev"), (["--stack", "prod"], "prod")):
        code, out = running.printed("plan", *argv)
        assert (code, out.partition(":")[0]) == (0, f"my-models/{stack}")
    code, out = running.printed("plan", "--file", str(project / "Pulumi.prod.yaml"), "--json")
    assert (code, json.loads(out)["stack"]) == (0, "prod")


@pytest.mark.parametrize(("columns", "width"), [("20", 80), ("123", 123), ("999", 160)])
def test_the_terminal_decides_the_width_within_reason(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal.terminal_width() == width
    assert command_line.parse(["plan"]).width == width


@pytest.mark.parametrize("place", ["", "below/it"])
def test_the_project_is_found_upward_from_any_folder(
    project: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (project / "below/it").mkdir(parents=True)
    monkeypatch.chdir(project / place)
    assert running.printed("plan", "--stack", "prod")[1].startswith("my-models/prod: ")
    assert running.printed("fit", "--devices", "1")[1].count("my-models:capacity:") == 1


def test_a_project_elsewhere_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    code, out = running.printed("plan", "--project", str(project), "--stack", "prod")
    assert (code, out.startswith("my-models/prod: ")) == (0, True)
    assert "Pulumi.yaml does not exist" in running.refused("plan")[1]


WRONG = "config: {aws:region: us-west-2, my-models:regions: {us-west-9: {}}, my-models:capacity: 1}"


def test_a_refused_plan_ends_with_one_and_every_finding(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "Pulumi.dev.yaml").write_text(WRONG)
    with pytest.raises(Refused) as caught:
        decide(
            read(stack="dev", file=None, directory=project).config,
            catalog.load(),
            project="my-models",
            stack="dev",
        )
    assert command_line.main(["plan", "--width", "0"]) == 1
    out, error = capsys.readouterr()
    assert "capacity, line 1, is the number 1" in error
    assert (out, error.replace(", line 1, ", " ")) == ("", render(caught.value.findings) + "\n"), (
        "as `pulumi up` prints it, which does not know the file"
    )
    assert command_line.main(["plan", "--json"]) == 1
    out, error = capsys.readouterr()
    assert error == ""
    found = [as_object(replace(f, line=1)) for f in caught.value.findings]
    assert json.loads(out) == {"findings": found, "total": len(found)}


@pytest.mark.parametrize("command", ["plan", "map", "preview"])
def test_every_command_refuses_an_encrypted_value_of_ours(
    project: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "Pulumi.dev.yaml").write_text(STACK + "  my-models:tags: {owner: {secure: AAAB}}\n")
    assert command_line.main([command, "--width", "0"]) == 1
    said = "".join(capsys.readouterr())
    assert "NE004  tags.owner, line " in said
    assert "AAAB" not in said


def test_many_findings_print_a_page_and_their_number(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = "\n".join(f"    m{number}: {{kpu: 1}}" for number in range(2_000))
    (project / "Pulumi.dev.yaml").write_text(f"config:\n  my-models:models:\n{entries}\n")
    assert command_line.main(["plan"]) == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) < 250
    assert error.endswith(" errors\n")
    assert "more: 5,9" in error, "three mistakes each: no image, no capacity, no such key"
    assert command_line.main(["plan", "--json"]) == 1
    out = capsys.readouterr().out
    assert len(out) < 1_000_000
    document = json.loads(out)
    assert document["total"] >= 6_000 > len(document["findings"])


def test_a_missing_stack_file_is_a_finding(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main(["plan", "--stack", "none", "--width", "0"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error NE002  the stack file Pulumi.none.yaml does not exist\n")
    assert "    fix:  the stacks with a file there are dev, prod\n" in error


def test_what_is_not_seen_offline_is_told_beside_the_answer(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "Pulumi.dev.yaml").write_text(STACK + "  aws:profile: {secure: abc}\n")
    assert command_line.main(["plan", "--json"]) == 0
    out, error = capsys.readouterr()
    assert json.loads(out)["stack"] == "dev"
    assert error.startswith(
        f"note NE002  aws:profile, line {len(STACK.splitlines()) + 1}, is encrypted\n"
    )


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import pulumi\npulumi.CustomResource('no:such:Type', 'a', {})", "NE003  the program"),
        ("import pulumi\nraise pulumi.RunError('no catalog')", "the program ended: no catalog"),
        (
            "import pulumi\nfrom messages.finding import *\n"
            "e = pulumi.RunError('see above')\n"
            "found = Finding('NE999', Severity.ERROR, 'a.b', 'is 1', '', 'write 2')\n"
            "e.__cause__ = Refused([found])\n"
            "raise e",
            "NE999  a.b is 1",
        ),
    ],
)
def test_a_program_that_fails_ends_in_findings(tmp_path: Path, program: str, said: str) -> None:
    path = tmp_path / "__main__.py"
    path.write_text(program)
    with pytest.raises(Refused) as caught:
        recorded(path, "my-models", "dev", {"aws:region": "us-west-2"})
    assert said in render(caught.value.findings)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130)])
def test_an_interrupt_ends_with_130(project: Path, number: int, code: int) -> None:
    """The command waits for an answer on standard input when it is interrupted."""
    argv = ["-u", "-m", "neuron_ecs", "models", "remove", "m", "--project", str(project)]
    with subprocess.Popen(
        [sys.executable, *argv],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A shell starts its background jobs with SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as run:
        assert run.stdout is not None
        asked = b""
        while not asked.endswith(b"[y/N] "):
            asked += run.stdout.read(1)
        run.send_signal(number)
        assert run.wait(60) == code


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


def test_lines_keep_to_the_width_and_what_is_copied_stays_whole() -> None:
    out = io.StringIO()
    terminal.write([LONG], out, width=80)
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
    screen, pipe = terminal.Screen(_Terminal()), terminal.Screen(io.StringIO())
    terminal.write([LONG, HINT], screen, width=100)
    terminal.write([LONG, HINT], pipe, width=100)
    shown, piped = sent(screen), sent(pipe)
    assert "\033[31merror\033[0m NE999" in shown
    assert "\033" not in piped
    for colour in ("\033[31m", "\033[36m", "\033[0m"):
        shown = shown.replace(colour, "")
    assert shown == piped
    monkeypatch.setenv("NO_COLOR", "1")
    quiet = terminal.Screen(_Terminal())
    terminal.write([LONG], quiet, width=100)
    assert "\033" not in sent(quiet)


def sent(screen: terminal.Screen) -> str:
    assert isinstance(screen.stream, io.StringIO)
    return screen.stream.getvalue()


def test_color_decides_where_the_terminal_would_not(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033[3" in running.printed("map", "--color", "always")[1]
    assert "\033" not in running.printed("map")[1]
    assert "\033" not in running.printed("map", "--color", "never")[1]


def test_a_plan_needs_neither_pulumi_nor_the_aws_sdk() -> None:
    program = (
        "import sys; sys.argv = ['neuron_ecs']\n"
        "from neuron_ecs.cli.main import main\n"
        "code = main(['plan', '--file', 'Pulumi.dev.yaml', '--json'])\n"
        "heavy = {'pulumi', 'boto3', 'grpc', 'components', 'argcomplete'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or code)\n"
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
