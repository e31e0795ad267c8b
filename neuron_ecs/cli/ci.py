"""The `ci` command: what the workflows of a repository run, so that they hold no logic.

`ci diff` writes the difference of every stack that a change touches, `ci stacks` names them,
`ci compare` compares a `pulumi preview` with an offline diff, `ci drift` says what previews with
`--refresh` found, `ci deployments` names every stack with the seconds that an update can take. It
posts nothing and needs no credential.
"""

import json
import os
import sys
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuron_ecs.arguments.options import ONE_OF, option, positional, program
from neuron_ecs.arguments.parser import Common, Parser, actions
from neuron_ecs.diff.git import Touched, stacks_in, touched
from neuron_ecs.files import append_text, write_text
from neuron_ecs.terminal import (
    DIFFERENT,
    ERRORS,
    FINE,
    UsageError,
    progress,
    table,
    write_json,
)
from neuron_ecs.workflows.comment import (
    COMMENT_BYTES,
    Compared,
    agreement,
    agreement_text,
    annotation,
    comment,
    drift_text,
    drift_verdict,
)
from neuron_ecs.workflows.engine_preview import read_preview, short

if TYPE_CHECKING:
    from neuron_ecs.diff.sides import Program

VERSION = 1
"""Of the JSON that `compare`, `deployments` and `stacks` print."""

_EPILOG = """\
examples:
  neuron-ecs ci diff --base origin/main --head HEAD --out diff
  neuron-ecs ci stacks --base origin/main --head HEAD
  neuron-ecs ci compare plan.json diff.json --annotate
  neuron-ecs ci drift previews --out issue.md
  neuron-ecs ci deployments --json

exit codes: 0 fine, 1 a stack cannot be built or a preview failed, 2 wrong usage, 3 disagreement or
drift, with --exit-code."""


def _summary() -> Any:
    return option(
        metavar="PATH",
        default=lambda: os.environ.get("GITHUB_STEP_SUMMARY"),
        help="a file to append the Markdown to ($GITHUB_STEP_SUMMARY)",
    )


@dataclass(frozen=True, kw_only=True)
class Between(Common):
    """The arguments of what compares two revisions."""

    base: str = option(metavar="REVISION", required=True, help="merged into")
    head: str = option(metavar="REVISION", required=True, help="what is merged")


@dataclass(frozen=True, kw_only=True)
class Diff(Between):
    """The arguments of `ci diff`."""

    out: Path = option(metavar="DIR", type=Path, required=True, help="where to write")
    base_python: str | None = option(metavar="PATH", help="a Python with BASE's requirements")
    program: "Program | None" = program()
    summary: str | None = _summary()


@dataclass(frozen=True, kw_only=True)
class Stacks(Common):
    """The arguments of `ci stacks`."""

    base: str | None = option(metavar="REVISION", help="merged into; without it, every stack")
    head: str | None = option(metavar="REVISION", help="what is merged")
    json: bool = option(group=ONE_OF, help="print JSON")
    output: bool = option(group=ONE_OF, help="print a step's output: stacks=[…]")


@dataclass(frozen=True, kw_only=True)
class Deployments(Common):
    """The arguments of `ci deployments`."""

    json: bool = option(group=ONE_OF, help="print JSON")
    output: bool = option(group=ONE_OF, help="print a step's outputs: first=[…], production=[…]")


@dataclass(frozen=True, kw_only=True)
class Compare(Common):
    """The arguments of `ci compare`."""

    preview: Path = positional(metavar="PREVIEW", type=Path, help="what pulumi preview wrote")
    diff: Path = positional(
        metavar="DIFF", type=Path, help="the output of `neuron-ecs diff --json`"
    )
    json: bool = option(help="print JSON")
    annotate: bool = option(help="print a warning for GitHub")
    exit_code: bool = option(help="exit with 3 on a difference")
    summary: str | None = _summary()


@dataclass(frozen=True, kw_only=True)
class Drift(Common):
    """The arguments of `ci drift`."""

    folder: Path = positional(metavar="DIR", type=Path, help="with a <stack>.json for each")
    out: Path = option(metavar="PATH", type=Path, required=True, help="the text")
    exit_code: bool = option(help="exit with 3 on a difference")
    summary: str | None = _summary()


def add_arguments(parser: Parser) -> None:
    """Adds the actions of `ci` and their arguments."""
    parser.epilog = _EPILOG
    add = actions(parser)
    diff = add("diff", "writes the difference of every stack that a change touches")
    diff.calls(Diff, _diff, _EPILOG)
    stacks = add("stacks", "names the stacks that a change touches")
    stacks.calls(Stacks, _stacks, _EPILOG)
    said = "names every stack in the order of its deployment, and how long an update can take"
    add("deployments", said).calls(Deployments, _deployments, _EPILOG)
    compare = add("compare", "compares a preview with an offline diff")
    compare.calls(Compare, _compare, _EPILOG)
    drift = add("drift", "reports what previews with --refresh found")
    drift.calls(Drift, _drift, _EPILOG)


