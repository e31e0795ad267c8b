"""The `fit` command: which instances run a workload, cheapest first."""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO, cast

import catalog
from catalog import Catalog, LanguageModel
from messages.phrases import closest_key, listed
from neuron_ecs.fit.instances import (
    Wish,
    fit,
    purchases_that_would,
)
from neuron_ecs.fit.models import ModelWish, fit_model
from neuron_ecs.fit.text import (
    DEFAULT_LENGTH,
    DEFAULT_SEQUENCES,
    KINDS,
    PURCHASES,
    Answer,
    Proposal,
    document,
    render,
)

FOUND, NOTHING = 0, 1
_EPILOG = """\
exit codes: 0 something can run it, 1 nothing can, 2 wrong usage.
`neuron-ecs catalog show language_models` lists the models,
`neuron-ecs catalog refresh --only prices` renews the prices."""


def run(argv: Sequence[str], out: TextIO | None = None) -> int:
    """The command: 0 something can run the wish, 1 nothing can, 2 wrong usage."""
    stream: TextIO = out or sys.stdout
    known = catalog.load()
    parser = _parser()
    arguments = parser.parse_args(argv)
    wish = _wish(arguments, known, parser.error)
    model = _model_wish(arguments, wish, known, parser.error)
    answer = answered(wish, model, known, given=arguments)
    project = project_name(Path())
    if arguments.json:
        json.dump(document(answer, known, project=project), stream, indent=2, ensure_ascii=False)
        stream.write("\n")
    else:
        top, width = cast(int, arguments.top), cast(int, arguments.width)
        lines = render(answer, known, project=project, top=top, width=width)
        stream.writelines(f"{line}\n" for line in lines)
    return FOUND if answer.proposals else NOTHING


def answered(
    wish: Wish,
    model: ModelWish | None,
    known: Catalog,
    *,
    given: argparse.Namespace | None = None,
) -> Answer:
    """What can run the wish, or serve the model."""
    if model is None:
        found = fit(wish, known)
        proposals = tuple(Proposal(option, None) for option in found.options)
        others = () if proposals else tuple(purchases_that_would(wish, known))
        return Answer(wish, None, proposals, found.refusals, (), (), others)
    served = fit_model(model, known)
    proposals = tuple(Proposal(o.option, o.serving) for o in served.options)
    others = () if proposals else tuple(_purchases_for(model, known))
    assumes = (*_defaults(model, given), *served.assumes)
    return Answer(wish, model, proposals, served.refusals, assumes, served.seen, others)


def _purchases_for(model: ModelWish, known: Catalog) -> Iterator[str]:
    for purchase in PURCHASES:
        where = replace(model.where, purchase=purchase)
        if purchase != model.where.purchase and not (
            purchase == "capacity_block" and where.kind == "managed_instances"
        ):
            if fit_model(replace(model, where=where), known).options:
                yield purchase


def _defaults(model: ModelWish, given: argparse.Namespace | None) -> Iterator[str]:
    if given is not None and given.max_model_len is None:
        yield f"--max-model-len {model.length}, which was not given"
    if given is not None and given.max_num_seqs is None:
        yield f"--max-num-seqs {model.sequences}, which was not given"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="neuron-ecs fit",
        description="Which instances can run a wish or serve a language model, cheapest first.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    model = parser.add_argument_group("a language model")
    model.add_argument("--model", metavar="ID", help="its id at Hugging Face")
    model.add_argument(
        "--max-model-len", metavar="N", type=_number, help="tokens of a sequence, prompt and answer"
    )
    model.add_argument("--max-num-seqs", metavar="N", type=_number, help="sequences at once")
    model.add_argument(
        "--precompiled", action="store_true", help="it is compiled and sharded beforehand"
    )
    needs = parser.add_argument_group("what each task needs at least")
    needs.add_argument("--devices", metavar="N", type=_number, help="Neuron devices")
    needs.add_argument("--device-memory-gib", metavar="N", type=_number, help="of all its devices")
    needs.add_argument("--memory-gib", metavar="N", type=_number, help="memory of the host")
    needs.add_argument("--vcpus", metavar="N", type=_number, help="vCPUs of the host")
    where = parser.add_argument_group("where and how")
    where.add_argument("--regions", metavar="A,B", type=_names, default=(), help="only these")
    where.add_argument("--types", metavar="A,B", type=_names, default=(), help="such as inf2.*")
    where.add_argument("--purchase", choices=PURCHASES, default="on_demand")
    where.add_argument("--kind", choices=KINDS, default="auto_scaling", help="of capacity")
    where.add_argument("--tasks", metavar="N", type=_number, default=1, help="so many tasks (1)")
    parser.add_argument("--top", metavar="N", type=_number, default=8, help="rows to show (8)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--width",
        metavar="N",
        type=_width,
        default=_terminal_width(),
        help="characters in a line, 0 for no limit",
    )
    return parser


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,7}", text) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 9999999")
    return int(text)


