"""The difference as a pull-request comment: GitHub's Markdown, within its size, safe to post.

Whatever comes from a stack file is written so that it can be nothing but text: no markup, no HTML,
no mention, no link. What does not fit is counted, never silently left out.
"""

import re
import string
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from messages.finding import Finding, Severity
from messages.phrases import counted, listed
from neuron_ecs.diff.costs import setting_classes, words
from neuron_ecs.diff.difference import Difference
from neuron_ecs.diff.refusals import Refusal
from neuron_ecs.diff.structure import dotted
from neuron_ecs.diff.summary import (
    ResourceRow,
    model_money,
    model_rows,
    property_lines,
    refused_in,
    resource_rows,
    rollouts,
    setting_lines,
    signed_span,
    verdict,
)
from neuron_ecs.diff.text import STOPPED, layouts
from neuron_ecs.diff.traffic import traffic_lines
from neuron_ecs.terminal import escaped
from planning.price import FREE, span

LIMIT = 65_536
"""Characters of a comment; counted in bytes here, which are never fewer."""

MARKER = "<!-- neuron-ecs diff -->"
"""The comment's last line, by which a later run finds it."""

_LONGEST = 600
_NEVER_SPECIAL = frozenset(string.ascii_letters + string.digits + " ,;./()%:+-=?'\"{}→±…–·×")
_BREAK = "\u200b"
_LIVE = re.compile(r"[@#]|:(?=//)|(?i:(?<![a-z\d])(?:www|gh|ghsa|cve)(?=[.-]))")
"""Where a mention, a reference or an address begins: after any but a letter or a digit."""


def plain(text: str) -> str:
    """The text as text and nothing else, for prose and table cells.

    Each character that could mean something to Markdown or HTML is an entity. GitHub looks for
    mentions, references and addresses in the finished text, so these are broken by a space of no
    width, as an entity: what is written is shown, and no invisible character is.
    """
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1]}…"
    text = "".join(_visible(c) for c in text)
    text = _LIVE.sub(rf"\g<0>{_BREAK}", text)
    return "".join(c if c in _NEVER_SPECIAL else _entity(c) for c in text)


def code(text: str) -> str:
    """The text in the type of code; GitHub looks for no mention in it."""
    return f"<code>{plain(text)}</code>"


def _entity(character: str) -> str:
    is_shown = ord(character) > 127 and character != _BREAK
    return character if is_shown else f"&#{ord(character)};"


def _visible(character: str) -> str:
    """The character; a space or a question mark for what cannot be seen or turns the text round."""
    if character in "\n\r\t":
        return " "
    hidden = unicodedata.category(character) in {"Cf", "Co"} or escaped(character) != character
    return "?" if hidden else character


def render(difference: Difference, *, limit: int = LIMIT) -> str:
    """The comment, at most `limit` bytes long; the verdict is its first line."""
    writer = _Writer(limit)
    mark = (
        "❌ "
        if difference.failed
        else ""
        if not difference.changed
        else "⚠️ "
        if _risky(difference)
        else ""
    )
    writer.put(f"{mark}**{plain(verdict(difference))}**")
    writer.put("")
    sides = f"{code(difference.base.label)} → {code(difference.head.label)}"
    writer.put(f"{sides}, stack {code(difference.stack)}")
    if difference.plan_only and not difference.errors:
        writer.put(f"Plan only: {plain(difference.plan_only)}")
    for note in difference.notes:
        writer.put(f"Note: {plain(note)}")
    writer.open(None, list(_refusals(difference.refusals)), "refusals")
    errors = [f for f in difference.findings.new if f.severity is Severity.ERROR]
    errors += [f for f in difference.findings.still if f.severity is Severity.ERROR]
    writer.open(None, list(_finding_lines(errors)), "errors")
    writer.open(None, list(_refusals(difference.ways)), "interruptions")
    traffic = [f"- {plain(line)}" for line in traffic_lines(difference)]
    writer.open(None, ["", *traffic] if traffic else [], "lines about traffic")
    rows = list(_model_table(difference))
    if rows:
        writer.open(None, ["", *_MODEL_HEAD, *rows], "models")
    writer.open(None, list(_disturbed(difference)), "lines")
    for summary, lines in _folded(difference):
        if lines:
            writer.open(summary, lines, "lines")
    return writer.text()


