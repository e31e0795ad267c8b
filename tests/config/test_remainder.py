"""What is left of a stack file whose entries have mistakes of shape."""

import json
from typing import Any

import pytest

from config import Public, Settings, ShapeError, parse

IMAGE = "public.ecr.aws/acme/serving:1.0"
POOL = {"kind": "auto_scaling", "instance_type": "inf2.xlarge", "max_size": 2}
GOOD: dict[str, Any] = {
    "regions": {"us-west-2": {}, "us-east-1": {}},
    "capacity": {"a": POOL, "b": {**POOL, "regions": ["us-east-1", "us-west-2"]}},
    "models": {
        "on-a": {"image": IMAGE, "capacity": "a"},
        "on-b": {"image": IMAGE, "capacity": "b"},
    },
    "jobs": {"on-both": {"image": IMAGE, "capacity": "b", "regions": {"us-west-2": {}}}},
    "traffic": {"allow_from": {"us-west-2": ["10.0.0.0/8"], "us-east-1": ["10.1.0.0/16"]}},
    "tags": {"team": "ml"},
}


def rests_of(**changes: Any) -> list[Settings]:
    """What the good stack may mean with other values under these keys."""
    texts = {key: json.dumps(value) for key, value in {**GOOD, **changes}.items()}
    with pytest.raises(ShapeError) as caught:
        parse(texts)
    return [rest.settings for rest in caught.value.rests]


def rest_of(**changes: Any) -> Settings:
    """What is left of it without the entries that are wrong."""
    return rests_of(**changes)[-1]


def test_a_number_that_a_pool_needs_is_both_its_greatest_and_its_least() -> None:
    capacity = {**GOOD["capacity"], "b": {**POOL, "max_size": "two"}}
    rests = rests_of(capacity=capacity)
    assert [rest.capacity["b"] for rest in rests] == [
        rest.capacity["a"].model_copy(update={"max_size": size})
        for rest, size in zip(rests, (10_000, 1), strict=True)
    ]


def test_a_field_is_not_written_or_another_than_the_default() -> None:
    wrong = {**POOL, "efa": "yes please", "root_volume_gib": "x"}
    rests = rests_of(capacity={"a": POOL, "b": wrong})
    values: list[dict[str, object]] = [{}, {"efa": True, "root_volume_gib": 30}]
    assert [rest.capacity["b"] for rest in rests] == [
        rest.capacity["a"].model_copy(update=value)
        for rest, value in zip(rests, values, strict=True)
    ]


def names(rest: Settings) -> tuple[list[str], list[str], list[str], list[str]]:
    return sorted(rest.regions), sorted(rest.capacity), sorted(rest.models), sorted(rest.jobs)


BOTH = ["us-east-1", "us-west-2"]


def test_an_unknown_key_of_the_stack_costs_nothing_else() -> None:
    assert names(rest_of(model={})) == (BOTH, ["a", "b"], ["on-a", "on-b"], ["on-both"])


def test_a_value_beside_the_entries_takes_its_default() -> None:
    rest = rest_of(tags=["ml"], traffic={"allow_from": 5})
    assert names(rest)[2] == ["on-a", "on-b"]
    assert rest.tags == {}
    assert rest.traffic.allow_from == ()


def test_a_model_goes_alone() -> None:
    models = {**GOOD["models"], "on-a": {"image": IMAGE, "capacity": "a", "ports": 80}}
    assert names(rest_of(models=models)) == (BOTH, ["a", "b"], ["on-b"], ["on-both"])


def test_with_a_pool_go_its_models_and_jobs() -> None:
    capacity = {**GOOD["capacity"], "b": {**POOL, "instance_type": 5}}
    assert names(rest_of(capacity=capacity)) == (BOTH, ["a"], ["on-a"], [])


@pytest.mark.parametrize(
    ("pool", "most"),
    [
        ({**POOL, "max_sizes": 2}, 2),
        ({**POOL, "foo": 2}, 2),
        ({**POOL, "max_size": "two"}, 10_000),
        ({**POOL, "root_volume_gib": 0}, 2),
        ({"kind": "auto_scaling", "instance_typ": "inf2.xlarge", "max_size": 2}, 2),
    ],
)
def test_a_pool_whose_type_is_known_stays(pool: dict[str, Any], most: int) -> None:
    rest = rests_of(capacity={**GOOD["capacity"], "b": pool})[0]
    assert names(rest) == (BOTH, ["a", "b"], ["on-a", "on-b"], ["on-both"])
    assert rest.capacity["b"] == rest.capacity["a"].model_copy(update={"max_size": most})


def test_with_a_volume_goes_what_mounts_it() -> None:
    sidecar = {"image": IMAGE, "mounts": {"bad": {"path": "/b"}}}
    models = {
        "on-a": {"image": IMAGE, "capacity": "a", "mounts": {"good": "/g"}},
        "on-b": {"image": IMAGE, "capacity": "b", "sidecars": {"s": sidecar}},
    }
    rest = rest_of(volumes={"good": {"kind": "host"}, "bad": {"kind": "nfs"}}, models=models)
    assert names(rest) == (BOTH, ["a", "b"], ["on-a"], ["on-both"])
    assert list(rest.volumes) == ["good"]


