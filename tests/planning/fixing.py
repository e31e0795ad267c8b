"""Reads what a fix proposes and applies it to the stack file, as a reader would.

A fix is a list of choices, divided by `; ` or `, or `. A choice is an edit in one of the forms
below, or begins with words of `OUTSIDE`. The finding's path is the place of an edit. Reasons follow
a comma, a colon or a bracket.

- `write 2`, `write 2 to 10`, `write at most 2`, `write 14, 30 or 60`: the value at the path
- `write max_size: 2 and min_size: 1`: fields below or beside the path, or from the top of the file;
  names in capitals are variables of the container
- `write --port=8080`: an option of the command
- `write [vllm, serve] before it`: the first words of the command
- `leave it out`, `leave efa out`, `remove it`: no value at the path, no such field, option or entry
- `did you mean x?`, `name it x`, `choose one of x, y and z`: in place of the value or key at the
  path, or of the entry there that the finding names
- `use inf2.xlarge or us-west-2`: another instance type, or another Region, for the pool
- `use kind: auto_scaling`: another kind of pool
- `move it to a pool of its own`, `that is not Spot`, `of kind: auto_scaling`: a further pool
- `keep at most 2`: the first entries at the path
- `add a subnet in usw2-az1`, `silence NE726 with the reason`
"""

import copy
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, TypeGuard, cast

from pydantic import BaseModel
from ruamel.yaml import YAML

from catalog import load
from config import ShapeError
from config.alarms import Alarms, Slack
from config.capacity import AutoScalingCapacity, ManagedInstancesCapacity
from config.places import ExistingNetworkEntry, OwnNetworkEntry, RegionEntry
from config.replicas import Replicas
from config.schedules import Schedule
from config.settings import Security, Settings, Traffic
from config.shapes import Shape
from config.volumes import EbsVolumeEntry, EfsVolumeEntry, HostVolumeEntry, S3FilesVolumeEntry
from config.workloads import HealthCheck, JobEntry, ModelEntry, Sidecar
from messages.finding import Finding, Severity
from tests.planning.stacks import PROJECT, Config, findings_of

Json = Any
Step = str | int
Path = list[Step]
# (verb, field, value); an empty field stands for the path of the finding.
Edit = tuple[str, str, Json]

# What the reader does elsewhere: how such a choice begins, and why it is no edit of the file.
OUTSIDE = {
    "run `": "a command, in a terminal with credentials",
    "request ": "an application to AWS, such as for a quota",
    "reserve ": "a purchase",
    "copy ": "a copy of an image, in a registry",
    "share ": "a permission for another account",
    "test ": "a trial in an account",
    "make sure ": "a look into the account",
    "make ": "a further pool or a sidecar, whose reservation or sizes only the reader has",
    "let ": "a change of the program in the container",
    "load ": "a change of the program in the container",
    "take a domain ": "another domain, which only the reader has",
    "lower ": "a size that the program needs, which only the reader knows",
    "put ": "a change of the image, of a bucket or of a secret",
    "build ": "a change of the image",
    "take ": "another model, which only the reader can choose",
    "give ": "a resource that only the account has",
    "mount ": "a volume, whose files only the reader has",
    "name ": "a resource that only the account has",
    "attach ": "a policy that only the account has",
    "correct ": "another entry, if that is the wrong one",
    "add a model or job ": "a workload, which only the reader knows",
    "use AWS ": "another service",
    "set the desired count ": "a call of ECS, before the update",
}
# Stand for a name that only the reader has.
OWN = {
    "cr-…": "cr-0f",
    "sg-…": "sg-0f",
    "fs-…": "fs-0123456789abcdef0",
    "snap-…": "snap-0123456789abcdef0",
    "subnet-…": "subnet-0f",
    "certificate/…": "certificate/0f",
    "s3://…": "s3://bucket-of-mine",
    r"(:resource-groups:[\w-]+:)…": r"\g<1>111122223333:group/mine",
    r"(:acm:[\w-]+:)…": r"\g<1>111122223333:certificate/0f",
}
# The reader puts a model of their own here: one of these has to work.
MODEL = "<model>"
MODELS = sorted(m.id for m in load().serving.models.values() if m.kind == "decoder")
FIELD = r"[A-Za-z_][\w.-]*(?:\[\d+\])?"
TYPE = r"[a-z]+\d[a-z0-9-]*\.[a-z0-9-]+"
REGION = r"[a-z]{2}(?:-gov|-iso\w*)?-[a-z]+-\d"
# Entries that a fix adds to, rather than replaces.
MERGED = {
    "environment",
    "secrets",
    "regions",
    "reservation_ids",
    "reservation_group_arns",
    "certificate_arns",
    "volumes",
    "file_systems",
    "snapshot_ids",
}


