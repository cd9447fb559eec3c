"""When Stripe can't be reached, or not with our key: jobs wait, and after a while staff is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from billing.gateway.errors import Misconfigured, Unavailable
from billing.services.alerts import raise_alert, withdraw_alert

KEY = "stripe-unreachable"
PATIENCE = timedelta(minutes=15)


def is_outage(error: Exception) -> bool:
    """Whether nothing is known of what was asked, and only waiting, or a new key, helps."""
    return isinstance(error, Unavailable | Misconfigured)


def note_outage(error: Exception, failing_since: datetime) -> None:
    """A wrong key is told of at once."""
    if isinstance(error, Misconfigured) or timezone.now() - failing_since >= PATIENCE:
        raise_alert(KEY, _("Stripe does not do what we ask: %(error)s Jobs wait.") % {"error": error})


def note_recovery() -> None:
    """Stripe has just answered."""
    withdraw_alert(KEY)
