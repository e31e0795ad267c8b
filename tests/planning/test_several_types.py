"""Fixes on Managed Instances pools where ECS may choose among several types."""

import pytest

from catalog import load
from neuron_ecs.overview.text import render
from planning.price import HOURS, Amount, plan_costs
from tests.planning import fixing
from tests.planning.fixtures_workloads import NXDI, OHIO, PLUGIN, command, nxdi, on
from tests.planning.stacks import HOME, Config, codes, decide_on, findings_of, managed, stack, work

INF2 = managed("inf2.*")
BOTH = managed("inf2.8xlarge", "trn1.2xlarge", "trn1.32xlarge")
NAMED = {"kind": "managed_instances", "accelerators": ["inferentia2", "trainium"]}
POOLS = {"a family": INF2, "two families": BOTH, "accelerators": NAMED}


def served(pool: dict[str, object], degree: int) -> Config:
    return nxdi(pool, "all", image=NXDI, command=command(tp=degree))


@pytest.mark.parametrize("pool", POOLS.values(), ids=list(POOLS))
@pytest.mark.parametrize("degree", [1, 2, 4, 8, 24, 32, 64])
def test_a_degree_is_judged_on_every_type_and_its_fixes_hold_on_all(
    pool: dict[str, object], degree: int
) -> None:
    config = served(pool, degree)
    found = codes(config) & {"NE229", "NE230"}
    assert found, "no degree uses all cores of every type"
    for code in found | {"NE231"} & codes(config):
        assert fixing.faults(config, code) == []
        assert len([f for f in findings_of(config) if f.code == code]) == 1


@pytest.mark.parametrize("pool", POOLS.values(), ids=list(POOLS))
@pytest.mark.parametrize("number", [1, 2, 12, 64])
def test_processes_are_judged_on_every_type_and_their_fixes_hold_on_all(
    pool: dict[str, object], number: int
) -> None:
    given = ["torchrun", f"--nproc_per_node={number}", "/opt/train.py"]
    config = stack(capacity={"pool": pool}, jobs={"j": work("all", command=given)})
    found = codes(config) & {"NE232", "NE233"}
    assert found
    for code in found:
        assert fixing.faults(config, code) == []


@pytest.mark.parametrize("image", [NXDI, PLUGIN])
def test_an_image_for_some_of_the_types_has_fixes_that_hold_on_all(image: str) -> None:
    for pool in (managed("inf2.8xlarge", "trn2.48xlarge"), managed("trn1.*", "trn2.48xlarge")):
        config = on(pool, work("all", image=image, command=command(tp=4)), **OHIO)
        if "NE406" in codes(config):
            assert fixing.faults(config, "NE406") == []


@pytest.mark.parametrize(
    ("code", "types"),
    [
        ("NE207", ["inf*"]),
        ("NE207", ["inf1.*", "inf2.xlarge"]),
        ("NE208", ["trn*"]),
        ("NE208", ["inf2.*", "trn2.48xlarge"]),
        ("NE217", ["inf2.*", "c7g.*"]),
        ("NE211", ["inf2.*", "trn1.*"]),
    ],
)
def test_fixes_of_the_types_themselves_hold(code: str, types: list[str]) -> None:
    devices = 1 if code == "NE211" else "all"
    config = stack(capacity={"pool": managed(*types)}, models={"m": work(devices, image=NXDI)})
    assert code in codes(config)
    assert fixing.faults(config, code) == []


def test_the_price_is_a_range_over_the_types_on_which_the_task_fits() -> None:
    known = load()
    model = work("all", cpu_units=8192, memory_mib=16384, replicas={"min": 1, "max": 2})
    plan = decide_on(stack(capacity={"pool": managed("inf2.*", "trn1.*")}, models={"m": model}))
    (cost,) = plan_costs(plan, known)
    assert (cost.lowest_type, cost.instance_type) == ("trn1.2xlarge", "trn1.32xlarge")
    low, high = (known.prices.on_demand(t, HOME) for t in ("trn1.2xlarge", "trn1.32xlarge"))
    assert low is not None
    assert high is not None
    assert cost.amount == Amount(low * HOURS, 2 * high * HOURS)
    assert cost.by_model["m"] == cost.amount
    shown = " ".join(" ".join(render(plan, width=0)).split())
    assert (
        "among trn1.2xlarge, inf2.8xlarge, inf2.24xlarge, trn1.32xlarge and inf2.48xlarge" in shown
    )
    assert f"${low} an hour for trn1.2xlarge to ${high} for trn1.32xlarge" in shown
