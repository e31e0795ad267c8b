"""What the roles of a workload may do: read secrets, read and write objects in S3.

Every statement names exactly what the stack file names.
"""

import re
from collections.abc import Iterable, Mapping

from planning.choices import ACCOUNT
from planning.command_line import containers
from planning.entries import RegionalPool, RegionalWorkload
from planning.policies import (
    AccessPointArn,
    ClusterArn,
    FileSystemArn,
    InlinePolicy,
    PolicyValue,
    RoleArn,
)
from planning.regional import bucket_and_key, in_region, of_region
from planning.situation import Situation

Statement = Mapping[str, PolicyValue]
_COMPLETE = re.compile(r"-[A-Za-z0-9]{6}$")


def allow(
    actions: tuple[str, ...],
    resources: tuple[PolicyValue, ...],
    condition: Statement | None = None,
) -> Statement:
    """Returns a statement that allows the actions on the resources, where the condition holds."""
    return {
        "Effect": "Allow",
        "Action": actions[0] if len(actions) == 1 else actions,
        "Resource": resources[0] if len(resources) == 1 else resources,
        **({"Condition": condition} if condition else {}),
    }


def secret_arn(reference: str) -> str:
    """Returns the ARN of a secret as a policy names it, without JSON key and version.

    Secrets Manager ends the ARN of every secret with a hyphen and six random characters. Without
    them IAM matches nothing, and `*` would match the names that only begin alike.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples.html
    """
    arn = ":".join(reference.split(":")[:7])
    return arn if _COMPLETE.search(arn) else f"{arn}-??????"


def read_secrets(s: Situation, works: list[RegionalWorkload]) -> tuple[Statement, ...]:
    """Allows reading the named secrets and parameters, and decrypting them.

    Any KMS key of their account may decrypt, and the stack file's key, whichever account it is of;
    but only through the service that stores the secret, and only for these secrets.
    """
    partition = s.partition
    found: set[str] = set()
    for work in works:
        for reference in (r for _, c in containers(work) for r in c.references.values()):
            reference = in_region(reference, work.region)
            if reference.startswith("/"):
                found.add(f"arn:{partition}:ssm:{work.region}:{ACCOUNT}:parameter{reference}")
            else:
                found.add(secret_arn(reference) if ":secretsmanager:" in reference else reference)
    secrets = tuple(sorted(a for a in found if ":secretsmanager:" in a))
    parameters = tuple(sorted(a for a in found if ":ssm:" in a))
    statements: list[Statement] = []
    for arns, action, service, context in (
        (secrets, "secretsmanager:GetSecretValue", "secretsmanager", "SecretARN"),
        (parameters, "ssm:GetParameters", "ssm", "PARAMETER_ARN"),
    ):
        if not arns:
            continue
        statements.append(allow((action,), arns))
        accounts = sorted({tuple(a.split(":")[3:5]) for a in arns})
        via = tuple(
            f"{service}.{region}.{s.catalog.places.regions[region].dns_suffix}"
            for region in sorted({r for r, _ in accounts})
            if region in s.catalog.places.regions
        )
        statements.append(
            {
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": _keys(s, accounts),
                "Condition": {
                    "StringEquals": {"kms:ViaService": via},
                    "StringLike": {f"kms:EncryptionContext:{context}": arns},
                },
            }
        )
    return tuple(statements)


