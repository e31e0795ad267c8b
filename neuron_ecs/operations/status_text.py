"""The status of a stack as text: a line for each model, and what is wrong with it below."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from messages.phrases import counted, listed, low_to_high
from neuron_ecs.operations.reasons import explained
from neuron_ecs.operations.status import (
    GOOD,
    InstanceStatus,
    ModelStatus,
    RegionStatus,
    Rollout,
    State,
    Trouble,
)
from neuron_ecs.terminal import joined, paint, table, wrapped

_COLOURS: dict[State, str] = {
    "runs": "32",
    "stopped": "36",
    "rests": "36",
    "starting": "33",
    "short": "33",
    "down": "31",
    "unknown": "35",
}
_SHOWN = 8  # characters of a task's id
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def render(
    title: str,
    regions: Sequence[RegionStatus],
    now: datetime,
    *,
    width: int,
    coloured: bool,
    whole: bool = False,
) -> Iterator[str]:
    """The stack in a line, then each Region; `whole` shows the slots and last error of models
    that run as well."""
    yield from wrapped(f"{title}: {headline(regions)}", width)
    for region in regions:
        yield ""
        yield region.name
        for text in region.unread:
            yield from wrapped(f"not read: {text}", width, "  ", "    ")
        yield from _left(region, width)
        yield from _pools(region, width)
        yield from _instances(region, now, width)
        yield from _models(region.models, width)
        for model in region.models:
            if whole or model.state not in GOOD or _differs(model):
                yield from _details(model, now, width, coloured=coloured, whole=whole)
        if region.jobs:
            yield ""
            jobs = ", ".join(
                f"{j.name} {'unknown' if j.running is None else counted(j.running, 'task')}"
                for j in region.jobs
            )
            yield from wrapped(f"jobs now: {jobs}", width, "  ", "    ")


def _of_jobs(tasks: int) -> str:
    """What is said where no model is."""
    return f"{counted(tasks, 'task') if tasks else 'no task'} of jobs now"


def headline(regions: Sequence[RegionStatus]) -> str:
    """`7 of 8 replicas run; not as promised: bee in us-west-2`."""
    models = [m for r in regions for m in r.models]
    running = sum(min(m.running, m.promised) for m in models)
    promised = sum(m.promised for m in models)
    tasks = sum(job.running or 0 for r in regions for job in r.jobs)
    parts = [f"{running} of {counted(promised, 'replica')} run" if models else _of_jobs(tasks)]
    bad = [f"{m.name} ({m.state}) in {r.name}" for r in regions for m in r.models if not _good(m)]
    if bad:
        parts.append(f"not as promised: {', '.join(bad)}")
    drained = [r.name for r in regions if r.drained]
    if drained:
        parts.append(f"drained: {', '.join(drained)}")
    if any(r.unread for r in regions):
        parts.append("not all could be read")
    return "; ".join(parts)


def _left(region: RegionStatus, width: int) -> Iterator[str]:
    """That somebody left the Region, and how it comes back."""
    facts = ["no service wants a task, and the stack file does"] if region.drained else []
    facts += [f"callers of {listed(list(region.left_out))} are sent elsewhere"] * bool(
        region.left_out
    )
    if facts:
        word = "drained" if region.drained else "left out"
        yield from wrapped(
            f"{word}: {'; '.join(facts)}. To bring it back run "
            f"neuron-ecs drain {region.name} --undo",
            width,
            "  ",
            "    ",
        )


def _good(model: ModelStatus) -> bool:
    return model.state in GOOD


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, in the largest whole unit; empty if not known."""
    if since is None:
        return ""
    seconds = max(int((now - since).total_seconds()), 0)
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _pools(region: RegionStatus, width: int) -> Iterator[str]:
    if not region.pools:
        return
    rows = [("pool", "capacity", "state", "instances", "planned")]
    rows += [
        (
            p.name,
            p.kind.replace("_", " "),
            p.state,
            "unknown" if p.instances is None else str(p.instances),
            low_to_high(*p.planned),
        )
        for p in region.pools
    ]
    yield from table(rows, indent="  ", width=width)
    for pool in region.pools:
        if pool.blocks:
            yield from wrapped(f"{pool.name}: {pool.blocks}", width, "  ", "    ")