def choices(fix: str) -> list[str]:
    """The choices of a fix."""
    parts = re.split(r"; or |; |, or (?=[a-z]+ )|\? Or |\? If not, ", fix.rstrip("."))
    return [part for part in parts if part]


def outside(choice: str) -> str | None:
    """Why the choice is no edit of the stack file; None if it is one."""
    if re.match(r"name it ", choice):
        return None
    return next((why for start, why in OUTSIDE.items() if choice.startswith(start)), None)


def faults(config: Config, code: str, least: Severity = Severity.WARNING) -> list[str]:
    """What is wrong with the fixes of the findings of that code, a line each.

    A fix works if its finding is gone and none of that severity is new. A choice that the reader
    does elsewhere is not judged.
    """
    found: list[str] = []
    before = findings_of(config)
    for finding in (f for f in before if f.code == code):
        for choice in (c for c in choices(finding.fix) if outside(c) is None):
            lead = f"{code} at {finding.path}: {choice!r}"
            says: list[str] = []
            for words in _filled(choice):
                made = list(edited(config, finding, words))
                says = [_fault(new, before, finding, least) for new in made]
                says = [fault for fault in says if fault] if made else ["is in none of the forms"]
                if not says:
                    break
            found += [f"{lead}: {fault}" for fault in says]
    return found


def _filled(choice: str) -> list[str]:
    """The choice with each model that the reader could put into it."""
    return [choice.replace(MODEL, name) for name in (MODELS if MODEL in choice else [MODEL])]


def _fault(config: Config, before: tuple[Finding, ...], finding: Finding, least: Severity) -> str:
    """What the edited stack file still has or newly has; empty if nothing."""
    try:
        after = findings_of(config)
    except ShapeError as error:
        after = error.findings
    known = {(f.code, f.path) for f in before}
    key = finding.code, finding.path
    silenced = json.loads(config.get(f"{PROJECT}:silence", "{}"))
    after = tuple(f for f in after if f.code not in silenced)
    there = [[f for f in of if (f.code, f.path) == key] for of in (before, after)]
    if len(there[1]) >= len(there[0]):
        return f"the finding stays: {there[1][0].what}"
    new = [f for f in after if f.severity >= least and (f.code, f.path) not in known]
    return "; ".join(f"new is {f.code} {f.path} {f.what}" for f in new)


def edited(config: Config, finding: Finding, choice: str) -> Iterator[Config]:
    """The stack files that the choice leads to: one for each value; none without a known form."""
    for edits in alternatives(choice):
        file = _File(config, finding)
        for verb, field, value in edits:
            file.apply(verb, field, value)
        yield file.config()


def alternatives(choice: str) -> list[list[Edit]]:
    """For each value that a choice names the edits that belong together."""
    made: list[list[Edit]] = [[]]
    for step in re.split(r",? and (?=(?:write|leave|remove|name it|move|silence) )", choice):
        made = [[*before, *edits] for before in made for edits in _step(step)]
    return made


def _step(text: str) -> list[list[Edit]]:
    if re.match(r"(leave it out|remove it)\b", text):
        return [[("delete", "", None)]]
    if found := re.match(rf"leave (--)?({FIELD}) out|remove (--)?({FIELD})$", text):
        return [[("delete", "".join(part or "" for part in found.groups()), None)]]
    if found := re.match(
        r"(?:did you mean|name it|choose one of) (.+?)(?: and \d+ more)?\??$", text
    ):
        names = re.split(r" or |, | and ", found[1])
        return [[("rename", "", name)] for name in names]
    if found := re.match(r"use kind: auto_scaling(,? (?:with|and) )?", text):
        more: list[list[Edit]] = _written(text[found.end() :]) if found[1] else [[]]
        return [[("kind", "", "auto_scaling"), *edits] for edits in more]
    if found := re.match(rf"use ((?:(?:{TYPE}|{REGION})(?:, | and | or |$|(?= |,)))+)", text):
        types = [[("type", "", word)] for word in re.findall(TYPE, found[1])]
        return types or [[("region", "", word)] for word in re.findall(REGION, found[1])]
    if found := re.match(r"move (.+?) to a pool (.*)$", text):
        return [[("move", "", (found[1], found[2]))]]
    if found := re.match(r"write (.*) before it$", text):
        return [[("before", "", _value(found[1])[0])]]
    if found := re.match(r"keep at most (\d+)", text):
        return [[("keep", "", int(found[1]))]]
    if found := re.match(r"silence (NE\d+) with the reason", text):
        return [[("set", f"silence.{found[1]}", "a reason")]]
    if found := re.match(r"add a subnet in ((?:\w+-az\d+(?:, | and | or )?)+)", text):
        return [[("subnet", "", zone)] for zone in re.findall(r"\w+-az\d+", found[1])]
    return _written(text.removeprefix("write ")) if text.startswith("write ") else []


