"""Telling staff of what machines can't settle: one open alert for each thing, however often it is noticed."""

from __future__ import annotations

import structlog
from django.utils import timezone

from billing.models import Alert
from orgs.models import Organization

log = structlog.get_logger(__name__)
_TEXT_LENGTH, _KEY_LENGTH = 500, 200


def raise_alert(key: str, text: str, organization: Organization | None = None) -> None:
    """Raise it, in the caller's transaction, unless one with this key is open. ``key`` names the thing, such as
    ``"event-type:invoice.folded"``; ``text`` is for staff."""
    alert = Alert(key=key[:_KEY_LENGTH], text=text[:_TEXT_LENGTH], organization=organization)
    Alert.objects.bulk_create([alert], ignore_conflicts=True)
    log.warning("billing.alert", key=key, text=text)


def withdraw_alert(key: str) -> None:
    """Close it: what it was about is over without anybody's doing."""
    Alert.objects.filter(key=key[:_KEY_LENGTH], settled_at__isnull=True).update(settled_at=timezone.now())
