"""What travels between the SDK and the account: which operation is asked, and the form of answers.

The parsers and serializers of the query protocols are moto's; JSON needs none.
"""

import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.contract import aws_model

Json = dict[str, Any]

# moto and botocore's parsers have no types.
_parse: Any = import_module("moto.core.parse")
_serialize: Any = import_module("moto.core.serialize")
_utils: Any = import_module("moto.core.utils")
_parsers: Any = import_module("botocore.parsers")
_stubber: Any = import_module("moto.core.botocore_stubber")
_request: Any = import_module("botocore.awsrequest")

_botocore: Any = import_module("botocore")

_NAMES = {
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
}
"""botocore's names of services that sign with another."""


_BY_PATH = ("route53",)
"""Services of REST of which the account answers some operations itself."""


class Refusal(Exception):
    """An error of AWS, with its code."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True)
class Asked:
    """A request: the service by botocore's name, and the operation, empty for REST services."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    service: str
    endpoint: str
    region: str
    operation: str
    protocol: str

    def params(self) -> Json:
        """The parameters, as a caller of boto3 gave them."""
        if self.protocol == "json":
            return json.loads(self.body or b"{}")
        model = _utils.get_service_model(self.service).operation_model(self.operation)
        if self.service in _BY_PATH:
            return _parse.PROTOCOL_PARSERS[self.protocol](model).parse(
                {
                    "body": self.body,
                    "headers": self.headers,
                    "url_params": _operation(self.service, self.method, self.path)[1],
                    "values": dict(parse_qsl(urlsplit(self.path).query)),
                }
            )
        values = dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        return _parse.PROTOCOL_PARSERS[self.protocol](model).parse({"values": values})


@dataclass(frozen=True)
class Reply:
    """What goes back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def _operation(service: str, method: str, path: str) -> tuple[str, dict[str, str]]:
    """The operation of a service of REST that a request asks, and what stands in its path."""
    model = aws_model.service(service)
    for name in model.operation_names:
        http = model.operation_model(name).http
        pattern = re.sub(r"{(\w+)\+?}", r"(?P<\1>[^/]+)", http["requestUri"].partition("?")[0])
        found = re.fullmatch(pattern, urlsplit(path).path)
        if found and http["method"] == method:
            return name, {key: unquote(value) for key, value in found.groupdict().items()}
    return "", {}


def method_of(operation: str) -> str:
    """The name that boto3 gives to an operation."""
    return _botocore.xform_name(operation)


def asked(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Asked:
    """Reads a request. The scope of its signature names Region and service."""
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
        headers = {k: v for k, v in headers.items() if k != "Content-Encoding"}
    _, _, scope = headers.get("Authorization", "").partition("Credential=")
    _, _, region, endpoint, *_ = [*scope.split("/"), "", "", "", "", ""]
    operation = headers.get("X-Amz-Target", "").rpartition(".")[2]
    if not operation and "x-www-form-urlencoded" in headers.get("Content-Type", ""):
        operation = dict(parse_qsl(body.decode())).get("Action", "")
    service = _NAMES.get(endpoint, endpoint)
    if service in _BY_PATH:
        operation = _operation(service, method, path)[0]
    protocol = "json" if "X-Amz-Target" in headers else ""
    if not protocol and operation:
        protocol = str(aws_model.service(service).metadata["protocol"])
    return Asked(method, path, headers, body, service, endpoint, region, operation, protocol)


def answer(request: Asked, result: Json) -> Reply:
    """An answer of ours on the wire. Raises AssertionError unless it has the shape of AWS's."""
    output = aws_model.service(request.service).operation_model(request.operation).output_shape
    wrong = [] if output is None else list(aws_model.problems(result, output))
    # The model allows 255 characters, and AWS's own text of a zone without capacity has more.
    wrong = [w for w in wrong if "StatusMessage: the length of" not in w]
    assert not wrong, f"{request.service}:{request.operation} answers {wrong}"
    if request.protocol == "json":
        return Reply(200, _JSON, json.dumps(result, default=_as_epoch).encode())
    model = _utils.get_service_model(request.service).operation_model(request.operation)
    serializer = _serialize.get_serializer_class(request.service, request.protocol)
    made: Json = serializer(model).serialize(result)
    return Reply(made["status_code"], made["headers"], _bytes(made["body"]))


def refusal(request: Asked, error: Refusal) -> Reply:
    """A refusal of ours on the wire."""
    if request.protocol not in ("query", "ec2", "rest-xml"):
        return Reply(400, _JSON, json.dumps({"__type": error.code, "message": str(error)}).encode())
    told = f"<Error><Code>{error.code}</Code><Message>{error}</Message></Error>"
    body = (
        f"<Response><Errors>{told}</Errors><RequestID>0</RequestID></Response>"
        if request.protocol == "ec2"
        else f"<ErrorResponse>{told}<RequestId>0</RequestId></ErrorResponse>"
    )
    return Reply(400, {"Content-Type": "text/xml"}, body.encode())


def from_moto(request: Asked) -> Reply:
    """moto's answer, which it finds by the address that AWS would have."""
    url = f"https://{request.endpoint}.{request.region}.amazonaws.com{request.path}"
    prepared = _request.AWSPreparedRequest(
        request.method, url, request.headers, request.body, stream_output=False
    )
    status, headers, body = _stubber.BotocoreStubber().process_request(prepared)
    return Reply(int(status), {k: str(v) for k, v in headers.items()}, _bytes(body))


def read_back(request: Asked, reply: Reply) -> Json:
    """What an answer of moto says, as boto3 gives it to its caller."""
    output = aws_model.service(request.service).operation_model(request.operation).output_shape
    given = {"status_code": reply.status, "headers": reply.headers, "body": reply.body}
    return _parsers.create_parser(request.protocol).parse(given, output)


_JSON = {"Content-Type": "application/x-amz-json-1.1"}


def _as_epoch(value: object) -> float:
    assert isinstance(value, datetime), f"{value!r} has no form in JSON"
    return value.timestamp()


def _bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body
