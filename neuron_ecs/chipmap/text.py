"""The chip map for a terminal, 80 columns and wider."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from messages.phrases import counted, listed, low_to_high
from neuron_ecs.chipmap import words
from neuron_ecs.chipmap.placement import Cell, Fold, folded
from neuron_ecs.chipmap.pools import DrawnPool, Stack
from neuron_ecs.terminal import one_line, paint, spans, table, wrapped
from planning.placing import Picture, picture

_NARROWEST, _WIDEST = 80, 160
_NAME_LIMIT = 24
_LETTERS = 3  # of a label where eight devices stand in 80 columns
_COLOURS = (31, 32, 33, 34, 35, 36)

_KEY = """\
[ ] the devices of one task, or of a slot without a task; free or · no task; (name) or a small
letter: free until that job runs. 2 on 1-2: two tasks, on instances 1 and 2. surge +1: a rollout
starts new tasks first, with one more instance. in place, 1: one task stops first, and its devices
serve the new one."""


@dataclass(frozen=True, slots=True)
class _Codes:
    """Letters that stand for names where cells are too narrow: capitals for models, small ones for
    jobs. Empty where the names have room."""

    models: Mapping[str, str]
    jobs: Mapping[str, str]


_NAMES = _Codes({}, {})


def render(stack: Stack, *, width: int, coloured: bool = False) -> Iterator[str]:
    """The map in lines of at most `width` characters; Regions with the same pools appear once.

    `width` 0 is 160, and less than 80 is 80: a row of 8 devices needs that.
    """
    width = max(width or _WIDEST, _NARROWEST)
    number = sum(len(pools) for _, pools in stack.regions)
    head = f"{one_line(stack.name)}: {counted(number, 'pool')}"
    yield from _wrapped(f"{head} in {counted(len(stack.regions), 'Region')}", width)
    yield from _wrapped(_KEY, width, "", "")
    alike: dict[tuple[DrawnPool, ...], list[str]] = {}
    for region, pools in stack.regions:
        alike.setdefault(pools, []).append(region)
    for pools, regions in alike.items():
        yield ""
        yield from _wrapped(one_line(listed(regions)), width, "", "")
        for pool in pools:
            yield from _pool(pool, width, coloured=coloured)


def _pool(pool: DrawnPool, width: int, *, coloured: bool) -> Iterator[str]:
    yield ""
    name = f"{pool.name} (retired)" if pool.retired else pool.name
    facts = f"{one_line(name)}  {words.shape(pool)}; {words.kind(pool)}; {words.size(pool)}"
    yield from _wrapped(facts, width, "  ", "    ")
    least, most = picture(pool, full=False), picture(pool, full=True)
    codes = _codes(pool) if _coded(pool, width) else _NAMES
    yield from _placements(pool, least, most, codes, width)
    for model in pool.without_devices:
        tasks = low_to_high(model.tasks_min, model.tasks_max)
        plural = "task" if model.tasks_max == 1 else "tasks"
        line = f"{one_line(model.workload)} takes no device: {tasks} {plural} by CPU and memory"
        yield from _wrapped(line, width, "    ", "      ")
    drawn = [(most, "at minimum and at maximum")]
    if not words.same(pool, least, most):
        drawn = [(least, "at minimum"), (most, "at maximum")]
    for seen, size in drawn:
        yield from _wrapped(f"{size}: {words.state(pool, seen)}", width, "    ", "      ")
        for fold in folded(pool, seen.instances) if pool.shape != "none" else ():
            yield from _wrapped(words.heading(fold), width, " " * 6, " " * 8)
            yield from _instance(pool, fold, codes, width, coloured=coloured)
        for text in (words.everything(seen), *_waiting(pool, seen)):
            if text:
                yield from _wrapped(text, width, "      ", "        ")


def _waiting(pool: DrawnPool, seen: Picture) -> Iterator[str]:
    for job in pool.jobs:
        if job.workload in seen.waiting:
            yield f"job {one_line(job.workload)} {pool.wait_of(job) or 'waits for its devices'}"


def _wrapped(text: str, width: int, first: str = "", later: str = "  ") -> list[str]:
    return wrapped(text, width, first, later, break_long_words=True)


# -- who takes what ----------------------------------------------------------------------------


def _placements(
    pool: DrawnPool, least: Picture, most: Picture, codes: _Codes, width: int
) -> Iterator[str]:
    """The table of placements."""
    rows = [("model", "devices", "at minimum", "at maximum", "rollout")]
    for index, placement in enumerate(pool.placements):
        change = words.rollouts(least.rollouts[index], most.rollouts[index])
        code = f"{codes.models[placement.model]}  " if codes.models else ""
        rows.append(
            (
                code + one_line(placement.model),
                spans(placement.devices) or "all",
                words.tasks(least, index),
                words.tasks(most, index),
                change,
            )
        )
    for job in pool.jobs:
        code = f"{codes.jobs[job.workload]}  " if codes.jobs else ""
        where = spans(job.devices) or "all"
        rows.append((f"{code}{one_line(job.workload)} (job)", where, "-", "-", "-"))
    if len(rows) == 1:
        return
    yield from table(rows, indent="    ", width=width)


def _codes(pool: DrawnPool) -> _Codes:
    """A letter for each workload of the pool, in the order of names: A to Z, AA, AB …"""

    def lettered(names: Iterable[str]) -> dict[str, str]:
        return {name: _letters(index) for index, name in enumerate(sorted(set(names)))}

    models = lettered(placement.model for placement in pool.placements)
    jobs = lettered(job.workload for job in pool.jobs)
    return _Codes(models, {name: code.lower() for name, code in jobs.items()})


def _letters(index: int) -> str:
    head, tail = divmod(index, 26)
    return (_letters(head - 1) if head else "") + chr(ord("A") + tail)


# -- instances ---------------------------------------------------------------------------------


def _columns(pool: DrawnPool) -> int:
    match pool.shape:
        case "single" | "unknown":
            return 1
        case "torus_4x4":
            return 4
        case "ring":
            return -(-pool.devices // 2)
        case _:
            return min(max(pool.devices, 1), 8)


def _cell_width(pool: DrawnPool, width: int) -> int:
    """Characters for a device's label, beside its number."""
    columns = _columns(pool)
    wanted = min(max(map(len, _labels(pool, _NAMES))), _NAME_LIMIT)
    return min(wanted, (width - 14 - 2 * (columns - 1)) // columns - 3)


def _labels(pool: DrawnPool, codes: _Codes) -> set[str]:
    """Every label that a device of the pool may have."""
    models = {placement.model for placement in pool.placements}
    found = {"free"} | {codes.models.get(model, one_line(model)) for model in models}
    for device in range(pool.devices):
        holders = [j.workload for j in pool.jobs if not j.devices or device in j.devices]
        if holders and codes is _NAMES:
            found.add(f"({one_line(' or '.join(holders))})")
        elif holders:
            found.add(_letters_of(holders, codes))
    return found


def _letters_of(jobs: Sequence[str], codes: _Codes) -> str:
    """`a/b`, or `a+` where that has no room; the table names the devices of each job."""
    joined = "/".join(codes.jobs[job] for job in jobs)
    return joined if len(joined) <= _LETTERS else f"{codes.jobs[jobs[0]]}+"


def _coded(pool: DrawnPool, width: int) -> bool:
    """Whether labels have room for letters only."""
    return max(map(len, _labels(pool, _NAMES))) > _cell_width(pool, width)


def _room(pool: DrawnPool, codes: _Codes, width: int) -> int:
    """Characters of a label as it is drawn."""
    if codes is _NAMES:
        return _cell_width(pool, width)
    return max([2, *(len(label) for label in _labels(pool, codes) - {"free"})])


def _instance(
    pool: DrawnPool, fold: Fold, codes: _Codes, width: int, *, coloured: bool
) -> Iterator[str]:
    if not fold.cells:
        for name in fold.tasks:
            yield from _wrapped(f"[all {one_line(name)}]", width, " " * 8, " " * 8)
        return
    rows = list(_rows(pool, fold, codes, width, coloured=coloured))
    match pool.shape:
        case "ring":
            yield f"        ╭─{rows[0]}─╮"
            yield f"        ╰─{rows[1]}─╯"
        case "torus_4x4":
            size = _room(pool, codes, width) + 5
            wrap = "".join("┊".center(size) for _ in range(4)).rstrip()
            yield f"          {wrap}"
            for row in rows:
                yield f"        ┄┄{row}┄┄"
            yield f"          {wrap}"
        case _:
            for row in rows:
                yield f"          {row}"


def _rows(
    pool: DrawnPool, fold: Fold, codes: _Codes, width: int, *, coloured: bool
) -> Iterator[str]:
    """The devices in rows as they are linked: a ring goes to the right and comes back below."""
    columns = _columns(pool)
    lines = [fold.cells[at : at + columns] for at in range(0, pool.devices, columns)]
    if pool.shape == "ring":
        lines[1] = lines[1][::-1]
    room = _room(pool, codes, width)
    for line in lines:
        yield _row(line, codes, room, coloured=coloured)


def _row(line: Sequence[Cell], codes: _Codes, room: int, *, coloured: bool) -> str:
    text = "["
    for index, cell in enumerate(line):
        if index:
            last = line[index - 1]
            text += "  " if _together(last, cell) else "]["
        label = f"{cell.device:>2} {_label(cell, codes).ljust(room)}"
        text += _painted(label, cell.holder) if coloured and cell.state == "taken" else label
    return text + "]"


def _together(one: Cell, other: Cell) -> bool:
    if one.task >= 0 or one.state == "job":
        return (one.task, one.holder) == (other.task, other.holder)
    return other.state == "free" and one.slot is not None and one.slot == other.slot


def _label(cell: Cell, codes: _Codes) -> str:
    if cell.state == "free":
        return "free" if codes is _NAMES else "·"
    if cell.state == "taken":
        return one_line(codes.models.get(cell.holder, cell.holder))
    if codes is _NAMES:
        return f"({one_line(' or '.join(cell.holders))})"
    return _letters_of(cell.holders, codes)


def _painted(text: str, holder: str) -> str:
    colour = _COLOURS[zlib.crc32(holder.encode("utf-8", "replace")) % len(_COLOURS)]
    return paint(text, str(colour))
