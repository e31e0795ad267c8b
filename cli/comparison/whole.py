"""The whole difference between two sides, put together; and its form as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal
from typing import Any, cast

import catalog
from catalog import Catalog
from cli.comparison import impact, price, refusals
from cli.comparison.impact import Impact, PoolChange
from cli.comparison.models import (
    Hold,
    ModelChange,
    Replan,
    disturbed,
    hold,
    job_changes,
    model_changes,
)
from cli.comparison.plans import NOTHING, Model, Plan, Pool, UnreadableError, read_plan
from cli.comparison.price import FREE, Amount, Cost, Line, Price
from cli.comparison.refusals import Refusal
from cli.comparison.resources import PropertyChange, ResourceChange, compare
from cli.comparison.sides import Side, Sides
from cli.comparison.structure import ABSENT, Difference, differences, dotted
from cli.graph import Json
from cli.plan import document as plan_document
from config.credentials import HIDDEN, looks_like_credential
from planning import Refused, decide

VERSION = 1
"""Of the JSON; docs/diff.md describes it."""

Finding = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of both sides, told apart by code and path."""

    new: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    still: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything there is to say about the way from the base to the head."""

    project: str
    stack: str
    base: Side
    head: Side
    skipped: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    settings: tuple[Difference, ...]
    resources: tuple[ResourceChange, ...] | None  # None: plan only
    models: tuple[ModelChange, ...]
    jobs: tuple[ModelChange, ...]
    pools: tuple[PoolChange, ...]
    impacts: Mapping[tuple[str, str], Impact]
    disturbed: tuple[ModelChange, ...]
    hold: Hold | None
    refusals: tuple[Refusal, ...]
    price: Price | None
    findings: Findings
    before: Plan
    after: Plan

    @property
    def plan_only(self) -> str:
        """Why there are no resources, where there are none."""
        said = [
            f"{word}: {side.no_graph}"
            for word, side in (("base", self.base), ("head", self.head))
            if side.no_graph
        ]
        return "; ".join(said)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The errors of the head."""
        return tuple(f for f in self.head.findings if f["severity"] == "error")

    @property
    def unread(self) -> bool:
        """Whether the head has no plan and no finding that says why."""
        return self.head.plan is None and not self.errors

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


def put_together(sides: Sides, known: Catalog | None = None) -> Whole:
    """Compares both sides in every respect."""
    known = known or catalog.load()
    notes = list(sides.notes)
    base_side, before = _read(sides.base)
    head_side, after = _read(sides.head)
    told = before is not NOTHING or sides.base.plan is not None
    comparable = told and head_side.plan is not None
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
    return Whole(
        project=sides.project,
        stack=head_side.stack or base_side.stack,
        base=base_side,
        head=head_side,
        skipped=sides.skipped,
        left_out=sides.left_out,
        notes=tuple(notes),
        settings=tuple(_settings(base_config, head_config)),
        resources=resources,
        models=models,
        jobs=job_changes(before, after) if comparable else (),
        pools=impact.pool_changes(before, after) if comparable else (),
        impacts=impact.impacts(models, resources, before, after) if comparable else {},
        disturbed=moved,
        hold=_hold(moved, before, after, head_side, base_config, sides.project),
        refusals=refusals.refusals(before, after) if comparable else (),
        price=price.price(before, after, known) if comparable else None,
        findings=_findings(base_side.findings, head_side.findings),
        before=before,
        after=after,
    )


def _read(side: Side) -> tuple[Side, Plan]:
    try:
        return side, read_plan(side.plan)
    except UnreadableError as error:
        return replace(side, plan=None, graph=None, no_graph=str(error)), NOTHING


def _hold(
    moved: Sequence[ModelChange],
    before: Plan,
    after: Plan,
    head: Side,
    base_config: Mapping[str, str] | None,
    project: str,
) -> Hold | None:
    if not moved or head.config is None:
        return None
    if head.foreign:
        return Hold({}, works=False, why_not="the head's program is not the one that runs")

    def replanned(texts: Mapping[str, str]) -> Plan | None:
        try:
            plan = decide(texts, catalog.load(), project=project, stack=head.stack)
        except Refused:
            return None
        return read_plan(plan_document(plan))

    replan: Replan = replanned
    return hold(moved, before, after, head.config, replan, base_config, _legal)


