"""The plan as JSON."""

from collections.abc import Iterator
from typing import Any

from messages import finding
from planning import Plan, as_json

VERSION = 1


def document(plan: Plan) -> dict[str, object]:
    """The plan as JSON: its own types with their field names, and a version of this form."""
    data = as_json(plan)
    data["findings"] = [finding.as_object(f) for f in plan.findings]
    data["endpoints"] = [
        {"model": model, "region": region, "url": url} for model, region, url in urls(plan)
    ]
    return {"version": VERSION, **data}


def urls(plan: Plan) -> Iterator[tuple[str, str, str]]:
    for region in plan.regions:
        balancer = region.load_balancer
        for model in region.models:
            if balancer is not None and model.target_group is not None:
                scheme = "https" if balancer.certificate_arn else "http"
                host = f"<{balancer.name_key}>.{region.name}.elb.{region.dns_suffix}"
                yield model.name, region.name, f"{scheme}://{host}{model.target_group.path_prefix}"


Json = Any
"""A JSON value. Recursive aliases make every reader of an input narrow it at each level, which
hides the tables that read them; so the values of inputs are deliberately unchecked here."""
