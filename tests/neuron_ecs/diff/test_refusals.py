"""What the diff refuses is what the engine never finishes, and what it passes goes through.

The judge is the simulation of tests/simulation, which knows nothing of the comparison.
"""

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest

from neuron_ecs.diff.difference import Difference
from neuron_ecs.diff.summary import verdict
from tests.neuron_ecs.diff.pairs import OTHER, compared
from tests.planning.stacks import HOME, Config, Entry, changed, existing, groups, stack, work
from tests.simulation.changing import cannot_roll, change, random_configs, room_needed
from tests.simulation.worlds import Case, config_of, only_case

SEEDS = range(4)


def codes(found: Difference) -> set[str]:
    return {r.code for r in found.refusals}


def scaled(least: int, most: int | None = None, image: str = "a:1", devices: object = 1) -> Entry:
    replicas = {"min": least} if most is None else {"min": least, "max": most}
    return work(devices, replicas=replicas) | {"image": f"public.ecr.aws/neuron/{image}"}


def on(kind: str, size: int, **models: Entry) -> Config:
    return config_of(groups(kind, size), models, {})


def case(config: Config) -> Case:
    found = only_case(config)
    assert found is not None
    return found


def settles(before: Config, after: Config) -> bool:
    """Whether every order of events ends at the wish, from the minimum of replicas."""
    sides = case(before), case(after)
    return all(change(*sides, random.Random(s), at_most=False).settled for s in SEEDS)


def fixed_counts(size: int) -> Iterator[Config]:
    """Every stack file of one or two models with fixed replicas on so many one-chip instances."""
    for a, b in itertools.product(range(size + 1), repeat=2):
        for image_a, image_b in itertools.product((1, 2), repeat=2):
            wanted = (("a", a, image_a), ("b", b, image_b))
            models = {n: scaled(tasks, image=f"{n}:{image}") for n, tasks, image in wanted if tasks}
            if models and a + b <= size and all(i == 1 for _, tasks, i in wanted if not tasks):
                yield on("inf2.xlarge", size, **models)


@pytest.mark.parametrize("size", [1, 2])
def test_with_fixed_replicas_on_one_chip_exactly_what_never_ends_is_refused(size: int) -> None:
    stacks = list(fixed_counts(size))
    seen = {True: 0, False: 0}
    for before, after in itertools.product(stacks, repeat=2):
        if ":2" in before["neuron-ecs:models"] or before == after:
            continue
        ends = room_needed(case(before), case(after), at_most=False) <= size
        assert (codes(compared(before, after)) == set()) is ends, (before, after)
        seen[ends] += 1
    assert all(seen.values())


def test_what_is_refused_never_ends_whatever_the_models_and_the_chips() -> None:
    rng = random.Random(5)
    refused = 0
    while refused < 6:
        before, after = random_configs(rng)
        old, new = only_case(before), only_case(after)
        if old is None or new is None:
            continue
        found = codes(compared(before, after)) & {"ND003", "ND005"}
        never = bool(cannot_roll(old, new, at_most=False))
        assert never is ("ND005" in found), (before, after)
        if found:
            refused += 1
            short = room_needed(old, new, at_most=False) > new.pool.max_size
            assert short or never, "refused for nothing"
            ends = [change(old, new, random.Random(s), at_most=False).settled for s in SEEDS]
            assert not any(ends), (before, after, found)


# ---- the smallest examples ---------------------------------------------------------------------


def test_one_model_in_place_of_another_in_a_full_pool_is_refused_with_the_size_that_does() -> None:
    before, after = on("inf2.xlarge", 1, a=scaled(1)), on("inf2.xlarge", 1, b=scaled(1))
    found = compared(before, after)
    assert codes(found) == {"ND003"}
    assert "a holds them to the end" in found.refusals[0].what
    assert "max_size: 2" in found.refusals[0].steps[0]
    roomy = changed(after, "capacity.pool", max_size=2)
    assert codes(compared(before, roomy)) == set()
    unwatched = after | {"neuron-ecs:wait_for_steady_state": "false"}
    assert codes(compared(before, unwatched)) == set()


def test_a_model_that_grows_or_is_renewed_beside_one_that_goes_is_refused() -> None:
    before = on("inf2.xlarge", 2, a=scaled(1), b=scaled(1))
    for after in (scaled(2), scaled(1, image="a:2")):
        assert codes(compared(before, on("inf2.xlarge", 2, a=after))) == {"ND003"}
        assert codes(compared(before, on("inf2.xlarge", 3, a=after))) == set()


