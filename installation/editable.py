"""Build backend that installs the command from a checkout, and builds nothing else.

A wheel of this project would put packages called `config` and `catalog` beside those of everyone
else who installs it. An editable install only names the checkout, so this backend passes editable
builds on to setuptools and refuses wheels and source distributions.
Hooks: https://peps.python.org/pep-0660/ and https://peps.python.org/pep-0517/
"""

from typing import NoReturn

from setuptools.build_meta import (
    build_editable,
    get_requires_for_build_editable,
    prepare_metadata_for_build_editable,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "prepare_metadata_for_build_editable",
]

_REFUSED = (
    "neuron-ecs is not packaged: its top-level packages (config, catalog, ...) are for this "
    "checkout alone. Run `make preview`, or `pip install --no-deps --editable .` in the checkout."
)


def build_wheel(*_: object, **__: object) -> NoReturn:
    """Refuses: there is no wheel of this project."""
    raise SystemExit(_REFUSED)


def build_sdist(*_: object, **__: object) -> NoReturn:
    """Refuses: there is no source distribution of this project."""
    raise SystemExit(_REFUSED)
