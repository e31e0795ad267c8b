"""What the plan says of a model's cache."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class CompileCache:
    """Where what a model compiles stays, and the name of what fits its settings."""

    kind: Literal["host", "efs", "ebs", "s3_files", "s3"]
    place: str  # name of the volume, or the prefix in S3
    fingerprint: str
    marker: str = ""  # what a compile run leaves; empty where tasks compile at their start
    required: bool = False  # without the marker no task starts
