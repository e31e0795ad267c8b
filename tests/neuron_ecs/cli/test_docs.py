"""The reference says what the rules say."""

from pathlib import Path

import pytest

from neuron_ecs.cli.docs import PAGES
from neuron_ecs.cli.main import main
from planning.reference import SUBJECTS, pages


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_pages_in_docs_are_made_from_the_code(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path](), f"{path} is old: run `make docs`"


def test_every_page_says_what_why_what_to_do_and_where_aws_says_so() -> None:
    for page in pages():
        assert all((page.title, page.why, page.do, page.source)), page.code
        assert page.why.endswith((".", "?")) and page.do.endswith("."), page.code
        assert page.code[:3] in SUBJECTS


def test_no_code_stands_twice() -> None:
    codes = [page.code for page in pages()]
    assert codes == sorted(set(codes))


def test_one_page_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--explain", "ne203"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("NE203 (error): Device does not exist\n")
    assert "why:" in printed


def test_an_unknown_code_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--explain", "NE2O3"]) == 2
    assert "did you mean NE203?" in capsys.readouterr().err
