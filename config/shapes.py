"""The stack file's entries of `shapes`: what is known of a language model that no table has."""

import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from config.changes import SHAPE
from config.values import Strict

_ID, _LONGEST_ID = r"^[A-Za-z0-9/][A-Za-z0-9._/:{}@+-]*$", 512
ModelId = Annotated[
    str,
    StringConstraints(pattern=_ID, max_length=_LONGEST_ID),
    Field(
        description=(
            "A model as a server is told it: its id at Hugging Face, an S3 prefix, or a path."
        ),
        examples=["meta-llama/Llama-3.1-8B-Instruct"],
    ),
]


def is_model_id(text: str) -> bool:
    """Whether a text can be the key of an entry of `shapes`."""
    return len(text) <= _LONGEST_ID and re.match(_ID, text) is not None


_Count = Annotated[int, Field(ge=1, le=100_000_000)]


class Shape(Strict):
    """The shape of a language model: that of another one (`like`), or its numbers.

    Beside `like`, what is written replaces the number of that model.
    """

    like: ModelId | None = Field(
        default=None,
        description="A model of the same shape, such as the one that it was fine-tuned from.",
        examples=["meta-llama/Llama-3.1-8B-Instruct"],
        json_schema_extra=SHAPE,
    )
    model_type: (
        Annotated[
            str,
            StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$"),
            Field(description="The model_type of a config.json.", examples=["llama"]),
        ]
        | None
    ) = Field(
        default=None,
        description="Its architecture: `model_type` in config.json.",
        examples=["llama"],
        json_schema_extra=SHAPE,
    )
    kind: Literal["decoder", "embedding", "encoder"] | None = Field(
        default=None,
        description=(
            "decoder (default) generates text, embedding is a decoder that answers with vectors, "
            "encoder is such as BERT."
        ),
        json_schema_extra=SHAPE,
    )
    layers: _Count | None = Field(
        default=None, description="`num_hidden_layers`.", json_schema_extra=SHAPE
    )
    hidden: _Count | None = Field(
        default=None, description="Width: `hidden_size`.", json_schema_extra=SHAPE
    )
    heads: _Count | None = Field(
        default=None, description="`num_attention_heads`.", json_schema_extra=SHAPE
    )
    kv_heads: _Count | None = Field(
        default=None,
        description="`num_key_value_heads`. Default: `heads`.",
        json_schema_extra=SHAPE,
    )
    head_dim: _Count | None = Field(
        default=None,
        description="`head_dim`. Default: `hidden` divided by `heads`.",
        json_schema_extra=SHAPE,
    )
    mlp: _Count | None = Field(
        default=None,
        description="Width of the feed-forward part, of one expert: `intermediate_size`.",
        json_schema_extra=SHAPE,
    )
    gated: bool | None = Field(
        default=None,
        description=(
            "The feed-forward part has three matrices, not two. Default: true, of an encoder false."
        ),
        json_schema_extra=SHAPE,
    )
    experts: _Count | None = Field(
        default=None, description="Experts of each layer. Default: 1.", json_schema_extra=SHAPE
    )
    vocabulary: _Count | None = Field(
        default=None, description="`vocab_size`.", json_schema_extra=SHAPE
    )
    max_positions: _Count | None = Field(
        default=None,
        description="Tokens of a sequence at most: `max_position_embeddings`.",
        json_schema_extra=SHAPE,
    )
    windowed_layers: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        default=None,
        description="Layers that see only the last `window` tokens. Default: all with a window.",
        json_schema_extra=SHAPE,
    )
    window: _Count | None = Field(
        default=None, description="`sliding_window`, in tokens.", json_schema_extra=SHAPE
    )
    tied: bool | None = Field(
        default=None,
        description="`tie_word_embeddings`: one matrix for embedding and output. Default: false.",
        json_schema_extra=SHAPE,
    )
    needs_token: bool | None = Field(
        default=None,
        description="It is downloaded with a Hugging Face token only. Default: false.",
        json_schema_extra=SHAPE,
    )
