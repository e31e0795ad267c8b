"""Entries of `shapes`: what the stack file says of models that no table knows."""

from collections.abc import Iterator, Mapping

from catalog import LanguageModel
from config.explaining import path_of
from config.shapes import Shape
from messages.finding import Severity
from messages.phrases import flow, listed
from planning.rules.rule import Report, rule
from planning.serving import shapes
from planning.situation import Situation


def _path(*steps: str) -> str:
    return path_of(("shapes", *steps))


@rule(
    "NE950",
    "Shape is like an unknown model",
    Severity.ERROR,
    "The shape of such a model is known neither from language_models.csv nor from the stack file.",
    do="Name a model of the table or of shapes, or write the numbers of its config.json.",
    table="language_models",
)
def like_of_nobody(s: Situation) -> Iterator[Report]:
    """`catalog show language_models` lists the models of the table."""
    for name, entry in s.settings.shapes.items():
        known = [*s.catalog.serving.models, *(n for n in s.settings.shapes if n != name)]
        last = entry.like
        if last and last not in s.settings.shapes and not shapes.row_of(last, s.catalog):
            yield Report(
                _path(name, "like"),
                f"names {last}, whose shape is not known",
                f"did you mean {shapes.nearest(last, known)}?",
            )


@rule(
    "NE951",
    "Shapes are like each other in a circle",
    Severity.ERROR,
    "Each of them takes its numbers from the next, and none says any.",
    do="Write the numbers of one of them, or name a model of the table.",
)
def circle_of_shapes(s: Situation) -> Iterator[Report]:
    """planning/serving/shapes.py follows `like` until an entry has numbers or a row is found."""
    for name in s.settings.shapes:
        chain = shapes.chain(name, s.settings)
        if (
            name in chain[1:]
            and name == min(chain)
            and shapes.shape_of(name, s.settings, s.catalog) is None
        ):
            model = shapes.nearest(name, s.catalog.serving.models)
            yield Report(
                _path(name, "like"),
                f"is {chain[1]}, and leads back to {name}",
                f"write {model}: it is a row of the table",
            )


@rule(
    "NE952",
    "Shape says too little",
    Severity.ERROR,
    "Memory is estimated from all of these numbers; each has its line in the model's config.json.",
    do="Write them, or the model that it is like.",
)
def shape_says_too_little(s: Situation) -> Iterator[Report]:
    """planning/serving/memory.py: weights and KV cache follow from these numbers."""
    for name, entry in s.settings.shapes.items():
        if lacking := shapes.missing(entry):
            rows = s.catalog.serving.models
            alike = [n for n in shapes.near(name, rows) if _agrees(entry, rows[n])]
            like = alike[0] if alike else shapes.nearest(name, rows)
            yield Report(
                _path(name, lacking[0]),
                "is missing" + (f", and so is {listed(lacking[1:])}" if lacking[1:] else ""),
                f"write like: {like}, if it has the same shape; or run `neuron-ecs models add` "
                "with --config and its config.json",
            )


@rule(
    "NE953",
    "Heads cannot be divided so",
    Severity.ERROR,
    "Each KV head serves the same number of query heads, and the heads share the width of the "
    "model where head_dim says no other.",
    do="Write the numbers of config.json: num_attention_heads, num_key_value_heads, head_dim.",
)
def heads_not_divided(s: Situation) -> Iterator[Report]:
    """https://github.com/huggingface/transformers, models/llama/modeling_llama.py: repeat_kv
    repeats each KV head num_attention_heads // num_key_value_heads times; head_dim is hidden_size
    // num_attention_heads."""
    for name, entry in s.settings.shapes.items():
        model = shapes.shape_of(name, s.settings, s.catalog)
        said = shapes.written(entry)
        if model is None:
            continue
        if model.heads % model.kv_heads and (path := _first(said, "kv_heads", "heads")):
            fitting = max(n for n in range(1, model.heads + 1) if _divides(n, model))
            yield Report(
                _path(name, path),
                f"is {said[path]}: {model.heads} heads cannot share {model.kv_heads} KV heads",
                f"write kv_heads: {fitting}",
            )
        if not entry.like and entry.head_dim is None and model.hidden % model.heads:
            yield Report(
                _path(name, "heads"),
                f"is {model.heads}, which does not divide the width of {model.hidden}",
                f"write head_dim: {model.head_dim}",
            )


def _agrees(entry: Shape, model: LanguageModel) -> bool:
    """Whether what the entry says can stand beside the numbers of the model."""
    heads, kv_heads = entry.heads or model.heads, entry.kv_heads or model.kv_heads
    windowed = entry.windowed_layers or model.windowed_layers
    window = model.window if entry.window is None else entry.window
    layers = entry.layers or model.layers
    return heads % kv_heads == 0 and windowed <= layers and bool(window or not windowed)


def _divides(number: int, model: LanguageModel) -> bool:
    return model.heads % number == 0 and number <= model.kv_heads


def _first(said: Mapping[str, object], *names: str) -> str | None:
    return next((n for n in names if n in said), None)


@rule(
    "NE954",
    "Window without its layers, or layers without a window",
    Severity.ERROR,
    "Of these layers the cache keeps the last tokens alone, as many as the window has.",
    do="Write both, with no more windowed layers than layers.",
)
def window_of_no_layers(s: Situation) -> Iterator[Report]:
    """planning/serving/memory.py: the KV cache of windowed layers."""
    for name, entry in s.settings.shapes.items():
        model = shapes.shape_of(name, s.settings, s.catalog)
        said = shapes.written(entry)
        path = _first(said, "windowed_layers", "layers")
        if model is None or path is None:
            continue
        if model.windowed_layers > model.layers:
            what = f"is {said[path]}: of {model.layers} layers {model.windowed_layers} cannot "
            yield Report(
                _path(name, path), what + "have a window", f"write windowed_layers: {model.layers}"
            )
        elif model.windowed_layers and not model.window:
            what = f"is {said[path]}, and no window is given"
            yield Report(_path(name, path), what, "write window: 4096, or windowed_layers: 0")


@rule(
    "NE955",
    "Shape says otherwise than the table",
    Severity.NOTE,
    "What the stack file says is used.",
    do="Leave out what the table knows.",
    table="language_models",
)
def departs_from_the_table(s: Situation) -> Iterator[Report]:
    """language_models.csv has the source of each row."""
    for name in s.settings.shapes:
        row, model = shapes.row_of(name, s.catalog), shapes.shape_of(name, s.settings, s.catalog)
        for field in shapes.departures(name, s.settings, s.catalog):
            yield Report(
                _path(name, field),
                f"is {flow(getattr(model, field))}; the table has {flow(getattr(row, field))}",
                "leave it out, or silence NE955 with the reason",
            )


RULES = (
    like_of_nobody,
    circle_of_shapes,
    shape_says_too_little,
    heads_not_divided,
    window_of_no_layers,
    departs_from_the_table,
)
