"""Creates what a stack file describes, by the requests that the provider would make.

Requests and order are those of the recorded graph (`tests.contract`). Before a resource is created,
what its inputs take from others is replaced with what the account has answered, as the engine does.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from botocore.config import Config

from neuron_ecs.recording.graph import Recording, Resource
from neuron_ecs.recording.placeholders import identifier, marks, placeholders
from neuron_ecs.recording.sdk_types import resource_type
from tests.account.wire import Json, method_of
from tests.contract import aws_model
from tests.contract.aws_requests import requests

_IDS: Mapping[str, tuple[str, ...]] = {
    "AllocateAddress": ("AllocationId",),
    "CreateAccessPoint": ("AccessPointId",),
    "CreateCluster": ("cluster", "clusterArn"),
    "CreateFileSystem": ("FileSystemId",),
    "CreateHealthCheck": ("HealthCheck", "Id"),
    "CreateInternetGateway": ("InternetGateway", "InternetGatewayId"),
    "CreateLaunchTemplate": ("LaunchTemplate", "LaunchTemplateId"),
    "CreateListener": ("Listeners", "ListenerArn"),
    "CreateLoadBalancer": ("LoadBalancers", "LoadBalancerArn"),
    "CreateNatGateway": ("NatGateway", "NatGatewayId"),
    "CreateRouteTable": ("RouteTable", "RouteTableId"),
    "CreateSecurityGroup": ("GroupId",),
    "CreateSubnet": ("Subnet", "SubnetId"),
    "CreateTargetGroup": ("TargetGroups", "TargetGroupArn"),
    "CreateVpc": ("Vpc", "VpcId"),
    "RequestCertificate": ("CertificateArn",),
    "RegisterTaskDefinition": ("taskDefinition", "taskDefinitionArn"),
}
"""Where an answer has the id or ARN that others refer to; all else is known by its name."""

_FILE_SYSTEM = "fs-0123456789abcdef0"
"""What the contract calls a file system, because EFS checks the form of the id."""

_DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"


def client(address: str, service: str, region: str) -> Any:
    """A client of the account."""
    return aws_model.session().create_client(
        service,
        region_name=region,
        endpoint_url=address,
        aws_access_key_id="loopback",
        aws_secret_access_key="loopback",
        config=Config(retries={"total_max_attempts": 1}),
    )


def create(
    address: str, recording: Recording, home: str, begin: Callable[[str], None] = lambda urn: None
) -> None:
    """Creates every resource of a graph; `home` is the Region of those that have none.

    `begin` is called with the URN of each resource before it is created.
    """
    _Creation(address, home, begin).all_of(recording)


class _Creation:
    def __init__(self, address: str, home: str, begin: Callable[[str], None]) -> None:
        self.address = address
        self.begin = begin
        self.home = home
        self.known: dict[str, list[tuple[str, str]]] = {}
        """By the URN of a resource: a placeholder of the recording, and what is there in truth."""
        self.clients: dict[tuple[str, str], Any] = {}
        self.rules = 0
        """Rules of listeners so far: the provider takes the next free priority."""

    def all_of(self, recording: Recording) -> None:
        """Creates the resources, each after those that it depends on."""
        left = {r.urn: r for r in recording.resources if r.type.startswith("aws:")}
        while left:
            ready = [r for r in left.values() if not set(r.dependencies) & left.keys()]
            assert ready, f"a circle: {list(left)}"
            for resource in sorted(ready, key=lambda r: r.created):
                self.begin(resource.urn)
                self._create(resource)
                del left[resource.urn]

    def _create(self, recorded: Resource) -> None:
        inputs = {
            key: self._resolved(value, recorded.property_dependencies.get(key, ()))
            for key, value in recorded.inputs.items()
        }
        chosen = marks(recorded.urn, recorded.name)[0]
        resource = replace(recorded, inputs=inputs)
        found = chosen
        if resource.type == _DEFAULT_GROUP:
            found = self._default_group(resource)
        for request in requests(resource, chosen):
            params = _replaced(request.params, [(chosen, found), (_FILE_SYSTEM, found)])
            if request.operation == "CreateRule" and "priority" not in resource.inputs:
                self.rules += 1
                params = {**params, "Priority": self.rules}
            call = getattr(
                self._client(request.service, request.region), method_of(request.operation)
            )
            made: Json = call(**params)
            if request.operation in _IDS:
                found = _at(made, _IDS[request.operation])
            if request.operation == "CreateSecurityGroup":
                self._close(found, request.region)
        kind = resource_type(recorded.type)
        assert kind is not None, recorded.type
        known = placeholders(recorded, kind, recorded.inputs.get("region", self.home))
        # An ARN made of a name is the one that the recording expects.
        arn = found if found.startswith("arn:") else known.get("arn", "")
        pairs = {
            identifier(recorded.name): found,
            known.get("arn", ""): arn,
            known.get("allocationId", ""): found,
        }
        # Outputs repeat inputs: what is taken from this one may be another's.
        passed = [pair for urn in recorded.dependencies for pair in self.known.get(urn, ())]
        self.known[recorded.urn] = [(old, new) for old, new in pairs.items() if old] + passed

    def _client(self, service: str, region: str) -> Any:
        key = (service, region or self.home)
        if key not in self.clients:
            self.clients[key] = client(self.address, *key)
        return self.clients[key]

    def _default_group(self, resource: Resource) -> str:
        network = {"Name": "vpc-id", "Values": [resource.inputs["vpcId"]]}
        default = {"Name": "group-name", "Values": ["default"]}
        ec2 = self._client("ec2", resource.inputs["region"])
        return ec2.describe_security_groups(Filters=[network, default])["SecurityGroups"][0][
            "GroupId"
        ]

    def _close(self, group: str, region: str) -> None:
        """Takes away the rule that lets all traffic out, as the provider does at once."""
        everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        self._client("ec2", region).revoke_security_group_egress(
            GroupId=group, IpPermissions=[everything]
        )

    def _resolved(self, value: Any, sources: tuple[str, ...]) -> Any:
        return _replaced(value, [pair for urn in sources for pair in self.known.get(urn, ())])


def _replaced(value: Any, pairs: list[tuple[str, str]]) -> Any:
    if isinstance(value, str):
        for placeholder, truth in pairs:
            value = value.replace(placeholder, truth)
        return value
    if isinstance(value, list):
        return [_replaced(item, pairs) for item in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        return {k: _replaced(item, pairs) for k, item in cast("Mapping[str, Any]", value).items()}
    return value


def _at(made: Json, path: tuple[str, ...]) -> str:
    """The text at a path; of a list the first item."""
    value: Any = made
    for key in path:
        if isinstance(value, list):
            value = cast("list[Any]", value)[0]
        value = cast("Json", value)[key]
    return value
