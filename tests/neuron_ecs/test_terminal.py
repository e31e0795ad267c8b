"""What is printed cannot be taken for a command of the terminal, and no figure is ever cut."""

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuron_ecs import terminal
from neuron_ecs.terminal import Screen, one_line, paint, table, wrapped
from tests.neuron_ecs import running

ROOT = Path(__file__).resolve().parents[2]
SENT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

WORDS = st.text(
    st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=1, max_size=30
)
CELLS = st.lists(WORDS, max_size=6).map(" ".join)
TABLES = st.integers(1, 7).flatmap(
    lambda columns: st.lists(st.lists(CELLS, min_size=columns, max_size=columns), max_size=8)
)


@given(TABLES, st.sampled_from([0, *range(40, 161, 10)]), st.sampled_from(["", "    "]))
def test_every_word_of_a_table_stands_whole_in_what_is_printed(
    rows: list[list[str]], width: int, indent: str
) -> None:
    lines = list(table(rows, indent=indent, width=width))
    printed = sorted(word for line in lines for word in line.split())
    assert printed == sorted(word for row in rows for cell in row for word in cell.split())


@given(TABLES, st.integers(40, 160))
def test_a_table_keeps_to_the_width_where_its_words_allow_it(
    rows: list[list[str]], width: int
) -> None:
    longest = [
        max((len(w) for r in rows for w in r[i].split()), default=0)
        for i in range(7)
        if rows and i < len(rows[0])
    ]
    if sum(longest) + 2 * max(len(longest) - 1, 0) <= width:
        assert all(len(line) <= width for line in table(rows, width=width))


def test_what_fits_stands_in_one_line_a_row() -> None:
    rows = [("model", "price"), ("llama", "$12,345.67")]
    assert list(table(rows, width=40)) == ["model  price", "llama  $12,345.67"]


@given(st.text(max_size=80))
def test_no_control_or_invisible_character_is_sent(text: str) -> None:
    out = io.StringIO()
    Screen(out, "always").write(text)
    sent = out.getvalue()
    assert not re.search(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", sent
    )
    assert one_line(text).isprintable() or not text.isprintable()


@given(st.text(max_size=80))
def test_a_json_document_stays_the_same(text: str) -> None:
    out = io.StringIO()
    terminal.write_json({"text": text}, Screen(out))
    assert json.loads(out.getvalue()) == {"text": text}


def test_only_painted_text_is_coloured() -> None:
    out = io.StringIO()
    Screen(out, "always").write(paint("a\033[31mb", "32") + "\033[0m\n")
    assert out.getvalue() == "\033[32ma\\u001b[31mb\033[0m\\u001b[0m\n"


@given(st.lists(WORDS, max_size=20).map(" ".join), st.integers(40, 120))
def test_wrapping_breaks_no_word(text: str, width: int) -> None:
    assert " ".join(wrapped(text, width)).split() == text.split()


