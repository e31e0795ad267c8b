"""The words that text and page share."""

from collections.abc import Sequence

from messages.phrases import counted, listed, low_to_high
from neuron_ecs.chipmap.placement import Fold, counts, numbers
from neuron_ecs.chipmap.pools import DrawnPool, Shape
from neuron_ecs.terminal import one_line, spans
from planning.placing import Picture, Rollout

SIZES = {False: "minimum", True: "maximum"}

_SHAPES: dict[Shape, str] = {
    "single": "1 Neuron device",
    "ring": "ring of {} devices",
    "torus_4x4": "4 by 4 torus of {} devices",
    "row": "{} devices, links not known",
    "unknown": "as many devices as the instance that ECS takes has",
    "none": "no Neuron devices",
}


def kind(pool: DrawnPool) -> str:
    """Capacity kind and purchase option."""
    words = "Auto Scaling" if pool.kind == "auto_scaling" else "Managed Instances"
    return f"{words}, {pool.purchase.replace('_', ' ')}"


def shape(pool: DrawnPool) -> str:
    """Instance types and how their devices are linked."""
    links = _SHAPES[pool.shape].format(pool.devices)
    return f"{one_line(listed(pool.types, most=3))}: {links}"


def size(pool: DrawnPool) -> str:
    """`1 to 2 of at most 3 instances`."""
    number = low_to_high(pool.least, pool.most)
    if pool.limit is None:
        return f"{number} instance{'' if pool.least == pool.most == 1 else 's'}"
    return f"{number} of at most {counted(pool.limit, 'instance')}"


def state(pool: DrawnPool, drawn: Picture) -> str:
    """`2 instances, 20 of 24 devices taken, 4 free`, at one size."""
    running = len(drawn.running)
    if not running:
        return "no instance runs"
    words = counted(running, "instance")
    if not pool.devices:
        return words
    held = counts(pool, drawn)
    words += f", {held['taken']} of {running * pool.devices} devices taken"
    free = held["free"] + held["job"]
    lent = f" ({held['job']} while no job runs)" if held["job"] else ""
    return f"{words}, {free} free{lent}" if free else words


def same(pool: DrawnPool, least: Picture, most: Picture) -> bool:
    """Whether the pictures at minimum and maximum are one."""
    return least.instances == most.instances and least.surge == most.surge


def rollout(found: Rollout) -> str:
    """`surge +1` or `in place, 1 of 2`: what a deployment of the placement's service takes."""
    if not found.at_once:
        return "surge" if found.placement.surges else "in place"
    if found.placement.surges:
        return f"surge +{found.instances}"
    return f"in place, {found.at_once}"


def rollouts(least: Rollout, most: Rollout) -> str:
    """The same at minimum and at maximum."""
    low, high = rollout(least), rollout(most)
    if low == high or not least.at_once:
        return high
    tail = high.removeprefix("surge ").removeprefix("in place, ")
    return f"{low} → {tail}"


def everything(drawn: Picture) -> str:
    """What a rollout of all models of the pool at once adds; empty where nothing surges."""
    if not drawn.new_tasks:
        return ""
    tasks = counted(drawn.new_tasks, "new task")
    if not drawn.surge:
        return f"a rollout of everything starts {tasks} beside the old, on devices that are free"
    more = counted(len(drawn.surge), "more instance")
    return f"a rollout of everything starts {tasks} beside the old, with {more} while it lasts"


def tasks(drawn: Picture, index: int) -> str:
    """`2 on 1-2`: tasks of a placement, and their instances."""
    placement = drawn.rollouts[index].placement
    number = placement.tasks(full=drawn.full)
    return f"{number} on {spans(numbers(drawn, placement))}" if number else "-"


def heading(fold: Fold) -> str:
    """`instances 1 to 12 (12 alike)`, and why they are there where no model keeps them."""
    last = fold.first + fold.count - 1
    name = f"instance {fold.first}" if fold.count == 1 else f"instances {fold.first} to {last}"
    if fold.count > 1:
        name += f" (\u00d7 {fold.count})"
    if fold.role == "job":
        return f"{name}, started for a job"
    if fold.role == "rollout":
        return f"{name}, while a rollout lasts"
    return name


def summary(fold: Fold, slots: Sequence[Sequence[int]]) -> str:
    """The picture of an instance in words, device by device."""
    runs: list[tuple[tuple[str, str, int | None, int, bool], list[int]]] = []
    for cell in fold.cells:
        key = (cell.state, cell.holder, cell.slot, cell.task, cell.changed)
        if runs and runs[-1][0] == key:
            runs[-1][1].append(cell.device)
        else:
            runs.append((key, [cell.device]))
    parts: list[str] = []
    for (how, holder, slot, _, changed), devices in runs:
        label = f"device{'s' if len(devices) > 1 else ''} {spans(devices)}"
        where = f", slot {spans(slots[slot])}" if slot is not None else ""
        who = "free" if how == "free" else holder if how == "taken" else f"free for {holder}"
        parts.append(f"{label}: {who}{where}{', changed' if changed else ''}")
    parts += [f"all devices: {name}" for name in fold.tasks]
    return "; ".join(parts)
