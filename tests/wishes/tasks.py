"""What stands in a model or job: containers, health checks, ports, schedules."""

from dataclasses import dataclass, field
from typing import Any, cast

from tests.wishes import facts
from tests.wishes.drawing import Hand, Names

Entry = dict[str, Any]


def overrides(entry: Entry) -> Entry:
    """What differs by Region in a pool or workload; empty where its Regions are no map."""
    regions: Any = entry.get("regions")
    return cast(Entry, regions) if isinstance(regions, dict) else {}


AGENT = "queue-metrics"  # the sidecar of a model whose server is measured
PLAIN = "{account}.dkr.ecr.{{region}}.amazonaws.com{suffix}/team/serving:1.0"
PUBLIC = (
    "public.ecr.aws/acme/serving:1.0",
    "acme/serving:1.0",
    "ghcr.io/acme/serving@sha256:" + "0a" * 32,
    "registry.example.com:5000/serving:1.0",
)
POLICIES = (
    "arn:{partition}:iam::aws:policy/AmazonS3ReadOnlyAccess",
    *("arn:{partition}:iam::" + facts.ACCOUNT + f":policy/team/own-{n}" for n in range(9)),
)
SECRETS = (
    "arn:{partition}:secretsmanager:{region}:" + facts.ACCOUNT + ":secret:hf-token-a1b2c3",
    "arn:{partition}:ssm:{region}:" + facts.ACCOUNT + ":parameter/serving/key",
    "/serving/{name}",
)
SCHEDULES = (
    "rate(1 hour)",
    "rate(5 minutes)",
    "rate(7 days)",
    "cron(0 3 * * ? *)",
    "cron(0/15 8-18 ? * MON-FRI *)",
    "cron(0 0 L * ? 2030-2031)",
    "cron(30 12 ? * 2#1 *)",
    "cron(0 0 29 FEB ? *)",
    "cron(0 0 31 11-3/2 ? 2030-2031)",
    "at(2030-12-24T18:00:00)",
)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
CAPABILITIES = ("IPC_LOCK", "NET_ADMIN", "SYS_ADMIN", "SYS_PTRACE", "SYS_NICE")
OF_MANAGED_ONLY = ("BPF", "PERFMON")
BUCKETS = ("s3://my-models/llama/", "s3://weights-{region}/", "s3://a.b-1/x/y", "s3://mod")
ENVIRONMENT = ("HF_HOME", "LOG_LEVEL", "_", "a.b-c", "OMP_NUM_THREADS")
VALUES = ("", "1", "/var/cache", "ünï cödé", "x" * 500, "{region}", "a-{region}-{{region}}-{b}")
SECRET_NAMES = ("HF_TOKEN", "DB_PASSWORD", "API_KEY")
VOLUMES = ("cache", "weights", "shared")
FILES = "fs-0123456789abcdef0"
USERS = ("1000", "1000:1000", "neuron")
PORTS = (8080, 8000, 1, 80, 443, 19_999, 65_535)
HOST_PORTS = (8080, 8000, 80, 443, 1, 19_999, facts.EPHEMERAL - 1)
CORES, NUMBER, LOGICAL = (
    "NEURON_RT_VISIBLE_CORES",
    "NEURON_RT_NUM_CORES",
    "NEURON_LOGICAL_NC_CONFIG",
)


@dataclass
class Scene:
    """What the place of a task says about its entry."""

    partition: str
    regions: tuple[str, ...]
    shut: bool  # some of its Regions have a network of ours without a way out
    managed: bool
    families: tuple[str, ...]  # of Neuron, empty on a pool without
    held: bool  # the machine image stays at a driver of its day, or of Amazon Linux 2
    mode: str
    room: tuple[int, int]  # the most CPU units and MiB that the task can have
    share: tuple[int, int] | None  # what it has where nothing is written
    cores: int = 0  # of its devices, 0 without
    grouped: int = 1  # physical cores of a logical one
    ids: tuple[int, ...] | None = None
    taken: set[int] = field(default_factory=set[int])  # host ports of the pool
    locks: int = 0  # devices that host ports lock on the pool's instances
    marks: set[str] = field(default_factory=set[str])


def plain_image(scene: Scene) -> str:
    """An image of one's own, in a private registry of each Region."""
    suffix = ".cn" if scene.partition == "aws-cn" else ""
    return PLAIN.format(account=facts.ACCOUNT, suffix=suffix)


