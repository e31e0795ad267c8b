"""A recorded graph as the JSON of a Terraform plan, which checkov reads.

checkov names an input as Terraform's provider does, has each block as a list, and finds what one
resource means to another by the references of `configuration`.
https://developer.hashicorp.com/terraform/internals/json-format
"""

import re
from collections.abc import Mapping
from typing import Any, cast

from neuron_ecs.recording.graph import Recording, Resource

# Where Terraform's name is not Pulumi's module and class in snake case.
BARE = {"ec2", "lb", "vpc"}  # modules whose types stand in Terraform without them
NAMES = {
    "aws_load_balancer": "aws_lb",
    "aws_listener": "aws_lb_listener",
    "aws_listener_rule": "aws_lb_listener_rule",
    "aws_target_group": "aws_lb_target_group",
    "aws_security_group_egress_rule": "aws_vpc_security_group_egress_rule",
    "aws_security_group_ingress_rule": "aws_vpc_security_group_ingress_rule",
}
# Lists of blocks, which Pulumi names in the plural.
BLOCKS = {
    "actions": "action",
    "capacity_provider_strategies": "capacity_provider_strategy",
    "conditions": "condition",
    "default_actions": "default_action",
    "load_balancers": "load_balancer",
    "ordered_placement_strategies": "ordered_placement_strategy",
    "settings": "setting",
    "transforms": "transform",
    "volumes": "volume",
    "vpc_zone_identifiers": "vpc_zone_identifier",
}
MAPS = {"tags"}
OF_GROUPS = "aws_autoscaling_group"  # its tags are blocks


def plan(recording: Recording) -> dict[str, Any]:
    """Returns the plan that would create all resources of the recording."""
    found = [r for r in recording.resources if r.type.startswith("aws:")]
    by_urn = {r.urn: r for r in found}
    values = [_resource(r) for r in found]
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": values}},
        "resource_changes": [
            {
                **{k: v for k, v in value.items() if k != "values"},
                "change": {
                    "actions": ["create"],
                    "before": None,
                    "after": value["values"],
                    "after_unknown": {},
                },
            }
            for value in values
        ],
        "configuration": {"root_module": {"resources": [_referring(r, by_urn) for r in found]}},
    }


def terraform_type(token: str) -> str:
    """Returns `aws_lb` for `aws:lb/loadBalancer:LoadBalancer`."""
    module, _, name = token.removeprefix("aws:").partition("/")
    inside = _snake(name.partition(":")[2])
    found = f"aws_{inside}" if module in BARE else f"aws_{module}_{inside}"
    return NAMES.get(found, found)


def address(resource: Resource) -> str:
    """Returns the address of a resource: type and name, which Terraform spells without dots."""
    return f"{terraform_type(resource.type)}.{_name(resource)}"


def _name(resource: Resource) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", resource.name)


def _resource(resource: Resource) -> dict[str, Any]:
    type_ = terraform_type(resource.type)
    return {
        "address": address(resource),
        "mode": "managed",
        "type": type_,
        "name": _name(resource),
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "schema_version": 0,
        "values": _block(resource.inputs, type_),
    }


def _block(given: Mapping[str, Any], type_: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in given.items():
        name = _snake(key)
        name = "tag" if (type_, name) == (OF_GROUPS, "tags") else BLOCKS.get(name, name)
        found[name] = value if name in MAPS else _value(value)
    return found


def _value(value: Any) -> Any:
    """A map is one block, in a list; texts and numbers stay."""
    if isinstance(value, Mapping):
        return [_block(cast("Mapping[str, Any]", value))]
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [_value(item)[0] if isinstance(item, Mapping) else item for item in items]
    return value


def _referring(resource: Resource, by_urn: Mapping[str, Resource]) -> dict[str, Any]:
    references = {
        _snake(key): {"references": [r for u in urns if u in by_urn for r in _named(by_urn[u])]}
        for key, urns in resource.property_dependencies.items()
        if any(u in by_urn for u in urns)
    }
    return {
        "address": address(resource),
        "mode": "managed",
        "type": terraform_type(resource.type),
        "name": _name(resource),
        "provider_config_key": "aws",
        "expressions": references,
    }


def _named(resource: Resource) -> list[str]:
    attribute = "arn" if resource.type.startswith(("aws:lb/", "aws:iam/")) else "id"
    return [f"{address(resource)}.{attribute}", address(resource)]


def _snake(text: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower()
