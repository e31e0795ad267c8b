"""Laws of the whole comparison, over random pairs of stack files."""

import random
from pathlib import Path
from typing import cast

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from neuron_ecs.diff.difference import Difference
from neuron_ecs.diff.resources import ResourceChange, apply, whole
from neuron_ecs.diff.structure import ValueChange
from neuron_ecs.stackfile.reading import read
from neuron_ecs.stackfile.yaml_values import load
from planning import Refused
from planning.document import Json
from tests.bench.stack import text
from tests.neuron_ecs.diff.pairs import compared, pairs, plan_of, stack_files
from tests.planning.stacks import Config

ROOT = Path(__file__).resolve().parents[3]
FEW = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
MORE = settings(FEW, max_examples=25)


def can_be_built(config: Config) -> bool:
    try:
        plan_of(config)
    except Refused:
        return False
    return True


@MORE
@given(stack_files())
def test_a_stack_file_does_not_differ_from_itself(config: Config) -> None:
    assume(can_be_built(config))
    found = compared(config, dict(config))
    assert not found.changed
    assert not found.failed


@FEW
@given(pairs())
def test_the_changes_applied_to_the_graph_of_the_base_give_that_of_the_head(
    pair: tuple[Config, Config],
) -> None:
    assume(all(map(can_be_built, pair)))
    found = compared(*pair, graph=True)
    assert found.resources is not None
    made = apply(found.base.graph or (), found.resources)
    assert made == {r["urn"]: whole(r) for r in found.head.graph or ()}


_MIRROR = {"create": "delete", "delete": "create"}


def _told(found: Difference, *, mirrored: bool) -> set[tuple[str, ...]]:
    def action(change: ResourceChange) -> str:
        quiet = {"update", "engine_only"}  # what is ignored is a matter of the head alone
        word = "same" if change.action in quiet else str(change.action)
        return _MIRROR.get(word, word) if mirrored else word

    told: set[tuple[str, ...]] = {(action(r), r.urn) for r in found.resources or ()}
    for r in found.resources or ():
        for p in r.properties:
            values = (str(p.before), str(p.after))
            told.add((r.urn, *p.path, *(values[::-1] if mirrored else values)))
    return told


@FEW
@given(pairs())
def test_the_way_back_mirrors_the_way_there(pair: tuple[Config, Config]) -> None:
    assume(all(map(can_be_built, pair)))
    there, back = compared(*pair, graph=True), compared(*pair[::-1], graph=True)
    assert _told(there, mirrored=True) == _told(back, mirrored=False)
    assert there.findings.new == back.findings.gone
    mirrored = [ValueChange(s.path, s.after, s.before) for s in there.settings]
    assert mirrored == list(back.settings)
    assert [(m.region, m.name) for m in there.models] == [(m.region, m.name) for m in back.models]
    if there.price and back.price:
        assert there.price.before == back.price.after


@MORE
@given(st.randoms(use_true_random=False))
def test_order_comments_and_anchors_are_no_change(chance: random.Random) -> None:
    file = ROOT / "Pulumi.prod.yaml"
    document = load(file.read_text(encoding="utf-8")).value

    def shuffled(value: Json) -> Json:
        if not isinstance(value, dict):
            return value
        members = list(cast("dict[str, Json]", value).items())
        chance.shuffle(members)
        return {key: shuffled(member) for key, member in members}

    again = text(shuffled(document))
    copy = file.parent / "Pulumi.prod.yaml"
    assert load(again)[0] == document
    assert read(stack=None, file=copy, directory=ROOT).config == _config(again)


def test_an_anchor_is_what_it_stands_for(tmp_path: Path) -> None:
    plain = "config:\n  aws:region: us-west-2\n  neuron-ecs:tags: {a: x, b: x}\n"
    anchored = "config: # all\n  neuron-ecs:tags: {b: &v x, a: *v}\n  aws:region: us-west-2\n"
    assert _config(plain) == _config(anchored)


def _config(text_: str) -> dict[str, str]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Pulumi.prod.yaml"
        file.write_text(text_, encoding="utf-8")
        return read(stack=None, file=file, directory=ROOT).config
