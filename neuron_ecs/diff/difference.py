"""The difference between two sides in every respect: models, resources, price and findings."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import catalog
from catalog import Catalog
from messages.finding import Finding, Severity
from neuron_ecs.diff import impact, price, refusals, ways
from neuron_ecs.diff.impact import Impact, PoolChange
from neuron_ecs.diff.pinning import PinnedDevices, Replan, pin_devices, place_models
from neuron_ecs.diff.plans import EMPTY, PlanIndex
from neuron_ecs.diff.price import Price
from neuron_ecs.diff.refusals import Refusal
from neuron_ecs.diff.resources import ResourceChange, compare
from neuron_ecs.diff.sides import Side, Sides
from neuron_ecs.diff.structure import ValueChange, differences
from neuron_ecs.diff.workloads import ModelChange, disturbed, job_changes, model_changes
from neuron_ecs.stackfile.reading import StackFile
from planning import Refused, decide
from planning.document import Json


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of both sides, told apart by code and path."""

    new: tuple[Finding, ...] = ()
    gone: tuple[Finding, ...] = ()
    still: tuple[Finding, ...] = ()
    not_judged: tuple[Finding, ...] = ()  # of the base; the head's errors ended its planning


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that changes from the base to the head."""

    project: str
    stack: str
    base: Side
    head: Side
    skipped: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    settings: tuple[ValueChange, ...]
    resources: tuple[ResourceChange, ...] | None  # None: plan only
    models: tuple[ModelChange, ...]
    jobs: tuple[ModelChange, ...]
    pools: tuple[PoolChange, ...]
    impacts: Mapping[tuple[str, str], Impact]
    disturbed: tuple[ModelChange, ...]
    pins: PinnedDevices | None
    refusals: tuple[Refusal, ...]
    ways: tuple[Refusal, ...]  # instead of what would interrupt a model
    price: Price | None
    findings: Findings
    before: PlanIndex
    after: PlanIndex

    @property
    def plan_only(self) -> str:
        """Why there are no resources, where there are none."""
        reasons = [
            f"{word}: {side.no_graph}"
            for word, side in (("base", self.base), ("head", self.head))
            if side.no_graph
        ]
        return "; ".join(reasons)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The errors of the head."""
        return tuple(f for f in self.head.findings if f.severity is Severity.ERROR)

    @property
    def unread(self) -> bool:
        """Whether the head has no plan and no finding that says why, or a program that fails."""
        return (self.head.plan is None and not self.errors) or self.head.broken

    @property
    def real(self) -> tuple[ResourceChange, ...]:
        """The resources that AWS would see a call for."""
        return tuple(
            r
            for r in self.resources or ()
            if not r.component and (r.action != "engine_only" or r.renamed)
        )

    @property
    def changed(self) -> bool:
        """Whether anything differs that someone could notice."""
        return bool(
            self.settings
            or self.resources
            or self.models
            or self.jobs
            or self.pools
            or self.findings.new
            or self.findings.gone
        )

    @property
    def failed(self) -> bool:
        """Whether the head cannot be built, or not in one update."""
        return bool(self.errors or self.refusals or self.unread)


def put_together(sides: Sides, known: Catalog | None = None) -> Difference:
    """Compares both sides in every respect."""
    known = known or catalog.load()
    base_side, head_side = sides.base, sides.head
    before, after = (PlanIndex(s.plan) if s.plan else EMPTY for s in (base_side, head_side))
    comparable = base_side.plan is not None and head_side.plan is not None
    base_config, head_config = base_side.config, head_side.config
    resources = None
    if base_side.graph is not None and head_side.graph is not None:
        resources = compare(
            base_side.graph,
            head_side.graph,
            known,
            project=sides.project,
            stack=head_side.stack or base_side.stack,
        )
    models = model_changes(before, after, base_config, head_config) if comparable else ()
    moved = disturbed(models)
    impacts: Mapping[tuple[str, str], Impact] = {}
    if comparable:
        impacts = impact.impacts(models, resources, before, after, known)
    return Difference(
        project=sides.project,
        stack=head_side.stack or base_side.stack,
        base=base_side,
        head=head_side,
        skipped=sides.skipped,
        left_out=sides.left_out,
        notes=sides.notes,
        settings=tuple(_settings(base_config, head_config)),
        resources=resources,
        models=models,
        jobs=job_changes(before, after) if comparable else (),
        pools=impact.pool_changes(before, after) if comparable else (),
        impacts=impacts,
        disturbed=moved,
        pins=_pins(moved, before, after, head_side, base_config, sides.project),
        refusals=refusals.refusals(before, after, head_config) if comparable else (),
        ways=ways.ways(before, after, impacts) if comparable else (),
        price=price.price(before.plan, after.plan, known) if comparable else None,
        findings=_findings(base_side, head_side),
        before=before,
        after=after,
    )


def _pins(
    moved: Sequence[ModelChange],
    before: PlanIndex,
    after: PlanIndex,
    head: Side,
    base_config: Mapping[str, str] | None,
    project: str,
) -> PinnedDevices | None:
    if not moved or head.config is None:
        return None
    if head.foreign:
        return PinnedDevices({}, works=False, why_not="the head's program is not the one that runs")

    def replanned(texts: Mapping[str, str]) -> PlanIndex | None:
        try:
            return PlanIndex(decide(texts, catalog.load(), project=project, stack=head.stack))
        except Refused:
            return None

    replan: Replan = replanned
    found = pin_devices(moved, before, after, head.config, replan, base_config, _legal)
    file = StackFile(project, head.stack, Path(), dict(head.config))
    layout = place_models(moved, before, file, base_config)
    return replace(found, layout=layout) if found else None


def _legal(instance_type: str, size: int) -> Sequence[tuple[int, ...]]:
    sets = catalog.load().neuron.device_sets(instance_type)
    return [tuple(range(first, first + number)) for first, number in sets if number == size]


def _settings(
    before: Mapping[str, str] | None, after: Mapping[str, str] | None
) -> Sequence[ValueChange]:
    """What the stack file itself says otherwise, by path; nothing where one side has no file."""
    if before is None or after is None:
        return ()
    sides = [
        {key.rpartition(":")[2] if "aws:" not in key else key: _value(t) for key, t in c.items()}
        for c in (before, after)
    ]
    return tuple(differences(sides[0], sides[1]))


def _value(text: str) -> Json:
    if text[:1] in {"{", "["}:
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return text


def _findings(before: Side, after: Side) -> Findings:
    olds, news = (
        {(f.code, f.path, f.severity): f for f in side.findings} for side in (before, after)
    )
    missing = tuple(f for k, f in olds.items() if k not in news)
    return Findings(
        new=tuple(f for k, f in news.items() if k not in olds),
        gone=missing if after.plan else (),
        still=tuple(f for k, f in news.items() if k in olds),
        not_judged=() if after.plan else missing,
    )
