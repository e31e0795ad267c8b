"""Models that are compiled before their tasks start: the job, and what looks for its result.

The job runs the server with the command of the tasks until it answers: then everything that a start
compiles is in the cache. It leaves a marker there, for which a container of each task looks first.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from catalog import ModelLoader, Server
from config import (
    EfsVolumeEntry,
    JobEntry,
    ModelEntry,
    ModelOverride,
    Replicas,
    S3FilesVolumeEntry,
    Settings,
    Sidecar,
    Workload,
    WorkloadOverride,
)
from planning import names
from planning.serving.cache import Cache
from planning.serving.servers import VISIBLE_CORES, VISIBLE_DEVICES

GATE = "compiled"
"""The sidecar that looks for the marker."""
NAME_MAX = 40
"""Characters of a name in the stack file."""
_GATE_MIB = 128
_OF_MODELS = (
    *("port", "ports", "health_check", "stop_timeout_seconds", "cpu_units", "memory_mib"),
    *("capacity", "entry_point", "command", "sidecars", "starts_after"),
)
"""Fields of a model that its job has otherwise, or not."""

# No text has braces: they stand for values of the Region in texts of a stack file.
_RUN = """\
import json, os, subprocess, sys, time, urllib.request
url, marker, *words = sys.argv[1:]
server = subprocess.Popen(words)
answered, seconds = False, 0.2
while not answered and server.poll() is None:
    try:
        answered = urllib.request.urlopen(url, timeout=5).status == 200
    except OSError:
        try:
            server.wait(seconds)
        except subprocess.TimeoutExpired:
            seconds = min(2 * seconds, 5)
if not answered:
    code = server.returncode
    sys.exit(128 - code if code < 0 else max(code, 1))
server.terminate()
try:
    server.wait(100)
except subprocess.TimeoutExpired:
    server.kill()
if marker != "-":
    os.makedirs(os.path.dirname(marker), exist_ok=True)
    with open(marker + ".new", "w") as file:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        json.dump(dict(compiled=at, command=words), file)
    os.replace(marker + ".new", marker)
print("compiled: the server answered, and was stopped")
"""
_LOOK = 'if test -f "$0"; then echo "compiled: $0"; else echo "$1"; exit $2; fi'
_LOOK_IN_S3 = 'if aws s3 ls "$0"; then echo "compiled: $0"; else echo "$1"; exit $2; fi'


def is_ahead(entry: ModelEntry) -> bool:
    """Whether a job compiles the model."""
    return entry.serve is not None and entry.serve.compile == "ahead"


def required(entry: ModelEntry, settings: Settings) -> bool:
    """Whether a task of a model stops where the job has left nothing.

    In production, where a start that compiles is an outage; and where several tasks share a file
    system, which one job alone writes.
    """
    if not is_ahead(entry):
        return False
    return settings.stage == "production" or (shared(entry, settings) and most_tasks(entry) > 1)


def shared(entry: ModelEntry, settings: Settings) -> bool:
    """Whether the cache of a model is a file system that its tasks share."""
    place = entry.serve.cache if entry.serve else None
    return isinstance(settings.volumes.get(place or ""), EfsVolumeEntry | S3FilesVolumeEntry)


def most_tasks(entry: ModelEntry) -> int:
    """The tasks of a model at most in one Region."""
    overrides = entry.regions if isinstance(entry.regions, dict) else {}
    own: list[Replicas] = [o.replicas for o in overrides.values() if o.replicas]
    return max(replicas.most for replicas in (entry.replicas, *own))


def job_name(model: str) -> str:
    """The name of the job that compiles a model."""
    return names.fitted(f"compile-{model}", NAME_MAX)


@dataclass(frozen=True, slots=True)
class Ahead:
    """The job that compiles a model, and what its tasks look for.

    ``memory_mib`` is what compiling takes of the host, 0 where nobody knows. ``required``: without
    the marker a task stops.
    """

    name: str
    job: JobEntry
    fingerprint: str
    marker: str
    required: bool
    memory_mib: int


def run_command(cache: Cache, server: Server, entry: ModelEntry) -> tuple[str, ...]:
    """The entry point of the job: what follows is the command of the model.

    It writes no marker in S3: whoever starts the job does so.
    """
    path = entry.health_check.path if entry.health_check else "/health"
    url = f"http://127.0.0.1:{entry.served_ports[0]}{path}"
    marker = "-" if cache.kind == "s3" else cache.marker
    program = entry.entry_point or tuple(w for w in server.compile_command if w != "{command}")
    return ("python3", "-c", _RUN, url, marker, *program)


def gate(
    name: str, stack: str, cache: Cache, image: str, loader: ModelLoader, *, stops: bool
) -> Sidecar:
    """The container that looks for the marker: of the server's image, or of one with the AWS CLI.

    With `stops` it fails without one, and the server, which starts after its success, never does.
    """
    said = f"{name} is not compiled as it is now ({cache.fingerprint}). "
    command = f"neuron-ecs compile {name} --stack {stack}"
    said += f"Run: {command}" if stops else f"It compiles now; before the next start run: {command}"
    in_s3 = cache.kind == "s3"
    return Sidecar(
        image=loader.image if in_s3 else image,
        entry_point=("sh", "-c", _LOOK_IN_S3 if in_s3 else _LOOK),
        command=(cache.marker, said, "1" if stops else "0"),
        memory_mib=2 * _GATE_MIB if in_s3 else _GATE_MIB,
        mounts=cache.mounts,
    )


def before_start(entry: ModelEntry) -> dict[str, Sidecar]:
    """The sidecars whose end the server waits for, but for the one that looks for the marker, and
    those that they wait for."""
    found: dict[str, Sidecar] = {}
    todo = [n for n, c in entry.starts_after.items() if c in ("complete", "success") and n != GATE]
    while todo:
        name = todo.pop()
        if name in entry.sidecars and name not in found:
            found[name] = entry.sidecars[name]
            todo += found[name].starts_after
    return found


def job_of(
    entry: ModelEntry,
    cache: Cache,
    server: Server,
    *,
    sidecars: Mapping[str, Sidecar],
    memory_mib: int | None,
) -> JobEntry:
    """The job: the model's own container with all that it has, and what loads the model."""
    serve = entry.serve
    assert serve is not None
    same = entry.model_fields_set - set(_OF_MODELS)
    fields = {f: getattr(entry, f) for f in Workload.model_fields if f in same}
    environment = dict(entry.environment)
    for variable, value in cache.retries:
        environment[variable] = f"{environment.get(variable, '')} {value}".strip()
    regions: object = entry.regions
    if isinstance(entry.regions, dict):
        own: dict[str, ModelOverride] = entry.regions
        pools = {r: None if serve.compile_on else o.capacity for r, o in own.items()}
        regions = {r: WorkloadOverride(capacity=pool) for r, pool in pools.items()}
    return JobEntry.model_validate(
        {
            **fields,
            "capacity": serve.compile_on or entry.capacity,
            "neuron_devices": _devices(entry),
            "entry_point": run_command(cache, server, entry),
            "command": entry.command,
            "environment": environment,
            "sidecars": dict(sidecars),
            "starts_after": {n: c for n, c in entry.starts_after.items() if n in sidecars},
            "memory_mib": memory_mib,
            "ports": entry.served_ports,  # in host mode no other task may have them
            "regions": regions,
        }
    )


def _devices(entry: ModelEntry) -> object:
    """As many as the model has; the same ones only where a variable names their cores."""
    given = entry.neuron_devices
    named = {VISIBLE_CORES, VISIBLE_DEVICES} & entry.environment.keys()
    return len(given) if isinstance(given, tuple) and not named else given
