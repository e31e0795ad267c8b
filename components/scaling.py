"""What moves the tasks of services: policies, each with its alarm, and scheduled actions."""

import pulumi
import pulumi_aws as aws

from components.alarms import Names, alarm
from components.workload import RegionContext
from planning.alarms import NameOf
from planning.following import ScalingPolicy, ScheduledLimits


def scaling_policy(
    policy: ScalingPolicy,
    *,
    target: aws.appautoscaling.Target,
    known: Names,
    within: RegionContext,
    parent: pulumi.Resource,
) -> None:
    """Builds a step scaling policy that sets the number of tasks, and its alarm.

    Raises KeyError if the alarm names a resource that is not `known`.
    """
    built = aws.appautoscaling.Policy(
        policy.key,
        policy_type="StepScaling",
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        step_scaling_policy_configuration={
            "adjustment_type": "ExactCapacity",
            "cooldown": policy.cooldown_seconds,
            # Of the minutes that set the alarm off, the highest load keeps most replicas.
            "metric_aggregation_type": "Maximum",
            "step_adjustments": _steps(policy),
        },
        region=within.region,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    alarm(
        policy.alarm,
        known={**known, NameOf("scaling_policy", policy.key): built.arn},
        region=within.region,
        tags=within.tags,
        parent=parent,
    )


def scheduled_action(
    limits: ScheduledLimits,
    *,
    target: aws.appautoscaling.Target,
    region: str,
    parent: pulumi.Resource,
) -> None:
    """Builds a scheduled action that gives the tasks of a service new limits."""
    aws.appautoscaling.ScheduledAction(
        limits.key,
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        schedule=limits.expression,
        timezone=limits.timezone,
        scalable_target_action={
            "min_capacity": limits.min_capacity,
            "max_capacity": limits.max_capacity,
        },
        region=region,
        opts=pulumi.ResourceOptions(parent=parent),
    )


_Step = aws.appautoscaling.PolicyStepScalingPolicyConfigurationStepAdjustmentArgsDict


def _steps(policy: ScalingPolicy) -> list[_Step]:
    found: list[_Step] = []
    for step, (lower, upper) in zip(policy.steps, policy.bounds, strict=True):
        each: _Step = {"scaling_adjustment": step.tasks}
        if lower is not None:
            each["metric_interval_lower_bound"] = str(lower)
        if upper is not None:
            each["metric_interval_upper_bound"] = str(upper)
        found.append(each)
    return found
