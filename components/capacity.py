"""What a workload needs of the pool that it runs on, whichever kind of capacity that is."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from planning import choices


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


def cluster_settings() -> list[aws.ecs.ClusterSettingArgsDict]:
    """Metrics for each task.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-container-insights.html
    """
    return [{"name": "containerInsights", "value": choices.CONTAINER_INSIGHTS}]
