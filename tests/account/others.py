"""The answers of the other services about what lives, one method for each operation.

An operation without a method here, or one whose method returns None, is answered by moto.
"""

from collections.abc import Sequence
from typing import Any

from tests.account.hosts import IMAGE
from tests.account.scheduler import Scheduler
from tests.account.state import Account, Place, arn
from tests.account.wire import Json, Refusal


class Service:
    """A service in one Region."""

    def __init__(self, account: Account, place: Place) -> None:
        self.account = account
        self.place = place
        self.scheduler = Scheduler(account, place)


class Ec2(Service):
    """Instances, which only Auto Scaling groups and capacity providers launch."""

    def describe_instances(self, **given: Any) -> Json:
        """DescribeInstances, by id or by the filters `instance-id` and `tag:…`."""
        found = list(self.place.machines.values())
        if "InstanceIds" in given:
            found = [m for m in found if m["InstanceId"] in given["InstanceIds"]]
        for one in given.get("Filters", ()):
            found = [m for m in found if _value(m, one["Name"]) in one["Values"]]
        return {"Reservations": [{"ReservationId": "r-0", "Instances": found}] if found else []}

    def create_placement_group(self, GroupName: str, **_: Any) -> Json:
        """CreatePlacementGroup, which moto lacks; nothing reads it again."""
        return {"PlacementGroup": {"GroupName": GroupName, "State": "available"}}

    def terminate_instances(self, InstanceIds: Sequence[str], **_: Any) -> Json:
        """TerminateInstances."""
        found = [self.place.machines[i] for i in InstanceIds if i in self.place.machines]
        for machine in found:
            self.scheduler.lose(machine)
        self.scheduler.settle()
        states = {"CurrentState": {"Code": 48, "Name": "terminated"}}
        return {"TerminatingInstances": [{"InstanceId": m["InstanceId"], **states} for m in found]}


def _value(machine: Json, name: str) -> str | None:
    if name.startswith("tag:"):
        tags = {t["Key"]: t["Value"] for t in machine["Tags"]}
        return tags.get(name.removeprefix("tag:"))
    if name == "instance-state-name":
        return machine["State"]["Name"]
    return machine["InstanceId"] if name == "instance-id" else None


class AutoScaling(Service):
    """Auto Scaling groups."""

    def describe_auto_scaling_groups(self, AutoScalingGroupNames: Any = (), **_: Any) -> Json:
        """DescribeAutoScalingGroups."""
        names = AutoScalingGroupNames or list(self.place.groups)
        found = [self.place.groups[n] for n in names if n in self.place.groups]
        return {"AutoScalingGroups": [self._described(g) for g in found]}

    def _described(self, group: Json) -> Json:
        instances = [
            {
                "InstanceId": m["InstanceId"],
                "InstanceType": m["InstanceType"],
                "AvailabilityZone": m["Placement"]["AvailabilityZone"],
                "LifecycleState": "InService",
                "HealthStatus": "Healthy",
                "ProtectedFromScaleIn": group.get("NewInstancesProtectedFromScaleIn", False),
            }
            for m in self.scheduler.hosts.machines_of(group)
        ]
        kept = {k: v for k, v in group.items() if k in _OF_GROUP}
        tags = [{k: v for k, v in t.items() if k != "ResourceType"} for t in group.get("Tags", ())]
        return {
            **kept,
            "Tags": tags,
            "DefaultCooldown": 300,
            "AvailabilityZones": sorted({z for z in self.place.zones.values() if z}),
            "Instances": instances,
        }

    def _group(self, name: str) -> Json:
        if name not in self.place.groups:
            raise Refusal("ValidationError", f"AutoScalingGroup name not found - {name}")
        return self.place.groups[name]

    def set_desired_capacity(
        self, AutoScalingGroupName: str, DesiredCapacity: int, **_: Any
    ) -> Json:
        """SetDesiredCapacity. More instances are launched; less is left to managed scaling."""
        group = self._group(AutoScalingGroupName)
        if not group["MinSize"] <= DesiredCapacity <= group["MaxSize"]:
            raise Refusal(
                "ValidationError",
                f"New SetDesiredCapacity value {DesiredCapacity} is outside of the group's sizes "
                f"{group['MinSize']} to {group['MaxSize']}.",
            )
        group["DesiredCapacity"] = DesiredCapacity
        provider = next(
            p for p in self.place.providers.values() if self.scheduler.hosts.group_of(p) is group
        )
        refused = self.account.state.launches_refused.get(provider["name"])
        for _number in range(DesiredCapacity - len(self.scheduler.hosts.machines_of(group))):
            self.scheduler.hosts.launch_in(group, provider, refused)
        self.scheduler.settle()
        return {}

    def update_auto_scaling_group(self, AutoScalingGroupName: str, **given: Any) -> Json:
        """UpdateAutoScalingGroup."""
        self._group(AutoScalingGroupName).update(given)
        self.scheduler.settle()
        return {}

    def set_instance_protection(
        self, InstanceIds: Sequence[str], AutoScalingGroupName: str, ProtectedFromScaleIn: bool
    ) -> Json:
        """SetInstanceProtection, which nothing here asks for: no group scales in."""
        self._group(AutoScalingGroupName)
        return {}

    def terminate_instance_in_auto_scaling_group(
        self, InstanceId: str, ShouldDecrementDesiredCapacity: bool
    ) -> Json:
        """TerminateInstanceInAutoScalingGroup."""
        machine = self.place.machines[InstanceId]
        groups = self.place.groups.values()
        group = next(g for g in groups if machine in self.scheduler.hosts.machines_of(g))
        if ShouldDecrementDesiredCapacity:
            group["DesiredCapacity"] -= 1
        self.scheduler.lose(machine)
        self.scheduler.settle()
        return {"Activity": self.place.activities[-1]}

    def describe_scaling_activities(self, AutoScalingGroupName: str = "", **_: Any) -> Json:
        """DescribeScalingActivities, the newest first."""
        found = [
            a
            for a in reversed(self.place.activities)
            if AutoScalingGroupName in ("", a["AutoScalingGroupName"])
        ]
        return {"Activities": found}


