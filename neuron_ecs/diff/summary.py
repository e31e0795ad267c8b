"""What text and Markdown both say: the verdict, models and resources folded over Regions, money."""

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import cast

from config.changes import Change
from config.credentials import HIDDEN, looks_like_credential
from messages.finding import Severity
from messages.phrases import counted, listed, low_to_high
from neuron_ecs.diff.costs import setting_classes
from neuron_ecs.diff.difference import Difference
from neuron_ecs.diff.impact import Impact
from neuron_ecs.diff.refusals import Refusal
from neuron_ecs.diff.resources import Action, PropertyChange, ResourceChange
from neuron_ecs.diff.structure import ABSENT, dotted, safe
from neuron_ecs.diff.traffic import gone_urls
from neuron_ecs.diff.workloads import ModelChange
from neuron_ecs.recording.graph import short_type
from planning.document import Json
from planning.interruptions import Interruption
from planning.price import NOTHING, Amount, dollars, span

SIGNS: Mapping[Action, str] = {
    "create": "+",
    "update": "~",
    "replace": "±",
    "delete": "-",
    "engine_only": "=",
}

_LONGEST = 160
"""Characters of a value; the JSON has the whole."""

_CONTEXT = 20
"""Characters that two long texts have in common and that are shown before they differ."""


def verdict(difference: Difference) -> str:
    """The verdict in one sentence."""
    if difference.errors:
        paths = listed(dict.fromkeys(f.path or "the stack file" for f in difference.errors), most=3)
        return f"Cannot work: {counted(len(difference.errors), 'error')}, at {paths}."
    if difference.unread:
        return f"Cannot be judged: {difference.plan_only}."
    if difference.refusals:
        what = [f"{r.path} {r.what}{refused_in(r)}" for r in difference.refusals]
        more = f" (and {len(what) - 1} more)" if len(what) > 1 else ""
        return f"Fails half-way as it is: {what[0]}{more}."
    if difference.base.plan is None:
        why = difference.base.no_graph or "it cannot be read"
        return f"Nothing to compare with (base: {why}); the head can be built."
    if not difference.changed:
        return "Changes nothing."
    gone = len(list(gone_urls(difference)))
    urls = [f"{counted(gone, 'URL')} {'goes' if gone == 1 else 'go'} away"] if gone else []
    parts = [*urls, _counts(difference), *_interruptions(difference)]
    money = price_words(difference)
    if money:
        parts.append(money)
    if difference.findings.new:
        warnings = [f for f in difference.findings.new if f.severity is Severity.WARNING]
        if warnings:
            parts.append(counted(len(warnings), "new warning"))
    text = "; ".join(p for p in parts if p)
    return f"{text[:1].upper()}{text[1:]}."


_KINDS: Mapping[str, str] = {
    "added": "added",
    "removed": "removed",
    "moved": "moved",
    "devices moved": "on other devices",
    "new image": "with a new image",
    "resized": "resized",
    "changed": "changed",
}
"""What happens to a model, what tells most first, with its words."""


def refused_in(found: Refusal) -> str:
    """` in us-east-2 and us-west-2`; nothing where the path names the Region."""
    named = [r for r in found.regions if f".regions.{r}." not in f".{found.path}."]
    return f" in {listed(named, most=4)}" if named else ""


def _counts(difference: Difference) -> str:
    strongest: dict[str, str] = {}
    for change in difference.models:
        kind = min(change.kinds, key=list(_KINDS).index)
        before = {name for _, name in difference.before.models}
        if kind == "added" and change.name in before:
            kind = "resized"  # it comes to one more Region
        known = strongest.get(change.name, "changed")
        strongest[change.name] = min(kind, known, key=list(_KINDS).index)
    parts: list[str] = []
    for kind, words in _KINDS.items():
        names = sorted(name for name, found in strongest.items() if found == kind)
        if names:
            number = counted(len(names), "model") if not parts else str(len(names))
            parts.append(f"{number} {words} ({listed(names, most=2)})")
    for words, regions in (
        ("new", set(difference.after.regions) - set(difference.before.regions)),
        ("left", set(difference.before.regions) - set(difference.after.regions)),
    ):
        if regions:
            parts.append(f"{listed(sorted(regions), most=2)} {words}")
    jobs = sorted({change.name for change in difference.jobs})
    if jobs:
        parts.append(f"{counted(len(jobs), 'job')} changed ({listed(jobs, most=2)})")
    known = {(change.region, change.name) for change in difference.models}
    disruptive = ("rolling", "replaced in place")
    restarted = {
        name
        for (region, name), found in difference.impacts.items()
        if found.word in disruptive and (region, name) not in known
    }
    if restarted:
        number = counted(len(restarted), "model")
        parts.append(f"{number} restarted ({listed(sorted(restarted), most=2)})")
    who = ", ".join(parts) or f"no model changed{_of_instances(difference)}"
    if difference.resources is None:
        return f"{who}; plan only"
    found = Counter(r.action for r in difference.real if r.action != "engine_only")
    words_of: Mapping[Action, str] = {
        "create": "created",
        "update": "updated",
        "replace": "replaced",
        "delete": "deleted",
    }
    lines = [f"{found[action]} {word}" for action, word in words_of.items() if found[action]]
    return f"{who}; resources: {', '.join(lines) or 'none'}{_lost_files(difference)}"


