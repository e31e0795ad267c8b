"""The shapes of JSON that another program wrote: resources, previews and differences.

They name the keys that are read here. Other keys may stand beside them.
"""

from functools import cache
from typing import Annotated, Any, TypeVar, cast

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

Urn = Annotated[str, Field(pattern=r"^urn:pulumi:[^:]*::[^:]*::[^:]*:.*::.")]
Type = Annotated[str, Field(pattern=r"^[^:]+:[^:]*:.")]
T = TypeVar("T")


class UnfitError(Exception):
    """The JSON has another shape; the text names the place and does not repeat the value."""


class Alias(TypedDict, total=False):
    """Another place or name that a resource may have had."""

    noParent: bool | None
    parentUrn: Urn | None
    project: str | None
    stack: str | None
    type: Type | None
    name: str | None


class Options(TypedDict, total=False):
    """The resource options that decide what a change does."""

    aliases: list[Urn | Alias]
    ignore_changes: list[str]
    replace_on_changes: list[str]


class Resource(TypedDict):
    """A resource as `neuron-ecs preview --json` prints it."""

    urn: Urn
    type: Type
    name: str
    parent: str
    provider: str | None
    dependencies: list[str]
    propertyDependencies: dict[str, list[str]]
    options: Options
    inputs: dict[str, Any]


class Step(TypedDict, total=False):
    """A step of `pulumi preview --json`."""

    urn: str
    op: str
    detailedDiff: dict[str, Any] | None
    diffReasons: list[str] | None


class Diagnostic(TypedDict, total=False):
    """A message of `pulumi preview --json`."""

    severity: str
    message: str


class Steps(TypedDict, total=False):
    """What `pulumi preview --json` prints."""

    steps: list[Step] | None
    diagnostics: list[Diagnostic] | None
    changeSummary: dict[str, int] | None


class Planned(TypedDict, total=False):
    """A resource of an update plan (`apitype.ResourcePlanV1`)."""

    steps: list[str] | None


class UpdatePlan(TypedDict):
    """What `pulumi preview --save-plan` writes (`apitype.DeploymentPlanV1`)."""

    resourcePlans: dict[str, Planned]


class Change(TypedDict):
    """A resource of `neuron-ecs diff --json`."""

    urn: str
    action: str


class Difference(TypedDict, total=False):
    """What is read of `neuron-ecs diff --json`."""

    stack: str
    verdict: str
    plan_only: str | None
    resources: list[Change] | None


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def fitting(shape: type[T], value: object) -> T:
    """Returns the value, if it has the shape. Raises `UnfitError`."""
    try:
        _adapter(shape).validate_python(value, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(step)[:60] for step in first["loc"]) or "the whole"
        raise UnfitError(f"{place}: {first['msg']}") from None
    return cast(T, value)
