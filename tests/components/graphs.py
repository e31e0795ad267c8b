"""Graphs of the hand-made plans, recorded once, and questions about them."""

import functools
from collections.abc import Iterator

import pulumi

from components import build
from neuron_ecs.recording.graph import Recording, Resource
from planning import plan
from tests.components.plans import EVERYTHING
from tests.recorder import record_program

COMPONENT = "neuron-ecs:components:"


def graph_of(described: plan.Plan, *, preview: bool = False) -> Recording:
    """What the plan's stack registers."""

    def program() -> None:
        for name, value in build(described).items():
            pulumi.export(name, value)

    return record_program(program, preview=preview)


@functools.cache
def everything() -> Recording:
    """The graph of the plan that uses every type."""
    return graph_of(EVERYTHING)


def aws_resources(recording: Recording) -> list[Resource]:
    """What AWS sees: all but components."""
    found = [r for r in recording.resources if r.type.startswith("aws:")]
    return sorted(found, key=lambda r: r.urn)


def get(recording: Recording, type_: str, name: str) -> Resource:
    """The resource of that type token's end (`ecs/service:Service`) and logical name."""
    (found,) = [r for r in recording.resources if r.type == f"aws:{type_}" and r.name == name]
    return found


def depends_on(recording: Recording, resource: Resource) -> set[str]:
    """URNs of everything the resource waits for: what outlives it when the stack is destroyed."""
    by_urn = {r.urn: r for r in recording.resources}
    seen: set[str] = set()
    left = [resource]
    while left:
        one = left.pop()
        needed = {*one.dependencies, *(u for us in one.property_dependencies.values() for u in us)}
        for urn in needed - seen:
            seen.add(urn)
            left.append(by_urn[urn])
    return seen


def ancestors(recording: Recording, resource: Resource) -> Iterator[Resource]:
    """The components above a resource, nearest first."""
    by_urn = {r.urn: r for r in recording.resources}
    while resource.parent in by_urn:
        resource = by_urn[resource.parent]
        yield resource
