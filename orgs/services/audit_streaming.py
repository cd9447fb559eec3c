"""Sending audit events to where organizations want them: each event, in order, at least once (Standard Webhooks).

Receivers belong to users and may be slow or hostile, so nothing is locked while one is spoken to: an endpoint is
claimed for a while, spoken to, and settled. Who dies in between has claimed it for that while only, and the same event
goes out again under the same id.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.outbox import queue_mail
from freehold import webhooks
from freehold.backoff import GIVE_UP_AFTER, retry_delay
from freehold.outgoing.hooks import deliver
from orgs import audit
from orgs.actors import Actor
from orgs.models import AuditDelivery, AuditEndpoint, AuditEvent
from orgs.selectors_audit import audit_trail, event_as_json
from orgs.services.audit_endpoints import host_of
from orgs.vocabulary import Role, State

ANSWER_SECONDS = 5.0
CLAIM = timedelta(seconds=30)
TURN_SECONDS = 20.0
"""How long one endpoint may keep a worker before others have their turn."""

log = structlog.get_logger(__name__)
_dice = secrets.SystemRandom()


@dataclass(frozen=True)
class Attempt:
    """What became of one message: the 2xx status, or why it was not delivered."""

    status: int | None
    error: str
    milliseconds: int


def stream_all() -> int:
    """Send what is due to every endpoint; the number of events that were taken."""
    due = AuditEndpoint.objects.due().order_by("next_attempt_at").values_list("pk", flat=True)
    sent = sum(_stream(number) for number in list(due))
    end_closed()
    return sent


@transaction.atomic
def end_closed() -> int:
    """Delete the endpoints of closed organizations that took every event, the closing among them, or were given up."""
    closed = AuditEndpoint.objects.filter(organization__state=State.CLOSED).select_related("organization")
    over = [found.pk for found in closed.select_for_update(skip_locked=True, of=("self",)) if _has_all(found)]
    AuditEndpoint.objects.filter(pk__in=over).delete()
    return len(over)


def _has_all(endpoint: AuditEndpoint) -> bool:
    """Or as much as it will ever have."""
    left = audit_trail(endpoint.organization).filter(position__gt=endpoint.delivered_position)
    return endpoint.disabled_at is not None or not left.exists()


def _stream(number: int) -> int:
    sent, until = 0, time.monotonic() + TURN_SECONDS
    try:
        while time.monotonic() < until and deliver_next(number=number):
            sent += 1
    except Exception:  # one endpoint does not keep the worker from the others
        log.exception("audit_webhook.crashed", webhook=number)
    return sent


def deliver_next(*, number: int) -> bool:
    """Send an endpoint its next event; whether it took it."""
    claimed = _claim(number)
    if claimed is None:
        return False
    endpoint, event = claimed
    attempt = _send(endpoint, event)
    return _settle(endpoint, event, attempt)


@transaction.atomic
def _claim(number: int) -> tuple[AuditEndpoint, AuditEvent] | None:
    """The endpoint and what it gets next; whoever finds it locked or claimed leaves it to the other."""
    due = AuditEndpoint.objects.select_for_update(skip_locked=True, no_key=True, of=("self",)).due()
    endpoint = due.select_related("organization").filter(pk=number).first()
    if endpoint is None:
        return None
    after = audit_trail(endpoint.organization).filter(position__gt=endpoint.delivered_position)
    event = after.order_by("position").first()
    if event is None:
        return None
    endpoint.next_attempt_at = timezone.now() + CLAIM
    endpoint.save(update_fields=["next_attempt_at"])
    return endpoint, event


def _send(endpoint: AuditEndpoint, event: AuditEvent) -> Attempt:
    body = message(event)
    signed = webhooks.headers(endpoint.secrets, message_id(endpoint, event), timezone.now(), body)
    began = time.monotonic()
    try:
        status, error = deliver(endpoint.url, signed, body, seconds=ANSWER_SECONDS), ""
    except webhooks.DeliveryFailed as failure:
        status, error = None, str(failure)[:500]
    return Attempt(status, error, round((time.monotonic() - began) * 1000))


def message(event: AuditEvent) -> bytes:
    """The event as a receiver gets it: ``type``, ``timestamp`` and ``data`` as Standard Webhooks has them."""
    data = event_as_json(event)
    return json.dumps({"type": event.action, "timestamp": data["at"], "data": data}, ensure_ascii=False).encode()


def message_id(endpoint: AuditEndpoint, event: AuditEvent) -> str:
    """The same whenever the event is sent again, so that a receiver can tell. The hash makes it that event alone."""
    assert event.hash is not None
    return f"evt_{endpoint.pk}_{event.position}_{bytes(event.hash).hex()[:16]}"


@transaction.atomic
def _settle(endpoint: AuditEndpoint, event: AuditEvent, attempt: Attempt) -> bool:
    """Write down what happened, unless the endpoint was deleted meanwhile."""
    locked = AuditEndpoint.objects.select_for_update(no_key=True, of=("self",)).select_related("organization")
    current = locked.filter(pk=endpoint.pk).first()
    if current is None:
        return False
    assert event.position is not None
    AuditDelivery.objects.create(
        endpoint=current,
        position=event.position,
        status=attempt.status,
        error=attempt.error,
        milliseconds=attempt.milliseconds,
    )
    if attempt.status is None:
        _failed(current, attempt.error)
        return False
    _delivered(current, event.position)
    return True


def _delivered(endpoint: AuditEndpoint, position: int) -> None:
    endpoint.delivered_position = max(endpoint.delivered_position, position)
    endpoint.failing_since, endpoint.last_error, endpoint.next_attempt_at = None, "", timezone.now()
    endpoint.save(update_fields=["delivered_position", "failing_since", "last_error", "next_attempt_at"])


def _failed(endpoint: AuditEndpoint, error: str) -> None:
    now = timezone.now()
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.last_error = error
    failing_for = now - endpoint.failing_since
    endpoint.next_attempt_at = now + retry_delay(failing_for, _dice.random())
    log.warning("audit_webhook.failed", webhook=endpoint.pk, host=host_of(endpoint), error=error)
    if failing_for >= GIVE_UP_AFTER and endpoint.disabled_at is None:
        _give_up(endpoint)
    endpoint.save(update_fields=["failing_since", "last_error", "next_attempt_at", "disabled_at"])


def _give_up(endpoint: AuditEndpoint) -> None:
    """Its owners are told: from now on they miss something."""
    endpoint.disabled_at = timezone.now()
    organization = endpoint.organization
    facts = {"host": host_of(endpoint), "error": endpoint.last_error}
    audit.record(Actor.worker(), "audit_webhook.disabled", str(endpoint), organization=organization.name, after=facts)
    for owner in organization.memberships.filter(role=Role.OWNER, user__is_active=True).select_related("user"):
        context = {**facts, "organization": organization, "since": endpoint.failing_since}
        queue_mail(to=owner.user.email, template="audit_webhook_disabled", context=context)


def prune_deliveries(*, older_than: timedelta = timedelta(days=30)) -> int:
    """Forget attempts that nobody will ask about any more."""
    deleted, _ = AuditDelivery.objects.filter(at__lt=timezone.now() - older_than).delete()
    return deleted
