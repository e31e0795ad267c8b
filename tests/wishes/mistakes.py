"""One mistake of each kind, put into a valid stack file.

A mistake says what stack it needs (`Want`), changes one thing there, and returns where the finding
must stand: a path, or the paths of the two entries that cannot both be. Nothing here asks the
planner; what each change breaks follows from the tables.
"""

import re
from dataclasses import replace
from typing import Any

from tests.wishes import facts, shapes, tasks
from tests.wishes.changes import (
    ALONE,
    ANY,
    BLOCKED,
    BY_NAME,
    CALLED,
    EMPTY,
    GROUPS,
    JOB,
    KEPT,
    LATER,
    MANAGED,
    MODEL,
    NXDI,
    ON_DEVICES,
    OPEN,
    OPTIMUM,
    PLUGIN,
    PULLS,
    SHUT,
    SILENT,
    TINY,
    TORCHSERVE,
    WORK,
    absent_region,
    adds_shapes,
    another,
    as_map,
    block_hours,
    command,
    cores_in,
    family,
    field,
    further_region,
    in_a_domain,
    in_region,
    in_the_middle,
    lines_on,
    listened,
    listens,
    measured,
    mistake,
    not_inf1,
    not_stored,
    of_pool,
    one_size,
    per_instance,
    roomy,
    runs,
    several,
    sidecar_with,
    size_in,
    stored,
    variable,
    without_efa,
    written_regions,
)
from tests.wishes.drawing import Hand
from tests.wishes.networks import face_outside
from tests.wishes.pools import (
    CPU,
    MANAGED_CPU,
    MANAGED_NEURON,
    NEURON,
    Want,
    anything,
    reservation,
    written_types,
)
from tests.wishes.stacks import Wish
from tests.wishes.tasks import CORES, LOGICAL, NUMBER, Entry, cpu_of, overrides

# -- the stack file --------------------------------------------------------------------------------


@mistake("NE010", ANY)
def _error_silenced(hand: Hand, wish: Wish) -> str:
    code = hand.one(("NE204", "NE999", "NE101"))
    wish.keys["silence"] = {code: "never mind"}
    return f"silence.{code}"


@mistake("NE001", ANY)
def _unknown_key(hand: Hand, wish: Wish) -> str:
    return of_pool(wish, hand.one(("max_sizes", "zone", "Kind", "user_data", "instance_types")), 1)


@mistake("NE001", ANY)
def _misspelled_key_of_a_pool(hand: Hand, wish: Wish) -> str:
    pool = wish.pool.entry
    names = {"max_size", "instance_type", "allowed_instance_types", "accelerators"}
    name = hand.one(sorted(pool.keys() & names))
    return of_pool(wish, f"{name}x", pool.pop(name))


@mistake("NE001", WORK)
def _misspelled_key(hand: Hand, wish: Wish) -> str:
    name = hand.one(sorted(wish.entry.keys() & {"image", "capacity", "memory_mib", "environment"}))
    wish.entry[f"{name}s"] = wish.entry.pop(name)
    return f"{wish.path}.{name}s"


@mistake("NE001", ANY)
def _wrong_number_of_a_pool(hand: Hand, wish: Wish) -> str:
    return of_pool(wish, "max_size", hand.one((0, "four", -1)))


@mistake("NE001", WORK)
def _word_of_another_tool(hand: Hand, wish: Wish) -> str:
    return field(wish, hand.one(("env", "gpu", "volumes", "mountPoints", "task_role_arn")), 1)


@mistake("NE001", ANY)
def _field_of_no_shape(hand: Hand, wish: Wish) -> str:
    groups = ("regions", "capacity", "volumes", "models", "jobs")
    key = hand.one([key for key in groups if any(wish.keys.get(key, {}).values())])
    name = hand.one(sorted(name for name, entry in wish.keys[key].items() if entry))
    field_name = hand.one(sorted(wish.keys[key][name]))
    wish.keys[key][name][field_name] = 5.5
    return f"{key}.{name}.{field_name}"


@mistake("NE001", ANY)
def _entry_of_no_shape(hand: Hand, wish: Wish) -> str:
    key = hand.one([key for key in ("regions", "capacity", "models", "jobs") if wish.keys.get(key)])
    name = hand.one(sorted(wish.keys[key]))
    wish.keys[key][name] = 5.5
    return f"{key}.{name}"


@mistake("NE001", ANY)
def _key_of_no_shape(hand: Hand, wish: Wish) -> str:
    key = hand.one(sorted(wish.keys))
    wish.keys[key] = 5.5
    return key


@mistake("NE001", WORK)
def _key_missing(hand: Hand, wish: Wish) -> str:
    name = hand.one(("image", "capacity"))
    del wish.entry[name]
    return f"{wish.path}.{name}"


@mistake("NE001", WORK)
def _wrong_value(hand: Hand, wish: Wish) -> str:
    name, value = hand.one(
        (
            ("port", 0),
            ("port", 65_536),
            ("port", "8080"),
            ("memory_mib", 1.5),
            ("exec", "yes"),
            ("network_mode", "none"),
            ("neuron_devices", -1),
            ("image", "a b"),
            ("log_retention_days", None),
        )
    )
    return field(wish, name, value)


@mistake("NE001", WORK)
def _credential(_: Hand, wish: Wish) -> str:
    return variable(wish, "HF_TOKEN", "hf_" + "aB3dE5gH" * 4)


# -- where -----------------------------------------------------------------------------------------


@mistake("NE101", ANY)
def _misspelt_region(_: Hand, wish: Wish) -> str:
    written_regions(wish)
    wish.keys["regions"]["us-wset-2"] = {}
    return "regions.us-wset-2"


@mistake("NE101", ANY)
def _misspelt_home(hand: Hand, wish: Wish) -> str:
    wish.home = hand.one(("us-wset-2", "", "oregon"))
    return "aws:region"


@mistake(
    "NE102",
    Want(
        sorts=(NEURON,),
        single=True,
        where=tuple(r for r in facts.captured() if not facts.documented(r)),
    ),
)
def _risk_not_accepted(_: Hand, wish: Wish) -> str:
    region = wish.pool.regions[0]
    del wish.keys["regions"][region]["accept_undocumented_ami"]
    return f"regions.{region}"


@mistake("NE103", Want())
def _another_partition(hand: Hand, wish: Wish) -> str:
    written_regions(wish)
    wish.keys.pop("alarms", None)  # a topic has a partition, too
    if facts.partition(wish.home) != "aws":
        wish.keys["regions"]["us-west-2"] = {}
        return "regions.us-west-2"
    region = hand.one(("us-gov-west-1", "cn-north-1"))
    wish.keys["regions"][region] = {}
    return f"regions.{region}"


@mistake("NE104", replace(GROUPS, alone=True))
def _misspelt_type(hand: Hand, wish: Wish) -> str:
    return of_pool(wish, "instance_type", hand.one(("inf2.xlrage", "inf99.xlarge", "m5.tiny")))


@mistake("NE104", MANAGED)
def _pattern_of_nothing(hand: Hand, wish: Wish) -> str:
    patterns = written_types(wish.pool)
    if len(patterns) == 1 and "*" not in patterns[0]:
        wish.pool.entry["allowed_instance_types"] = [hand.one(("inf2.xlrage", "trn1.1xlarge"))]
        return f"capacity.{wish.pool.name}.allowed_instance_types[0]"
    patterns.append(hand.one(("inf99.*", "inf2.4xlarge")))
    return f"capacity.{wish.pool.name}.allowed_instance_types[{len(patterns) - 1}]"


@mistake("NE140", replace(MANAGED, alone=True))
def _nothing_of_the_kind(hand: Hand, wish: Wish) -> str:
    patterns = written_types(wish.pool)
    patterns[:] = [hand.one(("t3.micro", "t4g.nano", "m7g.medium"))]
    return f"capacity.{wish.pool.name}.allowed_instance_types"


@mistake("NE140", MANAGED)
def _no_type(_: Hand, wish: Wish) -> str:
    written_types(wish.pool)
    del wish.pool.entry["allowed_instance_types"]
    return f"capacity.{wish.pool.name}.allowed_instance_types"


@mistake("NE140", replace(MANAGED, sorts=(MANAGED_NEURON,)))
def _other_accelerators(_: Hand, wish: Wish) -> str:
    chip = "inferentia2" if "trn2" in str(written_types(wish.pool)) else "trainium2"
    wish.pool.entry["accelerators"] = [chip]
    return f"capacity.{wish.pool.name}.allowed_instance_types"


@mistake(
    "NE105",
    Want(
        sorts=(NEURON,),
        types=lambda k: len(facts.lacking(k.name, newer=False)) > 1,
        purchases=("on_demand", "spot"),
    ),
)
def _region_without_the_type(hand: Hand, wish: Wish) -> str:
    lacking = facts.lacking(wish.pool.kind.name, newer=False)
    lacking = [r for r in lacking if r not in wish.keys["regions"]]
    further_region(wish, hand.one(lacking), {"accept_undocumented_ami": True})
    return f"capacity.{wish.pool.name}"


@mistake("NE106", Want(single=True))
def _zone_without_the_type(hand: Hand, wish: Wish) -> str:
    region = wish.pool.regions[0]
    offered = {z for k in wish.pool.kinds for z in facts.offering(k.name, region)}
    lacking = [z for z in facts.zones(region) if z not in offered]
    lacking += ["use1-az1" if region != "us-east-1" else "usw2-az1"]
    if "vpc_id" not in wish.network(region):
        lacking.append(
            f"{facts.catalog().places.regions[region].short}-{hand.one(('az9', 'lax1-az1'))}"
        )
    return of_pool(wish, "zone_ids", [hand.one(lacking)])


@mistake("NE107", ANY)
def _pool_in_an_absent_region(_: Hand, wish: Wish) -> str:
    written_regions(wish)
    in_region(wish.pool.entry, absent_region(wish))
    return f"capacity.{wish.pool.name}.regions"


@mistake("NE107", WORK)
def _work_in_an_absent_region(_: Hand, wish: Wish) -> str:
    return field(wish, "regions", [*wish.pool.regions, absent_region(wish)])


@mistake("NE107", ANY)
def _certificate_of_an_absent_region(_: Hand, wish: Wish) -> str:
    absent = absent_region(wish)
    arn = f"arn:aws:acm:{absent}:{facts.ACCOUNT}:certificate/0a1b"
    wish.keys["traffic"] = {"certificate_arns": {absent: arn}}
    return f"traffic.certificate_arns.{absent}"


