"""Where a server keeps what it compiled, and the name of that place."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from catalog import ServerCache
from config import AnyVolume, Mount
from planning import choices
from planning.serving.servers import Served

NONE = "none"
S3 = "s3://"


def fingerprint(
    model: str, served: Served, image: str, families: Iterable[str], more: Iterable[str]
) -> str:
    """The name of the artefacts of a model: twelve hexadecimal digits.

    It changes with everything that changes the artefacts: model, revision, degree, sequences,
    length, data type, image and chip, and further arguments of the server. NxD Inference loads
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
        """The mount of the volume. On a host's disk each service has a directory of its own."""
        if self.place.startswith(S3):
            return {}
        kind = self.volumes[self.place].kind if self.place in self.volumes else "host"
        slot = f"/{choices.SLOT}" if kind == "host" else ""
        made = Mount.model_validate(
            {"path": choices.SERVE_CACHE_PATH, "directory": f"{self.fingerprint}{slot}"}
        )
        return {self.place: made}

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The prefixes of S3 that the tasks read and write."""
        return (f"{self._base}/",) if self.place.startswith(S3) else ()

    @property
    def _base(self) -> str:
        if self.place.startswith(S3):
            return f"{self.place.rstrip('/')}/{self.fingerprint}"
        return choices.SERVE_CACHE_PATH

    @property
    def _kept(self) -> Iterator[ServerCache]:
        for row in self.rows:
            if self.place.startswith(S3) and not row.takes_s3:
                continue
            if row.holds != "weights" or self.weights:
                yield row
