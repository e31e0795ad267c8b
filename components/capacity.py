"""What a workload needs of the pool that it runs on, whichever kind of capacity that is."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.logs import log_group
from components.tags import named
from planning import choices, plan


@dataclass(frozen=True, slots=True)
class Capacity:
    """A pool as its workloads see it.

    `ready` is what must exist before a service names the capacity provider, and outlive it. Routes,
    endpoints and security group rules are not in it: the provider itself waits for them.
    """

    cluster_name: pulumi.Output[str]
    cluster_arn: pulumi.Output[str]
    provider: pulumi.Output[str]  # name of the capacity provider
    subnets: tuple[pulumi.Input[str], ...]
    ready: tuple[pulumi.Resource, ...]
    steady: bool = True  # whether its instances run at all times, so that services become steady


def ecs_cluster(
    described: plan.AutoScalingCluster | plan.ManagedInstancesCluster,
    *,
    region: str,
    tags: plan.Tags,
    parent: pulumi.Resource,
) -> aws.ecs.Cluster:
    """The cluster of one kind of capacity, with metrics for each task.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-container-insights.html
    """
    return aws.ecs.Cluster(
        described.key,
        settings=[{"name": "containerInsights", "value": choices.CONTAINER_INSIGHTS}],
        configuration=_sessions(described.exec_logs, region=region, tags=tags, parent=parent),
        tags=named(tags, described.key),
        region=region,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _sessions(
    logs: plan.LogGroup | None, *, region: str, tags: plan.Tags, parent: pulumi.Resource
) -> aws.ecs.ClusterConfigurationArgsDict:
    """Where sessions of ECS Exec are recorded: in a log group of their own, or by ECS's default.

    The default is written out: a configuration that is taken away would stay in force.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ExecuteCommandConfiguration.html
    """
    if logs is None:
        return {"execute_command_configuration": {"logging": "DEFAULT"}}
    group = log_group(logs, region=region, tags=tags, parent=parent)
    recorded: aws.ecs.ClusterConfigurationExecuteCommandConfigurationArgsDict = {
        "logging": "OVERRIDE",
        "log_configuration": {
            "cloud_watch_log_group_name": group.name,
            "cloud_watch_encryption_enabled": bool(logs.kms_key),
        },
    }
    if logs.kms_key:
        recorded["kms_key_id"] = logs.kms_key
    return {"execute_command_configuration": recorded}
