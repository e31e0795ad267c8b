"""Logical names: stable keys, unique in their scope, within AWS's limits with Pulumi's suffix.

The engine appends `-` and seven hexadecimal digits to a logical name, so 8 characters of each
limit are its own. Parts are joined by `_`, which no name of the stack file contains, so that two
different lists of parts never give one key; load balancers and target groups know only letters,
digits and hyphens, and their first part (the Region's short form) has no hyphen.
"""

import hashlib

AUTONAME_SUFFIX = 8  # https://www.pulumi.com/docs/iac/concepts/resources/names/


def key(*parts: str) -> str:
    """The parts as one logical name."""
    return "_".join(part.replace(".", "-") for part in parts if part)


def fitted(name: str, limit: int) -> str:
    """The name, or its beginning with a hash of the whole where it is longer than `limit`."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{name[: limit - 7].rstrip('-_')}-{digest}"


def autonamed(name: str, limit: int) -> str:
    """`fitted` to what AWS's limit leaves beside the engine's suffix."""
    return fitted(name, limit - AUTONAME_SUFFIX)
