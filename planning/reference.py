"""The reference of all findings: title, reason, remedy and source of each code."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from messages.finding import SHAPE_CODE, Finding, Severity
from planning.rules import RULES

ENCRYPTED = "NE004"

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
    "NE9": "What is known of a model",
}


@dataclass(frozen=True, slots=True)
class Page:
    """The reference page of one code."""

    code: str
    title: str
    severity: Severity
    why: str
    do: str
    source: str


READING = (
    Page(
        SHAPE_CODE,
        "Unknown key or wrong type in the stack file",
        Severity.ERROR,
        "Every key of the stack file has a type and a unit. An unknown key would be ignored "
        "without notice.",
        "Write what the message names: the nearest key, the type, the unit.",
        "config/ documents every field.",
    ),
    Page(
        "NE002",
        "Stack file cannot be read",
        Severity.ERROR,
        "The Pulumi engine reads stack files as YAML 1.2 and stops at what it cannot read. The "
        "message also names what only the engine can see: encrypted settings of providers, "
        "imported environments.",
        "Correct the line and column that the message names.",
        "https://www.pulumi.com/docs/iac/concepts/config/",
    ),
    Page(
        "NE003",
        "Program failed under the recording engine",
        Severity.ERROR,
        "The preview runs the real program. Whatever the engine or the provider would refuse is an "
        "error of the program, not of the stack file.",
        "Correct the component that the message names.",
        "neuron_ecs/recording/engine.py documents what is checked.",
    ),
    Page(
        ENCRYPTED,
        "Value is encrypted by Pulumi",
        Severity.ERROR,
        "Amazon ECS keeps every field of a task definition in clear text, and everyone who may "
        "call DescribeTaskDefinition reads it. The value would stand there and in the state.",
        "Keep it in AWS Secrets Manager or Systems Manager Parameter Store and name its ARN under "
        "secrets. Write what is no secret without --secret.",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html",
    ),
)


def encrypted_value(path: str) -> Finding:
    """Returns the finding for what Pulumi keeps encrypted at or below a path."""
    page = next(page for page in READING if page.code == ENCRYPTED)
    what = "holds a value that Pulumi keeps encrypted"
    fix = (
        "put it into AWS Secrets Manager or Systems Manager Parameter Store and name its ARN under "
        "secrets, or write it without --secret if it is no secret"
    )
    return Finding(page.code, page.severity, path, what, page.why, fix)


def pages() -> tuple[Page, ...]:
    """One page for each code, in order of the codes."""
    rules = (Page(r.code, r.title, r.severity, r.why, r.do, r.source) for r in RULES)
    return tuple(sorted((*READING, *rules), key=lambda page: page.code))


def explain(code: str) -> str | None:
    """The page of a code as text for a terminal; None for an unknown code."""
    for page in pages():
        if page.code == code:
            return (
                f"{page.code} ({page.severity.word}): {page.title}\n\n"
                f"why:     {page.why}\nto do:   {page.do}\nsource:  {page.source}\n"
            )
    return None


def markdown() -> Iterator[str]:
    """The lines of docs/findings.md."""
    yield "# Findings"
    yield ""
    yield "What the planner can find in a stack file, by code. With an **error** the stack can"
    yield "never work, with a **warning** it works and causes problems later, a **note** is worth"
    yield "knowing. Silence warnings and notes in the stack file, by code and with a reason:"
    yield "`neuron-ecs:silence: {NE501: behind a mesh}`. One page:"
    yield "`neuron-ecs plan --explain NE203`. Made from the rules by `make docs`."
    subject = ""
    for page in pages():
        if SUBJECTS[page.code[:3]] != subject:
            subject = SUBJECTS[page.code[:3]]
            yield ""
            yield f"## {subject}"
        yield ""
        yield f"### {page.code} {page.title}"
        yield ""
        yield f"*{page.severity.word}*"
        yield ""
        yield f"- **Why:** {page.why}"
        yield f"- **What to do:** {page.do}"
        yield f"- **Source:** {page.source}"


def controls(rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """The lines of the table of controls in docs/security.md."""
    yield "| control | requires | state | how |"
    yield "|---|---|---|---|"
    for row in rows:
        name = f"[{row['control']}]({row['source']})"
        yield f"| {name} | {row['requires']} | {row['state']} | {row['how']} |"
