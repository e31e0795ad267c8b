"""Contracts over every resource of a stack that uses every type of the plan."""

import json
from typing import Any

import pytest

from neuron_ecs.recording.graph import Resource
from tests.components.graphs import COMPONENT, ancestors, aws_resources, everything, graph_of
from tests.components.plans import EVERYTHING, TAGS
from tests.recorder import output_names


def _label(resource: Resource) -> str:
    return f"{resource.type.rpartition(':')[2]}-{resource.name}"


every_aws_resource = pytest.mark.parametrize("resource", aws_resources(everything()), ids=_label)


@every_aws_resource
def test_states_the_region_it_stands_in(resource: Resource) -> None:
    if resource.type.startswith("aws:iam/"):
        assert "region" not in resource.inputs
        return
    region = next(
        c.name for c in ancestors(everything(), resource) if c.type == f"{COMPONENT}Region"
    )
    assert resource.inputs.get("region") == region, (
        "the Region is not inherited from the parent: without it the resource lands in the "
        "provider's own Region"
    )


@every_aws_resource
def test_has_a_component_of_ours_as_parent(resource: Resource) -> None:
    parent = next(iter(ancestors(everything(), resource)), None)
    assert parent is not None and parent.type.startswith(COMPONENT)


@every_aws_resource
def test_carries_the_tags_of_the_stack(resource: Resource) -> None:
    if "tags" not in output_names(resource.type):
        return
    tags: dict[str, str] = resource.inputs["tags"]
    if resource.type == "aws:autoscaling/group:Group":
        listed: list[dict[str, Any]] = resource.inputs["tags"]
        tags = {t["key"]: t["value"] for t in listed}
    assert {**tags, **dict(TAGS)} == tags and "Name" in tags


@every_aws_resource
def test_is_found_under_the_home_provider(resource: Resource) -> None:
    assert resource.provider is None, "one provider serves all Regions; each costs hundreds of MB"


def test_every_component_registers_its_outputs() -> None:
    components = [r for r in everything().resources if not r.custom]
    assert components
    assert [c.name for c in components if c.outputs is None] == []


def test_preview_and_update_register_the_same_resources() -> None:
    preview = graph_of(EVERYTHING, preview=True)
    assert {r.urn for r in preview.resources} == {r.urn for r in everything().resources}, (
        "a resource made inside apply is missing from previews"
    )


def test_two_runs_register_the_same_graph() -> None:
    assert graph_of(EVERYTHING).as_json() == everything().as_json()


def test_nothing_carries_a_physical_name_but_what_text_refers_to() -> None:
    named = {r.type for r in aws_resources(everything()) if "name" in r.inputs}
    assert named == {"aws:cloudwatch/logGroup:LogGroup"}, (
        "an explicit name makes a replacement delete first, while others still use the old one"
    )


def test_the_outputs_tell_names_urls_commands_and_chips() -> None:
    outputs = everything().outputs
    west = outputs["regions"]["us-west-2"]
    assert set(west["clusters"]) == {"auto_scaling", "managed_instances"}
    assert set(west["services"]) == {"usw2_llama_d0-1", "usw2_llama_d2-3", "usw2_tuner_all"}
    assert {"usw2_nightly", "usw2_finetune"} <= set(west["task_definitions"])
    assert outputs["urls"]["llama"]["us-west-2"].startswith("https://")
    assert outputs["urls"]["llama"]["us-west-2"].endswith("/llama")
    assert set(outputs["run_commands"]) == {"nightly", "finetune"}
    inf2 = outputs["chips"]["us-west-2"]["inf2"]
    assert (inf2["used"], inf2["free"], inf2["devices_per_instance"]) == (4, [4, 5], 6), (
        "a job holds its devices only while it runs"
    )
    json.dumps(dict(outputs))
