"""Load balancers with public addresses."""

from typing import Any

import pytest

from planning.document import endpoints
from planning.plan import GivenNetwork, LoadBalancer, OwnNetwork, Plan
from tests.planning.fixtures_authentication import keyed, public
from tests.planning.stacks import Entry, codes, decide_on, finding, groups, stack, work


def balancer(plan: Plan) -> LoadBalancer:
    found = plan.regions[0].load_balancer
    assert found is not None
    return found


def keys(plan: Plan) -> set[str]:
    """Of what is in the way of a request, one set for each scheme."""
    groups_of = [g for model in plan.regions[0].models for g in model.target_groups]
    rules = {rule.key for group in groups_of for rule in group.rules}
    return {balancer(plan).key, balancer(plan).name_key, *(g.key for g in groups_of), *rules}


def test_nothing_of_one_scheme_has_the_key_of_the_other() -> None:
    """AWS changes no scheme in place, and a target group has one load balancer for its life."""
    outside, inside = decide_on(public()), decide_on(public(False))
    assert not keys(outside) & keys(inside)
    assert balancer(outside).security_group == balancer(inside).security_group
    services = [{s.key for s in p.regions[0].models[0].services} for p in (outside, inside)]
    assert services[0] == services[1], "no task moves"


def test_a_model_whose_name_begins_with_public_has_keys_of_its_own() -> None:
    models = {"m": work(1, port=8080), "public-m": work(1, port=8081)}
    found = [
        keys(
            decide_on(stack(capacity={"pool": groups()}, models=models, traffic={"public": given}))
        )
        for given in (True, False)
    ]
    assert len(found[0] | found[1]) == 12


@pytest.mark.parametrize("nat", ["one", "per_zone", "none"])
def test_a_public_load_balancer_has_a_public_subnet_in_each_zone(nat: str) -> None:
    plan = decide_on(public(nat=nat))
    network = plan.regions[0].network
    assert isinstance(network, OwnNetwork)
    assert network.public_zone_ids == tuple(z.zone_id for z in network.zones)
    assert balancer(plan).zone_ids == network.public_zone_ids
    closed = decide_on(public(False, nat=nat)).regions[0].network
    assert isinstance(closed, OwnNetwork)
    assert closed.public_zone_ids == ()


def test_an_existing_network_gives_its_public_subnets() -> None:
    zones: dict[str, Any] = {f"usw2-az{n}": f"subnet-0{n}" for n in (1, 2)}
    inside = {zone: f"{subnet}a" for zone, subnet in zones.items()}
    given = public(vpc_id="vpc-0a", private_subnets=inside, public_subnets=zones)
    network = decide_on(given).regions[0].network
    assert isinstance(network, GivenNetwork)
    assert dict(network.public_subnets) == zones


def test_the_block_of_the_network_calls_no_public_load_balancer() -> None:
    unnamed: Entry = {"allow_from": []}
    assert balancer(decide_on(public(False, traffic=unnamed))).allow_cidrs == ("10.47.0.0/16",)
    assert balancer(decide_on(public(traffic=unnamed))).allow_cidrs == ()


def test_anyone_is_every_address_and_needs_authentication() -> None:
    anyone = {"public": {"anyone": True}}
    assert balancer(decide_on(keyed(traffic=anyone))).allow_cidrs == ("0.0.0.0/0",)
    assert finding(keyed(api_key={}, traffic=anyone), "NE753").severity.name == "ERROR"
    assert "NE753" not in codes(keyed("--api-key=x", api_key={}, traffic=anyone))


def test_only_the_regions_that_are_named_are_public() -> None:
    given = {"public": {"regions": ["us-east-2"]}, "allow_from": ["203.0.113.0/24"]}
    regions: Entry = {"us-west-2": {}, "us-east-2": {}}
    models = {"m": work(1, port=8080)}
    plan = decide_on(
        stack(capacity={"pool": groups()}, models=models, regions=regions, traffic=given)
    )
    found = {e.region: (e.public, e.callers) for e in endpoints(plan)}
    assert found == {
        "us-west-2": (False, ("203.0.113.0/24",)),
        "us-east-2": (True, ("203.0.113.0/24",)),
    }


def test_both_schemes_are_there_while_one_becomes_the_other() -> None:
    """The next update finds the second load balancer, its groups and its rules under their keys."""
    for given in (True, False):
        both = decide_on(public(given, traffic={"both_schemes": True}))
        (region,) = both.regions
        other = decide_on(public(not given))
        assert region.second_balancer is not None
        assert region.second_balancer.key == balancer(other).key
        assert region.second_balancer.security_group == balancer(both).security_group
        (model,) = region.models
        assert model.second_target_groups == other.regions[0].models[0].target_groups
        assert [e.url for e in endpoints(both)] == [
            e.url for e in endpoints(decide_on(public(given)))
        ]


def test_a_service_has_five_target_groups_over_both_load_balancers() -> None:
    sidecars = {f"s{n}": {"image": "r.io/s:1", "port": 9000 + n} for n in range(2)}
    models = {"m": work(1, port=8080, sidecars=sidecars)}
    traffic = {"both_schemes": True}
    config = stack(capacity={"pool": groups()}, models=models, traffic=traffic)
    assert finding(config, "NE392").path == "models.m.sidecars.s1.port"
