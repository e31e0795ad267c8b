"""A recorded graph in the stand-in's account, without the Pulumi CLI.

Resources are created in an order that their dependencies allow, and destroyed in the reverse of
another. The engine chooses such an order by what happens to be ready first; here a seed does. What
works in one order may work by luck, so the needs of the finished account (see ``needs``) are
compared with the dependencies as well.
"""

import base64
import random
from collections.abc import Generator, Iterator, Mapping
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
from tests.engine.provider.operations import Operations
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
    account = MemoryAccount()
    operations = Operations(account, HOME_REGION)
    waits = dependencies(recording)
    choose = random.Random(seed)
    try:
        made = _create(recording, operations, _order(waits, choose))
        if lucky := forgotten(_with_components(recording), account.holdings):
            return lucky
        for urn in _order(_reversed(waits), choose):
            operations.delete(made[urn].type, made[urn].id, made[urn].outputs)
    except Refused as refusal:
        return [str(refusal)]
    return [f"{record.logical} stays behind" for record in account.holdings.records]


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


def _order(waits: Mapping[str, set[str]], choose: random.Random) -> Iterator[str]:
    """Each URN after those that it waits for."""
    left = {urn: set(earlier) for urn, earlier in waits.items()}
    followers = _reversed(waits)
    ready = sorted(urn for urn, earlier in left.items() if not earlier)
    while ready:
        urn = ready.pop(choose.randrange(len(ready)))
        yield urn
        for follower in sorted(followers[urn]):
            left[follower].discard(urn)
            if not left[follower]:
                ready.append(follower)
        del left[urn]
    assert not left, f"dependencies in a circle: {sorted(left)}"


def _create(
    recording: Recording, operations: Operations, order: Iterator[str]
) -> dict[str, Record]:
    by_urn = {resource.urn: resource for resource in recording.resources}
    made: dict[str, Record] = {}
    answers: dict[str, dict[str, str]] = {}
    for urn in order:
        resource = by_urn[urn]
        inputs, problems = checked(
            resource.type, resource.name, _resolved(resource, answers), seed=urn.encode()
        )
        if problems:
            raise Refused("; ".join(f"{resource.name}: {problem}" for problem in problems))
        try:
            made[urn] = operations.create(resource.type, urn, inputs)
        except Refused as refusal:
            raise Refused(f"{resource.type} {resource.name}: {refusal}") from None
        answers[urn] = _answers(resource, made[urn])
    return made


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
