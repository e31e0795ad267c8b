"""What `diff --running` reads from AWS: which slots run what, and what the update does to them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import cast

from messages.phrases import counted, listed
from neuron_ecs.diff import json_form as form
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.deployed import DeployedModel, Update, read_deployed
from neuron_ecs.operations.observed import Names
from neuron_ecs.operations.reading import read_all
from neuron_ecs.terminal import joined, table, wrapped
from planning import plan

_RUNS = {"both": "BASE, HEAD", "base": "BASE", "head": "HEAD"}
_UPDATE: dict[Update, str] = {
    "none": "stays",
    "deploy": "gets HEAD",
    "remove": "goes",
    "create": "comes",
    "unknown": "unknown",
}
_REFRESH = (
    "run `pulumi up --refresh`: without it the engine goes by its own record, in which an update "
    "that failed counts as done; a slot that ECS rolled back then stays as it is, and the next "
    "wave starts"
)


@dataclass(frozen=True, slots=True)
class Running:
    """The models whose slots do not all run BASE, and what AWS refused to say."""

    at: datetime
    models: list[DeployedModel]
    unread: list[str]

    def document(self) -> form.Running:
        """The part of the JSON of `diff`."""
        models = [cast("form.RunningModel", asdict(m)) for m in self.models]
        return {"at": self.at.isoformat(), "models": models, "unread": self.unread}

    def lines(self, width: int) -> Iterator[str]:
        """The part of the text of `diff`."""
        yield ""
        yield f"Running at {self.at:%H:%M:%S} UTC"
        for text in self.unread:
            yield from wrapped(f"not read: {text}", width, "  ", "    ")
        if not self.models and not self.unread:
            yield "  every slot of BASE's models runs BASE"
        for model in self.models:
            yield from wrapped(f"{model.name}  {model.region}: {model.what}", width, "  ", "    ")
            rows = [("chips", "revision", "runs", "deployment", "update")]
            rows += [
                (
                    joined(s.chips),
                    s.revision,
                    joined(_RUNS.get(s.runs, s.runs)),
                    s.deployment,
                    joined(_UPDATE[s.update]),
                )
                for s in model.slots
            ]
            yield from table(rows, indent="    ", width=width)
            yield from _images(model, width)
        slots = [s for m in self.models for s in m.slots if s.update == "deploy"]
        if slots:
            head = f"{counted(len(slots), 'slot')} to get HEAD"
            yield from wrapped(f"{head}: {_REFRESH}", width, "  ", "    ")


def _images(model: DeployedModel, width: int) -> Iterator[str]:
    chips: dict[str, list[str]] = {}
    for slot in model.slots:
        if slot.image:
            chips.setdefault(slot.image, []).append(slot.chips)
    for image, sets in chips.items() if len(chips) > 1 else ():
        yield from wrapped(f"image on {listed(sets)}: {image}", width, "    ", "      ")


def read_running(
    base: plan.Plan | None,
    head: plan.Plan | None,
    names: dict[str, Names] | None,
    connect: Connect | None,
    clock: Clock,
) -> Running:
    """Asks every Region of BASE, or of HEAD where BASE has no plan. Raises `UsageError` without
    credentials."""
    befores, afters = ({r.name: r for r in side.regions} if side else {} for side in (base, head))
    models, unread = read_all(
        Account(connect),
        list((befores or afters).values()),
        names,
        lambda reader: read_deployed(
            reader, befores.get(reader.region.name), afters.get(reader.region.name)
        ),
    )
    return Running(clock.now(), models, unread)