@pytest.mark.parametrize("after", [scaled(2), scaled(1, image="a:2")], ids=["grown", "renewed"])
def test_the_two_steps_instead_end(after: Entry) -> None:
    base, head = on("inf2.xlarge", 2, a=scaled(1), b=scaled(1)), on("inf2.xlarge", 2, a=after)
    assert not settles(base, head)
    (refusal,) = compared(base, head).refusals
    assert refusal.steps[0].startswith("remove b, leave a as before")
    between = on("inf2.xlarge", 2, a=scaled(1))
    assert codes(compared(base, between)) == codes(compared(between, head)) == set()
    assert settles(base, between) and settles(between, head)


def test_a_higher_minimum_and_a_new_image_at_once_are_two_changes() -> None:
    before = on("inf2.xlarge", 3, a=scaled(1, 3))
    both, first = (on("inf2.xlarge", 3, a=scaled(2, 3, image)) for image in ("a:2", "a:1"))
    found = compared(before, both)
    assert codes(found) == {"ND005"}
    assert not settles(before, both)
    assert len(found.refusals[0].steps) == 2
    assert codes(compared(before, first)) == codes(compared(first, both)) == set()
    assert settles(before, first) and settles(first, both)


def test_the_line_that_says_the_size_in_a_region_is_the_one_that_is_named() -> None:
    pool = groups("inf2.xlarge", 4, regions={HOME: {"max_size": 1}, OTHER: {}})
    regions: Entry = {HOME: {}, OTHER: {}}
    base, head = (
        stack(capacity={"pool": pool}, regions=regions, models={name: work(1)}) for name in "ab"
    )
    (refusal,) = compared(base, head).refusals
    assert (refusal.path, refusal.regions) == (f"capacity.pool.regions.{HOME}.max_size", (HOME,))
    assert f"{refusal.path}: 2 for this update" in refusal.steps[0]


def test_a_region_does_not_change_its_vpc_under_what_runs_there() -> None:
    pool, models = {"pool": groups("inf2.xlarge", 2)}, {"a": work(1)}

    def there(network: Entry) -> Config:
        return stack(capacity=pool, models=models, regions={HOME: network, OTHER: {}})

    ours, theirs = there({}), there(existing(usw2_az1="subnet-0a", usw2_az2="subnet-0b"))
    other = there({"network": {"cidr": "10.99.0.0/16"}})
    for before, after in itertools.permutations((ours, theirs, other), 2):
        found = compared(before, after)
        assert codes(found) == {"ND004"}
        assert found.refusals[0].path == f"regions.{HOME}.network"
    away = stack(capacity=pool, models=models, regions={OTHER: {}}, home=OTHER)
    assert "ND004" not in codes(compared(ours, away)) | codes(compared(away, theirs))
    assert codes(compared(ours, there({"network": {"nat": "per_zone"}}))) == set()


def test_a_region_in_which_nothing_runs_may_change_its_vpc() -> None:
    pool = {"pool": groups("inf2.xlarge", 2, regions=[HOME])}

    def there(cidr: str) -> Config:
        regions = {HOME: {}, OTHER: {"network": {"cidr": cidr}}}
        return stack(capacity=pool, models={"a": work(1)}, regions=regions)

    assert codes(compared(there("10.50.0.0/16"), there("10.60.0.0/16"))) == set()


def test_what_is_refused_alike_in_several_regions_is_told_once_with_all_of_them() -> None:
    pools = {"first": groups("inf2.xlarge", 2), "second": groups("inf2.xlarge", 2)}
    models = {"a": work(1, "first"), "b": work(1, "second")}
    base = stack(capacity=pools, models=models, regions={HOME: {}, OTHER: {}})
    found = compared(base, changed(base, "capacity.second", purchase="spot"))
    (refusal,) = found.refusals
    assert refusal.regions == (OTHER, HOME)
    assert "under b in us-east-2 and us-west-2" in verdict(found)


def test_a_pool_that_is_called_like_a_region_does_not_hide_it() -> None:
    pools = {"first": groups("inf2.xlarge", 2), HOME: groups("inf2.xlarge", 2)}
    base = stack(capacity=pools, models={"a": work(1, "first"), "b": work(1, HOME)})
    found = compared(base, changed(base, f"capacity.{HOME}", purchase="spot"))
    assert f"under b in {HOME}" in verdict(found)


# ---- zones -------------------------------------------------------------------------------------


def zoned(**entry: object) -> Config:
    return stack(capacity={"pool": groups("inf2.xlarge", 2, **entry)}, models={"a": work(1)})


