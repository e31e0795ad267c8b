"""Stack files from the field, each judged as AWS and the runtime would judge it.

The first lines of a case are comments. The first one says in a sentence what is right. The lines
that begin with `# right:` say the same for the test:

    # right: plans                     no error at all
    # right: error NE217 models.a      this finding, whose path contains the last word (optional)
    # right: warning NE402
    # right: no NE301                  no finding with this code
    # right: instances p 6             the layout of pool `p` needs 6 instances at most

A case has at least one such line. Its other findings are not the point, but for errors: a case that
only names warnings and notes must plan.
"""

from pathlib import Path

import pytest

from catalog import load
from neuron_ecs.stackfile import reading
from planning import Finding, Plan, Refused, Severity, decide

CASES = sorted(Path(__file__).parent.glob("*.yaml"))
SEVERITIES = {"error": Severity.ERROR, "warning": Severity.WARNING, "note": Severity.NOTE}


def expectations(case: Path) -> list[list[str]]:
    """The words of each line that says what is right."""
    lines = case.read_text(encoding="utf-8").splitlines()
    return [line.split()[2:] for line in lines if line.startswith("# right: ")]


def judged(case: Path) -> tuple[Plan | None, tuple[Finding, ...]]:
    """The plan of a case, or `None` if it is refused, and its findings."""
    file = reading.read(stack=None, file=case, directory=case.parents[2])
    try:
        plan = decide(file.config, load(), project=file.project, stack=file.stack)
    except Refused as refused:
        return None, refused.findings
    return plan, plan.findings


def instances(plan: Plan | None, pool: str) -> int:
    """The instances that a pool of the plan needs at most, in its first Region."""
    assert plan is not None, "the case is refused"
    layouts = [p.layout for r in plan.regions for p in r.pools if p.name == pool]
    return layouts[0].instances_max


def test_every_case_says_what_is_right() -> None:
    assert CASES
    for case in CASES:
        first = case.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# "), f"{case.name}: the first line says what is right"
        assert first.endswith("."), f"{case.name}: the first line is a sentence"
        assert expectations(case), f"{case.name}: no line begins with `# right: `"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_case_is_judged_rightly(case: Path) -> None:
    plan, findings = judged(case)
    told = "\n".join(str(f) for f in findings)
    expected = expectations(case)
    for verdict, *words in expected:
        if verdict == "plans":
            assert plan is not None, told
        elif verdict == "no":
            assert words[0] not in {f.code for f in findings}, told
        elif verdict == "instances":
            assert instances(plan, words[0]) == int(words[1])
        else:
            code, *path = words
            assert [
                f
                for f in findings
                if (f.code, f.severity) == (code, SEVERITIES[verdict])
                and all(part in f.path for part in path)
            ], told
    if not {"error", "no"} & {verdict for verdict, *_ in expected}:
        assert plan is not None, told
