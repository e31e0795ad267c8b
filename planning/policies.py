"""IAM roles and their policy documents: what each may do, and the canonical JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from planning.canonical import canonical
from planning.choices import ACCOUNT


@dataclass(frozen=True, slots=True)
class RoleArn:
    """Stands in a policy for the ARN of another role of the plan."""

    kind: ClassVar[str] = "role_arn"
    role: str


@dataclass(frozen=True, slots=True)
class ClusterArn:
    """Stands in a policy for the ARN of the cluster that the policy is about.

    With `below`, a kind of resource, it stands for everything of that kind in the cluster.
    """

    kind: ClassVar[str] = "cluster_arn"
    below: Literal["", "container-instance", "task"] = ""


@dataclass(frozen=True, slots=True)
class FileSystemArn:
    """Stands in a policy for the ARN of the file system that the policy is about."""

    kind: ClassVar[str] = "file_system_arn"


@dataclass(frozen=True, slots=True)
class AccessPointArn:
    """Stands in a policy for the ARN of the access point that the policy is about."""

    kind: ClassVar[str] = "access_point_arn"


PolicyValue = (
    str
    | RoleArn
    | ClusterArn
    | FileSystemArn
    | AccessPointArn
    | tuple["PolicyValue", ...]
    | Mapping[str, "PolicyValue"]
)


@dataclass(frozen=True, slots=True)
class InlinePolicy:
    """A policy document: a list of statements.

    `RoleArn`, `ClusterArn` and `choices.ACCOUNT` within a text stand for what is known only later.
    """

    name: str
    statements: tuple[Mapping[str, PolicyValue], ...]


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role, global, built once in the home Region."""

    key: str
    service: str  # service principal that may assume it
    managed_policies: tuple[str, ...]  # ARNs
    inline_policies: tuple[InlinePolicy, ...]
    instance_profile: bool
    purpose: str
    source_arn: str = ""  # ARNs on whose behalf the service may assume it; empty: no condition


Statements = Iterable[Mapping[str, PolicyValue]]


def trust(role: Role, account: str) -> str:
    """Returns the trust policy that lets the role's service assume it.

    With a `source_arn` the service may do so only on behalf of such a resource of the account.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    statement: dict[str, PolicyValue] = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": role.service},
    }
    if role.source_arn:
        statement["Condition"] = {
            "ArnLike": {"aws:SourceArn": role.source_arn},
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
        }
    return document([statement], account)


def document(
    statements: Statements,
    account: str,
    role_arns: Mapping[str, str] | None = None,
    cluster_arn: str = "",
    file_arns: tuple[str, str] = ("", ""),
) -> str:
    """Returns the policy document with everything known that stood for something unknown.

    `account` is the number of the account, `cluster_arn` stands where the policy has a
    `ClusterArn`, and `file_arns` are those of a file system and of its access point. Raises
    KeyError if a role's ARN is missing.
    """

    def resolved(value: PolicyValue) -> Any:
        match value:
            case RoleArn(role):
                return (role_arns or {})[role]
            case ClusterArn(below):
                inside = cluster_arn.replace(":cluster/", f":{below}/") + "/*"
                return inside if below else cluster_arn
            case FileSystemArn():
                return file_arns[0]
            case AccessPointArn():
                return file_arns[1]
            case str():
                return value.replace(ACCOUNT, account)
            case Mapping():
                return {key: resolved(inner) for key, inner in value.items()}
            case _:
                return [resolved(inner) for inner in value]

    return canonical({"Version": "2012-10-17", "Statement": [resolved(s) for s in statements]})


def roles_named(statements: Statements) -> tuple[str, ...]:
    """Returns the keys of the roles that the statements name by ARN, sorted."""
    found: set[str] = set()

    def collect(value: PolicyValue) -> None:
        match value:
            case RoleArn(role):
                found.add(role)
            case str() | ClusterArn() | FileSystemArn() | AccessPointArn():
                pass
            case Mapping():
                for inner in value.values():
                    collect(inner)
            case _:
                for inner in value:
                    collect(inner)

    for statement in statements:
        collect(statement)
    return tuple(sorted(found))
