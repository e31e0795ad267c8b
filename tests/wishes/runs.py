"""Runs of many draws: of valid stacks, or of one kind of mistake."""

import json
import re
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.wishes import mistakes, oddities
from tests.wishes.changes import MISTAKES, ODDITIES, Broken, Mistake, broken
from tests.wishes.judging import fault, plain_fault
from tests.wishes.stacks import COUNTS, Wish, stacks

VALID = "valid"
REGISTERED = (mistakes, oddities)  # their import registers what they hold


@dataclass(frozen=True)
class Job:
    """So many draws of one kind; `name` is the mistake's, or empty for valid stacks."""

    code: str
    name: str
    examples: int
    seed: int


@dataclass(frozen=True)
class Run:
    """What came of a job: draws, stacks judged, and the smallest failure.

    Of the draws begun some gave a stack, and some hypothesis `cut` short, to try small ones.
    """

    code: str
    name: str
    begun: int
    cut: int
    drawn: int
    judged: int
    seconds: float
    failure: str


def jobs(examples: int, number: int, codes: Sequence[str] = ()) -> list[Job]:
    """Jobs for so many valid stacks, and as many mistaken ones over all kinds of mistakes."""
    kinds = [m for c in sorted(MISTAKES) for m in MISTAKES[c] if not codes or c in codes]
    parts = 1 if codes else max(1, examples // 1000)
    found: list[Job] = []
    if not codes:
        found += [Job(VALID, "", -(-examples // parts), number + part) for part in range(parts)]
    each, rest = divmod(examples, len(kinds))
    found += [Job(m.code, m.name, each + (index < rest), number) for index, m in enumerate(kinds)]
    return [job for job in found if job.examples]


def run(job: Job) -> Run:
    """Draws and judges; stops at the first failure and shrinks it."""
    began, before, judged = time.perf_counter(), dict(COUNTS), 0

    def count() -> None:
        nonlocal judged
        judged += 1

    if job.code == VALID:
        failure = search(valid_stacks(), plain_fault, lambda w: w, job, count)
    else:
        chosen: Mistake = next(m for m in MISTAKES[job.code] if m.name == job.name)
        failure = search(broken(chosen), lambda b: fault(chosen, b), _wish, job, count)
    return Run(
        job.code,
        job.name,
        COUNTS["begun"] - before.get("begun", 0),
        COUNTS["cut short"] - before.get("cut short", 0),
        COUNTS["drawn"] - before.get("drawn", 0),
        judged,
        time.perf_counter() - began,
        failure,
    )


def valid_stacks() -> SearchStrategy[Wish]:
    """Stacks of any kind, and the ones into which mistakes are put, before they are."""
    wants = list(dict.fromkeys(m.want for same in MISTAKES.values() for m in same))
    odd = [o for same in ODDITIES.values() for o in same]
    return st.one_of(
        stacks(),
        st.sampled_from(wants).flatmap(stacks),
        st.sampled_from(odd).flatmap(broken).map(_wish),
    )


def _wish(broken_stack: Broken) -> Wish:
    return broken_stack.wish


def search(
    strategy: SearchStrategy[Any],
    judged: Callable[[Any], str | None],
    wish_of: Callable[[Any], Wish],
    job: Job,
    count: Callable[[], None],
) -> str:
    """Empty, or what is wrong with the smallest stack that fails, and that stack.

    A fault of the generator is told too, so that one does not end the search for others.
    """
    smallest: list[str] = []

    @seed(job.seed)
    @settings(
        max_examples=job.examples,
        derandomize=False,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
        report_multiple_bugs=False,
    )
    @given(strategy)
    def hold(drawn: Any) -> None:
        count()
        said = judged(drawn)
        if said is not None:
            smallest[:] = [f"{said}\n{as_yaml(wish_of(drawn))}"]
            raise AssertionError(said.split(":")[0])

    try:
        hold()
    except Exception:
        return smallest[0] if smallest else traceback.format_exc()
    return ""


_PLAIN = re.compile(r"[A-Za-z/][\w./-]*")


def as_yaml(wish: Wish) -> str:
    """The stack file, as one would write it."""
    lines = ["config:", f"  aws:region: {json.dumps(wish.home)}"]
    for key, value in wish.keys.items():
        lines += _yaml(f"neuron-ecs:{key}", value, "  ")
    return "\n".join(lines)


def _yaml(key: str, value: Any, indent: str) -> list[str]:
    name = key if _PLAIN.fullmatch(key) or key.startswith("neuron-ecs:") else json.dumps(key)
    if isinstance(value, dict) and value:
        lines = [f"{indent}{name}:"]
        for inner, member in value.items():  # pyright: ignore[reportUnknownVariableType] (any entry)
            lines += _yaml(str(inner), member, indent + "  ")  # pyright: ignore[reportUnknownArgumentType] (any entry)
        return lines
    text = value if isinstance(value, str) and _PLAIN.fullmatch(value) else json.dumps(value)
    return [f"{indent}{name}: {text}"]
