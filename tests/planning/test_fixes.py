"""A fix that is printed works: each choice of it is applied to the stack file and planned again.

The law is total. A choice has one of the forms that `tests/planning/fixing.py` lists and can apply,
or it begins with words of its table `OUTSIDE`, which says what the reader does elsewhere.
"""

import json
import re
from typing import Any, cast

import pytest

from catalog import load
from messages.finding import SHAPE_CODE
from planning import Severity
from planning.rules import Rule
from tests.planning import fixing
from tests.planning.fixtures import Fixture
from tests.planning.stacks import Config, findings_of
from tests.planning.test_rules import EACH
from tests.wishes.changes import MISTAKES, ODDITIES, Broken, Mistake, broken
from tests.wishes.judging import config_of
from tests.wishes.runs import Job, search

KINDS = [
    m
    for kinds in (MISTAKES, ODDITIES)
    for code, same in kinds.items()
    for m in same
    if code != SHAPE_CODE
]
# The fields that a model of `serve` takes over.
KEPT = ("capacity", "discovery", "mounts", "regions", "replicas", "scaling")
# A legal set of devices can still meet that of a task without a lock, which is another mistake.
BESIDE = {"NE204": "NE240"}
PUBLISHED = re.compile(r"(?:public\.ecr\.aws/neuron|dlc)/([\w.-]+):([\w.-]+)")


@pytest.mark.parametrize(("rule", "fixture"), EACH)
def test_every_choice_of_a_fix_works(rule: Rule, fixture: Fixture) -> None:
    found = fixing.faults(fixture.failing, rule.code)
    assert not found, (
        f"{found}: write the fix in a form that tests/planning/fixing.py lists, or begin it with "
        "words of OUTSIDE there; what it proposes must end the finding and cause no other"
    )


@pytest.mark.parametrize(("rule", "fixture"), EACH)
def test_every_choice_of_a_fix_works_for_served_models(rule: Rule, fixture: Fixture) -> None:
    """What the model of `serve` needs follows from the pool that a fix names."""
    config = served(fixture.failing)
    if rule.code in {f.code for f in findings_of(config)}:
        assert fixing.faults(config, rule.code, Severity.ERROR) == []


def served(config: Config) -> Config:
    """The stack with its models on chips written as `serve`."""
    models: dict[str, Any] = json.loads(config.get("neuron-ecs:models", "{}"))
    for name, written in models.items():
        entry = cast("dict[str, Any]", written) if isinstance(written, dict) else {}
        if entry.get("neuron_devices") and "serve" not in entry:
            kept = {key: value for key, value in entry.items() if key in KEPT}
            serve = {"model": "Qwen/Qwen3-0.6B", "max_model_len": 2048}
            models[name] = {**kept, "serve": serve}
    return {**config, "neuron-ecs:models": json.dumps(models)}


@pytest.mark.parametrize(("rule", "fixture"), EACH)
def test_every_name_in_a_fix_exists(rule: Rule, fixture: Fixture) -> None:
    given = str(fixture.failing)
    for finding in findings_of(fixture.failing):
        if finding.code == rule.code:
            unknown = {n for n in invented(finding.fix) if n.removeprefix("dlc/") not in given}
            assert not unknown, f"{rule.code} proposes {unknown}, which no table has"


@pytest.mark.search
@pytest.mark.parametrize("chosen", KINDS, ids=lambda m: f"{m.code}-{m.name}")
def test_every_choice_of_a_fix_works_in_random_stacks(chosen: Mistake) -> None:
    """An error can hide warnings that a stack has anyway, so only errors are judged here."""

    def judged(drawn: Broken) -> str | None:
        found = fixing.faults(config_of(drawn.wish), chosen.code, Severity.ERROR)
        return next((f for f in found if f"new is {BESIDE.get(chosen.code)}" not in f), None)

    job = Job(chosen.code, chosen.name, 30, 1)
    said = search(broken(chosen), judged, lambda drawn: drawn.wish, job, lambda: None)
    assert not said, said


