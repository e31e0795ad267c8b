"""Fixtures of the rules about models of `serve`."""

from typing import Any

from tests.planning.fixtures import PINNED, Fixture
from tests.planning.stacks import Config, Entry, certificates, groups, stack

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
TINY = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
TOKEN = {"HF_TOKEN": "arn:aws:secretsmanager:us-west-2:111122223333:secret:hf-a1b2c3"}


def serving(
    serve: Entry, pool: Entry | None = None, *, shapes: Entry | None = None, **more: Any
) -> Config:
    """One model of `serve` on one pool, inf2.8xlarge where no other is given."""
    keys: Entry = {"shapes": shapes} if shapes else {}
    keys["traffic"] = certificates("us-west-2")
    model = {"capacity": "pool", "serve": serve, **more}
    where = pool or groups("inf2.8xlarge", ami={"version": PINNED})
    return stack(capacity={"pool": where}, models={"m": model}, **keys)


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
}
