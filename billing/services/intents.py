"""What every way to buy has in common: how a purchase ends, and what is written down of it."""

from __future__ import annotations

from typing import Any

from billing import clock
from billing.models import Allowance, Intent
from billing.services.outbox import enqueue
from billing.vocabulary import CallKind, IntentState
from orgs import audit
from orgs.actors import Actor


def end_intent(actor: Actor, intent: Intent, state: IntentState, reason: str) -> Intent:
    """Under the lock of its organization. A page that can still be paid on is closed."""
    before = {"state": str(intent.state)}
    intent.state, intent.reason, intent.ended_at = state, reason, clock.now()
    intent.save(update_fields=["state", "reason", "ended_at"])
    if state is IntentState.CANCELLED and intent.session:
        close_page(intent)
    if state is not IntentState.COMPLETED:  # what staff has not answered needs no answer any more
        asked = Allowance.objects.filter(intent=intent, approved_by__isnull=True, ended_at__isnull=True)
        asked.update(ended_at=intent.ended_at)
    record(actor, f"purchase.{state.value}", intent, before=before, after={"state": state.value, "reason": reason})
    return intent


def close_page(intent: Intent) -> None:
    enqueue(
        kind=CallKind.EXPIRE_SESSION,
        organization=intent.organization,
        topic=intent.session,
        arguments={"session": intent.session},
    )


def facts(intent: Intent) -> dict[str, Any]:
    """A purchase in the audit trail."""
    names = ("method", "interval", "currency", "seats", "roots", "total")
    return {"plan": str(intent.plan), **{name: getattr(intent, name) for name in names}}


def record(
    actor: Actor,
    action: str,
    intent: Intent,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    name = intent.organization.name
    audit.record(actor, action, f"purchase {intent.pk}", organization=name, before=before, after=after)
