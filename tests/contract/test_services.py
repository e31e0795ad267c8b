"""Laws over the services of every stack file."""

import json
from collections import defaultdict
from typing import Any

from neuron_ecs.recording.graph import Resource
from neuron_ecs.recording.placeholders import ACCOUNT
from tests.contract.graphs import texts
from tests.contract.whole_graph import (
    actions_of,
    every_file,
    graph_of,
    run_task_of,
    settings_of,
    urns_of,
)


@every_file
def test_no_service_forces_deployments(file: str) -> None:
    for service in graph_of(file).of("ecs.Service"):
        assert not {"forceNewDeployment", "triggers", "forceDelete"} & service.inputs.keys(), (
            "every later update, of a tag even, would restart the tasks"
        )


def _is_daemon(service: Resource) -> bool:
    """Whether it runs one task on each instance, by launch type: AWS gives it no provider."""
    return service.inputs.get("schedulingStrategy") == "DAEMON"


@every_file
def test_the_desired_count_is_left_alone_where_something_scales_it(file: str) -> None:
    built = graph_of(file)
    scaled = {r.urn for t in built.of("appautoscaling.Target") for r in built.refers(t)}
    for service in built.of("ecs.Service"):
        ignored = service.options.get("ignore_changes", [])
        assert ignored == (["desiredCount"] if service.urn in scaled else [])
        if _is_daemon(service):
            continue
        assert "desiredCount" in service.inputs, "a service without one is scaled to zero"


@every_file
def test_whoever_names_a_provider_tries_again_until_it_is_active(file: str) -> None:
    built = graph_of(file)
    services = (s for s in built.of("ecs.Service") if not _is_daemon(s))
    for user in (*services, *built.of("ecs.ClusterCapacityProviders")):
        assert user.options.get("hooks", {}).get("on_error"), (
            "creating a provider answers before it is ACTIVE, and nothing in the engine waits"
        )


@every_file
def test_services_that_are_waited_for_have_time_to_become_steady(file: str) -> None:
    wanted: bool = json.loads(
        texts(file).config.get(f"{texts(file).project}:wait_for_steady_state", "true")
    )
    for service in graph_of(file).of("ecs.Service"):
        if _is_daemon(service):
            assert service.inputs["waitForSteadyState"] is False, "no model waits for what watches"
            continue
        assert service.inputs["waitForSteadyState"] is wanted
        assert set(service.options["custom_timeouts"]) == {"create", "update", "delete"}, (
            "the provider's 20 minutes end before a cold instance has pulled its image"
        )


@every_file
def test_old_revisions_stay_for_the_rollback(file: str) -> None:
    built = graph_of(file)
    for definition in built.of("ecs.TaskDefinition"):
        assert definition.inputs["skipDestroy"] is True, "nothing starts from an inactive revision"
    for service in built.of("ecs.Service"):
        assert set(service.inputs["deploymentCircuitBreaker"]) == {"enable", "rollback"}


@every_file
def test_every_task_definition_is_started_by_something(file: str) -> None:
    built = graph_of(file)
    used = {r.urn for s in built.of("ecs.Service") for r in built.refers(s, "taskDefinition")}
    commands = json.dumps(built.recording.outputs["run_commands"])
    unused = [
        d.name
        for d in built.of("ecs.TaskDefinition")
        if d.urn not in used and f"task-definition/{d.inputs['family']}:" not in commands
    ]
    assert unused == []


@every_file
def test_every_rule_of_a_security_group_says_what_it_allows(file: str) -> None:
    kinds = ("vpc.SecurityGroupIngressRule", "vpc.SecurityGroupEgressRule")
    built = graph_of(file)
    assert [r.name for k in kinds for r in built.of(k) if not r.inputs.get("description")] == []


