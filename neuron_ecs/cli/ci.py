"""The ``ci`` command: what the workflows of a repository run, so that they hold no logic.

`ci diff` writes the difference of every stack that a change touches, `ci stacks` names them,
`ci compare` sets a `pulumi preview` beside an offline diff, `ci drift` tells what previews
with `--refresh` found. It posts nothing and needs no credential.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from messages.phrases import counted
from neuron_ecs.cli.arguments import Parser
from neuron_ecs.diff.engine_preview import disagreements, json_object, read_preview, short
from neuron_ecs.diff.git import UsageError, touched
from neuron_ecs.terminal import table

if TYPE_CHECKING:
    from neuron_ecs.diff.json_form import Document
    from neuron_ecs.recording.plans import Recorder

FINE, ERRORS, DIFFERENT = 0, 1, 3

VERSION = 1
"""Of the JSON that `compare` and `stacks` print."""

COMMENT_BYTES = 60_000
"""Of a comment. GitHub takes 65 536 characters; who posts it adds a line of its own."""

LEAST_BYTES = 2_000
"""Of a stack's part of the comment; with less room the stack is only named."""

QUIET = "<!-- neuron-ecs quiet -->"
"""Stands in a comment that says nothing new: worth updating an old one, not worth a new one."""

_ARTEFACT = (
    "<sub>The artefact <code>diff</code> of the run has each stack’s chip map before and after "
    "(HTML), its JSON, and what does not fit here.</sub>"
)

SAME = "<!-- neuron-ecs same -->"
"""Stands in the text of an issue when nothing drifted."""


_MOST_LINES = 100


# ---- which stacks ------------------------------------------------------------------------------


# ---- the difference of each --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compared:
    """One stack's difference: `render` gives its Markdown in at most so many bytes."""

    stack: str
    verdict: str
    changed: bool
    failed: bool
    render: Callable[[int], str]
    document: "Document"
    page: str | None = None  # the chip map before and after; None where the head has no plan


def compare_stack(
    stack: str,
    base: str,
    head: str,
    *,
    base_python: str | None,
    directory: Path,
    recorder: "Recorder | None" = None,
) -> Compared:
    """The difference of one stack. What cannot be compared is a failure that says why."""
    from neuron_ecs.cli.diff import map_page
    from neuron_ecs.diff import markdown
    from neuron_ecs.diff import summary as telling
    from neuron_ecs.diff.difference import put_together
    from neuron_ecs.diff.document import document, not_compared
    from neuron_ecs.diff.sides import read_sides

    try:
        sides = read_sides(
            base,
            head,
            stack=stack,
            base_python=base_python,
            directory=directory,
            recorder=recorder,
        )
    except UsageError as error:
        said = f"Cannot be compared: {error}"
        text = f"❌ **{markdown.plain(said)}**\n"
        return Compared(stack, said, True, True, lambda _: text, not_compared(stack, said))
    whole = put_together(sides)
    said = telling.verdict(whole)
    return Compared(
        stack,
        said,
        whole.changed,
        whole.failed,
        lambda limit: markdown.render(whole, limit=limit),
        document(whole, said),
        map_page(whole.base, whole.head),
    )


def comment(found: Sequence[Compared], *, limit: int = COMMENT_BYTES) -> str:
    """One comment for all stacks, at most `limit` bytes; failed stacks come first.

    Its first line is the verdict. Each stack has an equal share of what the ones before left; a
    stack for which too little is left is named with where to find it.
    """
    from neuron_ecs.diff.markdown import MARKER

    if not found:
        return f"No stack is touched by this change.\n\n{QUIET}\n{MARKER}\n"
    quiet = "" if any(c.changed or c.failed for c in found) else f"{QUIET}\n"
    ending = f"\n{_ARTEFACT}\n\n{quiet}{MARKER}\n"
    if len(found) == 1:
        body = _unmarked(found[0].render(limit - len(ending.encode())))
        return f"{body.rstrip()}\n{ending}"
    ordered = sorted(found, key=lambda c: (not c.failed, not c.changed, c.stack))
    lines = [f"**{_summary(ordered)}**"]
    left = limit - len(lines[0].encode()) - len(ending.encode()) - 400
    omitted: list[str] = []
    for number, one in enumerate(ordered):
        share = left // (len(ordered) - number)
        heading = f"\n## Stack <code>{_plain(one.stack)}</code>\n\n"
        if share < LEAST_BYTES:
            omitted.append(one.stack)
            continue
        body = heading + _unmarked(one.render(share - len(heading.encode()))).rstrip()
        lines.append(body)
        left -= len(body.encode()) + 1
    if omitted:
        named = ", ".join(f"<code>{_plain(s)}</code>" for s in omitted[:5])
        more = f" and {len(omitted) - 5} more" if len(omitted) > 5 else ""
        lines.append(f"\nNo room here for {named[:300]}{more}: see the artefact of the run.")
    return "\n".join(lines) + f"\n{ending}"


