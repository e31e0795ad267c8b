"""The tasks of jobs and models as runs: how each began, and how it ended."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from catalog.types import StopReason
from messages.phrases import counted
from neuron_ecs.operations.observed import Observation, ObservedTask, by_family, family_of
from neuron_ecs.operations.reading import Reader
from neuron_ecs.operations.reasons import Reasons, exit_code, explained, why_stopped
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.status_text import age
from neuron_ecs.terminal import table, wrapped
from planning import plan

_SCHEDULERS = ("chronos-schedule/", "events-rule/")


@dataclass(frozen=True, slots=True)
class Run:
    """A task of a model or job."""

    region: str
    cluster: str
    workload: str
    is_job: bool
    task: ObservedTask

    @property
    def is_over(self) -> bool:
        return self.task.last_status == "STOPPED"

    @property
    def started_by(self) -> str:
        """`schedule`, a service, or who started it as ECS has it."""
        by = self.task.started_by
        return "schedule" if by.startswith(_SCHEDULERS) else by

    @property
    def took(self) -> timedelta | None:
        """How long its containers ran; `None` as long as they do, and if they never did."""
        if self.task.started is None or self.task.stopped is None:
            return None
        return self.task.stopped - self.task.started

    @property
    def result(self) -> str:
        """Its state, or how it ended."""
        if not self.is_over:
            return self.task.last_status.lower()
        code = exit_code(self.task)
        return "did not start" if code is None else f"exit code {code}"

    def why(self, reasons: Reasons) -> str:
        """Why it ended; empty if it did what it should."""
        return why_stopped(self.task) if self.is_over and reasons.is_error(self.task) else ""

    def meant(self, reasons: Reasons) -> StopReason | None:
        """What its end means; `None` if that is not known, or it did what it should."""
        found = reasons.of_task(self.task) if self.task.stopped else None
        return found if found is not None and found.is_error else None


Unread = Callable[[plan.RegionPlan, Observation], Iterable[str]]
"""Says what could not be read of a Region."""


def read_runs(
    stack: Stack, is_wanted: Callable[[Run], bool], unread: Unread
) -> tuple[list[Run], list[str]]:
    """The runs of every Region that are wanted, and what could not be read."""

    def ask(reader: Reader) -> tuple[Iterator[Run], Iterable[str]]:
        observed = reader.recent()
        return filter(is_wanted, runs(reader.region, observed)), unread(reader.region, observed)

    return stack.ask_all(ask)


def runs(region: plan.RegionPlan, observed: Observation) -> Iterator[Run]:
    """The tasks of jobs and models; ECS tells of a stopped one for an hour."""
    jobs = {j.task_definition.family for j in region.jobs}
    workloads = by_family(region)
    for cluster in observed.clusters.values():
        for task in cluster.tasks or ():
            family = family_of(task.task_definition)
            if family in workloads:
                yield Run(
                    region=region.name,
                    cluster=cluster.name or "",
                    workload=workloads[family],
                    is_job=family in jobs,
                    task=task,
                )


def as_object(one: Run, reasons: Reasons) -> dict[str, object]:
    """A run for JSON."""
    task, meant = one.task, one.meant(reasons)
    return {
        "region": one.region,
        "name": one.workload,
        "task": task.name,
        "state": task.last_status,
        "started": task.started,
        "stopped": task.stopped,
        "started_by": one.started_by,
        "exit_code": exit_code(task),
        "why": one.why(reasons),
        "means": meant.meaning if meant else "",
        "do": meant.action if meant else "",
    }


def render(stack: Stack, found: Sequence[Run], unread: Sequence[str], width: int) -> Iterator[str]:
    """A line for each run of a job, and below why it ended where that was wrong."""
    now = stack.clock.now()
    going = sum(not r.is_over for r in found)
    yield f"{stack.title}: {counted(going, 'run')} under way"
    for text in unread:
        yield from wrapped(f"not read: {text}", width, "  ", "    ")
    if not found:
        yield "  no run in the last hour; `neuron-ecs run JOB` starts one"
        return
    rows = [("job", "task", "Region", "result", "started", "took", "by")]
    rows += [
        (
            r.workload,
            r.task.name[:8],
            r.region,
            r.result,
            f"{age(r.task.started, now)} ago" if r.task.started else "",
            age(now - r.took, now) if r.took else "",
            r.started_by,
        )
        for r in found
    ]
    yield from table(rows, indent="  ", width=width)
    for one in found:
        yield from why_ended(one, stack.reasons, width)


def why_ended(one: Run, reasons: Reasons, width: int) -> Iterator[str]:
    """Why a run ended, what it means and what to do; nothing if it did what it should."""
    why = one.why(reasons)
    if why:
        yield from wrapped(f"{one.workload} {one.task.name[:8]}: {why}", width, "  ", "    ")
        meant = one.meant(reasons)
        if meant is not None:
            yield from explained(meant.meaning, meant.action, width, "    ")
