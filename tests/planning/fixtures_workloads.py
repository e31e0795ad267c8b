"""Fixtures of the rules about cores, container images and containers."""

import json
from typing import Any

from tests.planning.fixtures import PINNED, Fixture
from tests.planning.stacks import Config, certificates, groups, managed, stack, work

NEWEST = "al2023-ami-ecs-neuron-hvm-2023.0.20260922-kernel-6.1-x86_64"
PUBLIC = "public.ecr.aws/neuron/"
VLLM = f"{PUBLIC}pytorch-inference-vllm-neuronx:"
NXDI = f"{VLLM}0.13.0-neuronx-py312-sdk2.28.0-ubuntu24.04"
NXDI_16 = NXDI.replace("0.13.0", "0.16.0").replace("2.28.0", "2.31.1")
PLUGIN = f"{VLLM}0.24.0.1.1.0-neuronx-py313-sdk2.32.0-ubuntu24.04"
OPTIMUM = (
    "dlc/huggingface-vllm-inference-neuronx:0.11.0-optimum0.4.5-neuronx-py310-sdk2.26.1-ubuntu22.04"
)
TENSORFLOW = "dlc/tensorflow-inference-neuronx:2.10.1-neuronx-py310-sdk2.17.0-ubuntu20.04"
PYTORCH = f"{PUBLIC}pytorch-inference-neuronx:2.9.0-neuronx-py312-sdk2.28.0-ubuntu24.04"
TRAINING = f"{PUBLIC}pytorch-training-neuronx:2.9.0-neuronx-py312-sdk2.30.0-ubuntu24.04"
TINY = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
OLD = {"version": PINNED}
INF2, INF2_6, CPU = groups(), groups("inf2.24xlarge"), groups("c7g.xlarge")
INF2_OLD = groups(ami=OLD)
MANAGED = managed("inf2.xlarge")
BLOCK = groups(
    "trn2.48xlarge",
    1,
    purchase="capacity_block",
    reservation_ids={"us-east-2": "cr-0a"},
    zone_ids=["use2-az3"],
)
OHIO: dict[str, Any] = {"home": "us-east-2", "regions": {"us-east-2": {}}}
HERE = certificates("us-west-2")
VISIBLE, NUMBER = "NEURON_RT_VISIBLE_CORES", "NEURON_RT_NUM_CORES"
CACHE = "NEURON_COMPILE_CACHE_URL"
LOGICAL, HOOK = "NEURON_LOGICAL_NC_CONFIG", "AWS_NEURON_VISIBLE_DEVICES"
SKIP = {"NEURON_SKIP_EFA_AFFINITY": "1"}
SECRET = "arn:{}:secretsmanager:{}:111122223333:secret:token-a1b2c3"
FETCH = {"fetch": {"image": "r.io/fetch:1"}}
AFTER_M = {"fetch": {"image": "r.io/fetch:1", "starts_after": {"m": "started"}}}
CHECK = "curl -f http://localhost:{}/health || exit 1"


def on(pool: dict[str, Any], model: dict[str, Any], **keys: Any) -> Config:
    """A stack of one pool and one model."""
    return stack(capacity={"pool": pool}, models={"m": model}, **keys)


def answering(names: str, port: int = 9000, **more: Any) -> dict[str, Any]:
    """Sidecars with these names, each with a port of its own."""
    return {n: {"image": "r.io/s:1", "port": port + i, **more} for i, n in enumerate(names)}


def beside_it(mode: str, port: int) -> Config:
    """A model with port 8080, and a sidecar with another."""
    model = work(1, port=8080, network_mode=mode, sidecars=answering("s", port))
    return on(INF2, model, traffic=HERE)


HOST = {"kind": "host"}
GIVEN = "fs-0123456789abcdef0"
EBS = {"kind": "ebs", "size_gib": 100}
DISK = {"neuron-ecs:volumes": json.dumps({"a": EBS})}
S3_FILES = "arn:aws:s3files:us-west-2:111122223333:file-system/fs-0123456789abcdef0"
ACCESS_POINT = f"{S3_FILES}/access-point/fsap-0123456789abcdef0"
SNAPSHOT = "snap-0123456789abcdef0"
BOTH: dict[str, Any] = {"regions": {"us-east-2": {}, "us-west-2": {}}}


