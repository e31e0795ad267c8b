"""What the workflows may do, as laws over all of them."""

import json
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.workflows.reading import FOLDER, GITLAB, ROOT, WORKFLOWS, jobs, load, steps

PIN = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)

# Everything that a job may do beyond nothing; what is not here is refused.
PERMISSIONS = {
    ("pull-request.yml", "test"): {"contents": "read"},
    ("pull-request.yml", "diff"): {"contents": "read"},
    ("engine.yml", "engine"): {"contents": "read"},
    ("comment.yml", "comment"): {"actions": "read", "pull-requests": "write"},
    ("preview.yml", "stacks"): {"contents": "read"},
    ("preview.yml", "preview"): {"contents": "read", "id-token": "write"},
    ("deploy.yml", "dev"): {"contents": "read", "id-token": "write"},
    ("deploy.yml", "prod"): {"contents": "read", "id-token": "write"},
    ("deploy-stack.yml", "up"): {"contents": "read", "id-token": "write"},
    ("drift.yml", "drift"): {"contents": "read", "id-token": "write"},
    ("drift.yml", "issue"): {"issues": "write"},
}


def vendored(name: str) -> Any:
    folder = files("check_jsonschema") / "builtin_schemas" / "vendor"
    return json.loads((folder / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_a_workflow_is_what_githubs_schema_describes(path: Path) -> None:
    jsonschema.validate(load(path), vendored("github-workflows.json"))  # pyright: ignore[reportUnknownMemberType]


def linted(*files: Path) -> subprocess.CompletedProcess[str]:
    """What the linter says of workflows: actionlint's checks, and those of its own for security.

    The shell scripts in them are checked as well where shellcheck is on PATH.
    """
    command = [sys.executable, "-m", "jactionlint", "--strict-exit", "--no-color", *map(str, files)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_linter_finds_nothing() -> None:
    done = linted(*WORKFLOWS)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("needs: stacks", "needs: nobody", "undefined-job-needs"),
        ("steps.touched.outputs.stacks", "steps.nobody.outputs.stacks", "undefined-property"),
        ("fetch-depth: 0", "fetch-deep: 0", "unknown-action-input"),
        ("fail-fast: false", "fail-fast: maybe", "workflow-syntax"),
        ('"$BASE" --head', '"${{ github.head_ref }}" --head', "template-injection"),
    ],
)
def test_the_linter_would_find_a_mistake(tmp_path: Path, right: str, wrong: str, rule: str) -> None:
    text = (FOLDER / "preview.yml").read_text(encoding="utf-8")
    assert right in text
    file = tmp_path / "preview.yml"
    file.write_text(text.replace(right, wrong), encoding="utf-8")
    done = linted(file)
    assert done.returncode == 1
    assert f"[{rule}]" in done.stdout, done.stdout


def test_the_gitlab_example_is_what_gitlabs_schema_describes() -> None:
    jsonschema.validate(load(GITLAB), vendored("gitlab-ci.json"))  # pyright: ignore[reportUnknownMemberType]


def test_every_job_has_the_permissions_that_it_needs_and_no_more() -> None:
    found = {
        (path.name, name): job.get("permissions", load(path).get("permissions"))
        for path in WORKFLOWS
        for name, job in jobs(path).items()
    }
    assert found == PERMISSIONS
    for path in WORKFLOWS:
        assert load(path)["permissions"] in ({}, {"contents": "read"}), "a job asks for the rest"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_actions_are_pinned_by_commit_with_the_version_beside_it(path: Path) -> None:
    uses = re.findall(r"^\s*(?:- )?uses: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    loose = [u for u in uses if not PIN.fullmatch(u) and not u.startswith("./")]
    assert uses
    assert loose == [], "a tag can be moved to other code"
    assert all((ROOT / u).is_file() for u in uses if u.startswith("./"))


def test_one_action_has_one_pin() -> None:
    texts = [path.read_text(encoding="utf-8") for path in WORKFLOWS]
    pins = {pin for text in texts for pin in PIN.findall(text)}
    assert len(pins) == len({pin.partition("@")[0] for pin in pins})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_no_expression_stands_in_a_script(path: Path) -> None:
    """GitHub pastes its value into the script before a shell reads it, branch names and all.

    https://docs.github.com/en/actions/concepts/security/script-injections
    """
    for _, step in steps(path):
        code = [step.get("run", ""), step.get("with", {}).get("script", "")]
        assert not any(EXPRESSION.search(text) for text in code), step


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_scripts_are_shell(path: Path) -> None:
    for _, step in steps(path):
        if "run" in step:
            done = subprocess.run(["bash", "-n"], input=step["run"].encode(), check=False)
            assert done.returncode == 0, step["run"]


def test_the_scripts_of_the_gitlab_example_are_shell() -> None:
    document = load(GITLAB)
    for job in ("test", "diff", "comment"):
        text = "\n".join(document[job]["script"])
        assert subprocess.run(["bash", "-n"], input=text.encode(), check=False).returncode == 0


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_names_in_expressions_exist(path: Path) -> None:
    document = load(path)
    contexts = {"github", "vars", "secrets", "inputs", "matrix", "needs", "steps", "runner"}
    for name, job in document["jobs"].items():
        needed = job.get("needs", [])
        needed = [needed] if isinstance(needed, str) else needed
        assert set(needed) <= set(document["jobs"])
        ids = [s["id"] for s in job.get("steps", ()) if "id" in s]
        assert len(ids) == len(set(ids))
        text = json.dumps(job)
        conditions = [job.get("if", ""), *(s.get("if", "") for s in job.get("steps", ()))]
        for code in [*EXPRESSION.findall(text), *map(str, conditions)]:
            bare = re.sub(r"'[^']*'", "", code)
            roots = set(re.findall(r"(?<![.\w-])([a-z]+)\.", bare))
            assert roots <= contexts, f"{name}: {code}"
            assert set(re.findall(r"\bneeds\.([\w-]+)", bare)) <= set(needed), f"{name}: {code}"
            assert set(re.findall(r"\bsteps\.([\w-]+)", bare)) <= set(ids), f"{name}: {code}"
            outputs = re.findall(r"\bneeds\.([\w-]+)\.outputs\.([\w-]+)", bare)
            assert all(o in document["jobs"][j]["outputs"] for j, o in outputs)


def test_every_job_ends() -> None:
    for path in WORKFLOWS:
        for name, job in jobs(path).items():
            assert "uses" in job or job["timeout-minutes"] <= 180, f"{path.name}: {name}"


def test_the_workflow_that_may_write_runs_nothing_of_the_pull_request() -> None:
    found = list(steps(FOLDER / "comment.yml"))
    assert not any("run" in step for _, step in found), "no shell"
    used = {step["uses"].partition("@")[0] for _, step in found}
    assert used == {"actions/github-script", "actions/download-artifact"}, "no checkout"
    assert load(FOLDER / "comment.yml")["on"]["workflow_run"]["workflows"] == [
        load(FOLDER / "pull-request.yml")["name"]
    ], "a name that no workflow has never starts"


def test_no_workflow_gives_a_pull_request_the_rights_of_its_base() -> None:
    """`pull_request_target` with a checkout is how repositories are taken over."""
    assert not any("pull_request_target" in load(path)["on"] for path in WORKFLOWS)


def test_no_checkout_leaves_its_token_behind() -> None:
    for path in WORKFLOWS:
        for _, step in steps(path):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", ["pull-request.yml", "engine.yml"])
def test_what_runs_for_forks_sees_no_secret(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert not re.search(r"secrets\.|vars\.|github\.token|id-token", text)


def test_the_engine_tests_do_not_pass_where_they_can_not_run() -> None:
    *_, install, test = [step for _, step in steps(FOLDER / "engine.yml")]
    assert install["uses"].startswith("pulumi/actions@")
    assert "command" not in install["with"], "the action installs the CLI and runs nothing"
    check, run = test["run"].splitlines()
    assert check.startswith("command -v pulumi"), "`make engine` without the CLI passes"
    assert run == "make engine"


def test_roles_are_never_assumed_for_forks() -> None:
    condition = jobs(FOLDER / "preview.yml")["stacks"]["if"]
    assert "head.repo.full_name == github.repository" in condition
    assert jobs(FOLDER / "preview.yml")["preview"]["needs"] == "stacks"


def test_environments_are_updated_in_order_and_one_at_a_time() -> None:
    document = load(FOLDER / "deploy.yml")
    assert document["on"] == {"push": {"branches": ["main"]}}
    assert document["concurrency"] == {"group": "deploy", "cancel-in-progress": False}
    assert [j["with"]["stack"] for j in document["jobs"].values()] == ["dev", "prod"]
    assert document["jobs"]["prod"]["needs"] == "dev"
    up = jobs(FOLDER / "deploy-stack.yml")["up"]
    assert up["environment"] == "${{ inputs.stack }}"
    assert up["concurrency"]["group"] == "stack-${{ inputs.stack }}"
    assert "neuron-ecs verify" in up["steps"][-1]["run"], "an update ends with the check"


def test_the_pulumi_cli_is_of_the_version_of_the_sdk() -> None:
    pinned = re.search(r"^pulumi==(.+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pinned
    for path in WORKFLOWS:
        for _, step in steps(path):
            if step.get("uses", "").startswith("pulumi/actions@"):
                assert step["with"]["pulumi-version"] == pinned[1]
