"""What a server compiles is kept: under a name of its own, and found again."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import load
from planning import Plan
from planning.plan import AutoScalingPool, HostVolume
from planning.serving.cache import fingerprint
from planning.serving.served import Served
from tests.planning import fixing
from tests.planning.fixtures_served import TINY, running, serving
from tests.planning.stacks import (
    changed,
    codes,
    decide_on,
    finding,
    findings_of,
    groups,
    managed,
    stack,
)

IMAGES = [image.image for image in load().serving.images]
SERVED = st.builds(
    Served,
    name=st.sampled_from(("a", "b")),
    source=st.sampled_from(("a/b", "/models/a")),
    degree=st.integers(1, 4),
    sequences=st.integers(1, 4),
    length=st.sampled_from((1, 11, 111)),
    revision=st.sampled_from((None, "main", "1")),
    data_type=st.sampled_from((None, "float32")),
)
ALL = st.tuples(
    st.sampled_from(("a/b", "a", "/b", "s3://a/b")),
    SERVED,
    st.sampled_from(IMAGES),
    st.sampled_from((("inf2",), ("trn1",), ("inf2", "trn1"))),
    st.lists(st.sampled_from(("--a", "--b=1", "1")), max_size=3).map(tuple),
)
Setting = tuple[str, Served, str, tuple[str, ...], tuple[str, ...]]


def same(one: Setting, other: Setting) -> bool:
    """Whether two settings make the same artefacts: all but the names that callers use."""
    bare = [
        (model, replace(served, name="", source="", names=(), ports=()), *rest)
        for model, served, *rest in (one, other)
    ]
    return bare[0] == bare[1]


@given(ALL, ALL)
def test_two_settings_have_one_fingerprint_only_where_they_are_one(
    one: Setting, other: Setting
) -> None:
    assert (fingerprint(*one) == fingerprint(*other)) == same(one, other)


def kept(plan: Plan) -> dict[str, str]:
    """The directory of an instance that each service keeps its artefacts in, by the service."""
    found: dict[str, str] = {}
    for region in plan.regions:
        for service in (s for model in region.models for s in model.services):
            for volume in service.task_definition.volumes:
                if isinstance(volume, HostVolume):
                    found[service.key] = volume.path
    return found


def two_models(**serve: Any) -> dict[str, str]:
    return stack(
        capacity={"pool": groups("inf2.24xlarge")},
        models={
            "a": {"capacity": "pool", "serve": {"model": TINY, **serve}, "replicas": 3},
            "b": {"capacity": "pool", "serve": {"model": TINY, **serve}},
        },
    )


def test_services_that_share_an_instance_have_directories_of_their_own() -> None:
    paths = kept(decide_on(two_models()))
    assert len(paths) > 1
    for one, other in combinations(sorted(paths), 2):
        assert paths[one] != paths[other], "one writer for each directory"


@pytest.mark.parametrize(
    "values",
    [
        {"replicas": 2},
        {"health_check": {"grace_seconds": 900}},
        {"environment": {"LOG_LEVEL": "debug"}},
        {"s3_read": ["s3://my-prompts/"]},
    ],
    ids=str,
)
def test_a_service_that_restarts_finds_its_directory_again(values: dict[str, Any]) -> None:
    before = kept(decide_on(two_models()))
    after = kept(decide_on(changed(two_models(), "models.a", **values)))
    assert {k: v for k, v in after.items() if k in before} == {
        k: v for k, v in before.items() if k in after
    }


@pytest.mark.parametrize(
    "serve",
    [
        {"max_model_len": 1024},
        {"max_num_seqs": 2},
        {"tensor_parallel": 1},
        {"revision": "main"},
        {"data_type": "float32"},
        {"server": "optimum"},
        {"arguments": ["--seed=1"]},
    ],
    ids=str,
)
def test_other_artefacts_have_another_directory(serve: dict[str, Any]) -> None:
    before, after = kept(decide_on(two_models())), kept(decide_on(two_models(**serve)))
    assert not set(before.values()) & set(after.values())


@pytest.mark.parametrize("variable", ["NEURON_CC_FLAGS", "XLA_FLAGS", "VLLM_USE_V1"])
def test_a_variable_of_the_compiler_makes_other_artefacts(variable: str) -> None:
    before = kept(decide_on(two_models()))
    config = changed(two_models(), "models.a", environment={variable: "1"})
    after = kept(decide_on(config))
    assert {k for k in before if before[k] == after[k]} == {k for k in before if "_b_" in k}


def test_weights_are_kept_only_with_a_revision() -> None:
    for revision in ({}, {"revision": "main"}):
        plan = decide_on(serving({"model": TINY, **revision}))
        text = plan.regions[0].models[0].services[0].task_definition.container_definitions
        assert ("HF_HOME" in text) == bool(revision)
        assert "NEURON_COMPILED_ARTIFACTS" in text


def test_nothing_is_kept_where_it_is_not_wanted_or_would_not_stay() -> None:
    for config in (
        serving({"model": TINY, "cache": "none"}),
        serving({"model": TINY}, managed("inf2.8xlarge")),
        serving({"model": TINY}, user="1000"),
    ):
        plan = decide_on(config)
        assert kept(plan) == {}
        assert plan.regions[0].models[0].cache is None


def test_a_cache_in_s3_can_be_read_and_written() -> None:
    plan = decide_on(serving({"model": TINY, "cache": "s3://my-cache/neuron/"}))
    assert kept(plan) == {}
    text = plan.regions[0].models[0].services[0].task_definition.container_definitions
    assert "s3://my-cache/neuron/" in text
    (role,) = [r for r in plan.roles if "m" in r.key.split("_") and "task" in str(r)]
    assert "my-cache" in str(role) and "PutObject" in str(role)


def test_the_disk_is_counted_for_the_artefacts_of_each_slot_now_and_before() -> None:
    sizes: list[int] = []
    for name in (TINY, "Qwen/Qwen2.5-7B-Instruct"):
        plan = decide_on(serving({"model": name}, groups("inf2.24xlarge")))
        (pool,) = plan.regions[0].pools
        assert isinstance(pool, AutoScalingPool)
        sizes.append(pool.root_volume_gib)
    assert sizes == sorted(set(sizes)), "the larger model needs more"


def test_a_host_has_no_finding_about_the_volume_that_the_planner_adds() -> None:
    codes = {f.code for f in findings_of(serving({"model": TINY}))}
    assert not {c for c in codes if c.startswith("NE36")}


@pytest.mark.parametrize("variable", ["NEURON_COMPILED_ARTIFACTS", "HF_HOME"])
def test_a_variable_that_names_a_directory_takes_no_prefix_of_s3(variable: str) -> None:
    config = running(TINY, environment={variable: "s3://my-cache/neuron/"})
    found = finding(config, "NE940")
    assert found.path == f"models.m.environment.{variable}"
    assert fixing.faults(config, "NE940") == []
    assert "NE940" not in codes(running(TINY, environment={variable: "/cache"}))


def test_a_cache_that_its_pool_cannot_mount_may_be_needed_to_compile_ahead() -> None:
    arn = "arn:aws:s3files:us-west-2:111122223333:file-system/fs-0123456789abcdef0"
    volume = {"kind": "s3_files", "bucket": "s3://models/a/", "file_systems": {"us-west-2": arn}}
    for more in ({}, {"compile": "ahead"}):
        config = serving({"model": TINY, "cache": "v", **more}, volumes={"v": volume})
        assert fixing.faults(config, "NE382") == []


def test_a_server_without_a_cache_has_no_two_writers_of_one() -> None:
    serve = {"model": "s3://my-models/archives/", "server": "torchserve", "cache": "v"}
    found = codes(serving(serve, volumes={"v": {"kind": "efs"}}, replicas=2))
    assert "NE923" in found and "NE941" not in found