def invented(text: str) -> set[str]:
    """Names of AWS in a text that no table has: types, Regions, zones, AMIs and images."""
    catalog = load()
    images = catalog.containers
    zones = {z for r in catalog.places.regions for z in catalog.places.zone_ids(r)}
    amis = {row["image_name"] for row in catalog.rows("ami_versions")}
    listed = {k.newest for k in images.images} | {i.image for i in catalog.serving.images}
    tags = {f"{name}:{tag}" for (_, name), all_tags in images.tags.items() for tag in all_tags}
    tags |= {image.rpartition("/")[2] for image in listed}
    found: set[str] = set()
    named = re.sub(PUBLISHED, "", text)
    found |= {
        image[0] for image in PUBLISHED.finditer(text) if f"{image[1]}:{image[2]}" not in tags
    }
    found |= set(re.findall(r"\bal2023-ami-[\w.-]+|\bamzn2-ami-[\w.-]+", named)) - amis
    named = re.sub(r"\b(?:al2023|amzn2)-ami-[\w.-]+", "", named)
    types = re.findall(r"\b(?:inf|trn)[\w-]*\.\w+\b", named)
    found |= {t for t in types if not catalog.instances.matching(t)}
    found |= set(re.findall(rf"(?<![\w.-]){fixing.REGION}(?![\w-])", named)) - set(
        catalog.places.regions
    )
    found |= set(re.findall(r"\b[a-z]+\d-az\d+\b", named)) - zones
    return found


def test_what_the_reader_does_elsewhere_is_no_edit_of_the_stack_file() -> None:
    seen: set[str] = set()
    for parameters in EACH:
        rule, fixture = parameters.values
        assert isinstance(rule, Rule)
        assert isinstance(fixture, Fixture)
        for finding in findings_of(fixture.failing):
            for choice in fixing.choices(finding.fix) if finding.code == rule.code else ():
                start = next((s for s in fixing.OUTSIDE if choice.startswith(s)), None)
                if start is None or fixing.outside(choice) is None:
                    continue
                seen.add(start)
                written = re.sub(r"`[^`]*`", "", choice)
                edit = re.search(r"(?:, |and )(write|leave) |\s--\w+=|\b[a-z_]+: [\w\[{]", written)
                assert edit is None, f"{rule.code}: {choice!r} names an edit: write it as one"
    unused = sorted(set(fixing.OUTSIDE) - seen)
    assert not unused, f"no fix begins with {unused}: remove them from OUTSIDE"


@pytest.mark.parametrize(
    ("choice", "edits"),
    [
        ("write 2", [[("set", "", 2)]]),
        ("write 2 to 10", [[("set", "", 2)], [("set", "", 10)]]),
        ("write 14, 30 or 60", [[("set", "", n)] for n in (14, 30, 60)]),
        ("write [0] or [1]", [[("set", "", [0])], [("set", "", [1])]]),
        ('write "0-1"', [[("set", "", "0-1")]]),
        ("write cron(0 3 * * ? *)", [[("set", "", "cron(0 3 * * ? *)")]]),
        ("write max_size: 2, with room", [[("set", "max_size", 2)]]),
        (
            "write a: 1, b: [x, y] and c: 3",
            [[("set", "a", 1), ("set", "b", ["x", "y"]), ("set", "c", 3)]],
        ),
        ("write --a=1 --b", [[("option", "--a", "1"), ("option", "--b", "")]]),
        ("write --a=1 and b: 2", [[("option", "--a", "1"), ("set", "b", 2)]]),
        ("leave it out (2), the default", [[("delete", "", None)]]),
        ("leave --a out and write --b=1", [[("delete", "--a", None), ("option", "--b", "1")]]),
        ("did you mean x?", [[("rename", "", "x")]]),
        (
            "use inf2.xlarge, trn1.2xlarge and 5 more",
            [[("type", "", "inf2.xlarge")], [("type", "", "trn1.2xlarge")]],
        ),
        ("use us-west-2, where it is", [[("region", "", "us-west-2")]]),
        ("write the right thing", []),
        ("do something", []),
    ],
)
def test_the_forms_are_read(choice: str, edits: list[list[fixing.Edit]]) -> None:
    assert fixing.alternatives(choice) == edits
