"""Models, impact, refusals and price, on stack files made for each."""

import json
from decimal import Decimal
from typing import Any

import pytest

import catalog
from neuron_ecs.diff.difference import Difference
from neuron_ecs.diff.plans import device_sets
from neuron_ecs.diff.summary import verdict
from neuron_ecs.diff.text import render
from planning import choices
from planning.price import FREE, HOURS
from tests.neuron_ecs.diff.pairs import OTHER, compared, shared
from tests.planning.stacks import (
    HOME,
    PROJECT,
    Config,
    Entry,
    changed,
    groups,
    managed,
    stack,
    work,
)


def kinds(found: Difference) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(c.region, c.name): tuple(c.kinds) for c in found.models}


def one(capacity: Entry | None = None, **more: Any) -> Config:
    pool = capacity or groups("inf2.xlarge", 2)
    return stack(capacity={"pool": pool}, models={"a": work(1, **more)})


def test_a_model_that_comes_is_added_and_one_that_goes_is_removed() -> None:
    small, large = shared(("a", 2)), shared(("a", 2), ("b", 1))
    assert kinds(compared(small, large)) == {(HOME, "b"): ("added",)}
    assert kinds(compared(large, small)) == {(HOME, "b"): ("removed",)}


def test_a_model_that_leaves_one_region_for_another_has_moved() -> None:
    pool = {"pool": groups("inf2.xlarge", 2)}
    here, there = (
        stack(capacity=pool, regions={HOME: {}, OTHER: {}}, models={"a": work(1, regions=[r])})
        for r in (HOME, OTHER)
    )
    assert kinds(compared(here, there)) == {(HOME, "a"): ("moved",), (OTHER, "a"): ("moved",)}


def test_replicas_devices_and_images_are_told_apart() -> None:
    base = one(replicas={"min": 1, "max": 1})
    more = compared(base, changed(base, "models.a", replicas={"min": 1, "max": 2}))
    assert kinds(more)[HOME, "a"][0] == "resized"
    image = compared(base, changed(base, "models.a", image="public.ecr.aws/neuron/serving:2.0"))
    assert kinds(image) == {(HOME, "a"): ("new image",)}
    other = compared(base, changed(base, "models.a", environment={"LEVEL": "debug"}))
    assert [c.lines for c in other.models] == [("environment",)]


def test_a_model_that_moves_for_another_is_called_out_with_ids_that_keep_it() -> None:
    base = shared(("calm", 2), max_size=3)
    after = changed(base, "models", alpha=work(4, replicas={"min": 2}))
    found = compared(base, after)
    if not found.disturbed:
        pytest.skip("the planner no longer moves it")
    assert [c.name for c in found.disturbed] == ["calm"]
    assert found.pins is not None
    assert found.pins.works
    held = after
    for name, devices in found.pins.ids.items():
        held = changed(held, f"models.{name}", neuron_devices=list(devices))
    assert not compared(base, held).before.models.keys() - compared(base, held).after.models.keys()
    again = compared(base, held)
    calm = again.after.models[HOME, "calm"]
    assert device_sets(calm) == device_sets(again.before.models[HOME, "calm"]), (
        "the ids do what they promise"
    )


def test_a_model_of_several_slots_that_moves_is_kept_by_a_layout() -> None:
    base = shared(("calm", 1), ("quiet", 1), max_size=3)
    base = changed(base, "models.calm", replicas={"min": 2})
    after = changed(base, "models", alpha=work(2, replicas={"min": 1}))
    found = compared(base, after)
    assert {c.name for c in found.disturbed} >= {"calm"}, "the planner moves it no longer"
    assert found.pins is not None
    assert found.pins.layout
    kept = {**after, f"{PROJECT}:layout": json.dumps(found.pins.layout)}
    again = compared(base, kept)
    assert again.disturbed == ()
    assert any("neuron-ecs place --base" in line for line in render(found, width=80))


def test_replicas_that_spread_are_placed_over_the_zones_first() -> None:
    base = one(groups("inf2.xlarge", 3), replicas=2)
    spread = {"min": 2, "max": 2, "spread": "instances"}
    found = compared(base, changed(base, "models.a", replicas=spread), graph=True)
    (service,) = (r for r in found.real if r.type == "aws:ecs/service:Service")
    (placed,) = (r for r in found.head.graph or () if r["urn"] == service.urn)
    assert placed["inputs"]["orderedPlacementStrategies"] == [
        {"type": "spread", "field": "attribute:ecs.availability-zone"},
        {"type": "binpack", "field": "memory"},
    ]


