"""The three forms of the answer: text, Markdown that can be posted, JSON that keeps its word."""

import html
import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neuron_ecs.diff import markdown, text
from neuron_ecs.diff.difference import Difference
from neuron_ecs.diff.document import document
from neuron_ecs.diff.summary import verdict
from neuron_ecs.terminal import escaped
from tests.neuron_ecs.diff.pairs import compared, shared
from tests.planning.stacks import Config, changed, groups, stack, work

ROOT = Path(__file__).resolve().parents[3]
EVIL = "x</code></details><script>alert(1)</script>|@admin #1 [a](http://e.vil) ![i](//e.vil) `b`"


@pytest.fixture(scope="module")
def grown() -> Difference:
    base = shared(("a", 2), ("b", 1))
    after = changed(changed(base, "models.a", image="r.io/a:2"), "models", c=work(1, port=8080))
    return compared(base, changed(after, "capacity.pool", root_volume_gib=300), graph=True)


def with_image(image: str) -> Config:
    return stack(
        capacity={"pool": groups("inf2.xlarge", 2)}, models={"a": work(1) | {"image": image}}
    )


def test_the_verdict_is_the_first_line_of_each_form(grown: Difference) -> None:
    said = verdict(grown)
    assert next(text.render(grown, width=0)) == said
    first = markdown.render(grown).splitlines()[0]
    assert html.unescape(first).strip("*⚠️ ") == said
    assert document(grown)["verdict"] == said


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_keep_to_the_width_where_words_allow_it(grown: Difference, width: int) -> None:
    for line in text.render(grown, width=width):
        assert len(line) <= width or len(line.split()[-1]) > 30, line


def test_a_change_of_a_container_is_told_by_its_key(grown: Difference) -> None:
    said = "\n".join(text.render(grown, width=0))
    assert "containerDefinitions.a.image: " in said
    assert '"name":"a"' not in said.replace(" ", ""), "never as one long string"


@given(st.text(max_size=80) | st.text("@#:/.-_wWgGhH1", max_size=12))
@example("a@b #1 https://_www.example GH-1 _gh-2")
def test_text_of_others_stays_text(found: str) -> None:
    written = markdown.plain(found)
    assert not re.search(r"[<>|`*_\[\]!~\\#@$\n\r]", re.sub(r"&#\d+;", "", written))
    shown = html.unescape(written)
    assert not re.search(r"[@#][A-Za-z0-9]", shown), "a mention or a reference to an issue"
    assert "://" not in shown, "an address that GitHub would link"
    assert not re.search(r"(?i)(?<![a-z\d])(www|gh|ghsa|cve)[.-]", shown)
    assert escaped(written) == written, "a file or a terminal shows it as it is"


def test_a_comment_is_written_and_shown_as_it_is(grown: Difference) -> None:
    """Files and terminals spell what cannot be seen out."""
    said = markdown.render(grown)
    assert "://" in html.unescape(said).replace("\u200b", ""), "it has addresses"
    assert escaped(said) == said


def test_names_images_and_tags_cannot_break_out_of_the_comment() -> None:
    base = changed(with_image("r.io/a:1") | {"neuron-ecs:tags": "{}"}, "tags", team="x")
    after = changed(base, "models.a", environment={"NOTE": EVIL})
    after = changed(after, "tags", team=EVIL[:60])
    said = markdown.render(compared(base, after, graph=True))
    assert "<script" not in said
    assert said.count("<details>") == said.count("</details>")
    assert said.count("<code>") == said.count("</code>")
    shown = html.unescape(said)
    assert "@admin" not in shown
    assert "](http" not in said


def test_a_comment_that_is_too_long_is_cut_and_says_so() -> None:
    def models(level: str) -> Config:
        pool = {"pool": groups("inf2.48xlarge", 8)}
        made = {
            f"model-{n:02}": work(1, environment={f"V{k}": f"{level}{'y' * 90}" for k in range(40)})
            for n in range(12)
        }
        return stack(capacity=pool, models=made)

    found = compared(models("a"), models("b"), graph=True)
    said = markdown.render(found)
    assert len(said.encode()) <= markdown.LIMIT
    short = markdown.render(found, limit=6000)
    assert len(short.encode()) <= 6000
    assert "do not fit here" in short or "Cut at" in short
    assert "Cut at GitHub's limit" in short
    assert short.splitlines()[0] == said.splitlines()[0], "the verdict stays"
    assert short.count("<details>") == short.count("</details>")
    assert short.rstrip().endswith(markdown.MARKER)


def test_what_looks_like_a_credential_is_in_no_form() -> None:
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    base = with_image("r.io/a:1")
    after = changed(base, "models.a", environment={"KEY": key})
    found = compared(base, after)
    forms = ["\n".join(text.render(found, width=0)), markdown.render(found)]
    forms.append(json.dumps(document(found)))
    assert not [form for form in forms if key in form]


LONG = [f"--option-{n}=value" for n in range(20)]


@pytest.mark.parametrize(
    ("before", "after", "gone", "come"),
    [
        ([*LONG, "--blocks=8"], [*LONG, "--blocks=16"], "- --blocks=8", "+ --blocks=16"),
        ([*LONG, "a" * 400 + "8"], [*LONG, "a" * 400 + "16"], "aa8", "aa16"),
    ],
)
def test_the_one_item_of_a_list_that_changes_is_shown(
    before: list[str], after: list[str], gone: str, come: str
) -> None:
    base = shared(("a", 2))
    sides = (changed(base, "models.a", command=command) for command in (before, after))
    found = compared(*sides, graph=True)
    for shown in (text.render(found, width=0), [html.unescape(markdown.render(found))]):
        lines = "\n".join(re.sub("</?code>", "", line) for line in shown).splitlines()
        assert sum(gone in line for line in lines) == 2, "in the stack file and in the resource"
        assert sum(come in line for line in lines) == 2
        assert not any(LONG[0] in line for line in lines), "what stays is not repeated"


def test_a_long_text_is_cut_to_where_it_differs() -> None:
    base = shared(("a", 2))
    tail = "x" * 500
    sides = (changed(base, "models.a", environment={"LONG": f"{tail}{n}"}) for n in (1, 2))
    said = "\n".join(text.render(compared(*sides), width=0))
    assert "x1 → …" in said
    assert "x2 (" in said


def test_what_a_refused_head_leaves_open_is_not_called_gone() -> None:
    base = shared(("a", 2), max_size=1)
    after = changed(base, "models.a", capacity="nowhere")
    found = compared(base, after)
    assert found.base.findings
    assert found.findings.gone == ()
    codes = {f.code for f in found.findings.not_judged}
    assert codes
    for said in ("\n".join(text.render(found, width=0)), markdown.render(found)):
        assert "gone: " not in said
        assert "not judged" in said
    listed = document(found)["findings"]["not_judged"]
    assert {f["code"] for f in listed} == codes


def test_a_pool_whose_layout_stays_is_not_drawn_again() -> None:
    base = shared(("a", 2), max_size=3)
    more = compared(base, changed(base, "models.a", replicas={"min": 0}))
    said = "\n".join(text.render(more, width=0))
    assert "instances 1 → 0 to 1" in said
    assert "    before  1" not in said
    other = compared(base, changed(base, "models.a", neuron_devices=3))
    assert "    before  1" in "\n".join(text.render(other, width=0))
