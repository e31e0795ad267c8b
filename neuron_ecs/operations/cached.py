"""What models have compiled, by fingerprint: what uses it, and what lies in S3.

Calls S3 ListObjectsV2 and DeleteObjects. What is on a file system or on the disk of an instance is
seen by tasks alone: of these the fingerprints are known that the plan uses, and what runs.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from messages.phrases import listed
from neuron_ecs.operations.aws import Calls, batches, pages
from neuron_ecs.operations.observed import by_family, family_of
from neuron_ecs.operations.reading import Reader, read_each
from neuron_ecs.operations.revisions import Rollback
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import UsageError, table, wrapped
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


@dataclass(frozen=True, slots=True)
class Cache:
    """A place, what lies there and what needs it; `kept` is None if it is not read, for the reason
    `why`. Without `known` not all that runs could be read."""

    place: Place
    kept: dict[str, Kept] | None  # by fingerprint, the newest first
    why: str
    uses: tuple[Use, ...] = ()
    known: bool = True

    def used_by(self, fingerprint: str) -> str:
        """What uses a fingerprint, in words; empty if nothing does."""
        planned = self.place.models_of(fingerprint)
        by_when = sorted(self.uses, key=lambda use: use.when == RUNS)  # what runs decides
        found = {u.of: u.when for u in by_when if u.needs(fingerprint) and u.of not in planned}
        said = {RUNS: "as it runs", BEFORE: "as it was before"}
        return listed([*planned, *(f"{of} {said[when]}" for of, when in sorted(found.items()))])

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Every fingerprint to show: what lies there, what the plan and what runs uses."""
        models = {model for _, model in self.place.models}
        running = (f for u in self.uses if u.of in models for f in sorted(u.fingerprints))
        more = () if self.kept is not None else running
        return tuple(dict.fromkeys([*(self.kept or ()), *(f for f, _ in self.place.models), *more]))

    @property
    def unseen(self) -> str:
        """Why a place other than S3 is not read, and what shows it; empty for S3."""
        if self.place.kind == "s3":
            return ""
        if self.place.kind == "host":
            return "the disk of each instance: what else is there goes with the instance"
        model = next((m for _, m in self.place.models), "MODEL")
        at = choices.SERVE_CACHE_PATH
        return (
            f"a file system: only tasks that mount it see what is there. With exec: true, "
            f"`neuron-ecs exec {model} -- ls -lt {at}` shows it and `neuron-ecs exec {model} -- "
            f"rm -r {at}/FINGERPRINT` deletes one"
        )

    def unused(self, previous: int) -> list[Kept]:
        """What neither the plan nor anything that runs or ran before needs, without the newest
        `previous`; nothing where not all of that is known."""
        others = [
            one
            for name, one in (self.kept or {}).items()
            if not self.place.models_of(name) and not any(use.needs(name) for use in self.uses)
        ]
        return others[previous:] if self.known else []


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


def kept_in(place: Place, aws: Calls) -> dict[str, Kept]:
    """What lies in a prefix of S3 by fingerprint, the newest first."""
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
    kept.sort(key=lambda k: (k.newest, k.fingerprint), reverse=True)
    return {one.fingerprint: one for one in kept}


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


def read_caches(stack: Stack) -> list[Cache]:
    """Every place of the Regions, with what lies there in S3 and what needs it.

    Regions share a prefix of S3, so what all of them use is kept.
    """
    named = {(p.kind, p.name) for p in places(stack.regions)}
    regions = {r.name for r in stack.regions}
    found = [
        place
        for place in places(stack.plan.regions)
        if (place.kind, place.name) in named and (place.kind == "s3" or place.region in regions)
    ]
    if not found:
        raise UsageError("no model of the stack keeps what it compiles")
    shared = any(place.kind == "s3" for place in found)
    needed = [r for r in stack.plan.regions if shared or r.name in regions]
    answers = read_each(stack.account, needed, stack.names, uses_in, lambda _, why: ([], [why]))
    uses = dict(zip((region.name for region in needed), answers, strict=True))
    caches: list[Cache] = []
    for place in found:
        here = uses if place.kind == "s3" else {place.region: uses[place.region]}
        some = tuple(use for all_of, _ in here.values() for use in all_of)
        unread = [
            f"what runs in {name} could not be read: {why}"
            for name, (_, more) in here.items()
            for why in more
        ]
        why, kept = "; ".join(unread), None
        if place.kind == "s3":
            answer = stack.account.ask(place.region, lambda aws, p=place: kept_in(p, aws), str)
            why, kept = (answer, None) if isinstance(answer, str) else (why, answer)
        caches.append(Cache(place, kept, why, some, not unread))
    return caches


def as_object(cache: Cache) -> dict[str, object]:
    """A place for JSON."""
    kept, place = cache.kept or {}, cache.place

    def of(name: str, when: str) -> list[str]:
        return sorted({use.of for use in cache.uses if use.when == when and use.needs(name)})

    return {
        "region": place.region,
        "kind": place.kind,
        "place": place.name,
        "read": cache.kept is not None,
        "unread": cache.why,
        "fingerprints": [
            {
                "fingerprint": name,
                "models": list(place.models_of(name)),
                "running": of(name, RUNS),
                "before": of(name, BEFORE),
                "bytes": kept[name].size if name in kept else None,
                "newest": kept[name].newest if name in kept else None,
                "marked": kept[name].marked if name in kept else None,
            }
            for name in cache.fingerprints
        ],
    }


def render(caches: Sequence[Cache], width: int) -> Iterator[str]:
    """The fingerprints of each place: what uses them, and what lies there."""
    for one in caches:
        place = one.place
        yield from wrapped(f"{place.region}  {place.kind} {place.name}", width, "", "    ")
        rows = [("fingerprint", "used by", "size", "newest", "marker")]
        for name in one.fingerprints:
            user = one.used_by(name) or ("none: unused" if one.known else "not known")
            kept = (one.kept or {}).get(name)
            if kept is None:
                rows.append((name, user, "not read" if one.kept is None else "nothing yet", "", ""))
                continue
            day = f"{kept.newest:%Y-%m-%d %H:%M}"
            rows.append((name, user, size_text(kept.size), day, "yes" if kept.marked else "no"))
        yield from table(rows, indent="  ", width=width)
        for note in filter(None, (one.why, one.unseen)):
            yield from wrapped(note, width, "  ", "    ")


def size_text(number: int) -> str:
    """`1.4 GiB`: bytes for people."""
    size = float(number)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
