"""Fixtures of the rules about purchases, networks, rollouts, limits and training."""

from typing import Any

from config.explaining import path_of
from tests.planning.fixtures import Fixture
from tests.planning.stacks import Config, certificates, existing, groups, managed, stack, work

ECR = "111122223333.dkr.ecr.{region}.amazonaws.com/serving:1.0"
HERE = certificates("us-west-2")
OHIO: dict[str, Any] = {"us-east-2": {}}
SYDNEY: dict[str, Any] = {"ap-southeast-2": {}}
HYDERABAD: dict[str, Any] = {"ap-south-2": {"accept_undocumented_ami": True}}
SIZE: dict[str, Any] = {"cpu_units": 128, "memory_mib": 256}
TRN1 = "trn1.32xlarge"
BLOCK: dict[str, Any] = {
    "purchase": "capacity_block",
    "reservation_ids": {"us-west-2": "cr-0a"},
    "zone_ids": ["usw2-az4"],
}
EFA = groups(TRN1, 4, min_size=1, efa=True, zone_ids=["usw2-az4"])
GROUP = "arn:aws:resource-groups:{}:{}:group/trn1"
MY_GROUP = GROUP.format("us-west-2", "111122223333")
POLICY = "arn:aws:iam::111122223333:policy/p{}"
AWS_POLICY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
SECRET = "arn:aws:secretsmanager:{}:111122223333:secret:token"


def _pool(pool: dict[str, object], **keys: Any) -> Config:
    return stack(capacity={"pool": pool}, **keys)


def _model(pool: dict[str, object], model: dict[str, object], **keys: Any) -> Config:
    return stack(capacity={"pool": pool}, models={"m": model}, **keys)


def _two_paths(path: str) -> Config:
    """A model, and a sidecar of it at a path."""
    sidecar = {"image": "r.io/s:1", "port": 9000, "path": path}
    model = work(1, port=8080, sidecars={"s": sidecar})
    return _model(groups(), model, traffic=HERE)


def _job(pool: dict[str, object], job: dict[str, object], **keys: Any) -> Config:
    return stack(capacity={"pool": pool}, jobs={"j": job}, **keys)


def _ours(**network: Any) -> dict[str, Any]:
    return {"us-west-2": {"network": network}}


def _block(cidr: str, **more: Any) -> Config:
    return _pool(groups(**more), regions=_ours(cidr=cidr))


def _shut(**model: Any) -> Config:
    return _model(groups(), work(1, **{"image": ECR, **model}), regions=_ours(nat="none"))


def _callers(*callers: str) -> Config:
    return _model(groups(), work(1, port=8080), traffic={**HERE, "allow_from": list(callers)})


def _drained(capacity: str) -> Config:
    """A job on one of two pools."""
    pools = {"managed": managed("c7i.large"), "groups": groups("c7i.large")}
    return stack(capacity=pools, jobs={"j": work(capacity=capacity, **SIZE)})


KEYS = "arn:aws:kms:{region}:111122223333:key/mrk-0a1b"
KEY = "arn:aws:kms:us-west-2:111122223333:key/0a1b"
WEB_ACL = "arn:aws:wafv2:us-west-2:111122223333:regional/webacl/models/0a1b"
AUDITED: dict[str, Any] = {
    "access_logs": "s3://logs-{region}/",
    "flow_logs": "s3://logs-{region}/",
    "deletion_protection": True,
    "exec_logs": True,
    "kms_keys": {"us-west-2": KEY},
    "s3_accounts": [],
}


def _audited(field: str, value: object) -> Fixture:
    others = {name: given for name, given in AUDITED.items() if name != field}

    def made(**more: object) -> Config:
        security = {**others, **more}
        return _model(groups(), work(1, port=8080, exec=True), traffic=HERE, security=security)

    return Fixture(f"security.{field}", made(), made(**{field: value}))


