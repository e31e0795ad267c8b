"""Files and streams that people name: read to a bound, and written as a whole or not at all.

Links are followed for reading and never written through.
"""

import json
import math
import os
import select
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, NoReturn, cast

from neuron_ecs.terminal import UsageError, escaped

STACK_FILE_BYTES = 1_000_000
"""The most that a stack file or a project file may have: five times our largest stack file.

The engine hands the configuration over in an environment variable, of which Linux takes 131,072
bytes (execve(2), MAX_ARG_STRLEN) and macOS 1,048,576 for all of them (ARG_MAX).
"""

JSON_BYTES = 64_000_000
"""The most that a JSON document may have: eight times the preview of our largest stack file."""

PATIENCE_SECONDS = 30.0
"""How long a stream may take until its first byte, and from then on until the next ones."""

STANDARD_INPUT = Path("-")
_CHUNK = 65_536


class FileError(UsageError):
    """A file cannot be read or written: `what` is wrong with it, and the `fix`."""

    def __init__(self, path: Path, what: str, fix: str) -> None:
        super().__init__(f"{name_of(path)} {what}; {fix}")
        self.path, self.what, self.fix = path, what, fix


class MissingFileError(FileError):
    """The file does not exist."""


def name_of(path: Path) -> str:
    """The path as a message names it."""
    return "standard input" if path == STANDARD_INPUT else str(path)


def is_stream(path: Path) -> bool:
    """Whether the path is a pipe, a device or `-`: it can be read once, and its name says nothing.

    `/dev/stdin` is one even where a shell lets it stand for a file.
    """
    if path == STANDARD_INPUT or path.parts[:2] in (("/", "dev"), ("/", "proc")):
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


def read_bytes(path: Path, most: int, *, patience: float = PATIENCE_SECONDS) -> bytes:
    """Returns what the file or stream holds; `-` is standard input.

    Raises `FileError` if it is longer than `most` bytes, if it cannot be read, or if it is a stream
    that says nothing for `patience` seconds.
    """
    try:
        source = 0 if path == STANDARD_INPUT else os.open(path, _READING)
        try:
            return read_open(source, path, most, patience=patience)
        finally:
            if source:
                os.close(source)
    except FileNotFoundError:
        raise MissingFileError(path, "does not exist", "name a file that does") from None
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}", "name a file") from None


_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Without waiting for somebody to write a named pipe: that wait has no limit."""


def read_open(source: int, path: Path, most: int, *, patience: float | None) -> bytes:
    """Returns what an open file or pipe holds, called `path` in messages. Raises `FileError`.

    Without `patience` it waits until the end.
    """
    return b"".join(_chunks(source, path, most, patience))


def _chunks(source: int, path: Path, most: int, patience: float | None) -> Iterator[bytes]:
    waits = not stat.S_ISREG(os.fstat(source).st_mode)
    size = 0
    while True:
        if waits and not select.select([source], [], [], patience)[0]:
            what = f"sent nothing for {patience:g} seconds"
            raise FileError(path, what, "write to it at once, or name a file")
        try:
            chunk = os.read(source, _CHUNK)
        except BlockingIOError:
            continue
        if not chunk:
            return
        size += len(chunk)
        if size > most:
            what = f"is longer than {most:,} bytes"
            raise FileError(path, what, "name a shorter file; every legal one is")
        yield chunk


def read_text(path: Path, most: int, *, patience: float = PATIENCE_SECONDS) -> str:
    """As `read_bytes`, as text without a byte order mark. No message repeats what it holds."""
    return text_of(read_bytes(path, most, patience=patience), path)


def text_of(data: bytes, path: Path) -> str:
    """Returns UTF-8 as text without a byte order mark. Raises `FileError`."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"is no UTF-8 text: the byte at {error.start:,} does not belong"
        raise FileError(path, what, "save it as UTF-8") from None


def parse_json(text: str | bytes) -> Any:
    """Returns the value of a JSON text. Raises `ValueError`, which repeats nothing of the text.

    It refuses what Python would read and others do not write: numbers that are not finite, integers
    beyond 64 bits, and values nested deeper than any legal one.
    """
    try:
        value = json.loads(text, parse_constant=_refused, parse_int=_integer, parse_float=_number)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    level: list[object] = [value]
    for _ in range(_DEEPEST + 1):
        level = [member for one in level for member in _members(one)]
        if not level:
            return value
    raise ValueError(_TOO_DEEP)


_DEEPEST = 100
_TOO_DEEP = "it is nested too deeply"


def _members(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


def _refused(_: str) -> NoReturn:
    raise ValueError("it has a number that is not finite")


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= (number := int(digits)) < 2**63:
        raise ValueError("it has an integer of more than 64 bits")
    return number


def _number(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refused(digits)


# ---- writing ----------------------------------------------------------------------------------


def write_text(path: Path, text: str, *, parents: bool = False) -> None:
    """Writes a text file, escaped as on a screen, in place of what is there. Raises `FileError`.

    With `parents` the folders above it are made as well.
    """
    write_bytes(path, escaped(text).encode(), parents=parents)


def write_bytes(path: Path, data: bytes, *, parents: bool = False) -> None:
    """Writes a file beside the path and renames it, so that all of it is there or none.

    It keeps the permissions of a file that is there. Raises `FileError`, also where the path is or
    leads through a link, is no regular file, or is read-only.
    """
    found = _place(path)
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{token_hex(8)}.tmp")
        try:
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            if found is not None:
                beside.chmod(stat.S_IMODE(found.st_mode))
            beside.replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                beside.unlink()
            raise
    except OSError as error:
        raise _not_written(path, error) from None


def append_text(path: Path, text: str) -> None:
    """Adds text to a file, escaped as on a screen. Raises `FileError`, as `write_bytes` does."""
    _place(path)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        with open(os.open(path, flags, 0o666), "wb") as stream:
            stream.write(escaped(text).encode())
    except OSError as error:
        raise _not_written(path, error) from None


def _place(path: Path) -> os.stat_result | None:
    """Returns what stands at a path that may be written, None for nothing. Raises `FileError`.

    A link in a relative path, or below the current directory, can come with a checkout. Other
    folders of an absolute path are the machine's own: `/tmp` is a link on macOS.
    """
    here = Path.cwd()
    link = next(
        (
            folder
            for folder in path.parents
            if folder.is_symlink() and (not path.is_absolute() or here in folder.parents)
        ),
        None,
    )
    if link is not None:
        what = f"leads through the link {link}, and nothing is written through one"
        raise FileError(path, what, "name the folder itself")
    try:
        found = path.lstat()
    except OSError:  # writing says what is wrong
        return None
    if stat.S_ISLNK(found.st_mode):
        raise FileError(
            path, "is a link, and nothing is written through one", "name the file itself"
        )
    if not stat.S_ISREG(found.st_mode):
        what = "a directory" if stat.S_ISDIR(found.st_mode) else "no regular file"
        raise FileError(path, f"cannot be written: it is {what}", "name a file")
    # A rename would replace even a read-only file; it is read-only on purpose.
    if not found.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise FileError(path, "is read-only", "allow it (chmod u+w), or name another file")
    return found


def _not_written(path: Path, error: OSError) -> FileError:
    fix = "name a file in a directory that exists and may be written"
    return FileError(path, f"cannot be written: {error.strerror}", fix)
