"""How a job is started by hand: as a request, and as a command."""

import shlex
from collections.abc import Sequence
from typing import Any

from planning import choices
from planning.canonical import canonical
from planning.plan import EbsVolume, JobPlan

Request = dict[str, Any]
"""The parameters of RunTask, by their names in the API."""


def request(
    job: JobPlan,
    *,
    cluster: str,
    capacity_provider: str,
    task_definition: str,
    subnets: Sequence[str],
    security_groups: Sequence[str],
    volumes_role: str = "",
) -> Request:
    """Returns the parameters with which a task of the job starts.

    There is a network configuration if and only if the task definition is awsvpc. RunTask refuses
    the other combinations (API_RunTask, networkConfiguration). `volumes_role` is the ARN of the
    role of its EBS volume, if it has one.
    """
    asked: Request = {
        "cluster": cluster,
        "taskDefinition": task_definition,
        "capacityProviderStrategy": [
            {"capacityProvider": capacity_provider, "weight": choices.STRATEGY_WEIGHT}
        ],
    }
    if job.task_definition.network_mode == "awsvpc":
        asked["networkConfiguration"] = {
            "awsvpcConfiguration": {
                "subnets": sorted(subnets),
                "securityGroups": sorted(security_groups),
                "assignPublicIp": "DISABLED",
            }
        }
    if job.task_definition.member_of:
        asked["placementConstraints"] = [
            {"type": "memberOf", "expression": e} for e in job.task_definition.member_of
        ]
    if volume := job.task_definition.ebs_volume:
        launched = {"name": volume.name, "managedEBSVolume": _managed(volume, volumes_role)}
        asked["volumeConfigurations"] = [launched]
    return asked | {"propagateTags": "TASK_DEFINITION", "enableECSManagedTags": True}


def render(asked: Request, region: str) -> str:
    """Returns the `aws ecs run-task` command of a request, quoted for a POSIX shell."""
    strategy = asked["capacityProviderStrategy"][0]
    provider = shlex.quote(strategy["capacityProvider"])
    words = [
        "aws ecs run-task",
        f"--region {region}",
        f"--cluster {shlex.quote(asked['cluster'])}",
        f"--task-definition {shlex.quote(asked['taskDefinition'])}",
        f"--capacity-provider-strategy capacityProvider={provider},weight={strategy['weight']}",
    ]
    for key, option in _AS_JSON:
        if key in asked:
            words.append(f"{option} {shlex.quote(canonical(asked[key]))}")
    words.append("--propagate-tags TASK_DEFINITION --enable-ecs-managed-tags")
    return " ".join(words)


_AS_JSON = (
    ("networkConfiguration", "--network-configuration"),
    ("placementConstraints", "--placement-constraints"),
    ("volumeConfigurations", "--volume-configurations"),
)


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