@every_file
def test_what_is_recorded_and_protected_is_so_in_every_region(file: str) -> None:
    asked = json.loads(texts(file).config.get("neuron-ecs:security", "{}"))
    built = graph_of(file)
    balancers, networks = built.of("lb.LoadBalancer"), built.of("ec2.Vpc")
    for balancer in balancers:
        logs = balancer.inputs.get("accessLogs")
        assert bool(logs) == ("access_logs" in asked)
        if logs:
            written: str = asked["access_logs"].removeprefix("s3://").partition("/")[0]
            assert logs["bucket"] == written.replace("{region}", balancer.inputs["region"])
        protected = balancer.inputs.get("enableDeletionProtection", False)
        assert protected == asked.get("deletion_protection", False)
    flowing = {u for log in built.of("ec2.FlowLog") for u in urns_of(built.refers(log, "vpcId"))}
    assert flowing == (urns_of(networks) if "flow_logs" in asked else set())


@every_file
def test_file_systems_are_reached_from_where_tasks_run_and_each_access_point_is_used(
    file: str,
) -> None:
    built = graph_of(file)
    zones: dict[tuple[str, str], list[str]] = defaultdict(list)
    for target in built.of("efs.MountTarget"):
        (subnet,) = built.refers(target, "subnetId")
        (system,) = built.refers(target, "fileSystemId")
        assert subnet.inputs["region"] == system.inputs["region"] == target.inputs["region"]
        zones[system.inputs["region"], system.name].append(subnet.inputs["availabilityZoneId"])
    assert all(len(found) == len(set(found)) for found in zones.values()), "EFS takes one a zone"
    used: set[str] = set()
    for task in built.of("ecs.TaskDefinition"):
        names = {v["name"] for v in task.inputs.get("volumes") or ()}
        containers = json.loads(task.inputs["containerDefinitions"])
        mounted = [m["sourceVolume"] for c in containers for m in c.get("mountPoints", ())]
        assert set(mounted) == names, f"{task.name}: each volume is mounted, and each mount has one"
        for volume in task.inputs.get("volumes") or ():
            efs = volume.get("efsVolumeConfiguration")
            if efs is not None:
                assert efs["transitEncryption"] == efs["authorizationConfig"]["iam"] == "ENABLED"
                assert efs.get("rootDirectory") is None, "AWS refuses it beside an access point"
                used.add(efs["authorizationConfig"]["accessPointId"])
            objects = volume.get("s3filesVolumeConfiguration")
            if objects is not None:
                assert not {"accessPointArn", "rootDirectory"} <= objects.keys(), "AWS refuses both"
                (role,) = built.refers(task, "taskRoleArn")
                allowed = [p.inputs["policy"] for p in built.policies(task, role)]
                assert any(objects["fileSystemArn"] in text for text in allowed)
    assert used == {f"{point.name}_id" for point in built.of("efs.AccessPoint")}
    for system in built.of("efs.FileSystem"):
        assert system.options.get("protect") == (
            settings_of(file, "security").get("deletion_protection") or None
        )


@every_file
def test_whoever_starts_a_task_describes_its_ebs_volume(file: str) -> None:
    built = graph_of(file)
    deferred = {
        task.inputs["family"]: volume["name"]
        for task in built.of("ecs.TaskDefinition")
        for volume in task.inputs.get("volumes") or ()
        if volume.get("configureAtLaunch")
    }
    for service in built.of("ecs.Service"):
        (task,) = built.refers(service, "taskDefinition")
        given: dict[str, Any] = service.inputs.get("volumeConfiguration") or {}
        assert given.get("name") == deferred.get(task.inputs["family"])
        if given:
            (role,) = built.refers(service, "volumeConfiguration")
            assert given["managedEbsVolume"]["encrypted"] is True
            assert role.urn in built.needs(service)
            assert {r.urn for r in built.policies(service, role)} <= built.needs(service)
    for by_region in built.recording.outputs["run_commands"].values():
        for command in by_region.values():
            request, _ = run_task_of(command)
            family = request["taskDefinition"].rpartition("/")[2].partition(":")[0]
            named = {v["name"] for v in request.get("volumeConfigurations", ())}
            assert named == {name for f, name in deferred.items() if f == family}


