"""Auto Scaling capacity: launch templates, Auto Scaling groups, capacity providers, one cluster."""

import base64
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components.capacity import Capacity, ecs_cluster
from components.network import NetworkOutputs
from components.roles import Roles
from components.security import SecurityGroups
from components.tags import named
from planning import choices, plan, user_data


class AutoScalingCluster(pulumi.ComponentResource):
    """A cluster of Auto Scaling pools, and `capacity` by pool key.

    It has no default strategy: every service names its own, since AWS writes an inherited one
    back and the next refresh fails on it (pulumi/pulumi-aws#5903).
    """

    def __init__(
        self,
        name: str,
        cluster: plan.AutoScalingCluster,
        *,
        region: str,
        tags: plan.Tags,
        roles: Roles,
        network: NetworkOutputs,
        security_groups: SecurityGroups,
        hooks: pulumi.ResourceHookBinding,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("neuron-ecs:components:AutoScalingCluster", name, None, opts)
        self.cluster = ecs_cluster(cluster, region=region, tags=tags, parent=self)
        agent = self._agent(cluster, roles)
        pools = {
            pool.key: AutoScalingPool(
                pool.key,
                pool,
                region=region,
                tags=tags,
                cluster_name=self.cluster.name,
                instance_profile_arn=roles.instance_profile_arn(pool.instance_role),
                subnets=network.subnets(pool.zone_ids),
                security_group=security_groups.instances[cluster.key],
                efa_security_group=security_groups.efa.get(cluster.key),
                after=[
                    agent[pool.instance_role],
                    *roles.attachments(pool.instance_role),
                    *security_groups.rules,
                    *network.ready,
                ],
                opts=pulumi.ResourceOptions(parent=self),
            )
            for pool in cluster.pools
        }
        # Its deletion empties the cluster's list. Replaced the default way round, the old one
        # would go last and take the new one's list with it.
        attachment = aws.ecs.ClusterCapacityProviders(
            cluster.key,
            cluster_name=self.cluster.name,
            capacity_providers=[pool.capacity_provider.name for pool in pools.values()],
            region=region,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True, hooks=hooks),
        )
        self.capacity: Mapping[str, Capacity] = {
            pool.key: Capacity(
                cluster_name=self.cluster.name,
                cluster_arn=self.cluster.arn,
                provider=pools[pool.key].capacity_provider.name,
                subnets=tuple(network.subnets(pool.zone_ids)),
                ready=(pools[pool.key].capacity_provider, attachment),
                steady=not pool.blocks,
            )
            for pool in cluster.pools
        }
        self.groups = {key: pool.group_name for key, pool in pools.items()}
        """Names of the Auto Scaling groups, by key of the pool."""
        self.register_outputs({"name": self.cluster.name})

    def _agent(
        self, cluster: plan.AutoScalingCluster, roles: Roles
    ) -> Mapping[str, pulumi.Resource]:
        """What the instances' roles may do in this cluster, by role key."""
        return {
            role: roles.policy(
                f"{cluster.key}_{role}_{cluster.agent.name}",
                role,
                cluster.agent,
                cluster_arn=self.cluster.arn,
                parent=self,
            )
            for role in cluster.instance_roles
        }