def _width(text: str) -> int:
    if text != "0" and not 40 <= _number(text) <= 1000:
        raise argparse.ArgumentTypeError("write a number from 40 to 1000, or 0 for no limit")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise argparse.ArgumentTypeError("write names separated by commas")
    return names


def _terminal_width() -> int:
    return min(max(shutil.get_terminal_size((120, 24)).columns, 80), 160)


Error = Callable[[str], object]


def _wish(arguments: argparse.Namespace, known: Catalog, error: Error) -> Wish:
    regions = cast("tuple[str, ...]", arguments.regions)
    for region in regions:
        if region not in known.places.regions:
            error(f"--regions: {region} is no Region{_near(region, known.places.regions)}")
    types = cast("tuple[str, ...]", arguments.types)
    for pattern in types:
        if not any(
            name in known.instances.neuron_types for name in known.instances.matching(pattern)
        ):
            near = _near(pattern, known.instances.neuron_types)
            error(f"--types: {pattern} is no instance type with Neuron devices{near}")
    wish = Wish(
        devices=arguments.devices or 1,
        device_memory_gib=arguments.device_memory_gib or 0,
        memory_mib=(arguments.memory_gib or 0) * 1024,
        cpu_units=(arguments.vcpus or 0) * 1024,
        regions=regions,
        purchase=arguments.purchase,
        kind=arguments.kind,
        types=types,
        tasks=arguments.tasks,
    )
    if wish.kind == "managed_instances" and wish.purchase == "capacity_block":
        error("--purchase: ECS Managed Instances take no Capacity Blocks; use --kind auto_scaling")
    asked = (arguments.model, arguments.devices, arguments.device_memory_gib)
    if not any((*asked, arguments.memory_gib, arguments.vcpus)):
        error("name a --model, or what a task needs: --devices, --device-memory-gib, ...")
    return wish


def _near(word: str, words: Iterable[str]) -> str:
    found = closest_key(word, list(words))
    return f"; did you mean {found}?" if found else ""


def _model_wish(
    arguments: argparse.Namespace, wish: Wish, known: Catalog, error: Error
) -> ModelWish | None:
    name = cast("str | None", arguments.model)
    if name is None:
        if arguments.max_model_len or arguments.max_num_seqs or arguments.precompiled:
            error("--max-model-len, --max-num-seqs and --precompiled need a --model")
        return None
    model = model_called(name, known)
    if model is None:
        error(f"--model: the shape of {name[:120]} is not known; {_models_near(name, known)}")
        return None
    length = arguments.max_model_len or min(DEFAULT_LENGTH, model.max_positions)
    if length > model.max_positions:
        error(f"--max-model-len: {model.id} has {model.max_positions} positions")
    sequences = arguments.max_num_seqs or DEFAULT_SEQUENCES
    return ModelWish(model, length, sequences, cast(bool, arguments.precompiled), wish)


def model_called(name: str, known: Catalog) -> LanguageModel | None:
    """The model of that id, whatever the case; its last part alone will do."""
    wanted = name.lower()
    for model in known.serving.models.values():
        if wanted in (model.id.lower(), model.id.rpartition("/")[2].lower()):
            return model
    return None


def _models_near(name: str, known: Catalog) -> str:
    """The models whose names share the most with it."""

    def parts(text: str) -> set[str]:
        return {p for p in re.split(r"[^a-z0-9.]+", text.lower()) if p}

    ranked = sorted(known.serving.models, key=lambda i: (-len(parts(i) & parts(name)), i))
    near = [i for i in ranked if parts(i) & parts(name)][:4]
    return (
        f"nearest are {listed(near)}" if near else "see `neuron-ecs catalog show language_models`"
    )


def project_name(directory: Path) -> str:
    """The namespace of the stack file's keys: the project's name, where there is a project."""
    try:
        text = (directory / "Pulumi.yaml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    found = re.search(r"^name:\s*([A-Za-z0-9_.-]+)\s*$", text, re.MULTILINE)
    return found[1] if found else "neuron-ecs"
