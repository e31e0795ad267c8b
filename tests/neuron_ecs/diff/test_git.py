"""What counts as the program, and which stacks a change touches."""

import ast
import subprocess
from pathlib import Path

import pytest

from neuron_ecs.diff.git import PROGRAM, Repository, touched

ROOT = Path(__file__).resolve().parents[3]
PROGRAM_FILES = (
    *("__main__.py", "Pulumi.yaml", "requirements.txt", "catalog/data/regions.csv"),
    *("components/model.py", "config/models.py", "messages/finding.py", "planning/rules/images.py"),
)
OTHER_FILES = (
    *("neuron_ecs/diff/git.py", "neuron_ecs/recording/engine.py", "tests/test_house.py"),
    *("README.md", "docs/diff.md", "Makefile", "pyproject.toml", "examples/one.yaml"),
)


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, check=True)


def commit(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    git(folder, "init", "--quiet")
    for name in (*PROGRAM_FILES, *OTHER_FILES, "Pulumi.dev.yaml"):
        commit(folder, name, "before\n")
    return folder


@pytest.mark.parametrize("name", [*PROGRAM_FILES, *OTHER_FILES])
def test_a_change_touches_every_stack_where_another_program_runs(project: Path, name: str) -> None:
    commit(project, name, f"{(project / name).read_text(encoding='utf-8')}after\n")
    program = name in PROGRAM_FILES
    assert touched("HEAD~1", "HEAD", project).stacks == (("dev",) if program else ())
    assert Repository(project).runs_here("HEAD~1", project.resolve()) is not program


def test_a_new_file_of_the_program_that_is_not_committed_is_another_program(project: Path) -> None:
    new = project / "planning" / "new.py"
    new.write_text("", encoding="utf-8")
    assert not Repository(project).runs_here("HEAD", project.resolve())
    new.unlink()
    assert Repository(project).runs_here("HEAD", project.resolve())


def test_all_that_the_program_imports_counts_as_the_program() -> None:
    seen, waiting = set[Path](), [ROOT / "__main__.py"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
            for name in names:
                place = ROOT.joinpath(*name.split("."))
                modules = (place.with_suffix(".py"), place / "__init__.py")
                waiting += [module for module in modules if module.is_file()]
    tops = {path.relative_to(ROOT).parts[0] for path in seen}
    assert tops <= set(PROGRAM)
    assert set(PROGRAM) - tops == {"Pulumi.yaml", "requirements.txt"}, "and nothing else does"
