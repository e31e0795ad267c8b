"""What watches the chips of Auto Scaling capacity: a task on each Neuron instance."""

from collections.abc import Iterable

import pulumi
import pulumi_aws as aws

from components.logs import log_group
from components.tags import named
from components.workload import RegionContext, task_definition
from planning import choices, plan


class DaemonComponent(pulumi.ComponentResource):
    """A daemon service with its task definition and its log group.

    The update does not wait for its tasks: what watches the models must not hold them up.
    """

    def __init__(
        self,
        name: str,
        daemon: plan.Daemon,
        *,
        cluster_arn: pulumi.Input[str],
        within: RegionContext,
        after: Iterable[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("neuron-ecs:components:Daemon", name, None, opts)
        logs = log_group(daemon.log_group, region=within.region, tags=within.tags, parent=self)
        definition = task_definition(daemon.task_definition, logs=logs, within=within, parent=self)
        service = aws.ecs.Service(
            daemon.key,
            cluster=cluster_arn,
            task_definition=definition.arn,
            scheduling_strategy="DAEMON",
            launch_type="EC2",
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html
            availability_zone_rebalancing="DISABLED",
            deployment_circuit_breaker={"enable": True, "rollback": True},
            deployment_minimum_healthy_percent=choices.DAEMON_MINIMUM_PERCENT,
            deployment_maximum_percent=choices.DAEMON_MAXIMUM_PERCENT,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            wait_for_steady_state=False,
            tags=named(within.tags, daemon.key),
            region=within.region,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[
                    *after,
                    *within.roles.attachments(
                        daemon.task_definition.task_role, daemon.task_definition.execution_role
                    ),
                ],
            ),
        )
        self.services = {daemon.key: service}
        self.task_definitions = {daemon.task_definition.key: definition}
        self.register_outputs({"service": service.name})
