"""The program's lives on the real engine: up, changed, refreshed, down, and what that does.

Each life is one stack and one chain of updates.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.engine.harness import (
    REPOSITORY,
    Engine,
    Outcome,
    disturbed,
    restarted,
    stack_file,
)
from tests.engine.provider.account import Entry, Habits
from tests.engine.provider.operations import COUNT, DEPLOYED
from tests.engine.provider.refusals import SCALABLE, SERVICE, TASK
from tests.engine.provider.wire import Json, number, text

pytestmark = pytest.mark.engine

IMAGE = "111122223333.dkr.ecr.{region}.amazonaws.com/model:v1"
"""An image of one's own: nothing is known about it, so no rule about images speaks here."""

PROMPT = Habits(refusals_until_active=0)
ZONES = {"us-west-2": "usw2", "us-east-2": "use2"}

Config = Mapping[str, Any]


@pytest.fixture
def engine(tmp_path: Path, shapes_file: Path) -> Engine:
    made = Engine(tmp_path / "engine", shapes=shapes_file).start()
    made.habits(PROMPT)
    return made


# ---- the stack files ------------------------------------------------------------------------


def given_network(region: str) -> Config:
    """A network that exists: most lives are not about networks, and this is the shortest."""
    zones = range(1, 4)
    subnets = {f"{ZONES[region]}-az{zone}": f"subnet-{ZONES[region]}{zone}" for zone in zones}
    return {"network": {"vpc_id": f"vpc-{ZONES[region]}", "private_subnets": subnets}}


def pool(**changes: object) -> Config:
    return {"kind": "auto_scaling", "instance_type": "inf2.24xlarge", "max_size": 2} | changes


def managed_pool(**changes: object) -> Config:
    return {"kind": "managed_instances", "allowed_instance_types": ["trn1.2xlarge"]} | changes


def model(capacity: str, devices: object, **changes: object) -> Config:
    return {"image": IMAGE, "capacity": capacity, "neuron_devices": devices} | changes


def stack(
    models: Config,
    capacity: Config,
    *,
    regions: Sequence[str] = ("us-west-2",),
    networks: Config | None = None,
    **more: object,
) -> str:
    """The text of a stack file."""
    return stack_file(
        "neuron-ecs",
        {
            "aws:region": "us-west-2",
            "regions": networks or {region: given_network(region) for region in regions},
            "capacity": capacity,
            "models": models,
            **more,
        },
    )


EVERYTHING = stack_file(
    "neuron-ecs",
    {
        "aws:region": "us-west-2",
        "tags": {"team": "ml"},
        "regions": {"us-west-2": {}, "us-east-2": {"network": {"nat": "none"}}},
        "capacity": {
            "owned": pool(max_size=4),
            "managed": managed_pool(regions=["us-west-2"]),
        },
        "models": {
            "chat": model(
                "owned",
                2,
                port=8080,
                replicas={"min": 1, "max": 2},
                s3_read=["s3://weights-{region}/chat/"],
                secrets={"TOKEN": "/chat/token"},
            ),
            "embed": model("managed", "all", port=8080, regions=["us-west-2"]),
        },
        "traffic": {"allow_from": ["10.0.0.0/8"]},
        "jobs": {
            "finetune": model(
                "managed",
                "all",
                regions=["us-west-2"],
                schedule={"expression": "cron(0 3 * * ? *)"},
            )
        },
    },
)


def stack_files() -> dict[str, str]:
    """Every stack file of the repository, and one with one of everything."""
    found = sorted([*REPOSITORY.glob("Pulumi.*.yaml"), *REPOSITORY.glob("examples/*.yaml")])
    files = {str(path.relative_to(REPOSITORY)): path.read_text() for path in found}
    return {"one of everything": EVERYTHING} | files


# ---- what a life asserts --------------------------------------------------------------------


def succeeds(outcome: Outcome) -> Outcome:
    assert outcome.code == 0, outcome.explain()
    return outcome


def fails(outcome: Outcome, because: str) -> Outcome:
    assert outcome.code != 0, outcome.explain()
    assert because in outcome.text, outcome.explain()
    return outcome