def _summary(found: Sequence[Compared]) -> str:
    failed, changed = [c for c in found if c.failed], [c for c in found if c.changed]
    said = [f"{counted(len(found), 'stack')}: {len(changed)} changed"]
    if failed:
        names = ", ".join(_plain(c.stack[:60]) for c in failed[:3])
        said.append(
            f"{len(failed)} cannot be built as they are ({names}{', …' * (len(failed) > 3)})"
        )
    return ", ".join(said) + "."


def _unmarked(text: str) -> str:
    from neuron_ecs.diff.markdown import MARKER

    return text.replace(MARKER, "")


def _plain(text: str) -> str:
    from neuron_ecs.diff.markdown import plain

    return plain(text)


def _diff(arguments: argparse.Namespace, out: TextIO, directory: Path) -> int:
    from neuron_ecs.recording.plans import Recorder

    base, head = cast(str, arguments.base), cast(str, arguments.head)
    found = touched(base, head, directory)
    with Recorder() if found.stacks else nullcontext() as recorder:  # one for all of them
        stacks = [
            compare_stack(
                stack,
                base,
                head,
                base_python=cast("str | None", arguments.base_python),
                directory=directory,
                recorder=recorder,
            )
            for stack in found.stacks
        ]
    folder = cast(Path, arguments.out)
    folder.mkdir(parents=True, exist_ok=True)
    for one in stacks:
        text = json.dumps(one.document, indent=2, ensure_ascii=False) + "\n"
        (folder / f"{one.stack}.json").write_text(text, encoding="utf-8")
        (folder / f"{one.stack}.md").write_text(one.render(COMMENT_BYTES), encoding="utf-8")
        if one.page is not None:
            (folder / f"{one.stack}.html").write_text(one.page, encoding="utf-8")
    post = folder / "comment"
    post.mkdir(exist_ok=True)
    text = comment(stacks)
    (post / "comment.md").write_text(text, encoding="utf-8")
    _summarise(text, cast("str | None", arguments.summary))
    rows = [(one.stack, "fails" if one.failed else "", one.verdict) for one in stacks]
    out.writelines(f"{line}\n" for line in table(rows))
    out.write(f"{found.why or 'no stack is touched'}; written to {folder}\n")
    return ERRORS if any(one.failed for one in stacks) else FINE


def _list(arguments: argparse.Namespace, out: TextIO, directory: Path) -> int:
    found = touched(cast(str, arguments.base), cast(str, arguments.head), directory)
    if arguments.json:
        told = {"version": VERSION, "stacks": list(found.stacks), "why": found.why}
        out.write(json.dumps(told) + "\n")
    elif arguments.output:
        out.write(f"stacks={json.dumps(list(found.stacks))}\n")
    else:
        out.writelines(f"{stack}\n" for stack in found.stacks)
    return FINE


# ---- beside the engine's own preview -----------------------------------------------------------


def _compare(arguments: argparse.Namespace, out: TextIO, directory: Path) -> int:
    from neuron_ecs.diff import json_form as form

    path = directory / cast(Path, arguments.diff)
    preview = read_preview(directory / cast(Path, arguments.preview))
    try:
        diff = json_object(path.read_text(encoding="utf-8"), path, "neuron-ecs diff --json")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if diff.get("version") != form.VERSION or "verdict" not in diff:
        raise UsageError(f"{path} is not version {form.VERSION} of `neuron-ecs diff --json`")
    stack = str(diff.get("stack", ""))
    resources = cast("list[dict[str, Any]] | None", diff.get("resources"))
    why = ""
    if preview.errors:
        why = f"the preview failed: {preview.errors[0].splitlines()[0][:300]}"
    elif resources is None:
        why = f"not compared: {diff.get('plan_only') or diff['verdict']}"
    found = [] if why or resources is None else disagreements(preview, resources)
    named = "pulumi preview and the offline diff"
    verdict = why or (
        f"{named} disagree on {counted(len(found), 'resource')}"
        if found
        else f"{named} agree on {counted(len(preview.actions), 'resource')}"
    )
    if arguments.json:
        told = {
            "version": VERSION,
            "stack": stack,
            "verdict": verdict,
            "failed": bool(preview.errors),
            "disagreements": [
                {"urn": d.urn, "preview": d.preview, "offline": d.offline, "means": d.means}
                for d in found
            ],
        }
        out.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    else:
        rows = [("resource", "preview", "offline", "likely")] if found else []
        rows += [(short(d.urn), d.preview, d.offline, d.means) for d in found]
        out.writelines(f"{line}\n" for line in [verdict, *table(rows, indent="  ")])
    if (found or why) and arguments.annotate and not arguments.json:
        kind = "error" if preview.errors else "warning"
        out.write(f"::{kind} title={_escaped(f'Stack {stack}', True)}::{_escaped(verdict)}\n")
    lines = [f"**{_plain(stack)}: {_plain(verdict)}**", ""]
    if found:
        lines += [
            "| resource | pulumi preview | offline diff | likely |",
            "| --- | --- | --- | --- |",
        ]
        for d in found[:_MOST_LINES]:
            cells = f"{_plain(d.preview)} | {_plain(d.offline)} | {_plain(d.means)}"
            lines.append(f"| <code>{_plain(short(d.urn))}</code> | {cells} |")
        lines += _more(found)
    _summarise("\n".join(lines) + "\n", cast("str | None", arguments.summary))
    if preview.errors:
        return ERRORS
    return DIFFERENT if found and arguments.exit_code else FINE


