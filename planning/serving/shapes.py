"""The shape of a language model: what the stack file says of it, else its row of the table."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from difflib import SequenceMatcher
from operator import attrgetter

from catalog import Catalog, LanguageModel
from config import Settings, Shape

numbers = attrgetter(
    *("model_type", "kind", "layers", "hidden", "heads", "kv_heads", "head_dim", "mlp", "gated"),
    *("experts", "vocabulary", "windowed_layers", "window", "tied"),
)
"""What decides memory and compilation: the shape without names, rights and positions."""

REQUIRED = ("model_type", "layers", "hidden", "heads", "mlp", "vocabulary", "max_positions")
"""What an entry without `like` must say."""


def shape_of(model_id: str, settings: Settings, catalog: Catalog) -> LanguageModel | None:
    """The shape of a model by the id that a server is told, or ``None`` if nobody knows it.

    The entry of the stack file's `shapes` comes before the row of `language_models.csv`, whose id
    may be in any case. ``None`` as well for an entry that says too little, or that is like a model
    that is not known: rules report these.
    """
    return _resolved(model_id, settings, catalog, ())


def on_hub(model_id: str) -> bool:
    """Whether a model is an id on the hub, and neither a directory nor a prefix of S3."""
    return not model_id.startswith(("/", ".", "s3://"))


def row_of(model_id: str, catalog: Catalog) -> LanguageModel | None:
    """The row of `language_models.csv`, whatever the case of the id."""
    exact = catalog.serving.models.get(model_id)
    wanted = model_id.lower()
    return exact or next(
        (m for i, m in catalog.serving.models.items() if i.lower() == wanted), None
    )


def chain(model_id: str, settings: Settings) -> tuple[str, ...]:
    """The entries that lead from a model to its numbers, each `like` the next.

    The last one may be no entry: it is a row of the table, or unknown. A model that is like itself
    is like the row of its own name. The last id is one of the others if the chain is a circle.
    """
    found = [model_id]
    while (entry := settings.shapes.get(found[-1])) is not None and entry.like is not None:
        found.append(entry.like)
        if entry.like in found[:-1]:
            break
    return tuple(found)


def missing(shape: Shape) -> tuple[str, ...]:
    """What an entry without `like` must say and does not."""
    return () if shape.like else tuple(n for n in REQUIRED if getattr(shape, n) is None)


def written(shape: Shape) -> dict[str, object]:
    """What an entry says, without `like`."""
    return shape.model_dump(exclude={"like"}, exclude_none=True)


def completed(model_id: str, shape: Shape) -> LanguageModel:
    """The shape that an entry without `like` says, with the defaults of what it leaves out."""
    assert not missing(shape), "it says too little"
    given = written(shape)
    heads, hidden = shape.heads or 1, shape.hidden or 1
    kind = shape.kind or "decoder"
    base: dict[str, object] = {
        "kind": kind,
        "kv_heads": heads,
        "head_dim": hidden // heads,
        "gated": kind != "encoder",
        "experts": 1,
        "windowed_layers": shape.layers if shape.window else 0,
        "window": 0,
        "tied": False,
        "needs_token": False,
        "note": "",
    }
    return _made(model_id, {**base, **given})


def entry_of(model: LanguageModel) -> dict[str, object]:
    """The shortest entry of `shapes` that says this shape."""
    said = {n: v for n, v in asdict(model).items() if n in Shape.model_fields}
    needed = {name: said[name] for name in (*REQUIRED, "kind")}
    defaults = asdict(completed(model.id, Shape.model_validate(needed)))
    defaults["kind"] = "decoder"
    return {n: v for n, v in said.items() if n in REQUIRED or v != defaults[n]}


def alike(model: LanguageModel, catalog: Catalog) -> frozenset[str]:
    """The ids of a model and of those of the table that have its shape.

    They need the same memory, and compile alike: names, rights and positions decide neither.
    """
    same = (m.id for m in catalog.serving.models.values() if numbers(m) == numbers(model))
    return frozenset((model.id, *same))


def how_to_fit(model_id: str, settings: Settings, catalog: Catalog) -> str:
    """The command that lists the types which serve a model, or the one that it is like."""
    row = row_of(chain(model_id, settings)[-1], catalog)
    return f"neuron-ecs fit {f'--model {row.id}' if row else '--config config.json'}"


def _resolved(
    model_id: str, settings: Settings, catalog: Catalog, above: Iterable[str]
) -> LanguageModel | None:
    entry = settings.shapes.get(model_id) if model_id not in above else None
    if entry is None:
        return row_of(model_id, catalog)
    if entry.like is None:
        return None if missing(entry) else completed(model_id, entry)
    base = _resolved(entry.like, settings, catalog, (*above, model_id))
    if base is None:
        return None
    note = base.note or f"shape of {base.id}, as the stack file says"
    return _made(model_id, {**asdict(base), "note": note, **written(entry)})


def _made(model_id: str, values: dict[str, object]) -> LanguageModel:
    return LanguageModel(**{**values, "id": model_id})  # pyright: ignore[reportArgumentType] (typed by Shape)


def departures(model_id: str, settings: Settings, catalog: Catalog) -> Iterator[str]:
    """The fields in which the stack file's entry of a model differs from the table's row."""
    row, said = row_of(model_id, catalog), shape_of(model_id, settings, catalog)
    if row is not None and said is not None and model_id in settings.shapes:
        names = [n for n in written(settings.shapes[model_id]) if n in asdict(row)]
        yield from (n for n in names if getattr(row, n) != getattr(said, n))


def words_of(model_id: str) -> frozenset[str]:
    """The words of an id, in lower case: `{qwen, qwen3, 8b}`."""
    return frozenset(p for p in re.split(r"[^a-z0-9.]+", model_id.lower()) if p)


def near(name: str, ids: Iterable[str]) -> list[str]:
    """The ids in order of what their names share with this one: words first, then spelling."""

    def rank(other: str) -> tuple[int, float, str]:
        alike = SequenceMatcher(None, name[:120].lower(), other.lower()).ratio()
        return -len(words_of(other) & words_of(name)), -alike, other

    return sorted(ids, key=rank)


def nearest(name: str, ids: Iterable[str]) -> str:
    """The first id of `near`; the name itself if there is none."""
    return next(iter(near(name, ids)), name)
