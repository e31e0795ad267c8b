"""A stack file read offline gives the program what the engine would give it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import catalog
from config import ShapeError, parse
from config.explaining import path_of
from messages.finding import Finding, Refused, Severity
from neuron_ecs.stackfile.reading import UNSEEN, StackFile, StackFileError, read
from neuron_ecs.stackfile.yaml_values import NotYamlError, json_text, load, scalar_text
from tests.pace import least

PROJECT_FILE = "name: my-models\nruntime: python\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT_FILE)
    return tmp_path


def read_text(project: Path, text: str | bytes) -> StackFile:
    path = project / "Pulumi.dev.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(stack=None, file=None, directory=project)


def mistakes(project: Path, text: str | bytes) -> tuple[Finding, ...]:
    with pytest.raises(StackFileError) as caught:
        read_text(project, text)
    return caught.value.findings


VERDICTS: list[list[str | None]] = json.loads(
    (Path(__file__).parent / "verdicts.json").read_text(encoding="utf-8")
)
"""Texts behind a key, and what the engine reads of each; null where it refuses the file.
`tests/engine/test_reader.py` holds them against the engine."""

STRICTER = frozenset({"a\tb", "[a\tb]"})
"""Tabs within a plain text, which the engine reads and we refuse."""


@pytest.mark.parametrize(("text", "verdict"), VERDICTS)
def test_a_file_is_refused_where_the_engine_refuses_it_and_read_as_it_reads_it(
    text: str, verdict: str | None
) -> None:
    expected = None if text in STRICTER else verdict
    try:
        document, repeated, _ = load(f"config:\n  life:k: {text}\n")
    except NotYamlError:
        assert expected is None
        return
    value = document["config"]["life:k"]
    made = json_text(value) if isinstance(value, (dict, list)) else scalar_text(value)
    assert (None if repeated else made) == expected


def test_a_form_that_a_fix_proposes_is_read_as_it_is_meant() -> None:
    with pytest.raises(ShapeError) as caught:
        parse({"jobs": '{"j": {"schedule": 5}}'})
    fix = next(f.fix for f in caught.value.findings if f.path == "jobs.j.schedule")
    assert load(fix.removeprefix("write a map such as "))[0] == {
        "expression": "cron(0 3 * * ? *)",
        "timezone": "Europe/Berlin",
    }


# What the engine handed to a program for `key: <this>`, recorded with the CLI 3.260.
SCALARS = {
    "on": "on",
    "yes": "yes",
    "true": "true",
    "True": "true",
    "12:30": "12:30",
    "1:30:00": "1:30:00",
    "5": "5",
    "+5": "5",
    "-0": "0",
    '"5"': "5",
    "0o17": "15",
    "017": "15",
    "08": "8",
    "09.5": "9.5",
    "0b101": "5",
    "-0x1F": "-31",
    "1_000": "1000",
    "1_000.5": "1000.5",
    "_1": "_1",
    "0x": "0x",
    "0o8": "0o8",
    "1e3": "1000",
    "1e": "1e",
    "1.50": "1.5",
    ".5": "0.5",
    "1.": "1",
    ".": ".",
    "1e-6": "0.000001",
    "1e-7": "1e-7",
    "1e20": "100000000000000000000",
    "1e21": "1e+21",
    "1e100": "1e+100",
    "1e400": "1e400",
    "5e-324": "5e-324",
    "123456789.123456789": "123456789.12345679",
    "123456789012345678901234567890": "1.2345678901234568e+29",
    "9223372036854775807": "9223372036854775807",
    "2026-01-01": "2026-01-01 00:00:00 +0000 UTC",
    "2026-01-01T10:00:00Z": "2026-01-01 10:00:00 +0000 UTC",
    "2026-01-01T10:00:00.5+02:00": "2026-01-01 10:00:00.5 +0200 +0200",
    "2026-01-01T10:00:00-0330": "2026-01-01T10:00:00-0330",
    "2026-02-30": "2026-02-30",
    "Infinity": "Infinity",
    "=": "=",
    "null": "",
    "": "",
    "!!str 5": "5",
    "!!binary aGVsbG8=": "hello",
    "{}": "{}",
    "[]": "[]",
    "{b: 1, a: {z: '<&>é', y: [], x: {}}, 3: three, true: t, 1.5: x}": (
        '{"1.5":"x","3":"three","a":{"x":{},"y":[],"z":"\\u003c\\u0026\\u003eé"},"b":1,"true":"t"}'
    ),
    "[tRUE, TRUE, NULL, nULL, ~, 1.0, 1e3]": '["tRUE",true,null,"nULL",null,1,1000]',
    "{A: 1, a: 2, a-b: 1, aB: 2, a1: 3, é: 1}": '{"A":1,"a":2,"a-b":1,"a1":3,"aB":2,"é":1}',
    "{<<: [{a: 1, b: 2}, {b: 5, c: 3}], b: 3}": '{"a":1,"b":3,"c":3}',
    "{base: &b {x: 1, y: 2}, other: {<<: *b, y: 3}, alias: *b}": (
        '{"alias":{"x":1,"y":2},"base":{"x":1,"y":2},"other":{"x":1,"y":3}}'
    ),
    '{"q": "a\\tb\\u2028c"}': '{"q":"a\\tb\\u2028c"}',
    "|\n    two\n    lines\n": "two\nlines\n",
}


@pytest.mark.parametrize(("written", "handed"), SCALARS.items(), ids=SCALARS.keys())
def test_a_value_becomes_the_text_that_the_engine_makes_of_it(
    project: Path, written: str, handed: str
) -> None:
    file = read_text(project, f"config:\n  key: {written}\n")
    assert file.config == {"my-models:key": handed}


trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(trees)
def test_structured_text_is_json_with_sorted_keys(tree: object) -> None:
    text = json_text(tree)
    assert json.loads(text) == tree
    assert json_text(json.loads(text)) == text
    keys = [key for key, _ in json.loads(text).items()] if isinstance(tree, dict) else []
    assert keys == sorted(keys), "no meaning may hang on the order of a map"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_number_reads_back_as_the_number(number: float) -> None:
    assert float(scalar_text(number)) == number


@given(st.text("ab:{}[]&*!|>'\"%@`,?-# \n\t0\\<é\x00\ud800", max_size=30))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        load(text)
    except NotYamlError as error:
        assert error.line >= 1
        assert error.column >= 1
        assert len(error.what) < 120, error.what


def test_the_namespace_is_the_name_of_the_project(project: Path) -> None:
    file = read_text(
        project,
        "config:\n  aws:region: us-west-2\n  regions: {us-west-2: {}}\n"
        "  my-models:capacity: {}\n  aws:config:profile: x\n  other:thing: {a: 1}\n",
    )
    assert file.project == "my-models"
    assert file.config == {
        "aws:profile": "x",
        "aws:region": "us-west-2",
        "my-models:capacity": "{}",
        "my-models:regions": '{"us-west-2":{}}',
        "other:thing": '{"a":1}',
    }
    assert list(file.config) == sorted(file.config)
    assert file.notes == ()


def test_a_key_under_another_projects_name_is_refused(project: Path) -> None:
    [found] = mistakes(project, "config:\n  neuron-ecs:models: {}\n  aws:tags: {}\n")
    assert found.path == "neuron-ecs:models"
    assert found.severity is Severity.ERROR, "nothing would be read, and nobody would notice"
    assert "the project is called my-models" in found.what
    assert found.fix == "write my-models:models, or models alone"


def test_the_same_key_with_and_without_namespace_is_refused(project: Path) -> None:
    [found] = mistakes(project, "config:\n  models: {}\n  my-models:models: {}\n")
    assert found.what == "stands twice, with and without my-models:"


def test_defaults_of_the_project_file_hold_where_the_stack_file_is_silent(project: Path) -> None:
    (project / "Pulumi.yaml").write_text(
        PROJECT_FILE + "config:\n  models: {type: object, default: {}}\n"
        "  aws:region: {value: us-west-2}\n  wait_for_steady_state: {default: true}\n"
        "  regions: {type: object, description: where}\n"
    )
    file = read_text(project, "config:\n  wait_for_steady_state: false\n")
    assert file.config == {
        "aws:region": "us-west-2",
        "my-models:models": "{}",
        "my-models:wait_for_steady_state": "false",
    }


def test_what_is_encrypted_is_named_and_never_told(project: Path) -> None:
    """Our own values by their paths, for the plan to refuse; those of providers as unseen."""
    file = read_text(
        project,
        "encryptionsalt: v1:abc\nsecretsprovider: passphrase\nencryptedkey: x\n"
        "environment: [shared]\nconfig:\n"
        "  my-models:models: {m: {environment: {A: {secure: AAABc}}, command: [{secure: AAx}]}}\n"
        "  my-models:tags: {secure: AAABd}\n  other:token: {secure: AAABe}\n"
        "  other:tokens: {a: [{secure: AAABf}]}\n",
    )
    assert json.loads(file.config["my-models:models"]) == {
        "m": {"command": [UNSEEN], "environment": {"A": UNSEEN}}
    }
    assert "my-models:tags" not in file.config
    assert file.encrypted == ("models.m.environment.A", "models.m.command[0]", "tags")
    assert file.config["other:token"] == UNSEEN
    assert file.config["other:tokens"] == json_text({"a": [UNSEEN]})
    assert {f.severity for f in file.notes} == {Severity.NOTE}
    assert {f.path for f in file.notes} == {
        "environment",
        "other:token",
        path_of(["other:tokens", "a", 0]),
    }
    assert "AAAB" not in repr(file)


def test_an_encrypted_value_of_ours_is_refused_with_every_other_mistake(project: Path) -> None:
    file = read_text(
        project,
        "config:\n  aws:region: {secure: AAA}\n  models:\n    m:\n      image: {secure: AAABc}\n"
        "      port: {secure: AAABd}\n      capacity: none\n",
    )
    with pytest.raises(Refused) as caught:
        file.plan(catalog.load())
    found = {(f.code, f.path, f.line) for f in caught.value.findings}
    assert {("NE004", "models.m.image", 5), ("NE004", "models.m.port", 6)} <= found
    assert "regions" in {f.path for f in caught.value.findings}, "the other mistakes are named too"
    assert [f.code for f in caught.value.findings if f.path == "models.m.port"] == ["NE004"]
    assert all("secrets" in f.fix for f in caught.value.findings if f.code == "NE004")


@pytest.mark.parametrize(
    ("text", "path", "what"),
    [
        ("", "Pulumi.dev.yaml", "is empty"),
        ("# nothing\n", "Pulumi.dev.yaml", "is empty"),
        ("hello", "Pulumi.dev.yaml", "is not a map"),
        ("- a\n", "Pulumi.dev.yaml", "is not a map"),
        ("config:\n", "Pulumi.dev.yaml", "has no config:"),
        ("encryptionsalt: x\n", "Pulumi.dev.yaml", "has no config:"),
        ("confg: {}\n", "confg", "is not a key of stack files"),
        ("models: {}\nconfig: {a: 1}\n", "models", "stands outside config:"),
        ("config: [a]\n", "config", "is a list, not a map"),
        ("config:\n  a:b:c: 1\n", "a:b:c", "cannot be a key of a stack file"),
        ("config:\n  a: 1\n  a: 2\n", "config.a", "stands a second time in one map of Pulumi.dev"),
        ("config:\n  a:\n    b: 1\n    b: 2\n", "config.a.b", "stands a second time in one map"),
        ("config:\n\ta: 1\n", "line 2, column 1,", "has a character that cannot stand here"),
        ("config:\n  a: b: c\n", "line 2, column 7,", "has a colon that cannot stand here"),
        ('config:\n  a: "x\n', "line 3, column 1,", "has a quotation that does not end"),
        ("config:\n  a: [1, 2\n", "column", "has a list or a map that is not closed"),
        ("config:\n  a: 1\n b: 2\n", "line 3, column 2,", "the wrong indentation"),
        ("config:\n  a: @x\n", "line 2, column 6,", "has a character that cannot stand here"),
        ("config:\n  a: *x\n", "line 2, column 6,", "refers to an anchor that does not exist"),
        ("config:\n  a: &x {b: *x}\n", "line 2, column 13,", "contains itself"),
        ("config:\n  a: {? [1] : 2}\n", "line 2", "has a list or a map for a key"),
        ("config:\n  a: {<<: 1}\n", "line 2", "merges (<<) what is not a map"),
        ('config:\n  a: "\\ud800"\n', "line 2", "has an escape that stands for no character"),
        ("config:\n  a: \x01\n", "line 2, column 6,", "holds a character that YAML does not"),
        ("config:\n  a: " + "[" * 200, "line 2", "is nested too deeply"),
        (b"config:\n  a: \xff\n", "Pulumi.dev.yaml", "is no UTF-8 text"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(
    project: Path, text: str | bytes, path: str, what: str
) -> None:
    [found] = mistakes(project, text)
    assert found.code == "NE002"
    assert found.path.endswith(path) or path in f"{found.place} {found.what}"
    assert what in found.what
    assert found.fix


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("config:\n  a: {b: rate(? days)}\n", "put the text into double quotes"),
        ("config:\n  a: b: c\n", "put the text into double quotes, or mend"),
        ('config:\n  a: "x\n', "close the quotation"),
        ("config:\n  a: [1, 2\n", "close it with ]"),
        ("config:\n  a: 1\n b: 2\n", "indent it as the lines beside it"),
    ],
)
def test_the_way_out_is_that_of_the_mistake(project: Path, text: str, fix: str) -> None:
    [found] = mistakes(project, text)
    assert found.fix.startswith(fix)


def test_an_unknown_outer_key_is_a_warning(project: Path) -> None:
    file = read_text(project, "zzz: 1\nconfig: {a: 1}\n")
    [found] = file.notes
    assert (found.path, found.severity) == ("zzz", Severity.WARNING)


def test_aliases_that_multiply_are_refused(project: Path) -> None:
    lines = ["config:", "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"  a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(9)]
    [found] = mistakes(project, "\n".join(lines))
    assert "too many values" in found.what


@pytest.mark.parametrize(
    "text",
    [
        *("hunter2: [hunter2", "config: 'hunter2", "config:\n  a: @hunter2", "hunter2"),
        *("config: hunter2\n", "[hunter2]\n", "user:hunter2\n", "KEY=hunter2\nB=1\n"),
        "root:$6$hunter2:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n",
        "hunter2: x\ntoken: hunter2\n",
        "[default]\naws_secret_access_key = hunter2\n",
    ],
)
def test_no_message_repeats_what_a_file_holds_that_is_no_stack_file(
    project: Path, text: str
) -> None:
    """A name that is mistyped leads to any file: to passwords, or to what is nobody else's."""
    [found] = mistakes(project, text)
    assert "hunter2" not in repr(found)


