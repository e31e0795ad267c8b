"""Fixtures of the rules about what callers must show."""

from typing import Any

from tests.planning.fixtures import PINNED, Fixture
from tests.planning.fixtures_served import NXDI, TINY
from tests.planning.stacks import Config, Entry, certificates, groups, stack, work

KEY = "arn:aws:secretsmanager:us-west-2:111122223333:secret:key-a1b2c3"
OTHER_KEY = "arn:aws:secretsmanager:us-west-2:111122223333:secret:other-a1b2c3"


def serving(*options: str, **more: Any) -> Entry:
    """An entry that runs a vLLM server of AWS's own."""
    command = [
        *("vllm", "serve", TINY, "--port=8080", "--tensor-parallel-size=2"),
        *("--max-num-seqs=4", "--max-model-len=2048", "--no-enable-prefix-caching"),
        *("--num-gpu-blocks-override=4", *options),
    ]
    return work(1) | {"port": 8080, "image": NXDI, "command": command} | more


def keyed(
    *options: str, api_key: str | Entry = KEY, traffic: Entry | None = None, **more: Any
) -> Config:
    """A model whose server asks for a key."""
    return stack(
        capacity={"pool": groups("inf2.8xlarge", ami={"version": PINNED})},
        models={"m": serving(*options, **more)},
        traffic=certificates("us-west-2")
        | {"authentication": {"api_key": api_key}}
        | (traffic or {}),
    )


FIXTURES: dict[str, Fixture] = {
    "NE748": Fixture(
        "traffic.authentication.api_key.mm",
        keyed(api_key={"mm": KEY}),
        keyed(api_key={"m": KEY}),
    ),
    "NE749": Fixture(
        "models.m.sidecars.s.port",
        keyed(sidecars={"s": {"image": "r.io/s:1", "port": 9000}}),
        keyed(sidecars={"s": {"image": "r.io/s:1"}}),
    ),
    "NE750": Fixture(
        "models.m.secrets.VLLM_API_KEY",
        keyed(secrets={"VLLM_API_KEY": OTHER_KEY}),
        keyed(secrets={"VLLM_API_KEY": KEY}),
    ),
    "NE751": Fixture("models.m.paths", keyed(paths=["/v1/*", "/tokenize"]), keyed(paths=["/v1/*"])),
}
