"""Billing periods: a month later is the same day, or the last of a month that has no such day."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime

from billing.sandbox.clock import DAY


def months_later(moment: int, months: int, *, day: int | None = None) -> int:
    """``day`` is the day of the month that is meant, where ``moment`` already had to be an earlier one."""
    at = datetime.fromtimestamp(moment, tz=UTC)
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return int(at.replace(year=year, month=month + 1, day=min(day or at.day, last)).timestamp())


def period_end(start: int, recurring: dict[str, str | int], anchor: int) -> int:
    """When the period that starts there ends. The anchor's day counts: from 31 January over 28 February to 31 March."""
    interval, count = str(recurring["interval"]), int(recurring["interval_count"])
    if interval in {"day", "week"}:
        return start + count * DAY * (7 if interval == "week" else 1)
    day = datetime.fromtimestamp(anchor, tz=UTC).day
    return months_later(start, count * (12 if interval == "year" else 1), day=day)
