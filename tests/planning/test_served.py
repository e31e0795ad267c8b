"""Models of `serve`: what is derived is what a reader would have written."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import load
from messages.finding import Severity
from neuron_ecs.stackfile import explained
from neuron_ecs.stackfile.yaml_values import load as read_yaml
from planning import Plan, Refused
from planning.plan import AutoScalingPool, EmptyVolume
from planning.serving.memory import Verdict
from planning.serving.options import ModelRequirements, all_options, serving_options
from tests.planning import fixing
from tests.planning.fixtures import PINNED
from tests.planning.fixtures_served import FIXTURES, LLAMA, NXDI, TINY, TOKEN, serving
from tests.planning.stacks import (
    PROJECT,
    Config,
    Entry,
    changed,
    codes,
    decide_on,
    finding,
    findings_of,
    groups,
    managed,
    situation_of,
    stack,
)

KNOWN = load()
MODELS = sorted(KNOWN.serving.models)
TYPES = sorted(t for t, k in KNOWN.instances.neuron_types.items() if k.neuron)
BUCKET = "s3://acme-models/support-chat/"
MIRROR = "111122223333.dkr.ecr.{region}.amazonaws.com/aws-cli:2.32.9"
SIZES = (512, 2048, 8192)
EMBEDDER = "Qwen/Qwen3-Embedding-8B"


def task_definitions(plan: Plan) -> list[str]:
    """Every task definition of the plan's models, as text."""
    return [
        service.task_definition.container_definitions
        for region in plan.regions
        for model in region.models
        for service in model.services
    ]


def written_out(config: Config, plan: Plan) -> Config:
    """The stack file with what `models explain` prints in the place of each entry."""
    for model in plan.written:
        text = "\n".join(explained.lines(model, 100))
        entry: Any = read_yaml(text).value
        config = changed(config, "models", **{model.name: entry[model.name]})
        for value in model.values:
            if value.field.startswith("volumes."):
                volume = {value.field.partition(".")[2]: json.loads(value.value)}
                config = {**config, f"{PROJECT}:volumes": json.dumps(volume)}
    for path, version in amis(config):
        config = changed(config, path, ami={"version": version})
    return config


def amis(config: Config) -> list[tuple[str, str]]:
    """The AMI that follows for a pool, from its note."""
    notes = [f for f in findings_of(config) if f.code == "NE908"]
    return [(f.path.removesuffix(".ami"), f.fix.rpartition(" ")[2]) for f in notes]


@st.composite
def configs(draw: st.DrawFn) -> Config:
    serve: Entry = {"model": draw(st.sampled_from(MODELS))}
    options: dict[str, st.SearchStrategy[object]] = {
        "max_model_len": st.sampled_from((512, 2048, 8192)),
        "max_num_seqs": st.integers(1, 16),
        "revision": st.just("main"),
        "served_name": st.just("chat"),
        "data_type": st.sampled_from(("bfloat16", "float32")),
        "arguments": st.just(["--seed=1"]),
    }
    for name, values in options.items():
        if draw(st.integers(0, 3)) == 0:
            serve[name] = draw(values)
    beside: dict[str, st.SearchStrategy[object]] = {
        "port": st.just(9000),
        "environment": st.just({"LOG_LEVEL": "debug"}),
        "health_check": st.sampled_from(({"retries": 4}, {"grace_seconds": 900})),
        "shared_memory_mib": st.just(64),
        "replicas": st.just(1),
    }
    shapes: Entry = {}
    if draw(st.integers(0, 4)) == 0:
        shapes = {BUCKET: {"like": serve["model"]}}
        serve["model"] = BUCKET
        beside["sidecars"] = st.sampled_from(
            ({"load": {"image": MIRROR}}, {"load": {"image": MIRROR, "memory_mib": 512}})
        )
        beside["shared_paths"] = st.just(["/scratch"])
    more: Entry = {k: draw(v) for k, v in beside.items() if draw(st.integers(0, 4)) == 0}
    kind = draw(st.sampled_from(TYPES))
    return serving(serve, groups(kind, 3), shapes=shapes, secrets=TOKEN, **more)


