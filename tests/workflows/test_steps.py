"""The offline diff's own steps, run as they stand in a fresh clone with a base and a head."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from neuron_ecs.diff.markdown import MARKER
from neuron_ecs.workflows.comment import COMMENT_BYTES, QUIET
from tests.workflows.reading import FOLDER, GITLAB, ROOT, jobs, load

NAMED = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
INSTALL = "make .venv/.runtime"


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *NAMED, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with this checkout's files as its only commit."""
    folder = tmp_path_factory.mktemp("origin")
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=base")
    return folder


def _install(work: Path) -> None:
    """Puts the command where `make` installs it; this environment's packages, the clone's code."""
    script = work / ".venv/bin/neuron-ecs"
    script.parent.mkdir(parents=True)
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m neuron_ecs "$@"\n', encoding="utf-8")
    script.chmod(0o755)


class Run:
    """A pull request, and what the steps of the job made of it."""

    def __init__(self, origin: Path, folder: Path, edits: dict[str, str]) -> None:
        work = folder / "work"
        git(folder, "clone", "--quiet", str(origin), str(work))
        self.base = git(work, "rev-parse", "HEAD")
        for name, text in edits.items():
            (work / name).write_text(text, encoding="utf-8")
        git(work, "add", "--all")
        git(work, "commit", "--quiet", "--message=head")
        self.head = git(work, "rev-parse", "HEAD")
        _install(work)
        (work / ".git/info/exclude").write_text(".venv\n", encoding="utf-8")
        self.work, self.temp, self.summary = work, folder / "temp", folder / "summary.md"
        self.temp.mkdir()
        self.said = ""

    def job(self) -> int:
        """Runs the scripts of the job, but the installing one; the first failure ends it."""
        event = {
            "github.event.pull_request.base.sha": self.base,
            "github.event.pull_request.head.sha": self.head,
        }
        ran = 0
        for step in jobs(FOLDER / "pull-request.yml")["diff"]["steps"]:
            if "run" not in step or step["run"] == INSTALL:
                continue
            more = {
                k: re.sub(r"\$\{\{ (\S+) \}\}", lambda m: event[m[1]], v)
                for k, v in step.get("env", {}).items()
            }
            ran += 1
            if code := self.bash(step["run"], more):
                return code
        assert ran, "the job has scripts"
        return 0

    def bash(self, script: str, more: dict[str, str]) -> int:
        """As a runner does where no shell is named: `bash -e` on a file."""
        places = {"RUNNER_TEMP": str(self.temp), "GITHUB_STEP_SUMMARY": str(self.summary)}
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR")}
        file = self.temp / "step.sh"
        file.write_text(script, encoding="utf-8")
        command = ["bash", "-e", str(file)]
        done = subprocess.run(
            command, cwd=self.work, env={**kept, **places, **more}, capture_output=True, check=False
        )
        self.said = (done.stdout + done.stderr).decode()
        return done.returncode

    @property
    def comment(self) -> str:
        return (self.temp / "diff/comment/comment.md").read_text(encoding="utf-8")