def test_a_model_that_was_touched_is_not_called_out() -> None:
    base = shared(("a", [0, 1]), ("b", [2, 3]))
    after = changed(base, "models.b", neuron_devices=[4, 5])
    found = compared(base, after)
    assert kinds(found) == {(HOME, "b"): ("devices moved",)}
    assert found.disturbed == ()
    assert found.pins is None


# ---- impact ------------------------------------------------------------------------------------


def test_tasks_above_a_minimum_of_0_lose_their_target_group_as_well() -> None:
    base = one(port=8080, replicas={"min": 0, "max": 2})
    found = compared(base, changed(base, "models.a", network_mode="awsvpc"), graph=True)
    impact = found.impacts[HOME, "a"]
    assert impact.word == "replaced in place"
    assert impact.text.endswith("the minimum is 0, so this is of tasks that run above it")
    assert "a without a replica for " in verdict(found)


def test_one_task_without_room_is_replaced_in_place_and_the_gap_is_told() -> None:
    base = one(groups("inf2.xlarge", 1), port=8080, stop_timeout_seconds=60)
    found = compared(base, changed(base, "models.a", environment={"LEVEL": "debug"}))
    felt = found.impacts[HOME, "a"]
    model = found.after.models[HOME, "a"]
    group = model.target_group
    assert group is not None
    assert felt.word == "replaced in place"
    assert felt.gap is not None
    checks = choices.HEALTHY_THRESHOLD * group.health_interval_seconds
    assert felt.gap.least == group.deregistration_delay_seconds + checks
    grace = model.services[0].grace_seconds or 0
    assert felt.gap.most == group.deregistration_delay_seconds + 60 + grace
    assert "a without a replica for" in verdict(found)


def test_without_a_load_balancer_only_the_model_knows_how_long_it_takes() -> None:
    base = one(groups("inf2.xlarge", 1))
    found = compared(base, changed(base, "models.a", environment={"LEVEL": "debug"}))
    gap = found.impacts[HOME, "a"].gap
    assert gap is not None
    assert gap.most is None
    assert gap.text == "without a replica for as long as it takes to load"
    base = one(groups("inf2.24xlarge", 1), replicas=6)
    found = compared(base, changed(base, "models.a", environment={"LEVEL": "debug"}))
    assert found.impacts[HOME, "a"].text.endswith(", each for as long as it takes to load")


@pytest.mark.parametrize(
    ("before", "after", "word", "text", "said"),
    [
        # what the update leaves: Application Auto Scaling moves a count into new limits, no further
        (1, 0, "ends", "its tasks stop and nobody answers", "a answers no more"),
        (0, 1, "starts", "starts again", "+$"),
        (0, {"min": 0}, "none", "stays stopped", "resized"),
        (1, {"min": 0}, "none", "what runs stays until somebody", "(once somebody lowers the"),
        (2, {"min": 0}, "none", "1 task stops; the rest stays", "(once somebody lowers the"),
        ({"min": 0, "max": 2}, 0, "ends", "its tasks stop", "a answers no more"),
        (1, {"min": 1, "max": 2}, "none", "tasks that stay are not touched", "no model without"),
        (1, 2, "none", "1 task more starts; tasks that stay", "no model without"),
        (2, 1, "none", "1 task stops; tasks that stay", "no model without"),
        ({"min": 1, "max": 2}, {"min": 2}, "none", "1 task more starts", "no model without"),
        ({"min": 1, "max": 2}, 1, "none", "up to 1 task stops", "no model without"),
    ],
)
def test_the_impact_says_which_tasks_start_stop_and_stay(
    before: Entry | int, after: Entry | int, word: str, text: str, said: str
) -> None:
    found = compared(one(replicas=before), one(replicas=after))
    felt = found.impacts[HOME, "a"]
    assert (felt.word, text in felt.text) == (word, True), felt
    assert said in verdict(found), verdict(found)


