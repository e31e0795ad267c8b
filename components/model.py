"""A model in a Region: its services, and its place behind the load balancer."""

from collections.abc import Iterator, Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components.alarms import Names
from components.capacity import Capacity
from components.logs import log_group
from components.scaling import scaling_policy, scheduled_action
from components.tags import named
from components.traffic import LoadBalancer
from components.workload import RegionContext, task_definition
from planning import choices, plan


class ModelComponent(pulumi.ComponentResource):
    """A service for each slot that the model has, all in the same target groups.

    Scaling policies move the replicas between minimum and maximum where the stack file says so. The
    engine leaves the count of such a service alone. Application Auto Scaling moves a count that is
    outside of new limits into them, as soon as they are registered
    (https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html).
    """

    def __init__(
        self,
        name: str,
        model: plan.ModelPlan,
        *,
        load_balancers: Sequence[LoadBalancer],
        vpc_id: pulumi.Input[str],
        namespace_id: pulumi.Input[str] | None = None,
        within: RegionContext,
        wait_for_steady_state: bool,
        hooks: pulumi.ResourceHookBinding,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("neuron-ecs:components:Model", name, None, opts)
        self._within = within
        self._namespace_id = namespace_id
        self._wait = wait_for_steady_state
        self._hooks = hooks
        self.urls: dict[str, pulumi.Output[str]] = {}
        self.global_urls: dict[str, str] = {}
        self.target_groups = {
            group.key: self._target_group(group, vpc_id=vpc_id)
            for group in (_groups(model) if load_balancers else ())
        }
        self.services: dict[str, aws.ecs.Service] = {}
        self.task_definitions: dict[str, aws.ecs.TaskDefinition] = {}

    def listen(
        self,
        model: plan.ModelPlan,
        *,
        load_balancer: LoadBalancer,
        groups: Mapping[str, aws.lb.TargetGroup],
        second: bool,
    ) -> Iterator[tuple[str, aws.lb.ListenerRule]]:
        """Builds the rules of the model, and yields each with the target groups that it names.

        `groups` are those of all models of the Region, `second` says that it is the load balancer
        of the other scheme.
        """
        for group in model.second_target_groups if second else model.target_groups:
            for name, one in group.names(model.called(group)).items():
                made: dict[str, aws.lb.ListenerRule] = {}
                for rule in one.rules:
                    forward = _forward(rule, self.target_groups[group.key], groups)
                    before = [made[rule.after]] if rule.after else []
                    built = self._rule(rule, forward, listener=load_balancer, before=before)
                    made[rule.key] = built
                    for key in {group.key, *(share.target_group for share in rule.shares)}:
                        yield key, built
                url = pulumi.Output.concat(
                    load_balancer.scheme, "://", one.host or load_balancer.dns_name, one.path_prefix
                )
                self.urls.setdefault(name, url)

    def serve(
        self,
        model: plan.ModelPlan,
        *,
        capacity: Mapping[str, Capacity],
        known: Names,
        rules: Mapping[str, Sequence[pulumi.Resource]],
    ) -> None:
        """Builds the services. `rules` are those that name a target group, by its key."""
        within = self._within
        logs = log_group(model.log_group, region=within.region, tags=within.tags, parent=self)
        targets = [
            (group, self.target_groups[group.key])
            for group in _groups(model)
            if group.key in self.target_groups
        ]
        first = [rule for group, _ in targets for rule in rules.get(group.key, ())]
        for service in model.services:
            definition = task_definition(
                service.task_definition, logs=logs, within=within, parent=self
            )
            self.task_definitions[service.task_definition.key] = definition
            built = self._service(
                service,
                definition=definition,
                capacity=capacity[service.pool],
                targets=targets,
                after=[*first, *(self.services[key] for key in service.after)],
            )
            self.services[service.key] = built
            if service.scaling is not None:
                self._scaling(
                    service.scaling,
                    cluster=capacity[service.pool].cluster_name,
                    service=built,
                    known=known,
                )
        self.register_outputs(
            {
                "url": self.urls.get(model.name),
                "services": {key: service.name for key, service in self.services.items()},
            }
        )

    def _target_group(
        self, group: plan.TargetGroup, *, vpc_id: pulumi.Input[str]
    ) -> aws.lb.TargetGroup:
        # The engine names it: a group in use must be replaced before it is deleted.
        return aws.lb.TargetGroup(
            group.key,
            vpc_id=vpc_id,
            target_type=group.target_type,
            port=group.port,
            protocol="HTTP",
            protocol_version="HTTP1",  # clients of HTTP/1.1 fail on an HTTP2 group
            # Answers differ in length by orders of magnitude. It excludes slow start.
            # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
            load_balancing_algorithm_type="least_outstanding_requests",
            deregistration_delay=group.deregistration_delay_seconds,
            health_check={
                "protocol": "HTTP",
                "port": "traffic-port",
                "path": group.health_path,
                "matcher": choices.HEALTHY_STATUS,
                "interval": group.health_interval_seconds,
                "timeout": group.health_timeout_seconds,
                "healthy_threshold": choices.HEALTHY_THRESHOLD,
                "unhealthy_threshold": group.unhealthy_threshold,
            },
            tags=named(self._within.tags, group.key),
            region=self._within.region,
            # ECS registers each task with its own port. The group's is for targets without one, and
            # AWS does not change it: the group stays, and tasks of the old port answer beside the
            # new ones.
            # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["port"]),
        )

    def _rule(
        self,
        rule: plan.ListenerRule,
        forward: aws.lb.ListenerRuleActionArgsDict,
        *,
        listener: LoadBalancer,
        before: Sequence[pulumi.Resource],
    ) -> aws.lb.ListenerRule:
        return aws.lb.ListenerRule(
            rule.key,
            listener_arn=listener.listener_arn,
            # No priority: AWS gives the next free one. No two rules take one request, but for those
            # that are made one after the other.
            conditions=[
                {"path_pattern": {"values": rule.paths}},
                *([{"host_header": {"values": rule.hosts}}] if rule.hosts else []),
            ],
            transforms=_without(rule.prefix) if rule.prefix else None,
            actions=[*([_checked(rule.token)] if rule.token else []), forward],
            tags=named(self._within.tags, rule.key),
            region=self._within.region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(before)),
        )

    def _service(
        self,
        service: plan.Service,
        *,
        definition: aws.ecs.TaskDefinition,
        capacity: Capacity,
        targets: Sequence[tuple[plan.TargetGroup, aws.lb.TargetGroup]],
        after: list[pulumi.Resource],
    ) -> aws.ecs.Service:
        within = self._within
        return aws.ecs.Service(
            service.key,
            cluster=capacity.cluster_arn,
            task_definition=definition.arn,
            # A strategy excludes a launch type, and never changes on a live service: forcing a new
            # deployment for it would restart the tasks at every later update as well.
            capacity_provider_strategies=[
                {
                    "capacity_provider": capacity.provider,
                    "weight": choices.STRATEGY_WEIGHT,
                    "base": choices.STRATEGY_BASE,
                }
            ],
            desired_count=service.desired_count,
            # AWS enables it on new services, and it excludes a maximum of 100 percent.
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html
            availability_zone_rebalancing="DISABLED",
            deployment_circuit_breaker={"enable": True, "rollback": True},
            # By name: an alarm is made when the services are steady, and ECS takes names of none.
            # https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_ecs.DeploymentAlarmOptions.html
            alarms=(
                {"alarm_names": service.alarms, "enable": True, "rollback": True}
                if service.alarms
                else None
            ),
            deployment_minimum_healthy_percent=service.minimum_healthy_percent,
            deployment_maximum_percent=service.maximum_percent,
            placement_constraints=(
                [{"type": "distinctInstance"}] if service.distinct_instance else None
            ),
            ordered_placement_strategies=_strategies(service) or None,
            network_configuration=self._network(service, capacity),
            load_balancers=_registration(service, targets) or None,
            service_registries=self._registry(service.registry),
            health_check_grace_period_seconds=service.grace_seconds,
            volume_configuration=self._ebs_volume(service.task_definition.ebs_volume),
            enable_execute_command=service.exec,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            wait_for_steady_state=self._wait and capacity.steady,
            tags=named(within.tags, service.key),
            region=within.region,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[
                    *capacity.ready,
                    *within.roles.attachments(
                        service.task_definition.task_role,
                        service.task_definition.execution_role,
                        *(v.role for v in (service.task_definition.ebs_volume,) if v),
                    ),
                    *after,
                ],
                custom_timeouts=_timeouts(service.timeouts),
                ignore_changes=["desiredCount"] if service.scaled else [],
                hooks=self._hooks,
            ),
        )

    def _registry(
        self, registry: plan.Registry | None
    ) -> aws.ecs.ServiceServiceRegistriesArgsDict | None:
        if registry is None or self._namespace_id is None:
            return None
        built = aws.servicediscovery.Service(
            registry.key,
            name=registry.label,
            dns_config={
                "namespace_id": self._namespace_id,
                "dns_records": [{"type": registry.record, "ttl": choices.REGISTRY_TTL_SECONDS}],
                "routing_policy": "MULTIVALUE",
            },
            # ECS reports the health of tasks. The provider sends no empty block, and AWS takes this
            # number alone: botocore 1.44.5, HealthCheckCustomConfig.FailureThreshold.
            health_check_custom_config={"failure_threshold": choices.REGISTRY_FAILURES},
            # ECS takes tasks out some time after they stop; with one left AWS keeps the service.
            force_destroy=True,
            tags=named(self._within.tags, registry.key),
            region=self._within.region,
            # Another record type needs a new service, of the same name.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        found: aws.ecs.ServiceServiceRegistriesArgsDict = {"registry_arn": built.arn}
        if registry.container and registry.port is not None:
            found["container_name"] = registry.container
            found["container_port"] = registry.port
        return found

    def _ebs_volume(
        self, volume: plan.EbsVolume | None
    ) -> aws.ecs.ServiceVolumeConfigurationArgsDict | None:
        if volume is None:
            return None
        managed: aws.ecs.ServiceVolumeConfigurationManagedEbsVolumeArgsDict = {
            "role_arn": self._within.roles.arns[volume.role],
            "encrypted": True,
            "volume_type": choices.VOLUME_TYPE,
            "file_system_type": volume.file_system_type,
            "tag_specifications": [{"resource_type": "volume", "propagate_tags": "SERVICE"}],
        }
        if volume.kms_key:
            managed["kms_key_id"] = volume.kms_key
        if volume.size_gib:
            managed["size_in_gb"] = volume.size_gib
        if volume.snapshot_id:
            managed["snapshot_id"] = volume.snapshot_id
        if volume.initialization_rate_mib:
            managed["volume_initialization_rate"] = volume.initialization_rate_mib
        if volume.iops:
            managed["iops"] = volume.iops
        if volume.throughput_mib:
            managed["throughput"] = volume.throughput_mib
        return {"name": volume.name, "managed_ebs_volume": managed}

    def _network(
        self, service: plan.Service, capacity: Capacity
    ) -> aws.ecs.ServiceNetworkConfigurationArgsDict | None:
        if service.task_definition.network_mode != "awsvpc":
            return None
        return {
            "subnets": capacity.subnets,
            "security_groups": self._within.security_groups,
            "assign_public_ip": False,
        }

    def _scaling(
        self,
        scaling: plan.Scaling,
        *,
        cluster: pulumi.Output[str],
        service: aws.ecs.Service,
        known: Names,
    ) -> None:
        target = aws.appautoscaling.Target(
            scaling.key,
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=pulumi.Output.concat("service/", cluster, "/", service.name),
            min_capacity=scaling.min_capacity,
            max_capacity=scaling.max_capacity,
            tags=named(self._within.tags, scaling.key),
            region=self._within.region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        for policy in scaling.policies:
            scaling_policy(policy, target=target, known=known, within=self._within, parent=self)
        for limits in scaling.schedule:
            scheduled_action(limits, target=target, region=self._within.region, parent=self)


def _groups(model: plan.ModelPlan) -> tuple[plan.TargetGroup, ...]:
    """Those of both load balancers, while there are two."""
    return (*model.target_groups, *model.second_target_groups)


def _forward(
    rule: plan.ListenerRule,
    own: aws.lb.TargetGroup,
    groups: Mapping[str, aws.lb.TargetGroup],
) -> aws.lb.ListenerRuleActionArgsDict:
    if not rule.shares:
        return {"type": "forward", "target_group_arn": own.arn}
    shares: list[aws.lb.ListenerRuleActionForwardTargetGroupArgsDict] = [
        {"arn": groups[share.target_group].arn, "weight": share.weight} for share in rule.shares
    ]
    return {"type": "forward", "forward": {"target_groups": shares}}


def _checked(token: plan.TokenCheck) -> aws.lb.ListenerRuleActionArgsDict:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-verify-jwt.html"""
    check: aws.lb.ListenerRuleActionJwtValidationArgsDict = {
        "issuer": token.issuer,
        "jwks_endpoint": token.key_set,
    }
    if token.claims:
        check["additional_claims"] = [
            {"name": claim.name, "format": claim.format, "values": claim.values}
            for claim in token.claims
        ]
    return {"type": "jwt-validation", "jwt_validation": check}


def _without(prefix: str) -> list[aws.lb.ListenerRuleTransformArgsDict]:
    """The model gets the path without its prefix.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-transforms.html
    """
    rewrite: aws.lb.ListenerRuleTransformUrlRewriteConfigRewriteArgsDict = {
        "regex": f"^{prefix}/?(.*)$",
        "replace": "/$1",
    }
    return [{"type": "url-rewrite", "url_rewrite_config": {"rewrite": rewrite}}]


def _registration(
    service: plan.Service, targets: Sequence[tuple[plan.TargetGroup, aws.lb.TargetGroup]]
) -> list[aws.ecs.ServiceLoadBalancerArgsDict]:
    return [
        {
            "target_group_arn": target.arn,
            "container_name": "-".join(filter(None, (service.container_name, group.sidecar))),
            "container_port": group.port,
        }
        for group, target in targets
    ]


def _timeouts(timeouts: plan.Timeouts) -> pulumi.CustomTimeouts:
    return pulumi.CustomTimeouts(
        create=f"{timeouts.create_minutes}m",
        update=f"{timeouts.update_minutes}m",
        delete=f"{timeouts.delete_minutes}m",
    )


def _strategies(service: plan.Service) -> list[aws.ecs.ServiceOrderedPlacementStrategyArgsDict]:
    """Over the zones first, where the plan says so; then on as few instances as possible."""
    found: list[aws.ecs.ServiceOrderedPlacementStrategyArgsDict] = []
    if service.spread_zones:
        found.append({"type": "spread", "field": "attribute:ecs.availability-zone"})
    if service.pack:
        found.append({"type": "binpack", "field": "memory"})
    return found
