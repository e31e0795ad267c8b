"""A credential that stands where a name or an ARN belongs is refused and never repeated."""

import json
from typing import Any

import pytest

from planning import Refused
from tests.planning.stacks import PROJECT, Config, certificates, decide_on, groups, stack, work

# Made up, in the shapes of the real ones, and put together so that no scanner takes them for real.
CREDENTIALS = {
    "access key": "AKIA" + "IOSFODNN7EXAMPLE",
    "temporary access key": "ASIA" + "IOSFODNN7EXAMPLE",
    "hugging face": "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345",
    "github": "ghp_" + "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
    "secret access key without signs": "wJalrXUtnFEMIxK7MDENGxbPxRfiCYEXAMPLEKEY",
    "secret access key": "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY",
}


def places(secret: str) -> dict[str, Config]:
    """The credential in every kind of place."""
    pools, model = {"pool": groups()}, work(1)
    where = {"usw2-az1": "subnet-0a"}

    def with_model(**more: Any) -> Config:
        return stack(capacity=pools, models={"m": {**model, **more}})

    return {
        "Region": stack(regions={secret: {}}, capacity=pools),
        "home Region": stack(home=secret, capacity=pools),
        "pool": stack(capacity={secret: groups()}),
        "model": stack(capacity=pools, models={secret: model}),
        "job": stack(capacity=pools, jobs={secret: model}),
        "pool of a model": with_model(capacity=secret),
        "secret": with_model(secrets={"TOKEN": secret}),
        "secret's name": with_model(secrets={secret: "/token"}),
        "sidecar": with_model(sidecars={secret: {"image": "a:1"}}),
        "sidecar's secret": with_model(sidecars={"a": {"image": "a:1", "secrets": {"T": secret}}}),
        "policy": with_model(task_policies=[secret]),
        "S3 prefix": with_model(s3_read=[secret]),
        "instance type": stack(capacity={"pool": groups(secret)}),
        "AMI version": stack(capacity={"pool": groups(ami={"version": secret})}),
        "certificate": stack(capacity=pools, traffic={"certificate_arns": {"us-west-2": secret}}),
        "Region of a certificate": stack(capacity=pools, traffic=certificates(secret)),
        "caller": stack(capacity=pools, traffic={"allow_from": [secret]}),
        "unknown key": {**stack(capacity=pools), f"{PROJECT}:{secret}": "1"},
        "unknown key below": with_model(**{secret: 1}),
        "vpc": stack(
            regions={"us-west-2": {"network": {"vpc_id": secret, "private_subnets": where}}},
            capacity=pools,
        ),
        "reservation": stack(capacity={"pool": groups(reservation_ids={"us-west-2": secret})}),
        "zone": stack(capacity={"pool": groups(zone_ids=[secret])}),
        "silence": stack(capacity=pools, silence={secret: "no"}),
    }


@pytest.mark.parametrize("kind", CREDENTIALS)
@pytest.mark.parametrize("place", places(""))
def test_no_refusal_repeats_a_credential(place: str, kind: str) -> None:
    secret = CREDENTIALS[kind]
    try:
        decide_on(places(secret)[place])
    except Refused as refused:
        said = str(refused) + repr(refused.findings) + repr(refused)
    else:
        # forty letters can be the name of a variable
        assert (place, kind) == ("secret's name", "secret access key without signs")
        return
    assert secret not in said
    assert json.dumps(secret)[1:-1] not in said
