"""The `models` command: adds, removes, changes and explains models in a stack file."""

import argparse
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import catalog
from messages.finding import Severity
from neuron_ecs import terminal
from neuron_ecs.arguments.options import option, positional
from neuron_ecs.arguments.parser import PROJECT_FILE, Parser
from neuron_ecs.arguments.stack import OfStack
from neuron_ecs.cli.entries import EXIT_CODES, VERSION, OfEntry, add_actions, as_type
from neuron_ecs.files import STACK_FILE_BYTES, read_bytes
from neuron_ecs.fit.configuration import read_model
from neuron_ecs.stackfile.entries import MODELS, POOLS, Add, Edit, edited, entries_of
from neuron_ecs.stackfile.fields import Field, assignment, span_of, words
from neuron_ecs.stackfile.reading import StackFile, read_revision
from neuron_ecs.stackfile.yaml_values import Value
from neuron_ecs.terminal import FINE, UsageError
from planning import Refused
from planning.serving.servers import served_model
from planning.serving.shapes import entry_of

_EPILOG = f"""\
examples:
  neuron-ecs models add llama --model meta-llama/Llama-3.1-8B-Instruct --max-model-len 8192
  neuron-ecs models add mistral-7b --image IMAGE --capacity inf2 --devices 1 --port 8080
  neuron-ecs models add tuned --config config.json --model acme/tuned --capacity inf2
  neuron-ecs models set mistral-7b replicas=1..4 health_check.path=/health --stack prod
  neuron-ecs models set mistral-7b 'environment["LOG.LEVEL"]=debug' --unset replicas.max
  neuron-ecs models remove mistral-7b
  neuron-ecs models explain llama

{EXIT_CODES}"""


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError("write NAME=VALUE")
    return name, value


def _devices(text: str) -> Value:
    if text == "all":
        return text
    if re.fullmatch(r"\d{1,4}", text):
        return int(text)
    if re.fullmatch(r"\[?\d{1,4}(,\s*\d{1,4})*,?\]?", text):
        return [int(number) for number in re.findall(r"\d+", text)]
    raise argparse.ArgumentTypeError("write a count as 2, ids as 0,1 or [0], or all")


def _ports(text: str) -> list[int]:
    if not re.fullmatch(r"\d{1,5}(,\d{1,5})*", text):
        raise argparse.ArgumentTypeError("write a port as 8080, or several as 8080,9090")
    return [int(number) for number in text.split(",")]