def edited(old: str, new: str) -> dict[str, str]:
    text = (ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    assert old in text
    return {"Pulumi.dev.yaml": text.replace(old, new)}


GROWN = edited(
    "      neuron_devices: 1\n      port:",
    "      neuron_devices: 1\n      cpu_units: 2048\n      port:",
)


def test_a_changed_model_is_told_in_comment_summary_and_artefact(
    origin: Path, tmp_path: Path
) -> None:
    run = Run(origin, tmp_path, GROWN)
    assert run.job() == 0, run.said
    assert "tinyllama" in run.comment.splitlines()[0], "the first line is the verdict"
    assert run.comment.rstrip().endswith(MARKER)
    assert QUIET not in run.comment
    assert run.summary.read_text(encoding="utf-8") == run.comment
    assert len(run.comment.encode()) <= COMMENT_BYTES
    names = sorted(p.name for p in (run.temp / "diff").iterdir())
    assert names == ["comment", "dev.html", "dev.json", "dev.md"], "prod is not touched"
    assert "before and after" in (run.temp / "diff/dev.html").read_text(encoding="utf-8")
    document = json.loads((run.temp / "diff/dev.json").read_text(encoding="utf-8"))
    assert document["changed"] and not document["failed"]
    assert document["plan_only"] is None, "the resources of both sides are known"
    assert git(run.work, "status", "--porcelain") == "", "the checkout stays as it was"


def test_an_impossible_wish_fails_the_job_and_still_leaves_the_comment(
    origin: Path, tmp_path: Path
) -> None:
    run = Run(origin, tmp_path, edited("neuron_devices: 1", "neuron_devices: 7"))
    assert run.job() == 1, run.said
    assert run.comment.startswith("❌ **Cannot work")
    assert run.summary.read_text(encoding="utf-8") == run.comment


def replaced(text: str, *pairs: tuple[str, str]) -> dict[str, str]:
    for old, new in pairs:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return {"Pulumi.prod.yaml": text}


PROD = (ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8")
REGION_ADDED = (
    ("    eu-central-1: {}\n", "    eu-central-1: {}\n    us-east-1: {}\n"),
    (
        "        eu-central-1: {max_size: 2}\n",
        "        eu-central-1: {max_size: 2}\n        us-east-1: {max_size: 2}\n",
    ),
    (
        "        eu-central-1: {replicas: {min: 1, max: 2}}\n",
        "        eu-central-1: {replicas: {min: 1, max: 2}}\n"
        "        us-east-1: {replicas: {min: 1}}\n",
    ),
)
GROWN_IN_PROD = (
    (
        "      replicas: {min: 2, max: 4}\n      scaling: {requests_per_minute: 120}\n"
        "    qwen2-5-7b:\n",
        "      replicas: {min: 3, max: 4}\n      regions: [us-west-2, eu-central-1]\n"
        "      scaling: {requests_per_minute: 120}\n    qwen2-5-7b:\n",
    ),
)
MODEL_ADDED = (
    (
        "    qwen2-5-7b:\n",
        "    assistant:\n"
        "      image: 111122223333.dkr.ecr.us-west-2.amazonaws.com/assistant:1.0\n"
        "      command: [/serve]\n"
        "      capacity: inf2-shared\n"
        "      neuron_devices: 1\n"
        "      port: 8080\n"
        "      regions: [us-west-2]\n"
        "    qwen2-5-7b:\n",
    ),
)


def test_a_model_added_one_grown_and_a_region_added_are_told_to_the_reviewer(
    origin: Path, tmp_path: Path
) -> None:
    run = Run(origin, tmp_path, replaced(PROD, *REGION_ADDED, *GROWN_IN_PROD, *MODEL_ADDED))
    assert run.job() == 0, run.said
    lines = html.unescape(run.comment).splitlines()
    assert lines[0].startswith(
        "**1 model added (assistant), 2 resized (llama-3-1-8b and mistral-7b), us-east-1 new; "
    )
    assert "no model without a replica" in lines[0]
    table = [line for line in lines if line.startswith("| <code>")]
    for name, place, kind in (
        ("assistant", "us-west-2", "added"),
        ("llama-3-1-8b", "us-east-1", "added: also here"),
        ("mistral-7b", "eu-central-1 and us-west-2", "resized: replicas 2 to 4 → 3 to 4"),
    ):
        assert any(f"<code>{name}</code> | {place} | {kind}" in row for row in table), name
    page = (run.temp / "diff/prod.html").read_text(encoding="utf-8")
    assert "3 pools changed, 3 as before" in page
    assert "Nothing changes in us-east-2" in run.comment


def test_one_impossible_wish_among_them_fails_the_job_and_is_named_with_what_works(
    origin: Path, tmp_path: Path
) -> None:
    impossible = (
        "      neuron_devices: 1\n      port: 8080\n      replicas: {min: 1, max: 2}\n",
    ) * 2
    wish = (impossible[0], impossible[1].replace("devices: 1", "devices: 13"))
    run = Run(origin, tmp_path, replaced(PROD, *REGION_ADDED, *MODEL_ADDED, wish))
    assert run.job() == 1, run.said
    said = html.unescape(run.comment)
    assert said.startswith("❌ **Cannot work: 1 error, at models.qwen2-5-7b.neuron_devices.**")
    assert "inf2.48xlarge has 12 devices" in said
    assert "write at most 12" in said
    assert not (run.temp / "diff/prod.html").exists(), "what cannot be built has no chip map"


def test_a_change_of_words_alone_touches_no_stack(origin: Path, tmp_path: Path) -> None:
    run = Run(origin, tmp_path, {"README.md": "# Other words\n"})
    assert run.job() == 0, run.said
    assert run.comment.startswith("No stack is touched")
    assert QUIET in run.comment


def test_a_change_of_the_program_touches_every_stack(origin: Path, tmp_path: Path) -> None:
    text = (ROOT / "__main__.py").read_text(encoding="utf-8")
    run = Run(origin, tmp_path, {"__main__.py": text.replace("one.", "one resource.", 1) + "# x\n"})
    assert run.job() == 0, run.said
    assert "2 stacks: 0 changed" in run.comment.splitlines()[0], run.comment[:500]
    assert {"dev.json", "prod.json"} <= {p.name for p in (run.temp / "diff").iterdir()}


@pytest.mark.parametrize("name", ["pull-request.yml", "engine.yml"])
@pytest.mark.parametrize(
    ("touched", "only_stacks"),
    [
        (["Pulumi.dev.yaml"], True),
        (["Pulumi.dev.yaml", "Pulumi.new.yaml"], True),
        (["Pulumi.dev.yaml", "README.md"], False),
        (["Pulumi.yaml"], False),
        (["examples/Pulumi.dev.yaml"], False),
        (["Pulumi.dev.yaml.py"], False),
        ([".github/workflows/Pulumi.x.yaml"], False),
    ],
)
def test_only_a_pull_request_of_stack_files_alone_skips_the_tests_of_the_tool(
    tmp_path: Path, name: str, touched: list[str], *, only_stacks: bool
) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=start")
    git(tmp_path, "checkout", "--quiet", "-b", "topic")
    for file in touched:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("x", encoding="utf-8")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=head")
    git(tmp_path, "checkout", "--quiet", "main")
    (tmp_path / "later.py").write_text("", encoding="utf-8")  # the base has moved on
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=later")
    (script,) = [s["run"] for s in jobs(FOLDER / name)["changes"]["steps"] if "run" in s]
    output = tmp_path / "output"
    output.write_text("", encoding="utf-8")
    more = {"BASE": "main", "HEAD": "topic", "GITHUB_OUTPUT": str(output)}
    command = ["bash", "-e", "-c", script]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, **more}, check=True)
    assert output.read_text(encoding="utf-8") == ("only_stacks=true\n" if only_stacks else "")