class Console(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_said_on_a_terminal_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    console, pipe = Console(), io.StringIO()
    for stream in (console, pipe):
        monkeypatch.setattr(sys, "stderr", Screen(stream))
        with terminal.progress("comparing\033[2J"):
            sys.stderr.flush()
    assert console.getvalue() == "comparing\\u001b[2J…\r\033[K"
    assert pipe.getvalue() == ""


# -- every command -----------------------------------------------------------------------------

HOSTILE = "\033]0;owned\007\033[2J\u009b31m\u202e\x7f\r"
STACK: dict[str, Any] = {
    "config": {
        "aws:region": "us-west-2",
        "neuron-ecs:regions": {"us-west-2": {}},
        "neuron-ecs:capacity": {
            "pool": {"kind": "auto_scaling", "instance_type": "inf2.xlarge", "max_size": 4}
        },
        "neuron-ecs:models": {
            "m": {
                "image": "public.ecr.aws/neuron/serving:1.0",
                "capacity": "pool",
                "neuron_devices": 1,
                "command": [f"serve{HOSTILE}"],
                "environment": {"A": HOSTILE},
            }
        },
        "neuron-ecs:silence": {"NE501": f"because{HOSTILE}"},
    }
}


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in whose stack file every free text is hostile."""
    (tmp_path / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
    (tmp_path / "Pulumi.dev.yaml").write_text(json.dumps(STACK), encoding="utf-8")
    other = json.loads(json.dumps(STACK))
    other["config"]["neuron-ecs:models"]["m"]["command"] = [f"go{HOSTILE}"]
    (tmp_path / "Pulumi.other.yaml").write_text(json.dumps(other), encoding="utf-8")
    tags = json.loads(json.dumps(STACK))
    tags["config"]["neuron-ecs:tags"] = {f"team{HOSTILE}": f"x{HOSTILE}"}
    (tmp_path / "Pulumi.tags.yaml").write_text(json.dumps(tags), encoding="utf-8")
    wrong = json.loads(json.dumps(STACK))
    wrong["config"][f"neuron-ecs:mod{HOSTILE}els"] = {}
    wrong["config"]["neuron-ecs:models"][f"m{HOSTILE}"] = {"image": HOSTILE}
    (tmp_path / "Pulumi.wrong.yaml").write_text(json.dumps(wrong), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


COMMANDS = [
    ["plan"],
    ["plan", "--json"],
    ["plan", "--stack", "wrong"],
    ["plan", "--stack", "tags"],
    ["map", "--stack", "tags"],
    ["preview", "--stack", "tags", "--all"],
    ["diff", "Pulumi.dev.yaml", "Pulumi.tags.yaml"],
    ["diff", "Pulumi.dev.yaml", "Pulumi.tags.yaml", "--markdown"],
    ["plan", "--stack", HOSTILE],
    ["plan", "--file", f"no{HOSTILE}such"],
    ["plan", f"--no{HOSTILE}"],
    ["plan", "--explain", HOSTILE],
    ["map"],
    ["map", "--json"],
    ["preview", "--all"],
    ["preview", "--json"],
    ["diff", "Pulumi.dev.yaml", "Pulumi.other.yaml"],
    ["diff", "Pulumi.dev.yaml", "Pulumi.other.yaml", "--markdown"],
    ["diff", "Pulumi.dev.yaml", "Pulumi.other.yaml", "--json"],
    ["diff", "Pulumi.dev.yaml", "Pulumi.wrong.yaml"],
    ["diff", f"no{HOSTILE}", "HEAD", "--stack", "dev"],
    ["models", "set", "m", f"command=[a{HOSTILE}b]", "--yes"],
    ["models", "set", "m", f"environment.B=a{HOSTILE}b", "--yes"],
    ["models", "remove", HOSTILE],
    ["fit", "--model", HOSTILE],
    ["ci", "compare", HOSTILE, HOSTILE],
    ["catalog", "show", HOSTILE],
    ["help", HOSTILE],
    [HOSTILE],
]


@pytest.mark.parametrize(
    "argv", COMMANDS, ids=lambda a: " ".join(a).encode("unicode_escape").decode()
)
def test_no_command_sends_what_a_stack_file_or_an_argument_says(
    hostile: Path, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, error = running.refused(*argv)
    out = capsys.readouterr().out
    assert out or error, code
    assert not SENT.search(out + error)


PAGES = [
    (0, ["map"]),
    (0, ["map", "--stack", "other"]),
    (0, ["diff", "Pulumi.dev.yaml", "Pulumi.other.yaml"]),
    (0, ["diff", "Pulumi.wrong.yaml", "Pulumi.other.yaml"]),
    (1, ["map", "--stack", "tags"]),
    (1, ["diff", "Pulumi.dev.yaml", "Pulumi.wrong.yaml"]),
    (1, ["diff", "Pulumi.dev.yaml", "Pulumi.tags.yaml"]),
]


@pytest.mark.parametrize(("code", "argv"), PAGES, ids=[" ".join(argv) for _, argv in PAGES])
def test_a_page_holds_no_control_characters_and_is_written_of_what_can_be_built(
    hostile: Path, code: int, argv: list[str]
) -> None:
    found, error = running.refused(*argv, "--html", "map.html")
    page = hostile / "map.html"
    assert found == code
    assert page.exists() == (code == 0)
    assert not SENT.search(error + (page.read_text(encoding="utf-8") if code == 0 else ""))
