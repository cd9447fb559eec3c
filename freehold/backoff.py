"""When to try again what failed, and when to give up. Pure."""

from __future__ import annotations

from datetime import timedelta

FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(days=3)


def retry_delay(failing_for: timedelta, dice: float) -> timedelta:
    """As long again as it has been failing, within limits; half to one and a half of it, by ``dice`` from 0 to 1, so
    that what failed together does not come again together."""
    return min(max(failing_for, FIRST_RETRY), LONGEST_RETRY) * (0.5 + dice)
