"""Whether the services of a stack are steady, and waits until they are. Changes nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Literal

from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.following import again_and_again
from neuron_ecs.operations.observed import Observation, ObservedService
from neuron_ecs.operations.reading import Reader, read_each
from neuron_ecs.operations.stack import Say, Stack
from neuron_ecs.terminal import ERRORS, FINE, TIMED_OUT
from planning import blocks, plan

Verdict = Literal["steady", "rests", "moves", "failed", "unknown"]
"""`rests`: it is outside of the hours of the Capacity Blocks of its pool, so nothing can be waited
for."""


@dataclass(frozen=True, slots=True)
class Steadiness:
    """A model in a Region: whether its services run what they want, on one revision each."""

    region: str
    model: str
    verdict: Verdict
    said: str

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to wait for."""
        return self.verdict in ("steady", "rests", "failed")

    @property
    def is_well(self) -> bool:
        """Whether what could be waited for is there."""
        return self.verdict in ("steady", "rests")


def steadiness(
    reader: Reader, observed: Observation, now: datetime, only: str | None = None
) -> Iterator[Steadiness]:
    """The models of a Region; `only` leaves out the others."""
    found = observed.by_service_key(reader.names)
    region = reader.region
    for model in region.models:
        if only not in (None, model.name):
            continue
        cluster = observed.clusters.get(region.pool(model.pool).kind)
        if cluster is None or cluster.services is None:
            yield unread(region.name, model.name)
            continue
        services = [found[s.key] for s in model.services if s.key in found]
        absent = len(model.services) - len(services)
        if absent:
            said = f"{absent} of its {len(model.services)} services do not exist"
            yield Steadiness(region.name, model.name, "failed", said)
            continue
        one = of_services(region.name, model.name, services)
        yield or_resting(one, region.pool(model.pool), now)


def unread(region: str, model: str, why: str = "could not be read") -> Steadiness:
    """The steadiness of a model of which AWS does not tell."""
    return Steadiness(region, model, "unknown", why)


def of_services(region: str, model: str, services: Sequence[ObservedService]) -> Steadiness:
    """The steadiness of some services. ECS completes a rollout once its tasks are healthy."""
    wanted = sum(s.desired for s in services)
    running = sum(min(s.running, s.desired) for s in services)
    said = f"{running} of {wanted} running"
    failed = [s for s in services if s.rollout == "FAILED"]
    if failed:
        why = "; ".join(s.rollout_reason for s in failed if s.rollout_reason)
        return Steadiness(region, model, "failed", f"a deployment failed: {why or 'see events'}")
    left = [s for s in services if not is_steady(s)]
    if not left:
        return Steadiness(region, model, "steady", said)
    moving = sum(s.deploys for s in left)
    said += f", {moving} of {len(services)} services deploy" if moving else ""
    return Steadiness(region, model, "moves", said)


def or_resting(found: Steadiness, pool: plan.Pool, now: datetime) -> Steadiness:
    """The steadiness of a model of a pool; it rests if it is not steady outside of the hours of the
    pool's Capacity Blocks."""
    rests, said = blocks.at(plan.block_hours(pool), now)
    if found.verdict != "moves" or not rests:
        return found
    return replace(found, verdict="rests", said=f"{found.said}; {said}")


def is_steady(service: ObservedService) -> bool:
    """Whether a service runs exactly what it wants."""
    return (
        service.deployments < 2
        and service.rollout in ("", "COMPLETED")
        and service.running == service.desired
        and not service.pending
    )


def until_steady(
    reader: Reader,
    clock: Clock,
    until: datetime,
    *,
    only: str | None = None,
    seen: Callable[[Sequence[Steadiness]], None] = lambda _: None,
) -> list[Steadiness]:
    """Returns the models of a Region once each is steady or has failed, or at the time `until`."""

    def look() -> list[Steadiness]:
        found = list(steadiness(reader, reader.recent(), clock.now(), only))
        seen(found)
        return found

    def is_over(found: Sequence[Steadiness]) -> bool:
        return all(s.is_over for s in found)

    return again_and_again(reader.aws, clock, look, is_over=is_over, until=until)


def wait(
    stack: Stack, regions: Sequence[plan.RegionPlan], only: str | None, until: datetime, say: Say
) -> list[Steadiness]:
    """Waits in several Regions at once for their models, or one of them, and says what changes."""
    shown: dict[tuple[str, str], Steadiness] = {}
    writing = Lock()

    def seen(found: Sequence[Steadiness]) -> None:
        with writing:
            for one in found:
                if shown.get((one.region, one.model)) != one:
                    shown[one.region, one.model] = one
                    word = "" if one.verdict == "moves" else f"{one.verdict}, "
                    head = f"{stack.clock.shown}  {one.region}  {one.model}: "
                    say(f"{head}{word}{one.said}", later="    ")

    answers = read_each(
        stack.account,
        regions,
        stack.names,
        lambda reader: until_steady(reader, stack.clock, until, only=only, seen=seen),
        lambda region, why: [unread(region.name, only or "all models", why)],
    )
    found = [s for some in answers for s in some]
    seen([s for s in found if s.verdict == "unknown"])
    return found


def code_of(found: Sequence[Steadiness]) -> int:
    """The exit code of what was waited for."""
    verdicts = {s.verdict for s in found}
    if verdicts & {"failed", "unknown"}:
        return ERRORS
    return TIMED_OUT if "moves" in verdicts else FINE