def test_a_missing_stack_names_those_that_exist(project: Path) -> None:
    for name in ("prod", "staging"):
        (project / f"Pulumi.{name}.yaml").write_text("config: {a: 1}\n")
    with pytest.raises(StackFileError) as caught:
        read(stack="pord", file=None, directory=project)
    [found] = caught.value.findings
    assert found.what.endswith("Pulumi.pord.yaml does not exist")
    assert found.fix == "the stacks with a file there are prod, staging"


def test_without_a_stack_file_the_examples_are_named(project: Path) -> None:
    with pytest.raises(StackFileError, match=r"Pulumi\.dev\.yaml does not exist") as caught:
        read(stack=None, file=None, directory=project)
    assert "copy one of the examples" in caught.value.findings[0].fix


def test_without_a_project_file_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(StackFileError, match=r"Pulumi\.yaml does not exist"):
        read(stack=None, file=None, directory=tmp_path)


@pytest.mark.parametrize("text", ["runtime: python\n", "name: 5\n", "name: a b\n"])
def test_a_project_needs_a_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(text)
    with pytest.raises(StackFileError, match="has no project name"):
        read(stack=None, file=None, directory=tmp_path)


@pytest.mark.parametrize("stack", ["../x", "a b", "", "a/b/ "])
def test_a_stack_name_is_no_path(project: Path, stack: str) -> None:
    with pytest.raises(StackFileError):
        read(stack=stack, file=None, directory=project)


