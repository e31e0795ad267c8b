"""Stack files that differ in one field: every place of a field, with other values for it."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel

from config import Settings
from config.annotations import arms, bare, hints, is_model
from neuron_ecs.fit.together import texts
from neuron_ecs.stackfile.yaml_values import load
from tests.planning.stacks import PROJECT, Config, Entry

ARN = "arn:aws:acm:us-west-2:111122223333:certificate/{}"
KEY = "arn:aws:kms:{{region}}:111122223333:key/{}"
WEB_ACL = "arn:aws:wafv2:us-west-2:111122223333:regional/webacl/{}/0a1b"
TRUST = "arn:aws:elasticloadbalancing:us-west-2:111122223333:truststore/a/{}"
SECRET = "arn:aws:secretsmanager:us-west-2:111122223333:secret:{}"
GROUP = "arn:aws:resource-groups:us-west-2:111122223333:group/{}"
PUBLIC = "public.ecr.aws/acme/serving:{}"
SIDECAR = {"image": PUBLIC.format("9")}

# Values to write into a field, by its name, or by its model's and its own. What a stack file
# cannot have is passed over; a field that nothing changes fails a test.
VALUES: dict[str, list[Any]] = {
    "accelerator_manufacturers": [["amazon-web-services"]],
    "accelerators": [["inferentia2"], ["trainium"], ["inferentia2", "trainium"]],
    "Serve.arguments": [["--seed=1"], ["--seed=2"]],
    "Serve.cache": ["none", "kept"],
    "Serve.compile": ["ahead"],
    "Serve.compile_on": ["compiling"],
    "Serve.data_type": ["float16", "bfloat16"],
    "Serve.max_model_len": [1024, 2048],
    "Serve.max_num_seqs": [1, 2],
    "Serve.model": ["TinyLlama/TinyLlama-1.1B-Chat-v1.0", "Qwen/Qwen3-0.6B"],
    "Serve.revision": ["main", "v1"],
    "Serve.served_name": ["chat", "team/chat"],
    "Serve.server": ["nxdi", "optimum"],
    "Serve.tensor_parallel": [1, 2],
    "accept_undocumented_ami": [True],
    "allow_from": [["10.0.0.0/8"], ["10.1.0.0/16", "sg-0a1b"], {"us-west-2": ["10.2.0.0/16"]}],
    "allowed_instance_types": [
        ["trn1.2xlarge"],
        ["inf2.xlarge"],
        ["inf2.xlarge", "inf2.8xlarge"],
        ["inf2.xlarge", "trn1.2xlarge"],
    ],
    "access_logs": ["s3://logs-{region}/a/", "s3://logs-{region}/b/"],
    "api_key": ["/keys/a", "/keys/b", {"m": "/keys/a"}],
    "authentication": [],
    "jwt": [{"issuer": "a", "key_set": "https://a.example.com/keys"}],
    "issuer": ["a", "b"],
    "key_set": ["https://a.example.com/keys", "https://b.example.com/keys"],
    "claims": [{"scope": {"values": ["a"]}}, {"scope": {"values": ["b"]}}],
    "Claim.values": [["a"], ["a", "b"]],
    "Claim.format": ["string_array"],
    "mutual_tls": [{"us-west-2": TRUST.format("0a1b")}, {"us-west-2": TRUST.format("2c3d")}],
    "ami": [{"family": "al2"}],
    "Ami.family": ["al2", "al2023"],
    "Ami.version": ["recommended", "al2023-ami-ecs-neuron-hvm-2023.0.20260701-kernel-6.1-x86_64"],
    "capacity": [],
    "Workload.capacity": ["twin", "inf2", "pool"],
    "domain": [],
    "Domain.name": ["a.example.com", "b.example.com"],
    "zone_id": ["Z0AAA", "Z0BBB"],
    "private": [True],
    "validation_zone_id": ["Z0CCC", "Z0DDD"],
    "associated": [["us-west-2"], []],
    "weights": [{"a": {"a": 2, "m": 1}}, {"b": {"a": 1}}, {"a": {"a": 1}}],
    "connected": [True],
    "hosts": [{"us-west-2": ["*.a.example.com"]}, {"us-west-2": ["b.example.com"]}],
    "certificate_arns": [{"us-west-2": ARN.format("0a1b")}, {"us-west-2": ARN.format("2c3d")}],
    "cidr": ["10.200.0.0/16", "10.201.0.0/16"],
    "command": [["serve"], ["serve", "--port=8080"]],
    "HealthCheck.command": [["CMD-SHELL", "true"], ["CMD-SHELL", "curl -f localhost"]],
    "cpu_units": [256, 512],
    "efa": [True],
    "entry_point": [["/bin/a"], ["/bin/b"]],
    "environment": [{"A": "1"}, {"A": "2", "B": "1"}],
    "essential": [True],
    "deletion_protection": [True],
    "hard": [4096, 8192],
    "soft": [1024, 2048],
    "drop_capabilities": [["ALL"], ["CHOWN"]],
    "exec": [True],
    "exec_logs": [True],
    "kms_keys": [
        KEY.format("mrk-0a"),
        {"us-west-2": KEY.format("0b").replace("{region}", "us-west-2")},
    ],
    "s3_accounts": [[], ["111122223333"]],
    "dashboards": [True],
    "monitor_image": [PUBLIC.format("1"), PUBLIC.format("2")],
    "agent_image": [PUBLIC.format("1"), PUBLIC.format("2")],
    "detector_image": [PUBLIC.format("1"), PUBLIC.format("2")],
    "recovery_image": [PUBLIC.format("1"), PUBLIC.format("2")],
    "recovery": [True],
    "topics": [["arn:aws:sns:{region}:111122223333:a"], ["arn:aws:sns:us-west-2:111122223333:b"]],
    "runbook": ["https://example.com/runbook.md", "https://example.com/other.md"],
    "emails": [["a@example.com"], ["a@example.com", "b@example.com"]],
    "workspace": ["T01", "T02"],
    "Slack.channel": ["C01", "C02"],
    "web_acl_arns": [{"us-west-2": WEB_ACL.format("a")}, {"us-west-2": WEB_ACL.format("b")}],
    "expression": ["rate(1 hour)", "rate(2 hours)"],
    "grace_seconds": [600, 700],
    "flow_logs": ["s3://logs-{region}/a/", "s3://logs-{region}/b/"],
    "health_command": [["CMD-SHELL", "true"], ["CMD", "true"]],
    "init": [False],
    "image": [PUBLIC.format("1"), PUBLIC.format("2")],
    "instance_type": ["inf2.8xlarge", "inf2.24xlarge", "c7g.large", "c7g.xlarge"],
    "interval_seconds": [20, 30],
    "jobs": [],
    "kind": [],
    "linux_capabilities": [["IPC_LOCK"], ["IPC_LOCK", "SYS_NICE"]],
    "local_storage": [True],
    "log_buffer_mib": [10, 50],
    "log_mode": ["blocking"],
    "log_retention_days": [7, 14],
    "max": [1, 2, 3, 4],
    "max_size": [1, 2, 3, 4, 5, 8],
    "memory_mib": [512, 1024],
    "min": [0, 1, 2, 3],
    "min_size": [0, 1, 2],
    "models": [],
    "mounts": [{"c": "/cache"}, {"c": {"path": "/cache", "read_only": True}}],
    "Mount.path": ["/cache", "/mnt/cache"],
    "HostVolumeEntry.path": ["/mnt/a", "/mnt/b"],
    "read_only": [True],
    "directory": ["a", "a/b"],
    "size_gib": [50, 300],
    "volumes": [],
    "snapshot_ids": [
        {"us-west-2": "snap-0123456789abcdef0"},
        {"us-west-2": "snap-0fedcba9876543210"},
    ],
    "initialization_rate_mib": [100, 200],
    "iops": [4000, 6000],
    "throughput_mib": [250, 500],
    "file_system_type": ["ext4"],
    "file_systems": [
        {"us-west-2": "fs-0123456789abcdef0"},
        {"us-west-2": "fs-0fedcba9876543210"},
    ],
    "S3FilesVolumeEntry.file_systems": [
        {"us-west-2": "arn:aws:s3files:us-west-2:111122223333:file-system/fs-0123456789abcdef0"},
        {"us-west-2": "arn:aws:s3files:us-west-2:111122223333:file-system/fs-0fedcba9876543210"},
    ],
    "bucket": ["s3://objects/a/", "s3://objects/b/"],
    "nat": ["one", "per_zone", "none"],
    "network_mode": ["bridge", "host", "awsvpc"],
    "neuron_devices": [1, 2, 3, [0], [1], "all"],
    "path": ["/ping", "/healthz"],
    "discovery": ["cloud_map"],
    "paths": [["/v1/*", "/tokenize"], ["/*"]],
    "health_path": ["/ping", "/healthz"],
    "port": [8080, 9000],
    "ports": [[8080], [9000], [8080, 9090], [9090, 8080]],
    "private_subnets": [],
    "public": [True, {"regions": ["us-west-2"]}, {"anyone": True}],
    "anyone": [True],
    "both_schemes": [True],
    "Public.regions": [["us-west-2"], ["us-east-2"]],
    "public_subnets": [{"usw2-az1": "subnet-0f"}, {"usw2-az1": "subnet-0e"}],
    "purchase": ["on_demand", "spot"],
    "read_only_root": [True],
    "regions": [["us-west-2"], ["us-west-2", "us-east-2"]],
    "replicas": [{"min": 1, "max": 2}, {"min": 2}, 0],
    "reservation_group_arn": [GROUP.format("a"), GROUP.format("b")],
    "reservation_group_arns": [{"us-west-2": GROUP.format("a")}, {"us-west-2": GROUP.format("b")}],
    "reservation_id": ["cr-0a", "cr-0b"],
    "blocks": [],
    "Block.id": ["cr-0a", "cr-0b"],
    "start": ["2026-12-01T11:30:00Z", "2026-12-02T11:30:00Z"],
    "end": ["2026-12-03T11:30:00Z", "2026-12-04T11:30:00Z"],
    "reservation_ids": [{"us-west-2": "cr-0a"}, {"us-west-2": "cr-0b"}],
    "retries": [2, 4],
    "retired": [True],
    "root_volume_gib": [300, 400],
    "s3_read": [["s3://models/a/"], ["s3://models/a/", "s3://models/b/"]],
    "s3_write": [["s3://results/a/"], ["s3://results/a/", "s3://results/b/"]],
    "scale_in_after_seconds": [-1, 600],
    "schedule": [{"expression": "rate(1 hour)"}],
    "scaling": [{"requests_per_minute": 60}, {"external": True}],
    "queue": [4, 8],
    "server_metrics": [True],
    "Scaling.schedule": [
        [{"expression": "rate(1 day)", "min": 1}],
        [{"expression": "rate(2 days)", "min": 1}],
    ],
    "headroom": [1],
    "on_demand_fallback": [True],
    "requests_per_minute": [60, 120],
    "external": [True],
    "cooldown_out_seconds": [3_600, 7_200],
    "cooldown_in_seconds": [3_600, 7_200],
    "secrets": [{"TOKEN": SECRET.format("a-a1b2c3")}, {"TOKEN": SECRET.format("b-a1b2c3")}],
    "registry_login": [SECRET.format("a-a1b2c3"), SECRET.format("b-a1b2c3")],
    "restart": [True],
    "session_manager": [True],
    "stage": ["production"],
    "starts_after": [{"s": "started"}, {"a": "started"}],
    "shared_memory_mib": [64, 128],
    "sidecars": [{"proxy": SIDECAR}, {}],
    "silence": [{"NE501": "known"}, {"NE502": "known"}],
    "start_period_seconds": [30, 60],
    "stop_timeout_seconds": [60, 90],
    "timeout_minutes": [60, 90],
    "attempts": [2, 3],
    "storage_gib": [300, 400],
    "shapes": [{"acme/a": {"like": "Qwen/Qwen3-8B"}}, {"acme/a": {"like": "Qwen/Qwen3-4B"}}],
    "spread": ["instances"],
    "layout": [
        {"us-west-2": {"inf2": {"a": {"1": [1]}}, "pool": {"a": {"1": [2, 3]}}}},
        {"us-west-2": {"pool": {"a": {"1": {"devices": [4, 5], "replicas": 2}}}}},
    ],
    "PlacedService.devices": [[0, 1], [2, 3]],
    "PlacedService.replicas": [1, 3],
    "like": ["Qwen/Qwen3-8B", "Qwen/Qwen3-4B"],
    "model_type": ["llama", "qwen3"],
    "Shape.kind": ["encoder", "embedding"],
    "layers": [20, 40],
    "hidden": [1024, 2048],
    "heads": [16, 32],
    "kv_heads": [8, 16],
    "head_dim": [64, 128],
    "mlp": [8192, 9728],
    "gated": [True, False],
    "experts": [1, 8],
    "vocabulary": [32000, 32768],
    "max_positions": [4096, 8192],
    "windowed_layers": [0, 8],
    "window": [128, 256],
    "tied": [True, False],
    "needs_token": [True, False],
    "tags": [{"team": "a"}, {"team": "b"}],
    "task_policies": [
        ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
        ["arn:aws:iam::aws:policy/AmazonSQSFullAccess"],
    ],
    "timeout_seconds": [3, 10],
    "timezone": ["UTC", "Europe/Berlin"],
    "ulimits": [{"nofile": {"soft": 1024, "hard": 4096}}],
    "user": ["1000", "1000:1000"],
    "version": [],
    "vpc_id": ["vpc-0b", "vpc-0c"],
    "wait_for_steady_state": [True, False],
    "working_directory": ["/opt/a", "/opt/b"],
    "shared_paths": [["/models"], ["/models", "/data"]],
    "writable_paths": [["/tmp"], ["/tmp", "/var/lib/a"]],
    "zone_ids": [["usw2-az1"], ["usw2-az2"], ["usw2-az1", "usw2-az2"], ["usw2-az1", "usw2-az3"]],
}


@dataclass(frozen=True)
class Edit:
    """One field with another value: of which model, where, and the stack file with it."""

    owner: type[BaseModel]
    field: str
    path: tuple[str, ...]
    value: Any
    config: Config


ABSENT = object()


def values_of(owner: type[BaseModel], name: str) -> list[Any]:
    for model in owner.__mro__:
        if f"{model.__name__}.{name}" in VALUES:
            return VALUES[f"{model.__name__}.{name}"]
    return VALUES.get(name, [])


def edits(config: Config) -> Iterator[Edit]:
    """Every edit of one field that leaves the rest as it is; some cannot be built."""
    tree = {
        key.rpartition(":")[2]: load(text).value
        for key, text in config.items()
        if key.startswith(PROJECT)
    }
    for path, model, entry in list(models(tree, Settings, ())):
        for name, info in model.model_fields.items():
            now: Any = entry.get(name, ABSENT)
            choices = [v for v in values_of(model, name) if v != now]
            if now is not ABSENT and not info.is_required():
                choices.append(ABSENT)
            whole = cast(Entry, now if isinstance(now, dict) else {})
            if len(whole) > 1:
                choices += [{k: v for k, v in whole.items() if k != gone} for gone in whole]
            for value in choices:
                changed = copy.deepcopy(tree)
                place: Any = changed
                for step in path:
                    place = place[step]
                if value is ABSENT:
                    del place[name]
                else:
                    place[name] = value
                written = texts({f"{PROJECT}:{k}": v for k, v in changed.items()})
                kept = {k: v for k, v in config.items() if not k.startswith(PROJECT)}
                yield Edit(model, name, (*path, name), value, {**kept, **written})


def models(
    value: Any, annotation: object, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], type[BaseModel], Entry]]:
    """Every map of the stack file that a model describes, with the model."""
    core, is_union = bare(annotation)
    if not isinstance(value, dict):
        return
    members = cast(Entry, value)
    if is_union:
        words = (members.get("kind"), "existing" if "vpc_id" in members else "own", "map")
        found = arms(annotation)
        for word in words:
            if word in found:
                yield from models(members, found[word], path)
                return
    elif is_model(core):
        yield path, core, members
        for name, inner in hints(core).items():
            yield from models(members.get(name), inner, (*path, name))
    elif get_origin(core) is dict:
        for key, member in members.items():
            yield from models(member, get_args(core)[1], (*path, key))