def _legal(instance_type: str, size: int) -> Sequence[tuple[int, ...]]:
    sets = catalog.load().device_sets(instance_type)
    return [tuple(range(first, first + number)) for first, number in sets if number == size]


def _settings(
    before: Mapping[str, str] | None, after: Mapping[str, str] | None
) -> Sequence[Difference]:
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


def _findings(before: Sequence[Finding], after: Sequence[Finding]) -> Findings:
    olds, news = (
        {(f["code"], f["path"], f["severity"]): f for f in found} for found in (before, after)
    )
    return Findings(
        tuple(f for k, f in news.items() if k not in olds),
        tuple(f for k, f in olds.items() if k not in news),
        tuple(f for k, f in news.items() if k in olds),
    )


# ---- as JSON ---------------------------------------------------------------------------------


def document(whole: Whole, verdict: str) -> dict[str, Json]:
    """The difference as JSON (docs/diff.md); what looks like a credential is hidden."""
    found: dict[str, Json] = {
        "version": VERSION,
        "project": whole.project,
        "stack": whole.stack,
        "verdict": verdict,
        "changed": whole.changed,
        "failed": whole.failed,
        "base": _side(whole.base),
        "head": _side(whole.head),
        "plan_only": whole.plan_only or None,
        "regions_not_registered": list(whole.skipped),
        "workloads_not_registered": [f"{region}/{name}" for region, name in whole.left_out],
        "notes": list(whole.notes),
        "settings": [_difference(d) for d in whole.settings],
        "models": [_model_change(whole, c) for c in whole.models],
        "jobs": [_model_change(whole, c) for c in whole.jobs],
        "pools": [_pool_change(c) for c in whole.pools],
        "hold": _hold_json(whole),
        "refusals": [_plain(r) for r in whole.refusals],
        "resources": None if whole.resources is None else [_resource(r) for r in whole.resources],
        "price": _price(whole.price) if whole.price else None,
        "findings": {
            "new": list(whole.findings.new),
            "gone": list(whole.findings.gone),
            "still": list(whole.findings.still),
        },
    }
    return safe(found)


def safe(value: Json) -> Json:
    """The value without what looks like a credential, at any depth."""
    if isinstance(value, str):
        return HIDDEN if looks_like_credential(value) else value
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Json]", value)
        return {key: safe(member) for key, member in members.items()}
    if isinstance(value, (list, tuple)):
        return [safe(item) for item in cast("Sequence[Json]", value)]
    return value


def _side(side: Side) -> dict[str, Json]:
    return {
        "label": side.label,
        "commit": side.commit or None,
        "planned": side.plan is not None,
        "no_graph": side.no_graph or None,
    }


def _difference(found: Difference) -> dict[str, Json]:
    return {"path": dotted(found.path), **_values(found.before, found.after)}


def _values(before: Json, after: Json) -> dict[str, Json]:
    """What is absent has no key."""
    told: dict[str, Json] = {}
    if before is not ABSENT:
        told["before"] = before
    if after is not ABSENT:
        told["after"] = after
    return told


def _model_change(whole: Whole, change: ModelChange) -> dict[str, Json]:
    felt = whole.impacts.get((change.region, change.name)) if not change.is_job else None
    return {
        "region": change.region,
        "name": change.name,
        "kinds": list(change.kinds),
        "told": list(change.told),
        "touched": change.touched,
        "before": _model(change.before),
        "after": _model(change.after),
        "impact": _plain(felt) if felt else None,
    }


