"""docs/security.md holds: each row of the table of controls, against what the program registers."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

import catalog
from config.credentials import is_credential
from neuron_ecs.recording.graph import Recording, Resource
from tests.contract.graphs import CORNERS, EVERY_FILE, ROOT, graph, texts
from tests.planning.stacks import findings_of, groups, stack, work
from tests.recorder import of_type

Breach = Iterator[str]
CONTROLS: dict[str, Mapping[str, str]] = {
    row["control"]: row for row in catalog.load().resources.security_controls
}


def _with(kind: str, wrong: Callable[[Resource], bool]) -> Callable[[Recording], Breach]:
    """The resources of a kind that break a control."""
    return lambda built: (r.name for r in of_type(built, kind) if wrong(r))


def _containers(wrong: Callable[[dict[str, Any]], bool]) -> Callable[[Recording], Breach]:
    return lambda built: (
        f"{task.name} {container['name']}"
        for task in of_type(built, "ecs.TaskDefinition")
        for container in json.loads(task.inputs["containerDefinitions"])
        if wrong(container)
    )


def _default_groups(built: Recording) -> Breach:
    groups = {g.inputs["vpcId"]: g for g in of_type(built, "ec2.DefaultSecurityGroup")}
    for vpc in of_type(built, "ec2.Vpc"):
        group = groups.get(f"{vpc.name}_id")
        if group is None or group.inputs.get("ingress") or group.inputs.get("egress"):
            yield vpc.name


def _flow_logs(built: Recording) -> Breach:
    logged = {log.inputs["vpcId"] for log in of_type(built, "ec2.FlowLog")}
    yield from (v.name for v in of_type(built, "ec2.Vpc") if f"{v.name}_id" not in logged)


def _below(resource: Resource, key: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] | None = resource.inputs.get(key)
    return found or {}


def _one_zone(group: Resource) -> bool:
    return len(group.inputs["vpcZoneIdentifiers"]) < 2 and not group.inputs.get("placementGroup")


def _public(template: Resource) -> bool:
    interfaces: list[dict[str, Any]] = template.inputs.get("networkInterfaces") or []
    return any(i.get("associatePublicIpAddress") not in (None, "false") for i in interfaces)


def _old_metadata(template: Resource) -> bool:
    return template.inputs["metadataOptions"]["httpTokens"] != "required"


def _by_the_account(provider: Resource) -> bool:
    template = _below(provider, "managedInstancesProvider").get("instanceLaunchTemplate", {})
    return "storageConfiguration" in template


def _opens(rule: Resource, key: str, everyone: str) -> bool:
    """Whether a rule admits everyone to SSH or to Remote Desktop."""
    ports = range(rule.inputs.get("fromPort", 0), rule.inputs.get("toPort", 65_535) + 1)
    return rule.inputs.get(key) == everyone and (22 in ports or 3389 in ports)


def _plain(template: Resource) -> bool:
    volumes = template.inputs["blockDeviceMappings"]
    return any(volume["ebs"].get("encrypted") != "true" for volume in volumes)


def _every_right(policy: Resource) -> bool:
    statements = json.loads(policy.inputs["policy"])["Statement"]
    return any("*" in (s["Action"], *s["Action"]) for s in statements)


# https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html#ecs-8
_OF_SECURITY_HUB = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ECS_ENGINE_AUTH_DATA")


def _secret(name: str, value: str) -> bool:
    """Whether a variable is a secret by its name, or by what its value looks like."""
    endings = (*_OF_SECURITY_HUB, *catalog.load().containers.secret_names)
    return name.upper().endswith(endings) or is_credential(value)


def _insights(cluster: Resource) -> bool:
    return {s["name"]: s["value"] for s in cluster.inputs["settings"]} != {
        "containerInsights": "enhanced"
    }


def _endpoint(service: str) -> Callable[[Recording], Breach]:
    """The networks without an endpoint of a service."""

    def without(built: Recording) -> Breach:
        found = {
            endpoint.inputs["vpcId"]
            for endpoint in of_type(built, "ec2.VpcEndpoint")
            if endpoint.inputs["serviceName"].endswith(f".{service}")
        }
        yield from (v.name for v in of_type(built, "ec2.Vpc") if f"{v.name}_id" not in found)

    return without


def _open(rule: Resource) -> bool:
    """Whether a rule admits everyone, at another port than 80 and 443."""
    everyone = rule.inputs.get("cidrIpv4") == "0.0.0.0/0" or rule.inputs.get("cidrIpv6") == "::/0"
    ports = rule.inputs.get("fromPort", 0), rule.inputs.get("toPort", 65_535)
    return everyone and ports not in ((80, 80), (443, 443))


def _in_clear_text(listener: Resource) -> bool:
    actions: list[dict[str, Any]] = listener.inputs["defaultActions"]
    return listener.inputs["protocol"] != "HTTPS" and actions[0]["type"] != "redirect"


def _every_action(policy: Resource) -> bool:
    for statement in json.loads(policy.inputs["policy"])["Statement"]:
        given: list[str] | str = statement["Action"]
        if any(action.endswith(":*") for action in ([given] if isinstance(given, str) else given)):
            return True
    return False


def _anyone(policy: Resource) -> bool:
    statements = json.loads(policy.inputs["policy"])["Statement"]
    return any(set(s["Principal"]) != {"Service"} for s in statements)


def _always(_: Resource) -> bool:
    return True


# What all versions of the page have in common; TLS13-1-2-2021-06 stands there no more.
# https://docs.aws.amazon.com/securityhub/latest/userguide/elb-controls.html#elb-17
_RECOMMENDED = {
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-2023-04",
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04",
}


# What breaks each control, in a recording.
def _plain_disk(service: Resource) -> bool:
    disk = _below(service, "volumeConfiguration").get("managedEbsVolume")
    return disk is not None and not disk["encrypted"]


BREACHES: dict[str, Callable[[Recording], Breach]] = {
    "AutoScaling.1": _with(
        "autoscaling.Group",
        lambda r: bool(r.inputs.get("targetGroupArns") or r.inputs.get("loadBalancers")),
    ),
    "AutoScaling.6": _with("autoscaling.Group", lambda r: not r.inputs.get("mixedInstancesPolicy")),
    "AutoScaling.2": _with("autoscaling.Group", _one_zone),
    "AutoScaling.9": _with("autoscaling.Group", lambda r: not r.inputs.get("launchTemplate")),
    "CIS-1.16": _with("iam.RolePolicy", _every_right),
    "CIS-2.2.1": _with("ecs.CapacityProvider", _by_the_account),
    "CIS-2.4.1": _with("efs.FileSystem", lambda r: not r.inputs.get("encrypted")),
    "CIS-3.7": _flow_logs,
    "CIS-5.1": _with("ec2.Vpc", _always),
    "CIS-5.2": _with("vpc.SecurityGroupIngressRule", lambda r: _opens(r, "cidrIpv4", "0.0.0.0/0")),
    "CIS-5.3": _with("vpc.SecurityGroupIngressRule", lambda r: _opens(r, "cidrIpv6", "::/0")),
    "CIS-5.4": _default_groups,
    "CIS-5.6": _with("ec2.LaunchTemplate", _old_metadata),
    "CloudWatch.16": _with("cloudwatch.LogGroup", lambda r: r.inputs["retentionInDays"] < 365),
    "EC2.2": _default_groups,
    "EC2.3": _with("ecs.Service", _plain_disk),
    "EC2.6": _flow_logs,
    "EC2.7": _with("ecs.CapacityProvider", _by_the_account),
    "EC2.8": _with("ec2.LaunchTemplate", _old_metadata),
    "EC2.9": _with("ec2.LaunchTemplate", _public),
    "EC2.10": _endpoint("ec2"),
    "EC2.13": _with("vpc.SecurityGroupIngressRule", lambda r: _opens(r, "cidrIpv4", "0.0.0.0/0")),
    "EC2.14": _with("vpc.SecurityGroupIngressRule", lambda r: _opens(r, "cidrIpv4", "0.0.0.0/0")),
    "EC2.17": _with(
        "ec2.LaunchTemplate", lambda r: len(r.inputs.get("networkInterfaces") or ()) > 1
    ),
    "EC2.18": _with("vpc.SecurityGroupIngressRule", _open),
    "EC2.19": _with("vpc.SecurityGroupIngressRule", _open),
    "EC2.21": _with("ec2.Vpc", _always),
    "EC2.28": _with("ec2.LaunchTemplate", _always),
    "EC2.55": _endpoint("ecr.api"),
    "EC2.56": _endpoint("ecr.dkr"),
    "EC2.57": _endpoint("ssm"),
    "EC2.58": _endpoint("ssm-contacts"),
    "EC2.60": _endpoint("ssm-incidents"),
    "EC2.172": _with("ec2.InternetGateway", _always),
    "EC2.180": _with("ec2.NetworkInterface", lambda r: r.inputs.get("sourceDestCheck") is False),
    "EC2.15": _with("ec2.Subnet", lambda r: bool(r.inputs.get("mapPublicIpOnLaunch"))),
    "EC2.25": _with("ec2.LaunchTemplate", _public),
    "EC2.170": _with("ec2.LaunchTemplate", _old_metadata),
    "EC2.181": _with("ec2.LaunchTemplate", _plain),
    "ECS.2": _with(
        "ecs.Service",
        lambda r: bool(_below(r, "networkConfiguration").get("assignPublicIp")),
    ),
    "ECS.3": _with("ecs.TaskDefinition", lambda r: bool(r.inputs.get("pidMode"))),
    "ECS.4": _containers(lambda c: bool(c.get("privileged"))),
    "ECS.5": _containers(lambda c: not c.get("readonlyRootFilesystem")),
    "ECS.8": _containers(
        lambda c: any(_secret(v["name"], v.get("value", "")) for v in c.get("environment", ()))
    ),
    "ECS.9": _containers(lambda c: not c.get("logConfiguration")),
    "ECS.12": _with("ecs.Cluster", _insights),
    "ECS.17": _with("ecs.TaskDefinition", lambda r: r.inputs["networkMode"] == "host"),
    "ECS.18": lambda built: (
        task.name
        for task in of_type(built, "ecs.TaskDefinition")
        for volume in task.inputs.get("volumes") or ()
        if volume.get("efsVolumeConfiguration", {"transitEncryption": "ENABLED"})[
            "transitEncryption"
        ]
        != "ENABLED"
    ),
    "EFS.1": _with("efs.FileSystem", lambda r: not r.inputs.get("encrypted")),
    "EFS.2": _with("efs.FileSystem", _always),
    "EFS.6": _with("ec2.Subnet", lambda r: bool(r.inputs.get("mapPublicIpOnLaunch"))),
    "EFS.8": _with("efs.FileSystem", lambda r: not r.inputs.get("encrypted")),
    "EFS.3": _with(
        "efs.AccessPoint", lambda r: _below(r, "rootDirectory").get("path") in (None, "/")
    ),
    "EFS.4": _with("efs.AccessPoint", lambda r: not r.inputs.get("posixUser")),
    "EFS.7": lambda built: (
        files.name
        for files in of_type(built, "efs.FileSystem")
        if f"{files.name}_id"
        not in {policy.inputs["fileSystemId"] for policy in of_type(built, "efs.BackupPolicy")}
    ),
    "ECS.19": _with(
        "ecs.CapacityProvider",
        lambda r: (
            _below(r, "autoScalingGroupProvider").get("managedTerminationProtection")
            not in (None, "ENABLED")
        ),
    ),
    "ECS.20": _containers(lambda c: not c.get("user")),
    "ELB.1": _with("lb.Listener", _in_clear_text),
    "ELB.12": _with(
        "lb.LoadBalancer",
        lambda r: r.inputs.get("desyncMitigationMode", "defensive") == "monitor",
    ),
    "ELB.18": _with("lb.Listener", lambda r: r.inputs["protocol"] != "HTTPS"),
    "ELB.21": _with(
        "lb.TargetGroup", lambda r: _below(r, "healthCheck").get("protocol") != "HTTPS"
    ),
    "ELB.22": _with("lb.TargetGroup", lambda r: r.inputs["protocol"] != "HTTPS"),
    "ELB.4": _with("lb.LoadBalancer", lambda r: not r.inputs.get("dropInvalidHeaderFields")),
    "ELB.5": _with("lb.LoadBalancer", lambda r: not r.inputs.get("accessLogs")),
    "ELB.6": _with("lb.LoadBalancer", lambda r: not r.inputs.get("enableDeletionProtection")),
    "ELB.13": _with("lb.LoadBalancer", lambda r: len(r.inputs["subnets"]) < 2),
    "ELB.16": lambda built: (
        balancer.name
        for balancer in of_type(built, "lb.LoadBalancer")
        if balancer.name
        not in {
            association.inputs["resourceArn"].split("/")[-2].rpartition("-")[0]
            for association in of_type(built, "wafv2.WebAclAssociation")
        }
    ),
    "ELB.17": _with("lb.Listener", lambda r: r.inputs.get("sslPolicy") not in _RECOMMENDED),
    "IAM.21": _with("iam.RolePolicy", _every_action),
    "SNS.4": _with("sns.TopicPolicy", _anyone),
    "SNS.1": _with("sns.Topic", lambda r: not r.inputs.get("kmsMasterKeyId")),
    "IAM.1": _with("iam.RolePolicy", _every_right),
}
# The settings that meet a control, where the stack file has them.
SETTINGS = {
    "CIS-3.7": "flow_logs",
    "EC2.6": "flow_logs",
    "ELB.5": "access_logs",
    "ELB.6": "deletion_protection",
    "ELB.16": "web_acl_arns",
}


# A stack file with the setting of another part that meets a control.
MET = {
    "EC2.55": "examples/no-internet.yaml",
    "EC2.56": "examples/no-internet.yaml",
    "EC2.57": "examples/no-internet.yaml",
    "ELB.1": "Pulumi.prod.yaml",
    "ELB.17": "Pulumi.prod.yaml",
    "ELB.18": "Pulumi.prod.yaml",
}


@pytest.mark.parametrize("control", sorted(MET))
def test_a_setting_of_the_stack_meets_its_control(control: str) -> None:
    assert list(BREACHES[control](graph(MET[control]))) == []


def test_every_row_is_held() -> None:
    assert BREACHES.keys() == CONTROLS.keys()
    assert {row["state"] for row in CONTROLS.values()} == {"default", "setting", "exception"}


@pytest.mark.parametrize(
    "control", sorted(c for c, r in CONTROLS.items() if r["state"] == "default")
)
@pytest.mark.parametrize("file", EVERY_FILE)
def test_a_default_holds_in_every_stack_without_a_word(control: str, file: str) -> None:
    assert list(BREACHES[control](graph(file))) == []


@pytest.mark.parametrize("file", EVERY_FILE)
def test_no_container_is_privileged_but_what_watches_the_chips(file: str) -> None:
    found = {breach.split()[-1] for breach in BREACHES["ECS.4"](graph(file))}
    assert found <= {"neuron-monitor", "node-problem-detector"}


@pytest.mark.parametrize("name", _OF_SECURITY_HUB)
def test_names_that_security_hub_looks_for_are_reported(name: str) -> None:
    model = {**work(1), "environment": {name: "QWxhZGRpbjpvcGVuIHNlc2FtZQ"}}
    found = findings_of(stack(capacity={"pool": groups()}, models={"m": model}))
    assert [f.path for f in found if f.code == "NE323"] == [f"models.m.environment.{name}"]


@pytest.mark.parametrize("control", sorted(SETTINGS))
@pytest.mark.parametrize("file", EVERY_FILE)
def test_a_setting_of_security_meets_its_control(control: str, file: str) -> None:
    asked = json.loads(texts(file).config.get("neuron-ecs:security", "{}"))
    met = SETTINGS[control] in asked
    assert met or file != CORNERS, "the corners ask for everything"
    assert not (met and list(BREACHES[control](graph(file))))


@pytest.mark.parametrize(
    "control", sorted(c for c, row in CONTROLS.items() if row["state"] != "default")
)
def test_what_is_no_default_is_broken_somewhere(control: str) -> None:
    """Otherwise it is a default, and the table says too little."""
    assert any(list(BREACHES[control](graph(file))) for file in EVERY_FILE)


# ---- the table of roles ------------------------------------------------------------------------

_SAID = {
    "exec": "`exec`",
    "mount": "`mounts`",
    "queue": "`scaling.queue`",
    "s3-files": "`mounts`",
    "s3-read": "`s3_read`",
    "s3-write": "`s3_write`",
    "secrets": "the secrets",
    "volume-keys": "`security.kms_keys`",
}
"""How the table calls a policy of ours that the stack file asks for."""


def _role_rows() -> dict[str, str]:
    """What the roles may do, by a pattern of their names."""
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    table = text.partition("| role |")[2].partition("\n\n")[0]
    found: dict[str, str] = {}
    for line in table.splitlines()[2:]:
        name, _, may = line.strip("|").split("|")
        for role in re.findall("`([^`]+)`", name):
            found[re.sub(r"<\w+>", r"[a-z0-9-]+", role)] = may
    return found


def test_the_table_of_roles_has_every_role_with_what_it_may_do() -> None:
    rows, used = _role_rows(), set[str]()
    for file in EVERY_FILE:
        plan = texts(file).plan(catalog.load())
        mounts = {p.role for r in plan.regions for f in r.file_systems for p in f.access_points}
        for role in plan.roles:
            found = [pattern for pattern in rows if re.fullmatch(pattern, role.key)]
            # a row of a daemon or of a job is nearer than one of any name
            (row, *_) = sorted(found, key=lambda p: p.startswith("["))
            used.add(row)
            own = [p.name for p in role.inline_policies] + ["mount"] * (role.key in mounts)
            for word in filter(None, (_SAID.get(name) for name in own)):
                assert word in rows[row], f"{role.key} may: {word}"
    assert used == set(rows), "a role that no stack has"