def _secured(path: str, wrong: object, right: object, *also: str, **keys: Any) -> Fixture:
    """Two values of a field of `security`, with what else the failing one reports."""

    def made(value: object) -> Config:
        security = {path.split(".")[0]: value}
        return _model(groups(), work(1, port=8080), traffic=HERE, security=security, **keys)

    return Fixture(f"security.{path}", made(wrong), made(right), frozenset(also))


def _beside(**host: Any) -> Config:
    models = {"host": work(1, **host), "quiet": work(1, s3_read=["s3://bucket/a/"])}
    return stack(capacity={"pool": groups("inf2.24xlarge")}, models=models)


def _scheduled(expression: str, timezone: str = "UTC") -> Config:
    schedule = {"expression": expression, "timezone": timezone}
    return _job(groups(), work(1, schedule=schedule))


def _train(*command: str, devices: object = "all", pool: Any = None, **more: Any) -> Config:
    rest: dict[str, Any] = {"shared_memory_mib": 1024, **more}
    job = work(devices, command=list(command), **rest)
    return _job(pool or groups("trn1.2xlarge"), job)


def many(last: dict[str, Any], others: int = 100) -> Config:
    """So many models behind a load balancer, and one more."""
    models = {f"m{n}": work(port=8080, **SIZE) for n in range(others)} | {
        "last": work(**SIZE, **last)
    }
    return stack(
        capacity={"pool": groups("c7g.4xlarge", 20)},
        models=models,
        traffic=HERE,
    )


def _crowd(number: int) -> Config:
    pools = {f"p{n}": groups("c7g.large", 1) for n in range(number)}
    return stack(capacity=pools)


def _tags(tags: dict[str, str], pool: dict[str, object] | None = None) -> Config:
    return _pool(pool or groups(), tags=tags)


def _numbered(number: int) -> dict[str, str]:
    return {f"key-{n}": "value" for n in range(number)}


def _prefixes(number: int) -> list[str]:
    return [f"s3://bucket-{n}/a-rather-long-prefix/" for n in range(number)]


def _letters(*lengths: int) -> dict[str, str]:
    return {f"LETTERS_{n}": "a" * length for n, length in enumerate(lengths)}


def _sidecars(number: int) -> dict[str, object]:
    return {f"s{n}": {"image": "watcher:1", "cpu_units": 0} for n in range(number)}


NUMBERS: dict[str, Any] = {
    "model_type": "llama",
    "layers": 2,
    "hidden": 512,
    "heads": 8,
    "mlp": 1024,
    "vocabulary": 1000,
    "max_positions": 2048,
}


def _shapes(name: str, field: str, failing: dict[str, Any], passing: dict[str, Any]) -> Fixture:
    breaks, passes = (
        _model(groups(), work(1), shapes={name: entry}) for entry in (failing, passing)
    )
    return Fixture(path_of(("shapes", name, field)), breaks, passes)