def _lost_files(difference: Difference) -> str:
    """The file systems that the update deletes or replaces, with all that is on them."""
    gone = sorted(
        change.name
        for change in difference.real
        if change.action in ("delete", "replace") and change.type == "aws:efs/fileSystem:FileSystem"
    )
    return f"; all files of {listed(gone, most=4)} are deleted" if gone else ""


def _of_instances(difference: Difference) -> str:
    """The settings that only instances that start later have."""
    found = [
        dotted(setting.path)
        for setting, change in setting_classes(difference)
        if change is Change.NEW_INSTANCES
    ]
    return f", new instances only ({listed(found, most=2)})" if found else ""


def _interruptions(difference: Difference) -> Iterator[str]:
    running = {k: i for k, i in difference.impacts.items() if k in difference.before.models}
    gaps = {name for (_, name), i in running.items() if i.word == "replaced in place"}
    stopped = {
        k[1] for k, i in running.items() if i.word == "ends" and k in difference.after.models
    }
    if stopped:
        answer = "answers" if len(stopped) == 1 else "answer"
        yield f"{listed(sorted(stopped), most=3)} {answer} no more"
    promised = {k for k in running if difference.before.models[k].replicas_min}
    if gaps:
        longest = max(
            (i.gap for i in running.values() if i.gap), key=lambda g: (g.most or 10**9, g.least)
        )
        yield f"{listed(sorted(gaps), most=3)} {longest.text}"
    elif promised:
        stays = "no other model" if any(i.word == "ends" for i in running.values()) else "no model"
        yield f"{stays} without a replica"
    if difference.disturbed:
        names = sorted({c.name for c in difference.disturbed})
        yield f"{listed(names, most=3)} {'moves' if len(names) == 1 else 'move'} though not touched"


def price_words(difference: Difference) -> str:
    """`+$4,380 a month at minimum, +$8,760 at maximum`; what is not priced is said."""
    found = difference.price
    if found is None:
        return ""
    change = found.difference
    changed = [line for line in found.lines if line.before != line.after]
    blind = any(not line.included for line in changed)
    hedge = " (not all of it is priced)" if blind else ""
    if change.minimum == change.maximum:
        if not change.minimum:
            return f"no change of price{hedge}"
        return f"{signed(change.minimum)} a month{hedge}"
    low = f"{signed(change.minimum)} a month at minimum"
    if names := lingering(difference):
        low += f" (once somebody lowers the desired count of {listed(names, most=3)})"
    return f"{low}, {signed(change.maximum)} at maximum{hedge}"


def lingering(difference: Difference) -> Sequence[str]:
    """The models whose tasks stay although their new minimum is lower."""
    return sorted({name for (_, name), found in difference.impacts.items() if found.lingers})


def signed(amount: Decimal) -> str:
    """`+$1,234`, `-$12`, `±$0`."""
    rounded = amount.quantize(Decimal(1))
    sign = "+" if rounded > 0 else "-" if rounded < 0 else "±"
    return f"{sign}{dollars(abs(rounded))}"


def signed_span(amount: Amount) -> str:
    """`+$1,234 to +$2,468`."""
    return low_to_high(signed(amount.minimum), signed(amount.maximum))


# ---- models ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model in all Regions in which the same happens to it."""

    name: str
    regions: tuple[str, ...]
    kinds: tuple[str, ...]
    lines: tuple[str, ...]
    impact: Impact | None
    touched: bool
    is_job: bool