def image(hand: Hand, scene: Scene, *, serves: bool) -> str:
    """An image that every Region of the task can pull and every chip of its pool can run."""
    choices = [plain_image(scene)]
    if not scene.shut:
        choices += PUBLIC
        if scene.partition == "aws":
            choices.append(plain_image(scene).replace("{region}", "us-west-2"))
    known = facts.newest_images(scene.families) if scene.families and not scene.held else ()
    if serves:
        choices += [i for i in known if i.startswith("dlc/") or not scene.shut]
    return hand.one(choices)


_FIELDS = (
    "command",
    "environment",
    "secrets",
    "user",
    "read_only_root",
    "linux_capabilities",
    "entry_point",
    "drop_capabilities",
    "init",
    "ulimits",
    "working_directory",
    "writable_paths",
    "registry_login",
    "mounts",
)


def bare(hand: Hand, scene: Scene) -> Entry:
    """A workload with nothing that it can do without."""
    entry: Entry = {"image": plain_image(scene)}
    if scene.share is None:
        _size(hand, scene, entry)
    return entry


def container(hand: Hand, scene: Scene, *, serves: bool) -> Entry:
    """The fields that a workload's container and its sidecars share."""
    entry: Entry = {"image": image(hand, scene, serves=serves)}
    for name in hand.some(_FIELDS, most=3):
        match name:
            case "command":
                entry[name] = hand.some(("--quiet", "--config", "/etc/serving.yaml"), least=1)
            case "entry_point":
                entry[name] = ["/bin/serve"]
            case "environment":
                entry[name] = {n: hand.one(VALUES) for n in hand.some(ENVIRONMENT, least=1)}
            case "secrets":
                entry[name] = {n: _secret(hand, scene, n) for n in hand.some(SECRET_NAMES, least=1)}
            case "user":
                entry[name] = hand.one(USERS)
            case "read_only_root":
                entry[name] = True
            case "init":
                entry[name] = hand.one((True, False))
            case "drop_capabilities":
                entry[name] = hand.one((["ALL"], ["CHOWN", "NET_RAW"]))
            case "ulimits":
                soft, hard = hand.one(((1024, 4096), (4096, 4096), (4096, -1), (-1, -1)))
                entry[name] = {hand.one(("nofile", "stack")): {"soft": soft, "hard": hard}}
            case "working_directory":
                entry[name] = "/opt/app"
            case "writable_paths":
                entry[name] = hand.some(("/tmp", "/var/tmp", "/var/lib/app/"), least=1)
            case "mounts":
                entry[name] = {n: _mount(hand, n) for n in hand.some(VOLUMES, least=1, most=2)}
            case "registry_login":
                arn = (
                    f"arn:{scene.partition}:secretsmanager:{{region}}:{facts.ACCOUNT}:secret:login"
                )
                entry[name] = arn
            case _:
                more = OF_MANAGED_ONLY if scene.managed else ()
                entry[name] = hand.some(CAPABILITIES + more, least=1)
    return entry


def _mount(hand: Hand, name: str) -> Entry | str:
    """A volume in a container, at a path that no other has, nor the image."""
    path = hand.one((f"/mnt/{name}", f"/mnt/{name}/", f"/{name}"))
    if hand.chance(60):
        return path
    entry: Entry = {"path": path}
    if hand.chance(40):
        entry["read_only"] = hand.chance(70)
    if hand.chance(50):
        entry["directory"] = hand.one(("a", "llama-3-8b/weights", f"a/b/{'c' * 64}"))
    return entry


def ebs_volume(hand: Hand, regions: list[str]) -> Entry:
    """An EBS volume of the stack file."""
    entry: Entry = {"kind": "ebs"}
    filled = hand.chance(50)
    if filled:
        entry["snapshot_ids"] = dict.fromkeys(regions, "snap-0123456789abcdef0")
        if hand.chance(40):
            entry["initialization_rate_mib"] = hand.one((100, 300))
    if not filled or hand.chance(50):
        entry["size_gib"] = hand.one((20, 500, 16_384))
    if hand.chance(40):
        entry["iops"] = hand.one((4000, 10_000))
        if hand.chance(50):
            entry["throughput_mib"] = hand.one((125, 1000))
    if hand.chance(80):
        entry["file_system_type"] = hand.one(("ext3", "ext4", "xfs"))
    return entry


