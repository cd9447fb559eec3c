"""Until when whoever has a job in hand may begin to tell Stripe something. After that another may have taken it and
told something newer, which an older request that comes late would undo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.utils import timezone

from billing.gateway.errors import Unavailable

_until: ContextVar[datetime | None] = ContextVar("until", default=None)


@contextmanager
def not_after(moment: datetime) -> Iterator[None]:
    """What is to be told within this, and has not begun by then, raises ``Unavailable``."""
    token = _until.set(moment)
    try:
        yield
    finally:
        _until.reset(token)


def demand_time() -> None:
    until = _until.get()
    if until is not None and timezone.now() >= until:
        raise Unavailable("Stripe answers so slowly that somebody else may have this in hand by now.")