_OF_GROUP = (
    "AutoScalingGroupName",
    "CreatedTime",
    "DesiredCapacity",
    "HealthCheckType",
    "LaunchTemplate",
    "MaxSize",
    "MinSize",
    "MixedInstancesPolicy",
    "NewInstancesProtectedFromScaleIn",
    "VPCZoneIdentifier",
)


class ElasticLoadBalancing(Service):
    """The health of targets, which are the tasks that run."""

    def describe_target_health(self, TargetGroupArn: str, **_: Any) -> Json:
        """DescribeTargetHealth."""
        found = [
            self._target(task, balancer)
            for service in self.place.services.values()
            for balancer in service.get("loadBalancers", ())
            if balancer.get("targetGroupArn") == TargetGroupArn
            for task in self.scheduler.tasks_of(service)
        ]
        return {"TargetHealthDescriptions": found}

    def _target(self, task: Json, balancer: Json) -> Json:
        spoilt = next(self.scheduler.troubles(task["taskDefinitionArn"], "unhealthy"), None)
        addresses = [a for c in task["containers"] for a in c.get("networkInterfaces", ())]
        instance = self.place.instances[task["containerInstanceArn"]]
        identity = addresses[0]["privateIpv4Address"] if addresses else instance["ec2InstanceId"]
        health = spoilt.target if spoilt else {"State": "healthy"}
        paths = self.place.health_paths[balancer["targetGroupArn"]]
        if paths[0] != paths[-1]:
            health = _NOT_FOUND
        target = {"Id": identity, "Port": balancer["containerPort"]}
        return {"Target": target, "TargetHealth": health}


_NOT_FOUND = {
    "State": "unhealthy",
    "Reason": "Target.ResponseCodeMismatch",
    "Description": "Health checks failed with these codes: [404]",
}


class ApplicationAutoScaling(Service):
    """What scales services: nothing does it here."""

    def describe_scaling_activities(self, **_: Any) -> Json:
        """DescribeScalingActivities."""
        return {"ScalingActivities": []}


