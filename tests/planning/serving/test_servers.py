"""Each server is one row and one class; nothing else in the code knows a server by its key."""

from __future__ import annotations

import ast
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import catalog
from planning.serving.served import Served
from planning.serving.servers import LANGUAGE_MODEL_SERVERS, SERVERS

ROOT = Path(__file__).resolve().parents[3]
CODE = ("catalog", "components", "config", "messages", "neuron_ecs", "planning")


def test_every_server_of_the_tables_has_a_strategy_and_the_other_way_round() -> None:
    known = catalog.load()
    assert set(SERVERS) == set(known.containers.servers), (
        f"{sorted(set(SERVERS) ^ set(known.containers.servers))}: a row of servers.csv needs a "
        "class in planning/serving/servers.py, under the same key, and an instance of it in "
        "SERVERS or LANGUAGE_MODEL_SERVERS at the end of that file; a class needs a row"
    )
    serving = {image.server for image in known.serving.images if image.model_types}
    assert serving <= set(LANGUAGE_MODEL_SERVERS), (
        f"{sorted(serving - set(LANGUAGE_MODEL_SERVERS))} of serving_images.csv is no server of "
        "language models: add an instance of its class to LANGUAGE_MODEL_SERVERS in "
        "planning/serving/servers.py"
    )
    assert {d.server for d in known.serving.deployments} <= set(LANGUAGE_MODEL_SERVERS), (
        "model_deployments.csv names a server that LANGUAGE_MODEL_SERVERS lacks"
    )


def test_every_server_has_an_image_a_title_and_a_place_in_the_glossary() -> None:
    known = catalog.load()
    having = {
        "container_images.csv": {image.server for image in known.containers.images},
        "serving_images.csv": {image.server for image in known.serving.images},
    }
    terms = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (glossary,) = (line for line in terms.splitlines() if line.startswith("| server |"))
    for key, server in SERVERS.items():
        lacking = [table for table, keys in having.items() if key not in keys]
        assert not lacking, f"{key}: add the images that contain it to {' and '.join(lacking)}"
        assert hasattr(server, "title"), f"{key}: give its class a title, which messages name"
        assert server.title in glossary, (
            f"{server.title}: add it to 'server' in the glossary of docs/architecture.md"
        )


@given(
    st.sampled_from(sorted(SERVERS)),
    st.sampled_from(sorted(catalog.load().serving.models)),
    st.sampled_from((None, "main")),
    st.sampled_from((None, "float32")),
    st.sampled_from(((), ("chat",), ("chat", "acme/chat"))),
)
def test_a_command_has_the_options_that_its_documentation_lists(
    server: str,
    model: str,
    revision: str | None,
    data_type: str | None,
    names: tuple[str, ...],
) -> None:
    known = catalog.load()
    served = Served(
        "m",
        model,
        model=known.serving.models[model],
        revision=revision,
        data_type=data_type,
        names=names,
    )
    words = (*SERVERS[server].entry_point(served), *SERVERS[server].command(served))
    given_options = {w.partition("=")[0].removeprefix("--") for w in words if w.startswith("--")}
    documented = {
        row["argument"] for row in known.rows("server_arguments") if row["server"] == server
    }
    assert given_options <= documented, (
        f"{sorted(given_options - documented)}: add a row to server_arguments.csv with the page "
        f"that lists it for {server}"
    )
    assert given_options, "a command without an option serves nothing"


# Words that are no server where they stand.
OTHER_WORDS = {
    ("planning/neuron_metrics.py", "plugin"),  # a key of the node problem detector's configuration
}


def test_no_code_outside_the_strategies_names_a_server() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.value}"
        for package in CODE
        for path in sorted((ROOT / package).rglob("*.py"))
        if ROOT / "planning" / "serving" not in path.parents
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in SERVERS
    ]
    wrong = [one for one in wrong if (one.partition(":")[0], one.split()[-1]) not in OTHER_WORDS]
    assert wrong == [], "what differs between servers belongs to planning/serving/servers.py"
