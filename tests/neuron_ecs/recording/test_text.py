"""The preview reads on a screen, hides nothing in its JSON, and is the same in every run."""

import json
from pathlib import Path

import pytest

from neuron_ecs.recording.graph import short_type, to_json
from neuron_ecs.recording.program import recorded
from neuron_ecs.recording.text import render
from neuron_ecs.terminal import spans
from tests.recorder import record_program

PROGRAM = """
import pulumi
import pulumi_aws as aws


class Region(pulumi.ComponentResource):
    def __init__(self, region):
        super().__init__("neuron-ecs:region:Region", region)
        child = pulumi.ResourceOptions(parent=self)
        vpc = aws.ec2.Vpc(f"{region}-vpc", region=region, cidr_block="10.0.0.0/16", opts=child)
        for zone in ("az1", "az2", "az3", "az4", "az5", "az6"):
            subnet = aws.ec2.Subnet(
                f"{region}-{zone}",
                region=region,
                vpc_id=vpc.id,
                cidr_block="10.0.1.0/24",
                availability_zone_id=zone,
                opts=child,
            )
            aws.ec2.Route(
                f"{region}-{zone}-out",
                region=region,
                route_table_id="rtb-1",
                gateway_id="igw-1",
                opts=child,
            )
        task = aws.ecs.TaskDefinition(
            f"{region}-task", region=region, family="llama", container_definitions="[]", opts=child
        )
        aws.ecs.Service(
            f"{region}-service",
            region=region,
            desired_count=0,
            task_definition=task.arn,
            opts=child,
        )
        self.register_outputs({})


aws.iam.Role("task", assume_role_policy="{}")
Region("us-west-2")
Region("us-east-2")
pulumi.export("urls", {"llama": {"us-west-2": "http://a", "us-east-2": "http://b"}})
pulumi.log.warn("take care")
"""


def lines(*, width: int = 100, show_all: bool = False, program: str = PROGRAM) -> list[str]:
    return list(render(record_program(program), width=width, show_all=show_all))


def find(text: list[str], *words: str) -> str:
    found = [line for line in text if line.split()[: len(words)] == list(words)]
    assert len(found) == 1, f"{words} stand {len(found)} times in:\n" + "\n".join(text)
    return " ".join(found[0].split())


def test_the_first_line_counts() -> None:
    assert lines()[0] == "neuron-ecs/test: 31 resources in 2 components"


def test_chips_stand_above_the_tree() -> None:
    chips = {
        "us-west-2": {
            "inf2": {
                "instance_type": "inf2.24xlarge",
                "instances_min": 1,
                "instances_max": 2,
                "slots": [{"devices": [0, 1], "workloads": ["llama"]}],
                "free": [2, 3, 5],
            }
        }
    }
    text = lines(program=f"import pulumi\npulumi.export('chips', {chips!r})")
    assert text[2].split() == ["Region", "pool", "instances", "devices"]
    assert " ".join(text[3].split()) == (
        "us-west-2 inf2 1 to 2 inf2.24xlarge llama 0-1; free 2-3, 5"
    )


def test_key_types_show_their_telling_inputs() -> None:
    text = lines()
    assert find(text, "ec2.Vpc") == "ec2.Vpc 10.0.0.0/16"
    assert find(text, "ecs.Service") == "ecs.Service tasks 0 of llama:1"


def test_children_stand_below_their_component() -> None:
    text = lines()
    component = next(i for i, line in enumerate(text) if line.split() == ["Region", "us-west-2"])
    assert text[component + 1].startswith("  ec2.Vpc ")


def test_what_is_told_stands_in_one_column() -> None:
    text = lines()
    columns = {line.index(t) for line in text for t in ("10.0.0.0/16", "tasks 0") if t in line}
    assert len(columns) == 1


def test_subordinate_resources_and_long_rows_of_siblings_are_counted() -> None:
    text = lines()
    assert find(text, "and") == "and 6 ec2.Route"
    assert find(text, "6", "ec2.Subnet").startswith("6 ec2.Subnet 10.0.1.0/24 in az1, 10.0.1.0/24")


