"""The rules of cores, images and containers: what a finding proposes works."""

import re
from typing import Any

import pytest

from planning import Severity, cores
from planning.command_line import option, published, tag, version, words
from tests.planning.fixing import faults
from tests.planning.fixtures import PINNED
from tests.planning.fixtures_workloads import (
    BLOCK,
    FIXTURES,
    HERE,
    INF2,
    INF2_6,
    INF2_OLD,
    LOGICAL,
    NEWEST,
    NUMBER,
    NXDI,
    NXDI_16,
    OHIO,
    OPTIMUM,
    PLUGIN,
    PUBLIC,
    SECRET,
    TINY,
    VISIBLE,
    beside,
    command,
    gunicorn,
    nxdi,
    on,
    pair,
    plugin,
    sidecar,
    slice_of,
    small,
    torchrun,
    variables,
)
from tests.planning.stacks import (
    Config,
    changed,
    codes,
    finding,
    findings_of,
    groups,
    managed,
    situation_of,
    stack,
    work,
)

# ---- cores -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", " ", "a", "1-", "-1", "3-1", "0,0", "0-3,2", "0:3", "0, 1"])
def test_text_that_is_no_set_of_cores(text: str) -> None:
    assert cores.core_ids(text) is None
    assert "NE219" in codes(variables(**{VISIBLE: text}))


@pytest.mark.parametrize(("text", "ids"), [("1", (1,)), ("0-2", (0, 1, 2)), ("0,2-3", (0, 2, 3))])
def test_text_that_is_a_set_of_cores(text: str, ids: tuple[int, ...]) -> None:
    assert cores.core_ids(text) == ids


@pytest.mark.parametrize(
    ("kind", "region", "devices", "logical", "right"),
    [
        ("inf2.24xlarge", "us-west-2", [0], None, "0-1"),
        ("inf2.24xlarge", "us-west-2", [4, 5], None, "8-11"),
        ("inf1.24xlarge", "us-west-2", [12, 13], None, "48-55"),
        ("trn1.32xlarge", "us-west-2", [8, 9, 10, 11], None, "16-23"),
        ("trn2.48xlarge", "us-east-2", [4, 5, 6, 7], None, "16-31"),
        ("trn2.48xlarge", "us-east-2", [4, 5, 6, 7], "1", "32-63"),
        ("trn2.48xlarge", "us-east-2", [4, 5, 6, 7], "2", "16-31"),
    ],
)
def test_cores_are_counted_over_the_host_as_the_chip_groups_them(
    kind: str, region: str, devices: list[int], logical: str | None, right: str
) -> None:
    def config(cores: str) -> Config:
        environment = {VISIBLE: cores} | ({LOGICAL: logical} if logical else {})
        pool = BLOCK if kind.startswith("trn2") else groups(kind)
        model = work(devices, environment=environment)
        return on(pool, model, home=region, regions={region: {}})

    assert "NE220" not in codes(config(right))
    found = finding(config("200"), "NE220")
    assert f'write "{right}"' in found.fix


def test_a_count_that_sits_on_one_slot_is_judged_by_it() -> None:
    config = on(INF2_6, work(2, environment={VISIBLE: "0-3"}))
    assert not codes(config) & {"NE220", "NE221"}
    other = changed(config, "models.m.environment", **{VISIBLE: "4-7"})
    assert "NE220" in codes(other)


def test_the_ways_out_of_one_range_for_several_slots_work() -> None:
    config = FIXTURES["NE221"].failing
    assert finding(config, "NE221").fix.endswith('write neuron_devices: [0] and write "0-1"')
    named = changed(config, "models.m", neuron_devices=[0])
    assert not codes(named, Severity.WARNING) & set(FIXTURES)


@pytest.mark.parametrize(("kind", "cores"), [("inf2.24xlarge", 5), ("trn1.32xlarge", 9)])
def test_the_devices_proposed_have_the_cores(kind: str, cores: int) -> None:
    config = on(groups(kind), work(1, environment={NUMBER: str(cores)}))
    number = re.search(r"neuron_devices: (\d+)", finding(config, "NE222").fix)
    assert number
    assert "NE222" not in codes(changed(config, "models.m", neuron_devices=int(number[1])))