def services(outcome: Outcome, op: str) -> list[str]:
    """Logical names of services that were created, updated or deleted, in order."""
    return [entry.logical for entry in outcome.done if entry.op == op and entry.type == SERVICE]


def counts(engine: Engine, name: str) -> list[Json]:
    """The desired counts of the model's services, in the order in which they were made."""
    found = [r for r in engine.left() if r.type == SERVICE and f"_{name}_" in r.logical]
    return [record.facts[COUNT] for record in found]


def by_hand(engine: Engine, name: str, count: int) -> None:
    """Somebody sets the desired count of the model's services."""
    with engine.account.open() as holdings:
        for record in holdings.of(SERVICE):
            if f"_{name}_" in record.logical:
                record.facts[COUNT] = count


def leaves_alone(outcome: Outcome, name: str) -> None:
    """No task of that model stopped."""
    hit = {service for _, service in disturbed(outcome.journal) if f"_{name}_" in service}
    assert not hit, f"{name} was not touched and its tasks stopped\n{outcome.explain()}"


def ends(engine: Engine) -> None:
    """Whatever happened, the order is stated still, and nothing stays behind."""
    assert engine.forgotten() == []
    succeeds(engine.destroy())
    assert [record.logical for record in engine.left()] == []


# ---- the lives ------------------------------------------------------------------------------

FILES = stack_files()


@pytest.mark.parametrize("file", FILES)
def test_a_stack_comes_up_stays_and_goes(engine: Engine, file: str) -> None:
    engine.write(FILES[file])
    succeeds(engine.up())
    succeeds(engine.refresh())
    again = succeeds(engine.up())
    assert again.done == [], "nothing changed, and an update did something\n" + again.explain()
    ends(engine)


def test_a_model_comes_grows_moves_and_goes(engine: Engine) -> None:
    calm = model("first", [0, 1])
    one = {"first": pool()}
    two = one | {"second": pool(purchase="spot")}
    grown = {"replicas": {"min": 2, "max": 2}}
    engine.write(stack({"calm": calm}, one))
    assert succeeds(engine.preview()).journal == (), "a preview makes nothing"
    succeeds(engine.up())

    added = succeeds(engine.up(stack({"calm": calm, "busy": model("first", [2, 3])}, one)))
    leaves_alone(added, "calm")
    assert len(services(added, "create")) == 1

    busy = model("first", [2, 3], **grown)
    leaves_alone(succeeds(engine.up(stack({"calm": calm, "busy": busy}, one))), "calm")

    moved = succeeds(
        engine.up(stack({"calm": calm, "busy": model("second", [2, 3], **grown)}, two))
    )
    leaves_alone(moved, "calm")
    kinds = [entry.op for entry in moved.done if entry.type == SERVICE]
    assert kinds == sorted(kinds), "the old service goes after the new one is steady"
    assert set(kinds) == {"create", "delete"}

    gone = succeeds(engine.up(stack({"calm": calm}, two)))
    leaves_alone(gone, "calm")
    ends(engine)


def test_tags_and_bounds_restart_nothing(engine: Engine) -> None:
    models = {"calm": model("first", [0, 1]), "wide": model("first", [2, 3])}
    succeeds(engine.up(stack(models, {"first": pool()})))
    tagged = succeeds(engine.up(stack(models, {"first": pool()}, tags={"team": "ml"})))
    assert restarted(tagged.journal) == set(), tagged.explain()
    larger = succeeds(engine.up(stack(models, {"first": pool(max_size=3)}, tags={"team": "ml"})))
    assert disturbed(larger.journal) == set(), larger.explain()
    disk = {"first": pool(max_size=3, root_volume_gib=300)}
    template = succeeds(engine.up(stack(models, disk, tags={"team": "ml"})))
    assert template.done, "a larger root volume changes the launch template"
    assert disturbed(template.journal) == set(), template.explain()
    ends(engine)


