"""Stops what scales the services of a Region by itself, while nothing is to run there."""

from collections.abc import Sequence

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
