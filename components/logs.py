"""Log groups of CloudWatch Logs."""

import pulumi
import pulumi_aws as aws

from components.tags import named
from planning import plan


def log_group(
    group: plan.LogGroup, *, region: str, tags: plan.Tags, parent: pulumi.Resource
) -> aws.cloudwatch.LogGroup:
    """Builds a log group. Its name is fixed, because other resources contain it as text."""
    return aws.cloudwatch.LogGroup(
        group.key,
        name=group.name,
        retention_in_days=group.retention_days,
        kms_key_id=group.kms_key or None,
        tags=named(tags, group.key),
        region=region,
        opts=pulumi.ResourceOptions(parent=parent),
    )
