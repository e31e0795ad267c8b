"""Measures what people wait for, all in one run: medians, ratios and counts.

    python -m tests.bench [--runs N]

Every figure is of a whole cold process, from the kernel's own accounts. This process imports
nothing of the project: Linux counts the memory of a parent as its child's until the child begins.
Targets in seconds are those of the machine on which they were set: they are stretched by the pace
of this one, which is printed. The exit code is 1 where a target is missed, where the replay is not
what it replays, or where a type of resources has no reason.
"""

import argparse
import filecmp
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.pace import pace

PLAN_SECONDS = 1.0
PLAN_MIB = 150.0
PREVIEW_RATIO = 1.15
DIFF_RATIO = 1.3
DIFF_SECONDS = 3.0
MAP_SECONDS = 2.0

_ROOT = Path(__file__).resolve().parent.parent.parent

_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
"""Python keeps what it has compiled, as it does where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One process: wall and CPU in seconds, the most memory in MiB."""

    wall: float
    cpu: float
    mib: float


def cost(module: str, *arguments: str, to: Path | None = None) -> Cost:
    """Runs a module in a process of its own. Raises CalledProcessError where it fails."""
    command = [sys.executable, "-m", module, *arguments]
    with (to or Path(os.devnull)).open("wb") as out, tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        child = subprocess.Popen(command, cwd=_ROOT, env=_ENVIRONMENT, stdout=out, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            sys.stderr.write(said.read().decode())
            raise subprocess.CalledProcessError(child.returncode, command)
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(costs: Sequence[Cost]) -> Cost:
    """The medians of wall and CPU, and the most memory of any."""
    return Cost(
        statistics.median(c.wall for c in costs),
        statistics.median(c.cpu for c in costs),
        max(c.mib for c in costs),
    )


def _verdict(holds: bool) -> str:
    return "ok" if holds else "MISSED"


def _stretched(seconds: float) -> tuple[float, str]:
    """A target at the pace of this machine, and its words."""
    slow = pace()
    words = f"under {seconds:g} s"
    return seconds * slow, words if slow == 1 else f"{words} × {slow:.2f}, the pace of this machine"


def plans(files: Sequence[Path], runs: int) -> Iterator[bool]:
    """The cost of a plan and its stages, for each stack file."""
    for file in files:
        cost("neuron_ecs", "plan", "--file", str(file))  # fills the caches of bytecode and the disk
    found: dict[Path, list[Cost]] = {file: [] for file in files}
    stages: dict[Path, list[dict[str, float]]] = {file: [] for file in files}
    for _ in range(runs):
        for file in files:
            found[file].append(cost("neuron_ecs", "plan", "--file", str(file)))
            times = file.with_suffix(".json")
            cost("tests.bench.stages", str(file), str(times))
            stages[file].append(json.loads(times.read_text()))
    for file in files:
        it = median(found[file])
        limit, words = _stretched(PLAN_SECONDS)
        holds = it.wall < limit and it.mib <= PLAN_MIB
        target = f"{words}, and {PLAN_MIB:g} MiB: {_verdict(holds)}"
        is_target = file is files[0]
        print(
            f"plan     {file.name}: {it.wall:.2f} s wall (median of {runs}), {it.cpu:.2f} s CPU, "
            f"{it.mib:.0f} MiB" + (f"; {target}" if is_target else "")
        )
        names = sorted(stages[file][0], key=lambda n: -stages[file][0][n])
        split = {n: statistics.median(s[n] for s in stages[file]) for n in names}
        print("         CPU: " + ", ".join(f"{n} {t * 1000:.0f} ms" for n, t in split.items()))
        if is_target:
            yield holds


def previews(file: Path, folder: Path, runs: int) -> Iterator[bool]:
    """The cost of a preview beside that of the same calls without any logic."""
    calls, graph = folder / "calls", folder / "graph.json"
    cost("tests.bench.capture", str(file), str(calls), str(graph))
    replayed, said, shown = folder / "replayed.json", folder / "said.txt", folder / "shown.txt"
    cost("tests.bench.replay", str(calls), "--graph", str(replayed), to=said)
    cost("neuron_ecs", "preview", "--file", str(file), "--width", "100", to=shown)
    same_graph = filecmp.cmp(graph, replayed, shallow=False)
    same_text = shown.read_bytes().startswith(said.read_bytes() + b"\nPrice, ")
    yield same_graph and same_text
    cost("tests.bench.replay", str(calls), "--decode", to=said)
    number, decoding = said.read_text().split()
    print(
        f"replay   {number} calls: the graph (every URN, input, option, dependency, output) is "
        f"{'the same' if same_graph else 'ANOTHER'}, the text before the prices "
        f"{'the same' if same_text else 'ANOTHER'}; reading the file of {calls.stat().st_size:,} "
        f"bytes is {float(decoding):.2f} s of its CPU"
    )
    ours: list[Cost] = []
    theirs: list[Cost] = []
    for _ in range(runs):
        ours.append(cost("neuron_ecs", "preview", "--file", str(file), "--width", "100"))
        theirs.append(cost("tests.bench.replay", str(calls)))
    mine, bare = median(ours), median(theirs)
    ratio = mine.cpu / bare.cpu
    pairs = statistics.median(a.cpu / b.cpu for a, b in zip(ours, theirs, strict=True))
    yield ratio <= PREVIEW_RATIO
    print(
        f"preview  {file.name}: {mine.cpu:.2f} s CPU (median of {runs}), {mine.wall:.2f} s wall, "
        f"{mine.mib:.0f} MiB; replay {bare.cpu:.2f} s CPU, {bare.wall:.2f} s wall, "
        f"{bare.mib:.0f} MiB"
    )
    print(
        f"         ratio {ratio:.3f} (median of the pairs {pairs:.3f}); at most "
        f"{PREVIEW_RATIO:g}: {_verdict(ratio <= PREVIEW_RATIO)}"
    )


def diffs(base: Path, one: Path, every: Path, runs: int) -> Iterator[bool]:
    """The cost of a diff: beside a preview where all models change, and where one does."""
    cost("neuron_ecs", "diff", str(base), str(every))
    beside: list[Cost] = []
    found: dict[Path, list[Cost]] = {one: [], every: []}
    for _ in range(runs):  # in turn, so that both meet the machine as it is at the time
        beside.append(cost("neuron_ecs", "preview", "--file", str(base), "--width", "100"))
        for head, costs in found.items():
            costs.append(cost("neuron_ecs", "diff", str(base), str(head)))
    whole, small = median(found[every]), median(found[one])
    ratios = [d.wall / p.wall for d, p in zip(found[every], beside, strict=True)]
    ratio = statistics.median(ratios)
    yield ratio <= DIFF_RATIO
    print(
        f"diff     every model changed: {whole.wall:.2f} s wall (median of {runs}), "
        f"{whole.cpu:.2f} s CPU, {whole.mib:.0f} MiB; {ratio:.2f} times a preview beside it "
        f"({min(ratios):.2f} to {max(ratios):.2f}); at most {DIFF_RATIO:g}: "
        f"{_verdict(ratio <= DIFF_RATIO)}"
    )
    limit, words = _stretched(DIFF_SECONDS)
    yield small.wall < limit
    print(
        f"         one model in one Region changed: {small.wall:.2f} s wall, "
        f"{small.cpu:.2f} s CPU; {words}: {_verdict(small.wall < limit)}"
    )


def maps(file: Path, runs: int) -> Iterator[bool]:
    """The cost of a chip map, as a page."""
    page = file.with_suffix(".html")
    costs = [
        cost("neuron_ecs", "map", "--file", str(file), "--html", str(page)) for _ in range(runs)
    ]
    it, (limit, words) = median(costs), _stretched(MAP_SECONDS)
    yield it.wall < limit
    print(
        f"map      {it.wall:.2f} s wall (median of {runs}), {page.stat().st_size:,} bytes; "
        f"{words}: {_verdict(it.wall < limit)}"
    )


def counts(graph: Path) -> bool:
    """The tables of resources."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.counts", str(graph)], cwd=_ROOT, check=False
    )
    return done.returncode == 0


def main() -> int:
    """Measures everything and prints it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="of which the median is taken (7)")
    runs: int = parser.parse_args().runs
    held: list[bool] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shared, distinct = folder / "Pulumi.bench.yaml", folder / "Pulumi.distinct.yaml"
        cost("tests.bench.stack", to=shared)
        cost("tests.bench.stack", "distinct", to=distinct)
        held += plans([shared, distinct], runs)
        held += previews(shared, folder, runs)
        changed: list[Path] = []
        for name in ("one-changed", "all-changed"):
            (folder / name).mkdir()
            changed.append(folder / name / shared.name)
            cost("tests.bench.stack", name, to=changed[-1])
        held += diffs(shared, changed[0], changed[1], runs)
        held += maps(shared, runs)
        print(flush=True)
        held.append(counts(folder / "graph.json"))
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
