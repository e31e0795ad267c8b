"""A recorded graph in the stand-in's account, without the Pulumi CLI.

Resources are created in an order that their dependencies allow, and destroyed in the reverse of
another. The engine chooses such an order by what happens to be ready first; here a seed does. What
works in one order may work by luck, so the needs of the finished account (see ``needs``) are
compared with the dependencies as well.

An update follows the engine's step generator: what a property makes it replace is created before
the old one is deleted, unless its name was given or the program says otherwise; what is gone is
deleted last, users first.
"""

import base64
import random
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from neuron_ecs.recording.graph import Recording, Resource
from neuron_ecs.recording.placeholders import identifier, placeholders
from neuron_ecs.recording.sdk_types import resource_type
from tests.engine.needs import forgotten
from tests.engine.provider.account import (
    HOME_REGION,
    Account,
    Entry,
    Habits,
    Holdings,
    Record,
    Refused,
)
from tests.engine.provider.checks import checked
from tests.engine.provider.diffs import change
from tests.engine.provider.operations import Operations
from tests.engine.provider.refusals import STUCK
from tests.engine.provider.wire import Json, Props


class MemoryAccount(Account):
    """An account of one process."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self.holdings = Holdings(
            habits=Habits(refusals_until_active=0),
            shelves={},
            gone=[],
            kept=[],
            revisions={},
            serial=0,
        )

    @contextmanager
    def open(self) -> Generator[Holdings]:
        yield self.holdings

    def write_down(self, entry: Entry) -> None:
        """What is refused is raised as well."""


def life(recording: Recording, seed: int) -> list[str]:
    """What AWS refuses, or what goes by luck, while a graph comes and goes; nothing if it lives."""
    return lives([recording], seed)


def lives(recordings: Sequence[Recording], seed: int) -> list[str]:
    """The same of one stack that is one graph after the other, and then goes."""
    stack = Stack(seed)
    try:
        for recording in recordings:
            stack.update(recording)
            if lucky := forgotten(_with_components(recording), stack.account.holdings):
                return lucky
        stack.destroy()
    except Refused as refusal:
        return [str(refusal)]
    return [f"{record.logical} stays behind" for record in stack.account.holdings.records]


class Stack:
    """A stack in an account of its own, and what the engine would have in its state."""

    def __init__(self, seed: int) -> None:
        self.account = MemoryAccount()
        self._operations = Operations(self.account, HOME_REGION)
        self._operations.cancelled.set()  # a service that waits for room is tried again here
        self._choose = random.Random(seed)
        self._made: dict[str, tuple[Record, Props]] = {}
        self._waits: dict[str, set[str]] = {}

    def update(self, recording: Recording) -> None:
        """Makes the stack what a graph says. Raises `Refused`."""
        by_urn = {resource.urn: resource for resource in recording.resources}
        answers: dict[str, dict[str, str]] = {}
        waits = dependencies(recording)
        replaced: dict[str, Record] = {}

        def step(urn: str) -> bool:
            resource = by_urn[urn]
            old = self._made.get(urn)
            try:
                gone = self._step(resource, _resolved(resource, answers), old)
            except Refused as refusal:
                if str(refusal).startswith(STUCK):
                    return False
                raise Refused(f"{resource.type} {resource.name}: {refusal}") from None
            if gone is not None:
                replaced[urn] = gone
            answers[urn] = _answers(resource, self._made[urn][0])
            return True

        _in_order(waits, self._choose, step)
        left = {urn: made[0] for urn, made in self._made.items() if urn not in waits}
        self._delete(left | replaced)
        self._made = {urn: self._made[urn] for urn in waits}
        self._waits = waits

    def destroy(self) -> None:
        """Takes everything down. Raises `Refused`."""
        self._delete({urn: record for urn, (record, _) in self._made.items()})

    def _step(
        self, resource: Resource, given: Props, old: tuple[Record, Props] | None
    ) -> Record | None:
        """Creates or changes one resource; returns the old one where it is to be deleted later."""
        urn, type_ = resource.urn, resource.type
        news = self._checked(resource, given, old[1] if old else None, urn)
        if old is None:
            self._made[urn] = self._operations.create(type_, urn, news), news
            return None
        record, olds = old
        for key in cast("list[str]", resource.options.get("ignore_changes", [])):
            news.pop(key, None)
            news |= {key: olds[key]} if key in olds else {}
        found = change(type_, olds, news)
        named = cast("list[str]", resource.options.get("replace_on_changes", []))
        if not found.replaces and not set(named) & set(found.changed):
            if found.changed:
                record = self._operations.update(type_, record.id, record.outputs, news)
            self._made[urn] = record, news
            return None
        first = found.delete_first or resource.options.get("delete_before_replace") is True
        if first:
            self._operations.delete(type_, record.id, record.outputs)
        news = self._checked(resource, given, None, f"{urn} {record.serial}")
        self._made[urn] = self._operations.create(type_, urn, news), news
        return None if first else record

    def _checked(self, resource: Resource, given: Props, olds: Props | None, seed: str) -> Props:
        inputs, problems = checked(resource.type, resource.name, given, olds, seed=seed.encode())
        if problems:
            raise Refused("; ".join(f"{resource.name}: {problem}" for problem in problems))
        return inputs

    def _delete(self, records: Mapping[str, Record]) -> None:
        """Deletes what exists, each before what it waited for when it was made."""
        backwards = _reversed(self._waits)

        def step(urn: str) -> bool:
            if (record := records.get(urn)) is not None:
                self._operations.delete(record.type, record.id, record.outputs)
            return True

        _in_order(backwards, self._choose, step)


def dependencies(recording: Recording) -> dict[str, set[str]]:
    """The resources that the engine waits for before it creates one, by URN.

    A component is nothing that it waits for: the SDK puts the component's resources in its place.
    """
    managed = {r.urn for r in recording.resources if r.type.startswith("aws:")}
    everything = _with_components(recording)
    return {urn: everything[urn] & managed for urn in everything if urn in managed}


def _with_components(recording: Recording) -> dict[str, set[str]]:
    return {
        r.urn: {r.parent, *r.dependencies}.union(*r.property_dependencies.values())
        for r in recording.resources
    }


def _reversed(waits: Mapping[str, set[str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {urn: set() for urn in waits}
    for urn, earlier in waits.items():
        for other in earlier:
            found[other].add(urn)
    return found


def _in_order(
    waits: Mapping[str, set[str]], choose: random.Random, step: Callable[[str], bool]
) -> None:
    """Steps to each URN after those that it waits for; a step that is not ready is tried again."""
    left = {urn: set(earlier) for urn, earlier in waits.items()}
    followers = _reversed(waits)
    ready = sorted(urn for urn, earlier in left.items() if not earlier)
    stuck: list[str] = []
    while ready:
        urn = ready.pop(choose.randrange(len(ready)))
        if not step(urn):
            stuck.append(urn)
            if not ready:
                raise Refused(f"{STUCK}: {', '.join(stuck)}")
            continue
        ready += stuck
        stuck = []
        for follower in sorted(followers[urn]):
            left[follower].discard(urn)
            if not left[follower]:
                ready.append(follower)
        del left[urn]
    assert not left, f"dependencies in a circle: {sorted(left)}"


def _answers(resource: Resource, record: Record) -> dict[str, str]:
    """What the account says instead of each value that the recorder made up."""
    known = resource_type(resource.type)
    assert known is not None
    recorded = placeholders(resource, known, record.region or HOME_REGION)
    recorded["id"] = identifier(resource.name)
    return {
        value: answer
        for key, value in {**resource.inputs, **recorded}.items()  # an input is an output as well
        if isinstance(value, str) and isinstance(answer := record.outputs.get(key), str)
        if value != answer
    }


def _resolved(resource: Resource, answers: Mapping[str, Mapping[str, str]]) -> Props:
    """The inputs with the account's answers, each where the program used the output."""
    inputs: Props = {}
    for key, value in resource.inputs.items():
        pairs = {
            old: new
            for urn in resource.property_dependencies.get(key, ())
            for old, new in answers.get(urn, {}).items()
        }
        longest_first = sorted(pairs.items(), key=lambda pair: -len(pair[0]))
        if key == "userData" and isinstance(value, str):
            text = _replaced(base64.b64decode(value).decode(), longest_first)
            inputs[key] = base64.b64encode(cast("str", text).encode()).decode()
        else:
            inputs[key] = _replaced(cast("Json", value), longest_first)
    return inputs


def _replaced(value: Json, pairs: list[tuple[str, str]]) -> Json:
    match value:
        case str():
            for old, new in pairs:
                value = value.replace(old, new)
            return value
        case list():
            return [_replaced(item, pairs) for item in value]
        case dict():
            return {key: _replaced(item, pairs) for key, item in value.items()}
        case _:
            return value
