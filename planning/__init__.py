"""What follows from the stack file: a plan, or every finding at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from catalog import Catalog
from config import ShapeError, parse
from config.explaining import is_below
from config.remainder import Rest
from messages.finding import Finding, Refused, Severity, left_out, page, render
from planning.document import as_json
from planning.make import judge, make_plan
from planning.plan import Plan
from planning.reference import encrypted_value
from planning.settle import settle, texts_of
from planning.situation import Situation


def decide(
    config: Mapping[str, str],
    catalog: Catalog,
    *,
    project: str,
    stack: str,
    encrypted: Iterable[str] = (),
) -> Plan:
    """The plan for the configuration of a stack, as the engine hands it over.

    `config` maps full keys (`<project>:models`, `aws:region`) to texts. `encrypted` has the keys
    and paths of ours at or below which Pulumi keeps a value encrypted: each is an error. Raises
    `Refused` with all findings. Where entries have mistakes of shape, the others are judged without
    them: of these only errors are reported.
    """
    paths = [path.removeprefix(f"{project}:") for path in encrypted]
    hidden = {path: encrypted_value(path) for path in paths}
    texts = tuple(texts_of(config, project).items())
    try:
        plan = _made(texts, catalog, project, stack, config.get("aws:region", ""))
    except Refused as refused:
        # Offline a placeholder stands for such a value, and it may not fit.
        others = (f for f in refused.findings if f.path not in hidden)
        raise Refused([*hidden.values(), *others]) from None
    if hidden:
        raise Refused([*hidden.values(), *plan.findings])
    return plan


@lru_cache(maxsize=1)  # a preview needs it before the program, which asks for the same
def _made(
    texts: tuple[tuple[str, str], ...], catalog: Catalog, project: str, stack: str, home: str
) -> Plan:
    try:
        settings = parse(dict(texts))
    except ShapeError as error:
        names = {"project": project, "stack": stack, "home_region": home}
        rests = [(rest, settle(rest.settings, catalog, **names)) for rest in error.rests]
        raise Refused([*error.findings, *_certain(error, rests)]) from None
    return make_plan(settings, catalog, project=project, stack=stack, home_region=home)


def _certain(error: ShapeError, rests: Sequence[tuple[Rest, Situation]]) -> Iterator[Finding]:
    """The errors that every rest with their entry has, each once; none of a value that is wrong."""
    first = judge(rests[0][1])
    others = (judge(situation, in_full=False) for _, situation in rests[1:])
    told = [
        (rest, {(f.code, f.path) for f in found if f.severity is Severity.ERROR})
        for (rest, _), found in zip(rests, (first, *others), strict=True)
    ]
    seen: set[tuple[str, str]] = set()

    def concerns_a_mistake(path: str) -> bool:
        of_entry = any(path not in rest.lacks and not rest.has(path) for rest, _ in rests)
        return any(
            is_below(path, wrong.path) or (of_entry and is_below(wrong.path, path))
            for wrong in error.findings
        )

    def is_certain(key: tuple[str, str]) -> bool:
        _, path = key
        here = all(key in others for rest, others in told if rest.has(path))
        return here and not concerns_a_mistake(path)

    for number, (_, keys) in enumerate(told):
        if certain := set(filter(is_certain, keys - seen)):
            found = judge(rests[number][1]) if number else first
            errors = (f for f in found if f.severity is Severity.ERROR)
            yield from (f for f in errors if (f.code, f.path) in certain)
        seen |= keys


__all__ = [
    "Finding",
    "Plan",
    "Refused",
    "Severity",
    "as_json",
    "decide",
    "left_out",
    "make_plan",
    "page",
    "render",
]
