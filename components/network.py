"""The Region's network: our own VPC, or one that exists."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.tags import named
from planning import choices, plan


@dataclass(frozen=True, slots=True)
class NetworkOutputs:
    """What the rest of a Region needs of its network.

    `ready` are routes, NAT gateways and endpoints. No property refers to them. Instances without
    a route to ECS neither register nor drain, so what launches instances must depend on these.
    """

    vpc_id: pulumi.Input[str]
    private_subnets: Mapping[str, pulumi.Input[str]]  # by zone id
    ready: tuple[pulumi.Resource, ...]
    public_subnets: Mapping[str, pulumi.Input[str]]  # by zone id
    open: tuple[pulumi.Resource, ...] = ()  # routes of the public subnets to the internet

    def subnets(self, zone_ids: Iterable[str], *, public: bool = False) -> list[pulumi.Input[str]]:
        """Returns the private or public subnets of those zones. Raises KeyError without one."""
        subnets = self.public_subnets if public else self.private_subnets
        return [subnets[zone_id] for zone_id in zone_ids]


_PublicSubnet = tuple[aws.ec2.Subnet, tuple[pulumi.Resource, pulumi.Resource]]
"""A public subnet, its route to the internet, and its association with the route's table."""


def given(network: plan.GivenNetwork) -> NetworkOutputs:
    """Returns an existing VPC. Nothing is built in it, and nothing about it is looked up."""
    return NetworkOutputs(
        vpc_id=network.vpc_id,
        private_subnets=dict(network.private_subnets),
        public_subnets=dict(network.public_subnets),
        ready=(),
    )


