"""The IAM actions of the commands about what runs, and the policies that allow them."""

from collections.abc import Iterable
from typing import Any

ACTIONS = (
    "acm:DescribeCertificate",
    "application-autoscaling:DescribeScalingActivities",
    "autoscaling:DescribeScalingActivities",
    "cloudwatch:GetMetricData",
    "ec2:DescribeInstances",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ecs:DescribeCapacityProviders",
    "ecs:DescribeClusters",
    "ecs:DescribeContainerInstances",
    "ecs:DescribeServiceRevisions",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeTasks",
    "ecs:ListClusters",
    "ecs:ListContainerInstances",
    "ecs:ListServiceDeployments",
    "ecs:ListServices",
    "ecs:ListTaskDefinitions",
    "ecs:ListTasks",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "iam:ListRoleTags",
    "iam:ListRoles",
    "logs:FilterLogEvents",
    "route53:ListHealthChecks",
    "route53:ListResourceRecordSets",
    "s3:ListBucket",
    "servicequotas:GetServiceQuota",
    "ssm:GetParameters",
)
"""Each call that reads."""


CHANGES: dict[str, tuple[str, ...]] = {
    "cache": ("s3:DeleteObject",),
    "compile": (
        "ecs:RegisterTaskDefinition",
        "ecs:RunTask",
        "ecs:TagResource",
        "iam:PassRole",
        "s3:PutObject",
    ),
    "drain": (
        "application-autoscaling:RegisterScalableTarget",
        "ecs:UpdateContainerInstancesState",
        "ecs:UpdateService",
        "route53:UpdateHealthCheck",
    ),
    "exec": ("ecs:ExecuteCommand",),
    "replace": (
        "autoscaling:SetInstanceProtection",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
        "ecs:DeregisterContainerInstance",
        "ecs:UpdateContainerInstancesState",
    ),
    "rollback": ("ecs:UpdateService", "iam:PassRole"),
    "run": ("ecs:RunTask", "ecs:StopTask", "ecs:TagResource", "iam:PassRole"),
    "scale": ("ecs:UpdateService",),
    "stop": ("ecs:StopTask",),
}
"""Each action of a command that changes something. Each of them reads as well."""

_PROJECT, _BUCKET = "neuron-ecs", "amzn-s3-demo-bucket"
_CLUSTERS = ("*_auto-scaling-*", "*_managed-instances-*")


def _ecs(kind: str, below: str = "/*") -> tuple[str, ...]:
    """The ARNs of a kind of resource in clusters of stacks."""
    return tuple(f"arn:aws:ecs:*:*:{kind}/{cluster}{below}" for cluster in _CLUSTERS)


_DEFINITIONS = (f"arn:aws:ecs:*:*:task-definition/{_PROJECT}_*",)
_GROUPS = ("arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/*_*_*_*",)
_OBJECTS = (f"arn:aws:s3:::{_BUCKET}/*",)
_ROLES = ("*_execution-*", "*_task-*", "execution-*", "task-volumes-*")

RESOURCES: dict[str, tuple[str, ...]] = {
    "application-autoscaling:RegisterScalableTarget": (
        "arn:aws:application-autoscaling:*:*:scalable-target/*",
    ),
    "autoscaling:SetInstanceProtection": _GROUPS,
    "autoscaling:TerminateInstanceInAutoScalingGroup": _GROUPS,
    "ecs:DeregisterContainerInstance": _ecs("cluster", ""),
    "ecs:ExecuteCommand": (*_ecs("cluster", ""), *_ecs("task")),
    "ecs:RegisterTaskDefinition": _DEFINITIONS,
    "ecs:RunTask": _DEFINITIONS,
    "ecs:StopTask": _ecs("task"),
    "ecs:TagResource": (*_ecs("task"), *_DEFINITIONS),
    "ecs:UpdateContainerInstancesState": _ecs("container-instance"),
    "ecs:UpdateService": _ecs("service"),
    "iam:PassRole": tuple(f"arn:aws:iam::*:role/{name}" for name in _ROLES),
    "logs:FilterLogEvents": (f"arn:aws:logs:*:*:log-group:/{_PROJECT}/*",),
    "route53:UpdateHealthCheck": ("arn:aws:route53:::healthcheck/*",),
    "s3:DeleteObject": _OBJECTS,
    "s3:ListBucket": (f"arn:aws:s3:::{_BUCKET}",),
    "s3:PutObject": _OBJECTS,
    "ssm:GetParameters": ("arn:aws:ssm:*::parameter/aws/service/*",),
}
"""What an action is limited to, as stacks of the project name it; the rest reads no data.

The bucket stands for that of compiled models. Images of machines are public parameters. A health
check is not named by a stack.
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

_CONDITIONS: dict[str, dict[str, list[str]]] = {
    "application-autoscaling:RegisterScalableTarget": {
        "application-autoscaling:service-namespace": ["ecs"]
    },
    "ecs:TagResource": {"ecs:CreateAction": ["RegisterTaskDefinition", "RunTask"]},
    # RunTask hands on the roles of a task, and that of its EBS volume, which ECS itself takes.
    "iam:PassRole": {"iam:PassedToService": ["ecs-tasks.amazonaws.com", "ecs.amazonaws.com"]},
}


def read_only_policy() -> dict[str, Any]:
    """The policy document: what reads data does so of the stacks alone."""
    return _policy([("Read", ACTIONS)])


def changing_policy() -> dict[str, Any]:
    """The policy document, with statements for each command; leave out what nobody may do."""
    return _policy([(command.capitalize(), actions) for command, actions in CHANGES.items()])


def _policy(named: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, Any]:
    """A statement for the actions of each name that share resources and conditions."""
    statements: list[dict[str, Any]] = []
    for name, actions in named:
        alike: dict[str, list[str]] = {}
        for action in actions:
            alike.setdefault(repr(_limits(action)), []).append(action)
        statements += [
            {"Sid": f"{name}{at}", "Effect": "Allow", "Action": found, **_limits(found[0])}
            for at, found in enumerate(alike.values(), 1)
        ]
    return {"Version": "2012-10-17", "Statement": statements}


def _limits(action: str) -> dict[str, Any]:
    found: dict[str, Any] = {"Resource": list(RESOURCES.get(action, ("*",)))}
    if action in _CONDITIONS:
        found["Condition"] = {"StringEquals": _CONDITIONS[action]}
    return found
