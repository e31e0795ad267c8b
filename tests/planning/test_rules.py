"""Each rule speaks, alone, where it must; is silent beside; and what it proposes works."""

import json
import re
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest

from planning import Refused, Severity, rules
from planning.reference import SUBJECTS, Page, pages
from planning.rules import RETIRED, RULES, Rule
from tests.planning.every_fixture import FIXTURES
from tests.planning.fixtures import Fixture
from tests.planning.stacks import (
    Config,
    Entry,
    changed,
    codes,
    decide_on,
    finding,
    findings_of,
    groups,
    managed,
    stack,
    work,
)

BY_CODE = {rule.code: rule for rule in RULES}
# A rule without a fixture fails one test, which names the step; it does not stop the others.
EACH = [
    pytest.param(rule, FIXTURES[rule.code], id=rule.code) for rule in RULES if rule.code in FIXTURES
]
LONGEST = 600
DOCS = Path(__file__).resolve().parents[2] / "docs"
# What the stack file and the planner agree on among themselves; no page of AWS states it.
HOUSE = {"NE010", "NE011", "NE107", "NE110", "NE215", "NE216", "NE217"} | {
    f"NE{n}" for n in (244, 245, 248, 250, 907, 950, 951, 952, 954, 955)
}
# Notes that nearly every stack file has: what its account needs.
ORDINARY = frozenset("NE721 NE728 NE729 NE730 NE731 NE732 NE734 NE735 NE773 NE921".split())
MANNERED = frozenset(
    "hold holds held nobody seat seats share shares spots wish wishes told telling".split()
)


# ---- the table of rules ----------------------------------------------------------------------

RULE_FILES = sorted(
    path.stem
    for path in Path(rules.__file__).parent.glob("*.py")
    if path.stem not in ("__init__", "rule", "silence")
)


@pytest.mark.parametrize("name", RULE_FILES)
def test_every_rule_of_a_file_stands_in_the_tuple_of_the_file(name: str) -> None:
    module = import_module(f"planning.rules.{name}")
    listed: tuple[Rule, ...] = getattr(module, "RULES", ())
    written = {key: value for key, value in vars(module).items() if isinstance(value, Rule)}
    forgotten = [key for key, value in written.items() if value not in listed]
    assert not forgotten, f"add {', '.join(forgotten)} to RULES at the end of {module.__file__}"
    unread = [rule.code for rule in listed if rule not in RULES]
    assert not unread, (
        f"{unread} are never checked: import {name} in planning/rules/__init__.py and add "
        f"*{name}.RULES to the tuple there"
    )


def test_every_rule_has_both_fixtures_and_every_fixture_a_rule() -> None:
    missing = sorted(set(BY_CODE) - set(FIXTURES))
    assert not missing, (
        f"{missing} have no fixture: add one to FIXTURES in tests/planning/fixtures.py or in the "
        "file of its subject beside it (fixtures_*.py): the path of the finding, a stack file that "
        "breaks the rule and nothing else, and one that differs in one place and passes"
    )
    unknown = sorted(set(FIXTURES) - set(BY_CODE))
    assert not unknown, (
        f"{unknown} have a fixture and no rule: add a new rule to RULES of its file in "
        "planning/rules, and a new file to planning/rules/__init__.py; of a rule that was deleted "
        "delete the fixture and add the code to RETIRED in planning/rules/__init__.py"
    )


def test_no_two_rules_share_a_code() -> None:
    used = Counter(rule.code for rule in RULES)
    twice = [f"{r.code} ({r.title})" for r in RULES if used[r.code] > 1]
    assert not twice, f"{twice}: give the new rule the first free code after the last of its group"


def test_a_code_is_never_used_again() -> None:
    again = sorted(RETIRED & {page.code for page in pages()})
    assert not again, f"{again} once meant something else: give the new rule a code of its own"
    page = (DOCS / "findings.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^### (NE\d{3})", page, re.MULTILINE))
    gone = sorted(documented - RETIRED - {page.code for page in pages()})
    assert not gone, (
        f"{gone} are in docs/findings.md and no rule has them: add a new rule to RULES of its "
        "file in planning/rules, and a new file to planning/rules/__init__.py; add the code of a "
        "deleted rule to RETIRED there, so that it is not used again, and run `make docs`"
    )


def test_every_code_belongs_to_a_group_of_the_reference() -> None:
    outside = [rule.code for rule in RULES if rule.code[:3] not in SUBJECTS]
    assert not outside, f"{outside}: name the group in SUBJECTS of planning/reference.py"


def test_codes_ascend_inside_each_group() -> None:
    listed = [rule.code for rule in RULES]
    for group in sorted({code[:3] for code in listed}):
        mine = [code for code in listed if code[:3] == group]
        assert mine == sorted(mine), f"{group}: the tuple is read by people, from top to bottom"
    assert listed == sorted(listed)


def test_titles_are_unique_among_all_codes() -> None:
    titles = [page.title.casefold() for page in pages()]
    twice = [title for title in titles if titles.count(title) > 1]
    assert twice == [], "another code has this title: write another one in @rule"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.code)
