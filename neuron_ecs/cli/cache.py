"""The `cache` command: what models have compiled, and what the stack no longer uses of it."""

import sys
from dataclasses import dataclass

from messages.phrases import counted
from neuron_ecs.arguments.options import option
from neuron_ecs.arguments.parser import Parser, actions
from neuron_ecs.arguments.stack import Changing, OfRunning, operation
from neuron_ecs.operations.cached import as_object, delete, read_caches, render, size_text
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import ERRORS, FINE, UsageError

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


@dataclass(frozen=True, kw_only=True)
class List(OfRunning):
    """The arguments of `cache list`."""


@dataclass(frozen=True, kw_only=True)
class Prune(Changing):
    """The arguments of `cache prune`."""

    previous: int = option(
        metavar="N", type=int, default=1, help="unused ones to keep, the newest (1)"
    )


def _show(arguments: List, stack: Stack) -> int:
    caches = read_caches(stack)
    arguments.write(render(caches, arguments.width))
    arguments.report(stack, places=[as_object(one) for one in caches])
    return ERRORS if any(one.why for one in caches) else FINE


def _prune(arguments: Prune, stack: Stack) -> int:
    if arguments.previous < 0:
        raise UsageError("--previous: write 0 or more")
    caches = read_caches(stack)
    gone = [(one.place, kept) for one in caches for kept in one.unused(arguments.previous)]
    for one in caches:
        note = one.why or one.unseen
        if note:
            arguments.warn(f"{one.place.region}  {one.place.name} is left alone: {note}", "    ")
    for place, kept in gone:
        what = f"{counted(kept.objects, 'object')}, {size_text(kept.size)}"
        where = f"{place.name.rstrip('/')}/{kept.fingerprint}/"
        arguments.warn(f"deletes {where}: {what}", "    ")
    if gone and not arguments.agreed(f"delete {counted(len(gone), 'fingerprint')}?"):
        return ERRORS
    failed: list[str] = []
    for place, kept in gone:
        failed += stack.account.ask(
            place.region, lambda aws, p=place, k=kept: delete(p, k, aws), lambda why: [why]
        )
    sys.stderr.writelines(f"not deleted: {text}\n" for text in failed)
    deleted = [{"place": place.name, "fingerprint": kept.fingerprint} for place, kept in gone]
    size = size_text(sum(kept.size for _, kept in gone))
    arguments.write([f"deleted {counted(len(gone), 'fingerprint')}, {size}"])
    arguments.report(stack, deleted=deleted)
    return ERRORS if failed or any(one.why for one in caches) else FINE


_add_list, show = operation(List, _EPILOG, _show)
_add_prune, prune = operation(Prune, _EPILOG, _prune)


def add_arguments(parser: Parser) -> None:
    """Adds the actions of `cache` and their arguments."""
    add = actions(parser)
    _add_list(add("list", "what lies in each cache, and which model uses it"))
    _add_prune(add("prune", "deletes in S3 what neither the stack nor what runs uses"))
    parser.epilog = _EPILOG