FIXTURES: dict[str, Fixture] = {
    "NE114": Fixture(
        "capacity.pool.purchase",
        _pool(groups("trn2u.48xlarge", purchase="spot"), regions=HYDERABAD),
        _pool(groups("trn2u.48xlarge", purchase="on_demand"), regions=HYDERABAD),
    ),
    "NE115": Fixture(
        "capacity.pool.purchase",
        _pool(
            groups(
                "trn2.48xlarge",
                purchase="capacity_block",
                reservation_ids={"ap-south-2": "cr-0a"},
                zone_ids=["aps2-az1"],
            ),
            regions=HYDERABAD,
        ),
        _pool(
            groups(
                "trn2.48xlarge",
                purchase="capacity_reservation",
                reservation_ids={"ap-south-2": "cr-0a"},
                zone_ids=["aps2-az1"],
            ),
            regions=HYDERABAD,
        ),
    ),
    "NE116": Fixture(
        "capacity.pool.purchase",
        _pool(groups("trn2.48xlarge"), regions=OHIO),
        _pool(groups(TRN1), regions=OHIO),
    ),
    "NE117": Fixture(
        "capacity.pool.max_size",
        _pool(groups(TRN1, 65, **BLOCK)),
        _pool(groups(TRN1, 64, **BLOCK)),
    ),
    "NE118": Fixture(
        "capacity.pool.purchase",
        _pool(
            managed(
                TRN1,
                purchase="reserved",
                reservation_group_arns={
                    "ap-southeast-2": GROUP.format("ap-southeast-2", "111122223333")
                },
            ),
            regions=SYDNEY,
        ),
        _pool(
            managed(
                "inf2.xlarge",
                purchase="reserved",
                reservation_group_arns={
                    "ap-southeast-2": GROUP.format("ap-southeast-2", "111122223333")
                },
            ),
            regions=SYDNEY,
        ),
    ),
    "NE119": Fixture(
        "capacity.pool.reservation_ids.us-east-2",
        _pool(groups(reservation_ids={"us-east-2": "cr-0a"})),
        _pool(groups(reservation_ids={})),
    ),
    "NE120": Fixture(
        "capacity.pool.reservation_ids.us-west-2",
        _pool(groups(reservation_ids={"us-west-2": "cr-0a"}, zone_ids=["usw2-az1"])),
        _pool(
            groups(
                reservation_ids={"us-west-2": "cr-0a"},
                zone_ids=["usw2-az1"],
                purchase="capacity_reservation",
            )
        ),
    ),
    "NE121": Fixture(
        "capacity.pool.regions.us-west-2.max_size",
        _pool(managed("inf2.xlarge", regions={"us-west-2": {"max_size": 2}})),
        _pool(managed("inf2.xlarge", regions={"us-west-2": {}})),
    ),
    "NE122": Fixture(
        "capacity.pool.reservation_group_arns.us-west-2",
        _pool(
            managed(
                TRN1,
                purchase="reserved",
                reservation_group_arns={"us-west-2": MY_GROUP.replace("west", "east")},
            )
        ),
        _pool(managed(TRN1, purchase="reserved", reservation_group_arns={"us-west-2": MY_GROUP})),
    ),
    "NE123": Fixture(
        "capacity.pool.reservation_group_arns.us-west-2",
        _pool(
            managed(
                TRN1,
                purchase="reserved",
                reservation_group_arns={
                    "us-east-2": GROUP.format("us-east-2", "111122223333"),
                    "us-west-2": GROUP.format("us-west-2", "444455556666"),
                },
            ),
            regions={"us-east-2": {}, "us-west-2": {}},
        ),
        _pool(
            managed(
                TRN1,
                purchase="reserved",
                reservation_group_arns={
                    "us-east-2": GROUP.format("us-east-2", "111122223333"),
                    "us-west-2": MY_GROUP,
                },
            ),
            regions={"us-east-2": {}, "us-west-2": {}},
        ),
    ),
    "NE124": Fixture(
        "capacity.pool.zone_ids[1]",
        _pool(groups(TRN1, zone_ids=["usw2-az1", "usw2-az2"])),
        _pool(groups(TRN1, zone_ids=["usw2-az1", "usw2-az4"])),
    ),
    "NE125": Fixture(
        "capacity.pool.zone_ids",
        _pool(groups(purchase="capacity_reservation", reservation_ids={"us-west-2": "cr-0a"})),
        _pool(
            groups(
                purchase="capacity_reservation",
                reservation_ids={"us-west-2": "cr-0a"},
                zone_ids=["usw2-az1"],
            )
        ),
    ),
    "NE126": Fixture(
        "capacity.pool.zone_ids",
        _pool(groups(TRN1, efa=True)),
        _pool(groups(TRN1, efa=True, zone_ids=["usw2-az4"])),
        frozenset({"NE138"}),
    ),
    "NE127": Fixture(
        "models.m.stop_timeout_seconds",
        _model(groups(purchase="spot"), work(1, stop_timeout_seconds=121)),
        _model(groups(purchase="spot"), work(1, stop_timeout_seconds=120)),
    ),
    "NE128": Fixture(
        "capacity.pool.purchase",
        _model(groups(purchase="spot"), work(1, port=8080), traffic=HERE),
        _model(groups(purchase="on_demand"), work(1, port=8080), traffic=HERE),
        frozenset({"NE722"}),
    ),
    "NE129": Fixture(
        "jobs.j",
        _job(groups(purchase="spot"), work(1)),
        _job(groups(purchase="on_demand"), work(1)),
        frozenset({"NE722"}),
    ),
    "NE130": Fixture(
        "capacity.pool.max_size",
        _job(groups(TRN1, 2), work("all")),
        _job(groups(TRN1, 1), work("all")),
    ),
    "NE131": Fixture(
        "capacity.pool.min_size",
        _model(groups(min_size=2), work(1)),
        _model(groups(min_size=1), work(1)),
    ),
    "NE132": Fixture(
        "capacity.pool.min_size",
        _model(groups(TRN1, **BLOCK, min_size=1), work("all")),
        _model(groups(TRN1, **BLOCK, min_size=0), work("all")),
    ),
    "NE133": Fixture(
        "capacity.pool.reservation_ids.us-west-2",
        _pool(
            groups(
                purchase="capacity_reservation",
                reservation_ids={"us-east-2": "cr-0a", "us-west-2": "cr-0a"},
                zone_ids=["use2-az1", "usw2-az1"],
            ),
            regions={"us-east-2": {}, "us-west-2": {}},
        ),
        _pool(
            groups(
                purchase="capacity_reservation",
                reservation_ids={"us-east-2": "cr-0a", "us-west-2": "cr-0b"},
                zone_ids=["use2-az1", "usw2-az1"],
            ),
            regions={"us-east-2": {}, "us-west-2": {}},
        ),
    ),
    "NE505": Fixture(
        "regions.us-west-2.network.cidr",
        _pool(groups(), regions={**OHIO, **_ours(cidr="10.43.0.0/20")}),
        _pool(groups(), regions={**OHIO, **_ours(cidr="10.53.0.0/20")}),
    ),
    "NE506": Fixture(
        "regions.us-west-2.network.cidr", _block("172.17.0.0/16"), _block("172.18.0.0/16")
    ),
    "NE507": Fixture(
        "regions.us-west-2.network.cidr", _block("169.254.0.0/16"), _block("192.168.0.0/16")
    ),
    "NE508": Fixture(
        "regions.us-west-2.network.cidr", _block("172.32.0.0/16"), _block("172.31.0.0/16")
    ),
    "NE509": Fixture(
        "regions.us-west-2.network.cidr",
        _block("10.0.0.0/20", instance_type="inf2.8xlarge", max_size=2500),
        _block("10.0.0.0/19", instance_type="inf2.8xlarge", max_size=2500),
    ),
    "NE510": Fixture(
        "regions.us-west-2.network.private_subnets.usw2-az2",
        _pool(
            groups(), regions={"us-west-2": existing(usw2_az1="subnet-0a", usw2_az2="subnet-0a")}
        ),
        _pool(
            groups(), regions={"us-west-2": existing(usw2_az1="subnet-0a", usw2_az2="subnet-0b")}
        ),
    ),
    "NE511": Fixture(
        "regions.us-west-2.network.vpc_id",
        _pool(
            groups(),
            regions={
                "us-east-2": existing(use2_az1="subnet-0a"),
                "us-west-2": existing(usw2_az1="subnet-0b"),
            },
        ),
        _pool(
            groups(),
            regions={
                "us-east-2": existing(use2_az1="subnet-0a"),
                "us-west-2": {
                    "network": {"vpc_id": "vpc-0b", "private_subnets": {"usw2-az1": "subnet-0b"}}
                },
            },
        ),
    ),
    "NE512": Fixture(
        "models.m.image", _shut(image="public.ecr.aws/neuron/serving:1.0"), _shut(image=ECR)
    ),
    "NE513": Fixture(
        "models.m.image",
        _shut(image=ECR.replace("{region}", "us-east-2")),
        _shut(image=ECR.replace("{region}", "us-west-2")),
    ),
    "NE514": Fixture(
        "models.m.command",
        _shut(command=["vllm", "serve", "Qwen/Qwen3-8B", "--port=8080"]),
        _shut(command=["vllm", "serve", "/models/Qwen3-8B", "--port=8080"]),
    ),
    "NE515": Fixture(
        "models.m.secrets.HF_TOKEN",
        _shut(secrets={"HF_TOKEN": "/ml/token"}),
        _shut(secrets={"OTHER_TOKEN": "/ml/token"}),
    ),
    "NE516": Fixture(
        "models.m.secrets.KEY",
        _shut(secrets={"KEY": SECRET.format("us-east-2")}),
        _shut(secrets={"KEY": SECRET.format("{region}")}),
    ),
    "NE517": Fixture(
        "models.m.s3_read[0]",
        _shut(s3_read=["s3://weights-us-east-2/m/"]),
        _shut(s3_read=["s3://weights-{region}/m/"]),
    ),
    "NE518": Fixture(
        "models.m.s3_read[0]",
        _model(groups(), work(1, s3_read=["s3://weights..old/m/"])),
        _model(groups(), work(1, s3_read=["s3://weights.old/m/"])),
    ),
    "NE519": Fixture(
        "traffic.certificate_arns.us-west-2",
        _model(
            groups(),
            work(1, port=8080),
            traffic={
                "certificate_arns": {
                    "us-west-2": "arn:aws:acm:us-east-1:111122223333:certificate/0a"
                }
            },
        ),
        _model(groups(), work(1, port=8080), traffic=HERE),
    ),
    "NE520": Fixture("traffic.allow_from[0]", _callers("0.0.0.0/0"), _callers("10.0.0.0/8")),
    "NE521": Fixture("traffic.allow_from[0]", _callers("10.1.2.3/16"), _callers("10.1.0.0/16")),
    "NE522": Fixture(
        "traffic.allow_from[1]",
        _callers("10.0.0.0/8", "10.0.0.0/8"),
        _callers("10.0.0.0/8", "172.16.0.0/12"),
    ),
    "NE524": Fixture("models", many({"port": 8080}), many({})),
    "NE525": Fixture(
        "traffic.allow_from",
        _callers(*(f"10.{n}.0.0/16" for n in range(61))),
        _callers(*(f"10.{n}.0.0/16" for n in range(60))),
    ),
    "NE526": Fixture(
        "models.m.health_check.path",
        _model(
            groups(),
            work(1, port=8080, image="dlc/pytorch-inference-neuronx:2.9.0"),
            traffic=HERE,
        ),
        _model(
            groups(),
            work(
                1,
                port=8080,
                image="dlc/pytorch-inference-neuronx:2.9.0",
                health_check={"path": "/ping"},
            ),
            traffic=HERE,
        ),
    ),
    "NE527": Fixture("traffic.allow_from[0]", _callers("sg-0a1b"), _callers("10.0.0.0/8")),
    "NE528": Fixture("models.m.sidecars.s.path", _two_paths("/m"), _two_paths("/s")),
    "NE601": Fixture(
        "capacity.pool.max_size",
        _model(groups(max_size=1), work(1)),
        _model(groups(max_size=2), work(1)),
    ),
    "NE602": Fixture(
        "capacity.pool.max_size",
        _model(groups(TRN1, 3, **BLOCK), work("all", replicas={"min": 2})),
        _model(groups(TRN1, 2, **BLOCK), work("all", replicas={"min": 2})),
    ),
    "NE603": Fixture(
        "capacity.pool",
        _model(managed("inf2.xlarge"), work("all")),
        _model(
            managed(
                "inf2.xlarge", purchase="reserved", reservation_group_arns={"us-west-2": MY_GROUP}
            ),
            work("all"),
        ),
        beside=frozenset({"NE403"}),
    ),
    "NE604": Fixture(
        "models.m.replicas.min",
        _model(groups(), work(1, port=8080, replicas={"min": 0, "max": 1}), traffic=HERE),
        _model(groups(), work(1, port=8080, replicas={"min": 1, "max": 1}), traffic=HERE),
        beside=frozenset({"NE304"}),
    ),
    "NE605": Fixture(
        "capacity.pool.min_size",
        _pool(groups(min_size=1, retired=True)),
        _pool(groups(min_size=0, retired=True)),
    ),
    "NE606": Fixture(
        "wait_for_steady_state",
        _model(
            groups("inf2.24xlarge", 1),
            work(3, replicas={"min": 2}),
            wait_for_steady_state=False,
        ),
        _model(
            groups("inf2.24xlarge", 1), work(3, replicas={"min": 2}), wait_for_steady_state=True
        ),
    ),
    "NE607": Fixture(
        "capacity.pool.scale_in_after_seconds",
        _pool(managed("inf2.xlarge", scale_in_after_seconds=-1)),
        _pool(managed("inf2.xlarge", scale_in_after_seconds=600)),
        frozenset({"NE138"}),
    ),
    "NE608": Fixture(
        "capacity.pool.max_size",
        _model(groups(max_size=4), work(1, replicas={"min": 4})),
        _model(groups(max_size=5), work(1, replicas={"min": 4})),
    ),
    "NE701": Fixture("tags.AWS:team", _tags({"AWS:team": "ml"}), _tags({"team": "ml"})),
    "NE702": Fixture("tags.team", _tags({"team": "ml & co"}), _tags({"team": "ml + co"})),
    "NE703": Fixture("tags", _tags(_numbered(49)), _tags(_numbered(48))),
    "NE704": Fixture("tags.Name", _tags({"Name": "ours"}), _tags({"Title": "ours"})),
    "NE705": Fixture(
        "tags.team", _tags({"Team": "ml", "team": "ml"}), _tags({"Team": "ml", "group": "ml"})
    ),
    "NE706": Fixture(
        "tags.cost/centre",
        _tags({"cost/centre": "1"}, managed("inf2.xlarge")),
        _tags({"cost-centre": "1"}, managed("inf2.xlarge")),
    ),
    "NE707": Fixture("capacity", _crowd(21), _crowd(20)),
    "NE708": Fixture(
        "models.m.s3_read",
        _model(groups(), work(1, s3_read=_prefixes(50))),
        _model(groups(), work(1, s3_read=_prefixes(30))),
    ),
    "NE709": Fixture(
        "models.m.task_policies",
        _model(groups(), work(1, task_policies=[POLICY.format(n) for n in range(11)])),
        _model(groups(), work(1, task_policies=[POLICY.format(n) for n in range(10)])),
    ),
    "NE710": Fixture(
        "models.m.task_policies[0]",
        _model(
            groups(),
            work(1, port=8080, task_policies=[POLICY.format(1).replace("1111", "4444")]),
            traffic=HERE,
        ),
        _model(groups(), work(1, port=8080, task_policies=[POLICY.format(1)]), traffic=HERE),
    ),
    "NE721": Fixture(
        "capacity.pool",
        _model(groups(TRN1, zone_ids=["usw2-az4"]), work("all")),
        _model(groups(TRN1, **BLOCK), work("all")),
    ),
    "NE722": Fixture(
        "capacity.pool.purchase",
        _model(groups(purchase="spot"), work(1)),
        _model(groups(purchase="on_demand"), work(1)),
    ),
    "NE137": Fixture(
        "jobs.j",
        _drained("managed"),
        _drained("groups"),
        frozenset({"NE138"}),
    ),
    "NE138": Fixture(
        "capacity.pool",
        _pool(groups()),
        _model(groups(), work(1)),
    ),
    "NE139": Fixture(
        "capacity.pool.allowed_instance_types",
        _model(managed("c7i.large", "c7g.large"), work(**SIZE)),
        _model(managed("c7i.large", "c7i.xlarge"), work(**SIZE)),
    ),
    "NE140": Fixture(
        "capacity.pool.allowed_instance_types",
        _model(managed("t3.micro"), work(**SIZE)),
        _model(managed("t3.small"), work(**SIZE)),
    ),
    "NE723": Fixture(
        "models.m.secrets.KEY",
        _model(groups(), work(1, secrets={"KEY": SECRET.format("us-west-2") + "-secret"})),
        _model(groups(), work(1, secrets={"KEY": SECRET.format("us-west-2") + "-sEcr3t"})),
    ),
    "NE724": Fixture(
        "models.m.s3_write[0]",
        _model(groups(), work(1, s3_write=["s3://bucket/a*/"])),
        _model(groups(), work(1, s3_write=["s3://bucket/a/"])),
    ),
    "NE725": Fixture(
        "models.m.task_policies[0]",
        _model(groups(), work(1, task_policies=["arn:aws:iam::aws:policy/AdministratorAccess"])),
        _model(groups(), work(1, task_policies=[AWS_POLICY])),
    ),
    "NE726": Fixture(
        "models.m.network_mode",
        _model(groups(), work(1, network_mode="host")),
        _model(groups(), work(1, network_mode="bridge")),
    ),
    "NE727": Fixture(
        "models.host",
        _beside(network_mode="host"),
        _beside(network_mode="bridge"),
        frozenset({"NE726"}),
    ),
    "NE728": _audited("access_logs", "s3://logs-{region}/"),
    "NE729": _audited("flow_logs", "s3://logs-{region}/"),
    "NE730": _audited("deletion_protection", True),
    "NE732": _audited("kms_keys", {"us-west-2": KEY}),
    "NE733": _audited("exec_logs", True),
    "NE734": _audited("s3_accounts", []),
    "NE735": _audited("web_acl_arns", {"us-west-2": WEB_ACL}),
    "NE736": _secured("web_acl_arns.us-west-2", {"us-west-2": WEB_ACL}, {}),
    "NE737": _secured(
        "kms_keys.us-west-2",
        {"us-west-2": KEY.replace("us-west-2", "us-east-2")},
        {"us-west-2": KEY},
    ),
    "NE738": _secured(
        "kms_keys",
        KEYS.replace("mrk-", ""),
        KEYS,
        regions={"us-west-2": {}, "us-east-2": {}},
    ),
    "NE731": Fixture(
        "capacity.pool",
        _pool(managed("i4i.xlarge")),
        _pool(managed("i4i.xlarge", local_storage=True)),
        frozenset({"NE138"}),
    ),
    "NE720": Fixture(
        "models.m.task_policies[0]",
        _model(groups(), work(1, task_policies=[AWS_POLICY.replace("Access", "Acess")])),
        _model(groups(), work(1, task_policies=[AWS_POLICY])),
    ),
    "NE711": Fixture(
        "models.m.sidecars",
        _model(groups(), work(1, sidecars=_sidecars(10))),
        _model(groups(), work(1, sidecars=_sidecars(9))),
    ),
    "NE712": Fixture(
        "models.m.secrets.KEY",
        _model(groups(), work(1, secrets={"KEY": SECRET.format("us-west-2") + ":key"})),
        _model(groups(), work(1, secrets={"KEY": SECRET.format("us-west-2") + ":key::"})),
    ),
    "NE713": Fixture(
        "capacity.pool.max_size", _pool(groups(max_size=5001)), _pool(groups(max_size=5000))
    ),
    "NE714": Fixture(
        "models.m.environment",
        _model(groups(), work(1, environment=_letters(32_000, 32_500, 2_000))),
        _model(groups(), work(1, environment=_letters(32_000, 500, 2_000))),
    ),
    "NE715": Fixture(
        "models.m.ports",
        _model(groups(), work(1, network_mode="host", ports=list(range(8000, 8094))), traffic=HERE),
        _model(groups(), work(1, network_mode="host", ports=list(range(8000, 8093))), traffic=HERE),
    ),
    "NE716": Fixture(
        "models.m.environment.KEY",
        _model(groups(), work(1, environment={"KEY": "value"}, secrets={"KEY": "/ml/token"})),
        _model(groups(), work(1, environment={"WORD": "value"}, secrets={"KEY": "/ml/token"})),
    ),
    "NE717": Fixture(
        "jobs.j.stop_timeout_seconds",
        _job(managed("inf2.xlarge"), work("all", stop_timeout_seconds=86_401)),
        _job(managed("inf2.xlarge"), work("all", stop_timeout_seconds=86_400)),
    ),
    "NE718": Fixture(
        "jobs.j.schedule.expression",
        _scheduled("cron(0 3 * * *)"),
        _scheduled("cron(0 3 * * ? *)"),
    ),
    "NE719": Fixture(
        "jobs.j.schedule.timezone",
        _scheduled("rate(12 hours)", "Europe/Berln"),
        _scheduled("rate(12 hours)", "Europe/Berlin"),
    ),
    "NE740": Fixture(
        "jobs.j.timeout_minutes",
        _job(groups(), work(1, timeout_minutes=90, schedule={"expression": "rate(12 hours)"})),
        _job(groups(), work(1, timeout_minutes=90)),
    ),
    "NE801": Fixture(
        "jobs.j.neuron_devices",
        _train("run.py", devices=4, pool=EFA),
        _train("run.py", pool=EFA),
        frozenset({"NE726"}),
    ),
    "NE802": Fixture(
        "jobs.j.command",
        _train("torchrun", "--nnodes=2", "train.py"),
        _train("torchrun", "--nnodes=1", "train.py"),
    ),
    "NE803": Fixture(
        "jobs.j.environment.MASTER_ADDR",
        _train("torchrun", "train.py", environment={"MASTER_ADDR": "trainer-0"}),
        _train("torchrun", "train.py", environment={"MASTER_ADDR": "localhost"}),
    ),
    "NE804": Fixture(
        "jobs.j",
        _job(managed("trn1.2xlarge"), work("all", command=["torchrun", "train.py"])),
        _job(managed("trn1.2xlarge"), work("all", command=["python", "train.py"])),
        beside=frozenset({"NE403"}),
    ),
    "NE805": Fixture(
        "jobs.j",
        _job(groups("trn1.2xlarge"), work(1, command=["torchrun", "train.py"])),
        _train("torchrun", "train.py", devices=1),
    ),
    "NE806": Fixture(
        "capacity.pool.efa",
        _pool(groups(TRN1, 1, efa=True, zone_ids=["usw2-az4"])),
        _pool(groups(TRN1, 2, efa=True, zone_ids=["usw2-az4"])),
        frozenset({"NE138"}),
    ),
    "NE950": _shapes("acme/a", "like", {"like": "acme/b"}, {"like": "Qwen/Qwen3-8B"}),
    "NE951": _shapes("a", "like", {"like": "a"}, {"like": "Qwen/Qwen3-8B"}),
    "NE952": _shapes(
        "acme/qwen3-8b", "model_type", {"layers": 40}, {"layers": 40, "like": "Qwen/Qwen3-8B"}
    ),
    "NE953": _shapes("a", "kv_heads", {**NUMBERS, "kv_heads": 3}, {**NUMBERS, "kv_heads": 4}),
    "NE954": _shapes(
        "a", "windowed_layers", {**NUMBERS, "windowed_layers": 1}, {**NUMBERS, "window": 128}
    ),
    "NE955": _shapes(
        "Qwen/Qwen3-8B",
        "tied",
        {"like": "Qwen/Qwen3-8B", "tied": True},
        {"like": "Qwen/Qwen3-8B", "tied": False},
    ),
}
