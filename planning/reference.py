"""The reference of all findings: what each code means, why, and what to do."""

from collections.abc import Iterator
from dataclasses import dataclass

from messages.finding import SHAPE_CODE, Severity
from planning.rules import RULES

SUBJECTS = {
    "NE0": "The stack file",
    "NE1": "Where: Regions, zones, types, purchases",
    "NE2": "Chips",
    "NE3": "Tasks",
    "NE4": "Images and machine images",
    "NE5": "Traffic and networks",
    "NE6": "Rollouts",
    "NE7": "Names and limits",
    "NE8": "Training",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What a code means."""

    code: str
    severity: Severity
    what: str
    why: str
    do: str
    source: str


READING = (
    Page(
        SHAPE_CODE,
        Severity.ERROR,
        "shape of the stack file",
        "The stack file has keys, types and units; a key that nobody reads would be a wish that "
        "nobody fulfils.",
        "Write what the message names: the nearest key, the type, the unit.",
        "config/ documents every field.",
    ),
    Page(
        "NE002",
        Severity.ERROR,
        "reading the stack file",
        "The Pulumi engine reads stack files as YAML 1.2; what it cannot read never reaches the "
        "program. What only the engine can see (secure values, imported environments) is named.",
        "Mend the line and column that the message names.",
        "https://www.pulumi.com/docs/iac/concepts/config/",
    ),
    Page(
        "NE003",
        Severity.ERROR,
        "the program failed under the recording engine",
        "The preview runs the real program; what the engine or the provider would refuse is an "
        "error of the program, not of the stack file.",
        "Mend the component that the message names.",
        "neuron_ecs/recording/engine.py says what is checked.",
    ),
)


def pages() -> tuple[Page, ...]:
    """A page for each code, in order of the codes."""
    rules = (Page(r.code, r.severity, r.title, r.why, r.do, r.source) for r in RULES)
    return tuple(sorted((*READING, *rules), key=lambda page: page.code))


def explain(code: str) -> str | None:
    """One page as text for a terminal; None where there is no such code."""
    for page in pages():
        if page.code == code:
            return (
                f"{page.code} ({page.severity.word}): {page.what}\n\n"
                f"why:     {page.why}\nto do:   {page.do}\nsource:  {page.source}\n"
            )
    return None


def markdown() -> Iterator[str]:
    """The whole reference, as docs/findings.md holds it."""
    yield "# Findings"
    yield ""
    yield "What the planner has to say of a stack file, by code. An **error** can never work, a"
    yield "**warning** works and will hurt, a **note** is worth knowing. Warnings and notes can be"
    yield "silenced in the stack file, by code and with the reason:"
    yield "`neuron-ecs:silence: {NE501: behind a mesh}`. One page:"
    yield "`python -m neuron_ecs plan --explain NE203`. Made from the rules by `make docs`."
    subject = ""
    for page in pages():
        if SUBJECTS[page.code[:3]] != subject:
            subject = SUBJECTS[page.code[:3]]
            yield ""
            yield f"## {subject}"
        yield ""
        yield f"### {page.code} {page.what}"
        yield ""
        yield f"*{page.severity.word}*"
        yield ""
        yield f"- **Why:** {page.why}"
        yield f"- **What to do:** {page.do}"
        yield f"- **Source:** {page.source}"
