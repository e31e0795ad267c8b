"""The `replace` command: new instances for those of a pool, one after the other."""

import sys
from dataclasses import dataclass
from datetime import datetime, timedelta

from messages.phrases import counted, listed
from neuron_ecs.arguments.options import option, timeout
from neuron_ecs.arguments.stack import Changing, head_of, operation
from neuron_ecs.cli.drain import Found, found_host, show_hosts
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.drain import Host, set_state, short_without, until_empty
from neuron_ecs.operations.observed import Names
from neuron_ecs.operations.reading import Reader, read_one
from neuron_ecs.operations.replace import end, until_gone
from neuron_ecs.operations.steady import until_steady
from neuron_ecs.terminal import ERRORS, FINE, TIMED_OUT, UsageError, progress, write_json
from planning import plan

VERSION = 1

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


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, clock: Clock) -> int:
    pools = sorted({p.name for r in described.regions for p in r.pools})
    if arguments.pool not in pools:
        raise UsageError(f"--pool {arguments.pool}: the stack has {listed(pools)}")
    account, names = Account(connect), arguments.names()
    regions = arguments.regions(described)

    def ours(host: Host) -> bool:
        wanted = not arguments.instance or host.name in arguments.instance
        return host.pool.name == arguments.pool and wanted

    found = found_host(account, regions, names, ours)
    if not found:
        raise UsageError(f"pool {arguments.pool} has no such instance", ERRORS)
    show_hosts(arguments, found)
    refused = _refused(arguments, found)
    if refused:
        raise UsageError(refused, ERRORS)
    agreed = arguments.agreed(f"replace {counted(len(found), 'instance')}?")
    done: list[str] = []
    code = FINE if agreed else ERRORS
    for number, (region, _, host) in enumerate(found if agreed else ()):
        if number:  # what runs has changed with the instance before
            again = found_host(account, [region], names, lambda h, n=host.name: h.name == n)
            why = _refused(arguments, again)
            if why:
                raise UsageError(f"{host.name} stays: {why}", ERRORS)
            if not again:
                continue
        code = _replace(arguments, account, names, region, host, clock)
        if code != FINE:
            break
        done.append(host.name)
    if arguments.json:
        document = {"instances": [h.name for _, _, h in found], "replaced": done}
        write_json(head_of(described, VERSION) | document, sys.stdout)
    return code


def _refused(arguments: Arguments, found: list[Found]) -> str:
    """Why the instances are not replaced; empty if nothing speaks against it."""
    short = dict.fromkeys(t for r, o, h in found for t in short_without(r, o, h))
    if arguments.force or not short:
        return ""
    return (
        f"{'; '.join(short)}: raise max_size of pool {arguments.pool} or replicas first, so that "
        "a task can start elsewhere before one stops here, or accept it with --force"
    )


def _replace(
    arguments: Arguments,
    account: Account,
    names: dict[str, Names] | None,
    region: plan.RegionPlan,
    host: Host,
    clock: Clock,
) -> int:
    def say(text: str) -> None:
        arguments.write([f"{clock.now():%H:%M:%S}  {host.name} {text}"])

    end_of_all = clock.now() + timedelta(seconds=arguments.timeout)
    account.must(region.name, lambda aws: set_state(aws, host, "DRAINING"))
    say("drains")
    with progress("waiting until its tasks have left"):
        left = account.must(region.name, lambda aws: until_empty(aws, host, clock, end_of_all))
    if left:
        say(f"still has {counted(left, 'task')}; it stays, and drains")
        return TIMED_OUT
    with progress("waiting until it is gone and every model is steady"):
        steady = read_one(account, region, names, lambda r: _ended(r, host, clock, end_of_all))
    say("is replaced" if steady else "is ended; not every model is steady")
    return FINE if steady else TIMED_OUT


def _ended(reader: Reader, host: Host, clock: Clock, until: datetime) -> bool:
    """Ends an instance, and returns whether every model of the Region was steady afterwards."""
    observed = reader.recent()
    providers = [p for c in observed.clusters.values() for p in c.providers or ()]
    group = next((p.group for p in providers if p.name == host.instance.provider), "")
    end(reader.aws, host, group)
    if not until_gone(reader.aws, host, clock, until):
        return False
    found = until_steady(reader, clock, until)
    return all(s.is_well for s in found)


add_arguments, run = operation(Arguments, VERSION, _EPILOG, _run)
