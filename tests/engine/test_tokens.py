"""Tokens that the load balancer asks for, on a stack that runs."""

from pathlib import Path

import pytest

from tests.engine.harness import Engine, disturbed
from tests.engine.provider.account import Habits
from tests.engine.provider.refusals import LISTENER_RULE, TARGETS
from tests.engine.serving import answers
from tests.engine.test_lives import Config, ends, model, pool, stack, succeeds

pytestmark = pytest.mark.engine

SLOW = Habits(refusals_until_active=0, deployment_seconds=0.3)
HOST = "{}.us-west-2.models.example.com"
ISSUER = {"issuer": "https://a.example.com/", "key_set": "https://a.example.com/keys"}
OTHER = {"issuer": "https://b.example.com/", "key_set": "https://b.example.com/keys"}
CLAIMS = {"claims": {"scope": {"values": ["models.call"]}}}
UP, PING = {"path": "/up"}, {"path": "/ping"}
CHECKED = {"checked"}

STEPS: tuple[tuple[Config | None, Config, str, set[str]], ...] = (
    # the tokens, the models, and what a prompt gets while the update runs
    (ISSUER, {}, "a token is asked for, once the rules are there", {"open", "checked"}),
    (
        {**ISSUER, **CLAIMS},
        {},
        "no moment without the check of the old token or the new one",
        CHECKED,
    ),
    (
        {**OTHER, **CLAIMS},
        {},
        "no moment without the check of the old issuer or the new one",
        CHECKED,
    ),
    ({**OTHER, **CLAIMS}, {"health_check": PING}, "another open path", CHECKED),
    (
        None,
        {"health_check": PING},
        "no token is asked for, once the rules are there",
        {"open", "checked"},
    ),
)


def test_tokens_are_asked_for_changed_and_no_longer_asked_for(
    tmp_path: Path, shapes_file: Path
) -> None:
    engine = Engine(tmp_path / "engine", shapes=shapes_file).start()
    engine.habits(SLOW)

    def serving(jwt: Config | None, **changes: object) -> str:
        asked = {"authentication": {"jwt": jwt}} if jwt else {}
        names = {"domain": {"name": "models.example.com", "zone_id": "Z0AAA"}}
        models = {
            "calm": model("first", [0, 1], port=8080, health_check=UP),
            "busy": model("first", [2, 3], port=8080, **{"health_check": UP, **changes}),
        }
        traffic = {"allow_from": ["10.0.0.0/8"], **names, **asked}
        return stack(models, {"first": pool()}, traffic=traffic)

    succeeds(engine.up(serving(None)))
    for jwt, changes, why, allowed in STEPS:
        before = engine.left()
        outcome = succeeds(engine.up(serving(jwt, **changes)))
        assert disturbed(outcome.journal) == set(), outcome.explain()
        types = {entry.type for entry in outcome.done} - {LISTENER_RULE}
        assert types <= {TARGETS}, "rules, and the groups whose health check is another"
        for name in ("calm", "busy"):
            host = HOST.format(name)
            prompt = answers(before, outcome, host, "/v1/completions")
            assert set(prompt) <= allowed, f"{why}: {prompt}\n{outcome.explain()}"
            assert prompt[-1] == ("checked" if jwt else "open"), outcome.explain()
            checked = changes.get("health_check", UP) if name == "busy" else UP
            assert answers(before, outcome, host, checked["path"])[-1] == "open", outcome.explain()
    ends(engine)
