"""Runs a Pulumi program offline under a strict engine and records what it registers.

The engine knows no AWS: identifiers, ARNs and a few outputs are made up
(`neuron_ecs.recording.placeholders`). What it does know are the SDK's own types. It refuses
whatever AWS would never see: an unknown type token, an input that the type does not have at any
depth, a missing or ill-typed one, a duplicate URN, a look-up other than of the account. It
deliberately checks no value against AWS's rules (that is the planner's work), and runs no
transforms and no hooks (hooks are recorded by name).
"""

import asyncio
import contextvars
import difflib
import functools
import importlib
import re
import runpy
import selectors
import sys
from collections.abc import Callable, Collection, Coroutine, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar, cast

import pulumi
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import mocks
from pulumi.runtime.proto import engine_pb2, resource_pb2, source_pb2

from neuron_ecs.recording.graph import (
    SECRET,
    UNKNOWN,
    Message,
    Recording,
    Resource,
    child_urn,
    stack_urn,
)
from neuron_ecs.recording.placeholders import LOOKUPS, auto_name, identifier, placeholders
from neuron_ecs.recording.sdk_types import (
    KIND_BY_SIGNATURE,
    SIGNATURE,
    STACK_TYPE,
    UNKNOWN_VALUE,
    MismatchError,
    ResourceType,
    resource_type,
    tokens,
)
from planning.document import Json

# The SDK keeps its settings and what it does with a resource in places that are neither public nor
# typed. They are reached through these names and nowhere else.
_resource: Any = importlib.import_module("pulumi.runtime.resource")
_settings: Any = importlib.import_module("pulumi.runtime.settings")
_stack: Any = importlib.import_module("pulumi.runtime.stack")

_COMPONENT_TYPE = re.compile(r"[^:\s$]+:[^:\s$]*:[^:\s$]+")


class RecordingError(Exception):
    """The program registered something that no engine or provider would accept.

    `problems` holds every such mistake of the run, in the order of registration; the text of the
    exception lists them all. What failed only because of another mistake is left out.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


# ---------------------------------------------------------------------------------------------
# The wire


def _plain(struct: struct_pb2.Struct, marked: list[bool]) -> dict[str, Json]:
    """The JSON of a message; `marked` grows if anything in it is more than plain JSON."""
    if SIGNATURE in struct.fields:
        marked.append(True)
    return {key: _plain_value(value, marked) for key, value in sorted(struct.fields.items())}


def _plain_value(value: struct_pb2.Value, marked: list[bool]) -> Json:
    match value.WhichOneof("kind"):
        case "string_value":
            text = value.string_value
            if text == UNKNOWN_VALUE:
                marked.append(True)
            return text
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return _plain(value.struct_value, marked)
        case "list_value":
            return [_plain_value(item, marked) for item in value.list_value.values]
        case _:
            return None


def _readable(value: Json) -> Json:
    """The same value with the SDK's signatures replaced by markers that say what they mean."""
    if value == UNKNOWN_VALUE:
        return dict(UNKNOWN)
    if isinstance(value, list):
        return [_readable(item) for item in cast(list[Json], value)]
    if not isinstance(value, dict):
        return value
    wire = cast(dict[str, Json], value)
    kind = KIND_BY_SIGNATURE.get(wire.get(SIGNATURE, ""))
    if kind == "secret":
        return dict(SECRET)
    plain = {key: _readable(item) for key, item in wire.items() if key != SIGNATURE}
    if kind == "resource":
        return {"resource": plain["urn"]}
    return plain if kind is None else {kind: plain}


def _recordable(struct: struct_pb2.Struct) -> dict[str, Json]:
    marked: list[bool] = []
    plain = _plain(struct, marked)
    return _readable(plain) if marked else plain


_HOOKS = (
    "before_create",
    "after_create",
    "before_update",
    "after_update",
    "before_delete",
    "after_delete",
    "on_error",
)