def _risky(difference: Difference) -> bool:
    words = {i.word for i in difference.impacts.values()}
    return bool(difference.disturbed or words & {"replaced in place", "ends"})


class _Writer:
    """Puts lines together as long as they fit, with room for what closes the comment."""

    _END = 400  # for the closing tags, the marker and the sentence about what was left out

    def __init__(self, limit: int) -> None:
        self.left = limit - self._END
        self.lines: list[str] = []
        self.omitted: list[str] = []

    def put(self, line: str) -> bool:
        size = len(line.encode()) + 1
        if size > self.left:
            return False
        self.left -= size
        self.lines.append(line)
        return True

    def open(self, summary: str | None, lines: Sequence[str], noun: str) -> None:
        """A part, folded under its summary where it has one; counts what does not fit."""
        if not lines:
            return
        frame = 120 + len((summary or "").encode())
        if self.left < frame + 200:
            self.omitted.append(f"{summary or noun} ({len(lines)} lines)")
            return
        self.left -= frame
        if summary:
            self.lines += ["", "<details>", f"<summary>{summary}</summary>", ""]
        for number, line in enumerate(lines):
            if not self.put(line):
                rest = len(lines) - number
                self.lines.append("")
                self.lines.append(f"… {rest} more {noun} do not fit here.")
                self.omitted.append(f"{rest} {noun} of {summary or 'the table'}")
                break
        if summary:
            self.lines += ["", "</details>"]

    def text(self) -> str:
        if self.omitted:
            lines = "; ".join(self.omitted)
            lines = lines if len(lines.encode()) < 200 else f"{len(self.omitted)} parts"
            self.lines += ["", f"Cut at GitHub's limit: {lines}. `diff --json` has everything."]
        return "\n".join([*self.lines, "", MARKER]) + "\n"


_MODEL_HEAD = (
    "| model | Regions | change | impact | USD a month, at minimum to maximum |",
    "| --- | --- | --- | --- | --- |",
)


def _model_table(difference: Difference) -> Iterator[str]:
    for row in model_rows(difference):
        lines = f": {'; '.join(row.lines)}" if row.lines else ""
        change = plain(f"{', '.join(row.kinds)}{lines}")
        if not row.touched and row.impact and row.impact.word != "none":
            change += " **(not touched)**"
        text = f"{row.impact.word}: {row.impact.text}" if row.impact else ""
        bold = row.impact is not None and row.impact.word in {"replaced in place", "ends"}
        impact = f"**{plain(text)}**" if bold else plain(text)
        impact += "".join(f"<br>rollout: {plain(line)}" for line in rollouts(difference, row))
        name = code(row.name) + (" (job)" if row.is_job else "")
        money = "" if row.is_job else plain(model_money(difference, row.name, row.regions))
        yield f"| {name} | {plain(listed(row.regions, most=6))} | {change} | {impact} | {money} |"


def _refusals(refusals: Iterable[Refusal]) -> Iterator[str]:
    for found in refusals:
        yield ""
        what = plain(found.what + refused_in(found))
        yield f"**{found.code}** {code(found.path)} {what}. {plain(found.why)}"
        yield ""
        for number, step in enumerate(found.steps, 1):
            yield f"{number}. {plain(step)}"


