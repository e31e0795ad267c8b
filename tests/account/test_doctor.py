"""The chain from a caller to a chip: each incident breaks the link that it should."""

import json
from typing import Any

import pytest

from neuron_ecs.operations.doctor import CHAIN
from tests.account.incidents import INCIDENTS, MODEL, service_of, task_of
from tests.account.running import Sandbox, plainly
from tests.account.wire import Refusal

BROKEN: dict[str, list[str]] = {
    "health": ["targets"],
    "memory": [],  # another task is there already
    "image": ["image"],
    "secret": ["role"],
    "driver": ["chip"],
    "lock": ["chip"],
    "chip": [],  # a model that answers wrongly is running, in good health
    "instance": [],  # another instance is there already
    "capacity": ["capacity"],
    "quota": ["quota"],
    "rollout": ["chip"],
    "rollback": [],  # it answers nonsense, in good health
}
"""The link that is broken first, and last, in each incident: its cause."""


def diagnosis(dev: Sandbox) -> tuple[int, dict[str, Any]]:
    code, shown = dev.command("doctor", MODEL, "--json")
    (found,) = json.loads(shown)["models"]
    return code, found


def test_of_a_stack_that_runs_nothing_is_broken(dev: Sandbox) -> None:
    code, shown = dev.command("doctor")
    assert (code, shown) == (0, "neuron-ecs/dev: nothing is broken\n")
    code, found = diagnosis(dev)
    assert (code, found["well"]) == (0, True)
    assert [link["name"] for link in found["links"]] == list(CHAIN)
    assert {link["verdict"] for link in found["links"]} == {"ok"}


def test_every_incident_has_its_link() -> None:
    here = {name for name, one in INCIDENTS.items() if one.file == "Pulumi.dev.yaml"}
    assert set(BROKEN) == here


@pytest.mark.parametrize("name", BROKEN)
def test_an_incident_breaks_its_link_and_says_what_to_do(dev: Sandbox, name: str) -> None:
    INCIDENTS[name].happen(dev)
    code, found = diagnosis(dev)
    broken = [link for link in found["links"] if link["verdict"] == "broken"]
    names = [link["name"] for link in broken]
    assert names[:1] == names[-1:] == BROKEN[name], found
    assert code == bool(broken)
    assert all(link["fact"] and link["do"] for link in broken)
    code, shown = dev.command("doctor", MODEL)
    assert ("first broken link" in shown) == bool(broken)
    facts = [line for line in shown.splitlines() if len(line) > 80]
    assert all(" " not in line.strip() for line in facts), facts


def test_who_has_the_chips_is_named(dev: Sandbox) -> None:
    INCIDENTS["lock"].happen(dev)
    _, shown = dev.command("doctor", MODEL)
    words = plainly(shown)
    assert f"{MODEL} " in words and "(stopping)" in words and "device-check" in words, shown


def test_a_model_that_somebody_scaled_to_zero_is_said(dev: Sandbox) -> None:
    service = service_of(dev)
    dev.client("ecs").update_service(
        cluster=service["clusterArn"], service=service["serviceName"], desiredCount=0
    )
    _, found = diagnosis(dev)
    (broken,) = [link for link in found["links"] if link["verdict"] == "broken"]
    assert (broken["name"], broken["do"]) == ("service", f"neuron-ecs scale {MODEL} 1")


def test_a_lost_agent_and_a_rule_that_is_gone_are_said(dev: Sandbox) -> None:
    dev.ecs().place.instances[task_of(dev)["containerInstanceArn"]]["agentConnected"] = False
    _, found = diagnosis(dev)
    assert [x["name"] for x in found["links"] if x["verdict"] == "broken"] == ["agent"]
    elb = dev.client("elbv2")
    saved = service_of(dev)["loadBalancers"][0]["targetGroupArn"]
    (group,) = elb.describe_target_groups(TargetGroupArns=[saved])["TargetGroups"]
    (balancer,) = group["LoadBalancerArns"]
    listener = elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]["ListenerArn"]
    rules = elb.describe_rules(ListenerArn=listener)["Rules"]
    (rule,) = (one for one in rules if saved in json.dumps(one))
    elb.delete_rule(RuleArn=rule["RuleArn"])
    try:
        _, found = diagnosis(dev)
    finally:  # what moto keeps is there for the other tests as well
        given = {key: rule[key] for key in ("Actions", "Conditions")}
        elb.create_rule(ListenerArn=listener, Priority=int(rule["Priority"]), **given)
    broken = [link for link in found["links"] if link["verdict"] == "broken"]
    assert [x["name"] for x in broken] == ["listener", "agent"]
    assert broken[0]["fact"] == "no rule leads to the model's target group"


def test_what_cannot_be_read_is_said(dev: Sandbox) -> None:
    refused = Refusal("AccessDeniedException", "may not")
    dev.account.state.refused["us-west-2", "elbv2:DescribeListeners"] = refused
    code, shown = dev.command("doctor", MODEL)
    assert code == 1
    assert "DescribeListeners" in shown and "listener    unknown" in shown


@pytest.mark.parametrize(
    "call", ["CapacityProviders", "ContainerInstances", "Services", "Tasks", "Clusters"]
)
def test_what_cannot_be_read_is_not_said_to_be_gone(dev: Sandbox, call: str) -> None:
    """Of a stack that runs no link is broken and nothing is down, whichever call is refused."""
    denied = Refusal("AccessDeniedException", "not authorized")
    dev.account.state.refused["us-west-2", f"ecs:Describe{call}"] = denied
    (walked,) = json.loads(dev.command("doctor", MODEL, "--json")[1])["models"]
    assert [link for link in walked["links"] if link["verdict"] == "broken"] == []
    assert walked["unread"]
    (region,) = json.loads(dev.command("status", "--json")[1])["regions"]
    assert region["unread"] and not region["drained"]
    assert {m["state"] for m in region["models"]} <= {"runs", "unknown"}
    for instance in region["instances"]:
        assert instance["tasks"] != [] and instance["busy"] != 0, "they are not known"
