"""The `replace` command: new instances for those of a pool, one after the other."""

from dataclasses import dataclass

from messages.phrases import counted, listed
from neuron_ecs.arguments.options import option, timeout
from neuron_ecs.arguments.stack import Changing, operation
from neuron_ecs.operations.drain import Host, find_hosts, shown
from neuron_ecs.operations.replace import refusal, replace_each
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import ERRORS, FINE, TIMED_OUT, UsageError

_EPILOG = """\
examples:
  neuron-ecs replace --pool inf2 --stack prod
  neuron-ecs replace --pool inf2 --instance i-0123456789abcdef0

Each instance is drained, ended and replaced by its pool; the next one follows when every model
of the Region is steady. No model falls below its minimum of replicas, unless --force allows it.

exit codes: 0 done, 1 a model would fall below its minimum, something could not be read or the
answer was no, 2 wrong usage, 4 no credentials, 124 not within --timeout."""


@dataclass(frozen=True, kw_only=True)
class Arguments(Changing):
    """The arguments of `replace`."""

    pool: str = option(metavar="POOL", required=True, help="a pool of the stack")
    instance: list[str] | None = option(
        metavar="ID", action="append", help="only this instance; repeat it for several"
    )
    force: bool = option(help="even if a model falls below its minimum of replicas")
    timeout: int = timeout()


def _run(arguments: Arguments, stack: Stack) -> int:
    pools = sorted({p.name for r in stack.plan.regions for p in r.pools})
    if arguments.pool not in pools:
        raise UsageError(f"--pool {arguments.pool}: the stack has {listed(pools)}")

    def ours(host: Host) -> bool:
        wanted = not arguments.instance or host.name in arguments.instance
        return host.pool.name == arguments.pool and wanted

    hosts = find_hosts(stack, ours)
    if not hosts:
        raise UsageError(f"pool {arguments.pool} has no such instance", ERRORS)
    for text in (text for host in hosts for text in shown(host)):
        arguments.say(text)
    refused = refusal(hosts, force=arguments.force)
    if refused:
        raise UsageError(refused, ERRORS)
    agreed = arguments.agreed(f"replace {counted(len(hosts), 'instance')}?")
    done: list[str] = []
    code = ERRORS
    if agreed:
        done, in_time = replace_each(
            stack, hosts, arguments.timeout, arguments.write, force=arguments.force
        )
        code = FINE if in_time else TIMED_OUT
    arguments.report(stack, instances=[h.name for h in hosts], replaced=done)
    return code


add_arguments, run = operation(Arguments, _EPILOG, _run)
