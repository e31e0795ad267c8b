"""What callers of the models must show."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from config.changes import IN_PLACE, Change, Cost
from config.values import (
    Name,
    RegionName,
    SecretReference,
    Strict,
    TrustStoreArn,
    text_or_map,
)

ClaimName = Annotated[
    str,
    StringConstraints(pattern=r"^[\x21-\x7e]{1,256}$"),
    Field(description="The name of a claim.", examples=["scope"]),
]
ClaimValue = Annotated[
    str,
    StringConstraints(pattern=r"^[\x20-\x7e]{1,256}$"),
    Field(description="A text of 1 to 256 characters.", examples=["models.call"]),
]


class Claim(Strict):
    """What a token must say under the name of a claim."""

    values: tuple[ClaimValue, ...] = Field(
        min_length=1,
        max_length=10,
        description="The values that the claim must have.",
        examples=[["models.call"]],
        json_schema_extra=IN_PLACE,
    )
    format: Literal["single_string", "string_array", "space_separated_values"] = Field(
        default="single_string",
        description="How tokens spell the claim: one text, a list, or texts with spaces between.",
        examples=["space_separated_values"],
        json_schema_extra=IN_PLACE,
    )


class Jwt(Strict):
    """A token that an identity provider issues, which load balancers check: signed with RS256."""

    issuer: Annotated[
        str,
        StringConstraints(pattern=r"^[\x21-\x7e]{1,256}$"),
        Field(description="A text of 1 to 256 characters without spaces."),
    ] = Field(
        description="The claim `iss` of the tokens.",
        examples=["https://login.example.com/"],
        json_schema_extra=IN_PLACE,
    )
    key_set: Annotated[
        str,
        StringConstraints(pattern=r"^https://[\x21-\x7e]{1,248}$"),
        Field(description="A URL that begins with https://, of at most 256 characters."),
    ] = Field(
        description=(
            "Where the load balancer finds the issuer's public keys (JWKS): ten keys and 150 KB at "
            "most, readable from the internet."
        ),
        examples=["https://login.example.com/.well-known/jwks.json"],
        json_schema_extra=IN_PLACE,
    )
    claims: dict[ClaimName, Claim] = Field(
        default={},
        max_length=10,
        description="Further claims that a token must have, by name.",
        examples=[{"scope": {"values": ["models.call"], "format": "space_separated_values"}}],
        json_schema_extra=IN_PLACE,
    )


class Authentication(Strict):
    """What callers must show: a key, a token or a certificate."""

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
    jwt: Jwt | None = Field(
        default=None,
        description=(
            "A token that callers send as `Authorization: Bearer …`, which the load balancer "
            "checks. Needs HTTPS. The path of the health check is open."
        ),
        examples=[
            {
                "issuer": "https://login.example.com/",
                "key_set": "https://login.example.com/.well-known/jwks.json",
            }
        ],
    )
    mutual_tls: dict[RegionName, TrustStoreArn] = Field(
        default={},
        description=(
            "Trust store of each Region: callers must show a certificate of one of its "
            "authorities, at every path, that of the health check too. Needs HTTPS."
        ),
        examples=[
            {
                "us-west-2": "arn:aws:elasticloadbalancing:us-west-2:111122223333:truststore/"
                "callers/0a1b"
            }
        ],
        json_schema_extra=IN_PLACE,
    )