@mistake("NE108", WORK)
def _misspelt_pool(_: Hand, wish: Wish) -> str:
    return field(wish, "capacity", "poll-of-nothing")


@mistake("NE108", replace(WORK, alone=True))
def _retired_pool(_: Hand, wish: Wish) -> str:
    wish.pool.entry["retired"] = True
    return f"{wish.path}.capacity"


OTHERS = ("g4dn.xlarge", "g5.xlarge", "g6.xlarge")


@mistake(
    "NE111",
    Want(
        where=facts.regions_of("g4dn.xlarge"),
        sorts=(CPU,),
        networks=("own",),
        purchases=("on_demand",),
        overridden=False,
        ami=False,
        alone=True,
    ),
)
def _other_accelerator(hand: Hand, wish: Wish) -> str:
    fitting = [t for t in OTHERS if set(wish.pool.regions) <= set(facts.regions_of(t))]
    wish.pool.entry.pop("zone_ids", None)
    return of_pool(wish, "instance_type", hand.one(fitting))


@mistake("NE112", Want(purchases=facts.RESERVED, overridden=False))
def _no_reservation(hand: Hand, wish: Wish) -> str:
    name = "reservation_group_arns" if wish.pool.managed else "reservation_ids"
    region = hand.one(wish.pool.regions)
    wish.pool.entry.get(name, {}).pop(region, None)
    for holder in (wish.pool.entry, overrides(wish.pool.entry).get(region, {})):
        holder.pop("blocks", None)
        holder.pop(name[:-1], None)
    return f"capacity.{wish.pool.name}.{name}"


@mistake("NE112", Want())
def _purchase_of_the_other_kind(hand: Hand, wish: Wish) -> str:
    region = hand.one(wish.pool.regions)
    override = as_map(wish.pool)[region]
    override["purchase"] = (
        hand.one(("capacity_reservation", "capacity_block")) if wish.pool.managed else "reserved"
    )
    name = "reservation_group_arn" if wish.pool.managed else "reservation_id"
    override[name] = reservation(wish.pool, region)
    return f"capacity.{wish.pool.name}.regions.{region}.purchase"


@mistake("NE113", Want(networks=("own",)))
def _block_of_a_wrong_size(hand: Hand, wish: Wish) -> str:
    region = wish.pool.regions[0]
    wrong = ("10.0.0.0/23", "10.0.0.0/15", "10.0.0.1/16", "10.0.300.0/16", "10.0.0.0/33")
    wish.network(region)["cidr"] = hand.one(wrong)
    return f"regions.{region}.network.cidr"


@mistake("NE113", Want(networks=("existing",)))
def _zone_of_another_region(_: Hand, wish: Wish) -> str:
    region = wish.pool.regions[0]
    zone = "use1-az1" if region != "us-east-1" else "usw2-az1"
    wish.network(region)["private_subnets"][zone] = "subnet-9e"
    return f"regions.{region}.network.private_subnets"


@mistake(
    "NE114",
    Want(
        types=lambda k: "spot" not in k.usage_classes,
        sorts=(NEURON, MANAGED_NEURON),
        exact=True,
        purchases=("on_demand",),
        overridden=False,
    ),
)
def _no_spot(_: Hand, wish: Wish) -> str:
    return of_pool(wish, "purchase", "spot")


@mistake("NE121", Want())
def _override_of_the_other_kind(hand: Hand, wish: Wish) -> str:
    region = hand.one(wish.pool.regions)
    override = as_map(wish.pool)[region]
    if wish.pool.managed:
        name = hand.one(("max_size", "reservation_id"))
        override[name] = 3 if name == "max_size" else "cr-0a"
    else:
        name = "reservation_group_arn"
        override[name] = f"arn:aws:resource-groups:{region}:{facts.ACCOUNT}:group/g"
    return f"capacity.{wish.pool.name}.regions.{region}.{name}"


@mistake("NE122", replace(MANAGED, purchases=("reserved",), overridden=False))
def _group_of_another_region(hand: Hand, wish: Wish) -> str:
    pool, region = wish.pool, hand.one(wish.pool.regions)
    other = "us-west-1" if region != "us-west-1" else "us-west-2"
    arn = hand.one(
        (
            reservation(pool, region).replace(f":{region}:", f":{other}:"),
            reservation(pool, region).replace("arn:aws:", "arn:aws-cn:"),
        )
    )
    differing = overrides(pool.entry).get(region, {})
    if "reservation_group_arn" in differing:
        differing["reservation_group_arn"] = arn
        return f"capacity.{pool.name}.regions.{region}.reservation_group_arn"
    pool.entry["reservation_group_arns"][region] = arn
    return f"capacity.{pool.name}.reservation_group_arns.{region}"


@mistake(
    "NE133",
    replace(GROUPS, purchases=("capacity_reservation",), regions=2, overridden=False),
)
def _one_reservation_for_two(_: Hand, wish: Wish) -> tuple[str, ...]:
    pool = wish.pool
    for override in overrides(pool.entry).values():
        override.pop("reservation_id", None)
    first, second, *rest = pool.regions
    given = {first: "cr-0a", second: "cr-0a"} | {r: reservation(pool, r) for r in rest}
    pool.entry["reservation_ids"] = given
    stem = f"capacity.{pool.name}.reservation_ids"
    return f"{stem}.{first}", f"{stem}.{second}"


# -- chips -----------------------------------------------------------------------------------------


@mistake("NE201", replace(SILENT, sorts=(CPU, MANAGED_CPU)))
def _devices_without_chips(hand: Hand, wish: Wish) -> str:
    return field(wish, "neuron_devices", hand.one((1, "all", [0])))


@mistake("NE201", replace(SILENT, sorts=(CPU, MANAGED_CPU)))
def _devices_of_a_sidecar_without_chips(hand: Hand, wish: Wish) -> str:
    return sidecar_with(wish, neuron_devices=hand.one((1, "all", [0]))) + ".neuron_devices"


@mistake("NE202", replace(SILENT, sorts=(NEURON, MANAGED_NEURON)))
def _devices_not_named(_: Hand, wish: Wish) -> str:
    del wish.entry["neuron_devices"]
    return f"{wish.path}.neuron_devices"


@mistake("NE203", replace(BY_NAME, sorts=(NEURON, MANAGED_NEURON), exact=True))
def _device_that_does_not_exist(hand: Hand, wish: Wish) -> str:
    total = facts.devices_of(wish.pool.kind)
    return field(wish, "neuron_devices", hand.one((total + 1, [total], 1024)))


@mistake("NE204", BY_NAME)
def _device_twice(_: Hand, wish: Wish) -> str:
    return field(wish, "neuron_devices", [0, 0])


@mistake("NE204", replace(BY_NAME, types=several))
def _illegal_set(hand: Hand, wish: Wish) -> str:
    legal, total = set(facts.sets(wish.pool.kind)), facts.devices_of(wish.pool.kind)
    wrong: list[int | list[int]] = [[0, 2], [0, total - 1]]
    if (0, 2) not in legal:
        wrong += [3, 5, [1, 2], [1, 2, 3, 4], [4, 5, 6, 7, 8, 9, 10, 11]]
    return field(wish, "neuron_devices", hand.one(wrong))


@mistake(
    "NE205",
    replace(
        BY_NAME,
        types=several,
        alone=True,
        work=("models",),
        single=True,
        overridden=False,
        modes=("bridge", "host"),
    ),
)
def _overlap(hand: Hand, wish: Wish) -> tuple[str, ...]:
    sets = [(f, n) for f, n in facts.sets(wish.pool.kind) if n > 1]
    first, size = hand.one(sets)
    ids = set(range(first, first + size))
    others = [set(range(f, f + n)) for f, n in facts.sets(wish.pool.kind)]
    other = hand.one([o for o in others if o & ids and o != ids])
    wish.entry.update(neuron_devices=sorted(ids), replicas={"min": 1})
    one_size(wish.pool, 1)
    name = another(wish, neuron_devices=sorted(other))
    return f"{wish.path}.neuron_devices", f"models.{name}.neuron_devices"


@mistake("NE206", replace(ALONE, sorts=(NEURON,), modes=("bridge", "host")))
def _too_many_replicas(hand: Hand, wish: Wish) -> str:
    size = size_in(wish.pool, wish.region)
    each = 1 if wish.work.ids is not None else per_instance(wish)
    most = size * each + hand.one((1, 2, 50))
    wish.entry["replicas"] = {"min": hand.number(0, most), "max": most}
    return f"capacity.{wish.pool.name}.max_size"


@mistake("NE206", replace(ALONE, sorts=(NEURON,), modes=("host",), port=True, work=("models",)))
def _more_tasks_than_instances_of_a_port(hand: Hand, wish: Wish) -> str:
    most = size_in(wish.pool, wish.region) + hand.one((1, 20))
    wish.entry["replicas"] = {"min": hand.number(0, most), "max": most}
    for override in overrides(wish.entry).values():
        override.pop("replicas", None)
    return f"capacity.{wish.pool.name}.max_size"


@mistake("NE246", KEPT)
def _one_device_in_two_lines(_: Hand, wish: Wish) -> str:
    wish.entry["neuron_devices"] = 1
    return f"{lines_on(wish, wish.work.name, [0], [0])}.2"


@mistake("NE247", KEPT)
def _no_room_between_the_lines(_: Hand, wish: Wish) -> str:
    path = in_the_middle(wish)
    one_size(wish.pool, 1)
    return path.rpartition(".")[0]


@mistake(
    "NE240",
    replace(ALONE, sorts=(NEURON,), types=several, modes=("awsvpc",), port=False, bare=True),
)
def _devices_without_a_lock(_: Hand, wish: Wish) -> str:
    wish.entry["neuron_devices"] = 1
    another(wish, neuron_devices="all", cpu_units=128, memory_mib=256)
    one_size(wish.pool, wish.work.most + 3)
    return f"{wish.path}.network_mode"


@mistake("NE207", replace(EMPTY, sorts=(MANAGED_NEURON,)))
def _inf1_on_managed_instances(hand: Hand, wish: Wish) -> str:
    patterns = written_types(wish.pool)
    wish.pool.entry.pop("local_storage", None)
    patterns.append(hand.one(("inf1.*", "inf1.xlarge", "inf*")))
    return f"capacity.{wish.pool.name}.allowed_instance_types[{len(patterns) - 1}]"


