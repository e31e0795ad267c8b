"""The production stack with all of `security` and what else its stack file leaves out."""

import functools
import json
from typing import Any

from neuron_ecs.recording.graph import Recording
from tests.contract.graphs import ROOT, texts
from tests.recorder import record_program

FILE = "Pulumi.prod.yaml"
_WEB_ACL = "arn:aws:wafv2:{}:111122223333:regional/webacl/models/0a1b2c3d"


_CHANGED = ("alarms", "models", "regions", "security", "volumes")
_TOPIC = "arn:aws:sns:{region}:111122223333:on-call"
_MODEL = "qwen2-5-7b"  # gets a name in the network
_COMPILED = {
    "capacity": "inf2-shared",
    "serve": {
        "model": "Qwen/Qwen3-0.6B",
        "max_model_len": 2048,
        "cache": "compiled",
        "compile": "ahead",
    },
    "regions": ["us-west-2"],
}


@functools.cache
def recording() -> Recording:
    """The graph of the production stack, with all of `security`, alarms with every kind of
    recipient, names of Cloud Map, a model that a job compiles into EFS, and an EBS volume."""
    given = texts(FILE)
    written = {key: json.loads(given.config.get(f"neuron-ecs:{key}", "{}")) for key in _CHANGED}
    security: dict[str, Any] = {
        "access_logs": "s3://logs-{region}/requests/",
        "flow_logs": "s3://logs-{region}/connections/",
        "deletion_protection": True,
        "exec_logs": True,
        "kms_keys": "arn:aws:kms:{region}:111122223333:key/mrk-0a1b2c3d",
        "s3_accounts": [],
        "web_acl_arns": {region: _WEB_ACL.format(region) for region in written["regions"]},
    }
    alarms = {
        "topics": [_TOPIC],
        "emails": ["on-call@example.com"],
        "slack": {"workspace": "T0123ABCD", "channel": "C0123ABCD"},
    }
    models = written["models"]
    models[_MODEL] |= {"discovery": "cloud_map", "mounts": {"scratch": "/scratch"}}
    changed = written | {
        "alarms": alarms | written["alarms"],
        "models": models | {"compiled": _COMPILED},
        "security": security | written["security"],
        "volumes": {"compiled": {"kind": "efs"}, "scratch": {"kind": "ebs", "size_gib": 100}},
    }
    changed["dashboards"] = True
    config = given.config | {
        f"neuron-ecs:{key}": json.dumps(value) for key, value in changed.items()
    }
    return record_program(ROOT, config=config, project=given.project, stack=given.stack)
