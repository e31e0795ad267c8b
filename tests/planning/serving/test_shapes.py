"""What the stack file says of a model, and what the table has."""

import json

from catalog import load
from config import parse
from config.settings import Settings
from planning.serving.memory import parameters
from planning.serving.shapes import REQUIRED, missing, near, shape_of
from tests.planning.stacks import Entry, groups

KNOWN = load()
EIGHT = "meta-llama/Llama-3.1-8B-Instruct"
NUMBERS: Entry = {
    "model_type": "llama",
    "layers": 32,
    "hidden": 4096,
    "heads": 32,
    "mlp": 14336,
    "vocabulary": 128256,
    "max_positions": 8192,
}


def settings(**shapes: Entry) -> Settings:
    keys: Entry = {"regions": {"us-west-2": {}}, "capacity": {"pool": groups()}, "shapes": shapes}
    return parse({key: json.dumps(value) for key, value in keys.items()})


def test_a_row_is_found_in_any_case_and_nothing_by_another_name() -> None:
    assert shape_of(EIGHT.lower(), settings(), KNOWN) is KNOWN.serving.models[EIGHT]
    assert shape_of("Llama-3.1-8B-Instruct", settings(), KNOWN) is None


def test_an_entry_is_like_another_and_says_what_differs() -> None:
    given = settings(mine={"like": "yours", "needs_token": False}, yours={"like": EIGHT})
    found = shape_of("mine", given, KNOWN)
    assert found is not None
    assert (found.id, found.layers, found.needs_token) == ("mine", 32, False)
    assert found.note == f"shape of {EIGHT}, as the stack file says"


def test_an_entry_of_numbers_has_defaults_of_a_llama() -> None:
    found = shape_of("mine", settings(mine=NUMBERS), KNOWN)
    assert found is not None
    assert (found.kind, found.kv_heads, found.head_dim, found.gated) == ("decoder", 32, 128, True)
    assert (found.experts, found.windowed_layers, found.tied) == (1, 0, False)
    windowed = shape_of("mine", settings(mine=NUMBERS | {"window": 4096}), KNOWN)
    assert windowed is not None and windowed.windowed_layers == 32, "every layer has the window"


def test_what_an_entry_says_comes_before_the_row() -> None:
    given = Settings.model_validate(
        settings().model_dump() | {"shapes": {EIGHT: {"like": EIGHT, "max_positions": 8192}}}
    )
    found = shape_of(EIGHT, given, KNOWN)
    assert found is not None and (found.max_positions, found.layers) == (8192, 32)


def test_a_circle_and_too_few_numbers_are_no_shape() -> None:
    given = settings(a={"like": "b"}, b={"like": "a"}, c={"layers": 1}, d={"like": "c"})
    assert [shape_of(name, given, KNOWN) for name in "abcd"] == [None] * 4
    assert missing(given.shapes["c"]) == tuple(n for n in REQUIRED if n != "layers")


def test_an_encoder_has_positions_and_no_output() -> None:
    bert: Entry = {
        "model_type": "bert",
        "kind": "encoder",
        "layers": 12,
        "hidden": 768,
        "heads": 12,
        "mlp": 3072,
        "vocabulary": 30522,
        "max_positions": 512,
    }
    found = shape_of("bert", settings(bert=bert), KNOWN)
    assert found is not None and not found.gated
    assert round(parameters(found) / 1e6) == 109


def test_the_nearest_id_shares_the_most_words() -> None:
    assert near("acme/llama-3.1-8b-tuned", KNOWN.serving.models)[0] == EIGHT