class OwnNetwork(pulumi.ComponentResource):
    """A VPC with a private subnet in each zone.

    Public subnets are for NAT gateways and a public load balancer alone. No other resource has a
    public address.
    """

    def __init__(
        self,
        name: str,
        network: plan.OwnNetwork,
        *,
        region: str,
        tags: plan.Tags,
        s3_policy: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("neuron-ecs:components:OwnNetwork", name, None, opts)
        self._key = network.key
        self._region = region
        self._tags = tags

        self._vpc = aws.ec2.Vpc(
            network.key,
            cidr_block=network.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,  # private DNS of interface endpoints needs both
            tags=named(tags, network.key),
            region=region,
            opts=self._child(),
        )
        # The default group of a VPC allows traffic of its members; without rules it allows none.
        # https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-2
        aws.ec2.DefaultSecurityGroup(
            self._named("default"),
            vpc_id=self._vpc.id,
            tags=named(tags, self._named("default")),
            region=region,
            opts=self._child(),
        )
        if network.flow_logs:
            aws.ec2.FlowLog(
                self._named("flow-logs"),
                vpc_id=self._vpc.id,
                traffic_type="ALL",
                log_destination_type="s3",
                log_destination=network.flow_logs,
                tags=named(tags, self._named("flow-logs")),
                region=region,
                opts=self._child(),
            )
        private = {zone.zone_id: self._subnet(zone, "private") for zone in network.zones}
        tables = {zone.zone_id: self._table(f"private_{zone.zone_id}") for zone in network.zones}
        ready: list[pulumi.Resource] = [
            self._association(f"private_{zone_id}", subnet=subnet, table=tables[zone_id])
            for zone_id, subnet in private.items()
        ]
        outside = self._public_subnets(network)
        ready += self._nat_routes(network, tables, outside)
        ready += [
            self._gateway_endpoint(service, tables.values(), s3_policy)
            for service in network.gateway_endpoints
        ]
        if network.interface_endpoints:
            ready += self._interface_endpoints(network, private.values())

        self.outputs = NetworkOutputs(
            vpc_id=self._vpc.id,
            private_subnets={zone_id: subnet.id for zone_id, subnet in private.items()},
            ready=tuple(ready),
            public_subnets={zone: subnet.id for zone, (subnet, _) in outside.items()},
            open=tuple(resource for _, way_out in outside.values() for resource in way_out),
        )
        self.register_outputs(
            {"vpc_id": self._vpc.id, "private_subnets": self.outputs.private_subnets}
        )

    def _child(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after))

    def _named(self, suffix: str) -> str:
        return f"{self._key}_{suffix}"

    def _subnet(self, zone: plan.ZoneSubnets, side: str) -> aws.ec2.Subnet:
        name = self._named(f"{side}_{zone.zone_id}")
        return aws.ec2.Subnet(
            name,
            vpc_id=self._vpc.id,
            cidr_block=zone.private_cidr if side == "private" else zone.public_cidr,
            # Zone ids mean the same data centre in every account; zone names do not.
            # https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html
            availability_zone_id=zone.zone_id,
            map_public_ip_on_launch=False,
            tags=named(self._tags, name),
            region=self._region,
            opts=self._child(),
        )

    def _table(self, suffix: str) -> aws.ec2.RouteTable:
        name = self._named(suffix)
        return aws.ec2.RouteTable(
            name,
            vpc_id=self._vpc.id,
            tags=named(self._tags, name),
            region=self._region,
            opts=self._child(),
        )

    def _association(
        self, suffix: str, *, subnet: aws.ec2.Subnet, table: aws.ec2.RouteTable
    ) -> aws.ec2.RouteTableAssociation:
        return aws.ec2.RouteTableAssociation(
            self._named(suffix),
            subnet_id=subnet.id,
            route_table_id=table.id,
            region=self._region,
            opts=self._child(),
        )

    def _public_subnets(self, network: plan.OwnNetwork) -> Mapping[str, _PublicSubnet]:
        """Builds the public subnet of each zone that has one, and its way to the internet."""
        public_zones = {*network.nat_zone_ids, *network.public_zone_ids}
        if not public_zones:
            return {}
        gateway = aws.ec2.InternetGateway(
            self._key,
            vpc_id=self._vpc.id,
            tags=named(self._tags, self._key),
            region=self._region,
            opts=self._child(),
        )
        public = self._table("public")
        out = aws.ec2.Route(
            self._named("public"),
            route_table_id=public.id,
            destination_cidr_block=choices.ANYWHERE,
            gateway_id=gateway.id,
            region=self._region,
            opts=self._child(),
        )
        found: dict[str, _PublicSubnet] = {}
        for zone in (z for z in network.zones if z.zone_id in public_zones):
            subnet = self._subnet(zone, "public")
            association = self._association(f"public_{zone.zone_id}", subnet=subnet, table=public)
            found[zone.zone_id] = subnet, (out, association)
        return found

    def _nat_routes(
        self,
        network: plan.OwnNetwork,
        tables: Mapping[str, aws.ec2.RouteTable],
        outside: Mapping[str, _PublicSubnet],
    ) -> list[pulumi.Resource]:
        """Builds each zone's default route: to its own NAT gateway, or else to the first.

        Returns them, and the ways of public subnets without a NAT gateway.
        """
        others = [way for zone, (_, way) in outside.items() if zone not in network.nat_zone_ids]
        ready: list[pulumi.Resource] = [resource for way_out in others for resource in way_out]
        if not network.nat_zone_ids:
            return ready
        nats: dict[str, aws.ec2.NatGateway] = {}
        for zone_id in network.nat_zone_ids:
            subnet, way_out = outside[zone_id]
            nats[zone_id] = self._nat(zone_id, subnet=subnet, way_out=way_out)
        first = nats[network.nat_zone_ids[0]]
        routes: list[pulumi.Resource] = [
            aws.ec2.Route(
                self._named(f"private_{zone_id}"),
                route_table_id=table.id,
                destination_cidr_block=choices.ANYWHERE,
                nat_gateway_id=nats.get(zone_id, first).id,
                region=self._region,
                opts=self._child(),
            )
            for zone_id, table in tables.items()
        ]
        return [*ready, *routes, *nats.values()]

    def _nat(
        self, zone_id: str, *, subnet: aws.ec2.Subnet, way_out: tuple[pulumi.Resource, ...]
    ) -> aws.ec2.NatGateway:
        name = self._named(f"nat_{zone_id}")
        # A gateway with mapped public addresses cannot be detached, and a NAT gateway without a
        # way out fails: both wait for the public route, which refers to the internet gateway.
        address = aws.ec2.Eip(
            name,
            domain="vpc",
            tags=named(self._tags, name),
            region=self._region,
            opts=self._child(*way_out),
        )
        return aws.ec2.NatGateway(
            name,
            allocation_id=address.id,
            subnet_id=subnet.id,
            tags=named(self._tags, name),
            region=self._region,
            opts=self._child(*way_out),
        )

    def _gateway_endpoint(
        self, service: str, tables: Iterable[aws.ec2.RouteTable], policy: pulumi.Input[str]
    ) -> aws.ec2.VpcEndpoint:
        name = self._named(self._short(service))
        return aws.ec2.VpcEndpoint(
            name,
            vpc_id=self._vpc.id,
            service_name=service,
            vpc_endpoint_type="Gateway",
            policy=policy,
            route_table_ids=[table.id for table in tables],
            tags=named(self._tags, name),
            region=self._region,
            opts=self._child(),
        )

    def _interface_endpoints(
        self, network: plan.OwnNetwork, subnets: Iterable[aws.ec2.Subnet]
    ) -> list[pulumi.Resource]:
        name = self._named("endpoints")
        group = aws.ec2.SecurityGroup(
            name,
            vpc_id=self._vpc.id,
            description="Interface endpoints",
            tags=named(self._tags, name),
            region=self._region,
            opts=self._child(),
        )
        rule = aws.vpc.SecurityGroupIngressRule(
            name,
            security_group_id=group.id,
            description="HTTPS from the VPC",
            ip_protocol="tcp",
            from_port=choices.HTTPS_PORT,
            to_port=choices.HTTPS_PORT,
            cidr_ipv4=network.cidr,
            tags=named(self._tags, name),
            region=self._region,
            opts=self._child(),
        )
        subnet_ids = [subnet.id for subnet in subnets]
        endpoints = [
            aws.ec2.VpcEndpoint(
                endpoint,
                vpc_id=self._vpc.id,
                service_name=service,
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=subnet_ids,
                security_group_ids=[group.id],
                tags=named(self._tags, endpoint),
                region=self._region,
                opts=self._child(),
            )
            for service in network.interface_endpoints
            for endpoint in [self._named(self._short(service))]
        ]
        return [*endpoints, rule]

    def _short(self, service: str) -> str:
        """Returns `ecr-api` for com.amazonaws.us-west-2.ecr.api."""
        return service.partition(f"{self._region}.")[2].replace(".", "-")
