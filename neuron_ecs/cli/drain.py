"""The `drain` command: takes the tasks off an instance or a Region, and puts them back."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import NoReturn

from messages.phrases import counted, listed
from neuron_ecs.cli.arguments import Changing, head_of, operation
from neuron_ecs.cli.options import detach, option, positional, timeout
from neuron_ecs.cli.wait import code_of, waited
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.drain import (
    Host,
    hosts,
    set_state,
    short_without,
    until_empty,
    workloads,
)
from neuron_ecs.operations.leave import suspend_scaling
from neuron_ecs.operations.observed import Names, Observation
from neuron_ecs.operations.reading import Reader, read_each, read_one
from neuron_ecs.operations.scale import set_counts
from neuron_ecs.operations.slots import Slot, slots_of
from neuron_ecs.operations.steady import Steadiness
from neuron_ecs.terminal import (
    ERRORS,
    FINE,
    TIMED_OUT,
    UsageError,
    progress,
    table,
    wrapped,
    write_json,
)
from planning import plan

VERSION = 1

_EPILOG = """\
examples:
  neuron-ecs drain i-0123456789abcdef0 --stack prod
  neuron-ecs drain eu-central-1 --stack prod
  neuron-ecs drain eu-central-1 --undo --stack prod

ECS takes a task off the load balancer and lets its requests end before it stops it. --undo lets
tasks onto the instance again, or brings the minimum of replicas back to the Region.

