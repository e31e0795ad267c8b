"""`make security`: checkov over the production stack with all of `security`, parliament over every
policy, and what they find compared with `baseline.csv`.

Both run in an environment of their own, as programs. Exit code 1: a finding is not in the baseline,
or a row of it has no finding any more.
"""

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from neuron_ecs.cli.docs import CHANGING_POLICIES
from tests.contract.graphs import EVERY_FILE, ROOT, graph
from tests.recorder import of_type
from tests.security.converting import plan
from tests.security.secured import recording

PROGRAMS = ROOT / ".venv-security" / "bin"
BASELINE = Path(__file__).with_name("baseline.csv")
_PARLIAMENT = """
import json, sys
from parliament import analyze_policy_string
for name, policy in json.load(sys.stdin).items():
    for finding in analyze_policy_string(policy).findings:
        print(f"{name}: {finding}")
"""

NEWER = ("s3files",)
"""Services that are newer than parliament 1.6.4.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3files.html
"""

Found = tuple[str, str]
"""A check and the kind of resource that fails it."""


def baseline() -> Mapping[Found, str]:
    """The reason for each check that fails, by check and kind of resource."""
    with BASELINE.open(encoding="utf-8", newline="") as file:
        return {(r["check"], r["resource"]): r["reason"] for r in csv.DictReader(file)}


def unexpected(found: Iterable[tuple[Found, str]], known: Iterable[Found]) -> list[str]:
    """Returns a line for each check that fails without a row, and for each row without a failure.

    `found` has each failed check with the address of its resource.
    """
    failed = list(found)
    known = set(known)
    new = {
        f"{check} fails: {address}"
        for (check, kind), address in failed
        if (check, kind) not in known
    }
    old = {
        f"{check} of {kind} fails no more: remove its row"
        for check, kind in known - {f for f, _ in failed}
    }
    return sorted(new | old)


def checkov() -> list[tuple[Found, str]]:
    """Runs checkov, which reads nothing from the network. Returns the checks that fail."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.json"
        file.write_text(json.dumps(plan(recording())), encoding="utf-8")
        command = [PROGRAMS / "checkov", "--file", file, "--framework", "terraform_plan"]
        command += ["--output", "json", "--skip-download", "--compact", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    print(
        "checkov {checkov_version}: {passed} checks passed, {failed} failed".format(
            **report["summary"]
        )
    )
    return [
        ((check["check_id"], check["resource"].partition(".")[0]), check["resource"])
        for check in report["results"]["failed_checks"]
    ]


def parliament() -> list[str]:
    """Runs parliament over the inline policies of all stack files, and over the one that lets
    people change what runs. Returns its findings."""
    policies = {
        CHANGING_POLICIES.name: CHANGING_POLICIES.read_text(encoding="utf-8"),
    } | {
        f"{file} {policy.name}": policy.inputs["policy"]
        for file in EVERY_FILE
        for policy in of_type(graph(file), "iam.RolePolicy")
    }
    done = subprocess.run(
        [PROGRAMS / "python", "-W", "ignore", "-c", _PARLIAMENT],
        input=json.dumps(policies),
        capture_output=True,
        text=True,
        check=True,
    )
    found = [line for line in done.stdout.splitlines() if not _is_newer(line)]
    print(f"parliament: {len(policies)} policies, {len(found)} findings")
    return found


def _is_newer(finding: str) -> bool:
    """Whether parliament says only that it does not know a service yet."""
    return any(f"UNKNOWN_PREFIX - Unknown prefix {prefix} " in finding for prefix in NEWER)


def main() -> int:
    """Prints what the baseline does not expect. Returns the exit code."""
    wrong = [*unexpected(checkov(), baseline()), *parliament()]
    print(*wrong, sep="\n" if wrong else "", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
