"""What the settings of a container become in its task definition."""

import json
from typing import Any

import pytest

from planning.document import endpoints
from planning.plan import (
    AutoScalingPool,
    EbsVolume,
    HostVolume,
    ModelPlan,
    S3FilesVolume,
    TaskDefinition,
)
from tests.planning.fixing import faults
from tests.planning.fixtures_workloads import S3_FILES
from tests.planning.stacks import decide_on, finding, findings_of, groups, managed, stack, work

SECRET = "arn:aws:secretsmanager:us-west-2:111122223333:secret:login"
FETCH = {"image": "r.io/fetch:1"}


def task(**model: Any) -> TaskDefinition:
    plan = decide_on(stack(capacity={"pool": groups()}, models={"m": work(1, **model)}))
    return plan.regions[0].models[0].services[0].task_definition


def containers(**model: Any) -> dict[str, dict[str, Any]]:
    return {c["name"]: c for c in json.loads(task(**model).container_definitions)}


def mounts(container: dict[str, Any]) -> set[str]:
    return {m["containerPath"] for m in container.get("mountPoints", ())}


def test_a_read_only_root_has_volumes_where_the_image_writes_and_none_of_them_is_shared() -> None:
    made = task(read_only_root=True, sidecars={"s": {**FETCH, "read_only_root": True}})
    found = {c["name"]: c for c in json.loads(made.container_definitions)}
    used = [m["sourceVolume"] for c in found.values() for m in c["mountPoints"]]
    assert sorted(used) == [v.name for v in made.volumes], "each volume is mounted once"
    for container in found.values():
        assert container["readonlyRootFilesystem"]
        assert mounts(container) == {"/tmp", "/var/tmp", "/root/.cache"}
        assert "tmpfs" not in container["linuxParameters"], "Managed Instances refuse it"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({}, set[str]()),
        ({"writable_paths": ["/data/"]}, {"/data"}),
        ({"read_only_root": True, "writable_paths": ["/data"]}, {"/data"}),
        ({"read_only_root": True, "writable_paths": []}, set[str]()),
    ],
)
def test_written_paths_are_all_that_is_mounted(written: dict[str, Any], expected: set[str]) -> None:
    assert mounts(containers(**written)["m"]) == expected


def test_a_shared_path_is_one_directory_for_all_containers_of_a_task() -> None:
    found = containers(shared_paths=["/models/", "/data"], sidecars={"s": FETCH})
    assert found["m"]["mountPoints"] == found["m-s"]["mountPoints"]
    assert found["m"]["mountPoints"] == [
        {"containerPath": "/data", "sourceVolume": "shared_path_0"},
        {"containerPath": "/models", "sourceVolume": "shared_path_1"},
    ]


@pytest.mark.parametrize(
    ("code", "path", "more"),
    [
        ("NE362", "/data/", {"sidecars": {"s": {**FETCH, "writable_paths": ["/data"]}}}),
        ("NE362", "/tmp", {"read_only_root": True}),
        ("NE363", "/proc", {}),
        ("NE364", "/usr", {}),
    ],
)
def test_a_shared_path_is_judged_as_a_mount(code: str, path: str, more: dict[str, Any]) -> None:
    model = work(1, shared_paths=["/models", path], **more)
    config = stack(capacity={"pool": groups()}, models={"m": model})
    (found,) = (f for f in findings_of(config) if f.code == code)
    assert found.path == "models.m.shared_paths[1]"
    assert faults(config, code) == []


def test_a_host_volume_is_one_directory_for_all_containers_that_mount_it() -> None:
    shown = {"path": "/models/", "read_only": True}
    below = {"path": "/w", "directory": "llama/weights"}
    model = work(
        1,
        mounts={"cache": "/cache/", "weights": below},
        sidecars={"s": {**FETCH, "mounts": {"cache": shown, "weights": "/all"}}},
    )
    volumes = {"cache": {"kind": "host"}, "weights": {"kind": "host", "path": "/mnt/w/"}}
    plan = decide_on(stack(capacity={"pool": groups()}, models={"m": model}, volumes=volumes))
    made = plan.regions[0].models[0].services[0].task_definition
    assert made.volumes == (
        HostVolume("cache", "/var/lib/neuron-ecs/cache"),
        HostVolume("weights", "/mnt/w"),
        HostVolume("weights__llama_weights", "/mnt/w/llama/weights"),
    )
    found = {c["name"]: c["mountPoints"] for c in json.loads(made.container_definitions)}
    assert found["m"] == [
        {"containerPath": "/cache", "sourceVolume": "cache"},
        {"containerPath": "/w", "sourceVolume": "weights__llama_weights"},
    ]
    assert found["m-s"] == [
        {"containerPath": "/all", "sourceVolume": "weights"},
        {"containerPath": "/models", "readOnly": True, "sourceVolume": "cache"},
    ]
    (pool,) = plan.regions[0].pools
    assert isinstance(pool, AutoScalingPool)
    assert pool.root_volume_gib == 200 + 2 * 100, "images, and both volumes"


