"""The command that starts a job by hand."""

import json
import shlex
from collections.abc import Sequence

from planning.plan import JobPlan, RegionPlan


def render(
    job: JobPlan,
    region: RegionPlan,
    *,
    cluster: str,
    capacity_provider: str,
    task_definition: str,
    subnets: Sequence[str],
    security_groups: Sequence[str],
) -> str:
    """Returns the `aws ecs run-task` command of the job, quoted for a POSIX shell.

    It has a network configuration if and only if the task definition is awsvpc. RunTask refuses the
    other combinations (API_RunTask, networkConfiguration).
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
    words.append("--propagate-tags TASK_DEFINITION --enable-ecs-managed-tags")
    return " ".join(words)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
