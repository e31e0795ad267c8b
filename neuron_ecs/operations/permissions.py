"""The IAM actions of the commands about what runs, and the policies that allow them."""

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


def read_only_policy() -> dict[str, Any]:
    """The policy document. Most of these actions cannot be limited to resources, and all read."""
    statement = {"Effect": "Allow", "Action": list(ACTIONS), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


_PASSED = ("ecs-tasks.amazonaws.com", "ecs.amazonaws.com")
"""RunTask hands on the roles of a task, and that of its EBS volume, which ECS itself takes: the
caller must be allowed to pass them."""

CHANGES: dict[str, tuple[str, ...]] = {
    "cache": ("s3:DeleteObject",),
    "compile": ("ecs:RegisterTaskDefinition", "ecs:RunTask", "s3:PutObject"),
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
    "rollback": ("ecs:UpdateService",),
    "run": ("ecs:RunTask", "ecs:StopTask"),
    "scale": ("ecs:UpdateService",),
    "stop": ("ecs:StopTask",),
}
"""Each call of a command that changes something. Each of them reads as well."""

PASSES_ROLES = frozenset({"compile", "rollback", "run"})
"""The commands that hand the roles of a task on to ECS.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security_iam_id-based-policy-examples.html
"""


def changing_policy() -> dict[str, Any]:
    """The policy document, with a statement for each command; leave out what nobody may do."""
    statements: list[dict[str, Any]] = []
    for command, actions in CHANGES.items():
        named = "".join(word.capitalize() for word in command.split("-"))
        statements.append(
            {"Sid": named, "Effect": "Allow", "Action": list(actions), "Resource": "*"}
        )
        if command in PASSES_ROLES:
            statements.append(
                {
                    "Sid": f"{named}Roles",
                    "Effect": "Allow",
                    "Action": ["iam:PassRole"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"iam:PassedToService": list(_PASSED)}},
                }
            )
    return {"Version": "2012-10-17", "Statement": statements}
