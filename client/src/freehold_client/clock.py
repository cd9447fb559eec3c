"""How old the snapshot is, whatever the clocks do.

Within a process the age is measured by a clock that nobody sets and that goes on while the machine sleeps; across
restarts there is only the wall clock, and if it has been set back, the age is unknown and counts as too old.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

# On Linux time.monotonic stands still while the machine is asleep, and a snapshot does not.
_ELAPSED: Callable[[], float] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
)


class Clock(NamedTuple):
    """Two ways to tell the time, both in seconds: one that only ever goes on, one that tells the date."""

    elapsed: Callable[[], float] = _ELAPSED
    wall: Callable[[], float] = time.time


class Freshness:
    """When Freehold last confirmed what the snapshot says. Assigned to by one thread, read by all."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # One attribute, so that a reader never sees half of a change: the moment on the elapsed clock, and what the
        # wall clock showed then.
        self._confirmed: tuple[float, float] | None = None

    def confirm(self, elapsed: float) -> None:
        """The snapshot was right at a moment of the elapsed clock, which is when Freehold was asked: its answer is
        of a later one."""
        age = self._clock.elapsed() - elapsed
        self._confirmed = elapsed, self._clock.wall() - age

    def restore(self, wall: float) -> None:
        """The snapshot was right at that time of the wall clock, before a restart. A time to come is no evidence:
        the clock has been set back, so nobody knows how long ago it was."""
        now = self._clock.wall()
        self._confirmed = (self._clock.elapsed() - (now - wall), wall) if wall <= now else None

    def age(self) -> float:
        """Seconds since the confirmation; infinite without one."""
        confirmed = self._confirmed
        return math.inf if confirmed is None else self._clock.elapsed() - confirmed[0]

    def confirmed_at(self) -> float | None:
        """The confirmation in wall-clock time as the wall clock is now, to be kept across a restart."""
        age = self.age()
        return None if math.isinf(age) else self._clock.wall() - age

    def now(self) -> float:
        """The date, in seconds since 1970, for what expires; never earlier than what has passed since the
        confirmation allows, though the wall clock be set back."""
        confirmed, wall = self._confirmed, self._clock.wall()
        return wall if confirmed is None else max(wall, confirmed[1] + self._clock.elapsed() - confirmed[0])