def _more(found: Sequence[object]) -> list[str]:
    rest = len(found) - _MOST_LINES
    return ["", f"… {rest} more do not stand here."] if rest > 0 else []


def _escaped(text: str, is_property: bool = False) -> str:
    """The text within a workflow command, which ends at a line's end."""
    pairs = [("%", "%25"), ("\r", "%0D"), ("\n", "%0A")]
    pairs += [(":", "%3A"), (",", "%2C")] if is_property else []
    for raw, said in pairs:
        text = text.replace(raw, said)
    return text


# ---- drift -------------------------------------------------------------------------------------


def _drift(arguments: argparse.Namespace, out: TextIO, directory: Path) -> int:
    """Values never stand in the text: an issue is read by more people than a stack's state."""
    folder = directory / cast(Path, arguments.folder)
    files = sorted(folder.glob("*.json"))
    if not files:
        raise UsageError(f"{folder} has no <stack>.json, as `pulumi preview --json` writes it")
    lines: list[str] = []
    failed = drifted = 0
    for path in files:
        preview, stack = read_preview(path), path.stem
        failed += bool(preview.errors)
        drifted += bool(preview.actions)
        if preview.errors:
            said = f"{stack}: the preview failed: {preview.errors[0].splitlines()[0][:300]}"
        elif preview.actions:
            said = f"{stack}: {counted(len(preview.actions), 'resource')} not as the program wants"
        else:
            said = f"{stack}: no drift"
        out.write(f"{said}\n")
        lines += [f"**{_plain(said)}**", ""]
        if preview.actions and not preview.errors:
            lines += ["| resource | an update would | properties |", "| --- | --- | --- |"]
            found = sorted(preview.actions.items())
            for urn, action in found[:_MOST_LINES]:
                named = _plain(", ".join(preview.properties.get(urn, ())))
                lines.append(f"| <code>{_plain(short(urn))}</code> | {action} | {named} |")
            lines += [*_more(found), ""]
    if not failed and not drifted:
        lines.append(SAME)
    text = "\n".join(lines) + "\n"
    cast(Path, arguments.out).parent.mkdir(parents=True, exist_ok=True)
    cast(Path, arguments.out).write_text(text, encoding="utf-8")
    _summarise(text, cast("str | None", arguments.summary))
    return ERRORS if failed else DIFFERENT if drifted and arguments.exit_code else FINE


def _summarise(text: str, path: str | None) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(text)


# ---- the command line --------------------------------------------------------------------------


def run(argv: Sequence[str], out: TextIO | None = None, directory: Path | None = None) -> int:
    """The command; `directory` is where the project is, the current one where none is given."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    command = cast("Callable[[argparse.Namespace, TextIO, Path], int]", arguments.run)
    try:
        return command(arguments, out or sys.stdout, directory or Path())
    except (UsageError, OSError) as error:
        parser.error(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="neuron-ecs ci",
        description="What the workflows of a repository run.",
        epilog="exit codes: 0 fine, 1 a stack cannot be built or a preview failed, 2 wrong usage, "
        "3 disagreement or drift, with --exit-code.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, said: str, run: Callable[..., int]) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=said, description=said, allow_abbrev=False)
        command.set_defaults(run=run)
        return command

    diff = add("diff", "writes the difference of every stack that a change touches", _diff)
    diff.add_argument("--out", metavar="DIR", type=Path, required=True, help="where to write")
    diff.add_argument("--base-python", metavar="PATH", help="a Python with BASE's requirements")
    stacks = add("stacks", "names the stacks that a change touches", _list)
    form = stacks.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--output", action="store_true", help="print a step's output: stacks=[…]")
    for command in (diff, stacks):
        command.add_argument("--base", metavar="REVISION", required=True, help="merged into")
        command.add_argument("--head", metavar="REVISION", required=True, help="what is merged")
    compare = add("compare", "sets a preview beside an offline diff", _compare)
    compare.add_argument("preview", metavar="PREVIEW", type=Path, help="what pulumi preview wrote")
    compare.add_argument(
        "diff", metavar="DIFF", type=Path, help="the output of `neuron-ecs diff --json`"
    )
    compare.add_argument("--json", action="store_true", help="print JSON")
    compare.add_argument("--annotate", action="store_true", help="print a warning for GitHub")
    drift = add("drift", "tells what previews with --refresh found", _drift)
    drift.add_argument("folder", metavar="DIR", type=Path, help="with a <stack>.json for each")
    drift.add_argument("--out", metavar="PATH", type=Path, required=True, help="the text")
    for command in (compare, drift):
        command.add_argument("--exit-code", action="store_true", help="exit with 3 on a difference")
    for command in (diff, compare, drift):
        command.add_argument(
            "--summary",
            metavar="PATH",
            default=os.environ.get("GITHUB_STEP_SUMMARY"),
            help="a file to append the Markdown to ($GITHUB_STEP_SUMMARY)",
        )
    return parser
