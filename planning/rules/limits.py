"""What AWS limits or forbids by number or by name: tags, roles, clusters, task definitions."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from config import JobEntry, ManagedInstancesCapacity, S3FilesVolumeEntry
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import counted, listed
from planning import containers as rendered
from planning import identity, permissions, policies
from planning.command_line import containers
from planning.entries import RegionalWorkload
from planning.policies import InlinePolicy, Role
from planning.regional import in_region
from planning.rules.rule import Report, rule
from planning.situation import Situation
from planning.volumes import access_by_role

_OURS = ("Name", "AmazonECSManaged")  # tags that the program sets itself
_TAG_SIGNS = frozenset("_.:/=+-@")
_METADATA_KEY = re.compile(r"[0-9a-zA-Z\-_+=,.@:]{1,255}")


def _managed(s: Situation) -> list[str]:
    return [n for n, c in s.settings.capacity.items() if isinstance(c, ManagedInstancesCapacity)]


# ---- tags ------------------------------------------------------------------------------------


@rule(
    "NE701",
    "Tag uses the prefix of AWS",
    Severity.ERROR,
    "AWS reserves tag keys and values that begin with aws:.",
    do="Use another prefix.",
)
def tag_of_aws(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html"""
    for key, value in s.settings.tags.items():
        if key.lower().startswith("aws:"):
            yield Report(
                f"tags.{key}",
                f"is {value or 'empty'}, under a key that AWS reserves",
                f"name it {key[4:]}" if key[4:] else "remove it",
            )
        elif value.lower().startswith("aws:"):
            yield Report(
                f"tags.{key}", f"is {value}, which begins with {value[:4]}", f"write {value[4:]}"
            )


def _refused(text: str) -> list[str]:
    """Characters that AWS refuses in tags: not a letter, a digit, a space or an allowed sign."""
    return sorted({c for c in text if unicodedata.category(c)[0] not in "LNZ"} - _TAG_SIGNS)


@rule(
    "NE702",
    "Tag has characters that AWS refuses",
    Severity.ERROR,
    "Tags may contain letters, digits, spaces and the signs _ . : / = + - @.",
    do="Remove the other characters.",
)
def tag_characters(s: Situation) -> Iterator[Report]:
    """API_Tag of the Amazon ECS API Reference, and
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html"""
    for key, value in s.settings.tags.items():
        for what, text in (("key", key), ("value", value)):
            wrong = _refused(text)
            if wrong:
                near = "".join("-" if c in wrong else c for c in text)
                yield Report(
                    f"tags.{key}",
                    f"has {listed(wrong)} in its {what} {text}",
                    f"name it {near}" if what == "key" else f"write {json.dumps(near)}",
                )


