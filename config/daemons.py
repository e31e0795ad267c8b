"""The stack file's entries for daemons: what watches the chips, on each instance."""

from pydantic import Field

from config.changes import IN_PLACE
from config.values import Strict
from config.workloads import ImageName


class ProblemDetector(Strict):
    """The node problem detector with AWS's recovery of Neuron nodes. {} takes their own images."""

    recovery: bool = Field(
        default=False,
        description=(
            "Whether an instance with an error that a chip cannot correct is reported unhealthy, "
            "so that its Auto Scaling group ends and replaces it. Its tasks get no warning."
        ),
        json_schema_extra=IN_PLACE,
    )
    detector_image: ImageName | None = Field(
        default=None,
        description="Image of the node problem detector. Default: that of the Kubernetes project.",
        examples=["111122223333.dkr.ecr.{region}.amazonaws.com/node-problem-detector:v0.8.19"],
        json_schema_extra=IN_PLACE,
    )
    recovery_image: ImageName | None = Field(
        default=None,
        description="Image of the recovery. Default: AWS's, from Amazon ECR Public.",
        examples=["111122223333.dkr.ecr.{region}.amazonaws.com/neuron-node-recovery:1.3.0"],
        json_schema_extra=IN_PLACE,
    )


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
        examples=["111122223333.dkr.ecr.{region}.amazonaws.com/cloudwatch-agent:1.300059.0b1207"],
        json_schema_extra=IN_PLACE,
    )
    problem_detector: ProblemDetector | None = Field(
        default=None,
        description=(
            "Errors of chips that the kernel reports, by a daemon of its own: {} measures them, "
            "and nothing acts on them."
        ),
        examples=[{}, {"recovery": True}],
    )
