"""The program run offline, with what the engine or the plan refuses as findings."""

from collections.abc import Mapping
from pathlib import Path

from messages.finding import Finding, Refused, Severity
from neuron_ecs.recording.graph import Recording
from neuron_ecs.recording.plans import ROOT

PROGRAM = ROOT / "__main__.py"
"""The program of this checkout."""


def recorded(program: Path, project: str, stack: str, config: Mapping[str, str]) -> Recording:
    """Runs the program offline. Raises `Refused` for its plan, or for what the engine refuses."""
    from pulumi import RunError

    from neuron_ecs.recording.engine import RecordingError, record

    try:
        return record(program, project=project, stack=stack, config=config)
    except RecordingError as error:
        why = "the engine or the provider would refuse it"
        fix = "the stack file is not to blame: correct the component that registers it"
        raise Refused([_failed(problem, why, fix) for problem in error.problems]) from error
    except RunError as error:
        if isinstance(error.__cause__, Refused):
            raise error.__cause__ from None
        raise Refused([_failed(f"ended: {error}", "", "correct what it says")]) from error


def _failed(what: str, why: str, fix: str) -> Finding:
    return Finding("NE003", Severity.ERROR, "the program", what, why, fix)
