"""Looks up what people name: models, Regions, instance types; and proposes the nearest."""

from collections.abc import Iterable, Sequence

from catalog import Catalog, LanguageModel
from messages.phrases import closest_key, listed
from neuron_ecs.terminal import UsageError
from planning.serving.shapes import near, words_of


def model_called(name: str, known: Catalog) -> LanguageModel:
    """The model of that id, whatever the case; its last part alone will do.

    Raises `UsageError` with what to do about an id that no table has: a model of a near name, or
    what it needs.
    """
    wanted = name.lower()
    for model in known.serving.models.values():
        if wanted in (model.id.lower(), model.id.rpartition("/")[2].lower()):
            return model
    found = [i for i in near(name, known.serving.models) if words_of(i) & words_of(name)][:4]
    nearest = (
        f"nearest are {listed(found)}" if found else "see `neuron-ecs catalog show language_models`"
    )
    raise UsageError(
        f"--model: the shape of {name[:120]} is not known; {nearest}. For another language model "
        "give its config.json (--config); for what is none, such as an image or speech model, the "
        "memory that it needs on a core (--core-memory-gib) or a device (--device-memory-gib)"
    )


def check_regions(names: Sequence[str], known: Catalog, option: str) -> None:
    """Raises `UsageError` about the first name that is no Region; `option` gave it."""
    for name in names:
        if name not in known.places.regions:
            hint = _nearest(name, known.places.regions)
            raise UsageError(f"{option}: {name} is no Region{hint}")


def check_types(patterns: Sequence[str], known: Catalog) -> None:
    """Raises `UsageError` about the first pattern that no instance type with devices has."""
    types = known.instances.neuron_types
    for pattern in patterns:
        if not any(name in types for name in known.instances.matching(pattern)):
            what = f"is no instance type with Neuron devices{_nearest(pattern, types)}"
            raise UsageError(f"--types: {pattern} {what}")


def _nearest(word: str, words: Iterable[str]) -> str:
    found = closest_key(word, list(words))
    return f"; did you mean {found}?" if found else ""
