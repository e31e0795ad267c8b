"""A failing and a passing stack for each rule about alarms."""

from typing import Any

from tests.planning.fixtures import GOV, Fixture
from tests.planning.stacks import Config, groups, stack, work

TOPIC = "arn:aws:sns:{region}:111122223333:on-call"
SLACK = {"workspace": "T0123ABCD", "channel": "C0123ABCD"}
TWO: dict[str, Any] = {"us-west-2": {}, "us-east-2": {}}
GOV_ACCEPTED: dict[str, Any] = {
    **GOV,
    "regions": {r: {**e, "accept_undocumented_ami": True} for r, e in GOV["regions"].items()},
}


def _heard(alarms: dict[str, Any] | None, **keys: Any) -> Config:
    given = {} if alarms is None else {"alarms": alarms}
    return stack(capacity={"pool": groups()}, models={"m": work(1)}, **given, **keys)


def _slack(field: str, wrong: str) -> Config:
    return _heard({"slack": {**SLACK, field: wrong}})


FIXTURES: dict[str, Fixture] = {
    "NE807": Fixture(
        "alarms.topics[0]",
        _heard({"topics": [TOPIC.replace("{region}", "us-west-2")]}, regions=TWO),
        _heard({"topics": [TOPIC]}, regions=TWO),
    ),
    "NE808": Fixture(
        "alarms.emails[0]",
        _heard({"emails": ["On Call <on-call@example.com>"]}),
        _heard({"emails": ["on-call@example.com"]}),
    ),
    "NE809": Fixture(
        "alarms.slack.channel", _slack("channel", "on-call"), _heard({"slack": SLACK})
    ),
    "NE810": Fixture(
        "alarms.slack",
        _heard({"slack": SLACK}, **GOV_ACCEPTED),
        _heard({"emails": ["a@b.org"]}, **GOV_ACCEPTED),
    ),
    "NE811": Fixture(
        "alarms.topics",
        _heard({"topics": [f"{TOPIC}-{n}" for n in range(6)]}),
        _heard({"topics": [f"{TOPIC}-{n}" for n in range(5)]}),
    ),
    "NE812": Fixture(
        "alarms",
        _heard(None, stage="production"),
        _heard(None, stage="development"),
    ),
    "NE813": Fixture("alarms", _heard({}), _heard({"topics": [TOPIC]})),
    "NE814": Fixture("alarms.emails", _heard({"emails": ["a@b.org"]}), _heard({"topics": [TOPIC]})),
    "NE815": Fixture("alarms.slack", _heard({"slack": SLACK}), _heard({"topics": [TOPIC]})),
    "NE816": Fixture("alarms.topics", _heard({"topics": [TOPIC]}), _heard({"emails": ["a@b.org"]})),
}
