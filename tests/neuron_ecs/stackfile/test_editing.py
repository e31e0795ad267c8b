"""Edits of YAML in place: only what is meant changes, in files of any style."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuron_ecs.stackfile.editing import NotEditableError, drop, flow, put, scalar
from neuron_ecs.stackfile.yaml_values import Value, json_text, load

ROOT = Path(__file__).parents[3]
SHIPPED = sorted([*ROOT.glob("Pulumi.*.yaml"), *ROOT.glob("examples/*.yaml")])
ENTRY: Value = {"image": "repo:1", "capacity": "inf2", "replicas": {"min": 1}}

words = st.text("aZ09 :#{}[],&*!|>'\"%@`?-.~=\n\t\\é\x85\u2028", max_size=12) | st.sampled_from(
    [
        "yes",
        "null",
        "010",
        "1e3",
        "2026-01-01",
        "~",
        "<<",
        "true",
        "0x1F",
        "- a",
        "-",
        "?",
        "---",
        "a: b",
        "",
    ]
)
values = st.recursive(
    words | st.booleans() | st.integers(-(2**40), 2**40) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A stack file as somebody might have typed it."""
    step = draw(st.integers(1, 4))
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    names = draw(st.lists(st.sampled_from(["a", "b", "c-1"]), max_size=3, unique=True))
    lines: list[str] = []

    def write(column: int, text: str) -> None:
        trailing = draw(st.sampled_from(["", "", "", "   # why"]))
        lines.append(" " * (step * column) + text + trailing)
        if draw(st.integers(0, 4)) == 0:
            lines.append(draw(st.sampled_from(["", "  "])))
        if draw(st.integers(0, 3)) == 0:
            lines.append(" " * draw(st.integers(0, 4 * step)) + "# a comment: {of} some, length")

    if draw(st.booleans()):
        lines.append("# Begins.")
    write(0, "config:")
    write(1, "aws:region:   us-west-2")
    in_flow = draw(st.booleans())
    if names and in_flow:
        members = ", ".join(f"{n}: {{image: x, port: 1}}" for n in names)
        write(1, f"models: {{ {members} }}")
    elif names:
        write(1, "models:")
        for name in names:
            if draw(st.booleans()):
                write(2, f"{name}: {{image: 'x', port: 1}}")
                continue
            write(2, f'"{name}":')
            write(3, "image: 'x'")
            write(3, "command:")
            write(4, "- one")
            write(4, '-   "two"')
            if draw(st.booleans()):
                write(3, "user:")
            if draw(st.booleans()):
                kept = draw(st.sampled_from(["|", "|+", ">-", ">+  # kept"]))
                blank = [""] * draw(st.integers(0, 2))
                lines.extend([f"{' ' * (step * 3)}text: {kept}", " " * (step * 4) + "a", *blank])
            write(3, "port: 1")
    elif spelling := draw(st.sampled_from(["", "models: {}", "models:", "models: ~"])):
        write(1, spelling)
    if draw(st.booleans()):
        write(1, "jobs: [1,  2]")
    ending = draw(st.sampled_from(["", newline, newline * 2]))
    return newline.join(lines).rstrip(" ") + ending


def same(left: Value, right: Value) -> bool:
    return json_text(left) == json_text(right)


def comments(text: str) -> list[str]:
    return [line.partition("#")[2].strip() for line in text.splitlines() if "#" in line]


@given(words)
def test_a_text_is_read_back_as_that_text(text: str) -> None:
    assert load(f"[{scalar(text)}]")[0] == [text]
    assert load(f"{scalar(text)}: {scalar(text)}")[0] == {text: text}
    assert load(f"- {scalar(text)}")[0] == [text]


@given(values)
def test_a_value_on_one_line_is_read_back_as_that_value(value: Value) -> None:
    assert "\n" not in flow(value)
    assert same(load(f"k: {flow(value)}")[0], {"k": value})


@given(files())
def test_a_new_entry_taken_out_again_leaves_every_byte(text: str) -> None:
    added = put(text, ("config", "models", "new"), ENTRY, opened=1, after="aws:region")
    left = drop(added, ("config", "models", "new"), and_map=True)
    config = load(text)[0]["config"]
    if config.get("models") or "models" not in config:
        assert left == text
        return
    old, new = (
        [line for line in said.splitlines() if line and "models:" not in line]
        for said in (text, left)
    )
    assert old == new
    assert comments(left) == comments(text), (
        "a map that held nothing may go, what is said of it not"
    )


@given(files())
def test_a_new_entry_is_lines_put_in_and_nothing_else(text: str) -> None:
    added = put(text, ("config", "models", "new"), ENTRY, opened=1)
    if "models: {" in text:
        return  # a map on one line stays on one line, or becomes lines where it was empty
    plain, ending = text.replace("models: ~", "models:"), "\r\n" if "\r\n" in text else "\n"
    assert only_inserted(f"{plain}{ending}", f"{added}{ending}")


