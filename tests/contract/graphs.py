"""The graph of every stack file of the project: the real program, recorded once per session."""

import functools
from pathlib import Path

from neuron_ecs.recording.graph import Recording, Resource
from neuron_ecs.stackfile import reading as stack_file
from tests.recorder import record_program

ROOT = Path(__file__).parents[2]

STACK_FILES = tuple(
    str(path.relative_to(ROOT))
    for path in (*sorted(ROOT.glob("Pulumi.*.yaml")), *sorted(ROOT.glob("examples/*.yaml")))
)
"""Every stack file that the project ships, by its path from the root."""

CORNERS = "tests/contract/corners.yaml"
"""What those leave out, in one stack file of its own."""

EVERY_FILE = (*STACK_FILES, CORNERS)


@functools.cache
def texts(file: str) -> stack_file.StackFile:
    """The stack file as the engine hands it over."""
    return stack_file.read(stack=None, file=ROOT / file, directory=ROOT)


@functools.cache
def graph(file: str, *, preview: bool = False) -> Recording:
    """What the program registers for a stack file; nobody may change what this returns."""
    given = texts(file)
    return record_program(
        ROOT, config=given.config, project=given.project, stack=given.stack, preview=preview
    )


def aws_resources(recording: Recording) -> list[Resource]:
    """What AWS sees: all but components."""
    return [r for r in recording.resources if r.type.startswith("aws:")]