def test_an_ebs_volume_is_one_of_each_task_and_its_snapshot_that_of_the_region() -> None:
    disk = {
        "kind": "ebs",
        "size_gib": 500,
        "snapshot_ids": {"us-west-2": "snap-0a1b2c3d", "us-east-2": "snap-4e5f6a7b"},
        "initialization_rate_mib": 200,
        "iops": 4000,
        "throughput_mib": 500,
    }
    key = "arn:aws:kms:{region}:111122223333:key/mrk-0a1b"
    model = work(1, mounts={"disk": "/a"}, sidecars={"s": {**FETCH, "mounts": {"disk": "/b"}}})
    plan = decide_on(
        stack(
            regions={"us-west-2": {}, "us-east-2": {}},
            capacity={"pool": groups()},
            models={"m": model},
            volumes={"disk": disk},
            security={"kms_keys": key},
        )
    )
    for region, snapshot in (("us-west-2", "snap-0a1b2c3d"), ("us-east-2", "snap-4e5f6a7b")):
        (here,) = (r for r in plan.regions if r.name == region)
        made = here.models[0].services[0].task_definition
        assert made.volumes == (made.ebs_volume,)
        assert made.ebs_volume == EbsVolume(
            name="disk",
            size_gib=500,
            snapshot_id=snapshot,
            initialization_rate_mib=200,
            iops=4000,
            throughput_mib=500,
            file_system_type="xfs",
            kms_key=key.replace("{region}", region),
            role="task-volumes",
        )
    (role,) = (r for r in plan.roles if r.key == "task-volumes")
    assert role.service == "ecs.amazonaws.com"
    assert [arn.rpartition("/")[2] for arn in role.managed_policies] == [
        "AmazonECSInfrastructureRolePolicyForVolumes"
    ]
    assert str(role.inline_policies).count("key/mrk-0a1b") == 2 * 2, "two statements, two Regions"


def test_a_cache_on_an_ebs_volume_is_refused_where_it_is_written() -> None:
    entry = {"capacity": "pool", "serve": {"model": "Qwen/Qwen3-0.6B", "cache": "disk"}}
    volumes = {"disk": {"kind": "ebs", "size_gib": 100}}
    config = stack(capacity={"pool": groups()}, models={"m": entry}, volumes=volumes)
    assert finding(config, "NE380").path == "models.m.serve.cache"


def test_a_volume_of_s3_files_is_mounted_and_read_with_the_rights_of_its_mounts() -> None:
    arn = "arn:aws:s3files:{}:111122223333:file-system/fs-0123456789abcdef0"
    point = "/access-point/fsap-0123456789abcdef0"
    regions = {"us-east-1": "", "us-west-2": point}
    volume = {
        "kind": "s3_files",
        "file_systems": {region: arn.format(region) + of for region, of in regions.items()},
        "bucket": "s3://objects-{region}/a/",
    }
    reading = {"path": "/a", "read_only": True}
    for mount, written in ((reading, False), ("/a", True)):
        model = work(
            "all", mounts={"v": reading}, sidecars={"s": {**FETCH, "mounts": {"v": mount}}}
        )
        plan = decide_on(
            stack(
                regions={region: {} for region in regions},
                capacity={"pool": managed("inf2.xlarge")},
                models={"m": model},
                volumes={"v": volume},
            )
        )
        definitions = {r.name: r.models[0].services[0].task_definition for r in plan.regions}
        assert {name: made.volumes for name, made in definitions.items()} == {
            region: (
                S3FilesVolume("v", arn.format(region), arn.format(region) + of if of else "", ""),
            )
            for region, of in regions.items()
        }
        (role,) = (r for r in plan.roles if r.key == "m_task")
        (policy,) = (p for p in role.inline_policies if p.name == "s3-files")
        (east, west), rest = policy.statements[:2], policy.statements[2:]
        mounts = "s3files:ClientMount"
        assert east["Action"] == ((mounts, "s3files:ClientWrite") if written else mounts)
        assert west["Resource"] == arn.format("us-west-2")
        through = {"s3files:AccessPointArn": arn.format("us-west-2") + point}
        assert west["Condition"] == {"ArnEquals": through}
        assert "Condition" not in east
        text = str(rest)
        assert "objects-us-east-1/a/*" in text
        assert "objects-us-west-2/a/*" in text
        assert "PutObject" not in text


