"""The difference of one of the stacks that a change touches."""

from pathlib import Path

from neuron_ecs.chipmap.page import page
from neuron_ecs.diff import markdown, summary
from neuron_ecs.diff.difference import put_together
from neuron_ecs.diff.document import document, not_compared
from neuron_ecs.diff.sides import Program, read_sides
from neuron_ecs.recording.plans import Recorder
from neuron_ecs.terminal import UsageError
from neuron_ecs.workflows.comment import Compared


def compare_stack(
    stack: str,
    base: str,
    head: str,
    *,
    base_python: str | None,
    program: Program | None,
    directory: Path,
    recorder: Recorder | None,
) -> Compared:
    """The difference of one stack. What cannot be compared is a failure that says why."""
    try:
        sides = read_sides(
            base,
            head,
            stack=stack,
            base_python=base_python,
            program=program,
            directory=directory,
            recorder=recorder,
        )
    except UsageError as error:
        said = f"Cannot be compared: {error}"
        text = f"❌ **{markdown.plain(said)}**\n"
        return Compared(stack, said, True, True, lambda _: text, not_compared(stack, said))
    whole = put_together(sides)
    return Compared(
        stack,
        summary.verdict(whole),
        whole.changed,
        whole.failed,
        lambda limit: markdown.render(whole, limit=limit),
        document(whole),
        page(whole.base.plan, whole.head.plan) if whole.head.plan else None,
    )