class CloudWatch(Service):
    """The metric of healthy targets; no other metric has data."""

    def get_metric_data(self, MetricDataQueries: Sequence[Json], **_: Any) -> Json:
        """GetMetricData."""
        results = [self._result(query) for query in MetricDataQueries]
        return {"MetricDataResults": results}

    def _result(self, query: Json) -> Json:
        metric = query.get("MetricStat", {}).get("Metric", {})
        named = {d["Name"]: d["Value"] for d in metric.get("Dimensions", ())}
        values: list[float] = []
        if metric.get("MetricName") == "HealthyHostCount":
            group = arn("elasticloadbalancing", self.place.name, named["TargetGroup"])
            balancing = ElasticLoadBalancing(self.account, self.place)
            found = balancing.describe_target_health(group)["TargetHealthDescriptions"]
            values.append(sum(t["TargetHealth"]["State"] == "healthy" for t in found))
        return {
            "Id": query["Id"],
            "Label": metric.get("MetricName", ""),
            "Timestamps": [self.account.now() for _ in values],
            "Values": values,
            "StatusCode": "Complete",
        }


class Iam(Service):
    """Managed policies, AWS's and others, which moto has not."""

    def attach_role_policy(self, **_: Any) -> Json:
        """AttachRolePolicy; no policy is looked up."""
        return {}


class Logs(Service):
    """The lines that tasks have written."""

    def filter_log_events(
        self, logGroupName: str, logStreamNamePrefix: str = "", startTime: int = 0, **_: Any
    ) -> Json:
        """FilterLogEvents."""
        found = [
            line
            for line in self.place.lines.get(logGroupName, ())
            if line["logStreamName"].startswith(logStreamNamePrefix)
            and line["timestamp"] >= startTime
        ]
        return {"events": found, "searchedLogStreams": []}


class ServiceQuotas(Service):
    """Quotas, and the wish for higher ones, which nobody grants here."""

    def get_service_quota(self, ServiceCode: str, QuotaCode: str, **_: Any) -> Json:
        """GetServiceQuota."""
        value = self.account.state.quotas.get(QuotaCode, _ENOUGH)
        quota = {"ServiceCode": ServiceCode, "QuotaCode": QuotaCode, "Value": value}
        return {"Quota": quota | {"Adjustable": True}}

    def request_service_quota_increase(self, **given: Any) -> Json:
        """RequestServiceQuotaIncrease."""
        wish = {key: given[key] for key in ("ServiceCode", "QuotaCode", "DesiredValue")}
        told = {"Id": self.account.hex(32), "Status": "PENDING", "Created": self.account.now()}
        return {"RequestedQuota": wish | told}


_ENOUGH = 256.0


class SystemsManager(Service):
    """Parameters of AWS, all of which name one image."""

    def get_parameters(self, Names: Sequence[str], **_: Any) -> Json:
        """GetParameters."""
        return {"Parameters": [{"Name": name, "Value": IMAGE} for name in Names]}


ANSWERED: dict[str, type[Service]] = {
    "application-autoscaling": ApplicationAutoScaling,
    "autoscaling": AutoScaling,
    "cloudwatch": CloudWatch,
    "ec2": Ec2,
    "elbv2": ElasticLoadBalancing,
    "iam": Iam,
    "logs": Logs,
    "service-quotas": ServiceQuotas,
    "ssm": SystemsManager,
}


def remember(place: Place, operation: str, params: Json, made: Json, account: Account) -> None:
    """Keeps of what moto has made that which instances are launched from."""
    match operation:
        case "CreateSubnet":
            subnet = made["Subnet"]
            place.zones[subnet["SubnetId"]] = subnet["AvailabilityZone"]
        case "CreateLaunchTemplate":
            identity = made["LaunchTemplate"]["LaunchTemplateId"]
            place.templates[identity] = params["LaunchTemplateData"]
        case "CreateAutoScalingGroup":
            wanted = params.get("DesiredCapacity", params["MinSize"])
            group = params | {"DesiredCapacity": wanted, "CreatedTime": account.now()}
            place.groups[params["AutoScalingGroupName"]] = group
        case "CreateTargetGroup" | "ModifyTargetGroup":
            (group,) = made["TargetGroups"]
            paths = place.health_paths.setdefault(group["TargetGroupArn"], [])
            paths.append(group["HealthCheckPath"])
        case _:
            pass


REMEMBERED = {
    ("ec2", "CreateSubnet"),
    ("ec2", "CreateLaunchTemplate"),
    ("autoscaling", "CreateAutoScalingGroup"),
    ("elbv2", "CreateTargetGroup"),
    ("elbv2", "ModifyTargetGroup"),
}
