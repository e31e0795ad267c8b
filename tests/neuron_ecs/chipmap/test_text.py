"""The map on a terminal: within the width, every device told, names that do no harm."""

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuron_ecs.chipmap import text
from neuron_ecs.chipmap.pools import DrawnPool, Stack, of_plan
from neuron_ecs.terminal import Screen
from tests.neuron_ecs.chipmap import drawn

ANSI = re.compile("\033\\[\\d*m")


def lines(pool: DrawnPool, width: int, *, coloured: bool = False) -> list[str]:
    stack = Stack("project/stack", (("us-west-2", (pool,)),))
    return list(text.render(stack, width=width, coloured=coloured))


@given(drawn.pools(), st.integers(80, 200))
def test_no_line_is_wider_than_the_terminal(pool: DrawnPool, width: int) -> None:
    assert [x for x in lines(pool, width) if len(x) > width] == []


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_shipped_stacks_fit_every_terminal(width: int) -> None:
    for path in drawn.FILES:
        stack = of_plan(drawn.plan_of(path))
        assert [x for x in text.render(stack, width=width) if len(x) > width] == []


@given(drawn.pools())
def test_every_device_of_an_instance_is_told_once(pool: DrawnPool) -> None:
    told = lines(pool, 80)
    drawings: list[list[str]] = []
    for line in told:
        if re.match(r" {6}instance", line):
            drawings.append([])
        elif drawings and re.match(r" {8}[ ╭╰─┄]+\[", line):
            drawings[-1].append(line)
    for drawing in drawings:
        found = re.findall(r"(?:\[|  )\s?(\d+) ", " ".join(drawing).replace("][", "[  "))
        assert sorted(map(int, found)) == list(range(pool.devices))


@given(drawn.pools())
def test_colour_adds_nothing_to_what_is_said(pool: DrawnPool) -> None:
    plain = lines(pool, 100)
    out = io.StringIO()
    Screen(out, "always").write("\n".join(lines(pool, 100, coloured=True)))
    assert [ANSI.sub("", x) for x in out.getvalue().split("\n")] == plain


@given(drawn.pools())
def test_hostile_names_neither_move_the_cursor_nor_break_lines(pool: DrawnPool) -> None:
    for line in lines(drawn.renamed(pool, drawn.HOSTILE), 80):
        assert line.isprintable()
        assert len(line) <= 80


def test_more_models_than_letters_have_letters_of_their_own() -> None:
    pool = next(p for p in drawn.shipped() if p.shape == "ring" and p.placements)
    placement = pool.placements[0]
    many = replace(
        pool, placements=tuple(drawn.of_model(placement, f"a-model-{n:02}") for n in range(30))
    )
    told = "\n".join(lines(many, 80))
    assert "Z   a-model-25" in told.replace("Z  a", "Z   a")
    assert "AD  a-model-29" in told


def test_regions_alike_are_told_once() -> None:
    pool = drawn.shipped()[0]
    stack = Stack("a/b", tuple((region, (pool,)) for region in ("r1", "r2", "r3")))
    told = list(text.render(stack, width=80))
    assert [x for x in told if x.startswith("r")] == ["r1, r2 and r3"]
