"""IAM roles, each with the permissions that it needs. Roles are global and are built once."""

from collections.abc import Iterable

from config import EbsVolumeEntry, JobEntry, ManagedInstancesCapacity, S3FilesVolumeEntry
from planning import audit, choices, names, permissions, queue
from planning.command_line import containers
from planning.daemon_kinds import DETECTOR, DaemonKind, daemon_kinds
from planning.entries import RegionalPool, RegionalWorkload
from planning.permissions import Statement
from planning.policies import InlinePolicy, Role
from planning.regional import in_region
from planning.situation import Situation


def task_role(work: RegionalWorkload) -> str:
    """Returns the key of the role of a workload's own code."""
    return names.key("job" if work.is_job else "", work.name, "task")


def execution_role(work: RegionalWorkload) -> str:
    """Returns the key of the role with which ECS pulls images, reads secrets and writes logs.

    All tasks without secrets have the same one.
    """
    if not _secrets(work):
        return choices.EXECUTION_ROLE
    return names.key("job" if work.is_job else "", work.name, "execution")


def scheduler_role(work: RegionalWorkload) -> str:
    """Returns the key of the role with which EventBridge Scheduler starts a job."""
    return names.key("job", work.name, "scheduler")


def daemon_role(kind: DaemonKind) -> str:
    """Returns the key of the role of a daemon's own code."""
    return names.key("daemon", kind.name, "task")


def daemon_logs(s: Situation, kind: DaemonKind) -> str:
    """Returns the name of a daemon's log group, which is the same in every Region."""
    return f"/{s.qualified_name}/daemons/{kind.name}"


def task_family(s: Situation, work: RegionalWorkload, slot: str = "") -> str:
    """Returns the family of a workload's task definition on a slot; a job has none."""
    job = "job" if work.is_job else ""
    return names.fitted(
        names.key(s.project, s.stack, job, work.name, slot, work.pool.name),
        s.catalog.limits.value("task_family_max"),
    )


def log_group_name(s: Situation, work: RegionalWorkload) -> str:
    """Returns the name of the workload's log group."""
    return f"/{s.qualified_name}/{'jobs' if work.is_job else 'models'}/{work.name}"


def instance_role(pool: RegionalPool) -> str:
    """Returns the key of the role of a pool's instances."""
    if isinstance(pool.spec, ManagedInstancesCapacity):
        return choices.MANAGED_INSTANCE_ROLE
    return choices.SESSION_MANAGER_ROLE if pool.spec.session_manager else choices.INSTANCE_ROLE


def roles(s: Situation) -> tuple[Role, ...]:
    """Returns all roles of the stack, sorted by key."""
    found: list[Role] = []
    by_name: dict[tuple[bool, str], list[RegionalWorkload]] = {}
    for work in s.work:
        by_name.setdefault((work.is_job, work.name), []).append(work)
    for works in by_name.values():
        found.extend(_of_workload(s, works))
    daemons = {k: None for p in s.pools.values() for k in daemon_kinds(s.settings, p)}
    if daemons or any(not _secrets(w) for w in s.work):
        found.append(
            _role(
                s,
                choices.EXECUTION_ROLE,
                "ecs-tasks",
                managed=("task_execution",),
                purpose="pulls images and writes logs, for tasks without secrets",
            )
        )
    found.extend(_of_daemon(s, kind) for kind in daemons)
    found.extend(_of_instances(s))
    found.extend(_of_volumes(s))
    if s.settings.alarms and s.settings.alarms.slack:
        found.append(
            _role(
                s,
                choices.SLACK_ROLE,
                "chatbot",
                inline=(permissions.show_graphs(s.partition),),
                purpose="shows alarms and their graphs in the Slack channel",
            )
        )
    return tuple(sorted(found, key=lambda r: r.key))


