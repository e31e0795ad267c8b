"""Logical names: stable keys, unique in their scope, within AWS's limits with Pulumi's suffix.

The engine appends `-` and seven hexadecimal digits to a logical name, so a name has 8 characters
less than AWS's limit. Parts are joined by `_`, which no name of the stack file contains, so two
different lists of parts never give the same key. Names of load balancers and target groups allow
only letters, digits and hyphens; their first part (the Region's short form) has no hyphen.
"""

import hashlib
import re

AUTONAME_SUFFIX = 8  # https://www.pulumi.com/docs/iac/concepts/resources/names/


def key(*parts: str) -> str:
    """Returns the parts as one logical name."""
    return "_".join(part.replace(".", "-") for part in parts if part)


def label(text: str, limit: int) -> str:
    """Returns the text as a label of a domain name: itself, or what is like it and a hash."""
    if len(text) <= limit and re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", text):
        return text
    like = re.sub(r"[^a-z0-9]+", "-", text.lower())[: limit - 7].strip("-")
    return "-".join(filter(None, (like, digest(text))))


def balancer_key(short: str, *, public: bool = False) -> str:
    """Returns the key of the load balancer of a Region.

    The schemes have keys of their own: AWS changes none in place, and a target group cannot move
    from one load balancer to another.
    """
    return key(short, "traffic", scheme(public=public))


def scheme(*, public: bool) -> str:
    """Returns the part of a key that says the scheme of a load balancer."""
    return "public" if public else ""


def digest(text: str) -> str:
    """Returns six characters that stand for the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def fitted(name: str, limit: int) -> str:
    """Returns the name, or its beginning and a hash of the whole if it is longer than `limit`."""
    if len(name) <= limit:
        return name
    return f"{name[: limit - 7].rstrip('-_')}-{digest(name)}"


def hashed(name: str, whole: str, limit: int) -> str:
    """Returns the beginning of the name and a hash of `whole`, with room for the engine's suffix.

    For a name that other parts, joined by hyphens as well, may have.
    """
    return f"{name[: limit - AUTONAME_SUFFIX - 7].rstrip('-_')}-{digest(whole)}"


def autonamed(name: str, limit: int) -> str:
    """Returns the name within AWS's limit, with room for the engine's suffix."""
    return fitted(name, limit - AUTONAME_SUFFIX)
