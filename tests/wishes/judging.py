"""What the planner says of a stack file that was drawn."""

import json
import re
from copy import deepcopy
from dataclasses import dataclass, replace

from catalog import load
from messages.finding import SHAPE_CODE
from planning import Finding, Refused, Severity, decide
from tests.wishes.changes import Broken, Mistake
from tests.wishes.stacks import Wish

PROJECT, STACK = "neuron-ecs", "test"

_OF_NO_SHAPE = {"regions": "accept_undocumented_ami", "capacity": "on_demand_fallback"}
"""A field of every Region and pool that few findings depend on: there, a mistake of shape."""

_DEPENDING = {"NE102": "regions", "NE112": "capacity"}
"""Findings that the field may lift."""


@dataclass(frozen=True)
class Verdict:
    """The findings of a stack file, and whether it has a plan."""

    findings: tuple[Finding, ...]
    planned: bool

    @property
    def errors(self) -> list[Finding]:
        """The findings that refuse the stack."""
        return [f for f in self.findings if f.severity is Severity.ERROR]


def config_of(wish: Wish) -> dict[str, str]:
    """The stack file as the engine hands it over."""
    texts = {f"{PROJECT}:{key}": json.dumps(value) for key, value in wish.keys.items()}
    return {"aws:region": wish.home, **texts}


def judge(wish: Wish) -> Verdict:
    """The plan's findings, or those of the refusal."""
    try:
        plan = decide(config_of(wish), load(), project=PROJECT, stack=STACK)
    except Refused as refused:
        return Verdict(refused.findings, planned=False)
    return Verdict(plan.findings, planned=True)


def plain_fault(wish: Wish) -> str | None:
    """What is wrong with the verdict on a valid stack, None where it is planned."""
    try:
        verdict = judge(wish)
    except Exception as error:
        return f"the planner raises {type(error).__name__}: {error}"
    if verdict.planned and not verdict.errors:
        return None
    return "a valid stack is refused: " + _said(verdict.errors)


def fault(chosen: Mistake, broken: Broken) -> str | None:
    """What is wrong with the verdict on a stack with one mistake.

    It is to be told at its one place, and nothing else.
    """
    try:
        verdict = judge(broken.wish)
    except Exception as error:
        return f"the planner raises {type(error).__name__}: {error}"
    codes = {f.code for f in verdict.errors}
    if not codes:
        return f"{chosen.name} is not found"
    if codes != {chosen.code}:
        return f"{chosen.name} is {chosen.code}; told is {_said(verdict.errors)}"
    if len({f.path for f in verdict.errors}) > 1:
        return f"{chosen.name} is told in several places: {_said(verdict.errors)}"
    if verdict.errors[0].path not in broken.paths:
        return f"{chosen.name} stands at {' or '.join(broken.paths)}; {_said(verdict.errors)}"
    return None if chosen.code == SHAPE_CODE else _hidden(chosen, broken.wish, verdict)


def _hidden(chosen: Mistake, wish: Wish, verdict: Verdict) -> str | None:
    """What mistakes of shape in its entry, and in every Region and pool, change in the errors."""
    keys = deepcopy(wish.keys)
    for path in {f.path for f in verdict.errors if "environment" not in f.path}:
        group, _, rest = path.partition(".")
        entry = keys.get(group, {}).get(re.split(r"[.\[]", rest)[0], {})
        if group in ("models", "jobs") and isinstance(entry.get("environment", {}), dict):
            entry.setdefault("environment", {})["OF_NO_SHAPE"] = []
    for group, name in _OF_NO_SHAPE.items():
        if _DEPENDING.get(chosen.code) != group:
            for entry in keys[group].values():
                entry.setdefault(name, "of no shape")
    keys.setdefault("models", {})["of-no-shape"] = {"image": 5}
    both = judge(replace(wish, keys=keys))
    others = [f for f in both.errors if f.code != SHAPE_CODE]
    if [(f.code, f.path) for f in others] == [(f.code, f.path) for f in verdict.errors]:
        return None
    return f"{chosen.name} beside a mistake of shape is told as {_said(others) or 'nothing'}"


def _said(errors: list[Finding]) -> str:
    return "; ".join(f"{f.code} {f.path} {f.what}" for f in errors)
