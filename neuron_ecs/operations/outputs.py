"""Physical names of a stack's resources, from the outputs of its last update."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from neuron_ecs.files import JSON_BYTES, FileError, name_of, parse_json, read_text
from neuron_ecs.operations.observed import Names
from neuron_ecs.terminal import UsageError


def read_outputs(path: Path) -> dict[str, Names]:
    """Physical names by Region from `pulumi stack output --json`. Raises `UsageError`."""
    try:
        text = read_text(path, JSON_BYTES)
    except FileError as error:
        raise UsageError(f"{name_of(path)} {error.what}; {_MAKE_OUTPUTS}") from None
    try:
        regions = _map(_map(parse_json(text))["regions"])
        return {name: _names(_map(value)) for name, value in regions.items()}
    except (ValueError, KeyError, TypeError):
        wrong = f"{name_of(path)} does not contain this stack's outputs"
        raise UsageError(f"{wrong}; {_MAKE_OUTPUTS}") from None


_MAKE_OUTPUTS = "write it with `pulumi stack output --json > outputs.json`"


def _map(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError
    return cast("dict[str, object]", value)


def _names(outputs: Mapping[str, object]) -> Names:
    def texts(key: str) -> dict[str, str]:
        return {name: str(value) for name, value in _map(outputs.get(key, {})).items()}

    return Names(
        clusters=texts("clusters"),
        capacity_providers=texts("capacity_providers"),
        services=texts("services"),
        task_definitions=texts("task_definitions"),
    )
