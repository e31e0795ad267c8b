"""All rules, in one explicit tuple, in order of their codes.

NE0 the stack file, NE1 where, NE2 chips, NE3 tasks, NE4 images, NE5 traffic and networks, NE6
rollouts, NE7 names and limits, NE8 training, NE9 what is known of a model. A code keeps its meaning
for ever: a new rule takes the first free code after the last one of its group.
"""

from planning.rules import (
    alarms,
    audit,
    authentication,
    blocks,
    chips,
    containers,
    cores,
    daemons,
    domains,
    images,
    layouts,
    limits,
    models,
    networks,
    permissions,
    placement,
    pools,
    processes,
    public,
    purchase,
    quotas,
    reach,
    registries,
    rollouts,
    runtimes,
    s3_files,
    scaling,
    schedules,
    served,
    servers,
    shapes,
    starting,
    tasks,
    traffic,
    training,
    volumes,
    weights,
    where,
    zones,
)
from planning.rules.rule import Report, Rule, rule
from planning.rules.silence import rules_about_silence

_JUDGING: tuple[Rule, ...] = tuple(
    sorted(
        (
            *where.RULES,
            *zones.RULES,
            *purchase.RULES,
            *blocks.RULES,
            *pools.RULES,
            *chips.RULES,
            *cores.RULES,
            *placement.RULES,
            *layouts.RULES,
            *processes.RULES,
            *tasks.RULES,
            *containers.RULES,
            *starting.RULES,
            *volumes.RULES,
            *s3_files.RULES,
            *images.RULES,
            *runtimes.RULES,
            *registries.RULES,
            *servers.RULES,
            *served.RULES,
            *models.RULES,
            *traffic.RULES,
            *domains.RULES,
            *public.RULES,
            *authentication.RULES,
            *weights.RULES,
            *networks.RULES,
            *reach.RULES,
            *rollouts.RULES,
            *scaling.RULES,
            *limits.RULES,
            *permissions.RULES,
            *audit.RULES,
            *quotas.RULES,
            *schedules.RULES,
            *training.RULES,
            *shapes.RULES,
            *alarms.RULES,
            *daemons.RULES,
        ),
        key=lambda rule: rule.code,
    )
)
# Codes of rules that were deleted: docs, silenced findings and reports still name them.
RETIRED: frozenset[str] = frozenset({"NE405"})
RULES: tuple[Rule, ...] = (*rules_about_silence(_JUDGING), *_JUDGING)

__all__ = ["RETIRED", "RULES", "Report", "Rule", "rule"]
