"""JSON whose text differs only where a value differs."""

import json


def canonical(value: object) -> str:
    """Returns the value as JSON: keys in order, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
