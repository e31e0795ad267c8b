"""The `diff` command: what a pull request changes, before any credential is used."""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from neuron_ecs import terminal
from neuron_ecs.arguments.options import ONE_OF, option, outputs, positional, program
from neuron_ecs.arguments.parser import simple_command
from neuron_ecs.arguments.stack import Printed, names_in
from neuron_ecs.files import write_text
from neuron_ecs.operations.clock import REAL, Clock
from neuron_ecs.terminal import DIFFERENT, ERRORS, FINE, UsageError, progress

if TYPE_CHECKING:
    from neuron_ecs.diff.json_form import Running, RunningModel
    from neuron_ecs.diff.sides import Program, Sides
    from neuron_ecs.operations.aws import Connect

_DESCRIPTION = """\
What changes between two states of a stack: models, chips, resources, interruptions and price.

BASE and HEAD are stack files, or git revisions with --stack. `nothing` as BASE is a stack that does
not exist yet: all of HEAD is created (a branch of that name is refs/heads/nothing). With a revision
as BASE, the two are compared from their merge base on. A stack file as HEAD is the working tree's
program.

Where HEAD changes code, the program of each revision runs on this machine. Of the environment it
gets PATH, LANG, LC_ALL, LC_CTYPE, TMPDIR, TEMP, TMP and SYSTEMROOT and nothing else, so no
credential that stands in a variable; it can still read the files that you can read. Fetch a
stranger's branch without a checkout, which is what this command runs, and write --program
installed: no code of a revision runs, and the program that is installed here plans both stack
files. That is the default where HEAD changes no code.

With --running it also asks AWS, with your credentials, which slots of BASE's models run something
else, as after a rollback, and says what the update does to them. It changes nothing."""

_EPILOG = """\
examples:
  neuron-ecs diff origin/main HEAD --stack prod
  neuron-ecs diff origin/main Pulumi.prod.yaml
  neuron-ecs diff nothing Pulumi.prod.yaml
  neuron-ecs diff old/Pulumi.prod.yaml new/Pulumi.prod.yaml --markdown > comment.md
  neuron-ecs diff origin/main HEAD --stack prod --html map.html
  neuron-ecs diff origin/main pull/7 --stack prod --program installed
  neuron-ecs diff origin/main HEAD --stack prod --running

exit codes: 0 no change, or changes without --exit-code; 1 HEAD cannot be built, or not in one
update, or with --running something could not be read; 2 wrong usage; 3 changes, with --exit-code;
4 no credentials, with --running."""


@dataclass(frozen=True, kw_only=True)
class Arguments(Printed):
    """The arguments of `diff`."""

    json: bool = option(group=ONE_OF, help="print JSON")
    markdown: bool = option(group=ONE_OF, help="print a comment for the pull request")
    base: str = positional(metavar="BASE", help="a stack file, a git revision, or nothing")
    head: str = positional(metavar="HEAD", help="a stack file, or a git revision")
    stack: str | None = option(metavar="NAME", help="the stack, where a revision is named")
    base_python: str | None = option(
        metavar="PATH",
        help="a Python with BASE's requirements, where they are not those of this environment",
    )
    program: "Program | None" = program()
    html: Path | None = option(
        metavar="PATH",
        type=Path,
        help="write the chip map, before and after side by side, as one page",
    )
    exit_code: bool = option(help="exit with 3 if anything changes")
    running: bool = option(
        help="ask AWS which slots do not run BASE, and say what the update does to them"
    )
    outputs: Path | None = outputs()


def run(arguments: Arguments, connect: "Connect | None" = None, clock: Clock = REAL) -> int:
    """Writes the difference of two states. Raises `UsageError` if they cannot be compared."""
    if arguments.markdown and arguments.running:
        raise UsageError("--running: a comment of a pull request does not say what runs")
    from neuron_ecs.recording.plans import Recorder

    with progress("comparing the plans and their resources"):
        with Recorder() as recorder:  # begins before anything else is loaded here
            from neuron_ecs.diff.sides import read_sides

            sides = read_sides(
                arguments.base,
                arguments.head,
                stack=arguments.stack,
                base_python=arguments.base_python,
                program=arguments.program,
                directory=arguments.directory,
                recorder=recorder,
            )
        from neuron_ecs.diff import markdown, running, text
        from neuron_ecs.diff.difference import put_together
        from neuron_ecs.diff.document import document

        whole = put_together(sides)
    if arguments.html is not None:
        _write_map(arguments.html, sides)
    found = _running(arguments, sides, connect, clock)
    if arguments.json:
        written = document(whole)
        if found is not None:
            written["running"] = found
        terminal.write_json(written, sys.stdout)
    elif arguments.markdown:
        sys.stdout.write(markdown.render(whole))
    else:
        bold = terminal.is_coloured(sys.stdout)
        arguments.write(text.render(whole, width=arguments.width, bold=bold))
        if found is not None:
            arguments.write(running.render(found, width=arguments.width))
    if whole.failed or (found is not None and found["unread"]):
        return ERRORS
    return DIFFERENT if whole.changed and arguments.exit_code else FINE


def _running(
    arguments: Arguments, sides: "Sides", connect: "Connect | None", clock: Clock
) -> "Running | None":
    """What runs, with `--running`: in the Regions of BASE, or of HEAD where BASE has no plan.

    Raises `UsageError` without credentials.
    """
    if not arguments.running:
        return None
    from neuron_ecs.operations.aws import Account
    from neuron_ecs.operations.deployed import read_deployed
    from neuron_ecs.operations.reading import read_all

    names = names_in(arguments.outputs)
    plans = (sides.base.plan, sides.head.plan)
    before, after = ({r.name: r for r in plan.regions} if plan else {} for plan in plans)
    with progress("reading what runs from AWS"):
        models, unread = read_all(
            Account(connect),
            list((before or after).values()),
            names,
            lambda r: read_deployed(r, before.get(r.region.name), after.get(r.region.name)),
        )
    found = [cast("RunningModel", asdict(model)) for model in models]
    return {"at": clock.now().isoformat(), "models": found, "unread": unread}


def _write_map(path: Path, sides: "Sides") -> None:
    """Writes the chip map before and after; where BASE has no plan, HEAD's map stands alone."""
    from neuron_ecs.chipmap.page import page

    before, after = sides.base.plan, sides.head.plan
    if after is None:
        said = "no map is written: the head cannot be built"
        sys.stderr.write(f"neuron-ecs diff: --html {path}: {said}\n")
    else:
        write_text(path, page(before, after))


add_arguments = simple_command(Arguments, run, _EPILOG, _DESCRIPTION)
