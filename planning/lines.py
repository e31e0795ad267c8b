"""The stack file's `layout`: which services of a model stay on which devices.

A line is a service with a number, its devices and its replicas. Lines that fit the model stay
exactly; what they leave out is laid around them. Numbers stand in the names of services, so a
number never passes to another service: one that comes gets the first number above all lines, or
that of a line of the same model that no longer fits.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from config import PlacedService, Settings
from planning.dealing import Demand
from planning.layout import Cut
from planning.plan import Plan

Devices = tuple[int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """A service of a model on these devices, with so many tasks at most."""

    number: int
    devices: Devices
    tasks: int = 1


def lines_of(settings: Settings, region: str, pool: str, workload: str) -> tuple[Line, ...]:
    """Returns the lines of a workload on a pool as written, by number."""
    written = settings.layout.get(region, {}).get(pool, {}).get(workload, {})
    return tuple(
        sorted(
            Line(int(number), tuple(sorted(line.devices)), line.replicas)
            if isinstance(line, PlacedService)
            else Line(int(number), tuple(sorted(line)))
            for number, line in written.items()
        )
    )


@dataclass(frozen=True)
class Keeping:
    """The lines about the models of a pool, and the slots around them."""

    lines: Mapping[str, Sequence[Line]]
    """As written, by model."""
    demands: Sequence[Demand]
    legal_sets: Sequence[tuple[int, int]]
    arranged: Callable[[tuple[Demand, ...]], Cut | None]
    max_size: int | None

    @cached_property
    def legal(self) -> Collection[Devices]:
        """The ids of each legal set."""
        return frozenset(tuple(range(first, first + size)) for first, size in self.legal_sets)

    @cached_property
    def kept(self) -> Mapping[str, Sequence[Line]]:
        """The lines that stay exactly, by model; none for a model without such a line."""
        found = {
            d.name: _fitting([x for x in self.lines[d.name] if x.devices in self.legal], d)
            for d in self.demands
            if not d.is_job and self.lines.get(d.name)
        }
        return {name: lines for name, lines in found.items() if lines}

    @cached_property
    def fresh(self) -> Cut | None:
        """The slots as they would be without lines."""
        return self.arranged(tuple(self.demands))

    @cached_property
    def around(self) -> Cut | None:
        """The slots around the lines that stay, with the fewest instances; `None` if there are
        none.

        Tasks without locks that have no line can find no devices for themselves alone; then those
        of their model's lines take them.
        """
        if not self.kept:
            return self.fresh
        tried: list[Cut] = []
        for folded in (False, True):
            parts = [
                part
                for d in self.demands
                for part in _parts(
                    d, () if d.is_job else self.kept.get(d.name, ()), folded and not d.locked
                )
            ]
            cut = self.arranged(tuple(parts))
            tried += [cut] if cut else []
            if all(d.locked for d in self.demands):
                break
        return min(tried, key=lambda c: c.instances, default=None)

    @cached_property
    def crowded(self) -> bool:
        """Whether the tasks fit the pool, but not around the lines that stay."""
        return not self._fits(self.around) and self._fits(self.fresh)

    @property
    def cut(self) -> Cut | None:
        """The slots of the plan; where the lines leave no room, those without lines."""
        return self.fresh if self.crowded else self.around

    def without(self, *names: str) -> "Keeping":
        """The same without the lines of these models."""
        return replace(self, lines={n: x for n, x in self.lines.items() if n not in names})

    def _fits(self, cut: Cut | None) -> bool:
        return cut is not None and (self.max_size is None or cut.fewest <= self.max_size)


def _fitting(lines: Sequence[Line], demand: Demand) -> list[Line]:
    """Returns the lines of the demand's size, apart from each other.

    The replicas of all are at most the demand's tasks: the fullest service loses one first, among
    equals the one with the highest number. A workload with host ports has one service.
    """
    kept: list[Line] = []
    for line in lines:
        apart = all(set(line.devices).isdisjoint(other.devices) for other in kept)
        if len(line.devices) == demand.size and apart:
            kept.append(line)
    if demand.host_ports:
        return [replace(line, tasks=demand.tasks) for line in kept[:1]]
    while sum(line.tasks for line in kept) > demand.tasks:
        fullest = max(kept, key=lambda line: (line.tasks, line.number))
        kept.remove(fullest)
        if fullest.tasks > 1:
            kept.append(replace(fullest, tasks=fullest.tasks - 1))
    kept.sort()
    if demand.together and kept and all(line.tasks < 2 for line in kept):
        left = max(0, demand.tasks - 2)  # the first service takes a second task, to run apart
        kept = [replace(kept[0], tasks=2), *kept[1 : 1 + left]]
    return kept


def _parts(demand: Demand, lines: Sequence[Line], folded: bool) -> Iterator[Demand]:
    """Yields the demand as one for each line and one for the tasks that have none.

    `folded` gives these tasks to the lines, one to each in turn.
    """
    rest = demand.tasks - sum(line.tasks for line in lines)
    for index, line in enumerate(lines):
        more = rest // len(lines) + (index < rest % len(lines)) if folded else 0
        yield replace(demand, tasks=line.tasks + more, ids=line.devices, together=False)
    if not lines or (rest and not folded):
        yield replace(demand, tasks=rest, together=demand.together and not lines)


def numbers(lines: Sequence[Line], services: Sequence[Devices]) -> tuple[int, ...]:
    """Returns the number of each service of a model on a pool, by its devices."""
    written = {line.devices: line.number for line in reversed(lines)}
    known = {devices: written[devices] for devices in services if devices in written}
    free = iter([line.number for line in lines if line.number not in known.values()])
    above = max((line.number for line in lines), default=0)
    found: list[int] = []
    for devices in services:
        number = known.get(devices) or next(free, None)
        above += number is None
        found.append(number or above)
    return tuple(found)


WrittenLine = list[int] | dict[str, int | list[int]]
Layout = dict[str, dict[str, dict[str, dict[str, WrittenLine]]]]
"""Region, pool, model, number of the service: its line as the stack file has it."""


def layout_of(made: Plan, named: Collection[str] = ()) -> Layout:
    """Returns the `layout` that keeps every service of the plan where it is.

    `named` are the models whose devices the stack file names itself: they have no lines. Nor has a
    service whose devices ECS assigns. A stopped model keeps the devices of one task.
    """
    layout: Layout = {}
    for region in made.regions:
        pools = {pool.key: pool for pool in region.pools}
        for model in region.models:
            for service in model.services if model.name not in named else ():
                devices = service.task_definition.devices
                if devices and devices != "all":
                    here = layout.setdefault(region.name, {}).setdefault(
                        pools[service.pool].name, {}
                    )
                    number = service.key.removeprefix(f"{model.key}_").partition("_")[0]
                    line: WrittenLine = list(devices)
                    if service.tasks_max > 1:
                        line = {"devices": line, "replicas": service.tasks_max}
                    here.setdefault(model.name, {})[number] = line
    return layout
