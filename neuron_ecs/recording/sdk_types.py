"""The AWS SDK's own types: which resources there are, and what their inputs and outputs may be.

Known are the types of the installed SDK, and nothing of AWS's rules about values.
"""

import difflib
import functools
import importlib
import json
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast, get_args, get_origin

import pulumi

from planning.document import Json

# The SDK keeps the metadata of its types and its module registry in places that are neither public
# nor typed. They are reached through these names and nowhere else.
_types: Any = importlib.import_module("pulumi._types")
_rpc: Any = importlib.import_module("pulumi.runtime.rpc")

SIGNATURE: str = _rpc._special_sig_key
UNKNOWN_VALUE: str = _rpc.UNKNOWN
KIND_BY_SIGNATURE: Mapping[str, str] = {
    _rpc._special_secret_sig: "secret",
    _rpc._special_resource_sig: "resource",
    _rpc._special_asset_sig: "asset",
    _rpc._special_archive_sig: "archive",
}
"""How a value that is no plain JSON is marked on the wire."""

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


# ---------------------------------------------------------------------------------------------
# Types as checks


class MismatchError(Exception):
    """A value that its type does not allow; `path` grows while the checks unwind."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.path: list[str] = []
        super().__init__(text)

    def __str__(self) -> str:
        return f"{''.join(self.path).removeprefix('.') or 'inputs'}: {self.text}"


_Check = Callable[[Json], None]


def _wire_kind(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


def _special(value: Json, check: _Check, expected: str) -> None:
    """Accepts what is not the expected JSON kind yet may stand for it, and refuses the rest."""
    if value == UNKNOWN_VALUE:
        return
    if isinstance(value, dict):
        wire = cast(dict[str, Json], value)
        match KIND_BY_SIGNATURE.get(wire.get(SIGNATURE, "")):
            case "secret":
                check(wire["value"])
                return
            case "resource" if expected == "a string":
                return  # the engine passes the referenced resource's identifier on
            case _:
                pass
    raise MismatchError(f"expected {expected}, got {_wire_kind(value)} ({_excerpt(value)})")


def _excerpt(value: Json) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _anything(_: Json) -> None:
    return


def _string(value: Json) -> None:
    if type(value) is not str:
        _special(value, _string, "a string")


def _boolean(value: Json) -> None:
    if type(value) is not bool:
        _special(value, _boolean, "a boolean")


def _integer(value: Json) -> None:
    if type(value) is not int:
        _special(value, _integer, "an integer")


def _number(value: Json) -> None:
    if type(value) is not int and type(value) is not float:
        _special(value, _number, "a number")


def _asset(value: Json) -> None:
    if isinstance(value, dict):
        kind = KIND_BY_SIGNATURE.get(cast(dict[str, str], value).get(SIGNATURE, ""))
        if kind in {"asset", "archive"}:
            return
    _special(value, _asset, "an asset")


def _list_of(element: _Check) -> _Check:
    def check(value: Json) -> None:
        if type(value) is not list:
            _special(value, check, "a list")
            return
        for index, item in enumerate(cast(list[Json], value)):
            try:
                element(item)
            except MismatchError as mismatch:
                mismatch.path.insert(0, f"[{index}]")
                raise

    return check


def _map_of(element: _Check) -> _Check:
    def check(value: Json) -> None:
        if type(value) is not dict or SIGNATURE in value:
            _special(value, check, "an object")
            return
        for key, item in cast(dict[str, Json], value).items():
            try:
                element(item)
            except MismatchError as mismatch:
                mismatch.path.insert(0, f".{key}")
                raise

    return check


def _any_of(members: tuple[_Check, ...]) -> _Check:
    def check(value: Json) -> None:
        mismatches: list[MismatchError] = []
        for member in members:
            try:
                member(value)
            except MismatchError as mismatch:
                mismatches.append(mismatch)
            else:
                return
        # The member that got furthest into the value is the one that was meant.
        raise max(mismatches, key=lambda m: len(m.path))

    return check


@functools.cache
def _object_of(args_type: type) -> _Check:
    """The check of one Args class, compiled when the first value of that class arrives."""
    fields: dict[str, _Check] = {}
    required: frozenset[str] = frozenset()

    def check(value: Json) -> None:
        nonlocal fields, required
        if type(value) is not dict or SIGNATURE in value:
            _special(value, check, "an object")
            return
        if not fields:
            hints: Mapping[str, Any] = _types._raw_return_hints(args_type)
            fields = {name: _check_of(hint) for name, hint in hints.items()}
            required = _types._required_property_names(args_type)
        given = cast(dict[str, Json], value)
        for key, item in given.items():
            field = fields.get(key)
            if field is None:
                raise _no_such_input(key, args_type)
            try:
                field(item)
            except MismatchError as mismatch:
                mismatch.path.insert(0, f".{key}")
                raise
        if not required <= given.keys():
            missing = ", ".join(sorted(required - given.keys()))
            raise MismatchError(f"required but missing: {missing}")

    return check


def _no_such_input(key: str, args_type: type) -> MismatchError:
    names: Mapping[str, str] = _types.input_type_py_to_pulumi_names(args_type)
    spellings = {
        spelling: wire if wire == py else f"{wire} ({py} in Python)"
        for py, wire in names.items()
        for spelling in (py, wire)
    }
    near = difflib.get_close_matches(key, spellings, n=1, cutoff=0.0)
    hint = f"; the nearest is {spellings[near[0]]}" if near else ""
    mismatch = MismatchError(f"no such input in {args_type.__name__}{hint}")
    mismatch.path.append(f".{key}")
    return mismatch


_SCALARS: Mapping[Any, _Check] = {
    str: _string,
    bool: _boolean,
    int: _integer,
    float: _number,
    Any: _anything,
}


def _check_of(hint: Any) -> _Check:
    """The check of an annotation such as `Input[Optional[Sequence[Input[XArgs]]]]`."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if _types._is_union_type(hint):
        members = tuple(
            _check_of(member)
            for member in get_args(hint)
            if member is not type(None) and not _types._is_plumbing_arg(member)
        )
        return members[0] if len(members) == 1 else _any_of(members)
    origin = get_origin(hint) or hint
    if not isinstance(origin, type):
        return _anything
    if _types.is_input_type(origin):
        return _object_of(origin)
    arguments = get_args(hint)
    if issubclass(origin, Mapping):
        return _map_of(_check_of(arguments[1]) if arguments else _anything)
    if issubclass(origin, pulumi.Resource):
        return _string
    if issubclass(origin, pulumi.Asset | pulumi.Archive):
        return _asset
    if issubclass(origin, str):  # an enumeration of strings is open: AWS adds values
        return _string
    if issubclass(origin, Collection):
        return _list_of(_check_of(arguments[0]) if arguments else _anything)
    return _anything


