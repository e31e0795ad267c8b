"""A network, an Auto Scaling pool and a service: the shortest program with every kind of order."""

import base64
import json

import pulumi
import pulumi_aws as aws

config = pulumi.Config()
region = "us-west-2"
image = config.require("image")
pools: list[str] = config.require_object("pools")
home = config.require("home")
forgetful = config.get_bool("forgetful")
"""Leaves out what no property says."""


def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(depends_on=[] if forgetful else list(resources))


def role(name: str, principal: str, policy: str) -> tuple[aws.iam.Role, pulumi.Resource]:
    made = aws.iam.Role(
        name,
        assume_role_policy=json.dumps({"Statement": [{"Principal": {"Service": principal}}]}),
    )
    attached = aws.iam.RolePolicyAttachment(name, role=made.name, policy_arn=policy)
    return made, attached


vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, region=region)
gateway = aws.ec2.InternetGateway("gateway", vpc_id=vpc.id, region=region)
table = aws.ec2.RouteTable("table", vpc_id=vpc.id, region=region)
route = aws.ec2.Route(
    "route",
    route_table_id=table.id,
    destination_cidr_block="0.0.0.0/0",
    gateway_id=gateway.id,
    region=region,
)
subnet = aws.ec2.Subnet(
    "subnet",
    vpc_id=vpc.id,
    cidr_block="10.0.0.0/24",
    availability_zone_id="usw2-az1",
    region=region,
)
association = aws.ec2.RouteTableAssociation(
    "subnet", subnet_id=subnet.id, route_table_id=table.id, region=region
)
group = aws.ec2.SecurityGroup("group", vpc_id=vpc.id, region=region)
egress = aws.vpc.SecurityGroupEgressRule(
    "group", security_group_id=group.id, ip_protocol="-1", cidr_ipv4="0.0.0.0/0", region=region
)
machine, machine_policy = role("machine", "ec2.amazonaws.com", "arn:aws:iam::aws:policy/Machine")
execution, execution_policy = role(
    "execution", "ecs-tasks.amazonaws.com", "arn:aws:iam::aws:policy/Execution"
)
profile = aws.iam.InstanceProfile("profile", role=machine.name)
cluster = aws.ecs.Cluster("cluster", region=region)
logs = aws.cloudwatch.LogGroup("logs", name="/toy/logs", region=region)
providers: dict[str, aws.ecs.CapacityProvider] = {}
for pool in pools:
    template = aws.ec2.LaunchTemplate(
        pool,
        instance_type="inf2.xlarge",
        iam_instance_profile={"arn": profile.arn},
        vpc_security_group_ids=[group.id],
        user_data=cluster.name.apply(
            lambda name: base64.b64encode(f"ECS_CLUSTER={name}".encode()).decode()
        ),
        region=region,
    )
    scaling = aws.autoscaling.Group(
        pool,
        min_size=0,
        max_size=1,
        vpc_zone_identifiers=[subnet.id],
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        tags=[{"key": "AmazonECSManaged", "value": "", "propagate_at_launch": True}],
        region=region,
        opts=after(route, association, egress, machine_policy),
    )
    providers[pool] = aws.ecs.CapacityProvider(
        pool, auto_scaling_group_provider={"auto_scaling_group_arn": scaling.arn}, region=region
    )
listed = aws.ecs.ClusterCapacityProviders(
    "listed",
    cluster_name=cluster.name,
    capacity_providers=[provider.name for provider in providers.values()],
    region=region,
    opts=pulumi.ResourceOptions(delete_before_replace=True),
)
task = aws.ecs.TaskDefinition(
    "task",
    family="toy",
    execution_role_arn=execution.arn,
    skip_destroy=True,
    container_definitions=json.dumps(
        [
            {
                "name": "main",
                "image": image,
                "memory": 128,
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "/toy/logs", "awslogs-region": region},
                },
            }
        ]
    ),
    region=region,
)
if home:
    aws.ecs.Service(
        f"service-{home}",
        cluster=cluster.arn,
        task_definition=task.arn,
        capacity_provider_strategies=[{"capacity_provider": providers[home].name, "weight": 1}],
        wait_for_steady_state=True,
        region=region,
        opts=after(listed, execution_policy, logs),
    )
pulumi.export("cluster", cluster.name)
