"""The tags of the public repositories, from answers of the registry as they were recorded."""

import json
from collections.abc import Mapping

import pytest

from catalog.refresh.tags import HOST, list_newer, newer, tags_of
from catalog.tables import DATA_DIRECTORY

KNOWN = ("0.13.0-neuronx-py312-sdk2.28.0-ubuntu24.04", "0.16.0-neuronx-py312-sdk2.31.1-ubuntu24.04")
NEW = "0.29.0.1.2.0-neuronx-py314-sdk2.33.0-ubuntu26.04"
LIST = f"{HOST}/v2/neuron/a/tags/list"


class Registry:
    """Answers as ECR Public does: a token, then pages of tags that name the next page."""

    def __init__(self, *pages: list[str]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    def __call__(self, url: str, headers: Mapping[str, str]) -> tuple[Mapping[str, str], bytes]:
        self.asked.append(url)
        if "/token/" in url:
            return {}, b'{"token": "anonymous"}'
        assert headers == {"Authorization": "Bearer anonymous"}
        number = int(url.partition("last=")[2] or 0)
        body = json.dumps({"name": "neuron/a", "tags": self.pages[number]}).encode()
        if number + 1 == len(self.pages):
            return {}, body
        path = url.removeprefix(HOST).partition("?")[0]
        return {"Link": f'<{path}?n=1000&last={number + 1}>; rel="next"'}, body


def test_every_page_of_tags_is_read() -> None:
    registry = Registry([KNOWN[0]], [NEW])
    assert tags_of("a", registry) == [KNOWN[0], NEW]
    assert registry.asked[1:] == [f"{LIST}?n=1000", f"{LIST}?n=1000&last=1"]


def test_a_newer_tag_has_an_sdk_that_is_not_older_than_the_tables() -> None:
    found = [*KNOWN, NEW, "latest", "0.9.1-neuronx-py310-sdk2.25.0-ubuntu22.04"]
    assert newer(KNOWN, found) == [NEW]


def test_a_repository_that_does_not_answer_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def refuses(url: str, headers: Mapping[str, str]) -> tuple[Mapping[str, str], bytes]:
        raise OSError("no network")

    assert list_newer(DATA_DIRECTORY, refuses) == 1
    assert "pytorch-inference-vllm-neuronx: its tags are not read" in capsys.readouterr().err


def test_newer_tags_are_printed_with_the_tables_that_need_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert list_newer(DATA_DIRECTORY, Registry(["1.0-sdk2.99.0-ubuntu26.04"])) == 0
    shown = capsys.readouterr().out
    assert "vllm-neuronx:1.0-sdk2.99.0-ubuntu26.04" in shown and "image_tags.csv" in shown
