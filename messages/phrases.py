"""Sentences that more than one rule needs: the nearest word, lists of choices."""

import json
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import cast

_NO_TEXT = ("true", "false", "yes", "no", "on", "off", "null")  # in YAML 1.1
_PLAIN = re.compile(r"[A-Za-z_/.(<-](?:[\w./()*=+<> -]|:(?=\S))*")


def nearest(word: str, words: Iterable[str]) -> str:
    """`did you mean x?`, or the words there are: a list in its order, others sorted."""
    choices = words if isinstance(words, list) else sorted(words)
    found = get_close_matches(word[:80], choices, n=1, cutoff=0.6)
    if found:
        return f"did you mean {found[0]}?"
    return f"choose one of {listed(choices)}" if choices else "there is none to choose"


def nearest_or(word: str, words: Iterable[str], other: str) -> str:
    """`did you mean x? Or write y`: the nearest word, or something else to do."""
    choices = list(words)
    said = nearest(word, choices) if choices else ""
    if not said:
        return other
    return f"{said} Or {other}" if said.endswith("?") else f"{said}, or {other}"


def closest_key(word: str, words: Sequence[str]) -> str | None:
    """Returns the key that was probably meant; case and hyphens are ignored."""
    normal = word[:80].lower().replace("-", "_")
    found = get_close_matches(normal, words, n=1, cutoff=0.6)
    return found[0] if found else None


def listed(words: Iterable[str], *, most: int = 8) -> str:
    """`a, b and c`; beyond `most` the number of the others."""
    items = list(dict.fromkeys(words))
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def low_to_high(low: object, high: object) -> str:
    """`2`, or `1 to 2`: a number at the minimum and at the maximum of replicas."""
    return str(low) if low == high else f"{low} to {high}"


def id_sets(sets: Sequence[tuple[int, int]]) -> str:
    """`[0, 1] or [2, 3]`: device sets by first device and size, eight at most."""
    return " or ".join(ids(range(first, first + size)) for first, size in sets[:8])


def ids(devices: Iterable[int]) -> str:
    """`[0, 1]`: devices as the stack file writes them."""
    return f"[{', '.join(str(d) for d in devices)}]"


def counted(number: int, word: str) -> str:
    """`1 instance`, `2 instances`."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def flow(value: object) -> str:
    """`{a: [b, "c: d"]}`: a value as the stack file writes it in one line."""
    match value:
        case dict():
            members = cast(dict[str, object], value)
            return "{" + ", ".join(f"{k}: {flow(v)}" for k, v in members.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(flow(v) for v in cast(Sequence[object], value)) + "]"
        case str():
            plain = _PLAIN.fullmatch(value) and value.lower() not in _NO_TEXT
            return value if plain else json.dumps(value, ensure_ascii=False)
        case _:
            return json.dumps(value)
