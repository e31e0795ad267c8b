"""Records the plans of a comparison at the same time, in a process with a child for each plan.

    python -m neuron_ecs.recording.plans

The resources of a Region depend on its own plan, the roles, the tags and the flags of the stack.
So a plan with fewer Regions gives exactly their part of the graph.

In one process a diff of 16 Regions with 20 models each, all changed, takes 2.2 times the CPU of a
preview (11.6 s and 5.2 s). `tests/bench` allows 1.3 times its wall time, hence the processes.

The process loads the provider's types, which takes longer than planning. Then it answers requests
until its input ends. A request is a frame with the pickled plans. The answer is a frame for each
plan, in their order: one byte for success, then the pickled graph or the text of the error. Frames
come only from the process that started this one. The top of this module imports only what loads
quickly, so that the other process starts early.
"""

import gc
import importlib
import os
import pickle
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from planning.document import Json

if TYPE_CHECKING:
    from planning.plan import Plan

ROOT = Path(__file__).resolve().parent.parent.parent
"""The directory of the program that runs."""

_RECORDED, _FAILED = b"\x01", b"\x00"


class NotRecordedError(Exception):
    """There is no graph; the text is the last output of the other process, or its error."""


Graph = tuple[Json, ...]
"""What a plan registers: resources as the preview's JSON has them."""


def record_plan(plan: "Plan") -> Graph:
    """The graph of a plan. Raises `RecordingError`."""
    from components import build
    from neuron_ecs.recording.engine import record

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
        self._asked = 0
        # What it says: unlike a pipe, a file does not fill up. `dismiss` closes it.
        self._words = tempfile.TemporaryFile()  # noqa: SIM115
        self._process: subprocess.Popen[bytes] | None = self._started()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self.dismiss()

    def ask(self, plans: "Sequence[Plan]") -> None:
        """Hands the plans over; it works on them from now on. Raises `NotRecordedError`."""
        self._process = process = self._process or self._started()
        assert process.stdin is not None
        self._asked = len(plans)
        if not plans:
            return
        try:
            _write(process.stdin, pickle.dumps(tuple(plans), pickle.HIGHEST_PROTOCOL))
        except BrokenPipeError:
            raise NotRecordedError(self._last_words()) from None

    def answer(self) -> tuple[Graph, ...]:
        """The graphs of the plans asked for last, in their order. Raises `NotRecordedError`."""
        assert self._process is not None
        assert self._process.stdout is not None
        graphs: list[Graph] = []
        failed = ""
        for _ in range(self._asked):
            frame = _read(self._process.stdout)
            if frame is None:
                raise NotRecordedError(self._last_words())
            if frame[:1] == _FAILED:
                failed = failed or frame[1:].decode()
            else:
                graphs.append(pickle.loads(frame[1:]))
        if failed:
            raise NotRecordedError(failed)
        return tuple(graphs)

    def dismiss(self) -> None:
        """Ends it, whatever it does."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.communicate()
            self._process = None
        self._words.close()

    def _last_words(self) -> str:
        """Ends the process and returns its last output. The next request starts another one."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate()
        self._process = None
        self._words.seek(0)
        output = self._words.read().decode(errors="replace").strip()
        self._words.seek(0)
        self._words.truncate()
        return output[-2000:] or "the other process ended"

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "neuron_ecs.recording.plans"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
        )


# ---- the other process -------------------------------------------------------------------------


def _write(stream: IO[bytes], data: bytes) -> None:
    stream.write(len(data).to_bytes(8, "big") + data)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes | None:
    """The next frame; None where the stream ends before it does."""
    head = stream.read(8)
    length = int.from_bytes(head, "big")
    data = stream.read(length) if len(head) == 8 else b""
    return data if len(head) == 8 and len(data) == length else None


def _recorded(plan: "Plan") -> bytes:
    """The frame of a plan."""
    from neuron_ecs.recording.engine import RecordingError

    try:
        return _RECORDED + pickle.dumps(record_plan(plan), pickle.HIGHEST_PROTOCOL)
    except RecordingError as error:
        return _FAILED + str(error).encode()


def _side_by_side(plans: "Sequence[Plan]") -> Iterator[bytes | None]:
    """The frames of the plans, each from a child of this process that begins with all it loaded.

    Without a second plan, or where a process cannot be safely copied (a Mac's own libraries do not
    survive it, Windows has no such call), they are recorded here, one after the other.
    """
    if len(plans) < 2 or not sys.platform.startswith("linux"):
        yield from map(_recorded, plans)
        return
    gc.freeze()  # what the children share stays shared: their collectors do not touch it
    children = [_child(plan) for plan in plans]
    for process, stream in children:
        with stream:
            yield _read(stream)
        os.waitpid(process, 0)


def _child(plan: "Plan") -> tuple[int, IO[bytes]]:
    """A child that records the plan, and the stream to read its frame from."""
    read, write = os.pipe()
    process = os.fork()
    if process:
        os.close(write)
        return process, os.fdopen(read, "rb")
    code = 1
    try:
        os.close(read)
        with os.fdopen(write, "wb") as stream:
            _write(stream, _recorded(plan))
        code = 0
    except BaseException:
        traceback.print_exc()  # on the standard error of the parent, whose end tells it
    finally:
        sys.stderr.flush()
        os._exit(code)  # nothing of the parent's is ended twice


def main() -> int:
    """Answers requests until there are no more."""
    gc.disable()  # it would look through all that is loaded again and again, and find nothing
    for slow in ("pulumi_aws", "neuron_ecs.recording.engine", "components", "planning.plan"):
        importlib.import_module(slow)
    while (request := _read(sys.stdin.buffer)) is not None:
        plans: tuple[Plan, ...] = pickle.loads(request)
        for frame in _side_by_side(plans):
            if frame is None:
                return 1
            _write(sys.stdout.buffer, frame)
    return 0


if __name__ == "__main__":
    sys.exit(main())
