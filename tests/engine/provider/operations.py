"""Creating, reading, updating and deleting, as AWS would judge it.

What holds for every type stands here: references, names, uses. What holds for one type is a rule
in ``refusals``.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Event

from tests.engine.provider.account import Account, Entry, Holdings, Record, Refused, born
from tests.engine.provider.diffs import change
from tests.engine.provider.refusals import (
    ADMISSIONS,
    KEEPS_CONNECTED,
    MOVES_TO,
    PARTINGS,
    PROVIDER,
    RUNNING,
    SCALABLE,
    SCALING,
    SERVICE,
    STUCK,
    TASK,
    TEMPLATE,
    broken,
    launch,
    may_stop_all,
    scaled_service,
)
from tests.engine.provider.rows import KINDS, Ref
from tests.engine.provider.wire import DEFAULTS, Json, Props, blocks, flag, number, text, texts

DEPLOYED = "deployment started"
REPLACED = "instances replaced"
KEPT = "kept ACTIVE"
COUNT = "count"
"""Fact of a service: the desired count that ECS has, whoever set it."""

# botocore 1.44.5, ecs UpdateService: "This parameter triggers a new service deployment."
_TRIGGERS = (
    "taskDefinition",
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfiguration",
    "vpcLatticeConfigurations",
)


PATIENCE = 30
PAUSE_SECONDS = 0.1


class Interrupted(Exception):
    """The wait for a steady state ended early; the update itself is done."""

    def __init__(self, record: Record, why: str = "context canceled") -> None:
        super().__init__(f"waiting for ECS Service ({record.name}) update: {why}")
        self.record = record


STEADY = "steady"
"""What the journal says when a service that takes time has become steady."""


def _rolled_back(holdings: Holdings, record: Record) -> bool:
    """Whether ECS takes the deployment of a service back. The provider then fails, with the reason
    (internal/service/ecs/service.go, waitServiceStable)."""
    task = holdings.find(TASK, record.region, text(record.inputs, "taskDefinition") or "")
    bad = holdings.habits.rolled_back
    return bool(bad and task and bad in (text(task.inputs, "containerDefinitions") or ""))


class Operations:
    """The calls that the provider makes for one configured Region."""

    def __init__(self, account: Account, home: str) -> None:
        self.account = account
        self.home = home
        self.cancelled = Event()

    def create(self, token: str, urn: str, inputs: Props) -> Record:
        """Makes a resource, or raises what AWS answers; the URN's end is its logical name."""
        with self.account.open() as holdings:
            record = born(holdings, token, urn, inputs, self.home)
            self._judged("create", record, lambda: _admit(holdings, record, None))
            holdings.add(record)
            _settle(holdings, record)
            slow = token == SERVICE and flag(inputs, "waitForSteadyState")
            wait = holdings.habits.deployment_seconds if slow else 0.0
        self._note("create", record)
        self._steady(record, wait)
        return record

    def read(self, token: str, id: str, props: Mapping[str, Json]) -> Record | None:
        """The resource as it is now, or None when it is gone."""
        with self.account.open() as holdings:
            return holdings.locate(token, id, props)

    def update(self, token: str, id: str, olds: Props, news: Props) -> Record:
        """Changes a resource in place; a service that deploys takes the account's time.

        A service without room to start may have stopped its tasks already; it waits a little for
        others that the engine updates at the same time to stop theirs.
        """
        for left in reversed(range(PATIENCE)):
            wait = self._update(token, id, olds, news, last=left == 0)
            if isinstance(wait, Record):
                return wait
            if self.cancelled.wait(PAUSE_SECONDS):
                break
        raise Refused(f"{STUCK}: interrupted while it waited for room")

    def _update(
        self, token: str, id: str, olds: Props, news: Props, *, last: bool
    ) -> Record | None:
        """The record as changed; None where it waits for room and is to be tried again."""
        wait, bad = 0.0, False
        with self.account.open() as holdings:
            record = holdings.locate(token, id, olds)
            if record is None:
                raise Refused(KINDS[token].not_found.format(value=id))
            before = record.inputs
            after = {key: value for key, value in news.items() if key != DEFAULTS}
            changed = change(token, before, after).changed
            draft = replace(record, inputs=after)
            patient = not last and may_stop_all(draft)
            record.facts.pop(MOVES_TO, None)
            try:
                _admit(holdings, draft, before)
            except Refused as refusal:
                if patient and str(refusal).startswith(STUCK):
                    record.facts[MOVES_TO] = text(after, "taskDefinition")
                    return None
                self._judged("update", draft, lambda: _admit(holdings, draft, before))
            record.inputs = after
            _show(record, before)
            consequences = _consequences(holdings, record, changed)
            _settle(holdings, record, changed)
            if any(event == DEPLOYED for event, _ in consequences):
                record.facts["deployments"] = _count(record) + 1
                if flag(record.inputs, "waitForSteadyState"):
                    wait = holdings.habits.deployment_seconds
                    bad = _rolled_back(holdings, record)
        self._note("update", record, changed, consequences)
        if bad:
            raise Interrupted(record, "Service deployment rolled back because of an alarm")
        self._steady(record, wait)
        return record

    def _steady(self, record: Record, seconds: float) -> None:
        """Waits for a service that takes time, and writes down when it is steady."""
        if seconds and self.cancelled.wait(seconds):
            raise Interrupted(record)
        if seconds:
            self._note(STEADY, record)

    def delete(self, token: str, id: str, props: Props) -> None:
        """Removes a resource, or raises what AWS answers; what is gone already is gone."""
        with self.account.open() as holdings:
            record = holdings.locate(token, id, props)
            if record is None:
                return
            self._judged("delete", record, lambda: _release(holdings, record))
            holdings.remove(record)
            _scale_in(holdings, record)
            holdings.gone.extend({record.id, record.arn} - {""})
            consequences: list[tuple[str, str]] = []
            if token == TASK and flag(record.inputs, "skipDestroy"):
                holdings.kept.append(record.arn)
                consequences.append((KEPT, record.logical))
        self._note("delete", record, (), consequences)

    def _judged(self, op: str, record: Record, judge: Callable[[], None]) -> None:
        try:
            judge()
        except Refused as refusal:
            self.account.write_down(
                Entry(
                    op=f"{op} refused",
                    type=record.type,
                    id=record.id,
                    logical=record.logical,
                    region=record.region,
                    error=str(refusal),
                )
            )
            raise

    def _note(
        self,
        op: str,
        record: Record,
        changed: tuple[str, ...] = (),
        consequences: list[tuple[str, str]] | None = None,
    ) -> None:
        self.account.write_down(
            Entry(
                op=op,
                type=record.type,
                id=record.id,
                logical=record.logical,
                region=record.region,
                changed=changed,
                consequences=tuple(consequences or ()),
            )
        )


