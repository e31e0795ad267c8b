"""Aligned columns of text, and numbers as runs."""

from collections.abc import Iterator, Sequence


def table(rows: Sequence[Sequence[str]], *, indent: str = "", width: int = 0) -> Iterator[str]:
    """The rows with their cells under each other, two spaces apart, cut to `width` characters.

    A column without any text takes no room. `width` 0 cuts nothing.
    """
    if not rows:
        return
    sizes = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(size) for cell, size in zip(row, sizes, strict=True) if size]
        yield cut((indent + "  ".join(cells)).rstrip(), width)


def cut(line: str, width: int) -> str:
    """The line, or as much of it as fits with an ellipsis; `width` 0 cuts nothing."""
    return line if width <= 0 or len(line) <= width else line[: width - 1].rstrip() + "…"


def spans(devices: Sequence[int]) -> str:
    """`0-3, 6`: devices as runs."""
    runs: list[list[int]] = []
    for device in devices:
        if runs and device == runs[-1][-1] + 1:
            runs[-1].append(device)
        else:
            runs.append([device])
    return ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)
