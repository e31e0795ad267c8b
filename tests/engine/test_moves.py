"""Models that move between pools and between kinds of capacity, and what `diff` promises of it."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from neuron_ecs.diff.difference import Difference, put_together
from neuron_ecs.diff.plans import Key, PlanIndex, shares
from neuron_ecs.diff.sides import read_sides
from tests.engine.harness import REPOSITORY, Engine, Outcome
from tests.engine.provider.account import Habits
from tests.engine.provider.refusals import LISTENER_RULE
from tests.engine.serving import fewest, fewest_at_url
from tests.engine.test_lives import (
    Config,
    ends,
    leaves_alone,
    managed_pool,
    model,
    pool,
    stack,
    succeeds,
)

pytestmark = pytest.mark.engine

SLOW = Habits(refusals_until_active=0, deployment_seconds=0.3)
CALLERS = {"allow_from": ["10.0.0.0/8"]}


@pytest.fixture
def engine(tmp_path: Path, shapes_file: Path) -> Engine:
    made = Engine(tmp_path / "engine", shapes=shapes_file).start()
    made.habits(SLOW)
    return made


# ---- what diff promises, and what the journal says ----------------------------------------------


def difference(base: str, head: str, engine: Engine) -> Difference:
    """What `diff` says of an update."""
    files: list[str] = []
    for name, text in (("base", base), ("head", head)):
        file = engine.directory / name / f"Pulumi.{engine.stack}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        files.append(str(file))
    return put_together(read_sides(*files, stack=None, directory=REPOSITORY))


def promised(said: Difference) -> Iterator[tuple[str, set[Key], int]]:
    """Each name at which models answer before and after, with the models and their replicas."""
    before, after = said.before, said.after
    for region in before.regions.keys() & after.regions.keys():
        olds, news = shares(before.regions[region]), shares(after.regions[region])
        for name in olds.keys() & news.keys():
            old, new = (
                {(region, m) for m, weight in x[name].items() if weight} for x in (olds, news)
            )
            least = min(_least(before, old), _least(after, new))
            yield name, old | new, least


def _least(index: PlanIndex, models: set[Key]) -> int:
    return sum(index.models[key].replicas_min for key in models)


def keeps_promises(engine: Engine, base: str, head: str) -> tuple[Difference, Outcome]:
    """Updates from one stack file to another: what `diff` says of each model is what happens.

    A model has its promised replicas at each moment, running and at its URL, or `diff` says that it
    is without one. What it does not name is left alone.
    """
    said = difference(base, head, engine)
    assert not said.failed, said.refusals
    before = engine.left()
    outcome = succeeds(engine.up(head))
    gaps = {key for key, impact in said.impacts.items() if impact.gap}
    for key in said.before.models.keys() & said.after.models.keys():
        least = min(_least(index, {key}) for index in (said.before, said.after))
        runs = fewest(before, outcome, key[1])
        assert runs >= least or key in gaps, f"{key}: {runs} of {least}\n{outcome.explain()}"
        if key not in said.impacts:
            leaves_alone(outcome, key[1])
    for name, models, least in promised(said):
        answer = fewest_at_url(before, outcome, name)
        kept = answer == 0 if models & gaps and least else answer >= least
        assert kept, f"{name}: {answer} of {least}, {models & gaps}\n{outcome.explain()}"
    return said, outcome


def through(engine: Engine, files: Sequence[str]) -> Iterator[Outcome]:
    """A life of updates that interrupt nobody, as `diff` says of each."""
    succeeds(engine.up(files[0]))
    for base, head in pairwise(files):
        said, outcome = keeps_promises(engine, base, head)
        assert not said.ways, said.ways
        leaves_alone(outcome, "calm")
        yield outcome
    ends(engine)


# ---- the lives ----------------------------------------------------------------------------------

POOLS = {"first": pool(), "second": managed_pool(), "third": pool(purchase="spot")}


def test_a_model_moves_between_pools_and_kinds_with_its_group_and_its_name(engine: Engine) -> None:
    """In awsvpc mode tasks have addresses on both kinds, so that one update moves a model."""

    def at(capacity: str, devices: object) -> str:
        own: Config = {"network_mode": "awsvpc", "discovery": "cloud_map", "replicas": 2}
        busy = model(capacity, devices, port=8080, **own)
        models = {"calm": model("first", [2, 3], port=8080), "busy": busy}
        return stack(models, POOLS, traffic=CALLERS)

    places = (("first", 1), ("second", "all"), ("third", 1), ("first", 1))
    for outcome in through(engine, [at(*place) for place in places]):
        touched = [e for e in outcome.done if e.logical in ("usw2-busy", "usw2_busy-1_name")]
        assert touched == [], outcome.explain()


def test_a_model_moves_to_the_only_pool_of_the_other_kind_and_back(engine: Engine) -> None:
    """With the last pool of a kind its cluster goes, after the new services are steady."""
    first = stack({"busy": model("first", 1, replicas=2)}, {"first": pool()})
    second = stack({"busy": model("second", "all", replicas=2)}, {"second": managed_pool()})
    for outcome in through(engine, [first, second, first]):
        assert len(outcome.operations("delete", "Cluster")) == 1, outcome.explain()


def test_a_model_without_addresses_moves_between_kinds_by_weights_and_back(engine: Engine) -> None:
    """The two updates of ND020, each way: the URL has its replicas at each moment."""

    def weighted(weights: Config, **models: Config) -> str:
        named = {name.replace("_", "-"): entry for name, entry in models.items()}
        return stack(named, POOLS, traffic={**CALLERS, "weights": weights})

    old, new = model("first", [0, 1], port=8080), model("second", "all", port=8080)
    files = [
        weighted({}, chat=old),
        weighted({"chat": {"chat": 1, "chat-2": 0}}, chat=old, chat_2=new),
        weighted({"chat": {"chat-2": 1}}, chat_2=new),
        weighted({"chat": {"chat": 0, "chat-2": 1}}, chat=old, chat_2=new),
        weighted({}, chat=old),
    ]
    for outcome in through(engine, files):
        rules = [(e.op, e.logical) for e in outcome.done if e.type == LISTENER_RULE]
        assert ("update", "usw2_chat_path") in rules, outcome.explain()


def test_what_diff_says_of_a_move_to_another_group_in_one_update(engine: Engine) -> None:
    """The rule turns to a group without a task: the model is away, and `diff` says so before."""

    def at(capacity: str, devices: object) -> str:
        return stack({"chat": model(capacity, devices, port=8080)}, POOLS, traffic=CALLERS)

    files = [at("first", 1), at("second", "all")]
    succeeds(engine.up(files[0]))
    said, _ = keeps_promises(engine, *files)
    assert [way.code for way in said.ways] == ["ND020"]
    ends(engine)
