"""Texts of a workload that differ from Region to Region: `{region}` in them."""

import re
from collections.abc import Mapping

_PLACES = re.compile(r"\{\{region\}\}|\{region\}")


def in_region(text: str, region: str) -> str:
    """Returns the text with `{region}` replaced by the Region, and `{{region}}` by `{region}`.

    Other braces stay as they are.
    """
    return _PLACES.sub(lambda found: region if found[0] == "{region}" else "{region}", text)


def of_region(given: str | Mapping[str, str], region: str) -> str:
    """Returns the value of a text with `{region}`, or of a map by Region; empty without one."""
    return in_region(given, region) if isinstance(given, str) else given.get(region, "")


def arn_in(arn: str, partition: str, region: str) -> str:
    """Returns the ARN with this partition and Region."""
    parts = arn.split(":")
    parts[1], parts[3] = partition, region
    return ":".join(parts)


def bucket_and_key(prefix: str) -> tuple[str, str]:
    """Returns the bucket of an S3 prefix, and the beginning of its keys."""
    bucket, _, key = prefix.removeprefix("s3://").partition("/")
    return bucket, key