def _keys(s: Situation, accounts: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Returns the ARNs of all keys in these Regions and accounts, and of the stack file's keys
    there that are of another account."""
    ours = {r: of_region(s.settings.security.kms_keys, r) for r, _ in accounts}
    others = {arn for r, arn in ours.items() if arn and (r, arn.split(":")[4]) not in accounts}
    return (*(f"arn:{s.partition}:kms:{r}:{a}:key/*" for r, a in accounts), *sorted(others))


def write_metrics(partition: str, groups: Iterable[tuple[str, str]]) -> tuple[Statement, ...]:
    """Allows writing to log groups, by Region and name: metrics in the embedded format are logs.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Generation_CloudWatch_Agent.html
    """
    actions = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
    arns = (
        f"arn:{partition}:logs:{region}:{ACCOUNT}:log-group:{name}:*" for region, name in groups
    )
    return (allow(actions, tuple(sorted(arns))),)


def read_s3(s: Situation, works: list[RegionalWorkload]) -> tuple[Statement, ...]:
    """Allows listing and reading below the prefixes of `s3_read`."""
    prefixes = {in_region(p, w.region) for w in works for p in w.spec.s3_read}
    return _s3(s, prefixes, ("s3:GetObject",), ("kms:Decrypt",), listed=True)


def write_s3(s: Situation, works: list[RegionalWorkload]) -> tuple[Statement, ...]:
    """Allows writing below the prefixes of `s3_write`, in parts as well, without reading.

    An upload in parts under a customer key also decrypts. Listing the uploads of a bucket cannot be
    bound to a prefix, and no upload needs it.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
    """
    prefixes = {in_region(p, w.region) for w in works for p in w.spec.s3_write}
    writing = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject")
    return _s3(s, prefixes, writing, ("kms:Decrypt", "kms:GenerateDataKey"))


def _s3(
    s: Situation,
    prefixes: Iterable[str],
    actions: tuple[str, ...],
    key_actions: tuple[str, ...],
    *,
    listed: bool = False,
) -> tuple[Statement, ...]:
    """Returns the statements for prefixes, `listed` ones too, and one for customer keys.

    Buckets may be encrypted under any key. Using it is safe to allow: only through S3, and only for
    these buckets, by the encryption context that S3 sets (the bucket's ARN with bucket keys, else
    the object's). The key's own policy decides as well.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    here = s.catalog.places.regions[s.home_region]
    statements: list[Statement] = []
    buckets: set[str] = set()
    for prefix in sorted(prefixes):
        bucket, path = bucket_and_key(prefix)
        arn, below = f"arn:{here.partition}:s3:::{bucket}", path.rstrip("/")
        buckets.add(arn)
        if listed:
            within = {"StringLike": {"s3:prefix": (f"{below}/*",)}} if below else None
            statements.append(allow(("s3:ListBucket",), (arn,), within))
        itself = (f"{arn}/{below}",) if below and not path.endswith("/") else ()
        objects = (*itself, f"{arn}/{below}/*" if below else f"{arn}/*")
        statements.append(allow(actions, objects))
    if buckets:
        arns = tuple(sorted(buckets))
        contexts = tuple(c for arn in arns for c in (arn, f"{arn}/*"))
        statements.append(
            {
                "Effect": "Allow",
                "Action": key_actions,
                "Resource": (f"arn:{here.partition}:kms:*:*:key/*",),
                "Condition": {
                    "StringLike": {
                        "kms:EncryptionContext:aws:s3:arn": contexts,
                        "kms:ViaService": (f"s3.*.{here.dns_suffix}",),
                    },
                },
            }
        )
    return tuple(statements)


def run_task(partition: str, region: str, family: str) -> InlinePolicy:
    """Allows starting tasks of one family in one cluster."""
    family_arn = f"arn:{partition}:ecs:{region}:{ACCOUNT}:task-definition/{family}:*"
    here = {"ArnEquals": {"ecs:cluster": ClusterArn()}}
    return InlinePolicy("run-task", (allow(("ecs:RunTask",), (family_arn,), here),))


def start_tasks(partition: str, passed: Iterable[str]) -> InlinePolicy:
    """Allows passing the roles to tasks, and tagging the tasks that start."""
    tagged = allow(
        ("ecs:TagResource",),
        (f"arn:{partition}:ecs:*:{ACCOUNT}:task/*",),
        {"StringEquals": {"ecs:CreateAction": "RunTask"}},
    )
    roles = allow(
        ("iam:PassRole",),
        tuple(RoleArn(role) for role in passed),
        {"StringLike": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
    )
    return InlinePolicy("start-tasks", (tagged, roles))


def agent() -> InlinePolicy:
    """Allows what the ECS agent of an instance calls in one cluster, and nothing more.

    AWS's own policy also lets an instance pull every image of the account, write to every log group
    and create clusters. Tasks have an execution role for the first two.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
    """
    registers = ("ecs:DeregisterContainerInstance", "ecs:RegisterContainerInstance", "ecs:Submit*")
    listens = ("ecs:Poll", "ecs:StartTelemetrySession")
    return InlinePolicy(
        "agent",
        (
            allow(registers, (ClusterArn(),)),
            allow(listens, (ClusterArn("container-instance"),)),
        ),
    )


def discover() -> InlinePolicy:
    """Allows the ECS agent to ask where ECS listens, which names no resource."""
    return InlinePolicy("discover", (allow(("ecs:DiscoverPollEndpoint",), ("*",)),))


def detect(s: Situation, recovered: Iterable[RegionalPool]) -> InlinePolicy:
    """Allows what the recovery of Neuron nodes calls: to look at instances, which names no
    resource, to publish its metric, and to report instances of these pools unhealthy.

    https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/ecs/npd.html (Permissions)
    """
    looks = ("autoscaling:DescribeAutoScalingInstances", "ec2:DescribeInstances")
    named: Statement = {"StringEquals": {"cloudwatch:namespace": "NeuronHealthCheck"}}
    found = [allow(("cloudwatch:PutMetricData",), ("*",), named), allow(looks, ("*",))]
    groups = tuple(
        f"arn:{s.partition}:autoscaling:{pool.region}:{ACCOUNT}:autoScalingGroup:*:"
        f"autoScalingGroupName/{s.catalog.places.regions[pool.region].short}_{pool.name}_*"
        for pool in recovered
    )
    if groups:
        found.append(allow(("autoscaling:SetInstanceHealth",), groups))
    return InlinePolicy("detect", tuple(found))


def show_graphs(partition: str) -> InlinePolicy:
    """Allows what messages in a channel need: the account's alarms, and graphs, which name no
    resource.

    Everyone in the channel may run commands with this role. AWS's policies that read CloudWatch
    also read every log group, with what models were asked.
    https://docs.aws.amazon.com/chatbot/latest/adminguide/understanding-permissions.html
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
    """
    alarms = ("cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms")
    graphs = ("DescribeAlarmsForMetric", "GetMetricData", "GetMetricStatistics")
    drawn = (*graphs, "GetMetricWidgetImage", "ListMetrics")
    return InlinePolicy(
        "graphs",
        (
            allow(alarms, (f"arn:{partition}:cloudwatch:*:{ACCOUNT}:alarm:*",)),
            allow(tuple(f"cloudwatch:{action}" for action in drawn), ("*",)),
        ),
    )


def file_system_arn(partition: str, region: str, file_system_id: str) -> str:
    """Returns the ARN of a file system of the account."""
    return f"arn:{partition}:elasticfilesystem:{region}:{ACCOUNT}:file-system/{file_system_id}"


def mount(system: PolicyValue, *, write: bool) -> InlinePolicy:
    """Allows mounting a file system through one access point, and writing where a mount does.

    `system` is the file system's ARN, or stands for it.
    https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
    """
    actions = ("elasticfilesystem:ClientMount", *(("elasticfilesystem:ClientWrite",) * write))
    through = {"ArnEquals": {"elasticfilesystem:AccessPointArn": AccessPointArn()}}
    return InlinePolicy("mount", (allow(actions, (system,), through),))


def mount_s3_files(
    s: Situation, writes: Mapping[str, bool], shown: Iterable[str]
) -> tuple[Statement, ...]:
    """Allows mounting file systems of S3 Files, each through its access point if it has one, and
    reading the objects: clients read large files from S3 itself.

    `writes` says of the ARN of each file system or access point whether a mount writes; `shown` are
    the prefixes that they show.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-files-security-iam.html
    """
    statements: list[Statement] = []
    for arn, write in sorted(writes.items()):
        actions = ("s3files:ClientMount", *(("s3files:ClientWrite",) * write))
        system, through, _ = arn.partition("/access-point/")
        condition = {"ArnEquals": {"s3files:AccessPointArn": arn}} if through else None
        statements.append(allow(actions, (system,), condition))
    reading = ("s3:GetObject", "s3:GetObjectVersion")
    return (*statements, *_s3(s, shown, reading, ("kms:Decrypt",), listed=True))


def encrypt_volumes(keys: Iterable[str], dns_suffix: str) -> InlinePolicy:
    """Allows using the keys for EBS volumes alone.

    https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
    """
    arns = tuple(keys)
    through: Statement = {"StringLike": {"kms:ViaService": f"ec2.*.{dns_suffix}"}}
    uses = ("Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext", "ReEncrypt*")
    granted: Statement = {**through, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    return InlinePolicy(
        "volume-keys",
        (
            allow(tuple(f"kms:{use}" for use in uses), arns, through),
            allow(("kms:CreateGrant",), arns, granted),
        ),
    )


def only_encrypted() -> InlinePolicy:
    """Refuses clients without TLS. A file system without a policy lets everyone in who reaches a
    mount target; with this one only roles that are allowed to.

    https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
    """
    return InlinePolicy(
        "only-encrypted",
        (
            {
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "*",
                "Resource": FileSystemArn(),
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ),
    )
