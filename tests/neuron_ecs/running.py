"""Runs the command line in this process."""

import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, TypeVar

from neuron_ecs.arguments.parser import Common, typed
from neuron_ecs.cli.main import ROOT, answer, main, parse

A = TypeVar("A", bound=Common)


def printed(*argv: str) -> tuple[int, str]:
    """Returns the exit code and what stands on standard output."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = main(argv)
    return code, out.getvalue()


def refused(*argv: str) -> tuple[int, str]:
    """Returns the exit code, that of argparse too, and what stands on standard error."""
    error = io.StringIO()
    with redirect_stderr(error):
        try:
            code = main(argv)
        except SystemExit as ended:
            assert isinstance(ended.code, int)
            code = ended.code
    return code, error.getvalue()


def run_with(kind: type[A], run: Callable[..., int], *argv: str, **given: Any) -> tuple[int, str]:
    """The same for a command that is given more than arguments, such as a connection to AWS."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = answer(parse(argv), lambda found: run(typed(kind, found), **given))
    return code, out.getvalue()


def with_room(directory: Path) -> Path:
    """The project of the dev stack in the directory, with room for one more model."""
    (directory / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
    text = (ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    (directory / "Pulumi.dev.yaml").write_text(text.replace("max_size: 2", "max_size: 4"))
    return directory