def _options(request: resource_pb2.RegisterResourceRequest) -> dict[str, Json]:
    wire: Any = request  # the stubs leave the aliases' type open
    options: dict[str, Json] = {
        "additional_secret_outputs": sorted(request.additionalSecretOutputs),
        "aliases": [
            *request.aliasURNs,
            *(_alias(alias) for alias in wire.aliases),
        ],
        "delete_before_replace": request.deleteBeforeReplace
        if request.deleteBeforeReplaceDefined
        else None,
        "deleted_with": request.deletedWith,
        "env_var_mappings": dict(request.envVarMappings),
        "hide_diffs": list(request.hideDiffs),
        "ignore_changes": list(request.ignoreChanges),
        "import_": request.importId,
        "protect": request.protect if request.HasField("protect") else None,
        "providers": {
            package: _provider_urn(reference) for package, reference in request.providers.items()
        },
        "replace_on_changes": list(request.replaceOnChanges),
        "replace_with": sorted(request.replace_with),
        "retain_on_delete": request.retainOnDelete if request.HasField("retainOnDelete") else None,
    }
    if request.HasField("customTimeouts"):
        timeouts = request.customTimeouts
        options["custom_timeouts"] = {
            step: text
            for step in ("create", "read", "update", "delete")
            if (text := getattr(timeouts, step))
        }
    if request.HasField("hooks"):
        bound = {when: list(getattr(request.hooks, when)) for when in _HOOKS}
        options["hooks"] = {when: names for when, names in bound.items() if names}
    if request.HasField("replacement_trigger"):
        trigger: list[bool] = []
        options["replacement_trigger"] = _readable(
            _plain_value(request.replacement_trigger, trigger)
        )
    return {
        key: value
        for key, value in options.items()
        if value is not None and value not in ("", [], {})
    }


def _alias(alias: Any) -> Json:
    as_json: dict[str, Any] = json_format.MessageToDict(alias)
    spec: dict[str, Any] = as_json.get("spec", {})
    return as_json.get("urn") or {key: value for key, value in spec.items() if value != ""}


def _provider_urn(reference: str) -> str:
    return reference.rpartition("::")[0]


# ---------------------------------------------------------------------------------------------
# The engine


class _NoMocks(mocks.Mocks):
    """The monitor below answers everything itself."""

    def call(self, args: mocks.MockCallArgs) -> NoReturn:
        raise NotImplementedError

    def new_resource(self, args: mocks.MockResourceArgs) -> NoReturn:
        raise NotImplementedError


