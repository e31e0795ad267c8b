"""The stack file's `layout`: lines without a service, lines that meet, lines that cost room."""

from collections.abc import Iterator
from itertools import combinations

from messages.finding import Severity
from messages.phrases import counted, flow, ids, listed
from planning.entries import RegionalPool, RegionalWorkload
from planning.lines import Keeping, Line
from planning.once import once
from planning.price import HOURS, dollars, hourly_rate
from planning.proposals import size_path
from planning.rules.rule import Report, rule
from planning.situation import Situation, written_replicas

_PLACE = "run `neuron-ecs place`, which writes the lines anew and moves nothing that runs"
_FRESH = "run `neuron-ecs place --fresh`, which shows a layout that moves models"


def _line(pool: RegionalPool, name: str, line: Line | None = None) -> str:
    """The path of a line, or of all lines of a model."""
    path = f"layout.{pool.region}.{pool.name}.{name}"
    return f"{path}.{line.number}" if line else path


@once
def _kept(s: Situation) -> Iterator[tuple[RegionalPool, Keeping]]:
    """The pools with lines, whose devices are legal."""
    for pool in s.pools.values():
        if pool.name in s.settings.layout.get(pool.region, {}) and s.legal_everywhere(pool):
            yield pool, s.keeping(pool)


@rule(
    "NE244",
    "Line of the layout is of no service",
    Severity.WARNING,
    "The layout keeps the services of models on their devices. This line keeps nothing.",
    do="Run `neuron-ecs place`, which removes the line, or remove it.",
)
def line_without_a_service(s: Situation) -> Iterator[Report]:
    """The stack file alone decides."""
    for region, pools in sorted(s.settings.layout.items()):
        if region not in s.settings.regions:
            yield _unused(f"layout.{region}", "is no Region of the stack")
            continue
        for name, models in sorted(pools.items()):
            pool = s.pools.get((region, name))
            if pool is None:
                yield _unused(f"layout.{region}.{name}", f"is no pool in {region}")
                continue
            works = {w.name: w for w in s.work_on(pool)}
            for model in sorted(models.keys() - s.unserved_models):
                if reason := _no_lines(works.get(model), pool):
                    yield _unused(_line(pool, model), reason)


def _unused(path: str, what: str) -> Report:
    return Report(path, what, "remove it, or run `neuron-ecs place`")


def _no_lines(work: RegionalWorkload | None, pool: RegionalPool) -> str:
    """Why nothing of a workload follows the layout; empty if something does."""
    if work is None:
        return f"is no model on the pool {pool.name} in {pool.region}"
    if work.is_job:
        return "is a job: it takes devices when it starts, and has no service"
    if work.ids is not None:
        return f"has its devices from {work.path}.neuron_devices, which is {ids(work.ids)}"
    if work.managed_devices or pool.type is None:
        return "gets its devices from ECS"
    return "" if work.device_count else "takes no devices"


@rule(
    "NE245",
    "Line of the layout does not fit its model",
    Severity.WARNING,
    "A line stays if its devices are a legal set of the size of a task, and if the model has the "
    "replicas. The service of any other line is laid anew, and an update moves it.",
    do="Run `neuron-ecs place`, which writes the devices that the service gets.",
)
def line_does_not_fit(s: Situation) -> Iterator[Report]:
    """The stack file alone decides."""
    for pool, keeping in _kept(s):
        works = {w.name: w for w in s.work_on(pool)}
        for name, lines in keeping.lines.items():
            kept = {x.number: x for x in keeping.kept.get(name, ())}
            apart = [x for x in lines if not any(_met(x, y) for y in lines if y.number < x.number)]
            for line in apart:
                work, stays = works[name], kept.get(line.number)
                size = len(line.devices)
                if stays is not None and (stays.tasks >= line.tasks or work.host_ports):
                    continue
                if size != work.device_count:
                    what = f"a task of {work.path} takes {counted(work.device_count, 'device')}"
                elif line.devices not in keeping.legal:
                    kind = pool.type.name if pool.type else ""
                    what = f"they are no legal set of {kind}"
                else:
                    replicas = counted(work.slot_tasks, "replica")
                    what = f"{work.path} has {replicas}, fewer than its lines"
                yield Report(_line(pool, name, line), f"is {ids(line.devices)}; {what}", _PLACE)


def _met(first: Line, second: Line) -> bool:
    return not set(first.devices).isdisjoint(second.devices)


@rule(
    "NE246",
    "Lines of the layout meet on a device",
    Severity.ERROR,
    "Only one task at a time can use a Neuron device, so two services on it need two instances. "
    "Two changes that were merged can both have taken devices that were free before.",
    do="Run `neuron-ecs place --base REVISION`, which keeps what that revision has.",
)
def lines_meet(s: Situation) -> Iterator[Report]:
    """Only one task per chip
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html)."""
    fix = "run `neuron-ecs place --base main`, which keeps what main has and lays out the rest"
    for pool, keeping in _kept(s):
        for name, lines in keeping.lines.items():
            for first, second in combinations(lines, 2):
                if _met(first, second):
                    what = f"is {ids(second.devices)}, of which line {first.number} has "
                    both = sorted({*first.devices} & {*second.devices})
                    yield Report(_line(pool, name, second), what + ids(both), fix)
        for (name, one), (other, two) in _contended(keeping):
            both = ids(sorted({*one.devices} & {*two.devices}))
            yield Report(
                _line(pool, other, two),
                f"is {ids(two.devices)}; {both} is of {name} as well, and the pool {pool.name} "
                f"has no room for that{_at_most(pool)}",
                fix,
            )