def test_a_title_is_a_short_sentence_in_plain_words(page: Page) -> None:
    assert re.fullmatch(r"[A-Z0-9][^_`:;]{9,63}[A-Za-z0-9]", page.title), (
        f"{page.code} {page.title!r}: the title in @rule is 11 to 65 characters in sentence case, "
        "without a full stop and without names of code"
    )
    mannered = MANNERED & set(re.findall(r"\w+", page.title.lower()))
    assert not mannered, f"{page.code} {page.title!r}: write the noun of the field for {mannered}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_names_where_aws_says_so(rule: Rule) -> None:
    source = rule.check.__doc__ or ""
    named = r"https://|API_\w+|EC2 Describe\w+|Create[A-Z]\w+|Register[A-Z]\w+"
    assert source.strip(), (
        f"{rule.code}: name the page or API of AWS in the docstring of the rule's function"
    )
    if rule.code not in HOUSE:
        assert re.search(named, source), (
            f"{rule.code}: its docstring names no page (https://) and no API (API_...) of AWS; "
            "if the stack file alone decides, add the code to HOUSE in tests/planning/test_rules.py"
        )


@pytest.mark.parametrize(("rule", "fixture"), EACH)
def test_the_failing_stack_breaks_this_rule_alone(rule: Rule, fixture: Fixture) -> None:
    found = findings_of(fixture.failing)
    loud = {
        (f.code, f.path)
        for f in found
        if f.severity >= rule.severity and (f.code == rule.code or f.code not in ORDINARY)
    }
    beside = {(code, path) for code, path in loud if code in fixture.beside}
    assert loud - beside == {(rule.code, fixture.path)}, (
        f"the failing fixture of {rule.code} breaks other rules, or this one elsewhere: narrow the "
        "rule that fires, or change the fixture; `beside` names codes that cannot but come with it"
    )
    assert all(
        BY_CODE[code].severity >= rule.severity
        and (BY_CODE[code].severity == Severity.ERROR) == (rule.severity == Severity.ERROR)
        for code, _ in beside
    )


@pytest.mark.parametrize(("rule", "fixture"), EACH)
def test_an_error_refuses_and_all_else_plans(rule: Rule, fixture: Fixture) -> None:
    if rule.severity is Severity.ERROR:
        with pytest.raises(Refused, match=rule.code):
            decide_on(fixture.failing)
    else:
        assert rule.code in {f.code for f in decide_on(fixture.failing).findings}


@pytest.mark.parametrize(("rule", "fixture"), EACH)
def test_the_passing_stack_plans_without_this_finding(rule: Rule, fixture: Fixture) -> None:
    assert rule.code not in {f.code for f in decide_on(fixture.passing).findings}, (
        f"the passing stack of the fixture of {rule.code} breaks the rule: change that stack in "
        "tests/planning/fixtures*.py, or narrow the rule"
    )


@pytest.mark.parametrize(("rule", "fixture"), EACH)
def test_the_two_stacks_are_nearly_identical(rule: Rule, fixture: Fixture) -> None:
    def leaves(config: Config) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()

        def walk(path: str, value: Any) -> None:
            items = cast("dict[str, Any]", value).items() if isinstance(value, dict) else ()
            for key, inner in items:
                walk(f"{path}/{key}", inner)
            if not items:
                found.add((path, json.dumps(value)))

        for key, text in config.items():
            walk(key, text if key.startswith("aws:") else json.loads(text))
        return found

    failing, passing = leaves(fixture.failing), leaves(fixture.passing)
    moved = {path for path, _ in failing ^ passing}
    # another kind of capacity has other keys
    assert len(moved) <= (4 if rule.code in {"NE109", "NE403"} else 3), (
        f"{sorted(moved)}: the two stacks of the fixture of {rule.code} differ in more than one "
        "place: let them differ only in what the rule judges"
    )


@pytest.mark.parametrize(("rule", "fixture"), EACH)
def test_a_finding_says_what_why_and_what_to_do(rule: Rule, fixture: Fixture) -> None:
    found = finding(fixture.failing, rule.code)
    assert found.what
    assert found.why
    assert found.fix
    assert len(f"{found.what}{found.why}{found.fix}") <= LONGEST
    assert not found.why.startswith(found.what)
    for text in (found.what, found.why, found.fix):
        assert "  " not in text
        assert " ," not in text
        assert "None" not in text
        assert not text.endswith((" ", ":", ";"))


@pytest.mark.parametrize(("rule", "fixture"), EACH)
def test_the_value_that_is_wrong_stands_in_the_message(rule: Rule, fixture: Fixture) -> None:
    found, value = finding(fixture.failing, rule.code), _value_at(fixture.failing, fixture.path)
    if isinstance(value, (dict, list)) and not _scalars(value):
        return
    if value is None or isinstance(value, bool) or rule.code == "NE403":
        return
    said = found.path + found.what
    words = _scalars(value) if isinstance(value, (dict, list)) else [value]
    if fixture.path.endswith((".image", "neuron_devices")) and rule.severity < Severity.ERROR:
        return  # the path says it: these warn of the whole, not of the value
    if rule.code in {"NE010", "NE011", "NE209", "NE210", "NE211", "NE214"}:
        return  # the value is right; what stands beside it is not
    assert any(str(word) in said for word in words), (
        f"{rule.code} says {found.what!r}: name the wrong value {value!r} in `what` of the Report"
    )


