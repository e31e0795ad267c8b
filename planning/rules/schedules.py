"""Schedules of jobs: the expressions of EventBridge Scheduler."""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from config import Times
from messages.finding import Severity
from messages.phrases import nearest
from planning.rules.rule import Report, rule
from planning.situation import Situation

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a cron expression: its numbers, the names for them, and its own signs."""

    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()
    signs: str = ""

    def number(self, text: str) -> int | None:
        if text.upper() in self.names:
            return self.first + self.names.index(text.upper())
        return int(text) if text.isdecimal() and self.first <= int(text) <= self.last else None

    def numbers(self, text: str) -> set[int] | None:
        """The numbers that the field names; None for all, or for days such as the last Friday."""
        found: set[int] = set()
        for item in text.split(","):
            span, slash, step = item.partition("/")
            low, dash, high = span.partition("-")
            first, last = self.number(low), self.number(high if dash else low)
            if first is None or last is None:
                return None
            end = self.last if slash and not dash else last
            # 11-2 runs on past the end of the year
            ends = (end,) if first <= end else (self.last, end)
            begin = first
            for stop in ends:
                found.update(range(begin, stop + 1, int(step) if slash else 1))
                begin = self.first
        return found

    def nearest(self, text: str) -> str:
        """The text, or the nearest that the field accepts."""
        if self.accepts(text):
            return text
        if text.isdecimal():
            return str(min(max(int(text), self.first), self.last))
        return "*" if self.signs or self.names or self.first else str(self.first)

    def accepts(self, text: str) -> bool:
        return all(self._item(item) for item in text.split(","))

    def _item(self, item: str) -> bool:
        if item in ("*", "?"):
            return item == "*" or "?" in self.signs
        if "L" in self.signs and re.fullmatch(r"L|LW|L-\d{1,2}", item):
            return True
        if "W" in self.signs and item.endswith("W"):
            return self.number(item[:-1]) is not None
        if "#" in self.signs and "#" in item:
            day, _, week = item.partition("#")
            return self.number(day) is not None and week in ("1", "2", "3", "4", "5")
        if "#" in self.signs and item.endswith("L"):
            return self.number(item[:-1]) is not None
        span, slash, step = item.partition("/")
        if slash and not (step.isdecimal() and int(step) > 0):
            return False
        low, dash, high = span.partition("-")
        if dash:
            return self.number(low) is not None and self.number(high) is not None
        return (span == "*" and bool(slash)) or self.number(span) is not None


_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of month", 1, 31, signs="?LW"),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 1, 7, _DAYS, signs="?L#"),
    _Field("year", 1970, 2199),
)


def fault(expression: str) -> tuple[str, str] | None:
    """What is wrong with the expression and what to write instead; None if it is valid."""
    kind, _, rest = expression.partition("(")
    body = rest.removesuffix(")").strip()
    match kind:
        case "cron":
            return _cron(body)
        case "rate":
            return _rate(body)
        case _:
            return _at(body)


def _cron(body: str) -> tuple[str, str] | None:
    parts = body.split()
    if len(parts) == 5:
        other = _from_unix(parts)
        fix = f"write {other}" if other else "write minutes, hours, day, month, weekday and year"
        return "has five fields, as Unix cron; there are six", fix
    if len(parts) != 6:
        return (
            f"has {len(parts)} fields; there are six",
            "write minutes, hours, day of month, month, day of week and year: cron(0 3 * * ? *)",
        )
    for field, part in zip(_FIELDS, parts, strict=True):
        if not field.accepts(part):
            named = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
            said = f"has {part} for the {field.name}: {field.first} to {field.last}{named}"
            near = [f.nearest(p) for f, p in zip(_FIELDS, parts, strict=True)]
            return said, f"write cron({' '.join(_one_question_mark(near))})"
    day, weekday = parts[2], parts[4]
    if (day == "?") == (weekday == "?"):
        return (
            "needs a question mark for exactly one of day of month and day of week",
            f"write cron({' '.join(_one_question_mark(parts))})",
        )
    if not _comes(*(field.numbers(p) for field, p in zip(_FIELDS, parts, strict=True))):
        return (
            "names a day that its months and years do not have",
            f"write cron({' '.join([*parts[:2], 'L', *parts[3:]])}), for the last day of the month",
        )
    return None


def _one_question_mark(parts: list[str]) -> list[str]:
    """The six fields with a question mark for exactly one of both days."""
    minute, hour, day, month, weekday, year = parts
    if (day == "?") != (weekday == "?"):
        return parts
    if day in ("*", "?") and weekday not in ("*", "?"):
        return [minute, hour, "?", month, weekday, year]
    return [minute, hour, "*" if day == "?" else day, month, "?", year]


def _comes(*numbers: set[int] | None) -> bool:
    """Whether a day of the expression ever comes. The numbers are those of its six fields."""
    _, _, days, months, _, years = numbers
    return days is None or any(
        min(days) <= monthrange(year, month)[1]
        for year in years or (2024,)  # a leap year: it has every day that any year has
        for month in months or range(1, 13)
    )


def _from_unix(parts: list[str]) -> str | None:
    """The same times in six fields. None if both days are given (Unix cron then runs on either) or
    a field is malformed. Unix counts weekdays from 0 for Sunday, AWS from 1."""
    minute, hour, day, month, weekday = parts
    if day != "*" and weekday != "*":
        return None
    if weekday == "*":
        weekday = "?"
    else:
        day = "?"
        weekday = re.sub(r"(?<![#/\d])[0-7](?!\d)", lambda m: _DAYS[int(m[0]) % 7], weekday)
    made = [minute, hour, day, month, weekday, "*"]
    if all(f.accepts(p) for f, p in zip(_FIELDS, made, strict=True)):
        return f"cron({' '.join(made)})"
    return None


def _rate(body: str) -> tuple[str, str] | None:
    number, _, unit = body.partition(" ")
    unit = unit.strip()
    if number.isdecimal() and int(number) > 0 and re.fullmatch(r"(minute|hour|day)s?", unit):
        return None
    count = int(number) if number.isdecimal() and int(number) > 0 else 1
    if unit in ("week", "weeks"):
        return f"counts in {unit}", f"write rate({7 * count} days)"
    if unit in ("second", "seconds"):
        return f"counts in {unit}", f"write rate({max(1, count // 60)} minutes)"
    units = unit if unit in ("minutes", "hours", "days") else "hours"
    return "is no whole number of minutes, hours or days", f"write rate({count} {units})"


def _at(body: str) -> tuple[str, str] | None:
    shape = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", body)
    try:
        found = datetime.fromisoformat(body)
    except ValueError:
        return "is no date and time", "write at(2027-01-31T18:00:00), without a zone"
    if shape:
        return None
    return "has another form", f"write at({found.replace(tzinfo=None, microsecond=0).isoformat()})"


def _times(s: Situation) -> Iterator[tuple[str, Times]]:
    """The schedules of jobs, and those of the replicas of models, with their paths."""
    for name, job in s.settings.jobs.items():
        if job.schedule is not None:
            yield f"jobs.{name}.schedule", job.schedule
    for name, model in s.settings.models.items():
        for at, entry in enumerate(model.scaling.schedule if model.scaling else ()):
            yield f"models.{name}.scaling.schedule[{at}]", entry


@rule(
    "NE718",
    "Malformed schedule",
    Severity.ERROR,
    "AWS's schedulers accept cron() with six fields and one question mark for the days, rate() in "
    "minutes, hours or days, and at() with a date and time without a zone.",
    do="Write the expression in one of these forms, and the zone under timezone.",
)
def no_schedule(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html and
    API_PutScheduledAction (Schedule) of the Application Auto Scaling API Reference."""
    for path, times in _times(s):
        found = fault(times.expression)
        if found is not None:
            what, fix = found
            yield Report(f"{path}.expression", f"is {times.expression}, which {what}", fix)