def _provider_check(args_type: type) -> _Check:
    """Provider arguments travel as strings: what is not a string is JSON inside one."""
    hints: Mapping[str, Any] = _types._raw_return_hints(args_type)
    check_object = _object_of(args_type)

    def check(value: Json) -> None:
        decoded: dict[str, Json] = {}
        for key, item in cast(dict[str, Json], value).items():
            decoded[key] = item
            if isinstance(item, str) and item != UNKNOWN_VALUE and key in hints:
                try:
                    _check_of(hints[key])(item)
                except MismatchError:
                    with suppress(json.JSONDecodeError):
                        decoded[key] = json.loads(item)
        check_object(decoded)

    return check


# ---------------------------------------------------------------------------------------------
# Resource types


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A resource's check of its inputs, and the names of inputs and outputs."""

    check: _Check
    inputs: frozenset[str]
    outputs: frozenset[str]


@functools.cache
def _class_of(token: str) -> type | None:
    """The SDK's class of a resource token, from the registry that the SDK itself reads."""
    if not token.startswith(("aws:", f"{PROVIDER_PREFIX}aws")):
        return None
    importlib.import_module("pulumi_aws")
    if token == f"{PROVIDER_PREFIX}aws":
        return getattr(sys.modules["pulumi_aws"], "Provider", None)
    for module in _rpc._RESOURCE_MODULES.get(token.rpartition(":")[0], ()):
        name: str | None = module.mod_info["classes"].get(token)
        if name is not None:
            return getattr(importlib.import_module(module.mod_info["fqn"]), name)
    return None


def tokens() -> Iterator[str]:
    """The type tokens of all resources and of the provider."""
    importlib.import_module("pulumi_aws")
    yield f"{PROVIDER_PREFIX}aws"
    for modules in _rpc._RESOURCE_MODULES.values():
        for module in modules:
            if module.mod_info["pkg"] == "aws":
                yield from module.mod_info["classes"]


@functools.cache
def resource_type(token: str) -> ResourceType | None:
    """The type of a token; None where the SDK has none."""
    resource_class = _class_of(token)
    if resource_class is None:
        return None
    module = sys.modules[resource_class.__module__]
    args_type: type = getattr(module, f"{resource_class.__name__}Args")
    provider = token.startswith(PROVIDER_PREFIX)
    return ResourceType(
        check=_provider_check(args_type) if provider else _object_of(args_type),
        inputs=frozenset(_types._raw_return_hints(args_type)),
        outputs=frozenset(_types.resource_types(resource_class)),
    )
