"""Waits for capacity providers that ECS has accepted but not activated yet.

CreateCapacityProvider answers while the provider is still PROVISIONING, and nothing in the engine
waits for it: what names it is refused for a while (hashicorp/terraform-provider-aws#45693,
pulumi/pulumi-aws#6061). An error hook retries exactly that refusal. It deliberately asks AWS
nothing, so it needs no credentials of its own.
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
    """The verdict on the errors of one operation, newest first.

    Only the newest decides whether to retry; the limit counts the refusals in a row before it.
    """
    refusals = sum(1 for _ in takewhile(_NOT_ACTIVE.search, errors))
    if refusals == 0:
        return Verdict.NOT_OURS
    return Verdict.RETRY if refusals < choices.ACTIVATION_TRIES else Verdict.GIVE_UP


def explanation(args: pulumi.ErrorHookArgs) -> str:
    """What the log says after the last try: AWS's words, and where to look."""
    inputs = args.new_inputs or {}
    said = args.errors[0]
    provider = _provider(said, inputs)
    region = inputs.get("region")
    look = f"aws ecs describe-capacity-providers --capacity-providers {provider}"
    if isinstance(region, str):
        look += f" --region {region}"
    if isinstance(cluster := inputs.get("cluster", inputs.get("clusterName")), str):
        look += f" --cluster {cluster}"
    return (
        f"{args.name}: capacity provider {provider} did not become ACTIVE in "
        f"{choices.ACTIVATION_MINUTES} minutes.\n"
        f"AWS said: {said.strip()}\n"
        f"Read its status and statusReason with: {look}\n"
        "For Managed Instances, look first at the infrastructure role's policies and at the way "
        "from the subnets to ECS (NAT gateway or interface endpoints)."
    )


def _provider(said: str, inputs: Mapping[str, Any]) -> str:
    found = _NAME.search(said)
    if found is not None:
        return found[1]
    strategies = cast(
        "Sequence[Mapping[str, object]]", inputs.get("capacityProviderStrategies", ())
    )
    return ",".join(str(s.get("capacityProvider")) for s in strategies) or "it names"


async def on_error(args: pulumi.ErrorHookArgs, *, wait: Wait, report: Report) -> bool:
    """Whether the engine tries the operation again, after a pause."""
    match verdict(args.errors):
        case Verdict.NOT_OURS:
            return False
        case Verdict.GIVE_UP:
            report(explanation(args))
            return False
        case Verdict.RETRY:
            # A blocking pause would hold up every other Region: hooks run on the program's loop.
            await wait(choices.ACTIVATION_PAUSE_SECONDS)
            return True


def hooks(*, wait: Wait = asyncio.sleep) -> pulumi.ResourceHookBinding:
    """The binding for whatever names a capacity provider; one in a program, as names are unique."""

    async def retry(args: pulumi.ErrorHookArgs) -> bool:
        return await on_error(args, wait=wait, report=pulumi.log.error)

    return pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(HOOK_NAME, retry)])
