"""The whole stack file. Units stand in names; a field's description is its documentation."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from config.capacity import AnyCapacity
from config.changes import FINDINGS, IN_PLACE, MOVES, Change, Cost
from config.places import RegionEntry
from config.shapes import ModelId, Shape
from config.values import (
    Caller,
    CertificateArn,
    FindingCode,
    Name,
    RegionName,
    S3Prefix,
    Strict,
    TagKey,
    TagValue,
    Text,
    list_or_map,
)
from config.workloads import JobEntry, ModelEntry


class Traffic(Strict):
    """Who may call the models, and how."""

    allow_from: Annotated[
        Annotated[tuple[Caller, ...], Tag("list")]
        | Annotated[dict[RegionName, tuple[Caller, ...]], Tag("map")],
        Discriminator(list_or_map),
        Field(
            description=(
                "A list such as [10.0.0.0/8], or a map of Regions to lists such as "
                "{us-west-2: [10.0.0.0/8]}."
            )
        ),
    ] = Field(
        default=(),
        description="CIDR blocks or security groups: a list, or a list for each Region.",
        examples=[["10.0.0.0/8"], {"us-west-2": ["sg-0a1b"]}],
        json_schema_extra=IN_PLACE,
    )
    certificate_arns: dict[RegionName, CertificateArn] = Field(
        default={},
        description="ACM certificate of each Region, for HTTPS.",
        json_schema_extra=Cost(
            Change.IN_PLACE, "With the first one callers have to use HTTPS, without it HTTP."
        ),
    )


class Security(Strict):
    """What is recorded of the traffic, and what cannot be deleted by mistake."""

    access_logs: S3Prefix | None = Field(
        default=None,
        description=(
            "Where load balancers write a line for each request. `{region}` becomes the Region: "
            "the bucket is in the Region of the load balancer, its policy lets AWS write, and it "
            "has no customer key."
        ),
        examples=["s3://my-logs-{region}/requests/"],
        json_schema_extra=IN_PLACE,
    )
    flow_logs: S3Prefix | None = Field(
        default=None,
        description=(
            "Where networks of our own write a line for each connection. `{region}` becomes the "
            "Region."
        ),
        examples=["s3://my-logs-{region}/connections/"],
        json_schema_extra=IN_PLACE,
    )
    deletion_protection: bool = Field(
        default=False,
        description="Load balancers cannot be deleted until this is false again.",
        json_schema_extra=IN_PLACE,
    )


class Settings(Strict):
    """The whole stack file, under the project's namespace."""

    tags: dict[TagKey, TagValue] = Field(
        default={},
        description="Tags on everything that takes tags.",
        examples=[{"team": "ml-platform"}],
        json_schema_extra=Cost(
            Change.IN_PLACE, "Instances that run keep their tags.", (Change.NEW_INSTANCES,)
        ),
    )
    regions: dict[RegionName, RegionEntry] = Field(
        min_length=1,
        description="Where: the Regions of the stack. {} is a network of our own.",
        examples=[{"us-west-2": {}}],
        json_schema_extra=Cost(Change.IN_PLACE, "In a Region that goes everything ends."),
    )
    capacity: dict[Name, AnyCapacity] = Field(
        min_length=1,
        description="On what: the pools of instances.",
        examples=[
            {"inf2": {"kind": "auto_scaling", "instance_type": "inf2.24xlarge", "max_size": 4}}
        ],
        json_schema_extra=Cost(
            Change.TWO_STEPS,
            "First move the models away and write `retired: true` in the pool; then remove it.",
            added=Change.IN_PLACE,
        ),
    )
    models: dict[Name, ModelEntry] = Field(
        default={},
        description="What serves: the models.",
        examples=[
            {
                "llama-3-8b": {
                    "image": "public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:"
                    "0.16.0-neuronx-py312-sdk2.31.1-ubuntu24.04",
                    "capacity": "inf2",
                    "neuron_devices": 2,
                    "port": 8080,
                }
            }
        ],
        json_schema_extra=Cost(
            Change.IN_PLACE, f"The tasks of a model that goes end. {MOVES}", (Change.ROLLING,)
        ),
    )
    jobs: dict[Name, JobEntry] = Field(
        default={},
        description="What trains: the jobs, which run to completion.",
        examples=[{"finetune": {"image": "repository:tag", "capacity": "trn1"}}],
        json_schema_extra=Cost(Change.IN_PLACE, MOVES, (Change.ROLLING,)),
    )
    shapes: dict[ModelId, Shape] = Field(
        default={},
        description="What is known of language models that no table has: layers, heads, widths.",
        examples=[{"acme/llama-tuned": {"like": "meta-llama/Llama-3.1-8B-Instruct"}}],
        json_schema_extra=FINDINGS,
    )
    traffic: Traffic = Field(
        default=Traffic(),
        description="Who may call the models, and how.",
        examples=[{"allow_from": ["10.0.0.0/8"]}],
    )
    security: Security = Field(
        default=Security(),
        description="What is recorded of the traffic, and what cannot be deleted by mistake.",
        examples=[{"access_logs": "s3://my-logs-{region}/requests/"}],
    )
    stage: Literal["development", "production"] = Field(
        default="development",
        description="What the stack is for: in production a missing audit is a warning.",
        examples=["production"],
        json_schema_extra=FINDINGS,
    )
    silence: dict[FindingCode, Text] = Field(
        default={},
        description="Warnings and notes not to be told, each with the reason. Errors stay.",
        examples=[{"NE501": "behind a mesh that encrypts"}],
        json_schema_extra=FINDINGS,
    )
    wait_for_steady_state: bool = Field(
        default=True,
        description="Services are waited for until their tasks run and are healthy.",
        json_schema_extra=IN_PLACE,
    )
