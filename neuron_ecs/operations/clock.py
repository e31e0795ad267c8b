"""The clock of commands that look at running things: what they ask for the time, and wait with."""

import argparse
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d{1,6})([smhd])")


@dataclass(frozen=True, slots=True)
class Clock:
    """`now` returns the time in UTC; `sleep` waits for seconds."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]

    @property
    def shown(self) -> str:
        """The time of day, as lines of commands that wait begin."""
        return f"{self.now():%H:%M:%S}"

    def after(self, seconds: float) -> datetime:
        """The time in some seconds."""
        return self.now() + timedelta(seconds=seconds)

    def times(self, every: float | None, longest: timedelta = timedelta.max) -> Iterator[None]:
        """Lets a loop run once, and then again and again if there are seconds to wait between."""
        began = self.now()
        yield
        while every is not None and self.now() - began < longest:
            self.sleep(every)
            yield


REAL = Clock(lambda: datetime.now(UTC), time.sleep)


def seconds(text: str) -> int:
    """Parses a duration such as `90s`, `15m`, `3h` or `2d`, for an option."""
    found = _DURATION.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise argparse.ArgumentTypeError("write a number and s, m, h or d, such as 30s, 15m or 3h")
    return int(found[1]) * _UNITS[found[2]]
