"""To which revision the services of a model can go back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from messages.phrases import listed
from neuron_ecs.operations.aws import batches, code_of, pages
from neuron_ecs.operations.compare import devices_of, differences
from neuron_ecs.operations.observed import Observation, family_of, revision_of
from neuron_ecs.operations.reading import Reader
from neuron_ecs.operations.slots import Slot, slots_of
from neuron_ecs.terminal import ERRORS, UsageError, spans
from planning import plan

_REVISIONS = 20  # of one DescribeServiceRevisions (the service model of ECS)

Containers = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A service and the task definition that it goes back to."""

    slot: Slot
    target: str  # ARN
    present: Containers
    containers: Containers  # of the target

    @property
    def image(self) -> str:
        """The image of the model's container in the target."""
        return _main(self.slot, self.containers).get("image", "")

    @property
    def changes(self) -> list[str]:
        """What differs from what the service has now, as `verify` says it."""
        return [
            text.replace("planned", "then")
            for one in self.containers
            for other in self.present
            if one["name"] == other["name"]
            for text in differences(one, other, str(one["name"]))
        ]


def _main(slot: Slot, containers: Containers) -> Mapping[str, Any]:
    nothing: Mapping[str, Any] = {}
    return next((c for c in containers if c["name"] == slot.planned.container_name), nothing)


def _signature(slot: Slot, containers: Containers) -> tuple[object, ...]:
    """What makes the program of a model: the same on all of its slots."""
    main = _main(slot, containers)
    return tuple(str(main.get(key)) for key in ("image", "command", "entryPoint"))


class Rollback:
    """Finds the way back of a model in one Region."""

    def __init__(self, reader: Reader, observed: Observation, model: plan.ModelPlan) -> None:
        self.reader = reader
        self.observed = observed
        self.aws = reader.aws
        self.model = model
        self.slots = slots_of(reader, observed, [model])
        self._read: dict[str, Containers] = {}

    def steps(self, to: str | None = None) -> list[Step]:
        """Returns a step for each service. Raises `UsageError` if there is no way back.

        `to` is a revision number, or an image or its tag; without it the newest revision is taken
        that completed, differs in its containers and holds the same devices.
        """
        first, *others = self.slots
        chosen = self._named(first, to) if to else self._completed(first, None)
        signature = _signature(first, self._containers(chosen))
        found = [self._step(first, chosen)]
        for slot in others:
            target = self._named(slot, to) if to else self._completed(slot, signature)
            found.append(self._step(slot, target))
        self._refuse_held(found)
        return found

    def waves(self, steps: Sequence[Step]) -> list[list[Step]]:
        """The steps in the plan's order: a wave begins when the one before it is steady."""
        first = [s for s in steps if not s.slot.planned.after]
        then = [s for s in steps if s.slot.planned.after]
        return [wave for wave in (first, then) if wave]

    def _step(self, slot: Slot, target: str) -> Step:
        present = self._containers(slot.service.task_definition)
        return Step(slot, target, present, self._containers(target))

    def _containers(self, definition: str) -> Containers:
        if definition not in self._read:
            answer = self.aws.ecs.describe_task_definition(taskDefinition=definition)
            found = cast("dict[str, Any]", answer["taskDefinition"])
            if found.get("status", "ACTIVE") != "ACTIVE":
                raise self._none(f"{_short(definition)} is not active any more")
            self._read[definition] = tuple(found["containerDefinitions"])
        return self._read[definition]

    def _completed(self, slot: Slot, signature: tuple[object, ...] | None) -> str:
        """The newest revision of a service that completed, with the signature if there is one."""
        now = slot.service.task_definition
        present = self._containers(now)
        devices = devices_of(present)
        moved = False
        for target in self._history(slot):
            if target == now or not self._is_active(target):
                continue
            containers = self._containers(target)
            if devices_of(containers) != devices:
                moved = True
                continue
            same = _signature(slot, containers) == signature
            if same if signature is not None else containers != present:
                return target
        where = f"on {_chips(devices)}"
        if signature is not None and _signature(slot, present) == signature:
            return now  # this slot never left it
        why = f"no other revision completed {where}"
        if moved:
            why += "; older ones had other chips, which --to can name"
        raise self._none(why)

    def _is_active(self, definition: str) -> bool:
        try:
            self._containers(definition)
        except UsageError:
            return False
        except self.aws.account.refusals as error:
            if code_of(error) == "ClientException":  # it was deleted
                return False
            raise
        return True

    def _history(self, slot: Slot) -> Iterator[str]:
        """The task definitions of deployments that completed, the newest first.

        ECS keeps the deployments of 90 days.
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
        """
        found = pages(
            self.aws.ecs.list_service_deployments,
            "serviceDeployments",
            cluster=slot.cluster,
            service=slot.service.name,
            status=["SUCCESSFUL"],
        )
        found.sort(key=lambda d: cast(datetime, d["createdAt"]), reverse=True)
        arns = list(dict.fromkeys(d["targetServiceRevisionArn"] for d in found))
        for some in batches(arns, _REVISIONS):
            answer = self.aws.ecs.describe_service_revisions(serviceRevisionArns=some)
            by_arn = {
                r["serviceRevisionArn"]: r["taskDefinition"] for r in answer["serviceRevisions"]
            }
            yield from (by_arn[arn] for arn in some if arn in by_arn)

    def _named(self, slot: Slot, to: str) -> str:
        """The revision of a service that `--to` names."""
        family = family_of(slot.service.task_definition)
        listed_ = pages(
            self.aws.ecs.list_task_definitions,
            "taskDefinitionArns",
            familyPrefix=family,
            status="ACTIVE",
            sort="DESC",
        )
        arns = [a for a in listed_ if family_of(a) == family]
        if to.isdecimal():
            for arn in arns:
                if revision_of(arn) == to:
                    return arn
        else:
            for arn in arns:
                image = str(_main(slot, self._containers(arn)).get("image", ""))
                if image == to or image.endswith((f":{to}", f"@{to}", f"/{to}")):
                    return arn
        numbers = [revision_of(a) for a in arns[:10]]
        raise self._none(f"there is no revision {to}; choose from {listed(numbers)}")

    def _refuse_held(self, steps: Sequence[Step]) -> None:
        """Raises `UsageError` if another service has devices that a target takes."""
        ours = {s.slot.service.name for s in steps}
        takes = {d for s in steps for d in devices_of(s.containers) - devices_of(s.present)}
        if not takes:
            return
        known = self.observed.by_service_key(self.reader.names)
        for other in self.reader.region.models:
            if other.pool != self.model.pool:
                continue
            for service in other.services:
                found = known.get(service.key)
                if found is None or found.name in ours or not found.desired:
                    continue
                held = devices_of(self._containers(found.task_definition)) & takes
                if held:
                    raise UsageError(
                        f"{self.reader.region.name}: {other.name} has {_chips(held)}, which that "
                        f"revision of {self.model.name} takes; choose one with the present chips, "
                        f"or move {other.name} first",
                        ERRORS,
                    )

    def _none(self, why: str) -> UsageError:
        return UsageError(
            f"{self.reader.region.name}: {self.model.name} cannot go back: {why}", ERRORS
        )


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]


def _chips(devices: frozenset[int] | set[int]) -> str:
    if not devices:
        return "no chip"
    return f"{'chip' if len(devices) == 1 else 'chips'} {spans(sorted(devices))}"
