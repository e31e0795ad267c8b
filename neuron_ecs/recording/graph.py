"""The recorded resource graph: what a program registered, as plain data and as JSON."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from planning.document import Json

SECRET: Mapping[str, bool] = {"secret": True}
"""Stands where the program gave a secret; the value itself is never recorded."""

UNKNOWN: Mapping[str, bool] = {"unknown": True}
"""Stands where the program gave a value that the engine would learn only during an update."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One registration, as the engine would keep it.

    `inputs` are what the program gave, with camelCase keys: no autonaming, no provider defaults.
    `options` holds those resource options that are set, under the names of `ResourceOptions`.
    `created` is the place in the order in which the program creates resources. The order of
    registration can differ from run to run, because the SDK keeps dependencies in sets.
    `outputs` is what a component registered with `register_outputs`, or None if it never did.
    """

    urn: str
    type: str
    name: str
    custom: bool
    parent: str
    provider: str | None
    dependencies: tuple[str, ...]
    property_dependencies: Mapping[str, tuple[str, ...]]
    options: Mapping[str, Json]
    inputs: Mapping[str, Json]
    outputs: Mapping[str, Json] | None = None
    created: int = field(default=0, compare=False)

    def as_json(self) -> dict[str, Json]:
        """This resource as the JSON of `preview --json` shows it."""
        return {
            "urn": self.urn,
            "type": self.type,
            "name": self.name,
            "parent": self.parent,
            "provider": self.provider,
            "dependencies": list(self.dependencies),
            "propertyDependencies": {k: list(v) for k, v in self.property_dependencies.items()},
            "options": dict(self.options),
            "inputs": dict(self.inputs),
        }


@dataclass(frozen=True, slots=True)
class Message:
    """A line that the program logged: severity `info`, `warning` or `error`."""

    severity: str
    text: str


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything one run of a program registered, in the order of registration.

    The stack itself is not among the resources; it is the parent of those that stand alone.
    """

    project: str
    stack: str
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Json]
    messages: tuple[Message, ...] = ()

    @property
    def stack_urn(self) -> str:
        """The URN that parents what has no other parent."""
        return stack_urn(self.project, self.stack)

    def as_json(self) -> dict[str, Json]:
        """The graph as plain data, ordered by URN."""
        return {
            "version": 1,
            "project": self.project,
            "stack": self.stack,
            "resources": [r.as_json() for r in sorted(self.resources, key=lambda r: r.urn)],
            "outputs": dict(self.outputs),
        }


def to_json(recording: Recording, **others: Json) -> str:
    """The graph as text that two runs over the same stack file give byte for byte."""
    document = {**recording.as_json(), **others}
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def stack_urn(project: str, stack: str) -> str:
    """The URN of the stack itself."""
    return f"urn:pulumi:{stack}::{project}::pulumi:pulumi:Stack::{project}-{stack}"


def child_urn(*, project: str, stack: str, parent: str, type_: str, name: str) -> str:
    """The URN that the engine gives: all parent types joined with `$`, the stack left out."""
    parent_types = parent.split("::", 3)[2]
    if parent_types != "pulumi:pulumi:Stack":
        type_ = f"{parent_types}${type_}"
    return f"urn:pulumi:{stack}::{project}::{type_}::{name}"


def short_type(token: str) -> str:
    """`ecs.Service` for `aws:ecs/service:Service`; other tokens keep all but their package."""
    package, module, name = token.split(":", 2)
    if package == "aws":
        return f"{module.split('/', 1)[0]}.{name}"
    return f"{package}.{name}" if module in {"", "index"} else f"{module}.{name}"


def children_of(resources: Iterable[Resource]) -> dict[str, list[Resource]]:
    """The resources under each parent URN, in order of registration."""
    children: dict[str, list[Resource]] = {}
    for resource in resources:
        children.setdefault(resource.parent, []).append(resource)
    return children