def test_daemons_come_and_go_beside_models_that_stay(engine: Engine) -> None:
    models, pools = {"calm": model("first", [0, 1])}, {"first": pool()}
    succeeds(engine.up(stack(models, pools)))
    given: tuple[Config, ...] = ({}, {"problem_detector": {"recovery": True}})
    for metrics in given:
        watched = succeeds(engine.up(stack(models, pools, neuron_metrics=metrics)))
        assert watched.done, "the daemons are services of their own"
        leaves_alone(watched, "calm")
    more = {**pools, "second": pool(instance_type="trn1.32xlarge")}
    leaves_alone(succeeds(engine.up(stack(models, more, neuron_metrics={}))), "calm")
    leaves_alone(succeeds(engine.up(stack(models, pools))), "calm")
    ends(engine)


STEPS: tuple[tuple[object, int | None, list[int]], ...] = (
    # replicas, the count that somebody sets afterwards, and the count that the update leaves
    (1, None, [1]),
    (0, None, [0]),
    ({"min": 1, "max": 3}, 3, [1]),  # leaves 0
    ({"min": 0, "max": 3}, 0, [3]),  # what runs stays
    ({"min": 2, "max": 3}, None, [2]),  # a minimum above the count
    ({"min": 0, "max": 1}, 0, [1]),  # a maximum below the count
    ({"min": 0, "max": 3}, 3, [0]),
    (0, None, [0]),  # stopped although the stack file said 0 before
    (2, None, [2]),
    ({"min": 1, "max": 2}, None, [2]),
)


def test_a_model_stops_and_starts_and_its_count_moves_into_new_limits(engine: Engine) -> None:
    def stacked(replicas: object) -> str:
        models = {"calm": model("first", [0, 1]), "busy": model("first", [2, 3], replicas=replicas)}
        return stack(models, {"first": pool(max_size=3)})

    for replicas, afterwards, left in STEPS:
        outcome = succeeds(engine.up(stacked(replicas)))
        assert counts(engine, "busy") == left, f"{replicas}\n{outcome.explain()}"
        leaves_alone(outcome, "calm")
        assert succeeds(engine.up()).done == [], "the count is AWS's within the limits"
        assert counts(engine, "busy") == left
        if afterwards is not None:
            by_hand(engine, "busy", afterwards)
    ends(engine)


NIGHT, MORNING = (0, 0), (1, 2)
ASLEEP = {
    "schedule": [
        {"expression": "cron(0 8 * * ? *)", "min": 1, "max": 2},
        {"expression": "cron(0 20 * * ? *)", "max": 0},
    ]
}
SLEEPS: tuple[tuple[Config, tuple[int, int] | None, int], ...] = (
    # the entry, the limits that its schedule has set before the update, the count that is left
    ({"replicas": {"min": 1, "max": 2}}, None, 1),
    ({"replicas": {"min": 0, "max": 2}, "scaling": ASLEEP}, None, 1),  # what runs stays
    ({"replicas": {"min": 0, "max": 2}, "scaling": ASLEEP, "image": IMAGE + "2"}, NIGHT, 0),
    ({"replicas": {"min": 0, "max": 2}, "scaling": ASLEEP, "image": IMAGE + "3"}, MORNING, 1),
    ({"replicas": {"min": 1, "max": 2}, "image": IMAGE + "3"}, NIGHT, 1),  # it wakes
    ({"replicas": {"min": 0, "max": 2}, "scaling": ASLEEP, "image": IMAGE + "3"}, None, 1),
    ({"replicas": 2, "image": IMAGE + "3"}, NIGHT, 2),  # a count that no target holds is set once
)


def by_schedule(engine: Engine, name: str, limits: tuple[int, int]) -> None:
    """An action of the schedule gives the model's services new limits, and moves their counts."""
    with engine.account.open() as holdings:
        for record in holdings.of(SCALABLE):
            if f"_{name}_" in record.logical:
                record.inputs["minCapacity"], record.inputs["maxCapacity"] = limits
    least, most = limits
    for count in counts(engine, name):
        by_hand(engine, name, max(least, min(most, int(number({"is": count}, "is") or 0))))


