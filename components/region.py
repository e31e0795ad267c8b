"""Everything in one Region, wired together."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components import alarms, names, network
from components.auto_scaling import AutoScalingCluster
from components.capacity import Capacity
from components.daemons import DaemonComponent
from components.files import Directory, Files
from components.job import JobComponent
from components.managed_instances import ManagedInstancesCluster
from components.model import ModelComponent
from components.network import NetworkOutputs, OwnNetwork
from components.roles import Roles
from components.security import SecurityGroups
from components.tags import named
from components.traffic import LoadBalancer
from components.workload import RegionContext
from planning import plan
from planning.alarms import NameOf


class RegionComponent(pulumi.ComponentResource):
    """A Region's network, capacity and workloads. Nothing in it refers to another Region.

    The Region of a resource is not inherited from its parent: every child states its own.
    """

    def __init__(
        self,
        name: str,
        region: plan.RegionPlan,
        *,
        tags: plan.Tags,
        roles: Roles,
        wait_for_steady_state: bool,
        hooks: pulumi.ResourceHookBinding,
        certificate: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("neuron-ecs:components:Region", name, None, opts)
        built = self._network(region.network, region=region.name, tags=tags, roles=roles)
        groups = SecurityGroups(
            region.name,
            region,
            vpc_id=built.vpc_id,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._known: dict[NameOf, pulumi.Input[str]] = {}  # for scaling, alarms and rules of events
        self.clusters: dict[str, pulumi.Output[str]] = {}
        self.capacity: Mapping[str, Capacity] = self._capacity(
            region, tags=tags, roles=roles, network=built, groups=groups, hooks=hooks
        )
        balancers = self._load_balancers(
            region, tags=tags, network=built, groups=groups, certificate=certificate
        )
        self._associate(region, built.vpc_id)
        within = RegionContext(
            region=region.name,
            tags=tags,
            roles=roles,
            tasks_security_group=groups.tasks,
            directories=self._directories(
                region, tags=tags, roles=roles, network=built, groups=groups
            ),
        )
        namespace_id = self._namespace(region, tags=tags, vpc_id=built.vpc_id)
        self.models = {
            model.name: ModelComponent(
                model.key,
                model,
                load_balancers=balancers,
                vpc_id=built.vpc_id,
                namespace_id=namespace_id,
                within=within,
                wait_for_steady_state=wait_for_steady_state,
                hooks=hooks,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for model in region.models
        }
        self._serve(region, balancers, tags=tags)
        self.jobs = {
            job.name: JobComponent(
                job.key,
                job,
                region=region,
                capacity=self.capacity[job.pool],
                within=within,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for job in region.jobs
        }
        self.daemons = self._daemons(region, within)
        self.topic_arn = self._topic(region, tags=tags, roles=roles)
        self._watch(region, tags=tags)
        self.register_outputs({"clusters": self.clusters})

    def _serve(
        self, region: plan.RegionPlan, balancers: list[LoadBalancer], *, tags: plan.Tags
    ) -> None:
        """A rule can name the target groups of several models, and their services wait for it."""
        groups = {k: group for m in self.models.values() for k, group in m.target_groups.items()}
        rules: dict[str, list[pulumi.Resource]] = {}
        for balancer in balancers:
            for model in region.models:
                made = self.models[model.name].listen(
                    model,
                    load_balancer=balancer,
                    groups=groups,
                    second=balancer is not balancers[0],
                )
                for key, rule in made:
                    rules.setdefault(key, []).append(rule)
        for key, group in groups.items():
            self._known[NameOf("target_group", key)] = group.arn_suffix
        for model in region.models:
            built = self.models[model.name]
            built.serve(model, capacity=self.capacity, known=self._known, rules=rules)
            for key, service in built.services.items():
                self._known[NameOf("service", key)] = service.name
        if balancers:
            self._name_everywhere(region, balancers[0], tags=tags)

    def _name_everywhere(
        self, region: plan.RegionPlan, balancer: LoadBalancer, *, tags: plan.Tags
    ) -> None:
        for model in region.models:
            for called, everywhere, _ in model.names_everywhere:
                url = f"{balancer.scheme}://{everywhere.host}"
                self.models[model.name].global_urls[called] = url
                names.everywhere(
                    everywhere,
                    alias=balancer.alias,
                    known=self._known,
                    region=region.name,
                    tags=tags,
                    parent=self.models[model.name],
                    after=[
                        *balancer.certificates,
                        *(
                            service
                            for other in self.models.values()
                            if everywhere.target_group in other.target_groups
                            for service in other.services.values()
                        ),
                    ],
                )

    def _daemons(
        self, region: plan.RegionPlan, within: RegionContext
    ) -> Mapping[str, DaemonComponent]:
        pools = region.auto_scaling.pools if region.auto_scaling else ()
        return {
            daemon.key: DaemonComponent(
                daemon.key,
                daemon,
                cluster_arn=self._known[NameOf("cluster_arn", daemon.cluster)],
                within=within,
                after=[ready for pool in pools for ready in self.capacity[pool.key].ready],
                opts=pulumi.ResourceOptions(parent=self),
            )
            for daemon in region.daemons
        }

    def _namespace(
        self, region: plan.RegionPlan, *, tags: plan.Tags, vpc_id: pulumi.Input[str]
    ) -> pulumi.Output[str] | None:
        if region.namespace is None:
            return None
        return aws.servicediscovery.PrivateDnsNamespace(
            region.namespace.key,
            name=region.namespace.name,
            vpc=vpc_id,
            tags=named(tags, region.namespace.key),
            region=region.name,
            opts=pulumi.ResourceOptions(parent=self),
        ).id

    def _topic(
        self, region: plan.RegionPlan, *, tags: plan.Tags, roles: Roles
    ) -> pulumi.Output[str] | None:
        if region.topic is None:
            return None
        arn = alarms.topic(
            region.topic,
            policy=roles.document(region.topic.policy),
            region=region.name,
            tags=tags,
            parent=self,
        )
        self._known[NameOf("topic", region.topic.key)] = arn
        return arn

    def _name_cluster(self, key: str, cluster: aws.ecs.Cluster) -> None:
        self._known[NameOf("cluster", key)] = cluster.name
        self._known[NameOf("cluster_arn", key)] = cluster.arn
        self._known[NameOf("cluster_services", key)] = cluster.arn.apply(
            lambda arn: arn.replace(":cluster/", ":service/") + "/"
        )

    def _watch(self, region: plan.RegionPlan, *, tags: plan.Tags) -> None:
        services = {k: s for model in self.models.values() for k, s in model.services.items()}
        for described in region.alarms:
            alarms.alarm(
                described,
                known=self._known,
                region=region.name,
                tags=tags,
                parent=self,
                after=[services[key] for key in described.after],
            )
        for rule in region.event_rules:
            name = alarms.event_rule(
                rule, known=self._known, region=region.name, tags=tags, parent=self
            )
            self._known[NameOf("event_rule", rule.key)] = name
        if region.dashboard is not None:
            alarms.dashboard(region.dashboard, known=self._known, region=region.name, parent=self)

    def _network(
        self, described: plan.Network, *, region: str, tags: plan.Tags, roles: Roles
    ) -> NetworkOutputs:
        match described:
            case plan.GivenNetwork():
                return network.given(described)
            case plan.OwnNetwork():
                return OwnNetwork(
                    described.key,
                    described,
                    region=region,
                    tags=tags,
                    s3_policy=roles.document(described.s3_policy),
                    opts=pulumi.ResourceOptions(parent=self),
                ).outputs

    def _capacity(
        self,
        region: plan.RegionPlan,
        *,
        tags: plan.Tags,
        roles: Roles,
        network: NetworkOutputs,
        groups: SecurityGroups,
        hooks: pulumi.ResourceHookBinding,
    ) -> Mapping[str, Capacity]:
        capacity: dict[str, Capacity] = {}
        if region.auto_scaling is not None:
            auto_scaling = AutoScalingCluster(
                region.auto_scaling.key,
                region.auto_scaling,
                region=region.name,
                tags=tags,
                roles=roles,
                network=network,
                security_groups=groups,
                hooks=hooks,
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.clusters[region.auto_scaling.kind] = auto_scaling.cluster.name
            self._name_cluster(region.auto_scaling.key, auto_scaling.cluster)
            for key, group in auto_scaling.groups.items():
                self._known[NameOf("auto_scaling_group", key)] = group
                provider = auto_scaling.capacity[key].provider
                self._known[NameOf("capacity_provider", key)] = provider
                self._known[NameOf("capacity_provider_arn", key)] = pulumi.Output.format(
                    "{}:capacity-provider/{}",
                    auto_scaling.cluster.arn.apply(lambda arn: arn.partition(":cluster/")[0]),
                    provider,
                )
            capacity.update(auto_scaling.capacity)
        if region.managed_instances is not None:
            managed = ManagedInstancesCluster(
                region.managed_instances.key,
                region.managed_instances,
                region=region.name,
                tags=tags,
                roles=roles,
                network=network,
                security_groups=groups,
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.clusters[region.managed_instances.kind] = managed.cluster.name
            self._name_cluster(region.managed_instances.key, managed.cluster)
            capacity.update(managed.capacity)
        return capacity

    def _directories(
        self,
        region: plan.RegionPlan,
        *,
        tags: plan.Tags,
        roles: Roles,
        network: NetworkOutputs,
        groups: SecurityGroups,
    ) -> Mapping[str, Directory]:
        found: dict[str, Directory] = {}
        for system in region.file_systems:
            files = Files(
                system.key,
                system,
                region=region.name,
                tags=tags,
                roles=roles,
                network=network,
                security_groups=groups,
                opts=pulumi.ResourceOptions(parent=self),
            )
            found.update(files.directories)
        return found

    def _load_balancers(
        self,
        region: plan.RegionPlan,
        *,
        tags: plan.Tags,
        network: NetworkOutputs,
        groups: SecurityGroups,
        certificate: pulumi.Input[str] | None,
    ) -> list[LoadBalancer]:
        found: list[LoadBalancer] = []
        for described in region.balancers:
            assert groups.load_balancer is not None
            built = LoadBalancer(
                described.key,
                described,
                region=region.name,
                tags=tags,
                subnets=network.subnets(described.zone_ids, public=described.public),
                security_group=groups.load_balancer,
                after=network.open if described.public else (),
                certificate=certificate,
                first=found[0] if found else None,
                opts=pulumi.ResourceOptions(parent=self),
            )
            self._known[NameOf("load_balancer", described.key)] = built.metric_name
            found.append(built)
        return found

    def _associate(self, region: plan.RegionPlan, vpc_id: pulumi.Input[str]) -> None:
        """Lets a private hosted zone answer in the Region's VPC."""
        names = region.load_balancer.names if region.load_balancer else None
        if names is not None and names.associated:
            aws.route53.ZoneAssociation(
                names.key,
                zone_id=names.zone_id,
                vpc_id=vpc_id,
                vpc_region=region.name,
                opts=pulumi.ResourceOptions(parent=self),
            )