def s3_files(region: str) -> str:
    """The ARN of a file system of S3 Files."""
    return facts.arn(region, "s3files", f"file-system/{FILES}")


def s3_files_volume(hand: Hand, regions: list[str], *, points: bool) -> Entry:
    """A volume of S3 Files; with `points` one that may name access points."""
    through = f"/access-point/fsap-{'0' * 17}" if points and hand.chance(50) else ""
    given = {r: s3_files(r) + through for r in regions}
    bucket = hand.one(("s3://objects-{region}/a", "s3://objects-{region}"))
    return {"kind": "s3_files", "file_systems": given, "bucket": bucket}


def volume(
    hand: Hand, regions: list[str], *, of_tasks: bool, managed: bool, directories: bool
) -> Entry:
    """A volume of the stack file. With `of_tasks` one of each task alone may be drawn, with
    `managed` one that Managed Instances alone mount; `directories` are those of its mounts."""
    if managed and hand.chance(40):
        return s3_files_volume(hand, regions, points=not directories)
    if of_tasks and hand.chance(70):
        return ebs_volume(hand, regions)
    if hand.chance(40):
        given = dict.fromkeys(regions, FILES)
        return {"kind": "efs", **({"file_systems": given} if hand.chance(40) else {})}
    entry: Entry = {"kind": "host"}
    if hand.chance(40):
        entry["path"] = hand.one(("/mnt/models", "/opt/models/", "/var/lib/models"))
    if hand.chance(40):
        entry["size_gib"] = hand.one((1, 100, 500))
    return entry


def _secret(hand: Hand, scene: Scene, name: str) -> str:
    text = hand.one(SECRETS).replace("{partition}", scene.partition).replace("{name}", name)
    if len(scene.regions) == 1 and hand.chance(30):
        return text.replace("{region}", scene.regions[0])
    return text


_OF_WORK = (
    "size",
    "health_check",
    "stop_timeout_seconds",
    "shared_memory_mib",
    "shared_paths",
    "log_retention_days",
    "s3_read",
    "s3_write",
    "task_policies",
    "log_mode",
    "log_buffer_mib",
    "exec",
    "sidecars",
    "server",
    "cores",
)


def workload(hand: Hand, scene: Scene, names: Names) -> Entry:
    """A model or job without its capacity, devices, ports and replicas."""
    entry = container(hand, scene, serves=True)
    wanted = hand.some(_OF_WORK, most=4)
    if scene.share is None:
        wanted = ["size", *(name for name in wanted if name != "size")]
    if scene.cores and not {"server", "cores"} & set(wanted) and hand.chance(25):
        wanted.append(hand.one(("cores", "server")))
    for name in wanted:
        match name:
            case "size":
                _size(hand, scene, entry)
            case "health_check":
                entry[name] = health_check(hand)
            case "stop_timeout_seconds":
                entry[name] = hand.one((30, 0, 120, 121, 3600, 86_400))
            case "shared_memory_mib":
                if not scene.managed:
                    entry[name] = hand.number(1, 64)
            case "shared_paths":
                entry[name] = hand.some(("/by-all/", "/models", "/opt/a/b"), least=1)
            case "log_retention_days":
                entry[name] = hand.one(facts.catalog().limits.log_retention_days)
            case "s3_read" | "s3_write":
                entry[name] = hand.some(BUCKETS, least=1)
            case "log_mode":
                entry[name] = hand.one(("blocking", "non_blocking"))
            case "log_buffer_mib":
                entry[name] = hand.one((1, 25, 1024))
            case "task_policies":
                written = [p.replace("{partition}", scene.partition) for p in POLICIES]
                entry[name] = hand.some(written, least=1)
            case "exec":
                if not entry.get("read_only_root"):
                    entry[name] = True
            case "server":
                _server(hand, scene, entry)
            case "cores":
                _cores(hand, scene, entry)
            case _:
                pass
    if "sidecars" in wanted:
        _sidecars(hand, scene, names, entry)
    return entry


def _size(hand: Hand, scene: Scene, entry: Entry) -> None:
    """Sizes up to the room that the task is left with: exactly that in many draws."""
    cpu, memory = scene.room
    both = scene.share is None
    which = ("cpu_units", "memory_mib") if both else hand.one((("memory_mib",), ("cpu_units",)))
    for name in which:
        most = cpu if name == "cpu_units" else memory
        entry[name] = hand.number(min(2048, most), most)
        if entry[name] == most:
            scene.marks.add(f"{name} at the room")
    if both and hand.chance(20):
        del entry["cpu_units"]


