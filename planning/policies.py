"""IAM policy documents: what each role may do, and their canonical JSON."""

from collections.abc import Iterable, Mapping
from typing import Any

from planning.canonical import canonical
from planning.choices import ACCOUNT
from planning.plan import (
    AccessPointArn,
    ClusterArn,
    FileSystemArn,
    PolicyValue,
    Role,
    RoleArn,
)

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
