"""What callers of the models must show."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from config.changes import Change, Cost
from config.values import Name, SecretReference, Strict, text_or_map


class Authentication(Strict):
    """What callers must show: a key of the server. Health checks pass without."""

    api_key: Annotated[
        Annotated[SecretReference, Tag("text")]
        | Annotated[dict[Name, SecretReference], Tag("map")],
        Discriminator(text_or_map),
        Field(
            description=(
                "The place of a secret that holds the key of every model, or a map of models to "
                "such places, as in {llama: /keys/llama}."
            )
        ),
    ] = Field(
        default={},
        description=(
            "The key that callers send as `Authorization: Bearer …`, by model, as a secret that "
            "ECS gives to the server. Servers of vLLM ask for it themselves."
        ),
        examples=["arn:aws:secretsmanager:{region}:111122223333:secret:key-a1b2c3"],
        json_schema_extra=Cost(
            Change.ROLLING,
            "Tasks that start later ask for the new key: callers need both while a rollout lasts.",
        ),
    )