def _instances(region: RegionStatus, now: datetime, width: int) -> Iterator[str]:
    if not region.instances:
        return
    yield ""
    rows = [("instance", "type", "state", "agent", "chips", "age")]
    rows += [
        (
            one.name,
            one.type,
            one.state,
            "connected" if one.connected else "LOST",
            f"{'unknown' if one.busy is None else one.busy} of {one.chips}" if one.chips else "",
            age(one.launched, now),
        )
        for one in region.instances
    ]
    head, *lines = table(rows, indent="  ")
    yield head
    for one, line in zip(region.instances, lines, strict=True):
        yield line
        yield from wrapped(_beside(one), width, "    ", "      ")


def _beside(one: InstanceStatus) -> str:
    """Image and launch template of an instance, and what runs on it."""
    made = [one.image] if one.image else []
    made += [f"template version {one.template}"] if one.template else []
    tasks = "tasks unknown" if one.tasks is None else ", ".join(one.tasks) or "no task"
    return f"{', '.join(made)}: {tasks}" if made else tasks


def _models(models: Sequence[ModelStatus], width: int) -> Iterator[str]:
    if not models:
        return
    yield ""
    balanced = "healthy" if any(m.healthy is not None for m in models) else ""
    rows = [("model", "state", "replicas", balanced, "revision", "deployment", "chips")]
    rows += [_model(m) for m in models]
    yield from table(rows, indent="  ", width=width)


def _model(model: ModelStatus) -> tuple[str, ...]:
    revisions = dict.fromkeys(r for s in model.slots for r in s.revisions)
    chips = dict.fromkeys(_chips(s.devices) for s in model.slots)
    rollouts = {s.rollout.state for s in model.slots if s.rollout}
    known = model.state != "unknown" or bool(model.slots)
    return (
        model.name,
        model.state,
        joined(_replicas(model.running, model.promised)) if known else "",
        "" if model.healthy is None else str(model.healthy),
        ", ".join(revisions),
        joined(", ".join(sorted(rollouts)) or ("complete" if model.slots else "")),
        ", ".join(chips),
    )


def _replicas(running: int, wanted: int) -> str:
    """`1 of 2`; `1 of 1, 2 running` while tasks run beside those that they replace."""
    more = f", {running} running" if running > wanted else ""
    return f"{min(running, wanted)} of {wanted}{more}"


def _chips(devices: str) -> str:
    """The devices without the word that heads their column."""
    return joined(devices.removeprefix("chips ").removeprefix("chip "))


def _differs(model: ModelStatus) -> bool:
    """Whether a deployment is under way or has failed, or the slots run different images."""
    moving = model.state != "rests" and any(s.rollout for s in model.slots)
    return moving or len(_images(model)) > 1


def _images(model: ModelStatus) -> dict[str, str]:
    """The images of a model, and which revisions have each."""
    found: dict[str, dict[str, None]] = {}
    for slot in model.slots:
        for image in slot.images:
            found.setdefault(image, {}).update(dict.fromkeys(slot.revisions))
    return {image: ", ".join(revisions) for image, revisions in found.items()}


def _details(
    model: ModelStatus, now: datetime, width: int, *, coloured: bool, whole: bool
) -> Iterator[str]:
    yield ""
    word = paint(model.state, _COLOURS[model.state]) if coloured else model.state
    yield f"  {model.name}: {word}"
    for problem in model.problems:
        yield from wrapped(problem, width, "    - ", "      ")
    if model.slots:
        rows = [("chips", "replicas", "revision", "task", "instance", "deployment")]
        rows += [
            (
                _chips(s.devices),
                joined(_replicas(s.running, s.wanted)),
                ", ".join(s.revisions),
                ", ".join(task[:_SHOWN] for task in s.tasks),
                ", ".join(s.instances),
                rollout_text(s.rollout),
            )
            for s in model.slots
        ]
        yield from table(rows, indent="    ", width=width)
    images = _images(model)
    for image, revisions in images.items():
        whose = f" of revision {revisions}" if len(images) > 1 else ""
        yield f"    image{whose}: {image}"
    if model.trouble is not None and (whole or model.state not in GOOD or _differs(model)):
        yield from _trouble(model.trouble, now, width)


def rollout_text(rollout: Rollout | None) -> str:
    """`complete`, or how far a deployment is and why it failed."""
    if rollout is None:
        return "complete"
    failed = f", {rollout.failed} failed" if rollout.failed else ""
    why = f": {rollout.reason}" if rollout.reason else ""
    return f"{rollout.state}, {rollout.running} of {rollout.wanted} new{failed}{why}"


def _trouble(trouble: Trouble, now: datetime, width: int) -> Iterator[str]:
    head = f"last error {age(trouble.at, now)} ago: {trouble.said}"
    yield from wrapped(head, width, "    ", "      ")
    yield from explained(trouble.means, trouble.do, width, "      ")
