"""What waits and must not wait for ever: grants that are held until they are paid for, and cases in which somebody was
asked something. Both end by time, after the people concerned were told that they will.

Sweeps take ids first, then lock one, judge it anew and commit. A sweep that did not run for days costs nobody their
notice: what would be over ends only so long after the last reminder as the reminder promised.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Mail
from accounts.preferences import mail_people
from accounts.topics import Topic
from freehold.errors import DomainError, NotPermitted
from namespaces.cases import CaseAction, CaseKind, CaseState, EntryKind, Party
from namespaces.hooks import awaits_payment, on_dropped
from namespaces.models import Case, Grant
from namespaces.services.case_notices import concerned, letter, pay_url
from namespaces.services.casework import enter, locked, move, target
from namespaces.services.lifecycle import activate_namespace, discard_held
from namespaces.services.locks import lock_names, lock_organizations, lock_tree
from namespaces.states import GrantState
from orgs import audit
from orgs.actors import Actor
from orgs.models import Organization
from orgs.services.notices import people, site_url
from orgs.vocabulary import Role, State

logger = logging.getLogger(__name__)

HELD_REMINDERS = (timedelta(days=14), timedelta(days=3))
ANSWER_REMINDERS = (timedelta(days=14),)
"""How long before the end people are told of it. One that would come at the very beginning is left out."""

BATCH = 1000


def activate_held(actor: Actor, organization: Organization) -> None:
    """What was held for the organization is its own from now on, as far as it is paid for, what waited longest first.

    For ``orgs.hooks.on_activated``, under its lock.
    """
    rows = Grant.objects.filter(owner=organization, state=GrantState.HELD, root__isnull=True)
    held = list(rows.order_by("created_at", "name"))
    if not organization.may_hold or not held:
        return
    lock_names(*(grant.name for grant in held))
    for grant in held:
        if awaits_payment(organization):
            return
        # One that came to stand under another in the meantime is active with it.
        if rows.filter(pk=grant.pk).exists():
            activate_namespace(actor=actor, grant=grant)


# --- Held, and not paid for -------------------------------------------------------------------------------------------


@transaction.atomic
def remind_of_held(*, actor: Actor, grant: Grant) -> bool:
    """Tell the owners that what is held for them ends soon, if it is time to; whether they were told."""
    _demand_job(actor)
    grant = lock_tree(grant)[0][0]
    notice = _due_notice(held_until(grant), settings.FREEHOLD_HELD, HELD_REMINDERS)
    owners = people(grant.owner, role=Role.OWNER)
    if not _is_held(grant) or notice is None or not owners or _told_at(_key(grant), notice):
        return False
    context = {"grant": grant, "organization": grant.owner, "until": held_until(grant), "days": notice.days}
    urls = {"url": site_url("organization-overview", grant.owner.name), "pay_url": pay_url(grant.owner)}
    _mail("case_held_reminder", owners, f"{_key(grant)}:{notice.days}", {**context, **urls})
    _record(actor, f"namespace {grant.name}", grant.owner, held_until(grant))
    return True


@transaction.atomic
def expire_held(*, actor: Actor, grant: Grant) -> bool:
    """End what was held for a payment that did not come, and the claim that it was granted for; whether it ended."""
    _demand_job(actor)
    claim = Case.objects.filter(grant=grant, kind=CaseKind.CLAIM, state=CaseState.APPROVED).first()
    case = locked(claim) if claim else None
    grant = lock_tree(grant)[0][0]
    told = people(grant.owner, role=Role.OWNER)
    if not _is_held(grant) or not _is_over(held_until(grant), _key(grant), HELD_REMINDERS, is_anybody_told=bool(told)):
        return False
    discard_held(actor=actor, grant=grant, reason="It was not paid for in time.")
    if case is not None and case.state == CaseState.APPROVED:
        move(case, CaseAction.EXPIRE)
        enter(actor, case, EntryKind.EXPIRED, Party.MACHINE)
    return True


def held_until(grant: Grant) -> datetime:
    """Until when it is held, if nothing comes between."""
    return grant.state_changed_at + settings.FREEHOLD_HELD


def _is_held(grant: Grant) -> bool:
    return grant.state == GrantState.HELD and grant.is_root


def _key(grant: Grant) -> str:
    return f"held:{grant.pk}"


def sweep_held() -> int:
    """Activate what there is room for by now, remind of all that ends soon, and end what is over; how many ended."""
    waiting = Grant.objects.filter(state=GrantState.HELD, root__isnull=True, owner__state=State.ACTIVE)
    owners = list(waiting.order_by("owner").values_list("owner", flat=True).distinct()[:BATCH])
    _sweep(Organization.objects.filter(pk__in=owners).order_by("pk"), _activate_with_room)
    soon = timezone.now() - settings.FREEHOLD_HELD + max(HELD_REMINDERS)
    held = Grant.objects.filter(state=GrantState.HELD, root__isnull=True, state_changed_at__lte=soon)
    return _sweep(held.order_by("state_changed_at")[:BATCH], _follow_held)


@transaction.atomic
def _activate_with_room(organization: Organization) -> bool:
    """A payment activates at once; this is for room that came without one, such as by giving up another namespace."""
    activate_held(Actor.worker(), lock_organizations(organization.pk)[organization.pk])
    return True


def _follow_held(grant: Grant) -> bool:
    remind_of_held(actor=Actor.worker(), grant=grant)
    return expire_held(actor=Actor.worker(), grant=grant)


# --- Asked, and not answered ------------------------------------------------------------------------------------------


@transaction.atomic
def remind_of_unanswered(*, actor: Actor, case: Case) -> bool:
    """Tell who was asked that their case ends soon without an answer, if it is time to; whether they were told."""
    _demand_job(actor)
    case = locked(case)
    asked = _asked(case)
    if not _is_unanswered(case) or not asked:
        return False
    notice = _due_notice(answer_until(case), settings.FREEHOLD_ANSWER, ANSWER_REMINDERS)
    if notice is None or _told_at(_asked_key(case), notice):
        return False
    context = letter(case, Party.APPLICANT) | {"until": answer_until(case), "days": notice.days}
    _mail("case_unanswered_reminder", asked, f"{_asked_key(case)}:{notice.days}", context)
    _record(actor, target(case), None if case.kind == CaseKind.DISPUTE else case.organization, answer_until(case))
    return True


@transaction.atomic
def expire_unanswered(*, actor: Actor, case: Case) -> bool:
    """End a case in which nobody answered; whether it ended. Whom a dispute is about ends nothing by silence: that one
    goes on without an answer (``namespaces.services.disputes.go_on``)."""
    _demand_job(actor)
    case = locked(case)
    if not _is_unanswered(case):
        return False
    if not _is_over(answer_until(case), _asked_key(case), ANSWER_REMINDERS, is_anybody_told=bool(_asked(case))):
        return False
    move(case, CaseAction.EXPIRE)
    for dropped in on_dropped:
        dropped(actor, case)
    enter(actor, case, EntryKind.EXPIRED, Party.MACHINE)
    return True


def answer_until(case: Case) -> datetime:
    """Until when an answer is waited for; the case is asked something."""
    assert case.asked_at is not None, "the constraint case_asked_somebody"
    return case.asked_at + settings.FREEHOLD_ANSWER


def _is_unanswered(case: Case) -> bool:
    return case.state == CaseState.ASKED and case.asked == Party.APPLICANT


def _asked(case: Case) -> list[Any]:
    return [user for party, users in concerned(case) if party == case.asked for user in users]


def _asked_key(case: Case) -> str:
    """Another for each time that somebody is asked."""
    assert case.asked_at is not None, "the constraint case_asked_somebody"
    return f"unanswered:{case.pk}:{case.asked_at:%Y%m%d%H%M%S%f}"


def sweep_unanswered() -> int:
    """Remind of all that ends soon without an answer, and end what is over; how many ended."""
    soon = timezone.now() - settings.FREEHOLD_ANSWER + max(ANSWER_REMINDERS)
    asked = Case.objects.filter(state=CaseState.ASKED, asked=Party.APPLICANT, asked_at__lte=soon)
    return _sweep(asked.order_by("asked_at")[:BATCH], _follow_unanswered)


def _follow_unanswered(case: Case) -> bool:
    remind_of_unanswered(actor=Actor.worker(), case=case)
    return expire_unanswered(actor=Actor.worker(), case=case)


# --- What both have in common -----------------------------------------------------------------------------------------


def _demand_job(actor: Actor) -> None:
    if not actor.is_operator:
        raise NotPermitted("This ends by time, not by people.")


def _due_notice(until: datetime, whole: timedelta, reminders: Iterable[timedelta]) -> timedelta | None:
    """The latest reminder whose time has come."""
    now = timezone.now()
    return min((notice for notice in reminders if notice < whole and now >= until - notice), default=None)


def _told_at(key: str, notice: timedelta) -> datetime | None:
    """When people were told for this reminder. The outbox keeps the keys of all that it ever took."""
    mails = Mail.objects.filter(key__startswith=f"{key}:{notice.days}:").order_by("created_at")
    return mails.values_list("created_at", flat=True).first()


def _is_over(until: datetime, key: str, reminders: Iterable[timedelta], *, is_anybody_told: bool) -> bool:
    last, now = min(reminders), timezone.now()
    if now < until or not is_anybody_told:
        return now >= until
    told_at = _told_at(key, last)
    return told_at is not None and now >= told_at + last


def _mail(template: str, users: Iterable[Any], key: str, context: dict[str, Any]) -> None:
    mail_people(users, topic=Topic.QUESTIONS, template=template, context=context, key=key)


def _record(actor: Actor, about: str, organization: Organization | None, until: datetime) -> None:
    trail = organization.name if organization else ""
    audit.record(actor, "case.reminded", about, organization=trail, after={"until": until.isoformat()})


def _sweep(rows: Iterable[Any], follow: Callable[[Any], bool]) -> int:
    """One that fails is logged, and keeps none of the others from their turn."""
    done = 0
    for row in list(rows):
        try:
            done += follow(row)
        except DomainError as refusal:
            logger.warning("What was due for %r was not done: %s", row, refusal)
        except Exception:
            logger.exception("What was due for %r could not be done", row)
    return done
