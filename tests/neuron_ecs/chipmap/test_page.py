"""The page: well-formed, closed to the outside and to hostile names, readable, small."""

import colorsys
import re
import shutil
import struct
import subprocess
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given

from neuron_ecs.chipmap import page, pools
from neuron_ecs.chipmap.picture import labels
from neuron_ecs.chipmap.pools import DrawnPool, Stack
from neuron_ecs.chipmap.style import DARK, INK, LIGHT, hue
from neuron_ecs.terminal import one_line
from planning.document import document, read_plan
from tests.neuron_ecs.chipmap import drawn

VOID = frozenset({"meta", "br"})
ELEMENTS = frozenset(
    "html head meta title style body svg defs rect pattern path h1 h2 h3 h4 p nav table tr th td a "
    "section div span figure figcaption g use text desc details summary".split()
)
MEBIBYTE = 1024 * 1024


class Reader(HTMLParser):
    """Reads a page strictly: every element closed in order, and only those that we write."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.pictures: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS, tag
        given = {name: value or "" for name, value in attrs}
        self.attributes += [(tag, name, value) for name, value in given.items()]
        if given.get("class") == "chip":
            self.pictures.append(given)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data)
            if self.open[-1] in ("title", "desc") and "svg" in self.open and "g" not in self.open:
                self.pictures[-1][self.open[-1]] = data

    def handle_comment(self, data: str) -> None:
        raise AssertionError("no comments")


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == [], "every element is closed"
    assert "<script" not in html.lower()
    for tag, name, value in reader.attributes:
        assert not name.startswith("on"), f"{tag} {name}: no handler"
        if name in ("href", "src", "action"):
            assert re.fullmatch(r"#[a-z]+\d*", value), "what is referred to stands in the page"
        if name == "style":
            assert re.fullmatch(r"(--h:\d+|flex-basis:\d+px|position:absolute)", value)
    sheet = html.partition("<style>")[2].partition("</style>")[0]
    assert re.findall(r"url\(([^)]*)\)", sheet) == ["#hatch"]
    assert "@import" not in sheet
    return reader


def one(pool: DrawnPool) -> Stack:
    return Stack("project/stack", (("us-west-2", (pool,)),))


@given(drawn.pools())
def test_the_page_is_well_formed_and_has_nothing_from_outside(pool: DrawnPool) -> None:
    read(page.render(None, one(pool)))


@given(drawn.pools(), drawn.pools())
def test_so_is_the_page_of_before_and_after(before: DrawnPool, after: DrawnPool) -> None:
    read(page.render(one(before), one(after)))


@given(drawn.pools())
def test_hostile_names_stay_text(pool: DrawnPool) -> None:
    hostile = drawn.renamed(pool, drawn.HOSTILE)
    stack = Stack("/".join(drawn.HOSTILE[:2]), ((drawn.HOSTILE[0], (hostile,)),))
    told = read(page.render(None, stack)).texts
    read(page.render(one(pool), stack))
    assert any(one_line(hostile.name) in text for text in told), "the name is shown as it is"
    assert not re.search("[\x00-\x08\x1b\u202e]", page.render(None, stack))


@given(drawn.pools())
def test_every_picture_has_a_text_alternative_that_tells_every_device(pool: DrawnPool) -> None:
    for picture in read(page.render(None, one(pool))).pictures:
        assert picture["role"] == "img"
        assert picture["aria-label"] == picture["title"]
        told: list[int] = []
        for runs in re.findall(r"devices? ([\d, -]+):", picture["desc"]):
            for run in runs.split(", "):
                first, _, last = run.partition("-")
                told += range(int(first), int(last or first) + 1)
        assert sorted(told) == list(range(pool.devices))


def test_the_page_of_a_plan_and_that_of_its_json_are_one() -> None:
    for path in drawn.FILES:
        plan = drawn.plan_of(path)
        html = page.page(None, plan)
        assert page.page(None, read_plan(document(plan))) == html
        read(html)


def test_a_plan_beside_itself_has_no_change() -> None:
    plan = drawn.plan_of(drawn.ROOT / "Pulumi.prod.yaml")
    html = page.page(plan, plan)
    read(html)
    assert "0 pools changed, 5 as before" in html
    assert 'class="c"' not in html


def test_pools_that_come_and_go_are_called_so() -> None:
    plan = drawn.plan_of(drawn.ROOT / "Pulumi.prod.yaml")
    stack = pools.of_plan(plan)
    none = Stack(stack.name, ())
    assert page.render(none, stack).count('<span class="badge">new</span>') == 5
    assert page.render(stack, none).count('<span class="badge">gone</span>') == 5


def test_a_device_whose_holder_changed_is_marked_on_both_sides() -> None:
    stack = pools.of_plan(drawn.plan_of(drawn.ROOT / "examples/many-models-one-instance.yaml"))
    ((region, (pool,)),) = stack.regions
    placements = tuple(
        drawn.of_model(placement, "other") if placement.model == "tinyllama" else placement
        for placement in pool.placements
    )
    after = replace(stack, regions=((region, (replace(pool, placements=placements),)),))
    html = page.render(stack, after)
    assert html.count('class="c"') == 4, "one device, on both sides, at minimum and at maximum"
    assert "device 2: other, slot 2, changed" in html


def test_sixteen_regions_of_twenty_models_stay_below_two_megabytes() -> None:
    html = page.render(None, drawn.measured())
    assert len(html.encode()) < 2 * MEBIBYTE
    read(html)


def test_two_hundred_models_before_and_after_stay_below_two_megabytes() -> None:
    """Every device of every pool has another holder, so that nothing is as before."""

    def other(pool: DrawnPool) -> DrawnPool:
        placements = (
            drawn.of_model(placement, f"{placement.model}-b") for placement in pool.placements
        )
        return replace(pool, placements=tuple(placements))

    before = drawn.measured()
    before = replace(before, regions=before.regions[:10])
    models = {
        placement.model for _, pools in before.regions for p in pools for placement in p.placements
    }
    assert len(models) >= 180, "and some without devices"
    after = replace(
        before,
        regions=tuple((name, tuple(map(other, pools))) for name, pools in before.regions),
    )
    html = page.render(before, after)
    assert len(html.encode()) < 2 * MEBIBYTE
    read(html)


# -- labels and colours ------------------------------------------------------------------------


def test_names_that_differ_have_labels_that_differ() -> None:
    names = {f"{'deepseek-r1-distill-llama-long-' * 2}{n}-of-many-{n}b" for n in range(40)}
    names |= {"a" * n for n in range(1, 60)} | {"llama-3-1-8b", "llama-3-1-70b"}
    found = labels(names)
    assert len(set(found.values())) == len(names)
    assert all(len(label) <= 24 for label in found.values())
    assert found["llama-3-1-8b"] == "llama-3-1-8b"


def test_a_model_keeps_its_hue() -> None:
    """Pages of different days are laid side by side, so a hue must never move."""
    assert (hue("llama-3-1-8b"), hue("mistral-7b")) == (50, 278)


def luminance(red: float, green: float, blue: float) -> float:
    """Relative luminance (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""

    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


def contrast(one: float, other: float) -> float:
    high, low = max(one, other), min(one, other)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("theme", "fill"), [("light", LIGHT), ("dark", DARK)])
