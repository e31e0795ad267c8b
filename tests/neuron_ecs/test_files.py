"""What people name is read to a bound, and written as a whole and never through a link."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from neuron_ecs.files import (
    FileError,
    MissingFileError,
    append_text,
    is_stream,
    read_bytes,
    read_text,
    write_text,
)
from tests.neuron_ecs import running

ROOT = Path(__file__).resolve().parents[2]
STACK = (ROOT / "Pulumi.dev.yaml").read_bytes()
AT_ONCE = 0.0
"""Seconds to wait for a stream: nothing in a test is slow."""


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def written_to(pipe: Path, data: bytes) -> threading.Thread:
    writer = threading.Thread(target=lambda: pipe.write_bytes(data))
    writer.start()
    return writer


# ---- reading ----------------------------------------------------------------------------------


def test_a_file_is_read_to_its_bound_and_not_beyond(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 200_000)
    assert len(read_bytes(file, 200_000)) == 200_000
    with pytest.raises(FileError, match="is longer than 199,999 bytes"):
        read_bytes(file, 199_999)


def test_a_device_without_an_end_is_read_to_the_bound() -> None:
    with pytest.raises(FileError, match="is longer than 1,000,000 bytes"):
        read_bytes(Path("/dev/zero"), 1_000_000)


def test_a_pipe_is_read_to_its_end(pipe: Path) -> None:
    writer = written_to(pipe, STACK * 100)
    assert read_bytes(pipe, 1_000_000) == STACK * 100
    writer.join()


def test_a_pipe_that_nobody_writes_is_refused(pipe: Path) -> None:
    with pytest.raises(FileError, match="sent nothing for 0 seconds"):
        read_bytes(pipe, 1_000, patience=AT_ONCE)


def test_a_pipe_that_stops_in_the_middle_is_refused(pipe: Path) -> None:
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(pipe, os.O_WRONLY)
    os.write(writer, b"config:\n")
    with pytest.raises(FileError, match="sent nothing"):
        read_bytes(pipe, 1_000, patience=AT_ONCE)
    os.close(writer)
    os.close(reader)


def test_a_link_is_followed_for_reading(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(ROOT / "Pulumi.dev.yaml")
    assert read_bytes(link, 1_000_000) == STACK


def test_no_message_repeats_what_a_file_holds(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"hunter2 \xff")
    with pytest.raises(FileError, match="is no UTF-8 text: the byte at 8 ") as caught:
        read_text(file, 1_000)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(MissingFileError):
        read_text(tmp_path / "absent", 1_000)
    with pytest.raises(FileError, match="cannot be read: Is a directory; name a file"):
        read_text(tmp_path, 1_000)


def test_what_can_be_read_only_once_is_a_stream(pipe: Path) -> None:
    assert all(map(is_stream, (Path("-"), Path("/dev/stdin"), Path("/proc/self/fd/0"), pipe)))
    assert not any(map(is_stream, (pipe.parent, pipe.parent / "absent", ROOT / "README.md")))


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
@pytest.mark.parametrize("command", [["plan"], ["diff", "Pulumi.dev.yaml"]])
def test_a_stack_file_comes_through_a_pipe(name: str, command: list[str]) -> None:
    """As from a program that decrypts it. Its name does not tell the stack."""
    given = ["--file", name] if command == ["plan"] else [name, "--stack", "dev"]
    made = subprocess.run(
        [sys.executable, "-m", "neuron_ecs", *command, *given],
        cwd=ROOT,
        input=STACK,
        capture_output=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr.decode()
    assert made.stdout.startswith((b"neuron-ecs/dev: ", b"Changes nothing."))


def test_a_stack_file_that_comes_through_a_pipe_is_not_edited() -> None:
    code, error = running.refused("models", "remove", "m", "--file", "-", "--yes")
    assert (code, "standard input cannot be edited" in error) == (2, True)


# ---- writing ----------------------------------------------------------------------------------


def test_a_file_is_written_as_a_whole_and_keeps_its_permissions(tmp_path: Path) -> None:
    file = tmp_path / "new" / "file"
    write_text(file, "one\n", parents=True)
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~umask
    file.chmod(0o640)
    old = file.open(encoding="utf-8")
    write_text(file, "two\x1b\n")
    with old:
        assert old.read() == "one\n", "who reads the old file reads the whole of it"
    assert file.read_text(encoding="utf-8") == "two\\u001b\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    append_text(file, "three\n")
    assert file.read_text(encoding="utf-8") == "two\\u001b\nthree\n"
    assert list(file.parent.iterdir()) == [file]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / ("x" * 300)
    with pytest.raises(FileError, match="cannot be written: File name too long"):
        write_text(file, "text")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [write_text, append_text])
def test_nothing_is_written_through_a_link(tmp_path: Path, write: object) -> None:
    assert callable(write)
    target = tmp_path / "target"
    target.write_text("precious\n", encoding="utf-8")
    link, dangling = tmp_path / "link", tmp_path / "dangling"
    link.symlink_to(target)
    dangling.symlink_to(tmp_path / "absent")
    for path in (link, dangling):
        with pytest.raises(FileError, match="is a link, and nothing is written through one"):
            write(path, "text")
    assert link.is_symlink()
    assert dangling.is_symlink()
    assert target.read_text(encoding="utf-8") == "precious\n"
    assert not (tmp_path / "absent").exists()


def test_nothing_is_written_through_a_link_that_a_checkout_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "diff").symlink_to(tmp_path / "home", target_is_directory=True)
    monkeypatch.chdir(tmp_path / "checkout")
    for name in ("diff/comment.md", "diff/comment/comment.md"):
        with pytest.raises(FileError, match="leads through the link diff"):
            write_text(Path(name), "text", parents=True)
    named = tmp_path / "checkout" / "diff" / "named.md"
    with pytest.raises(FileError, match="leads through the link"):
        write_text(named, "text")
    assert list((tmp_path / "home").iterdir()) == []
    monkeypatch.chdir(tmp_path / "home")  # the other folder is the machine's own now
    write_text(named, "text")


@pytest.mark.parametrize("write", [write_text, append_text])
def test_a_pipe_or_a_device_is_not_replaced_by_a_file(pipe: Path, write: object) -> None:
    assert callable(write)
    for path in (pipe, Path("/dev/null")):
        with pytest.raises(FileError, match="cannot be written: it is no regular file"):
            write(path, "text")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize(
    "command",
    [
        ["map", "--stack", "dev", "--html"],
        ["diff", "Pulumi.dev.yaml", "Pulumi.dev.yaml", "--html"],
        ["schema", "--output"],
    ],
)
def test_every_output_of_a_command_stops_at_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(ROOT)
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("precious\n", encoding="utf-8")
    link.symlink_to(target)
    code, error = running.refused(*command, str(link))
    assert (code, "is a link" in error) == (2, True)
    assert target.read_text(encoding="utf-8") == "precious\n"
