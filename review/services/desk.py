"""Who has which case in hand, what reviewers note among themselves, and who keeps out of it (DESIGN section 8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from freehold.errors import Invalid, NotPermitted
from namespaces.errors import NotNow
from namespaces.models import Case
from namespaces.services import casework
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict
from review.models import REASON_LENGTH, Assignment, Conflict, Note
from review.options import DeskAction, Situation, option
from review.situations import situation_of, takeable

# --- Who may do what now ----------------------------------------------------------------------------------------------


def can(action: DeskAction, case: Case, actor: Actor) -> Verdict:
    """Whether the actor may do this at the desk now, with the reason when not."""
    if not (verdict := is_reviewer(actor)) or actor.user is None:
        return verdict
    found = option(action, situation_of(case, actor.user))
    return ALLOWED if found else Verdict(False, found.reason)


def is_reviewer(actor: Actor) -> Verdict:
    """Cases are decided by people of the staff: a command or a job has no hands to have one in."""
    if actor.is_operator and actor.user is not None:
        return ALLOWED
    return Verdict(False, f"{actor.label} is no reviewer: the desk is for people of the staff.")


def reviewer_of(actor: Actor) -> User:
    """Who acts; raises ``NotPermitted`` for anybody but a reviewer."""
    if not (verdict := is_reviewer(actor)) or actor.user is None:
        raise NotPermitted(verdict.reason)
    return actor.user


def demand(action: DeskAction, case: Case, reviewer: User) -> Situation:
    """Raise ``NotPermitted`` for who has an interest in the case, and ``NotNow`` where it does not fit; the caller
    holds the lock of the case."""
    situation = situation_of(case, reviewer)
    found = option(action, situation)
    if not found:
        raise (NotPermitted if found.is_barred else NotNow)(found.reason)
    return situation


# --- In whose hands it is ---------------------------------------------------------------------------------------------


@transaction.atomic
def take_case(*, actor: Actor, case: Case) -> Assignment:
    """Take a case in hand, so that nobody else decides it meanwhile; what somebody let lie too long moves."""
    reviewer = reviewer_of(actor)
    case = lock(case)
    demand(DeskAction.TAKE, case, reviewer)
    return _hand_over(actor, case, reviewer)


@transaction.atomic
def take_next_case(*, actor: Actor, besides: Iterable[int] = ()) -> Case | None:
    """Take the first case of the queue that this reviewer may decide; None where there is none.

    What is in their hands already comes first in its turn like any other. ``besides`` are passed over.
    """
    reviewer = reviewer_of(actor)
    passed = set(besides)
    while (case := _first(reviewer, passed)) is not None:
        situation = situation_of(case, reviewer)
        if situation.is_mine:
            extend(case, reviewer)
            return case
        if option(DeskAction.TAKE, situation):  # looked at under the lock, as whoever took it in this instant is seen
            _hand_over(actor, case, reviewer)
            return case
        passed.add(case.pk)
    return None


def _first(reviewer: User, passed: set[int]) -> Case | None:
    rows = takeable(reviewer).exclude(pk__in=passed).select_related("organization")
    return rows.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()


@transaction.atomic
def leave_case(*, actor: Actor, case: Case) -> None:
    """Lay it aside: anybody may take it."""
    reviewer = reviewer_of(actor)
    case = lock(case)
    demand(DeskAction.LEAVE, case, reviewer)
    release(case)
    note_event(actor, "review.left", case)


def lock(case: Case) -> Case:
    """The case read anew, under its own lock alone; what decides takes ``casework.locked``."""
    rows = Case.objects.select_for_update(no_key=True, of=("self",)).select_related("organization")
    return rows.get(pk=case.pk)


def extend(case: Case, reviewer: User) -> None:
    """Who does something with a case has it for the whole time again; the caller holds the lock."""
    Assignment.objects.filter(case=case, reviewer=reviewer).update(until=_until())


def release(case: Case) -> None:
    Assignment.objects.filter(case=case).delete()


def give(case: Case, reviewer: User) -> Assignment:
    """Put it into the reviewer's hands; the caller holds the lock and has asked whether it may."""
    kept, _ = Assignment.objects.update_or_create(
        case=case, defaults={"reviewer": reviewer, "since": timezone.now(), "until": _until()}
    )
    return kept


def _hand_over(actor: Actor, case: Case, reviewer: User) -> Assignment:
    before = Assignment.objects.filter(case=case).select_related("reviewer").first()
    assignment = give(case, reviewer)
    was = {"before": {"reviewer": before.reviewer.email}} if before else {}
    note_event(actor, "review.taken", case, **was)
    return assignment


def _until() -> Any:
    return timezone.now() + settings.FREEHOLD_REVIEW_HOLD


# --- What reviewers write among themselves ----------------------------------------------------------------------------


@transaction.atomic
def add_note(*, actor: Actor, case: Case, text: str) -> Note:
    """Write something for other reviewers; nobody else ever sees it."""
    reviewer = reviewer_of(actor)
    case = lock(case)
    demand(DeskAction.NOTE, case, reviewer)
    note = Note.objects.create(case=case, author=reviewer, text=casework.parse_text(text))
    extend(case, reviewer)
    note_event(actor, "review.noted", case, after={"text": note.text})
    return note


@transaction.atomic
def declare_conflict(*, actor: Actor, case: Case, reason: str = "") -> Conflict:
    """Say that one has an interest of one's own in the case: it goes to others, its appeal too. Not taken back."""
    reviewer = reviewer_of(actor)
    case = lock(case)
    situation = demand(DeskAction.DECLARE, case, reviewer)
    conflict = Conflict.objects.create(case=case, reviewer=reviewer, reason=_parse_reason(reason))
    if situation.is_mine:
        release(case)
    note_event(actor, "review.conflict", case, after={"reason": conflict.reason})
    return conflict


def _parse_reason(reason: str) -> str:
    cleaned = " ".join(casework.parse_text(reason, required=False).split())
    if len(cleaned) > REASON_LENGTH:
        raise Invalid(f"A reason has at most {REASON_LENGTH} characters; this one has {len(cleaned)}.")
    return cleaned


def note_event(actor: Actor, action: str, case: Case, **facts: Any) -> None:
    """Into the trail of the site alone: owners read that of their organization, and need not know who looks at what."""
    audit.record(actor, action, casework.target(case), **({"after": {"state": str(case.state)}} | facts))
