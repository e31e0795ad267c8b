"""The command is installed from a checkout, and nothing else is ever built from it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OURS = ("catalog", "components", "config", "messages", "neuron_ecs", "planning")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what an installation reads."""
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in ("pyproject.toml", "Pulumi.yaml", "__main__.py"):
        shutil.copy(ROOT / name, copy)
    for name in (*OURS, "installation"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def build(checkout: Path, call: str) -> subprocess.CompletedProcess[str]:
    """Calls a hook of the build backend as pip does, in the checkout."""
    backend = PYPROJECT["build-system"]
    return subprocess.run(
        [sys.executable, "-c", f"import {backend['build-backend']} as b; print(b.{call})"],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(backend["backend-path"])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_editable_install_brings_the_command_and_no_package(
    checkout: Path, tmp_path: Path
) -> None:
    done = build(checkout, f"build_editable({str(tmp_path)!r})")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        points = next(n for n in names if n.endswith("entry_points.txt"))
        assert "neuron-ecs = neuron_ecs.cli.main:command" in archive.read(points).decode()
        links = [n for n in names if n.endswith(".pth")]
        assert [archive.read(n).decode().strip() for n in links] == [str(checkout)]
    assert {n for n in names if ".dist-info/" not in n} == set(links), "only a link to the checkout"


@pytest.mark.parametrize("hook", ["build_wheel", "build_sdist"])
def test_a_wheel_with_a_package_called_config_is_never_built(
    checkout: Path, tmp_path: Path, hook: str
) -> None:
    done = build(checkout, f"{hook}({str(tmp_path)!r})")
    assert done.returncode != 0
    assert "pip install --no-deps --editable ." in done.stderr
    assert [*tmp_path.glob("*.whl"), *tmp_path.glob("*.tar.gz")] == []


def test_the_list_of_packages_is_complete() -> None:
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in OURS
        for path in (ROOT / package).rglob("*.py")
    }
    assert found == set(PYPROJECT["tool"]["setuptools"]["packages"])


def test_the_build_backend_is_pinned_where_it_is_installed_from() -> None:
    pinned = re.findall(
        r"^setuptools==\S+$", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE
    )
    assert pinned == PYPROJECT["build-system"]["requires"]


def test_what_pulumi_installs_needs_no_command() -> None:
    """Pulumi's pip toolchain installs requirements.txt and passes pyproject.toml over.

    https://github.com/pulumi/pulumi/blob/master/sdk/python/toolchain/pip.go
    """
    project = (ROOT / "Pulumi.yaml").read_text(encoding="utf-8")
    assert "toolchain: pip" in project
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"#.*|[\w.-]+==[\w.]+", line) for line in lines), "pins alone"
    assert "dependencies" not in PYPROJECT["project"]
