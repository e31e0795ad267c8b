"""What only warns: stack files that AWS takes and that will hurt, one for each warning and note
that the plain draws seldom or never meet. All of them are valid.
"""

from copy import deepcopy
from dataclasses import replace
from typing import Any

from catalog import InstanceType
from tests.wishes import facts
from tests.wishes.changes import (
    ALONE,
    ANY,
    BLOCKED,
    BY_NAME,
    CALLED,
    EMPTY,
    JOB,
    KEPT,
    LATER,
    MANAGED,
    NXDI,
    ON_DEVICES,
    OPEN,
    PLUGIN,
    PULLS,
    SHUT,
    SILENT,
    TINY,
    WORK,
    absent_region,
    adds_shapes,
    another,
    block_hours,
    command,
    family,
    field,
    further_region,
    in_a_domain,
    in_the_middle,
    lines_on,
    listened,
    measured,
    oddity,
    of_pool,
    one_size,
    roomy,
    runs,
    several,
    sidecar_with,
    variable,
    with_efa,
)
from tests.wishes.drawing import Hand
from tests.wishes.pools import (
    CPU,
    MANAGED_CPU,
    MANAGED_NEURON,
    NEURON,
    Want,
    reservation,
    written_types,
)
from tests.wishes.stacks import Wish
from tests.wishes.tasks import CORES, NUMBER, Entry


def _largest(kind: InstanceType) -> bool:
    return kind.name == "inf2.48xlarge"


def _large(kind: InstanceType) -> bool:
    return kind.vcpus >= facts.catalog().limits.value("scale_out_note_vcpus")


PAID = ("on_demand", "spot")
INF1 = "dlc/tensorflow-inference-neuron:1.15.4-neuron-py37-ubuntu18.04"
SERVE = ("vllm", "serve", "/models/m")
LATER_KINDS = family("inf2", "trn1", "trn1n")


def _in_taipei(wish: Wish, **more: Any) -> None:
    """The pool is in a Region more, of which no capture knows anything."""
    subnets = {f"ape2-az{n}": f"subnet-9f{n}" for n in (1, 2)}
    network = {"vpc_id": "vpc-9f", "private_subnets": subnets}
    further_region(wish, "ap-east-2", {"network": network, **more})
    wish.pool.entry.pop("zone_ids", None)


@oddity("NE109", replace(MANAGED, purchases=("on_demand", "spot")))
def _no_managed_instances(_: Hand, wish: Wish) -> str:
    _in_taipei(wish)
    return f"capacity.{wish.pool.name}"


@oddity("NE134", Want(sorts=(NEURON,), types=LATER_KINDS, purchases=PAID))
def _ami_never_seen(_: Hand, wish: Wish) -> str:
    _in_taipei(wish, accept_undocumented_ami=True)
    return "regions.ap-east-2"


@oddity(
    "NE115",
    Want(
        sorts=(NEURON, CPU),
        types=lambda k: "capacity-block" not in k.usage_classes,
        purchases=("on_demand", "spot"),
        overridden=False,
    ),
)
def _not_sold_so(_: Hand, wish: Wish) -> str:
    pool = wish.pool
    pool.entry["reservation_ids"] = {r: reservation(pool, r) for r in pool.regions}
    return of_pool(wish, "purchase", "capacity_block")


@oddity(
    "NE115",
    Want(
        sorts=(NEURON,),
        types=lambda k: "capacity-block" in k.usage_classes,
        where=("ap-south-2",),
        single=True,
        purchases=("on_demand",),
        overridden=False,
    ),
)
def _no_blocks_here(_: Hand, wish: Wish) -> str:
    pool = wish.pool
    pool.entry["reservation_ids"] = {r: reservation(pool, r) for r in pool.regions}
    return of_pool(wish, "purchase", "capacity_block")


@oddity("NE135", Want(sorts=(NEURON,), types=LATER_KINDS, purchases=PAID))
def _generation_that_may_have_come(hand: Hand, wish: Wish) -> str:
    newer = facts.lacking(wish.pool.kind.name, newer=True)
    region = hand.one([r for r in newer if r not in wish.keys["regions"]])
    further_region(wish, region, {"accept_undocumented_ami": True})
    wish.pool.entry.pop("zone_ids", None)
    return f"capacity.{wish.pool.name}"


@oddity("NE136", Want(networks=("existing",)))
def _zone_that_no_table_knows(_: Hand, wish: Wish) -> str:
    region = wish.pool.regions[0]
    short = facts.catalog().places.regions[region].short
    wish.network(region)["private_subnets"][f"{short}-az9"] = "subnet-9e"
    return f"regions.{region}.network.private_subnets"


@oddity("NE425", Want(sorts=(NEURON,), ami=False))
def _ami_after_the_capture(hand: Hand, wish: Wish) -> str:
    day = hand.one(("20261022", "20261031", "20261113"))
    name = f"al2023-ami-ecs-neuron-hvm-2023.0.{day}-kernel-6.1-x86_64"
    wish.pool.entry["ami"] = {"version": name}
    return f"capacity.{wish.pool.name}.ami.version"


@oddity("NE119", Want(sorts=(NEURON, CPU)))
def _reservation_elsewhere(_: Hand, wish: Wish) -> str:
    other = absent_region(wish)
    if not wish.pool.entry.get("regions"):
        wish.pool.entry["regions"] = list(wish.pool.regions)
    wish.pool.entry.setdefault("reservation_ids", {})[other] = "cr-0a"
    return f"capacity.{wish.pool.name}.reservation_ids.{other}"


