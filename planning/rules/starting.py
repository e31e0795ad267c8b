"""The order in which the containers of a task start, and the limits of their processes."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from config import Container, JobEntry, ModelEntry, Sidecar
from messages.finding import Severity
from messages.phrases import flow
from planning.rules.rule import Report, rule
from planning.situation import Situation


def _tasks(s: Situation) -> Iterator[tuple[str, Mapping[str, tuple[str, Container]]]]:
    """Every task as the stack file writes it: its path, and its containers with theirs by name."""
    for path, spec in s.named_workloads():
        sidecars = {n: (f"{path}.sidecars.{n}", c) for n, c in sorted(spec.sidecars.items())}
        own: dict[str, tuple[str, Container]] = {path.partition(".")[2]: (path, spec)}
        yield path, own | sidecars


@rule(
    "NE352",
    "Container to start after is not in the task",
    Severity.ERROR,
    "A container can wait only for other containers of its own task.",
    do="Write the name of a sidecar, or of the model or job itself.",
)
def unknown_container(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html"""
    for _, containers in _tasks(s):
        for own, (path, container) in containers.items():
            others: list[str] = [name for name in containers if name != own]
            for name, condition in container.starts_after.items():
                if name in others:
                    continue
                why = "the container itself" if name == own else "no other container of it"
                near: list[str] = get_close_matches(name, others, 1)
                right = {n: c for n, c in container.starts_after.items() if n in others}
                right |= dict.fromkeys(near, condition)
                yield Report(
                    f"{path}.starts_after.{name}",
                    f"is {condition}, of {why}",
                    f"write starts_after: {flow(right)}" if right else "leave it out",
                )


@rule(
    "NE353",
    "Containers wait for each other",
    Severity.ERROR,
    "ECS refuses a task definition in which containers depend on each other in a circle.",
    do="Let one of them start without waiting.",
)
def circle(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html"""
    for _, containers in _tasks(s):
        after = {n: [a for a in c.starts_after if a != n] for n, (_, c) in containers.items()}
        reported: set[str] = set()
        for name in after:
            way = _way_back(name, after)
            if way and not reported & set(way):
                reported |= set(way)
                path, _ = containers[name]
                yield Report(
                    f"{path}.starts_after",
                    f"leads back to {name}: {' after '.join(way)}",
                    f"take {way[1]} out of it",
                )


def _way_back(name: str, after: Mapping[str, list[str]]) -> tuple[str, ...]:
    """The shortest way from a container over what it waits for to itself; empty without one."""
    ways: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for earlier in after.get(way[-1], ()):
            if earlier == name:
                return (*way, name)
            if earlier not in seen:
                seen.add(earlier)
                ways.append((*way, earlier))
    return ()


@rule(
    "NE354",
    "Container waits for what cannot come",
    Severity.ERROR,
    "A container is healthy only by a health command of its own, and the end of an essential "
    "container is the end of the task.",
    do="Give the other container a health command, or make it a sidecar that is not essential.",
)
def condition_that_never_holds(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html:
    COMPLETE and SUCCESS cannot be set on an essential container, HEALTHY needs a health check."""
    for _, containers in _tasks(s):
        for path, container in containers.values():
            for name, condition in sorted(container.starts_after.items()):
                if name not in containers:
                    continue  # NE352
                where, other = containers[name]
                if condition == "healthy" and not _checked(other):
                    yield Report(
                        f"{path}.starts_after.{name}",
                        f"is healthy; {where} has no health command",
                        "write started",
                    )
                if condition in ("complete", "success") and _essential(other):
                    yield Report(
                        f"{path}.starts_after.{name}",
                        f"is {condition}; {where} is essential, and its end stops the task",
                        "write started",
                    )


def _checked(container: Container) -> bool:
    if isinstance(container, Sidecar):
        return bool(container.health_command)
    assert isinstance(container, (JobEntry, ModelEntry))
    return bool(container.health_check and container.health_check.command)


def _essential(container: Container) -> bool:
    return container.essential if isinstance(container, Sidecar) else True


@rule(
    "NE355",
    "Soft limit of processes is above the hard one",
    Severity.ERROR,
    "The soft limit of a process is at most the hard one; -1 is no limit.",
    do="Write a soft limit up to the hard one.",
)
def soft_above_hard(s: Situation) -> Iterator[Report]:
    """https://man7.org/linux/man-pages/man2/getrlimit.2.html"""
    for _, containers in _tasks(s):
        for path, container in containers.values():
            for name, limit in sorted(container.ulimits.items()):
                no_limit, most = limit.soft == -1, limit.hard
                if most != -1 and (no_limit or limit.soft > most):
                    yield Report(
                        f"{path}.ulimits.{name}.soft",
                        f"is {limit.soft}, above hard: {most}",
                        f"write at most {most}",
                    )


RULES = (unknown_container, circle, condition_that_never_holds, soft_above_hard)
