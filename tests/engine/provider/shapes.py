"""Which properties a resource type has, read from the classes of the SDK that the program uses.

The SDK refuses an unknown argument of a resource, but takes any key inside a nested dictionary;
the real provider refuses both ("Invalid or unknown key"), and so does the stand-in.
"""

import importlib
import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.engine.provider.wire import UNKNOWN, Json, Props

_NESTED = re.compile(r"ForwardRef\('(?P<name>\w+Args)'")


@dataclass(frozen=True)
class Property:
    """One property: the class of the objects it holds, if any, and what a caller must say."""

    nested: str
    many: bool
    required: bool


Shape = Mapping[str, Property]


@dataclass(frozen=True)
class Problem:
    """What the provider's check found in one property."""

    path: str
    reason: str


class Shapes:
    """The properties of every type given, by type token and by nested class."""

    def __init__(self, classes: Mapping[str, Shape]) -> None:
        self._classes = classes

    @classmethod
    def read(cls, tokens: Iterable[str]) -> "Shapes":
        """Reads the SDK's classes, which takes seconds: importing them is what costs."""
        classes: dict[str, Shape] = {}
        for token in tokens:
            module_name, type_name = _home(token)
            module = importlib.import_module(f"pulumi_aws.{module_name}")
            inputs = importlib.import_module(f"pulumi_aws.{module_name}._inputs")
            shape = _shape_of(getattr(module, f"{type_name}Args"))
            classes[token] = shape
            waiting = [(module_name, item.nested) for item in shape.values() if item.nested]
            while waiting:
                _, name = waiting.pop()
                key = f"{module_name}.{name}"
                if key in classes:
                    continue
                found = _shape_of(getattr(inputs, name))
                classes[key] = found
                waiting.extend((module_name, item.nested) for item in found.values() if item.nested)
        return cls(classes)

    @classmethod
    def load(cls, path: Path, tokens: Iterable[str]) -> "Shapes":
        """The shapes that a file keeps, or those of the SDK, then kept in that file."""
        if not path.exists():
            read = cls.read(tokens)
            table = {
                name: {key: asdict(item) for key, item in shape.items()}
                for name, shape in read._classes.items()
            }
            draft = path.with_suffix(".draft")
            draft.write_text(json.dumps(table))
            draft.replace(path)
            return read
        stored: dict[str, dict[str, dict[str, str | bool]]] = json.loads(path.read_text())
        return cls(
            {
                name: {
                    key: Property(
                        nested=str(item["nested"]),
                        many=bool(item["many"]),
                        required=bool(item["required"]),
                    )
                    for key, item in shape.items()
                }
                for name, shape in stored.items()
            }
        )

    def properties(self, token: str) -> Shape:
        """The top-level properties of a type."""
        return self._classes[token]

    def problems(self, token: str, props: Props) -> Iterator[Problem]:
        """Keys that the type does not have, and required ones that are missing, at any depth."""
        yield from self._walk(_home(token)[0], self._classes[token], props, "")

    def _walk(self, home: str, shape: Shape, props: Props, path: str) -> Iterator[Problem]:
        for key, value in props.items():
            if key.startswith("__"):
                continue
            here = f"{path}.{key}" if path else key
            item = shape.get(key)
            if item is None:
                near = ", ".join(sorted(shape))
                yield Problem(here, f"Invalid or unknown key. It takes: {near}")
                continue
            if value is None or value == UNKNOWN:
                continue
            if item.many and not isinstance(value, list):
                yield Problem(here, "a list is expected here")
            elif not item.many and isinstance(value, list):
                yield Problem(here, "one value is expected here, not a list")
            elif item.nested:
                inner = self._classes[f"{home}.{item.nested}"]
                yield from self._objects(home, inner, value, here)
        for key, item in shape.items():
            if item.required and props.get(key) is None:
                here = f"{path}.{key}" if path else key
                yield Problem(here, "Missing required argument")

    def _objects(self, home: str, shape: Shape, value: Json, path: str) -> Iterator[Problem]:
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._objects(home, shape, item, f"{path}[{index}]")
        elif isinstance(value, dict):
            yield from self._walk(home, shape, value, path)
        elif value is not None and value != UNKNOWN:
            yield Problem(path, "an object is expected here")


def _home(token: str) -> tuple[str, str]:
    """``aws:ecs/service:Service`` is ``Service`` in ``pulumi_aws.ecs``."""
    _, module, name = token.split(":")
    return module.split("/")[0], name


def _shape_of(cls: type) -> Shape:
    parameters = inspect.signature(cls.__init__).parameters
    shape: dict[str, Property] = {}
    for name, member in inspect.getmembers(cls, lambda item: isinstance(item, property)):
        getter = member.fget
        # `pulumi.getter` keeps the wire name on the function; a name without it is the same on
        # both sides.
        wire = getattr(getter, "_pulumi_name", None) or name
        annotation = str(inspect.get_annotations(getter).get("return"))
        # A policy may be a string too, and then it is one.
        nested = None if "Union[str," in annotation else _NESTED.search(annotation)
        shape[wire] = Property(
            nested=nested["name"] if nested else "",
            many="Sequence[" in annotation and "Mapping[" not in annotation,
            required=name in parameters and parameters[name].default is inspect.Parameter.empty,
        )
    return shape
