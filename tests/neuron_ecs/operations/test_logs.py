"""Lines of all tasks and Regions are merged by time, each once."""

import io
import json
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st

import catalog
from neuron_ecs.arguments.parser import typed
from neuron_ecs.cli import logs as command
from neuron_ecs.cli.main import parse
from neuron_ecs.operations.aws import Connect
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.logs import Line, Merge, renderer
from neuron_ecs.operations.reasons import Reasons
from tests.neuron_ecs import running
from tests.neuron_ecs.operations.world import NOW, ROOT, client

PROD = ROOT / "Pulumi.prod.yaml"
REGIONS = ["eu-central-1", "us-west-2"]
REASONS = Reasons(catalog.load().containers.stop_reasons)
STILL = Clock(lambda: NOW, lambda _: None)
MODEL = "mistral-7b"


def event(text: str, seconds: int, task: str = "aaaaaaaabbbb", container: str = MODEL) -> Any:
    return {
        "logStreamName": f"{container}/{container}/{task}",
        "timestamp": int((NOW - timedelta(seconds=seconds)).timestamp() * 1000),
        "message": f"{text}\n",
        "eventId": f"{text}{seconds}{task}",
    }


@contextmanager
def answering(answers: dict[str, list[Any]]) -> Generator[Connect]:
    """Clients of CloudWatch Logs that give each Region's answers in their order."""
    with ExitStack() as stack:
        clients = {region: client("logs", region) for region in answers}
        for region, several in answers.items():
            stub = cast(Any, stack.enter_context(Stubber(clients[region])))
            for answer in several:
                if isinstance(answer, str):
                    stub.add_client_error("filter_log_events", answer, "no such thing")
                else:
                    asked = {
                        "logGroupName": ANY,
                        "logStreamNamePrefix": MODEL,
                        "startTime": ANY,
                        **({"nextToken": answer["asked"]} if "asked" in answer else {}),
                    }
                    told = {k: v for k, v in answer.items() if k != "asked"}
                    stub.add_response("filter_log_events", told, asked)

        def connect(service: str, region_name: str, config: object) -> Any:
            return clients[region_name]

        yield connect


def shown(answers: dict[str, list[Any]], *more: str) -> tuple[int, str]:
    argv = ["logs", MODEL, "--file", str(PROD), *more]
    for region in answers:
        argv += ["--region", region]
    with answering(answers) as connect:
        return running.run_with(command.Arguments, command.run, *argv, connect=connect, clock=STILL)


def test_lines_of_all_tasks_pages_and_regions_are_merged_by_time() -> None:
    first = {"events": [event("one", 9), event("four", 3)], "nextToken": "more"}
    second = {"events": [event("two", 7, "ccccccccdddd")], "asked": "more"}
    there = {"events": [event("three", 5, "eeeeeeeeffff")]}
    code, text = shown({REGIONS[0]: [first, second], REGIONS[1]: [there]})
    assert code == 0
    assert [line.split()[-1] for line in text.splitlines()] == ["one", "two", "three", "four"]
    assert text.splitlines()[2] == "03:11:55.000  us-west-2  eeeeeeee  three"


def test_a_task_and_a_pattern_choose_lines() -> None:
    events = [event("good", 9), event("bad: 7", 8), event("bad: 8", 7, "ccccccccdddd")]
    answer = {"events": events}
    assert shown({REGIONS[1]: [answer]}, "--grep", r"bad: \d", "--task", "cccc")[1].endswith(
        "cccccccc  bad: 8\n"
    )


def test_a_known_error_is_explained_once() -> None:
    line = "ERROR  NRT:nrt_init  Unable to determine Neuron Driver version."
    text = shown({REGIONS[1]: [{"events": [event(line, 9), event(line, 8)]}]})[1]
    assert text.count("means: the Neuron driver does not run on the instance") == 1
    assert text.count("do:    ") == 1


def test_what_a_sidecar_measures_is_no_line_of_the_log() -> None:
    """Its streams begin as the model may: of a model "m" each stream that begins with an m is
    read."""
    measured = event("{}", 1) | {"logStreamName": MODEL}
    answers: dict[str, list[Any]] = {"us-west-2": [{"events": [event("ready", 2), measured]}]}
    code, said = shown(answers, "--region", "us-west-2", "--json")
    assert (code, [json.loads(line)["text"] for line in said.splitlines()]) == (0, ["ready"])