@pytest.mark.parametrize("before", [1, {"min": 0, "max": 1}])
@pytest.mark.parametrize("second", [groups("inf2.xlarge", 2), managed("inf2.xlarge")])
def test_a_model_that_moves_with_a_minimum_of_0_answers_no_more(
    before: Entry | int, second: Entry
) -> None:
    pools = {"pool": groups("inf2.24xlarge", 2), "second": second}
    devices = "all" if second["kind"] == "managed_instances" else 1
    none: Entry = {"min": 0, "max": 1}
    olds, news = (
        {"a": a, "other": work(1, replicas=1)}
        for a in (work(1, replicas=before), work(devices, "second", replicas=none))
    )
    found = compared(stack(capacity=pools, models=olds), stack(capacity=pools, models=news))
    assert found.impacts[HOME, "a"].word == "ends"
    assert "a answers no more; no other model without a replica" in verdict(found)


def test_a_service_fewer_is_no_move() -> None:
    found = compared(*(shared(("a", [0, 1]), b=work(3, replicas=n)) for n in (2, 1)))
    felt = found.impacts[HOME, "b"]
    assert felt.word == "none"
    assert "stop" in felt.text


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ({"port": 8080}, {"port": 8081}, "rolling"),
        ({"port": 8080}, {"port": 8081, "replicas": {"min": 2}}, "rolling"),
        ({"port": 8080}, {"port": 8081, "network_mode": "awsvpc"}, "replaced in place"),
        ({"port": 8080}, {"port": 8080, "network_mode": "awsvpc"}, "replaced in place"),
        ({"port": 8080}, {"port": 8080, "capacity": "other"}, "replaced in place"),
        ({"port": 8080}, {"port": 8080, "network_mode": "host"}, "rolling"),
        ({"port": 8080}, {"port": 8080, "capacity": "second"}, "moves"),
        ({"port": 8080}, {}, "rolling"),
        ({}, {"port": 8080}, "rolling"),
    ],
)
def test_a_replaced_target_group_answers_only_when_a_new_task_is_healthy(
    before: Entry, after: Entry, word: str
) -> None:
    pools: Entry = {
        "pool": groups("inf2.xlarge", 4),
        "second": groups("inf2.xlarge", 4),
        "other": managed("inf2.xlarge"),
    }

    def with_model(entry: Entry) -> Config:
        pool = entry.pop("capacity", "pool")
        devices = "all" if pool == "other" else 1
        return stack(capacity=pools, models={"a": work(devices, pool, **entry)})

    found = compared(with_model({**before}), with_model({**after}))
    felt = found.impacts[HOME, "a"]
    assert felt.word == word
    replaced = word == "replaced in place"
    assert ("target group" in felt.text) is replaced
    assert ("without a replica for" in verdict(found)) is replaced
    if replaced:
        model = found.after.models[HOME, "a"]
        group = model.target_group
        assert group is not None
        assert felt.gap is not None
        assert felt.gap.least == choices.HEALTHY_THRESHOLD * group.health_interval_seconds
        assert felt.gap.most == max(s.grace_seconds or 0 for s in model.services)
        assert felt.gap.text in felt.text


def test_a_replaced_target_group_without_room_waits_for_the_old_task_too() -> None:
    base = one(groups("inf2.xlarge", 1), port=8080, stop_timeout_seconds=60)
    found = compared(base, changed(base, "models.a", network_mode="awsvpc"))
    felt = found.impacts[HOME, "a"]
    model = found.after.models[HOME, "a"]
    group = model.target_group
    assert group is not None
    assert felt.gap is not None
    checks = choices.HEALTHY_THRESHOLD * group.health_interval_seconds
    assert (felt.word, felt.gap.least) == (
        "replaced in place",
        group.deregistration_delay_seconds + checks,
    )
    grace = model.services[0].grace_seconds or 0
    assert felt.gap.most == group.deregistration_delay_seconds + 60 + grace


def test_with_room_a_new_task_starts_first() -> None:
    base = one(groups("inf2.xlarge", 2))
    found = compared(base, changed(base, "models.a", environment={"LEVEL": "debug"}))
    felt = found.impacts[HOME, "a"]
    assert (felt.word, felt.gap, felt.extra_instances) == ("rolling", None, 1)


