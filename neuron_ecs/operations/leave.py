"""Leaves a Region: it answers to no name over all Regions, and nothing scales its services."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from messages.phrases import counted, listed
from neuron_ecs.operations.answers import Answer, answers
from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.scale import set_counts
from neuron_ecs.operations.slots import Slot, slots_of
from neuron_ecs.operations.stack import Say, Stack
from neuron_ecs.operations.steady import Steadiness, wait
from neuron_ecs.terminal import ERRORS, UsageError, progress, table, wrapped
from planning import choices, plan


def leaving(stack: Stack, region: plan.RegionPlan, say: Say, *, undo: bool) -> "Leaving":
    """Reads what there is to change; if services cannot be read, only the answers are changed.

    Raises `UsageError` if nothing can be changed.
    """
    known = stack.account.must(region.name, lambda aws: answers(aws, stack.plan.regions))
    ours = [one for one in known if one.region == region.name and one.check]
    slots: list[Slot] = []
    unread = ""
    try:
        slots = stack.ask(region, lambda of: slots_of(of, of.recent(), region.models))
    except UsageError as error:
        if error.exit_code != ERRORS or not ours:
            raise
        unread = str(error)
    return Leaving(stack, region, say, undo, known, ours, slots, unread)


@dataclass(slots=True)
class Leaving:
    """All services of a Region to no task and the Region out of its names; or back with `undo`.

    `known` are the answers of all Regions, `ours` those of this one.
    """

    stack: Stack
    region: plan.RegionPlan
    say: Say
    undo: bool
    known: list[Answer]
    ours: list[Answer]
    slots: list[Slot]
    unread: str

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks each service is to want, by its name."""
        return {s.service.name: s.planned.desired_count if self.undo else 0 for s in self.slots}

    def go(self, seconds: int | None) -> list[Steadiness]:
        """Changes the Region, and waits so long for its models; not at all without seconds."""
        if not self.undo:
            self._leave_out()
        self._change()
        found: list[Steadiness] = []
        if self.slots and seconds is not None:
            until = self.stack.clock.after(seconds)
            found = wait(self.stack, [self.region], None, until, self.say)
        if self.undo:
            self._let_in(found)
        return found

    def _leave_out(self) -> None:
        """Takes the Region out of the answers, and waits until callers have looked it up again."""
        changing = [one for one in self.ours if not one.left_out]
        self._set(changing, out=True)
        if changing:
            self._tell(
                f"left out of {counted(len(changing), 'name')}: waiting {choices.DNS_SECONDS} s "
                "until callers have another address"
            )
            with progress("waiting until callers have another address"):
                self.stack.clock.sleep(choices.DNS_SECONDS)
        self.ours = [replace(one, left_out=True) for one in self.ours]

    def _let_in(self, found: Sequence[Steadiness]) -> None:
        """Lets the alarms of models decide again, as soon as they are steady."""
        steady = {one.model for one in found if one.is_well}
        out = [one for one in self.ours if one.left_out]
        again = [one for one in out if not found or one.model in steady]
        self._set(again, out=False)
        if again:
            self._tell(f"let in again to {counted(len(again), 'name')}: alarms decide")
        self.ours = [one for one in out if one not in again]
        if self.ours:
            self.say(
                f"still left out: {listed([one.host for one in self.ours])}, until their models "
                f"are steady: run neuron-ecs drain {self.region.name} --undo again",
                later="    ",
            )

    def _tell(self, text: str) -> None:
        self.say(f"{self.stack.clock.shown}  {self.region.name}  {text}", later="    ")

    def _set(self, changing: Sequence[Answer], *, out: bool) -> None:
        self.stack.account.must(self.region.name, lambda aws: leave_out(aws, changing, out=out))

    def _change(self) -> None:
        for cluster in dict.fromkeys(s.cluster for s in self.slots):
            ours = [s for s in self.slots if s.cluster == cluster]
            scaled = [(s.service.name, s.planned.scaling) for s in ours if s.planned.scaling]
            counts = {
                s.service.name: self.counts[s.service.name]
                for s in ours
                if s.service.desired != self.counts[s.service.name]
            }

            def change(
                aws: Calls,
                cluster: str = cluster,
                scaled: Sequence[tuple[str, plan.Scaling]] = scaled,
                counts: dict[str, int] = counts,
            ) -> None:
                suspend_scaling(aws, cluster, scaled, suspended=not self.undo)
                set_counts(aws, cluster, counts)

            self.stack.account.must(self.region.name, change)

    def shown(self, width: int) -> Iterator[str]:
        """What would change."""
        yield f"{self.stack.title}: {self.region.name}"
        rows = [("model", "tasks now", "then")]
        counts, hosts = self.counts, [one.host for one in self.ours]
        for model in self.region.models if self.slots else ():
            keys = {s.key for s in model.services}
            ours = [s for s in self.slots if s.planned.key in keys]
            now = sum(s.service.desired for s in ours)
            rows.append((model.name, str(now), str(sum(counts[s.service.name] for s in ours))))
        yield from table(rows if self.slots else [], indent="  ", width=width)
        if hosts:
            head = ("name", "may answer now", "then")
            rows = [(host, *self._answering(host)) for host in hosts]
            yield from table([head, *rows], indent="  ", width=width)
        for text in () if self.undo else self._notes(hosts):
            yield from wrapped(text, width, "  ", "    ")

    def _answering(self, host: str) -> tuple[str, str]:
        """The Regions that may answer to a name, if they are healthy: now, and then."""
        now = [one.region for one in self.known if one.host == host and not one.left_out]
        others = [region for region in now if region != self.region.name]
        then = sorted([*others, self.region.name]) if self.undo else others
        return listed(now) if now else "none", listed(then) if then else "none"

    def _notes(self, hosts: Sequence[str]) -> Iterator[str]:
        alone = [host for host in hosts if self._answering(host)[1] == "none"]
        if alone:
            yield (
                f"every Region is then left out of {listed(alone)}: Route 53 answers as if all "
                "were healthy"
            )
        scheduled = [j.name for j in self.region.jobs if j.schedule]
        if scheduled:
            yield f"schedules go on to start {listed(scheduled)} here"
        if len(self.stack.plan.regions) > 1:
            others = [r.name for r in self.stack.plan.regions if r.name != self.region.name]
            yield (
                f"callers of this Region's own address get 503; nothing changes in {listed(others)}"
            )
        else:
            yield "this is the stack's only Region: nothing answers until --undo"
        yield "the next update of a service with a fixed number of replicas brings it back"


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