@rule(
    "NE703",
    "Too many tags",
    Severity.ERROR,
    "A resource has at most 50 tags, a Managed Instances capacity provider 45, including those "
    "that the program adds (Name, and AmazonECSManaged on Auto Scaling groups).",
    do="Remove some tags.",
    table="limits",
)
def too_many_tags(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html and
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-managed-instances.html"""
    managed = _managed(s)
    most = s.catalog.limits.value("tags_max") - len(_OURS)
    if len(managed) == len(s.settings.capacity):
        most += 1  # no Auto Scaling group
    if managed:
        most = min(most, s.catalog.limits.value("managed_instances_tags") - 1)
    given = len({*s.settings.tags} - {*_OURS})
    if given > most:
        where = f", with the Managed Instances pool {managed[0]}" if managed else ""
        first = next(iter(s.settings.tags))
        yield Report("tags", f"has {given} tags, from {first} on{where}", f"keep at most {most}")


@rule(
    "NE704",
    "Tag is overwritten by the program",
    Severity.WARNING,
    "The program sets these tags itself, to name its resources and to mark what ECS manages.",
    do="Use another key.",
)
def tag_of_ours(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html (Name) and
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/asg-capacity-providers.html
    (AmazonECSManaged): the value given here is lost."""
    for key in s.settings.tags:
        if key in _OURS:
            what = f"is {s.settings.tags[key]}; the program overwrites {key} with its own value"
            yield Report(f"tags.{key}", what, "remove it")


@rule(
    "NE705",
    "Tag keys differ only in case",
    Severity.ERROR,
    "IAM does not distinguish upper and lower case in the tag keys of a role.",
    do="Keep one of the keys.",
)
def tags_alike_but_for_case(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html: "tag keys are case
    insensitive"; a role with Department and department is refused."""
    first = {ours.lower(): ours for ours in _OURS[:1]}
    for key in sorted(s.settings.tags):
        other = first.setdefault(key.lower(), key)
        if other != key:
            ours = ", which the program sets itself" if other in _OURS else ""
            yield Report(
                f"tags.{key}",
                f"is {s.settings.tags[key]}, under a key that differs from {other} only in "
                f"case{ours}",
                "remove it",
            )


@rule(
    "NE706",
    "Tag key that instance metadata refuses",
    Severity.ERROR,
    "Managed Instances copy their tags to the instance metadata, whose keys may contain only "
    "[0-9a-zA-Z-_+=,.@:], without space and slash.",
    do="Write the key with hyphens.",
)
def tag_that_metadata_refuses(s: Situation) -> Iterator[Report]:
    """API_InstanceLaunchTemplate of the Amazon ECS API Reference (instanceMetadataTagsPropagation),
    and https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html"""
    managed = _managed(s)
    for key in s.settings.tags if managed else ():
        if not _METADATA_KEY.fullmatch(key) and not _refused(key):
            ascii_only = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode()
            near = re.sub(r"[^0-9a-zA-Z\-_+=,.@:]", "-", ascii_only) or "another key"
            yield Report(
                f"tags.{key}",
                f"is {s.settings.tags[key]}, under a key that the Managed Instances of the pool "
                f"{managed[0]} do not accept",
                f"name it {near}",
            )


# ---- clusters --------------------------------------------------------------------------------


def _clusters(s: Situation) -> Mapping[tuple[str, bool], list[str]]:
    """Pools of each Region's cluster for Auto Scaling (False) and Managed Instances (True)."""
    found: dict[tuple[str, bool], list[str]] = {}
    for (region, name), pool in s.pools.items():
        found.setdefault((region, pool.managed), []).append(name)
    return found


@rule(
    "NE707",
    "Too many pools in a cluster",
    Severity.ERROR,
    "A cluster has at most 20 capacity providers, one for each pool.",
    do="Keep fewer pools of a kind in a Region.",
    table="limits",
)
def too_many_pools(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html (not
    adjustable)"""
    most = s.catalog.limits.value("capacity_providers_per_cluster")
    for (region, managed), pools in _clusters(s).items():
        if len(pools) > most:
            kind = "managed_instances" if managed else "auto_scaling"
            yield Report(
                "capacity",
                f"has {len(pools)} pools with kind: {kind} in {region}, from {pools[0]} on",
                f"keep at most {most}: give pools only the regions that they need",
            )


@rule(
    "NE713",
    "Too many instances in a cluster",
    Severity.WARNING,
    "A cluster has at most 5,000 container instances, unless the account's quota was raised.",
    do="Lower max_size.",
    table="limits",
)
def too_many_instances(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html"""
    most = s.catalog.limits.value("container_instances_per_cluster")
    for (region, managed), pools in _clusters(s).items():
        sizes = {n: s.pools[region, n].max_size or 0 for n in pools}
        if not managed and sum(sizes.values()) > most:
            largest = max(sizes, key=lambda n: (sizes[n], n))
            rest = sum(sizes.values()) - sizes[largest]
            yield Report(
                f"capacity.{largest}.max_size",
                f"is {sizes[largest]}; the pools of {region} can have {sum(sizes.values())} "
                "instances in one cluster",
                f"write at most {max(1, most - rest)}",
            )


# ---- roles -----------------------------------------------------------------------------------


def _roles(s: Situation) -> tuple[Role, ...]:
    """The roles; none in an unknown home."""
    return identity.roles(s) if s.home_region in s.catalog.places.regions else ()


_SOME = "1" * 12
_EFS = f"arn:aws:elasticfilesystem:ap-southeast-0:{_SOME}"
_FILES = f"{_EFS}:file-system/fs-{'0' * 17}", f"{_EFS}:access-point/fsap-{'0' * 17}"
_CLUSTER = f"arn:aws:ecs:ap-southeast-0:{_SOME}:cluster/apse0_auto-scaling-0123abc"


def _length(role: Role, regional: Iterable[InlinePolicy] = ()) -> int:
    """Characters of a role's inline policies, with those that Regions add to it."""
    inline = (*role.inline_policies, *regional)
    named = {key: "" for p in inline for key in policies.roles_named(p.statements)}
    return sum(len(policies.document(p.statements, _SOME, named, _CLUSTER, _FILES)) for p in inline)


# path, what it is about, policies by Region
_Added = tuple[str, str, dict[str, tuple[InlinePolicy, ...]]]


def _regional(s: Situation) -> Mapping[str, _Added]:
    """What Regions add to roles, by the role: a path, what it is about, the policy of each."""
    cluster: dict[str, dict[str, tuple[InlinePolicy, ...]]] = {}
    for (region, _), pool in s.pools.items():
        if not pool.managed:
            cluster.setdefault(identity.instance_role(pool), {})[region] = (permissions.agent(),)
    found: dict[str, _Added] = {
        key: ("capacity", "of instances of pools of kind: auto_scaling", by_region)
        for key, by_region in cluster.items()
    }
    access = access_by_role(s)
    for work in s.work:
        if isinstance(work.spec, JobEntry) and work.spec.schedule is not None:
            start = permissions.run_task(s.partition, work.region, identity.task_family(s, work))
            path, about = f"{work.path}.schedule", "that starts the job"
            key = identity.scheduler_role(work)
            _, _, by_region = found.setdefault(key, (path, about, {}))
            by_region[work.region] = (start,)
        role = identity.task_role(work)
        if mounting := access.get((work.region, identity.logical_name(s, role))):
            _, _, by_region = found.setdefault(role, (work.path, "of its tasks", {}))
            by_region[work.region] = mounting
    return found


@rule(
    "NE708",
    "Inline policies of a role are too long",
    Severity.ERROR,
    "The inline policies of a role have at most 10,240 characters together. Each prefix, each "
    "secret and each Region adds to them.",
    do="Name prefixes that cover several others, or your own policy under task_policies.",
    table="limits",
)
def inline_policies_too_long(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (not
    adjustable)"""
    most = s.catalog.limits.value("inline_policies_per_role_max_characters")
    roles = _roles(s)
    added: Mapping[str, _Added] = _regional(s) if roles else {}
    by_key = {identity.logical_name(s, key): found for key, found in added.items()}
    written = {identity.logical_name(s, key): found for key, found in _written(s).items()}
    for role in roles:
        path, about, by_region = by_key.get(role.key, ("", "of its tasks", {}))
        length = _length(role, [p for some in by_region.values() for p in some])
        if length <= most:
            continue
        work, lists = written.get(role.key, _NOTHING)
        of_work = {w.region for w in s.work if work and w.path == work.path}
        if _length(role) > most and lists:
            longest = max(lists.items(), key=lambda field: len(field[1]))
            yield _too_many(longest, counted(len(of_work), "Region"), length, most)
        elif regions := by_region.keys() or of_work:
            yield Report(
                path or (work.path if work else ""),
                f"is in {len(regions)} Regions: the policies of the role {about} have {length} "
                "characters",
                f"give it at most {len(regions) * most // length} of these Regions in this "
                "stack, and the others in another one",
            )
        else:
            pools = sum(pool.neuron and not pool.managed for pool in s.pools.values())
            yield Report(
                "neuron_metrics.problem_detector",
                f"recovers {pools} pools: the policies of its role have {length} characters",
                f"write recovery: false, or keep at most {pools * most // length} pools with chips",
            )


def _too_many(field: tuple[str, list[str]], regions: str, length: int, most: int) -> Report:
    path, entries = field
    what = f"has {len(entries)} entries, from {entries[0]} on: for {regions} the role's policies"
    rest = {
        "mounts": "here, and mount the others in another workload",
        "secrets": "here: one secret can hold several values as JSON",
    }.get(
        path.rpartition(".")[2],
        "that cover the others, such as the part of the path that they share, or attach a policy "
        "of your own under task_policies",
    )
    kept = max(1, len(entries) * most // length - 1)
    return Report(path, f"{what} have {length} characters", f"keep at most {kept} {rest}")


_Written = tuple[RegionalWorkload, dict[str, list[str]]]
"""A workload, and what it writes that a role's own policies have, by path."""

_NOTHING: tuple[None, dict[str, list[str]]] = (None, {})


def _written(s: Situation) -> Mapping[str, _Written]:
    found: dict[str, _Written] = {}
    files = {n for n, v in s.settings.volumes.items() if isinstance(v, S3FilesVolumeEntry)}
    for work in s.work:
        for key, fields in (
            (identity.task_role(work), ("s3_read", "s3_write", "mounts")),
            (identity.execution_role(work), ("secrets",)),
        ):
            if key in found:
                continue
            lists = {
                f"{path}.{field}": [
                    e for e in getattr(c, field, ()) if field != "mounts" or e in files
                ]
                for path, c in containers(work)
                for field in fields
            }
            found[key] = work, {path: entries for path, entries in lists.items() if entries}
    return found


@rule(
    "NE709",
    "Too many managed policies on a role",
    Severity.WARNING,
    "A role has at most 10 managed policies, unless the account's quota was raised.",
    do="Combine policies.",
    table="limits",
)
def too_many_policies(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    most = s.catalog.limits.value("managed_policies_per_role")
    given: dict[str, set[str]] = {}
    for work in s.work:
        given.setdefault(work.path, set()).update(
            in_region(policy, work.region) for policy in work.spec.task_policies
        )
    for path, arns in given.items():
        if len(arns) > most:
            yield Report(
                f"{path}.task_policies",
                f"has {len(arns)} policies, from {min(arns)} on",
                f"keep at most {most}",
            )


@rule(
    "NE710",
    "ARN belongs to another account or partition",
    Severity.ERROR,
    "Roles accept policies, and load balancers certificates, only of the account and partition in "
    "which the stack is built, or AWS's own policies.",
    do="Name a policy or certificate of the stack's own account.",
)
def several_accounts(s: Situation) -> Iterator[Report]:
    """API_AttachRolePolicy of the IAM API Reference, and
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html"""
    home = s.catalog.places.regions.get(s.home_region)
    arns = [
        (f"traffic.certificate_arns.{region}", arn)
        for region, arn in s.settings.traffic.certificate_arns.items()
    ] + [
        (f"{path}.task_policies[{index}]", arn)
        for path, spec in s.named_workloads()
        for index, arn in enumerate(spec.task_policies)
    ]
    account: str | None = None
    where = ""
    for path, arn in arns:
        _, partition, service, _, owner, _ = arn.split(":", 5)
        if service == "iam" and home is not None and partition != home.partition:
            yield Report(
                path,
                f"is {arn}, of the partition {partition}",
                f"write {arn.replace(f'arn:{partition}:', f'arn:{home.partition}:', 1)}",
            )
        elif owner != "aws":
            if account is None:
                account, where = owner, path
            if owner != account:
                yield Report(
                    path,
                    f"is {arn}, of account {owner}; {where} is of account {account}",
                    f"name one of account {account}, or correct {where}",
                )


@rule(
    "NE720",
    "AWS managed policy is not in the catalog",
    Severity.WARNING,
    "IAM refuses to attach a policy that does not exist. AWS adds policies of its own.",
    do="Write the name of an AWS managed policy as IAM shows it.",
    table="aws_policies",
)
def unknown_aws_policy(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html"""
    known = s.catalog.resources.aws_policies
    for path, spec in s.named_workloads():
        for index, arn in enumerate(spec.task_policies):
            stem, own, name = arn.partition(":iam::aws:policy/")
            if own and name not in known:
                near = get_close_matches(name, sorted(known), n=1)
                yield Report(
                    f"{path}.task_policies[{index}]",
                    f"is {arn}",
                    f"write {stem}{own}{near[0]}, if that was meant"
                    if near
                    else "name a policy as IAM shows it",
                )


# ---- task definitions ------------------------------------------------------------------------


@rule(
    "NE711",
    "Too many containers in a task",
    Severity.ERROR,
    "A task definition has at most 10 containers.",
    do="Keep at most nine sidecars.",
    table="limits",
)
def too_many_containers(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html (not
    adjustable)"""
    most = s.catalog.limits.value("containers_per_task_definition")
    for path, spec in s.named_workloads():
        if 1 + len(spec.sidecars) > most:
            yield Report(
                f"{path}.sidecars",
                f"are {len(spec.sidecars)}, from {min(spec.sidecars)} on, beside the workload's "
                "own container",
                f"keep at most {most - 1}",
            )


@rule(
    "NE712",
    "Secret reference is incomplete",
    Severity.ERROR,
    "The name of a Secrets Manager secret is followed by three parts or none: JSON key, version "
    "stage and version id. Each may be empty.",
    do="Write all the colons.",
)
def secret_with_parts_missing(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html"""
    reported: set[str] = set()
    for work in s.work:
        for path, container in containers(work):
            for name, reference in sorted(container.secrets.items()):
                where = f"{path}.secrets.{name}"
                parts = reference.split(":")[7:] if ":secretsmanager:" in reference else []
                if len(parts) in (0, 3) or where in reported:
                    continue
                reported.add(where)
                stem = ":".join(reference.split(":")[:7])
                fixed = ":".join([stem, *(parts + ["", ""])[:3]])
                yield Report(
                    where,
                    f"is {reference}, with {counted(len(parts), 'part')} after the name",
                    f'write "{fixed}" (an empty part keeps its colon)',
                )


def _definitions(s: Situation, work: RegionalWorkload) -> str:
    """The container definitions as ECS registers them; empty if they cannot be rendered."""
    size, kind = s.task_size(work), work.smallest
    if size is None or work.region not in s.catalog.places.regions:
        return ""
    if work.device_count > (kind.neuron.devices if kind and kind.neuron else 0):
        return ""  # NE203 reports devices that do not exist
    try:
        return rendered.definitions(
            work,
            s.catalog,
            size=size,
            devices=() if work.managed_devices else tuple(range(work.device_count)),
            log_group=f"/{s.project}/{s.stack}/models/{work.name}",
            efa_devices=0,
        )
    except KeyError:  # a Deep Learning Container without a registry there
        return ""


@rule(
    "NE714",
    "Task definition is too large",
    Severity.ERROR,
    "A task definition has at most 64 KiB, including environment and command.",
    do="Move long values into the image, a bucket or a parameter.",
    table="limits",
)
def task_definition_too_large(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html (not
    adjustable)"""
    most = s.catalog.limits.value("task_definition_max_bytes")
    for work in s.distinct_work:
        size = len(_definitions(s, work).encode())
        if size <= most:
            continue
        length, path, name = max(
            (
                (len(value.encode()), f"{path}.environment", name)
                for path, c in containers(work)
                for name, value in c.environment.items()
            ),
            default=(0, "", ""),
        )
        if length <= size // 8:
            path, name = f"{work.path}.command", ""
        yield Report(
            path,
            f"makes a task definition of {size} bytes"
            + (f", {length} of them in {name}" if name else ""),
            f"put {name or 'long arguments'} into the image, a bucket (s3_read) or a parameter "
            f"(secrets), to stay below {most}",
        )


@rule(
    "NE715",
    "Too many host ports",
    Severity.ERROR,
    "An instance reserves at most 100 host ports at a time, including its own and the device "
    "locks.",
    do="Serve on fewer ports, or leave network_mode out.",
    table="limits",
)
def too_many_host_ports(s: Situation) -> Iterator[Report]:
    """API_PortMapping of the Amazon ECS API Reference, hostPort: up to 100 reserved ports at a
    time; ports that Docker chooses do not count."""
    most = s.catalog.limits.value("host_ports_per_instance_max")
    for work in s.distinct_work:
        free = s.ports(work.pool)
        ports, locks = work.host_ports, 0 if work.managed_devices else work.device_count
        if len(ports) + locks > free and ports:
            yield Report(
                f"{work.path}.ports",
                f"has {len(ports)} ports from {ports[0]} on, in host mode; with {locks} locks and "
                f"{most - free} of the host's own they are {len(ports) + locks + most - free}",
                f"keep at most {free - locks}",
            )


@rule(
    "NE716",
    "Secret and variable have the same name",
    Severity.ERROR,
    "A container cannot have a secret and an environment variable of the same name.",
    do="Keep one of the two.",
)
def secret_and_variable_of_one_name(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html:
    RegisterTaskDefinition refuses a secret whose name an environment variable has."""
    reported: set[str] = set()
    for work in s.work:
        for path, container in containers(work):
            for name in sorted(set(container.secrets) & set(container.environment)):
                where = f"{path}.environment.{name}"
                if where not in reported:
                    reported.add(where)
                    said = shown(container.environment[name])
                    yield Report(
                        where,
                        f"is {said}, and {name} is also under secrets",
                        f"remove environment.{name}",
                    )


@rule(
    "NE717",
    "Stop timeout exceeds a day on Managed Instances",
    Severity.ERROR,
    "Managed Instances wait at most one day for a container to stop.",
    do="Write a shorter time.",
    table="limits",
)
def stops_longer_than_a_day(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters-managed-instances.html
    (stopTimeout)"""
    most = s.catalog.limits.value("managed_instances_stop_timeout_max_seconds")
    for work in s.distinct_work:
        wanted = work.spec.stop_timeout_seconds
        if work.pool.managed and wanted is not None and wanted > most:
            yield Report(
                f"{work.path}.stop_timeout_seconds",
                f"is {wanted}, on Managed Instances",
                f"write at most {most}",
            )


RULES = (
    tag_of_aws,
    tag_characters,
    too_many_tags,
    tag_of_ours,
    tags_alike_but_for_case,
    tag_that_metadata_refuses,
    too_many_pools,
    inline_policies_too_long,
    too_many_policies,
    several_accounts,
    too_many_containers,
    secret_with_parts_missing,
    too_many_instances,
    task_definition_too_large,
    too_many_host_ports,
    secret_and_variable_of_one_name,
    stops_longer_than_a_day,
    unknown_aws_policy,
)
