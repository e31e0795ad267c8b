"""For each rule a stack file that breaks it and nothing else, and a neighbour that does not."""

from dataclasses import dataclass
from typing import Any

from tests.planning.stacks import (
    Config,
    Entry,
    certificates,
    existing,
    groups,
    managed,
    stack,
    work,
)

PINNED = "al2023-ami-ecs-neuron-hvm-2023.0.20260701-kernel-6.1-x86_64"
VLLM = "public.ecr.aws/acme/vllm:0.13.0-neuronx-py312-sdk2.28.0-ubuntu24.04"


@dataclass(frozen=True)
class Fixture:
    """`failing` breaks the rule at `path`; `passing` differs in one place and does not.

    `beside` are codes of the same severity that cannot but come with it.
    """

    path: str
    failing: Config
    passing: Config
    beside: frozenset[str] = frozenset()


def _pool(pool: dict[str, object], **keys: Any) -> Config:
    return stack(capacity={"pool": pool}, **keys)


def _model(pool: dict[str, object], model: dict[str, object], **keys: Any) -> Config:
    return stack(capacity={"pool": pool}, models={"m": model}, **keys)


def _two(pool: dict[str, object], a: dict[str, object], b: dict[str, object]) -> Config:
    return stack(capacity={"pool": pool}, models={"a": a, "b": b})


INF2, INF2_6, CPU = groups(), groups("inf2.24xlarge"), groups("c7g.xlarge")
OHIO: Entry = {"us-east-2": {}}
TRN1 = groups("trn1.32xlarge", efa=True)
GOV: Entry = {
    "home": "us-gov-west-1",
    "regions": {"us-gov-west-1": existing(usgw1_az1="subnet-0a", usgw1_az2="subnet-0b")},
}
CHINA: Entry = {"home": "cn-north-1", "regions": {"cn-north-1": existing(cnn1_az1="subnet-0a")}}


def _accepted(regions: Entry) -> Entry:
    """The Regions with their undocumented AMI accepted."""
    return {name: {**entry, "accept_undocumented_ami": True} for name, entry in regions.items()}


_TWO_NETWORKS: Entry = {
    "us-west-2": existing(usw2_az1="subnet-0a", usw2_az2="subnet-0b"),
    "us-east-2": {
        "network": {
            "vpc_id": "vpc-0b",
            "private_subnets": {"use2-az1": "subnet-0c", "use2-az3": "subnet-0d"},
        }
    },
}
SIZE: Entry = {"cpu_units": 1024, "memory_mib": 2048}
HERE: Entry = certificates("us-west-2")


def _job_beside_two(size: int) -> Config:
    models = {"a": work(3), "b": work(3)}
    pool = groups("inf2.24xlarge", size)
    return stack(capacity={"pool": pool}, models=models, jobs={"j": work(6)})


def _host(replicas: int) -> Entry:
    return work(1, network_mode="host", port=8080, replicas={"min": replicas})


def _sidecar(devices: object = None, **more: Any) -> dict[str, object]:
    entry: dict[str, object] = {"image": "watcher:1", **more}
    if devices is not None:
        entry["neuron_devices"] = devices
    return {"watcher": entry}


def _cpu(units: int, replicas: int) -> dict[str, Any]:
    """A workload without devices, of that many CPU units and 2 GiB."""
    return work(cpu_units=units, memory_mib=2048, replicas={"min": replicas})


