"""Runs a program on the real engine, against the stand-in provider, in a directory of its own."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import cast

from ruamel.yaml import YAML

from tests.engine.needs import forgotten
from tests.engine.provider.account import Account, Entry, Habits, Record
from tests.engine.provider.operations import DEPLOYED, REPLACED
from tests.engine.provider.refusals import SERVICE
from tests.engine.provider.rows import KINDS
from tests.engine.provider.server import ACCOUNT_FILE, SHAPES_FILE
from tests.engine.provider.shapes import Shapes
from tests.engine.provider.wire import Json, Props, blocks, text, texts

REPOSITORY = Path(__file__).resolve().parents[2]

PROGRAM = (
    "Pulumi.yaml",
    "__main__.py",
    "catalog",
    "messages",
    "neuron_ecs",
    "components",
    "config",
    "planning",
)
"""What a deployment reads; what is not there is left out."""


_AT_ONCE = ("--skip-preview", "--yes")

_PIP = "import sys; sys.stdout.write({answers!r}.get(tuple(sys.argv[1:]), ''))"
"""Instead of pip, which the CLI asks twice in each command, for a quarter of its time."""


@cache
def _pip(*arguments: str) -> str:
    """What pip answers."""
    command = [sys.executable, "-m", "pip", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def pulumi_is_here() -> bool:
    """Whether the CLI is on PATH."""
    return shutil.which("pulumi") is not None


@dataclass(frozen=True)
class Outcome:
    """What one command of the CLI did."""

    code: int
    text: str
    journal: tuple[Entry, ...]
    records: tuple[Record, ...] = field(repr=False)
    seconds: float

    @property
    def done(self) -> list[Entry]:
        """What changed in the account; refusals that a later try overcame are left out."""
        return [entry for entry in self.journal if not entry.error]

    def operations(self, op: str, token: str = "") -> set[str]:
        """Logical names of what was created, updated or deleted, of one type or of all."""
        return {
            entry.logical for entry in self.done if entry.op == op and entry.type.endswith(token)
        }

    def explain(self) -> str:
        """The command's output and the journal, for an assert's message."""
        return "\n".join([self.text, "journal:", *(f"  {entry}" for entry in self.journal)])


def restarted(journal: Iterable[Entry]) -> set[tuple[str, str]]:
    """Services (Region, logical name) that existed before and whose tasks were replaced.

    A deployment replaces tasks, an instance refresh does, and so does a service that was deleted
    or created anew under the same name.
    """
    journal = list(journal)
    found = {
        (entry.region, service)
        for entry in journal
        for event, service in entry.consequences
        if event in (DEPLOYED, REPLACED)
    }
    services = [entry for entry in journal if entry.type == SERVICE]
    gone = {(entry.region, entry.logical) for entry in services if entry.op == "delete"}
    made = {(entry.region, entry.logical) for entry in services if entry.op == "create"}
    return found | (gone & made)


def disturbed(journal: Iterable[Entry]) -> set[tuple[str, str]]:
    """Services (Region, logical name) whose tasks an update stopped, for good or to restart."""
    journal = list(journal)
    return restarted(journal) | {
        (entry.region, entry.logical)
        for entry in journal
        if entry.op == "delete" and entry.type == SERVICE
    }


class Engine:
    """A copy of a program with a stack, a backend, an account and a provider of its own."""

    def __init__(
        self,
        directory: Path,
        program: Path = REPOSITORY,
        parts: tuple[str, ...] = PROGRAM,
        *,
        shapes: Path | None = None,
    ) -> None:
        self.directory = directory
        self.program = directory / "program"
        self.program.mkdir(parents=True)
        for part in parts:
            source = program / part
            if source.is_dir():
                (self.program / part).symlink_to(source, target_is_directory=True)
            elif source.exists():
                (self.program / part).symlink_to(source)
        self._own_project_file(program / "Pulumi.yaml")
        self.account = Account(directory / "account.json")
        self._bin = directory / "bin"
        self._bin.mkdir()
        self._environment = self._environ()
        self._answer_for_pip()
        self.stack = ""
        shapes = shapes or directory / "shapes.json"
        Shapes.load(shapes, KINDS)
        self._environment[SHAPES_FILE] = str(shapes)
        _executable(
            self._bin / "pulumi-resource-aws",
            f'#!/bin/sh\nexec "{sys.executable}" -m tests.engine.provider "$@"\n',
        )

    def _own_project_file(self, source: Path) -> None:
        """The project's file, with the interpreter of this process instead of its own toolchain."""
        # ruamel's stubs leave the stream's type open.
        load = cast("Callable[[Path], dict[str, object]]", YAML(typ="safe").load)  # pyright: ignore[reportUnknownMemberType]
        project = load(source)
        runtime: dict[str, object] = {"name": "python"}
        if sys.prefix != sys.base_prefix:
            runtime["options"] = {"toolchain": "pip", "virtualenv": sys.prefix}
        project["runtime"] = runtime
        target = self.program / "Pulumi.yaml"
        target.unlink(missing_ok=True)
        target.write_text(json.dumps(project))

    def _environ(self) -> dict[str, str]:
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PULUMI_", "AWS_", "PYTEST_"))
        }
        backend = self.directory / "backend"
        backend.mkdir()
        return kept | {
            "PATH": f"{self._bin}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "PULUMI_BACKEND_URL": backend.as_uri(),
            "PULUMI_HOME": str(self.directory / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "stand-in",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_SKIP_CHECKPOINTS": "true",
            "NO_COLOR": "1",
            ACCOUNT_FILE: str(self.account.path),
        }

    def _answer_for_pip(self) -> None:
        asked = (("--version",), ("list", "--format", "json"))
        package = self.directory / "answers" / "pip"
        package.mkdir(parents=True)
        text = _PIP.format(answers={words: _pip(*words) for words in asked})
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(text)
        self._environment["PYTHONPATH"] = f"{package.parent}{os.pathsep}{REPOSITORY}"

    def start(self, stack: str = "life") -> "Engine":
        """Makes the stack."""
        self.stack = stack
        outcome = self._run("stack", "init", stack)
        assert outcome.code == 0, outcome.text
        return self

    def habits(self, habits: Habits) -> None:
        """How the account behaves from now on."""
        with self.account.open() as holdings:
            holdings.habits = habits

    def write(self, text: str) -> None:
        """Writes the stack's file."""
        (self.program / f"Pulumi.{self.stack}.yaml").write_text(text)

    def up(self, text: str | None = None) -> Outcome:
        """Writes the stack file, if one is given, and updates the stack."""
        if text is not None:
            self.write(text)
        return self._run("up", *_AT_ONCE, "--stack", self.stack)

    def preview(self, plan: Path | None = None) -> Outcome:
        """Previews the stack, and keeps the update plan in a file."""
        kept = () if plan is None else ("--save-plan", str(plan))
        return self._run("preview", *kept, "--stack", self.stack)

    def keep_secret(self, path: str, value: str) -> Outcome:
        """Puts a value into the stack file, encrypted."""
        return self._run("config", "set", "--secret", "--path", path, value, "--stack", self.stack)

    def config(self) -> Outcome:
        """Shows what the engine reads of the stack file, as JSON."""
        return self._run("config", "--json", "--stack", self.stack)

    def refresh(self) -> Outcome:
        """Refreshes the stack, and fails when anything drifted."""
        return self._run("refresh", *_AT_ONCE, "--expect-no-changes", "--stack", self.stack)

    def destroy(self) -> Outcome:
        """Destroys what the stack made."""
        return self._run("destroy", *_AT_ONCE, "--stack", self.stack)

    def interrupted_up(self, text: str, ready: Callable[[list[Entry]], bool]) -> Outcome:
        """Starts an update, and interrupts it once the journal shows what is waited for."""
        self.write(text)
        start = len(self.account.journal())
        began = time.monotonic()
        command = ["pulumi", "up", *_AT_ONCE, "--stack", self.stack]
        log = self.directory / "interrupted.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                [*command, "--non-interactive"],
                cwd=self.program,
                env=self._environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                while not ready(self.account.journal(start)) and process.poll() is None:
                    assert time.monotonic() - began < 120, log.read_text()
                    time.sleep(0.1)
                process.send_signal(signal.SIGINT)
                process.wait(timeout=120)
            finally:
                if process.poll() is None:
                    process.kill()
        return self._outcome(process.returncode, log.read_text(), start, began)

    def dependencies(self) -> dict[str, set[str]]:
        """What the engine knows to come first, by URN: parents and all that is waited for."""
        outcome = self._run("stack", "export", "--stack", self.stack)
        assert outcome.code == 0, outcome.text
        state: Json = json.loads(outcome.text)
        return {
            urn: {*texts(resource, "dependencies"), *texts(resource, "parent")}
            | {item for items in blocks(resource, "propertyDependencies") for item in _all(items)}
            for resource in blocks(state, "deployment.resources")
            if (urn := text(resource, "urn")) and not resource.get("delete")
        }

    def forgotten(self) -> list[str]:
        """What must come first, and the program does not say so."""
        waits = self.dependencies()
        with self.account.open() as holdings:
            return forgotten(waits, holdings)

    def left(self) -> list[Record]:
        """What exists in the account."""
        with self.account.open() as holdings:
            return holdings.records

    def _run(self, *arguments: str) -> Outcome:
        start = len(self.account.journal())
        began = time.monotonic()
        finished = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.program,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        return self._outcome(finished.returncode, finished.stdout, start, began)

    def _outcome(self, code: int, text: str, start: int, began: float) -> Outcome:
        return Outcome(
            code=code,
            text=text,
            journal=tuple(self.account.journal(start)),
            records=tuple(self.left()),
            seconds=time.monotonic() - began,
        )


def _all(items: Props) -> list[str]:
    return [item for key in items for item in texts(items, key)]


def _executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def stack_file(project: str, config: Mapping[str, object]) -> str:
    """A stack file's text; keys without a namespace get the project's. JSON is YAML."""
    named = {key if ":" in key else f"{project}:{key}": value for key, value in config.items()}
    return json.dumps({"config": named}, indent=2)