@settings(max_examples=150)
@given(configs())
def test_an_entry_as_written_out_makes_the_same_tasks(config: Config) -> None:
    try:
        plan = decide_on(config)
    except Refused:
        return
    more = [f.fix for f in findings_of(config) if f.code == "NE912"]
    assert not any("write memory_mib" in fix for fix in more), "the planner gives what it can"
    pinned = config
    for path, version in amis(config):
        pinned = changed(pinned, path, ami={"version": version})
    again = decide_on(written_out(pinned, plan))
    assert task_definitions(again) == task_definitions(plan)
    assert again.written == (), "nothing says serve any more"


@settings(max_examples=150)
@given(
    st.sampled_from(MODELS),
    st.sampled_from(TYPES),
    st.sampled_from((512, 2048, 8192, 32_768, 200_000)),
    st.sampled_from((1, 4, 16, 64)),
)
def test_a_model_is_refused_exactly_where_nothing_serves_it(
    name: str, kind: str, length: int, sequences: int
) -> None:
    config = serving(
        {"model": name, "max_model_len": length, "max_num_seqs": sequences},
        groups(kind, 3),
        secrets=TOKEN,
    )
    findings = findings_of(config)
    refused = {f.code for f in findings} & {"NE901", "NE905", "NE906"}
    required = ModelRequirements(KNOWN.serving.models[name], length, sequences, precompiled=False)
    found = all_options(KNOWN.instances.neuron_types[kind], required, KNOWN)
    serves = not isinstance(found, str) and any(o.estimate.verdict is not Verdict.NO for o in found)
    assert bool(refused) == (not serves)
    proposed = re.search(r"max_model_len: (\d+)", " ".join(f.fix for f in findings))
    if proposed and "NE905" in refused:
        assert int(proposed[1]) <= KNOWN.serving.models[name].max_positions


@settings(max_examples=100)
@given(
    st.sampled_from(MODELS), st.sampled_from(TYPES), st.sampled_from((1, 8)), st.sampled_from(SIZES)
)
def test_a_task_takes_no_more_devices_than_its_image_needs(
    name: str, kind: str, sequences: int, length: int
) -> None:
    config = serving(
        {"model": name, "max_model_len": length, "max_num_seqs": sequences},
        groups(kind, 3),
        secrets=TOKEN,
    )
    written = situation_of(config).written
    if not written:
        return
    chosen = written["m"].choice
    hardware = KNOWN.instances.neuron_types[kind]
    assert hardware.neuron is not None
    taken = hardware.neuron.devices if chosen.devices == "all" else chosen.devices
    required = ModelRequirements(KNOWN.serving.models[name], length, sequences, precompiled=False)
    found = all_options(hardware, required, KNOWN)
    assert not isinstance(found, str)
    option = chosen.option
    assert option is not None and chosen.estimate is not None
    alike = [
        o.devices
        for o in found
        if (o.image, o.estimate.verdict, len(o.troubles), len(o.caveats))
        == (chosen.image, chosen.estimate.verdict, len(option.troubles), len(option.caveats))
    ]
    assert taken == min(alike), "other models have the rest of the instance"
    proposed = serving_options(hardware, required, KNOWN)
    ways = {(o.image.name, o.devices, o.degree) for o in proposed if not isinstance(o, str)}
    assert (chosen.image.name, taken, chosen.degree) in ways, "`neuron-ecs fit` proposes it too"


@pytest.mark.parametrize(
    ("code", "serve"),
    [
        ("NE902", {"model": "nobody/knows-it"}),
        ("NE903", {"model": TINY, "server": "nobodys"}),
        ("NE905", {"model": "Qwen/Qwen3-32B"}),
        ("NE906", {"model": TINY, "tensor_parallel": 64}),
    ],
)
def test_what_only_a_refused_model_uses_is_not_called_unused(code: str, serve: Entry) -> None:
    mount = {"disk": {"path": "/disk"}}
    config = stack(
        capacity={"pool": groups(root_volume_gib=30)},
        volumes={"disk": {"kind": "host", "size_gib": 1}},
        models={"m": {"capacity": "pool", "serve": serve, "mounts": mount, "port": 9000}},
        silence={"NE907": "the port is one of ours"},
    )
    found = codes(config)
    assert code in found
    assert found.isdisjoint({"NE011", "NE138", "NE361"}), "the model is the error, not its pool"


