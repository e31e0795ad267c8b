"""The stack file's models document themselves."""

from collections.abc import Iterator
from typing import get_args

import pytest
from pydantic import BaseModel, ValidationError

from config import Replicas, Settings
from config.annotations import bare, hints, is_model
from config.changes import Change, cost
from config.values import Strict


def models() -> Iterator[type[BaseModel]]:
    """Every model of the stack file, `Settings` among them."""
    found = [*Strict.__subclasses__()]
    while found:
        model = found.pop()
        yield model
        found += model.__subclasses__()


@pytest.mark.parametrize("model", models(), ids=lambda m: m.__name__)
def test_every_field_says_what_it_means(model: type[BaseModel]) -> None:
    assert model.__doc__
    for name, field in model.model_fields.items():
        assert field.description, (
            f"{model.__name__}.{name}: write description=... into its Field; editors show it"
        )
        assert field.description.endswith("."), f"{model.__name__}.{name}: a sentence"


NEEDED = {
    "Settings": {"regions", "capacity"},
    "Container": {"image"},
    "Workload": {"image", "capacity"},
    "ModelEntry": {"capacity"},
    "JobEntry": {"image", "capacity"},
    "Sidecar": {"image"},
    "AutoScalingCapacity": {"kind", "instance_type", "max_size"},
    "ManagedInstancesCapacity": {"kind"},
}
"""The fields without a default, of the entries that every stack file has."""


def test_a_field_of_an_entry_has_a_default() -> None:
    missing = sorted(
        f"{model.__name__}.{name}"
        for model in models()
        for name, field in model.model_fields.items()
        if field.is_required() and name not in NEEDED.get(model.__name__, {name})
    )
    assert not missing, f"{missing}: give it a default, or every stack file of before is refused"


def holds_a_model(annotation: object) -> bool:
    core, is_union = bare(annotation)
    if not is_union:
        return is_model(core)
    return all(is_model(bare(arm)[0]) for arm in get_args(core))


@pytest.mark.parametrize("model", models(), ids=lambda m: m.__name__)
def test_every_field_says_what_changing_it_does(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        place = f"{model.__name__}.{name} ({model.__module__.replace('.', '/')}.py)"
        found = cost(field)
        if holds_a_model(hints(model)[name]):
            assert found is None, f"{place} holds a model, whose fields have costs of their own"
            continue
        assert found is not None, (
            f"{place} has no cost: write json_schema_extra=..., one of config/changes.py, into its "
            "Field; tests/neuron_ecs/diff/test_costs.py says whether it is the right one"
        )
        assert Change.TWO_STEPS not in (found.change, found.removed) or "irst" in found.note, (
            f"{place}: a change in two steps names the steps"
        )


@pytest.mark.parametrize("model", models(), ids=lambda m: m.__name__)
def test_no_unit_is_left_to_guess(model: type[BaseModel]) -> None:
    units = ("_seconds", "_gib", "_mib", "_days", "_units", "_size")
    for name, field in model.model_fields.items():
        unclear = any(w in name for w in ("timeout", "storage_", "memory", "volume", "retention"))
        if unclear and str(field.annotation).startswith(("<class 'int", "int", "typing.Ann")):
            assert name.endswith(units), f"{model.__name__}.{name}"


def test_settings_are_frozen_and_strict() -> None:
    replicas = Replicas(min=1)
    with pytest.raises(ValidationError):
        replicas.min = 2
    with pytest.raises(ValidationError):
        Replicas.model_validate({"min": "1"})


def test_the_whole_stack_file_has_a_json_schema() -> None:
    schema = Settings.model_json_schema()
    assert set(schema["properties"]) == set(Settings.model_fields)
    assert schema["required"] == ["regions", "capacity"]
