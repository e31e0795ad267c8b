"""A command that people write is judged as `fit` judges the same model on the same cores."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import ModelDeployment, load
from planning.serving.memory import Verdict
from planning.serving.served import Served
from planning.serving.servers import LANGUAGE_MODEL_SERVERS, SERVERS
from tests.planning.fixtures import PINNED
from tests.planning.fixtures_served import LLAMA, TOKEN, running, serving
from tests.planning.stacks import Config, Entry, codes, finding, findings_of, groups, stack

KNOWN = load()
IMAGES = {i.server: i.image for i in reversed(KNOWN.serving.images)}
VERDICTS = {"NE910": Verdict.NO, "NE911": Verdict.TIGHT}
SERVED = st.sampled_from(sorted(LANGUAGE_MODEL_SERVERS))
OFFERED = {"inf2": "us-west-2", "trn1": "us-west-2", "trn2": "us-east-2"}


def command_of(
    server: str, model: str, kind: str, degree: int, sequences: int, length: int
) -> Config:
    """One model with the command of its server, on devices for its degree."""
    hardware = KNOWN.instances.neuron_types[kind].neuron
    assert hardware is not None
    shape = KNOWN.serving.models[model]
    served = Served("m", model, degree, sequences, length, model=shape)
    needed = -(-degree // hardware.logical_cores_per_device)
    devices = KNOWN.neuron.legal_count(kind, at_least=needed)
    entry: Entry = {
        "image": IMAGES[server],
        "command": list(SERVERS[server].command(served)),
        "capacity": "pool",
        "neuron_devices": devices,
        "secrets": TOKEN,
    }
    region = OFFERED[hardware.family]
    return stack(
        home=region,
        regions={region: {}},
        capacity={"pool": groups(kind, 1)},
        models={"m": entry},
    )


def judged(config: Config) -> Verdict:
    """What the plan says of the memory of the devices."""
    said = [VERDICTS[f.code] for f in findings_of(config) if f.code in VERDICTS]
    return max(said, default=Verdict.FITS)


def estimated(
    server: str, model: str, kind: str, degree: int, sequences: int, length: int
) -> Verdict:
    """What `fit` says of it."""
    hardware = KNOWN.instances.neuron_types[kind].neuron
    assert hardware is not None
    return (
        LANGUAGE_MODEL_SERVERS[server]
        .estimate(
            KNOWN.serving.models[model],
            degree=degree,
            sequences=sequences,
            length=length,
            core_gib=hardware.device_memory_mib / 1024 / hardware.logical_cores_per_device,
        )
        .verdict
    )


@settings(max_examples=100)
@given(
    SERVED,
    st.sampled_from(sorted(n for n, m in KNOWN.serving.models.items() if m.kind == "decoder")),
    st.sampled_from(("inf2.xlarge", "inf2.48xlarge", "trn1.32xlarge", "trn2.48xlarge")),
    st.sampled_from((1, 2, 8)),
    st.sampled_from((1, 4, 32, 256)),
    st.sampled_from((512, 2048, 8192)),
)
def test_plan_and_fit_agree_on_the_memory_of_a_command(
    server: str, model: str, kind: str, degree: int, sequences: int, length: int
) -> None:
    if degree not in KNOWN.neuron.tensor_parallel_degrees(kind):
        return
    asked = (server, model, kind, degree, sequences, length)
    assert judged(command_of(*asked)) == estimated(*asked)


@pytest.mark.parametrize(
    "seen",
    [d for d in KNOWN.serving.deployments if d.weight_bytes == 2],
    ids=lambda d: f"{d.model}-{d.instance_type}-{d.tensor_parallel}-{d.sequences}x{d.length}",
)
def test_what_was_seen_to_run_is_no_error_of_the_plan(seen: ModelDeployment) -> None:
    config = command_of(
        seen.server,
        seen.model,
        seen.instance_type,
        seen.tensor_parallel,
        seen.sequences,
        seen.length,
    )
    verdict = judged(config)
    if seen.works:
        assert verdict is not Verdict.NO, "AWS or somebody else ran it"
    else:
        codes = {f.code for f in findings_of(config)}
        assert verdict is not Verdict.FITS or "NE917" in codes, "a failure is told"


def test_host_volumes_are_counted_against_a_written_size_of_the_disk() -> None:
    pool = groups("inf2.8xlarge", ami={"version": PINNED}, root_volume_gib=100)
    volumes = {"data": {"kind": "host", "size_gib": 50}}
    config = running(LLAMA, secrets=TOKEN, pool=pool, mounts={"data": "/data"})
    found = finding({**config, "neuron-ecs:volumes": json.dumps(volumes)}, "NE919")
    assert "with 50 of host volumes" in found.what
    assert "NE919" not in codes(running(LLAMA, secrets=TOKEN, pool=pool))


@pytest.mark.parametrize(("said", "severity"), [(None, 2), (True, 3), (False, None)])
def test_a_model_that_is_like_a_gated_one_may_be_gated_itself(
    said: bool | None, severity: int | None
) -> None:
    shape: Entry = {"like": LLAMA} | ({} if said is None else {"needs_token": said})
    found = findings_of(serving({"model": "acme/tuned"}, shapes={"acme/tuned": shape}))
    levels = [f.severity for f in found if f.code == "NE914"]
    assert levels == ([] if severity is None else [severity])