@pytest.mark.parametrize(
    ("serve", "pool", "words"),
    [
        ({"model": LLAMA}, groups("inf2.8xlarge"), "vllm serve"),
        ({"model": "Qwen/Qwen3-8B"}, groups("trn1.32xlarge"), "--batch-size=4"),
        ({"model": EMBEDDER}, groups("inf2.8xlarge"), "--task=embed"),
        ({"model": "openai/gpt-oss-20b"}, groups("trn2.48xlarge"), "--hf-overrides"),
        ({"model": "s3://my-models/resnet/"}, groups("inf1.xlarge"), "--model_base_path"),
        ({"model": BUCKET}, groups("inf2.8xlarge"), f"s3 sync {BUCKET} /models/m --no-progress"),
    ],
    ids=["llama", "qwen3", "embedding", "gpt-oss", "resnet", "fine-tuned"],
)
def test_six_lines_are_a_service(serve: Entry, pool: Entry, words: str) -> None:
    regions: Entry = {"us-east-2": {}} if "trn2" in pool["instance_type"] else {"us-west-2": {}}
    model = {
        "capacity": "pool",
        "serve": serve,
        "secrets": TOKEN if serve["model"] == LLAMA else {},
    }
    config = stack(
        regions=regions,
        capacity={"pool": pool},
        models={"m": model},
        shapes={BUCKET: {"like": LLAMA}},
        home=next(iter(regions)),
    )
    errors = [f for f in findings_of(config) if f.severity is Severity.ERROR]
    assert errors == []
    plan = decide_on(config)
    (region,) = plan.regions
    (text,) = set(task_definitions(plan))
    assert words in text.replace('","', " ")
    assert region.models[0].target_group is not None, "it is called through the load balancer"


REFUSED: list[tuple[str, Entry, Entry]] = [
    ("NE901", {"model": "Qwen/Qwen3-8B", "server": "nxdi"}, {}),
    ("NE901", {"model": "Qwen/Qwen3-8B", "server": "tf_serving"}, {}),
    ("NE901", {"model": "Qwen/Qwen3-8B", "server": "torchserve"}, {}),
    ("NE901", {"model": "Qwen/Qwen3-8B"}, {"image": NXDI}),
    ("NE901", {"model": "Qwen/Qwen2.5-7B-Instruct", "server": "optimum"}, {"image": NXDI}),
    ("NE901", {"model": "google/gemma-2b-it", "tensor_parallel": 2}, {}),
    ("NE901", {"model": "BAAI/bge-base-en-v1.5"}, {}),
    ("NE901", {"model": "google/gemma-2-27b-it"}, {}),
    ("NE905", {"model": BUCKET}, {}),
    ("NE905", {"model": LLAMA, "tensor_parallel": 1}, {"secrets": TOKEN}),
    ("NE906", {"model": LLAMA, "tensor_parallel": 8}, {"neuron_devices": 1, "secrets": TOKEN}),
]


@pytest.mark.parametrize(("code", "serve", "more"), REFUSED)
def test_a_refused_model_is_told_what_works(code: str, serve: Entry, more: Entry) -> None:
    shapes = {BUCKET: {"like": "meta-llama/Llama-3.3-70B-Instruct"}}
    config = serving(serve, groups("trn1.32xlarge"), shapes=shapes, **more)
    if serve["model"] == BUCKET:
        config = changed(config, "capacity.pool", instance_type="trn1.2xlarge")
    assert fixing.faults(config, code) == []
    for model in re.findall(r"neuron-ecs fit --model ([^ `]+)", finding(config, code).fix):
        required = ModelRequirements(KNOWN.serving.models[model], 512, 1, precompiled=False)
        types = KNOWN.instances.neuron_types.values()
        assert any(isinstance(serving_options(k, required, KNOWN), tuple) for k in types)