def cpu_of(entry: Entry) -> int:
    """CPU units that a task without devices reserves."""
    sidecars = entry.get("sidecars", {}).values()
    return entry.get("cpu_units", sum(c.get("cpu_units", 128) for c in sidecars))


def health_check(hand: Hand) -> Entry:
    """A health check within the limits, at their borders as often as not."""
    entry: Entry = {}
    limit = facts.catalog().limits.value
    for name in hand.some(("path", "command", "times", "retries", "start", "grace")):
        match name:
            case "path":
                entry[name] = hand.one(("/", "/health", "/v1/models", "/" + "p" * 1023))
            case "command":
                entry[name] = ["CMD-SHELL", "curl -fs http://localhost:8080/health || exit 1"]
            case "times":
                low = limit("health_check_interval_min_seconds")
                high = limit("health_check_interval_max_seconds")
                entry["interval_seconds"] = hand.number(low, high)
                entry["timeout_seconds"] = hand.number(2, limit("health_check_timeout_max_seconds"))
            case "retries":
                entry[name] = hand.number(1, limit("health_check_retries_max"))
            case "start":
                entry["start_period_seconds"] = hand.one((300, 0, 60))
            case _:
                entry["grace_seconds"] = hand.one((1800, 0, 2_147_483_647))
    return entry


def _server(hand: Hand, scene: Scene, entry: Entry) -> None:
    """A vLLM server or torchrun that takes exactly the cores of the task, or fewer."""
    if not scene.cores or entry.get("environment", {}).get(LOGICAL):
        return
    entry.pop("entry_point", None)
    entry["image"] = plain_image(scene)
    count = hand.number(1, scene.cores)
    if count == scene.cores:
        scene.marks.add("processes at the cores")
    if hand.chance(50):
        entry["command"] = ["torchrun", f"--nproc_per_node={count}", "train.py"]
    else:
        entry["command"] = ["vllm", "serve", "/models/m", "--tensor-parallel-size", str(count)]


def _cores(hand: Hand, scene: Scene, entry: Entry) -> None:
    """The variables of the runtime, as wide as the task's devices."""
    if not scene.cores or scene.managed:
        return
    environment = entry.setdefault("environment", {})
    if scene.grouped > 1 and "command" not in entry:
        environment[LOGICAL] = "2"
    if scene.ids is not None and hand.chance(50):
        each = scene.cores // len(scene.ids)
        first, last = scene.ids[0] * each, scene.ids[-1] * each + each - 1
        environment[CORES] = str(first) if first == last else f"{first}-{last}"
        scene.marks.add("visible cores at the devices")
    else:
        environment[NUMBER] = str(hand.number(1, scene.cores))
        if environment[NUMBER] == str(scene.cores):
            scene.marks.add("number of cores at the devices")


def _sidecars(hand: Hand, scene: Scene, names: Names, entry: Entry) -> None:
    """Sidecars that leave the model a unit of CPU and a MiB, no more than that now and then."""
    share = scene.share or scene.room
    cpu, memory = entry.get("cpu_units", share[0]), entry.get("memory_mib", share[1])
    sidecars: Entry = {}
    for _ in range(1 + hand.index(3)):
        sidecar = container(hand, scene, serves=False)
        takes = 128, 256
        if hand.chance(40):
            takes = hand.number(0, max(0, min(cpu - 1, 4096))), hand.number(6, 512)
            sidecar["cpu_units"], sidecar["memory_mib"] = takes
        if takes[0] >= cpu or takes[1] >= memory:
            break
        cpu, memory = cpu - takes[0], memory - takes[1]
        if hand.chance(25):
            _answering(hand, scene, sidecar, len(sidecars))
        if hand.chance(20):
            sidecar["essential"] = True
        if scene.cores and not scene.managed and hand.chance(35):
            sidecar["neuron_devices"] = "all"
            if scene.ids is not None and hand.chance(70):
                sidecar["neuron_devices"] = [scene.ids[-1]]
        if entry.get("exec"):
            sidecar.pop("read_only_root", None)
        if hand.chance(20):
            sidecar["restart"] = hand.chance(70)
        if hand.chance(20):
            sidecar["health_command"] = ["CMD-SHELL", "curl -fs http://localhost:9000/ || exit 1"]
        if sidecars and hand.chance(30):
            sidecar["starts_after"] = _earlier(hand, sidecars)
        name = names.new()
        if not sidecars and "port" not in sidecar and hand.chance(30):
            name = AGENT
        if "port" in sidecar and hand.chance(40):
            sidecar["path"] = f"/Other_{name}"  # no other workload of the Region has it
        sidecars[name] = sidecar
    if sidecars:
        entry["sidecars"] = sidecars
        if hand.chance(30):
            entry["starts_after"] = _earlier(hand, sidecars)
        if cpu == 1:
            scene.marks.add("sidecars leave one unit")


