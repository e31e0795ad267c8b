"""What follows from the stack file: a plan, or every finding at once."""

from collections.abc import Mapping

from catalog import Catalog
from config import ShapeError, parse
from messages.finding import Finding, Refused, Severity, render
from planning.document import as_json
from planning.make import make_plan
from planning.plan import Plan


def decide(config: Mapping[str, str], catalog: Catalog, *, project: str, stack: str) -> Plan:
    """The plan for the configuration of a stack, as the engine hands it over.

    `config` maps full keys (`<project>:models`, `aws:region`) to texts. Raises `Refused` with all
    findings, mistakes of shape included.
    """
    prefix = f"{project}:"
    texts = {k.removeprefix(prefix): v for k, v in config.items() if k.startswith(prefix)}
    try:
        settings = parse(texts)
    except ShapeError as error:
        raise Refused(error.findings) from None
    return make_plan(
        settings, catalog, project=project, stack=stack, home_region=config.get("aws:region", "")
    )


__all__ = [
    "Finding",
    "Plan",
    "Refused",
    "Severity",
    "as_json",
    "decide",
    "make_plan",
    "render",
]