def test_a_model_fails_where_one_of_its_shape_is_known_to() -> None:
    shapes = {BUCKET: {"like": "Qwen/Qwen3-8B"}}
    written = situation_of(serving({"model": BUCKET}, groups("trn1.32xlarge"), shapes=shapes))
    assert written.written["m"].choice.image.server == "optimum"


@pytest.mark.parametrize(
    ("code", "shape"),
    [("NE950", {"like": "acme/none"}), ("NE951", {"like": "acme/m"}), ("NE952", {"layers": 4})],
)
def test_a_mistake_of_a_shape_is_not_told_of_its_model_again(code: str, shape: Entry) -> None:
    found = findings_of(serving({"model": "acme/m"}, shapes={"acme/m": shape}))
    assert [f.code for f in found if f.severity is Severity.ERROR] == [code]


def test_the_disk_of_an_instance_has_room_for_the_weights() -> None:
    """As images and host volumes: a size is written for other reasons only."""
    sizes: list[int] = []
    for model in (TINY, "meta-llama/Llama-3.3-70B-Instruct"):
        config = serving({"model": model}, groups("inf2.48xlarge"), secrets=TOKEN)
        assert "NE919" not in codes(config)
        (pool,) = decide_on(config).regions[0].pools
        assert isinstance(pool, AutoScalingPool)
        sizes.append(pool.root_volume_gib)
    assert sizes[1] - sizes[0] > 132, "a checkpoint of 132 GiB"


@pytest.mark.parametrize(
    ("code", "pool"),
    [
        ("NE104", groups("inf99.8xlarge")),
        ("NE104", managed("inf99.8xlarge")),
        ("NE105", groups("trn2.3xlarge")),
        ("NE105", managed("trn2.3xlarge")),
        ("NE108", None),
    ],
)
def test_a_mistake_of_the_pool_is_not_told_of_its_models_again(
    code: str, pool: Entry | None
) -> None:
    pools = {"pool": pool} if pool else {"other": groups()}
    models = {"m": {"capacity": "pool", "serve": {"model": TINY}}}
    where: Entry = {"home": "us-east-2", "regions": {"us-east-2": {}}}
    found = findings_of(stack(capacity=pools, models=models, **where))
    assert [f.code for f in found if f.severity is Severity.ERROR] == [code]


def test_what_is_written_wins() -> None:
    config = serving(
        {"model": TINY}, port=9000, environment={"A": "b"}, health_check={"grace_seconds": 60}
    )
    (text,) = set(task_definitions(decide_on(config)))
    (container,) = json.loads(text)
    assert "--port=9000" in container["command"]
    assert {"name": "A", "value": "b"} in container["environment"]
    notes = [f for f in findings_of(config) if f.code == "NE907"]
    assert {f.path for f in notes} == {"models.m.port", "models.m.health_check.grace_seconds"}


def test_a_command_beside_serve_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        decide_on(serving({"model": TINY}, command=["vllm", "serve", TINY]))
    (finding,) = refused.value.findings
    assert finding.path == "models.m.command"
    assert "serve.arguments" in finding.fix


def test_a_model_needs_an_image_or_serve() -> None:
    with pytest.raises(Refused) as refused:
        decide_on(stack(capacity={"pool": groups()}, models={"m": {"capacity": "pool"}}))
    (finding,) = refused.value.findings
    assert (finding.path, finding.what) == ("models.m.image", "is missing")
    assert "serve" in finding.fix


def test_models_of_one_pool_agree_on_its_ami() -> None:
    models = {
        "a": {"capacity": "pool", "serve": {"model": TINY}},
        "b": {"capacity": "pool", "serve": {"model": "Qwen/Qwen3-0.6B"}},
    }
    config = stack(capacity={"pool": groups("inf2.24xlarge")}, models=models)
    (region,) = decide_on(config).regions
    (pool,) = region.pools
    assert PINNED in str(pool)


