"""What the two kinds of capacity ask of AWS."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from components import auto_scaling, managed_instances
from neuron_ecs.recording.graph import Resource
from planning import plan
from tests.components.graphs import everything, get
from tests.components.plans import EFA, GIVEN_POOL, INF2, RESERVED, SPOT, TRN1
from tests.recorder import of_type, only


def _template(pool: plan.AutoScalingPool) -> dict[str, Any]:
    return dict(get(everything(), "ec2/launchTemplate:LaunchTemplate", pool.key).inputs)


def _group(pool: plan.AutoScalingPool) -> dict[str, Any]:
    return dict(get(everything(), "autoscaling/group:Group", pool.key).inputs)


def _provider(key: str) -> Resource:
    return get(everything(), "ecs/capacityProvider:CapacityProvider", key)


def test_only_auto_scaling_providers_are_attached_and_all_of_them_at_once() -> None:
    attachments = of_type(everything(), "ecs.ClusterCapacityProviders")
    assert {a.name for a in attachments} == {"usw2_auto-scaling", "aps1_auto-scaling"}, (
        "Managed Instances providers attach themselves; AWS refuses them in this call"
    )
    (west,) = [a for a in attachments if a.name == "usw2_auto-scaling"]
    attached = {urn.rpartition("::")[2] for urn in west.property_dependencies["capacityProviders"]}
    assert attached == {INF2.key, EFA.key, SPOT.key, RESERVED.key}, (
        "what the call leaves out is detached"
    )


def test_attachments_are_deleted_before_they_are_replaced_and_have_no_default() -> None:
    for attachment in of_type(everything(), "ecs.ClusterCapacityProviders"):
        assert attachment.options["delete_before_replace"] is True, (
            "its deletion empties the cluster's list, whoever wrote it last"
        )
        assert "defaultCapacityProviderStrategies" not in attachment.inputs


def test_instances_join_the_cluster_by_its_name() -> None:
    script = base64.b64decode(_template(INF2)["userData"]).decode()
    assert "ECS_CLUSTER=usw2_auto-scaling-" in script
    assert "ECS_CONTAINER_START_TIMEOUT=10m" in script


def test_the_root_volume_is_encrypted_and_as_large_as_planned() -> None:
    (device,) = _template(INF2)["blockDeviceMappings"]
    assert device == {
        "deviceName": "/dev/xvda",
        "ebs": {
            "volumeType": "gp3",
            "volumeSize": 200,
            "encrypted": "true",
            "deleteOnTermination": "true",
        },
    }


def test_instances_answer_only_to_metadata_tokens() -> None:
    assert _template(INF2)["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }


def test_security_groups_stand_on_the_template_or_on_its_interfaces_never_on_both() -> None:
    assert "networkInterfaces" not in _template(INF2)
    assert len(_template(INF2)["vpcSecurityGroupIds"]) == 1
    assert "vpcSecurityGroupIds" not in _template(EFA)
    interfaces = _template(EFA)["networkInterfaces"]
    assert [(i["networkCardIndex"], i["deviceIndex"], i["interfaceType"]) for i in interfaces] == [
        (0, 0, "interface"),
        (0, 1, "efa-only"),
        (1, 0, "efa-only"),
    ]
    assert {i["associatePublicIpAddress"] for i in interfaces} == {"false"}
    assert {len(i["securityGroups"]) for i in interfaces} == {2}


def test_efa_admits_the_group_itself_both_ways_by_id() -> None:
    for type_ in ("SecurityGroupIngressRule", "SecurityGroupEgressRule"):
        token = f"vpc/{type_[0].lower()}{type_[1:]}:{type_}"
        rule = get(everything(), token, "usw2_auto-scaling_efa").inputs
        assert rule["ipProtocol"] == "-1"
        assert rule["referencedSecurityGroupId"] == rule["securityGroupId"]


def test_a_placement_group_is_made_only_where_the_plan_asks() -> None:
    assert [g.name for g in of_type(everything(), "ec2.PlacementGroup")] == [EFA.key]
    assert "placement" in _template(EFA) and "placement" not in _template(INF2)


@pytest.mark.parametrize(
    ("pool", "market", "target"),
    [
        (INF2, None, None),
        (SPOT, "spot", None),
        (RESERVED, None, "cr-0dcc"),
        (EFA, "capacity-block", "cr-0b10c"),
    ],
    ids=lambda value: value.name if isinstance(value, plan.AutoScalingPool) else str(value),
)
def test_the_launch_template_buys_as_planned(
    pool: plan.AutoScalingPool, market: str | None, target: str | None
) -> None:
    template = _template(pool)
    expected = None if market is None else {"marketType": market}
    assert template.get("instanceMarketOptions") == expected
    reservation = template.get("capacityReservationSpecification")
    if target is None:
        assert reservation is None
    else:
        assert reservation == {"capacityReservationTarget": {"capacityReservationId": target}}, (
            "a target and a preference are alternatives"
        )


def test_the_group_leaves_its_size_to_ecs() -> None:
    group = _group(INF2)
    assert "desiredCapacity" not in group, "a stated size is put back at every update"
    assert (group["minSize"], group["maxSize"]) == (0, 4)
    assert group["waitForCapacityTimeout"] == "0"
    assert "instanceRefresh" not in group, "a refresh stops running models"
    assert group["suspendedProcesses"] == ["AZRebalance"]
    assert {"key": "AmazonECSManaged", "value": "", "propagateAtLaunch": True} in group["tags"]
    assert all(tag["propagateAtLaunch"] for tag in group["tags"])


def test_the_group_names_a_version_so_that_a_new_template_shows() -> None:
    assert _group(INF2)["launchTemplate"]["version"] not in {"$Latest", "$Default"}
    assert isinstance(_group(INF2)["launchTemplate"]["version"], str)


def test_termination_protection_goes_with_managed_scaling() -> None:
    for pool, status in ((INF2, "ENABLED"), (EFA, "DISABLED")):
        managed = _provider(pool.key).inputs["autoScalingGroupProvider"]
        assert managed["managedScaling"]["status"] == status
        assert managed["managedTerminationProtection"] == status
        assert _group(pool)["protectFromScaleIn"] is (status == "ENABLED")
        assert managed["managedDraining"] == "ENABLED"


def test_a_scheduled_action_sets_the_number_of_instances_and_leaves_the_sizes() -> None:
    action = only(everything(), "autoscaling.Schedule").inputs
    assert action["autoscalingGroupName"].startswith(EFA.key)
    assert (action["recurrence"], action["timeZone"]) == ("30 11 1 12 *", "UTC")
    assert (action["desiredCapacity"], action["minSize"], action["maxSize"]) == (2, -1, -1)
    assert "startTime" not in action, "AWS refuses a start in the past, as of a later update"


def test_only_spot_groups_rebalance_capacity() -> None:
    assert [_group(p)["capacityRebalance"] for p in (INF2, SPOT)] == [False, True]


def test_managed_instances_are_chosen_by_their_type_alone() -> None:
    managed = _provider(TRN1.key).inputs["managedInstancesProvider"]
    template = managed["instanceLaunchTemplate"]
    assert template["instanceRequirements"] == {
        "allowedInstanceTypes": ["trn1.2xlarge"],
        "vcpuCount": {"min": 1},
        "memoryMib": {"min": 1},
    }
    assert managed["propagateTags"] == "CAPACITY_PROVIDER"
    assert managed["infrastructureOptimization"] == {"scaleInAfter": 600}
    assert template["storageConfiguration"] == {"storageSizeGib": 250}
    assert template["capacityOptionType"] == "ON_DEMAND"
    assert "capacityReservations" not in template
    cluster = get(everything(), "ecs/cluster:Cluster", "usw2_managed-instances")
    assert _provider(TRN1.key).property_dependencies["cluster"] == (cluster.urn,)
    assert not _provider(TRN1.key).inputs["cluster"].startswith("arn:"), "an ARN is refused"


def test_reserved_managed_instances_use_their_group_and_local_disks() -> None:
    managed = _provider(GIVEN_POOL.key).inputs["managedInstancesProvider"]
    template = managed["instanceLaunchTemplate"]
    assert "infrastructureOptimization" not in managed
    assert template["capacityOptionType"] == "RESERVED"
    assert template["capacityReservations"]["reservationPreference"] == "RESERVATIONS_ONLY"
    assert template["localStorageConfiguration"] == {"useLocalStorage": True}
    assert "storageConfiguration" not in template
    assert template["networkConfiguration"]["subnets"] == ["subnet-0a"]


def test_every_cluster_reports_container_insights() -> None:
    for cluster in of_type(everything(), "ecs.Cluster"):
        assert cluster.inputs["settings"] == [{"name": "containerInsights", "value": "enhanced"}]


@pytest.mark.parametrize("fallback", [False, True])
def test_a_reservation_that_falls_back_is_preferred_by_the_group(fallback: bool) -> None:
    """The launch template must not demand it then: its target would be the only capacity."""
    target = {"capacity_reservation_ids": ["cr-0dcc"]}
    bought = plan.CapacityReservation("cr-0dcc", fallback)
    first = {
        "capacity_reservation_preference": "capacity-reservations-first",
        "capacity_reservation_target": target,
    }
    assert auto_scaling.preferred(bought) == (first if fallback else None)
    only = {"capacity_reservation_target": {"capacity_reservation_id": "cr-0dcc"}}
    assert auto_scaling.bought(bought) == (None, None if fallback else only)


def test_managed_instances_fall_back_where_no_group_is_named() -> None:
    pool = replace(GIVEN_POOL, purchase=plan.ReservationGroup(""))
    template = managed_instances.launch_template(
        pool, instance_profile_arn="arn", subnets=[], security_group="sg"
    )
    assert template.get("capacity_reservations") == {"reservation_preference": "RESERVATIONS_FIRST"}
