"""The `fit` command: which instances run a workload, cheapest first."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import catalog
from catalog import Catalog
from neuron_ecs.arguments.options import option
from neuron_ecs.arguments.parser import simple_command
from neuron_ecs.arguments.stack import Printed
from neuron_ecs.fit.answer import answer
from neuron_ecs.fit.configuration import read_model
from neuron_ecs.fit.instances import KINDS, PURCHASES, Kind, Purchase, TaskRequirements
from neuron_ecs.fit.lookup import check_regions, check_types, model_called
from neuron_ecs.fit.models import ModelSearch
from neuron_ecs.fit.text import document, render
from neuron_ecs.stackfile.reading import project_name
from neuron_ecs.terminal import ERRORS, FINE, UsageError, progress, write_json
from planning.serving.options import DEFAULT_SEQUENCES, default_length

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
        raise UsageError(f"{text!r} is not a whole number from 1 to 9999999")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError("write names separated by commas")
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


def run(arguments: Arguments) -> int:
    """Writes what can run the workload. Raises `UsageError`."""
    known = catalog.load()
    required = _requirements(arguments, known)
    model = _model(arguments, required, known)
    with progress("comparing instance types and Regions"):
        found = answer(required, model, known)
    if model is not None:
        found = replace(found, assumes=(*_defaults(model, arguments), *found.assumes))
    project = project_name(arguments.directory)
    if arguments.json:
        write_json(document(found, known, project=project), sys.stdout)
    else:
        width = arguments.width
        arguments.write(render(found, known, project=project, top=arguments.top, width=width))
    return FINE if found.proposals else ERRORS


def _defaults(model: ModelSearch, arguments: Arguments) -> Iterator[str]:
    if arguments.max_model_len is None:
        yield f"--max-model-len {model.length}, which was not given"
    if arguments.max_num_seqs is None:
        yield f"--max-num-seqs {model.sequences}, which was not given"


def _requirements(arguments: Arguments, known: Catalog) -> TaskRequirements:
    check_regions(arguments.regions, known, "--regions")
    check_types(arguments.types, known)
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


def _model(arguments: Arguments, required: TaskRequirements, known: Catalog) -> ModelSearch | None:
    name = arguments.model
    if arguments.config is not None:
        model = read_model(arguments.config, name, known)
    elif name is not None:
        model = model_called(name, known)
    elif arguments.max_model_len or arguments.max_num_seqs or arguments.precompiled:
        raise UsageError("--max-model-len, --max-num-seqs and --precompiled need a --model")
    else:
        return None
    length = arguments.max_model_len or default_length(model)
    if length > model.max_positions:
        raise UsageError(f"--max-model-len: {model.id} has {model.max_positions} positions")
    sequences = arguments.max_num_seqs or DEFAULT_SEQUENCES
    return ModelSearch(model, length, sequences, arguments.precompiled, where=required)


add_arguments = simple_command(Arguments, run, _EPILOG)
