"""What the provider refuses at preview, before it calls AWS.

Each check follows terraform-provider-aws or pulumi-terraform-bridge; unknown values pass, as they
do there. What AWS demands of one request's values stands in ``tests.contract.aws_rules`` and in
AWS's own service models, which judge every request of every stack file.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping

from tests.engine.provider.rows import KINDS, Kind
from tests.engine.provider.shapes import Problem
from tests.engine.provider.wire import (
    DEFAULTS,
    UNKNOWN,
    Props,
    flag,
    texts,
)

_ARN = re.compile(r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}|aws)?:.+")
_REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")


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
    """At preview an unknown value reads as empty, so an unknown cluster is refused too.

    Source: terraform-provider-aws internal/service/ecs/capacity_provider.go (CustomizeDiff).
    """
    kinds = [inputs.get("autoScalingGroupProvider"), inputs.get("managedInstancesProvider")]
    if UNKNOWN in kinds:
        yield Problem(
            "", "exactly one of auto_scaling_group_provider or managed_instances_provider"
        )
    if kinds[1] is not None and inputs.get("cluster") in (None, UNKNOWN):
        yield Problem("cluster", "cluster is required when using managed_instances_provider")


def _launch_template(inputs: Props) -> Iterator[Problem]:
    """One way to say which version is the default.

    Source: terraform-provider-aws internal/service/ec2/ec2_launch_template.go (ConflictsWith).
    """
    if inputs.get("updateDefaultVersion") and inputs.get("defaultVersion") is not None:
        yield Problem("defaultVersion", "conflicts with update_default_version")


def _scaling_group(inputs: Props) -> Iterator[Problem]:
    """Instances live in subnets or zones, not both.

    Source: terraform-provider-aws internal/service/autoscaling/group.go (ConflictsWith).
    """
    if inputs.get("vpcZoneIdentifiers") is not None and inputs.get("availabilityZones") is not None:
        yield Problem("availabilityZones", "conflicts with vpc_zone_identifier")


def _subnet(inputs: Props) -> Iterator[Problem]:
    """A zone is given by name or by id, not both.

    Source: terraform-provider-aws internal/service/ec2/vpc_subnet.go (ConflictsWith).
    """
    if inputs.get("availabilityZone") is not None and inputs.get("availabilityZoneId") is not None:
        yield Problem("availabilityZone", "conflicts with availability_zone_id")


_CHECKS: Mapping[str, Callable[[Props], Iterable[Problem]]] = {
    "aws:ec2/subnet:Subnet": _subnet,
    "aws:ec2/launchTemplate:LaunchTemplate": _launch_template,
    "aws:autoscaling/group:Group": _scaling_group,
    "aws:ecs/capacityProvider:CapacityProvider": _capacity_provider,
}


def strategy_is_refused(olds: Props, news: Props) -> bool:
    """Whether the provider refuses to plan the update of a service.

    Source: terraform-provider-aws internal/service/ecs/service.go, CustomizeDiff: "force_new_
    deployment should be true when capacity_provider_strategy is being updated".
    """
    path = "capacityProviderStrategies"
    return olds.get(path) != news.get(path) and flag(news, "forceNewDeployment") is not True
