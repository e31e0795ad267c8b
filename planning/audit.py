"""What `security` of the stack file means in a Region: where records go, which key encrypts them,
and which buckets the network reaches."""

from planning import choices, names
from planning.choices import ACCOUNT
from planning.entries import RegionalPool, RegionalWorkload
from planning.permissions import Statement, allow
from planning.plan import LogGroup
from planning.regional import bucket_and_key, in_region, of_region
from planning.situation import Situation


def bucket(prefix: str | None, region: str) -> tuple[str, str]:
    """Returns the bucket in a Region and the beginning of its keys, without a slash at its end."""
    found, path = bucket_and_key(in_region(prefix or "", region))
    return found, path.rstrip("/")


def flow_logs(s: Situation, region: str) -> str:
    """Returns the ARN of the prefix that gets the flow logs of a network; empty without one."""
    found, path = bucket(s.settings.security.flow_logs, region)
    partition = s.catalog.places.regions[region].partition
    return f"arn:{partition}:s3:::{found}/{path}".rstrip("/") if found else ""


def kms_key(s: Situation, region: str) -> str:
    """Returns the ARN of the stack file's key in a Region; empty without one."""
    return of_region(s.settings.security.kms_keys, region)


def exec_logs(s: Situation, short: str, pools: list[RegionalPool]) -> LogGroup | None:
    """Returns the log group of sessions of ECS Exec in the cluster of these pools; `None` where
    they are not recorded. Sessions can be switched on beside the stack file as well."""
    if not s.settings.security.exec_logs:
        return None
    managed = pools[0].managed
    return LogGroup(
        key=names.key(short, _kind(managed), "exec"),
        name=exec_log_name(s, managed=managed),
        retention_days=choices.EXEC_LOG_DAYS,
        kms_key=kms_key(s, pools[0].region),
    )


def exec_log_name(s: Situation, *, managed: bool) -> str:
    """Returns the name of the log group of sessions, which is the same in every Region."""
    return f"/{s.qualified_name}/exec/{_kind(managed)}"


def _kind(managed: bool) -> str:
    return "managed-instances" if managed else "auto-scaling"


def exec_statements(s: Situation, works: list[RegionalWorkload]) -> tuple[Statement, ...]:
    """Returns what ECS Exec needs of a task's role: channels, and where it is recorded the log
    group and its key. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html"""
    statements = [allow(choices.EXEC_ACTIONS, ("*",))]
    if s.settings.security.exec_logs:
        groups = {
            f"arn:{s.partition}:logs:{w.region}:{ACCOUNT}:log-group:"
            f"{exec_log_name(s, managed=w.pool.managed)}:*"
            for w in works
        }
        keys = tuple(sorted({kms_key(s, w.region) for w in works} - {""}))
        writing = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
        statements.append(allow(("logs:DescribeLogGroups",), ("*",)))
        statements.append(allow(writing, tuple(sorted(groups))))
        if keys:
            statements.append(allow(("kms:Decrypt",), keys))
    return tuple(statements)


def s3_policy(s: Situation, region: str) -> tuple[Statement, ...]:
    """Returns the statements of the policy of a network's endpoint for S3.

    Without `s3_accounts` it is AWS's own default, written out: a policy that is taken away would
    stay in force. A request passes an endpoint only where its policy allows it as well as all other
    policies do. The buckets of AWS are readable by everyone, or by links that AWS signs.
    https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html
    """
    accounts = s.settings.security.s3_accounts
    if accounts is None:
        return ({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},)
    partition = s.catalog.places.regions[region].partition
    buckets = (row.replace("{region}", region) for row in s.catalog.networks.aws_buckets)
    return (
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {
                "StringEquals": {"aws:ResourceAccount": (ACCOUNT, *sorted(set(accounts)))}
            },
        },
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": tuple(f"arn:{partition}:s3:::{name}/*" for name in buckets),
        },
    )
