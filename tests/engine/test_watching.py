"""What watches a stack comes, changes and goes beside models that stay."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.harness import Engine, disturbed
from tests.engine.provider.account import Entry
from tests.engine.provider.refusals import SCALING, SERVICE
from tests.engine.test_lives import (
    PROMPT,
    Config,
    ends,
    managed_pool,
    model,
    pool,
    stack,
    succeeds,
)

pytestmark = pytest.mark.engine

WATCHING = {
    "MetricAlarm",
    "Dashboard",
    "EventRule",
    "EventTarget",
    "Topic",
    "TopicPolicy",
    "TopicSubscription",
    "SlackChannelConfiguration",
    "LogGroup",
    "LogMetricFilter",
    "Role",
    "RolePolicy",
    "RolePolicyAttachment",
    "Policy",
}
"""Types of resources that come, change and go with what watches."""
BESIDE = {SERVICE: ("alarms",), SCALING: ("enabledMetrics",)}
"""What changes of resources that run models: it restarts no task and replaces no instance."""

TOPIC = "arn:aws:sns:us-west-2:111122223333:on-call"
MAIL = {"emails": ["on-call@example.com"]}
SLACK = {"slack": {"workspace": "T0123ABCD", "channel": "C0123ABCD"}}
STEPS: tuple[Config, ...] = (
    {"alarms": MAIL},
    {"alarms": {**MAIL, **SLACK}, "dashboards": True},
    {"alarms": {"topics": [TOPIC]}, "dashboards": True, "neuron_metrics": {}},
    {"alarms": MAIL, "neuron_metrics": {"problem_detector": {"recovery": True}}},
    {"dashboards": True, "neuron_metrics": {"problem_detector": {}}},
    {},
)


def watches(entry: Entry) -> bool:
    """Whether a change is one of what watches, and of nothing else."""
    kind = entry.type.rpartition(":")[2]
    changed = (entry.op, entry.changed) == ("update", BESIDE.get(entry.type, ("",)))
    return kind in WATCHING or changed or "_daemon_" in entry.logical


def test_watching_is_turned_on_changed_and_turned_off(tmp_path: Path, shapes_file: Path) -> None:
    engine = Engine(tmp_path / "engine", shapes=shapes_file).start()
    engine.habits(PROMPT)
    models = {
        "chat": model("first", [0, 1], port=8080, replicas={"min": 1, "max": 2}),
        "own": model("first", [2, 3], network_mode="awsvpc"),
        "embed": model("second", "all", port=8080),
    }
    pools = {"first": pool(max_size=3), "second": managed_pool()}

    def watched(**keys: Any) -> str:
        traffic = {"allow_from": ["10.0.0.0/8"]}
        return stack(models, pools, traffic=traffic, **keys)

    before = succeeds(engine.up(watched()))
    first = {record.urn for record in before.records}
    for keys in STEPS:
        outcome = succeeds(engine.up(watched(**keys)))
        assert outcome.done, keys
        models_hit = {name for _, name in disturbed(outcome.journal) if "_daemon_" not in name}
        assert models_hit == set(), outcome.explain()
        strange = [str(e) for e in outcome.done if not watches(e)]
        assert strange == [], f"{keys} changes what it does not watch with\n{outcome.explain()}"
    assert {record.urn for record in engine.left()} == first, "what watched stays behind"
    ends(engine)
