"""No component has a number of its own: the plan carries it, or `planning.choices` explains it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parents[2] / "components").glob("*.py"))
NUMERIC = re.compile(r"-?\d+(?:\.\d+)*(?:/\d+)?")  # a number, an address or a block, as text
RELEASED = re.compile(r"\d{4}-\d{2}")  # a dated version of something of AWS's


def limits(tree: ast.AST) -> Iterator[tuple[int, object]]:
    """Line and value of every literal that states a quantity, a port, a block or a version.

    0 and 1 are allowed where they count or compare, and any index in a subscript.
    """
    allowed: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            allowed |= {id(n) for n in ast.walk(node.slice)}
        elif isinstance(node, (ast.Compare, ast.GeneratorExp)):
            allowed |= {
                id(n) for n in ast.walk(node) if isinstance(n, ast.Constant) and n.value in (0, 1)
            }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in allowed:
            continue
        value = node.value
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        text = value if isinstance(value, str) else ""
        if number or NUMERIC.fullmatch(text) or RELEASED.search(text):
            yield node.lineno, value


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_component_takes_its_numbers_from_the_plan_or_the_choices(file: Path) -> None:
    found = [f"line {line}: {value!r}" for line, value in limits(ast.parse(file.read_text()))]
    assert not found, (
        "a number in a component is a decision that rules and `diff` cannot read: "
        "give it a name and a reason in planning/choices.py"
    )


@pytest.mark.parametrize(
    "written",
    [
        "f(threshold=2)",
        "f({'weight': 1})",
        "f(timeout='0')",
        "f(cidr='0.0.0.0/0')",
        "f(policy='TLS-1-2-2021-06')",
        "RETRIES = 5",
    ],
)
def test_a_number_is_found_wherever_it_stands(written: str) -> None:
    assert list(limits(ast.parse(written)))