@pytest.mark.parametrize("text", ["--tensor-parallel-size=8", "--tensor_parallel_size 8", "-tp 8"])
def test_the_degree_is_read_in_every_way_it_is_written(text: str) -> None:
    given = ["vllm", "serve", TINY, *text.split()]
    assert "NE229" in codes(nxdi(command=given))
    assert "NE229" in codes(nxdi(command=["sh", "-c", f"exec {' '.join(given)} --port 80"]))


def test_copies_and_stages_take_cores_as_well() -> None:
    assert "NE229" in codes(nxdi(command=command("--data-parallel-size=2")))
    fits = nxdi(groups("inf2.24xlarge", ami={"version": PINNED}), 2)
    assert "NE230" in codes(fits)
    copies = changed(fits, "models.m", command=command("--data-parallel-size", "2"))
    assert not codes(copies) & {"NE229", "NE230"}


def test_a_degree_that_a_shell_or_a_file_fills_in_is_not_judged() -> None:
    for more in ("--tensor-parallel-size=$TP", "--config=/etc/vllm.yaml"):
        assert not codes(nxdi(command=["vllm", "serve", TINY, more])) & {"NE229", "NE230", "NE231"}


def test_the_optimum_server_chooses_a_degree_itself() -> None:
    config = nxdi(image=OPTIMUM, command=["--model", TINY])
    assert "NE230" not in codes(config)
    assert "NE229" in codes(nxdi(image=OPTIMUM, command=["--model", TINY, "-tp", "4"]))


@pytest.mark.parametrize(("devices", "degree"), [(1, 4), (2, 8), (6, 24)])
def test_the_degree_proposed_is_documented_and_fits(devices: int, degree: int) -> None:
    pool = groups("inf2.24xlarge", ami={"version": PINNED})
    config = nxdi(pool, devices, command=command(tp=degree))
    size = re.search(r"size=(\d+)", finding(config, "NE229").fix)
    assert size
    fixed = changed(config, "models.m", command=command(tp=int(size[1])))
    assert not codes(fixed) & {"NE229", "NE230", "NE231"}


@pytest.mark.parametrize("count", [1, 4, 8])
def test_the_number_of_processes_proposed_is_that_of_the_cores(count: int) -> None:
    config = torchrun(count)
    found = next(f for f in findings_of(config) if f.code in {"NE232", "NE233"})
    assert "--nproc_per_node=2" in found.fix
    assert not codes(torchrun(2)) & {"NE232", "NE233"}


def test_cores_that_a_sidecar_uses_do_not_idle() -> None:
    config = on(INF2, work(1, environment={NUMBER: "1"}, sidecars=sidecar(neuron_devices="all")))
    assert "NE223" not in codes(config)


def test_logical_cores_are_one_or_two_on_trn2() -> None:
    config = on(BLOCK, work(4, environment={LOGICAL: "4"}), **OHIO)
    assert "NE227" in codes(config)
    for value in ("1", "2"):
        right = changed(config, "models.m.environment", **{LOGICAL: value})
        assert "NE227" not in codes(right)


# ---- images ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "kind", "runs"),
    [
        (PLUGIN, "inf2.xlarge", False),
        (PLUGIN, "trn1.2xlarge", False),
        (PLUGIN.replace("0.24.0.1.1.0", "0.21.0.1.0.0"), "inf2.xlarge", False),
        (NXDI, "inf2.xlarge", True),
        (NXDI, "trn1.2xlarge", True),
        (NXDI, "inf1.xlarge", False),
        (OPTIMUM, "inf2.xlarge", True),
        (OPTIMUM, "inf1.xlarge", False),
        ("dlc/tensorflow-inference-neuron:1.15.4-neuron-py37-ubuntu18.04", "inf1.xlarge", True),
        ("dlc/tensorflow-inference-neuron:1.15.4-neuron-py37-ubuntu18.04", "inf2.xlarge", False),
        ("111122223333.dkr.ecr.us-west-2.amazonaws.com/vllm:0.24.0", "inf2.xlarge", True),
    ],
)
def test_which_image_runs_on_which_chip(image: str, kind: str, runs: bool) -> None:
    config = on(groups(kind), work(1, image=image))
    assert ("NE406" not in codes(config)) == runs


