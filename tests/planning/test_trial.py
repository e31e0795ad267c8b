"""Proposals are tried: they suit the rest of an entry, and large files end the trials."""

from pathlib import Path
from typing import Any

import pytest

from config import Settings
from neuron_ecs.stackfile.reading import read
from planning.make import judge as judged
from planning.rules import RULES
from planning.trial import MOST_ENTRIES, Errors, Trials
from tests.planning.stacks import finding, groups, managed, situation_of, stack, work


@pytest.mark.parametrize(
    ("pool", "likely"),
    [
        ({"instance_type": "inf2.xlarg"}, "did you mean inf2.xlarge?"),
        ({"instance_type": "trn1.2xlarge2", "efa": True}, "did you mean trn1.32xlarge?"),
    ],
)
def test_a_mistyped_type_is_answered_with_one_that_suits_the_pool(
    pool: dict[str, Any], likely: str
) -> None:
    config = stack(capacity={"pool": {"kind": "auto_scaling", "max_size": 1, **pool}})
    assert finding(config, "NE104").fix.startswith(likely)


def test_a_missing_type_is_answered_with_one_that_suits_the_pool() -> None:
    pool = {"kind": "managed_instances", "local_storage": True}
    assert finding(stack(capacity={"pool": pool}), "NE140").fix == "write [trn1.*]"


def test_a_mistyped_pool_is_answered_with_one_that_has_room() -> None:
    pools = {"small": managed("c7g.large"), "smell": managed("c7g.4xlarge")}
    model = work(capacity="smalll", memory_mib=16384)
    config = stack(capacity=pools, models={"m": model})
    assert finding(config, "NE108").fix == "did you mean smell?"


def test_a_mistyped_pool_of_a_served_model_is_answered_with_one_that_can_serve_it() -> None:
    pools = {"small": groups("inf2.xlarge"), "smell": groups("inf2.48xlarge")}
    for model, likely in (("Qwen/Qwen2.5-32B-Instruct", "smell"), ("Qwen/Qwen3-0.6B", "small")):
        entry = {"capacity": "smalll", "serve": {"model": model, "max_model_len": 2048}}
        config = stack(capacity=pools, models={"m": entry})
        assert finding(config, "NE108").fix.startswith(f"did you mean {likely}?")


def test_what_the_planner_adds_is_tried_as_it_is_written_out() -> None:
    entry = {
        "capacity": "pool",
        "serve": {"model": "Qwen/Qwen3-0.6B", "cache": "files", "compile": "ahead"},
    }
    volumes = {"files": {"kind": "efs"}}
    config = stack(capacity={"pool": groups()}, models={"m": entry}, volumes=volumes)
    situation = situation_of(config)
    judged(situation)
    (job,) = situation.compile_jobs
    assert situation.passes({f"jobs.{job}.capacity": "pool"})
    assert not situation.passes({f"jobs.{job}.capacity": "another"})


def test_trials_of_a_large_file_end() -> None:
    pool = {"capacity.pool.instance_type": "c7g.large"}
    for number, passes in ((1, False), (MOST_ENTRIES, True)):
        models = {f"m{n}": work(1) for n in range(number)}
        situation = situation_of(stack(capacity={"pool": groups(max_size=number)}, models=models))
        situation.trials = Trials(situation.settings, situation.settings, errors)
        assert situation.passes(pool) is passes


def errors(settings: Settings, written_out: bool) -> Errors:
    """An error where the type is no Neuron type."""
    (pool,) = settings.capacity.values()
    chips = getattr(pool, "instance_type", "").startswith("inf")
    return frozenset() if chips else frozenset({("NE201", "models.m.neuron_devices")})


@pytest.mark.parametrize("file", ["Pulumi.prod.yaml", "examples/cpu-beside-neuron.yaml"])
def test_a_rule_that_has_nothing_to_say_tries_nothing(file: str) -> None:
    """A trial judges the whole stack file again."""
    root = Path(__file__).resolve().parents[2]
    situation = situation_of(read(stack=None, file=root / file, directory=root).config)
    wasteful: list[str] = []
    for rule in RULES:
        tried: list[Settings] = []

        def counted(settings: Settings, _: bool, tried: list[Settings] = tried) -> Errors:
            tried.append(settings)
            return frozenset()

        situation.trials = Trials(situation.source, situation.settings, counted)
        if not list(rule.check(situation)) and tried:
            wasteful.append(rule.code)
    assert wasteful == []
