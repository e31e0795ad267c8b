"""Ends an empty instance, so that its pool starts another one."""

from datetime import datetime

from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.drain import Host
from neuron_ecs.operations.following import again_and_again
from planning import plan


def end(aws: Calls, host: Host, group: str) -> None:
    """Ends an instance whose tasks have left it; `group` is its Auto Scaling group, if it has one.

    ECS protects the instances of its group from scale-in, which is taken from this one alone.
    Managed Instances end once they are deregistered.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instance-draining.html
    """
    if isinstance(host.pool, plan.ManagedInstancesPool):
        aws.ecs.deregister_container_instance(
            cluster=host.cluster, containerInstance=host.instance.arn, force=True
        )
        return
    aws.autoscaling.set_instance_protection(
        InstanceIds=[host.name], AutoScalingGroupName=group, ProtectedFromScaleIn=False
    )
    aws.autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=host.name, ShouldDecrementDesiredCapacity=False
    )


def until_gone(aws: Calls, host: Host, clock: Clock, until: datetime) -> bool:
    """Returns whether an instance has left its cluster, at the latest at a time."""

    def look() -> bool:
        answer = aws.ecs.describe_container_instances(
            cluster=host.cluster, containerInstances=[host.instance.arn]
        )
        there = [i for i in answer["containerInstances"] if i.get("status") != "INACTIVE"]
        return not there

    return again_and_again(aws, clock, look, is_over=lambda gone: gone, until=until)
