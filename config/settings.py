"""The whole stack file. Units stand in names; a field's description is its documentation."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from config.alarms import Alarms
from config.authentication import Authentication
from config.capacity import AnyCapacity
from config.changes import FINDINGS, IN_PLACE, MOVES, SHAPE, Change, Cost
from config.daemons import NeuronMetrics
from config.layout import Layout
from config.places import RegionEntry
from config.public import SCHEME, AnyPublic
from config.shapes import ModelId, Shape
from config.values import (
    AccountId,
    Caller,
    CertificateArn,
    DomainName,
    FindingCode,
    HostedZoneId,
    HostName,
    KeyArn,
    Name,
    RegionName,
    S3Prefix,
    Strict,
    TagKey,
    TagValue,
    Text,
    WebAclArn,
    Weight,
    list_or_map,
    text_or_map,
)
from config.volumes import AnyVolume
from config.workloads import JobEntry, ModelEntry

RENAMES = Cost(Change.IN_PLACE, "Callers use other names, which answer once the update is done.")
"""The cost of fields that decide what the models are called."""


class Domain(Strict):
    """Names of the models: `<model>.<region>.<name>`, in a hosted zone of Route 53."""

    name: DomainName = Field(
        description="The domain that gets the names: that of the hosted zone, or one below it.",
        examples=["models.example.com"],
        json_schema_extra=RENAMES,
    )
    zone_id: HostedZoneId = Field(
        description="The hosted zone, of the stack's own account.",
        examples=["Z0123456789ABC"],
        json_schema_extra=RENAMES,
    )
    private: bool = Field(
        default=False,
        description=(
            "Whether the hosted zone is private. It is associated with the VPC of each Region, and "
            "validates no certificate."
        ),
        json_schema_extra=RENAMES,
    )
    validation_zone_id: HostedZoneId | None = Field(
        default=None,
        description=(
            "A public hosted zone of the same domain, or of one above it, in which ACM finds the "
            "record that validates a certificate. Default: the hosted zone, unless it is private."
        ),
        examples=["Z0123456789DEF"],
        json_schema_extra=RENAMES,
    )
    associated: tuple[RegionName, ...] = Field(
        default=(),
        description="Regions whose VPC the private hosted zone is associated with already.",
        examples=[["us-west-2"]],
        json_schema_extra=IN_PLACE,
    )

    @property
    def validating_zone_id(self) -> str:
        """The hosted zone in which ACM validates certificates; empty: there is none."""
        return self.validation_zone_id or ("" if self.private else self.zone_id)


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
    domain: Domain | None = Field(
        default=None,
        description=(
            "A domain in which each model has a name, with HTTPS and certificates that follow from "
            "it. Without one models are told apart by path, at the load balancer's own name."
        ),
        examples=[{"name": "models.example.com", "zone_id": "Z0123456789ABC"}],
    )
    connected: bool = Field(
        default=False,
        description=(
            "Whether the networks of all Regions reach each other. With domain each model then has "
            "a name over all Regions as well, `<model>.<name>`: the nearest Region with a healthy "
            "replica answers. A stack that is public in all its Regions has these names anyway."
        ),
        json_schema_extra=RENAMES,
    )
    hosts: dict[RegionName, tuple[HostName, ...]] = Field(
        default={},
        description=(
            "Names that the certificate of each Region in certificate_arns covers, as it spells "
            "them. Without domain the first is the name at which callers reach the load balancer, "
            "by records of your own; *. before it stands for the model."
        ),
        examples=[{"us-west-2": ["*.usw2.example.com"]}],
        json_schema_extra=RENAMES,
    )
    public: AnyPublic = Field(
        default=False,
        description=(
            "Give load balancers public addresses, for callers on the internet: those that "
            "allow_from names, or with {anyone: true} every address. Default: private addresses, "
            "for the network and those connected to it."
        ),
        examples=[True, {"regions": ["us-west-2"]}],
        json_schema_extra=SCHEME,
    )
    both_schemes: bool = Field(
        default=False,
        description=(
            "Keep a load balancer of the other scheme as well, with the tasks behind both: for the "
            "update before `public` changes. Names, alarms and scaling stay with the one that "
            "`public` says."
        ),
        json_schema_extra=Cost(
            Change.ROLLING,
            "The target groups of a service change, and ECS starts its tasks anew.",
            (Change.IN_PLACE,),
        ),
    )
    authentication: Authentication = Field(
        default=Authentication(),
        description="What callers must show. Default: nothing but their address.",
        examples=[{"api_key": "/keys/models"}],
    )
    weights: dict[Name, dict[Name, Weight]] = Field(
        default={},
        description=(
            "Models that answer under one name, each with its weight: its part of the requests, "
            "of the sum of all weights. The name is that of one of them, or of a model that has "
            "gone. A model gets requests under its own name as well."
        ),
        examples=[{"llama": {"llama": 90, "llama-next": 10}}, {"llama": {"llama-next": 1}}],
        json_schema_extra=IN_PLACE,
    )


class Security(Strict):
    """What is recorded, encrypted and reached, and what cannot be deleted by mistake."""

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
        description="Load balancers and file systems cannot be deleted until this is false again.",
        json_schema_extra=IN_PLACE,
    )
    exec_logs: bool = Field(
        default=False,
        description=(
            "What is typed and shown in sessions of ECS Exec goes to a log group of its own in "
            "each cluster."
        ),
        json_schema_extra=IN_PLACE,
    )
    kms_keys: Annotated[
        Annotated[KeyArn, Tag("text")] | Annotated[dict[RegionName, KeyArn], Tag("map")],
        Discriminator(text_or_map),
        Field(
            description=(
                "The ARN of a multi-Region key with `{region}`, or a map of Regions to ARNs such "
                "as {us-west-2: arn:aws:kms:us-west-2:111122223333:key/0a1b}."
            )
        ),
    ] = Field(
        default={},
        description=(
            "KMS key of each Region, for log groups, sessions of ECS Exec, file systems, the EBS "
            "volumes of tasks and those of Auto Scaling pools; roles may also use it for secrets. "
            "Its own policy lets CloudWatch Logs, the service-linked role of Auto Scaling and, for "
            "EBS volumes of tasks, the stack's role for them use it."
        ),
        examples=["arn:aws:kms:{region}:111122223333:key/mrk-0a1b2c3d"],
        json_schema_extra=Cost(
            Change.IN_PLACE,
            "Instances that run keep their volumes. A file system is replaced, without its files.",
            (Change.NEW_INSTANCES, Change.ROLLING),
        ),
    )
    s3_accounts: tuple[AccountId, ...] | None = Field(
        default=None,
        description=(
            "Accounts whose buckets our own networks reach in their Region, beside the stack's own "
            "account and the buckets of AWS that tasks and instances need. [] for no other. With a "
            "NAT gateway buckets of other Regions stay in reach."
        ),
        examples=[["111122223333"]],
        json_schema_extra=IN_PLACE,
    )
    web_acl_arns: dict[RegionName, WebAclArn] = Field(
        default={},
        description="Web ACL of AWS WAF for the load balancer of each Region.",
        json_schema_extra=Cost(Change.IN_PLACE, "Between two of them the balancer has none."),
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
            Change.IN_PLACE,
            f"The tasks of a model that goes end. {MOVES} Models of serve choose the AMI of a pool "
            "that names none: another one needs new instances.",
            (Change.ROLLING, Change.NEW_INSTANCES),
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
        json_schema_extra=SHAPE,
    )
    volumes: dict[Name, AnyVolume] = Field(
        default={},
        description="Where files stay that outlive a container: volumes for `mounts`.",
        examples=[{"cache": {"kind": "host"}}],
        json_schema_extra=Cost(Change.NOTHING),
    )
    traffic: Traffic = Field(
        default=Traffic(),
        description="Who may call the models, and how.",
        examples=[{"allow_from": ["10.0.0.0/8"]}],
    )
    security: Security = Field(
        default=Security(),
        description="What is recorded, encrypted, reached and protected.",
        examples=[{"access_logs": "s3://my-logs-{region}/requests/"}],
    )
    stage: Literal["development", "production"] = Field(
        default="development",
        description="What the stack is for: in production a missing audit is a warning.",
        examples=["production"],
        json_schema_extra=Cost(
            Change.FINDINGS,
            "Tasks of models that a job compiles ahead stop without its result in production, and "
            "roll.",
            (Change.ROLLING,),
        ),
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
    dashboards: bool = Field(
        default=False,
        description=(
            "A CloudWatch dashboard for each Region: models, the chips of their pools, and what "
            "the pools launch."
        ),
        examples=[True],
        json_schema_extra=IN_PLACE,
    )
    neuron_metrics: NeuronMetrics | None = Field(
        default=None,
        description=(
            "What the chips of Auto Scaling pools do, as CloudWatch metrics: {} runs "
            "neuron-monitor and the CloudWatch agent on each Neuron instance."
        ),
        examples=[{}],
    )
    alarms: Alarms | None = Field(
        default=None,
        description=(
            "Who receives an alarm when a model does not answer or does not start. {} makes alarms "
            "without a recipient; without the key there are none."
        ),
        examples=[{"emails": ["on-call@example.com"]}],
    )
    layout: Layout = Field(
        default={},
        description=(
            "Where models stay, by Region, pool, model and number of the service: its Neuron "
            "devices. `neuron-ecs place` writes it, and so does `models` where it exists."
        ),
        examples=[{"us-west-2": {"inf2": {"llama-3-8b": {"1": [4, 5], "2": [0, 1]}}}}],
        json_schema_extra=Cost(Change.IN_PLACE, MOVES, (Change.ROLLING,)),
    )
