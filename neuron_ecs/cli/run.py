"""The `run` command: starts a job as its schedule would, and follows it to its end."""

import argparse
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import catalog
from messages.phrases import counted
from neuron_ecs import terminal
from neuron_ecs.arguments.options import REST, detach, option, positional
from neuron_ecs.arguments.stack import Changing, head_of, known_workload, operation
from neuron_ecs.cli.jobs import as_object, explained
from neuron_ecs.operations.aws import Account, Calls, Connect
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.following import POLL_SECONDS, Tail, until_stopped
from neuron_ecs.operations.logs import renderer
from neuron_ecs.operations.observed import ObservedTask
from neuron_ecs.operations.reading import read_one
from neuron_ecs.operations.reasons import Reasons, exit_code
from neuron_ecs.operations.run import NotStarted, Override, request_for, start
from neuron_ecs.operations.runs import Run
from neuron_ecs.operations.status_text import age
from neuron_ecs.operations.stop import stop
from neuron_ecs.terminal import ERRORS, FINE, TIMED_OUT, spans, write_json
from planning import plan
from planning.run_task import Request

VERSION = 1

_EPILOG = """\
examples:
  neuron-ecs run nightly --stack prod
  neuron-ecs run nightly --env STEPS=10 -- python train.py --short

It follows the task with its log. Ctrl-C ends that; the task runs on. As long as it
follows, it stops the task after timeout_minutes of the job, and starts it anew if it
fails, attempts times in all. With --detach the task has no limit and starts once.

exit codes: 0 the task succeeded, else that of the task; 1 too if it did not start, has none or
the answer was no, 2 wrong usage, 4 no credentials, 124 stopped after timeout_minutes."""


