"""A model is compiled ahead in an account on loopback."""

import io
import json
import os
from collections.abc import Generator
from contextlib import redirect_stderr, redirect_stdout
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from neuron_ecs.cli.main import answer, parse
from neuron_ecs.operations.clock import Clock
from tests.account.running import Sandbox, environment, sandbox
from tests.account.state import Trouble
from tests.account.wire import Refusal
from tests.contract.graphs import ROOT

FAMILY = "neuron-ecs_compiled_job_compile-chat_inf2"
BUCKET = "my-cache"


@pytest.fixture(scope="module")
def running() -> Generator[Sandbox]:
    with sandbox("tests/account/compiled.yaml") as found:
        found.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
        )
        yield found


@pytest.fixture
def account(running: Sandbox) -> Sandbox:
    running.restore()
    s3 = running.client("s3")
    for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        s3.delete_object(Bucket=BUCKET, Key=one["Key"])
    return running


def compiles(account: Sandbox, *, code: int = 0) -> None:
    """Lets the next run of the job end so."""
    trouble = Trouble(FAMILY, "ends", "EssentialContainerExited", "Essential", exit_code=code)
    account.account.state.troubles.append(trouble)


def runs(account: Sandbox) -> list[Any]:
    return [t for t in account.ecs().place.tasks.values() if FAMILY in t["taskDefinitionArn"]]


def keys(account: Sandbox) -> list[str]:
    found = account.client("s3").list_objects_v2(Bucket=BUCKET)
    return [one["Key"] for one in found.get("Contents", ())]


def test_a_run_that_ends_well_leaves_the_marker(account: Sandbox) -> None:
    compiles(account)
    code, shown = account.command("compile", "chat", "--yes")
    assert code == 0, shown
    (marker,) = keys(account)
    assert f"compiled: s3://{BUCKET}/{marker}" in " ".join(shown.split())
    assert len(runs(account)) == 1


def test_the_exit_code_is_that_of_the_run(account: Sandbox) -> None:
    compiles(account, code=137)
    code, shown = account.command("compile", "--yes", "--json")
    assert code == 137
    (run,) = json.loads(shown[shown.index("{") :])["runs"]
    assert (run["exit_code"], run["marker"]) == (137, "")
    assert "137" in run["reason"]


def test_settings_that_are_not_in_the_account_yet_are_registered_first(account: Sandbox) -> None:
    compiles(account)
    place = account.ecs().place
    newest = place.definitions[next(a for a in place.definitions if a.endswith(f"{FAMILY}:1"))]
    newest["containerDefinitions"][0]["command"] = ["--model=another"]
    code, shown = account.command("compile", "chat", "--yes")
    assert code == 0, shown
    assert f"registers a revision of {FAMILY}" in " ".join(shown.split())
    (run,) = runs(account)
    assert run["taskDefinitionArn"].endswith(f"{FAMILY}:2")


def test_a_run_that_goes_on_is_joined(account: Sandbox) -> None:
    place = account.ecs()
    (cluster,) = (n for n in place.place.clusters if "auto-scaling" in n)
    strategy = [{"capacityProvider": next(iter(place.place.providers))}]
    disk = {"name": "scratch", "managedEBSVolume": {"roleArn": "arn:aws:iam::1:role/volumes"}}
    first = place.run_task(
        FAMILY, cluster=cluster, capacityProviderStrategy=strategy, volumeConfigurations=[disk]
    )["tasks"][0]
    stopped: list[float] = []

    def later(seconds: float) -> None:
        stopped.append(seconds)
        place.scheduler.stop(first, "EssentialContainerExited", "Essential")

    code, shown = account.command(
        "compile", "chat", "--yes", clock=Clock(account.account.now, later)
    )
    assert "joins the run of compile-chat" in shown
    assert len(runs(account)) == 1
    assert stopped and code in (0, 1, 143)


def test_an_ebs_volume_of_a_job_is_made_with_the_role_of_the_stack(account: Sandbox) -> None:
    roles = account.client("iam").list_roles()["Roles"]
    role = next(r["Arn"] for r in roles if r["RoleName"].startswith("task-volumes-"))
    disk = {
        "name": "scratch",
        "managedEBSVolume": {
            "roleArn": role,
            "encrypted": True,
            "volumeType": "gp3",
            "sizeInGiB": 50,
            "filesystemType": "xfs",
        },
    }
    code, shown = account.command("compile", "chat", "--json")
    (asked,) = json.loads(shown)["requests"]
    assert (code, asked["volumeConfigurations"]) == (1, [disk])
    code, shown = account.command("run", "clean", "--yes", "--detach", "--json")
    assert code == 0, shown
    assert [t for t in account.ecs().place.tasks.values() if "_clean_" in t["taskDefinitionArn"]]


