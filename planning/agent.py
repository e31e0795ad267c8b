"""The CloudWatch agent in a container: what it reads, and which metrics it makes of that.

It reads as Prometheus does, and writes to a log group in CloudWatch's embedded metric format
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/ContainerInsights-Prometheus-Setup-configure-ECS.html).
"""

from collections.abc import Mapping, Sequence

from catalog import Catalog
from planning import choices
from planning.canonical import canonical

_PROMETHEUS = "PROMETHEUS_CONFIG_CONTENT"
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
    scraped = {
        "global": {
            "scrape_interval": f"{choices.METRIC_SECONDS}s",
            "scrape_timeout": f"{choices.SCRAPE_SECONDS}s",
        },
        "scrape_configs": jobs,
    }
    configured = {
        "agent": {"region": region},
        "logs": {"metrics_collected": {"prometheus": published}},
    }
    return {"CW_CONFIG_CONTENT": canonical(configured), _PROMETHEUS: canonical(scraped)}