@mistake("NE209", replace(SILENT, sorts=(MANAGED_NEURON,)))
def _both_approaches(_: Hand, wish: Wish) -> str:
    whole = wish.entry["neuron_devices"] == "all"
    return sidecar_with(wish, neuron_devices=[0] if whole else "all") + ".neuron_devices"


@mistake(
    "NE209",
    replace(SILENT, sorts=(MANAGED_NEURON,), exact=True, devices=("all",), alone=True),
)
def _both_approaches_on_a_pool(hand: Hand, wish: Wish) -> str:
    group = hand.one(("models", "jobs"))
    return f"{group}.{another(wish, group, neuron_devices=hand.one((1, [0])))}.neuron_devices"


@mistake("NE210", replace(SILENT, sorts=(MANAGED_NEURON,), devices=("all",)))
def _two_ask_for_all(_: Hand, wish: Wish) -> str:
    return sidecar_with(wish, neuron_devices="all") + ".neuron_devices"


@mistake(
    "NE211",
    replace(SILENT, sorts=(MANAGED_NEURON,), exact=False, devices=("all",), modes=("host",)),
)
def _names_on_several_types(hand: Hand, wish: Wish) -> str:
    return field(wish, "neuron_devices", hand.one((1, [0])))


@mistake("NE213", ON_DEVICES)
def _devices_of_a_sidecar(hand: Hand, wish: Wish) -> str:
    named = str(wish.entry.get("neuron_devices"))  # a count, or a list of ids
    other = next(n for n in reversed(range(16)) if not re.search(rf"\b{n}\b", named) or n == 0)
    return sidecar_with(wish, neuron_devices=hand.one((1, [other]))) + ".neuron_devices"


@mistake(
    "NE214",
    replace(ALONE, sorts=(NEURON,), work=("jobs",), port=False, modes=("bridge", "host")),
)
def _job_that_never_starts(_: Hand, wish: Wish) -> str:
    pool = wish.pool
    size = size_in(pool, wish.region)
    another(wish, neuron_devices="all", replicas={"min": size})
    return f"{wish.path}.neuron_devices"


# -- cores -----------------------------------------------------------------------------------------


@mistake("NE219", ON_DEVICES)
def _malformed_cores(hand: Hand, wish: Wish) -> str:
    name = hand.one((CORES, NUMBER))
    return variable(wish, name, hand.one(("all", "-1", "", "1.5", "0-", "3-1x")))


@mistake("NE220", replace(BY_NAME, devices=("ids",)))
def _cores_of_other_devices(hand: Hand, wish: Wish) -> str:
    ids: tuple[int, ...] = wish.work.ids or (0,)
    each = facts.cores_of(wish.pool.kind)
    last = (ids[-1] + 1) * each
    return variable(wish, CORES, hand.one((str(last), f"{ids[0] * each}-{last}")))


@mistake("NE221", replace(ALONE, sorts=(NEURON,), types=several, port=False, ami=False))
def _one_range_for_several_slots(_: Hand, wish: Wish) -> str:
    one_size(wish.pool, 1)
    wish.entry["neuron_devices"] = 1
    wish.entry["replicas"] = {"min": 2}
    return variable(wish, CORES, "0")


@mistake("NE222", ON_DEVICES)
def _more_cores_than_there_are(hand: Hand, wish: Wish) -> str:
    return variable(wish, NUMBER, str(cores_in(wish) + hand.one((1, 100))))


@mistake(
    "NE225", replace(ON_DEVICES, types=family("trn2", "trn2u"), nat=OPEN, devices=("count", "all"))
)
def _cores_beside_the_degree(_: Hand, wish: Wish) -> str:
    wish.entry["image"] = PLUGIN
    command(wish, "vllm", "serve", "/models/m", "--tensor-parallel-size=1")
    return variable(wish, "NEURON_VISIBLE_DEVICES", "0-1")


@mistake("NE227", ON_DEVICES)
def _logical_cores(hand: Hand, wish: Wish) -> str:
    grouped = facts.families((wish.pool.kind,))[0].startswith("trn2")
    return variable(wish, LOGICAL, hand.one(("3", "0", "two") if grouped else ("1", "2")))


@mistake("NE228", replace(SILENT, ami=False))
def _oci_hook(hand: Hand, wish: Wish) -> str:
    return variable(wish, "AWS_NEURON_VISIBLE_DEVICES", hand.one(("ALL", "0")))


@mistake("NE229", ON_DEVICES)
def _degree_above_the_cores(hand: Hand, wish: Wish) -> str:
    degree = cores_in(wish) + hand.one((1, 64))
    return command(wish, "vllm", "serve", "/models/m", f"--tensor-parallel-size={degree}")


@mistake("NE232", ON_DEVICES)
def _more_processes_than_cores(hand: Hand, wish: Wish) -> str:
    processes = cores_in(wish) + hand.one((1, 64))
    return command(wish, "torchrun", "--nproc_per_node", str(processes), "train.py")


@mistake("NE235", replace(BY_NAME, devices=("ids",)))
def _one_core_in_two_containers(_: Hand, wish: Wish) -> str:
    first = str((wish.work.ids or (0,))[0] * facts.cores_of(wish.pool.kind))
    variable(wish, CORES, first)
    path = sidecar_with(wish, neuron_devices="all", environment={CORES: first})
    return f"{path}.environment.{CORES}"


@mistake("NE236", ON_DEVICES)
def _more_cores_together(hand: Hand, wish: Wish) -> str:
    cores = cores_in(wish)
    variable(wish, NUMBER, str(cores))
    number = str(hand.number(1, cores))
    path = sidecar_with(wish, neuron_devices="all", environment={NUMBER: number})
    return f"{path}.environment.{NUMBER}"


@mistake("NE239", replace(ON_DEVICES, types=family("trn2", "trn2u"), nat=OPEN, devices=("all",)))
def _unaligned_slice(_: Hand, wish: Wish) -> str:
    wish.entry["image"] = PLUGIN
    command(wish, "vllm", "serve", "/models/m", "--tensor-parallel-size=2")
    return variable(wish, "NEURON_VISIBLE_DEVICES", "1-2")


# -- tasks -----------------------------------------------------------------------------------------


@mistake("NE301", SILENT)
def _larger_than_the_instance(hand: Hand, wish: Wish) -> str:
    index = hand.index(2)
    most = max(facts.room(kind)[index] for kind in wish.pool.kinds)
    return field(wish, ("cpu_units", "memory_mib")[index], most + hand.one((1, 1000)))


@mistake("NE302", replace(SILENT, sorts=(CPU, MANAGED_CPU)))
def _no_size(_: Hand, wish: Wish) -> str:
    del wish.entry["memory_mib"]
    return f"{wish.path}.memory_mib"


@mistake("NE303", WORK)
def _sidecars_leave_nothing(hand: Hand, wish: Wish) -> str:
    if hand.chance(50):
        wish.entry["memory_mib"] = 600
        sidecar_with(wish, memory_mib=hand.one((600, 601)))
    else:
        wish.entry["cpu_units"] = 600
        sidecar_with(wish, cpu_units=601)
    return f"{wish.path}.sidecars"


@mistake("NE305", replace(ALONE, port=False))
def _maximum_below_minimum(_: Hand, wish: Wish) -> str:
    wish.entry["replicas"] = {"min": wish.work.most + 1, "max": wish.work.most}
    return f"{wish.path}.replicas.max"


@mistake("NE305", replace(GROUPS, single=True))
def _group_smaller_than_its_minimum(_: Hand, wish: Wish) -> str:
    return of_pool(wish, "min_size", size_in(wish.pool, wish.pool.regions[0]) + 1)


@mistake("NE306", replace(SILENT, sorts=(MANAGED_NEURON, MANAGED_CPU)))
def _bridge_on_managed_instances(_: Hand, wish: Wish) -> str:
    return field(wish, "network_mode", "bridge")


@mistake("NE308", replace(EMPTY, sorts=(NEURON, CPU), types=without_efa))
def _no_efa(_: Hand, wish: Wish) -> str:
    return of_pool(wish, "efa", True)


@mistake("NE309", replace(WORK, modes=("host",), port=True))
def _port_of_the_host(hand: Hand, wish: Wish) -> str:
    port = hand.one((*facts.RESERVED_PORTS, facts.EPHEMERAL, 65_535))
    if hand.chance(70):
        return listens(wish, port)
    wish.entry.pop("port", None)
    return field(wish, "ports", [port])


@mistake("NE309", replace(ON_DEVICES, modes=("host",), port=True))
def _port_that_locks(hand: Hand, wish: Wish) -> str:
    devices = facts.devices_of(wish.pool.kind)
    return listens(wish, facts.LOCK_PORTS + hand.one((0, devices - 1)))


@mistake("NE310", replace(SILENT, sorts=(MANAGED_NEURON, MANAGED_CPU)))
def _shared_memory_on_managed_instances(_: Hand, wish: Wish) -> str:
    return field(wish, "shared_memory_mib", 64)


@mistake("NE311", WORK)
def _log_retention(hand: Hand, wish: Wish) -> str:
    return field(wish, "log_retention_days", hand.one((2, 31, 364, 3654, 100_000)))


@mistake("NE312", WORK)
def _health_check_limits(hand: Hand, wish: Wish) -> str:
    name, value = hand.one(
        (
            ("interval_seconds", 301),
            ("timeout_seconds", 1),
            ("timeout_seconds", 61),
            ("retries", 11),
            ("start_period_seconds", 301),
        )
    )
    check: Entry = {"command": ["CMD", "true"], "interval_seconds": 62, name: value}
    wish.entry["health_check"] = check
    return f"{wish.path}.health_check.{name}"


@mistake("NE312", CALLED)
def _health_check_of_a_load_balancer(hand: Hand, wish: Wish) -> str:
    name, value = hand.one((("timeout_seconds", 60), ("retries", 1), ("retries", 11)))
    wish.entry["health_check"] = {"interval_seconds": 60, name: value}
    return f"{wish.path}.health_check.{name}"


