"""The command that starts a job by hand."""

import json
import shlex
from collections.abc import Sequence

from planning import choices
from planning.plan import EbsVolume, JobPlan, RegionPlan


def render(
    job: JobPlan,
    region: RegionPlan,
    *,
    cluster: str,
    capacity_provider: str,
    task_definition: str,
    subnets: Sequence[str],
    security_groups: Sequence[str],
    volumes_role: str = "",
) -> str:
    """Returns the `aws ecs run-task` command of the job, quoted for a POSIX shell.

    It has a network configuration if and only if the task definition is awsvpc. RunTask refuses the
    other combinations (API_RunTask, networkConfiguration). `volumes_role` is the ARN of the role of
    its EBS volume, if it has one.
    """
    words = [
        "aws ecs run-task",
        f"--region {region.name}",
        f"--cluster {shlex.quote(cluster)}",
        f"--task-definition {shlex.quote(task_definition)}",
        f"--capacity-provider-strategy capacityProvider={shlex.quote(capacity_provider)},weight=1",
    ]
    if job.task_definition.network_mode == "awsvpc":
        network = {
            "awsvpcConfiguration": {
                "subnets": sorted(subnets),
                "securityGroups": sorted(security_groups),
                "assignPublicIp": "DISABLED",
            }
        }
        words.append(f"--network-configuration {shlex.quote(_json(network))}")
    if job.task_definition.member_of:
        constraints = [{"type": "memberOf", "expression": e} for e in job.task_definition.member_of]
        words.append(f"--placement-constraints {shlex.quote(_json(constraints))}")
    if volume := job.task_definition.ebs_volume:
        launched = [{"name": volume.name, "managedEBSVolume": _managed(volume, volumes_role)}]
        words.append(f"--volume-configurations {shlex.quote(_json(launched))}")
    words.append("--propagate-tags TASK_DEFINITION --enable-ecs-managed-tags")
    return " ".join(words)


def _managed(volume: EbsVolume, role: str) -> dict[str, object]:
    """API_TaskManagedEBSVolumeConfiguration; by default ECS deletes the volume with the task."""
    made = {
        "roleArn": role,
        "encrypted": True,
        "kmsKeyId": volume.kms_key,
        "volumeType": choices.VOLUME_TYPE,
        "sizeInGiB": volume.size_gib,
        "snapshotId": volume.snapshot_id,
        "volumeInitializationRate": volume.initialization_rate_mib,
        "iops": volume.iops,
        "throughput": volume.throughput_mib,
        "filesystemType": volume.file_system_type,
    }
    return {name: value for name, value in made.items() if value}


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
