"""Which slots run what, and what the update does to them, as text."""

from collections.abc import Iterator
from datetime import datetime

from messages.phrases import counted, listed
from neuron_ecs.diff.json_form import Running, RunningModel
from neuron_ecs.terminal import joined, table, wrapped

_RUNS = {"both": "BASE, HEAD", "base": "BASE", "head": "HEAD"}
_UPDATE = {
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


def render(found: Running, *, width: int) -> Iterator[str]:
    """The part of the text of `diff` about what runs."""
    yield ""
    yield f"Running at {datetime.fromisoformat(found['at']):%H:%M:%S} UTC"
    for text in found["unread"]:
        yield from wrapped(f"not read: {text}", width, "  ", "    ")
    if not found["models"] and not found["unread"]:
        yield "  every slot of BASE's models runs BASE"
    for model in found["models"]:
        said = f"{model['name']}  {model['region']}: {model['what']}"
        yield from wrapped(said, width, "  ", "    ")
        rows = [("chips", "revision", "runs", "deployment", "update")]
        rows += [
            (
                joined(s["chips"]),
                s["revision"],
                joined(_RUNS.get(s["runs"], s["runs"])),
                s["deployment"],
                joined(_UPDATE[s["update"]]),
            )
            for s in model["slots"]
        ]
        yield from table(rows, indent="    ", width=width)
        yield from _images(model, width)
    slots = [s for m in found["models"] for s in m["slots"] if s["update"] == "deploy"]
    if slots:
        head = f"{counted(len(slots), 'slot')} to get HEAD"
        yield from wrapped(f"{head}: {_REFRESH}", width, "  ", "    ")


def _images(model: RunningModel, width: int) -> Iterator[str]:
    chips: dict[str, list[str]] = {}
    for slot in model["slots"]:
        if slot["image"]:
            chips.setdefault(slot["image"], []).append(slot["chips"])
    for image, sets in chips.items() if len(chips) > 1 else ():
        yield from wrapped(f"image on {listed(sets)}: {image}", width, "    ", "      ")
