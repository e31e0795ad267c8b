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


def shared(*keys: str, weights: tuple[int, int] = (9, 1)) -> Config:
    """Two models under one name, with a key for each; an empty one is none."""
    names = ("m", "next")
    return stack(
        capacity={"pool": groups("inf2.24xlarge", 2, ami={"version": PINNED})},
        models={name: serving() for name in names},
        traffic=certificates("us-west-2")
        | {
            "weights": {"m": dict(zip(names, weights, strict=True))},
            "authentication": {"api_key": dict(zip(names, keys, strict=False))},
        },
    )


_IMAGE = "111122223333.dkr.ecr.us-west-2.amazonaws.com/acme:1"


def public(given: bool | Entry = True, *, traffic: Entry | None = None, **network: Any) -> Config:
    """A model behind a public load balancer, called from one block."""
    return stack(
        capacity={"pool": groups()},
        models={"m": work(1, port=8080, image=_IMAGE)},
        regions={"us-west-2": {"network": network} if network else {}},
        traffic=certificates("us-west-2")
        | {"public": given, "allow_from": ["203.0.113.0/24"]}
        | (traffic or {}),
    )


def _in_zones(*public_zones: str) -> Config:
    """In an existing network, with public subnets in these zones."""
    return public(
        vpc_id="vpc-0a",
        private_subnets={f"usw2-az{n}": f"subnet-{n}a" for n in (1, 2)},
        public_subnets={zone: f"subnet-0{n}" for n, zone in enumerate(public_zones)},
    )


def tokens(traffic: Entry | None = None, *, health_path: str = "/health", **jwt: Any) -> Config:
    """A model behind a load balancer that checks tokens."""
    entry = work(1, port=8080, image=_IMAGE, health_check={"path": health_path})
    asked = {"authentication": {"jwt": {**TOKEN, **jwt}}, **certificates("us-west-2")}
    return stack(capacity={"pool": groups()}, models={"m": entry}, traffic=asked | (traffic or {}))


def _scopes(*values: str) -> Config:
    return tokens(claims={"scope": {"values": list(values), "format": "space_separated_values"}})


def _store(region: str) -> Config:
    arn = f"arn:aws:elasticloadbalancing:{region}:111122223333:truststore/callers/0a1b"
    return public(False, traffic={"authentication": {"mutual_tls": {"us-west-2": arn}}})


TOKEN: Entry = {
    "issuer": "https://login.example.com/",
    "key_set": "https://login.example.com/jwks.json",
    "claims": {"aud": {"values": ["models"]}},
}
ANYONE: Entry = {"anyone": True}
_NAMES: Entry = {"name": "models.example.com", "zone_id": "Z0AAA"}

FIXTURES: dict[str, Fixture] = {
    "NE768": Fixture("traffic.authentication.jwt", tokens(claims={}), tokens()),
    "NE748": Fixture(
        "traffic.authentication.api_key.mm",
        keyed(api_key={"mm": KEY}),
        keyed(api_key={"m": KEY}),
    ),
    "NE821": Fixture("traffic.weights.m", shared(KEY, OTHER_KEY), shared(KEY, KEY)),
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
    "NE752": Fixture("traffic.public", public(traffic={"allow_from": []}), public()),
    "NE753": Fixture(
        "traffic.public",
        keyed(api_key={}, traffic={"public": ANYONE}),
        keyed(traffic={"public": ANYONE}),
    ),
    "NE754": Fixture(
        "traffic.allow_from",
        keyed(traffic={"public": True, "allow_from": ["0.0.0.0/1", "128.0.0.0/1"]}),
        keyed(traffic={"public": True, "allow_from": ["0.0.0.0/1"]}),
    ),
    "NE755": Fixture(
        "traffic.allow_from[1]",
        public(traffic={"allow_from": ["203.0.113.0/24", "10.0.0.0/8"]}),
        public(False, traffic={"allow_from": ["203.0.113.0/24", "10.0.0.0/8"]}),
    ),
    "NE756": Fixture(
        "traffic.allow_from",
        keyed(traffic={"public": ANYONE, "allow_from": ["203.0.113.0/24"]}),
        keyed(traffic={"public": True, "allow_from": ["203.0.113.0/24"]}),
    ),
    "NE757": Fixture(
        "traffic.domain.private",
        public(traffic={"domain": {**_NAMES, "private": True}}),
        public(traffic={"domain": _NAMES}),
        frozenset({"NE743"}),
    ),
    "NE758": Fixture(
        "regions.us-west-2.network.public_subnets.usw2-az2",
        _in_zones("usw2-az1"),
        _in_zones("usw2-az1", "usw2-az2"),
    ),
    "NE759": Fixture(
        "regions.us-west-2.network.cidr", public(cidr="10.9.0.0/22"), public(cidr="10.9.0.0/21")
    ),
    "NE762": Fixture(
        "traffic.authentication.jwt",
        tokens({"certificate_arns": {}}),
        tokens(),
        frozenset({"NE501"}),
    ),
    "NE763": Fixture(
        "traffic.authentication.jwt.claims.scope.values", _scopes("a b"), _scopes("a", "b")
    ),
    "NE766": Fixture(
        "traffic.authentication.jwt.claims.iss",
        tokens(claims={"iss": {"values": ["a"]}}),
        tokens(claims={"aud": {"values": ["a"]}}),
    ),
    "NE764": Fixture(
        "traffic.authentication.jwt",
        keyed(traffic={"authentication": {"api_key": KEY, "jwt": TOKEN}}),
        keyed(traffic={"authentication": {"jwt": TOKEN}}),
    ),
    "NE765": Fixture(
        "traffic.authentication.mutual_tls.us-west-2", _store("us-east-2"), _store("us-west-2")
    ),
    "NE761": Fixture("traffic.both_schemes", public(traffic={"both_schemes": True}), public()),
    "NE760": Fixture(
        "traffic.public.regions[0]",
        public({"regions": ["us-east-2", "us-west-2"]}),
        public({"regions": ["us-west-2"]}),
    ),
}
