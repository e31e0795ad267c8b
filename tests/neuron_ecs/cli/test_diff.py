"""The diff command on files and on revisions of a repository made for the purpose."""

import compileall
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neuron_ecs.diff.sides import PASSED
from tests.neuron_ecs import running

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("catalog", "components", "config", "messages", "neuron_ecs", "planning")
FILES = ("__main__.py", "Pulumi.yaml", "requirements.txt")

STACK = """\
config:
  aws:region: us-west-2
  neuron-ecs:regions: {us-west-2: {}}
  neuron-ecs:capacity:
    pool: {kind: auto_scaling, instance_type: inf2.xlarge, max_size: 4}
  neuron-ecs:models:
    ant: {image: "public.ecr.aws/neuron/serving:1.0", capacity: pool, neuron_devices: 1}
"""
MORE = STACK + (
    '    bee: {image: "public.ecr.aws/neuron/serving:1.0", capacity: pool, neuron_devices: 1}\n'
)
IMPOSSIBLE = STACK.replace("neuron_devices: 1", "neuron_devices: 2")


class Project:
    """A copy of the project in a repository of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for package in PACKAGES:
            shutil.copytree(ROOT / package, folder / package)
            compileall.compile_dir(folder / package, quiet=2)  # else each process compiles all
        for name in FILES:
            shutil.copy(ROOT / name, folder / name)
        (folder / ".gitignore").write_text("__pycache__/\n*.pyc\n")
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.folder, capture_output=True, check=True, text=True
        )
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        """Writes files, commits everything and returns the commit."""
        for name, text in files.items():
            (self.folder / FILE_NAMES.get(name, name)).write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "x")
        return self.git("rev-parse", "HEAD")

    def diff(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, "-m", "neuron_ecs", "diff", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def json(self, *arguments: str) -> dict[str, Any]:
        done = self.diff(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)


FILE_NAMES = {
    "stack": "Pulumi.prod.yaml",
    "requirements": "requirements.txt",
    "graph": "neuron_ecs/recording/graph.py",
    "region": "components/region.py",
    "choices": "planning/choices.py",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("project"))
    made.commit(stack=STACK)
    made.git("tag", "first")
    return made


@pytest.fixture(autouse=True)
def from_the_first(project: Project) -> None:
    """Each test begins at the first commit, with a clean tree."""
    project.git("checkout", "--quiet", "--force", "--detach", "first")
    project.git("clean", "--quiet", "--force", "-d")


def test_files_are_compared_and_exit_codes_mean_what_they_say(
    project: Project, tmp_path: Path
) -> None:
    for name, text in (("same", STACK), ("more", MORE), ("bad", IMPOSSIBLE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Pulumi.prod.yaml").write_text(text)
    base = "Pulumi.prod.yaml"

    def code(name: str, *more: str) -> int:
        return project.diff(base, str(tmp_path / name / base), *more).returncode

    assert code("same", "--exit-code") == 0
    assert code("more") == 0
    assert code("more", "--exit-code") == 3
    assert code("bad") == 1


def test_a_revision_with_the_same_program_is_another_stack_file(project: Project) -> None:
    project.commit(stack=MORE)
    found = project.json("first", "HEAD", "--stack", "prod")
    assert [(m["name"], m["kinds"]) for m in found["models"]] == [("bee", ["added"])]
    assert found["base"]["commit"] == project.git("rev-parse", "first")
    assert project.git("worktree", "list").count("\n") == 0, "no worktree was needed"
    created = {r["type"] for r in found["resources"] if r["action"] == "create"}
    assert "aws:ecs/service:Service" in created


def test_the_base_is_the_merge_base_not_what_main_has_become(project: Project) -> None:
    project.git("checkout", "--quiet", "-B", "main", "first")
    project.commit(stack=STACK.replace("max_size: 4", "max_size: 9"))
    project.git("checkout", "--quiet", "--detach", "first")
    project.commit(stack=MORE)
    found = project.json("main", "HEAD", "--stack", "prod")
    assert found["base"]["commit"] == project.git("rev-parse", "first")
    assert [s["path"] for s in found["settings"]] == ["models.bee"]


def test_a_changed_program_is_run_as_it_was_and_leaves_no_worktree(project: Project) -> None:
    choices = (project.folder / "planning" / "choices.py").read_text(encoding="utf-8")
    longer = choices.replace("STOP_TIMEOUT_SECONDS = 120", "STOP_TIMEOUT_SECONDS = 90")
    assert longer != choices
    project.commit(choices=longer)
    found = project.json("first", "HEAD", "--stack", "prod")
    told = [
        (p["path"][-1], p["before"], p["after"])
        for r in found["resources"]
        for p in r["properties"]
        if p["path"][-1] == "stopTimeout"
    ]
    assert told == [("stopTimeout", 120, 90)]
    assert found["settings"] == []
    assert project.git("worktree", "list").count("\n") == 0


def test_other_requirements_without_a_python_make_it_plan_only(project: Project) -> None:
    text = (project.folder / "requirements.txt").read_text(encoding="utf-8")
    project.commit(requirements=text + "# later\n", stack=MORE)
    found = project.json("first", "HEAD", "--stack", "prod")
    assert found["resources"] is None
    assert "--base-python" in found["plan_only"]
    assert [m["name"] for m in found["models"]] == ["bee"], "the plan is compared all the same"
    given = project.json("first", "HEAD", "--stack", "prod", "--base-python", sys.executable)
    assert given["resources"]


def test_another_version_of_the_json_is_reported_and_not_guessed(project: Project) -> None:
    graph = (project.folder / "neuron_ecs" / "recording" / "graph.py").read_text(encoding="utf-8")
    older = graph.replace('"version": 1', '"version": 0')
    assert older != graph
    choices = (project.folder / "planning" / "choices.py").read_text(encoding="utf-8")
    project.commit(graph=older, choices=f"{choices}# older\n")
    project.git("tag", "--force", "older")
    project.commit(graph=graph, choices=choices, stack=MORE)
    found = project.json("older", "HEAD", "--stack", "prod")
    assert found["resources"] is None
    assert "has version 0; this command reads version 1" in found["plan_only"]


def test_a_stack_that_is_new_is_all_created(project: Project) -> None:
    project.commit(stack=STACK)
    (project.folder / "Pulumi.new.yaml").write_text(MORE)
    found = project.json("first", "Pulumi.new.yaml")
    assert {m["name"] for m in found["models"]} == {"ant", "bee"}
    assert {r["action"] for r in found["resources"]} == {"create"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere", "HEAD", "--stack", "prod"), "neither a stack file nor a revision"),
        (("first", "HEAD"), "--stack"),
        (("--upload-pack=x", "HEAD", "--stack", "prod"), "usage"),
        (("first",), "HEAD"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_to_do(
    project: Project, arguments: tuple[str, ...], said: str
) -> None:
    done = project.diff(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_head_whose_program_fails_is_a_failure(project: Project) -> None:
    text = (project.folder / "components/region.py").read_text(encoding="utf-8")
    project.commit(region=f'{text}\nraise RuntimeError("no such luck")\n')
    broken = project.git("rev-parse", "HEAD")
    project.git("checkout", "--quiet", "--detach", "first")
    done = project.diff("first", broken, "--stack", "prod")
    assert done.returncode == 1
    assert "no such luck" in done.stdout.splitlines()[0]


def test_help_and_readme_say_what_a_revisions_program_gets(project: Project) -> None:
    said = project.diff("--help").stdout
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for text in (" ".join(said.split()), readme):
        assert all(name in text for name in (*PASSED, "--program installed"))


# ---- the page of chips -------------------------------------------------------------------------


def test_a_page_shows_the_chips_before_and_after(project: Project, tmp_path: Path) -> None:
    project.commit(stack=MORE)
    page = tmp_path / "map.html"
    done = project.diff("first", "HEAD", "--stack", "prod", "--html", str(page))
    assert done.returncode == 0
    assert "1 model added (bee)" in done.stdout, "the answer is printed as well"
    text = page.read_text(encoding="utf-8")
    assert "Chip map of neuron-ecs/prod: before and after" in text
    assert "1 pool changed" in text


def test_of_a_new_stack_file_every_pool_is_new(project: Project, tmp_path: Path) -> None:
    (project.folder / "Pulumi.young.yaml").write_text(STACK, encoding="utf-8")
    project.commit()
    page = tmp_path / "map.html"
    done = project.diff("first", "HEAD", "--stack", "young", "--html", str(page))
    assert done.returncode == 0, done.stderr
    assert '<span class="badge">new</span>' in page.read_text(encoding="utf-8")


def test_a_head_that_cannot_be_built_has_no_page(project: Project, tmp_path: Path) -> None:
    project.commit(stack=IMPOSSIBLE)
    page = tmp_path / "map.html"
    done = project.diff("first", "HEAD", "--stack", "prod", "--html", str(page))
    assert done.returncode == 1
    assert "no map is written: the head cannot be built" in done.stderr
    assert not page.exists()


def test_a_page_goes_only_where_a_directory_is(project: Project, tmp_path: Path) -> None:
    where = tmp_path / "nowhere" / "map.html"
    done = project.diff("first", "HEAD", "--stack", "prod", "--html", str(where))
    assert done.returncode == 2
    assert "name a file in a directory that exists" in done.stderr


def test_from_nothing_everything_is_created_at_its_price() -> None:
    file = str(Path(__file__).parents[3] / "Pulumi.dev.yaml")
    code, text = running.printed("diff", "nothing", file, "--json")
    assert code == 0
    found = json.loads(text)
    assert {resource["action"] for resource in found["resources"]} == {"create"}
    assert float(found["price"]["before"]["max"]) == 0
    planned = json.loads(running.printed("plan", "--file", file, "--json")[1])
    assert found["price"]["after"] == planned["price"]["usd_per_month"]
    assert running.refused("diff", file, "nothing")[0] == 2, "only BASE can be nothing"
