"""Managed Instances capacity: capacity providers that launch and patch instances themselves."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components.capacity import Capacity, ecs_cluster
from components.network import NetworkOutputs
from components.roles import Roles
from components.security import SecurityGroups
from components.tags import named
from planning import choices, plan

_Template = aws.ecs.CapacityProviderManagedInstancesProviderInstanceLaunchTemplateArgsDict


class ManagedInstancesCluster(pulumi.ComponentResource):
    """A cluster of Managed Instances pools, and `capacity` by pool key.

    Its providers attach themselves when they are created. `ClusterCapacityProviders` refuses them,
    and would detach what it does not list, so this cluster has none.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutClusterCapacityProviders.html
    """

    def __init__(
        self,
        name: str,
        cluster: plan.ManagedInstancesCluster,
        *,
        region: str,
        tags: plan.Tags,
        roles: Roles,
        network: NetworkOutputs,
        security_groups: SecurityGroups,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("neuron-ecs:components:ManagedInstancesCluster", name, None, opts)
        self.cluster = ecs_cluster(cluster, region=region, tags=tags, parent=self)
        # AWS checks the infrastructure role and the way to ECS when a provider is created, and
        # needs both to deregister instances when it goes; no property refers to either.
        after = [
            *roles.attachments(cluster.infrastructure_role, cluster.instance_role),
            *security_groups.rules,
            *network.ready,
        ]
        capacity: dict[str, Capacity] = {}
        for pool in cluster.pools:
            subnets = network.subnets(pool.zone_ids)
            provider = self._capacity_provider(
                pool,
                region=region,
                tags=tags,
                infrastructure_role_arn=roles.arns[cluster.infrastructure_role],
                instance_profile_arn=roles.instance_profile_arn(cluster.instance_role),
                subnets=subnets,
                security_group=security_groups.instances[cluster.key],
                after=after,
            )
            capacity[pool.key] = Capacity(
                cluster_name=self.cluster.name,
                cluster_arn=self.cluster.arn,
                provider=provider.name,
                subnets=tuple(subnets),
                ready=(provider,),
            )
        self.capacity: Mapping[str, Capacity] = capacity
        self.register_outputs({"name": self.cluster.name})

    def _capacity_provider(
        self,
        pool: plan.ManagedInstancesPool,
        *,
        region: str,
        tags: plan.Tags,
        infrastructure_role_arn: pulumi.Input[str],
        instance_profile_arn: pulumi.Input[str],
        subnets: Sequence[pulumi.Input[str]],
        security_group: pulumi.Input[str],
        after: Sequence[pulumi.Resource],
    ) -> aws.ecs.CapacityProvider:
        # The provider reads whether these blocks are there at preview: only leaves may be unknown.
        managed: aws.ecs.CapacityProviderManagedInstancesProviderArgsDict = {
            "infrastructure_role_arn": infrastructure_role_arn,
            "instance_launch_template": launch_template(
                pool,
                instance_profile_arn=instance_profile_arn,
                subnets=subnets,
                security_group=security_group,
            ),
            "propagate_tags": "CAPACITY_PROVIDER",  # otherwise the instances carry no tags
        }
        if pool.scale_in_after_seconds is not None:
            managed["infrastructure_optimization"] = {"scale_in_after": pool.scale_in_after_seconds}
        return aws.ecs.CapacityProvider(
            pool.key,
            cluster=self.cluster.name,  # an ARN is refused
            managed_instances_provider=managed,
            tags=named(tags, pool.key),
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )


def launch_template(
    pool: plan.ManagedInstancesPool,
    *,
    instance_profile_arn: pulumi.Input[str],
    subnets: Sequence[pulumi.Input[str]],
    security_group: pulumi.Input[str],
) -> _Template:
    template: _Template = {
        "ec2_instance_profile_arn": instance_profile_arn,
        "network_configuration": {"subnets": subnets, "security_groups": [security_group]},
        # Both minimums are required. Only the type list selects Neuron hardware: ECS has no name
        # for Trainium, and an accelerator count without a maximum is sent with a maximum of 0.
        "instance_requirements": {
            "allowed_instance_types": list(pool.allowed_instance_types),
            "vcpu_count": {"min": choices.MINIMUM_REQUIREMENT},
            "memory_mib": {"min": choices.MINIMUM_REQUIREMENT},
        },
    }
    match pool.purchase:
        case plan.OnDemand():
            template["capacity_option_type"] = "ON_DEMAND"
        case plan.Spot():
            template["capacity_option_type"] = "SPOT"
        case plan.ReservationGroup(group_arn):
            template["capacity_option_type"] = "RESERVED"
            template["capacity_reservations"] = (
                {"reservation_group_arn": group_arn, "reservation_preference": "RESERVATIONS_ONLY"}
                if group_arn
                else {"reservation_preference": "RESERVATIONS_FIRST"}
            )
    if pool.local_storage:
        template["local_storage_configuration"] = {"use_local_storage": True}
    elif pool.storage_gib is not None:
        template["storage_configuration"] = {"storage_size_gib": pool.storage_gib}
    return template
