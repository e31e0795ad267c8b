"""Hand-made plans that use every type of the plan: what components must be able to build.

They are not what the planner would decide; they are small, and each field that a component reads
differs from its neighbours, so that a mix-up shows.
"""

from dataclasses import replace
from typing import Literal

from planning import plan, routes
from planning.blocks import BlockHours

TAGS: plan.Tags = (("project", "neuron-ecs"), ("team", "ml-platform"))

LAYOUT = plan.Layout(
    devices=6,
    slots=(
        plan.Slot((0, 1), (plan.Assignment("llama", (0, 1), 1, 4),)),
        plan.Slot((2, 3), (plan.Assignment("llama", (2, 3), 1, 4),)),
        plan.Slot((4,), (plan.Assignment("nightly", (4,), 0, 1, is_job=True),)),
    ),
    instances_min=1,
    instances_max=4,
)

INF2 = plan.AutoScalingPool(
    key="usw2_inf2_inf2-24xlarge_on-demand",
    name="inf2",
    instance_type="inf2.24xlarge",
    purchase=plan.OnDemand(),
    min_size=0,
    max_size=4,
    image_id="resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended/image_id",
    root_device="/dev/xvda",
    root_volume_gib=200,
    kms_key="",
    metadata_hop_limit=1,
    agent_config=(("ECS_CONTAINER_START_TIMEOUT", "10m"),),
    zone_ids=("usw2-az1", "usw2-az2"),
    network_interfaces=(),
    placement_group=False,
    maximum_scaling_step=2,
    managed_scaling=True,
    layout=LAYOUT,
    retired=False,
)

EFA = replace(
    INF2,
    key="usw2_train_trn1-32xlarge_capacity-block",
    name="train",
    instance_type="trn1.32xlarge",
    purchase=plan.CapacityBlock("cr-0b10c"),
    min_size=2,
    max_size=2,
    zone_ids=("usw2-az2",),
    network_interfaces=(
        plan.NetworkInterface(0, 0, "interface"),
        plan.NetworkInterface(0, 1, "efa-only"),
        plan.NetworkInterface(1, 0, "efa-only"),
    ),
    placement_group=True,
    managed_scaling=False,
    blocks=(BlockHours("cr-0b10c", "2026-12-01T11:30Z", "2026-12-02T10:45Z", "2026-12-02T11:30Z"),),
    sizes=(plan.SizeAt("usw2_train_at_0a1b2c", "30 11 1 12 *", 2),),
)

SPOT = replace(
    INF2, key="usw2_cheap_inf2-xlarge_spot", name="cheap", instance_type="inf2.xlarge",
    purchase=plan.Spot(),
)  # fmt: skip

RESERVED = replace(
    INF2, key="usw2_sure_inf2-48xlarge_capacity-reservation", name="sure",
    instance_type="inf2.48xlarge", purchase=plan.CapacityReservation("cr-0dcc"),
)  # fmt: skip

TRN1 = plan.ManagedInstancesPool(
    key="usw2_trn1_trn1-2xlarge_on-demand",
    name="trn1",
    allowed_instance_types=("trn1.2xlarge",),
    instance_types=("trn1.2xlarge",),
    purchase=plan.OnDemand(),
    storage_gib=250,
    local_storage=False,
    scale_in_after_seconds=600,
    zone_ids=("usw2-az1",),
    layout=replace(LAYOUT, devices=1, slots=()),
    retired=False,
)


def task_definition(
    key: str, mode: Literal["bridge", "host", "awsvpc"] = "bridge"
) -> plan.TaskDefinition:
    """A task definition in that network mode."""
    return plan.TaskDefinition(
        key=key,
        family=key,
        compatibility="MANAGED_INSTANCES" if mode == "awsvpc" else "EC2",
        network_mode=mode,
        cpu=None if mode == "awsvpc" else 8192,
        memory=None if mode == "awsvpc" else 16384,
        member_of=("attribute:ecs.instance-type == inf2.24xlarge",),
        container_definitions='[{"name":"model"}]',
        task_role="llama-task",
        execution_role="execution",
        devices=(0, 1),
        image="example/model:1",
    )


