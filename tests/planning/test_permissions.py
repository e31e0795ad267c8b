"""What the code of a task may do, asked as IAM answers: request by request."""

import re
from collections.abc import Mapping
from typing import Any, cast

import pytest

from planning import choices
from planning.plan import PolicyValue, Role
from tests.planning.stacks import decide_on, finding, groups, managed, stack, work

ACCOUNT = "111122223333"
SECRETS = f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:"
KEY = f"arn:aws:kms:us-west-2:{ACCOUNT}:key/0a1b"


def matches(pattern: str, text: str) -> bool:
    """As IAM compares: `*` is any text and `?` one character."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL) is not None


def several(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(cast("tuple[str, ...]", value))


def holds(conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    for operator, keys in conditions.items():
        assert operator in {"StringLike", "StringEquals"}, operator
        for key, wanted in keys.items():
            given = context.get(key)
            if given is None or not any(matches(w, given) for w in several(wanted)):
                return False
    return True


def allows(role: Role | None, action: str, resource: str, **context: str) -> bool:
    """Whether the inline policies of the role allow the request. Keys of `context` have `__` for
    the colon and the slash of IAM's names."""
    given = {k.replace("__", ":"): v for k, v in context.items()}
    statements: list[Mapping[str, PolicyValue]] = [
        s for p in (role.inline_policies if role else ()) for s in p.statements
    ]
    assert all(s["Effect"] == "Allow" for s in statements)
    return any(
        any(matches(a, action) for a in several(s["Action"]))
        and any(matches(r, resource) for r in several(s["Resource"]))
        and holds(cast("Mapping[str, Any]", s.get("Condition", {})), given)
        for s in statements
    )


def roles(**model: Any) -> tuple[Role | None, Role | None]:
    """The task role and the execution role of a model with these fields."""
    plan = decide_on(stack(capacity={"pool": groups()}, models={"m": work(1, **model)}))
    task = plan.regions[0].models[0].services[0].task_definition
    by_key = {role.key: role for role in plan.roles}
    return by_key[task.task_role], by_key.get(task.execution_role)


# ---- secrets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "read", "others"),
    [
        (
            "token",
            ["token-AbC12d"],
            ["token", "token-admin-AbC12d", "token-AbC12dE", "tokens-AbC12d"],
        ),
        ("token-AbC12d", ["token-AbC12d"], ["token-ZbC12d", "token-AbC12d-ZZZZZZ"]),
        ("a/b:key::", ["a/b-AbC12d"], ["a/b-c-AbC12d"]),
        ("a/b-AbC12d:key:AWSCURRENT:", ["a/b-AbC12d"], ["a/b-AbC12e"]),
        ("my-secret-XyZ123", ["my-secret-XyZ123"], ["my-secret-AbC12d"]),
    ],
)
def test_a_secret_is_read_by_its_whole_name_and_no_other(
    written: str, read: list[str], others: list[str]
) -> None:
    _, role = roles(secrets={"TOKEN": SECRETS + written})
    via = "secretsmanager.us-west-2.amazonaws.com"
    for name, expected in [(n, True) for n in read] + [(n, False) for n in others]:
        arn = SECRETS + name
        assert allows(role, "secretsmanager:GetSecretValue", arn) == expected, name
        context = {"kms__ViaService": via, "kms__EncryptionContext__SecretARN": arn}
        assert allows(role, "kms:Decrypt", KEY, **context) == expected, name
        context["kms__ViaService"] = "s3.us-west-2.amazonaws.com"
        assert not allows(role, "kms:Decrypt", KEY, **context)


def test_a_key_of_another_account_decrypts_the_secrets_and_nothing_else() -> None:
    theirs = "arn:aws:kms:us-west-2:444455556666:key/0a1b"
    arn = SECRETS + "token-AbC12d"
    context = {
        "kms__ViaService": "secretsmanager.us-west-2.amazonaws.com",
        "kms__EncryptionContext__SecretARN": arn,
    }
    for keys, expected in (({}, False), ({"us-west-2": theirs}, True)):
        plan = decide_on(
            stack(
                capacity={"pool": groups()},
                models={"m": work(1, secrets={"TOKEN": arn})},
                security={"kms_keys": keys},
            )
        )
        (role,) = [r for r in plan.roles if r.key == "m_execution"]
        assert allows(role, "kms:Decrypt", theirs, **context) == expected
        assert not allows(role, "kms:Decrypt", theirs)
        assert not allows(role, "kms:Decrypt", theirs.replace("0a1b", "2c3d"), **context)


