"""What models have compiled, by fingerprint: what uses it, and what lies in S3.

Calls S3 ListObjectsV2 and DeleteObjects. What is on a file system or on the disk of an instance is
seen by tasks alone: of these the fingerprints are known that the plan uses, and what runs.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from neuron_ecs.operations.aws import Calls, batches, pages
from neuron_ecs.operations.observed import by_family, family_of
from neuron_ecs.operations.reading import Reader
from neuron_ecs.operations.revisions import Rollback
from neuron_ecs.terminal import UsageError
from planning import choices, plan
from planning.regional import bucket_and_key

_FINGERPRINT = re.compile(r"[0-9a-f]{12}")
_AT_ONCE = 1_000  # keys of one call of DeleteObjects
RUNS, BEFORE = "runs", "before"


@dataclass(frozen=True, slots=True)
class Use:
    """A task definition that may need what was compiled: of a model, a job or a family.

    `when` is `RUNS`, or `BEFORE` for the one to which `rollback` would go.
    """

    of: str
    when: str
    text: str  # its containers

    def needs(self, fingerprint: str) -> bool:
        """Whether a path of the containers has the fingerprint."""
        return f"/{fingerprint}" in self.text

    @property
    def fingerprints(self) -> frozenset[str]:
        """The fingerprints below the directory of caches in the containers."""
        below = f"{choices.SERVE_CACHE_PATH}/({_FINGERPRINT.pattern})"
        return frozenset(re.findall(below, self.text))


def uses_in(reader: Reader) -> tuple[list[Use], list[str]]:
    """What runs in a Region, and what `rollback` would run; and what could not be read of it."""
    observed = reader.recent()
    unread = [str(failed) for failed in observed.failed_calls]
    unread += [
        f"several clusters may be the stack's: {', '.join(cluster.candidates)}"
        for cluster in observed.clusters.values()
        if cluster.name is None and len(cluster.candidates) > 1
    ]
    if unread:
        return [], unread
    wanted: dict[str, None] = {}
    for cluster in observed.clusters.values():
        for service in cluster.services or ():
            rollouts = (rollout.task_definition for rollout in service.rollouts)
            wanted |= dict.fromkeys((service.task_definition, *rollouts))
        tasks = (t for t in cluster.tasks or () if t.last_status != "STOPPED")
        wanted |= {task.task_definition: None for task in tasks}
    of = by_family(reader.region)
    found = [
        Use(of.get(family_of(arn), family_of(arn)), RUNS, json.dumps(containers))
        for arn, containers in zip(wanted, reader.aws.each(wanted, reader.definition), strict=True)
    ]
    for model in reader.region.models:
        try:
            steps = Rollback(reader, observed, model).steps()
        except UsageError:
            continue  # there is no way back, or the model is not up
        found += [Use(model.name, BEFORE, json.dumps(step.containers)) for step in steps]
    unread = [str(failed) for failed in reader.aws.failed]
    return ([], unread) if unread else (found, [])


@dataclass(frozen=True, slots=True)
class Place:
    """A place where models of a Region keep what they compile."""

    region: str
    kind: str
    name: str
    models: tuple[tuple[str, str], ...]  # fingerprint and model, of the plan

    def models_of(self, fingerprint: str) -> tuple[str, ...]:
        """The models of the plan that use a fingerprint."""
        return tuple(model for used, model in self.models if used == fingerprint)


@dataclass(frozen=True, slots=True)
class Kept:
    """What lies under a fingerprint in S3. `marked`: a compile run has left its marker there."""

    fingerprint: str
    objects: int
    size: int  # bytes
    newest: datetime
    marked: bool


def places(regions: Iterable[plan.RegionPlan]) -> tuple[Place, ...]:
    """The places of the plan, by Region; a prefix in S3 that several Regions share only once."""
    found: dict[tuple[str, str, str], dict[tuple[str, str], None]] = {}
    shared: dict[str, str] = {}
    for region in regions:
        for model in region.models:
            cache = model.cache
            if cache is None:
                continue
            first = shared.setdefault(cache.place, region.name)
            where = first if cache.kind == "s3" else region.name
            models = found.setdefault((where, cache.kind, cache.place), {})
            models[cache.fingerprint, model.name] = None
    return tuple(Place(*where, tuple(sorted(models))) for where, models in found.items())


def kept_in(place: Place, aws: Calls) -> list[Kept]:
    """What lies in a prefix of S3, the newest first."""
    found: dict[str, list[dict[str, Any]]] = {}
    _, root = bucket_and_key(_root(place))
    for one in _objects(place, root, aws):
        name = one["Key"].removeprefix(root).partition("/")[0]
        if _FINGERPRINT.fullmatch(name):
            found.setdefault(name, []).append(one)
    kept = [
        Kept(
            name,
            len(objects),
            sum(one["Size"] for one in objects),
            max(one["LastModified"] for one in objects),
            any(one["Key"].endswith(f"/{choices.COMPILED_MARKER}") for one in objects),
        )
        for name, objects in found.items()
    ]
    return sorted(kept, key=lambda k: (k.newest, k.fingerprint), reverse=True)


def unused(place: Place, kept: Sequence[Kept], uses: Sequence[Use], previous: int) -> list[Kept]:
    """What neither the plan nor anything that runs or ran before needs, without the newest
    `previous`."""
    others = [
        one
        for one in kept
        if not place.models_of(one.fingerprint)
        and not any(use.needs(one.fingerprint) for use in uses)
    ]
    return others[previous:]


def delete(place: Place, kept: Kept, aws: Calls) -> list[str]:
    """Deletes what lies under a fingerprint, its marker first: no task starts with a part of it.

    Returns what S3 refuses, key by key.
    """
    failed: list[str] = []
    bucket, root = bucket_and_key(_root(place))
    keys = [one["Key"] for one in _objects(place, f"{root}{kept.fingerprint}/", aws)]
    keys.sort(key=lambda key: not key.endswith(f"/{choices.COMPILED_MARKER}"))
    for some in batches(keys, _AT_ONCE):
        named = {"Objects": [{"Key": key} for key in some], "Quiet": True}
        answer = cast("dict[str, Any]", aws.s3.delete_objects(Bucket=bucket, Delete=named))
        failed += [f"{e.get('Key')}: {e.get('Message')}" for e in answer.get("Errors", ())]
    return failed


def _root(place: Place) -> str:
    return f"{place.name.rstrip('/')}/"


def _objects(place: Place, prefix: str, aws: Calls) -> list[dict[str, Any]]:
    bucket, _ = bucket_and_key(_root(place))
    return pages(
        aws.s3.list_objects_v2,
        "Contents",
        token="ContinuationToken",
        answered="NextContinuationToken",
        Bucket=bucket,
        Prefix=prefix,
    )