def service(key: str, *, pool: str = INF2.key, after: tuple[str, ...] = ()) -> plan.Service:
    """A service of the model, without scaling."""
    return plan.Service(
        key=key,
        pool=pool,
        task_definition=task_definition(key),
        desired_count=1,
        scaling=None,
        minimum_healthy_percent=0,
        maximum_percent=100,
        distinct_instance=False,
        pack=True,
        grace_seconds=1800,
        container_name="model",
        container_port=8080,
        exec=False,
        timeouts=plan.Timeouts(60, 61, 20),
        after=after,
    )


TARGET_GROUP = plan.TargetGroup(
    key="usw2-llama",
    target_type="instance",
    port=8080,
    health_path="/health",
    health_interval_seconds=15,
    health_timeout_seconds=10,
    unhealthy_threshold=3,
    deregistration_delay_seconds=120,
    path_prefix="/llama",
    rules=(routes.ListenerRule("usw2_llama", ("/llama/v1/*", "/llama/health"), "/llama"),),
)

LLAMA = plan.ModelPlan(
    name="llama",
    key="usw2_llama",
    pool=INF2.key,
    network_mode="bridge",
    log_group=plan.LogGroup("usw2_llama", "/neuron-ecs/test/llama", 30),
    target_group=TARGET_GROUP,
    services=(
        replace(service("usw2_llama_d0-1"), scaling=plan.Scaling("usw2_llama_d0-1", 1, 4)),
        service("usw2_llama_d2-3", after=("usw2_llama_d0-1",)),
    ),
    replicas_min=2,
    replicas_max=5,
)

TUNER = plan.ModelPlan(
    name="tuner",
    key="usw2_tuner",
    pool=TRN1.key,
    network_mode="awsvpc",
    log_group=plan.LogGroup("usw2_tuner", "/neuron-ecs/test/tuner", 30),
    target_group=None,
    services=(
        replace(
            service("usw2_tuner_all", pool=TRN1.key),
            task_definition=task_definition("usw2_tuner_all", "awsvpc"),
            distinct_instance=True,
            pack=False,
            grace_seconds=None,
            container_port=None,
            exec=True,
        ),
    ),
    replicas_min=1,
    replicas_max=1,
)

NIGHTLY = plan.JobPlan(
    name="nightly",
    key="usw2_nightly",
    pool=INF2.key,
    log_group=plan.LogGroup("usw2_nightly", "/neuron-ecs/test/nightly", 7),
    task_definition=task_definition("usw2_nightly"),
    schedule=plan.Schedule("usw2_nightly", "cron(0 3 * * ? *)", "Europe/Berlin", "scheduler"),
    waits="",
)

FINETUNE = plan.JobPlan(
    name="finetune",
    key="usw2_finetune",
    pool=TRN1.key,
    log_group=plan.LogGroup("usw2_finetune", "/neuron-ecs/test/finetune", 7),
    task_definition=task_definition("usw2_finetune", "awsvpc"),
    schedule=None,
    waits="",
)

AGENT = plan.InlinePolicy("agent", (
    {"Effect": "Allow", "Action": "ecs:Submit*", "Resource": plan.ClusterArn()},
    {"Effect": "Allow", "Action": "ecs:Poll",
     "Resource": plan.ClusterArn("container-instance")},
))  # fmt: skip

USW2 = plan.RegionPlan(
    name="us-west-2",
    short="usw2",
    partition="aws",
    dns_suffix="amazonaws.com",
    network=plan.OwnNetwork(
        key="usw2_network",
        cidr="10.1.0.0/16",
        zones=(
            plan.ZoneSubnets("usw2-az1", "10.1.0.0/20", "10.1.240.0/24"),
            plan.ZoneSubnets("usw2-az2", "10.1.16.0/20", "10.1.241.0/24"),
        ),
        nat_zone_ids=("usw2-az1",),
        gateway_endpoints=("com.amazonaws.us-west-2.s3",),
        interface_endpoints=(),
    ),
    auto_scaling=plan.AutoScalingCluster(
        key="usw2_auto-scaling",
        pools=(INF2, EFA, SPOT, RESERVED),
        agent=AGENT,
        serving_ports=((32768, 60999),),
    ),
    managed_instances=plan.ManagedInstancesCluster(
        key="usw2_managed-instances",
        pools=(TRN1,),
        instance_role="ecsInstanceRole-managed",
        infrastructure_role="infrastructure",
        serving_ports=(),
    ),
    models=(LLAMA, TUNER),
    jobs=(NIGHTLY, FINETUNE),
    load_balancer=plan.LoadBalancer(
        key="usw2_load-balancer",
        name_key="usw2-neuron-ecs",
        certificate_arn="arn:aws:acm:us-west-2:111122223333:certificate/0a1b",
        allow_cidrs=("10.0.0.0/8",),
        allow_security_groups=("sg-0ca11e4",),
        zone_ids=("usw2-az1", "usw2-az2"),
    ),
    task_ports=(9090,),
    awsvpc=True,
)

