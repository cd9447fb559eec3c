"""Writes to Stripe as rows: written in the transaction of what they are about, made after it by a worker.

The calls of an organization are made in the order in which they were wanted, one at a time: what is tried again keeps
those behind it waiting. The key of a call is its idempotency key, so that a worker that dies between Stripe's answer
and our commit makes nothing twice. Stripe remembers keys for a day: later, what must not be done twice is looked for at
Stripe before it is made again, and waits for staff where Stripe can't tell.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.gateway.deadline import not_after
from billing.gateway.errors import Declined, Refused
from billing.models import Call
from billing.services import leases, outages
from billing.services.alerts import raise_alert
from billing.services.calls import LOOKING, MAKERS, ONCE, CantBeMade, Maker, NotYet, Result, begun, is_forgotten
from billing.services.locks import Lock, lock
from billing.services.looks import look_at
from billing.vocabulary import CallKind, JobState
from freehold.backoff import GIVE_UP_AFTER
from freehold.celery import app as celery
from freehold.errors import DomainError
from orgs.models import Organization

MAKE_TASK = "billing.make_calls"
RUN_SECONDS = 20.0
TRIED_OFTEN = 5

log = structlog.get_logger(__name__)


class AlreadyWaiting(DomainError):
    code = "already-waiting"


@transaction.atomic
def enqueue(
    *, kind: CallKind, organization: Organization, topic: str = "", arguments: dict[str, Any] | None = None
) -> Call:
    """Have it made, in the caller's transaction; the call that waits now.

    Of a kind that says what is to be, what waits already is replaced, also while a worker has it in hand: then it is
    made once more. Of a kind in ``ONCE``, the same again is the one that waits, and another raises ``AlreadyWaiting``.
    """
    wanted = arguments or {}
    lock(Lock.CALL, f"{organization.pk} {kind} {topic}")
    waiting = Call.objects.select_for_update(no_key=True, of=("self",)).filter(state=JobState.PENDING)
    call = waiting.filter(kind=kind, organization=organization, topic=topic).first()
    transaction.on_commit(_wake_the_worker, robust=True)
    if call is None:
        return Call.objects.create(kind=kind, organization=organization, topic=topic, arguments=wanted)
    return _join(call, wanted)


def _join(call: Call, wanted: dict[str, Any]) -> Call:
    if call.kind in ONCE:
        if call.arguments != wanted:
            raise AlreadyWaiting(_("Another of these is still waiting for Stripe. Try again in a minute."))
        return call
    if call.attempts or call.arguments != wanted:
        call.key, call.arguments, call.due_at = uuid.uuid4(), wanted, timezone.now()
        call.attempts, call.result = 0, {}
        call.save(update_fields=["key", "arguments", "due_at", "attempts", "result"])
    return call


def _wake_the_worker() -> None:
    """Should the broker not answer, the clock starts the task in seconds."""
    celery.send_task(MAKE_TASK, retry=False, expires=60, ignore_result=True)


def make_calls(*, seconds: float = RUN_SECONDS) -> int:
    """Make what is due, for so long; how many calls were made."""
    until, made = time.monotonic() + seconds, 0
    while time.monotonic() < until and (call := _claim()) is not None:
        made += _make(call)
    if made:
        outages.note_recovery()
    return made


@transaction.atomic
def _claim() -> Call | None:
    """The next one, in our hand now: the oldest of its organization, so that none overtakes another."""
    lock(Lock.CALL)
    now = timezone.now()
    older = Call.objects.filter(organization=OuterRef("organization"), state=JobState.PENDING, pk__lt=OuterRef("pk"))
    due = Call.objects.filter(leases.is_free(now), ~Exists(older), due_at__lte=now)
    rows = due.select_for_update(no_key=True, of=("self",), skip_locked=True).select_related("organization")
    call = rows.order_by("due_at", "pk").first()
    if call is not None:
        call.result = call.result or {"begun": now.isoformat()}
        call.save(update_fields=["result"])
        leases.take(call, now)
    return call


def _make(call: Call) -> bool:
    """Whether it was made."""
    assert call.leased_until is not None, "it was claimed"
    try:
        with not_after(call.leased_until - leases.ONE_WRITE):
            result = _maker_of(call)(call)
    except NotYet as reason:
        return _again(call, str(reason))
    except CantBeMade as reason:
        return _end(call, JobState.IGNORED, error=str(reason))
    except (Refused, Declined) as error:
        return _give_up(call, error)
    except Exception as error:  # one call does not keep the worker from the others
        return _failed(call, error)
    if _end(call, JobState.DONE, result=result):
        _look_at(result)
        return True
    return False


def _maker_of(call: Call) -> Maker:
    """The function that makes it. Stripe forgets keys: what it may have done a day ago, it would do again."""
    if call.kind in ONCE - LOOKING and is_forgotten(call):
        raise Refused(_("It was begun a day ago, and may have been done: look at Stripe before doing it by hand."))
    if call.kind not in MAKERS:
        raise LookupError(f"nobody makes calls of the kind {call.kind}")
    return MAKERS[call.kind]


@transaction.atomic
def _end(call: Call, state: JobState, error: str = "", result: Result | None = None) -> bool:
    """Unless it was wanted anew meanwhile, with another key: then it is made once more."""
    row = leases.taken(Call.objects.all(), call)
    if row is None:
        return False
    if row.key != call.key:
        row.leased_until = None
        row.save(update_fields=["leased_until"])
        return state == JobState.DONE
    row.result = dict(result or {})
    leases.end(row, state, error)
    return True


def _give_up(call: Call, error: Exception) -> bool:
    """Made again it would be refused again, or it has failed for days."""
    text = leases.said(error)
    log.error("billing.call_given_up", call=call.pk, kind=call.kind, error=text)
    with transaction.atomic():
        if _end(call, JobState.DEAD, error=text):
            what = _("“%(what)s” for %(name)s was given up: %(error)s") % _facts(call, error)
            raise_alert(f"call:{call.key}", what, call.organization)
    return False


def _failed(call: Call, error: Exception) -> bool:
    text = leases.said(error)
    if outages.is_outage(error):
        log.warning("billing.call_waits", call=call.pk, kind=call.kind, error=text)
        outages.note_outage(error, begun(call))
    else:
        log.error("billing.call_failed", call=call.pk, kind=call.kind, error=text, exc_info=error)
        if timezone.now() - begun(call) >= GIVE_UP_AFTER:
            return _give_up(call, error)
        if call.attempts >= TRIED_OFTEN:
            raise_alert(f"call:{call.key}", _("“%(what)s” for %(name)s fails: %(error)s") % _facts(call, error))
    return _again(call, text)


def _facts(call: Call, error: Exception) -> dict[str, object]:
    return {"what": call.get_kind_display(), "name": call.organization.name, "error": error}


@transaction.atomic
def _again(call: Call, error: str) -> bool:
    row = leases.taken(Call.objects.all(), call)
    if row is not None and row.key != call.key:
        row.leased_until = None
        row.save(update_fields=["leased_until"])
    elif row is not None:
        leases.put_off(row, error, begun(row))
    return False


def _look_at(result: Result) -> None:
    """At once, for a page that waits. Should it fail, the event that Stripe sends about it does the same."""
    if not (subscription := result.get("subscription")):
        return
    try:
        look_at("subscription", subscription)
    except Exception:
        log.exception("billing.sync_failed", subscription=subscription)
