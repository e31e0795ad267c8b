"""Which tasks answer at each moment of an update, from the journal and both states of the account.

A resource changes at most once in an update, so what exists at a moment is, for each resource,
what the account held before the update or what it holds afterwards. A new service answers from the
moment at which the journal says that it is steady: the account must take its time
(`Habits.deployment_seconds`), else none ever does.
"""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from tests.engine.harness import Outcome
from tests.engine.provider.account import Entry, Record
from tests.engine.provider.operations import COUNT, DEPLOYED, REPLACED, STEADY
from tests.engine.provider.refusals import LISTENER_RULE, SERVICE
from tests.engine.provider.wire import blocks, number, text, texts


def fewest(before: Sequence[Record], outcome: Outcome, name: str) -> int:
    """The fewest replicas of a model that run at any moment of the update, in all Regions."""
    return min(
        sum(tasks for service, tasks in moment.serving() if f"_{name}_" in service.logical)
        for moment in _moments(before, outcome)
    )


def fewest_at_url(before: Sequence[Record], outcome: Outcome, name: str) -> int:
    """The fewest replicas to which the load balancer sends requests for the name of a model."""
    return min(moment.behind(name) for moment in _moments(before, outcome))


def answers(before: Sequence[Record], outcome: Outcome, host: str, path: str) -> list[str]:
    """What a request gets at each moment of the update: `open`, `checked` for a token, or `503`."""
    return [moment.answer(host, path) for moment in _moments(before, outcome)]


class _Moment:
    """Services and rules of the account between two entries of the journal."""

    def __init__(self, before: Sequence[Record]) -> None:
        self.records = {r.id: r for r in before if r.type in (SERVICE, LISTENER_RULE)}
        self.deploying: set[str] = set()
        self.starting: set[str] = set()

    def apply(self, entry: Entry, after: dict[str, Record]) -> None:
        if entry.type in (SERVICE, LISTENER_RULE):
            if entry.op == "delete":
                self.records.pop(entry.id, None)
            elif entry.op in ("create", "update") and entry.id in after:
                self.records[entry.id] = after[entry.id]
            if entry.type == SERVICE and entry.op == "create":
                self.starting.add(entry.id)
            if entry.op == STEADY:
                self.starting.discard(entry.id)
                self.deploying.discard(entry.id)
        for event, service in entry.consequences:
            if event in (DEPLOYED, REPLACED):
                self.deploying |= {r.id for r in self.records.values() if r.logical == service}

    def serving(self) -> Iterator[tuple[Record, int]]:
        """Each service with the number of its tasks that answer for certain."""
        for record in self.records.values():
            if record.type != SERVICE or record.id in self.starting:
                continue
            tasks = int(number(record.facts, COUNT) or 0)
            if record.id in self.deploying:
                percent = int(number(record.inputs, "deploymentMinimumHealthyPercent") or 0)
                tasks = -(-tasks * percent // 100)
            yield record, tasks

    def behind(self, name: str) -> int:
        """Tasks to which the rules of a name send requests."""
        rules = [r for r in self.records.values() if r.type == LISTENER_RULE]
        return self._tasks([r for r in rules if f"_{name}_" in f"{r.logical}_"])

    def answer(self, host: str, path: str) -> str:
        """What the first rule that matches the request does with it."""
        rules = [r for r in self.records.values() if r.type == LISTENER_RULE]
        for rule in sorted(rules, key=lambda r: number(r.outputs, "priority") or 0):
            if _matches(rule, host, path):
                kinds = texts(rule.inputs, "actions.type")
                checked = "checked" if "jwt-validation" in kinds else "open"
                return checked if self._tasks([rule]) else "503"
        return "404"

    def _tasks(self, rules: Sequence[Record]) -> int:
        """Tasks in the groups of rules with a weight above 0; none if one of these is empty.

        A rule sends a group its share of the requests, whether or not a task is in it.
        """
        found = {group: 0 for rule in rules for group in _reached(rule)}
        for service, tasks in self.serving():
            for group in found.keys() & set(texts(service.inputs, "loadBalancers.targetGroupArn")):
                found[group] += tasks
        return sum(found.values()) if all(found.values()) else 0


def _matches(rule: Record, host: str, path: str) -> bool:
    """Whether every condition of a rule has a value that fits the request."""
    asked = {"hostHeader": host, "pathPattern": path}
    return all(
        any(fnmatchcase(asked[kind], value) for value in texts(condition, f"{kind}.values"))
        for condition in blocks(rule.inputs, "conditions")
        for kind in asked
        if kind in condition
    )


def _reached(rule: Record) -> Iterator[str]:
    for action in blocks(rule.inputs, "actions"):
        if (one := text(action, "targetGroupArn")) is not None:
            yield one
        for group in blocks(action, "forward.targetGroups"):
            if number(group, "weight") and (arn := text(group, "arn")):
                yield arn


def _moments(before: Sequence[Record], outcome: Outcome) -> Iterator[_Moment]:
    after = {record.id: record for record in outcome.records}
    moment = _Moment(before)
    yield moment
    for entry in outcome.done:
        moment.apply(entry, after)
        yield moment
