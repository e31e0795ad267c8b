"""After a rollback `diff --running` says which slots of a model run what, and what comes next."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

import catalog
from neuron_ecs.stackfile.reading import read
from tests.account.running import Sandbox, plainly, sandbox
from tests.account.state import Trouble
from tests.account.test_running import DENIED
from tests.account.wire import Json
from tests.contract.graphs import ROOT

FILE = "tests/account/slots.yaml"
MODEL = "on-two-slots"
BROKEN = "public.ecr.aws/acme/broken:2"


@pytest.fixture(scope="module")
def slots() -> Generator[Sandbox]:
    with sandbox(FILE) as found:
        yield found


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stack file with one setting of the model changed, which runs on two slots."""
    whole = (ROOT / FILE).read_text(encoding="utf-8")
    old = "max_num_seqs: 3, max_model_len: 8192}"
    assert whole.count(old) == 1
    path = tmp_path_factory.mktemp("head") / "slots.yaml"
    path.write_text(whole.replace(old, "max_num_seqs: 2, max_model_len: 8192}"), encoding="utf-8")
    return path


def services(slots: Sandbox) -> list[Json]:
    there = slots.ecs().place.services.values()
    return sorted(
        (s for s in there if f"_{MODEL}_" in s["serviceName"]),
        key=lambda s: str(s["serviceName"]),
    )


def deploy(slots: Sandbox, service: Json, containers: list[Json], *troubles: Trouble) -> str:
    """Registers the containers for a service and moves it there; returns what it then has."""
    ecs = slots.client("ecs")
    old = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    of_aws = {"taskDefinitionArn", "revision", "status", "registeredAt"}
    given = {key: value for key, value in old.items() if key not in of_aws}
    given["containerDefinitions"] = containers
    new = ecs.register_task_definition(**given)["taskDefinition"]["taskDefinitionArn"]
    slots.account.state.troubles += troubles
    ecs.update_service(
        cluster=service["clusterArn"], service=service["serviceName"], taskDefinition=new
    )
    return str(service["taskDefinition"])


def planned(path: Path, number: int) -> list[Json]:
    """The containers of a slot of the model, in the plan of a stack file."""
    plan = read(stack=None, file=path, directory=ROOT).plan(catalog.load())
    (model,) = (m for r in plan.regions for m in r.models if m.name == MODEL)
    return json.loads(model.services[number].task_definition.container_definitions)


def running(slots: Sandbox, head: Path, *more: str, **given: Any) -> tuple[int, str]:
    return slots.command("diff", str(ROOT / FILE), str(head), "--running", *more, **given)


def test_slots_that_all_run_base_take_one_line(slots: Sandbox, head: Path) -> None:
    slots.restore()
    code, shown = running(slots, head)
    assert (code, "every slot of BASE's models runs BASE" in shown) == (0, True), shown
    code, shown = running(slots, head, "--json", "--exit-code")
    found = json.loads(shown)
    assert (code, found["running"]["models"], found["changed"]) == (3, [], True)
    code, shown = slots.command("diff", str(ROOT / FILE), str(head), "--json")
    assert (code, "running" in json.loads(shown)) == (0, False), "it asks nobody by itself"


def test_after_a_rollback_each_slot_says_what_it_runs_and_gets(slots: Sandbox, head: Path) -> None:
    slots.restore()
    first, second = services(slots)
    deploy(slots, first, planned(head, 0))
    family = str(second["taskDefinition"]).rpartition("/")[2].rpartition(":")[0]
    fails = Trouble(f"{family}:2", "ends", "EssentialContainerExited", "Essential", exit_code=1)
    stays = deploy(slots, second, planned(head, 1), fails)
    assert stays.endswith(f"{family}:1"), "ECS has rolled it back"

    code, shown = running(slots, head, "--json")
    (model,) = json.loads(shown)["running"]["models"]
    assert (code, model["name"], model["what"]) == (0, MODEL, "its slots run different revisions")
    said = [(s["chips"], s["revision"], s["runs"], s["update"]) for s in model["slots"]]
    assert said == [("0", "2", "head", "none"), ("1", "1", "base", "deploy")]

    code, shown = running(slots, head)
    assert code == 0 and max(map(len, shown.partition("Running at")[2].splitlines())) <= 80
    assert "1 slot to get HEAD: run `pulumi up --refresh`" in plainly(shown), shown


def test_what_was_put_there_by_hand_is_neither(slots: Sandbox, head: Path) -> None:
    slots.restore()
    first, _ = services(slots)
    changed = planned(ROOT / FILE, 0)
    changed[0]["image"] = BROKEN
    deploy(slots, first, changed)
    code, shown = running(slots, ROOT / FILE)
    assert code == 0
    assert "its slots run different images" in shown and f"image on 0: {BROKEN}" in shown, shown
    assert "neither" in shown and "gets HEAD" in shown


def test_what_is_not_read_is_told_and_an_exit_code(slots: Sandbox, head: Path) -> None:
    slots.restore()
    refused = slots.account.state.refused
    refused["us-west-2", "ecs:DescribeTaskDefinition"] = DENIED
    code, shown = running(slots, head)
    assert (code, "not read: us-west-2" in shown) == (1, True), shown
    assert "what it runs could not be read" in plainly(shown)
    refused.clear()


def test_a_comment_asks_nobody(slots: Sandbox, head: Path) -> None:
    code, shown = running(slots, head, "--markdown")
    assert (code, "--running" in shown) == (2, True)