def test_a_zone_of_our_network_does_not_go_from_under_the_instances_of_a_pool() -> None:
    before, after = zoned(), zoned(zone_ids=["usw2-az1"])
    found = compared(before, after)
    assert codes(found) == {"ND006"}
    (refusal,) = found.refusals
    assert refusal.path == "capacity.pool.zone_ids"
    assert "add a pool with the new zone_ids" in refusal.steps[0]
    assert "zone_ids leaves usw2-az3 and usw2-az4, which no other pool uses" in verdict(found)
    unused = stack(capacity={"pool": groups("inf2.xlarge", 2, zone_ids=["usw2-az1"])})
    nothing = stack(capacity={"pool": groups("inf2.xlarge", 2)})
    assert codes(compared(nothing, unused)) == set()


def test_a_zone_that_another_pool_keeps_may_go_out_of_a_pool() -> None:
    def two(**entry: object) -> Config:
        pools = {"pool": groups("inf2.xlarge", 2, **entry), "other": groups("inf2.xlarge", 2)}
        return stack(capacity=pools, models={"a": work(1)})

    assert codes(compared(two(), two(zone_ids=["usw2-az1"]))) == set()


def test_the_two_steps_to_fewer_zones_are_not_refused() -> None:
    old, new = groups("inf2.xlarge", 2), groups("inf2.xlarge", 2, zone_ids=["usw2-az1"])
    before = stack(capacity={"pool": old}, models={"a": work(1)})
    between = stack(
        capacity={"pool": {**old, "retired": True}, "new": new}, models={"a": work(1, "new")}
    )
    after = stack(capacity={"new": new}, models={"a": work(1, "new")})
    assert codes(compared(before, between)) == codes(compared(between, after)) == set()
    subnets = [r for r in compared(between, after, graph=True).real if r.type.endswith(":Subnet")]
    assert {r.action for r in subnets} == {"delete"}


def test_interfaces_for_efa_are_named_as_what_changes() -> None:
    before, after = (
        stack(capacity={"pool": groups("trn1.32xlarge", 2, **efa)}, models={"a": work("all")})
        for efa in ({}, {"efa": True})
    )
    assert compared(before, after).refusals[0].what.startswith("changes its efa (false → true)")


def _served(protected: bool, *regions: str, port: int | None = 8080, **network: object) -> Config:
    model = work(1) if port is None else {**work(1), "port": port}
    return stack(
        regions={r: dict(network) for r in regions or (HOME,)},
        capacity={"pool": groups("inf2.xlarge", 2)},
        models={"a": model},
        security={"deletion_protection": protected},
    )


def test_a_load_balancer_leaves_after_its_protection() -> None:
    """Two steps, whatever takes it away; what is switched off in the same update is too late."""
    protected, free, gone = _served(True), _served(False), _served(False, port=None)
    found = compared(protected, gone)
    assert codes(found) == {"ND007"}
    assert "deletion_protection: false alone" in found.refusals[0].steps[0]
    assert codes(compared(protected, _served(True, port=None))) == {"ND007"}
    two = _served(True, HOME, "us-east-2")
    (refusal,) = compared(two, protected).refusals
    assert (refusal.code, refusal.regions) == ("ND007", ("us-east-2",))
    for before, after in ((protected, free), (free, gone), (protected, protected)):
        assert codes(compared(before, after)) == set()


def test_a_protected_load_balancer_stays_in_its_vpc() -> None:
    found = compared(_served(True), _served(True, network={"cidr": "10.77.0.0/16"}))
    assert codes(found) == {"ND004", "ND007"}


def _filed(protected: bool, *regions: str, key: str = "", **volume: Any) -> Config:
    """A model with a file system, or with another volume in its place."""
    arn = f"arn:aws:kms:{{region}}:111122223333:key/mrk-{key}"
    return stack(
        regions={r: {} for r in regions or (HOME,)},
        capacity={"pool": groups("inf2.xlarge", 2)},
        models={"a": work(1, mounts={"v": "/v"})},
        volumes={"v": {"kind": "efs", **volume}},
        security={"deletion_protection": protected, **({"kms_keys": arn} if key else {})},
    )


def test_a_file_system_leaves_with_its_files_after_its_protection() -> None:
    protected, free, gone = _filed(True), _filed(False), _filed(False, kind="host")
    (refusal,) = compared(protected, gone).refusals
    assert (refusal.code, refusal.path, refusal.regions) == ("ND008", "volumes.v", (HOME,))
    given: Any = {"file_systems": {HOME: "fs-0123456789abcdef0"}}
    for after in (_filed(True, key="0a"), _filed(True, **given)):
        assert codes(compared(protected, after)) == {"ND008"}
    two = _filed(True, HOME, "us-east-2")
    (refusal,) = compared(two, protected).refusals
    assert (refusal.code, refusal.regions) == ("ND008", ("us-east-2",))
    for before, after in ((protected, free), (free, gone), (protected, protected), (gone, free)):
        assert codes(compared(before, after)) == set()
    assert codes(compared(_filed(True, **given), _filed(True, kind="host"))) == set()
