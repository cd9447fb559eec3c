"""Why a person should look at a proof that counts all the same, or did. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

SOON = timedelta(days=30)


class Flag(models.TextChoices):
    LOST = "lost", _("The proof was lost.")
    OWNER_CHANGED = "owner-changed", _("The account on the forge was made anew since it was verified.")
    REGISTERED_ANEW = "registered-anew", _("The domain was registered anew since it was verified.")
    REGISTRAR_CHANGED = "registrar-changed", _("The domain went to another registrar since it was verified.")
    EXPIRED = "expired", _("The domain's registration has expired.")
    EXPIRES = "expires", _("The domain's registration ends within 30 days.")


PASSING = frozenset({Flag.EXPIRED, Flag.EXPIRES})
"""Those that go by themselves once their cause has gone. All others are for a person to take away."""


def of_registration(before: Mapping[str, Any], after: Mapping[str, Any], now: datetime) -> Flag | None:
    """The gravest thing that the registry's words tell. What either leaves out tells nothing."""
    if _differ(before, after, "registered_at"):
        return Flag.REGISTERED_ANEW
    expires_at = _time(after.get("expires_at"))
    if expires_at is not None and expires_at <= now:
        return Flag.EXPIRED
    if _differ(before, after, "registrar"):
        return Flag.REGISTRAR_CHANGED
    if expires_at is not None and expires_at <= now + SOON:
        return Flag.EXPIRES
    return None


def after_registration(current: str, told: Flag | None) -> str:
    """The flag that stands when the registry has spoken: what a person has to take away stays."""
    if current and current not in PASSING:
        return current
    return told.value if told else ""


def _differ(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> bool:
    return bool(before.get(key)) and bool(after.get(key)) and before[key] != after[key]


def _time(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
