"""AWS's two example task definitions beside ours: every difference has its reason, or fails."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from catalog import load
from neuron_ecs.stackfile import reading as stack_file
from planning import decide, plan

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"


def ours(example: str) -> dict[str, Any]:
    """Our task definition as RegisterTaskDefinition would get it."""
    read = stack_file.read(stack=None, file=ROOT / f"examples/{example}.yaml", directory=ROOT)
    made = decide(read.config, load(), project=read.project, stack=read.stack)
    task: plan.TaskDefinition = made.regions[0].models[0].services[0].task_definition
    found: dict[str, Any] = {
        "family": task.family,
        "requiresCompatibilities": [task.compatibility],
        "networkMode": task.network_mode,
        "executionRoleArn": task.execution_role,
        "taskRoleArn": task.task_role,
        "containerDefinitions": json.loads(task.container_definitions),
    }
    if task.cpu is not None:
        found["cpu"] = str(task.cpu)
    if task.memory is not None:
        found["memory"] = str(task.memory)
    if task.member_of:
        found["placementConstraints"] = [
            {"type": "memberOf", "expression": e} for e in task.member_of
        ]
    return found


def differences(theirs: Any, mine: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """Path to what AWS has and what we have; lists of ports and containers by what names them."""
    theirs, mine = _keyed(theirs), _keyed(mine)
    if isinstance(theirs, dict) and isinstance(mine, dict):
        left, right = cast("dict[str, Any]", theirs), cast("dict[str, Any]", mine)
        found: dict[str, tuple[Any, Any]] = {}
        for key in sorted({*left, *right}):
            below = f"{path}.{key}" if path else key
            if key in left and key in right:
                found |= differences(left[key], right[key], below)
            else:
                found[below] = (left.get(key), right.get(key))
        return found
    return {} if theirs == mine else {path: (theirs, mine)}


def _keyed(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    items = cast("list[Any]", value)
    for name in ("containerPort", "hostPath", "name", "expression"):
        if items and all(isinstance(i, dict) and name in i for i in items):
            return {str(i[name]): {k: v for k, v in i.items() if k != name} for i in items}
    return cast("Any", items)


BOTH = {
    "family": "the family carries project, stack, model, devices and pool, so that no two collide",
    "executionRoleArn": "the example's is a placeholder; the plan holds the key of a role",
    "taskRoleArn": "each model's code has a role of its own",
}
CONTAINER = {
    "logConfiguration": "the example writes no logs; we keep them",
    "stopTimeout": "a long answer ends before the container is killed",
    "environment": "the Region, which agents before 2026 do not set",
    "linuxParameters.initProcessEnabled": "an init process passes signals on and reaps children",
}

MANAGED: dict[str, str] = {
    **BOTH,
    "cpu": "8192 units are all of a trn1.2xlarge and leave the host nothing: 7168 fit",
    **{
        f"containerDefinitions.neuron-inference.{k}": r
        for k, r in CONTAINER.items()
        if "." not in k
    },
    "containerDefinitions.neuron-inference.linuxParameters": CONTAINER[
        "linuxParameters.initProcessEnabled"
    ],
    "containerDefinitions.neuron-inference.command": "the model id is a placeholder there",
    "containerDefinitions.neuron-inference.cpu": "all of the task's, since there is one container",
    "containerDefinitions.neuron-inference.memory": "all of the task's",
    "containerDefinitions.neuron-inference.portMappings.8080.hostPort": (
        "in awsvpc mode it equals the container port; ECS fills it in and would hand back a diff"
    ),
}

RESNET = "containerDefinitions.resnet50"
EC2: dict[str, str] = {
    **BOTH,
    **{f"{RESNET}.{k}": r for k, r in CONTAINER.items()},
    "networkMode": "bridge is what AWS's leaves unsaid on Linux",
    "cpu": "a share of the instance, so that what fits the devices fits the CPU as well",
    "memory": "a hard limit for the task, as the stack file writes it",
    f"{RESNET}.cpu": "0 is no reservation; ours is the task's",
    f"{RESNET}.memory": "a limit instead of a reservation",
    f"{RESNET}.memoryReservation": "a limit instead of a reservation",
    f"{RESNET}.entryPoint": (
        "9000 of the REST API is mapped nowhere there, 8501 is; the model has the name of its entry"
    ),
    f"{RESNET}.portMappings.80": "no process of the image listens on 80",
    f"{RESNET}.portMappings.8500.hostPort": "behind the bridge Docker chooses",
    f"{RESNET}.portMappings.8501.hostPort": "behind the bridge Docker chooses",
    f"{RESNET}.portMappings.20000": "the lock of device 0, which ECS does not track",
}


@pytest.mark.parametrize(
    ("example", "file", "reasons"),
    [
        ("vllm-managed-instances", "neuron_managed_instances.json", MANAGED),
        ("resnet50-inf1", "neuron_ec2.json", EC2),
    ],
    ids=["managed", "ec2"],
)
def test_every_difference_to_awss_example_has_a_reason(
    example: str, file: str, reasons: dict[str, str]
) -> None:
    theirs = json.loads((DATA / file).read_text(encoding="utf-8"))
    found = differences(theirs, ours(example))
    assert {p: v for p, v in found.items() if p not in reasons} == {}, "a difference without reason"
    assert set(reasons) <= set(found), "a reason without a difference"
