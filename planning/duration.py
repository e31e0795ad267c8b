"""How long an update of a stack can take, for credentials that must outlive it."""

from planning import choices
from planning.plan import Plan


def update_minutes(plan: Plan) -> int:
    """Returns the minutes within which an update ends where each service takes all of its timeout.

    Services change at the same time, unless one waits for others to be steady; old ones are deleted
    at the end. `choices.OTHER_MINUTES` are for all other resources.
    """
    services = [s for region in plan.regions for model in region.models for s in model.services]
    ends: dict[str, int] = {}
    for service in services:  # those for which a service waits come before it
        start = max((ends[key] for key in service.after), default=0)
        waits = service.timeouts
        ends[service.key] = start + max(waits.create_minutes, waits.update_minutes)
    deleting = max((s.timeouts.delete_minutes for s in services), default=0)
    return choices.OTHER_MINUTES + max(ends.values(), default=0) + deleting
