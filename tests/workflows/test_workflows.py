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
    ("pull-request.yml", "changes"): {"contents": "read"},
    ("pull-request.yml", "test"): {"contents": "read"},
    ("pull-request.yml", "diff"): {"contents": "read"},
    ("engine.yml", "changes"): {"contents": "read"},
    ("engine.yml", "engine"): {"contents": "read"},
    ("comment.yml", "comment"): {"actions": "read", "pull-requests": "write"},
    ("preview.yml", "diff"): {"contents": "read"},
    ("preview.yml", "preview"): {"contents": "read", "id-token": "write"},
    ("deploy.yml", "stacks"): {"contents": "read"},
    ("deploy.yml", "first"): {"contents": "read", "id-token": "write"},
    ("deploy.yml", "production"): {"contents": "read", "id-token": "write"},
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


def audited(*files: Path) -> subprocess.CompletedProcess[str]:
    """What zizmor says of workflows at the level of its auditors, without asking GitHub."""
    program = Path(sys.executable).with_name("zizmor")
    options = ["--offline", "--persona", "auditor", "--no-progress", "--color", "never"]
    command = [str(program), *options, *map(str, files)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_linters_find_nothing() -> None:
    done = linted(*WORKFLOWS)
    assert done.returncode == 0, done.stdout
    done = audited(*WORKFLOWS)
    assert done.returncode == 0, done.stdout


def test_every_exception_from_a_linter_has_its_reason_beside_it() -> None:
    for path in WORKFLOWS:
        for line in path.read_text(encoding="utf-8").splitlines():
            if "zizmor:" in line:
                assert re.search(r"# zizmor: ignore\[[a-z-]+\] -- \w+ \w+", line), line


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        (" # zizmor: ignore[secrets-outside-env] -- see above", "", "secrets-outside-env"),
        ("persist-credentials: false", "persist-credentials: true", "artipacked"),
        ("permissions: {}", "permissions: write-all", "excessive-permissions"),
    ],
)
def test_zizmor_would_find_a_mistake(tmp_path: Path, right: str, wrong: str, rule: str) -> None:
    text = (FOLDER / "preview.yml").read_text(encoding="utf-8")
    assert right in text
    file = tmp_path / "preview.yml"
    file.write_text(text.replace(right, wrong), encoding="utf-8")
    done = audited(file)
    assert done.returncode != 0
    assert f"[{rule}]" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("needs: diff", "needs: nobody", "undefined-job-needs"),
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
            minutes = job["timeout-minutes"]
            if minutes != "${{ matrix.job_minutes }}":  # of `ci deployments`, at most JOB_MINUTES
                assert minutes <= 60, f"{path.name}: {name}"


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


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_secrets_and_credentials_stand_on_the_steps_that_need_them(path: Path) -> None:
    """A job's environment is that of every action and package that the job runs."""
    credential = re.compile(r"secrets\.|steps\.aws\.outputs|github\.token")
    document = load(path)
    outside = {k: v for k, v in document.items() if k != "jobs"}
    assert not credential.search(json.dumps(outside))
    for job in document["jobs"].values():
        outside = {k: v for k, v in job.items() if k != "steps"}
        assert not credential.search(json.dumps(outside))
        for step in job.get("steps", ()):
            if credential.search(json.dumps(step)):
                engine = "command" in step.get("with", {}) or "pulumi preview" in step.get(
                    "run", ""
                )
                token = step.get("uses", "").startswith("actions/download-artifact@")
                assert engine or token or "neuron-ecs verify" in step["run"], step
                assert engine or "secrets." not in json.dumps(step), step
            if step.get("uses", "").startswith("aws-actions/configure-aws-credentials@"):
                assert step["with"]["output-env-credentials"] is False, "else every later step's"


def test_no_job_that_can_have_a_role_runs_the_offline_diff() -> None:
    for path in WORKFLOWS:
        for name, step in steps(path):
            if "id-token" in jobs(path)[name].get("permissions", {}):
                assert not re.search(r"neuron-ecs (ci )?diff", step.get("run", "")), path.name


def test_secrets_are_those_of_an_environment_but_for_pull_requests() -> None:
    for path in WORKFLOWS:
        for name, job in jobs(path).items():
            if "secrets." in json.dumps(job) and "pull_request" not in load(path)["on"]:
                assert job["environment"], f"{path.name}: {name}"
                assert "uses" not in job, "a called workflow does not get an environment's secrets"


