"""The requests that a server runs and queues, measured by a sidecar of each task.

The sidecar is the CloudWatch agent: it reads the server's metrics once a minute and writes them to
the model's log group.
"""

from catalog import Catalog
from config import ModelEntry, Settings, Sidecar
from planning import agent, choices
from planning.alarms import Dimension, Math, Metric, Query
from planning.entries import RegionalWorkload
from planning.reached import running_server

_JOB = "model"


def with_agents(settings: Settings, catalog: Catalog) -> Settings:
    """Returns the settings with a sidecar in each model that scales by its queue.

    One that the stack file has under its name stays, with an image or sizes of its own.
    """
    queued = {name: model for name, model in settings.models.items() if by_queue(model)}
    if not queued:
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
        for name, model in queued.items()
    }
    return settings.model_copy(update={"models": {**settings.models, **models}})


def by_queue(entry: object) -> bool:
    """Whether a model scales by its queue."""
    return isinstance(entry, ModelEntry) and bool(entry.scaling and entry.scaling.queue is not None)


def metrics(work: RegionalWorkload, catalog: Catalog) -> tuple[str, ...]:
    """Returns the server's metrics that add up to its requests; empty if it has none.

    Of a server that no table knows they are those of vLLM.
    """
    row = running_server(work.spec, catalog)
    known = (one.queue_metrics for one in catalog.containers.servers.values() if one.queue_metrics)
    return row.queue_metrics if row else next(known, ())


def load(work: RegionalWorkload, catalog: Catalog, stack: str) -> Math | None:
    """Returns the requests that all replicas of a model run and queue; `None` without metrics.

    Each replica reports once a minute, so that the sum of a minute is the model's. One that does
    not serve yet reports nothing, and has no requests.
    """
    queries = tuple(
        Query(
            f"part{at}",
            Metric(
                choices.METRIC_NAMESPACE,
                name,
                (Dimension("Model", work.name), Dimension("Stack", stack)),
                "Sum",
                choices.METRIC_SECONDS,
            ),
        )
        for at, name in enumerate(metrics(work, catalog))
    )
    expression = " + ".join(query.id for query in queries)
    return Math(expression, "requests at once", queries) if queries else None


def environment(
    work: RegionalWorkload, catalog: Catalog, *, stack: str, log_group: str
) -> dict[str, str]:
    """Returns the agent's configuration; in bridge mode the server has its container's name."""
    found = metrics(work, catalog)
    host = work.name if work.network_mode == "bridge" else "localhost"
    scraped = {
        "job_name": _JOB,
        "metrics_path": choices.METRICS_PATH,
        "static_configs": [
            {
                "targets": [f"{host}:{port}" for port in work.spec.served_ports[:1]],
                "labels": {"Model": work.name, "Stack": stack},
            }
        ],
        # What is not kept would be written to the log as well.
        "metric_relabel_configs": [
            {"source_labels": ["__name__"], "regex": "|".join(found), "action": "keep"}
        ],
    }
    declared = {
        "source_labels": ["job"],
        "label_matcher": f"^{_JOB}$",
        "dimensions": [["Model", "Stack"]],
        "metric_selectors": [f"^{name}$" for name in found],
    }
    return agent.variables(
        region=work.region,
        log_group=log_group,
        jobs=[scraped],
        metrics={
            "metric_declaration_dedup": True,
            "metric_namespace": choices.METRIC_NAMESPACE,
            "metric_declaration": [declared],
        },
        cluster=stack,
    )
