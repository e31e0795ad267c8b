"""Records plans in a process of its own, so that two graphs are built side by side.

    python -m cli.comparison.recorded  < pickled sequence of plans  > pickled graphs

A plan may be a part: a Region's graph follows from the Region's own plan, the roles, the tags and
the flags of the stack alone, so a plan with fewer Regions gives exactly their part of the graph.
What arrives comes from the process that started this one, and from nobody else.
"""

import importlib
import pickle
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from cli.graph import Json
from planning.plan import Plan

ROOT = Path(__file__).resolve().parent.parent.parent
"""The directory of the program that runs."""


class NotRecordedError(Exception):
    """The other process ended without a graph; the text is what it said last."""


Graph = tuple[Json, ...]
"""What a plan registers: resources as the preview's JSON has them."""


def record_plan(plan: Plan) -> Graph:
    """The graph of a plan. Raises `RecordingError`."""
    from cli.recording import record
    from components import build

    recording = record(
        partial(build, plan),
        project=plan.project,
        stack=plan.stack,
        config={"aws:region": plan.home_region},
    )
    return tuple(r.as_json() for r in recording.resources)


class Recorder:
    """The other process; it loads the provider's types while this one plans."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cli.comparison.recorded"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def ask(self, plans: Sequence[Plan]) -> None:
        """Hands the plans over; it works on them from now on."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(pickle.dumps(tuple(plans)))
            self._process.stdin.close()
        except BrokenPipeError:
            raise NotRecordedError(self._said()) from None
        self._process.stdin = None

    def answer(self) -> tuple[Graph, ...]:
        """The graphs, in the order of the plans. Raises `NotRecordedError`."""
        out, error = self._process.communicate()
        if self._process.returncode:
            raise NotRecordedError(error.decode(errors="replace").strip()[-2000:])
        return pickle.loads(out)

    def dismiss(self) -> None:
        """Ends it, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def _said(self) -> str:
        _, error = self._process.communicate()
        return error.decode(errors="replace").strip()[-2000:]


def main() -> int:
    """Reads plans, writes graphs."""
    from cli.recording import RecordingError

    for slow in ("pulumi_aws", "components"):  # loaded before the plans arrive
        importlib.import_module(slow)
    plans: tuple[Plan, ...] = pickle.loads(sys.stdin.buffer.read())
    try:
        graphs = tuple(record_plan(plan) for plan in plans)
    except RecordingError as error:
        sys.stderr.write(str(error))
        return 1
    sys.stdout.buffer.write(pickle.dumps(graphs, protocol=pickle.HIGHEST_PROTOCOL))
    return 0


if __name__ == "__main__":
    sys.exit(main())
