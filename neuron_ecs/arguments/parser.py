"""The parser of the command lines: typed arguments, options of every command, nearest names."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from messages.phrases import closest_key
from neuron_ecs.arguments.options import EVERYWHERE, ONE_OF, REST, option
from neuron_ecs.terminal import WRONG_USAGE, Colour, UsageError, terminal_width, wrapped

PROJECT_FILE = "Pulumi.yaml"


@dataclass(frozen=True, kw_only=True)
class Common:
    """The arguments that every command has."""

    project: Path | None = option(
        group=EVERYWHERE,
        metavar="DIR",
        type=Path,
        help="the project's directory (the nearest one upward with a Pulumi.yaml)",
    )
    color: Colour = option(
        group=EVERYWHERE,
        choices=("auto", "always", "never"),
        default="auto",
        help="colours: on a terminal without NO_COLOR, always or never (auto)",
    )

    @property
    def directory(self) -> Path:
        """The project's directory: `--project`, or the nearest one upward with a Pulumi.yaml."""
        return self.project or project_directory(Path())


A = TypeVar("A", bound=Common)


def project_directory(start: Path) -> Path:
    """Returns the nearest directory from `start` upward that holds a Pulumi.yaml, or `start`."""
    here = start.resolve()
    for directory in (here, *here.parents):
        if (directory / PROJECT_FILE).is_file():
            return start if directory == here else Path(os.path.relpath(directory, start))
    return start


class Parser(argparse.ArgumentParser):
    """A parser that names the nearest command or option, and ends with `WRONG_USAGE`.

    `action` is the action of a command that is not given one, `rest` the argument that gets all
    words after `--`.
    """

    action: str = ""
    rest: str = ""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)

    def calls(self, arguments: type[A], run: Callable[[A], int], epilog: str) -> None:
        """Lets the command that is parsed here run as `run(arguments(...))`."""
        self.epilog = "\n".join(_fitted(epilog, terminal_width()))
        groups: dict[str, Any] = {"": self}
        declared = [one for one in _fields(arguments) if one.metadata]
        for one in sorted(declared, key=lambda f: f.metadata["group"] == EVERYWHERE):
            group, settings = one.metadata["group"], dict(one.metadata["settings"])
            if callable(settings.get("default")):
                settings["default"] = settings["default"]()
            if one.type in (bool, "bool"):
                settings["action"] = "store_true"
            if group not in groups:
                is_choice = group == ONE_OF
                groups[group] = (
                    self.add_mutually_exclusive_group()
                    if is_choice
                    else self.add_argument_group(group)
                )
            name = one.name if one.metadata["is_positional"] else f"--{one.name.replace('_', '-')}"
            flags = [settings.pop("short")] if "short" in settings else []
            groups[group].add_argument(*flags, name, **settings)
            self.rest = name if settings.get("metavar") == REST else self.rest

        def call(found: argparse.Namespace) -> int:
            return run(typed(arguments, found))

        self.set_defaults(call=call, of=self)

    # argparse has two signatures, by the type of the namespace; this one takes either.
    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Refuses what this command does not know, before anything else is wrong with it."""
        given = list(sys.argv[1:] if args is None else args)
        asks_help = bool({"-h", "--help"} & set(given[:1]))
        if self.action and not asks_help and (not given or given[0].startswith("-")):
            given = [self.action, *given]
        own = given
        if self._subparsers is not None:  # the rest is an action's
            own = given[: next((i for i, a in enumerate(given) if a[:1] != "-"), len(given))]
        options = [o for o in self._option_string_actions if o.startswith("--")]
        for word in own[: own.index("--")] if "--" in own else own:
            name = word.partition("=")[0]
            if name.startswith("--") and " " not in name and name not in options:
                longer = [o for o in options if o.startswith(name)]
                near = longer[0] if longer else closest_key(name, options)
                hint = f"; did you mean {near}?" if near else ""
                self.error(f"unrecognized argument: {name}{hint}")
        after: list[str] = []
        if self.rest and "--" in given:
            at = given.index("--")
            given, after = given[:at], given[at + 1 :]
        found, unknown = super().parse_known_args(given, namespace)
        if self.rest:
            setattr(found, self.rest, [*getattr(found, self.rest), *after])
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        """Parses a value. A `UsageError` says what is wrong with it."""
        try:
            return super()._get_value(action, arg_string)
        except UsageError as error:
            raise argparse.ArgumentError(action, str(error)) from None

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = [str(choice) for choice in action.choices or ()]
        if action.choices is not None and value not in action.choices:
            near = closest_key(str(value), choices)
            hint = f"did you mean {near}?" if near else f"choose from {', '.join(choices)}"
            raise argparse.ArgumentError(action, f"invalid choice: {str(value)!r}; {hint}")

    def error(self, message: str) -> NoReturn:
        """Ends with the usage and what is wrong with it."""
        self.print_usage(sys.stderr)
        self.exit(WRONG_USAGE, f"{self.prog}: {message}\n")


def _fitted(text: str, width: int) -> Iterator[str]:
    """The lines of an epilog: its paragraphs wrapped, and what is indented as it stands."""
    words: list[str] = []
    for line in [*text.split("\n"), ""]:
        if line and line[0] != " " and line[-1] != ":":
            words.append(line)
            continue
        if words:
            yield from wrapped(" ".join(words), width, "", "")
            words = []
        yield line


def typed(arguments: type[A], found: argparse.Namespace) -> A:
    """Returns the typed arguments that a parser found."""
    return arguments(**{one.name: getattr(found, one.name) for one in _fields(arguments)})


def _fields(arguments: type[Common]) -> tuple[Field[Any], ...]:
    return fields(arguments)


def simple_command(
    arguments: type[A], run: Callable[[A], int], epilog: str, description: str | None = None
) -> Callable[[Parser], None]:
    """Returns `add_arguments` of a command without actions, which runs as `run(arguments(...))`."""

    def add_arguments(parser: Parser) -> None:
        parser.description = description or parser.description
        parser.calls(arguments, run, epilog)

    return add_arguments


def actions(
    parser: Parser, dest: str = "action", *, is_required: bool = True
) -> Callable[[str, str], Parser]:
    """Returns what adds the parser of an action from its name and its line of help."""
    found: Any = parser.add_subparsers(metavar=dest.upper(), required=is_required, dest=dest)

    def add(name: str, said: str) -> Parser:
        return found.add_parser(name, help=said, description=said)

    return add
