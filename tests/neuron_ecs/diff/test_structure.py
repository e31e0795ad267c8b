"""Laws of the comparison of values."""

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from neuron_ecs.diff.structure import ABSENT, ValueChange, applied, at, decoded, differences, same
from planning.document import Json

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab{}[]", max_size=3)
values: st.SearchStrategy[Json] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(values)
def test_a_value_does_not_differ_from_itself(value: Json) -> None:
    assert list(differences(value, value)) == []


@given(values, values)
def test_the_differences_applied_to_the_first_give_the_second(first: Json, second: Json) -> None:
    assert same(applied(first, list(differences(first, second))), second)


@given(values, values)
def test_the_way_back_is_the_mirror_of_the_way_there(first: Json, second: Json) -> None:
    there = [ValueChange(d.path, d.after, d.before) for d in differences(first, second)]
    assert [f.path for f in there] == [f.path for f in differences(second, first)]
    assert same(applied(second, there), first)


def test_containers_are_compared_key_by_key_and_never_as_a_text() -> None:
    before, after = (
        decoded(
            json.dumps(
                [
                    {"name": "side", "image": "s:1"},
                    {"name": "main", "environment": [{"name": "LEVEL", "value": level}]},
                ]
            ),
            "containerDefinitions",
        )
        for level in ("info", "debug")
    )
    assert list(differences(before, after)) == [
        ValueChange(("main", "environment", "LEVEL", "value"), "info", "debug")
    ]


def test_user_data_is_read_as_lines() -> None:
    text = base64.b64encode(b"#!/bin/sh\necho one\n").decode()
    assert decoded(text, "userData") == ["#!/bin/sh", "echo one"]
    assert decoded("not base64!", "userData") == "not base64!"


def test_what_is_absent_is_not_null() -> None:
    assert list(differences({}, {"a": None})) == [ValueChange(("a",), ABSENT, None)]
    assert at({"a": [{"b": 1}]}, ("a", "0", "b")) == 1
    assert at({"a": 1}, ("a", "b")) is ABSENT