@mistake("NE337", WORK)
def _health_command_without_cmd(hand: Hand, wish: Wish) -> str:
    command = hand.one((["curl", "-f", "http://localhost/"], ["cmd-shell", "true"], [], ["CMD"]))
    wish.entry["health_check"] = {"command": command}
    return f"{wish.path}.health_check.command"


@mistake("NE313", MANAGED)
def _limits_of_managed_instances(hand: Hand, wish: Wish) -> str:
    wish.pool.entry.pop("local_storage", None)
    for entry in (*wish.keys.get("models", {}).values(), *wish.keys.get("jobs", {}).values()):
        entry.pop("mounts", None)  # of volumes that are counted in the disk
    name, value = hand.one(
        (("storage_gib", 29), ("storage_gib", 16_385), ("scale_in_after_seconds", 3601))
    )
    return of_pool(wish, name, value)


@mistake("NE313", replace(MANAGED, types=not_stored))
def _no_instance_store(_: Hand, wish: Wish) -> str:
    wish.pool.entry.pop("storage_gib", None)
    return of_pool(wish, "local_storage", True)


@mistake("NE313", replace(MANAGED, types=stored))
def _two_volumes(_: Hand, wish: Wish) -> str:
    wish.pool.entry["local_storage"] = True
    return of_pool(wish, "storage_gib", 200)


