"""Telling caches what to purge: every change, in order, at least once (``docs/cdn.md``).

A message is a function of the changes it covers. So after a crash between sending and committing the same message
goes out again, under the same id, and nothing is lost.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction
from django.utils import timezone

from freehold import webhooks
from freehold.backoff import GIVE_UP_AFTER, retry_delay
from namespaces.feed import current_revision
from namespaces.models import Change, PurgeEndpoint
from namespaces.purging import purged
from namespaces.services.purge_endpoints import host_of
from orgs import audit
from orgs.actors import Actor

CHANGES_AT_ONCE = 1000
MESSAGES_AT_ONCE = 50

log = structlog.get_logger(__name__)
_dice = secrets.SystemRandom()


@dataclass(frozen=True)
class Message:
    """What is sent about the changes up to ``revision``."""

    id: str
    revision: int
    body: bytes


def deliver_all() -> int:
    """Send all that is due to every endpoint; the number of messages that were taken."""
    behind = PurgeEndpoint.objects.due().filter(delivered_revision__lt=current_revision())
    return sum(_drained(number) for number in behind.order_by("next_attempt_at").values_list("pk", flat=True))


def _drained(number: int) -> int:
    """A bounded number, so that no endpoint keeps the worker from the others; nor does one on which we fail."""
    try:
        return next((sent for sent in range(MESSAGES_AT_ONCE) if not deliver_next(number=number)), MESSAGES_AT_ONCE)
    except Exception:
        log.exception("purge.crashed", webhook=number)
        return 0


@transaction.atomic
def deliver_next(*, number: int) -> bool:
    """Send an endpoint the next message; whether it took it. The row is locked meanwhile, and whoever finds it locked
    leaves it to the other."""
    due = PurgeEndpoint.objects.select_for_update(skip_locked=True, no_key=True).due()
    endpoint = due.filter(pk=number).first()
    message = None if endpoint is None else _next_message(endpoint)
    if endpoint is None or message is None:
        return False
    try:
        _send(endpoint, message)
    except webhooks.DeliveryFailed as error:
        _failed(endpoint, str(error))
        return False
    _delivered(endpoint, message)
    return True


def _next_message(endpoint: PurgeEndpoint) -> Message | None:
    after = endpoint.delivered_revision
    changes = list(Change.objects.filter(revision__gt=after).order_by("revision")[:CHANGES_AT_ONCE])
    if not changes:
        return None
    revision, at = changes[-1].revision, changes[-1].at
    assert revision is not None
    keys = purged((change.kind, change.name) for change in changes)
    payload = {"type": "purge", "timestamp": at.isoformat(), "data": {"revision": revision, "keys": keys}}
    return Message(_id(endpoint, revision, at), revision, json.dumps(payload, separators=(",", ":")).encode())


def _id(endpoint: PurgeEndpoint, revision: int, at: datetime) -> str:
    """With the time: restored from a backup, the database gives a revision to something else."""
    covered = f"{endpoint.pk}:{endpoint.delivered_revision}:{revision}:{at.isoformat()}"
    return "msg_" + hashlib.sha256(covered.encode()).hexdigest()[:32]


def _send(endpoint: PurgeEndpoint, message: Message) -> None:
    signed = webhooks.headers(endpoint.secrets, message.id, timezone.now(), message.body)
    webhooks.post(endpoint.url, signed, message.body)


def _delivered(endpoint: PurgeEndpoint, message: Message) -> None:
    endpoint.delivered_revision = message.revision
    endpoint.failing_since, endpoint.last_error = None, ""
    endpoint.save(update_fields=["delivered_revision", "failing_since", "last_error"])


def _failed(endpoint: PurgeEndpoint, error: str) -> None:
    now = timezone.now()
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.last_error = error[:500]
    failing_for = now - endpoint.failing_since
    endpoint.next_attempt_at = now + retry_delay(failing_for, _dice.random())
    log.warning("purge.failed", webhook=endpoint.pk, host=host_of(endpoint), error=endpoint.last_error)
    if failing_for >= GIVE_UP_AFTER:
        _give_up(endpoint, now)
    endpoint.save(update_fields=["failing_since", "last_error", "next_attempt_at", "disabled_at"])


def _give_up(endpoint: PurgeEndpoint, now: datetime) -> None:
    endpoint.disabled_at = now
    audit.record(Actor.worker(), "purge_webhook.disabled", str(endpoint), after={"error": endpoint.last_error})
    log.error("purge.disabled", webhook=endpoint.pk, host=host_of(endpoint), error=endpoint.last_error)
