"""Declares how a field of a command's arguments is parsed, beside its type."""

from dataclasses import field
from pathlib import Path
from typing import Any

from neuron_ecs.operations.clock import seconds

EVERYWHERE = "everywhere"
"""The group of the options that every command has."""
REST = "-- CMD"
"""How the help shows the argument that gets all words after `--`."""
ONE_OF = "one of"
"""The group of the options of a command of which one is allowed."""


def option(*, group: str = "", **settings: Any) -> Any:
    """Declares `--name` for a field, with the settings of argparse; a `bool` takes no value.

    A callable `default` is called when the parser is made; `short` is a second name, as `-f`.
    """
    return field(metadata={"group": group, "settings": settings, "is_positional": False})


def positional(**settings: Any) -> Any:
    """Declares a positional argument for a field, with the settings of argparse."""
    return field(metadata={"group": "", "settings": settings, "is_positional": True})


def watch(what: str) -> Any:
    """Declares `--watch`, of the commands that can read again: `what` says what they then print."""
    return option(
        metavar="TIME",
        nargs="?",
        type=seconds,
        const=10,
        help=f"read again, this often (10s), and print {what}; Ctrl-C ends it",
    )


def timeout() -> Any:
    """Declares `--timeout`, of the commands that wait."""
    return option(
        metavar="TIME", type=seconds, default=3600, help="how long to wait, such as 30m (1h)"
    )


def detach() -> Any:
    """Declares `--detach`, of the commands that change something and then wait."""
    return option(short="-d", help="do not wait")


def outputs() -> Any:
    """Declares `--outputs`, of the commands that ask AWS about the stack."""
    return option(
        metavar="FILE",
        type=Path,
        help="names from `pulumi stack output --json` (-: standard input), not by key",
    )


def program() -> Any:
    """Declares `--program`, of the commands that compare revisions."""
    return option(
        choices=("own", "installed"),
        help="what plans the stack file of a revision: the revision's own program, which runs, or "
        "the one that is installed here (own, where HEAD changes code)",
    )
