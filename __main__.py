"""The program: reads the stack file, plans, builds, exports."""

import pulumi
from pulumi.runtime import config as engine

import catalog
from components import build
from planning import Refused, Severity, decide, left_out, page

PROJECT = pulumi.get_project()


def stack_file() -> dict[str, str]:
    """All of the stack file that is the planner's: our keys, known or not, and the home Region.

    `pulumi.Config` reads keys that one can name; a misspelt key is found by reading them all.
    """
    given = engine.CONFIG.get() or engine.get_config_env()
    return {k: v for k, v in given.items() if k.startswith(f"{PROJECT}:") or k == "aws:region"}


def main() -> None:
    """Refuses with every finding at once, before the first resource."""
    try:
        plan = decide(stack_file(), catalog.load(), project=PROJECT, stack=pulumi.get_stack())
    except Refused as refused:
        raise pulumi.RunError(str(refused)) from refused
    warnings = [f for f in plan.findings if f.severity is Severity.WARNING]
    for finding in page(warnings):
        pulumi.log.warn(f"{finding.code}  {finding.path} {finding.what}\n    fix:  {finding.fix}")
    for line in left_out(warnings):
        pulumi.log.warn(line)
    for name, value in build(plan).items():
        pulumi.export(name, value)


main()
