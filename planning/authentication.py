"""The keys of servers: which containers ask callers for one, and where it is kept."""

import re
from dataclasses import replace
from typing import Any

from catalog import Catalog, Server
from config import Container, ModelEntry, Settings
from messages.finding import Finding
from planning.command_line import option, words
from planning.reached import running_server
from planning.routes import TokenCheck, TokenClaim

_ENTRY = "traffic.authentication.api_key"
_SECRET = re.compile(
    r"models\.(?P<model>[^.]+)(\.sidecars\.(?P<sidecar>[^.]+))?\.secrets\.(?P<variable>[^.]+)"
)


def key_server(container: Container, catalog: Catalog) -> Server | None:
    """The server of the container if it can ask for a key; else `None`."""
    row = running_server(container, catalog)
    return row if row and row.key_variable else None


def key_of(settings: Settings, model: str) -> str:
    """Where the stack file says that the key of the model is kept; empty if it has none."""
    found = settings.traffic.authentication.api_key
    return found if isinstance(found, str) else found.get(model, "")


def own_key(container: Container, catalog: Catalog) -> str:
    """Where the key is kept that the container's server asks for; empty without one."""
    row = key_server(container, catalog)
    return container.secrets.get(row.key_variable, "") if row else ""


def token_check(settings: Settings) -> TokenCheck | None:
    """What the tokens of callers must be; `None` if they need none."""
    given = settings.traffic.authentication.jwt
    if given is None:
        return None
    claims = (
        TokenClaim(name, claim.format.replace("_", "-"), claim.values)
        for name, claim in sorted(given.claims.items())
    )
    return TokenCheck(given.issuer, given.key_set, tuple(claims))


def asks_at_the_door(settings: Settings, region: str) -> bool:
    """Whether the load balancer of the Region asks callers for a token or a certificate."""
    given = settings.traffic.authentication
    return given.jwt is not None or region in given.mutual_tls


def asked_key(container: Container, catalog: Catalog) -> str:
    """The key that the container's server asks callers for, or where it is kept; empty without."""
    row = key_server(container, catalog)
    given = row and option(words(container), row.key_option)
    return given or own_key(container, catalog)


def with_keys(settings: Settings, catalog: Catalog) -> Settings:
    """The stack file with the keys of `authentication` among the secrets of the servers.

    A variable that a container has already stays as it is.
    """
    models = {
        name: _keyed(model, key_of(settings, name), catalog)
        for name, model in settings.models.items()
    }
    if models == settings.models:
        return settings
    return settings.model_copy(update={"models": models})


def _keyed(model: ModelEntry, key: str, catalog: Catalog) -> ModelEntry:
    if not key or not model.called:
        return model
    sidecars = {
        name: sidecar.model_copy(update=_secrets(sidecar, key, catalog))
        if sidecar.port is not None
        else sidecar
        for name, sidecar in model.sidecars.items()
    }
    own = _secrets(model, key, catalog) if model.served_ports else {}
    return model.model_copy(update={**own, "sidecars": sidecars})


def _secrets(container: Container, key: str, catalog: Catalog) -> dict[str, Any]:
    row = key_server(container, catalog)
    return {"secrets": {row.key_variable: key, **container.secrets}} if row else {}


def of_keys(found: Finding, settings: Settings) -> Finding:
    """The finding; at `authentication` if it is about a secret that is written there alone."""
    parts = _SECRET.fullmatch(found.path)
    model = settings.models.get(parts["model"]) if parts else None
    if parts is None or model is None:
        return found
    container = model.sidecars.get(parts["sidecar"], model) if parts["sidecar"] else model
    key = key_of(settings, parts["model"])
    if not key or container.secrets.get(parts["variable"]) != key:
        return found
    by_model = isinstance(settings.traffic.authentication.api_key, dict)
    return replace(found, path=f"{_ENTRY}.{parts['model']}" if by_model else _ENTRY)