def _written(text: str) -> list[list[Edit]]:
    made: list[Edit] = []
    while found := re.match(r"(--[\w-]+)(?:=(\S+?))?(?=,? |,?$)(?: (?=--)|,? and )?", text):
        made.append(("option", found[1], found[2] or ""))
        text = text[found.end() :]
    while found := re.match(rf"(?:, |,? and )?({FIELD}): ", text):
        value, text = _value(text[found.end() :])
        made.append(("set", found[1], value))
    if made:
        return [made] if re.match(r"$|, |: | \(", text) else []
    if found := re.match(r"(?:at most|at least|the count) (\d+)", text):
        return [[("set", "", int(found[1]))]]
    if found := re.match(r"(\d+) to (\d+)", text):
        return [[("set", "", int(number))] for number in found.groups()]
    values: list[Json] = []
    while True:
        value, text = _value(text)
        values.append(value)
        more = re.match(
            r'(?:, | or | and )(?=(?:\d+|all|"[^"]*"|\[[^]]*\])(?:, | or | and |: |$))', text
        )
        if more is None:
            return [[("set", "", v)] for v in values] if re.match(r"$|, |: | \(", text) else []
        text = text[more.end() :]


def _value(text: str) -> tuple[Json, str]:
    """The YAML value at the beginning of the text, and what follows it."""
    depth, end, quote = 0, len(text), ""
    for index, char in enumerate(text):
        if quote or char == '"':
            quote = char if not quote else "" if char == quote else quote
        elif char in "[{(":
            depth += 1
        elif char in "]})":
            depth -= 1
        elif not depth and (char == " " or text[index : index + 2] in (", ", ": ", "; ")):
            end = index
            break
    word = text[:end]
    for sign, name in OWN.items():
        word = re.sub(sign, name, word)
    flow = word[:1] in '[{"' or re.fullmatch(r"-?\d+|true|false", word)
    return (cast("Any", YAML(typ="safe")).load(word) if flow else word), text[end:]


def is_map(value: Json) -> TypeGuard[dict[Any, Json]]:
    """Whether the value is a map."""
    return isinstance(value, dict)


def is_list(value: Json) -> TypeGuard[list[Json]]:
    """Whether the value is a list."""
    return isinstance(value, list)


