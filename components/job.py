"""A job in a Region: a task definition, and what starts it."""

from collections.abc import Sequence
from typing import cast

import pulumi
import pulumi_aws as aws

from components.capacity import Capacity
from components.logs import log_group
from components.roles import Roles
from components.workload import RegionContext, task_definition
from planning import choices, plan, run_task


class JobComponent(pulumi.ComponentResource):
    """A task that runs to completion. Without a schedule, `run_command` starts it by hand.

    A schedule repeats a start that AWS refused, for an hour; it never repeats the work.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule.html
    """

    def __init__(
        self,
        name: str,
        job: plan.JobPlan,
        *,
        region: plan.RegionPlan,
        capacity: Capacity,
        within: RegionContext,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("neuron-ecs:components:Job", name, None, opts)
        logs = log_group(job.log_group, region=within.region, tags=within.tags, parent=self)
        self.task_definition = task_definition(
            job.task_definition, logs=logs, within=within, parent=self
        )
        self.task_definitions = {job.task_definition.key: self.task_definition}
        if job.schedule is not None:
            self._schedule(job, job.schedule, capacity=capacity, within=within)
        self.run_command = _run_command(
            job,
            region,
            capacity=capacity,
            task_definition=self.task_definition.arn,
            security_groups=within.security_groups,
            roles=within.roles,
        )
        self.register_outputs({"run_command": self.run_command})

    def _schedule(
        self,
        job: plan.JobPlan,
        schedule: plan.Schedule,
        *,
        capacity: Capacity,
        within: RegionContext,
    ) -> aws.scheduler.Schedule:
        start = within.roles.policy(
            f"{schedule.key}_{schedule.start.name}",
            schedule.role,
            schedule.start,
            cluster_arn=capacity.cluster_arn,
            parent=self,
        )
        started: aws.scheduler.ScheduleTargetEcsParametersArgsDict = {
            "task_definition_arn": self.task_definition.arn,
            "task_count": choices.START_TASKS,
            # The scheduler has no launch type for Managed Instances; a strategy names either kind
            # of capacity.
            "capacity_provider_strategies": [
                {
                    "capacity_provider": capacity.provider,
                    "weight": choices.STRATEGY_WEIGHT,
                    "base": choices.STRATEGY_BASE,
                }
            ],
            "placement_constraints": [
                {"type": "memberOf", "expression": expression}
                for expression in job.task_definition.member_of
            ],
            "enable_ecs_managed_tags": True,
            "propagate_tags": "TASK_DEFINITION",
        }
        if job.task_definition.network_mode == "awsvpc":
            started["network_configuration"] = {
                "subnets": capacity.subnets,
                "security_groups": within.security_groups,
                "assign_public_ip": False,
            }
        return aws.scheduler.Schedule(
            schedule.key,
            schedule_expression=schedule.expression,
            schedule_expression_timezone=schedule.timezone,
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": capacity.cluster_arn,
                "role_arn": within.roles.arns[schedule.role],
                "retry_policy": {
                    "maximum_retry_attempts": choices.START_RETRIES,
                    "maximum_event_age_in_seconds": choices.START_RETRY_SECONDS,
                },
                "ecs_parameters": started,
            },
            region=within.region,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[
                    *capacity.ready,
                    start,
                    *within.roles.attachments(schedule.role),
                ],
            ),
        )


def _run_command(
    job: plan.JobPlan,
    region: plan.RegionPlan,
    *,
    capacity: Capacity,
    task_definition: pulumi.Output[str],
    security_groups: Sequence[pulumi.Input[str]],
    roles: Roles,
) -> pulumi.Output[str]:
    volume = job.task_definition.ebs_volume

    def render(known: dict[str, object]) -> str:
        asked = run_task.request(
            job,
            cluster=cast("str", known["cluster"]),
            capacity_provider=cast("str", known["provider"]),
            task_definition=cast("str", known["task_definition"]),
            subnets=cast("list[str]", known["subnets"]),
            security_groups=cast("list[str]", known["security_groups"]),
            volumes_role=cast("str", known["volumes_role"]),
        )
        return run_task.render(asked, region.name)

    return pulumi.Output.all(
        cluster=capacity.cluster_name,
        provider=capacity.provider,
        task_definition=task_definition,
        subnets=list(capacity.subnets),
        security_groups=list(security_groups),
        volumes_role=roles.arns[volume.role] if volume else "",
    ).apply(render)
