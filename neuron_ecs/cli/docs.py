"""Writes the pages of docs/ that are made from the code.

`make docs` runs it as `python -m neuron_ecs.cli.docs`.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter

import catalog
from neuron_ecs.diff.json_form import VERSION, Document
from neuron_ecs.diff.refusals import INTERRUPTIONS, MEANINGS
from neuron_ecs.operations.permissions import changing_policy, read_only_policy
from neuron_ecs.stackfile import json_schema
from neuron_ecs.stackfile.reference import page as stack_file_page
from planning import reference

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCHEMA = DOCS / "diff.schema.json"
PAGE = DOCS / "diff.md"
FINDINGS = DOCS / "findings.md"
SECURITY = DOCS / "security.md"
READ_ONLY_POLICY = DOCS / "read-only-policy.json"
CHANGING_POLICIES = DOCS / "changing-policies.json"
STACK_FILE = DOCS / "stack-file.schema.json"
STACK_FILE_PAGE = DOCS / "stack-file.md"

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


def findings() -> str:
    """Returns the page of the findings."""
    return "\n".join(reference.markdown()) + "\n"


def security() -> str:
    """Returns the page of roles and controls: as it stands, with the table of the catalog."""
    written = SECURITY.read_text(encoding="utf-8").partition("\n| control |")[0]
    table = reference.controls(catalog.load().resources.security_controls)
    return "\n".join([written, *table]) + "\n"


def read_only() -> str:
    """Returns the policy of the commands that only read."""
    return json.dumps(read_only_policy(), indent=2) + "\n"


def changing() -> str:
    """Returns the policy of the commands that change what runs."""
    return json.dumps(changing_policy(), indent=2) + "\n"


def write() -> None:
    """Writes every page."""
    SCHEMA.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    FINDINGS.write_text(findings(), encoding="utf-8")
    READ_ONLY_POLICY.write_text(read_only(), encoding="utf-8")
    CHANGING_POLICIES.write_text(changing(), encoding="utf-8")
    SECURITY.write_text(security(), encoding="utf-8")
    STACK_FILE_PAGE.write_text(stack_file_page(), encoding="utf-8")
    STACK_FILE.write_text(json_schema.text("neuron-ecs"), encoding="utf-8")


if __name__ == "__main__":
    write()
