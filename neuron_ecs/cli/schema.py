"""The `schema` command: writes the JSON Schema of the stack file, for editors."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from neuron_ecs.arguments.options import option
from neuron_ecs.arguments.parser import Common, simple_command
from neuron_ecs.files import write_text
from neuron_ecs.stackfile.json_schema import text
from neuron_ecs.stackfile.reading import project_name
from neuron_ecs.terminal import FINE, UsageError

_EPILOG = """\
example:
  neuron-ecs schema --output stack-file.schema.json

exit codes: 0 fine, 2 wrong usage."""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """The arguments of `schema`."""

    namespace: str | None = option(
        metavar="NAME", help="the namespace of the keys (the project's name)"
    )
    output: Path | None = option(
        metavar="PATH", type=Path, help="a file to write, instead of printing"
    )
    json: bool = option(help="accepted for uniformity: a schema is JSON")


def run(arguments: Arguments) -> int:
    """Writes the schema. Raises `UsageError`."""
    namespace = arguments.namespace or project_name(arguments.directory)
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", namespace):
        raise UsageError("--namespace takes letters, digits, hyphens, underscores and dots")
    if arguments.output is None:
        sys.stdout.write(text(namespace))
        return FINE
    write_text(arguments.output, text(namespace))
    return FINE


add_arguments = simple_command(Arguments, run, _EPILOG)