def _finding_lines(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        yield ""
        line = f", line {finding.line}," if finding.line else ""
        place = code(finding.path or "the stack file") + line
        yield f"**{finding.severity.word} {plain(finding.code)}** {place} {plain(finding.what)}"
        if finding.why:
            yield f"<br>why: {plain(finding.why)}"
        if finding.fix:
            yield f"<br>fix: {plain(finding.fix)}"


def _disturbed(difference: Difference) -> Iterator[str]:
    for change in difference.disturbed:
        yield ""
        yield (
            f"⚠️ {code(change.name)} moves in {plain(change.region)} though nobody touched it: "
            f"{plain('; '.join(change.lines))}"
        )
    if not difference.disturbed:
        return
    yield ""
    found = difference.pins
    if found and found.layout:
        yield (
            f"{code('neuron-ecs place --base BASE')} writes the lines that keep it where it is "
            "(planned with them):"
        )
        yield ""
        yield from (f"- {code(line)}" for line in found.lines)
    elif found and found.works:
        yield "These settings keep it where it is (planned with them):"
        yield ""
        yield from (f"- {code(line)}" for line in found.lines)
    else:
        why = found.why_not if found else "the stack file cannot be read"
        yield f"No explicit ids keep it where it is: {plain(why)}"


def _folded(difference: Difference) -> Iterator[tuple[str, list[str]]]:
    found = difference.findings
    others = [f for f in found.new if f.severity is not Severity.ERROR]
    lines = [*_finding_lines(others)]
    if found.gone:
        gone = listed(dict.fromkeys(f"{f.code} {f.path}" for f in found.gone), most=20)
        lines += ["", f"gone: {plain(gone)}"]
    if found.not_judged:
        left = listed(dict.fromkeys(f"{f.code} {f.path}" for f in found.not_judged), most=20)
        lines += ["", f"not judged, {STOPPED}: {plain(left)}"]
    if found.still:
        still = listed(dict.fromkeys(f"{f.code} {f.path}" for f in found.still), most=20)
        lines += ["", f"still there: {plain(still)}"]
    summary = (
        f"Findings: {len(found.new)} new, {len(found.gone)} gone, {len(found.still)} still there"
    )
    yield summary, lines
    lines = [
        f"{'  ' * (index > 0)}- {code(line)}"
        for d, change in setting_classes(difference)
        for index, line in enumerate(
            setting_lines(dotted(d.path), d.before, d.after, words(difference, d.path, change))
        )
    ]
    yield f"Stack file: {counted(len(difference.settings), 'setting')}", lines
    yield _price_summary(difference), list(_price(difference))
    yield f"Chips: {counted(len(difference.pools), 'pool')}", list(_pools(difference))
    rows = resource_rows(difference)
    resources = [line for row in rows for line in _resource(row)]
    if resources and difference.skipped:
        resources += ["", f"Nothing changes in {plain(listed(difference.skipped, most=20))}."]
    yield f"Resources: {counted(len(difference.real), 'change')}", resources


def _resource(row: ResourceRow) -> Iterator[str]:
    names = "" if len(row.names) == 1 or not row.type else f": {listed(row.names, most=4)}"
    yield f"- {code(row.head + names)}"
    for change in row.properties:
        for line in property_lines(change):
            yield f"  - {code(line)}"


def _pools(difference: Difference) -> Iterator[str]:
    for change in difference.pools:
        yield f"- {code(change.name)} in {plain(change.region)}: {plain('; '.join(change.lines))}"
        if change.impact:
            yield f"  - {plain(change.impact)}"
        yield from (f"  - {word}: {plain(text)}" for word, text in layouts(change))


def _price_summary(difference: Difference) -> str:
    if difference.price is None:
        return "Price"
    return f"Price: {plain(signed_span(difference.price.difference))} USD a month"


def _price(difference: Difference) -> Iterator[str]:
    found = difference.price
    if found is None or not found.lines:
        return
    yield f"A month of {found.hours} hours, at minimum to maximum size."
    yield ""
    yield "| | before | after | difference |"
    yield "| --- | --- | --- | --- |"

    def row(name: str, before: str, after: str, difference: str) -> str:
        return f"| {name} | {plain(before)} | {plain(after)} | {plain(difference)} |"

    yield row("**all**", span(found.before), span(found.after), signed_span(found.difference))
    for region, (before, after) in found.by_region().items():
        yield row(plain(region), span(before), span(after), signed_span(after - before))
    for model, (before, after) in found.by_model().items():
        name = "chips that no model holds" if model == FREE else code(model)
        yield row(name, span(before), span(after), signed_span(after - before))
    yield ""
    for line in found.lines:
        side = line.after or line.before
        assert side is not None
        place = f"{code(line.pool)} in {plain(line.region)}"
        note = f" ({plain(line.note)})" if line.note else ""
        if line.included:
            rate = plain(f"{side.rates}, as of {line.date}")
            yield f"- included: {place}, {rate}{note}"
        else:
            yield f"- not included: {place}: {plain(line.why_not)}{note}"
    for missing in found.not_included:
        if not missing.startswith("pool "):
            yield f"- not included: {plain(missing)}"
    for source in dict.fromkeys(line.source for line in found.lines if line.source):
        yield f"- source: {plain(source)}"
