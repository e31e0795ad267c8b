"""The reading of a container's command line."""

import pytest

from planning.command_line import written


@pytest.mark.parametrize(
    ("given", "spelling"),
    [
        (["vllm", "--block_size", "32"], "--block_size 32"),
        (["--block-size=32"], "--block-size=32"),
        (["--block-size=16", "--block-size=32"], "--block-size=32"),
        (["--block-size=32", "--port=8080"], "--block-size=32"),
        (["--block-size=32", "block-size"], "--block-size=32"),
        (["--port=8080"], None),
    ],
)
def test_an_option_is_quoted_as_the_command_spells_it(
    given: list[str], spelling: str | None
) -> None:
    assert written(given, "block-size") == spelling
