"""The runbook: every incident happens, its commands run, and the page shows what they print."""

import re

import pytest

from tests.account import __main__ as by_hand
from tests.account import page
from tests.account.incidents import INCIDENTS
from tests.account.running import WIDTH, Sandbox

TEXT = page.PAGE.read_text(encoding="utf-8")
SECTIONS = {section.name: section for section in page.sections(TEXT)}


def test_the_page_has_every_incident_in_order() -> None:
    assert list(SECTIONS) == list(INCIDENTS)


@pytest.mark.parametrize("name", list(SECTIONS))
def test_the_page_shows_what_its_commands_print(
    name: str, dev: Sandbox, two_regions: Sandbox
) -> None:
    section = SECTIONS[name]
    stack = dev if INCIDENTS[name].file == dev.file else two_regions
    said = "run `make runbook`, and read the difference"
    assert page.renewed(section, stack) == section.text, said


def test_the_list_at_the_top_leads_to_every_incident() -> None:
    links = re.findall(r"^\| `([a-z]+)` \| \[.*\]\(#(.*)\) \|$", TEXT, re.MULTILINE)
    titles = re.findall(r"^## (.*)\n\n<!-- incident: (.*) -->$", TEXT, re.MULTILINE)
    plain = [(name, re.sub(r"[^\w -]", "", title).lower()) for title, name in titles]
    assert links == [(name, title.replace(" ", "-")) for name, title in plain]


def test_who_starts_the_account_by_hand_is_told_how_to_go_on(dev: Sandbox) -> None:
    shown = "\n".join(by_hand.begin(dev, "instance"))
    assert f"export AWS_ENDPOINT_URL={dev.address} " in shown
    assert "5 minutes ago: an instance died. docs/runbook.md says what to do." in shown
    assert "terminated" in dev.command("events", "--since", "1h")[1]
    code, shown = dev.command("run", "device-check", "--yes")
    assert (code, "exit code 0" in shown) == (0, True), "a job has an end there"


def test_what_the_commands_print_fits_a_terminal() -> None:
    blocks = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
    shown = [line for block in blocks for line in block.splitlines()]
    of_logs = re.compile(r"\d\d:\d\d:\d\d\.\d{3}  |      (means|do): ")  # as the server wrote them
    long = [x for x in shown if len(x) > WIDTH and not of_logs.match(x)]
    assert [x for x in long if max(map(len, x.split())) < WIDTH // 2] == [], "words that fit"
