"""The pages for maintainers: what they name exists, and their table of rooms is the tested one."""

import re
from pathlib import Path

import pytest

from tests.test_house import ALLOWED, ANYTHING, TOOL

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/runbook.md",
    "docs/security.md",
)


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text(page))
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_every_path_that_a_page_names_exists(page: str) -> None:
    named = re.findall(r"`([a-z_]+/[\w./*]*)`", text(page))
    assert named
    gone = [path for path in named if not list(ROOT.glob(path.rstrip("/")))]
    assert gone == [], f"{page} names files that moved or left"
    tables = re.findall(r"`(\w+\.csv)`", text(page))
    assert [name for name in tables if not (ROOT / "catalog/data" / name).exists()] == []


def test_the_table_of_rooms_is_the_one_that_imports_are_held_to() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \|.*\| (.*)\|$", text("docs/architecture.md"), re.MULTILINE)
    shown = {room: set(re.findall(r"`([\w.]+)`", allowed)) for room, allowed in rows}
    held = {
        room: allowed - TOOL if allowed >= TOOL else allowed
        for room, allowed in ALLOWED.items()
        if room != "neuron_ecs"  # `python -m neuron_ecs` calls the command
    }
    assert shown == {**held, **{room: set[str]() for room in ANYTHING}}, (
        "docs/architecture.md shows the table of rooms: change it with tests/test_house.py"
    )