def test_managed_instances_are_doubled_during_the_rollout() -> None:
    models = {"a": work("all", replicas={"min": 2})}
    base = stack(capacity={"pool": managed("inf2.xlarge")}, models=models)
    found = compared(base, changed(base, "models.a", environment={"LEVEL": "debug"}))
    felt = found.impacts[HOME, "a"]
    assert (felt.word, felt.doubled, felt.extra_instances) == ("rolling", True, 2)


def test_more_replicas_and_new_tags_interrupt_nobody() -> None:
    base = one(replicas={"min": 1, "max": 1})
    tagged = compared(base, changed(base | {"neuron-ecs:tags": "{}"}, "tags", team="x"), graph=True)
    assert tagged.models == ()
    assert {i.word for i in tagged.impacts.values()} <= {"none"}
    assert "no model without a replica" not in verdict(tagged)


def test_a_larger_disk_is_for_new_instances_only() -> None:
    base = one(groups("inf2.xlarge", 2, root_volume_gib=100))
    after = changed(base, "capacity.pool", root_volume_gib=200)
    found = compared(base, after, graph=True)
    assert "new instances only" in found.pools[0].impact
    assert {i.word for i in found.impacts.values()} <= {"none"}


# ---- refusals ----------------------------------------------------------------------------------


def codes(found: Difference) -> list[str]:
    return [r.code for r in found.refusals]


def two_pools(**second: object) -> Config:
    pools = {"first": groups("inf2.xlarge", 2), "second": groups("inf2.xlarge", 2, **second)}
    return stack(capacity=pools, models={"a": work(1, "first"), "b": work(1, "second")})


def test_a_pool_that_leaves_under_its_model_is_refused_with_two_steps() -> None:
    base = two_pools()
    after = changed(base, "models.b", capacity="first")
    gone = {k: v for k, v in json.loads(after["neuron-ecs:capacity"]).items() if k == "first"}
    found = compared(base, after | {"neuron-ecs:capacity": json.dumps(gone)})
    assert codes(found) == ["ND001"]
    assert found.failed
    assert len(found.refusals[0].steps) == 2
    assert "retired: true" in found.refusals[0].steps[0]


def test_the_two_steps_are_not_refused() -> None:
    base = two_pools()
    resting = changed(changed(base, "models.b", capacity="first"), "capacity.second", retired=True)
    assert codes(compared(base, resting)) == []
    gone = {k: v for k, v in json.loads(base["neuron-ecs:capacity"]).items() if k == "first"}
    assert codes(compared(resting, resting | {"neuron-ecs:capacity": json.dumps(gone)})) == []


@pytest.mark.parametrize(
    "change", [{"purchase": "spot"}, {"instance_type": "inf2.8xlarge"}], ids=["purchase", "type"]
)
def test_a_pool_does_not_change_its_purchase_or_type_in_place(change: dict[str, str]) -> None:
    base = two_pools()
    found = compared(base, changed(base, "capacity.second", **change))
    assert codes(found) == ["ND002"]
    assert next(iter(change)) in found.refusals[0].what


def test_a_region_leaves_with_its_cluster_in_one_update() -> None:
    pool = {"pool": groups("inf2.xlarge", 2)}
    both, home = (
        stack(capacity=pool, regions={r: {} for r in regions}, models={"a": work(1)})
        for regions in ((HOME, OTHER), (HOME,))
    )
    assert codes(compared(both, home)) == [], "the cluster goes last, when nothing uses it"


def test_a_model_that_waits_for_the_devices_of_one_that_goes_is_refused_in_a_full_pool() -> None:
    base = shared(("left", [0, 1]), ("old", [2, 3]), max_size=1)
    traded = shared(("left", [0, 1]), ("young", [2, 3]), max_size=1)
    found = compared(base, traded)
    assert codes(found) == ["ND003"], "the engine deletes last"
    roomy = changed(traded, "capacity.pool", max_size=2)
    assert codes(compared(base, roomy)) == []
    unwatched = traded | {"neuron-ecs:wait_for_steady_state": "false"}
    assert codes(compared(base, unwatched)) == []


# ---- price ---------------------------------------------------------------------------------------