@pytest.mark.parametrize("file", SHIPPED, ids=lambda f: f.stem)
def test_a_new_entry_in_a_shipped_file_is_lines_put_in_and_nothing_else(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    path = ("config", "neuron-ecs:models", "new")
    added = put(text, path, ENTRY, opened=1, after="neuron-ecs:capacity")
    assert only_inserted(text, added)
    assert drop(added, path, and_map=True) == text


def only_inserted(before: str, after: str) -> bool:
    """Whether the one text is the other with lines of text put in at one place."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    more = len(new) - len(old)
    return any(new[:at] + new[at + more :] == old for at in range(len(old) + 1))


@given(files())
def test_adding_keeps_every_comment(text: str) -> None:
    added = put(text, ("config", "models", "new"), ENTRY, opened=1)
    assert comments(added) == comments(text)


@given(files(), st.data())
def test_taking_an_entry_out_keeps_the_comments_of_the_others(
    text: str, data: st.DataObject
) -> None:
    known: dict[str, Value] = load(text)[0]["config"].get("models") or {}
    if not known:
        return
    name = data.draw(st.sampled_from(sorted(known)))
    left = drop(text, ("config", "models", name), and_map=True)
    kept = comments(left)
    rest = iter(comments(text))
    assert all(comment in rest for comment in kept), "no comment is written anew or moved"
    values = load(left)[0]["config"]
    assert same(values.get("models", {}), {k: v for k, v in known.items() if k != name})


@given(files())
def test_a_comment_at_the_column_of_the_entries_outlives_them(text: str) -> None:
    known: dict[str, Value] = load(text)[0]["config"].get("models") or {}
    begins = re.search(r"^( +)jobs:", text, re.MULTILINE)
    if not known or begins is None or "models: {" in text:
        return
    place = begins.start()
    left = f"{text[:place]}{begins[1] * 2}# stays\n{text[place:]}"
    for name in known:
        left = drop(left, ("config", "models", name), and_map=True)
        assert f"{begins[1] * 2}# stays\n" in left
    assert not load(left)[0]["config"]["models"]


@given(files(), values, st.data())
def test_setting_twice_is_setting_once(text: str, value: Value, data: st.DataObject) -> None:
    known: dict[str, Value] = load(text)[0]["config"].get("models") or {}
    name = data.draw(st.sampled_from([*sorted(known), "new"]))
    field = data.draw(st.sampled_from(["port", "image", "command", "more", "port.deep"]))
    path = ("config", "models", name, *field.split("."))
    try:
        once = put(text, path, value)
    except NotEditableError:
        assert field == "port.deep", "only a place inside of a number cannot be written"
        return
    assert put(once, path, value) == once
    found = load(once)[0]
    for step in path:
        found = found[step]
    assert same(found, value)


@given(files(), st.data())
def test_setting_a_scalar_touches_its_line_alone(text: str, data: st.DataObject) -> None:
    known: dict[str, Value] = load(text)[0]["config"].get("models") or {}
    if not known:
        return
    name = data.draw(st.sampled_from(sorted(known)))
    edited = put(text, ("config", "models", name, "port"), 8080)
    old, new = text.splitlines(keepends=True), edited.splitlines(keepends=True)
    [(before, after)] = [(o, n) for o, n in zip(old, new, strict=True) if o != n]
    assert "8080" in after
    assert comments(before) == comments(after)


def test_an_item_of_a_list_is_changed_in_its_line() -> None:
    text = "command:\n  - a   # first\n  - --max=4  # second\n"
    assert put(text, ("command", 1), "--max=8") == text.replace("--max=4", "--max=8")
    assert put(text, ("command",), ["a", "--max=8"]) == text.replace("--max=4", "--max=8")


def test_a_list_in_lines_stays_in_lines() -> None:
    text = "a:\n  command:\n    - x\n    - y\n  port: 1\n"
    edited = put(text, ("a", "command"), ["x", "y", "z: 1"])
    assert edited == 'a:\n  command:\n    - x\n    - y\n    - "z: 1"\n  port: 1\n'


@given(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=5),
    st.lists(st.sampled_from("abc"), max_size=5),
    st.sampled_from(["lines", "one line", "a flow map in lines"]),
    st.sampled_from(["\n", ""]),
)
def test_what_stays_in_a_list_keeps_its_comment(
    before: list[str], after: list[str], style: str, ending: str
) -> None:
    inner = [f"{x}  # {x} {i}" for i, x in enumerate(before)]
    match style:
        case "lines":
            text = "a:\n  command:\n" + "\n".join(f"  - {x}" for x in inner) + ending
        case "one line":
            text = f"a: {{command: [{', '.join(before)}]}}{ending}"
        case _:
            text = "a:\n  command: [\n    " + "\n    , ".join(inner) + "\n  ]" + ending
    edited = put(text, ("a", "command"), after)
    assert load(edited)[0] == {"a": {"command": after}}
    same = next((i for i, (x, y) in enumerate(zip(before, after, strict=False)) if x != y), None)
    stay = min(len(before), len(after)) if same is None else same
    if style == "lines" and after:
        assert edited.splitlines()[: 2 + stay] == text.splitlines()[: 2 + stay]
    assert edited.endswith("\n") == text.endswith("\n")


def test_one_item_more_or_less_is_one_line() -> None:
    text = "a:\n  ports:\n    - 80   # main\n    # the other\n    - 81\n  c: 1\n"
    assert put(text, ("a", "ports"), [80]) == text.replace("    - 81\n", "")
    assert put(text, ("a", "ports"), [81]) == text.replace("    - 80   # main\n", "")
    added = put(text, ("a", "ports"), [80, 81, 82])
    assert added == text.replace("    - 81\n", "    - 81\n    - 82\n")


EMPTY_VALUES = {
    "in the middle": "a:\n  port:\n  # next\n  b: 1\n",
    "with a comment": "a:\n  port:   # none yet\n  b: 1\n",
    "at the end": "a:\n  b: 1\n  port:\n\n# end\n",
    "with windows line ends": "a:\r\n  port:\r\n  b: 1\r\n",
    "in one line": "a: {b: 1, port: }\n",
}


@pytest.mark.parametrize("text", EMPTY_VALUES.values(), ids=EMPTY_VALUES.keys())
def test_a_key_without_a_value_is_given_one_or_taken_out(text: str) -> None:
    assert put(text, ("a", "port"), 80) == text.replace("port:", "port: 80")
    left = drop(text, ("a", "port"))
    assert load(left)[0] == {"a": {"b": 1}}
    assert [x for x in comments(text) if x != "none yet"] == comments(left)


def test_a_map_that_is_empty_gets_a_line_for_each_key() -> None:
    for spelling in ("models:", "models: {}", "models: ~", "models: null"):
        text = f"config:\n  {spelling}   # none\n    # put them here\n  b: 1\n"
        added = put(text, ("config", "models", "new"), {"port": 80}, opened=1)
        head, lines = (
            "config:\n  models:   # none\n    # put them here\n",
            "    new:\n      port: 80\n",
        )
        assert added == f"{head}{lines}  b: 1\n"


def test_comments_behind_the_last_entry_stay_with_the_map() -> None:
    text = "config:\n  models:\n    a: {port: 1}\n    # more to come\n  b: 1\n"
    left = drop(text, ("config", "models", "a"), and_map=True)
    assert left == "config:\n  models: {}\n    # more to come\n  b: 1\n"


def test_one_of_a_list_is_not_taken_out_but_told_how() -> None:
    with pytest.raises(NotEditableError) as caught:
        drop("a:\n  ports: [80, 81]\n", ("a", "ports", 1))
    assert caught.value.path == ("a", "ports", 1)
    assert "the whole list" in caught.value.fix


def test_a_map_keeps_what_is_equal() -> None:
    text = "replicas:\n  min:  1   # always\n  max: 4\n"
    assert put(text, ("replicas",), {"min": 1}) == "replicas:\n  min:  1   # always\n"
    assert put(text, ("replicas",), {"max": 4, "min": 1}) == text


def test_the_last_key_of_a_map_leaves_an_empty_map() -> None:
    text = "a:\n  # about b\n  b: 1\nc: 2\n"
    assert drop(text, ("a", "b")) == "a: {}\n  # about b\nc: 2\n"


def test_a_long_list_has_a_line_for_each_item() -> None:
    edited = put("a:\n  b: 1\n", ("a", "command"), ["word" * 10] * 3)
    assert edited.count("\n    - word") == 3


SHARED = {
    "an alias": ("a: &x {image: i}\nb: *x\n", ("b", "image"), 1),
    "an anchor": ("a: &x {image: i}\nb: *x\n", ("a", "image"), 1),
    "a merged key of another": ("a: &x {image: i}\nb:\n  <<: *x\n", ("a", "image"), 1),
    "an alias of an empty map": ("a: &x {}\nb: *x\n", ("b", "image"), 1),
    "inside of a number": ("a: 5\n", ("a", "b"), 1),
    "no such item": ("a: [1]\n", ("a", 3), 1),
    "a key twice": ("a: 1\na: 2\n", ("a",), 3),
}


@pytest.mark.parametrize("case", SHARED.values(), ids=SHARED.keys())
def test_what_would_change_more_than_is_meant_is_refused(
    case: tuple[str, tuple[str | int, ...], Value],
) -> None:
    text, path, value = case
    with pytest.raises(NotEditableError) as caught:
        put(text, path, value, opened=1)
    assert caught.value.what
    assert caught.value.fix


def test_an_anchor_that_is_needed_does_not_go() -> None:
    with pytest.raises(NotEditableError, match="anchor"):
        drop("a: &x {image: i}\nb: *x\n", ("a",))


def test_a_key_that_comes_from_a_merge_is_overridden_and_not_taken_out() -> None:
    text = "a: &x {image: i}\nb:\n  <<: *x\n"
    assert put(text, ("b", "image"), "j") == text + "  image: j\n"
    with pytest.raises(NotEditableError):
        drop(text, ("b", "image"))