def test_a_role_that_is_missing_or_that_two_stacks_have_is_not_guessed(account: Sandbox) -> None:
    iam = account.client("iam")
    made = {"RoleName": "task-volumes-0000000", "AssumeRolePolicyDocument": "{}"}
    iam.create_role(**made, Tags=[{"Key": "Name", "Value": "task-volumes"}])
    code, shown = account.command("run", "clean", "--yes", "--detach")
    iam.delete_role(RoleName=made["RoleName"])
    assert code == 1
    assert "several stacks have a role task-volumes as this one" in " ".join(shown.split())
    roles = iam.list_roles()["Roles"]
    role = next(r["RoleName"] for r in roles if r["RoleName"].startswith("task-volumes-"))
    iam.tag_role(RoleName=role, Tags=[{"Key": "Name", "Value": "another"}])
    code, shown = account.command("run", "clean", "--yes", "--detach")
    iam.tag_role(RoleName=role, Tags=[{"Key": "Name", "Value": "task-volumes"}])
    assert code == 1
    assert "the role task-volumes of the job's EBS volume is not found" in " ".join(shown.split())


def test_a_model_that_is_not_compiled_ahead_is_told_so(dev: Sandbox) -> None:
    code, shown = dev.command("compile", "tinyllama", "--yes")
    assert code == 2
    assert "write models.tinyllama.serve.compile: ahead" in " ".join(shown.split())


def test_without_a_yes_nothing_is_started(account: Sandbox) -> None:
    code, shown = account.command("compile", "chat", "--json")
    assert code == 1
    (asked,) = json.loads(shown)["requests"]
    assert FAMILY in asked["taskDefinition"]
    assert runs(account) == []


def cache(account: Sandbox, *argv: str) -> tuple[int, str]:
    """Runs an action of `cache`."""
    words = ["cache", *argv, "--file", str(ROOT / account.file), "--project", str(ROOT)]
    shown = io.StringIO()
    with patch.dict(os.environ, environment(account.address) | {"COLUMNS": "80"}):
        with redirect_stdout(shown), redirect_stderr(shown):
            found = parse(words)
            code = answer(found, found.call)
    return code, shown.getvalue()


def put(account: Sandbox, fingerprint: str, body: bytes = b"neff") -> None:
    account.client("s3").put_object(Bucket=BUCKET, Key=f"neuron/{fingerprint}/a/b", Body=body)


def of_plan(account: Sandbox) -> str:
    """The fingerprint of the model."""
    _, shown = cache(account, "list", "--json")
    (place,) = json.loads(shown)["places"]
    return next(one["fingerprint"] for one in place["fingerprints"] if one["models"])


def test_the_list_says_which_model_uses_what(account: Sandbox) -> None:
    present, old = of_plan(account), "0" * 12
    for fingerprint in (present, old):
        put(account, fingerprint, b"x" * 2048)
    code, shown = cache(account, "list")
    assert code == 0
    assert f"{present} chat 2 KiB" in " ".join(shown.split())
    assert f"{old} none: unused 2 KiB" in " ".join(shown.split())


def runs_with(account: Sandbox, fingerprint: str, *, revision: bool = False) -> None:
    """Lets the services of the model run with artefacts of a fingerprint that the plan has not;
    with `revision` only the deployment before has it."""
    place = account.ecs().place
    service = next(s for s in place.services.values() if "chat" in s["serviceName"])
    before = place.definitions[service["taskDefinition"]]
    text = json.dumps(before["containerDefinitions"]).replace(of_plan(account), fingerprint)
    changed = {**before, "containerDefinitions": json.loads(text)}
    if not revision:
        place.definitions[service["taskDefinition"]] = changed
        return
    place.definitions[service["taskDefinition"]] = changed
    ecs = account.client("ecs")
    made = ecs.register_task_definition(
        **{
            k: before[k]
            for k in ("family", "containerDefinitions", "volumes", "cpu", "memory")
            if k in before
        }
    )["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(
        cluster=service["clusterArn"], service=service["serviceName"], taskDefinition=made
    )
    account.account.later(timedelta(minutes=30))


@pytest.mark.parametrize("revision", [False, True])
def test_prune_keeps_what_a_revision_needs_that_runs_or_ran_before(
    account: Sandbox, revision: bool
) -> None:
    running, old = "2" * 12, "0" * 12
    for fingerprint in (running, of_plan(account), old):
        put(account, fingerprint)
    runs_with(account, running, revision=revision)
    code, shown = cache(account, "list")
    assert code == 0, shown
    when = "chat as it was before" if revision else "chat as it runs"
    assert f"{running} {when} 4 B" in " ".join(shown.split())
    code, shown = cache(account, "prune", "--previous=0", "--yes")
    assert code == 0, shown
    assert {key.split("/")[1] for key in keys(account)} == {running, of_plan(account)}


def test_nothing_is_deleted_where_what_runs_cannot_be_read(account: Sandbox) -> None:
    put(account, "0" * 12)
    refused = Refusal("AccessDeniedException", "not authorized")
    account.account.state.refused["us-west-2", "ecs:ListServices"] = refused
    code, shown = cache(account, "prune", "--previous=0", "--yes")
    assert code == 1
    assert "what runs in us-west-2 could not be read" in " ".join(shown.split())
    assert len(keys(account)) == 1


def test_prune_keeps_what_is_used_and_the_newest_of_the_others(account: Sandbox) -> None:
    present = of_plan(account)
    others = ["0" * 12, "1" * 12]
    for fingerprint in (*others, present):
        put(account, fingerprint)
    code, shown = cache(account, "prune", "--yes")
    assert (code, shown.splitlines()[-1]) == (0, "deleted 1 fingerprint, 4 B")
    code, _ = cache(account, "prune", "--previous=0", "--yes")
    left = {key.split("/")[1] for key in keys(account)}
    assert left == {present}
