"""Instances: what launches them, and what the agent on them registers with ECS."""

import catalog
from tests.account.state import Account, Place, arn, last
from tests.account.wire import Json

IMAGE = "ami-0aaaaaaaaaaaaaaaa"
"""The image behind every parameter of AWS, and of every instance."""

_RESERVED_PORTS = ("22", "2375", "2376", "51678", "51679")


class Hosts:
    """The instances of a Region."""

    def __init__(self, account: Account, place: Place) -> None:
        self.account = account
        self.place = place

    def launch(self, provider: Json) -> Json | None:
        """A new container instance of a capacity provider; None if it may have no more, or if AWS
        has none."""
        group = self.group_of(provider)
        refused = self.account.state.launches_refused.get(provider["name"])
        if group is None:
            return None if refused else self._managed(provider)
        if len(self.machines_of(group)) >= group["MaxSize"]:
            return None
        if (
            provider["autoScalingGroupProvider"].get("managedScaling", {}).get("status")
            != "ENABLED"
        ):
            return None
        return self.launch_in(group, provider, refused)

    def launch_in(self, group: Json, provider: Json, refused: str | None) -> Json | None:
        """A new instance of an Auto Scaling group, which counts it as wanted."""
        wanted = len(self.machines_of(group)) + 1
        group["DesiredCapacity"] = max(group["DesiredCapacity"], wanted)
        if refused:
            said = f"Launching a new EC2 instance.  Status Reason: {refused}"
            self._activity(group, said, "Failed", refused)
            return None
        subnet = group["VPCZoneIdentifier"].split(",")[0]
        template = self.place.templates[self._template(group)]
        kind: str = self._overrides(group)[0].get("InstanceType") or template["InstanceType"]
        machine = self._machine(kind, subnet, group["AutoScalingGroupName"])
        said = f"Launching a new EC2 instance: {machine['InstanceId']}"
        self._activity(group, said, "Successful", "")
        cluster = self._cluster_of(provider)
        return self._registered(machine, provider, cluster)

    def _template(self, group: Json) -> str:
        mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
        named = group.get("LaunchTemplate") or mixed["LaunchTemplateSpecification"]
        return named["LaunchTemplateId"]

    def _overrides(self, group: Json) -> list[Json]:
        mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
        return mixed.get("Overrides") or [{}]

    def _managed(self, provider: Json) -> Json:
        launch = provider["managedInstancesProvider"]["instanceLaunchTemplate"]
        kind = launch["instanceRequirements"]["allowedInstanceTypes"][0]
        machine = self._machine(kind, launch["networkConfiguration"]["subnets"][0], None)
        return self._registered(machine, provider, self._cluster_of(provider))

    def _cluster_of(self, provider: Json) -> Json:
        name = provider["name"]
        return next(c for c in self.place.clusters.values() if name in c["capacityProviders"])

    def group_of(self, provider: Json) -> Json | None:
        """The Auto Scaling group of a capacity provider; None on Managed Instances."""
        named = provider.get("autoScalingGroupProvider")
        return self.place.groups[last(named["autoScalingGroupArn"])] if named else None

    def machines_of(self, group: Json) -> list[Json]:
        """The EC2 instances of a group that are not ended."""
        return [
            m
            for m in self.place.machines.values()
            if m["State"]["Name"] == "running"
            and {"Key": _GROUP, "Value": group["AutoScalingGroupName"]} in m["Tags"]
        ]

    def _machine(self, kind: str, subnet: str, group: str | None) -> Json:
        identity = f"i-0{self.account.hex(16)}"
        number = len(self.place.machines) + 10
        tags = [{"Key": "aws:ec2launchtemplate:version", "Value": "1"}]
        tags += [{"Key": _GROUP, "Value": group}] if group else []
        machine = self.place.machines[identity] = {
            "InstanceId": identity,
            "ImageId": IMAGE,
            "InstanceType": kind,
            "LaunchTime": self.account.now(),
            "State": {"Code": 16, "Name": "running"},
            "Placement": {"AvailabilityZone": self.place.zones.get(subnet, "")},
            "PrivateIpAddress": f"10.47.32.{number}",
            "SubnetId": subnet,
            "Tags": tags,
        }
        return machine

    def _registered(self, machine: Json, provider: Json, cluster: Json) -> Json:
        known = catalog.load().instances
        kind = known.types[machine["InstanceType"]]
        memory = known.registered_memory.get(kind.name, kind.memory_mib)
        resources: list[Json] = [
            {"name": "CPU", "type": "INTEGER", "integerValue": kind.vcpus * 1024},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": memory},
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": list(_RESERVED_PORTS)},
        ]
        if "managedInstancesProvider" in provider and kind.neuron is not None:
            ids = [str(n) for n in range(kind.neuron.devices)]
            resources.append({"name": "NEURON_DEVICES", "type": "STRINGSET", "stringSetValue": ids})
        named = f"container-instance/{cluster['clusterName']}/{self.account.hex(32)}"
        made: Json = {
            "containerInstanceArn": arn("ecs", self.place.name, named),
            "ec2InstanceId": machine["InstanceId"],
            "capacityProviderName": provider["name"],
            "version": 1,
            "versionInfo": {"agentVersion": "1.105.1"},
            "registeredResources": resources,
            "remainingResources": [],
            "status": "ACTIVE",
            "agentConnected": True,
            "attributes": [
                {"name": "ecs.instance-type", "value": machine["InstanceType"]},
                {"name": "ecs.os-type", "value": "linux"},
                {
                    "name": "ecs.availability-zone",
                    "value": machine["Placement"]["AvailabilityZone"],
                },
                {"name": "ecs.ami-id", "value": machine["ImageId"]},
            ],
            "registeredAt": self.account.now(),
        }
        self.place.instances[made["containerInstanceArn"]] = made
        return made

    def end(self, machine: Json) -> None:
        """Ends an EC2 instance; the caller sees to its tasks."""
        machine["State"] = {"Code": 48, "Name": "terminated"}
        names = [t["Value"] for t in machine["Tags"] if t["Key"] == _GROUP]
        for group in (self.place.groups[name] for name in names):
            said = f"Terminating EC2 instance: {machine['InstanceId']}"
            self._activity(group, said, "Successful", "")

    def _activity(self, group: Json, said: str, status: str, message: str) -> None:
        one = {
            "ActivityId": self.account.hex(32),
            "AutoScalingGroupName": group["AutoScalingGroupName"],
            "Description": said,
            "Cause": "a user or managed scaling of ECS changed the desired capacity",
            "StartTime": self.account.now(),
            "EndTime": self.account.now(),
            "StatusCode": status,
            "Progress": 100,
        }
        self.place.activities.append(one | ({"StatusMessage": message} if message else {}))


_GROUP = "aws:autoscaling:groupName"
