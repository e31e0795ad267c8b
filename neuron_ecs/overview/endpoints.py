"""Where the models of a plan are called, from where, and what callers show."""

from collections.abc import Iterator, Sequence

from messages.phrases import listed
from neuron_ecs.terminal import table, wrapped
from planning import Plan, choices
from planning.document import Endpoint, GlobalEndpoint, endpoints, global_endpoints


def render(plan: Plan, *, width: int) -> Iterator[str]:
    """Where each model can be called, and from where; the load balancer gets its name later."""
    found = list(endpoints(plan))
    over_all = list(global_endpoints(plan))
    named = list(_names_in_network(plan))
    if found or named:
        yield ""
        yield "Endpoints"
    rows = [(e.model, _ALL_REGIONS, e.url) for e in over_all]
    yield from table([*rows, *((e.model, e.region, e.url) for e in found)], indent="  ")
    regions: dict[str, dict[str, None]] = {}
    for one in found:
        regions.setdefault(_from_where(one), {})[one.region] = None
    for one in over_all:
        text = _from_where(one)
        regions[text] = {_ALL_REGIONS: None} | regions.get(text, {})
    for text, names in regions.items():
        yield from wrapped(f"{listed(list(names))}: {text}", width, "  ", "    ")
    for text, models in _callers_show(found).items():
        yield from wrapped(f"{text}: {listed(models)}", width, "  ", "    ")
    if over_all:
        text = (
            f"{_ALL_REGIONS}: the answer is the nearest Region of the model that has a healthy "
            f"replica; one without for {choices.LEFT_OUT_MINUTES} minutes is left out, and one "
            "that `neuron-ecs drain` leaves"
        )
        yield from wrapped(text, width, "  ", "    ")
    if found:
        yield from _example((over_all or found)[0])
    if named:
        text = "names in the network, from the stack's own tasks and instances alone, plain HTTP:"
        yield from wrapped(text, width, "  ", "    ")
        yield from table(named, indent="    ")


_ALL_REGIONS = "all Regions"


def _from_where(one: Endpoint | GlobalEndpoint) -> str:
    """From where the endpoint is reachable, and over what."""
    if not one.callers:
        text = "from nowhere, no caller is allowed"
    elif choices.ANYWHERE in one.callers and one.public:
        text = "from every address on the internet"
    else:
        text = f"from {listed(one.callers)} alone"
        text = f"on the internet, {text}" if one.public else text
    if not one.url.startswith("https:"):
        return f"{text}, plain HTTP"
    names = " by a name of the certificate, with a record of yours"
    return f"{text}, HTTPS{names * _is_unnamed(one)}"


def _is_unnamed(one: Endpoint | GlobalEndpoint) -> bool:
    """Whether callers need a name that the plan does not know: no certificate has the load
    balancer's own."""
    return isinstance(one, Endpoint) and one.own_name and one.url.startswith("https:")


def _callers_show(found: Sequence[Endpoint]) -> dict[str, dict[str, None]]:
    """What callers must show, and the names of the models that ask for it."""
    models: dict[str, dict[str, None]] = {}
    asking = list(dict.fromkeys(one.region for one in found if one.certificate))
    where = f" in {listed(asking)}" if any(not one.certificate for one in found) else ""
    for one in found:
        if one.key:
            models.setdefault("with its key alone", {})[one.model] = None
        if one.issuer:
            models.setdefault(f"with a token of {one.issuer}", {})[one.model] = None
        if one.certificate:
            models.setdefault(f"with a certificate of the caller{where}", {})[one.model] = None
    return models


def _example(one: Endpoint | GlobalEndpoint) -> Iterator[str]:
    """A command that calls the endpoint from where its callers are."""
    word = "KEY" if one.key else "TOKEN"
    asked = f'-H "Authorization: Bearer ${word}" ' * bool(one.key or one.issuer)
    asked += "--cert caller.pem --key caller.key " * one.certificate
    url = one.check
    if _is_unnamed(one):
        host, _, path = url.removeprefix("https://").partition("/")
        asked += f"--connect-to ::{host}: "
        url = f"https://$NAME/{path}"
    yield f"  try one from there: curl {asked}{url}"
    if _is_unnamed(one):
        yield "    NAME is one that the certificate covers"
    if one.key:
        yield f"    KEY is the value of {one.key}"


def _names_in_network(plan: Plan) -> Iterator[tuple[str, str]]:
    """The name of each service in the network, and what callers look up there."""
    for region in plan.regions:
        for service in (s for model in region.models for s in model.services):
            if service.registry is not None:
                port = f", port {service.registry.port}" if service.registry.port else ""
                of = "SRV" if service.registry.record == "SRV" else f"A{port}"
                yield service.registry.host, f"{region.name} {of}"
