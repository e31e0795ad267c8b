"""Reads the two sides of a comparison: stack files, or revisions of the project.

A revision whose program is the one that runs is another stack file. Any other revision is checked
out in a worktree and asked through its own commands, `plan --json` and `preview --json`. They see
the environment variables `PASSED` and no others. JSON of another version is reported, never
guessed.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal, cast

import catalog
from config.credentials import cut
from messages.finding import Finding
from messages.phrases import listed
from neuron_ecs.diff.git import PROGRAM, Repository
from neuron_ecs.diff.plans import EMPTY
from neuron_ecs.diff.unchanged import differing
from neuron_ecs.diff.written import Resource, UnfitError, fitting
from neuron_ecs.files import (
    JSON_BYTES,
    STACK_FILE_BYTES,
    FileError,
    is_stream,
    parse_json,
    read_bytes,
    read_open,
)
from neuron_ecs.recording.plans import ROOT, Graph, NotRecordedError, Recorder
from neuron_ecs.stackfile.reading import (
    PROJECT_FILE,
    StackFile,
    StackFileError,
    read,
    read_revision,
    unreadable,
)
from neuron_ecs.terminal import UsageError
from planning import Plan, Refused
from planning.document import VERSION as PLAN_VERSION
from planning.document import Json, UnreadableError, read_findings, read_plan

GRAPH_VERSION = 1
"""The version of the JSON of `preview` that is read."""

PASSED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT")
"""The environment variables that the program of a revision sees: none that holds a credential."""

Program = Literal["own", "installed"]
"""Which program plans the stack file of a revision: the revision's own, or the one that runs."""

NOTHING = "nothing"
"""As BASE: a stack that does not exist yet."""

_REQUIREMENTS = "requirements.txt"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two states: its plan and the resources that it registers.

    `plan` is None if the stack file is refused or its plan cannot be read. `graph` lists the
    resources of the recorded Regions as `neuron-ecs preview` prints them. If it is None, `no_graph`
    gives the reason, and `broken` is true if the program was run for it and failed. `config` is the
    configuration of the stack file, None if it cannot be read.
    """

    label: str
    stack: str
    plan: Plan | None
    findings: tuple[Finding, ...]
    graph: tuple[Json, ...] | None = None
    no_graph: str = ""
    config: Mapping[str, str] | None = None
    commit: str = ""
    foreign: bool = False
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides. What registers the same resources on both is not recorded: the Regions `skipped`,
    and the workloads (Region, path) `left_out` of the other Regions."""

    project: str
    base: Side
    head: Side
    skipped: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Given:
    """One side before it is planned: a stack file, or a revision with another program."""

    label: str
    file: StackFile | None
    refused: tuple[Finding, ...] = ()
    commit: str = ""
    checkout: Path | None = None  # the project in a worktree, for a foreign program
    missing: str = ""  # the stack file that the revision does not have, or `NOTHING`


def read_sides(
    base: str,
    head: str,
    *,
    stack: str | None,
    base_python: str | None = None,
    program: Program | None = None,
    directory: Path,
    root: Path = ROOT,
    recorder: Recorder | None = None,
) -> Sides:
    """Both sides of the comparison. Raises `UsageError`.

    Without a `program` each revision has its own, unless both are revisions and HEAD changes no
    code: then both have the installed one. `root` is the directory of the program that runs. A
    `recorder` is one that has begun already and goes on; without one, one is started here and
    ended.
    """
    with ExitStack() as kept:
        recorder = recorder or kept.enter_context(Recorder())
        repository = Repository(directory)
        head_commit = None if _is_file(head) else repository.commit(head)
        base_commit = None
        if base != NOTHING and not _is_file(base):
            base_commit = repository.merge_base(base, head_commit)
        if (base_commit or head_commit) and not stack:
            stacks = [s for s in (_stack_named(base), _stack_named(head)) if s]
            if not stacks:
                raise UsageError("a revision holds many stacks: name one with --stack")
            stack = stacks[0]
        stack = stack.rpartition("/")[2] if stack else None
        own, why = _own_programs(program, repository, base_commit, head_commit, root)
        first, second = (
            _given(name, commit, repository, stack, root if own else None, kept)
            for name, commit in ((base, base_commit), (head, head_commit))
        )
        first, second, notes = _as_one_stack(first, second, stack)
        notes = (*why, *notes)
        foreign = [
            _Foreign(given, stack or "", repository, root, python, kept) if given.checkout else None
            for given, python in ((first, base_python), (second, None))
        ]
        return _read(first, second, notes, recorder, foreign)


def _is_file(name: str) -> bool:
    path = Path(name)
    return name.endswith((".yaml", ".yml")) or path.is_file() or is_stream(path)


def _stack_named(name: str) -> str:
    parts = Path(name).name.split(".")
    return parts[1] if _is_file(name) and len(parts) == 3 and parts[0] == "Pulumi" else ""


# ---- revisions -------------------------------------------------------------------------------


