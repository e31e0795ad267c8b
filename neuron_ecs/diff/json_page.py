"""The JSON of `diff` for people: its JSON Schema, and the page that is made from it."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from pydantic import TypeAdapter

from neuron_ecs.diff.json_form import VERSION, Document
from neuron_ecs.diff.refusals import INTERRUPTIONS, MEANINGS

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_HEAD = """\
# The JSON of `neuron-ecs diff`

`neuron-ecs diff BASE HEAD --json` writes one object, version {version}. A new version
comes when a key goes or changes its meaning; keys may be added within a version.
[diff.schema.json](diff.schema.json) is its JSON Schema (draft 2020-12), from which this page is
made.
"""

_TAIL = """\
## Codes of refusals

| code | what fails half-way |
|---|---|
{codes}

## Codes of ways

The update succeeds, and callers notice it; the steps are a way that they do not.

| code | what interrupts a model |
|---|---|
{ways}

## Exit codes

0 no change, or changes without `--exit-code`; 1 `failed`; 2 wrong usage; 3 changes, with
`--exit-code`.
"""


def schema() -> dict[str, Any]:
    """The JSON Schema of the difference."""
    found = TypeAdapter(Document).json_schema(mode="serialization")
    return {"$schema": _DIALECT, **_untitled(found)}


def page() -> str:
    """The page: every object of the form, in the order in which they are met."""
    found = schema()
    lines = [_HEAD.format(version=VERSION), *_object("The object", found)]
    for name in _met(found):
        lines += _object(name, found["$defs"][name])
    codes = "\n".join(f"| {code} | {meaning} |" for code, meaning in MEANINGS.items())
    ways = "\n".join(f"| {code} | {meaning} |" for code, meaning in INTERRUPTIONS.items())
    return "\n".join([*lines, _TAIL.format(codes=codes, ways=ways)])


def _untitled(value: Any) -> Any:
    """The schema without the titles that repeat its keys."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {
            k: _untitled(v) for k, v in members.items() if not (k == "title" and isinstance(v, str))
        }
    if isinstance(value, list):
        return [_untitled(item) for item in cast("list[Any]", value)]
    return value


def _met(found: dict[str, Any]) -> list[str]:
    """The names of the objects, each once, those named first before those that they name."""
    names: list[str] = []
    queue = [found["properties"]]
    while queue:
        for name in re.findall(r"#/\$defs/(\w+)", json.dumps(queue.pop(0))):
            if name not in names:
                names.append(name)
                queue.append(found["$defs"][name]["properties"])
    return names


def _object(name: str, described: dict[str, Any]) -> Iterator[str]:
    yield f"## {name}\n"
    yield " ".join(described["description"].split()) + "\n"
    yield "| key | holds | meaning |\n|---|---|---|"
    required = described["required"]
    for key, value in described["properties"].items():
        absent = "" if key in required else ", or no such key"
        yield f"| `{key}` | {_holds(value)}{absent} | {value.get('description', '')} |"
    yield ""


def _holds(value: dict[str, Any]) -> str:
    """The type in words, with links to the objects of the page."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value:
        return " or ".join(_holds(part) for part in value["anyOf"])
    if "const" in value or "enum" in value:
        said = value.get("enum", [value.get("const")])
        return ", ".join(f"`{json.dumps(one).strip(chr(34))}`" for one in said)
    match value.get("type"):
        case "array":
            return f"list of {_holds(value['items'])}"
        case "object":
            members = value["additionalProperties"]
            return "map" if members is True else f"map to {_holds(members)}"
        case "boolean":
            return "true or false"
        case None:
            return "JSON"
        case plain:
            return plain
