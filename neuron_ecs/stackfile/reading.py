"""Reads a stack file without the Pulumi CLI, into the texts that the engine passes on."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from catalog import Catalog
from config import Settings
from config.credentials import shown
from config.explaining import path_of
from messages.finding import Finding, Refused, Severity
from messages.phrases import closest_key
from neuron_ecs.files import (
    STACK_FILE_BYTES,
    FileError,
    MissingFileError,
    is_stream,
    name_of,
    read_bytes,
    read_text,
    text_of,
)
from neuron_ecs.stackfile.lines import Lines, named
from neuron_ecs.stackfile.yaml_values import Document, NotYamlError, json_text, load, scalar_text
from planning import Plan, decide

CODE = "NE002"
DEFAULT_STACK = "dev"
PROJECT_FILE = "Pulumi.yaml"
# Placeholder of an encrypted value.
UNSEEN = "/unseen"

_HANDED_OVER = 131_072 - len("PULUMI_CONFIG=") - 1
"""Bytes of the configuration as one JSON text: execve(2), MAX_ARG_STRLEN, less name and end.
Tried with Pulumi 3.260."""

_ENGINE_KEYS = ("config", "environment", "encryptionsalt", "encryptedkey", "secretsprovider")
_PROVIDER_NAMESPACES = frozenset({"aws", "aws-native", "pulumi"})
_STACK_FILE = re.compile(r"Pulumi\.(.+)\.ya?ml")


@dataclass(frozen=True, slots=True)
class StackFile:
    """A stack's configuration: full keys such as `aws:region` to the engine's texts.

    `notes` and the findings of `plan` name the line.
    """

    project: str
    stack: str
    path: Path
    config: dict[str, str]
    notes: tuple[Finding, ...] = ()
    encrypted: tuple[str, ...] = ()
    """Paths of our own values that Pulumi keeps encrypted."""
    lines: Lines = field(default_factory=Lines)

    def plan(self, tables: Catalog) -> Plan:
        """Plans the stack. Raises `Refused`."""
        try:
            plan = decide(
                self.config,
                tables,
                project=self.project,
                stack=self.stack,
                encrypted=self.encrypted,
            )
        except Refused as refused:
            raise Refused(self.lines.locate(refused.findings)) from None
        return replace(plan, findings=self.lines.locate(plan.findings))


class StackFileError(Refused):
    """The stack file or its project file cannot be read. `findings` has every reason."""


def read(*, stack: str | None, file: Path | None, directory: Path) -> StackFile:
    """The stack file `Pulumi.<stack>.yaml` of the project in `directory`, or the file named.

    A file's stack is the one in its name, `Pulumi.<stack>.yaml`, or its name without the ending.
    Its project is that of the `Pulumi.yaml` beside it, or else of the one in `directory`.
    A stream, such as `-` for standard input, is the stack `dev` where none is named.
    Raises `StackFileError`.
    """
    streamed = file is not None and is_stream(file)
    home = directory if file is None or streamed else home_of(file, directory)
    project = _project_in(home)
    if file is None:
        label, file = _file_of(stack or DEFAULT_STACK, home, project)
    elif streamed:
        label = stack or DEFAULT_STACK
    else:
        named = _STACK_FILE.fullmatch(file.name)
        label = stack or (named[1] if named else file.stem)
    return _read(label, file, _bytes_of(file, _files_that_exist(file)), project)


def home_of(file: Path, directory: Path) -> Path:
    """Returns the directory of a stack file's project: its own, or `directory`."""
    return file.parent if (file.parent / PROJECT_FILE).is_file() else directory


def with_text(file: StackFile, text: str, directory: Path) -> StackFile:
    """The stack file of a project in `directory` with another text. Raises `StackFileError`."""
    project = _project_in(home_of(file.path, directory))
    return _read(file.stack, file.path, text.encode(), project)


def read_revision(project: bytes, written: bytes, *, stack: str) -> StackFile:
    """The stack file of a revision, from what its two files hold. Raises `StackFileError`."""
    file = Path(f"Pulumi.{stack}.yaml")
    return _read(stack, file, written, _project(Path(PROJECT_FILE), project))


def _read(stack: str, file: Path, written: bytes, project: Mapping[str, Any]) -> StackFile:
    name: str = project["name"]
    reader = _Reader(name, file)
    document = _map_of(file, written)
    config = reader.config(document.value, project.get("config"))
    reader.handed_over(config)
    lines = Lines(name, document.lines)
    found = lines.locate(reader.findings)
    if any(f.severity is Severity.ERROR for f in found):
        raise StackFileError(found)
    notes = sorted(found, key=lambda f: f.sort_key)
    return StackFile(name, stack, file, config, tuple(notes), tuple(reader.encrypted), lines)


def _project_in(home: Path) -> dict[str, Any]:
    file = home / PROJECT_FILE
    where = "run it in the project, or name its directory with --project"
    return _project(file, _bytes_of(file, where))