exit codes: 0 done, 1 something could not be read or the answer was no, 2 wrong usage,
4 no credentials, 124 not within --timeout."""


@dataclass(frozen=True, kw_only=True)
class Arguments(Changing):
    """The arguments of `drain`."""

    what: str = positional(metavar="INSTANCE|REGION", help="an EC2 instance, or a whole Region")
    undo: bool = option(help="back to how the stack file has it")
    timeout: int = timeout()
    detach: bool = detach()


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, clock: Clock) -> int:
    account, names = Account(connect), arguments.names()
    region = next((r for r in described.regions if r.name == arguments.what), None)
    if region is not None:
        return _Region(arguments, described, region, account, names, clock).drain()
    if not arguments.what.startswith("i-"):
        known = [r.name for r in described.regions]
        raise UsageError(
            f"{arguments.what}: name an instance as i-0123456789abcdef0, or a Region of the "
            f"stack: {listed(known)}"
        )
    return _instance(arguments, described, account, names, clock)


Found = tuple[plan.RegionPlan, Observation, Host]


# -- an instance -------------------------------------------------------------------------------


def found_host(
    account: Account,
    regions: list[plan.RegionPlan],
    names: dict[str, Names] | None,
    choose: Callable[[Host], bool],
) -> list[Found]:
    """The instances of the stack that are wanted, the oldest first.

    Raises `UsageError` if instances, or what runs on them, could not be read.
    """

    def unread(region: plan.RegionPlan, why: str) -> NoReturn:
        raise UsageError(f"{region.name}: {why}", ERRORS)

    def ask(reader: Reader) -> list[Found]:
        reader.most_definitions = 0
        observed = reader.observation()
        there = [c for c in observed.clusters.values() if c.name is not None]
        half = any(None in (c.providers, c.tasks, c.instances) for c in there)
        if observed.failed_calls and (half or not observed.clusters):
            unread(reader.region, "; ".join(map(str, observed.failed_calls)))
        return [(reader.region, observed, h) for h in hosts(reader, observed) if choose(h)]

    with progress(f"reading {', '.join(r.name for r in regions)} from AWS"):
        answers = read_each(account, regions, names, ask, unread)
    return [one for some in answers for one in some]


def show_hosts(arguments: Changing, found: Sequence[Found]) -> None:
    """Writes what runs on instances, and what that means, unless JSON is asked for."""
    for text in (text for one in found for text in _shown_host(*one)):
        arguments.say(text)


def _shown_host(region: plan.RegionPlan, observed: Observation, host: Host) -> Iterator[str]:
    there = workloads(region, host.tasks)
    tasks = ", ".join(f"{name} ({count})" for name, count in there.items()) or "no task"
    yield f"{host.name} in {region.name}, pool {host.pool.name}: {tasks}"
    for text in short_without(region, observed, host):
        yield f"until another instance has its tasks, {text}"
    jobs = {j.name for j in region.jobs}
    for name in (name for name in there if name in jobs):
        yield f"a run of {name} is not moved: it is waited for, or end it: neuron-ecs stop {name}"


def _instance(
    arguments: Arguments,
    described: plan.Plan,
    account: Account,
    names: dict[str, Names] | None,
    clock: Clock,
) -> int:
    regions = arguments.regions(described)
    found = found_host(account, regions, names, lambda h: h.name == arguments.what)
    if not found:
        raise UsageError(
            f"{arguments.what} is no instance of the stack; neuron-ecs status lists them", ERRORS
        )
    region, _, host = found[0]
    state = "ACTIVE" if arguments.undo else "DRAINING"
    show_hosts(arguments, found[:1])
    agreed = host.instance.status == state or arguments.agreed(
        "let tasks onto it again?" if arguments.undo else "drain it?"
    )
    if agreed and host.instance.status != state:
        account.must(region.name, lambda aws: set_state(aws, host, state))
    left = len(host.tasks)
    if agreed and not arguments.undo and not arguments.detach:
        until = clock.now() + timedelta(seconds=arguments.timeout)
        with progress("waiting until its tasks have left"):
            left = account.must(region.name, lambda aws: until_empty(aws, host, clock, until))
    state = state if agreed else host.instance.status
    if arguments.json:
        document = {"instance": host.name, "region": region.name, "state": state, "tasks": left}
        write_json(head_of(described, VERSION) | document, sys.stdout)
    elif agreed:
        said = "" if arguments.undo else f", {counted(left, 'task') if left else 'no task'} left"
        sys.stdout.write(f"{host.name} is {state}{said}\n")
    if not agreed:
        return ERRORS
    return TIMED_OUT if left and not arguments.undo and not arguments.detach else FINE


# -- a Region ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Region:
    """All services of a Region to no task, or back."""

    arguments: Arguments
    described: plan.Plan
    region: plan.RegionPlan
    account: Account
    names: dict[str, Names] | None
    clock: Clock

    def drain(self) -> int:
        undo = self.arguments.undo
        slots = read_one(
            self.account, self.region, self.names, lambda r: slots_of(r, self.region.models)
        )
        counts = {s.service.name: s.planned.desired_count if undo else 0 for s in slots}
        self.arguments.write(self._shown(slots, counts))
        question = "bring them back?" if undo else f"leave {self.region.name}?"
        agreed = self.arguments.agreed(question)
        found: list[Steadiness] = []
        if agreed:
            self._change(slots, counts)
        if agreed and not self.arguments.detach:
            until = self.clock.now() + timedelta(seconds=self.arguments.timeout)
            found = waited(
                self.account, self.arguments, [self.region], self.clock, until, only=None
            )
        if self.arguments.json:
            document = {
                "region": self.region.name,
                "counts": counts,
                "models": [asdict(s) for s in found],
            }
            write_json(head_of(self.described, VERSION) | document, sys.stdout)
        return code_of(found) if agreed else ERRORS

    def _change(self, slots: list[Slot], counts: dict[str, int]) -> None:
        clusters = dict.fromkeys(s.cluster for s in slots)
        for cluster in clusters:
            ours = [s for s in slots if s.cluster == cluster]
            scaled = [(s.service.name, s.planned.scaling) for s in ours if s.planned.scaling]
            self.account.must(
                self.region.name,
                lambda aws, c=cluster, s=scaled: suspend_scaling(
                    aws, c, s, suspended=not self.arguments.undo
                ),
            )
            new = {
                s.service.name: counts[s.service.name]
                for s in ours
                if s.service.desired != counts[s.service.name]
            }
            self.account.must(self.region.name, lambda aws, c=cluster, n=new: set_counts(aws, c, n))

    def _shown(self, slots: list[Slot], counts: dict[str, int]) -> Iterator[str]:
        yield f"{self.described.project}/{self.described.stack}: {self.region.name}"
        rows = [("model", "tasks now", "then")]
        for model in self.region.models:
            keys = {s.key for s in model.services}
            ours = [s for s in slots if s.planned.key in keys]
            now = sum(s.service.desired for s in ours)
            rows.append((model.name, str(now), str(sum(counts[s.service.name] for s in ours))))
        yield from table(rows, indent="  ", width=self.arguments.width)
        if self.arguments.undo:
            return
        for text in self._notes():
            yield from wrapped(text, self.arguments.width, "  ", "    ")

    def _notes(self) -> Iterator[str]:
        scheduled = [j.name for j in self.region.jobs if j.schedule]
        if scheduled:
            yield f"schedules go on to start {listed(scheduled)} here"
        if len(self.described.regions) > 1:
            others = [r.name for r in self.described.regions if r.name != self.region.name]
            yield f"callers of this Region's address get 503; the models of {listed(others)} run on"
        else:
            yield "this is the stack's only Region: nothing answers until --undo"
        yield "the next update of a service with a fixed number of replicas brings it back"


add_arguments, run = operation(Arguments, VERSION, _EPILOG, _run)
