"""Many random stack files, valid and with one mistake each, against the planner.

    python -m tests.wishes [--examples N] [--seed S] [--workers W] [CODE ...]

N valid stacks must be planned, and N stacks with one mistake, dealt evenly to the kinds of
mistakes, must be refused for it and for nothing else. Prints a table (draws that hypothesis cuts
short, to try small stacks, are no rejections), and for every failure the smallest stack file that
fails, as YAML. The exit code is 1 where anything failed.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.wishes.runs import Run, jobs, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs, and prints what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.wishes", description=__doc__)
    parser.add_argument("codes", nargs="*", metavar="CODE", help="only these mistakes")
    parser.add_argument("--examples", type=int, default=10_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--workers", type=int, default=1, metavar="W")
    given = parser.parse_args(arguments)
    began = time.perf_counter()
    asked = jobs(given.examples, given.seed, tuple(given.codes))
    if given.workers > 1:
        with ProcessPoolExecutor(given.workers) as pool:
            done = list(pool.map(run, asked))
    else:
        done = [run(job) for job in asked]
    for line in _table(done):
        print(line)
    print(f"{time.perf_counter() - began:.0f} s, seed {given.seed}")
    failed = [r for r in done if r.failure]
    for one in failed:
        print(f"\n{one.code} {one.name}\n{one.failure}")
    return 1 if failed else 0


def _table(runs: Sequence[Run]) -> Iterator[str]:
    by_code: dict[str, list[Run]] = {}
    for one in runs:
        by_code.setdefault(one.code, []).append(one)
    yield f"{'':8}{'stacks':>8}{'rejected':>10}{'cut short':>11}{'seconds':>9}"
    for code, same in by_code.items():
        yield _line(code, same) + ("" if not any(r.failure for r in same) else "  FAILED")
    mistaken = [r for r in runs if r.code != "valid"]
    yield _line("mistaken", mistaken)


def _line(name: str, runs: Sequence[Run]) -> str:
    begun, cut = sum(r.begun for r in runs), sum(r.cut for r in runs)
    rejected = 100 * (begun - cut - sum(r.drawn for r in runs)) / max(begun, 1)
    judged, seconds = sum(r.judged for r in runs), sum(r.seconds for r in runs)
    short = 100 * cut / max(begun, 1)
    return f"{name:8}{judged:8,}{rejected:9.1f}%{short:10.1f}%{seconds:9.1f}"


if __name__ == "__main__":
    sys.exit(main())
