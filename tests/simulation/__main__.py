"""`python -m tests.simulation --events 100000 --seed 1`: the proof at length.

`--wrong` shows what happens without locks, in as few events as show it.
"""

import argparse
import random
import sys
import time
from collections import Counter

from tests.simulation.proving import prove, start_from_zero
from tests.simulation.shrinking import counterexample, told
from tests.simulation.states import Rules
from tests.simulation.worlds import random_case, written
from tests.simulation.wrong import WRONG


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--wrong", action="store_true", help="show the counter-examples too")
    given = parser.parse_args()
    begun = time.perf_counter()
    report = prove(given.seed, given.events)
    seconds = time.perf_counter() - begun
    print(
        f"{report.events} events on {report.cases} pools, {report.settled} times at rest, "
        f"{seconds:.1f} s, {report.events / seconds:.0f} events/s, seed {given.seed}"
    )
    for line in report.broken:
        print(f"BROKEN  {line}")
    rng = random.Random(given.seed)
    starts = [
        (c, start_from_zero(c, rng)) for c in (*written(), *(random_case(rng) for _ in range(50)))
    ]
    extra = Counter(start.too_many for _, start in starts)
    idle = [start.idle_points for _, start in starts if start.too_many]
    print(
        f"from no instance: {len(starts)} pools, instances too many {dict(sorted(extra.items()))}, "
        f"each idle for {min(idle, default=0)} to {max(idle, default=0)} points"
    )
    for name, case in WRONG.items() if given.wrong else ():
        found = counterexample(case(), Rules(), seeds=range(20), events=400)
        print(f"\n{name}")
        print(told(found[0], found[1]) if found else "no collision")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
