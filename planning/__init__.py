"""What follows from the stack file: a plan, or every finding at once."""

from collections.abc import Iterable, Mapping

from catalog import Catalog
from config import ShapeError, parse
from messages.finding import Finding, Refused, Severity, left_out, page, render
from planning.document import as_json
from planning.make import judge, make_plan
from planning.plan import Plan
from planning.reference import encrypted_value
from planning.settle import settle, texts_of


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
    try:
        plan = _decide(config, catalog, project=project, stack=stack)
    except Refused as refused:
        # Offline a placeholder stands for such a value, and it may not fit.
        others = (f for f in refused.findings if f.path not in hidden)
        raise Refused([*hidden.values(), *others]) from None
    if hidden:
        raise Refused([*hidden.values(), *plan.findings])
    return plan


def _decide(config: Mapping[str, str], catalog: Catalog, *, project: str, stack: str) -> Plan:
    home = config.get("aws:region", "")
    try:
        settings = parse(texts_of(config, project))
    except ShapeError as error:
        judged = [
            judge(settle(rest, catalog, project=project, stack=stack, home_region=home))
            for rest in error.rests
        ]
        told = [{(f.code, f.path) for f in found} for found in judged]
        errors = [f for f in judged[0] if f.severity is Severity.ERROR]
        certain = (f for f in errors if all((f.code, f.path) in others for others in told))
        raise Refused([*error.findings, *certain]) from None
    return make_plan(settings, catalog, project=project, stack=stack, home_region=home)


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