class _File:
    """The stack file as nested maps and lists, and the finding whose fix is applied."""

    def __init__(self, config: Config, finding: Finding) -> None:
        prefix = f"{PROJECT}:"
        self.others = {k: v for k, v in config.items() if not k.startswith(prefix)}
        self.keys: dict[str, Json] = {
            k.removeprefix(prefix): json.loads(v) for k, v in config.items() if k.startswith(prefix)
        }
        self.finding = finding
        self.at = [] if finding.path.startswith("aws:") else self.steps(finding.path)

    def config(self) -> Config:
        """The configuration as the engine hands it over."""
        texts = {f"{PROJECT}:{key}": json.dumps(value) for key, value in self.keys.items()}
        return {**self.others, **texts}

    def steps(self, path: str) -> Path:
        """The keys of a path; keys of the file that contain dots stay whole."""
        found: Path = []
        here: Json = self.keys
        while path:
            keys = sorted(here, key=len, reverse=True) if is_map(here) else []
            whole = next((k for k in keys if re.match(rf"{re.escape(k)}($|[.\[])", path)), None)
            shape = re.match(r'\[(\d+)\]|\["(.*?)"\]|[^.\[]+', path)
            assert shape is not None, path
            step: Step = whole or (int(shape[1]) if shape[1] else shape[2] or shape[0])
            path = path[len(whole) if whole else shape.end() :].removeprefix(".")
            found.append(step)
            here = self.get(found)
        return found

    def get(self, at: Path) -> Json:
        """The value there, None if there is none."""
        here: Json = self.keys
        for step in at:
            try:
                here = here[step]
            except (KeyError, IndexError, TypeError):
                return None
        return here

    def apply(self, verb: str, field: str, value: Json) -> None:
        """Does one edit."""
        if self.finding.path.startswith("aws:"):
            self.others["aws:region"] = value
            return
        where = self.place(field) if field and not field.startswith("--") else self.at
        match verb:
            case "set":
                self.set(where, value)
            case "delete" if field.startswith("--"):
                self.without(field)
            case "delete":
                self.delete(where)
            case "rename":
                self.rename(value)
            case "before":
                self.set(self.at, [*value, *self.get(self.at)])
            case "option":
                self.option(field, value)
            case "keep":
                owner = self.get(self.at)
                kept = list(owner)[:value]
                self.set(self.at, {k: owner[k] for k in kept} if is_map(owner) else kept)
            case "subnet":
                self.set([*self.at, value], "subnet-0f")
            case "region":
                self.region(value)
            case "move":
                self.move(*value)
            case _:
                self.retype(self.pool(), verb, value)

    def pool(self) -> dict[str, Json]:
        """The pool at the path, or that of the model or job there."""
        name = self.at[1] if self.at[0] == "capacity" else self.get([*self.at[:2], "capacity"])
        return self.keys["capacity"][name]

    def retype(self, pool: dict[str, Json], verb: str, value: str) -> None:
        """Gives a pool another kind or another type."""
        if verb == "kind":
            known = load().instances.types
            types = [t for p in pool.pop("allowed_instance_types", ["*"]) for t in _matching(p)]
            types.sort(key=lambda t: -known[t].memory_mib)
            for field in set(pool) - set(AutoScalingCapacity.model_fields):
                del pool[field]
            pool.update(kind=value, instance_type=types[0], max_size=8)
        elif pool["kind"] == "managed_instances":
            pool["allowed_instance_types"] = [value]
        else:
            pool["instance_type"] = value

    def move(self, names: str, which: str) -> None:
        """Moves workloads to a copy of their pool, changed as the fix says."""
        named = re.findall(r"[\w-]+", names) if names not in ("it", "them") else []
        works = [self.get(self.at[:2])] if self.at[0] != "capacity" else []
        for group in ("models", "jobs"):
            works += [w for n, w in self.keys.get(group, {}).items() if n in named]
        pool = copy.deepcopy(self.keys["capacity"][works[0]["capacity"]])
        if "not Spot" in which:
            pool["purchase"] = "on_demand"
        if "kind: auto_scaling" in which:
            self.retype(pool, "kind", "auto_scaling")
        self.keys["capacity"]["of-its-own"] = pool
        for work in works:
            work["capacity"] = "of-its-own"

    def region(self, name: str) -> None:
        """Moves the pool to another Region, or everything of a Region there."""
        old = str(self.at[1]) if self.at[0] == "regions" else ""
        works = [w for g in ("models", "jobs") for w in self.keys.get(g, {}).values()]
        for entry in [*self.keys["capacity"].values(), *works] if old else [self.pool()]:
            regions = entry.get("regions")
            if old:
                entry.pop("zone_ids", None)
            if not old:
                entry["regions"] = [name]
            elif is_list(regions):
                entry["regions"] = [name if r == old else r for r in regions]
            elif is_map(regions) and old in regions:
                regions[name] = regions.pop(old)
        self.keys["regions"].pop(old, None)
        for entries in self.keys.get("traffic", {}).values():
            if is_map(entries):
                entries.pop(old, None)
        self.keys["regions"].setdefault(name, {})

    def place(self, field: str) -> Path:
        """The place of a field: from the top, below the path, or beside it or what it is in."""
        names = self.steps(field)
        if len(names) > 1 and names[0] in {*self.keys, "silence"}:
            return names
        for depth in range(len(self.at), -1, -1):
            before = self.at[:depth]
            container = len(before) in (2, 4) and {"image"} & fields(before)
            if container and re.fullmatch(r"[A-Z][A-Z0-9_]+", field):
                return [*before, "environment", field]
            entry = self.get(before)
            if is_map(entry) and field in entry and depth == len(self.at):
                return [*before, field]
            if is_list(entry) and field in entry and not isinstance(names[0], int):
                return [*before, entry.index(field)]
            if names[0] in fields(before):
                return [*before, *names]
        return [*self.at[:-1], *names]

    def set(self, at: Path, value: Json) -> None:
        """Writes a value; shorthands on the way become maps."""
        here: Json = self.keys
        for step, following in pairwise(at):
            inner = here[step] if isinstance(step, int) else here.get(step)
            if is_list(inner) and not isinstance(following, int):
                inner = cast("Json", {key: {} for key in inner})
            if not (is_map(inner) or is_list(inner)):
                inner = {}
            here[step] = inner
            here = inner
        old = self.get(at)
        if at[-1] in MERGED and is_map(old) and is_map(value):
            old.update(value)
        else:
            here[at[-1]] = value

    def delete(self, at: Path) -> None:
        """Removes a key or an entry of a list."""
        owner: Json = self.get(at[:-1])
        if isinstance(at[-1], int) or at[-1] in owner:
            del owner[at[-1]]

    def rename(self, name: str) -> None:
        """Puts a name in the place of the one that the finding is about."""
        value, owner = self.get(self.at), self.get(self.at[:-1])
        if (is_map(value) or is_list(value)) and (
            named := [
                k for k in value if re.search(rf"(?<![\w-]){re.escape(k)}", self.finding.what)
            ]
        ):
            if is_map(value):
                value[name] = value.pop(named[0])
            elif is_list(value):
                value[value.index(named[0])] = name
        elif is_map(value) or self.at[-2] in KEYED:
            owner[name] = owner.pop(self.at[-1])
        else:
            self.set(self.at, name)

    def without(self, name: str) -> None:
        """Removes an option of the command, with its value."""
        command: list[str] = self.get(self.at)
        index = next(i for i, word in enumerate(command) if word.partition("=")[0] == name)
        valued = command[index] == name and not "".join(command[index + 1 :][:1]).startswith("-")
        del command[index : index + 1 + valued]

    def option(self, name: str, value: str) -> None:
        """Writes an option of the command, in the form that the command has."""
        command: list[str] = self.get(self.at)
        if self.at[-1] != "command":
            container = self.at[: 4 if "sidecars" in self.at else 2]
            command = self.get([*container, "command"])
        for index, word in enumerate(command):
            if word == name and index + 1 < len(command):
                command[index + 1] = value
                return
            if word.partition("=")[0] == name:
                command[index] = f"{name}={value}"
                return
        command.append(f"{name}={value}" if value else name)


