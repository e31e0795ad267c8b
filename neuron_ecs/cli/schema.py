"""The `schema` command: writes the JSON Schema of the stack file, for editors."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO, cast

from neuron_ecs.stackfile.json_schema import text

FILE = Path(__file__).resolve().parents[2] / "docs" / "stack-file.schema.json"


def run(argv: Sequence[str], out: TextIO | None = None) -> int:
    """The command: 0 written, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="neuron-ecs schema",
        description="Writes the JSON Schema of the stack file, for editors.",
        epilog="exit codes: 0 fine, 2 wrong usage.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--project", metavar="NAME", help="the namespace of the keys (that of Pulumi.yaml)"
    )
    parser.add_argument(
        "--output", metavar="PATH", type=Path, help="a file to write, instead of printing"
    )
    parser.add_argument(
        "--json", action="store_true", help="accepted for uniformity: a schema is JSON"
    )
    arguments = parser.parse_args(argv)
    project = cast("str | None", arguments.project) or _project_name(Path())
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", project):
        parser.error("a project is called by letters, digits, hyphens, underscores and dots")
    output = cast("Path | None", arguments.output)
    if output is None:
        (out or sys.stdout).write(text(project))
        return 0
    try:
        output.write_text(text(project), encoding="utf-8")
    except OSError as error:
        parser.error(f"{output} cannot be written: {error.strerror}")
    return 0


def _project_name(directory: Path) -> str:
    """The project's name, where there is a project."""
    try:
        said = (directory / "Pulumi.yaml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        said = ""
    found = re.search(r"^name:\s*([A-Za-z0-9_.-]+)\s*$", said, re.MULTILINE)
    return found[1] if found else "neuron-ecs"
