"""Revisions of the project: their files, and whether they change the program or a stack file."""

import os
import re
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from neuron_ecs.files import STACK_FILE_BYTES, FileError
from neuron_ecs.terminal import UsageError

PROGRAM = (
    "__main__.py",
    "Pulumi.yaml",
    "requirements.txt",
    "catalog",
    "components",
    "config",
    "messages",
    "planning",
)
"""Files and folders of the program: what a stack file becomes follows from them alone.

The tool, `neuron_ecs`, is not among them. It runs the program and compares what that gives; it
records both sides of a comparison, whichever revision they are from.
"""

_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
"""Where the hooks are a folder of the repository, a checkout would run those of its commit."""

_FILES, _LINK = ("100644", "100755"), "120000"
_STACK_FILE = re.compile(r"Pulumi\.([A-Za-z0-9_.-]{1,100})\.yaml")


class Repository:
    """The git repository that holds the project in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Runs git in the project's directory. Raises `UsageError` where there is no git."""
        try:
            return subprocess.run(
                ["git", *_NO_HOOKS, "-C", str(self.directory), *arguments],
                capture_output=True,
                check=False,
            )
        except FileNotFoundError:
            raise UsageError("a revision is read with git, which is not on PATH") from None

    def git(self, *arguments: str, fails: str = "") -> str:
        """Returns git's output. Raises `UsageError` with its last line, or with `fails`."""
        done = self.run(*arguments)
        if done.returncode:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            raise UsageError(fails or f"git {arguments[0]}: {lines[-1] if lines else 'failed'}")
        return done.stdout.decode(errors="replace").strip()

    def paths(self, *arguments: str) -> list[str]:
        """Returns the paths that a git command lists with `-z`."""
        return [path for path in self.git(*arguments).split("\0") if path]

    def commit(self, revision: str) -> str:
        """Returns the commit of a revision. Raises `UsageError`."""
        if not revision or revision.startswith("-"):
            raise UsageError(f"{revision or 'an empty text'} is no revision")
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
            fails=f"{revision} is neither a stack file nor a revision here; fetch the whole "
            "history (fetch-depth: 0), or name a file",
        )

    def merge_base(self, base: str, head: str | None) -> str:
        """Returns the commit from which `base` and `head` (the current one) parted."""
        return self.git(
            "merge-base",
            self.commit(base),
            self.commit(head or "HEAD"),
            fails=f"{base} and {head or 'HEAD'} have no common ancestor here; "
            "fetch the whole history (fetch-depth: 0)",
        )

    def prefix(self) -> str:
        """Returns the project's directory within the repository, with a slash at its end."""
        return self.git("rev-parse", "--show-prefix")

    def text(self, commit: str, name: str) -> bytes | None:
        """Returns a file of the project at the commit; `None` where it has none.

        Raises `FileError` for what is no file, such as a link, which leads out of the revision, and
        for one that is longer than any legal one.
        """
        rows = self.paths("ls-tree", "-l", "-z", commit, "--", f"./{name}")
        if not rows:
            return None
        mode, _, blob, size = rows[0].partition("\t")[0].split()
        if mode not in _FILES:
            what = "is a link" if mode == _LINK else "is no file"
            raise FileError(Path(name), f"{what} in that revision", "commit the file itself")
        if int(size) > STACK_FILE_BYTES:
            what = f"is longer than {STACK_FILE_BYTES:,} bytes"
            raise FileError(Path(name), what, "name a shorter file; every legal one is")
        return self.run("cat-file", "blob", blob).stdout

    def stacks(self, commit: str) -> set[str]:
        """Returns the names of the stack files at the commit."""
        names = self.paths("ls-tree", "--name-only", "-z", commit, "--", "./")
        return {m[1] for m in map(_STACK_FILE.fullmatch, names) if m}

    def runs_here(self, commit: str, root: Path) -> bool:
        """Whether the program of the commit is the one in `root`, the directory of this one."""
        if self.directory.resolve() != root:
            return False
        changed = self.run("diff", "--quiet", commit, "--", *PROGRAM).returncode
        new = self.git("ls-files", "--others", "--exclude-standard", "--", *PROGRAM)
        return changed == 0 and not new

    def changed(self, start: str, end: str, *paths: str) -> list[str]:
        """Returns the files of the project that differ between two commits, in some paths or all.

        A file that moved is two of them.
        """
        options = ("--name-only", "--no-renames", "--relative", "-z")
        return self.paths("diff", *options, start, end, "--", *paths)

    def checkout(self, commit: str, kept: ExitStack) -> Path:
        """Returns the project at the commit, in a worktree that is removed with `kept`."""
        prefix = self.prefix()
        folder = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="diff-"))) / "tree"
        self.git("worktree", "add", "--detach", "--quiet", str(folder), commit)
        kept.callback(self.run, "worktree", "remove", "--force", str(folder))
        return folder / prefix if prefix else folder


@dataclass(frozen=True, slots=True)
class Touched:
    """The stacks whose difference is worth showing, and why."""

    stacks: tuple[str, ...]
    why: str


def stacks_in(directory: Path) -> tuple[str, ...]:
    """Returns the stacks whose files stand in the project's directory, sorted by name."""
    found = map(_STACK_FILE.fullmatch, (path.name for path in directory.glob("Pulumi.*.yaml")))
    return tuple(sorted(m[1] for m in found if m))


def touched(base: str, head: str, directory: Path) -> Touched:
    """Returns the stacks that the commits from the merge base of both to `head` touch.

    A changed stack file touches its stack; a changed program touches every stack that either side
    has. Raises `UsageError` where git does not know a revision, or finds no common ancestor.
    """
    repository = Repository(directory)
    start = repository.merge_base(base, head)
    changed = repository.changed(start, head)
    if any(name.split("/")[0] in PROGRAM for name in changed):
        names = repository.stacks(start) | repository.stacks(head)
        return Touched(tuple(sorted(names)), "the program changed: every stack is compared")
    found = {m[1] for m in map(_STACK_FILE.fullmatch, changed) if m}
    return Touched(tuple(sorted(found)), "their stack files changed" if found else "")
