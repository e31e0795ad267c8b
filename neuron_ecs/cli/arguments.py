"""What the command lines of several commands share: how they refuse, and the width of a line."""

import argparse
import shutil
import sys
from typing import NoReturn

WRONG_USAGE = 2

_NARROWEST, _WIDEST = 80, 160


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong after the usage, and ends with `WRONG_USAGE`."""

    def error(self, message: str) -> NoReturn:
        """Ends with the usage and what is wrong with it."""
        self.print_usage(sys.stderr)
        self.exit(WRONG_USAGE, f"{self.prog}: {message}\n")


def add_width(parser: argparse.ArgumentParser) -> None:
    """The option `--width`: characters in a line, 0 for no limit."""
    columns = shutil.get_terminal_size((100, 24)).columns
    parser.add_argument(
        "--width",
        metavar="N",
        type=_width,
        default=min(max(columns, _NARROWEST), _WIDEST),
        help="characters in a line, 0 for no limit (the terminal's, 80 to 160)",
    )


def _width(text: str) -> int:
    if not text.isdecimal() or (text != "0" and not 40 <= int(text[:6]) <= 1000):
        raise argparse.ArgumentTypeError("write a number from 40 to 1000, or 0 for no limit")
    return int(text)
