"""Which slots of a model run what, beside two plans of its stack."""

import json
from dataclasses import dataclass
from typing import Literal

from neuron_ecs.operations.compare import differences
from neuron_ecs.operations.observed import Observation, ObservedService, revision_of
from neuron_ecs.operations.reading import Reader
from neuron_ecs.operations.slots import chips_of
from neuron_ecs.operations.status import rollout_of
from neuron_ecs.operations.status_text import rollout_text
from planning import plan

Runs = Literal["both", "base", "head", "neither", "nothing", "unknown"]
"""Whose containers a slot has. `nothing` has no service, `unknown` could not be read."""

_WHOSE: dict[tuple[bool, bool], Runs] = {
    (True, True): "both",
    (True, False): "base",
    (False, True): "head",
    (False, False): "neither",
}
"""By whether a slot has the containers of BASE, and of HEAD."""

Update = Literal["none", "deploy", "remove", "create", "unknown"]
"""What an update to HEAD does to a slot, once the engine has read the account."""


@dataclass(frozen=True, slots=True)
class DeployedSlot:
    """The service of a model on one set of devices."""

    chips: str
    service: str  # empty if there is none
    revision: str
    image: str
    deployment: str
    runs: Runs
    update: Update


@dataclass(frozen=True, slots=True)
class DeployedModel:
    """A model in a Region whose slots do not all run BASE, and nothing else."""

    region: str
    name: str
    what: str
    slots: tuple[DeployedSlot, ...]


def read_deployed(
    reader: Reader, base: plan.RegionPlan | None, head: plan.RegionPlan | None
) -> tuple[list[DeployedModel], list[str]]:
    """Returns the models of the reader's Region, which is that of `base`, or of `head` without it,
    whose slots do not all run it, and what could not be read."""
    observed = reader.with_definitions()
    there = observed.by_service_key(reader.names)
    after = {s.key: s for m in head.models for s in m.services} if head else {}
    found: list[DeployedModel] = []
    for model in reader.region.models:
        before = {s.key: s for s in model.services} if base else {}
        slots = [
            _slot(s, before.get(s.key), after.get(s.key), there.get(s.key), observed)
            for s in model.services
        ]
        what = _what(slots, base is not None)
        if what:
            found.append(DeployedModel(reader.region.name, model.name, what, tuple(slots)))
    return found, list(map(str, observed.failed_calls))


def _slot(
    service: plan.Service,
    before: plan.Service | None,
    after: plan.Service | None,
    one: ObservedService | None,
    observed: Observation,
) -> DeployedSlot:
    chips = chips_of(service)
    if one is None:
        return DeployedSlot(chips, "", "", "", "", "nothing", "create" if after else "none")
    containers = observed.containers.get(one.task_definition)
    runs: Runs = "unknown"
    if containers is not None:
        running = [dict(c) for c in containers]
        runs = _WHOSE[_has(before, running), _has(after, running)]
    image = next(
        (str(c["image"]) for c in containers or () if c["name"] == service.container_name), ""
    )
    return DeployedSlot(
        chips,
        one.name,
        revision_of(one.task_definition),
        image,
        rollout_text(rollout_of(one)),
        runs,
        _update(runs, after),
    )


def _update(runs: Runs, after: plan.Service | None) -> Update:
    if runs == "unknown":
        return "unknown"
    if after is None:
        return "remove"
    return "none" if runs in ("both", "head") else "deploy"


def _has(service: plan.Service | None, running: list[dict[str, object]]) -> bool:
    if service is None:
        return False
    planned = json.loads(service.task_definition.container_definitions)
    return next(differences(planned, running, ""), None) is None


def _what(slots: list[DeployedSlot], has_base: bool) -> str:
    """What is uneven, in words; empty where all slots run BASE and no deployment is open."""
    whole = ("both", "base") if has_base else ("head",)
    images = {s.image for s in slots if s.image}
    if len(images) > 1:
        return "its slots run different images"
    if len({s.runs for s in slots}) > 1:
        return "its slots run different revisions"
    if slots and slots[0].runs not in whole:
        return {
            "head": "it runs HEAD",
            "neither": "it runs neither BASE nor HEAD" if has_base else "it does not run HEAD",
            "nothing": "it has no service",
        }.get(slots[0].runs, "what it runs could not be read")
    if any(s.deployment != "complete" for s in slots):
        return "a deployment is open"
    return ""
