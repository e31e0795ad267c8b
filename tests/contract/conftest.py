"""`--update-goldens` writes what the goldens pin anew; the difference is then read and reviewed."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens", action="store_true", help="write tests/contract/goldens anew"
    )
