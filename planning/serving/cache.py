"""Where a server keeps what it compiled, and the name of that place."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from catalog import ServerCache
from config import AnyVolume, Mount
from planning import choices
from planning.serving.served import Served

NONE = "none"
S3 = "s3://"


def fingerprint(
    model: str, served: Served, image: str, families: Iterable[str], more: Iterable[str]
) -> str:
    """The name of the artefacts of a model: twelve hexadecimal digits.

    It changes with everything that changes the artefacts: model, revision, degree, sequences,
    length, data type, image and chip, further arguments of the server, and variables of the
    compiler and the server. NxD Inference loads
    artefacts of other settings without a word
    (https://awsdocs-neuron.readthedocs-hosted.com/en/v2.32.0/libraries/nxd-inference/developer_guides/vllm-user-guide-v1.html),
    so no two settings have one name.
    """
    parts = [
        model,
        served.revision,
        served.degree,
        served.sequences,
        served.length,
        served.data_type,
        image,
        sorted(families),
        list(more),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Cache:
    """The place of a model's cache: a volume or a prefix of S3, and the variables that name it."""

    model: str
    rows: tuple[ServerCache, ...]
    fingerprint: str
    place: str
    volumes: Mapping[str, AnyVolume]
    weights: bool

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the server."""
        return {row.variable: f"{self._base}/{row.directory}" for row in self._kept}

    @property
    def mounts(self) -> dict[str, Mount]:
        """The mount of the volume. On a host's disk each service has a directory of its own, also
        where two models are served alike.

        On a file system the fingerprint is in the paths that the server is told: a compile run can
        so write a new one while the tasks use the old one, through one access point.
        """
        if self.kind == "s3":
            return {}
        host = f"{self.fingerprint}/{self.model}/{choices.SLOT}"
        below = host if self.kind == "host" else None
        made = Mount.model_validate({"path": choices.SERVE_CACHE_PATH, "directory": below})
        return {self.place: made}

    @property
    def kind(self) -> Literal["host", "efs", "ebs", "s3_files", "s3"]:
        """The kind of the place; the planner's own volume is on the host."""
        if self.place.startswith(S3):
            return "s3"
        return self.volumes[self.place].kind if self.place in self.volumes else "host"

    @property
    def is_shared(self) -> bool:
        """Whether tasks on different instances see it: in S3, or on a file system."""
        return self.kind in ("s3", "efs", "s3_files")

    @property
    def marker(self) -> str:
        """The file that a compile run leaves, as a path in the containers or in S3."""
        return f"{self._base}/{choices.COMPILED_MARKER}"

    @property
    def retries(self) -> tuple[tuple[str, str], ...]:
        """The variables, each with its value, with which a failed compilation is tried again."""
        found = (row.retried_by.partition("=") for row in self._kept if row.retried_by)
        return tuple(dict.fromkeys((variable, value) for variable, _, value in found))

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The prefixes of S3 that the tasks read and write."""
        return (f"{self._base}/",) if self.kind == "s3" else ()

    @property
    def _base(self) -> str:
        if self.kind == "s3":
            return f"{self.place.rstrip('/')}/{self.fingerprint}"
        below = "" if self.kind == "host" else f"/{self.fingerprint}"
        return choices.SERVE_CACHE_PATH + below

    @property
    def _kept(self) -> Iterator[ServerCache]:
        for row in self.rows:
            if self.kind == "s3" and not row.takes_s3:
                continue
            if row.holds == "remote" or (row.holds == "weights" and not self.weights):
                continue
            yield row
