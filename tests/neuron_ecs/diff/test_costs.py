"""The class that a field declares is what the engine would do to a stack that runs.

The judge is the recorded graph of both sides and the provider's table of replacements.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from config.changes import Change, Cost, cost
from neuron_ecs.diff.costs import setting_classes
from neuron_ecs.diff.difference import Difference, put_together
from neuron_ecs.diff.resources import ResourceChange
from neuron_ecs.diff.sides import Sides
from neuron_ecs.diff.summary import verdict
from neuron_ecs.diff.text import render
from neuron_ecs.diff.unchanged import differing
from neuron_ecs.stackfile.reading import read
from tests.config.test_settings import models
from tests.neuron_ecs.diff.edits import VALUES, Edit, edits, values_of
from tests.neuron_ecs.diff.pairs import OTHER, compared, graph_of, plan_of, side
from tests.neuron_ecs.diff.test_laws import can_be_built
from tests.planning.fixtures_workloads import S3_FILES
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

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = sorted([*ROOT.glob("Pulumi.*.yaml"), *ROOT.glob("examples/*.yaml")])
IMAGE = "public.ecr.aws/acme/serving:{}"
OF_FIELDS = {"ND001", "ND002", "ND004", "ND006", "ND009"}
_KEEP_INSTANCES = (
    "aws:autoscaling/group:Group",
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ecs/capacityProvider:CapacityProvider",
)
_CALLED = ("TargetGroup", "Listener", "LoadBalancer", "Service")


# ---- what changes ------------------------------------------------------------------------------


def observed(found: Difference) -> Change:
    """The class of the change, from the resources and the refusals."""
    codes = {r.code for r in found.refusals} & OF_FIELDS
    if codes:
        return Change.REFUSED if "ND004" in codes else Change.TWO_STEPS
    kinds: dict[str, list[ResourceChange]] = defaultdict(list)
    for resource in found.real:
        kinds[resource.type.rpartition(":")[2]].append(resource)
    if not kinds:
        return Change.NOTHING

    def actions(kind: str) -> set[str]:
        return {r.action for r in kinds[kind]}

    def inputs(*of: str) -> set[str]:
        return {p.name for kind in of for r in kinds[kind] for p in r.properties}

    if any("replace" in actions(kind) for kind in _CALLED):
        return Change.REPLACED
    tasks = actions("TaskDefinition")
    if "replace" in tasks or any({"create", "delete"} <= actions(k) for k in _TASKS):
        return Change.ROLLING
    if any(name.startswith(_DEPLOYED) for name in inputs("Service")):
        return Change.ROLLING
    if any(name.startswith(_LAUNCHED) for name in inputs(*_LAUNCHING)):
        return Change.NEW_INSTANCES
    return Change.IN_PLACE


_TASKS = ("Service", "TaskDefinition")
_LAUNCHING = ("LaunchTemplate", "Group", "CapacityProvider")
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
_DEPLOYED = (
    "taskDefinition",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "volumeConfiguration",
)
_LAUNCHED = (
    "blockDeviceMappings",
    "capacityReservationSpecification",
    "imageId",
    "launchTemplate",
    "managedInstancesProvider.instanceLaunchTemplate",
    "userData",
    "vpcZoneIdentifiers",
)


def left_behind(found: Difference) -> set[str]:
    """What is deleted although instances that stay hold it: subnets, groups of theirs."""
    after = {r.urn: r for r in found.real}
    gone = {r.urn for r in found.real if r.action in ("delete", "replace")}
    return {
        urn
        for resource in found.base.graph or ()
        if resource["type"] in _KEEP_INSTANCES
        and not (resource["urn"] in after and after[resource["urn"]].action == "delete")
        for urns in resource["propertyDependencies"].values()
        for urn in urns
        if urn in gone
    }


def difference(before: Config, after: Config) -> Difference:
    """The difference of two stack files that can be built, of the parts that differ."""
    parts = differing(plan_of(before), plan_of(after))
    base, head = (
        replace(side(config), graph=graph_of(part), no_graph="")
        for part, config in ((parts.base, before), (parts.head, after))
    )
    return put_together(Sides(PROJECT, base, head))


# ---- the stacks --------------------------------------------------------------------------------


def serving(
    number: int = 1, capacity: str = "pool", devices: object = None, **more: object
) -> Entry:
    return work(devices, capacity, image=IMAGE.format(number), **more)


def network(*zones: str) -> Entry:
    private = {zone: f"subnet-0{number}" for number, zone in enumerate(zones)}
    return {"network": {"vpc_id": "vpc-0a", "private_subnets": private}}


ARN = "arn:aws:resource-groups:us-west-2:111122223333:group/a"
STACKS: dict[str, Config] = {
    "watched": stack(
        capacity={"pool": groups("inf2.24xlarge", 3)},
        models={"a": work(1, port=8080)},
        alarms={
            "emails": ["on-call@example.com"],
            "slack": {"workspace": "T0123ABCD", "channel": "C0123ABCD"},
        },
    ),
    "all": stack(
        capacity={
            "pool": groups("inf2.24xlarge", 3),
            "twin": groups("inf2.24xlarge", 2),
            "mi": managed("inf2.xlarge"),
        },
        models={
            "a": serving(
                devices=2,
                port=8080,
                sidecars={"s": {"image": IMAGE.format(3), "port": 9300, "path": "/s"}},
                health_check={"path": "/x"},
                replicas={"min": 1, "max": 2},
                mounts={"c": {"path": "/c"}, "e": {"path": "/e"}},
            ),
            "m": serving(
                capacity="mi", devices="all", port=8080, mounts={"e": "/e", "f": "/f", "g": "/g"}
            ),
        },
        jobs={"j": serving(devices=1, schedule={"expression": "rate(3 hours)"})},
        tags={"x": "y"},
        volumes={
            "c": {"kind": "host"},
            "d": {"kind": "host", "path": "/mnt/d"},
            "e": {"kind": "efs"},
            "f": {
                "kind": "ebs",
                "size_gib": 60,
                "iops": 5000,
                "snapshot_ids": {HOME: "snap-0a1b2c3d"},
            },
            "g": {
                "kind": "s3_files",
                "file_systems": {HOME: S3_FILES},
                "bucket": "s3://objects",
            },
        },
        traffic={"allow_from": ["10.0.0.0/8"]},
        shapes={
            "acme/tuned": {
                "model_type": "llama",
                "layers": 30,
                "hidden": 512,
                "heads": 16,
                "mlp": 4096,
                "vocabulary": 1000,
                "max_positions": 2048,
                "window": 64,
            },
            "acme/other": {"like": "Qwen/Qwen3-0.6B"},
        },
    ),
    "served": stack(
        volumes={"kept": {"kind": "host"}, "files": {"kind": "efs"}},
        shapes={"acme/own": {"like": "TinyLlama/TinyLlama-1.1B-Chat-v1.0"}},
        capacity={"pool": groups("inf2.24xlarge", 3), "compiling": groups("inf2.24xlarge", 1)},
        models={
            "a": {
                "capacity": "pool",
                "serve": {"model": "TinyLlama/TinyLlama-1.1B-Chat-v1.0", "max_model_len": 2048},
            },
            "b": {"capacity": "pool", "serve": {"model": "acme/own", "max_num_seqs": 2}},
            "c": {
                "capacity": "pool",
                "serve": {"model": "acme/own", "cache": "files", "compile": "ahead"},
            },
        },
    ),
    "regions": stack(
        regions={HOME: {"network": {"nat": "one"}}, OTHER: {}},
        capacity={
            "pool": groups("inf2.xlarge", 3, regions={HOME: {"max_size": 2}, OTHER: {}}),
            "twin": groups("inf2.xlarge", 3, regions=[HOME]),
        },
        models={
            "a": serving(
                devices=1, regions={HOME: {"replicas": {"min": 1}}, OTHER: {"capacity": "pool"}}
            ),
        },
    ),
    "jobs alone": stack(
        capacity={
            "pool": groups("trn1.32xlarge", 2, root_volume_gib=300),
            "mi": managed("trn1.2xlarge"),
        },
        jobs={
            "j": serving(devices=1, schedule={"expression": "rate(3 hours)"}),
            "m": serving(capacity="mi", devices="all"),
        },
    ),
    "existing network": stack(
        regions={HOME: network("usw2-az1", "usw2-az2", "usw2-az3")},
        capacity={"pool": groups("inf2.xlarge", 3), "mi": managed("inf2.xlarge", "inf2.8xlarge")},
        models={
            "a": serving(devices=1, port=8080),
            "b": serving(devices=1, network_mode="awsvpc", port=8080),
            "c": serving(capacity="mi", devices="all"),
        },
    ),
    "kept": stack(
        capacity={"pool": groups("inf2.24xlarge", 3)},
        models={"a": serving(devices=2, replicas=2)},
        layout={HOME: {"pool": {"a": {"1": {"devices": [4, 5], "replicas": 2}}}}},
    ),
    "reserved": stack(
        capacity={
            "pool": groups(
                "trn1.32xlarge",
                2,
                purchase="capacity_reservation",
                regions={HOME: {"reservation_id": "cr-0c"}},
                ami={"version": "recommended"},
            ),
            "group": groups(
                "inf2.xlarge",
                2,
                purchase="capacity_reservation",
                reservation_ids={HOME: "cr-0d"},
            ),
            "mi": managed(
                "trn1.2xlarge",
                purchase="reserved",
                regions={HOME: {"reservation_group_arn": ARN}},
                zone_ids=["usw2-az4"],
            ),
        },
        models={
            "a": serving(devices="all"),
            "b": serving(capacity="group", devices=1, health_check={"command": ["CMD", "true"]}),
            "m": serving(capacity="mi", devices="all"),
        },
    ),
}


def allowed(stated: Cost) -> set[Change]:
    """Every class that the field declares."""
    return {stated.change, *stated.also, *filter(None, (stated.added, stated.removed))}


def wrong(before: Config, edit: Edit) -> Iterator[str]:
    """What the field does not declare, in words."""
    stated = cost(edit.owner.model_fields[edit.field])
    found = difference(before, edit.config)
    seen = observed(found)
    if left_behind(found) and not {r.code for r in found.refusals} & OF_FIELDS:
        yield f"{edit.path} = {edit.value!r} deletes {sorted(left_behind(found))} under instances"
    if stated is None or seen is Change.NOTHING or seen in allowed(stated):
        return
    if Change.TWO_STEPS in allowed(stated) and seen is Change.IN_PLACE:
        return  # nothing runs on the pool: no service changes
    yield f"{edit.owner.__name__}.{edit.field}: {edit.path} = {edit.value!r} is {seen}"


def some_of(stacks: Iterable[Config], seed: int) -> Iterator[tuple[Config, Edit]]:
    """An edit of each field that can be built, of a small stack; other ones for another seed."""
    by_field: dict[str, list[tuple[Config, Edit]]] = defaultdict(list)
    for before in stacks:
        for edit in edits(before):
            by_field[f"{edit.owner.__name__}.{edit.field}"].append((before, edit))
    for name, found in by_field.items():
        random.Random(f"{seed} {name}").shuffle(found)
        found.sort(key=lambda one: sum(map(len, one[0].values())))
        yield from islice(((b, e) for b, e in found if can_be_built(e.config)), 1)


def test_every_field_with_a_cost_has_values_to_write() -> None:
    names = set(VALUES)
    missing = sorted(
        f"{model.__name__}.{name}"
        for model in models()
        for name, field in model.model_fields.items()
        if cost(field) and not names & {name, *(f"{m.__name__}.{name}" for m in model.__mro__)}
    )
    assert not missing, (
        f"{missing}: nothing compares their costs with the resources that change: add values of "
        "the field to VALUES in tests/neuron_ecs/diff/edits.py"
    )
    alone = sorted(
        f"{model.__name__}.{name}"
        for model in models()
        for name, field in model.model_fields.items()
        if cost(field) and values_of(model, name) == [field.default]
    )
    assert not alone, f"{alone}: VALUES has the default alone: add another value"


UNLIKE_ITS_COST = "declare the class that is seen, in json_schema_extra of the field in config/"


def test_a_field_declares_what_its_change_does() -> None:
    """One change of each field; the search below makes every change."""
    pools = ((b, e) for b, e in some_of([STACKS["jobs alone"]], 1) if e.path[0] == "capacity")
    found = (*some_of(STACKS.values(), 1), *pools)
    faults = [fault for before, edit in found for fault in wrong(before, edit)]
    assert faults == [], UNLIKE_ITS_COST


@pytest.mark.search
@pytest.mark.parametrize("name", STACKS)
def test_every_field_declares_what_each_of_its_changes_does(name: str) -> None:
    before = STACKS[name]
    found = [edit for edit in edits(before) if can_be_built(edit.config)]
    assert [f for edit in found for f in wrong(before, edit)] == []


@pytest.mark.search
@pytest.mark.parametrize("file", SHIPPED, ids=lambda f: f.name)
def test_a_field_of_a_shipped_stack_file_declares_what_its_change_does(file: Path) -> None:
    before = read(stack=None, file=file, directory=ROOT).config
    assert [f for _, edit in some_of([before], 2) for f in wrong(before, edit)] == []


# ---- what is printed ---------------------------------------------------------------------------


def lines(before: Config, after: Config) -> str:
    return "\n".join(render(compared(before, after, graph=True), width=0))


def test_zones_that_go_from_under_instances_are_no_change_that_spares_the_models() -> None:
    before = read(stack=None, file=ROOT / "Pulumi.dev.yaml", directory=ROOT).config
    after = changed(before, "capacity.inf2", zone_ids=["usw2-az1"])
    found = compared(before, after, graph=True)
    assert found.failed
    assert "capacity.inf2.zone_ids leaves usw2-az2 and usw2-az3" in verdict(found)
    assert 'capacity.inf2.zone_ids: none → ["usw2-az1"] (two steps)' in lines(before, after)


def test_the_verdict_says_that_files_are_lost_with_their_file_system() -> None:
    before = STACKS["all"]
    arn = "arn:aws:kms:us-west-2:111122223333:key/0a1b"
    keyed = before | stack(security={"kms_keys": {HOME: arn}})
    entry = serving(capacity="mi", devices="all", port=8080)
    unmounted = changed(changed(before, "models", m=entry), "models.a", mounts={})
    for after in (keyed, unmounted):
        assert "; all files of usw2_files_e are deleted" in verdict(
            compared(before, after, graph=True)
        )


def test_each_changed_setting_has_its_class() -> None:
    before = STACKS["all"]
    after = changed(before, "capacity.pool", root_volume_gib=300)
    after = changed(after, "models.a", image=IMAGE.format(2), health_check={"retries": 4})
    after = changed(after, "jobs.j", image=IMAGE.format(2), log_retention_days=7)
    after = changed(after, "traffic", certificate_arns={}) | {"aws:profile": "mine"}
    told = {
        (".".join(found.path), change) for found, change in setting_classes(compared(before, after))
    }
    assert told == {
        ("capacity.pool.root_volume_gib", Change.NEW_INSTANCES),
        ("models.a.health_check.path", Change.IN_PLACE),
        ("models.a.health_check.retries", Change.IN_PLACE),
        ("models.a.image", Change.ROLLING),
        ("jobs.j.image", Change.ROLLING),
        ("jobs.j.log_retention_days", Change.IN_PLACE),
        ("traffic.certificate_arns", Change.IN_PLACE),
        ("aws:profile", None),
    }
    assert f"jobs.j.image: {IMAGE.format(1)} → {IMAGE.format(2)} (from the next run on)" in lines(
        before, after
    )


def test_the_instances_of_a_job_are_others_from_its_next_run_on() -> None:
    before = STACKS["jobs alone"]
    shell = {"session_manager": True}
    used = lines(before, changed(before, "capacity.pool", **shell))
    assert "capacity.pool.session_manager: none → true (from the next run on)" in used
    pools = {"pool": groups("trn1.32xlarge", 2), "other": groups("trn1.32xlarge", 1)}
    before |= stack(capacity={**pools, "mi": managed("trn1.2xlarge")})
    unused = lines(before, changed(before, "capacity.other", **shell))
    assert "capacity.other.session_manager: none → true (in place)" in unused


def test_the_verdict_names_what_only_new_instances_have_and_what_restarts() -> None:
    before = STACKS["existing network"]
    disk = compared(before, changed(before, "capacity.pool", root_volume_gib=300), graph=True)
    assert verdict(disk).startswith(
        "No model changed, new instances only (capacity.pool.root_volume_gib)"
    )
    zones = compared(before, changed(before, "capacity.mi", zone_ids=["usw2-az1"]), graph=True)
    assert verdict(zones).startswith("1 model restarted (c)")