def test_several_types_of_managed_instances_serve_with_all_devices() -> None:
    pool = managed("inf2.xlarge", "inf2.8xlarge")
    config = serving({"model": TINY}, pool)
    (text,) = set(task_definitions(decide_on(config)))
    (container,) = json.loads(text)
    assert container["resourceRequirements"] == [{"type": "NeuronDevice", "value": "ALL"}]
    assert "sharedMemorySize" not in text, "Managed Instances have no size for /dev/shm"


def fine_tuned(pool: Entry | None = None, **more: Any) -> Config:
    """A model in a bucket, of the shape of a known one."""
    return serving({"model": BUCKET}, pool, shapes={BUCKET: {"like": TINY}}, **more)


def test_a_model_in_a_bucket_is_copied_before_its_server_starts() -> None:
    (region,) = decide_on(fine_tuned()).regions
    task = region.models[0].services[0].task_definition
    server, loader = json.loads(task.container_definitions)
    assert (server["name"], loader["name"]) == ("m", "m-load")
    assert server["dependsOn"] == [{"condition": "SUCCESS", "containerName": "m-load"}]
    assert "/models/m" in server["command"]
    assert not loader["essential"], "its end is no end of the task"
    (copied,) = loader["mountPoints"]
    assert copied in server["mountPoints"], "both see one directory"
    assert EmptyVolume("shared_path_0") in task.volumes
    assert "acme-models/support-chat/" in str(decide_on(fine_tuned()).roles), "the role may read it"


@pytest.mark.parametrize("model", [LLAMA, "Qwen/Qwen2.5-7B-Instruct", EMBEDDER])
@pytest.mark.parametrize("kind", ["inf2.xlarge", "inf2.8xlarge", "inf2.24xlarge"])
@pytest.mark.parametrize("length", [2048, 8192, 16_384])
def test_a_model_in_a_bucket_is_judged_as_the_one_that_it_is_like(
    model: str, kind: str, length: int
) -> None:
    def found(model: str, **more: Any) -> set[tuple[str, str]]:
        serve = {"model": model, "max_model_len": length, "cache": "none"}
        every = findings_of(serving(serve, groups(kind, 3), secrets=TOKEN, **more))
        return {(f.code, f.path) for f in every}

    assert found(BUCKET, shapes={BUCKET: {"like": model}}) == found(model)


def test_the_image_that_copies_a_model_can_be_replaced() -> None:
    config = fine_tuned(sidecars={"load": {"image": MIRROR}})
    (text,) = set(task_definitions(decide_on(config)))
    _, loader = json.loads(text)
    assert loader["image"] == MIRROR.replace("{region}", "us-west-2")
    assert loader["command"][:2] == ["s3", "sync"]
    (note,) = (f for f in findings_of(config) if f.code == "NE907")
    assert note.path == "models.m.sidecars.load"
    assert MIRROR in note.what


def test_a_server_that_reads_s3_needs_no_copy() -> None:
    config = serving({"model": "s3://my-models/resnet/"}, groups("inf1.xlarge"))
    (text,) = set(task_definitions(decide_on(config)))
    assert "aws-cli" not in text


def shut(config: Config) -> Config:
    return changed(config, "regions.us-west-2", network={"nat": "none"})


def test_a_network_without_a_way_out_prefers_an_image_that_it_reaches() -> None:
    config = shut(fine_tuned(sidecars={"load": {"image": MIRROR}}))
    (text,) = set(task_definitions(decide_on(config)))
    server, _ = json.loads(text)
    assert "huggingface-vllm-inference-neuronx" in server["image"]
    assert ".dkr.ecr.us-west-2." in server["image"]


def test_an_image_out_of_reach_is_copied_and_named() -> None:
    pool = groups("trn2.48xlarge", ami={"version": PINNED})
    config = shut(serving({"model": BUCKET}, pool, shapes={BUCKET: {"like": LLAMA}}))
    config = {k: v.replace("us-west-2", "us-east-2") for k, v in config.items()}
    found = {f.path: f for f in findings_of(config) if f.code == "NE512"}
    assert set(found) == {"models.m.image", "models.m.sidecars.load.image"}
    for path, told in found.items():
        written = told.fix.partition(f"write {path}: ")[2].partition(",")[0]
        config = put(config, path, written)
    assert not [f for f in findings_of(config) if f.severity is Severity.ERROR]