@every_file
def test_a_task_role_may_mount_through_its_own_access_point_alone(file: str) -> None:
    built = graph_of(file)
    points = {point.name: point for point in built.of("efs.AccessPoint")}
    for name, point in points.items():
        (policy,) = (p for p in built.of("iam.RolePolicy") if p.name == f"{name}_mount")
        (statement,) = json.loads(policy.inputs["policy"])["Statement"]
        own = {system.name for system in built.refers(point, "fileSystemId")}
        given: str = point.inputs["fileSystemId"]
        assert own <= {r.name for r in built.refers(policy, "policy")}
        assert own or statement["Resource"].endswith(f"file-system/{given}")
        through = statement["Condition"]["ArnEquals"]["elasticfilesystem:AccessPointArn"]
        assert ":access-point/" in through
        assert ":file-system/" in statement["Resource"]
        assert "elasticfilesystem:ClientRootAccess" not in statement["Action"]


@every_file
def test_keys_and_web_acls_are_those_of_the_stack_file_for_each_region(file: str) -> None:
    asked = settings_of(file, "security")
    built = graph_of(file)

    def of(field: str, resource: Resource) -> str | None:
        given: dict[str, str] | str = asked.get(field, {})
        region: str = resource.inputs["region"]
        return given.get(region) if isinstance(given, dict) else given.replace("{region}", region)

    for group in built.of("cloudwatch.LogGroup"):
        assert group.inputs.get("kmsKeyId") == of("kms_keys", group)
    for template in built.of("ec2.LaunchTemplate"):
        for mapping in template.inputs["blockDeviceMappings"]:
            assert mapping["ebs"].get("kmsKeyId") == of("kms_keys", template)
    guarded = {
        u: association.inputs["webAclArn"]
        for association in built.of("wafv2.WebAclAssociation")
        for u in urns_of(built.refers(association, "resourceArn"))
    }
    for balancer in built.of("lb.LoadBalancer"):
        assert guarded.get(balancer.urn) == of("web_acl_arns", balancer)


@every_file
def test_sessions_of_ecs_exec_are_recorded_where_they_are_and_roles_may_write(file: str) -> None:
    asked = settings_of(file, "security").get("exec_logs", False)
    built = graph_of(file)
    recorded: set[str] = set()
    for cluster in built.of("ecs.Cluster"):
        given = cluster.inputs["configuration"]["executeCommandConfiguration"]
        assert given["logging"] == ("OVERRIDE" if "logConfiguration" in given else "DEFAULT")
        if "logConfiguration" not in given:
            continue
        (group,) = built.refers(cluster, "configuration")
        assert given["logConfiguration"]["cloudWatchLogGroupName"] == group.inputs["name"]
        key = group.inputs.get("kmsKeyId")
        assert given["logConfiguration"]["cloudWatchEncryptionEnabled"] == (key is not None)
        assert given.get("kmsKeyId") == key
        recorded.add(cluster.urn)
    executed = [s for s in built.of("ecs.Service") if s.inputs.get("enableExecuteCommand")]
    for service in executed:
        (cluster,) = built.refers(service, "cluster")
        assert (cluster.urn in recorded) == asked
        (task,) = built.refers(service, "taskDefinition")
        (role,) = built.refers(task, "taskRoleArn")
        found = {a for s in built.statements(role) for a in actions_of(s)}
        assert ("logs:PutLogEvents" in found) == asked
    assert recorded == (urns_of(built.of("ecs.Cluster")) if asked else set())


@every_file
def test_the_endpoint_of_s3_lets_pass_what_the_stack_file_names_and_buckets_of_aws(
    file: str,
) -> None:
    """A policy of an endpoint allows nothing beyond: it stands in the way of all other rights."""
    accounts: list[str] | None = settings_of(file, "security").get("s3_accounts")
    for endpoint in graph_of(file).of("ec2.VpcEndpoint"):
        if endpoint.inputs["vpcEndpointType"] != "Gateway":
            continue
        first, *rest = json.loads(endpoint.inputs["policy"])["Statement"]
        assert (first["Resource"], first["Principal"]) == ("*", "*")
        if accounts is None:
            assert (first["Action"], rest, "Condition" in first) == ("*", [], False)
            continue
        named = {"StringEquals": {"aws:ResourceAccount": [ACCOUNT, *accounts]}}
        assert first["Condition"] == named
        (read,) = rest
        assert read["Action"] == "s3:GetObject"
        region = endpoint.inputs["region"]
        assert f"arn:aws:s3:::prod-{region}-starport-layer-bucket/*" in read["Resource"]
        assert all(f"{region}" in arn and ":::*" not in arn for arn in read["Resource"])