def _project(file: Path, written: bytes) -> dict[str, Any]:
    """The map of a project file, which has a name. Raises `StackFileError`."""
    project = _map_of(file, written).value
    name = project.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", name):
        fix = "write name: neuron-ecs at its beginning"
        raise _refused(str(file), "has no project name", fix)
    return project


def project_name(directory: Path) -> str:
    """Returns the project's name, the namespace of its keys; `neuron-ecs` without a project."""
    try:
        text = read_text(directory / PROJECT_FILE, STACK_FILE_BYTES)
    except FileError:
        text = ""
    found = re.search(r"^name:\s*([A-Za-z0-9_.-]+)\s*$", text, re.MULTILINE)
    return found[1] if found else "neuron-ecs"


def _file_of(stack: str, home: Path, project: Mapping[str, Any]) -> tuple[str, Path]:
    name = stack.rpartition("/")[2]
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", name):
        fix = "write letters, digits, hyphens, underscores and dots, for instance dev"
        raise _refused("--stack", f"is {shown(stack)}, which no stack can be called", fix)
    folder = project.get("stackConfigDir")
    where = home / folder if isinstance(folder, str) else home
    return name, where / f"Pulumi.{name}.yaml"


def _files_that_exist(file: Path) -> str:
    folder = file.parent
    found = (_STACK_FILE.fullmatch(path.name) for path in sorted(folder.glob("Pulumi.*.y*ml")))
    stacks = [match[1] for match in found if match]
    if not stacks:
        return f"no stack file is in {folder}; copy one of the examples"
    listed = ", ".join(stacks[:8]) + (f" and {len(stacks) - 8} more" if len(stacks) > 8 else "")
    return f"the stacks with a file there are {listed}"


def _bytes_of(path: Path, where: str) -> bytes:
    """What the file holds; `where` says what to do without one. Raises `StackFileError`."""
    try:
        return read_bytes(path, STACK_FILE_BYTES)
    except MissingFileError as error:
        raise _refused("", f"{path} {error.what}", where) from None
    except FileError as error:
        raise unreadable(error) from None


def unreadable(error: FileError) -> StackFileError:
    """Returns the finding about a file that cannot be read, as an error to raise."""
    return _refused(name_of(error.path), error.what, error.fix)


def _map_of(path: Path, written: bytes) -> Document:
    """The map that a file holds. Raises `StackFileError` where there is none."""
    name = name_of(path)
    try:
        text = text_of(written, path)
    except FileError as error:
        raise unreadable(error) from None
    try:
        document = load(text)
    except NotYamlError as error:
        found = _error(name, f"column {error.column}, {error.what}", error.fix)
        raise StackFileError([replace(found, line=error.line)]) from None
    if document.repeated:
        what = f"stands a second time in one map of {path.name}"
        raise StackFileError(
            [
                replace(_error(path_of(key.path), what, "keep one of the two"), line=key.line)
                for key in document.repeated
            ]
        )
    if document.value is None:
        raise _refused(name, "is empty", "begin it with config: and the keys below it")
    if not isinstance(document.value, dict):
        raise _refused(name, "is not a map", "begin it with config: and the keys below it")
    return document


def _error(path: str, what: str, fix: str, why: str = "") -> Finding:
    return Finding(CODE, Severity.ERROR, path, what, why, fix)


def _refused(path: str, what: str, fix: str) -> StackFileError:
    return StackFileError([_error(path, what, fix)])