# Maps whose keys are names.
KEYED = {
    "regions",
    "silence",
    "tags",
    "environment",
    "reservation_ids",
    "reservation_group_arns",
    "certificate_arns",
    "kms_keys",
    "web_acl_arns",
    "topics",
    "file_systems",
    "private_subnets",
    "public_subnets",
    "mounts",
    "api_key",
}
ENTRIES: dict[str, tuple[type[BaseModel], ...]] = {
    "": (Settings,),
    "capacity.*": (AutoScalingCapacity, ManagedInstancesCapacity),
    "models.*": (ModelEntry,),
    "jobs.*": (JobEntry,),
    "*.*.sidecars.*": (Sidecar,),
    "*.*.health_check": (HealthCheck,),
    "*.*.replicas": (Replicas,),
    "*.*.schedule": (Schedule,),
    "shapes.*": (Shape,),
    "volumes.*": (HostVolumeEntry, EfsVolumeEntry, EbsVolumeEntry, S3FilesVolumeEntry),
    "traffic": (Traffic,),
    "security": (Security,),
    "alarms": (Alarms,),
    "alarms.slack": (Slack,),
    "regions.*": (RegionEntry,),
    "regions.*.network": (OwnNetworkEntry, ExistingNetworkEntry),
}


def fields(at: Path) -> set[str]:
    """The fields that the map at this place may have."""
    for pattern, entries in ENTRIES.items():
        parts = pattern.split(".") if pattern else []
        if len(parts) == len(at) and all(p in ("*", a) for p, a in zip(parts, at, strict=True)):
            return {name for entry in entries for name in entry.model_fields}
    return set()


def _matching(pattern: str) -> tuple[str, ...]:
    return load().instances.matching(pattern)