@mistake("NE314", replace(ALONE, sorts=(CPU,), port=False, modes=("bridge", "host")))
def _pool_too_small(hand: Hand, wish: Wish) -> str:
    cpu, memory = wish.pool.room
    each = min(cpu // max(1, cpu_of(wish.entry)), memory // wish.entry["memory_mib"])
    most = each * size_in(wish.pool, wish.region) + hand.one((1, 20))
    wish.entry["replicas"] = {"min": 0, "max": most}
    return f"capacity.{wish.pool.name}.max_size"


@mistake("NE314", replace(ALONE, sorts=(NEURON,), types=several, port=False))
def _whole_memory_twice(_: Hand, wish: Wish) -> str:
    one_size(wish.pool, 1)
    wish.entry["neuron_devices"] = 1
    wish.entry["replicas"] = {"min": 2}
    field(wish, "memory_mib", wish.pool.room[1])
    return f"capacity.{wish.pool.name}.max_size"


@mistake("NE717", replace(WORK, sorts=(MANAGED_NEURON, MANAGED_CPU)))
def _stops_longer_than_a_day(_: Hand, wish: Wish) -> str:
    most = facts.catalog().limits.value("managed_instances_stop_timeout_max_seconds")
    return field(wish, "stop_timeout_seconds", most + 1)


@mistake("NE715", replace(WORK, modes=("host",), port=True, alone=True))
def _host_ports_run_out(hand: Hand, wish: Wish) -> str:
    whole = wish.pool.managed and wish.entry.get("neuron_devices") == "all"
    locks = 0 if whole else wish.work.devices
    wish.entry.pop("port", None)
    most = (
        facts.catalog().limits.value("host_ports_per_instance_max")
        - len(facts.RESERVED_PORTS)
        - locks
    )
    return field(wish, "ports", list(range(9000, 9000 + most + hand.one((1, 60)))))


@mistake("NE320", replace(ON_DEVICES, modes=("bridge",), efa=False, port=True))
def _port_of_a_lock(hand: Hand, wish: Wish) -> str:
    devices = facts.devices_of(wish.pool.kind)
    return listens(wish, facts.LOCK_PORTS + hand.one((0, devices - 1)))


@mistake("NE716", WORK)
def _secret_and_variable(_: Hand, wish: Wish) -> str:
    wish.entry["secrets"] = {"LOG_LEVEL": "/serving/log-level"}
    return variable(wish, "LOG_LEVEL", "debug")


@mistake("NE326", WORK)
def _secret_of_another_partition(_: Hand, wish: Wish) -> str:
    partition = "aws-cn" if facts.partition(wish.region) != "aws-cn" else "aws"
    arn = f"arn:{partition}:secretsmanager:{{region}}:{facts.ACCOUNT}:secret:a-b1c2d3"
    wish.entry["secrets"] = {"HF_TOKEN": arn}
    return f"{wish.path}.secrets.HF_TOKEN"


@mistake("NE327", WORK)
def _unknown_capability(hand: Hand, wish: Wish) -> str:
    wrong = ("CAP_SYS_ADMIN", "EVERYTHING", *(() if wish.pool.managed else ("BPF",)))
    return field(wish, "linux_capabilities", [hand.one(wrong)])


def _mounts(wish: Wish, volume: str, path: str, **more: Any) -> str:
    """A mount of the wanted workload, and a volume on the instance."""
    wish.entry["mounts"] = {volume: {"path": path, **more}}
    wish.keys["volumes"] = wish.keys.get("volumes", {}) | {volume: {"kind": "host"}}
    return f"{wish.path}.mounts.{volume}"


@mistake("NE360", WORK)
def _mount_of_no_volume(_: Hand, wish: Wish) -> str:
    return f"{field(wish, 'mounts', {'nowhere': '/mnt/nowhere'})}.nowhere"


@mistake("NE362", WORK)
def _two_volumes_at_a_path(hand: Hand, wish: Wish) -> str:
    if hand.chance(60):
        wish.entry[hand.one(("writable_paths", "shared_paths"))] = ["/data/"]
        return _mounts(wish, "one", "/data")
    _mounts(wish, "one", "/data/")
    wish.keys["volumes"]["two"] = {"kind": "host"}
    wish.entry["mounts"]["two"] = "/data"
    return f"{wish.path}.mounts.one"


@mistake("NE369", WORK)
def _directory_beyond_the_limit(_: Hand, wish: Wish) -> str:
    path = _mounts(wish, "one", "/mnt/one", directory=f"{'a' * 30}/{'b' * 63}")
    wish.keys["volumes"]["one"] = {"kind": "efs"}
    return f"{path}.directory"


@mistake("NE370", replace(WORK, regions=2))
def _region_without_a_file_system(hand: Hand, wish: Wish) -> str:
    _mounts(wish, "one", "/mnt/one")
    given = dict.fromkeys(wish.keys["regions"], "fs-0123456789abcdef0")
    del given[hand.one(sorted(wish.entry.get("regions", wish.pool.regions)))]
    wish.keys["volumes"]["one"] = {"kind": "efs", "file_systems": given}
    return "volumes.one.file_systems"


@mistake("NE107", WORK)
def _files_of_an_absent_region(_: Hand, wish: Wish) -> str:
    _mounts(wish, "one", "/mnt/one")
    given = dict.fromkeys([*wish.keys["regions"], absent_region(wish)], "fs-0123456789abcdef0")
    wish.keys["volumes"]["one"] = {"kind": "efs", "file_systems": given}
    return f"volumes.one.file_systems.{absent_region(wish)}"


def _ebs(wish: Wish, **more: Any) -> str:
    """A mount of an EBS volume."""
    path = _mounts(wish, "one", "/mnt/one")
    wish.keys["volumes"]["one"] = {"kind": "ebs", "size_gib": 100} | more
    return path


@mistake("NE372", WORK)
def _two_disks(hand: Hand, wish: Wish) -> str:
    _ebs(wish)
    wish.keys["volumes"]["two"] = {"kind": "ebs", "size_gib": hand.one((1, 1000))}
    wish.entry["mounts"]["two"] = "/mnt/two"
    return f"{wish.path}.mounts.two"


@mistake("NE373", JOB)
def _disk_of_a_scheduled_job(_: Hand, wish: Wish) -> str:
    wish.entry["schedule"] = {"expression": "rate(1 hour)"}
    return _ebs(wish)


@mistake("NE374", WORK)
def _disk_beyond_ebs(hand: Hand, wish: Wish) -> str:
    given = dict.fromkeys(wish.keys["regions"], "snap-0123456789abcdef0")
    field, value = hand.one(
        (
            ("size_gib", 65_537),
            ("iops", 2_999),
            ("iops", 50_001),
            ("iops", 80_001),
            ("throughput_mib", 124),
            ("throughput_mib", 751),
            ("throughput_mib", 2_001),
            ("initialization_rate_mib", 99),
            ("initialization_rate_mib", 301),
        )
    )
    _ebs(wish, snapshot_ids=given, **{field: value})
    return f"volumes.one.{field}"


@mistake("NE376", replace(WORK, regions=2))
def _disk_of_no_size(hand: Hand, wish: Wish) -> str:
    _mounts(wish, "one", "/mnt/one")
    given = dict.fromkeys(wish.keys["regions"], "snap-0123456789abcdef0")
    del given[hand.one(sorted(wish.entry.get("regions", wish.pool.regions)))]
    wish.keys["volumes"]["one"] = {"kind": "ebs", "snapshot_ids": given}
    return "volumes.one"


@mistake("NE378", WORK)
def _rate_of_an_empty_disk(_: Hand, wish: Wish) -> str:
    _ebs(wish, initialization_rate_mib=200)
    return "volumes.one.initialization_rate_mib"


@mistake("NE381", replace(WORK, alone=True, overridden=False, types=not_stored))
def _volumes_beyond_a_disk(_: Hand, wish: Wish) -> str:
    names = ("one", "three", "two", "v", "z")
    wish.entry["mounts"] = {name: f"/mnt/{name}" for name in names}
    wish.keys.setdefault("volumes", {}).update(
        {name: {"kind": "host", "size_gib": 16_384} for name in names}
    )
    for size in ("root_volume_gib", "storage_gib"):
        wish.pool.entry.pop(size, None)
    return "volumes.z.size_gib"


@mistake("NE380", WORK)
def _directory_of_a_disk(_: Hand, wish: Wish) -> str:
    path = _ebs(wish)
    wish.entry["mounts"]["one"] = {"path": "/mnt/one", "directory": "a/b"}
    return f"{path}.directory"


def _s3_files(wish: Wish, **given: str) -> str:
    """A mount of a volume of S3 Files. `given` replaces file systems, by Region."""
    regions = sorted(wish.keys["regions"])
    arns = {r: tasks.s3_files(r) for r in regions} | given
    path = _mounts(wish, "one", "/mnt/one")
    volume = {"kind": "s3_files", "file_systems": arns, "bucket": "s3://objects-{region}/a"}
    wish.keys["volumes"]["one"] = volume
    return path


@mistake("NE382", replace(WORK, sorts=(NEURON, CPU)))
def _objects_on_instances_of_a_group(_: Hand, wish: Wish) -> str:
    return _s3_files(wish)


@mistake("NE383", replace(WORK, sorts=MANAGED.sorts))
def _objects_of_another_region(_: Hand, wish: Wish) -> str:
    region = sorted(wish.keys["regions"])[0]
    _s3_files(wish, **{region: tasks.s3_files(region).replace(region, absent_region(wish))})
    return f"volumes.one.file_systems.{region}"


@mistake("NE384", replace(WORK, sorts=MANAGED.sorts))
def _directory_beside_an_access_point(_: Hand, wish: Wish) -> str:
    region = sorted(wish.keys["regions"])[0]
    point = f"{tasks.s3_files(region)}/access-point/fsap-{'0' * 17}"
    path = _s3_files(wish, **{region: point})
    wish.entry["mounts"]["one"]["directory"] = "a/b"
    return f"{path}.directory"


@mistake("NE363", WORK)
def _mount_where_none_can_be(hand: Hand, wish: Wish) -> str:
    path = hand.one(("/", "//", "/proc", "/proc/driver", "/a/.."))
    if hand.chance(30):
        return f"{field(wish, 'shared_paths', [path])}[0]"
    return _mounts(wish, "one", path)


@mistake("NE335", replace(CALLED, modes=("host", "awsvpc")))
def _sidecar_on_the_port(_: Hand, wish: Wish) -> str:
    return sidecar_with(wish, command=["/bin/proxy", f"--port={listened(wish)}"]) + ".command"


_APART = replace(CALLED, sorts=GROUPS.sorts, efa=False, modes=("bridge", "awsvpc"))


@mistake("NE391", replace(CALLED, modes=("host", "awsvpc")))
def _two_containers_on_a_port(hand: Hand, wish: Wish) -> str:
    port = listened(wish)
    said = {"command": [f"--port={port}"]} if hand.one((True, False)) else {}
    return sidecar_with(wish, port=port, **said) + ".port"


@mistake("NE392", _APART)
def _six_target_groups(_: Hand, wish: Wish) -> str:
    small = {"image": wish.entry["image"], "cpu_units": 0, "memory_mib": 6}
    wish.entry["sidecars"] = {f"s{n}": {**small, "port": 9100 + n} for n in range(5)}
    return f"{wish.path}.sidecars.s4.port"


@mistake("NE528", _APART)
def _path_of_the_model(_: Hand, wish: Wish) -> str:
    for at in ("domain", "hosts"):  # there the model has a host of its own
        wish.keys.get("traffic", {}).pop(at, None)
    return sidecar_with(wish, port=9100, path=f"/{wish.path.partition('.')[2]}") + ".path"


@mistake("NE336", WORK)
def _malformed_user(hand: Hand, wish: Wish) -> str:
    return field(wish, "user", hand.one(("1:2:3", ":", "a:", "-a")))


@mistake("NE714", WORK)
def _definition_too_long(_: Hand, wish: Wish) -> str:
    wish.entry["environment"] = {f"TEXT_{n}": "x" * 32_000 for n in range(3)}
    return f"{wish.path}.environment"


# -- images ----------------------------------------------------------------------------------------


@mistake("NE402", Want(sorts=(NEURON, CPU), ami=False))
def _unknown_ami(hand: Hand, wish: Wish) -> str:
    neuron = "al2023-ami-ecs-neuron-hvm-2023.0.20260700-kernel-6.1-x86_64"
    other = facts.ami_versions("al2023", neuron=not wish.pool.neuron, architecture="x86_64")
    wish.pool.entry["ami"] = {"version": hand.one((neuron, other[-1].image_name))}
    return f"capacity.{wish.pool.name}.ami.version"


@mistake("NE406", replace(PULLS, sorts=(NEURON,), ami=False))
def _image_of_another_chip(hand: Hand, wish: Wish) -> str:
    family = facts.families((wish.pool.kind,))[0]
    rows = [r for r in facts.catalog().containers.images if family not in r.families]
    rows = [r for r in rows if not r.ended and not r.newest.startswith("dlc/")]
    rows = [r for r in rows if r.server in ("", "torchserve")]
    return field(wish, "image", hand.one([r.newest for r in rows]))


@mistake(
    "NE408",
    replace(PULLS, sorts=(NEURON,), types=not_inf1, ami=False, alone=True),
)
def _driver_that_never_fits(hand: Hand, wish: Wish) -> str:
    versions = [
        v.image_name
        for v in facts.ami_versions("al2023", neuron=True, architecture="x86_64")
        if facts.at_odds(v.date, (2, 28, 0))
        and (v.regions is None or set(wish.pool.regions) <= v.regions)
    ]
    wish.pool.entry["ami"] = {"version": hand.one(versions)}
    return field(wish, "image", wish.entry["image"] + "-sdk2.28.0")


@mistake("NE410", replace(PULLS, sorts=(NEURON,), types=family("inf2", "trn1"), ami=False))
def _never_published(_: Hand, wish: Wish) -> str:
    stem = "public.ecr.aws/neuron/pytorch-inference-neuronx"
    return field(wish, "image", f"{stem}:2.9.0-neuronx-py312-sdk2.32.0-ubuntu24.04")


@mistake("NE413", replace(PULLS))
def _wrong_registry_account(_: Hand, wish: Wish) -> str:
    return field(wish, "image", "763104351884.dkr.ecr.ap-south-2.amazonaws.com/serving:1.0")


@mistake("NE415", replace(PULLS, sorts=(NEURON,), types=family(*LATER), ami=False))
def _server_without_a_command(hand: Hand, wish: Wish) -> str:
    wish.entry["image"] = NXDI
    if hand.chance(50):
        wish.entry["command"] = ["--max-num-seqs=4"]
    return f"{wish.path}.command"


@mistake("NE416", replace(PULLS, sorts=(NEURON,), types=family(*LATER), ami=False))
def _arguments_expected(_: Hand, wish: Wish) -> str:
    wish.entry["image"] = OPTIMUM
    return command(wish, "vllm", "serve", "/models/m")


@mistake("NE421", replace(CALLED, sorts=(NEURON,), types=family(*LATER), ami=False, nat=OPEN))
def _port_nobody_listens_on(_: Hand, wish: Wish) -> tuple[str, ...]:
    wish.entry["image"] = NXDI
    command(wish, "vllm", "serve", "/models/m", "--port", "7999")
    return f"{wish.path}.port", f"{wish.path}.ports"


@mistake("NE424", replace(PULLS, sorts=(CPU,), networks=("own",)))
def _half_a_tag(_: Hand, wish: Wish) -> str:
    return field(wish, "image", "public.ecr.aws/neuron/jax-training-neuronx:0.7")


# -- networks and traffic --------------------------------------------------------------------------


@mistake("NE503", replace(CALLED, networks=("existing",), lone_pool=True))
def _one_zone(hand: Hand, wish: Wish) -> str:
    private = wish.network(wish.region)["private_subnets"]
    zone = hand.one([z for z in wish.pool.zones(wish.region) if z in private])
    wish.network(wish.region)["private_subnets"] = {zone: private[zone]}
    return f"regions.{wish.region}.network.private_subnets"


@mistake("NE504", replace(CALLED, regions=2))
def _group_in_two_regions(_: Hand, wish: Wish) -> str:
    wish.keys["traffic"] = {"allow_from": ["10.0.0.0/8", "sg-0a"]}
    return "traffic.allow_from"


@mistake("NE507", Want(networks=("own",)))
def _block_of_no_hosts(hand: Hand, wish: Wish) -> str:
    region = hand.one(wish.pool.regions)
    wish.network(region)["cidr"] = hand.one(("127.0.0.0/16", "169.254.0.0/16", "224.1.0.0/16"))
    return f"regions.{region}.network.cidr"


@mistake(
    "NE509",
    Want(
        sorts=(NEURON, CPU),
        networks=("own",),
        purchases=("on_demand", "spot"),
        overridden=False,
        single=True,
    ),
)
def _too_few_addresses(hand: Hand, wish: Wish) -> str:
    region = wish.pool.regions[0]
    wish.network(region)["cidr"] = "10.9.0.0/20"
    one_size(wish.pool, hand.one((5000, 4000)))
    return f"regions.{region}.network.cidr"


@mistake("NE510", Want(networks=("existing",)))
def _subnet_twice(_: Hand, wish: Wish) -> tuple[str, ...]:
    region = wish.pool.regions[0]
    network = wish.network(region)
    zone = min(network["private_subnets"])
    other = "1" if not zone.endswith("1") else "2"
    network["public_subnets"] = {zone[:-1] + other: network["private_subnets"][zone]}
    stem = f"regions.{region}.network"
    return f"{stem}.public_subnets.{zone[:-1] + other}", f"{stem}.private_subnets.{zone}"


@mistake("NE511", Want(networks=("existing",), regions=2))
def _vpc_twice(_: Hand, wish: Wish) -> tuple[str, ...]:
    first, second = wish.pool.regions[:2]
    wish.network(second)["vpc_id"] = wish.network(first)["vpc_id"]
    return f"regions.{first}.network.vpc_id", f"regions.{second}.network.vpc_id"


@mistake("NE512", SHUT)
def _public_image(hand: Hand, wish: Wish) -> str:
    return field(wish, "image", hand.one(("public.ecr.aws/acme/serving:1.0", "acme/serving:1")))


@mistake("NE513", SHUT)
def _image_of_another_region(_: Hand, wish: Wish) -> str:
    other = absent_region(wish)
    return field(wish, "image", wish.entry["image"].replace("{region}", other))


@mistake("NE514", SHUT)
def _model_of_the_hub(hand: Hand, wish: Wish) -> str:
    if hand.chance(50):
        return command(wish, "vllm", "serve", "Qwen/Qwen3-8B")
    return variable(wish, "HF_MODEL_ID", "Qwen/Qwen3-8B")


@mistake("NE516", SHUT)
def _secret_of_another_region(_: Hand, wish: Wish) -> str:
    other = absent_region(wish)
    arn = f"arn:aws:secretsmanager:{other}:{facts.ACCOUNT}:secret:hf-a1b2c3"
    wish.entry["secrets"] = {"HF_TOKEN": arn}
    return f"{wish.path}.secrets.HF_TOKEN"


@mistake("NE518", WORK)
def _impossible_bucket(hand: Hand, wish: Wish) -> str:
    names = ("my..models", "models-", "xn--models", "models-s3alias", "10.0.0.1", "{zone}-models")
    wish.entry["s3_read"] = [f"s3://{hand.one((*names, 'a' * 64))}/"]
    return f"{wish.path}.s3_read[0]"


@mistake("NE519", Want())
def _certificate_of_another_region(hand: Hand, wish: Wish) -> str:
    region = wish.pool.regions[0]
    other = "us-west-1" if region != "us-west-1" else "us-west-2"
    arn = hand.one(("arn:aws:acm:{other}", "arn:aws-cn:acm:{region}"))
    arn = arn.format(other=other, region=region) + f":{facts.ACCOUNT}:certificate/0a1b"
    wish.keys["traffic"] = {"certificate_arns": {region: arn}}
    return f"traffic.certificate_arns.{region}"


@mistake("NE737", Want())
def _key_or_web_acl_of_another_region(hand: Hand, wish: Wish) -> str:
    region = wish.pool.regions[0]
    other = "us-west-1" if region != "us-west-1" else "us-west-2"
    kind, tail = hand.one((("kms", "key/0a1b"), ("wafv2", "regional/webacl/models/0a1b")))
    start = hand.one((f"arn:aws:{kind}:{other}", f"arn:aws-cn:{kind}:{region}"))
    field = "kms_keys" if kind == "kms" else "web_acl_arns"
    wish.keys["security"] = {field: {region: f"{start}:{facts.ACCOUNT}:{tail}"}}
    return f"security.{field}.{region}"


@mistake("NE807", Want())
def _topic_of_another_region(hand: Hand, wish: Wish) -> str:
    region = wish.pool.regions[0]
    other = "us-west-1" if region != "us-west-1" else "us-west-2"
    start = hand.one((f"arn:aws:sns:{other}", f"arn:aws-iso:sns:{region}"))
    wish.keys["alarms"] = {"topics": {region: [f"{start}:{facts.ACCOUNT}:on-call"]}}
    return f"alarms.topics.{region}[0]"


@mistake("NE808", Want())
def _address_that_is_none(hand: Hand, wish: Wish) -> str:
    wrong = ("on-call", "On Call <on-call@example.com>", "a@b@example.com", "@example.com")
    wish.keys["alarms"] = {"emails": [hand.one(wrong)]}
    return "alarms.emails[0]"


@mistake("NE809", Want())
def _slack_id_that_is_none(hand: Hand, wish: Wish) -> str:
    field = hand.one(("workspace", "channel"))
    ids = {"workspace": "T0123ABCD", "channel": "C0123ABCD", field: hand.one(("#ops", "on-call"))}
    wish.keys["alarms"] = {"slack": ids}
    return f"alarms.slack.{field}"


@mistake("NE810", Want(far="aws-us-gov"))
def _slack_where_there_is_none(_: Hand, wish: Wish) -> str:
    wish.keys["alarms"] = {"slack": {"workspace": "T0123ABCD", "channel": "C0123ABCD"}}
    return "alarms.slack"


@mistake("NE811", Want())
def _more_topics_than_actions(hand: Hand, wish: Wish) -> str:
    arn = f"arn:{facts.partition(wish.home)}:sns:{{region}}:{facts.ACCOUNT}:on-call"
    mail = hand.chance(50)
    wish.keys["alarms"] = {"topics": [f"{arn}-{n}" for n in range(5 if mail else 6)]}
    if mail:
        wish.keys["alarms"]["emails"] = ["on-call@example.com"]
    return "alarms.topics"


@mistake("NE738", Want(regions=2))
def _one_key_for_several_regions(_: Hand, wish: Wish) -> str:
    partition = facts.partition(wish.home)
    key = f"arn:{partition}:kms:{{region}}:{facts.ACCOUNT}:key/0a1b"
    wish.keys["security"] = {"kms_keys": key}
    return "security.kms_keys"


@mistake("NE521", ANY)
def _caller_that_is_no_block(hand: Hand, wish: Wish) -> str:
    wish.keys["traffic"] = {"allow_from": [hand.one(("10.0.0.1/8", "300.0.0.0/8", "10.0.0.0/33"))]}
    return "traffic.allow_from[0]"


@mistake("NE522", ANY)
def _caller_twice(_: Hand, wish: Wish) -> str:
    wish.keys["traffic"] = {"allow_from": ["10.0.0.0/8", "10.0.0.0/8"]}
    return "traffic.allow_from[1]"


@mistake(
    "NE524",
    replace(MODEL, sorts=(MANAGED_CPU,), networks=("existing",), lone_pool=True, single=True),
)
def _too_many_served(_: Hand, wish: Wish) -> str:
    _serve_many(wish, facts.catalog().limits.value("target_groups_per_load_balancer") + 1)
    return "models"


def _serve_many(wish: Wish, number: int) -> None:
    """Puts so many models behind the load balancer, and gives the first no port."""
    wish.entry.pop("paths", None)
    size = {k: v for k, v in wish.entry.items() if k in ("cpu_units", "memory_mib")}
    fields = {"image": wish.entry["image"], "capacity": wish.pool.name, "port": 8080, **size}
    wish.keys.pop("traffic", None)  # tokens take a rule more for each
    wish.keys["models"] |= {f"served-{n}": dict(fields) for n in range(number)}
    network = wish.network(wish.region)
    zones = {z: f"subnet-9{n}" for n, z in enumerate(facts.zones(wish.region))}
    network["private_subnets"] = zones
    network.pop("public_subnets", None)


@mistake(
    "NE739",
    replace(MODEL, sorts=(MANAGED_CPU,), networks=("existing",), lone_pool=True, single=True),
)
def _too_many_rules(_: Hand, wish: Wish) -> str:
    limits = facts.catalog().limits
    most = limits.value("rules_per_load_balancer")
    for entry in wish.keys["models"].values():
        for name in ("port", "ports", "sidecars", "starts_after", "health_check", "paths"):
            entry.pop(name, None)
        for name in ("scaling", "server_metrics", "discovery"):  # they need a port
            entry.pop(name, None)
    _serve_many(wish, most - 1)
    paths = [f"/v{n}" for n in range(2 * limits.value("listener_rule_condition_values") + 1)]
    wish.keys["models"]["served-0"]["paths"] = paths
    return "models.served-0.paths"


_ANSWERS = replace(CALLED, single=True)


@mistake("NE817", _ANSWERS)
def _weight_of_no_model(_: Hand, wish: Wish) -> str:
    wish.keys["traffic"] = {"weights": {wish.work.name: {"no-model": 1}}}
    return f"traffic.weights.{wish.work.name}"


@mistake("NE819", replace(_ANSWERS, sorts=(MANAGED_CPU,), networks=("existing",), lone_pool=True))
def _many_under_one_name(_: Hand, wish: Wish) -> str:
    most = facts.catalog().limits.value("target_groups_per_action")
    _serve_many(wish, most + 1)
    wish.keys["traffic"] = {"weights": {"all": {f"served-{n}": 1 for n in range(most + 1)}}}
    return "traffic.weights.all"


@mistake("NE820", replace(_ANSWERS, sorts=(MANAGED_CPU,), networks=("existing",), lone_pool=True))
def _no_path_in_common(_: Hand, wish: Wish) -> str:
    _serve_many(wish, 2)
    for number in range(2):
        wish.keys["models"][f"served-{number}"]["paths"] = [f"/v{number}/*"]
    wish.keys["traffic"] = {"weights": {"served-0": {"served-1": 1}}}
    return "traffic.weights.served-0"


@mistake("NE747", replace(MODEL, port=False, modes=("bridge", "host")))
def _no_port_for_its_name(_: Hand, wish: Wish) -> str:
    """A task in host or bridge mode is found by its port."""
    for name in ("sidecars", "starts_after", "health_check", "scaling", "server_metrics"):
        wish.entry.pop(name, None)
    return field(wish, "discovery", "cloud_map")


@mistake("NE746", CALLED)
def _long_label(_: Hand, wish: Wish) -> str:
    name = "-".join("m" * 20)
    wish.keys["models"][name] = wish.keys["models"].pop(wish.work.name)
    sidecar = "-".join("s" * 15)
    in_a_domain(wish)
    size = {"cpu_units": 128, "memory_mib": 128} if wish.entry.get("cpu_units") else {}
    wish.entry["sidecars"] = {sidecar: {"image": "r.io/s:1", "port": 9_999, **size}}
    return f"models.{name}.sidecars.{sidecar}"


@mistake("NE741", CALLED)
def _long_domain(_: Hand, wish: Wish) -> str:
    in_a_domain(wish, name=f"{'a' * 60}.example.com")
    return "traffic.domain.name"


@mistake("NE742", CALLED)
def _validated_in_private(_: Hand, wish: Wish) -> str:
    in_a_domain(wish, private=True, validation_zone_id="Z0AAA")
    return "traffic.domain.validation_zone_id"


@mistake("NE748", CALLED)
def _key_of_no_model(_: Hand, wish: Wish) -> str:
    wish.keys["traffic"] = {"authentication": {"api_key": {"absent": "/keys/a"}}}
    return "traffic.authentication.api_key.absent"


@mistake("NE753", CALLED)
def _open_to_all(_: Hand, wish: Wish) -> str:
    face_outside(wish.keys["regions"])
    wish.keys["traffic"] = {"public": {"anyone": True}}
    return "traffic.public"


@mistake("NE754", CALLED)
def _every_block(hand: Hand, wish: Wish) -> str:
    face_outside(wish.keys["regions"])
    every = hand.one((["0.0.0.0/0"], ["0.0.0.0/1", "128.0.0.0/1"]))
    wish.keys["traffic"] = {"public": True, "allow_from": every}
    return "traffic.allow_from"


@mistake("NE758", replace(CALLED, networks=("existing",)))
def _no_public_subnet(_: Hand, wish: Wish) -> str:
    face_outside(wish.keys["regions"])
    network = wish.network(wish.region)
    zone = min(z for z in wish.pool.zones(wish.region) if z in network["private_subnets"])
    del network["public_subnets"][zone]
    wish.keys["traffic"] = {"public": {"regions": [wish.region]}, "allow_from": ["203.0.113.0/24"]}
    return f"regions.{wish.region}.network.public_subnets.{zone}"


_TOKEN = {"issuer": "a", "key_set": "https://a.example.com/keys"}


def _certified(wish: Wish) -> dict[str, dict[str, str]]:
    """A certificate for each Region."""
    return {"certificate_arns": {r: facts.certificate(r) for r in sorted(wish.keys["regions"])}}


@mistake("NE762", CALLED)
def _token_in_the_clear(_: Hand, wish: Wish) -> str:
    wish.keys["traffic"] = {"authentication": {"jwt": _TOKEN}}
    return "traffic.authentication.jwt"


@mistake("NE763", CALLED)
def _claim_with_a_space(_: Hand, wish: Wish) -> str:
    claim = {"values": ["a b"], "format": "space_separated_values"}
    jwt = {**_TOKEN, "claims": {"scope": claim}}
    wish.keys["traffic"] = {"authentication": {"jwt": jwt}, **_certified(wish)}
    return "traffic.authentication.jwt.claims.scope.values"


@mistake("NE766", CALLED)
def _claim_of_the_load_balancer(_: Hand, wish: Wish) -> str:
    jwt = {**_TOKEN, "claims": {"exp": {"values": ["1"]}}}
    wish.keys["traffic"] = {"authentication": {"jwt": jwt}, **_certified(wish)}
    return "traffic.authentication.jwt.claims.exp"


@mistake(
    "NE764",
    replace(CALLED, sorts=(NEURON,), types=family("inf2"), ami=False, bare=True, nat=OPEN),
)
def _token_and_key(_: Hand, wish: Wish) -> str:
    runs(wish, "Qwen/Qwen3-0.6B", f"--port={listened(wish)}")
    both = {"jwt": _TOKEN, "api_key": {wish.work.name: "/keys/a"}}
    wish.keys["traffic"] = {"authentication": both, **_certified(wish)}
    return "traffic.authentication.jwt"


@mistake("NE765", CALLED)
def _trust_store_elsewhere(_: Hand, wish: Wish) -> str:
    arn = f"arn:aws:elasticloadbalancing:{absent_region(wish)}:{facts.ACCOUNT}:truststore/a/0a1b"
    stores = {"mutual_tls": {wish.region: arn}}
    wish.keys["traffic"] = {"authentication": stores, **_certified(wish)}
    return f"traffic.authentication.mutual_tls.{wish.region}"


@mistake("NE760", CALLED)
def _public_elsewhere(_: Hand, wish: Wish) -> str:
    wish.keys["traffic"] = {"public": {"regions": [absent_region(wish)]}}
    return "traffic.public.regions[0]"


# -- names and limits ------------------------------------------------------------------------------


@mistake("NE701", ANY)
def _tag_of_aws(hand: Hand, wish: Wish) -> str:
    key, value = hand.one((("aws:team", "a"), ("AWS:x", "a"), ("team", "aws:a")))
    wish.keys["tags"] = {key: value}
    return f"tags.{key}"


@mistake("NE702", ANY)
def _character_of_no_tag(hand: Hand, wish: Wish) -> str:
    key, value = hand.one((("te*am", "a"), ("team", "a,b"), ("team", "a\tb")))
    wish.keys["tags"] = {key: value}
    return f"tags.{key}"


@mistake("NE703", ANY)
def _too_many_tags(hand: Hand, wish: Wish) -> str:
    wish.keys["tags"] = {f"key-{n}": "v" for n in range(hand.one((50, 60)))}
    return "tags"


@mistake("NE705", ANY)
def _tags_alike(hand: Hand, wish: Wish) -> tuple[str, ...]:
    first, second = hand.one((("team", "Team"), ("name", "Name2"), ("A", "a")))
    wish.keys["tags"] = {first: "a", second: "b"}
    return f"tags.{first}", f"tags.{second}"


@mistake("NE706", MANAGED)
def _tag_that_metadata_refuses(hand: Hand, wish: Wish) -> str:
    key = hand.one(("a/b", "a b", "größe"))
    wish.keys["tags"] = {key: "a"}
    return f"tags.{key}"


@mistake(
    "NE707",
    Want(
        sorts=(CPU, MANAGED_CPU),
        purchases=("on_demand",),
        alone=True,
        lone_pool=True,
        overridden=False,
        single=True,
    ),
)
def _too_many_pools(_: Hand, wish: Wish) -> str:
    most = facts.catalog().limits.value("capacity_providers_per_cluster")
    for number in range(most):
        wish.keys["capacity"][f"further-{number}"] = dict(wish.pool.entry)
    roomy(wish)
    return "capacity"


@mistake("NE352", SILENT)
def _waits_for_no_container(hand: Hand, wish: Wish) -> str:
    sidecar_with(wish)
    name = hand.one(("watchr", "proxy", wish.work.name))
    wish.entry["starts_after"] = {name: "started"}
    return f"{wish.path}.starts_after.{name}"


@mistake("NE353", SILENT)
def _containers_in_a_circle(_: Hand, wish: Wish) -> str:
    sidecar_with(wish, starts_after={wish.work.name: "started"})
    return field(wish, "starts_after", {"watcher": "started"})


@mistake("NE354", SILENT)
def _waits_for_what_cannot_come(hand: Hand, wish: Wish) -> str:
    sidecar_with(wish, essential=True)
    condition = hand.one(("complete", "success", "healthy"))
    return f"{field(wish, 'starts_after', {'watcher': condition})}.watcher"


@mistake("NE355", WORK)
def _soft_above_hard(hand: Hand, wish: Wish) -> str:
    soft, hard = hand.one(((4096, 1024), (-1, 1024), (1, 0)))
    limit = field(wish, "ulimits", {"nofile": {"soft": soft, "hard": hard}})
    return f"{limit}.nofile.soft"


@mistake("NE708", WORK)
def _inline_policies_too_long(_: Hand, wish: Wish) -> str:
    long = "x" * 900
    wish.entry["s3_read"] = [f"s3://models-{n}/{long}/" for n in range(20)]
    return f"{wish.path}.s3_read"


@mistake("NE710", WORK)
def _policy_of_another_account(_: Hand, wish: Wish) -> tuple[str, ...]:
    partition = facts.partition(wish.home)
    wish.keys.pop("traffic", None)
    stem = f"arn:{partition}:iam::"
    wish.entry["task_policies"] = [
        f"{stem}{facts.ACCOUNT}:policy/a",
        f"{stem}999988887777:policy/b",
    ]
    return tuple(f"{wish.path}.task_policies[{n}]" for n in (0, 1))


@mistake("NE711", SILENT)
def _too_many_containers(_: Hand, wish: Wish) -> str:
    sidecar: Entry = {"image": wish.entry["image"], "cpu_units": 0, "memory_mib": 6}
    wish.entry["sidecars"] = {f"s{n}": sidecar for n in range(10)}
    return f"{wish.path}.sidecars"


@mistake("NE712", WORK)
def _part_missing(hand: Hand, wish: Wish) -> str:
    partition = facts.partition(wish.home)
    arn = f"arn:{partition}:secretsmanager:{{region}}:{facts.ACCOUNT}:secret:hf-a1b2c3"
    wish.entry["secrets"] = {"HF_TOKEN": arn + hand.one((":key", ":key:", ":a:b:c:d"))}
    return f"{wish.path}.secrets.HF_TOKEN"


@mistake("NE724", WORK)
def _wildcard_in_a_name(hand: Hand, wish: Wish) -> str:
    field_name = hand.one(("s3_read", "s3_write"))
    wish.entry[field_name] = [f"s3://models/{hand.one(('*', 'a?', '${aws:userid}/'))}"]
    return f"{wish.path}.{field_name}[0]"


@mistake("NE718", JOB)
def _no_schedule(hand: Hand, wish: Wish) -> str:
    wrong = (
        "cron(0 3 * * *)",
        "cron(0 3 * * * *)",
        "cron(61 3 * * ? *)",
        "cron(0 0 30 2 ? *)",
        "cron(0 0 31 APR,6,9,11 ? *)",
        "cron(0 0 29 2 ? 2030-2031)",
        "rate(2 weeks)",
        "rate(0 hours)",
        "at(2030-12-24)",
        "at(2030-13-24T18:00:00)",
    )
    wish.entry["schedule"] = {"expression": hand.one(wrong)}
    return f"{wish.path}.schedule.expression"


@mistake("NE719", JOB)
def _no_time_zone(hand: Hand, wish: Wish) -> str:
    zone = hand.one(("Europe/Berln", "CET2", "Mars/Olympus"))
    wish.entry["schedule"] = {"expression": "rate(1 hour)", "timezone": zone}
    return f"{wish.path}.schedule.timezone"


@mistake("NE609", replace(SILENT, work=("models",)))
def _no_port_to_count_at(hand: Hand, wish: Wish) -> str:
    wish.entry["scaling"] = {"requests_per_minute": hand.number(1, 600)}
    return f"{wish.path}.scaling.requests_per_minute"


@mistake("NE622", replace(SILENT, work=("models",)))
def _no_port_to_ask(hand: Hand, wish: Wish) -> str:
    return measured(hand, wish)


@mistake("NE620", replace(CALLED, sorts=(NEURON,), types=not_inf1, ami=False, nat=OPEN))
def _server_without_queue(hand: Hand, wish: Wish) -> str:
    path = measured(hand, wish)
    wish.entry["image"] = TORCHSERVE
    return path


@mistake("NE615", replace(MODEL, overridden=False))
def _beyond_the_replicas(hand: Hand, wish: Wish) -> str:
    most = max(1, wish.work.most)
    wish.entry["replicas"] = {"min": 1, "max": most}
    field, value = hand.one((("min", 0), ("max", most + 1)))
    wish.entry["scaling"] = {"schedule": [{"expression": "rate(1 day)", field: value}]}
    return f"{wish.path}.scaling.schedule[0].{field}"


@mistake("NE617", replace(GROUPS, alone=True))
def _no_room_for_headroom(_: Hand, wish: Wish) -> str:
    one_size(wish.pool, 1)
    return of_pool(wish, "headroom", 1)


@mistake(
    "NE619",
    Want(sorts=(MANAGED_NEURON, MANAGED_CPU), purchases=("reserved",), overridden=False),
)
def _group_and_fallback(_: Hand, wish: Wish) -> str:
    return of_pool(wish, "on_demand_fallback", True)


@mistake("NE252", BLOCKED)
def _no_such_day(hand: Hand, wish: Wish) -> str:
    days = hand.one((("2026-02-30T11", "2026-03-02T11"), ("2026-11-29T11", "2026-11-31T11")))
    return block_hours(wish, days) + ("[0].start" if "-02-30" in days[0] else "[0].end")


@mistake("NE253", BLOCKED)
def _no_time_left(hand: Hand, wish: Wish) -> str:
    end = hand.one(("2026-12-01T11", "2026-12-01T10", "2026-11-01T11"))
    return block_hours(wish, ("2026-12-01T11", end)) + "[0].end"


@mistake("NE254", BLOCKED)
def _overlapping(hand: Hand, wish: Wish) -> str:
    start = hand.one(("2026-12-02T10", "2026-12-01T12"))
    return (
        block_hours(wish, ("2026-12-01T11", "2026-12-02T11"), (start, "2026-12-09T11"))
        + "[1].start"
    )


@mistake("NE257", replace(BLOCKED, single=False, regions=2))
def _block_of_two_regions(_: Hand, wish: Wish) -> str:
    path = block_hours(wish, ("2026-12-01T11", "2026-12-02T11"))
    wish.pool.entry["regions"] = list(wish.pool.regions)
    return path


# -- training --------------------------------------------------------------------------------------


@mistake("NE802", SILENT)
def _several_nodes(hand: Hand, wish: Wish) -> str:
    nodes = hand.one(("--nnodes=2", "--nnodes=2:4", "--num_machines=8"))
    return command(wish, "torchrun", nodes, "--nproc_per_node=1", "train.py")


# -- what is known of a model ----------------------------------------------------------------------


def _shape(hand: Hand, wish: Wish, *without: str, **numbers: object) -> str:
    """Adds an entry of `shapes` with these numbers, and without these fields."""
    entry = {"head_dim": 64, **shapes.numbers(hand), **numbers}
    adds_shapes(wish, {"mine": {k: v for k, v in entry.items() if k not in without}})
    return "shapes.mine"


@mistake("NE950", ANY)
def _like_a_model_that_nobody_knows(hand: Hand, wish: Wish) -> str:
    name = hand.one(("meta-llama/Llama-5-8B", "mine2", "acme/other"))
    adds_shapes(wish, {"mine": {"like": name}})
    return "shapes.mine.like"


@mistake("NE951", ANY)
def _shapes_in_a_circle(hand: Hand, wish: Wish) -> str:
    names = hand.one((("mine",), ("mine", "yours"), ("a", "b", "c")))
    following = (*names[1:], names[0])
    adds_shapes(wish, {n: {"like": o} for n, o in zip(names, following, strict=True)})
    return f"shapes.{min(names)}.like"


@mistake("NE952", ANY)
def _shape_of_too_few_numbers(hand: Hand, wish: Wish) -> str:
    field_name = hand.one(("model_type", "layers", "hidden", "mlp", "vocabulary"))
    return f"{_shape(hand, wish, field_name)}.{field_name}"


@mistake("NE953", ANY)
def _heads_that_cannot_be_shared(hand: Hand, wish: Wish) -> str:
    if hand.chance(50):
        return _shape(hand, wish, heads=32, kv_heads=hand.one((5, 12, 33))) + ".kv_heads"
    return _shape(hand, wish, "head_dim", "kv_heads", heads=12, hidden=1000) + ".heads"


@mistake("NE954", ANY)
def _window_of_no_layers(hand: Hand, wish: Wish) -> str:
    if hand.chance(50):
        return _shape(hand, wish, "window", windowed_layers=1) + ".windowed_layers"
    layers = hand.number(1, 40)
    more = {"layers": layers, "windowed_layers": layers + hand.number(1, 5), "window": 128}
    return _shape(hand, wish, **more) + ".windowed_layers"


SERVED = Want(
    port=True,
    sorts=(NEURON,),
    types=family("inf2", "trn1", "trn1n"),
    work=("models",),
    bare=True,
    alone=True,
    ami=False,
    efa=False,
    nat=OPEN,
    devices=("count",),
)


def _serve(wish: Wish, model: str = TINY, **fields: object) -> str:
    """Lets the wanted model say `serve` instead of its image."""
    del wish.entry["image"]
    wish.entry["serve"] = {"model": model, **fields}
    return f"{wish.path}.serve"


@mistake("NE901", SERVED)
def _architecture_of_no_image(hand: Hand, wish: Wish) -> str:
    model = hand.one(("openai/gpt-oss-20b", "openai/gpt-oss-120b"))
    return f"{_serve(wish, model)}.model"


@mistake("NE901", replace(SERVED, sorts=(CPU,), types=anything, devices=("none",)))
def _served_without_chips(hand: Hand, wish: Wish) -> str:
    _serve(wish)
    wish.entry["memory_mib"] = 1024
    return f"{wish.path}.capacity"


@mistake("NE902", SERVED)
def _model_of_no_shape(hand: Hand, wish: Wish) -> str:
    return f"{_serve(wish, hand.one(('acme/Llama-5', 's3://my-models/llama/', '/models/m')))}.model"


@mistake("NE903", SERVED)
def _server_that_nobody_knows(hand: Hand, wish: Wish) -> str:
    return f"{_serve(wish, server=hand.one(('vllm', 'tgi', 'nxd')))}.server"


@mistake("NE904", SERVED)
def _image_of_no_known_server(hand: Hand, wish: Wish) -> str:
    wish.entry["serve"] = {"model": TINY}
    return f"{wish.path}.image"


@mistake("NE905", SERVED)
def _caches_beyond_the_memory(hand: Hand, wish: Wish) -> str:
    return f"{_serve(wish, max_num_seqs=4000, max_model_len=2048)}.model"


@mistake("NE906", SERVED)
def _degree_beyond_the_devices(hand: Hand, wish: Wish) -> str:
    return f"{_serve(wish, tensor_parallel=1024, max_model_len=2048)}.tensor_parallel"


@mistake("NE910", replace(SERVED, port=False))
def _seventy_billion_on_a_chip(hand: Hand, wish: Wish) -> str:
    return runs(wish, "deepseek-ai/DeepSeek-R1-Distill-Llama-70B")


@mistake("NE913", replace(SERVED, port=False))
def _longer_than_the_positions(hand: Hand, wish: Wish) -> str:
    return runs(wish, TINY, length=hand.one((2049, 4096, 8192)))


def _ahead(wish: Wish, **fields: object) -> str:
    """Lets a job compile the wanted model, into a file system."""
    wish.keys.setdefault("volumes", {})["compiled"] = {"kind": "efs"}
    fields |= {"max_model_len": 512, "cache": "compiled", "compile": "ahead"}
    return _serve(wish, TINY, **fields)


@mistake("NE943", SERVED)
def _compiled_where_nobody_sees_it(hand: Hand, wish: Wish) -> str:
    cache = hand.one(({}, {"cache": "none"}))
    return f"{_serve(wish, max_model_len=512, compile='ahead', **cache)}.compile"


BOTH_CHIPS = ("us-west-2",)  # has Inferentia 2 and Trainium 1


@mistake(
    "NE945",
    replace(SERVED, types=family("inf2"), where=BOTH_CHIPS, single=True, networks=("own",)),
)
def _compiled_for_other_chips(_: Hand, wish: Wish) -> str:
    pool = {"kind": "auto_scaling", "instance_type": "trn1.2xlarge", "max_size": 1}
    wish.keys["capacity"]["chips"] = pool | {"regions": list(BOTH_CHIPS)}
    wish.entry["neuron_devices"] = 1
    return f"{_ahead(wish, compile_on='chips')}.compile_on"


@mistake("NE947", replace(SERVED, regions=2, overridden=False))
def _region_without_a_compile_job(_: Hand, wish: Wish) -> str:
    kinds = ("kind", "instance_type", "max_size")
    pool = {key: wish.pool.entry[key] for key in kinds}
    wish.keys["capacity"]["chips"] = pool | {"regions": [wish.pool.regions[0]]}
    return f"{_ahead(wish, compile_on='chips')}.compile_on"


@mistake("NE946", SERVED)
def _job_with_the_name_of_another(_: Hand, wish: Wish) -> str:
    path = _ahead(wish).partition(".serve")[0]
    name = f"compile-{path.partition('.')[2]}"
    if len(name) > 40:  # the name of the job ends in a digest then
        wish.keys["models"]["m"] = wish.keys["models"].pop(wish.work.name)
        wish.keys.pop("traffic", None)  # it may name the model
        name = "compile-m"
    wish.keys.setdefault("jobs", {})[name] = {
        "image": "public.ecr.aws/acme/serving:1.0",
        "capacity": wish.entry["capacity"],
        "neuron_devices": 0,
        "memory_mib": 64,
    }
    return f"jobs.{name}"


@mistake("NE942", SERVED)
def _slot_of_a_file_system(_: Hand, wish: Wish) -> str:
    wish.keys.setdefault("volumes", {})["shared"] = {"kind": "efs"}
    wish.entry["mounts"] = {"shared": {"path": "/mnt/shared", "directory": "a/{slot}"}}
    return f"{wish.path}.mounts.shared.directory"


_IMAGES = ("monitor_image", "agent_image"), ("detector_image", "recovery_image")
WATCHED = Want(sorts=(NEURON,), lone_pool=True, alone=True, bare=True, devices=("count", "ids"))


def _watched(wish: Wish) -> Entry:
    """Daemons of every kind, from images of one's own."""
    own, detector = (dict.fromkeys(names, facts.WATCHING) for names in _IMAGES)
    wish.keys["neuron_metrics"] = {**own, "problem_detector": detector}
    return wish.keys["neuron_metrics"]


@mistake("NE840", replace(WATCHED, modes=("host",), port=True, work=("models",)))
def _port_of_a_daemon(hand: Hand, wish: Wish) -> str:
    _watched(wish)
    return listens(wish, hand.one((19_800, 20_256, 20_257)))


@mistake("NE843", replace(WATCHED, networks=SHUT.networks, nat=SHUT.nat))
def _daemon_image_without_a_way_out(hand: Hand, wish: Wish) -> str:
    metrics = _watched(wish)
    below = hand.chance(50)
    wrong = hand.one(_IMAGES[below])
    del (metrics["problem_detector"] if below else metrics)[wrong]
    return f"neuron_metrics.{'problem_detector.' * below}{wrong}"
