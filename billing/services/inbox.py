"""Events of Stripe's: stored once, answered at once, and settled after that by a look at what they are about.

Of an event nothing is believed but the id of an object. So it does not matter in which order events come, how often,
in which version of the API they are written, or how old they are: the look finds the state of now. All events of an
object that wait are settled by one look, and no two workers look at an object at a time.
"""

from __future__ import annotations

import time

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.gateway import event_types, received
from billing.gateway.errors import NotThere
from billing.gateway.objects import EventObject
from billing.gateway.signatures import BadSignature, verify
from billing.models import Customer, Event, Installation
from billing.services import leases, outages, syncing
from billing.services.alerts import raise_alert
from billing.services.locks import Lock, lock
from billing.vocabulary import JobState
from freehold.backoff import GIVE_UP_AFTER
from freehold.celery import app as celery
from freehold.errors import DomainError, Invalid, NotPermitted
from freehold.parsers import InvalidJSON, loads
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict

SETTLE_TASK = "billing.settle_events"
RUN_SECONDS = 20.0
TRIED_OFTEN = 5
_ID_LENGTH, _WORD_LENGTH = 100, 60
_OTHER_MODE, _OTHER_ACCOUNT = "event-livemode", "event-account"
_IGNORED = {_OTHER_MODE, _OTHER_ACCOUNT}

log = structlog.get_logger(__name__)


class BadMessage(Invalid):
    code = "bad-message"


class NotReplayable(DomainError):
    code = "not-replayable"


# --- Taking in --------------------------------------------------------------------------------------------------------


def receive(*, body: bytes, signature: str) -> bool:
    """Store what came to the address for webhooks; whether it is new. Raises ``BadMessage`` for what is not Stripe's,
    or no event."""
    try:
        verify(body, signature, settings.FREEHOLD_STRIPE.secrets, timezone.now())
        event = received.read(received.storable(loads(body)))
    except (BadSignature, InvalidJSON) as error:
        raise BadMessage(str(error)) from error
    except received.WrongKind as error:
        text = _("An endpoint at Stripe sends thin events to the address for snapshots: %(error)s")
        raise_alert("event-kind", text % {"error": error})
        raise BadMessage(str(error)) from error
    except received.NotAnEvent as error:
        raise BadMessage(str(error)) from error
    return store(event)


def store(event: EventObject) -> bool:
    """Whether it is new. A second one with the same id waits for the first to be stored, and is none."""
    row, alert = _row_of(event)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            if alert:
                raise_alert(alert, f"{event.type}: {row.note}")
            if row.state == JobState.PENDING:
                transaction.on_commit(_wake_the_worker, robust=True)
    except IntegrityError:
        if not Event.objects.filter(stripe_id=event.id).exists():
            raise
        return False
    return True


def _row_of(event: EventObject) -> tuple[Event, str]:
    """The row, and the key of the alert that goes with it, if one does."""
    object_type, object_id = event_types.subject(event.type, event.raw["data"]["object"])
    note, alert = _oddity(event)
    is_for_us = bool(object_id) and alert not in _IGNORED
    row = Event(
        stripe_id=event.id,
        type=event.type,
        object_id=object_id or event.object,
        object_type=(object_type or event.object_type)[:_WORD_LENGTH],
        customer=event.customer,
        api_version=event.api_version[:_WORD_LENGTH],
        account=event.account[:_ID_LENGTH],
        livemode=event.livemode,
        created=event.created,
        payload=event.raw,
        state=JobState.PENDING if is_for_us else JobState.IGNORED,
        ended_at=None if is_for_us else timezone.now(),
        note=note or ("" if is_for_us else _("Nothing here depends on it.")),
        alert=bool(alert),
    )
    return row, alert


def _oddity(event: EventObject) -> tuple[str, str]:
    """What is wrong with it, in a sentence, and the key of the alert; two empty texts where nothing is."""
    if event.livemode != settings.FREEHOLD_STRIPE.livemode:
        return _("It is of the other mode: test data met real data."), _OTHER_MODE
    if event.account and event.account != _our_account():
        return _("It is of another account of Stripe’s."), _OTHER_ACCOUNT
    if not event_types.is_known(event.type):
        return _("Nobody here knows events of this type."), f"event-type:{event.type}"
    return "", ""


def _our_account() -> str:
    if settings.FREEHOLD_STRIPE.account:
        return settings.FREEHOLD_STRIPE.account
    return Installation.objects.values_list("account", flat=True).first() or ""


def _wake_the_worker() -> None:
    """Unless others wait, for then it has been woken. Should the broker not answer, the clock does it in seconds."""
    if Event.objects.filter(state=JobState.PENDING, due_at__lte=timezone.now())[1:2].exists():
        return
    celery.send_task(SETTLE_TASK, retry=False, expires=60, ignore_result=True)


# --- Settling ---------------------------------------------------------------------------------------------------------


