"""All rules, in one explicit tuple, in order of their codes.

NE0 the stack file, NE1 where, NE2 chips, NE3 tasks, NE4 images, NE5 traffic and networks, NE6
rollouts, NE7 names and limits, NE8 training. A code is never used again.
"""

from planning.rules import (
    chips,
    containers,
    cores,
    images,
    limits,
    networks,
    purchase,
    rollouts,
    runtimes,
    schedules,
    tasks,
    traffic,
    training,
    where,
)
from planning.rules.rule import Report, Rule, rule
from planning.rules.silence import rules_about_silence

_OF_THE_WISH: tuple[Rule, ...] = tuple(
    sorted(
        (
            *where.RULES,
            *purchase.RULES,
            *chips.RULES,
            *cores.RULES,
            *tasks.RULES,
            *containers.RULES,
            *images.RULES,
            *runtimes.RULES,
            *traffic.RULES,
            *networks.RULES,
            *rollouts.RULES,
            *limits.RULES,
            *schedules.RULES,
            *training.RULES,
        ),
        key=lambda rule: rule.code,
    )
)
RULES: tuple[Rule, ...] = (*rules_about_silence(_OF_THE_WISH), *_OF_THE_WISH)

__all__ = ["RULES", "Report", "Rule", "rule"]
