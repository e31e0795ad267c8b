"""What a production stack records of its traffic and protects, and this one does not."""

from collections.abc import Iterator

from config import ManagedInstancesCapacity, OwnNetworkEntry
from messages.finding import Severity
from messages.phrases import listed
from planning.regional import arn_in, in_region, of_region
from planning.rules.rule import Report, rule
from planning.situation import Situation, serving_regions


def _report(s: Situation, field: str, what: str, fix: str) -> Report:
    severity = Severity.WARNING if s.settings.stage == "production" else None
    return Report(f"security.{field}", what, fix, severity=severity)


def _own_networks(s: Situation) -> list[str]:
    """The Regions whose network the stack creates."""
    return [r for r, spec in s.regions.items() if isinstance(spec.network, OwnNetworkEntry)]


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
    own = _own_networks(s)
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


@rule(
    "NE732",
    "Logs and volumes have no key of your own",
    Severity.NOTE,
    "A key of your own can be taken back, and its policy says who may decrypt. AWS's own keys have "
    "neither.",
    do="Name a KMS key of each Region under security.kms_keys. In production it is a warning.",
)
def no_key(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"""
    missing = [r for r in s.regions if not of_region(s.settings.security.kms_keys, r)]
    if missing:
        yield _report(
            s,
            "kms_keys",
            f"names no key for the log groups and volumes in {listed(missing)}",
            "name a multi-Region key, such as arn:aws:kms:{region}:111122223333:key/mrk-…; name a "
            "key of each Region",
        )


@rule(
    "NE733",
    "Sessions of ECS Exec are not recorded apart",
    Severity.NOTE,
    "Without a log group of its own a session is only among the lines of its container, as long as "
    "these are kept.",
    do="Write security.exec_logs: true. In production it is a warning.",
)
def no_exec_logs(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html"""
    executed = sorted({w.path for w in s.work if w.spec.exec})
    if executed and not s.settings.security.exec_logs:
        yield _report(s, "exec_logs", f"is false for {listed(executed)}", "write true")


@rule(
    "NE734",
    "Tasks reach the buckets of everyone",
    Severity.NOTE,
    "Who runs code in a task can copy what it reads to a bucket of their own: the endpoint of S3 "
    "lets it pass, also in a network without a way to the internet.",
    do="Name the accounts with buckets that tasks use under security.s3_accounts. In production it "
    "is a warning.",
)
def buckets_of_everyone(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html"""
    own = _own_networks(s)
    if s.settings.security.s3_accounts is None and own:
        yield _report(
            s,
            "s3_accounts",
            f"names no account for the networks in {listed(own)}",
            "write [], which leaves the stack's own account, or name the others whose buckets "
            "tasks use",
        )


@rule(
    "NE735",
    "Load balancers have no web ACL",
    Severity.NOTE,
    "Without AWS WAF nothing limits how often a caller asks.",
    do="Name a regional web ACL under security.web_acl_arns. In production it is a warning.",
)
def no_web_acl(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/securityhub/latest/userguide/elb-controls.html#elb-16"""
    missing = [r for r in serving_regions(s) if r not in s.settings.security.web_acl_arns]
    if missing:
        yield _report(
            s,
            "web_acl_arns",
            f"names no web ACL for the load balancers of {listed(missing)}",
            "name the ARN of a regional web ACL for each Region",
        )


@rule(
    "NE736",
    "Rules of a web ACL may block long prompts",
    Severity.NOTE,
    "AWS WAF reads the first 8 KB of a body at a load balancer, and the rule SizeRestrictions_BODY "
    "of AWS's core rule set blocks longer ones: prompts of some 2,000 tokens and more.",
    do="Let such rules count instead of block, in the web ACL.",
)
def bodies_above_8_kb(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/waf/latest/developerguide/web-acl-setting-body-inspection-limit.html
    and https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html"""
    for region in serving_regions(s):
        if region in s.settings.security.web_acl_arns:
            arn = s.settings.security.web_acl_arns[region]
            yield Report(
                f"security.web_acl_arns.{region}",
                f"is {arn}, whose rules may refuse requests above 8 KB",
                "make sure that SizeRestrictions_BODY counts there, and blocks nothing",
            )


@rule(
    "NE737",
    "Key or web ACL belongs to another Region",
    Severity.ERROR,
    "CloudWatch Logs and EBS take keys, and load balancers web ACLs, of their own Region and "
    "partition alone.",
    do="Name a key and a web ACL of each Region; a multi-Region key has a replica there.",
)
def of_another_region(s: Situation) -> Iterator[Report]:
    """API_AssociateKmsKey of the CloudWatch Logs API Reference, and API_AssociateWebACL of the AWS
    WAF API Reference"""
    security = s.settings.security
    given = [(f"web_acl_arns.{r}", r, arn) for r, arn in security.web_acl_arns.items()]
    if isinstance(security.kms_keys, dict):
        given += [(f"kms_keys.{r}", r, arn) for r, arn in security.kms_keys.items()]
    elif security.kms_keys:
        home, regions = s.catalog.places.regions.get(s.home_region), s.catalog.places.regions
        here = [r for r in s.regions if home and regions[r].partition == home.partition]  # NE103
        given += [("kms_keys", r, in_region(security.kms_keys, r)) for r in here]
    for path, region, arn in given:
        known = s.catalog.places.regions.get(region)
        here = in_region(arn, region)
        if known and (near := arn_in(here, known.partition, region)) != here:
            yield Report(
                f"security.{path}",
                f"is {arn}, of {arn.split(':')[3]} in the partition {arn.split(':')[1]}, for "
                f"{region}",
                f"name one of {region}, such as {near}",
            )


@rule(
    "NE738",
    "One key for several Regions is no multi-Region key",
    Severity.ERROR,
    "Only a multi-Region key, whose id begins with mrk-, has the same id in each Region.",
    do="Name a multi-Region key, or the key of each Region in a map.",
)
def key_of_one_region(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/kms/latest/developerguide/mrk-how-it-works.html"""
    arn = s.settings.security.kms_keys
    if isinstance(arn, str) and "{region}" in arn and len(s.regions) > 1 and ":key/mrk-" not in arn:
        yield Report(
            "security.kms_keys",
            f"is {arn}, for {listed(list(s.regions))}",
            f"name a multi-Region key, such as {arn.replace(':key/', ':key/mrk-')}; name the key "
            "of each Region in a map",
        )


RULES = (
    no_access_logs,
    no_flow_logs,
    no_deletion_protection,
    volumes_by_the_account,
    no_key,
    no_exec_logs,
    buckets_of_everyone,
    no_web_acl,
    bodies_above_8_kb,
    of_another_region,
    key_of_one_region,
)
