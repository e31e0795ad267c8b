"""What models, jobs, traffic, networks and roles ask of AWS."""

import json
from dataclasses import replace
from typing import Any

import pytest

from planning import plan
from tests.components.graphs import everything, get, graph_of
from tests.components.plans import EVERYTHING, INF2, LLAMA, TRN1, USW2
from tests.recorder import named, of_type, only


def _service(name: str) -> dict[str, Any]:
    return dict(get(everything(), "ecs/service:Service", name).inputs)


def test_no_service_forces_deployments_or_names_a_launch_type() -> None:
    for service in of_type(everything(), "ecs.Service"):
        assert "forceNewDeployment" not in service.inputs, "it restarts tasks at every later update"
        assert "launchType" not in service.inputs
        (strategy,) = service.inputs["capacityProviderStrategies"]
        assert (strategy["weight"], strategy["base"]) == (1, 0)


@pytest.mark.parametrize(("name", "pool"), [("usw2_llama_d0-1", INF2), ("usw2_tuner_all", TRN1)])
def test_a_service_names_the_provider_of_its_pool(name: str, pool: Any) -> None:
    provider = get(everything(), "ecs/capacityProvider:CapacityProvider", pool.key)
    service = get(everything(), "ecs/service:Service", name)
    assert provider.urn in service.property_dependencies["capacityProviderStrategies"]


def test_a_network_stands_on_a_service_if_and_only_if_its_tasks_are_awsvpc() -> None:
    assert "networkConfiguration" not in _service("usw2_llama_d0-1")
    network = _service("usw2_tuner_all")["networkConfiguration"]
    assert network["assignPublicIp"] is False
    assert len(network["subnets"]) == 1 and len(network["securityGroups"]) == 1


def test_placement_follows_the_plan() -> None:
    llama, tuner = _service("usw2_llama_d0-1"), _service("usw2_tuner_all")
    assert llama["orderedPlacementStrategies"] == [{"type": "binpack", "field": "memory"}]
    assert "placementConstraints" not in llama
    assert "orderedPlacementStrategies" not in tuner, "Managed Instances take no strategy"
    assert tuner["placementConstraints"] == [{"type": "distinctInstance"}]


