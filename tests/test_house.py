"""The house's own laws: which package may import which, and what modules are called."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("catalog", "components", "config", "messages", "neuron_ecs", "planning", "tests")
STANDARD = frozenset(sys.stdlib_module_names)

# What each package may import besides itself and the standard library.
ALLOWED = {
    "catalog": frozenset[str](),
    "config": frozenset({"pydantic", "pydantic_core"}),
    "planning": frozenset({"catalog", "config", "messages"}),
    "components": frozenset({"planning", "pulumi", "pulumi_aws"}),
}
# Parts of the standard library that would make a decision depend on more than its inputs.
IMPURE = {
    "planning": frozenset(
        {"os", "pathlib", "random", "time", "socket", "urllib", "subprocess", "secrets", "io"}
    ),
    "config": frozenset({"os", "pathlib", "random", "time", "socket", "urllib", "subprocess"}),
}
VAGUE = frozenset({"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"})
PULUMI_OF_THE_PROGRAM = frozenset({"Config", "export", "get_stack", "get_project"})


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Each imported module in full, wherever in the file it is imported."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which package is meant"
            yield node.module or "", node.lineno


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_package_imports_only_what_the_house_allows(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(package)
        for name, line in imports(path)
        if name.split(".")[0] not in STANDARD | ALLOWED[package] | {package}
        if not (path.parent.name == "refresh" and name.split(".")[0] in ("boto3", "botocore"))
    ]
    assert wrong == [], "data flows one way: catalog and config, planning, components"


@pytest.mark.parametrize("package", sorted(IMPURE))
def test_a_decision_depends_on_its_inputs_alone(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(package)
        for name, line in imports(path)
        if name.split(".")[0] in IMPURE[package]
    ]
    assert wrong == [], "no clock, randomness, file or network in what decides"


def test_components_take_only_the_plan_and_its_renderers() -> None:
    renderers = {"plan", "policies", "run_task", "user_data"}
    wrong: list[str] = []
    for path in modules("components"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("planning"):
                parts = (node.module or "").split(".")[1:]
                named = set(parts[:1]) or {alias.name for alias in node.names}
                wrong += [f"{path.name}: planning.{n}" for n in named - renderers]
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "pulumi"
                and node.attr in PULUMI_OF_THE_PROGRAM
            ):
                wrong.append(f"{path.name}:{node.lineno} pulumi.{node.attr}")
    assert wrong == [], "components decide nothing, so they read nothing but the plan"


def test_only_tests_import_the_command_line() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for package in OURS
        if package not in ("neuron_ecs", "tests")
        for path in modules(package)
        for name, line in imports(path)
        if name.split(".")[0] == "neuron_ecs"
    ]
    assert wrong == []


def test_the_aws_sdk_is_loaded_only_where_aws_is_called() -> None:
    """At the head of a module it would be loaded by commands that never call AWS."""
    wrong: list[str] = []
    for path in (p for package in OURS if package != "tests" for p in modules(package)):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            wrong += [
                f"{path.name}: {n}" for n in names if n.split(".")[0] in ("boto3", "botocore")
            ]
    assert wrong == []


def test_the_program_is_short_enough_to_read_at_a_glance() -> None:
    assert len((ROOT / "__main__.py").read_text(encoding="utf-8").splitlines()) <= 40


def test_modules_are_named_for_what_they_hold() -> None:
    vague = [str(p.relative_to(ROOT)) for o in OURS for p in modules(o) if p.stem in VAGUE]
    assert vague == []


def test_no_word_of_another_field_stands_in_the_code() -> None:
    words = ("node group", "nodegroup", "kubelet")
    wrong = [
        f"{path.relative_to(ROOT)}: {word}"
        for package in OURS
        if package != "tests"
        for path in modules(package)
        for word in words
        if word in path.read_text(encoding="utf-8").lower()
    ]
    assert wrong == []
