"""Makes the SDK calls of a capture again, with no logic: what the SDK and the recorder cost alone.

    python -m tests.bench.replay CALLS [--graph FILE | --decode]

The same constructors get the same arguments under the same strict recorder, and the same renderer
writes the text. There is no planning, no YAML, no catalog, no pydantic and none of our components.
`--graph` writes the graph, to compare; `--decode` reads the file without making a single call and
prints the seconds of CPU that this took.
"""

import asyncio
import atexit
import dataclasses
import gc
import json
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import pulumi
import pulumi_aws
from pulumi import output as sdk

from neuron_ecs.recording.engine import record
from neuron_ecs.recording.graph import Recording

WIDTH = 100


class Header(NamedTuple):
    """Where it was captured, and what the program logged."""

    project: str
    stack: str
    config: Mapping[str, str]
    messages: Sequence[tuple[str, str]]


class Custom(NamedTuple):
    """A constructor of the provider's SDK."""

    package: str
    name_of_class: str
    name: str
    arguments: Mapping[str, Any]
    options: Mapping[str, Any]


class Component(NamedTuple):
    """A component, without the class that made it."""

    type: str
    name: str
    options: Mapping[str, Any]


class Outputs(NamedTuple):
    """`register_outputs` of the component with this number."""

    component: int
    outputs: Mapping[str, Any]


class Export(NamedTuple):
    """An output of the stack."""

    name: str
    value: Any


Call = Custom | Component | Outputs | Export


class _Reader(pickle.Unpickler):
    """Puts what is live back in the place of its reference."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.resources: list[Any] = []
        self._derived: list[Any] = []
        self._hooks: list[Any] = []

    def persistent_load(self, pid: Any) -> Any:
        match pid:
            case ("attribute", number, name):
                return self.resources[number].__dict__[name]
            case ("resource", number):
                return self.resources[number]
            case ("derived", number):
                return self._derived[number]
            case ("derived", _, value, depends):
                # done before anyone asks: an Output without a task of its own
                done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                on = {self.resources[n] for n in depends}
                data: Any = sdk.__dict__["_OutputData"]
                done.set_result(data(resources=on, value=value, is_known=True, is_secret=False))
                made: Any = pulumi.Output
                self._derived.append(made._from_data(done))
                return self._derived[-1]
            case ("hooks", number):
                return self._hooks[number]
            case ("hooks", _, names):
                bound = [pulumi.ErrorHook(name, _never) for name in names]
                self._hooks.append(pulumi.ResourceHookBinding(on_error=bound))
                return self._hooks[-1]
            case _:
                raise ValueError(pid)


class _Decoder(pickle.Unpickler):
    """Reads, and makes nothing."""

    def persistent_load(self, pid: Any) -> None:
        return None


def _never(_: pulumi.ErrorHookArgs) -> bool:
    return False


def _all(reader: pickle.Unpickler) -> Iterator[Any]:
    while True:
        try:
            yield reader.load()
        except EOFError:
            return


def _options(given: dict[str, Any]) -> pulumi.ResourceOptions:
    limits = given.get("custom_timeouts")
    if limits is not None:
        given["custom_timeouts"] = pulumi.CustomTimeouts(**limits)
    return pulumi.ResourceOptions(**given)


def _make(reader: _Reader, messages: Sequence[tuple[str, str]]) -> None:
    says: Mapping[str, Callable[[str], None]] = {
        "info": pulumi.log.info,
        "warning": pulumi.log.warn,
        "error": pulumi.log.error,
    }
    for severity, text in messages:
        says[severity](text)
    resources = reader.resources
    for call in _all(reader):
        match call[0]:
            case "Custom":
                _, package, made, name, arguments, options = call
                cls = getattr(getattr(pulumi_aws, package), made)
                resources.append(cls(name, **arguments, opts=_options(options)))
            case "Component":
                _, type_, name, options = call
                resources.append(pulumi.ComponentResource(type_, name, None, _options(options)))
            case "Outputs":
                _, number, outputs = call
                resources[number].register_outputs(outputs)
            case _:
                _, name, value = call
                pulumi.export(name, value)


def replay(calls: Path) -> Recording:
    """The graph of the calls."""
    with calls.open("rb") as file:
        reader = _Reader(file)
        header = Header(*reader.load())
        return record(
            lambda: _make(reader, header.messages),
            project=header.project,
            stack=header.stack,
            config=header.config,
        )


def graph(recording: Recording) -> str:
    """Everything that was recorded, as text that equal graphs have in common."""
    found = sorted(recording.resources, key=lambda r: r.urn)
    return json.dumps(
        {
            "project": recording.project,
            "stack": recording.stack,
            "resources": [dataclasses.asdict(r) for r in found],
            "outputs": recording.outputs,
            "messages": [(m.severity, m.text) for m in recording.messages],
        },
        indent=1,
        sort_keys=True,
    )


def text(recording: Recording) -> Iterator[str]:
    """The lines that a preview prints."""
    from neuron_ecs.recording.text import render

    return render(recording, width=WIDTH)


def main(arguments: Sequence[str]) -> int:
    """Replays the capture named."""
    calls = Path(arguments[0])
    if arguments[1:] == ["--decode"]:
        began = time.process_time()
        with calls.open("rb") as file:
            number = sum(1 for _ in _all(_Decoder(file))) - 1
        print(number, f"{time.process_time() - began:.4f}")
        return 0
    recording = replay(calls)
    sys.stdout.writelines(f"{line}\n" for line in text(recording))
    if arguments[1:2] == ["--graph"]:
        Path(arguments[2]).write_text(graph(recording))
    return 0


if __name__ == "__main__":
    gc.disable()  # as a command of the project does
    atexit.register(gc.freeze)
    sys.exit(main(sys.argv[1:]))
