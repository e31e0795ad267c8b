"""What the network of a Region and the resources in it keep to themselves."""

from dataclasses import replace
from typing import Any

import pytest

from neuron_ecs.recording.graph import Resource
from planning import plan
from tests.components.graphs import everything, graph_of
from tests.components.plans import EVERYTHING, FINETUNE, USW2
from tests.recorder import of_type

OWN = [r.network for r in EVERYTHING.regions if isinstance(r.network, plan.OwnNetwork)]


def found(type_: str) -> dict[str, Resource]:
    return {r.name: r for r in of_type(everything(), type_)}


@pytest.mark.parametrize("network", OWN, ids=lambda network: network.key)
def test_names_resolve_inside_the_vpc(network: plan.OwnNetwork) -> None:
    vpc = found("ec2.Vpc")[network.key].inputs
    assert vpc["enableDnsSupport"] is True, "instances find ECS and ECR by name"
    assert vpc["enableDnsHostnames"] is True, (
        "private DNS of interface endpoints needs both attributes; without it the names of AWS's "
        "services lead to public addresses, which a network without NAT gateway does not reach"
    )


@pytest.mark.parametrize("network", OWN, ids=lambda network: network.key)
def test_only_a_zones_public_block_has_a_route_to_the_internet_gateway(
    network: plan.OwnNetwork,
) -> None:
    subnets, routes = found("ec2.Subnet"), found("ec2.Route")
    for zone in network.zones:
        private = f"{network.key}_private_{zone.zone_id}"
        assert subnets[private].inputs["cidrBlock"] == zone.private_cidr
        if network.nat_zone_ids:
            assert "gatewayId" not in routes[private].inputs
        public = subnets.get(f"{network.key}_public_{zone.zone_id}")
        assert (public is not None) == (zone.zone_id in network.nat_zone_ids)
        if public is not None:
            assert public.inputs["cidrBlock"] == zone.public_cidr, (
                "instances take their addresses from the private block, which is the large one"
            )


@pytest.mark.parametrize("nat", [(), ("usw2-az1",)])
def test_a_public_load_balancer_is_reached_without_a_nat_gateway(nat: tuple[str, ...]) -> None:
    assert isinstance(USW2.network, plan.OwnNetwork)
    assert USW2.load_balancer is not None
    zones = tuple(zone.zone_id for zone in USW2.network.zones)
    network = replace(USW2.network, nat_zone_ids=nat, public_zone_ids=zones)
    region = replace(USW2, network=network, load_balancer=replace(USW2.load_balancer, public=True))
    graph = graph_of(replace(EVERYTHING, regions=(region,)))
    public = {f"usw2_network_public_{zone}" for zone in zones}
    associated = {r.name for r in of_type(graph, "ec2.RouteTableAssociation")}
    assert public <= {r.name for r in of_type(graph, "ec2.Subnet")} & associated
    assert len(of_type(graph, "ec2.InternetGateway")) == 1
    assert len(of_type(graph, "ec2.NatGateway")) == len(nat)
    (balancer,) = of_type(graph, "lb.LoadBalancer")
    assert balancer.inputs["internal"] is False


def test_no_task_or_instance_has_a_public_address() -> None:
    daily = plan.Schedule("usw2_finetune", "rate(1 day)", "UTC", "scheduler")
    region = replace(USW2, jobs=(replace(FINETUNE, schedule=daily),))
    graph = graph_of(replace(EVERYTHING, regions=(region,)))
    services = [r.inputs for r in of_type(graph, "ecs.Service")]
    schedules = [r.inputs["target"]["ecsParameters"] for r in of_type(graph, "scheduler.Schedule")]
    networks: list[dict[str, Any]] = [
        i["networkConfiguration"] for i in (*services, *schedules) if "networkConfiguration" in i
    ]
    assert len(networks) >= 2, "the plan has a service and a scheduled job in awsvpc mode"
    assert [n["assignPublicIp"] for n in networks] == [False] * len(networks), (
        "models have no login; they leave through the NAT gateway"
    )
    interfaces = [
        interface
        for template in of_type(everything(), "ec2.LaunchTemplate")
        for interface in template.inputs.get("networkInterfaces", ())
    ]
    assert {i["associatePublicIpAddress"] for i in interfaces} == {"false"}


def test_a_launch_templates_default_version_is_its_newest() -> None:
    for template in of_type(everything(), "ec2.LaunchTemplate"):
        assert template.inputs["updateDefaultVersion"] is True, (
            "who launches an instance from the template without a version gets the default one: "
            "an old one has an old AMI and may lack the metadata options"
        )


def test_a_start_that_aws_refuses_is_repeated_within_the_limits_of_the_scheduler() -> None:
    for schedule in of_type(everything(), "scheduler.Schedule"):
        retry = schedule.inputs["target"]["retryPolicy"]
        assert 0 < retry["maximumRetryAttempts"] <= 185
        assert 60 <= retry["maximumEventAgeInSeconds"] <= 3600, (
            "a start that is more than an hour late meets the next one of an hourly schedule"
        )
