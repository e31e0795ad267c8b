"""The `map` command: who sits on which chip, as text, as JSON and as one HTML page."""

import json
import sys
from pathlib import Path
from typing import TextIO

import catalog
from neuron_ecs import terminal as report
from neuron_ecs.chipmap import page, pools, text
from neuron_ecs.chipmap.document import document
from neuron_ecs.stackfile.reading import StackFile
from planning import decide

WRONG_USAGE = 2


def run(
    file: StackFile, *, as_json: bool, out: TextIO, width: int, html: Path | None = None
) -> int:
    """Writes the chip map of a stack file; raises `Refused` where it cannot be built.

    `html` is where the page goes; without `as_json` the text is then left out.
    """
    tables = catalog.load()
    plan = decide(file.config, tables, project=file.project, stack=file.stack)
    stack = pools.of_plan(plan, tables)
    if html is not None:
        try:
            html.write_text(page.render(None, stack), encoding="utf-8", newline="\n")
        except OSError as error:
            said = f"--html {html} cannot be written: {error.strerror}; name a file in a directory"
            sys.stderr.write(f"{said} that exists\n")
            return WRONG_USAGE
    if as_json:
        json.dump(document(stack), out, indent=1, ensure_ascii=False)
        out.write("\n")
    elif html is None:
        lines = text.render(stack, width=width, coloured=report.is_coloured(out))
        out.writelines(f"{line}\n" for line in lines)
    else:
        out.write(f"{html}\n")
    return 0