@dataclass(frozen=True, kw_only=True)
class AddArguments(OfEntry):
    """The arguments of `models add`."""

    model: str | None = option(
        metavar="ID", help="its id at Hugging Face, or an s3:// prefix: the entry says serve"
    )
    image: str | None = option(help="its image, with tag or digest, instead of --model")
    capacity: str | None = option(
        metavar="POOL", help="the pool that runs it (the only one that can)"
    )
    server: str | None = option(metavar="NAME", help="what serves --model (the first that fits)")
    max_model_len: int | None = option(type=int, metavar="N", help="tokens of a sequence")
    max_num_seqs: int | None = option(type=int, metavar="N", help="sequences at once")
    devices: Value = option(
        type=_devices, metavar="DEVICES", help="a count, ids as 0,1 or [0], or all"
    )
    port: list[int] | None = option(
        type=_ports, metavar="N", help="the port that serves, or several"
    )
    replicas: Value = option(type=as_type(span_of), metavar="N..M", help="tasks, at least and most")
    min: int | None = option(type=int, metavar="N", help="tasks that always run")
    max: int | None = option(type=int, metavar="N", help="tasks at most")
    region: list[str] | None = option(
        action="append", metavar="REGION", help="only there (again for several)"
    )
    command: list[str] | None = option(
        type=as_type(words), metavar="WORDS", help="as a shell would split them"
    )
    entry_point: list[str] | None = option(
        type=as_type(words), metavar="WORDS", help="as --command"
    )
    secret: list[tuple[str, str]] | None = option(
        action="append", type=_pair, metavar="NAME=ARN", help="a secret's place"
    )
    env: list[tuple[str, str]] | None = option(
        action="append", type=_pair, metavar="NAME=VALUE", help="a variable"
    )
    config: Path | None = option(
        type=Path, metavar="FILE", help="its config.json, which becomes an entry of shapes"
    )
    set: list[tuple[Field, str]] | None = option(
        action="append",
        type=as_type(assignment),
        metavar="FIELD=VALUE",
        help="any other field",
    )

    @property
    def edit(self) -> Edit:
        """The new model, its keys in the order in which stack files have them."""
        ports = self.port or []
        span = {k: v for k, v in (("min", self.min), ("max", self.max)) if v is not None}
        if self.replicas is not None and span:
            raise UsageError("--replicas says both --min and --max; give one or the other")
        fields: dict[str, Value] = {
            "image": self.image,
            "serve": self._serve,
            "entry_point": self.entry_point,
            "command": self.command,
            "secrets": dict(self.secret or []),
            "environment": dict(self.env or []),
            "capacity": self.capacity,
            "neuron_devices": self.devices,
            "port": ports[0] if len(ports) == 1 else None,
            "ports": ports if len(ports) > 1 else None,
            "replicas": span if self.replicas is None else self.replicas,
            "regions": [r for r in ",".join(self.region or []).split(",") if r],
        }
        return Add(fields, self.set or (), self._shape)

    @property
    def _serve(self) -> dict[str, Value]:
        said: dict[str, Value] = {
            "server": self.server,
            "max_model_len": self.max_model_len,
            "max_num_seqs": self.max_num_seqs,
        }
        said = {key: value for key, value in said.items() if value is not None}
        if self.image is not None:
            if said:
                flag = next(iter(said)).replace("_", "-")
                raise UsageError(f"--{flag} needs a --model without --image, whose command says it")
            return {}
        if self.model is None:
            raise UsageError("give a --model, or an --image and its --command")
        if self.command or self.entry_point:
            raise UsageError("--model derives the command; give --image beside a --command")
        return {"model": self.model, **said}

    def completed(self, text: str, file: StackFile) -> Edit:
        """The new model on the only pool on which it plans, if none is named."""
        edit = self.edit
        if self.capacity is not None or not isinstance(edit, Add):
            return edit
        pools = entries_of(text, file, POOLS)
        if not pools:
            raise UsageError("the stack file has no pool; `neuron-ecs pools add` adds one")
        tried = {pool: replace(edit, fields={**edit.fields, "capacity": pool}) for pool in pools}
        why = {pool: self._refusal(one, text, file) for pool, one in tried.items()}
        able = [pool for pool in pools if why[pool] is None]
        if len(able) == 1 or len(pools) == 1:
            return tried[(able or list(pools))[0]]
        if able:
            raise UsageError(f"it plans on several pools; write --capacity {' or '.join(able)}")
        if len(set(why.values())) == 1:
            raise UsageError(f"it plans on no pool: {why[next(iter(pools))]}")
        reasons = "; ".join(f"{pool}: {reason}" for pool, reason in why.items())
        raise UsageError(f"it plans on no pool ({reasons})")

    def _refusal(self, edit: Add, text: str, file: StackFile) -> str | None:
        """The first error of the stack with this edit; `None` if it plans."""
        new = edited(text, file, MODELS, self.name, edit).encode()
        beside = file.path.parent / PROJECT_FILE
        project = read_bytes(
            beside if beside.is_file() else self.directory / PROJECT_FILE, STACK_FILE_BYTES
        )
        try:
            read_revision(project, new, stack=file.stack).plan(catalog.load())
        except Refused as refused:
            errors = [f for f in refused.findings if f.severity is Severity.ERROR]
            if not errors:
                return None
            return f"{errors[0].path} {errors[0].what}: {errors[0].fix}"
        return None

    @property
    def _shape(self) -> tuple[str, dict[str, Value]] | None:
        if self.config is None:
            return None
        model = read_model(
            self.config, self.model or served_model(self.command or []), catalog.load()
        )
        return model.id, cast("dict[str, Value]", entry_of(model))


@dataclass(frozen=True, kw_only=True)
class ExplainArguments(OfStack):
    """The arguments of `models explain`."""

    name: str | None = positional(
        metavar="NAME", nargs="?", help="the model (each one that says serve)"
    )


def add_arguments(parser: Parser) -> None:
    """Adds the actions of `models` and their arguments."""
    action = add_actions(parser, MODELS, AddArguments, _EPILOG)
    action("explain", "prints a model of serve as if written out").calls(
        ExplainArguments, explain, _EPILOG
    )


def explain(arguments: ExplainArguments) -> int:
    """Prints models of `serve` as if written out. Raises `Refused` and `UsageError`."""
    from neuron_ecs.stackfile import explained

    file, name = arguments.read(), arguments.name
    plan = file.plan(catalog.load())
    found = [model for model in plan.written if name in (None, model.name)]
    if not found:
        written = {m.name for r in plan.regions for m in r.models}
        served = ", ".join(model.name for model in plan.written) or "no model"
        what = "is written out already" if name in written else f"is no model of {file.path.name}"
        who = f"{name} {what}; " if name else ""
        raise UsageError(f"{who}{served} says serve")
    if arguments.json:
        terminal.write_json({"version": VERSION, "models": explained.document(found)}, sys.stdout)
        return FINE
    for model in found:
        sys.stdout.writelines(f"{line}\n" for line in explained.lines(model, arguments.width))
    return FINE
