"""Outside of the hours of its Capacity Blocks a pool rests: no command takes that for a fault."""

import json
import re
from collections.abc import Generator

import pytest

from tests.account.running import Sandbox, plainly, sandbox


@pytest.fixture(scope="module")
def blocks() -> Generator[Sandbox]:
    with sandbox("tests/account/blocks.yaml") as found:
        yield found


def test_a_model_that_rests_is_as_promised(blocks: Sandbox) -> None:
    code, shown = blocks.command("status")
    assert code == 0, shown
    assert re.search(r"in-blocks +rests +0 of 1", shown) and re.search(r"always +runs", shown)
    until = "trn1: no Capacity Block runs until 2026-12-01T11:30Z, when cr-0a1b2c3d begins"
    assert until in plainly(shown)
    code, shown = blocks.command("status", "--json")
    states = {m["name"]: m["state"] for m in json.loads(shown)["regions"][0]["models"]}
    assert (code, states) == (0, {"in-blocks": "rests", "always": "runs"})


@pytest.mark.parametrize("argv", [("verify",), ("doctor", "in-blocks"), ("doctor",)])
def test_no_command_takes_it_for_a_fault(blocks: Sandbox, argv: tuple[str, ...]) -> None:
    code, shown = blocks.command(*argv)
    assert code == 0, shown
    if argv != ("doctor",):
        assert "no Capacity Block runs until 2026-12-01T11:30Z" in plainly(shown), shown


def test_nobody_waits_for_it(blocks: Sandbox) -> None:
    code, shown = blocks.command("wait", "--timeout", "1m")
    assert code == 0, shown
    assert "in-blocks: rests, 0 of 1 running" in shown and "always: steady" in shown
