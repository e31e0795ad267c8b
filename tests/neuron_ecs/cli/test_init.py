"""`init` writes a stack file that plans, on the cheapest pools, or nothing."""

import io
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from catalog import load
from neuron_ecs.stackfile.reading import read
from tests.neuron_ecs import running

ROOT = Path(__file__).parents[3]
CATALOG = load()
MODELS = sorted(CATALOG.serving.models)
REGIONS = sorted(
    name
    for name in CATALOG.places.regions_offering("inf2.48xlarge")
    if CATALOG.places.regions[name].neuron_ami == "documented"
)
SMALL, LARGE = "Qwen/Qwen3-0.6B", "Qwen/Qwen3-8B"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
    return tmp_path


def init(project: Path, *arguments: str, answer: str = "") -> tuple[int, str]:
    kept, sys.stdin = sys.stdin, io.StringIO(answer)
    try:
        return running.printed("init", *arguments, "--project", str(project), "--width", "100")
    finally:
        sys.stdin = kept


def options(name: str, values: list[str]) -> list[str]:
    return [word for value in values for word in (name, value)]


def is_tight(choice: dict[str, Any]) -> bool:
    return any(pool["tight"] for pool in choice["pools"])


@pytest.mark.parametrize("seed", range(24))
def test_what_is_written_plans_without_an_error(project: Path, seed: int) -> None:
    drawn = random.Random(seed)
    models = drawn.sample(MODELS, drawn.choice([1, 1, 2, 3, 4, 6]))
    regions = drawn.sample(REGIONS, drawn.choice([1, 1, 2, 3]))
    purchase = drawn.choice(["on_demand", "spot"])
    told = [*options("--model", models), *options("--region", regions), "--purchase", purchase]
    code, out = init(project, *told, "--json", "--yes")
    found = json.loads(out)
    file = project / "Pulumi.dev.yaml"
    assert found["written"] == file.exists() == (code == 0)
    if not file.exists():
        assert found["choices"] == []
        assert found["refused"], "it says why"
        return
    plan = read(stack="dev", file=None, directory=project).plan(CATALOG)
    assert {r.name for r in plan.regions} == set(regions)
    assert all(len(r.models) == len(models) for r in plan.regions)
    first = found["choices"][0]
    alike = [c for c in found["choices"] if is_tight(c) == is_tight(first) and c["usd_per_month"]]
    prices = [float(choice["usd_per_month"]) for choice in alike]
    assert prices == sorted(prices), "the cheapest first"
    if first["usd_per_month"]:
        assert float(found["price"]["usd_per_month"]["max"]) == pytest.approx(prices[0], abs=0.05)


def test_models_share_a_pool_where_that_is_cheaper(project: Path) -> None:
    _, alone = init(project, "--model", LARGE, "--json")
    _, both = init(project, "--model", LARGE, "--model", SMALL, "--json")
    first = json.loads(both)["choices"][0]
    assert [pool["models"] for pool in first["pools"]] == [["qwen3-8b", "qwen3-0-6b"]]
    assert first["usd_per_month"] == json.loads(alone)["choices"][0]["usd_per_month"]


def test_one_model_has_the_types_to_choose_from_with_their_prices(project: Path) -> None:
    _, out = init(project, "--model", SMALL, "--json")
    choices = json.loads(out)["choices"]
    types = [pool["instance_type"] for choice in choices for pool in choice["pools"]]
    assert len(set(types)) == len(types) == 3
    assert all(choice["usd_per_month"] for choice in choices)


def test_on_a_pipe_nothing_is_written_without_an_answer(project: Path) -> None:
    code, out = init(project, "--model", SMALL)
    assert code == 1
    assert out.endswith("nothing was written\n")
    assert "Choices on demand in us-west-2" in out
    assert not (project / "Pulumi.dev.yaml").exists()
    assert init(project, "--model", SMALL, "--json")[0] == 0
    assert not (project / "Pulumi.dev.yaml").exists(), "--json writes only with --yes"
    assert init(project, "--model", SMALL, answer="y\n")[0] == 0
    assert (project / "Pulumi.dev.yaml").exists()


def test_a_file_that_exists_is_never_overwritten(project: Path) -> None:
    file = project / "Pulumi.dev.yaml"
    file.write_text("config: {}\n")
    code, said = running.refused("init", "--model", SMALL, "--yes", "--project", str(project))
    assert code == 2
    assert "models add" in said
    assert file.read_text() == "config: {}\n"


def test_what_costs_more_than_the_budget_is_not_written(project: Path) -> None:
    assert init(project, "--model", SMALL, "--budget", "100", "--yes")[0] == 1
    assert not (project / "Pulumi.dev.yaml").exists()
    assert init(project, "--model", SMALL, "--budget", "1000", "--yes")[0] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        ("--model", "acme/unheard-of"),
        ("--model", SMALL, "--region", "us-west-9"),
        ("--model", SMALL, "--budget", "much"),
        ("--model", SMALL, "--stack", "../x"),
    ],
)
def test_wrong_usage_is_told(project: Path, wrong: tuple[str, ...]) -> None:
    assert running.refused("init", *wrong, "--yes", "--project", str(project))[0] == 2


class Terminal(io.StringIO):
    """Answers as people type them."""

    def isatty(self) -> bool:
        return True


def test_one_model_takes_at_most_three_questions(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Terminal(f"{SMALL}\nus-east-2 us-west-2\ny\nnever read\n")
    monkeypatch.setattr(sys, "stdin", answers)
    assert running.printed("init", "--project", str(project))[0] == 0
    assert answers.read() == "never read\n"
    plan = read(stack="dev", file=None, directory=project).plan(CATALOG)
    assert [r.name for r in plan.regions] == ["us-east-2", "us-west-2"]
