"""Finds lines of `layout`, and explicit ids, that keep models on the devices that they have."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import catalog
from messages.finding import Refused
from messages.phrases import flow, ids, listed
from neuron_ecs.diff.plans import PlanIndex, device_sets, devices_each
from neuron_ecs.diff.workloads import ModelChange, Touched, disturbed, model_changes
from neuron_ecs.stackfile.placing import kept_layout, named_devices, with_layout
from neuron_ecs.stackfile.reading import StackFile
from planning.lines import Layout, layout_of

Replan = Callable[[Mapping[str, str]], PlanIndex | None]
"""The plan of other texts of a stack file; None where it is refused."""


@dataclass(frozen=True, slots=True)
class PinnedDevices:
    """Explicit device ids that keep models where they are; `works` if the head was planned so."""

    ids: Mapping[str, tuple[int, ...]]  # by model
    works: bool
    why_not: str = ""
    layout: Layout = field(default_factory=Layout)  # keeps them too; empty if nothing does

    @property
    def lines(self) -> tuple[str, ...]:
        """The settings: a line of `layout` for each pool, or one for each model."""
        if self.layout:
            return tuple(
                f"layout.{region}.{pool}: {flow(models)}"
                for region, pools in self.layout.items()
                for pool, models in pools.items()
            )
        return tuple(f"models.{m}.neuron_devices: {ids(d)}" for m, d in sorted(self.ids.items()))


def place_models(
    moved: Sequence[ModelChange],
    base: PlanIndex,
    file: StackFile,
    before: Mapping[str, str] | None,
) -> Layout:
    """The layout of the head with which the models stay; empty if there is none."""
    named = named_devices(before or {}, file.project)
    try:
        layout = kept_layout(file, layout_of(base.plan, named), catalog.load())
        placed = with_layout(file, layout)
        planned = PlanIndex(placed.plan(catalog.load()))
    except Refused:
        return {}
    names = {c.name for c in moved}
    changes = model_changes(base, planned, before, placed.config)
    return {} if any(c.name in names for c in disturbed(changes)) else layout


def pin_devices(
    moved: Sequence[ModelChange],
    base: PlanIndex,
    head: PlanIndex,
    config: Mapping[str, str],
    replan: Replan,
    before: Mapping[str, str] | None,
    legal: Callable[[str, int], Sequence[tuple[int, ...]]],
) -> PinnedDevices | None:
    """Ids that keep every disturbed model where it is, tried by planning the head with them.

    First for the moved models alone, then for every untouched model of their pools, then for one of
    those that were touched: a model on several slots cannot name them, but another can keep clear
    of them, with the untouched ones pinned or not.
    `legal` are the device sets of an instance type that have so many devices.
    """
    if not moved:
        return None
    pools = {(c.region, base.pool_name(c.region, c.before)) for c in moved if c.before}
    pooled = {
        name
        for (region, name), m in base.models.items()
        if (region, base.pool_name(region, m)) in pools
    }
    touched = Touched(before, config)
    calm = {name for name in pooled if not touched.entry("models", name)}

    def works(pins: Mapping[str, tuple[int, ...]]) -> bool:
        planned = replan(_pinned(config, pins)) if pins else None
        if planned is None or _instances(planned) > _instances(head):
            return False
        changes = model_changes(base, planned, before, config)
        return not disturbed([c for c in changes if c.name in calm])

    for names in ({c.name for c in moved}, calm):
        pins = {name: where for name in sorted(names) if (where := _only_set(base, name))}
        if works(pins):
            return PinnedDevices(pins, works=True)
    pins = {name: where for name in sorted(calm) if (where := _only_set(base, name))}
    for name, where in _clear(pools, head, calm, legal):
        for pinned in ({name: where}, {**pins, name: where}):
            if works(pinned):
                return PinnedDevices(pinned, works=True)
    several = sorted({c.name for c in moved if _only_set(base, c.name) is None})
    why = (
        f"{listed(several)} {'has' if len(several) == 1 else 'have'} several slots, or others in "
        "other Regions, and an entry names one; no place for what changed keeps clear of them"
        if several
        else "planned with them, the stack is refused, needs more instances, or something moves"
    )
    return PinnedDevices({}, works=False, why_not=why)


_TRIES = 16


def _clear(
    pools: set[tuple[str, str]],
    head: PlanIndex,
    calm: set[str],
    legal: Callable[[str, int], Sequence[tuple[int, ...]]],
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Places for the touched models of the pools, each alone; the last devices first."""
    left = _TRIES
    for key, model in sorted(head.models.items()):
        where = (key[0], head.pool_name(key[0], model))
        number = devices_each(model)
        if where not in pools or model.name in calm or number == "all":
            continue
        for devices in reversed(legal(head.pools[where].instance_types[0], number)):
            if left:
                left -= 1
                yield model.name, devices


def _instances(index: PlanIndex) -> tuple[int, int]:
    sizes = [pool.layout.instances for pool in index.pools.values()]
    return sum(most for _, most in sizes), sum(least for least, _ in sizes)


def _only_set(base: PlanIndex, name: str) -> tuple[int, ...] | None:
    """The devices of the model where it has the same single slot in every Region."""
    found = {device_sets(m) for m in base.models.values() if m.name == name}
    if len(found) != 1:
        return None
    (where,) = found
    return where[0] if len(where) == 1 and where[0] and where[0] != "all" else None


def _pinned(config: Mapping[str, str], pins: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    texts = dict(config)
    for full, text in config.items():
        if full.endswith(":models"):
            models = json.loads(text)
            for name, devices in pins.items():
                models[name] = {**models[name], "neuron_devices": list(devices)}
            texts[full] = json.dumps(models)
    return texts