class _Reader:
    """Turns the map of a stack file into texts, and collects findings."""

    def __init__(self, project: str, file: Path) -> None:
        self.project = project
        self.file = file
        self.findings: list[Finding] = []
        self.encrypted: list[str] = []

    def config(self, document: Mapping[str, Any], defaults: object) -> dict[str, str]:
        self.outer_keys(document)
        config = document.get("config")
        if config is not None and not isinstance(config, dict):
            fix = "write a map of keys such as aws:region"
            what = "is a list" if isinstance(config, list) else "is a single value"
            self.findings.append(_error("config", f"{what}, not a map", fix))
            return {}
        members = cast("dict[str, Any]", config or {})
        found: dict[str, str] = {}
        for key, value in members.items():
            full = self.full_key(key)
            if full is None:
                continue
            if full in found:
                what = f"stands twice, with and without {self.project}:"
                self.findings.append(_error(named(key), what, "keep one of the two"))
                continue
            text = self.text(full, value)
            if text is not None:
                found[full] = text
        for full, value in self.defaults(defaults):
            if full not in found and (text := self.text(full, value)) is not None:
                found[full] = text
        return dict(sorted(found.items()))

    def outer_keys(self, document: Mapping[str, Any]) -> None:
        if "environment" in document:
            self.note(
                "environment",
                "imports environments that only the Pulumi service can open",
                "their values are not known offline",
                "check with `pulumi preview` as well",
            )
        is_stack_file = any(key in _ENGINE_KEYS for key in document)
        for key in document:
            if key in _ENGINE_KEYS:
                continue
            namespace, _, name = key.rpartition(":")
            is_known = name in Settings.model_fields or namespace in _PROVIDER_NAMESPACES
            if not (is_stack_file or is_known or closest_key(key, ["config"])):
                continue  # it can be any file, and its keys can be secrets
            if ":" in key or name in Settings.model_fields:
                fix = f"indent it under config: as {self.project}:{name}"
                if name not in Settings.model_fields:
                    fix = "indent it under config:"
                self.findings.append(_error(named(key), "stands outside config:", fix))
            elif near := closest_key(key, ["config"]):
                fix = f"did you mean {near}?"
                self.findings.append(_error(named(key), "is not a key of stack files", fix))
            else:
                self.findings.append(
                    Finding(
                        CODE,
                        Severity.WARNING,
                        named(key),
                        "is not a key of stack files",
                        "the engine ignores it without notice",
                        "remove it",
                    )
                )
        errors = any(f.severity is Severity.ERROR for f in self.findings)
        if document.get("config") is None and "environment" not in document and not errors:
            fix = f"write config: and below it aws:region, {self.project}:regions and the rest"
            self.findings.append(_error(name_of(self.file), "has no config:", fix))

    def full_key(self, key: str) -> str | None:
        """The key with its namespace. A key of this program in another namespace is an error."""
        parts = key.split(":")
        if len(parts) == 3 and parts[1] == "config":
            parts = [parts[0], parts[2]]
        if len(parts) > 2:
            fix = f"write <namespace>:<name>, for instance {self.project}:models"
            self.findings.append(_error(named(key), "cannot be a key of a stack file", fix))
            return None
        namespace, name = parts if len(parts) == 2 else (self.project, parts[0])
        ours = name in Settings.model_fields and namespace not in _PROVIDER_NAMESPACES
        if ours and namespace != self.project:
            self.findings.append(
                _error(
                    named(key),
                    f"looks like a key of ours, but the project is called {self.project}",
                    f"write {self.project}:{name}, or {name} alone",
                    "a program reads only the keys in the namespace of its project",
                )
            )
            return None
        return f"{namespace}:{name}"

    def defaults(self, project_config: object) -> Iterator[tuple[str, Any]]:
        """The defaults of the project file for every stack."""
        if not isinstance(project_config, dict):
            return
        for key, said in cast("dict[str, Any]", project_config).items():
            full = key if ":" in key else f"{self.project}:{key}"
            if isinstance(said, dict):
                members = cast("dict[str, Any]", said)
                value = members.get("value", members.get("default"))
                if value is not None:
                    yield full, value
            elif said is not None:
                yield full, said

    def text(self, full: str, value: Any) -> str | None:
        is_ours = full.startswith(f"{self.project}:")
        location = (full.removeprefix(f"{self.project}:"),)
        if is_ours and isinstance(value, dict) and _is_encrypted(cast("dict[str, Any]", value)):
            self.unseen(location, is_ours=True)
            return None
        seen = self.seen(value, location, is_ours=is_ours)
        return json_text(seen) if isinstance(seen, (dict, list)) else scalar_text(seen)

    def seen(self, value: Any, location: tuple[str | int, ...], *, is_ours: bool) -> Any:
        """The value with a placeholder for everything that is encrypted in it."""
        if isinstance(value, dict):
            members = cast("dict[str, Any]", value)
            if _is_encrypted(members):
                self.unseen(location, is_ours=is_ours)
                return UNSEEN
            return {k: self.seen(v, (*location, k), is_ours=is_ours) for k, v in members.items()}
        if isinstance(value, list):
            items = cast("list[Any]", value)
            return [
                self.seen(item, (*location, i), is_ours=is_ours) for i, item in enumerate(items)
            ]
        return value

    def handed_over(self, config: Mapping[str, str]) -> None:
        """Warns of a configuration that the engine cannot hand over on Linux."""
        if (size := len(json_text(config).encode())) > _HANDED_OVER:
            what = f"is {size:,} bytes as the engine hands it to the program"
            why = (
                f"it does so in an environment variable, which on Linux has at most "
                f"{_HANDED_OVER:,} bytes: `pulumi up` ends there with `argument list too long`"
            )
            fix = "split the stack, for instance by Region, or run it on macOS"
            finding = Finding(CODE, Severity.WARNING, name_of(self.file), what, why, fix)
            self.findings.append(finding)

    def unseen(self, location: tuple[str | int, ...], *, is_ours: bool) -> None:
        path = path_of(location)
        if is_ours:
            self.encrypted.append(path)
            return
        self.note(
            named(str(location[0])) if len(location) == 1 else path,
            "is encrypted",
            "only the Pulumi CLI can decrypt it: offline a placeholder stands for it",
            "check with `pulumi preview` as well",
        )

    def note(self, path: str, what: str, why: str, fix: str) -> None:
        self.findings.append(Finding(CODE, Severity.NOTE, path, what, why, fix))


def _is_encrypted(members: Mapping[str, Any]) -> bool:
    return len(members) == 1 and isinstance(members.get("secure"), str)
