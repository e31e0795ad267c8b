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
        r"^setuptools==\S+", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE
    )
    assert pinned == PYPROJECT["build-system"]["requires"]


def test_what_pulumi_installs_needs_no_command() -> None:
    """Pulumi's pip toolchain installs requirements.txt and passes pyproject.toml over.

    https://github.com/pulumi/pulumi/blob/master/sdk/python/toolchain/pip.go
    """
    project = (ROOT / "Pulumi.yaml").read_text(encoding="utf-8")
    assert "toolchain: pip" in project
    assert "--editable" not in (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "dependencies" not in PYPROJECT["project"]


PINNED = re.compile(
    r"(?P<name>[\w.-]+)==(?P<version>[\w.]+)(?P<where> ; [^\\]+)?"
    r"(?P<hashes>( \\\n {4}--hash=sha256:[0-9a-f]{64})+)"
)
LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-security.txt")


def pins(name: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The version and the hashes of each package of a lock file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return {
        m["name"]: (m["version"], tuple(re.findall(r"[0-9a-f]{64}", m["hashes"])))
        for m in PINNED.finditer(text)
    }


@pytest.mark.parametrize("name", LOCKS)
def test_third_party_code_is_wheels_alone_with_hashes_and_no_host(name: str) -> None:
    """A source distribution runs its code while it is installed; a hash pins what a host serves.

    https://pip.pypa.io/en/stable/topics/secure-installs/
    """
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "\n--only-binary :all:\n" in text
    rest = PINNED.sub("", text.replace("--only-binary :all:", ""))
    assert re.sub(r"#.*", "", rest).split() == [], "each line is a pin, a hash or a comment"
    assert all(hashes for _, hashes in pins(name).values())
    assert not re.search(r"https?:|//|index-url|find-links|trusted-host|@ ", text)


def test_what_the_tests_need_holds_what_the_program_needs() -> None:
    runtime, development, _ = (pins(name) for name in LOCKS)
    assert runtime.items() <= development.items()


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_that_is_asked_for_is_pinned(name: str) -> None:
    asked = (ROOT / name.replace(".txt", ".in")).read_text(encoding="utf-8").splitlines()
    names = {re.split(r"[\[=<]", line)[0] for line in asked if line[:1].isalpha()}
    assert {n.lower().replace("_", "-").replace(".", "-") for n in names} <= set(pins(name))


def commands(*targets: str) -> list[str]:
    """What `make` runs for targets in a checkout where nothing is installed."""
    command = ["make", "--dry-run", "--always-make", *targets]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.replace("\\\n", " ").splitlines()


def test_make_installs_third_party_code_by_hash_and_then_the_checkout_alone() -> None:
    found = [line for line in commands(".venv/.development") if " pip install " in line]
    hashed = "--only-binary :all: --require-hashes --requirement requirements"
    ours = "--no-deps --no-build-isolation --editable ."
    assert [hashed in line or line.endswith(ours) for line in found] == [True] * len(found)
    assert [line.split()[-1] for line in found] == ["requirements.txt", ".", "requirements-dev.txt"]


def test_make_security_installs_by_hash_in_an_environment_of_its_own() -> None:
    (line,) = [c for c in commands(".venv-security/.installed") if " pip install " in c]
    assert ".venv-security/bin/python" in line
    assert "--require-hashes --requirement requirements-security.txt" in " ".join(line.split())
    assert not [c for c in commands("test") if "security" in c and "install" in c]


def test_one_command_writes_every_lock_file_for_every_platform() -> None:
    written = [line for line in commands("requirements") if " pip compile " in line]
    assert [line.split()[-1] for line in written] == list(LOCKS)
    for line in written:
        assert "--universal" in line and "--generate-hashes" in line
        assert (
            f"--python-version {PYPROJECT['project']['requires-python'].removeprefix('>=')} "
            in line
        )
        assert "index" not in line