def test_a_channel_of_slack_shows_alarms_and_no_log() -> None:
    plan = decide_on(
        stack(
            capacity={"pool": groups()},
            models={"m": work(1)},
            alarms={"slack": {"workspace": "T0123ABCD", "channel": "C0123ABCD"}},
        )
    )
    (role,) = [r for r in plan.roles if r.service.startswith("chatbot.")]
    assert role.managed_policies == ()
    alarm = f"arn:aws:cloudwatch:us-west-2:{choices.ACCOUNT}:alarm:a"
    assert allows(role, "cloudwatch:DescribeAlarms", alarm)
    assert allows(role, "cloudwatch:GetMetricWidgetImage", "*")
    for action in ("logs:FilterLogEvents", "cloudwatch:PutDashboard", "cloudwatch:DeleteAlarms"):
        assert not allows(role, action, "*")
        assert not allows(role, action, alarm)


# ---- buckets -----------------------------------------------------------------------------------

S3_VIA = "s3.us-west-2.amazonaws.com"


@pytest.mark.parametrize(
    ("prefix", "inside", "outside"),
    [
        ("s3://bkt/team-a", ["team-a", "team-a/x", "team-a/x/y"], ["team-ab/x", "team-ab", "x"]),
        ("s3://bkt/team-a/", ["team-a/", "team-a/x"], ["team-a", "team-ab/x", "other"]),
        ("s3://bkt", ["x", "x/y"], []),
        ("s3://bkt/", ["x", "x/y"], []),
    ],
)
@pytest.mark.parametrize("field", ["s3_read", "s3_write"])
def test_a_prefix_is_what_lies_below_it(
    field: str, prefix: str, inside: list[str], outside: list[str]
) -> None:
    role, _ = roles(**{field: [prefix]})
    actions = {
        "s3_read": ["s3:GetObject"],
        "s3_write": ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
    }
    for name, own in actions.items():
        for action in own:
            for key in inside:
                assert allows(role, action, f"arn:aws:s3:::bkt/{key}") == (name == field), key
            for key in outside:
                assert not allows(role, action, f"arn:aws:s3:::bkt/{key}"), key
            assert not allows(role, action, "arn:aws:s3:::bktb/team-a/x")
    below = prefix.removeprefix("s3://bkt").strip("/")
    for listed in (f"{below}/x".strip("/"), f"{below}/".strip("/") and f"{below}/"):
        allowed = allows(role, "s3:ListBucket", "arn:aws:s3:::bkt", s3__prefix=listed)
        assert allowed == (field == "s3_read"), listed
    if below:
        assert not allows(role, "s3:ListBucket", "arn:aws:s3:::bkt", s3__prefix=f"{below}b/")
        assert not allows(role, "s3:ListBucket", "arn:aws:s3:::bkt", s3__prefix="")
    for action in ("s3:DeleteObject", "s3:PutBucketPolicy", "s3:PutObjectAcl"):
        assert not allows(role, action, "arn:aws:s3:::bkt/team-a/x")
    assert not allows(role, "s3:ListBucketMultipartUploads", "arn:aws:s3:::bkt")


@pytest.mark.parametrize(
    ("field", "action", "other"),
    [("s3_read", "kms:Decrypt", "kms:GenerateDataKey"), ("s3_write", "kms:GenerateDataKey", "")],
)
@pytest.mark.parametrize("context", ["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/team-a/x"])
def test_a_bucket_under_a_customer_key_works_and_no_other_use_of_the_key(
    field: str, action: str, other: str, context: str
) -> None:
    role, _ = roles(**{field: ["s3://bkt/team-a/"]})
    named = {"kms__EncryptionContext__aws__s3__arn": context}
    assert allows(role, action, KEY, kms__ViaService=S3_VIA, **named)
    assert not (other and allows(role, other, KEY, kms__ViaService=S3_VIA, **named))
    assert not allows(role, action, KEY, **named)
    assert not allows(role, action, KEY, kms__ViaService="ec2.us-west-2.amazonaws.com", **named)
    named["kms__EncryptionContext__aws__s3__arn"] = "arn:aws:s3:::other/x"
    assert not allows(role, action, KEY, kms__ViaService=S3_VIA, **named)


