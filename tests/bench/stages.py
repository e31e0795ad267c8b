"""Where the time of a plan goes: `neuron-ecs plan` with a stop-watch around each of its stages.

    python -m tests.bench.stages STACK_FILE TIMES

The plan goes to the standard output, the seconds of CPU by stage to `TIMES`. A stage that begins
within another stops the watch of the outer one, so that they add up.
"""

import functools
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import catalog
import catalog.reader
import planning
import planning.make
from catalog.tables import Tables
from neuron_ecs.arguments.parser import simple_command
from neuron_ecs.cli import main as command_line
from neuron_ecs.cli import plan
from neuron_ecs.stackfile import reading as stack_file

_IMPORTED = time.process_time()


class _Watch:
    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._open: list[str] = ["rest"]
        self._since = time.process_time()
        self.spent["start, import"] = _IMPORTED

    def _turn(self) -> None:
        now = time.process_time()
        stage = self._open[-1]
        self.spent[stage] = self.spent.get(stage, 0.0) + now - self._since
        self._since = now

    def during(self, stage: str, run: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time on the stage's account."""

        @functools.wraps(run)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._turn()
            self._open.append(stage)
            try:
                return run(*args, **kwargs)
            finally:
                self._turn()
                self._open.pop()

        return timed


def watched() -> _Watch:
    """A watch on every stage of the process."""
    watch = _Watch()
    places: Sequence[tuple[Any, str, str]] = (
        (stack_file, "load", "YAML"),
        (stack_file, "read", "stack file"),
        (planning, "parse", "parse"),
        (planning.make, "judge", "rules"),
        (planning, "make_plan", "plan"),
        (catalog, "load", "catalog"),
        (Tables, "rows", "catalog"),
    )
    for place, name, stage in places:
        setattr(place, name, watch.during(stage, getattr(place, name)))
    plan.add_arguments = simple_command(plan.Arguments, watch.during("render", plan.run), "")
    groups = [g for g in vars(catalog.reader).values() if isinstance(g, type)]
    for attribute in (a for group in groups for a in vars(group).values()):
        if isinstance(attribute, cached_property):
            attribute.func = watch.during("catalog", attribute.func)
    return watch


def main(arguments: Sequence[str]) -> int:
    """Plans the stack file named, under the watch."""
    watch = watched()
    code = command_line.main(["plan", "--file", arguments[0], "--width", "100"])
    watch.during("rest", lambda: None)()
    Path(arguments[1]).write_text(json.dumps(watch.spent))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
