"""The Markdown of a pull request and of an issue: differences of stacks, previews, drift."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from messages.phrases import counted
from neuron_ecs.diff.json_form import VERSION, Document
from neuron_ecs.diff.markdown import MARKER, plain
from neuron_ecs.diff.written import Difference
from neuron_ecs.files import JSON_BYTES, read_text
from neuron_ecs.terminal import UsageError
from neuron_ecs.workflows.engine_preview import (
    Disagreement,
    Preview,
    disagreements,
    json_object,
    of_shape,
    short,
)

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


@dataclass(frozen=True, slots=True)
class Compared:
    """One stack's difference: `render` gives its Markdown in at most so many bytes."""

    stack: str
    verdict: str
    changed: bool
    failed: bool
    render: Callable[[int], str]
    document: Document
    page: str | None = None  # the chip map before and after; None where the head has no plan


def comment(found: Sequence[Compared], *, limit: int = COMMENT_BYTES) -> str:
    """One comment for all stacks, at most `limit` bytes; failed stacks come first.

    Its first line is the verdict. Each stack has an equal share of what the ones before left; a
    stack for which too little is left is named with where to find it.
    """
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
        heading = f"\n## Stack <code>{plain(one.stack)}</code>\n\n"
        if share < LEAST_BYTES:
            omitted.append(one.stack)
            continue
        body = heading + _unmarked(one.render(share - len(heading.encode()))).rstrip()
        lines.append(body)
        left -= len(body.encode()) + 1
    if omitted:
        named = ", ".join(f"<code>{plain(s)}</code>" for s in omitted[:5])
        more = f" and {len(omitted) - 5} more" if len(omitted) > 5 else ""
        lines.append(f"\nNo room here for {named[:300]}{more}: see the artefact of the run.")
    return "\n".join(lines) + f"\n{ending}"


def _summary(found: Sequence[Compared]) -> str:
    failed, changed = [c for c in found if c.failed], [c for c in found if c.changed]
    said = [f"{counted(len(found), 'stack')}: {len(changed)} changed"]
    if failed:
        names = ", ".join(plain(c.stack[:60]) for c in failed[:3])
        said.append(
            f"{len(failed)} cannot be built as they are ({names}{', …' * (len(failed) > 3)})"
        )
    return ", ".join(said) + "."


def _unmarked(text: str) -> str:
    return text.replace(MARKER, "")


# -- beside the engine's own preview -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a `pulumi preview` agrees with an offline diff; `compared` is false without a diff."""

    stack: str
    verdict: str
    failed: bool
    compared: bool
    found: tuple[Disagreement, ...]


def agreement(preview: Preview, path: Path) -> Agreement:
    """Compares a preview with the output of `neuron-ecs diff --json`. Raises `UsageError`."""
    named = "neuron-ecs diff --json"
    whole = json_object(read_text(path, JSON_BYTES), path, named)
    if whole.get("version") != VERSION or "verdict" not in whole:
        raise UsageError(f"{path} is not version {VERSION} of `{named}`")
    diff = of_shape(Difference, whole, path, named)
    stack, resources = diff.get("stack", ""), diff.get("resources")
    if preview.errors:
        why = f"the preview failed: {_first_line(preview)}"
        return Agreement(stack, why, True, False, ())
    if resources is None:
        why = f"not compared: {diff.get('plan_only') or diff.get('verdict')}"
        return Agreement(stack, why, False, False, ())
    found = tuple(disagreements(preview, resources))
    both = "pulumi preview and the offline diff"
    verdict = (
        f"{both} disagree on {counted(len(found), 'resource')}"
        if found
        else f"{both} agree on {counted(len(preview.actions), 'resource')}"
    )
    return Agreement(stack, verdict, False, True, found)


def annotation(of: Agreement) -> str:
    """Returns the workflow command by which GitHub shows the verdict.

    It ends at a line's end, so what could end it is encoded.
    https://docs.github.com/en/actions/reference/workflow-commands
    """
    kind = "error" if of.failed else "warning"
    title = _encoded(f"Stack {of.stack}", ":", ",")
    return f"::{kind} title={title}::{_encoded(of.verdict)}"


def _encoded(text: str, *more: str) -> str:
    for character in ("%", "\r", "\n", *more):
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def agreement_text(of: Agreement) -> str:
    """Returns the Markdown of the job's summary."""
    lines = [f"**{plain(of.stack)}: {plain(of.verdict)}**", ""]
    if of.found:
        lines += [
            "| resource | pulumi preview | offline diff | likely |",
            "| --- | --- | --- | --- |",
        ]
        for d in of.found[:_MOST_LINES]:
            cells = f"{plain(d.preview)} | {plain(d.offline)} | {plain(d.means)}"
            lines.append(f"| <code>{plain(short(d.urn))}</code> | {cells} |")
        lines += _more(of.found)
    return "\n".join(lines) + "\n"


def _more(found: Sequence[object]) -> list[str]:
    rest = len(found) - _MOST_LINES
    return ["", f"… {rest} more do not stand here."] if rest > 0 else []


def _first_line(preview: Preview) -> str:
    return preview.errors[0].splitlines()[0][:300]


# -- drift -------------------------------------------------------------------------------------


def drift_verdict(stack: str, preview: Preview) -> str:
    """Returns in a line what a preview with `--refresh` found."""
    if preview.errors:
        return f"{stack}: the preview failed: {_first_line(preview)}"
    if preview.actions:
        return f"{stack}: {counted(len(preview.actions), 'resource')} not as the program wants"
    return f"{stack}: no drift"


def drift_text(previews: Mapping[str, Preview]) -> str:
    """Returns the text of the issue about drift, of each stack's preview.

    It names properties and never their values: more people read an issue than a stack's state.
    """
    lines: list[str] = []
    for stack, preview in previews.items():
        lines += [f"**{plain(drift_verdict(stack, preview))}**", ""]
        if preview.actions and not preview.errors:
            lines += ["| resource | an update would | properties |", "| --- | --- | --- |"]
            found = sorted(preview.actions.items())
            for urn, action in found[:_MOST_LINES]:
                named = plain(", ".join(preview.properties.get(urn, ())))
                lines.append(f"| <code>{plain(short(urn))}</code> | {action} | {named} |")
            lines += [*_more(found), ""]
    if not any(p.errors or p.actions for p in previews.values()):
        lines.append(SAME)
    return "\n".join(lines) + "\n"
