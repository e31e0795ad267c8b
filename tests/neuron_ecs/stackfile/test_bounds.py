"""What reading a stack file costs is bounded by what the largest legal file costs.

Counted in characters, bytes of memory and calls of functions, never in seconds.
"""

import sys
import tracemalloc
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from neuron_ecs.files import STACK_FILE_BYTES
from neuron_ecs.stackfile.reading import StackFile, StackFileError, read
from tests.bench import stack

PROJECT_FILE = "name: my-models\nruntime: python\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT_FILE)
    return tmp_path


def read_text(project: Path, text: str) -> StackFile:
    (project / "Pulumi.dev.yaml").write_text(text)
    return read(stack=None, file=None, directory=project)


def aliases_of_a_text(characters: int, count: int) -> str:
    return f"config:\n  a: &long {'x' * characters}\n  b:\n" + "    - *long\n" * count


def aliases_of_a_list(items: int, count: int) -> str:
    return f"config:\n  a: &long [{'{},' * items}]\n  b:\n" + "    - *long\n" * count


def aliases_as_keys(characters: int, count: int) -> str:
    return f"config:\n  ? &long {'k' * characters}\n  : 1\n  b:\n" + "    - {*long : 1}\n" * count


def merges(keys: int, count: int) -> str:
    members = ", ".join(f"k{i}: v" for i in range(keys))
    return f"config:\n  a: &long {{{members}}}\n  b:\n" + "    - <<: *long\n" * count


def characters_that_grow(characters: int, _: int) -> str:
    return f"config:\n  a: '{'<' * characters}'\n"


GROWING = (
    aliases_of_a_text,
    aliases_of_a_list,
    aliases_as_keys,
    merges,
    characters_that_grow,
)


@pytest.mark.parametrize("growing", GROWING, ids=lambda g: g.__name__)
def test_what_is_read_is_at_most_a_multiple_of_the_longest_file(
    project: Path, growing: Callable[[int, int], str]
) -> None:
    """In the texts that are handed over and in memory, whether the file is refused or not."""
    for size, count in ((100, 50), (8_000, 4_000)):
        text = growing(size, count)
        tracemalloc.start()
        try:
            config = read_text(project, text).config
        except StackFileError:
            config = {}
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert sum(map(len, config.values())) <= 8 * STACK_FILE_BYTES
        assert peak <= 100 * STACK_FILE_BYTES


def test_the_bound_is_named_where_it_is_passed(project: Path) -> None:
    with pytest.raises(StackFileError, match="line 7, column 7, holds too many values or too long"):
        read_text(project, aliases_of_a_text(900_000, 3_000))


def test_the_bound_holds_for_the_project_file_too(project: Path) -> None:
    (project / "Pulumi.yaml").write_text(PROJECT_FILE + aliases_of_a_text(900_000, 3_000))
    with pytest.raises(StackFileError, match="too long ones"):
        read_text(project, "config: {a: 1}\n")
    (project / "Pulumi.yaml").write_bytes(b"#" * (STACK_FILE_BYTES + 1))
    with pytest.raises(StackFileError, match=r"Pulumi.yaml is longer than 1,000,000 bytes"):
        read_text(project, "config: {a: 1}\n")


def test_a_file_longer_than_any_legal_one_is_refused(project: Path) -> None:
    """The longest measured has seventeen Regions, each with twenty models of its own."""
    longest = stack.text(stack.document(distinct=True))
    assert 4 * len(longest) < STACK_FILE_BYTES
    assert read_text(project, longest.replace("neuron-ecs:", "my-models:"))
    with pytest.raises(StackFileError, match="is longer than 1,000,000 bytes"):
        read_text(project, "#" * (STACK_FILE_BYTES + 1))


def test_a_configuration_that_linux_cannot_hand_over_is_a_warning(project: Path) -> None:
    """The engine passes it in an environment variable: "argument list too long"."""

    def warned(characters: int) -> bool:
        file = read_text(project, f"config: {{a: '{'x' * characters}'}}\n")
        return any("as the engine hands it to the program" in f.what for f in file.notes)

    most = 131_072 - len('PULUMI_CONFIG={"my-models:a":""}') - 1
    assert not warned(most)
    assert warned(most + 1)


OPENINGS = ("[", "{", "- ", "? ", ": ", "{? ", "[? ", "{x: ", "[{", "- ? ", "? - ", "&a ", "!t ")


@pytest.mark.parametrize("opening", OPENINGS)
def test_however_deep_a_file_begins_it_is_refused_in_words(project: Path, opening: str) -> None:
    """Keys nest as well as values do, and no path grows with them."""
    for before in ("", "config:\n  a: ", "config: {"):
        with pytest.raises(StackFileError):
            read_text(project, before + opening * 4_000)


def chained_anchors(count: int) -> str:
    aliases = (f"  k{i}: &a{i} [{f'*a{i - 1}' if i % 50 else 1}]\n" for i in range(count))
    return "config:\n" + "".join(aliases)


REPEATED: Mapping[str, Callable[[int], str]] = {
    "keys": lambda n: "config:\n" + "".join(f"  k{i}: v\n" for i in range(n)),
    "items": lambda n: f"config: {{a: [{'x, ' * n}]}}\n",
    "comments": lambda n: "#\n" * n + "config: {a: 1}\n",
    "lines": lambda n: "config:\n  a: |\n" + "    x\n" * n,
    "folded lines": lambda n: "config:\n  a: >\n" + "    x\n\n" * n,
    "words": lambda n: f"config:\n  a: {'x ' * n}\n",
    "escapes": lambda n: 'config:\n  a: "' + "\\x41 " * n + '"\n',
    "anchors": chained_anchors,
    "merges": lambda n: "config:\n  a: &a {x: 1}\n  b:\n" + "    <<: *a\n" * n,
    "unknown keys": lambda n: "".join(f"k{i}: v\n" for i in range(n)) + "config: {a: 1}\n",
}


@pytest.mark.parametrize("repeated", REPEATED.values(), ids=REPEATED)
def test_twice_the_file_is_twice_the_work(project: Path, repeated: Callable[[int], str]) -> None:
    few, many = (calls(partial(read_text, project, repeated(n))) for n in (500, 1_000))
    assert many / few < 2.3


def calls(run: Callable[[], object]) -> int:
    """How many functions a run calls, of Python and of C."""
    found = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal found
        found += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        with suppress(StackFileError):
            run()
    finally:
        sys.setprofile(None)
    return found
