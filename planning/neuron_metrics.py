"""The metrics of neuron-monitor: which of them CloudWatch gets, by which dimension."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from catalog import NeuronMetric
from planning import plan
from planning.agent import Json
from planning.alarms import Dimension, Metric, Statistic
from planning.canonical import canonical

JOB = "neuron-monitor"
TAG = "runtime_tag"
"""The label of neuron-monitor that has the `NEURON_PROCESS_TAG` of a process."""

BUSY = "neuroncore_utilization_ratio"
MEMORY = "neuron_runtime_memory_used_bytes"
ERRORS = "execution_errors_total"
ECC = "hardware_ecc_events_total"
PROBLEM = "problem_gauge"
"""Of the node problem detector: 1 while an instance has the condition `HEALTH`."""
HEALTH = "NeuronHealth"
HARDWARE = {
    "hardware errors of executions": (ERRORS, "error_type", "hardware"),
    "mem_ecc_uncorrected": (ECC, "event_type", "mem_ecc_uncorrected"),
    "sram_ecc_uncorrected": (ECC, "event_type", "sram_ecc_uncorrected"),
}
"""Counts of what a chip cannot correct: metric, dimension and its value."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """A task whose processes have a tag: of a model or job, on devices of a pool."""

    tag: str
    workload: str
    pool: str
    devices: tuple[int, ...]
    is_job: bool


def tagged(region: plan.RegionPlan) -> tuple[Tagged, ...]:
    """Returns the tasks that a Region's daemons watch, each tag once, in the order of the map of
    its chips."""
    tasks = [(s.pool, m.name, s.task_definition, False) for m in region.models for s in m.services]
    tasks += [(job.pool, job.name, job.task_definition, True) for job in region.jobs]
    found: dict[str, Tagged] = {}
    for pool in region.auto_scaling.pools if region.auto_scaling else ():
        here = [
            Tagged(task.process_tag, name, pool.name, task.devices, is_job)
            for key, name, task, is_job in tasks
            if key == pool.key and task.process_tag and task.devices != "all"
        ]
        for one in sorted(here, key=lambda one: (one.devices, one.is_job, one.workload)):
            found.setdefault(one.tag, one)
    return tuple(found.values())


def measured(
    namespace: str, name: str, dimension: str, value: str, statistic: Statistic, seconds: int
) -> Metric:
    """Returns a metric of neuron-monitor."""
    return Metric(namespace, name, (Dimension(dimension, value),), statistic, seconds)


def scraping(ports: Mapping[str, int], metrics: Iterable[NeuronMetric]) -> list[Json]:
    """Returns what Prometheus reads: jobs by the port of the host at which each is.

    What no metric needs is dropped before it becomes a log event, and so is what runs without a
    tag: neuron-monitor calls it by the number of its process, and each number would be a metric.
    """
    names = "|".join(sorted({metric.metric for metric in metrics}))
    return [
        {
            "job_name": job,
            "static_configs": [{"targets": [f"localhost:{number}"]}],
            "metric_relabel_configs": [
                {"source_labels": ["__name__"], "regex": names, "action": "keep"},
                {"source_labels": [TAG], "regex": "[0-9]+", "action": "drop"},
                {
                    "source_labels": ["memory_location", "event_type"],
                    "regex": "host;|;.*_corrected",
                    "action": "drop",
                },
            ],
        }
        for job, number in ports.items()
    ]


def problems(faults: Iterable[str]) -> str:
    """Returns the configuration of the node problem detector as JSON: the kernel's log is read for
    what the Neuron driver reports there.

    https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/ecs/npd.html
    """
    good = {"type": HEALTH, "reason": "NeuronHasNoError", "message": "Neuron has no error"}
    return canonical(
        {
            "plugin": "kmsg",
            "logPath": "/dev/kmsg",
            "lookback": "5m",
            "bufferSize": 10,
            "source": "kernel-monitor",
            "conditions": [good],
            "rules": [
                {
                    "type": "permanent",
                    "condition": HEALTH,
                    "reason": f"NeuronHasError_{fault}",
                    "pattern": f".*NEURON_HW_ERR={fault}.*",
                }
                for fault in faults
            ],
        }
    )


def publishing(namespace: str, metrics: Iterable[NeuronMetric]) -> Json:
    """Returns which metrics the agent makes of what is read.

    A counter of Prometheus becomes what was added to it since the last look.
    """
    rows = tuple(metrics)
    return {
        "metric_namespace": namespace,
        "metric_unit": {row.metric: row.unit for row in rows},
        "metric_declaration": [
            {
                "source_labels": [row.label],
                "label_matcher": f"^({row.matches})$",
                "dimensions": [[row.dimension]],
                "metric_selectors": [f"^{row.metric}$"],
            }
            for row in rows
        ],
    }
