"""Changes that interrupt a model although they succeed, and the updates that do not.

A load balancer's rule can send requests to several target groups by weight
(https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html). What
moves to another target type is therefore a second model under the name of the first.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from messages.phrases import listed
from neuron_ecs.diff.impact import Impact, has_new_group
from neuron_ecs.diff.plans import Key, PlanIndex, shares
from neuron_ecs.diff.refusals import Refusal, by_place
from planning.plan import ModelPlan

_LONGEST = 40
"""Characters of a model's name."""


def ways(base: PlanIndex, head: PlanIndex, impacts: Mapping[Key, Impact]) -> tuple[Refusal, ...]:
    """All of them, by code and place; alike ones of several Regions are one."""
    kinds = (_new_groups(base, head, impacts), _too_early(base, head), _new_records(base, head))
    return by_place(chain.from_iterable(kinds))


def _new_groups(
    base: PlanIndex, head: PlanIndex, impacts: Mapping[Key, Impact]
) -> Iterator[Refusal]:
    taken = {name for _, name in head.models}
    served = {written.name for written in head.plan.written}
    for key, impact in impacts.items():
        old, new = base.models.get(key), head.models.get(key)
        if old is None or new is None or impact.gap is None or not has_new_group(old, new):
            continue
        kinds = [next(iter(m.target_groups)).target_type for m in (old, new)]
        second = _free(old.name, taken)
        group = next(iter(old.target_groups))
        names = shares(base.regions[key[0]])
        under = {n: weights for n, weights in names.items() if old.name in weights}
        beside = _weights({name: {**weights, second: 0} for name, weights in under.items()})
        instead = _weights(
            {
                name: {second if m == old.name else m: weight for m, weight in weights.items()}
                for name, weights in under.items()
            }
        )
        same = [f"serve.served_name: {old.name}"] if old.name in served else []
        same += [f"the key of {old.name}"] if group.caller_key else []
        yield Refusal(
            "ND020",
            (key[0],),
            f"models.{old.name}",
            f"gets another target group, {kinds[0]} → {kinds[1]}, and is {impact.gap.text}",
            "Tasks of one network mode are registered by instance, those of the other by address, "
            "and AWS changes no group's type. The load balancer turns to the new group before a "
            "task is in it. Two updates interrupt nobody, if the pools have room for both models.",
            (
                f"leave models.{old.name} as it is, add models.{second} with "
                f"{listed(['the change', *same])}, {beside}, and "
                f"run the update: {second} starts beside {old.name}, without requests",
                f"when `neuron-ecs status {second}` says that it serves, remove models.{old.name} "
                f"and {instead}: its URL stays",
            ),
        )


def _weights(names: Mapping[str, Mapping[str, int]]) -> str:
    """`write traffic.weights.a: {a: 1, a-2: 0}`, for each name."""
    lines: list[str] = []
    for name, weights in names.items():
        written = ", ".join(f"{model}: {weight}" for model, weight in weights.items())
        lines.append(f"traffic.weights.{name}: {{{written}}}")
    return f"write {' and '.join(lines)}"


def _free(name: str, taken: Iterable[str]) -> str:
    """A name for the second model."""
    others = {*taken}
    numbered = (f"{name[: _LONGEST - 2]}-{n}" for n in range(2, 10))
    return next((one for one in numbered if one not in others), f"{name[: _LONGEST - 4]}-new")


def _too_early(base: PlanIndex, head: PlanIndex) -> Iterator[Refusal]:
    """Models that get requests under a name at which others answer, before they serve."""
    for region, after in head.regions.items():
        before = shares(base.regions.get(region))
        for name, weights in shares(after).items():
            come = sorted(m for m, w in weights.items() if w and (region, m) not in base.models)
            if name not in before or not come:
                continue
            percent = round(100 * sum(weights[m] for m in come) / sum(weights.values()))
            yield Refusal(
                "ND021",
                (region,),
                f"traffic.weights.{name}",
                f"sends {percent} % of the requests to {listed(come)} before "
                f"{'it serves' if len(come) == 1 else 'they serve'}",
                "Services start after the rule of the load balancer, and a target group without a "
                "healthy task answers 503.",
                (
                    f"write a weight of 0 for {listed(come)}, and run the update",
                    f"write the weights when `neuron-ecs status {come[0]}` says that it serves",
                ),
            )


def _new_records(base: PlanIndex, head: PlanIndex) -> Iterator[Refusal]:
    """Models whose names in the network get records of another type.

    The provider then replaces the service of Cloud Map (internal/service/servicediscovery/
    service.go: `type` of `dns_records` is ForceNew).
    """
    taken = {name for _, name in head.models}
    for key in sorted(base.models.keys() & head.models.keys()):
        before, after = _records(base.models[key]), _records(head.models[key])
        found = sorted(host for host in before if after.get(host) not in (None, before[host]))
        if not found:
            continue
        name, second = key[1], _free(key[1], taken)
        leads = "leads" if len(found) == 1 else "lead"
        yield Refusal(
            "ND022",
            (key[0],),
            f"models.{name}.discovery",
            f"gets {after[found[0]]} records instead of {before[found[0]]}: "
            f"{listed(found, most=2)} {leads} nowhere until a new task runs",
            "The type of a record does not change in place, and a name exists once in a namespace: "
            "it goes before it is made again. Callers have to ask for the other type as well.",
            (
                f"leave models.{name} as it is, add models.{second} with the change, and run the "
                f"update: {second} has names of its own",
                f"let the callers ask for these names, and remove models.{name}",
            ),
        )


def _records(model: ModelPlan) -> Mapping[str, str]:
    """The type of the record of each name in the network at which tasks of the model may be."""
    return {
        s.registry.host: s.registry.record for s in model.services if s.registry and s.tasks_max
    }
