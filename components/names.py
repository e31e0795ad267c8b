"""Names over all Regions: certificates that one record validates, and each Region's answer."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components import alarms
from components.tags import named
from planning import choices, plan


def requested(
    key: str, name: str, *, region: str, tags: plan.Tags, parent: pulumi.Resource
) -> aws.acm.Certificate:
    """Builds a certificate of one name, which ACM issues once it has validated it."""
    return aws.acm.Certificate(
        key,
        domain_name=name,
        validation_method="DNS",
        tags=named(tags, key),
        region=region,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def validation_record(
    key: str, certificate: aws.acm.Certificate, zone_id: str, *, parent: pulumi.Resource
) -> aws.route53.Record:
    """Builds the record by which ACM validates a certificate of one name.

    The record is the same for every certificate of that name in the account, in any Region.
    https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
    """
    wanted = certificate.domain_validation_options[0]
    return aws.route53.Record(
        key,
        zone_id=zone_id,
        name=wanted.resource_record_name,
        type=wanted.resource_record_type,
        records=[wanted.resource_record_value],
        ttl=choices.VALIDATION_TTL_SECONDS,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def validated(
    key: str,
    certificate: aws.acm.Certificate,
    record: aws.route53.Record,
    *,
    region: str,
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """Waits until ACM has validated a certificate, and returns its ARN."""
    return aws.acm.CertificateValidation(
        key,
        certificate_arn=certificate.arn,
        validation_record_fqdns=[record.fqdn],
        region=region,
        opts=pulumi.ResourceOptions(
            parent=parent,
            custom_timeouts=pulumi.CustomTimeouts(create=f"{choices.VALIDATION_MINUTES}m"),
        ),
    ).certificate_arn


class SharedCertificate(pulumi.ComponentResource):
    """A certificate of one name in each Region. Their one record belongs to no Region.

    A Region that goes takes its certificate with it, and leaves the record to the others.
    """

    def __init__(self, described: plan.SharedCertificate, *, tags: plan.Tags) -> None:
        super().__init__("neuron-ecs:components:SharedCertificate", described.key, None, None)
        made = {
            region: requested(key, described.name, region=region, tags=tags, parent=self)
            for region, key in described.certificates
        }
        record = validation_record(
            f"{described.key}_validation",
            made[described.first],
            described.validation_zone_id,
            parent=self,
        )
        self.arns: Mapping[str, pulumi.Output[str]] = {
            region: validated(key, made[region], record, region=region, parent=self)
            for region, key in described.certificates
        }
        """By Region."""
        self.register_outputs({})


def everywhere(
    described: plan.Everywhere,
    *,
    alias: aws.route53.RecordAliasArgsDict,
    known: alarms.Names,
    region: str,
    tags: plan.Tags,
    parent: pulumi.Resource,
    after: Sequence[pulumi.Resource],
) -> None:
    """Builds a Region's record of a name over all Regions, with its health.

    Route 53 takes a new health check for healthy until it has data: `after` are the services that
    must be steady first.
    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
    """
    watched = alarms.alarm(
        described.alarm, known=known, region=region, tags=tags, parent=parent, after=after
    )
    check = aws.route53.HealthCheck(
        described.key,
        type="CLOUDWATCH_METRIC",
        cloudwatch_alarm_name=watched.name,
        cloudwatch_alarm_region=region,
        insufficient_data_health_status="Unhealthy",
        # Route 53 copies the alarm's settings, and copies them again only when it is updated.
        # https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-updating-cloudwatch-alarm-settings.html
        triggers=alarms.settings(described.alarm, known),
        tags=named(tags, described.key),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    aws.route53.Record(
        described.key,
        zone_id=described.zone_id,
        name=described.host,
        type="A",
        set_identifier=region,
        latency_routing_policies=[{"region": region}],
        health_check_id=check.id,
        aliases=[alias],
        opts=pulumi.ResourceOptions(parent=parent),
    )
