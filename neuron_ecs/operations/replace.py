"""Ends empty instances one after the other, so that their pool starts others."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from messages.phrases import counted
from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.drain import (
    Host,
    hosts_in,
    set_state,
    short_without,
    until_empty,
)
from neuron_ecs.operations.following import again_and_again
from neuron_ecs.operations.reading import Reader
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.steady import until_steady
from neuron_ecs.terminal import ERRORS, UsageError, progress
from planning import plan


def refusal(hosts: Sequence[Host], *, force: bool) -> str:
    """Why instances are not replaced; empty if nothing speaks against it."""
    short = dict.fromkeys(text for host in hosts for text in short_without(host))
    if force or not short:
        return ""
    return (
        f"{'; '.join(short)}: raise max_size of pool {hosts[0].pool.name} or replicas first, so "
        "that a task can start elsewhere before one stops here, or accept it with --force"
    )


def replace_each(
    stack: Stack,
    hosts: Sequence[Host],
    seconds: int,
    write: Callable[[Iterable[str]], None],
    *,
    force: bool,
) -> tuple[list[str], bool]:
    """Replaces instances, each within so many seconds.

    Returns the names of those that are replaced, and whether all are in time. Raises `UsageError`
    if a model would now fall below its minimum.
    """
    done: list[str] = []
    for number, host in enumerate(hosts):
        if number:  # what runs has changed with the instance before
            with progress(f"reading {host.region.name} from AWS"):
                again = stack.ask(
                    host.region, lambda r, n=host.name: hosts_in(r, lambda h: h.name == n)
                )
            why = refusal(again, force=force)
            if why:
                raise UsageError(f"{host.name} stays: {why}", ERRORS)
            if not again:
                continue
        if not _replace(stack, host, seconds, write):
            return done, False
        done.append(host.name)
    return done, True


def _replace(
    stack: Stack, host: Host, seconds: int, write: Callable[[Iterable[str]], None]
) -> bool:
    region, clock = host.region, stack.clock
    until = clock.after(seconds)

    def say(text: str) -> None:
        write([f"{clock.shown}  {host.name} {text}"])

    stack.account.must(region.name, lambda aws: set_state(aws, host, "DRAINING"))
    say("drains")
    with progress("waiting until its tasks have left"):
        left = stack.account.must(region.name, lambda aws: until_empty(aws, host, clock, until))
    if left:
        say(f"still has {counted(left, 'task')}; it stays, and drains")
        return False
    with progress("waiting until it is gone and every model is steady"):
        steady = stack.ask(region, lambda reader: _ended(reader, host, clock, until))
    say("is replaced" if steady else "is ended; not every model is steady")
    return steady


def _ended(reader: Reader, host: Host, clock: Clock, until: datetime) -> bool:
    """Ends an instance, and returns whether every model of the Region was steady afterwards."""
    observed = reader.recent()
    providers = [p for c in observed.clusters.values() for p in c.providers or ()]
    group = next((p.group for p in providers if p.name == host.instance.provider), "")
    end(reader.aws, host, group)
    if not until_gone(reader.aws, host, clock, until):
        return False
    return all(s.is_well for s in until_steady(reader, clock, until))


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