def _model(model: Model | None) -> Json:
    if model is None:
        return None
    return {
        "pool": model.pool,
        "replicas": {"min": model.least, "max": model.most},
        "images": list(model.images),
        "services": [
            {
                "key": s.key,
                "devices": s.devices if s.devices == "all" else list(s.devices),
                "tasks": {"min": s.desired, "max": s.most},
            }
            for s in model.services
        ],
    }


def _pool_change(change: PoolChange) -> dict[str, Json]:
    return {
        "region": change.region,
        "name": change.name,
        "told": list(change.told),
        "impact": change.impact or None,
        "before": _pool(change.before),
        "after": _pool(change.after),
    }


def _pool(pool: Pool | None) -> Json:
    if pool is None:
        return None
    return {
        "kind": pool.kind,
        "instance_types": list(pool.types),
        "purchase": pool.purchase,
        "max_size": pool.max_size,
        "devices": pool.devices,
        "instances": {"min": pool.instances_min, "max": pool.instances_max},
        "retired": pool.retired,
        "layout": [
            {
                "workload": seat.workload,
                "job": seat.is_job,
                "devices": list(seat.devices),
                "tasks": {"min": seat.least, "max": seat.most},
            }
            for seat in pool.seats
        ],
    }


def _hold_json(whole: Whole) -> Json:
    if not whole.disturbed:
        return None
    found = whole.hold
    return {
        "models": [f"{c.region}/{c.name}" for c in whole.disturbed],
        "neuron_devices": {m: list(d) for m, d in found.ids.items()} if found else {},
        "works": found.works if found else False,
        "why_not": (found.why_not if found else "the stack file cannot be read") or None,
    }


def _resource(change: ResourceChange) -> dict[str, Json]:
    told: dict[str, Json] = {
        "action": change.action,
        "urn": change.urn,
        "base_urn": change.base_urn if change.renamed else None,
        "type": change.type,
        "name": change.name,
        "region": change.region or None,
        "component": change.component,
        "properties": [_property(p) for p in change.properties],
    }
    if change.action == "create":
        told["inputs"] = change.after["inputs"]
    if change.action == "delete":
        told["inputs"] = change.before["inputs"]
    return told


def _property(change: PropertyChange) -> dict[str, Json]:
    values = _values(change.before, change.after)
    if change.follows:
        values = {"after": {"unknown": True}}
    return {
        "path": list(change.path),
        "effect": change.effect,
        "source": change.source or None,
        "follows": change.follows or None,
        **values,
    }


def _price(found: Price) -> dict[str, Json]:
    return {
        "currency": "USD",
        "hours": found.hours,
        "before": _amount(found.before),
        "after": _amount(found.after),
        "difference": _amount(found.difference),
        "by_region": [
            {"region": r, "before": _amount(b), "after": _amount(a)}
            for r, (b, a) in found.by_region().items()
        ],
        "by_model": [
            {"model": m if m != FREE else None, "before": _amount(b), "after": _amount(a)}
            for m, (b, a) in found.by_model().items()
        ],
        "lines": [_line(line) for line in found.lines],
        "not_included": list(found.not_included),
    }


def _line(line: Line) -> dict[str, Json]:
    return {
        "region": line.region,
        "pool": line.pool,
        "included": line.included,
        "why_not": line.why_not or None,
        "source": line.source or None,
        "date": line.date or None,
        "note": line.note or None,
        "before": _cost(line.before),
        "after": _cost(line.after),
    }


def _cost(cost: Cost | None) -> Json:
    if cost is None:
        return None
    return {
        "instance_type": cost.instance_type,
        "purchase": cost.purchase,
        "usd_per_hour": None if cost.rate is None else str(cost.rate),
        "instances": {"min": cost.instances_min, "max": cost.instances_max},
        "usd_per_month": _amount(cost.amount),
        "by_model": [
            {"model": m if m != FREE else None, "usd_per_month": _amount(a)}
            for m, a in sorted(cost.shares.items())
        ],
    }


def _amount(amount: Amount) -> dict[str, str]:
    return {"min": f"{amount.minimum:.2f}", "max": f"{amount.maximum:.2f}"}


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in cast("Sequence[object]", value)]
    return value