def settle(*, seconds: float = RUN_SECONDS) -> int:
    """Settle what is due, oldest first, for so long; how many events were settled."""
    until, settled = time.monotonic() + seconds, 0
    while time.monotonic() < until and (group := _claim()):
        settled += _settle(group)
    if settled:
        outages.note_recovery()
    return settled


@transaction.atomic
def _claim() -> list[Event]:
    """All that waits about the object whose turn it is, in our hand now. One claims at a time, so that an object is in
    one hand."""
    lock(Lock.EVENT)
    now = timezone.now()
    of_same_object = Event.objects.filter(object_type=OuterRef("object_type"), object_id=OuterRef("object_id"))
    free = Event.objects.filter(leases.is_free(now))
    due = free.filter(~Exists(of_same_object.filter(leases.is_leased(now))), due_at__lte=now)
    first = due.order_by("due_at", "pk").first()
    if first is None:
        return []
    together = free.filter(object_type=first.object_type, object_id=first.object_id)
    leased_until = now + leases.LEASE
    together.update(leased_until=leased_until, attempts=F("attempts") + 1)
    ours = Event.objects.filter(object_type=first.object_type, object_id=first.object_id, leased_until=leased_until)
    return list(ours.filter(state=JobState.PENDING).order_by("pk").defer("payload"))


def _settle(group: list[Event]) -> int:
    """One look for all of them; how many are done with."""
    event = group[0]
    try:
        found = syncing.sync_object(event.object_type, event.object_id)
    except NotThere:
        return _end(group, JobState.IGNORED, note=_("Stripe has no such object any more."))
    except Exception as error:  # one object does not keep the worker from the others
        return _failed(group, error)
    if found is None:
        return _end(group, JobState.IGNORED, note=_("It is not about anything of ours."))
    return _end(group, JobState.DONE)


def _ours(group: list[Event]) -> QuerySet[Event]:
    """Those of them that are still in our hand."""
    pks = [event.pk for event in group]
    return Event.objects.filter(pk__in=pks, state=JobState.PENDING, leased_until=group[0].leased_until)


def _end(group: list[Event], state: JobState, note: str = "") -> int:
    """A note that an event has already, it keeps."""
    kept = Case(When(note="", then=Value(note)), default=F("note"))
    return _ours(group).update(state=state, note=kept, error="", leased_until=None, ended_at=timezone.now())


def _failed(group: list[Event], error: Exception) -> int:
    """Put it off, or give it up; 0. An outage at Stripe is never a reason to give up."""
    event, text = group[0], leases.said(error)
    since = min(one.received_at for one in group)
    if outages.is_outage(error):
        log.warning("billing.event_waits", stripe_id=event.stripe_id, error=text)
        outages.note_outage(error, since)
    else:
        log.error("billing.event_failed", stripe_id=event.stripe_id, error=text, exc_info=error)
        if max(one.attempts for one in group) >= TRIED_OFTEN:
            about = {"type": event.object_type, "id": event.object_id, "error": text}
            raise_alert(f"event-fails:{event.object_id}", _("Looking at %(type)s %(id)s fails: %(error)s") % about)
        if timezone.now() - since >= GIVE_UP_AFTER:
            _ours(group).update(state=JobState.DEAD, error=text, leased_until=None, ended_at=timezone.now(), alert=True)
            return 0
    _ours(group).update(error=text, leased_until=None, due_at=leases.next_try(since))
    return 0


# --- Again ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def replay(*, actor: Actor, event: Event) -> None:
    """Look once more at what the event is about, whatever became of it before. It can do no harm: the look finds the
    state of now."""
    if not actor.is_operator:
        raise NotPermitted(_("Only staff may have an event settled again."))
    locked = Event.objects.select_for_update(no_key=True).get(pk=event.pk)
    verdict = can_replay(locked)
    if not verdict:
        raise NotReplayable(verdict.reason)
    before = {"state": locked.state}
    locked.state, locked.due_at, locked.ended_at = JobState.PENDING, timezone.now(), None
    locked.leased_until, locked.error, locked.alert, locked.attempts = None, "", False, 0
    locked.received_at = timezone.now()
    locked.save()
    whose = Customer.objects.filter(stripe_id=locked.customer).values_list("organization__name", flat=True).first()
    after = {"state": locked.state}
    audit.record(actor, "event.replayed", str(locked), organization=whose or "", before=before, after=after)
    transaction.on_commit(_wake_the_worker, robust=True)


def can_replay(event: Event) -> Verdict:
    """Whether there is something to look at: not for what is of another account, and not for what waits anyway."""
    if event.state == JobState.PENDING:
        return Verdict(False, _("The event is waiting for its turn."))
    if event.livemode != settings.FREEHOLD_STRIPE.livemode or (event.account and event.account != _our_account()):
        return Verdict(False, _("The event is not of our account, or of the other mode."))
    if event.object_type not in event_types.FETCHED:
        return Verdict(False, _("Nothing here depends on what the event is about."))
    return ALLOWED
