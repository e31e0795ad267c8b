"""The difference as JSON, in the form of `neuron_ecs.diff.json_form`."""

from collections.abc import Sequence
from typing import cast

from config.changes import Change
from messages.finding import Finding, as_objects
from neuron_ecs.diff import json_form as form
from neuron_ecs.diff.costs import setting_classes
from neuron_ecs.diff.difference import Difference, Findings
from neuron_ecs.diff.impact import Impact, PoolChange
from neuron_ecs.diff.plans import (
    PlanIndex,
    images,
    max_size,
)
from neuron_ecs.diff.price import Line, Price
from neuron_ecs.diff.refusals import Refusal
from neuron_ecs.diff.resources import PropertyChange, ResourceChange
from neuron_ecs.diff.sides import Side
from neuron_ecs.diff.structure import ABSENT, ValueChange, dotted, safe
from neuron_ecs.diff.summary import verdict
from neuron_ecs.diff.workloads import ModelChange
from neuron_ecs.recording.graph import UNKNOWN
from planning.document import Json
from planning.interruptions import document as rollout_document
from planning.plan import ModelPlan, Pool
from planning.price import FREE, Amount, PoolCost, amount_document, cost_document


def document(difference: Difference) -> form.Document:
    """The whole difference; what looks like a credential is hidden."""
    found: form.Document = {
        "version": form.VERSION,
        "project": difference.project,
        "stack": difference.stack,
        "verdict": verdict(difference),
        "changed": difference.changed,
        "failed": difference.failed,
        "base": _side(difference.base),
        "head": _side(difference.head),
        "plan_only": difference.plan_only or None,
        "regions_not_registered": list(difference.skipped),
        "workloads_not_registered": [f"{region}/{name}" for region, name in difference.left_out],
        "notes": list(difference.notes),
        "settings": [_setting(d, change) for d, change in setting_classes(difference)],
        "models": [_workload(difference, c) for c in difference.models],
        "jobs": [_workload(difference, c) for c in difference.jobs],
        "pools": [_pool_change(c) for c in difference.pools],
        "hold": _pins(difference),
        "refusals": [_refusal(r) for r in difference.refusals],
        "ways": [_refusal(r) for r in difference.ways],
        "resources": None
        if difference.resources is None
        else [_resource(r) for r in difference.resources],
        "price": _price(difference.price) if difference.price else None,
        "findings": _findings(difference.findings),
        "rollouts": [
            cast("form.Rollout", rollout_document(impact.rollout))
            for impact in difference.impacts.values()
            if impact.rollout
        ],
    }
    return safe(cast(Json, found))


def not_compared(stack: str, why: str) -> form.Document:
    """The form of a difference that cannot be found."""
    side: form.Side = {"label": "", "commit": None, "planned": False, "no_graph": why}
    return {
        "version": form.VERSION,
        "project": "",
        "stack": stack,
        "verdict": why,
        "changed": True,
        "failed": True,
        "base": side,
        "head": side,
        "plan_only": why,
        "regions_not_registered": [],
        "workloads_not_registered": [],
        "notes": [],
        "settings": [],
        "models": [],
        "jobs": [],
        "pools": [],
        "hold": None,
        "refusals": [],
        "ways": [],
        "resources": None,
        "price": None,
        "findings": _findings(Findings()),
        "rollouts": [],
    }


def _side(side: Side) -> form.Side:
    return {
        "label": side.label,
        "commit": side.commit or None,
        "planned": side.plan is not None,
        "no_graph": side.no_graph or None,
    }


def _setting(found: ValueChange, change: Change | None) -> form.Setting:
    written: form.Setting = {"path": dotted(found.path), "change": change and str(change)}
    _stands(written, found.before, found.after)
    return written


def _stands(written: form.Setting | form.Property, before: Json, after: Json) -> None:
    """What is absent has no key."""
    if before is not ABSENT:
        written["before"] = before
    if after is not ABSENT:
        written["after"] = after


def _workload(difference: Difference, change: ModelChange) -> form.Workload:
    impact = difference.impacts.get((change.region, change.name)) if not change.is_job else None
    return {
        "region": change.region,
        "name": change.name,
        "kinds": list(change.kinds),
        "told": list(change.lines),
        "touched": change.touched,
        "before": _model(difference.before, change.region, change.before),
        "after": _model(difference.after, change.region, change.after),
        "impact": _impact(impact) if impact else None,
    }


