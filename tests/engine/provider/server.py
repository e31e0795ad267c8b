# ruff: noqa: N802
"""Pulumi's provider protocol in front of the account.

The servicer answers what the engine asks of the real provider: check, diff, create, read, update,
delete. Of functions (invokes) only the number of the account is answered.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn, cast

import grpc
from google.protobuf import any_pb2, empty_pb2
from google.rpc import status_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.engine.provider.account import HOME_REGION, Account, Refused
from tests.engine.provider.checks import checked, strategy_is_refused
from tests.engine.provider.diffs import change
from tests.engine.provider.operations import Interrupted, Operations
from tests.engine.provider.refusals import TEMPLATE
from tests.engine.provider.rows import ACCOUNT_ID, KINDS
from tests.engine.provider.shapes import Shapes
from tests.engine.provider.wire import UNKNOWN, Json, Props, from_struct, text, to_struct

ACCOUNT_FILE = "STAND_IN_ACCOUNT"
SHAPES_FILE = "STAND_IN_SHAPES"
VERSION = "7.51.1"

Diff = provider_pb2.PropertyDiff


class StandIn(provider_pb2_grpc.ResourceProviderServicer):
    """One provider process, configured for one home Region."""

    def __init__(self, account: Account, shapes: Shapes) -> None:
        self._operations = Operations(account, HOME_REGION)
        self._shapes = shapes

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        return provider_pb2.GetSchemaResponse(schema="{}")

    def Attach(
        self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        changes = provider_pb2.DiffResponse.DIFF_SOME
        if from_struct(request.olds) == from_struct(request.news):
            changes = provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=changes)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        region = text(from_struct(request.args), "region")
        self._operations.home = region or request.variables.get("aws:config:region", HOME_REGION)
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Invoke(
        self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.InvokeResponse:
        if request.tok != "aws:index/getCallerIdentity:getCallerIdentity":
            _abort(context, f"{request.tok}: the one question is which account this is")
        response = provider_pb2.InvokeResponse()
        answer = {"accountId": ACCOUNT_ID, "arn": "", "id": ACCOUNT_ID, "userId": ""}
        getattr(response, "return").update(answer)
        return response

    def Check(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        token = _token(request.urn)
        inputs, problems = checked(
            token,
            _name(request.urn),
            from_struct(request.news),
            from_struct(request.olds),
            request.randomSeed,
        )
        if token in KINDS:
            problems.extend(self._shapes.problems(token, inputs))
        return provider_pb2.CheckResponse(
            inputs=to_struct(inputs),
            failures=[
                provider_pb2.CheckFailure(property=problem.path, reason=problem.reason)
                for problem in problems
            ],
        )

    def Diff(
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        token = _token(request.urn)
        olds, news = from_struct(request.old_inputs), from_struct(request.news)
        for key in request.ignoreChanges:
            if key in olds:
                news[key] = olds[key]
            else:
                news.pop(key, None)
        found = change(token, olds, news)
        replaces = bool(found.replaces)
        if token == "aws:ecs/service:Service" and not replaces and strategy_is_refused(olds, news):
            _abort(
                context,
                "force_new_deployment should be true when capacity_provider_strategy is being "
                "updated",
            )
        some = provider_pb2.DiffResponse.DIFF_SOME
        none = provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some if found.changed else none,
            diffs=list(found.changed),
            replaces=list(found.replaces),
            deleteBeforeReplace=found.delete_first,
            hasDetailedDiff=True,
            detailedDiff={
                key: Diff(kind=_difference(olds, news, key, key in found.replaces), inputDiff=True)
                for key in found.changed
            },
        )

    def Create(
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        token, inputs = _token(request.urn), from_struct(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=to_struct(_foreseen(token, inputs)))
        try:
            record = self._operations.create(token, request.urn, inputs)
        except Refused as refusal:
            _abort(context, f"creating {_words(token, inputs)}: {refusal}")
        return provider_pb2.CreateResponse(id=record.id, properties=to_struct(record.outputs))

    def Read(
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        props = from_struct(request.properties)
        record = self._operations.read(_token(request.urn), request.id, props)
        if record is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=record.id,
            properties=to_struct(record.outputs),
            inputs=to_struct(_refreshed(record.inputs, from_struct(request.inputs))),
        )

    def Update(
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        token = _token(request.urn)
        olds, news = from_struct(request.olds), from_struct(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=to_struct(_moved(token, olds, news)))
        try:
            record = self._operations.update(token, request.id, olds, news)
        except Refused as refusal:
            _abort(context, f"updating {_words(token, news)}: {refusal}")
        except Interrupted as interruption:
            _abort_with_state(
                context, interruption.record.id, interruption.record.outputs, news, interruption
            )
        return provider_pb2.UpdateResponse(properties=to_struct(record.outputs))

    def Delete(
        self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        token, props = _token(request.urn), from_struct(request.properties)
        try:
            self._operations.delete(token, request.id, props)
        except Refused as refusal:
            _abort(context, f"deleting {_words(token, props)}: {refusal}")
        return empty_pb2.Empty()

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self._operations.cancelled.set()
        return empty_pb2.Empty()


def _token(urn: str) -> str:
    """The resource's own type: the last of the types that a URN lists."""
    return urn.split("::")[2].rpartition("$")[2]


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]


