"""The README shows what the commands print, and names what exists."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import catalog
from neuron_ecs import terminal as report
from neuron_ecs.stackfile.reading import StackFile, read
from planning import Refused
from tests.neuron_ecs import running

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
WIDTH = 100
SHOWN = re.compile(r"<!-- output of: (?P<command>[^>]*) -->\n```\n(?P<text>.*?)```\n", re.DOTALL)
PLAN, MISTAKE, DIFFERENCE = [match["text"] for match in SHOWN.finditer(README)]
ADDED = re.search(
    r"<!-- added to neuron-ecs:models of Pulumi.dev.yaml -->\n```yaml\n(.*?)```", README, re.DOTALL
)


def dev() -> StackFile:
    return read(stack="dev", file=None, directory=ROOT)


def test_the_plan_in_the_readme_is_what_is_printed() -> None:
    assert running.printed("plan", "--project", str(ROOT), "--width", str(WIDTH)) == (0, PLAN)


def test_the_mistake_in_the_readme_is_told_as_shown() -> None:
    stack = dev()
    models = json.loads(stack.config["neuron-ecs:models"])
    models["tinyllama"]["neuron_devices"] = 2
    wrong = replace(stack, config={**stack.config, "neuron-ecs:models": json.dumps(models)})
    with pytest.raises(Refused) as refused:
        wrong.plan(catalog.load())
    out = io.StringIO()
    report.write(refused.value.findings, out, width=WIDTH)
    assert out.getvalue() == MISTAKE


@pytest.fixture
def topic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], tuple[int, str]]:
    """The pull request of the README with so large a pool: exit code and what is printed."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    assert ADDED is not None
    added = ADDED[1]

    def compared(max_size: int) -> tuple[int, str]:
        head = text.replace("  neuron-ecs:jobs:\n", f"{added}  neuron-ecs:jobs:\n")
        head = re.sub(r"max_size: \d+", f"max_size: {max_size}", head, count=1)
        Path("topic").mkdir(exist_ok=True)
        Path("Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
        Path("Pulumi.dev.yaml").write_text(text, encoding="utf-8")
        Path("topic/Pulumi.dev.yaml").write_text(head, encoding="utf-8")
        files = ["Pulumi.dev.yaml", "topic/Pulumi.dev.yaml"]
        return running.printed("diff", *files, "--width", str(WIDTH))

    return compared


def test_the_pull_request_in_the_readme_changes_what_it_says(
    topic: Callable[[int], tuple[int, str]],
) -> None:
    assert ADDED is not None
    assert ADDED[1].count("\n") == 6, "six lines"
    assert topic(3) == (0, DIFFERENCE)


def test_the_pull_request_in_the_readme_is_refused_for_the_reason_that_it_gives(
    topic: Callable[[int], tuple[int, str]],
) -> None:
    code, said = topic(2)
    assert code == 1
    assert re.search(r"jobs.device-check.neuron_devices, line \d+, can never start", said)


def test_every_example_stands_in_the_readme() -> None:
    named = set(re.findall(r"\(examples/([\w-]+\.yaml)\)", README))
    assert named == {path.name for path in (ROOT / "examples").glob("*.yaml")}


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
