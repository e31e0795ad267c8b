"""The production stack with all of `security`, as the program registers it."""

import functools
import json

from neuron_ecs.recording.graph import Recording
from tests.contract.graphs import ROOT, texts
from tests.recorder import record_program

FILE = "Pulumi.prod.yaml"
_WEB_ACL = "arn:aws:wafv2:{}:111122223333:regional/webacl/models/0a1b2c3d"


@functools.cache
def recording() -> Recording:
    """The graph of the production stack, with what its stack file leaves out of `security`."""
    given = texts(FILE)
    regions = json.loads(given.config["neuron-ecs:regions"])
    security = {
        "access_logs": "s3://logs-{region}/requests/",
        "flow_logs": "s3://logs-{region}/connections/",
        "deletion_protection": True,
        "exec_logs": True,
        "kms_keys": "arn:aws:kms:{region}:111122223333:key/mrk-0a1b2c3d",
        "s3_accounts": [],
        "web_acl_arns": {region: _WEB_ACL.format(region) for region in regions},
    } | json.loads(given.config.get("neuron-ecs:security", "{}"))
    config = {**given.config, "neuron-ecs:security": json.dumps(security)}
    return record_program(ROOT, config=config, project=given.project, stack=given.stack)
