"""The tasks of jobs and models as runs: how each began, and how it ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from catalog.types import StopReason
from neuron_ecs.operations.observed import Observation, ObservedTask, by_family, family_of
from neuron_ecs.operations.reasons import Reasons, exit_code, why_stopped
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


def runs(
    region: plan.RegionPlan, observed: Observation, *, jobs_only: bool = True
) -> Iterator[Run]:
    """The tasks of jobs, and of models too if asked for; ECS tells of a stopped one for an hour."""
    jobs = {j.task_definition.family for j in region.jobs}
    workloads = by_family(region)
    for cluster in observed.clusters.values():
        for task in cluster.tasks or ():
            family = family_of(task.task_definition)
            if family in (jobs if jobs_only else workloads):
                yield Run(
                    region=region.name,
                    cluster=cluster.name or "",
                    workload=workloads[family],
                    is_job=family in jobs,
                    task=task,
                )
