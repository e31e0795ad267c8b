"""The stack file's `serve`: a model by its id; the planner derives how it is served."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from config.changes import ROLLING, Change, Cost
from config.values import Name, Strict, Text

_IN_S3 = r"s3://[a-z0-9{][a-z0-9.{}-]{2,70}(/[A-Za-z0-9._:{}/=-]*)?"  # an S3Prefix, without blanks
ServerName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$"),
    Field(description="The name of a server in the table `servers`."),
]
DataType = Literal["bfloat16", "float16", "float32"]
ModelId = Annotated[
    str,
    StringConstraints(pattern=rf"^([A-Za-z0-9/][A-Za-z0-9._{{}}/-]*|{_IN_S3})$", max_length=512),
    Field(
        description=(
            "A model: its id on the Hugging Face hub, a prefix of S3, or an absolute path in the "
            "container."
        ),
        examples=["meta-llama/Llama-3.1-8B-Instruct"],
    ),
]


class Serve(Strict):
    """A model by its id. Image, command, devices, port, checks and environment follow from it."""

    model: ModelId = Field(
        description=(
            "The model: its id on the Hugging Face hub, s3://bucket/prefix/, or an absolute path "
            "in the container."
        ),
        json_schema_extra=ROLLING,
    )
    server: ServerName | None = Field(
        default=None,
        description=(
            "The server, by its name in the table `servers`. Default: that of the first image of "
            "the table `serving_images` that serves the model on the chips and the AMI of the pool."
        ),
        json_schema_extra=ROLLING,
    )
    revision: (
        Annotated[
            str,
            StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$"),
            Field(description="A commit, tag or branch.", examples=["0e9e39f249a16976918f6564"]),
        ]
        | None
    ) = Field(
        default=None,
        description="The revision on the hub: a commit, tag or branch. Default: the newest.",
        json_schema_extra=Cost(
            Change.ROLLING,
            "The default disk of instances has room for weights that they keep.",
            (Change.NEW_INSTANCES,),
        ),
    )
    max_model_len: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        default=None,
        description=(
            "Tokens of a sequence at most, prompt and answer together. Default: 8192, or the "
            "positions of the model if it has fewer."
        ),
        json_schema_extra=ROLLING,
    )
    max_num_seqs: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None,
        description="Sequences that are served at once. Default: 4.",
        json_schema_extra=ROLLING,
    )
    tensor_parallel: Annotated[int, Field(ge=1, le=1_024)] | None = Field(
        default=None,
        description=(
            "NeuronCores that share the model. Default: those of the fewest devices on which it "
            "fits."
        ),
        json_schema_extra=ROLLING,
    )
    data_type: DataType | None = Field(
        default=None,
        description="Type of weights and caches. Default: bfloat16.",
        json_schema_extra=ROLLING,
    )
    served_name: (
        Annotated[
            str,
            StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}$"),
            Field(description="A name without blanks.", examples=["llama-3-1-8b"]),
        ]
        | None
    ) = Field(
        default=None,
        description=(
            "The name that callers give. Default: the name of the entry, and the id on the hub."
        ),
        json_schema_extra=ROLLING,
    )
    cache: (
        Annotated[
            str,
            StringConstraints(pattern=rf"^([a-z][a-z0-9-]{{0,39}}|{_IN_S3})$", max_length=512),
            Field(
                description="The name of a volume, a prefix of S3, or none.",
                examples=["compiled", "s3://my-cache/neuron/", "none"],
            ),
        ]
        | None
    ) = Field(
        default=None,
        description=(
            "Where compiled artefacts stay, and weights with a revision: a volume, s3://… where "
            "the server takes it, or none. Default: the disk of instances of kind auto_scaling."
        ),
        json_schema_extra=Cost(
            Change.ROLLING, "The disk of new instances is larger.", (Change.NEW_INSTANCES,)
        ),
    )
    arguments: tuple[Text, ...] = Field(
        default=(),
        description="Further arguments of the server, after the derived ones.",
        examples=[["--enable-auto-tool-choice", "--tool-call-parser=llama3_json"]],
        json_schema_extra=ROLLING,
    )
    compile: Literal["start", "ahead"] = Field(
        default="start",
        description=(
            "`start`: each task compiles what it does not find in its cache. `ahead`: a job of its "
            "own compiles, which `neuron-ecs compile` starts, and a task looks for the result "
            "first. Without one it compiles for itself; in a stack with `stage: production`, and "
            "where several tasks share the cache, it stops."
        ),
        json_schema_extra=ROLLING,
    )
    compile_on: Name | None = Field(
        default=None,
        description=(
            "The pool that runs the job of `compile: ahead`: with the same chips, and the memory "
            "to compile. Default: that of the model."
        ),
        examples=["compile"],
        json_schema_extra=Cost(
            Change.ROLLING,
            "A pool without an AMI of its own takes the one that the job needs.",
            (Change.NEW_INSTANCES,),
        ),
    )
