"""One instance as SVG: its devices, the links between them, and who holds each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from neuron_ecs.chipmap import words
from neuron_ecs.chipmap.placement import Cell, Fold
from neuron_ecs.chipmap.pools import DrawnPool
from neuron_ecs.chipmap.style import hue
from neuron_ecs.terminal import one_line

CELL_WIDTH, CELL_HEIGHT, GAP = 88, 46, 12
_MARGIN = 12
_LINE = 12  # characters in a line of a label
_ONE_LINE, _TWO_LINES = 29, (25, 38)  # where the lines of a label stand, from the top of the box

Point = tuple[int, int]


def definitions(devices: int) -> str:
    """What the pictures of a page refer to, for instances of so many devices; stands in it once.

    A box with its number, and the same when it is free, for each device: most of a large page is
    boxes, and a reference to one is a third of what it refers to.
    """
    box = f'<rect width="{CELL_WIDTH}" height="{CELL_HEIGHT}" rx="5"/>'
    parts = [f'<g id="box">{box}</g>']
    for device in range(devices):
        parts.append(f'<g id="b{device}">{box}{_text(0, 0, str(device), "d")}</g>')
        free = f"{_text(0, 0, str(device), 'd q')}{_text(0, _ONE_LINE, 'free', 'q')}"
        parts.append(f'<g id="f{device}">{box}{free}</g>')
    return (
        '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>'
        f"{''.join(parts)}"
        '<pattern id="hatch" width="9" height="9" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect class="b" width="9" height="9"/>'
        '<path class="t" d="M0 0V9"/></pattern></defs></svg>\n'
    )


def width(pool: DrawnPool) -> int:
    """Pixels of the picture of one instance."""
    columns = 1 + max(x for x, _ in positions(pool))
    return columns * (CELL_WIDTH + GAP) - GAP + 2 * _MARGIN


def svg(pool: DrawnPool, fold: Fold, label: str) -> str:
    """The picture with its text alternative; `label` says which pool and instance it shows."""
    places = positions(pool)
    rows = 1 + max(y for _, y in places)
    wide = width(pool)
    high = rows * (CELL_HEIGHT + GAP) - GAP + 2 * _MARGIN
    summary = escape(one_line(words.summary(fold, pool.slots)))
    name = escape(one_line(label))
    parts = [
        f'<svg class="chip" role="img" aria-label="{name}" width="{wide}" height="{high}" '
        f'viewBox="0 0 {wide} {high}"><title>{name}</title><desc>{summary}</desc>',
        _links(pool, places),
        *_devices(pool, fold, places),
        "</svg>",
    ]
    return "".join(parts)


def positions(pool: DrawnPool) -> tuple[Point, ...]:
    """Column and row of each device. A ring goes to the right and comes back below."""
    count = max(pool.devices, 1)
    match pool.shape:
        case "ring":
            half = -(-count // 2)
            return tuple((i, 0) if i < half else (count - 1 - i, 1) for i in range(count))
        case "torus_4x4":
            return tuple((i % 4, i // 4) for i in range(count))
        case _:
            return tuple((i % 8, i // 8) for i in range(count))


def links(pool: DrawnPool) -> tuple[tuple[int, int], ...]:
    """Pairs of devices that are linked and drawn side by side."""
    count = pool.devices
    match pool.shape:
        case "ring":
            return tuple((i, (i + 1) % count) for i in range(count if count > 2 else count - 1))
        case "torus_4x4":
            right = [(i, i + 1) for i in range(count) if i % 4 < 3]
            return tuple(sorted(right + [(i, i + 4) for i in range(count - 4)]))
        case _:
            return ()


def _links(pool: DrawnPool, places: Sequence[Point]) -> str:
    lines = [_line(places[a], places[b]) for a, b in links(pool)]
    path = f'<path class="l" d="{"".join(lines)}"/>' if lines else ""
    if pool.shape == "torus_4x4":  # the links that join opposite edges, as stubs
        stubs: list[str] = []
        for i in range(4):
            for (x, y), (dx, dy) in (
                ((0, i), (-1, 0)),
                ((3, i), (1, 0)),
                ((i, 0), (0, -1)),
                ((i, 3), (0, 1)),
            ):
                cx, cy = _centre((x, y))
                sx = cx + dx * CELL_WIDTH // 2
                sy = cy + dy * CELL_HEIGHT // 2
                stubs.append(f"M{sx} {sy}l{dx * _MARGIN} {dy * _MARGIN}")
        path += f'<path class="l w" d="{"".join(stubs)}"/>'
    return path


def _line(one: Point, other: Point) -> str:
    (x1, y1), (x2, y2) = _centre(one), _centre(other)
    return f"M{x1} {y1}L{x2} {y2}"


def _centre(place: Point) -> Point:
    x, y = _corner(place)
    return x + CELL_WIDTH // 2, y + CELL_HEIGHT // 2


def _corner(place: Point) -> Point:
    return (
        _MARGIN + place[0] * (CELL_WIDTH + GAP),
        _MARGIN + place[1] * (CELL_HEIGHT + GAP),
    )


def _devices(pool: DrawnPool, fold: Fold, places: Sequence[Point]) -> Iterator[str]:
    """The devices of each task together, a bar of its colour along the links between them."""
    if not fold.cells:
        names = fold.tasks or ("free",)
        state = "h" if fold.tasks else "f"
        yield _group(
            state, names[0], fold.role == "rollout", _cell("all", names[0], places[0], kind=state)
        )
        return
    short = labels({cell.holder for cell in fold.cells if cell.holder})
    groups: dict[tuple[str, str, int, int | None], list[Cell]] = {}
    for cell in fold.cells:
        slot = cell.slot if cell.state == "free" else None
        groups.setdefault((cell.state, cell.holder, cell.task, slot), []).append(cell)
    linked = links(pool)
    for (state, holder, _, slot), cells in groups.items():
        mine = {cell.device for cell in cells}
        text = "free" if state == "free" else short[holder]
        inner = ""
        if state != "free" or slot is not None:
            bars = [_line(places[a], places[b]) for a, b in linked if a in mine and b in mine]
            inner = f'<path d="{"".join(bars)}"/>' if bars else ""
        kind = {"taken": "h", "job": "j", "free": "f"}[state]
        for cell in cells:
            place = places[cell.device]
            inner += _cell(str(cell.device), text, place, kind=kind, changed=cell.changed)
        yield _group(kind, holder, fold.role == "rollout", inner)


def _group(kind: str, holder: str, surge: bool, inner: str) -> str:
    style = f' style="--h:{hue(holder)}"' if kind == "h" else ""
    title = f"<title>{escape(one_line(holder))}</title>" if holder and kind != "f" else ""
    return f'<g class="{kind}{" s" if surge else ""}"{style}>{title}{inner}</g>'


def _cell(device: str, label: str, place: Point, *, kind: str, changed: bool = False) -> str:
    x, y = _corner(place)
    corner = x + CELL_WIDTH
    mark = f'<path class="c" d="M{corner - 15} {y}h15v15z"/>' if changed else ""
    if kind == "f" and device.isdecimal():
        return f'<use href="#f{device}" x="{x}" y="{y}"/>{mark}'
    lines = _broken(label)
    tops = (_ONE_LINE,) if len(lines) == 1 else _TWO_LINES
    text = "".join(_text(x, y + top, line) for top, line in zip(tops, lines, strict=True))
    if kind == "h" and device.isdecimal():
        return f'<use href="#b{device}" x="{x}" y="{y}"/>{mark}{text}'
    number = _text(x, y, device, "d")  # not of the definitions: on hatches it has a rim of its own
    return f'<use href="#box" x="{x}" y="{y}"/>{mark}{number}{text}'


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    """A text in the box at these coordinates; its number stands above the labels."""
    of = f' class="{kind}"' if kind else ""
    below = 12 if "d" in kind.split() else 0
    return f'<text{of} x="{x + 5}" y="{y + below}">{escape(text)}</text>'


# -- labels ------------------------------------------------------------------------------------


def labels(names: set[str]) -> Mapping[str, str]:
    """A label of at most two lines for each name; names that differ have labels that differ."""
    room = 2 * _LINE
    found: dict[str, str] = {}
    for name in sorted(names):
        text = one_line(name)
        label = text if _fits(text) else _shortened(text, room - 2)
        number = 2
        while label in found.values():
            label = f"{_shortened(text, room - 2 - len(str(number)) - 1)}~{number}"
            number += 1
        found[name] = label
    return found


def _fits(text: str) -> bool:
    lines = _broken(text)
    return len(lines) <= 2 and "".join(lines) == text


def _shortened(text: str, room: int) -> str:
    """The beginning and the end, which tell `…-8b` from `…-70b`."""
    if len(text) <= room:
        return text
    head = (room - 1) // 2
    return f"{text[:head]}…{text[len(text) - (room - 1 - head) :]}"


def _broken(label: str) -> list[str]:
    """One or two lines, broken after a hyphen or an underscore where that leaves room."""
    if len(label) <= _LINE:
        return [label]
    at = max((m.end() for m in re.finditer(r"[-_.]", label[:_LINE])), default=0)
    if at and len(label) - at <= _LINE:
        return [label[:at], label[at:]]
    return [label[:_LINE], label[_LINE : 2 * _LINE]]
