"""Limits of time that mean the same on every machine, fast or slow, quiet or busy.

A limit is stated in seconds of the machine on which it was set. What a test measures is divided by
the pace of the machine at that moment, and measured again where it is over the limit: what is found
in the end is work that grew, not a processor that is slow or has others to serve.
"""

import gc
import json
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_SECONDS = 0.06
"""What the fixed piece of work takes where the limits were set."""

_TRIES = 5


def least(run: Callable[[], object], limit: float) -> float:
    """The fewest seconds of the processor that the run takes, tried until below the limit."""
    return _least(time.process_time, run, limit)


def least_of_process(command: Sequence[str], limit: float, *, directory: Path) -> float:
    """The same of a process and its children, from its cold start to its end."""

    def children() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def run() -> None:
        subprocess.run(command, cwd=directory, check=True, capture_output=True)

    return _least(children, run, limit)


def _least(clock: Callable[[], float], run: Callable[[], object], limit: float) -> float:
    """Measures without the collector of garbage.

    Where other tests have left half a million objects, it takes 0.3 s. It comes after a number of
    new objects, and every try makes as many: it would come at one place of all tries, in the run,
    which is then over the limit, or in the pace, which lets a slow run pass.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        found = float("inf")
        for _ in range(_TRIES):
            before = pace()
            begun = clock()
            run()
            seconds = clock() - begun
            found = min(found, seconds / statistics.mean((before, pace())))
            if found < limit:
                break
        return found
    finally:
        if enabled:
            gc.enable()


def pace() -> float:
    """How many times as long as there a fixed piece of work takes here and now; at least 1."""
    return max(1.0, statistics.median(_work() for _ in range(3)) / _SECONDS)


def _work() -> float:
    """Seconds of the processor for what planning is made of: small objects, texts, sorting."""
    begun = time.process_time()
    rows = [{"name": f"model-{n:05}", "devices": [n % 16, n % 7], "n": n} for n in range(12_000)]
    read = json.loads(json.dumps(rows))
    groups: dict[tuple[int, ...], list[str]] = {}
    for row in sorted(read, key=lambda r: (r["devices"], r["name"])):
        groups.setdefault(tuple(row["devices"]), []).append(row["name"].upper())
    assert sum(map(len, groups.values())) == len(rows)
    return time.process_time() - begun
