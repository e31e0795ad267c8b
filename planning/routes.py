"""The way of a request as plain data: names, load balancer, rules, target groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from planning import choices
from planning.alarms import Alarm

Client = Literal["auto_scaling", "managed_instances", "tasks"]
"""Whose network interfaces tasks use: those of the instances of a cluster, or the tasks' own."""


@dataclass(frozen=True, slots=True)
class Share:
    """The part of the requests that a target group gets: its weight, of the sum of all weights."""

    target_group: str
    weight: int


@dataclass(frozen=True, slots=True)
class TokenClaim:
    """A claim that a token must have."""

    name: str
    format: str  # as AWS spells it, such as single-string
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenCheck:
    """What a token of callers must be, as a load balancer checks it."""

    issuer: str
    key_set: str  # URL of the issuer's public keys
    claims: tuple[TokenClaim, ...] = ()


@dataclass(frozen=True, slots=True)
class ListenerRule:
    """Requests of these paths go to a target group, which gets what follows the prefix."""

    key: str
    paths: tuple[str, ...]  # patterns, prefix included
    prefix: str  # empty: the whole path
    hosts: tuple[str, ...] = ()  # names that requests have; empty: any
    shares: tuple[Share, ...] = ()  # target groups, its own among them; empty: its own alone
    token: TokenCheck | None = None  # of its requests; None: they need none
    after: str = ""  # key of the rule that stands before it; empty: the order does not matter


@dataclass(frozen=True, slots=True)
class Everywhere:
    """A Region's record of a name over all Regions: the nearest healthy Region is the answer."""

    key: str
    host: str
    zone_id: str
    target_group: str  # whose healthy targets decide
    alarm: Alarm  # while it goes off, the Region is left out of the answers


@dataclass(frozen=True, slots=True)
class OtherName:
    """A further name of a target group: that of `traffic.weights`, of which no model is left."""

    name: str
    host: str  # empty: the load balancer's own
    path_prefix: str
    rules: tuple[ListenerRule, ...]
    everywhere: Everywhere | None = None


@dataclass(frozen=True, slots=True)
class CallerKey:
    """The key that a server asks callers for, as `Authorization: Bearer …`."""

    secret: str  # where it is kept: an ARN or the name of a parameter


@dataclass(frozen=True, slots=True)
class SharedCertificate:
    """The certificates of one name in several Regions, all validated by one record."""

    key: str
    name: str  # with *. before the domain
    validation_zone_id: str
    first: str  # the Region of the certificate that says what the record is
    certificates: tuple[tuple[str, str], ...]  # Region and key of each, by Region


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """All services of a model in a Region register a container here."""

    key: str
    target_type: Literal["instance", "ip"]
    port: int
    health_path: str
    health_interval_seconds: int
    health_timeout_seconds: int
    unhealthy_threshold: int
    deregistration_delay_seconds: int
    path_prefix: str
    sidecar: str = ""  # the container that answers; empty: the model's own
    rules: tuple[ListenerRule, ...] = ()
    host: str = ""  # the name in its URL; empty: the load balancer's own
    caller_key: CallerKey | None = None
    check_path: str = ""  # one that answers a GET and is for callers alone; empty: none is known
    other_names: tuple[OtherName, ...] = ()
    everywhere: Everywhere | None = None

    @property
    def issuer(self) -> str:
        """The issuer of the tokens that its callers send; empty if they need none."""
        return next((rule.token.issuer for rule in self.rules if rule.token), "")

    def names(self, own: str) -> "Mapping[str, TargetGroup | OtherName]":
        """What it has under each name: its own, which its model gives it, and the others."""
        return {own: self, **{other.name: other for other in self.other_names}}


@dataclass(frozen=True, slots=True)
class Names:
    """Names of a Region's load balancer in a hosted zone, and the certificate that it gets."""

    key: str
    name: str  # with *. before the Region
    zone_id: str
    associated: bool  # whether the zone has to be associated with the Region's VPC
    validation_zone_id: str  # where ACM validates the certificate of the name; empty: there is none


@dataclass(frozen=True, slots=True)
class Registry:
    """The name of the tasks of one service in the network, a service of AWS Cloud Map."""

    key: str
    label: str  # the name before the namespace
    host: str
    record: Literal["A", "SRV"]  # an address alone, or a host with its port
    container: str  # whose port an SRV record has; empty: an A record has none
    port: int | None


@dataclass(frozen=True, slots=True)
class Opening:
    """Ports of one of the stack's groups that its other tasks reach by name."""

    to: Client
    ports: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Namespace:
    """The names of tasks in a Region's network: a private hosted zone that Cloud Map keeps."""

    key: str
    name: str
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """The Region's Application Load Balancer."""

    key: str
    name_key: str  # logical name within AWS's 32 characters, suffix included
    certificate_arn: str | None
    allow_cidrs: tuple[str, ...]
    allow_security_groups: tuple[str, ...]
    zone_ids: tuple[str, ...]
    access_logs: tuple[str, str] = ("", "")  # bucket and prefix that get them; empty: none
    deletion_protection: bool = False
    web_acl_arn: str = ""  # empty: none
    idle_timeout_seconds: int = choices.IDLE_TIMEOUT_SECONDS
    names: Names | None = None
    public: bool = False  # whether it has public addresses, in the public subnets of its zones
    trust_store_arn: str = ""  # of the authorities of its callers' certificates; empty: none needed
    group_key: str = ""  # of its security group, the same for both schemes; empty: as `key`

    @property
    def security_group(self) -> str:
        """The key of its security group."""
        return self.group_key or self.key

    @property
    def callers(self) -> tuple[str, ...]:
        """The CIDR blocks and security groups that it admits."""
        return (*self.allow_cidrs, *self.allow_security_groups)

    @property
    def makes_certificate(self) -> bool:
        """Whether the stack makes its certificate."""
        return self.names is not None and bool(self.names.validation_zone_id)

    @property
    def secure(self) -> bool:
        """Whether the listener speaks HTTPS."""
        return self.certificate_arn is not None or self.makes_certificate

    @property
    def port(self) -> int:
        """Port of the listener."""
        return choices.HTTPS_PORT if self.secure else choices.HTTP_PORT
