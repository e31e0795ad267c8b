"""What callers must show: keys of the servers."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from messages.finding import Severity
from messages.phrases import listed
from planning import choices
from planning.authentication import key_of, key_server
from planning.command_line import option, words
from planning.reached import Reached, reached
from planning.rules.rule import Report, rule
from planning.situation import Situation, each_workload


def _keyed(s: Situation) -> Iterator[tuple[str, str, Reached]]:
    """Path, model and container of everything behind a load balancer that should ask for a key."""
    for work in each_workload(s):
        if not work.is_job and key_of(s.settings, work.name):
            for one in reached(s, work):
                yield f"{work.path}{f'.sidecars.{one.sidecar}' * bool(one.sidecar)}", work.name, one


@rule(
    "NE748",
    "Key of a model that does not exist",
    Severity.ERROR,
    "A key belongs to a model of the stack file.",
    do="Name a model of the stack file.",
)
def key_of_no_model(s: Situation) -> Iterator[Report]:
    """API_RegisterTaskDefinition, secrets: they belong to a container of a task."""
    keys = s.settings.traffic.authentication.api_key
    models = {*s.settings.models, *(one.path.split(".")[1] for one in s.unserved)}
    for name, key in keys.items() if isinstance(keys, dict) else ():
        if name not in models:
            known = f"; models are {listed(sorted(models))}" if models else ""
            yield Report(
                f"traffic.authentication.api_key.{name}",
                f"is {key}, and there is no model {name}{known}",
                "remove it, or name one of the models",
            )


@rule(
    "NE749",
    "Server that asks for no key",
    Severity.WARNING,
    "A load balancer knows no keys: the server in the container asks for them, or nobody does. "
    "vLLM's does.",
    do="Let the container ask itself, and silence the finding with the reason.",
    table="servers",
)
def server_without_a_key(s: Situation) -> Iterator[Report]:
    """https://docs.vllm.ai/en/latest/usage/security.html; whether another program asks for
    something is not known here."""
    for path, _, one in _keyed(s):
        if key_server(one.spec, s.catalog) is None:
            yield Report(
                f"{path}.port",
                f"is {one.port}: no table knows that what answers there asks for a key",
                "let it ask for one, then silence NE749",
            )


@rule(
    "NE750",
    "Key is given elsewhere as well",
    Severity.WARNING,
    "A server takes its key from its command line before its environment, and a variable that the "
    "container has already stays.",
    do="Give the key in one place.",
    table="servers",
)
def key_given_elsewhere(s: Situation) -> Iterator[Report]:
    """https://github.com/vllm-project/vllm, vllm/entrypoints/openai/api_server.py."""
    for path, model, one in _keyed(s):
        row = key_server(one.spec, s.catalog)
        if row is None:
            continue
        key = key_of(s.settings, model)
        if option(words(one.spec), row.key_option) is not None:
            yield Report(
                f"{path}.command",
                f"has --{row.key_option}, which the server takes in place of {key}",
                f"leave --{row.key_option} out",
            )
            continue
        own = one.spec.secrets.get(row.key_variable, key)
        if own != key:
            yield Report(
                f"{path}.secrets.{row.key_variable}",
                f"is {own}, which the server takes in place of {key}",
                "remove it",
            )


@rule(
    "NE751",
    "Paths without the key",
    Severity.WARNING,
    "The server asks for its key at some of its paths alone: vLLM's at those below /v1, and not at "
    "/tokenize or /pause.",
    do="Let only paths through at which the server asks, or none that matters.",
    table="servers",
)
def paths_without_the_key(s: Situation) -> Iterator[Report]:
    """https://docs.vllm.ai/en/latest/usage/security.html"""
    for path, _, one in _keyed(s):
        row = key_server(one.spec, s.catalog)
        if row is None or one.sidecar:
            continue
        asked = one.health_path.partition("?")[0]
        begins = [p.rstrip("*") for p in row.key_paths]
        let = [p.removeprefix(one.path) or choices.EVERY_PATH for p in one.patterns]
        open_paths = [p for p in let if not (p.startswith(tuple(begins)) or fnmatchcase(asked, p))]
        if choices.EVERY_PATH in let:
            open_paths = [choices.EVERY_PATH]
        if open_paths:
            yield Report(
                f"{path}.paths",
                f"lets {listed(open_paths)} through, and the server asks for its key at "
                f"{listed(row.key_paths)} alone",
                f"write [{', '.join(row.key_paths)}]",
            )


RULES = (
    key_of_no_model,
    server_without_a_key,
    key_given_elsewhere,
    paths_without_the_key,
)
