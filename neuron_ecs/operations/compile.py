"""Starts the jobs that compile models: registers what differs from the plan, and leaves markers.

A run that goes on is joined: two never write one cache.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from messages.phrases import counted
from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.compare import differences
from neuron_ecs.operations.following import at_interrupt, outcome, until_stopped
from neuron_ecs.operations.observed import ObservedTask, family_of
from neuron_ecs.operations.reading import Reader
from neuron_ecs.operations.reasons import why_stopped
from neuron_ecs.operations.run import NotStarted, Override, request_for, start, the_cluster
from neuron_ecs.operations.stack import Say, Stack
from neuron_ecs.terminal import ERRORS, FINE, UsageError, spans
from planning import plan
from planning.compile_cache import CompileCache
from planning.regional import bucket_and_key
from planning.run_task import Request

_T = TypeVar("_T")

FIRST = "run `pulumi up` first, with replicas: 0 for a new model"
# What RegisterTaskDefinition takes of what DescribeTaskDefinition answers.
_KEPT = (
    *("family", "taskRoleArn", "executionRoleArn", "networkMode", "volumes", "cpu", "memory"),
    *("placementConstraints", "requiresCompatibilities", "runtimePlatform", "ipcMode", "pidMode"),
)


@dataclass(frozen=True, slots=True)
class Compilation:
    """A model of the plan that a job compiles in a Region."""

    region: plan.RegionPlan
    model: plan.ModelPlan
    job: plan.JobPlan

    @property
    def cache(self) -> CompileCache:
        """Where it is compiled into."""
        assert self.model.cache is not None
        return self.model.cache


@dataclass(frozen=True, slots=True)
class Start:
    """How a run would start: what RunTask is given, and what is registered before.

    ``definition`` is what RegisterTaskDefinition is given, None where the newest revision has the
    settings of the plan; ``changes`` are the differences. ``running`` is a run that goes on.
    """

    asked: Request
    definition: Mapping[str, Any] | None
    changes: tuple[str, ...]
    running: ObservedTask | None = None


def compilations(regions: Sequence[plan.RegionPlan]) -> list[Compilation]:
    """What the jobs of the Regions compile; into one prefix in S3 in the first Region alone."""
    found: dict[str, Compilation] = {}
    for region in regions:
        models = {m.name: m for m in region.models}
        for job in region.jobs:
            model = models.get(job.compiles)
            if model is not None and model.cache is not None:
                shared = model.cache.kind == "s3"
                where = model.cache.marker if shared else f"{region.name} {job.name}"
                found.setdefault(where, Compilation(region, model, job))
    return list(found.values())


def prepare(stack: Stack, name: str | None, say: Say) -> list["CompileRun"]:
    """The runs that would compile the models of the Regions, or one of them; changes nothing.

    Raises `UsageError` if there is nothing to compile, or something is not found in the account.
    """
    found = [c for c in compilations(stack.regions) if name in (None, c.model.name)]
    if not found:
        which = f"{name} is" if name else "no model of the stack is"
        raise UsageError(
            f"{which} not compiled ahead: write models.{name or '<model>'}.serve.compile: ahead"
        )

    def ready(one: Compilation) -> CompileRun:
        how = stack.ask(one.region, lambda reader: start_of(one, reader, stack.plan.tags))
        return CompileRun(stack, one, how, say)

    return [ready(one) for one in found]


def start_of(one: Compilation, reader: Reader, tags: plan.Tags) -> Start:
    """How the run would start now; changes nothing.

    Raises `UsageError` if something that it needs is not found in the account.
    """
    asked = request_for(reader, one.job, tags, Override())
    definition, changes, arn = _definition(one, reader)
    family = one.job.task_definition.family
    cluster = the_cluster(reader, one.region.pool(one.job.pool).kind)
    running = (
        task
        for task in cluster.tasks or ()
        if family_of(task.task_definition) == family and task.desired_status == "RUNNING"
    )
    return Start(asked | {"taskDefinition": arn}, definition, changes, next(running, None))


def _definition(
    one: Compilation, reader: Reader
) -> tuple[Mapping[str, Any] | None, tuple[str, ...], str]:
    """What has to be registered, how it differs from the newest revision, and that one's ARN."""
    planned, aws, region = one.job.task_definition, reader.aws, one.region.name
    answer = aws.tried(
        "ECS DescribeTaskDefinition",
        lambda: aws.ecs.describe_task_definition(taskDefinition=planned.family, include=["TAGS"]),
    )
    if answer is None:
        what = f"{region}: no task definition {planned.family} can be read"
        raise UsageError(f"{what}; {FIRST}", ERRORS)
    there = cast("dict[str, Any]", answer["taskDefinition"])
    arn = cast("str", there["taskDefinitionArn"])
    containers: list[dict[str, Any]] = json.loads(planned.container_definitions)
    changes = tuple(differences(containers, there["containerDefinitions"], "containers"))
    if not changes:
        return None, (), arn
    if {v.name for v in planned.volumes} != {v["name"] for v in there.get("volumes", ())}:
        what = f"{region}: the volumes of {one.job.name} are other ones"
        raise UsageError(f"{what}; run `pulumi up` first", ERRORS)
    made = {key: there[key] for key in _KEPT if there.get(key)}
    sizes = {"cpu": planned.cpu, "memory": planned.memory}
    made |= {key: str(size) for key, size in sizes.items() if size is not None}
    if tags := answer.get("tags"):
        made["tags"] = tags
    return {**made, "containerDefinitions": containers}, changes, arn


