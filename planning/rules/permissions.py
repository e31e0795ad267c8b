"""What the stack file lets tasks do: secrets, prefixes and policies that are not what they seem."""

import re
from collections.abc import Iterator

from config import Workload
from config.credentials import shown
from messages.finding import Severity
from planning.rules.rule import Report, rule
from planning.situation import Situation

_WORD = re.compile(r"-([a-z]{6}|[A-Z]{6}|[0-9]{6})$")
_WILD = re.compile(r"\*|\?|\$\{")


def _secrets(path: str, spec: Workload) -> Iterator[tuple[str, str]]:
    containers = [(path, spec), *((f"{path}.sidecars.{n}", c) for n, c in spec.sidecars.items())]
    for where, container in containers:
        for name, reference in sorted(container.secrets.items()):
            yield f"{where}.secrets.{name}", reference


@rule(
    "NE723",
    "Name of a secret may look complete",
    Severity.NOTE,
    "Secrets Manager ends the ARN of every secret with a hyphen and six random letters or digits, "
    "and so takes such an ending for its own: the role may then read only that exact ARN.",
    do="Write the whole ARN of the secret, with the six characters that Secrets Manager added.",
)
def secret_without_its_characters(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html: do not
    end a name with a hyphen and six characters."""
    for path, spec in s.named_workloads():
        for where, reference in _secrets(path, spec):
            name = ":".join(reference.split(":")[:7])
            if ":secretsmanager:" in name and _WORD.search(name):
                yield Report(
                    where,
                    f"is {shown(reference, limit=120)}, which ends as if it had its six characters",
                    "if they belong to the secret's own name, add a hyphen and the six characters "
                    "that Secrets Manager shows",
                )


@rule(
    "NE724",
    "Wildcard in a name that a policy has",
    Severity.ERROR,
    "In an IAM policy * is any text, ? one character and ${ begins a variable: the role would be "
    "allowed more than the stack file names.",
    do="Write the name itself, or a prefix without wildcards.",
)
def wildcard_in_a_name(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"""
    for path, spec in s.named_workloads():
        named = list(_secrets(path, spec))
        for field in ("s3_read", "s3_write"):
            named += [(f"{path}.{field}[{i}]", p) for i, p in enumerate(getattr(spec, field))]
        for where, text in named:
            found = _WILD.search(text)
            if found:
                kept = text[: found.start()]
                fix = f"write {kept[: kept.rfind('/') + 1]}" if text.startswith("s3://") else ""
                yield Report(
                    where,
                    f"is {shown(text, limit=120)}, with {found[0]}",
                    fix or "write the name of one secret or parameter",
                )


@rule(
    "NE725",
    "Task role with the rights of an administrator",
    Severity.WARNING,
    "Code that runs in the task, and anyone who takes it over, has these rights in the whole "
    "account.",
    do="Attach a policy that allows only what the code calls.",
    table="administrator_policies",
)
def administrator_in_a_task(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html (IAM.1, IAM.21)"""
    known = s.catalog.resources.administrator_policies
    for path, spec in s.named_workloads():
        for index, arn in enumerate(spec.task_policies):
            name = arn.partition(":policy/")[2]
            if ":iam::aws:" in arn and name in known:
                yield Report(
                    f"{path}.task_policies[{index}]",
                    f"is {arn}, which {known[name]}",
                    "attach a policy of your own that allows only what the code calls",
                )


RULES = (secret_without_its_characters, wildcard_in_a_name, administrator_in_a_task)
