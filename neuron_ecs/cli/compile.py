"""The `compile` command: runs the jobs that compile models ahead, and waits for their ends."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import catalog
from messages.phrases import counted
from neuron_ecs.arguments.options import positional
from neuron_ecs.arguments.stack import Changing, head_of, known_workload, operation
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.compile import (
    Compilation,
    Start,
    compilations,
    mark,
    start_of,
    started,
)
from neuron_ecs.operations.following import until_stopped
from neuron_ecs.operations.observed import ObservedTask
from neuron_ecs.operations.reading import read_one
from neuron_ecs.operations.reasons import Reasons, exit_code, why_stopped
from neuron_ecs.operations.run import NotStarted
from neuron_ecs.terminal import ERRORS, FINE, UsageError, spans, write_json
from planning import plan

VERSION = 1

_EPILOG = """\
examples:
  neuron-ecs compile llama --stack prod
  neuron-ecs compile --stack prod --yes

A model with `serve.compile: ahead` has a job that compiles it, on as many chips as
a task has. Its tasks start with what the job leaves under the fingerprint of the
model's settings. Before `pulumi up` it compiles the settings that come. Ctrl-C
leaves the run alone; the same command joins it again.

exit codes: 0 the model is compiled, else that of the run; 1 too if it did not start,
has none or the answer was no; 2 wrong usage, 4 no credentials."""


@dataclass(frozen=True, kw_only=True)
class Arguments(Changing):
    """The arguments of `compile`."""

    model: str | None = positional(
        metavar="MODEL", nargs="?", help="a model that says serve.compile: ahead (all of them)"
    )


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, clock: Clock) -> int:
    known_workload(described, arguments.model, jobs=False)
    found = compilations(arguments.regions(described))
    wanted = [c for c in found if arguments.model in (None, c.model.name)]
    if not wanted:
        name = arguments.model or "<model>"
        which = f"{name} is" if arguments.model else "no model of the stack is"
        raise UsageError(f"{which} not compiled ahead: write models.{name}.serve.compile: ahead")
    account, names = Account(connect), arguments.names()
    ready = [
        (one, read_one(account, one.region, names, lambda r, o=one: start_of(o, r, described.tags)))
        for one in wanted
    ]

    def say(text: str, indent: str = "") -> None:
        arguments.say(text, indent, indent + "    ")

    for one, how in ready:
        _announce(one, how, say)
    if not arguments.agreed("start it?" if len(ready) == 1 else "start them?"):
        if arguments.json:
            asked = [how.asked for _, how in ready]
            write_json(head_of(described, VERSION) | {"requests": asked}, sys.stdout)
        return ERRORS
    runs = [_Run(one, how, account, clock, say) for one, how in ready]
    for each in runs:
        each.start()
    codes = [each.follow() for each in runs]
    if arguments.json:
        document = {"exit_code": max(codes), "runs": [each.document() for each in runs]}
        write_json(head_of(described, VERSION) | document, sys.stdout)
    return max(codes)


def _announce(one: Compilation, how: Start, say: Callable[..., None]) -> None:
    """Says what will be done, before it is."""
    chips, pool = one.job.task_definition.devices, one.region.pool(one.job.pool)
    on = f"chips {chips if isinstance(chips, str) else spans(chips)} of pool {pool.name}"
    verb = "joins the run of" if how.running else "starts"
    job = f"{verb} {one.job.name} on {on}, fingerprint {one.cache.fingerprint}"
    say(f"{one.region.name}  {job}")
    if one.job.waits and not how.running:
        say(f"it {one.job.waits}", "  ")
    if how.changes:
        say(
            f"registers a revision of {one.job.task_definition.family} first: the newest has "
            f"{counted(len(how.changes), 'other value')}",
            "  ",
        )


@dataclass(slots=True)
class _Run:
    """The run of a job: its task, and how it ended."""

    one: Compilation
    how: Start
    account: Account
    clock: Clock
    say: Callable[..., None]
    task: ObservedTask | None = None
    code: int = ERRORS
    reason: str = ""

    @property
    def name(self) -> str:
        return f"{self.one.region.name}  {self.one.model.name}"

    def start(self) -> None:
        """Starts the run, or says why it does not."""
        try:
            self.task = self.account.must(self.one.region.name, lambda aws: started(self.how, aws))
        except (NotStarted, UsageError) as error:
            self.reason = f"did not start: {error}"
            self.say(f"{self.name}: {self.reason}")
            return
        self.say(f"{self.name}: task {self.task.name[:8]}; waiting until it has ended")

    def follow(self) -> int:
        """Waits for the end, and leaves the marker. Returns the exit code of the run."""
        task = self.task
        if task is None:
            return self.code
        region, cluster = self.one.region.name, self.how.asked["cluster"]
        try:
            ended = self.account.must(
                region, lambda aws: until_stopped(aws, cluster, task, self.clock)
            )
        except KeyboardInterrupt:
            again = f"neuron-ecs compile {self.one.model.name}"
            self.say(f"task {task.name[:8]} runs on; `{again}` joins it again")
            raise
        code = exit_code(ended)
        self.code = ERRORS if code is None else code
        if self.code == FINE and not self.account.must(
            region, lambda aws: mark(self.one.cache, aws)
        ):
            self.code, self.reason = ERRORS, f"{self.one.cache.marker} could not be written"
        elif self.code != FINE:
            meant = Reasons(catalog.load().containers.stop_reasons).of_task(ended)
            self.reason = why_stopped(ended) + (f" ({meant.meaning})" if meant else "")
        said = f"compiled: {self.one.cache.marker}"
        if self.code != FINE:
            said = f"not compiled: {self.reason}; see `neuron-ecs logs {self.one.job.name}`"
        self.say(f"{self.name}: {said}")
        return self.code

    def document(self) -> dict[str, object]:
        """The run as JSON has it."""
        return {
            "region": self.one.region.name,
            "model": self.one.model.name,
            "job": self.one.job.name,
            "fingerprint": self.one.cache.fingerprint,
            "task": self.task.arn if self.task else "",
            "exit_code": self.code,
            "reason": self.reason,
            "marker": self.one.cache.marker if self.code == FINE else "",
        }


add_arguments, run = operation(Arguments, VERSION, _EPILOG, _run)
