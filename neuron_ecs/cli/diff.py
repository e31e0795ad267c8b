"""The ``diff`` command: what a pull request changes, before any credential is used."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from neuron_ecs import terminal as report
from neuron_ecs.cli.arguments import Parser, add_width

if TYPE_CHECKING:
    from neuron_ecs.diff.sides import Side

FINE, ERRORS, CHANGES = 0, 1, 3

_DESCRIPTION = """\
What changes between two states of a stack: models, chips, resources, interruptions and price.

BASE and HEAD are stack files, or git revisions with --stack. With a revision as BASE, the two are
compared from their merge base on. A stack file as HEAD is the working tree's program."""

_EPILOG = """\
examples:
  neuron-ecs diff origin/main HEAD --stack prod
  neuron-ecs diff origin/main Pulumi.prod.yaml
  neuron-ecs diff old/Pulumi.prod.yaml new/Pulumi.prod.yaml --markdown > comment.md
  neuron-ecs diff origin/main HEAD --stack prod --html map.html

exit codes: 0 no change, or changes without --exit-code; 1 HEAD cannot be built, or not in one
update; 2 wrong usage; 3 changes, with --exit-code."""


def run(argv: Sequence[str], out: TextIO | None = None, directory: Path | None = None) -> int:
    """The command; `directory` is where the project is, the current one where none is given."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    stream: TextIO = out or sys.stdout

    from neuron_ecs.recording.plans import Recorder

    with Recorder() as recorder:  # begins before anything else is loaded here
        from neuron_ecs.diff.git import UsageError
        from neuron_ecs.diff.sides import read_sides

        try:
            sides = read_sides(
                cast(str, arguments.base),
                cast(str, arguments.head),
                stack=cast("str | None", arguments.stack),
                base_python=cast("str | None", arguments.base_python),
                directory=directory or Path(),
                recorder=recorder,
            )
        except UsageError as error:
            parser.error(str(error))

    html = cast("Path | None", arguments.html)
    if html is not None:
        page = map_page(sides.base, sides.head)
        if page is None:
            said = "no map is written: the head cannot be built"
            sys.stderr.write(f"{parser.prog}: --html {html}: {said}\n")
        else:
            try:
                html.write_text(page, encoding="utf-8", newline="\n")
            except OSError as error:
                said = f"{error.strerror}; name a file in a directory that exists"
                parser.error(f"--html {html} cannot be written: {said}")

    from neuron_ecs.diff import markdown, text
    from neuron_ecs.diff import summary as telling
    from neuron_ecs.diff.difference import put_together
    from neuron_ecs.diff.document import document

    whole = put_together(sides)
    if arguments.json:
        found = document(whole, telling.verdict(whole))
        stream.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    elif arguments.markdown:
        stream.write(markdown.render(whole))
    else:
        width = cast(int, arguments.width)
        lines = text.render(whole, width=width, bold=report.is_coloured(stream))
        stream.writelines(f"{line}\n" for line in lines)
    if whole.failed:
        return ERRORS
    return CHANGES if whole.changed and arguments.exit_code else FINE


def map_page(base: "Side", head: "Side") -> str | None:
    """The chip map before and after as one HTML page; None where the head has no plan.

    Where the base has none, the head's map stands alone.
    """
    from neuron_ecs.chipmap.page import page

    return page(base.plan, head.plan) if head.plan else None


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="neuron-ecs diff",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("base", metavar="BASE", help="a stack file, or a git revision")
    parser.add_argument("head", metavar="HEAD", help="a stack file, or a git revision")
    parser.add_argument("--stack", metavar="NAME", help="the stack, where a revision is named")
    parser.add_argument(
        "--base-python",
        metavar="PATH",
        help="a Python with BASE's requirements, where they are not those of this environment",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument(
        "--markdown", action="store_true", help="print a comment for the pull request"
    )
    parser.add_argument(
        "--html",
        metavar="PATH",
        type=Path,
        help="write the chip map, before and after side by side, as one page",
    )
    parser.add_argument("--exit-code", action="store_true", help="exit with 3 if anything changes")
    add_width(parser)
    return parser
