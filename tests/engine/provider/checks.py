"""What the provider refuses at preview, before it calls AWS.

Each check follows a validator of terraform-provider-aws (ValidateFunc, CustomizeDiff) or of
pulumi-terraform-bridge; unknown values pass, as they do there.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from tests.engine.provider.rows import KINDS, Kind
from tests.engine.provider.shapes import Problem
from tests.engine.provider.wire import (
    DEFAULTS,
    UNKNOWN,
    Json,
    Props,
    blocks,
    flag,
    number,
    reach,
    text,
    texts,
)

_ARN = re.compile(r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}|aws)?:.+")
_CLUSTER_NAME = re.compile(r"^[0-9A-Za-z_-]{1,255}$")
_REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")

# botocore 1.44.5, ecs AcceleratorName: the list has no Trainium and no Inferentia2.
_ACCELERATOR_NAMES = frozenset(
    "a100 inferentia k520 k80 m60 radeon-pro-v520 t4 vu9p v100 a10g h100 t4g l40s l4".split()
)
_RETENTION_DAYS = frozenset(
    (0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096)
    + (1827, 2192, 2557, 2922, 3288, 3653)
)


def checked(
    token: str, name: str, news: Props, olds: Props | None = None, seed: bytes = b""
) -> tuple[Props, list[Problem]]:
    """The inputs with the provider's defaults filled in, and every problem with their values.

    Whether a type has such properties is another question (see ``shapes``).
    """
    kind = KINDS.get(token)
    if kind is None:
        return news, [Problem("", f"{token} has no row in tests/engine/provider/rows.py")]
    inputs, problems = _named(kind, name, news, olds or {}, seed)
    problems.extend(_region(kind, inputs))
    problems.extend(_forms(kind, inputs))
    check = _CHECKS.get(token)
    if check is not None:
        problems.extend(check(inputs))
    return inputs, problems


def _named(
    kind: Kind, name: str, news: Props, olds: Props, seed: bytes
) -> tuple[Props, list[Problem]]:
    """Makes up a physical name: the logical name, a hyphen and seven hexadecimal digits.

    Source: pulumi-terraform-bridge, ``AutoName`` and ``NewUniqueName``: an old name that was made
    up stays, and a name that would be too long is an error rather than cut.
    """
    inputs: Props = {key: value for key, value in news.items() if key != DEFAULTS}
    inputs[DEFAULTS] = []
    if kind.named is None or "name" in inputs or "namePrefix" in inputs:
        return inputs, []
    old_name = olds.get("name")
    old_defaults = olds.get(DEFAULTS)
    if isinstance(old_defaults, list) and "name" in old_defaults and old_name is not None:
        made_up = old_name
    else:
        digits = hashlib.sha256(seed).hexdigest()[:7] if seed else secrets.token_hex(4)[:7]
        made_up = f"{name}-{digits}"
        if len(made_up) > kind.named:
            reason = (
                f"name '{name}-' plus 7 random chars is longer than maximum length {kind.named}"
            )
            return inputs, [Problem("name", reason)]
    inputs["name"] = made_up
    inputs[DEFAULTS] = ["name"]
    return inputs, []


def _region(kind: Kind, inputs: Props) -> Iterator[Problem]:
    """``region`` is a Region's name.

    Source: terraform-provider-aws, enhanced Region support: the value is validated.
    """
    region = inputs.get("region")
    if kind.regional and isinstance(region, str) and region != UNKNOWN:
        if not _REGION.match(region):
            yield Problem("region", f"'{region}' is not a valid AWS Region")


def _forms(kind: Kind, inputs: Props) -> Iterator[Problem]:
    """An ARN stands where an ARN belongs, and a name where a name does.

    Source: terraform-provider-aws, ``verify.ValidARN`` and ``validateClusterName``; where the
    provider leaves it to the API, the API refuses it just as well.
    """
    for ref in kind.refs:
        for value in texts(inputs, ref.path):
            looks_like_arn = value.startswith("arn:")
            if looks_like_arn and "arn" not in ref.by:
                yield Problem(ref.path, f"'{value}' is an ARN; {ref.to} is named by {ref.by[0]}")
            elif not looks_like_arn and ref.by == ("arn",):
                yield Problem(ref.path, f"({value}) is an invalid ARN: arn: invalid prefix")
            elif looks_like_arn and not _ARN.match(value):
                yield Problem(ref.path, f"({value}) is an invalid ARN")


def _capacity_provider(inputs: Props) -> Iterator[Problem]:
    """Exactly one kind of capacity; a cluster's name with one, and none with the other.

    Source: terraform-provider-aws internal/service/ecs/capacity_provider.go (CustomizeDiff, and
    ``enum.Validate[awstypes.AcceleratorName]``).
    """
    scaling = inputs.get("autoScalingGroupProvider")
    managed = inputs.get("managedInstancesProvider")
    if (scaling is None) == (managed is None):
        yield Problem(
            "", "exactly one of auto_scaling_group_provider or managed_instances_provider"
        )
    # At preview an unknown value reads as empty there, so an unknown cluster is refused too.
    cluster = inputs.get("cluster")
    if managed is not None and cluster in (None, UNKNOWN):
        yield Problem("cluster", "cluster is required when using managed_instances_provider")
    if scaling is not None and cluster is not None:
        yield Problem("cluster", "cluster must not be set when using auto_scaling_group_provider")
    if managed == UNKNOWN or scaling == UNKNOWN:
        yield Problem(
            "", "exactly one of auto_scaling_group_provider or managed_instances_provider"
        )
    if isinstance(cluster, str) and cluster != UNKNOWN and not _CLUSTER_NAME.match(cluster):
        yield Problem("cluster", f"invalid value for cluster ({cluster}): a name is expected")
    template = "managedInstancesProvider.instanceLaunchTemplate"
    needs = f"{template}.instanceRequirements"
    for value in texts(inputs, f"{needs}.acceleratorNames"):
        if value not in _ACCELERATOR_NAMES:
            yield Problem(
                f"{needs}.acceleratorNames",
                f"expected accelerator_names to be one of {sorted(_ACCELERATOR_NAMES)}, "
                f"got {value}",
            )
    for value in texts(inputs, f"{needs}.allowedInstanceTypes"):
        if not re.fullmatch(r"[a-zA-Z0-9.*-]{1,30}", value):
            yield Problem(f"{needs}.allowedInstanceTypes", f"invalid instance type {value!r}")
    for requirements in blocks(inputs, needs):
        for key in ("memoryMib", "vcpuCount"):
            least = number(requirements, f"{key}.min")
            if least is not None and least < 1:
                yield Problem(f"{needs}.{key}.min", "expected at least 1")
        if texts(requirements, "allowedInstanceTypes") and texts(
            requirements, "excludedInstanceTypes"
        ):
            yield Problem(needs, "allowed and excluded instance types exclude each other")
    yield from _one_of(inputs, f"{template}.capacityOptionType", ("ON_DEMAND", "SPOT", "RESERVED"))
    yield from _one_of(inputs, f"{template}.monitoring", ("BASIC", "DETAILED"))
    yield from _one_of(
        inputs, "managedInstancesProvider.propagateTags", ("CAPACITY_PROVIDER", "NONE")
    )
    reserved = text(inputs, f"{template}.capacityOptionType") == "RESERVED"
    reservations = blocks(inputs, f"{template}.capacityReservations")
    if reserved and not reservations:
        yield Problem(template, "capacity_reservations is required with RESERVED")
    if reservations and not reserved:
        yield Problem(template, "capacity_reservations is for RESERVED only")
    for block in reservations:
        preference = text(block, "reservationPreference")
        if text(block, "reservationGroupArn") and preference != "RESERVATIONS_ONLY":
            yield Problem(template, "reservation_group_arn goes with RESERVATIONS_ONLY only")
        if preference != "RESERVATIONS_EXCLUDED" and not blocks(inputs, needs):
            yield Problem(template, f"{preference} requires instance_requirements")
    idle = number(inputs, "managedInstancesProvider.infrastructureOptimization.scaleInAfter")
    if idle is not None and not -1 <= idle <= 3600:
        yield Problem("managedInstancesProvider", "expected scale_in_after in -1..3600")
    scaling_path = "autoScalingGroupProvider.managedScaling"
    target = number(inputs, f"{scaling_path}.targetCapacity")
    if target is not None and not 1 <= target <= 100:
        yield Problem(f"{scaling_path}.targetCapacity", "expected target_capacity in 1..100")
    yield from _one_of(inputs, f"{scaling_path}.status", ("ENABLED", "DISABLED"))
    for key in ("managedTerminationProtection", "managedDraining"):
        yield from _one_of(inputs, f"autoScalingGroupProvider.{key}", ("ENABLED", "DISABLED"))


def _cluster_capacity_providers(inputs: Props) -> Iterator[Problem]:
    """The cluster is named, never given by ARN; a strategy's numbers stay in their ranges.

    Source: terraform-provider-aws internal/service/ecs/cluster_capacity_providers.go.
    """
    name = text(inputs, "clusterName")
    if name is not None and not _CLUSTER_NAME.match(name):
        yield Problem("clusterName", f"invalid value for cluster_name ({name})")
    yield from _strategies(inputs, "defaultCapacityProviderStrategies")


def _strategies(inputs: Props, path: str) -> Iterator[Problem]:
    for block in blocks(inputs, path):
        for key, most in (("base", 100_000), ("weight", 1_000)):
            value = number(block, key)
            if value is not None and not 0 <= value <= most:
                yield Problem(f"{path}.{key}", f"expected {key} in 0..{most}, got {value}")


_STRING, _INTEGER, _BOOLEAN = "string", "int32", "bool"

# Fields of the Go struct that container definitions are decoded into, by their type; the decoder
# matches keys without regard to case and drops those that it does not know.
_CONTAINER_FIELDS: Mapping[str, str] = {
    **dict.fromkeys(("name", "image", "hostname", "user", "workingdirectory"), _STRING),
    **dict.fromkeys(
        ("cpu", "memory", "memoryreservation", "starttimeout", "stoptimeout"), _INTEGER
    ),
    **dict.fromkeys(
        ("essential", "privileged", "readonlyrootfilesystem", "interactive", "pseudoterminal"),
        _BOOLEAN,
    ),
}
_NESTED_FIELDS: Mapping[str, Mapping[str, str]] = {
    "portmappings": {
        "containerport": _INTEGER,
        "hostport": _INTEGER,
        "protocol": _STRING,
        "name": _STRING,
    },
    "environment": {"name": _STRING, "value": _STRING},
    "secrets": {"name": _STRING, "valuefrom": _STRING},
    "ulimits": {"name": _STRING, "softlimit": _INTEGER, "hardlimit": _INTEGER},
    "mountpoints": {"sourcevolume": _STRING, "containerpath": _STRING, "readonly": _BOOLEAN},
    "resourcerequirements": {"type": _STRING, "value": _STRING},
    "dependson": {"containername": _STRING, "condition": _STRING},
}


def _container_definitions(inputs: Props) -> Iterator[Problem]:
    """Container definitions decode: ints are ints, environment values are strings.

    Source: terraform-provider-aws internal/service/ecs/container_definitions.go, which decodes
    with encoding/json into the API's struct ("cannot unmarshal string into Go struct field").
    """
    raw = inputs.get("containerDefinitions")
    if not isinstance(raw, str) or raw == UNKNOWN:
        return
    where = "containerDefinitions"
    try:
        decoded: Json = json.loads(raw)
    except json.JSONDecodeError as error:
        yield Problem(where, f"ECS Task Definition container_definitions is invalid: {error}")
        return
    if not isinstance(decoded, list):
        yield Problem(where, "cannot unmarshal object into Go value of type []ContainerDefinition")
        return
    for index, container in enumerate(decoded):
        if not isinstance(container, dict) or not container:
            yield Problem(where, f"invalid container definition supplied at index ({index})")
            continue
        for key, value in container.items():
            folded = key.lower()
            wanted = _CONTAINER_FIELDS.get(folded)
            if wanted:
                yield from _decodes(value, wanted, where, f"ContainerDefinition.{key}")
            fields = _NESTED_FIELDS.get(folded)
            if fields and isinstance(value, list):
                for item in value:
                    if isinstance(item, dict):
                        for inner, content in item.items():
                            kind = fields.get(inner.lower())
                            if kind:
                                yield from _decodes(content, kind, where, f"{key}.{inner}")


def _decodes(value: Json, wanted: str, where: str, field: str) -> Iterator[Problem]:
    if value is None:
        return
    fits = {
        _STRING: isinstance(value, str),
        _INTEGER: isinstance(value, int) and not isinstance(value, bool),
        _BOOLEAN: isinstance(value, bool),
    }[wanted]
    if not fits:
        yield Problem(
            where,
            f"json: cannot unmarshal {json.dumps(value)} into Go struct field {field} of type "
            f"{wanted}",
        )


def _task_definition(inputs: Props) -> Iterator[Problem]:
    """Enumerations and the family's form.

    Source: terraform-provider-aws internal/service/ecs/task_definition.go.
    """
    family = text(inputs, "family")
    if family is not None and not re.fullmatch(r"[0-9A-Za-z_-]{1,255}", family):
        yield Problem("family", "must be 1 to 255 of letters, digits, hyphens and underscores")
    for value in texts(inputs, "requiresCompatibilities"):
        if value not in ("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"):
            yield Problem("requiresCompatibilities", f"unexpected value {value}")
    yield from _one_of(inputs, "networkMode", ("bridge", "host", "awsvpc", "none"))
    yield from _one_of(inputs, "ipcMode", ("host", "none", "task"))
    yield from _one_of(inputs, "pidMode", ("host", "task"))
    yield from _container_definitions(inputs)


def _service(inputs: Props) -> Iterator[Problem]:
    """Enumerations, both keys of the circuit breaker, at most ten placement constraints.

    Source: terraform-provider-aws internal/service/ecs/service.go.
    """
    breaker = inputs.get("deploymentCircuitBreaker")
    if isinstance(breaker, dict):
        for key in ("enable", "rollback"):
            if breaker.get(key) is None:
                yield Problem(f"deploymentCircuitBreaker.{key}", "Missing required argument")
    yield from _one_of(inputs, "launchType", ("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"))
    yield from _one_of(inputs, "schedulingStrategy", ("REPLICA", "DAEMON"))
    yield from _one_of(inputs, "propagateTags", ("SERVICE", "TASK_DEFINITION", "NONE"))
    yield from _one_of(inputs, "availabilityZoneRebalancing", ("ENABLED", "DISABLED"))
    yield from _strategies(inputs, "capacityProviderStrategies")
    constraints = blocks(inputs, "placementConstraints")
    if len(constraints) > 10:
        yield Problem("placementConstraints", "Too many list items: at most 10")
    for block in constraints:
        yield from _one_of(block, "type", ("distinctInstance", "memberOf"))
    network = inputs.get("networkConfiguration")
    if isinstance(network, dict) and network.get("subnets") is None:
        yield Problem("networkConfiguration.subnets", "Missing required argument")


def _balancer_name(inputs: Props) -> Iterator[Problem]:
    """At most 32 letters, digits and hyphens; no hyphen at either end; not ``internal-…``.

    Source: terraform-provider-aws internal/service/elbv2/validate.go (``validName``).
    """
    name = text(inputs, "name")
    if name is None:
        return
    if len(name) > 32:
        yield Problem("name", f'"name" cannot be longer than 32 characters: {name!r}')
    if not re.fullmatch(r"[0-9A-Za-z-]+", name):
        yield Problem("name", f"only alphanumeric characters and hyphens allowed in {name!r}")
    if name.startswith("-") or name.endswith("-"):
        yield Problem("name", f"{name!r} cannot begin or end with a hyphen")
    if name.startswith("internal-"):
        yield Problem("name", f"{name!r} cannot begin with internal-")


def _target_group(inputs: Props) -> Iterator[Problem]:
    """A target group of instances or addresses states port, protocol and VPC.

    Source: terraform-provider-aws internal/service/elbv2/target_group.go (CustomizeDiff).
    """
    yield from _balancer_name(inputs)
    kind = text(inputs, "targetType") or "instance"
    yield from _one_of(inputs, "targetType", ("instance", "ip", "lambda", "alb"))
    if kind != "lambda":
        for key in ("port", "protocol", "vpcId"):
            if inputs.get(key) is None:
                yield Problem(key, f"{key} should be set when target_type is {kind}")


def _listener(inputs: Props) -> Iterator[Problem]:
    """A listener that speaks HTTPS or TLS has a certificate, and one that does not has none.

    Source: terraform-provider-aws internal/service/elbv2/listener.go, ELB CreateListener.
    """
    protocol = text(inputs, "protocol")
    certificate = inputs.get("certificateArn")
    if protocol in ("HTTPS", "TLS") and certificate is None:
        yield Problem("certificateArn", "A certificate must be specified for HTTPS listeners")
    if protocol == "HTTP" and certificate is not None:
        yield Problem("certificateArn", "A certificate cannot be specified for HTTP listeners")


def _log_group(inputs: Props) -> Iterator[Problem]:
    """Retention is one of the periods that CloudWatch Logs knows.

    Source: terraform-provider-aws internal/service/logs/group.go.
    """
    days = number(inputs, "retentionInDays")
    if days is not None and days not in _RETENTION_DAYS:
        yield Problem("retentionInDays", f"expected one of {sorted(_RETENTION_DAYS)}, got {days}")
    name = text(inputs, "name")
    if name is not None and not re.fullmatch(r"[\w./#-]{1,512}", name, re.ASCII):
        yield Problem("name", f"{name!r} is not the name of a log group")


def _launch_template(inputs: Props) -> Iterator[Problem]:
    """Enumerations, the hop limit, and one way to say which version is the default.

    Source: terraform-provider-aws internal/service/ec2/ec2_launch_template.go.
    """
    if inputs.get("updateDefaultVersion") and inputs.get("defaultVersion") is not None:
        yield Problem("defaultVersion", "conflicts with update_default_version")
    yield from _one_of(inputs, "metadataOptions.httpTokens", ("optional", "required"))
    hops = number(inputs, "metadataOptions.httpPutResponseHopLimit")
    if hops is not None and not 1 <= hops <= 64:
        yield Problem("metadataOptions.httpPutResponseHopLimit", "expected 1..64")
    for block in blocks(inputs, "networkInterfaces"):
        yield from _one_of(block, "interfaceType", ("efa", "efa-only", "interface"))
    if blocks(inputs, "networkInterfaces") and texts(inputs, "vpcSecurityGroupIds"):
        yield Problem(
            "vpcSecurityGroupIds",
            "InvalidParameterCombination: Network interfaces and an instance-level security "
            "groups may not be specified on the same request",
        )
    yield from _one_of(inputs, "instanceMarketOptions.marketType", ("spot", "capacity-block"))
    yield from _one_of(
        inputs,
        "capacityReservationSpecification.capacityReservationPreference",
        ("capacity-reservations-only", "open", "none"),
    )
    for value in texts(inputs, "tagSpecifications.resourceType"):
        if value not in _TAGGED_AT_LAUNCH:
            yield Problem("tagSpecifications", f"{value} cannot be tagged at launch")


_TAGGED_AT_LAUNCH = frozenset(
    ("instance", "volume", "network-interface", "spot-instances-request", "elastic-gpu")
)


def _scaling_group(inputs: Props) -> Iterator[Problem]:
    """Sizes are in order, and instances live in subnets or zones, not both.

    Source: terraform-provider-aws internal/service/autoscaling/group.go; CreateAutoScalingGroup.
    """
    least, most = number(inputs, "minSize"), number(inputs, "maxSize")
    if least is not None and most is not None and least > most:
        yield Problem("minSize", "Max bound, must be greater than or equal to min bound")
    if inputs.get("vpcZoneIdentifiers") is not None and inputs.get("availabilityZones") is not None:
        yield Problem("availabilityZones", "conflicts with vpc_zone_identifier")
    ways = [
        key
        for key in ("launchTemplate", "launchConfiguration", "mixedInstancesPolicy")
        if inputs.get(key) is not None
    ]
    if len(ways) != 1:
        yield Problem("launchTemplate", f"exactly one way to launch is expected, not {ways}")


def _rule_of_group(inputs: Props) -> Iterator[Problem]:
    """One source or destination; ports unless every protocol is meant.

    Source: terraform-provider-aws internal/service/ec2/vpc_security_group_ingress_rule.go.
    """
    ends = [
        key
        for key in ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
        if inputs.get(key) is not None
    ]
    if len(ends) != 1:
        yield Problem("", f"Exactly one of these attributes must be configured, not {ends}")
    protocol = text(inputs, "ipProtocol")
    if protocol in ("tcp", "udp", "6", "17") and (
        inputs.get("fromPort") is None or inputs.get("toPort") is None
    ):
        yield Problem("fromPort", f"from_port and to_port are required with {protocol}")
    if protocol == "-1" and (
        inputs.get("fromPort") is not None or inputs.get("toPort") is not None
    ):
        yield Problem("fromPort", "from_port and to_port cannot be set with ip_protocol -1")


def _group_name(inputs: Props) -> Iterator[Problem]:
    """A security group's name does not begin with ``sg-``.

    Source: EC2 CreateSecurityGroup.
    """
    name = text(inputs, "name")
    if name is not None and name.startswith("sg-"):
        yield Problem("name", "InvalidParameterValue: group name cannot begin with sg-")


def _subnet(inputs: Props) -> Iterator[Problem]:
    """A zone is given by name or by id, not both.

    Source: terraform-provider-aws internal/service/ec2/vpc_subnet.go.
    """
    if inputs.get("availabilityZone") is not None and inputs.get("availabilityZoneId") is not None:
        yield Problem("availabilityZone", "conflicts with availability_zone_id")


def _endpoint(inputs: Props) -> Iterator[Problem]:
    """Gateway endpoints take route tables, interface endpoints subnets and security groups.

    Source: EC2 CreateVpcEndpoint.
    """
    gateway = (text(inputs, "vpcEndpointType") or "Gateway") == "Gateway"
    for key in ("subnetIds", "securityGroupIds") if gateway else ("routeTableIds",):
        if inputs.get(key):
            yield Problem(key, "is not for this type of endpoint")


def _role(inputs: Props) -> Iterator[Problem]:
    """A trust policy is JSON.

    Source: terraform-provider-aws internal/verify/json.go.
    """
    policy = inputs.get("assumeRolePolicy")
    if isinstance(policy, str) and policy != UNKNOWN:
        yield from _policy_text(policy, "assumeRolePolicy")


def _inline_policy(inputs: Props) -> Iterator[Problem]:
    """An inline policy is JSON.

    Source: terraform-provider-aws internal/verify/json.go.
    """
    policy = inputs.get("policy")
    if isinstance(policy, str) and policy != UNKNOWN:
        yield from _policy_text(policy, "policy")


def _policy_text(policy: str, path: str) -> Iterator[Problem]:
    try:
        json.loads(policy)
    except json.JSONDecodeError as error:
        yield Problem(path, f"contains an invalid JSON policy: {error}")


def _schedule(inputs: Props) -> Iterator[Problem]:
    """A target has an ARN and a role, and a flexible window has a mode.

    Source: terraform-provider-aws internal/service/scheduler/schedule.go.
    """
    yield from _one_of(inputs, "flexibleTimeWindow.mode", ("OFF", "FLEXIBLE"))
    yield from _one_of(inputs, "state", ("ENABLED", "DISABLED"))
    yield from _one_of(inputs, "target.ecsParameters.launchType", ("EC2", "FARGATE", "EXTERNAL"))
    expression = text(inputs, "scheduleExpression")
    if expression is not None and not re.match(r"(rate|cron|at)\(.+\)$", expression):
        yield Problem("scheduleExpression", f"Invalid Schedule Expression {expression}.")
    if text(inputs, "target.ecsParameters.launchType") and blocks(
        inputs, "target.ecsParameters.capacityProviderStrategies"
    ):
        yield Problem("target.ecsParameters", "launch_type excludes capacity_provider_strategy")


def _scaling_target(inputs: Props) -> Iterator[Problem]:
    """The minimum is not above the maximum.

    Source: RegisterScalableTarget.
    """
    least, most = number(inputs, "minCapacity"), number(inputs, "maxCapacity")
    if least is not None and most is not None and least > most:
        yield Problem("minCapacity", "Maximum capacity cannot be less than minimum capacity")


def _one_of(value: Json, path: str, choices: Sequence[str]) -> Iterator[Problem]:
    for found in reach(value, path):
        if found not in choices:
            yield Problem(path, f"expected {path} to be one of {list(choices)}, got {found}")


_CHECKS: Mapping[str, Callable[[Props], Iterable[Problem]]] = {
    "aws:iam/role:Role": _role,
    "aws:iam/rolePolicy:RolePolicy": _inline_policy,
    "aws:ec2/subnet:Subnet": _subnet,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:ec2/securityGroup:SecurityGroup": _group_name,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule_of_group,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule_of_group,
    "aws:ec2/launchTemplate:LaunchTemplate": _launch_template,
    "aws:autoscaling/group:Group": _scaling_group,
    "aws:ecs/capacityProvider:CapacityProvider": _capacity_provider,
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": _cluster_capacity_providers,
    "aws:ecs/taskDefinition:TaskDefinition": _task_definition,
    "aws:ecs/service:Service": _service,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:lb/loadBalancer:LoadBalancer": _balancer_name,
    "aws:lb/targetGroup:TargetGroup": _target_group,
    "aws:lb/listener:Listener": _listener,
    "aws:appautoscaling/target:Target": _scaling_target,
    "aws:scheduler/schedule:Schedule": _schedule,
}


def strategy_is_refused(olds: Props, news: Props) -> bool:
    """Whether the provider refuses to plan the update of a service.

    Source: terraform-provider-aws internal/service/ecs/service.go, CustomizeDiff: "force_new_
    deployment should be true when capacity_provider_strategy is being updated".
    """
    path = "capacityProviderStrategies"
    return olds.get(path) != news.get(path) and flag(news, "forceNewDeployment") is not True