def mounting(
    volume: dict[str, Any] = HOST,
    model: dict[str, Any] | None = None,
    regions: dict[str, Any] | None = None,
    **mounts: Any,
) -> Config:
    """A model that mounts volumes of one kind."""
    entry = work(1, mounts=mounts, **(model or {}))
    keys = {"regions": regions} if regions else {}
    return on(INF2, entry, volumes=dict.fromkeys(mounts, volume), **keys)


def s3_files(arn: str = S3_FILES) -> dict[str, Any]:
    """A volume of S3 Files with this file system or access point."""
    return {"kind": "s3_files", "file_systems": {"us-west-2": arn}, "bucket": "s3://objects/a/"}


def mounting_s3_files(
    arn: str = S3_FILES, pool: dict[str, Any] = MANAGED, volume: Any = None, **mount: Any
) -> Config:
    """A model that mounts a volume of S3 Files."""
    entry = work("all" if pool == MANAGED else 1, mounts={"a": {"path": "/a", **mount}})
    return on(pool, entry, volumes={"a": volume or s3_files(arn)})


def job(pool: dict[str, Any], **more: Any) -> Config:
    """A stack of one pool and one job, on one device."""
    return stack(capacity={"pool": pool}, jobs={"j": work(1, **more)})


def variables(**environment: str) -> Config:
    """One device of an inf2.xlarge, with these variables."""
    return on(INF2, work(1, environment=environment))


def command(*more: str, model: str = TINY, tp: int = 2, blocks: int | None = 4) -> list[str]:
    """What a server of NxD Inference is told, with further options."""
    given = ["vllm", "serve", model, f"--tensor-parallel-size={tp}"]
    given += ["--max-num-seqs=4", "--max-model-len=2048", "--no-enable-prefix-caching"]
    return [*given, *([f"--num-gpu-blocks-override={blocks}"] if blocks else []), *more]


def nxdi(pool: dict[str, Any] = INF2_OLD, devices: object = 1, **more: Any) -> Config:
    """A model of NxD Inference, whole, where nothing else is said."""
    given: dict[str, Any] = {"image": NXDI, "command": command(), **more}
    keys = {key: given.pop(key, {}) for key in ("traffic", "volumes")}
    return on(pool, work(devices, **given), **keys)


def plugin(environment: dict[str, str] = SKIP, image: str = PLUGIN) -> Config:
    """A model of the vLLM plugin on four devices of a trn2.48xlarge, with 16 cores."""
    given = ["vllm", "serve", "meta-llama/Llama-3.3-70B-Instruct", "--tensor-parallel-size=16"]
    given += ["--max-num-seqs=8", "--max-model-len=16384"]
    return on(BLOCK, work(4, image=image, command=given, environment=environment), **OHIO)


def torchrun(count: int) -> Config:
    return job(INF2, command=["torchrun", f"--nproc_per_node={count}", "/opt/train.py"])


def sidecar(**more: Any) -> dict[str, Any]:
    return {"watcher": {"image": "watcher:1", **more}}


def beside(mode: str, **more: Any) -> Config:
    """A model that serves on port 8080 beside a sidecar."""
    model = work(1, port=8080, network_mode=mode, sidecars=sidecar(**more))
    return on(INF2, model, traffic=HERE)


def pair(mine: dict[str, str], other: dict[str, str], image: str = "second:1") -> Config:
    """Two containers on the four cores of an inf1.xlarge, with these variables."""
    second = {"image": image, "neuron_devices": "all", "environment": other}
    model = work([0], environment=mine, sidecars={"second": second})
    return on(groups("inf1.xlarge"), model)


def slice_of(cores: str) -> Config:
    """A server of tensor parallel size 8 on some cores of a whole trn2.48xlarge."""
    environment = {**SKIP, "NEURON_VISIBLE_DEVICES": cores}
    given = command(model="meta-llama/Llama-3.3-70B-Instruct", tp=8, blocks=None)
    return on(BLOCK, work("all", image=PLUGIN, command=given, environment=environment), **OHIO)


def gunicorn(count: int, **environment: str) -> Config:
    """A web server with so many workers on the two cores of an inf2.xlarge."""
    served = ["gunicorn", "main:app", f"--workers={count}"]
    return on(INF2, work(1, command=served, environment=environment))