@pytest.mark.parametrize("kind", ["inf1.xlarge", "inf2.xlarge", "trn1.2xlarge"])
def test_the_image_proposed_runs_on_the_chip(kind: str) -> None:
    config = on(groups(kind), work(1, image=PLUGIN))
    assert "NE406" in codes(config)
    assert faults(config, "NE406") == []


def test_the_pools_that_suit_the_image_are_named() -> None:
    config = stack(
        capacity={"pool": groups("inf1.xlarge"), "other": groups()},
        models={"m": work(1, image=NXDI)},
    )
    assert "write models.m.capacity: other" in finding(config, "NE406").fix
    assert "NE406" not in codes(changed(config, "models.m", capacity="other"))


def test_a_pinned_ami_that_never_fits_is_an_error_and_a_floating_one_a_warning() -> None:
    pinned = FIXTURES["NE408"].failing
    assert NEWEST in finding(pinned, "NE408").what
    version = re.search(r"version: ([\w.-]+?)(?:,|$)", finding(pinned, "NE408").fix)
    assert version
    fixed = changed(pinned, "capacity.pool", ami={"version": version[1]})
    assert not codes(fixed) & {"NE402", "NE404", "NE408"}
    floating = nxdi(INF2)
    assert "NE404" in codes(floating)
    assert "NE408" not in codes(floating)


def test_an_ami_of_the_days_after_a_release_is_not_certain() -> None:
    path = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron"
    catalog = situation_of(nxdi()).catalog
    release = catalog.neuron.sdks["2.31"].date
    near = [v for v in catalog.amis.versions(path) if 0 <= (v.date - release).days < 7]
    for ami in near:
        config = nxdi(groups(ami={"version": ami.image_name}))
        assert "NE404" in codes(config)
        assert "NE408" not in codes(config)


def test_the_driver_of_amazon_linux_2_refuses_what_it_never_starts() -> None:
    config = nxdi(groups(ami={"family": "al2"}), image=NXDI_16.replace("2.31.1", "2.30.0"))
    assert "al2023" in finding(config, "NE408").fix
    assert not codes(changed(config, "capacity.pool", ami={"family": "al2023"})) & {"NE408"}


@pytest.mark.parametrize("code", ["NE410", "NE411", "NE414"])
def test_the_image_proposed_has_not_the_fault(code: str) -> None:
    config = FIXTURES[code].failing
    found = finding(config, code)
    image = re.search(r"(?:write|such as) (\S+:\S+)", found.fix)
    if image:
        key = found.path.rpartition(".")[0]
        assert code not in codes(changed(config, key, image=image[1]))


def test_the_registry_of_the_region_is_proposed() -> None:
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/" + OPTIMUM.removeprefix("dlc/")
    config = on(INF2_OLD, work(1, image=image, command=["--model", TINY]))
    assert OPTIMUM in finding(config, "NE412").fix
    assert "NE412" not in codes(changed(config, "models.m", image=OPTIMUM))
    wrong = changed(config, "models.m", image=image.replace("763104351884", "626614931356"))
    assert OPTIMUM in finding(wrong, "NE413").fix
    assert "NE412" not in codes(wrong)