def _impact(impact: Impact) -> form.Impact:
    return {
        "word": impact.word,
        "text": impact.text,
        "gap": {"least": impact.gap.least, "most": impact.gap.most} if impact.gap else None,
        "extra_instances": impact.extra_instances,
        "doubled": impact.doubled,
    }


def _model(index: PlanIndex, region: str, model: ModelPlan | None) -> form.ModelSide | None:
    if model is None:
        return None
    return {
        "pool": index.pool_name(region, model),
        "replicas": {"min": model.replicas_min, "max": model.replicas_max},
        "images": list(images(model)),
        "services": [
            {
                "key": s.key,
                "devices": "all"
                if s.task_definition.devices == "all"
                else list(s.task_definition.devices),
                "tasks": {"min": s.desired_count, "max": s.tasks_max},
            }
            for s in model.services
        ],
    }


def _pool_change(change: PoolChange) -> form.Pool:
    return {
        "region": change.region,
        "name": change.name,
        "told": list(change.lines),
        "impact": change.impact or None,
        "before": _pool(change.before),
        "after": _pool(change.after),
    }


def _pool(pool: Pool | None) -> form.PoolSide | None:
    if pool is None:
        return None
    least, most = pool.layout.instances
    return {
        "kind": "auto_scaling" if pool.kind == "auto_scaling" else "managed_instances",
        "instance_types": list(pool.instance_types),
        "purchase": pool.purchase.kind,
        "max_size": max_size(pool),
        "devices": pool.layout.devices,
        "instances": {"min": least, "max": most},
        "retired": pool.retired,
        "layout": [
            {
                "workload": taken.workload,
                "job": taken.is_job,
                "devices": list(taken.devices),
                "tasks": {"min": taken.tasks_min, "max": taken.tasks_max},
            }
            for taken in (*pool.layout.assignments, *pool.layout.jobs)
        ],
    }


def _pins(difference: Difference) -> form.PinnedDevices | None:
    if not difference.disturbed:
        return None
    found = difference.pins
    return {
        "models": [f"{c.region}/{c.name}" for c in difference.disturbed],
        "neuron_devices": {m: list(d) for m, d in found.ids.items()} if found else {},
        "layout": found.layout if found else {},
        "works": found.works if found else False,
        "why_not": (found.why_not if found else "the stack file cannot be read") or None,
    }


def _refusal(found: Refusal) -> form.Refusal:
    return {
        "code": found.code,
        "region": found.regions[0],
        "regions": list(found.regions),
        "path": found.path,
        "what": found.what,
        "why": found.why,
        "steps": list(found.steps),
    }


def _resource(change: ResourceChange) -> form.Resource:
    written: form.Resource = {
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
        written["inputs"] = change.after["inputs"]
    if change.action == "delete":
        written["inputs"] = change.before["inputs"]
    return written


def _property(change: PropertyChange) -> form.Property:
    written: form.Property = {
        "path": list(change.path),
        "effect": change.effect,
        "source": change.source or None,
        "follows": change.follows or None,
    }
    if change.follows:
        written["after"] = dict(UNKNOWN)
    else:
        _stands(written, change.before, change.after)
    return written


def _price(found: Price) -> form.Price:
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


def _line(line: Line) -> form.Line:
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


def _cost(cost: PoolCost | None) -> form.Cost | None:
    return cast("form.Cost", cost_document(cost)) if cost else None


def _amount(amount: Amount) -> form.Amount:
    return cast("form.Amount", amount_document(amount))


def _findings(found: Findings) -> form.Findings:
    return {
        "new": _page(found.new),
        "gone": _page(found.gone),
        "still": _page(found.still),
        "not_judged": _page(found.not_judged),
        "totals": {
            "new": len(found.new),
            "gone": len(found.gone),
            "still": len(found.still),
            "not_judged": len(found.not_judged),
        },
    }


def _page(found: Sequence[Finding]) -> list[form.Finding]:
    return cast("list[form.Finding]", as_objects(found))
