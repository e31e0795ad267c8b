"""The chip map as one HTML page: no script, no style, font or picture from elsewhere."""

from collections.abc import Iterator, Sequence
from html import escape

from messages.phrases import counted, listed, low_to_high
from neuron_ecs.chipmap import words
from neuron_ecs.chipmap.picture import definitions, svg, width
from neuron_ecs.chipmap.placement import Fold, counts, folded, moved
from neuron_ecs.chipmap.pools import DrawnPool, Stack, of_plan
from neuron_ecs.chipmap.style import SHEET, hue
from neuron_ecs.terminal import one_line, spans
from planning import Plan
from planning.placing import Picture, picture

_HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{sheet}</style>
</head>
<body>
{definitions}"""

_KEY = """\
<p class="dim">Each box is a Neuron device with its number and the model whose task holds it; lines
are links between devices, a bar in the model’s colour joins the devices of one task. Dotted:
free, a grey bar joins the devices of one slot. Hatched: free until the job named in it runs.
Dashed: an instance that a rollout of every model at once adds while it lasts. “2 on 1-2”: two
tasks, on instances 1 and 2. Surge +1: new tasks start before old ones stop, with one more instance.
In place, 1: one task stops first, and its devices serve the new one.{compared}</p>
"""
_COMPARED = (
    " A marked corner (\u25e5): somebody else, or nobody, holds this device on the other side."
)

Sides = tuple[DrawnPool | None, DrawnPool | None]


def page(before: Plan | None, after: Plan) -> str:
    """The page of a plan; with `before`, what changed stands side by side."""
    return render(of_plan(before) if before else None, of_plan(after))


def render(before: Stack | None, after: Stack) -> str:
    """The page of `after`; with `before`, what changed stands side by side."""
    name = escape(one_line(after.name))
    title = f"Chip map of {name}" + (": before and after" if before else "")
    stacks = [after] if before is None else [before, after]
    most = max((p.devices for s in stacks for _, pools in s.regions for p in pools), default=0)
    head = _HEAD.format(title=title, sheet=SHEET, definitions=definitions(most))
    parts = [head, f"<h1>{title}</h1>\n"]
    body = _compared(before, after) if before else _alone(after)
    parts.append(_KEY.format(compared=_COMPARED if before else ""))
    parts.extend(body)
    parts.append("</body>\n</html>\n")
    return "".join(parts)


# -- one stack -----------------------------------------------------------------------------------


def _alone(stack: Stack) -> Iterator[str]:
    alike: dict[tuple[DrawnPool, ...], list[str]] = {}
    for region, pools in stack.regions:
        alike.setdefault(pools, []).append(region)
    if len(stack.regions) > 1:
        yield from _contents(stack, {r: at for at, rs in enumerate(alike.values()) for r in rs})
    for at, (pools, regions) in enumerate(alike.items()):
        yield f'<h2 id="r{at}">{escape(one_line(listed(regions)))}</h2>\n'
        for pool in pools:
            yield from _pool(pool, regions[0])


def _contents(stack: Stack, places: dict[str, int]) -> Iterator[str]:
    heads = ("Region", "pools", "instances", "devices taken", "devices free")
    yield '<nav aria-label="Regions"><table><tr>'
    yield "".join(f'<th scope="col">{head}</th>' for head in heads) + "</tr>\n"
    for region, pools in stack.regions:
        low, high = (_sums(pools, full=full) for full in (False, True))
        yield f'<tr><td><a href="#r{places[region]}">{escape(one_line(region))}</a></td>'
        yield f"<td>{len(pools)}</td>"
        for least, most in zip(low, high, strict=True):
            yield f"<td>{least if least == most else f'{least} → {most}'}</td>"
        yield "</tr>\n"
    yield '</table><p class="dim">at minimum \u2192 at maximum</p></nav>\n'


def _sums(pools: Sequence[DrawnPool], *, full: bool) -> tuple[int, int, int]:
    """Instances that run, and of their devices those that are taken and those that are free."""
    running, taken, free = 0, 0, 0
    for pool in pools:
        drawn = picture(pool, full=full)
        held = counts(pool, drawn)
        running += len(drawn.running)
        taken += held["taken"]
        free += held["free"] + held["job"]
    return running, taken, free


def _pool(pool: DrawnPool, region: str, badge: str = "") -> Iterator[str]:
    least, most = picture(pool, full=False), picture(pool, full=True)
    yield f'<section class="pool">{_facts(pool, badge)}'
    yield _placements(pool, least, most)
    yield '<div class="sides">'
    sizes = ((least, "at minimum"), (most, "at maximum"))
    if words.same(pool, least, most):
        sizes = ((most, "at minimum and at maximum"),)
    for seen, size in sizes:
        yield f'<div style="flex-basis:{max(560, width(pool))}px">'
        yield _size(pool, seen, size, region) + "</div>"
    yield "</div></section>\n"


def _facts(pool: DrawnPool, badge: str = "") -> str:
    marks = [badge, "retired" if pool.retired else ""]
    badges = "".join(f'<span class="badge">{mark}</span>' for mark in marks if mark)
    facts = f"{words.shape(pool)}; {words.kind(pool)}; {words.size(pool)}"
    return (
        f"<h3>{escape(one_line(pool.name))}{badges}</h3>"
        f'<p class="dim">{escape(one_line(facts))}</p>\n'
    )


def _placements(pool: DrawnPool, least: Picture, most: Picture) -> str:
    rows: list[str] = []
    for index, placement in enumerate(pool.placements):
        change = words.rollouts(least.rollouts[index], most.rollouts[index])
        rows.append(
            f'<tr><td><span class="key" style="--h:{hue(placement.model)}"></span>'
            f"{escape(one_line(placement.model))}</td>"
            f'<td class="n">{spans(placement.devices) or "all"}</td>'
            f'<td class="n">{words.tasks(least, index)}</td>'
            f'<td class="n">{words.tasks(most, index)}</td><td class="n">{change}</td></tr>\n'
        )
    for job in pool.jobs:
        waits = escape(one_line(pool.wait_of(job))) or "when it runs"
        rows.append(
            f"<tr><td>{escape(one_line(job.workload))} (job)</td>"
            f'<td class="n">{spans(job.devices) or "all"}</td><td colspan="3">{waits}</td></tr>\n'
        )
    for model in pool.without_devices:
        tasks = low_to_high(model.tasks_min, model.tasks_max)
        rows.append(
            f"<tr><td>{escape(one_line(model.workload))}</td><td>none</td>"
            f'<td colspan="3">{tasks} tasks, placed by CPU and memory</td></tr>\n'
        )
    if not rows:
        return '<p class="dim">no model</p>\n'
    heads = ("model", "devices", "at minimum", "at maximum", "rollout")
    head = "".join(f'<th scope="col">{h}</th>' for h in heads)
    return f'<div class="wide"><table><tr>{head}</tr>\n{"".join(rows)}</table></div>\n'


def _size(
    pool: DrawnPool,
    drawn: Picture,
    size: str,
    region: str,
    changed: frozenset[tuple[int, int]] = frozenset(),
) -> str:
    parts = [f"<h4>{size}: {escape(words.state(pool, drawn))}</h4>\n"]
    if pool.shape != "none":
        folds = (*folded(pool, drawn.instances, changed), *folded(pool, drawn.surge))
        parts += [_figure(pool, fold, f"{region}, {pool.name} {size}") for fold in folds]
    notes = [words.everything(drawn)]
    notes += [
        f"job {job.workload} {pool.wait_of(job) or 'waits for its devices'}"
        for job in pool.jobs
        if job.workload in drawn.waiting
    ]
    parts += [f'<p class="dim">{escape(one_line(note))}</p>\n' for note in notes if note]
    return "".join(parts)


def _figure(pool: DrawnPool, fold: Fold, where: str) -> str:
    head = words.heading(fold)
    return (
        f"<figure>{svg(pool, fold, f'{where}, {head}')}<figcaption>{head}</figcaption></figure>\n"
    )


# -- before and after ----------------------------------------------------------------------------


def _compared(before: Stack, after: Stack) -> Iterator[str]:
    old, new = _by_name(before), _by_name(after)
    places = list(dict.fromkeys([*new, *old]))
    changed = [place for place in places if old.get(place) != new.get(place)]
    same = [place for place in places if old.get(place) == new.get(place)]
    yield f"<p>{counted(len(changed), 'pool')} changed, {len(same)} as before.</p>\n"
    regions = list(dict.fromkeys(region for region, _ in sorted(changed)))
    for region in regions:
        yield f"<h2>{escape(one_line(region))}</h2>\n"
        for place in changed:
            if place[0] == region:
                yield from _both((old.get(place), new.get(place)), region)
    if same:
        yield f"<details><summary>{counted(len(same), 'pool')} as before</summary>\n"
        yield from _unchanged([(place[0], new[place]) for place in same])
        yield "</details>\n"


def _by_name(stack: Stack) -> dict[tuple[str, str], DrawnPool]:
    return {(region, pool.name): pool for region, pools in stack.regions for pool in pools}


def _unchanged(pools: Sequence[tuple[str, DrawnPool]]) -> Iterator[str]:
    alike: dict[DrawnPool, list[str]] = {}
    for region, pool in pools:
        alike.setdefault(pool, []).append(region)
    for pool, regions in alike.items():
        yield f"<h4>{escape(one_line(listed(regions)))}</h4>\n"
        yield from _pool(pool, regions[0], "as before")


def _look(pool: DrawnPool, drawn: Picture) -> object:
    """What the drawing of a pool at one size shows: equal for two that look the same."""
    folds = (folded(pool, drawn.instances), folded(pool, drawn.surge))
    return pool.types, pool.shape, pool.slots, folds, drawn.waiting, drawn.new_tasks


def _both(sides: Sides, region: str) -> Iterator[str]:
    old, new = sides
    pool = new or old
    assert pool is not None
    if old is None or new is None:
        yield from _pool(pool, region, "new" if old is None else "gone")
        return
    yield f'<section class="pool"><h3>{escape(one_line(pool.name))}'
    yield '<span class="badge">changed</span></h3>\n<div class="compared">'
    for word, its in (("before", old), ("after", new)):
        facts = f"{words.shape(its)}; {words.kind(its)}; {words.size(its)}"
        facts += "; retired" if its.retired else ""
        yield f'<div><h4>{word}</h4><p class="dim">{escape(one_line(facts))}</p>'
        yield _placements(its, picture(its, full=False), picture(its, full=True)) + "</div>\n"
    for full in (False, True):
        drawn = [picture(its, full=full) for its in (old, new)]
        size = f"at {words.SIZES[full]}"
        if _look(old, drawn[0]) == _look(new, drawn[1]):
            yield f"<div>{_size(new, drawn[1], f'before and after, {size}', region)}</div>\n"
            continue
        for word, its, mine, other, theirs in (
            ("before", old, drawn[0], new, drawn[1]),
            ("after", new, drawn[1], old, drawn[0]),
        ):
            marks = moved(its, mine, other, theirs)
            yield f"<div>{_size(its, mine, f'{word}, {size}', region, marks)}</div>\n"
    yield "</div></section>\n"
