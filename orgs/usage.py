"""When a token was last used, to some minutes, at no cost to the answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from freehold.backlog import Backlog
from orgs.models import OrganizationToken, ServiceToken

PRECISION = timedelta(minutes=5)

Key = tuple[type[ServiceToken] | type[OrganizationToken], int]


def _write(uses: Sequence[tuple[Key, datetime]]) -> None:
    for (model, token_id), at in dict(uses).items():
        model.objects.filter(pk=token_id).update(last_used_at=at)


backlog: Backlog[tuple[Key, datetime]] = Backlog(_write)
_noted: dict[Key, datetime] = {}


def token_used(token_id: int, last_used_at: datetime | None) -> None:
    """Note the use of a service token, at most once in ``PRECISION`` for each process."""
    _note((ServiceToken, token_id), last_used_at)


def organization_token_used(token: OrganizationToken) -> None:
    """As ``token_used``."""
    _note((OrganizationToken, token.pk), token.last_used_at)


def _note(key: Key, last_used_at: datetime | None) -> None:
    now = timezone.now()
    known = max(filter(None, (last_used_at, _noted.get(key))), default=None)
    if known is None or now - known >= PRECISION:
        _noted[key] = now
        backlog.add((key, now))
