"""Findings name the line of their path in the stack file."""

import json
import re
from pathlib import Path

import pytest

from catalog import load
from config.explaining import path_of
from messages.finding import Finding
from neuron_ecs.stackfile.reading import StackFileError, read
from planning import Refused
from tests.planning.fixtures import FIXTURES
from tests.planning.stacks import PROJECT, Config

POOL = "  capacity: {p: {kind: auto_scaling, instance_type: inf2.xlarge, max_size: 1}}\n"


def found_in(folder: Path, text: str) -> tuple[Finding, ...]:
    """The findings of a stack file, refused or not."""
    (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
    (folder / "Pulumi.test.yaml").write_text(text)
    try:
        file = read(stack="test", file=None, directory=folder)
        return (*file.notes, *file.plan(load()).findings)
    except (StackFileError, Refused) as refused:
        return refused.findings


def written(config: Config) -> str:
    """A stack file with one key or item in a line, indented by a space for each level."""
    values = {key: json.loads(t) if t[:1] in '[{"' else t for key, t in config.items()}
    return json.dumps({"config": values}, indent=1)


def lines_of(text: str) -> dict[str, int]:
    """Line of each path, by indentation alone."""
    found: dict[str, int] = {}
    steps: list[str | int] = []
    for number, line in enumerate(text.splitlines(), 1):
        depth = len(line) - len(line.lstrip()) - 1
        if depth < 1 or re.fullmatch(r"\s*[\]}]+,?", line):
            continue
        key = re.match(r'\s*"((?:[^"\\]|\\.)*)": ', line)
        before = steps[depth - 1] if len(steps) >= depth else -1
        item = before + 1 if isinstance(before, int) else 0
        steps = [*steps[: depth - 1], json.loads(f'"{key[1]}"') if key else item]
        found[path_of([str(steps[0]).removeprefix(f"{PROJECT}:"), *steps[1:]])] = number
    return found


@pytest.mark.parametrize("code", FIXTURES)
def test_every_finding_has_the_line_of_its_path_or_of_the_nearest_above(
    code: str, tmp_path: Path
) -> None:
    text = written(FIXTURES[code].failing)
    lines = lines_of(text)
    for finding in found_in(tmp_path, text):
        above = [p for p in lines if re.match(re.escape(p) + r"(?![\w-])", finding.path)]
        expected = lines[max(above, key=len)] if above else None
        if finding.path != "aws:region":
            assert finding.line == expected, finding.place
            assert f'"line": {json.dumps(expected)}'


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("config:\n  regions: {us-west-2: {}}\n  kpu: 1\n", "kpu", 3),
        ("config:\n  neuron-ecs:kpu: 1\n", "kpu", 2),
        (
            f"config:\n  aws:region: us-west-9\n  regions: {{us-west-2: {{}}}}\n{POOL}",
            "aws:region",
            2,
        ),
        ("config:\n  a: 1\nmodels: {}\n", "models", 3),
        ("config:\n  other:models:\n    a: {}\n", "other:models", 2),
        ("config:\n  models:\n    a: &a\n      kpu: 1\n    b: *a\n", "models.b.kpu", 5),
        ("config:\n  models:\n    a: &a\n      kpu: 1\n    b:\n      <<: *a\n", "models.b.kpu", 5),
        ('config:\n  models: \'{"a": {"kpu": 1}}\'\n', "models.a.kpu", 2),
        ("config:\n  'neuron-ecs:models':\n    'a b': {}\n", 'models["a b"]', 3),
        ("config:\n  models:\n    a:\n      secrets:\n        A: 1\n", "models.a.secrets.A", 5),
    ],
)
def test_a_line_is_known_however_the_file_is_written(
    text: str, path: str, line: int, tmp_path: Path
) -> None:
    assert {f.line for f in found_in(tmp_path, text) if f.path == path} == {line}


def test_keys_that_a_message_hides_have_the_line_above_them(tmp_path: Path) -> None:
    keys = "".join(f"        AKIA{letter * 16}: x\n" for letter in "QZ")
    text = f"config:\n  models:\n    a:\n      environment:\n{keys}"
    found = [f for f in found_in(tmp_path, text) if "(not shown)" in f.path]
    assert found
    assert {f.line for f in found} == {4}
