"""The JSON Schema of the stack file says what `config` says, and is current."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import catalog
from config import (
    AutoScalingCapacity,
    HealthCheck,
    ModelEntry,
    Replicas,
    Settings,
    ShapeError,
    parse,
)
from config.changes import cost
from neuron_ecs.cli import main as command_line
from neuron_ecs.stackfile import json_schema
from neuron_ecs.stackfile.reference import page
from neuron_ecs.stackfile.yaml_values import json_text, load, scalar_text
from tests.config.test_parsing import (
    MISTAKES,
    at,
    junk,
    model,
    places,
    settings,
    smallest,
)
from tests.config.test_settings import models
from tests.neuron_ecs import running

ROOT = Path(__file__).parents[3]
SCHEMA_FILE = ROOT / "docs" / "stack-file.schema.json"
PROJECT = "neuron-ecs"
SHIPPED = sorted([*ROOT.glob("Pulumi.*.yaml"), *ROOT.glob("examples/*.yaml")])
SCHEMA: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
VALIDATOR = cast(Any, jsonschema).Draft202012Validator  # its own annotations are partial
# What a schema cannot say; the reader of the file and `config` do.
BEYOND = {"half a character"}


def accepts(document: object) -> bool:
    return VALIDATOR(SCHEMA).is_valid(document)


def document(of: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    config = {"aws:region": "us-west-2", **{f"{PROJECT}:{k}": v for k, v in of.items()}}
    return {"config": config | more}


def config_accepts(of: Mapping[str, Any]) -> bool:
    """What the program says to the texts that the engine makes of the values."""
    texts = {
        key: json_text(value) if isinstance(value, (dict, list)) else scalar_text(value)
        for key, value in of.items()
    }
    try:
        parse(texts)
    except ShapeError:
        return False
    return True


def test_the_schema_in_the_repository_is_current() -> None:
    shown = SCHEMA_FILE.read_text(encoding="utf-8")
    assert shown == json_schema.text(PROJECT), "docs/stack-file.schema.json is old: run `make docs`"


def test_the_schema_is_one() -> None:
    VALIDATOR.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    named = set(re.findall(r'"#/\$defs/([^"]+)"', json.dumps(SCHEMA)))
    assert named == set(SCHEMA["$defs"])


@pytest.mark.parametrize("file", SHIPPED, ids=lambda f: f.stem)
def test_every_stack_file_that_ships_is_accepted(file: Path) -> None:
    values = load(file.read_text(encoding="utf-8")).value
    assert [e.message for e in VALIDATOR(SCHEMA).iter_errors(values)] == []


@pytest.mark.parametrize("file", SHIPPED, ids=lambda f: f.stem)
def test_every_stack_file_that_ships_leads_an_editor_to_the_schema(file: Path) -> None:
    head = file.read_text(encoding="utf-8").splitlines()[:2]
    [named] = [line.partition("$schema=")[2] for line in head if "yaml-language-server:" in line]
    assert (file.parent / named).resolve() == SCHEMA_FILE


@pytest.mark.parametrize("name", sorted(MISTAKES.keys() - BEYOND))
def test_a_mistake_of_shape_is_refused(name: str) -> None:
    wrong = MISTAKES[name][0]
    assert not accepts(document(wrong))
    assert not config_accepts(wrong)


@pytest.mark.parametrize("value", ["hello", None, [1], 5, True, [[]], math.nan])
@pytest.mark.parametrize("key", ["models", "jobs", "regions", "capacity", "traffic", "tags"])
def test_what_is_no_map_is_refused_where_a_map_belongs(key: str, value: object) -> None:
    wrong = smallest(**{key: value})
    assert not accepts(document(wrong))
    assert not config_accepts(wrong)


@given(settings)
def test_a_legal_stack_file_is_accepted(legal: dict[str, Any]) -> None:
    assert accepts(document(legal))


EMPTY = st.builds(dict[str, Any])


@given(settings, st.data(), junk | EMPTY | st.integers(0, 70_000) | st.just("all"))
def test_the_schema_refuses_what_config_refuses_and_nothing_else(
    legal: dict[str, Any], data: st.DataObject, value: Any
) -> None:
    place = data.draw(st.sampled_from([p for p in places(legal) if p]))
    changed = json.loads(json.dumps(legal))
    holder = at(changed, place[:-1])
    match data.draw(st.sampled_from(["value", "key", "gone"])):
        case "gone" if isinstance(holder, dict):
            del holder[place[-1]]
        case "key" if isinstance(holder, dict):
            key = data.draw(st.sampled_from(["no_such_key", "a", "A_1", "us-west-2", "port"]))
            cast(dict[str, Any], holder)[key] = value
        case _:
            holder[place[-1]] = value
    assert accepts(document(changed)) == config_accepts(changed)


def test_keys_are_read_in_every_form_that_the_engine_reads() -> None:
    for form in ("{}", "neuron-ecs:{}", "neuron-ecs:config:{}"):
        config = {form.format(k): v for k, v in smallest().items()}
        assert accepts({"config": {"aws:region": "us-west-2", **config}})
        wrong: dict[str, Any] = {**config, form.format("mdoels"): {}}
        assert not accepts({"config": {"aws:region": "us-west-2", **wrong}})


@pytest.mark.parametrize(
    ("key", "value", "is_legal"),
    [
        ("aws:defaultTags", {"tags": {"a": "b"}}, True),
        ("pulumi:disable-default-providers", ["*"], True),
        ("aws:config:profile", "x", True),
        ("other:thing", [1], True),
        ("other:models", {}, False),
        ("a:b:c", 1, False),
        ("aws:region", "us-west", False),
    ],
)
def test_keys_of_others_are_left_to_others(key: str, value: object, is_legal: bool) -> None:
    assert accepts(document(smallest(), **{key: value})) is is_legal


def test_what_pulumi_itself_keeps_in_the_file_is_accepted() -> None:
    kept = {"encryptionsalt": "v1:a:b", "secretsprovider": "awskms://x", "encryptedkey": "k"}
    assert accepts({**document(smallest()), **kept})
    assert not accepts({**document(smallest()), "confg": {}})
    assert not accepts({"config": {}})
    assert accepts({"environment": ["prod"]}), "an environment may hold everything"


SEALED = {"secure": "v1:AAAA:BBBB"}


def test_no_value_of_ours_may_be_encrypted() -> None:
    """The program refuses it (NE004); a provider may read what is encrypted."""
    for field in ("image", "user", "port", "exec", "neuron_devices", "network_mode", "memory_mib"):
        assert not accepts(document(model(**{field: SEALED})))
    assert not accepts(document(model(environment={"A": SEALED})))
    assert not accepts(document(model(command=["a", SEALED])))
    assert not accepts(document(smallest(models=SEALED)))
    assert not accepts(document(smallest(wait_for_steady_state=SEALED)))
    assert accepts(document(smallest(), **{"aws:profile": SEALED}))


def test_a_switch_may_be_written_as_the_command_line_writes_it() -> None:
    for value in (True, False, "true", "false"):
        wanted = smallest(wait_for_steady_state=value)
        assert accepts(document(wanted))
        assert config_accepts(wanted)
    assert not accepts(document(smallest(wait_for_steady_state="yes")))


# What editors show and complete.


def fields() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (name, field, member)
        for name, made in SCHEMA["$defs"].items()
        for field, member in made.get("properties", {}).items()
        if name[0].isupper() and name != "Secure"
    ]


@pytest.mark.parametrize("field", fields(), ids=lambda f: f"{f[0]}.{f[1]}")
def test_an_editor_has_a_description_with_the_unit(field: tuple[str, str, dict[str, Any]]) -> None:
    _, name, member = field
    assert member.get("description"), "shown when the pointer rests on the field"
    for ending, word in (("_seconds", "second"), ("_mib", "mib"), ("_gib", "gib")):
        assert not name.endswith(ending) or word in member["description"].lower()


def test_an_editor_shows_what_changing_a_field_does() -> None:
    described = {model.__name__: model for model in models()}
    shown = [(described[name].model_fields[field], member) for name, field, member in fields()]
    shown += [
        (field, SCHEMA["$defs"][f"settings.{name}"])
        for name, field in Settings.model_fields.items()
    ]
    for field, member in shown:
        if found := cost(field):
            assert member["description"].endswith(found.sentence)


def test_the_page_of_the_stack_file_lists_every_field() -> None:
    text = page()
    for described in models():
        if described.__subclasses__():
            continue  # its fields are those of each of its subclasses
        title = "The keys" if described is Settings else described.__name__
        rows = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
        assert all(f"| `{name}` |" in rows for name in described.model_fields)


def hard_to_guess(member: dict[str, Any]) -> bool:
    """Whether a field is a list or a map without keys of its own, or has several forms."""
    named = member.get("type", [])
    types = {named} if isinstance(named, str) else set[str](named)
    forms = [a for a in member.get("anyOf", []) if a.get("type") != "null" and choices(a) == set()]
    return bool(types & {"array", "object"}) or len([a for a in forms if "$ref" not in a]) > 1


@pytest.mark.parametrize("field", fields(), ids=lambda f: f"{f[0]}.{f[1]}")
def test_an_editor_has_examples_and_each_is_accepted(
    field: tuple[str, str, dict[str, Any]],
) -> None:
    _, _, member = field
    assert member.get("examples") or not hard_to_guess(member)
    of_its_own = VALIDATOR({**member, "$defs": SCHEMA["$defs"]})
    assert all(map(of_its_own.is_valid, member.get("examples", [])))


@pytest.mark.parametrize("key", sorted(Settings.model_fields))
def test_each_map_of_the_stack_file_has_an_example(key: str) -> None:
    member = SCHEMA["$defs"][f"settings.{key}"]
    shown = member.get("examples", [])
    assert shown or member["default"] is True
    of_its_own = VALIDATOR({**member, "$defs": SCHEMA["$defs"]})
    assert all(map(of_its_own.is_valid, shown))


@pytest.mark.parametrize("made", [ModelEntry, Replicas, HealthCheck, AutoScalingCapacity])
def test_defaults_are_those_of_the_settings(made: type[BaseModel]) -> None:
    node = SCHEMA["$defs"][made.__name__]
    shown = next(arm for arm in [node, *node.get("anyOf", [])] if "properties" in arm)["properties"]
    for name, field in made.model_fields.items():
        assert name in shown, f"{name} is not in docs/stack-file.schema.json: run `make docs`"
        if isinstance(field.default, (int, str)) and field.default != "":
            assert shown[name]["default"] == field.default


def choices(node: object) -> set[object]:
    """Every word that the node offers, references followed."""
    if isinstance(node, list):
        return {c for item in cast(list[object], node) for c in choices(item)}
    if not isinstance(node, dict):
        return set()
    members = cast(dict[str, Any], node)
    if "$ref" in members:
        return choices(SCHEMA["$defs"][members["$ref"].rpartition("/")[2]])
    found = {c for c in members.get("enum", []) if not isinstance(c, (dict, list))}
    return found | choices(members.get("anyOf", [])) | choices(members.get("items", []))


def test_an_editor_completes_what_the_catalog_knows() -> None:
    known = catalog.load()
    types = SCHEMA["$defs"]
    pool = types["AutoScalingCapacity"]["properties"]
    assert choices(pool["instance_type"]) >= set(known.instances.neuron_types), (
        "docs/stack-file.schema.json lacks an instance type: run `make docs`"
    )
    images = choices(types["Ami"]["properties"]["version"])
    assert "recommended" in images
    assert "al2023-ami-ecs-neuron-hvm-2023.0.20260701-kernel-6.1-x86_64" in images
    regions = types["settings.regions"]
    assert set(regions["properties"]) == set(known.places.regions)
    assert choices(regions["propertyNames"]) == set(known.places.regions)
    serving = types["ModelEntry"]["properties"]
    assert "IPC_LOCK" in choices(serving["linux_capabilities"])
    assert choices(serving["log_retention_days"]) == set(known.limits.log_retention_days)
    assert "Europe/Berlin" in choices(types["Schedule"]["properties"]["timezone"])
    assert set(Settings.model_fields) == {
        key.removeprefix(f"{PROJECT}:")
        for key in SCHEMA["properties"]["config"]["properties"]
        if key.startswith(f"{PROJECT}:")
    }


def test_what_the_catalog_does_not_know_yet_is_accepted() -> None:
    new = smallest(
        regions={"xx-north-9": {}},
        capacity={"a": {"kind": "auto_scaling", "instance_type": "trn9.xlarge", "max_size": 1}},
    )
    assert accepts(document(new)), "planning says what is not known, and as a warning where it may"


# The command.


def test_the_command_prints_what_the_repository_carries(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert command_line.main(["schema"]) == 0
    assert capsys.readouterr().out == SCHEMA_FILE.read_text(encoding="utf-8"), (
        "docs/stack-file.schema.json is old: run `make docs`"
    )


def test_another_project_has_its_own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: my.models\n")
    monkeypatch.chdir(tmp_path)
    code, text = running.printed("schema")
    assert code == 0
    other = VALIDATOR(json.loads(text))
    config = {f"my.models:{k}": v for k, v in smallest().items()}
    assert other.is_valid({"config": {"aws:region": "us-west-2", **config}})
    assert not other.is_valid(document(smallest()))


def test_a_file_can_be_written_or_is_said_not_to_be(tmp_path: Path) -> None:
    target = tmp_path / "s.json"
    assert running.printed("schema", "--output", str(target), "--namespace", PROJECT) == (0, "")
    assert target.read_text(encoding="utf-8") == json_schema.text(PROJECT)
    code, said = running.refused("schema", "--output", str(tmp_path))
    assert (code, "cannot be written" in said) == (2, True)
    assert running.refused("schema", "--namespace", "a b")[0] == 2
