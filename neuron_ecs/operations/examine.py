"""Reads for `doctor` what the other commands need not: the way of a request to a model, the log of
the task that failed last, and quotas. Changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from neuron_ecs.operations.answers import Answer, answers, has_record
from neuron_ecs.operations.aws import code_of
from neuron_ecs.operations.logs import read_lines
from neuron_ecs.operations.observed import Observation, ObservedTask, family_of
from neuron_ecs.operations.reading import Reader
from planning import plan

_LAST_LINES = 200


@dataclass(frozen=True, slots=True)
class Way:
    """How the load balancer leads requests to a model; `None` marks what was not read."""

    balancer: str | None  # its state; empty if there is none
    address: str
    has_listener: bool | None  # on the plan's port
    has_rule: bool | None  # that leads to the model's target group
    certificate: str | None  # its status; empty without one
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A Region's part of a name over all Regions."""

    answer: Answer
    has_record: bool


@dataclass(frozen=True, slots=True)
class Examination:
    """What was read about a model in a Region."""

    observed: Observation
    way: Way | None  # of a model behind the load balancer
    lines: tuple[str, ...]  # the last ones of the task that failed last
    quota: float | None  # vCPUs
    named: Named | None = None  # of a model with a name over all Regions, if it could be read


def examine(reader: Reader, model: plan.ModelPlan, quota_code: str) -> Examination:
    """Reads everything about a model. `quota_code` names the quota of its pool's instances."""
    observed = reader.examined(model)
    way = _way(reader, model, observed) if model.target_group else None
    failed = _failed_last(model, observed)
    lines = _lines(reader, model, failed) if failed else ()
    quota = _quota(reader, quota_code) if quota_code else None
    named = _named(reader, model)
    observed = replace(observed, failed_calls=reader.aws.failed)
    return Examination(observed, way, lines, quota, named)


def _named(reader: Reader, model: plan.ModelPlan) -> Named | None:
    everywhere = model.target_group and model.target_group.everywhere
    if not everywhere:
        return None
    found = reader.aws.tried(
        "Route 53 ListHealthChecks",
        lambda: answers(reader.aws, [reader.region], model.name),
    )
    record = reader.aws.tried(
        "Route 53 ListResourceRecordSets",
        lambda: has_record(reader.aws, reader.region.name, everywhere),
    )
    of_it = next((one for one in found or () if one.host == everywhere.host), None)
    return None if of_it is None or record is None else Named(of_it, record)


def _way(reader: Reader, model: plan.ModelPlan, observed: Observation) -> Way | None:
    found = observed.by_service_key(reader.names)
    groups = [g for s in model.services if s.key in found for g in found[s.key].target_groups]
    planned = reader.region.load_balancer
    if not groups or planned is None:
        return None
    aws, group = reader.aws, groups[0]
    balancers = aws.tried(
        "Elastic Load Balancing DescribeTargetGroups",
        lambda: [
            b
            for g in aws.elbv2.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
            for b in g.get("LoadBalancerArns", ())
        ],
    )
    if not balancers:
        return Way("" if balancers is not None else None, "", None, None, None)
    balancer = aws.tried(
        "Elastic Load Balancing DescribeLoadBalancers",
        lambda: aws.elbv2.describe_load_balancers(LoadBalancerArns=balancers[:1])["LoadBalancers"],
    )
    listeners = aws.tried(
        "Elastic Load Balancing DescribeListeners",
        lambda: aws.elbv2.describe_listeners(LoadBalancerArn=balancers[0])["Listeners"],
    )
    ours = [one for one in listeners or () if one.get("Port") == planned.port]
    rules = (
        aws.tried(
            "Elastic Load Balancing DescribeRules",
            lambda: aws.elbv2.describe_rules(ListenerArn=ours[0]["ListenerArn"])["Rules"],
        )
        if ours
        else None
    )
    state = cast("dict[str, Any]", balancer[0].get("State", {})) if balancer else {}
    shown = [c.get("CertificateArn") for one in ours for c in one.get("Certificates", ())]
    certificate, expires = _certificate(reader, next(iter(shown), planned.certificate_arn))
    return Way(
        balancer=None if balancer is None else str(state.get("Code", "active")),
        address=balancer[0].get("DNSName", "") if balancer else "",
        has_listener=None if listeners is None else bool(ours),
        has_rule=None if rules is None else any(_leads(rule, group) for rule in rules),
        certificate=certificate,
        expires=expires,
    )


def _leads(rule: Mapping[str, Any], group: str) -> bool:
    actions = cast("list[dict[str, Any]]", rule.get("Actions", []))
    forwards = [cast("dict[str, Any]", a.get("ForwardConfig", {})) for a in actions]
    named = {a.get("TargetGroupArn") for a in actions}
    named |= {t.get("TargetGroupArn") for f in forwards for t in f.get("TargetGroups", ())}
    return group in named


def _certificate(reader: Reader, arn: str | None) -> tuple[str | None, datetime | None]:
    if arn is None:
        return "", None
    answer = reader.aws.tried(
        "Certificate Manager DescribeCertificate",
        lambda: reader.aws.acm.describe_certificate(CertificateArn=arn)["Certificate"],
    )
    if answer is None:
        return None, None
    return str(answer.get("Status", "")), answer.get("NotAfter")


def _failed_last(model: plan.ModelPlan, observed: Observation) -> ObservedTask | None:
    families = {s.task_definition.family for s in model.services}
    tasks = [t for t in observed.tasks if t.stopped and family_of(t.task_definition) in families]
    return max(tasks, key=lambda t: str(t.stopped), default=None)


def _lines(reader: Reader, model: plan.ModelPlan, task: ObservedTask) -> tuple[str, ...]:
    """The last lines of a task: from its start on, or of the hour before it stopped."""
    stopped = cast(datetime, task.stopped)
    since = max(task.started or stopped, stopped - timedelta(hours=1)) - timedelta(minutes=1)
    read = reader.aws.tried(
        "CloudWatch Logs FilterLogEvents",
        lambda: read_lines(reader.aws, model.log_group.name, model.name, since),
    )
    lines: Sequence[str] = [x.text for x in (read[0] if read else ()) if x.task == task.name]
    return tuple(lines[-_LAST_LINES:])


def _quota(reader: Reader, code: str) -> float | None:
    """The account's quota; `None` if it cannot be read, which is no error of the stack."""
    try:
        answer = reader.aws.quotas.get_service_quota(ServiceCode="ec2", QuotaCode=code)
    except reader.aws.account.without:
        raise
    except reader.aws.account.refusals as error:
        if code_of(error) != "NoSuchResourceException":
            reader.aws.fail("Service Quotas GetServiceQuota", code_of(error) or "no answer")
        return None
    return float(answer["Quota"]["Value"])
