"""What the diff tells callers in words."""

from neuron_ecs.diff.traffic import traffic_lines
from tests.neuron_ecs.diff.pairs import compared
from tests.planning.fixtures_authentication import KEY, OTHER_KEY, TOKEN, keyed, public
from tests.planning.fixtures_traffic import DOMAIN, over_all
from tests.planning.stacks import Config

OPEN = keyed(api_key={})


def told(before: Config, after: Config) -> list[str]:
    return list(traffic_lines(compared(before, after)))


def test_a_key_that_comes_changes_or_goes_is_told() -> None:
    assert told(OPEN, keyed()) == [f"m in us-west-2 answers only with a key, that of {KEY}"]
    assert told(keyed(), OPEN) == ["m in us-west-2 answers without a key"]
    (line,) = told(keyed(), keyed(api_key=OTHER_KEY))
    assert line == f"m in us-west-2 takes the key of {OTHER_KEY}, and that of {KEY} no longer"


def test_a_url_that_goes_away_is_said_first() -> None:
    both, one = ("us-west-2", "us-east-2"), ("us-west-2",)
    named = over_all({"domain": DOMAIN})
    regional = over_all({"domain": DOMAIN, "connected": False})
    assert told(regional, named) == ["https://a.models.example.com comes", *_callers("may call")]
    assert told(named, regional) == [
        "https://a.models.example.com goes away",
        *_callers("may no longer call"),
    ]
    lines = told(over_all({"domain": DOMAIN}, both), over_all({"domain": DOMAIN}, one))
    assert lines[:2] == [
        "https://a.us-east-2.models.example.com goes away",
        "https://a.models.example.com is no longer answered by us-east-2",
    ]


def _callers(word: str) -> list[str]:
    """The networks of the stack call each other's load balancers, or no longer do."""
    return [f"10.47.0.0/16 {word} in us-east-2", f"10.43.0.0/16 {word} in us-west-2"]


def test_a_scheme_changes_in_two_updates_with_the_tasks_behind_both_between_them() -> None:
    inside, outside = public(False), public()
    both = public(False, traffic={"both_schemes": True})
    (refusal,) = compared(inside, outside).refusals
    assert (refusal.code, refusal.path) == ("ND009", "traffic.public")
    assert "both_schemes: true" in refusal.steps[0]
    assert not compared(inside, both).refusals
    assert not compared(both, outside).refusals
    assert "the load balancer of us-west-2 gets public addresses" in told(both, outside)


def test_the_load_balancers_of_all_regions_are_named_each_once() -> None:
    callers = {"domain": DOMAIN, "allow_from": ["203.0.113.0/24"]}
    inside = over_all(callers | {"both_schemes": True})
    lines = told(inside, over_all(callers | {"public": True}))
    assert "the load balancers of us-east-2 and us-west-2 get public addresses" in lines


def test_a_token_and_a_certificate_that_come_and_go_are_told() -> None:
    stores = {"us-west-2": "arn:aws:elasticloadbalancing:us-west-2:111122223333:truststore/a/0a"}
    asked = {"authentication": {"jwt": TOKEN, "mutual_tls": stores}}
    assert told(OPEN, keyed(traffic=asked)) == [
        f"m in us-west-2 answers only with a token of {TOKEN['issuer']}",
        "m in us-west-2 answers only with a certificate of the caller",
    ]
    assert told(keyed(traffic=asked), OPEN) == [
        "m in us-west-2 answers without a token",
        "m in us-west-2 answers without a certificate of the caller",
    ]