def _answering(hand: Hand, scene: Scene, sidecar: Entry, number: int) -> None:
    """A port that no other container of the task has, nor of a host's tasks."""
    free = (p for p in range(9100 + number, 9900, 3) if p not in scene.taken)
    sidecar["port"] = next(free)
    if scene.mode == "host":
        scene.taken.add(sidecar["port"])
    if hand.chance(40):
        sidecar["health_path"] = hand.one(("/", "/ping", "/" + "p" * 1023))


def _earlier(hand: Hand, sidecars: Entry) -> Entry:
    """One of the sidecars, and what can be waited for of it."""
    name = hand.one(tuple(sidecars))
    other = sidecars[name]
    conditions = ["started"]
    if not other.get("essential"):
        conditions += ["complete", "success"]
    if "health_command" in other:
        conditions.append("healthy")
    return {name: hand.one(tuple(conditions))}


def are_labels(models: Entry) -> bool:
    """Whether the names of models and sidecars can be labels of a domain."""
    names = [f"{name}-{of}" for name, entry in models.items() for of in entry.get("sidecars", ())]
    return all(len(name) <= 63 for name in names)


PATHS = ("/v1/*", "/*", "/tokenize", "/a/*/b")


def ports(hand: Hand, scene: Scene, entry: Entry) -> None:
    """The ports that serve; on the host those of a pool mostly differ."""
    host = scene.mode == "host"
    locked = range(facts.LOCK_PORTS, facts.LOCK_PORTS + scene.locks)
    choices = HOST_PORTS if host else PORTS
    if host:
        choices = (*choices, facts.LOCK_PORTS + scene.locks, *range(9000, 9040))
        taken = () if hand.chance(30) else scene.taken
        choices = tuple(p for p in choices if p not in taken and p not in locked)
    found = hand.some(choices, least=1, most=3 if hand.chance(30) else 1)
    if host:
        scene.taken.update(found)
    for port in found:
        if host and port in (facts.EPHEMERAL - 1, facts.LOCK_PORTS + scene.locks, 19_999):
            scene.marks.add("host port at the border")
    if len(found) == 1 and hand.chance(80):
        entry["port"] = found[0]
    elif hand.chance(50):
        entry["port"], entry["ports"] = found[0], found[1:] or [found[0]]
    else:
        entry["ports"] = found


def checked(entry: Entry) -> None:
    """Keeps a health check within the limits of a load balancer, which the ports may need."""
    check = entry.get("health_check", {})
    if "retries" in check:
        check["retries"] = max(check["retries"], 2)
    if "timeout_seconds" in check:
        check["timeout_seconds"] = min(check["timeout_seconds"], check["interval_seconds"] - 1)


def served(hand: Hand, scene: Scene, entry: Entry) -> None:
    """What an image of AWS's own that serves needs: a command on the port that is called."""
    server = facts.server_of(entry["image"])
    if server is None:
        return
    entry.pop("entry_point", None)
    entry.pop("command", None)
    if hand.chance(20):
        entry["entry_point"] = ["/bin/serve"]  # another server than the image's
        return
    port = entry.get("port") or next(iter(entry.get("ports", ())), server.port)
    options = [f"--port={port}"] if port != server.port or hand.chance(50) else []
    if server.entry == "command":
        command = ["vllm", "serve", "/models/m", *options]
        if hand.chance(50):
            command += ["--max-num-seqs=4", "--max-model-len", "8192"]
        entry["command"] = command
    elif server.entry == "arguments":
        entry["command"] = ["--model=/models/m", *options]


