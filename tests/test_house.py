"""The house's own laws: which package may import which, and what modules are called."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("catalog", "components", "config", "messages", "neuron_ecs", "planning", "tests")
STANDARD = frozenset(sys.stdlib_module_names)

# What each room may import besides itself and the standard library. Where a room is not named, its
# nearest parent's line holds; every room of the tool may import what `TOOL` names besides.
TOOL = frozenset({"catalog", "messages", "neuron_ecs.files", "neuron_ecs.terminal"})
ALLOWED: dict[str, frozenset[str]] = {
    "__main__": frozenset({"catalog", "components", "config", "planning", "pulumi"}),
    "messages": frozenset(),
    "catalog": frozenset(),
    "catalog.refresh": frozenset({"catalog", "boto3"}),
    "config": frozenset({"pydantic", "messages"}),
    "planning": frozenset({"catalog", "config", "messages"}),
    "components": frozenset({"planning", "pulumi"}),
    "neuron_ecs.terminal": frozenset({"messages"}),
    "neuron_ecs.files": frozenset({"neuron_ecs.terminal"}),
    "neuron_ecs.stackfile": TOOL | {"config", "planning", "pydantic", "ruamel"},
    "neuron_ecs.fit": TOOL | {"config", "planning"},
    "neuron_ecs.recording": TOOL | {"components", "planning", "pulumi"},
    "neuron_ecs.diff": TOOL
    | {"config", "planning", "neuron_ecs.recording", "neuron_ecs.stackfile", "pydantic"},
    "neuron_ecs.chipmap": TOOL | {"planning"},
    "neuron_ecs.overview": TOOL | {"planning"},
    "neuron_ecs.operations": TOOL | {"planning", "neuron_ecs.stackfile", "boto3"},
    "neuron_ecs.arguments": TOOL | {"planning", "neuron_ecs.stackfile", "neuron_ecs.operations"},
    "neuron_ecs.edits": TOOL
    | {"planning", "neuron_ecs.arguments", "neuron_ecs.diff", "neuron_ecs.stackfile"},
    "neuron_ecs.workflows": TOOL
    | {
        "planning",
        "neuron_ecs.chipmap",
        "neuron_ecs.diff",
        "neuron_ecs.recording",
        "neuron_ecs.stackfile",
    },
    "neuron_ecs": frozenset({"neuron_ecs.cli"}),
}
ANYTHING = ("neuron_ecs.cli",)
"""The room that may import everything, and is imported by nobody but tests."""

# Distributions that come as several packages, under the name by which the table knows them.
SAME = {
    "botocore": "boto3",
    "google": "pulumi",
    "grpc": "pulumi",
    "pulumi_aws": "pulumi",
    "pydantic_core": "pydantic",
    "typing_extensions": "pydantic",
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
            module = node.module or ""
            if module in ("neuron_ecs", "catalog", "planning", "planning.rules"):
                yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield module, node.lineno


def room_of(module: str) -> str:
    """The room that a module of ours belongs to."""
    parts = module.split(".")
    for length in (2, 1):
        name = ".".join(parts[:length])
        if name in ALLOWED or name in ANYTHING:
            return name
    return parts[0]


def edges() -> Iterator[tuple[str, str, str]]:
    """Every import outside a room: where it stands, the room there, and the room it leads to."""
    for package in ("__main__", *OURS):
        if package == "tests":
            continue
        paths = [ROOT / "__main__.py"] if package == "__main__" else modules(package)
        for path in paths:
            parts = path.relative_to(ROOT).with_suffix("").parts
            room = room_of(".".join(p for p in parts if p != "__init__"))
            for name, line in imports(path):
                top = name.split(".")[0]
                if top in STANDARD and top != "__main__":
                    continue
                target = room_of(SAME.get(top, name) if top not in OURS else name)
                if target != room:
                    yield f"{path.relative_to(ROOT)}:{line}", room, target


def test_a_room_imports_only_what_the_house_allows() -> None:
    wrong = [
        f"{where} ({room}) imports {target}"
        for where, room, target in edges()
        if room not in ANYTHING and target not in ALLOWED[room]
    ]
    assert wrong == [], "imports lead downwards: see docs/architecture.md, the rooms"


def test_the_rooms_of_the_house_are_all_in_the_table() -> None:
    rooms = {
        f"neuron_ecs.{path.stem if path.is_file() else path.name}"
        for path in (ROOT / "neuron_ecs").iterdir()
        if path.name not in ("__pycache__", "__init__.py", "__main__.py")
    }
    assert rooms <= {*ALLOWED, *ANYTHING}, "a new room needs a line in ALLOWED"


def test_no_import_leads_back_to_where_it_came_from() -> None:
    leads: dict[str, set[str]] = {}
    for _, room, target in edges():
        leads.setdefault(room, set()).add(target)

    def reaches(room: str, seen: frozenset[str]) -> Iterator[str]:
        for target in leads.get(room, set()):
            if target in seen:
                yield " -> ".join((*sorted(seen), target))
            else:
                yield from reaches(target, seen | {target})

    assert [circle for room in leads for circle in reaches(room, frozenset({room}))] == []


def test_a_rule_file_imports_no_other_rule_file() -> None:
    shared = {"rule", "__init__"}
    rules = {p.stem for p in modules("planning/rules")} - shared
    wrong = [
        f"{path.name}:{line} imports {name}"
        for path in modules("planning/rules")
        if path.stem in rules
        for name, line in imports(path)
        if name.startswith("planning.rules.") and name.rpartition(".")[2] in rules
    ]
    assert wrong == [], "what two rule files need stands in planning, below both"


@pytest.mark.parametrize("package", sorted(IMPURE))
def test_a_decision_depends_on_its_inputs_alone(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(package)
        for name, line in imports(path)
        if name.split(".")[0] in IMPURE[package]
    ]
    assert wrong == [], "no clock, randomness, file or network in what decides"


def test_components_take_only_the_plan_its_renderers_and_the_choices() -> None:
    renderers = {
        "alarms",
        "choices",
        "dashboards",
        "following",
        "plan",
        "policies",
        "run_task",
        "user_data",
    }
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
        where
        for where, room, target in edges()
        if target == "neuron_ecs.cli" and room not in ("neuron_ecs", "neuron_ecs.cli")
    ]
    assert wrong == []


def test_one_file_of_a_room_calls_aws() -> None:
    for room in ("catalog.refresh", "neuron_ecs.operations"):
        files = {
            where.partition(":")[0]
            for where, found, to in edges()
            if (found, to) == (room, "boto3")
        }
        assert len(files) == 1, f"{room}: {files}"


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


ACCESS = frozenset({"open", "read_bytes", "read_text", "write_bytes", "write_text"})
STREAMS = frozenset({"sys.stdin.read", "sys.stdin.readlines", "sys.stdin.buffer.read"})
OF_OUR_OWN = frozenset(
    {
        "cli/docs.py",  # pages of this repository, for who maintains it
        "cli/main.py",  # pyproject.toml, and the end of a closed pipe
        "recording/plans.py",  # pipes between this process and its helper
    }
)


def test_the_tool_reads_and_writes_what_people_name_in_one_place() -> None:
    """There they have a bound and a limit of time, and no link is written through."""
    wrong: list[str] = []
    for path in modules("neuron_ecs"):
        name = str(path.relative_to(ROOT / "neuron_ecs"))
        if name in OF_OUR_OWN or name == "files.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            owner, _, method = called.rpartition(".")
            accesses = called == "open" or (owner and owner != "writer" and method in ACCESS)
            if accesses or called in STREAMS:
                wrong.append(f"{name}: {called}")
    assert wrong == [], "use neuron_ecs.files"


PROGRAM_AND_TOOL = ("catalog", "components", "config", "messages", "neuron_ecs", "planning")


# Tests that are tables, by what each of their entries is.
TABLES = {
    "tests/contract/aws_requests.py": "a kind of resource, with the requests that make it",
    "tests/contract/aws_rules.py": "a rule of AWS over a graph",
    "tests/contract/test_aws_requests.py": "a seeded mistake in a request",
    "tests/engine/provider/refusals.py": "a refusal of AWS",
    "tests/engine/provider/rows.py": "a kind of resource, with what AWS gives it",
    "tests/planning/fixtures_places.py": "a failing stack file of a rule",
    "tests/wishes/mistakes.py": "a mistake in a stack file",
    "tests/wishes/oddities.py": "what only warns in a stack file",
}


def test_a_file_has_at_most_700_lines() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for package in (*PROGRAM_AND_TOOL, "tests")
        for path in modules(package)
    }
    long = {path for path, lines in lengths.items() if lines > 700}
    assert long == set(TABLES), "divide it, or take it out of TABLES"


def test_a_function_has_at_most_70_lines() -> None:
    long = {
        f"{path.relative_to(ROOT)}: {node.name}": lines
        for package in (*PROGRAM_AND_TOOL, "tests")
        for path in modules(package)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if node.end_lineno is not None and (lines := node.end_lineno - node.lineno + 1) > 70
    }
    assert long == {}


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
