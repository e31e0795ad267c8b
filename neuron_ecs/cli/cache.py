"""The `cache` command: what models have compiled, and what the stack no longer uses of it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from messages.phrases import counted, listed
from neuron_ecs.cli.arguments import Changing, OfRunning, Parser, actions, head_of
from neuron_ecs.cli.options import option
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.cached import Kept, Place, delete, kept_in, places, unused
from neuron_ecs.terminal import ERRORS, FINE, UsageError, table, wrapped, write_json
from planning import plan

VERSION = 1

_EPILOG = """\
examples:
  neuron-ecs cache list --stack prod
  neuron-ecs cache prune --stack prod

S3 is read from here. A file system and the disk of an instance are seen by tasks
alone: of them the fingerprints that the stack uses are printed. A directory of a
disk goes with its instance; of a file system a task that mounts it can delete it.

exit codes: 0 fine, 1 something could not be read or deleted, 2 wrong usage,
4 no credentials."""

_NOT_READ = {
    "efs": "a file system: only tasks that mount it see what else is there",
    "host": "the disk of each instance: what else is there goes with the instance",
}


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
    """A place and what lies there; `kept` is None if it is not read, for the reason `why`."""

    place: Place
    kept: list[Kept] | None
    why: str


def add_arguments(parser: Parser) -> None:
    """Adds the actions of `cache` and their arguments."""
    add = actions(parser)
    add("list", "what lies in each cache, and which model uses it").calls(List, show, _EPILOG)
    add("prune", "deletes in S3 what no model of the stack uses").calls(Prune, prune, _EPILOG)
    parser.epilog = _EPILOG


def show(arguments: List, connect: Connect | None = None) -> int:
    """Writes what lies in each cache. Raises `Refused` as the plan does, and `UsageError`."""
    return arguments.answered(VERSION, lambda stack: _show(arguments, stack, connect))


def prune(arguments: Prune, connect: Connect | None = None) -> int:
    """Deletes what is unused. Raises `Refused` as the plan does, and `UsageError`."""
    return arguments.answered(VERSION, lambda stack: _prune(arguments, stack, connect))


def _read(arguments: OfRunning, stack: plan.Plan, account: Account | None) -> list[_Read]:
    """Every place of the stack, with what lies there in S3."""
    read: list[_Read] = []
    for place in places(arguments.regions(stack)):
        if account is None or place.kind != "s3":
            read.append(_Read(place, None, ""))
            continue
        answer = account.ask(place.region, lambda aws, p=place: kept_in(p, aws), str)
        read.append(
            _Read(place, None, answer) if isinstance(answer, str) else _Read(place, answer, "")
        )
    if not read:
        raise UsageError("no model of the stack keeps what it compiles")
    return read


def _account(stack: plan.Plan, connect: Connect | None) -> Account | None:
    """The account, if anything of the stack is in S3."""
    in_s3 = any(m.cache and m.cache.kind == "s3" for r in stack.regions for m in r.models)
    return Account(connect) if in_s3 else None


def _show(arguments: List, stack: plan.Plan, connect: Connect | None) -> int:
    read = _read(arguments, stack, _account(stack, connect))
    if arguments.json:
        found = [_as_json(one) for one in read]
        write_json(head_of(stack, VERSION) | {"places": found}, sys.stdout)
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(read, arguments.width))
    return ERRORS if any(one.why for one in read) else FINE


def _as_json(one: _Read) -> dict[str, object]:
    place = one.place
    kept = one.kept or []
    names = dict.fromkeys([*(k.fingerprint for k in kept), *(f for f, _ in place.models)])
    by_name = {k.fingerprint: k for k in kept}
    return {
        "region": place.region,
        "kind": place.kind,
        "place": place.name,
        "read": one.kept is not None,
        "fingerprints": [
            {
                "fingerprint": name,
                "models": list(place.models_of(name)),
                "bytes": by_name[name].size if name in by_name else None,
                "newest": by_name[name].newest.isoformat() if name in by_name else None,
                "marked": by_name[name].marked if name in by_name else None,
            }
            for name in names
        ],
    }


def _lines(read: Sequence[_Read], width: int) -> list[str]:
    lines: list[str] = []
    for one in read:
        place = one.place
        lines += wrapped(f"{place.region}  {place.kind} {place.name}", width, "", "    ")
        rows = [("fingerprint", "model", "size", "newest", "marker")]
        for kept in one.kept or ():
            models = listed(list(place.models_of(kept.fingerprint))) or "none: unused"
            day = f"{kept.newest:%Y-%m-%d %H:%M}"
            marked = "yes" if kept.marked else "no"
            rows.append((kept.fingerprint, models, _size(kept.size), day, marked))
        there = {kept.fingerprint for kept in one.kept or ()}
        for name in dict.fromkeys(f for f, _ in place.models if f not in there):
            nothing = "nothing yet" if one.kept is not None else "not read"
            rows.append((name, listed(list(place.models_of(name))), nothing, "", ""))
        lines += table(rows, indent="  ", width=width)
        note = one.why or _NOT_READ.get(place.kind, "")
        if note:
            lines += wrapped(note, width, "  ", "    ")
    return lines


def _prune(arguments: Prune, stack: plan.Plan, connect: Connect | None) -> int:
    if arguments.previous < 0:
        raise UsageError("--previous: write 0 or more")
    account = _account(stack, connect)
    read = _read(arguments, stack, account)
    gone = [(o, k) for o in read if o.kept for k in unused(o.place, o.kept, arguments.previous)]
    for one in read:
        note = one.why or ("" if one.place.kind == "s3" else _NOT_READ.get(one.place.kind, ""))
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
        assert account is not None
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