def test_json_is_one_object_for_each_line() -> None:
    text = shown({REGIONS[1]: [{"events": [event("a", 2), event("b", 1)]}]}, "--json")[1]
    assert [json.loads(line)["text"] for line in text.splitlines()] == ["a", "b"]


def test_a_region_that_refuses_does_not_hide_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers: dict[str, list[Any]] = {
        REGIONS[0]: ["AccessDeniedException"],
        REGIONS[1]: [{"events": [event("here", 1)]}],
    }
    code, text = shown(answers)
    assert (code, text.endswith("here\n")) == (1, True)
    said = capsys.readouterr().err
    assert "eu-central-1: CloudWatch Logs FilterLogEvents" in said
    assert "docs/read-only-policy.json" in said


def test_following_prints_each_line_once_and_ends() -> None:
    rounds = [
        {"events": [event("one", 9)]},
        {"events": [event("one", 9), event("late", 10), event("two", 1)]},
        {"events": [event("two", 1)]},
    ]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)

    clock = Clock(lambda: NOW + timedelta(hours=6 * len(slept)), sleep)
    argv = ["logs", MODEL, "-f", "--file", str(PROD), "--region", REGIONS[1]]
    out = io.StringIO()
    with answering({REGIONS[1]: rounds}) as connect, redirect_stdout(out):
        code = command.run(typed(command.Arguments, parse(argv)), connect=connect, clock=clock)
    assert code == 0
    assert [line.split()[-1] for line in out.getvalue().splitlines()] == ["one", "late", "two"]
    assert len(slept) == 2, "a terminal that was forgotten stops asking after 12 hours"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["mistral"], "did you mean mistral-7b?"),
        ([MODEL, "--grep", "("], "is no regular expression"),
        ([MODEL, "--since", "0s"], "write a number and s, m, h or d"),
    ],
)
def test_what_cannot_be_asked_is_wrong_usage(argv: list[str], said: str) -> None:
    code, error = running.refused("logs", *argv, "--file", str(PROD))
    assert (code, said in error) == (2, True), error


LINES = st.builds(
    Line,
    at=st.integers(0, 300).map(lambda s: NOW + timedelta(seconds=s)),
    region=st.sampled_from(REGIONS),
    container=st.sampled_from([MODEL, "proxy"]),
    task=st.sampled_from(["aaaa", "bbbb"]),
    text=st.text(max_size=20),
    id=st.uuids().map(str),
)


@given(st.lists(LINES, max_size=30, unique_by=lambda x: x.id), st.data())
def test_whatever_is_read_again_each_line_comes_once_and_in_order(
    lines: list[Line], data: st.DataObject
) -> None:
    ordered = sorted(lines, key=lambda x: x.at)
    merge = Merge(NOW)
    got: list[Line] = []
    for end in sorted(data.draw(st.lists(st.integers(0, len(lines)), max_size=4))) + [len(lines)]:
        there = [x for x in ordered[:end] if x.at >= merge.since]
        fresh = merge.new(data.draw(st.permutations(there)))
        assert [x.at for x in fresh] == sorted(x.at for x in fresh)
        got += fresh
    assert sorted(got, key=lambda x: x.id) == sorted(lines, key=lambda x: x.id)


@given(st.lists(LINES, max_size=10))
def test_a_line_is_one_line_whatever_is_in_it(lines: list[Line]) -> None:
    text = list(renderer(REGIONS, MODEL, REASONS, coloured=False)(lines))
    assert len(text) == len(lines)
    assert not any("\n" in line or "\x1b" in line for line in text)


def test_the_task_has_a_colour_and_its_name() -> None:
    lines = [Line(NOW, REGIONS[0], MODEL, task, "x", task) for task in ("aaaaaaaa", "bbbbbbbb")]
    first, second = renderer(REGIONS, MODEL, REASONS, coloured=True)(lines)
    assert first.replace("aaaaaaaa", "bbbbbbbb") != second, "colours differ as well"
    assert "aaaaaaaa" in first and Path(PROD).exists()
