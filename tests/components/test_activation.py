"""The wait for capacity providers that are not active yet."""

import asyncio

import pulumi
import pytest

from components.activation import Verdict, explanation, on_error, verdict
from planning.choices import ACTIVATION_PAUSE_SECONDS, ACTIVATION_TRIES

REFUSAL = (
    "1 error occurred: creating ECS Service (llama): operation error ECS: CreateService, "
    "InvalidParameterException: The specified capacity provider 'usw2_trn1-0a1b2c3' is not in an "
    "ACTIVE state. Specify a valid capacity provider and try again."
)
OTHER = "InvalidParameterException: The specified capacity provider 'usw2_trn1' was not found."


def _args(errors: list[str]) -> pulumi.ErrorHookArgs:
    return pulumi.ErrorHookArgs(
        urn="urn",
        id="",
        name="usw2_llama",
        type="aws:ecs/service:Service",
        new_inputs={"region": "us-west-2", "cluster": "usw2"},
        failed_operation="create",
        errors=errors,
    )


class _Witness:
    def __init__(self) -> None:
        self.waited: list[float] = []
        self.said: list[str] = []

    async def wait(self, seconds: float) -> None:
        self.waited.append(seconds)


def _answer(errors: list[str], witness: _Witness) -> bool:
    return asyncio.run(on_error(_args(errors), wait=witness.wait, report=witness.said.append))


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([], Verdict.NOT_OURS),
        ([OTHER], Verdict.NOT_OURS),
        (["ResourceInUseException: cluster"], Verdict.NOT_OURS),
        ([OTHER, REFUSAL], Verdict.NOT_OURS),
        ([REFUSAL], Verdict.RETRY),
        ([REFUSAL] * (ACTIVATION_TRIES - 1), Verdict.RETRY),
        ([REFUSAL] * ACTIVATION_TRIES, Verdict.GIVE_UP),
        ([REFUSAL, OTHER, *[REFUSAL] * ACTIVATION_TRIES], Verdict.RETRY),
    ],
)
def test_only_the_newest_error_decides_and_refusals_in_a_row_count(
    errors: list[str], expected: Verdict
) -> None:
    assert verdict(errors) is expected


def test_it_gives_up_before_the_engine_does() -> None:
    assert ACTIVATION_TRIES < 100, "after 100 tries the engine stops without a reason of ours"


def test_it_waits_and_asks_for_another_try() -> None:
    witness = _Witness()
    assert _answer([REFUSAL], witness) is True
    assert witness.waited == [ACTIVATION_PAUSE_SECONDS]


def test_it_leaves_other_errors_alone_at_once() -> None:
    witness = _Witness()
    assert _answer([OTHER], witness) is False
    assert (witness.waited, witness.said) == ([], [])


def test_it_gives_up_with_what_aws_said_and_where_to_look() -> None:
    witness = _Witness()
    assert _answer([REFUSAL] * ACTIVATION_TRIES, witness) is False
    assert witness.waited == []
    (said,) = witness.said
    assert "usw2_llama" in said and REFUSAL in said
    assert "--capacity-providers usw2_trn1-0a1b2c3 --region us-west-2 --cluster usw2" in said


def test_it_names_the_provider_by_the_inputs_where_aws_does_not() -> None:
    args = _args(["the capacity providers are not in an ACTIVE state"])
    args.new_inputs = {"capacityProviderStrategies": [{"capacityProvider": "usw2_trn1"}]}
    assert "--capacity-providers usw2_trn1" in explanation(args)