def _own_programs(
    program: Program | None, repository: Repository, base: str | None, head: str | None, root: Path
) -> tuple[bool, tuple[str, ...]]:
    """Returns whether revisions are planned by their own programs, and a note where not."""
    changed = repository.changed(base, head, *PROGRAM) if base and head else []
    if program == "own" or (program is None and (changed or not base or not head)):
        return True, ()
    if program is None and head and repository.runs_here(head, root):
        return True, ()  # the same program
    note = "both sides are planned with the program that is installed here"
    if changed:
        note = f"{note}; what HEAD changes in it is not shown: {listed(changed, most=5)}"
    return False, (note,)


def _given(
    name: str,
    commit: str | None,
    repository: Repository,
    stack: str | None,
    root: Path | None,
    kept: ExitStack,
) -> _Given:
    """Reads a side. Without a `root` the program of a revision is not checked out."""
    if commit is None and name == NOTHING:
        return _Given(name, None, missing=NOTHING)
    if commit is None:
        try:
            return _Given(name, read(stack=None, file=Path(name), directory=repository.directory))
        except StackFileError as error:
            return _Given(name, None, error.findings)
    label = commit[:10] if commit.startswith(name) else f"{name} ({commit[:10]})"
    file_name = f"Pulumi.{stack}.yaml"
    try:
        text = repository.text(commit, file_name)
        project = repository.text(commit, PROJECT_FILE)
    except FileError as error:
        return _Given(label, None, unreadable(error).findings, commit)
    if text is None:
        return _Given(label, None, commit=commit, missing=file_name)
    checkout = None
    if root is not None and not repository.runs_here(commit, root):
        checkout = repository.checkout(commit, kept)
    try:
        file = read_revision(project or b"", text, stack=stack or "")
    except StackFileError as error:
        return _Given(label, None, error.findings, commit, checkout)
    return _Given(label, file, (), commit, checkout)


def _as_one_stack(
    base: _Given, head: _Given, stack: str | None
) -> tuple[_Given, _Given, tuple[str, ...]]:
    """Gives both sides the same stack name: with two names all resources would differ."""
    files = [given.file for given in (base, head) if given.file]
    name = stack or (head.file or base.file or _NO_FILE).stack
    notes: list[str] = []
    if not stack and len({f.stack for f in files}) > 1:
        notes.append(f"the files name two stacks; both are compared as {name}")
    if len({f.project for f in files}) > 1:
        notes.append("the two sides are of two projects: all resources differ")

    def renamed(given: _Given) -> _Given:
        return given if given.file is None else replace(given, file=replace(given.file, stack=name))

    return renamed(base), renamed(head), tuple(notes)


_NO_FILE = StackFile("", "", Path(), {})


# ---- plans and graphs ------------------------------------------------------------------------


def _read(
    base: _Given,
    head: _Given,
    notes: tuple[str, ...],
    recorder: Recorder,
    foreign: "Sequence[_Foreign | None]",
) -> Sides:
    sides: list[Side] = []
    plans: list[Plan | None] = []
    for given, other in zip((base, head), foreign, strict=True):
        side, plan = (_absent(given), None) if other else _planned(given)
        sides.append(side)
        plans.append(plan)
    project = next((g.file.project for g in (head, base) if g.file), "")
    if any(foreign):
        graphs = _graphs(plans, recorder)
        sides = [
            other.side() if other else replace(side, graph=graph if side.graph is None else ())
            for side, graph, other in zip(sides, graphs, foreign, strict=True)
        ]
        return Sides(project, sides[0], sides[1], notes=notes)
    regions: tuple[str, ...] = ()
    workloads: tuple[tuple[str, str], ...] = ()
    if plans[0] is not None and plans[1] is not None:
        found = differing(plans[0], plans[1])
        regions, workloads = found.regions, found.workloads
        plans = [found.base, found.head]
        nothing = not any(p.regions for p in (found.base, found.head))
        if nothing and found.base.roles == found.head.roles:
            sides = [replace(side, graph=()) for side in sides]
            return Sides(project, sides[0], sides[1], regions, workloads, notes)
    sides = [
        replace(side, graph=() if side.graph is not None else graph)
        for side, graph in zip(sides, _graphs(plans, recorder), strict=True)
    ]
    return Sides(project, sides[0], sides[1], regions, workloads, notes)


def _absent(given: _Given) -> Side:
    """Returns the side of a revision that has no stack file: an empty stack."""
    label = given.label
    if given.missing not in ("", NOTHING):
        label = f"{label}, which has no {given.missing}"
    return Side(label, "", None, (), commit=given.commit)


def _planned(given: _Given) -> tuple[Side, Plan | None]:
    if given.missing:
        return replace(_absent(given), plan=EMPTY.plan, graph=()), None
    label, commit = given.label, given.commit
    if given.file is None:
        why = "the stack file cannot be read"
        return Side(label, "", None, given.refused, no_graph=why, commit=commit), None
    file = given.file
    try:
        plan = file.plan(catalog.load())
    except Refused as refused:
        found = (*file.notes, *refused.findings)
        why = "the plan has errors"
        return Side(label, file.stack, None, found, None, why, file.config, commit), None
    found = (*file.notes, *plan.findings)
    return Side(label, file.stack, plan, found, None, "", file.config, commit), plan


