"""`{region}` in the texts of a workload."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import Container, HealthCheck
from config.workloads import Sidecar, Workload
from planning import Plan
from planning.regional import in_region
from tests.planning.stacks import decide_on, groups, stack, work

REGIONS = ("us-east-1", "us-west-2")
WRITTEN = "a-{region}-{{region}}-{model}-{}"
SECRET = "arn:aws:secretsmanager:{region}:111122223333:secret:a-Ab12Cd"

# Each field that holds texts of the user's own, with a value that has the placeholder.
OF_CONTAINERS: dict[str, Any] = {
    "image": "111122223333.dkr.ecr.{region}.amazonaws.com/a:1",
    "command": ["/bin/serve", WRITTEN],
    "entry_point": [WRITTEN],
    "environment": {"A": WRITTEN},
    "secrets": {"B": SECRET},
    "registry_login": SECRET,
}
OF_WORKLOADS: dict[str, Any] = {
    "s3_read": ["s3://a-{region}/b/"],
    "s3_write": ["s3://a-{region}/c/"],
    "task_policies": ["arn:aws:iam::111122223333:policy/a-{region}"],
}
OF_CHECKS: dict[str, Any] = {
    "path": "/a-{region}-{{region}}-{model}",
    "command": ["CMD-SHELL", WRITTEN],
}
# Fields whose text is a name that is the same in every Region.
SAME = {
    "user",
    "capacity",
    "network_mode",
    "linux_capabilities",
    "neuron_devices",
    "drop_capabilities",
    "working_directory",
    "writable_paths",
    "shared_paths",
    "mounts",
    "ulimits",
    "starts_after",
    "log_mode",
}


def texts(model: Any) -> set[str]:
    """The fields of a model that a stack file fills with text."""
    return {name for name, info in model.model_fields.items() if "str" in str(info.annotation)}


def made() -> Plan:
    entry = OF_CONTAINERS | OF_WORKLOADS | {"health_check": OF_CHECKS}
    sidecars = {"s": {**OF_CONTAINERS, "port": 9000, "health_path": OF_CHECKS["path"]}}
    return decide_on(
        stack(
            regions={region: {} for region in REGIONS},
            capacity={"pool": groups()},
            models={"m": {**work(1, port=8080), **entry, "sidecars": sidecars}},
            traffic={"allow_from": ["10.0.0.0/8"]},
        )
    )


def test_every_field_with_text_is_among_those_below() -> None:
    assert texts(Container) - SAME == set(OF_CONTAINERS)
    assert texts(Workload) - SAME - {"sidecars"} == set(OF_CONTAINERS) | set(OF_WORKLOADS)
    assert texts(HealthCheck) == set(OF_CHECKS)
    assert texts(Sidecar) - texts(Container) - SAME == {"path", "health_path", "health_command"}


@pytest.mark.parametrize("region", REGIONS)
def test_every_text_of_a_workload_has_its_own_region(region: str) -> None:
    plan = made()
    (here,) = (r for r in plan.regions if r.name == region)
    (model,) = here.models
    right = f"a-{region}-{{region}}-{{model}}-{{}}"
    for definition in json.loads(model.services[0].task_definition.container_definitions):
        assert definition["image"] == f"111122223333.dkr.ecr.{region}.amazonaws.com/a:1"
        assert definition["command"] == ["/bin/serve", right]
        assert definition["entryPoint"] == [right]
        assert {"name": "A", "value": right} in definition["environment"]
        (secret,) = definition["secrets"]
        assert secret["valueFrom"] == SECRET.replace("{region}", region)
        login = definition["repositoryCredentials"]["credentialsParameter"]
        assert login == SECRET.replace("{region}", region)
        if definition["name"] == "m":
            assert definition["healthCheck"]["command"] == ["CMD-SHELL", right]
    assert len(model.target_groups) == 2
    for group in model.target_groups:
        assert group.health_path == f"/a-{region}-{{region}}-{{model}}"
    roles = str(plan.roles)
    assert f"policy/a-{region}" in roles
    assert f"s3:::a-{region}/b/" in roles


@given(st.text(alphabet="{}region ", max_size=30))
def test_only_the_placeholder_is_replaced(text: str) -> None:
    assert in_region(text, "{region}") == text.replace("{{region}}", "{region}")
    if "{region}" not in text:
        assert in_region(text, "us-west-2") == text


@pytest.mark.parametrize("container", ["m", "m-s"])
def test_tasks_know_their_region_unless_the_stack_file_says_another(container: str) -> None:
    def variables(**more: Any) -> dict[str, str]:
        sidecars = {"s": {"image": "s:1", **more}}
        plan = decide_on(
            stack(capacity={"pool": groups()}, models={"m": work(1, **more, sidecars=sidecars)})
        )
        task = plan.regions[0].models[0].services[0].task_definition
        (found,) = (d for d in json.loads(task.container_definitions) if d["name"] == container)
        return {v["name"]: v["value"] for v in found["environment"]}

    own = {"NEURON_PROCESS_TAG": "m/1"} if container == "m" else {}
    here = {"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "us-west-2"} | own
    assert variables() == here
    assert variables(environment={"AWS_REGION": "us-east-1"}) == here | {"AWS_REGION": "us-east-1"}
    left = {"AWS_REGION": "us-west-2"} | own
    assert variables(secrets={"AWS_DEFAULT_REGION": "/a/region"}) == left


@pytest.mark.parametrize(
    ("entry", "tag"),
    [({}, "m/1"), ({"environment": {"NEURON_PROCESS_TAG": "mine-{region}"}}, "mine-us-west-2"),
     ({"secrets": {"NEURON_PROCESS_TAG": "/a/tag"}}, None), ({"neuron_devices": 0}, None)],
    ids=["ours", "of the stack file", "a secret", "no devices"],
)  # fmt: skip
def test_neuron_monitor_tells_models_apart_by_a_tag(entry: dict[str, Any], tag: str | None) -> None:
    model = {**work(1, memory_mib=1024), **entry}
    plan = decide_on(stack(capacity={"pool": groups()}, models={"m": model}))
    task = plan.regions[0].models[0].services[0].task_definition
    (found,) = json.loads(task.container_definitions)
    variables = {v["name"]: v["value"] for v in found["environment"]}
    assert variables.get("NEURON_PROCESS_TAG") == tag