@pytest.mark.parametrize("devices", [1, "all", [0]], ids=str)
@pytest.mark.parametrize("pool", [groups("c7g.xlarge"), managed("c7g.xlarge")], ids=["asg", "mi"])
def test_a_sidecar_finds_no_devices_on_instances_without_chips(pool: Entry, devices: Any) -> None:
    sidecar: Entry = {"image": "watcher:1", "neuron_devices": devices}
    model = work(cpu_units=1024, memory_mib=2048, sidecars={"watcher": sidecar})
    found = findings_of(stack(capacity={"pool": pool}, models={"m": model}))
    errors = {(f.code, f.path) for f in found if f.severity is Severity.ERROR}
    assert errors == {("NE201", "models.m.sidecars.watcher.neuron_devices")}


@pytest.mark.parametrize(
    ("types", "devices", "code"),
    [("c7g.*", 1, "NE201"), ("c7g.*", [0], "NE201"), ("inf2.*", None, "NE202")],
    ids=str,
)
def test_a_pool_of_several_types_adds_nothing_to_devices_that_cannot_be(
    types: str, devices: Any, code: str
) -> None:
    config = stack(capacity={"pool": managed(types)}, models={"m": work(devices)})
    assert codes(config) & {"NE201", "NE202", "NE211"} == {code}


@pytest.mark.parametrize(("kind", "count"), [("inf2.xlarge", 2), ("inf1.xlarge", 4)])
def test_a_larger_type_that_is_proposed_has_the_devices_and_runs_the_same_models(
    kind: str, count: int
) -> None:
    config = stack(capacity={"pool": groups(kind)}, models={"m": work(count)})
    proposed = re.findall(r"[a-z0-9-]+\.\w+", finding(config, "NE203").fix)
    assert proposed
    for larger in proposed:
        found = findings_of(changed(config, "capacity.pool", instance_type=larger))
        assert not [f for f in found if f.severity is Severity.ERROR], larger
        assert larger.startswith("inf1") == kind.startswith("inf1"), "Inf1 needs other images"


def test_the_second_pool_is_for_the_models_of_larger_tasks_alone() -> None:
    small = work(1, replicas={"min": 6})
    config = changed(FIXTURES["NE216"].failing, "models", c=small)
    assert "; with a in a pool of their own" in finding(config, "NE216").what


def test_a_job_that_can_never_start_is_shown_the_size_of_the_pool() -> None:
    assert "on all 1 instance of" in finding(FIXTURES["NE214"].failing, "NE214").what


def _value_at(config: Config, path: str) -> Any:
    top, *parts = re.findall(r"[^.\[\]]+", path)
    if top == "aws:region":
        return config[top]
    value: Any = json.loads(config.get(f"neuron-ecs:{top}", "null"))
    for part in parts:
        if isinstance(value, list):
            value = value[int(part)]  # pyright: ignore[reportUnknownVariableType] (JSON)
        elif isinstance(value, dict):
            value = value.get(part)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] (JSON)
        else:
            return None
    return value  # pyright: ignore[reportUnknownVariableType] (JSON)


def _scalars(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *(s for v in value.values() for s in _scalars(v))]  # pyright: ignore[reportUnknownVariableType] (JSON)
    if isinstance(value, list):
        return [s for v in value for s in _scalars(v)]  # pyright: ignore[reportUnknownVariableType] (JSON)
    return [value]


def test_all_mistakes_come_at_once_errors_first_in_order_of_their_paths() -> None:
    config = stack(
        regions={"us-west-2": {}, "sa-east-1": {}},
        capacity={"a": groups("trn1.2xlarge"), "b": groups("inf2.24xlarge", regions=["us-west-2"])},
        models={
            "m": work([0, 2], "b", log_retention_days=31, port=80),
            "n": work(2, "a", regions=["us-west-2"]),
        },
    )
    with pytest.raises(Refused) as refused:
        decide_on(config)
    found = refused.value.findings
    loud = [f.code for f in found if f.severity > Severity.NOTE]
    assert loud == ["NE105", "NE311", "NE204", "NE203", "NE501"]
    errors = [f.path for f in found if f.severity is Severity.ERROR]
    assert errors == sorted(errors)
    assert str(refused.value).endswith("4 errors, 1 warning, 9 notes")


def test_findings_name_all_regions_once() -> None:
    regions: Entry = {r: {} for r in ("us-east-1", "us-east-2", "us-west-2")}
    config = stack(regions=regions, capacity={"pool": groups()}, models={"m": work(2)})
    assert len([f for f in findings_of(config) if f.code == "NE203"]) == 1
