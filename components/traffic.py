"""The Region's Application Load Balancer, with a listener rule for each model."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.names import requested, validated, validation_record
from components.tags import named
from planning import choices, plan


def _access_logs(bucket: str, prefix: str) -> aws.lb.LoadBalancerAccessLogsArgsDict | None:
    if not bucket:
        return None
    logs: aws.lb.LoadBalancerAccessLogsArgsDict = {"bucket": bucket, "enabled": True}
    if prefix:
        logs["prefix"] = prefix
    return logs


class LoadBalancer(pulumi.ComponentResource):
    """A load balancer that answers 404 to requests that match no model's rule.

    It has public addresses where the plan says so. AWS's default is internet-facing. A second one
    has the certificate of the `first`, and no names. `certificate` is the ARN of one that it shows
    beside its own: that of the names over all Regions.
    """

    def __init__(
        self,
        name: str,
        balancer: plan.LoadBalancer,
        *,
        region: str,
        tags: plan.Tags,
        subnets: Sequence[pulumi.Input[str]],
        security_group: pulumi.Input[str],
        certificate: pulumi.Input[str] | None = None,
        after: Sequence[pulumi.Resource] = (),
        first: "LoadBalancer | None" = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("neuron-ecs:components:LoadBalancer", name, None, opts)
        load_balancer = aws.lb.LoadBalancer(
            balancer.name_key,
            internal=not balancer.public,
            load_balancer_type="application",
            subnets=subnets,
            security_groups=[security_group],
            idle_timeout=balancer.idle_timeout_seconds,
            drop_invalid_header_fields=True,
            access_logs=_access_logs(*balancer.access_logs),
            enable_deletion_protection=balancer.deletion_protection or None,
            tags=named(tags, balancer.key),
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        if balancer.web_acl_arn:
            # Removing an association takes away whatever web ACL the load balancer has by then:
            # replaced the default way round, the new one would be lost.
            aws.wafv2.WebAclAssociation(
                balancer.key,
                resource_arn=load_balancer.arn,
                web_acl_arn=balancer.web_acl_arn,
                region=region,
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
        self._region, self._tags = region, tags
        self.certificate = first.certificate if first else self._certificate(balancer)
        self.listener_arn: pulumi.Output[str] = self._listener(balancer, load_balancer).arn
        self.certificates: list[pulumi.Resource] = []
        """Of the listener, beside its own."""
        if certificate is not None:
            self.certificates.append(
                aws.lb.ListenerCertificate(
                    balancer.key,
                    listener_arn=self.listener_arn,
                    certificate_arn=certificate,
                    region=region,
                    opts=pulumi.ResourceOptions(parent=self),
                )
            )
        self.metric_name: pulumi.Output[str] = load_balancer.arn_suffix
        self.key = balancer.key
        self.dns_name: pulumi.Output[str] = load_balancer.dns_name
        self.scheme = "https" if balancer.secure else "http"
        # Health is that of models, not of the load balancer: one that loads would take all others
        # out of the answer.
        # https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-values-alias.html
        self.alias: aws.route53.RecordAliasArgsDict = {
            "name": load_balancer.dns_name,
            "zone_id": load_balancer.zone_id,
            "evaluate_target_health": False,
        }
        if balancer.names is not None and first is None:
            self._record(balancer.names)
        self.register_outputs({"dns_name": self.dns_name})

    def _listener(
        self, balancer: plan.LoadBalancer, load_balancer: aws.lb.LoadBalancer
    ) -> aws.lb.Listener:
        return aws.lb.Listener(
            balancer.key,
            load_balancer_arn=load_balancer.arn,
            port=balancer.port,
            protocol="HTTPS" if balancer.secure else "HTTP",
            certificate_arn=self.certificate or balancer.certificate_arn,
            ssl_policy=choices.TLS_POLICY if balancer.secure else None,
            mutual_authentication=(
                {"mode": "verify", "trust_store_arn": balancer.trust_store_arn}
                if balancer.trust_store_arn
                else None
            ),
            default_actions=[
                {
                    "type": "fixed-response",
                    "fixed_response": {
                        "status_code": choices.UNKNOWN_PATH_STATUS,
                        "content_type": "application/json",
                        "message_body": '{"error":"no model at this path"}',
                    },
                }
            ],
            tags=named(self._tags, balancer.key),
            region=self._region,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _record(self, names: plan.Names) -> None:
        aws.route53.Record(
            names.key,
            zone_id=names.zone_id,
            name=names.name,
            type="A",
            aliases=[self.alias],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _certificate(self, balancer: plan.LoadBalancer) -> pulumi.Output[str] | None:
        """The ARN of a certificate that ACM has validated; none where the stack makes none."""
        names = balancer.names
        if names is None or not balancer.makes_certificate:
            return None
        certificate = requested(
            names.key, names.name, region=self._region, tags=self._tags, parent=self
        )
        record = validation_record(
            f"{names.key}_validation", certificate, names.validation_zone_id, parent=self
        )
        return validated(names.key, certificate, record, region=self._region, parent=self)