def _diff(arguments: Diff) -> int:
    from neuron_ecs.recording.plans import Recorder

    base, head, directory = arguments.base, arguments.head, arguments.directory
    found = touched(base, head, directory)
    stacks: list[Compared] = []
    with Recorder() if found.stacks else nullcontext() as recorder:  # one for all of them
        from neuron_ecs.workflows.difference import compare_stack

        for stack in found.stacks:
            with progress(f"comparing the stack {stack}"):
                stacks.append(
                    compare_stack(
                        stack,
                        base,
                        head,
                        base_python=arguments.base_python,
                        program=arguments.program,
                        directory=directory,
                        recorder=recorder,
                    )
                )
    folder = arguments.out
    for one in stacks:
        text = json.dumps(one.document, indent=2, ensure_ascii=False) + "\n"
        write_text(folder / f"{one.stack}.json", text, parents=True)
        write_text(folder / f"{one.stack}.md", one.render(COMMENT_BYTES), parents=True)
        if one.page is not None:
            write_text(folder / f"{one.stack}.html", one.page, parents=True)
    text = comment(stacks)
    write_text(folder / "comment" / "comment.md", text, parents=True)
    _summarise(text, arguments.summary)
    rows = [(one.stack, "fails" if one.failed else "", one.verdict) for one in stacks]
    sys.stdout.writelines(f"{line}\n" for line in table(rows))
    sys.stdout.write(f"{found.why or 'no stack is touched'}; written to {folder}\n")
    return ERRORS if any(one.failed for one in stacks) else FINE


def _stacks(arguments: Stacks) -> int:
    if (arguments.base is None) != (arguments.head is None):
        raise UsageError("name both --base and --head, or neither for every stack")
    if arguments.base is None or arguments.head is None:
        found = Touched(stacks_in(arguments.directory), "every stack")
    else:
        found = touched(arguments.base, arguments.head, arguments.directory)
    if arguments.json:
        described = {"version": VERSION, "stacks": list(found.stacks), "why": found.why}
        sys.stdout.write(json.dumps(described) + "\n")
    elif arguments.output:
        sys.stdout.write(f"stacks={json.dumps(list(found.stacks))}\n")
    else:
        sys.stdout.writelines(f"{stack}\n" for stack in found.stacks)
    return FINE


def _deployments(arguments: Deployments) -> int:
    """Raises `Refused` if a stack cannot be built: then none is deployed."""
    from neuron_ecs.workflows.deployments import deployment

    directory = arguments.directory
    found = [deployment(stack, directory) for stack in stacks_in(directory)]
    for one in found:
        if one.update_minutes > one.minutes_left:
            sys.stderr.write(
                f"neuron-ecs ci: an update of {one.stack} can take {one.update_minutes} minutes; a "
                f"job of GitHub and its credentials last {one.minutes_left}, and what takes longer "
                "is cut off\n"
            )
    found.sort(key=lambda one: one.production)
    if arguments.json:
        described = {"version": VERSION, "deployments": [asdict(one) for one in found]}
        write_json(described, sys.stdout)
    elif arguments.output:
        for name, production in (("first", False), ("production", True)):
            chosen = [asdict(one) for one in found if one.production is production]
            sys.stdout.write(f"{name}={json.dumps(chosen)}\n")
    else:
        rows = [
            ("stack", "update in at most"),
            *((one.stack, f"{one.update_minutes} minutes") for one in found),
        ]
        sys.stdout.writelines(f"{line}\n" for line in table(rows))
    return FINE


def _compare(arguments: Compare) -> int:
    found = agreement(read_preview(arguments.preview), arguments.diff)
    if arguments.json:
        described = {
            "version": VERSION,
            "stack": found.stack,
            "verdict": found.verdict,
            "failed": found.failed,
            "disagreements": [
                {"urn": d.urn, "preview": d.preview, "offline": d.offline, "means": d.means}
                for d in found.found
            ],
        }
        write_json(described, sys.stdout)
    else:
        rows = [("resource", "preview", "offline", "likely")] if found.found else []
        rows += [(short(d.urn), d.preview, d.offline, d.means) for d in found.found]
        lines = [found.verdict, *table(rows, indent="  ")]
        sys.stdout.writelines(f"{line}\n" for line in lines)
        if arguments.annotate and (found.found or not found.compared):
            sys.stdout.write(f"{annotation(found)}\n")
    _summarise(agreement_text(found), arguments.summary)
    if found.failed:
        return ERRORS
    return DIFFERENT if found.found and arguments.exit_code else FINE


def _drift(arguments: Drift) -> int:
    files = sorted(arguments.folder.glob("*.json"))
    if not files:
        what = "has no <stack>.json, as `pulumi preview --json` writes it"
        raise UsageError(f"{arguments.folder} {what}")
    previews = {path.stem: read_preview(path) for path in files}
    sys.stdout.writelines(f"{drift_verdict(s, p)}\n" for s, p in previews.items())
    text = drift_text(previews)
    write_text(arguments.out, text, parents=True)
    _summarise(text, arguments.summary)
    if any(p.errors for p in previews.values()):
        return ERRORS
    drifted = any(p.actions for p in previews.values())
    return DIFFERENT if drifted and arguments.exit_code else FINE


def _summarise(text: str, path: str | None) -> None:
    if path:
        append_text(Path(path), text)