GIVEN_POOL = replace(
    TRN1,
    key="use2_trn1_reserved",
    purchase=plan.ReservationGroup("arn:aws:resource-groups:us-east-2:111122223333:group/trn1"),
    storage_gib=None,
    local_storage=True,
    scale_in_after_seconds=None,
    zone_ids=("use2-az1",),
)

USE2 = plan.RegionPlan(
    name="us-east-2",
    short="use2",
    partition="aws",
    dns_suffix="amazonaws.com",
    network=plan.GivenNetwork(
        key="use2_network", vpc_id="vpc-0abc", private_subnets=(("use2-az1", "subnet-0a"),)
    ),
    auto_scaling=None,
    managed_instances=plan.ManagedInstancesCluster(
        key="use2_managed-instances",
        pools=(GIVEN_POOL,),
        instance_role="ecsInstanceRole-managed",
        infrastructure_role="infrastructure",
        serving_ports=(),
    ),
    models=(),
    jobs=(),
    load_balancer=None,
    task_ports=(),
    awsvpc=False,
)

APS1 = replace(
    USE2,
    name="ap-south-1",
    short="aps1",
    network=plan.OwnNetwork(
        key="aps1_network",
        cidr="10.2.0.0/16",
        zones=(plan.ZoneSubnets("aps1-az1", "10.2.0.0/20", "10.2.240.0/24"),),
        nat_zone_ids=(),
        gateway_endpoints=("com.amazonaws.ap-south-1.s3",),
        interface_endpoints=("com.amazonaws.ap-south-1.ecs", "com.amazonaws.ap-south-1.ecr.api"),
    ),
    auto_scaling=plan.AutoScalingCluster(
        key="aps1_auto-scaling",
        pools=(
            replace(INF2, key="aps1_inf2", zone_ids=("aps1-az1",), instance_type="inf2.xlarge"),
        ),
        agent=AGENT,
        serving_ports=(),
    ),
    managed_instances=None,
)


def role(
    key: str,
    service: str,
    *managed: str,
    inline: tuple[plan.InlinePolicy, ...] = (),
    profile: bool = False,
) -> plan.Role:
    """A role with managed policies of AWS."""
    return plan.Role(
        key=key,
        service=service,
        managed_policies=tuple(f"arn:aws:iam::aws:policy/{name}" for name in managed),
        inline_policies=inline,
        instance_profile=profile,
        purpose=f"The {key} role",
    )


ROLES = (
    role("instance", "ec2.amazonaws.com", "service-role/AmazonEC2ContainerServiceforEC2Role",
         profile=True),
    role("ecsInstanceRole-managed", "ec2.amazonaws.com",
         "AmazonECSInstanceRolePolicyForManagedInstances", profile=True),
    role("infrastructure", "ecs.amazonaws.com",
         "AmazonECSInfrastructureRolePolicyForManagedInstances"),
    role("execution", "ecs-tasks.amazonaws.com", "service-role/AmazonECSTaskExecutionRolePolicy"),
    role("llama-task", "ecs-tasks.amazonaws.com", inline=(
        plan.InlinePolicy("s3-read", (
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::models/*"},
        )),
    )),
    role("scheduler", "scheduler.amazonaws.com", inline=(
        plan.InlinePolicy("run-task", (
            {"Effect": "Allow", "Action": "iam:PassRole",
             "Resource": (plan.RoleArn("llama-task"), plan.RoleArn("execution"))},
        )),
    )),
)  # fmt: skip

EVERYTHING = plan.Plan(
    project="neuron-ecs",
    stack="test",
    home_region="us-west-2",
    tags=TAGS,
    wait_for_steady_state=True,
    regions=(APS1, USE2, USW2),
    roles=ROLES,
)