def _admit(holdings: Holdings, record: Record, before: Props | None) -> None:
    for ref in record.kind.refs:
        _refer(holdings, record, ref)
    _be_unique(holdings, record)
    for rule in ADMISSIONS.get(record.type, ()):
        rule(holdings, record, before)


def _refer(holdings: Holdings, record: Record, ref: Ref) -> None:
    """What a property names exists, in the same Region, and is named in a form that is accepted.

    Source: the NotFound errors of the API that is called (see ``rows``).
    """
    kind = KINDS[ref.to]
    for value in texts(record.inputs, ref.path):
        if holdings.find(ref.to, record.region, value, ref.by) is not None:
            continue
        if ref.to == TASK and _latest(holdings, record.region, value) is not None:
            continue
        if value == "default" and ref.path == "groupName":
            continue
        elsewhere = any(
            item.answers_to(("id", "arn", "name"), value) for item in holdings.of(ref.to)
        )
        if ref.any_region and elsewhere:
            continue
        if ref.owned_elsewhere and value not in holdings.gone and not elsewhere:
            continue
        missing = ref.missing or kind.not_found
        raise Refused(f"{missing.format(value=value)} ({ref.path} of {record.logical})")


def _latest(holdings: Holdings, region: str, value: str) -> Record | None:
    """A task definition named by its family, with or without the ARN around it."""
    for record in holdings.of(TASK, region):
        if value in (record.id, text(record.outputs, "arnWithoutRevision")):
            return record
    return None


def _be_unique(holdings: Holdings, record: Record) -> None:
    kind = record.kind
    if not kind.unique:
        return
    mine = _signature(record)
    if all(item is None for item in mine):
        return
    for other in holdings.of(record.type, record.region):
        if other.serial != record.serial and _signature(other) == mine:
            words = {key: str(value) for key, value in record.outputs.items()}
            raise Refused(kind.duplicate.format_map(words | {"name": record.name}))


def _signature(record: Record) -> list[Json]:
    """What may exist once: the outputs, since AWS gives a rule without a priority one."""
    said = record.outputs | record.inputs | {"name": record.name}
    return [said.get(key) for key in record.kind.unique]


def _release(holdings: Holdings, record: Record) -> None:
    for rule in PARTINGS.get(record.type, ()):
        rule(holdings, record)
    for other in holdings.records:
        if other.serial == record.serial:
            continue
        for ref in other.kind.refs:
            if ref.to != record.type or not ref.held:
                continue
            same_place = not record.region or other.region == record.region
            if not same_place:
                continue
            if any(record.answers_to(ref.by, value) for value in texts(other.inputs, ref.path)):
                if _own_rule(other, record):
                    continue
                by = other.name or other.logical
                message = ref.held.format(id=record.id, arn=record.arn, name=record.name, by=by)
                raise Refused(f"{message} (used by {other.logical})")
    if record.type in KEEPS_CONNECTED:
        _refuse_breaking(holdings, record)


def _own_rule(other: Record, group: Record) -> bool:
    """A rule of a security group that names its own group does not hold it."""
    return text(other.inputs, "securityGroupId") == group.id


def _refuse_breaking(holdings: Holdings, record: Record) -> None:
    """Nothing goes while instances or services still need it to drain, or to start.

    Source: see ``refusals.cut_off`` and ``refusals.services_can_start``.
    """
    before = broken(holdings, record.region)
    with holdings.without(record):
        after = broken(holdings, record.region)
    for key, reason in after.items():
        if key not in before:
            raise Refused(f"StandIn.Breaks: without {record.logical} {reason}")


