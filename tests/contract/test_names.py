"""Names over all Regions, as AWS gets them: answers, what takes one out, and certificates."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from neuron_ecs.recording.graph import Resource
from tests.contract.graphs import CORNERS, aws_resources, graph

REGIONS = ["us-east-2", "us-west-2"]


@cache
def found() -> Mapping[str, Resource]:
    """What AWS gets of the stack, by URN; recorded by the first test, not where tests are found."""
    return {r.urn: r for r in aws_resources(graph(CORNERS))}


def of(type_: str) -> list[Resource]:
    listed = [r for r in found().values() if r.type.endswith(f":{type_}")]
    return sorted(listed, key=lambda r: r.urn)


def behind(resource: Resource, key: str, type_: str) -> Resource:
    """The one resource of a type that an input is taken from."""
    urns = resource.property_dependencies[key]
    (one,) = [r for r in of(type_) if r.urn in urns]
    return one


def all_before(resource: Resource) -> Iterator[str]:
    for urn in resource.dependencies:
        if urn in found():
            yield urn
            yield from all_before(found()[urn])


def answers() -> list[Resource]:
    """The records of names over all Regions."""
    return [r for r in of("Record") if "setIdentifier" in r.inputs]


def test_a_name_has_a_record_of_each_region_with_the_model() -> None:
    names = {r.inputs["name"] for r in answers()}
    assert {"own-interface.models.example.com", "tuned.models.example.com"} <= names
    assert {r.inputs["setIdentifier"] for r in answers()} == set(REGIONS)


def test_an_answer_is_the_load_balancer_of_its_region_as_long_as_targets_are_healthy() -> None:
    for record in answers():
        region = record.inputs["setIdentifier"]
        (alias,) = record.inputs["aliases"]
        assert alias["evaluateTargetHealth"] is False, "one model that loads would take all out"
        assert record.inputs["latencyRoutingPolicies"] == [{"region": region}]
        assert behind(record, "aliases", "LoadBalancer").inputs["region"] == region
        check = behind(record, "healthCheckId", "HealthCheck")
        assert check.inputs["insufficientDataHealthStatus"] == "Unhealthy"
        alarm = behind(check, "cloudwatchAlarmName", "MetricAlarm")
        assert (alarm.inputs["region"], check.inputs["cloudwatchAlarmRegion"]) == (region, region)
        assert alarm.inputs["treatMissingData"] == "breaching"
        assert "metricQueries" not in alarm.inputs, "Route 53 reads the data of one metric"
        assert alarm.inputs["evaluationPeriods"] == alarm.inputs["datapointsToAlarm"]
        group = behind(alarm, "dimensions", "TargetGroup")
        hosts: list[Any] = [
            c["hostHeader"]["values"]
            for rule in of("ListenerRule")
            if group.urn in rule.property_dependencies["actions"]
            for c in rule.inputs["conditions"]
            if "hostHeader" in c
        ]
        assert any(record.inputs["name"] in values for values in hosts), "a rule sends it there"


def test_an_answer_comes_once_its_tasks_are_steady_and_its_certificate_is_shown() -> None:
    for record in answers():
        before = set(all_before(record))
        group = behind(
            behind(
                behind(record, "healthCheckId", "HealthCheck"), "cloudwatchAlarmName", "MetricAlarm"
            ),
            "dimensions",
            "TargetGroup",
        )
        serving = [
            s
            for s in of("ecs/service:Service")
            if group.urn in s.property_dependencies.get("loadBalancers", ())
        ]
        shown = [
            c
            for c in of("ListenerCertificate")
            if c.inputs["region"] == record.inputs["setIdentifier"]
        ]
        assert serving
        assert shown
        assert {r.urn for r in (*serving, *shown)} <= before, (
            "a new health check is healthy at first"
        )


def test_a_name_that_several_regions_certify_is_validated_once() -> None:
    records = [r for r in of("Record") if r.inputs["type"] == "CNAME"]
    of_all = [c for c in of("Certificate") if c.inputs["domainName"] == "*.models.example.com"]
    assert [c.inputs["region"] for c in of_all] == REGIONS
    (record,) = [
        r for r in records if set(r.property_dependencies["name"]) & {c.urn for c in of_all}
    ]
    waiting = [
        v
        for v in of("CertificateValidation")
        if record.urn in v.property_dependencies["validationRecordFqdns"]
    ]
    assert [v.inputs["region"] for v in waiting] == REGIONS
    for shown in of("ListenerCertificate"):
        validated = behind(shown, "certificateArn", "CertificateValidation")
        assert validated.inputs["region"] == shown.inputs["region"]
    assert len(records) == len(REGIONS) + 1, "that of a Region is its own"