@oddity("NE120", Want(sorts=(NEURON, CPU), purchases=PAID, overridden=False))
def _reservation_not_used(_: Hand, wish: Wish) -> str:
    region = wish.pool.regions[0]
    wish.pool.entry["reservation_ids"] = {region: reservation(wish.pool, region)}
    return f"capacity.{wish.pool.name}.reservation_ids.{region}"


@oddity("NE123", replace(MANAGED, purchases=("reserved",), regions=2, overridden=False))
def _groups_of_two_accounts(_: Hand, wish: Wish) -> str:
    groups = {r: reservation(wish.pool, r) for r in wish.pool.regions}
    last = wish.pool.regions[-1]
    groups[last] = groups[last].replace(facts.ACCOUNT, "999988887777")
    wish.pool.entry["regions"] = list(wish.pool.regions)
    return of_pool(wish, "reservation_group_arns", groups)


@oddity("NE132", Want(sorts=(NEURON,), purchases=("capacity_block",), overridden=False))
def _block_with_a_minimum(_: Hand, wish: Wish) -> str:
    return of_pool(wish, "min_size", 1)


@oddity("NE130", replace(JOB, sorts=(NEURON,), types=_large, alone=True, single=True))
def _two_from_nothing(_: Hand, wish: Wish) -> str:
    one_size(wish.pool, 2)
    roomy(wish)
    return f"capacity.{wish.pool.name}.max_size"


@oddity("NE215", replace(ALONE, sorts=(NEURON,), port=False, modes=("bridge", "host")))
def _job_waits(_: Hand, wish: Wish) -> str:
    one_size(wish.pool, 2)
    wish.entry.update(neuron_devices="all", replicas={"min": 1, "max": 2})
    return f"jobs.{another(wish, 'jobs', neuron_devices='all')}"


@oddity(
    "NE241", replace(ALONE, sorts=(NEURON,), types=several, port=False, modes=("bridge", "host"))
)
def _job_lost_by_an_update(_: Hand, wish: Wish) -> str:
    one_size(wish.pool, 2)
    wish.entry.update(neuron_devices=1, replicas={"min": 1})
    another(wish, neuron_devices=1)
    return f"jobs.{another(wish, 'jobs', neuron_devices='all')}.neuron_devices"


@oddity(
    "NE216", replace(ALONE, sorts=(NEURON,), types=several, port=False, modes=("bridge", "host"))
)
def _two_pools_need_fewer(_: Hand, wish: Wish) -> str:
    total = facts.devices_of(wish.pool.kind)
    one_size(wish.pool, total + 1)
    wish.keys["models"]["second"] = wish.entry | {"neuron_devices": 1, "replicas": {"min": total}}
    wish.entry["neuron_devices"] = "all"
    wish.entry["replicas"] = {"min": 1}
    return f"capacity.{wish.pool.name}"


@oddity("NE244", KEPT)
def _line_of_nobody(_: Hand, wish: Wish) -> str:
    return lines_on(wish, "gone", [0])


@oddity("NE245", KEPT)
def _line_without_a_replica(_: Hand, wish: Wish) -> str:
    wish.entry.update(neuron_devices=1, replicas={"min": 1})
    return f"{lines_on(wish, wish.work.name, [0], [1])}.2"


@oddity("NE248", KEPT)
def _model_without_a_line(_: Hand, wish: Wish) -> str:
    lines_on(wish, "gone", [0])
    return wish.path


@oddity("NE250", KEPT)
def _one_that_spreads(_: Hand, wish: Wish) -> str:
    wish.entry.update(replicas={"min": 1, "spread": "instances"})
    return f"{wish.path}.replicas.spread"


@oddity("NE251", replace(KEPT, networks=("own",)))
def _two_in_one_zone(_: Hand, wish: Wish) -> str:
    wish.pool.entry["zone_ids"] = [wish.pool.zones(wish.region)[0]]
    wish.entry.update(replicas={"min": 2, "spread": "instances"})
    one_size(wish.pool, 4)
    return f"{wish.path}.replicas"


@oddity("NE249", KEPT)
def _a_layout_with_a_gap(_: Hand, wish: Wish) -> str:
    path = in_the_middle(wish)
    one_size(wish.pool, 4)
    return path.rpartition(".")[0]


@oddity("NE224", replace(BY_NAME, devices=("ids",)))
def _both_variables(_: Hand, wish: Wish) -> str:
    path = variable(wish, NUMBER, "1")
    first = (wish.work.ids or (0,))[0] * facts.cores_of(wish.pool.kind)
    wish.entry["environment"][CORES] = str(first)
    sidecar_with(wish, neuron_devices=[*(wish.work.ids or (0,))][-1:])
    return path


@oddity("NE226", replace(ON_DEVICES, types=family(*LATER), nat=OPEN))
def _variable_of_the_plugin(_: Hand, wish: Wish) -> str:
    wish.entry["image"] = NXDI
    command(wish, *SERVE)
    return variable(wish, "NEURON_VISIBLE_DEVICES", "0")


@oddity("NE231", replace(ON_DEVICES, types=_largest, devices=("all",)))
def _undocumented_degree(hand: Hand, wish: Wish) -> str:
    return command(wish, *SERVE, f"--tensor-parallel-size={hand.one((5, 7, 23))}")


