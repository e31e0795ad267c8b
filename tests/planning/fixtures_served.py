"""Fixtures of the rules about models of `serve`."""

from typing import Any

from tests.planning.fixtures import PINNED, Fixture
from tests.planning.stacks import Config, Entry, certificates, groups, stack, work

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
TINY = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
TOKEN_THERE = {"HF_TOKEN": "arn:aws:secretsmanager:us-east-2:111122223333:secret:hf-a1b2c3"}
TOKEN = {"HF_TOKEN": "arn:aws:secretsmanager:us-west-2:111122223333:secret:hf-a1b2c3"}


def serving(
    serve: Entry, pool: Entry | None = None, *, shapes: Entry | None = None, **more: Any
) -> Config:
    """One model of `serve` on one pool, inf2.8xlarge where no other is given."""
    keys: Entry = {"shapes": shapes} if shapes else {}
    if "volumes" in more:
        keys["volumes"] = more.pop("volumes")
    keys["traffic"] = certificates("us-west-2")
    model = {"capacity": "pool", "serve": serve, **more}
    where = pool or groups("inf2.8xlarge", ami={"version": PINNED})
    return stack(capacity={"pool": where}, models={"m": model}, **keys)


MARS = "s3://my-models/archives/"
SHARED: Entry = {"shared": {"kind": "efs"}}


def compiled(
    serve: Entry | None = None, *, on: Entry | None = None, model: Entry | None = None, **keys: Any
) -> Config:
    """One model of `serve` on inf2.8xlarge that a job compiles ahead, on a pool of its own."""
    pool = groups("inf2.8xlarge", ami={"version": PINNED})
    ahead = {"model": TINY, "cache": "shared", "compile": "ahead"}
    ahead |= {"compile_on": "other"} if on else {}
    return stack(
        capacity={"pool": pool, **({"other": on} if on else {})},
        models={"m": {"capacity": "pool", "serve": ahead | (serve or {}), **(model or {})}},
        volumes=SHARED,
        traffic=certificates(*keys.get("regions", {"us-west-2": {}})),
        **keys,
    )


def _other(instance_type: str = "inf2.xlarge", **more: Any) -> Entry:
    return groups(instance_type, ami={"version": PINNED}, **more)


def _in_two(on: Entry) -> Config:
    """A model in two Regions that is compiled on another pool."""
    return compiled(on=on, regions={"us-west-2": {}, "us-east-2": {}})


def _mounted(directory: str) -> Entry:
    return {"shared": {"path": "/mnt/shared", "directory": directory}}


def in_ohio(serve: Entry) -> Config:
    """One model of `serve` on Trainium 2."""
    pool = groups("trn2.48xlarge", 1, purchase="capacity_block", zone_ids=["use2-az1"])
    pool |= {"reservation_ids": {"us-east-2": "cr-0a1b2c3d"}, "root_volume_gib": 600}
    return stack(
        home="us-east-2",
        regions={"us-east-2": {}},
        capacity={"pool": pool},
        models={"m": {"capacity": "pool", "serve": serve}},
        traffic=certificates("us-east-2"),
    )


NXDI = (
    "public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:"
    "0.13.0-neuronx-py312-sdk2.28.0-ubuntu24.04"
)
PLUGIN = (
    "public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:"
    "0.24.0.1.1.0-neuronx-py313-sdk2.32.0-ubuntu24.04"
)


def running(
    model: str = TINY,
    *options: str,
    pool: Entry | None = None,
    sequences: int = 4,
    length: int = 2048,
    degree: int = 2,
    **more: Any,
) -> Config:
    """One model whose command is written, on NxD Inference."""
    entry: Entry = {
        "image": NXDI,
        "command": [
            *("vllm", "serve", model, "--port=8080", f"--tensor-parallel-size={degree}"),
            *(f"--max-num-seqs={sequences}", f"--max-model-len={length}"),
            *("--no-enable-prefix-caching", f"--num-gpu-blocks-override={sequences}", *options),
        ],
        "capacity": "pool",
        "neuron_devices": 1,
        "port": 8080,
        **more,
    }
    where = pool or groups("inf2.8xlarge", ami={"version": PINNED})
    traffic = certificates("us-west-2")
    return stack(capacity={"pool": where}, models={"m": entry}, traffic=traffic)


def on_plugin(degree: int) -> Config:
    """Llama 3.2 3B, whose 24 heads 16 does not divide, on the plugin."""
    pool = groups("trn2.48xlarge", 1, purchase="capacity_block", zone_ids=["use2-az1"])
    pool |= {"reservation_ids": {"us-east-2": "cr-0a1b2c3d"}}
    command = ["vllm", "serve", "meta-llama/Llama-3.2-3B-Instruct", "--port=8080"]
    command += [f"--tensor-parallel-size={degree}", "--max-model-len=8192", "--max-num-seqs=4"]
    entry = {
        "image": PLUGIN,
        "command": command,
        "environment": {"NEURON_SKIP_EFA_AFFINITY": "1"},
        "secrets": TOKEN_THERE,
        "capacity": "pool",
        "neuron_devices": degree // 4,
        "port": 8080,
    }
    return stack(
        home="us-east-2",
        regions={"us-east-2": {}},
        capacity={"pool": pool},
        models={"m": entry},
        traffic=certificates("us-east-2"),
    )


def _capacity(instance_type: str, **more: Any) -> Entry:
    return groups(instance_type, ami={"version": PINNED}, **more)