def test_an_image_is_known_by_its_repository_and_a_tag_as_aws_writes_it() -> None:
    catalog = situation_of(nxdi()).catalog
    copy = "111122223333.dkr.ecr.us-west-2.amazonaws.com/" + NXDI.rpartition("/")[2]
    for image in (NXDI, copy, f"{copy}@sha256:{'0' * 64}"):
        known = published(image, catalog)
        assert known is not None
        assert known.server == "nxdi"
    for image in ("pytorch-inference-vllm-neuronx:1.0", "serving:0.13.0-neuronx-py312-sdk2.28.0"):
        assert published(image, catalog) is None
    assert tag(f"a/b:1.2-x@sha256:{'0' * 64}") == "1.2-x"
    assert str(version(NXDI)) == "0.13.0"
    assert version("a:latest") is None


def test_a_shell_an_entry_point_of_ones_own_and_a_copy_are_not_judged_by_the_entry_point() -> None:
    for more in ({"command": ["sh", "-c", "vllm serve x"]}, {"entry_point": ["/opt/serve.sh"]}):
        given: dict[str, Any] = {"command": [], **more}
        config = nxdi(**given)
        assert not codes(config) & {"NE415", "NE416"}
    copy = "111122223333.dkr.ecr.us-west-2.amazonaws.com/" + NXDI.rpartition("/")[2]
    assert "NE415" not in codes(nxdi(image=copy, command=[]))


def test_options_without_the_server_before_them_are_no_command() -> None:
    assert "NE415" in codes(nxdi(command=["--model", TINY]))


@pytest.mark.parametrize("blocks", [None, 3, 5])
def test_the_blocks_proposed_are_those_of_the_sequences(blocks: int | None) -> None:
    config = nxdi(command=command(blocks=blocks))
    assert "=4" in finding(config, "NE418").fix


def test_with_prefix_caching_more_blocks_are_needed() -> None:
    given = [w for w in command("--block-size=32", blocks=None) if "prefix" not in w]
    config = nxdi(command=given)
    assert "--no-enable-prefix-caching" in finding(config, "NE418").fix
    assert faults(config, "NE418") == []
    fixed = changed(config, "models.m", command=[*given, "--num-gpu-blocks-override=256"])
    assert "NE418" not in codes(fixed)


def test_tensorflow_serves_rest_on_the_port_that_is_checked() -> None:
    image = "dlc/tensorflow-inference-neuron:1.15.4-neuron-py37-ubuntu18.04"
    start = ["/usr/local/bin/entrypoint.sh", "--port=8500", "--rest_api_port=9000"]
    model = work(1, image=image, entry_point=start, ports=[8501, 8500])
    config = on(groups("inf1.xlarge"), model, traffic=HERE)
    assert finding(config, "NE421").path == "models.m.ports"
    start[2] = "--rest_api_port=8501"
    assert "NE421" not in codes(changed(config, "models.m", entry_point=start))


def test_the_plugin_with_efa_on_the_host_needs_no_variable() -> None:
    config = plugin({})
    assert "NE420" in codes(config)
    assert "NE420" not in codes(changed(config, "capacity.pool", efa=True))


