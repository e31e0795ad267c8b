"""A small account that works: network, roles, both kinds of capacity, a service behind a listener.

Tests change one thing in it and see what AWS says.
"""

import base64
import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.provider.account import Account, Record, Refused
from tests.engine.provider.operations import Operations
from tests.engine.provider.rows import KINDS
from tests.engine.provider.wire import Json, Props

REGION = "us-west-2"


@contextmanager
def refused(code: str) -> Generator[None]:
    """Expects AWS's error of that name, and no other."""
    with pytest.raises(Refused) as caught:
        yield
    assert str(caught.value).partition(":")[0] == code, str(caught.value)


class Landscape:
    """Everything by its logical name; ``make`` adds to it."""

    def __init__(self, directory: Path) -> None:
        self.account = Account(directory / "account.json")
        self.operations = Operations(self.account, REGION)
        self.made: dict[str, Record] = {}

    def make(self, type_name: str, logical: str, /, **inputs: Json) -> Record:
        """Creates a resource of the type with that short name, named for its logical name."""
        token = token_of(type_name)
        kind = KINDS[token]
        if kind.named is not None:
            inputs.setdefault("name", f"{logical}-1234567")
        record = self.operations.create(token, logical, inputs)
        self.made[logical] = record
        return record

    def change(self, logical: str, /, **inputs: Json) -> Record:
        """Updates a resource: what is given changes, the rest stays."""
        old = self.made[logical]
        news: Props = old.inputs | inputs
        changed = self.operations.update(
            old.type,
            old.id,
            old.outputs,
            {key: value for key, value in news.items() if value is not None},
        )
        self.made[logical] = changed
        return changed

    def remove(self, logical: str) -> None:
        """Deletes a resource."""
        record = self.made[logical]
        self.operations.delete(record.type, record.id, record.outputs)

    def id(self, logical: str) -> str:
        return self.made[logical].id

    def arn(self, logical: str) -> str:
        return self.made[logical].arn

    def name(self, logical: str) -> str:
        return self.made[logical].name

    # ---- the parts, in the order that AWS needs -------------------------------------------

    def network(self) -> "Landscape":
        """A VPC with two public subnets and a private one behind a NAT gateway."""
        self.make("Vpc", "vpc", cidrBlock="10.0.0.0/16", enableDnsHostnames=True)
        vpc = self.id("vpc")
        self.make("InternetGateway", "gateway", vpcId=vpc)
        for index, zone in enumerate(("usw2-az1", "usw2-az2")):
            name = f"public{index}"
            self.make(
                "Subnet", name, vpcId=vpc, cidrBlock=f"10.0.{index}.0/24", availabilityZoneId=zone
            )
        self.make(
            "Subnet", "private", vpcId=vpc, cidrBlock="10.0.9.0/24", availabilityZoneId="usw2-az1"
        )
        self.make("Eip", "address", domain="vpc")
        self.make("NatGateway", "nat", allocationId=self.id("address"), subnetId=self.id("public0"))
        self.make("RouteTable", "table", vpcId=vpc)
        self.make(
            "Route",
            "route",
            routeTableId=self.id("table"),
            destinationCidrBlock="0.0.0.0/0",
            natGatewayId=self.id("nat"),
        )
        self.make(
            "RouteTableAssociation",
            "association",
            routeTableId=self.id("table"),
            subnetId=self.id("private"),
        )
        self.make("SecurityGroup", "group", vpcId=vpc)
        self.make(
            "SecurityGroupEgressRule",
            "egress",
            securityGroupId=self.id("group"),
            ipProtocol="-1",
            cidrIpv4="0.0.0.0/0",
        )
        return self

    def roles(self) -> "Landscape":
        """The roles of instances, of Managed Instances, and of tasks."""
        principals = {
            "ecsInstanceRole": "ec2",
            "infrastructure": "ecs",
            "execution": "ecs-tasks",
            "scheduling": "scheduler",
        }
        for name, principal in principals.items():
            self.make("Role", name, assumeRolePolicy=trust(f"{principal}.amazonaws.com"))
            self.make(
                "RolePolicyAttachment",
                f"{name}-policy",
                role=self.name(name),
                policyArn=f"arn:aws:iam::aws:policy/{name}",
            )
        self.make("InstanceProfile", "profile", role=self.name("ecsInstanceRole"))
        return self

    def cluster(self) -> "Landscape":
        self.make("Cluster", "cluster")
        self.make("LogGroup", "logs", name="/neuron/logs")
        return self

    def pool(self, name: str = "pool") -> "Landscape":
        """An Auto Scaling pool; it is not on the cluster's list yet."""
        user_data = f"#!/bin/sh\necho ECS_CLUSTER={self.name('cluster')} >> /etc/ecs/ecs.config\n"
        self.make(
            "LaunchTemplate",
            f"{name}-template",
            iamInstanceProfile={"arn": self.arn("profile")},
            vpcSecurityGroupIds=[self.id("group")],
            userData=base64.b64encode(user_data.encode()).decode(),
            instanceType="inf2.xlarge",
        )
        self.make(
            "Group",
            f"{name}-group",
            minSize=0,
            maxSize=2,
            vpcZoneIdentifiers=[self.id("private")],
            launchTemplate={"id": self.id(f"{name}-template"), "version": "1"},
            instanceRefresh={"strategy": "Rolling"},
        )
        self.make(
            "CapacityProvider",
            name,
            autoScalingGroupProvider={"autoScalingGroupArn": self.arn(f"{name}-group")},
        )
        return self

    def listed(self, *names: str) -> "Landscape":
        self.make(
            "ClusterCapacityProviders",
            "listed",
            clusterName=self.name("cluster"),
            capacityProviders=[self.name(name) for name in names],
        )
        return self

    def managed(self, name: str = "managed") -> "Landscape":
        """A Managed Instances provider on the cluster."""
        self.make(
            "CapacityProvider",
            name,
            cluster=self.name("cluster"),
            managedInstancesProvider=self.managed_inputs(),
        )
        return self

    def managed_inputs(self, **template: Json) -> Props:
        inner: Props = {
            "ec2InstanceProfileArn": self.arn("profile"),
            "networkConfiguration": {
                "subnets": [self.id("private")],
                "securityGroups": [self.id("group")],
            },
        }
        return {
            "infrastructureRoleArn": self.arn("infrastructure"),
            "instanceLaunchTemplate": inner | template,
        }

    def task(self, name: str = "task", /, **inputs: Json) -> "Landscape":
        inputs.setdefault("family", name)
        inputs.setdefault("containerDefinitions", containers())
        inputs.setdefault("executionRoleArn", self.arn("execution"))
        inputs.setdefault("skipDestroy", True)
        self.make("TaskDefinition", name, **inputs)
        return self

    def balancer(self) -> "Landscape":
        """A load balancer with a listener that forwards to a target group."""
        self.make(
            "LoadBalancer",
            "balancer",
            subnets=[self.id("public0"), self.id("public1")],
            securityGroups=[self.id("group")],
        )
        self.make("TargetGroup", "targets", port=8080, protocol="HTTP", vpcId=self.id("vpc"))
        self.make(
            "Listener",
            "listener",
            loadBalancerArn=self.arn("balancer"),
            port=80,
            defaultActions=[{"type": "forward", "targetGroupArn": self.arn("targets")}],
        )
        return self

    def service(self, name: str = "service", pool: str = "pool", /, **inputs: Json) -> "Landscape":
        inputs.setdefault("cluster", self.arn("cluster"))
        inputs.setdefault("taskDefinition", self.arn("task"))
        inputs.setdefault(
            "capacityProviderStrategies", [{"capacityProvider": self.name(pool), "weight": 1}]
        )
        self.make("Service", name, **{k: v for k, v in inputs.items() if v is not None})
        return self

    def ready(self) -> "Landscape":
        """Everything a service on an Auto Scaling pool needs, without the service."""
        return self.network().roles().cluster().pool().listed("pool").task()


def token_of(type_name: str) -> str:
    """The token of a type by its last word."""
    found = [token for token in KINDS if token.endswith(f":{type_name}")]
    assert found, type_name
    return found[0]


def trust(principal: str) -> str:
    return json.dumps({"Statement": [{"Principal": {"Service": principal}}]})


def containers(**changes: Json) -> str:
    """Container definitions with one container, and changes to it; None takes a key away."""
    main: Props = {
        "name": "main",
        "image": "example:1",
        "memory": 128,
        "portMappings": [{"containerPort": 8080, "hostPort": 0}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": "/neuron/logs", "awslogs-region": REGION},
        },
    }
    merged = {key: value for key, value in (main | changes).items() if value is not None}
    return json.dumps([merged])