def _of_daemon(s: Situation, kind: DaemonKind) -> Role:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html"""
    groups = [("*", daemon_logs(s, kind))]  # in every Region
    may = InlinePolicy("publish", permissions.write_metrics(s.partition, groups))
    if kind == DETECTOR:
        given = s.settings.neuron_metrics
        recovers = bool(given and given.problem_detector and given.problem_detector.recovery)
        pools = [p for p in s.pools.values() if kind in daemon_kinds(s.settings, p)]
        may = permissions.detect(s, pools if recovers else [])
    return _role(
        s,
        daemon_role(kind),
        "ecs-tasks",
        inline=(may,),
        purpose=f"what the code of the daemon {kind.name} may do",
    )


def _of_instances(s: Situation) -> Iterable[Role]:
    used = {instance_role(pool) for pool in s.pools.values()}
    for key, managed, kind in (
        (choices.INSTANCE_ROLE, (), "Auto Scaling capacity"),
        (
            choices.SESSION_MANAGER_ROLE,
            ("ssm_core",),
            "Auto Scaling capacity with Session Manager",
        ),
    ):
        if key in used:
            yield _role(
                s,
                key,
                "ec2",
                managed=managed,
                inline=(permissions.discover(),),
                profile=True,
                purpose=f"instances of {kind} register with ECS",
            )
    if choices.MANAGED_INSTANCE_ROLE in used:
        yield _role(
            s,
            choices.MANAGED_INSTANCE_ROLE,
            "ec2",
            managed=("managed_instances_instance",),
            profile=True,
            purpose="instances of Managed Instances capacity register with ECS",
        )
        yield _role(
            s,
            choices.INFRASTRUCTURE_ROLE,
            "ecs",
            managed=("managed_instances_infrastructure",),
            purpose="ECS launches and ends Managed Instances",
        )


def _of_volumes(s: Situation) -> Iterable[Role]:
    ebs = {n for n, entry in s.settings.volumes.items() if isinstance(entry, EbsVolumeEntry)}
    works = [w for w in s.work if any(ebs & set(c.mounts) for _, c in containers(w))]
    if works:
        keys = sorted({audit.kms_key(s, w.region) for w in works} - {""})
        suffix = s.catalog.places.regions[s.home_region].dns_suffix
        yield _role(
            s,
            choices.VOLUMES_ROLE,
            "ecs",
            managed=("volumes_infrastructure",),
            inline=(permissions.encrypt_volumes(keys, suffix),) if keys else (),
            purpose="ECS makes, attaches and deletes the EBS volumes of tasks",
        )


def _of_workload(s: Situation, works: list[RegionalWorkload]) -> Iterable[Role]:
    first = works[0]
    what = f"{'job' if first.is_job else 'model'} {first.name}"
    inline: list[InlinePolicy] = []
    if first.spec.s3_read:
        inline.append(InlinePolicy("s3-read", permissions.read_s3(s, works)))
    if first.spec.s3_write:
        inline.append(InlinePolicy("s3-write", permissions.write_s3(s, works)))
    if mounting := _mount_s3_files(s, works):
        inline.append(InlinePolicy("s3-files", mounting))
    if queue.is_measured(first.spec):
        groups = [(w.region, log_group_name(s, w)) for w in works]
        inline.append(InlinePolicy("queue", permissions.write_metrics(s.partition, groups)))
    if first.spec.exec:
        inline.append(InlinePolicy("exec", audit.exec_statements(s, works)))
    yield _role(
        s,
        task_role(first),
        "ecs-tasks",
        arns=tuple({in_region(p, w.region) for w in works for p in w.spec.task_policies}),
        inline=tuple(inline),
        purpose=f"what the code of the {what} may do",
    )
    if _secrets(first):
        yield _role(
            s,
            execution_role(first),
            "ecs-tasks",
            managed=("task_execution",),
            inline=(InlinePolicy("secrets", permissions.read_secrets(s, works)),),
            purpose=f"pulls images, writes logs and reads the secrets of the {what}",
        )
    if isinstance(first.spec, JobEntry) and first.spec.schedule is not None:
        passed = (execution_role(first), task_role(first))
        yield _role(
            s,
            scheduler_role(first),
            "scheduler",
            inline=(permissions.start_tasks(s.partition, (logical_name(s, k) for k in passed)),),
            purpose=f"starts the {what} on its schedule",
        )


def _mount_s3_files(s: Situation, works: list[RegionalWorkload]) -> tuple[Statement, ...]:
    """Allows mounting the file systems of S3 Files, and reading what they show."""
    writes: dict[str, bool] = {}  # by the ARN of each file system or access point
    shown: set[str] = set()
    for work in works:
        for _, container in containers(work):
            for volume, mount in container.mounts.items():
                entry = s.settings.volumes.get(volume)
                if isinstance(entry, S3FilesVolumeEntry) and work.region in entry.file_systems:
                    arn = entry.file_systems[work.region]
                    writes[arn] = writes.get(arn, False) or not mount.read_only
                    shown.add(in_region(entry.bucket, work.region))
    return permissions.mount_s3_files(s, writes, shown)


# On whose behalf a service assumes a role, where AWS documents the condition for the service. Roles
# of instances and of the infrastructure have none: https://docs.aws.amazon.com/AmazonECS/latest/
# developerguide/infrastructure_IAM_role.html names none, and one that AWS does not send would stop
# every instance.
_SOURCES = {
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    "ecs-tasks": "arn:{partition}:ecs:*:{account}:*",
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    "scheduler": "arn:{partition}:scheduler:*:{account}:schedule-group/default",
}


def _role(
    s: Situation,
    key: str,
    service: str,
    *,
    managed: tuple[str, ...] = (),
    arns: tuple[str, ...] = (),
    inline: tuple[InlinePolicy, ...] = (),
    profile: bool = False,
    purpose: str,
) -> Role:
    given = [
        f"arn:{s.partition}:iam::aws:policy/{s.catalog.resources.managed_policy(m)}"
        for m in managed
    ]
    suffix = ".com.cn" if service == "ec2" and s.partition == "aws-cn" else ".com"
    return Role(
        key=logical_name(s, key),
        service=f"{service}.amazonaws{suffix}",
        managed_policies=tuple(dict.fromkeys([*given, *sorted(arns)])),
        inline_policies=inline,
        instance_profile=profile,
        purpose=purpose,
        source_arn=_SOURCES.get(service, "").format(partition=s.partition, account=choices.ACCOUNT),
    )


def _secrets(work: RegionalWorkload) -> bool:
    return any(container.references for _, container in containers(work))


def logical_name(s: Situation, key: str) -> str:
    """Returns the key within IAM's limit on role names, with room for the engine's suffix."""
    return names.autonamed(key, s.catalog.limits.value("role_name_max"))
