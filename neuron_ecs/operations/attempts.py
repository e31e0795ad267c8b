"""Starts the task of a job until one succeeds, and follows each to its end with its log."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.following import POLL_SECONDS, Tail, at_interrupt, outcome, until_stopped
from neuron_ecs.operations.logs import renderer
from neuron_ecs.operations.observed import ObservedTask
from neuron_ecs.operations.reasons import explained
from neuron_ecs.operations.run import NotStarted, start
from neuron_ecs.operations.runs import Run, why_ended
from neuron_ecs.operations.stack import Say, Stack
from neuron_ecs.operations.status_text import age
from neuron_ecs.operations.stop import stop
from neuron_ecs.terminal import ERRORS, FINE, TIMED_OUT
from planning import plan
from planning.run_task import Request


@dataclass(frozen=True, slots=True)
class Attempts:
    """The attempts of a job; `made` gets the tasks that started."""

    stack: Stack
    region: plan.RegionPlan
    job: plan.JobPlan
    aws: Calls
    say: Say
    write: Callable[[Iterable[str]], None]
    width: int
    coloured: bool
    made: list[Run]

    def start(self, asked: Request) -> int:
        """Starts the job once, and leaves it alone. Returns the exit code."""
        task = self._started(asked, "")
        if task is None:
            return ERRORS
        self.say(f"see `neuron-ecs jobs` and `neuron-ecs logs {self.job.name} -f`")
        self._made(asked, task)
        return FINE

    def follow(self, asked: Request) -> int:
        """Starts the job until it succeeds. Returns the exit code of the last attempt."""
        code, number = self._one(asked), 1
        while code != FINE and number < self.job.attempts:
            number += 1
            self.say(f"attempt {number} of {self.job.attempts}")
            code = self._one(asked)
        return code

    def _started(self, asked: Request, then: str) -> ObservedTask | None:
        """The task, once it is started; `None` if it is not, for the reason that is said."""
        try:
            task = start(self.aws, asked)
        except NotStarted as refused:
            meant = self.stack.reasons.of_message(str(refused))
            self.say(f"did not start: {refused}")
            if meant is not None:
                for line in explained(meant.meaning, meant.action, 0, "  "):
                    self.say(line)
            return None
        self.say(f"task {task.name[:8]} is started{then}")
        return task

    def _made(self, asked: Request, task: ObservedTask) -> Run:
        run = Run(self.region.name, asked["cluster"], self.job.name, is_job=True, task=task)
        self.made.append(run)
        return run

    def _one(self, asked: Request) -> int:
        clock = self.stack.clock
        began = clock.now()
        task = self._started(asked, "; following it")
        if task is None:
            return ERRORS
        name = task.name[:8]
        runs_on = (
            f"task {name} runs on; see `neuron-ecs logs {self.job.name} -f`, or end it with "
            f"`neuron-ecs stop {name}`"
        )
        with at_interrupt(partial(self.say, runs_on)):
            one = self._made(asked, self._end_of(task, asked["cluster"]))
        took = age(began, clock.now())
        if not one.is_over:
            stop(self.aws, one.cluster, task.arn)
            self.say(f"task {name} is stopped: it ran longer than {self.job.timeout_minutes} min")
            return TIMED_OUT
        self.say(f"task {name} ended after {took}: {one.result}")
        self.write(why_ended(one, self.stack.reasons, self.width))
        return outcome(one.task)

    def _end_of(self, task: ObservedTask, cluster: str) -> ObservedTask:
        """Follows a task with its log to its end, or until its time is over."""
        clock, job = self.stack.clock, self.job
        limit = timedelta(minutes=job.timeout_minutes) if job.timeout_minutes else None
        tail = Tail(self.aws, job.log_group.name, job.name, task.name, clock.after(-POLL_SECONDS))
        render = renderer([self.region.name], job.name, self.stack.reasons, coloured=self.coloured)
        states: list[str] = []

        def seen(found: ObservedTask) -> None:
            if found.last_status not in states[-1:] and found.last_status != "STOPPED":
                states.append(found.last_status)
                self.say(f"task {task.name[:8]} is {found.last_status.lower()}")
            self.write(render(tail.new()))

        ended = until_stopped(self.aws, cluster, task, clock, seen=seen, limit=limit)
        clock.sleep(POLL_SECONDS)  # the last lines reach CloudWatch Logs a little later
        self.write(render(tail.new()))
        return ended