def test_a_component_like_one_before_it_is_one_line() -> None:
    text = lines()
    assert find(text, "Region", "us-east-2:").endswith("us-east-2: 15 resources, as in us-west-2")
    assert not any("us-east-2-vpc" in line for line in text)


def test_all_shows_every_resource() -> None:
    recording = record_program(PROGRAM)
    text = list(render(recording, width=0, show_all=True))
    for resource in recording.resources:
        kind = short_type(resource.type) if resource.custom else resource.type.split(":")[-1]
        assert any(line.split()[:2] == [kind, resource.name] for line in text), resource.urn


def test_all_counts_resources_by_region_and_type() -> None:
    text = [" ".join(line.split()) for line in lines(width=0, show_all=True)]
    counts = "1 ec2.Vpc, 1 ecs.Service, 1 ecs.TaskDefinition, 6 ec2.Route, 6 ec2.Subnet"
    expected = ", ".join(sorted(counts.split(", "), key=lambda c: c.split()[1]))
    assert f"us-west-2 15 {expected}" in text
    assert "global 1 1 iam.Role" in text


def test_messages_and_then_endpoints_come_last() -> None:
    assert lines()[-5:] == [
        "warning: take care",
        "",
        "Endpoints",
        "  llama  us-east-2  http://b",
        "  llama  us-west-2  http://a",
    ]


def test_no_endpoints_no_heading() -> None:
    assert "Endpoints" not in lines(program="import pulumi_aws as aws\naws.ecs.Cluster('one')")


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("show_all", [False, True])
def test_no_line_of_the_tree_or_the_counts_is_wider_than_the_screen(
    width: int, show_all: bool
) -> None:
    text = lines(width=width, show_all=show_all)
    assert max(map(len, text[: text.index("Endpoints")])) <= width


def write(tmp_path: Path, *, as_json: bool, program: str = PROGRAM) -> str:
    path = tmp_path / "__main__.py"
    path.write_text(program)
    recording = recorded(path, "neuron-ecs", "test", {"aws:region": "us-west-2"})
    return to_json(recording) if as_json else "\n".join(render(recording, width=100))


def test_json_has_every_resource_sorted_by_urn(tmp_path: Path) -> None:
    graph = json.loads(write(tmp_path, as_json=True))
    assert (graph["version"], graph["project"], graph["stack"]) == (1, "neuron-ecs", "test")
    urns = [resource["urn"] for resource in graph["resources"]]
    assert len(urns) == 33
    assert urns == sorted(urns)
    assert set(graph["resources"][0]) == {
        "urn",
        "type",
        "name",
        "parent",
        "provider",
        "dependencies",
        "propertyDependencies",
        "options",
        "inputs",
    }
    assert graph["outputs"]["urls"]["llama"]["us-west-2"] == "http://a"


@pytest.mark.parametrize("as_json", [True, False])
def test_two_runs_write_the_same(tmp_path: Path, as_json: bool) -> None:
    assert write(tmp_path, as_json=as_json) == write(tmp_path, as_json=as_json)


def test_siblings_stand_in_the_order_of_the_program_whichever_is_registered_first() -> None:
    program = """
import pulumi
import pulumi_aws as aws

vpc = aws.ec2.Vpc("vpc", region="us-west-2", cidr_block="10.0.0.0/16")
for name, cidr, after in (("second", "10.1.0.0/16", [vpc]), ("third", "10.2.0.0/16", [])):
    aws.ec2.Vpc(
        name, region="us-west-2", cidr_block=cidr, opts=pulumi.ResourceOptions(depends_on=after)
    )
"""
    registered = [r.name for r in record_program(program).resources]
    assert registered == ["vpc", "third", "second"]
    (row,) = (line for line in lines(program=program) if "10.1" in line)
    assert "10.0.0.0/16, 10.1.0.0/16, 10.2.0.0/16" in row


def test_what_the_program_raises_comes_out_as_itself(tmp_path: Path) -> None:
    path = tmp_path / "__main__.py"
    path.write_text("raise LookupError('no such instance type')")
    with pytest.raises(LookupError, match="no such instance type"):
        recorded(path, "neuron-ecs", "test", {})


def test_devices_are_told_as_runs() -> None:
    assert spans([0, 1, 2, 6]) == "0-2, 6"
    assert spans([]) == ""
