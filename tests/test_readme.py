"""The README shows what the commands print, and names what exists."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import catalog
from cli import report
from cli.plan import run
from cli.stack_file import StackFile, read
from planning import Refused, decide

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
WIDTH = 100
SHOWN = re.compile(r"<!-- output of: (?P<command>[^>]*) -->\n```\n(?P<text>.*?)```\n", re.DOTALL)
PLAN, MISTAKE = [match["text"] for match in SHOWN.finditer(README)]


def dev() -> StackFile:
    return read(stack="dev", file=None, directory=ROOT)


def test_the_plan_in_the_readme_is_what_is_printed() -> None:
    out = io.StringIO()
    run(dev(), as_json=False, out=out, width=WIDTH)
    assert out.getvalue() == PLAN


def test_the_mistake_in_the_readme_is_told_as_shown() -> None:
    stack = dev()
    models = json.loads(stack.config["neuron-ecs:models"])
    models["tinyllama"]["neuron_devices"] = 2
    wrong = replace(stack, config={**stack.config, "neuron-ecs:models": json.dumps(models)})
    with pytest.raises(Refused) as refused:
        decide(wrong.config, catalog.load(), project=wrong.project, stack=wrong.stack)
    out = io.StringIO()
    report.write(refused.value.findings, out, width=WIDTH)
    assert out.getvalue() == MISTAKE


def test_every_example_stands_in_the_readme() -> None:
    named = set(re.findall(r"\(examples/([\w-]+\.yaml)\)", README))
    assert named == {path.name for path in (ROOT / "examples").glob("*.yaml")}


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
