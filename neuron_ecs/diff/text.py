"""The difference for a terminal: the verdict first, then what a reviewer asks for."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from messages.finding import Finding, Severity, left_out, page
from messages.phrases import counted, listed, low_to_high
from neuron_ecs.diff.costs import setting_classes, words
from neuron_ecs.diff.difference import Difference
from neuron_ecs.diff.impact import PoolChange
from neuron_ecs.diff.refusals import Refusal
from neuron_ecs.diff.structure import dotted
from neuron_ecs.diff.summary import (
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
from neuron_ecs.diff.traffic import traffic_lines
from neuron_ecs.terminal import block, paint, spans, table, wrapped
from planning.plan import Pool
from planning.price import FREE, NOTHING, span

_MOST_SETTINGS = 40
STOPPED = "because errors ended the planning of the head"


def render(difference: Difference, *, width: int, bold: bool = False) -> Iterator[str]:
    """The lines, at most `width` wide where words allow it; 0 wraps nothing."""
    head = list(wrapped(verdict(difference), width))
    yield from (paint(line, "1") for line in head) if bold else head
    yield f"  base  {difference.base.label}"
    yield f"  head  {difference.head.label}"
    for note in difference.notes:
        yield from wrapped(f"note: {note}", width, "  ", "        ")
    if difference.plan_only and not difference.errors:
        yield from wrapped(f"plan only: {difference.plan_only}", width, "  ", "             ")
    parts = (
        _steps(difference.refusals, "error", width),
        _page(difference.errors, width),
        _steps(difference.ways, "interrupts", width),
        _traffic(difference, width),
        _models(difference, width),
        _disturbed(difference, width),
        _pools(difference, width),
        _price(difference, width),
        _findings(difference, width),
        _settings(difference, width),
        _resources(difference, width),
    )
    for part in parts:
        lines = list(part)
        if lines:
            yield ""
            yield from lines


def _steps(refusals: Sequence[Refusal], word: str, width: int) -> Iterator[str]:
    for found in refusals:
        head = f"{word} {found.code}  {found.path} {found.what}{refused_in(found)}"
        yield from wrapped(head, width, "", "    ")
        yield from wrapped(found.why, width, "    why:     ", " " * 13)
        for number, step in enumerate(found.steps, 1):
            yield from wrapped(step, width, f"    step {number}:  ", " " * 13)


def _page(found: Sequence[Finding], width: int, prefix: str = "") -> Iterator[str]:
    for finding in page(found):
        yield from block(finding, width, prefix=prefix)
    yield from (f"{prefix}{line}" for line in left_out(found))


def _findings(difference: Difference, width: int) -> Iterator[str]:
    found = difference.findings
    others = [f for f in found.new if f.severity is not Severity.ERROR]
    yield from _page(others, width, "new: ")
    yield from _page([replace(f, why="", fix="") for f in found.gone], width, "gone: ")
    if found.not_judged:
        codes = listed(sorted({f.code for f in found.not_judged}))
        number = counted(len(found.not_judged), "finding")
        yield from wrapped(f"not judged, {STOPPED}: {number} of the base, {codes}", width)
    if found.still and (found.new or found.gone):
        codes = listed(sorted({f.code for f in found.still}))
        yield f"{counted(len(found.still), 'finding')} still there: {codes}"


def _settings(difference: Difference, width: int) -> Iterator[str]:
    if difference.settings:
        yield "Stack file"
    for found, change in setting_classes(difference)[:_MOST_SETTINGS]:
        tail = words(difference, found.path, change)
        for line in setting_lines(dotted(found.path), found.before, found.after, tail):
            yield from wrapped(line, width, "  ", "    ")
    if len(difference.settings) > _MOST_SETTINGS:
        yield f"  and {len(difference.settings) - _MOST_SETTINGS} more"


def _traffic(difference: Difference, width: int) -> Iterator[str]:
    for number, line in enumerate(traffic_lines(difference)):
        if not number:
            yield "Traffic"
        yield from wrapped(line, width, "  ", "    ")


def _models(difference: Difference, width: int) -> Iterator[str]:
    rows = model_rows(difference)
    if rows:
        yield "Models and jobs" if any(row.is_job for row in rows) else "Models"
    for row in rows:
        name = f"{row.name} (job)" if row.is_job else row.name
        yield from wrapped(f"{name}  {listed(row.regions, most=6)}", width, "  ", "      ")
        lines = f": {'; '.join(row.lines)}" if row.lines else ""
        yield from wrapped(f"{', '.join(row.kinds)}{lines}", width, "    change  ", " " * 12)
        if row.impact:
            text = f"{row.impact.word}: {row.impact.text}"
            yield from wrapped(text, width, "    impact  ", " " * 12)
        for text in rollouts(difference, row):
            yield from wrapped(text, width, "    rollout ", " " * 12)
        money = "" if row.is_job else model_money(difference, row.name, row.regions)
        if money and money != signed_span(NOTHING):
            yield f"    price   {money} a month, its share of the chips"


def _disturbed(difference: Difference, width: int) -> Iterator[str]:
    for change in difference.disturbed:
        text = f"{change.name} moves in {change.region} though nobody touched it: "
        yield from wrapped(text + "; ".join(change.lines), width)
    if not difference.disturbed:
        return
    found = difference.pins
    if found and found.layout:
        text = "`neuron-ecs place --base BASE` writes the lines that keep it where it is"
        yield from wrapped(f"{text} (planned with them):", width, "  ", "    ")
    elif found and found.works:
        yield "  these lines in the head's stack file keep it where it is (planned with them):"
    if found and (found.layout or found.works):
        for line in found.lines:
            yield from wrapped(line, width, "    ", "      ")
    else:
        why = found.why_not if found else "the stack file cannot be read"
        yield from wrapped(f"no explicit ids keep it where it is: {why}", width, "  ", "    ")


def _pools(difference: Difference, width: int) -> Iterator[str]:
    if difference.pools:
        yield "Pools"
    for change in difference.pools:
        head = f"{change.name}  {change.region}: {'; '.join(change.lines)}"
        yield from wrapped(head, width, "  ", "      ")
        if change.impact:
            yield from wrapped(change.impact, width, "    impact  ", " " * 12)
        for word, text in layouts(change):
            yield from wrapped(text, width, f"    {word:6}  ", " " * 12)


def layouts(change: PoolChange) -> Iterator[tuple[str, str]]:
    """The layouts of a pool before and after, with its instances; none where they are the same."""
    sides = [("before", change.before), ("after", change.after)]
    if _layout(change.before) != _layout(change.after):
        for word, pool in sides:
            if pool and (text := _layout(pool)):
                yield word, f"{low_to_high(*pool.layout.instances)} {text}"


def _layout(pool: Pool | None) -> str:
    """`inf2.48xlarge of 12 devices: llama 0-3 4-7; mistral 8; free 9-11`."""
    if pool is None or not pool.layout.devices:
        return ""
    sets: dict[str, list[tuple[int, ...]]] = {}
    taken: set[int] = set()
    for one in pool.layout.assignments:
        sets.setdefault(one.workload, []).append(one.devices)
        taken |= set(one.devices)
    free = [d for d in range(pool.layout.devices) if d not in taken]
    parts = [f"{name} {' '.join(map(spans, held))}" for name, held in sets.items()]
    if free:
        parts.append(f"free {spans(free)}")
    parts += [f"job {one.workload} {spans(one.devices)}" for one in pool.layout.jobs if one.devices]
    devices = counted(pool.layout.devices, "device")
    return f"{pool.instance_types[0]} of {devices}: {'; '.join(parts)}"


def _resources(difference: Difference, width: int) -> Iterator[str]:
    rows = resource_rows(difference)
    if rows:
        yield "Resources"
    for row in rows:
        if row.action in {"create", "delete"}:
            continue
        yield from wrapped(row.head, width, "  ", "      ")
        for change in row.properties:
            for line in property_lines(change):
                yield from wrapped(line, width, "      ", "        ")
    for action in ("delete", "create"):
        for row in rows:
            if row.action == action:
                names = (
                    "" if len(row.names) == 1 or not row.type else f": {listed(row.names, most=4)}"
                )
                yield from wrapped(row.head + names, width, "  ", "      ")
    if difference.skipped and rows:
        where = listed(difference.skipped, most=6)
        yield from wrapped(f"nothing changes in {where}", width, "  ", "      ")


def _price(difference: Difference, width: int) -> Iterator[str]:
    found = difference.price
    if found is None or not (difference.changed and found.lines):
        return
    yield f"Price, USD a month of {found.hours} hours, at minimum to maximum size"
    changed = [line for line in found.lines if line.before != line.after]
    if not changed:
        yield f"  as before: {span(found.after)}"
        return
    head = ("", "before", "after", "difference")
    rows: list[tuple[str, ...]] = [head]
    rows.append(("all", span(found.before), span(found.after), signed_span(found.difference)))
    same: list[str] = []
    for region, (before, after) in found.by_region().items():
        if before == after:
            same.append(region)
        else:
            rows.append((region, span(before), span(after), signed_span(after - before)))
    for model, (before, after) in found.by_model().items():
        if before != after:
            name = "chips that no model holds" if model == FREE else f"model {model}"
            rows.append((name, span(before), span(after), signed_span(after - before)))
    yield from table(rows, indent="  ", width=width)
    if same:
        yield from wrapped(f"as before: {listed(same, most=6)}", width, "  ", "    ")
    for line in changed:
        side = line.after or line.before
        assert side is not None
        if line.included:
            text = f"included: {line.pool} in {line.region}, {side.rates}, as of {line.date}"
        else:
            text = f"not included: {line.pool} in {line.region}: {line.why_not}"
        yield from wrapped(text + (f" ({line.note})" if line.note else ""), width, "  ", "    ")
    general = [n for n in found.not_included if not n.startswith("pool ")]
    yield from wrapped(f"not included: {'; '.join(general)}", width, "  ", "    ")
    sources = dict.fromkeys(line.source for line in found.lines if line.source)
    for source in sources:
        yield from wrapped(f"source: {source}", width, "  ", "    ")
