"""Dashboards of CloudWatch: sections with text and graphs.

`Dashboard` is plain data of the plan; `body` renders it once AWS has given the names.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from planning.alarms import Dimension, NameOf
from planning.canonical import canonical

COLUMNS = 24
"""Columns of a dashboard.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""


@dataclass(frozen=True, slots=True)
class Line:
    """A metric in a graph."""

    label: str
    namespace: str
    metric: str
    dimensions: tuple[Dimension, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph: one statistic of several metrics."""

    title: str
    statistic: str
    period_seconds: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, with text in Markdown and graphs below it."""

    text: str
    text_rows: int  # its height
    graphs: tuple[Graph, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The dashboard of a Region. Dashboards are global: the name has the Region in it."""

    key: str
    name: str
    sections: tuple[Section, ...]


def fitted(sections: Sequence[Section], most: int, most_of_graph: int) -> tuple[Section, ...]:
    """Returns the sections with at most so many lines in all, and in each graph.

    A title says how many are left out.
    """
    left = most
    found: list[Section] = []
    for section in sections:
        graphs: list[Graph] = []
        for graph in section.graphs:
            kept = graph.lines[: min(left, most_of_graph)]
            gone = len(graph.lines) - len(kept)
            title = f"{graph.title} ({gone} more not shown)" if gone else graph.title
            graphs += [replace(graph, lines=kept, title=title)] if kept else []
            left -= len(kept)
        found.append(replace(section, graphs=tuple(graphs)))
    return tuple(found)


def names_in(dashboard: Dashboard) -> tuple[NameOf, ...]:
    """Returns the names that the lines need, each once."""
    lines = (line for s in dashboard.sections for g in s.graphs for line in g.lines)
    values = (d.value for line in lines for d in line.dimensions)
    return tuple(dict.fromkeys(v for v in values if isinstance(v, NameOf)))


def body(dashboard: Dashboard, region: str, known: Mapping[NameOf, str], *, wide: int) -> str:
    """Returns the body as canonical JSON: graphs of that width, as many in a row as fit."""
    widgets: list[dict[str, object]] = []
    y = 0
    for section in dashboard.sections:
        widgets.append(
            {
                "type": "text",
                "x": 0,
                "y": y,
                "width": COLUMNS,
                "height": section.text_rows,
                "properties": {"markdown": section.text},
            }
        )
        y += section.text_rows
        for at, graph in enumerate(section.graphs):
            x = at * wide % COLUMNS
            y += wide if at and not x else 0
            widgets.append(
                {
                    "type": "metric",
                    "x": x,
                    "y": y,
                    "width": wide,
                    "height": wide,
                    "properties": _graph(graph, region, known),
                }
            )
        y += wide if section.graphs else 0
    return canonical({"widgets": widgets})


def _graph(graph: Graph, region: str, known: Mapping[NameOf, str]) -> dict[str, object]:
    return {
        "metrics": [_line(line, known) for line in graph.lines],
        "period": graph.period_seconds,
        "region": region,
        "stat": graph.statistic,
        "title": graph.title,
        "view": "timeSeries",
        "yAxis": {"left": {"min": 0}},
    }


def _line(line: Line, known: Mapping[NameOf, str]) -> list[object]:
    named: Iterable[tuple[str, str]] = (
        (d.name, known[d.value] if isinstance(d.value, NameOf) else d.value)
        for d in line.dimensions
    )
    flat = [text for pair in named for text in pair]
    return [line.namespace, line.metric, *flat, {"label": line.label}]
