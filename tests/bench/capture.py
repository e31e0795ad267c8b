"""Writes down what the program asks of the SDK: every constructor call with its typed arguments.

    python -m tests.bench.capture STACK_FILE CALLS GRAPH

`CALLS` becomes a file for `tests.bench.replay`: a sequence of pickles of plain data. Wherever an
argument is live (an Output, a resource, a hook) a reference stands in its place: an attribute of an
earlier resource by (resource, attribute), a derived Output by its value and the resources that it
depends on. `GRAPH` becomes the graph of an undisturbed run, to compare the replay's with.
"""

import importlib
import inspect
import io
import pickle
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast
from unittest import mock

import pulumi

from neuron_ecs.recording.engine import record
from neuron_ecs.recording.graph import Recording
from neuron_ecs.recording.program import PROGRAM
from neuron_ecs.stackfile.reading import StackFile, read
from tests.bench.replay import Call, Component, Custom, Export, Header, Outputs, graph

_OPTIONS = frozenset(inspect.signature(pulumi.ResourceOptions).parameters)
_STACK = "pulumi:pulumi:Stack"


class _Calls:
    """The calls in order, and what every live object is called in them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.live: dict[int, int] = {}  # id of a resource -> its number
        self.attributes: dict[int, tuple[int, str]] = {}  # id of an Output -> whose, which
        self.kept: list[object] = []  # ids stay unique while their objects live

    def built(self, resource: pulumi.Resource) -> None:
        number = len(self.live)
        self.live[id(resource)] = number
        self.kept.append(resource)
        for name, value in vars(resource).items():
            if isinstance(value, pulumi.Output):
                self.attributes[id(cast(object, value))] = number, name

    def options(self, opts: pulumi.ResourceOptions | None) -> dict[str, Any]:
        """The options that are set, as the arguments that make them again."""
        plain = vars(pulumi.ResourceOptions())
        given = {
            k: v
            for k, v in vars(opts or pulumi.ResourceOptions()).items()
            if k in _OPTIONS and v != plain[k]
        }
        if isinstance(limits := given.get("custom_timeouts"), pulumi.CustomTimeouts):
            given["custom_timeouts"] = dict(vars(limits))
        return given


class _Writer(pickle.Pickler):
    """Pickles calls with references in place of what is live."""

    def __init__(self, file: io.BufferedWriter, calls: _Calls) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._calls = calls
        self._derived: dict[int, int] = {}
        self._hooks: dict[int, int] = {}

    def persistent_id(self, obj: Any) -> object:
        if isinstance(obj, pulumi.Output):
            return self._output(cast("pulumi.Output[Any]", obj))
        if isinstance(obj, pulumi.Resource):
            return ("resource", self._calls.live[id(obj)])
        if isinstance(obj, pulumi.ResourceHookBinding):
            hooks = [h.name for h in obj.on_error or ()]
            known = self._hooks.get(id(obj))
            if known is not None:
                return ("hooks", known)
            self._hooks[id(obj)] = len(self._hooks)
            return ("hooks", self._hooks[id(obj)], hooks)
        return None

    def _output(self, output: pulumi.Output[Any]) -> object:
        attribute = self._calls.attributes.get(id(output))
        if attribute is not None:
            return ("attribute", *attribute)
        known = self._derived.get(id(output))
        if known is not None:
            return ("derived", known)
        number = self._derived[id(output)] = len(self._derived)
        data = cast(Any, output)._data.result()
        if not data.is_known or data.is_secret:
            raise ValueError("an Output without a plain value cannot be replayed")
        depends = sorted(self._calls.live[id(r)] for r in data.resources)
        return ("derived", number, data.value, depends)


@contextmanager
def _watched(calls: _Calls, classes: Sequence[type[pulumi.Resource]]) -> Generator[None]:
    """Notes every call of the SDK's constructors while it lasts."""

    def custom(made: type[pulumi.Resource]) -> Callable[..., None]:
        plain: Callable[..., None] = made.__init__
        package = made.__module__.split(".")[1]

        def construct(self: Any, resource_name: str, *args: Any, **kwargs: Any) -> None:
            if args:
                raise ValueError(f"{resource_name}: arguments stand by name")
            given = {k: v for k, v in kwargs.items() if k != "opts"}
            options = calls.options(kwargs.get("opts"))
            calls.calls.append(Custom(package, made.__name__, resource_name, given, options))
            plain(self, resource_name, **kwargs)
            calls.built(self)

        return construct

    component: Callable[..., None] = pulumi.ComponentResource.__init__
    register: Callable[..., None] = pulumi.ComponentResource.register_outputs
    export = pulumi.export

    def construct(
        self: Any, t: str, name: str, props: Any = None, opts: Any = None, *rest: Any
    ) -> None:
        component(self, t, name, props, opts, *rest)
        if t != _STACK:
            calls.calls.append(Component(t, name, calls.options(opts)))
            calls.built(self)

    def register_outputs(self: Any, outputs: Any) -> None:
        if id(self) in calls.live:
            calls.calls.append(Outputs(calls.live[id(self)], outputs))
        register(self, outputs)

    def exported(name: str, value: Any) -> None:
        calls.calls.append(Export(name, value))
        export(name, value)

    with ExitStack() as patches:
        for made in classes:
            patches.enter_context(mock.patch.object(made, "__init__", custom(made)))
        whole = pulumi.ComponentResource
        patches.enter_context(mock.patch.object(whole, "__init__", construct))
        patches.enter_context(mock.patch.object(whole, "register_outputs", register_outputs))
        patches.enter_context(mock.patch.object(pulumi, "export", exported))
        yield


def _classes(recording: Recording) -> list[type[pulumi.Resource]]:
    """The SDK's classes of everything that was registered."""
    found: dict[str, type[pulumi.Resource]] = {}
    for resource in recording.resources:
        if resource.custom and resource.type not in found:
            _, module, name = resource.type.split(":")
            package = importlib.import_module(f"pulumi_aws.{module.split('/')[0]}")
            found[resource.type] = getattr(package, name)
    return list(found.values())


def capture(file: StackFile, calls_file: Path) -> Recording:
    """Writes the calls of the file's program; returns the graph of an undisturbed run."""
    run: Mapping[str, Any] = {
        "project": file.project,
        "stack": file.stack,
        "config": file.config,
    }
    undisturbed = record(PROGRAM, **run)
    calls = _Calls()
    with _watched(calls, _classes(undisturbed)):
        record(PROGRAM, **run)
    home = {"aws:region": file.config.get("aws:region", "")}
    messages = [(m.severity, m.text) for m in undisturbed.messages]
    with calls_file.open("wb") as out:
        writer = _Writer(out, calls)
        writer.dump(tuple(Header(file.project, file.stack, home, messages)))
        for call in calls.calls:
            # the name of the kind and its fields: the reader makes no objects of ours
            writer.dump((type(call).__name__, *call))
    return undisturbed


def main(arguments: Sequence[str]) -> int:
    """Captures the stack file named."""
    stack_file, calls_file, graph_file = map(Path, arguments)
    file = read(stack=None, file=stack_file, directory=Path())
    graph_file.write_text(graph(capture(file, calls_file)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