def started(how: Start, aws: Calls) -> ObservedTask:
    """Registers what differs and starts the run, or joins one. Raises `NotStarted`."""
    if how.running is not None:
        return how.running
    asked = dict(how.asked)
    if how.definition is not None:
        made = aws.ecs.register_task_definition(**how.definition)
        asked["taskDefinition"] = made["taskDefinition"]["taskDefinitionArn"]
    return start(aws, asked)


def mark(cache: CompileCache, aws: Calls) -> bool:
    """Leaves the marker of a run that has ended well: in S3 from here, else the run has done so."""
    if cache.kind != "s3":
        return True
    bucket, key = bucket_and_key(cache.marker)
    body = json.dumps({"fingerprint": cache.fingerprint}).encode()
    put = aws.tried(
        "S3 PutObject", lambda: bool(aws.s3.put_object(Bucket=bucket, Key=key, Body=body))
    )
    return put is True


@dataclass(slots=True)
class CompileRun:
    """The run of a job: its task, and how it ended."""

    stack: Stack
    one: Compilation
    how: Start
    say: Say
    task: ObservedTask | None = None
    code: int = ERRORS
    reason: str = ""

    def _say(self, text: str) -> None:
        self.say(f"{self.one.region.name}  {self.one.model.name}: {text}", later="    ")

    def _must(self, question: Callable[[Calls], _T]) -> _T:
        return self.stack.account.must(self.one.region.name, question)

    def announce(self) -> None:
        """Says what will be done, before it is."""
        one, how, job = self.one, self.how, self.one.job
        chips, pool = job.task_definition.devices, one.region.pool(job.pool)
        on = f"chips {chips if isinstance(chips, str) else spans(chips)} of pool {pool.name}"
        verb = "joins the run of" if how.running else "starts"
        text = f"{verb} {job.name} on {on}, fingerprint {one.cache.fingerprint}"
        self.say(f"{one.region.name}  {text}", later="    ")
        if job.waits and not how.running:
            self.say(f"it {job.waits}", "  ", "      ")
        if how.changes:
            self.say(
                f"registers a revision of {job.task_definition.family} first: the newest has "
                f"{counted(len(how.changes), 'other value')}",
                "  ",
                "      ",
            )

    def start(self) -> None:
        """Starts the run, or says why it does not."""
        try:
            self.task = self._must(lambda aws: started(self.how, aws))
        except (NotStarted, UsageError) as error:
            self.reason = f"did not start: {error}"
            self._say(self.reason)
            return
        self._say(f"task {self.task.name[:8]}; waiting until it has ended")

    def follow(self) -> int:
        """Waits for the end, and leaves the marker. Returns the exit code of the run."""
        task = self.task
        if task is None:
            return self.code
        cluster, again = self.how.asked["cluster"], f"neuron-ecs compile {self.one.model.name}"
        runs_on = f"task {task.name[:8]} runs on; `{again}` joins it again"
        with at_interrupt(partial(self.say, runs_on, later="    ")):
            ended = self._must(lambda aws: until_stopped(aws, cluster, task, self.stack.clock))
        self.code = outcome(ended)
        if self.code == FINE and not self._must(lambda aws: mark(self.one.cache, aws)):
            self.code, self.reason = ERRORS, f"{self.one.cache.marker} could not be written"
        elif self.code != FINE:
            meant = self.stack.reasons.of_task(ended)
            self.reason = why_stopped(ended) + (f" ({meant.meaning})" if meant else "")
        if self.code == FINE:
            self._say(f"compiled: {self.one.cache.marker}")
        else:
            self._say(f"not compiled: {self.reason}; see `neuron-ecs logs {self.one.job.name}`")
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
