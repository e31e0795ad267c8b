"""What the stack file lets tasks do: secrets, prefixes and policies that are not what they seem."""

import re
from collections.abc import Iterator

from config import AutoScalingCapacity, EfsVolumeEntry, S3FilesVolumeEntry, Workload
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import listed
from planning.command_line import containers, written_containers
from planning.daemon_kinds import daemon_kinds
from planning.entries import RegionalWorkload
from planning.queue import by_queue
from planning.rules.rule import Report, rule
from planning.situation import Situation

_WORD = re.compile(r"-([a-z]{6}|[A-Z]{6}|[0-9]{6})$")
_WILD = re.compile(r"\*|\?|\$\{")


def _secrets(path: str, spec: Workload) -> Iterator[tuple[str, str]]:
    for where, container in written_containers(path, spec):
        for field, reference in container.references.items():
            yield f"{where}.{field}", reference


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
                    "name the secret as Secrets Manager shows it, with a hyphen and six characters "
                    "behind its own name",
                )


@rule(
    "NE724",
    "Wildcard in a name that a policy has",
    Severity.ERROR,
    "In an IAM policy * is any text, ? one character and ${ begins a variable: the role would be "
    "allowed more than what is named.",
    do="Write the name itself, or a prefix without wildcards.",
)
def wildcard_in_a_name(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"""
    for path, spec in s.named_workloads():
        secrets = [*_secrets(path, spec)]
        named = [*secrets]
        for field in ("s3_read", "s3_write"):
            named += [(f"{path}.{field}[{i}]", p) for i, p in enumerate(getattr(spec, field))]
        for where, text in named:
            if found := _WILD.search(text):
                what, without = _wild(text, found)
                if (where, text) in secrets:
                    why = "A container reads one secret or parameter, by its name."
                    yield Report(where, what, "name one secret or parameter", why)
                else:
                    yield Report(where, what, f"write {without}")
    for name, entry in sorted(s.settings.volumes.items()):
        if isinstance(entry, S3FilesVolumeEntry) and (found := _WILD.search(entry.bucket)):
            what, without = _wild(entry.bucket, found)
            yield Report(f"volumes.{name}.bucket", what, f"write {without}")


def _wild(text: str, found: re.Match[str]) -> tuple[str, str]:
    """What is wrong with a name that has a wildcard, and the prefix before it."""
    kept = text[: found.start()]
    return f"is {shown(text, limit=120)}, with {found[0]}", kept[: kept.rfind("/") + 1]


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


@rule(
    "NE726",
    "Task in host mode",
    Severity.WARNING,
    "A container in host mode has the network of its instance, and nothing keeps it from the "
    "credentials of the instance's role. As the ECS agent it gets the credentials of every task "
    "there (Security Hub ECS.17).",
    do="Leave network_mode out, or run only code that you trust and silence the code.",
)
def host_mode(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html#ecs-17;
    https://repost.aws/knowledge-center/ecs-container-ec2-metadata: in host mode it cannot be
    prevented."""
    for work in _in_host_mode(s):
        chosen = work.spec.network_mode is not None and not _needs_host_mode(work)
        yield Report(
            f"{work.path}.network_mode" if chosen else work.path,
            "is host: its code can read the credentials of its instances"
            if chosen
            else "runs in host mode: its code can read the credentials of its instances",
            "leave network_mode out"
            if chosen
            else "silence NE726 with the reason, if you trust all code there",
        )


@rule(
    "NE727",
    "Task in host mode beside secrets or rights of others",
    Severity.WARNING,
    "A container in host mode can act as its instance's ECS agent, and gets the credentials of the "
    "other tasks on the instance: their secrets, buckets, file systems and policies.",
    do="Give the workload in host mode a pool of its own.",
)
def host_mode_beside_others(s: Situation) -> Iterator[Report]:
    """https://repost.aws/knowledge-center/ecs-container-ec2-metadata"""
    for work in _in_host_mode(s):
        others = {w.path: _holds(s, w) for w in s.work_on(work.pool) if w.path != work.path}
        if any(others.values()):
            held = listed(sorted(f"{path} ({fields})" for path, fields in others.items() if fields))
            yield Report(
                work.path,
                f"runs in host mode on {work.pool.path}, beside {held}",
                "move it to a pool of its own",
            )


@rule(
    "NE767",
    "Privileged daemon beside rights of others",
    Severity.NOTE,
    "A privileged container has all that its instance has: the credentials of the other tasks "
    "there, their secrets and their files. neuron-monitor and the node problem detector need it.",
    do="Make sure that you trust the images of neuron_metrics, which a digest keeps as they are.",
)
def daemon_beside_others(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html#ecs-4"""
    held = {
        work.path: fields
        for work in s.work
        if daemon_kinds(s.settings, work.pool) and (fields := _holds(s, work))
    }
    if held:
        named = listed(sorted(f"{path} ({fields})" for path, fields in held.items()), most=5)
        yield Report(
            "neuron_metrics",
            f"runs privileged containers beside {named}",
            "make sure that you trust its images as much, and name them by digest",
        )


def _in_host_mode(s: Situation) -> Iterator[RegionalWorkload]:
    """Each workload that runs in host mode, once."""
    found: dict[str, RegionalWorkload] = {}
    for work in s.work:
        if work.network_mode == "host":
            found.setdefault(work.path, work)
    yield from found.values()


def _needs_host_mode(work: RegionalWorkload) -> bool:
    """Whether its default mode is host: with EFA, and with a part of the devices where ECS owns
    the instances."""
    if work.pool.managed:
        return bool(work.spec.neuron_devices) and not work.managed_devices
    return isinstance(work.pool.spec, AutoScalingCapacity) and work.pool.spec.efa


def _holds(s: Situation, work: RegionalWorkload) -> str:
    """The fields that give a workload's roles rights of their own, as text."""
    spec = work.spec
    given = [f for f in _OF_ITS_OWN if getattr(spec, f, False)]
    files = {n for n, v in s.settings.volumes.items() if isinstance(v, _OF_ROLES)}
    if any(files & set(container.mounts) for _, container in containers(work)):
        given.insert(0, "mounts")
    if any(_secrets("", spec)):
        given.insert(0, "secrets")
    return listed([*given, *(["scaling.queue"] if by_queue(spec) else [])])


_OF_ITS_OWN = ("s3_read", "s3_write", "task_policies", "exec", "server_metrics")
_OF_ROLES = (EfsVolumeEntry, S3FilesVolumeEntry)
"""File systems that a task mounts with its role."""


RULES = (
    secret_without_its_characters,
    wildcard_in_a_name,
    administrator_in_a_task,
    host_mode,
    host_mode_beside_others,
    daemon_beside_others,
)
