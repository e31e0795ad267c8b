"""Chooses the pool of a model that is added without one."""

from dataclasses import replace
from pathlib import Path

import catalog
from messages.finding import Refused
from neuron_ecs.stackfile.entries import MODELS, POOLS, Add, edited, entries_of
from neuron_ecs.stackfile.reading import StackFile, with_text
from neuron_ecs.terminal import UsageError


def on_only_pool(added: Add, name: str, text: str, file: StackFile, directory: Path) -> Add:
    """Returns the new model on the only pool on which it plans. Raises `UsageError`."""
    pools = entries_of(text, file, POOLS)
    if not pools:
        raise UsageError("the stack file has no pool; `neuron-ecs pools add` adds one")
    tried = {pool: replace(added, fields={**added.fields, "capacity": pool}) for pool in pools}
    why = {
        pool: _refusal(file, edited(text, file, MODELS, name, one), directory)
        for pool, one in tried.items()
    }
    able = [pool for pool in pools if why[pool] is None]
    if len(able) == 1 or len(pools) == 1:
        return tried[(able or list(pools))[0]]
    if able:
        raise UsageError(f"it plans on several pools; write --capacity {' or '.join(able)}")
    if len(set(why.values())) == 1:
        raise UsageError(f"it plans on no pool: {why[next(iter(pools))]}")
    reasons = "; ".join(f"{pool}: {reason}" for pool, reason in why.items())
    raise UsageError(f"it plans on no pool ({reasons})")


def _refusal(file: StackFile, new: str, directory: Path) -> str | None:
    """The first error of the stack file with another text; `None` if it plans."""
    try:
        with_text(file, new, directory).plan(catalog.load())
    except Refused as refused:
        worst = refused.findings[0]
        return f"{worst.path} {worst.what}: {worst.fix}"
    return None