def test_a_rollout_is_stated_in_full() -> None:
    llama = _service("usw2_llama_d0-1")
    assert llama["availabilityZoneRebalancing"] == "DISABLED"
    assert llama["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert (llama["deploymentMinimumHealthyPercent"], llama["deploymentMaximumPercent"]) == (0, 100)
    assert llama["waitForSteadyState"] is True
    assert llama["healthCheckGracePeriodSeconds"] == 1800
    assert "healthCheckGracePeriodSeconds" not in _service("usw2_tuner_all")


def test_the_engine_waits_as_long_as_the_plan_says() -> None:
    service = get(everything(), "ecs/service:Service", "usw2_llama_d0-1")
    timeouts = service.options["custom_timeouts"]
    assert timeouts == {"create": "60m", "update": "61m", "delete": "20m"}


def test_only_a_service_that_scales_leaves_its_count_alone() -> None:
    scaled = get(everything(), "ecs/service:Service", "usw2_llama_d0-1")
    fixed = get(everything(), "ecs/service:Service", "usw2_llama_d2-3")
    assert scaled.options["ignore_changes"] == ["desiredCount"]
    assert "ignore_changes" not in fixed.options
    target = only(everything(), "appautoscaling.Target").inputs
    assert target["resourceId"].startswith("service/usw2_auto-scaling-")
    assert "/usw2_llama_d0-1-" in target["resourceId"]
    assert (target["minCapacity"], target["maxCapacity"]) == (1, 4)


def test_every_user_of_a_capacity_provider_waits_until_it_is_active() -> None:
    for type_ in ("ecs.Service", "ecs.ClusterCapacityProviders"):
        for resource in of_type(everything(), type_):
            assert resource.options["hooks"] == {"on_error": ["capacity-provider-not-active"]}


def test_task_definitions_keep_old_revisions_and_state_sizes_as_text() -> None:
    definitions = {d.name: d.inputs for d in of_type(everything(), "ecs.TaskDefinition")}
    for definition in definitions.values():
        assert definition["skipDestroy"] is True, "a rollback starts the revision before"
        assert definition["trackLatest"] is False
    assert definitions["usw2_llama_d0-1"]["cpu"] == "8192"
    assert definitions["usw2_llama_d0-1"]["requiresCompatibilities"] == ["EC2"]
    assert "cpu" not in definitions["usw2_tuner_all"]
    assert definitions["usw2_tuner_all"]["requiresCompatibilities"] == ["MANAGED_INSTANCES"]


def test_all_services_of_a_model_share_its_target_group() -> None:
    group = only(everything(), "lb.TargetGroup")
    for name in ("usw2_llama_d0-1", "usw2_llama_d2-3"):
        service = get(everything(), "ecs/service:Service", name)
        assert group.urn in service.property_dependencies["loadBalancers"]
    assert "loadBalancers" not in _service("usw2_tuner_all")
    assert group.inputs["loadBalancingAlgorithmType"] == "least_outstanding_requests"
    assert "slowStart" not in group.inputs
    assert group.inputs["healthCheck"]["matcher"] == "200"


def test_the_model_sees_its_own_paths() -> None:
    rule = only(everything(), "lb.ListenerRule").inputs
    assert "priority" not in rule, "AWS gives the next free one; two rules may not share one"
    assert rule["conditions"] == [{"pathPattern": {"values": ["/llama/v1/*", "/llama/health"]}}]
    (transform,) = rule["transforms"]
    rewrite = transform["urlRewriteConfig"]["rewrite"]
    assert rewrite == {"regex": "^/llama/?(.*)$", "replace": "/$1"}


def test_the_load_balancer_is_internal_and_speaks_tls_where_it_has_a_certificate() -> None:
    balancer = only(everything(), "lb.LoadBalancer")
    assert balancer.name == "usw2-neuron-ecs"
    assert balancer.inputs["internal"] is True, "AWS's default is internet-facing"
    listener = only(everything(), "lb.Listener").inputs
    assert (listener["port"], listener["protocol"]) == (443, "HTTPS")
    assert listener["sslPolicy"].startswith("ELBSecurityPolicy-TLS13")
    assert listener["defaultActions"][0]["fixedResponse"]["statusCode"] == "404"


def test_only_named_callers_reach_the_load_balancer_and_only_it_reaches_the_models() -> None:
    rules = {r.name: r.inputs for r in of_type(everything(), "vpc.SecurityGroupIngressRule")}
    assert {
        (n, r.get("cidrIpv4"), r["fromPort"], r["toPort"])
        for n, r in rules.items()
        if "cidrIpv4" in r
    } == {
        ("usw2_load-balancer_from_10.0.0.0-8", "10.0.0.0/8", 443, 443),
        ("aps1_network_endpoints", "10.2.0.0/16", 443, 443),
    }
    hosts = rules["usw2_auto-scaling_instances_from_load-balancer_32768-60999"]
    assert (hosts["fromPort"], hosts["toPort"]) == (32768, 60999)
    assert "referencedSecurityGroupId" in hosts
    for group in of_type(everything(), "ec2.SecurityGroup"):
        assert not {"ingress", "egress"} & set(group.inputs), "inline rules undo the separate ones"


def test_nothing_of_ours_gets_a_public_address_but_nat_gateways() -> None:
    for subnet in of_type(everything(), "ec2.Subnet"):
        assert subnet.inputs["mapPublicIpOnLaunch"] is False
        assert "availabilityZone" not in subnet.inputs, "zone names differ between accounts"
    assert len(of_type(everything(), "ec2.NatGateway")) == 1
    assert len(of_type(everything(), "ec2.Eip")) == 1


def test_a_network_without_nat_has_no_public_side() -> None:
    names = [r.name for r in everything().resources if r.name.startswith("aps1_network")]
    assert not [n for n in names if "public" in n or "nat" in n.split("_")]
    assert {"aps1_network_ecs", "aps1_network_ecr-api", "aps1_network_s3"} <= set(names)
    assert named(everything(), "aps1_network_ecs").inputs["privateDnsEnabled"] is True


def test_a_given_network_gets_nothing_built_in_it_but_security_groups() -> None:
    built = {
        r.type.split(":")[1].split("/")[0] + "/" + r.type.rpartition(":")[2]
        for r in everything().resources
        if r.inputs.get("region") == "us-east-2"
    }
    assert built == {
        "ec2/SecurityGroup",
        "vpc/SecurityGroupEgressRule",
        "ecs/Cluster",
        "ecs/CapacityProvider",
    }


def test_a_schedule_names_capacity_not_a_launch_type_and_repeats_only_the_start() -> None:
    schedule = only(everything(), "scheduler.Schedule").inputs
    assert schedule["flexibleTimeWindow"] == {"mode": "OFF"}
    assert schedule["scheduleExpressionTimezone"] == "Europe/Berlin"
    task = schedule["target"]["ecsParameters"]
    assert "launchType" not in task and "networkConfiguration" not in task
    assert task["taskCount"] == 1 and task["propagateTags"] == "TASK_DEFINITION"
    assert [c["type"] for c in task["placementConstraints"]] == ["memberOf"]
    assert schedule["target"]["retryPolicy"]["maximumRetryAttempts"] > 0


def test_run_commands_name_the_network_if_and_only_if_the_task_is_awsvpc() -> None:
    commands = everything().outputs["run_commands"]
    assert "--network-configuration" not in commands["nightly"]["us-west-2"]
    assert "--network-configuration" in commands["finetune"]["us-west-2"]


def test_policies_name_the_roles_that_they_are_about() -> None:
    policy = get(everything(), "iam/rolePolicy:RolePolicy", "scheduler_run-task").inputs["policy"]
    (statement,) = json.loads(policy)["Statement"]
    assert all(arn.startswith("arn:aws:iam::") for arn in statement["Resource"])
    assert [arn.rpartition("/")[2].rpartition("-")[0] for arn in statement["Resource"]] == [
        "llama-task",
        "execution",
    ]


def test_only_roles_that_instances_take_have_a_profile() -> None:
    profiles = {p.name for p in of_type(everything(), "iam.InstanceProfile")}
    assert profiles == {"instance", "ecsInstanceRole-managed"}


def test_each_zone_leaves_through_its_own_nat_gateway_where_it_has_one() -> None:
    assert isinstance(USW2.network, plan.OwnNetwork)
    network = replace(USW2.network, nat_zone_ids=("usw2-az1", "usw2-az2"))
    graph = graph_of(replace(EVERYTHING, regions=(replace(USW2, network=network),)))
    for zone_id in network.nat_zone_ids:
        route = get(graph, "ec2/route:Route", f"usw2_network_private_{zone_id}")
        (nat,) = route.property_dependencies["natGatewayId"]
        assert nat.endswith(f"usw2_network_nat_{zone_id}"), "a zone's failure stays in the zone"


def test_without_a_load_balancer_no_port_is_open() -> None:
    region = replace(
        USW2, load_balancer=None, models=(replace(LLAMA, target_group=None, services=()),)
    )
    graph = graph_of(replace(EVERYTHING, regions=(region,)))
    assert {r.name for r in of_type(graph, "vpc.SecurityGroupIngressRule")} == {
        "usw2_auto-scaling_efa"
    }
    assert of_type(graph, "lb.Listener") == []
    assert graph.outputs["urls"] == {}


def test_without_a_certificate_the_listener_speaks_plain_http() -> None:
    assert USW2.load_balancer is not None
    balancer = replace(USW2.load_balancer, certificate_arn=None)
    graph = graph_of(replace(EVERYTHING, regions=(replace(USW2, load_balancer=balancer),)))
    listener = only(graph, "lb.Listener").inputs
    assert (listener["port"], listener["protocol"]) == (80, "HTTP")
    assert not {"sslPolicy", "certificateArn"} & set(listener)
    callers = named(graph, "usw2_load-balancer_from_10.0.0.0-8").inputs
    assert (callers["fromPort"], callers["toPort"]) == (80, 80)
