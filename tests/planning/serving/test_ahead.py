"""Models that a job compiles ahead: what the job does, and what tasks do without its result."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from messages.finding import Severity
from planning import Plan
from planning.compile_cache import CompileCache
from planning.plan import EfsVolume, ModelPlan
from planning.serving import ahead
from tests.planning.fixtures_served import PINNED, TINY, compiled
from tests.planning.stacks import (
    Config,
    changed,
    codes,
    decide_on,
    findings_of,
    groups,
    situation_of,
)

IN_S3 = {"cache": "s3://my-cache-{region}/neuron/"}
ANSWERS = """\
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


def model_of(plan: Plan) -> ModelPlan:
    (model,) = plan.regions[0].models
    return model


def cache_of(plan: Plan) -> CompileCache:
    cache = model_of(plan).cache
    assert cache is not None
    return cache


def containers(plan: Plan) -> dict[str, dict[str, Any]]:
    """The containers of a task of the model, and that of the job, by name."""
    (job,) = plan.regions[0].jobs
    tasks = (model_of(plan).services[0].task_definition, job.task_definition)
    return {c["name"]: c for t in tasks for c in json.loads(t.container_definitions)}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def run(entry_point: list[str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *entry_point[1:], *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_run_ends_well_once_the_server_answers_and_leaves_the_marker(tmp_path: Path) -> None:
    *script, _, _ = containers(decide_on(compiled()))["compile-m"]["entryPoint"]
    port, marker = free_port(), tmp_path / "0123" / "compiled.json"
    words = [sys.executable, "-c", ANSWERS, str(port)]
    done = run([*script, f"http://127.0.0.1:{port}/health", str(marker)], *words)
    assert done.returncode == 0, done.stderr
    assert json.loads(marker.read_text())["command"] == words


@pytest.mark.parametrize(("end", "code"), [("sys.exit(3)", 3), ("sys.exit(0)", 1), ("kill", 137)])
def test_a_run_fails_as_the_server_does_and_leaves_no_marker(
    tmp_path: Path, end: str, code: int
) -> None:
    *script, _, _ = containers(decide_on(compiled()))["compile-m"]["entryPoint"]
    marker = tmp_path / "compiled.json"
    ends = f"import os, sys; {'os.kill(os.getpid(), 9)' if end == 'kill' else end}"
    url = f"http://127.0.0.1:{free_port()}/health"
    done = run([*script, url, str(marker)], sys.executable, "-c", ends)
    assert (done.returncode, marker.exists()) == (code, False)


@pytest.mark.parametrize(
    ("keys", "replicas", "stops"),
    [({}, 1, False), ({}, 2, True), ({"stage": "production"}, 1, True)],
    ids=["development", "shared by two tasks", "production"],
)
def test_a_task_without_the_marker_stops_in_production_and_where_others_write(
    tmp_path: Path, keys: dict[str, Any], replicas: int, stops: bool
) -> None:
    plan = decide_on(compiled(model={"replicas": replicas}, **keys))
    gate = containers(plan)["m-compiled"]
    assert cache_of(plan).required == stops
    assert {"containerName": "m-compiled", "condition": "SUCCESS"} in (
        containers(plan)["m"]["dependsOn"]
    )
    marker = tmp_path / "compiled.json"
    *shell, script = gate["entryPoint"]
    command = [*shell, script, str(marker), *gate["command"][1:]]
    without = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "neuron-ecs compile m --stack test" in without.stdout
    assert without.returncode == int(stops)
    marker.touch()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_job_has_the_command_the_devices_and_the_directories_of_the_tasks() -> None:
    plan = decide_on(compiled())
    served, job = containers(plan)["m"], containers(plan)["compile-m"]
    assert job["command"] == served["command"]
    assert job["linuxParameters"]["devices"] == served["linuxParameters"]["devices"]
    assert job["mountPoints"] == served["mountPoints"]
    marker = cache_of(plan).marker
    assert job["entryPoint"][-1] == marker
    tags = {"m": "m/1", "compile-m": "job/compile-m"}
    assert {"name": "NEURON_PROCESS_TAG", "value": tags["m"]} in served["environment"]
    assert {"name": "NEURON_PROCESS_TAG", "value": tags["compile-m"]} in job["environment"]
    for variable in served["environment"]:
        assert variable["value"] in tags.values() or variable in job["environment"], (
            "the artefacts are where the tasks look for them"
        )
    assert {m["containerPort"] for m in job["portMappings"]} >= {20000}, "its chips are locked"


def test_the_directory_of_a_file_system_stays_while_the_fingerprint_changes() -> None:
    places: set[str] = set()
    prints: set[str] = set()
    for length in (512, 1024):
        plan = decide_on(compiled({"max_model_len": length}))
        prints.add(cache_of(plan).fingerprint)
        task = model_of(plan).services[0].task_definition
        places |= {v.access_point for v in task.volumes if isinstance(v, EfsVolume)}
    assert len(prints) == 2
    assert len(places) == 1, "a run of the new settings needs no update of the stack before it"


def test_a_cache_in_s3_is_looked_for_there_and_marked_by_whoever_starts_the_run() -> None:
    plan = decide_on(compiled(IN_S3))
    found = containers(plan)
    prefix = f"s3://my-cache-us-west-2/neuron/{cache_of(plan).fingerprint}"
    assert cache_of(plan).marker == f"{prefix}/compiled.json"
    assert found["m-compiled"]["command"][0] == f"{prefix}/compiled.json"
    assert "aws-cli" in found["m-compiled"]["image"]
    assert found["compile-m"]["entryPoint"][-1] == "-", "the run itself writes none"
    role = next(r for r in plan.roles if r.key == "job_compile-m_task")
    assert "my-cache-us-west-2" in str(role) and "PutObject" in str(role)


def test_a_server_without_arguments_of_its_own_is_started_as_its_image_does() -> None:
    job = containers(decide_on(compiled({**IN_S3, "server": "optimum"})))["compile-m"]
    assert job["entryPoint"][-3:] == ["optimum-cli", "neuron", "serve"]


def test_a_task_that_only_loads_needs_less_memory_than_the_job() -> None:
    model = "Qwen/Qwen2.5-7B-Instruct"
    small = groups("inf2.xlarge")
    found: dict[str, set[str]] = {}
    for stage in ("development", "production"):
        config: Config = compiled(
            {"model": model, "compile_on": "large", "max_model_len": 2048, "max_num_seqs": 1},
            stage=stage,
        )
        capacity = json.dumps({"pool": small, "large": groups("inf2.8xlarge")})
        found[stage] = codes({**config, "neuron-ecs:capacity": capacity})
    assert "NE912" in found["development"], "its own start may have to compile"
    assert "NE912" not in found["production"]
    assert not {"NE944"} & (found["development"] | found["production"])


def test_what_a_job_shares_with_its_model_is_said_of_the_model_alone() -> None:
    config = compiled(model={"image": "public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:0.1"})
    paths = {f.path for f in findings_of(config)}
    assert "models.m.image" in paths
    assert not {p for p in paths if p.startswith(("jobs.", "models.m.sidecars"))}


def test_long_names_of_models_have_jobs_with_names_of_their_own() -> None:
    names = {ahead.job_name("m" * 39 + end) for end in "abc"}
    assert len(names) == 3
    assert max(map(len, names)) <= ahead.NAME_MAX
    assert situation_of(compiled()).compile_jobs == {"compile-m": "m"}
    assert TINY in str(compiled())


def test_the_job_has_what_its_loader_waits_for() -> None:
    image = "111122223333.dkr.ecr.us-west-2.amazonaws.com/tools:1"
    proxy = {"image": image, "memory_mib": 64}
    loader = {**proxy, "starts_after": {"proxy": "started"}}
    config = changed(
        compiled(),
        "models.m",
        sidecars={"proxy": proxy, "loader": loader},
        starts_after={"loader": "success"},
    )
    (job,) = decide_on(config).regions[0].jobs
    names = {c["name"] for c in json.loads(job.task_definition.container_definitions)}
    assert {"compile-m-proxy", "compile-m-loader"} <= names


def test_what_the_model_has_is_not_told_of_its_copies() -> None:
    """The job has the port of the model at another path, and its pool."""
    found = findings_of(compiled(model={"network_mode": "host", "port": 20_000}))
    assert [f.path for f in found if f.code == "NE309"] == ["models.m.port"]


def test_the_pool_that_compiles_gets_the_ami_that_suits_the_image() -> None:
    found = findings_of(compiled(on=groups("inf2.8xlarge")))
    assert not [f for f in found if f.code in ("NE404", "NE408")]
    (note,) = [f for f in found if f.code == "NE908"]
    assert (note.path, note.what.rpartition(", for ")[2]) == ("capacity.other.ami", "m")


def test_a_cache_that_does_not_exist_is_one_mistake_at_its_field() -> None:
    for place, path, code in (
        ("nowhere", "models.m.serve.cache", "NE360"),
        ("s3://my..cache/a/", "models.m.serve.cache", "NE518"),
    ):
        found = findings_of(compiled({"cache": place}, on=groups("inf2.8xlarge")))
        assert [(f.code, f.path) for f in found if f.severity is Severity.ERROR] == [(code, path)]


@pytest.mark.parametrize("mode", ["bridge", "awsvpc"])
def test_the_job_takes_any_free_devices_also_where_the_model_names_its_own(mode: str) -> None:
    """Without a lock the model would share the ones that it names with the job."""
    model = {"neuron_devices": [0], "network_mode": mode}
    config = compiled(model=model)
    config = changed(config, "capacity", pool=groups("inf2.24xlarge", ami={"version": PINNED}))
    (job,) = decide_on(config).regions[0].jobs
    assert job.task_definition.devices == (1,)
    cores = {"NEURON_RT_VISIBLE_CORES": "0-1"}
    named = changed(config, "models.m", network_mode="bridge", environment=cores)
    (job,) = decide_on(named).regions[0].jobs
    assert job.task_definition.devices == (0,), "the variable counts cores of the instance"
