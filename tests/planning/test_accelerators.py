"""Pools of Managed Instances that name their types by the chips that they have."""

from typing import Any, get_args

import pytest

from catalog import load
from config import ManagedInstancesCapacity
from planning import Severity
from planning.plan import ManagedInstancesPool
from tests.planning.stacks import (
    Config,
    codes,
    decide_on,
    finding,
    findings_of,
    managed,
    stack,
    work,
)

INF2 = ("inf2.24xlarge", "inf2.48xlarge", "inf2.8xlarge", "inf2.xlarge")
TRN1 = ("trn1.2xlarge", "trn1.32xlarge")
ALL = {"accelerator_manufacturers": ["amazon-web-services"]}


def pool_of(**fields: Any) -> Config:
    pool = {"kind": "managed_instances", **fields}
    regions: dict[str, Any] = {"us-west-2": {}, "eu-west-1": {}, "us-east-2": {}}
    return stack(regions=regions, capacity={"pool": pool}, models={"m": work("all")})


def allowed(config: Config) -> dict[str, tuple[str, ...]]:
    """What the capacity provider allows, by Region."""
    found: dict[str, tuple[str, ...]] = {}
    for region in decide_on(config).regions:
        (pool,) = region.pools
        assert isinstance(pool, ManagedInstancesPool)
        found[region.name] = pool.allowed_instance_types
    return found


def test_the_field_has_the_chips_of_the_table() -> None:
    field = ManagedInstancesCapacity.model_fields["accelerators"].annotation
    words = {word for part in get_args(field) for word in get_args(part)}
    known = load().instances.accelerators
    assert words == set(known), f"give accelerators of config/capacity.py the words {known}"


@pytest.mark.parametrize(
    ("fields", "oregon", "ireland"),
    [
        ({"accelerators": ["inferentia2"]}, INF2, INF2),
        ({"accelerators": ["inferentia2", "trainium"]}, (*INF2, *TRN1), INF2),
        ({"accelerators": ["inferentia2"], **ALL}, INF2, INF2),
        (ALL, (*INF2, *TRN1), INF2),
        (
            {"accelerators": ["inferentia2"], "allowed_instance_types": ["inf2.*", "trn1.*"]},
            INF2,
            INF2,
        ),
    ],
)
def test_accelerators_become_the_exact_types_that_a_region_offers(
    fields: dict[str, Any], oregon: tuple[str, ...], ireland: tuple[str, ...]
) -> None:
    types = allowed(pool_of(**fields))
    assert types["us-west-2"] == oregon
    assert types["eu-west-1"] == ireland


def test_a_chip_of_unproven_families_alone_is_warned_of_where_it_is_offered() -> None:
    config = pool_of(**ALL)
    assert "trn2.48xlarge" in allowed(config)["us-east-2"]
    found = finding(config, "NE208")
    assert found.path == "capacity.pool.accelerator_manufacturers"
    chips = found.fix.partition("[")[2].partition("]")[0].split(", ")
    assert "NE208" not in codes(pool_of(accelerators=chips))
    here = stack(capacity={"pool": {"kind": "managed_instances", **ALL}}, models={"m": work("all")})
    assert "NE208" not in codes(here), "us-west-2 does not offer them"


def test_a_pool_is_refused_if_no_type_is_left() -> None:
    assert codes(pool_of(), Severity.ERROR) == {"NE140"}
    config = pool_of(allowed_instance_types=["trn1.*"], accelerators=["inferentia2"])
    assert finding(config, "NE140").fix == "leave it out, or leave accelerators out"
    for kept in ({"accelerators": ["inferentia2"]}, {"allowed_instance_types": ["inf2.*"]}):
        assert codes(pool_of(**kept), Severity.ERROR) == set()


@pytest.mark.parametrize("kind", ["t3.micro", "t4g.nano", "m7g.medium"])
def test_small_types_are_replaced_by_larger_ones(kind: str) -> None:
    model = {"m": work(cpu_units=128, memory_mib=128)}
    found = finding(stack(capacity={"pool": managed(kind)}, models=model), "NE140")
    larger = found.fix.partition("[")[2].partition("]")[0]
    assert "NE140" not in codes(stack(capacity={"pool": managed(larger)}, models=model))
    family = kind.partition(".")[0] + ".*"
    whole = decide_on(stack(capacity={"pool": managed(family)}, models=model))
    (pool,) = whole.regions[0].pools
    assert kind not in pool.instance_types
    assert larger in pool.instance_types


def test_devices_by_number_still_need_one_exact_type() -> None:
    config = stack(
        capacity={"pool": {"kind": "managed_instances", "accelerators": ["trainium"]}},
        models={"m": work(1)},
    )
    (found,) = [f for f in findings_of(config) if f.severity is Severity.ERROR]
    assert found.code == "NE211"
    assert "trn1.2xlarge and trn1.32xlarge" in found.what
