"""Fixtures of the rules about paths, domains, callers and their tokens."""

from typing import Any

from tests.planning.fixtures import Fixture
from tests.planning.fixtures_places import many
from tests.planning.stacks import Config, Entry, certificates, groups, stack, work

DOMAIN: Entry = {"name": "models.example.com", "zone_id": "Z0AAA"}
_SIDECAR = "a-sidecar-with-a-name-of-40-characters-x"
KNOWN = frozenset({"NE743"})  # the note that the hosted zone is not known


def _paths(number: int) -> Config:
    """A hundred models with a rule each, the last with so many paths."""
    return many({"port": 8080, "paths": [f"/v{n}/*" for n in range(number)]}, others=99)


def called(*, sidecar: Entry | None = None, traffic: Entry) -> Config:
    """A model that is called, and its sidecar with a long name."""
    model: dict[str, Any] = work(1, port=8080)
    if sidecar is not None:
        model["sidecars"] = {_SIDECAR: {"image": "r.io/s:1", **sidecar}}
    return stack(
        capacity={"pool": groups()}, models={"model-of-24-characters-x": model}, traffic=traffic
    )


def named(sidecar: Entry | None = None, given: Entry | None = None, **domain: Any) -> Config:
    """The model in a domain, with other fields of the domain and of traffic."""
    return called(sidecar=sidecar, traffic={"domain": {**DOMAIN, **domain}, **(given or {})})


def _covered(*hosts: str) -> Config:
    return named(given={**certificates("us-west-2"), "hosts": {"us-west-2": list(hosts)}})


def _found(**more: Any) -> Config:
    """A model with a name in the network."""
    return stack(capacity={"pool": groups()}, models={"a": work(1, discovery="cloud_map", **more)})


def weighted(weights: Entry, **models: Entry) -> Config:
    """Models of a device each, and the weights with which they answer."""
    made = models or {"a": {}, "b": {}}
    return stack(
        capacity={"pool": groups("inf2.24xlarge", 2)},
        models={name: work(1, port=8080, **more) for name, more in made.items()},
        traffic={**certificates("us-west-2"), "weights": weights},
    )


def _below(path: str) -> Entry:
    return {"paths": [f"{path}/*"], "health_check": {"path": f"{path}/health"}}


def over_all(traffic: Entry, regions: tuple[str, ...] = ("us-west-2", "us-east-2")) -> Config:
    """A model in two Regions whose networks reach each other."""
    return stack(
        capacity={"pool": groups()},
        models={"a": work(1, port=8080)},
        regions={region: {} for region in regions},
        traffic={"connected": True, **traffic},
    )


_SIX: dict[str, Entry] = {name: {} for name in "abcdef"}
_IN_PRIVATE: Entry = {"domain": {**DOMAIN, "private": True}}
_LONG = "a" * 41
_HOSTS: Entry = {"hosts": {"us-west-2": ["*.example.com"]}}

FIXTURES: dict[str, Fixture] = {
    "NE739": Fixture("models.last.paths", _paths(3), _paths(2)),
    "NE817": Fixture(
        "traffic.weights.a", weighted({"a": {"a": 1, "c": 1}}), weighted({"a": {"a": 1, "b": 1}})
    ),
    "NE818": Fixture(
        "traffic.weights.a", weighted({"a": {"b": 0}}), weighted({"a": {"a": 1, "b": 0}})
    ),
    "NE819": Fixture(
        "traffic.weights.g",
        weighted({"g": dict.fromkeys("abcdef", 1)}, **_SIX),
        weighted({"g": dict.fromkeys("abcde", 1)}, **_SIX),
    ),
    "NE820": Fixture(
        "traffic.weights.a",
        weighted({"a": {"b": 1}}, a=_below("/x"), b=_below("/y")),
        weighted({"a": {"b": 1}}, a=_below("/x"), b=_below("/x/y")),
    ),
    "NE773": Fixture(
        "traffic.hosts",
        called(traffic=certificates("us-west-2")),
        called(traffic=certificates("us-west-2") | _HOSTS),
    ),
    "NE747": Fixture("models.a.discovery", _found(), _found(port=8080)),
    "NE746": Fixture(
        f"models.model-of-24-characters-x.sidecars.{_SIDECAR}",
        named({"port": 9000}),
        named({}),
        KNOWN,
    ),
    "NE741": Fixture(
        "traffic.domain.name",
        named(name=f"{_LONG}.example.com"),
        named(name=f"{_LONG[:40]}.example.com"),
        KNOWN,
    ),
    "NE742": Fixture(
        "traffic.domain.validation_zone_id",
        named(private=True, validation_zone_id="Z0AAA"),
        named(private=True, validation_zone_id="Z0BBB"),
        KNOWN,
    ),
    "NE743": Fixture("traffic.domain.zone_id", named(), called(traffic=certificates("us-west-2"))),
    "NE744": Fixture(
        "traffic.hosts.us-west-2",
        _covered("*.models.example.com"),
        _covered("*.us-west-2.models.example.com"),
        KNOWN,
    ),
    "NE770": Fixture(
        "traffic.connected",
        over_all({}),
        over_all({"domain": DOMAIN}),
        frozenset({"NE501"}) | KNOWN,
    ),
    "NE771": Fixture(
        "traffic.connected",
        over_all({**_IN_PRIVATE, **certificates("us-west-2")}),
        over_all({**_IN_PRIVATE, **certificates("us-west-2", "us-east-2")}),
        frozenset({"NE501"}) | KNOWN,
    ),
    "NE772": Fixture(
        "traffic.allow_from",
        over_all({"domain": DOMAIN, "allow_from": {"us-west-2": ["10.0.0.0/8"]}}),
        over_all({"domain": DOMAIN, "allow_from": ["10.0.0.0/8"]}),
        KNOWN,
    ),
    "NE745": Fixture(
        "traffic.hosts.us-west-2",
        called(traffic=_HOSTS),
        called(traffic=_HOSTS | certificates("us-west-2")),
        frozenset({"NE501"}),
    ),
}
