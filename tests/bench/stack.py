"""The stack file that is measured: every documented Region, twenty models in each, and jobs.

    python -m tests.bench.stack [shared | distinct] [one-changed | all-changed] [REGIONS] [MODELS]

The sixteen documented Regions that offer a Neuron type have all models; ap-northeast-3, which
offers none, has a pool of CPU instances. Where a Region offers Inf2 or Trn1, some models run on
those instead of Inf1. `distinct` gives every Region models of its own (320 entries instead of 20).
`one-changed` is the stack with other replicas of one model in one Region, `all-changed` with a new
image of every model: what a diff is measured with.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

import catalog

PROJECT = "neuron-ecs"
HOME = "us-west-2"
MODELS = 20
CPU_REGION = "ap-northeast-3"
DRIVER = "al2023-ami-ecs-neuron-hvm-2023.0.20260701-kernel-6.1-x86_64"
ACCOUNT = "111122223333"
CERTIFICATE = "11111111-2222-3333-4444-555555555555"

Entry = dict[str, Any]

_POOLS: Mapping[str, tuple[str, int]] = {
    "inf1-large": ("inf1.24xlarge", 6),
    "inf1-medium": ("inf1.6xlarge", 12),
    "inf1-small": ("inf1.xlarge", 24),
    "inf2-large": ("inf2.48xlarge", 8),
    "inf2-small": ("inf2.xlarge", 24),
    "trn1-train": ("trn1.32xlarge", 2),
}
"""Auto Scaling pools: instance type and instances at most."""

_SHAPES: Sequence[tuple[str, str, int | str | list[int], int, int]] = (
    ("inf1-large", "inf2-large", 4, 2, 4),
    ("inf1-large", "inf2-large", 2, 2, 2),
    ("inf1-large", "inf2-large", 1, 3, 6),
    ("inf1-large", "", 4, 1, 1),
    ("inf1-large", "", 1, 2, 2),
    ("inf1-large", "", [15], 1, 2),
    ("inf1-medium", "", 4, 1, 2),
    ("inf1-medium", "", 2, 2, 2),
    ("inf1-medium", "", 1, 1, 1),
    ("inf1-small", "inf2-small", 1, 1, 3),
    ("inf1-small", "inf2-small", 1, 2, 2),
    ("inf1-small", "trn1-managed", "all", 1, 2),
)
"""Pool, the pool to prefer where it exists, Neuron devices, least and most replicas; in turn."""


def regions_with_neuron(tables: catalog.Catalog) -> tuple[str, ...]:
    """The documented Regions that offer any type with Neuron devices."""
    return tuple(
        name
        for name, region in tables.places.regions.items()
        if region.neuron_ami == "documented"
        and any(tables.places.zones_offering(kind, name) for kind in tables.instances.neuron_types)
    )


def document(
    *,
    distinct: bool = False,
    models: int = MODELS,
    only: Sequence[str] | None = None,
) -> Entry:
    """The stack file as plain data; `only` keeps so many of its Regions."""
    tables = catalog.load()
    regions = tuple(only if only is not None else regions_with_neuron(tables))
    everywhere = [*regions, *([CPU_REGION] if only is None else [])]
    pools = _pools(tables, regions, cpu=only is None)
    entries = _models(pools, regions, models, distinct=distinct)
    if only is None:
        entries["tokenizer"] = _tokenizer()
    config: Entry = {
        "aws:region": regions[0] if HOME not in regions else HOME,
        f"{PROJECT}:tags": {"environment": "bench", "team": "ml-platform", "cost-centre": "4711"},
        f"{PROJECT}:regions": {name: {} for name in everywhere},
        f"{PROJECT}:capacity": pools,
        f"{PROJECT}:models": entries,
        f"{PROJECT}:jobs": _jobs(pools),
        f"{PROJECT}:traffic": {
            "allow_from": ["10.0.0.0/8", "172.16.0.0/12"],
            "certificate_arns": {
                name: f"arn:aws:acm:{name}:{ACCOUNT}:certificate/{CERTIFICATE}"
                for name in everywhere
            },
        },
    }
    return {"config": config}


CHANGED_MODEL, CHANGED_REGION = "model-03", "us-east-2"


def with_one_changed(document: Entry) -> Entry:
    """The stack with one more replica, at most, of one model in one Region."""
    model = document["config"][f"{PROJECT}:models"][CHANGED_MODEL]
    model["regions"][CHANGED_REGION] = {
        **model["regions"][CHANGED_REGION],
        "replicas": {"min": 1, "max": 2},
    }
    return document


def with_all_changed(document: Entry) -> Entry:
    """The stack with a new image of every model."""
    for model in document["config"][f"{PROJECT}:models"].values():
        model["image"] += "-next"
    return document


def _pools(tables: catalog.Catalog, regions: Sequence[str], *, cpu: bool) -> dict[str, Entry]:
    pools: dict[str, Entry] = {}
    for name, (kind, most) in _POOLS.items():
        here = [r for r in regions if tables.places.zones_offering(kind, r)]
        if here:
            pools[name] = {
                "kind": "auto_scaling",
                "instance_type": kind,
                "max_size": most,
                "root_volume_gib": 300,
                "ami": {"version": DRIVER},
                "regions": here,
            }
    here = [r for r in regions if tables.places.zones_offering("trn1.2xlarge", r)]
    if here:
        pools["trn1-managed"] = {
            "kind": "managed_instances",
            "allowed_instance_types": ["trn1.2xlarge"],
            "storage_gib": 200,
            "regions": here,
        }
    if cpu:
        pools["cpu"] = {
            "kind": "auto_scaling",
            "instance_type": "c7g.xlarge",
            "max_size": 3,
            "regions": [CPU_REGION],
        }
    return pools


def _models(
    pools: Mapping[str, Entry], regions: Sequence[str], number: int, *, distinct: bool
) -> dict[str, Entry]:
    if distinct:
        return {
            f"m{index:02}-{region}": _model(index, pools, (region,))
            for region in regions
            for index in range(number)
        }
    return {f"model-{index:02}": _model(index, pools, regions) for index in range(number)}


def _model(index: int, pools: Mapping[str, Entry], regions: Sequence[str]) -> Entry:
    pool, better, devices, least, most = _SHAPES[index % len(_SHAPES)]
    served: Entry = {
        "image": f"{ACCOUNT}.dkr.ecr.{{region}}.amazonaws.com/models/model-{index:02}:1.4.{index}",
        "command": [
            "serve",
            f"--model=s3://models-{{region}}/model-{index:02}",
            "--port=8080",
            "--max-num-seqs=8",
            "--max-model-len=8192",
        ],
        "capacity": pool,
        "neuron_devices": devices,
        "port": 8080,
        "replicas": {"min": least, "max": most} if most > least else {"min": least},
        "regions": {
            r: {"capacity": better} if r in pools.get(better, {"regions": ()})["regions"] else {}
            for r in regions
        },
        "environment": {"MODEL_NAME": f"model-{index:02}", "LOG_LEVEL": "info"},
    }
    if index % 2 == 0:
        served["secrets"] = {
            "HF_TOKEN": f"arn:aws:secretsmanager:{{region}}:{ACCOUNT}:secret:hugging-face-token"
        }
    if index % 3 == 0:
        served["s3_read"] = [f"s3://models-{{region}}/model-{index:02}/"]
    if index % 4 == 0:
        served["health_check"] = {
            "path": "/v1/health",
            "interval_seconds": 20,
            "grace_seconds": 1200,
            "command": ["CMD-SHELL", "curl -fs http://localhost:8080/v1/health || exit 1"],
        }
    if index % 5 == 0:
        served["shared_memory_mib"] = 4096
    if index % 10 == 9:
        served["exec"] = True
    return served


def _tokenizer() -> Entry:
    return {
        "image": f"{ACCOUNT}.dkr.ecr.{{region}}.amazonaws.com/tokenizer:1.4.2",
        "capacity": "cpu",
        "cpu_units": 1024,
        "memory_mib": 2048,
        "port": 9000,
        "replicas": {"min": 2},
    }


def _jobs(pools: Mapping[str, Entry]) -> dict[str, Entry]:
    jobs: dict[str, Entry] = {
        "embed": {
            "image": f"{ACCOUNT}.dkr.ecr.{{region}}.amazonaws.com/embed:2.0",
            "command": ["embed", "--all"],
            "capacity": "inf1-medium",
            "neuron_devices": 1,
            "s3_read": ["s3://corpus-{region}/documents/"],
            "schedule": {"expression": "rate(12 hours)"},
        },
        "device-check": {
            "image": f"{ACCOUNT}.dkr.ecr.{{region}}.amazonaws.com/embed:2.0",
            "command": ["neuron-ls", "--json-output"],
            "capacity": "inf1-small",
            "neuron_devices": 1,
        },
    }
    if "trn1-train" in pools:
        jobs["finetune"] = {
            "image": f"{ACCOUNT}.dkr.ecr.{{region}}.amazonaws.com/finetune:2.9.0",
            "command": ["torchrun", "--nproc_per_node=32", "/opt/train/finetune.py"],
            "capacity": "trn1-train",
            "neuron_devices": "all",
            "shared_memory_mib": 65536,
            "stop_timeout_seconds": 600,
            "secrets": {"HF_TOKEN": "/training/token"},
            "schedule": {"expression": "cron(0 1 ? * SAT *)", "timezone": "Europe/Berlin"},
        }
    return jobs


def text(value: Any, indent: int = 0) -> str:
    """The data as people write YAML: block maps and lists, quotes where they are needed."""
    pad = "  " * indent
    match value:
        case dict() if value:
            members = cast("dict[str, Any]", value)
            return "".join(
                f"{pad}{key}:{_member(member, indent)}" for key, member in members.items()
            )
        case list():
            items = cast("list[Any]", value)
            return "".join(f"{pad}- {_scalar(item)}\n" for item in items)
        case _:
            return f"{pad}{_scalar(value)}\n"


def _member(value: Any, indent: int) -> str:
    if isinstance(value, dict) and value:
        return "\n" + text(value, indent + 1)
    if isinstance(value, list) and value:
        return "\n" + text(value, indent + 1)
    return f" {_scalar(value)}\n"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        needs = any(mark in value for mark in "{}[]*#&!|>%@`'\",?") or ": " in value
        plain = not needs and not value[:1].isdigit() and value[:1] not in "-/"
        return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "{}" if value == {} else str(value)


def main(arguments: Sequence[str]) -> int:
    """Prints the stack file."""
    distinct = "distinct" in arguments
    numbers = [int(a) for a in arguments if a.isdecimal()]
    only = regions_with_neuron(catalog.load())[: numbers[0]] if numbers else None
    models = numbers[1] if len(numbers) > 1 else MODELS
    found = document(distinct=distinct, models=models, only=only)
    if "one-changed" in arguments:
        found = with_one_changed(found)
    if "all-changed" in arguments:
        found = with_all_changed(found)
    sys.stdout.write(text(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
