"""What callers must show, and where it is asked for."""

import json
from typing import Any

import pytest

from planning.document import Endpoint, endpoints
from planning.plan import ListenerRule, Plan
from tests.planning.fixtures_authentication import KEY, TOKEN, keyed, tokens
from tests.planning.stacks import Config, decide_on, finding, findings_of, groups, stack, work


def secrets(plan: Plan, container: str = "m") -> dict[str, str]:
    task = plan.regions[0].models[0].services[0].task_definition
    definitions: list[dict[str, Any]] = json.loads(task.container_definitions)
    (found,) = (d for d in definitions if d["name"] == container)
    return {s["name"]: s["valueFrom"] for s in found.get("secrets", ())}


def endpoint(config: Config) -> Endpoint:
    return next(endpoints(decide_on(config)))


@pytest.mark.parametrize("given", [KEY, {"m": KEY}, KEY.replace("us-west-2", "{region}")])
def test_the_server_gets_the_key_as_a_secret(given: str | dict[str, str]) -> None:
    plan = decide_on(keyed(api_key=given))
    assert secrets(plan) == {"VLLM_API_KEY": KEY}
    (role,) = (role for role in plan.roles if role.key.endswith("m_execution"))
    assert KEY in str(role.inline_policies), "the role that starts the task may read it"


def test_what_no_table_knows_gets_no_key() -> None:
    models = {"m": work(1, port=8080, command=["python", "app.py"])}
    traffic = {"authentication": {"api_key": KEY}}
    plan = decide_on(stack(capacity={"pool": groups()}, models=models, traffic=traffic))
    assert secrets(plan) == {}
    assert next(endpoints(plan)).key == ""


def test_a_model_that_nobody_calls_gets_no_key() -> None:
    assert secrets(decide_on(keyed(port=None, traffic={"certificate_arns": {}}))) == {}


def test_a_sidecar_that_serves_asks_for_the_key_as_well() -> None:
    one = json.loads(keyed()["neuron-ecs:models"])["m"]
    sidecar = {"image": one["image"], "command": one["command"], "port": 9000}
    command = [w.replace("8080", "9000") for w in one["command"]]
    plan = decide_on(keyed(sidecars={"s": {**sidecar, "command": command}}))
    assert secrets(plan, "m-s") == {"VLLM_API_KEY": KEY}


def test_a_variable_that_the_container_has_stays() -> None:
    own = KEY.replace("key-", "own-")
    assert secrets(decide_on(keyed(secrets={"VLLM_API_KEY": own}))) == {"VLLM_API_KEY": own}


def test_an_endpoint_says_where_its_key_is_and_which_path_asks_for_it() -> None:
    found = endpoint(keyed())
    assert (found.key, found.check) == (KEY, f"{found.url}/v1/models")
    assert found.health == f"{found.url}/health", "the server answers it without the key"


def test_a_finding_about_the_key_stands_where_it_is_written() -> None:
    short = f"{KEY}:part"
    assert finding(keyed(api_key=short), "NE712").path == "traffic.authentication.api_key"
    by_model = finding(keyed(api_key={"m": short}), "NE712")
    assert by_model.path == "traffic.authentication.api_key.m"
    both = keyed(api_key=short, secrets={"VLLM_API_KEY": f"{KEY}:other"})
    paths = {f.path for f in findings_of(both) if f.code == "NE712"}
    assert paths == {"models.m.secrets.VLLM_API_KEY"}


def test_a_key_on_the_command_line_wins_and_is_told() -> None:
    found = finding(keyed("--api-key=$(KEY)"), "NE750")
    assert found.path == "models.m.command"


def rules(config: Config) -> tuple[ListenerRule, ...]:
    (group,) = decide_on(config).regions[0].models[0].target_groups
    return group.rules


def served(**more: Any) -> tuple[ListenerRule, ...]:
    """The rules of a vLLM server behind a load balancer that checks tokens."""
    return rules(keyed(traffic={"authentication": {"jwt": TOKEN}}, **more))


def test_a_token_is_checked_at_every_path_but_that_of_the_health_check() -> None:
    health, checked = served()
    assert (health.paths, health.token) == (("/m/health",), None)
    assert checked.paths == ("/m/v1/*",)
    assert checked.token is not None
    assert checked.token.issuer == TOKEN["issuer"]


def test_the_rule_of_the_health_check_stands_before_one_that_takes_its_path() -> None:
    """AWS gives the next free priority: what is made later stands behind."""
    health, checked = rules(tokens())
    assert checked.paths == ("/m", "/m/*")
    assert checked.after == health.key
    (plain,) = rules(tokens(traffic={"authentication": {}}))
    assert plain.key not in {health.key, checked.key}, "the rule that is there stands before both"


def test_no_path_is_open_that_is_not_the_health_checks_alone() -> None:
    (checked,) = rules(tokens(health_path="/a%20b"))
    assert checked.token is not None


def test_claims_are_spelled_as_aws_does() -> None:
    claim = {"values": ["models.call"], "format": "space_separated_values"}
    token = rules(tokens(claims={"scope": claim}))[-1].token
    assert token is not None
    (found,) = token.claims
    assert (found.name, found.format, found.values) == (
        "scope",
        "space-separated-values",
        ("models.call",),
    )


def test_an_endpoint_says_whose_token_it_takes_and_which_path_asks_for_it() -> None:
    found = endpoint(keyed(traffic={"authentication": {"jwt": TOKEN}}))
    assert (found.issuer, found.check) == (TOKEN["issuer"], f"{found.url}/v1/models")
    assert endpoint(tokens()).check == endpoint(tokens()).health, "of an unknown server"