def _words(token: str, props: Props) -> str:
    return f"{token.rpartition(':')[2]} ({text(props, 'name') or text(props, 'family') or ''})"


def _foreseen(token: str, inputs: Props) -> Mapping[str, Json]:
    """What a preview knows: the inputs; everything that AWS would make up is unknown."""
    kind = KINDS[token]
    computed = {"arn", "id", *kind.computed}
    unknown: Props = {key: UNKNOWN for key in computed if key not in inputs}
    return unknown | inputs


def _moved(token: str, olds: Props, news: Props) -> Props:
    """What a preview of an update knows: a launch template's next version it does not.

    Source: `CustomizeDiff` of terraform-provider-aws ec2_launch_template.go.
    """
    changed = {key for key in news if olds.get(key) != news[key] and not key.startswith("__")}
    changed -= {"tags", "updateDefaultVersion"}
    version: Props = {"latestVersion": UNKNOWN} if token == TEMPLATE and changed else {}
    return olds | news | version


def _refreshed(current: Props, known: Props) -> Props:
    """Inputs as a refresh gives them back: what the provider filled in keeps its mark."""
    marked = {key: value for key, value in known.items() if key.startswith("__")}
    return current | marked


def _difference(olds: Props, news: Props, key: str, replaces: bool) -> Diff.Kind.ValueType:
    if key not in olds:
        return Diff.ADD_REPLACE if replaces else Diff.ADD
    if key not in news:
        return Diff.DELETE_REPLACE if replaces else Diff.DELETE
    return Diff.UPDATE_REPLACE if replaces else Diff.UPDATE


def _abort(context: grpc.ServicerContext, message: str) -> NoReturn:
    # grpc's stubs do not say that `abort` always raises.
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError("abort raises")


def _abort_with_state(
    context: grpc.ServicerContext, id: str, outputs: Props, inputs: Props, error: Exception
) -> NoReturn:
    """The resource is as it should be, but not seen to work: the engine keeps it, and tries again.

    Source: pulumi-terraform-bridge, ``initializationError``.
    """
    detail = _init_failed(id, outputs, inputs, str(error))
    status = status_pb2.Status(
        code=cast(int, grpc.StatusCode.UNKNOWN.value[0]), message=str(error), details=[detail]
    )
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, str(error))
    raise AssertionError("abort raises")


def _init_failed(id: str, outputs: Props, inputs: Props, reason: str) -> any_pb2.Any:
    """The protocol's message for a resource whose initialisation failed."""
    packed = any_pb2.Any()
    packed.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=id, properties=to_struct(outputs), reasons=[reason], inputs=to_struct(inputs)
        )
    )
    return packed


def serve() -> None:
    """Serves on a port of its own, prints it, and stays until the engine ends the process."""
    account = Account(Path(os.environ[ACCOUNT_FILE]))
    shapes = Shapes.load(Path(os.environ[SHAPES_FILE]), KINDS)
    limits = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(max_workers=32), options=limits)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(StandIn(account, shapes), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()