def test_the_organization_of_a_stack_is_no_part_of_the_file_name(project: Path) -> None:
    (project / "Pulumi.prod.yaml").write_text("config: {a: 1}\n")
    assert read(stack="acme/my-models/prod", file=None, directory=project).stack == "prod"


def test_stack_files_may_live_in_their_own_folder(project: Path) -> None:
    (project / "Pulumi.yaml").write_text(PROJECT_FILE + "stackConfigDir: stacks\n")
    (project / "stacks").mkdir()
    (project / "stacks" / "Pulumi.dev.yaml").write_text("config: {a: 1}\n")
    assert read(stack=None, file=None, directory=project).config == {"my-models:a": "1"}


@pytest.mark.parametrize(
    ("name", "stack"), [("Pulumi.tiny.yaml", "tiny"), ("tiny.yaml", "tiny"), ("a.b.yml", "a.b")]
)
def test_a_file_anywhere_belongs_to_the_project_at_hand(
    project: Path, name: str, stack: str
) -> None:
    folder = project / "examples"
    folder.mkdir()
    (folder / name).write_text("config: {a: 1}\n")
    file = read(stack=None, file=folder / name, directory=project)
    assert (file.project, file.stack, file.path) == ("my-models", stack, folder / name)
    named = read(stack="prod", file=folder / name, directory=project)
    assert named.stack == "prod"


