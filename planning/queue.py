"""What a server counts: its requests, and the seconds until the first token of each.

A sidecar of each task measures it. It is the CloudWatch agent: it reads the server's metrics once a
minute and writes them to the model's log group.
"""

from catalog import Catalog, Server
from config import ModelEntry, Settings, Sidecar
from planning import agent, choices
from planning.alarms import Dimension, Math, Metric, Query, ServerMetrics, Statistic
from planning.entries import RegionalWorkload
from planning.price import HOURS
from planning.reached import running_server

_JOB = "model"
_DIMENSIONS = ("Model", "Stack")


def with_agents(settings: Settings, catalog: Catalog) -> Settings:
    """Returns the settings with a sidecar in each model whose server is measured.

    One that the stack file has under its name stays, with an image or sizes of its own.
    """
    found = {name: model for name, model in settings.models.items() if is_measured(model)}
    if not found:
        return settings
    measuring = Sidecar(
        image=agent.image(catalog),
        cpu_units=choices.AGENT_SIZE[0],
        memory_mib=choices.AGENT_SIZE[1],
        restart=True,
    )
    models = {
        name: model.model_copy(
            update={"sidecars": {choices.QUEUE_AGENT: measuring, **model.sidecars}}
        )
        for name, model in found.items()
    }
    return settings.model_copy(update={"models": {**settings.models, **models}})


def by_queue(entry: object) -> bool:
    """Whether a model scales by its queue."""
    return isinstance(entry, ModelEntry) and bool(entry.scaling and entry.scaling.queue is not None)


def is_measured(entry: object) -> bool:
    """Whether a sidecar measures a server: of a model that asks for it, or scales by its queue."""
    return by_queue(entry) or (isinstance(entry, ModelEntry) and entry.server_metrics)


def metrics(work: RegionalWorkload, catalog: Catalog) -> tuple[str, ...]:
    """Returns the server's metrics that add up to its requests; empty if it has none.

    Of a server that no table knows they are those of vLLM.
    """
    row = _server(work, catalog)
    return row.queue_metrics if row else ()


def _server(work: RegionalWorkload, catalog: Catalog) -> Server | None:
    known = (one for one in catalog.containers.servers.values() if one.queue_metrics)
    return running_server(work.spec, catalog) or next(known, None)


def server_metrics(work: RegionalWorkload, catalog: Catalog, stack: str) -> ServerMetrics | None:
    """Returns what the sidecars of a model measure; `None` if it has none, or nothing is known to
    be there.

    Each replica reports once a minute, so that the sum of a minute is the model's. It writes an
    event a minute in each of two ways (`planning.agent`).
    """
    row = _server(work, catalog)
    if not is_measured(work.spec) or row is None:
        return None

    def metric(name: str, statistic: Statistic) -> Metric:
        values = zip(_DIMENSIONS, (work.name, stack), strict=True)
        dimensions = tuple(Dimension(key, value) for key, value in values)
        seconds = choices.METRIC_SECONDS
        return Metric(choices.METRIC_NAMESPACE, name, dimensions, statistic, seconds)

    first = row.first_token_metric
    events = bool(row.queue_metrics) + bool(first)
    return ServerMetrics(
        tuple(metric(name, "Sum") for name in row.queue_metrics),
        metric(first, "Average") if first else None,
        work.tasks_max * events * HOURS * 60 * choices.METRIC_EVENT_BYTES // 2**20,
    )


def load(work: RegionalWorkload, catalog: Catalog, stack: str) -> Math | None:
    """Returns the requests that all replicas of a model run and queue; `None` without metrics.

    A replica that does not serve yet reports nothing, and has no requests.
    """
    found = server_metrics(work, catalog, stack)
    queries = tuple(
        Query(f"part{at}", metric)
        for at, metric in enumerate(found.requests_at_once if found else ())
    )
    expression = " + ".join(query.id for query in queries)
    return Math(expression, "requests at once", queries) if queries else None


def environment(
    work: RegionalWorkload, catalog: Catalog, *, stack: str, log_group: str
) -> dict[str, str]:
    """Returns the agent's configuration; in bridge mode the server has its container's name."""
    found = metrics(work, catalog)
    declared = {
        "source_labels": ["job"],
        "label_matcher": f"^{_JOB}$",
        "dimensions": [list(_DIMENSIONS)],
        "metric_selectors": [f"^{name}$" for name in found],
    }
    variables = agent.variables(
        region=work.region,
        log_group=log_group,
        jobs=[_scraping(work, stack, "|".join(found))],
        metrics={
            "metric_declaration_dedup": True,
            "metric_namespace": choices.METRIC_NAMESPACE,
            "metric_declaration": [declared],
        },
        cluster=stack,
    )
    measured = server_metrics(work, catalog, stack)
    first = measured.first_token if measured else None
    if first is None:
        return variables
    return variables | agent.histogram(
        region=work.region,
        log_group=log_group,
        job=_scraping(work, stack, f"{first.name}_(bucket|count|sum)"),
        name=first.name,
        namespace=first.namespace,
        dimensions=_DIMENSIONS,
    )


def _scraping(work: RegionalWorkload, stack: str, kept: str) -> agent.Json:
    """What is not kept would be written to the log as well."""
    host = work.name if work.network_mode == "bridge" else "localhost"
    targets = [f"{host}:{port}" for port in work.spec.served_ports[:1]]
    labels = dict(zip(_DIMENSIONS, (work.name, stack), strict=True))
    return {
        "job_name": _JOB,
        "metrics_path": choices.METRICS_PATH,
        "static_configs": [{"targets": targets, "labels": labels}],
        "metric_relabel_configs": [
            {"source_labels": ["__name__"], "regex": kept, "action": "keep"}
        ],
    }
