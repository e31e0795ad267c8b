"""The `fit` command: which instances run a workload, cheapest first."""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import catalog
from catalog import Catalog, LanguageModel
from messages.phrases import closest_key, listed
from neuron_ecs.arguments.options import option
from neuron_ecs.arguments.parser import Parser
from neuron_ecs.arguments.stack import Printed
from neuron_ecs.fit.configuration import read_model
from neuron_ecs.fit.instances import Kind, Purchase, TaskRequirements, fit, purchases_that_would
from neuron_ecs.fit.models import ModelSearch, fit_model
from neuron_ecs.fit.text import (
    KINDS,
    PURCHASES,
    Answer,
    Proposal,
    document,
    render,
)
from neuron_ecs.stackfile.reading import project_name
from neuron_ecs.terminal import ERRORS, FINE, UsageError, progress, write_json
from planning.serving.options import DEFAULT_SEQUENCES, default_length
from planning.serving.shapes import near, words_of

_EPILOG = """\
examples:
  neuron-ecs fit --model meta-llama/Llama-3.1-8B-Instruct --max-model-len 8192
  neuron-ecs fit --config config.json --model acme/tuned --max-model-len 4096
  neuron-ecs fit --devices 4 --memory-gib 64 --regions us-west-2,us-east-2

`neuron-ecs catalog show language_models` lists the models,
`neuron-ecs catalog refresh --only prices` renews the prices.

exit codes: 0 something can run it, 1 nothing can, 2 wrong usage."""


_MODEL, _TASK, _WHERE = "a language model", "what each task needs at least", "where and how"


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,7}", text) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 9999999")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise argparse.ArgumentTypeError("write names separated by commas")
    return names


@dataclass(frozen=True, kw_only=True)
class Arguments(Printed):
    """The arguments of `fit`."""

    model: str | None = option(group=_MODEL, metavar="ID", help="its id at Hugging Face")
    config: Path | None = option(
        group=_MODEL, metavar="FILE", type=Path, help="its config.json, if no table has it"
    )
    max_model_len: int | None = option(
        group=_MODEL, metavar="N", type=_number, help="tokens of a sequence, prompt and answer"
    )
    max_num_seqs: int | None = option(
        group=_MODEL, metavar="N", type=_number, help="sequences at once"
    )
    precompiled: bool = option(group=_MODEL, help="it is compiled and sharded beforehand")
    devices: int | None = option(group=_TASK, metavar="N", type=_number, help="Neuron devices")
    device_memory_gib: int | None = option(
        group=_TASK, metavar="N", type=_number, help="memory of a device"
    )
    core_memory_gib: int | None = option(
        group=_TASK, metavar="N", type=_number, help="memory of a NeuronCore, as one model has it"
    )
    memory_gib: int | None = option(
        group=_TASK, metavar="N", type=_number, help="memory of the host"
    )
    vcpus: int | None = option(group=_TASK, metavar="N", type=_number, help="vCPUs of the host")
    regions: tuple[str, ...] = option(
        group=_WHERE, metavar="A,B", type=_names, default=(), help="only these"
    )
    types: tuple[str, ...] = option(
        group=_WHERE, metavar="A,B", type=_names, default=(), help="such as inf2.*"
    )
    purchase: Purchase = option(group=_WHERE, choices=PURCHASES, default="on_demand")
    kind: Kind = option(group=_WHERE, choices=KINDS, default="auto_scaling", help="of capacity")
    tasks: int = option(
        group=_WHERE, metavar="N", type=_number, default=1, help="so many tasks (1)"
    )
    top: int = option(metavar="N", type=_number, default=8, help="rows to show (8)")


def add_arguments(parser: Parser) -> None:
    """Adds the arguments of `fit`."""
    parser.calls(Arguments, run, _EPILOG)


def run(arguments: Arguments) -> int:
    """Writes what can run the workload. Raises `UsageError`."""
    known = catalog.load()
    required = _requirements(arguments, known)
    model = _model_requirements(arguments, required, known)
    with progress("comparing instance types and Regions"):
        answer = answered(required, model, known, given=arguments)
    project = project_name(arguments.directory)
    if arguments.json:
        write_json(document(answer, known, project=project), sys.stdout)
    else:
        lines = render(answer, known, project=project, top=arguments.top, width=arguments.width)
        sys.stdout.writelines(f"{line}\n" for line in lines)
    return FINE if answer.proposals else ERRORS


