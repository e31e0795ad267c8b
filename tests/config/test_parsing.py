"""The stack file's shape: what is accepted, and what every mistake is answered with."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from config import AutoScalingCapacity, ManagedInstancesCapacity, Serve, ShapeError, parse
from config.explaining import path_of
from config.values import S3Prefix
from messages.finding import Finding

Json = Any
Location = tuple[str | int, ...]
Maps = st.SearchStrategy[dict[str, Json]]

# Built here so that nobody's scanner takes this file for a leak.
CREDENTIALS = (
    "AKIA" + "IOSFODNN7EXAMPLE",
    "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "ghp_" + "0123456789abcdefghijABCDEFGHIJ",
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0",
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE",
    "sk-ant-api03-" + "A1b2C3d4E5f6G7h8I9j0",
)
LONGEST_WHAT, LONGEST_FIX, LONGEST_PATH = 250, 600, 2_000


def texts(settings: dict[str, Json]) -> dict[str, str]:
    return {key: json.dumps(value) for key, value in settings.items()}


def problems(settings: dict[str, Json]) -> tuple[Finding, ...]:
    with pytest.raises(ShapeError) as caught:
        parse(texts(settings))
    return caught.value.findings


def smallest(**changes: Json) -> dict[str, Json]:
    return {
        "regions": {"us-west-2": {}},
        "capacity": {
            "inf2": {"kind": "auto_scaling", "instance_type": "inf2.24xlarge", "max_size": 4}
        },
        **changes,
    }


def model(**changes: Json) -> dict[str, Json]:
    return smallest(models={"m": {"image": "repo:1", "capacity": "inf2", **changes}})


# Legal stack files, and mistakes put into them.

names = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
regions = st.sampled_from(["us-west-2", "us-east-1", "eu-central-1", "us-gov-west-1"])
words = st.text("abc {}/.", min_size=1, max_size=8)
sizes = st.integers(1, 9)


def some(**fields: st.SearchStrategy[Json]) -> Maps:
    return shaped({}, **fields)


def shaped(needed: dict[str, st.SearchStrategy[Json]], **optional: st.SearchStrategy[Json]) -> Maps:
    return st.fixed_dictionaries(needed, optional=optional)


pools = st.one_of(
    shaped(
        {
            "kind": st.just("auto_scaling"),
            "instance_type": st.sampled_from(["inf2.24xlarge", "trn1.32xlarge"]),
            "max_size": sizes,
        },
        regions=st.one_of(
            st.lists(regions, min_size=1, max_size=3),
            st.dictionaries(regions, some(max_size=sizes), min_size=1, max_size=3),
        ),
        efa=st.booleans(),
        ami=some(family=st.sampled_from(["al2023", "al2"])),
        reservation_ids=st.dictionaries(regions, st.just("cr-0a"), max_size=2),
    ),
    shaped(
        {
            "kind": st.just("managed_instances"),
            "allowed_instance_types": st.just(["trn1.2xlarge", "inf2.*"]),
        },
        local_storage=st.booleans(),
        scale_in_after_seconds=st.integers(-1, 9),
    ),
)
workload: dict[str, st.SearchStrategy[Json]] = {
    "neuron_devices": st.one_of(
        sizes, st.just("all"), st.lists(st.integers(0, 15), min_size=1, max_size=4)
    ),
    "port": st.integers(1, 65535),
    "environment": st.dictionaries(names, words, max_size=2),
    "secrets": st.dictionaries(names, st.just("/team/token"), max_size=2),
    "command": st.lists(words, max_size=3),
    "health_check": some(path=st.just("/live"), retries=sizes),
    "sidecars": st.dictionaries(names, st.just({"image": "side:1"}), max_size=1),
    "regions": st.one_of(
        st.lists(regions, min_size=1, max_size=2),
        st.dictionaries(regions, some(capacity=names), min_size=1, max_size=2),
    ),
}
owed: dict[str, st.SearchStrategy[Json]] = {"image": st.just("repo:1"), "capacity": names}
settings = shaped(
    {
        "regions": st.dictionaries(
            regions,
            some(
                network=st.one_of(
                    some(cidr=st.just("10.1.0.0/16"), nat=st.just("none")),
                    st.just({"vpc_id": "vpc-0a", "private_subnets": {"usw2-az1": "subnet-0a"}}),
                )
            ),
            min_size=1,
            max_size=3,
        ),
        "capacity": st.dictionaries(names, pools, min_size=1, max_size=3),
    },
    tags=st.dictionaries(words, words, max_size=3),
    models=st.dictionaries(
        names,
        shaped(owed, **workload, replicas=some(min=sizes, max=sizes)),
        max_size=3,
    ),
    jobs=st.dictionaries(
        names,
        shaped(owed, **workload, schedule=st.just({"expression": "rate(1 day)"})),
        max_size=2,
    ),
    traffic=some(allow_from=st.just(["10.0.0.0/8"])),
    wait_for_steady_state=st.booleans(),
)
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def places(value: Json, location: Location = ()) -> Iterator[Location]:
    """Every place in the value, the whole included."""
    yield location
    if isinstance(value, dict):
        for key, member in cast(dict[str, Json], value).items():
            yield from places(member, (*location, key))
    if isinstance(value, list):
        for index, item in enumerate(cast(list[Json], value)):
            yield from places(item, (*location, index))


def at(value: Json, location: Location) -> Json:
    for step in location:
        value = value[step]
    return value


def path(location: Location) -> str:
    return path_of(location)


@given(settings)
def test_a_legal_stack_file_survives_the_round_trip(legal: dict[str, Json]) -> None:
    parsed = parse(texts(legal))
    again = json.loads(parsed.model_dump_json(exclude_unset=True))
    assert again == legal, "what was written must be what the planner sees, no more and no less"
    assert parse(texts(again)) == parsed


@given(settings, st.data())
def test_an_unknown_key_is_one_problem_at_its_path(
    legal: dict[str, Json], data: st.DataObject
) -> None:
    maps = [
        place
        for place in places(legal)
        if isinstance(at(legal, place), dict) and not _is_keyed_by_name(place)
    ]
    place = data.draw(st.sampled_from(maps))
    wrong = json.loads(json.dumps(legal))
    at(wrong, place)["no_such_key"] = 1
    assert [p.path for p in problems(wrong)] == [path((*place, "no_such_key"))]


def _is_keyed_by_name(place: Location) -> bool:
    """Whether the map there takes whatever names the user chooses."""
    top = {"regions", "capacity", "models", "jobs", "tags"}
    below = {"environment", "secrets", "sidecars", "reservation_ids", "regions"}
    match len(place):
        case 1:
            return place[0] in top
        case 3:
            return place[2] in below
        case _:
            return bool(place) and place[-1] == "private_subnets"


@given(settings, st.data())
def test_a_wrong_type_is_a_problem_there_or_above(
    legal: dict[str, Json], data: st.DataObject
) -> None:
    place = data.draw(st.sampled_from([p for p in places(legal) if p]))
    wrong = json.loads(json.dumps(legal))
    now = at(wrong, place)
    at(wrong, place[:-1])[place[-1]] = 0.5 if not isinstance(now, float) else "text"
    found = problems(wrong)
    above = {path(place[:depth]) for depth in range(1, len(place) + 1)}
    assert any(p.path in above for p in found), (place, found)


@given(st.dictionaries(st.sampled_from([*smallest(), "models", "tags", "x"]), junk))
def test_junk_ends_in_problems_and_nothing_else(values: dict[str, Json]) -> None:
    try:
        parse(texts(values))
    except ShapeError as error:
        assert_presentable(error)


@given(settings, junk, st.data())
def test_junk_inside_a_legal_file_ends_in_problems_and_nothing_else(
    legal: dict[str, Json], value: Json, data: st.DataObject
) -> None:
    place = data.draw(st.sampled_from([p for p in places(legal) if p]))
    wrong = json.loads(json.dumps(legal))
    at(wrong, place[:-1])[place[-1]] = value
    try:
        parse(texts(wrong))
    except ShapeError as error:
        assert_presentable(error)


def assert_presentable(error: ShapeError) -> None:
    assert error.findings
    assert len(set(error.findings)) == len(error.findings), "each mistake is told once"
    assert list(error.findings) == sorted(error.findings, key=lambda p: (p.path, p.what))
    for problem in error.findings:
        assert len(problem.what) <= LONGEST_WHAT, problem
        assert len(problem.fix) <= LONGEST_FIX, problem
        assert len(problem.path) <= LONGEST_PATH, problem
        assert problem.what, problem
        assert problem.fix, problem
        assert (problem.path + problem.what + problem.fix).isprintable(), problem


@given(settings, st.sampled_from(CREDENTIALS), st.data())
def test_a_credential_is_refused_wherever_it_stands_and_never_printed(
    legal: dict[str, Json], credential: str, data: st.DataObject
) -> None:
    place = data.draw(st.sampled_from([p for p in places(legal) if p]))
    as_key = data.draw(st.booleans())
    wrong = json.loads(json.dumps(legal))
    holder = at(wrong, place[:-1])
    around = data.draw(st.sampled_from(["{}", "Bearer {}", "{} ", "https://x:{}@host/"]))
    said = around.format(credential)
    if as_key and isinstance(holder, dict):
        cast(dict[str, Json], holder)[said] = cast(dict[str, Json], holder).pop(str(place[-1]))
    else:
        holder[place[-1]] = said
    with pytest.raises(ShapeError) as caught:
        parse(texts(wrong))
    assert_presentable(caught.value)
    everything = repr(caught.value.findings) + str(caught.value)
    for piece in (credential, credential[8:24], credential[-12:]):
        assert piece not in everything, "a message goes into logs and tickets"


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_credential_as_a_top_level_key_or_text_is_not_printed(credential: str) -> None:
    for given_texts in ({credential: "{}"}, {"models": credential}, {"regions": f'"{credential}"'}):
        with pytest.raises(ShapeError) as caught:
            parse(given_texts)
        assert credential not in repr(caught.value.findings)


SECRET = "correct horse battery staple"


@pytest.mark.parametrize("field", ["secrets", "environment"])
@pytest.mark.parametrize(
    "value",
    [SECRET, [SECRET], {SECRET: "/a"}, {SECRET: 5}, {SECRET: {SECRET: SECRET}}, {"A": {SECRET: 1}}],
    ids=["text", "list", "key", "key-of-number", "nested", "nested-key"],
)
def test_nothing_under_secrets_and_environment_is_repeated(field: str, value: Json) -> None:
    found = problems(model(**{field: value}))
    assert "horse" not in repr(found), "what stands there may be a secret of any form"
    assert len(found) <= 2


def test_a_number_that_may_be_a_secret_is_not_repeated() -> None:
    [found] = problems(model(secrets={"PIN": 271828}))
    assert "271828" not in repr(found)
    [found] = problems(model(environment={"PIN": 271828}))
    assert "271828" not in repr(found)
    assert "quotes" in found.fix, "an environment variable is text, also where it is a number"


def test_a_model_called_secrets_is_no_secret() -> None:
    [found] = problems(smallest(models={"secrets": {"image": "a b", "capacity": "inf2"}}))
    assert found.what == 'is "a b"'


@pytest.mark.parametrize(
    "value", ["x y" * 400_000, {"y" * 1_000_000: 1}, ["z" * 1_000_000], 10**4000]
)
@pytest.mark.parametrize("field", ["image", "user", "neuron_devices", "regions", "new", "secrets"])
def test_a_huge_value_gives_a_short_message(field: str, value: Json) -> None:
    with pytest.raises(ShapeError) as caught:
        parse(texts(model(**{field: value})))
    assert_presentable(caught.value)
    assert len(caught.value.findings) <= 2


MISTAKES: dict[str, tuple[dict[str, Json], str, str, str]] = {
    "did you mean": (smallest(mdoels={}), "mdoels", "is not a key", "did you mean models?"),
    "a key of elsewhere": (
        model(instance_type="inf2.xlarge"),
        "models.m.instance_type",
        "is not a key that exists here",
        "it is a key of capacity; move it there",
    ),
    "keys are not all listed": (
        model(qqqq=1),
        "models.m.qqqq",
        "is not a key that exists here",
        "the keys here are capacity, image, ",
    ),
    "key of the other kind": (
        smallest(
            capacity={
                "t": {"kind": "managed_instances", "allowed_instance_types": ["a"], "max_size": 1}
            }
        ),
        "capacity.t.max_size",
        "is a key of capacity of kind auto_scaling",
        "remove it, or write kind: auto_scaling",
    ),
    "key of the other network": (
        smallest(
            regions={
                "us-west-2": {
                    "network": {
                        "vpc_id": "vpc-0a",
                        "private_subnets": {"usw2-az1": "subnet-0a"},
                        "cidr": "10.0.0.0/16",
                    }
                }
            }
        ),
        "regions.us-west-2.network.cidr",
        "is a key of a network of our own",
        "remove it",
    ),
    "a job's key in a model": (
        model(schedule={"expression": "rate(1 day)"}),
        "models.m.schedule",
        "is a key of jobs",
        "remove it, or move the entry to jobs",
    ),
    "missing": (
        smallest(models={"m": {"image": "repo:1"}}),
        "models.m.capacity",
        "is missing",
        "write capacity: inf2 (the pool that runs it)",
    ),
    "bad name": (
        smallest(models={"My_Model": {"image": "repo:1", "capacity": "inf2"}}),
        "models.My_Model",
        "cannot be a name here",
        "write a name of lower-case letters, digits and hyphens that starts with a letter and does "
        "not end with a hyphen, at most 40 characters; for instance my-model",
    ),
    "bad Region": (
        smallest(regions={"us-west": {}}),
        "regions.us-west",
        "cannot be a name here",
        "write the name of an AWS Region; for instance us-west-2",
    ),
    "empty Region": (
        smallest(regions={"us-west-2": None}),
        "regions.us-west-2",
        "is empty",
        "write {} for the defaults",
    ),
    "empty map": (smallest(regions={}), "regions", "is empty", "for instance {us-west-2: {}}"),
    "empty pool": (
        smallest(capacity={"a": None}),
        "capacity.a",
        "is empty",
        "write a map such as {kind: auto_scaling",
    ),
    "replicas as text": (
        model(replicas="3"),
        "models.m.replicas",
        'is the text "3"',
        "write a number such as 2, or a map such as {min: 1, max: 4}",
    ),
    "fewer replicas than none": (
        model(replicas=-1),
        "models.m.replicas",
        "is -1",
        "write at least 0",
    ),
    "too many replicas in a Region": (
        model(regions={"us-west-2": {"replicas": 6000}}),
        "models.m.regions.us-west-2.replicas",
        "is 6000",
        "write at most 5000",
    ),
    "a list of one": (
        model(ports=8080),
        "models.m.ports",
        "is the number 8080, not a list",
        "write a list: [8080]",
    ),
    "Regions as text": (
        model(regions="us-west-2"),
        "models.m.regions",
        'is the text "us-west-2"',
        "write a list of Regions such as [us-west-2], or a map",
    ),
    "devices as text": (
        model(neuron_devices="2"),
        "models.m.neuron_devices",
        'is "2"',
        "write a count such as 2, ids such as [0, 1], or all",
    ),
    "devices as a map": (
        model(neuron_devices={"a": 1}),
        "models.m.neuron_devices",
        "is a map",
        "write a count such as 2, ids such as [0, 1], or all",
    ),
    "fewer than no devices": (
        model(neuron_devices=-1),
        "models.m.neuron_devices",
        "is -1",
        "write at least 0",
    ),
    "only a wrong entry": (
        smallest(capacity={"p": {"kind": "managed_instances", "accelerators": ["inferentia"]}}),
        "capacity.p.accelerators[0]",
        'is "inferentia"',
        "write inferentia2 or trainium or trainium2",
    ),
    "too large": (model(port=65536), "models.m.port", "is 65536", "write at most 65535"),
    "a fraction": (
        model(memory_mib=1.5),
        "models.m.memory_mib",
        "is the number 1.5, not a whole number",
        "write a whole number",
    ),
    "a number for text": (
        model(user=1000),
        "models.m.user",
        "is the number 1000, not text",
        'quote it: "1000"',
    ),
    "text for a switch": (
        model(exec="yes"),
        "models.m.exec",
        'is the text "yes", not true or false',
        "write true or false",
    ),
    "a word of several": (
        model(network_mode="briged"),
        "models.m.network_mode",
        'is "briged"',
        "write bridge or host or awsvpc; did you mean bridge?",
    ),
    "a name of several": (
        model(ulimits={"nofiles": {"soft": 1024, "hard": 4096}}),
        "models.m.ulimits.nofiles",
        "cannot be a name here",
        "write core or cpu or data or fsize or locks or memlock or msgqueue or nice or nofile or "
        "nproc or rss or rtprio or rttime or sigpending or stack; did you mean nofile?",
    ),
    "a pattern": (
        smallest(capacity={"a": {"kind": "auto_scaling", "instance_type": "inf2", "max_size": 1}}),
        "capacity.a.instance_type",
        'is "inf2"',
        "write an EC2 instance type; for instance inf2.24xlarge",
    ),
    "a path through an odd key": (
        smallest(tags={"a b": 1}),
        'tags["a b"]',
        "is the number 1, not text",
        'quote it: "1"',
    ),
    "not finite": (
        model(memory_mib=float("nan")),
        "models.m.memory_mib",
        "is no finite number",
        "write a number",
    ),
    "half a character": (
        smallest(tags={"a": "\ud800"}),
        "tags.a",
        "is no valid Unicode text",
        "write it without",
    ),
    "too long": (
        smallest(tags={"a": "b" * 257}),
        "tags.a",
        "is 257 characters long, more than 256",
        "write the value of a tag, at most 256 characters",
    ),
    "too many": (
        model(neuron_devices=[0] * 65),
        "models.m.neuron_devices",
        "has too many entries",
        "write at most 64",
    ),
}


@pytest.mark.parametrize("case", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_once_with_its_place_and_a_way_out(
    case: tuple[dict[str, Json], str, str, str],
) -> None:
    wrong, where, what, fix = case
    [found] = problems(wrong)
    assert found.path == where
    assert what in found.what
    assert fix in found.fix


RAW: dict[str, tuple[str, str, str]] = {
    "text for a map": ("models", "hello", 'is the text "hello", not a map'),
    "nothing": ("models", "", "is empty"),
    "null": ("models", "null", "is empty"),
    "a list for a map": ("models", "[1]", "is a list, not a map"),
    "a key twice": ("models", '{"a": {}, "a": {}}', 'holds the key "a" twice in one map'),
    "deep": ("models", "[" * 50 + "]" * 50, "is nested too deeply"),
    "bottomless": ("models", "[" * 100_000 + "]" * 100_000, "is nested too deeply"),
    "unfinished": ("models", '{"a": ', 'is the text "{"a": ", not a map'),
    "Python's words": ("wait_for_steady_state", "True", 'is the text "True", not true or false'),
}


@pytest.mark.parametrize("case", RAW.values(), ids=RAW.keys())
def test_a_text_that_is_no_legal_json_is_a_problem(case: tuple[str, str, str]) -> None:
    key, text, what = case
    with pytest.raises(ShapeError) as caught:
        parse({**texts(smallest()), key: text})
    found = [p for p in caught.value.findings if p.what == what]
    assert found, caught.value.findings
    assert all(p.path.startswith(key) for p in caught.value.findings)


def test_the_id_of_a_model_in_the_place_of_serve_is_kept_in_the_fix() -> None:
    models = {"m": {"capacity": "pool", "serve": "Qwen/Qwen3-8B"}}
    [found] = problems({**smallest(), "models": models})
    assert found.fix == "write {model: Qwen/Qwen3-8B}", "not another model"


def test_all_mistakes_are_told_at_once() -> None:
    found = problems(
        {
            "regions": {"us-west": {}},
            "capacity": {"a": {"instance_type": "inf2", "max_sise": 3}},
            "models": {"B_": {"image": 5}, "c": {"replicas": "3"}},
            "mdoels": {},
        }
    )
    assert [p.path for p in found] == [
        "capacity.a.instance_type",
        "capacity.a.kind",
        "capacity.a.max_sise",
        "mdoels",
        "models.B_",
        "models.B_.capacity",
        "models.B_.image",
        "models.c.capacity",
        "models.c.image",
        "models.c.replicas",
        "regions.us-west",
    ]


@pytest.mark.parametrize(
    ("pool", "what", "fix"),
    [
        ({"instance_type": "inf2.xlarge", "max_size": 1}, "is missing", "write auto_scaling"),
        ({"kind": "auto-scaling", "instance_type": "inf2.xlarge", "max_size": 1}, "is", "auto_sca"),
        ({"kind": "k8s", "allowed_instance_types": ["trn1.2xlarge"]}, "is", "managed_instances"),
        ({"kind": 5, "allowed_instance_types": ["trn1.2xlarge"]}, "is 5", "managed_instances"),
        ({"kind": None, "allowed_instance_types": ["trn1.2xlarge"]}, "is missing", "managed_ins"),
    ],
)
def test_without_a_kind_the_rest_is_judged_by_the_kind_that_was_meant(
    pool: dict[str, Json], what: str, fix: str
) -> None:
    [found] = problems(smallest(capacity={"a": pool}))
    assert (found.path, found.what.startswith(what)) == ("capacity.a.kind", True)
    assert fix in found.fix


@pytest.mark.parametrize("name", ["list", "map", "own", "existing", "count", "ids", "all", "kind"])
def test_names_that_pydantic_uses_for_itself_are_names_like_others(name: str) -> None:
    entry = {"image": 5, "capacity": "inf2", "sidecars": {name: {"image": 5}}}
    found = problems(smallest(models={name: entry}))
    assert [p.path for p in found] == [
        f"models.{name}.image",
        f"models.{name}.sidecars.{name}.image",
    ]


@pytest.mark.parametrize("digest", ["0123456789abcdef" * 2 + "01234567", "a" * 64])
def test_a_digest_is_no_credential(digest: str) -> None:
    parse(texts(model(image=f"repo@sha256:{digest}", environment={"REVISION": digest})))


@pytest.mark.parametrize(
    "name", ["disk-usage-forecast-by-region", "task-classification-large", "risk-model-v2"]
)
def test_an_ordinary_name_is_no_credential(name: str) -> None:
    parse(texts(smallest(models={name: {"image": f"{name}:1", "capacity": "inf2"}})))


def test_replicas_default_to_what_is_asked_for_at_least() -> None:
    parsed = parse(texts(model(replicas={"min": 3})))
    assert parsed.models["m"].replicas.most == 3
    assert parse(texts(model())).models["m"].replicas.most == 1


@pytest.mark.parametrize("number", [0, 1, 5])
def test_a_bare_number_of_replicas_is_minimum_and_maximum(number: int) -> None:
    written = {"min": number, "max": number}
    pairs = (
        (model(replicas=number), model(replicas=written)),
        (
            model(regions={"us-west-2": {"replicas": number}}),
            model(regions={"us-west-2": {"replicas": written}}),
        ),
    )
    for short, long in pairs:
        assert parse(texts(short)) == parse(texts(long))


def test_ports_begin_with_the_one_port() -> None:
    parsed = parse(texts(model(port=8080, ports=[9090, 8080])))
    assert parsed.models["m"].served_ports == (8080, 9090)


def test_the_kind_decides_the_type_of_a_pool() -> None:
    pools = {"b": {"kind": "managed_instances", "allowed_instance_types": ["trn1.2xlarge"]}}
    parsed = parse(texts(smallest(capacity={**smallest()["capacity"], **pools})))
    assert isinstance(parsed.capacity["inf2"], AutoScalingCapacity)
    assert isinstance(parsed.capacity["b"], ManagedInstancesCapacity)


@given(st.from_regex(r"s3://[A-Za-z0-9._:{}/=-]{1,80}", fullmatch=True))
def test_what_serve_takes_for_a_place_in_s3_is_a_prefix_that_a_task_may_read(text: str) -> None:
    read = TypeAdapter[str](S3Prefix)
    for field in ("model", "cache"):
        with suppress(ValidationError):
            Serve.model_validate({"model": "a/b", field: text})
            assert read.validate_python(text) == text, "the planner writes it to s3_read"
