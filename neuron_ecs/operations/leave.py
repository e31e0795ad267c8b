"""Leaves a Region: it answers to no name over all Regions, and nothing scales its services."""

from collections.abc import Sequence

from neuron_ecs.operations.answers import Answer
from neuron_ecs.operations.aws import Calls
from planning import plan


def suspend_scaling(
    aws: Calls, cluster: str, services: Sequence[tuple[str, plan.Scaling]], *, suspended: bool
) -> None:
    """Stops what scales services by itself, or lets it go on, within the plan's limits."""
    aws.each(
        services,
        lambda one: aws.scaling.register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId=f"service/{cluster}/{one[0]}",
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=0 if suspended else one[1].min_capacity,
            MaxCapacity=one[1].max_capacity,
            SuspendedState={
                "DynamicScalingInSuspended": suspended,
                "DynamicScalingOutSuspended": suspended,
                "ScheduledScalingSuspended": suspended,
            },
        ),
    )


def leave_out(aws: Calls, found: Sequence[Answer], *, out: bool) -> None:
    """Takes a Region out of answers, or lets its alarms decide again.

    A disabled health check counts as healthy, and an inverted one as the opposite of what it is;
    Route 53 does not look at the state of an alarm that somebody sets.
    https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html
    """
    for one in found:
        if one.check and one.left_out != out:
            aws.route53.update_health_check(HealthCheckId=one.check, Disabled=out, Inverted=out)
