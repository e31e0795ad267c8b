"""The stack file's models document themselves."""

from collections.abc import Iterator

import pytest
from pydantic import BaseModel, ValidationError

from config import Replicas, Settings
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
        assert field.description, f"{model.__name__}.{name}: editors show the description"
        assert field.description.endswith("."), f"{model.__name__}.{name}: a sentence"


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