@oddity("NE234", replace(ON_DEVICES, types=family("inf2", "trn1"), nat=OPEN))
def _model_known_to_fail(_: Hand, wish: Wish) -> str:
    wish.entry["image"] = NXDI
    short = ("--max-num-seqs=1", "--max-model-len=512")
    return command(wish, "vllm", "serve", "Qwen/Qwen2.5-1.5B-Instruct", *short)


@oddity("NE237", ON_DEVICES)
def _cores_of_two_containers(_: Hand, wish: Wish) -> str:
    return f"{sidecar_with(wish, neuron_devices='all')}.neuron_devices"


@oddity("NE238", ON_DEVICES)
def _workers_with_every_core(hand: Hand, wish: Wish) -> str:
    return command(wish, hand.one(("gunicorn", "uvicorn")), "main:app", "--workers", "2")


@oddity("NE315", replace(ALONE, sorts=(NEURON,), types=several, port=False, overridden=False))
def _sizes_beyond_the_shares(_: Hand, wish: Wish) -> str:
    one_size(wish.pool, 2)
    wish.entry["neuron_devices"] = 1
    wish.entry["replicas"] = {"min": 2}
    wish.keys["models"]["second"] = dict(wish.entry)
    for entry in (wish.entry, wish.keys["models"]["second"]):
        entry["memory_mib"] = wish.pool.room[1] // 2 + 1
        entry["replicas"] = {"min": 1}
    wish.keys["models"]["second"]["neuron_devices"] = [facts.devices_of(wish.pool.kind) - 1]
    wish.entry["neuron_devices"] = [0]
    return f"{wish.path}.memory_mib"


