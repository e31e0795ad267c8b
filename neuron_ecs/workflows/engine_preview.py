"""The engine's own preview, beside the offline diff."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from neuron_ecs.diff.written import Diagnostic, Planned, Steps, UnfitError, UpdatePlan, fitting
from neuron_ecs.files import JSON_BYTES, MissingFileError, parse_json, read_text
from neuron_ecs.terminal import UsageError

T = TypeVar("T")

_GROUPS = ("pulumi:pulumi:Stack", "pulumi:providers:")
"""Types that the engine keeps for itself: not compared."""


_MEANING = {
    "create": "create",
    "import": "create",
    "update": "update",
    "replace": "replace",
    "create-replacement": "replace",
    "import-replacement": "replace",
    "delete-replaced": "replace",
    "delete": "delete",
}
"""What a step of a preview means. `same`, `read` and `refresh` mean that nothing changes.

Source: https://www.pulumi.com/docs/iac/cli/commands/pulumi_preview/ and `apitype.OpType`."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a `pulumi preview` printed: actions by URN, and its errors."""

    actions: Mapping[str, str]
    properties: Mapping[str, tuple[str, ...]]
    errors: tuple[str, ...]


def read_preview(path: Path) -> Preview:
    """Reads what `pulumi preview` wrote with `--json`, or the update plan of `--save-plan`.

    Raises `UsageError` where it cannot be read at all. Without a file, or with an empty one,
    the preview ended before it could write: that is an error in it, not of the usage.
    """
    try:
        text = read_text(path, JSON_BYTES)
    except MissingFileError:
        text = ""
    if not text.strip():
        return Preview({}, {}, ("it wrote nothing; its log says why",))
    said = "pulumi preview --json"
    whole = json_object(text, path, said)
    if "resourcePlans" in whole:
        return _read_plan(of_shape(UpdatePlan, whole, path, said)["resourcePlans"])
    document = of_shape(Steps, whole, path, said)
    steps, diagnostics = document.get("steps") or [], document.get("diagnostics") or []
    errors = [_message(d) for d in diagnostics if d.get("severity") == "error"]
    if not isinstance(document.get("steps"), list) and not errors:
        if "changeSummary" not in document:
            raise UsageError(f"{path} is not what `pulumi preview --json` writes: no steps")
    actions: dict[str, str] = {}
    properties: dict[str, tuple[str, ...]] = {}
    for step in steps:
        urn, action = step.get("urn", ""), _MEANING.get(step.get("op", ""))
        if not action or _type_of(urn).startswith(_GROUPS):
            continue
        # A replacement has steps of its own, and may stand beside them as an update.
        if actions.get(urn) != "replace":
            actions[urn] = action
        detailed, reasons = step.get("detailedDiff") or {}, step.get("diffReasons") or []
        named = {*detailed, *reasons, *properties.get(urn, ())}
        properties[urn] = tuple(sorted(named))
    return Preview(actions, properties, tuple(errors))


def _read_plan(resources: Mapping[str, Planned]) -> Preview:
    """What an update plan says: the steps of each resource (`apitype.DeploymentPlanV1`)."""
    actions: dict[str, str] = {}
    for urn, resource in resources.items():
        found = {_MEANING[step] for step in resource.get("steps") or [] if step in _MEANING}
        if found and not _type_of(urn).startswith(_GROUPS):
            actions[urn] = "replace" if "replace" in found else min(found)
    return Preview(actions, {}, ())


def _message(diagnostic: Diagnostic) -> str:
    message = diagnostic.get("message", "").strip().removeprefix("error: ")
    return message or "it does not say why"


def _type_of(urn: str) -> str:
    parts = urn.split("::")
    return parts[2].rpartition("$")[2] if len(parts) > 3 else ""


def json_object(text: str, path: Path, command: str) -> dict[str, Any]:
    """Returns the JSON object that a command wrote. Raises `UsageError`."""
    try:
        document: Any = parse_json(text)
    except ValueError as error:
        raise UsageError(f"{path} is not the JSON of `{command}`: {error}") from None
    if not isinstance(document, dict):
        raise UsageError(f"{path} is not the JSON of `{command}`: no object")
    return cast("dict[str, Any]", document)


def of_shape(shape: type[T], document: object, path: Path, command: str) -> T:
    """Returns the document that a command wrote, as its shape. Raises `UsageError`."""
    try:
        return fitting(shape, document)
    except UnfitError as error:
        raise UsageError(f"{path} is not the JSON of `{command}`: {error}") from None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A resource on which the two differ; `none` means that one leaves it alone."""

    urn: str
    preview: str
    offline: str

    @property
    def means(self) -> str:
        """What is likely behind it."""
        if self.offline == "none":
            return "not from this change: the stack is behind, or drifted"
        if self.preview == "none":
            return "the stack has it already, or the provider sees no difference"
        return "the provider's own comparison decides"


def disagreements(preview: Preview, resources: Sequence[Mapping[str, Any]]) -> list[Disagreement]:
    """Each resource that only one of the two changes, or both differently, by URN."""
    offline: dict[str, str] = {}
    for resource in resources:
        urn, action = str(resource["urn"]), str(resource["action"])
        if action != "engine_only" and not _type_of(urn).startswith(_GROUPS):
            offline[urn] = action
    return [
        Disagreement(urn, preview.actions.get(urn, "none"), offline.get(urn, "none"))
        for urn in sorted({*preview.actions, *offline})
        if preview.actions.get(urn) != offline.get(urn)
    ]


def short(urn: str) -> str:
    return f"{_type_of(urn)} {urn.rpartition('::')[2]}"
