"""Configuration files of public models give the parameters that their cards state."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import load
from config import Shape
from planning.serving.configuration import Configuration, ConfigurationError, configuration
from planning.serving.memory import parameters
from planning.serving.shapes import completed, entry_of, numbers

KNOWN = load()
FILE = Path(__file__).with_name("configurations.json")
MODELS: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
SPARE: dict[str, Any] = MODELS["Qwen/Qwen2.5-0.5B-Instruct"]["config"]


def read(value: object) -> Configuration:
    return configuration(value, KNOWN)


def refusal(value: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(value)
    return str(caught.value)


def test_there_are_twenty_models_of_every_family() -> None:
    types = {model["config"]["model_type"] for model in MODELS.values()}
    assert len(MODELS) >= 20
    assert types >= {"llama", "qwen2", "qwen3", "qwen3_moe", "mistral", "mixtral", "gemma"}
    assert types >= {"granite", "phi3", "gpt_oss", "bert", "mpnet", "xlm-roberta"}


@pytest.mark.parametrize("name", MODELS)
def test_the_parameters_are_those_that_the_card_states(name: str) -> None:
    model = completed(name, read(MODELS[name]["config"]).shape)
    published = MODELS[name]["billions"]
    assert parameters(model) / 1e9 == pytest.approx(published, rel=0.02), MODELS[name]["source"]


@pytest.mark.parametrize("name", sorted(MODELS.keys() & KNOWN.serving.models.keys()))
def test_the_file_says_what_the_table_says(name: str) -> None:
    row = KNOWN.serving.models[name]
    model = completed(name, read(MODELS[name]["config"]).shape)
    assert numbers(model) == numbers(row)
    assert model.max_positions >= row.max_positions, "cards promise no more than the file"


KEYS = sorted({key for model in MODELS.values() for key in model["config"]} | {"text_config"})
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([1])
)


@given(st.sampled_from(sorted(MODELS)), st.dictionaries(st.sampled_from(KEYS), ODD, max_size=3))
def test_a_file_with_odd_values_is_refused_or_is_an_entry_of_shapes(
    name: str, odd: dict[str, object]
) -> None:
    try:
        found = read(MODELS[name]["config"] | odd)
    except ConfigurationError as error:
        assert len(str(error)) < 400
        return
    model = completed("acme/a", found.shape)
    entry = Shape.model_validate_json(json.dumps(entry_of(model)))
    assert completed("acme/a", entry) == model, "the shortest entry says the same"


def test_a_window_counts_where_the_architecture_uses_it() -> None:
    def windowed(**more: object) -> int | None:
        return read(SPARE | more).shape.windowed_layers

    assert windowed(sliding_window=4096) is None, "not without use_sliding_window"
    assert windowed(sliding_window=4096, use_sliding_window=True, max_window_layers=20) == 4
    types = ["full_attention", "sliding_attention"] * 12
    assert windowed(sliding_window=4096, use_sliding_window=True, layer_types=types) == 12


def test_a_model_that_sees_is_read_by_its_language_part() -> None:
    found = read({"model_type": "llava", "text_config": SPARE})
    assert found.shape.layers == 24
    assert found.notes == ("only its language part is counted",)


def test_a_model_without_an_output_for_words_embeds() -> None:
    assert read(SPARE | {"architectures": ["Qwen2Model"]}).shape.kind == "embedding"
    assert read(SPARE | {"architectures": ["Qwen2ForCausalLM"]}).shape.kind == "decoder"


def test_the_id_is_taken_where_the_file_has_one() -> None:
    assert read(SPARE | {"_name_or_path": "Qwen/Qwen2.5-0.5B"}).model_id == "Qwen/Qwen2.5-0.5B"
    for path in ("/root/model", "./model", "model", "a/b/c"):
        assert read(SPARE | {"_name_or_path": path}).model_id is None


def test_quantized_weights_are_counted_whole() -> None:
    assert "quantized" in " ".join(read(SPARE | {"quantization_config": {"bits": 4}}).notes)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "no map"),
        ({}, "has no model_type"),
        ({"model_type": "whisper"}, "whisper, which is not known here"),
        ({"model_type": "llama"}, "does not say num_hidden_layers, hidden_size"),
        (SPARE | {"num_hidden_layers": "24"}, "from 1 to 100,000,000 for num_hidden_layers"),
        (SPARE | {"head_dim": 0}, "for head_dim"),
        (SPARE | {"hidden_size": True}, "for hidden_size"),
    ],
)
def test_what_cannot_be_read_is_told(value: object, said: str) -> None:
    assert said in refusal(value)
