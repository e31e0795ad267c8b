"""The `models` command: adds, removes, changes and explains models in a stack file."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import catalog
from neuron_ecs import terminal
from neuron_ecs.arguments.options import option, positional
from neuron_ecs.arguments.parser import Parser
from neuron_ecs.arguments.stack import OfStack
from neuron_ecs.edits.entries import OfEntry, add_actions
from neuron_ecs.edits.pool import on_only_pool
from neuron_ecs.edits.writing import VERSION, epilog_of
from neuron_ecs.fit.configuration import read_model
from neuron_ecs.stackfile.entries import MODELS, Add, Edit
from neuron_ecs.stackfile.fields import Field, assignment, span_of, words
from neuron_ecs.stackfile.reading import StackFile
from neuron_ecs.stackfile.yaml_values import Value
from neuron_ecs.terminal import FINE, UsageError
from planning.serving.servers import served_model
from planning.serving.shapes import entry_of

_EXAMPLES = """\
  neuron-ecs models add llama --model meta-llama/Llama-3.1-8B-Instruct --max-model-len 8192
  neuron-ecs models add mistral-7b --image IMAGE --capacity inf2 --devices 1 --port 8080
  neuron-ecs models add tuned --config config.json --model acme/tuned --capacity inf2
  neuron-ecs models set mistral-7b replicas=1..4 health_check.path=/health --stack prod
  neuron-ecs models set mistral-7b 'environment["LOG.LEVEL"]=debug' --unset replicas.max
  neuron-ecs models remove mistral-7b
  neuron-ecs models explain llama"""


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError("write NAME=VALUE")
    return name, value


def _devices(text: str) -> Value:
    if text == "all":
        return text
    if re.fullmatch(r"\d{1,4}", text):
        return int(text)
    if re.fullmatch(r"\[?\d{1,4}(,\s*\d{1,4})*,?\]?", text):
        return [int(number) for number in re.findall(r"\d+", text)]
    raise UsageError("write a count as 2, ids as 0,1 or [0], or all")


def _ports(text: str) -> list[int]:
    if not re.fullmatch(r"\d{1,5}(,\d{1,5})*", text):
        raise UsageError("write a port as 8080, or several as 8080,9090")
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
    replicas: Value = option(type=span_of, metavar="N..M", help="tasks, at least and most")
    min: int | None = option(type=int, metavar="N", help="tasks that always run")
    max: int | None = option(type=int, metavar="N", help="tasks at most")
    region: list[str] | None = option(
        action="append", metavar="REGION", help="only there (again for several)"
    )
    command: list[str] | None = option(
        type=words, metavar="WORDS", help="as a shell would split them"
    )
    entry_point: list[str] | None = option(type=words, metavar="WORDS", help="as --command")
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
        type=assignment,
        metavar="FIELD=VALUE",
        help="any other field",
    )

    def edit(self, text: str, file: StackFile) -> Edit:
        """The new model, on the only pool on which it plans if none is named."""
        added = self._added()
        if self.capacity is None:
            return on_only_pool(added, self.name, text, file, self.directory)
        return added

    def _added(self) -> Add:
        """The new model, its keys in the order in which stack files have them."""
        ports = self.port or []
        span = {k: v for k, v in (("min", self.min), ("max", self.max)) if v is not None}
        if self.replicas is not None and span:
            raise UsageError("--replicas says both --min and --max; give one or the other")
        fields: dict[str, Value] = {
            "image": self.image,
            "serve": self._serve(),
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
        return Add(fields, self.set or (), self._shape())

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
    action = add_actions(parser, MODELS, _EXAMPLES, AddArguments)
    action("explain", "prints a model of serve as if written out").calls(
        ExplainArguments, explain, epilog_of(_EXAMPLES)
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
        arguments.write(explained.lines(model, arguments.width))
    return FINE
