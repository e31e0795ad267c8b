"""What the comparison of two graphs says of single resources."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import catalog
from neuron_ecs.diff.resources import ResourceChange, apply, compare, whole
from neuron_ecs.recording.plans import record_plan
from neuron_ecs.stackfile.reading import read
from planning import decide
from planning.document import Json
from tests.engine.provider.diffs import change
from tests.engine.provider.rows import KINDS
from tests.neuron_ecs.diff.pairs import resource
from tests.planning.stacks import PROJECT, STACK

ROOT = Path(__file__).resolve().parents[3]
SERVICE = "aws:ecs/service:Service"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
LASTING = re.compile(
    "https://github.com/hashicorp/terraform-provider-aws/"
    r"(blob/[0-9a-f]{40}/internal/\S+\.go|pull/\d+/files)$"
)


def changes(base: list[dict[str, Json]], head: list[dict[str, Json]]) -> tuple[ResourceChange, ...]:
    found = compare(base, head, catalog.load(), project=PROJECT, stack=STACK)
    assert apply(base, found) == {r["urn"]: whole(r) for r in head}
    return found


def effects(change: ResourceChange) -> Mapping[str, str]:
    return {p.name: p.effect for p in change.properties}


def test_a_property_that_the_provider_cannot_change_replaces_and_says_which() -> None:
    before = resource("a", TASK, family="x", cpu="256")
    after = resource("a", TASK, family="x", cpu="512")
    (found,) = changes([before], [after])
    assert found.action == "replace"
    (forced,) = [p for p in found.properties if p.effect == "replace"]
    assert forced.name == "cpu"
    assert forced.source.startswith("https://")


def test_a_property_without_a_row_is_said_to_be_unknown() -> None:
    (found,) = changes([resource(newest=1)], [resource(newest=2)])
    assert (found.action, effects(found)) == ("update", {"newest": "unknown"})
    assert [p.name for p in found.properties if p.effect == "unknown"] == ["newest"]


def test_a_service_follows_the_task_definition_that_is_replaced() -> None:
    def graph(cpu: str) -> list[dict[str, Json]]:
        task = resource("t", TASK, cpu=cpu)
        service = resource(
            "s", SERVICE, uses={"taskDefinition": [task["urn"]]}, taskDefinition="arn:t:1"
        )
        return [task, service]

    found = {c.name: c for c in changes(graph("1"), graph("2"))}
    assert found["t"].action == "replace"
    assert found["s"].action == "update", "a new revision is a new deployment, not a new service"
    assert found["s"].properties[0].follows.endswith("::t")


def test_a_group_follows_the_new_version_of_its_launch_template() -> None:
    def graph(disk: int) -> list[dict[str, Json]]:
        template = resource("t", TEMPLATE, instanceType="x", imageId=f"ami-{disk}")
        uses = {"launchTemplate": [template["urn"]]}
        version = {"id": "t_id", "version": "1"}
        group = resource("g", "aws:autoscaling/group:Group", uses=uses, launchTemplate=version)
        return [template, group]

    found = {c.name: (c.action, effects(c)) for c in changes(graph(1), graph(2))}
    assert found["t"] == ("update", {"imageId": "update"})
    assert found["g"] == ("update", {"launchTemplate.version": "update"})


def test_what_the_program_ignores_calls_nobody() -> None:
    options: dict[str, Json] = {"ignore_changes": ["desiredCount"]}
    before, after = (
        resource("s", SERVICE, options=options, desiredCount=number) for number in (1, 2)
    )
    (found,) = changes([before], [after])
    assert (found.action, effects(found)) == ("engine_only", {"desiredCount": "ignored"})


def test_a_change_of_options_is_the_engines_alone() -> None:
    (found,) = changes([resource()], [resource(options={"protect": True})])
    assert (found.action, effects(found)) == ("engine_only", {"options.protect": "engine_only"})


@pytest.mark.parametrize("spec", [{"name": "old"}, "urn"], ids=["by name", "by URN"])
def test_a_rename_with_an_alias_keeps_the_resource_and_its_made_up_names(spec: Any) -> None:
    def graph(name: str, **more: Any) -> list[dict[str, Json]]:
        cluster = resource(name, **more)
        digest = hashlib.sha256(cluster["urn"].encode()).hexdigest()[:7]
        user = resource(
            "s", SERVICE, uses={"cluster": [cluster["urn"]]}, cluster=f"{name}-{digest}"
        )
        return [cluster, user]

    base = graph("old")
    alias = base[0]["urn"] if spec == "urn" else spec
    head = graph("new", options={"aliases": [alias]})
    found = compare(base, head, catalog.load(), project=PROJECT, stack=STACK)
    renamed = [c for c in found if c.renamed]
    assert [(c.name, c.base_urn) for c in renamed] == [("new", base[0]["urn"])]
    assert {c.action for c in found} == {"engine_only"}, "no call: the physical name stays"


def test_without_an_alias_a_rename_is_a_new_resource_and_an_old_one() -> None:
    found = changes([resource("old")], [resource("new")])
    assert sorted((c.action, c.name) for c in found) == [("create", "new"), ("delete", "old")]


def test_the_coming_of_a_block_replaces_where_the_table_says_so() -> None:
    kind = "aws:ecs/capacityProvider:CapacityProvider"
    arn = {"autoScalingGroupArn": "arn:1", "managedDraining": "ENABLED"}
    other = {**arn, "managedDraining": "DISABLED"}
    moved = {**arn, "autoScalingGroupArn": "arn:2"}
    actions = [
        changes([resource("p", kind, autoScalingGroupProvider=arn)], [after])
        for after in (
            resource("p", kind, autoScalingGroupProvider=other),
            resource("p", kind, autoScalingGroupProvider=moved),
            resource("p", kind, managedInstancesProvider={}),
        )
    ]
    assert [found[0].action for found in actions] == ["update", "replace", "replace"]


def test_a_rule_of_a_group_is_replaced_where_its_source_becomes_one_of_another_kind() -> None:
    kind = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    before = resource("r", kind, cidrIpv4="10.0.0.0/16")
    heads = (
        resource("r", kind, cidrIpv4="10.1.0.0/16"),
        resource("r", kind, referencedSecurityGroupId="sg-1"),
    )
    assert [changes([before], [head])[0].action for head in heads] == ["update", "replace"]


def test_the_table_agrees_with_what_the_stand_in_of_the_provider_does() -> None:
    known = catalog.load()
    for token, kind in KINDS.items():
        rows = known.resources.replacements(token)
        for name in kind.fixed if rows else ():
            assert rows[name].replaces == "always", f"{token} {name}"
        for name, row in rows.items():
            if kind.in_place is not None and name not in {"region"}:
                assert (row.replaces == "never") == (name in kind.in_place), f"{token} {name}"
        coming = {name for name, row in rows.items() if row.replaces == "added_or_removed"}
        assert coming >= (set(kind.comes_or_goes) & rows.keys()), token
        for name in coming:
            assert change(token, {}, {name: "x"}).replaces == (name,), f"{token} {name}"
        for name, row in rows.items():
            assert LASTING.match(row.source), f"{token} {name}: a branch moves on"


@pytest.mark.parametrize("file", ["Pulumi.prod.yaml", "tests/contract/corners.yaml"])
def test_of_everything_that_the_program_registers_the_table_knows_every_input(file: str) -> None:
    given_file = read(stack="prod", file=ROOT / file, directory=ROOT)
    known = catalog.load()
    plan = decide(given_file.config, known, project=given_file.project, stack="prod")
    unknown = {
        f"{r['type']} {name}"
        for r in record_plan(plan)
        if r["type"].startswith("aws:")
        for name in r["inputs"].keys() - known.resources.replacements(r["type"]).keys()
    }
    assert unknown == set(), "a row in catalog/data/replacements.csv, with its source"
