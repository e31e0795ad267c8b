"""What callers must show: keys of the servers, tokens and certificates."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from config.credentials import shown
from messages.finding import Severity
from messages.phrases import flow, listed, nearest_or
from planning import choices
from planning.authentication import asked_key, key_of, key_server
from planning.command_line import option, words
from planning.public import some_certificates, speaks_https
from planning.reached import Reached, reached
from planning.regional import arn_in
from planning.rules.rule import Report, rule
from planning.situation import Situation, serving_regions


def _keyed(s: Situation) -> Iterator[tuple[str, str, Reached]]:
    """Path, model and container of everything behind a load balancer that should ask for a key."""
    for work in s.distinct_work:
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
    models = s.source.models
    for name, key in keys.items() if isinstance(keys, dict) else ():
        if name not in models:
            yield Report(
                f"traffic.authentication.api_key.{name}",
                f"is {key}, and there is no model {name}",
                nearest_or(name, models, "remove it"),
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


@rule(
    "NE762",
    "Token or certificate without HTTPS",
    Severity.ERROR,
    "A load balancer checks tokens and certificates of callers at an HTTPS listener alone.",
    do="Write traffic.domain with a hosted zone, or give an ACM certificate for each Region.",
)
def without_https(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-verify-jwt.html
    and https://docs.aws.amazon.com/elasticloadbalancing/latest/application/mutual-authentication.html"""
    given = s.settings.traffic.authentication
    plain = [region for region in serving_regions(s) if not speaks_https(s, region)]
    by_certificate = [region for region in plain if region in given.mutual_tls]
    for path, what, regions in (
        ("jwt", f"checks tokens of {given.jwt.issuer}" if given.jwt else "", plain),
        ("mutual_tls", "names trust stores", by_certificate),
    ):
        if what and regions:
            yield Report(
                f"traffic.authentication.{path}",
                f"{what}, and the load balancers of {listed(regions)} have no certificate",
                f"write traffic.{some_certificates(s, regions)}; or leave it out",
            )


@rule(
    "NE763",
    "Claim with a space",
    Severity.ERROR,
    "In the format space_separated_values no value can have a space.",
    do="Write each value alone.",
)
def claim_with_a_space(s: Situation) -> Iterator[Report]:
    """API_JwtValidationActionAdditionalClaim of the Elastic Load Balancing API Reference."""
    jwt = s.settings.traffic.authentication.jwt
    for name, claim in jwt.claims.items() if jwt else ():
        if claim.format == "space_separated_values" and any(" " in v for v in claim.values):
            words = [word for value in claim.values for word in value.split()]
            yield Report(
                f"traffic.authentication.jwt.claims.{name}.values",
                f"is {flow(list(claim.values))}",
                f"write {flow(list(dict.fromkeys(words)))}",
            )


@rule(
    "NE766",
    "Claim that is checked in any case",
    Severity.ERROR,
    "Load balancers check issuer and times of a token by themselves, and refuse a further rule for "
    "these claims.",
    do="Name other claims.",
    table="token_claims",
)
def claim_of_the_load_balancer(s: Situation) -> Iterator[Report]:
    """API_JwtValidationActionAdditionalClaim of the Elastic Load Balancing API Reference."""
    jwt = s.settings.traffic.authentication.jwt
    rest = set(jwt.claims if jwt else ()) - set(s.catalog.limits.checked_claims)
    for name, claim in jwt.claims.items() if jwt else ():
        if name in s.catalog.limits.checked_claims:
            yield Report(
                f"traffic.authentication.jwt.claims.{name}",
                f"is {flow(list(claim.values))}, of the claim {name}",
                "remove it" if rest else "name it aud",
            )


@rule(
    "NE768",
    "Tokens for anybody",
    Severity.WARNING,
    "Load balancers check signature, issuer and times of a token, and no audience: one that the "
    "issuer wrote for another application, or for anybody, opens the models.",
    do="Name a claim that only tokens for these models have, such as aud or scope.",
)
def tokens_for_anybody(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-verify-jwt.html"""
    jwt = s.settings.traffic.authentication.jwt
    if jwt and not jwt.claims:
        yield Report(
            "traffic.authentication.jwt",
            f"takes every token of {shown(jwt.issuer)}",
            "write claims: {aud: {values: [models]}}, with the audience that the issuer writes",
        )


@rule(
    "NE764",
    "Token and key in one header",
    Severity.ERROR,
    "Callers send one Authorization header: the load balancer takes it for a token, and the server "
    "for its key. No request passes both.",
    do="Keep one of the two.",
    table="servers",
)
def token_and_key(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-verify-jwt.html:
    the request goes on with the token as it is."""
    both = {
        work.name: None
        for work in s.distinct_work
        for one in reached(s, work)
        if asked_key(one.spec, s.catalog)
    }
    jwt = s.settings.traffic.authentication.jwt
    if both and jwt is not None:
        keys = s.settings.traffic.authentication.api_key
        yield Report(
            "traffic.authentication.jwt",
            f"wants a token of {jwt.issuer}, and {listed(both)} "
            f"{'asks' if len(both) == 1 else 'ask'} for a key as well",
            "leave it out" + "; or leave traffic.authentication.api_key out" * bool(keys),
        )


@rule(
    "NE765",
    "Trust store of another Region",
    Severity.ERROR,
    "A listener takes a trust store of its own Region and partition, in a Region of the stack.",
    do="Make a trust store in each Region.",
)
def trust_store_elsewhere(s: Situation) -> Iterator[Report]:
    """API_ModifyListener of the Elastic Load Balancing API Reference, MutualAuthentication."""
    for region, arn in s.settings.traffic.authentication.mutual_tls.items():
        known = s.catalog.places.regions.get(region)
        path = f"traffic.authentication.mutual_tls.{region}"
        if region not in s.settings.regions:
            yield Report(path, f"is {arn}, and {region} is not under regions", "remove it")
        elif known and (near := arn_in(arn, known.partition, region)) != arn:
            yield Report(
                path, f"is {arn}, of {arn.split(':')[3]}", f"name one of {region}, such as {near}"
            )


RULES = (
    key_of_no_model,
    server_without_a_key,
    key_given_elsewhere,
    paths_without_the_key,
    without_https,
    claim_with_a_space,
    claim_of_the_load_balancer,
    tokens_for_anybody,
    token_and_key,
    trust_store_elsewhere,
)