class AutoScalingPool(pulumi.ComponentResource):
    """A pool: launch template, Auto Scaling group, capacity provider, all under the pool's key.

    There is deliberately no instance refresh: it would stop running models whenever the launch
    template changes. New instances take the new template; old ones leave by scaling in or when
    someone drains them.
    """

    def __init__(
        self,
        name: str,
        pool: plan.AutoScalingPool,
        *,
        region: str,
        tags: plan.Tags,
        cluster_name: pulumi.Output[str],
        instance_profile_arn: pulumi.Input[str],
        subnets: Sequence[pulumi.Input[str]],
        security_group: pulumi.Input[str],
        efa_security_group: pulumi.Input[str] | None,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("neuron-ecs:components:AutoScalingPool", name, None, opts)
        labels = named(tags, pool.key)
        template = self._launch_template(
            pool,
            region=region,
            labels=labels,
            cluster_name=cluster_name,
            instance_profile_arn=instance_profile_arn,
            security_groups=[security_group],
            efa_security_groups=[
                group for group in (security_group, efa_security_group) if group is not None
            ],
            after=after,
        )
        group = self._group(pool, region=region, labels=labels, subnets=subnets, template=template)
        self._schedule(pool.sizes, group=group, region=region)
        self.group_name: pulumi.Output[str] = group.name
        self.capacity_provider = self._capacity_provider(
            pool, region=region, labels=labels, group=group
        )
        self.register_outputs({"capacity_provider": self.capacity_provider.name})

    def _launch_template(
        self,
        pool: plan.AutoScalingPool,
        *,
        region: str,
        labels: Mapping[str, str],
        cluster_name: pulumi.Output[str],
        instance_profile_arn: pulumi.Input[str],
        security_groups: Sequence[pulumi.Input[str]],
        efa_security_groups: Sequence[pulumi.Input[str]],
        after: Sequence[pulumi.Resource],
    ) -> aws.ec2.LaunchTemplate:
        market, reservation = bought(pool.purchase)
        interfaces: list[aws.ec2.LaunchTemplateNetworkInterfaceArgsDict] = [
            {
                "network_card_index": interface.network_card_index,
                "device_index": interface.device_index,
                "interface_type": interface.interface_type,
                "security_groups": efa_security_groups,
                "associate_public_ip_address": "false",
                "delete_on_termination": "true",
            }
            for interface in pool.network_interfaces
        ]
        return aws.ec2.LaunchTemplate(
            pool.key,
            image_id=pool.image_id,
            instance_type=pool.instance_type,
            iam_instance_profile={"arn": instance_profile_arn},
            # The cluster's name in the user data is also what ties the instances to the cluster:
            # it cannot be deleted under them.
            user_data=cluster_name.apply(lambda cluster: _encoded(cluster, pool.agent_config)),
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": pool.metadata_hop_limit,
            },
            block_device_mappings=[{"device_name": pool.root_device, "ebs": _root_volume(pool)}],
            # With interfaces in the template, security groups stand on each interface.
            # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RequestLaunchTemplateData.html
            network_interfaces=interfaces or None,
            vpc_security_group_ids=None if interfaces else security_groups,
            instance_market_options=market,
            capacity_reservation_specification=reservation,
            placement=self._placement(pool, region=region, labels=labels),
            update_default_version=True,
            tag_specifications=[
                {"resource_type": kind, "tags": labels}
                for kind in ("instance", "volume", "network-interface")
            ],
            tags=labels,
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _placement(
        self, pool: plan.AutoScalingPool, *, region: str, labels: Mapping[str, str]
    ) -> aws.ec2.LaunchTemplatePlacementArgsDict | None:
        if not pool.placement_group:
            return None
        group = aws.ec2.PlacementGroup(
            pool.key,
            strategy="cluster",
            tags=labels,
            region=region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return {"group_name": group.name}

    def _group(
        self,
        pool: plan.AutoScalingPool,
        *,
        region: str,
        labels: Mapping[str, str],
        subnets: Sequence[pulumi.Input[str]],
        template: aws.ec2.LaunchTemplate,
    ) -> aws.autoscaling.Group:
        return aws.autoscaling.Group(
            pool.key,
            min_size=pool.min_size,
            max_size=pool.max_size,
            # No desired capacity: ECS moves it, and a stated one would be put back at each update.
            # `$Latest` would hide a new template from the group; its number does not.
            launch_template={
                "id": template.id,
                "version": template.latest_version.apply(str),
            },
            vpc_zone_identifiers=subnets,
            capacity_reservation_specification=preferred(pool.purchase),
            health_check_type="EC2",
            protect_from_scale_in=pool.managed_scaling,
            capacity_rebalance=isinstance(pool.purchase, plan.Spot),
            # Rebalancing between zones terminates instances that serve.
            # https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
            suspended_processes=["AZRebalance"],
            enabled_metrics=[aws.autoscaling.Metric(name) for name in pool.metrics] or None,
            default_instance_warmup=choices.INSTANCE_WARMUP_SECONDS,
            wait_for_capacity_timeout=choices.CAPACITY_WAIT,
            tags=[
                {"key": key, "value": value, "propagate_at_launch": True}
                # ECS adds this tag itself; left undeclared, the next update would remove it.
                for key, value in {**labels, "AmazonECSManaged": ""}.items()
            ],
            region=region,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _schedule(
        self, sizes: Sequence[plan.SizeAt], *, group: aws.autoscaling.Group, region: str
    ) -> None:
        """Builds the scheduled actions, one after the other.

        AWS refuses some of those that are made for one group at the same time
        (https://github.com/TerraConstructs/base/issues/127).
        """
        earlier: list[pulumi.Resource] = []
        for size in sizes:
            action = aws.autoscaling.Schedule(
                size.key,
                scheduled_action_name=size.key,
                autoscaling_group_name=group.name,
                recurrence=size.recurrence,
                time_zone="UTC",
                desired_capacity=size.instances,
                min_size=choices.SIZE_AS_IT_IS,
                max_size=choices.SIZE_AS_IT_IS,
                region=region,
                # The provider would send the next start as it was when the action was made, which
                # AWS refuses once it is past
                # (https://github.com/hashicorp/terraform-provider-aws/issues/38983).
                opts=pulumi.ResourceOptions(
                    parent=self,
                    depends_on=list(earlier),
                    replace_on_changes=["desiredCapacity"],
                    delete_before_replace=True,
                ),
            )
            earlier = [action]

    def _capacity_provider(
        self,
        pool: plan.AutoScalingPool,
        *,
        region: str,
        labels: Mapping[str, str],
        group: aws.autoscaling.Group,
    ) -> aws.ecs.CapacityProvider:
        status = "ENABLED" if pool.managed_scaling else "DISABLED"
        # No explicit name: the bridge would then delete before it replaces, while services and the
        # cluster still use the provider.
        return aws.ecs.CapacityProvider(
            pool.key,
            auto_scaling_group_provider={
                "auto_scaling_group_arn": group.arn,
                "managed_scaling": {
                    "status": status,
                    "target_capacity": pool.target_capacity,
                    "minimum_scaling_step_size": choices.MINIMUM_SCALING_STEP,
                    "maximum_scaling_step_size": pool.maximum_scaling_step,
                    "instance_warmup_period": choices.INSTANCE_WARMUP_SECONDS,
                },
                "managed_termination_protection": status,
                "managed_draining": "ENABLED",
            },
            tags=labels,
            region=region,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _root_volume(
    pool: plan.AutoScalingPool,
) -> aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgsDict:
    volume: aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgsDict = {
        "volume_type": "gp3",
        "volume_size": pool.root_volume_gib,
        "encrypted": "true",
        "delete_on_termination": "true",
    }
    if pool.kms_key:
        volume["kms_key_id"] = pool.kms_key
    return volume


def _encoded(cluster: str, agent_config: plan.Tags) -> str:
    return base64.b64encode(user_data.render(cluster, agent_config).encode()).decode()


def preferred(
    purchase: plan.OnDemand | plan.Spot | plan.CapacityReservation | plan.CapacityBlock,
) -> aws.autoscaling.GroupCapacityReservationSpecificationArgsDict | None:
    """The reservation that a group tries first. A launch template has no such preference.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CapacityReservationSpecification.html
    """
    match purchase:
        case plan.CapacityReservation(reservation_id, fallback=True):
            return {
                "capacity_reservation_preference": "capacity-reservations-first",
                "capacity_reservation_target": {"capacity_reservation_ids": [reservation_id]},
            }
        case _:
            return None


def bought(
    purchase: plan.OnDemand | plan.Spot | plan.CapacityReservation | plan.CapacityBlock,
) -> tuple[
    aws.ec2.LaunchTemplateInstanceMarketOptionsArgsDict | None,
    aws.ec2.LaunchTemplateCapacityReservationSpecificationArgsDict | None,
]:
    """Market and reservation of the launch template.

    A target and a preference are alternatives: a targeted reservation is the only one used, and a
    launch fails where it has no room.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateCapacityReservationSpecificationRequest.html
    """
    match purchase:
        case plan.OnDemand():
            return None, None
        case plan.Spot():
            return {"market_type": "spot"}, None
        case plan.CapacityReservation(fallback=True):
            return None, None  # the group's own specification counts where the template has none
        case plan.CapacityReservation(reservation_id):
            return None, _target(reservation_id)
        case plan.CapacityBlock(reservation_id):
            return {"market_type": "capacity-block"}, _target(reservation_id)


def _target(
    reservation_id: str,
) -> aws.ec2.LaunchTemplateCapacityReservationSpecificationArgsDict:
    return {"capacity_reservation_target": {"capacity_reservation_id": reservation_id}}
