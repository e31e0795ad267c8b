"""Writes the pages of docs/ that are made from the code.

`make docs` runs it as `python -m neuron_ecs.cli.docs`.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import catalog
from neuron_ecs.diff import json_page
from neuron_ecs.operations.permissions import changing_policy, read_only_policy
from neuron_ecs.stackfile import json_schema
from neuron_ecs.stackfile.reference import page as stack_file_page
from planning import reference

DOCS = Path(__file__).resolve().parents[2] / "docs"
CHANGING_POLICIES = DOCS / "changing-policies.json"
_SECURITY = DOCS / "security.md"


def _security() -> str:
    """The page of roles and controls: as it stands, with the table of the catalog."""
    written = _SECURITY.read_text(encoding="utf-8").partition("\n| control |")[0]
    table = reference.controls(catalog.load().resources.security_controls)
    return "\n".join([written, *table]) + "\n"


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


PAGES: Mapping[Path, Callable[[], str]] = {
    DOCS / "diff.schema.json": lambda: _json(json_page.schema()),
    DOCS / "diff.md": json_page.page,
    DOCS / "findings.md": lambda: "\n".join(reference.markdown()) + "\n",
    DOCS / "read-only-policy.json": lambda: _json(read_only_policy()),
    CHANGING_POLICIES: lambda: _json(changing_policy()),
    _SECURITY: _security,
    DOCS / "stack-file.md": stack_file_page,
    DOCS / "stack-file.schema.json": lambda: json_schema.text("neuron-ecs"),
}
"""What each file holds."""


if __name__ == "__main__":
    for path, text in PAGES.items():
        path.write_text(text(), encoding="utf-8")
