"""The texts, numbers and lists that stand in a stack file, and the base of its models.

A type's description says the rule that its values follow, so that it completes the sentence
"write ...".
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag

Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4096),
    Field(description="A text of 1 to 4,096 characters."),
]
Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$"),
    Field(
        description=(
            "A name of lower-case letters, digits and hyphens that starts with a letter and does "
            "not end with a hyphen, at most 40 characters."
        ),
        examples=["llama-3-8b"],
    ),
]
RegionName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{2,3}(-[a-z]{1,20}){1,4}-\d$"),
    Field(description="The name of an AWS Region.", examples=["us-west-2"]),
]
ZoneId = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]{2,20}(-[a-z0-9]{1,20}){0,3}-az\d{1,2}$"),
    Field(
        description="The id of an Availability Zone (not its name, which differs by account).",
        examples=["usw2-az1"],
    ),
]
SubnetId = Annotated[
    str,
    StringConstraints(pattern=r"^subnet-[0-9a-z]{1,40}$"),
    Field(description="The id of a subnet.", examples=["subnet-0a1b2c3d"]),
]
VpcId = Annotated[
    str,
    StringConstraints(pattern=r"^vpc-[0-9a-z]{1,40}$"),
    Field(description="The id of a VPC.", examples=["vpc-0a1b2c3d"]),
]
Cidr = Annotated[
    str,
    StringConstraints(pattern=r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$"),
    Field(description="An IPv4 CIDR block.", examples=["10.0.0.0/16"]),
]
Caller = Annotated[
    str,
    StringConstraints(pattern=r"^(\d{1,3}(\.\d{1,3}){3}/\d{1,2}|sg-[0-9a-z]{1,40})$"),
    Field(
        description="An IPv4 CIDR block or the id of a security group.",
        examples=["10.0.0.0/8", "sg-0a1b"],
    ),
]
InstanceTypeName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9-]{1,30}\.[a-z0-9-]{1,30}$"),
    Field(description="An EC2 instance type.", examples=["inf2.24xlarge"]),
]
InstanceTypePattern = Annotated[
    str,
    StringConstraints(pattern=r"^[a-zA-Z0-9.*-]{1,30}$"),
    Field(
        description="An EC2 instance type or a pattern with *; at most 30 characters.",
        examples=["trn1.2xlarge", "inf2.*"],
    ),
]
ReservationId = Annotated[
    str,
    StringConstraints(pattern=r"^cr-[0-9a-z]{1,40}$"),
    Field(
        description="The id of a Capacity Reservation or Capacity Block.",
        examples=["cr-0a1b2c3d"],
    ),
]
Instant = Annotated[
    str,
    StringConstraints(
        # The engine makes `2026-12-01 11:30:00 +0000 UTC` of a time without quotes.
        pattern=(
            r"^20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?"
            r"(Z|[+-]([01]\d|2[0-3]):[0-5]\d| [+-]([01]\d|2[0-3])[0-5]\d (UTC|[+-]\d{4}))$"
        )
    ),
    Field(
        description="A time with its offset from UTC: +01:00, or Z for UTC itself.",
        examples=["2026-12-01T11:30:00Z", "2026-12-01T12:30:00+01:00"],
    ),
]
GroupArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:resource-groups:[a-z0-9-]+:\d{12}:group/.+$", max_length=2048
    ),
    Field(
        description="The ARN of a resource group.",
        examples=["arn:aws:resource-groups:us-east-2:111122223333:group/trn1"],
    ),
]
DomainName = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", max_length=253
    ),
    Field(
        description="A domain name in lower case, without a dot at its end.",
        examples=["models.example.com"],
    ),
]
HostName = Annotated[
    str,
    StringConstraints(
        pattern=r"^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", max_length=253
    ),
    Field(
        description="A domain name in lower case, or one with *. before it for every name below.",
        examples=["*.models.example.com"],
    ),
]
HostedZoneId = Annotated[
    str,
    StringConstraints(pattern=r"^Z[A-Z0-9]{1,31}$"),
    Field(description="The id of a hosted zone of Route 53.", examples=["Z0123456789ABC"]),
]
CertificateArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/.+$", max_length=2048
    ),
    Field(
        description="The ARN of an ACM certificate.",
        examples=["arn:aws:acm:us-west-2:111122223333:certificate/0a1b"],
    ),
]
KeyArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9{}-]+:\d{12}:key/[A-Za-z0-9-]+$", max_length=2048
    ),
    Field(
        description="The ARN of a KMS key; an alias is none.",
        examples=["arn:aws:kms:{region}:111122223333:key/mrk-0a1b2c3d"],
    ),
]
WebAclArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/[\w-]+/[\w-]+$",
        max_length=2048,
    ),
    Field(
        description="The ARN of a regional web ACL of AWS WAF.",
        examples=["arn:aws:wafv2:us-west-2:111122223333:regional/webacl/models/0a1b2c3d"],
    ),
]
PageUrl = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[^\s\\#\"'<>]+$", max_length=300),
    Field(
        description="A URL without an anchor.",
        examples=["https://github.com/acme/models/blob/main/docs/runbook.md"],
    ),
]
TopicArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9{}-]+:\d{12}:[A-Za-z0-9_{}-]{1,256}$", max_length=2048
    ),
    Field(
        description="The ARN of a standard SNS topic; EventBridge does not publish to FIFO topics.",
        examples=["arn:aws:sns:{region}:111122223333:on-call"],
    ),
]
TrustStoreArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:truststore/[\w-]+/[\w-]+$",
        max_length=2048,
    ),
    Field(
        description="The ARN of a trust store of Elastic Load Balancing.",
        examples=["arn:aws:elasticloadbalancing:us-west-2:111122223333:truststore/callers/0a1b"],
    ),
]
AccountId = Annotated[
    str,
    StringConstraints(pattern=r"^\d{12}$"),
    Field(
        description="The number of an AWS account, twelve digits in quotes.",
        examples=["111122223333"],
    ),
]
SecretReference = Annotated[
    str,
    StringConstraints(
        pattern=(
            r"^(arn:aws[a-z-]*:(secretsmanager|ssm):[a-z0-9{}-]+:\d{12}:(secret:|parameter/).+"
            r"|/[\w./-]+)$"
        ),
        max_length=2048,
    ),
    Field(
        description=(
            "The place where the secret is kept, never its value: the ARN of a Secrets Manager "
            "secret or of a Systems Manager parameter, or a parameter's name that begins with a "
            "slash."
        ),
        examples=["arn:aws:secretsmanager:us-west-2:111122223333:secret:hf-token-a1b2c3"],
    ),
]
SecretArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9{}-]+:\d{12}:secret:.+$", max_length=2048
    ),
    Field(
        description="The ARN of a Secrets Manager secret.",
        examples=["arn:aws:secretsmanager:us-west-2:111122223333:secret:docker-hub-a1b2c3"],
    ),
]
PolicyArn = Annotated[
    str,
    StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::(aws|\d{12}):policy/.+$", max_length=2048),
    Field(
        description="The ARN of an IAM policy.",
        examples=["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
    ),
]
S3Prefix = Annotated[
    str,
    StringConstraints(pattern=r"^s3://[a-z0-9{][a-z0-9.{}-]{2,70}(/.*)?$", max_length=1100),
    Field(
        description="An S3 prefix: s3://, the bucket, and the beginning of the keys.",
        examples=["s3://my-models/llama-3-8b/"],
    ),
]
FileSystemId = Annotated[
    str,
    StringConstraints(pattern=r"^fs-[0-9a-f]{8,40}$"),
    Field(description="The id of an EFS file system.", examples=["fs-0123456789abcdef0"]),
]
S3FilesArn = Annotated[
    str,
    StringConstraints(
        pattern=(
            r"^arn:aws[a-z-]*:s3files:[a-z0-9-]+:\d{12}:file-system/fs-[0-9a-f]{17,40}"
            r"(/access-point/fsap-[0-9a-f]{17,40})?$"
        )
    ),
    Field(
        description="The ARN of a file system of S3 Files, or of one of its access points.",
        examples=["arn:aws:s3files:us-west-2:111122223333:file-system/fs-0123456789abcdef0"],
    ),
]
SnapshotId = Annotated[
    str,
    StringConstraints(pattern=r"^snap-[0-9a-f]{8,40}$"),
    Field(description="The id of an EBS snapshot.", examples=["snap-0123456789abcdef0"]),
]
ContainerPath = Annotated[
    str,
    StringConstraints(pattern=r"^/[A-Za-z0-9._/-]{0,255}$"),
    Field(description="An absolute path in the container.", examples=["/var/cache/app"]),
]
Port = Annotated[int, Field(ge=1, le=65535, description="A port, 1 to 65535.", examples=[8080])]
Weight = Annotated[
    int, Field(ge=0, le=999, description="A weight, 0 to 999; 0: no request.", examples=[90])
]
EnvironmentName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$", max_length=255),
    Field(
        description=(
            "The name of an environment variable: letters, digits and underscores, not starting "
            "with a digit."
        ),
        examples=["HF_HOME"],
    ),
]
EnvironmentValue = Annotated[
    str,
    StringConstraints(max_length=32_768),
    Field(
        description=(
            "A text of at most 32,768 characters; a number, true or false stands in quotes."
        )
    ),
]
TagKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128),
    Field(description="The key of a tag, 1 to 128 characters.", examples=["team"]),
]
TagValue = Annotated[
    str,
    StringConstraints(max_length=256),
    Field(description="The value of a tag, at most 256 characters.", examples=["ml-platform"]),
]
DeviceId = Annotated[
    int, Field(ge=0, le=1023, description="The id N of a device /dev/neuronN.", examples=[0])
]
Devices = Annotated[
    Annotated[Annotated[int, Field(ge=0, le=1024)], Tag("count")]
    | Annotated[Annotated[tuple[DeviceId, ...], Field(min_length=1, max_length=64)], Tag("ids")]
    | Annotated[Literal["all"], Tag("all")],
    Discriminator(lambda value: _which_devices(value)),
    Field(description="A count such as 2, ids such as [0, 1], or all; 0 for none."),
]
RegionNames = Annotated[
    tuple[RegionName, ...], Field(min_length=1, description="A list of Regions.")
]


def _which_devices(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return "ids"
    return "all" if isinstance(value, str) else "count"


def list_or_map(value: object) -> str:
    """The tag of a union of a list and a map by Region: the form that the value has."""
    return "map" if isinstance(value, dict) else "list"


def text_or_map(value: object) -> str:
    """The tag of a union of a text and a map by Region: the form that the value has."""
    return "map" if isinstance(value, dict) else "text"


FindingCode = Annotated[
    str,
    StringConstraints(pattern=r"^NE\d{3}$"),
    Field(description="The code of a finding: NE and three digits.", examples=["NE501"]),
]


class Strict(BaseModel):
    """Frozen, strict, and without a place for a misspelt key."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )
