"""Laws over identity and access in every stack file."""

import ipaddress
import json

from neuron_ecs.recording.graph import short_type
from neuron_ecs.recording.placeholders import ACCOUNT
from tests.contract.whole_graph import (
    LOCKS,
    actions_of,
    every_file,
    graph_of,
    is_managed,
    settings_of,
    urns_of,
)


@every_file
def test_every_role_is_used(file: str) -> None:
    built = graph_of(file)
    own = {"iam.RolePolicy", "iam.RolePolicyAttachment"}
    used = {r.urn for x in built.aws if short_type(x.type) not in own for r in built.refers(x)}
    idle = [
        r.name
        for k in ("iam.Role", "iam.InstanceProfile")
        for r in built.of(k)
        if r.urn not in used
    ]
    assert idle == [], "a role that nothing uses is a door that nobody watches"


@every_file
def test_every_role_is_assumed_by_the_service_that_gets_it(file: str) -> None:
    built = graph_of(file)
    for role in built.of("iam.Role"):
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        users = {
            (short_type(x.type), path)
            for x in built.aws
            for path, urns in x.property_dependencies.items()
            if role.urn in urns and short_type(x.type).split(".")[0] != "iam"
        }
        of_profile = any(role in built.refers(p) for p in built.of("iam.InstanceProfile"))
        expected = {
            "ecs-tasks": {
                ("ecs.TaskDefinition", "taskRoleArn"),
                ("ecs.TaskDefinition", "executionRoleArn"),
            },
            "ecs": {
                ("ecs.CapacityProvider", "managedInstancesProvider"),
                ("ecs.Service", "volumeConfiguration"),
            },
            "scheduler": {("scheduler.Schedule", "target")},
            "chatbot": {("chatbot.SlackChannelConfiguration", "iamRoleArn")},
            "ec2": set[tuple[str, str]](),
        }[statement["Principal"]["Service"].split(".")[0]]
        assert users <= expected, f"{role.name} is given to what cannot assume it"
        assert of_profile == (statement["Principal"]["Service"].startswith("ec2."))


@every_file
def test_services_act_for_this_account_alone_where_aws_documents_the_condition(file: str) -> None:
    built = graph_of(file)
    for role in built.of("iam.Role"):
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        service = statement["Principal"]["Service"].split(".")[0]
        source = {"ecs-tasks": ("ecs", ""), "scheduler": ("scheduler", "schedule-group/default")}
        if service not in source:
            assert "Condition" not in statement, "one that AWS does not send stops every instance"
            continue
        condition = statement["Condition"]
        assert condition["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
        _, _, owner, region, account, rest = condition["ArnLike"]["aws:SourceArn"].split(":", 5)
        name, group = source[service]
        assert (owner, region, account, rest) == (name, "*", ACCOUNT, group or "*")


@every_file
def test_alarms_of_this_account_and_all_rules_of_events_may_publish(file: str) -> None:
    """EventBridge sends SNS no key for a condition: with one no event arrives (EventBridge User
    Guide, "Amazon SNS permissions")."""
    built = graph_of(file)
    for policy in built.of("sns.TopicPolicy"):
        alarms, events = json.loads(policy.inputs["policy"])["Statement"]
        assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        assert events["Principal"] == {"Service": "events.amazonaws.com"}
        assert "Condition" not in events
        assert alarms["Action"] == events["Action"] == "sns:Publish"


_CONDITIONS = {
    "cloudwatch:PutMetricData": {"cloudwatch:namespace"},
    "ecs:RunTask": {"ecs:cluster"},
    "ecs:TagResource": {"ecs:CreateAction"},
    "elasticfilesystem:ClientMount": {"elasticfilesystem:AccessPointArn"},
    "elasticfilesystem:ClientWrite": {"elasticfilesystem:AccessPointArn"},
    "iam:PassRole": {"iam:PassedToService"},
    "kms:CreateGrant": {"kms:GrantIsForAWSResource", "kms:ViaService"},
    "s3:ListBucket": {"s3:prefix"},
    "s3files:ClientMount": {"s3files:AccessPointArn"},
    "s3files:ClientWrite": {"s3files:AccessPointArn"},
}
"""The keys of conditions that the Service Authorization Reference lists for an action."""


@every_file
def test_no_condition_has_a_key_that_aws_never_sends_for_the_action(file: str) -> None:
    """Such a statement allows nothing, and nobody says so."""
    built = graph_of(file)
    for role in built.of("iam.Role"):
        for statement in built.statements(role):
            keys = {key for of in statement.get("Condition", {}).values() for key in of}
            for action in actions_of(statement):
                known = _CONDITIONS.get(action, set())
                if action.startswith("kms:"):
                    known = known | {k for k in keys if k.startswith("kms:EncryptionContext:")}
                    known = known | {"kms:ViaService"}
                assert keys <= known, f"{role.name}: {action} has no {keys - known}"


# What the ECS agent calls (amazon-ecs-agent, ecs-agent/api): register, listen, report.
_OF_AGENTS = {
    "ecs:DeregisterContainerInstance",
    "ecs:DiscoverPollEndpoint",
    "ecs:Poll",
    "ecs:RegisterContainerInstance",
    "ecs:StartTelemetrySession",
    "ecs:Submit*",
}


@every_file
def test_an_instance_may_do_what_its_agent_calls_in_clusters_of_the_stack_alone(file: str) -> None:
    """A task in host mode has the rights of its instance."""
    built = graph_of(file)
    for profile in built.of("iam.InstanceProfile"):
        (role,) = built.refers(profile, "role")
        attached = {
            r.inputs["policyArn"].rpartition("/")[2]
            for r in built.of("iam.RolePolicyAttachment")
            if role in built.refers(r, "role")
        }
        if role.name.startswith("ecsInstanceRole"):
            assert attached == {"AmazonECSInstanceRolePolicyForManagedInstances"}
            assert built.statements(role) == []
            continue
        asked = "session-manager" in role.name
        assert attached == ({"AmazonSSMManagedInstanceCore"} if asked else set())
        found: set[str] = set()
        for statement in built.statements(role):
            actions = statement["Action"]
            actions = {actions} if isinstance(actions, str) else set(actions)
            found |= actions
            named = statement["Resource"].split(":", 5)[-1].split("/")[0]
            assert named in {"cluster", "container-instance"} or actions == {
                "ecs:DiscoverPollEndpoint"
            }
        assert found == _OF_AGENTS


@every_file
def test_a_scheduler_starts_tasks_of_its_job_in_its_cluster_alone(file: str) -> None:
    built = graph_of(file)
    for schedule in built.of("scheduler.Schedule"):
        target = built.refers(schedule, "target")
        (role,) = [r for r in target if r.type.endswith(":Role")]
        (cluster,) = [r for r in target if r.type.endswith(":Cluster")]
        (policy,) = [
            r
            for r in built.of("iam.RolePolicy")
            if role in built.refers(r, "role") and built.region(r) == built.region(schedule)
        ]
        (statement,) = json.loads(policy.inputs["policy"])["Statement"]
        assert statement["Action"] == "ecs:RunTask"
        assert statement["Condition"] == {
            "ArnEquals": {"ecs:cluster": schedule.inputs["target"]["arn"]}
        }
        assert cluster in built.refers(policy)
        started = schedule.inputs["target"]["ecsParameters"]["taskDefinitionArn"]
        assert statement["Resource"] == started.rpartition(":")[0] + ":*"


@every_file
def test_managed_instances_get_a_role_that_the_managed_policy_may_pass(file: str) -> None:
    built = graph_of(file)
    for provider in built.of("ecs.CapacityProvider"):
        if not is_managed(provider):
            continue
        for used in built.refers(provider, "managedInstancesProvider"):
            if used.type == "aws:iam/instanceProfile:InstanceProfile":
                (role,) = built.refers(used, "role")
                assert role.name.startswith("ecsInstanceRole"), (
                    "AmazonECSInfrastructureRolePolicyForManagedInstances passes no other name"
                )


@every_file
def test_no_rule_opens_the_ports_that_lock_devices(file: str) -> None:
    built = graph_of(file)
    opened: list[str] = []
    for rule in built.of("vpc.SecurityGroupIngressRule"):
        ports = range(rule.inputs.get("fromPort", 0), rule.inputs.get("toPort", 65_535) + 1)
        group = built.refers(rule, "securityGroupId")
        to_itself = bool(group) and built.refers(rule, "referencedSecurityGroupId") == group
        # EFA needs all traffic within its own group; nobody else is in it.
        if not to_itself and max(ports.start, LOCKS.start) < min(ports.stop, LOCKS.stop):
            opened.append(rule.name)
    assert opened == [], "nothing listens behind a lock, and nobody has business there"


@every_file
def test_groups_that_admit_all_of_their_members_are_for_efa_alone(file: str) -> None:
    built = graph_of(file)
    for rule in built.of("vpc.SecurityGroupIngressRule"):
        if rule.inputs["ipProtocol"] != "-1":
            continue
        (group,) = built.refers(rule, "securityGroupId")
        users = {
            x.urn
            for x in built.aws
            if group.urn in x.property_dependencies.get("networkInterfaces", ())
        }
        others = {
            short_type(x.type) for x in built.aws if group in built.refers(x) and x.urn not in users
        }
        assert users and others <= {
            "vpc.SecurityGroupIngressRule",
            "vpc.SecurityGroupEgressRule",
        }


@every_file
def test_callers_are_those_of_the_stack_file_and_never_everyone_by_chance(file: str) -> None:
    built = graph_of(file)
    allowed: dict[str, list[str]] | list[str] = settings_of(file, "traffic").get("allow_from", [])
    for rule in built.of("vpc.SecurityGroupIngressRule"):
        block = rule.inputs.get("cidrIpv4")
        if block is None:
            continue
        region: str = rule.inputs["region"]
        of_region = allowed.get(region, []) if isinstance(allowed, dict) else allowed
        own = [v.inputs["cidrBlock"] for v in built.of("ec2.Vpc") if v.inputs["region"] == region]
        assert block in {*of_region, *own}, f"{rule.name} admits {block}, which nobody asked for"
        assert ipaddress.ip_network(block).prefixlen > 0 or block in of_region


@every_file
def test_only_load_balancers_that_the_stack_file_calls_public_have_public_addresses(
    file: str,
) -> None:
    built = graph_of(file)
    public: dict[str, list[str]] = settings_of(file, "traffic").get("public", {"regions": []})
    for balancer in built.of("lb.LoadBalancer"):
        opened = balancer.inputs["region"] in public["regions"]
        assert balancer.inputs["internal"] is not opened
        subnets = {r.name.split("_")[2] for r in built.refers(balancer, "subnets")}
        assert subnets <= {"public" if opened else "private"}
        gateways = [
            g for g in built.of("ec2.InternetGateway") if built.region(g) == built.region(balancer)
        ]
        if opened and subnets:
            assert gateways
            assert built.missing(balancer, gateways) == [], "without one AWS refuses the subnets"
    assert all(not s.inputs["mapPublicIpOnLaunch"] for s in built.of("ec2.Subnet"))
    for service in built.of("ecs.Service"):
        assert service.inputs.get("networkConfiguration", {}).get("assignPublicIp", False) is False
    nats = {u for n in built.of("ec2.NatGateway") for u in n.property_dependencies["allocationId"]}
    assert urns_of(built.of("ec2.Eip")) == nats


@every_file
def test_load_balancers_stand_in_two_zones(file: str) -> None:
    built = graph_of(file)
    for balancer in built.of("lb.LoadBalancer"):
        subnets = balancer.inputs["subnets"]
        zones = [s.inputs["availabilityZoneId"] for s in built.refers(balancer, "subnets")]
        assert len(set(subnets)) >= 2 and len(set(zones)) == len(zones), (
            "an Application Load Balancer needs subnets in at least two zones"
        )
