"""docs/runbook.md: its incidents happen, its commands run, and it shows what they print.

`make runbook` writes the page anew. What stands between a command and the next one, or the end of
its block, is what it prints.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from tests.account import aws_cli
from tests.account.incidents import INCIDENTS, MEANWHILE
from tests.account.running import Sandbox, sandbox
from tests.contract.graphs import ROOT

PAGE = ROOT / "docs/runbook.md"
_SECTION = re.compile(r"<!-- incident: (?P<name>\S+) -->\n(?P<text>.*?)(?=\n## |\Z)", re.DOTALL)
_PART = re.compile(r"```console\n(?P<lines>.*?)```\n|<!-- meanwhile: (?P<what>.*?) -->", re.DOTALL)
_COMMAND = re.compile(r"^\$ (?:.*\\\n)*.*\n", re.MULTILINE)
_KEPT = re.compile(r"(?P<name>[A-Z]+)=\$\((?P<command>.*)\)")
_VARIABLE = re.compile(r"\$([A-Z]+)\b")


@dataclass(frozen=True)
class Section:
    """What the page says of an incident."""

    name: str
    text: str


def sections(page: str) -> Iterator[Section]:
    """The sections of the page, in their order."""
    for found in _SECTION.finditer(page):
        yield Section(found["name"], found["text"])


def renewed(section: Section, stack: Sandbox) -> str:
    """The text of a section with what its commands print after the incident has happened."""
    stack.restore()
    INCIDENTS[section.name].happen(stack)

    variables: dict[str, str] = {}

    def part(found: re.Match[str]) -> str:
        if found["lines"] is None:
            MEANWHILE[found["what"]](stack)
            return found[0]
        typed = _COMMAND.findall(found["lines"])
        return "```console\n" + "".join(c + printed(c, stack, variables) for c in typed) + "```\n"

    return _PART.sub(part, section.text)


def printed(command: str, stack: Sandbox, variables: dict[str, str]) -> str:
    """What a command of the page prints; `NAME=$(aws ...)` keeps it in a variable instead."""
    text = command.removeprefix("$ ").replace("\\\n", "").strip()
    kept = _KEPT.fullmatch(text)
    text = _VARIABLE.sub(lambda found: variables[found[1]], kept["command"] if kept else text)
    program, *words = shlex.split(text)
    assert program in ("aws", "neuron-ecs"), f"the page calls {program}"
    run = (
        aws_cli.run([program, *words], stack.client)
        if program == "aws"
        else stack.command(*words)[1]
    )
    if kept is None:
        return run
    variables[kept["name"]] = run.strip()
    return ""


def write() -> None:
    """Writes the page anew."""
    page = PAGE.read_text(encoding="utf-8")
    files = {INCIDENTS[section.name].file for section in sections(page)}
    for file in sorted(files):
        with sandbox(file) as stack:
            for section in list(sections(page)):
                if INCIDENTS[section.name].file == file:
                    page = page.replace(section.text, renewed(section, stack), 1)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write()