def test_a_cache_on_s3_files_is_shared_and_refused_on_auto_scaling_capacity() -> None:
    entry = {"capacity": "pool", "serve": {"model": "Qwen/Qwen3-0.6B", "cache": "v"}}
    volume = {
        "kind": "s3_files",
        "file_systems": {"us-west-2": S3_FILES},
        "bucket": "s3://objects",
    }
    config = stack(capacity={"pool": groups()}, models={"m": entry}, volumes={"v": volume})
    assert finding(config, "NE382").path == "models.m.serve.cache"
    pools = {"pool": managed("inf2.8xlarge")}
    plan = decide_on(stack(capacity=pools, models={"m": entry}, volumes={"v": volume}))
    cache = plan.regions[0].models[0].cache
    assert cache is not None
    assert cache.kind == "s3_files"


def test_a_mount_takes_the_place_of_an_empty_volume_that_nobody_asked_for() -> None:
    model = work(1, read_only_root=True, mounts={"cache": "/root/.cache"})
    volumes = {"cache": {"kind": "host"}}
    plan = decide_on(stack(capacity={"pool": groups()}, models={"m": model}, volumes=volumes))
    made = plan.regions[0].models[0].services[0].task_definition
    (container,) = json.loads(made.container_definitions)
    assert mounts(container) == {"/tmp", "/var/tmp", "/root/.cache"}
    assert len(made.volumes) == 3
    assert not any(f.code == "NE332" for f in plan.findings)


def test_settings_reach_the_container_that_has_them_and_no_other() -> None:
    settings = {
        "drop_capabilities": ["NET_RAW", "ALL"],
        "init": False,
        "ulimits": {"nofile": {"soft": 1024, "hard": -1}},
        "working_directory": "/opt/app",
        "registry_login": SECRET,
    }
    for own, other in (("m", "m-s"), ("m-s", "m")):
        sidecar = settings if own == "m-s" else {}
        found = containers(**(settings if own == "m" else {}), sidecars={"s": {**FETCH, **sidecar}})
        assert found[own]["linuxParameters"]["capabilities"]["drop"] == ["ALL", "NET_RAW"]
        assert "initProcessEnabled" not in found[own]["linuxParameters"]
        assert found[own]["ulimits"] == [{"name": "nofile", "softLimit": 1024, "hardLimit": -1}]
        assert found[own]["workingDirectory"] == "/opt/app"
        assert found[own]["repositoryCredentials"] == {"credentialsParameter": SECRET}
        assert found[other]["linuxParameters"]["initProcessEnabled"]
        assert not {"ulimits", "workingDirectory", "repositoryCredentials"} & found[other].keys()


def test_the_login_of_a_registry_is_read_by_the_execution_role() -> None:
    plan = decide_on(
        stack(capacity={"pool": groups()}, models={"m": work(1, registry_login=SECRET)})
    )
    definition = plan.regions[0].models[0].services[0].task_definition
    (role,) = (r for r in plan.roles if r.key == definition.execution_role)
    assert f"{SECRET}-??????" in str(role.inline_policies)


def test_a_network_without_a_way_out_has_the_endpoint_of_a_sidecars_secret() -> None:
    image = "111122223333.dkr.ecr.{region}.amazonaws.com/a:1"
    secret = SECRET.replace("us-west-2", "{region}")

    def endpoints(**sidecar: Any) -> str:
        model = work(1, image=image, sidecars={"s": {"image": image, **sidecar}})
        plan = decide_on(
            stack(
                regions={"us-west-2": {"network": {"nat": "none"}}},
                capacity={"pool": groups()},
                models={"m": model},
            )
        )
        return str(plan.regions[0].network)

    assert ".secretsmanager" not in endpoints()
    assert ".secretsmanager" in endpoints(secrets={"TOKEN": secret})
    assert ".secretsmanager" in endpoints(registry_login=secret)


@pytest.mark.parametrize("mode", ["bridge", "host"])
def test_no_link_contradicts_the_order_of_containers(mode: str) -> None:
    found = containers(
        network_mode=mode,
        starts_after={"a": "success"},
        sidecars={"a": {**FETCH, "starts_after": {"b": "started"}}, "b": FETCH, "c": FETCH},
    )
    assert found["m"]["dependsOn"] == [{"containerName": "m-a", "condition": "SUCCESS"}]
    assert found["m-a"]["dependsOn"] == [{"containerName": "m-b", "condition": "START"}]
    linked = {name for name, container in found.items() if container.get("links")}
    assert linked == ({"m-c"} if mode == "bridge" else set())


def test_a_sidecar_starts_again_only_where_it_is_said() -> None:
    found = containers(sidecars={"a": {**FETCH, "restart": True}, "b": FETCH})
    assert found["m-a"]["restartPolicy"] == {"enabled": True}
    assert "restartPolicy" not in found["m-b"]


