"""Words of other tools get an answer that is true of the fields that exist."""

import inspect
import json
import re
from typing import Any

import pytest
from pydantic import BaseModel

from config import ShapeError, capacity, parse, places, settings, shapes, volumes, workloads
from config.alarms import Alarms, Slack
from config.annotations import is_model
from config.capacity import AutoScalingCapacity, Capacity, ManagedInstancesCapacity
from config.places import ExistingNetworkEntry, OwnNetworkEntry, RegionEntry
from config.replicas import Scaling
from config.settings import Security, Settings, Traffic
from config.shapes import Shape
from config.volumes import EbsVolumeEntry
from config.words import WORDS, advice_on
from config.workloads import Container, JobEntry, ModelEntry, Sidecar, Workload
from messages.finding import Finding
from neuron_ecs.stackfile.yaml_values import load

MODELS = {
    member
    for module in (capacity, places, settings, shapes, volumes, workloads)
    for member in vars(module).values()
    if inspect.isclass(member) and is_model(member)
}
FIELDS = {name for model in MODELS for name in model.model_fields}
VALUES = {"auto_scaling", "capacity_block", "capacity_reservation", "cloud_map"}
PLACES: dict[type[BaseModel], tuple[tuple[str, ...], ...]] = {
    Container: (("models", "m"), ("jobs", "j"), ("models", "m", "sidecars", "s")),
    Workload: (("models", "m"), ("jobs", "j")),
    Sidecar: (("models", "m", "sidecars", "s"),),
    ModelEntry: (("models", "m"),),
    JobEntry: (("jobs", "j"),),
    Capacity: (("capacity", "a"), ("capacity", "b")),
    AutoScalingCapacity: (("capacity", "a"),),
    ManagedInstancesCapacity: (("capacity", "b"),),
    Traffic: (("traffic",),),
    Security: (("security",),),
    RegionEntry: (("regions", "us-west-2"),),
    OwnNetworkEntry: (("regions", "us-west-2", "network"),),
    ExistingNetworkEntry: (("regions", "us-east-1", "network"),),
    Settings: ((),),
    Scaling: (("models", "m", "scaling"),),
    Shape: (("shapes", "acme/tuned"),),
    EbsVolumeEntry: (("volumes", "v"),),
    Alarms: (("alarms",),),
    Slack: (("alarms", "slack"),),
}


def findings(values: dict[str, Any]) -> tuple[Finding, ...]:
    try:
        parse({key: json.dumps(value) for key, value in values.items()})
    except ShapeError as error:
        return error.findings
    return ()


def whole(place: tuple[str, ...], key: str, value: Any) -> dict[str, Any]:
    """A stack file of the right form, with one more key at the place."""
    work = {"image": "repo:1", "capacity": "a"}
    given = {"vpc_id": "vpc-0a", "private_subnets": {"use1-az1": "subnet-0a"}}
    values: dict[str, Any] = {
        "regions": {"us-west-2": {"network": {}}, "us-east-1": {"network": given}},
        "capacity": {
            "a": {"kind": "auto_scaling", "instance_type": "inf2.xlarge", "max_size": 1},
            "b": {"kind": "managed_instances", "allowed_instance_types": ["trn1.2xlarge"]},
        },
        "models": {"m": {**work, "scaling": {}, "sidecars": {"s": {"image": "repo:2"}}}},
        "jobs": {"j": dict(work)},
        "traffic": {},
        "shapes": {"acme/tuned": {}},
        "volumes": {"v": {"kind": "ebs", "size_gib": 1}},
        "security": {},
        "alarms": {"slack": {"workspace": "T0123ABCD", "channel": "C0123ABCD"}},
    }
    at = values
    for step in place:
        at = at[step]
    at[key] = value
    return values


ROWS = [(home, words, text) for home, own in WORDS.items() for words, text in own.items()]


@pytest.mark.parametrize(("home", "words", "text"), ROWS, ids=lambda v: str(v)[:30])
def test_what_the_table_says_to_write_has_the_right_form(
    home: type[BaseModel], words: str, text: str
) -> None:
    assert text.startswith(("write ", "no field "))
    assert words.split() == sorted(set(words.split()))
    extended = MODELS if text.startswith("no field ") else ()
    owners = [home, *(model for model in extended if issubclass(model, home))]
    taken = [word for word in words.split() if any(word in m.model_fields for m in owners)]
    assert not taken, f"{taken} are fields now: remove them from WORDS in config/words.py"
    for place in PLACES[home]:
        for word in words.split():
            [found] = findings(whole(place, word, "x"))
            is_field = found.fix.startswith("remove it, or ")  # of the other kind of capacity
            assert found.fix == text or is_field
        if text.startswith("write "):
            example: dict[str, Any] = load(text.removeprefix("write ").partition("; ")[0]).value
            for key, value in example.items():
                assert findings(whole(place, key, value)) == ()
    for name in re.findall(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b", text):
        assert name in FIELDS | VALUES, f"{name} is no field any more: say what there is instead"


@pytest.mark.parametrize(
    ("place", "words"),
    {
        ("models", "m"): "env gpu cache mount_points volumes ulimits privileged devices "
        "repository_credentials autoscaling min_replicas",
        ("capacity", "a"): "user_data instance_refresh reservation_preference",
        ("traffic",): "internet_facing",
    }.items(),
)
def test_words_that_people_bring_along_have_an_answer(place: tuple[str, ...], words: str) -> None:
    for word in words.split():
        [found] = findings(whole(place, word, "x"))
        assert found.path == ".".join((*place, word))
        assert found.fix.startswith(("write ", "no field "))


@pytest.mark.parametrize("key", ["mountPoints", "mount-points", "MOUNT_POINTS", "a/mount_points"])
def test_a_word_is_known_however_it_is_spelt(key: str) -> None:
    assert advice_on(key, ModelEntry) == advice_on("volumes", ModelEntry)
