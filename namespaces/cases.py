"""What is applied for and reported, its states and what may become of it, as data (DESIGN section 8). Pure.

A *case* is what the desk decides: a claim of a namespace, the application of an organization (for community status, or
to become the other kind), or a dispute about a namespace. All three have one conversation, one queue and one table of
transitions.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class CaseKind(models.TextChoices):
    CLAIM = "claim", _("Claim")
    APPLICATION = "application", _("Application")
    DISPUTE = "dispute", _("Dispute")


class CaseState(models.TextChoices):
    WAITING = "waiting", _("Waiting for a reviewer")
    ASKED = "asked", _("Waiting for an answer")
    PROPOSED = "proposed", _("Waiting for a second reviewer")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    SETTLED = "settled", _("Settled by another decision")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")


class CaseAction(models.TextChoices):
    EDIT = "edit", _("Edit")
    SAY = "say", _("Write")
    ANSWER = "answer", _("Answer")
    WITHDRAW = "withdraw", _("Withdraw")
    APPEAL = "appeal", _("Appeal")
    ASK = "ask", _("Ask")
    PROPOSE = "propose", _("Propose")
    APPROVE = "approve", _("Approve")
    REFUSE = "refuse", _("Refuse")
    DISAGREE = "disagree", _("Disagree")
    UNDO = "undo", _("Undo")
    SETTLE = "settle", _("Settle")
    REOPEN = "reopen", _("Reopen")
    EXPIRE = "expire", _("Expire")


class Party(models.TextChoices):
    """Who says or is asked something. In a claim and an application the filer's organization is the applicant; in a
    dispute a person reports, and the organization that holds the namespace is heard."""

    APPLICANT = "applicant", _("Applicant")
    HOLDER = "holder", _("Holder")
    REVIEWER = "reviewer", _("Reviewer")
    MACHINE = "machine", _("Freehold")


class DecisionOutcome(models.TextChoices):
    APPROVE = "approve", _("Approve")
    REFUSE = "refuse", _("Refuse")


class DecisionState(models.TextChoices):
    PROPOSED = "proposed", _("Proposed")
    EFFECTIVE = "effective", _("In force")
    REJECTED = "rejected", _("Not agreed to")
    UNDONE = "undone", _("Undone")
    APPEALED = "appealed", _("Appealed against")


class EntryKind(models.TextChoices):
    """What an entry of a case's history is."""

    FILED = "filed", _("Filed")
    EDITED = "edited", _("Edited")
    SAID = "said", _("Wrote")
    ASKED = "asked", _("Asked")
    ANSWERED = "answered", _("Answered")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    SETTLED = "settled", _("Settled by another decision")
    REOPENED = "reopened", _("Opened again")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    APPEALED = "appealed", _("Appealed")
    UNDONE = "undone", _("Decision undone")
    EXPIRED = "expired", _("Expired")
    FROZEN = "frozen", _("New projects stopped for the time being")
    UNFROZEN = "unfrozen", _("New projects possible again")


class Moment(models.TextChoices):
    """When an evaluation was made."""

    FILED = "filed", _("When it was filed")
    EDITED = "edited", _("When it was edited")
    ANSWERED = "answered", _("When it was answered")
    LOOKED = "looked", _("When a reviewer asked for it")
    DECIDED = "decided", _("When it was decided")
    RENEWED = "renewed", _("When it was renewed")


class Ground(models.TextChoices):
    """What a dispute rests on."""

    IMPERSONATION = "impersonation", _("The holder passes for somebody else")
    TRADEMARK = "trademark", _("The name is somebody else's mark")
    DECEPTION = "deception", _("The holder's evidence was false")
    ABANDONED = "abandoned", _("The holder does not use it and keeps others from it")
    ABUSE = "abuse", _("What is published under it does harm")


S, A = CaseState, CaseAction

OPEN: tuple[CaseState, ...] = (S.WAITING, S.ASKED, S.PROPOSED)
"""Not decided yet."""

QUEUED: tuple[CaseState, ...] = (S.WAITING, S.PROPOSED)
"""Those that a reviewer can do something about."""

TRANSITIONS: dict[tuple[CaseState, CaseAction], CaseState] = {
    (S.WAITING, A.EDIT): S.WAITING,
    (S.WAITING, A.SAY): S.WAITING,
    (S.WAITING, A.WITHDRAW): S.WITHDRAWN,
    (S.WAITING, A.ASK): S.ASKED,
    (S.WAITING, A.PROPOSE): S.PROPOSED,
    (S.WAITING, A.APPROVE): S.APPROVED,
    (S.WAITING, A.REFUSE): S.REFUSED,
    (S.WAITING, A.SETTLE): S.SETTLED,
    (S.ASKED, A.EDIT): S.WAITING,
    (S.ASKED, A.SAY): S.ASKED,
    (S.ASKED, A.ANSWER): S.WAITING,
    (S.ASKED, A.WITHDRAW): S.WITHDRAWN,
    (S.ASKED, A.SETTLE): S.SETTLED,
    (S.ASKED, A.EXPIRE): S.EXPIRED,
    (S.PROPOSED, A.SAY): S.PROPOSED,
    (S.PROPOSED, A.WITHDRAW): S.WITHDRAWN,
    (S.PROPOSED, A.APPROVE): S.APPROVED,
    (S.PROPOSED, A.REFUSE): S.REFUSED,
    (S.PROPOSED, A.DISAGREE): S.WAITING,
    (S.PROPOSED, A.SETTLE): S.SETTLED,
    (S.APPROVED, A.UNDO): S.WAITING,
    (S.APPROVED, A.EXPIRE): S.EXPIRED,
    (S.REFUSED, A.UNDO): S.WAITING,
    (S.REFUSED, A.APPEAL): S.WAITING,
    (S.SETTLED, A.REOPEN): S.WAITING,
}
"""An approved claim expires when what it waits for, its payment, does not come."""

APPLICANT_ACTIONS: tuple[CaseAction, ...] = (A.EDIT, A.SAY, A.ANSWER, A.WITHDRAW, A.APPEAL)
HOLDER_ACTIONS: tuple[CaseAction, ...] = (A.SAY, A.ANSWER)
"""Of the organization that a dispute is about."""
REVIEWER_ACTIONS: tuple[CaseAction, ...] = (A.ASK, A.PROPOSE, A.APPROVE, A.REFUSE, A.DISAGREE, A.UNDO)
MACHINE_ACTIONS: tuple[CaseAction, ...] = (A.SETTLE, A.REOPEN, A.EXPIRE)


def next_state(state: CaseState, action: CaseAction) -> CaseState | None:
    """Where the action leads from the state, or None when it can't be done there."""
    return TRANSITIONS.get((state, action))


def actions(state: CaseState) -> list[CaseAction]:
    """What may be done now, in the order of the table."""
    return [action for origin, action in TRANSITIONS if origin is state]
