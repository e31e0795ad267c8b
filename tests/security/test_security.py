"""The converter of `make security`, and its baseline. checkov itself is not needed here."""

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.security.__main__ import BASELINE, baseline, unexpected
from tests.security.converting import address, plan, terraform_type
from tests.security.secured import recording


@pytest.fixture(scope="module")
def resources() -> dict[str, dict[str, Any]]:
    found = plan(recording())["planned_values"]["root_module"]["resources"]
    return {resource["address"]: resource for resource in found}


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("aws:lb/loadBalancer:LoadBalancer", "aws_lb"),
        ("aws:lb/targetGroup:TargetGroup", "aws_lb_target_group"),
        ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "aws_default_security_group"),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", "aws_vpc_endpoint"),
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            "aws_vpc_security_group_ingress_rule",
        ),
        (
            "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
            "aws_ecs_cluster_capacity_providers",
        ),
        ("aws:cloudwatch/logGroup:LogGroup", "aws_cloudwatch_log_group"),
        ("aws:iam/rolePolicy:RolePolicy", "aws_iam_role_policy"),
        ("aws:wafv2/webAclAssociation:WebAclAssociation", "aws_wafv2_web_acl_association"),
        ("aws:autoscaling/group:Group", "aws_autoscaling_group"),
    ],
)
def test_types_have_terraforms_names(token: str, expected: str) -> None:
    assert terraform_type(token) == expected


def test_every_resource_of_aws_is_in_the_plan_once(resources: dict[str, dict[str, Any]]) -> None:
    registered = [r for r in recording().resources if r.type.startswith("aws:")]
    assert len(resources) == len({r.urn for r in registered}) == len(registered)


def test_blocks_are_lists_and_names_are_terraforms(resources: dict[str, dict[str, Any]]) -> None:
    def of(type_: str) -> dict[str, Any]:
        return next(r["values"] for r in resources.values() if r["type"] == type_)

    assert of("aws_lb")["access_logs"][0]["enabled"] is True
    assert of("aws_lb")["tags"]["team"] == "ml-platform"
    volume = of("aws_launch_template")["block_device_mappings"][0]["ebs"][0]
    assert volume["encrypted"] == "true"
    configuration = of("aws_ecs_cluster")["configuration"][0]["execute_command_configuration"][0]
    assert configuration["log_configuration"][0]["cloud_watch_encryption_enabled"] is True
    assert of("aws_autoscaling_group")["tag"][0]["propagate_at_launch"] is True


def test_references_name_resources_of_the_plan(resources: dict[str, dict[str, Any]]) -> None:
    configured = plan(recording())["configuration"]["root_module"]["resources"]
    assert [r["address"] for r in configured] == list(resources)
    for resource in configured:
        for expression in resource["expressions"].values():
            assert expression["references"][1] in resources
    (group,) = {
        r["expressions"]["vpc_id"]["references"][0]
        for r in configured
        if r["type"] == "aws_flow_log" and r["name"].startswith("euc1")
    }
    assert group == "aws_vpc.euc1_network.id"
    assert all(address(r) in resources for r in recording().resources if r.type.startswith("aws:"))


def test_the_baseline_is_sorted_and_says_why(resources: dict[str, dict[str, Any]]) -> None:
    with Path(BASELINE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["check"], r["resource"]) for r in rows] == sorted(baseline())
    assert {r["verdict"] for r in rows} <= {"false", "exception"}
    assert all(r["reason"] for r in rows)
    assert {r["resource"] for r in rows} <= {r["type"] for r in resources.values()}


def test_a_new_failure_and_a_row_without_one_are_both_told() -> None:
    known = [("CKV_1", "aws_lb"), ("CKV_2", "aws_lb")]
    found = [(("CKV_1", "aws_lb"), "aws_lb.a"), (("CKV_3", "aws_vpc"), "aws_vpc.b")]
    assert unexpected(found, known) == [
        "CKV_2 of aws_lb fails no more: remove its row",
        "CKV_3 fails: aws_vpc.b",
    ]
    assert unexpected(found[:1], known[:1]) == []
