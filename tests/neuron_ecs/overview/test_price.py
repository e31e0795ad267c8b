"""`plan`, `preview`, `map` and `diff` print one price."""

import json
from pathlib import Path

import pytest

from tests.neuron_ecs import running

ROOT = Path(__file__).parents[3]
STACKS = [ROOT / "Pulumi.prod.yaml", ROOT / "examples" / "cpu-beside-neuron.yaml"]


@pytest.mark.parametrize("file", STACKS, ids=lambda f: f.stem)
def test_every_command_prints_the_same_price(file: Path) -> None:
    found: list[tuple[str, object]] = []
    for command in ("plan", "preview", "map"):
        code, text = running.printed(command, "--file", str(file), "--width", "100")
        assert code == 0
        lines = text[text.index("Price, USD a month") :].split("\n\n")[0].strip()
        document = json.loads(running.printed(command, "--file", str(file), "--json")[1])
        found.append((lines, document["price"]))
    assert found[0] == found[1] == found[2]
    compared = json.loads(running.printed("diff", str(file), str(file), "--json")[1])["price"]
    price = document["price"]
    assert compared["after"] == price["usd_per_month"]
    for line, pool in zip(compared["lines"], price["pools"], strict=True):
        assert line["after"].items() <= pool.items()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_price_keeps_to_the_width(width: int) -> None:
    for file in sorted((ROOT / "examples").glob("*.yaml")):
        _, text = running.printed("plan", "--file", str(file), "--width", str(width))
        price = text[text.index("Price, USD a month") :].split("\n\n")[0]
        assert max(map(len, price.splitlines())) <= width


def test_alarms_events_and_dashboards_name_their_recipients(tmp_path: Path) -> None:
    more = [
        "  neuron-ecs:dashboards: true",
        "  neuron-ecs:alarms: {emails: [a@b.org], slack: {workspace: T01, channel: C01}}",
    ]
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text("\n".join([(ROOT / "Pulumi.dev.yaml").read_text(), *more]))
    shown = running.printed("plan", "--file", str(file), "--width", "80")[1]
    lines = shown[shown.index("Watching") :].splitlines()
    assert lines[1].startswith("  us-west-2: 7 alarms and 5 kinds of events, to a@b.org and Slack")
    assert lines[-1] == "  us-west-2: dashboard neuron-ecs_dev_us-west-2"
    assert max(map(len, lines)) <= 80
    assert "Watching" not in running.printed("plan", "--stack", "dev")[1]
