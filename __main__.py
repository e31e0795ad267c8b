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
    given = stack_file()
    secret = [k for k in given if engine.is_config_secret(k) and k != "aws:region"]
    try:
        plan = decide(
            given, catalog.load(), project=PROJECT, stack=pulumi.get_stack(), encrypted=secret
        )
    except Refused as refused:
        raise pulumi.RunError(str(refused)) from refused
    warnings = [f for f in plan.findings if f.severity is Severity.WARNING]
    texts = [f"{f.code}  {f.path} {f.what}\n    fix:  {f.fix}" for f in page(warnings)]
    for text in (*texts, *left_out(warnings)):
        pulumi.log.warn(text)
    for name, value in build(plan).items():
        pulumi.export(name, value)


main()
