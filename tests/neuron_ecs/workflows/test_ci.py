"""The commands that the workflows call."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import catalog
from neuron_ecs.diff import git
from neuron_ecs.diff.document import not_compared
from neuron_ecs.diff.markdown import MARKER
from neuron_ecs.stackfile.reading import read
from neuron_ecs.terminal import UsageError
from neuron_ecs.workflows import comment, deployments
from planning import decide
from tests.neuron_ecs import running

ROOT = Path(__file__).parents[3]
URN = "urn:pulumi:prod::neuron-ecs::neuron:Stack$aws:ecs/service:Service::"
PROVIDER = "urn:pulumi:prod::neuron-ecs::pulumi:providers:aws::default"


def one(stack: str, size: int, *, changed: bool = True, failed: bool = False) -> comment.Compared:
    """A stack whose Markdown takes all the room that it is given, up to a size."""

    def render(limit: int) -> str:
        ending = f"\n{MARKER}\n"
        return f"**{stack}**\n{'x' * (min(size, limit) - len(ending) - len(stack) - 5)}{ending}"

    return comment.Compared(
        stack, f"verdict of {stack}", changed, failed, render, not_compared(stack, "")
    )


@given(
    st.lists(st.tuples(st.integers(1_000, 200_000), st.booleans(), st.booleans()), max_size=60),
    st.integers(8_000, comment.COMMENT_BYTES),
)
@settings(deadline=None)
def test_a_comment_fits_has_one_marker_and_says_of_every_stack_where_it_is(
    drawn: list[tuple[int, bool, bool]], limit: int
) -> None:
    found = [
        one(f"s{number}", size, changed=changed, failed=failed)
        for number, (size, changed, failed) in enumerate(drawn)
    ]
    text = comment.comment(found, limit=limit)
    assert len(text.encode()) <= limit
    assert text.count(MARKER) == 1
    assert text.rstrip().endswith(MARKER)
    shown = sum(f"**s{n}**" in text for n in range(len(found)))
    assert shown == len(found) or "No room here" in text
    assert (comment.QUIET in text) == (not any(c.changed or c.failed for c in found))


def test_what_cannot_be_built_stands_first() -> None:
    text = comment.comment(
        [one("a", 100), one("b", 100, failed=True), one("c", 100, changed=False)]
    )
    assert text.splitlines()[0] == "**3 stacks: 2 changed, 1 cannot be built as they are (b).**"
    assert text.index("**b**") < text.index("**a**") < text.index("**c**")


Form = Callable[[dict[str, Any]], dict[str, Any]]


def steps(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"steps": [{"op": op, "urn": URN + name} for op, name in pairs], "changeSummary": {}}


def planned(preview: dict[str, Any]) -> dict[str, Any]:
    """The same as the update plan that `--save-plan` writes."""
    resources: dict[str, Any] = {}
    for step in preview["steps"]:
        resources.setdefault(step["urn"], {"state": None, "steps": []})["steps"].append(step["op"])
    return {"manifest": {}, "resourcePlans": resources}


def printed(preview: dict[str, Any]) -> dict[str, Any]:
    """The preview as `--json` prints it."""
    return preview


FORMS = pytest.mark.parametrize("form", [printed, planned])


def compared(folder: Path, preview: object, resources: object, *more: str) -> tuple[int, str]:
    diff = {"version": 1, "stack": "prod", "verdict": "v", "plan_only": "why not"}
    (folder / "p.json").write_text(json.dumps(preview) if preview else "", encoding="utf-8")
    (folder / "d.json").write_text(json.dumps({**diff, "resources": resources}), encoding="utf-8")
    files = [str(folder / name) for name in ("p.json", "d.json", "summary.md")]
    return running.printed("ci", "compare", *files[:2], "--summary", files[2], *more)


def offline(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"action": action, "urn": URN + name} for action, name in pairs]


@FORMS
def test_a_preview_and_a_diff_that_mean_the_same_agree(tmp_path: Path, form: Form) -> None:
    preview = steps(
        ("same", "a"),
        ("create-replacement", "b"),
        ("replace", "b"),
        ("delete-replaced", "b"),
        ("update", "c"),
        ("read", "d"),
    )
    preview["steps"].append({"op": "create", "urn": PROVIDER})
    resources = offline(("replace", "b"), ("update", "c"), ("engine_only", "e"))
    code, said = compared(tmp_path, form(preview), resources, "--annotate", "--exit-code")
    assert (code, said) == (0, "pulumi preview and the offline diff agree on 2 resources\n")


@FORMS
def test_each_resource_on_which_they_differ_is_named_with_what_is_likely(
    tmp_path: Path, form: Form
) -> None:
    preview = form(steps(("update", "drifted"), ("replace", "both")))
    resources = offline(("update", "both"), ("create", "there"))
    code, said = compared(tmp_path, preview, resources, "--annotate")
    assert code == 0, "a warning, not a failure"
    assert "::warning title=Stack prod::" in said
    assert "drifted  update   none" in said
    assert "both     replace  update" in said
    assert "there    none     create" in said
    assert "drifted" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert compared(tmp_path, preview, resources, "--exit-code")[0] == 3
    told = json.loads(compared(tmp_path, preview, resources, "--json")[1])
    assert [d["preview"] for d in told["disagreements"]] == ["replace", "update", "none"]


def test_a_preview_that_failed_is_an_error_however_little_it_wrote(tmp_path: Path) -> None:
    said = {"steps": [], "diagnostics": [{"severity": "error", "message": "no\n::stop"}]}
    code, text = compared(tmp_path, said, [], "--annotate")
    assert code == 1
    assert "::error title=Stack prod::the preview failed: no\n" in text
    assert "\n::stop" not in text, "a message starts no workflow command"
    assert compared(tmp_path, None, [])[0] == 1
    (tmp_path / "p.json").unlink()
    files = [str(tmp_path / "p.json"), str(tmp_path / "d.json")]
    code, text = running.printed("ci", "compare", *files, "--summary", "")
    assert (code, "the preview failed: it wrote nothing" in text) == (1, True)


def test_where_only_plans_were_compared_nothing_is_claimed(tmp_path: Path) -> None:
    code, said = compared(tmp_path, steps(("create", "a")), None)
    assert (code, said) == (0, "not compared: why not\n")


@pytest.mark.parametrize("text", ["{", "[]", '{"other": 1}'])
def test_another_file_is_wrong_usage(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text, encoding="utf-8")
    (tmp_path / "d.json").write_text('{"version": 1, "verdict": ""}', encoding="utf-8")
    files = [str(tmp_path / "p.json"), str(tmp_path / "d.json")]
    assert running.refused("ci", "compare", *files)[0] == 2


def drifted(folder: Path, **previews: object) -> tuple[int, str]:
    (folder / "in").mkdir(exist_ok=True)
    for stack, preview in previews.items():
        (folder / "in" / f"{stack}.json").write_text(json.dumps(preview), encoding="utf-8")
    out = folder / "out" / "issue.md"
    argv = ["drift", str(folder / "in"), "--out", str(out), "--exit-code", "--summary", ""]
    return running.printed("ci", *argv)[0], out.read_text(encoding="utf-8")


def test_drift_names_resources_and_properties_and_never_a_value(tmp_path: Path) -> None:
    step = {
        "op": "update",
        "urn": f"{URN}a",
        "detailedDiff": {"desiredCount": {"kind": "update"}},
        "newState": {"inputs": {"desiredCount": "the-value"}},
    }
    code, text = drifted(tmp_path, dev=steps(("same", "x")), prod={"steps": [step]})
    assert code == 3
    assert "**dev: no drift**" in text
    assert "desiredCount" in text
    assert "the-value" not in text
    assert comment.SAME not in text


def test_without_drift_the_text_says_so(tmp_path: Path) -> None:
    code, text = drifted(tmp_path, dev=steps(), prod=steps(("refresh", "a")))
    assert code == 0
    assert comment.SAME in text


def test_a_preview_that_failed_is_not_taken_for_no_drift(tmp_path: Path) -> None:
    said = {"steps": [], "diagnostics": [{"severity": "error", "message": "expired"}]}
    code, text = drifted(tmp_path, dev=said)
    assert code == 1
    assert comment.SAME not in text


def test_a_revision_is_never_an_option_of_git() -> None:
    with pytest.raises(UsageError):
        git.touched("--output=x", "HEAD", Path())


# ---- deployments ----------------------------------------------------------------------------


def deployed(folder: Path, **stacks: str) -> dict[str, dict[str, Any]]:
    """What `ci deployments` says of a project with these stack files, in its order."""
    (folder / "Pulumi.yaml").write_text("name: neuron-ecs\nruntime: python\n", encoding="utf-8")
    for name, text in stacks.items():
        (folder / f"Pulumi.{name}.yaml").write_text(text, encoding="utf-8")
    code, said = running.printed("ci", "deployments", "--json", "--project", str(folder))
    assert code == 0
    return {found["stack"]: found for found in json.loads(said)["deployments"]}


DEV = (ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8")


def with_grace(seconds: int) -> str:
    port = "      port: 8080\n"
    assert DEV.count(port) == 2
    return DEV.replace(
        port, f"{port}      health_check: {{path: /health, grace_seconds: {seconds}}}\n"
    )


def test_every_stack_is_deployed_and_production_last(tmp_path: Path) -> None:
    live = f"{DEV}  neuron-ecs:stage: production\n"
    found = deployed(tmp_path, prod=DEV, staging=DEV, dev=DEV, alive=live)
    assert list(found) == ["dev", "staging", "alive", "prod"]
    said = running.printed("ci", "deployments", "--output", "--project", str(tmp_path))[1]
    outputs = dict(line.split("=", 1) for line in said.splitlines())
    told = {name: [d["stack"] for d in json.loads(text)] for name, text in outputs.items()}
    assert told == {"first": ["dev", "staging"], "production": ["alive", "prod"]}
    code, said = running.printed("ci", "stacks", "--project", str(tmp_path))
    assert (code, said.split()) == (0, ["alive", "dev", "prod", "staging"])


@pytest.mark.parametrize("file", [*ROOT.glob("Pulumi.*.yaml"), *ROOT.glob("examples/*.yaml")])
def test_credentials_outlive_the_update(tmp_path: Path, file: Path) -> None:
    """An update in which each service takes all of its timeout, and old ones are deleted then."""
    (found,) = deployed(tmp_path, one=file.read_text(encoding="utf-8")).values()
    stack = read(stack=None, file=file, directory=ROOT)
    plan = decide(stack.config, catalog.load(), project=stack.project, stack=stack.stack)
    services = [s for r in plan.regions for m in r.models for s in m.services]
    one = max((s.timeouts.update_minutes + s.timeouts.delete_minutes for s in services), default=0)
    chains = [s for s in services if s.after]
    two = max((2 * s.timeouts.update_minutes for s in chains), default=0)
    assert found["session_seconds"] > 60 * max(one, two)
    assert found["job_minutes"] > found["session_seconds"] / 60 > found["update_minutes"]


def test_a_longer_grace_makes_longer_credentials(tmp_path: Path) -> None:
    found = deployed(tmp_path, short=DEV, long=with_grace(7200))
    more = found["long"]["session_seconds"] - found["short"]["session_seconds"]
    assert more == 7200 - 3600, "the default is the first start of the image's server"


def test_no_job_or_session_is_longer_than_its_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = deployed(tmp_path, dev=with_grace(60_000)).values()
    assert found["job_minutes"] == deployments.JOB_MINUTES
    assert found["session_seconds"] <= catalog.load().limits.value("role_session_seconds_max")
    assert "can take" in capsys.readouterr().err


def test_nothing_is_deployed_while_a_stack_cannot_be_built(tmp_path: Path) -> None:
    deployed(tmp_path, dev=DEV)
    wrong = DEV.replace("neuron_devices: 1", "neuron_devices: 7")
    (tmp_path / "Pulumi.prod.yaml").write_text(wrong, encoding="utf-8")
    code, said = running.refused("ci", "deployments", "--output", "--project", str(tmp_path))
    assert code == 1
    assert "NE203 Pulumi.prod.yaml: models." in " ".join(said.split())


def test_readme_says_how_long_the_credentials_of_the_shipped_stacks_last() -> None:
    said = json.loads(running.printed("ci", "deployments", "--json", "--project", str(ROOT))[1])
    longest = max(found["session_seconds"] for found in said["deployments"])
    assert f"need {longest:,} seconds" in (ROOT / "README.md").read_text(encoding="utf-8")