def test_the_installed_program_tells_a_strangers_stack_file_apart_from_his_code(
    origin: Path, tmp_path: Path
) -> None:
    """As a reviewer runs it from the base: the code of the head would end it."""
    run = Run(origin, tmp_path, {**GROWN, "planning/choices.py": "raise SystemExit(7)\n"})
    git(run.work, "checkout", "--quiet", run.base)
    revisions = f"--base {run.base} --head {run.head}"
    command = (
        f".venv/bin/neuron-ecs ci diff {revisions} --program installed --out '{run.temp}/diff'"
    )
    assert run.bash(command, {}) == 0, run.said
    assert run.comment.startswith("**2 stacks: 1 changed.**")
    assert "tinyllama" in run.comment
    assert "planning/choices.py" in html.unescape(run.comment), "what is not shown is named"


def test_the_gitlab_example_leaves_the_same_comment(origin: Path, tmp_path: Path) -> None:
    run = Run(origin, tmp_path, GROWN)
    lines = [line for line in load(GITLAB)["diff"]["script"] if line != INSTALL]
    builds = tmp_path / "builds"
    more = {
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": run.base,
        "CI_COMMIT_SHA": run.head,
        "CI_BUILDS_DIR": str(builds),
    }
    assert run.bash("\n".join(lines), more) == 0, run.said
    comment = (run.work / "diff/comment/comment.md").read_text(encoding="utf-8")
    assert "tinyllama" in comment.splitlines()[0]
    assert "tinyllama" in run.said, "the log shows it"


CURL = """\
#!/bin/sh
for word do case $word in body@*) cat "${word#body@}" > "$POSTED" ;; esac; done
echo '[]'
"""


def commented(folder: Path, job: Path) -> int:
    """Runs the comment job of the GitLab example in a directory, with a stand-in for curl."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "curl").write_text(CURL, encoding="utf-8")
    (tools / "curl").chmod(0o755)
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "POSTED": str(folder / "posted"),
        "DIFF_TOKEN": "token",
    }
    script = "\n".join(load(GITLAB)["comment"]["script"])
    command = ["bash", "-e", "-c", script]
    return subprocess.run(
        command, cwd=job, env=environment, capture_output=True, check=False
    ).returncode


def test_the_gitlab_example_posts_the_comment(tmp_path: Path) -> None:
    (tmp_path / "job/diff/comment").mkdir(parents=True)
    (tmp_path / "job/diff/comment/comment.md").write_text("found", encoding="utf-8")
    assert commented(tmp_path, tmp_path / "job") == 0
    assert (tmp_path / "posted").read_text(encoding="utf-8") == "found"


@pytest.mark.parametrize("linked", ["diff", "diff/comment", "diff/comment/comment.md"])
def test_the_gitlab_example_posts_nothing_that_a_link_leads_to(tmp_path: Path, linked: str) -> None:
    """An artefact may hold a link to a file of the runner, such as /proc/self/environ."""
    (tmp_path / "secret/comment").mkdir(parents=True)
    (tmp_path / "secret/comment/comment.md").write_text("token", encoding="utf-8")
    job = tmp_path / "job"
    (job / linked).parent.mkdir(parents=True)
    (job / linked).symlink_to(tmp_path / "secret" / Path(linked).relative_to("diff"))
    assert commented(tmp_path, job) != 0
    assert not (tmp_path / "posted").exists()