FIXTURES: dict[str, Fixture] = {
    "NE010": Fixture(
        "silence.NE105",
        _pool(INF2, silence={"NE105": "never mind"}),
        _pool(INF2, silence={"NE501": "a mesh encrypts"}),
    ),
    "NE011": Fixture(
        "silence.NE501",
        _model(INF2, work(1, port=8080), silence={"NE501": "a mesh encrypts"}, traffic=HERE),
        _model(INF2, work(1, port=8080), silence={"NE501": "a mesh encrypts"}),
        beside=frozenset({"NE501"}),
    ),
    "NE101": Fixture(
        "regions.us-wset-2",
        _pool(INF2, regions={"us-wset-2": {}}),
        _pool(INF2, regions={"us-west-2": {}}),
    ),
    "NE102": Fixture(
        "regions.af-south-1",
        _pool(groups("inf1.xlarge"), regions={"af-south-1": {}}),
        _pool(groups("inf1.xlarge"), regions={"af-south-1": {"accept_undocumented_ami": True}}),
    ),
    "NE103": Fixture(
        "regions.us-gov-west-1",
        _pool(groups(regions=["us-west-2"]), regions={"us-west-2": {}, "us-gov-west-1": {}}),
        _pool(groups(regions=["us-west-2"]), regions={"us-west-2": {}, "us-west-1": {}}),
    ),
    "NE104": Fixture(
        "capacity.pool.instance_type", _pool(groups("inf2.xlrage")), _pool(groups("inf2.xlarge"))
    ),
    "NE105": Fixture(
        "capacity.pool",
        _pool(groups("trn1.2xlarge"), regions={"sa-east-1": {}}),
        _pool(groups("trn1.2xlarge"), regions={"us-west-2": {}}),
    ),
    "NE106": Fixture(
        "regions.us-east-2.network.private_subnets",
        _pool(groups("trn1.2xlarge"), regions={"us-east-2": existing(use2_az1="subnet-0a")}),
        _pool(groups("trn1.2xlarge"), regions={"us-east-2": existing(use2_az3="subnet-0a")}),
    ),
    "NE107": Fixture(
        "capacity.pool.regions",
        _pool(groups(regions=["us-west-2", "us-east-2"])),
        _pool(groups(regions=["us-west-2"])),
    ),
    "NE108": Fixture(
        "models.m.capacity",
        _model(INF2, work(1, capacity="poll")),
        _model(INF2, work(1, capacity="pool")),
    ),
    "NE109": Fixture(
        "capacity.pool",
        _pool(managed("c7g.xlarge"), **CHINA),
        _pool(groups("c7g.xlarge"), **CHINA),
        beside=frozenset({"NE110"}),
    ),
    "NE110": Fixture(
        "regions.ap-southeast-6",
        _pool(groups(regions=["us-west-2"]), regions={"us-west-2": {}, "ap-southeast-6": {}}),
        _pool(groups(regions=["us-west-2"]), regions={"us-west-2": {}, "ap-southeast-5": {}}),
    ),
    "NE111": Fixture(
        "capacity.pool.instance_type", _pool(groups("g5.xlarge")), _pool(groups("m5.xlarge"))
    ),
    "NE112": Fixture(
        "capacity.pool.reservation_ids",
        _pool(groups(purchase="capacity_reservation")),
        _pool(groups(purchase="capacity_reservation", reservation_ids={"us-west-2": "cr-0a"})),
    ),
    "NE113": Fixture(
        "regions.us-west-2.network.cidr",
        _pool(INF2, regions={"us-west-2": {"network": {"cidr": "10.0.0.0/23"}}}),
        _pool(INF2, regions={"us-west-2": {"network": {"cidr": "10.0.0.0/22"}}}),
    ),
    "NE134": Fixture(
        "regions.us-gov-west-1",
        _pool(INF2, home="us-gov-west-1", regions=_accepted(GOV["regions"])),
        _pool(CPU, home="us-gov-west-1", regions=_accepted(GOV["regions"])),
        beside=frozenset({"NE110"}),
    ),
    "NE135": Fixture(
        "capacity.pool",
        _pool(INF2, regions={"us-west-1": {}}),
        _pool(INF2, regions={"us-west-2": {}}),
    ),
    "NE136": Fixture(
        "regions.us-west-2.network.private_subnets",
        _pool(INF2, regions={"us-west-2": existing(usw2_az1="subnet-0a", usw2_az9="subnet-0b")}),
        _pool(INF2, regions={"us-west-2": existing(usw2_az1="subnet-0a", usw2_az2="subnet-0b")}),
    ),
    "NE201": Fixture(
        "models.m.neuron_devices",
        _model(CPU, work(1, **SIZE)),
        _model(CPU, work(**SIZE)),
    ),
    "NE202": Fixture("models.m.neuron_devices", _model(INF2, work()), _model(INF2, work(1))),
    "NE203": Fixture("models.m.neuron_devices", _model(INF2, work(2)), _model(INF2, work(1))),
    "NE204": Fixture(
        "models.m.neuron_devices", _model(INF2_6, work([0, 2])), _model(INF2_6, work([0, 1]))
    ),
    "NE205": Fixture(
        "models.b.neuron_devices",
        _two(groups("inf2.24xlarge", 1), work([0, 1]), work([1, 2])),
        _two(groups("inf2.24xlarge", 2), work([0, 1]), work([1, 2])),
    ),
    "NE206": Fixture(
        "capacity.pool.max_size",
        _model(INF2, work(1, replicas={"min": 5})),
        _model(INF2, work(1, replicas={"min": 4})),
    ),
    "NE242": Fixture(
        "models.m.neuron_devices",
        _model(groups("trn1.32xlarge"), work(2)),
        _model(groups("trn1.32xlarge"), work(4)),
    ),
    "NE207": Fixture(
        "capacity.pool.allowed_instance_types[0]",
        _pool(managed("inf1.xlarge")),
        _pool(managed("inf2.xlarge")),
    ),
    "NE208": Fixture(
        "capacity.pool.allowed_instance_types",
        _pool(managed("trn1n.32xlarge"), regions=OHIO),
        _pool(managed("trn1.32xlarge"), regions=OHIO),
    ),
    "NE209": Fixture(
        "models.m.sidecars.watcher.neuron_devices",
        _model(managed("inf2.xlarge"), work("all", sidecars=_sidecar([0]))),
        _model(managed("inf2.xlarge"), work("all", sidecars=_sidecar())),
    ),
    "NE210": Fixture(
        "models.m.sidecars.watcher.neuron_devices",
        _model(managed("inf2.xlarge"), work("all", sidecars=_sidecar("all"))),
        _model(managed("inf2.xlarge"), work("all", sidecars=_sidecar())),
    ),
    "NE211": Fixture(
        "models.m.neuron_devices",
        _model(managed("inf2.*"), work(1)),
        _model(managed("inf2.xlarge"), work(1)),
    ),
    "NE212": Fixture(
        "models.m.neuron_devices",
        _model(managed("inf2.xlarge"), work(1)),
        _model(managed("inf2.xlarge"), work("all")),
        beside=frozenset({"NE403", "NE726"}),
    ),
    "NE213": Fixture(
        "models.m.sidecars.watcher.neuron_devices",
        _model(INF2_6, work([0, 1], sidecars=_sidecar([2]))),
        _model(INF2_6, work([0, 1], sidecars=_sidecar([1]))),
    ),
    "NE214": Fixture(
        "jobs.j.neuron_devices",
        _model(groups(max_size=1), work(1), jobs={"j": work(1)}),
        _model(groups(max_size=2), work(1), jobs={"j": work(1)}),
    ),
    "NE215": Fixture(
        "jobs.j",
        _model(groups(max_size=2), work(1, replicas={"min": 1, "max": 2}), jobs={"j": work(1)}),
        _model(groups(max_size=5), work(1, replicas={"min": 1, "max": 2}), jobs={"j": work(1)}),
        beside=frozenset({"NE304", "NE601"}),
    ),
    "NE216": Fixture(
        "capacity.pool",
        _two(groups("inf2.24xlarge", 9), work(6), work(1, replicas={"min": 6})),
        _two(groups("inf2.24xlarge", 9), work(6), work(6, replicas={"min": 6})),
    ),
    "NE217": Fixture(
        "capacity.pool.allowed_instance_types",
        _pool(managed("inf2.xlarge", "c7i.xlarge")),
        _pool(managed("inf2.xlarge", "inf2.8xlarge")),
    ),
    "NE218": Fixture(
        "models.m.network_mode",
        _model(INF2, work(1, network_mode="awsvpc")),
        _model(INF2, work(1, network_mode="bridge")),
    ),
    "NE240": Fixture(
        "models.a.network_mode",
        _two(INF2_6, work(2, network_mode="awsvpc", **SIZE), work(5, **SIZE)),
        _two(INF2_6, work(2, network_mode="awsvpc", **SIZE), work(4, **SIZE)),
    ),
    "NE241": Fixture(
        "jobs.j.neuron_devices",
        _job_beside_two(2),
        _job_beside_two(3),
    ),
    "NE243": Fixture(
        "models.m.port",
        _model(INF2_6, _host(2), traffic=HERE),
        _model(INF2_6, _host(1), traffic=HERE),
        frozenset({"NE726"}),
    ),
    "NE301": Fixture(
        "models.m.memory_mib",
        _model(INF2, work(1, memory_mib=16_385)),
        _model(INF2, work(1, memory_mib=15_000)),
    ),
    "NE302": Fixture(
        "models.m.memory_mib", _model(CPU, work(cpu_units=1024)), _model(CPU, work(memory_mib=512))
    ),
    "NE303": Fixture(
        "models.m.sidecars",
        _model(INF2, work(1, memory_mib=512, sidecars=_sidecar(memory_mib=512))),
        _model(INF2, work(1, memory_mib=1024, sidecars=_sidecar(memory_mib=512))),
    ),
    "NE304": Fixture(
        "models.m.replicas",
        _model(INF2, work(1, replicas={"min": 1, "max": 2})),
        _model(INF2, work(1, replicas={"min": 2, "max": 2})),
    ),
    "NE305": Fixture(
        "models.m.replicas.max",
        _model(INF2, work(1, replicas={"min": 3, "max": 2})),
        _model(INF2, work(1, replicas={"min": 3, "max": 3})),
    ),
    "NE306": Fixture(
        "models.m.network_mode",
        _model(managed("inf2.xlarge"), work("all", network_mode="bridge")),
        _model(managed("inf2.xlarge"), work("all", network_mode="host")),
    ),
    "NE307": Fixture(
        "models.m.network_mode",
        _model(TRN1, work("all", network_mode="bridge")),
        _model(TRN1, work("all", network_mode="host")),
    ),
    "NE308": Fixture(
        "capacity.pool.efa", _pool(groups(efa=True)), _pool(groups("trn1.32xlarge", efa=True))
    ),
    "NE309": Fixture(
        "models.m.port",
        _model(INF2, work(1, network_mode="host", port=22), traffic=HERE),
        _model(INF2, work(1, network_mode="host", port=8080), traffic=HERE),
    ),
    "NE310": Fixture(
        "models.m.shared_memory_mib",
        _model(managed("inf2.xlarge"), work("all", shared_memory_mib=1024)),
        _model(managed("inf2.xlarge"), work("all")),
    ),
    "NE311": Fixture(
        "models.m.log_retention_days",
        _model(INF2, work(1, log_retention_days=31)),
        _model(INF2, work(1, log_retention_days=30)),
    ),
    "NE312": Fixture(
        "models.m.health_check.retries",
        _model(INF2, work(1, port=8080, health_check={"retries": 1}), traffic=HERE),
        _model(INF2, work(1, port=8080, health_check={"retries": 2}), traffic=HERE),
    ),
    "NE313": Fixture(
        "capacity.pool.storage_gib",
        _pool(managed("inf2.xlarge", storage_gib=20)),
        _pool(managed("inf2.xlarge", storage_gib=30)),
    ),
    "NE314": Fixture(
        "capacity.pool.max_size",
        _model(groups("c7g.xlarge", 1), work(**SIZE, replicas={"min": 5})),
        _model(groups("c7g.xlarge", 1), work(**SIZE, replicas={"min": 4})),
    ),
    "NE315": Fixture(
        "models.a.memory_mib",
        _two(INF2_6, work(3, memory_mib=300_000), work(3)),
        _two(INF2_6, work(3, memory_mib=100_000), work(3)),
    ),
    "NE350": Fixture(
        "capacity.pool.max_size",
        _two(groups("c7g.xlarge", 2), _cpu(2600, 2), _cpu(1300, 2)),
        _two(groups("c7g.xlarge", 4), _cpu(2600, 2), _cpu(1300, 2)),
    ),
    "NE351": Fixture(
        "models.m.memory_mib",
        _model(INF2, work(1, memory_mib=16_384)),
        _model(INF2, work(1, memory_mib=15_509)),
    ),
    "NE401": Fixture(
        "capacity.pool.ami.family",
        _pool(groups(ami={"family": "al2"})),
        _pool(groups(ami={"family": "al2023"})),
    ),
    "NE402": Fixture(
        "capacity.pool.ami.version",
        _pool(groups(ami={"version": PINNED.replace("0701", "0700")})),
        _pool(groups(ami={"version": PINNED})),
    ),
    "NE425": Fixture(
        "capacity.pool.ami.version",
        _pool(groups(ami={"version": PINNED.replace("20260701", "20261113")})),
        _pool(groups(ami={"version": PINNED})),
    ),
    "NE403": Fixture(
        "models.m.image",
        _model(managed("inf2.xlarge"), work("all")),
        _model(INF2, work("all")),
    ),
    "NE404": Fixture(
        "models.m.image",
        _model(groups(), work(1, image=VLLM)),
        _model(groups(ami={"version": PINNED}), work(1, image=VLLM)),
    ),
    "NE501": Fixture(
        "traffic.certificate_arns",
        _model(INF2, work(1, port=8080)),
        _model(INF2, work(1, port=8080), traffic=HERE),
    ),
    "NE502": Fixture(
        "traffic.allow_from",
        _model(
            INF2,
            work(1, port=8080),
            traffic=HERE,
            regions={"us-west-2": existing(usw2_az1="subnet-0a", usw2_az2="subnet-0b")},
        ),
        _model(
            INF2,
            work(1, port=8080),
            traffic={**HERE, "allow_from": ["10.0.0.0/8"]},
            regions={"us-west-2": existing(usw2_az1="subnet-0a", usw2_az2="subnet-0b")},
        ),
    ),
    "NE503": Fixture(
        "regions.us-west-2.network.private_subnets",
        _model(
            INF2,
            work(1, port=8080),
            traffic={**HERE, "allow_from": ["10.0.0.0/8"]},
            regions={"us-west-2": existing(usw2_az1="subnet-0a")},
        ),
        _model(
            INF2,
            work(1, port=8080),
            traffic={**HERE, "allow_from": ["10.0.0.0/8"]},
            regions={"us-west-2": existing(usw2_az1="subnet-0a", usw2_az3="subnet-0b")},
        ),
    ),
    "NE504": Fixture(
        "traffic.allow_from",
        _model(
            INF2,
            work(1, port=8080),
            regions=_TWO_NETWORKS,
            traffic={**certificates("us-west-2", "us-east-2"), "allow_from": ["sg-0a"]},
        ),
        _model(
            INF2,
            work(1, port=8080),
            regions=_TWO_NETWORKS,
            traffic={
                **certificates("us-west-2", "us-east-2"),
                "allow_from": {"us-west-2": ["sg-0a"], "us-east-2": ["sg-0b"]},
            },
        ),
    ),
}
