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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuron_ecs.arguments.options import ONE_OF, option, positional, program
from neuron_ecs.arguments.parser import Common, Parser, actions
from neuron_ecs.diff.comment import (
    COMMENT_BYTES,
    Compared,
    agreement,
    agreement_text,
    comment,
    drift_text,
    drift_verdict,
)
from neuron_ecs.diff.engine_preview import read_preview, short
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

if TYPE_CHECKING:
    from neuron_ecs.diff.sides import Program
    from neuron_ecs.recording.plans import Recorder

VERSION = 1
"""Of the JSON that `compare`, `deployments` and `stacks` print."""

JOB_MINUTES = 360
"""Of a job on a runner of GitHub, at most.

https://docs.github.com/en/actions/reference/limits
"""

_INSTALL_MINUTES, _VERIFY_MINUTES = 10, 10  # of a job, before an update and after it

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


def compare_stack(
    stack: str,
    base: str,
    head: str,
    *,
    base_python: str | None,
    program: "Program | None",
    directory: Path,
    recorder: "Recorder | None" = None,
) -> Compared:
    """The difference of one stack. What cannot be compared is a failure that says why."""
    from neuron_ecs.cli.diff import map_page
    from neuron_ecs.diff import markdown, summary
    from neuron_ecs.diff.difference import put_together
    from neuron_ecs.diff.document import document, not_compared
    from neuron_ecs.diff.sides import read_sides

    try:
        sides = read_sides(
            base,
            head,
            stack=stack,
            base_python=base_python,
            program=program,
            directory=directory,
            recorder=recorder,
        )
    except UsageError as error:
        said = f"Cannot be compared: {error}"
        text = f"❌ **{markdown.plain(said)}**\n"
        return Compared(stack, said, True, True, lambda _: text, not_compared(stack, said))
    whole = put_together(sides)
    said = summary.verdict(whole)
    return Compared(
        stack,
        said,
        whole.changed,
        whole.failed,
        lambda limit: markdown.render(whole, limit=limit),
        document(whole, said),
        map_page(whole.base, whole.head),
    )


def _diff(arguments: Diff) -> int:
    from neuron_ecs.recording.plans import Recorder

    base, head, directory = arguments.base, arguments.head, arguments.directory
    found = touched(base, head, directory)
    stacks: list[Compared] = []
    with Recorder() if found.stacks else nullcontext() as recorder:  # one for all of them
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
    found = [_deployment(stack, arguments.directory) for stack in stacks_in(arguments.directory)]
    found.sort(key=lambda one: one["production"])
    if arguments.json:
        write_json({"version": VERSION, "deployments": found}, sys.stdout)
    elif arguments.output:
        for name, production in (("first", False), ("production", True)):
            chosen = [one for one in found if one["production"] is production]
            sys.stdout.write(f"{name}={json.dumps(chosen)}\n")
    else:
        rows = [
            ("stack", "update in at most"),
            *((d["stack"], f"{d['update_minutes']} minutes") for d in found),
        ]
        sys.stdout.writelines(f"{line}\n" for line in table(rows))
    return FINE


def _deployment(stack: str, directory: Path) -> dict[str, Any]:
    """A stack, the minutes of its job and the seconds of its session; both within their limits."""
    import catalog
    from neuron_ecs.stackfile.reading import read
    from planning import Refused
    from planning.duration import update_minutes

    tables = catalog.load()
    try:
        file = read(stack=stack, file=None, directory=directory)
        plan = file.plan(tables)
    except Refused as refused:
        name = f"Pulumi.{stack}.yaml: "
        found = (f if name in f.path else replace(f, path=name + f.path) for f in refused.findings)
        raise Refused(found) from None
    minutes, longest = update_minutes(plan), tables.limits.value("role_session_seconds_max") // 60
    most = min(JOB_MINUTES - _INSTALL_MINUTES, longest) - _VERIFY_MINUTES
    if minutes > most:
        sys.stderr.write(
            f"neuron-ecs ci: an update of {stack} can take {minutes} minutes; a job of GitHub and "
            f"its credentials last {most}, and what takes longer is cut off\n"
        )
    session = min(minutes, most) + _VERIFY_MINUTES
    return {
        "stack": stack,
        "production": plan.stage == "production" or stack.startswith("prod"),
        "update_minutes": minutes,
        "session_seconds": 60 * session,
        "job_minutes": session + _INSTALL_MINUTES,
    }


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
            kind = "error" if found.failed else "warning"
            title = _workflow_text(f"Stack {found.stack}", is_property=True)
            sys.stdout.write(f"::{kind} title={title}::{_workflow_text(found.verdict)}\n")
    _summarise(agreement_text(found), arguments.summary)
    if found.failed:
        return ERRORS
    return DIFFERENT if found.found and arguments.exit_code else FINE


def _workflow_text(text: str, *, is_property: bool = False) -> str:
    """The text within a workflow command, which ends at a line's end."""
    pairs = [("%", "%25"), ("\r", "%0D"), ("\n", "%0A")]
    pairs += [(":", "%3A"), (",", "%2C")] if is_property else []
    for raw, encoded in pairs:
        text = text.replace(raw, encoded)
    return text


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
