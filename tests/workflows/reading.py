"""The workflows as data, as the services read them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = tuple(sorted(FOLDER.glob("*.yml")))
GITLAB = ROOT / "examples" / "ci" / "gitlab-ci.yml"

Node = Any
"""YAML, unchecked: the schema test is what checks it."""


def load(path: Path) -> Node:
    """The document, by YAML 1.2: `on` is a word."""
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))  # pyright: ignore[reportUnknownMemberType]


def jobs(path: Path) -> dict[str, Node]:
    """The jobs by name."""
    return load(path)["jobs"]


def steps(path: Path) -> Iterator[tuple[str, Node]]:
    """Each step with its job."""
    for name, job in jobs(path).items():
        for step in job.get("steps", ()):
            yield name, step


def script(name: str, step: str) -> str:
    """The JavaScript of a step."""
    return next(s["with"]["script"] for _, s in steps(FOLDER / name) if s.get("name") == step)
