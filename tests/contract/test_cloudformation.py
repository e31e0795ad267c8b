"""Alarms, rules of events and dashboards, as cfn-lint reads them in a CloudFormation template.

The models of botocore know the types of a request; CloudFormation's schemas know more, such as
which statistic or comparison there is. What a dashboard's body may have is checked here by its
reference:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from neuron_ecs.recording.graph import Recording, Resource
from neuron_ecs.recording.placeholders import marks
from tests.contract.aws_requests import requests
from tests.contract.graphs import CORNERS, graph
from tests.recorder import of_type
from tests.security.secured import recording

TYPES = {
    "cloudwatch.MetricAlarm": "AWS::CloudWatch::Alarm",
    "cloudwatch.Dashboard": "AWS::CloudWatch::Dashboard",
    "cloudwatch.EventRule": "AWS::Events::Rule",
    "sns.Topic": "AWS::SNS::Topic",
}

WIDGET = {"type", "x", "y", "width", "height", "properties"}
VIEWS = {"timeSeries", "singleValue", "gauge", "bar", "pie", "table"}
_GRAPH = {
    *("accountId", "annotations", "labels", "legend", "liveData", "metrics", "period", "region"),
    *("setPeriodToTimeRange", "sparkline", "stacked", "stat", "table", "timezone", "title"),
    *("trend", "view", "yAxis"),
}
PROPERTIES: dict[str, tuple[set[str], set[str]]] = {
    "alarm": ({"alarms"}, {"alarms", "sortBy", "states", "title"}),
    "metric": ({"region"}, _GRAPH),
    "text": ({"markdown"}, {"markdown", "background"}),
}
"""What the properties of a widget need, and what they may have."""


def template(found: Recording) -> dict[str, Any]:
    """The template that would create them."""
    resources: dict[str, Any] = {}
    for kind, type_ in TYPES.items():
        for resource in of_type(found, kind):
            name = re.sub(r"\W|_", "", f"{kind}{resource.name}")
            resources[name] = {"Type": type_, "Properties": _properties(resource, type_)}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def _properties(resource: Resource, type_: str) -> dict[str, Any]:
    (request, *_) = requests(resource, marks(resource.urn, resource.name)[0])
    given = {key: value for key, value in request.params.items() if key != "Tags"}
    if type_ == "AWS::Events::Rule":
        given["EventPattern"] = json.loads(given["EventPattern"])
    if type_ == "AWS::SNS::Topic":
        given = {"TopicName": given["Name"]}
    return given


def faults(given: dict[str, Any]) -> list[str]:
    found = lint(json.dumps(given), regions=["us-west-2"], config=ManualArgs(include_checks=["W"]))
    return [str(match) for match in found]


def wrong_widgets(body: dict[str, Any]) -> Iterator[str]:
    """What the reference of dashboards does not allow."""
    widgets: list[dict[str, Any]] = body["widgets"]
    if len(widgets) > 500 or body.get("periodOverride", "auto") not in ("auto", "inherit"):
        yield "more than 500 widgets, or another periodOverride"
    for widget in widgets:
        kind, shown = widget["type"], widget["properties"]
        if not 1 <= widget["width"] <= 24 - widget["x"] or not 1 <= widget["height"] <= 1000:
            yield f"a {kind} widget is outside of the 24 columns and 1,000 rows"
        if widget["x"] < 0 or widget["y"] < 0 or widget.keys() - WIDGET:
            yield f"a {kind} widget has {sorted(widget)}"
        if kind not in PROPERTIES:
            yield f"no widget is of type {kind}"
            continue
        needed, allowed = PROPERTIES[kind]
        if not needed <= shown.keys() or shown.keys() - allowed:
            yield f"a {kind} widget has the properties {sorted(shown)}"
        if shown.get("view", "timeSeries") not in VIEWS:
            yield f"a {kind} widget has the view {shown['view']}"
        if kind == "alarm" and not 1 <= len(shown["alarms"]) <= 100:
            yield f"an alarm widget has {len(shown['alarms'])} alarms"
        if kind == "metric" and not 1 <= len(shown.get("metrics", ["an annotation"])) <= 500:
            yield f"a metric widget has {len(shown['metrics'])} metrics"


def bodies(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The body of each dashboard of a template."""
    return [
        json.loads(resource["Properties"]["DashboardBody"])
        for resource in found["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Dashboard"
    ]


@pytest.fixture(scope="module", params=["the secured stack", CORNERS])
def made(request: pytest.FixtureRequest) -> dict[str, Any]:
    return template(graph(CORNERS) if request.param == CORNERS else recording())


def test_cfn_lint_finds_nothing(made: dict[str, Any]) -> None:
    kinds = {resource["Type"] for resource in made["Resources"].values()}
    assert {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::Events::Rule"} <= kinds
    assert faults(made) == []


def test_the_body_of_a_dashboard_keeps_to_its_reference(made: dict[str, Any]) -> None:
    for body in bodies(made):
        assert body["widgets"]
        assert [*wrong_widgets(body)] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ComparisonOperator", "Above"),
        ("EvaluationPeriods", "many"),
        ("TreatMissingData", None),
        ("Threshhold", 1),
    ],
)
def test_a_wrong_alarm_is_found(name: str, value: object) -> None:
    found = template(graph(CORNERS))["Resources"]
    alarm = next(one for one in found.values() if one["Type"] == "AWS::CloudWatch::Alarm")
    changed = {**alarm, "Properties": {**alarm["Properties"], name: value}}
    assert faults({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"One": changed}})


@pytest.mark.parametrize(
    ("at", "value"),
    [("width", 25), ("x", 20), ("type", "graph"), ("properties", {}), ("high", 3), ("height", 0)],
)
def test_a_wrong_widget_is_found(at: str, value: object) -> None:
    (body, *_) = bodies(template(graph(CORNERS)))
    widget = next(one for one in body["widgets"] if one["width"] > 4)
    assert [*wrong_widgets({"widgets": [{**widget, at: value}]})]
