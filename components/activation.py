"""Waits for capacity providers that ECS has accepted but not activated yet.

CreateCapacityProvider answers while the provider is still PROVISIONING, and nothing in the engine
waits for it. Until it is ACTIVE, AWS refuses resources that name it
(hashicorp/terraform-provider-aws#45693, pulumi/pulumi-aws#6061). An error hook retries this error
alone. It calls no AWS API, so it needs no credentials of its own.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from itertools import takewhile
from typing import Any, cast

import pulumi

from planning import choices

HOOK_NAME = "capacity-provider-not-active"

_NOT_ACTIVE = re.compile(r"capacity providers?\b.*\bnot in an ACTIVE state", re.DOTALL)
_NAME = re.compile(r"capacity provider '?([\w-]+)'? is not")

Wait = Callable[[float], Awaitable[object]]
Report = Callable[[str], None]


class Verdict(Enum):
    """What to do about a failed operation."""

    RETRY = "retry"
    GIVE_UP = "give up"
    NOT_OURS = "not ours"


def verdict(errors: Sequence[str]) -> Verdict:
    """Returns the verdict on the errors of one operation, newest first.

    The newest error decides whether to retry. The limit counts it and the same errors before it.
    """
    refusals = sum(1 for _ in takewhile(_NOT_ACTIVE.search, errors))
    if refusals == 0:
        return Verdict.NOT_OURS
    return Verdict.RETRY if refusals < choices.ACTIVATION_TRIES else Verdict.GIVE_UP


def explanation(args: pulumi.ErrorHookArgs) -> str:
    """Returns the log message after the last attempt: AWS's error, and the command to run next."""
    inputs = args.new_inputs or {}
    error = args.errors[0]
    provider = _provider(error, inputs)
    region = inputs.get("region")
    look = f"aws ecs describe-capacity-providers --capacity-providers {provider}"
    if isinstance(region, str):
        look += f" --region {region}"
    if isinstance(cluster := inputs.get("cluster", inputs.get("clusterName")), str):
        look += f" --cluster {cluster}"
    return (
        f"{args.name}: capacity provider {provider} did not become ACTIVE in "
        f"{choices.ACTIVATION_MINUTES} minutes.\n"
        f"AWS answered: {error.strip()}\n"
        f"Read its status and statusReason with: {look}\n"
        "For Managed Instances, look first at the infrastructure role's policies and at the way "
        "from the subnets to ECS (NAT gateway or interface endpoints)."
    )


def _provider(error: str, inputs: Mapping[str, Any]) -> str:
    found = _NAME.search(error)
    if found is not None:
        return found[1]
    strategies = cast(
        "Sequence[Mapping[str, object]]", inputs.get("capacityProviderStrategies", ())
    )
    return ",".join(str(s.get("capacityProvider")) for s in strategies) or "it names"


async def on_error(args: pulumi.ErrorHookArgs, *, wait: Wait, report: Report) -> bool:
    """Returns whether the engine tries the operation again; waits before that."""
    match verdict(args.errors):
        case Verdict.NOT_OURS:
            return False
        case Verdict.GIVE_UP:
            report(explanation(args))
            return False
        case Verdict.RETRY:
            # Hooks run on the program's event loop: a blocking pause would stop every other Region.
            await wait(choices.ACTIVATION_PAUSE_SECONDS)
            return True


def hooks(*, wait: Wait = asyncio.sleep) -> pulumi.ResourceHookBinding:
    """Returns the hooks of resources that name a capacity provider. Call it once in a program:
    the name of a hook is unique."""

    async def retry(args: pulumi.ErrorHookArgs) -> bool:
        return await on_error(args, wait=wait, report=pulumi.log.error)

    return pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(HOOK_NAME, retry)])
