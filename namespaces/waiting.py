"""Waiting for the feed to go on, without keeping others waiting.

The web server has few threads, so only so many requests of one process wait; all others are answered at once.
"""

from __future__ import annotations

import threading
import time

from django.conf import settings

from namespaces.feed import current_revision

POLL_SECONDS = 0.25
_places = threading.BoundedSemaphore(settings.FREEHOLD_WAITERS)


def wait_for_change(*, after: int, seconds: float) -> bool:
    """Return when there is a change after the revision, or when the time has passed; False, and at once, when no place
    to wait is free. No transaction is open meanwhile: each look is a statement of its own."""
    if seconds <= 0 or current_revision() != after:  # a reader that is ahead of us is to be told so
        return True
    if not _places.acquire(blocking=False):
        return False
    try:
        _poll(after, time.monotonic() + seconds)
    finally:
        _places.release()
    return True


def _poll(after: int, deadline: float) -> None:
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(POLL_SECONDS, left))
        if current_revision() != after:
            return
