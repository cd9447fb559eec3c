"""Whether somebody has just shown who they are: by signing in, or by being asked again."""

from __future__ import annotations

import time

from allauth.account import app_settings
from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

SHOWN_AT = "freehold_shown_at"
"""Beside allauth's ``at`` in its record of a sign-in, in seconds: when who it was was shown, where that was earlier."""


def is_fresh(request: HttpRequest) -> bool:
    """Within ``ACCOUNT_REAUTHENTICATION_TIMEOUT`` seconds. Who came by an invitation's link or the like is not."""
    if not request.user.is_authenticated:
        return False
    records = get_authentication_records(request, request.user)
    return bool(records) and time.time() - max(record.get(SHOWN_AT, record["at"]) for record in records) < _timeout()


def date_sign_in(request: HttpRequest, shown_at: float) -> None:
    """Write down when somebody who comes from a provider showed there who they are, which may be long ago."""
    records = get_authentication_records(request, request.user)
    latest = next((record for record in reversed(records) if record["method"] == "socialaccount"), None)
    if latest is not None:
        latest[SHOWN_AT] = shown_at
        request.session.modified = True


def _timeout() -> int:
    return int(app_settings.REAUTHENTICATION_TIMEOUT)
