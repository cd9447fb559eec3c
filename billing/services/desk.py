"""What staff does about what machines could not settle: to look into it and say so, or to have it done once more."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.models import Alert, Call, Drift
from billing.services import leases
from billing.services.alerts import withdraw_alert
from billing.services.calls import KEY_REMEMBERED, LOOKING, MARKED, ONCE
from billing.services.locks import Lock, lock
from billing.vocabulary import CallKind, JobState
from freehold.errors import DomainError, Invalid, NotPermitted
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict

NOTE_LENGTH = 500
_WISHES = frozenset({CallKind.CANCEL, CallKind.RESUME})
"""Each undoes the other."""


class AlreadySettled(DomainError):
    code = "already-settled"


class NotToBeMade(DomainError):
    code = "not-to-be-made"


# --- Looked into ------------------------------------------------------------------------------------------------------


@transaction.atomic
def settle_alert(*, actor: Actor, alert: Alert, note: str) -> Alert:
    """Say that somebody looked into it, and what it was. Should the same be noticed again, it is a new alert."""
    note = _noted(actor, note)
    locked = Alert.objects.select_for_update(no_key=True, of=("self",)).select_related("organization").get(pk=alert.pk)
    if locked.settled_at is not None:
        raise AlreadySettled(_("Somebody has looked into this already, or it is over."))
    locked.settled_at = timezone.now()
    locked.save(update_fields=["settled_at"])
    whose = locked.organization.name if locked.organization else ""
    after = {"note": note, "text": locked.text}
    audit.record(actor, "alert.settled", f"alert {locked.key}", organization=whose, after=after)
    return locked


@transaction.atomic
def settle_drift(*, actor: Actor, drift: Drift, note: str) -> Drift:
    """Say that somebody looked into what a comparison left open, and what came of it."""
    note = _noted(actor, note)
    locked = Drift.objects.select_for_update(no_key=True, of=("self",)).select_related("organization").get(pk=drift.pk)
    if locked.repaired or locked.settled_at is not None:
        raise AlreadySettled(_("Nothing is left to be looked into here."))
    locked.settled_at = timezone.now()
    locked.save(update_fields=["settled_at"])
    whose = locked.organization.name if locked.organization else ""
    after = {"note": note, "ours": locked.ours, "theirs": locked.theirs}
    audit.record(actor, "drift.settled", f"drift {locked}"[:300], organization=whose, after=after)
    return locked


def _noted(actor: Actor, note: str) -> str:
    if not actor.is_operator or actor.is_machine:
        raise NotPermitted(_("Only people of the staff settle what machines could not."))
    return _text(note, _("Say what you found, in at most %(most)d printable characters."))


def _text(typed: str, refusal: str) -> str:
    text = " ".join(typed.split())
    if not text or len(text) > NOTE_LENGTH or not text.isprintable():
        raise Invalid(refusal % {"most": NOTE_LENGTH})
    return text


# --- Calls ------------------------------------------------------------------------------------------------------------


def can_retry(call: Call) -> Verdict:
    """Whether a call that was given up may be made after all: not if it could do it twice, or undo what came later."""
    if call.state != JobState.DEAD:
        return Verdict(False, _("Only what was given up can be tried again."))
    kinds = _WISHES if call.kind in _WISHES else {call.kind}
    later = Call.objects.filter(organization=call.organization_id, kind__in=kinds, topic=call.topic, pk__gt=call.pk)
    if later.exclude(state=JobState.IGNORED).exists():
        return Verdict(False, _("A later one has taken its place."))
    if call.kind in ONCE - LOOKING and not _is_remembered(call):
        return Verdict(False, _("It may have been done already, and Stripe has forgotten its key: look there."))
    return ALLOWED


def _is_remembered(call: Call) -> bool:
    """Whether Stripe still knows the key, so that made again it is not done again."""
    return timezone.now() - call.created_at < KEY_REMEMBERED


@transaction.atomic
def retry_call(*, actor: Actor, call: Call) -> Call:
    """Have it made once more. What must not be done twice, and is found by no mark, keeps its key; anything else gets a
    new one, for under the old one Stripe would only say again what it said."""
    _demand_admin(actor)
    locked = _locked(call)
    if not (verdict := can_retry(locked)):
        raise NotToBeMade(verdict.reason)
    withdraw_alert(f"call:{locked.key}")
    if locked.kind in ONCE - MARKED:
        locked.result = {"begun": locked.created_at.isoformat()}
    else:
        locked.key, locked.attempts, locked.result = uuid.uuid4(), 0, {}
    before, error = locked.state, locked.error
    locked.state, locked.error, locked.ended_at = JobState.PENDING, "", None
    locked.due_at, locked.leased_until = timezone.now(), None
    locked.save()
    _record(actor, "call.retried", locked, {"state": before, "error": error}, {"state": locked.state})
    return locked


def can_give_up(call: Call) -> Verdict:
    if call.state != JobState.PENDING:
        return Verdict(False, _("It waits no more."))
    if call.leased_until is not None and call.leased_until > timezone.now():
        return Verdict(False, _("A worker is making it at this moment. Look again in some minutes."))
    return ALLOWED


@transaction.atomic
def give_up_call(*, actor: Actor, call: Call, reason: str) -> Call:
    """Don't make it: what is behind it goes on. Whether an attempt of it has come through, a look at Stripe shows."""
    _demand_admin(actor)
    reason = _text(reason, _("Say why, in at most %(most)d printable characters."))
    locked = _locked(call)
    if not (verdict := can_give_up(locked)):
        raise NotToBeMade(verdict.reason)
    before = locked.error
    leases.end(locked, JobState.DEAD, _("Given up by staff: %(reason)s") % {"reason": reason})
    withdraw_alert(f"call:{locked.key}")
    _record(
        actor,
        "call.given_up",
        locked,
        {"state": JobState.PENDING.value, "error": before},
        {"state": locked.state, "reason": reason},
    )
    return locked


def _locked(call: Call) -> Call:
    """Under the lock under which others of its kind and topic are written."""
    lock(Lock.CALL, f"{call.organization_id} {call.kind} {call.topic}")
    rows = Call.objects.select_for_update(no_key=True, of=("self",)).select_related("organization")
    return rows.get(pk=call.pk)


def _demand_admin(actor: Actor) -> None:
    """Whoever runs Freehold: from the command line, or by a page as one of its admins."""
    is_admin = actor.user is None or actor.user.is_superuser
    if not actor.is_operator or actor.is_machine or not is_admin:
        raise NotPermitted(_("Only those who run Freehold decide which calls to Stripe are made."))


def _record(actor: Actor, action: str, call: Call, before: dict[str, str], after: dict[str, str]) -> None:
    target = f"{CallKind(call.kind).value} {call.topic}".strip()
    audit.record(actor, action, f"call {target}", organization=call.organization.name, before=before, after=after)