def model_rows(difference: Difference) -> tuple[ModelRow, ...]:
    """The models and jobs, those that are interrupted first."""
    groups: dict[tuple[object, ...], list[ModelChange]] = {}
    for change in (*difference.models, *difference.jobs):
        impact = None if change.is_job else difference.impacts.get((change.region, change.name))
        key = (change.name, change.kinds, change.lines, impact, change.touched, change.is_job)
        groups.setdefault(key, []).append(change)
    listed_already = {(c.region, c.name) for c in difference.models}
    rows = [
        ModelRow(
            found[0].name,
            tuple(c.region for c in found),
            found[0].kinds,
            found[0].lines,
            cast("Impact | None", key[3]),
            found[0].touched,
            found[0].is_job,
        )
        for key, found in groups.items()
    ]
    others: dict[tuple[str, Impact], list[str]] = {}
    for (region, name), impact in difference.impacts.items():
        if (region, name) not in listed_already:
            others.setdefault((name, impact), []).append(region)
    rows += [
        ModelRow(name, tuple(regions), ("changed",), ("what it stands on",), impact, False, False)
        for (name, impact), regions in others.items()
    ]
    worst = {"replaced in place": 0, "ends": 1, "moves": 2, "rolling": 3, "starts": 4}
    return tuple(
        sorted(
            rows,
            key=lambda r: (r.is_job, worst.get(r.impact.word if r.impact else "", 5), r.name),
        )
    )


def rollouts(difference: Difference, row: ModelRow) -> Iterator[str]:
    """`1 of 3 replicas away at a time, no instance added, within 94 min`, for a row that restarts;
    Regions that differ, which they do by their prices, apart."""
    found: dict[str, list[str]] = {}
    for region in row.regions if row.impact and row.impact.rollout else ():
        rollout = difference.impacts[region, row.name].rollout
        assert rollout is not None
        found.setdefault(_rollout(rollout), []).append(region)
    for text, regions in found.items():
        yield text if len(found) == 1 else f"{text} in {listed(regions, most=6)}"


def _rollout(found: Interruption) -> str:
    """`no replica away, 1 instance added, within 62 min, $7`."""
    away = f"{found.away} of {counted(found.replicas, 'replica')} away"
    away += " at a time" if found.away < found.replicas else ""
    parts = [away if found.away else "no replica away"]
    parts += [f"in {found.waves} waves"] if found.waves > 1 else []
    match found.instances:
        case None:
            parts.append("instances added by the size of its tasks")
        case 0:
            parts.append("no instance added")
        case number:
            parts.append(f"{counted(number, 'instance')} added")
    parts.append(f"within {found.minutes} min")
    if found.instances:
        parts.append(span(found.cost) if found.cost else "price unknown")
    return ", ".join(parts)


def model_money(difference: Difference, name: str, regions: Sequence[str]) -> str:
    """What the model's share of the chips there changes by; empty without a price."""
    change = NOTHING
    for line in difference.price.lines if difference.price else ():
        if line.region in regions:
            before, after = (
                c.by_model.get(name, NOTHING) if c else NOTHING for c in (line.before, line.after)
            )
            change += after - before
            if not line.included and name in _on(difference, line.region, line.pool):
                return ""
    return signed_span(change) if difference.price else ""


def _on(difference: Difference, region: str, pool: str) -> set[str]:
    """The models on a pool, on either side."""
    return {
        name
        for index in (difference.before, difference.after)
        for (where, name), model in index.models.items()
        if where == region and index.pool_name(region, model) == pool
    }


# ---- resources -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """Resources of a type to which the same happens."""

    action: Action
    type: str
    names: tuple[str, ...]
    regions: tuple[str, ...]
    properties: tuple[PropertyChange, ...]
    renamed_from: str

    @property
    def head(self) -> str:
        """`± ecs.TaskDefinition usw2_llama in us-west-2, because containerDefinitions changes`."""
        if not self.type:
            what = f"all of {self.regions[0]}"
            return f"{SIGNS[self.action]} {self.action} {what}: {', '.join(self.names)}"
        who = self.names[0] if len(self.names) == 1 else f"({len(self.names)})"
        where = f" in {listed(self.regions, most=4)}" if any(self.regions) else ""
        forced = [p for p in self.properties if p.effect == "replace"]
        why = ""
        if forced:
            names = dict.fromkeys(_top(p) for p in forced)
            why = f": {listed(names, most=3)} {'forces' if len(names) == 1 else 'force'} it"
        doubt = [p.name for p in self.properties if p.effect == "unknown"]
        if doubt and not forced:
            why = f": not known whether {listed(doubt, most=3)} replaces it"
        if self.renamed_from:
            why += f" (renamed from {self.renamed_from}, kept by its alias)"
        return f"{SIGNS[self.action]} {self.action} {short_type(self.type)} {who}{where}{why}"


def _top(change: PropertyChange) -> str:
    return change.path[:2][-1]


