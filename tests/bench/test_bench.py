"""The stack that is measured can be planned, and the replay is what it claims to be."""

import json
from pathlib import Path

import pytest

import catalog
from neuron_ecs.stackfile.reading import StackFile, read
from planning import Plan, decide
from planning.layout import arrange
from planning.sharing import enough_instances
from tests.bench import stack
from tests.bench.capture import capture
from tests.bench.replay import graph, replay
from tests.pace import least

PROJECT_FILE = "name: neuron-ecs\nruntime: python\n"


def _read(folder: Path, document: stack.Entry) -> StackFile:
    (folder / "Pulumi.yaml").write_text(PROJECT_FILE)
    file = folder / "Pulumi.bench.yaml"
    file.write_text(stack.text(document))
    return read(stack=None, file=file, directory=folder)


def _plan(folder: Path, *, distinct: bool) -> Plan:
    file = _read(folder, stack.document(distinct=distinct))
    return decide(file.config, catalog.load(), project=file.project, stack=file.stack)


@pytest.mark.parametrize("distinct", [False, True], ids=["shared", "distinct"])
def test_the_measured_stack_has_twenty_models_in_each_of_sixteen_regions(
    tmp_path: Path, distinct: bool
) -> None:
    plan = _plan(tmp_path, distinct=distinct)
    models = {region.name: len(region.models) for region in plan.regions}
    assert models.pop(stack.CPU_REGION) == 1
    assert len(models) == 16
    assert set(models.values()) == {stack.MODELS}
    assert len({p.name for r in plan.regions for p in r.pools}) == 8
    assert sum(len(r.jobs) for r in plan.regions) > 32


def test_two_hundred_models_on_twenty_pools_in_sixteen_regions_are_planned_in_no_time() -> None:
    kinds = {"inf1.24xlarge": 16, "inf1.6xlarge": 4, "inf1.xlarge": 1, "inf1.2xlarge": 1}
    regions = [
        r.name
        for r in catalog.load().places.regions.values()
        if r.neuron_ami == "documented" and r.name != stack.CPU_REGION
    ]
    names = [list(kinds)[i % len(kinds)] for i in range(20)]
    texts: dict[str, object] = {
        "regions": {region: {} for region in regions},
        "capacity": {
            f"p{i}": {"kind": "auto_scaling", "instance_type": name, "max_size": 40}
            for i, name in enumerate(names)
        },
        "models": {
            f"m{i}-{k}": {
                "image": "111122223333.dkr.ecr.{region}.amazonaws.com/server:1",
                "command": ["/serve"],
                "capacity": f"p{i}",
                "neuron_devices": min(kinds[name], 1 + k % 4),
                "replicas": {"max": 1 + k % 3},
            }
            for i, name in enumerate(names)
            for k in range(10)
        },
    }
    config = {f"neuron-ecs:{key}": json.dumps(value) for key, value in texts.items()}

    def planned() -> None:
        arrange.cache_clear()
        enough_instances.cache_clear()
        given = {**config, "aws:region": "us-east-1"}
        plan = decide(given, catalog.load(), project="neuron-ecs", stack="large")
        assert sum(len(region.models) for region in plan.regions) == 16 * 200

    assert least(planned, 1.5) < 1.5


def test_a_replay_registers_what_the_program_registered(tmp_path: Path) -> None:
    file = _read(tmp_path, stack.document(models=3, only=["us-east-2"]))
    original = capture(file, tmp_path / "calls")
    assert graph(replay(tmp_path / "calls")) == graph(original)