def answered(
    required: TaskRequirements,
    model: ModelSearch | None,
    known: Catalog,
    *,
    given: Arguments | None = None,
) -> Answer:
    """What can run the tasks, or serve the model."""
    if model is None:
        found = fit(required, known)
        proposals = tuple(Proposal(option, None) for option in found.options)
        others = () if proposals else tuple(purchases_that_would(required, known))
        return Answer(required, None, proposals, found.refusals, (), (), others)
    served = fit_model(model, known)
    proposals = tuple(Proposal(o.option, o.serving) for o in served.options)
    others = () if proposals else tuple(_purchases_for(model, known))
    assumes = (*_defaults(model, given), *served.assumes)
    return Answer(required, model, proposals, served.refusals, assumes, served.reported, others)


def _purchases_for(model: ModelSearch, known: Catalog) -> Iterator[str]:
    for purchase in PURCHASES:
        where = replace(model.where, purchase=purchase)
        if purchase != model.where.purchase and not (
            purchase == "capacity_block" and where.kind == "managed_instances"
        ):
            if fit_model(replace(model, where=where), known).options:
                yield purchase


def _defaults(model: ModelSearch, given: Arguments | None) -> Iterator[str]:
    if given is not None and given.max_model_len is None:
        yield f"--max-model-len {model.length}, which was not given"
    if given is not None and given.max_num_seqs is None:
        yield f"--max-num-seqs {model.sequences}, which was not given"


def _requirements(arguments: Arguments, known: Catalog) -> TaskRequirements:
    for region in arguments.regions:
        if region not in known.places.regions:
            raise UsageError(
                f"--regions: {region} is no Region{_near(region, known.places.regions)}"
            )
    for pattern in arguments.types:
        if not any(
            name in known.instances.neuron_types for name in known.instances.matching(pattern)
        ):
            near = _near(pattern, known.instances.neuron_types)
            raise UsageError(f"--types: {pattern} is no instance type with Neuron devices{near}")
    required = TaskRequirements(
        devices=arguments.devices or 1,
        device_memory_gib=arguments.device_memory_gib or 0,
        core_memory_gib=arguments.core_memory_gib or 0,
        memory_mib=(arguments.memory_gib or 0) * 1024,
        cpu_units=(arguments.vcpus or 0) * 1024,
        regions=arguments.regions,
        purchase=arguments.purchase,
        kind=arguments.kind,
        types=arguments.types,
        tasks=arguments.tasks,
    )
    if required.kind == "managed_instances" and required.purchase == "capacity_block":
        what = "ECS Managed Instances take no Capacity Blocks; use --kind auto_scaling"
        raise UsageError(f"--purchase: {what}")
    model = (arguments.model, arguments.config)
    memory = (arguments.device_memory_gib, arguments.core_memory_gib, arguments.memory_gib)
    if not any((*model, *memory, arguments.devices, arguments.vcpus)):
        raise UsageError(
            "name a --model, or what a task needs: --devices, --device-memory-gib, ..."
        )
    return required


def _near(word: str, words: Iterable[str]) -> str:
    found = closest_key(word, list(words))
    return f"; did you mean {found}?" if found else ""


def _model_requirements(
    arguments: Arguments, required: TaskRequirements, known: Catalog
) -> ModelSearch | None:
    name = arguments.model
    if arguments.config is not None:
        model = read_model(arguments.config, name, known)
    elif name is None:
        if arguments.max_model_len or arguments.max_num_seqs or arguments.precompiled:
            raise UsageError("--max-model-len, --max-num-seqs and --precompiled need a --model")
        return None
    else:
        model = model_called(name, known)
    if model is None:
        raise UsageError(f"--model: {unknown_model(name or '', known)}")
    length = arguments.max_model_len or default_length(model)
    if length > model.max_positions:
        raise UsageError(f"--max-model-len: {model.id} has {model.max_positions} positions")
    sequences = arguments.max_num_seqs or DEFAULT_SEQUENCES
    return ModelSearch(model, length, sequences, arguments.precompiled, where=required)


def model_called(name: str, known: Catalog) -> LanguageModel | None:
    """The model of that id, whatever the case; its last part alone will do."""
    wanted = name.lower()
    for model in known.serving.models.values():
        if wanted in (model.id.lower(), model.id.rpartition("/")[2].lower()):
            return model
    return None


def unknown_model(name: str, known: Catalog) -> str:
    """What to do about an id that no table has: a model of a near name, or what it needs."""
    found = [i for i in near(name, known.serving.models) if words_of(i) & words_of(name)][:4]
    nearest = (
        f"nearest are {listed(found)}" if found else "see `neuron-ecs catalog show language_models`"
    )
    return (
        f"the shape of {name[:120]} is not known; {nearest}. For another language model give its "
        "config.json (--config); for what is none, such as an image or speech model, the memory "
        "that it needs on a core (--core-memory-gib) or a device (--device-memory-gib)"
    )
