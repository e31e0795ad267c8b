"""The result of a search as text and as JSON, with a stack file for the first option."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from catalog import Catalog
from messages.phrases import counted, listed
from neuron_ecs.fit.answer import Answer, Proposal
from neuron_ecs.fit.instances import Refusal, TaskRequirements
from neuron_ecs.fit.stack_lines import stack_lines
from neuron_ecs.terminal import table, wrapped
from planning.price import NOT_IN_ANY_PRICE
from planning.serving import memory as language_models
from planning.serving.servers import LANGUAGE_MODEL_SERVERS

VERSION = 1


# -- text --------------------------------------------------------------------------------------


def render(answer: Answer, known: Catalog, *, project: str, top: int, width: int) -> Iterator[str]:
    """The result as text: a table, notes, a stack file, reasons and assumptions."""
    yield from wrapped(_title(answer), width, "", "    ")
    groups = list(_grouped(answer.proposals))
    if groups:
        yield ""
        rows = [_row(group) for group in groups[:top]]
        head = _HEAD if answer.model is None else (*_HEAD[:2], *_MODEL_HEAD, *_HEAD[2:])
        yield from table([head, *rows], indent="  ", width=width)
        if len(groups) > top:
            yield f"  and {len(groups) - top} more (--top {len(groups)})"
        for note in _noted(groups[:top]):
            yield from wrapped(note, width, "", "    ")
        first = answer.proposals[0]
        yield from _cheaper_and_tight(answer.proposals)
        yield ""
        yield f"Stack file for {first.option.instance_type} in {first.option.region}:"
        yield ""
        yield from _lines(first, answer, known, project)
    else:
        options = [f"--purchase {p}" for p in answer.other_purchases]
        yield ""
        yield f"Nothing can run it {_how(answer.required)}." + (
            f" Something can with {' or '.join(options)}." if options else ""
        )
    if answer.refusals:
        yield ""
        yield "Not:"
        for types, why in _refused(answer.refusals):
            yield from wrapped(f"  {types}: {why}", width, "", "    ")
    yield ""
    for word, sentences in (
        ("assumes", answer.assumes),
        ("seen", _reported(answer)),
        ("prices", [prices_line(answer, known)]),
    ):
        for sentence in sentences:
            yield from wrapped(f"{word:9}{sentence}", width, "", " " * 9)


def _title(answer: Answer) -> str:
    required, model = answer.required, answer.model
    how = _how(required)
    many = f", {counted(required.tasks, 'task')}" if required.tasks > 1 else ""
    if model is not None:
        size, stored = (
            language_models.parameters(model.model),
            language_models.checkpoint_gib(model.model),
        )
        counted_size = f"{size / 1e9:.1f} billion" if size >= 1e9 else f"{size / 1e6:.0f} million"
        return (
            f"{model.model.id}: {counted_size} parameters, "
            f"{stored:.{1 if stored >= 1 else 2}f} GiB in bf16; "
            f"{counted(model.sequences, 'sequence')} of {model.length:,} tokens{many}; {how}"
        )
    needs = [counted(required.devices, "device")]
    if required.device_memory_gib:
        needs.append(f"{required.device_memory_gib} GiB on each device")
    if required.core_memory_gib:
        needs.append(f"{required.core_memory_gib} GiB on a core")
    if required.memory_mib:
        needs.append(f"{required.memory_mib // 1024} GiB of memory")
    if required.cpu_units:
        needs.append(f"{required.cpu_units // 1024} vCPUs")
    return f"At least {listed(needs)} for each task{many}; {how}"


def _how(required: TaskRequirements) -> str:
    kinds = {"auto_scaling": "Auto Scaling", "managed_instances": "Managed Instances"}
    ways = {"on_demand": "on demand", "spot": "as Spot", "capacity_block": "in a Capacity Block"}
    return f"{ways[required.purchase]} on {kinds[required.kind]} capacity"


_HEAD = ("instance type", "devices", "tasks each", "USD/h", "USD/h a task", "Regions")
_MODEL_HEAD = ("tp", "of a core", "fit", "server")


def _grouped(proposals: Sequence[Proposal]) -> Iterator[list[Proposal]]:
    """Groups the proposals that differ only in their Region, the cheapest Region first."""
    groups: dict[object, list[Proposal]] = {}
    for proposal in proposals:
        o = proposal.option
        groups.setdefault((o.instance_type, o.devices, proposal.serving), []).append(proposal)
    return iter(groups.values())


def _row(group: Sequence[Proposal]) -> tuple[str, ...]:
    option, serving = group[0].option, group[0].serving
    kept = [p.option.region for p in group if p.option.price == option.price]
    dearer = [p for p in group if p.option.price not in (option.price, None)]
    unknown = [p for p in group if p.option.price is None and option.price is not None]
    regions = kept[0] + (f" and {len(kept) - 1} more" if len(kept) > 1 else "")
    regions += f", {len(dearer)} dearer" if dearer else ""
    regions += f", {len(unknown)} not known" if unknown else ""
    total = option.per_hour
    hour = _usd(total)
    if option.price is not None and option.price.low != option.price.high:
        hour = f"{_usd(option.price.low * option.instances)} to {hour}"
    money = (str(option.tasks_per_instance), hour, _usd(option.per_task), regions)
    if serving is None:
        return option.instance_type, str(option.devices), *money
    return (
        option.instance_type,
        str(option.devices),
        str(serving.degree),
        f"{serving.estimate.share:.0%} of {serving.estimate.core_gib:.0f} GiB",
        serving.estimate.verdict.word,
        serving.server.title,
        *money,
    )


def _usd(amount: Decimal | None) -> str:
    return "not known" if amount is None else f"{amount:.2f}"


def _cheaper_and_tight(proposals: Sequence[Proposal]) -> Iterator[str]:
    """The cheapest tight proposal, if it costs less than the first proposal."""
    paid = proposals[0].option.per_hour
    for proposal in proposals:
        option, serving = proposal.option, proposal.serving
        if serving is None or serving.estimate.verdict is not language_models.Verdict.TIGHT:
            continue
        if option.per_hour is not None and (paid is None or option.per_hour < paid):
            yield (
                f"  cheaper where it is tight: {option.instance_type} in {option.region}, "
                f"{option.per_hour:.2f} USD/h, {serving.estimate.share:.0%} of a core"
            )
        return


def _noted(groups: Sequence[Sequence[Proposal]]) -> Iterator[str]:
    types_of_note: dict[str, list[str]] = {}
    for group in groups:
        option, serving = group[0].option, group[0].serving
        notes = [n for p in group for n in p.option.notes]
        if serving is not None:
            notes += serving.notes
            if serving.estimate.verdict is language_models.Verdict.TIGHT:
                notes.append("tight: prove it on the hardware")
        notes += [m for m in option.missing if m.startswith("the price")]
        for note in dict.fromkeys(notes):
            types_of_note.setdefault(note, []).append(option.instance_type)
    for note, types in types_of_note.items():
        yield f"  {listed(types, most=3)}: {note}"


def _lines(proposal: Proposal, answer: Answer, known: Catalog, project: str) -> tuple[str, ...]:
    return stack_lines(
        proposal.option,
        answer.required,
        known,
        project=project,
        model=answer.model,
        serving=proposal.serving,
    )


def _refused(refusals: Sequence[Refusal]) -> list[tuple[str, str]]:
    types_of: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for refusal in refusals:
        types = types_of.setdefault((refusal.why, refusal.regions), [])
        if refusal.instance_type not in types:
            types.append(refusal.instance_type)
    return [
        (listed(types, most=4), why + (f" ({listed(regions, most=4)})" if regions else ""))
        for (why, regions), types in types_of.items()
    ]


def _reported(answer: Answer) -> Iterator[str]:
    """Documented deployments of the model: all failures, and the first three that ran."""
    good = [d for d in answer.reported if d.works][:3]
    for deployment in (*good, *(d for d in answer.reported if not d.works)):
        verb = "ran" if deployment.works else "failed"
        note = f" ({deployment.note})" if deployment.note else ""
        yield (
            f"{verb} on {deployment.instance_type}, tensor parallelism "
            f"{deployment.tensor_parallel}, {deployment.sequences} x {deployment.length} tokens, "
            f"{LANGUAGE_MODEL_SERVERS[deployment.server].title}{note}: {deployment.source}"
        )


def prices_line(answer: Answer, known: Catalog) -> str:
    """The date of the prices, and the costs that they do not include."""
    required = answer.required
    days = sorted(
        {
            day
            for p in answer.proposals
            if p.option.price and (day := known.prices.day(p.option.region, required.purchase))
        }
    )
    left_out = list(
        dict.fromkeys(
            m for p in answer.proposals for m in p.option.missing if not m.startswith("the price")
        )
    )
    without = listed([*left_out, NOT_IN_ANY_PRICE])
    if not days:
        return f"none known; never in them: {without}"
    span = str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"
    kind = (
        "Spot prices of that moment, the highest zone counts" if required.purchase == "spot" else ""
    )
    return f"of {span}{f' ({kind})' if kind else ''}; not in them: {without}"


# -- JSON --------------------------------------------------------------------------------------


def document(answer: Answer, known: Catalog, *, project: str) -> dict[str, object]:
    """The result as JSON. Amounts are strings, in USD an hour."""
    return {
        "version": VERSION,
        "model": None if answer.model is None else answer.model.model.id,
        "sequences": None if answer.model is None else answer.model.sequences,
        "length": None if answer.model is None else answer.model.length,
        "options": [_option(p, answer, known, project) for p in answer.proposals],
        "refusals": [
            {"instance_type": r.instance_type, "regions": list(r.regions), "why": r.why}
            for r in answer.refusals
        ],
        "other_purchases": list(answer.other_purchases),
        "assumes": list(answer.assumes),
        "seen": [
            {
                "instance_type": d.instance_type,
                "tensor_parallel": d.tensor_parallel,
                "sequences": d.sequences,
                "length": d.length,
                "works": d.works,
                "source": d.source,
            }
            for d in answer.reported
        ],
        "price_source": known.prices.source,
        "not_in_prices": NOT_IN_ANY_PRICE,
    }


def _option(proposal: Proposal, answer: Answer, known: Catalog, project: str) -> dict[str, object]:
    option, serving = proposal.option, proposal.serving
    day = known.prices.day(option.region, answer.required.purchase) if option.price else None
    data: dict[str, object] = {
        "instance_type": option.instance_type,
        "region": option.region,
        "zone_ids": list(option.zone_ids),
        "devices": option.devices,
        "tasks_per_instance": option.tasks_per_instance,
        "instances": option.instances,
        "cpu_units": option.task.cpu_units,
        "memory_mib": option.task.memory_mib,
        "usd_per_hour": _text(option.per_hour),
        "usd_per_hour_lowest_zone": _text(option.price.low if option.price else None),
        "usd_per_hour_task": _text(option.per_task),
        "price_date": day.isoformat() if day else None,
        "missing": list(option.missing),
        "notes": [*option.notes, *(serving.notes if serving else ())],
        "stack_file": "\n".join(_lines(proposal, answer, known, project)) + "\n",
    }
    if serving is not None:
        data["serving"] = {
            "image": serving.image.image,
            "server": serving.image.server,
            "tensor_parallel": serving.degree,
            "verdict": serving.estimate.verdict.word,
            "share_of_core": round(serving.estimate.share, 3),
            "need_gib": round(serving.estimate.need_gib, 2),
            "weights_gib": round(serving.estimate.weights_gib, 2),
            "cache_gib": round(serving.estimate.cache_gib, 2),
            "core_gib": serving.estimate.core_gib,
        }
    return data


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.5f}"
