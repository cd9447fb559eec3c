"""What time it is for billing. In the demo the sandbox's clock can be put forward, and billing goes by it: a year of
renewals passes in a minute. Everywhere else it is the time."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

CLOCK_FILE = "demo-clock.json"
"""The sandbox writes it, with ``offset`` in seconds."""

_read: tuple[float, timedelta] | None = None


def now() -> datetime:
    """Aware, in UTC."""
    if settings.FREEHOLD_ENV != "demo":
        return timezone.now()
    return timezone.now() + _offset(settings.VAR_DIR / CLOCK_FILE)


def _offset(path: Path) -> timedelta:
    """Read again when the file has changed; nothing where there is none, or not a whole one."""
    global _read  # noqa: PLW0603 -- a cache of one value
    try:
        changed = path.stat().st_mtime
        if _read is None or _read[0] != changed:
            _read = changed, timedelta(seconds=int(json.loads(path.read_text(encoding="utf-8"))["offset"]))
    except (OSError, ValueError, KeyError, TypeError):
        return timedelta()
    return _read[1]
