"""The stack file's entries for daemons: what watches the chips, on each instance."""

from pydantic import Field

from config.changes import IN_PLACE
from config.values import Strict
from config.workloads import ImageName


class NeuronMetrics(Strict):
    """neuron-monitor and the CloudWatch agent beside it. {} takes AWS's own images."""

    monitor_image: ImageName | None = Field(
        default=None,
        description="Image of neuron-monitor. Default: AWS's, from Amazon ECR Public.",
        examples=["111122223333.dkr.ecr.{region}.amazonaws.com/neuron-monitor:1.3.0"],
        json_schema_extra=IN_PLACE,
    )
    agent_image: ImageName | None = Field(
        default=None,
        description="Image of the CloudWatch agent. Default: AWS's, from Amazon ECR Public.",
        examples=["111122223333.dkr.ecr.{region}.amazonaws.com/cloudwatch-agent:1.300072.0b1766"],
        json_schema_extra=IN_PLACE,
    )