def _show(record: Record, before: Props) -> None:
    """Outputs follow inputs; what was only computed stays."""
    for key in before.keys() - record.inputs.keys():
        record.outputs.pop(key, None)
    record.outputs |= record.inputs
    if "tags" in record.inputs:
        record.outputs["tagsAll"] = record.inputs["tags"]
    else:
        record.outputs.pop("tagsAll", None)


def _settle(holdings: Holdings, record: Record, changed: tuple[str, ...] | None = None) -> None:
    """What AWS does by itself after a call."""
    if record.type == PROVIDER and changed is None:
        if record.inputs.get("managedInstancesProvider") is not None:
            record.facts["refusals_left"] = holdings.habits.refusals_until_active
        else:
            _tag_group(holdings, record)
    if record.type == TEMPLATE and changed and set(changed) - {"tags", "updateDefaultVersion"}:
        latest = record.outputs["latestVersion"]
        assert isinstance(latest, int)
        record.outputs["latestVersion"] = latest + 1
        if flag(record.inputs, "updateDefaultVersion"):
            record.outputs["defaultVersion"] = latest + 1
    if record.type == SCALING and number(record.inputs, "minSize"):
        launch(holdings, record)
    if record.type == SERVICE:
        if changed is None or "desiredCount" in changed:
            record.facts[COUNT] = number(record.inputs, "desiredCount")
        for group in _groups_of(holdings, record):
            launch(holdings, group)
    if record.type == SCALABLE:
        _move_into_limits(holdings, record)


def _move_into_limits(holdings: Holdings, target: Record) -> None:
    """Registering a target moves the count of its service to a value that is inside of its limits.

    Source: Application Auto Scaling API reference, RegisterScalableTarget.
    """
    service = scaled_service(holdings, target)
    if service is not None:
        least, most = (number(target.inputs, key) or 0 for key in ("minCapacity", "maxCapacity"))
        service.facts[COUNT] = max(least, min(most, number(service.facts, COUNT) or 0))


def _tag_group(holdings: Holdings, provider: Record) -> None:
    """ECS tags the Auto Scaling group of a provider; a program that does not declare it drifts.

    Source: ECS developer guide, "Capacity providers"; pulumi-aws CapacityProvider, note on tags.
    """
    arn = text(provider.inputs, "autoScalingGroupProvider.autoScalingGroupArn") or ""
    group = holdings.find(SCALING, provider.region, arn)
    if group is None or "AmazonECSManaged" in texts(group.inputs, "tags.key"):
        return
    tag: Props = {"key": "AmazonECSManaged", "value": "", "propagateAtLaunch": True}
    tags: list[Json] = [*blocks(group.inputs, "tags"), tag]
    group.inputs["tags"] = tags
    group.outputs["tags"] = tags


def _scale_in(holdings: Holdings, record: Record) -> None:
    """Managed scaling takes idle instances away once no service is left on a group."""
    if record.type != SERVICE:
        return
    for group in _groups_of(holdings, record):
        if not number(group.inputs, "minSize") and not _services_on(holdings, group):
            group.facts.pop(RUNNING, None)


def _count(record: Record) -> int:
    found = record.facts.get("deployments", 0)
    assert isinstance(found, int)
    return found


def _consequences(
    holdings: Holdings, record: Record, changed: tuple[str, ...]
) -> list[tuple[str, str]]:
    """What an update does to running tasks."""
    if record.type == SERVICE:
        forced = flag(record.inputs, "forceNewDeployment") is True and bool(changed)
        if forced or set(changed) & set(_TRIGGERS):
            return [(DEPLOYED, record.logical)]
    if record.type == SCALING and record.inputs.get("instanceRefresh") is not None:
        triggers = {"launchTemplate", "mixedInstancesPolicy"}
        triggers |= set(texts(record.inputs, "instanceRefresh.triggers"))
        if triggers & set(changed):
            return [(REPLACED, name) for name in _services_on(holdings, record)]
    return []


def _groups_of(holdings: Holdings, service: Record) -> list[Record]:
    """The Auto Scaling groups that a service's tasks run on."""
    arns = [
        text(provider.inputs, "autoScalingGroupProvider.autoScalingGroupArn")
        for value in texts(service.inputs, "capacityProviderStrategies.capacityProvider")
        if (provider := holdings.find(PROVIDER, service.region, value))
    ]
    return [group for group in holdings.of(SCALING, service.region) if group.arn in arns]


def _services_on(holdings: Holdings, group: Record) -> list[str]:
    """Services whose tasks run on an Auto Scaling group's instances."""
    path = "autoScalingGroupProvider.autoScalingGroupArn"
    providers = list(holdings.where(PROVIDER, group.region, path, group.arn))
    return [
        service.logical
        for service in holdings.of(SERVICE, group.region)
        for provider in providers
        if any(
            provider.answers_to(("name", "arn"), value)
            for value in texts(service.inputs, "capacityProviderStrategies.capacityProvider")
        )
    ]
