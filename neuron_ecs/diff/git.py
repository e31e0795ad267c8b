"""Revisions of the project, and what of them changes the program or a stack file."""

import re
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

_NOT_THE_PROGRAM = (
    "Pulumi.*.yaml",
    "Pulumi.*.yml",
    "*.md",
    ".github",
    "docs",
    "examples",
    "tests",
)
"""What of a revision cannot change a graph, given the same stack file."""


class UsageError(Exception):
    """What was named cannot be compared; the text says why and what to do."""


class Repository:
    """The git repository of the project, asked for nothing but what it holds."""

    def __init__(self, directory: Path, root: Path, kept: ExitStack) -> None:
        self.directory, self.root, self.kept = directory, root, kept

    def git(self, *arguments: str, fails: str = "") -> str:
        """What git answers. Raises `UsageError` with its last words, or with `fails`."""
        done = self.run(*arguments)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise UsageError(fails or f"git {arguments[0]}: {said[-1] if said else 'failed'}")
        return done.stdout.decode(errors="replace").strip()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                ["git", "-C", str(self.directory), *arguments], capture_output=True, check=False
            )
        except FileNotFoundError:
            raise UsageError("a revision is read with git, which is not on PATH") from None

    def commit(self, revision: str) -> str:
        if revision.startswith("-"):
            raise UsageError(f"{revision} is no revision")
        self.git(
            "rev-parse",
            "--git-dir",
            fails=f"{self.directory} is in no git repository, and {revision} is no stack file",
        )
        return self.git(
            "rev-parse",
            "--verify",
            "--quiet",
            f"{revision}^{{commit}}",
            fails=f"{revision} is neither a stack file nor a revision; fetch it, or name a file",
        )

    def merge_base(self, base: str, head: str | None) -> str:
        commit = self.commit(base)
        return self.git(
            "merge-base",
            commit,
            head or "HEAD",
            fails=f"{base} and {head or 'HEAD'} have no common ancestor here; "
            "fetch the whole history (fetch-depth: 0)",
        )

    def prefix(self) -> str:
        """The project's directory within the repository, with a slash at its end."""
        return self.git("rev-parse", "--show-prefix")

    def text(self, commit: str, name: str) -> bytes | None:
        done = self.run("show", f"{commit}:{self.prefix()}{name}")
        return done.stdout if done.returncode == 0 else None

    def runs_here(self, commit: str) -> bool:
        """Whether the program of the commit is the one that runs."""
        if self.directory.resolve() != self.root:
            return False
        paths = (".", *(f":(exclude,glob)**/{p}" for p in _NOT_THE_PROGRAM))
        paths += tuple(f":(exclude){p}" for p in _NOT_THE_PROGRAM if "*" not in p)
        changed = self.run("diff", "--quiet", commit, "--", *paths).returncode
        new = self.git("ls-files", "--others", "--exclude-standard", "--", *paths)
        return changed == 0 and not new

    def checkout(self, commit: str) -> Path:
        """The project at the commit, in a worktree that goes when the comparison ends."""
        prefix = self.prefix()
        folder = Path(self.kept.enter_context(tempfile.TemporaryDirectory(prefix="diff-"))) / "tree"
        self.git("worktree", "add", "--detach", "--quiet", str(folder), commit)
        self.kept.callback(self.run, "worktree", "remove", "--force", str(folder))
        return folder / prefix if prefix else folder


_STACK_FILE = re.compile(r"Pulumi\.([A-Za-z0-9_.-]{1,100})\.yaml")


_PROGRAM = ("catalog/", "components/", "config/", "planning/")


_PROGRAM_FILES = frozenset({"__main__.py", "Pulumi.yaml", "requirements.txt"})
"""What changes every stack: the program, its tables, its packages, its defaults."""


class WrongUsageError(Exception):
    """What was named cannot be read; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Touched:
    """The stacks whose difference is worth showing, and why."""

    stacks: tuple[str, ...]
    why: str


def touched(base: str, head: str, directory: Path) -> Touched:
    """The stacks that the commits from the merge base of both to `head` touch.

    A changed stack file touches its stack; a changed program touches every stack that either side
    has. Raises `WrongUsageError` where git knows a revision not, or no common ancestor.
    """
    _commit(base, directory)
    _commit(head, directory)
    start = _git(
        directory,
        "merge-base",
        base,
        head,
        fails=f"{base} and {head} have no common ancestor here; fetch the whole history",
    ).strip()
    listed = _git(
        directory, "diff", "--name-only", "--no-renames", "--relative", "-z", start, head, "--"
    )
    changed = [name for name in listed.split("\0") if name]
    if any(n in _PROGRAM_FILES or n.startswith(_PROGRAM) for n in changed):
        names = {s for commit in (start, head) for s in _stacks(commit, directory)}
        return Touched(tuple(sorted(names)), "the program changed: every stack is compared")
    found = {m[1] for m in map(_STACK_FILE.fullmatch, changed) if m}
    return Touched(tuple(sorted(found)), "their stack files changed" if found else "")


def _stacks(commit: str, directory: Path) -> list[str]:
    names = _git(directory, "ls-tree", "--name-only", "-z", commit, "--", "./").split("\0")
    return [m[1] for m in map(_STACK_FILE.fullmatch, names) if m]


def _commit(revision: str, directory: Path) -> None:
    if not revision or revision.startswith("-"):
        raise WrongUsageError(f"{revision or 'an empty text'} is no revision")
    fails = f"{revision} is no revision here; fetch the whole history (fetch-depth: 0)"
    _git(directory, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", fails=fails)


def _git(directory: Path, *arguments: str, fails: str = "") -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments], capture_output=True, check=False
        )
    except FileNotFoundError:
        raise WrongUsageError("a revision is read with git, which is not on PATH") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise WrongUsageError(fails or f"git {arguments[0]}: {said[-1] if said else 'failed'}")
    return done.stdout.decode(errors="replace")
