"""The JSON is of the form that its schema describes, which is the one of the docs."""

import json
from typing import Any, cast

import jsonschema
import pytest
from hypothesis import given

from neuron_ecs.diff import json_page
from neuron_ecs.diff.document import document, not_compared
from tests.neuron_ecs.diff.pairs import compared, pairs, shared
from tests.neuron_ecs.diff.test_laws import FEW
from tests.planning.stacks import Config, changed, groups, stack, work


def closed(value: Any) -> Any:
    """The schema without room for keys that it does not name."""
    if isinstance(value, dict):
        members = {k: closed(v) for k, v in cast("dict[str, Any]", value).items()}
        if isinstance(members.get("properties"), dict) and members.get("type") == "object":
            members["additionalProperties"] = False
        return members
    if isinstance(value, list):
        return [closed(item) for item in cast("list[Any]", value)]
    return value


def validate(found: object, schema: dict[str, Any]) -> None:
    """Raises where the document, as it is printed, is not of the schema."""
    printed = json.loads(json.dumps(found))
    jsonschema.validate(printed, schema)  # pyright: ignore[reportUnknownMemberType], an untyped package


def conforms(found: object) -> None:
    """Raises where the document is not of the form or has another key."""
    validate(found, closed(json_page.schema()))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_page.schema())


def test_the_schema_is_open_to_keys_that_a_later_program_adds() -> None:
    found: dict[str, Any] = {**not_compared("dev", "why")}
    found["later"] = 1
    validate(found, json_page.schema())
    with pytest.raises(jsonschema.ValidationError):
        conforms(found)


@FEW
@given(pairs())
def test_what_any_pair_of_stack_files_gives_is_of_the_form(pair: tuple[Config, Config]) -> None:
    found = compared(*pair, graph=True)
    conforms(document(found))


def test_so_is_what_is_refused_unpriced_disturbed_or_not_compared() -> None:
    base = shared(("a", 1), ("b", 1))
    spot = stack(
        capacity={"pool": groups("inf2.xlarge", 2, purchase="spot")}, models={"a": work(1)}
    )
    block = stack(
        capacity={
            "pool": groups(
                "trn1.32xlarge",
                1,
                purchase="capacity_block",
                reservation_ids={"us-west-2": "cr-0a1b2c3d4e5f60718"},
            )
        },
        models={"a": work("all")},
    )
    for before, after in (
        (base, changed(base, "models.a", neuron_devices=40)),
        (base, shared(("b", 1), ("c", 3), max_size=1)),
        (base, shared(("a", 1), ("b", 1), ("c", 2))),
        (spot, base),
        (base, block),
        (block, spot),
    ):
        for graph in (True, False):
            found = compared(before, after, graph=graph)
            conforms(document(found))
    conforms(not_compared("dev", "no common ancestor"))
