"""The `place` command: writes the layout that keeps models on their chips into a stack file."""

from dataclasses import dataclass
from pathlib import Path

import catalog
from catalog import Catalog
from neuron_ecs.arguments.options import ONE_OF, option
from neuron_ecs.arguments.parser import simple_command
from neuron_ecs.diff.git import Repository
from neuron_ecs.edits.writing import Compare, Edits, compared, edit, epilog_of
from neuron_ecs.stackfile.placing import (
    fresh_layout,
    kept_layout,
    own_layout,
    placed_text,
    present_layout,
)
from neuron_ecs.stackfile.reading import PROJECT_FILE, StackFile, read, read_revision
from neuron_ecs.terminal import UsageError
from planning.lines import Layout

_DESCRIPTION = """\
Writes `layout` into a stack file: on which Neuron devices each service of a model stays. With it no
edit moves a model that the edit does not name; `models`, `jobs`, `pools` and `regions` keep it.

What the file has already stays, and what is missing is laid around it. --base keeps what runs from
another revision: where lines of two changes meet after a merge, those of the base stay."""

_EXAMPLES = """\
  neuron-ecs place --stack prod
  neuron-ecs place --stack prod --base origin/main
  neuron-ecs place --stack prod --fresh
  neuron-ecs place --stack prod --check"""

_EPILOG = (
    f"{epilog_of(_EXAMPLES)} With --check: 1 if the layout is not the one that would be written."
)


@dataclass(frozen=True, kw_only=True)
class Arguments(Edits):
    """The arguments of `place`."""

    base: str | None = option(
        metavar="BASE", help="keep what a git revision or another stack file has"
    )
    fresh: bool = option(
        group=ONE_OF, help="the fewest instances, whatever moves; shows what moves before it asks"
    )
    check: bool = option(
        group=ONE_OF, help="write nothing; for CI. Without a layout nothing differs"
    )


def run(arguments: Arguments, compare: Compare = compared) -> int:
    """Writes the layout, once that was agreed to. Raises `UsageError`."""

    def new_text(file: StackFile, text: str) -> str:
        if arguments.check and own_layout(file) is None:
            return text
        tables = catalog.load()
        base = _base(arguments, file, tables)
        if arguments.fresh:
            layout = fresh_layout(file, base or present_layout(file, tables), tables)
        else:
            layout = kept_layout(file, base, tables)
        return placed_text(text, file, layout)

    return edit(arguments, new_text, compare, check=arguments.check)


def _base(arguments: Arguments, file: StackFile, tables: Catalog) -> Layout:
    """The layout of the base's plan. Raises `UsageError` if there is no such base."""
    name = arguments.base
    if name is None:
        return {}
    if name.endswith((".yaml", ".yml")) or Path(name).is_file():
        other = read(stack=file.stack, file=Path(name), directory=arguments.directory)
        return present_layout(other, tables)
    repository = Repository(arguments.directory)
    commit = repository.merge_base(name, None)
    texts = [repository.text(commit, n) for n in (PROJECT_FILE, f"Pulumi.{file.stack}.yaml")]
    if texts[1] is None:
        raise UsageError(f"{name} has no Pulumi.{file.stack}.yaml; leave --base out")
    before = read_revision(texts[0] or b"", texts[1], stack=file.stack)
    return present_layout(before, tables)


add_arguments = simple_command(Arguments, run, _EPILOG, _DESCRIPTION)