def test_a_model_that_names_the_pool_for_one_region_goes_too() -> None:
    override = {"us-west-2": {"capacity": "b"}, "us-east-1": {}}
    models = {"on-a": {"image": IMAGE, "capacity": "a", "regions": override}}
    capacity = {**GOOD["capacity"], "b": 5}
    assert names(rest_of(models=models, capacity=capacity)) == (BOTH, ["a"], [], [])


def test_with_a_region_goes_what_names_it_alone() -> None:
    rest = rest_of(regions={"us-west-2": 5, "us-east-1": {}})
    assert names(rest) == (["us-east-1"], ["a", "b"], ["on-a", "on-b"], [])
    assert rest.capacity["b"].regions == ("us-east-1",)
    assert list(rest.traffic.allow_from) == ["us-east-1"]


LEFT: list[tuple[dict[str, Any], tuple[list[str], list[str], list[str], list[str]]]] = [
    ({"regions": 5}, ([], ["a"], ["on-a"], [])),
    ({"regions": {"x": 5}}, ([], ["a", "b"], ["on-a", "on-b"], ["on-both"])),
    ({"capacity": 5}, (BOTH, [], [], [])),
    ({"capacity": {"a": 5, "b": 5}}, (BOTH, [], [], [])),
    ({"models": 5}, (BOTH, ["a", "b"], [], ["on-both"])),
]


@pytest.mark.parametrize(("gone", "left"), LEFT)
def test_what_refers_to_nothing_that_is_lost_stays(
    gone: dict[str, Any], left: tuple[list[str], ...]
) -> None:
    assert names(rest_of(**gone)) == left


def test_with_a_shape_go_those_that_are_like_it() -> None:
    shapes = {
        "a": {"layers": "x"},
        "b": {"like": "a"},
        "c": {"like": "b"},
        "d": {"like": "Qwen/Qwen3-8B"},
    }
    assert sorted(rest_of(shapes=shapes).shapes) == ["d"]


@pytest.mark.parametrize("field", ["model", "cache", "compile_on"])
def test_with_what_serve_names_goes_the_model(field: str) -> None:
    serve = {"model": "acme/own", "cache": "compiled", "compile": "ahead", "compile_on": "b"}
    changes: dict[str, Any] = {
        "shapes": {"acme/own": {"like": "Qwen/Qwen3-8B"}},
        "volumes": {"compiled": {"kind": "efs"}},
        "models": {
            "on-a": {"image": IMAGE, "capacity": "a"},
            "served": {"serve": serve, "capacity": "a"},
        },
    }
    key, name = {
        "model": ("shapes", "acme/own"),
        "cache": ("volumes", "compiled"),
        "compile_on": ("capacity", "b"),
    }[field]
    rest = rest_of(**changes, x={})
    assert sorted(rest.models) == ["on-a", "served"]
    changes[key] = {**GOOD.get(key, {}), **changes.get(key, {}), name: 5}
    assert sorted(rest_of(**changes).models) == ["on-a"]


def test_with_a_model_go_its_key_and_the_names_that_it_shares() -> None:
    traffic = {
        "authentication": {"api_key": {"on-a": "/keys/a", "on-b": "/keys/b", "other": "/keys/o"}},
        "weights": {"on-b": {"on-b": 9, "on-a": 1}, "old": {"on-b": 1}, "typo": {"on-c": 1}},
    }
    models = {**GOOD["models"], "on-a": {"image": IMAGE, "capacity": "a", "ports": 80}}
    rest = rest_of(models=models, traffic=traffic).traffic
    assert rest.authentication.api_key == {"on-b": "/keys/b", "other": "/keys/o"}
    assert rest.weights == {"old": {"on-b": 1}, "typo": {"on-c": 1}}


STORE = "arn:aws:elasticloadbalancing:{}:111122223333:truststore/callers/0a1b"


def test_with_a_region_goes_what_names_it_below_another_key() -> None:
    traffic = {
        "domain": {"name": "example.com", "zone_id": "Z0123456789ABC", "associated": BOTH},
        "public": {"regions": BOTH},
        "authentication": {"mutual_tls": {region: STORE.format(region) for region in BOTH}},
    }
    rest = rest_of(regions={"us-west-2": 5, "us-east-1": {}}, traffic=traffic).traffic
    assert rest.domain is not None
    assert rest.domain.associated == ("us-east-1",)
    assert rest.public == Public(regions=("us-east-1",))
    assert list(rest.authentication.mutual_tls) == ["us-east-1"]


def test_what_needs_a_region_goes_with_its_only_one() -> None:
    files = {
        "us-west-2": "arn:aws:s3files:us-west-2:111122223333:file-system/fs-0123456789abcdef0",
    }
    volume = {"kind": "s3_files", "file_systems": files, "bucket": "s3://models/"}
    models = {**GOOD["models"], "on-a": {"image": IMAGE, "capacity": "a", "mounts": {"m": "/m"}}}
    restored = {"kind": "ebs", "snapshot_ids": {"us-west-2": "snap-0a"}}
    rest = rest_of(
        regions={"us-west-2": 5, "us-east-1": {}},
        volumes={"m": volume, "v": restored | {"initialization_rate_mib": 100}},
        models=models,
        traffic={"public": {"regions": ["us-west-2"]}},
    )
    assert names(rest) == (["us-east-1"], ["a", "b"], ["on-b"], [])
    assert rest.volumes == {}
    assert rest.traffic.public is False