# ---- containers ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["HF_TOKEN", "OPENAI_API_KEY", "db_password", "SECRET", "X_TOKEN"])
def test_names_of_secrets(name: str) -> None:
    assert "NE323" in codes(variables(**{name: "swordfish"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_TOKENS", "swordfish"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("HF_TOKEN_PATH", "swordfish"),
        ("HF_TOKEN", ""),
        ("PAD_TOKEN", "128001"),
        ("HF_TOKEN", "/run/secrets/token"),
        ("MONKEY", "swordfish"),
    ],
)
def test_names_and_values_that_are_no_secrets(name: str, value: str) -> None:
    assert "NE323" not in codes(variables(**{name: value}))


def test_the_value_of_a_secret_is_never_repeated() -> None:
    found = finding(variables(DB_PASSWORD="swordfish"), "NE323")
    assert "swordfish" not in found.what + found.why + found.fix


def test_a_parameter_name_belongs_to_every_region_and_partition() -> None:
    config = on(INF2, work(1, secrets={"TOKEN": "/a/b"}))
    assert not codes(config) & {"NE325", "NE326"}


def test_the_arn_proposed_for_a_secret_is_right_everywhere() -> None:
    config = FIXTURES["NE325"].failing
    assert SECRET.format("aws", "{region}") in finding(config, "NE325").fix


@pytest.mark.parametrize(("name", "allowed"), [("BPF", False), ("IPC_LOCK", True)])
def test_capabilities_differ_by_capacity(name: str, allowed: bool) -> None:
    config = on(INF2, work(1, linux_capabilities=[name]))
    assert ("NE327" not in codes(config)) == allowed
    mi = on(managed("inf2.xlarge"), work("all", linux_capabilities=[name]))
    assert "NE327" not in codes(mi)


@pytest.mark.parametrize("wrong", ["CAP_IPC_LOCK", "IPCLOCK", "SYS_ADMINN"])
def test_the_capability_proposed_is_one(wrong: str) -> None:
    config = on(INF2, work(1, linux_capabilities=[wrong]))
    fix = finding(config, "NE327").fix
    name = re.search(r"[A-Z][A-Z_]+", fix)
    assert name
    assert "NE327" not in codes(changed(config, "models.m", linux_capabilities=[name[0]]))


def test_the_check_proposed_waits_long_enough() -> None:
    config = FIXTURES["NE321"].failing
    values = {k: int(v) for k, v in re.findall(r"(\w+): (\d+)", finding(config, "NE321").fix)}
    check = {"command": ["CMD", "true"], "timeout_seconds": 5, **values}
    assert not codes(changed(config, "models.m", health_check=check)) & {"NE321", "NE312"}


def test_the_volume_proposed_is_enough() -> None:
    config = FIXTURES["NE329"].failing
    size = re.search(r"at least (\d+)", finding(config, "NE329").fix)
    assert size
    assert "NE329" not in codes(changed(config, "capacity.pool", root_volume_gib=int(size[1])))


def test_the_link_name_proposed_reaches_the_model() -> None:
    for host in ("localhost", "127.0.0.1"):
        config = beside("bridge", environment={"TARGET": f"http://{host}:8080/"})
        assert 'write "http://m:8080/"' in finding(config, "NE333").fix
        assert faults(config, "NE333") == []
    assert not codes(beside("host", environment={"TARGET": "localhost:8080"})) & {"NE333"}
    assert "NE333" not in codes(beside("bridge", environment={"TARGET": "http://localhost:9100/"}))


def test_another_host_with_the_models_name_at_its_end_is_not_the_model() -> None:
    for target in ("http://team.m:8080/", "http://other-m:8080/", "http://m:80801/"):
        assert "NE334" not in codes(beside("host", environment={"TARGET": target}))


def test_the_instances_proposed_have_the_interfaces() -> None:
    config = FIXTURES["NE318"].failing
    size = re.search(r"max_size: (\d+)", finding(config, "NE318").fix)
    assert size
    assert "NE318" not in codes(changed(config, "capacity.pool", max_size=int(size[1])))


@pytest.mark.parametrize(
    ("model", "fails"),
    [
        ("Qwen/Qwen3-8B", True),
        ("deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", True),
        ("/models/qwen3-8b-tuned", True),
        ("meta-llama/Llama-3.2-1B-Instruct", True),
        ("Qwen/Qwen2.5-1.5B-Instruct", True),
        ("Qwen/Qwen3-80B", False),
        ("meta-llama/Llama-3.2-11B-Vision", False),
        ("acme/notqwen3-8b", False),
        ("Qwen/Qwen2.5-7B-Instruct", False),
    ],
)
def test_models_that_fail_are_known_by_architecture_and_size(model: str, fails: bool) -> None:
    assert ("NE234" in codes(nxdi(command=command(model=model)))) == fails


@pytest.mark.parametrize(
    ("image", "other"),
    [
        ("vllm/vllm-openai:latest", True),
        ("docker.io/vllm/vllm-openai@sha256:" + "a" * 64, True),
        ("nvcr.io/nvidia/tritonserver:26.01-py3", True),
        ("dlc/pytorch-inference:2.6.0-gpu-py312", True),
        ("ghcr.io/huggingface/text-generation-inference:3.3.6", True),
        ("ghcr.io/huggingface/text-generation-inference:3.3.6-neuron", False),
        ("vllm/vllm-openai-neuron:1", False),
        (f"vllm/{NXDI.rpartition('/')[2]}", False),
    ],
)
def test_images_of_other_hardware_are_known_by_repository(image: str, other: bool) -> None:
    assert ("NE426" in codes(on(INF2, work(1, image=image)))) == other
    assert "NE426" not in codes(on(groups("c7i.xlarge"), small(1, image=image)))


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_options_are_read_where_the_first_words_are_missing(missing: int) -> None:
    given = [*command(tp=8)[missing:], "--port=9"]
    if missing == 2:
        given = ["--model", *given]
    assert {"NE415", "NE229"} <= codes(nxdi(command=given))
    assert "NE415" not in codes(nxdi(command=["vllm", *command(tp=8)[1:]]))


@pytest.mark.parametrize("command", [["curl", "-f", "a b"], ["cmd", "x"], ["exit 1"]])
def test_the_health_command_proposed_begins_with_its_kind(command: list[str]) -> None:
    config = on(INF2, work(1, health_check={"command": command, "retries": 10}))
    assert "NE337" in codes(config)
    assert faults(config, "NE337") == []


@pytest.mark.parametrize("user", ["root", "1000", "neuron:neuron", "1000:docker"])
def test_the_forms_of_a_user(user: str) -> None:
    assert "NE336" not in codes(on(INF2, work(1, user=user)))


@pytest.mark.parametrize("user", [":1000", "a:b:c", "1000:", ":", "-1"])
def test_the_user_proposed_has_a_form(user: str) -> None:
    config = on(INF2, work(1, user=user))
    proposed = re.search(r'"(.*)"', finding(config, "NE336").fix)
    assert proposed
    assert "NE336" not in codes(changed(config, "models.m", user=proposed[1]))


def test_options_are_read_from_the_words_of_a_container() -> None:
    config: Any = nxdi(command=["sh", "-c", "vllm serve x --port 9 --port=10"])
    (model,) = situation_of(config).settings.models.values()
    assert option(words(model), "port") == "10"


@pytest.mark.parametrize("condition", ["complete", "success"])
@pytest.mark.parametrize("cores", [{VISIBLE: "0-1"}, {NUMBER: "4"}, {}])
def test_a_container_that_ends_first_leaves_its_cores(
    cores: dict[str, str], condition: str
) -> None:
    config = pair(cores, cores)
    at_once = codes(config) & {"NE235", "NE236", "NE237"}
    assert at_once, "both run at a time"
    after = changed(config, "models.m", starts_after={"second": condition})
    after = changed(after, "models.m.sidecars.second", essential=False)
    assert not codes(after) & {"NE235", "NE236", "NE237"}
    assert "NE354" not in codes(after)


@pytest.mark.parametrize(
    ("mine", "other", "place", "code"),
    [
        ({VISIBLE: "0-1"}, {VISIBLE: "1-2"}, "models.m.sidecars.second", "NE235"),
        ({NUMBER: "2"}, {NUMBER: "3"}, "both", "NE236"),
        ({}, {}, "both", "NE237"),
    ],
)
def test_cores_proposed_for_several_containers_are_free(
    mine: dict[str, str], other: dict[str, str], place: str, code: str
) -> None:
    config = pair(mine, other)
    found = re.search(r'"([0-9,-]+)"', finding(config, code).fix)
    assert found
    variable = VISIBLE if code == "NE235" else NUMBER
    places = ["models.m", "models.m.sidecars.second"] if place == "both" else [place]
    for at in places:
        config = changed(config, at, environment={variable: found[1]})
    assert not codes(config) & {"NE223", "NE235", "NE236", "NE237"}


@pytest.mark.parametrize("count", [2, 3])
def test_workers_that_are_proposed_have_cores_of_their_own(count: int) -> None:
    config = gunicorn(count)
    fix = finding(config, "NE238").fix
    assert f'{NUMBER}: "1"' in fix
    fewer = re.search(r"--workers=(\d+)", fix)
    config = gunicorn(int(fewer[1]) if fewer else count, **{NUMBER: "1"})
    assert not codes(config) & {"NE223", "NE238"}, "idle-core advice would let workers collide"


def test_workers_of_torchserve_are_counted_for_each_model() -> None:
    served = ["torchserve", "--start", "--models", "a=a.mar", "b=b.mar"]
    most = {"TS_DEFAULT_WORKERS_PER_MODEL": "2"}
    config = on(groups("inf2.xlarge"), work(1, command=served, environment=most))
    assert 'TS_DEFAULT_WORKERS_PER_MODEL: "1"' in finding(config, "NE238").fix
    assert "NE238" not in codes(changed(config, "models.m", environment={}))


def test_an_aligned_slice_is_proposed() -> None:
    fix = finding(FIXTURES["NE239"].failing, "NE239").fix
    found = re.search(r'"([0-9-]+)"', fix)
    assert found
    assert "NE239" not in codes(slice_of(found[1]))


def test_the_smallest_visible_core_is_judged_wherever_it_is_written() -> None:
    assert "NE220" in codes(on(INF2_6, work([1], environment={VISIBLE: "3,0"})))


def test_all_cores_without_grouping_need_no_documented_degree() -> None:
    given = command(model="meta-llama/Llama-3.3-70B-Instruct", tp=128)
    environment = {LOGICAL: "1"}
    model = work("all", image=NXDI_16, command=given, environment=environment)
    assert not codes(on(BLOCK, model, **OHIO)) & {"NE229", "NE230", "NE231"}


@pytest.mark.parametrize("code", ["NE422", "NE424"])
def test_an_image_that_is_proposed_is_in_the_table(code: str) -> None:
    config = FIXTURES[code].failing
    found = re.search(
        r"write (?:image: )?(\S+?),? ?(?:or |and |$)", finding(config, code).fix + " "
    )
    assert found
    assert not codes(changed(config, "models.m", image=found[1])) & {"NE410", "NE422", "NE424"}


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("vllm-neuronx:0.16.0", "NE424"),
        ("vllm-neuronx:0.16.0-sdk2.31.1", "NE424"),
        ("vllm-neuronx:0.16.0-neuronx-py312-sdk2.28.0-ubuntu24.04", "NE424"),
        ("vllm-neuronx:0.16.0-neuronx-py312-sdk2.31.1-ubuntu22.04", "NE422"),
        ("vllm-neuronx:0.29.0.1.2.0-neuronx-py314-sdk2.33.1-ubuntu26.04", "NE422"),
        ("vllm-neuronx:0.29.0.1.2.0-neuronx-py314-sdk2.33.0-ubuntu26.04", ""),
    ],
)
def test_a_tag_that_cannot_be_is_refused_and_one_that_may_be_newer_is_not(
    tag: str, code: str
) -> None:
    model = work(1, image=f"{PUBLIC}pytorch-inference-{tag}")
    assert codes(on(BLOCK, model, **OHIO)) & {"NE410", "NE422", "NE424"} == (
        {code} if code else set()
    )


def test_a_training_image_of_a_later_pytorch_may_exist() -> None:
    tag = "2.14.0-neuronx-py314-sdk2.33.0-ubuntu26.04"
    image = f"{PUBLIC}pytorch-training-neuronx:{tag}"
    later = stack(capacity={"pool": BLOCK}, jobs={"j": work(1, image=image)}, **OHIO)
    assert codes(later) & {"NE410", "NE422", "NE424"} == {"NE422"}


def test_latest_is_found_inside_a_tag() -> None:
    assert "NE414" in codes(on(INF2, work(1, image="acme/serving:2.1-latest")))
    assert "NE414" not in codes(on(INF2, work(1, image="acme/serving:2.1-latestfix")))
