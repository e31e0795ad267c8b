"""Small stack files for tests: each key as the JSON text that the engine hands over."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from catalog import load
from config import parse
from planning import Finding, Plan, Severity, decide
from planning.make import judge
from planning.settle import settle
from planning.situation import Situation

PROJECT = "neuron-ecs"
STACK = "test"
HOME = "us-west-2"
IMAGE = "public.ecr.aws/acme/serving:1.0"

Config = dict[str, str]
Entry = dict[str, Any]


def stack(*, home: str = HOME, **keys: Any) -> Config:
    """The configuration with these keys of the project, in one Region where none is given."""
    given: Entry = {"regions": {HOME: {}}, **keys}
    texts = {f"{PROJECT}:{key}": json.dumps(value) for key, value in given.items()}
    return {"aws:region": home, **texts}


def changed(config: Config, key: str, **values: object) -> Config:
    """The configuration with other values under the keys below `key`, such as `models.a`."""
    top, *path = key.split(".")
    whole: Any = json.loads(config[f"{PROJECT}:{top}"])
    place = whole
    for part in path:
        place = place[part]
    place.update(values)
    return {**config, f"{PROJECT}:{top}": json.dumps(whole)}


def groups(instance_type: str = "inf2.xlarge", max_size: int = 4, **more: Any) -> Entry:
    """A pool of Auto Scaling capacity."""
    return {"kind": "auto_scaling", "instance_type": instance_type, "max_size": max_size, **more}


def managed(*types: str, **more: Any) -> Entry:
    """A pool of Managed Instances capacity."""
    return {"kind": "managed_instances", "allowed_instance_types": list(types), **more}


def work(devices: object = None, capacity: str = "pool", **more: Any) -> Entry:
    """A model or job."""
    entry: Entry = {"image": IMAGE, "capacity": capacity, **more}
    return entry if devices is None else {**entry, "neuron_devices": devices}


def existing(**subnets: str) -> Entry:
    """A Region with a network that exists: zone ids, written with underscores, to subnets."""
    private = {zone.replace("_", "-"): subnet for zone, subnet in subnets.items()}
    return {"network": {"vpc_id": "vpc-0a", "private_subnets": private}}


def certificates(*regions: str) -> Entry:
    """Traffic with a certificate for each Region."""
    arn = "arn:aws:acm:{}:111122223333:certificate/0a1b"
    return {"certificate_arns": {region: arn.format(region) for region in regions}}


def decide_on(config: Mapping[str, str] | None = None, *, name: str = STACK, **keys: Any) -> Plan:
    """The plan for a configuration, or for `stack(**keys)`. Raises `Refused`.

    One configuration is planned once for many questions in a row.
    """
    return _decided(tuple((config or stack(**keys)).items()), name)


@lru_cache(maxsize=64)
def _decided(texts: tuple[tuple[str, str], ...], name: str) -> Plan:
    return decide(dict(texts), load(), project=PROJECT, stack=name)


def situation_of(config: Mapping[str, str]) -> Situation:
    """The situation that the rules see."""
    prefix = f"{PROJECT}:"
    texts = {k.removeprefix(prefix): v for k, v in config.items() if k.startswith(prefix)}
    return settle(
        parse(texts), load(), project=PROJECT, stack=STACK, home_region=config["aws:region"]
    )


def findings_of(config: Mapping[str, str]) -> tuple[Finding, ...]:
    """All findings, whether the stack is refused or not."""
    return judge(situation_of(config))


def finding(config: Mapping[str, str], code: str) -> Finding:
    """The one finding of the code."""
    (found,) = [f for f in findings_of(config) if f.code == code]
    return found


def codes(config: Mapping[str, str], least: Severity = Severity.NOTE) -> set[str]:
    """The codes of all findings of this severity or a higher one."""
    return {f.code for f in findings_of(config) if f.severity >= least}
