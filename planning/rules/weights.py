"""Models that answer under one name: who they are, their weights, and the paths that all have."""

from collections.abc import Iterable, Iterator

from messages.finding import Severity
from messages.phrases import listed, nearest_or
from planning.authentication import asked_key, key_of, key_server, own_key
from planning.entries import RegionalWorkload
from planning.reached import running_server
from planning.rules.rule import Report, rule
from planning.situation import Situation
from planning.weights import SharedName, shared_names


def _each_name(found: Iterable[SharedName]) -> Iterable[SharedName]:
    """The first Region of each name."""
    firsts: dict[str, SharedName] = {}
    for one in found:
        firsts.setdefault(one.name, one)
    return firsts.values()


@rule(
    "NE817",
    "Weight of a model that nothing calls",
    Severity.ERROR,
    "A load balancer sends requests to target groups, and only a model with a port has one.",
    do="Name a model of the stack file that has a port.",
)
def weight_without_a_model(s: Situation) -> Iterator[Report]:
    """API_TargetGroupTuple: the ARN of a target group."""
    called = sorted(name for name, model in s.settings.models.items() if model.served_ports)
    for name, weights in sorted(s.settings.traffic.weights.items()):
        for model in sorted(weights.keys() - {*called, *s.unserved_models}):
            why = "has no port" if model in s.settings.models else "is no model"
            others = [one for one in called if one not in weights]
            fix = nearest_or(model, others, "remove it")
            yield Report(f"traffic.weights.{name}", f"names {model}, which {why}", fix)


@rule(
    "NE818",
    "Name at which no request is answered",
    Severity.WARNING,
    "A target group with a weight of 0 gets no request, and a model that does not run in a Region "
    "has none there: callers get 503.",
    do="Give a model that runs in the Region a weight of 1 or more.",
)
def no_weight(s: Situation) -> Iterator[Report]:
    """API_TargetGroupTuple, Weight."""
    silent = (o for o in shared_names(s) if not any(weight for _, weight in o.weights))
    for one in _each_name(silent):
        yield Report(
            f"traffic.weights.{one.name}",
            f"gives no model in {one.region} a weight above 0",
            f"write traffic.weights.{one.name}.{one.owner.name}: 1",
        )


@rule(
    "NE819",
    "Too many models under one name",
    Severity.ERROR,
    "A rule of a load balancer sends requests to at most five target groups.",
    do="Give fewer models a weight under the name.",
    table="limits",
)
def too_many_models(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html"""
    most = s.catalog.limits.value("target_groups_per_action")
    for one in _each_name(o for o in shared_names(s) if len(o.weights) > most):
        models = [work.name for work, _ in one.weights]
        yield Report(
            f"traffic.weights.{one.name}",
            f"has {len(models)} models in {one.region}, {listed(models, most=most + 1)}",
            f"keep at most {most}",
        )


@rule(
    "NE820",
    "Models under one name have no path in common",
    Severity.ERROR,
    "Requests under the name go to any of its models, and only paths that all of them let through "
    "pass the load balancer. A health check's path alone serves no caller.",
    do="Give the models under one name the same paths.",
)
def no_common_path(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html"""
    without = (
        one for one in shared_names(s) if {*one.reached.patterns} <= {one.reached.checked_path}
    )
    for one in _each_name(without):
        models = [work.name for work, _ in one.weights]
        yield Report(
            f"traffic.weights.{one.name}",
            f"is answered by {listed(models)}, which have no path in common"
            + "".join(f" but {pattern}" for pattern in one.reached.patterns),
            "write " + " and ".join(f"models.{model}.paths: [/*]" for model in models),
        )


@rule(
    "NE821",
    "Models under one name ask for different keys",
    Severity.WARNING,
    "A caller sends one key, and the load balancer does not choose a model by it: a server with "
    "another key answers 401, and one without lets everyone in.",
    do="Give the models under one name the same key; two that name one secret in two ways are "
    "fine, so silence the finding with that reason.",
    table="servers",
)
def different_keys(s: Situation) -> Iterator[Report]:
    """https://docs.vllm.ai/en/latest/usage/security.html; of a program that no table knows,
    nobody knows what it asks for."""
    differing = (one for one in shared_names(s) if len({*_asked(s, one).values()}) > 1)
    for one in _each_name(differing):
        keys = _asked(s, one)
        asks = [
            f"{work.name}, which asks for {_shown(s, work, keys[work.name])}"
            for work, _ in one.weights
            if work.name in keys
        ]
        yield Report(
            f"traffic.weights.{one.name}",
            f"sends requests to {listed(asks)}",
            _one_key(s, one, keys),
        )


def _asked(s: Situation, one: SharedName) -> dict[str, str]:
    """The keys of the models that get requests and whose servers are known."""
    return {
        work.name: asked_key(work.spec, s.catalog)
        for work, weight in one.weights
        if weight and running_server(work.spec, s.catalog)
    }


def _shown(s: Situation, work: RegionalWorkload, key: str) -> str:
    """Where the key is kept; one that stands in a command is not shown."""
    if not key:
        return "no key"
    return key if key == own_key(work.spec, s.catalog) else "the key of its command"


def _one_key(s: Situation, one: SharedName, keys: dict[str, str]) -> str:
    """How all of the models come to ask for the key of the first that has one in a secret."""
    specs = {work.name: work.spec for work, _ in one.weights}
    kept = [own_key(specs[name], s.catalog) for name in (one.owner.name, *keys) if name in keys]
    key = next(filter(None, kept), "")
    rows = {name: key_server(specs[name], s.catalog) for name in keys if keys[name] != key}
    in_commands = [n for n in rows if keys[n] and keys[n] != own_key(specs[n], s.catalog)]
    if not key or in_commands or not all(rows.values()):
        return "let all of them ask for one key"
    given = s.settings.traffic.authentication.api_key
    edits = [
        f"models.{name}.secrets.{row.key_variable}: {key}"
        if isinstance(given, str) or keys[name] != key_of(s.settings, name)
        else f"traffic.authentication.api_key.{name}: {key}"
        for name, row in rows.items()
        if row
    ]
    return f"write {' and '.join(edits)}"


RULES = (weight_without_a_model, no_weight, too_many_models, no_common_path, different_keys)