def _graphs(plans: Sequence[Plan | None], recorder: Recorder) -> list[Graph | None]:
    """Returns the graph of each plan. Raises `UsageError` if one cannot be recorded."""
    try:
        recorder.ask([p for p in plans if p is not None])
        found = iter(recorder.answer())
    except NotRecordedError as error:
        text = str(error)
        text = text.splitlines()[-1] if text.startswith("Traceback") else text
        raise UsageError(f"the program cannot be recorded: {text}") from None
    return [next(found) if p is not None else None for p in plans]


# ---- other programs --------------------------------------------------------------------------


class _Foreign:
    """A revision with another program. Its commands start at once and run beside this process."""

    def __init__(
        self,
        given: _Given,
        stack: str,
        repository: Repository,
        root: Path,
        python: str | None,
        kept: ExitStack,
    ) -> None:
        assert given.checkout is not None
        self.given, self.stack, self.kept = given, stack, kept
        self.why = ""
        if python is None and not _alike(repository, given.commit, root):
            self.why = (
                "its requirements are not those of this environment: "
                "name a Python that has them with --base-python"
            )
        self.python = python or sys.executable
        self.plan = self.start("plan")
        self.preview = None if self.why else self.start("preview")

    def start(self, command: str) -> "_Asked":
        environment = {name: os.environ[name] for name in PASSED if name in os.environ}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        # revisions from before the tool had a package of its own call it `cli`
        checkout = cast(Path, self.given.checkout)
        module = "neuron_ecs" if (checkout / "neuron_ecs").is_dir() else "cli"
        arguments = [self.python, "-m", module, command, "--stack", self.stack, "--json"]
        # `kept` closes it, once the answer has been read.
        errors = self.kept.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        try:
            process = subprocess.Popen(
                arguments,
                cwd=checkout,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
            self.kept.callback(_end, process)
            return _Asked(process, errors)
        except OSError as error:
            raise UsageError(f"{self.python} cannot be run: {error.strerror}") from None

    def side(self) -> Side:
        """Returns the side that its commands printed."""
        label, commit = self.given.label, self.given.commit
        config = self.given.file.config if self.given.file else None
        blank = Side(label, self.stack, None, (), None, "", config, commit, foreign=True)
        document, why = self.plan.document()
        preview, graph_why = self.preview.document() if self.preview else (None, self.why)
        if document is None:
            return replace(blank, no_graph=f"its program cannot be asked: {why}")
        if "regions" in document and document.get("version") != PLAN_VERSION:
            return replace(blank, no_graph=_other_version("plan", document, PLAN_VERSION))
        try:
            blank = replace(blank, findings=read_findings(document.get("findings", [])))
            if "regions" not in document:
                return replace(blank, no_graph="the plan has errors")
            planned = replace(blank, plan=read_plan(document))
        except UnreadableError as error:
            return replace(blank, no_graph=f"the JSON of its `plan` cannot be read: {error}")
        if preview is None:
            return replace(planned, no_graph=graph_why, broken=self.preview is not None)
        if preview.get("version") != GRAPH_VERSION:
            return replace(planned, no_graph=_other_version("preview", preview, GRAPH_VERSION))
        try:
            graph = fitting(list[Resource], preview.get("resources"))
        except UnfitError as error:
            why = f"the JSON of its `preview` has no list of resources: {error}"
            return replace(planned, no_graph=why, broken=True)
        return replace(planned, graph=tuple(graph))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command of another program that runs, and the file that has what it says besides."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    def document(self) -> tuple[Mapping[str, Json] | None, str]:
        """Returns the JSON object that the command prints, or None and the reason."""
        out = cast("IO[bytes]", self.process.stdout)
        try:
            text = read_open(out.fileno(), _OUTPUT, JSON_BYTES, patience=None)
        except FileError as error:
            return None, str(error)
        self.process.wait()
        with suppress(ValueError):
            found = parse_json(text)
            if isinstance(found, dict):
                return cast("Mapping[str, Json]", found), ""
        self.errors.seek(max(0, self.errors.seek(0, os.SEEK_END) - _SAID))
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return None, lines[-1][:300] if lines else f"it ended with exit code {self.process.poll()}"


_OUTPUT = Path("its output")
_SAID = 10_000
"""Bytes at the end of what a command said, of which the last line is the reason."""


def _alike(repository: Repository, commit: str, root: Path) -> bool:
    """Whether a revision has the requirements of the program that runs."""
    with suppress(FileError):
        here = read_bytes(root / _REQUIREMENTS, STACK_FILE_BYTES)
        return repository.text(commit, _REQUIREMENTS) == here
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.communicate()


def _other_version(command: str, document: Mapping[str, Json], known: int) -> str:
    return (
        f"the JSON of its `{command}` has version {cut(str(document.get('version')))}; "
        f"this command reads version {known}"
    )
