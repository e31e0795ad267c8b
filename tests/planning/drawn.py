"""Stack files of every kind, drawn at random, and the parts of their plans."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from planning import Plan, Refused, plan
from tests.planning.stacks import (
    IMAGE,
    Config,
    Entry,
    certificates,
    decide_on,
    existing,
    groups,
    managed,
    stack,
    work,
)

TWO: Entry = {"us-west-2": {}, "us-east-2": {}}
POOLS: list[Entry] = [
    groups("inf2.xlarge", 6),
    groups("inf2.24xlarge", 5),
    groups("inf2.48xlarge", 3, purchase="spot"),
    groups("inf1.6xlarge", 6),
    groups("trn1.32xlarge", 4),
    groups("trn1.32xlarge", 4, efa=True),
    groups("c7g.4xlarge", 6),
    groups("inf2.24xlarge", 2, regions={"us-west-2": {"max_size": 8}}),
    managed("trn1.2xlarge"),
    managed("inf2.*"),
    managed("inf2.48xlarge"),
    managed("c7g.2xlarge"),
    managed("inf2.8xlarge", purchase="spot", regions=["us-east-2"]),
    groups("inf2.8xlarge", 2, retired=True),
]
REPLICAS = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(
    lambda r: {"min": r[0], "max": max(1, r[0] + r[1])}
)
DEVICES: list[Any] = [None, 1, 2, 3, 4, 6, 12, "all", [0], [0, 1], [2, 3], [0, 1, 2, 3], [0, 2]]


@st.composite
def stacks(draw: st.DrawFn, *, wild: bool = False) -> Config:
    """A stack file; `wild` ones name what does not exist as well."""
    pools = {f"pool-{i}": draw(st.sampled_from(POOLS)) for i in range(draw(st.integers(1, 3)))}
    live = [n for n, p in pools.items() if not p.get("retired")] or ["pool-0"]
    regions: Entry = dict(TWO)
    if wild:
        pools["odd"] = draw(
            st.sampled_from(
                [
                    groups("inf2.xlrage"),
                    groups("g5.xlarge"),
                    groups("trn2.48xlarge", purchase="capacity_block"),
                    groups("inf2.xlarge", zone_ids=["usw2-az9"]),
                    managed("*"),
                    managed("inf1.*"),
                    groups("c7g.xlarge", efa=True, ami={"family": "al2"}),
                    groups("inf2.24xlarge", 1, min_size=3, ami={"version": "x"}),
                ]
            )
        )
        live.append("odd")
        more = ["us-wset-2", "af-south-1", "ap-northeast-3", "us-gov-west-1", "cn-north-1"]
        regions |= {r: {} for r in draw(st.lists(st.sampled_from(more), max_size=2))}
        if draw(st.booleans()):
            regions |= {"us-east-2": existing(use2_az1="subnet-0a")}
        if draw(st.booleans()):
            regions |= {"us-gov-west-1": existing(usgw1_az1="subnet-0a")}

    def workload(index: int) -> Entry:
        pool = draw(st.sampled_from([*live, "nowhere"] if wild else live))
        entry = work(draw(st.sampled_from(DEVICES)), pool)
        size: Entry = draw(st.sampled_from([{}, {}, {"cpu_units": 512, "memory_mib": 4096}]))
        if not wild and pools[pool].get("instance_type", "").startswith("c"):
            entry.pop("neuron_devices", None)
            size = {"cpu_units": 512, "memory_mib": 4096}
        if draw(st.booleans()):
            entry["port"] = draw(st.sampled_from([8080, 8081 + index]))
        if wild:
            mode = draw(st.sampled_from([None, None, "host", "bridge", "awsvpc"]))
            entry |= {"network_mode": mode} if mode else {}
            if draw(st.booleans()):
                devices = draw(st.sampled_from(["all", 1, [0]]))
                entry["sidecars"] = {"side": {"image": "s:1", "neuron_devices": devices}}
            if draw(st.integers(0, 3)) == 0:
                entry["regions"] = draw(
                    st.sampled_from(
                        [["us-west-2"], ["eu-west-1"], {"us-east-2": {"capacity": "pool-0"}}]
                    )
                )
            if draw(st.booleans()):
                entry["image"] = draw(st.sampled_from(["dlc/vllm:1-sdk2.28.0-x", IMAGE]))
        return {**entry, **size}

    models = {
        f"model-{i}": {**workload(i), "replicas": draw(REPLICAS)}
        for i in range(draw(st.integers(0, 4)))
    }
    jobs = {f"job-{i}": workload(9 + i) for i in range(draw(st.integers(0, 2)))}
    for job in jobs.values():
        if draw(st.booleans()):
            job["schedule"] = {"expression": "rate(1 day)"}
    return stack(
        regions=regions, capacity=pools, models=models, jobs=jobs, traffic=certificates(*TWO)
    )


def planned(config: Config) -> Plan | None:
    """The plan, None where the stack is refused."""
    try:
        return decide_on(config)
    except Refused as refused:
        assert refused.findings
        return None


def models_of(made: Plan) -> Iterator[tuple[plan.RegionPlan, plan.Pool, plan.ModelPlan]]:
    for region in made.regions:
        for model in region.models:
            yield region, region.pool(model.pool), model


def tasks_of(made: Plan) -> Iterator[tuple[plan.RegionPlan, plan.Pool, plan.TaskDefinition]]:
    for region, pool, model in models_of(made):
        for service in model.services:
            yield region, pool, service.task_definition
    for region in made.regions:
        for job in region.jobs:
            yield region, region.pool(job.pool), job.task_definition


def definitions_of(task: plan.TaskDefinition) -> list[Entry]:
    return json.loads(task.container_definitions)