def test_a_model_sleeps_by_its_schedule_and_has_a_minimum_again(engine: Engine) -> None:
    for entry, limits, left in SLEEPS:
        models = {"calm": model("first", [0, 1]), "busy": model("first", [2, 3], **entry)}
        if limits is not None:
            by_schedule(engine, "busy", limits)
            assert succeeds(engine.up()).done == [], "what the schedule set is no drift"
        outcome = succeeds(engine.up(stack(models, {"first": pool(max_size=3)})))
        assert counts(engine, "busy") == [left], f"{entry}\n{outcome.explain()}"
        leaves_alone(outcome, "calm")
    ends(engine)


POOL_CHANGES: dict[str, tuple[Callable[..., Config], Config, Config]] = {
    "its purchase": (pool, {}, {"purchase": "spot"}),
    "its type": (pool, {}, {"instance_type": "inf2.48xlarge"}),
    "the purchase of Managed Instances": (managed_pool, {}, {"purchase": "spot"}),
    "the type of Managed Instances": (
        managed_pool,
        {},
        {"allowed_instance_types": ["inf2.8xlarge"]},
    ),
}


@pytest.mark.parametrize("what", POOL_CHANGES)
def test_a_pool_changes_by_a_new_one_and_retires(engine: Engine, what: str) -> None:
    make, before, after = POOL_CHANGES[what]
    devices = [0, 1] if make is pool else "all"
    old, new = make(**before), make(**after)
    calm = {"calm": model("other", [0, 1])}
    always = {"other": pool()}

    succeeds(engine.up(stack(calm | {"busy": model("old", devices)}, always | {"old": old})))
    both = always | {"old": old, "new": new}
    moved = succeeds(engine.up(stack(calm | {"busy": model("new", devices)}, both)))
    leaves_alone(moved, "calm")
    kinds = [entry.op for entry in moved.done if entry.type == SERVICE]
    assert kinds == ["create", "delete"], moved.explain()

    retired = always | {"old": {**old, "retired": True}, "new": new}
    resting = succeeds(engine.up(stack(calm | {"busy": model("new", devices)}, retired)))
    assert disturbed(resting.journal) == set(), resting.explain()

    gone = succeeds(engine.up(stack(calm | {"busy": model("new", devices)}, always | {"new": new})))
    assert disturbed(gone.journal) == set(), gone.explain()
    assert not [record for record in gone.records if "_old_" in record.logical], gone.explain()
    ends(engine)


def test_a_pool_that_goes_under_its_models_is_refused_and_the_two_steps_still_work(
    engine: Engine,
) -> None:
    models = {"calm": model("first", [0, 1]), "busy": model("second", [0, 1])}
    both = {"first": pool(), "second": pool(purchase="spot")}
    succeeds(engine.up(stack(models, both)))
    moved = {"calm": model("first", [0, 1]), "busy": model("first", [2, 3])}
    outcome = fails(engine.up(stack(moved, {"first": pool()})), "ResourceInUseException")
    leaves_alone(outcome, "calm")
    retired = {"first": pool(), "second": pool(purchase="spot", retired=True)}
    leaves_alone(succeeds(engine.up(stack(moved, retired))), "calm")
    leaves_alone(succeeds(engine.up(stack(moved, {"first": pool()}))), "calm")
    ends(engine)


def test_models_trade_devices_in_a_full_pool(engine: Engine) -> None:
    # A service keeps its name when its devices move: it stops its task before it starts the new
    # one, and the engine updates both services at the same time.
    full = {"first": pool(max_size=1)}
    models = {"left": model("first", [0, 1]), "right": model("first", [2, 3])}
    traded = {"left": model("first", [2, 3]), "right": model("first", [0, 1])}
    succeeds(engine.up(stack(models, full)))
    outcome = succeeds(engine.up(stack(traded, full)))
    renewed = {name.split("_")[1] for _, name in disturbed(outcome.journal)}
    assert renewed == {"left", "right"}, outcome.explain()
    ends(engine)


