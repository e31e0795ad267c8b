"""Models of `serve`: what was chosen for them, what follows, and why one cannot be served."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from catalog import ServingImage
from config import ModelEntry
from planning.serving.ahead import Ahead
from planning.serving.cache import Cache
from planning.serving.memory import Estimate
from planning.serving.options import ServingOption

OWN_IMAGE = "own"
"""The name of the image that the stack file writes, in place of a row of `serving_images`."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A value that the planner derives for a field of the entry, and from what it follows.

    Of a part of a field, such as ``health_check.path``, as well. Empty ``because`` for what the
    stack file writes.
    """

    field: str
    value: Any
    because: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The image, the devices and the degree with which a model is served on its pools.

    ``devices`` is a number, or ``all`` where instances of several types have different numbers.
    ``option`` is of the type with the least room; None for servers that need no shape.
    ``unreachable``: the image is of a public registry, and a network has no way out.
    """

    image: ServingImage
    devices: int | tuple[int, ...] | str
    option: ServingOption | None = None
    unreachable: bool = False

    @property
    def degree(self) -> int:
        """The NeuronCores that share the model."""
        return self.option.degree if self.option else 1

    @property
    def estimate(self) -> Estimate | None:
        """The memory that each of them needs, and has."""
        return self.option.estimate if self.option else None


@dataclass(frozen=True, slots=True)
class Departure:
    """A value that the entry writes, and the one that would follow from `serve` alone."""

    field: str
    written: Any
    derived: Derived


@dataclass(frozen=True, slots=True)
class WrittenOut:
    """A model of `serve` with what is derived; ``entry`` has all of it.

    ``derived`` are the planner's values, ``values`` those that hold: in JSON's types, in the order
    of the stack file's fields. ``departures`` are the values that the entry writes otherwise than
    the planner would. ``cache`` is where a later start finds what an earlier one compiled,
    ``ahead`` the job that compiles it before any start.
    """

    entry: ModelEntry
    choice: Choice
    derived: tuple[Derived, ...]
    values: tuple[Derived, ...]
    departures: tuple[Departure, ...] = ()
    cache: Cache | None = None
    ahead: Ahead | None = None

    @property
    def compiled(self) -> bool:
        """Whether its tasks start only with what a job has compiled."""
        return self.ahead is not None and self.ahead.required


@dataclass(frozen=True, slots=True)
class Unserved:
    """Why a model of `serve` is left out: the code of the finding, where, what, and the fix.

    No ``code`` where another rule says so.

    ``entry`` is the model as it is written, ``pools`` the names of its pools: these are not unused.
    ``stand_in`` returns the entry with a model that its pools serve, if there is one: what else is
    wrong with the entry is found by it.
    """

    code: str
    path: str
    what: str
    fix: str
    entry: ModelEntry
    pools: frozenset[str]
    stand_in: Callable[[], ModelEntry | None] = lambda: None

    @property
    def model(self) -> str:
        """The path of the model."""
        return ".".join(self.path.split(".")[:2])
