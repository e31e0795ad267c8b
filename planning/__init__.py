"""What follows from the stack file: a plan, or every finding at once."""

from collections.abc import Mapping

from catalog import Catalog
from config import ShapeError, parse
from messages.finding import Finding, Refused, Severity, left_out, page, render
from planning.document import as_json
from planning.make import judge, make_plan
from planning.plan import Plan
from planning.situation import Situation


def decide(config: Mapping[str, str], catalog: Catalog, *, project: str, stack: str) -> Plan:
    """The plan for the configuration of a stack, as the engine hands it over.

    `config` maps full keys (`<project>:models`, `aws:region`) to texts. Raises `Refused` with all
    findings. Where entries have mistakes of shape, the others are judged without them: of these
    only errors are reported.
    """
    prefix, home = f"{project}:", config.get("aws:region", "")
    texts = {k.removeprefix(prefix): v for k, v in config.items() if k.startswith(prefix)}
    try:
        settings = parse(texts)
    except ShapeError as error:
        rest = Situation(error.rest, catalog, project=project, stack=stack, home_region=home)
        errors = (f for f in judge(rest) if f.severity is Severity.ERROR)
        raise Refused([*error.findings, *errors]) from None
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
