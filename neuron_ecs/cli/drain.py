"""The `drain` command: takes the tasks off an instance or a Region, and puts them back."""

from dataclasses import asdict, dataclass

from messages.phrases import counted, listed
from neuron_ecs.arguments.options import detach, option, positional, timeout
from neuron_ecs.arguments.stack import Changing, operation
from neuron_ecs.operations.drain import find_hosts, set_state, shown, until_empty
from neuron_ecs.operations.leave import leaving
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.steady import Steadiness, code_of
from neuron_ecs.terminal import ERRORS, FINE, TIMED_OUT, UsageError, progress
from planning import plan

_EPILOG = """\
examples:
  neuron-ecs drain i-0123456789abcdef0 --stack prod
  neuron-ecs drain eu-central-1 --stack prod
  neuron-ecs drain eu-central-1 --undo --stack prod

ECS takes a task off the load balancer and lets its requests end before it stops it. A Region is
left out of the names over all Regions first, and let in again once its models are steady. --undo
lets tasks onto the instance again, or brings the minimum of replicas back to the Region.

exit codes: 0 done, 1 something could not be read or the answer was no, 2 wrong usage,
4 no credentials, 124 not within --timeout."""


@dataclass(frozen=True, kw_only=True)
class Arguments(Changing):
    """The arguments of `drain`."""

    what: str = positional(metavar="INSTANCE|REGION", help="an EC2 instance, or a whole Region")
    undo: bool = option(help="back to how the stack file has it")
    timeout: int = timeout()
    detach: bool = detach()


def _run(arguments: Arguments, stack: Stack) -> int:
    region = next((r for r in stack.plan.regions if r.name == arguments.what), None)
    if region is not None:
        return _region(arguments, stack, region)
    if not arguments.what.startswith("i-"):
        raise UsageError(
            f"{arguments.what}: name an instance as i-0123456789abcdef0, or a Region of the "
            f"stack: {listed([r.name for r in stack.plan.regions])}"
        )
    return _instance(arguments, stack)


def _instance(arguments: Arguments, stack: Stack) -> int:
    undo, name = arguments.undo, arguments.what
    hosts = find_hosts(stack, lambda host: host.name == name)
    if not hosts:
        raise UsageError(
            f"{name} is no instance of the stack; neuron-ecs status lists them", ERRORS
        )
    host = hosts[0]
    now, state = host.instance.status, "ACTIVE" if undo else "DRAINING"
    for text in shown(host):
        arguments.say(text)
    agreed = now == state or arguments.agreed("let tasks onto it again?" if undo else "drain it?")
    if agreed and now != state:
        stack.account.must(host.region.name, lambda aws: set_state(aws, host, state))
    left, waits = len(host.tasks), agreed and not undo and not arguments.detach
    if waits:
        until = stack.clock.after(arguments.timeout)
        with progress("waiting until its tasks have left"):
            left = stack.account.must(
                host.region.name, lambda aws: until_empty(aws, host, stack.clock, until)
            )
    state = state if agreed else now
    arguments.report(stack, instance=host.name, region=host.region.name, state=state, tasks=left)
    if not agreed:
        return ERRORS
    said = "" if undo else f", {counted(left, 'task') if left else 'no task'} left"
    arguments.write([f"{host.name} is {state}{said}"])
    return TIMED_OUT if left and waits else FINE


def _region(arguments: Arguments, stack: Stack, region: plan.RegionPlan) -> int:
    one = leaving(stack, region, arguments.say, undo=arguments.undo)
    arguments.write(one.shown(arguments.width))
    if one.unread:
        arguments.say(f"its services stay as they are: {one.unread}", "  ", "    ")
    agreed = arguments.agreed("bring them back?" if one.undo else f"leave {region.name}?")
    found: list[Steadiness] = []
    if agreed:
        found = one.go(None if arguments.detach else arguments.timeout)
    arguments.report(
        stack,
        region=region.name,
        changed=agreed,
        counts=one.counts,
        models=[asdict(s) for s in found],
        left_out=sorted(answer.host for answer in one.ours if answer.left_out),
    )
    return code_of(found) if agreed and not one.unread else ERRORS


add_arguments, run = operation(Arguments, _EPILOG, _run)
