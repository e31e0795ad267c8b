"""Reads the shape of a model from its configuration file of Hugging Face (`config.json`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from catalog import Catalog, ModelType
from config import Shape
from messages.phrases import listed

MOST = 100_000_000
"""The largest number that a shape can have."""

OTHER_NAMES = {
    "num_hidden_layers": "n_layers",
    "hidden_size": "dim",
    "num_attention_heads": "n_heads",
}
"""Keys that some architectures spell otherwise."""


class ConfigurationError(ValueError):
    """The file is no configuration that can be read. The text says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The shape that a configuration file says, the model's id if it says one, and caveats."""

    shape: Shape
    model_id: str | None
    notes: tuple[str, ...]


def configuration(value: object, catalog: Catalog) -> Configuration:
    """Reads the value of a `config.json`. Raises `ConfigurationError`.

    Of a model that also sees or hears only the language part is read (`text_config`). Keys that
    the file leaves out have the defaults of the library that wrote it.
    """
    if not isinstance(value, dict):
        raise ConfigurationError("holds no map of keys; give the config.json of a model")
    whole = cast("Mapping[str, object]", value)
    notes: list[str] = []
    part = whole.get("text_config")
    values = whole
    if "num_hidden_layers" not in whole and isinstance(part, dict):
        values = cast("Mapping[str, object]", part)
        notes.append("only its language part is counted")
    if whole.get("quantization_config") is not None:
        notes.append("its checkpoint is quantized; bf16 is counted")
    kind = _type(values, catalog)
    numbers = _numbers(values, kind)
    if kind.kind == "decoder" and _embeds(whole):
        numbers["kind"] = "embedding"
    name = whole.get("_name_or_path")
    is_id = isinstance(name, str) and name.count("/") == 1 and not name.startswith(("/", "."))
    return Configuration(
        Shape.model_validate(numbers), cast(str, name) if is_id else None, tuple(notes)
    )


def _type(values: Mapping[str, object], catalog: Catalog) -> ModelType:
    types = catalog.serving.model_types
    said = values.get("model_type")
    if not isinstance(said, str):
        raise ConfigurationError(
            "has no model_type; give the config.json of a model of Hugging Face transformers"
        )
    if said not in types:
        raise ConfigurationError(
            f"is of the architecture {said[:64]}, which is not known here; "
            "`neuron-ecs catalog show model_types` lists those that are: of another language model "
            "write the numbers under shapes, of what is none say what it needs (--core-memory-gib)"
        )
    return types[said]


def _numbers(values: Mapping[str, object], kind: ModelType) -> dict[str, object]:
    """The fields of the shape. Raises `ConfigurationError` for the keys that are missing."""
    needed = {
        "layers": "num_hidden_layers",
        "hidden": "hidden_size",
        "heads": "num_attention_heads",
        "mlp": kind.mlp,
        "vocabulary": "vocab_size",
        "max_positions": "max_position_embeddings",
        **({"experts": kind.experts} if kind.experts else {}),
    }
    found = {field: _value(values, key) for field, key in needed.items()}
    if lacking := [needed[field] for field, number in found.items() if number is None]:
        raise ConfigurationError(f"does not say {listed(lacking)}; give the whole config.json")
    optional = {
        "kv_heads": "num_key_value_heads",
        "head_dim": "head_dim",
        "window": "sliding_window",
    }
    found |= {f: values[key] for f, key in optional.items() if values.get(key) is not None}
    keys = {**needed, **optional}
    if wrong := [keys[f] for f, n in found.items() if not (type(n) is int and 0 < n <= MOST)]:
        raise ConfigurationError(f"says no whole number from 1 to {MOST:,} for {listed(wrong)}")
    numbers = cast("dict[str, int]", found)
    windowed = _windowed(values, kind, numbers["layers"]) if "window" in numbers else 0
    if not windowed:
        numbers.pop("window", None)
    tied = values.get("tie_word_embeddings")
    more: dict[str, object] = {
        "model_type": kind.model_type,
        "kind": kind.kind,
        **({"head_dim": kind.head_dim} if kind.head_dim else {}),
        **numbers,
        "max_positions": max(1, numbers["max_positions"] - kind.unusable_positions),
        "gated": kind.gated,
        "tied": tied if isinstance(tied, bool) else kind.tied,
    }
    return {**more, **({"windowed_layers": windowed} if windowed else {})}


def _value(values: Mapping[str, object], key: str) -> object:
    return values.get(key, values.get(OTHER_NAMES.get(key, key)))


def _windowed(values: Mapping[str, object], kind: ModelType, layers: int) -> int:
    """The number of layers with a window."""
    types, first = values.get("layer_types"), values.get("max_window_layers")
    if kind.window == "none" or (kind.window == "flagged" and not values.get("use_sliding_window")):
        return 0
    if isinstance(types, list):
        return min(layers, cast("list[object]", types).count("sliding_attention"))
    if kind.window == "second":
        return (layers + 1) // 2
    if kind.window == "all_but_sixth":
        return layers - layers // 6
    unwindowed = first if kind.window == "flagged" and isinstance(first, int) else 0
    return max(0, layers - unwindowed)


def _embeds(whole: Mapping[str, object]) -> bool:
    """Whether the file names a model without an output for words: `MistralModel`."""
    names = whole.get("architectures")
    listed_names = cast("list[object]", names) if isinstance(names, list) else []
    return any(isinstance(n, str) and n.endswith("Model") for n in listed_names)