def test_a_network_changes_its_ways_out_under_running_models(engine: Engine) -> None:
    def ways(nat: str) -> str:
        return stack(
            {"calm": model("first", [0, 1])},
            {"first": pool()},
            networks={"us-west-2": {"network": {"nat": nat}}},
        )

    succeeds(engine.up(ways("one")))
    for nat in ("per_zone", "none", "one"):
        outcome = succeeds(engine.up(ways(nat)))
        assert disturbed(outcome.journal) == set(), outcome.explain()
    ends(engine)


def test_traffic_changes_touch_the_model_that_they_are_about(engine: Engine) -> None:
    certificate = "arn:aws:acm:us-west-2:111122223333:certificate/0a1b"
    callers = {"allow_from": ["10.0.0.0/8"]}

    def serving(traffic: Config, **changes: object) -> str:
        busy = model("first", [2, 3], **({"port": 8080} | changes))
        return stack(
            {"calm": model("first", [0, 1], port=8080), "busy": busy},
            {"first": pool()},
            traffic=traffic,
        )

    succeeds(engine.up(serving(callers)))
    secure = succeeds(
        engine.up(serving({**callers, "certificate_arns": {"us-west-2": certificate}}))
    )
    assert disturbed(secure.journal) == set(), secure.explain()
    names = {"domain": {"name": "models.example.com", "zone_id": "Z0AAA"}}
    named = succeeds(engine.up(serving({**callers, **names})))
    assert disturbed(named.journal) == set(), named.explain()
    wider = succeeds(engine.up(serving({"allow_from": ["10.0.0.0/8", "172.16.0.0/12"]})))
    assert disturbed(wider.journal) == set(), wider.explain()
    moved = succeeds(engine.up(serving(callers, port=8081)))
    leaves_alone(moved, "calm")
    assert not moved.operations("create", "TargetGroup"), "the group stays where its port changes"
    leaves_alone(succeeds(engine.up(serving(callers, port=8081, network_mode="awsvpc"))), "calm")
    leaves_alone(succeeds(engine.up(serving(callers, port=8081))), "calm")
    ends(engine)


def test_a_load_balancer_changes_its_scheme_in_two_steps(engine: Engine) -> None:
    names = {"domain": {"name": "models.example.com", "zone_id": "Z0AAA"}}

    def serving(*, public: bool, both: bool = False) -> str:
        callers = {"allow_from": ["203.0.113.0/24"], "public": public, "both_schemes": both}
        models = {"calm": model("first", [0, 1], port=8080)}
        own: Config = {"us-west-2": {"network": {}}}
        return stack(models, {"first": pool()}, networks=own, traffic={**callers, **names})

    def balancers(outcome: Outcome) -> list[bool]:
        found = [r for r in outcome.records if r.type == "aws:lb/loadBalancer:LoadBalancer"]
        return sorted(record.inputs["internal"] is True for record in found)

    succeeds(engine.up(serving(public=False)))
    for public in (True, False):
        both = succeeds(engine.up(serving(public=not public, both=True)))
        assert balancers(both) == [False, True]
        assert not [e for e in both.done if "names" in e.logical], "names stay with the first"
        done = succeeds(engine.up(serving(public=public)))
        assert balancers(done) == [not public]
        deleted = [e.type for e in done.done if e.op == "delete"]
        assert "aws:ecs/service:Service" not in deleted, done.explain()
    ends(engine)


def test_a_region_comes_and_goes(engine: Engine) -> None:
    models = {"calm": model("first", [0, 1], port=8080)}
    zones = {"zone_id": "Z0AAA", "private": True, "validation_zone_id": "Z0BBB"}
    more = {"traffic": {"allow_from": ["10.0.0.0/8"], "domain": {"name": "m.example.com", **zones}}}
    first, both = ("us-west-2",), ("us-west-2", "us-east-2")
    succeeds(engine.up(stack(models, {"first": pool()}, regions=first, **more)))
    for regions in (both, first):
        outcome = succeeds(engine.up(stack(models, {"first": pool()}, regions=regions, **more)))
        elsewhere = [entry for entry in outcome.done if entry.region == "us-west-2"]
        assert elsewhere == [], "a Region knows nothing of another\n" + outcome.explain()
    assert not [record for record in outcome.records if record.region == "us-east-2"]
    ends(engine)


