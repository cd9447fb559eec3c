"""When a token was last used, to some minutes, at no cost to the answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from freehold.backlog import Backlog
from orgs.models import ServiceToken

PRECISION = timedelta(minutes=5)


def _write(uses: Sequence[tuple[int, datetime]]) -> None:
    for token_id, at in dict(uses).items():
        ServiceToken.objects.filter(pk=token_id).update(last_used_at=at)


backlog: Backlog[tuple[int, datetime]] = Backlog(_write)
_noted: dict[int, datetime] = {}


def token_used(token_id: int, last_used_at: datetime | None) -> None:
    """Note the use of a token, at most once in ``PRECISION`` for each process."""
    now = timezone.now()
    known = max(filter(None, (last_used_at, _noted.get(token_id))), default=None)
    if known is None or now - known >= PRECISION:
        _noted[token_id] = now
        backlog.add((token_id, now))
