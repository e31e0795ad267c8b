"""The CloudWatch agent in a container: what it reads, and which metrics it makes of that.

It reads as Prometheus does, and writes to a log group in CloudWatch's embedded metric format
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/ContainerInsights-Prometheus-Setup-configure-ECS.html).
That way drops histograms
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/ContainerInsights-Prometheus-metrics-conversion.html):
they take a pipeline of OpenTelemetry beside it.
"""

from collections.abc import Mapping, Sequence

from catalog import Catalog
from planning import choices
from planning.canonical import canonical

_PROMETHEUS = "PROMETHEUS_CONFIG_CONTENT"
_SUFFIX = "histogram"
Json = Mapping[str, object]


def image(catalog: Catalog) -> str:
    """Returns the agent's image, where the stack file has none."""
    return catalog.neuron.daemon_images["cloudwatch-agent"]


def variables(
    *, region: str, log_group: str, jobs: Sequence[Json], metrics: Json, cluster: str = ""
) -> dict[str, str]:
    """Returns the variables that configure the agent.

    `jobs` are the scrape configurations of Prometheus, `metrics` says which of what they read
    become metrics. `cluster` is a label of every event; without one the agent looks for a name.
    """
    published = {
        "log_group_name": log_group,
        "prometheus_config_path": f"env:{_PROMETHEUS}",
        "emf_processor": metrics,
    }
    if cluster:
        published["cluster_name"] = cluster
    configured = {
        "agent": {"region": region},
        "logs": {"metrics_collected": {"prometheus": published}},
    }
    return {"CW_CONFIG_CONTENT": canonical(configured), _PROMETHEUS: canonical(_scraped(jobs))}


def _scraped(jobs: Sequence[Json]) -> Json:
    seconds = {"scrape_interval": choices.METRIC_SECONDS, "scrape_timeout": choices.SCRAPE_SECONDS}
    return {"global": {name: f"{n}s" for name, n in seconds.items()}, "scrape_configs": jobs}


def histogram(
    *,
    region: str,
    log_group: str,
    job: Json,
    name: str,
    namespace: str,
    dimensions: Sequence[str],
) -> dict[str, str]:
    """Returns the variable that makes a metric of a histogram: number and sum of what was added
    since the last look, so that its average is known and its percentiles are not.

    The agent appends these components to its own, each with a suffix
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Agent-appending-OpenTelemetry-config-files.html);
    in a container it takes them from the variable
    (https://github.com/aws/amazon-cloudwatch-agent, cmd/amazon-cloudwatch-agent: mergeConfigs).
    Without requests since then there is no number of which CloudWatch could make a statistic.
    """
    receiver, delta, kept, exporter = (
        f"{kind}/{_SUFFIX}" for kind in ("prometheus", "cumulativetodelta", "filter", "awsemf")
    )
    pipeline = {"receivers": [receiver], "processors": [delta, kept], "exporters": [exporter]}
    configured = {
        "receivers": {receiver: {"config": _scraped([job])}},
        "processors": {
            delta: {"include": {"metrics": [name], "match_type": "strict"}},
            kept: {"metrics": {"metric": [f'name != "{name}"'], "datapoint": ["count == 0"]}},
        },
        "exporters": {
            exporter: {
                "region": region,
                "namespace": namespace,
                "log_group_name": log_group,
                "log_stream_name": _SUFFIX,
                "dimension_rollup_option": "NoDimensionRollup",
                "metric_declarations": [
                    {"dimensions": [dimensions], "metric_name_selectors": [name]}
                ],
            }
        },
        "service": {"pipelines": {f"metrics/{_SUFFIX}": pipeline}},
    }
    return {"CW_OTEL_CONFIG_CONTENT": canonical(configured)}