RECORD, SHARED = "aws:route53/record:Record", "everywhere_validation"


def test_a_domain_is_added_and_a_region_goes_and_one_record_validates_all(engine: Engine) -> None:
    models = {"calm": model("first", [0, 1], port=8080)}
    both = ("us-west-2", "us-east-2")
    domain = {"name": "models.example.com", "zone_id": "Z0AAA"}

    def serving(regions: Sequence[str] = both, **traffic: object) -> str:
        keys = {"allow_from": ["10.0.0.0/8"], **traffic}
        return stack(models, {"first": pool()}, regions=regions, traffic=keys)

    def names(outcome: Outcome) -> list[tuple[str | None, str | None]]:
        of_all = [r for r in outcome.records if r.type == RECORD and "calm" in r.logical]
        return sorted((text(r.inputs, "name"), text(r.inputs, "setIdentifier")) for r in of_all)

    succeeds(engine.up(serving()))
    added = succeeds(engine.up(serving(domain=domain)))
    assert disturbed(added.journal) == set(), added.explain()
    assert names(added) == []
    connected = succeeds(engine.up(serving(domain=domain, connected=True)))
    assert disturbed(connected.journal) == set(), connected.explain()
    assert names(connected) == [("calm.models.example.com", region) for region in sorted(both)]
    assert [r.logical for r in connected.records if r.logical == SHARED] == [SHARED]

    for regions in (("us-east-2",), both):  # the Region that the record was read from goes
        changed = succeeds(engine.up(serving(regions, domain=domain, connected=True)))
        touched = [e.op for e in changed.done if e.logical == SHARED]
        assert touched == [], f"the others need the record: {touched}\n{changed.explain()}"
        elsewhere = [e for e in changed.done if e.region == "us-east-2"]
        assert elsewhere == [], changed.explain()
        assert [region for _, region in names(changed)] == sorted(regions)

    alone = succeeds(engine.up(serving(domain=domain)))
    assert disturbed(alone.journal) == set(), alone.explain()
    assert not [r for r in alone.records if r.logical == SHARED]
    ends(engine)


def test_an_image_that_changes_while_a_deployment_is_slow(engine: Engine) -> None:
    def images(tag: str) -> str:
        busy = model("first", [2, 3])
        other = IMAGE.replace("v1", tag)
        models = {"calm": model("first", [0, 1]), "busy": {**busy, "image": other}}
        return stack(models, {"first": pool()})

    def deploying(journal: list[Entry]) -> bool:
        return any(event == DEPLOYED for entry in journal for event, _ in entry.consequences)

    succeeds(engine.up(images("v1")))
    engine.habits(Habits(deployment_seconds=60))
    cut = engine.interrupted_up(images("v2"), deploying)
    assert cut.code != 0, cut.explain()
    leaves_alone(cut, "calm")
    engine.habits(PROMPT)
    final = succeeds(engine.up(images("v3")))
    leaves_alone(final, "calm")
    running = {
        text(task.inputs, "containerDefinitions") or ""
        for service in final.records
        for task in final.records
        if service.type == SERVICE and "_busy_" in service.logical
        if task.type == TASK and task.arn == text(service.inputs, "taskDefinition")
    }
    assert [(":v3" in definition) for definition in running] == [True], running
    assert succeeds(engine.up()).done == []
    ends(engine)


def test_services_wait_for_managed_instances_to_become_active(engine: Engine) -> None:
    engine.habits(Habits(refusals_until_active=1))
    outcome = succeeds(engine.up(stack({"calm": model("pool", "all")}, {"pool": managed_pool()})))
    refusals = [entry for entry in outcome.journal if entry.error]
    assert len(refusals) == 1, outcome.explain()
    assert "not in an ACTIVE state" in refusals[0].error
    ends(engine)
