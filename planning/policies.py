"""IAM policy documents: what each role may do, and their canonical JSON."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from planning.plan import PolicyValue, RoleArn


def trust(service: str) -> str:
    """Returns the trust policy that lets one AWS service assume a role."""
    return _dumps(
        [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}]
    )


def document(
    statements: Iterable[Mapping[str, PolicyValue]], role_arns: Mapping[str, str] | None = None
) -> str:
    """Returns the policy document with each `RoleArn` replaced by the ARN of that role.

    Raises KeyError if a role's ARN is missing.
    """
    return _dumps([_resolved(s, role_arns or {}) for s in statements])


def roles_named(statements: Iterable[Mapping[str, PolicyValue]]) -> tuple[str, ...]:
    """Returns the keys of the roles that the statements name by ARN, sorted."""
    found: set[str] = set()
    for statement in statements:
        _collect(statement, found)
    return tuple(sorted(found))


def _collect(value: PolicyValue, found: set[str]) -> None:
    match value:
        case RoleArn(role):
            found.add(role)
        case str():
            pass
        case Mapping():
            for inner in value.values():
                _collect(inner, found)
        case _:
            for inner in value:
                _collect(inner, found)


def _resolved(value: PolicyValue, role_arns: Mapping[str, str]) -> Any:
    match value:
        case RoleArn(role):
            return role_arns[role]
        case str():
            return value
        case Mapping():
            return {key: _resolved(inner, role_arns) for key, inner in value.items()}
        case _:
            return [_resolved(inner, role_arns) for inner in value]


def _dumps(statements: list[Any]) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": statements}, sort_keys=True, separators=(",", ":")
    )
