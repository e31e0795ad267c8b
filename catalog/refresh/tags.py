"""Lists the tags of the public Neuron repositories that no table has.

Amazon ECR Public gives an anonymous token, and answers the registry's own API with it:
https://docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html and
https://distribution.github.io/distribution/spec/api/#listing-image-tags. Its tables are kept by
hand: what an image can serve is nothing that a registry says.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.request import Request, urlopen

from catalog.reader import load

HOST = "https://public.ecr.aws"
TAGS = "tags"
"""What ``--only`` names to list them."""

_REGISTRY = "neuron"  # as image_tags.csv has it
_TOKEN = f"{HOST}/token/?service=public.ecr.aws&scope=aws"
_SDK = re.compile(r"-sdk(\d+)\.(\d+)\.(\d+)")
_PAGES = 50  # of one repository; more would be an answer that never ends

Get = Callable[[str, Mapping[str, str]], tuple[Mapping[str, str], bytes]]
"""Answers a URL with headers: the headers of the answer, and its body. Raises `OSError`."""


def get(url: str, headers: Mapping[str, str]) -> tuple[Mapping[str, str], bytes]:
    """Asks the registry."""
    with urlopen(Request(url, headers=dict(headers)), timeout=30) as answer:
        return dict(answer.headers), answer.read()


def tags_of(repository: str, ask: Get = get) -> list[str]:
    """All tags of a repository of the public registry. Raises `OSError` and `ValueError`."""
    token = json.loads(ask(_TOKEN, {})[1])["token"]
    url, found = f"{HOST}/v2/{_REGISTRY}/{repository}/tags/list?n=1000", list[str]()
    for _ in range(_PAGES):
        headers, body = ask(url, {"Authorization": f"Bearer {token}"})
        found += json.loads(body).get("tags") or []
        link = {name.lower(): value for name, value in headers.items()}.get("link", "")
        following = re.search(r"<([^>]+)>", link)
        if following is None:
            break
        url = following[1] if following[1].startswith(HOST) else HOST + following[1]
    return found


def newer(known: tuple[str, ...], found: list[str]) -> list[str]:
    """The tags with an SDK that no table has and that is not older than all that it has, by SDK."""
    oldest = max((_sdk(tag) for tag in known), default=())
    return sorted(
        (tag for tag in set(found) - set(known) if _sdk(tag) and _sdk(tag) >= oldest),
        key=lambda tag: (_sdk(tag), tag),
    )


def _sdk(tag: str) -> tuple[int, ...]:
    match = _SDK.search(tag)
    return tuple(map(int, match.groups())) if match else ()


def list_newer(directory: Path, ask: Get = get) -> int:
    """Prints the newer tags of every repository of the tables. Returns 1 if one did not answer."""
    code = 0
    for repository, known in sorted(_known(directory)):
        try:
            found = newer(known, tags_of(repository, ask))
        except (OSError, ValueError, KeyError) as error:
            print(f"{repository}: its tags are not read, {error}", file=sys.stderr)
            code = 1
            continue
        for tag in found:
            print(f"new tag: public.ecr.aws/{_REGISTRY}/{repository}:{tag}")
        if found:
            print("  add it to image_tags.csv; what it serves is a row of container_images.csv")
    return code


def _known(directory: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    for (registry, repository), tags in load(directory).containers.tags.items():
        if registry == _REGISTRY:
            yield repository, tags