@pytest.mark.parametrize(
    ("written", "options"),
    [
        ({}, {"mode": "non-blocking", "max-buffer-size": "25m"}),
        ({"log_buffer_mib": 4}, {"mode": "non-blocking", "max-buffer-size": "4m"}),
        ({"log_mode": "blocking"}, {"mode": "blocking"}),
    ],
)
def test_every_container_says_what_it_does_when_logs_are_not_taken(
    written: dict[str, Any], options: dict[str, str]
) -> None:
    for container in containers(**written, sidecars={"s": FETCH}).values():
        found = container["logConfiguration"]["options"]
        assert {k: v for k, v in found.items() if not k.startswith("awslogs")} == options


def test_managed_instances_take_the_volumes_too() -> None:
    plan = decide_on(
        stack(
            capacity={"pool": managed("inf2.xlarge")},
            models={"m": work("all", read_only_root=True)},
        )
    )
    assert plan.regions[0].models[0].services[0].task_definition.volumes


def model(**more: Any) -> ModelPlan:
    config = stack(capacity={"pool": groups()}, models={"m": work(1, **more)})
    return decide_on(config).regions[0].models[0]


@pytest.mark.parametrize("mode", ["bridge", "host", "awsvpc"])
def test_a_sidecar_with_a_port_is_called_at_a_path_of_its_own(mode: str) -> None:
    answering = {**FETCH, "port": 9000, "health_path": "/ping"}
    check = {"path": "/ok", "interval_seconds": 20}
    made = model(port=8080, network_mode=mode, sidecars={"s": answering}, health_check=check)
    own, other = made.target_groups
    assert (own.path_prefix, own.port, own.health_path) == ("/m", 8080, "/ok")
    assert (other.path_prefix, other.port, other.health_path) == ("/m-s", 9000, "/ping")
    assert own.health_interval_seconds == other.health_interval_seconds == 20
    assert own.key != other.key
    assert own.rules[0].key != other.rules[0].key
    (task,) = {s.task_definition.container_definitions for s in made.services}
    mapped = {c["name"]: c["portMappings"] for c in json.loads(task)}
    host = 0 if mode == "bridge" else 9000
    assert mapped["m-s"] == [{"containerPort": 9000, "hostPort": host, "protocol": "tcp"}]


def test_a_sidecar_alone_may_answer_for_its_model() -> None:
    made = model(sidecars={"proxy": {**FETCH, "port": 9000, "path": "/m"}})
    assert made.target_group is None
    assert [g.path_prefix for g in made.target_groups] == ["/m"]
    assert made.services[0].grace_seconds is not None, "a model needs time to load behind it too"


def test_ports_of_sidecars_are_opened_to_the_load_balancer() -> None:
    def opened(mode: str) -> tuple[object, ...]:
        sidecars = {"s": {**FETCH, "port": 9000}}
        entry = work(1, port=8080, network_mode=mode, sidecars=sidecars)
        (region,) = decide_on(stack(capacity={"pool": groups()}, models={"m": entry})).regions
        assert region.auto_scaling is not None
        return region.task_ports, region.auto_scaling.serving_ports

    assert opened("host") == ((), ((8080, 8080), (9000, 9000)))
    assert opened("awsvpc") == ((8080, 9000), ())


def test_target_groups_of_sidecars_have_names_that_no_model_has() -> None:
    sidecars = {"b-c": {**FETCH, "port": 9000}, "b": {**FETCH, "port": 9001, "path": "/b"}}
    models = {
        "a": work(1, port=8080, sidecars=sidecars),
        "a-b": work(1, port=8080, sidecars={"c": {**FETCH, "port": 9000, "path": "/c"}}),
    }
    (region,) = decide_on(stack(capacity={"pool": groups()}, models=models)).regions
    found = [group for made in region.models for group in made.target_groups]
    assert len({group.key for group in found}) == len({g.rules[0].key for g in found}) == 5


def test_sidecars_of_host_mode_reserve_their_ports() -> None:
    sidecars = {"s": {**FETCH, "port": 9000}}
    one = work(1, port=8080, network_mode="host", sidecars=sidecars)
    two = work(1, port=9000, network_mode="host")
    (region,) = decide_on(
        stack(capacity={"pool": groups("inf2.24xlarge")}, models={"a": one, "b": two})
    ).regions
    assert region.pools[0].layout.instances_min == 2, "one instance has a port once"


def test_urls_of_sidecars_are_printed_with_the_name_of_their_model() -> None:
    sidecars = {"s": {**FETCH, "port": 9000, "path": "/other"}}
    entry = work(1, port=8080, sidecars=sidecars)
    plan = decide_on(stack(capacity={"pool": groups()}, models={"m": entry}))
    assert [(e.model, e.url.rpartition("/")[2]) for e in endpoints(plan)] == [
        ("m", "m"),
        ("m/s", "other"),
    ]
