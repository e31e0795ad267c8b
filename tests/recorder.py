"""The recorder that tests share: a program, or the text of one, run under the strict engine.

    recording = record_program('''
        import pulumi_aws as aws
        aws.ecs.Cluster("one", region="us-west-2")
    ''')
    assert only(recording, "ecs.Cluster").inputs["region"] == "us-west-2"

A program is drained to the end before anything comes back, so an assertion about the recording
sees all of it; an assertion that fails inside an `apply` of the program fails the test.
"""

import functools
import tempfile
import textwrap
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from neuron_ecs.recording.engine import record
from neuron_ecs.recording.graph import Recording, Resource, short_type
from neuron_ecs.recording.sdk_types import resource_type

PROJECT = "neuron-ecs"
STACK = "test"


def record_program(
    program: str | Path | Callable[[], object],
    *,
    config: Mapping[str, str] | None = None,
    project: str = PROJECT,
    stack: str = STACK,
    preview: bool = False,
    lookups: Collection[str] = (),
    secrets: Collection[str] = (),
) -> Recording:
    """Records a program: its file, its directory, its source, or a function that builds it.

    A function may use whatever the test has at hand, components and plans above all.
    """
    settings = {"aws:region": "us-west-2", **(config or {})}
    run = functools.partial(
        record,
        project=project,
        stack=stack,
        config=settings,
        preview=preview,
        lookups=lookups,
        secrets=secrets,
    )
    if not isinstance(program, str):
        return run(program)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "__main__.py"
        path.write_text(textwrap.dedent(program), encoding="utf-8")
        return run(path)


def of_type(recording: Recording, type_: str) -> list[Resource]:
    """All resources of a type (`ecs.Service`, or a whole token), in order of registration."""
    return [r for r in recording.resources if type_ in {r.type, short_type(r.type)}]


def output_names(token: str) -> frozenset[str]:
    """The camelCase names of the outputs of a resource type."""
    known = resource_type(token)
    assert known is not None, token
    return known.outputs


def named(recording: Recording, name: str) -> Resource:
    """The one resource with this logical name."""
    return _one([r for r in recording.resources if r.name == name], f"named {name!r}", recording)


def only(recording: Recording, type_: str) -> Resource:
    """The one resource of this type."""
    return _one(of_type(recording, type_), f"of type {type_}", recording)


def _one(found: list[Resource], what: str, recording: Recording) -> Resource:
    if len(found) != 1:
        everything = "\n".join(f"  {short_type(r.type)} {r.name}" for r in recording.resources)
        raise AssertionError(f"{len(found)} resources {what}, not one; recorded:\n{everything}")
    return found[0]
