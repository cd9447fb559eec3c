"""What the services of the inbox leave in the audit trail: the arguments of each, and its events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from billing.models import Event
from billing.vocabulary import JobState
from orgs.actors import Actor

Row = tuple[Callable[[], dict[str, Any]], list[tuple[str, str]]]


def _settled() -> Event:
    return Event.objects.create(
        stripe_id="evt_1",
        type="customer.subscription.updated",
        object_type="subscription",
        object_id="sub_1",
        livemode=False,
        created=timezone.now(),
        state=JobState.DONE,
    )


ROWS: dict[str, Row] = {
    "replay": (
        lambda: {"actor": Actor.operator(), "event": _settled()},
        [("event.replayed", "")],
    ),
}
