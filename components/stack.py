"""The whole stack: the roles, every Region, and the stack's outputs."""

from collections.abc import Mapping
from typing import Any

import pulumi_aws as aws

from components import activation
from components.alarms import SlackChannel
from components.names import SharedCertificate
from components.region import RegionComponent
from components.roles import Roles
from planning import plan


def build(described: plan.Plan) -> dict[str, Any]:
    """Registers everything in the plan. Returns the stack's outputs by name.

    It exports nothing; the program does. The one look-up is the number of the account, which trust
    policies name.
    """
    account = aws.get_caller_identity_output().account_id
    roles = Roles("roles", described.roles, tags=described.tags, account=account)
    hooks = activation.hooks()
    shared = described.certificate and SharedCertificate(described.certificate, tags=described.tags)
    regions = {
        region.name: RegionComponent(
            region.name,
            region,
            tags=described.tags,
            roles=roles,
            wait_for_steady_state=described.wait_for_steady_state,
            hooks=hooks,
            certificate=shared.arns.get(region.name) if shared else None,
        )
        for region in described.regions
    }
    if described.slack is not None:
        topics = [region.topic_arn for region in regions.values()]
        SlackChannel(
            described.slack,
            topics=[arn for arn in topics if arn is not None],
            roles=roles,
            tags=described.tags,
        )
    outputs: dict[str, Any] = {
        "regions": {name: _names(region) for name, region in regions.items()},
        "urls": _by_workload(
            {
                name: {
                    called: url
                    for built in region.models.values()
                    for called, url in built.urls.items()
                }
                for name, region in regions.items()
            }
        ),
        "run_commands": _by_workload(
            {
                name: {job: built.run_command for job, built in region.jobs.items()}
                for name, region in regions.items()
            }
        ),
        "chips": {region.name: _chips(region) for region in described.regions},
    }
    models = [model for region in regions.values() for model in region.models.values()]
    over_all = {called: url for model in models for called, url in model.global_urls.items()}
    return outputs | ({"global_urls": over_all} if over_all else {})


def _names(region: RegionComponent) -> dict[str, Any]:
    """Physical names; for task definitions ARNs, which contain the revision."""
    return {
        "clusters": region.clusters,
        "capacity_providers": {key: c.provider for key, c in region.capacity.items()},
        "services": {
            key: service.name
            for built in (*region.models.values(), *region.daemons.values())
            for key, service in built.services.items()
        },
        "task_definitions": {
            key: definition.arn
            for built in (
                *region.models.values(),
                *region.jobs.values(),
                *region.daemons.values(),
            )
            for key, definition in built.task_definitions.items()
        },
    }


def _by_workload(by_region: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    turned: dict[str, dict[str, Any]] = {}
    for region, workloads in by_region.items():
        for workload, value in workloads.items():
            turned.setdefault(workload, {})[region] = value
    return turned


def _chips(region: plan.RegionPlan) -> dict[str, Any]:
    """Which workload uses which chip, by pool: plain data of the plan, known at preview."""
    chips: dict[str, Any] = {}
    for pool in region.pools:
        match pool:
            case plan.AutoScalingPool():
                instance_type = pool.instance_type
            case plan.ManagedInstancesPool():
                instance_type = ", ".join(pool.instance_types)
        layout = pool.layout
        used = {
            d for slot in layout.slots for a in slot.assignments if not a.is_job for d in a.devices
        }
        chips[pool.name] = {
            "instance_type": instance_type,
            "instances_min": layout.instances_min,
            "instances_max": layout.instances_max,
            "devices_per_instance": layout.devices,
            "slots": [
                {
                    "devices": list(slot.devices),
                    "workloads": [a.workload for a in slot.assignments if not a.is_job],
                }
                for slot in layout.slots
            ],
            "jobs": {job.workload: list(job.devices) for job in layout.jobs},
            "used": len(used),
            "free": [d for d in range(layout.devices) if d not in used],
        }
    return chips
