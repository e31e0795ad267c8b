"""The planner's slots against the exhaustive search, combination by combination.

`python -m tests.planning.exhaustive [--most 5] [--every N] [--hosts inf2.24xlarge,...]` tries
all combinations of up to `--most` models by their sizes, with two dealings of tasks each, and again
with ids named; `--every 10` takes each tenth.
Exit code 1 where the planner needs more instances, or as many and more services.
"""

import argparse
import itertools
import random
import sys
import time
from collections.abc import Iterator, Sequence

from catalog import load
from planning.dealing import Demand
from planning.layout import arrange
from tests.planning.test_layout import TORUS, Sets, by_slot, exhaustive, fewest_services

HOSTS = ("inf1.6xlarge", "inf2.24xlarge", "trn1.32xlarge", "inf2.48xlarge", "inf1.24xlarge")
_SEARCHED_WHOLE = 6  # devices of a ring on which every cut is tried, whatever its slots' places


def partitions(total: int, largest: int) -> Iterator[tuple[int, ...]]:
    """Every multiset of slot sizes of a ring; where they lie makes no difference to a count."""
    yield ()
    for size in range(min(total, largest), 0, -1):
        for rest in partitions(total - size, size):
            yield (size, *rest)


def compositions(total: int) -> Iterator[tuple[int, ...]]:
    """Every way to cut a row of devices without a gap: a further slot never costs anything."""
    if not total:
        yield ()
    for size in range(1, total + 1):
        for rest in compositions(total - size):
            yield (size, *rest)


def cuts_of_a_ring(devices: int, wanted: Sequence[Demand]) -> list[tuple[tuple[int, int], ...]]:
    """One cut of each kind that differs in its sizes or in which named ids lie in one slot."""
    named = [set(d.ids) for d in wanted if d.ids is not None]
    ways = compositions(devices) if named else partitions(devices, devices)
    found: dict[tuple[tuple[int, tuple[int, ...]], ...], tuple[tuple[int, int], ...]] = {}
    for sizes in ways:
        firsts = itertools.accumulate(sizes, initial=0)
        cut = tuple(zip(firsts, sizes, strict=False))
        inside = [
            tuple(i for i, ids in enumerate(named) if ids <= set(range(f, f + n))) for f, n in cut
        ]
        if set(itertools.chain(*inside)) == set(range(len(named))):
            offers = tuple(sorted(zip(sizes, inside, strict=True)))
            found.setdefault(offers, cut)
    return list(found.values())


def best_of_a_ring(devices: int, wanted: Sequence[Demand]) -> tuple[int, int] | None:
    """`exhaustive` on a ring that is too large for cuts with gaps."""
    cuts = cuts_of_a_ring(devices, wanted)
    models = sorted(wanted, key=lambda d: (d.ids is None, -d.size))
    for instances in range(1, sum(d.tasks for d in wanted) + 1):
        best = 99
        for cut in cuts:
            best = fewest_services(cut, models, instances, best)
        if best < 99:
            return instances, best
    return None


def cases(legal: Sets, most: int, rng: random.Random) -> Iterator[tuple[Demand, ...]]:
    """All combinations of sizes; tasks are one each, then one to three each."""
    sizes = sorted({n for _, n in legal})
    for number in range(1, most + 1):
        for chosen in itertools.combinations_with_replacement(sizes, number):
            plain = tuple(Demand(f"m{i}", size, 1) for i, size in enumerate(chosen))
            several = tuple(Demand(d.name, d.size, rng.randint(1, 3)) for d in plain)
            yield plain
            yield several
            yield _with_ids(several, legal, rng)


def _with_ids(wanted: tuple[Demand, ...], legal: Sets, rng: random.Random) -> tuple[Demand, ...]:
    """The same, some of them with ids that are equal or disjoint."""
    taken: set[int] = set()
    found: list[Demand] = []
    for demand in wanted:
        free = [
            span
            for f, n in legal
            if n == demand.size and not taken & set(span := tuple(range(f, f + n)))
        ]
        ids = rng.choice(free) if free and rng.random() < 0.5 else None
        taken |= set(ids or ())
        found.append(Demand(demand.name, demand.size, demand.tasks, ids))
    return tuple(found)


def main() -> int:
    """Compares, and prints a line for each host."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=5)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--hosts", default=",".join(HOSTS))
    given = parser.parse_args()
    wrong = 0
    for host in given.hosts.split(","):
        kind = load().instances.neuron_types[host]
        legal, devices = load().neuron.device_sets(host), kind.neuron.devices if kind.neuron else 0
        start, compared, differing = time.perf_counter(), 0, 0
        small = devices <= _SEARCHED_WHOLE or legal == TORUS
        for wanted in itertools.islice(
            cases(legal, given.most, random.Random(0)), 0, None, given.every
        ):
            cut = arrange(devices, legal, wanted)
            ours = (by_slot(cut), cut.services) if cut else None
            best = exhaustive(devices, legal, wanted) if small else best_of_a_ring(devices, wanted)
            compared += 1
            if ours != best:
                differing += 1
                print(f"{host}: {wanted}: {ours}, where {best} is possible")
        wrong += differing
        seconds = time.perf_counter() - start
        print(f"{host}: {compared} compared, {differing} differ, {seconds:.0f} s", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
