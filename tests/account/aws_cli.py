"""The AWS CLI as the runbook uses it: `aws SERVICE OPERATION --option value --query Q`, in text.

It asks through botocore, as the real one does, with the real one's names of options.
"""

import importlib
import re
from collections.abc import Callable, Sequence
from typing import Any, cast

from tests.account.wire import method_of
from tests.contract import aws_model


def run(argv: Sequence[str], client: Callable[[str, str], Any]) -> str:
    """What `aws` prints. Without `--query` it prints nothing here: the answer is JSON, and long."""
    _, service, operation, *words = argv
    names = aws_model.service(service).operation_names
    found = {_dashed(name): name for name in names}[operation]
    shape = aws_model.input_shape(service, found)
    members = {_dashed(name): name for name in shape.members}
    params: dict[str, Any] = {}
    query, output, region = "", "", "us-west-2"
    while words:
        option, *words = words
        given: list[str] = []
        while words and not words[0].startswith("--"):
            given.append(words.pop(0))
        match option.removeprefix("--"):
            case "query":
                query = given[0]
            case "output":
                output = given[0]
            case "region":
                region = given[0]
            case name:
                params[members[name]] = _value(shape.members[members[name]], given)
    answer = getattr(client(service, region), method_of(found))(**params)
    if not query:
        return ""
    assert output == "text", "the page shows text: add --output text"
    jmespath: Any = importlib.import_module("jmespath")
    return _text(jmespath.search(query, answer)) + "\n"


def _dashed(name: str) -> str:
    """`TargetGroupArns` and `taskArns` as the CLI spells them."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def _value(shape: Any, given: list[str]) -> Any:
    if shape.type_name == "list":
        return given
    forms = {"integer": int, "long": int, "double": float}
    return forms.get(shape.type_name, str)(given[0])


def _text(value: object) -> str:
    if isinstance(value, list):
        return "\t".join(map(_text, cast("list[object]", value)))
    return "None" if value is None else str(value)
