"""The `cache` command: what models have compiled, and what the stack no longer uses of it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from messages.phrases import counted, listed
from neuron_ecs.arguments.options import option
from neuron_ecs.arguments.parser import Parser, actions
from neuron_ecs.arguments.stack import Changing, OfRunning, head_of
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.cached import (
    BEFORE,
    RUNS,
    Kept,
    Place,
    Use,
    delete,
    kept_in,
    places,
    unused,
    uses_in,
)
from neuron_ecs.operations.reading import read_each
from neuron_ecs.terminal import ERRORS, FINE, UsageError, table, wrapped, write_json
from planning import choices, plan

VERSION = 1

_EPILOG = """\
examples:
  neuron-ecs cache list --stack prod
  neuron-ecs cache prune --stack prod

A fingerprint is used by a model of the stack file, by a task definition that runs,
or by the one before it, to which `rollback` goes. S3 is read from here. A file
system and the disk of an instance are seen by tasks alone: for a file system the
commands are printed that show and delete what lies there.

exit codes: 0 fine, 1 something could not be read or deleted, 2 wrong usage,
4 no credentials."""

_ON_HOST = "the disk of each instance: what else is there goes with the instance"


def _not_read(place: Place) -> str:
    """Why a place other than S3 is not read, and what shows it."""
    if place.kind == "host":
        return _ON_HOST
    model = next((m for _, m in place.models), "MODEL")
    at = choices.SERVE_CACHE_PATH
    return (
        f"a file system: only tasks that mount it see what is there. With exec: true, "
        f"`neuron-ecs exec {model} -- ls -lt {at}` shows it and `neuron-ecs exec {model} -- rm -r "
        f"{at}/FINGERPRINT` deletes one"
    )


@dataclass(frozen=True, kw_only=True)
class List(OfRunning):
    """The arguments of `cache list`."""


@dataclass(frozen=True, kw_only=True)
class Prune(Changing):
    """The arguments of `cache prune`."""

    previous: int = option(
        metavar="N", type=int, default=1, help="unused ones to keep, the newest (1)"
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """A place, what lies there and what needs it; `kept` is None if it is not read, for the reason
    `why`. Without `known` not all that runs could be read."""

    place: Place
    kept: list[Kept] | None
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
        there = [k.fingerprint for k in self.kept or ()]
        more = () if self.kept is not None else running
        return tuple(dict.fromkeys([*there, *(f for f, _ in self.place.models), *more]))


def add_arguments(parser: Parser) -> None:
    """Adds the actions of `cache` and their arguments."""
    add = actions(parser)
    add("list", "what lies in each cache, and which model uses it").calls(List, show, _EPILOG)
    add("prune", "deletes in S3 what neither the stack nor what runs uses").calls(
        Prune, prune, _EPILOG
    )
    parser.epilog = _EPILOG


def show(arguments: List, connect: Connect | None = None) -> int:
    """Writes what lies in each cache. Raises `Refused` as the plan does, and `UsageError`."""
    return arguments.answered(VERSION, lambda stack: _show(arguments, stack, connect))


def prune(arguments: Prune, connect: Connect | None = None) -> int:
    """Deletes what is unused. Raises `Refused` as the plan does, and `UsageError`."""
    return arguments.answered(VERSION, lambda stack: _prune(arguments, stack, connect))


def _read(arguments: OfRunning, stack: plan.Plan, account: Account) -> list[_Read]:
    """Every place of the named Regions, with what lies there in S3 and what needs it.

    Regions share a prefix of S3, so what all of them use is kept.
    """
    named = {(p.kind, p.name) for p in places(arguments.regions(stack))}
    regions = {r.name for r in arguments.regions(stack)}
    found = [
        place
        for place in places(stack.regions)
        if (place.kind, place.name) in named and (place.kind == "s3" or place.region in regions)
    ]
    if not found:
        raise UsageError("no model of the stack keeps what it compiles")
    needed = [r for r in stack.regions if r.name in regions or any(p.kind == "s3" for p in found)]
    uses = dict(
        zip(
            (region.name for region in needed),
            read_each(account, needed, arguments.names(), uses_in, lambda _, why: ([], [why])),
            strict=True,
        )
    )
    read: list[_Read] = []
    for place in found:
        here = uses.items() if place.kind == "s3" else [(place.region, uses[place.region])]
        some = tuple(use for _, (all_of, _) in here for use in all_of)
        unread = [f"what runs in {name} could not be read: {w}" for name, (_, u) in here for w in u]
        if place.kind != "s3":
            read.append(_Read(place, None, "; ".join(unread), some, not unread))
            continue
        answer = account.ask(place.region, lambda aws, p=place: kept_in(p, aws), str)
        kept = None if isinstance(answer, str) else answer
        why = "; ".join([answer] if isinstance(answer, str) else unread)
        read.append(_Read(place, kept, why, some, not unread))
    return read


def _show(arguments: List, stack: plan.Plan, connect: Connect | None) -> int:
    read = _read(arguments, stack, Account(connect))
    if arguments.json:
        found = [_as_json(one) for one in read]
        write_json(head_of(stack, VERSION) | {"places": found}, sys.stdout)
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(read, arguments.width))
    return ERRORS if any(one.why for one in read) else FINE


def _as_json(one: _Read) -> dict[str, object]:
    place = one.place
    by_name = {k.fingerprint: k for k in one.kept or ()}
    return {
        "region": place.region,
        "kind": place.kind,
        "place": place.name,
        "read": one.kept is not None,
        "unread": one.why,
        "fingerprints": [
            {
                "fingerprint": name,
                "models": list(place.models_of(name)),
                "running": sorted({u.of for u in one.uses if u.when == RUNS and u.needs(name)}),
                "before": sorted({u.of for u in one.uses if u.when == BEFORE and u.needs(name)}),
                "bytes": by_name[name].size if name in by_name else None,
                "newest": by_name[name].newest.isoformat() if name in by_name else None,
                "marked": by_name[name].marked if name in by_name else None,
            }
            for name in one.fingerprints
        ],
    }


def _lines(read: Sequence[_Read], width: int) -> list[str]:
    lines: list[str] = []
    for one in read:
        place = one.place
        lines += wrapped(f"{place.region}  {place.kind} {place.name}", width, "", "    ")
        rows = [("fingerprint", "used by", "size", "newest", "marker")]
        by_name = {k.fingerprint: k for k in one.kept or ()}
        for name in one.fingerprints:
            user = one.used_by(name) or ("none: unused" if one.known else "not known")
            kept = by_name.get(name)
            if kept is None:
                rows.append((name, user, "not read" if one.kept is None else "nothing yet", "", ""))
                continue
            day = f"{kept.newest:%Y-%m-%d %H:%M}"
            rows.append((name, user, _size(kept.size), day, "yes" if kept.marked else "no"))
        lines += table(rows, indent="  ", width=width)
        for note in (one.why, "" if place.kind == "s3" else _not_read(place)):
            if note:
                lines += wrapped(note, width, "  ", "    ")
    return lines


def _prune(arguments: Prune, stack: plan.Plan, connect: Connect | None) -> int:
    if arguments.previous < 0:
        raise UsageError("--previous: write 0 or more")
    account = Account(connect)
    read = _read(arguments, stack, account)
    gone = [
        (one, kept)
        for one in read
        if one.kept and one.known
        for kept in unused(one.place, one.kept, one.uses, arguments.previous)
    ]
    for one in read:
        note = one.why or ("" if one.place.kind == "s3" else _not_read(one.place))
        if note:
            text = f"{one.place.region}  {one.place.name} is left alone: {note}"
            sys.stderr.writelines(f"{x}\n" for x in wrapped(text, arguments.width, "", "    "))
    for one, kept in gone:
        where = f"{one.place.name.rstrip('/')}/{kept.fingerprint}/"
        said = f"deletes {where}: {counted(kept.objects, 'object')}, {_size(kept.size)}"
        sys.stderr.writelines(f"{x}\n" for x in wrapped(said, arguments.width, "", "    "))
    if gone and not arguments.agreed(f"delete {counted(len(gone), 'fingerprint')}?"):
        return ERRORS
    failed: list[str] = []
    for one, kept in gone:
        failed += account.ask(
            one.place.region, lambda aws, p=one.place, k=kept: delete(p, k, aws), lambda why: [why]
        )
    sys.stderr.writelines(f"not deleted: {text}\n" for text in failed)
    if arguments.json:
        deleted = [{"place": o.place.name, "fingerprint": k.fingerprint} for o, k in gone]
        write_json(head_of(stack, VERSION) | {"deleted": deleted}, sys.stdout)
    else:
        size = _size(sum(k.size for _, k in gone))
        sys.stdout.write(f"deleted {counted(len(gone), 'fingerprint')}, {size}\n")
    return ERRORS if failed or any(one.why for one in read) else FINE


def _size(number: int) -> str:
    """`1.4 GiB`: bytes for people."""
    size = float(number)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
