"""The Region's security groups. Each rule is a resource with a name that says what it allows."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.tags import named
from planning import choices, plan


class SecurityGroups(pulumi.ComponentResource):
    """The groups of the load balancer, the instances, the tasks and EFA, with their rules.

    `instances`, by cluster key: the load balancer reaches the host ports that serve. `tasks`: tasks
    with a network interface of their own. `efa`, by cluster key: EFA traffic. `files`, by key of
    the file system: its mount targets. Ports are open to other workloads only where a model has a
    name in the network; device locks stay closed. Resources that launch instances or tasks depend
    on `rules`, because no group id refers to them.
    """

    def __init__(
        self,
        name: str,
        region: plan.RegionPlan,
        *,
        vpc_id: pulumi.Input[str],
        tags: plan.Tags,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("neuron-ecs:components:SecurityGroups", name, None, opts)
        self._region = region.name
        self._vpc_id = vpc_id
        self._tags = tags
        self.rules: list[pulumi.Resource] = []
        self.load_balancer: pulumi.Output[str] | None = None
        self.tasks: pulumi.Output[str] | None = None
        self.instances: Mapping[str, pulumi.Output[str]] = {}
        self.efa: Mapping[str, pulumi.Output[str]] = {}

        if region.load_balancer is not None:
            self.load_balancer = self._load_balancer(region.load_balancer)
        if region.awsvpc:
            self.tasks = self._tasks(f"{name}_tasks", ports=region.task_ports)
        if region.auto_scaling is not None:
            cluster = region.auto_scaling
            self.instances = self._instances(cluster)
            if any(pool.network_interfaces for pool in cluster.pools):
                self.efa = {cluster.key: self._efa(f"{cluster.key}_efa")}
        if region.managed_instances is not None:
            self.instances = {**self.instances, **self._instances(region.managed_instances)}
        self.files: Mapping[str, pulumi.Output[str]] = {
            system.key: self._files(region, system)
            for system in region.file_systems
            if not system.given_id
        }
        if region.namespace is not None:
            self._openings(region, region.namespace)
        self.register_outputs(
            {
                "load_balancer": self.load_balancer,
                "tasks": self.tasks,
                "instances": self.instances,
                "efa": self.efa,
            }
        )

    def _load_balancer(self, balancer: plan.LoadBalancer) -> pulumi.Output[str]:
        key = balancer.security_group
        group = self._group(key, "Callers of the models")
        for cidr in balancer.allow_cidrs:
            self._ingress(
                f"{key}_from_{cidr.replace('/', '-')}",
                group=group,
                description=f"Callers in {cidr}",
                ports=(balancer.port, balancer.port),
                cidr=cidr,
            )
        for caller in balancer.allow_security_groups:
            self._ingress(
                f"{key}_from_{caller}",
                group=group,
                description=f"Callers in {caller}",
                ports=(balancer.port, balancer.port),
                source=caller,
            )
        return group

    def _instances(self, cluster: plan.Cluster) -> Mapping[str, pulumi.Output[str]]:
        key = f"{cluster.key}_instances"
        group = self._group(key, "Container instances")
        self._egress_anywhere(key, group)
        for ports in cluster.serving_ports:
            self._from_load_balancer(key, group, ports)
        return {cluster.key: group}

    def _tasks(self, key: str, *, ports: tuple[int, ...]) -> pulumi.Output[str]:
        group = self._group(key, "Tasks with a network interface of their own")
        self._egress_anywhere(key, group)
        for port in ports:
            self._from_load_balancer(key, group, (port, port))
        return group

    def _files(self, region: plan.RegionPlan, system: plan.FileSystem) -> pulumi.Output[str]:
        """Mount targets take NFS of those that mount the file system, and nothing else."""
        group = self._group(system.key, "Mount targets of a file system")
        clients = self._own(region)
        for client in system.clients:
            self._ingress(
                f"{system.key}_from_{client.replace('_', '-')}",
                group=group,
                description="NFS of what mounts the file system",
                ports=(choices.NFS_PORT, choices.NFS_PORT),
                source=clients[client],
            )
        return group

    def _own(self, region: plan.RegionPlan) -> Mapping[str, pulumi.Output[str]]:
        """The groups that tasks send from, by kind of capacity, or `tasks`."""
        found = {
            cluster.kind: self.instances[cluster.key]
            for cluster in (region.auto_scaling, region.managed_instances)
            if cluster is not None
        }
        return found if self.tasks is None else {**found, "tasks": self.tasks}

    def _openings(self, region: plan.RegionPlan, namespace: plan.Namespace) -> None:
        """Tasks of the stack reach those that have a name, and nobody else does."""
        groups = self._own(region)
        for opening in namespace.openings:
            low, high = opening.ports
            to = opening.to.replace("_", "-")
            for source, group in groups.items():
                self._ingress(
                    f"{namespace.key}_{to}_{low}-{high}_from_{source.replace('_', '-')}",
                    group=groups[opening.to],
                    description="Tasks that call a model by its name in the network",
                    ports=opening.ports,
                    source=group,
                )

    def _efa(self, key: str) -> pulumi.Output[str]:
        """EFA bypasses the kernel: it needs all traffic to and from the group itself, by id.

        A CIDR does not match it.
        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-start.html
        """
        group = self._group(key, "EFA between instances")
        self._rules(
            aws.vpc.SecurityGroupIngressRule(
                key,
                security_group_id=group,
                description="EFA from the group itself",
                ip_protocol=choices.ALL_PROTOCOLS,
                referenced_security_group_id=group,
                tags=named(self._tags, key),
                region=self._region,
                opts=pulumi.ResourceOptions(parent=self),
            ),
            aws.vpc.SecurityGroupEgressRule(
                key,
                security_group_id=group,
                description="EFA to the group itself",
                ip_protocol=choices.ALL_PROTOCOLS,
                referenced_security_group_id=group,
                tags=named(self._tags, key),
                region=self._region,
                opts=pulumi.ResourceOptions(parent=self),
            ),
        )
        return group

    def _group(self, key: str, description: str) -> pulumi.Output[str]:
        return aws.ec2.SecurityGroup(
            key,
            vpc_id=self._vpc_id,
            description=description,
            tags=named(self._tags, key),
            region=self._region,
            opts=pulumi.ResourceOptions(parent=self),
        ).id

    def _from_load_balancer(
        self, key: str, group: pulumi.Output[str], ports: tuple[int, int]
    ) -> None:
        """The two rules that let the load balancer reach a group; none without a load balancer."""
        if self.load_balancer is None:
            return
        low, high = ports
        self._ingress(
            f"{key}_from_load-balancer_{low}-{high}",
            group=group,
            description="Requests and health checks of the load balancer",
            ports=ports,
            source=self.load_balancer,
        )
        name = f"{key}_load-balancer-out_{low}-{high}"
        self._rules(
            aws.vpc.SecurityGroupEgressRule(
                name,
                security_group_id=self.load_balancer,
                description="Requests and health checks",
                ip_protocol="tcp",
                from_port=low,
                to_port=high,
                referenced_security_group_id=group,
                tags=named(self._tags, name),
                region=self._region,
                opts=pulumi.ResourceOptions(parent=self),
            )
        )

    def _ingress(
        self,
        name: str,
        *,
        group: pulumi.Input[str],
        description: str,
        ports: tuple[int, int],
        cidr: str | None = None,
        source: pulumi.Input[str] | None = None,
    ) -> None:
        low, high = ports
        self._rules(
            aws.vpc.SecurityGroupIngressRule(
                name,
                security_group_id=group,
                description=description,
                ip_protocol="tcp",
                from_port=low,
                to_port=high,
                cidr_ipv4=cidr,
                referenced_security_group_id=source,
                tags=named(self._tags, name),
                region=self._region,
                opts=pulumi.ResourceOptions(parent=self),
            )
        )

    def _egress_anywhere(self, key: str, group: pulumi.Output[str]) -> None:
        name = f"{key}_to_anywhere"
        self._rules(
            aws.vpc.SecurityGroupEgressRule(
                name,
                security_group_id=group,
                description="ECS, image registries, logs and model stores",
                ip_protocol=choices.ALL_PROTOCOLS,
                cidr_ipv4=choices.ANYWHERE,
                tags=named(self._tags, name),
                region=self._region,
                opts=pulumi.ResourceOptions(parent=self),
            )
        )

    def _rules(self, *rules: pulumi.Resource) -> None:
        self.rules.extend(rules)
