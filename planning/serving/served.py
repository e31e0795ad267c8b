"""What a server is asked to serve."""

from dataclasses import dataclass

from catalog import LanguageModel


@dataclass(frozen=True, slots=True)
class Served:
    """What a server is asked to serve.

    ``name`` is that of the entry in the stack file, ``ports`` those that it writes. ``source`` is
    what the server loads: an id on the hub, a path in the container or a prefix of S3. ``names``
    are those that callers give. ``model`` is None where the server needs no shape.
    """

    name: str
    source: str
    degree: int = 1
    sequences: int = 1
    length: int = 1
    model: LanguageModel | None = None
    names: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    revision: str | None = None
    data_type: str | None = None

    @property
    def called(self) -> str:
        """The first name that callers give."""
        return next(iter(self.names), self.name)

    @property
    def embeds(self) -> bool:
        """Whether the model embeds texts, and generates none."""
        return self.model is not None and self.model.kind != "decoder"