@oddity("NE318", replace(ALONE, sorts=(CPU,), modes=("awsvpc",), port=False))
def _interfaces_run_out(_: Hand, wish: Wish) -> str:
    one_size(wish.pool, 1)
    cpu, memory = wish.pool.room
    wish.entry.update(cpu_units=cpu // 12, memory_mib=memory // 12)
    wish.entry["replicas"] = {"min": 10}
    return f"{wish.path}.network_mode"


@oddity("NE323", WORK)
def _secret_in_clear(_: Hand, wish: Wish) -> str:
    return variable(wish, "DB_PASSWORD", "correct horse battery staple")


@oddity("NE325", replace(PULLS, regions=2))
def _secret_of_another_region(_: Hand, wish: Wish) -> str:
    arn = f"arn:aws:secretsmanager:{wish.pool.regions[0]}:{facts.ACCOUNT}:secret:hf-a1b2c3"
    wish.entry["secrets"] = {"HF_TOKEN": arn}
    return f"{wish.path}.secrets.HF_TOKEN"


@oddity("NE329", replace(ALONE, sorts=(NEURON,), port=False, modes=("bridge", "host")))
def _small_volume(_: Hand, wish: Wish) -> str:
    one_size(wish.pool, max(1, 2 * wish.work.most))
    wish.keys["models"]["second"] = wish.entry | {"image": wish.entry["image"] + "-1"}
    return of_pool(wish, "root_volume_gib", 30)


@oddity("NE350", replace(ALONE, sorts=(CPU,), port=False, modes=("bridge", "host")))
def _fortunate_order(_: Hand, wish: Wish) -> str:
    one_size(wish.pool, 2)
    memory = facts.estimate(wish.pool.kind)
    wish.entry.update(cpu_units=128, memory_mib=memory // 2, replicas={"min": 3})
    small = {"memory_mib": memory // 4, "replicas": {"min": 2}}
    wish.keys["models"]["second"] = wish.entry | small
    return f"capacity.{wish.pool.name}.max_size"


@oddity("NE351", replace(ALONE, sorts=(NEURON,), overridden=False))
def _memory_above_the_estimate(hand: Hand, wish: Wish) -> str:
    memory = wish.pool.room[1]
    return field(wish, "memory_mib", memory - hand.number(0, 383))


@oddity("NE409", replace(PULLS, sorts=(NEURON,), ami=False, alone=True))
def _old_driver(_: Hand, wish: Wish) -> str:
    wish.pool.entry["ami"] = {"family": "al2"}
    return field(wish, "image", wish.entry["image"] + "-sdk2.26.1")


@oddity("NE411", replace(PULLS, sorts=(NEURON,), types=family("inf1"), ami=False))
def _no_longer_supported(_: Hand, wish: Wish) -> str:
    return field(wish, "image", INF1)


@oddity("NE414", PULLS)
def _moving_tag(hand: Hand, wish: Wish) -> str:
    return field(wish, "image", hand.one(("acme/serving:latest", "acme/serving")))


@oddity("NE720", WORK)
def _policy_that_no_table_knows(_: Hand, wish: Wish) -> str:
    partition = facts.partition(wish.home)
    arn = f"arn:{partition}:iam::aws:policy/AmazonS3ReadOnlyAcess"
    return f"{field(wish, 'task_policies', [arn])}[0]"


@oddity("NE418", replace(ON_DEVICES, types=family("inf2", "trn1"), nat=OPEN))
def _blocks_unset(_: Hand, wish: Wish) -> str:
    wish.entry["image"] = NXDI
    return command(wish, *SERVE, "--max-num-seqs=4", "--max-model-len=8192")


@oddity("NE419", replace(ON_DEVICES, types=family("inf2", "trn1"), nat=OPEN))
def _option_of_another_version(_: Hand, wish: Wish) -> str:
    wish.entry["image"] = NXDI
    return command(wish, *SERVE, "--device", "neuron")


@oddity("NE420", replace(ON_DEVICES, types=family("trn2", "trn2u"), nat=OPEN, efa=False))
def _efa_looked_for(_: Hand, wish: Wish) -> str:
    wish.entry["image"] = PLUGIN
    return command(wish, *SERVE)


@oddity("NE422", replace(PULLS, networks=("own",)))
def _repository_of_nobody(_: Hand, wish: Wish) -> str:
    return field(wish, "image", "public.ecr.aws/neuron/serving:1.0")


@oddity("NE505", Want(networks=("own",), regions=2))
def _blocks_overlap(_: Hand, wish: Wish) -> str:
    for region in wish.pool.regions:
        wish.network(region)["cidr"] = "10.200.0.0/16"
    return ""


@oddity("NE506", Want(networks=("own",)))
def _dockers_block(_: Hand, wish: Wish) -> str:
    wish.network(wish.pool.regions[0])["cidr"] = "172.17.0.0/16"
    return ""


@oddity("NE508", Want(networks=("own",)))
def _public_block(_: Hand, wish: Wish) -> str:
    wish.network(wish.pool.regions[0])["cidr"] = "52.0.0.0/16"
    return ""


@oddity("NE517", SHUT)
def _bucket_of_another_region(_: Hand, wish: Wish) -> str:
    other = absent_region(wish)
    wish.entry["s3_read"] = [f"s3://models-{other}/"]
    return f"{wish.path}.s3_read[0]"


@oddity("NE520", ANY)
def _everybody(_: Hand, wish: Wish) -> str:
    wish.keys["traffic"] = {"allow_from": ["0.0.0.0/0"]}
    return "traffic.allow_from[0]"


@oddity("NE525", ANY)
def _many_callers(_: Hand, wish: Wish) -> str:
    wish.keys["traffic"] = {"allow_from": [f"10.0.{n}.0/24" for n in range(61)]}
    return "traffic.allow_from"


@oddity("NE526", replace(CALLED, sorts=(NEURON,), types=family("inf1"), ami=False, nat=OPEN))
def _health_path_of_another_server(_: Hand, wish: Wish) -> str:
    wish.entry["image"] = INF1
    return f"{wish.path}.health_check.path"


@oddity("NE605", replace(EMPTY, sorts=(NEURON, CPU)))
def _retired_and_running(_: Hand, wish: Wish) -> str:
    wish.pool.entry["retired"] = True
    return of_pool(wish, "min_size", 1)


@oddity("NE607", MANAGED)
def _idle_instances_stay(_: Hand, wish: Wish) -> str:
    return of_pool(wish, "scale_in_after_seconds", -1)


@oddity("NE606", replace(ALONE, sorts=(NEURON,), types=several, port=False))
def _waves_that_do_not_wait(_: Hand, wish: Wish) -> str:
    one_size(wish.pool, 1)
    wish.entry["neuron_devices"] = 1
    wish.entry["replicas"] = {"min": 2}
    wish.keys["wait_for_steady_state"] = False
    return "wait_for_steady_state"


@oddity("NE704", ANY)
def _tag_of_ours(_: Hand, wish: Wish) -> str:
    wish.keys["tags"] = {"Name": "a"}
    return "tags.Name"


@oddity("NE709", WORK)
def _many_policies(_: Hand, wish: Wish) -> str:
    stem = f"arn:{facts.partition(wish.home)}:iam::{facts.ACCOUNT}:policy/own-"
    wish.keys.pop("traffic", None)
    return field(wish, "task_policies", [f"{stem}{n}" for n in range(11)])


@oddity("NE713", Want(sorts=(CPU,), networks=("existing",), purchases=PAID, overridden=False))
def _many_instances(_: Hand, wish: Wish) -> str:
    one_size(wish.pool, 6000)
    roomy(wish)
    return f"capacity.{wish.pool.name}.max_size"


@oddity("NE803", replace(JOB, port=False))
def _meeting_elsewhere(_: Hand, wish: Wish) -> str:
    return command(wish, "torchrun", "--rdzv-endpoint=head:29500", "train.py")


@oddity("NE338", WORK)
def _cache_that_nobody_may_write(_: Hand, wish: Wish) -> str:
    wish.entry.pop("task_policies", None)
    wish.entry.setdefault("environment", {})["NEURON_COMPILE_CACHE_URL"] = "s3://my-cache/neuron"
    return f"{wish.path}.environment.NEURON_COMPILE_CACHE_URL"


@oddity("NE339", WORK)
def _variable_that_nothing_reads(_: Hand, wish: Wish) -> str:
    wish.entry.setdefault("environment", {})["VLLM_NEURON_REMOTE_CACHE"] = "/mnt/cache"
    return f"{wish.path}.environment.VLLM_NEURON_REMOTE_CACHE"


@oddity("NE139", Want(sorts=(MANAGED_CPU,), purchases=PAID, overridden=False))
def _two_architectures(_: Hand, wish: Wish) -> str:
    other = "t4g.2xlarge" if wish.pool.kind.architecture == "x86_64" else "t3.2xlarge"
    allowed = written_types(wish.pool)
    return of_pool(wish, "allowed_instance_types", [*allowed, other])


@oddity("NE426", replace(ON_DEVICES, nat=OPEN))
def _image_of_other_hardware(hand: Hand, wish: Wish) -> str:
    wish.entry.pop("command", None)
    wish.entry.pop("entry_point", None)
    others = ("vllm/vllm-openai:v0.13.0", "nvcr.io/nvidia/tritonserver:26.01-py3")
    return field(wish, "image", hand.one(others))


@oddity("NE723", replace(WORK, nat=OPEN))
def _secret_that_looks_complete(_: Hand, wish: Wish) -> str:
    partition = facts.partition(wish.home)
    arn = f"arn:{partition}:secretsmanager:{{region}}:{facts.ACCOUNT}:secret:my-secret"
    wish.entry["secrets"] = {"TOKEN": arn}
    return f"{wish.path}.secrets.TOKEN"


@oddity("NE725", WORK)
def _administrator(_: Hand, wish: Wish) -> str:
    arn = f"arn:{facts.partition(wish.home)}:iam::aws:policy/AdministratorAccess"
    return f"{field(wish, 'task_policies', [arn])}[0]"


@oddity("NE955", ANY)
def _shape_unlike_its_row(_: Hand, wish: Wish) -> str:
    name = "Qwen/Qwen3-8B"
    adds_shapes(wish, {name: {"like": name, "max_positions": 131_072}})
    return f'shapes["{name}"].max_positions'


# -- what AWS takes and the planner once refused -------------------------------------------------


@oddity("NE307", replace(SILENT, sorts=(NEURON,), efa=True, types=with_efa))
def _bridge_with_efa(_: Hand, wish: Wish) -> str:
    return field(wish, "network_mode", "bridge")


@oddity("NE330", replace(WORK, sorts=(NEURON, CPU)))
def _shared_memory_beyond_the_task(_: Hand, wish: Wish) -> str:
    memory = (
        wish.entry.get("memory_mib") or facts.share(wish.pool.kind, wish.work.devices, (0, 0))[1]
    )
    return field(wish, "shared_memory_mib", memory + 1)


@oddity("NE331", WORK)
def _exec_on_a_read_only_root(_: Hand, wish: Wish) -> str:
    wish.entry["exec"] = True
    return field(wish, "read_only_root", True)


@oddity("NE333", replace(CALLED, sorts=(NEURON, CPU), efa=False, modes=("bridge",)))
def _localhost_behind_the_bridge(hand: Hand, wish: Wish) -> str:
    host = hand.one(("localhost", "127.0.0.1"))
    path = sidecar_with(wish, command=["--url", f"http://{host}:{listened(wish)}/metrics"])
    return f"{path}.command[1]"


@oddity("NE334", replace(CALLED, modes=("host", "awsvpc")))
def _link_name_without_a_bridge(_: Hand, wish: Wish) -> str:
    address = f"http://{wish.work.name}:{listened(wish)}"
    path = sidecar_with(wish, environment={"MODEL": address})
    return f"{path}.environment.MODEL"


@oddity("NE217", replace(EMPTY, sorts=(MANAGED_NEURON,)))
def _mixed_types(hand: Hand, wish: Wish) -> str:
    written_types(wish.pool).append(hand.one(("c7g.xlarge", "m5.*")))
    return f"capacity.{wish.pool.name}.allowed_instance_types"


@oddity(
    "NE117", Want(sorts=(NEURON,), purchases=("capacity_block",), single=True, overridden=False)
)
def _larger_than_a_block(hand: Hand, wish: Wish) -> str:
    most = facts.catalog().limits.value("capacity_block_instances_max")
    one_size(wish.pool, hand.one((most + 1, most + 100)))
    roomy(wish)
    return f"capacity.{wish.pool.name}.max_size"


@oddity("NE255", BLOCKED)
def _later_block(_: Hand, wish: Wish) -> str:
    days = ("2026-12-01T11", "2026-12-02T11"), ("2026-12-02T11", "2026-12-09T11")
    return block_hours(wish, *days) + "[1].id"


@oddity("NE256", BLOCKED)
def _reservation_beside_blocks(_: Hand, wish: Wish) -> str:
    block_hours(wish, ("2026-12-01T11", "2026-12-02T11"))
    (region,) = wish.pool.regions
    return of_pool(wish, "reservation_ids", {region: "cr-0f"}) + f".{region}"


@oddity("NE258", replace(BLOCKED, alone=True))
def _headroom_in_a_block(_: Hand, wish: Wish) -> str:
    block_hours(wish, ("2026-12-01T11", "2026-12-02T11"))
    one_size(wish.pool, wish.pool.entry["max_size"] + 1)
    return of_pool(wish, "headroom", 1)


def _mounts(wish: Wish, volume: Entry, path: str = "/mnt/one", **more: Any) -> str:
    """A mount of the wanted workload, and its volume."""
    wish.entry["mounts"] = {"one": {"path": path, **more}}
    wish.keys["volumes"] = wish.keys.get("volumes", {}) | {"one": volume}
    return f"{wish.path}.mounts.one"


HOST = {"kind": "host"}


@oddity("NE361", WORK)
def _unused_volume(_: Hand, wish: Wish) -> str:
    wish.keys.setdefault("volumes", {})["unused"] = HOST
    return "volumes.unused"


@oddity("NE364", WORK)
def _hidden_files(hand: Hand, wish: Wish) -> str:
    return _mounts(wish, HOST, hand.one(("/usr", "/opt/", "/dev")))


@oddity("NE365", WORK)
def _directory_of_the_system(hand: Hand, wish: Wish) -> str:
    _mounts(wish, {"kind": "host", "path": hand.one(("/", "/etc", "/var/lib", "/run/docker"))})
    return "volumes.one.path"


@oddity("NE366", WORK)
def _directory_of_another_user(hand: Hand, wish: Wish) -> str:
    wish.entry["user"] = hand.one(("1000", "neuron", "1000:0"))
    return _mounts(wish, HOST)


@oddity("NE367", WORK)
def _nothing_but_readers(_: Hand, wish: Wish) -> str:
    return _mounts(wish, HOST, read_only=True)


@oddity("NE368", replace(WORK, sorts=MANAGED.sorts))
def _host_of_a_few_days(_: Hand, wish: Wish) -> str:
    _mounts(wish, HOST)
    return wish.path


@oddity("NE371", WORK)
def _files_of_others(_: Hand, wish: Wish) -> str:
    given = dict.fromkeys(wish.keys["regions"], "fs-0123456789abcdef0")
    _mounts(wish, {"kind": "efs", "file_systems": given})
    return "volumes.one.file_systems"


@oddity("NE375", WORK)
def _large_disk(hand: Hand, wish: Wish) -> str:
    field, value = hand.one((("size_gib", 16_385), ("iops", 16_001), ("throughput_mib", 1_001)))
    wish.entry.pop("schedule", None)
    disk = {"kind": "ebs", "size_gib": 200, "iops": 16_000} | {field: value}
    _mounts(wish, disk)
    return f"volumes.one.{field}"


@oddity("NE377", replace(WORK, regions=2))
def _disk_without_files_in_a_region(hand: Hand, wish: Wish) -> str:
    given = dict.fromkeys(wish.keys["regions"], "snap-0123456789abcdef0")
    del given[hand.one(sorted(wish.entry.get("regions", wish.pool.regions)))]
    wish.entry.pop("schedule", None)
    _mounts(wish, {"kind": "ebs", "size_gib": 200, "snapshot_ids": given})
    return "volumes.one.snapshot_ids"


@oddity("NE379", WORK)
def _disk_of_each_task(_: Hand, wish: Wish) -> str:
    wish.entry.pop("schedule", None)
    _mounts(wish, {"kind": "ebs", "size_gib": 200})
    return wish.path


@oddity("NE218", replace(BY_NAME, sorts=(MANAGED_NEURON,), exact=True, alone=True))
def _names_without_locks(_: Hand, wish: Wish) -> str:
    return field(wish, "network_mode", "awsvpc")


@oddity("NE610", CALLED)
def _moved_by_two(_: Hand, wish: Wish) -> str:
    wish.entry["scaling"] = {"requests_per_minute": 60, "external": True}
    return f"{wish.path}.scaling.external"


@oddity("NE611", CALLED)
def _hasty(hand: Hand, wish: Wish) -> str:
    name = hand.one(("cooldown_out_seconds", "cooldown_in_seconds"))
    wish.entry["scaling"] = {"requests_per_minute": 60, name: hand.number(0, 1199)}
    return f"{wish.path}.scaling.{name}"


@oddity("NE612", replace(CALLED, overridden=False))
def _nobody_wakes_it(_: Hand, wish: Wish) -> str:
    wish.entry["scaling"] = {"requests_per_minute": 60}
    wish.entry["replicas"] = {"min": 0, "max": max(1, wish.work.most)}
    return f"{wish.path}.replicas.min"


@oddity("NE616", replace(WORK, work=("models",)))
def _two_ranges(_: Hand, wish: Wish) -> str:
    wish.entry["scaling"] = {"schedule": [{"expression": "rate(1 day)"}] * 2}
    return f"{wish.path}.scaling.schedule[1].expression"


@oddity("NE618", Want(sorts=(NEURON, CPU), purchases=("on_demand", "spot"), overridden=False))
def _nothing_reserved(_: Hand, wish: Wish) -> str:
    return of_pool(wish, "on_demand_fallback", True)


@oddity("NE621", CALLED)
def _queue_of_an_unknown_server(hand: Hand, wish: Wish) -> str:
    return measured(hand, wish)


@oddity("NE623", CALLED)
def _two_loads(hand: Hand, wish: Wish) -> str:
    measured(hand, wish)
    wish.entry["scaling"] = {"queue": 8, "requests_per_minute": 60}
    return f"{wish.path}.scaling.requests_per_minute"


@oddity("NE614", replace(CALLED, sorts=(MANAGED_CPU,), overridden=False))
def _many_steps(_: Hand, wish: Wish) -> str:
    wish.entry["scaling"] = {"requests_per_minute": 60}
    wish.entry["replicas"] = {"min": 1, "max": 30}
    return f"{wish.path}.scaling.requests_per_minute"


# -- what is known of a served model ---------------------------------------------------------------

RUNS = Want(
    sorts=(NEURON,),
    types=family("inf2", "trn1", "trn1n"),
    work=("models",),
    bare=True,
    alone=True,
    ami=False,
    efa=False,
    nat=OPEN,
    port=False,
    devices=("count",),
)


@oddity("NE911", RUNS)
def _caches_that_nearly_fill_a_core(_: Hand, wish: Wish) -> str:
    # 22 layers of 4 KV heads of 64, two bytes each: 44 MiB for 2,048 tokens on one core
    return runs(wish, TINY, sequences=270, length=2048)


@oddity("NE912", RUNS)
def _little_memory_to_compile(hand: Hand, wish: Wish) -> str:
    wish.entry["memory_mib"] = hand.number(1024, 4096)
    return runs(wish, TINY)


@oddity("NE914", RUNS)
def _gated_without_a_token(_: Hand, wish: Wish) -> str:
    return runs(wish, "meta-llama/Llama-3.2-3B-Instruct")


@oddity("NE915", replace(RUNS, types=family("trn2", "trn2u"), devices=("all", "count")))
def _heads_that_do_not_divide(_: Hand, wish: Wish) -> str:
    wish.entry["image"] = PLUGIN
    wish.entry["environment"] = {"NEURON_SKIP_EFA_AFFINITY": "1"}
    size = ("--max-num-seqs=1", "--max-model-len=512", "--tensor-parallel-size=3")
    return command(wish, "vllm", "serve", "meta-llama/Llama-3.1-8B-Instruct", *size)


@oddity("NE916", RUNS)
def _architecture_of_another_image(_: Hand, wish: Wish) -> str:
    return runs(wish, "ibm-granite/granite-3.1-2b-instruct")


def _twelve_cores(kind: InstanceType) -> bool:
    return kind.name == "inf2.24xlarge"


@oddity("NE917", replace(RUNS, types=_twelve_cores, devices=("all",)))
def _seen_to_fail(_: Hand, wish: Wish) -> str:
    model = "meta-llama/Llama-3.1-8B-Instruct"
    return runs(wish, model, "--tensor-parallel-size=8", length=16_384)


@oddity("NE744", CALLED)
def _uncovered_name(_: Hand, wish: Wish) -> str:
    """A wildcard stands for one label, and the Region is another one."""
    in_a_domain(wish)
    wish.keys["traffic"] |= {
        "certificate_arns": {wish.region: facts.certificate(wish.region)},
        "hosts": {wish.region: ["*.example.com"]},
    }
    return f"traffic.hosts.{wish.region}"


_SERVES = replace(RUNS, port=True)


def _keyed(wish: Wish) -> None:
    """The model asks for a key."""
    wish.keys["traffic"] = {"authentication": {"api_key": "/keys/a"}}
    runs(wish, TINY, f"--port={listened(wish)}")


@oddity("NE749", CALLED)
def _no_key(_: Hand, wish: Wish) -> str:
    wish.keys["traffic"] = {"authentication": {"api_key": "/keys/a"}}
    return ""


@oddity("NE750", _SERVES)
def _key_of_its_own(_: Hand, wish: Wish) -> str:
    _keyed(wish)
    wish.entry.setdefault("secrets", {})["VLLM_API_KEY"] = "/keys/b"
    wish.entry.get("environment", {}).pop("VLLM_API_KEY", None)
    return f"{wish.path}.secrets.VLLM_API_KEY"


@oddity("NE751", _SERVES)
def _every_path(_: Hand, wish: Wish) -> str:
    _keyed(wish)
    wish.entry["paths"] = ["/*"]
    return f"{wish.path}.paths"


@oddity("NE818", CALLED)
def _no_weight(_: Hand, wish: Wish) -> str:
    wish.keys["traffic"] = {"weights": {wish.work.name: {wish.work.name: 0}}}
    return f"traffic.weights.{wish.work.name}"


@oddity("NE821", replace(_SERVES, purchases=("on_demand",), lone_pool=True))
def _a_key_for_each(_: Hand, wish: Wish) -> str:
    """A second model, like the wanted one but for its key, answers some of its requests."""
    _keyed(wish)
    roomy(wish)
    one_size(wish.pool, wish.pool.entry["max_size"] + 4 * wish.pool.needed)
    name = wish.work.name
    wish.keys["models"]["second"] = deepcopy(wish.entry)
    wish.keys["traffic"] = {
        "authentication": {"api_key": {name: "/keys/a", "second": "/keys/b"}},
        "weights": {name: {name: 1, "second": 1}},
    }
    return f"traffic.weights.{name}"


def _over_two_regions(wish: Wish) -> list[str]:
    """Names over all Regions; the Regions in which the model answers."""
    wish.entry.pop("regions", None)
    in_a_domain(wish, private=True)
    wish.keys["traffic"]["connected"] = True
    return sorted(wish.pool.regions)


@oddity("NE771", replace(CALLED, regions=2))
def _https_in_one_of_two(_: Hand, wish: Wish) -> str:
    region, *_rest = _over_two_regions(wish)
    wish.keys["traffic"]["certificate_arns"] = {region: facts.certificate(region)}
    return "traffic.connected"


@oddity("NE772", replace(CALLED, regions=2))
def _callers_of_one_of_two(_: Hand, wish: Wish) -> str:
    blocks = ("10.0.0.0/8", "192.168.0.0/16")
    regions = _over_two_regions(wish)
    wish.keys["traffic"]["allow_from"] = dict(
        zip(regions, ([block] for block in blocks), strict=False)
    )
    return "traffic.allow_from"


_OWN = replace(CALLED, networks=("own",))


def _opened(wish: Wish, **traffic: Any) -> None:
    """Every load balancer is public, for one block."""
    wish.keys["traffic"] = {"public": True, "allow_from": ["203.0.113.0/24"], **traffic}


@oddity("NE752", _OWN)
def _nobody(_: Hand, wish: Wish) -> str:
    _opened(wish, allow_from=[])
    return "traffic.public"


@oddity("NE755", _OWN)
def _private_caller(_: Hand, wish: Wish) -> str:
    _opened(wish, allow_from=["10.0.0.0/8"])
    return "traffic.allow_from[0]"


@oddity("NE756", _OWN)
def _callers_beside_everyone(_: Hand, wish: Wish) -> str:
    _opened(wish, public={"anyone": True}, authentication={"api_key": "/keys/a"})
    return "traffic.allow_from"


@oddity("NE757", _OWN)
def _private_names(_: Hand, wish: Wish) -> str:
    domain = {"name": "example.com", "zone_id": "Z0AAA", "private": True}
    _opened(wish, domain=domain)
    return "traffic.domain.private"


@oddity("NE759", replace(_OWN, alone=True))
def _small_public_subnets(_: Hand, wish: Wish) -> str:
    wish.network(wish.region)["cidr"] = "10.250.0.0/22"
    _opened(wish)
    return f"regions.{wish.region}.network.cidr"


@oddity("NE761", _OWN)
def _both_schemes(_: Hand, wish: Wish) -> str:
    _opened(wish, both_schemes=True)
    return "traffic.both_schemes"


@oddity("NE918", _SERVES)
def _grace_of_seconds(hand: Hand, wish: Wish) -> str:
    wish.entry["health_check"] = {"grace_seconds": hand.number(0, 899)}
    return runs(wish, TINY, f"--port={listened(wish)}")


@oddity("NE919", RUNS)
def _volume_below_the_weights(_: Hand, wish: Wish) -> str:
    wish.pool.entry["root_volume_gib"] = 40
    return runs(wish, "Qwen/Qwen3-4B")


@oddity("NE920", RUNS)
def _model_that_nobody_knows(_: Hand, wish: Wish) -> str:
    return runs(wish, "acme/chat-5")


@oddity("NE332", ON_DEVICES)
def _nowhere_to_compile(_: Hand, wish: Wish) -> str:
    wish.entry["read_only_root"] = True
    wish.entry["environment"] = {"NEURON_COMPILE_CACHE_URL": "/opt/compiled"}
    return f"{wish.path}.read_only_root"


# The port that follows from serve needs a load balancer, and so two zones.
SERVES = replace(RUNS, networks=("own",), port=True)


@oddity("NE909", SERVES)
def _revision_of_a_directory(_: Hand, wish: Wish) -> str:
    del wish.entry["image"]
    adds_shapes(wish, {"/models/chat": {"like": TINY}})
    wish.entry["serve"] = {"model": "/models/chat", "revision": "main", "max_model_len": 512}
    return f"{wish.path}.serve.revision"


@oddity("NE923", SERVES)
def _lengths_of_what_was_compiled_before(hand: Hand, wish: Wish) -> str:
    del wish.entry["image"]
    field, value = hand.one((("max_model_len", 512), ("max_num_seqs", 2), ("served_name", "chat")))
    serve = {"model": "s3://my-models/resnet/", "server": "torchserve", field: value}
    wish.entry["serve"] = serve
    return f"{wish.path}.serve.{field}"


@oddity("NE940", replace(SERVES, types=family("trn2", "trn2u"), devices=("all", "count")))
def _cache_in_s3_of_the_plugin(_: Hand, wish: Wish) -> str:
    del wish.entry["image"]
    serve = {"model": "openai/gpt-oss-20b", "max_model_len": 2048, "cache": "s3://my-cache/neuron/"}
    wish.entry["serve"] = serve
    return f"{wish.path}.serve.cache"


def _smallest(kind: InstanceType) -> bool:
    return kind.name == "inf2.xlarge"


@oddity("NE944", replace(SERVES, types=_smallest))
def _little_memory_to_compile_ahead(_: Hand, wish: Wish) -> str:
    del wish.entry["image"]
    wish.keys.setdefault("volumes", {})["shared"] = {"kind": "efs"}
    serve = {"model": "deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "max_model_len": 512}
    wish.entry["serve"] = {**serve, "max_num_seqs": 1, "cache": "shared", "compile": "ahead"}
    return f"{wish.path}.serve.compile_on"


@oddity("NE941", replace(SERVES, tasks=2))
def _several_writers_of_a_cache(_: Hand, wish: Wish) -> str:
    del wish.entry["image"]
    wish.keys.setdefault("volumes", {})["shared"] = {"kind": "efs"}
    wish.entry["serve"] = {"model": TINY, "max_model_len": 512, "cache": "shared"}
    return f"{wish.path}.serve.cache"


@oddity(
    "NE841",
    replace(BY_NAME, lone_pool=True, alone=True, nat=OPEN, where=("us-west-2",), networks=("own",)),
)
def _chips_that_nobody_watches(_: Hand, wish: Wish) -> str:
    wish.keys["neuron_metrics"] = {}
    wish.keys["capacity"]["unseen"] = {
        "kind": "managed_instances",
        "allowed_instance_types": ["trn1.2xlarge"],
        "regions": ["us-west-2"],
    }
    return "capacity.unseen"


@oddity("NE842", replace(MANAGED, sorts=(MANAGED_NEURON,), lone_pool=True))
def _nothing_to_watch(_: Hand, wish: Wish) -> str:
    wish.keys["neuron_metrics"] = {}
    return "neuron_metrics"
