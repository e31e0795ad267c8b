"""The Region's internal Application Load Balancer, with a listener rule for each model."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

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
    """An internal load balancer that answers 404 to requests that match no model's rule.

    It has no public address, because models have no authentication. AWS's default is
    internet-facing.
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
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("neuron-ecs:components:LoadBalancer", name, None, opts)
        load_balancer = aws.lb.LoadBalancer(
            balancer.name_key,
            internal=True,
            load_balancer_type="application",
            subnets=subnets,
            security_groups=[security_group],
            idle_timeout=balancer.idle_timeout_seconds,
            drop_invalid_header_fields=True,
            access_logs=_access_logs(*balancer.access_logs),
            enable_deletion_protection=balancer.deletion_protection or None,
            tags=named(tags, balancer.key),
            region=region,
            opts=pulumi.ResourceOptions(parent=self),
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
        listener = aws.lb.Listener(
            balancer.key,
            load_balancer_arn=load_balancer.arn,
            port=balancer.port,
            protocol="HTTPS" if balancer.secure else "HTTP",
            certificate_arn=balancer.certificate_arn,
            ssl_policy=choices.TLS_POLICY if balancer.secure else None,
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
            tags=named(tags, balancer.key),
            region=region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.metric_name: pulumi.Output[str] = load_balancer.arn_suffix
        self.listener_arn: pulumi.Output[str] = listener.arn
        self.key = balancer.key
        self.dns_name: pulumi.Output[str] = load_balancer.dns_name
        self.base_url: pulumi.Output[str] = pulumi.Output.concat(
            "https://" if balancer.secure else "http://", load_balancer.dns_name
        )
        self.register_outputs({"base_url": self.base_url})