def test_a_task_without_prefixes_reaches_no_bucket_and_no_key() -> None:
    role, _ = roles()
    assert not allows(role, "s3:GetObject", "arn:aws:s3:::bkt/x")
    assert not allows(role, "kms:Decrypt", KEY, kms__ViaService=S3_VIA)


# ---- beside a task in host mode ------------------------------------------------------------------

RIGHTS: tuple[dict[str, Any], ...] = (
    {"secrets": {"TOKEN": SECRETS + "token-AbC12d"}},
    {"registry_login": SECRETS + "login-AbC12d"},
    {"s3_read": ["s3://bkt/a/"]},
    {"s3_write": ["s3://bkt/a/"]},
    {"task_policies": [f"arn:aws:iam::{ACCOUNT}:policy/extra"]},
    {"exec": True},
    {"mounts": {"files": "/files"}},
    {"port": 8080, "scaling": {"queue": 4}, "replicas": {"min": 1, "max": 2}},
    {"sidecars": {"s": {"image": "a:1", "secrets": {"TOKEN": "/ml/token"}}}},
    {"sidecars": {"s": {"image": "a:1", "mounts": {"files": "/files"}}}},
)


@pytest.mark.parametrize("fields", [{}, {"port": 8080}, {"mounts": {"disk": "/disk"}}, *RIGHTS])
def test_what_has_rights_of_its_own_beside_host_mode_is_named(fields: dict[str, Any]) -> None:
    plan = decide_on(
        stack(
            capacity={"pool": groups("inf2.24xlarge")},
            models={"host": work(1, network_mode="host"), "beside": work(1, **fields)},
            volumes={"files": {"kind": "efs"}, "disk": {"kind": "host"}},
        )
    )
    region = plan.regions[0]
    tasks = {m.name: m.services[0].task_definition for m in region.models}
    own = {tasks["beside"].task_role, tasks["beside"].execution_role} - {
        tasks["host"].task_role,
        tasks["host"].execution_role,
    }
    has = any(r.inline_policies or r.managed_policies for r in plan.roles if r.key in own) or any(
        point.role in own for system in region.file_systems for point in system.access_points
    )
    assert has == (fields in RIGHTS), "what gives rights is above"
    named = [f for f in plan.findings if f.code == "NE727" and "models.beside" in f.what]
    assert bool(named) == has


# ---- how long policies may be --------------------------------------------------------------------

MANY = {f"V{n}": f"{SECRETS}secret-of-a-team-{n:03}" for n in range(70)}
VOLUMES = {
    f"v{n:02}": {
        "kind": "s3_files",
        "file_systems": {
            "us-west-2": f"arn:aws:s3files:us-west-2:{ACCOUNT}:file-system/fs-0123456789abcd{n:03}"
        },
        "bucket": f"s3://bucket-of-a-team-{n:03}/models/",
    }
    for n in range(30)
}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (
            {"s3_read": ["s3://bkt/a/"], "s3_write": [f"s3://bkt-{n:03}/" for n in range(90)]},
            "s3_write",
        ),
        ({"secrets": MANY}, "secrets"),
        ({"sidecars": {"s": {"image": "a:1", "secrets": MANY}}}, "sidecars.s.secrets"),
        ({"mounts": {v: f"/{v}" for v in VOLUMES}}, "mounts"),
        ({"s3_read": ["s3://bkt/a/"], "mounts": {v: f"/{v}" for v in VOLUMES}}, "mounts"),
    ],
)
def test_a_role_that_is_too_long_is_told_where_it_grows(fields: dict[str, Any], path: str) -> None:
    config = stack(
        capacity={"pool": managed("inf2.xlarge")},
        models={"m": work("all", **fields)},
        volumes=VOLUMES if "mounts" in fields else {},
    )
    assert finding(config, "NE708").path == f"models.m.{path}"


def test_the_role_of_a_daemon_can_be_too_long_too() -> None:
    pools = {f"pool-with-a-long-name-{n:03}": groups() for n in range(90)}
    models = {f"m{n}": work(1, capacity=pool) for n, pool in enumerate(pools)}
    metrics = {"problem_detector": {"recovery": True}}
    found = finding(stack(capacity=pools, models=models, neuron_metrics=metrics), "NE708")
    assert found.path == "neuron_metrics.problem_detector"
    assert "recovers 90 pools" in found.what