def test_labels_can_be_read_on_every_hue(theme: str, fill: tuple[int, int]) -> None:
    ink = luminance(*(int(INK[theme][i : i + 2], 16) / 255 for i in (1, 3, 5)))
    saturation, lightness = (part / 100 for part in fill)
    for degrees in range(360):
        colour = colorsys.hls_to_rgb(degrees / 360, lightness, saturation)
        assert contrast(ink, luminance(*colour)) >= 4.5, f"{theme} {degrees} (WCAG AA)"


# -- a browser -----------------------------------------------------------------------------------

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize("scheme", ["0", "1"], ids=["dark", "light"])
def test_a_browser_draws_the_page_on_the_paper_of_its_theme(tmp_path: Path, scheme: str) -> None:
    html, picture = tmp_path / "map.html", tmp_path / "map.png"
    html.write_text(page.page(None, drawn.plan_of(drawn.ROOT / "Pulumi.prod.yaml")))
    assert CHROMIUM is not None
    subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
            *("--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"),
            *(f"--blink-settings=preferredColorScheme={scheme}", "--window-size=800,600"),
            *(f"--screenshot={picture}", html.as_uri()),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert first_pixel(picture) == ((0x15, 0x17, 0x1C) if scheme == "0" else (0xFF, 0xFF, 0xFF))


def first_pixel(png: Path) -> tuple[int, ...]:
    """Red, green and blue of the top left pixel, which no filter of PNG's changes
    (https://www.w3.org/TR/png-3/#9Filters: what lies left and above counts as 0)."""
    data, at, packed = png.read_bytes(), 8, b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    return tuple(zlib.decompressobj().decompress(packed, 4)[1:])