@rule(
    "NE719",
    "Unknown time zone",
    Severity.ERROR,
    "AWS's schedulers accept the time zones of the tz database.",
    do="Write a zone by its continent and city, or UTC.",
    table="time_zones",
)
def no_time_zone(s: Situation) -> Iterator[Report]:
    """API_CreateSchedule of the EventBridge Scheduler API Reference, ScheduleExpressionTimezone;
    https://www.iana.org/time-zones"""
    zones = s.catalog.limits.time_zones
    for path, times in _times(s):
        if times.timezone not in zones:
            near = nearest(times.timezone, zones)
            yield Report(f"{path}.timezone", f"is {times.timezone}", near)


@rule(
    "NE740",
    "Schedule keeps neither the limit nor the attempts of a job",
    Severity.NOTE,
    "EventBridge Scheduler starts a task and does not wait for its end, and ECS ends no task after "
    "a time.",
    do="Start the job with `neuron-ecs run`, or let its program end itself and try again.",
)
def schedule_without_limits(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html"""
    for name, job in s.settings.jobs.items():
        if job.schedule is None:
            continue
        if job.timeout_minutes is not None:
            yield Report(
                f"jobs.{name}.timeout_minutes",
                f"is {job.timeout_minutes}, and a run that its schedule starts has no limit",
                "remove it, or let the program end by itself",
            )
        if job.attempts > 1:
            yield Report(
                f"jobs.{name}.attempts",
                f"is {job.attempts}, and a run that its schedule starts is not repeated",
                "remove it, or let the program try again by itself",
            )


RULES = (no_schedule, no_time_zone, schedule_without_limits)
