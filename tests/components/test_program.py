"""The program itself: from the stack file's texts to resources, or to a refusal before any."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from planning import Refused
from tests.recorder import PROJECT, of_type, record_program

PROGRAM = Path(__file__).parents[2]

STACK_FILE: dict[str, Any] = {
    "regions": {"us-west-2": {}, "us-east-2": {}},
    "capacity": {
        "inf2": {"kind": "auto_scaling", "instance_type": "inf2.24xlarge", "max_size": 4},
        "trn1": {
            "kind": "managed_instances",
            "allowed_instance_types": ["trn1.2xlarge"],
            "regions": ["us-west-2"],
        },
    },
    "models": {
        "llama": {
            "image": "public.ecr.aws/acme/serving:1.0",
            "capacity": "inf2",
            "neuron_devices": 2,
            "port": 8080,
            "replicas": {"min": 1, "max": 2},
        }
    },
}


def _texts(**changed: Any) -> dict[str, str]:
    return {f"{PROJECT}:{k}": json.dumps(v) for k, v in {**STACK_FILE, **changed}.items()}


def test_the_program_builds_what_the_stack_file_says() -> None:
    recording = record_program(PROGRAM, config=_texts())
    assert {r.name for r in of_type(recording, "neuron-ecs:components:Region")} == {
        "us-east-2",
        "us-west-2",
    }
    assert set(recording.outputs) == {"regions", "urls", "run_commands", "chips"}


def test_a_key_that_nobody_reads_is_refused_without_a_traceback() -> None:
    with pytest.raises(pulumi.RunError, match=r"modles[^.]+did you mean models") as refused:
        record_program(PROGRAM, config=_texts(modles={}))
    assert isinstance(refused.value.__cause__, Refused), "the preview prints its findings"


def test_what_the_engine_decrypts_is_refused_before_anything_is_built() -> None:
    """The engine hands over the key at or below which a value is encrypted, and the value."""
    environment = {"TOKEN": "hunter2"}
    texts = _texts(models={"llama": {**STACK_FILE["models"]["llama"], "environment": environment}})
    secrets = [f"{PROJECT}:models", "aws:region", "aws:secretKey"]
    record_program(PROGRAM, config=texts, secrets=secrets[1:])
    with pytest.raises(pulumi.RunError, match="NE004  models holds a value") as refused:
        record_program(PROGRAM, config=texts, secrets=secrets)
    assert "hunter2" not in str(refused.value)


def test_every_mistake_is_named_at_once() -> None:
    texts = _texts(capacity={}, models={"a": {}, "b": {}})
    with pytest.raises(pulumi.RunError) as refused:
        record_program(PROGRAM, config=texts)
    assert "models.a" in str(refused.value) and "models.b" in str(refused.value)


def test_warnings_reach_the_engines_log() -> None:
    recording = record_program(PROGRAM, config=_texts(traffic={"allow_from": ["10.0.0.0/8"]}))
    warnings = [m.text for m in recording.messages if m.severity == "warning"]
    assert any("traffic.certificate_arns" in text for text in warnings)


def test_the_program_stays_short() -> None:
    lines = (PROGRAM / "__main__.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40, "read, plan, build, export: whatever else belongs in a package"
