"""The `drain` command: takes the tasks off an instance or a Region, and puts them back."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import NoReturn

from messages.phrases import counted, listed
from neuron_ecs.arguments.options import detach, option, positional, timeout
from neuron_ecs.arguments.stack import Changing, head_of, operation
from neuron_ecs.cli.wait import code_of, waited
from neuron_ecs.operations.answers import Answer, answers
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
from neuron_ecs.operations.leave import leave_out, suspend_scaling
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
from planning import choices, plan

VERSION = 1

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
        found = read_each(account, regions, names, ask, unread)
    return [one for some in found for one in some]


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
        known = self.account.must(
            self.region.name, lambda aws: answers(aws, self.described.regions)
        )
        ours = [one for one in known if one.region == self.region.name and one.check]
        slots, unread = self._slots(ours)
        counts = {s.service.name: s.planned.desired_count if undo else 0 for s in slots}
        self.arguments.write(self._shown(slots, counts, known, [one.host for one in ours]))
        if unread:
            self.arguments.say(f"its services stay as they are: {unread}", "  ", "    ")
        question = "bring them back?" if undo else f"leave {self.region.name}?"
        agreed = self.arguments.agreed(question)
        found: list[Steadiness] = []
        if agreed and not undo:
            ours = self._leave_out(ours)
        if agreed:
            self._change(slots, counts)
        if agreed and slots and not self.arguments.detach:
            until = self.clock.now() + timedelta(seconds=self.arguments.timeout)
            found = waited(
                self.account, self.arguments, [self.region], self.clock, until, only=None
            )
        if agreed and undo:
            ours = self._let_in(ours, found)
        if self.arguments.json:
            document = {
                "region": self.region.name,
                "changed": agreed,
                "counts": counts,
                "models": [asdict(s) for s in found],
                "left_out": sorted(one.host for one in ours if one.left_out),
            }
            write_json(head_of(self.described, VERSION) | document, sys.stdout)
        return code_of(found) if agreed and not unread else ERRORS

    def _slots(self, ours: list[Answer]) -> tuple[list[Slot], str]:
        """The services; if they cannot be read, only the answers can be changed, and why."""
        try:
            slots = read_one(
                self.account,
                self.region,
                self.names,
                lambda reader: slots_of(reader, reader.recent(), self.region.models),
            )
        except UsageError as error:
            if error.exit_code != ERRORS or not ours:
                raise
            return [], str(error)
        return slots, ""

    def _leave_out(self, ours: list[Answer]) -> list[Answer]:
        """Takes the Region out of the answers, and waits until callers have looked it up again."""
        changing = [one for one in ours if not one.left_out]
        self._set(changing, out=True)
        if changing:
            names = counted(len(changing), "name")
            self.arguments.say(
                f"{self.clock.now():%H:%M:%S}  {self.region.name}  left out of {names}: waiting "
                f"{choices.DNS_SECONDS} s until callers have another address",
                later="    ",
            )
            with progress("waiting until callers have another address"):
                self.clock.sleep(choices.DNS_SECONDS)
        return [replace(one, left_out=True) for one in ours]

    def _let_in(self, ours: list[Answer], found: list[Steadiness]) -> list[Answer]:
        """Lets the alarms of models decide again, as soon as they are steady."""
        steady = {one.model for one in found if one.is_well}
        ready = [one for one in ours if self.arguments.detach or not found or one.model in steady]
        again = [one for one in ready if one.left_out]
        self._set(again, out=False)
        if again:
            self.arguments.say(
                f"{self.clock.now():%H:%M:%S}  {self.region.name}  let in again to "
                f"{counted(len(again), 'name')}: alarms decide",
                later="    ",
            )
        waiting = [one for one in ours if one not in ready and one.left_out]
        if waiting:
            self.arguments.say(
                f"still left out: {listed([one.host for one in waiting])}, until their models are "
                f"steady: run neuron-ecs drain {self.region.name} --undo again",
                later="    ",
            )
        return waiting

    def _set(self, changing: list[Answer], *, out: bool) -> None:
        self.account.must(self.region.name, lambda aws: leave_out(aws, changing, out=out))

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

    def _shown(
        self, slots: list[Slot], counts: dict[str, int], known: list[Answer], hosts: list[str]
    ) -> Iterator[str]:
        yield f"{self.described.project}/{self.described.stack}: {self.region.name}"
        rows = [("model", "tasks now", "then")]
        for model in self.region.models if slots else ():
            keys = {s.key for s in model.services}
            ours = [s for s in slots if s.planned.key in keys]
            now = sum(s.service.desired for s in ours)
            rows.append((model.name, str(now), str(sum(counts[s.service.name] for s in ours))))
        yield from table(rows if slots else [], indent="  ", width=self.arguments.width)
        if hosts:
            head = ("name", "may answer now", "then")
            rows = [(host, *self._answering(host, known)) for host in hosts]
            yield from table([head, *rows], indent="  ", width=self.arguments.width)
        if self.arguments.undo:
            return
        for text in self._notes(known, hosts):
            yield from wrapped(text, self.arguments.width, "  ", "    ")

    def _answering(self, host: str, known: list[Answer]) -> tuple[str, str]:
        """The Regions that may answer to a name, if they are healthy: now, and then."""
        of = [one for one in known if one.host == host]
        now = [one.region for one in of if not one.left_out]
        others = [region for region in now if region != self.region.name]
        then = sorted([*others, self.region.name]) if self.arguments.undo else others
        return listed(now) if now else "none", listed(then) if then else "none"

    def _notes(self, known: list[Answer], hosts: list[str]) -> Iterator[str]:
        alone = [host for host in hosts if self._answering(host, known)[1] == "none"]
        if alone:
            yield (
                f"every Region is then left out of {listed(alone)}: Route 53 answers as if all "
                "were healthy"
            )
        scheduled = [j.name for j in self.region.jobs if j.schedule]
        if scheduled:
            yield f"schedules go on to start {listed(scheduled)} here"
        if len(self.described.regions) > 1:
            others = [r.name for r in self.described.regions if r.name != self.region.name]
            yield (
                f"callers of this Region's own address get 503; nothing changes in {listed(others)}"
            )
        else:
            yield "this is the stack's only Region: nothing answers until --undo"
        yield "the next update of a service with a fixed number of replicas brings it back"


add_arguments, run = operation(Arguments, VERSION, _EPILOG, _run)
