"""Reads a `config.json` that people name as the shape of a model."""

from dataclasses import replace
from pathlib import Path

from catalog import Catalog, LanguageModel
from config.shapes import is_model_id
from neuron_ecs.files import FileError, parse_json, read_text
from neuron_ecs.terminal import UsageError
from planning.serving.configuration import ConfigurationError, configuration
from planning.serving.shapes import completed

CONFIGURATION_BYTES = 1_000_000
"""The most that a configuration file may have: a hundred times the longest of our tests."""


def read_model(path: Path, model_id: str | None, catalog: Catalog) -> LanguageModel:
    """The shape that the file says, under the id given or else the one in the file.

    What is not counted is its note. Raises `UsageError`.
    """
    try:
        found = configuration(parse_json(read_text(path, CONFIGURATION_BYTES)), catalog)
    except ConfigurationError as error:
        what, _, fix = str(error).partition("; ")
        raise FileError(path, what, fix or "give the config.json of a model as it is") from None
    except ValueError:
        raise FileError(path, "is no JSON", "give the config.json of a model") from None
    name = model_id or found.model_id
    if name is None:
        raise UsageError("--config: the file does not say the model's id; give it with --model")
    if not is_model_id(name):
        raise UsageError(f"--model: {name[:120]} is no id such as meta-llama/Llama-3.1-8B-Instruct")
    model = completed(name, found.shape)
    if model.heads % model.kv_heads or not model.head_dim:
        what = (
            f"says {model.heads} heads, which cannot share {model.kv_heads} KV heads and a width "
            f"of {model.hidden}"
        )
        raise FileError(path, what, "give the config.json of a model as it is")
    return replace(model, note="; ".join(found.notes))