def put(config: Config, path: str, value: str) -> Config:
    """The stack file with a value at `models.m.…`."""
    _, model, *steps = path.split(".")
    inner: Any = value
    for step in reversed(steps[1:]):
        inner = {step: inner}
    return changed(config, f"models.{model}", **{steps[0]: inner})


def test_a_model_of_the_hub_is_served_from_a_bucket_where_the_hub_is_out_of_reach() -> None:
    pool = groups("inf2.8xlarge")
    (finding,) = (f for f in findings_of(shut(serving({"model": TINY}, pool))) if f.code == "NE514")
    assert finding.path == "models.m.serve.model"
    assert "write serve.model: s3://…" in finding.fix


@pytest.mark.parametrize("server", ["tf_serving", "torchserve", "optimum"])
@pytest.mark.parametrize(
    "field", ["max_model_len", "max_num_seqs", "tensor_parallel", "data_type", "served_name"]
)
def test_each_field_of_serve_changes_the_tasks_or_is_told(server: str, field: str) -> None:
    values = {"max_model_len": 512, "max_num_seqs": 2, "tensor_parallel": 1}
    values |= {"data_type": "float32", "served_name": "chat"}
    shapes = {BUCKET: {"like": "Qwen/Qwen2.5-7B-Instruct" if field == "data_type" else TINY}}
    pool = groups("inf2.24xlarge", ami={"version": PINNED})
    before = serving({"model": BUCKET, "server": server}, pool, shapes=shapes)
    after = serving({"model": BUCKET, "server": server, field: values[field]}, pool, shapes=shapes)
    told = [f for f in findings_of(after) if f.path == f"models.m.serve.{field}"]
    changed_tasks = task_definitions(decide_on(before)) != task_definitions(decide_on(after))
    assert changed_tasks == (told == []), "a field that does nothing is told"


@pytest.mark.parametrize("code", ["NE901", "NE902", "NE903", "NE904", "NE905", "NE906"])
def test_a_model_that_cannot_be_served_is_judged_in_what_is_beside_serve(code: str) -> None:
    config = FIXTURES[code].failing
    models: dict[str, Any] = json.loads(config[f"{PROJECT}:models"])
    name = next(n for n, m in models.items() if "serve" in m)
    models[name]["replicas"] = {"min": 3, "max": 2}
    both = {**config, f"{PROJECT}:models": json.dumps(models)}
    found = {(f.code, f.path) for f in findings_of(both)}
    assert code in {c for c, _ in found}
    assert ("NE305", f"models.{name}.replicas.max") in found


def test_positions_are_judged_where_nothing_serves_the_model() -> None:
    long = serving({"model": "meta-llama/Llama-3.1-70B-Instruct", "max_model_len": 200_000})
    found = {f.code: f for f in findings_of(long)}
    assert {"NE905", "NE913"} <= found.keys()
    assert "neuron-ecs fit --model" in found["NE905"].fix


def test_a_managed_pool_of_two_types_gives_a_model_all_devices_of_an_instance() -> None:
    """A number of devices needs one exact type there."""
    pool = managed("inf2.xlarge", "inf2.24xlarge")
    config = serving({"model": "Qwen/Qwen3-0.6B", "max_model_len": 1024}, pool=pool)
    (out,) = situation_of(config).written.values()
    assert out.entry.neuron_devices == "all"
    reasons = {one.field: one.because for one in out.derived}
    assert out.choice.image.name in reasons["image"], "the row of the image is the reason"


def test_a_directory_whose_shape_is_not_known_is_not_served_by_just_any_server() -> None:
    """On Inferentia2 there are servers of language models and others: which is meant?"""
    assert "NE902" in codes(serving({"model": "s3://acme-models/chat/"}))