# Models that any chip of the family serves, with a context that fits one core or device; by the
# table of images: NxD Inference on the older chips, the plugin on Trainium 2.
SMALL_MODELS = {
    "inf2": "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    "trn1": "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    "trn1n": "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    "trn2": "openai/gpt-oss-20b",
    "trn2u": "openai/gpt-oss-20b",
}

TUNED = "s3://tuned-models/"
"""Before the family: the same models, tuned, in a bucket."""


def serves(hand: Hand, scene: Scene, entry: Entry) -> None:
    """A model by its id, in place of image and command."""
    if not scene.families or not scene.cores or scene.held or scene.shut:
        return
    if not set(scene.families) <= SMALL_MODELS.keys() or entry.get("read_only_root"):
        return
    for name in ("image", "command", "entry_point", "shared_memory_mib", "environment", "user"):
        entry.pop(name, None)
    serve: Entry = {"model": SMALL_MODELS[scene.families[0]], "max_model_len": 2048}
    for name in hand.some(("max_num_seqs", "names", "revision", "data_type", "arguments", "cache")):
        match name:
            case "max_num_seqs":
                serve[name] = hand.number(1, 4)
            case "names":
                serve["served_name"] = hand.one(("chat", "team/chat-1"))
            case "revision":
                serve[name] = hand.one(("main", "0e9e39f249a16976918f6564"))
            case "data_type":
                serve[name] = hand.one(("bfloat16", "float16"))
            case "cache":
                serve[name] = hand.one(("none", "s3://my-cache/neuron/"))
            case _:
                serve[name] = ["--enable-auto-tool-choice", "--tool-call-parser=llama3_json"]
    if hand.chance(25) and not {"memory_mib", "mounts"} & entry.keys():
        serve["model"] = f"{TUNED}{scene.families[0]}/"
        serve |= hand.one(({}, {}, {"revision": "main"}))
    sized = any(c.get("cpu_units") for c in entry.get("sidecars", {}).values())
    if hand.chance(45) and "mounts" not in entry and not sized:
        serve |= {"cache": "compiled", "compile": "ahead"}
    else:
        serve |= hand.one(({}, {"compile": "start"}))
    if scene.families[0] in ("trn2", "trn2u"):
        serve |= hand.one(({}, {"server": "plugin"}))
    else:
        others = {"server": "nxdi"}, {"tensor_parallel": 1}, {"data_type": "float32"}
        serve |= hand.one(({}, *others))
    entry["serve"] = serve
    if scene.mode == "host" and not {"port", "ports"} & entry.keys():
        ports(hand, scene, entry)
    checked(entry)


def schedule(hand: Hand) -> Entry:
    """When a job starts by itself."""
    entry: Entry = {"expression": hand.one(SCHEDULES)}
    if hand.chance(50):
        entry["timezone"] = hand.one(ZONES)
    return entry


def reports(entry: Entry) -> bool:
    """Whether the sidecar that measures servers has room, and a port to ask."""
    own = entry.get("image", "").startswith(facts.ACCOUNT)
    return own and AGENT in entry.get("sidecars", {}) and bool({"port", "ports"} & entry.keys())


def scaling(hand: Hand, entry: Entry, least: int, most: int) -> Entry:
    """What moves the replicas of a model between these numbers."""
    if reports(entry):
        return {"queue": hand.one((1, 8, 100_000)), **_cooldowns(hand)}
    if hand.chance(30):
        times = hand.some(SCHEDULES, most=3)
        return {"schedule": [_range_at(hand, text, least, most) for text in times]}
    if not {"port", "ports"} & entry.keys() or hand.chance(20):
        return {"external": hand.one((True, False))}
    found: Entry = {"requests_per_minute": hand.one((1, 60, 10_000_000))}
    return found | _cooldowns(hand)


def _cooldowns(hand: Hand) -> Entry:
    named = hand.some(("cooldown_out_seconds", "cooldown_in_seconds"))
    return {name: hand.one((0, 3_600, 86_400)) for name in named}


def _range_at(hand: Hand, expression: str, least: int, most: int) -> Entry:
    found: Entry = {"expression": expression}
    low = hand.number(least, most)
    if hand.chance(50):
        found["timezone"] = hand.one(ZONES)
    if hand.chance(70):
        found["min"] = low
    if hand.chance(50):
        found["max"] = hand.number(low, most)
    return found
