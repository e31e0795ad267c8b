"""What models have compiled, by fingerprint: what the plan uses, and what lies in S3.

Calls S3 ListObjectsV2 and DeleteObjects. What is on a file system or on the disk of an instance is
seen by tasks alone: of these the plan's fingerprints are known, and nothing more.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from neuron_ecs.operations.aws import Calls, batches
from planning import choices, plan
from planning.regional import bucket_and_key

_FINGERPRINT = re.compile(r"[0-9a-f]{12}")
_AT_ONCE = 1_000  # keys of one call of DeleteObjects


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


def unused(place: Place, kept: Sequence[Kept], previous: int) -> list[Kept]:
    """What no model of the plan uses, without the newest `previous`, which a rollback would use."""
    others = [one for one in kept if not place.models_of(one.fingerprint)]
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
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        answer = cast(
            "dict[str, Any]", aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix, **more)
        )
        found += answer.get("Contents", [])
        if not answer.get("NextContinuationToken"):
            return found
        more = {"ContinuationToken": answer["NextContinuationToken"]}
