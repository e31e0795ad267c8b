"""Placeholders for the outputs of resources that do not exist: names, ARNs and identifiers.

Each carries a digest of the URN, so that it differs only where the resource does.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from neuron_ecs.recording.graph import Resource
from planning.document import Json

if TYPE_CHECKING:
    from neuron_ecs.recording.sdk_types import ResourceType

ACCOUNT = "123456789012"
"""The account in every placeholder ARN; AWS reserves it for examples."""

LOOKUPS: Mapping[str, Mapping[str, Json]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": {
        "accountId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:root",
        "id": ACCOUNT,
        "userId": ACCOUNT,
    },
}
"""What a look-up answers, by the token of its function."""

_GLOBAL_SERVICES = frozenset({"iam", "route53", "cloudfront", "globalaccelerator"})
_PARTITIONS: tuple[tuple[str, str, str], ...] = (
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("", "aws", "amazonaws.com"),
)

_LOAD_BALANCER = "elasticloadbalancing:{region}:{account}"
_ARNS: Mapping[str, str] = {
    "aws:appautoscaling/policy:Policy": "autoscaling:{region}:{account}:scalingPolicy:{hash}"
    ":policyName/{name}",
    "aws:appautoscaling/target:Target": "application-autoscaling:{region}:{account}"
    ":scalable-target/{hash}",
    "aws:autoscaling/group:Group": "autoscaling:{region}:{account}:autoScalingGroup:{hash}"
    ":autoScalingGroupName/{name}",
    "aws:cloudwatch/logGroup:LogGroup": "logs:{region}:{account}:log-group:{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch:{region}:{account}:alarm:{name}",
    "aws:ecs/taskDefinition:TaskDefinition": "ecs:{region}:{account}:task-definition/{family}:1",
    "aws:efs/accessPoint:AccessPoint": "elasticfilesystem:{region}:{account}"
    ":access-point/fsap-{hash}",
    "aws:efs/fileSystem:FileSystem": "elasticfilesystem:{region}:{account}:file-system/fs-{hash}",
    "aws:iam/instanceProfile:InstanceProfile": "iam::{account}:instance-profile/{name}",
    "aws:iam/policy:Policy": "iam::{account}:policy/{name}",
    "aws:iam/role:Role": "iam::{account}:role/{name}",
    "aws:lb/listener:Listener": _LOAD_BALANCER + ":listener/app/{name}/{hash}/{hash}",
    "aws:lb/listenerRule:ListenerRule": _LOAD_BALANCER
    + ":listener-rule/app/{name}/{hash}/{hash}/{hash}",
    "aws:lb/loadBalancer:LoadBalancer": _LOAD_BALANCER + ":loadbalancer/app/{name}/{hash}",
    "aws:lb/targetGroup:TargetGroup": _LOAD_BALANCER + ":targetgroup/{name}/{hash}",
    "aws:s3/bucket:Bucket": "s3:::{name}",
    "aws:scheduler/schedule:Schedule": "scheduler:{region}:{account}:schedule/default/{name}",
    "aws:sns/topic:Topic": "sns:{region}:{account}:{name}",
    "aws:ssm/parameter:Parameter": "ssm:{region}:{account}:parameter/{name}",
}
"""ARNs after `arn:<partition>:`; types without a row get `<service>:<Region>:…:<type>/<name>`."""

OUTPUTS: Mapping[str, Mapping[str, Json]] = {
    "aws:acm/certificate:Certificate": {
        "domainValidationOptions": [
            {
                "domainName": "{domainName}",
                "resourceRecordName": "_{hash}.{domainName}.",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": "_{hash}.acm-validations.aws.",
            }
        ]
    },
    "aws:autoscaling/group:Group": {"availabilityZones": []},
    "aws:ec2/eip:Eip": {"allocationId": "eipalloc-{hash}", "publicIp": "198.51.100.1"},
    "aws:ec2/launchTemplate:LaunchTemplate": {"latestVersion": 1, "defaultVersion": 1},
    "aws:ec2/securityGroup:SecurityGroup": {"ownerId": "{account}"},
    "aws:ec2/vpc:Vpc": {
        "defaultNetworkAclId": "acl-{hash}",
        "defaultRouteTableId": "rtb-{hash}",
        "defaultSecurityGroupId": "sg-{hash}",
        "mainRouteTableId": "rtb-{hash}",
        "ownerId": "{account}",
    },
    "aws:ec2/vpcEndpoint:VpcEndpoint": {"prefixListId": "pl-{hash}", "state": "available"},
    "aws:ecr/repository:Repository": {
        "registryId": "{account}",
        "repositoryUrl": "{account}.dkr.ecr.{region}.{domain}/{name}",
    },
    "aws:ecs/taskDefinition:TaskDefinition": {
        "arnWithoutRevision": "arn:{partition}:ecs:{region}:{account}:task-definition/{family}",
        "revision": 1,
    },
    "aws:iam/instanceProfile:InstanceProfile": {"uniqueId": "AIPA{hash}"},
    "aws:iam/role:Role": {"uniqueId": "AROA{hash}"},
    "aws:lb/loadBalancer:LoadBalancer": {
        "arnSuffix": "app/{name}/{hash}",
        "dnsName": "<{name}>.{region}.elb.{domain}",
        "zoneId": "Z{hash}",
    },
    "aws:lb/targetGroup:TargetGroup": {"arnSuffix": "targetgroup/{name}/{hash}"},
    "aws:route53/record:Record": {"fqdn": "{name}"},
    "aws:s3/bucket:Bucket": {
        "bucketDomainName": "{name}.s3.{domain}",
        "bucketRegionalDomainName": "{name}.s3.{region}.{domain}",
    },
    "aws:ssm/parameter:Parameter": {"version": 1},
}


def marks(urn: str, name: str) -> tuple[str, ...]:
    """Every text that stands for the resource: physical name, identifier, digest and URN.

    The order is the same for every resource.
    """
    return _chosen_name(urn, name), identifier(name), _short(urn), urn


def identifier(name: str) -> str:
    """The identifier of the resource of that logical name."""
    return f"{name}_id"


def _digest(urn: str) -> str:
    return hashlib.sha256(urn.encode()).hexdigest()


def _short(urn: str) -> str:
    return _digest(urn)[:16]


def _chosen_name(urn: str, name: str) -> str:
    return f"{name}-{_digest(urn)[:7]}"


def auto_name(resource: Resource, known: "ResourceType") -> str | None:
    """The name that Pulumi would choose, or None if the program chose, or the type has no name."""
    if "name" not in known.inputs or {"name", "namePrefix"} & resource.inputs.keys():
        return None
    return _chosen_name(resource.urn, resource.name)


def placeholders(resource: Resource, known: "ResourceType", region: str) -> dict[str, Json]:
    """Returns the outputs of the resource that do not repeat its inputs."""
    outputs: dict[str, Json] = {}
    name = auto_name(resource, known)
    if name is not None:
        outputs["name"] = name
    row = OUTPUTS.get(resource.type)
    if row is None and "arn" not in known.outputs:
        return outputs
    partition, domain = next(
        (partition, domain)
        for prefix, partition, domain in _PARTITIONS
        if region.startswith(prefix)
    )
    values = {k: v for k, v in resource.inputs.items() if isinstance(v, str)}
    values.setdefault("name", values.get("bucket", name or resource.name))
    values |= {
        "account": ACCOUNT,
        "domain": domain,
        "hash": _short(resource.urn),
        "partition": partition,
        "region": region,
    }
    if "arn" in known.outputs:
        rest = _ARNS.get(resource.type) or _plain_arn(resource.type)
        outputs["arn"] = f"arn:{partition}:{rest.format_map(values)}"
    outputs |= {key: _filled(value, values) for key, value in (row or {}).items()}
    return outputs


def _filled(value: Json, words: Mapping[str, str]) -> Json:
    if isinstance(value, list):
        return [_filled(part, words) for part in cast("list[Json]", value)]
    if isinstance(value, dict):
        members = cast("Mapping[str, Json]", value)
        return {key: _filled(part, words) for key, part in members.items()}
    return value.format_map(words) if isinstance(value, str) else value


def _plain_arn(token: str) -> str:
    _, module, name = token.split(":")
    service = module.split("/")[0]
    kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
    region = "" if service in _GLOBAL_SERVICES else "{region}"
    return f"{service}:{region}:{{account}}:{kind}/{{name}}"
