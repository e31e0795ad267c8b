"""Random entries of `shapes`: numbers that fit together, and names that are known."""

from typing import Any

from tests.wishes import facts
from tests.wishes.drawing import Hand

Entry = dict[str, Any]
OWN = ("acme/tuned-7b", "acme/Mini_1.5", "s3://models-{region}/tuned/", "/models/a.b")


def shapes(hand: Hand) -> Entry:
    """Entries with numbers, then entries like a row of the table or like one of those."""
    known = sorted(facts.catalog().serving.models)
    found: Entry = {}
    for name in hand.some(OWN, least=1):
        found[name] = numbers(hand)
        if hand.chance(50):
            found[name] = {"like": hand.one((*known, *(n for n in found if n != name)))}
            if hand.chance(30):
                found[name]["max_positions"] = hand.number(512, 131_072)
            if hand.chance(30):
                found[name]["needs_token"] = hand.chance(50)
    return found


def numbers(hand: Hand) -> Entry:
    """The numbers of a model: heads that share KV heads, and a width that they share."""
    kv_heads, each, width = hand.number(1, 8), hand.number(1, 8), 16 * hand.number(2, 8)
    kind = hand.one(("decoder", "embedding", "encoder"))
    entry: Entry = {
        "model_type": hand.one(("llama", "qwen3_moe", "xlm-roberta", "gpt_oss")),
        "layers": hand.number(1, 80),
        "heads": kv_heads * each,
        "hidden": kv_heads * each * width,
        "mlp": hand.number(64, 28_672),
        "vocabulary": hand.number(1000, 262_144),
        "max_positions": hand.number(512, 1_048_576),
    }
    more: Entry = {
        "kind": kind,
        "kv_heads": kv_heads,
        "head_dim": 16 * hand.number(2, 16),
        "gated": hand.chance(50),
        "experts": hand.number(1, 128),
        "tied": hand.chance(50),
        "needs_token": hand.chance(50),
    }
    entry |= {name: more[name] for name in hand.some(tuple(more))}
    if hand.chance(30):
        entry["window"] = hand.number(128, 4096)
        if hand.chance(50):
            entry["windowed_layers"] = hand.number(0, entry["layers"])
    return entry