def small(replicas: int, **more: Any) -> dict[str, Any]:
    """A model without devices."""
    return work(cpu_units=256, memory_mib=512, replicas={"min": replicas}, **more)


def asked(port: int, path: str) -> Config:
    """A model on port 8080 whose container check asks a port."""
    check = {"path": path, "command": ["CMD-SHELL", CHECK.format(port)]}
    return on(INF2, work(1, port=8080, health_check=check), traffic=HERE)


def two_images(**pool: Any) -> Config:
    """Two models of different images on one pool."""
    models = {name: work(1, image=f"{name}:1") for name in ("a", "b")}
    return stack(capacity={"pool": groups(**pool)}, models=models)


def serving(account: str, region: str) -> Config:
    """A model whose image is pulled from an account's registry."""
    image = f"{account}.dkr.ecr.{region}.amazonaws.com/serving:1.0"
    return on(INF2, work(1, image=image))


def checked(**check: Any) -> Config:
    check = {"command": ["CMD-SHELL", CHECK.format(8080)], **check}
    return on(INF2, work(1, health_check=check))


S3_CACHE = {"NEURON_COMPILE_CACHE_URL": "s3://my-cache/neuron"}
READS = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
WRITES = "arn:aws:iam::111122223333:policy/neuron-cache"

FIXTURES: dict[str, Fixture] = {
    "NE219": Fixture(
        f"models.m.environment.{VISIBLE}",
        variables(**{VISIBLE: "1-0"}),
        variables(**{VISIBLE: "0-1"}),
    ),
    "NE220": Fixture(
        f"models.m.environment.{VISIBLE}",
        on(INF2_6, work([2, 3], environment={VISIBLE: "0-3"})),
        on(INF2_6, work([2, 3], environment={VISIBLE: "4-7"})),
    ),
    "NE221": Fixture(
        f"models.m.environment.{VISIBLE}",
        on(INF2_6, work(1, replicas={"min": 2}, environment={VISIBLE: "0-1"})),
        on(INF2_6, work(1, replicas={"min": 2}, environment={NUMBER: "2"})),
    ),
    "NE222": Fixture(
        f"models.m.environment.{NUMBER}", variables(**{NUMBER: "4"}), variables(**{NUMBER: "2"})
    ),
    "NE223": Fixture(
        f"models.m.environment.{NUMBER}", variables(**{NUMBER: "1"}), variables(**{NUMBER: "2"})
    ),
    "NE224": Fixture(
        f"models.m.environment.{NUMBER}",
        variables(**{NUMBER: "2", VISIBLE: "0-1"}),
        variables(**{VISIBLE: "0-1"}),
    ),
    "NE225": Fixture(
        "models.m.environment.NEURON_VISIBLE_DEVICES",
        plugin({**SKIP, "NEURON_VISIBLE_DEVICES": "0-7"}),
        plugin({**SKIP, "NEURON_VISIBLE_DEVICES": "0-15"}),
    ),
    "NE226": Fixture(
        "models.m.environment.NEURON_VISIBLE_DEVICES",
        nxdi(environment={"NEURON_VISIBLE_DEVICES": "0-1"}),
        nxdi(environment={VISIBLE: "0-1"}),
    ),
    "NE227": Fixture(
        f"models.m.environment.{LOGICAL}", variables(**{LOGICAL: "2"}), variables(**{NUMBER: "2"})
    ),
    "NE228": Fixture(
        f"models.m.environment.{HOOK}", variables(**{HOOK: "ALL"}), variables(**{NUMBER: "2"})
    ),
    "NE229": Fixture("models.m.command", nxdi(command=command(tp=8)), nxdi(command=command(tp=2))),
    "NE230": Fixture("models.m.command", nxdi(command=command(tp=1)), nxdi(command=command(tp=2))),
    "NE231": Fixture(
        "models.m.command",
        nxdi(groups("inf2.24xlarge", ami=OLD), 3, command=command(tp=6)),
        nxdi(groups("inf2.24xlarge", ami=OLD), 4, command=command(tp=8)),
    ),
    "NE232": Fixture("jobs.j.command", torchrun(4), torchrun(2)),
    "NE233": Fixture("jobs.j.command", torchrun(1), torchrun(2)),
    "NE234": Fixture(
        "models.m.command",
        nxdi(command=command(model="Qwen/Qwen3-8B")),
        nxdi(command=command(model="Qwen/Qwen2.5-7B-Instruct")),
        beside=frozenset({"NE912"}),
    ),
    "NE235": Fixture(
        f"models.m.sidecars.second.environment.{VISIBLE}",
        pair({VISIBLE: "0-1"}, {VISIBLE: "1-2"}),
        pair({VISIBLE: "0-1"}, {VISIBLE: "2-3"}),
    ),
    "NE236": Fixture(
        f"models.m.sidecars.second.environment.{NUMBER}",
        pair({NUMBER: "2"}, {NUMBER: "3"}),
        pair({NUMBER: "2"}, {NUMBER: "2"}),
    ),
    "NE237": Fixture(
        "models.m.sidecars.second.neuron_devices",
        pair({NUMBER: "2"}, {}),
        pair({NUMBER: "2"}, {}, f"{PUBLIC}neuron-monitor:1.3.0"),
    ),
    "NE238": Fixture("models.m.command", gunicorn(2), gunicorn(2, **{NUMBER: "1"})),
    "NE239": Fixture(
        "models.m.environment.NEURON_VISIBLE_DEVICES", slice_of("4-11"), slice_of("8-15")
    ),
    "NE317": Fixture(
        "models.m.stop_timeout_seconds",
        on(INF2, work(1, stop_timeout_seconds=29)),
        on(INF2, work(1, stop_timeout_seconds=30)),
    ),
    "NE318": Fixture(
        "models.m.network_mode",
        on(groups("c7g.xlarge", 1), small(4, network_mode="awsvpc")),
        on(groups("c7g.xlarge", 1), small(4, network_mode="bridge")),
    ),
    "NE337": Fixture(
        "models.m.health_check.command",
        on(INF2, work(1, health_check={"command": ["curl", "localhost"], "retries": 10})),
        on(INF2, work(1, health_check={"command": ["CMD", "curl", "localhost"], "retries": 10})),
    ),
    "NE338": Fixture(
        "models.m.environment.NEURON_COMPILE_CACHE_URL",
        on(INF2, work(1, environment=S3_CACHE, task_policies=[READS])),
        on(INF2, work(1, environment=S3_CACHE, task_policies=[WRITES])),
    ),
    "NE339": Fixture(
        "models.m.environment.VLLM_NEURON_REMOTE_CACHE",
        on(INF2, work(1, environment={"VLLM_NEURON_REMOTE_CACHE": "/cache"})),
        on(INF2, work(1, environment={"NEURON_LIBTORCH_REMOTE_CACHE": "/cache"})),
    ),
    "NE320": Fixture(
        "models.m.port",
        on(INF2, work(1, port=20_000), traffic=HERE),
        on(INF2, work(1, port=8080), traffic=HERE),
    ),
    "NE321": Fixture(
        "models.m.health_check",
        checked(interval_seconds=29, retries=10),
        checked(interval_seconds=30, retries=10),
    ),
    "NE322": Fixture(
        "models.m.health_check.command", asked(9090, "/health"), asked(8080, "/health")
    ),
    "NE323": Fixture(
        "models.m.environment.DB_PASSWORD",
        variables(DB_PASSWORD="PASSWORD"),
        variables(DB_PASSWORD_FILE="PASSWORD"),
    ),
    "NE325": Fixture(
        "models.m.secrets.TOKEN",
        on(INF2, work(1, secrets={"TOKEN": SECRET.format("aws", "us-east-1")})),
        on(INF2, work(1, secrets={"TOKEN": SECRET.format("aws", "{region}")})),
    ),
    "NE326": Fixture(
        "models.m.secrets.TOKEN",
        on(INF2, work(1, secrets={"TOKEN": SECRET.format("aws-us-gov", "us-gov-west-1")})),
        on(INF2, work(1, secrets={"TOKEN": SECRET.format("aws", "us-west-2")})),
    ),
    "NE327": Fixture(
        "models.m.linux_capabilities",
        on(INF2, work(1, linux_capabilities=["CAP_IPC_LOCK"])),
        on(INF2, work(1, linux_capabilities=["IPC_LOCK"])),
    ),
    "NE328": Fixture(
        "models.m.linux_capabilities",
        on(INF2, work(1, linux_capabilities=["SYS_ADMIN"])),
        on(INF2, work(1, linux_capabilities=["IPC_LOCK"])),
    ),
    "NE329": Fixture(
        "capacity.pool.root_volume_gib",
        two_images(root_volume_gib=39),
        two_images(root_volume_gib=40),
    ),
    "NE330": Fixture(
        "models.m.shared_memory_mib",
        on(INF2, work(1, memory_mib=8192, shared_memory_mib=8193)),
        on(INF2, work(1, memory_mib=8192, shared_memory_mib=8192)),
    ),
    "NE331": Fixture(
        "models.m.read_only_root",
        on(CPU, small(1, exec=True, read_only_root=True)),
        on(CPU, small(1, exec=True)),
    ),
    "NE332": Fixture(
        "models.m.read_only_root",
        on(INF2, work(1, read_only_root=True, environment={CACHE: "/opt/cache"})),
        on(INF2, work(1, read_only_root=True, environment={CACHE: "/var/tmp/cache"})),
    ),
    "NE352": Fixture(
        "models.m.starts_after.fecth",
        on(CPU, small(1, starts_after={"fecth": "success"}, sidecars=FETCH)),
        on(CPU, small(1, starts_after={"fetch": "success"}, sidecars=FETCH)),
    ),
    "NE353": Fixture(
        "models.m.starts_after",
        on(CPU, small(1, starts_after={"fetch": "started"}, sidecars=AFTER_M)),
        on(CPU, small(1, sidecars=AFTER_M)),
    ),
    "NE354": Fixture(
        "models.m.starts_after.fetch",
        on(CPU, small(1, starts_after={"fetch": "healthy"}, sidecars=FETCH)),
        on(CPU, small(1, starts_after={"fetch": "complete"}, sidecars=FETCH)),
    ),
    "NE355": Fixture(
        "models.m.ulimits.nofile.soft",
        on(CPU, small(1, ulimits={"nofile": {"soft": -1, "hard": 4096}})),
        on(CPU, small(1, ulimits={"nofile": {"soft": 4096, "hard": -1}})),
    ),
    "NE333": Fixture(
        "models.m.sidecars.watcher.command[0]",
        beside("bridge", command=["--target=http://localhost:8080/metrics"]),
        beside("bridge", command=["--target=http://m:8080/metrics"]),
    ),
    "NE334": Fixture(
        "models.m.sidecars.watcher.environment.TARGET",
        beside("host", environment={"TARGET": "http://m:8080/metrics"}),
        beside("host", environment={"TARGET": "http://localhost:8080/metrics"}),
        frozenset({"NE726"}),
    ),
    "NE335": Fixture(
        "models.m.sidecars.watcher.command",
        beside("host", command=["--port=8080"]),
        beside("host", command=["--port=9000"]),
    ),
    "NE336": Fixture(
        "models.m.user", on(INF2, work(1, user="1000:")), on(INF2, work(1, user="1000:1000"))
    ),
    "NE406": Fixture(
        "models.m.image", nxdi(image=PLUGIN, environment=SKIP), nxdi(image=NXDI, environment=SKIP)
    ),
    "NE407": Fixture(
        "models.m.image",
        nxdi(INF2, image=NXDI_16),
        nxdi(INF2, image=NXDI),
    ),
    "NE408": Fixture("models.m.image", nxdi(groups(ami={"version": NEWEST})), nxdi(INF2_OLD)),
    "NE409": Fixture(
        "models.m.image",
        nxdi(groups(ami={"family": "al2"})),
        nxdi(groups(ami={"family": "al2023"})),
        beside=frozenset({"NE401"}),
    ),
    "NE410": Fixture(
        "jobs.j.image", job(INF2, image=TRAINING.replace("2.30", "2.31")), job(INF2, image=TRAINING)
    ),
    "NE411": Fixture(
        "models.m.image",
        on(INF2_OLD, work(1, image=TENSORFLOW)),
        on(INF2_OLD, work(1, image=PYTORCH)),
    ),
    "NE412": Fixture(
        "models.m.image", serving("111122223333", "us-east-1"), serving("111122223333", "{region}")
    ),
    "NE413": Fixture(
        "models.m.image", serving("626614931356", "us-west-2"), serving("763104351884", "us-west-2")
    ),
    "NE414": Fixture(
        "models.m.image",
        on(INF2, work(1, image="public.ecr.aws/acme/serving:latest")),
        on(INF2, work(1, image="public.ecr.aws/acme/serving:1.0")),
    ),
    "NE426": Fixture(
        "models.m.image",
        on(INF2, work(1, image="vllm/vllm-openai:v0.13.0")),
        on(INF2, work(1, image="acme/vllm-neuron:v0.13.0")),
    ),
    "NE427": Fixture(
        "models.m.command",
        nxdi(command=command(model="/models/tiny")),
        nxdi(command=command(model="/models/tiny"), mounts={"a": "/models/"}, volumes={"a": HOST}),
    ),
    "NE360": Fixture(
        "models.m.mounts.cache",
        on(INF2, work(1, mounts={"cache": "/cache"}), volumes={"cash": HOST}),
        on(INF2, work(1, mounts={"cash": "/cache"}), volumes={"cash": HOST}),
    ),
    "NE361": Fixture("volumes.a", on(INF2, work(1), volumes={"a": HOST}), mounting(a="/a")),
    "NE362": Fixture("models.m.mounts.b", mounting(a="/a", b="/a/"), mounting(a="/a", b="/a/b")),
    "NE363": Fixture("models.m.mounts.a", mounting(a="/proc/a"), mounting(a="/processes")),
    "NE364": Fixture("models.m.mounts.a", mounting(a="/usr/"), mounting(a="/usr/share/models")),
    "NE365": Fixture(
        "volumes.a.path",
        mounting({"kind": "host", "path": "/etc/ecs"}, a="/a"),
        mounting({"kind": "host", "path": "/etcetera"}, a="/a"),
    ),
    "NE366": Fixture(
        "models.m.mounts.a",
        mounting({"kind": "host", "path": "/mnt/a"}, {"user": "1000:1000"}, a="/a"),
        mounting({"kind": "host", "path": "/mnt/a"}, {"user": "0:1000"}, a="/a"),
    ),
    "NE367": Fixture(
        "models.m.mounts.a",
        mounting(a={"path": "/a", "read_only": True}),
        mounting(
            {"kind": "host", "path": "/mnt/a"},
            a={"path": "/a", "read_only": True},
        ),
    ),
    "NE368": Fixture(
        "models.m",
        on(MANAGED, work("all", mounts={"a": "/a"}), volumes={"a": HOST}),
        on(MANAGED, work("all", mounts={}), volumes={"a": HOST}),
        beside=frozenset({"NE403", "NE603"}),
    ),
    "NE369": Fixture(
        "models.m.mounts.a.directory",
        mounting({"kind": "efs"}, a={"path": "/a", "directory": f"{'a' * 30}/{'b' * 63}"}),
        mounting({"kind": "efs"}, a={"path": "/a", "directory": f"{'a' * 30}/{'b' * 62}"}),
    ),
    "NE370": Fixture(
        "volumes.a.file_systems",
        mounting({"kind": "efs", "file_systems": {"us-east-2": GIVEN}}, a="/a", **BOTH),
        mounting(
            {"kind": "efs", "file_systems": dict.fromkeys(BOTH["regions"], GIVEN)}, a="/a", **BOTH
        ),
    ),
    "NE371": Fixture(
        "volumes.a.file_systems",
        mounting({"kind": "efs", "file_systems": {"us-west-2": GIVEN}}, a="/a"),
        mounting({"kind": "efs"}, a="/a"),
    ),
    "NE372": Fixture("models.m.mounts.b", mounting(EBS, a="/a", b="/b"), mounting(EBS, a="/a")),
    "NE373": Fixture(
        "jobs.j.mounts.a",
        job(INF2, mounts={"a": "/a"}, schedule={"expression": "rate(3 hours)"}) | DISK,
        job(INF2, mounts={"a": "/a"}) | DISK,
    ),
    "NE374": Fixture(
        "volumes.a.iops",
        mounting({**EBS, "iops": 2999}, a="/a"),
        mounting({**EBS, "iops": 3000}, a="/a"),
    ),
    "NE375": Fixture(
        "volumes.a.size_gib",
        mounting({**EBS, "size_gib": 16_385}, a="/a"),
        mounting({**EBS, "size_gib": 16_384}, a="/a"),
    ),
    "NE376": Fixture(
        "volumes.a",
        mounting({"kind": "ebs"}, a="/a"),
        mounting({"kind": "ebs", "snapshot_ids": {"us-west-2": SNAPSHOT}}, a="/a"),
    ),
    "NE377": Fixture(
        "volumes.a.snapshot_ids",
        mounting({**EBS, "snapshot_ids": {"us-east-2": SNAPSHOT}}, a="/a", **BOTH),
        mounting({**EBS, "snapshot_ids": dict.fromkeys(BOTH["regions"], SNAPSHOT)}, a="/a", **BOTH),
    ),
    "NE378": Fixture(
        "volumes.a.initialization_rate_mib",
        mounting({**EBS, "initialization_rate_mib": 200}, a="/a"),
        mounting(
            {**EBS, "initialization_rate_mib": 200, "snapshot_ids": {"us-west-2": SNAPSHOT}}, a="/a"
        ),
    ),
    "NE379": Fixture("models.m", mounting(EBS, a="/a"), mounting(a="/a")),
    "NE380": Fixture(
        "models.m.mounts.a.directory",
        mounting(EBS, a={"path": "/a", "directory": "b"}),
        mounting(a={"path": "/a", "directory": "b"}),
    ),
    "NE381": Fixture(
        "volumes.d.size_gib",
        mounting({**HOST, "size_gib": 16_384}, a="/a", b="/b", c="/c", d="/d"),
        mounting({**HOST, "size_gib": 16_384}, a="/a", b="/b", c="/c"),
    ),
    "NE382": Fixture(
        "models.m.mounts.a",
        mounting_s3_files(pool=INF2),
        mounting_s3_files(pool=INF2, volume={"kind": "efs"}),
    ),
    "NE383": Fixture(
        "volumes.a.file_systems.us-west-2",
        mounting_s3_files(S3_FILES.replace("us-west-2", "us-east-2")),
        mounting_s3_files(),
    ),
    "NE384": Fixture(
        "models.m.mounts.a.directory",
        mounting_s3_files(ACCESS_POINT, directory="a/b"),
        mounting_s3_files(directory="a/b"),
    ),
    "NE391": Fixture("models.m.sidecars.s.port", beside_it("host", 8080), beside_it("host", 8081)),
    "NE392": Fixture(
        "models.m.sidecars.e.port",
        on(INF2, work(1, port=8080, sidecars=answering("abcde")), traffic=HERE),
        on(INF2, work(1, port=8080, sidecars=answering("abcd")), traffic=HERE),
    ),
    "NE393": Fixture(
        "models.m.sidecars.s.path",
        on(INF2, work(1, sidecars={"s": {"image": "r.io/s:1", "path": "/s"}})),
        on(INF2, work(1, sidecars=answering("s", path="/s")), traffic=HERE),
    ),
    "NE415": Fixture("models.m.command", nxdi(command=[]), nxdi()),
    "NE416": Fixture(
        "models.m.command",
        nxdi(image=OPTIMUM, command=["vllm", "serve", TINY, "--tensor-parallel-size=2"]),
        nxdi(image=OPTIMUM, command=["--model", TINY, "--tensor-parallel-size=2"]),
    ),
    "NE417": Fixture(
        "models.m.command",
        nxdi(command=[word for word in command() if "max-model-len" not in word]),
        nxdi(command=command()),
    ),
    "NE418": Fixture(
        "models.m.command", nxdi(command=command(blocks=3)), nxdi(command=command(blocks=4))
    ),
    "NE419": Fixture(
        "models.m.command", nxdi(command=command("--device", "neuron")), nxdi(command=command())
    ),
    "NE420": Fixture("models.m.environment", plugin({}), plugin(SKIP), beside=frozenset({"NE914"})),
    "NE421": Fixture(
        "models.m.port",
        nxdi(port=8080, command=command(), traffic=HERE),
        nxdi(port=8080, command=command("--port=8080"), traffic=HERE),
    ),
    "NE422": Fixture(
        "models.m.image",
        on(INF2, work(1, image=f"{PUBLIC}vllm:1")),
        on(INF2, work(1, image="public.ecr.aws/acme/vllm:1")),
    ),
    "NE424": Fixture(
        "models.m.image",
        nxdi(groups("inf2.xlarge"), image=f"{VLLM}0.11.0-neuronx-py312-sdk2.28.0-ubuntu24.04"),
        nxdi(groups("inf2.xlarge"), image=f"{VLLM}0.11.0-neuronx-py312-sdk2.27.1-ubuntu24.04"),
    ),
}
