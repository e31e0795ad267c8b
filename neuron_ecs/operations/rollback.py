"""Takes the services of a model back to a revision that ran."""

from collections.abc import Sequence
from datetime import datetime

from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.following import again_and_again
from neuron_ecs.operations.reading import Reader
from neuron_ecs.operations.revisions import Step
from neuron_ecs.operations.steady import Steadiness, of_services, or_resting, unread


def roll_back(
    reader: Reader, model: str, wave: Sequence[Step], clock: Clock, until: datetime
) -> Steadiness:
    """Starts the deployments of a wave, and waits until its services run their target."""
    aws = reader.aws
    aws.each(
        wave,
        lambda step: aws.ecs.update_service(
            cluster=step.slot.cluster,
            service=step.slot.service.name,
            taskDefinition=step.target,
        ),
    )
    names = {s.slot.service.name for s in wave}

    def look() -> Steadiness:
        clusters = reader.recent().clusters.values()
        ours = [s for c in clusters for s in c.services or () if s.name in names]
        if len(ours) < len(names):
            return unread(aws.region, model)
        pool = reader.region.pool(wave[0].slot.planned.pool)
        return or_resting(of_services(aws.region, model, ours), pool, clock.now())

    return again_and_again(aws, clock, look, is_over=lambda s: s.is_over, until=until)
