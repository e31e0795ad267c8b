"""Changes one constant, comparison or connective at random places, and runs the tests.

    python -m tests.mutants --places 200 --seed 1

Each change is made in a copy of the project. A change that every test accepts survives: either it
is equal (no plan and no graph can show it), or a test is missing. Texts, type annotations and the
options of dataclasses are left alone.
"""

import argparse
import ast
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("planning", "components")

TESTS = (
    "tests/contract/test_goldens.py",
    "tests/planning",
    "tests/components",
    "tests/contract",
    "tests/engine/test_without_cli.py",
    "tests/neuron_ecs/recording/test_text.py",
    "tests/simulation/test_no_collision.py",
    "tests/wishes",
)
"""What `make test` runs for these rooms, in the order in which a test is likely to fail soon."""

_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
_CPU_SECONDS = 900
"""A change that loops ends here, however busy the machine is."""


@dataclass(frozen=True, order=True)
class Mutant:
    """One change: the text from `start` to `end` of a file becomes another."""

    file: str
    start: int
    end: int
    line: int
    text: str

    def apply(self, source: str) -> str:
        """The source with the change."""
        return source[: self.start] + self.text + source[self.end :]

    def describe(self, source: str) -> str:
        """Where it is, and its line before and after."""
        begin = source.rfind("\n", 0, self.start) + 1
        end = source.find("\n", self.end)
        changed = source[begin : self.start] + self.text + source[self.end : end]
        return f"{self.file}:{self.line}: {source[begin:end].strip()}  ->  {changed.strip()}"


class _Source:
    """A file, and offsets into it: `ast` counts lines and bytes of UTF-8."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.text = (ROOT / file).read_text(encoding="utf-8")
        self.lines = self.text.splitlines(keepends=True)

    def start(self, node: ast.expr) -> int:
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.end_lineno, node.end_col_offset)

    def between(self, left: ast.expr, right: ast.expr, old: str, new: str) -> Mutant:
        """The word between two expressions, changed; brackets and line breaks stay."""
        at = self.text.index(old, self.end(left), self.start(right))
        return Mutant(self.file, at, at + len(old), left.lineno, new)

    def _offset(self, line: int, column: int) -> int:
        before = sum(map(len, self.lines[: line - 1]))
        return before + len(self.lines[line - 1].encode()[:column].decode())


def mutants(file: str) -> Iterator[Mutant]:
    """Every change of a file."""
    source = _Source(file)
    tree = ast.parse(source.text)
    ignored = {id(node) for part in _ignored(tree) for node in ast.walk(part)}
    for node in ast.walk(tree):
        if id(node) in ignored:
            continue
        match node:
            case ast.Constant(value=bool() as value):
                yield Mutant(
                    file, source.start(node), source.end(node), node.lineno, f"{not value}"
                )
            case ast.Constant(value=int() as value):
                changed = str(value + 1)
                yield Mutant(file, source.start(node), source.end(node), node.lineno, changed)
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                for one, operator, other in zip(
                    [left, *comparators], ops, comparators, strict=False
                ):
                    yield source.between(one, other, *_COMPARISONS[type(operator)])
            case ast.BoolOp(op=connective, values=values):
                words = ("and", "or") if isinstance(connective, ast.And) else ("or", "and")
                for one, other in pairwise(values):
                    yield source.between(one, other, *words)
            case _:
                pass


def _ignored(tree: ast.Module) -> Iterator[ast.AST]:
    """Annotations, formatted texts and the decorators of classes."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(decorator_list=decorators):
                yield from decorators
            case ast.JoinedStr():
                yield node
            case (
                ast.AnnAssign(annotation=annotation) | ast.arg(annotation=ast.expr() as annotation)
            ):
                yield annotation
            case ast.FunctionDef(returns=ast.expr() as annotation):
                yield annotation
            case _:
                pass


@dataclass(frozen=True)
class Result:
    mutant: Mutant
    noticed_by: str
    """The test that failed; empty where the change survives."""


def run(copy: Path, mutant: Mutant, tests: Sequence[str]) -> Result:
    """Runs the tests in a copy of the project with the change."""
    path = copy / mutant.file
    source = path.read_text(encoding="utf-8")
    path.write_text(mutant.apply(source), encoding="utf-8")
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)  # two changes in one second
    limited = ["sh", "-c", f'ulimit -t {_CPU_SECONDS}; exec "$@"', "sh"]
    command = [*limited, sys.executable, "-m", "pytest", "-x", "-q", "-n", "0"]
    try:
        done = subprocess.run(
            [*command, "-p", "no:cacheprovider", "--tb=no", *tests],
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.write_text(source, encoding="utf-8")
    if done.returncode == 0:
        return Result(mutant, "")
    if done.returncode < 0:
        return Result(mutant, "a test that does not end")
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return Result(mutant, failed[0].split(" - ")[0] if failed else "an import that fails")


def copy_project(to: Path) -> Path:
    """The files that git knows, and the environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return to


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--places", type=int, default=200, help="how many changes (200)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="which ones")
    parser.add_argument("--workers", type=int, default=2, help="how many at a time (2)")
    parser.add_argument("--skip", type=int, default=0, help="leave out so many of the first ones")
    parser.add_argument("tests", nargs="*", default=TESTS, help="test paths (those of these rooms)")
    options = parser.parse_args()
    files = [
        p.relative_to(ROOT).as_posix() for r in ROOMS for p in sorted((ROOT / r).rglob("*.py"))
    ]
    everything = sorted(mutant for file in files for mutant in mutants(file))
    chosen = random.Random(options.seed).sample(everything, min(options.places, len(everything)))
    print(f"seed {options.seed}: {len(chosen)} of {len(everything)} places", flush=True)
    sources = {file: (ROOT / file).read_text(encoding="utf-8") for file in files}
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(options.workers):
            copies.put(copy_project(Path(folder) / str(number)))

        def judge(mutant: Mutant) -> Result:
            copy = copies.get()
            try:
                return run(copy, mutant, options.tests)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(options.workers) as pool:
            runs = [pool.submit(judge, mutant) for mutant in chosen[options.skip :]]
            for result in (finished.result() for finished in as_completed(runs)):
                survivors += not result.noticed_by
                verdict = f"noticed by {result.noticed_by}" if result.noticed_by else "SURVIVES"
                print(
                    f"{result.mutant.describe(sources[result.mutant.file])}\n    {verdict}",
                    flush=True,
                )
    print(f"{len(chosen) - options.skip - survivors} noticed, {survivors} survive")
    return 0


if __name__ == "__main__":
    sys.exit(main())
