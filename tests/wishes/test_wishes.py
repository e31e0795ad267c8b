"""No false alarm and no echo: what the generator calls valid is planned, and one mistake is told
once. `python -m tests.wishes` does the same for thousands of stack files."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from planning import Severity
from planning.rules import RULES
from tests.wishes.changes import MISTAKES, ODDITIES, Mistake, broken
from tests.wishes.judging import Verdict, judge, plain_fault
from tests.wishes.reach import everything, reached
from tests.wishes.runs import VALID, Job, run, search, valid_stacks
from tests.wishes.stacks import Wish, stacks

HERE = Path(__file__).parent
KINDS = [m for same in MISTAKES.values() for m in same]
ERRORS = {r.code for r in RULES if r.severity is Severity.ERROR}
SHAPE = "NE001"
DRAWS = 1200

# Error codes that no mistake stands for yet, each with the reason.
AWAITED: dict[str, str] = {}
# What no valid stack file can hold.
NEVER_VALID = {
    "Sidecar.neuron_devices: int": "a sidecar opens devices of its task, not a number of them",
}
# Warnings and notes that valid stacks do not cause here, each with the reason.
SILENT: dict[str, str] = {}
# What the arithmetic of the generator must meet exactly, in some of the draws.
BORDERS = {
    "cpu_units at the room",
    "host port at the border",
    "memory_mib at the room",
    "number of cores at the devices",
    "processes at the cores",
    "visible cores at the devices",
}


@pytest.fixture(scope="module")
def drawn() -> list[tuple[Wish, Verdict]]:
    """Valid stacks with the planner's findings: three runs, and more while something is not met.

    Hypothesis draws on the constants in the sources that are loaded, so an edit anywhere changes
    what it draws; a few more runs take chance out of the question whether a border can be met.
    """
    found: list[tuple[Wish, Verdict]] = []
    quiet = {r.code for r in RULES} - ERRORS - set(ODDITIES) - set(SILENT)
    awaited = BORDERS | (everything() - set(NEVER_VALID)) | quiet

    def keep(wish: Wish) -> None:
        found.append((wish, judge(wish)))
        awaited.difference_update(_met(*found[-1]))

    for part in range(25):  # runs of hypothesis that do not build on one another
        job = Job(VALID, "", DRAWS // 3 if part < 3 else DRAWS // 8, part)
        drawn_from = valid_stacks() if part < 3 or part % 2 else stacks()  # many keys at once
        search(drawn_from, keep, lambda w: w, job, lambda: None)
        if part >= 2 and not awaited:
            break
    return found


def _met(wish: Wish, verdict: Verdict) -> set[str]:
    """Borders, places of the stack file, and findings."""
    return {*wish.marks, *reached(wish), *(f.code for f in verdict.findings)}


@pytest.mark.parametrize("name", ["mistakes", "oddities"])
def test_the_generator_never_asks_the_planner(name: str) -> None:
    seen, waiting = set[str](), [name, "stacks", "tasks"]
    while waiting:
        module = waiting.pop()
        tree = ast.parse((HERE / f"{module}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            named = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                named = [node.module or ""]
                named += [f"{node.module}.{a.name}" for a in node.names]
            wrong = [
                n for n in named if n.split(".")[0] in ("planning", "components", "neuron_ecs")
            ]
            assert not wrong, f"{module} imports {wrong}: it would share the planner's mistakes"
            for inner in (n.split(".")[2] for n in named if n.startswith("tests.wishes.")):
                if inner not in seen:
                    seen.add(inner)
                    waiting.append(inner)


def test_valid_stacks_are_planned(drawn: list[tuple[Wish, Verdict]]) -> None:
    assert len(drawn) >= DRAWS
    refused = [plain_fault(wish) for wish, verdict in drawn if not verdict.planned]
    assert refused == [], "an error on a stack that AWS takes is a false alarm"


@pytest.mark.parametrize("chosen", KINDS, ids=lambda m: f"{m.code}-{m.name}")
def test_a_mistake_is_told_and_nothing_else(chosen: Mistake) -> None:
    done = run(Job(chosen.code, chosen.name, 3, 1))
    assert not done.failure, done.failure


@pytest.mark.parametrize(
    "odd", [o for same in ODDITIES.values() for o in same], ids=lambda o: f"{o.code}-{o.name}"
)
def test_what_only_warns_is_told_and_planned(odd: Mistake) -> None:
    def judged(wish: Wish) -> str | None:
        wish.keys.pop("silence", None)
        told = {f.code for f in judge(wish).findings}
        return plain_fault(wish) or (None if odd.code in told else f"{odd.name} is not told")

    strategy = broken(odd).map(lambda b: b.wish)
    said = search(strategy, judged, lambda w: w, Job(odd.code, odd.name, 3, 1), lambda: None)
    assert not said, said


def test_every_error_has_a_mistake() -> None:
    known = set(MISTAKES) - {SHAPE}
    missing = sorted(ERRORS - known - set(AWAITED))
    assert not missing, f"{missing}: add a mistake that breaks each to tests/wishes/mistakes.py"
    unknown = sorted((known | set(AWAITED)) - ERRORS)
    assert not unknown, f"{unknown}: no error has these codes: remove their mistakes"
    assert not known & set(AWAITED)


def test_few_draws_are_rejected() -> None:
    done = run(Job(VALID, "", 150, 3))
    rejected = done.begun - done.drawn - done.cut
    assert rejected < 0.1 * done.begun, f"{rejected} of {done.begun} draws gave no stack"
    assert done.cut < 0.2 * done.begun, "hypothesis runs out of choices: stacks are too large"


def test_every_field_and_every_arm_is_reached(drawn: list[tuple[Wish, Verdict]]) -> None:
    met = set[str]().union(*(reached(wish) for wish, _ in drawn))
    missing = sorted(everything() - met - set(NEVER_VALID))
    assert not missing, (
        f"{missing}: no random stack file has these: draw them in tests/wishes/tasks.py, pools.py "
        "or networks.py"
    )
    assert not met & set(NEVER_VALID), "these are valid: remove them from NEVER_VALID"


def test_every_warning_is_met_and_avoided(drawn: list[tuple[Wish, Verdict]]) -> None:
    told = Counter(code for _, v in drawn for code in {f.code for f in v.findings})
    quiet = {r.code for r in RULES} - ERRORS
    missing = sorted(quiet - set(told) - set(ODDITIES) - set(SILENT))
    assert not missing, (
        f"{missing}: no random stack file causes these: add an @oddity that causes each to "
        "tests/wishes/oddities.py"
    )
    always = [code for code in quiet if told[code] == len(drawn)]
    assert always == [], "every random stack file causes these: narrow the rule"


def test_the_borders_are_met_exactly(drawn: list[tuple[Wish, Verdict]]) -> None:
    met = set[str]().union(*(wish.marks for wish, _ in drawn))
    assert sorted(BORDERS - met) == []
