"""How long the jobs that deploy the stacks of a project can take, and their credentials last."""

from dataclasses import dataclass, replace
from pathlib import Path

import catalog
from neuron_ecs.stackfile.reading import read
from planning import Refused
from planning.duration import update_minutes

JOB_MINUTES = 360
"""Of a job on a runner of GitHub, at most.

https://docs.github.com/en/actions/reference/limits
"""

_INSTALL_MINUTES, _VERIFY_MINUTES = 10, 10  # of a job, before an update and after it


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stack, the minutes of its job and the seconds of its session; both within their limits."""

    stack: str
    production: bool
    update_minutes: int
    session_seconds: int
    job_minutes: int

    @property
    def minutes_left(self) -> int:
        """What the job and its credentials leave for the update."""
        return self.job_minutes - _INSTALL_MINUTES - _VERIFY_MINUTES


def deployment(stack: str, directory: Path) -> Deployment:
    """Returns the deployment of a stack of the project. Raises `Refused` if it cannot be built."""
    tables = catalog.load()
    try:
        plan = read(stack=stack, file=None, directory=directory).plan(tables)
    except Refused as refused:
        name = f"Pulumi.{stack}.yaml: "
        found = (f if name in f.path else replace(f, path=name + f.path) for f in refused.findings)
        raise Refused(found) from None
    minutes, longest = update_minutes(plan), tables.limits.value("role_session_seconds_max") // 60
    most = min(JOB_MINUTES - _INSTALL_MINUTES, longest) - _VERIFY_MINUTES
    session = min(minutes, most) + _VERIFY_MINUTES
    return Deployment(
        stack,
        plan.stage == "production" or stack.startswith("prod"),
        minutes,
        60 * session,
        session + _INSTALL_MINUTES,
    )