def variable(text: str) -> tuple[str, str]:
    """Parses `NAME=VALUE`."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError("write NAME=VALUE")
    return name, value


@dataclass(frozen=True, kw_only=True)
class Arguments(Changing):
    """The arguments of `run`."""

    job: str = positional(metavar="JOB", help="a job of the stack")
    words: list[str] = positional(
        metavar=REST, nargs="*", help="a command in place of the job's own"
    )
    env: list[tuple[str, str]] | None = option(
        metavar="NAME=VALUE", action="append", type=variable, help="a variable more, or another"
    )
    detach: bool = detach()

    @property
    def override(self) -> Override:
        """What the run has in place of what the job has."""
        return Override(tuple(self.words), tuple(self.env or ()))


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, clock: Clock) -> int:
    name = arguments.job
    known_workload(described, name, models=False)
    region = arguments.only_region(described, lambda r: any(j.name == name for j in r.jobs), name)
    job = next(j for j in region.jobs if j.name == name)
    account, names = Account(connect), arguments.names()
    asked = read_one(
        account, region, names, lambda r: request_for(r, job, described.tags, arguments.override)
    )
    for label, text in _shown(described, region, job, arguments.override):
        arguments.say(text, label, " " * 11)
    if not arguments.agreed("start it?"):
        if arguments.json:
            write_json(head_of(described, VERSION) | {"request": asked}, sys.stdout)
        return ERRORS
    reasons = Reasons(catalog.load().containers.stop_reasons)
    return account.must(
        region.name,
        lambda aws: _Runs(arguments, described, region, job, aws, clock, reasons).all(asked),
    )


def _shown(
    described: plan.Plan, region: plan.RegionPlan, job: plan.JobPlan, override: Override
) -> Iterator[tuple[str, str]]:
    """What would be started: labels and texts."""
    pool, devices = region.pool(job.pool), job.task_definition.devices
    chips = "all" if devices == "all" else spans(devices) or "none"
    yield "", f"{described.project}/{described.stack}: run {job.name} in {region.name}"
    yield "  pool     ", f"{pool.name} ({', '.join(pool.instance_types)}), chips {chips}"
    yield "  image    ", job.task_definition.image
    if override.command:
        yield "  command  ", shlex.join(override.command)
    for name, value in override.environment:
        yield "  with     ", f"{name}={value}"
    if job.timeout_minutes or job.attempts > 1:
        limit = f"{job.timeout_minutes} min" if job.timeout_minutes else "no limit of time"
        attempts = f"{counted(job.attempts, 'attempt')} at most, while this command follows it"
        yield "  limit    ", f"{limit}, {attempts}"


@dataclass(frozen=True, slots=True)
class _Runs:
    """The attempts of a job."""

    arguments: Arguments
    described: plan.Plan
    region: plan.RegionPlan
    job: plan.JobPlan
    aws: Calls
    clock: Clock
    reasons: Reasons
    made: list[Run] = field(default_factory=list[Run])

    def all(self, asked: Request) -> int:
        """Starts the job until it succeeds. Returns the exit code of the last attempt."""
        code, number = self._one(asked), 1
        while code != FINE and number < self.job.attempts and not self.arguments.detach:
            number += 1
            self.arguments.say(f"attempt {number} of {self.job.attempts}")
            code = self._one(asked)
        if self.arguments.json:
            found = [as_object(r, self.reasons) for r in self.made]
            write_json(
                head_of(self.described, VERSION) | {"exit_code": code, "runs": found}, sys.stdout
            )
        return code

    def _one(self, asked: Request) -> int:
        began = self.clock.now()
        try:
            task = start(self.aws, asked)
        except NotStarted as refused:
            meant = self.reasons.of_message(str(refused))
            self.arguments.say(f"did not start: {refused}")
            if meant is not None:
                self.arguments.say(f"  means: {meant.meaning}")
                self.arguments.say(f"  do:    {meant.action}")
            return ERRORS
        name = task.name[:8]
        self.arguments.say(
            f"task {name} is started" + ("" if self.arguments.detach else "; following it")
        )
        if self.arguments.detach:
            self.arguments.say(f"see `neuron-ecs jobs` and `neuron-ecs logs {self.job.name} -f`")
            self.made.append(self._as_run(asked, task))
            return FINE
        limit = timedelta(minutes=self.job.timeout_minutes) if self.job.timeout_minutes else None
        try:
            ended = self._follow(asked, task, limit)
        except KeyboardInterrupt:
            self.arguments.say(
                f"task {name} runs on; see `neuron-ecs logs {self.job.name} -f`, or end it with "
                f"`neuron-ecs stop {name}`"
            )
            raise
        one = self._as_run(asked, ended)
        self.made.append(one)
        took = age(began, self.clock.now())
        if not one.is_over:
            stop(self.aws, asked["cluster"], task.arn)
            self.arguments.say(
                f"task {name} is stopped: it ran longer than {self.job.timeout_minutes} min"
            )
            return TIMED_OUT
        self.arguments.say(f"task {name} ended after {took}: {one.result}")
        self.arguments.write(explained(one, self.reasons, self.arguments.width))
        code = exit_code(ended)
        return ERRORS if code is None else code

    def _as_run(self, asked: Request, task: ObservedTask) -> Run:
        return Run(self.region.name, asked["cluster"], self.job.name, is_job=True, task=task)

    def _follow(self, asked: Request, task: ObservedTask, limit: timedelta | None) -> ObservedTask:
        began = self.clock.now() - timedelta(seconds=POLL_SECONDS)
        tail = Tail(self.aws, self.job.log_group.name, self.job.name, task.name, began)
        render = renderer(
            [self.region.name],
            self.job.name,
            self.reasons,
            coloured=terminal.is_coloured(sys.stdout),
        )
        states: list[str] = []

        def seen(found: ObservedTask) -> None:
            if found.last_status not in states[-1:] and found.last_status != "STOPPED":
                states.append(found.last_status)
                self.arguments.say(f"task {task.name[:8]} is {found.last_status.lower()}")
            self.arguments.write(render(tail.new()))

        ended = until_stopped(self.aws, asked["cluster"], task, self.clock, seen=seen, limit=limit)
        self.clock.sleep(POLL_SECONDS)  # the last lines reach CloudWatch Logs a little later
        self.arguments.write(render(tail.new()))
        return ended


add_arguments, run = operation(Arguments, VERSION, _EPILOG, _run)