class _Monitor(mocks.MockMonitor):
    """Receives the program's requests, refuses wrong ones and records the rest."""

    def __init__(
        self, *, project: str, stack: str, region: str, preview: bool, lookups: Collection[str]
    ) -> None:
        super().__init__(_NoMocks())
        self.problems: list[str] = []
        self.recorded: dict[str, Resource] = {}
        self._created: dict[tuple[str, str], int] = {}
        self.outputs: dict[str, Json] = {}
        self._hooks: set[str] = set()
        self._project = project
        self._stack = stack
        self._stack_urn = stack_urn(project, stack)
        self._region = region
        self._preview = preview
        self._lookups = lookups

    def _refuse(self, text: str) -> NoReturn:
        self.problems.append(text)
        raise RecordingError(text)

    def note(self, args: pulumi.ResourceTransformationArgs) -> None:
        """Called by the SDK, in the order of the program, for each resource that it creates."""
        self._created.setdefault((args.type_, args.name), len(self._created))

    def RegisterResource(
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=self._stack_urn)
        parent = request.parent or self._stack_urn
        urn = child_urn(
            project=self._project,
            stack=self._stack,
            parent=parent,
            type_=request.type,
            name=request.name,
        )
        known = self._admit(request, urn, parent)
        marked: list[bool] = []
        inputs = _plain(request.object, marked)
        if known is not None:
            try:
                known.check(inputs)
            except MismatchError as mismatch:
                self._refuse(f"{urn}: {mismatch}")
        resource = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=parent,
            provider=_provider_urn(request.provider) or None,
            dependencies=tuple(sorted(request.dependencies)),
            property_dependencies={
                key: tuple(sorted(urns))
                for key, dependency in sorted(request.propertyDependencies.items())
                if (urns := dependency.urns)
            },
            options=_options(request),
            inputs=_readable(inputs) if marked else inputs,
            created=self._created.get((request.type, request.name), 0),
        )
        self.recorded[urn] = resource
        if known is None:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if self._preview:
            return self._planned(request, resource, known)
        outputs = struct_pb2.Struct()
        outputs.update(placeholders(resource, known, self._region_of(resource)))
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=identifier(request.name), object=outputs
        )

    def _admit(
        self, request: resource_pb2.RegisterResourceRequest, urn: str, parent: str
    ) -> ResourceType | None:
        """The type of a custom resource, None for a component; raises for what no engine takes."""
        if urn in self.recorded:
            self._refuse(
                f"{urn}: registered twice; give one of the two a different logical name or parent"
            )
        if parent != self._stack_urn and parent not in self.recorded:
            self._refuse(f"{urn}: its parent was never registered: {parent}")
        if request.remote:
            self._refuse(f"{urn}: a component of another package cannot be built offline")
        if not request.custom:
            if _COMPONENT_TYPE.fullmatch(request.type) is None:
                self._refuse(f"{urn}: {request.type!r} is no component type: package:module:Type")
            return None
        known = resource_type(request.type)
        if known is None:
            near = difflib.get_close_matches(request.type, tokens(), n=1, cutoff=0.0)
            self._refuse(
                f"{urn}: no such resource type: {request.type}"
                + (f"; the nearest is {near[0]}" if near else "")
            )
        return known

    def _planned(
        self,
        request: resource_pb2.RegisterResourceRequest,
        resource: Resource,
        known: ResourceType,
    ) -> resource_pb2.RegisterResourceResponse:
        """What a real engine knows before it creates: the inputs and the name it has chosen."""
        outputs = struct_pb2.Struct()
        outputs.CopyFrom(request.object)
        name = auto_name(resource, known)
        if name is not None:
            outputs.update({"name": name})
        return resource_pb2.RegisterResourceResponse(urn=resource.urn, object=outputs)

    def _region_of(self, resource: Resource) -> str:
        region = resource.inputs.get("region")
        if region is None and resource.provider in self.recorded:
            region = self.recorded[resource.provider].inputs.get("region")
        return region if isinstance(region, str) else self._region

    def RegisterResourceOutputs(
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> empty_pb2.Empty:
        outputs = _recordable(request.outputs)
        if request.urn == self._stack_urn:
            self.outputs = outputs
        elif request.urn in self.recorded:
            self.recorded[request.urn] = replace(self.recorded[request.urn], outputs=outputs)
        return empty_pb2.Empty()

    def Invoke(
        self, request: resource_pb2.ResourceInvokeRequest
    ) -> resource_pb2.ResourceInvokeResponse:
        answer = LOOKUPS.get(request.tok)
        if answer is None and request.tok not in self._lookups:
            self._refuse(f"{request.tok}: look-up; it has no answer offline")
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").update(answer or {})  # a word of Python
        return response

    def Call(self, request: Any) -> NoReturn:
        self._refuse(f"{request.tok}: call of a resource's method; it cannot be made offline")

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> NoReturn:
        self._refuse(
            f"{request.type}: look-up of {request.name!r} ({request.id}); nothing is read offline"
        )

    def ExistsResource(self, request: Any) -> NoReturn:  # noqa: N802, the wire's name
        self._refuse(f"{request.type}: look-up of {request.id}; nothing is read offline")

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        """Called by the SDK in place of the server through which an engine would run hooks."""
        self._register_hook(hook.name)

    def register_error_hook(self, hook: pulumi.ErrorHook) -> None:
        """Called by the SDK in place of the server through which an engine would run hooks."""
        self._register_hook(hook.name)

    def _register_hook(self, name: str) -> None:
        if name in self._hooks:
            self._refuse(f"hook {name!r}: registered twice; hook names are unique in a stack")
        self._hooks.add(name)

    def register_transform(self, transform: object) -> NoReturn:
        """Called by the SDK; a transform would change what is recorded, unseen."""
        self._refuse(f"transform {transform!r}: transforms are not run offline")

    register_state_migration = register_transform
    register_stack_transform = register_transform
    register_stack_invoke_transform = register_transform


class _Log:
    """The engine's log: keeps what people are meant to read."""

    _SEVERITIES: Mapping[int, str] = {
        engine_pb2.INFO: "info",
        engine_pb2.WARNING: "warning",
        engine_pb2.ERROR: "error",
    }

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def Log(self, request: engine_pb2.LogRequest) -> empty_pb2.Empty:  # noqa: N802, the wire's name
        severity = self._SEVERITIES.get(request.severity)
        if severity is not None:
            self.messages.append(Message(severity, request.message))
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, _: object) -> empty_pb2.Empty:  # noqa: N802, the wire's name
        return empty_pb2.Empty()


_P = ParamSpec("_P")
_T = TypeVar("_T")


class _AtOnce(ThreadPoolExecutor):
    """Runs each request where it is made, so that the order of registration is repeatable."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        future: Future[_T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class _NeverIdle(selectors.DefaultSelector):
    """Refuses to wait for ever: nothing outside the program could wake it."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RecordingError(
                "the program waits for a value that never comes: outputs or awaitables of it "
                "depend on each other in a circle, or on something outside the program"
            )
        return super().select(timeout)