def test_a_month_is_730_hours_of_the_catalogs_rate() -> None:
    base = one(replicas={"min": 1, "max": 2})
    found = compared(base, changed(base, "models.a", replicas={"min": 1, "max": 1})).price
    rate = catalog.load().prices.on_demand("inf2.xlarge", HOME)
    assert found is not None
    assert rate is not None
    assert (found.before.minimum, found.before.maximum) == (rate * HOURS, rate * HOURS * 2)
    assert found.difference.maximum == -rate * HOURS
    assert found.lines[0].included
    assert found.lines[0].date
    assert found.lines[0].source


def test_the_shares_of_the_models_and_of_nobody_are_the_whole() -> None:
    found = compared(shared(("a", 2), ("b", 1)), shared(("a", 2), ("b", 3))).price
    assert found is not None
    for line in found.lines:
        for cost in (line.before, line.after):
            assert cost is not None
            total = sum((a.minimum for a in cost.by_model.values()), Decimal(0))
            assert total.quantize(Decimal("0.0001")) == cost.amount.minimum.quantize(
                Decimal("0.0001")
            )
    assert {"a", "b", FREE} <= set(found.by_model())


def test_what_has_no_price_is_named_and_not_guessed() -> None:
    block = {"purchase": "capacity_block", "reservation_ids": {OTHER: "cr-0a1b2c3d4e5f60718"}}
    pools = {
        "pool": groups("inf2.xlarge", 2, regions=[HOME]),
        "block": groups("trn2.48xlarge", 1, regions=[OTHER], **block),
    }
    models = {"a": work(1, regions=[HOME])}
    base = stack(capacity={"pool": pools["pool"]}, regions={HOME: {}, OTHER: {}}, models=models)
    after = stack(
        capacity=pools,
        regions={HOME: {}, OTHER: {}},
        models=models | {"b": work("all", "block", regions=[OTHER])},
    )
    found = compared(base, after)
    if found.errors:
        pytest.skip("no Capacity Block here: " + found.errors[0].what)
    assert found.price is not None
    (missing,) = [line for line in found.price.lines if not line.included]
    assert missing.pool == "block"
    assert any("pool block" in text for text in found.price.not_included)
    assert "not all of it is priced" in verdict(found)


def test_spot_is_priced_as_spot_and_says_that_it_moves() -> None:
    base = one(groups("inf2.xlarge", 2, purchase="spot"))
    found = compared(base, base).price
    assert found is not None
    prices = catalog.load().prices.spot("inf2.xlarge", HOME)
    assert prices is not None
    (line,) = found.lines
    assert line.after is not None
    assert line.after.rate == prices[1]
    assert "moves" in line.note


# ---- the verdict ---------------------------------------------------------------------------------


def test_the_verdict_of_an_impossible_wish_says_where() -> None:
    base = shared(("a", 1))
    found = compared(base, changed(base, "models.a", neuron_devices=40))
    assert found.failed
    assert verdict(found) == "Cannot work: 1 error, at models.a.neuron_devices."
    assert [f.path for f in found.findings.new] == ["models.a.neuron_devices"]


def test_a_job_that_changes_and_a_model_that_goes_are_in_the_verdict() -> None:
    base = stack(
        capacity={"pool": groups("inf2.24xlarge", 2)},
        models={"a": work(1), "b": work(1)},
        jobs={"j": work(1)},
    )
    said = verdict(compared(base, changed(base, "jobs.j", image="r.io/j:2"), graph=True))
    assert said.startswith("1 job changed (j); ")
    kept = {"neuron-ecs:models": json.dumps({"a": work([0])})}
    said = verdict(compared(base, base | kept, graph=True))
    assert "1 model removed (b)" in said
    assert "no other model without a replica" in said


def test_nothing_is_said_to_change_where_nothing_does() -> None:
    base = shared(("a", 1))
    assert verdict(compared(base, base, graph=True)) == "Changes nothing."


def test_a_base_that_cannot_be_built_leaves_nothing_to_compare_with() -> None:
    good = shared(("a", 1))
    found = compared(changed(good, "models.a", neuron_devices=40), good)
    assert verdict(found) == (
        "Nothing to compare with (base: the plan has errors); the head can be built."
    )
    assert not found.failed
    assert [f.path for f in found.findings.gone] == ["models.a.neuron_devices"]