def _contended(keeping: Keeping) -> Iterator[tuple[tuple[str, Line], tuple[str, Line]]]:
    """Lines of two models on one device, in a pool that has room without those of the second."""
    lines = [(name, x) for name, lines in sorted(keeping.kept.items()) for x in lines]
    for first, second in combinations(lines if keeping.crowded else (), 2):
        (name, one), (other, two) = first, second
        if name != other and _met(one, two) and not keeping.without(other).crowded:
            yield first, second


def _at_most(pool: RegionalPool) -> str:
    return f" on {counted(pool.max_size, 'instance')}" if pool.max_size is not None else ""


@rule(
    "NE247",
    "Models fit the pool only if some of them move",
    Severity.ERROR,
    "Only one task at a time can use a Neuron device. The layout keeps models where they are, and "
    "what is left between them is too small for the others.",
    do="Raise max_size, or run `neuron-ecs place --fresh`, which moves models.",
)
def layout_leaves_no_room(s: Situation) -> Iterator[Report]:
    """Only one task per chip
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html)."""
    for pool, keeping in _kept(s):
        if not keeping.crowded or any(_contended(keeping)):
            continue
        cut, fresh = keeping.around, keeping.fresh
        yield Report(
            f"layout.{pool.region}.{pool.name}",
            f"keeps {listed(keeping.kept)} where they are. So the pool "
            + (f"needs {counted(cut.fewest, 'instance')}" if cut else "has too few free devices")
            + f"; a fresh layout needs {fresh.fewest if fresh else 0}"
            + (f", and its max_size is {pool.max_size}" if pool.max_size is not None else ""),
            (f"write {size_path(s, pool)}: {cut.instances}; or " if cut else "") + _FRESH,
        )


@rule(
    "NE248",
    "Model has no line in the layout",
    Severity.WARNING,
    "Where the stack file has a layout, an edit moves no model with a line. A model without one is "
    "laid around the others, and the next edit can move it.",
    do="Run `neuron-ecs place`, which writes the line that is missing.",
)
def model_without_a_line(s: Situation) -> Iterator[Report]:
    """The stack file alone decides."""
    for work in s.work if s.settings.layout else ():
        pool = work.pool
        if _no_lines(work, pool) or s.cut(pool) is None:
            continue
        written = sum(line.tasks for line in s.lines(work))
        if not written:
            yield Report(work.path, f"has no line in layout.{pool.region}.{pool.name}", _PLACE)
        elif written < work.slot_tasks and not work.host_ports:
            missing = counted(work.slot_tasks - written, "replica")
            what = f"has {work.slot_tasks} replicas; {missing} of them are in no line of "
            yield Report(work.path, f"{what}{_line(pool, work.name)}", _PLACE)


@rule(
    "NE249",
    "Fresh layout needs fewer instances",
    Severity.NOTE,
    "Models that stay where they are leave gaps between them when others go.",
    do="Run `neuron-ecs place --fresh` when the models may move.",
    table="prices",
)
def fresh_layout_saves(s: Situation) -> Iterator[Report]:
    """Only one task per chip
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html)."""
    for pool, keeping in _kept(s):
        cut, fresh = keeping.around, keeping.fresh
        if keeping.crowded or cut is None or fresh is None or cut.instances <= fresh.instances:
            continue
        assert pool.type is not None
        saved = cut.instances - fresh.instances
        rate = hourly_rate(pool.type.name, pool.region, pool.purchase, s.catalog)
        price = f", which saves {dollars(rate.high * HOURS * saved)} a month" if rate else ""
        yield Report(
            f"layout.{pool.region}.{pool.name}",
            f"needs {counted(cut.instances, 'instance')} of {pool.type.name} at most; a fresh "
            f"layout needs {fresh.instances}{price}",
            _FRESH,
        )


@rule(
    "NE250",
    "Replicas are too few to spread",
    Severity.WARNING,
    "Only replicas that always run are certain to be on two instances.",
    do="Write a minimum of 2, or leave spread out.",
)
def too_few_to_spread(s: Situation) -> Iterator[Report]:
    """The stack file alone decides."""
    for path, _, replicas in written_replicas(s):
        if replicas.spread is not None and replicas.min < 2:
            what = f"is {replicas.spread}; with a minimum of {replicas.min} nothing spreads"
            yield Report(f"{path}.spread", what, "leave it out")


@rule(
    "NE251",
    "Replicas that spread are in one zone",
    Severity.NOTE,
    "All instances of a pool with one zone end with that zone.",
    do="Give the pool a second zone, or move the model to one that has it.",
    table="offerings",
)
def spread_in_one_zone(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-strategies.html"""
    for work in s.work:
        pool = work.pool
        if work.replicas.apart and len(pool.zone_ids) == 1:
            offered = s.catalog.places.zones_offering(pool.types[0].name, work.region)
            more = [(*pool.spec.zone_ids, z) for z in offered if z not in pool.zone_ids]
            more = [
                z for z in more if pool.spec.zone_ids and s.passes({f"{pool.path}.zone_ids": z})
            ]
            yield Report(
                f"{work.path}.replicas",
                f"spreads over instances; the pool {pool.name} has {pool.zone_ids[0]} alone in "
                f"{work.region}",
                "make sure that one zone suffices"
                + (f", or write {pool.path}.zone_ids: {flow([*more[0]])}" if more else ""),
            )


RULES = (
    line_without_a_service,
    line_does_not_fit,
    lines_meet,
    layout_leaves_no_room,
    model_without_a_line,
    fresh_layout_saves,
    too_few_to_spread,
    spread_in_one_zone,
)