def test_stacks_are_found_and_not_listed() -> None:
    """Of a stack that somebody adds, no workflow needs to be told."""
    names = {path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml")}
    assert {"dev", "prod"} <= names
    for path in WORKFLOWS:
        words = re.findall(r"(?<![\w/-])[\w-]+", json.dumps(load(path)))
        assert not names & set(words), path.name


def test_roles_are_never_assumed_for_forks() -> None:
    condition = jobs(FOLDER / "preview.yml")["diff"]["if"]
    assert "head.repo.full_name == github.repository" in condition
    assert jobs(FOLDER / "preview.yml")["preview"]["needs"] == "diff"


def test_environments_are_updated_one_at_a_time_and_production_last() -> None:
    document = load(FOLDER / "deploy.yml")
    assert document["on"] == {"push": {"branches": ["main"]}}
    assert document["concurrency"] == {"group": "deploy", "cancel-in-progress": False}
    first, production = (document["jobs"][name] for name in ("first", "production"))
    assert "first" in production["needs"]
    assert "needs.first.result == 'success' || needs.first.result == 'skipped'" in production["if"]
    assert first["steps"] == production["steps"]
    for name, job in (("first", first), ("production", production)):
        expected = f"${{{{ fromJSON(needs.stacks.outputs.{name}) }}}}"
        assert job["strategy"]["matrix"]["include"] == expected
        assert job["strategy"]["max-parallel"] == 1
        assert job["strategy"]["fail-fast"] is True, "after a failure none starts"
        assert job["environment"] == "${{ matrix.stack }}"
        assert job["concurrency"]["group"] == "stack-${{ matrix.stack }}"
        assert job["timeout-minutes"] == "${{ matrix.job_minutes }}"
        (role,) = [s["with"] for s in job["steps"] if "role-to-assume" in s.get("with", {})]
        assert role["role-duration-seconds"] == "${{ matrix.session_seconds }}"
        assert "neuron-ecs verify" in job["steps"][-1]["run"], "an update ends with the check"


@pytest.mark.parametrize(("name", "job"), [("pull-request.yml", "test"), ("engine.yml", "engine")])
def test_the_tests_of_the_tool_are_skipped_by_a_condition_of_their_job(name: str, job: str) -> None:
    """A workflow that does not start leaves its required checks pending, a skipped job does not.

    https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/troubleshooting-required-status-checks
    """
    assert load(FOLDER / name)["on"] == {"pull_request": None}, "no filter of paths"
    condition = jobs(FOLDER / name)[job]["if"]
    assert condition == "${{ !cancelled() && needs.changes.outputs.only_stacks != 'true' }}", (
        "where the comparison fails, the tests run"
    )
    assert jobs(FOLDER / name)[job]["name"] == job, "the name of the required check"


def test_a_session_of_a_role_outlives_every_job_that_has_one() -> None:
    """An hour without a word; https://github.com/aws-actions/configure-aws-credentials."""
    for path in WORKFLOWS:
        for name, job in jobs(path).items():
            for given in (step.get("with", {}) for step in job["steps"]):
                if "role-to-assume" in given and "role-duration-seconds" not in given:
                    assert job["timeout-minutes"] <= 60, f"{path.name}, {name}"


def _pattern(glob: str) -> str:
    """A pattern of GitLab as a regular expression: Ruby's File.fnmatch, where * leaves out /.

    https://docs.gitlab.com/ci/jobs/job_rules/#specify-when-jobs-run-with-rules
    """
    whole = re.escape(glob).replace(r"\*\*/", "(?:.+/)?").replace(r"\*", "[^/]*")
    return re.sub(r"\\\[!(\w)\\\]", r"[^/\1]", whole)


def test_the_tests_of_the_tool_run_on_gitlab_unless_only_stack_files_are_touched() -> None:
    (rule,) = load(GITLAB)["test"]["rules"]
    patterns = [re.compile(_pattern(glob)) for glob in rule["changes"]["paths"]]

    def starts(file: str) -> bool:
        return any(pattern.fullmatch(file) for pattern in patterns)

    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=True)
    files = listed.stdout.decode().split()
    stacks = {f for f in files if re.fullmatch(r"Pulumi\.[^/]+\.yaml", f)}
    assert len(stacks) > 1
    assert {f for f in files if not starts(f)} == stacks


def test_readme_has_the_trust_policy_of_each_role_that_a_job_assumes() -> None:
    """The subject of a job's token: its environment, else the event.

    https://docs.github.com/en/actions/reference/security/oidc#example-subject-claims
    """
    subjects = set[str]()
    for path in WORKFLOWS:
        for job in jobs(path).values():
            if any("role-to-assume" in s.get("with", {}) for s in job.get("steps", ())):
                environment = str(job.get("environment", "")).replace("${{ matrix.stack }}", "prod")
                by_event = next(iter(load(path)["on"]))
                subjects.add(f"environment:{environment}" if environment else by_event)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    policies = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", readme, re.DOTALL)]
    issuer = "token.actions.githubusercontent.com"
    provider = f"arn:aws:iam::111122223333:oidc-provider/{issuer}"
    assert sorted(subjects) == ["environment:drift", "environment:prod", "pull_request"]
    found = [p["Statement"][0]["Condition"]["StringEquals"][f"{issuer}:sub"] for p in policies]
    assert sorted(found) == [f"repo:ORG/REPO:{subject}" for subject in sorted(subjects)]
    for policy, subject in zip(policies, found, strict=True):
        equal = {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": subject}
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": equal},
        }
        assert policy == {"Version": "2012-10-17", "Statement": [statement]}
    assert "An environment without protection is no gate" in readme


def test_the_pulumi_cli_is_of_the_version_of_the_sdk() -> None:
    pinned = re.search(r"^pulumi==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pinned
    for path in WORKFLOWS:
        for _, step in steps(path):
            if step.get("uses", "").startswith("pulumi/actions@"):
                assert step["with"]["pulumi-version"] == pinned[1]
