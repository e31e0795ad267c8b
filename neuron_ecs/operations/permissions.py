"""The IAM actions of the commands that only read, and the policy that allows them."""

from typing import Any

ACTIONS = (
    "application-autoscaling:DescribeScalingActivities",
    "autoscaling:DescribeScalingActivities",
    "cloudwatch:GetMetricData",
    "ec2:DescribeInstances",
    "ecs:DescribeCapacityProviders",
    "ecs:DescribeClusters",
    "ecs:DescribeContainerInstances",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeTasks",
    "ecs:ListClusters",
    "ecs:ListContainerInstances",
    "ecs:ListServices",
    "ecs:ListTasks",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "logs:FilterLogEvents",
    "ssm:GetParameters",
)
"""Each call that `reading` and `recent` make."""


def read_only_policy() -> dict[str, Any]:
    """The policy document. Most of these actions cannot be limited to resources, and all read."""
    statement = {"Effect": "Allow", "Action": list(ACTIONS), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}
