"""Takes the services of a model back to a revision that ran, in waves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.following import again_and_again
from neuron_ecs.operations.observed import revision_of
from neuron_ecs.operations.reading import Reader
from neuron_ecs.operations.revisions import Rollback, Step
from neuron_ecs.operations.stack import Say, Stack
from neuron_ecs.operations.steady import Steadiness, of_services, or_resting, unread
from neuron_ecs.terminal import UsageError, joined, progress, table, wrapped
from planning import plan


@dataclass(frozen=True, slots=True)
class Wave:
    """Services of a Region that go back together, once those of the wave before are steady."""

    region: plan.RegionPlan
    number: int
    of: int
    steps: list[Step]


def find_waves(stack: Stack, name: str, to: str | None) -> list[Wave]:
    """The waves of every Region, one after the other, without what runs its target already.

    Raises `UsageError` if there is no way back.
    """
    models = stack.models(name)
    if not models:
        raise UsageError(f"{name} does not run in {', '.join(stack.only)}")
    found: list[Wave] = []
    for region, model in models:

        def ask(reader: Reader, model: plan.ModelPlan = model) -> list[list[Step]]:
            rollback = Rollback(reader, reader.recent(), model)
            steps = rollback.steps(to)
            return rollback.waves([s for s in steps if s.target != s.slot.service.task_definition])

        with progress(f"reading {region.name} from AWS"):
            waves = stack.ask(region, ask)
        found += [Wave(region, n, len(waves), steps) for n, steps in enumerate(waves, start=1)]
    return found


def shown(stack: Stack, name: str, waves: Sequence[Wave], width: int) -> Iterator[str]:
    """What would go back to which revision, what changes, and how the stack file says the same."""
    yield f"{stack.title}: roll back {name}"
    if not waves:
        yield "nothing is to be done: that is what runs"
        return
    rows = [("Region", "chips", "revision", "to", "wave")]
    rows += [
        (
            wave.region.name,
            joined(step.slot.chips),
            revision_of(step.slot.service.task_definition),
            revision_of(step.target),
            str(wave.number),
        )
        for wave in waves
        for step in wave.steps
    ]
    yield from table(rows, indent="  ", width=width)
    changes = (text for wave in waves for step in wave.steps for text in step.changes)
    for text in (*dict.fromkeys(changes), _agreeing(name, waves[0].steps[0])):
        yield from wrapped(text, width, "  ", "    ")


def _agreeing(name: str, step: Step) -> str:
    """How to make the stack file say the same, which the next update would otherwise bring back."""
    back = "the next update that changes the model, or `pulumi up --refresh`, brings"
    if step.image == step.slot.planned.task_definition.image:
        return f"the stack file has this image; what else differs from it, {back}"
    return (
        f"{back} the stack file's image again; to keep this one: "
        f"neuron-ecs models set {name} image={step.image}"
    )


def roll_back(
    stack: Stack, name: str, waves: Sequence[Wave], seconds: int, say: Say
) -> list[Steadiness]:
    """Deploys the waves, each for so long. Ends at the first one that does not become steady."""
    found: list[Steadiness] = []
    for wave in waves:
        region, until = wave.region.name, stack.clock.after(seconds)
        say(f"{region}: wave {wave.number} of {wave.of}")
        one = stack.ask(
            wave.region, lambda r, w=wave, u=until: _deploy(r, name, w.steps, stack.clock, u)
        )
        found.append(one)
        texts = [f"{region}: not steady within --timeout: {one.said}"]
        if one.is_well:
            texts = [f"{region}: {one.verdict}, {one.said}"]
        elif one.verdict == "failed":
            events = f"what happened: neuron-ecs events {name} --region {region}"
            texts = [f"{region}: {one.said}", events]
        for text in texts:
            say(text, "  ", "    ")
        if not one.is_well:
            break
    return found


def _deploy(
    reader: Reader, model: str, steps: Sequence[Step], clock: Clock, until: datetime
) -> Steadiness:
    """Starts the deployments of a wave, and waits until its services run their target."""
    aws = reader.aws
    aws.each(
        steps,
        lambda step: aws.ecs.update_service(
            cluster=step.slot.cluster,
            service=step.slot.service.name,
            taskDefinition=step.target,
        ),
    )
    names = {s.slot.service.name for s in steps}

    def look() -> Steadiness:
        ours = [s for s in reader.recent().services if s.name in names]
        if len(ours) < len(names):
            return unread(aws.region, model)
        pool = reader.region.pool(steps[0].slot.planned.pool)
        return or_resting(of_services(aws.region, model, ours), pool, clock.now())

    return again_and_again(aws, clock, look, is_over=lambda s: s.is_over, until=until)