def record(
    program: Path | Callable[[], object],
    *,
    project: str,
    stack: str,
    config: Mapping[str, str],
    preview: bool = False,
    lookups: Collection[str] = (),
    secrets: Collection[str] = (),
) -> Recording:
    """Runs a program and returns what it registered.

    The program is its `__main__.py`, the directory of that, or a function that builds resources.
    `config` maps full keys such as `aws:region` to text, JSON text for structured values.
    With `preview`, outputs that an engine learns only by creating are unknown, as they are for
    `pulumi preview`; otherwise they are made up. `lookups` names the functions that may be invoked
    (they answer with nothing), `secrets` the keys of `config` that are encrypted.

    Raises RecordingError for what no engine would accept, and whatever the program raises as it is.
    """
    region = config.get("aws:region", "no-region")
    monitor = _Monitor(
        project=project, stack=stack, region=region, preview=preview, lookups=lookups
    )
    log = _Log()
    directory = Path.cwd()
    if isinstance(program, Path):
        path = (program / "__main__.py" if program.is_dir() else program).resolve()
        directory = path.parent
        program = functools.partial(_execute, path)
    settings: Any = _settings.Settings(
        project=project,
        stack=stack,
        monitor=monitor,
        engine=log,
        dry_run=preview,
        organization="organization",
        root_directory=str(directory),
    )

    def run() -> None:
        _settings.configure(settings)
        _settings.SETTINGS.callbacks = monitor
        _settings.ROOT.set(None)
        pulumi.runtime.set_all_config(dict(config), list(secrets))
        _run_to_the_end(_stack.run_in_stack(functools.partial(_run_program, program, monitor.note)))

    # The SDK keeps all of its state in context variables: a copy of the context keeps it in.
    try:
        with _no_stack_traces():
            contextvars.copy_context().run(run)
    except Exception:
        if monitor.problems:
            raise RecordingError(*monitor.problems) from None
        raise
    if monitor.problems:  # the program swallowed the exception; the mistake remains
        raise RecordingError(*monitor.problems)
    return Recording(
        project=project,
        stack=stack,
        resources=tuple(monitor.recorded.values()),
        outputs=monitor.outputs,
        messages=tuple(log.messages),
    )


async def _run_program(
    program: Callable[[], object], note: Callable[[pulumi.ResourceTransformationArgs], None]
) -> None:
    """Runs the program, then what it set going until nothing of it is ready to run.

    The SDK's own way to wait looks at every pending output again for each that is done: its time
    grows with the square of the program. Nothing here waits for anything outside, so almost all is
    done before the SDK begins to wait.
    """
    pulumi.runtime.register_stack_transformation(note)
    program()
    loop: Any = asyncio.get_running_loop()
    while loop._ready:
        await asyncio.sleep(0)


def _execute(program: Path) -> None:
    with _importable(program.parent):
        runpy.run_path(str(program), run_name="__main__")


@contextmanager
def _importable(directory: Path) -> Generator[None]:
    """Puts the program's directory first on the path, as running the program itself would."""
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path.remove(str(directory))


@contextmanager
def _no_stack_traces() -> Generator[None]:
    """Keeps the SDK from sending a call stack with each resource: nothing here uses it."""
    traced = _resource._get_stack_trace
    _resource._get_stack_trace = source_pb2.StackTrace
    try:
        yield
    finally:
        _resource._get_stack_trace = traced


def _run_to_the_end(main: Coroutine[Any, Any, None]) -> None:
    """Runs on a loop of its own until no work is left, and leaves none behind on failure."""
    loop = asyncio.SelectorEventLoop(_NeverIdle())
    executor = _AtOnce()
    loop.set_default_executor(executor)
    # A failure is raised once, below. Those that follow from it are never awaited by anyone, and
    # asyncio would report each of them when it is collected.
    loop.set_exception_handler(lambda _loop, _context: None)
    try:
        loop.run_until_complete(main)
        while left := asyncio.all_tasks(loop):
            loop.run_until_complete(_finish(left))
    finally:
        # After a failure the rest still registers what it can, so that independent mistakes are
        # found in one run; what waits for the failed part for ever is cancelled.
        with suppress(RecordingError):
            _settle(loop)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        _settle(loop)
        executor.shutdown(wait=False)
        loop.close()


def _settle(loop: asyncio.AbstractEventLoop) -> None:
    while left := asyncio.all_tasks(loop):
        loop.run_until_complete(asyncio.wait(left))


async def _finish(tasks: Collection[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks)
    await _stack.wait_for_rpcs()