FIXTURES: dict[str, Fixture] = {
    "NE901": Fixture(
        "models.m.serve.model",
        serving({"model": "openai/gpt-oss-20b"}),
        serving({"model": TINY}),
    ),
    "NE902": Fixture(
        "models.m.serve.model",
        serving({"model": "acme/chat"}),
        serving({"model": "acme/chat"}, shapes={"acme/chat": {"like": TINY}}),
    ),
    "NE903": Fixture(
        "models.m.serve.server",
        serving({"model": TINY, "server": "vllm"}),
        serving({"model": TINY, "server": "nxdi"}),
    ),
    "NE904": Fixture(
        "models.m.image",
        serving({"model": TINY}, image="public.ecr.aws/acme/chat:1"),
        serving({"model": TINY, "server": "nxdi"}, image="public.ecr.aws/acme/chat:1"),
    ),
    "NE905": Fixture(
        "models.m.serve.model",
        serving({"model": TINY, "max_num_seqs": 1024}),
        serving({"model": TINY, "max_num_seqs": 64}),
    ),
    "NE906": Fixture(
        "models.m.serve.tensor_parallel",
        serving({"model": TINY, "tensor_parallel": 8}),
        serving({"model": TINY, "tensor_parallel": 2}),
    ),
    "NE907": Fixture(
        "models.m.health_check.grace_seconds",
        serving({"model": TINY}, health_check={"grace_seconds": 4000}),
        serving({"model": TINY}, health_check={"grace_seconds": 3600}),
    ),
    "NE908": Fixture(
        "capacity.pool.ami",
        serving({"model": TINY}, groups("inf2.8xlarge")),
        serving({"model": TINY}),
    ),
    "NE909": Fixture(
        "models.m.serve.revision",
        serving(
            {"model": "/models/chat", "revision": "main"}, shapes={"/models/chat": {"like": TINY}}
        ),
        serving({"model": TINY, "revision": "main"}),
        beside=frozenset({"NE427"}),
    ),
    "NE910": Fixture("models.m.command", running(sequences=1024), running(sequences=64)),
    "NE911": Fixture("models.m.command", running(sequences=544), running(sequences=64)),
    "NE912": Fixture("models.m.memory_mib", running(memory_mib=2048), running(memory_mib=8192)),
    "NE913": Fixture(
        "models.m.command",
        running(length=4096),
        running(TINY, '--rope-scaling={"factor": 2.0}', length=4096),
    ),
    "NE914": Fixture("models.m.secrets", running(LLAMA), running(LLAMA, secrets=TOKEN)),
    "NE915": Fixture("models.m.command", on_plugin(16), on_plugin(8)),
    "NE916": Fixture("models.m.command", running("microsoft/Phi-3-mini-4k-instruct"), running()),
    "NE917": Fixture(
        "models.m.command",
        running(
            LLAMA,
            pool=_capacity("inf2.24xlarge"),
            sequences=1,
            length=16_384,
            degree=8,
            neuron_devices=4,
            secrets=TOKEN,
        ),
        running(
            LLAMA,
            pool=_capacity("inf2.24xlarge"),
            sequences=1,
            length=8192,
            degree=8,
            neuron_devices=4,
            secrets=TOKEN,
        ),
    ),
    "NE918": Fixture(
        "models.m.health_check.grace_seconds",
        running(health_check={"grace_seconds": 30}),
        running(health_check={"grace_seconds": 900}),
    ),
    "NE919": Fixture(
        "capacity.pool.root_volume_gib",
        running(LLAMA, secrets=TOKEN, pool=_capacity("inf2.8xlarge", root_volume_gib=60)),
        running(LLAMA, secrets=TOKEN, pool=_capacity("inf2.8xlarge", root_volume_gib=100)),
    ),
    "NE920": Fixture("models.m.command", running("acme/chat"), running()),
    "NE921": Fixture("models.m.image", running(image="public.ecr.aws/acme/chat:1"), running()),
    "NE922": Fixture(
        "models.m.command",
        running("Qwen/Qwen3-1.7B"),
        running("Qwen/Qwen2.5-7B-Instruct"),
    ),
    "NE923": Fixture(
        "models.m.serve.max_model_len",
        serving({"model": MARS, "server": "torchserve", "max_model_len": 512}),
        serving({"model": MARS, "server": "torchserve"}),
    ),
    "NE940": Fixture(
        "models.m.serve.cache",
        in_ohio({"model": "openai/gpt-oss-20b", "cache": "s3://my-cache/neuron/"}),
        in_ohio({"model": "openai/gpt-oss-20b"}),
    ),
    "NE941": Fixture(
        "models.m.serve.cache",
        serving({"model": TINY, "cache": "shared"}, volumes=SHARED, replicas=2),
        serving({"model": TINY, "cache": "shared"}, volumes=SHARED, replicas=1),
    ),
    "NE942": Fixture(
        "models.m.mounts.shared.directory",
        serving({"model": TINY}, volumes=SHARED, mounts=_mounted("a/{slot}")),
        serving({"model": TINY}, volumes=SHARED, mounts=_mounted("a")),
    ),
    "NE943": Fixture(
        "models.m.serve.compile",
        serving({"model": TINY, "compile": "ahead"}),
        serving({"model": TINY}),
    ),
    "NE944": Fixture(
        "models.m.serve.compile_on",
        compiled({"model": LLAMA}, on=_other(), model={"secrets": TOKEN}),
        compiled({"model": LLAMA}, on=_other("inf2.8xlarge"), model={"secrets": TOKEN}),
    ),
    "NE945": Fixture(
        "models.m.serve.compile_on",
        compiled(on=_other("trn1.2xlarge")),
        compiled(on=_other()),
    ),
    "NE946": Fixture(
        "jobs.compile-m",
        compiled(jobs={"compile-m": work(1)}),
        compiled(),
    ),
    "NE947": Fixture(
        "models.m.serve.compile_on",
        _in_two(_other(regions=["us-west-2"])),
        _in_two(_other(regions=["us-west-2", "us-east-2"])),
    ),
}
