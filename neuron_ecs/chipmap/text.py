"""The chip map for a terminal, 80 columns and wider."""

import textwrap
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from messages.phrases import counted, listed
from neuron_ecs.chipmap import words
from neuron_ecs.chipmap.placement import Cell, Fold, Picture, folded, picture
from neuron_ecs.chipmap.pools import DrawnPool, Stack
from neuron_ecs.terminal import cut, spans

_NARROWEST, _WIDEST = 80, 160
_NAME_LIMIT = 24
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
    head = f"{words.clean(stack.name)}: {counted(number, 'pool')}"
    yield cut(f"{head} in {counted(len(stack.regions), 'Region')}", width)
    yield from textwrap.wrap(_KEY, width)
    alike: dict[tuple[DrawnPool, ...], list[str]] = {}
    for region, pools in stack.regions:
        alike.setdefault(pools, []).append(region)
    for pools, regions in alike.items():
        yield ""
        yield from textwrap.wrap(words.clean(listed(regions)), width)
        for pool in pools:
            yield from _pool(pool, width, coloured=coloured)


def _pool(pool: DrawnPool, width: int, *, coloured: bool) -> Iterator[str]:
    yield ""
    name = f"{pool.name} (retired)" if pool.retired else pool.name
    facts = f"{words.clean(name)}  {words.shape(pool)}; {words.kind(pool)}; {words.size(pool)}"
    yield from _wrapped(facts, width, "  ", "    ")
    least, most = picture(pool, full=False), picture(pool, full=True)
    codes = _codes(pool) if _coded(pool, width) else _NAMES
    yield from _placements(pool, least, most, codes, width)
    for model in pool.without_devices:
        tasks = words.span(model.tasks_min, model.tasks_max)
        line = f"{words.clean(model.workload)} takes no device: {tasks} tasks by CPU and memory"
        yield from _wrapped(line, width, "    ", "      ")
    drawn = [(most, "at minimum and at maximum")]
    if not words.same(pool, least, most):
        drawn = [(least, "at minimum"), (most, "at maximum")]
    for seen, size in drawn:
        yield from _wrapped(f"{size}: {words.state(pool, seen)}", width, "    ", "      ")
        for fold in folded(pool, seen.instances) if pool.shape != "none" else ():
            yield cut(f"      {words.heading(fold)}", width)
            yield from _instance(pool, fold, codes, width, coloured=coloured)
        for text in (words.everything(seen), *_waiting(pool, seen)):
            if text:
                yield from _wrapped(text, width, "      ", "        ")


def _waiting(pool: DrawnPool, seen: Picture) -> Iterator[str]:
    for job in pool.jobs:
        if job.workload in seen.waiting:
            yield f"job {words.clean(job.workload)} {pool.wait_of(job) or 'waits for its devices'}"


def _wrapped(line: str, width: int, first: str, later: str) -> list[str]:
    return textwrap.wrap(line, width, initial_indent=first, subsequent_indent=later)


# -- who takes what ----------------------------------------------------------------------------


def _placements(
    pool: DrawnPool, least: Picture, most: Picture, codes: _Codes, width: int
) -> Iterator[str]:
    """The table of placements, in which only names are cut."""
    rows = [("model", "devices", "at minimum", "at maximum", "rollout")]
    for index, placement in enumerate(pool.placements):
        change = words.rollouts(least.rollouts[index], most.rollouts[index])
        code = f"{codes.models[placement.model]}  " if codes.models else ""
        rows.append(
            (
                code + words.clean(placement.model),
                spans(placement.devices) or "all",
                words.tasks(least, index),
                words.tasks(most, index),
                change,
            )
        )
    for job in pool.jobs:
        code = f"{codes.jobs[job.workload]}  " if codes.jobs else ""
        where = spans(job.devices) or "all"
        rows.append((f"{code}{words.clean(job.workload)} (job)", where, "-", "-", "-"))
    if len(rows) == 1:
        return
    rest = [max(len(row[i]) for row in rows) for i in range(1, 5)]
    names = min(max(len(row[0]) for row in rows), max(8, width - 4 - sum(rest) - 2 * len(rest)))
    for row in rows:
        cells = [cut(row[0], names).ljust(names)]
        cells += [cell.ljust(n) for cell, n in zip(row[1:], rest, strict=True)]
        yield cut("    " + "  ".join(cells).rstrip(), width)


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
    names = [placement.model for placement in pool.placements] + [
        f"({job.workload})" for job in pool.jobs
    ]
    wanted = min(max([len(words.clean(name)) for name in names] + [4]), _NAME_LIMIT)
    return min(wanted, (width - 14 - 2 * (columns - 1)) // columns - 3)


def _coded(pool: DrawnPool, width: int) -> bool:
    """Whether labels have room for letters only."""
    names = {placement.model for placement in pool.placements} | {
        f"({job.workload})" for job in pool.jobs
    }
    room = _cell_width(pool, width)
    if len(names) < 2 and room >= 6:
        return False
    return any(len(words.clean(name)) > room for name in {*names, "free"})


def _room(pool: DrawnPool, codes: _Codes, width: int) -> int:
    """Characters of a label as it is drawn."""
    room = _cell_width(pool, width)
    if codes is _NAMES:
        return room
    letters = (*codes.models.values(), *codes.jobs.values())
    return min(room, max([len(code) for code in letters] + [2]))


def _instance(
    pool: DrawnPool, fold: Fold, codes: _Codes, width: int, *, coloured: bool
) -> Iterator[str]:
    if not fold.cells:
        for name in fold.tasks:
            yield cut(f"        [all {words.clean(name)}]", width)
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
        label = f"{cell.device:>2} {_label(cell, codes, room).ljust(room)}"
        text += _painted(label, cell.holder) if coloured and cell.state == "taken" else label
    return text + "]"


def _together(one: Cell, other: Cell) -> bool:
    if one.task >= 0 or one.state == "job":
        return (one.task, one.holder) == (other.task, other.holder)
    return other.state == "free" and one.slot is not None and one.slot == other.slot


def _label(cell: Cell, codes: _Codes, room: int) -> str:
    if cell.state == "free":
        return "free" if codes is _NAMES else "·"
    if cell.state == "taken":
        return cut(words.clean(codes.models.get(cell.holder, cell.holder)), room)
    if codes is _NAMES:
        return f"({cut(words.clean(' or '.join(cell.holders)), room - 2)})"
    return cut("/".join(codes.jobs[job] for job in cell.holders), room)


def _painted(text: str, holder: str) -> str:
    colour = _COLOURS[zlib.crc32(holder.encode("utf-8", "replace")) % len(_COLOURS)]
    return f"\033[{colour}m{text}\033[0m"