def resource_rows(difference: Difference) -> tuple[ResourceRow, ...]:
    """The resources with the same change folded, replacements and deletions first.

    What comes or goes with a whole Region is one row.
    """
    moving = set(difference.before.regions) ^ set(difference.after.regions)
    groups: dict[str, list[ResourceChange]] = {}
    for found in difference.real:
        if found.region in moving:
            groups.setdefault(f"{found.action} {found.region}", []).append(found)
            continue
        lines = [
            (p.path, str(p.before), str(p.after), p.effect)
            if not p.follows
            else (p.path, "", "", p.effect)
            for p in found.properties
            if p.effect != "engine_only"
        ]
        key = repr((found.action, found.type, lines, found.base_urn if found.renamed else ""))
        groups.setdefault(key, []).append(found)
    order: Sequence[Action] = ("replace", "delete", "update", "create", "engine_only")
    rows = [
        ResourceRow(
            action=found[0].action,
            type="" if key == f"{found[0].action} {found[0].region}" else found[0].type,
            names=_names(found, whole=key == f"{found[0].action} {found[0].region}"),
            regions=tuple(sorted({r.region for r in found if r.region})),
            properties=tuple(p for p in found[0].properties if p.effect != "engine_only"),
            renamed_from=found[0].base_urn.rpartition("::")[2] if found[0].renamed else "",
        )
        for key, found in groups.items()
    ]
    return tuple(sorted(rows, key=lambda r: (order.index(r.action), r.type, r.names)))


def _names(found: Sequence[ResourceChange], *, whole: bool) -> tuple[str, ...]:
    """The names; of a whole Region how many there are of each type."""
    if not whole:
        return tuple(r.name for r in found)
    types = Counter(short_type(r.type) for r in found)
    return tuple(f"{number} {name}" for name, number in sorted(types.items()))


def property_lines(change: PropertyChange) -> Iterator[str]:
    """The property before and after, a line each; of lists only what goes and comes."""
    mark = " (forces the replacement)" if change.effect == "replace" else ""
    if change.effect == "ignored":
        mark = " (left alone: the program ignores it)"
    if change.follows:
        name = change.follows.rpartition("::")[2]
        yield f"{change.name}: follows {short_type(_type_of(change.follows))} {name}{mark}"
        return
    yield from _changed(change.name, change.before, change.after, mark)


def _changed(name: str, before: Json, after: Json, tail: str) -> Iterator[str]:
    """`name: 4 → 6`, or a line for each item of a list that goes or comes."""
    olds, news = hidden(before), hidden(after)
    if isinstance(olds, list) and isinstance(news, list):
        yield f"{name}:{tail}"
        sides = (cast("list[Json]", olds), cast("list[Json]", news))
        yield from (f"  {line}" for line in _item_lines(*(map(_text, side) for side in sides)))
    else:
        yield f"{name}: {' → '.join(_shortened(_text(olds), _text(news)))}{tail}"


def _item_lines(before: Iterable[str], after: Iterable[str]) -> Iterator[str]:
    """The items that go and come, as `- item` and `+ item`, each pair cut to where it differs."""
    olds, news = list(before), list(after)
    matcher = difflib.SequenceMatcher(None, olds, news, autojunk=False)
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        for old, new in zip_longest(olds[start:end], news[new_start:new_end]):
            shown = _shortened(old or "", new or "")
            yield from (f"- {shown[0]}",) if old is not None else ()
            yield from (f"+ {shown[1]}",) if new is not None else ()


def hidden(value: Json) -> Json:
    """The value as it may be shown."""
    return value if value is ABSENT else safe(value)


def _type_of(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _text(value: Json) -> str:
    if value is ABSENT:
        return "none"
    if value == {"secret": True}:
        return "(secret)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if looks_like_credential(text):
        return HIDDEN
    return text or '""'


def _shortened(before: str, after: str) -> tuple[str, str]:
    """Both texts, cut so that the first place where they differ is shown."""
    pairs = enumerate(zip(before, after, strict=False))
    same = next((i for i, (a, b) in pairs if a != b), min(len(before), len(after)))
    start = max(0, same - _CONTEXT) if max(len(before), len(after)) > _LONGEST else 0
    return _cut(before, start), _cut(after, start)


def _cut(text: str, start: int) -> str:
    shown = f"…{text[start:]}" if start else text
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def setting_lines(path: str, before: Json, after: Json, tail: str = "") -> Iterator[str]:
    """`models.llama.replicas.max: 4 → 6`; of a list a line for each item that goes or comes."""
    yield from _changed(path, before, after, tail)