def test_a_file_beside_its_own_project_file_belongs_to_that(project: Path) -> None:
    other = project / "other"
    other.mkdir()
    (other / "Pulumi.yaml").write_text("name: theirs\n")
    (other / "Pulumi.dev.yaml").write_text("config: {a: 1}\n")
    file = read(stack=None, file=other / "Pulumi.dev.yaml", directory=project)
    assert file.config == {"theirs:a": "1"}


def test_a_folder_is_no_stack_file(project: Path) -> None:
    with pytest.raises(StackFileError, match="cannot be read"):
        read(stack=None, file=project, directory=project)


def test_the_project_file_of_this_repository_is_read() -> None:
    root = Path(__file__).parents[3]
    with pytest.raises(StackFileError) as caught:
        read(stack="no-such-stack", file=None, directory=root)
    assert "does not exist" in caught.value.findings[0].what


@pytest.mark.slow
def test_sixteen_regions_of_twenty_models_are_read_at_once(project: Path) -> None:
    lines = ["config:", "  models:"]
    for number in range(320):
        lines += [
            f"    model-{number}:",
            "      image: public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:"
            "0.16.0-neuronx-py312-sdk2.31.1-ubuntu24.04",
            "      capacity: inf2",
            "      neuron_devices: 2",
            "      port: 8080",
            "      replicas: {min: 1, max: 4}",
            "      environment:",
            '        SIZE: "8"',
        ]
    lines += ["  regions:", *(f"    us-{word}-{n}: {{}}" for word in "ab" for n in range(8))]
    lines += ["  capacity: {inf2: {kind: auto_scaling, instance_type: inf2.xlarge, max_size: 1}}"]
    text = "\n".join(lines)
    config = {key.partition(":")[2]: text for key, text in read_text(project, text).config.items()}
    assert least(lambda: read_text(project, text), 0.5) < 0.5, "something repeats"
    assert least(lambda: parse(config), 0.25) < 0.25, "something repeats"
