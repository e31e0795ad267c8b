"""Writes docs/findings.md: `python -m neuron_ecs.cli.findings_reference` (or `make docs`)."""

from pathlib import Path

from planning.reference import markdown

PAGE = Path(__file__).resolve().parents[2] / "docs" / "findings.md"


def text() -> str:
    """The page as the file holds it."""
    return "\n".join(markdown()) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text(), encoding="utf-8")
