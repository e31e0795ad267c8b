"""What a production stack records of its traffic and protects, and this one does not."""

from collections.abc import Iterator

from config import ManagedInstancesCapacity, OwnNetworkEntry
from messages.finding import Severity
from messages.phrases import listed
from planning.rules.rule import Report, rule
from planning.situation import Situation, serving_regions


def _report(s: Situation, field: str, what: str, fix: str) -> Report:
    severity = Severity.WARNING if s.settings.stage == "production" else None
    return Report(f"security.{field}", what, fix, severity=severity)


@rule(
    "NE728",
    "Load balancers write no access logs",
    Severity.NOTE,
    "Access logs are the only record of who called a model, and of what it answered.",
    do="Name a bucket under security.access_logs. In production it is a warning.",
)
def no_access_logs(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/securityhub/latest/userguide/elb-controls.html#elb-5"""
    if s.settings.security.access_logs is None and serving_regions(s):
        yield _report(
            s,
            "access_logs",
            f"names no bucket for the load balancers of {listed(serving_regions(s))}",
            "name the prefix of a bucket in each Region, such as s3://my-logs-{region}/requests/",
        )


@rule(
    "NE729",
    "Networks write no flow logs",
    Severity.NOTE,
    "Flow logs are the only record of the addresses that an instance or a task reached.",
    do="Name a bucket under security.flow_logs. In production it is a warning.",
)
def no_flow_logs(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-6"""
    own = [r for r, spec in s.regions.items() if isinstance(spec.network, OwnNetworkEntry)]
    if s.settings.security.flow_logs is None and own:
        yield _report(
            s,
            "flow_logs",
            f"names no bucket for the networks in {listed(own)}",
            "name the prefix of a bucket, such as s3://my-logs-{region}/connections/",
        )


@rule(
    "NE730",
    "Load balancers can be deleted by mistake",
    Severity.NOTE,
    "The URLs of the models go with their load balancer, and a new one has another name.",
    do="Write security.deletion_protection: true. In production it is a warning.",
)
def no_deletion_protection(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/securityhub/latest/userguide/elb-controls.html#elb-6"""
    if not s.settings.security.deletion_protection and serving_regions(s):
        yield _report(
            s,
            "deletion_protection",
            f"is false for the load balancers of {listed(serving_regions(s))}",
            "write true",
        )


@rule(
    "NE731",
    "Volumes of Managed Instances follow the account",
    Severity.NOTE,
    "ECS has no field for the encryption of these volumes: the account's default for EBS decides "
    "in each Region.",
    do="Make sure that encryption by default is on in each Region.",
)
def volumes_by_the_account(s: Situation) -> Iterator[Report]:
    """API_ManagedInstancesStorageConfiguration of the Amazon ECS API Reference: it has a size and
    nothing else."""
    for name, spec in s.settings.capacity.items():
        if isinstance(spec, ManagedInstancesCapacity) and not spec.local_storage:
            regions = [r for r in s.pool_regions(name) if r in s.regions]
            if regions:
                yield Report(
                    f"capacity.{name}",
                    f"runs {listed(s.types_named(name), most=3)} with volumes that only the "
                    "account's default encrypts",
                    f"make sure that EBS encryption by default is on in {listed(regions)}",
                )


RULES = (no_access_logs, no_flow_logs, no_deletion_protection, volumes_by_the_account)
