"""The graph of every stack file lives in the stand-in's account, and would not with a mistake."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from components import build
from neuron_ecs.recording.engine import record
from neuron_ecs.recording.graph import Recording, Resource, short_type
from neuron_ecs.stackfile import reading
from tests.contract.graphs import EVERY_FILE, graph
from tests.engine.harness import REPOSITORY
from tests.engine.test_lives import EVERYTHING
from tests.engine.without_cli import life, lives
from tests.neuron_ecs.diff.pairs import compared, plan_of
from tests.neuron_ecs.diff.test_costs import STACKS, some_of
from tests.planning.fixtures_blocks import DAY, NEXT, blocked
from tests.planning.stacks import Config, Entry, groups, managed, stack, work
from tests.recorder import PROJECT, record_program

SEEDS = range(5)
TOY = Path(__file__).parent / "toy"


@pytest.mark.parametrize("file", EVERY_FILE)
def test_a_recorded_graph_comes_and_goes_in_any_order(file: str) -> None:
    for seed in SEEDS:
        assert life(graph(file), seed) == [], f"{file}, seed {seed}"


def test_one_of_everything_comes_and_goes_in_any_order(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.life.yaml"
    file.write_text(EVERYTHING, encoding="utf-8")
    given = reading.read(stack=None, file=file, directory=REPOSITORY)
    recording = record_program(REPOSITORY, config=given.config, project=PROJECT, stack="life")
    for seed in SEEDS:
        assert life(recording, seed) == [], f"seed {seed}"


Mistake = Callable[[Resource], Resource | None]
"""The resource with a mistake, or None to leave it out."""


def with_mistake(recording: Recording, mistake: Mistake) -> Recording:
    """The graph with a mistake; what is left out is not waited for."""
    changed = [(r, mistake(r)) for r in recording.resources]
    assert any(old != new for old, new in changed), "the mistake changes nothing"
    gone = {old.urn for old, new in changed if new is None}
    return replace(
        recording, resources=tuple(_not_waiting(new, gone) for _, new in changed if new is not None)
    )


def _not_waiting(resource: Resource, gone: set[str]) -> Resource:
    return replace(
        resource,
        dependencies=tuple(urn for urn in resource.dependencies if urn not in gone),
        property_dependencies={
            key: tuple(urn for urn in urns if urn not in gone)
            for key, urns in resource.property_dependencies.items()
        },
    )


def changing(type_: str, **inputs: object) -> Mistake:
    """Sets inputs of every resource of a type."""

    def mistake(resource: Resource) -> Resource | None:
        if short_type(resource.type) != type_:
            return resource
        return replace(resource, inputs={**resource.inputs, **inputs})

    return mistake


def leaving_out(type_: str) -> Mistake:
    """Leaves out every resource of a type."""
    return lambda resource: None if short_type(resource.type) == type_ else resource


def waiting_for_nothing_of(type_: str) -> Mistake:
    """Takes `depends_on` of resources of a type away; what properties name stays."""

    def mistake(resource: Resource) -> Resource | None:
        named = {urn for urns in resource.property_dependencies.values() for urn in urns}
        kept = tuple(
            urn for urn in resource.dependencies if urn in named or f"{type_}::" not in urn
        )
        return replace(resource, dependencies=kept)

    return mistake


def trusted_by(principal: str) -> Mistake:
    """Lets another service assume every role."""
    statement = {
        "Action": "sts:AssumeRole",
        "Effect": "Allow",
        "Principal": {"Service": principal},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return changing("iam.Role", assumeRolePolicy=policy)


MISTAKES: dict[str, tuple[str, Mistake, str | tuple[str, str]]] = {
    "no route": ("Pulumi.dev.yaml", leaving_out("ec2.Route"), "has no way to ECS"),
    "no policy on any role": (
        "Pulumi.dev.yaml",
        leaving_out("iam.RolePolicyAttachment"),
        "has no policy",
    ),
    "nothing gets out": (
        "Pulumi.dev.yaml",
        leaving_out("vpc.SecurityGroupEgressRule"),
        "lets nothing out",
    ),
    "providers that are not listed": (
        "Pulumi.dev.yaml",
        leaving_out("ecs.ClusterCapacityProviders"),
        "not associated with cluster",
    ),
    "target groups without a rule": (
        "Pulumi.dev.yaml",
        leaving_out("lb.ListenerRule"),
        "does not have an associated load balancer",
    ),
    "roles that only the scheduler may assume": (
        "Pulumi.prod.yaml",
        trusted_by("scheduler.amazonaws.com"),
        "unable to assume the role",
    ),
    "roles that only tasks may assume": (
        "Pulumi.prod.yaml",
        trusted_by("ecs-tasks.amazonaws.com"),
        "assume the role",
    ),
    "a VPC without names for its endpoints": (
        "examples/no-internet.yaml",
        changing("ec2.Vpc", enableDnsHostnames=False),
        "enableDnsHostnames",
    ),
    "a VPC without DNS": (
        "examples/no-internet.yaml",
        changing("ec2.Vpc", enableDnsSupport=False),
        "enableDnsSupport",
    ),
    "blocks outside their VPC": (
        "Pulumi.dev.yaml",
        changing("ec2.Subnet", cidrBlock="192.168.0.0/24"),
        "InvalidSubnet",
    ),
    "groups that cannot be protected": (
        "Pulumi.dev.yaml",
        changing("autoscaling.Group", protectFromScaleIn=False),
        "termination protection",
    ),
    "pools that do not wait for the route": (
        "Pulumi.dev.yaml",
        waiting_for_nothing_of("aws:ec2/route:Route"),
        ("has no way to ECS", "instances reach ECS by it"),
    ),
    "services that do not wait for the list of providers": (
        "Pulumi.dev.yaml",
        waiting_for_nothing_of("ClusterCapacityProviders"),
        ("not associated with cluster", "its provider is on no cluster without the list"),
    ),
    "services that do not wait for their rule": (
        "Pulumi.dev.yaml",
        waiting_for_nothing_of("ListenerRule"),
        ("does not have an associated load balancer", "without a load balancer is refused"),
    ),
    "tasks that do not wait for their policies": (
        "Pulumi.prod.yaml",
        waiting_for_nothing_of("RolePolicy"),
        ("has no policy", "tasks start with"),
    ),
    "tasks that do not wait for their log group": (
        "Pulumi.dev.yaml",
        waiting_for_nothing_of("LogGroup"),
        ("log group does not exist", "do not start without their log group"),
    ),
}


@pytest.mark.parametrize(("file", "mistake", "because"), MISTAKES.values(), ids=MISTAKES)
def test_a_graph_with_a_mistake_is_refused(
    file: str, mistake: Mistake, because: str | tuple[str, str]
) -> None:
    """An order in which it happens to work shows as a need that the program does not state."""
    wrong = with_mistake(graph(file), mistake)
    reasons = (because,) if isinstance(because, str) else because
    for seed in SEEDS:
        refusals = life(wrong, seed)
        assert refusals, f"the mistake is accepted with seed {seed}"
        assert any(reason in refusal for refusal in refusals for reason in reasons), refusals


def test_what_works_by_luck_is_found_in_every_order() -> None:
    settings = {"image": "example:1", "pools": '["a"]', "home": "a"}
    config = {f"toy:{key}": value for key, value in settings.items()}
    careful = record_program(TOY, config=config, project="toy")
    forgetful = record_program(TOY, config={**config, "toy:forgetful": "true"}, project="toy")
    for seed in SEEDS:
        assert life(careful, seed) == []
        assert life(forgetful, seed) != []


# ---- updates ----------------------------------------------------------------------------------


def recorded(config: Config) -> Recording:
    plan = plan_of(config)
    return record(
        partial(build, plan),
        project=plan.project,
        stack=plan.stack,
        config={"aws:region": plan.home_region},
    )


def on_pools(**entry: Any) -> Config:
    """One model beside another, and pools of both kinds that it may move to."""
    pools: Entry = {name: groups("inf2.24xlarge", 2) for name in ("pool", "twin")}
    written: Entry = {"devices": 1, **entry}
    models = {"a": work(**written), "b": work(1)}
    return stack(capacity={**pools, "managed": managed("inf2.xlarge")}, models=models)


CALLED: Entry = {"port": 8080, "discovery": "cloud_map"}
MANAGED: Entry = {"capacity": "managed", "devices": "all"}
CHANGES: dict[str, tuple[Config, Config]] = {
    "a name stays when its model moves": (
        on_pools(**CALLED),
        on_pools(**CALLED, capacity="twin"),
    ),
    "a name moves to the other kind": (
        on_pools(**CALLED, network_mode="awsvpc"),
        on_pools(**CALLED, **MANAGED, network_mode="awsvpc"),
    ),
    "a name gets another record": (on_pools(**CALLED), on_pools(**CALLED, **MANAGED)),
    "a group is replaced": (on_pools(port=8080), on_pools(port=8080, network_mode="awsvpc")),
    "a block gets another size": (blocked(DAY), blocked(DAY, max_size=2)),
    "a block begins when the other was drained": (
        blocked(DAY),
        blocked({"id": "cr-0b", "start": "2026-12-02T10:45:00Z", "end": "2026-12-03T11:30:00Z"}),
    ),
    "a block follows another": (blocked(DAY), blocked(NEXT)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_lives_there_and_back_in_any_order(what: str) -> None:
    before, after = (recorded(config) for config in CHANGES[what])
    for seed in SEEDS:
        assert lives([before, after, before], seed) == [], f"seed {seed}"


@pytest.mark.search
@pytest.mark.parametrize("name", STACKS)
def test_every_change_of_a_field_lives_unless_diff_refuses_it(name: str) -> None:
    before = recorded(STACKS[name])
    for seed in range(2):
        for config, edit in some_of([STACKS[name]], seed):
            if not compared(config, edit.config).refusals:
                left = lives([before, recorded(edit.config)], seed)
                assert left == [], f"{'.'.join(edit.path)} = {edit.value!r}"
